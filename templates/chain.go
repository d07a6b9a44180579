package templates

// This file runs filters that follow one another on a list, such as
// selectattr, map, sort and join, without the generators, lists and values
// between them. What is not a list, and a filter that is not Jinja2's own or
// has an argument that is no constant, takes the ordinary way.

import "slices"

// chain are the filters of x | selectattr('on') | map(attribute='name') | sort.
type chain struct {
	source evalFn
	links  []link
}

// link is a filter of a chain.
type link struct {
	run   func(f *frame, s *chainSpace)
	apply func(f *frame, v Value) Value // the ordinary way
	// at is where an error is: that of a generator, where it is consumed.
	at int
}

// chainSpace is what a chain works on: either vals or texts are the elements.
type chainSpace struct {
	vals  []Value
	texts []string
	// asTexts says that texts are the elements.
	asTexts             bool
	ownVals, spare      []Value
	ownTexts, spareText []string
	items, spareItems   []textItem
	places              []int
	bytes               []byte
}

// maxChainSpace is up to how many elements the memory of a chain is kept.
const maxChainSpace = 1 << 14

func (rt *run) takeChain(elems []Value) *chainSpace {
	var s *chainSpace
	if n := len(rt.chains); n > 0 {
		s = rt.chains[n-1]
		rt.chains = rt.chains[:n-1]
	} else {
		s = new(chainSpace)
	}
	s.vals, s.asTexts = elems, false
	return s
}

func (rt *run) freeChain(s *chainSpace) {
	if cap(s.ownVals)+cap(s.ownTexts) > maxChainSpace || cap(s.bytes) > maxKept {
		return
	}
	s.vals, s.texts = nil, nil
	for _, vals := range [][]Value{s.ownVals, s.spare} {
		clear(vals[:cap(vals)])
	}
	for _, texts := range [][]string{s.ownTexts, s.spareText} {
		clear(texts[:cap(texts)])
	}
	rt.chains = append(rt.chains, s)
}

// values returns the elements as values.
func (s *chainSpace) values() []Value {
	if s.asTexts {
		out := s.ownVals[:0]
		for _, t := range s.texts {
			out = append(out, Str(t))
		}
		s.setVals(out)
	}
	return s.vals
}

// room returns memory for the elements that are left of vals.
func (s *chainSpace) room() []Value {
	if cap(s.ownVals) < len(s.vals) {
		s.ownVals = make([]Value, 0, len(s.vals))
	}
	return s.ownVals[:0]
}

// setVals makes out, which came from room or is new, the elements.
func (s *chainSpace) setVals(out []Value) {
	s.vals, s.ownVals, s.asTexts = out, out, false
}

// keys returns the elements as texts; false where one is none.
func (s *chainSpace) keys() ([]string, bool) {
	if s.asTexts {
		return s.texts, true
	}
	texts, ok := textKeys(s.ownTexts[:0], s.vals)
	s.ownTexts = texts
	return texts, ok
}

// pick keeps the elements at places, in their order.
func (s *chainSpace) pick(places []int) {
	if s.asTexts {
		out := s.spareText[:0]
		for _, at := range places {
			out = append(out, s.texts[at])
		}
		s.ownTexts, s.spareText = out, s.ownTexts
		s.texts = out
		return
	}
	out := s.spare[:0]
	for _, at := range places {
		out = append(out, s.vals[at])
	}
	s.spare = s.ownVals
	s.setVals(out)
}

// consumers are filters that take all elements of what they are given.
var consumers = map[string]bool{"join": true, "max": true, "min": true, "sum": true}

// chain compiles x and the filters before it; nil where they are no chain.
func (c *compiler) chain(p place, x *filterExpr) *chain {
	if c.isLazy(x) {
		return nil
	}
	return c.linked(p, x, 2, x.at())
}

// chainInto compiles the filters before x, which takes all elements; nil where
// they are no chain.
func (c *compiler) chainInto(p place, x *filterExpr) *chain {
	before, ok := x.x.(*filterExpr)
	if !ok || !consumers[coreName(x.name, filters)] || !c.builtin(x.name) {
		return nil
	}
	if _, ok := c.constCall(&x.callArgs); !ok {
		return nil
	}
	return c.linked(p, before, 1, x.at())
}

// linked compiles a chain of at least so many links that is consumed at a place.
func (c *compiler) linked(p place, last *filterExpr, least, at int) *chain {
	ch := &chain{}
	var e expr = last
	for {
		x, ok := e.(*filterExpr)
		if !ok || x.x == nil {
			break
		}
		run := c.link(x)
		if run == nil {
			break
		}
		if !c.isLazy(x) {
			at = x.at()
		}
		ch.links = append(ch.links, link{run: run, apply: c.filterApply(p, x), at: at})
		e = x.x
	}
	if len(ch.links) < least {
		return nil
	}
	slices.Reverse(ch.links)
	ch.source = c.expr(p, e)
	return ch
}

// isLazy reports whether a filter of a chain gives a generator.
func (c *compiler) isLazy(x *filterExpr) bool {
	return builtinFlags[coreName(x.name, filters)]&keeps != 0 && !c.e.opts.Unroll
}

// link compiles a filter of a chain to what it does; nil where it cannot be in
// one: it is not Jinja2's own or its arguments are no constants that it takes.
func (c *compiler) link(x *filterExpr) func(f *frame, s *chainSpace) {
	name := coreName(x.name, filters)
	call, ok := c.constCall(&x.callArgs)
	if !ok || !c.builtin(x.name) {
		return nil
	}
	bind := func(sig *paramList) *[maxParams]Value {
		var a [maxParams]Value
		if try(func() { a = call.bind(sig) }) != nil {
			return nil
		}
		return &a
	}
	switch name {
	case "selectattr", "rejectattr":
		if len(call.Args) > 1 {
			return selectLink(call, attrPath(call.Args[1]), 2, name[0] == 's')
		}
	case "select", "reject":
		return selectLink(call, nil, 1, name[0] == 's')
	case "map":
		return c.mapLink(call)
	case "sort":
		if a := bind(&sigSort); a != nil {
			return sortLink(a)
		}
	case "unique":
		if a := bind(&sigUnique); a != nil {
			return uniqueLink(a)
		}
	case "list":
		if bind(&sigList) != nil {
			return func(*frame, *chainSpace) {}
		}
	}
	return nil
}

// constCall returns a call with arguments that are constants, the first of them
// left for the value; false where there are others.
func (c *compiler) constCall(a *callArgs) (*Call, bool) {
	if a.star != nil || a.dict != nil {
		return nil, false
	}
	call := &Call{Args: []Value{None}}
	for _, x := range a.args {
		k, ok := c.fixed(x)
		if !ok {
			return nil, false
		}
		call.Args = append(call.Args, k.val)
	}
	for i, x := range a.kwargs {
		k, ok := c.fixed(x)
		if !ok {
			return nil, false
		}
		call.Kwargs = append(call.Kwargs, Kwarg{a.kwNames[i], k.val})
	}
	return call, true
}

// getter returns what follows a path of attributes.
func getter(path []Value) func(rt *run, v Value) Value {
	if len(path) == 1 {
		if name, ok := path[0].(Str); ok {
			attr := &attrRef{name: string(name)}
			return func(rt *run, v Value) Value {
				if x := attr.of(v); x != nil {
					return rt.force(x)
				}
				return rt.getitem(v, name)
			}
		}
	}
	return func(rt *run, v Value) Value { return rt.follow(v, path, nil) }
}

// selectLink keeps the elements that the test at Args[test], or their truth,
// says want of.
func selectLink(call *Call, path []Value, test int, want bool) func(f *frame, s *chainSpace) {
	get := getter(path)
	return func(f *frame, s *chainSpace) {
		rt, elems := f.rt, s.values()
		if len(elems) == 0 {
			return
		}
		var apply func(v Value, rest []Value, kws []Kwarg) Value
		var rest []Value
		if len(call.Args) > test {
			apply, rest = f.tc.testNamed(call.Args[test]), call.Args[test+1:]
		}
		out := s.room()
		for i, e := range elems {
			if i&63 == 63 {
				rt.cancelled()
			}
			v := e
			if path != nil {
				v = get(rt, e)
			}
			if apply != nil {
				v = apply(v, rest, call.Kwargs)
			}
			if truth(v) == want {
				out = append(out, e)
			}
		}
		s.setVals(out)
	}
}

// mapLink maps to an attribute or through a filter; nil where the arguments are
// neither's.
func (c *compiler) mapLink(call *Call) func(f *frame, s *chainSpace) {
	if attr, ok := call.kwarg("attribute"); ok && len(call.Args) == 1 {
		if len(call.Kwargs) > 1 {
			return nil
		}
		get := getter(attrPath(attr))
		return func(f *frame, s *chainSpace) {
			elems, out := s.values(), s.room()
			for i, e := range elems {
				if i&63 == 63 {
					f.rt.cancelled()
				}
				out = append(out, get(f.rt, e))
			}
			s.setVals(out)
		}
	}
	if len(call.Args) == 1 {
		return nil
	}
	name, ok := call.Args[1].(Str)
	if !ok {
		return nil
	}
	swaps := (name == "upper" || name == "lower") && len(call.Args) == 2 && len(call.Kwargs) == 0 && c.builtin(string(name))
	return func(f *frame, s *chainSpace) {
		if swaps {
			if texts, ok := s.keys(); ok {
				if s.bytes, ok = swapTexts(texts, name == "upper", s.bytes[:0]); ok {
					s.texts, s.ownTexts, s.asTexts = texts, texts, true
					return
				}
			}
		}
		elems, out := s.values(), s.room()
		if len(elems) == 0 {
			return
		}
		fn := mapFunc(&Call{State: &f.tc.State, Args: call.Args, Kwargs: call.Kwargs})
		for i, e := range elems {
			if i&63 == 63 {
				f.rt.cancelled()
			}
			out = append(out, fn(e))
		}
		s.setVals(out)
	}
}

func sortLink(a *[maxParams]Value) func(f *frame, s *chainSpace) {
	return func(f *frame, s *chainSpace) {
		if a[3] == nil {
			if keys, ok := s.keys(); ok {
				s.items, s.spareItems = orderTexts(s.items, s.spareItems, keys, !optTruth(a[2]), optTruth(a[1]))
				s.places = s.places[:0]
				for _, it := range s.items {
					s.places = append(s.places, it.at)
				}
				s.pick(s.places)
				return
			}
		}
		s.setVals(f.rt.sorted(s.values(), a))
	}
}

func uniqueLink(a *[maxParams]Value) func(f *frame, s *chainSpace) {
	return func(f *frame, s *chainSpace) {
		if a[2] == nil {
			if keys, ok := s.keys(); ok {
				s.places = firstTexts(s.places[:0], keys, !optTruth(a[1]))
				s.pick(s.places)
				return
			}
		}
		s.setVals(f.rt.unique(s.values(), a))
	}
}

// over runs the chain over a list; the caller gives the space back.
func (ch *chain) over(f *frame, l *List) *chainSpace {
	s := f.rt.takeChain(l.Elems)
	for i := range ch.links {
		f.rt.pos = ch.links[i].at
		f.rt.tick()
		ch.links[i].run(f, s)
	}
	return s
}

// eval gives what a chain makes of its source.
func (ch *chain) eval(f *frame) Value { return ch.of(f, f.rt.deep(ch.source(f))) }

// of gives what a chain makes of v.
func (ch *chain) of(f *frame, v Value) Value {
	l, ok := v.(*List)
	if !ok {
		for i := range ch.links {
			v = ch.links[i].apply(f, v)
		}
		return v
	}
	s := ch.over(f, l)
	out := &List{}
	if s.asTexts {
		out.Elems = make([]Value, len(s.texts))
		for i, t := range s.texts {
			out.Elems[i] = Str(t)
		}
	} else {
		out.Elems = append(make([]Value, 0, len(s.vals)), s.vals...)
	}
	f.rt.freeChain(s)
	return out
}
