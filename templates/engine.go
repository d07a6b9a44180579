package templates

// This file holds the engine: options, the cache, and the entries.

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// maxCached bounds the compiled templates that an engine keeps.
const maxCached = 4096

// Engine compiles and caches templates; it is safe for concurrent use.
type Engine struct {
	opts   Options
	syntax *syntax
	exts   map[string]bool

	// plain says that Finalize leaves texts and numbers as they are,
	// noneEmpty that it prints None as nothing.
	plain, noneEmpty bool
	// usual says that the delimiters are the default ones.
	usual bool

	mu    sync.RWMutex
	cache map[cacheKey]*cached
	named map[string]*Template // those that a loader gave, by name

	textOnce sync.Once
	text     *Engine // with the default delimiters
}

type cacheKey struct {
	src, name string
	expr      bool
	rule      bool // the expression is a conditional
	text      bool // backslashes in the literals of {{ }} stay
}

type cached struct {
	t   *Template
	err error
}

// Template is a compiled template; it is safe for concurrent use.
type Template struct {
	e            *Engine
	name, src    string
	main         body
	single       evalFn // of a template that is one expression
	singleAt     int    // where that expression is
	variable     string // its name, where the text is {{ variable }} alone
	newlines     int    // that the text ends with
	verbatim     bool   // its outermost filter gives a text that stays one
	selfSlot     int
	knownExtends bool
	blocks       map[string]*block
	blockOrder   []string
	own          *blockTable
	source       string       // as it was given
	size         atomic.Int32 // of the output, about
}

// block is a compiled block.
type block struct {
	t                   *Template
	name                string
	required            bool
	selfSlot, superSlot int
	body                body
}

// New returns an engine.
func New(o Options) *Engine {
	e := &Engine{opts: o, syntax: newSyntax(&o), exts: map[string]bool{}, cache: map[cacheKey]*cached{}, named: map[string]*Template{}}
	e.noneEmpty = o.Finalize != nil && reflect.ValueOf(o.Finalize).Pointer() == reflect.ValueOf(NoneAsEmpty).Pointer()
	e.plain = o.Finalize == nil || e.noneEmpty
	e.usual = o.BlockStart+o.BlockEnd+o.VariableStart+o.VariableEnd+o.CommentStart+o.CommentEnd+o.LineStatementPrefix+o.LineCommentPrefix == ""
	for _, x := range o.Extensions {
		x = strings.ToLower(x[strings.LastIndexByte(x, '.')+1:])
		switch x {
		case "do", "exprstmtextension":
			e.exts["do"] = true
		case "loopcontrols", "loopcontrolextension":
			e.exts["loopcontrols"] = true
		case "i18n", "internationalizationextension":
			e.exts["i18n"] = true
			e.exts[newstyleGettext], e.exts[trimByDefault] = o.NewstyleGettext, o.TrimTranslations
		case "debug", "debugextension":
			e.exts["debug"] = true
		}
	}
	return e
}

// textEngine returns the engine of variables' texts.
func (e *Engine) textEngine() *Engine {
	if e.usual {
		return e
	}
	e.textOnce.Do(func() {
		o := e.opts
		o.BlockStart, o.BlockEnd, o.VariableStart, o.VariableEnd = "", "", "", ""
		o.CommentStart, o.CommentEnd, o.LineStatementPrefix, o.LineCommentPrefix = "", "", "", ""
		e.text = New(o)
	})
	return e.text
}

// Options returns what the engine was made with.
func (e *Engine) Options() Options { return e.opts }

// Compile compiles a template text; results are cached by text and name.
func (e *Engine) Compile(src, name string) (*Template, error) {
	return e.compile(cacheKey{src: src, name: name})
}

// CompileExpr compiles a bare expression, such as a when condition.
func (e *Engine) CompileExpr(src string) (*Template, error) {
	return e.compile(cacheKey{src: src, expr: true})
}

func (e *Engine) compile(k cacheKey) (*Template, error) {
	e.mu.RLock()
	c := e.cache[k]
	e.mu.RUnlock()
	if c != nil {
		return c.t, c.err
	}
	c = &cached{}
	c.err = try(func() {
		if k.expr {
			c.t = e.buildExpr(k)
		} else {
			c.t = e.build(k)
		}
	})
	if c.err != nil {
		err := asError(c.err)
		if err.Src == "" {
			err.Template, err.Src = k.name, k.src
		}
		c.t = nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.cache) >= maxCached {
		for old := range e.cache { // any eighth of them
			delete(e.cache, old)
			if len(e.cache) <= maxCached*7/8 {
				break
			}
		}
	}
	e.cache[k] = c
	return c.t, c.err
}

// compileNamed compiles what a loader gave for name. A text that is the same
// as last time is not looked up by its hash.
func (e *Engine) compileNamed(src, name string) *Template {
	e.mu.RLock()
	t := e.named[name]
	e.mu.RUnlock()
	if t != nil && t.source == src {
		return t
	}
	t, err := e.Compile(src, name)
	check(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.named) >= maxCached {
		clear(e.named)
	}
	e.named[name] = t
	return t
}

// mustText compiles the text of a variable. A playbook's text has been through
// YAML, so that Ansible keeps every backslash in the literals of its {{ }}.
func (e *Engine) mustText(src string) *Template {
	t, err := e.compile(cacheKey{src: src, text: strings.IndexByte(src, '\\') >= 0})
	check(err)
	return t
}

func (e *Engine) build(k cacheKey) *Template {
	name, syntax := k.name, e.syntax
	if k.text {
		s := *syntax
		s.keepBackslashes = true
		syntax = &s
	}
	p, stmts := syntax.parse(k.src, e.exts)
	t := &Template{e: e, name: name, src: p.src, source: k.src, newlines: len(k.src) - len(strings.TrimRight(k.src, "\n"))}
	c := &compiler{e: e, t: t, name: name}
	c.root(stmts, p.blocks)
	return t
}

// isVariable reports whether src begins and ends as a single {{ }}.
func (e *Engine) isVariable(src string) bool {
	s := e.syntax
	rest, ok := strings.CutPrefix(src, s.variableStart)
	return ok && strings.HasSuffix(rest, s.variableEnd) && isPlainName(strings.TrimFunc(strings.TrimSuffix(rest, s.variableEnd), isSpace))
}

func (e *Engine) buildExpr(k cacheKey) *Template {
	x := e.syntax.parseExpr(k.src)
	t := &Template{e: e, src: k.src}
	c := &compiler{e: e, t: t}
	if k.rule && e.opts.EmbeddedTemplates {
		c.rule = e.opts.Era >= Current
	}
	c.root([]stmt{&outputStmt{items: []expr{x}}}, nil)
	return t
}

// start makes the frame of t's root.
func (t *Template) start(rt *run, tc *tctx, out *buffer) *frame {
	f := rt.newFrame(tc, nil, t.main.unit, out)
	if t.selfSlot >= 0 {
		rt.kept = true
		f.slots[t.selfSlot] = &selfRef{tc: tc}
	}
	f.enter(t.main.entries)
	return f
}

// runRoot runs t, and the template that it extends, into out.
func (rt *run) runRoot(t *Template, tc *tctx, out *buffer) {
	rt.call()
	old, pos := rt.t, rt.pos
	for {
		rt.t = t
		tc.parent = nil
		f := t.start(rt, tc, out)
		runAll(f, t.main.run)
		rt.freeFrame(f, t.main.unit)
		if tc.parent == nil {
			break
		}
		t = tc.parent
	}
	rt.t, rt.pos = old, pos
	rt.calls--
}

// Render renders to text.
func (t *Template) Render(ctx context.Context, s Scope) (text string, err error) {
	rt := t.e.newRun(ctx, s)
	defer func() { rt.place(err) }()
	defer catch(&err)
	rt.t = t
	text = rt.render(t)
	rt.done()
	return text, nil
}

// RenderFile renders a template file as Ansible does: Jinja2 drops the newline
// at a source's end, and a text gets back as many as the source ended with.
// Under the current era a file that is one expression gives its native value's
// text, and a None nothing at all.
func (t *Template) RenderFile(ctx context.Context, s Scope) (text string, err error) {
	rt := t.e.newRun(ctx, s)
	defer func() { rt.place(err) }()
	defer catch(&err)
	rt.t = t
	if rt.era == Current {
		if v := rt.evalTemplate(t); v != None {
			text = StrOf(v, rt.era)
		}
	} else {
		text = string(keepNewlines(Str(rt.render(t)), t.newlines).(Str))
	}
	rt.done()
	return text, nil
}

// maxPooled is the largest output buffer that is kept for the next rendering.
const maxPooled = 4 << 20

// worthKnowing is the smallest size of an output that a template remembers.
const worthKnowing = 16 << 10

// sizeHint is about the size that the output of t had last, 0 where it was small.
func (t *Template) sizeHint() int { return int(t.size.Load()) }

func (t *Template) remember(size int) {
	if n, last := int32(min(size, maxPooled)), t.size.Load(); n >= worthKnowing && (n > last || n < last/2) {
		t.size.Store(n)
	}
}

// render is called once in a run.
func (rt *run) render(t *Template) string {
	out := &rt.output
	out.b, out.max = slices.Grow(out.b[:0], t.sizeHint()), rt.max
	tc := rt.newContext(t, nil)
	rt.runRoot(t, tc, out)
	rt.freeContext(tc)
	t.remember(len(out.b))
	return string(out.b)
}

// place says where an error is, where it does not say so itself.
func (rt *run) place(err error) {
	if e, ok := err.(*Error); ok {
		e.locate(rt.t, rt.pos)
		if s, ok := rt.scope.(interface{ Names() []string }); ok && e.variable && e.Names == nil {
			e.Names = s.Names
		}
	}
}

// Eval gives the native value of a template that is one expression, the text
// of any other. Under the older eras a text that looks like a list, a dict or
// a bool is converted, as Ansible of that time does.
func (t *Template) Eval(ctx context.Context, s Scope) (v Value, err error) {
	rt := t.e.newRun(ctx, s)
	defer func() { rt.place(err) }()
	defer catch(&err)
	rt.t = t
	v = rt.evalTemplate(t)
	rt.done()
	return v, nil
}

// EvalExpr gives the native value of a bare expression in every era: for
// conditions and the like.
func (t *Template) EvalExpr(ctx context.Context, s Scope) (v Value, err error) {
	rt := t.e.newRun(ctx, s)
	defer func() { rt.place(err) }()
	defer catch(&err)
	rt.t = t
	if t.single == nil {
		v = Str(rt.render(t))
	} else {
		v = rt.native(t)
	}
	rt.done()
	return v, nil
}

// Resolve returns v with every *Text in it, however deep, replaced by its
// value in scope s. A v without *Text is returned as it is.
func (e *Engine) Resolve(ctx context.Context, v Value, s Scope) (out Value, err error) {
	if !IsLazy(v) {
		return v, nil
	}
	rt := e.newRun(ctx, s)
	defer func() { rt.place(err) }()
	defer catch(&err)
	out = rt.deepIn(v, 0)
	rt.done()
	return out, nil
}

// IsTemplate reports whether src holds template markers of this engine.
func (e *Engine) IsTemplate(src string) bool {
	s := e.syntax
	return strings.Contains(src, s.variableStart) || strings.Contains(src, s.blockStart) || strings.Contains(src, s.commentStart)
}

// NewText returns src as a *Text where it holds Ansible's markers ({{, {%, {#), else as a Str.
func NewText(src string, pos Pos) Value {
	for i := strings.IndexByte(src, '{'); i >= 0 && i+1 < len(src); {
		switch src[i+1] {
		case '{', '%', '#':
			return &Text{Src: src, Pos: pos}
		}
		j := strings.IndexByte(src[i+1:], '{')
		if j < 0 {
			break
		}
		i += 1 + j
	}
	return Str(src)
}

func (e *Engine) filterNames() []string {
	return append(slices.Sorted(maps.Keys(filters)), slices.Sorted(maps.Keys(e.opts.Filters))...)
}

func (e *Engine) testNames() []string {
	return append(slices.Sorted(maps.Keys(tests)), slices.Sorted(maps.Keys(e.opts.Tests))...)
}

// flags of a filter or test.
type flags int

const (
	// shallow ones look at a container and not into it: their arguments are
	// not resolved in depth.
	shallow flags = 1 << iota
	// external ones are the caller's own.
	external
	// acceptsUndefined ones are external and want to see undefined values.
	acceptsUndefined
	// keeps is set for those whose result computes later, and so keeps the call.
	keeps
)

func (e *Engine) filter(name string) (Func, flags, bool) {
	name = coreName(name, filters)
	own, isOwn := e.opts.Filters[name]
	f, ok := filters[name]
	if e.opts.More != nil {
		if f, found := e.opts.More("filter", name, isOwn || ok); found {
			return f, external, true
		}
	}
	if isOwn {
		return own, e.externalFlags(name), true
	}
	return e.worded(f, "filter", name), builtinFlags[name], ok
}

// worded is a filter or test of Jinja2 whose errors NameError words.
func (e *Engine) worded(f Func, kind, name string) Func {
	if e.opts.NameError == nil || f == nil {
		return f
	}
	return func(c *Call) (Value, error) {
		v, err := safely(f, c)
		if err != nil {
			err = e.opts.NameError(err, kind, name)
		}
		return v, err
	}
}

// safely calls f and returns what it throws.
func safely(f Func, c *Call) (v Value, err error) {
	defer catch(&err)
	return f(c)
}

func (e *Engine) test(name string) (Func, flags, bool) {
	name = coreName(name, tests)
	own, isOwn := e.opts.Tests[name]
	f, ok := tests[name]
	if e.opts.More != nil {
		if f, found := e.opts.More("test", name, isOwn || ok); found {
			return f, external, true
		}
	}
	if isOwn {
		return own, e.externalFlags(name), true
	}
	if e.refusesUndefined(name) && f != nil {
		f = definedOnly(f)
	}
	return e.worded(f, "test", name), testFlags[name], ok
}

// refusesUndefined reports whether a test of Jinja2 fails where what it looks
// at is undefined, as all but the two that ask for that do since ansible-core 2.19.
func (e *Engine) refusesUndefined(test string) bool {
	return e.opts.NameError != nil && test != "defined" && test != "undefined"
}

// definedOnly is a test that throws where it is given something undefined.
func definedOnly(f Func) Func {
	return func(c *Call) (Value, error) {
		refuseUndefined(c.Args, c.Kwargs, 0)
		return f(c)
	}
}

func (e *Engine) externalFlags(name string) flags {
	if e.opts.AcceptsUndefined[name] {
		return external | acceptsUndefined
	}
	return external
}

// refuseUndefined throws where a strict undefined is passed to a function
// that does not say that it wants one.
func refuseUndefined(args []Value, kws []Kwarg, fl flags) {
	if fl&acceptsUndefined != 0 {
		return
	}
	for _, a := range args {
		failStrict(a)
	}
	for _, k := range kws {
		failStrict(k.Value)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
