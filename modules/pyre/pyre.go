// Package pyre gives the semantics of Python's re module, which Ansible's
// modules and filters are specified in: look-around, back-references, groups
// that are numbered in the order they open, Python's flags, replacement
// templates and its rule for empty matches. Patterns are translated to the
// syntax of regexp2. Offsets are code points, as in Python; bytes that are no
// UTF-8 survive (they stand for surrogates, as with surrogateescape).
package pyre

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Flags are the flags of re.compile.
type Flags int

// The flags, by their long Python names.
const (
	IgnoreCase Flags = 1 << iota
	Multiline
	DotAll
	Verbose
	ASCII
)

// MaxTime is how long a search may take: patterns such as (a+)+$ try ways whose
// number doubles with each character, where Python's re goes on without end.
const MaxTime = 15 * time.Second

var maxTime = MaxTime // less in tests

// TooLong is what a search panics with after [MaxTime]; the entries of modules
// and of templates make an error of it, as of any error with a Timeout method.
type TooLong struct{ Pattern string }

func (e *TooLong) Error() string {
	return fmt.Sprintf("the regular expression %q takes longer than %s on this text", e.Pattern, MaxTime)
}

// Timeout says that the error is one of time, as net.Error's does.
func (e *TooLong) Timeout() bool { return true }

// A Regexp is a compiled pattern; it is safe for use by many goroutines.
type Regexp struct {
	pattern string
	flags   Flags
	expr    string // in regexp2's syntax
	groups  int
	names   map[string]int

	search   *regexp2.Regexp
	anchored lazy // \A(?:expr): match
	full     lazy // \A(?:expr)\z: fullmatch
	advance  lazy // (?:expr)(?!\G): a match that is not empty at the start of the search
}

// lazy is a variant of the expression that is compiled on first use.
type lazy struct {
	once sync.Once
	re   *regexp2.Regexp
}

func (l *lazy) get(expr string, flags Flags) *regexp2.Regexp {
	// The expression has been compiled before without the frame around it, so
	// this cannot fail.
	l.once.Do(func() {
		l.re = regexp2.MustCompile(expr, options(flags))
		l.re.MatchTimeout = maxTime
	})
	return l.re
}

func options(f Flags) regexp2.RegexOptions {
	var o regexp2.RegexOptions
	if f&IgnoreCase != 0 {
		o |= regexp2.IgnoreCase
	}
	if f&Multiline != 0 {
		o |= regexp2.Multiline
	}
	if f&DotAll != 0 {
		o |= regexp2.Singleline
	}
	return o
}

// Compile translates a pattern in Python's syntax. Errors are *Error with
// Python's wording.
func Compile(pattern string, flags Flags) (*Regexp, error) {
	t := &translator{in: decode(pattern), flags: flags, names: map[string]int{}}
	expr, err := t.run()
	if err != nil {
		return nil, err
	}
	re, err := regexp2.Compile(expr, options(t.flags))
	if err != nil {
		return nil, &Error{Msg: err.Error(), Pattern: pattern, Pos: -1}
	}
	re.MatchTimeout = maxTime
	return &Regexp{pattern: pattern, flags: t.flags, expr: expr, groups: t.groups, names: t.names, search: re}, nil
}

// MustCompile is Compile for patterns that are part of the program.
func MustCompile(pattern string, flags Flags) *Regexp {
	re, err := Compile(pattern, flags)
	if err != nil {
		panic("pyre: " + pattern + ": " + err.Error())
	}
	return re
}

// String returns the pattern as it was given.
func (re *Regexp) String() string { return re.pattern }

// NumGroups is the count of groups, without group 0.
func (re *Regexp) NumGroups() int { return re.groups }

// GroupIndex maps names of groups to their numbers; it must not be changed.
func (re *Regexp) GroupIndex() map[string]int { return re.names }

// A Match is one match.
type Match struct {
	re    *Regexp
	text  []rune
	spans [][2]int // per group, in code points; -1 where it took no part
}

// Start and End are the bounds of a group in code points, -1 where the group
// took no part.
func (m *Match) Start(group int) int { return m.spans[group][0] }
func (m *Match) End(group int) int   { return m.spans[group][1] }

// Group returns a group's text; ok is false where it took no part.
func (m *Match) Group(group int) (text string, ok bool) {
	if group < 0 || group >= len(m.spans) || m.spans[group][0] < 0 {
		return "", false
	}
	return encode(m.text[m.spans[group][0]:m.spans[group][1]]), true
}

// Text is the text of the whole match.
func (m *Match) Text() string {
	s, _ := m.Group(0)
	return s
}

// Named returns the text of a named group.
func (m *Match) Named(name string) (text string, ok bool) {
	n, known := m.re.names[name]
	if !known {
		return "", false
	}
	return m.Group(n)
}

// Slice is a part of the text that was searched, from one code point up to
// another; -1 is the end.
func (m *Match) Slice(from, to int) string {
	if to < 0 {
		to = len(m.text)
	}
	return encode(m.text[from:to])
}

// Expand fills a replacement template (Match.expand of Python).
func (m *Match) Expand(template string) (string, error) {
	t, err := m.re.template(template)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	t.expand(&b, m)
	return b.String(), nil
}

func (re *Regexp) newMatch(text []rune, m *regexp2.Match) *Match {
	if m == nil {
		return nil
	}
	spans := make([][2]int, re.groups+1)
	for i := range spans {
		spans[i] = [2]int{-1, -1}
		g := m.GroupByNumber(i)
		if g != nil && len(g.Captures) > 0 {
			spans[i] = [2]int{g.Index, g.Index + g.Length}
		}
	}
	return &Match{re: re, text: text, spans: spans}
}

func (re *Regexp) find(r *regexp2.Regexp, text []rune, at int) *regexp2.Match {
	m, err := r.FindRunesMatchStartingAt(text, at)
	if err != nil { // the time is over: there is no other error
		panic(&TooLong{re.pattern})
	}
	return m
}

// Search is re.search: the first match anywhere, nil where there is none.
func (re *Regexp) Search(s string) *Match {
	text := decode(s)
	return re.newMatch(text, re.find(re.search, text, 0))
}

// Match is re.match: a match at the beginning.
func (re *Regexp) Match(s string) *Match {
	text := decode(s)
	return re.newMatch(text, re.find(re.anchored.get(`\A(?:`+re.expr+`)`, re.flags), text, 0))
}

// FullMatch is re.fullmatch: a match of the whole string.
func (re *Regexp) FullMatch(s string) *Match {
	text := decode(s)
	return re.newMatch(text, re.find(re.full.get(`\A(?:`+re.expr+`)\z`, re.flags), text, 0))
}

// FindIter is re.finditer; max limits the count of matches, 0 is no limit.
func (re *Regexp) FindIter(s string, max int) []*Match { return re.findIter(decode(s), max) }

func (re *Regexp) findIter(text []rune, max int) []*Match {
	var all []*Match
	at, empty := 0, false
	began := time.Now()
	for max == 0 || len(all) < max {
		if len(all)&0xff == 0xff && time.Since(began) > maxTime {
			panic(&TooLong{re.pattern})
		}
		r := re.search
		if empty {
			// After an empty match Python searches on from the same place, for
			// a match that is not empty there.
			r = re.advance.get(`(?:`+re.expr+`)(?!\G)`, re.flags)
		}
		m := re.newMatch(text, re.find(r, text, at))
		if m == nil {
			break
		}
		all = append(all, m)
		at = m.End(0)
		empty = m.Start(0) == m.End(0)
	}
	return all
}

// FindAll is re.findall: without groups a list of one text for each match,
// else the texts of the groups ("" where one took no part).
func (re *Regexp) FindAll(s string) [][]string {
	var all [][]string
	for _, m := range re.FindIter(s, 0) {
		if re.groups == 0 {
			all = append(all, []string{m.Text()})
			continue
		}
		texts := make([]string, re.groups)
		for i := range texts {
			texts[i], _ = m.Group(i + 1)
		}
		all = append(all, texts)
	}
	return all
}

// Sub is re.subn: it replaces up to count matches (0: all) by the template
// and returns how many there were.
func (re *Regexp) Sub(template, s string, count int) (string, int, error) {
	t, err := re.template(template)
	if err != nil {
		return "", 0, err
	}
	out, n := re.SubFunc(func(b *strings.Builder, m *Match) { t.expand(b, m) }, s, count)
	return out, n, nil
}

// SubFunc is re.subn with a function that writes the replacement.
func (re *Regexp) SubFunc(repl func(*strings.Builder, *Match), s string, count int) (string, int) {
	text := decode(s)
	matches := re.findIter(text, count)
	if len(matches) == 0 {
		return s, 0
	}
	var b strings.Builder
	at := 0
	for _, m := range matches {
		b.WriteString(encode(text[at:m.Start(0)]))
		repl(&b, m)
		at = m.End(0)
	}
	b.WriteString(encode(text[at:]))
	return b.String(), len(matches)
}

// A Part is a piece of a split string: text between matches, or a group; Ok is
// false for a group that took no part (Python's None).
type Part struct {
	Text string
	Ok   bool
}

// Split is re.split; max limits the count of splits, 0 is no limit.
func (re *Regexp) Split(s string, max int) []Part {
	text := decode(s)
	var parts []Part
	at := 0
	for _, m := range re.findIter(text, max) {
		parts = append(parts, Part{encode(text[at:m.Start(0)]), true})
		for g := 1; g <= re.groups; g++ {
			t, ok := m.Group(g)
			parts = append(parts, Part{t, ok})
		}
		at = m.End(0)
	}
	return append(parts, Part{encode(text[at:]), true})
}

// Escape is re.escape.
func Escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// rawByte is where bytes that are no UTF-8 are kept, as Python's surrogateescape.
const rawByte = 0xDC00

func decode(s string) []rune {
	if utf8.ValidString(s) {
		return []rune(s)
	}
	out := make([]rune, 0, len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = rawByte + rune(s[0])
		}
		out = append(out, r)
		s = s[n:]
	}
	return out
}

func encode(rs []rune) string {
	var b strings.Builder
	b.Grow(len(rs))
	for _, r := range rs {
		if r >= rawByte+0x80 && r <= rawByte+0xFF {
			b.WriteByte(byte(r - rawByte))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
