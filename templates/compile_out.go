package templates

// This file compiles what writes to the output. Where a text reaches the
// output as it is, it is written there without a value made of it first.

// writeFn writes the value of an expression to the frame's output.
type writeFn func(f *frame)

// outputItem is a text or the value of a {{ }}.
type outputItem struct {
	piece
	write writeFn  // nil: text
	slot  int      // of a variable of the frame, -1 where it is none
	attr  *attrRef // of that variable; nil: the variable itself
	at    int
}

// output compiles text and values.
func (c *compiler) output(p place, s *outputStmt) execFn {
	if p.check && c.knownExtends {
		return nil
	}
	items := c.outputItems(p, s)
	check := p.check
	if len(items) == 1 && items[0].write == nil {
		text := &items[0]
		return func(f *frame) control {
			switch o := f.out; {
			case check && f.tc.parent != nil:
			case o.native:
				o.text(text.text)
			default:
				o.b = text.appendTo(o.b)
				o.full()
			}
			return goOn
		}
	}
	return func(f *frame) control {
		if check && f.tc.parent != nil {
			return goOn
		}
		if f.direct() {
			f.writeItems(items)
			return goOn
		}
		for i := range items {
			it := &items[i]
			if it.write == nil {
				f.out.text(it.text)
				continue
			}
			f.rt.pos = it.at
			it.write(f)
		}
		return goOn
	}
}

func (c *compiler) outputItems(p place, s *outputStmt) []outputItem {
	items := make([]outputItem, 0, len(s.items))
	for _, x := range s.items {
		it := outputItem{at: x.at(), slot: -1}
		switch x := x.(type) {
		case *templateText:
			it.piece = newPiece(x.text)
		case *nameExpr:
			it.write, it.slot = c.writer(p, x), p.ownSlot(x)
		case *attrExpr:
			it.write = c.writer(p, x)
			if slot := p.ownSlot(x.x); slot >= 0 && !isDictMethod(x.name) {
				it.slot, it.attr = slot, &attrRef{name: x.name}
			}
		default:
			if slices, constant := sliced(x); slices && constant {
				it.write = c.constWriter(p, x)
			} else {
				it.write = c.writer(p, x)
			}
		}
		items = append(items, it)
	}
	return items
}

// sliced reports whether there are slices in x, and whether it is a constant to
// Jinja2.
func sliced(x expr) (slices, constant bool) {
	constant = true
	all := func(xs ...expr) {
		for _, x := range xs {
			if x != nil {
				s, c := sliced(x)
				slices, constant = slices || s, constant && c
			}
		}
	}
	switch x := x.(type) {
	case *constExpr:
	case *tupleExpr:
		all(x.items...)
	case *listExpr:
		all(x.items...)
	case *dictExpr:
		all(x.keys...)
		all(x.vals...)
	case *condExpr:
		all(x.test, x.yes, x.no)
	case *binExpr:
		all(x.left, x.right)
	case *unaryExpr:
		all(x.x)
	case *filterExpr:
		all(x.x)
		all(x.args...)
		constant = constant && x.atMost(len(x.args))
	case *itemExpr:
		all(x.x, x.index)
	case *sliceExpr:
		all(x.start, x.stop, x.step)
		slices = true
	default:
		constant = false
	}
	return slices, constant
}

// constWriter compiles the printing of a constant with slices. Jinja2 computes
// it before the run in a milder way, and again in the run where that fails.
func (c *compiler) constWriter(p place, x expr) writeFn {
	c.mild = true
	mild := c.writer(p, x)
	c.mild = false
	strict := c.writer(p, x)
	return func(f *frame) {
		if err := try(func() { mild(f) }); err != nil {
			strict(f)
		}
	}
}

// ownSlot returns the slot of x, where it is a variable of the frame that runs
// in p, else -1.
func (p place) ownSlot(x expr) int {
	n, ok := x.(*nameExpr)
	if !ok || n.name == debugName {
		return -1
	}
	if a := p.access(p.find(n.name)); a.hops == 0 {
		return a.slot
	}
	return -1
}

// writeItems writes items to an output that takes texts as they are.
func (f *frame) writeItems(items []outputItem) {
	o := f.out
	b := o.b
	for i := range items {
		it := &items[i]
		if it.write == nil {
			b = it.appendTo(b)
			continue
		}
		if it.slot >= 0 {
			v := f.slots[it.slot]
			if it.attr != nil {
				v = it.attr.of(v)
			}
			switch v := v.(type) {
			case Str:
				b = append(b, v...)
				continue
			case Int:
				b = appendInt(b, v)
				continue
			}
		}
		o.b = b
		f.rt.pos = it.at
		it.write(f)
		b = o.b
	}
	o.b = b
	o.full()
}

// writer compiles the printing of an expression.
func (c *compiler) writer(p place, x expr) writeFn {
	switch x := x.(type) {
	case *callExpr:
		return c.callWriter(p, x)
	case *binExpr:
		return c.numberWriter(p, x)
	case *filterExpr:
		if w := c.joinWriter(p, x); w != nil {
			return w
		}
		if w := c.textWriter(p, x); w != nil {
			return w
		}
	case *condExpr:
		if x.no != nil {
			soft := p.soft()
			test, yes, no := c.cond(soft, x.test), c.writer(soft, x.yes), c.writer(soft, x.no)
			return func(f *frame) {
				if test(f) {
					yes(f)
				} else {
					no(f)
				}
			}
		}
	}
	value, at := c.expr(p, x), x.at()
	return func(f *frame) {
		v := value(f)
		f.rt.pos = at
		f.print(v)
	}
}

// callWriter lets macros and super() write to the output themselves: what they
// give is text that is printed as it is, with autoescape and without.
func (c *compiler) callWriter(p place, x *callExpr) writeFn {
	value, at := c.call(p, x), x.at()
	printed := func(f *frame) {
		v := value(f)
		f.rt.pos = at
		f.print(v)
	}
	if super := c.superCall(p, x); super != nil {
		return func(f *frame) {
			if f.out.native || !f.rt.e.plain {
				printed(f)
			} else if v := super(f, f.out); v != nil {
				f.print(v)
			}
		}
	}
	if _, isAttr := x.fn.(*attrExpr); isAttr {
		return printed
	}
	callee, args := c.expr(p, x.fn), c.args(p, &x.callArgs)
	name := access{slot: -1}
	if n, ok := x.fn.(*nameExpr); ok && n.name != debugName {
		name = p.access(p.find(n.name))
	}
	return func(f *frame) {
		if f.out.native || !f.rt.e.plain {
			printed(f)
			return
		}
		if name.slot >= 0 {
			if m, ok := f.outer(name.hops).slots[name.slot].(*Macro); ok {
				args.callMacro(f, m, f.out, at)
				return
			}
		}
		fn := callee(f)
		if m, ok := fn.(*Macro); ok {
			args.callMacro(f, m, f.out, at)
			return
		}
		v := args.callValue(f, fn, at)
		f.rt.pos = at
		f.print(v)
	}
}

// numberWriter compiles the printing of a sum, a difference and the like: an
// int is not made a value first.
func (c *compiler) numberWriter(p place, x *binExpr) writeFn {
	left, right := c.expr(p, x.left), c.expr(p, x.right)
	op, at, sign := operator(x.op), x.at(), x.op[0]
	quick := x.op == "+" || x.op == "-" || x.op == "*"
	return func(f *frame) {
		a, b := f.rt.deep(left(f)), f.rt.deep(right(f))
		f.rt.pos = at
		if x, ok := a.(Int); ok && quick && f.direct() {
			if y, ok := b.(Int); ok {
				if n, ok := arithInt(sign, int64(x), int64(y)); ok {
					f.out.b = appendInt(f.out.b, Int(n))
					f.out.full()
					return
				}
			}
		}
		f.print(op(f.rt, a, b))
	}
}

// textWriter compiles the printing of a filter that makes a text of a text;
// nil for any other.
func (c *compiler) textWriter(p place, x *filterExpr) writeFn {
	name := coreName(x.name, filters)
	text := textFilters[name]
	if text == nil || !x.atMost(0) || !c.builtin(name) {
		return nil
	}
	in, apply, at := c.expr(p, x.x), c.filterApply(p, x), x.at()
	fold := map[string]func([]byte, string) ([]byte, bool){"lower": appendLower, "upper": appendUpper}[name]
	return func(f *frame) {
		v := in(f)
		if s, ok := v.(Str); ok && f.direct() {
			if fold != nil {
				if f.out.b, ok = fold(f.out.b, string(s)); ok {
					f.out.full()
					return
				}
			}
			f.out.write(text(string(s)))
			return
		}
		v = apply(f, v)
		f.rt.pos = at
		f.print(v)
	}
}

// joinWriter compiles the printing of the filter join; nil for any other.
func (c *compiler) joinWriter(p place, x *filterExpr) writeFn {
	if coreName(x.name, filters) != "join" || !x.atMost(1) || !c.builtin(x.name) {
		return nil
	}
	at, apply := x.at(), c.filterApply(p, x)
	sep := evalFn(func(*frame) Value { return Str("") })
	if len(x.args) == 1 {
		sep = c.expr(p, x.args[0])
	}
	joined := func(f *frame, v Value) {
		if f.direct() {
			d, isText := sep(f).(Str)
			f.rt.pos = at
			switch x := v.(type) {
			case *List:
				if isText {
					f.out.join(x.Elems, string(d), f.rt.era)
					return
				}
			case *generator:
				if isText {
					f.out.join(x.take(), string(d), f.rt.era)
					return
				}
			}
		}
		v = apply(f, v)
		f.rt.pos = at
		f.print(v)
	}
	if ch := c.chainInto(p, x); ch != nil {
		return func(f *frame) {
			v := f.rt.deep(ch.source(f))
			l, isList := v.(*List)
			d, isText := sep(f).(Str)
			if !isList || !isText || !f.direct() {
				joined(f, ch.of(f, v))
				return
			}
			s := ch.over(f, l)
			f.rt.pos = at
			if s.asTexts {
				f.out.joinTexts(s.texts, string(d))
			} else {
				f.out.join(s.vals, string(d), f.rt.era)
			}
			f.rt.freeChain(s)
		}
	}
	in := c.expr(p, x.x)
	return func(f *frame) { joined(f, f.rt.deep(in(f))) }
}

// joinTexts writes texts with sep between them.
func (o *buffer) joinTexts(texts []string, sep string) {
	d := newPiece(sep)
	b := o.b
	for i, s := range texts {
		if i > 0 {
			b = d.appendTo(b)
		}
		b = append(b, s...)
		if len(b) > o.max {
			o.b = b
			o.full()
		}
	}
	o.b = b
}

// join writes values with sep between them.
func (o *buffer) join(elems []Value, sep string, era Era) {
	d := newPiece(sep)
	for i, e := range elems {
		b := o.b
		if i > 0 {
			b = d.appendTo(b)
		}
		switch e := e.(type) {
		case Str:
			o.b = append(b, e...)
		case Int:
			o.b = appendInt(b, e)
		default:
			o.b = appendStr(b, e, era)
		}
		o.full()
	}
}

func (c *compiler) ifElse(p place, s *ifStmt) execFn {
	soft := p.soft()
	tests := make([]condFn, len(s.tests))
	bodies := make([][]execFn, len(s.bodies))
	ats := make([]int, len(s.tests))
	for i, t := range s.tests {
		tests[i], ats[i] = c.cond(soft, t), t.at()
		bodies[i] = c.stmts(soft, s.bodies[i])
	}
	els := c.stmts(soft, s.els)
	if len(tests) == 1 {
		test, body, at := tests[0], bodies[0], ats[0]
		return func(f *frame) control {
			f.rt.pos = at
			if test(f) {
				return runAll(f, body)
			}
			return runAll(f, els)
		}
	}
	return func(f *frame) control {
		for i, t := range tests {
			f.rt.pos = ats[i]
			if t(f) {
				return runAll(f, bodies[i])
			}
		}
		return runAll(f, els)
	}
}
