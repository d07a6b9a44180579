package templates

// This file parses statements (https://jinja.palletsprojects.com/en/3.1.x/templates/#list-of-control-structures).

import (
	"strings"
)

type parser struct {
	src    string
	toks   []token
	i      int
	exts   map[string]bool // "do", "loopcontrols"...
	tags   []string        // open tags
	ends   [][]string      // what the open tags wait for
	depth  int
	blocks map[string]*blockStmt
	twice  *blockStmt // a block that is defined for the second time
}

// parse parses a template.
func (s *syntax) parse(src string, exts map[string]bool) (p *parser, body []stmt) {
	src, toks := s.lex(src)
	p = &parser{src: src, toks: toks, exts: exts, blocks: map[string]*blockStmt{}}
	defer p.blame()
	body = p.subparse(nil)
	if p.twice != nil {
		p.failAt(p.twice.node, TemplateAssertError, "block %s defined twice", Repr(Str(p.twice.name), Current))
	}
	return p, body
}

// parseExpr parses a bare expression.
func (s *syntax) parseExpr(src string) expr {
	p := &parser{src: src, toks: s.lexExpr(src)}
	defer p.blame()
	x := p.expression(true)
	if p.cur().kind != tokEOF {
		p.fail("chunk after expression")
	}
	return x
}

// blame gives an error its place: the current token's, where it has none.
func (p *parser) blame() {
	if r := recover(); r != nil {
		if e, ok := r.(*Error); ok && e.Line == 0 {
			e.Line, e.Col = lineCol(p.src, p.toks[min(p.i, len(p.toks)-1)].pos)
		}
		panic(r)
	}
}

func (p *parser) cur() token {
	t := p.toks[min(p.i, len(p.toks)-1)]
	if t.kind == tokError {
		panic(t.err)
	}
	return t
}

func (p *parser) look() token {
	t := p.toks[min(p.i+1, len(p.toks)-1)]
	if t.kind == tokError {
		panic(t.err)
	}
	return t
}

func (p *parser) next() token {
	t := p.cur()
	p.i++
	return t
}

func (p *parser) pos() node { return node(p.cur().pos) }

func (p *parser) fail(format string, args ...any) { throw(TemplateSyntaxError, format, args...) }

func (p *parser) failAt(pos node, kind, format string, args ...any) {
	p.i = 0
	for p.i+1 < len(p.toks) && p.toks[p.i].pos < int(pos) {
		p.i++
	}
	throw(kind, format, args...)
}

func (p *parser) isName(name string) bool {
	t := p.cur()
	return t.kind == tokName && t.text == name
}

func (p *parser) isNames(names ...string) bool {
	t := p.cur()
	if t.kind != tokName {
		return false
	}
	for _, n := range names {
		if t.text == n {
			return true
		}
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.i++
		return true
	}
	return false
}

func (p *parser) skip(k tokenKind) bool {
	if p.cur().kind == k {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(k tokenKind) token {
	if p.cur().kind != k {
		p.expected(describeKind(k))
	}
	return p.next()
}

func (p *parser) expectName(name string) token {
	if !p.isName(name) {
		p.expected(name)
	}
	return p.next()
}

func (p *parser) expected(what string) {
	if p.cur().kind == tokEOF {
		p.fail("unexpected end of template, expected %s.", Repr(Str(what), Current))
	}
	p.fail("expected token %s, got %s", Repr(Str(what), Current), Repr(Str(p.cur().describe()), Current))
}

// enter bounds how deep the source nests; the result undoes it.
func (p *parser) enter() func() {
	p.depth++
	if p.depth > maxDepth {
		p.fail("the template is nested too deep")
	}
	return func() { p.depth-- }
}

// subparse parses statements up to one of the tags ends.
func (p *parser) subparse(ends []string) []stmt {
	defer p.enter()()
	if ends != nil {
		p.ends = append(p.ends, ends)
		defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	}
	var body []stmt
	var out *outputStmt
	output := func(x expr) {
		if out == nil {
			out = &outputStmt{node: node(x.at())}
			body = append(body, out)
		}
		out.items = append(out.items, x)
	}
	for {
		t := p.cur()
		switch t.kind {
		case tokEOF:
			return body
		case tokData:
			p.i++
			output(&templateText{node(t.pos), t.text})
		case tokVariableBegin:
			p.i++
			output(p.tuple(tupleOpts{condExpr: true}))
			p.expect(tokVariableEnd)
		case tokBlockBegin:
			out = nil
			p.i++
			if p.isNames(ends...) {
				return body
			}
			if s := p.statement(); s != nil {
				body = append(body, s)
			}
			p.expect(tokBlockEnd)
		default:
			p.fail("internal parsing error")
		}
	}
}

func (p *parser) statement() stmt {
	t := p.cur()
	if t.kind != tokName {
		p.fail("tag name expected")
	}
	parse := p.statementParser(t.text)
	if parse == nil {
		p.failTags(&t.text, p.ends)
	}
	p.tags = append(p.tags, t.text)
	s := parse(node(p.next().pos))
	p.tags = p.tags[:len(p.tags)-1]
	return s
}

// statementParser returns what parses a tag; nil where there is no such tag.
func (p *parser) statementParser(tag string) func(node) stmt {
	switch tag {
	case "for":
		return p.parseFor
	case "if":
		return p.parseIf
	case "block":
		return p.parseBlock
	case "extends":
		return func(n node) stmt { return &extendsStmt{n, p.expression(true)} }
	case "print":
		return p.parsePrint
	case "macro":
		return p.parseMacro
	case "include":
		return p.parseInclude
	case "from":
		return p.parseFrom
	case "import":
		return p.parseImport
	case "set":
		return p.parseSet
	case "with":
		return p.parseWith
	case "autoescape":
		return func(n node) stmt {
			v := p.expression(true)
			return &autoescapeStmt{n, v, p.body("endautoescape")}
		}
	case "call":
		return p.parseCallBlock
	case "filter":
		return func(n node) stmt {
			f := p.filter(nil, true)
			return &filterStmt{n, f, p.body("endfilter")}
		}
	}
	switch {
	case tag == "trans" && p.exts["i18n"]:
		return p.parseTrans
	case tag == "do" && p.exts["do"]:
		return func(n node) stmt { return &doStmt{n, p.tuple(tupleOpts{condExpr: true})} }
	case (tag == "break" || tag == "continue") && p.exts["loopcontrols"]:
		return func(n node) stmt { return &loopCtlStmt{n, tag == "break"} }
	case tag == "debug" && p.exts["debug"]:
		return func(n node) stmt {
			return &outputStmt{n, []expr{&callExpr{node: n, fn: &nameExpr{n, debugName}}}}
		}
	}
	return nil
}

// failTags fails on an unknown tag, or on the end of the template where name is nil.
func (p *parser) failTags(name *string, ends [][]string) {
	msg := "Unexpected end of template."
	if name != nil {
		msg = "Encountered unknown tag " + Repr(Str(*name), Current) + "."
	}
	if len(ends) > 0 {
		var looking []string
		for _, e := range ends[len(ends)-1] {
			looking = append(looking, Repr(Str(e), Current))
		}
		list := strings.Join(looking, " or ")
		if name != nil && anyHas(ends, *name) {
			msg += " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + list + "."
		} else {
			msg += " Jinja was looking for the following tags: " + list + "."
		}
	}
	if len(p.tags) > 0 {
		msg += " The innermost block that needs to be closed is " + Repr(Str(p.tags[len(p.tags)-1]), Current) + "."
	}
	e := &Error{Kind: TemplateSyntaxError, Msg: msg}
	if name != nil {
		e.Got, e.Known = *name, knownTags(ends)
	}
	panic(e)
}

func anyHas(lists [][]string, name string) bool {
	for _, l := range lists {
		for _, e := range l {
			if e == name {
				return true
			}
		}
	}
	return false
}

func knownTags(ends [][]string) []string {
	known := []string{"for", "if", "block", "extends", "print", "macro", "include", "from", "import", "set", "with", "autoescape",
		"call", "filter", "raw", "do", "break", "continue"}
	if len(ends) > 0 {
		known = append(known, ends[len(ends)-1]...)
	}
	return known
}

// statements parses the rest of a tag and a body up to one of the tags ends,
// which is the current token afterwards.
func (p *parser) statements(ends ...string) []stmt {
	p.skip(":") // as in Python
	p.expect(tokBlockEnd)
	body := p.subparse(ends)
	if p.cur().kind == tokEOF {
		p.failTags(nil, append(p.ends[:len(p.ends):len(p.ends)], ends))
	}
	return body
}

// body parses a body up to the tag end and takes that.
func (p *parser) body(end string) []stmt {
	b := p.statements(end)
	p.i++
	return b
}

func (p *parser) parseFor(n node) stmt {
	s := &forStmt{node: n}
	s.target = p.assignTarget(tupleOpts{simplified: true, ends: []string{"in"}})
	p.expectName("in")
	s.iter = p.tuple(tupleOpts{ends: []string{"recursive"}})
	if p.skipName("if") {
		s.test = p.expression(true)
	}
	s.recursive = p.skipName("recursive")
	s.body = p.statements("endfor", "else")
	if p.next().text == "else" {
		s.els = p.body("endfor")
	}
	return s
}

func (p *parser) parseIf(n node) stmt {
	s := &ifStmt{node: n}
	for {
		s.tests = append(s.tests, p.tuple(tupleOpts{}))
		s.bodies = append(s.bodies, p.statements("elif", "else", "endif"))
		switch p.next().text {
		case "elif":
			continue
		case "else":
			s.els = p.body("endif")
		}
		return s
	}
}

func (p *parser) parseSet(n node) stmt {
	target := p.assignTarget(tupleOpts{simplified: true, namespace: true})
	if p.skip("=") {
		return &setStmt{n, target, p.tuple(tupleOpts{condExpr: true})}
	}
	filter := p.filter(nil, false)
	return &setBlockStmt{n, target, filter, p.body("endset")}
}

func (p *parser) parseWith(n node) stmt {
	s := &withStmt{node: n}
	for p.cur().kind != tokBlockEnd {
		if len(s.targets) > 0 {
			p.expect(",")
		}
		s.targets = append(s.targets, p.assignTarget(tupleOpts{simplified: true}))
		p.expect("=")
		s.values = append(s.values, p.expression(true))
	}
	s.body = p.body("endwith")
	return s
}

func (p *parser) parseBlock(n node) stmt {
	s := &blockStmt{node: n, name: p.expect(tokName).text}
	s.scoped = p.skipName("scoped")
	s.required = p.skipName("required")
	if p.cur().kind == "-" {
		p.fail("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	s.body = p.body("endblock")
	if s.required {
		for _, b := range s.body {
			if !isBlank(b) {
				p.fail("Required blocks can only contain comments or whitespace")
			}
		}
	}
	p.skipName(s.name)
	if _, ok := p.blocks[s.name]; ok && p.twice == nil { // errors of the syntax behind it are told first
		p.twice = s
	}
	p.blocks[s.name] = s
	return s
}

func isBlank(s stmt) bool {
	out, ok := s.(*outputStmt)
	if !ok {
		return false
	}
	for _, x := range out.items {
		t, ok := x.(*templateText)
		if !ok || strings.TrimFunc(t.text, isSpace) != "" {
			return false
		}
	}
	return true
}

func (p *parser) importContext(dflt bool) bool {
	if p.isNames("with", "without") && p.look().kind == tokName && p.look().text == "context" {
		with := p.next().text == "with"
		p.i++
		return with
	}
	return dflt
}

func (p *parser) parseInclude(n node) stmt {
	s := &includeStmt{node: n, template: p.expression(true)}
	if p.isName("ignore") && p.look().kind == tokName && p.look().text == "missing" {
		s.ignoreMissing = true
		p.i += 2
	}
	s.withContext = p.importContext(true)
	return s
}

func (p *parser) parseImport(n node) stmt {
	s := &importStmt{node: n, template: p.expression(true)}
	p.expectName("as")
	s.target = p.assignName()
	s.withContext = p.importContext(false)
	return s
}

func (p *parser) parseFrom(n node) stmt {
	s := &fromStmt{node: n, template: p.expression(true)}
	p.expectName("import")
	context := func() bool {
		if p.isNames("with", "without") && p.look().kind == tokName && p.look().text == "context" {
			s.withContext = p.importContext(false)
			return true
		}
		return false
	}
	for {
		if len(s.names) > 0 {
			p.expect(",")
		}
		if p.cur().kind != tokName {
			p.expect(tokName)
		}
		if context() {
			return s
		}
		at := p.pos()
		name := p.assignName()
		if strings.HasPrefix(name, "_") {
			p.failAt(at, TemplateAssertError, "names starting with an underline can not be imported")
		}
		alias := name
		if p.skipName("as") {
			alias = p.assignName()
		}
		s.names, s.aliases = append(s.names, name), append(s.aliases, alias)
		if context() || p.cur().kind != "," {
			return s
		}
	}
}

func (p *parser) signature() (s signature) {
	p.expect("(")
	for p.cur().kind != ")" {
		if len(s.params) > 0 {
			p.expect(",")
		}
		name := p.assignName()
		if p.skip("=") {
			s.defaults = append(s.defaults, p.expression(true))
		} else if len(s.defaults) > 0 {
			p.fail("non-default argument follows default argument")
		}
		for _, other := range s.params {
			if other == name {
				throw(SyntaxError, "duplicate argument '%s' in function definition", name)
			}
		}
		s.params = append(s.params, name)
	}
	p.expect(")")
	return s
}

func (p *parser) parseCallBlock(n node) stmt {
	s := &callStmt{node: n}
	if p.cur().kind == "(" {
		s.signature = p.signature()
	}
	call, ok := p.expression(true).(*callExpr)
	if !ok {
		p.failAt(n, TemplateSyntaxError, "expected call")
	}
	s.call = call
	s.body = p.body("endcall")
	return s
}

func (p *parser) parseMacro(n node) stmt {
	s := &macroStmt{node: n, name: p.assignName()}
	s.signature = p.signature()
	s.body = p.body("endmacro")
	return s
}

func (p *parser) parsePrint(n node) stmt {
	s := &outputStmt{node: n}
	for p.cur().kind != tokBlockEnd {
		if len(s.items) > 0 {
			p.expect(",")
		}
		s.items = append(s.items, p.expression(true))
	}
	return s
}

// assignName parses a name that is assigned to.
func (p *parser) assignName() string {
	t := p.expect(tokName)
	if reservedName(t.text) {
		p.i--
		p.fail("can't assign to 'name'")
	}
	return t.text
}

func reservedName(s string) bool {
	switch s {
	case "true", "false", "none", "True", "False", "None":
		return true
	}
	return false
}

// assignTarget parses what is left of "=" or "in".
func (p *parser) assignTarget(o tupleOpts) expr {
	start := p.i
	target := p.tuple(o)
	if bad := unassignable(target); bad != "" {
		p.i = start
		p.fail("can't assign to %s", Repr(Str(bad), Current))
	}
	return target
}

// unassignable names the kind of node that cannot be assigned to, "" where
// all can.
func unassignable(x expr) string {
	switch x := x.(type) {
	case *nameExpr, *nsRefExpr:
		return ""
	case *tupleExpr:
		for _, e := range x.items {
			if unassignable(e) != "" {
				return "tuple"
			}
		}
		return ""
	case *constExpr:
		return "const"
	case *listExpr:
		return "list"
	case *dictExpr:
		return "dict"
	case *filterExpr:
		return "filter"
	}
	return strings.ToLower(nodeName(x))
}
