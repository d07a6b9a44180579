package transport

// This file runs modules and commands on one host as one user.

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorun/modules/agent"
	"gorun/modules/wire"
)

type host struct {
	pool   *pool
	target Target
	become Become
	link   *link
	key    hostKey

	lock   chan struct{} // a lock that a context can break; of client and conn
	client *client
	conn   Conn // that client runs over
}

func (h *host) Local() bool { return h.target.Connection == "local" && h.become.Method == "" }

// agent returns the running agent, started where there is none.
func (h *host) agent(ctx context.Context) (*client, error) {
	if err := lock(ctx, h.lock); err != nil {
		return nil, err
	}
	defer func() { <-h.lock }()
	if h.client != nil && h.client.alive() {
		return h.client, nil
	}
	h.client = nil
	conn, err := h.link.get(ctx, h.pool, &h.target)
	if err != nil {
		return nil, err
	}
	c, err := startAgent(ctx, conn, &h.target, h.become, h.link.agentFile())
	if err != nil {
		h.dropIfDown(conn, err)
		return nil, err
	}
	h.pool.log(3, h.target.Name, fmt.Sprintf("agent: %s/%s, user %s, pid %d", c.hello.OS, c.hello.Arch, c.hello.User, c.hello.PID))
	h.link.file.Store(&c.hello.File)
	h.client, h.conn = c, conn
	return c, nil
}

// dropIfDown forgets a connection that is down, so that the next call connects anew.
func (h *host) dropIfDown(conn Conn, err error) {
	var u *UnreachableError
	if errors.As(err, &u) {
		h.link.drop(conn)
	}
}

// lost makes of an error of the client what the engine sees: an agent that is
// gone is an unreachable host.
func (h *host) lost(c *client, err error) error {
	var l *lostError
	var p *wire.ProtocolError
	if !errors.As(err, &l) && !errors.As(err, &p) {
		return err
	}
	c.fail(err)
	h.lock <- struct{}{}
	defer func() { <-h.lock }()
	if h.client == c {
		h.client = nil
		h.link.drop(h.conn)
	}
	return &UnreachableError{Msg: fmt.Sprintf("Connection to %s was lost: %v", h.target.Name, err), Err: err}
}

func (h *host) closeAgent() {
	h.lock <- struct{}{}
	defer func() { <-h.lock }()
	if h.client != nil {
		h.client.close()
		h.client = nil
	}
}

// Reset drops the connection and the agents that run over it.
func (h *host) Reset(ctx context.Context) error {
	h.pool.mu.Lock()
	var same []*host
	for key, other := range h.pool.hosts {
		if key.target == h.key.target {
			same = append(same, other)
		}
	}
	h.pool.mu.Unlock()
	for _, other := range same {
		other.closeAgent()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// A connection that is broken already has nothing to say at its end.
	_ = h.link.close()
	return nil
}

// Run runs a module in the agent; on the controller itself in this process.
func (h *host) Run(ctx context.Context, r ModuleRequest) (json.RawMessage, error) {
	msg := &wire.RunMessage{
		Module: r.Name, Action: r.Action, Args: r.Args, Check: r.Check, Diff: r.Diff, NoLog: r.NoLog, Verbosity: r.Verbosity,
		Env: r.Env, RemoteTmp: r.RemoteTmp, Shell: r.Shell, Facts: r.Facts, Stream: r.Stream != nil, TellSecrets: r.TellSecrets && r.Async == 0,
		AsyncSeconds: r.Async.Seconds(), AsyncDir: r.AsyncDir,
	}
	if h.Local() {
		if r.Async > 0 {
			return agent.StartJob(ctx, msg)
		}
		return agent.Execute(ctx, h.pool.lookup, msg, r.Stream)
	}
	c, err := h.agent(ctx)
	if err != nil {
		return nil, err
	}
	data, err := c.run(ctx, msg, &r)
	if err != nil {
		return nil, h.lost(c, err)
	}
	return data, nil
}

// Exec runs a command line by the shell without an agent.
func (h *host) Exec(ctx context.Context, cmd string, o ExecOptions) (ExecResult, error) {
	conn, err := h.link.get(ctx, h.pool, &h.target)
	if err != nil {
		return ExecResult{}, err
	}
	res, err := execute(ctx, conn, &h.target, h.become, cmd, o)
	if err != nil {
		h.dropIfDown(conn, err)
	}
	return res, err
}

// execute runs cmd to its end.
func execute(ctx context.Context, conn Conn, t *Target, b Become, cmd string, o ExecOptions) (ExecResult, error) {
	var stdout, stderr bytes.Buffer
	s, err := startAs(ctx, conn, t, b, execScript(cmd, &o), startMode{tty: o.TTY, stderr: &stderr, noInput: o.Stdin == nil})
	if err != nil {
		return ExecResult{}, err
	}
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	if o.Stdin != nil {
		go func() {
			io.Copy(s.proc.Stdin(), o.Stdin) // a command need not read all of it
			s.closeInput()
		}()
	} else {
		s.closeInput()
	}
	_, readErr := io.Copy(&stdout, s.out)
	<-s.drained
	rc, err := s.proc.Wait()
	if ctx.Err() != nil {
		return ExecResult{}, ctx.Err()
	}
	if err == nil && readErr != nil {
		err = &UnreachableError{Msg: fmt.Sprintf("Connection to %s was lost: %v", t.Name, readErr), Err: readErr}
	}
	return ExecResult{RC: rc, Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}, err
}

// execScript is the script for /bin/sh that runs cmd with its environment by its shell.
func execScript(cmd string, o *ExecOptions) string {
	var b strings.Builder
	names := make([]string, 0, len(o.Env))
	for name := range o.Env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "export %s=%s; ", name, quote(o.Env[name]))
	}
	if o.Executable != "" && o.Executable != "/bin/sh" {
		fmt.Fprintf(&b, "exec %s -c %s", quote(o.Executable), quote(cmd))
	} else {
		b.WriteString(cmd)
	}
	return b.String()
}

// PutTemp streams a file into a temporary folder of the host for this run.
func (h *host) PutTemp(ctx context.Context, r io.Reader, size int64, name string) (string, error) {
	if h.Local() {
		return h.putLocal(ctx, r, size, name)
	}
	c, err := h.agent(ctx)
	if err != nil {
		return "", err
	}
	res, err := c.put(ctx, r, wire.PutMessage{Name: name, Size: size}, nil)
	if err != nil {
		return "", h.lost(c, err)
	}
	return res.Path, nil
}

// PutBeside streams a file to where a rename puts it in the place of dest.
func (h *host) PutBeside(ctx context.Context, up Upload) (Uploaded, error) {
	if h.Local() {
		return h.putLocalBeside(ctx, &up)
	}
	c, err := h.agent(ctx)
	if err != nil {
		return Uploaded{}, err
	}
	res, err := c.put(ctx, up.R, wire.PutMessage{Name: up.Name, Size: up.Size, Beside: up.Dest}, up.SHA256)
	if err != nil {
		return Uploaded{}, h.lost(c, err)
	}
	return Uploaded(res), nil
}

func (h *host) putLocalBeside(ctx context.Context, up *Upload) (res Uploaded, err error) {
	hash := sha256.New()
	r := io.TeeReader(up.R, hash)
	if f := agent.CreateBeside(up.Dest); f == nil {
		res.Path, err = h.putLocal(ctx, r, up.Size, up.Name)
	} else {
		res.Path, res.Beside = f.Name(), true
		err = fillLocal(ctx, f, r, up.Size, up.Name)
	}
	end := wire.EndMessage{Size: up.Size}
	if err == nil {
		end.SHA256, err = up.SHA256()
	}
	if err == nil {
		err = end.Check(up.Size, hash.Sum(nil))
	}
	if err != nil && res.Path != "" {
		os.Remove(res.Path)
	}
	return res, err
}

func (h *host) putLocal(ctx context.Context, r io.Reader, size int64, name string) (string, error) {
	dir, err := h.pool.tempDir()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(dir, "f"); err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(name))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	return path, fillLocal(ctx, f, r, size, name)
}

// fillLocal writes the size bytes of name to f and closes it.
func fillLocal(ctx context.Context, f *os.File, r io.Reader, size int64, name string) error {
	n, err := io.Copy(f, contextReader{ctx, r})
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && n != size {
		err = fmt.Errorf("only %d of %d bytes of %s could be read", n, size, name)
	}
	return err
}

// Fetch copies a file of the host to w.
func (h *host) Fetch(ctx context.Context, path string, w io.Writer) (string, error) {
	if h.Local() {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		sum := sha1.New()
		if _, err := io.Copy(io.MultiWriter(w, sum), contextReader{ctx, f}); err != nil {
			return "", err
		}
		return hex.EncodeToString(sum.Sum(nil)), nil
	}
	c, err := h.agent(ctx)
	if err != nil {
		return "", err
	}
	sum, err := c.get(ctx, path, w)
	if err != nil {
		return "", h.lost(c, err)
	}
	return sum, nil
}

// A contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
