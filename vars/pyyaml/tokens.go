package pyyaml

// This file splits YAML into the tokens of libyaml, the C library that PyYAML
// reads with, so far as is needed to find the mistake that libyaml finds, in its
// words and at its place (https://github.com/yaml/libyaml, release 0.2.5). The
// library that gives gorun its nodes tells lines alone, and not the context.

import (
	"slices"
	"strings"
)

type tokenKind int

const (
	streamStart tokenKind = iota
	streamEnd
	versionDirective
	tagDirective
	documentStart
	documentEnd
	blockSequenceStart
	blockMappingStart
	blockEnd
	flowSequenceStart
	flowSequenceEnd
	flowMappingStart
	flowMappingEnd
	blockEntry
	flowEntry
	keyToken
	valueToken
	aliasToken
	anchorToken
	tagToken
	scalarToken
)

// A mark is a place in the text, from 0.
type mark struct{ index, line, col int }

type token struct {
	kind tokenKind
	at   mark
	text string // of an alias, an anchor, or the handle of a tag
}

// A simpleKey is a place where a key without ? may begin.
type simpleKey struct {
	possible, required bool
	token              int
	at                 mark
}

// maxSimpleKey is how long a key without ? may be, in characters.
const maxSimpleKey = 1024

// A scanner makes tokens. It panics with a *mistake.
type scanner struct {
	text       []rune
	at         mark
	queue      []token
	taken      int // tokens that the parser has had
	indent     int
	indents    []int
	flow       int
	keyAllowed bool
	keys       []simpleKey
}

// A mistake is an error of the scanner or the parser: what was being done since
// a place, and what is wrong at another.
type mistake struct {
	context   string
	contextAt mark
	problem   string
	problemAt mark
}

func newScanner(text string) *scanner {
	s := &scanner{text: []rune(strings.TrimPrefix(text, "\ufeff")), indent: -1, keyAllowed: true, keys: make([]simpleKey, 1)}
	s.queue = []token{{kind: streamStart}}
	return s
}

func (s *scanner) fail(context string, since mark, problem string) {
	panic(&mistake{context, since, problem, s.at})
}

// peek is the character n places on, 0 behind the end.
func (s *scanner) peek(n int) rune {
	if i := s.at.index + n; i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func isBreak(r rune) bool  { return r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029 }
func isBlank(r rune) bool  { return r == ' ' || r == '\t' }
func isBreakZ(r rune) bool { return r == 0 || isBreak(r) }
func isBlankZ(r rune) bool { return isBlank(r) || isBreakZ(r) }
func isWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_' || r == '-'
}
func isHex(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'F' || r >= 'a' && r <= 'f'
}

func (s *scanner) skip(n int) {
	s.at.index += n
	s.at.col += n
}

// skipLine goes over a line break.
func (s *scanner) skipLine() {
	if s.peek(0) == '\r' && s.peek(1) == '\n' {
		s.at.index++
	}
	s.at.index++
	s.at.line++
	s.at.col = 0
}

func (s *scanner) skipWhile(f func(rune) bool) (n int) {
	for f(s.peek(0)) {
		s.skip(1)
		n++
	}
	return n
}

func (s *scanner) skipComment() {
	if s.peek(0) == '#' {
		s.skipWhile(func(r rune) bool { return !isBreakZ(r) })
	}
}

// next gives the token that the parser looks at.
func (s *scanner) next() token {
	for s.needsMore() {
		s.fetch()
	}
	return s.queue[0]
}

// take goes to the next token.
func (s *scanner) take() {
	s.next()
	s.queue = s.queue[1:]
	s.taken++
}

func (s *scanner) needsMore() bool {
	if len(s.queue) == 0 {
		return true
	}
	for i := range s.keys {
		if s.valid(&s.keys[i]) && s.keys[i].token == s.taken {
			return true
		}
	}
	return false
}

// valid reports whether a key may still be one: it has to end on its line.
func (s *scanner) valid(k *simpleKey) bool {
	if k.possible && (k.at.line < s.at.line || k.at.index+maxSimpleKey < s.at.index) {
		if k.required {
			s.fail("while scanning a simple key", k.at, "could not find expected ':'")
		}
		k.possible = false
	}
	return k.possible
}

func (s *scanner) saveKey() {
	required := s.flow == 0 && s.indent == s.at.col
	if s.keyAllowed {
		s.removeKey()
		s.keys[len(s.keys)-1] = simpleKey{true, required, s.taken + len(s.queue), s.at}
	}
}

func (s *scanner) removeKey() {
	k := &s.keys[len(s.keys)-1]
	if k.possible && k.required {
		s.fail("while scanning a simple key", k.at, "could not find expected ':'")
	}
	k.possible = false
}

func (s *scanner) push(kind tokenKind, at mark, text string) {
	s.queue = append(s.queue, token{kind, at, text})
}

// roll begins a block collection at a column; number is the token before which
// it begins, -1 behind all.
func (s *scanner) roll(col, number int, kind tokenKind, at mark) {
	if s.flow > 0 || s.indent >= col {
		return
	}
	s.indents = append(s.indents, s.indent)
	s.indent = col
	if number < 0 {
		s.push(kind, at, "")
		return
	}
	s.queue = slices.Insert(s.queue, number-s.taken, token{kind: kind, at: at})
}

// unroll ends the block collections that are further right than a column.
func (s *scanner) unroll(col int) {
	for s.flow == 0 && s.indent > col {
		s.push(blockEnd, s.at, "")
		s.indent = s.indents[len(s.indents)-1]
		s.indents = s.indents[:len(s.indents)-1]
	}
}

// toToken goes over blanks, comments and line breaks.
func (s *scanner) toToken() {
	for {
		for s.peek(0) == ' ' || (s.flow > 0 || !s.keyAllowed) && s.peek(0) == '\t' {
			s.skip(1)
		}
		s.skipComment()
		if !isBreak(s.peek(0)) {
			return
		}
		s.skipLine()
		if s.flow == 0 {
			s.keyAllowed = true
		}
	}
}

// isIndicator reports whether --- or ... stands here.
func (s *scanner) isIndicator(r rune) bool {
	return s.at.col == 0 && s.peek(0) == r && s.peek(1) == r && s.peek(2) == r && isBlankZ(s.peek(3))
}

// fetch adds the tokens of what stands next.
func (s *scanner) fetch() {
	s.toToken()
	s.unroll(s.at.col)
	r, after := s.peek(0), s.peek(1)
	block := s.flow == 0
	switch {
	case s.at.index >= len(s.text):
		s.fetchEnd()
	case s.at.col == 0 && r == '%':
		s.unroll(-1)
		s.removeKey()
		s.keyAllowed = false
		s.directive()
	case s.isIndicator('-'):
		s.indicator(documentStart)
	case s.isIndicator('.'):
		s.indicator(documentEnd)
	case r == '[':
		s.flowStart(flowSequenceStart)
	case r == '{':
		s.flowStart(flowMappingStart)
	case r == ']':
		s.flowEnd(flowSequenceEnd)
	case r == '}':
		s.flowEnd(flowMappingEnd)
	case r == ',':
		s.removeKey()
		s.keyAllowed = true
		s.one(flowEntry)
	case r == '-' && isBlankZ(after):
		s.entry(blockEntry, blockSequenceStart, "block sequence entries are not allowed in this context", true)
	case r == '?' && (!block || isBlankZ(after)):
		s.entry(keyToken, blockMappingStart, "mapping keys are not allowed in this context", block)
	case r == ':' && (!block || isBlankZ(after)):
		s.value()
	case r == '*':
		s.named(aliasToken, "while scanning an alias")
	case r == '&':
		s.named(anchorToken, "while scanning an anchor")
	case r == '!':
		s.saveKey()
		s.keyAllowed = false
		s.tag()
	case (r == '|' || r == '>') && block:
		s.removeKey()
		s.keyAllowed = true
		s.blockScalar()
	case r == '\'' || r == '"':
		s.saveKey()
		s.keyAllowed = false
		s.quoted(r)
	case !isBlankZ(r) && !strings.ContainsRune("-?:,[]{}#&*!|>'\"%@`", r), r == '-' && !isBlank(after), block && (r == '?' || r == ':') && !isBlankZ(after):
		s.saveKey()
		s.keyAllowed = false
		s.plain()
	default:
		s.fail("while scanning for the next token", s.at, "found character that cannot start any token")
	}
}

func (s *scanner) fetchEnd() {
	if s.at.col != 0 { // as if the last line ended
		s.at.col = 0
		s.at.line++
	}
	s.unroll(-1)
	s.removeKey()
	s.keyAllowed = false
	s.push(streamEnd, s.at, "")
}

// one makes a token of one character.
func (s *scanner) one(kind tokenKind) {
	s.push(kind, s.at, "")
	s.skip(1)
}

func (s *scanner) indicator(kind tokenKind) {
	s.unroll(-1)
	s.removeKey()
	s.keyAllowed = false
	s.push(kind, s.at, "")
	s.skip(3)
}

func (s *scanner) flowStart(kind tokenKind) {
	s.saveKey()
	s.keys = append(s.keys, simpleKey{})
	s.flow++
	s.keyAllowed = true
	s.one(kind)
}

func (s *scanner) flowEnd(kind tokenKind) {
	s.removeKey()
	if s.flow > 0 {
		s.flow--
		s.keys = s.keys[:len(s.keys)-1]
	}
	s.keyAllowed = false
	s.one(kind)
}

// entry is - or ?, which begin a block collection where they are allowed.
func (s *scanner) entry(kind, start tokenKind, problem string, keyAllowed bool) {
	if s.flow == 0 {
		if !s.keyAllowed {
			s.fail("", s.at, problem)
		}
		s.roll(s.at.col, -1, start, s.at)
	}
	s.removeKey()
	s.keyAllowed = keyAllowed
	s.one(kind)
}

func (s *scanner) value() {
	k := &s.keys[len(s.keys)-1]
	if s.valid(k) {
		s.queue = slices.Insert(s.queue, k.token-s.taken, token{kind: keyToken, at: k.at})
		s.roll(k.at.col, k.token, blockMappingStart, k.at)
		k.possible = false
		s.keyAllowed = false
	} else {
		if s.flow == 0 {
			if !s.keyAllowed {
				s.fail("", s.at, "mapping values are not allowed in this context")
			}
			s.roll(s.at.col, -1, blockMappingStart, s.at)
		}
		s.keyAllowed = s.flow == 0
	}
	s.one(valueToken)
}

// named is an alias or an anchor.
func (s *scanner) named(kind tokenKind, context string) {
	s.saveKey()
	s.keyAllowed = false
	at := s.at
	s.skip(1)
	from := s.at.index
	if n := s.skipWhile(isWord); n == 0 || !isBlankZ(s.peek(0)) && !strings.ContainsRune("?:,]}%@`", s.peek(0)) {
		s.fail(context, at, "did not find expected alphabetic or numeric character")
	}
	s.push(kind, at, string(s.text[from:s.at.index]))
}
