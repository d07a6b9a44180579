package main

// This file asks the person at the terminal: vars_prompt, pause, --step, the debugger.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/term"

	"gorun/engine"
)

// prompt is [engine.Options.Prompt].
func (s *session) prompt(ctx context.Context, p engine.Prompt) (string, error) {
	if p.TerminalOnly && !term.IsTerminal(int(s.stdin.Fd())) {
		s.warn("Not prompting as we are not in interactive mode")
		return "", nil
	}
	if p.Timeout > 0 {
		ctx2, cancel := context.WithTimeout(ctx, p.Timeout)
		defer cancel()
		ctx = ctx2
	}
	for {
		text, err := s.ask(ctx, p)
		if err != nil || !p.Confirm {
			return text, err
		}
		again := p
		again.Text = "confirm " + p.Text
		second, err := s.ask(ctx, again)
		if err != nil {
			return "", err
		}
		if text == second {
			return text, nil
		}
		fmt.Fprintln(s.out, "***** VALUES ENTERED DO NOT MATCH ****")
	}
}

type answer struct {
	text string
	err  error
}

// ask reads one line; it gives up with ctx, leaving the reader to the process's end.
func (s *session) ask(ctx context.Context, p engine.Prompt) (string, error) {
	fmt.Fprint(s.out, p.Text)
	done := make(chan answer, 1)
	fd := int(s.stdin.Fd())
	var old *term.State
	if term.IsTerminal(fd) {
		old, _ = term.GetState(fd) // only to restore the echo after a timeout
	}
	go func() {
		if (p.Private || p.NoEcho) && term.IsTerminal(fd) {
			b, err := term.ReadPassword(fd)
			fmt.Fprintln(s.out)
			done <- answer{string(b), err}
			return
		}
		line, err := s.readLine()
		done <- answer{line, err}
	}()
	select {
	case a := <-done:
		return a.text, a.err
	case <-ctx.Done():
		if old != nil {
			term.Restore(fd, old)
		}
		if p.Timeout > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return "", nil
		}
		return "", ctx.Err()
	}
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
