package engine

// This file does meta tasks
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/meta_module.html).

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/foreign"
	"gorun/engine/playbook"
	"gorun/templates"
)

// isMeta reports whether a task is a meta task.
func isMeta(t *playbook.Task) bool { return shortAction(t) == "meta" }

// shortAction is the action's name without the builtin collection's.
func shortAction(t *playbook.Task) string {
	for _, pre := range []string{"ansible.builtin.", "ansible.legacy."} {
		if s, ok := strings.CutPrefix(t.Action, pre); ok {
			return s
		}
	}
	return t.Action
}

// bypassesHosts reports whether an action runs once for all hosts.
func bypassesHosts(t *playbook.Task) bool {
	switch shortAction(t) {
	case "add_host", "pause":
		return true
	}
	return false
}

// metaAction is what a meta task is to do; "" of other tasks.
func metaAction(t *playbook.Task) string {
	if !isMeta(t) || t.Args == nil {
		return ""
	}
	return firstText(t.Args, "_raw_params", "free_form")
}

// onceForAll reports whether a meta task is done once for all hosts, as the
// first host's condition says.
func onceForAll(t *playbook.Task) bool {
	switch metaAction(t) {
	case "end_host", "end_role", "reset_connection", "flush_handlers", "noop", "role_complete":
		return false
	}
	return true
}

// meta does a meta task with one host.
func (w *walk) meta(ctx context.Context, tn turn) {
	p, h, t := w.p, tn.h, tn.t
	what := metaAction(t)
	switch {
	case what == "":
		p.r.stop(&KeywordError{t.ActionPos, fmt.Errorf("meta: no action given")})
		return
	case t == p.flusher:
		p.flush(ctx, h)
		return
	case completesRole(t):
		h.completeRole(t.Role)
		return
	}
	if tn.hd != nil {
		h.takeNotified(tn.hd)
	}
	p.announce(ctx, t, h.name)
	if unconditional[what] && len(t.AllWhen()) > 0 {
		p.r.warn(what + " task does not support when conditional")
	} else if ok, _, err := p.r.all(ctx, "when", t.AllWhen(), p.scope(h.name, t)); err != nil {
		p.stopMeta(h, t, err)
		return
	} else if !ok {
		p.skipMeta(ctx, h, t, what)
		return
	}
	w.doMeta(ctx, h, t, what)
}

// unconditional are the actions that Ansible does whatever their when says.
var unconditional = map[string]bool{"noop": true, "refresh_inventory": true, "reset_connection": true}

// stopMeta ends the run where the condition of a meta task is wrong.
func (p *playRun) stopMeta(h *hostRun, t *playbook.Task, err error) {
	var cond *conditionError
	if !errors.As(err, &cond) {
		p.r.stop(err)
		return
	}
	if p.r.o.Era < templates.Current {
		tr := &taskRun{p: p, r: p.r, h: h, t: t, scope: p.scope(h.name, t)}
		p.r.stop(&KeywordError{t.Pos, errors.New(strings.TrimSuffix(tr.explain214(err), tr.offending(t.Pos)))})
		return
	}
	p.r.stop(&KeywordError{cond.pos, errors.New(conditionEvent(cond).Cause.Brief())})
}

// skipMeta tells of a meta task whose condition was false.
func (p *playRun) skipMeta(ctx context.Context, h *hostRun, t *playbook.Task, what string) {
	msg, rest := what, ""
	switch what {
	case "flush_handlers":
		rest = "not running handlers for " + h.name
	case "clear_facts":
		rest = "not clearing facts and fact cache for " + h.name
	case "clear_host_errors":
		rest = "not clearing host error state for " + h.name
	case "end_batch":
		rest = "continuing current batch"
	case "end_play":
		rest = "continuing play"
	case "end_host":
		rest = "continuing execution for " + h.name
		msg = "end_host conditional evaluated to false, " + rest
	case "end_role":
		rest = "continuing role"
		if t.Role != nil {
			rest += " " + t.Role.Name
		}
		rest += " for " + h.name
	default:
		return
	}
	reason := what + " conditional evaluated to False, " + rest
	p.r.cb.Verbose(2, "", "META: "+reason)
	d := templates.NewDict(3)
	if p.r.o.Era >= templates.Current {
		d.SetStr("changed", templates.Bool(false))
	}
	d.SetStr("msg", templates.Str(msg))
	d.SetStr("skip_reason", templates.Str(reason))
	shown := p.shownTask(ctx, t, h.name)
	if shown.NoLog {
		d = censored(d)
	}
	res := callback.Result{Host: h.name, Status: callback.Skipped, Data: d, Task: shown, NoLog: shown.NoLog}
	p.r.cb.tell(func(cb callback.Callback) { cb.Result(res) })
}

// doMeta does the action for a host whose condition holds.
func (w *walk) doMeta(ctx context.Context, h *hostRun, t *playbook.Task, what string) {
	p := w.p
	say := func(msg string) { p.r.cb.Verbose(2, "", "META: "+msg) }
	switch what {
	case "noop":
		say("noop")
	case "role_complete":
	case "flush_handlers":
		if h.cursor.flushing {
			p.r.stop(errors.New("flush_handlers cannot be used as a handler"))
			return
		}
		p.flush(ctx, h)
		say("triggered running handlers for " + h.name)
	case "end_host":
		p.endHost(h)
		say("ending play for " + h.name)
	case "end_play":
		p.end(true)
		say("ending play")
	case "end_batch":
		p.end(false)
		say("ending batch")
	case "end_role":
		if t.Role == nil {
			p.r.stop(&KeywordError{t.ActionPos, fmt.Errorf("Cannot execute 'end_role' from outside of a role")})
			return
		}
		p.endRole(ctx, h)
		say("ending role " + t.Role.Name + " for " + h.name)
	case "clear_facts":
		for _, h := range p.batch {
			p.r.o.Vars.ClearFacts(h.name)
		}
		say("facts cleared")
	case "clear_host_errors":
		p.clearErrors(h)
		say("cleared host errors")
	case "refresh_inventory":
		if p.r.o.Refresh != nil {
			if err := p.r.o.Refresh(); err != nil {
				p.r.stop(err)
				return
			}
		}
		say("inventory successfully refreshed")
	case "reset_connection":
		p.resetConnection(ctx, h, t)
		say("reset connection")
	default:
		p.r.stop(&KeywordError{t.ActionPos, fmt.Errorf("invalid meta action requested: %s", what)})
	}
}

// endRole takes a host to the end of the role that it is in.
func (p *playRun) endRole(ctx context.Context, h *hostRun) {
	for {
		tn := p.peek(ctx, h)
		if tn.t == nil || completesRole(tn.t) {
			return
		}
		h.advance()
	}
}

// clearErrors takes the play's failed and unreachable hosts back: those that are
// still in it go on where they were, the others, also of other batches, have
// their turn in the next. Where each host goes its own way, the places known to
// stand still are by's and those of hosts that failed in an earlier play.
func (p *playRun) clearErrors(by *hostRun) {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	for _, h := range p.batch {
		h.unreachable.Store(false)
		if h == by || !p.free() || p.earlier[h.name] {
			h.cursor.clear()
		}
	}
	for _, name := range p.allHosts {
		delete(p.r.failed, name)
		delete(p.r.unreachable, name)
		delete(p.earlier, name)
	}
}

// resetConnection drops the connection that the host's tasks use.
func (p *playRun) resetConnection(ctx context.Context, h *hostRun, t *playbook.Task) {
	c, err := p.connect(ctx, t, p.scope(h.name, t), h.name, "")
	if err == nil {
		err = c.host.Reset(ctx)
	}
	if err != nil {
		p.r.warn(fmt.Sprintf("reset_connection of %s: %s", h.name, err))
	}
}

// KnownAction makes a [playbook.Options.KnownAction]: it reports whether an
// action name can run, with the nearest known names. f may be nil.
func KnownAction(f *foreign.Finder) func(name string, collections []string) (ok bool, near []string) {
	return func(name string, collections []string) (ok bool, near []string) {
		// One that a collection dropped fails as its task, with the collection's word on it.
		if _, ok, err := action.Resolve(f, name, collections); ok || err != nil {
			return true, nil
		}
		return false, action.Near(name)
	}
}

// route is the full name of an action that can run.
func (r *Run) route(name string, collections []string) (full string, ok bool) {
	t, ok, err := action.Resolve(r.o.Foreign, name, collections)
	return t.Full, ok && err == nil
}
