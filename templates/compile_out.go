package templates

// This file compiles what writes to the output. Where a text reaches the
// output as it is, it is written there without a value made of it first.

import "strconv"

// writeFn writes the value of an expression to the frame's output.
type writeFn func(f *frame)

// outputItem is a text or the value of a {{ }}.
type outputItem struct {
	text  string
	write writeFn // nil: text
	slot  int     // of a variable of the frame, -1 where it is none
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
		text := items[0].text
		return func(f *frame) control {
			if !check || f.tc.parent == nil {
				f.out.text(text)
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
			it.text = x.text
		case *nameExpr:
			it.write = c.writer(p, x)
			if a := p.access(p.find(x.name)); x.name != debugName && a.hops == 0 {
				it.slot = a.slot
			}
		default:
			it.write = c.writer(p, x)
		}
		items = append(items, it)
	}
	return items
}

// writeItems writes items to an output that takes texts as they are.
func (f *frame) writeItems(items []outputItem) {
	o := f.out
	b := o.b
	for i := range items {
		it := &items[i]
		if it.write == nil {
			b = append(b, it.text...)
			continue
		}
		if it.slot >= 0 {
			switch v := f.slots[it.slot].(type) {
			case Str:
				b = append(b, v...)
				continue
			case Int:
				b = strconv.AppendInt(b, int64(v), 10)
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
	case *filterExpr:
		if w := c.filterWriter(p, x); w != nil {
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
	return func(f *frame) {
		if f.out.native || !f.rt.e.plain {
			printed(f)
			return
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

// filterWriter compiles the printing of a filter that makes a text which is
// of no other use; nil for any other.
func (c *compiler) filterWriter(p place, x *filterExpr) writeFn {
	if x.name != "join" || len(x.args) > 1 || len(x.kwNames) > 0 || x.star != nil || x.dict != nil || c.e.opts.Filters["join"] != nil {
		return nil
	}
	in, apply := c.expr(p, x.x), c.filterApply(p, x)
	sep := evalFn(func(*frame) Value { return Str("") })
	if len(x.args) == 1 {
		sep = c.expr(p, x.args[0])
	}
	at := x.at()
	return func(f *frame) {
		v := f.rt.deep(in(f))
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
}

// join writes texts with sep between them.
func (o *buffer) join(elems []Value, sep string, era Era) {
	for i, e := range elems {
		if i > 0 {
			o.b = append(o.b, sep...)
		}
		switch e := e.(type) {
		case Str:
			o.b = append(o.b, e...)
		case Int:
			o.b = strconv.AppendInt(o.b, int64(e), 10)
		default:
			o.b = appendStr(o.b, e, era)
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
