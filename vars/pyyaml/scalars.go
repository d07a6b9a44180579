package pyyaml

// This file splits scalars, tags and directives as libyaml does; see tokens.go.

import "strings"

func (s *scanner) directive() {
	const context = "while scanning a directive"
	at := s.at
	s.skip(1)
	from := s.at.index
	if s.skipWhile(isWord) == 0 {
		s.fail(context, at, "could not find expected directive name")
	}
	if !isBlankZ(s.peek(0)) {
		s.fail(context, at, "found unexpected non-alphabetical character")
	}
	switch string(s.text[from:s.at.index]) {
	case "YAML":
		s.skipWhile(isBlank)
		s.version(at)
		if s.peek(0) != '.' {
			s.fail("while scanning a %YAML directive", at, "did not find expected digit or '.' character")
		}
		s.skip(1)
		s.version(at)
		s.push(versionDirective, at, "")
	case "TAG":
		s.skipWhile(isBlank)
		handle := s.tagHandle(true, at)
		if !isBlank(s.peek(0)) {
			s.fail("while scanning a %TAG directive", at, "did not find expected whitespace")
		}
		s.skipWhile(isBlank)
		s.tagURI(true, true, 0, at)
		if !isBlankZ(s.peek(0)) {
			s.fail("while scanning a %TAG directive", at, "did not find expected whitespace or line break")
		}
		s.push(tagDirective, at, handle)
	default:
		s.fail(context, at, "found unknown directive name")
	}
	s.lineEnd(context, at)
}

// lineEnd goes to the next line, before which only a comment may stand.
func (s *scanner) lineEnd(context string, at mark) {
	s.skipWhile(isBlank)
	s.skipComment()
	if !isBreakZ(s.peek(0)) {
		s.fail(context, at, "did not find expected comment or line break")
	}
	if isBreak(s.peek(0)) {
		s.skipLine()
	}
}

// version reads a number of a version.
func (s *scanner) version(at mark) {
	const maxDigits = 9
	switch n := s.skipWhile(func(r rune) bool { return r >= '0' && r <= '9' }); {
	case n == 0:
		s.fail("while scanning a %YAML directive", at, "did not find expected version number")
	case n > maxDigits:
		s.fail("while scanning a %YAML directive", at, "found extremely long version number")
	}
}

func (s *scanner) tag() {
	const context = "while scanning a tag"
	at, handle := s.at, ""
	if s.peek(1) == '<' {
		s.skip(2)
		s.tagURI(true, false, 0, at)
		if s.peek(0) != '>' {
			s.fail(context, at, "did not find the expected '>'")
		}
		s.skip(1)
	} else {
		handle = s.tagHandle(false, at)
		if len(handle) >= 2 && strings.HasSuffix(handle, "!") {
			s.tagURI(false, false, 0, at)
		} else {
			s.tagURI(false, false, len(handle), at)
			handle = "!"
		}
	}
	if (s.flow == 0 || s.peek(0) != ',') && !isBlankZ(s.peek(0)) {
		s.fail(context, at, "did not find expected whitespace or line break")
	}
	s.push(tagToken, at, handle)
}

func (s *scanner) tagHandle(directive bool, at mark) string {
	context := "while scanning a tag"
	if directive {
		context = "while scanning a tag directive"
	}
	if s.peek(0) != '!' {
		s.fail(context, at, "did not find expected '!'")
	}
	from := s.at.index
	s.skip(1)
	s.skipWhile(isWord)
	if s.peek(0) == '!' {
		s.skip(1)
	} else if directive && s.at.index-from != 1 {
		s.fail("while parsing a tag directive", at, "did not find expected '!'")
	}
	return string(s.text[from:s.at.index])
}

// tagURI reads the rest of a tag, of which n characters are read already.
func (s *scanner) tagURI(verbatim, directive bool, n int, at mark) {
	context := "while parsing a tag"
	if directive {
		context = "while parsing a %TAG directive"
	}
	chars := ";/?:@&=+$.%!~*'()"
	if verbatim {
		chars += ",[]"
	}
	for ; s.peek(0) != 0 && (isWord(s.peek(0)) || strings.ContainsRune(chars, s.peek(0))); n++ {
		if s.peek(0) == '%' {
			if !isHex(s.peek(1)) || !isHex(s.peek(2)) {
				s.fail(context, at, "did not find URI escaped octet")
			}
			s.skip(2)
		}
		s.skip(1)
	}
	if n == 0 {
		s.fail(context, at, "did not find expected tag URI")
	}
}

func (s *scanner) blockScalar() {
	const context = "while scanning a block scalar"
	at := s.at
	s.skip(1)
	width := 0
	digit := func() {
		if r := s.peek(0); r >= '0' && r <= '9' {
			if r == '0' {
				s.fail(context, at, "found an indentation indicator equal to 0")
			}
			width = int(r - '0')
			s.skip(1)
		}
	}
	digit()
	if s.peek(0) == '+' || s.peek(0) == '-' {
		s.skip(1)
		if width == 0 {
			digit()
		}
	}
	s.lineEnd(context, at)
	indent := 0
	if width > 0 {
		indent = max(s.indent, 0) + width
	}
	indent = s.blockBreaks(indent, at)
	for s.at.col == indent && s.at.index < len(s.text) {
		s.skipWhile(func(r rune) bool { return !isBreakZ(r) })
		if isBreak(s.peek(0)) {
			s.skipLine()
		}
		indent = s.blockBreaks(indent, at)
	}
	s.push(scalarToken, at, "")
}

// blockBreaks goes over the indentation and empty lines of a block scalar; an
// indentation of 0 is to be found.
func (s *scanner) blockBreaks(indent int, at mark) int {
	widest := 0
	for {
		for (indent == 0 || s.at.col < indent) && s.peek(0) == ' ' {
			s.skip(1)
		}
		widest = max(widest, s.at.col)
		if (indent == 0 || s.at.col < indent) && s.peek(0) == '\t' {
			s.fail("while scanning a block scalar", at, "found a tab character where an indentation space is expected")
		}
		if !isBreak(s.peek(0)) {
			break
		}
		s.skipLine()
	}
	if indent == 0 {
		indent = max(widest, s.indent+1, 1)
	}
	return indent
}

func (s *scanner) quoted(quote rune) {
	const context = "while scanning a quoted scalar"
	at := s.at
	s.skip(1)
	for {
		if s.isIndicator('-') || s.isIndicator('.') {
			s.fail(context, at, "found unexpected document indicator")
		}
		if s.at.index >= len(s.text) {
			s.fail(context, at, "found unexpected end of stream")
		}
	words:
		for !isBlankZ(s.peek(0)) {
			switch {
			case s.peek(0) == quote && quote == '\'' && s.peek(1) == quote:
				s.skip(2)
			case s.peek(0) == quote:
				break words
			case quote == '"' && s.peek(0) == '\\' && isBreak(s.peek(1)):
				s.skip(1)
				s.skipLine()
				break words
			case quote == '"' && s.peek(0) == '\\':
				s.escape(at)
			default:
				s.skip(1)
			}
		}
		if s.peek(0) == quote {
			break
		}
		for isBlank(s.peek(0)) || isBreak(s.peek(0)) {
			if isBlank(s.peek(0)) {
				s.skip(1)
			} else {
				s.skipLine()
			}
		}
	}
	s.skip(1)
	s.push(scalarToken, at, "")
}

// escape goes over a backslash and what it stands before.
func (s *scanner) escape(at mark) {
	const context = "while parsing a quoted scalar"
	n := 0
	switch r := s.peek(1); {
	case r == 'x':
		n = 2
	case r == 'u':
		n = 4
	case r == 'U':
		n = 8
	case r == 0 || !strings.ContainsRune("0abt\tnvfre \"/\\N_LP", r):
		s.fail(context, at, "found unknown escape character")
	}
	s.skip(2)
	code := 0
	for i := range n {
		r := s.peek(i)
		if !isHex(r) {
			s.fail(context, at, "did not find expected hexdecimal number")
		}
		code = code<<4 | strings.IndexRune("0123456789abcdef", r|0x20)
	}
	if code >= 0xd800 && code <= 0xdfff || code > 0x10ffff {
		s.fail(context, at, "found invalid Unicode character escape code")
	}
	s.skip(n)
}

func (s *scanner) plain() {
	const context = "while scanning a plain scalar"
	at, leading := s.at, false
	for !s.isIndicator('-') && !s.isIndicator('.') && s.peek(0) != '#' {
		for !isBlankZ(s.peek(0)) {
			if s.flow > 0 && s.peek(0) == ':' && s.peek(1) != 0 && strings.ContainsRune(",?[]{}", s.peek(1)) {
				s.fail(context, at, "found unexpected ':'")
			}
			if s.peek(0) == ':' && isBlankZ(s.peek(1)) || s.flow > 0 && strings.ContainsRune(",[]{}", s.peek(0)) {
				break
			}
			s.skip(1)
			leading = false
		}
		if !isBlank(s.peek(0)) && !isBreak(s.peek(0)) {
			break
		}
		for isBlank(s.peek(0)) || isBreak(s.peek(0)) {
			if isBreak(s.peek(0)) {
				s.skipLine()
				leading = true
				continue
			}
			if leading && s.at.col <= s.indent && s.peek(0) == '\t' {
				s.fail(context, at, "found a tab character that violates indentation")
			}
			s.skip(1)
		}
		if s.flow == 0 && s.at.col <= s.indent {
			break
		}
	}
	s.push(scalarToken, at, "")
	if leading {
		s.keyAllowed = true
	}
}
