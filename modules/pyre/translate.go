package pyre

// This file translates Python's pattern syntax to regexp2's.

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
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
	widths map[int]width // of the groups that are closed
	// atom is where the last item began in out, -1 where there is none yet.
	atom int
	last itemKind
	seq  width // of the items before the last one, in the branch that is read
	item width // of the last one
	// behind is how many groups there were where the outermost look-behind that
	// is open began, -1 outside of one.
	behind   int
	branched bool // a | stood outside of all groups
	unicode  bool // (?u)
	// loose says that a look-behind has no fixed width.
	loose bool
	// refs are the groups that conditions ask for and where, in order.
	refs []groupRef
}

// itemKind is what a quantifier stands behind.
type itemKind int

const (
	noItem itemKind = iota
	anItem
	assertion // ^ $ \b and the like, which cannot be repeated
	repeated
)

// width is the least and the most that an item matches, in code points.
type width struct{ lo, hi int }

// maxWidth stands for any number.
const maxWidth = 1 << 30

func (w width) plus(o width) width { return width{min(w.lo+o.lo, maxWidth), min(w.hi+o.hi, maxWidth)} }

func (w width) or(o width) width { return width{min(w.lo, o.lo), max(w.hi, o.hi)} }

func (w width) times(lo, hi int) width {
	product := func(a, b int) int {
		if a != 0 && b > maxWidth/a {
			return maxWidth
		}
		return a * b
	}
	return width{product(w.lo, lo), product(w.hi, hi)}
}

type groupRef struct{ group, at int }

// group is a parenthesis that is still open.
type group struct {
	at     int // where it opened in the pattern
	out    int // and in the output
	number int // of a capturing group
	flags  Flags
	look   bool // it matches no text of its own
	behind bool // it is the outermost look-behind
	fixed  bool // it is a look-behind, which has to have one width
	cond   bool // it is (?(1)...)

	outer    width // what came before it
	branches width // of those that are complete
	count    int   // how many these are
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
	t.widths = map[int]width{}
	t.atom, t.behind = -1, -1
	for t.more() {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	if len(t.open) > 0 {
		return "", t.fail(t.open[len(t.open)-1].at, "missing ), unterminated subpattern")
	}
	for _, r := range t.refs {
		if r.group > t.groups {
			return "", t.fail(r.at, "invalid group reference %d", r.group)
		}
	}
	if t.unicode && t.flags&ASCII != 0 {
		return "", t.fail(-1, "ASCII and UNICODE flags are incompatible")
	}
	if t.loose {
		return "", t.fail(-1, "look-behind requires fixed-width pattern")
	}
	return string(t.out), nil
}

// begin notes that an item of a width begins at the end of the output.
func (t *translator) begin(w width) {
	t.seq, t.item = t.seq.plus(t.item), w
	t.atom, t.last = len(t.out), anItem
}

// assert writes an assertion.
func (t *translator) assert(text string) {
	t.begin(width{})
	t.last = assertion
	t.emit(text)
}

const flagLetters = "aiLmsux"

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
		return t.branch()
	case c == '^' || c == '$':
		t.pos++
		t.assert(string(c))
	case c == '.':
		t.pos++
		t.begin(width{1, 1})
		t.out = append(t.out, c)
	default:
		t.literal(c)
		t.pos++
	}
	return nil
}

// branch ends a branch of an alternative.
func (t *translator) branch() error {
	if len(t.open) == 0 {
		t.branched = true
	} else {
		g := &t.open[len(t.open)-1]
		if g.endBranch(t.seq.plus(t.item)); g.cond && g.count > 1 {
			return t.fail(t.pos, "conditional backref with more than two branches")
		}
	}
	t.pos++
	t.out = append(t.out, '|')
	t.reset()
	return nil
}

// reset begins a branch.
func (t *translator) reset() { t.seq, t.item, t.atom, t.last = width{}, width{}, -1, noItem }

func (g *group) endBranch(w width) {
	if g.count > 0 {
		w = w.or(g.branches)
	}
	g.branches, g.count = w, g.count+1
}

// literal writes a character that means itself.
func (t *translator) literal(c rune) {
	t.begin(width{1, 1})
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
	text, end := string(t.in[t.pos]), t.pos+1
	lo, hi := 0, maxWidth
	switch text {
	case "+":
		lo = 1
	case "?":
		hi = 1
	case "{":
		text, end, _ = t.repeat()
		var err error
		if lo, hi, err = bounds(text); err != nil {
			return t.fail(-1, "the repetition number is too large")
		}
		if hi < lo {
			return t.fail(start+1, "min repeat greater than max repeat")
		}
	}
	switch t.last {
	case noItem, assertion:
		return t.fail(start, "nothing to repeat")
	case repeated:
		return t.fail(start, "multiple repeat")
	}
	t.pos = end
	switch {
	case t.more() && t.in[t.pos] == '+':
		t.pos++
		inner := append([]rune("(?>"), t.out[t.atom:]...)
		t.out = append(append(t.out[:t.atom], inner...), []rune(text+")")...)
	case t.more() && t.in[t.pos] == '?':
		t.pos++
		t.emit(text + "?")
	default:
		t.emit(text)
	}
	t.item, t.last = t.item.times(lo, hi), repeated
	return nil
}

// bounds reads back {m}, {m,} and {m,n}.
func bounds(text string) (lo, hi int, err error) {
	low, high, two := strings.Cut(strings.Trim(text, "{}"), ",")
	if lo, err = strconv.Atoi(low); err != nil || lo > 1<<31-1 {
		return 0, 0, strconv.ErrRange
	}
	if !two {
		return lo, lo, nil
	}
	if high == "" {
		return lo, max(maxWidth, lo), nil
	}
	if hi, err = strconv.Atoi(high); err != nil || hi > 1<<31-1 {
		return 0, 0, strconv.ErrRange
	}
	return lo, hi, nil
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func (t *translator) push(text string, g group) {
	g.at, g.out, g.flags = t.pos, len(t.out), t.flags
	g.outer = t.seq.plus(t.item)
	t.open = append(t.open, g)
	t.emit(text)
	t.reset()
}

// forms are the groups without a number, by how they begin.
var forms = []struct {
	begin string
	g     group
}{
	{"(?:", group{}},
	{"(?>", group{}},
	{"(?=", group{look: true}},
	{"(?!", group{look: true}},
	{"(?<=", group{look: true, fixed: true}},
	{"(?<!", group{look: true, fixed: true}},
}

func (t *translator) openGroup() error {
	start := t.pos
	if !t.peek("(?") {
		t.groups++
		t.push("(", group{number: t.groups})
		t.pos++
		return nil
	}
	for _, f := range forms {
		if t.peek(f.begin) {
			g := f.g
			if g.fixed && t.behind < 0 {
				t.behind, g.behind = t.groups, true
			}
			t.push(f.begin, g)
			t.pos += len(f.begin)
			return nil
		}
	}
	switch {
	case t.peek("(?#"):
		for t.more() && t.in[t.pos] != ')' {
			if t.in[t.pos] == '\\' {
				t.pos++
			}
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
			return t.fail(start+4, "redefinition of group name %s as group %d; was group %d", quoted(name), t.groups, old)
		}
		t.names[name] = t.groups
		t.push("(", group{number: t.groups})
		t.pos += len([]rune(name)) + 5
		return nil
	case t.peek("(?P="):
		name, err := t.name(t.pos+4, ')')
		if err != nil {
			return err
		}
		n, ok := t.names[name]
		if !ok {
			return t.fail(start+4, "unknown group name %s", quoted(name))
		}
		t.pos += len([]rune(name)) + 5
		return t.backref(n, start+4, t.pos)
	case t.peek("(?("):
		return t.conditional()
	}
	return t.inlineFlags()
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
	if !isIdentifier(name) {
		return "", t.fail(from, "bad character in group name %s", quoted(name))
	}
	return name, nil
}

// isIdentifier is str.isidentifier, as near as Unicode's classes come to it.
func isIdentifier(s string) bool {
	for i, c := range s {
		if c != '_' && !unicode.IsLetter(c) && !unicode.Is(unicode.Nl, c) &&
			(i == 0 || !unicode.IsDigit(c) && !unicode.IsMark(c)) {
			return false
		}
	}
	return s != ""
}

// quoted is Python's repr of a name.
func quoted(s string) string {
	s = strings.ReplaceAll(s, `\`, `\\`)
	if strings.Contains(s, "'") {
		if !strings.Contains(s, `"`) {
			return `"` + s + `"`
		}
		s = strings.ReplaceAll(s, "'", `\'`)
	}
	return "'" + s + "'"
}

// conditional takes (?(1)yes|no) and (?(name)yes|no).
func (t *translator) conditional() error {
	from := t.pos + 3
	end := from
	for end < len(t.in) && t.in[end] != ')' {
		end++
	}
	ref := string(t.in[from:end])
	switch {
	case ref == "":
		return t.fail(from, "missing group name")
	case end >= len(t.in):
		return t.fail(from, "missing ), unterminated name")
	}
	n, known := t.names[ref]
	if !known {
		if isIdentifier(ref) {
			return t.fail(from, "unknown group name %s", quoted(ref))
		}
		var err error
		n, err = strconv.Atoi(strings.TrimSpace(ref))
		switch {
		case err != nil || n < 0:
			return t.fail(from, "bad character in group name %s", quoted(ref))
		case n == 0:
			return t.fail(from, "bad group number")
		case n > maxWidth:
			return t.fail(from, "invalid group reference %d", n)
		}
	}
	t.refs = append(t.refs, groupRef{n, from})
	if err := t.checkBehind(n, end+1); err != nil {
		return err
	}
	t.push(fmt.Sprintf("(?(%d)", n), group{cond: true})
	t.pos = end + 1
	return nil
}

// checkBehind refuses a reference inside a look-behind to a group that is not
// complete before it.
func (t *translator) checkBehind(n, at int) error {
	if t.behind < 0 {
		return nil
	}
	if _, closed := t.widths[n]; !closed {
		return t.fail(at, "cannot refer to an open group")
	}
	if n > t.behind {
		return t.fail(at, "cannot refer to group defined in the same lookbehind subpattern")
	}
	return nil
}

// inlineFlags takes (?i), which Python allows at the start alone, (?i:...) and
// (?s-i:...).
func (t *translator) inlineFlags() error {
	start, i := t.pos, t.pos+2
	if i >= len(t.in) {
		return t.fail(i, "unexpected end of pattern")
	}
	if c := t.in[i]; c != '-' && !strings.ContainsRune(flagLetters, c) {
		end, err := t.extensionEnd(i)
		if err != nil {
			return err
		}
		return t.fail(start+1, "unknown extension ?%s", string(t.in[i:end]))
	}
	on, i, err := t.flagRun(i, true, "missing -, : or )")
	if err != nil {
		return err
	}
	if t.in[i] == ')' {
		return t.globalFlags(on, start, i+1)
	}
	off := ""
	if t.in[i] == '-' {
		i++
		if i >= len(t.in) || !strings.ContainsRune(flagLetters, t.in[i]) {
			return t.badFlag(i, "missing flag")
		}
		if off, i, err = t.flagRun(i, false, "missing :"); err != nil {
			return err
		}
	}
	if strings.ContainsAny(on, off) {
		return t.fail(i, "bad inline flags: flag turned on and off")
	}
	text := "(?" + netFlags(on)
	if less := netFlags(off); less != "" {
		text += "-" + less
	}
	t.push(text+":", group{})
	t.flags = t.flags&^flagsOf(off) | flagsOf(on)&(Verbose|ASCII)
	if strings.Contains(on, "u") {
		t.flags &^= ASCII
	}
	t.pos = i + 1
	return nil
}

// flagRun reads letters of flags up to what ends them; lacking is what is said
// where that is missing.
func (t *translator) flagRun(i int, on bool, lacking string) (letters string, end int, err error) {
	for ; i < len(t.in) && strings.ContainsRune(flagLetters, t.in[i]); i++ {
		c := t.in[i]
		switch {
		case !on && (c == 'a' || c == 'u' || c == 'L'):
			return "", 0, t.fail(i+1, "bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
		case c == 'L':
			return "", 0, t.fail(i+1, "bad inline flags: cannot use 'L' flag with a str pattern")
		case c == 'a' && strings.Contains(letters, "u"), c == 'u' && strings.Contains(letters, "a"):
			return "", 0, t.fail(i+1, "bad inline flags: flags 'a', 'u' and 'L' are incompatible")
		}
		letters += string(c)
	}
	ends := ":"
	if on {
		ends = ":)-"
	}
	if i >= len(t.in) || !strings.ContainsRune(ends, t.in[i]) {
		return "", 0, t.badFlag(i, lacking)
	}
	return letters, i, nil
}

// badFlag is the error of what stands at i in place of a flag.
func (t *translator) badFlag(i int, lacking string) error {
	if i < len(t.in) && unicode.IsLetter(t.in[i]) {
		return t.fail(i, "unknown flag")
	}
	return t.fail(i, "%s", lacking)
}

// globalFlags takes flags of the whole pattern.
func (t *translator) globalFlags(letters string, start, end int) error {
	if len(t.open) > 0 || t.branched || t.last != noItem {
		return t.fail(start, "global flags not at the start of the expression")
	}
	t.flags |= flagsOf(letters)
	t.unicode = t.unicode || strings.Contains(letters, "u")
	t.pos = end
	return nil
}

func flagsOf(letters string) (f Flags) {
	for _, c := range letters {
		f |= flagOf(c)
	}
	return f
}

// extensionEnd says how much of an unknown (?... Python names.
func (t *translator) extensionEnd(at int) (int, error) {
	if c := t.in[at]; c == 'P' || c == '<' {
		at++
	}
	switch {
	case at >= len(t.in):
		return 0, t.fail(at, "unexpected end of pattern")
	case t.in[at] == '\\' && at+1 < len(t.in):
		at++
	}
	return at + 1, nil
}

// netFlags are the flags in regexp2's syntax; whitespace of verbose patterns is
// taken out here and ASCII is translated, so these need none.
func netFlags(letters string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("ims", c) {
			return c
		}
		return -1
	}, letters)
}

func (t *translator) closeGroup() error {
	if len(t.open) == 0 {
		return t.fail(t.pos, "unbalanced parenthesis")
	}
	g := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	if g.cond && g.count == 0 {
		g.endBranch(width{}) // the one for no
	}
	g.endBranch(t.seq.plus(t.item))
	w := g.branches
	if g.number > 0 {
		t.widths[g.number] = w
	}
	if g.fixed && w.lo != w.hi {
		t.loose = true
	}
	if g.behind {
		t.behind = -1
	}
	if g.look {
		w = width{}
	}
	t.flags = g.flags
	t.out = append(t.out, ')')
	t.seq, t.item, t.atom, t.last = g.outer, w, g.out, anItem
	t.pos++
	return nil
}

// backref writes a reference to a group; at is where the reference stands, and
// end is behind it.
func (t *translator) backref(n, at, end int) error {
	if n > t.groups {
		return t.fail(at+1, "invalid group reference %d", n)
	}
	w, closed := t.widths[n]
	if !closed {
		return t.fail(at, "cannot refer to an open group")
	}
	if err := t.checkBehind(n, end); err != nil {
		return err
	}
	t.begin(w)
	// Framed, so that digits behind it stay text.
	t.emit(fmt.Sprintf(`(?:\%d)`, n))
	return nil
}
