package templates

// This file runs loops (https://jinja.palletsprojects.com/en/3.1.x/templates/#for).

// forLoop compiles a for loop.
func (c *compiler) forLoop(p place, s *forStmt) execFn {
	bad := false
	checkTarget := func(x expr) {
		walkExpr(x, func(name string) { bad = bad || name == "loop" })
	}
	checkTarget(s.target)
	walkStmts(s.body, func(st stmt) bool {
		switch st := st.(type) {
		case *setStmt:
			if n, ok := st.target.(*nameExpr); ok {
				checkTarget(n)
			}
		case *forStmt:
			checkTarget(st.target)
		}
		return true
	}, func(expr) {})
	if bad {
		c.fail(s.node, TemplateAssertError, "Can't assign to special loop variable in for-loop target")
	}
	if s.recursive {
		return c.recursiveLoop(p, s)
	}
	iter := c.expr(p, s.iter)
	lp := c.loopBody(p.inner(), p, s)
	at := s.at()
	return func(f *frame) control {
		f.rt.pos = at
		lp.over(f, iter(f))
		return goOn
	}
}

// loopCode is a compiled loop.
type loopCode struct {
	entries, elseEntries, testEntries []entry
	loopSlot                          int // -1: loop is not used
	assign, testAssign                func(*frame, Value)
	test                              evalFn
	body, els                         []execFn
	slot                              int // of a target that is one name, else -1
	pair                              [2]int
	prints                            *printed // a body that prints texts and the element alone, else nil
}

// loopBody compiles the body in place in, whose parent is p.
func (c *compiler) loopBody(in, p place, s *forStmt) *loopCode {
	lp := &loopCode{loopSlot: -1}
	extended := s.recursive || uses(s.body, "loop")
	if !extended {
		walkStmts(s.body, func(st stmt) bool {
			if b, ok := st.(*blockStmt); ok && b.scoped {
				extended = true
			}
			return true
		}, func(expr) {})
	}
	in.inLoop = true
	if extended {
		lp.loopSlot = in.param("loop").slot
	}
	in.target(s.target, true)
	in.visit(s.body)
	lp.entries = in.entries()
	lp.assign = c.assign(in, s.target)
	lp.slot, lp.pair = -1, [2]int{-1, -1}
	switch x := s.target.(type) {
	case *nameExpr:
		lp.slot = in.find(x.name).slot
	case *tupleExpr:
		if len(x.items) == 2 {
			k, isName := x.items[0].(*nameExpr)
			v, areNames := x.items[1].(*nameExpr)
			if isName && areNames {
				lp.pair = [2]int{in.find(k.name).slot, in.find(v.name).slot}
			}
		}
	}
	lp.body = c.stmts(in, s.body)
	if out, ok := onlyOutput(s.body); ok && lp.slot >= 0 && lp.loopSlot < 0 && !in.check {
		lp.prints = newPrinted(out, s.target.(*nameExpr).name)
	}
	els := p.inner()
	els.visit(s.els)
	lp.elseEntries = els.entries()
	lp.els = c.stmts(els, s.els)
	if s.test != nil {
		t := p.inner()
		t.target(s.target, true)
		t.exprs(s.test)
		lp.testEntries = t.entries()
		lp.testAssign = c.assign(t, s.target)
		lp.test = c.expr(t, s.test)
	}
	return lp
}

// over runs the loop over v. Where nobody asks for loop, the elements of
// lists, ranges and dicts are taken as they come.
func (lp *loopCode) over(f *frame, v Value) {
	if lp.loopSlot >= 0 || lp.test != nil || lp.slot < 0 && lp.pair[0] < 0 {
		lp.run(f, f.rt.iter(v), nil, 0)
		return
	}
	var completed bool
	switch x := v.(type) {
	case *List: // as Python's, which sees what is appended
		if lp.prints != nil && !x.Lazy && f.direct() {
			f.printAll(lp.prints, x)
			completed = len(x.Elems) > 0
			break
		}
		if lp.slot >= 0 && len(lp.entries) == 0 && !x.Lazy {
			completed = lp.simple(f, x)
			break
		}
		for i := 0; i < len(x.Elems) && lp.turn(f, x.Elems[i], &completed); i++ {
		}
	case rangeValue:
		n := x.Len()
		for i := 0; i < n && lp.turn(f, x.Index(i), &completed); i++ {
		}
	case dictView:
		d, ok := x.m.(*Dict)
		if !ok || x.kind != "items" || lp.pair[0] < 0 {
			lp.run(f, f.rt.iter(v), nil, 0)
			return
		}
		keys, vals := d.keys, d.vals
		for i, k := range keys {
			if k == nil {
				continue
			}
			f.rt.tick()
			f.enter(lp.entries)
			f.slots[lp.pair[0]], f.slots[lp.pair[1]] = k, f.rt.force(vals[i])
			ctl := lp.body1(f)
			if ctl == breakLoop {
				break
			}
			completed = completed || ctl == goOn
		}
	default:
		lp.run(f, f.rt.iter(v), nil, 0)
		return
	}
	lp.end(f, completed)
}

// onlyOutput returns the statement of a body that has no other than output.
func onlyOutput(body []stmt) (*outputStmt, bool) {
	if len(body) != 1 {
		return nil, false
	}
	out, ok := body[0].(*outputStmt)
	return out, ok
}

// printed is a body that prints texts and the element alone: a text before the
// element and one behind it, however often it is printed.
type printed struct {
	texts []piece
	turn  piece // the last text, and the first of the next turn
	ats   []int // where the elements are printed
}

// newPrinted returns what a statement prints, where it prints texts and the
// variable called name alone, else nil.
func newPrinted(s *outputStmt, name string) *printed {
	p := &printed{}
	text := ""
	for _, x := range s.items {
		switch x := x.(type) {
		case *templateText:
			text += x.text
		case *nameExpr:
			if x.name != name {
				return nil
			}
			p.texts, p.ats = append(p.texts, newPiece(text)), append(p.ats, x.at())
			text = ""
		default:
			return nil
		}
	}
	if p.ats == nil {
		return nil
	}
	p.turn = newPiece(text + p.texts[0].text)
	p.texts = append(p.texts, newPiece(text))
	return p
}

// printAll runs such a body over a list: the elements go from the list to the
// output.
func (f *frame) printAll(p *printed, l *List) {
	o := f.out
	b, before := o.b, &p.texts[0]
	for i, e := range l.Elems {
		if i&63 == 63 {
			f.rt.cancelled()
		}
		b = before.appendTo(b)
		for j, at := range p.ats {
			if j > 0 {
				b = p.texts[j].appendTo(b)
			}
			switch e := e.(type) {
			case Str:
				b = append(b, e...)
			case Int:
				b = appendInt(b, e)
			default:
				o.b = b
				f.rt.pos = at
				f.print(e)
				b = o.b
			}
		}
		if len(b) > o.max {
			o.b = b
			o.full()
		}
		before = &p.turn
	}
	if len(l.Elems) > 0 {
		f.rt.tick()
		b = p.texts[len(p.ats)].appendTo(b)
	}
	o.b = b
	o.full()
}

// simple runs a body without variables of its own over a list without texts to
// resolve.
func (lp *loopCode) simple(f *frame, l *List) (completed bool) {
	body, slot := lp.body, lp.slot
	for i := 0; i < len(l.Elems); i++ {
		f.rt.tick()
		f.slots[slot] = l.Elems[i]
		switch runAll(f, body) {
		case goOn:
			completed = true
		case breakLoop:
			return completed
		}
	}
	return completed
}

// turn runs the body for an element; false ends the loop.
func (lp *loopCode) turn(f *frame, e Value, completed *bool) bool {
	f.rt.tick()
	f.enter(lp.entries)
	if t, ok := e.(*Text); ok {
		e = f.rt.force(t)
	}
	if lp.slot >= 0 {
		f.slots[lp.slot] = e
	} else {
		lp.assign(f, e)
	}
	ctl := lp.body1(f)
	*completed = *completed || ctl == goOn
	return ctl != breakLoop
}

// body1 runs the body once.
func (lp *loopCode) body1(f *frame) control {
	if len(lp.body) == 1 {
		return lp.body[0](f)
	}
	return runAll(f, lp.body)
}

// end runs the else branch where no turn came to its end.
func (lp *loopCode) end(f *frame, completed bool) {
	if !completed {
		f.enter(lp.elseEntries)
		runAll(f, lp.els)
	}
}

func (lp *loopCode) run(f *frame, elems []Value, recurse func(Value, int) Value, depth int) {
	if lp.loopSlot >= 0 {
		f.rt.kept = true
	}
	loop := &loopContext{rt: f.rt, recurse: recurse, depth0: depth}
	if lp.test == nil {
		loop.elems = elems
	} else { // an element is tested when its turn comes: the body may change what the test sees
		loop.more = lp.filter(f, elems)
	}
	completed := false // as in Jinja2, else also runs where no turn came to its end
	for ; loop.has(loop.i); loop.i++ {
		f.rt.tick()
		f.enter(lp.entries)
		if lp.loopSlot >= 0 {
			f.slots[lp.loopSlot] = loop
		}
		lp.assign(f, f.rt.force(loop.elems[loop.i]))
		ctl := runAll(f, lp.body)
		if ctl == breakLoop {
			break
		}
		completed = completed || ctl == goOn
	}
	lp.end(f, completed)
}

// filter returns what gives the next of the elements that the loop's test lets
// through; nil at the end.
func (lp *loopCode) filter(f *frame, elems []Value) func() Value {
	return func() Value {
		for len(elems) > 0 {
			e := elems[0]
			elems = elems[1:]
			f.rt.tick()
			f.enter(lp.testEntries)
			lp.testAssign(f, f.rt.force(e))
			if truth(lp.test(f)) {
				return e
			}
		}
		return nil
	}
}

// recursiveLoop compiles a loop whose body is a unit of its own, so that it
// can call itself.
func (c *compiler) recursiveLoop(p place, s *forStmt) execFn {
	iter := c.expr(p, s.iter)
	u := newUnit(p.unit)
	p.unit.captured = true
	outer := p
	outer.scope = newScope(p.scope, u)
	outer.toplevel, outer.rootlevel = false, false
	// assignments outside the loop are seen through the enclosing unit
	lp := c.loopBody(outer, place{scope: newScope(p.scope, u), check: p.check, block: p.block, softUse: p.softUse}, s)
	at := s.at()
	return func(f *frame) control {
		var recurse func(v Value, depth int) Value
		runLoop := func(v Value, depth int, out *buffer, tc *tctx) {
			f.rt.call()
			g := f.rt.newFrame(tc, f, u, out)
			lp.run(g, f.rt.iter(v), recurse, depth)
			f.rt.freeFrame(g, u)
			f.rt.calls--
		}
		recurse = func(v Value, depth int) Value {
			out := &buffer{max: f.rt.max}
			runLoop(v, depth, out, f.tc)
			f.rt.bound(len(out.b))
			if f.tc.autoescape {
				return Markup(out.b)
			}
			return Str(out.b)
		}
		f.rt.pos = at
		runLoop(iter(f), 0, f.out, f.tc)
		return goOn
	}
}

// loopContext is the variable loop.
type loopContext struct {
	rt      *run
	elems   []Value
	more    func() Value // gives what comes behind elems, nil at the end; may be nil
	i       int
	depth0  int
	recurse func(Value, int) Value
	last    []Value // what changed saw last
	seen    bool
}

// Type is Python's class name.
func (l *loopContext) Type() string { return "LoopContext" }

// Truth is always true: while a loop runs it has elements.
func (l *loopContext) Truth() bool { return true }

// has reports whether there is an element i.
func (l *loopContext) has(i int) bool {
	for i >= len(l.elems) && l.more != nil {
		e := l.more()
		if e == nil {
			l.more = nil
			break
		}
		l.elems = append(l.elems, e)
	}
	return i < len(l.elems)
}

// Len returns the number of elements; it takes all of them.
func (l *loopContext) Len() int {
	for l.has(len(l.elems)) {
	}
	return len(l.elems)
}

// rest takes the elements that are left, for who iterates loop itself.
func (l *loopContext) rest() []Value {
	l.Len()
	rest := l.elems[min(l.i+1, len(l.elems)):]
	l.i = len(l.elems)
	return rest
}

func (l *loopContext) repr() string {
	return "<LoopContext " + itoa(l.i+1) + "/" + itoa(l.Len()) + ">"
}

// Call runs the loop again over its argument.
func (l *loopContext) Call(c *Call) (Value, error) {
	a := c.bind(&sigLoop)
	if l.recurse == nil {
		throw(TypeError, "The loop must have the 'recursive' marker to be called recursively.")
	}
	return l.recurse(a[0], l.depth0+1), nil
}

var sigLoop = signatureOf("LoopContext.__call__", 1, "iterable")

// Attr implements [Object].
func (l *loopContext) Attr(name string) (Value, bool, error) {
	switch name {
	case "index":
		return Int(l.i + 1), true, nil
	case "index0":
		return Int(l.i), true, nil
	case "revindex":
		return Int(l.Len() - l.i), true, nil
	case "revindex0":
		return Int(l.Len() - l.i - 1), true, nil
	case "first":
		return Bool(l.i == 0), true, nil
	case "last":
		return Bool(!l.has(l.i + 1)), true, nil
	case "length":
		return Int(l.Len()), true, nil
	case "depth":
		return Int(l.depth0 + 1), true, nil
	case "depth0":
		return Int(l.depth0), true, nil
	case "previtem":
		if l.i == 0 {
			return l.rt.hint("there is no previous item"), true, nil
		}
		return l.rt.force(l.elems[l.i-1]), true, nil
	case "nextitem":
		if !l.has(l.i + 1) {
			return l.rt.hint("there is no next item"), true, nil
		}
		return l.rt.force(l.elems[l.i+1]), true, nil
	case "cycle":
		return newMethod("cycle", l.cycle), true, nil
	case "changed":
		return newMethod("changed", l.changed), true, nil
	}
	return nil, false, nil
}

func (l *loopContext) cycle(c *Call) (Value, error) {
	if len(c.Args) == 0 {
		throw(TypeError, "no items for cycling given")
	}
	return c.Args[l.i%len(c.Args)], nil
}

func (l *loopContext) changed(c *Call) (Value, error) {
	if l.seen && equalElems(l.last, c.Args, 0, nil) {
		return Bool(false), nil
	}
	l.seen, l.last = true, c.Args
	return Bool(true), nil
}

// hint returns an undefined value with a message of its own.
func (rt *run) hint(msg string) Value { return &Undefined{Kind: rt.e.opts.Undefined, Hint: msg} }
