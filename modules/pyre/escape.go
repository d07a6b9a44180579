package pyre

// This file translates escapes and character classes.

import (
	"strconv"
	"strings"
)

// ASCII forms of the classes, without brackets.
var asciiClass = map[rune]string{
	'd': "0-9",
	'w': "a-zA-Z0-9_",
	's': ` \t\n\r\f\v`,
}

// Characters that Python counts among \s and regexp2 does not.
const moreSpace = `\x1c-\x1f`

// escape takes a backslash and what follows, in a class or outside.
func (t *translator) escape(inClass bool) error {
	start := t.pos
	if t.pos+1 >= len(t.in) {
		return t.fail(start, `bad escape (end of pattern)`)
	}
	c := t.in[t.pos+1]
	if !inClass {
		t.atom = len(t.out)
	}
	switch c {
	case 'd', 'D', 'w', 'W', 's', 'S':
		t.pos += 2
		t.categoryEscape(c, inClass)
		return nil
	case 'a', 'f', 'n', 'r', 't', 'v':
		t.pos += 2
		t.out = append(t.out, '\\', c)
		return nil
	case 'x', 'u', 'U':
		return t.hexEscape(c, inClass)
	case 'b':
		t.pos += 2
		t.out = append(t.out, '\\', c)
		return nil
	case 'A', 'B', 'Z':
		if inClass {
			return t.fail(start, `bad escape \%c`, c)
		}
		t.pos += 2
		if c == 'Z' {
			c = 'z'
		}
		t.out = append(t.out, '\\', c)
		return nil
	}
	if isDigit(c) {
		return t.digitEscape(inClass)
	}
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		return t.fail(start, `bad escape \%c`, c)
	}
	t.pos += 2
	t.char(c, inClass)
	return nil
}

// char writes one literal character.
func (t *translator) char(c rune, inClass bool) {
	if !inClass {
		t.literal(c)
		return
	}
	if c < 0x80 && strings.ContainsRune(`\[]^-`, c) {
		t.out = append(t.out, '\\')
	}
	t.out = append(t.out, c)
}

func (t *translator) categoryEscape(c rune, inClass bool) {
	lower := c | 0x20
	ascii := t.flags&ASCII != 0
	switch {
	case !ascii && c == 's' && inClass:
		t.emit(`\s` + moreSpace)
	case !ascii && c == 's':
		t.emit(`[\s` + moreSpace + `]`)
	case !ascii && c == 'S' && !inClass:
		t.emit(`[^\s` + moreSpace + `]`)
	case !ascii && c == 'w' && inClass:
		t.emit(`\w\p{No}\p{Nl}`)
	case !ascii && c == 'w':
		t.emit(`[\w\p{No}\p{Nl}]`)
	case !ascii && c == 'W' && !inClass:
		t.emit(`[^\w\p{No}\p{Nl}]`)
	case !ascii:
		t.out = append(t.out, '\\', c)
	case c == lower && inClass:
		t.emit(asciiClass[lower])
	case c == lower:
		t.emit("[" + asciiClass[lower] + "]")
	case inClass:
		t.emit(complement[lower])
	default:
		t.emit("[^" + asciiClass[lower] + "]")
	}
}

// complement holds the ASCII classes' opposites, for use inside a class.
var complement = map[rune]string{
	'd': `\x00-/:-\uffff`,
	'w': "\\x00-/:-@\\[-\\^`{-\\uffff",
	's': `\x00-\x08\x0e-\x1f!-\uffff`,
}

func (t *translator) hexEscape(kind rune, inClass bool) error {
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[kind]
	start := t.pos
	end := min(start+2+digits, len(t.in))
	text := string(t.in[start+2 : end])
	n, err := strconv.ParseInt(text, 16, 32)
	if err != nil || len(text) != digits || n > 0x10FFFF || n < 0 {
		return t.fail(start, `incomplete escape \%c%s`, kind, text)
	}
	t.pos = end
	t.char(rune(n), inClass)
	return nil
}

// digitEscape takes octal characters and references to groups.
func (t *translator) digitEscape(inClass bool) error {
	start := t.pos
	end := start + 1
	for end < len(t.in) && end < start+4 && t.in[end] >= '0' && t.in[end] <= '7' {
		end++
	}
	octal := string(t.in[start+1 : end])
	if t.in[start+1] == '0' || len(octal) == 3 || inClass && octal != "" {
		n, _ := strconv.ParseInt(octal, 8, 32)
		if n > 0o377 {
			return t.fail(start, `octal escape value \%s outside of range 0-0o377`, octal)
		}
		t.pos = end
		t.char(rune(n), inClass)
		return nil
	}
	if inClass {
		return t.fail(start, `bad escape \%c`, t.in[start+1])
	}
	end = start + 2
	if end < len(t.in) && isDigit(t.in[end]) {
		end++
	}
	n, _ := strconv.Atoi(string(t.in[start+1 : end]))
	t.pos = end
	return t.backref(n, start)
}

// class takes [...]. Opposites (\W, \S, \D) among the members are set apart,
// since regexp2 mixes them up with other categories.
func (t *translator) class() error {
	start, outer := t.pos, t.out
	t.pos++
	negated := t.more() && t.in[t.pos] == '^'
	if negated {
		t.pos++
	}
	var opposites []string
	t.out = nil
	for first := true; ; first = false {
		if !t.more() {
			return t.fail(start, "unterminated character set")
		}
		if t.in[t.pos] == ']' && !first {
			t.pos++
			break
		}
		at := len(t.out)
		if err := t.classItem(); err != nil {
			return err
		}
		if item := string(t.out[at:]); item == `\W` || item == `\S` || item == `\D` {
			t.out = t.out[:at]
			opposites = append(opposites, item)
		}
	}
	members := string(t.out)
	t.out, t.atom = outer, len(outer)
	any := strings.Join(opposites, "|")
	if any != "" && members != "" {
		any += "|[" + members + "]"
	}
	switch {
	case any != "" && negated:
		t.emit("(?:(?!" + any + `)[\s\S])`)
	case any != "":
		t.emit("(?:" + any + ")")
	case negated:
		t.emit("[^" + members + "]")
	default:
		t.emit("[" + members + "]")
	}
	return nil
}

// classItem takes one character, escape or range of a class.
func (t *translator) classItem() error {
	from := t.pos
	low, err := t.classChar()
	if err != nil {
		return err
	}
	if t.pos+1 >= len(t.in) || t.in[t.pos] != '-' || t.in[t.pos+1] == ']' {
		return nil
	}
	t.pos++
	t.emit("-")
	high, err := t.classChar()
	if err != nil {
		return err
	}
	if low < 0 || high < 0 || high < low {
		return t.fail(from, "bad character range %s", string(t.in[from:t.pos]))
	}
	return nil
}

// classChar writes one member and returns it, -1 for a category.
func (t *translator) classChar() (rune, error) {
	c := t.in[t.pos]
	if c != '\\' {
		t.pos++
		t.char(c, true)
		return c, nil
	}
	at := len(t.out)
	if err := t.escape(true); err != nil {
		return 0, err
	}
	return memberRune(t.out[at:]), nil
}

// memberRune reads back which character an escape stands for.
func memberRune(out []rune) rune {
	if len(out) == 1 {
		return out[0]
	}
	if len(out) == 2 && out[0] == '\\' {
		if r, ok := map[rune]rune{'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11}[out[1]]; ok {
			return r
		}
		if !strings.ContainsRune("dDwWsS", out[1]) {
			return out[1]
		}
	}
	return -1
}
