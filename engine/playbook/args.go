package playbook

// This file decodes the arguments of actions.

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"gorun/templates"
)

// freeForm are the actions whose text is a command line.
var freeForm = []string{"command", "shell", "script", "raw", "win_command", "win_shell"}

// rawParams are those that take a text which is no key=value beside them.
var rawParams = slices.Concat(freeForm, []string{
	"include", "include_vars", "include_tasks", "include_role", "import_tasks", "import_role", "add_host", "group_by", "set_fact", "meta",
})

// IsFreeForm reports whether an action's text is a command line.
func IsFreeForm(action string) bool {
	return slices.Contains(freeForm, shortName(strings.TrimPrefix(action, "ansible.windows.")))
}

// TakesRawParams reports whether an action takes text that is no key=value.
func TakesRawParams(action string) bool { return takesRawParams(action) }

func takesRawParams(action string) bool {
	return slices.Contains(rawParams, shortName(strings.TrimPrefix(action, "ansible.windows.")))
}

// args decodes the arguments of t: those behind the action's name, under
// args: the rest. fs are the fields of the task.
func (ld *loading) args(c *scope, t *Task, act actionRef, fs []field) bool {
	t.Args = &templates.Dict{Lazy: true}
	extra, ok := ld.extraArgs(c, t, fs)
	if !ok || !ld.ownArgs(c, t, act) {
		return false
	}
	if extra != nil {
		// What stands behind the name wins.
		for k, v := range t.Args.All {
			extra.Set(k, v) // k comes from a dict, so it can be a key
		}
		t.Args = extra
	}
	if ld.l.opts.Era == templates.Era19 {
		for k, v := range t.Args.Copy().All {
			t.Args.Set(k, dollars(v, act.pos)) // k comes from a dict, so it can be a key
		}
	}
	raw, _ := t.Args.GetStr("_raw_params")
	if s, isText := textOf(raw); isText && s != "" && !takesRawParams(t.Action) {
		if strings.Contains(s, "{{") { // only the run can tell what it gives
			t.ArgsText = Value{V: raw, Pos: act.pos}
			if t.KVPos.IsValid() {
				t.ArgsText.Pos = t.KVPos
			}
			t.Args.Delete(templates.Str("_raw_params"))
			return true
		}
		if ld.l.opts.Era >= templates.Current {
			return true // the task fails, where it is run at all
		}
		names := slices.Sorted(slices.Values(rawParams))
		ld.fail(c, t.Pos, "this task '%s' has extra params, which is only allowed in the following modules: %s", t.Action, strings.Join(names, ", "))
		return false
	}
	return true
}

// isOneExpression reports whether s is nothing but {{ }}.
func isOneExpression(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "{{") && strings.HasSuffix(s, "}}")
}

// extraArgs decodes args:.
func (ld *loading) extraArgs(c *scope, t *Task, fs []field) (*templates.Dict, bool) {
	f, ok := find(fs, "args")
	if !ok || isNull(f.n) {
		return nil, true
	}
	v, sound := ld.tryValue(c, f.n)
	if !sound {
		return nil, false
	}
	switch av := v.V.(type) {
	case *templates.Dict:
		ld.argPositions(c, t, f.n)
		d := av.Copy()
		d.Lazy = true
		return d, true
	case *templates.Text:
		if isOneExpression(av.Src) {
			t.ArgsText = v
			return nil, true
		}
	case templates.Str:
	default:
		ld.fail(c, v.Pos, "Complex args must be a dictionary or variable string (\"{{var}}\").")
		return nil, false
	}
	ld.fail(c, v.Pos, "Complex args containing variables cannot use bare variables (without Jinja2 delimiters), and must use the full variable style ('{{var_name}}')")
	return nil, false
}

// ownArgs decodes what stands behind the action's name.
func (ld *loading) ownArgs(c *scope, t *Task, act actionRef) bool {
	n := act.n
	switch {
	case isNull(n):
		return true
	case n.Kind == yaml.MappingNode:
		d, ok := ld.value(c, n).V.(*templates.Dict)
		if !ok {
			return false
		}
		ld.argPositions(c, t, n)
		t.Args = d.Copy()
		t.Args.Lazy = true
		if act.old {
			ld.moduleKey(c, t, n)
		}
		return true
	}
	if n.Kind == yaml.ScalarNode {
		v, sound := ld.tryValue(c, n)
		if _, isText := textOf(v.V); isText {
			return ld.kvArgs(c, t, act)
		}
		if sound {
			ld.fail(c, c.pos(n), "unexpected parameter type in action: %s", class(v.V))
		}
		return false
	}
	ld.fail(c, c.pos(n), "unexpected parameter type in action: %s", class(ld.value(c, n).V))
	return false
}

// moduleKey takes the name out of action: {module: "copy src=a"}.
func (ld *loading) moduleKey(c *scope, t *Task, n *yaml.Node) {
	m, _ := t.Args.GetStr("module")
	t.Args.Delete(templates.Str("module"))
	s, _ := textOf(m)
	_, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	if strings.TrimSpace(rest) == "" {
		return
	}
	d, err := parseKV(rest, IsFreeForm(t.Action), c.pos(n))
	if err != nil {
		ld.add(err)
		return
	}
	for k, v := range d.All {
		t.Args.Set(k, v) // k comes from a dict, so it can be a key
	}
}

// kvArgs decodes a text of key=value.
func (ld *loading) kvArgs(c *scope, t *Task, act actionRef) bool {
	src, pos := act.n.Value, c.doc.TextPos(act.n)
	unsafe := act.n.Tag == "!unsafe"
	if act.old {
		lead := len(src) - len(strings.TrimLeft(src, " \t\n"))
		at := lead + len(act.name)
		pos = posIn(pos, src, at)
		src = src[at:]
	}
	if !act.old && isOneExpression(src) && !takesRawParams(t.Action) {
		t.ArgsText = ld.value(c, act.n)
		return true
	}
	t.KVPos = pos
	d, err := parseKV(src, IsFreeForm(t.Action), pos)
	if err != nil {
		if err.Pos.Col == 0 {
			err.Pos = c.pos(act.n)
		}
		err.Line = c.doc.Line(err.Pos.Line)
		err.Notes = []string{"every quote and every {{ has to be closed; to have one quote in a command, put the command in the other kind of quotes or under cmd:"}
		ld.add(err)
		return false
	}
	for k, v := range d.All {
		name, _ := textOf(k)
		t.ArgsPos[name] = pos
		if x, isText := v.(*templates.Text); isText {
			t.ArgsPos[name] = x.Pos
			if unsafe {
				v = templates.Str(x.Src)
			}
		}
		t.Args.Set(k, v) // k comes from a dict, so it can be a key
	}
	return true
}

// argPositions records where the arguments of a dict stand.
func (ld *loading) argPositions(c *scope, t *Task, n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		t.ArgsPos[n.Content[i].Value] = c.pos(n.Content[i+1])
	}
}
