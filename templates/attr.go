package templates

// This file gets attributes and items as Jinja2's environment does: a.b tries
// the attribute first, a['b'] the item.

import (
	"math/big"
	"strings"
	"time"
	"unicode/utf8"
)

// getattr is v.name.
func (rt *run) getattr(v Value, name string) Value {
	if u, ok := v.(*Undefined); ok {
		if x := u.inside(name); x != nil {
			return x
		}
		switch {
		case isDunder(name) && u.Hint == "":
			return rt.unsafe(v, name)
		case u.chains():
			return u
		}
		panic(u.Err())
	}
	if a := rt.attribute(v, name); a != nil {
		return a
	}
	if m, ok := v.(Mapping); ok {
		x, ok, err := m.Get(Str(name))
		check(err)
		if ok {
			return rt.force(x)
		}
	}
	if isDunder(name) {
		return rt.unsafe(v, name)
	}
	return rt.noAttr(v, name)
}

// isDictMethod reports whether a dict has a method called name in some era.
func isDictMethod(name string) bool { return dictMethods[name] != nil || oldDictMethods[name] != nil }

// getitem is v[key].
func (rt *run) getitem(v, key Value) Value {
	if u, ok := v.(*Undefined); ok {
		if u.chains() {
			return u
		}
		panic(u.Err())
	}
	key = rt.deep(key)
	if s, ok := key.(sliceValue); ok {
		return rt.slice(v, s)
	}
	if x := rt.subscript(v, key); x != nil {
		return rt.force(x)
	}
	name, ok := textOf(key)
	if !ok {
		failAnsible(key)
		return &Undefined{Kind: rt.e.opts.Undefined, Name: Repr(key, rt.era), Obj: v, Elem: true, modern: rt.modern()}
	}
	if a := rt.attribute(v, name); a != nil {
		return a
	}
	if isDunder(name) {
		return rt.unsafe(v, name)
	}
	return rt.noAttr(v, name)
}

func (rt *run) noAttr(v Value, name string) Value {
	return &Undefined{Kind: rt.e.opts.Undefined, Name: name, Obj: v, modern: rt.modern()}
}

// modern reports whether messages are those of ansible-core 2.19 and later.
func (rt *run) modern() bool { return rt.era == Current && rt.e.opts.Undefined == AnsibleUndefined }

func isDunder(name string) bool {
	return len(name) > 4 && strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__")
}

// unsafe is the value of an attribute that reaches Python's insides.
func (rt *run) unsafe(v Value, name string) Value {
	msg := "access to attribute " + Repr(Str(name), Current) + " of " + Repr(Str(pyType(v)), Current) + " object is unsafe."
	return &Undefined{Kind: rt.e.opts.Undefined, Name: name, Obj: v, Hint: msg, Cause: &Error{Kind: SecurityError, Msg: msg}}
}

// subscript is v[key] of a container; nil where there is no such item.
func (rt *run) subscript(v, key Value) Value {
	if m, ok := v.(Mapping); ok {
		x, ok, err := m.Get(key)
		if isKind(err, TypeError) {
			return nil // unhashable
		}
		check(err)
		if !ok {
			return nil
		}
		return x
	}
	i64, ok := toInt(key)
	if !ok {
		return nil
	}
	switch s := v.(type) {
	case *loopContext, *generator, *Set, dictView:
		return nil
	case Str, Markup:
		text, _ := textOf(v)
		r, ok := runeAt(text, i64)
		if !ok {
			return nil
		}
		if _, isMarkup := v.(Markup); isMarkup {
			return Markup(r)
		}
		return strValue(r)
	case Bytes:
		if i, ok := index(i64, len(s)); ok {
			return Int(s[i])
		}
	case Sequence:
		if i, ok := index(i64, s.Len()); ok {
			return s.Index(i)
		}
	}
	return nil
}

// index turns a Python index into a Go one.
func index(i int64, n int) (int, bool) {
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// runeAt returns character i of s.
func runeAt(s string, i int64) (string, bool) {
	if i < 0 {
		i += int64(utf8.RuneCountInString(s))
		if i < 0 {
			return "", false
		}
	}
	for len(s) > 0 {
		_, n := utf8.DecodeRuneInString(s)
		if i == 0 {
			return s[:n], true
		}
		i--
		s = s[n:]
	}
	return "", false
}

// sliceValue is start:stop:step.
type sliceValue struct{ start, stop, step Value }

func (sliceValue) Type() string { return "slice" }
func (sliceValue) Truth() bool  { return true }

func (s sliceValue) repr() string {
	return "slice(" + Repr(s.start, Current) + ", " + Repr(s.stop, Current) + ", " + Repr(s.step, Current) + ")"
}

// indices is Python's slice.indices.
func (s sliceValue) indices(n int) (start, stop, step int) {
	step = 1
	if s.step != None {
		step = sliceInt(s.step)
		if step == 0 {
			throw(ValueError, "slice step cannot be zero")
		}
	}
	lower, upper := 0, n
	if step < 0 {
		lower, upper = -1, n-1
	}
	clamp := func(v Value, dflt int) int {
		if v == None {
			return dflt
		}
		i := sliceInt(v)
		if i < 0 {
			i += n
		}
		return min(max(i, lower), upper)
	}
	if step < 0 {
		return clamp(s.start, upper), clamp(s.stop, lower), step
	}
	return clamp(s.start, lower), clamp(s.stop, upper), step
}

func sliceInt(v Value) int {
	const far = 1 << 40
	if b, ok := v.(*BigInt); ok {
		return far * b.V.Sign()
	}
	i, ok := toInt(v)
	if !ok {
		failUndefined(v)
		throw(TypeError, "slice indices must be integers or None or have an __index__ method")
	}
	return int(min(max(i, -far), far))
}

// mildSlice is slice that gives an undefined value where v has no slices.
func (rt *run) mildSlice(v Value, s sliceValue) (out Value) {
	err := try(func() { out = rt.slice(v, s) })
	if isKind(err, TypeError) {
		return &Undefined{Kind: rt.e.opts.Undefined, Name: s.repr(), Obj: v, Elem: true}
	}
	check(err)
	return out
}

// slice is v[start:stop:step].
func (rt *run) slice(v Value, s sliceValue) Value {
	switch x := v.(type) {
	case Str:
		return Str(sliceText(string(x), s))
	case Markup:
		return Markup(sliceText(string(x), s))
	case *List:
		return &List{Elems: sliceElems(x.Elems, s), Lazy: x.Lazy}
	case Tuple:
		return Tuple(sliceElems(x, s))
	case Bytes:
		var out Bytes
		for i, stop, step := s.walk(len(x)); step > 0 && i < stop || step < 0 && i > stop; i += step {
			out = append(out, x[i])
		}
		return out
	case rangeValue:
		start, stop, step := s.indices(x.Len())
		return rangeValue{x.start + int64(start)*x.step, x.start + int64(stop)*x.step, int64(step) * x.step}
	case *Undefined:
		if x.chains() {
			return x
		}
		panic(x.Err())
	case Mapping: // slices are no keys
		throw(TypeError, "unhashable type: 'slice'")
	case *Set, dictView, *generator, *loopContext:
	case Sequence:
		elems := rt.iter(x)
		return NewList(sliceElems(elems, s)...)
	}
	throw(TypeError, "'%s' object is not subscriptable", pyType(v))
	return nil
}

func (s sliceValue) walk(n int) (start, stop, step int) { return s.indices(n) }

func sliceElems(e []Value, s sliceValue) []Value {
	start, stop, step := s.indices(len(e))
	if step == 1 {
		if start >= stop {
			return nil
		}
		return append(make([]Value, 0, stop-start), e[start:stop]...)
	}
	var out []Value
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		out = append(out, e[i])
	}
	return out
}

func sliceText(text string, s sliceValue) string {
	r := []rune(text)
	if len(r) == len(text) { // ASCII: no need to convert
		start, stop, step := s.indices(len(text))
		if step == 1 {
			if start >= stop {
				return ""
			}
			return text[start:stop]
		}
	}
	var b strings.Builder
	start, stop, step := s.indices(len(r))
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		b.WriteRune(r[i])
	}
	return b.String()
}

// attribute is getattr(v, name) without the items; nil where there is none.
func (rt *run) attribute(v Value, name string) Value {
	if o, ok := v.(Object); ok {
		x, ok, err := o.Attr(name)
		check(err)
		if ok {
			return rt.force(x)
		}
	}
	if fn, shallow := rt.findMethod(v, name); fn != nil {
		rt.kept = true
		return newMethod(name, func(c *Call) (Value, error) {
			recv := v
			if !shallow {
				recv = rt.deep(v)
			}
			return fn(&Call{State: c.State, Args: append([]Value{recv}, c.Args...), Kwargs: c.Kwargs})
		})
	}
	switch x := v.(type) {
	case *DateTime:
		return dateAttr(x, name)
	case TimeDelta:
		days, secs, us := x.split()
		switch name {
		case "days":
			return Int(days)
		case "seconds":
			return Int(secs)
		case "microseconds":
			return Int(us)
		}
	case Int, Bool, *BigInt:
		i, _ := toBig(v)
		switch name {
		case "real", "numerator":
			return NewInt(i)
		case "imag":
			return Int(0)
		case "denominator":
			return Int(1)
		}
	case Float:
		switch name {
		case "real":
			return x
		case "imag":
			return Float(0)
		}
	case rangeValue:
		switch name {
		case "start":
			return Int(x.start)
		case "stop":
			return Int(x.stop)
		case "step":
			return Int(x.step)
		}
	case groupTuple:
		switch name {
		case "grouper":
			return x.Tuple[0]
		case "list":
			return x.Tuple[1]
		}
	case *funcValue:
		if name == "name" && x.class == "Macro" {
			return Str(x.name)
		}
	}
	return nil
}

func dateAttr(d *DateTime, name string) Value {
	switch name {
	case "year":
		return Int(d.T.Year())
	case "month":
		return Int(d.T.Month())
	case "day":
		return Int(d.T.Day())
	}
	if d.DateOnly {
		return nil
	}
	switch name {
	case "hour":
		return Int(d.T.Hour())
	case "minute":
		return Int(d.T.Minute())
	case "second":
		return Int(d.T.Second())
	case "microsecond":
		return Int(d.T.Nanosecond() / 1000)
	case "tzinfo":
		if d.Naive {
			return None
		}
		zone, _ := d.T.Zone()
		return Str(zone)
	}
	return nil
}

// groupTuple is an element of what groupby gives: a tuple with names.
type groupTuple struct{ Tuple }

// Type is Python's class name.
func (groupTuple) Type() string { return "_GroupTuple" }

func (g groupTuple) repr() string { return Repr(g.Tuple, Current) }

// bigPow10 returns 10**n.
func bigPow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

func totalSeconds(d TimeDelta) float64 { return time.Duration(d).Seconds() }
