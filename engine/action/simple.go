package action

// This file holds the actions that only look at or set variables.

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gorun/templates"
)

// debug shows a message or a variable
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/debug_module.html).
func debug(ctx context.Context, t *Task) (*templates.Dict, error) {
	if err := t.unknown("msg", "var", "verbosity"); err != nil {
		return nil, err
	}
	if t.has("msg") && t.has("var") {
		if t.Era >= templates.Current {
			return nil, &Failure{Msg: "parameters are mutually exclusive: msg|var", Bare: true}
		}
		return nil, &Failure{Msg: "'msg' and 'var' are incompatible options", Bare: true}
	}
	level, err := t.int("verbosity", 0)
	if err != nil {
		return nil, err
	}
	if level > t.Verbosity {
		const reason = "Verbosity threshold not met."
		res := Result("skipped", true, "skipped_reason", reason)
		if t.Era >= templates.Current {
			res.SetStr("msg", templates.Str(reason))
		}
		return res, nil
	}
	if !t.has("var") {
		msg, ok := t.Args.GetStr("msg")
		if !ok {
			msg = templates.Str("Hello world!")
		}
		if msg == templates.None && t.Era >= templates.Current {
			return Result("changed", false, ShownAlways, true), nil
		}
		return Result("changed", false, "msg", msg, ShownAlways, true), nil
	}
	name := t.value("var")
	if _, isText := name.(templates.Str); !isText {
		return Result("changed", false, templates.Repr(name, t.Era), name, ShownAlways, true), nil
	}
	v, err := t.expression(ctx, t.str("var", ""))
	if err != nil {
		return nil, err
	}
	return Result("changed", false, t.str("var", ""), v, ShownAlways, true), nil
}

// expression evaluates a bare expression. Since 2.19 what is undefined in it is
// replaced by its error, with a warning.
func (t *Task) expression(ctx context.Context, src string) (templates.Value, error) {
	text := templates.NewText("{{ "+src+" }}", templates.Pos{})
	if t.Era < templates.Current {
		return t.definedOrNot(ctx, text)
	}
	var errs []string
	var v templates.Value = text
	if variableName.MatchString(src) {
		if raw, ok, err := t.Scope.Lookup(src); err == nil && ok {
			v = raw // so that one element of it can be undefined
		}
	}
	v, err := t.replaceUndefined(ctx, v, &errs)
	if len(errs) > 0 && t.WarnAt != nil {
		t.WarnAt(templateErrors(errs), "var")
	}
	return v, err
}

// templateErrors words the warning about undefined values that were replaced.
func templateErrors(errs []string) string {
	msg := fmt.Sprintf("Encountered %d template error", len(errs))
	if len(errs) > 1 {
		msg += "s"
	}
	msg += "."
	for i, e := range errs {
		msg += fmt.Sprintf("\nerror %d - %s", i+1, e)
	}
	return msg
}

// replaceUndefined resolves v with what is undefined replaced; errs collects the errors.
func (t *Task) replaceUndefined(ctx context.Context, v templates.Value, errs *[]string) (templates.Value, error) {
	switch x := v.(type) {
	case *templates.Dict:
		d := templates.NewDict(x.Len())
		for k, e := range x.All {
			e, err := t.replaceUndefined(ctx, e, errs)
			if err != nil {
				return nil, err
			}
			_ = d.Set(k, e) // k is in a dict, so it has a hash
		}
		return d, nil
	case *templates.List:
		l := templates.NewList()
		for _, e := range x.Elems {
			e, err := t.replaceUndefined(ctx, e, errs)
			if err != nil {
				return nil, err
			}
			l.Elems = append(l.Elems, e)
		}
		return l, nil
	}
	out, err := t.Templates.Resolve(ctx, v, t.Scope)
	msg := ""
	if te, ok := err.(*templates.Error); ok && te.Kind == templates.UndefinedError {
		msg = te.Msg
	} else if u, isUndefined := out.(*templates.Undefined); err == nil && isUndefined {
		if msg = u.Hint; msg == "" {
			msg = "'" + u.Name + "' is undefined"
		}
	}
	if msg == "" {
		return out, err
	}
	*errs = append(*errs, msg)
	return templates.Str(fmt.Sprintf("<< error %d - %s >>", len(*errs), msg)), nil
}

// ShownAlways is the key of a result that the screen shows whole, however few -v there are.
const ShownAlways = "_ansible_verbose_always"

// notDefined is what debug shows for a variable that is not there.
const notDefined = "VARIABLE IS NOT DEFINED!"

// definedOrNot resolves text; a text stands for an undefined value.
func (t *Task) definedOrNot(ctx context.Context, text templates.Value) (templates.Value, error) {
	v, err := t.Templates.Resolve(ctx, text, t.Scope)
	te, failed := err.(*templates.Error)
	switch u, isUndefined := v.(*templates.Undefined); {
	case failed && te.Kind == templates.UndefinedError:
		return t.undefinedText(te.Msg), nil
	case err == nil && isUndefined:
		msg := u.Hint
		if msg == "" {
			msg = "'" + u.Name + "' is undefined"
		}
		return t.undefinedText(msg), nil
	}
	return v, err
}

// undefinedText is notDefined, at -v with the reason.
func (t *Task) undefinedText(reason string) templates.Value {
	if t.Verbosity < 1 {
		return templates.Str(notDefined)
	}
	return templates.Str(fmt.Sprintf("%s: %s. %[2]s", notDefined, reason))
}

func fail(_ context.Context, t *Task) (*templates.Dict, error) {
	if err := t.unknown("msg"); err != nil {
		return nil, err
	}
	msg := templates.Value(templates.Str("Failed as requested from task"))
	if t.has("msg") {
		msg = t.value("msg") // a list is shown as one
	}
	return Result("changed", false, "failed", true, "msg", msg), nil
}

// assert checks conditions
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/assert_module.html).
func assert(ctx context.Context, t *Task) (*templates.Dict, error) {
	if _, given := t.Args.GetStr("that"); !given && t.Era >= templates.Current {
		return nil, failf("missing required arguments: that")
	}
	if err := t.unknown("that", "fail_msg", "msg", "success_msg", "quiet"); err != nil {
		return nil, err
	}
	that, ok := t.Args.GetStr("that")
	if !ok {
		return nil, &Failure{Msg: "conditional required in \"that\" string", Bare: true, Exception: noException}
	}
	failMsg, err := t.message("fail_msg or msg", "Assertion failed", "fail_msg", "msg")
	if err != nil {
		return nil, err
	}
	okMsg, err := t.message("success_msg", "All assertions passed", "success_msg")
	if err != nil {
		return nil, err
	}
	quiet, err := t.bool("quiet", false)
	if err != nil {
		return nil, err
	}
	conds := []templates.Value{that}
	if l, ok := that.(*templates.List); ok {
		conds = l.Elems
	}
	for _, c := range conds {
		ok, err := t.Services.Condition(ctx, c, t.Scope)
		if err != nil {
			return nil, err
		}
		if !ok {
			return Result("failed", true, "changed", false, "evaluated_to", false, "assertion", c, "msg", failMsg, ShownAlways, !quiet), nil
		}
	}
	return Result("changed", false, "msg", okMsg, ShownAlways, !quiet), nil
}

// message is a message argument: a text or a list of texts.
func (t *Task) message(what, def string, names ...string) (templates.Value, error) {
	for _, n := range names {
		v, ok := t.Args.GetStr(n)
		if !ok || v == templates.None {
			continue
		}
		switch v.(type) {
		case templates.Str, *templates.List:
			return v, nil
		}
		return nil, failf("Incorrect type for %s, expected a string or list and got %s", what, goType(v))
	}
	return templates.Str(def), nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func setFact(ctx context.Context, t *Task) (*templates.Dict, error) {
	cacheable, err := t.bool("cacheable", false)
	if err != nil {
		return nil, err
	}
	facts := templates.NewDict(t.Args.Len())
	for k, v := range t.Args.All {
		name := templates.StrOf(k, t.Era)
		if name == "cacheable" || name == "_raw_params" {
			continue
		}
		if t.Templates.IsTemplate(name) {
			resolved, err := t.Templates.Resolve(ctx, templates.NewText(name, templates.Pos{}), t.Scope)
			if err != nil {
				return nil, err
			}
			name = templates.StrOf(resolved, t.Era)
		}
		if !variableName.MatchString(name) {
			return nil, failf("The variable name '%s' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.", name)
		}
		if s, ok := v.(templates.Str); ok && t.Era < templates.Current {
			v = boolText(s)
		}
		facts.SetStr(name, v)
	}
	if facts.Len() == 0 {
		return nil, &Failure{Msg: "No key/value pairs provided, at least one is required for this action to succeed", Exception: noException}
	}
	t.Effects.Facts, t.Effects.Cacheable = facts, cacheable
	return Result("ansible_facts", facts, "changed", false), nil
}

// boolText makes a bool of text that reads as one: up to 2.18 set_fact with
// k=v arguments did.
func boolText(s templates.Str) templates.Value {
	switch strings.ToLower(string(s)) {
	case "true", "yes":
		return templates.Bool(true)
	case "false", "no":
		return templates.Bool(false)
	}
	return s
}

func setStats(_ context.Context, t *Task) (*templates.Dict, error) {
	if err := t.unknown("data", "per_host", "aggregate"); err != nil {
		return nil, err
	}
	perHost, err := t.bool("per_host", false)
	if err != nil {
		return nil, err
	}
	aggregate, err := t.bool("aggregate", true)
	if err != nil {
		return nil, err
	}
	data, ok := t.value("data").(*templates.Dict)
	if !ok {
		return nil, &Failure{Msg: "The 'data' option needs to be a dictionary/hash", Data: Result("changed", false)}
	}
	t.Effects.Stats, t.Effects.StatsPerHost, t.Effects.StatsAggregate = data, perHost, aggregate
	return Result("changed", false, "ansible_stats", Result("data", data, "per_host", perHost, "aggregate", aggregate)), nil
}

// addHost adds a host to the inventory of the run
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/add_host_module.html).
func addHost(_ context.Context, t *Task) (*templates.Dict, error) {
	name := t.first("name", "hostname", "host")
	if name == "" {
		return nil, failf("name, host or hostname needs to be provided")
	}
	spec := &HostSpec{Vars: templates.NewDict(4)}
	spec.Name, spec.Port = splitPort(name)
	for _, key := range []string{"groups", "group", "groupname"} {
		if t.has(key) {
			spec.Groups = t.list(key)
			break
		}
	}
	if spec.Port != 0 {
		spec.Vars.SetStr("ansible_ssh_port", templates.Int(spec.Port))
	}
	for k, v := range t.Args.All {
		switch key := templates.StrOf(k, t.Era); key {
		case "name", "hostname", "host", "groups", "group", "groupname", "_raw_params":
		default:
			spec.Vars.SetStr(key, v)
		}
	}
	t.Effects.AddHost = spec
	return Result("changed", true, "add_host", Result("host_name", spec.Name, "groups", spec.Groups, "host_vars", spec.Vars)), nil
}

// splitPort takes "name:port" apart; IPv6 addresses need brackets for it.
func splitPort(name string) (string, int) {
	host, port, ok := strings.Cut(name, ":")
	if strings.HasPrefix(name, "[") {
		end := strings.IndexByte(name, ']')
		if end < 0 {
			return name, 0
		}
		host, port, ok = name[1:end], strings.TrimPrefix(name[end+1:], ":"), len(name) > end+1
	}
	if !ok || strings.Contains(port, ":") {
		return name, 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return name, 0
	}
	return host, n
}

func groupBy(_ context.Context, t *Task) (*templates.Dict, error) {
	key := t.first("key", "_raw_params")
	if key == "" {
		return nil, &Failure{Msg: "the 'key' param is required when using group_by", Data: Result("changed", false)}
	}
	clean := func(s string) string { return strings.ReplaceAll(s, " ", "-") }
	parents := []string{"all"}
	if t.has("parents") {
		parents = t.list("parents")
	}
	for i := range parents {
		parents[i] = clean(parents[i])
	}
	t.Effects.Group, t.Effects.ParentGroups = clean(key), parents
	return Result("changed", false, "add_group", clean(key), "parent_groups", parents), nil
}
