package callback

// This file defines errors with their causes and places, as ansible-core has
// shown them since 2.19.

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"gorun/templates"
)

// An Event is an error, or a warning, with its place and what caused it.
type Event struct {
	Msg, Help string
	// Context is the place with the lines around it, as [SourceContext] gives
	// it; "" where there is none.
	Context string
	// Apart keeps the event from being told with the one that it caused, though
	// their places are the same.
	Apart bool
	Cause *Event
}

// causedBy stands between an error and its cause where both have a place.
const causedBy = "\n<<< caused by >>>\n\n"

// Brief is the message with those of its causes behind it.
func (e *Event) Brief() string {
	var parts []string
	for ; e != nil; e = e.Cause {
		parts = append(parts, e.Msg)
	}
	return joinMessages(parts)
}

// joinMessages puts messages behind each other; one that its forerunner
// ends with already is not said again.
func joinMessages(parts []string) string {
	msg := parts[len(parts)-1]
	for i := len(parts) - 2; i >= 0; i-- {
		if strings.HasSuffix(parts[i], msg) {
			msg = parts[i]
		} else {
			msg = strings.TrimRight(parts[i], ". ") + ": " + msg
		}
	}
	return msg
}

// String is the event as it is shown: causes without a place of their own are
// part of the message, others follow with theirs. It ends with a line break,
// and with a blank line where it has several lines.
func (e *Event) String() string {
	var segments []string
	brief := e.Brief()
	for at := e; at != nil; {
		parts := []string{at.Msg}
		cause := at.Cause
		for cause != nil {
			placed := cause.Context != "" || cause.Help != ""
			if placed && (cause.Apart || cause.Context != at.Context || cause.Help != at.Help) {
				break
			}
			parts = append(parts, cause.Msg)
			cause = cause.Cause
		}
		segments = append(segments, segment(joinMessages(parts), at.Help, at.Context))
		at = cause
	}
	text := strings.Join(segments, causedBy)
	if len(segments) > 1 {
		text = brief + "\n\n" + text
	}
	text = strings.TrimSpace(text)
	if strings.Contains(text, "\n") {
		return text + "\n\n"
	}
	return text + "\n"
}

func segment(msg, help, context string) string {
	switch {
	case help != "" && context == "" && !strings.Contains(msg+help, "\n"):
		return msg + " " + help + "\n"
	case context != "":
		msg += "\n" + context
	}
	if help != "" {
		msg += "\n\n" + help
	}
	return msg + "\n"
}

// contextWidth is how wide the lines of a source context are at most.
const contextWidth = 120

// SourceContext shows a place: its name, the line with two before it, and a
// mark below the column. It is "" for no place.
func SourceContext(p templates.Pos) string { return sourceContext(p, false) }

// TextContext is SourceContext for the place of a [templates.Text]: it shows
// where the scalar begins that the text is, at its quote or bar.
func TextContext(p templates.Pos) string { return sourceContext(p, true) }

func sourceContext(p templates.Pos, text bool) string {
	if !p.IsValid() {
		return ""
	}
	if abs, err := filepath.Abs(p.File); err == nil {
		p.File = abs
	}
	data, err := os.ReadFile(p.File)
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	if text && err == nil {
		p = scalarStart(lines, p)
	}
	origin := fmt.Sprintf("Origin: %s:%d", p.File, p.Line)
	if p.Col > 0 {
		origin += fmt.Sprintf(":%d", p.Col)
	}
	switch {
	case os.IsNotExist(err):
		return origin + "\n\n(source not shown: FileNotFoundError)"
	case err != nil:
		return origin + "\n\n(source not shown: OSError)"
	case bytes.HasPrefix(data, []byte("$ANSIBLE_VAULT")):
		return origin + "\n\n(source not shown: content encrypted)"
	}
	if p.Line > len(lines) {
		return origin + "\n\n(source not shown: file truncated)"
	}
	return origin + "\n\n" + annotate(lines, p.Line, p.Col)
}

var (
	blockIndicator = regexp.MustCompile(`[|>][-+0-9]*[ \t]*(?:#.*)?$`)
	// plainOpening is of a scalar without quotes, which other lines go on with.
	plainOpening  = regexp.MustCompile(`^[ \t]*(?:-[ \t]+)*(?:[^\s"'#][^#]*?:[ \t]+)?([^\s"'|>#])`)
	scalarOpening = regexp.MustCompile(`(?:^|[-:?,\[{][ \t]+|^[ \t]*)(?:[!&][^ \t]*[ \t]+)*(["'|>])`)
)

// scalarStart finds the begin of the scalar whose text is at p.
func scalarStart(lines []string, p templates.Pos) templates.Pos {
	if p.Line > len(lines) {
		return p
	}
	line := []rune(lines[p.Line-1])
	if p.Col == 0 { // folded or with escapes: only the line is known
		m := scalarOpening.FindStringSubmatchIndex(lines[p.Line-1])
		if m == nil {
			m = plainOpening.FindStringSubmatchIndex(lines[p.Line-1])
		}
		if m != nil {
			p.Col = utf8.RuneCountInString(lines[p.Line-1][:m[2]]) + 1
		}
		return p
	}
	if p.Col >= 2 && p.Col <= len(line)+1 && (line[p.Col-2] == '"' || line[p.Col-2] == '\'') {
		p.Col--
		return p
	}
	if p.Col > len(line)+1 || strings.TrimSpace(string(line[:p.Col-1])) != "" {
		return p
	}
	for n := p.Line - 1; n > 0; n-- {
		above := lines[n-1]
		if strings.TrimSpace(above) == "" {
			continue
		}
		if m := blockIndicator.FindStringIndex(above); m != nil {
			p.Line, p.Col = n, utf8.RuneCountInString(above[:m[0]])+1
		}
		break
	}
	return p
}

// KeyContext shows the first line from p on that has key as a key.
func KeyContext(p templates.Pos, key string) string {
	data, err := os.ReadFile(p.File)
	if err != nil {
		return ""
	}
	re := regexp.MustCompile(`^([ \t{-]*)["']?` + regexp.QuoteMeta(key) + `["']?[ \t]*:`)
	for i, line := range strings.Split(string(data), "\n") {
		if m := re.FindStringSubmatchIndex(line); m != nil && i+1 >= p.Line {
			return SourceContext(templates.Pos{File: p.File, Line: i + 1, Col: m[3] + 1})
		}
	}
	return ""
}

// annotate shows a line with up to two before it and a mark below.
func annotate(lines []string, line, col int) string {
	digits := len(fmt.Sprint(line))
	width := contextWidth - digits - 1
	usable := width
	var b strings.Builder
	for n := max(line-2, 1); n <= line; n++ {
		text := []rune(strings.ReplaceAll(lines[n-1], "\t", " "))
		if len(text) > width {
			text = append(text[:width-3:width-3], []rune("...")...)
			usable = width - 3
		}
		fmt.Fprintf(&b, "%*d", digits, n)
		if len(text) > 0 {
			b.WriteString(" " + string(text))
		}
		b.WriteByte('\n')
	}
	mark := fmt.Sprintf("column %d", col)
	switch {
	case col <= 0:
		mark = strings.Repeat("^", min(width, utf8.RuneCountInString(lines[line-1])))
	case usable < col:
		return strings.TrimSuffix(b.String(), "\n")
	case col+1+len(mark) > width:
		mark = strings.Repeat(" ", col-2-len(mark)) + mark + " ^"
	default:
		mark = strings.Repeat(" ", col-1) + "^ " + mark
	}
	return b.String() + strings.Repeat(" ", digits) + " " + mark
}

// failure shows the error of a result, each once a run.
func (d *Default) failure(r Result) {
	if !d.set.Current || r.Error == nil {
		return
	}
	text := "[ERROR]: " + r.Error.String()
	if d.first(d.errors, text) {
		d.printFailure(text, d.s.Colors.Error)
	}
}

// ShowError shows an error of the run on the standard error, where cb can.
func ShowError(cb Callback, msg string) {
	if s, ok := cb.(interface{ Error(msg string) }); ok {
		s.Error(msg)
	}
}

// Error shows an error that is no task's.
func (d *Default) Error(msg string) {
	if text := "[ERROR]: " + msg; d.first(d.errors, text) {
		d.s.PrintErr(d.lines(text), d.s.Colors.Error)
	}
}
