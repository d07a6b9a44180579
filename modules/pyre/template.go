package pyre

// This file parses replacement templates (re.sub, Match.expand).

import (
	"fmt"
	"strconv"
	"strings"
)

// A template is text and references to groups in turn.
type template []piece

type piece struct {
	text  string
	group int // -1: text
}

func (t template) expand(b *strings.Builder, m *Match) {
	for _, p := range t {
		if p.group < 0 {
			b.WriteString(p.text)
			continue
		}
		// A group that took no part is replaced by nothing (Python 3.5).
		s, _ := m.Group(p.group)
		b.WriteString(s)
	}
}

var templateEscapes = map[byte]byte{'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\'}

// template parses \1, \12, \g<1>, \g<name>, octal and letter escapes; an
// unknown escape of a letter is an error, as in Python.
func (re *Regexp) template(s string) (template, error) {
	body := strings.TrimRight(s, `\`)
	if lone := len(s) - len(body); lone%2 == 0 {
		t, _, err := re.parseTemplate(s)
		return t, err
	}
	// Python reads a token ahead, and so meets the backslash at the end before
	// what is wrong with the token that stands before it.
	body = s[:len(s)-1]
	if _, read, err := re.parseTemplate(body); err != nil && read < len(body) {
		return nil, err
	}
	return nil, &Error{Msg: "bad escape (end of pattern)", Pattern: s, Pos: runeIndex(s, len(body))}
}

// parseTemplate parses a template that does not end in the midst of an escape.
// With an error it returns how far it had read.
func (re *Regexp) parseTemplate(s string) (t template, read int, err error) {
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			t = append(t, piece{b.String(), -1})
			b.Reset()
		}
	}
	group := func(n, at int) error {
		if n > re.groups {
			return &Error{Msg: fmt.Sprintf("invalid group reference %d", n), Pattern: s, Pos: runeIndex(s, at)}
		}
		flush()
		t = append(t, piece{group: n})
		return nil
	}
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		c := s[i+1]
		switch {
		case c == 'g':
			n, end, err := re.namedRef(s, i)
			if err != nil {
				return nil, end, err
			}
			if err := group(n, i+3); err != nil {
				return nil, end, err
			}
			i = end
		case isDigit(rune(c)):
			text, octal := digitRef(s[i+1:])
			end := i + 1 + len(text)
			if octal {
				n, _ := strconv.ParseInt(text, 8, 32)
				if n > 0o377 {
					return nil, end, &Error{Msg: fmt.Sprintf(`octal escape value \%s outside of range 0-0o377`, text), Pattern: s, Pos: runeIndex(s, i)}
				}
				b.WriteRune(rune(n))
			} else {
				n, _ := strconv.Atoi(text)
				if err := group(n, i+1); err != nil {
					return nil, end, err
				}
			}
			i = end
		default:
			if e, ok := templateEscapes[c]; ok {
				b.WriteByte(e)
			} else if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
				return nil, i + 2, &Error{Msg: fmt.Sprintf(`bad escape \%c`, c), Pattern: s, Pos: runeIndex(s, i)}
			} else {
				b.WriteString(s[i : i+2])
			}
			i += 2
		}
	}
	flush()
	return t, len(s), nil
}

// digitRef splits the digits behind a backslash as Python does: \0 and three
// octal digits are a character, else up to two digits are a group.
func digitRef(s string) (text string, octal bool) {
	n := 1
	if s[0] == '0' {
		for n < len(s) && n < 3 && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		return s[:n], true
	}
	if len(s) > 1 && isDigit(rune(s[1])) {
		n = 2
		if len(s) > 2 && strings.Trim(s[:3], "01234567") == "" {
			return s[:3], true
		}
	}
	return s[:n], false
}

// namedRef reads \g<...> at s[i:], up to end.
func (re *Regexp) namedRef(s string, i int) (n, end int, err error) {
	if i+2 >= len(s) || s[i+2] != '<' {
		return 0, i + 2, &Error{Msg: "missing <", Pattern: s, Pos: runeIndex(s, i+2)}
	}
	name, _, ok := strings.Cut(s[i+3:], ">")
	if !ok && name != "" {
		return 0, len(s), &Error{Msg: "missing >, unterminated name", Pattern: s, Pos: runeIndex(s, i+3)}
	}
	if name == "" {
		return 0, min(i+4, len(s)), &Error{Msg: "missing group name", Pattern: s, Pos: runeIndex(s, i+3)}
	}
	end = i + 4 + len(name)
	if strings.Trim(name, "0123456789") == "" {
		n, err = strconv.Atoi(name)
		if err != nil || n > 1<<30 {
			return 0, end, &Error{Msg: "invalid group reference " + name, Pattern: s, Pos: runeIndex(s, i+3)}
		}
		return n, end, nil
	}
	if !isIdentifier(name) {
		return 0, end, &Error{Msg: "bad character in group name " + quoted(name), Pattern: s, Pos: runeIndex(s, i+3)}
	}
	n, ok = re.names[name]
	if !ok {
		// Python raises IndexError here.
		return 0, end, &Error{Msg: "unknown group name " + quoted(name), Pattern: s, Pos: -1}
	}
	return n, end, nil
}

// runeIndex is the index in code points of byte i of s.
func runeIndex(s string, i int) int { return len(decode(s[:i])) }
