package templates

// This file holds what a rendering carries with it.

import (
	"context"
	"strings"
	"unicode/utf8"
)

const (
	defaultMaxOutput = 256 << 20
	// maxCalls bounds macros, includes, blocks, recursive loops and lazy
	// variables that run inside one another.
	maxCalls = 400
)

// run is one rendering, whatever templates it leads through.
type run struct {
	ctx   context.Context
	e     *Engine
	scope Scope
	era   Era
	t     *Template // running now
	pos   int       // byte offset in t's source that is running now
	calls int       // how deep calls nest
	ticks int
	spent int // units of memory that operations asked for
	max   int

	texts  map[*Text]Value // resolved
	active []*Text         // being resolved, outermost first
}

func (e *Engine) newRun(ctx context.Context, s Scope) *run {
	limit := e.opts.MaxOutput
	if limit <= 0 {
		limit = defaultMaxOutput
	}
	return &run{ctx: ctx, e: e, scope: s, era: e.opts.Era, max: limit}
}

// bound throws where one operation, or all together, ask for too much.
func (rt *run) bound(n int) {
	if n > 1<<20 {
		rt.spent += n
	} else { // small pieces mostly are garbage soon
		rt.spent += n / 16
	}
	if n > rt.max || n < 0 || rt.spent/8 > rt.max {
		throw(OverflowError, "the template makes more than %d bytes", rt.max)
	}
}

// tick is called in every loop: it notices cancellation.
func (rt *run) tick() {
	rt.ticks++
	if rt.ticks&63 == 0 {
		rt.cancelled()
	}
}

func (rt *run) cancelled() {
	if rt.ctx != nil && rt.ctx.Err() != nil {
		panic(&Error{Kind: TemplateRuntimeError, Msg: "templating was cancelled: " + context.Cause(rt.ctx).Error(), Cause: context.Cause(rt.ctx)})
	}
}

// call counts one more call inside another.
func (rt *run) call() {
	rt.calls++
	if rt.calls > maxCalls {
		throw(RecursionError, "maximum recursion depth exceeded")
	}
	rt.tick()
}

// buffer collects output.
type buffer struct {
	b   []byte
	max int
	// native keeps the first piece of output as a value, for a template that
	// gives one piece alone; n counts the pieces, None and undefined apart.
	native bool
	n      int
	first  Value
	era    Era
}

// value takes a piece of output in a native buffer; false where it has to be
// written as text.
func (o *buffer) value(v Value) bool {
	switch {
	case v == None:
		return true
	case o.n == 0:
		o.n, o.first = 1, v
		return true
	}
	o.flush()
	o.n++
	return false
}

// flush writes the first piece, since it is not the only one.
func (o *buffer) flush() {
	if o.first != nil {
		v := o.first
		o.first = nil
		o.b = appendStr(o.b, v, o.era)
	}
}

func (o *buffer) text(s string) {
	if o.native && s != "" {
		if o.value(Str(s)) {
			return
		}
	}
	o.write(s)
}

func (o *buffer) write(s string) {
	o.b = append(o.b, s...)
	if len(o.b) > o.max {
		throw(OverflowError, "the template makes more than %d bytes", o.max)
	}
}

// tctx is the context of one template in a run: Jinja2's Context.
type tctx struct {
	State
	e          *Engine
	up         *tctx // whose variables are visible too
	noScope    bool  // an import without context sees globals alone
	locals     map[string]Value
	vars       map[string]Value
	names      []string // of vars, oldest first
	exported   map[string]bool
	blocks     map[string][]*block
	parent     *Template
	autoescape bool
}

func (rt *run) newContext(t *Template, up *tctx) *tctx {
	c := &tctx{e: rt.e, up: up, autoescape: rt.e.opts.Autoescape}
	c.State = State{Ctx: rt.ctx, Engine: rt.e, Scope: rt.scope, Name: t.name, run: rt, t: c}
	if up != nil {
		c.noScope = up.noScope
	}
	if len(t.blocks) > 0 {
		c.blocks = make(map[string][]*block, len(t.blocks))
		for name, b := range t.blocks {
			c.blocks[name] = []*block{b}
		}
	}
	return c
}

func (c *tctx) setVar(name string, v Value, public bool) {
	if c.vars == nil {
		c.vars, c.exported = map[string]Value{}, map[string]bool{}
	}
	if _, ok := c.vars[name]; !ok {
		c.names = append(c.names, name)
	}
	c.vars[name] = v
	if public {
		c.exported[name] = true
	}
}

// resolve looks a name up; missing where there is none.
func (c *tctx) resolve(name string) Value {
	for x := c; x != nil; x = x.up {
		if v, ok := x.vars[name]; ok {
			return v
		}
		if v, ok := x.locals[name]; ok {
			return v
		}
	}
	if rt := c.run; !c.noScope && rt.scope != nil {
		v, ok, err := rt.scope.Lookup(name)
		check(err)
		if ok && v != nil {
			return rt.force(v)
		}
	}
	if v, ok := c.e.opts.Globals[name]; ok {
		return v
	}
	if v, ok := globals[name]; ok {
		return v
	}
	return missing
}

// missing is the value of a slot whose name has no value.
var missing Value = missingType{}

type missingType struct{}

func (missingType) Type() string { return "missing" }
func (missingType) Truth() bool  { return false }

// frame is a running unit.
type frame struct {
	rt    *run
	tc    *tctx
	up    *frame // of the enclosing unit
	slots []Value
	out   *buffer
}

func (rt *run) newFrame(tc *tctx, up *frame, slots int, out *buffer) *frame {
	return &frame{rt: rt, tc: tc, up: up, slots: make([]Value, slots), out: out}
}

func (f *frame) outer(hops int) *frame {
	for ; hops > 0; hops-- {
		f = f.up
	}
	return f
}

func (f *frame) resolve(name string) Value { return f.tc.resolve(name) }

func (f *frame) undefinedName(name string) Value {
	return &Undefined{Kind: f.rt.e.opts.Undefined, Name: name}
}

func (f *frame) enter(entries []entry) {
	for i := range entries {
		e := &entries[i]
		switch e.load {
		case loadContext:
			f.slots[e.slot] = nil
		case loadMissing:
			f.slots[e.slot] = missing
		case loadAlias:
			f.slots[e.slot] = f.outer(e.outer.hops).slots[e.outer.slot]
		}
	}
}

// capture runs a body into a text.
func (f *frame) capture(body []execFn) (Value, control) {
	out := f.out
	f.out = &buffer{max: f.rt.max}
	ctl := runAll(f, body)
	text := f.out.b
	f.out = out
	f.rt.bound(len(text))
	if f.tc.autoescape {
		return Markup(text), ctl
	}
	return Str(text), ctl
}

// print writes the value of a {{ }}.
func (f *frame) print(v Value) {
	if f.out.native {
		v = f.rt.deep(v)
		if f.out.value(v) {
			return
		}
	}
	if fin := f.rt.e.opts.Finalize; fin != nil {
		v = fin(v)
	}
	switch x := v.(type) {
	case Str:
		if f.tc.autoescape {
			f.out.write(escapeHTML(string(x)))
		} else {
			f.out.write(string(x))
		}
		return
	case Markup:
		f.out.write(string(x))
		return
	}
	v = f.rt.deep(v)
	if f.tc.autoescape {
		f.out.write(escapeValue(v, f.rt.era))
		return
	}
	f.out.b = appendStr(f.out.b, v, f.rt.era)
	f.out.write("")
}

// truth is bool(v); a strict undefined has none.
func truth(v Value) bool {
	if u, ok := v.(*Undefined); ok {
		failStrict(u)
		return false
	}
	return v.Truth()
}

// force resolves v where it is a *Text.
func (rt *run) force(v Value) Value {
	t, ok := v.(*Text)
	if !ok {
		return v
	}
	if v, ok := rt.texts[t]; ok {
		return v
	}
	for i, a := range rt.active {
		if a == t || *a == *t && a.Pos.IsValid() {
			panic(cycleError(append(rt.active[i:len(rt.active):len(rt.active)], t)))
		}
	}
	rt.call()
	rt.active = append(rt.active, t)
	tmpl, pos := rt.t, rt.pos
	var out Value
	err := try(func() { out = rt.evalText(t) })
	if err != nil {
		out = rt.failedText(t, asError(err))
	}
	rt.t, rt.pos = tmpl, pos
	rt.active = rt.active[:len(rt.active)-1]
	rt.calls--
	if rt.texts == nil {
		rt.texts = map[*Text]Value{}
	}
	rt.texts[t] = out
	return out
}

// evalText evaluates t with Ansible's delimiters, whatever the engine's are.
func (rt *run) evalText(t *Text) Value {
	e := rt.e.textEngine()
	tmpl := e.mustText(t.Src)
	inner := *rt
	inner.e, inner.t, inner.pos = e, tmpl, 0
	defer func() {
		rt.spent, rt.ticks, rt.texts, rt.t, rt.pos = inner.spent, inner.ticks, inner.texts, inner.t, inner.pos
	}()
	return inner.evalTemplate(tmpl)
}

// failedText gives an error the place of the text it is in. Where a name is
// undefined the text's value is undefined too, so that tests and default see it.
func (rt *run) failedText(t *Text, e *Error) Value {
	c := *e
	if c.Src == "" && rt.t != nil {
		c.locate(rt.t, rt.pos)
	}
	if !c.Pos.IsValid() {
		c.Pos = t.Pos
	}
	if c.Kind != UndefinedError {
		panic(&c)
	}
	return &Undefined{Kind: rt.e.opts.Undefined, Name: c.Got, Hint: c.Msg, Cause: &c}
}

func cycleError(chain []*Text) *Error {
	srcs := make([]string, len(chain))
	for i, t := range chain {
		srcs[i] = t.Src
	}
	return &Error{Kind: AnsibleError, Pos: chain[0].Pos, Src: chain[0].Src, Line: 1, Col: 1,
		Msg: "recursive loop detected in template string: " + strings.Join(srcs, " -> ") + ". maximum recursion depth exceeded"}
}

// deep resolves v and, where it is a container that may hold a *Text, all
// that is in it.
func (rt *run) deep(v Value) Value {
	switch x := v.(type) {
	case *Text:
		return rt.force(x)
	case *List:
		if x.Lazy {
			return rt.deepIn(x, 0)
		}
	case *Dict:
		if x.Lazy {
			return rt.deepIn(x, 0)
		}
	case Tuple:
		if anyLazy(x) {
			return rt.deepIn(x, 0)
		}
	}
	return v
}

func (rt *run) deepIn(v Value, depth int) Value {
	if depth > maxDepth {
		throw(RecursionError, "maximum recursion depth exceeded")
	}
	switch x := v.(type) {
	case *Text:
		v = rt.force(x)
		failStrict(v)
		return v
	case *List:
		if x.Lazy {
			return &List{Elems: rt.deepAll(x.Elems, depth)}
		}
	case Tuple:
		if anyLazy(x) {
			return Tuple(rt.deepAll(x, depth))
		}
	case *Dict:
		if x.Lazy {
			d := NewDict(x.Len())
			for k, e := range x.All {
				check(d.Set(rt.deepIn(k, depth+1), rt.deepIn(e, depth+1)))
			}
			return d
		}
	}
	return v
}

func (rt *run) deepAll(elems []Value, depth int) []Value {
	out := make([]Value, len(elems))
	for i, e := range elems {
		out[i] = rt.deepIn(e, depth+1)
	}
	return out
}

// locate says where in t an error is, where it does not know yet.
func (e *Error) locate(t *Template, pos int) {
	if e.Src == "" && t != nil {
		if e.Line == 0 {
			e.Line, e.Col = lineCol(t.src, pos)
		}
		e.Template, e.Src = t.name, t.src
	}
}

// position is how messages name a line.
func position(line int, name string) string {
	s := "line " + itoa(line)
	if name != "" {
		s += " in " + Repr(Str(name), Current)
	}
	return s
}

// prefix returns at most n characters of s.
func prefix(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// suffixFrom returns s without its first n characters.
func suffixFrom(s string, n int) string { return s[len(prefix(s, n)):] }

func runeLen(s string) int { return utf8.RuneCountInString(s) }
