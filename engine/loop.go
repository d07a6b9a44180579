package engine

// This file runs loops: the items, one result each, and the sum of them.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/lookup"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// loopItems evaluates loop or with_*. looped is false for a task without.
func (tr *taskRun) loopItems(ctx context.Context) (items []templates.Value, looped bool, err error) {
	t := tr.t
	if !t.Loop.IsSet() {
		return nil, false, nil
	}
	if t.LoopWith == "" {
		v, err := tr.r.resolve(ctx, t.Loop.V, tr.scope)
		if err != nil {
			return tr.loopOfNothing(ctx, err)
		}
		if v == templates.None || v == templates.Omit {
			return nil, false, nil
		}
		seq, ok := v.(templates.Sequence)
		if !ok {
			if tr.r.o.Era >= templates.Current {
				return nil, true, &loopError{&placedError{
					fmt.Sprintf("The `loop` value must resolve to a 'list', not '%s'.", v.Type()), t.Loop.Pos,
					"Provide a list of items/templates, or a template resolving to a list.",
				}}
			}
			return nil, true, fmt.Errorf("Invalid data passed to 'loop', it requires a list, got this instead: %s. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup.", templates.StrOf(v, tr.r.o.Era))
		}
		return elements(seq), true, nil
	}
	v, err := tr.withTerms(ctx)
	if err != nil {
		return tr.loopOfNothing(ctx, err)
	}
	items, err = tr.r.lookups().Loop(ctx, t.LoopWith, v, lookup.Env{
		Templates: tr.r.o.Templates, Scope: tr.withSearchPath(), Action: t.Action,
	})
	if err != nil && tr.r.o.Era >= templates.Current && !isUndefined(err) {
		err = &loopError{&placedError{msg: err.Error()}}
	}
	return items, true, err
}

// loopOfNothing is what a loop that cannot be templated gives. Up to 2.18 the
// items of a task whose delegate_to is a template are had before the task is,
// and a single null stands for those that are not to be had.
func (tr *taskRun) loopOfNothing(ctx context.Context, err error) ([]templates.Value, bool, error) {
	to := tr.t.EffectiveDelegateTo()
	if _, isText := to.V.(*templates.Text); !isText || tr.r.o.Era >= templates.Current {
		return nil, true, err
	}
	if _, terr := tr.r.resolve(ctx, to.V, tr.scope); terr != nil {
		return nil, true, err
	}
	return []templates.Value{templates.None}, true, nil
}

// A loopError is a loop that cannot be had. It fails the task without more words.
type loopError struct{ *placedError }

// event is the error for the screen. Ansible calls the plugins of with_ from
// nowhere in the playbook.
func (e *loopError) event() *callback.Event {
	out := e.placedError.event()
	if !e.pos.IsValid() {
		out.Context = "Origin: <unknown>\n\ninvoke_lookup()\n"
	}
	return out
}

// withTerms resolves what stands behind with_*. In the old era a bare name of
// a variable stands for its value.
func (tr *taskRun) withTerms(ctx context.Context) (templates.Value, error) {
	v := tr.t.Loop.V
	if tr.r.o.Era == templates.Era19 {
		v = tr.bareName(v)
		if l, ok := v.(*templates.List); ok && bareElements[tr.t.LoopWith] {
			l = &templates.List{Elems: slices.Clone(l.Elems), Lazy: true}
			for i, e := range l.Elems {
				if i == 0 || tr.t.LoopWith != "subelements" {
					l.Elems[i] = tr.bareName(e)
				}
			}
			v = l
		}
	}
	if tr.t.LoopWith == "first_found" {
		return tr.lenient(ctx, v)
	}
	return tr.r.resolve(ctx, v, tr.scope)
}

// bareElements are the loops of Ansible 1.x whose lists may name variables.
var bareElements = map[string]bool{
	"cartesian": true, "flattened": true, "indexed_items": true, "nested": true, "subelements": true, "together": true,
}

// bareName makes a template of a text that names a variable.
func (tr *taskRun) bareName(v templates.Value) templates.Value {
	s, ok := v.(templates.Str)
	if !ok || !isName(string(s)) {
		return v
	}
	if _, known, err := tr.scope.Lookup(rootName(string(s))); !known || err != nil {
		return v
	}
	return templates.NewText("{{ "+string(s)+" }}", tr.t.Loop.Pos)
}

// lenient resolves the terms of first_found, where an undefined one is passed over.
func (tr *taskRun) lenient(ctx context.Context, v templates.Value) (templates.Value, error) {
	l, ok := v.(*templates.List)
	if !ok {
		return tr.r.resolve(ctx, v, tr.scope)
	}
	out := templates.NewList()
	for _, e := range l.Elems {
		if e, err := tr.r.resolve(ctx, e, tr.scope); err == nil {
			out.Elems = append(out.Elems, e)
		}
	}
	return out, nil
}

// withSearchPath is the task's scope; lookups ask it for ansible_search_path.
func (tr *taskRun) withSearchPath() templates.Scope { return tr.scope }

func isName(s string) bool {
	if s == "" || !(s[0] == '_' || s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') {
		return false
	}
	for _, c := range s {
		if !(c == '_' || c == '.' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}

func rootName(s string) string {
	root, _, _ := strings.Cut(s, ".")
	return root
}

func elements(seq templates.Sequence) []templates.Value {
	if l, ok := seq.(*templates.List); ok {
		return l.Elems
	}
	out := make([]templates.Value, seq.Len())
	for i := range out {
		out[i] = seq.Index(i)
	}
	return out
}

// loopControl is loop_control, resolved.
type loopControl struct {
	loopVar, indexVar string
	pause             time.Duration
	extended, allItem bool
	parallel          int
}

func (tr *taskRun) loopControl(ctx context.Context) (loopControl, error) {
	lc, c := &tr.t.LoopControl, loopControl{loopVar: "item"}
	var err error
	text := func(v templates.Value, def string) string {
		s, e := tr.r.text(ctx, v, tr.scope)
		if e != nil && err == nil {
			err = e
		}
		if s == "" {
			return def
		}
		return s
	}
	c.loopVar = text(lc.LoopVar.V, "item")
	c.indexVar = text(lc.IndexVar.V, "")
	if err != nil {
		return c, err
	}
	pause, err := tr.number(ctx, "pause", "float", lc.Pause, tr.scope, 0)
	if err != nil {
		return c, err
	}
	c.pause = time.Duration(pause * float64(time.Second))
	if c.extended, err = tr.r.bool(ctx, lc.Extended, tr.scope, false); err != nil {
		return c, named("extended", lc.Extended, err)
	}
	if c.allItem, err = tr.r.bool(ctx, lc.ExtendedAllitems, tr.scope, true); err != nil {
		return c, named("extended_allitems", lc.ExtendedAllitems, err)
	}
	n, err := tr.r.number(ctx, lc.Parallel, tr.scope, 1)
	c.parallel = max(1, int(n))
	return c, err
}

// loop runs the task for every item.
func (tr *taskRun) loop(ctx context.Context, base *taskResult, items []templates.Value) *taskResult {
	base.looped = true
	if len(items) == 0 {
		base.looped = false
		base.data = action.Result("changed", false, "skipped", true, "skipped_reason", "No items in the list", "results", templates.NewList())
		if base.current {
			base.data.SetStr("failed", templates.Bool(false))
			base.data.SetStr("skip_reason", templates.Str("No items in the list"))
		}
		return base
	}
	lc, err := tr.loopControl(ctx)
	if err != nil {
		base.looped = false
		res := tr.failedResult(base, err)
		var use *keywordUse
		if res.current && errors.As(err, &use) {
			res.event = tr.keywordEvent(use)
			res.data.SetStr("msg", templates.Str(res.event.Brief()))
		}
		return res
	}
	if squashed, ok := tr.squash(ctx, lc, items); ok {
		base.looped = false
		return tr.once(ctx, tr.scope.With(tr.locals(lc, squashed, 0)), base)
	}
	if base.current {
		tr.warnInUse(lc.loopVar, "loop_var", tr.t.LoopControl.LoopVar)
		tr.warnInUse(lc.indexVar, "index_var", tr.t.LoopControl.IndexVar)
	} else if v, known, _ := tr.scope.Lookup(lc.loopVar); known && v != nil && tr.t.Include == nil {
		tr.r.warn(fmt.Sprintf("%s: The loop variable '%s' is already in use. You should set the `loop_var` value in the `loop_control` option for the task to something else to avoid variable collisions and unexpected behavior.", tr.shown.Name, lc.loopVar))
	}
	switch {
	case lc.parallel > 1:
		tr.parallel(ctx, base, lc, items)
	case tr.sendsAhead(lc, items):
		tr.ahead(ctx, base, lc, items)
	default:
		tr.serial(ctx, base, lc, items)
	}
	if !base.looped {
		return base
	}
	if tr.addsHosts() && !base.current {
		return tr.joinItems(ctx, base, lc, items)
	}
	return tr.sumUp(base)
}

// joinItems is joinInventory for a loop: where one item failed nothing is done,
// nor are the others shown.
func (tr *taskRun) joinItems(ctx context.Context, base *taskResult, lc loopControl, items []templates.Value) *taskResult {
	sum := tr.sumUp(base)
	switch sum.status() {
	case callback.Failed, callback.Unreachable, callback.Skipped:
		return sum
	}
	for i, res := range base.items {
		if st := res.status(); st != callback.OK && st != callback.Changed {
			continue
		}
		tr.joinInventory(ctx, tr.scope.With(tr.locals(lc, items, i)), res)
		tr.r.cb.tell(func(cb callback.Callback) { cb.Item(res.shown()) })
	}
	return tr.sumUp(base)
}

// escapes reports whether an item's error is the whole task's: up to 2.18 what
// could not be templated was.
func (tr *taskRun) escapes(res *taskResult) bool {
	if tr.r.o.Era >= templates.Current || res.failure == nil || res.ranAction {
		return false
	}
	var cond *conditionError
	var arg *argumentError
	var kw *KeywordError
	var use *keywordUse
	return errors.As(res.failure, &cond) || errors.As(res.failure, &arg) || errors.As(res.failure, &kw) || errors.As(res.failure, &use)
}

// serial runs the items one after the other.
func (tr *taskRun) serial(ctx context.Context, base *taskResult, lc loopControl, items []templates.Value) {
	outer, learned := tr.scope, templates.NewDict(0)
	for i := range items {
		if i > 0 && lc.pause > 0 && !sleep(ctx, lc.pause) || ctx.Err() != nil {
			return
		}
		scope := outer.With(tr.locals(lc, items, i))
		res := tr.item(ctx, base, lc, scope, items, i)
		if tr.escapes(res) {
			base.looped, base.failure, base.data = false, res.failure, tr.failedResult(tr.newResult(), res.failure).data
			return
		}
		base.items = append(base.items, res)
		stop, err := tr.breaks(ctx, scope, res)
		if err != nil {
			tr.failedResult(res, err)
		}
		tr.tellItem(res)
		if stop || err != nil {
			return
		}
		// The next item sees the facts that this one has set, and its result.
		f, hasFacts := dictAt(res.data, "ansible_facts")
		keeps := tr.registers(res)
		if hasFacts || keeps {
			learned = learned.Copy()
			outer = tr.scope.With(learned)
		}
		if hasFacts {
			for k, v := range f.All {
				_ = learned.Set(k, v) // k is in a dict, so it has a hash
			}
		}
		if keeps {
			learned.SetStr(tr.t.Register, res.registered())
		}
	}
}

// breaks reports whether break_when ends the loop behind an item.
func (tr *taskRun) breaks(ctx context.Context, s *vars.Scope, res *taskResult) (bool, error) {
	if len(tr.t.LoopControl.BreakWhen) == 0 {
		return false, nil
	}
	stop, _, err := tr.r.all(ctx, "break_when", tr.t.LoopControl.BreakWhen, tr.registered(s, res))
	if err == nil {
		res.data.SetStr("break_when_result", templates.Bool(stop))
	}
	return stop, err
}

// warnInUse warns, in the words of 2.19 and later, of a loop's variable that
// hides another.
func (tr *taskRun) warnInUse(name, keyword string, given playbook.Value) {
	if v, known, _ := tr.scope.Lookup(name); name == "" || !known || v == nil {
		return
	}
	e := &callback.Event{
		Msg:  fmt.Sprintf("The variable '%s' is already in use.", name),
		Help: fmt.Sprintf("You should set the `%s` value in the `loop_control` option for the task to something else to avoid variable collisions and unexpected behavior.", keyword),
	}
	if e.Context = callback.TextContext(given.Pos); !given.IsSet() {
		e.Context = "Origin: <unknown>\n\n" + name
	}
	tr.r.warn(e.String())
}

// registers reports whether the next item finds this one's result under the
// name of register: up to 2.18 that of the last item that was not skipped.
func (tr *taskRun) registers(res *taskResult) bool {
	return tr.t.Register != "" && (!res.byWhen || tr.r.o.Era >= templates.Current)
}

// parallel runs up to lc.parallel items at once; results stay in order.
func (tr *taskRun) parallel(ctx context.Context, base *taskResult, lc loopControl, items []templates.Value) {
	n := lc.parallel
	if tr.r.o.LoopParallel > 0 {
		n = min(n, tr.r.o.LoopParallel)
	}
	base.items = make([]*taskResult, len(items))
	limit := make(chan struct{}, n)
	var wg sync.WaitGroup
	for i := range items {
		limit <- struct{}{}
		wg.Go(func() {
			base.items[i] = tr.item(ctx, base, lc, tr.scope.With(tr.locals(lc, items, i)), items, i)
			<-limit
		})
	}
	wg.Wait()
	for _, res := range base.items {
		tr.tellItem(res)
	}
}

func (tr *taskRun) tellItem(res *taskResult) {
	if tr.t.Include != nil && res.include != nil || tr.r.stopped() != nil {
		return
	}
	if st := res.status(); !res.current && tr.addsHosts() && (st == callback.OK || st == callback.Changed) {
		return // joinItems tells of it
	}
	tr.r.cb.tell(func(cb callback.Callback) { cb.Item(res.shown()) })
}

// item runs the task for one item and marks the result with it.
func (tr *taskRun) item(ctx context.Context, base *taskResult, lc loopControl, scope *vars.Scope, items []templates.Value, i int) *taskResult {
	res := tr.newResult()
	res.noLog, res.ignoreErrors, res.ignoreUnreachable, res.diff, res.check = base.noLog, base.ignoreErrors, base.ignoreUnreachable, base.diff, base.check
	res.marks = tr.locals(lc, items, i)
	res = tr.once(ctx, scope, res)
	res.elapsed = time.Since(res.start)
	if _, shared := res.data.GetStr(lc.loopVar); !shared {
		res.data = res.data.Copy()
	}
	for k, v := range res.marks.All {
		_ = res.data.Set(k, v) // k is in a dict, so it has a hash
	}
	var err error
	item := items[i]
	if lc.indexVar == lc.loopVar {
		item = templates.Int(i) // which hides the item
	}
	if res.label, err = tr.label(ctx, scope, item); err != nil {
		res = tr.unlabelled(res, err)
	}
	return tr.seal(res)
}

// label is what an item shows as.
func (tr *taskRun) label(ctx context.Context, s *vars.Scope, item templates.Value) (string, error) {
	text := templates.StrOf(item, tr.r.o.Era)
	v := tr.t.LoopControl.Label
	if !v.IsSet() {
		return text, nil
	}
	l, err := tr.r.resolve(ctx, v.V, s)
	if err != nil {
		return text, err
	}
	return templates.StrOf(l, tr.r.o.Era), nil
}

// unlabelled is the result of an item whose label cannot be had: since 2.19 a
// warning, before a failure.
func (tr *taskRun) unlabelled(res *taskResult, err error) *taskResult {
	if res.current {
		tr.warnAt("Failed to template loop_control label: "+err.Error(), tr.t.LoopControl.Label.Pos)
		return res
	}
	res.label = "None"
	return tr.failedResult(res, &action.Failure{Msg: fmt.Sprintf("Failed to template loop_control.label: %s. %[1]s", err), Bare: true})
}

// locals are the variables of one round of a loop.
func (tr *taskRun) locals(lc loopControl, items []templates.Value, i int) *templates.Dict {
	d := templates.NewDict(4)
	d.SetStr(lc.loopVar, items[i])
	d.SetStr("ansible_loop_var", templates.Str(lc.loopVar))
	if lc.indexVar != "" {
		d.SetStr(lc.indexVar, templates.Int(i))
		d.SetStr("ansible_index_var", templates.Str(lc.indexVar))
	}
	if lc.extended {
		d.SetStr("ansible_loop", extendedLoop(lc, items, i))
	}
	return d
}

// extendedLoop is ansible_loop.
func extendedLoop(lc loopControl, items []templates.Value, i int) *templates.Dict {
	n := len(items)
	d := templates.NewDict(9)
	if lc.allItem {
		d.SetStr("allitems", templates.NewList(items...))
	}
	d.SetStr("index", templates.Int(i+1))
	d.SetStr("index0", templates.Int(i))
	d.SetStr("first", templates.Bool(i == 0))
	d.SetStr("last", templates.Bool(i+1 == n))
	d.SetStr("length", templates.Int(n))
	d.SetStr("revindex", templates.Int(n-i))
	d.SetStr("revindex0", templates.Int(n-i-1))
	if i+1 < n {
		d.SetStr("nextitem", items[i+1])
	}
	if i > 0 {
		d.SetStr("previtem", items[i-1])
	}
	return d
}

// squashing are the package modules whose items Ansible 1.x joined.
var squashing = map[string]bool{
	"ansible.builtin.apt": true, "ansible.builtin.yum": true, "ansible.builtin.dnf": true,
	"community.general.pkgng": true, "community.general.zypper": true, "community.general.apk": true,
	"community.general.pacman": true, "community.general.homebrew": true, "community.general.openbsd_pkg": true,
}

// squash joins the items of a package module into one call, as Ansible 1.x
// did where all of them are text: when filters the items first.
func (tr *taskRun) squash(ctx context.Context, lc loopControl, items []templates.Value) ([]templates.Value, bool) {
	module, ok := tr.r.route(tr.t.Action, tr.collections())
	if tr.r.o.Era != templates.Era19 || !ok || !squashing[module] || tr.t.LoopWith == "" {
		return nil, false
	}
	var names []string
	for i, it := range items {
		s, isText := it.(templates.Str)
		if !isText {
			return nil, false
		}
		ok, _, err := tr.r.all(ctx, "when", tr.t.AllWhen(), tr.scope.With(tr.locals(lc, items, i)))
		if err != nil {
			return nil, false
		}
		if ok {
			names = append(names, string(s))
		}
	}
	if len(names) == 0 {
		return nil, false
	}
	return []templates.Value{templates.Str(strings.Join(names, ","))}, true
}

// toldKeys are the messages that the result of a loop has of all items.
var toldKeys = [...]string{"warnings", "deprecations"}

// gatherTold adds an item's messages to those of its loop. Up to
// ansible-core 2.18 the registered item is without them.
func gatherTold(told map[string][]templates.Value, item *templates.Dict, keep bool) *templates.Dict {
	for _, key := range toldKeys {
		v, _ := item.GetStr(key)
		if v == nil || !v.Truth() {
			continue
		}
		if l, ok := v.(*templates.List); ok {
			told[key] = append(told[key], l.Elems...)
		} else {
			told[key] = append(told[key], v)
		}
		if !keep {
			item = item.Copy()
			item.Delete(templates.Str(key))
		}
	}
	return item
}

// sumUp makes the result of a loop out of its items'.
func (tr *taskRun) sumUp(base *taskResult) *taskResult {
	results := templates.NewList()
	skipped, changed, failed := true, false, false
	d := templates.NewDict(5)
	seen := map[string]bool{}
	told := map[string][]templates.Value{}
	for _, it := range base.items {
		data := it.data
		if base.current {
			data = it.registered()
		}
		data = gatherTold(told, data, base.current)
		results.Elems = append(results.Elems, data)
		st := it.status()
		changed = changed || truth(it.data, "changed")
		skipped = skipped && st == callback.Skipped
		if st == callback.Failed {
			if !failed || !it.ignoreErrors {
				base.ignoreErrors = it.ignoreErrors
			}
			failed = true
		}
		if st == callback.Unreachable {
			base.unreachable, base.ignoreUnreachable = true, it.ignoreUnreachable
		}
		for _, n := range it.notify {
			if !seen[n] {
				seen[n] = true
				base.notify = append(base.notify, n)
			}
		}
		base.noLog = base.noLog || it.noLog
		base.delegate = it.delegate
	}
	if text, ok := tr.t.EffectiveDelegateTo().V.(*templates.Text); ok {
		base.delegate = text.Src // the items alone have it templated
	}
	d.SetStr("results", results)
	for _, key := range toldKeys {
		if len(told[key]) > 0 {
			d.SetStr(key, templates.NewList(told[key]...))
		}
	}
	if skipped || !base.current {
		d.SetStr("skipped", templates.Bool(skipped))
	}
	switch {
	case failed:
		d.SetStr("failed", templates.Bool(true))
		d.SetStr("msg", templates.Str("One or more items failed"))
	case skipped:
		d.SetStr("msg", templates.Str("All items skipped"))
	default:
		d.SetStr("msg", templates.Str("All items completed"))
	}
	d.SetStr("changed", templates.Bool(changed))
	if base.current && !failed {
		d.SetStr("failed", templates.Bool(false))
	}
	if base.current && base.unreachable {
		d.SetStr("unreachable", templates.Bool(true))
	}
	base.data = d
	return base
}
