package engine

// This file runs a play's tasks: with all hosts of a batch in step for the
// linear strategy, with one host for the free ones.

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sync"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// A walk is one way through a play: of a batch, or of one host.
type walk struct {
	p     *playRun
	order order
	// broken says that the play has to end once every host has failed.
	broken bool
}

// linear runs the play with all hosts of the batch, task by task. Hosts that
// are unreachable take no part until they are taken back.
func (w *walk) linear(ctx context.Context, course []playbook.Item) {
	if w.p.gatherer != nil {
		w.order.tasks = append(w.order.tasks, w.p.gatherer)
	}
	w.order.tasks = w.p.tasksIn(w.order.tasks, course)
	for !w.over(ctx) {
		left := those(w.p.batch, func(h *hostRun) bool { return !h.unreachable.Load() })
		turns := w.lockstep(ctx, left)
		if len(turns) == 0 || !w.run(ctx, left, turns) {
			return
		}
	}
}

// alone runs the play with one host, which waits for no other.
func (w *walk) alone(ctx context.Context, h *hostRun) {
	for !w.over(ctx) && !h.unreachable.Load() {
		tn := w.p.peek(ctx, h)
		if tn.t == nil {
			return
		}
		h.advance()
		w.run(ctx, []*hostRun{h}, []turn{tn})
	}
}

// over reports whether nothing more is to be started.
func (w *walk) over(ctx context.Context) bool {
	return ctx.Err() != nil || w.p.ended() || w.p.r.stopped() != nil
}

// startAt moves hosts to the task of --start-at-task, which has to be one that
// is known before the play runs; without it they are through.
func (p *playRun) startAt(ctx context.Context, hosts []*hostRun) {
	r := p.r
	if r.started {
		return
	}
	found := false
	for _, h := range hosts {
		setup := h.cursor.setup
		h.cursor.setup = false
		for {
			tn := p.peek(ctx, h)
			if tn.t == nil {
				h.advance()
				break
			}
			if tn.t != p.flusher && !completesRole(tn.t) && p.startsAt(ctx, tn.t, h.name) {
				h.cursor.setup, found = setup, true
				break
			}
			h.advance()
		}
	}
	r.started = found
}

// startsAt reports whether --start-at-task means t: its name, with or without
// its role's, as a shell pattern.
func (p *playRun) startsAt(ctx context.Context, t *playbook.Task, host string) bool {
	want := p.r.o.StartAtTask
	full := p.taskName(ctx, t, host)
	plain, _ := p.r.text(ctx, t.Name.V, p.scope(host, t)) // a name that cannot be templated is compared as shown
	for _, name := range []string{full, plain} {
		if name == want {
			return true
		}
		if ok, err := path.Match(want, name); ok && err == nil && name != "" {
			return true
		}
	}
	return false
}

// run does a task with the hosts whose turn it is, all at once within the
// bounds of forks and throttle; left are those that the play still has. It
// reports whether the play goes on.
func (w *walk) run(ctx context.Context, left []*hostRun, turns []turn) bool {
	p := w.p
	o := outcomes{}
	var steps []turn
	for _, tn := range turns {
		if isMeta(tn.t) {
			w.meta(ctx, tn)
			o.metas = append(o.metas, tn.h)
			if o.judgeMeta(p, tn.t); w.over(ctx) {
				return false
			}
			if onceForAll(tn.t) {
				break
			}
			continue
		}
		if len(steps) == 0 && !w.step(ctx, tn) {
			return true
		}
		once, err := p.runsOnce(ctx, tn)
		if err != nil {
			p.r.stop(err)
			return false
		}
		if p.free() {
			if !p.suitsFree(tn.t, once) {
				return false
			}
			once = false
		}
		steps = append(steps, tn)
		tn.unnotify(p, once)
		if o.judgeTask(ctx, p, tn, once); once || bypassesHosts(tn.t) {
			o.spread = once
			break
		}
	}
	if len(steps) > 0 {
		w.do(ctx, steps, &o)
	}
	return p.free() || w.judge(ctx, left, &o)
}

// do runs the steps of a turn and loads what they include.
func (w *walk) do(ctx context.Context, steps []turn, o *outcomes) {
	p := w.p
	shown := p.announce(ctx, steps[0].t, steps[0].h.name)
	p.hostStarts(shown, steps)
	o.steps, o.results = steps, w.each(ctx, steps, shown, o.once)
	if o.spread {
		w.onceFor(ctx, steps[0].h, steps[0].t, o.results[0])
	}
	if slices.ContainsFunc(steps, func(tn turn) bool { return tn.t.Include != nil }) {
		w.include(ctx, steps, o.results)
	}
}

// runsOnce is run_once of a task.
func (p *playRun) runsOnce(ctx context.Context, tn turn) (bool, error) {
	return p.r.bool(ctx, p.keyword(tn.t, func(b *playbook.Base) playbook.Value { return b.RunOnce }), p.scope(tn.h.name, tn.t), false)
}

// suitsFree tells what a task asks for and strategies that let every host go
// its own way do not do; it reports whether the task can run.
func (p *playRun) suitsFree(t *playbook.Task, once bool) bool {
	if bypassesHosts(t) {
		p.r.stop(&KeywordError{t.Pos, fmt.Errorf("The '%s' module bypasses the host loop, which is currently not supported in the free strategy and would instead execute for every host in the inventory list.", t.Action)})
		return false
	}
	if once {
		p.r.warn("Using run_once with the free strategy is not currently supported. This task will still be executed for every host in the inventory list.")
	}
	if fatal := p.keyword(t, func(b *playbook.Base) playbook.Value { return b.AnyErrorsFatal }); fatal.IsSet() && fatal.V.Truth() {
		p.r.warn("Using any_errors_fatal with the free strategy is not supported, as tasks are executed independently on each host")
	}
	return true
}

// hostStarts tells a screen that wants to know which hosts begin a task.
func (p *playRun) hostStarts(shown callback.Task, steps []turn) {
	p.r.cb.tell(func(cb callback.Callback) {
		if s, ok := cb.(interface {
			HostStart(t callback.Task, host string)
		}); ok {
			for _, tn := range steps {
				s.HostStart(shown, tn.h.name)
			}
		}
	})
}

// each runs the steps and reports the results in the order they come. once
// says that the first stands for all hosts.
func (w *walk) each(ctx context.Context, steps []turn, shown callback.Task, once bool) []*taskResult {
	p := w.p
	results := make([]*taskResult, len(steps))
	limit := p.forks
	first := steps[0]
	if n := p.throttleOf(ctx, first.t, first.h.name); n > 0 {
		limit = p.throttled(first.t, n)
	}
	run := func(i int) {
		h, t, shown := steps[i].h, steps[i].t, shown
		if t != first.t {
			shown = p.shownTask(ctx, t, h.name)
		}
		results[i] = p.execute(ctx, h, t, shown)
		w.report(ctx, steps[i], results[i], once)
	}
	if len(steps) == 1 || p.runsHere(first.t) {
		// Nothing to wait for: one after the other, so that the screen keeps the hosts' order.
		for i := range steps {
			limit <- struct{}{}
			run(i)
			<-limit
		}
		return results
	}
	var wg sync.WaitGroup
	for i := range steps {
		limit <- struct{}{}
		if limit != p.forks {
			p.forks <- struct{}{}
		}
		wg.Go(func() {
			run(i)
			if limit != p.forks {
				<-p.forks
			}
			<-limit
		})
	}
	wg.Wait()
	return results
}

// runsHere reports whether a task does nothing but think.
func (p *playRun) runsHere(t *playbook.Task) bool {
	to, ok, err := action.Resolve(p.r.o.Foreign, t.Action, t.EffectiveCollections())
	full := to.Full
	return ok && err == nil && to.Plugin == nil && (t.Include != nil || action.Actions[full].NoHost)
}

func (p *playRun) throttleOf(ctx context.Context, t *playbook.Task, host string) int {
	v := p.keyword(t, func(b *playbook.Base) playbook.Value { return b.Throttle })
	if !v.IsSet() {
		return 0
	}
	n, err := p.r.number(ctx, v, p.scope(host, t), 0)
	if err != nil {
		p.r.stop(err)
	}
	return int(n)
}

// report tells the screen of a host's result and applies what it changes.
func (w *walk) report(ctx context.Context, tn turn, res *taskResult, once bool) {
	p, h, t := w.p, tn.h, tn.t
	if p.r.stopped() != nil {
		return // what comes in behind the error that ends the run is not shown
	}
	if ctx.Err() != nil && res.status() == callback.Failed {
		return // the interruption ended it
	}
	told := p.debugged(ctx, h, t, res)
	if p.r.stopped() != nil {
		return
	}
	st := res.status()
	if st == callback.Changed {
		if !p.handlersKnown(ctx, h, t, res) {
			return
		}
		p.notify(ctx, h, res)
	}
	if st == callback.Failed && !res.ignoreErrors {
		p.failed(ctx, tn, res, once)
	} else if t.Include == nil || st != callback.OK && st != callback.Changed {
		p.countResult(h, res) // an include that goes well is counted when its file is loaded
	}
	if st == callback.Unreachable && !res.ignoreUnreachable {
		h.leave()
		h.unreachable.Store(true)
		p.r.loseHost(h.name, true)
	}
	if !told {
		p.r.cb.tell(func(cb callback.Callback) { cb.Result(res.shown()) })
	}
	p.keep(h, t, res)
	if t.Role != nil && st != callback.Skipped && st != callback.Unreachable {
		h.ranTaskOf(t.Role)
	}
	if t == p.gatherer && st != callback.Failed && st != callback.Unreachable {
		p.r.mu.Lock()
		p.r.gathered[h.name] = true
		p.r.mu.Unlock()
	}
	if tn.hd != nil && p.r.o.Era < templates.Current {
		h.takeNotified(tn.hd)
	}
}

// failed takes a failure in: the host goes on with rescue or always, or is
// through. The failure of a task that runs once is one of all hosts.
func (p *playRun) failed(ctx context.Context, tn turn, res *taskResult, once bool) {
	h, current := tn.h, p.r.o.Era >= templates.Current
	rescuing := h.cursor.rescuing(p.topBlock(&h.cursor), current)
	if once && !p.free() {
		for _, o := range p.batch {
			if !o.unreachable.Load() {
				p.mark(o)
			}
		}
	} else {
		p.mark(h)
	}
	if p.peek(ctx, h); h.cursor.failed(p.topBlock(&h.cursor)) && h.ahead.over() {
		p.r.loseHost(h.name, false)
	}
	if !rescuing {
		p.r.count(h.name, func(s *callback.HostStats) { s.Failures++ })
		return
	}
	p.r.count(h.name, func(s *callback.HostStats) { s.Rescued++ })
	h.left.Add(-1)
	p.r.o.Vars.SetNonpersistent(h.name, rescueVars(tn.t, shortAction(tn.t), res.data))
}

// mark notes that a host failed where it stands.
func (p *playRun) mark(h *hostRun) {
	h.cursor.fail(p.topBlock(&h.cursor), p.r.o.Era >= templates.Current)
	h.leave()
}

// countResult counts a result for the recap.
func (p *playRun) countResult(h *hostRun, res *taskResult) {
	p.r.count(h.name, func(s *callback.HostStats) {
		switch res.status() {
		case callback.Failed:
			if res.ignoreErrors {
				s.OK++
				s.Ignored++
				if truth(res.data, "changed") {
					s.Changed++
				}
			} else {
				s.Failures++
			}
		case callback.Unreachable:
			if res.ignoreUnreachable {
				s.OK++
				s.Ignored++
			} else {
				s.Unreachable++
			}
		case callback.Skipped:
			s.Skipped++
		case callback.Changed:
			s.OK++
			s.Changed++
		case callback.OK:
			s.OK++
		}
	})
}

// onceFor spreads the result of a task that ran once over the batch.
func (w *walk) onceFor(ctx context.Context, ran *hostRun, t *playbook.Task, res *taskResult) {
	for _, h := range w.p.batch {
		if h != ran && !h.unreachable.Load() {
			w.p.keep(h, t, res)
		}
	}
}

// announce shows the header of a task.
func (p *playRun) announce(ctx context.Context, t *playbook.Task, host string) callback.Task {
	shown := p.shownTask(ctx, t, host)
	defer p.deprecatedNames(t, host)
	p.r.cb.tell(func(cb callback.Callback) {
		if t.IsHandler {
			cb.HandlerTaskStart(shown)
		} else {
			cb.TaskStart(shown)
		}
	})
	return shown
}

// forceHandlers is force_handlers of the play or the command line.
func (p *playRun) forceHandlers(ctx context.Context) bool {
	force, err := p.r.bool(ctx, p.play.ForceHandlers, p.scope("", nil), p.r.o.ForceHandlers)
	if err != nil {
		p.r.stop(err)
	}
	return force
}

func truth(d *templates.Dict, key string) bool {
	if d == nil {
		return false
	}
	v, ok := d.GetStr(key)
	return ok && v.Truth()
}
