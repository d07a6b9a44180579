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

// hostStatus is where a host stands in a play.
type hostStatus int32

const (
	hostRunning     hostStatus = iota
	hostEnded                  // left by meta: end_host
	hostFailed                 // a task failed and nothing rescued it yet
	hostUnreachable            // gone
)

// A hostRun is one host in one batch of a play. Only the walk that the host is
// in changes its status, between tasks; others may ask for it at any time.
type hostRun struct {
	name   string
	status atomic.Int32
	// before says that the host had left the run before this batch.
	before bool
	// cleared says that meta: clear_host_errors ran since the host's failure.
	cleared bool
	// files are the layers of vars_files.
	files []vars.Layer
	// endedRole is the role that meta: end_role left; the host goes on behind it.
	endedRole *playbook.Role
	// rolesDone are the roles that ran to their end on the host.
	rolesRun  map[string]bool // by path: roles of any kind that the host went through
	rolesDone map[string]bool

	mu       sync.Mutex // notified may be set by a task that runs once for all
	notified map[*handler]bool
	saved    []string // notifications whose handlers are looked up when they are flushed

	flushing atomic.Bool // the host runs handlers
}

func (h *hostRun) is(s hostStatus) bool { return hostStatus(h.status.Load()) == s }
func (h *hostRun) set(s hostStatus)     { h.status.Store(int32(s)) }

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

// takeNotified unmarks a handler and reports whether it was marked.
func (h *hostRun) takeNotified(hd *handler) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.notified[hd]
	delete(h.notified, hd)
	return was
}

// running are the hosts that take part in the next task.
func running(hosts []*hostRun) []*hostRun {
	return those(hosts, func(h *hostRun) bool { return h.is(hostRunning) })
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

// ranRole notes that the host went through a role.
func (h *hostRun) ranRole(path string) {
	if h.rolesRun == nil {
		h.rolesRun = map[string]bool{}
	}
	h.rolesRun[path] = true
}
