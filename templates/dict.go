package templates

// This file defines the dict.

import "fmt"

// A Dict is Python's dict: insertion order, any hashable key. The zero Dict is
// empty and ready to use.
type Dict struct {
	// Lazy is as in [List].
	Lazy bool

	keys  []Value
	vals  []Value
	index map[any]int // hash key -> place in keys
	dead  int         // deleted places (nil keys) not yet squeezed out
}

// NewDict returns an empty dict with room for n items.
func NewDict(n int) *Dict {
	return &Dict{keys: make([]Value, 0, n), vals: make([]Value, 0, n), index: make(map[any]int, n)}
}

// fewKeys is up to how many keys a dict is searched from its beginning.
const fewKeys = 6

// SetStr sets the item of a string key.
func (d *Dict) SetStr(key string, v Value) { d.set(key, Str(key), v) }

// GetStr returns the item of a string key.
func (d *Dict) GetStr(key string) (Value, bool) {
	if len(d.keys) <= fewKeys { // sooner than a hash
		for i, k := range d.keys {
			if s, ok := k.(Str); ok && string(s) == key {
				return d.vals[i], true
			}
		}
		if _, hasMarkup := d.index[key]; !hasMarkup {
			return nil, false
		}
	}
	i, ok := d.index[key]
	if !ok {
		return nil, false
	}
	return d.vals[i], true
}

// Set sets an item; the error is Python's TypeError for an unhashable key.
func (d *Dict) Set(key, v Value) error {
	h, err := hashKey(key)
	if err != nil {
		return err
	}
	d.set(h, key, v)
	return nil
}

// Get returns the item of key.
func (d *Dict) Get(key Value) (Value, bool, error) {
	h, err := hashKey(key)
	if err != nil {
		return nil, false, err
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false, nil
	}
	return d.vals[i], true, nil
}

// Delete removes key and reports whether it was there.
func (d *Dict) Delete(key Value) bool {
	h, err := hashKey(key)
	if err != nil {
		return false
	}
	i, ok := d.index[h]
	if !ok {
		return false
	}
	delete(d.index, h)
	d.keys[i], d.vals[i] = nil, nil
	d.dead++
	if d.dead > 16 && d.dead > len(d.keys)/2 {
		d.squeeze()
	}
	return true
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
	for k, v := range d.All {
		h, _ := hashKey(k) // k is in a dict, so it has a hash
		c.set(h, k, v)
	}
	return c
}

func (d *Dict) set(h any, key, v Value) {
	if i, ok := d.index[h]; ok {
		d.vals[i] = v
		return
	}
	if d.index == nil {
		d.index = make(map[any]int)
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, key)
	d.vals = append(d.vals, v)
}

func (d *Dict) squeeze() {
	keys, vals := d.keys[:0], d.vals[:0]
	for i, k := range d.keys {
		if k != nil {
			h, _ := hashKey(k) // k is in a dict, so it has a hash
			d.index[h] = len(keys)
			keys, vals = append(keys, k), append(vals, d.vals[i])
		}
	}
	clear(d.keys[len(keys):])
	clear(d.vals[len(vals):])
	d.keys, d.vals, d.dead = keys, vals, 0
}

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
		}
		return tupleKey(b), nil
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
