package playbook

// This file decodes imports and includes of tasks.

import (
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"gorun/templates"
)

// fileAndParams splits "file.yml a=b".
func (ld *loading) fileAndParams(c *scope, v Value) (file Value, params Vars, ok bool) {
	s, isText := textOf(v.V)
	if !isText {
		ld.fail(c, v.Pos, "the name of a file is expected, not a %s", class(v.V))
		return v, Vars{}, false
	}
	d, err := parseKV(s, false, v.Pos)
	if err != nil {
		ld.add(err)
		return v, Vars{}, false
	}
	raw, _ := d.GetStr("_raw_params")
	if raw == nil {
		raw = templates.Str("")
	}
	d.Delete(templates.Str("_raw_params"))
	if d.Len() > 0 {
		params = Vars{Dict: d, Pos: v.Pos}
	}
	return Value{V: raw, Pos: v.Pos}, params, true
}

// fileArg gives the file that an import or include names, and checks its options.
func (ld *loading) fileArg(c *scope, t *Task, options ...string) (Value, bool) {
	var file Value
	for k, v := range t.Args.All {
		switch name := show(k); {
		case name == "_raw_params" || name == "file":
			file = Value{V: v, Pos: t.ArgsPos[name]}
		case !slices.Contains(options, name):
			e := ld.fail(c, argPos(t, name), "Invalid options for %s: %s", t.Action, name)
			e.Got, e.Known = name, append([]string{"file"}, options...)
			return file, false
		}
	}
	if s, isText := textOf(file.V); !isText || strings.TrimSpace(s) == "" {
		ld.fail(c, t.ActionPos, "No file specified for %s", t.Action)
		return file, false
	}
	return file, true
}

func argPos(t *Task, name string) Pos {
	if p := t.ArgsPos[name]; p.IsValid() {
		return p
	}
	return t.ActionPos
}

// Import gives the items that stand for an import_tasks or import_role that no
// file holds. The error is [Errors].
func (l *Loader) Import(t *Task) ([]Item, error) {
	ld := &loading{l: l}
	c := &scope{play: t.Play, file: t.File}
	if shortName(t.Action) == "import_role" {
		return ld.importRole(c, t), ld.err()
	}
	return ld.importTasks(c, t), ld.err()
}

// importTasks replaces an import_tasks by an implicit block with its keywords.
func (ld *loading) importTasks(c *scope, t *Task) []Item {
	v, ok := ld.fileArg(c, t)
	if !ok {
		return nil
	}
	return ld.importFile(c, t, v, Vars{})
}

func (ld *loading) importFile(c *scope, t *Task, v Value, params Vars) []Item {
	name, ok := ld.static(c, v, "import path")
	if !ok {
		return nil
	}
	b := t.asBlock()
	b.ImportVars = params
	path, tried := findTaskFile(name, c.file, c.parent, c.role, c.playDir(), c.handlers)
	b.File = path
	if path == "" {
		e := ld.fail(c, argPosOr(v, t), "Could not find or access '%s' on the Ansible Controller.", tried[len(tried)-1])
		e.Exit = exitError
		for _, p := range tried[:len(tried)-1] {
			e.Notes = append(e.Notes, "not found either: "+p)
		}
		return nil
	}
	inner := *c
	inner.parent = b
	b.Body = ld.taskFile(inner, path, argPosOr(v, t))
	return []Item{b}
}

func argPosOr(v Value, t *Task) Pos {
	if v.Pos.IsValid() {
		return v.Pos
	}
	return t.ActionPos
}

// asBlock gives the implicit block that a static import becomes.
func (t *Task) asBlock() *Block {
	return &Block{
		Base: t.Base, Pos: t.Pos, Implicit: true, When: t.When, Notify: t.Notify, DelegateTo: t.DelegateTo, DelegateFacts: t.DelegateFacts,
		Role: t.Role, Parent: t.Parent, Play: t.Play,
	}
}

// FindTaskFile finds the file of a dynamic include: beside the file that t
// stands in, beside those that included it, in the role, beside the playbook.
// Where it is nowhere the error names the places.
func (l *Loader) FindTaskFile(name string, t *Task) (string, error) {
	dir := filepath.Dir(t.File)
	if t.Play != nil {
		dir = filepath.Dir(t.Play.File)
	}
	path, tried := findTaskFile(name, t.File, t.Parent, t.Role, dir, t.IsHandler)
	if path != "" {
		return path, nil
	}
	e := &Error{Pos: t.Pos, Msg: "Could not find or access '" + tried[len(tried)-1] + "' on the Ansible Controller."}
	for _, p := range tried[:len(tried)-1] {
		e.Notes = append(e.Notes, "not found either: "+p)
	}
	return "", e
}

func findTaskFile(name, from string, parent *Block, role *Role, playDir string, handlers bool) (path string, tried []string) {
	try := func(dir string) bool {
		p := name
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, name)
		}
		if slices.Contains(tried, p) {
			return false
		}
		tried = append(tried, p)
		if isFile(p) {
			path = p
		}
		return path != ""
	}
	if from != "" && try(filepath.Dir(from)) {
		return path, tried
	}
	for b := parent; b != nil; b = b.Parent {
		if b.File != "" && try(filepath.Dir(b.File)) {
			return path, tried
		}
	}
	if role != nil {
		sub := "tasks"
		if handlers {
			sub = "handlers"
		}
		if try(filepath.Join(role.Path, sub)) || try(role.Path) {
			return path, tried
		}
	}
	try(playDir)
	return path, tried
}

// legacyInclude decodes include:, which is static where nothing about it has
// to be templated, else dynamic.
func (ld *loading) legacyInclude(c *scope, t *Task, params Vars) []Item {
	ld.l.deprecate(t.ActionPos, "'include' is called 'import_tasks' (static) or 'include_tasks' (dynamic) today")
	var file Value
	for k, v := range t.Args.All {
		if name := show(k); name == "_raw_params" || name == "file" {
			file = Value{V: v, Pos: argPos(t, name)}
		} else {
			params = addParam(params, name, Value{V: v, Pos: argPos(t, name)})
		}
	}
	params = joinVars(params, t.Vars)
	if s, isText := textOf(file.V); !isText || s == "" {
		ld.fail(c, t.ActionPos, "No file specified for include")
		return nil
	}
	t19, templated := file.V.(*templates.Text)
	if templated && t.LoopWith == "" && ld.l.opts.Era == templates.Era19 {
		// 1.x put in what it knew before the run.
		if r, err := ld.resolve(c, t19); err == nil {
			if s, isStr := r.(templates.Str); isStr {
				file.V, templated = s, false
			}
		}
	}
	if t.LoopWith == "" && !t.Loop.IsSet() && !templated {
		t.Vars = Vars{} // they are among params
		return ld.importFile(c, t, file, params)
	}
	t.Include = &Include{Kind: "include", File: file, Params: params}
	t.Args = templates.NewDict(1)
	t.Args.Lazy = true
	t.Args.SetStr("_raw_params", file.V)
	return []Item{t}
}

// roleOptions are the arguments of include_role and import_role.
var roleOptions = []string{
	"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "allow_duplicates", "rolespec_validate",
}

// dynamicInclude checks an include_tasks or include_role.
func (ld *loading) dynamicInclude(c *scope, t *Task, act actionRef) bool {
	t.Include = &Include{Kind: shortName(t.Action)}
	if t.ArgsText.IsSet() {
		return true
	}
	var ok bool
	if t.Include.Kind == "include_tasks" {
		t.Include.File, ok = ld.fileArg(c, t, "apply")
	} else {
		t.Include.File, ok = ld.roleArg(c, t, append(slices.Clone(roleOptions), "apply", "public"))
	}
	if !ok {
		return false
	}
	v, has := t.Args.GetStr("apply")
	if !has {
		return true
	}
	d, isDict := v.(*templates.Dict)
	if !isDict {
		ld.fail(c, argPos(t, "apply"), "Expected a dict for apply but got %s instead", class(v))
		return false
	}
	t.Include.Apply = d
	for _, n := range []*yaml.Node{act.n, act.args} {
		if f, found := ld.nodeOf(c, n, "apply"); found {
			t.Include.ApplyBlock = ld.apply(c, f)
		}
	}
	return true
}

// roleArg gives the role that an include or import names, and checks its options.
func (ld *loading) roleArg(c *scope, t *Task, options []string) (Value, bool) {
	var role Value
	for k, v := range t.Args.All {
		switch name := show(k); {
		case !slices.Contains(options, name):
			e := ld.fail(c, argPos(t, name), "Invalid options for %s: %s", t.Action, name)
			e.Got, e.Known = name, options
			return role, false
		case name == "name" || name == "role":
			role = Value{V: v, Pos: argPos(t, name)}
		case strings.HasSuffix(name, "_from"):
			if _, isText := textOf(v); !isText {
				ld.fail(c, argPos(t, name), "Expected a string for %s but got %s instead", name, class(v))
				return role, false
			}
		}
	}
	if s, isText := textOf(role.V); !isText || s == "" {
		ld.fail(c, t.ActionPos, "'name' is a required field for %s.", t.Action)
		return role, false
	}
	return role, true
}
