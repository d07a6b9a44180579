package playbook

// This file splits key=value arguments.

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gorun/templates"
)

// kvOfFreeForm are the keys that free-form modules know; any other key=value
// is part of their text.
var kvOfFreeForm = map[string]bool{
	"creates": true, "removes": true, "chdir": true, "executable": true, "warn": true, "stdin": true,
	"stdin_add_newline": true, "strip_empty_ends": true,
}

// ParseKV splits the k=v form of arguments as Ansible does; what is not k=v
// comes under _raw_params. With freeForm only the parameters that the command
// modules know are taken out of the text.
func ParseKV(text string, freeForm bool) (*templates.Dict, error) {
	d, err := parseKV(text, freeForm, Pos{})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// A token is one word with the spaces behind it.
type token struct {
	text  string
	space string
	at    int // byte offset
}

// parseKV is ParseKV for a text that begins at pos.
func parseKV(text string, freeForm bool, pos Pos) (*templates.Dict, *Error) {
	tokens, ok := splitArgs(text)
	if !ok {
		return nil, &Error{Pos: pos, Msg: "failed at splitting arguments, either an unbalanced jinja2 block or quotes: " + text}
	}
	d := templates.NewDict(len(tokens))
	d.Lazy = true
	var raw strings.Builder
	rawAt, sep, lastIsRaw := -1, "", false
	for _, t := range tokens {
		eq := equalsSign(t.text)
		lastIsRaw = false
		if eq > 0 {
			key := decodeEscapes(t.text[:eq])
			if !freeForm || kvOfFreeForm[key] {
				value := unquoteKV(strings.TrimSpace(decodeEscapes(t.text[eq+1:])))
				d.SetStr(strings.TrimSpace(key), templates.NewText(value, posIn(pos, text, t.at+eq+1)))
				continue
			}
		}
		lastIsRaw = true
		if rawAt < 0 {
			rawAt = t.at
		}
		raw.WriteString(sep)
		word := t.text
		if eq <= 0 {
			word = strings.ReplaceAll(word, `\=`, "=")
		}
		raw.WriteString(word)
		if sep = t.space; sep == "" {
			sep = " "
		} else if strings.HasSuffix(sep, "\n ") && !strings.HasSuffix(sep, "  ") {
			sep = sep[:len(sep)-1] // one space at the beginning of a line is lost, more are kept
		}
	}
	if rawAt >= 0 {
		if lastIsRaw {
			raw.WriteString(tokens[len(tokens)-1].space)
		}
		d.SetStr("_raw_params", templates.NewText(raw.String(), posIn(pos, text, rawAt)))
	}
	return d, nil
}

// posIn is the place of an offset of a text that begins at pos.
func posIn(pos Pos, text string, at int) Pos {
	if !pos.IsValid() || pos.Col == 0 {
		return pos
	}
	before := text[:at]
	line := strings.LastIndexByte(before, '\n') + 1
	pos.Line += strings.Count(before, "\n")
	pos.Col += utf8.RuneCountInString(before[line:])
	return pos
}

// equalsSign finds the first = that no backslash stands before; -1 without.
func equalsSign(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '=' && s[i-1] != '\\' {
			return i
		}
	}
	return -1
}

// splitArgs cuts a text at spaces and line ends that stand outside quotes and
// template blocks. It reports false where one of those is not closed.
func splitArgs(text string) ([]token, bool) {
	var tokens []token
	var quote byte
	var depth [3]int // of {{, {% and {#
	start := -1
	closed := func() bool { return quote == 0 && depth == [3]int{} }
	end := func(i int) {
		if start >= 0 {
			tokens = append(tokens, token{text: text[start:i], at: start})
			start = -1
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if closed() && (c == ' ' || c == '\n') { // a tab is part of a word
			end(i)
			if n := len(tokens); n > 0 {
				tokens[n-1].space += string(c)
			}
			continue
		}
		if closed() && c == '\\' && start < 0 && i+1 < len(text) && text[i+1] == '\n' {
			i++ // a line that goes on in the next one
			if n := len(tokens); n > 0 {
				tokens[n-1].space = strings.TrimSuffix(tokens[n-1].space, " ")
			}
			continue
		}
		if start < 0 {
			start = i
		}
		switch {
		case (c == '"' || c == '\'') && (i == 0 || text[i-1] != '\\'):
			if quote == 0 {
				quote = c
			} else if quote == c {
				quote = 0
			}
		case i+1 < len(text):
			for k, mark := range "{%#" {
				m := byte(mark)
				switch {
				case c == '{' && text[i+1] == m:
					depth[k]++
				case depth[k] > 0 && text[i+1] == '}' && (c == m || m == '{' && c == '}'):
					depth[k]--
				default:
					continue
				}
				i++
				break
			}
		}
	}
	end(len(text))
	return tokens, closed()
}

// unquoteKV takes off quotes that stand around a whole value.
func unquoteKV(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[0] == s[len(s)-1] && s[len(s)-2] != '\\' {
		return s[1 : len(s)-1]
	}
	return s
}

var simpleEscapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// decodeEscapes resolves Python's escapes (\n, \x41, \u20ac); others stay.
func decodeEscapes(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if r, ok := simpleEscapes[s[i+1]]; ok {
			b.WriteByte(r)
			i++
			continue
		}
		digits, base, skip := 0, 16, 2
		switch s[i+1] {
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		}
		if digits == 0 || i+skip+digits > len(s) {
			b.WriteByte(s[i])
			continue
		}
		n, err := strconv.ParseUint(s[i+skip:i+skip+digits], base, 32)
		if err != nil {
			b.WriteByte(s[i])
			continue
		}
		b.WriteRune(rune(n))
		i += skip + digits - 1
	}
	return b.String()
}
