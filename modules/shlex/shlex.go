// Package shlex splits command lines into words as Python's shlex.split does
// in its POSIX mode: quotes and backslashes, no expansion of anything.
package shlex

import (
	"errors"
	"strings"
)

// What is wrong with a line, in Python's words.
var (
	ErrQuotation = errors.New("No closing quotation")
	ErrEscape    = errors.New("No escaped character")
)

// Split splits a line into words.
func Split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r', '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case '\\':
			if i+1 == len(line) {
				return nil, ErrEscape
			}
			i++
			word.WriteByte(line[i])
			inWord = true
		case '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, ErrQuotation
			}
			word.WriteString(line[i+1 : i+1+end])
			i += end + 1
			inWord = true
		case '"':
			n, err := doubleQuoted(line[i+1:], &word)
			if err != nil {
				return nil, err
			}
			i += n
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// doubleQuoted takes text up to the closing quote and returns its length with
// the quote. A backslash escapes the quote and itself only.
func doubleQuoted(s string, word *strings.Builder) (int, error) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1, nil
		case '\\':
			if i+1 == len(s) {
				return 0, ErrEscape
			}
			if s[i+1] == '"' || s[i+1] == '\\' {
				i++
			}
			word.WriteByte(s[i])
		default:
			word.WriteByte(s[i])
		}
	}
	return 0, ErrQuotation
}
