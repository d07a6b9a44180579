package templates

// This file joins templates: include, import, extends and blocks
// (https://jinja.palletsprojects.com/en/3.1.x/templates/#template-inheritance).

import (
	"strings"
	"sync/atomic"
)

// load loads and compiles a template for the one called parent.
func (rt *run) load(name, parent string) *Template {
	return rt.e.compileNamed(rt.sourceOf(name, parent), name)
}

func (rt *run) sourceOf(name, parent string) string {
	if rt.e.opts.Load == nil {
		throw(TypeError, "no loader for this environment specified")
	}
	src, err := rt.e.opts.Load(name, parent)
	check(err)
	return src
}

// lastTemplate is what a statement that names one template loaded last, so
// that goroutines need not wait for each other to find it.
type lastTemplate struct{ atomic.Pointer[Template] }

func (l *lastTemplate) load(rt *run, name, parent string) *Template {
	src := rt.sourceOf(name, parent)
	if t := l.Load(); t != nil && t.e == rt.e && t.name == name && t.source == src {
		return t
	}
	t := rt.e.compileNamed(src, name)
	l.Store(t)
	return t
}

// templateName is the name that a value of extends or include is.
func templateName(v Value) string {
	failUndefined(v)
	return StrOf(v, Current)
}

// templateNames turns what include is given into a list of names; single
// says that it is one name and not a list.
func (rt *run) templateNames(v Value) (names []string, single bool) {
	if isText(v) || IsUndefined(v) {
		return []string{templateName(v)}, true
	}
	for _, e := range rt.iter(v) {
		if u, ok := e.(*Undefined); ok {
			names = append(names, u.Message())
		} else {
			names = append(names, templateName(e))
		}
	}
	return names, false
}

// selectTemplate loads the first of the templates that there is.
func (rt *run) selectTemplate(v Value, parent string) *Template {
	names, single := rt.templateNames(v)
	if single {
		return rt.load(names[0], parent)
	}
	if len(names) == 0 {
		throw(TemplatesNotFound, "Tried to select from an empty list of templates.")
	}
	for _, n := range names {
		var t *Template
		err := try(func() { t = rt.load(n, parent) })
		if err == nil {
			return t
		}
		if e, ok := err.(*Error); !ok || e.Kind != TemplateNotFound || e.Got != "" && e.Got != n {
			panic(err)
		}
	}
	throw(TemplatesNotFound, "none of the templates given were found: %s", strings.Join(names, ", "))
	return nil
}

// derive returns a context that sees f's and the given local variables.
func (f *frame) derive(t *Template, locals map[string]access) *tctx {
	tc := f.rt.newContext(t, f.tc)
	tc.locals = f.localValues(locals)
	return tc
}

func (f *frame) localValues(locals map[string]access) map[string]Value {
	m := make(map[string]Value, len(locals))
	for name, a := range locals {
		if v := f.outer(a.hops).slots[a.slot]; v != nil && v != missing {
			m[name] = v
		}
	}
	return m
}

func (c *compiler) include(p place, s *includeStmt) execFn {
	template := c.expr(p, s.template)
	locals := p.locals()
	at := s.at()
	var named lastTemplate
	text, isConst := constText(s.template)
	return func(f *frame) control {
		f.rt.pos = at
		name := template(f)
		var t *Template
		err := try(func() {
			if isConst {
				t = named.load(f.rt, text, f.tc.Name)
			} else {
				t = f.rt.selectTemplate(f.rt.deep(name), f.tc.Name)
			}
		})
		if err != nil {
			if s.ignoreMissing && isKind(err, TemplateNotFound, TemplatesNotFound) {
				return goOn
			}
			panic(err)
		}
		if s.withContext {
			tc := f.derive(t, locals)
			f.rt.runRoot(t, tc, f.out)
			return goOn
		}
		f.out.text(f.rt.module(t, nil).body)
		return goOn
	}
}

// constText returns the text that x is, where it is a literal.
func constText(x expr) (string, bool) {
	if k, ok := x.(*constExpr); ok {
		if s, ok := k.val.(Str); ok {
			return string(s), true
		}
	}
	return "", false
}

// module runs t for its names; tc is nil where it sees the globals alone.
func (rt *run) module(t *Template, tc *tctx) *moduleValue {
	if tc == nil {
		tc = rt.newContext(t, nil)
		tc.noScope = true
	}
	rt.kept = true
	out := buffer{max: rt.max}
	rt.runRoot(t, tc, &out)
	rt.bound(len(out.b))
	return &moduleValue{tc: tc, name: t.name, body: string(out.b)}
}

// blockTable are the blocks of a template and of those that it extends, by
// name, the overriding ones first. It does not change.
type blockTable struct{ stacks map[string][]*block }

var noBlocks = &blockTable{}

// ownBlocks is the table of a template by itself.
func ownBlocks(blocks map[string]*block) *blockTable {
	if len(blocks) == 0 {
		return noBlocks
	}
	return noBlocks.with(blocks)
}

// with is the table where a template with blocks is extended.
func (b *blockTable) with(blocks map[string]*block) *blockTable {
	out := &blockTable{make(map[string][]*block, len(b.stacks)+len(blocks))}
	for name, stack := range b.stacks {
		out.stacks[name] = stack[:len(stack):len(stack)]
	}
	for name, blk := range blocks {
		out.stacks[name] = append(out.stacks[name], blk)
	}
	return out
}

// extension is what extending a template came to, for the next time.
type extension struct {
	from, to *blockTable
	parent   *Template
}

// moduleValue is an imported template.
type moduleValue struct {
	tc   *tctx
	name string
	body string
}

// Type is Python's class name.
func (m *moduleValue) Type() string { return "TemplateModule" }

// Truth is always true.
func (m *moduleValue) Truth() bool { return true }

func (m *moduleValue) repr() string {
	if m.name == "" {
		return "<TemplateModule memory:7f0000000000>"
	}
	return "<TemplateModule " + Repr(Str(m.name), Current) + ">"
}

// Attr implements [Object].
func (m *moduleValue) Attr(name string) (Value, bool, error) {
	if x := m.tc.vars.find(name); x != nil && x.exported {
		return x.v, true, nil
	}
	return nil, false, nil
}

func (c *compiler) importModule(p place, s *importStmt) execFn {
	template := c.expr(p, s.template)
	locals := p.locals()
	assign := c.assignName(p, s.target)
	toplevel, at := p.toplevel, s.at()
	return func(f *frame) control {
		f.rt.pos = at
		m := f.importTemplate(template(f), s.withContext, locals)
		assign(f, m)
		if toplevel {
			f.tc.vars.hide(s.target)
		}
		return goOn
	}
}

func (f *frame) importTemplate(name Value, withContext bool, locals map[string]access) *moduleValue {
	t := f.rt.load(templateName(f.rt.deep(name)), f.tc.Name)
	if withContext {
		return f.rt.module(t, f.derive(t, locals))
	}
	return f.rt.module(t, nil)
}

func (c *compiler) fromImport(p place, s *fromStmt) execFn {
	template := c.expr(p, s.template)
	locals := p.locals()
	assigns := make([]func(*frame, Value), len(s.names))
	for i, a := range s.aliases {
		assigns[i] = c.assignName(p, a)
	}
	toplevel, at := p.toplevel, s.at()
	line, _ := lineCol(c.t.src, at)
	where := position(line, c.name)
	return func(f *frame) control {
		f.rt.pos = at
		m := f.importTemplate(template(f), s.withContext, locals)
		for i, name := range s.names {
			v, ok, _ := m.Attr(name)
			if !ok {
				v = &Undefined{Kind: f.rt.e.opts.Undefined, Name: name,
					Hint: "the template " + nameRepr(m.name) + " (imported on " + where + ") does not export the requested name " + Repr(Str(name), Current)}
			}
			assigns[i](f, v)
			if toplevel {
				f.tc.vars.hide(s.aliases[i])
			}
		}
		return goOn
	}
}

func (c *compiler) extends(p place, s *extendsStmt) execFn {
	if !p.toplevel {
		c.fail(s.node, TemplateAssertError, "cannot use extend from a non top-level scope")
	}
	if c.knownExtends {
		c.exited = true
		return func(*frame) control {
			throw(TemplateRuntimeError, "extended multiple times")
			return goOn
		}
	}
	template := c.expr(p, s.template)
	at := s.at()
	c.extendsSeen = true
	var last atomic.Pointer[extension]
	var named lastTemplate
	_, isConst := constText(s.template)
	if p.rootlevel {
		c.knownExtends = true
	}
	return func(f *frame) control {
		f.rt.pos = at
		if f.tc.parent != nil {
			throw(TemplateRuntimeError, "extended multiple times")
		}
		f.rt.cancelled()
		var parent *Template
		if name := templateName(f.rt.deep(template(f))); isConst {
			parent = named.load(f.rt, name, f.tc.Name)
		} else {
			parent = f.rt.load(name, f.tc.Name)
		}
		f.rt.calls++ // a template that extends itself
		if f.rt.calls > maxCalls {
			throw(RecursionError, "maximum recursion depth exceeded")
		}
		f.tc.parent = parent
		x := last.Load()
		if x == nil || x.from != f.tc.blocks || x.parent != parent {
			x = &extension{from: f.tc.blocks, to: f.tc.blocks.with(parent.blocks), parent: parent}
			last.Store(x)
		}
		f.tc.blocks = x.to
		return goOn
	}
}

// blockCall compiles the place where a block stands.
func (c *compiler) blockCall(p place, s *blockStmt) execFn {
	if p.toplevel && c.knownExtends {
		return nil
	}
	check := p.toplevel && c.extendsSeen
	locals := p.locals()
	name, at := s.name, s.at()
	return func(f *frame) control {
		if check && f.tc.parent != nil {
			return goOn
		}
		f.rt.pos = at
		stack := f.tc.blocks.stacks[name]
		if len(stack) == 0 {
			throw(KeyError, "%s", Repr(Str(name), Current))
		}
		if s.required && len(stack) <= 1 {
			throw(TemplateRuntimeError, "Required block %s not found", Repr(Str(name), Current))
		}
		tc := f.tc
		if s.scoped {
			tc = f.rt.newContext(f.rt.t, f.tc)
			tc.locals = f.localValues(locals)
			tc.blocks, tc.autoescape = f.tc.blocks, f.tc.autoescape
			tc.Name = f.tc.Name
		}
		f.rt.runBlock(tc, stack, 0, f.out)
		return goOn
	}
}

// runBlock runs the block at depth in a stack of overridden ones.
func (rt *run) runBlock(tc *tctx, stack []*block, depth int, out *buffer) {
	rt.call()
	b := stack[depth]
	old, pos, name := rt.t, rt.pos, tc.Name
	rt.t, tc.Name = b.t, b.t.name
	f := rt.newFrame(tc, nil, b.body.unit, out)
	f.stack, f.depth = stack, depth
	if b.selfSlot >= 0 {
		rt.kept = true
		f.slots[b.selfSlot] = &selfRef{tc: tc}
	}
	if b.superSlot >= 0 {
		f.slots[b.superSlot] = rt.superOf(tc, b.name, stack, depth)
	}
	f.enter(b.body.entries)
	runAll(f, b.body.run)
	rt.freeFrame(f, b.body.unit)
	rt.t, rt.pos, tc.Name = old, pos, name
	rt.calls--
}

func (rt *run) superOf(tc *tctx, name string, stack []*block, depth int) Value {
	if depth+1 >= len(stack) {
		return &Undefined{Kind: rt.e.opts.Undefined, Name: "super", Hint: "there is no parent block called " + Repr(Str(name), Current) + "."}
	}
	rt.kept = true
	return &blockRef{name: name, tc: tc, stack: stack, depth: depth + 1}
}

// selfRef is the variable self.
type selfRef struct{ tc *tctx }

// Type is Python's class name.
func (s *selfRef) Type() string { return "TemplateReference" }

// Truth is always true.
func (s *selfRef) Truth() bool { return true }

func (s *selfRef) repr() string { return "<TemplateReference " + nameRepr(s.tc.Name) + ">" }

// nameRepr is the repr of a template's name.
func nameRepr(name string) string {
	if name == "" {
		return "None"
	}
	return Repr(Str(name), Current)
}

// Attr implements [Object].
func (s *selfRef) Attr(name string) (Value, bool, error) {
	if stack, ok := s.tc.blocks.stacks[name]; ok {
		return &blockRef{name: name, tc: s.tc, stack: stack}, true, nil
	}
	return nil, false, nil
}

// blockRef is self.NAME and super: a block that can be called.
type blockRef struct {
	name  string
	tc    *tctx
	stack []*block
	depth int
}

// Type is Python's class name.
func (b *blockRef) Type() string { return "BlockReference" }

// Truth is always true.
func (b *blockRef) Truth() bool { return true }

// Attr implements [Object].
func (b *blockRef) Attr(name string) (Value, bool, error) {
	if name == "super" {
		return b.tc.run.superOf(b.tc, b.name, b.stack, b.depth), true, nil
	}
	return nil, false, nil
}

// Call implements [Callable].
func (b *blockRef) Call(*Call) (Value, error) {
	rt := b.tc.run
	out := rt.takeBuffer()
	rt.runBlock(b.tc, b.stack, b.depth, out)
	return rt.textFrom(out, b.tc.autoescape), nil
}
