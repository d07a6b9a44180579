package pyyaml

// This file defines the error and where it points.

import (
	"fmt"
	"strings"

	"gorun/templates"
)

// An Error is a text that is no YAML, or YAML that Ansible does not take.
type Error struct {
	Pos templates.Pos
	Msg string
	// Line is the text of the line at Pos, "" where there is none.
	Line string
	// Notes explain what may be meant.
	Notes []string
}

func (e *Error) Error() string {
	switch {
	case !e.Pos.IsValid():
		if e.Pos.File == "" {
			return e.Msg
		}
		return e.Pos.File + ": " + e.Msg
	case e.Pos.Col == 0:
		return fmt.Sprintf("%s:%d: %s", e.Pos.File, e.Pos.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Pos.File, e.Pos.Line, e.Pos.Col, e.Msg)
}

// errorAt returns an error at a place of d.
func (d *Doc) errorAt(pos templates.Pos, msg string, notes ...string) *Error {
	return &Error{Pos: pos, Msg: msg, Line: d.Line(pos.Line), Notes: notes}
}

// Line returns the text of line n (from 1) without its end, "" outside the text.
func (d *Doc) Line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	return strings.TrimRight(d.lines[n-1], "\r\n")
}

// Today is the message in the words of today's Ansible, which names the usual
// mistakes.
func (e *Error) Today() string {
	notes := strings.Join(e.Notes, "\n")
	tab := strings.Contains(e.Msg, "found a tab character") || strings.Contains(notes, "tab character")
	what := strings.ToUpper(e.Msg[:1]) + e.Msg[1:] + "."
	switch {
	case tab:
		what = "Tabs are usually invalid in YAML."
	case strings.Contains(notes, "a colon and a space inside"):
		what = "Colons in unquoted values must be followed by a non-space character."
	case strings.Contains(notes, "value that begins with a quote"):
		what = "Values starting with a quote must end with the same quote."
	case strings.Contains(notes, "value that begins with {{"):
		what = "This may be an issue with missing quotes around a template block."
	case e.Msg == "did not find expected ',' or ']'":
		what = "While parsing a flow sequence " + e.Msg + "."
	case e.Msg == "did not find expected ',' or '}'":
		what = "While parsing a flow mapping " + e.Msg + "."
	case e.Msg == "did not find expected node content":
		what = "While parsing a flow node " + e.Msg + "."
	case strings.HasPrefix(e.Msg, "found undefined alias"):
		what = "Found undefined alias."
	}
	return "YAML parsing failed: " + what
}
