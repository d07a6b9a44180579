package pyre

// This file translates Python's pattern syntax to regexp2's.

import (
	"fmt"
	"strconv"
	"strings"
)

// An Error is what Python's re.error says.
type Error struct {
	Msg     string
	Pattern string
	Pos     int // in code points; -1 is unknown
}

func (e *Error) Error() string {
	if e.Pos < 0 {
		return e.Msg
	}
	return fmt.Sprintf("%s at position %d", e.Msg, e.Pos)
}

type translator struct {
	in     []rune
	pos    int
	out    []rune
	flags  Flags
	groups int
	names  map[string]int
	open   []group
	closed map[int]bool
	// atom is where the last thing that a quantifier can stand behind began in
	// out, -1 where there is none.
	atom int
}

// group is a parenthesis that is still open.
type group struct {
	at      int // where it opened in the pattern
	out     int // and in the output
	number  int // of a capturing group
	verbose bool
	ascii   bool
	look    bool
}

func (t *translator) fail(at int, format string, args ...any) error {
	return &Error{Msg: fmt.Sprintf(format, args...), Pattern: encode(t.in), Pos: at}
}

func (t *translator) more() bool { return t.pos < len(t.in) }

func (t *translator) peek(text string) bool {
	return strings.HasPrefix(string(t.in[t.pos:min(t.pos+len(text), len(t.in))]), text)
}

func (t *translator) emit(s string) { t.out = append(t.out, []rune(s)...) }

func (t *translator) run() (string, error) {
	t.closed = map[int]bool{}
	t.atom = -1
	if err := t.leadingFlags(); err != nil {
		return "", err
	}
	for t.more() {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	if len(t.open) > 0 {
		return "", t.fail(t.open[len(t.open)-1].at, "missing ), unterminated subpattern")
	}
	return string(t.out), nil
}

const flagLetters = "aiLmsux"

// leadingFlags takes (?i) and the like, which Python allows at the start alone.
func (t *translator) leadingFlags() error {
	for t.peek("(?") {
		end := t.pos + 2
		for end < len(t.in) && strings.ContainsRune(flagLetters, t.in[end]) {
			end++
		}
		if end == t.pos+2 || end >= len(t.in) || t.in[end] != ')' {
			return nil
		}
		for _, c := range t.in[t.pos+2 : end] {
			t.flags |= flagOf(c)
		}
		t.pos = end + 1
	}
	return nil
}

func flagOf(c rune) Flags {
	switch c {
	case 'i':
		return IgnoreCase
	case 'm':
		return Multiline
	case 's':
		return DotAll
	case 'x':
		return Verbose
	case 'a':
		return ASCII
	}
	return 0
}

func (t *translator) step() error {
	c := t.in[t.pos]
	switch {
	case t.flags&Verbose != 0 && strings.ContainsRune(" \t\n\r\v\f", c):
		t.pos++
	case t.flags&Verbose != 0 && c == '#':
		for t.more() && t.in[t.pos] != '\n' {
			t.pos++
		}
	case c == '(':
		return t.openGroup()
	case c == ')':
		return t.closeGroup()
	case c == '[':
		return t.class()
	case c == '\\':
		return t.escape(false)
	case c == '*' || c == '+' || c == '?' || c == '{' && t.isRepeat():
		return t.quantifier()
	case c == '|':
		t.pos++
		t.out = append(t.out, c)
		t.atom = -1
	case c == '^' || c == '$' || c == '.':
		t.atom = len(t.out)
		t.out = append(t.out, c)
		t.pos++
	default:
		t.literal(c)
		t.pos++
	}
	return nil
}

// literal writes a character that means itself.
func (t *translator) literal(c rune) {
	t.atom = len(t.out)
	if c < 0x80 && strings.ContainsRune(`\*+?|{}[]()^$.# `, c) {
		t.out = append(t.out, '\\')
	}
	t.out = append(t.out, c)
}

func (t *translator) isRepeat() bool {
	_, _, ok := t.repeat()
	return ok
}

// repeat reads {m}, {m,}, {,n} or {m,n} at pos.
func (t *translator) repeat() (text string, end int, ok bool) {
	i := t.pos + 1
	lo := i
	for i < len(t.in) && isDigit(t.in[i]) {
		i++
	}
	low := string(t.in[lo:i])
	if i < len(t.in) && t.in[i] == '}' && low != "" {
		return "{" + low + "}", i + 1, true
	}
	if i >= len(t.in) || t.in[i] != ',' {
		return "", 0, false
	}
	i++
	hi := i
	for i < len(t.in) && isDigit(t.in[i]) {
		i++
	}
	if i >= len(t.in) || t.in[i] != '}' {
		return "", 0, false
	}
	if low == "" {
		low = "0"
	}
	return "{" + low + "," + string(t.in[hi:i]) + "}", i + 1, true
}

func (t *translator) quantifier() error {
	start := t.pos
	if t.atom < 0 {
		return t.fail(start, "nothing to repeat")
	}
	text, end := string(t.in[t.pos]), t.pos+1
	if t.in[t.pos] == '{' {
		text, end, _ = t.repeat()
		lo, hi, two := strings.Cut(strings.Trim(text, "{}"), ",")
		l, errLo := strconv.ParseInt(lo, 10, 32)
		h, errHi := int64(1<<31-1), error(nil)
		if two && hi != "" {
			h, errHi = strconv.ParseInt(hi, 10, 32)
		}
		if errLo != nil || errHi != nil {
			return t.fail(start, "the repetition number is too large")
		}
		if h < l {
			return t.fail(start+1, "min repeat greater than max repeat")
		}
	}
	t.pos = end
	lazy, possessive := false, false
	if t.more() {
		lazy, possessive = t.in[t.pos] == '?', t.in[t.pos] == '+'
	}
	if lazy || possessive {
		t.pos++
	}
	if t.more() && (strings.ContainsRune("*+?", t.in[t.pos]) || t.in[t.pos] == '{' && t.isRepeat()) {
		return t.fail(t.pos, "multiple repeat")
	}
	if possessive {
		inner := append([]rune("(?>"), t.out[t.atom:]...)
		t.out = append(append(t.out[:t.atom], inner...), []rune(text+")")...)
	} else {
		t.emit(text)
		if lazy {
			t.emit("?")
		}
	}
	t.atom = -1
	return nil
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func (t *translator) push(text string, number int, look bool) {
	t.open = append(t.open, group{at: t.pos, out: len(t.out), number: number, look: look,
		verbose: t.flags&Verbose != 0, ascii: t.flags&ASCII != 0})
	t.emit(text)
	t.atom = -1
}

func (t *translator) openGroup() error {
	start := t.pos
	if !t.peek("(?") {
		t.groups++
		t.push("(", t.groups, false)
		t.pos++
		return nil
	}
	for _, p := range []string{"(?:", "(?>", "(?=", "(?!", "(?<=", "(?<!"} {
		if t.peek(p) {
			t.push(p, 0, p != "(?:" && p != "(?>")
			t.pos += len(p)
			return nil
		}
	}
	switch {
	case t.peek("(?#"):
		for t.more() && t.in[t.pos] != ')' {
			t.pos++
		}
		if !t.more() {
			return t.fail(start, "missing ), unterminated comment")
		}
		t.pos++
		return nil
	case t.peek("(?P<"):
		name, err := t.name(t.pos+4, '>')
		if err != nil {
			return err
		}
		t.groups++
		if old, dup := t.names[name]; dup {
			return t.fail(start+4, "redefinition of group name '%s' as group %d; was group %d", name, t.groups, old)
		}
		t.names[name] = t.groups
		t.push("(", t.groups, false)
		t.pos += len([]rune(name)) + 5
		return nil
	case t.peek("(?P="):
		name, err := t.name(t.pos+4, ')')
		if err != nil {
			return err
		}
		n, ok := t.names[name]
		if !ok {
			return t.fail(start+4, "unknown group name '%s'", name)
		}
		t.pos += len([]rune(name)) + 5
		return t.backref(n, start)
	case t.peek("(?("):
		return t.conditional()
	}
	return t.scopedFlags()
}

func (t *translator) name(from int, end rune) (string, error) {
	i := from
	for i < len(t.in) && t.in[i] != end {
		i++
	}
	if i >= len(t.in) {
		return "", t.fail(from, "missing %c, unterminated name", end)
	}
	name := string(t.in[from:i])
	if name == "" {
		return "", t.fail(from, "missing group name")
	}
	for k, c := range name {
		if c != '_' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c < 0x80 && (k == 0 || !isDigit(c)) {
			return "", t.fail(from, "bad character in group name '%s'", name)
		}
	}
	return name, nil
}

// conditional takes (?(1)yes|no) and (?(name)yes|no).
func (t *translator) conditional() error {
	end := t.pos + 3
	for end < len(t.in) && t.in[end] != ')' {
		end++
	}
	if end >= len(t.in) {
		return t.fail(t.pos+3, "missing ), unterminated name")
	}
	ref := string(t.in[t.pos+3 : end])
	n, err := strconv.Atoi(ref)
	if err != nil {
		known := false
		if n, known = t.names[ref]; !known {
			return t.fail(t.pos+3, "unknown group name '%s'", ref)
		}
	}
	if n < 1 || n > t.groups {
		return t.fail(t.pos+3, "invalid group reference %d", n)
	}
	t.push(fmt.Sprintf("(?(%d)", n), 0, false)
	t.pos = end + 1
	return nil
}

// scopedFlags takes (?i:...) and (?s-i:...).
func (t *translator) scopedFlags() error {
	start := t.pos
	i := t.pos + 2
	var on, off Flags
	var onText, offText string
	minus := false
	for ; i < len(t.in) && t.in[i] != ':' && t.in[i] != ')'; i++ {
		c := t.in[i]
		switch {
		case c == '-' && !minus:
			minus = true
		case !strings.ContainsRune(flagLetters, c):
			return t.fail(start+1, "unknown extension ?%s", string(t.in[start+2:t.extensionEnd(start+2)]))
		case minus:
			off |= flagOf(c)
			offText += netFlag(c)
		default:
			on |= flagOf(c)
			onText += netFlag(c)
		}
	}
	if i >= len(t.in) {
		return t.fail(start+1, "missing -, : or )")
	}
	if t.in[i] == ')' {
		return t.fail(start, "global flags not at the start of the expression")
	}
	text := "(?" + onText
	if offText != "" {
		text += "-" + offText
	}
	t.push(text+":", 0, false)
	t.flags = t.flags&^off | on&(Verbose|ASCII)
	t.pos = i + 1
	return nil
}

// extensionEnd says how much of an unknown (?... Python names.
func (t *translator) extensionEnd(at int) int {
	if c := t.in[at]; c == 'P' || c == '<' {
		return min(at+2, len(t.in))
	}
	return at + 1
}

// netFlag is the flag in regexp2's syntax; whitespace of verbose patterns is
// taken out here and ASCII is translated, so these need none.
func netFlag(c rune) string {
	if strings.ContainsRune("ims", c) {
		return string(c)
	}
	return ""
}

func (t *translator) closeGroup() error {
	if len(t.open) == 0 {
		return t.fail(t.pos, "unbalanced parenthesis")
	}
	g := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	t.closed[g.number] = true
	t.flags = t.flags &^ (Verbose | ASCII)
	if g.verbose {
		t.flags |= Verbose
	}
	if g.ascii {
		t.flags |= ASCII
	}
	t.out = append(t.out, ')')
	t.atom = g.out
	t.pos++
	return nil
}

func (t *translator) backref(n, at int) error {
	if n > t.groups {
		return t.fail(at+1, "invalid group reference %d", n)
	}
	if !t.closed[n] {
		return t.fail(at, "cannot refer to an open group")
	}
	t.atom = len(t.out)
	// Framed, so that digits behind it stay text.
	t.emit(fmt.Sprintf(`(?:\%d)`, n))
	return nil
}
