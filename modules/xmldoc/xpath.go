package xmldoc

// This file reads XPath expressions (https://www.w3.org/TR/1999/REC-xpath-19991116/).

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// ErrInvalid and the others are what libxml2 says of an expression that it cannot read.
var (
	ErrInvalid    = errors.New("Invalid expression")
	ErrPredicate  = errors.New("Invalid predicate")
	ErrUnfinished = errors.New("Unfinished literal")
	ErrBrace      = errors.New("Missing closing curly brace")
)

// An XPath is an expression that has been read.
type XPath struct{ e expr }

// An expr is one of binary, negation, union, path, filter, literal, number, variable, call.
type expr interface{ expr() }

type (
	binary struct {
		op   string
		l, r expr
	}
	negation struct{ e expr }
	union    struct{ l, r expr }
	// A path begins at from, at the root, or at the context node.
	path struct {
		from  expr
		root  bool
		steps []step
	}
	filter struct {
		e     expr
		preds []expr
	}
	literal  string
	number   float64
	variable string
	call     struct {
		name string
		args []expr
	}
)

func (binary) expr()   {}
func (negation) expr() {}
func (union) expr()    {}
func (path) expr()     {}
func (filter) expr()   {}
func (literal) expr()  {}
func (number) expr()   {}
func (variable) expr() {}
func (call) expr()     {}

type step struct {
	axis   string
	kind   string // "name", "node", "text", "comment", "processing-instruction"
	prefix string
	name   string // "*" is any
	preds  []expr
}

var axes = []string{"ancestor", "ancestor-or-self", "attribute", "child", "descendant", "descendant-or-self", "following",
	"following-sibling", "namespace", "parent", "preceding", "preceding-sibling", "self"}

// Compile reads an expression.
func Compile(s string) (x *XPath, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(xpathError)
			if !ok {
				panic(r)
			}
			x, err = nil, e.error
		}
	}()
	p := &xpathParser{s: s}
	e := p.or()
	if p.blanks(); p.i < len(s) {
		p.fail(ErrInvalid)
	}
	return &XPath{e}, nil
}

type xpathError struct{ error }

type xpathParser struct {
	s     string
	i     int
	depth int
}

func (p *xpathParser) fail(err error) { panic(xpathError{err}) }

func (p *xpathParser) blanks() {
	for p.i < len(p.s) && isBlank(p.s[p.i]) {
		p.i++
	}
}

func (p *xpathParser) has(s string) bool {
	p.blanks()
	return strings.HasPrefix(p.s[p.i:], s)
}

func (p *xpathParser) take(s string) bool {
	if p.has(s) {
		p.i += len(s)
		return true
	}
	return false
}

// binaries reads operators of one strength, from the left.
func (p *xpathParser) binaries(next func() expr, ops ...string) expr {
	l := next()
	for {
		i := slices.IndexFunc(ops, p.take)
		if i < 0 {
			return l
		}
		l = binary{ops[i], l, next()}
	}
}

func (p *xpathParser) or() expr {
	if p.depth++; p.depth > maxDepth {
		p.fail(ErrInvalid)
	}
	defer func() { p.depth-- }()
	return p.binaries(p.and, "or")
}

func (p *xpathParser) and() expr        { return p.binaries(p.equality, "and") }
func (p *xpathParser) equality() expr   { return p.binaries(p.relational, "!=", "=") }
func (p *xpathParser) relational() expr { return p.binaries(p.additive, "<=", ">=", "<", ">") }
func (p *xpathParser) additive() expr   { return p.binaries(p.multiplicative, "+", "-") }
func (p *xpathParser) multiplicative() expr {
	return p.binaries(p.unary, "*", "div", "mod")
}

func (p *xpathParser) unary() expr {
	minus, any := false, false
	for p.take("-") {
		minus, any = !minus, true
	}
	e := p.union()
	if any {
		e = negation{e}
		if !minus {
			e = negation{e}
		}
	}
	return e
}

func (p *xpathParser) union() expr {
	l := p.path()
	for p.take("|") {
		l = union{l, p.path()}
	}
	return l
}

func (p *xpathParser) path() expr {
	if !p.primaryNext() {
		return p.location()
	}
	e := p.primary()
	if preds := p.predicates(); preds != nil {
		e = filter{e, preds}
	}
	if p.has("/") {
		out := path{from: e}
		p.rest(&out)
		return out
	}
	return e
}

// primaryNext says whether an expression begins here that is no location path.
func (p *xpathParser) primaryNext() bool {
	p.blanks()
	if p.i >= len(p.s) {
		p.fail(ErrInvalid)
	}
	switch c := p.s[p.i]; {
	case c == '$' || c == '(' || c == '"' || c == '\'' || c >= '0' && c <= '9':
		return true
	case c == '.':
		return p.i+1 < len(p.s) && p.s[p.i+1] >= '0' && p.s[p.i+1] <= '9'
	}
	from := p.i
	defer func() { p.i = from }()
	name := p.qname()
	if name == "" || !p.has("(") {
		return false
	}
	return !slices.Contains([]string{"node", "text", "comment", "processing-instruction"}, name)
}

func (p *xpathParser) ncname() string {
	in := &parser{s: p.s, i: p.i}
	name := in.name()
	if i := strings.IndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	p.i += len(name)
	return name
}

func (p *xpathParser) qname() string {
	p.blanks()
	name := p.ncname()
	if name != "" && strings.HasPrefix(p.s[p.i:], ":") && !strings.HasPrefix(p.s[p.i:], "::") {
		from := p.i
		p.i++
		if local := p.ncname(); local != "" {
			return name + ":" + local
		}
		p.i = from
	}
	return name
}

func (p *xpathParser) primary() expr {
	switch c := p.s[p.i]; {
	case c == '$':
		p.i++
		return variable(p.qname())
	case c == '(':
		p.i++
		e := p.or()
		if !p.take(")") {
			p.fail(ErrInvalid)
		}
		return filter{e, nil}
	case c == '"' || c == '\'':
		return literal(p.literal())
	case c == '.' || c >= '0' && c <= '9':
		from := p.i
		for p.i < len(p.s) && (p.s[p.i] == '.' || p.s[p.i] >= '0' && p.s[p.i] <= '9') {
			p.i++
		}
		f, err := strconv.ParseFloat(p.s[from:p.i], 64)
		if err != nil {
			p.fail(ErrInvalid)
		}
		return number(f)
	}
	out := call{name: p.qname()}
	p.take("(")
	for !p.take(")") {
		if len(out.args) > 0 && !p.take(",") {
			p.fail(ErrInvalid)
		}
		out.args = append(out.args, p.or())
	}
	return out
}

func (p *xpathParser) literal() string {
	quote := p.s[p.i : p.i+1]
	end := strings.Index(p.s[p.i+1:], quote)
	if end < 0 {
		p.fail(ErrUnfinished)
	}
	value := p.s[p.i+1 : p.i+1+end]
	p.i += end + 2
	return value
}

func (p *xpathParser) predicates() (list []expr) {
	for p.take("[") {
		list = append(list, p.or())
		if !p.take("]") {
			p.fail(ErrPredicate)
		}
	}
	return list
}

var anyBelow = step{axis: "descendant-or-self", kind: "node"}

func (p *xpathParser) location() expr {
	var out path
	if p.has("/") {
		out.root = true
		if !p.has("//") {
			p.i++
			if p.blanks(); p.i >= len(p.s) || !p.stepNext() {
				return out
			}
			p.step(&out)
		}
		p.rest(&out)
		return out
	}
	p.step(&out)
	p.rest(&out)
	return out
}

func (p *xpathParser) stepNext() bool {
	c := rune(p.s[p.i])
	return c == '@' || c == '.' || c == '*' || nameStart(c) || c >= 0x80
}

func (p *xpathParser) rest(out *path) {
	for p.has("/") {
		if p.take("//") {
			out.steps = append(out.steps, anyBelow)
			p.take("/") // as libxml2 reads three slashes
		} else {
			p.i++
		}
		p.step(out)
	}
}

func (p *xpathParser) step(out *path) {
	if p.take("..") {
		out.steps = append(out.steps, step{axis: "parent", kind: "node"})
		return
	}
	if p.take(".") {
		out.steps = append(out.steps, step{axis: "self", kind: "node"})
		return
	}
	s := step{axis: "child", kind: "name"}
	if p.take("@") {
		s.axis = "attribute"
	} else {
		from := p.i
		if name := p.ncname(); name != "" && p.take("::") {
			if !slices.Contains(axes, name) {
				p.fail(ErrInvalid)
			}
			s.axis = name
		} else {
			p.i = from
		}
	}
	p.test(&s)
	s.preds = p.predicates()
	out.steps = append(out.steps, s)
}

func (p *xpathParser) test(s *step) {
	if p.take("*") {
		s.name = "*"
		return
	}
	p.blanks()
	name := p.qname()
	if name == "" {
		p.fail(ErrInvalid)
	}
	if strings.HasPrefix(p.s[p.i:], ":*") {
		p.i += 2
		s.prefix, s.name = name, "*"
		return
	}
	if !p.has("(") {
		s.name = name
		if prefix, local, ok := strings.Cut(name, ":"); ok {
			s.prefix, s.name = prefix, local
		}
		return
	}
	p.take("(")
	s.kind = name
	switch name {
	case "node", "text", "comment":
	case "processing-instruction":
		if p.has(`"`) || p.has("'") {
			s.name = p.literal()
		}
	default:
		p.fail(ErrInvalid)
	}
	if !p.take(")") {
		p.fail(ErrBrace)
	}
}
