package ansible

// This file evaluates JMESPath expressions and holds the functions that they
// can call (https://jmespath.org/specification.html#built-in-functions). Dicts
// keep the order of their keys and numbers their kinds.

import (
	"errors"

	"gorun/templates"
)

// https://docs.ansible.com/ansible/latest/collections/community/general/json_query_filter.html
func filterJSONQuery(c *call) (value, error) {
	var v value
	var expr string
	if err := c.Unpack("json_query", "data", &v, "expr", &expr); err != nil {
		return nil, err
	}
	out, err := searchJMES(v, expr)
	var te *templates.Error
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &te) && te.Kind == templates.AnsibleFilterError:
		return nil, fail("JMESPathError in json_query filter plugin:\n%s", err)
	}
	return nil, fail("Error in jmespath.search in json_query filter plugin:\n%s", err)
}

func searchJMES(v value, expr string) (out value, err error) {
	eval, err := compileJMES(expr)
	if err != nil {
		return nil, err
	}
	defer catchJMES(&err)
	out = eval(v)
	if ref, ok := out.(*jmesRef); ok {
		return str("<jmespath.visitor." + ref.Type() + " object>"), nil
	}
	return out, nil
}

// A jmesRef is an expression that is an argument: &name.
type jmesRef struct {
	templates.NoneType
	eval jmesEval
}

// Type is Python's class name.
func (*jmesRef) Type() string { return "_Expression" }

func jmesField(name string) jmesEval {
	return func(v value) value {
		if m, ok := v.(templates.Mapping); ok {
			x, ok, err := strKey(m, name)
			throwJMES(err)
			if ok {
				return x
			}
		}
		return templates.None
	}
}

// throwJMES panics with an error, where there is one.
func throwJMES(err error) {
	if err == nil {
		return
	}
	te, ok := err.(*templates.Error)
	if !ok {
		te = &templates.Error{Kind: templates.AnsibleFilterError, Msg: err.Error(), Cause: err}
	}
	panic(te)
}

// jmesList are the elements of a list; tuples and the like are none.
func jmesList(v value) ([]value, bool) {
	if l, ok := v.(*templates.List); ok {
		return l.Elems, true
	}
	return nil, false
}

func jmesChain(a, b jmesEval) jmesEval { return func(v value) value { return b(a(v)) } }

// jmesProject applies f to each element and leaves out what becomes None.
func jmesProject(base, f jmesEval) jmesEval {
	return func(v value) value {
		elems, ok := jmesList(base(v))
		if !ok {
			return templates.None
		}
		return jmesKept(elems, f)
	}
}

func jmesKept(elems []value, f jmesEval) value {
	out := make([]value, 0, len(elems))
	for _, e := range elems {
		if x := f(e); x != templates.None {
			out = append(out, x)
		}
	}
	return list(out)
}

// jmesValues is jmesProject of the values of a dict.
func jmesValues(base, f jmesEval) jmesEval {
	return func(v value) value {
		m, ok := base(v).(templates.Mapping)
		if !ok {
			return templates.None
		}
		return jmesKept(valuesOf(m), f)
	}
}

func valuesOf(m templates.Mapping) []value {
	out := make([]value, 0, m.Len())
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		throwJMES(err)
		out = append(out, v)
	}
	return out
}

func jmesFlatten(base jmesEval) jmesEval {
	return func(v value) value {
		elems, ok := jmesList(base(v))
		if !ok {
			return templates.None
		}
		var out []value
		for _, e := range elems {
			if inner, ok := jmesList(e); ok {
				out = append(out, inner...)
			} else {
				out = append(out, e)
			}
		}
		return list(out)
	}
}

func jmesIndex(i int64) jmesEval {
	return func(v value) value {
		elems, ok := jmesList(v)
		n := int64(len(elems))
		at := i
		if at < 0 {
			at += n
		}
		if !ok || at < 0 || at >= n {
			return templates.None
		}
		return elems[at]
	}
}

func jmesSlice(parts [3]*int64) jmesEval {
	return func(v value) value {
		elems, ok := jmesList(v)
		if !ok {
			return templates.None
		}
		step := int64(1)
		if parts[2] != nil {
			step = *parts[2]
		}
		if step == 0 {
			throwJMES(raise(templates.ValueError, "slice step cannot be zero"))
		}
		n := int64(len(elems))
		first, last, low, high := int64(0), n, int64(0), n
		if step < 0 {
			first, last, low, high = n-1, -1, -1, n-1
		}
		bound := func(p *int64, def int64) int64 {
			if p == nil {
				return def
			}
			i := *p
			if i < 0 {
				i += n
			}
			return min(max(i, low), high)
		}
		var out []value
		for i, end := bound(parts[0], first), bound(parts[1], last); step > 0 && i < end || step < 0 && i > end; i += step {
			out = append(out, elems[i])
		}
		return list(out)
	}
}

// jmesTrue is false of empty texts, lists and dicts, None and false; numbers are true.
func jmesTrue(v value) bool {
	if b, ok := v.(templates.Bool); ok {
		return bool(b)
	}
	if _, isNumber := number(v); isNumber {
		return true
	}
	return v.Truth()
}

func jmesNot(a jmesEval) jmesEval {
	return func(v value) value {
		x := a(v)
		if _, isBool := x.(templates.Bool); !isBool {
			if _, isNumber := number(x); isNumber {
				return templates.Bool(false)
			}
		}
		return templates.Bool(!x.Truth())
	}
}

// jmesEqual is equality in which 0 and 1 are no bools.
func jmesEqual(a, b value) bool {
	_, aBool := a.(templates.Bool)
	_, bBool := b.(templates.Bool)
	return aBool == bBool && templates.Equal(a, b)
}

func jmesCompare(op string, a, b jmesEval) jmesEval {
	comparable := func(v value) bool {
		kind := jmesKind(v)
		return kind == "number" || kind == "string"
	}
	return func(v value) value {
		x, y := a(v), b(v)
		switch op {
		case "eq":
			return templates.Bool(jmesEqual(x, y))
		case "ne":
			return templates.Bool(!jmesEqual(x, y))
		}
		if !comparable(x) || !comparable(y) {
			return templates.None
		}
		c := jmesOrder(x, y)
		holds := map[string]bool{"lt": c < 0, "lte": c <= 0, "gt": c > 0, "gte": c >= 0}
		return templates.Bool(holds[op])
	}
}

func jmesOrder(a, b value) int {
	c, err := templates.Compare(a, b)
	throwJMES(err)
	return c
}

// jmesKind is the type of a value in JMESPath's words.
func jmesKind(v value) string {
	switch v.(type) {
	case templates.Bool:
		return "boolean"
	case *templates.List:
		return "array"
	case *templates.Dict:
		return "object"
	case *jmesRef:
		return "expref"
	case templates.NoneType:
		return "null"
	}
	if _, ok := number(v); ok {
		return "number"
	}
	if v.Type() == "str" {
		return "string"
	}
	return "unknown"
}
