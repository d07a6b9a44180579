package templates

// This file wraps text as Python's textwrap
// (https://docs.python.org/3/library/textwrap.html) and prints values as its
// pprint (https://docs.python.org/3/library/pprint.html).

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wrapper is textwrap.TextWrapper with expand_tabs and replace_whitespace off.
type wrapper struct {
	width              int
	breakLong, hyphens bool
}

// wrap splits a text into lines of at most w.width characters.
func (w *wrapper) wrap(text string) []string {
	if w.width <= 0 {
		throw(ValueError, "invalid width %d (must be > 0)", w.width)
	}
	chunks := w.chunks(text)
	var lines []string
	for len(chunks) > 0 {
		if len(lines) > 0 && isBlankText(chunks[0]) {
			chunks = chunks[1:]
			if len(chunks) == 0 {
				break
			}
		}
		var line []string
		n := 0
		for len(chunks) > 0 && n+runeLen(chunks[0]) <= w.width {
			n += runeLen(chunks[0])
			line = append(line, chunks[0])
			chunks = chunks[1:]
		}
		if len(chunks) > 0 && runeLen(chunks[0]) > w.width && (w.breakLong || len(line) == 0) {
			head, tail := w.breakChunk(chunks[0], w.width-n)
			line = append(line, head)
			if tail == "" {
				chunks = chunks[1:]
			} else {
				chunks = append([]string{tail}, chunks[1:]...)
			}
		}
		if len(line) > 0 && isBlankText(line[len(line)-1]) {
			line = line[:len(line)-1]
		}
		if len(line) > 0 {
			lines = append(lines, strings.Join(line, ""))
		}
	}
	return lines
}

// breakChunk splits a chunk that is longer than a line.
func (w *wrapper) breakChunk(chunk string, space int) (head, tail string) {
	if w.width < 1 {
		space = 1
	}
	if !w.breakLong {
		return chunk, ""
	}
	end := space
	if w.hyphens && runeLen(chunk) > space {
		part := prefix(chunk, space)
		if i := strings.LastIndexByte(part, '-'); i > 0 && strings.Trim(part[:i], "-") != "" {
			end = runeLen(part[:i]) + 1
		}
	}
	head = prefix(chunk, end)
	return head, chunk[len(head):]
}

func isBlankText(s string) bool { return strings.TrimFunc(s, isASCIISpace) == "" }

func isASCIISpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

// chunks splits a text into words and the blanks between them; a word may
// break behind a hyphen and around a dash.
func (w *wrapper) chunks(text string) []string {
	var out []string
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return !isASCIISpace(r) })
		if n != 0 {
			if n < 0 {
				n = len(text)
			}
			out = append(out, text[:n])
			text = text[n:]
			continue
		}
		if n = strings.IndexFunc(text, isASCIISpace); n < 0 {
			n = len(text)
		}
		if w.hyphens {
			out = append(out, splitHyphens(text[:n])...)
		} else {
			out = append(out, text[:n])
		}
		text = text[n:]
	}
	return out
}

// splitHyphens splits a word behind hyphens between letters, and around
// dashes of two or more hyphens.
func splitHyphens(word string) []string {
	var out []string
	r := []rune(word)
	letter := func(i int) bool { return i >= 0 && i < len(r) && (unicode.IsLetter(r[i]) || r[i] == '_') }
	wordPunct := func(i int) bool {
		return i >= 0 && i < len(r) && (isWord(r[i]) || strings.ContainsRune("!\"'&.,?", r[i]))
	}
	start := 0
	for i := 0; i < len(r); i++ {
		if r[i] != '-' {
			continue
		}
		j := i
		for j < len(r) && r[j] == '-' {
			j++
		}
		switch {
		case j-i >= 2 && wordPunct(i-1) && j < len(r) && isWord(r[j]):
			if start < i {
				out = append(out, string(r[start:i]))
			}
			out = append(out, string(r[i:j]))
			start = j
		case j-i == 1 && i > start && letter(i-1) && (letter(i-2) || i-2 >= 0 && r[i-2] == '-') && letter(i+1) && (letter(i+2) || i+2 < len(r) && r[i+2] == '-'):
			out = append(out, string(r[start:j]))
			start = j
		}
		i = j - 1
	}
	if start < len(r) {
		out = append(out, string(r[start:]))
	}
	return out
}

// pprintWidth is the width that pprint fills.
const pprintWidth = 80

// pprinter is pprint.PrettyPrinter with its defaults.
type pprinter struct {
	era     Era
	levels  int  // how many containers in one another are shown; 0: all
	compact bool // as many elements a line as fit
	visits  int  // values looked at
}

// format writes v at a column; allowance is what has to follow on its last line.
func (p *pprinter) format(v Value, indent, allowance, depth int) string {
	rep := p.repr(v, depth)
	if depth > maxDepth || len(rep) <= pprintWidth-indent-allowance || runeLen(rep) <= pprintWidth-indent-allowance {
		return rep
	}
	switch x := v.(type) {
	case *List:
		return "[" + p.items(x.Elems, indent+1, allowance+1, depth) + "]"
	case Tuple:
		end := ")"
		if len(x) == 1 {
			end = ",)"
		}
		return "(" + p.items(x, indent+1, allowance+len(end), depth) + end
	case Mapping:
		return p.dict(x, indent, allowance, depth)
	case Str:
		return p.text(string(x), indent, allowance, depth)
	}
	return rep
}

func (p *pprinter) items(elems []Value, indent, allowance, depth int) string {
	var b strings.Builder
	full := pprintWidth - indent + 1 // what a line takes,
	left := full                     // and what there is left of it
	newLine := ",\n" + strings.Repeat(" ", indent)
	between := ""
	for i, e := range elems {
		more := 1
		if i == len(elems)-1 {
			more = allowance
			full -= allowance
			left -= allowance
		}
		if p.compact {
			rep := p.repr(e, depth+1)
			n := runeLen(rep) + len(", ")
			if left < n {
				left = full
				if between != "" {
					between = newLine
				}
			}
			if left >= n {
				left -= n
				b.WriteString(between + rep)
				between = ", "
				continue
			}
		}
		b.WriteString(between + p.format(e, indent, more, depth+1))
		between = newLine
	}
	return b.String()
}

func (p *pprinter) dict(m Mapping, indent, allowance, depth int) string {
	keys := p.sorted(m)
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range keys {
		v, _, _ := m.Get(k) // k is a key of m
		if i > 0 {
			b.WriteString(",\n" + strings.Repeat(" ", indent+1))
		}
		key := p.repr(k, depth)
		more := 1
		if i == len(keys)-1 {
			more = allowance + 1
		}
		b.WriteString(key + ": " + p.format(v, indent+1+runeLen(key)+2, more, depth+1))
	}
	return b.String() + "}"
}

// sorted returns the keys of m in pprint's order.
func (p *pprinter) sorted(m Mapping) []Value {
	keys := m.Keys()
	slices.SortStableFunc(keys, func(a, b Value) int {
		c, err := Compare(a, b)
		if err != nil {
			return strings.Compare(pyType(a), pyType(b))
		}
		return c
	})
	return keys
}

// repr is the repr of v, which depth containers are around, with the keys of
// dicts sorted.
func (p *pprinter) repr(v Value, depth int) string {
	r := reprer{era: p.era}
	return string(r.append(nil, p.sortDicts(v, depth)))
}

func (p *pprinter) sortDicts(v Value, depth int) Value {
	if depth > maxDepth {
		return v
	}
	if p.visits++; p.visits > maxVisits {
		throw(OverflowError, "the values to print are too many")
	}
	if p.levels > 0 && depth >= p.levels && lengthOf(v) > 0 {
		switch v.(type) {
		case *List:
			return elided("[...]")
		case Tuple:
			return elided("(...)")
		case Mapping:
			return elided("{...}")
		}
	}
	switch x := v.(type) {
	case *List:
		l := &List{Elems: make([]Value, len(x.Elems))}
		for i, e := range x.Elems {
			l.Elems[i] = p.sortDicts(e, depth+1)
		}
		return l
	case Tuple:
		t := make(Tuple, len(x))
		for i, e := range x {
			t[i] = p.sortDicts(e, depth+1)
		}
		return t
	case Mapping:
		d := NewDict(x.Len())
		for _, k := range p.sorted(x) {
			e, _, _ := x.Get(k) // k is a key of x
			check(d.Set(k, p.sortDicts(e, depth+1)))
		}
		return d
	}
	return v
}

// elided stands for a container that is not shown.
type elided string

func (elided) Type() string { return "elided" }
func (elided) Truth() bool  { return true }

// text writes a long text in pieces, one a line.
func (p *pprinter) text(s string, indent, allowance, depth int) string {
	lines := splitLines(s, true)
	if depth == 0 {
		indent++
		allowance++
	}
	width := pprintWidth - indent
	var pieces []string
	for i, line := range lines {
		rep := Repr(Str(line), p.era)
		most := width
		if i == len(lines)-1 {
			most -= allowance
		}
		if runeLen(rep) <= most {
			pieces = append(pieces, rep)
			continue
		}
		parts := wordParts(line)
		most2, current := width, ""
		for j, part := range parts {
			candidate := current + part
			if j == len(parts)-1 && i == len(lines)-1 {
				most2 -= allowance
			}
			if runeLen(Repr(Str(candidate), p.era)) > most2 {
				if current != "" {
					pieces = append(pieces, Repr(Str(current), p.era))
				}
				current = part
			} else {
				current = candidate
			}
		}
		if current != "" {
			pieces = append(pieces, Repr(Str(current), p.era))
		}
	}
	if len(pieces) == 1 {
		return pieces[0]
	}
	out := strings.Join(pieces, "\n"+strings.Repeat(" ", indent))
	if depth == 0 {
		return "(" + out + ")"
	}
	return out
}

// wordParts splits a line into words with the blanks behind them.
func wordParts(s string) []string {
	var parts []string
	for s != "" {
		i := 0
		for i < len(s) {
			r, n := utf8.DecodeRuneInString(s[i:])
			if isSpace(r) {
				break
			}
			i += n
		}
		for i < len(s) {
			r, n := utf8.DecodeRuneInString(s[i:])
			if !isSpace(r) {
				break
			}
			i += n
		}
		parts = append(parts, s[:i])
		s = s[i:]
	}
	return parts
}
