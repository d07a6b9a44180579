package main

// This file asks the person at the terminal: vars_prompt, pause, --step, the
// debugger, passwords.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"gorun/engine"
	"gorun/engine/action"
)

// prompt is [engine.Options.Prompt].
func (s *session) prompt(ctx context.Context, p engine.Prompt) (string, error) {
	interactive := term.IsTerminal(int(s.stdin.Fd()))
	if p.TerminalOnly && !interactive {
		s.warn("Not prompting as we are not in interactive mode")
		return "", nil
	}
	if p.Pause && interactive {
		return s.pause(ctx, p)
	}
	if p.Timeout > 0 {
		ctx2, cancel := context.WithTimeout(ctx, p.Timeout)
		defer cancel()
		ctx = ctx2
	}
	for {
		text, err := s.ask(ctx, s.out, p)
		if errors.Is(err, io.EOF) {
			return "", endOfInput{strings.TrimRight(p.Text, ": ")}
		}
		if err == nil && p.Banner {
			s.screen.Banner(p.Text)
		}
		if err != nil || !p.Confirm {
			return text, err
		}
		again := p
		again.Text = "confirm " + p.Text
		second, err := s.ask(ctx, s.out, again)
		if err != nil {
			return "", err
		}
		if text == second {
			return text, nil
		}
		fmt.Fprintln(s.out, "***** VALUES ENTERED DO NOT MATCH ****")
	}
}

// endOfInput is an [io.EOF] where an answer was asked for.
type endOfInput struct{ prompt string }

func (e endOfInput) Error() string { return "EOFError (ctrl-d) on prompt for (" + e.prompt + ")" }

func (e endOfInput) Unwrap() error { return io.EOF }

type answer struct {
	text string
	err  error
}

// ask shows a prompt on w and reads one line; it gives up with ctx, leaving the
// reader to the process's end.
func (s *session) ask(ctx context.Context, w io.Writer, p engine.Prompt) (string, error) {
	restore := func() {}
	hidden := p.Private || p.NoEcho
	if hidden {
		restore = s.hideTyping() // before the prompt: whoever sees it may type at once
	}
	defer restore()
	fmt.Fprint(w, p.Text)
	done := make(chan answer, 1)
	go func() {
		line, err := s.readLine()
		done <- answer{line, err}
	}()
	select {
	case a := <-done:
		if hidden && a.err == nil && term.IsTerminal(int(s.stdin.Fd())) {
			fmt.Fprintln(w)
		}
		return a.text, a.err
	case <-ctx.Done():
		if p.Timeout > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return "", nil
		}
		return "", ctx.Err()
	}
}

// setTerminal changes the modes of the terminal; restore undoes it. Without a
// terminal both do nothing.
func (s *session) setTerminal(change func(*unix.Termios)) (restore func()) {
	fd := int(s.stdin.Fd())
	old, err := term.GetState(fd)
	if err != nil {
		return func() {}
	}
	modes, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
	if err != nil {
		return func() {}
	}
	change(modes)
	if err := unix.IoctlSetTermios(fd, ioctlSetTermios, modes); err != nil {
		return func() {}
	}
	return func() { term.Restore(fd, old) }
}

// hideTyping switches the echo off.
func (s *session) hideTyping() (restore func()) {
	return s.setTerminal(func(m *unix.Termios) { m.Lflag &^= unix.ECHO })
}

const ctrlC = 0x03

// pause reads keys as the action pause does: the line that is typed is cleared
// when it is whole; behind ctrl-C the key C ends the wait and A the task.
func (s *session) pause(ctx context.Context, p engine.Prompt) (string, error) {
	defer s.setTerminal(func(m *unix.Termios) {
		m.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
		m.Cc[unix.VMIN], m.Cc[unix.VTIME] = 1, 0
	})()
	fmt.Fprint(s.out, p.Text)
	var deadline time.Time
	if p.Timeout > 0 {
		deadline = time.Now().Add(p.Timeout)
	}
	var line []byte
	for {
		key, ok, err := s.key(ctx, deadline)
		switch {
		case err != nil || !ok:
			return string(line), err
		case key == ctrlC:
			return string(line), s.continueOrAbort(ctx, deadline)
		case key == '\r' || key == '\n':
			if !p.NoEcho {
				fmt.Fprint(s.out, clearLine)
			}
			return string(line), nil
		case key == 0x7f || key == '\b':
			_, n := utf8.DecodeLastRune(line)
			line = line[:len(line)-n]
			if !p.NoEcho {
				fmt.Fprint(s.out, clearLine+string(line))
			}
		default:
			line = append(line, key)
			if !p.NoEcho {
				s.out.Write([]byte{key})
			}
		}
	}
}

// clearLine erases what stands in the terminal's line.
const clearLine = "\r\x1b[K"

// continueOrAbort asks what a ctrl-C means.
func (s *session) continueOrAbort(ctx context.Context, deadline time.Time) error {
	fmt.Fprint(s.out, clearLine+"Press 'C' to continue the play or 'A' to abort \r\n")
	for {
		key, ok, err := s.key(ctx, deadline)
		switch {
		case err != nil || !ok || key == 'c' || key == 'C':
			return err
		case key == 'a' || key == 'A':
			return action.ErrAborted
		}
	}
}

// lookForEnd is how often a wait for a key looks whether the run has ended.
const lookForEnd = 100 * time.Millisecond

// key waits for a key; ok is false where none came before the deadline, if
// there is one, or the terminal is gone.
func (s *session) key(ctx context.Context, deadline time.Time) (key byte, ok bool, err error) {
	fd := int(s.stdin.Fd())
	for ctx.Err() == nil {
		wait := lookForEnd
		if !deadline.IsZero() {
			if wait = min(wait, time.Until(deadline)); wait <= 0 {
				return 0, false, nil
			}
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(wait.Milliseconds())+1)
		if errors.Is(err, unix.EINTR) || err == nil && n == 0 {
			continue
		}
		if err != nil {
			return 0, false, err
		}
		var b [1]byte
		n, err = unix.Read(fd, b[:])
		return b[0], n == 1, err
	}
	return 0, false, ctx.Err()
}

// readLine reads a line from the one reader of the standard input, so that
// piped answers are not lost between prompts.
func (s *session) readLine() (string, error) {
	if s.lines == nil {
		s.lines = bufio.NewReader(s.stdin)
	}
	line, err := s.lines.ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
