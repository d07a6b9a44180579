package templates

// This file resolves variables whose texts are templates.

import (
	"slices"
	"strings"
)

// force resolves v where it is a *Text.
func (rt *run) force(v Value) Value {
	t, ok := v.(*Text)
	if !ok {
		return v
	}
	if v, ok := rt.texts.get(t); ok {
		return v
	}
	for i, a := range rt.active {
		if a == t || a.Pos.IsValid() && a.Pos == t.Pos && a.Src == t.Src {
			panic(cycleError(append(rt.active[i:len(rt.active):len(rt.active)], t)))
		}
	}
	rt.call()
	rt.active = append(rt.active, t)
	tmpl, pos, calls, e := rt.t, rt.pos, rt.calls, rt.e
	var out Value
	depth := len(rt.active)
	err := try(func() { out = rt.evalText(t) })
	rt.active = rt.active[:depth-1]
	if err != nil {
		out = rt.failedText(t, asError(err), tmpl != nil && depth != rt.inWhole)
	}
	rt.t, rt.pos, rt.e = tmpl, pos, e
	rt.calls = calls - 1
	rt.texts.add(t, out)
	return out
}

// evalText evaluates t with Ansible's delimiters, whatever the engine's are.
func (rt *run) evalText(t *Text) Value {
	outer := rt.e
	e := outer.textEngine()
	tmpl := t.compiled.Load()
	if tmpl == nil || tmpl.e != e {
		tmpl = e.mustText(t.Src)
		t.compiled.Store(tmpl)
	}
	rt.e, rt.t, rt.pos = e, tmpl, 0
	v := rt.evalTemplate(tmpl)
	rt.e = outer
	return v
}

// failedText gives an error the place of the text it is in; inner tells of a
// text that another one names. Where a name is undefined the text's value is
// undefined too, so that tests and default see it.
func (rt *run) failedText(t *Text, e *Error, inner bool) Value {
	c := *e
	if c.Src == "" && rt.t != nil {
		c.locate(rt.t, rt.pos)
	}
	if !c.Pos.IsValid() {
		c.Pos = t.Pos
	}
	if c.Kind != UndefinedError {
		if rt.era == Era214 && inner {
			c.Through = append(slices.Clip(c.Through), t.Src)
		}
		panic(&c)
	}
	if rt.era == Era214 && inner { // Ansible tells of each variable on the way
		c.Msg = t.Src + ": " + c.Msg + ". " + c.Msg
	}
	return &Undefined{Kind: rt.e.opts.Undefined, Name: c.Got, Hint: c.Msg, Cause: &c}
}

func cycleError(chain []*Text) *Error {
	srcs := make([]string, len(chain))
	for i, t := range chain {
		srcs[i] = t.Src
	}
	return &Error{Kind: AnsibleError, Pos: chain[0].Pos, Src: chain[0].Src, Line: 1, Col: 1,
		Msg: "recursive loop detected in template string: " + strings.Join(srcs, " -> ") + ". maximum recursion depth exceeded"}
}

// deep resolves v and, where it is a container that may hold a *Text, all
// that is in it.
func (rt *run) deep(v Value) Value {
	switch x := v.(type) {
	case *Text:
		return rt.force(x)
	case *List:
		if x.Lazy {
			return rt.deepIn(x, 0)
		}
	case *Dict:
		if x.Lazy {
			return rt.deepIn(x, 0)
		}
	case Tuple:
		if anyLazy(x) {
			return rt.deepIn(x, 0)
		}
	}
	return v
}

// maxVisits bounds the values that a run looks at in containers: those that
// are shared at every level are more than there is memory for.
const maxVisits = 1 << 24

func (rt *run) visit(depth int) {
	if depth > maxDepth {
		throw(RecursionError, "maximum recursion depth exceeded")
	}
	if rt.visits++; rt.visits > maxVisits {
		throw(OverflowError, "the values of the template are too many")
	}
}

func (rt *run) deepIn(v Value, depth int) Value {
	rt.visit(depth)
	switch x := v.(type) {
	case *Text:
		v = rt.force(x)
		failStrict(v)
		return v
	case *List:
		if x.Lazy {
			return &List{Elems: rt.deepAll(x.Elems, depth)}
		}
	case Tuple:
		if anyLazy(x) {
			return Tuple(rt.deepAll(x, depth))
		}
	case *Dict:
		if x.Lazy {
			d := NewDict(x.Len())
			for k, e := range x.All {
				check(d.Set(rt.deepIn(k, depth+1), rt.deepIn(e, depth+1)))
			}
			return d
		}
	}
	return v
}

func (rt *run) deepAll(elems []Value, depth int) []Value {
	out := make([]Value, len(elems))
	for i, e := range elems {
		out[i] = rt.deepIn(e, depth+1)
	}
	return out
}

// whole is a variable's value as the name gives it. ansible-core 2.14 resolves
// all of a container there, and where something in it is undefined the variable
// is; later releases wait until an element is used.
func (rt *run) whole(v Value) Value {
	if rt.era != Era214 || !IsLazy(v) {
		return v
	}
	if _, isTuple := v.(Tuple); isTuple {
		return v
	}
	if out, ok := rt.wholes[v]; ok {
		return out
	}
	var out Value
	outer := rt.inWhole
	rt.inWhole = len(rt.active) + 1
	err := try(func() { out = rt.deepIn(v, 0) })
	rt.inWhole = outer
	if err != nil {
		c := *asError(err)
		if c.Kind != UndefinedError {
			c.Through = append(slices.Clip(c.Through), Repr(v, rt.era))
			panic(&c)
		}
		c.Msg = Repr(v, rt.era) + ": " + c.Msg + ". " + c.Msg
		out = &Undefined{Kind: rt.e.opts.Undefined, Name: c.Got, Hint: c.Msg, Cause: &c}
	}
	if rt.wholes == nil {
		rt.wholes = map[Value]Value{}
	}
	rt.wholes[v] = out
	return out
}
