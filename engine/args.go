package engine

// This file makes the arguments of an action: templated, with module_defaults
// below them and omitted ones left out.

import (
	"context"
	"fmt"
	"strings"

	"gorun/engine/action"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// args resolves the arguments of the task for a module.
func (tr *taskRun) args(ctx context.Context, s *vars.Scope, module string) (*templates.Dict, error) {
	out := templates.NewDict(8)
	if err := tr.moduleDefaults(ctx, s, module, out); err != nil {
		return nil, err
	}
	if err := tr.rawParams(module); err != nil {
		return nil, err
	}
	if tr.t.ArgsText.IsSet() {
		if err := tr.argsText(ctx, s, module, out); err != nil {
			return nil, err
		}
	}
	if tr.t.Args == nil {
		return out, nil
	}
	for k, v := range tr.t.Args.All {
		name := templates.StrOf(k, tr.r.o.Era)
		key, err := tr.r.resolve(ctx, k, s)
		if err != nil {
			return nil, &argumentError{name, tr.argPos(name), err}
		}
		val, err := tr.r.resolve(ctx, v, s)
		if err != nil {
			return nil, &argumentError{name, tr.argPos(name), err}
		}
		if val, omit := withoutOmit(val); !omit {
			out.SetStr(templates.StrOf(key, tr.r.o.Era), val)
		} else {
			out.Delete(key)
		}
	}
	return out, nil
}

// rawParams refuses text beside key=value where the action takes none: up to
// 2.18 that was an error of the playbook.
func (tr *taskRun) rawParams(module string) error {
	if tr.r.o.Era < templates.Current || module == "" || playbook.TakesRawParams(tr.t.Action) {
		return nil
	}
	_, raw := tr.t.Args.GetStr("_raw_params")
	if text, isText := tr.t.ArgsText.V.(*templates.Text); isText {
		src := strings.TrimSpace(text.Src)
		raw = raw || !strings.HasPrefix(src, "{{") || !strings.HasSuffix(src, "}}")
	}
	if !raw {
		return nil
	}
	return &placedError{fmt.Sprintf("Action '%s' does not support raw params.", tr.fullAction()), tr.t.ActionPos, ""}
}

// A placedError is an error with a place of its own.
type placedError struct {
	msg  string
	pos  playbook.Pos
	help string
}

func (e *placedError) Error() string { return e.msg }

// An argumentError is an argument that cannot be templated.
type argumentError struct {
	name string
	pos  playbook.Pos
	err  error
}

func (e *argumentError) Error() string { return e.err.Error() }
func (e *argumentError) Unwrap() error { return e.err }

func (tr *taskRun) argPos(name string) playbook.Pos {
	if pos, ok := tr.t.ArgsPos[name]; ok {
		return pos
	}
	return tr.t.ActionPos
}

// argsText resolves arguments that are one template as a whole.
func (tr *taskRun) argsText(ctx context.Context, s *vars.Scope, module string, out *templates.Dict) error {
	if tr.r.o.Era >= templates.Current && tr.r.o.Vars.InjectsFacts() {
		tr.warnAt("Using a template for task args is unsafe in some situations (see https://docs.ansible.com/ansible/devel/reference_appendices/faq.html#argsplat-unsafe).", tr.t.ArgsText.Pos)
	}
	v, err := tr.r.resolve(ctx, tr.t.ArgsText.V, s)
	if err != nil {
		name := "args"
		if tr.r.o.Era >= templates.Current {
			name = ""
		}
		return &argumentError{name, tr.t.ArgsText.Pos, err}
	}
	switch v := v.(type) {
	case *templates.Dict:
		for k, e := range v.All {
			if e, omit := withoutOmit(e); !omit {
				_ = out.Set(k, e) // k is in a dict, so it has a hash
			}
		}
		return nil
	case templates.NoneType, templates.OmitType:
		return nil
	case templates.Str:
		if tr.r.o.Era >= templates.Current {
			break
		}
		kv, err := playbook.ParseKV(string(v), action.FreeForm(module))
		if err != nil {
			return &argumentError{"args", tr.t.ArgsText.Pos, err}
		}
		if _, rest := kv.GetStr("_raw_params"); rest && !action.FreeForm(module) {
			return tr.malformed(v)
		}
		for k, e := range kv.All {
			// What a template gave is data, not a template again.
			if t, ok := e.(*templates.Text); ok {
				e = templates.Str(t.Src)
			}
			_ = out.Set(k, e) // k is in a dict, so it has a hash
		}
		return nil
	}
	return tr.malformed(v)
}

// malformed tells of a template in the arguments' place that gave no arguments.
func (tr *taskRun) malformed(v templates.Value) error {
	if tr.r.o.Era >= templates.Current {
		return &argumentError{"", tr.t.ArgsText.Pos, fmt.Errorf("Task args must resolve to a 'dict' not '%s'.", v.Type())}
	}
	return &argumentError{"args", tr.t.ArgsText.Pos, fmt.Errorf("invalid or malformed argument: '%s'", templates.StrOf(v, tr.r.o.Era))}
}

// withoutOmit drops omit from v, however deep; omit says that v is it.
func withoutOmit(v templates.Value) (_ templates.Value, omit bool) {
	if isOmitScalar(v) {
		return nil, true
	}
	switch v := v.(type) {
	case *templates.Dict:
		if !holdsOmit(v) {
			return v, false
		}
		d := templates.NewDict(v.Len())
		for k, e := range v.All {
			if e, omit := withoutOmit(e); !omit {
				_ = d.Set(k, e) // k is in a dict, so it has a hash
			}
		}
		return d, false
	case *templates.List:
		if !holdsOmit(v) {
			return v, false
		}
		l := templates.NewList()
		for _, e := range v.Elems {
			if e, omit := withoutOmit(e); !omit {
				l.Elems = append(l.Elems, e)
			}
		}
		return l, false
	}
	return v, false
}

// isOmitScalar is isOmit for any value: only scalars can be compared.
func isOmitScalar(v templates.Value) bool {
	switch v.(type) {
	case templates.OmitType, templates.Str:
		return isOmit(v)
	}
	return false
}

func holdsOmit(v templates.Value) bool {
	if isOmitScalar(v) {
		return true
	}
	switch v := v.(type) {
	case *templates.Dict:
		for _, e := range v.All {
			if holdsOmit(e) {
				return true
			}
		}
	case *templates.List:
		for _, e := range v.Elems {
			if holdsOmit(e) {
				return true
			}
		}
	}
	return false
}

// moduleDefaults fills out with the defaults of a module and of the groups it
// is in, the innermost last.
func (tr *taskRun) moduleDefaults(ctx context.Context, s *vars.Scope, module string, out *templates.Dict) error {
	for _, md := range tr.t.AllModuleDefaults() {
		v, err := tr.r.resolve(ctx, md.V, s)
		if err != nil {
			return named("module_defaults", md, err)
		}
		for _, e := range conditionList(v) {
			d, ok := e.(*templates.Dict)
			if !ok {
				continue
			}
			if module == "ansible.builtin.gather_facts" {
				// It calls setup, whose defaults lie under its own.
				if err := tr.applyDefaults(d, "ansible.builtin.setup", md.Pos, out); err != nil {
					return err
				}
			}
			if err := tr.applyDefaults(d, module, md.Pos, out); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tr *taskRun) applyDefaults(d *templates.Dict, module string, pos playbook.Pos, out *templates.Dict) error {
	add := func(v templates.Value) error {
		args, ok := v.(*templates.Dict)
		if !ok {
			return &KeywordError{pos, fmt.Errorf("module_defaults: the defaults are no dictionary but %s", v.Type())}
		}
		for k, e := range args.All {
			if e, omit := withoutOmit(e); !omit {
				_ = out.Set(k, e) // k is in a dict, so it has a hash
			}
		}
		return nil
	}
	// Groups first: defaults of the module itself are nearer.
	for k, v := range d.All {
		if group, ok := strings.CutPrefix(templates.StrOf(k, tr.r.o.Era), "group/"); ok && action.InGroup(tr.r.o.Foreign, module, group) {
			if err := add(v); err != nil {
				return err
			}
		}
	}
	for k, v := range d.All {
		name := templates.StrOf(k, tr.r.o.Era)
		if strings.HasPrefix(name, "group/") {
			continue
		}
		if full, ok := tr.r.route(name, tr.collections()); ok && full == module || name == tr.t.Action {
			if err := add(v); err != nil {
				return err
			}
		}
	}
	return nil
}
