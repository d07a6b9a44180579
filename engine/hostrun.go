package engine

// This file defines what a run knows of one host in one batch.

import (
	"slices"
	"sync"
	"sync/atomic"

	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// A hostRun is one host in one batch of a play. Only the walk that the host is
// in moves it on, between tasks; others may ask for the atomic parts at any time.
type hostRun struct {
	name   string
	cursor cursor
	ahead  cursor // where the host's next task is; as scratch memory

	unreachable atomic.Bool
	// left counts how often the host left ansible_play_hosts, less its returns.
	left atomic.Int32
	// files are the layers of vars_files.
	files []vars.Layer

	rolesBegun map[string]bool // by key: roles of which a task ran
	rolesDone  map[string]bool // by key: those that then came to their end

	mu       sync.Mutex // notified may be set by a task that runs once for all
	notified map[*handler]bool
	saved    []string // notifications whose handlers are looked up when they are flushed
}

// leave takes the host out of ansible_play_hosts.
func (h *hostRun) leave() { h.left.Add(1) }

// notify marks a handler as to be run on the host; it reports whether that is new.
func (h *hostRun) notify(hd *handler) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.notified[hd] {
		return false
	}
	h.notified[hd] = true
	return true
}

// save keeps notifications, each once, in their order.
func (h *hostRun) save(notifications []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range notifications {
		if !slices.Contains(h.saved, n) {
			h.saved = append(h.saved, n)
		}
	}
}

// takeSaved returns the kept notifications and forgets them.
func (h *hostRun) takeSaved() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	saved := h.saved
	h.saved = nil
	return saved
}

// takeNotified unmarks a handler.
func (h *hostRun) takeNotified(hd *handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.notified, hd)
}

// isNotified reports whether a handler is marked.
func (h *hostRun) isNotified(hd *handler) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.notified[hd]
}

// hasNotified reports whether there is something to flush.
func (h *hostRun) hasNotified() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.saved) > 0 || len(h.notified) > 0
}

// those are the hosts that pass keep; the slice itself where all do.
func those(hosts []*hostRun, keep func(h *hostRun) bool) []*hostRun {
	for i, h := range hosts {
		if keep(h) {
			continue
		}
		out := append([]*hostRun(nil), hosts[:i]...)
		for _, h := range hosts[i+1:] {
			if keep(h) {
				out = append(out, h)
			}
		}
		return out
	}
	return hosts
}

// rescueVars are the variables of a rescue section: the task that failed and
// its result.
func rescueVars(t *playbook.Task, action string, result *templates.Dict) *templates.Dict {
	task := templates.NewDict(8)
	name := t.Name.V
	if name == nil {
		name = templates.Str("")
	}
	args := templates.Value(templates.NewDict(0))
	if t.Args != nil {
		args = t.Args
	}
	task.SetStr("name", name)
	task.SetStr("action", templates.Str(action))
	task.SetStr("args", args)
	when := templates.NewList()
	for _, w := range t.When {
		for _, c := range conditionList(w.V) {
			when.Elems = append(when.Elems, templates.Str(condText(c)))
		}
	}
	task.SetStr("when", when)
	reg := templates.Value(templates.None)
	if t.Register != "" {
		reg = templates.Str(t.Register)
	}
	task.SetStr("register", reg)
	task.SetStr("path", templates.Str(t.Pos.File))
	out := templates.NewDict(2)
	out.SetStr("ansible_failed_task", task)
	out.SetStr("ansible_failed_result", result)
	return out
}

// ranTaskOf notes that a task of a role ran on the host.
func (h *hostRun) ranTaskOf(role *playbook.Role) {
	if h.rolesBegun == nil {
		h.rolesBegun, h.rolesDone = map[string]bool{}, map[string]bool{}
	}
	h.rolesBegun[role.Key] = true
}

// completeRole notes that the host is through with a role, if one of its tasks ran.
func (h *hostRun) completeRole(role *playbook.Role) {
	if h.rolesBegun[role.Key] {
		h.rolesDone[role.Key] = true
	}
}

// ranAlready reports whether a role is not to run again on the host.
func (h *hostRun) ranAlready(role *playbook.Role) bool {
	return !role.AllowDuplicates && h.rolesDone[role.Key]
}
