package templates

// This file holds what a rendering carries with it.

import (
	"context"
	"sync"
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
	// visits are the values that were looked at in containers.
	visits int
	condAt Pos // the place of the conditional that is evaluated
	max    int

	texts  resolvedTexts
	wholes map[Value]Value // of containers, in the era that resolves them at once
	// inWhole is how many texts are active while one that stands in such a
	// container is resolved.
	inWhole int
	active  []*Text // being resolved, outermost first

	// kept says that a value or a function of the caller's may refer to this
	// run, or to a context of it, when it is over.
	kept bool
	// captured are frames that macros refer to, free for use at the end.
	captured []*frame
	// What follows is free for use, so that a rendering allocates little.
	output   buffer
	frames   []*frame
	contexts []*tctx
	buffers  []*buffer
	spaces   []*callSpace
	chains   []*chainSpace
}

var runs = sync.Pool{New: func() any { return new(run) }}

func (e *Engine) newRun(ctx context.Context, s Scope) *run {
	limit := e.opts.MaxOutput
	if limit <= 0 {
		limit = defaultMaxOutput
	}
	rt := runs.Get().(*run)
	rt.ctx, rt.e, rt.scope, rt.era, rt.max = ctx, e, s, e.opts.Era, limit
	return rt
}

// done gives rt back where nothing can refer to it, else the memory of its
// output alone. It is not called for a run that failed, whose error may.
func (rt *run) done() {
	if cap(rt.output.b) > maxPooled {
		rt.output.b = nil
	}
	if rt.kept {
		runs.Put(&run{output: buffer{b: rt.output.b[:0]}})
		return
	}
	for _, f := range rt.captured {
		rt.clearFrame(f)
	}
	clear(rt.captured)
	clear(rt.active)
	rt.texts.clear()
	rt.wholes, rt.inWhole = nil, 0
	rt.captured, rt.active = rt.captured[:0], rt.active[:0]
	rt.ctx, rt.e, rt.scope, rt.t, rt.condAt = nil, nil, nil, nil, Pos{}
	rt.pos, rt.calls, rt.ticks, rt.spent, rt.visits = 0, 0, 0, 0, 0
	runs.Put(rt)
}

// fewTexts is up to how many texts are searched from the beginning.
const fewTexts = 16

// resolvedTexts are the texts of variables that a run has resolved.
type resolvedTexts struct {
	few  []resolvedText
	many map[*Text]Value
}

type resolvedText struct {
	text *Text
	v    Value
}

func (r *resolvedTexts) get(t *Text) (Value, bool) {
	for i := range r.few {
		if r.few[i].text == t {
			return r.few[i].v, true
		}
	}
	v, ok := r.many[t]
	return v, ok
}

func (r *resolvedTexts) add(t *Text, v Value) {
	if len(r.few) < fewTexts {
		r.few = append(r.few, resolvedText{t, v})
		return
	}
	if r.many == nil {
		r.many = map[*Text]Value{}
	}
	r.many[t] = v
}

func (r *resolvedTexts) clear() {
	clear(r.few)
	r.few, r.many = r.few[:0], nil
}

// callSpace is room for a call of a function that keeps nothing of it.
type callSpace struct {
	c    Call
	args [maxParams]Value
	kws  [4]Kwarg
}

func (rt *run) takeSpace() *callSpace {
	if n := len(rt.spaces); n > 0 {
		s := rt.spaces[n-1]
		rt.spaces = rt.spaces[:n-1]
		return s
	}
	return new(callSpace)
}

func (rt *run) freeSpace(s *callSpace) {
	s.c = Call{}
	clear(s.args[:])
	clear(s.kws[:])
	rt.spaces = append(rt.spaces, s)
}

// takeBuffer returns an empty buffer of the run.
func (rt *run) takeBuffer() *buffer {
	if n := len(rt.buffers); n > 0 {
		o := rt.buffers[n-1]
		rt.buffers = rt.buffers[:n-1]
		*o = buffer{b: o.b[:0], max: rt.max}
		return o
	}
	return &buffer{max: rt.max}
}

// freeBuffer takes a buffer back whose bytes nobody refers to.
func (rt *run) freeBuffer(o *buffer) {
	if cap(o.b) <= maxKept {
		o.first = nil
		rt.buffers = append(rt.buffers, o)
	}
}

// maxKept is the largest inner buffer that is kept for the next use.
const maxKept = 64 << 10

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
	// settles says that a second piece makes the output a text for good, where
	// None is printed as nothing.
	settles bool
	n       int
	first   Value
	// firstAt is where that piece is in the source.
	firstAt int
	era     Era
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
	o.native = !o.settles
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
		o.full()
	}
}

// full throws where o has become too long.
func (o *buffer) full() {
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
	vars       contextVars
	blocks     *blockTable
	parent     *Template
	autoescape bool
}

// contextVars are the variables that a template sets at its top level, oldest
// first.
type contextVars struct {
	list []contextVar
	at   map[string]int // places in list, where there are many
}

type contextVar struct {
	name     string
	v        Value
	exported bool // importing the template gives it
}

// fewVars is up to how many variables are searched from the beginning.
const fewVars = 12

// find returns the variable called name; nil where there is none.
func (c *contextVars) find(name string) *contextVar {
	if c.at != nil {
		if i, ok := c.at[name]; ok {
			return &c.list[i]
		}
		return nil
	}
	for i := range c.list {
		if c.list[i].name == name {
			return &c.list[i]
		}
	}
	return nil
}

// set sets a variable; public says that it is exported, if it was not so far.
func (c *contextVars) set(name string, v Value, public bool) {
	if have := c.find(name); have != nil {
		have.v, have.exported = v, have.exported || public
		return
	}
	if len(c.list) == fewVars {
		c.at = make(map[string]int, 2*fewVars)
		for i := range c.list {
			c.at[c.list[i].name] = i
		}
	}
	if c.at != nil {
		c.at[name] = len(c.list)
	}
	c.list = append(c.list, contextVar{name, v, public})
}

// hide makes a variable one that is not exported.
func (c *contextVars) hide(name string) {
	if have := c.find(name); have != nil {
		have.exported = false
	}
}

func (rt *run) newContext(t *Template, up *tctx) *tctx {
	var c *tctx
	if n := len(rt.contexts); n > 0 {
		c = rt.contexts[n-1]
		rt.contexts = rt.contexts[:n-1]
	} else {
		c = new(tctx)
	}
	c.e, c.up, c.autoescape = rt.e, up, rt.e.opts.Autoescape
	c.State = State{Ctx: rt.ctx, Engine: rt.e, Scope: rt.scope, Name: t.name, run: rt, t: c}
	if up != nil {
		c.noScope = up.noScope
	}
	c.blocks = t.own
	return c
}

// freeContext takes a context back that has ended, where nothing refers to it.
func (rt *run) freeContext(c *tctx) {
	if rt.kept {
		return
	}
	clear(c.vars.list)
	*c = tctx{vars: contextVars{list: c.vars.list[:0]}}
	rt.contexts = append(rt.contexts, c)
}

// resolve looks a name up; missing where there is none.
func (c *tctx) resolve(name string) Value {
	for x := c; x != nil; x = x.up {
		if v := x.own(name); v != nil {
			if _, isMacro := v.(*Macro); isMacro { // which may now get anywhere
				c.run.kept = true
			}
			return v
		}
	}
	if !c.noScope {
		if v := c.run.inScope(name); v != nil {
			return v
		}
	}
	return c.e.global(name)
}

// inScope returns a variable of the scope; nil where it has none.
func (rt *run) inScope(name string) Value {
	if rt.scope == nil {
		return nil
	}
	v, ok, err := rt.scope.Lookup(name)
	check(err)
	if !ok || v == nil {
		return nil
	}
	return rt.whole(rt.force(v))
}

// global returns a global variable; missing where there is none.
func (e *Engine) global(name string) Value {
	if v, ok := e.opts.Globals[name]; ok {
		return v
	}
	if v, ok := globals[name]; ok {
		return v
	}
	if name == "_" && e.exts["i18n"] {
		return gettextGlobal
	}
	return missing
}

// own returns a variable of the template, nil where it has none of that name.
func (c *tctx) own(name string) Value {
	if len(c.vars.list) > 0 {
		if x := c.vars.find(name); x != nil {
			return x.v
		}
	}
	return c.locals[name]
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
	// stack are the blocks that override one another, depth the one that
	// runs, in the frame of a block.
	stack []*block
	depth int
}

func (rt *run) newFrame(tc *tctx, up *frame, u *unit, out *buffer) *frame {
	n := len(rt.frames)
	if n == 0 {
		return &frame{rt: rt, tc: tc, up: up, slots: make([]Value, u.slots, max(u.slots, 4)), out: out}
	}
	f := rt.frames[n-1]
	rt.frames = rt.frames[:n-1]
	f.tc, f.up, f.out = tc, up, out
	if cap(f.slots) < u.slots {
		f.slots = make([]Value, u.slots)
	}
	f.slots = f.slots[:u.slots]
	return f
}

// maxCaptured is how many frames that macros refer to wait for the end.
const maxCaptured = 16

// freeFrame takes a frame back that has ended; one in which something was
// defined that may refer to it, at the end of the run.
func (rt *run) freeFrame(f *frame, u *unit) {
	if !u.captured {
		rt.clearFrame(f)
	} else if !rt.kept && len(rt.captured) < maxCaptured {
		rt.captured = append(rt.captured, f)
	}
}

func (rt *run) clearFrame(f *frame) {
	switch s := f.slots; len(s) {
	case 0:
	case 1:
		s[0] = nil
	case 2:
		s[0], s[1] = nil, nil
	default:
		clear(s)
	}
	rt.frames = append(rt.frames, f)
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
	f.out = f.rt.takeBuffer()
	ctl := runAll(f, body)
	in := f.out
	f.out = out
	return f.rt.textFrom(in, f.tc.autoescape), ctl
}

// textFrom returns what o collected, and takes o back.
func (rt *run) textFrom(o *buffer, markup bool) Value {
	rt.bound(len(o.b))
	var v Value
	if markup {
		v = Markup(o.b)
	} else {
		v = Str(o.b)
	}
	rt.freeBuffer(o)
	return v
}

// print writes the value of a {{ }}.
func (f *frame) print(v Value) {
	if f.direct() {
		switch x := v.(type) {
		case Str:
			f.out.write(string(x))
			return
		case Int:
			f.out.b = appendInt(f.out.b, x)
			f.out.full()
			return
		case NoneType:
			if f.rt.e.noneEmpty {
				return
			}
		}
	}
	if f.out.native {
		v = f.rt.deep(v)
		if f.out.n == 0 {
			f.out.firstAt = f.rt.pos
		}
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
	f.out.full()
}

// direct reports whether a text that is printed reaches the output as it is.
func (f *frame) direct() bool {
	return !f.out.native && !f.tc.autoescape && f.rt.e.plain
}

// truth is bool(v); a strict undefined has none.
func truth(v Value) bool {
	if u, ok := v.(*Undefined); ok {
		failStrict(u)
		return false
	}
	return v.Truth()
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
