package templates

// This file evaluates conditions and turns text into values as the older eras do.

import (
	"context"
	"strings"
)

// convertText gives a text that looks like a list, a dict or a bool the value
// that it looks like, where it is a literal of Python.
func convertText(s Str) Value {
	looksLike := strings.HasPrefix(string(s), "[") || strings.HasPrefix(string(s), "{") && !strings.HasPrefix(string(s), "{{") || s == "True" || s == "False"
	if !looksLike {
		return s
	}
	v, ok := parseLiteral(string(s))
	if !ok {
		return s
	}
	return v
}

// parseLiteral is Python's ast.literal_eval, with the names of JSON (true,
// false, null) known too, as in Ansible.
func parseLiteral(src string) (v Value, ok bool) {
	err := try(func() {
		s := newSyntax(&Options{})
		v = literal(s.parseExpr(pythonPrefixes(src)))
	})
	return v, err == nil
}

// pythonPrefixes removes the u of u'text', which Jinja2's grammar has not.
func pythonPrefixes(src string) string {
	if !strings.Contains(src, "u'") && !strings.Contains(src, `u"`) {
		return src
	}
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case quote != 0 && c == '\\' && i+1 < len(src):
			b.WriteByte(c)
			i++
			c = src[i]
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == 'u' && i+1 < len(src) && (src[i+1] == '\'' || src[i+1] == '"') && (i == 0 || !isIdentRune(rune(src[i-1]), false)):
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func literal(x expr) Value {
	switch x := x.(type) {
	case *constExpr:
		return x.val
	case *unaryExpr:
		v := literal(x.x)
		if _, isBool := v.(Bool); isNumber(v) && !isBool && x.op != "not" {
			rt := &run{max: defaultMaxOutput}
			if x.op == "-" {
				return rt.neg(v)
			}
			return rt.plus(v)
		}
	case *listExpr:
		return NewList(literals(x.items)...)
	case *tupleExpr:
		return Tuple(literals(x.items))
	case *dictExpr:
		d := NewDict(len(x.keys))
		vals := literals(x.vals)
		for i, k := range literals(x.keys) {
			check(d.Set(k, vals[i]))
		}
		return d
	case *nameExpr:
		if x.name == "null" { // Ansible's evaluation knows the names of JSON
			return None
		}
	}
	throw(ValueError, "malformed node or string")
	return nil
}

func literals(list []expr) []Value {
	out := make([]Value, len(list))
	for i, x := range list {
		out[i] = literal(x)
	}
	return out
}

// Condition evaluates a when, until, changed_when and the like. A bool stays
// as it is, None and "" hold, a text is an expression. Text of former days
// with {{ }} in it is templated first and its result evaluated as an
// expression, with a warning in the eras that give one; Options.Warn is told.
// In the current era the result has to be a bool, and there has to be a
// conditional; else the error is of kind BrokenConditional, or, with
// Options.BrokenConditionals, Options.Deprecate is told, with the place of the
// [Text], and at for what is none.
func (e *Engine) Condition(ctx context.Context, v Value, at Pos, s Scope) (ok bool, err error) {
	rt := e.newRun(ctx, s)
	rt.condAt = at
	defer func() { rt.place(err) }()
	defer catch(&err)
	ok = rt.condition(v)
	rt.done()
	return ok, nil
}

func (rt *run) condition(v Value) bool {
	var src string
	switch x := v.(type) {
	case nil, NoneType:
		rt.emptyCondition()
		return true
	case Bool:
		return bool(x)
	case *Text:
		src = x.Src
		if x.Pos.IsValid() {
			rt.condAt = x.Pos
		}
	case Str:
		src = string(x)
	case *List:
		for _, e := range x.Elems {
			if !rt.condition(e) {
				return false
			}
		}
		return true
	default:
		if rt.era < Current {
			return truth(rt.deep(v))
		}
		if !rt.e.opts.BrokenConditionals {
			panic(&Error{Kind: BrokenConditional, Msg: "Conditional expressions must be strings.", Help: brokenHelp})
		}
		return rt.verdict(rt.deep(v))
	}
	if strings.TrimFunc(src, isSpace) == "" {
		rt.emptyCondition()
		return true
	}
	if rt.e.textEngine().IsTemplate(src) {
		if rt.era < Current {
			return rt.legacyCondition(src)
		}
		if t, isText := v.(*Text); isText && isAllTemplate(src) {
			return rt.indirectCondition(t)
		}
	}
	c := rt.expression(src)
	// Ansible 1.9 evaluates the text that a bare variable holds
	if s, ok := c.(Str); ok && rt.era == Era19 && isPlainName(src) {
		return rt.textCondition(string(s), src)
	}
	failStrict(c)
	return rt.verdict(c)
}

const (
	brokenHelp  = "Broken conditionals can be temporarily allowed with the `ALLOW_BROKEN_CONDITIONALS` configuration option."
	allowedHelp = "Broken conditionals are currently allowed because the `ALLOW_BROKEN_CONDITIONALS` configuration option is enabled."
)

// deprecate tells of a conditional that is taken for now.
func (rt *run) deprecate(msg, help string) {
	if rt.e.opts.Deprecate != nil {
		rt.e.opts.Deprecate(rt.condAt, msg+" This feature will be removed from ansible-core version 2.23.", help)
	}
}

// emptyCondition refuses a conditional that is empty, where the era does.
func (rt *run) emptyCondition() {
	switch {
	case rt.era < Current:
	case rt.e.opts.BrokenConditionals:
		rt.deprecate("Empty conditional expression was evaluated as True.", allowedHelp)
	default:
		panic(&Error{Kind: BrokenConditional, Msg: "Empty conditional expressions are not allowed.", Help: brokenHelp})
	}
}

// verdict is the truth of a conditional's result.
func (rt *run) verdict(v Value) bool {
	_, isBool := v.(Bool)
	if isBool || rt.era < Current {
		return truth(v)
	}
	word := "False"
	if truth(v) {
		word = "True"
	}
	msg := "Conditional result (" + word + ") was derived from value of type '" + v.Type() + "' at '" + UnknownOrigin + "'. Conditionals must have a boolean result."
	if !rt.e.opts.BrokenConditionals {
		panic(&Error{Kind: BrokenConditional, Help: brokenHelp, Msg: msg})
	}
	rt.deprecate(msg, allowedHelp)
	return truth(v)
}

// UnknownOrigin stands in the message of a BrokenConditional where the place
// of the conditional belongs: who knows it puts it in.
const UnknownOrigin = "<unknown>"

// isAllTemplate reports whether src is a template from end to end.
func isAllTemplate(src string) bool {
	src = strings.TrimFunc(src, isSpace)
	return strings.HasPrefix(src, "{{") && strings.HasSuffix(src, "}}") || strings.HasPrefix(src, "{%") && strings.HasSuffix(src, "%}")
}

// indirectCondition evaluates a conditional that a template gives: text is an
// expression, anything else the result.
func (rt *run) indirectCondition(t *Text) bool {
	v := rt.deep(t)
	failStrict(v)
	s, isText := v.(Str)
	switch {
	case v == None || isText && strings.TrimFunc(string(s), isSpace) == "":
		rt.emptyCondition()
		v = Bool(true)
		fallthrough
	case !isText:
		rt.deprecate("Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.", "")
		return rt.verdict(v)
	}
	v = rt.expression(string(s))
	failStrict(v)
	return rt.verdict(v)
}

// expression evaluates a bare expression that is a conditional.
func (rt *run) expression(src string) Value {
	e := rt.e.textEngine()
	t, err := e.compile(cacheKey{src: src, expr: true, rule: true})
	if te, ok := err.(*Error); ok && rt.era >= Current && e.IsTemplate(src) {
		c := *te
		c.Msg = "Template delimiters are not supported in expressions: " + te.Msg
		err = &c
	}
	check(err)
	rt.t, rt.pos = t, 0
	return rt.native(t)
}

// legacyCondition templates src to text and evaluates that.
func (rt *run) legacyCondition(src string) bool {
	if rt.era != Era19 && rt.e.opts.Warn != nil {
		rt.e.opts.Warn("conditional statements should not include jinja2 templating delimiters such as {{ }} or {% %}. Found: " + src)
	}
	t := rt.e.textEngine().mustText(src)
	rt.t, rt.pos = t, 0
	text := strings.TrimFunc(rt.render(t), isSpace)
	if text == "" {
		return rt.era == Era19 // 2.14 takes the text for the result
	}
	if rt.era == Era19 && isPlainName(text) {
		if v := rt.newContext(t, nil).resolve(text); v != missing {
			return rt.textCondition(StrOf(rt.deep(v), rt.era), text)
		}
	}
	v := rt.expression(text)
	failStrict(v)
	return rt.verdict(v)
}

// textCondition is the truth of a variable's text that stands as a condition.
func (rt *run) textCondition(text, name string) bool {
	if strings.TrimFunc(text, isSpace) == "" {
		return false
	}
	if text == name {
		return true
	}
	rt.call()
	defer func() { rt.calls-- }()
	v := rt.expression(text)
	failStrict(v)
	return truth(v)
}

func isPlainName(s string) bool {
	for i, r := range s {
		if !isIdentRune(r, i == 0) {
			return false
		}
	}
	return s != "" && !reservedName(s)
}
