package lookup

// This file holds the lookups that make items of values.

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
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

func flattenAll(out, terms []templates.Value) []templates.Value {
	for _, t := range terms {
		switch {
		case t == templates.None || isText(t, "None") || isText(t, "null"):
		case isList(t):
			out = flattenAll(out, listify(t))
		default:
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
			return nil, errors.New("with_dict expects a dict")
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
	rows := [][]templates.Value{nil}
	for _, t := range c.terms {
		var next [][]templates.Value
		for _, r := range rows {
			for _, e := range listify(t) {
				next = append(next, append(append([]templates.Value(nil), r...), e))
			}
		}
		rows = next
	}
	out := make([]templates.Value, len(rows))
	for i, r := range rows {
		out[i] = templates.NewList(flattenOne(r)...)
	}
	return out, nil
}

func lookupTogether(c *call) ([]templates.Value, error) {
	if len(c.terms) == 0 {
		return nil, errors.New("with_together requires at least one element in each list")
	}
	longest := 0
	lists := make([][]templates.Value, len(c.terms))
	for i, t := range c.terms {
		lists[i] = listify(t)
		longest = max(longest, len(lists[i]))
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

func lookupSubelements(c *call) ([]templates.Value, error) {
	if len(c.terms) < 2 || len(c.terms) > 3 {
		return nil, errors.New("subelements lookup expects a list of two or three items, first a dict or list, second a string pointing to the subkey")
	}
	path := strings.Split(text(c.terms[1]), ".")
	skip := false
	if len(c.terms) == 3 {
		if m, ok := c.terms[2].(*templates.Dict); ok {
			v, _ := m.GetStr("skip_missing")
			skip = v != nil && v.Truth()
		}
	}
	list := listify(c.terms[0])
	if m, ok := c.terms[0].(templates.Mapping); ok {
		list = nil
		for _, k := range m.Keys() {
			v, _, err := m.Get(k)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
	}
	var out []templates.Value
	for _, e := range list {
		subs, err := subelement(e, path, skip)
		if err != nil {
			return nil, err
		}
		for _, s := range subs {
			out = append(out, templates.Tuple{withoutKey(e, path), s})
		}
	}
	return out, nil
}

// withoutKey is an element without its sublist, as Ansible shows it in items.
func withoutKey(e templates.Value, path []string) templates.Value {
	d, ok := e.(*templates.Dict)
	if !ok || len(path) != 1 {
		return e
	}
	d = d.Copy()
	d.Delete(templates.Str(path[0]))
	return d
}

// subelement follows path in e to a list.
func subelement(e templates.Value, path []string, skip bool) ([]templates.Value, error) {
	if d, ok := e.(*templates.Dict); ok {
		if v, has := d.GetStr("skipped"); has && v.Truth() {
			return nil, nil
		}
	}
	at := e
	for _, key := range path {
		m, ok := at.(templates.Mapping)
		if !ok {
			return nil, fmt.Errorf("subelements lookup expects a dictionary, got '%s'", text(at))
		}
		v, has, err := m.Get(templates.Str(key))
		if err != nil {
			return nil, err
		}
		if !has {
			if skip {
				return nil, nil
			}
			return nil, fmt.Errorf("could not find '%s' key in iterated item '%s'", key, text(e))
		}
		at = v
	}
	if !isList(at) {
		if skip {
			return nil, nil
		}
		return nil, fmt.Errorf("the key %s should point to a list, got '%s'", path[len(path)-1], text(at))
	}
	return listify(at), nil
}

// A sequence is the arguments of the sequence lookup.
type sequence struct {
	start, end, stride int64
	count              int64
	hasEnd, hasCount   bool
	hasStride          bool
	format             string
}

func lookupSequence(c *call) ([]templates.Value, error) {
	terms := c.terms
	if len(terms) == 0 {
		terms = []templates.Value{templates.Str("")}
	}
	var out []templates.Value
	for _, t := range terms {
		s := sequence{start: 1, stride: 1, format: "%d"}
		var err error
		if m, ok := t.(templates.Mapping); ok {
			err = s.fromMapping(m)
		} else {
			err = s.parse(text(t))
		}
		for name, v := range c.opts {
			if err == nil {
				err = s.set(name, text(v))
			}
		}
		if err != nil {
			return nil, err
		}
		items, err := s.items()
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

func (s *sequence) fromMapping(m templates.Mapping) error {
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		if err == nil {
			err = s.set(text(k), text(v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parse reads "start-end/stride:format" or "start=1 end=5 ...".
func (s *sequence) parse(term string) error {
	if term == "" {
		return nil
	}
	if !strings.Contains(term, "=") {
		rest, format, has := strings.Cut(term, ":")
		if has {
			s.format = format
		}
		rest, stride, has := strings.Cut(rest, "/")
		if has {
			if err := s.set("stride", stride); err != nil {
				return err
			}
		}
		from, to, has := cutRange(rest)
		if !has {
			return s.set("end", rest)
		}
		if err := s.set("start", from); err != nil {
			return err
		}
		return s.set("end", to)
	}
	for word := range strings.FieldsSeq(term) {
		k, v, _ := strings.Cut(word, "=")
		if err := s.set(k, v); err != nil {
			return err
		}
	}
	return nil
}

// cutRange cuts "1-5"; a sign at the start is none.
func cutRange(s string) (from, to string, ok bool) {
	if s == "" {
		return "", "", false
	}
	i := strings.IndexByte(s[1:], '-')
	if i < 0 {
		return "", "", false
	}
	return s[:i+1], s[i+2:], true
}

func (s *sequence) set(name, value string) error {
	if name == "format" {
		s.format = value
		return nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(value), 0, 64)
	if err != nil {
		return fmt.Errorf("can't parse %s=%s as integer", name, value)
	}
	switch name {
	case "start":
		s.start = n
	case "end":
		s.end, s.hasEnd = n, true
	case "count":
		s.count, s.hasCount = n, true
	case "stride":
		s.stride, s.hasStride = n, true
	default:
		return fmt.Errorf("unrecognized arguments to with_sequence: ['%s']", name)
	}
	return nil
}

// maxSequence keeps a mistaken count from eating all memory.
const maxSequence = 10_000_000

func (s *sequence) items() ([]templates.Value, error) {
	switch {
	case s.hasCount && s.hasEnd:
		return nil, errors.New("can't specify both count and end in with_sequence")
	case !s.hasCount && !s.hasEnd:
		return nil, errors.New("must specify count or end in with_sequence")
	case s.hasCount && s.count == 0:
		return nil, nil
	case s.hasCount:
		s.end = s.start + s.count*s.stride - 1
		if s.stride < 0 {
			s.end = s.start + s.count*s.stride + 1
		}
	}
	if s.stride == 0 {
		return nil, nil
	}
	if s.stride > 0 && s.end < s.start {
		return nil, errors.New("to count backwards make stride negative")
	}
	if s.stride < 0 && s.end > s.start {
		return nil, errors.New("to count forward don't make stride negative")
	}
	if strings.Count(strings.ReplaceAll(s.format, "%%", ""), "%") != 1 {
		return nil, fmt.Errorf("bad formatting string: %s", s.format)
	}
	if (s.end-s.start)/s.stride > maxSequence {
		return nil, fmt.Errorf("the sequence has more than %d items", maxSequence)
	}
	var out []templates.Value
	for i := s.start; s.stride > 0 && i <= s.end || s.stride < 0 && i >= s.end; i += s.stride {
		f := strings.NewReplacer("%i", "%d", "%u", "%d").Replace(s.format)
		out = append(out, str(fmt.Sprintf(f, i)))
	}
	return out, nil
}
