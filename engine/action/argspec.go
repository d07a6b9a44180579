package action

// This file checks arguments against an argument spec: of a role, or of the
// task validate_argument_spec
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/validate_argument_spec_module.html).

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"gorun/modules"
	"gorun/templates"
)

func validateArgumentSpec(ctx context.Context, t *Task) (*templates.Dict, error) {
	data, ok := t.value("argument_spec").(*templates.Dict)
	if !ok {
		if _, given := t.Args.GetStr("argument_spec"); !given {
			return nil, failf("\"argument_spec\" arg is required in args: %s", templates.Repr(t.Args, t.Era))
		}
		return nil, failf("Incorrect type for argument_spec, expected dict and got %s", goType(t.value("argument_spec")))
	}
	given, err := t.specArguments(ctx, data)
	if err != nil {
		return nil, err
	}
	where := templates.Value(templates.NewDict(0))
	if v, ok := t.Args.GetStr("validate_args_context"); ok {
		where = v
	}
	problems := checkSpec(optionsOf(data), given)
	if len(problems) == 0 {
		return Result("changed", false, "msg", "The arg spec validation passed", "validate_args_context", where), nil
	}
	return Result("changed", false, "failed", true, "msg", "Validation of arguments failed:\n"+strings.Join(problems, "\n"),
		"argument_errors", problems, "argument_spec_data", data, "validate_args_context", where), nil
}

// specArguments are the values to be checked: variables of the options' names,
// and what the task gives on top.
func (t *Task) specArguments(ctx context.Context, data *templates.Dict) (map[string]any, error) {
	given := map[string]any{}
	for k := range data.All {
		name := templates.StrOf(k, t.Era)
		v, ok, err := t.Scope.Lookup(name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if v, err = t.Templates.Resolve(ctx, v, t.Scope); err != nil {
			return nil, err
		}
		if !templates.IsUndefined(v) {
			given[name] = templates.ToGo(v)
		}
	}
	if v, ok := t.Args.GetStr("provided_arguments"); ok && v != templates.None {
		d, isDict := v.(*templates.Dict)
		if !isDict {
			return nil, failf("Incorrect type for provided_arguments, expected dict and got %s", goType(v))
		}
		for k, v := range d.All {
			given[templates.StrOf(k, t.Era)] = templates.ToGo(v)
		}
	}
	return given, nil
}

// checkSpec gives all that is wrong, missing arguments first.
func checkSpec(options []modules.Option, given map[string]any) []string {
	var problems, missing, unknown []string
	known := map[string]bool{}
	names := make([]string, 0, len(options))
	for _, o := range options {
		names = append(names, o.Name)
		known[o.Name] = true
		has := given[o.Name] != nil
		for _, a := range o.Aliases {
			known[a] = true
			has = has || given[a] != nil
		}
		if o.Required && !has {
			missing = append(missing, o.Name)
		}
	}
	for name := range given {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	if len(missing) > 0 {
		problems = append(problems, "missing required arguments: "+strings.Join(missing, ", "))
	}
	for _, o := range options {
		single := o
		single.Required = false
		arg := map[string]any{}
		for _, n := range append([]string{o.Name}, o.Aliases...) {
			if v, ok := given[n]; ok {
				arg[n] = v
			}
		}
		spec := modules.Spec{Name: "validate_argument_spec", Options: []modules.Option{single}}
		if _, _, err := spec.Decode(arg); err != nil {
			problems = append(problems, err.Error())
		}
	}
	if len(unknown) > 0 {
		sort.Strings(names)
		problems = append(problems, fmt.Sprintf("%s. Supported parameters include: %s.", strings.Join(unknown, ", "), strings.Join(names, ", ")))
	}
	return problems
}

// optionsOf reads an argument spec.
func optionsOf(data *templates.Dict) []modules.Option {
	var out []modules.Option
	for k, v := range data.All {
		d, ok := v.(*templates.Dict)
		if !ok {
			d = templates.NewDict(0)
		}
		get := func(name string) templates.Value { v, _ := d.GetStr(name); return v }
		o := modules.Option{Name: templates.StrOf(k, templates.Current), Type: modules.Type(textOr(get("type"), "str"))}
		if e := get("elements"); e != nil {
			o.Elements = modules.Type(textOr(e, ""))
		}
		if r := get("required"); r != nil {
			o.Required = r.Truth()
		}
		if c := get("choices"); c != nil && c != templates.None {
			o.Choices = Strings(c)
		}
		if a := get("aliases"); a != nil && a != templates.None {
			o.Aliases = Strings(a)
		}
		if v := get("default"); v != nil && v != templates.None {
			o.Default = templates.ToGo(v)
		}
		if sub, ok := get("options").(*templates.Dict); ok {
			o.Options = optionsOf(sub)
		}
		if n := get("no_log"); n != nil {
			o.NoLog = n.Truth()
		}
		out = append(out, o)
	}
	return out
}

func textOr(v templates.Value, def string) string {
	if v == nil || v == templates.None {
		return def
	}
	return templates.StrOf(v, templates.Current)
}
