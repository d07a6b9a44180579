package engine

// This file notifies and runs handlers
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_handlers.html).

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// A handler is a handler of the play, in the order in which they run.
type handler struct {
	task *playbook.Task
	// role is the role's name, "" for the play's own.
	role string
	// name is the name where it needs no templating; named says so.
	name  string
	named bool
}

// collectHandlers lists the handlers: those of roles first, then the play's.
func (p *playRun) collectHandlers() {
	p.handlers = nil
	p.addHandlers(p.play.AllHandlers())
}

// addHandlers appends handlers; those that are there already stay where they are.
func (p *playRun) addHandlers(items []playbook.Item) {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Block:
			p.addHandlers(it.Body)
		case *playbook.Task:
			if slices.ContainsFunc(p.handlers, func(h *handler) bool { return h.task == it }) {
				continue
			}
			it.IsHandler = true
			h := &handler{task: it}
			if it.Role != nil {
				h.role = it.Role.Name
			}
			if s, ok := it.Name.V.(templates.Str); ok {
				h.name, h.named = string(s), true
			}
			p.handlers = append(p.handlers, h)
		}
	}
}

// names are what a handler answers to.
func (p *playRun) handlerName(ctx context.Context, hd *handler, host string) string {
	if hd.named || !hd.task.Name.IsSet() {
		return hd.name
	}
	// A name that cannot be templated yet answers to nothing.
	name, err := p.r.text(ctx, hd.task.Name.V, p.scope(host, hd.task))
	if err != nil {
		return ""
	}
	return name
}

// find are the handlers that a notification means: the one of that name, and
// all that listen to it. Of several of that name those of the last role, or of
// the play, hide the others, and there the first counts.
func (p *playRun) find(ctx context.Context, want, host string) []*handler {
	all := p.allHandlers()
	var out []*handler
	for _, hd := range slices.Backward(all) {
		if len(out) > 0 && out[0].task.Role != hd.task.Role {
			break
		}
		name := p.handlerName(ctx, hd, host)
		if name == "" {
			continue
		}
		if want == name || hd.role != "" && (want == hd.role+" : "+name || hd.task.Role.FQCN != "" && want == hd.task.Role.FQCN+" : "+name) {
			out = []*handler{hd}
		}
	}
	for _, hd := range p.listeners(ctx, all, want, host) {
		if !slices.Contains(out, hd) {
			out = append(out, hd)
		}
	}
	return out
}

// listeners are those of all that listen to a notification. In the current era
// of several with one name those of the last role, or of the play, hide the
// others, and there the first counts.
func (p *playRun) listeners(ctx context.Context, all []*handler, want, host string) []*handler {
	var out []*handler
	for _, hd := range all {
		if p.listens(ctx, hd, want, host) {
			out = append(out, hd)
		}
	}
	if p.r.o.Era < templates.Current || len(out) < 2 {
		return out
	}
	named := make(map[string]*handler, len(out))
	for _, hd := range slices.Backward(out) {
		name := p.handlerName(ctx, hd, host)
		if other := named[name]; other == nil || other.task.Role == hd.task.Role {
			named[name] = hd
		}
	}
	return slices.DeleteFunc(out, func(hd *handler) bool {
		name := p.handlerName(ctx, hd, host)
		return name != "" && named[name] != hd
	})
}

func (p *playRun) listens(ctx context.Context, hd *handler, want, host string) bool {
	for _, l := range hd.task.Listen {
		v, err := p.r.resolve(ctx, l.V, p.scope(host, hd.task))
		if err != nil {
			continue
		}
		for _, e := range conditionList(v) {
			topic := templates.StrOf(e, p.r.o.Era)
			if topic == want || hd.role != "" && hd.role+" : "+topic == want {
				return true
			}
		}
	}
	return false
}

// handlersKnown checks that the handlers which a result notifies are there; one
// that is not ends the run.
func (p *playRun) handlersKnown(ctx context.Context, h *hostRun, t *playbook.Task, res *taskResult) bool {
	for _, want := range res.notify {
		if len(p.find(ctx, want, h.name)) > 0 {
			continue
		}
		msg := fmt.Sprintf("The requested handler '%s' was not found in either the main handlers list nor in the listening handlers list", want)
		if p.r.o.ErrorOnMissingHandlerOff {
			p.r.warn(msg)
			continue
		}
		p.r.stop(errors.New(msg + p.nearHandler(ctx, want, h.name)))
		return false
	}
	return true
}

// notify marks the handlers that a changed task's result notifies. In the
// current era the notifications are kept until the handlers are flushed, so
// that those which were defined last run; of a handler they count at once.
func (p *playRun) notify(ctx context.Context, h *hostRun, res *taskResult) {
	if p.r.o.Era < templates.Current || h.cursor.flushing {
		p.markHandlers(ctx, h, res.notify)
		return
	}
	h.save(res.notify)
	if p.r.o.Verbosity < 2 {
		return
	}
	tell := func(names []string) {
		for _, want := range names {
			p.r.cb.tell(func(cb callback.Callback) { cb.Verbose(2, "", "Notification for handler "+want+" has been saved.") })
		}
	}
	if len(res.items) == 0 {
		tell(res.notify)
	}
	for _, it := range res.items {
		tell(it.notify)
	}
}

// markHandlers marks the handlers that notifications mean as to be run on the host.
func (p *playRun) markHandlers(ctx context.Context, h *hostRun, notifications []string) {
	for _, want := range notifications {
		for _, hd := range p.find(ctx, want, h.name) {
			if !h.notify(hd) {
				continue
			}
			name := p.handlerName(ctx, hd, h.name)
			if hd.role != "" {
				name = hd.role + " : " + name
			}
			p.r.cb.tell(func(cb callback.Callback) { cb.Notified(name, h.name) })
		}
	}
}

// nearHandler is a hint where a handler's name differs only in case or space.
func (p *playRun) nearHandler(ctx context.Context, want, host string) string {
	fold := func(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }
	for _, hd := range p.handlers {
		if name := p.handlerName(ctx, hd, host); name != "" && fold(name) == fold(want) {
			return fmt.Sprintf(" (did you mean '%s'?)", name)
		}
	}
	return ""
}

// allHandlers are the handlers that the play has by now.
func (p *playRun) allHandlers() []*handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clip(p.handlers)
}

// unnotify unmarks the handler of a turn as it starts, which was done behind it
// up to 2.14; one that runs once is done for all hosts.
func (tn turn) unnotify(p *playRun, once bool) {
	if tn.hd == nil || p.r.o.Era < templates.Current {
		return
	}
	tn.h.takeNotified(tn.hd)
	if once {
		for _, h := range p.batch {
			h.takeNotified(tn.hd)
		}
	}
}

// flush makes a host run the handlers that it was notified of, in their order,
// before its next task.
func (p *playRun) flush(ctx context.Context, h *hostRun) {
	p.markHandlers(ctx, h, h.takeSaved())
	h.cursor.flushing = true
}
