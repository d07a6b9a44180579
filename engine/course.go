package engine

// This file lays a play out: the order of its tasks, and in the linear strategy
// which of them comes next for which hosts.

import (
	"context"
	"slices"

	"gorun/engine/playbook"
	"gorun/templates"
)

// layOut makes the list of what a play does. Its handlers run behind each of
// its sections; with force_handlers also where a host failed in the section.
func (p *playRun) layOut(ctx context.Context) []playbook.Item {
	p.flusher = p.implicitMeta("flush_handlers", nil)
	p.roleBlocks, p.bodies = map[*playbook.Block]bool{}, map[*playbook.Block][]playbook.Item{}
	p.gatherer = nil
	if t := p.gatherTask(); p.tagged(ctx, t) {
		p.gatherer = t
	}
	var tasks []playbook.Item
	for _, entry := range p.play.Roles {
		for _, u := range entry.Order() {
			p.markRoleBlocks(u.Tasks)
			tasks = append(tasks, u.Tasks...)
		}
	}
	flushes, force := p.flushes(ctx), p.forceHandlers(ctx)
	flush := &playbook.Block{Implicit: true, Body: []playbook.Item{p.flusher}}
	var course []playbook.Item
	for _, section := range [][]playbook.Item{p.play.PreTasks, append(tasks, p.play.Tasks...), p.play.PostTasks} {
		switch {
		case force && flushes:
			course = append(course, &playbook.Block{Body: inBlocks(section), Always: []playbook.Item{flush}})
		case flushes:
			course = append(append(course, section...), p.flusher)
		default:
			course = append(course, section...)
		}
	}
	return course
}

// inBlocks puts tasks that stand in no block into one of their own, as Ansible
// does: a failure inside is the section's failure only when the host goes on.
func inBlocks(items []playbook.Item) []playbook.Item {
	var out []playbook.Item
	var own *playbook.Block
	for _, it := range items {
		if _, ok := it.(*playbook.Block); ok {
			out, own = append(out, it), nil
			continue
		}
		if own == nil {
			own = &playbook.Block{Implicit: true}
			out = append(out, own)
		}
		own.Body = append(own.Body, it)
	}
	return out
}

// markRoleBlocks notes the blocks that the loader put around the tasks of a role.
func (p *playRun) markRoleBlocks(items []playbook.Item) {
	for _, it := range items {
		b, ok := it.(*playbook.Block)
		if !ok || !b.Implicit {
			continue
		}
		p.roleBlocks[b] = true
		if !isRoleTop(b) {
			p.markRoleBlocks(b.Body)
		}
	}
}

// implicitMeta makes a meta task that nobody wrote.
func (p *playRun) implicitMeta(what string, role *playbook.Role) *playbook.Task {
	args := templates.NewDict(1)
	args.SetStr("_raw_params", templates.Str(what))
	return &playbook.Task{Action: "meta", Args: args, Pos: p.play.Pos, Play: p.play, Role: role}
}

// completesRole reports whether a task is the one that bodyOf puts behind a role.
func completesRole(t *playbook.Task) bool { return t.ID == 0 && metaAction(t) == "role_complete" }

// bodyOf are the items of a block's body. Those of a role stand between the
// check of its arguments and a task that notes that the role is complete.
func (p *playRun) bodyOf(b *playbook.Block) []playbook.Item {
	if !isRoleTop(b) {
		return b.Body
	}
	spec := p.specTask(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	body, ok := p.bodies[b]
	if !ok {
		if spec != nil {
			body = append(body, spec)
		}
		body = append(append(body, b.Body...), p.implicitMeta("role_complete", b.Role))
		p.bodies[b] = body
	}
	return body
}

// tasksIn appends the tasks of items in the order in which hosts come to them.
func (p *playRun) tasksIn(tasks []*playbook.Task, items []playbook.Item) []*playbook.Task {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Task:
			tasks = append(tasks, it)
		case *playbook.Block:
			for _, part := range [][]playbook.Item{p.bodyOf(it), it.Rescue, it.Always} {
				tasks = p.tasksIn(tasks, part)
			}
		default:
			panic("engine: forgot a kind of item")
		}
	}
	return tasks
}

// A turn is a host with the task that it is to do.
type turn struct {
	h  *hostRun
	t  *playbook.Task
	hd *handler // of a task that is one
}

// peek finds the next task of a host without moving it there.
func (p *playRun) peek(ctx context.Context, h *hostRun) turn {
	h.ahead.copyFrom(&h.cursor)
	t, hd := p.next(ctx, h, &h.ahead)
	return turn{h, t, hd}
}

// advance moves a host to what peek found.
func (h *hostRun) advance() { h.cursor, h.ahead = h.ahead, h.cursor }

// An order is the list of all tasks of a batch, by which the hosts of the
// linear strategy keep step.
type order struct {
	tasks []*playbook.Task
	at    int
	// handlers says, up to 2.14, that hosts run handlers and the others wait.
	handlers bool
}

// add inserts tasks before the next one.
func (o *order) add(tasks []*playbook.Task) { o.tasks = slices.Insert(o.tasks, o.at, tasks...) }

// find moves on to the next task that a host waits for. A host that was taken
// back may wait for one that the others are past: it has its turn at the end.
func (o *order) find(turns []turn) *playbook.Task {
	wanted := make(map[*playbook.Task]bool, 4)
	for _, tn := range turns {
		wanted[tn.t] = true
	}
	for range 2 {
		for o.at < len(o.tasks) {
			t := o.tasks[o.at]
			o.at++
			if wanted[t] {
				return t
			}
		}
		o.at = 0
	}
	return turns[0].t
}

// lockstep is the next task and the hosts whose turn it is; none where all are
// through.
func (w *walk) lockstep(ctx context.Context, hosts []*hostRun) []turn {
	turns := make([]turn, 0, len(hosts))
	flushing := false
	for _, h := range hosts {
		if tn := w.p.peek(ctx, h); tn.t != nil {
			turns = append(turns, tn)
			flushing = flushing || h.ahead.flushing
		}
	}
	if len(turns) == 0 {
		return nil
	}
	o := &w.order
	o.handlers = o.handlers && flushing
	if o.handlers {
		return inHandlers(turns)
	}
	t := o.find(turns)
	turns = slices.DeleteFunc(turns, func(tn turn) bool { return tn.t != t })
	if metaAction(t) == "flush_handlers" {
		if w.p.r.o.Era < templates.Current {
			o.handlers = true
		} else {
			var tasks []*playbook.Task
			for _, hd := range w.p.allHandlers() {
				tasks = append(tasks, hd.task)
			}
			o.add(tasks)
		}
	}
	for _, tn := range turns {
		tn.h.advance()
	}
	return turns
}

// inHandlers are the hosts that are least far in the list of handlers. Up to
// 2.14 a host that has left the list counts by where it left it, and may so do
// its next task beside the last handler of others.
func inHandlers(turns []turn) []turn {
	lowest := -1
	for _, tn := range turns {
		if c := &tn.h.ahead; c.flushing && (lowest < 0 || c.handler < lowest) {
			lowest = c.handler
		}
	}
	turns = slices.DeleteFunc(turns, func(tn turn) bool { return tn.h.ahead.handler != lowest })
	for _, tn := range turns {
		tn.h.advance()
	}
	return turns
}
