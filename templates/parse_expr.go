package templates

// This file parses expressions (https://jinja.palletsprojects.com/en/3.1.x/templates/#expressions).

import "strings"

type tupleOpts struct {
	simplified bool // only primaries: names of an assignment
	condExpr   bool // a if b else c is allowed
	parens     bool // explicit parentheses: () is the empty tuple
	namespace  bool // ns.attr is a reference
	ends       []string
}

// nodeName is Jinja2's name of an expression node.
func nodeName(x expr) string {
	switch x := x.(type) {
	case *callExpr:
		return "Call"
	case *attrExpr:
		return "Getattr"
	case *itemExpr:
		return "Getitem"
	case *condExpr:
		return "CondExpr"
	case *compareExpr:
		return "Compare"
	case *testExpr:
		return "Test"
	case *concatExpr:
		return "Concat"
	case *unaryExpr:
		return map[string]string{"not": "Not", "-": "Neg", "+": "Pos"}[x.op]
	case *logicExpr:
		if x.or {
			return "Or"
		}
		return "And"
	case *binExpr:
		return map[string]string{"+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "//": "FloorDiv", "%": "Mod", "**": "Pow"}[x.op]
	}
	return "Expr"
}

func (p *parser) tupleEnd(ends []string) bool {
	switch p.cur().kind {
	case tokVariableEnd, tokBlockEnd, ")":
		return true
	}
	return p.isNames(ends...)
}

func (p *parser) tuple(o tupleOpts) expr {
	at := p.pos()
	var items []expr
	isTuple := false
	for {
		if len(items) > 0 {
			p.expect(",")
		}
		if p.tupleEnd(o.ends) {
			break
		}
		if o.simplified {
			items = append(items, p.primary(o.namespace))
		} else {
			items = append(items, p.expression(o.condExpr))
		}
		if p.cur().kind != "," {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if len(items) > 0 {
			return items[0]
		}
		if !o.parens {
			p.fail("Expected an expression, got %s", Repr(Str(p.cur().describe()), Current))
		}
	}
	return &tupleExpr{at, items}
}

func (p *parser) expression(cond bool) expr {
	defer p.enter()()
	if !cond {
		return p.or()
	}
	at := p.pos()
	x := p.or()
	for p.skipName("if") {
		c := &condExpr{node: at, yes: x, test: p.or()}
		if p.skipName("else") {
			c.no = p.expression(true)
		}
		x = c
	}
	return x
}

func (p *parser) or() expr {
	at := p.pos()
	x := p.and()
	for p.skipName("or") {
		x = &logicExpr{at, true, x, p.and()}
	}
	return x
}

func (p *parser) and() expr {
	at := p.pos()
	x := p.not()
	for p.skipName("and") {
		x = &logicExpr{at, false, x, p.not()}
	}
	return x
}

func (p *parser) not() expr {
	if p.isName("not") {
		defer p.enter()()
		at := p.pos()
		p.i++
		return &unaryExpr{at, "not", p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	at := p.pos()
	first := p.sum()
	c := &compareExpr{node: at, first: first}
	for {
		switch t := p.cur(); {
		case t.kind == "==" || t.kind == "!=" || t.kind == "<" || t.kind == "<=" || t.kind == ">" || t.kind == ">=":
			p.i++
			c.ops = append(c.ops, t.text)
		case p.isName("in"):
			p.i++
			c.ops = append(c.ops, "in")
		case p.isName("not") && p.look().kind == tokName && p.look().text == "in":
			p.i += 2
			c.ops = append(c.ops, "not in")
		default:
			if c.ops == nil {
				return first
			}
			return c
		}
		c.rest = append(c.rest, p.sum())
	}
}

// sum parses + and -; ~ binds tighter, as in Jinja2.
func (p *parser) sum() expr {
	at := p.pos()
	x := p.concat()
	for p.cur().kind == "+" || p.cur().kind == "-" {
		op := p.next().text
		x = &binExpr{at, op, x, p.concat()}
	}
	return x
}

func (p *parser) concat() expr {
	at := p.pos()
	items := []expr{p.product()}
	for p.skip("~") {
		items = append(items, p.product())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &concatExpr{at, items}
}

func (p *parser) product() expr {
	at := p.pos()
	x := p.power()
	for {
		switch p.cur().kind {
		case "*", "/", "//", "%":
			op := p.next().text
			x = &binExpr{at, op, x, p.power()}
		default:
			return x
		}
	}
}

func (p *parser) power() expr {
	at := p.pos()
	x := p.unary(true)
	for p.skip("**") {
		x = &binExpr{at, "**", x, p.unary(true)}
	}
	return x
}

func (p *parser) unary(filters bool) expr {
	at := p.pos()
	var x expr
	switch p.cur().kind {
	case "-", "+":
		leave := p.enter()
		op := p.next().text
		x = &unaryExpr{at, op, p.unary(false)}
		leave()
	default:
		x = p.primary(false)
	}
	x = p.postfix(x)
	if filters {
		x = p.filterTail(x)
	}
	return x
}

func (p *parser) primary(namespace bool) expr {
	t := p.cur()
	at := node(t.pos)
	switch t.kind {
	case tokName:
		p.i++
		switch t.text {
		case "true", "True":
			return &constExpr{at, Bool(true)}
		case "false", "False":
			return &constExpr{at, Bool(false)}
		case "none", "None":
			return &constExpr{at, None}
		}
		if namespace && p.skip(".") {
			return &nsRefExpr{at, t.text, p.expect(tokName).text}
		}
		return &nameExpr{at, t.text}
	case tokString:
		var b strings.Builder
		for p.cur().kind == tokString {
			b.WriteString(p.next().text)
		}
		return &constExpr{at, Str(b.String())}
	case tokInteger, tokFloat:
		p.i++
		return &constExpr{at, t.num}
	case "(":
		defer p.enter()()
		p.i++
		x := p.tuple(tupleOpts{condExpr: true, parens: true})
		p.expect(")")
		return x
	case "[":
		return p.list()
	case "{":
		return p.dict()
	}
	p.fail("unexpected %s", Repr(Str(t.describe()), Current))
	return nil
}

func (p *parser) list() expr {
	l := &listExpr{node: node(p.expect("[").pos)}
	for p.cur().kind != "]" {
		if len(l.items) > 0 {
			p.expect(",")
		}
		if p.cur().kind == "]" {
			break
		}
		l.items = append(l.items, p.expression(true))
	}
	p.expect("]")
	return l
}

func (p *parser) dict() expr {
	d := &dictExpr{node: node(p.expect("{").pos)}
	for p.cur().kind != "}" {
		if len(d.keys) > 0 {
			p.expect(",")
		}
		if p.cur().kind == "}" {
			break
		}
		k := p.expression(true)
		p.expect(":")
		d.keys, d.vals = append(d.keys, k), append(d.vals, p.expression(true))
	}
	p.expect("}")
	return d
}

func (p *parser) postfix(x expr) expr {
	for n := 0; ; n++ {
		p.boundChain(n)
		switch p.cur().kind {
		case ".", "[":
			x = p.subscript(x)
		case "(":
			at := p.pos()
			x = &callExpr{at, x, p.callArgs()}
		default:
			return x
		}
	}
}

// filterTail parses filters, tests and calls behind an expression.
func (p *parser) filterTail(x expr) expr {
	for n := 0; ; n++ {
		p.boundChain(n)
		switch {
		case p.cur().kind == "|":
			x = p.filter(x, false)
		case p.isName("is"):
			x = p.test(x)
		case p.cur().kind == "(":
			at := p.pos()
			x = &callExpr{at, x, p.callArgs()}
		default:
			return x
		}
	}
}

// boundChain keeps a.b.c..., which nests in evaluation, from growing without end.
func (p *parser) boundChain(n int) {
	if n > 1000 {
		p.fail("the expression is too long")
	}
}

func (p *parser) subscript(x expr) expr {
	t := p.next()
	at := node(t.pos)
	if t.kind == "." {
		a := p.next()
		switch a.kind {
		case tokName:
			return &attrExpr{at, x, a.text}
		case tokInteger:
			return &itemExpr{at, x, &constExpr{node(a.pos), a.num}}
		}
		p.i--
		p.fail("expected name or number")
	}
	var args []expr
	for p.cur().kind != "]" {
		if len(args) > 0 {
			p.expect(",")
		}
		args = append(args, p.subscribed())
	}
	p.expect("]")
	if len(args) == 1 {
		return &itemExpr{at, x, args[0]}
	}
	return &itemExpr{at, x, &tupleExpr{at, args}}
}

func (p *parser) subscribed() expr {
	s := &sliceExpr{node: p.pos()}
	if !p.skip(":") {
		x := p.expression(true)
		if !p.skip(":") {
			return x
		}
		s.start = x
	}
	end := func() bool { return p.cur().kind == "]" || p.cur().kind == "," }
	if p.cur().kind != ":" && !end() {
		s.stop = p.expression(true)
	}
	if p.skip(":") && !end() {
		s.step = p.expression(true)
	}
	return s
}

func (p *parser) callArgs() (c callArgs) {
	open := p.expect("(")
	ensure := func(ok bool) {
		if !ok {
			p.failAt(node(open.pos), TemplateSyntaxError, "invalid syntax for function call expression")
		}
	}
	for first := true; p.cur().kind != ")"; first = false {
		if !first {
			p.expect(",")
			if p.cur().kind == ")" {
				break
			}
		}
		switch {
		case p.cur().kind == "*":
			ensure(c.star == nil && c.dict == nil)
			p.i++
			c.star = p.expression(true)
		case p.cur().kind == "**":
			ensure(c.dict == nil)
			p.i++
			c.dict = p.expression(true)
		case p.cur().kind == tokName && p.look().kind == "=":
			ensure(c.dict == nil)
			name := p.next().text
			p.i++
			for _, k := range c.kwNames {
				if k == name {
					throw(SyntaxError, "keyword argument repeated: %s", name)
				}
			}
			c.kwNames = append(c.kwNames, name)
			c.kwargs = append(c.kwargs, p.expression(true))
		default:
			ensure(c.star == nil && c.dict == nil && c.kwNames == nil)
			c.args = append(c.args, p.expression(true))
		}
	}
	p.expect(")")
	return c
}

func (p *parser) dotted() string {
	name := p.expect(tokName).text
	for p.skip(".") {
		name += "." + p.expect(tokName).text
	}
	return name
}

// coreName is the short name of one of Jinja2's own functions, which Ansible
// also has under the name of its collection.
func coreName(name string, own map[string]Func) string {
	if short, ok := strings.CutPrefix(name, "ansible.builtin."); ok && own[short] != nil {
		return short
	}
	return name
}

// filter parses a chain of filters behind x; inline means that the first has
// no "|" before it. It returns x where there is none.
func (p *parser) filter(x expr, inline bool) expr {
	for n := 0; p.cur().kind == "|" || inline; n++ {
		p.boundChain(n)
		if !inline {
			p.i++
		}
		inline = false
		f := &filterExpr{node: p.pos(), x: x}
		f.name = coreName(p.dotted(), filters)
		if p.cur().kind == "(" {
			f.callArgs = p.callArgs()
		}
		x = f
	}
	return x
}

func (p *parser) test(x expr) expr {
	at := node(p.next().pos)
	negated := p.skipName("not")
	t := &testExpr{node: at, x: x}
	t.name = coreName(p.dotted(), tests)
	switch k := p.cur().kind; {
	case k == "(":
		t.callArgs = p.callArgs()
	case (k == tokName || k == tokString || k == tokInteger || k == tokFloat || k == "[" || k == "{") && !p.isNames("else", "or", "and"):
		if p.isName("is") {
			p.fail("You cannot chain multiple tests with is")
		}
		t.args = []expr{p.postfix(p.primary(false))}
	}
	if negated {
		return &unaryExpr{at, "not", t}
	}
	return t
}
