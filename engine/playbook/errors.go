package playbook

// This file defines the loader's errors.

import (
	"errors"
	"fmt"
	"strings"

	"gorun/vars/pyyaml"
)

// An Error is one mistake in a playbook, a task file or a role.
type Error struct {
	Pos Pos
	Msg string
	// Line is the text of the line at Pos, "" where there is none.
	Line string
	// Got and Known are set where a name is unknown, for a hint.
	Got   string
	Known []string
	// Notes explain what may be meant.
	Notes []string
	Cause error
	// Exit is the exit code with which Ansible ends over this mistake, 0: that
	// of a parser error.
	Exit int
}

// ErrRoleNotFound is the cause of the error about a role that is nowhere.
var ErrRoleNotFound = errors.New("role not found")

// ErrNoVariables is the cause of the error about a variable file without a dictionary.
var ErrNoVariables = errors.New("no dictionary of variables")

// Exit codes of Ansible: after a mistake of any kind, of a parser, of options.
const (
	exitError   = 1
	exitParser  = 4
	exitOptions = 5
)

func (e *Error) Error() string {
	switch {
	case e.Pos.File == "":
		return e.Msg
	case !e.Pos.IsValid():
		return e.Pos.File + ": " + e.Msg
	case e.Pos.Col == 0:
		return fmt.Sprintf("%s:%d: %s", e.Pos.File, e.Pos.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Pos.File, e.Pos.Line, e.Pos.Col, e.Msg)
}

func (e *Error) Unwrap() error { return e.Cause }

// Errors are all that the loader found, in the order it read.
type Errors []*Error

// OnlyHost reports whether, in a file that is included while the play runs, the
// mistake fails the hosts that include it: a parser error ends the run.
func (es Errors) OnlyHost() bool { return len(es) > 0 && es[0].Exit == exitError }

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// asError makes an *Error of an error of YAML or of reading a file.
func asError(err error, file string) *Error {
	var y *pyyaml.Error
	if errors.As(err, &y) {
		return &Error{Pos: y.Pos, Msg: y.Msg, Line: y.Line, Notes: y.Notes, Cause: err}
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Pos: Pos{File: file}, Msg: err.Error(), Cause: err}
}
