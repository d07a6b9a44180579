package lookup

// This file holds lookups of community.general and ansible.utils
// (https://docs.ansible.com/ansible/latest/collections/community/general/index.html#lookup-plugins).

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
	"gorun/templates/ansible"
)

// lookupRandomString is random_string
// (https://docs.ansible.com/ansible/latest/collections/community/general/random_string_lookup.html).
func lookupRandomString(c *call) ([]templates.Value, error) {
	classes := []struct {
		flag, least, option string
		chars               string
	}{
		{"upper", "min_upper", "", characterSets["ascii_uppercase"]}, {"lower", "min_lower", "", characterSets["ascii_lowercase"]},
		{"numbers", "min_numeric", "", characterSets["digits"]}, {"special", "min_special", "override_special", characterSets["punctuation"]},
	}
	length, err1 := c.number("length", 8)
	encode, err2 := c.flag("base64", false)
	clear, err3 := c.flag("ignore_similar_chars", false)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	seed, seeded := c.given("seed")
	pick, err := ansible.NewChooser(orNone(seed))
	if err != nil {
		return nil, err
	}
	choose := func(chars string, n int) (string, error) {
		if chars == "" {
			return "", raise(lookupError, "Available characters cannot be None, please change constraints")
		}
		return pick.Choices([]rune(chars), min(n, maxPassword)), nil
	}
	similar := c.str("similar_chars", "il1LoO0")
	all, must := c.str("override_all", ""), map[string]string{}
	if all == "" {
		for _, k := range classes {
			if clear {
				k.chars = strings.Map(func(r rune) rune {
					if strings.ContainsRune(similar, r) {
						return -1
					}
					return r
				}, k.chars)
			}
			if k.option != "" {
				k.chars = c.str(k.option, k.chars)
			}
			on, err := c.flag(k.flag, true)
			if err != nil {
				return nil, err
			}
			if on {
				all += k.chars
			}
			must[k.least] = k.chars
		}
	}
	made := ""
	for _, least := range []string{"min_numeric", "min_lower", "min_upper", "min_special"} {
		n, err := c.number(least, 0)
		if err != nil {
			return nil, err
		}
		if chars, ok := must[least]; ok && n > 0 {
			s, err := choose(chars, n)
			if err != nil {
				return nil, err
			}
			made += s
		}
	}
	rest, err := choose(all, max(0, length-len([]rune(made))))
	if err != nil {
		return nil, err
	}
	out := []rune(made + rest)
	if !seeded {
		pick.Shuffle(out)
	}
	s := string(out)
	if encode {
		s = base64.StdEncoding.EncodeToString([]byte(s))
	}
	return []templates.Value{str(s)}, nil
}

func orNone(v templates.Value) templates.Value {
	if v == nil {
		return templates.None
	}
	return v
}

// A choice of dependent: a name with values, or with an expression that gives
// them from the names before it.
type dependency struct {
	name string
	expr string
	vals templates.Value
}

// https://docs.ansible.com/ansible/latest/collections/community/general/dependent_lookup.html
func lookupDependent(c *call) ([]templates.Value, error) {
	var deps []dependency
	seen := map[string]bool{}
	for i, t := range c.terms {
		m, ok := t.(templates.Mapping)
		if !ok {
			return nil, raise(lookupError, "Parameter %d must be a dictionary, got %s", i, class(t))
		}
		if m.Len() != 1 {
			return nil, raise(lookupError, "Parameter %d must be a one-element dictionary, got %d elements", i, m.Len())
		}
		k := m.Keys()[0]
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		if seen[text(k)] {
			return nil, raise(lookupError, "The variable %s appears more than once", templates.Repr(k, templates.Current))
		}
		seen[text(k)] = true
		d := dependency{name: text(k)}
		switch v := v.(type) {
		case templates.Str:
			d.expr = string(v)
		case *templates.List, templates.Tuple, templates.Mapping:
			d.vals = v
		default:
			return nil, raise(lookupError, "Parameter %s (index %d) must have a value of type string, dictionary or list, got type %s", templates.Repr(k, templates.Current), i, class(v))
		}
		deps = append(deps, d)
	}
	if len(deps) == 0 {
		return nil, nil
	}
	return c.dependents(nil, deps, templates.NewDict(len(deps)))
}

// maxDependents bounds the items of dependent.
const maxDependents = 1_000_000

func (c *call) dependents(out []templates.Value, deps []dependency, at *templates.Dict) ([]templates.Value, error) {
	if len(deps) == 0 {
		if len(out) >= maxDependents {
			return nil, raise(lookupError, "dependent gives more than %d items", maxDependents)
		}
		return append(out, at.Copy()), nil
	}
	d := deps[0]
	vals := d.vals
	if vals == nil {
		locals := templates.NewDict(1)
		locals.SetStr("item", at.Copy())
		t, err := c.env.Templates.CompileExpr(d.expr)
		if err == nil {
			vals, err = t.EvalExpr(c.ctx, &withLocals{locals, c.env.Scope})
		}
		if err != nil {
			return nil, raise(lookupError, `Caught "%s" while evaluating '%s' with item == %s`, err, d.name, templates.Repr(at, templates.Current))
		}
	}
	var elems []templates.Value
	switch v := vals.(type) {
	case templates.Mapping:
		keys := append([]templates.Value(nil), v.Keys()...)
		sort.SliceStable(keys, func(i, j int) bool { n, err := templates.Compare(keys[i], keys[j]); return err == nil && n < 0 })
		for _, k := range keys {
			x, _, err := v.Get(k)
			if err != nil {
				return nil, err
			}
			kv := templates.NewDict(2)
			kv.SetStr("key", k)
			kv.SetStr("value", x)
			elems = append(elems, kv)
		}
	case templates.Str:
		return nil, raise(lookupError, "Did not obtain dictionary or list while evaluating '%s' with item == %s, but %s", d.name, templates.Repr(at, templates.Current), class(v))
	case templates.Sequence:
		elems = listify(v)
	default:
		return nil, raise(lookupError, "Did not obtain dictionary or list while evaluating '%s' with item == %s, but %s", d.name, templates.Repr(at, templates.Current), class(vals))
	}
	for _, e := range elems {
		at.SetStr(d.name, e)
		var err error
		if out, err = c.dependents(out, deps[1:], at); err != nil {
			return nil, err
		}
	}
	at.Delete(str(d.name))
	return out, nil
}

// A variableMerger joins variables as merge_variables asks for.
type variableMerger struct{ override, dicts, lists string }

// https://docs.ansible.com/ansible/latest/collections/community/general/merge_variables_lookup.html
func lookupMergeVariables(c *call) ([]templates.Value, error) {
	pattern, err1 := c.choice("pattern_type", "regex", "prefix", "suffix", "regex")
	override, err2 := c.choice("override", "error", "error", "warn", "ignore")
	dicts, err3 := c.choice("dict_merge", "deep", "deep", "shallow", "replace", "keep")
	lists, err4 := c.choice("list_merge", "append", "append", "prepend", "merge", "replace", "keep")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	scope, ok := c.env.Scope.(interface{ Names() []string })
	if !ok {
		return nil, errors.New("merge_variables: the variables cannot be listed here")
	}
	for _, o := range []string{"type_conflict_merge", "default_merge", "list_transformations"} {
		if _, ok := c.given(o); ok {
			return nil, fmt.Errorf("merge_variables: the option %s is not supported", o)
		}
	}
	groups, _ := c.words("groups")
	m := &variableMerger{override, dicts, lists}
	var out []templates.Value
	for _, t := range c.terms {
		s, ok := t.(templates.Str)
		if !ok {
			return nil, fmt.Errorf("Non-string type '%s' passed, only 'str' types are allowed!", class(t))
		}
		fits := func(name string) bool { return strings.HasPrefix(name, string(s)) }
		switch pattern {
		case "suffix":
			fits = func(name string) bool { return strings.HasSuffix(name, string(s)) }
		case "regex":
			re, err := pyre.Compile(string(s), 0)
			if err != nil {
				return nil, raise("re.error", "%s", err)
			}
			fits = func(name string) bool { return re.Search(name) != nil }
		}
		var merged templates.Value = templates.None
		if v, ok := c.given("initial_value"); ok {
			merged = v
		}
		var err error
		if len(groups) == 0 {
			merged, err = c.mergeVariables(m, merged, scope.Names(), c.variable, fits)
		} else {
			merged, err = c.mergeHosts(m, merged, groups, fits)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, merged)
	}
	return out, nil
}

// mergeHosts merges the variables of every host of some groups.
func (c *call) mergeHosts(m *variableMerger, merged templates.Value, groups []string, fits func(string) bool) (templates.Value, error) {
	all, _, err := c.variable("hostvars")
	if err != nil {
		return nil, err
	}
	hosts, ok := all.(templates.Mapping)
	if !ok {
		return nil, raise("KeyError", "'hostvars'")
	}
	for _, h := range hosts.Keys() {
		v, _, err := hosts.Get(h)
		if err != nil {
			return nil, err
		}
		own, ok := v.(templates.Mapping)
		if !ok {
			continue
		}
		get := func(name string) (templates.Value, bool, error) {
			v, ok, err := own.Get(str(name))
			if err == nil && ok {
				v, err = c.env.Templates.Resolve(c.ctx, v, c.env.Scope)
			}
			return v, ok && err == nil, err
		}
		in, _, err := get("group_names")
		if err != nil {
			return nil, err
		}
		wanted := slices.Contains(groups, "all")
		for _, g := range listify(in) {
			wanted = wanted || slices.Contains(groups, text(g))
		}
		if !wanted {
			continue
		}
		var names []string
		for _, k := range own.Keys() {
			names = append(names, text(k))
		}
		if merged, err = c.mergeVariables(m, merged, names, get, fits); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// mergeVariables merges the variables whose names fit, sorted, into merged.
func (c *call) mergeVariables(m *variableMerger, merged templates.Value, names []string, get func(string) (templates.Value, bool, error), fits func(string) bool) (templates.Value, error) {
	sort.Strings(names)
	for i, n := range names {
		if i > 0 && names[i-1] == n || !fits(n) {
			continue
		}
		v, ok, err := get(n)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		_, isMap := v.(*templates.Dict)
		if !isMap && !isList(v) {
			return nil, c.inEra(errors.New("Not supported type detected, variable must be a list or a dict"),
				fmt.Errorf("Not supported type detected, variable must be a list or a dict: '%s'", text(v)))
		}
		if merged == templates.None {
			merged = v
			continue
		}
		if merged.Type() != v.Type() {
			return nil, errors.New("Unable to merge, not all variables are of the same type")
		}
		if merged, err = m.merge(c, []string{n}, merged, v); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

func (m *variableMerger) merge(c *call, path []string, left, right templates.Value) (templates.Value, error) {
	if len(path) > 200 {
		return nil, errors.New("the variables are nested too deep")
	}
	a, ok1 := left.(*templates.Dict)
	b, ok2 := right.(*templates.Dict)
	if ok1 && ok2 && (m.dicts == "deep" || m.dicts == "shallow" && len(path) == 1) {
		out := a.Copy()
		for k, v := range b.All {
			old, has, _ := out.Get(k)
			if has {
				at := append(append([]string(nil), path...), text(k))
				joined, err := m.merge(c, at, old, v)
				if err == nil {
					err = m.replaced(c, at, old, joined)
				}
				if err != nil {
					return nil, err
				}
				v = joined
			}
			if err := out.Set(k, v); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	how := "replace"
	switch {
	case ok1 && ok2 && m.dicts != "shallow":
		how = m.dicts
	case isList(left) && isList(right):
		how = m.lists
	}
	x, y := listify(left), listify(right)
	switch how {
	case "append":
		return templates.NewList(append(append([]templates.Value(nil), x...), y...)...), nil
	case "prepend":
		return templates.NewList(append(append([]templates.Value(nil), y...), x...)...), nil
	case "keep":
		return left, nil
	case "merge":
		out := append([]templates.Value(nil), x...)
		for i, v := range y {
			if i >= len(out) {
				out = append(out, v)
				continue
			}
			joined, err := m.merge(c, append(append([]string(nil), path...), fmt.Sprint(i)), out[i], v)
			if err != nil {
				return nil, err
			}
			out[i] = joined
		}
		return templates.NewList(out...), nil
	}
	return right, nil
}

// replaced complains about a value that another takes the place of.
func (m *variableMerger) replaced(c *call, path []string, old, now templates.Value) error {
	_, isMap := now.(*templates.Dict)
	if old.Type() == now.Type() && (isMap || isList(now) || templates.Equal(old, now)) {
		return nil
	}
	msg := fmt.Sprintf("The key '%s' with value '%s' will be overwritten with value '%s' from '%s'", path[len(path)-1], text(old), text(now), strings.Join(path, "."))
	switch m.override {
	case "error":
		return errors.New(msg)
	case "warn":
		c.t.o.Warn(msg)
	}
	return nil
}

// fromFilter makes a lookup of a filter whose arguments are the terms and options.
func fromFilter(name string) lookupFunc {
	return func(c *call) ([]templates.Value, error) {
		args := make([]string, len(c.terms))
		locals := templates.NewDict(len(c.terms) + len(c.opts))
		for i, t := range c.terms {
			args[i] = fmt.Sprintf("_term%d", i)
			locals.SetStr(args[i], t)
		}
		for _, n := range sortedKeys(c.opts) {
			locals.SetStr("_option_"+n, c.opts[n])
			args = append(args, n+"=_option_"+n)
		}
		if len(c.terms) == 0 {
			return nil, fmt.Errorf("%s: the first term is missing", name)
		}
		t, err := c.env.Templates.CompileExpr(args[0] + " | " + name + "(" + strings.Join(args[1:], ", ") + ")")
		if err != nil {
			return nil, err
		}
		v, err := t.EvalExpr(c.ctx, &withLocals{locals, c.env.Scope})
		if err != nil {
			return nil, err
		}
		return []templates.Value{v}, nil
	}
}

func sortedKeys(m map[string]templates.Value) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
