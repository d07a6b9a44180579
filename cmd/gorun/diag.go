package main

// This file prints errors for people: place, line, caret, what was expected
// and the nearest known name. Only this package prints errors and chooses exit
// codes.

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"gorun/engine"
	"gorun/engine/callback"
	"gorun/engine/config"
	"gorun/engine/playbook"
	"gorun/engine/spell"
	"gorun/internal/redact"
	"gorun/templates"
	"gorun/vars/pyyaml"
)

// Exit codes of the command line, beside those of a run (engine.Outcome).
const (
	exitOK      = 0
	exitError   = 1
	exitUsage   = 2
	exitParser  = 4
	exitOptions = 5
	exitQuit    = 99  // the user quit the debugger
	exitSignal  = 130 // SIGINT, as shells count it
	exitBug     = 250
)

// exitCode carries an exit code up to main without another message.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// A diagnostic is one error with its place.
type diagnostic struct {
	pos   templates.Pos
	msg   string
	notes []string
	got   string
	known []string
	// today is msg in the words of today's Ansible, "" for the same.
	today string
	// line is the text at pos where no file has it.
	line string
	exit int // 0: that of the error's kind
}

// A codedError is an error with an exit code of its own.
type codedError struct {
	error
	code int
}

func (e codedError) Unwrap() error { return e.error }

// optionsError gives an error the exit code of options that do not go together.
func optionsError(err error) error { return codedError{err, exitOptions} }

// A chainError is an error that today's Ansible tells with its causes.
type chainError struct {
	error
	chain *callback.Event
}

func (e chainError) Unwrap() error { return e.error }

// printError writes err to w, with its source lines where it has places, and
// returns the exit code that it stands for.
func printError(w io.Writer, err error, color bool) int {
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	var today currentError
	current := errors.As(err, &today)
	head := "ERROR! "
	if errors.Is(err, errInterrupted) {
		head = " [ERROR]: "
	}
	if current {
		w = today.secrets.Writer(w)
		head = "[ERROR]: "
	}
	switch {
	case errors.Is(err, engine.ErrQuit):
		return exitQuit // the debugger has said so
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(w, red(head+errInterrupted.Error(), color))
		return exitSignal
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(w, "%s\n", red(head+usage.Error(), color))
		return exitUsage
	}
	var coded codedError
	isCoded := errors.As(err, &coded)
	var chain chainError
	if current && errors.As(err, &chain) {
		text := "[ERROR]: " + strings.TrimSuffix(chain.chain.String(), "\n")
		fmt.Fprintln(w, red(text, color))
		if isCoded {
			return coded.code
		}
		return exitError
	}
	diags := diagnose(err)
	for _, d := range diags {
		if current {
			fmt.Fprintln(w, red(strings.TrimSuffix(d.event().String(), "\n"), color))
			continue
		}
		writeDiagnostic(w, d, color)
	}
	if len(diags) > 1 {
		fmt.Fprintf(w, "%d errors\n", len(diags))
	}
	switch {
	case isCoded:
		return coded.code
	case diags[0].exit != 0: // Ansible stops at the first
		return diags[0].exit
	case hasPlace(diags):
		return exitParser
	}
	return exitError
}

// The keys under which the program knows, once it has read the configuration,
// that it speaks as today's Ansible, and the registry of the run's secrets.
const (
	inCurrentEra = "current era"
	runsSecrets  = "secrets"
)

// A currentError is an error that is told as today's Ansible does, without the
// secrets of the run.
type currentError struct {
	error
	secrets *redact.Registry // may be nil
}

func (e currentError) Unwrap() error { return e.error }

// event is the diagnostic in the form of today's Ansible.
func (d diagnostic) event() *callback.Event {
	var help []string
	if d.got != "" && !strings.Contains(d.msg, "did you mean") {
		if best := spell.Nearest(d.got, d.known); best != "" {
			help = append(help, fmt.Sprintf("Did you mean '%s'?", best))
		}
	}
	help = append(help, d.notes...)
	msg := d.msg
	if d.today != "" {
		msg = d.today
	}
	context := callback.SourceContext(d.pos)
	if context == "" && len(help) > 0 && !strings.HasSuffix(msg, ".") {
		msg += "."
	}
	if context == "" && d.pos.File != "" {
		context = "Origin: " + absolutePath(d.pos.File)
	}
	if d.line != "" {
		number := fmt.Sprintf("%d ", d.pos.Line)
		context = fmt.Sprintf("Origin: %s:%d:%d\n\n%s%s\n%s%s^ column %[3]d", d.pos.File, d.pos.Line, max(d.pos.Col, 1),
			number, d.line, strings.Repeat(" ", len(number)), caretPad(d.line, d.pos.Col))
	}
	return &callback.Event{Msg: "[ERROR]: " + msg, Help: strings.Join(help, "\n"), Context: context}
}

func hasPlace(diags []diagnostic) bool {
	for _, d := range diags {
		if d.pos.IsValid() {
			return true
		}
	}
	return false
}

// diagnose takes an error apart into what can be shown at a place.
func diagnose(err error) []diagnostic {
	var list playbook.Errors
	if errors.As(err, &list) {
		var out []diagnostic
		for _, e := range list {
			out = append(out, playbookDiagnostic(e))
		}
		return out
	}
	var one *playbook.Error
	if errors.As(err, &one) {
		return []diagnostic{playbookDiagnostic(one)}
	}
	if list := configErrors(err); list != nil {
		return list
	}
	var y *pyyaml.Error
	if errors.As(err, &y) {
		return []diagnostic{playbookDiagnostic(&playbook.Error{Pos: y.Pos, Msg: y.Msg, Line: y.Line, Notes: y.Notes, Cause: y})}
	}
	var t *templates.Error
	if errors.As(err, &t) {
		return []diagnostic{templateDiagnostic(t, err)}
	}
	var kw *engine.KeywordError
	if errors.As(err, &kw) {
		return []diagnostic{{pos: kw.Pos, msg: err.Error(), exit: exitError}}
	}
	return []diagnostic{{msg: err.Error()}}
}

func playbookDiagnostic(e *playbook.Error) diagnostic {
	d := diagnostic{pos: e.Pos, msg: e.Msg, notes: e.Notes, got: e.Got, known: e.Known, exit: e.Exit}
	if strings.HasPrefix(e.Pos.File, "<") {
		d.line = e.Line
	}
	var y *pyyaml.Error
	if errors.As(e.Cause, &y) && y.Msg == e.Msg {
		d.today = y.Today()
	}
	return d
}

// configErrors are the mistakes in ansible.cfg and the environment that err
// joins. Only the lines with the mistakes are shown: others may hold passwords.
func configErrors(err error) []diagnostic {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []diagnostic
		for _, e := range joined.Unwrap() {
			all = append(all, configErrors(e)...)
		}
		return all
	}
	var e *config.Error
	if !errors.As(err, &e) {
		return nil
	}
	if inner := errors.Unwrap(err); inner != nil && inner != error(e) {
		return configErrors(inner)
	}
	d := diagnostic{msg: e.Msg, today: e.Today, got: e.Got, known: e.Known, exit: exitOptions}
	if e.Line > 0 {
		d.pos = templates.Pos{File: e.File, Line: e.Line, Col: e.Col}
		d.line, _ = sourceLine(d.pos)
	}
	return []diagnostic{d}
}

// templateDiagnostic places an error of a template: in its own file, or in
// the YAML file whose text it is.
func templateDiagnostic(t *templates.Error, err error) diagnostic {
	t = atName(t)
	d := diagnostic{pos: t.Place(), msg: err.Error(), got: t.Got, known: knownNames(t)}
	if d.pos.IsValid() && d.pos.Col == 0 && t.Line > 0 {
		if line, col, ok := placeInYAML(t); ok {
			d.pos.Line, d.pos.Col = line, col
		}
	}
	return d
}

// atName is t at the unknown name that it is about, where that stands before the
// filter or operator that failed on its line.
func atName(t *templates.Error) *templates.Error {
	lines := strings.Split(t.Src, "\n")
	if t.Got == "" || t.Line < 1 || t.Line > len(lines) {
		return t
	}
	line := []rune(lines[t.Line-1])
	at := min(max(t.Col-1, 0), len(line))
	if strings.HasPrefix(string(line[at:]), t.Got) {
		return t
	}
	names := regexp.MustCompile(`(?:^|[^\w.])(`+regexp.QuoteMeta(t.Got)+`)(?:\W|$)`).FindAllStringSubmatchIndex(string(line[:at]), -1)
	if len(names) == 0 {
		return t
	}
	named := *t
	named.Col = 1 + utf8.RuneCountInString(string(line[:at])[:names[len(names)-1][2]])
	return &named
}

// placeInYAML finds the place of an error in a scalar of YAML that is folded or
// has escapes.
func placeInYAML(t *templates.Error) (line, col int, ok bool) {
	file, err := os.ReadFile(t.Pos.File)
	if err != nil {
		return 0, 0, false
	}
	at := 0
	for range t.Line - 1 {
		i := strings.IndexByte(t.Src[at:], '\n')
		if i < 0 {
			return 0, 0, false
		}
		at += i + 1
	}
	in, _, _ := strings.Cut(t.Src[at:], "\n")
	at += len(string([]rune(in)[:min(max(t.Col-1, 0), utf8.RuneCountInString(in))]))
	return pyyaml.Locate(string(file), t.Pos.Line, t.Src, at)
}

// knownNames are the names that there are where an error's one is not known.
func knownNames(t *templates.Error) []string {
	if t.Known == nil && t.Names != nil {
		return t.Names()
	}
	return t.Known
}

func writeDiagnostic(w io.Writer, d diagnostic, color bool) {
	head := "ERROR! "
	if d.pos.IsValid() {
		head += fmt.Sprintf("%s:%d:%d: ", d.pos.File, d.pos.Line, max(d.pos.Col, 1))
	} else if d.pos.File != "" && !strings.Contains(d.msg, d.pos.File) {
		head += d.pos.File + ": "
	}
	msg := d.msg
	if d.got != "" && !strings.Contains(msg, "did you mean") {
		if best := spell.Nearest(d.got, d.known); best != "" {
			msg += fmt.Sprintf(" (did you mean '%s'?)", best)
		}
	}
	fmt.Fprintln(w, red(head+msg, color))
	if line, ok := sourceLine(d.pos); ok {
		fmt.Fprintf(w, "\n  %s\n  %s^\n", line, caretPad(line, d.pos.Col))
	}
	for _, n := range d.notes {
		fmt.Fprintln(w, n)
	}
}

// sourceLine reads the line of a place; false where it cannot be read.
func sourceLine(p templates.Pos) (string, bool) {
	if !p.IsValid() || p.File == "" {
		return "", false
	}
	data, err := os.ReadFile(p.File)
	if err != nil || strings.HasPrefix(string(data), "$ANSIBLE_VAULT") {
		return "", false // a vault's lines are never shown
	}
	lines := strings.SplitN(string(data), "\n", p.Line+1)
	if len(lines) < p.Line {
		return "", false
	}
	return strings.TrimRight(lines[p.Line-1], "\r"), true
}

// caretPad is the blank text before the caret: tabs stay tabs, so that it
// stands under its column.
func caretPad(line string, col int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= col-1 {
			break
		}
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func red(s string, color bool) string {
	if !color {
		return s
	}
	return "\x1b[0;31m" + strings.ReplaceAll(s, "\n", "\x1b[0m\n\x1b[0;31m") + "\x1b[0m"
}
