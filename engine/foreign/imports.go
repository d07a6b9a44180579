package foreign

// This file finds the imports of a Python file without running it.

import (
	"strings"
)

// An imported is one name that a file imports.
type imported struct {
	// Module is the dotted name behind import or from, Name what is taken from
	// it ("" for "import Module", "*" for all).
	Module, Name string
	// Level is the number of leading dots.
	Level int
	// Nested says that the import stands in a block: it may be optional.
	Nested bool
}

// imports finds the import statements of Python source, wherever they stand
// (https://docs.python.org/3/reference/lexical_analysis.html,
// https://docs.python.org/3/reference/simple_stmts.html#the-import-statement).
func imports(src string) []imported {
	var out []imported
	s := pyScanner{src: src}
	for {
		words, nested, ok := s.statement()
		if !ok {
			return out
		}
		out = append(out, parseImport(words, nested)...)
	}
}

// parseImport reads the words of a statement.
func parseImport(w []string, nested bool) []imported {
	if len(w) < 2 {
		return nil
	}
	switch w[0] {
	case "import":
		return importList(w[1:], nested)
	case "from":
		return fromImport(w[1:], nested)
	}
	return nil
}

// importList is "a.b as c, d".
func importList(w []string, nested bool) []imported {
	var out []imported
	for i := 0; i < len(w); {
		name, next := dotted(w, i)
		if name == "" {
			return out
		}
		out = append(out, imported{Module: name, Nested: nested})
		i = skipAlias(w, next)
		if i >= len(w) || w[i] != "," {
			return out
		}
		i++
	}
	return out
}

// fromImport is "..a.b import (c as d, e)".
func fromImport(w []string, nested bool) []imported {
	i, level := 0, 0
	for i < len(w) && (w[i] == "." || w[i] == "...") {
		level += len(w[i])
		i++
	}
	module, i := "", i
	if i < len(w) && w[i] != "import" {
		module, i = dotted(w, i)
	}
	if i >= len(w) || w[i] != "import" {
		return nil
	}
	var out []imported
	for i++; i < len(w); i++ {
		switch w[i] {
		case "(", ")", ",":
			continue
		case "as":
			i++
			continue
		}
		out = append(out, imported{Module: module, Name: w[i], Level: level, Nested: nested})
	}
	return out
}

// dotted reads a.b.c.
func dotted(w []string, i int) (string, int) {
	var b strings.Builder
	for i < len(w) && isName(w[i]) && w[i] != "import" && w[i] != "as" {
		b.WriteString(w[i])
		i++
		if i < len(w) && w[i] == "." {
			b.WriteByte('.')
			i++
			continue
		}
		break
	}
	return b.String(), i
}

func skipAlias(w []string, i int) int {
	if i+1 < len(w) && w[i] == "as" {
		return i + 2
	}
	return i
}

func isName(w string) bool { return w != "" && nameByte(w[0]) }

func nameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// A pyScanner cuts Python source into simple statements. Only what begins with
// import or from is of interest: the words of others are dropped.
type pyScanner struct {
	src    string
	pos    int
	indent bool // the line is indented
	after  bool // a statement stood before this one on the line, as "try: import x"
}

// statement returns the words of the next simple statement; nested says that
// it stands in a block.
func (s *pyScanner) statement() (words []string, nested, ok bool) {
	if s.pos == 0 {
		s.lineStart()
	}
	if s.pos >= len(s.src) {
		return nil, false, false
	}
	nested = s.indent || s.after
	depth := 0
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == '\\' && s.pos+1 < len(s.src) && (s.src[s.pos+1] == '\n' || s.src[s.pos+1] == '\r'):
			s.pos += 2
		case c == '\n':
			s.pos++
			if depth == 0 {
				s.lineStart()
				return words, nested, true
			}
		case c == '#':
			s.comment()
		case c == ';' && depth == 0:
			s.pos++
			return words, nested, true
		case c == ':' && depth == 0:
			// What follows is a block on the same line, or an annotation or
			// a lambda's body, which do not begin with import.
			s.pos++
			s.after = true
			return words, nested, true
		case c == '"' || c == '\'':
			s.text()
			words = keep(words, `""`)
		case nameByte(c):
			words = s.word(words)
		case c == '(' || c == '[' || c == '{':
			depth++
			s.pos++
			words = keep(words, string(c))
		case c == ')' || c == ']' || c == '}':
			depth = max(0, depth-1)
			s.pos++
			words = keep(words, string(c))
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			s.pos++
		default:
			s.pos++
			words = keep(words, string(c))
		}
	}
	return words, nested, true
}

// keep adds a word where the statement may be an import.
func keep(words []string, w string) []string {
	if len(words) == 0 || words[0] == "import" || words[0] == "from" {
		return append(words, w)
	}
	return words
}

// word reads a name; one before a quote is a prefix of the text.
func (s *pyScanner) word(words []string) []string {
	from := s.pos
	for s.pos < len(s.src) && nameByte(s.src[s.pos]) {
		s.pos++
	}
	w := s.src[from:s.pos]
	if s.pos < len(s.src) && (s.src[s.pos] == '"' || s.src[s.pos] == '\'') && len(w) <= 2 {
		s.text()
		return keep(words, `""`)
	}
	return keep(words, w)
}

// lineStart looks at the next line's indentation.
func (s *pyScanner) lineStart() {
	s.after = false
	if s.pos == 0 {
		s.pos = len(s.src) - len(strings.TrimPrefix(s.src, "\ufeff"))
	}
	s.indent = s.pos < len(s.src) && (s.src[s.pos] == ' ' || s.src[s.pos] == '\t')
}

func (s *pyScanner) comment() {
	if i := strings.IndexByte(s.src[s.pos:], '\n'); i >= 0 {
		s.pos += i
	} else {
		s.pos = len(s.src)
	}
}

// text skips a string literal.
func (s *pyScanner) text() {
	q := s.src[s.pos : s.pos+1]
	if long := strings.Repeat(q, 3); strings.HasPrefix(s.src[s.pos:], long) {
		q = long
	}
	s.pos += len(q)
	for s.pos < len(s.src) {
		switch {
		case s.src[s.pos] == '\\':
			s.pos = min(len(s.src), s.pos+2)
		case strings.HasPrefix(s.src[s.pos:], q):
			s.pos += len(q)
			return
		case s.src[s.pos] == '\n' && len(q) == 1:
			return // not closed: the line ends it
		default:
			s.pos++
		}
	}
}
