package engine

// This file keeps where one host stands in a play: in which blocks, in which
// part of each, and what failed there. A cursor is a value: a copy of it can be
// moved on to see which task comes next.

import (
	"context"
	"slices"

	"gorun/engine/playbook"
	"gorun/templates"
)

// A part is a part of a block.
type part uint8

const (
	inBody part = iota
	inRescue
	inAlways
	parts
)

// failures says which parts of a block failed.
type failures uint8

const (
	bodyFailed failures = 1 << iota
	rescueFailed
	alwaysFailed
	handlersFailed // up to 2.14: handlers that a task of the block flushed
)

// A frame is a block that a host is in, or the list of the whole play, which
// has no block.
type frame struct {
	block   *playbook.Block
	part    part
	items   [parts][]playbook.Item
	at      [parts]int // the next item of each part
	failed  failures
	rescued bool
	done    bool // left; what failed in it is not yet known outside
}

// A cursor is a host's place in a play.
type cursor struct {
	frames []frame
	setup  bool // facts come first
	ended  bool // meta ended the play here

	flushing bool // handlers come before the next task
	handlers []*handler
	handler  int  // the next of them
	fresh    bool // the list of handlers was not used yet
}

// reset puts the cursor at the beginning of a play.
func (c *cursor) reset(course []playbook.Item) {
	*c = cursor{frames: append(c.frames[:0], frame{}), setup: true, fresh: true}
	c.frames[0].items[inBody] = course
}

// copyFrom makes c a copy of another cursor.
func (c *cursor) copyFrom(o *cursor) {
	frames := append(c.frames[:0], o.frames...)
	*c = *o
	c.frames = frames
}

func (c *cursor) inner() *frame { return &c.frames[len(c.frames)-1] }

// over reports whether the host is through with the play.
func (c *cursor) over() bool { return c.ended || c.frames[0].done }

// fail notes that the host's last task failed: the block around goes on with
// its rescue or always part, or is left.
func (c *cursor) fail(top int, current bool) {
	if c.flushing {
		c.flushing, c.fresh = false, true
		if !current {
			c.failHandlers(top)
			return
		}
	}
	f := c.inner()
	if f.done {
		return
	}
	switch f.part {
	case inBody:
		f.failed |= bodyFailed
		f.leave(inRescue)
	case inRescue:
		f.failed |= rescueFailed
		f.leave(inAlways)
	default:
		f.failed |= alwaysFailed
		f.done = true
	}
}

// leave goes on with a part of the block, or the first behind it that it has.
func (f *frame) leave(to part) {
	for ; to < parts; to++ {
		if len(f.items[to]) > 0 {
			f.part = to
			return
		}
	}
	f.done = true
}

// failHandlers is fail for a handler, up to 2.14: the failure is one of the
// block that stands in the play itself, whatever block flushed the handlers.
func (c *cursor) failHandlers(top int) {
	f := &c.frames[top]
	f.failed |= handlersFailed
	for to := inRescue; to < parts; to++ {
		if len(f.items[to]) == 0 {
			continue
		}
		if f.part != to {
			c.frames = c.frames[:top+1]
			f.part = to
		}
		return
	}
	c.frames = c.frames[:1]
	c.frames[0].failed |= handlersFailed
	c.frames[0].done = true
}

// failed reports whether the host failed and nothing is going to rescue it.
func (c *cursor) failed(top int) bool {
	if c.ended {
		f := c.frames[top]
		return f.failed != 0 && !(f.rescued && f.failed&alwaysFailed == 0)
	}
	return c.failedFrom(0)
}

func (c *cursor) failedFrom(i int) bool {
	f := c.frames[i]
	inside := i+1 < len(c.frames) && c.failedFrom(i+1)
	if inside && !f.done && f.part != inBody {
		return true
	}
	if f.failed != 0 {
		switch {
		case !f.done && f.part == inRescue && f.failed&rescueFailed == 0,
			!f.done && f.part == inAlways && f.failed&alwaysFailed == 0:
			return false
		}
		return !(f.rescued && f.failed&alwaysFailed == 0)
	}
	return inside && !f.done && (len(f.items[inRescue]) == 0 || f.failed&rescueFailed != 0)
}

// rescuing reports whether the host is in the body of a block with a rescue
// part. While it runs handlers, the block that stands in the play itself
// counts since 2.15 and did not before.
func (c *cursor) rescuing(top int, current bool) bool {
	for i, f := range c.frames {
		body := f.part == inBody
		if i == top && c.flushing {
			body = current
		}
		if body && !f.done && len(f.items[inRescue]) > 0 {
			return true
		}
	}
	return false
}

// clear forgets what failed; a host that is through stays so.
func (c *cursor) clear() {
	for i := range c.frames {
		c.frames[i].failed = 0
	}
}

// includedBlock is the block of what includes put into a play.
var includedBlock = &playbook.Block{Implicit: true}

// end leaves the play where the host stands. Since 2.15 that also ends the
// rescue part that it may be in.
func (c *cursor) end(current bool) {
	if current && c.inner().part == inRescue && len(c.frames) > 1 {
		for i := range c.frames {
			c.frames[i].failed = 0
		}
	}
	c.ended = true
}

// insert puts items in front of the next one.
func (c *cursor) insert(items []playbook.Item) {
	if f := c.inner(); !f.done && (f.part != inBody || f.failed == 0) {
		c.frames = append(c.frames, frame{block: includedBlock, items: [parts][]playbook.Item{items}})
	}
}

// insertHandlers puts handlers in front of the next one.
func (c *cursor) insertHandlers(list []*handler) {
	c.handlers = slices.Insert(slices.Clone(c.handlers), c.handler, list...)
}

// topBlock is the frame of the block that stands in the play itself (or in the
// tasks of one of its roles) around the host's place; 0 without such.
func (p *playRun) topBlock(c *cursor) int {
	for i := 1; i < len(c.frames); i++ {
		switch b := c.frames[i].block; {
		case p.roleBlocks[b]:
		case b.Implicit:
			return 0
		default:
			return i
		}
	}
	return 0
}

// next moves a cursor of h to its next task; nil where there is none. The
// handler is given where the task is one.
func (p *playRun) next(ctx context.Context, h *hostRun, c *cursor) (*playbook.Task, *handler) {
	if c.setup {
		c.setup = false
		if p.gatherer != nil && !c.over() && p.gathers(ctx, h) {
			return p.gatherer, nil
		}
	}
	for !c.over() {
		if c.flushing {
			if hd := p.nextHandler(h, c); hd != nil {
				return hd.task, hd
			}
			continue
		}
		switch it := c.step().(type) {
		case nil:
		case *playbook.Task:
			if p.comes(ctx, h, it) {
				return it, nil
			}
		case *playbook.Block:
			if !isRoleTop(it) || !h.ranAlready(it.Role) {
				c.frames = append(c.frames, frame{block: it, items: [parts][]playbook.Item{p.bodyOf(it), it.Rescue, it.Always}})
			}
		default:
			panic("engine: forgot a kind of item")
		}
	}
	return nil, nil
}

// step returns the next item where the innermost block has one; else it goes on
// with the block's next part, or leaves it.
func (c *cursor) step() playbook.Item {
	f := c.inner()
	if f.done {
		failed := c.failedFrom(len(c.frames) - 1)
		c.frames = c.frames[:len(c.frames)-1]
		if failed {
			c.fail(0, true)
		}
		return nil
	}
	rescueLost := f.part == inRescue && f.failed&rescueFailed != 0
	if i := f.at[f.part]; i < len(f.items[f.part]) && !rescueLost {
		f.at[f.part]++
		return f.items[f.part][i]
	}
	switch f.part {
	case inBody:
		f.part = inAlways
	case inRescue:
		if !rescueLost {
			f.failed, f.rescued = 0, true
		}
		f.part = inAlways
	default:
		f.done = true
	}
	return nil
}

// nextHandler returns the next notified handler; nil where the flush ends.
func (p *playRun) nextHandler(h *hostRun, c *cursor) *handler {
	current := p.r.o.Era >= templates.Current
	if c.fresh {
		c.fresh = false
		c.handlers = p.allHandlers()
		if !current {
			c.handler = 0
		}
	}
	for c.handler < len(c.handlers) {
		hd := c.handlers[c.handler]
		c.handler++
		if h.isNotified(hd) {
			return hd
		}
	}
	if current {
		c.handler = 0
	}
	c.flushing, c.fresh = false, true
	return nil
}

// comes reports whether a task is one of the run: tags may leave it out, and
// there may be nothing to flush.
func (p *playRun) comes(ctx context.Context, h *hostRun, t *playbook.Task) bool {
	switch {
	case t == p.flusher:
		return p.r.o.Era < templates.Current || h.hasNotified()
	case completesRole(t):
		return true
	}
	return p.tagged(ctx, t)
}
