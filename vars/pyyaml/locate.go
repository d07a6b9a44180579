package pyyaml

// This file finds the place in a YAML file of a place in the text of one of its
// scalars, where folds and escapes stand between the two.

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Locate returns line and column, from 1, of what stands at byte offset at of
// text, which a scalar of file that begins on line start has; false where no
// scalar there has that text. Blanks, which folds change, are left out when the
// two are compared, and so the place of a blank is that of what follows it.
func Locate(file string, start int, text string, at int) (line, col int, ok bool) {
	for range start - 1 {
		_, rest, found := strings.Cut(file, "\n")
		if !found {
			return 0, 0, false
		}
		file = rest
	}
	first, _, _ := strings.Cut(file, "\n")
	for i, c := range first {
		if unicode.IsSpace(c) {
			continue
		}
		if found, ok := findScalar(file[i:], text, at); ok {
			before := file[:i+found]
			lines := strings.Count(before, "\n")
			return start + lines, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]), true
		}
	}
	return 0, 0, false
}

// findScalar returns the byte offset in src, which begins with a scalar, of what
// stands at offset at of its text; false where the scalar has another text.
func findScalar(src, text string, at int) (found int, ok bool) {
	i, quote := 0, byte(0)
	switch src[0] {
	case '"', '\'':
		i, quote = 1, src[0]
	case '|', '>':
		head, _, _ := strings.Cut(src, "\n")
		i = len(head)
	}
	found = -1
	for j, want := range text {
		if unicode.IsSpace(want) {
			continue
		}
		got, n, from := rune(0), 0, i
		for i < len(src) {
			got, n = scalarRune(src[i:], quote)
			from = i
			i += n
			if !unicode.IsSpace(got) {
				break
			}
		}
		if got != want {
			return 0, false
		}
		if j >= at && found < 0 {
			found = from
		}
	}
	return found, found >= 0
}

// scalarRune reads a character of a scalar and how many bytes it takes; a line
// break that is escaped is a blank.
func scalarRune(s string, quote byte) (r rune, n int) {
	switch {
	case quote == '\'' && strings.HasPrefix(s, "''"):
		return '\'', 2
	case quote != '"' || s[0] != '\\' || len(s) < 2:
		return utf8.DecodeRuneInString(s)
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits > 0 && len(s) >= 2+digits {
		code, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		if err == nil {
			return rune(code), 2 + digits
		}
	}
	switch s[1] {
	case 'a':
		return '\a', 2
	case 'b':
		return '\b', 2
	case 'e':
		return '\x1b', 2
	case '0':
		return 0, 2
	case '"', '/', '\\':
		return rune(s[1]), 2
	}
	return ' ', 2 // \n, \t, \_ and the like
}
