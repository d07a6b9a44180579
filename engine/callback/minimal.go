package callback

// This file defines the minimal and oneline screens, which ad-hoc commands use
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/minimal_callback.html).

import (
	"strings"

	"gorun/templates"
)

// Minimal prints results only. It shares warnings and verbosity with Default.
type Minimal struct {
	*Default
	oneLine bool
}

var _ Callback = (*Minimal)(nil)

// NewMinimal returns the minimal callback, or oneline.
func NewMinimal(s *Screen, set Settings, oneLine bool) *Minimal {
	return &Minimal{Default: NewDefault(s, set), oneLine: oneLine}
}

// PlaybookStart prints nothing.
func (*Minimal) PlaybookStart(string) {}

// PlayStart prints nothing.
func (*Minimal) PlayStart(Play) {}

// NoHostsRemaining prints nothing.
func (*Minimal) NoHostsRemaining() {}

// TaskStart prints nothing.
func (*Minimal) TaskStart(Task) {}

// HandlerTaskStart prints nothing.
func (*Minimal) HandlerTaskStart(Task) {}

// Item prints what an item changed, with --diff; the whole result comes behind the last item.
func (m *Minimal) Item(r Result) {
	if !m.oneLine {
		m.diffs(r)
	}
}

// NoHostsMatched prints nothing.
func (*Minimal) NoHostsMatched() {}

// Included prints nothing: the include's result has been shown.
func (*Minimal) Included(string, []string, string) {}

// Retry prints nothing.
func (*Minimal) Retry(Result) {}

// Stats prints nothing.
func (*Minimal) Stats(Stats) {}

// commandActions print their output as text instead of JSON.
var commandActions = map[string]bool{"command": true, "shell": true, "raw": true}

// Result prints a host's result.
func (m *Minimal) Result(r Result) {
	if !m.oneLine {
		m.diffs(r)
	}
	if !m.oneLine {
		m.warnings(r.Data)
	}
	if !m.oneLine && (r.Status == Failed || r.Status == Unreachable) {
		m.failure(r)
	}
	word, color := m.word(r)
	switch {
	case r.Status == Skipped:
		m.s.Print(r.Host+" | SKIPPED", m.s.Colors.Skip)
	case m.oneLine:
		if raised := m.text(r, "exception"); r.Status == Failed && !r.NoLog && (raised != "" || m.set.Current) {
			if m.isCommand(r) {
				m.s.Print(m.commandLine(r, word), color)
			} else {
				m.s.Print(m.raised(firstOf(raised, noTraceback)), color)
			}
		}
		m.s.Print(m.line(r, word), color)
	case m.isCommand(r):
		m.s.Print(r.Host+" | "+word+" | rc="+m.rc(r)+" >>\n"+m.output(r)+"\n", color)
	default:
		m.s.Print(r.Host+" | "+mark(word)+" => "+dumpJSON(m.visible(r), 4), color)
	}
}

// noTraceback is what the current era's results have for an exception.
const noTraceback = "(traceback unavailable)"

// raised is the line that oneline puts before a failure with a traceback.
func (m *Minimal) raised(traceback string) string {
	if m.set.Verbosity < 3 {
		traceback = strings.TrimSpace(traceback)
		return "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: " + traceback[strings.LastIndexByte(traceback, '\n')+1:]
	}
	return "An exception occurred during task execution. The full traceback is:\n" + strings.ReplaceAll(traceback, "\n", "")
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (m *Minimal) word(r Result) (string, Color) {
	switch r.Status {
	case Changed:
		if !m.oneLine && shortName(r.Task.Action) == "debug" {
			break // its result is shown without changed
		}
		return "CHANGED", m.s.Colors.Changed
	case Failed:
		return "FAILED", m.s.Colors.Error
	case Unreachable:
		return "UNREACHABLE!", m.s.Colors.Unreachable
	}
	return "SUCCESS", m.s.Colors.OK
}

// mark adds the exclamation mark that failures have in the long form.
func mark(word string) string {
	if word == "FAILED" {
		return "FAILED!"
	}
	return word
}

func (m *Minimal) hasKey(r Result, key string) bool { _, ok := r.Data.GetStr(key); return ok }

func (m *Minimal) text(r Result, key string) string {
	v, ok := r.Data.GetStr(key)
	if !ok {
		return ""
	}
	return templates.StrOf(v, templates.Current)
}

// isCommand reports whether a result is shown as a command's.
func (m *Minimal) isCommand(r Result) bool {
	key := "ansible_job_id"
	if r.Status == Failed {
		key = "module_stderr"
	}
	return commandActions[shortName(r.Task.Action)] && r.Status != Unreachable && !m.hasKey(r, key)
}

// rc is a command's exit code; a loop and what did not run have none.
func (m *Minimal) rc(r Result) string {
	if rc := m.text(r, "rc"); rc != "" {
		return rc
	}
	return "-1"
}

// output is a command's output, error output and message, with nothing between them.
func (m *Minimal) output(r Result) string {
	return m.text(r, "stdout") + m.text(r, "stderr") + m.text(r, "msg")
}

func (m *Minimal) line(r Result, word string) string {
	if r.Status == Unreachable {
		return r.Host + " | " + word + ": " + m.text(r, "msg")
	}
	if commandActions[shortName(r.Task.Action)] && r.Status != Failed && !m.hasKey(r, "ansible_job_id") {
		return m.commandLine(r, word)
	}
	indent := -1
	switch shortName(r.Task.Action) {
	case "debug", "assert": // results that are always shown whole
		if !r.Looped && !r.NoLog && r.Status != Failed {
			indent = 4
		}
	}
	return r.Host + " | " + mark(word) + " => " + strings.ReplaceAll(dumpJSON(m.whole(r), indent), "\n", "")
}

// commandLine is a command's result with its output in one line.
func (m *Minimal) commandLine(r Result, word string) string {
	esc := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\n", "\\n"), "\r", "\\r") }
	out := r.Host + " | " + word + " | rc=" + m.rc(r) + " | (stdout) " + esc(m.text(r, "stdout"))
	if e := m.text(r, "stderr"); e != "" {
		out += " (stderr) " + esc(e)
	}
	return out
}

// whole is a result with all that is not internal.
func (m *Minimal) whole(r Result) *templates.Dict {
	out := templates.NewDict(r.Data.Len())
	for k, v := range r.Data.All {
		key := keyText(k)
		if strings.HasPrefix(key, "_ansible_") || key == "failed" || key == "skipped" || key == "warnings" || key == "deprecations" || key == "exception" ||
			m.set.Verbosity < 3 && (key == "invocation" || key == "diff") {
			continue
		}
		out.SetStr(key, v)
	}
	return out
}
