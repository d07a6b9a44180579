package templates

// This file defines macros and call blocks
// (https://jinja.palletsprojects.com/en/3.1.x/templates/#macros).

import "slices"

// macroCode is a compiled macro.
type macroCode struct {
	name     string // "" for a call block
	params   []string
	defaults []evalFn // of the last parameters
	slots    []int    // of the parameters
	caller   int      // slots of the special variables, -1 where they are not used
	kwargs   int
	varargs  int
	explicit bool // caller is a parameter
	special  bool // calls need more than parameters put in their slots
	escapes  bool // the macro is used for more than being called by its name
	body     body
	unit     *unit
}

// Macro is a macro as a value.
type Macro struct {
	code *macroCode
	f    *frame // where it was defined
	t    *Template
}

// Type is Python's class name.
func (m *Macro) Type() string { return "Macro" }

// Truth is always true.
func (m *Macro) Truth() bool { return true }

func (m *Macro) repr() string {
	if m.code.name == "" {
		return "<Macro anonymous>"
	}
	return "<Macro " + Repr(Str(m.code.name), Current) + ">"
}

// Attr implements [Object].
func (m *Macro) Attr(name string) (Value, bool, error) {
	switch name {
	case "name":
		if m.code.name == "" {
			return None, true, nil
		}
		return Str(m.code.name), true, nil
	case "arguments":
		t := Tuple{}
		for _, p := range m.code.params {
			t = append(t, Str(p))
		}
		return t, true, nil
	case "catch_kwargs":
		return Bool(m.code.kwargs >= 0), true, nil
	case "catch_varargs":
		return Bool(m.code.varargs >= 0), true, nil
	case "caller":
		return Bool(m.code.caller >= 0 || m.code.explicit && m.code.usesCaller()), true, nil
	case "explicit_caller":
		return Bool(m.code.explicit), true, nil
	}
	return nil, false, nil
}

func (mc *macroCode) usesCaller() bool { return mc.caller != -1 }

// explicitCaller is macroCode.caller where caller is used and is a parameter.
const explicitCaller = -2

// macroBody compiles the body of a macro or call block.
func (c *compiler) macroBody(p place, n node, name string, sig *signature, stmts []stmt) *macroCode {
	mc := &macroCode{name: name, params: sig.params, caller: -1, kwargs: -1, varargs: -1, unit: newUnit(p.unit)}
	in := place{scope: newScope(p.scope, mc.unit), block: p.block, softUse: p.softUse}
	has := map[string]bool{}
	for _, a := range sig.params {
		mc.slots = append(mc.slots, in.param(a).slot)
		has[a] = true
	}
	mc.explicit = has["caller"]
	for _, d := range sig.defaults {
		in.exprs(d)
	}
	if uses(stmts, "caller") {
		if mc.explicit {
			for i, a := range sig.params[:len(sig.params)-len(sig.defaults)] {
				if a == "caller" && i >= 0 {
					c.fail(n, TemplateAssertError, `When defining macros or call blocks the special "caller" argument must be omitted or be given a default.`)
				}
			}
			mc.caller = explicitCaller
		} else {
			mc.caller = in.param("caller").slot
		}
	}
	if uses(stmts, "kwargs") && !has["kwargs"] {
		mc.kwargs = in.param("kwargs").slot
	}
	if uses(stmts, "varargs") && !has["varargs"] {
		mc.varargs = in.param("varargs").slot
	}
	mc.special = mc.caller != -1 || mc.kwargs >= 0 || mc.varargs >= 0
	in.visit(stmts)
	mc.defaults = c.exprs(in, sig.defaults)
	mc.body = c.unitBody(in, stmts)
	return mc
}

func (c *compiler) macroDef(p place, s *macroStmt) execFn {
	mc := c.macroBody(p, s.node, s.name, &s.signature, s.body)
	p.unit.captured = true
	mc.escapes = escapes(c.source, s.name)
	assign := c.assignName(p, s.name)
	return func(f *frame) control {
		if mc.escapes {
			f.rt.kept = true
		}
		assign(f, &Macro{code: mc, f: f, t: f.rt.t})
		return goOn
	}
}

func (c *compiler) callBlock(p place, s *callStmt) execFn {
	mc := c.macroBody(p, s.node, "", &s.signature, s.body)
	p.unit.captured = true
	call := *s.call
	if slices.Contains(call.kwNames, "caller") {
		c.fail(call.node, SyntaxError, "keyword argument repeated: caller")
	}
	slot := p.unit.slots
	p.unit.slots++
	call.kwNames = append(call.kwNames[:len(call.kwNames):len(call.kwNames)], "caller")
	call.kwargs = append(call.kwargs[:len(call.kwargs):len(call.kwargs)], &slotExpr{call.node, slot})
	fn := c.expr(p, &call)
	at := s.at()
	return func(f *frame) control {
		f.rt.kept = true
		f.slots[slot] = &Macro{code: mc, f: f, t: f.rt.t}
		v := fn(f)
		f.rt.pos = at
		f.out.text(StrOf(f.rt.deep(v), f.rt.era))
		return goOn
	}
}

// slotExpr is the caller that a call block passes.
type slotExpr struct {
	node
	slot int
}

// Call implements [Callable].
func (m *Macro) Call(c *Call) (Value, error) {
	rt := c.State.run
	out := rt.takeBuffer()
	g := m.enter(rt, out)
	m.bindArgs(g, c)
	m.run(g)
	return rt.textFrom(out, c.State.t.autoescape), nil
}

// enter begins a call that writes to out.
func (m *Macro) enter(rt *run, out *buffer) *frame {
	rt.call()
	g := rt.newFrame(m.f.tc, m.f, m.code.unit, out)
	g.enter(m.code.body.entries)
	return g
}

// run runs the macro in a frame that holds its arguments, and ends the call.
func (m *Macro) run(g *frame) {
	mc, rt := m.code, g.rt
	old, pos := rt.t, rt.pos
	rt.t = m.t
	for i, slot := range mc.slots {
		if g.slots[slot] == missing {
			g.slots[slot] = mc.absent(g, i)
		}
	}
	runAll(g, mc.body.run)
	rt.t, rt.pos = old, pos
	rt.calls--
	rt.freeFrame(g, mc.unit)
}

// absent is the value of a parameter that a call does not give.
func (mc *macroCode) absent(g *frame, i int) Value {
	if first := len(mc.params) - len(mc.defaults); i >= first {
		return mc.defaults[i-first](g)
	}
	return &Undefined{Kind: g.rt.e.opts.Undefined, Name: mc.params[i],
		Hint: "parameter " + Repr(Str(mc.params[i]), Current) + " was not provided"}
}

// bindArgs puts the arguments of a call in their slots; what is not given is
// missing there.
func (m *Macro) bindArgs(g *frame, c *Call) {
	mc := m.code
	n := min(len(c.Args), len(mc.params))
	foundCaller := n == len(mc.params) && mc.explicit
	used := 0
	for i, slot := range mc.slots {
		g.slots[slot] = missing
		if i < n {
			g.slots[slot] = c.Args[i]
			continue
		}
		if mc.params[i] == "caller" {
			foundCaller = true
		}
		if v, ok := c.kwarg(mc.params[i]); ok {
			g.slots[slot] = v
			used++
		}
	}
	if mc.caller != -1 && !foundCaller {
		v, ok := c.kwarg("caller")
		if ok {
			used++
		} else {
			v = &Undefined{Kind: g.rt.e.opts.Undefined, Name: "caller", Hint: "No caller defined"}
		}
		if mc.caller >= 0 {
			g.slots[mc.caller] = v
		}
	}
	var rest *Dict
	if mc.kwargs >= 0 {
		rest = NewDict(0)
	}
	if used < len(c.Kwargs) {
		if rest == nil {
			rest = NewDict(len(c.Kwargs))
		}
		for _, k := range c.Kwargs {
			if indexOf(mc.params[n:], k.Name) < 0 && !(k.Name == "caller" && mc.caller >= 0 && !foundCaller) {
				rest.SetStr(k.Name, k.Value)
			}
		}
	}
	if mc.kwargs >= 0 {
		g.slots[mc.kwargs] = rest
	} else if rest != nil && rest.Len() > 0 {
		name := Repr(Str(mc.name), Current)
		if mc.name == "" {
			name = "None"
		}
		if _, ok := rest.GetStr("caller"); ok {
			throw(TypeError, "macro %s was invoked with two values for the special caller argument. This is most likely a bug.", name)
		}
		throw(TypeError, "macro %s takes no keyword argument %s", name, Repr(rest.Keys()[0], Current))
	}
	if mc.varargs >= 0 {
		g.slots[mc.varargs] = append(Tuple{}, c.Args[n:]...)
	} else if len(c.Args) > len(mc.params) {
		name := Repr(Str(mc.name), Current)
		if mc.name == "" {
			name = "None"
		}
		throw(TypeError, "macro %s takes not more than %d argument(s)", name, len(mc.params))
	}
}
