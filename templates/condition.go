package templates

// This file evaluates conditions and turns text into values as the older eras do.

import (
	"context"
	"strings"
)

// convertText gives a text that looks like a list, a dict or a bool the value
// that it looks like, where it is a literal of Python.
func convertText(s Str, era Era) Value {
	looksLike := strings.HasPrefix(string(s), "[") || strings.HasPrefix(string(s), "{") || s == "True" || s == "False"
	if !looksLike {
		return s
	}
	v, ok := parseLiteral(string(s), era)
	if !ok {
		return s
	}
	return v
}

// textual is the value of a template that is one expression, where the era
// knows only text. Numbers and bools stay what they are where the expression is
// but the name of a variable, and omit always.
func (rt *run) textual(t *Template, v Value) Value {
	switch v.(type) {
	case Str, Markup:
		s, _ := textOf(v)
		return convertText(Str(s), rt.era)
	case OmitType:
		return v
	case Bool, Int, *BigInt, Float:
		name := strings.TrimFunc(strings.TrimSuffix(strings.TrimPrefix(t.src, "{{"), "}}"), isSpace)
		if isPlainName(name) {
			return v
		}
	}
	if fin := rt.e.opts.Finalize; fin != nil {
		v = fin(v)
	}
	return convertText(Str(StrOf(v, rt.era)), rt.era)
}

// parseLiteral is Python's ast.literal_eval; under the 1.9 era the names of
// JSON (true, false, null) are known too.
func parseLiteral(src string, era Era) (v Value, ok bool) {
	err := try(func() {
		s := newSyntax(&Options{})
		v = literal(s.parseExpr(pythonPrefixes(src)), era)
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

func literal(x expr, era Era) Value {
	switch x := x.(type) {
	case *constExpr:
		return x.val
	case *unaryExpr:
		v := literal(x.x, era)
		if _, isBool := v.(Bool); isNumber(v) && !isBool && x.op != "not" {
			rt := &run{max: defaultMaxOutput}
			if x.op == "-" {
				return rt.neg(v)
			}
			return rt.plus(v)
		}
	case *listExpr:
		return NewList(literals(x.items, era)...)
	case *tupleExpr:
		return Tuple(literals(x.items, era))
	case *dictExpr:
		d := NewDict(len(x.keys))
		vals := literals(x.vals, era)
		for i, k := range literals(x.keys, era) {
			check(d.Set(k, vals[i]))
		}
		return d
	case *nameExpr:
		if era == Era19 && x.name == "null" {
			return None
		}
	}
	throw(ValueError, "malformed node or string")
	return nil
}

func literals(list []expr, era Era) []Value {
	out := make([]Value, len(list))
	for i, x := range list {
		out[i] = literal(x, era)
	}
	return out
}

// Condition evaluates a when, until, changed_when and the like. A bool stays
// as it is, None and "" hold, a text is an expression. Text of former days
// with {{ }} in it is templated first and its result evaluated as an
// expression, with a warning in the eras that give one; Options.Warn is told.
func (e *Engine) Condition(ctx context.Context, v Value, s Scope) (ok bool, err error) {
	rt := e.newRun(ctx, s)
	defer func() { rt.place(err) }()
	defer catch(&err)
	return rt.condition(v), nil
}

func (rt *run) condition(v Value) bool {
	var src string
	switch x := v.(type) {
	case nil, NoneType:
		return true
	case Bool:
		return bool(x)
	case *Text:
		src = x.Src
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
		return truth(rt.deep(v))
	}
	if strings.TrimFunc(src, isSpace) == "" {
		return true
	}
	if rt.e.textEngine().IsTemplate(src) {
		return rt.legacyCondition(src)
	}
	c := rt.expression(src)
	// a bare variable that holds a condition is followed, as Ansible always has
	if s, ok := c.(Str); ok && isPlainName(src) {
		return rt.textCondition(string(s), src)
	}
	failStrict(c)
	return truth(c)
}

// expression evaluates a bare expression.
func (rt *run) expression(src string) Value {
	t, err := rt.e.textEngine().CompileExpr(src)
	check(err)
	rt.t, rt.pos = t, 0
	return rt.native(t)
}

// legacyCondition templates src to text and evaluates that.
func (rt *run) legacyCondition(src string) bool {
	if rt.era != Era19 && rt.e.opts.Warn != nil {
		rt.e.opts.Warn("conditional statements should not include jinja2 templating delimiters such as {{ }} or {% %}. Found: " + src)
	}
	t := rt.e.textEngine().mustCompile(src, "")
	rt.t, rt.pos = t, 0
	text := strings.TrimFunc(string(rt.render(t)), isSpace)
	if text == "" {
		return true
	}
	if rt.era == Era19 && isPlainName(text) {
		if v := rt.newContext(t, nil).resolve(text); v != missing {
			return rt.textCondition(StrOf(rt.deep(v), rt.era), text)
		}
	}
	v := rt.expression(text)
	failStrict(v)
	return truth(v)
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
	var v Value
	if err := try(func() { v = rt.expression(text) }); err != nil {
		if rt.era == Current {
			return true // a text that is no expression counts as any text does
		}
		panic(err)
	}
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
