package pyre

// This file translates escapes and character classes.

import (
	"strconv"
	"strings"
	"unicode"
)

// ASCII forms of the classes, without brackets.
var asciiClass = map[rune]string{
	'd': "0-9",
	'w': "a-zA-Z0-9_",
	's': ` \t\n\r\f\v`,
}

// Members of Python's \s and \w, for texts of any alphabet. regexp2's own \s
// lacks four control characters, its \w takes combining marks and more.
const (
	spaces  = `\s\x1c-\x1f`
	letters = `\p{L}\p{N}_`
)

// escape takes a backslash and what follows, in a class or outside.
func (t *translator) escape(inClass bool) error {
	start := t.pos
	if t.pos+1 >= len(t.in) {
		return t.fail(start, `bad escape (end of pattern)`)
	}
	c := t.in[t.pos+1]
	switch c {
	case 'd', 'D', 'w', 'W', 's', 'S':
		t.pos += 2
		if !inClass {
			t.begin(width{1, 1})
		}
		t.categoryEscape(c, inClass)
		return nil
	case 'a', 'f', 'n', 'r', 't', 'v':
		t.pos += 2
		if !inClass {
			t.begin(width{1, 1})
		}
		t.out = append(t.out, '\\', c)
		return nil
	case 'x', 'u', 'U':
		return t.hexEscape(c, inClass)
	case 'b':
		t.pos += 2
		if inClass {
			t.out = append(t.out, '\\', c)
		} else {
			t.assert(t.wordEdge())
		}
		return nil
	case 'A', 'B', 'Z':
		if inClass {
			return t.fail(start, `bad escape \%c`, c)
		}
		t.pos += 2
		switch c {
		case 'A':
			t.assert(`\A`)
		case 'B': // not in an empty text
			t.assert(`(?!\A\z|` + t.wordEdge() + `)`)
		case 'Z':
			t.assert(`\z`)
		}
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

// dash is a - that is a member of a class.
const dash = `\x2d`

// char writes one literal character.
func (t *translator) char(c rune, inClass bool) {
	if !inClass {
		t.literal(c)
		return
	}
	if c == '-' { // behind a backslash it would begin a range all the same
		t.emit(dash)
		return
	}
	if c < 0x80 && strings.ContainsRune(`\[]^`, c) {
		t.out = append(t.out, '\\')
	}
	t.out = append(t.out, c)
}

// wordEdge is \b: a place between a character of \w and one that is none.
func (t *translator) wordEdge() string {
	w := "[" + t.category('w') + "]"
	return "(?:(?<=" + w + ")(?!" + w + ")|(?<!" + w + ")(?=" + w + "))"
}

func (t *translator) categoryEscape(c rune, inClass bool) {
	lower := c | 0x20
	members := t.category(lower)
	switch {
	case c != lower && inClass:
		t.out = append(t.out, '\\', c) // the class sets it apart
	case inClass:
		t.emit(members)
	case c != lower:
		t.emit("[^" + members + "]")
	default:
		t.emit("[" + members + "]")
	}
}

// category gives the members of \d, \s or \w, without brackets.
func (t *translator) category(c rune) string {
	if t.flags&ASCII != 0 {
		return asciiClass[c]
	}
	return map[rune]string{'d': `\d`, 's': spaces, 'w': letters}[c]
}

func (t *translator) hexEscape(kind rune, inClass bool) error {
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[kind]
	start := t.pos
	end := start + 2
	for end < min(start+2+digits, len(t.in)) && strings.ContainsRune("0123456789abcdefABCDEF", t.in[end]) {
		end++
	}
	text := string(t.in[start+2 : end])
	n, err := strconv.ParseInt(text, 16, 64)
	if err != nil || len(text) != digits {
		return t.fail(start, `incomplete escape \%c%s`, kind, text)
	}
	if n > unicode.MaxRune {
		return t.fail(start, `bad escape \%c%s`, kind, text)
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
	return t.backref(n, start, end)
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
	var apart []string
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
			apart = append(apart, "[^"+t.category(rune(item[1]|0x20))+"]")
		}
	}
	members := string(t.out)
	t.out = outer
	t.begin(width{1, 1})
	any := strings.Join(apart, "|")
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
	if string(out) == dash {
		return '-'
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
