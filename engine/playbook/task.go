package playbook

// This file decodes tasks and handlers.

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// includeKeywords are all that a dynamic include takes.
var includeKeywords = map[string]valueKind{
	"action": special, "args": special, "collections": special, "debugger": text, "ignore_errors": boolean, "loop": special, "loop_control": special,
	"name": text, "no_log": boolean, "register": text, "run_once": boolean, "tags": special, "timeout": integer, "vars": special, "when": special,
	"listen": special,
}

// shortName takes ansible.builtin. and ansible.legacy. off an action's name.
func shortName(action string) string {
	if s, ok := strings.CutPrefix(action, "ansible.builtin."); ok {
		return s
	}
	s, _ := strings.CutPrefix(action, "ansible.legacy.")
	return s
}

func (c *scope) object() (string, map[string]valueKind) {
	if c.handlers {
		return "Handler", handlerKeywords
	}
	return "Task", taskKeywords
}

// task decodes one task. A static import gives what it imports.
func (ld *loading) task(c *scope, n *yaml.Node, fs []field) []Item {
	t := &Task{
		Pos: c.pos(n), File: c.file, Parent: c.parent, Play: c.play, Role: c.role,
		IsHandler: c.handlers, ID: int(ld.l.ids.Add(1)), ArgsPos: map[string]Pos{},
	}
	object, table := c.object()
	action, rest, ok := ld.findAction(c, t, fs, table)
	if !ok {
		return nil
	}
	params := Vars{} // of a legacy include
	oldInclude := shortName(action.name) == "include" && ld.l.opts.Era == templates.Era19
	for _, f := range rest {
		if oldInclude && !isOldIncludeKeyword(f.key) {
			params = addParam(params, f.key, ld.value(c, f.n))
			continue
		}
		if ld.taskField(c, f, t, object) {
			continue
		}
		ld.unknown(c, f, object, table)
	}
	t.Action, t.ActionPos = action.name, action.pos
	if f, ok := find(fs, "args"); ok {
		action.args = f.n
	}
	if !ld.args(c, t, action, fs) {
		return nil
	}
	switch shortName(t.Action) {
	case "import_tasks", "import_role":
		if t.LoopWith != "" || t.Loop.IsSet() {
			ld.fail(c, t.Pos, "You cannot use loops on '%s' statements. You should use '%s' instead.", t.Action, strings.Replace(t.Action, "import", "include", 1))
			return nil
		}
		if shortName(t.Action) == "import_role" {
			return ld.importRole(c, t)
		}
		return ld.importTasks(c, t)
	case "include":
		return ld.legacyInclude(c, t, params)
	case "meta":
		ld.metaAction(c, t)
	case "include_tasks", "include_role":
		ld.includeKeywords(c, t, fs, action)
		if !ld.dynamicInclude(c, t, action) {
			return nil
		}
	}
	return []Item{t}
}

// metaActions are what meta: takes.
var metaActions = []string{
	"clear_facts", "clear_host_errors", "end_batch", "end_host", "end_play", "end_role", "flush_handlers", "noop", "refresh_inventory",
	"reset_connection", "role_complete",
}

func (ld *loading) metaAction(c *scope, t *Task) {
	v, _ := t.Args.GetStr("_raw_params")
	name, isStr := v.(templates.Str)
	if !isStr || slices.Contains(metaActions, string(name)) {
		return // a template is known when the task runs
	}
	e := ld.fail(c, argPos(t, "_raw_params"), "invalid meta action requested: %s", string(name))
	e.Exit = exitError
	e.Got, e.Known = string(name), metaActions
}

// isOldIncludeKeyword reports whether an include of Ansible 1.x takes key for
// a keyword; any other is a parameter of the included file.
func isOldIncludeKeyword(key string) bool {
	_, sudo := becomeOld[key]
	return sudo || strings.HasPrefix(key, "with_") || strings.HasPrefix(key, "become") ||
		slices.Contains([]string{"args", "loop", "loop_control", "name", "no_log", "tags", "vars", "when"}, key)
}

// taskField decodes one keyword and reports whether f is one.
func (ld *loading) taskField(c *scope, f field, t *Task, object string) bool {
	switch f.key {
	case "action", "local_action", "args":
	case "when":
		t.When = ld.list(c, f)
	case "changed_when":
		t.ChangedWhen = ld.list(c, f)
	case "failed_when":
		t.FailedWhen = ld.list(c, f)
	case "until":
		t.Until = ld.list(c, f)
	case "notify":
		t.Notify = ld.list(c, f)
	case "listen":
		if !c.handlers {
			return false
		}
		t.Listen = ld.list(c, f)
	case "loop":
		if !isNull(f.n) && ld.newLoop(c, f, t, "loop") {
			t.Loop = ld.value(c, f.n)
		}
	case "loop_control":
		ld.loopControl(c, f, t)
	case "register":
		v := ld.checked(c, f, text)
		name, isStr := v.V.(templates.Str)
		t.RegisterPos = v.Pos
		if t.Register, _ = textOf(v.V); isStr && !IsIdentifier(string(name)) && ld.l.opts.Era != templates.Era19 {
			ld.fail(c, v.Pos, "Invalid variable name in 'register' specified: '%s'", t.Register)
		}
	case "retries":
		t.Retries = ld.checked(c, f, integer)
	case "delay":
		t.Delay = ld.checked(c, f, number)
	case "async":
		t.Async = ld.checked(c, f, integer)
	case "poll":
		t.Poll = ld.checked(c, f, integer)
	case "delegate_to":
		t.DelegateTo = ld.checked(c, f, text)
	case "delegate_facts":
		t.DelegateFacts = ld.checked(c, f, boolean)
	default:
		if with, ok := strings.CutPrefix(f.key, "with_"); ok {
			if ld.l.opts.KnownLookup != nil && !ld.l.opts.KnownLookup(with) {
				return false
			}
			ld.withLoop(c, f, t, with)
			return true
		}
		return ld.base(c, f, &t.Base, object) || ld.become(c, f, &t.Base) || ld.legacyField(c, f, t)
	}
	return true
}

// newLoop checks that a task has one loop.
func (ld *loading) newLoop(c *scope, f field, t *Task, name string) bool {
	if t.Loop.IsSet() || t.LoopWith != "" {
		if name == "loop" {
			name = t.LoopWith
		}
		ld.fail(c, f.pos, "duplicate loop in task: %s", name).Exit = exitError
		return false
	}
	return true
}

func (ld *loading) withLoop(c *scope, f field, t *Task, name string) {
	if !ld.newLoop(c, f, t, name) {
		return
	}
	if isNull(f.n) {
		ld.fail(c, f.pos, "you must specify a value when using %s", f.key)
		return
	}
	t.LoopWith, t.Loop = name, ld.value(c, f.n)
}

func (ld *loading) loopControl(c *scope, f field, t *Task) {
	if isNull(f.n) {
		return
	}
	if f.n.Kind != yaml.MappingNode {
		ld.fail(c, c.pos(f.n), "the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it can contain variables)")
		return
	}
	lc := &t.LoopControl
	lc.Pos = c.pos(f.n)
	fs, _ := ld.fields(c, f.n)
	for _, k := range fs {
		switch k.key {
		case "loop_var":
			lc.LoopVar = ld.checked(c, k, text)
		case "index_var":
			lc.IndexVar = ld.checked(c, k, text)
		case "label":
			lc.Label = ld.value(c, k.n)
		case "pause":
			lc.Pause = ld.checked(c, k, number)
		case "extended":
			lc.Extended = ld.checked(c, k, boolean)
		case "extended_allitems":
			lc.ExtendedAllitems = ld.checked(c, k, boolean)
		case "break_when":
			if ld.l.opts.Era < templates.Current {
				ld.unknown(c, k, "LoopControl", loopControlKeywords) // it came with 2.18
				continue
			}
			lc.BreakWhen = ld.list(c, k)
		case "parallel":
			lc.Parallel = ld.value(c, k.n)
		default:
			ld.unknown(c, k, "LoopControl", loopControlKeywords)
		}
	}
}

// legacyField takes what Ansible 1.x took.
func (ld *loading) legacyField(c *scope, f field, t *Task) bool {
	if _, ok := era19Task[f.key]; !ok || ld.l.opts.Era != templates.Era19 {
		return false
	}
	raw := *c
	raw.asWritten = true
	switch f.key {
	case "always_run":
		v := ld.checked(c, f, boolean)
		if b, ok := v.V.(templates.Bool); ok && bool(b) {
			t.CheckMode = Value{V: templates.Bool(false), Pos: v.Pos}
		}
	case "transport":
		t.Connection = ld.checked(c, f, text)
	case "remote_port":
		t.Port = ld.checked(c, f, integer)
	case "remote_pass":
		t.Vars = addParam(t.Vars, "ansible_password", ld.value(&raw, f.n))
	case "first_available_file":
		if ld.newLoop(c, f, t, "first_found") {
			t.LoopWith, t.Loop = "first_found", ld.value(c, f.n)
		}
	case "only_if":
		t.Legacy.OnlyIf = ld.checked(&raw, f, text)
	default:
		t.Legacy.WhenKind = strings.TrimPrefix(f.key, "when_")
		t.Legacy.When = ld.value(&raw, f.n)
	}
	return true
}

// An actionRef is the key of a task that names its action.
type actionRef struct {
	name string
	pos  Pos
	n    *yaml.Node // its arguments
	// args is the node of args:, nil without.
	args *yaml.Node
	// old is set for action: and local_action:, where the name is in the text.
	old bool
}

// findAction finds the one key that is no keyword. rest are the others.
func (ld *loading) findAction(c *scope, t *Task, fs []field, table map[string]valueKind) (actionRef, []field, bool) {
	var act actionRef
	var rest, odd []field
	found := false
	for _, f := range fs {
		switch {
		case f.key == "action" || f.key == "local_action":
			if found {
				ld.fail(c, f.pos, "conflicting action statements: %s, %s", act.name, f.key)
				return act, nil, false
			}
			found = true
			act = actionRef{name: f.key, pos: f.pos, n: f.n, old: true}
			t.Local = f.key == "local_action"
		case ld.isKeyword(f.key, table):
			rest = append(rest, f)
		default:
			odd = append(odd, f)
		}
	}
	var unknown []field
	for _, f := range odd {
		if !ld.known(c, f.key) {
			unknown = append(unknown, f)
			continue
		}
		if found {
			first := act.name
			if act.old {
				first = ld.oldName(c, act)
			}
			ld.fail(c, f.pos, "conflicting action statements: %s, %s", first, f.key)
			return act, nil, false
		}
		found = true
		act = actionRef{name: f.key, pos: f.pos, n: f.n}
	}
	if !found {
		if len(unknown) == 0 {
			ld.fail(c, t.Pos, "no module/action detected in task.")
			return act, nil, false
		}
		ld.unresolved(c, unknown[0].key, unknown[0].pos)
		return act, nil, false
	}
	if act.old && !ld.splitOld(c, &act) {
		return act, nil, false
	}
	return act, append(rest, unknown...), true
}

func (ld *loading) isKeyword(key string, table map[string]valueKind) bool {
	if _, ok := table[key]; ok {
		return true
	}
	if _, ok := becomeOld[key]; ok {
		return true
	}
	if _, ok := era19Task[key]; ok && ld.l.opts.Era == templates.Era19 {
		return true
	}
	return strings.HasPrefix(key, "with_")
}

// builtin are the actions that the loader itself understands.
var builtin = []string{"include", "include_tasks", "include_role", "import_tasks", "import_role"}

func (ld *loading) known(c *scope, name string) bool {
	if slices.Contains(builtin, shortName(name)) || ld.l.opts.KnownAction == nil {
		return true
	}
	ok, _ := ld.l.opts.KnownAction(name, c.collections())
	return ok
}

func (ld *loading) unresolved(c *scope, name string, pos Pos) {
	e := ld.fail(c, pos, "couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", name)
	e.Got = name
	if ld.l.opts.KnownAction != nil {
		_, e.Known = ld.l.opts.KnownAction(name, c.collections())
	}
}

// oldName is the action's name inside action:.
func (ld *loading) oldName(c *scope, act actionRef) string {
	if !ld.splitOld(c, &act) {
		return "action"
	}
	return act.name
}

// splitOld finds the name in action: "copy src=a" or action: {module: copy}.
func (ld *loading) splitOld(c *scope, act *actionRef) bool {
	name := ""
	switch {
	case act.n.Kind == yaml.ScalarNode && !isNull(act.n):
		name, _, _ = strings.Cut(strings.TrimSpace(act.n.Value), " ")
		name, _, _ = strings.Cut(name, "\n")
	case act.n.Kind == yaml.MappingNode:
		if ld.l.opts.DeprecateAt != nil && ld.l.opts.Era >= templates.Current {
			ld.l.opts.DeprecateAt(c.pos(act.n), "Using a mapping for `action` is deprecated. This feature will be removed from ansible-core version 2.23.", "Use a string value for `action`.")
		}
		fs, _ := ld.fields(c, act.n)
		if m, ok := find(fs, "module"); ok {
			name, _, _ = strings.Cut(strings.TrimSpace(m.n.Value), " ")
		}
	default:
		ld.fail(c, act.pos, "unexpected parameter type in action: %s", class(ld.value(c, act.n).V))
		return false
	}
	if name == "" {
		ld.fail(c, act.pos, "no module/action detected in task.")
		return false
	}
	if !ld.known(c, name) && !strings.Contains(name, "{{") {
		ld.unresolved(c, name, act.pos)
		return false
	}
	act.name = name
	return true
}

// includeKeywords checks that a dynamic include has no keyword that would have
// no effect on what it includes.
func (ld *loading) includeKeywords(c *scope, t *Task, fs []field, act actionRef) {
	object := "TaskInclude"
	if shortName(t.Action) == "include_role" {
		object = "IncludeRole"
	} else if c.handlers {
		object = "HandlerTaskInclude"
	}
	_, table := c.object()
	for _, f := range fs {
		if _, ok := includeKeywords[f.key]; ok || strings.HasPrefix(f.key, "with_") || f.pos == act.pos {
			continue
		}
		if _, ok := table[f.key]; !ok {
			continue // told already
		}
		e := ld.fail(c, f.pos, "'%s' is not a valid attribute for a %s", f.key, object)
		e.Notes = []string{"keywords for the included tasks stand under apply:, or around them in a block"}
	}
}

// nodeOf finds the node of a key in the arguments of an action that is a dict.
func (ld *loading) nodeOf(c *scope, n *yaml.Node, key string) (field, bool) {
	if n == nil || n.Kind != yaml.MappingNode {
		return field{}, false
	}
	pairs, err := c.doc.Pairs(n, pyyaml.Options{})
	if err != nil {
		return field{}, false // told when the arguments were decoded
	}
	for _, p := range pairs {
		if p.Key.Value == key {
			return field{key: key, pos: c.pos(p.Key), n: pyyaml.Resolve(p.Value)}, true
		}
	}
	return field{}, false
}
