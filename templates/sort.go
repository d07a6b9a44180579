package templates

// This file sorts, and folds the case of what is compared.

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// sortKey is the key that v is compared by.
func sortKey(v Value, caseSensitive bool) Value {
	if caseSensitive {
		return v
	}
	switch s := v.(type) {
	case Str:
		if l := lower(string(s)); l != string(s) {
			return Str(l)
		}
	case Markup:
		if l := lower(string(s)); l != string(s) {
			return Markup(l)
		}
	}
	return v
}

// textKeys returns vals as texts, with fold in lower case; false where one is
// not a Str. The folded texts share one piece of memory.
func textKeys(vals []Value, fold bool) ([]string, bool) {
	keys := make([]string, len(vals))
	size, simple := 0, true
	for i, v := range vals {
		s, ok := v.(Str)
		if !ok {
			return nil, false
		}
		keys[i] = string(s)
		if fold {
			capital, other := casesOf(keys[i])
			simple = simple && !other
			if capital {
				size += len(s)
			}
		}
	}
	switch {
	case !fold || size == 0 && simple:
		return keys, true
	case !simple:
		for i, s := range keys {
			keys[i] = lower(s)
		}
		return keys, true
	}
	var b strings.Builder
	b.Grow(size)
	for i, s := range keys {
		if capital, _ := casesOf(s); capital {
			n := b.Len()
			for j := range len(s) {
				b.WriteByte(lowerByte(s[j]))
			}
			keys[i] = b.String()[n:]
		}
	}
	return keys, true
}

// casesOf reports whether s has capitals of ASCII, and what is not ASCII.
func casesOf(s string) (capital, other bool) {
	for i := range len(s) {
		c := s[i]
		capital = capital || 'A' <= c && c <= 'Z'
		other = other || c >= 0x80
	}
	return capital, other
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func upperByte(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

// sortBy sorts stably, as sorted(elems, key=..., reverse=...); fold folds the
// case of keys that are texts.
func sortBy(elems []Value, key func(Value) Value, fold, reverse bool) []Value {
	return sortPairs(elems, key, fold, reverse, false)
}

// sortPairs is sortBy; sameFirst asks whether keys are equal before it orders
// them, as Python does with keys that are lists.
func sortPairs(elems []Value, key func(Value) Value, fold, reverse, sameFirst bool) []Value {
	keys := make([]Value, len(elems))
	for i, e := range elems {
		keys[i] = key(e)
	}
	if texts, ok := textKeys(keys, fold); ok {
		return sortTexts(elems, texts, reverse)
	}
	type pair struct{ key, v Value }
	out := make([]Value, len(elems))
	pairs := make([]pair, len(elems))
	for i, e := range elems {
		pairs[i] = pair{sortKey(keys[i], !fold), e}
	}
	if reverse { // as Python does, so that equal elements keep their order
		slices.Reverse(pairs)
		defer slices.Reverse(out)
	}
	slices.SortStableFunc(pairs, func(x, y pair) int {
		if sameFirst && IsUndefined(x.key) == IsUndefined(y.key) && !isText(x.key) && !isNumber(x.key) && equal(x.key, y.key, 0) {
			return 0
		}
		switch compare("<", x.key, y.key, 0) {
		case -1:
			return -1
		case 1:
			return 1
		}
		return 0
	})
	for i, p := range pairs {
		out[i] = p.v
	}
	return out
}

// sortTexts sorts elems by keys that are texts, which have no other order than
// their bytes'. The first eight bytes are compared as one number.
func sortTexts(elems []Value, keys []string, reverse bool) []Value {
	type item struct {
		head uint64
		at   int
	}
	items := make([]item, len(keys))
	for i, k := range keys {
		items[i] = item{textHead(k), i}
	}
	slices.SortFunc(items, func(x, y item) int {
		if x.head != y.head {
			if (x.head < y.head) != reverse {
				return -1
			}
			return 1
		}
		if c := strings.Compare(keys[x.at], keys[y.at]); c != 0 {
			if reverse {
				return -c
			}
			return c
		}
		return cmp.Compare(x.at, y.at) // what is equal keeps its order
	})
	out := make([]Value, len(items))
	for i, it := range items {
		out[i] = elems[it.at]
	}
	return out
}

// textHead is the first eight bytes of s as a number of the same order.
func textHead(s string) uint64 {
	if len(s) >= 8 {
		return binary.BigEndian.Uint64([]byte(s[:8]))
	}
	var head uint64
	for i := range len(s) {
		head |= uint64(s[i]) << (56 - 8*i)
	}
	return head
}
