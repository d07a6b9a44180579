package templates

// This file works on many texts at once: their order, their case, what is the
// same in them. Eight bytes of a text are taken as one number wherever that
// goes, its first byte the highest, so that numbers are ordered as texts are.

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// textHead is the first eight bytes of s, zeros behind a shorter one.
func textHead(s string) uint64 {
	switch n := len(s); {
	case n >= 8:
		return binary.BigEndian.Uint64([]byte(s[:8]))
	case n >= 4:
		return uint64(binary.BigEndian.Uint32([]byte(s[:4])))<<32 | uint64(binary.BigEndian.Uint32([]byte(s[n-4:])))<<(64-8*n)
	}
	var head uint64
	for i := range len(s) {
		head |= uint64(s[i]) << (56 - 8*i)
	}
	return head
}

// letters has the bit 0x20 set in every byte of an ASCII word that is a letter
// from first on: 'A' finds the capitals, 'a' the small letters.
func letters(word uint64, first byte) uint64 {
	from := word + (0x80-uint64(first))*eachByte
	behind := word + (0x80-uint64(first)-26)*eachByte
	return (from &^ behind & highBits) >> 2
}

func lowerWord(word uint64) uint64 { return word | letters(word, 'A') }

// isASCII reports whether s has no byte above 0x7f.
func isASCII(s string) bool {
	for len(s) >= 8 {
		if textHead(s)&highBits != 0 {
			return false
		}
		s = s[8:]
	}
	return textHead(s)&highBits == 0
}

// swapLetters changes the case of the letters of b from first on, 'A' or 'a';
// false, and some may be changed, where b is not ASCII.
func swapLetters(b []byte, first byte) bool {
	for len(b) >= 8 {
		word := binary.BigEndian.Uint64(b)
		if word&highBits != 0 {
			return false
		}
		binary.BigEndian.PutUint64(b, word^letters(word, first))
		b = b[8:]
	}
	for i, c := range b {
		if c >= 0x80 {
			return false
		}
		if first <= c && c < first+26 {
			b[i] = c ^ 0x20
		}
	}
	return true
}

// appendLower and appendUpper append a text in small letters or capitals;
// false where that takes more than ASCII.
func appendLower(b []byte, s string) ([]byte, bool) { return appendSwapped(b, s, 'A') }

func appendUpper(b []byte, s string) ([]byte, bool) { return appendSwapped(b, s, 'a') }

func appendSwapped(b []byte, s string, first byte) ([]byte, bool) {
	n := len(b)
	b = append(b, s...)
	if !swapLetters(b[n:], first) {
		return b[:n], false
	}
	return b, true
}

// compareTexts orders two texts; fold, for texts of ASCII, takes capitals as
// small letters.
func compareTexts(a, b string, fold bool) int {
	if !fold {
		return strings.Compare(a, b)
	}
	for len(a) >= 8 && len(b) >= 8 {
		if x, y := lowerWord(textHead(a)), lowerWord(textHead(b)); x != y {
			return cmp.Compare(x, y)
		}
		a, b = a[8:], b[8:]
	}
	if x, y := lowerWord(textHead(a)), lowerWord(textHead(b)); x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b)) // zeros of the one are the end of the other
}

// foldable returns what compareTexts needs to take capitals of keys as small
// letters: keys that are not all ASCII are changed themselves.
func foldable(keys []string) (folded []string, fold bool) {
	for _, s := range keys {
		if !isASCII(s) {
			folded = make([]string, len(keys))
			for i, s := range keys {
				folded[i] = lower(s)
			}
			return folded, false
		}
	}
	return keys, true
}

// textKeys appends vals as texts; false where one is not a Str.
func textKeys(keys []string, vals []Value) ([]string, bool) {
	for _, v := range vals {
		s, ok := v.(Str)
		if !ok {
			return keys, false
		}
		keys = append(keys, string(s))
	}
	return keys, true
}

// textItem is a text that is sorted: its head and its place.
type textItem struct {
	head uint64
	at   int
}

// orderTexts returns the items of keys in the order of their texts; what is
// equal keeps its order, in reverse too. It works in room and spare, which may
// grow; what it returns is one of them.
func orderTexts(room, spare []textItem, keys []string, fold, reverse bool) (ordered, other []textItem) {
	if fold {
		keys, fold = foldable(keys)
	}
	items := room[:0]
	var differ uint64 // the bits that are not the same in all heads
	for i, k := range keys {
		head := textHead(k)
		if fold {
			head = lowerWord(head)
		}
		if reverse {
			head = ^head
		}
		items = append(items, textItem{head, i})
		differ |= head ^ items[0].head
	}
	if len(items) >= manyTexts {
		items, spare = byHeads(items, slices.Grow(spare[:0], len(items))[:len(items)], differ)
	} else {
		slices.SortStableFunc(items, func(x, y textItem) int { return cmp.Compare(x.head, y.head) })
	}
	for start := 0; start < len(items); {
		end := start + 1
		for end < len(items) && items[end].head == items[start].head {
			end++
		}
		if end-start > 1 {
			slices.SortStableFunc(items[start:end], func(x, y textItem) int {
				if reverse {
					x, y = y, x
				}
				return compareTexts(keys[x.at], keys[y.at], fold)
			})
		}
		start = end
	}
	return items, spare
}

// manyTexts is from how many on texts are sorted byte by byte.
const manyTexts = 64

// byHeads sorts items by the bytes of their heads, the last first; spare is as
// long as items. It returns both, the sorted one first.
func byHeads(items, spare []textItem, differ uint64) (ordered, other []textItem) {
	for shift := 0; shift < 64; shift += 8 {
		if byte(differ>>shift) == 0 {
			continue
		}
		var at [256]int
		for i := range items {
			at[byte(items[i].head>>shift)]++
		}
		sum := 0
		for i, n := range at {
			at[i], sum = sum, sum+n
		}
		for _, it := range items {
			b := byte(it.head >> shift)
			spare[at[b]] = it
			at[b]++
		}
		items, spare = spare, items
	}
	return items, spare
}

// firstTexts appends the places where a text of keys is seen for the first time.
func firstTexts(at []int, keys []string, fold bool) []int {
	if fold {
		keys, fold = foldable(keys)
	}
	kept := len(at)
	for i, k := range keys {
		order := 1
		if i > 0 {
			order = compareTexts(k, keys[i-1], fold)
		}
		if order < 0 { // not sorted: what is the same need not be side by side
			return newTexts(at[:kept], keys, fold)
		}
		if order > 0 {
			at = append(at, i)
		}
	}
	return at
}

// newTexts is firstTexts for texts in any order.
func newTexts(at []int, keys []string, fold bool) []int {
	seen := make(map[string]struct{}, len(keys))
	for i, k := range keys {
		if fold {
			k = lower(k)
		}
		if _, ok := seen[k]; !ok {
			seen[k] = struct{}{}
			at = append(at, i)
		}
	}
	return at
}
