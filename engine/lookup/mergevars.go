package lookup

// This file holds the lookup merge_variables
// (https://docs.ansible.com/ansible/latest/collections/community/general/merge_variables_lookup.html).

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

// A variableMerger joins variables as its options ask for. The collection of
// ansible-core 2.14 has pattern_type, override and initial_value alone.
type variableMerger struct {
	c                                           *call
	override, dicts, lists, conflicts, defaults string
	transformations                             []func(*templates.List) *templates.List
	// path leads to what is merged. As in the collection it is never cut, so that
	// messages on later keys name earlier ones.
	path []string
}

func lookupMergeVariables(c *call) ([]templates.Value, error) {
	const env, section = "ANSIBLE_MERGE_VARIABLES_", "merge_variables_lookup."
	pattern, err1 := c.option("pattern_type", sources{env: []string{env + "PATTERN_TYPE"}, ini: section + "pattern_type"})
	override, err2 := c.option("override", sources{env: []string{env + "OVERRIDE"}, ini: section + "override"})
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	m := &variableMerger{c: c, dicts: "deep", lists: "append"}
	var errs [7]error
	pattern, errs[0] = c.oneOf("pattern_type", pattern, "regex", "prefix", "suffix", "regex")
	m.override, errs[1] = c.oneOf("override", override, "error", "error", "warn", "ignore")
	if c.current() {
		m.dicts, errs[2] = c.choice("dict_merge", "deep", "deep", "shallow", "replace", "keep")
		m.lists, errs[3] = c.choice("list_merge", "append", "replace", "keep", "append", "prepend", "merge")
		m.conflicts, errs[4] = c.choice("type_conflict_merge", "replace", "replace", "keep")
		m.defaults, errs[5] = c.choice("default_merge", "replace", "replace", "keep")
		errs[6] = m.readTransformations()
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	scope, ok := c.env.Scope.(interface{ Names() []string })
	if !ok {
		return nil, errors.New("merge_variables: the variables cannot be listed here")
	}
	var groups []string
	if c.current() {
		groups, _ = c.words("groups")
	}
	var out []templates.Value
	for _, t := range c.terms {
		fits, err := matcherOf(pattern, t)
		if err != nil {
			return nil, err
		}
		var merged templates.Value = templates.None
		if v, ok := c.given("initial_value"); ok {
			if _, isMap := v.(*templates.Dict); !isMap && !isList(v) {
				return nil, m.unsupported(v)
			}
			merged = v
		}
		if len(groups) == 0 {
			merged, err = m.variables(merged, scope.Names(), c.variable, fits)
		} else {
			merged, err = m.hosts(merged, groups, fits)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, merged)
	}
	return out, nil
}

// matcherOf tells whether a variable's name fits a term.
func matcherOf(pattern string, term templates.Value) (func(name string) bool, error) {
	s, ok := term.(templates.Str)
	if !ok {
		return nil, fmt.Errorf("Non-string type '%s' passed, only 'str' types are allowed!", class(term))
	}
	switch pattern {
	case "prefix":
		return func(name string) bool { return strings.HasPrefix(name, string(s)) }, nil
	case "suffix":
		return func(name string) bool { return strings.HasSuffix(name, string(s)) }, nil
	}
	re, err := pyre.Compile(string(s), 0)
	if err != nil {
		return nil, raise("re.error", "%s", err)
	}
	return func(name string) bool { return re.Search(name) != nil }, nil
}

// readTransformations reads what is done to every list that was merged.
func (m *variableMerger) readTransformations() error {
	v, ok := m.c.given("list_transformations")
	if !ok {
		return nil
	}
	for _, t := range listOrOne(v) {
		name, keep := t, templates.Value(str("first"))
		switch t := t.(type) {
		case templates.Str:
		case templates.Mapping:
			n, found, err := t.Get(str("name"))
			if err != nil || !found {
				return raise("KeyError", "'name'")
			}
			name = n
			options := entry(t, "options")
			if k := entry(options, "keep"); k != templates.None {
				keep = k
			}
		default:
			return fmt.Errorf("Transformations must be specified through values of type 'str' or 'dict', but a value of type '%s' was given", class(t))
		}
		switch text(name) {
		case "flatten":
			m.transformations = append(m.transformations, func(l *templates.List) *templates.List {
				return templates.NewList(flattenLists(nil, l.Elems)...)
			})
		case "dedup":
			if text(keep) != "first" && text(keep) != "last" {
				return fmt.Errorf("Unsupported 'keep' value for deduplication transformation. Given was '%s', but must be either 'first' or 'last'", text(keep))
			}
			last := text(keep) == "last"
			m.transformations = append(m.transformations, func(l *templates.List) *templates.List { return deduplicated(l, last) })
		default:
			return fmt.Errorf("Unknown transformation '%s'", text(name))
		}
	}
	return nil
}

func flattenLists(out, elems []templates.Value) []templates.Value {
	for _, e := range elems {
		if l, ok := e.(*templates.List); ok {
			out = flattenLists(out, l.Elems)
		} else {
			out = append(out, e)
		}
	}
	return out
}

// deduplicated is a list with the first, or the last, of what is in it more
// than once.
func deduplicated(l *templates.List, last bool) *templates.List {
	elems := slices.Clone(l.Elems)
	if last {
		slices.Reverse(elems)
	}
	var out []templates.Value
	for _, e := range elems {
		if !slices.ContainsFunc(out, func(o templates.Value) bool { return templates.Equal(o, e) }) {
			out = append(out, e)
		}
	}
	if last {
		slices.Reverse(out)
	}
	return templates.NewList(out...)
}

// hosts merges the variables of every host of some groups.
func (m *variableMerger) hosts(merged templates.Value, groups []string, fits func(string) bool) (templates.Value, error) {
	all, _, err := m.c.variable("hostvars")
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
				v, err = m.c.env.Templates.Resolve(m.c.ctx, v, m.c.env.Scope)
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
		if merged, err = m.variables(merged, names, get, fits); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

func (m *variableMerger) unsupported(v templates.Value) error {
	return m.c.inEra(errors.New("Not supported type detected, variable must be a list or a dict"),
		fmt.Errorf("Not supported type detected, variable must be a list or a dict: '%s'", text(v)))
}

// variables merges the variables whose names fit, sorted, into merged.
func (m *variableMerger) variables(merged templates.Value, names []string, get func(string) (templates.Value, bool, error), fits func(string) bool) (templates.Value, error) {
	sort.Strings(names)
	for _, n := range slices.Compact(names) {
		if !fits(n) {
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
			return nil, m.unsupported(v)
		}
		if merged == templates.None {
			merged = v
			continue
		}
		if merged.Type() != v.Type() {
			return nil, errors.New("Unable to merge, not all variables are of the same type")
		}
		m.path = []string{n}
		_, isMap = merged.(*templates.Dict)
		if isMap && m.dicts == "shallow" {
			merged, err = m.dict(merged.(*templates.Dict), v.(*templates.Dict))
			merged = m.transformed(merged, err)
		} else {
			merged, err = m.merge(merged, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// merge joins two values.
func (m *variableMerger) merge(left, right templates.Value) (templates.Value, error) {
	if len(m.path) > 1000 {
		return nil, errors.New("the variables are nested too deep")
	}
	a, ok1 := left.(*templates.Dict)
	b, ok2 := right.(*templates.Dict)
	how := m.defaults
	switch {
	case !m.c.current() && isList(right) && !isList(left):
		return nil, raise(typeError, "unsupported operand type(s) for +=: '%s' and '%s'", left.Type(), right.Type())
	case ok1 && ok2 && m.dicts == "deep":
		v, err := m.dict(a, b)
		return m.transformed(v, err), err
	case ok1 && ok2 && m.dicts != "shallow":
		how = m.dicts
	case isList(left) && isList(right):
		how = m.lists
	case left.Type() != right.Type():
		how = m.conflicts
	}
	v, err := m.by(how, left, right)
	return m.transformed(v, err), err
}

// transformed is a merged value after the transformations of its type.
func (m *variableMerger) transformed(v templates.Value, err error) templates.Value {
	l, ok := v.(*templates.List)
	if !ok || err != nil {
		return v
	}
	for _, t := range m.transformations {
		l = t(l)
	}
	return l
}

// by joins two values by a strategy that does not depend on keys.
func (m *variableMerger) by(how string, left, right templates.Value) (templates.Value, error) {
	x, y := listify(left), listify(right)
	switch how {
	case "append":
		return templates.NewList(slices.Concat(x, y)...), nil
	case "prepend":
		return templates.NewList(slices.Concat(y, x)...), nil
	case "keep":
		return left, nil
	case "merge":
		out := slices.Clone(x)
		for i, v := range y {
			if i >= len(out) {
				out = append(out, y[i:]...)
				break
			}
			joined, err := m.over(strconv.Itoa(i), out[i], v)
			if err != nil {
				return nil, err
			}
			out[i] = joined
		}
		return templates.NewList(out...), nil
	}
	return right, nil
}

// dict merges b into a copy of a, key by key.
func (m *variableMerger) dict(a, b *templates.Dict) (templates.Value, error) {
	out := a.Copy()
	for k, v := range b.All {
		if old, has, _ := out.Get(k); has {
			joined, err := m.over(text(k), old, v)
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

// over merges what is at a key, and complains where that takes a value's place.
func (m *variableMerger) over(key string, old, v templates.Value) (templates.Value, error) {
	before := m.path
	m.path = append(slices.Clone(m.path), key)
	joined, err := m.merge(old, v)
	if err == nil {
		err = m.replaced(old, joined)
	}
	if !m.c.current() {
		m.path = before
	}
	return joined, err
}

// replaced complains about a value that another takes the place of.
func (m *variableMerger) replaced(old, now templates.Value) error {
	_, isMap := now.(*templates.Dict)
	if old.Type() == now.Type() && (isMap || isList(now) || templates.Equal(old, now)) {
		return nil
	}
	msg := fmt.Sprintf("The key '%s' with value '%s' will be overwritten with value '%s' from '%s'", m.path[len(m.path)-1], text(old), text(now), strings.Join(m.path, "."))
	switch m.override {
	case "error":
		return errors.New(msg)
	case "warn":
		m.c.t.o.Warn(msg)
	}
	return nil
}
