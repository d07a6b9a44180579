package templates

// This file defines the dict.

import (
	"fmt"
	"maps"
	"sync/atomic"
)

// A Dict is Python's dict: insertion order, any hashable key. The zero Dict is
// empty and ready to use.
type Dict struct {
	// Lazy is as in [List].
	Lazy bool

	keys []Value
	vals []Value
	// strs and rest hold the places of the keys: texts and others. A dict of
	// few texts has no strs, since searching it is sooner than hashing.
	strs map[string]int
	rest map[any]int
	dead int // deleted places (nil keys) not yet squeezed out
}

// NewDict returns an empty dict with room for n items.
func NewDict(n int) *Dict {
	d := &Dict{}
	if n > 0 {
		room := make([]Value, 2*n)
		d.keys, d.vals = room[:0:n], room[n:n:2*n]
	}
	return d
}

// fewKeys is up to how many keys a dict is searched from its beginning.
const fewKeys = 8

// SetStr sets the item of a string key.
func (d *Dict) SetStr(key string, v Value) {
	if i, ok := d.findStr(key); ok {
		d.vals[i] = v
		return
	}
	d.addStr(key, Str(key), v)
}

// GetStr returns the item of a string key.
func (d *Dict) GetStr(key string) (Value, bool) {
	if i, ok := d.findStr(key); ok {
		return d.vals[i], true
	}
	return nil, false
}

// findStr returns the place of a text.
func (d *Dict) findStr(key string) (int, bool) {
	if d.strs != nil {
		i, ok := d.strs[key]
		return i, ok
	}
	for i, k := range d.keys {
		switch k := k.(type) {
		case Str:
			if string(k) == key {
				return i, true
			}
		case Markup:
			if string(k) == key {
				return i, true
			}
		}
	}
	return 0, false
}

// attrRef is an attribute by its name, at a place that sees many dicts of one
// shape.
type attrRef struct {
	name string
	// hint is where the last dict had it, in the lower half, and how often that
	// has changed: where it always does, nobody writes here any more, for others
	// that read.
	hint atomic.Uint32
}

const (
	hintPlaces  = 1 << 16
	hintChanges = 250
)

// of returns the item of v, where v is a dict that has it, unresolved; else nil.
func (a *attrRef) of(v Value) Value {
	d, ok := v.(*Dict)
	if !ok {
		return nil
	}
	hint := a.hint.Load()
	if i := int(hint % hintPlaces); i < len(d.keys) {
		if k, ok := d.keys[i].(Str); ok && string(k) == a.name {
			return d.vals[i]
		}
	}
	i, ok := d.findStr(a.name)
	if !ok {
		return nil
	}
	if changes := hint / hintPlaces; changes < hintChanges && i < hintPlaces {
		a.hint.Store((changes+1)*hintPlaces + uint32(i))
	}
	return d.vals[i]
}

// addStr adds a text that is not there.
func (d *Dict) addStr(s string, key, v Value) {
	n := len(d.keys)
	d.keys = append(d.keys, key)
	d.vals = append(d.vals, v)
	switch {
	case d.strs != nil:
		d.strs[s] = n
	case n >= fewKeys:
		d.strs = make(map[string]int, max(2*n, cap(d.keys)))
		for i, k := range d.keys {
			if s, ok := textOf(k); ok {
				d.strs[s] = i
			}
		}
	}
}

// find returns the place of a key; the error is Python's TypeError for one
// that is unhashable.
func (d *Dict) find(key Value) (i int, ok bool, err error) {
	if s, isText := textOf(key); isText {
		i, ok = d.findStr(s)
		return i, ok, nil
	}
	h, err := hashKey(key)
	if err != nil {
		return 0, false, err
	}
	i, ok = d.rest[h]
	return i, ok, nil
}

// Set sets an item; the error is Python's TypeError for an unhashable key.
func (d *Dict) Set(key, v Value) error {
	i, ok, err := d.find(key)
	switch {
	case err != nil:
		return err
	case ok:
		d.vals[i] = v
		return nil
	}
	if s, isText := textOf(key); isText {
		d.addStr(s, key, v)
		return nil
	}
	h, err := hashKey(key)
	if err != nil {
		return err
	}
	if d.rest == nil {
		d.rest = make(map[any]int)
	}
	d.rest[h] = len(d.keys)
	d.keys = append(d.keys, key)
	d.vals = append(d.vals, v)
	return nil
}

// Get returns the item of key.
func (d *Dict) Get(key Value) (Value, bool, error) {
	i, ok, err := d.find(key)
	if err != nil || !ok {
		return nil, false, err
	}
	return d.vals[i], true, nil
}

// Delete removes key and reports whether it was there.
func (d *Dict) Delete(key Value) bool {
	i, ok, err := d.find(key)
	if err != nil || !ok {
		return false
	}
	d.unlink(key)
	d.keys[i], d.vals[i] = nil, nil
	d.dead++
	if d.dead > 16 && d.dead > len(d.keys)/2 {
		d.squeeze()
	}
	return true
}

// unlink forgets the place of a key that is there.
func (d *Dict) unlink(key Value) {
	if s, isText := textOf(key); isText {
		delete(d.strs, s)
		return
	}
	h, _ := hashKey(key) // key is in the dict, so it has a hash
	delete(d.rest, h)
}

// Len returns the number of items.
func (d *Dict) Len() int { return len(d.keys) - d.dead }

// Keys returns the keys in insertion order, in a slice of their own.
func (d *Dict) Keys() []Value {
	ks := make([]Value, 0, d.Len())
	for _, k := range d.keys {
		if k != nil {
			ks = append(ks, k)
		}
	}
	return ks
}

// All ranges over the items in insertion order.
func (d *Dict) All(yield func(k, v Value) bool) {
	for i, k := range d.keys {
		if k != nil && !yield(k, d.vals[i]) {
			return
		}
	}
}

// Copy returns a shallow copy.
func (d *Dict) Copy() *Dict {
	c := NewDict(d.Len())
	c.Lazy = d.Lazy
	if d.dead == 0 {
		c.keys, c.vals = append(c.keys, d.keys...), append(c.vals, d.vals...)
		c.strs, c.rest = maps.Clone(d.strs), maps.Clone(d.rest)
		return c
	}
	for k, v := range d.All {
		_ = c.Set(k, v) // k is in a dict, so it has a hash
	}
	return c
}

// squeeze moves the items over the places of deleted ones.
func (d *Dict) squeeze() {
	c := Dict{Lazy: d.Lazy}
	for k, v := range d.All {
		_ = c.Set(k, v) // k is in a dict, so it has a hash
	}
	*d = c
}

// maxHash bounds what hashing a tuple writes.
const maxHash = 16 << 20

// tupleKey is the hash of a tuple; none of Python's other hashes equal it.
type tupleKey string

type numKey float64

// undefinedKey is the hash of an undefined value: all of a kind are equal.
type undefinedKey UndefinedKind

// hashKey maps a value to a comparable Go value such that equal Python values
// (1, 1.0, True) have equal hashes.
func hashKey(v Value) (any, error) {
	switch v := v.(type) {
	case Str:
		return string(v), nil
	case Markup:
		return string(v), nil
	case Int:
		return int64(v), nil
	case Bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case Float:
		if f := float64(v); f == float64(int64(f)) {
			return int64(f), nil
		}
		return numKey(v), nil
	case Tuple:
		b := []byte{}
		for _, e := range v {
			h, err := hashKey(e)
			if err != nil {
				return nil, err
			}
			b = appendHash(b, h)
			if len(b) > maxHash {
				return nil, &Error{Kind: OverflowError, Msg: "the hash of a tuple takes too long"}
			}
		}
		return tupleKey(b), nil
	case groupTuple:
		return hashKey(v.Tuple)
	case NoneType, OmitType, TimeDelta:
		return v, nil
	case *BigInt:
		return tupleKey("int" + v.V.String()), nil
	case Bytes:
		return tupleKey("bytes" + string(v)), nil
	case *DateTime:
		return *v, nil
	case *Undefined:
		if v.strict() {
			return nil, v.Err()
		}
		return undefinedKey(v.Kind), nil
	case *List, *Dict, *Set, dictView, Mapping:
		return nil, &Error{Kind: TypeError, Msg: "unhashable type: '" + v.Type() + "'"}
	}
	return v, nil
}

func appendHash(b []byte, h any) []byte {
	return append(fmt.Appendf(b, "%T:%d:", h, len(fmt.Sprint(h))), fmt.Sprint(h)...)
}
