package xmldoc

// This file is XPath's function library (section 4).

import (
	"math"
	"strings"
	"unicode/utf8"
)

// A function takes from least to most arguments, without a limit where most is -1.
type function struct {
	least, most int
	run         func(c *context, args []any) any
}

var functions map[string]function

func init() { // it refers to itself by call
	functions = map[string]function{
		"last":             {0, 0, func(c *context, _ []any) any { return float64(c.size) }},
		"position":         {0, 0, func(c *context, _ []any) any { return float64(c.pos) }},
		"count":            {1, 1, func(c *context, a []any) any { return float64(len(c.set(a[0]))) }},
		"id":               {1, 1, func(c *context, a []any) any { return []*Node(nil) }}, // no document type is read for IDs
		"local-name":       {0, 1, named(func(n *Node) string { return n.Name })},
		"name":             {0, 1, named((*Node).qualified)},
		"namespace-uri":    {0, 1, named(func(n *Node) string { return n.NS.URI })},
		"string":           {0, 1, func(c *context, a []any) any { return c.text(a) }},
		"concat":           {2, -1, concat},
		"starts-with":      {2, 2, func(_ *context, a []any) any { return strings.HasPrefix(toString(a[0]), toString(a[1])) }},
		"contains":         {2, 2, func(_ *context, a []any) any { return strings.Contains(toString(a[0]), toString(a[1])) }},
		"substring-before": {2, 2, func(_ *context, a []any) any { return part(a, true) }},
		"substring-after":  {2, 2, func(_ *context, a []any) any { return part(a, false) }},
		"substring":        {2, 3, func(_ *context, a []any) any { return substring(a) }},
		"string-length":    {0, 1, func(c *context, a []any) any { return float64(utf8.RuneCountInString(c.text(a))) }},
		"normalize-space":  {0, 1, func(c *context, a []any) any { return strings.Join(strings.FieldsFunc(c.text(a), blankRune), " ") }},
		"translate":        {3, 3, func(_ *context, a []any) any { return translate(toString(a[0]), toString(a[1]), toString(a[2])) }},
		"boolean":          {1, 1, func(_ *context, a []any) any { return toBool(a[0]) }},
		"not":              {1, 1, func(_ *context, a []any) any { return !toBool(a[0]) }},
		"true":             {0, 0, func(*context, []any) any { return true }},
		"false":            {0, 0, func(*context, []any) any { return false }},
		"lang":             {1, 1, func(c *context, a []any) any { return lang(c.node, toString(a[0])) }},
		"number":           {0, 1, func(c *context, a []any) any { return toNumber(c.value(a)) }},
		"sum":              {1, 1, sum},
		"floor":            {1, 1, func(_ *context, a []any) any { return math.Floor(toNumber(a[0])) }},
		"ceiling":          {1, 1, func(_ *context, a []any) any { return math.Ceil(toNumber(a[0])) }},
		"round":            {1, 1, func(_ *context, a []any) any { return math.Floor(toNumber(a[0]) + 0.5) }},
	}
}

func (c *context) call(e *call) any {
	f, ok := functions[e.name]
	if !ok {
		if prefix, _, has := strings.Cut(e.name, ":"); has && c.spaces[prefix] == "" {
			c.fail(ErrPrefix)
		}
		c.fail(ErrFunction)
	}
	if len(e.args) < f.least || f.most >= 0 && len(e.args) > f.most {
		c.fail(ErrArgs)
	}
	args := make([]any, len(e.args))
	for i, a := range e.args {
		args[i] = c.eval(a)
	}
	return f.run(c, args)
}

func (c *context) set(v any) []*Node {
	list, ok := v.([]*Node)
	if !ok {
		c.fail(ErrType)
	}
	return list
}

// value is the only argument, or the context node.
func (c *context) value(args []any) any {
	if len(args) == 0 {
		return []*Node{c.node}
	}
	return args[0]
}

func (c *context) text(args []any) string { return toString(c.value(args)) }

func named(get func(*Node) string) func(*context, []any) any {
	return func(c *context, args []any) any {
		list := c.set(c.value(args))
		if len(list) == 0 || list[0].isText() || list[0].Kind == Comment {
			return ""
		}
		return get(list[0])
	}
}

func concat(_ *context, args []any) any {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(toString(a))
	}
	return b.String()
}

func part(args []any, before bool) string {
	l, r, ok := strings.Cut(toString(args[0]), toString(args[1]))
	switch {
	case !ok:
		return ""
	case before:
		return l
	}
	return r
}

// substring counts characters from 1 and rounds its numbers.
func substring(args []any) string {
	from := math.Floor(toNumber(args[1]) + 0.5)
	to := math.Inf(1)
	if len(args) == 3 {
		to = from + math.Floor(toNumber(args[2])+0.5)
	}
	var b strings.Builder
	at := 0.0
	for _, r := range toString(args[0]) {
		if at++; at >= from && at < to {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func translate(s, from, to string) string {
	target := []rune(to)
	table := map[rune]rune{}
	for i, r := range []rune(from) {
		if _, ok := table[r]; ok {
			continue
		}
		table[r] = -1 // dropped
		if i < len(target) {
			table[r] = target[i]
		}
	}
	return strings.Map(func(r rune) rune {
		if t, ok := table[r]; ok {
			return t
		}
		return r
	}, s)
}

func blankRune(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

func lang(n *Node, want string) bool {
	for ; n != nil; n = n.Parent {
		if have, ok := n.Attr(xmlSpace, "lang"); ok {
			have, want = strings.ToLower(have), strings.ToLower(want)
			return have == want || strings.HasPrefix(have, want+"-")
		}
	}
	return false
}

func sum(c *context, args []any) any {
	total := 0.0
	for _, n := range c.set(args[0]) {
		total += toNumber(n.StringValue())
	}
	return total
}
