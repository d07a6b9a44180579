package templates

// This file gives templates native values, as Ansible does in each era. What
// ansible-core 2.14.18 and 2.22.0b2 answer is recorded in native_test.go.

import (
	"slices"
	"strings"
)

// evalTemplate is Eval inside a run.
func (rt *run) evalTemplate(t *Template) Value {
	v := rt.chunk(t)
	if u, ok := v.(*Undefined); ok {
		if u.strict() || rt.era == Current && rt.e.opts.Unroll {
			panic(u.Err())
		}
	}
	if rt.era == Current {
		if rt.e.opts.Unroll {
			v = rt.storable(v, 0)
		}
		return keepNewlines(v, t.newlines)
	}
	if t.variable != "" {
		switch raw := rt.rawVariable(t.variable).(type) {
		case Bool, Int, *BigInt, Float, NoneType:
			return raw
		}
	}
	return keepNewlines(rt.textual(v, rt.isVerbatim(t, 0)), t.newlines)
}

// chunk runs t and returns the only piece of its output, else all of it as a
// text. Pieces that are None do not count.
func (rt *run) chunk(t *Template) Value {
	if t.single != nil {
		return rt.native(t)
	}
	out := rt.takeBuffer()
	out.b = slices.Grow(out.b, t.sizeHint())
	out.native, out.settles, out.era = true, rt.e.noneEmpty, rt.era
	tc := rt.newContext(t, nil)
	rt.runRoot(t, tc, out)
	rt.freeContext(tc)
	var v Value
	switch {
	case out.n == 0 && len(out.b) == 0:
		if rt.e.opts.Unroll {
			v = None
		} else {
			v = Str("")
		}
	case out.first != nil && len(out.b) == 0:
		v = out.first
		rt.pos = out.firstAt
	default:
		out.flush()
		for have := trailingNewlines(out.b); rt.era == Current && have < t.newlines; have++ {
			out.b = append(out.b, '\n') // what keepNewlines would do
		}
		t.remember(len(out.b))
		v = Str(out.b)
	}
	rt.freeBuffer(out)
	return v
}

// native evaluates t's only expression.
func (rt *run) native(t *Template) Value {
	rt.pos = t.singleAt
	if t.variable != "" {
		v := rt.inScope(t.variable)
		if v == nil {
			v = rt.e.global(t.variable)
		}
		if v == missing {
			v = &Undefined{Kind: rt.e.opts.Undefined, Name: t.variable}
		}
		return rt.deep(v)
	}
	tc := rt.newContext(t, nil)
	out := rt.takeBuffer()
	f := t.start(rt, tc, out)
	v := rt.deep(t.single(f))
	rt.freeFrame(f, t.main.unit)
	rt.freeBuffer(out)
	rt.freeContext(tc)
	return v
}

// keepNewlines gives a text the newlines back that its template ends with.
func keepNewlines(v Value, newlines int) Value {
	s, ok := v.(Str)
	if !ok || newlines == 0 {
		return v
	}
	if have := trailingNewlines(s); have < newlines {
		return s + Str(strings.Repeat("\n", newlines-have))
	}
	return v
}

func trailingNewlines[T Str | []byte](s T) int {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\n' {
		n++
	}
	return n
}

// storable is the form in which Ansible stores a result: tuples, views and
// iterators become lists. It throws where something is undefined.
func (rt *run) storable(v Value, depth int) Value {
	rt.visit(depth)
	switch x := v.(type) {
	case Str, Int, Bool, Float, NoneType:
		return v
	case Markup:
		return Str(x)
	case *Undefined:
		panic(x.Err())
	case *List:
		if elems, changed := rt.storableAll(x.Elems, depth); changed {
			return NewList(elems...)
		}
	case *Dict:
		return rt.storableDict(x, depth)
	case Tuple, groupTuple, rangeValue, dictView, *Set, *generator:
		elems, _ := rt.storableAll(rt.iter(v), depth)
		return NewList(elems...)
	}
	return v
}

// storableAll returns elems themselves where nothing changes.
func (rt *run) storableAll(elems []Value, depth int) (out []Value, changed bool) {
	for i, e := range elems {
		s := rt.storable(e, depth+1)
		if !changed && !identical(s, e) {
			changed = true
			out = append(make([]Value, 0, len(elems)), elems[:i]...)
		}
		if changed {
			out = append(out, s)
		}
	}
	if !changed {
		return elems, false
	}
	return out, true
}

func (rt *run) storableDict(d *Dict, depth int) Value {
	var out *Dict
	for k, e := range d.All {
		s := rt.storable(e, depth+1)
		if identical(s, e) {
			continue
		}
		if out == nil {
			out = d.Copy()
		}
		check(out.Set(k, s))
	}
	if out == nil {
		return d
	}
	return out
}

// rawVariable is the value of a variable as the scope has it, unresolved.
func (rt *run) rawVariable(name string) Value {
	if rt.scope == nil {
		return nil
	}
	v, _, err := rt.scope.Lookup(name)
	check(err)
	return v
}

// isVerbatim reports whether t gives a text that is never taken for a list:
// its outermost filter says so, or it is a variable whose text does.
func (rt *run) isVerbatim(t *Template, depth int) bool {
	if t.verbatim || t.variable == "" || depth > maxDepth {
		return t.verbatim
	}
	x, ok := rt.rawVariable(t.variable).(*Text)
	return ok && rt.isVerbatim(rt.e.textEngine().mustText(x.Src), depth+1)
}

// verbatimFilters are those of Ansible's STRING_TYPE_FILTERS.
var verbatimFilters = map[string]bool{"string": true, "to_json": true, "to_nice_json": true, "to_yaml": true, "to_nice_yaml": true,
	"ppretty": true, "json": true, "ansible.builtin.to_json": true, "ansible.builtin.to_nice_json": true,
	"ansible.builtin.to_yaml": true, "ansible.builtin.to_nice_yaml": true}

// keepsText reports whether a call is the lookup template with convert_data=false,
// whose text is never taken for anything else.
func keepsText(x *callExpr) bool {
	n, ok := x.fn.(*nameExpr)
	if !ok || n.name != "lookup" || len(x.args) == 0 {
		return false
	}
	name, ok := x.args[0].(*constExpr)
	if !ok || StrOf(name.val, Current) != "template" && StrOf(name.val, Current) != "ansible.builtin.template" {
		return false
	}
	at := slices.Index(x.kwNames, "convert_data")
	if at < 0 {
		return false
	}
	flag, ok := x.kwargs[at].(*constExpr)
	return ok && !flag.val.Truth()
}

// textual is the value of a template whose era knows only text: a list, a dict
// or a bool survives where its text is a literal.
func (rt *run) textual(v Value, verbatim bool) Value {
	switch x := v.(type) {
	case Bool:
		return v
	case Str:
		if verbatim {
			return v
		}
		return convertText(x)
	case dictView, rangeValue, *generator:
		v = NewList(rt.iter(v)...)
	}
	switch v.(type) {
	case *List, *Dict:
		if isLiteral(v, 0) {
			return v
		}
	}
	if fin := rt.e.opts.Finalize; fin != nil {
		v = fin(v)
	}
	return convertText(Str(StrOf(v, rt.era)))
}

// isLiteral reports whether the repr of v is a literal of Python.
func isLiteral(v Value, depth int) bool {
	switch x := v.(type) {
	case Str, Int, *BigInt, Bool, NoneType, Bytes:
		return true
	case Float:
		return x-x == 0 // neither infinite nor NaN
	case *List:
		return depth < maxDepth && allLiteral(x.Elems, depth)
	case Tuple:
		return depth < maxDepth && allLiteral(x, depth)
	case *Dict:
		for k, e := range x.All {
			if depth >= maxDepth || !isLiteral(k, depth+1) || !isLiteral(e, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

func allLiteral(elems []Value, depth int) bool {
	for _, e := range elems {
		if !isLiteral(e, depth+1) {
			return false
		}
	}
	return true
}
