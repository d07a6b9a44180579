package transport

// This file starts a command on a connection, as another user where wanted,
// and sees to passwords and noise until the command itself runs.

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"gorun/modules/wire"
)

// promptTime is for how long a become command may be silent before its mark.
const promptTime = 12 * time.Second

// tailSize is how much of a command's stderr is kept for error messages.
const tailSize = 8 << 10

// noiseLimit is how much a login shell may print before the command runs.
const noiseLimit = 1 << 20

// newNonce makes a word that nobody else prints.
func newNonce() string {
	var b [10]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// startMode says how startAs starts a command.
type startMode struct {
	// marked has startAs wait for a mark of the command's start although
	// nobody else is become: a login shell's noise comes before it.
	marked bool
	tty    bool
	// noInput says that the command is to read nothing: a terminal has no end.
	noInput bool
	// stderr, where not nil, takes the command's stderr instead of the session's tail.
	stderr io.Writer
}

// A session is a command that was started, with its output behind the mark.
type session struct {
	proc   Process
	out    *bufio.Reader
	become Become
	nonce  string
	script string

	errs  tail // stderr before its mark, and behind it where nobody takes it
	noise tail // stdout before the mark

	mu     sync.Mutex
	sent   bool  // the password was sent
	broken error // why the session was ended by us

	drained chan struct{} // closed when stderr is at its end
	once    sync.Once     // of close
	input   sync.Once     // of closeInput
}

// startAs runs script by /bin/sh as b's user. Where a mark is awaited it
// returns after it. A program that becomes only at a terminal (requiretty in
// sudoers) gets one.
func startAs(ctx context.Context, conn Conn, t *Target, b Become, script string, mode startMode) (*session, error) {
	tty := mode.tty || b.Method == "doas" && b.Password != ""
	s, err := startBy(ctx, conn, t, b, script, mode, tty)
	var refused *BecomeError
	if !tty && errors.As(err, &refused) && refused.terminal {
		return startBy(ctx, conn, t, b, script, mode, true)
	}
	return s, err
}

// startBy is startAs with a terminal or without.
func startBy(ctx context.Context, conn Conn, t *Target, b Become, script string, mode startMode, tty bool) (*session, error) {
	nonce := newNonce()
	marked := mode.marked || b.Method != ""
	if tty && mode.noInput && !mode.tty {
		script = "exec </dev/null; " + script
	}
	if marked {
		mark := "echo " + successMark + nonce + "; "
		if !tty {
			// On stderr too: what comes before is the become program's, not the command's.
			mark += "echo " + successMark + nonce + " >&2; "
		}
		script = mark + script
	}
	cmd, err := b.command(script, nonce)
	if err != nil {
		return nil, err
	}
	if tty && marked {
		// The terminal must pass bytes on as they are.
		cmd = "/bin/sh -c " + quote("stty raw -echo; exec "+cmd)
	}
	// The process lives with the session, not with the call that starts it.
	proc, err := conn.Start(context.WithoutCancel(ctx), cmd, StartOptions{TTY: tty})
	if err != nil {
		return nil, err
	}
	s := &session{proc: proc, out: bufio.NewReaderSize(proc.Stdout(), wire.BufferSize), become: b, nonce: nonce, script: script, drained: make(chan struct{})}
	go s.watchErrors(proc.Stderr(), marked, mode.stderr)
	if !marked {
		return s, nil
	}
	if err := s.awaitMark(ctx, t); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// closeInput ends the process's stdin, once: ssh's channel has no lock of its own for it.
func (s *session) closeInput() { s.input.Do(func() { s.proc.Stdin().Close() }) }

// endInput ends the process's stdin and gives it a moment to end by itself.
func (s *session) endInput() {
	s.closeInput()
	exited := make(chan struct{})
	go func() {
		s.proc.Wait()
		close(exited)
	}()
	select {
	case <-exited:
	case <-time.After(closeTime):
	}
}

// close ends the process. Its reader and its user may both find the connection
// broken and call it at the same time.
func (s *session) close() {
	s.once.Do(func() {
		s.closeInput()
		s.proc.Kill()
		go s.proc.Wait()
	})
}

// end breaks the session off for a reason.
func (s *session) end(reason error) {
	s.mu.Lock()
	if s.broken == nil {
		s.broken = reason
	}
	s.mu.Unlock()
	s.close()
}

// awaitMark reads stdout up to the mark.
func (s *session) awaitMark(ctx context.Context, t *Target) error {
	done := make(chan error, 1)
	go func() { done <- s.readMark(s.out, &s.noise) }()
	limit := promptTime
	if t.ConnectTimeout > limit {
		limit = t.ConnectTimeout
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
		return s.markFailure(t, err)
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		if s.become.Method == "" {
			return &UnreachableError{Msg: fmt.Sprintf("Failed to run a command on %s: no answer within %s%s", t.Name, limit, s.errors())}
		}
		return &BecomeError{Msg: fmt.Sprintf("Timeout (%ds) waiting for privilege escalation prompt: %s", int(limit.Seconds()), s.said())}
	}
}

// readMark reads up to the line with the mark, answers prompts, and keeps in t
// what comes before.
func (s *session) readMark(r *bufio.Reader, t *tail) error {
	mark := []byte(successMark + s.nonce)
	var line []byte
	asked := false // one prompt a line
	for range noiseLimit {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		if c == '\n' && bytes.HasSuffix(bytes.TrimRight(line, "\r"), mark) {
			t.drop(len(mark))
			return nil
		}
		t.Write([]byte{c})
		if c == '\n' {
			line, asked = line[:0], false
			continue
		}
		line = append(line, c)
		if !asked && s.become.prompts(line, s.nonce) {
			asked = true
			s.answer()
		}
	}
	return errors.New("the login shell prints without an end")
}

// markFailure is the error of a command that ended before its mark.
func (s *session) markFailure(t *Target, err error) error {
	s.mu.Lock()
	broken, sent := s.broken, s.sent
	s.mu.Unlock()
	if broken != nil {
		return broken
	}
	if err != io.EOF {
		s.close() // it goes on
	}
	select { // what it said comes before its end
	case <-s.drained:
	case <-time.After(2 * time.Second):
	}
	if _, waitErr := s.proc.Wait(); waitErr != nil {
		var u *UnreachableError
		if errors.As(waitErr, &u) {
			return u
		}
	}
	if s.become.Method != "" {
		return s.become.failure(sent, s.said())
	}
	if err == io.EOF {
		err = errors.New("the login shell ended at once")
	}
	said := s.errors()
	if said == "" {
		if text := strings.TrimSpace(s.noise.String()); text != "" {
			said = ": " + text
		}
	}
	return &UnreachableError{Msg: fmt.Sprintf("Failed to run a command on %s: %v%s", t.Name, err, said), Err: err}
}

// answer answers a prompt for the password: once.
func (s *session) answer() {
	b := &s.become
	s.mu.Lock()
	again := s.sent
	s.sent = true
	s.mu.Unlock()
	switch {
	case b.Password == "":
		s.end(b.missing())
	case again:
		s.end(b.incorrect())
	default:
		if _, err := io.WriteString(s.proc.Stdin(), b.Password+"\n"); err != nil {
			s.end(&BecomeError{Msg: fmt.Sprintf("could not send the %s password: %v", b.Method, err), Err: err})
		}
	}
}

// watchErrors reads stderr to its end.
func (s *session) watchErrors(r io.Reader, marked bool, sink io.Writer) {
	defer close(s.drained)
	br := bufio.NewReader(r)
	if marked && s.readMark(br, &s.errs) != nil {
		return // it ended; why is the exit code's and stdout's to tell
	}
	if sink == nil {
		sink = &s.errs
	}
	io.Copy(sink, br) // as above
}

// said is what the command printed before its mark; prompts are left out, and
// our script, which sudo repeats where it refuses.
func (s *session) said() string {
	text := s.errs.String()
	if strings.TrimSpace(text) == "" {
		text = s.noise.String()
	}
	text = strings.ReplaceAll(text, " -c "+s.script, "")
	text = strings.ReplaceAll(text, " -c /bin/sh -c "+escaped(encode(s.script)), "")
	return strings.TrimSpace(strings.ReplaceAll(text, fmt.Sprintf(sudoPrompt, s.nonce), ""))
}

// errors is what the command printed to stderr, as the end of a message.
func (s *session) errors() string {
	text := s.errs.crash()
	if text == "" {
		text = strings.TrimSpace(s.errs.String())
	}
	if text == "" {
		return ""
	}
	return ": " + text
}

// line reads a line of stdout behind the mark.
func (s *session) line(ctx context.Context) (string, error) {
	type answer struct {
		line string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		line, err := s.out.ReadString('\n')
		done <- answer{strings.TrimRight(line, "\r\n"), err}
	}()
	select {
	case a := <-done:
		if a.err == io.EOF {
			select {
			case <-s.drained:
			case <-time.After(time.Second):
			}
		}
		return a.line, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// A tail keeps the last bytes written to it. Its methods are safe for
// concurrent use.
type tail struct {
	mu      sync.Mutex
	data    []byte
	crashed string // what crash found in bytes that are no longer kept
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - tailSize; over > tailSize {
		if t.crashed == "" {
			t.crashed = crashLine(t.data)
		}
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}

// crash is the line with which Go's runtime begins to tell why it ends a
// program (an agent that gets no more memory), "" for none. Every goroutine follows it.
func (t *tail) crash() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.crashed != "" {
		return t.crashed
	}
	return crashLine(t.data)
}

func crashLine(text []byte) string {
	i := bytes.Index(text, []byte("fatal error: "))
	if i < 0 {
		return ""
	}
	line, _, _ := bytes.Cut(text[i:], []byte("\n"))
	return string(line)
}

// drop forgets the last n bytes.
func (t *tail) drop(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = t.data[:max(0, len(t.data)-n)]
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data[max(0, len(t.data)-tailSize):])
}

// gunzip expands data.
func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
