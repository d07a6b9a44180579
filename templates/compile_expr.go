package templates

// This file compiles expressions to closures.

import "strings"

// expr compiles an expression.
func (c *compiler) expr(p place, x expr) evalFn {
	switch x := x.(type) {
	case *constExpr:
		v := x.val
		return func(*frame) Value { return v }
	case *templateText:
		v := Value(Str(x.text))
		return func(*frame) Value { return v }
	case *slotExpr:
		slot := x.slot
		return func(f *frame) Value { return f.slots[slot] }
	case *nameExpr:
		return c.load(p, x.name)
	case *tupleExpr:
		items := c.exprs(p, x.items)
		return func(f *frame) Value { return Tuple(evalAll(f, items)) }
	case *listExpr:
		items := c.exprs(p, x.items)
		return func(f *frame) Value {
			l := &List{Elems: evalAll(f, items)}
			l.Lazy = anyLazy(l.Elems)
			return l
		}
	case *dictExpr:
		return c.dictLit(p, x)
	case *condExpr:
		return c.cond(p, x)
	case *binExpr:
		return c.binary(p, x)
	case *logicExpr:
		return c.logic(p, x)
	case *unaryExpr:
		return c.unary(p, x)
	case *compareExpr:
		return c.compareOp(p, x)
	case *concatExpr:
		return c.concat(p, x)
	case *callExpr:
		return c.call(p, x)
	case *filterExpr:
		in := c.expr(p, x.x)
		apply := c.filterApply(p, x)
		return func(f *frame) Value { return apply(f, in(f)) }
	case *testExpr:
		return c.test(p, x)
	case *attrExpr:
		in := c.expr(p, x.x)
		name := x.name
		if isDictMethod(name) {
			return func(f *frame) Value { return f.rt.getattr(in(f), name) }
		}
		return func(f *frame) Value { return f.rt.getItemAttr(in(f), name) }
	case *itemExpr:
		return c.item(p, x)
	case *sliceExpr:
		start, stop, step := c.optional(p, x.start), c.optional(p, x.stop), c.optional(p, x.step)
		return func(f *frame) Value { return sliceValue{start(f), stop(f), step(f)} }
	}
	c.fail(node(x.at()), TemplateSyntaxError, "can't use %s here", Repr(Str(strings.ToLower(nodeName(x))), Current))
	return nil
}

func (c *compiler) optional(p place, x expr) evalFn {
	if x == nil {
		return func(*frame) Value { return None }
	}
	return c.expr(p, x)
}

func (c *compiler) exprs(p place, list []expr) []evalFn {
	fns := make([]evalFn, len(list))
	for i, x := range list {
		fns[i] = c.expr(p, x)
	}
	return fns
}

func evalAll(f *frame, fns []evalFn) []Value {
	if len(fns) == 0 {
		return nil
	}
	vals := make([]Value, len(fns))
	for i, fn := range fns {
		vals[i] = fn(f)
	}
	return vals
}

// anyLazy reports whether an element may hold a *Text.
func anyLazy(elems []Value) bool {
	for _, e := range elems {
		if isLazy(e) {
			return true
		}
	}
	return false
}

func isLazy(v Value) bool {
	switch v := v.(type) {
	case *List:
		return v.Lazy
	case *Dict:
		return v.Lazy
	case *Text:
		return true
	case Tuple:
		return anyLazy(v)
	}
	return false
}

// load compiles the use of a variable.
func (c *compiler) load(p place, name string) evalFn {
	if name == debugName {
		return func(f *frame) Value { return debugFunc(f) }
	}
	a := p.access(p.find(name))
	slot := a.slot
	if a.hops == 0 {
		return func(f *frame) Value {
			v := f.slots[slot]
			if v == nil {
				v = f.resolve(name)
				f.slots[slot] = v
			}
			if v == missing {
				return f.undefinedName(name)
			}
			return v
		}
	}
	return func(f *frame) Value {
		g := f.outer(a.hops)
		v := g.slots[slot]
		if v == nil {
			v = g.resolve(name)
			g.slots[slot] = v
		}
		if v == missing {
			return f.undefinedName(name)
		}
		return v
	}
}

func (c *compiler) dictLit(p place, x *dictExpr) evalFn {
	keys, vals := c.exprs(p, x.keys), c.exprs(p, x.vals)
	return func(f *frame) Value {
		d := NewDict(len(keys))
		for i, k := range keys {
			key := k(f)
			failStrict(key)
			v := vals[i](f)
			check(d.Set(key, v))
			d.Lazy = d.Lazy || isLazy(v)
		}
		return d
	}
}

func (c *compiler) cond(p place, x *condExpr) evalFn {
	soft := p.soft()
	test, yes := c.expr(soft, x.test), c.expr(soft, x.yes)
	if x.no == nil {
		line, _ := lineCol(c.t.src, x.at())
		where := position(line, c.name)
		return func(f *frame) Value {
			if truth(test(f)) {
				return yes(f)
			}
			// never strict: Jinja2 takes its plain Undefined here
			return &Undefined{Kind: DefaultUndefined, Hint: "the inline if-expression on " + where + " evaluated to false and no else section was defined."}
		}
	}
	no := c.expr(soft, x.no)
	return func(f *frame) Value {
		if truth(test(f)) {
			return yes(f)
		}
		return no(f)
	}
}

func (c *compiler) binary(p place, x *binExpr) evalFn {
	left, right := c.expr(p, x.left), c.expr(p, x.right)
	var op func(rt *run, a, b Value) Value
	switch x.op {
	case "+":
		op = (*run).add
	case "-":
		op = (*run).sub
	case "*":
		op = (*run).mul
	case "/":
		op = (*run).div
	case "//":
		op = (*run).floordiv
	case "%":
		op = (*run).mod
	default:
		op = (*run).pow
	}
	at := x.at()
	return func(f *frame) Value {
		a, b := f.rt.deep(left(f)), f.rt.deep(right(f))
		f.rt.pos = at
		return op(f.rt, a, b)
	}
}

func (c *compiler) logic(p place, x *logicExpr) evalFn {
	left, right := c.expr(p, x.left), c.expr(p, x.right)
	or := x.or
	return func(f *frame) Value {
		v := left(f)
		if truth(v) == or {
			return v
		}
		return right(f)
	}
}

func (c *compiler) unary(p place, x *unaryExpr) evalFn {
	in := c.expr(p, x.x)
	switch x.op {
	case "not":
		return func(f *frame) Value { return Bool(!truth(in(f))) }
	case "-":
		return func(f *frame) Value { return f.rt.neg(in(f)) }
	}
	return func(f *frame) Value { return f.rt.plus(in(f)) }
}

func (c *compiler) compareOp(p place, x *compareExpr) evalFn {
	first, rest := c.expr(p, x.first), c.exprs(p, x.rest)
	at, ops := x.at(), x.ops
	if len(ops) == 1 {
		op, second := ops[0], rest[0]
		return func(f *frame) Value {
			a, b := f.rt.deep(first(f)), f.rt.deep(second(f))
			f.rt.pos = at
			return Bool(f.rt.compareBy(op, a, b))
		}
	}
	return func(f *frame) Value {
		a := f.rt.deep(first(f))
		for i, op := range ops {
			b := f.rt.deep(rest[i](f))
			f.rt.pos = at
			if !f.rt.compareBy(op, a, b) {
				return Bool(false)
			}
			a = b
		}
		return Bool(true)
	}
}

// compareBy is a op b.
func (rt *run) compareBy(op string, a, b Value) bool {
	switch op {
	case "==":
		return equal(a, b, 0)
	case "!=":
		return !equal(a, b, 0)
	case "in":
		return rt.contains(b, a)
	case "not in":
		return !rt.contains(b, a)
	}
	c := compare(op, a, b, 0)
	switch op {
	case "<":
		return c == -1
	case "<=":
		return c == -1 || c == 0
	case ">":
		return c == 1
	}
	return c == 1 || c == 0
}

// concat compiles a ~ b.
func (c *compiler) concat(p place, x *concatExpr) evalFn {
	items := c.exprs(p, x.items)
	at := x.at()
	return func(f *frame) Value {
		var few [4]Value
		vals := few[:0]
		markup := false
		for _, it := range items {
			v := f.rt.deep(it(f))
			_, isMarkup := v.(Markup)
			markup = markup || isMarkup
			vals = append(vals, v)
		}
		f.rt.pos = at
		var b []byte
		for _, v := range vals {
			if markup && f.tc.autoescape {
				b = append(b, escapeValue(v, f.rt.era)...)
			} else {
				b = appendStr(b, v, f.rt.era)
			}
			f.rt.bound(len(b))
		}
		if markup && f.tc.autoescape {
			return Markup(b)
		}
		return Str(b)
	}
}

func (c *compiler) item(p place, x *itemExpr) evalFn {
	in := c.expr(p, x.x)
	if s, ok := x.index.(*sliceExpr); ok {
		start, stop, step := c.optional(p, s.start), c.optional(p, s.stop), c.optional(p, s.step)
		return func(f *frame) Value {
			v := in(f)
			return f.rt.slice(v, sliceValue{start(f), stop(f), step(f)})
		}
	}
	index := c.expr(p, x.index)
	at := x.at()
	return func(f *frame) Value {
		v := in(f)
		key := index(f)
		f.rt.pos = at
		return f.rt.getitem(v, key)
	}
}

// args compiles the arguments of a call.
func (c *compiler) args(p place, a *callArgs) func(f *frame, first Value, deep bool) ([]Value, []Kwarg) {
	args, kwargs := c.exprs(p, a.args), c.exprs(p, a.kwargs)
	var star, dict evalFn
	if a.star != nil {
		star = c.expr(p, a.star)
	}
	if a.dict != nil {
		dict = c.expr(p, a.dict)
	}
	names := a.kwNames
	return func(f *frame, first Value, deep bool) ([]Value, []Kwarg) {
		n := len(args)
		if first != nil {
			n++
		}
		var vals []Value
		if n > 0 {
			vals = make([]Value, 0, n)
		}
		if first != nil {
			vals = append(vals, first)
		}
		for _, a := range args {
			v := a(f)
			if deep {
				v = f.rt.deep(v)
			}
			vals = append(vals, v)
		}
		var kws []Kwarg
		if len(kwargs) > 0 {
			kws = make([]Kwarg, len(kwargs))
			for i, k := range kwargs {
				v := k(f)
				if deep {
					v = f.rt.deep(v)
				}
				kws[i] = Kwarg{names[i], v}
			}
		}
		if star != nil {
			for _, v := range f.rt.iter(star(f)) {
				vals = append(vals, f.rt.deep(v))
			}
		}
		if dict != nil {
			kws = f.rt.spreadDict(kws, dict(f))
		}
		return vals, kws
	}
}

// spreadDict appends the items of **v.
func (rt *run) spreadDict(kws []Kwarg, v Value) []Kwarg {
	m, ok := v.(Mapping)
	if !ok {
		failUndefined(v)
		throw(TypeError, "argument after ** must be a mapping, not %s", pyType(v))
	}
	for _, k := range m.Keys() {
		name, ok := textOf(k)
		if !ok {
			throw(TypeError, "keywords must be strings")
		}
		for _, have := range kws {
			if have.Name == name {
				throw(TypeError, "got multiple values for keyword argument '%s'", name)
			}
		}
		x, _, err := m.Get(k)
		check(err)
		kws = append(kws, Kwarg{name, rt.deep(rt.force(x))})
	}
	return kws
}

func (c *compiler) call(p place, x *callExpr) evalFn {
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
				vals, kws := args(f, r, true)
				f.rt.pos = at
				return f.callFunc(meth, vals, kws)
			}
			fn := f.rt.getattr(r, name)
			vals, kws := args(f, nil, true)
			f.rt.pos = at
			return f.callValue(fn, vals, kws)
		}
	}
	fn := c.expr(p, x.fn)
	return func(f *frame) Value {
		callee := fn(f)
		vals, kws := args(f, nil, true)
		f.rt.pos = at
		return f.callValue(callee, vals, kws)
	}
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
			panic(&Error{Kind: TemplateRuntimeError, Msg: "No filter named " + Repr(Str(name), Current) + " found.",
				Got: name, Known: f.rt.e.filterNames()})
		}
	}
	args := c.args(p, &x.callArgs)
	at := x.at()
	return func(f *frame, v Value) Value {
		if flags&shallow == 0 {
			v = f.rt.deep(v)
		}
		vals, kws := args(f, v, flags&shallow == 0)
		f.rt.pos = at
		if flags&external != 0 {
			refuseUndefined(vals, kws, flags)
		}
		return f.callFunc(fn, vals, kws)
	}
}

func (c *compiler) unknown(what, name string, n node) *Error {
	line, col := lineCol(c.t.src, int(n))
	e := &Error{Kind: TemplateAssertError, Msg: "No " + what + " named " + Repr(Str(name), Current) + ".", Line: line, Col: col, Got: name}
	if what == "filter" {
		e.Known = c.e.filterNames()
	} else {
		e.Known = c.e.testNames()
	}
	return e
}

func (c *compiler) test(p place, x *testExpr) evalFn {
	in := c.expr(p, x.x)
	name, at := x.name, x.at()
	fn, flags, ok := c.e.test(name)
	if !ok {
		if !p.softUse {
			panic(c.unknown("test", name, x.node))
		}
		return func(f *frame) Value {
			f.rt.pos = at
			panic(&Error{Kind: TemplateRuntimeError, Msg: "No test named " + Repr(Str(name), Current) + " found.",
				Got: name, Known: f.rt.e.testNames()})
		}
	}
	if _, own := c.e.opts.Tests[name]; !own && len(x.args) == 0 && x.star == nil && x.dict == nil && len(x.kwNames) == 0 {
		switch name {
		case "defined":
			return func(f *frame) Value { return Bool(!IsUndefined(in(f))) }
		case "undefined":
			return func(f *frame) Value { return Bool(IsUndefined(in(f))) }
		case "none":
			return func(f *frame) Value { return Bool(in(f) == None) }
		}
	}
	args := c.args(p, &x.callArgs)
	return func(f *frame) Value {
		v := in(f)
		if flags&shallow == 0 {
			v = f.rt.deep(v)
		}
		vals, kws := args(f, v, true)
		f.rt.pos = at
		if flags&external != 0 {
			refuseUndefined(vals, kws, flags)
		}
		return f.callFunc(fn, vals, kws)
	}
}
