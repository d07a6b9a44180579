package callback

// This file defines callbacks side by side: the screen's and those that
// callbacks_enabled names.

import (
	"fmt"
	"slices"
	"strings"

	"gorun/internal/redact"
)

// Multi tells the screen's callback of each event, then the others. None sees
// the secrets of a result.
type Multi struct {
	Screen  Callback
	Others  []Callback
	Secrets *redact.Registry // nil: results are told as they are
}

var _ Callback = (*Multi)(nil)

func (m *Multi) each(tell func(c Callback)) {
	tell(m.Screen)
	for _, c := range m.Others {
		tell(c)
	}
}

// PlaybookStart is [Callback].PlaybookStart for all.
func (m *Multi) PlaybookStart(file string) { m.each(func(c Callback) { c.PlaybookStart(file) }) }

// PlayStart is [Callback].PlayStart for all.
func (m *Multi) PlayStart(p Play) { m.each(func(c Callback) { c.PlayStart(p) }) }

// NoHostsMatched is [Callback].NoHostsMatched for all.
func (m *Multi) NoHostsMatched() { m.each(Callback.NoHostsMatched) }

// NoHostsRemaining is [Callback].NoHostsRemaining for all.
func (m *Multi) NoHostsRemaining() { m.each(Callback.NoHostsRemaining) }

// TaskStart is [Callback].TaskStart for all.
func (m *Multi) TaskStart(t Task) { m.each(func(c Callback) { c.TaskStart(t) }) }

// HandlerTaskStart is [Callback].HandlerTaskStart for all.
func (m *Multi) HandlerTaskStart(t Task) { m.each(func(c Callback) { c.HandlerTaskStart(t) }) }

// Result is [Callback].Result for all.
func (m *Multi) Result(r Result) {
	r = masked(r, m.Secrets)
	m.each(func(c Callback) { c.Result(r) })
}

// Item is [Callback].Item for all.
func (m *Multi) Item(r Result) {
	r = masked(r, m.Secrets)
	m.each(func(c Callback) { c.Item(r) })
}

// Retry is [Callback].Retry for all.
func (m *Multi) Retry(r Result) {
	r = masked(r, m.Secrets)
	m.each(func(c Callback) { c.Retry(r) })
}

// Included is [Callback].Included for all.
func (m *Multi) Included(file string, hosts []string, item string) {
	m.each(func(c Callback) { c.Included(file, hosts, item) })
}

// Notified is [Callback].Notified for all.
func (m *Multi) Notified(handler, host string) {
	m.each(func(c Callback) { c.Notified(handler, host) })
}

// AsyncPoll is [Callback].AsyncPoll for all.
func (m *Multi) AsyncPoll(r Result) {
	r = masked(r, m.Secrets)
	m.each(func(c Callback) { c.AsyncPoll(r) })
}

// Stats is [Callback].Stats for all.
func (m *Multi) Stats(s Stats) { m.each(func(c Callback) { c.Stats(s) }) }

// Warning, Deprecated, Verbose, Line and Display are the screen's alone.

// Warning is the screen's.
func (m *Multi) Warning(msg string) { m.Screen.Warning(msg) }

// Deprecated is the screen's.
func (m *Multi) Deprecated(msg string) { m.Screen.Deprecated(msg) }

// Verbose is the screen's.
func (m *Multi) Verbose(level int, host, msg string) { m.Screen.Verbose(level, host, msg) }

// Line is the screen's.
func (m *Multi) Line(host, line string) { m.Screen.Line(host, line) }

// Display is the screen's.
func (m *Multi) Display(msg string) { m.Screen.Display(msg) }

// HostStart is for those that want to know that a host begins a task.
func (m *Multi) HostStart(t Task, host string) {
	m.each(func(c Callback) {
		if s, ok := c.(interface{ HostStart(t Task, host string) }); ok {
			s.HostStart(t, host)
		}
	})
}

// Error is the screen's, where it shows errors with their places.
func (m *Multi) Error(msg string) {
	if s, ok := m.Screen.(interface{ Error(msg string) }); ok {
		s.Error(msg)
	}
}

// silent is a callback that tells nothing; others embed it and tell what they
// are for.
type silent struct{}

func (silent) PlaybookStart(string)              {}
func (silent) PlayStart(Play)                    {}
func (silent) NoHostsMatched()                   {}
func (silent) NoHostsRemaining()                 {}
func (silent) TaskStart(Task)                    {}
func (silent) HandlerTaskStart(Task)             {}
func (silent) Result(Result)                     {}
func (silent) Item(Result)                       {}
func (silent) Retry(Result)                      {}
func (silent) Included(string, []string, string) {}
func (silent) Notified(string, string)           {}
func (silent) AsyncPoll(Result)                  {}
func (silent) Stats(Stats)                       {}
func (silent) Warning(string)                    {}
func (silent) Deprecated(string)                 {}
func (silent) Verbose(int, string, string)       {}
func (silent) Line(string, string)               {}
func (silent) Display(string)                    {}

// Extras are the options of the callbacks beside the screen's.
type Extras struct {
	Current                   bool // as the current era's
	JUnitDir, TreeDir, LogDir string
	// ProfileSort is ascending, descending or none; ProfileLimit a number of tasks or "all".
	ProfileSort, ProfileLimit string
	// TasksSummaryOnly and RolesSummaryOnly leave out the times at each task, in the current era.
	TasksSummaryOnly, RolesSummaryOnly bool
}

// beside are the callbacks that callbacks_enabled can name.
var beside = map[string]func(s *Screen, x Extras) Callback{
	"junit":         func(s *Screen, x Extras) Callback { return newJUnit(x, s) },
	"tree":          func(s *Screen, x Extras) Callback { return newTree(x.TreeDir, s) },
	"log_plays":     func(s *Screen, x Extras) Callback { return newLogPlays(x.LogDir, s) },
	"timer":         func(s *Screen, x Extras) Callback { return newTimer(s, x.Current) },
	"profile_tasks": func(s *Screen, x Extras) Callback { return newProfileTasks(s, x) },
	"profile_roles": func(s *Screen, x Extras) Callback { return newProfileRoles(s, x) },
}

// Known reports whether gorun has a callback that callbacks_enabled or
// stdout_callback may name so.
func Known(name string) bool {
	return beside[ownName(name)] != nil || stdout[ownName(name)] != nil
}

// homes are the collections that Ansible's own callbacks are in.
var homes = []string{"ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general."}

// ownName is the short name of a callback of Ansible's; others stay as they are.
func ownName(name string) string {
	for _, h := range homes {
		if short, ok := strings.CutPrefix(name, h); ok {
			return short
		}
	}
	return name
}

// Enable puts the callbacks of names, and those of more, beside one of the
// screen. A name that is not known is an error that tells the known ones; the
// others are still there.
func Enable(screen Callback, names []string, s *Screen, x Extras, more ...Callback) (Callback, error) {
	m := &Multi{Screen: screen, Secrets: s.Secrets}
	var unknown []string
	seen := map[string]bool{}
	for _, n := range names {
		if seen[ownName(n)] {
			continue
		}
		seen[ownName(n)] = true
		if f, ok := beside[ownName(n)]; ok {
			m.Others = append(m.Others, f(s, x))
		} else if _, ok := stdout[ownName(n)]; !ok {
			unknown = append(unknown, n)
		}
	}
	var err error
	if len(unknown) > 0 {
		err = fmt.Errorf("callbacks_enabled: unknown callback %s (known: %s)", strings.Join(unknown, ", "), strings.Join(sortedNames(beside), ", "))
	}
	m.Others = append(m.Others, more...)
	if len(m.Others) == 0 && m.Secrets == nil {
		return screen, err
	}
	return m, err
}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
