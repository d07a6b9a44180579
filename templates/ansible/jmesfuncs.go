package ansible

// This file holds the functions that JMESPath expressions can call
// (https://jmespath.org/specification.html#built-in-functions).

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gorun/templates"
)

// A jmesFunc is a function of JMESPath: the types of its arguments, as
// array-number where the elements matter, and what it does. With variadic
// there may be more arguments than types.
type jmesFunc struct {
	args     [][]string
	variadic bool
	run      func(args []value) value
}

var jmesFuncs map[string]jmesFunc

func init() { // the functions call expressions, which call functions
	t := func(types ...string) []string { return types }
	jmesFuncs = map[string]jmesFunc{
		"abs":         {args: [][]string{t("number")}, run: jmesAbs},
		"avg":         {args: [][]string{t("array-number")}, run: jmesAvg},
		"not_null":    {args: [][]string{nil}, variadic: true, run: jmesNotNull},
		"to_array":    {args: [][]string{nil}, run: jmesToArray},
		"to_string":   {args: [][]string{nil}, run: jmesToString},
		"to_number":   {args: [][]string{nil}, run: jmesToNumber},
		"contains":    {args: [][]string{t("array", "string"), nil}, run: jmesContains},
		"length":      {args: [][]string{t("string", "array", "object")}, run: jmesLength},
		"ends_with":   {args: [][]string{t("string"), t("string")}, run: func(a []value) value { return templates.Bool(strings.HasSuffix(text(a[0]), text(a[1]))) }},
		"starts_with": {args: [][]string{t("string"), t("string")}, run: func(a []value) value { return templates.Bool(strings.HasPrefix(text(a[0]), text(a[1]))) }},
		"reverse":     {args: [][]string{t("array", "string")}, run: jmesReverse},
		"ceil":        {args: [][]string{t("number")}, run: func(a []value) value { return jmesRound(a[0], math.Ceil) }},
		"floor":       {args: [][]string{t("number")}, run: func(a []value) value { return jmesRound(a[0], math.Floor) }},
		"join":        {args: [][]string{t("string"), t("array-string")}, run: jmesJoin},
		"map":         {args: [][]string{t("expref"), t("array")}, run: jmesMap},
		"max":         {args: [][]string{t("array-number", "array-string")}, run: func(a []value) value { return jmesExtreme(elemsOf(a[0]), nil, 1) }},
		"min":         {args: [][]string{t("array-number", "array-string")}, run: func(a []value) value { return jmesExtreme(elemsOf(a[0]), nil, -1) }},
		"merge":       {args: [][]string{t("object")}, variadic: true, run: jmesMerge},
		"sort":        {args: [][]string{t("array-string", "array-number")}, run: func(a []value) value { return jmesSorted(elemsOf(a[0]), identity) }},
		"sum":         {args: [][]string{t("array-number")}, run: func(a []value) value { return jmesSum(elemsOf(a[0])) }},
		"keys":        {args: [][]string{t("object")}, run: func(a []value) value { return list(a[0].(templates.Mapping).Keys()) }},
		"values":      {args: [][]string{t("object")}, run: func(a []value) value { return list(valuesOf(a[0].(templates.Mapping))) }},
		"type":        {args: [][]string{nil}, run: jmesTypeOf},
		"sort_by":     {args: [][]string{t("array"), t("expref")}, run: jmesSortBy},
		"min_by": {args: [][]string{t("array"), t("expref")}, run: func(a []value) value {
			return jmesExtreme(elemsOf(a[0]), jmesKey("min_by", a[1], "number", "string"), -1)
		}},
		"max_by": {args: [][]string{t("array"), t("expref")}, run: func(a []value) value {
			return jmesExtreme(elemsOf(a[0]), jmesKey("max_by", a[1], "number", "string"), 1)
		}},
	}
}

func jmesCall(name string, args []value) value {
	f, ok := jmesFuncs[name]
	if !ok {
		throwJMES(fail("Unknown function: %s()", name))
	}
	if want := len(f.args); len(args) < want || len(args) > want && !f.variadic {
		least, plural := "", "s"
		if f.variadic {
			least = "at least "
		}
		if want == 1 {
			plural = ""
		}
		throwJMES(fail("Expected %s%d argument%s for function %s(), received %d", least, want, plural, name, len(args)))
	}
	for i, types := range f.args {
		if types != nil {
			jmesCheck(name, args[i], types)
		}
	}
	return f.run(args)
}

// jmesCheck refuses an argument that is of none of the types.
func jmesCheck(name string, v value, types []string) {
	var elements []string
	ok := false
	for _, t := range types {
		kind, element, typed := strings.Cut(t, "-")
		ok = ok || jmesKind(v) == kind
		if typed {
			elements = append(elements, element)
		}
	}
	if !ok {
		jmesBadType(name, v, jmesKind(v), types)
	}
	elems := elemsOf(v)
	if len(elements) == 0 || len(elems) == 0 {
		return
	}
	allowed := elements[0]
	if len(elements) > 1 {
		if allowed = jmesKind(elems[0]); !slices.Contains(elements, allowed) {
			jmesBadType(name, elems[0], elems[0].Type(), types)
		}
	}
	for _, e := range elems {
		if jmesKind(e) != allowed {
			jmesBadType(name, e, e.Type(), types)
		}
	}
}

func jmesBadType(name string, v value, got string, types []string) {
	quoted := make([]string, len(types))
	for i, t := range types {
		quoted[i] = "'" + t + "'"
	}
	throwJMES(fail("In function %s(), invalid type for value: %s, expected one of: [%s], received: \"%s\"", name, text(v), strings.Join(quoted, ", "), got))
}

func jmesAbs(a []value) value {
	if f, ok := a[0].(templates.Float); ok {
		return templates.Float(math.Abs(float64(f)))
	}
	n := bigOf(a[0])
	return templates.NewInt(n.Abs(n))
}

// bigOf is an int of any size.
func bigOf(v value) *big.Int {
	if b, ok := v.(*templates.BigInt); ok {
		return new(big.Int).Set(b.V)
	}
	n, _ := integer(v) // the caller has checked that it is one
	return big.NewInt(n)
}

// jmesRound makes an int of a number by math.Ceil or math.Floor.
func jmesRound(v value, f func(float64) float64) value {
	x, ok := v.(templates.Float)
	if !ok {
		return v
	}
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		throwJMES(raise(templates.ValueError, "cannot convert float %s to integer", text(v)))
	}
	n, _ := big.NewFloat(f(float64(x))).Int(nil)
	return templates.NewInt(n)
}

func jmesSum(elems []value) value {
	total, sum, whole := new(big.Int), 0.0, true
	for _, e := range elems {
		x, _ := number(e) // the caller has checked
		if sum += x; whole {
			if _, isFloat := e.(templates.Float); isFloat {
				whole = false
			} else {
				total.Add(total, bigOf(e))
			}
		}
	}
	if whole {
		return templates.NewInt(total)
	}
	return templates.Float(sum)
}

func jmesAvg(a []value) value {
	elems := elemsOf(a[0])
	if len(elems) == 0 {
		return templates.None
	}
	sum, _ := number(jmesSum(elems))
	return templates.Float(sum / float64(len(elems)))
}

func jmesNotNull(a []value) value {
	for _, v := range a {
		if v != templates.None {
			return v
		}
	}
	return templates.None
}

func jmesToArray(a []value) value {
	if _, ok := jmesList(a[0]); ok {
		return a[0]
	}
	return list(a)
}

func jmesToString(a []value) value {
	if jmesKind(a[0]) == "string" {
		return a[0]
	}
	b, err := (&jsonStyle{item: ",", key: ":"}).append(nil, a[0], 0)
	throwJMES(err)
	return str(string(b))
}

func jmesToNumber(a []value) value {
	switch jmesKind(a[0]) {
	case "number":
		return a[0]
	case "string":
		s := strings.TrimSpace(text(a[0]))
		if n, ok := new(big.Int).SetString(s, 10); ok {
			return templates.NewInt(n)
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return templates.Float(f)
		}
	}
	return templates.None
}

func jmesContains(a []value) value {
	if jmesKind(a[0]) == "array" {
		return templates.Bool(contains(elemsOf(a[0]), a[1]))
	}
	if jmesKind(a[1]) != "string" {
		throwJMES(typeError("'in <string>' requires string as left operand, not %s", a[1].Type()))
	}
	return templates.Bool(strings.Contains(text(a[0]), text(a[1])))
}

func jmesLength(a []value) value {
	if m, ok := a[0].(templates.Mapping); ok {
		return templates.Int(m.Len())
	}
	if elems, ok := jmesList(a[0]); ok {
		return templates.Int(len(elems))
	}
	return templates.Int(utf8.RuneCountInString(text(a[0])))
}

func jmesReverse(a []value) value {
	if elems, ok := jmesList(a[0]); ok {
		out := slices.Clone(elems)
		slices.Reverse(out)
		return list(out)
	}
	rs := []rune(text(a[0]))
	slices.Reverse(rs)
	return str(string(rs))
}

func jmesJoin(a []value) value {
	var words []string
	for _, e := range elemsOf(a[1]) {
		words = append(words, text(e))
	}
	return str(strings.Join(words, text(a[0])))
}

func jmesMap(a []value) value {
	elems := elemsOf(a[1])
	out := make([]value, len(elems))
	for i, e := range elems {
		out[i] = a[0].(*jmesRef).eval(e)
	}
	return list(out)
}

func jmesMerge(a []value) value {
	out := templates.NewDict(0)
	for _, v := range a {
		m, ok := v.(templates.Mapping)
		if !ok {
			throwJMES(typeError("'%s' object is not iterable", v.Type()))
		}
		for i, x := range valuesOf(m) {
			throwJMES(out.Set(m.Keys()[i], x))
		}
	}
	return out
}

func jmesTypeOf(a []value) value {
	if kind := jmesKind(a[0]); kind != "expref" && kind != "unknown" {
		return str(kind)
	}
	return templates.None
}

// jmesExtreme is the first greatest element where sign is 1, the first smallest
// where it is -1, None of no elements; nil key: the elements themselves.
func jmesExtreme(elems []value, key jmesEval, sign int) value {
	if len(elems) == 0 {
		return templates.None
	}
	if key == nil {
		key = identity
	}
	best, of := elems[0], key(elems[0])
	for _, e := range elems[1:] {
		if k := key(e); jmesOrder(k, of)*sign > 0 {
			best, of = e, k
		}
	}
	return best
}

// jmesKey is an expression whose results have one of the types.
func jmesKey(name string, ref value, types ...string) jmesEval {
	f := ref.(*jmesRef).eval
	return func(v value) value {
		k := f(v)
		if kind := jmesKind(k); !slices.Contains(types, kind) {
			jmesBadType(name, k, kind, types)
		}
		return k
	}
}

func jmesSorted(elems []value, key jmesEval) value {
	keyed := make([][2]value, len(elems))
	for i, e := range elems {
		keyed[i] = [2]value{key(e), e}
	}
	slices.SortStableFunc(keyed, func(a, b [2]value) int { return jmesOrder(a[0], b[0]) })
	out := make([]value, len(elems))
	for i, k := range keyed {
		out[i] = k[1]
	}
	return list(out)
}

func jmesSortBy(a []value) value {
	elems := elemsOf(a[0])
	if len(elems) == 0 {
		return a[0]
	}
	kind := jmesKind(a[1].(*jmesRef).eval(elems[0]))
	if kind != "number" && kind != "string" {
		jmesBadType("sort_by", elems[0], kind, []string{"string", "number"})
	}
	return jmesSorted(elems, jmesKey("sort_by", a[1], kind))
}
