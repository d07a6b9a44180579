package templates

// This file defines the containers besides list, tuple and dict, and how
// containers are iterated.

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Set is Python's set, in insertion order.
type Set struct{ d Dict }

// NewSet returns a set of elems; the error is Python's TypeError for an
// unhashable element.
func NewSet(elems ...Value) (*Set, error) {
	s := &Set{}
	for _, e := range elems {
		if err := s.d.Set(e, None); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Type is Python's class name.
func (s *Set) Type() string { return "set" }

// Truth is false for an empty set.
func (s *Set) Truth() bool { return s.d.Len() > 0 }

// Elems returns the elements.
func (s *Set) Elems() []Value { return s.d.Keys() }

// Has reports whether v is an element.
func (s *Set) Has(v Value) bool {
	_, ok, err := s.d.Get(v)
	check(err)
	return ok
}

func (s *Set) difference(t *Set) *Set {
	out := &Set{}
	for _, e := range s.Elems() {
		if !t.Has(e) {
			check(out.d.Set(e, None))
		}
	}
	return out
}

// rangeValue is Python's range.
type rangeValue struct{ start, stop, step int64 }

func (r rangeValue) Type() string { return "range" }
func (r rangeValue) Truth() bool  { return r.Len() > 0 }

// Len returns the number of elements.
func (r rangeValue) Len() int {
	lo, hi, step := r.start, r.stop, r.step
	if step < 0 {
		lo, hi, step = hi, lo, -step
	}
	if lo >= hi {
		return 0
	}
	return int((uint64(hi)-uint64(lo)-1)/uint64(step)) + 1
}

// Index returns element i.
func (r rangeValue) Index(i int) Value { return Int(r.start + int64(i)*r.step) }

func (r rangeValue) repr() string {
	if r.step == 1 {
		return fmt.Sprintf("range(%d, %d)", r.start, r.stop)
	}
	return fmt.Sprintf("range(%d, %d, %d)", r.start, r.stop, r.step)
}

// dictView is what keys(), values() and items() of a dict give.
type dictView struct {
	kind string // "keys", "values" or "items"
	m    Mapping
}

func (v dictView) Type() string { return "dict_" + v.kind }
func (v dictView) Truth() bool  { return v.m.Len() > 0 }
func (v dictView) Len() int     { return v.m.Len() }

func (v dictView) elems() []Value {
	keys := v.m.Keys()
	if v.kind == "keys" {
		return keys
	}
	out := make([]Value, len(keys))
	for i, k := range keys {
		x, _, err := v.m.Get(k)
		check(err)
		if out[i] = x; v.kind == "items" {
			out[i] = Tuple{k, x}
		}
	}
	return out
}

// generator is a Python generator or iterator: it can be consumed once.
type generator struct {
	name string // as repr shows it: "generator object sync_do_map"
	fill func() []Value
	rest []Value
	run  bool
}

func (g *generator) Type() string {
	if strings.HasPrefix(g.name, "generator") {
		return "generator"
	}
	return strings.TrimSuffix(g.name, " object")
}
func (g *generator) Truth() bool { return true }

// take consumes what is left.
func (g *generator) take() []Value {
	g.start()
	rest := g.rest
	g.rest = nil
	return rest
}

func (g *generator) start() {
	if !g.run {
		g.run = true
		g.rest = g.fill()
	}
}

// next consumes one element.
func (g *generator) next() (Value, bool) {
	g.start()
	if len(g.rest) == 0 {
		return nil, false
	}
	v := g.rest[0]
	g.rest = g.rest[1:]
	return v, true
}

// newGenerator gives what a filter that is a generator in Jinja2 gives.
func (rt *run) newGenerator(name string, fill func() []Value) Value {
	if rt.e.opts.Unroll {
		return NewList(fill()...)
	}
	rt.kept = true
	return &generator{name: "generator object " + name, fill: fill}
}

// iterable returns the elements of v; false where v is not iterable. The
// slice is v's own where it can be: nobody writes to it.
func (rt *run) iterable(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case *List:
		if v.Lazy {
			return rt.forceAll(v.Elems), true
		}
		return v.Elems, true
	case Tuple:
		return v, true
	case Str:
		return runeValues(string(v)), true
	case Markup: // the characters are plain texts, as Python's
		return runeValues(string(v)), true
	case *Dict:
		return v.Keys(), true
	case dictView:
		return rt.forceAll(v.elems()), true
	case *Set:
		return v.Elems(), true
	case *generator:
		return v.take(), true
	case *Undefined:
		failStrict(v)
		return nil, true
	case *loopContext:
		return v.rest(), true
	case Bytes:
		elems := make([]Value, len(v))
		for i, b := range v {
			elems[i] = Int(b)
		}
		return elems, true
	case Mapping:
		return v.Keys(), true
	case Sequence:
		elems := make([]Value, v.Len())
		for i := range elems {
			elems[i] = rt.force(v.Index(i))
		}
		return elems, true
	}
	return nil, false
}

// iter returns the elements of v or throws Python's TypeError.
func (rt *run) iter(v Value) []Value {
	elems, ok := rt.iterable(v)
	if !ok {
		throw(TypeError, "'%s' object is not iterable", pyType(v))
	}
	return elems
}

func (rt *run) forceAll(elems []Value) []Value {
	for i, e := range elems {
		if _, ok := e.(*Text); ok {
			out := make([]Value, len(elems))
			copy(out, elems[:i])
			for j := i; j < len(elems); j++ {
				out[j] = rt.force(elems[j])
			}
			return out
		}
	}
	return elems
}

// runeValues splits a text into its characters.
func runeValues(s string) []Value {
	elems := make([]Value, 0, len(s))
	for len(s) > 0 {
		_, n := utf8.DecodeRuneInString(s)
		elems = append(elems, strValue(s[:n]))
		s = s[n:]
	}
	return elems
}

// lengthOf is Python's len(v), -1 where v has none.
func lengthOf(v Value) int {
	switch v := v.(type) {
	case Str:
		return utf8.RuneCountInString(string(v))
	case Markup:
		return utf8.RuneCountInString(string(v))
	case Bytes:
		return len(v)
	case *Set:
		return v.d.Len()
	case *Undefined:
		failStrict(v)
		return 0
	case interface{ Len() int }:
		return v.Len()
	}
	return -1
}

func length(v Value) int {
	n := lengthOf(v)
	if n < 0 {
		throw(TypeError, "object of type '%s' has no len()", pyType(v))
	}
	return n
}

// pyType is Python's type(v).__name__.
func pyType(v Value) string {
	if v == nil {
		return "NoneType"
	}
	return v.Type()
}

// textOf returns the text of a Str or Markup.
func textOf(v Value) (string, bool) {
	switch v := v.(type) {
	case Str:
		return string(v), true
	case Markup:
		return string(v), true
	}
	return "", false
}

// isText reports whether v is a str to Python.
func isText(v Value) bool {
	_, ok := textOf(v)
	return ok
}

func repeatText(s string, n int) string { return strings.Repeat(s, n) }
