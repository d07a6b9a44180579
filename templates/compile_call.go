package templates

// This file compiles calls, filters and tests.

// argsCode are the compiled arguments of a call.
type argsCode struct {
	args, kwargs []evalFn
	names        []string // of kwargs
	star, dict   evalFn   // nil where there are none
	plain        bool     // there are positional arguments alone
}

func (c *compiler) args(p place, a *callArgs) *argsCode {
	ac := &argsCode{args: c.exprs(p, a.args), kwargs: c.exprs(p, a.kwargs), names: a.kwNames}
	if a.star != nil {
		ac.star = c.expr(p, a.star)
	}
	if a.dict != nil {
		ac.dict = c.expr(p, a.dict)
	}
	ac.plain = len(ac.kwargs) == 0 && ac.star == nil && ac.dict == nil
	return ac
}

// eval appends the values of the arguments; deep says that they are resolved
// in depth.
func (ac *argsCode) eval(f *frame, vals []Value, kws []Kwarg, deep bool) ([]Value, []Kwarg) {
	for _, a := range ac.args {
		v := a(f)
		if deep {
			v = f.rt.deep(v)
		}
		vals = append(vals, v)
	}
	for i, k := range ac.kwargs {
		v := k(f)
		if deep {
			v = f.rt.deep(v)
		}
		kws = append(kws, Kwarg{ac.names[i], v})
	}
	if ac.star != nil {
		star := ac.star(f)
		elems, ok := f.rt.iterable(star)
		if !ok {
			throw(TypeError, "Value after * must be an iterable, not %s", pyType(star))
		}
		for _, v := range elems {
			vals = append(vals, f.rt.deep(v))
		}
	}
	if ac.dict != nil {
		kws = f.rt.spreadDict(kws, ac.dict(f))
	}
	return vals, kws
}

// apply calls fn, which keeps nothing of the call, with first and the
// arguments; at is the place in the source.
func (ac *argsCode) apply(f *frame, fn Func, first Value, deep bool, fl flags, at int) Value {
	rt := f.rt
	s := rt.takeSpace()
	s.args[0] = first
	vals, kws := ac.eval(f, s.args[:1], s.kws[:0], deep)
	rt.pos = at
	if fl&external != 0 {
		refuseUndefined(vals, kws, fl)
	}
	s.c = Call{State: &f.tc.State, Args: vals, Kwargs: kws}
	v := f.invoke(fn, &s.c)
	rt.freeSpace(s)
	return v
}

// applyKept is apply for a fn that may keep the call.
func (ac *argsCode) applyKept(f *frame, fn Func, first Value, deep bool, fl flags, at int) Value {
	vals, kws := ac.eval(f, append(make([]Value, 0, 1+len(ac.args)), first), nil, deep)
	f.rt.pos = at
	if fl&external != 0 {
		f.rt.kept = true
		refuseUndefined(vals, kws, fl)
	}
	return f.callFunc(fn, vals, kws)
}

// contextCall is the function that Jinja2 calls everything through, as Python's
// errors name it.
const contextCall = "jinja2.runtime.Context.call() "

// spreadDict appends the items of **v.
func (rt *run) spreadDict(kws []Kwarg, v Value) []Kwarg {
	m, ok := v.(Mapping)
	if !ok {
		failUndefined(v)
		throw(TypeError, contextCall+"argument after ** must be a mapping, not %s", pyType(v))
	}
	for _, k := range m.Keys() {
		name, ok := textOf(k)
		if !ok {
			throw(TypeError, "keywords must be strings")
		}
		for _, have := range kws {
			if have.Name == name {
				throw(TypeError, contextCall+"got multiple values for keyword argument '%s'", name)
			}
		}
		x, _, err := m.Get(k)
		check(err)
		kws = append(kws, Kwarg{name, rt.deep(rt.force(x))})
	}
	return kws
}

func (c *compiler) call(p place, x *callExpr) evalFn {
	if fn := c.superCall(p, x); fn != nil {
		return func(f *frame) Value {
			out := f.rt.takeBuffer()
			if v := fn(f, out); v != nil {
				f.rt.freeBuffer(out)
				return v
			}
			return f.rt.textFrom(out, f.tc.autoescape)
		}
	}
	if c.e.opts.EmbeddedTemplates && isLookup(x.fn) {
		c.markTerms(x.args)
	}
	args := c.args(p, &x.callArgs)
	at := x.at()
	if m, ok := x.fn.(*attrExpr); ok {
		recv := c.expr(p, m.x)
		name := m.name
		return func(f *frame) Value {
			r := recv(f)
			if meth, shallow := f.rt.findMethod(r, name); meth != nil {
				if !shallow {
					r = f.rt.deep(r)
				}
				return args.apply(f, meth, r, true, 0, at)
			}
			return args.callValue(f, f.rt.getattr(r, name), at)
		}
	}
	fn := c.expr(p, x.fn)
	return func(f *frame) Value { return args.callValue(f, fn(f), at) }
}

// callValue calls a value.
func (ac *argsCode) callValue(f *frame, callee Value, at int) Value {
	if m, ok := callee.(*Macro); ok {
		out := f.rt.takeBuffer()
		ac.callMacro(f, m, out, at)
		return f.rt.textFrom(out, f.tc.autoescape)
	}
	vals, kws := ac.eval(f, nil, nil, true)
	f.rt.pos = at
	return f.callValue(callee, vals, kws)
}

// callMacro runs a macro into out.
func (ac *argsCode) callMacro(f *frame, m *Macro, out *buffer, at int) {
	rt, mc := f.rt, m.code
	if !ac.plain || len(ac.args) > len(mc.slots) || mc.special {
		s := rt.takeSpace()
		s.c.Args, s.c.Kwargs = ac.eval(f, s.args[:0], s.kws[:0], true)
		s.c.State = &f.tc.State
		rt.pos = at
		g := m.enter(rt, out)
		m.bindArgs(g, &s.c)
		rt.freeSpace(s)
		m.run(g)
		return
	}
	// with positional arguments alone they are put where they belong
	g := rt.newFrame(m.f.tc, m.f, mc.unit, out)
	for i, a := range ac.args {
		g.slots[mc.slots[i]] = rt.deep(a(f))
	}
	for _, slot := range mc.slots[len(ac.args):] {
		g.slots[slot] = missing
	}
	rt.pos = at
	rt.call()
	if len(mc.body.entries) > 0 {
		g.enter(mc.body.entries)
	}
	m.run(g)
}

// superCall compiles super(): it runs the overridden block into a buffer, or
// gives an undefined value where there is none. It is nil where x is none.
func (c *compiler) superCall(p place, x *callExpr) func(f *frame, out *buffer) Value {
	if !isSuperCall(x) || p.block == "" || !p.find("super").super {
		return nil
	}
	hops := p.access(p.find("super")).hops
	name, at := p.block, x.at()
	return func(f *frame, out *buffer) Value {
		g := f.outer(hops)
		f.rt.pos = at
		if g.depth+1 >= len(g.stack) {
			return f.callValue(f.rt.superOf(g.tc, name, g.stack, g.depth), nil, nil)
		}
		f.rt.runBlock(g.tc, g.stack, g.depth+1, out)
		return nil
	}
}

// isSuperCall reports whether x is super().
func isSuperCall(x *callExpr) bool {
	n, ok := x.fn.(*nameExpr)
	return ok && n.name == "super" && len(x.args)+len(x.kwargs) == 0 && x.star == nil && x.dict == nil
}

// filterApply compiles a filter to a function of the value it is applied to.
func (c *compiler) filterApply(p place, x *filterExpr) func(f *frame, v Value) Value {
	fn, flags, ok := c.e.filter(x.name)
	if !ok {
		if !p.softUse {
			e := c.unknown("filter", x.name, x.node)
			panic(e)
		}
		name, at := x.name, x.at()
		return func(f *frame, v Value) Value {
			f.rt.pos = at
			panic(f.rt.e.unknownName(TemplateRuntimeError, "filter", Str(name), " found."))
		}
	}
	args := c.args(p, &x.callArgs)
	at := x.at()
	deep := flags&shallow == 0
	if flags&(external|keeps) != 0 {
		return func(f *frame, v Value) Value {
			if deep {
				v = f.rt.deep(v)
			}
			return args.applyKept(f, fn, v, deep, flags, at)
		}
	}
	if text := textFilters[coreName(x.name, filters)]; text != nil && args.plain && len(args.args) == 0 {
		return func(f *frame, v Value) Value {
			if s, ok := v.(Str); ok {
				if out := text(string(s)); len(out) != len(s) || out != string(s) {
					return Str(out)
				}
				return v
			}
			return args.apply(f, fn, f.rt.deep(v), deep, flags, at)
		}
	}
	return func(f *frame, v Value) Value {
		if deep {
			v = f.rt.deep(v)
		}
		return args.apply(f, fn, v, deep, flags, at)
	}
}

// builtin reports whether the filter called name is Jinja2's own.
func (c *compiler) builtin(name string) bool {
	_, fl, ok := c.e.filter(name)
	return ok && fl&external == 0
}

// defaultArgs returns the arguments of x, where it is Jinja2's default with one
// or two of them, by place; else nil.
func (c *compiler) defaultArgs(p place, x *filterExpr) *argsCode {
	name := coreName(x.name, filters)
	if name != "default" && name != "d" || len(x.args) == 0 || !x.atMost(2) || !c.builtin(name) {
		return nil
	}
	return c.args(p, &x.callArgs)
}

// defaultOf is the filter default with its arguments; nil is undefined too.
func (ac *argsCode) defaultOf(at int) func(f *frame, v Value) Value {
	return func(f *frame, v Value) Value {
		d := ac.args[0](f)
		var boolean Value
		if len(ac.args) == 2 {
			boolean = ac.args[1](f)
		}
		f.rt.pos = at
		if v == nil || IsUndefined(v) || optTruth(boolean) && !truth(v) {
			v = d
		}
		return f.rt.force(v)
	}
}

func (c *compiler) unknown(what, name string, n node) *Error {
	e := c.e.unknownName(TemplateAssertError, what, Str(name), ".")
	e.Line, e.Col = lineCol(c.t.src, int(n))
	return e
}

// unknownName is the error of a filter or test that there is not.
func (e *Engine) unknownName(class, what string, name Value, end string) *Error {
	err := &Error{Kind: class, Msg: "No " + what + " named " + Repr(name, Current) + end, Got: StrOf(name, Current)}
	if e.opts.Advice != nil {
		if advice := e.opts.Advice(what, err.Got); advice != "" {
			err.Msg, err.Help = err.Msg+" "+advice, advice
			return err
		}
	}
	err.Known = e.filterNames()
	if what == "test" {
		err.Known = e.testNames()
	}
	return err
}

func (c *compiler) test(p place, x *testExpr) evalFn {
	if holds := c.simpleTest(p, x); holds != nil {
		return func(f *frame) Value { return Bool(holds(f)) }
	}
	in := c.expr(p, x.x)
	name, at := x.name, x.at()
	fn, flags, ok := c.e.test(name)
	if !ok {
		if !p.softUse {
			panic(c.unknown("test", name, x.node))
		}
		return func(f *frame) Value {
			f.rt.pos = at
			panic(f.rt.e.unknownName(TemplateRuntimeError, "test", Str(name), " found."))
		}
	}
	args := c.args(p, &x.callArgs)
	deep := flags&shallow == 0
	return func(f *frame) Value {
		v := in(f)
		if deep {
			v = f.rt.deep(v)
		}
		if flags&external != 0 {
			return args.applyKept(f, fn, v, true, flags, at)
		}
		return args.apply(f, fn, v, true, flags, at)
	}
}

// simpleTest compiles the tests that need no call; nil where x is not one.
func (c *compiler) simpleTest(p place, x *testExpr) condFn {
	if _, fl, ok := c.e.test(x.name); !ok || fl&external != 0 || !x.atMost(0) {
		return nil
	}
	var holds func(v Value) bool
	switch x.name {
	case "defined":
		in := c.maybe(p, x.x)
		return func(f *frame) bool { v := in(f); return v != nil && !IsUndefined(v) }
	case "undefined":
		in := c.maybe(p, x.x)
		return func(f *frame) bool { v := in(f); return v == nil || IsUndefined(v) }
	case "none":
		holds = func(v Value) bool { return v == None }
	case "string":
		holds = func(v Value) bool { _, omit := v.(OmitType); return omit || isText(v) }
	case "mapping":
		holds = func(v Value) bool { _, ok := v.(Mapping); return ok }
	default:
		return nil
	}
	in := c.expr(p, x.x)
	if c.e.refusesUndefined(x.name) {
		return func(f *frame) bool {
			v := in(f)
			failStrict(v)
			return holds(v)
		}
	}
	return func(f *frame) bool { return holds(in(f)) }
}
