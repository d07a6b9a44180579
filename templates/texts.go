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

// orderTexts appends the items of keys in the order of their texts; what is
// equal keeps its order, in reverse too.
func orderTexts(items []textItem, keys []string, fold, reverse bool) []textItem {
	if fold {
		keys, fold = foldable(keys)
	}
	for i, k := range keys {
		head := textHead(k)
		if fold {
			head = lowerWord(head)
		}
		if reverse {
			head = ^head
		}
		items = append(items, textItem{head, i})
	}
	slices.SortFunc(items, func(x, y textItem) int {
		if x.head != y.head {
			if x.head < y.head {
				return -1
			}
			return 1
		}
		if c := compareTexts(keys[x.at], keys[y.at], fold); c != 0 {
			if reverse {
				return -c
			}
			return c
		}
		return cmp.Compare(x.at, y.at)
	})
	return items
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
