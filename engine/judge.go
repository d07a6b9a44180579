package engine

// This file ends a play where a failure is fatal for all hosts, or too many of
// them failed.

import (
	"context"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// outcomes are what a turn came to.
type outcomes struct {
	steps   []turn
	results []*taskResult
	metas   []*hostRun // that did a meta task
	once    bool       // one host stood for all
	spread  bool       // by run_once, so what it gave is everyone's
	fatal   bool       // a failure is fatal for all
}

// judgeTask notes what a task's keywords say of failures.
func (o *outcomes) judgeTask(ctx context.Context, p *playRun, tn turn, once bool) {
	o.once = once || bypassesHosts(tn.t) && p.r.o.Era >= templates.Current
	o.fatal = o.fatal || p.fatalForAll(ctx, tn) || once || bypassesHosts(tn.t)
}

// judgeMeta is judgeTask for a meta task.
func (o *outcomes) judgeMeta(p *playRun, t *playbook.Task) {
	fatal := p.keyword(t, func(b *playbook.Base) playbook.Value { return b.AnyErrorsFatal })
	o.fatal = o.fatal || onceForAll(t) || fatal.IsSet() && fatal.V.Truth()
}

// fatalForAll is any_errors_fatal of a task.
func (p *playRun) fatalForAll(ctx context.Context, tn turn) bool {
	fatal, err := p.r.bool(ctx, p.keyword(tn.t, func(b *playbook.Base) playbook.Value { return b.AnyErrorsFatal }), p.scope(tn.h.name, tn.t), p.r.o.AnyErrorsFatal)
	if err != nil {
		p.r.stop(err)
	}
	return fatal
}

// judge applies any_errors_fatal and max_fail_percentage; it reports whether
// the play goes on.
func (w *walk) judge(ctx context.Context, left []*hostRun, o *outcomes) bool {
	p := w.p
	if len(o.results) == 0 && len(o.metas) == 0 || w.over(ctx) {
		return !w.over(ctx)
	}
	current := p.r.o.Era >= templates.Current
	failed, lost, ignored := o.count(p, current)
	switch {
	case !o.fatal || ignored || len(failed) == 0 && !lost:
	case current:
		p.failOthers(left, failed)
	default:
		w.breakOff(ctx, left)
	}
	if tooMany, err := p.tooManyFailed(ctx); err != nil {
		p.r.stop(err)
		return false
	} else if tooMany {
		p.failOthers(left, failed)
		w.broken = true
		p.noMoreHosts()
	}
	if w.broken && p.r.countFailed() >= len(left) {
		p.noMoreHosts()
		p.breakPlay()
		return false
	}
	return true
}

// count tells which hosts failed in a turn, whether one was unreachable, and
// whether the task ignores errors.
func (o *outcomes) count(p *playRun, current bool) (failed map[*hostRun]bool, lost, ignored bool) {
	failed = map[*hostRun]bool{}
	ignored = len(o.metas) == 0
	for i, res := range o.results {
		h := o.steps[i].h
		switch res.status() {
		case callback.Failed:
			if current || h.cursor.failed(p.topBlock(&h.cursor)) {
				failed[h] = true
			}
		case callback.Unreachable:
			lost = true
		}
		ignored = ignored && res.ignoreErrors
	}
	if !current {
		for _, h := range o.metas {
			if h.cursor.failed(p.topBlock(&h.cursor)) {
				failed[h] = true
			}
		}
	}
	return failed, lost, ignored
}

// failOthers fails the hosts that did not fail themselves.
func (p *playRun) failOthers(left []*hostRun, failed map[*hostRun]bool) {
	for _, h := range left {
		if !failed[h] {
			p.r.loseHost(h.name, false)
			p.mark(h)
		}
	}
}

// breakOff is any_errors_fatal up to 2.15: hosts that are in rescue or always
// end that first; the others are lost, and the play ends when all are.
func (w *walk) breakOff(ctx context.Context, left []*hostRun) {
	for _, h := range left {
		w.p.peek(ctx, h)
		if c := &h.ahead; !c.over() && !c.flushing {
			if f := c.inner(); f.part == inAlways || f.part == inRescue && f.failed&rescueFailed == 0 {
				continue
			}
		}
		w.p.r.loseHost(h.name, false)
		w.broken = true
	}
}

// tooManyFailed applies max_fail_percentage.
func (p *playRun) tooManyFailed(ctx context.Context) (bool, error) {
	if !p.play.MaxFailPercentage.IsSet() {
		return false, nil
	}
	pct, err := p.r.number(ctx, p.play.MaxFailPercentage, p.scope("", nil), 100)
	return float64(p.r.countFailed())/float64(len(p.batch)) > pct/100, err
}

func (p *playRun) noMoreHosts() {
	p.r.cb.tell(func(cb callback.Callback) { cb.NoHostsRemaining() })
}
