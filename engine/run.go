package engine

import (
	"context"

	"gorun/engine/playbook"
	"gorun/templates"
)

// TO BE REPLACED within the hour.

// A Run is one run of playbooks or of one ad-hoc task.
type Run struct{ o Options }

// New returns a run.
func New(o Options) *Run { return &Run{o: o} }

// Playbooks runs playbooks one after the other.
func (r *Run) Playbooks(ctx context.Context, books []*playbook.Playbook) (Outcome, error) {
	panic("engine: not built yet")
}

// AdhocTask is the one task of `ansible PATTERN -m MODULE -a ARGS`.
type AdhocTask struct {
	Pattern, Module string
	// ArgsText is -a as given: k=v, free form, or JSON.
	ArgsText    string
	Async, Poll int // seconds; Poll 0 with Async: do not wait
	OneLine     bool
	TaskTimeout int
}

// Adhoc runs one task on the hosts of a pattern.
func (r *Run) Adhoc(ctx context.Context, t AdhocTask) (Outcome, error) {
	panic("engine: not built yet")
}

// ListTasks returns the text of --list-tasks.
func (r *Run) ListTasks(books []*playbook.Playbook) (string, error) {
	return r.List(books, ListWhat{Tasks: true})
}

// ListWhat says what List shows.
type ListWhat struct{ Hosts, Tasks, Tags bool }

// List returns the text that --list-hosts, --list-tasks and --list-tags print together.
func (r *Run) List(books []*playbook.Playbook, what ListWhat) (string, error) {
	panic("engine: not built yet")
}

// KnownAction reports whether an action name can run; near are the nearest
// known names. It is [playbook.Options.KnownAction].
func KnownAction(name string, collections []string) (ok bool, near []string) {
	panic("engine: not built yet")
}

// Globals are the functions lookup, query and q for [templates.Options.Globals].
func Globals() map[string]templates.Value { panic("engine: not built yet") }
