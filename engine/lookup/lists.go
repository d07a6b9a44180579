package lookup

// This file holds the lookups that make items of values.

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"gorun/templates"
)

func isList(v templates.Value) bool {
	switch v.(type) {
	case *templates.List, templates.Tuple:
		return true
	}
	return false
}

// flattenOne flattens lists in terms by one level.
func flattenOne(terms []templates.Value) []templates.Value {
	out := make([]templates.Value, 0, len(terms))
	for _, t := range terms {
		if isList(t) {
			out = append(out, listify(t)...)
		} else {
			out = append(out, t)
		}
	}
	return out
}

func lookupItems(c *call) ([]templates.Value, error) { return flattenOne(c.terms), nil }

func lookupList(c *call) ([]templates.Value, error) { return c.terms, nil }

func lookupFlattened(c *call) ([]templates.Value, error) { return flattenAll(nil, c.terms), nil }

// flattenAll flattens lists in terms; a text None or null ends a list.
func flattenAll(out, terms []templates.Value) []templates.Value {
	for _, t := range terms {
		if isText(t, "None") || isText(t, "null") {
			break
		}
		if isList(t) {
			out = flattenAll(out, listify(t))
		} else {
			out = append(out, t)
		}
	}
	return out
}

func isText(v templates.Value, s string) bool {
	t, ok := v.(templates.Str)
	return ok && string(t) == s
}

func lookupIndexed(c *call) ([]templates.Value, error) {
	items := flattenOne(c.terms)
	out := make([]templates.Value, len(items))
	for i, it := range items {
		out[i] = templates.Tuple{templates.Int(i), it}
	}
	return out, nil
}

func lookupRandom(c *call) ([]templates.Value, error) {
	if len(c.terms) == 0 {
		return nil, nil
	}
	return []templates.Value{c.terms[rand.IntN(len(c.terms))]}, nil
}

func lookupDict(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		m, ok := t.(templates.Mapping)
		if !ok {
			return nil, c.inEra(errors.New("with_dict expects a dict"), fmt.Errorf("the 'dict' lookup plugin expects a dictionary, got '%s' of type %s)", text(t), class(t)))
		}
		for _, k := range m.Keys() {
			v, _, err := m.Get(k)
			if err != nil {
				return nil, err
			}
			d := templates.NewDict(2)
			d.SetStr("key", k)
			d.SetStr("value", v)
			out = append(out, d)
		}
	}
	return out, nil
}

func lookupNested(c *call) ([]templates.Value, error) {
	if len(c.terms) == 0 {
		return nil, errors.New("with_nested requires at least one element in the nested list")
	}
	lists, err := c.columns()
	if err != nil {
		return nil, err
	}
	if len(lists) == 1 { // its elements are the rows
		out := make([]templates.Value, len(lists[0]))
		for i, e := range lists[0] {
			row, ok := iterate(e)
			if s, isStr := e.(templates.Str); isStr {
				row, ok = characters(string(s)), true
			}
			if !ok {
				return nil, raise(typeError, "'%s' object is not iterable", e.Type())
			}
			out[i] = templates.NewList(flattenOne(row)...)
		}
		return out, nil
	}
	for i := range lists {
		lists[i] = wrapped(lists[i])
	}
	return product(lists), nil
}

// wrapped is each element flattened by one level and kept apart from the others.
func wrapped(elems []templates.Value) []templates.Value {
	out := make([]templates.Value, len(elems))
	for i, e := range elems {
		out[i] = e
		if isList(e) {
			out[i] = templates.NewList(flattenOne(listify(e))...)
		}
	}
	return out
}

// characters are those of a text.
func characters(s string) []templates.Value {
	var out []templates.Value
	for _, r := range s {
		out = append(out, str(string(r)))
	}
	return out
}

// iterate is what a loop in Python takes of a value that is no text.
func iterate(v templates.Value) ([]templates.Value, bool) {
	switch v := v.(type) {
	case templates.Mapping:
		return v.Keys(), true
	case templates.Sequence:
		return listify(v), true
	}
	return nil, false
}

// columns are the elements of each term, for lookups that combine lists: a text
// is one element, a dict its keys; before 2.19 anything else is one element too.
func (c *call) columns() ([][]templates.Value, error) {
	lists := make([][]templates.Value, len(c.terms))
	for i, t := range c.terms {
		_, isStr := t.(templates.Str)
		elems, ok := iterate(t)
		switch {
		case isStr && c.current():
			elems = characters(text(t))
		case isStr || !ok && !c.current():
			elems = []templates.Value{t}
		case !ok:
			return nil, raise(typeError, "'%s' object is not iterable", t.Type())
		}
		lists[i] = elems
	}
	return lists, nil
}

func lookupCartesian(c *call) ([]templates.Value, error) {
	if len(c.terms) == 0 {
		return nil, errors.New("with_cartesian requires at least one element in each list")
	}
	lists := make([][]templates.Value, len(c.terms))
	for i, t := range c.terms {
		elems, ok := iterate(t)
		if _, isStr := t.(templates.Str); isStr || !ok {
			elems = []templates.Value{t}
		}
		lists[i] = elems
	}
	return product(lists), nil
}

// product is every combination of an element of each list.
func product(lists [][]templates.Value) []templates.Value {
	rows := [][]templates.Value{nil}
	for _, t := range lists {
		var next [][]templates.Value
		for _, r := range rows {
			for _, e := range t {
				next = append(next, append(append([]templates.Value(nil), r...), e))
			}
		}
		rows = next
	}
	out := make([]templates.Value, len(rows))
	for i, r := range rows {
		out[i] = templates.NewList(flattenOne(r)...)
	}
	return out
}

func lookupTogether(c *call) ([]templates.Value, error) {
	if len(c.terms) == 0 {
		return nil, errors.New("with_together requires at least one element in each list")
	}
	longest := 0
	lists, err := c.columns()
	if err != nil {
		return nil, err
	}
	for _, l := range lists {
		longest = max(longest, len(l))
	}
	out := make([]templates.Value, longest)
	for n := range out {
		row := make([]templates.Value, len(lists))
		for i, l := range lists {
			row[i] = templates.None
			if n < len(l) {
				row[i] = l[n]
			}
		}
		out[n] = templates.NewList(flattenOne(row)...)
	}
	return out, nil
}

// termsError is a mistake in the terms of subelements.
func termsError(what string) error {
	return errors.New(strings.TrimSpace("subelements lookup expects a list of two or three items, " + what))
}

func lookupSubelements(c *call) ([]templates.Value, error) {
	if len(c.terms) < 2 || len(c.terms) > 3 {
		return nil, c.inEra(errors.New("subelements lookup expects a list of two or three items, "), termsError(""))
	}
	m, isMap := c.terms[0].(templates.Mapping)
	key, isKey := c.terms[1].(templates.Str)
	if _, isStr := c.terms[0].(templates.Str); isStr && !c.current() && isKey { // a text is a list of its characters there
		return nil, fmt.Errorf("subelements lookup expects a dictionary, got '%s'", text(c.terms[0])[:min(1, len(text(c.terms[0])))])
	}
	if !isMap && !isList(c.terms[0]) || !isKey {
		return nil, termsError("first a dict or a list, second a string pointing to the subkey")
	}
	path := strings.Split(string(key), ".")
	skip := false
	if len(c.terms) == 3 {
		flags, ok := c.terms[2].(templates.Mapping)
		if !ok {
			return nil, termsError("the optional third item must be a dict with flags skip_missing")
		}
		v, _, err := flags.Get(str("skip_missing"))
		if err != nil {
			return nil, err
		}
		skip = v != nil && asBool(v)
	}
	elems := listify(c.terms[0])
	if isMap {
		elems = nil
		if v, has, _ := m.Get(str("skipped")); has && v != templates.Value(templates.Bool(false)) {
			return nil, nil
		}
		for _, k := range m.Keys() {
			v, _, err := m.Get(k)
			if err != nil {
				return nil, err
			}
			elems = append(elems, v)
		}
	}
	var out []templates.Value
	for _, e := range elems {
		subs, rest, err := subelement(e, path, skip)
		if err != nil {
			return nil, err
		}
		for _, s := range subs {
			out = append(out, templates.Tuple{rest, s})
		}
	}
	return out, nil
}

// subelement follows path in e to a list; rest is e without it.
func subelement(e templates.Value, path []string, skip bool) (subs []templates.Value, rest templates.Value, err error) {
	m, ok := e.(templates.Mapping)
	if !ok {
		return nil, nil, fmt.Errorf("subelements lookup expects a dictionary, got '%s'", text(e))
	}
	if v, has, _ := m.Get(str("skipped")); has && v != templates.Value(templates.Bool(false)) {
		return nil, nil, nil
	}
	d := templates.NewDict(m.Len())
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		if err == nil {
			err = d.Set(k, v)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	at, ok := d.GetStr(path[0])
	if !ok {
		if skip {
			return nil, nil, nil
		}
		return nil, nil, fmt.Errorf("could not find '%s' key in iterated item '%s'", path[0], text(e))
	}
	if len(path) > 1 {
		if _, isMap := at.(templates.Mapping); !isMap {
			if skip {
				return nil, nil, nil
			}
			return nil, nil, fmt.Errorf("the key %s should point to a dictionary, got '%s'", path[0], text(at))
		}
		subs, inner, err := subelement(at, path[1:], skip)
		if err != nil || inner == nil {
			return nil, nil, err
		}
		d.SetStr(path[0], inner)
		return subs, d, nil
	}
	if !isList(at) {
		return nil, nil, fmt.Errorf("the key %s should point to a list, got '%s'", path[0], text(at))
	}
	d.Delete(str(path[0]))
	return listify(at), d, nil
}
