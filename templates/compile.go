package templates

// This file compiles statements to closures.

import (
	"strings"
)

// evalFn computes a value, execFn runs a statement. Both throw.
type (
	evalFn func(f *frame) Value
	execFn func(f *frame) control
)

// condFn computes the truth of a value.
type condFn func(f *frame) bool

// control says how a statement ended.
type control int

const (
	goOn control = iota
	breakLoop
	continueLoop
)

// compiler compiles one template.
type compiler struct {
	e    *Engine
	t    *Template
	name string
	// source are all statements of the template.
	source []stmt
	// knownExtends says that an extends certainly ran before this point.
	knownExtends bool
	extendsSeen  bool
	exited       bool // behind a second extends nothing is compiled
	// mild says that what is compiled is a constant, which Jinja2 computes before the run.
	mild bool
	// rule says that a conditional is compiled: templates in its constants are
	// rendered, as are those in the constants that are terms of a lookup.
	rule  bool
	terms map[*constExpr]bool
}

// place is where code is compiled.
type place struct {
	*scope
	toplevel  bool // of the root, also inside an if
	rootlevel bool // of the root itself
	check     bool // output is dropped once a parent template is known
	inLoop    bool
	softUse   bool // inside an if: an unknown filter only fails when it is used
	block     string
}

// inner returns a place with a scope of its own in the same unit.
func (p place) inner() place {
	p.scope = newScope(p.scope, p.unit)
	p.toplevel, p.rootlevel = false, false
	return p
}

func (p place) soft() place {
	p.rootlevel, p.softUse = false, true
	return p
}

// body is a compiled unit.
type body struct {
	unit    *unit
	entries []entry
	run     []execFn
}

func (c *compiler) root(stmts []stmt, blocks map[string]*blockStmt) {
	c.source = stmts
	u := newUnit(nil)
	p := place{scope: newScope(nil, u), toplevel: true, rootlevel: true}
	walkStmts(stmts, func(s stmt) bool {
		if _, ok := s.(*extendsStmt); ok {
			p.check = true
		}
		return true
	}, func(expr) {})
	if uses(stmts, "self") {
		c.t.selfSlot = p.param("self").slot
	} else {
		c.t.selfSlot = -1
	}
	p.visit(stmts)
	c.t.main = c.unitBody(p, stmts)
	c.t.knownExtends = c.knownExtends
	if out, ok := single(stmts); ok && !c.extendsSeen {
		c.t.single, c.t.singleAt = c.expr(p, out), out.at()
		switch x := out.(type) {
		case *nameExpr:
			if c.t.selfSlot < 0 && c.e.isVariable(c.t.src) {
				c.t.variable = x.name
			}
		case *filterExpr:
			c.t.verbatim = verbatimFilters[x.name]
		case *callExpr:
			c.t.verbatim = keepsText(x)
		}
	}
	c.t.blocks = make(map[string]*block, len(blocks))
	for name, b := range blocks {
		c.t.blocks[name] = c.blockBody(b)
		c.t.blockOrder = append(c.t.blockOrder, name)
	}
	c.t.own = ownBlocks(c.t.blocks)
}

// single returns the expression of a template that is nothing else.
func single(stmts []stmt) (expr, bool) {
	if len(stmts) != 1 {
		return nil, false
	}
	out, ok := stmts[0].(*outputStmt)
	if !ok || len(out.items) != 1 {
		return nil, false
	}
	if _, isText := out.items[0].(*templateText); isText {
		return nil, false
	}
	return out.items[0], true
}

// unitBody compiles the body of a unit whose scope is analysed.
func (c *compiler) unitBody(p place, stmts []stmt) body {
	b := body{unit: p.unit, entries: p.entries()}
	b.run = c.stmts(p, stmts)
	return b
}

func (c *compiler) blockBody(b *blockStmt) *block {
	u := newUnit(nil)
	p := place{scope: newScope(nil, u), block: b.name}
	blk := &block{t: c.t, name: b.name, required: b.required, selfSlot: -1, superSlot: -1}
	if uses(b.body, "self") {
		blk.selfSlot = p.param("self").slot
	}
	var super *ref
	if uses(b.body, "super") {
		super = p.param("super")
		super.super = true
	}
	p.visit(b.body)
	blk.body = c.unitBody(p, b.body)
	if super != nil && (super.used || !super.super) {
		blk.superSlot = super.slot
	}
	return blk
}

func (c *compiler) fail(n node, kind, format string, args ...any) {
	line, col := lineCol(c.t.src, int(n))
	e := try(func() { throw(kind, format, args...) }).(*Error)
	e.Line, e.Col = line, col
	panic(e)
}

func (c *compiler) stmts(p place, list []stmt) []execFn {
	fns := make([]execFn, 0, len(list))
	for _, s := range list {
		if c.exited {
			break
		}
		if fn := c.stmt(p, s); fn != nil {
			fns = append(fns, fn)
		}
	}
	return fns
}

func runAll(f *frame, fns []execFn) control {
	for _, fn := range fns {
		if ctl := fn(f); ctl != goOn {
			return ctl
		}
	}
	return goOn
}

func (c *compiler) stmt(p place, s stmt) execFn {
	switch s := s.(type) {
	case *outputStmt:
		return c.output(p, s)
	case *forStmt:
		return c.forLoop(p, s)
	case *ifStmt:
		return c.ifElse(p, s)
	case *setStmt:
		return c.set(p, s)
	case *setBlockStmt:
		return c.setBlock(p, s)
	case *withStmt:
		return c.with(p, s)
	case *autoescapeStmt:
		return c.autoescape(p, s)
	case *blockStmt:
		return c.blockCall(p, s)
	case *extendsStmt:
		return c.extends(p, s)
	case *includeStmt:
		return c.include(p, s)
	case *importStmt:
		return c.importModule(p, s)
	case *fromStmt:
		return c.fromImport(p, s)
	case *macroStmt:
		return c.macroDef(p, s)
	case *callStmt:
		return c.callBlock(p, s)
	case *filterStmt:
		return c.filterBlock(p, s)
	case *doStmt:
		x := c.expr(p, s.x)
		at := s.at()
		return func(f *frame) control {
			f.rt.pos = at
			x(f)
			return goOn
		}
	case *loopCtlStmt:
		if !p.inLoop {
			word := "continue"
			if s.brk {
				word = "break"
			}
			c.fail(s.node, SyntaxError, "'%s' outside loop", word)
		}
		if s.brk {
			return func(*frame) control { return breakLoop }
		}
		return func(*frame) control { return continueLoop }
	}
	c.fail(node(s.at()), TemplateRuntimeError, "internal error: forgot a statement")
	return nil
}

// assign compiles an assignment to a target.
func (c *compiler) assign(p place, target expr) func(f *frame, v Value) {
	switch x := target.(type) {
	case *nameExpr:
		return c.assignName(p, x.name)
	case *nsRefExpr:
		load := c.load(p, x.name)
		return func(f *frame, v Value) {
			mustNamespace(load(f)).attrs.SetStr(x.attr, v)
		}
	case *tupleExpr:
		parts := make([]func(*frame, Value), len(x.items))
		for i, e := range x.items {
			parts[i] = c.assign(p, e)
		}
		return func(f *frame, v Value) {
			elems, ok := f.rt.iterable(v)
			if !ok {
				throw(TypeError, "cannot unpack non-iterable %s object", pyType(v))
			}
			switch {
			case len(elems) < len(parts):
				throw(ValueError, "not enough values to unpack (expected %d, got %d)", len(parts), len(elems))
			case len(elems) > len(parts):
				throw(ValueError, "too many values to unpack (expected %d)", len(parts))
			}
			for i, e := range elems {
				parts[i](f, e)
			}
		}
	}
	c.fail(node(target.at()), TemplateSyntaxError, "can't assign to %s", Repr(Str(strings.ToLower(nodeName(target))), Current))
	return nil
}

func mustNamespace(v Value) *namespace {
	ns, ok := v.(*namespace)
	if !ok {
		throw(TemplateRuntimeError, "cannot assign attribute on non-namespace object")
	}
	return ns
}

func (c *compiler) assignName(p place, name string) func(f *frame, v Value) {
	a := p.access(p.find(name))
	if !p.toplevel {
		slot := a.slot // what a scope stores is always its own
		return func(f *frame, v Value) { f.slots[slot] = v }
	}
	public := !strings.HasPrefix(name, "_")
	return func(f *frame, v Value) {
		f.slots[a.slot] = v
		f.tc.vars.set(name, v, public)
	}
}

func (c *compiler) set(p place, s *setStmt) execFn {
	value := c.expr(p, s.value)
	assign := c.assign(p, s.target)
	at := s.at()
	if ns, ok := s.target.(*nsRefExpr); ok { // the namespace is looked at first
		load := c.load(p, ns.name)
		return func(f *frame) control {
			f.rt.pos = at
			mustNamespace(load(f))
			assign(f, value(f))
			return goOn
		}
	}
	return func(f *frame) control {
		f.rt.pos = at
		assign(f, value(f))
		return goOn
	}
}

func (c *compiler) setBlock(p place, s *setBlockStmt) execFn {
	in := p.inner()
	in.check = false
	if s.filter != nil {
		in.exprs(s.filter)
	}
	in.visit(s.body)
	entries := in.entries()
	body := c.stmts(in, s.body)
	filter := c.filterChain(in, s.filter)
	assign := c.assign(p, s.target)
	checkTarget := func(*frame) {}
	if ns, ok := s.target.(*nsRefExpr); ok { // the namespace is looked at before the filter
		load := c.load(p, ns.name)
		checkTarget = func(f *frame) { mustNamespace(load(f)) }
	}
	return func(f *frame) control {
		f.enter(entries)
		v, ctl := f.capture(body)
		checkTarget(f)
		assign(f, filter(f, v))
		return ctl
	}
}

func (c *compiler) filterBlock(p place, s *filterStmt) execFn {
	in := p.inner()
	in.exprs(s.filter)
	in.visit(s.body)
	entries := in.entries()
	body := c.stmts(in, s.body)
	filter := c.filterChain(in, s.filter)
	return func(f *frame) control {
		f.enter(entries)
		v, ctl := f.capture(body)
		f.out.text(StrOf(filter(f, v), f.rt.era))
		return ctl
	}
}

// filterChain compiles the filters of a set or filter block.
func (c *compiler) filterChain(p place, x expr) func(f *frame, v Value) Value {
	if x == nil {
		return func(_ *frame, v Value) Value { return v }
	}
	fx := x.(*filterExpr)
	before := c.filterChain(p, fx.x)
	apply := c.filterApply(p, fx)
	return func(f *frame, v Value) Value { return apply(f, before(f, v)) }
}

func (c *compiler) with(p place, s *withStmt) execFn {
	values := make([]evalFn, len(s.values))
	for i, v := range s.values {
		values[i] = c.expr(p, v)
	}
	in := p.inner()
	for _, t := range s.targets {
		in.target(t, true)
	}
	in.visit(s.body)
	entries := in.entries()
	assigns := make([]func(*frame, Value), len(s.targets))
	for i, t := range s.targets {
		assigns[i] = c.assign(in, t)
	}
	body := c.stmts(in, s.body)
	return func(f *frame) control {
		var few [4]Value
		vals := few[:0]
		for _, v := range values {
			vals = append(vals, v(f))
		}
		f.enter(entries)
		for i, a := range assigns {
			a(f, vals[i])
		}
		return runAll(f, body)
	}
}

func (c *compiler) autoescape(p place, s *autoescapeStmt) execFn {
	in := p.inner()
	in.exprs(s.value)
	in.visit(s.body)
	entries := in.entries()
	value := c.expr(in, s.value)
	body := c.stmts(in, s.body)
	return func(f *frame) control {
		f.enter(entries)
		old := f.tc.autoescape
		f.tc.autoescape = truth(value(f))
		ctl := runAll(f, body)
		f.tc.autoescape = old
		return ctl
	}
}
