package xmldoc

// This file evaluates XPath expressions. A value is a []*Node in document
// order, a float64, a string or a bool.

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// What libxml2 says of an expression that cannot be evaluated.
var (
	ErrPrefix   = errors.New("Undefined namespace prefix")
	ErrFunction = errors.New("Unregistered function")
	ErrVariable = errors.New("Undefined variable")
	ErrType     = errors.New("Invalid type")
	ErrArgs     = errors.New("Invalid number of arguments")
)

type context struct {
	node      *Node
	pos, size int
	spaces    map[string]string
}

// Evaluate gives the expression's value at a node; spaces are the namespaces of
// the expression's prefixes. The node of the document itself is never among the
// result, as with lxml.
func (x *XPath) Evaluate(at *Node, spaces map[string]string) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(xpathError)
			if !ok {
				panic(r)
			}
			value, err = nil, e.error
		}
	}()
	count := 0
	at.top().number(&count)
	value = (&context{node: at, pos: 1, size: 1, spaces: spaces}).eval(x.e)
	if nodes, ok := value.([]*Node); ok {
		nodes = slices.DeleteFunc(slices.Clone(nodes), func(n *Node) bool { return n.Kind == Document })
		return nodes, nil
	}
	return value, nil
}

// number notes the order of the document in its nodes.
func (n *Node) number(count *int) {
	n.order = *count
	*count++
	for _, a := range n.Attrs {
		a.order = *count
		*count++
	}
	for _, c := range n.Children {
		c.number(count)
	}
}

// StringValue is the text of a node with all that is below.
func (n *Node) StringValue() string {
	if n.Kind != Element && n.Kind != Document {
		return n.Data
	}
	var b strings.Builder
	var walk func(*Node)
	walk = func(n *Node) {
		for _, c := range n.Children {
			if c.isText() {
				b.WriteString(c.Data)
			}
			walk(c)
		}
	}
	walk(n)
	return b.String()
}

func (c *context) fail(err error) { panic(xpathError{err}) }

func (c *context) eval(e expr) any {
	switch e := e.(type) {
	case literal:
		return string(e)
	case number:
		return float64(e)
	case variable:
		c.fail(ErrVariable)
	case negation:
		return -toNumber(c.eval(e.e))
	case union:
		return ordered(append(slices.Clone(c.nodes(e.l)), c.nodes(e.r)...))
	case filter:
		if e.preds == nil {
			return c.eval(e.e)
		}
		list := c.nodes(e.e)
		for _, p := range e.preds {
			list = c.keep(list, p)
		}
		return list
	case path:
		return c.path(&e)
	case call:
		return c.call(&e)
	case binary:
		return c.binary(&e)
	}
	panic("forgot an expression")
}

func (c *context) nodes(e expr) []*Node {
	list, ok := c.eval(e).([]*Node)
	if !ok {
		c.fail(ErrType)
	}
	return list
}

// ordered sorts nodes by the document and drops what is there twice.
func ordered(list []*Node) []*Node {
	slices.SortFunc(list, func(a, b *Node) int { return a.order - b.order })
	return slices.Compact(list)
}

func (c *context) path(p *path) any {
	list := []*Node{c.node}
	if p.root {
		list[0] = c.node.top()
	}
	if p.from != nil {
		list = c.nodes(p.from)
	}
	for i := range p.steps {
		s := &p.steps[i]
		var next []*Node
		for _, n := range list {
			found := c.matching(n.along(s.axis), s)
			for _, pred := range s.preds {
				found = c.keep(found, pred)
			}
			next = append(next, found...)
		}
		list = ordered(next)
	}
	return list
}

// keep filters nodes, which are in the order of their axis.
func (c *context) keep(list []*Node, pred expr) []*Node {
	var out []*Node
	for i, n := range list {
		in := &context{node: n, pos: i + 1, size: len(list), spaces: c.spaces}
		v := in.eval(pred)
		if f, ok := v.(float64); ok && f == float64(i+1) || !ok && toBool(v) {
			out = append(out, n)
		}
	}
	return out
}

func (c *context) matching(list []*Node, s *step) []*Node {
	uri := ""
	if s.prefix != "" {
		var ok bool
		if uri, ok = c.spaces[s.prefix]; !ok && s.prefix == "xml" {
			uri, ok = xmlSpace, true
		} else if !ok {
			c.fail(ErrPrefix)
		}
	}
	main := Element
	if s.axis == "attribute" {
		main = Attribute
	}
	var out []*Node
	for _, n := range list {
		ok := n.Kind != Doctype
		switch s.kind {
		case "name":
			ok = n.Kind == main && (s.name == "*" || s.name == n.Name) && (s.name == "*" && s.prefix == "" || n.NS.URI == uri)
		case "text":
			ok = n.isText()
		case "comment":
			ok = n.Kind == Comment
		case "processing-instruction":
			ok = n.Kind == Instruction && (s.name == "" || s.name == n.Name)
		}
		if ok {
			out = append(out, n)
		}
	}
	return out
}

// along are the nodes of an axis, the nearest first.
func (n *Node) along(axis string) (out []*Node) {
	switch axis {
	case "self":
		return []*Node{n}
	case "attribute":
		return n.Attrs
	case "child":
		return n.Children
	case "descendant":
		return n.below(nil)
	case "descendant-or-self":
		return n.below([]*Node{n})
	case "parent":
		if n.Parent != nil {
			return []*Node{n.Parent}
		}
	case "ancestor", "ancestor-or-self":
		if axis == "ancestor" {
			n = n.Parent
		}
		for ; n != nil; n = n.Parent {
			out = append(out, n)
		}
	case "following-sibling", "preceding-sibling":
		if n.Parent == nil || n.Kind == Attribute {
			return nil
		}
		all := n.Parent.Children
		at := slices.Index(all, n)
		if axis == "following-sibling" {
			return all[at+1:]
		}
		out = slices.Clone(all[:at])
		slices.Reverse(out)
	case "following":
		for e := n; e != nil; e = e.Parent {
			if e.Kind == Attribute {
				out = e.Parent.below(out)
				continue
			}
			for _, s := range e.along("following-sibling") {
				out = s.below(append(out, s))
			}
		}
	case "preceding":
		for e := n; e != nil; e = e.Parent {
			for _, s := range e.along("preceding-sibling") {
				sub := s.below([]*Node{s})
				slices.Reverse(sub)
				out = append(out, sub...)
			}
		}
	}
	return out
}

func (n *Node) below(out []*Node) []*Node {
	for _, c := range n.Children {
		out = c.below(append(out, c))
	}
	return out
}

func (c *context) binary(e *binary) any {
	switch e.op {
	case "or":
		return toBool(c.eval(e.l)) || toBool(c.eval(e.r))
	case "and":
		return toBool(c.eval(e.l)) && toBool(c.eval(e.r))
	}
	l, r := c.eval(e.l), c.eval(e.r)
	switch e.op {
	case "=", "!=", "<", "<=", ">", ">=":
		return compare(e.op, l, r)
	}
	x, y := toNumber(l), toNumber(r)
	switch e.op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "div":
		return x / y
	case "mod":
		return math.Mod(x, y)
	}
	panic("forgot an operator")
}

// compare follows section 3.4: a set is true for any of its nodes.
func compare(op string, l, r any) bool {
	if list, ok := l.([]*Node); ok {
		if b, ok := r.(bool); ok {
			return compareOne(op, len(list) > 0, b)
		}
		return slices.ContainsFunc(list, func(n *Node) bool { return compare(op, likeOther(n, r), r) })
	}
	if list, ok := r.([]*Node); ok {
		if b, ok := l.(bool); ok {
			return compareOne(op, b, len(list) > 0)
		}
		return slices.ContainsFunc(list, func(n *Node) bool { return compareOne(op, l, likeOther(n, l)) })
	}
	return compareOne(op, l, r)
}

func likeOther(n *Node, other any) any {
	if _, ok := other.(float64); ok {
		return toNumber(n.StringValue())
	}
	return n.StringValue()
}

func compareOne(op string, l, r any) bool {
	if op == "=" || op == "!=" {
		equal := false
		_, lb := l.(bool)
		_, rb := r.(bool)
		_, ln := l.(float64)
		_, rn := r.(float64)
		switch {
		case lb || rb:
			equal = toBool(l) == toBool(r)
		case ln || rn:
			equal = toNumber(l) == toNumber(r)
		default:
			equal = toString(l) == toString(r)
		}
		return equal == (op == "=")
	}
	x, y := toNumber(l), toNumber(r)
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}

func toBool(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	case []*Node:
		return len(v) > 0
	}
	return false
}

func toNumber(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	}
	s := strings.Trim(toString(v), " \t\r\n")
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "xXpP_+iInN") {
		return math.NaN()
	}
	return f
}

func toString(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 0):
			return strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+") + "inity"
		case v == 0:
			return "0"
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []*Node:
		if len(v) > 0 {
			return v[0].StringValue()
		}
	}
	return ""
}
