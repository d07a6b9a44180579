package templates

// This file compiles expressions to closures.

import "strings"

// expr compiles an expression.
func (c *compiler) expr(p place, x expr) evalFn {
	switch x := x.(type) {
	case *constExpr:
		return c.constant(x)
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
		return c.inlineIf(p, x)
	case *binExpr:
		return c.binary(p, x)
	case *logicExpr:
		return c.logic(p, x)
	case *unaryExpr:
		return c.unary(p, x)
	case *compareExpr:
		holds := c.compareOp(p, x)
		return func(f *frame) Value { return Bool(holds(f)) }
	case *concatExpr:
		return c.concat(p, x)
	case *safeExpr:
		in := c.expr(p, x.x)
		return func(f *frame) Value {
			if v := in(f); !f.tc.autoescape {
				return v
			} else {
				return Markup(StrOf(v, f.rt.era))
			}
		}
	case *callExpr:
		return c.call(p, x)
	case *filterExpr:
		if ch := c.chain(p, x); ch != nil {
			return ch.eval
		}
		if args := c.defaultArgs(p, x); args != nil {
			in, apply := c.maybe(p, x.x), args.defaultOf(x.at())
			return func(f *frame) Value { return apply(f, in(f)) }
		}
		var in evalFn
		if ch := c.chainInto(p, x); ch != nil {
			in = ch.eval
		} else {
			in = c.expr(p, x.x)
		}
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
		attr := &attrRef{name: name}
		return func(f *frame) Value {
			v := in(f)
			if x := attr.of(v); x != nil {
				return f.rt.force(x)
			}
			return f.rt.getattr(v, name)
		}
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
func anyLazy(elems []Value) bool { return anyLazyIn(elems, 0) }

// maxTuples is how deep tuples in tuples are searched for a *Text; those that
// are deeper count as having one.
const maxTuples = 4

func anyLazyIn(elems []Value, depth int) bool {
	for _, e := range elems {
		if t, ok := e.(Tuple); ok {
			if depth >= maxTuples || anyLazyIn(t, depth+1) {
				return true
			}
		} else if IsLazy(e) {
			return true
		}
	}
	return false
}

// IsLazy reports whether v is or holds a *Text, and so has to be resolved.
func IsLazy(v Value) bool {
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
	r := p.find(name)
	r.used = true
	a := p.access(r)
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

// maybe compiles an expression of which nobody but default and the test
// defined see that it is undefined: nil then, at least where a variable is not
// there or a dict has no such item.
func (c *compiler) maybe(p place, x expr) evalFn {
	name := ""
	var of expr
	switch x := x.(type) {
	case *nameExpr:
		value := c.expr(p, x)
		if x.name == debugName {
			return value
		}
		a, name := p.access(p.find(x.name)), x.name
		return func(f *frame) Value {
			g := f.outer(a.hops)
			v := g.slots[a.slot]
			if v == nil {
				v = g.resolve(name)
				g.slots[a.slot] = v
			}
			if v == missing {
				return nil
			}
			return v
		}
	case *attrExpr:
		name, of = x.name, x.x
	case *itemExpr:
		name, _ = constText(x.index)
		of = x.x
	}
	if name == "" || isDictMethod(name) || isDunder(name) {
		return c.expr(p, x)
	}
	in, attr, at := c.expr(p, of), &attrRef{name: name}, x.at()
	_, isItem := x.(*itemExpr)
	return func(f *frame) Value {
		v := in(f)
		if isItem {
			f.rt.pos = at
		}
		if e := attr.of(v); e != nil {
			return f.rt.force(e)
		}
		if _, isDict := v.(*Dict); isDict {
			return nil
		}
		if isItem {
			return f.rt.getitem(v, Str(name))
		}
		return f.rt.getattr(v, name)
	}
}

func (c *compiler) dictLit(p place, x *dictExpr) evalFn {
	keys, vals := c.exprs(p, x.keys), c.exprs(p, x.vals)
	return func(f *frame) Value {
		d := NewDict(len(keys))
		var unhashable error
		for i, k := range keys {
			key := k(f)
			failStrict(key)
			v := vals[i](f)
			if err := d.Set(key, v); err != nil && unhashable == nil {
				unhashable = err // what follows is computed first
			}
			d.Lazy = d.Lazy || IsLazy(v)
		}
		check(unhashable)
		return d
	}
}

func (c *compiler) inlineIf(p place, x *condExpr) evalFn {
	soft := p.soft()
	test, yes := c.cond(soft, x.test), c.expr(soft, x.yes)
	if x.no == nil {
		line, _ := lineCol(c.t.src, x.at())
		where := position(line, c.name)
		return func(f *frame) Value {
			if test(f) {
				return yes(f)
			}
			// never strict: Jinja2 takes its plain Undefined here
			return &Undefined{Kind: DefaultUndefined, Hint: "the inline if-expression on " + where + " evaluated to false and no else section was defined."}
		}
	}
	no := c.expr(soft, x.no)
	return func(f *frame) Value {
		if test(f) {
			return yes(f)
		}
		return no(f)
	}
}

func (c *compiler) binary(p place, x *binExpr) evalFn {
	left, right := c.expr(p, x.left), c.expr(p, x.right)
	op, at := operator(x.op), x.at()
	return func(f *frame) Value {
		a, b := f.rt.deep(left(f)), f.rt.deep(right(f))
		f.rt.pos = at
		return op(f.rt, a, b)
	}
}

// operator returns the function of an operator of arithmetic.
func operator(op string) func(rt *run, a, b Value) Value {
	switch op {
	case "+":
		return (*run).add
	case "-":
		return (*run).sub
	case "*":
		return (*run).mul
	case "/":
		return (*run).div
	case "//":
		return (*run).floordiv
	case "%":
		return (*run).mod
	}
	return (*run).pow
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
	if x.op == "not" {
		holds := c.cond(p, x)
		return func(f *frame) Value { return Bool(holds(f)) }
	}
	in := c.expr(p, x.x)
	if x.op == "-" {
		return func(f *frame) Value { return f.rt.neg(in(f)) }
	}
	return func(f *frame) Value { return f.rt.plus(in(f)) }
}

// cond compiles the truth of an expression.
func (c *compiler) cond(p place, x expr) condFn {
	switch x := x.(type) {
	case *unaryExpr:
		if x.op == "not" {
			in := c.cond(p, x.x)
			return func(f *frame) bool { return !in(f) }
		}
	case *logicExpr:
		left, right := c.cond(p, x.left), c.cond(p, x.right)
		if x.or {
			return func(f *frame) bool { return left(f) || right(f) }
		}
		return func(f *frame) bool { return left(f) && right(f) }
	case *compareExpr:
		return c.compareOp(p, x)
	case *testExpr:
		if holds := c.simpleTest(p, x); holds != nil {
			return holds
		}
	}
	in := c.expr(p, x)
	return func(f *frame) bool {
		switch v := in(f).(type) {
		case Bool:
			return bool(v)
		default:
			return truth(v)
		}
	}
}

func (c *compiler) compareOp(p place, x *compareExpr) condFn {
	first, rest := c.expr(p, x.first), c.exprs(p, x.rest)
	at, ops := x.at(), x.ops
	if len(ops) == 1 {
		second := rest[0]
		if k, ok := c.fixed(x.rest[0]); ok && (ops[0] == "==" || ops[0] == "!=") {
			if s, ok := k.val.(Str); ok {
				return c.equalsText(first, s, ops[0] == "==", at)
			}
		}
		holds, ofInts := comparer(ops[0]), intComparers[ops[0]]
		return func(f *frame) bool {
			a, b := f.rt.deep(first(f)), f.rt.deep(second(f))
			f.rt.pos = at
			if x, ok := a.(Int); ok && ofInts != nil {
				if y, ok := b.(Int); ok {
					return ofInts(x, y)
				}
			}
			return holds(f.rt, a, b)
		}
	}
	holds := make([]func(rt *run, a, b Value) bool, len(ops))
	for i, op := range ops {
		holds[i] = comparer(op)
	}
	return func(f *frame) bool {
		a := f.rt.deep(first(f))
		for i, fn := range holds {
			b := f.rt.deep(rest[i](f))
			f.rt.pos = at
			if !fn(f.rt, a, b) {
				return false
			}
			a = b
		}
		return true
	}
}

// equalsText compiles x == 'text' and x != 'text'.
func (c *compiler) equalsText(x evalFn, s Str, want bool, at int) condFn {
	return func(f *frame) bool {
		v := f.rt.deep(x(f))
		if t, ok := v.(Str); ok {
			return (t == s) == want
		}
		f.rt.pos = at
		return equal(v, s, 0) == want
	}
}

// intComparers are the comparing operators of ints.
var intComparers = map[string]func(a, b Int) bool{
	"==": func(a, b Int) bool { return a == b }, "!=": func(a, b Int) bool { return a != b },
	"<": func(a, b Int) bool { return a < b }, "<=": func(a, b Int) bool { return a <= b },
	">": func(a, b Int) bool { return a > b }, ">=": func(a, b Int) bool { return a >= b },
}

// comparer returns the function of a comparing operator.
func comparer(op string) func(rt *run, a, b Value) bool {
	switch op {
	case "==":
		return func(_ *run, a, b Value) bool { return equal(a, b, 0) }
	case "!=":
		return func(_ *run, a, b Value) bool { return !equal(a, b, 0) }
	case "in":
		return func(rt *run, a, b Value) bool { return rt.contains(b, a) }
	case "not in":
		return func(rt *run, a, b Value) bool { return !rt.contains(b, a) }
	}
	var holds func(c int) bool
	switch op {
	case "<":
		holds = func(c int) bool { return c == -1 }
	case "<=":
		holds = func(c int) bool { return c == -1 || c == 0 }
	case ">":
		holds = func(c int) bool { return c == 1 }
	default:
		holds = func(c int) bool { return c == 1 || c == 0 }
	}
	return func(_ *run, a, b Value) bool { return holds(compare(op, a, b, 0)) }
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
		if c.mild {
			return func(f *frame) Value { return f.rt.mildSlice(in(f), sliceValue{start(f), stop(f), step(f)}) }
		}
		return func(f *frame) Value {
			v := in(f)
			return f.rt.slice(v, sliceValue{start(f), stop(f), step(f)})
		}
	}
	index := c.expr(p, x.index)
	at := x.at()
	if k, ok := c.fixed(x.index); ok {
		if name, ok := k.val.(Str); ok {
			attr := &attrRef{name: string(name)}
			return func(f *frame) Value {
				v := in(f)
				f.rt.pos = at
				if e := attr.of(v); e != nil {
					return f.rt.force(e)
				}
				return f.rt.getitem(v, name)
			}
		}
	}
	return func(f *frame) Value {
		v := in(f)
		key := index(f)
		f.rt.pos = at
		return f.rt.getitem(v, key)
	}
}
