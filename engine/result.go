package engine

// This file defines the result of a task on a host and what is shown and kept
// of it.

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// A taskResult is what a task gave on a host, or for one item of a loop.
type taskResult struct {
	host  string
	task  callback.Task
	data  *templates.Dict
	items []*taskResult // of a loop

	looped                          bool
	label                           string
	unreachable                     bool
	ignoreErrors, ignoreUnreachable bool
	noLog, diff, check              bool
	current                         bool // the era's results say which condition was false
	delegate                        string
	delegateFacts                   bool
	ranAction                       bool // an action gave data, good or bad
	byWhen                          bool // a condition was false: no action ran
	failure                         error
	event                           *callback.Event // the error that the screen shows, in the current era
	judged                          *callback.Event // what changed_when or failed_when made of the result
	module                          bool            // a module failed, not its action
	ranModule                       bool            // a module gave the data
	spared                          bool            // failed_when says it is no failure, though until never held
	always                          bool            // the screen shows it whole
	args                            *templates.Dict // as templated, where there may be several tries
	marks                           *templates.Dict // what a loop adds to an item's result
	attempt                         int             // the number of the try, where it is told
	gaveUp                          bool            // until never held; nothing else failed
	effects                         []action.Effects
	notify                          []string
	include                         *includeRequest
	start                           time.Time
	elapsed                         time.Duration
}

// status is how the task ended.
func (res *taskResult) status() callback.Status {
	switch {
	case res.unreachable:
		return callback.Unreachable
	case truth(res.data, "failed") && !res.spared:
		return callback.Failed
	case truth(res.data, "skipped"):
		return callback.Skipped
	case truth(res.data, "changed"):
		return callback.Changed
	}
	return callback.OK
}

// skipped makes a result of a condition that was false.
func skipped(res *taskResult, which templates.Value) *taskResult {
	res.data.SetStr("changed", templates.Bool(false))
	res.byWhen = true
	res.data.SetStr("skipped", templates.Bool(true))
	res.data.SetStr("skip_reason", templates.Str("Conditional result was False"))
	if res.current {
		res.data.SetStr("failed", templates.Bool(false))
		if which != nil {
			res.data.SetStr("false_condition", which)
		}
	}
	return res
}

// shown is the result for the screen; with no_log it is censored.
func (res *taskResult) shown() callback.Result {
	data := res.data
	switch {
	case res.noLog:
		data = censored(data)
	case res.current && res.looped:
		data = shownItems(data)
	}
	label, looped, delegate, event := res.label, res.looped, res.delegate, res.event
	if res.noLog {
		event = hidden(event)
		switch {
		case res.current && label != "":
			label = censoredLabel
		case !res.current:
			looped = false
			if label != "" {
				label = "None"
			}
		}
	}
	if delegate == res.host {
		delegate = ""
	}
	return callback.Result{
		Host: res.host, Task: res.task, Status: res.status(), Data: data,
		DelegatedTo: delegate, IgnoreErrors: res.ignoreErrors, IgnoreUnreachable: res.ignoreUnreachable,
		ItemLabel: label, Looped: looped, Diff: res.diff, NoLog: res.noLog,
		Start: res.start, Elapsed: res.elapsed, Error: event, Always: res.always && !res.noLog,
	}
}

// censoredLabel stands for the label of an item under no_log.
const censoredLabel = "(censored due to no_log)"

// censored keeps what Ansible shows of a result under no_log.
func censored(data *templates.Dict) *templates.Dict {
	d := templates.NewDict(4)
	d.SetStr("censored", templates.Str(noLogText))
	for _, k := range []string{"attempts", "changed", "retries"} {
		if v, ok := data.GetStr(k); ok {
			d.SetStr(k, v)
		}
	}
	return d
}

// noTraceback is what the current era's results have for an exception.
const noTraceback = templates.Str("(traceback unavailable)")

// registered is the result as register keeps it.
func (res *taskResult) registered() *templates.Dict {
	if !res.current {
		if _, ok := res.data.GetStr("invocation"); !ok {
			return res.data
		}
		d := res.data.Copy()
		d.Delete(templates.Str("invocation"))
		return d
	}
	_, raised := res.data.GetStr("exception")
	lost := res.unreachable && !res.looped
	raised = raised || res.status() != callback.Failed && !lost
	_, detailed := res.data.GetStr(errorDetail)
	if !res.ranModule && raised && !detailed {
		return res.data
	}
	d := res.data.Copy()
	d.Delete(templates.Str(errorDetail))
	if res.ranModule {
		d.SetStr("ansible_parsed", templates.Bool(true))
	}
	if !raised {
		d.SetStr("exception", noTraceback)
	}
	if lost {
		d.SetStr("failed", templates.Bool(false))
	}
	return d
}

// shownItems leaves out of a loop's results what only register keeps.
func shownItems(data *templates.Dict) *templates.Dict {
	v, _ := data.GetStr("results")
	results, ok := v.(*templates.List)
	if !ok {
		return data
	}
	out := templates.NewList(slices.Clone(results.Elems)...)
	for i, e := range out.Elems {
		if item, ok := e.(*templates.Dict); ok {
			item = item.Copy()
			item.Delete(templates.Str("failed"))
			item.Delete(templates.Str("skipped"))
			item.Delete(templates.Str("ansible_parsed"))
			out.Elems[i] = item
		}
	}
	data = data.Copy()
	data.SetStr("results", out)
	return data
}

// normalise adds what every result has: changed, failed, lines of output.
func (tr *taskRun) normalise(res *taskResult) {
	d := res.data
	if rc, ok := d.GetStr("rc"); ok {
		if n, isNum := toNumber(rc); isNum && n != 0 {
			if _, set := d.GetStr("failed"); !set {
				d.SetStr("failed", templates.Bool(true))
			}
		}
	}
	if _, ok := d.GetStr("changed"); !ok && res.failure == nil {
		d.SetStr("changed", templates.Bool(false))
	}
	if _, ok := d.GetStr("failed"); !ok {
		d.SetStr("failed", templates.Bool(false))
	}
	for _, k := range []string{"stdout", "stderr"} {
		if s, ok := d.GetStr(k); ok {
			if _, done := d.GetStr(k + "_lines"); !done {
				d.SetStr(k+"_lines", lines(templates.StrOf(s, templates.Current)))
			}
		}
	}
	if res.current && !tr.r.o.InjectInvocation {
		d.Delete(templates.Str("invocation"))
	}
	res.ranAction = res.failure == nil
}

// lines splits text as Python's splitlines does for the usual line ends.
func lines(s string) *templates.List {
	l := templates.NewList()
	if s == "" {
		return l
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		l.Elems = append(l.Elems, templates.Str(line))
	}
	return l
}

// keep stores what a result leaves: registered variables, facts, effects.
func (p *playRun) keep(h *hostRun, t *playbook.Task, res *taskResult) {
	if t.Register != "" {
		p.r.warnReserved(t.Register, callback.SourceContext(t.RegisterPos))
		d := templates.NewDict(1)
		d.SetStr(t.Register, res.registered())
		p.r.o.Vars.SetNonpersistent(h.name, d)
	}
	parts := []*taskResult{res}
	if res.looped {
		parts = res.items
	}
	for _, part := range parts {
		p.keepFacts(h, t, part)
		for i := range part.effects {
			p.apply(h, part, &part.effects[i])
		}
	}
}

// keepFacts stores ansible_facts of a module.
func (p *playRun) keepFacts(h *hostRun, t *playbook.Task, res *taskResult) {
	v, ok := res.data.GetStr("ansible_facts")
	if !ok {
		return
	}
	for _, e := range res.effects {
		if e.Facts != nil || e.Included != nil {
			return
		}
	}
	facts, ok := v.(*templates.Dict)
	if !ok || facts.Len() == 0 {
		return
	}
	if full, _ := action.Route(t.Action, t.EffectiveCollections()); full == "ansible.builtin.gather_facts" && !truth(res.data, "failed") {
		facts = facts.Copy()
		facts.SetStr(factsGathered, templates.Bool(true))
	}
	p.r.o.Vars.SetFacts(p.factHost(h, res), facts)
}

func (p *playRun) factHost(h *hostRun, res *taskResult) string {
	if res.delegate != "" && res.delegateFacts {
		return res.delegate
	}
	return h.name
}

// apply does what an action asked for.
func (p *playRun) apply(h *hostRun, res *taskResult, e *action.Effects) {
	if res.status() == callback.Failed || res.status() == callback.Unreachable {
		return
	}
	v := p.r.o.Vars
	switch {
	case e.Facts != nil:
		host := p.factHost(h, res)
		v.SetNonpersistent(host, e.Facts)
		if e.Cacheable {
			v.SetFacts(host, e.Facts)
		}
	case e.Included != nil:
		v.SetIncluded(p.factHost(h, res), e.Included, e.Source)
	case e.Stats != nil:
		p.r.addStats(h.name, e)
	}
}

// addsHosts reports whether a task's results change the inventory.
func (tr *taskRun) addsHosts() bool {
	switch shortAction(tr.t) {
	case "add_host", "group_by":
		return true
	}
	return false
}

// joinInventory does what add_host and group_by ask for once the task is known
// to have gone well, and judges the result again by what came of it: as up to
// 2.18. Later it is done before anything judges.
func (tr *taskRun) joinInventory(ctx context.Context, s *vars.Scope, res *taskResult) {
	if st := res.status(); res.current || !tr.addsHosts() || st != callback.OK && st != callback.Changed {
		return
	}
	for i := range res.effects {
		tr.p.applyInventory(tr.h, res, &res.effects[i])
	}
	if err := tr.judge(ctx, s, res); err != nil {
		tr.failedResult(res, err)
	}
}

// applyInventory does what add_host and group_by ask for, at once, and says in
// the result whether that was anything new.
func (p *playRun) applyInventory(h *hostRun, res *taskResult, e *action.Effects) {
	inv := p.r.o.Inventory
	switch {
	case e.AddHost != nil:
		changed := inv.AddHost(e.AddHost.Name, e.AddHost.Port, e.AddHost.Groups)
		if e.AddHost.Vars != nil && e.AddHost.Vars.Len() > 0 {
			changed = p.r.o.Vars.AddHostVars(e.AddHost.Name, e.AddHost.Vars) || changed
		}
		res.data.SetStr("changed", templates.Bool(changed))
	case e.Group != "":
		made := inv.AddGroup(e.Group, e.ParentGroups)
		joined := inv.AddToGroup(h.name, e.Group)
		res.data.SetStr("changed", templates.Bool(made || joined))
	}
}

// addStats stores set_stats' values.
func (r *Run) addStats(host string, e *action.Effects) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := "_run"
	if e.StatsPerHost {
		key = host
	}
	d := r.custom[key]
	if d == nil {
		d = templates.NewDict(e.Stats.Len())
		r.custom[key] = d
	}
	for k, v := range e.Stats.All {
		old, ok, err := d.Get(k)
		if ok && err == nil && e.StatsAggregate {
			v = aggregate(old, v)
		}
		_ = d.Set(k, v) // k is in a dict, so it has a hash
	}
}

// aggregate adds numbers and lists and merges dicts; where the kinds differ
// the old value stays.
func aggregate(old, v templates.Value) templates.Value {
	switch a := old.(type) {
	case templates.Int:
		if b, ok := v.(templates.Int); ok {
			return a + b
		}
	case templates.Float:
		if b, ok := toNumber(v); ok {
			return a + templates.Float(b)
		}
	case templates.Str:
		if b, ok := v.(templates.Str); ok {
			return a + b
		}
	case *templates.List:
		if b, ok := v.(*templates.List); ok {
			return templates.NewList(append(append([]templates.Value(nil), a.Elems...), b.Elems...)...)
		}
	case *templates.Dict:
		if b, ok := v.(*templates.Dict); ok {
			return mergeDicts(a, b)
		}
	}
	return old
}

// uuid numbers a task the way Ansible's callback wants to tell tasks apart.
func uuid(t *playbook.Task) string { return strconv.Itoa(t.ID) }
