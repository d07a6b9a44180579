package templates

// This file turns a template's text into tokens. The rules are those of
// Jinja2's lexer, longest delimiter first.

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token is; an operator's kind is its text.
type tokenKind string

const (
	tokData          tokenKind = "data"
	tokVariableBegin tokenKind = "variable_begin"
	tokVariableEnd   tokenKind = "variable_end"
	tokBlockBegin    tokenKind = "block_begin"
	tokBlockEnd      tokenKind = "block_end"
	tokName          tokenKind = "name"
	tokString        tokenKind = "string"
	tokInteger       tokenKind = "integer"
	tokFloat         tokenKind = "float"
	tokEOF           tokenKind = "eof"
	// tokError stands where the text cannot be lexed: what the parser finds
	// before it comes first.
	tokError tokenKind = "error"
)

type token struct {
	kind tokenKind
	text string // name, data, decoded string, operator
	num  Value  // of an integer or float
	pos  int    // byte offset in the lexer's source
	err  *Error // of a tokError
}

// describe is how messages call a token.
func (t token) describe() string {
	switch t.kind {
	case tokName:
		return t.text
	case tokInteger, tokFloat, tokString:
		// Jinja2 names these by their kind.
	}
	return describeKind(t.kind)
}

func describeKind(k tokenKind) string {
	switch k {
	case tokVariableBegin:
		return "begin of print statement"
	case tokVariableEnd:
		return "end of print statement"
	case tokBlockBegin:
		return "begin of statement block"
	case tokBlockEnd:
		return "end of statement block"
	case tokData:
		return "template data / text"
	case tokEOF:
		return "end of template"
	}
	return string(k)
}

// syntax holds an engine's delimiters and whitespace rules, ready to lex.
type syntax struct {
	blockStart, blockEnd       string
	variableStart, variableEnd string
	commentStart, commentEnd   string
	lineStatement, lineComment string
	trim, lstrip, keepNewline  bool
	newline                    string
	keepBackslashes            bool        // in the literals of {{ }}
	starts                     []startRule // longest first
}

type startKind int

const (
	startBlock startKind = iota
	startComment
	startLineComment
	startLineStatement
	startVariable
)

type startRule struct {
	kind startKind
	text string
}

func newSyntax(o *Options) *syntax {
	or := func(s, d string) string {
		if s == "" {
			return d
		}
		return s
	}
	s := &syntax{
		blockStart: or(o.BlockStart, "{%"), blockEnd: or(o.BlockEnd, "%}"),
		variableStart: or(o.VariableStart, "{{"), variableEnd: or(o.VariableEnd, "}}"),
		commentStart: or(o.CommentStart, "{#"), commentEnd: or(o.CommentEnd, "#}"),
		lineStatement: o.LineStatementPrefix, lineComment: o.LineCommentPrefix,
		trim: o.TrimBlocks, lstrip: o.LstripBlocks, keepNewline: o.KeepTrailingNewline,
		newline: or(o.NewlineSequence, "\n"),
	}
	s.starts = []startRule{{startBlock, s.blockStart}, {startComment, s.commentStart}, {startVariable, s.variableStart}}
	if s.lineStatement != "" {
		s.starts = append(s.starts, startRule{startLineStatement, s.lineStatement})
	}
	if s.lineComment != "" {
		s.starts = append(s.starts, startRule{startLineComment, s.lineComment})
	}
	slices.SortStableFunc(s.starts, func(a, b startRule) int {
		if len(a.text) != len(b.text) {
			return len(b.text) - len(a.text)
		}
		return int(b.kind) - int(a.kind)
	})
	return s
}

type lexer struct {
	*syntax
	src    string
	pos    int
	tokens []token
	// lineStart says that the last token ended a line.
	lineStart bool
	balance   []byte // the closing brackets that are due
	variable  bool   // inside {{ }}
}

// lex returns the source with its newlines normalised, and its tokens.
func (s *syntax) lex(src string) (string, []token) {
	if strings.IndexByte(src, '\r') >= 0 {
		src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
	}
	if !s.keepNewline {
		src = strings.TrimSuffix(src, "\n")
	}
	l := &lexer{syntax: s, src: src, lineStart: true}
	l.lexAll(func() {
		for l.pos < len(l.src) {
			l.root()
		}
	})
	return src, l.tokens
}

// lexAll runs lex and ends the tokens with an EOF or with what lex threw.
func (l *lexer) lexAll(lex func()) {
	if err := try(lex); err != nil {
		e := asError(err)
		e.Line, e.Col = lineCol(l.src, l.pos)
		l.tokens = append(l.tokens, token{kind: tokError, pos: l.pos, err: e})
		return
	}
	l.emit(tokEOF, "", l.pos)
}

// lexExpr lexes a bare expression, which ends with the text.
func (s *syntax) lexExpr(src string) []token {
	l := &lexer{syntax: s, src: src}
	l.lexAll(func() {
		for {
			l.skipSpace()
			if l.pos >= len(l.src) {
				return
			}
			l.tag()
		}
	})
	return l.tokens
}

// lineCol returns line and column, from 1, of a byte offset.
func lineCol(src string, pos int) (line, col int) {
	pos = min(pos, len(src))
	start := strings.LastIndexByte(src[:pos], '\n') + 1
	return strings.Count(src[:start], "\n") + 1, utf8.RuneCountInString(src[start:pos]) + 1
}

func (l *lexer) emit(k tokenKind, text string, pos int) {
	l.tokens = append(l.tokens, token{kind: k, text: text, pos: pos})
}

func (l *lexer) fail(format string, args ...any) { throw(TemplateSyntaxError, format, args...) }

// root lexes data up to a tag, and the tag.
func (l *lexer) root() {
	rule, at, end := l.findStart()
	if rule == nil {
		l.data(l.pos, len(l.src))
		l.pos = len(l.src)
		return
	}
	sign := byte(0)
	if rule.kind != startLineComment && rule.kind != startLineStatement && end < len(l.src) && (l.src[end] == '-' || l.src[end] == '+') {
		sign = l.src[end]
		end++
	}
	if rule.kind == startBlock {
		if bodyAt, ok := l.rawBegin(end); ok {
			l.data(l.pos, l.stripLeft(at, sign, true))
			l.pos = bodyAt
			l.raw(at)
			return
		}
	}
	l.data(l.pos, l.stripLeft(at, sign, rule.kind != startVariable))
	tagAt := at
	l.pos, l.lineStart = end, l.src[end-1] == '\n'
	switch rule.kind {
	case startComment:
		l.comment()
	case startLineComment:
		if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
			l.pos += i
		} else {
			l.pos = len(l.src)
		}
	case startVariable:
		l.emit(tokVariableBegin, "", tagAt)
		l.variable = true
		l.until(tokVariableEnd, l.variableClose)
		l.variable = false
	case startBlock:
		l.emit(tokBlockBegin, "", tagAt)
		l.until(tokBlockEnd, l.blockClose)
	case startLineStatement:
		l.emit(tokBlockBegin, "", tagAt)
		l.until(tokBlockEnd, l.lineClose)
	}
}

func (l *lexer) data(from, to int) {
	if from < to {
		text := l.src[from:to]
		if l.newline != "\n" {
			text = strings.ReplaceAll(text, "\n", l.newline)
		}
		l.emit(tokData, text, from)
	}
}

// stripLeft returns where the data before a tag at at ends.
func (l *lexer) stripLeft(at int, sign byte, lstrip bool) int {
	text := l.src[l.pos:at]
	switch {
	case sign == '-':
		return l.pos + len(strings.TrimRightFunc(text, isSpace))
	case sign != '+' && l.lstrip && lstrip:
		i := strings.LastIndexByte(text, '\n') + 1
		if (i > 0 || l.lineStart) && strings.TrimFunc(text[i:], isSpace) == "" {
			return l.pos + i
		}
	}
	return at
}

// findStart finds the next tag: its rule, where it begins and where its
// delimiter ends.
func (l *lexer) findStart() (rule *startRule, at, end int) {
	firsts := ""
	for _, r := range l.starts {
		firsts += r.text[:1]
	}
	anchored := l.lineStatement != "" || l.lineComment != ""
	for i := l.pos; i < len(l.src); i++ {
		if !anchored {
			j := strings.IndexAny(l.src[i:], firsts)
			if j < 0 {
				return nil, 0, 0
			}
			i += j
		}
		for k := range l.starts {
			r := &l.starts[k]
			if end := l.startAt(r, i); end >= 0 {
				return r, i, end
			}
		}
	}
	return nil, 0, 0
}

// startAt returns the end of r's delimiter where it begins at i, else -1.
// A line statement begins with the blanks before its prefix, at the start of
// a line; a line comment with the blanks before its prefix.
func (l *lexer) startAt(r *startRule, i int) int {
	j := i
	switch r.kind {
	case startLineStatement:
		if i > 0 && l.src[i-1] != '\n' {
			return -1
		}
		for j < len(l.src) && (l.src[j] == ' ' || l.src[j] == '\t' || l.src[j] == '\v') {
			j++
		}
	case startLineComment:
		if i > 0 && l.src[i-1] != '\n' {
			if r, _ := utf8.DecodeLastRuneInString(l.src[:i]); isSpace(r) {
				return -1
			}
		}
		for j < len(l.src) {
			r, n := utf8.DecodeRuneInString(l.src[j:])
			if !isSpace(r) || r == '\n' || r == '\r' {
				break
			}
			j += n
		}
	}
	if strings.HasPrefix(l.src[j:], r.text) {
		return j + len(r.text)
	}
	return -1
}

// rawBegin reports whether "raw" and the end of the tag are at i, and where
// the raw text begins.
func (l *lexer) rawBegin(i int) (int, bool) {
	rest := strings.TrimLeftFunc(l.src[i:], isSpace)
	if !strings.HasPrefix(rest, "raw") {
		return 0, false
	}
	rest = strings.TrimLeftFunc(rest[3:], isSpace)
	if r, ok := strings.CutPrefix(rest, "-"+l.blockEnd); ok {
		return len(l.src) - len(strings.TrimLeftFunc(r, isSpace)), true
	}
	if r, ok := strings.CutPrefix(rest, l.blockEnd); ok {
		return len(l.src) - len(r), true
	}
	return 0, false
}

// raw lexes raw text up to endraw.
func (l *lexer) raw(tagAt int) {
	l.lineStart = l.src[l.pos-1] == '\n'
	for i := l.pos; ; {
		j := strings.Index(l.src[i:], l.blockStart)
		if j < 0 {
			l.pos = tagAt
			l.fail("Missing end of raw directive")
		}
		at := i + j
		p := at + len(l.blockStart)
		sign := byte(0)
		if p < len(l.src) && (l.src[p] == '-' || l.src[p] == '+') {
			sign = l.src[p]
			p++
		}
		rest := strings.TrimLeftFunc(l.src[p:], isSpace)
		if strings.HasPrefix(rest, "endraw") {
			q := len(l.src) - len(strings.TrimLeftFunc(rest[6:], isSpace))
			if end := l.blockClose(q); end >= 0 {
				l.data(l.pos, l.stripLeft(at, sign, true))
				l.pos, l.lineStart = end, l.src[end-1] == '\n'
				return
			}
		}
		i = at + 1
	}
}

func (l *lexer) comment() {
	i := strings.Index(l.src[l.pos:], l.commentEnd)
	if i < 0 && l.pos == len(l.src) { // Jinja2 sees no comment in what has no character
		return
	}
	if i < 0 {
		l.fail("Missing end of comment tag")
	}
	at := l.pos + i
	l.pos = at + len(l.commentEnd)
	switch {
	case i > 0 && l.src[at-1] == '-':
		l.pos = len(l.src) - len(strings.TrimLeftFunc(l.src[l.pos:], isSpace))
	case i > 0 && l.src[at-1] == '+':
	default:
		l.trimNewline()
	}
	l.lineStart = l.src[l.pos-1] == '\n'
}

func (l *lexer) trimNewline() {
	if l.trim && l.pos < len(l.src) && l.src[l.pos] == '\n' {
		l.pos++
	}
}

// blockClose returns where a tag's end at i ends, else -1.
func (l *lexer) blockClose(i int) int {
	rest := l.src[i:]
	if strings.HasPrefix(rest, "+"+l.blockEnd) {
		return i + 1 + len(l.blockEnd)
	}
	if r, ok := strings.CutPrefix(rest, "-"+l.blockEnd); ok {
		return len(l.src) - len(strings.TrimLeftFunc(r, isSpace))
	}
	if r, ok := strings.CutPrefix(rest, l.blockEnd); ok {
		if l.trim && strings.HasPrefix(r, "\n") {
			r = r[1:]
		}
		return len(l.src) - len(r)
	}
	return -1
}

func (l *lexer) variableClose(i int) int {
	rest := l.src[i:]
	if r, ok := strings.CutPrefix(rest, "-"+l.variableEnd); ok {
		return len(l.src) - len(strings.TrimLeftFunc(r, isSpace))
	}
	if strings.HasPrefix(rest, l.variableEnd) {
		return i + len(l.variableEnd)
	}
	return -1
}

// lineClose is the end of a line statement: blanks and a newline or the end.
func (l *lexer) lineClose(i int) int {
	rest := strings.TrimLeftFunc(l.src[i:], isSpace)
	if rest == "" {
		return len(l.src)
	}
	blank := l.src[i : len(l.src)-len(rest)]
	if j := strings.LastIndexByte(blank, '\n'); j >= 0 {
		return i + j + 1
	}
	return -1
}

// until lexes the inside of a tag up to its end.
func (l *lexer) until(end tokenKind, closeAt func(int) int) {
	for {
		if len(l.balance) == 0 {
			if e := closeAt(l.pos); e >= 0 {
				l.emit(end, "", l.pos)
				l.pos, l.lineStart = e, e > 0 && l.src[e-1] == '\n'
				return
			}
		}
		if l.pos >= len(l.src) {
			return
		}
		if l.skipSpace() {
			continue
		}
		l.tag()
	}
}

func (l *lexer) skipSpace() bool {
	n := len(l.src) - len(strings.TrimLeftFunc(l.src[l.pos:], isSpace))
	moved := n != l.pos
	l.pos = n
	return moved
}

// isSpace is Python's \s.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsNumber(r)
}

// tag lexes one token of an expression.
func (l *lexer) tag() {
	c := l.src[l.pos]
	switch {
	case c >= '0' && c <= '9' && l.number():
		return
	case c == '"' || c == '\'':
		if l.quoted(c) {
			return
		}
	default:
		if r, _ := utf8.DecodeRuneInString(l.src[l.pos:]); isNameRune(r) {
			l.name()
			return
		}
	}
	if l.operator() {
		return
	}
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	l.fail("unexpected char %s at %d", Repr(Str(r), Current), utf8.RuneCountInString(l.src[:l.pos]))
}

func (l *lexer) name() {
	rest := l.src[l.pos:]
	end := strings.IndexFunc(rest, func(r rune) bool { return !isNameRune(r) })
	if end < 0 {
		end = len(rest)
	}
	for i, r := range rest[:end] {
		if !isIdentRune(r, i == 0) {
			l.fail("Invalid character in identifier")
		}
	}
	l.emit(tokName, rest[:end], l.pos)
	l.pos += end
}

// isNameRune reports whether r may stand in what is lexed as a name: more than
// may stand in an identifier.
func isNameRune(r rune) bool {
	return isWord(r) || r >= 0x80 && (unicode.IsMark(r) || unicode.Is(unicode.Other_ID_Continue, r) || unicode.Is(unicode.Other_ID_Start, r))
}

func isIdentRune(r rune, first bool) bool {
	if r < utf8.RuneSelf {
		return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || !first && r >= '0' && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || !first && (unicode.IsDigit(r) || unicode.IsMark(r) || unicode.Is(unicode.Other_ID_Continue, r))
}

var operators = []string{"//", "**", "==", "!=", ">=", "<=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

func (l *lexer) operator() bool {
	rest := l.src[l.pos:]
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		switch op {
		case "(":
			l.balance = append(l.balance, ')')
		case "[":
			l.balance = append(l.balance, ']')
		case "{":
			l.balance = append(l.balance, '}')
		case ")", "]", "}":
			if len(l.balance) == 0 {
				l.fail("unexpected '%s'", op)
			}
			want := l.balance[len(l.balance)-1]
			l.balance = l.balance[:len(l.balance)-1]
			if want != op[0] {
				l.fail("unexpected '%s', expected '%c'", op, want)
			}
		}
		l.emit(tokenKind(op), op, l.pos)
		l.pos += len(op)
		return true
	}
	return false
}

// digits returns the length of (\d+_)*\d+ at the start of s, 0 where it is not.
func digits(s string) int {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '_' && n > 0 && isDigit(s[n-1]) && n+1 < len(s) && isDigit(s[n+1])) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number lexes a float or an integer.
func (l *lexer) number() bool {
	rest := l.src[l.pos:]
	if n := floatLen(rest); n > 0 && (l.pos == 0 || l.src[l.pos-1] != '.') {
		f, _ := strconv.ParseFloat(strings.ReplaceAll(rest[:n], "_", ""), 64)
		l.tokens = append(l.tokens, token{kind: tokFloat, text: rest[:n], num: Float(f), pos: l.pos})
		l.pos += n
		return true
	}
	n := integerLen(rest)
	text := strings.ReplaceAll(rest[:n], "_", "")
	if len(text) > 4300 {
		l.fail("Exceeds the limit (4300 digits) for integer string conversion")
	}
	i, ok := new(big.Int).SetString(text, 0)
	if !ok {
		i, _ = new(big.Int).SetString(text, 10) // 00 is a decimal zero
	}
	l.tokens = append(l.tokens, token{kind: tokInteger, text: rest[:n], num: NewInt(i), pos: l.pos})
	l.pos += n
	return true
}

// floatLen returns the length of the float at the start of s, 0 where it is
// none: digits with a fraction, an exponent or both.
func floatLen(s string) int {
	n := digits(s)
	whole := n
	if n < len(s) && s[n] == '.' {
		if d := digits(s[n+1:]); d > 0 {
			n += 1 + d
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if d := digits(s[e:]); d > 0 {
			return e + d
		}
	}
	if n == whole {
		return 0
	}
	return n
}

func integerLen(s string) int {
	if s[0] == '0' {
		if len(s) > 1 {
			for prefix, set := range map[byte]string{'b': "01", 'o': "01234567", 'x': "0123456789abcdefABCDEF"} {
				if s[1]|0x20 == prefix {
					if n := groupLen(s[2:], set, true); n > 0 {
						return 2 + n
					}
				}
			}
		}
		return 1 + groupLen(s[1:], "0", true)
	}
	return 1 + groupLen(s[1:], "0123456789", true)
}

// groupLen returns the length of (_?[set])* at the start of s.
func groupLen(s, set string, underscore bool) int {
	n := 0
	for n < len(s) {
		switch {
		case strings.IndexByte(set, s[n]) >= 0:
			n++
		case underscore && s[n] == '_' && n+1 < len(s) && strings.IndexByte(set, s[n+1]) >= 0:
			n += 2
		default:
			return n
		}
	}
	return n
}

// quoted lexes a string literal; false where its end is missing.
func (l *lexer) quoted(quote byte) bool {
	for i := l.pos + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			i++
		case quote:
			text := l.src[l.pos+1 : i]
			if l.newline != "\n" {
				text = strings.ReplaceAll(text, "\n", l.newline)
			}
			if strings.IndexByte(text, '\\') >= 0 && !(l.keepBackslashes && l.variable) {
				text = unescape(text)
			}
			l.emit(tokString, text, l.pos)
			l.pos = i + 1
			return true
		}
	}
	return false
}

var simpleEscapes = map[byte]string{'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b",
	'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}

// unescape decodes Python's escapes.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' || i+1 >= len(s) {
			b.WriteByte(c)
			i++
			continue
		}
		c = s[i+1]
		if r, ok := simpleEscapes[c]; ok {
			b.WriteString(r)
			i += 2
			continue
		}
		switch {
		case c >= '0' && c <= '7':
			n := 1
			for n < 3 && i+1+n < len(s) && s[i+1+n] >= '0' && s[i+1+n] <= '7' {
				n++
			}
			v, _ := strconv.ParseUint(s[i+1:i+1+n], 8, 32)
			b.WriteRune(rune(v))
			i += 1 + n
		case c == 'x' || c == 'u' || c == 'U':
			i += 2 + hexEscape(&b, s[i+2:], c)
		case c == 'N':
			throw(TemplateSyntaxError, "unknown Unicode character name")
		default:
			b.WriteByte('\\')
			i++
		}
	}
	return b.String()
}

// hexEscape decodes the digits of \x, \u or \U and returns how many they are.
func hexEscape(b *strings.Builder, s string, kind byte) int {
	want := map[byte]int{'x': 2, 'u': 4, 'U': 8}[kind]
	n := 0
	for n < want && n < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[n]) >= 0 {
		n++
	}
	if n < want {
		throw(TemplateSyntaxError, "truncated \\%c%s escape", kind, strings.Repeat("X", want))
	}
	v, _ := strconv.ParseUint(s[:n], 16, 64)
	if v > unicode.MaxRune {
		throw(TemplateSyntaxError, "illegal Unicode character")
	}
	b.WriteRune(rune(v))
	return n
}
