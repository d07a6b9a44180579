package engine

// This file executes a task on one host: conditions, arguments, the action,
// retries, and what becomes of the result.

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/templates"
	"gorun/vars"
)

// A taskRun is one task on one host.
type taskRun struct {
	p     *playRun
	r     *Run
	h     *hostRun
	t     *playbook.Task
	scope *vars.Scope
	shown callback.Task
	// round is the item of a loop that is sent ahead, else nil.
	round *round
}

// execute runs a task on a host. It never fails: every error is a result.
func (p *playRun) execute(ctx context.Context, h *hostRun, t *playbook.Task, shown callback.Task) *taskResult {
	tr := &taskRun{p: p, r: p.r, h: h, t: t, scope: p.scope(h.name, t), shown: shown}
	start := time.Now()
	res := tr.run(ctx)
	res.start, res.elapsed = start, time.Since(start)
	return res
}

func (tr *taskRun) run(ctx context.Context) *taskResult {
	base := tr.newResult()
	// With a loop they are each item's: they may need its variables.
	if err := tr.keywords(ctx, tr.scope, base); err != nil && !tr.t.Loop.IsSet() {
		return tr.seal(tr.failedResult(base, err))
	}
	items, looped, err := tr.loopItems(ctx)
	switch {
	case err != nil:
		// What cannot be looped over is no error where the task is not to run at all.
		if ok, which, cerr := tr.r.all(ctx, "when", tr.t.AllWhen(), tr.scope); cerr == nil && !ok {
			return skipped(base, which)
		}
		tr.delegateLabel(ctx, tr.scope, base)
		if isUndefined(err) {
			err = &KeywordError{tr.t.Loop.Pos, err}
		}
		return tr.seal(tr.failedResult(base, err))
	case looped:
		return tr.loop(ctx, base, items)
	}
	res := tr.once(ctx, tr.scope, base)
	tr.joinInventory(ctx, tr.scope, res)
	return tr.seal(res)
}

// newResult is an empty result of the task.
func (tr *taskRun) newResult() *taskResult {
	return &taskResult{host: tr.h.name, task: tr.shown, data: templates.NewDict(8), start: time.Now(), current: tr.r.o.Era >= templates.Current}
}

// keywords evaluates the keywords that say how a result is treated.
func (tr *taskRun) keywords(ctx context.Context, s templates.Scope, res *taskResult) error {
	p := tr.p
	flag := func(name string, get func(b *playbook.Base) playbook.Value, def bool, out *bool) error {
		value := p.keyword(tr.t, get)
		v, err := tr.r.bool(ctx, value, s, def)
		*out = v
		return named(name, value, err)
	}
	return errors.Join(
		flag("no_log", func(b *playbook.Base) playbook.Value { return b.NoLog }, tr.r.o.NoLogEverything, &res.noLog),
		flag("ignore_errors", func(b *playbook.Base) playbook.Value { return b.IgnoreErrors }, false, &res.ignoreErrors),
		flag("ignore_unreachable", func(b *playbook.Base) playbook.Value { return b.IgnoreUnreachable }, false, &res.ignoreUnreachable),
		flag("diff", func(b *playbook.Base) playbook.Value { return b.Diff }, tr.r.o.Diff, &res.diff),
		flag("check_mode", func(b *playbook.Base) playbook.Value { return b.CheckMode }, tr.r.o.Check, &res.check),
	)
}

// once runs the task without a loop, or one item of a loop.
func (tr *taskRun) once(ctx context.Context, s *vars.Scope, res *taskResult) *taskResult {
	s = tr.withConnection(ctx, s)
	ok, which, err := tr.r.all(ctx, "when", tr.t.AllWhen(), s)
	if err != nil {
		tr.delegateLabel(ctx, s, res)
		return tr.failedResult(res, err)
	}
	if ok {
		ok, which, err = tr.legacyWhen(ctx, s)
		if err != nil {
			return tr.failedResult(res, err)
		}
	}
	if !ok {
		return skipped(res, which)
	}
	if err := tr.keywords(ctx, s, res); err != nil {
		return tr.failedResult(res, err)
	}
	if err := tr.blockNames(ctx, s, res); err != nil {
		return tr.failedResult(res, err)
	}
	if tr.t.Include != nil {
		return tr.includeRequest(ctx, s, res)
	}
	if err := tr.delegate(ctx, s, res); err != nil {
		return tr.failedResult(res, err)
	}
	s = withDelegate(s, res.delegate)
	tries, delay, err := tr.retries(ctx, s)
	if err != nil {
		return tr.failedResult(res, err)
	}
	for attempt := 1; ; attempt++ {
		if tries > 1 || len(tr.t.Until) > 0 && !res.current {
			res.attempt = attempt
		}
		tr.try(ctx, s, res)
		if tries == 1 || res.unreachable || ctx.Err() != nil || !retried(res.failure) {
			break
		}
		done, err := tr.satisfied(ctx, s, res)
		if err != nil {
			return tr.failedResult(res, err)
		}
		if done {
			break
		}
		if attempt == tries {
			res.data.SetStr("attempts", templates.Int(tries-1))
			res.data.SetStr("failed", templates.Bool(true))
			if tr.t.FailedWhen != nil && !tr.judgedFailed(res) {
				// What failed_when says stands, though the tries are over.
				res.spared = true
				if res.current {
					res.data.SetStr("failed", templates.Bool(false))
				}
			}
			res.gaveUp = res.event == nil && res.failure == nil && res.judged == nil && !truth(res.data, "rc")
			break
		}
		tr.retryLater(ctx, res, attempt, tries, delay)
		res = tr.again(res)
	}
	return tr.finish(ctx, s, res)
}

// blockNames templates the names of the blocks around the task: since 2.19 one
// that cannot be fails the task.
func (tr *taskRun) blockNames(ctx context.Context, s templates.Scope, res *taskResult) error {
	if !res.current {
		return nil
	}
	for b := tr.t.Parent; b != nil; b = b.Parent {
		if _, isText := b.Name.V.(*templates.Text); !isText {
			continue
		}
		if _, err := tr.r.resolve(ctx, b.Name.V, s); err != nil {
			return named("name", b.Name, err)
		}
	}
	return nil
}

// judgedFailed reports what failed_when gave.
func (tr *taskRun) judgedFailed(res *taskResult) bool { return truth(res.data, "failed_when_result") }

// withDelegate adds ansible_delegated_vars: the variables of the host that a
// task is delegated to.
func withDelegate(s *vars.Scope, host string) *vars.Scope {
	if host == "" {
		return s
	}
	all, ok, err := s.Lookup("hostvars")
	hosts, isMap := all.(templates.Mapping)
	if !ok || err != nil || !isMap {
		return s
	}
	own, ok, err := hosts.Get(templates.Str(host))
	if !ok || err != nil {
		return s
	}
	named := templates.NewDict(1)
	named.SetStr(host, own)
	locals := templates.NewDict(1)
	locals.SetStr("ansible_delegated_vars", named)
	return s.With(locals)
}

// retried reports whether what failed a try may go well with the next one:
// arguments are templated once.
func retried(err error) bool {
	var arg *argumentError
	return !errors.As(err, &arg)
}

// again is a fresh result for the next attempt, with the keywords' values.
func (tr *taskRun) again(res *taskResult) *taskResult {
	next := *res
	next.data, next.effects = templates.NewDict(8), nil
	next.failure, next.judged, next.module, next.always = nil, nil, false, false
	return &next
}

// retryLater tells of a failed attempt and waits.
func (tr *taskRun) retryLater(ctx context.Context, res *taskResult, attempt, tries int, delay time.Duration) {
	shown := res.shown()
	shown.Attempt, shown.Retries = attempt, tries
	if res.current {
		shown.Attempt++ // since 2.22 the attempt that is to come is counted
	} else if tr.t.Name.IsSet() {
		shown.Task.Name = tr.nameWithoutRole()
	}
	shown.Data = shown.Data.Copy()
	if res.current && res.marks != nil && !res.noLog {
		for k, v := range res.marks.All {
			_ = shown.Data.Set(k, v) // k is in a dict, so it has a hash
		}
	}
	shown.Data.SetStr("attempts", templates.Int(shown.Attempt))
	shown.Data.SetStr("retries", templates.Int(tries))
	tr.r.cb.tell(func(cb callback.Callback) { cb.Retry(shown) })
	sleep(ctx, delay)
}

// sleep waits; it reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// retries gives the number of tries and the pause between them. In the
// current era retries alone imply until: it succeeded.
func (tr *taskRun) retries(ctx context.Context, s templates.Scope) (tries int, delay time.Duration, err error) {
	n, err := tr.number(ctx, "retries", "int", tr.t.Retries, s, 3)
	if err != nil {
		return 0, 0, err
	}
	kind := "float"
	if tr.r.o.Era < templates.Current {
		kind = "int"
	}
	d, err := tr.number(ctx, "delay", kind, tr.t.Delay, s, 5)
	if len(tr.t.Until) == 0 && (!tr.t.Retries.IsSet() || tr.r.o.Era < templates.Current) {
		return 1, 0, err
	}
	return max(1, int(n)+1), max(0, time.Duration(d*float64(time.Second))), err
}

// satisfied evaluates until with the result registered.
func (tr *taskRun) satisfied(ctx context.Context, s *vars.Scope, res *taskResult) (bool, error) {
	if len(tr.t.Until) == 0 {
		return res.status() != callback.Failed, nil
	}
	ok, _, err := tr.r.all(ctx, "until", tr.t.Until, tr.registered(s, res))
	return ok, err
}

// registered is the scope in which the result is known by its register name
// and, as until and the like may use them, its facts.
func (tr *taskRun) registered(s *vars.Scope, res *taskResult) *vars.Scope {
	locals := templates.NewDict(2)
	if tr.t.Register != "" {
		locals.SetStr(tr.t.Register, res.registered())
	}
	if f, ok := dictAt(res.data, "ansible_facts"); ok {
		for k, v := range f.All {
			_ = locals.Set(k, v) // k is in a dict, so it has a hash
		}
	}
	if locals.Len() == 0 {
		return s
	}
	return s.With(locals)
}

// dictAt is the dict under a key.
func dictAt(data *templates.Dict, key string) (*templates.Dict, bool) {
	v, _ := data.GetStr(key)
	d, ok := v.(*templates.Dict)
	return d, ok
}

// try runs the action once and judges its result.
func (tr *taskRun) try(ctx context.Context, s *vars.Scope, res *taskResult) {
	limit := tr.r.o.TaskTimeout
	secs, err := tr.number(ctx, "timeout", "int", tr.p.keyword(tr.t, timeoutOf), s, limit.Seconds())
	if err != nil {
		tr.failedResult(res, err)
		return
	}
	actx := ctx
	if secs > 0 {
		var cancel context.CancelFunc
		actx, cancel = context.WithTimeout(ctx, time.Duration(secs*float64(time.Second)))
		defer cancel()
	}
	err = tr.act(actx, s, res)
	if ctx.Err() == nil && errors.Is(actx.Err(), context.DeadlineExceeded) {
		if res.current {
			err = timedOut(secs)
		} else {
			err = failTimeout("The %s action failed to execute in the expected time frame (%v) and was terminated", tr.t.Action, secs)
		}
	}
	if err != nil {
		tr.failedResult(res, err)
	}
	if res.unreachable {
		return
	}
	tr.normalise(res)
	if res.attempt > 0 && res.failure == nil {
		// Set early: changed_when, failed_when and until may ask for it.
		res.data.SetStr("attempts", templates.Int(res.attempt))
	}
	if err := tr.judge(ctx, s, res); err != nil {
		tr.failedResult(res, err)
	}
}

// act resolves the arguments and runs the action; with async it waits for the job.
func (tr *taskRun) act(ctx context.Context, s *vars.Scope, res *taskResult) error {
	at, err := tr.actionTask(ctx, s, res)
	if err != nil {
		return err
	}
	async, err := tr.number(ctx, "async_val", "int", tr.t.Async, s, 0)
	if err != nil {
		return err
	}
	at.Async = time.Duration(async) * time.Second
	poll, err := tr.number(ctx, "poll", "int", tr.t.Poll, s, tr.r.o.PollInterval.Seconds())
	if err != nil {
		return err
	}
	if async > 0 && at.Check && tr.r.o.Era == templates.Era214 {
		return action.CheckedJob()
	}
	if tr.round != nil {
		tr.round.begin(at)
	}
	data, err := action.Run(ctx, at)
	res.module, res.ranModule = at.ModuleFailed, at.ModuleRan
	if data != nil && res.current {
		currentWords(at.Module, data, at.Args)
	}
	if err != nil {
		return err
	}
	res.data = data
	res.noLog = res.noLog || at.NoLog
	if res.always = truth(data, action.ShownAlways); res.always {
		data.Delete(templates.Str(action.ShownAlways))
	}
	res.effects = []action.Effects{at.Effects}
	if res.current || at.Target.Plugin != nil {
		tr.p.applyInventory(tr.h, res, &at.Effects)
	} else if tr.addsHosts() {
		data.SetStr("changed", templates.Bool(false)) // joinInventory says more
	}
	if at.Async == 0 {
		return nil
	}
	if poll <= 0 {
		return nil
	}
	return tr.await(ctx, at, res, time.Duration(poll*float64(time.Second)))
}

// await polls an async job until it is done or its time is over.
func (tr *taskRun) await(ctx context.Context, at *action.Task, res *taskResult, poll time.Duration) error {
	jid, ok := res.data.GetStr("ansible_job_id")
	if !ok || truth(res.data, "failed") {
		return nil
	}
	for left := at.Async; left > 0; left -= poll {
		if !sleep(ctx, poll) {
			return ctx.Err()
		}
		data, err := at.RunModule(ctx, "ansible.builtin.async_status", jobArgs(at, jid, "status"))
		if err != nil {
			return err
		}
		data.SetStr("ansible_job_id", jid)
		res.data = data
		res.module = at.ModuleFailed
		if res.current {
			currentWords("ansible.builtin.command", data, at.Args)
		}
		if truth(data, "finished") || truth(data, "failed") {
			word := "OK"
			if truth(data, "failed") {
				word = "FAILED"
			}
			tr.r.cb.Display(fmt.Sprintf("ASYNC %s on %s: jid=%s", word, tr.h.name, templates.StrOf(jid, tr.r.o.Era)))
			_, err := at.RunModule(ctx, "ansible.builtin.async_status", jobArgs(at, jid, "cleanup"))
			return err
		}
		tr.r.cb.tell(func(cb callback.Callback) { cb.AsyncPoll(res.shown()) })
	}
	return &action.Failure{Msg: "async task did not complete within the requested time - " + at.Async.String(), Data: res.data}
}

// actionTask is what the action is given.
func (tr *taskRun) actionTask(ctx context.Context, s *vars.Scope, res *taskResult) (*action.Task, error) {
	to, ok, err := action.Resolve(tr.r.o.Foreign, tr.t.Action, tr.collections())
	if err != nil {
		return nil, err
	}
	module := to.Full
	if !ok {
		return nil, fmt.Errorf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", tr.t.Action)
	}
	args := res.args
	if args == nil {
		if args, err = tr.args(ctx, s, module); err != nil {
			if !res.current {
				tr.delegateLabel(ctx, s, res)
			}
			return nil, err
		}
	}
	if len(tr.t.Until) > 0 || tr.t.Retries.IsSet() {
		res.args, args = args, args.Copy()
	}
	at := &action.Task{
		Name: tr.t.Action, Module: module, Args: args, Raw: tr.t.Args, HostName: tr.h.name,
		Check: res.check, Diff: res.diff, NoLog: res.noLog, Verbosity: tr.r.o.Verbosity, Era: tr.r.o.Era,
		Scope: s, Templates: tr.r.o.Templates, Services: tr.r.services,
		SearchPath: tr.p.searchPath(tr.t), Delegated: res.delegate != "",
		Foreign: tr.r.o.Foreign, Target: to, Settings: tr.r.o.ModuleSettings,
	}
	at.WarnAt = func(msg, arg string) { tr.warnAt(msg, tr.argPos(arg)) }
	if tr.t.File != "" {
		at.TaskDir = filepath.Dir(absPath(tr.t.File))
	}
	if tr.t.Role != nil {
		at.RolePath = absPath(tr.t.Role.Path)
	}
	if at.Env, err = tr.environment(ctx, s); err != nil {
		return nil, err
	}
	c, err := tr.p.connect(ctx, tr.t, s.WithoutLast(), tr.h.name, res.delegate)
	if err != nil {
		return nil, err
	}
	at.Host, at.RemoteTmp, at.Executable, at.AsyncDir = c.host, c.target.RemoteTmp, c.executable, c.asyncDir
	at.ConnScope = c.scope
	if to.Plugin != nil {
		at.Keywords, at.Connection = tr.pluginKeywords(c, res), pluginConnection(c)
	}
	facts := tr.h.name
	if res.delegate != "" {
		facts = res.delegate
	}
	at.Facts = moduleFacts(tr.r.o.Vars.Facts(facts))
	return at, nil
}

func (tr *taskRun) collections() []string { return tr.t.EffectiveCollections() }

// delegate resolves delegate_to and delegate_facts.
func (tr *taskRun) delegate(ctx context.Context, s templates.Scope, res *taskResult) error {
	v := tr.t.EffectiveDelegateTo()
	facts := tr.t.EffectiveDelegateFacts()
	if !v.IsSet() {
		if tr.t.Local {
			res.delegate = "localhost"
		}
		_, err := tr.r.bool(ctx, facts, s, false)
		return named("delegate_facts", facts, err)
	}
	written := ""
	if text, ok := v.V.(*templates.Text); ok {
		written = text.Src
	}
	to, err := tr.r.resolve(ctx, v.V, s)
	if err != nil {
		res.delegate = written
		if res.current {
			return &KeywordError{v.Pos, err}
		}
		return named("delegate_to", v, err)
	}
	if to == templates.Omit || to == templates.None {
		return nil
	}
	res.delegate = templates.StrOf(to, tr.r.o.Era)
	if res.delegate == "" && res.current {
		res.delegate = written
		return fmt.Errorf("Empty hostname produced from delegate_to: \"%s\"", written)
	}
	res.delegateFacts, err = tr.r.bool(ctx, facts, s, false)
	return named("delegate_facts", facts, err)
}

// delegateLabel names the delegate of a task that fails before it is asked to
// do anything; up to 2.14 as written.
func (tr *taskRun) delegateLabel(ctx context.Context, s templates.Scope, res *taskResult) {
	v := tr.t.EffectiveDelegateTo()
	if text, ok := v.V.(*templates.Text); ok && !res.current {
		res.delegate = text.Src
	} else if to, err := tr.r.resolve(ctx, v.V, s); v.IsSet() && err == nil && to != templates.Omit && to != templates.None {
		res.delegate = templates.StrOf(to, tr.r.o.Era)
	}
}

// environment merges the environments that stand around the task.
func (tr *taskRun) environment(ctx context.Context, s templates.Scope) (map[string]string, error) {
	var env map[string]string
	for _, e := range tr.t.AllEnvironment() {
		v, err := tr.r.resolve(ctx, e.V, s)
		if err != nil {
			return nil, named("environment", e, err)
		}
		for _, v := range conditionList(v) {
			if _, isDict := v.(templates.Mapping); !isDict && v != templates.None && v != templates.Omit {
				tr.r.warn("could not parse environment value, skipping: " + templates.Repr(templates.NewList(written(e, v)), tr.r.o.Era))
				continue
			}
			if env, err = tr.addEnvironment(env, v); err != nil {
				return nil, named("environment", e, err)
			}
		}
	}
	return env, nil
}

func (tr *taskRun) addEnvironment(env map[string]string, v templates.Value) (map[string]string, error) {
	if v == templates.None || v == templates.Omit {
		return env, nil
	}
	d := v.(templates.Mapping)
	if env == nil {
		env = map[string]string{}
	}
	for _, k := range d.Keys() {
		val, _, err := d.Get(k)
		if err != nil {
			return nil, err
		}
		if val != templates.Omit {
			env[templates.StrOf(k, tr.r.o.Era)] = templates.StrOf(val, tr.r.o.Era)
		}
	}
	return env, nil
}

// judge applies changed_when and failed_when.
func (tr *taskRun) judge(ctx context.Context, s *vars.Scope, res *taskResult) error {
	t := tr.t
	if t.ChangedWhen == nil && t.FailedWhen == nil {
		return nil
	}
	if res.failure != nil && !res.ranAction {
		return nil
	}
	scope := tr.registered(s, res)
	if t.ChangedWhen != nil && !truth(res.data, "skipped") {
		ok, _, err := tr.r.all(ctx, "changed_when", t.ChangedWhen, scope)
		if err != nil {
			return tr.misjudged(res, "changed_when", err)
		}
		res.data.SetStr("changed", templates.Bool(ok))
		if res.current {
			res.data.SetStr("changed_when_result", templates.Bool(ok))
		}
		scope = tr.registered(s, res)
	}
	if t.FailedWhen != nil && !truth(res.data, "skipped") {
		ok, _, err := tr.r.all(ctx, "failed_when", t.FailedWhen, scope)
		if res.current && truth(res.data, "failed") {
			res.data.SetStr("failed_when_suppressed_exception", noTraceback)
		}
		if err != nil {
			return tr.misjudged(res, "failed_when", err)
		}
		if ok {
			res.judged = &callback.Event{Msg: "A 'failed_when' expression evaluated to 'True'."}
		}
		res.data.SetStr("failed", templates.Bool(ok))
		res.data.SetStr("failed_when_result", templates.Bool(ok))
	}
	return nil
}

// misjudged keeps the result of a task whose changed_when or failed_when
// cannot be evaluated, as failed.
func (tr *taskRun) misjudged(res *taskResult, keyword string, err error) error {
	var cond *conditionError
	if !errors.As(err, &cond) {
		return err
	}
	if !res.current {
		res.data.SetStr("failed", templates.Bool(true))
		res.data.SetStr(keyword+"_result", templates.Str(tr.explain214(err)))
		return nil
	}
	res.judged = conditionEvent(cond)
	res.data.SetStr("failed", templates.Bool(true))
	res.data.SetStr(keyword+"_result", templates.Str(res.judged.Cause.Brief()))
	return nil
}

// finish resolves notify and gives effects their host.
func (tr *taskRun) finish(ctx context.Context, s *vars.Scope, res *taskResult) *taskResult {
	// Of a loop every item notifies where one of them changed something.
	if tr.t.Loop.IsSet() || truth(res.data, "changed") && !truth(res.data, "failed") {
		names, err := tr.notifies(ctx, s)
		if err != nil {
			return tr.failedResult(res, err)
		}
		res.notify = names
	}
	return res
}

// notifies are the handlers' names that a change notifies.
func (tr *taskRun) notifies(ctx context.Context, s templates.Scope) ([]string, error) {
	var names []string
	for _, n := range tr.t.AllNotify() {
		v, err := tr.r.resolve(ctx, n.V, s)
		if err != nil {
			return nil, named("notify", n, err)
		}
		for _, e := range conditionList(v) {
			if e != templates.Omit && e != templates.None {
				names = append(names, templates.StrOf(e, tr.r.o.Era))
			}
		}
	}
	return distinct(names), nil
}

// failedResult turns an error into the result.
func (tr *taskRun) failedResult(res *taskResult, err error) *taskResult {
	res.failure, res.always = err, false
	var un *transport.UnreachableError
	var fail *action.Failure
	d := templates.NewDict(4)
	switch {
	case errors.As(err, &un):
		res.unreachable = true
		if res.current || !tr.t.Loop.IsSet() {
			d.SetStr("changed", templates.Bool(false))
		}
		d.SetStr("msg", templates.Str(un.Msg))
		if res.current {
			d.SetStr("msg", templates.Str("Task failed: "+un.Msg))
		}
		d.SetStr("unreachable", templates.Bool(true))
	case errors.As(err, &fail):
		if fail.Data != nil {
			d = fail.Data.Copy()
		}
		if fail.Msg != "" {
			d.SetStr("msg", templates.Str(fail.Msg))
			if _, ok := d.GetStr("changed"); !ok && fail.Data == nil && !fail.Bare {
				d.SetStr("changed", templates.Bool(false))
			}
		}
		if fail.At != nil {
			d.SetStr("changed", templates.Bool(false))
		}
		d.SetStr("failed", templates.Bool(true))
		if fail.Exception != "" && tr.r.o.Era == templates.Era214 {
			d.SetStr("exception", templates.Str(fail.Exception))
		}
	default:
		if res.current {
			d.SetStr("changed", templates.Bool(false))
		}
		d.SetStr("failed", templates.Bool(true))
		d.SetStr("msg", templates.Str(tr.explain(err)))
	}
	res.data = d
	return res
}

// timedOut is the failure of a task whose timeout is over.
func timedOut(secs float64) error {
	frame := action.Result("frame", "Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors.", "period", int(secs))
	return &action.Failure{
		Msg: fmt.Sprintf("Task failed: Timed out after %d second(s).", int(secs)), Raised: true,
		Data: action.Result("changed", false, "timedout", frame),
	}
}

func failTimeout(format string, args ...any) error {
	return &action.Failure{Msg: fmt.Sprintf(format, args...)}
}

// jobArgs are the arguments of async_status for a job.
func jobArgs(at *action.Task, jid templates.Value, mode string) *templates.Dict {
	d := action.Result("jid", jid, "mode", mode)
	if at.AsyncDir != "" {
		d.SetStr("_async_dir", templates.Str(at.AsyncDir))
	}
	return d
}
