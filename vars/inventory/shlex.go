package inventory

import (
	"errors"
	"strings"
)

// splitWords splits a host line into words as Python's shlex does with
// comments: quotes and backslashes as in a shell, "#" ends the line anywhere
// outside quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	open := false // a word has begun, be it empty
	end := func() {
		if open {
			words = append(words, word.String())
			word.Reset()
			open = false
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			end()
		case c == '#':
			end()
			return words, nil
		case c == '\\':
			if i++; i == len(line) {
				return nil, errors.New("No escaped character")
			}
			word.WriteByte(line[i])
			open = true
		case c == '\'' || c == '"':
			open = true
			n, ok := quoted(&word, line[i+1:], c)
			if !ok {
				return nil, errors.New("No closing quotation")
			}
			i += n
		default:
			word.WriteByte(c)
			open = true
		}
	}
	end()
	return words, nil
}

// quoted writes what stands before the closing quote and returns its length
// with the quote.
func quoted(word *strings.Builder, s string, quote byte) (n int, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return i + 1, true
		case c == '\\' && quote == '"' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			word.WriteByte(s[i])
		default:
			word.WriteByte(c)
		}
	}
	return 0, false
}
