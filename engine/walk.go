package engine

// This file walks a play's tree with a squad of hosts: all hosts of a batch
// for the linear strategy, one host for the free ones.

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

// A walk is one squad's way through a play.
type walk struct {
	p *playRun
	// rescuable counts the enclosing blocks with a rescue section whose body
	// the walk is in: there a failure is not yet the host's end.
	rescuable int
	always    int  // blocks with always around the running task
	fatal     bool // an error that is fatal for all waits for them
	squad     []*hostRun
}

// play runs the whole play with a squad.
func (w *walk) play(ctx context.Context, hosts []*hostRun) {
	w.squad = hosts
	if w.p.strategy == "host_pinned" {
		// The host holds a fork already; tasks take none.
		w.p.forks = make(chan struct{}, max(1, len(w.p.batch)))
	}
	w.gather(ctx, hosts)
	w.section(ctx, hosts, func() { w.items(ctx, hosts, w.p.play.PreTasks) })
	w.section(ctx, hosts, func() {
		for _, u := range w.p.play.Roles {
			w.role(ctx, hosts, u)
		}
		w.items(ctx, hosts, w.p.play.Tasks)
	})
	w.section(ctx, hosts, func() { w.items(ctx, hosts, w.p.play.PostTasks) })
}

// section runs a section and the handlers that it notified; with
// force_handlers also those of hosts that failed in it.
func (w *walk) section(ctx context.Context, hosts []*hostRun, run func()) {
	run()
	if w.over(ctx) || !w.p.flushes(ctx) {
		return
	}
	w.flush(ctx, hosts, w.p.forceHandlers(ctx))
}

// over reports whether nothing more is to be started.
func (w *walk) over(ctx context.Context) bool {
	return ctx.Err() != nil || w.p.ended() || w.p.r.stopped() != nil
}

func (w *walk) items(ctx context.Context, hosts []*hostRun, items []playbook.Item) {
	for _, it := range items {
		if w.over(ctx) {
			return
		}
		active := running(hosts)
		if len(active) == 0 {
			return
		}
		switch it := it.(type) {
		case *playbook.Task:
			w.task(ctx, active, it)
		case *playbook.Block:
			w.block(ctx, active, it)
		default:
			panic("engine: forgot a kind of item")
		}
	}
}

// block runs a block: its body with all hosts, rescue with those that failed
// in it, always with all that are still there.
func (w *walk) block(ctx context.Context, hosts []*hostRun, b *playbook.Block) {
	if isRoleTop(b) {
		if b.Role.Once {
			hosts = those(hosts, func(h *hostRun) bool { return !h.rolesRun[b.Role.Path] })
			if len(hosts) == 0 {
				return
			}
		}
		defer func() {
			for _, h := range hosts {
				h.ranRole(b.Role.Path)
			}
		}()
		w.validateRole(ctx, hosts, b)
		defer func() {
			for _, h := range hosts {
				if h.endedRole == b.Role && h.is(hostEnded) {
					h.endedRole = nil
					h.set(hostRunning)
				}
			}
		}()
	}
	if len(b.Rescue) > 0 {
		w.rescuable++
	}
	if len(b.Always) > 0 {
		w.always++
	}
	w.items(ctx, hosts, b.Body)
	if len(b.Rescue) > 0 {
		w.rescuable--
		if w.over(ctx) {
			return
		}
		failed := those(hosts, func(h *hostRun) bool { return h.is(hostFailed) })
		for _, h := range failed {
			h.set(hostRunning)
		}
		w.items(ctx, failed, b.Rescue)
	}
	if len(b.Always) > 0 {
		w.always--
	}
	if len(b.Always) == 0 || w.over(ctx) {
		return
	}
	failed := those(hosts, func(h *hostRun) bool { return h.is(hostFailed) })
	for _, h := range failed {
		h.set(hostRunning)
		h.cleared = false
	}
	w.items(ctx, hosts, b.Always)
	for _, h := range failed {
		if h.is(hostRunning) && !h.cleared {
			h.set(hostFailed)
		}
	}
	if w.fatal && w.always == 0 {
		w.p.breakPlay()
	}
}

// wanted applies --start-at-task and the tags to a task.
func (w *walk) wanted(ctx context.Context, t *playbook.Task, host string) bool {
	r := w.p.r
	r.mu.Lock()
	started := r.started
	r.mu.Unlock()
	if !started {
		if !w.p.startsAt(ctx, t, host) {
			return false
		}
		r.mu.Lock()
		r.started = true
		r.mu.Unlock()
	}
	return w.p.tagged(ctx, t)
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

// task runs a task with a squad, all at once within the bounds of forks and throttle.
func (w *walk) task(ctx context.Context, hosts []*hostRun, t *playbook.Task) {
	p := w.p
	if !w.wanted(ctx, t, hosts[0].name) {
		return
	}
	if isMeta(t) {
		w.meta(ctx, hosts, t)
		return
	}
	if !w.step(ctx, hosts, t) {
		return
	}
	once, err := p.r.bool(ctx, p.keyword(t, func(b *playbook.Base) playbook.Value { return b.RunOnce }), p.scope(hosts[0].name, t), false)
	if err != nil {
		p.r.stop(err)
		return
	}
	if p.free() {
		if !p.suitsFree(t, once) {
			return
		}
		once = false
	}
	all, spread := hosts, once
	if once || bypassesHosts(t) {
		once = true
		hosts = hosts[:1]
	}
	shown := p.announce(ctx, t, hosts[0].name)
	p.hostStarts(shown, hosts)
	results := w.each(ctx, hosts, t, shown)
	if spread {
		w.onceFor(ctx, all, hosts[0], t, results[0])
	}
	if t.Include != nil {
		w.include(ctx, hosts, t, results)
	}
	w.judge(ctx, all, t, once, results)
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
func (p *playRun) hostStarts(shown callback.Task, hosts []*hostRun) {
	p.r.cb.tell(func(cb callback.Callback) {
		if s, ok := cb.(interface {
			HostStart(t callback.Task, host string)
		}); ok {
			for _, h := range hosts {
				s.HostStart(shown, h.name)
			}
		}
	})
}

// each runs a task on every host and reports the results in the order they come.
func (w *walk) each(ctx context.Context, hosts []*hostRun, t *playbook.Task, shown callback.Task) []*taskResult {
	p := w.p
	results := make([]*taskResult, len(hosts))
	limit := p.forks
	if n := p.throttleOf(ctx, t, hosts[0].name); n > 0 {
		limit = p.throttled(t, n)
	}
	run := func(i int) {
		results[i] = p.execute(ctx, hosts[i], t, shown)
		w.report(ctx, hosts[i], t, results[i])
	}
	if len(hosts) == 1 || p.runsHere(t) {
		// Nothing to wait for: one after the other, so that the screen keeps the hosts' order.
		for i := range hosts {
			limit <- struct{}{}
			run(i)
			<-limit
		}
		return results
	}
	var wg sync.WaitGroup
	for i := range hosts {
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
func (w *walk) report(ctx context.Context, h *hostRun, t *playbook.Task, res *taskResult) {
	p := w.p
	if p.r.stopped() != nil {
		return // what comes in behind the error that ends the run is not shown
	}
	for p.debugged(ctx, w, h, t, res) {
		again := p.execute(ctx, h, t, res.task)
		*res = *again
	}
	if res.status() == callback.Changed {
		if !p.handlersKnown(ctx, h, t, res) {
			return
		}
		p.notify(ctx, h, res)
	}
	p.r.cb.tell(func(cb callback.Callback) { cb.Result(res.shown()) })
	// An include that goes well is counted when its file is loaded.
	if t.Include == nil || res.status() != callback.OK && res.status() != callback.Changed {
		p.countResult(h, res)
	}
	p.keep(h, t, res)
	switch res.status() {
	case callback.Failed:
		if res.ignoreErrors {
			break
		}
		h.set(hostFailed)
		if w.rescuable > 0 {
			p.r.count(h.name, func(s *callback.HostStats) { s.Rescued++; s.Failures-- })
		}
		p.r.o.Vars.SetNonpersistent(h.name, rescueVars(t, shortAction(t), res.data))
	case callback.Unreachable:
		if !res.ignoreUnreachable {
			h.set(hostUnreachable)
		}
	}
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
func (w *walk) onceFor(ctx context.Context, all []*hostRun, ran *hostRun, t *playbook.Task, res *taskResult) {
	for _, h := range w.p.batch {
		if h != ran && !h.is(hostUnreachable) {
			w.p.keep(h, t, res)
		}
	}
}

// judge ends the play where a failure is fatal for all, or too many hosts failed.
func (w *walk) judge(ctx context.Context, hosts []*hostRun, t *playbook.Task, once bool, results []*taskResult) {
	p := w.p
	current := p.r.o.Era >= templates.Current
	lost := slices.ContainsFunc(results, func(res *taskResult) bool {
		switch res.status() {
		case callback.Failed:
			// Since 2.16 the other hosts go to rescue too.
			return !res.ignoreErrors && (w.rescuable == 0 || current || once)
		case callback.Unreachable:
			return !res.ignoreUnreachable
		}
		return false
	})
	if !lost {
		return
	}
	fatal := false
	if !once || current {
		var err error
		fatal, err = p.r.bool(ctx, p.keyword(t, func(b *playbook.Base) playbook.Value { return b.AnyErrorsFatal }), p.scope(hosts[0].name, t), p.r.o.AnyErrorsFatal)
		if err != nil {
			p.r.stop(err)
			return
		}
	}
	if once && !fatal && current && w.rescuable > 0 {
		// The hosts that a task ran for leave the play, without going to rescue.
		for _, h := range hosts {
			if h.is(hostRunning) {
				h.set(hostEnded)
			}
		}
		return
	}
	fatal = fatal || once
	if fatal || w.rescuable == 0 && p.tooManyFailed(ctx) {
		for _, h := range hosts {
			if h.is(hostRunning) {
				h.set(hostFailed)
			}
		}
		if w.rescuable > 0 {
			return
		}
		if w.always > 0 {
			w.fatal = true // the play breaks behind always
			return
		}
		p.breakPlay()
		if fatal && current {
			return
		}
		p.r.cb.tell(func(cb callback.Callback) {
			if !fatal {
				cb.NoHostsRemaining() // Ansible says it once for the percentage, once for the empty play
			}
			cb.NoHostsRemaining()
		})
	}
}

// tooManyFailed applies max_fail_percentage.
func (p *playRun) tooManyFailed(ctx context.Context) bool {
	if !p.play.MaxFailPercentage.IsSet() {
		return false
	}
	pct, err := p.r.number(ctx, p.play.MaxFailPercentage, p.scope("", nil), 100)
	if err != nil {
		p.r.stop(err)
		return false
	}
	failed := len(those(p.batch, func(h *hostRun) bool { return h.is(hostFailed) }))
	return float64(failed)/float64(len(p.batch))*100 > pct
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
