package templates

// This file compares values as Python does.

import (
	"math"
	"math/big"
	"strings"
)

// Equal is Python's a == b.
func Equal(a, b Value) bool {
	eq := false
	if err := try(func() { eq = equal(a, b, 0) }); err != nil {
		return false
	}
	return eq
}

// Compare orders a and b as Python's < does; the error is Python's TypeError.
func Compare(a, b Value) (c int, err error) {
	defer catch(&err)
	return compare("<", a, b, 0), nil
}

// plainTuple is v as a Tuple where it is one with names.
func plainTuple(v Value) Value {
	if g, ok := v.(groupTuple); ok {
		return g.Tuple
	}
	return v
}

// equal is a == b; it throws where one is a strict undefined.
func equal(a, b Value, depth int) bool { return equalIn(a, b, depth, nil) }

// memoDepth is how deep containers nest before equal pairs are remembered.
const memoDepth = 2

// equalPairs are containers that were found equal: values that are shared at
// every level, as anchors of YAML make them, are compared once.
type equalPairs map[equalPair]struct{}

type equalPair struct {
	a, b any // pointers
	n    int
}

// known reports whether the pair was found equal, else compares it.
func (m *equalPairs) known(p equalPair, compare func() bool) bool {
	if m == nil {
		return compare()
	}
	if _, ok := (*m)[p]; ok {
		return true
	}
	if !compare() {
		return false
	}
	if *m == nil {
		*m = equalPairs{}
	}
	(*m)[p] = struct{}{}
	return true
}

func equalIn(a, b Value, depth int, m *equalPairs) bool {
	switch x := a.(type) {
	case Str:
		s, ok := textOf(b)
		if !ok {
			failStrict(b)
		}
		return ok && s == string(x)
	case Markup:
		s, ok := textOf(b)
		return ok && s == string(x)
	case Int:
		if y, ok := b.(Int); ok {
			return x == y
		}
	case *Undefined:
		failStrict(a)
		failStrict(b)
		y, ok := b.(*Undefined)
		return ok && x.Kind == y.Kind
	}
	failStrict(b)
	if isNumber(a) && isNumber(b) {
		c, ordered := compareNumbers(a, b)
		return ordered && c == 0
	}
	if depth > maxDepth {
		throw(RecursionError, "maximum recursion depth exceeded in comparison")
	}
	if m == nil && depth >= memoDepth {
		m = new(equalPairs)
	}
	return equalContainers(a, b, depth, m)
}

func equalContainers(a, b Value, depth int, m *equalPairs) bool {
	a, b = plainTuple(a), plainTuple(b)
	switch x := a.(type) {
	case *List:
		y, ok := b.(*List)
		return ok && (x == y || equalElems(x.Elems, y.Elems, depth, m))
	case Tuple:
		y, ok := b.(Tuple)
		return ok && equalElems(x, y, depth, m)
	case Bytes:
		y, ok := b.(Bytes)
		return ok && string(x) == string(y)
	case *Set:
		y, ok := b.(*Set)
		return ok && x.d.Len() == y.d.Len() && x.difference(y).d.Len() == 0
	case rangeValue:
		y, ok := b.(rangeValue)
		return ok && x.Len() == y.Len() && (x.Len() == 0 || x.start == y.start && (x.Len() == 1 || x.step == y.step))
	case *DateTime:
		y, ok := b.(*DateTime)
		return ok && x.Naive == y.Naive && x.DateOnly == y.DateOnly && x.T.Equal(y.T)
	case dictView:
		y, ok := b.(dictView)
		return ok && x.kind == y.kind && equalElems(x.elems(), y.elems(), depth, m)
	case Mapping:
		y, ok := b.(Mapping)
		return ok && (a == b || equalMappings(x, y, depth, m))
	}
	return a == b
}

func equalElems(x, y []Value, depth int, m *equalPairs) bool {
	if len(x) != len(y) {
		return false
	}
	each := func() bool {
		for i, e := range x {
			if !equalIn(e, y[i], depth+1, m) {
				return false
			}
		}
		return true
	}
	if m == nil || len(x) < 2 {
		return each()
	}
	return m.known(equalPair{&x[0], &y[0], len(x)}, each)
}

func equalMappings(x, y Mapping, depth int, m *equalPairs) bool {
	if x.Len() != y.Len() {
		return false
	}
	each := func() bool { return equalItems(x, y, depth, m) }
	d, isDict := x.(*Dict)
	e, areDicts := y.(*Dict)
	if m == nil || !isDict || !areDicts {
		return each()
	}
	return m.known(equalPair{d, e, d.Len()}, each)
}

func equalItems(x, y Mapping, depth int, m *equalPairs) bool {
	for _, k := range x.Keys() {
		v, _, err := x.Get(k)
		check(err)
		w, ok, err := y.Get(k)
		check(err)
		if !ok || !equalIn(v, w, depth+1, m) {
			return false
		}
	}
	return true
}

// compareNumbers orders two numbers; ordered is false where one is NaN.
func compareNumbers(a, b Value) (c int, ordered bool) {
	x, okx := toInt(a)
	y, oky := toInt(b)
	if okx && oky {
		return order(x, y), true
	}
	fx, isFloatX := a.(Float)
	fy, isFloatY := b.(Float)
	if isFloatX && math.IsNaN(float64(fx)) || isFloatY && math.IsNaN(float64(fy)) {
		return 0, false
	}
	if isFloatX && isFloatY {
		return order(fx, fy), true
	}
	return exact(a).Cmp(exact(b)), true
}

// exact returns a number without loss.
func exact(v Value) *big.Float {
	if f, ok := v.(Float); ok {
		return new(big.Float).SetFloat64(float64(f))
	}
	i, _ := toBig(v)
	return new(big.Float).SetPrec(uint(max(i.BitLen(), 64))).SetInt(i)
}

func order[T int64 | Float | TimeDelta | int](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// unordered is the result of comparing with NaN: no order holds.
const unordered = 2

// compare orders a and b for the operator op, which the TypeError names.
func compare(op string, a, b Value, depth int) int {
	failUndefined(a)
	failUndefined(b)
	if x, ok := textOf(a); ok {
		if y, ok := textOf(b); ok {
			return strings.Compare(x, y)
		}
	}
	if isNumber(a) && isNumber(b) {
		c, ordered := compareNumbers(a, b)
		if !ordered {
			return unordered
		}
		return c
	}
	if depth > maxDepth {
		throw(RecursionError, "maximum recursion depth exceeded in comparison")
	}
	a, b = plainTuple(a), plainTuple(b)
	switch x := a.(type) {
	case *List:
		if y, ok := b.(*List); ok {
			return compareElems(op, x.Elems, y.Elems, depth)
		}
	case Tuple:
		if y, ok := b.(Tuple); ok {
			return compareElems(op, x, y, depth)
		}
	case Bytes:
		if y, ok := b.(Bytes); ok {
			return strings.Compare(string(x), string(y))
		}
	case TimeDelta:
		if y, ok := b.(TimeDelta); ok {
			return order(x, y)
		}
	case *DateTime:
		if y, ok := b.(*DateTime); ok {
			return compareTimes(x, y)
		}
	case *Set:
		if y, ok := b.(*Set); ok {
			return compareSets(x, y)
		}
	}
	throw(TypeError, "'%s' not supported between instances of '%s' and '%s'", op, pyType(a), pyType(b))
	return 0
}

func compareElems(op string, x, y []Value, depth int) int {
	for i, e := range x {
		if i >= len(y) {
			return 1
		}
		if !equal(e, y[i], depth+1) {
			return compare(op, e, y[i], depth+1)
		}
	}
	return order(len(x), len(y))
}

func compareTimes(x, y *DateTime) int {
	if x.DateOnly != y.DateOnly {
		throw(TypeError, "can't compare datetime.datetime to datetime.date")
	}
	if x.Naive != y.Naive {
		throw(TypeError, "can't compare offset-naive and offset-aware datetimes")
	}
	return x.T.Compare(y.T)
}

// compareSets orders by inclusion.
func compareSets(x, y *Set) int {
	left, right := x.difference(y).d.Len(), y.difference(x).d.Len()
	switch {
	case left == 0 && right == 0:
		return 0
	case left == 0:
		return -1
	case right == 0:
		return 1
	}
	return unordered
}

// contains is item in seq.
func (rt *run) contains(seq, item Value) bool {
	switch s := seq.(type) {
	case Str, Markup:
		text, _ := textOf(seq)
		sub, ok := textOf(item)
		if !ok {
			failAnsible(item)
			throw(TypeError, "'in <string>' requires string as left operand, not %s", pyType(item))
		}
		return strings.Contains(text, sub)
	case *Undefined:
		failStrict(s)
		return false
	case Bytes:
		if sub, ok := item.(Bytes); ok {
			return strings.Contains(string(s), string(sub))
		}
		if !isInteger(item) {
			failAnsible(item)
			throw(TypeError, "a bytes-like object is required, not '%s'", pyType(item))
		}
	case *Set:
		return s.Has(item)
	case dictView:
		if s.kind == "keys" {
			return rt.contains(s.m, item)
		}
	case Mapping:
		_, ok, err := s.Get(item)
		check(err)
		return ok
	}
	elems, ok := rt.iterable(seq)
	if !ok {
		throw(TypeError, "argument of type '%s' is not iterable", pyType(seq))
	}
	for _, e := range elems {
		if identical(e, item) || equal(e, item, 0) {
			return true
		}
	}
	return false
}

// identical is a is b, as far as it can be told: texts and numbers that are
// equal and of one type count as one object.
func identical(a, b Value) bool {
	a, b = plainTuple(a), plainTuple(b)
	switch x := a.(type) {
	case Tuple:
		y, ok := b.(Tuple)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case Bytes:
		y, ok := b.(Bytes)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	}
	switch b.(type) {
	case Tuple, Bytes:
		return false
	}
	return a == b
}
