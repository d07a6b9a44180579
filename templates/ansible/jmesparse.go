package ansible

// This file reads JMESPath expressions (https://jmespath.org/specification.html)
// as Python's library does, whose words its errors have.

import (
	"math/big"
	"strings"

	"gorun/templates"
)

// maxJMES bounds how deep expressions nest.
const maxJMES = 200

// A jmesToken is a word of an expression; kind is the name that the errors use.
type jmesToken struct {
	kind  string
	text  string // as the errors show it
	value value  // of a literal or a number
	start int    // in characters
}

var jmesSimple = map[rune]string{'.': "dot", '*': "star", ']': "rbracket", ',': "comma", ':': "colon", '@': "current", '(': "lparen", ')': "rparen", '{': "lbrace", '}': "rbrace"}

// jmesPairs are tokens of one character that a second one makes another.
var jmesPairs = map[rune]struct {
	second     rune
	both, only string
}{
	'|': {'|', "or", "pipe"}, '&': {'&', "and", "expref"}, '<': {'=', "lte", "lt"}, '>': {'=', "gte", "gt"}, '!': {'=', "ne", "not"},
}

// jmesPower is how tightly a token binds what is left of it; others: 0.
var jmesPower = map[string]int{
	"pipe": 1, "or": 2, "and": 3, "eq": 5, "gt": 5, "lt": 5, "gte": 5, "lte": 5, "ne": 5, "flatten": 9, "star": 20, "filter": 21, "dot": 40, "not": 45,
	"lbrace": 50, "lbracket": 55, "lparen": 60,
}

// jmesProjectionEnds is the power below which a token ends a projection.
const jmesProjectionEnds = 10

// A jmesLexer cuts an expression into tokens.
type jmesLexer struct {
	expr string
	src  []rune
	pos  int
}

func isJMESName(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func (l *jmesLexer) fail(at int, format string, args ...any) {
	panic(fail("Bad jmespath expression: "+format+":\n%s\n%s^", append(args, l.expr, strings.Repeat(" ", at))...))
}

// at is the character at i, 0 behind the end.
func (l *jmesLexer) at(i int) rune {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

func (l *jmesLexer) tokens() []jmesToken {
	if l.expr == "" {
		panic(fail("Invalid JMESPath expression: cannot be empty."))
	}
	l.src = []rune(l.expr)
	var out []jmesToken
	for l.pos < len(l.src) {
		start, r := l.pos, l.src[l.pos]
		if strings.ContainsRune(" \t\n\r", r) {
			l.pos++
			continue
		}
		t := l.token(r)
		t.start = start
		out = append(out, t)
	}
	return append(out, jmesToken{kind: "eof", start: len(l.src)})
}

func (l *jmesLexer) token(r rune) jmesToken {
	start := l.pos
	l.pos++
	next := l.at(l.pos)
	if kind, ok := jmesSimple[r]; ok {
		return jmesToken{kind: kind, text: string(r)}
	}
	if p, ok := jmesPairs[r]; ok {
		if next == p.second {
			l.pos++
			return jmesToken{kind: p.both, text: string(r) + string(next)}
		}
		return jmesToken{kind: p.only, text: string(r)}
	}
	switch {
	case isJMESName(r):
		for isJMESName(l.at(l.pos)) || isDigit(l.at(l.pos)) {
			l.pos++
		}
		return jmesToken{kind: "unquoted_identifier", text: string(l.src[start:l.pos])}
	case isDigit(r), r == '-':
		for isDigit(l.at(l.pos)) {
			l.pos++
		}
		digits := string(l.src[start:l.pos])
		if digits == "-" {
			l.fail(start, "Unknown token '-'")
		}
		n, _ := new(big.Int).SetString(digits, 10) // digits only
		return jmesToken{kind: "number", text: n.String(), value: templates.NewInt(n)}
	}
	switch r {
	case '[':
		switch next {
		case ']':
			l.pos++
			return jmesToken{kind: "flatten", text: "[]"}
		case '?':
			l.pos++
			return jmesToken{kind: "filter", text: "[?"}
		}
		return jmesToken{kind: "lbracket", text: "["}
	case '=':
		if next == '=' {
			l.pos++
			return jmesToken{kind: "eq", text: "=="}
		}
		l.fail(start, "Unknown token '='")
	case '\'':
		s := strings.ReplaceAll(l.until(start, '\''), "\\'", "'")
		return jmesToken{kind: "literal", text: s, value: str(s)}
	case '`':
		s := strings.ReplaceAll(l.until(start, '`'), "\\`", "`")
		v, err := parseJSON(s)
		if err != nil {
			v, err = parseJSON(`"` + strings.TrimLeft(s, " \t\r\n\v\f") + `"`)
		}
		if err != nil {
			l.fail(start, "Bad token %s", s)
		}
		return jmesToken{kind: "literal", text: text(v), value: v}
	case '"':
		v, err := parseJSON(`"` + l.until(start, '"') + `"`)
		if err != nil {
			reason, _, _ := strings.Cut(err.Error(), ":")
			l.fail(start, "%s", reason)
		}
		return jmesToken{kind: "quoted_identifier", text: text(v)}
	}
	l.fail(start, "Unknown token %s", string(r))
	return jmesToken{}
}

// until reads to a delimiter, which a backslash can escape; backslashes are kept.
func (l *jmesLexer) until(start int, end rune) string {
	begin := l.pos
	for l.at(l.pos) != end {
		if l.at(l.pos) == '\\' {
			l.pos++
		}
		if l.pos >= len(l.src) {
			l.fail(start, "Unclosed %s delimiter", string(end))
		}
		l.pos++
	}
	l.pos++
	return string(l.src[begin : l.pos-1])
}

// A jmesNode evaluates part of an expression. name is that of a plain field,
// which a parenthesis behind it makes a function's.
type jmesNode struct {
	eval jmesEval
	name string
}

// A jmesEval gives what an expression makes of a value; errors are panics with
// an *Error.
type jmesEval func(v value) value

type jmesParser struct {
	expr   string
	tokens []jmesToken
	passed [2]jmesToken // the last one before the current token, and the one before that
	depth  int
}

func (p *jmesParser) peek() jmesToken { return p.tokens[0] }

func (p *jmesParser) next() jmesToken {
	t := p.tokens[0]
	p.passed = [2]jmesToken{t, p.passed[0]}
	if t.kind != "eof" {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *jmesParser) fail(t jmesToken, format string, args ...any) {
	panic(fail(format+": Parse error at column %d, token \"%s\" (%s), for expression:\n\"%s\"\n%s^",
		append(args, t.start, t.text, strings.ToUpper(t.kind), p.expr, strings.Repeat(" ", t.start+1))...))
}

// unexpected is the error of a token where another was wanted; at the end the
// expression lacks something.
func (p *jmesParser) unexpected(t jmesToken, format string, args ...any) {
	if t.kind == "eof" {
		panic(fail("Invalid jmespath expression: Incomplete expression:\n\"%s\"\n%s^", p.expr, strings.Repeat(" ", t.start+1)))
	}
	p.fail(t, format, args...)
}

func (p *jmesParser) match(kind string) {
	if t := p.next(); t.kind != kind {
		p.unexpected(t, "Expecting: %s, got: %s", kind, t.kind)
	}
}

func (p *jmesParser) expression(power int) jmesNode {
	if p.depth++; p.depth > maxJMES {
		panic(raise(templates.RecursionError, "maximum recursion depth exceeded"))
	}
	defer func() { p.depth-- }()
	left := p.prefix(p.next())
	for power < jmesPower[p.peek().kind] {
		left = p.infix(left, p.next())
	}
	return left
}

func identity(v value) value { return v }

// prefix parses what begins with t.
func (p *jmesParser) prefix(t jmesToken) jmesNode {
	switch t.kind {
	case "literal":
		return jmesNode{eval: func(value) value { return t.value }}
	case "unquoted_identifier":
		return jmesNode{eval: jmesField(t.text), name: t.text}
	case "quoted_identifier":
		if after := p.peek(); after.kind == "lparen" {
			after.start = 0
			p.fail(after, "Quoted identifier not allowed for function names.")
		}
		return jmesNode{eval: jmesField(t.text)}
	case "star":
		right := identity
		if p.peek().kind != "rbracket" {
			right = p.projected(jmesPower["star"])
		}
		return jmesNode{eval: jmesValues(identity, right)}
	case "filter", "flatten":
		return p.infix(jmesNode{eval: identity}, t)
	case "lbrace":
		return p.selectHash()
	case "lparen":
		e := p.expression(0)
		p.match("rparen")
		return jmesNode{eval: e.eval}
	case "not":
		return jmesNode{eval: jmesNot(p.expression(jmesPower["not"]).eval)}
	case "lbracket":
		switch kind := p.peek().kind; {
		case kind == "number" || kind == "colon":
			return p.index(identity)
		case kind == "star" && p.tokens[1].kind == "rbracket":
			return p.infix(jmesNode{eval: identity}, t)
		}
		return p.selectList()
	case "current":
		return jmesNode{eval: identity}
	case "expref":
		e := p.expression(0).eval
		return jmesNode{eval: func(value) value { return &jmesRef{eval: e} }}
	}
	p.unexpected(t, "invalid token")
	return jmesNode{}
}

// infix parses what continues left with t.
func (p *jmesParser) infix(left jmesNode, t jmesToken) jmesNode {
	a := left.eval
	switch t.kind {
	case "dot":
		if p.peek().kind == "star" {
			p.next()
			return jmesNode{eval: jmesValues(a, p.projected(jmesPower["dot"]))}
		}
		return jmesNode{eval: jmesChain(a, p.afterDot(jmesPower["dot"]))}
	case "pipe":
		return jmesNode{eval: jmesChain(a, p.expression(jmesPower["pipe"]).eval)}
	case "or":
		b := p.expression(jmesPower["or"]).eval
		return jmesNode{eval: func(v value) value {
			if x := a(v); jmesTrue(x) {
				return x
			}
			return b(v)
		}}
	case "and":
		b := p.expression(jmesPower["and"]).eval
		return jmesNode{eval: func(v value) value {
			if x := a(v); !jmesTrue(x) {
				return x
			}
			return b(v)
		}}
	case "eq", "ne", "lt", "lte", "gt", "gte":
		return jmesNode{eval: jmesCompare(t.kind, a, p.expression(jmesPower[t.kind]).eval)}
	case "filter":
		cond := p.expression(0).eval
		p.match("rbracket")
		right := identity
		if p.peek().kind != "flatten" {
			right = p.projected(jmesPower["filter"])
		}
		return jmesNode{eval: jmesProject(a, func(e value) value {
			if !jmesTrue(cond(e)) {
				return templates.None
			}
			return right(e)
		})}
	case "flatten":
		return jmesNode{eval: jmesProject(jmesFlatten(a), p.projected(jmesPower["flatten"]))}
	case "lbracket":
		if kind := p.peek().kind; kind == "number" || kind == "colon" {
			return p.index(a)
		}
		p.match("star")
		p.match("rbracket")
		return jmesNode{eval: jmesProject(a, p.projected(jmesPower["star"]))}
	case "lparen":
		return p.function(left.name)
	}
	p.fail(t, "invalid token")
	return jmesNode{}
}

// index parses [1] and [0:5:2] behind the bracket.
func (p *jmesParser) index(a jmesEval) jmesNode {
	if p.peek().kind == "number" && p.tokens[1].kind != "colon" {
		i := jmesPlace(p.next().value)
		p.match("rbracket")
		return jmesNode{eval: jmesChain(a, jmesIndex(i))}
	}
	var parts [3]*int64
	for i := 0; p.peek().kind != "rbracket"; {
		switch t := p.peek(); t.kind {
		case "colon":
			if i++; i == 3 {
				p.fail(t, "syntax error")
			}
		case "number":
			n := jmesPlace(t.value)
			parts[i] = &n
		default:
			p.fail(t, "syntax error")
		}
		p.next()
	}
	p.match("rbracket")
	return jmesNode{eval: jmesProject(jmesChain(a, jmesSlice(parts)), p.projected(jmesPower["star"]))}
}

// jmesPlace is an index; one that is beyond every list where it is too big.
func jmesPlace(v value) int64 {
	if n, ok := integer(v); ok && n > -1<<31 && n < 1<<31 {
		return n
	}
	if bigOf(v).Sign() < 0 {
		return -1 << 31
	}
	return 1 << 31
}

// projected parses what is done to each element of a projection.
func (p *jmesParser) projected(power int) jmesEval {
	switch t := p.peek(); {
	case jmesPower[t.kind] < jmesProjectionEnds:
		return identity
	case t.kind == "lbracket", t.kind == "filter":
		return p.expression(power).eval
	case t.kind == "dot":
		p.next()
		return p.afterDot(power)
	default:
		p.fail(t, "syntax error")
	}
	return nil
}

func (p *jmesParser) afterDot(power int) jmesEval {
	switch t := p.peek(); t.kind {
	case "quoted_identifier", "unquoted_identifier", "star":
		return p.expression(power).eval
	case "lbracket":
		p.next()
		return p.selectList().eval
	case "lbrace":
		p.next()
		return p.selectHash().eval
	default:
		p.fail(t, "Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace'], got: %s", t.kind)
	}
	return nil
}

// selectList parses a, b] and selectHash k: a, l: b}.
func (p *jmesParser) selectList() jmesNode {
	var parts []jmesEval
	for {
		parts = append(parts, p.expression(0).eval)
		if p.peek().kind == "rbracket" {
			break
		}
		p.match("comma")
	}
	p.next()
	return jmesNode{eval: func(v value) value {
		if v == templates.None {
			return v
		}
		out := make([]value, len(parts))
		for i, f := range parts {
			out[i] = f(v)
		}
		return list(out)
	}}
}

func (p *jmesParser) selectHash() jmesNode {
	var keys []string
	var parts []jmesEval
	for done := false; !done; {
		key := p.next()
		if key.kind != "quoted_identifier" && key.kind != "unquoted_identifier" {
			p.unexpected(key, "Expecting: ['quoted_identifier', 'unquoted_identifier'], got: %s", key.kind)
		}
		p.match("colon")
		keys, parts = append(keys, key.text), append(parts, p.expression(0).eval)
		switch p.peek().kind {
		case "comma":
			p.next()
		case "rbrace":
			p.next()
			done = true
		}
	}
	return jmesNode{eval: func(v value) value {
		if v == templates.None {
			return v
		}
		d := templates.NewDict(len(keys))
		for i, f := range parts {
			d.SetStr(keys[i], f(v))
		}
		return d
	}}
}

// function parses the arguments of a call.
func (p *jmesParser) function(name string) jmesNode {
	if name == "" {
		before := p.passed[1]
		p.fail(before, "Invalid function name '%s'", before.text)
	}
	var args []jmesEval
	for p.peek().kind != "rparen" {
		args = append(args, p.expression(0).eval)
		if p.peek().kind == "comma" {
			p.next()
		}
	}
	p.match("rparen")
	return jmesNode{eval: func(v value) value {
		got := make([]value, len(args))
		for i, f := range args {
			got[i] = f(v)
		}
		return jmesCall(name, got)
	}}
}

// compileJMES parses an expression.
func compileJMES(expr string) (eval jmesEval, err error) {
	defer catchJMES(&err)
	p := &jmesParser{expr: expr, tokens: (&jmesLexer{expr: expr}).tokens()}
	e := p.expression(0)
	if t := p.peek(); t.kind != "eof" {
		p.fail(t, "Unexpected token: %s", t.text)
	}
	return e.eval, nil
}

// catchJMES is deferred: it stores an *Error that was thrown in *err.
func catchJMES(err *error) {
	switch r := recover().(type) {
	case nil:
	case *templates.Error:
		*err = r
	default:
		panic(r)
	}
}
