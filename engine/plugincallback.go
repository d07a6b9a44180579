package engine

// This file tells callback plugins in Python of a run's events.

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/foreign"
	"gorun/engine/playbook"
	"gorun/engine/pyhelper"
	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
)

// CallbackOptions say which callback plugins in Python are loaded.
type CallbackOptions struct {
	// Stdout is the one of the screen; "" where that is gorun's.
	Stdout string
	// Others loads those beside the screen: all that lie beside the playbook and
	// in the settings' folders and do not want to be enabled, and Enabled, the
	// names of callbacks_enabled that are not gorun's. Listed are all names there.
	Others          bool
	Enabled, Listed []string
	// Screen shows what is no event: warnings, verbose lines.
	Screen callback.Callback
	// Inventory and Vars are asked for when the first event comes.
	Inventory func() *inventory.Inventory
	Vars      func() *vars.Manager
}

// HasCallbacks reports whether there are callback plugins in Python beside the
// playbook or in the settings' folders.
func (p *Plugins) HasCallbacks() bool { return p.first(foreign.Callback) != "" }

// first is the first plugin of a kind beside the playbook or in the settings'
// folders, "" where there is none.
func (p *Plugins) first(k foreign.Kind) string {
	for _, dir := range p.finder.Dirs(k) {
		files, _ := filepath.Glob(filepath.Join(dir, "*.py")) // a name with wildcards finds what it finds
		for _, f := range files {
			if filepath.Base(f) != "__init__.py" {
				return f
			}
		}
	}
	return ""
}

// OwnCallback reports whether a callback plugin of this name lies beside the
// playbook or in the settings' folders, where it wins over gorun's.
func (p *Plugins) OwnCallback(name string) bool {
	return !strings.Contains(name, ".") && p.finder.File(foreign.Callback, name) != ""
}

// Callbacks loads callback plugins; nil where none wants to hear anything.
func (p *Plugins) Callbacks(ctx context.Context, o CallbackOptions) (*PythonCallbacks, error) {
	what := p.first(foreign.Callback)
	switch {
	case o.Stdout != "":
		what = "the callback plugin " + o.Stdout
	case len(o.Enabled) > 0:
		what = "the callback plugin " + o.Enabled[0]
	}
	h, err := p.start(ctx, what)
	if err != nil {
		return nil, err
	}
	args := action.Result("stdout", o.Stdout, "others", o.Others, "enabled", o.Enabled, "listed", o.Listed)
	v, err := h.Call(ctx, "callbacks", args, nil)
	if err != nil {
		return nil, err
	}
	c := &PythonCallbacks{o: o, h: h, p: p, wants: map[string]bool{}, told: map[string]bool{}}
	d, ok := v.(*templates.Dict)
	if !ok {
		return nil, fmt.Errorf("the helper for plugins in Python gave no list of callbacks")
	}
	if list, ok := d.GetStr("wants"); ok {
		for _, e := range list.(*templates.List).Elems {
			c.wants[templates.StrOf(e, templates.Current)] = true
		}
	}
	if len(c.wants) == 0 && o.Stdout == "" {
		return nil, nil
	}
	return c, nil
}

// PythonCallbacks passes events on to callback plugins in Python, in order:
// each is over when all have had it.
type PythonCallbacks struct {
	o     CallbackOptions
	h     *pyhelper.Helper
	p     *Plugins
	wants map[string]bool
	told  map[string]bool // tasks that the plugins know
	// version is that of the inventory as they know it.
	version uint64
	extra   bool // they have the extra variables
	broken  bool // the helper is gone, and the user knows
}

var _ callback.Callback = (*PythonCallbacks)(nil)

// event tells of an event that some plugin wants; words as in [action.Result].
func (c *PythonCallbacks) event(name string, words ...any) {
	if c.broken || !c.wants[name] {
		return
	}
	args := action.Result("event", name, "a", action.Result(words...))
	if inv := c.o.Inventory(); inv != nil && inv.Version() != c.version {
		c.version = inv.Version()
		args.SetStr("state", inv.State())
	}
	if !c.extra {
		c.extra = true
		args.SetStr("extra_vars", c.p.extra())
	}
	if _, err := c.h.Call(context.Background(), "event", args, c.answer); err != nil {
		c.broken = true
		c.o.Screen.Warning(fmt.Sprintf("callback plugins in Python hear no more events: %s", err))
	}
}

// answer serves a plugin that asks for a host's variables: the path begins with its name.
func (c *PythonCallbacks) answer(ctx context.Context, what string, args *templates.Dict) (templates.Value, error) {
	v, _ := args.GetStr("path")
	l, ok := v.(*templates.List)
	if !ok || len(l.Elems) == 0 || c.o.Vars() == nil {
		return nil, &pyhelper.Error{Kind: "KeyError", Msg: "no host is named"}
	}
	scope := c.o.Vars().Scope(vars.Query{Host: templates.StrOf(l.Elems[0], templates.Current)})
	if what == "keys" && len(l.Elems) == 1 {
		return nameList(scope), nil
	}
	rest := args.Copy()
	rest.SetStr("path", templates.NewList(l.Elems[1:]...))
	return variable(ctx, nil, scope, what, rest)
}

// task is a task as the helper wants it; its keywords are told once.
func (c *PythonCallbacks) task(t callback.Task) *templates.Dict {
	name := t.Name
	src, _ := t.Source.(*playbook.Task)
	if src != nil && src.Role != nil {
		for _, role := range []string{src.Role.FQCN, src.Role.Name} {
			name = strings.TrimPrefix(name, role+" : ")
		}
	}
	if src != nil && !src.Name.IsSet() {
		name = ""
	}
	d := action.Result("uuid", t.UUID, "name", name, "shown", t.Name, "no_log", t.NoLog, "check_mode", t.Check, "spec", templates.None)
	fields := taskFields(t, src)
	d.SetStr("spec_fields", fields)
	if c.told[t.UUID] {
		return d
	}
	c.told[t.UUID] = true
	class, play := "task", ""
	var role templates.Value = templates.None
	if src != nil {
		switch {
		case src.IsHandler:
			class = "handler"
		case src.Include != nil:
			class = "include"
		}
		if src.Play != nil {
			play = playUUID(src.Play)
		}
		if r := src.Role; r != nil {
			role = roleFields(r)
		}
	}
	d.SetStr("spec", action.Result("class", class, "fields", fields, "resolved", t.Action, "path", t.Path, "shown", t.Name, "role", role, "play", play))
	return d
}

// roleFields are what plugins see of a role.
func roleFields(r *playbook.Role) *templates.Dict {
	full, collection := r.Name, ""
	if r.FQCN != "" {
		full = r.FQCN
		if i := strings.LastIndexByte(full, '.'); i > 0 {
			collection = full[:i]
		}
	}
	return action.Result("name", r.Name[strings.LastIndexByte(r.Name, '.')+1:], "path", r.Path, "fqcn", full, "collection", collection)
}

// taskFields are a task's keywords as written.
func taskFields(t callback.Task, src *playbook.Task) *templates.Dict {
	args := templates.NewDict(0)
	if src != nil && src.Args != nil {
		args = src.Args
	}
	d := action.Result("action", t.Action, "args", args)
	if src == nil {
		return d
	}
	texts := func(list []playbook.Value) *templates.List {
		l := templates.NewList()
		for _, v := range list {
			if v.IsSet() {
				l.Elems = append(l.Elems, templates.Str(condText(v.V)))
			}
		}
		return l
	}
	tags := templates.NewList()
	for _, v := range src.Tags {
		if seq, ok := v.V.(templates.Sequence); ok {
			for i := range seq.Len() {
				tags.Elems = append(tags.Elems, seq.Index(i))
			}
		} else if v.IsSet() {
			tags.Elems = append(tags.Elems, v.V)
		}
	}
	d.SetStr("tags", tags)
	d.SetStr("when", texts(src.When))
	if src.Register != "" {
		d.SetStr("register", templates.Str(src.Register))
	}
	for name, v := range map[string]playbook.Value{
		"delegate_to": src.DelegateTo, "loop": src.Loop, "become": src.Become, "become_user": src.BecomeUser,
		"ignore_errors": src.IgnoreErrors, "run_once": src.RunOnce,
	} {
		if v.IsSet() {
			d.SetStr(name, v.V)
		}
	}
	if src.LoopWith != "" {
		d.SetStr("loop_with", templates.Str(src.LoopWith))
	}
	return d
}

// result is the arguments of an event that has a result.
func (c *PythonCallbacks) result(r callback.Result) []any {
	data := r.Data.Copy()
	switch src, _ := r.Task.Source.(*playbook.Task); {
	case r.Looped:
		markItems(data, r)
	case src == nil || src.Include == nil:
		mark(data, r)
	}
	if r.ItemLabel != "" {
		data.SetStr("_ansible_item_label", itemLabel(data, r.ItemLabel))
	}
	if r.DelegatedTo != "" {
		data.SetStr("_ansible_delegated_vars", action.Result("ansible_host", r.DelegatedTo, "ansible_delegated_host", r.DelegatedTo))
	}
	var args templates.Value = templates.None
	if v, ok := r.Data.GetStr("invocation"); ok {
		if m, ok := v.(*templates.Dict); ok {
			if v, ok := m.GetStr("module_args"); ok {
				args = v
			}
		}
	}
	var problem templates.Value = templates.None
	if r.Error != nil {
		problem = templates.Str(r.Error.String())
	}
	return []any{"error", problem, "host", r.Host, "task", c.task(r.Task), "data", data, "args", args,
		"ignore_errors", r.IgnoreErrors, "ignore_unreachable", r.IgnoreUnreachable}
}

// mark adds what Ansible tells callbacks of how a result is to be shown.
func mark(data *templates.Dict, r callback.Result) {
	data.SetStr("_ansible_no_log", templates.Bool(r.NoLog))
	_, skipped := data.GetStr("skip_reason")
	if name := r.Task.Action; name[strings.LastIndexByte(name, '.')+1:] == "debug" && !skipped && !truth(data, "skipped") && !truth(data, "failed") {
		data.SetStr("_ansible_verbose_always", templates.Bool(true))
	}
}

// markItems marks the results of a loop's items.
func markItems(data *templates.Dict, r callback.Result) {
	v, _ := data.GetStr("results")
	l, ok := v.(*templates.List)
	if !ok {
		return
	}
	items := templates.NewList()
	for _, e := range l.Elems {
		if d, ok := e.(*templates.Dict); ok {
			d = d.Copy()
			mark(d, r)
			if item := itemLabel(d, ""); item != nil {
				d.SetStr("_ansible_item_label", item)
			}
			e = d
		}
		items.Elems = append(items.Elems, e)
	}
	data.SetStr("results", items)
}

// itemLabel is a label as Ansible has it: the item itself where it is shown so
// ("" asks for that), else the text; nil where there is no item.
func itemLabel(data *templates.Dict, label string) templates.Value {
	name := "item"
	if v, ok := data.GetStr("ansible_loop_var"); ok {
		name = templates.StrOf(v, templates.Current)
	}
	item, ok := data.GetStr(name)
	switch {
	case ok && (label == "" || templates.StrOf(item, templates.Current) == label):
		return item
	case label == "":
		return nil
	}
	return templates.Str(label)
}

// PlaybookStart is v2_playbook_on_start.
func (c *PythonCallbacks) PlaybookStart(file string) {
	c.event("v2_playbook_on_start", "file", file, "basedir", filepath.Dir(absPath(file)))
}

// PlayStart is v2_playbook_on_play_start.
func (c *PythonCallbacks) PlayStart(p callback.Play) {
	fields := action.Result("name", p.Name, "hosts", []any{p.Hosts}, "strategy", p.Strategy)
	uuid := p.UUID
	if src, ok := p.Source.(*playbook.Play); ok {
		uuid = playUUID(src)
		if _, isList := src.Hosts.V.(templates.Sequence); isList {
			fields.SetStr("hosts", templates.FromGo(strings.Split(p.Hosts, ",")))
		}
		if src.Vars.Dict != nil {
			fields.SetStr("vars", src.Vars.Dict)
		}
	}
	// Tasks name their play, so that plugins are told of it although they do not want to hear.
	wanted := c.wants["v2_playbook_on_play_start"]
	c.wants["v2_playbook_on_play_start"] = len(c.wants) > 0
	c.event("v2_playbook_on_play_start", "fields", fields, "uuid", uuid, "path", p.Path, "context", action.Result("check_mode", p.CheckMode))
	c.wants["v2_playbook_on_play_start"] = wanted || c.wants["v2_playbook_on_play_start"]
}

func playUUID(p *playbook.Play) string { return "play-" + placeText(p.Pos) }

// NoHostsMatched is v2_playbook_on_no_hosts_matched.
func (c *PythonCallbacks) NoHostsMatched() { c.event("v2_playbook_on_no_hosts_matched") }

// NoHostsRemaining is v2_playbook_on_no_hosts_remaining.
func (c *PythonCallbacks) NoHostsRemaining() { c.event("v2_playbook_on_no_hosts_remaining") }

// TaskStart is v2_playbook_on_task_start.
func (c *PythonCallbacks) TaskStart(t callback.Task) {
	if c.wants["v2_playbook_on_task_start"] {
		c.event("v2_playbook_on_task_start", "task", c.task(t))
	}
}

// HandlerTaskStart is v2_playbook_on_handler_task_start.
func (c *PythonCallbacks) HandlerTaskStart(t callback.Task) {
	if c.wants["v2_playbook_on_handler_task_start"] {
		c.event("v2_playbook_on_handler_task_start", "task", c.task(t))
	}
}

// HostStart is v2_runner_on_start.
func (c *PythonCallbacks) HostStart(t callback.Task, host string) {
	if c.wants["v2_runner_on_start"] {
		c.event("v2_runner_on_start", "task", c.task(t), "host", host)
	}
}

// tell sends an event with a result.
func (c *PythonCallbacks) tell(name string, r callback.Result) {
	if c.wants[name] {
		c.event(name, c.result(r)...)
	}
}

// Result is v2_runner_on_ok and its kin, with v2_on_file_diff before it.
func (c *PythonCallbacks) Result(r callback.Result) {
	switch r.Status {
	case callback.Failed:
		c.tell("v2_runner_on_failed", r)
	case callback.Skipped:
		c.tell("v2_runner_on_skipped", r)
	case callback.Unreachable:
		c.tell("v2_runner_on_unreachable", r)
	default:
		if _, ok := r.Data.GetStr("diff"); ok && r.Diff {
			c.tell("v2_on_file_diff", r)
		}
		c.tell("v2_runner_on_ok", r)
	}
}

// Item is v2_runner_item_on_ok and its kin.
func (c *PythonCallbacks) Item(r callback.Result) {
	switch r.Status {
	case callback.Failed, callback.Unreachable:
		c.tell("v2_runner_item_on_failed", r)
	case callback.Skipped:
		c.tell("v2_runner_item_on_skipped", r)
	default:
		c.tell("v2_runner_item_on_ok", r)
	}
}

// Retry is v2_runner_retry.
func (c *PythonCallbacks) Retry(r callback.Result) { c.tell("v2_runner_retry", r) }

// AsyncPoll is v2_runner_on_async_poll.
func (c *PythonCallbacks) AsyncPoll(r callback.Result) { c.tell("v2_runner_on_async_poll", r) }

// Included is v2_playbook_on_include.
func (c *PythonCallbacks) Included(file string, hosts []string, item string) {
	c.event("v2_playbook_on_include", "file", file, "hosts", hosts, "item", item)
}

// Notified is v2_playbook_on_notify.
func (c *PythonCallbacks) Notified(handler, host string) {
	c.event("v2_playbook_on_notify", "handler", handler, "host", host)
}

// Stats is v2_playbook_on_stats.
func (c *PythonCallbacks) Stats(s callback.Stats) {
	names := []string{"processed", "failures", "ok", "dark", "changed", "skipped", "rescued", "ignored"}
	counts := map[string]*templates.Dict{}
	for _, n := range names {
		counts[n] = templates.NewDict(len(s.Hosts))
	}
	for host, h := range s.Hosts {
		for n, count := range map[string]int{
			"processed": 1, "failures": h.Failures, "ok": h.OK, "dark": h.Unreachable, "changed": h.Changed,
			"skipped": h.Skipped, "rescued": h.Rescued, "ignored": h.Ignored,
		} {
			if count > 0 {
				counts[n].SetStr(host, templates.Int(count))
			}
		}
	}
	custom := templates.NewDict(len(s.Custom))
	for host, d := range s.Custom {
		custom.SetStr(host, d)
	}
	words := []any{"custom", custom}
	for _, n := range names {
		words = append(words, n, counts[n])
	}
	c.event("v2_playbook_on_stats", words...)
}

// What is no event is the screen's.

// Warning is the screen's.
func (c *PythonCallbacks) Warning(msg string) { c.o.Screen.Warning(msg) }

// Deprecated is the screen's.
func (c *PythonCallbacks) Deprecated(msg string) { c.o.Screen.Deprecated(msg) }

// Verbose is the screen's.
func (c *PythonCallbacks) Verbose(level int, host, msg string) { c.o.Screen.Verbose(level, host, msg) }

// Line is the screen's.
func (c *PythonCallbacks) Line(host, line string) { c.o.Screen.Line(host, line) }

// Display is the screen's.
func (c *PythonCallbacks) Display(msg string) { c.o.Screen.Display(msg) }

// Error is the screen's.
func (c *PythonCallbacks) Error(msg string) { callback.ShowError(c.o.Screen, msg) }
