package ansible

// This file gives the elements of sets of numbers the order that CPython's sets
// have, which the current release shows to users: their hashes are no secret.
// Sets of texts have an order that differs from run to run; ours stay in the
// order of the lists (Objects/setobject.c of CPython describes the table).

import (
	"math/bits"

	"gorun/templates"
)

const (
	setMinSize   = 8
	linearProbes = 9
	perturbShift = 5
	pyPrime      = 1<<61 - 1
)

// A pySet is CPython's hash table of a set; a slot without a value is unused,
// one that was given up has gone set.
type pySet struct {
	slots      []pySlot
	fill, used int
}

type pySlot struct {
	v    value
	hash int64
	gone bool
}

// intHash is Python's hash of an int.
func intHash(v value) (int64, bool) {
	n, ok := integer(v)
	if !ok {
		return 0, false
	}
	h := n % pyPrime
	if h == -1 {
		h = -2
	}
	return h, true
}

// newPySet makes a set of ints; false where something else is among elems.
func newPySet(elems []value) (*pySet, bool) {
	s := &pySet{slots: make([]pySlot, setMinSize)}
	for _, e := range elems {
		h, ok := intHash(e)
		if !ok {
			return nil, false
		}
		s.add(e, h)
	}
	return s, true
}

// find returns the slot of a value, or the unused one where it would go.
func (s *pySet) find(v value, hash int64) *pySlot {
	mask := uint64(len(s.slots) - 1)
	perturb := uint64(hash)
	for i := uint64(hash) & mask; ; i = (i*5 + 1 + perturb) & mask {
		probes := uint64(0)
		if i+linearProbes <= mask {
			probes = linearProbes
		}
		for j := i; j <= i+probes; j++ {
			e := &s.slots[j]
			if e.v == nil && !e.gone || e.v != nil && e.hash == hash && templates.Equal(e.v, v) {
				return e
			}
		}
		perturb >>= perturbShift
	}
}

func (s *pySet) has(v value, hash int64) bool { return s.find(v, hash).v != nil }

func (s *pySet) add(v value, hash int64) {
	e := s.find(v, hash)
	if e.v != nil {
		return
	}
	*e = pySlot{v: v, hash: hash}
	s.fill++
	s.used++
	if s.fill*5 >= (len(s.slots)-1)*3 {
		n := s.used * 4
		if s.used > 50000 {
			n = s.used * 2
		}
		s.resize(n)
	}
}

func (s *pySet) discard(v value, hash int64) bool {
	e := s.find(v, hash)
	if e.v == nil {
		return false
	}
	*e = pySlot{gone: true}
	s.used--
	return true
}

// resize makes a table for more than n.
func (s *pySet) resize(n int) {
	size := max(setMinSize, 1<<bits.Len(uint(n)))
	old := s.slots
	s.slots, s.fill = make([]pySlot, size), s.used
	for _, e := range old {
		if e.v != nil {
			*s.find(e.v, e.hash) = e
		}
	}
}

// merge adds another set, as set.update does.
func (s *pySet) merge(o *pySet) {
	if (s.fill+o.used)*5 >= (len(s.slots)-1)*3 {
		s.resize((s.used + o.used) * 2)
	}
	if s.fill == 0 && len(s.slots) == len(o.slots) && o.fill == o.used {
		copy(s.slots, o.slots)
		s.fill, s.used = o.fill, o.used
		return
	}
	for _, e := range o.slots {
		if e.v != nil {
			s.add(e.v, e.hash)
		}
	}
}

func (s *pySet) clone() *pySet {
	c := &pySet{slots: make([]pySlot, setMinSize)}
	c.merge(s)
	return c
}

// where is the set of the elements that are, or are not, in another.
func (s *pySet) where(o *pySet, in bool) *pySet {
	out := &pySet{slots: make([]pySlot, setMinSize)}
	for _, e := range s.slots {
		if e.v != nil && o.has(e.v, e.hash) == in {
			out.add(e.v, e.hash)
		}
	}
	return out
}

func (s *pySet) minus(o *pySet) *pySet {
	if s.used>>2 <= o.used {
		return s.where(o, false)
	}
	c := s.clone()
	for _, e := range o.slots {
		if e.v != nil {
			c.discard(e.v, e.hash)
		}
	}
	return c
}

func (s *pySet) xor(o *pySet) *pySet {
	c := o.clone()
	for _, e := range s.slots {
		if e.v != nil && !c.discard(e.v, e.hash) {
			c.add(e.v, e.hash)
		}
	}
	return c
}

func (s *pySet) list() value {
	var out []value
	for _, e := range s.slots {
		if e.v != nil {
			out = append(out, e.v)
		}
	}
	return list(out)
}

// ofSets applies an operation of sets where the era and the elements have
// CPython's order.
func ofSets(c *call, a, b []value, op func(x, y *pySet) *pySet) (value, bool) {
	if c.State.Era() != templates.Current {
		return nil, false
	}
	x, ok1 := newPySet(a)
	y, ok2 := newPySet(b)
	if !ok1 || !ok2 {
		return nil, false
	}
	return op(x, y).list(), true
}

func pyUnion(x, y *pySet) *pySet {
	c := x.clone()
	c.merge(y)
	return c
}

func pyIntersection(x, y *pySet) *pySet {
	if y.used > x.used {
		x, y = y, x
	}
	return y.where(x, true)
}
