package templates

// This file renders templates that stand in the text constants of other
// templates. Ansible takes them as terms of lookups, and since 2.19, where it
// warns of both, anywhere in a conditional.

const (
	embeddedMsg = "Jinja constant strings should not contain embedded templates. This feature will be disabled by default in ansible-core 2.23."
	// What to write in their place, in a conditional and in a lookup.
	ruleHelp = "Use inline expressions, for example: `when: \"{{ a_var }}\" == 42` becomes `when: a_var == 42`"
	termHelp = "Use inline expressions, for example: `msg: \"{{ lookup('env', '{{ a_var }}') }}\"` becomes `msg: \"{{ lookup('env', a_var) }}\"`"
)

// constant compiles a constant.
func (c *compiler) constant(x *constExpr) evalFn {
	v := x.val
	if _, fixed := c.fixed(x); fixed {
		return func(*frame) Value { return v }
	}
	src, help := string(v.(Str)), termHelp
	if c.rule {
		help = ruleHelp
	}
	return func(f *frame) Value { return f.rt.embedded(src, help) }
}

// fixed is x where that is a constant which is not rendered.
func (c *compiler) fixed(x expr) (*constExpr, bool) {
	k, ok := x.(*constExpr)
	if !ok {
		return nil, false
	}
	if !c.rule && !c.terms[k] {
		return k, true
	}
	s, isText := k.val.(Str)
	return k, !isText || !c.e.textEngine().IsTemplate(string(s))
}

// isLookup reports whether fn names a function that runs lookups.
func isLookup(fn expr) bool {
	n, ok := fn.(*nameExpr)
	return ok && (n.name == "lookup" || n.name == "query" || n.name == "q")
}

// markTerms notes the constants among a lookup's terms. In the current era a
// constant that an operator changes is one no more. Before, the terms are
// templated as they come; here their constants are, as other text may be a
// target's.
func (c *compiler) markTerms(args []expr) {
	for _, x := range args {
		switch x := x.(type) {
		case *constExpr:
			if c.terms == nil {
				c.terms = map[*constExpr]bool{}
			}
			c.terms[x] = true
		case *listExpr:
			c.markTerms(x.items)
		case *tupleExpr:
			c.markTerms(x.items)
		case *dictExpr:
			c.markTerms(x.vals)
		case *condExpr:
			c.markTerms([]expr{x.yes, x.no})
		case *concatExpr:
			if c.e.opts.Era < Current {
				c.markTerms(x.items)
			}
		case *binExpr:
			if c.e.opts.Era < Current && x.op == "+" {
				c.markTerms([]expr{x.left, x.right})
			}
		}
	}
}

// embedded renders the template src, which is a constant of what runs.
func (rt *run) embedded(src, help string) Value {
	at := rt.condAt
	if n := len(rt.active); n > 0 {
		at = rt.active[n-1].Pos
	}
	if rt.era >= Current && rt.e.opts.WarnAt != nil {
		rt.e.opts.WarnAt(at, embeddedMsg, help)
	}
	v := rt.deep(&Text{Src: src, Pos: at})
	failStrict(v)
	return v
}
