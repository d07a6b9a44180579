package ansible

// This file turns values into YAML nodes, as PyYAML's representer and
// serializer do (https://pyyaml.org/wiki/PyYAMLDocumentation).

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// YAMLOptions are the options of yaml.dump.
type YAMLOptions struct {
	Indent int // 0: 2
	Width  int // where lines are wrapped; 0: 80, negative: never
	// Flow is default_flow_style: nil writes collections that hold only
	// scalars in flow style.
	Flow *bool
	// Style is default_style of scalars: "", "'", "\"", "|" or ">".
	Style string
	// KeepOrder leaves keys in their order instead of sorting them.
	KeepOrder                  bool
	ExplicitStart, ExplicitEnd bool
	// Canonical writes every tag, every scalar in double quotes and every item
	// on a line of its own.
	Canonical bool
	// LineBreak ends the lines; "": "\n".
	LineBreak string
	// Directives are lines before the document, such as "%YAML 1.2".
	Directives []string
	// ASCII escapes what is not ASCII.
	ASCII bool
	// Literal chooses the texts that are written as literal blocks; it may
	// change them. Nil: none.
	Literal func(s string) (string, bool)
}

// Block are the options of to_nice_yaml: block style, keys sorted, indented by n.
func Block(n int) YAMLOptions {
	off := false
	return YAMLOptions{Indent: n, Flow: &off}
}

// DumpYAML writes a resolved value as yaml.dump does with libyaml and Ansible's
// dumper. The text ends with a newline.
func DumpYAML(v templates.Value, o YAMLOptions) (string, error) {
	r := representer{o: o, seen: map[any]*yamlNode{}}
	n, err := r.node(v, 0)
	if err != nil {
		return "", err
	}
	r.number(n)
	return emitYAML(n, o), nil
}

type yamlKind int

const (
	yamlScalar yamlKind = iota
	yamlSeq
	yamlMap
)

// A yamlNode is a node of a document; those of a mapping are key, value, key...
type yamlNode struct {
	kind   yamlKind
	text   string
	style  byte // of a scalar: 0 plain, or its indicator
	quote  bool // a plain form would be read as something else
	tag    string
	flow   bool
	nodes  []*yamlNode
	anchor string
	visits int
}

type representer struct {
	o    YAMLOptions
	seen map[any]*yamlNode
}

// maxYAMLDepth bounds how deep values nest.
const maxYAMLDepth = 400

func (r *representer) node(v value, depth int) (*yamlNode, error) {
	if depth > maxYAMLDepth {
		return nil, raise(templates.RecursionError, "maximum recursion depth exceeded")
	}
	switch v := v.(type) {
	case nil, templates.NoneType:
		return r.plain("null"), nil
	case templates.Bool:
		return r.plain(strings.ToLower(text(v))), nil
	case templates.Int, *templates.BigInt:
		return r.plain(text(v)), nil
	case templates.Float:
		return r.plain(yamlFloat(v)), nil
	case templates.Bytes:
		return r.binary(v), nil
	case *templates.DateTime:
		return r.plain(text(v)), nil
	case *templates.Undefined:
		return nil, v.Err()
	case templates.Mapping:
		if n := r.known(v); n != nil {
			return n, nil
		}
		return r.mapping(v, depth)
	case *templates.Set:
		return r.set(v, depth)
	case templates.Callable:
		return nil, raise("RepresenterError", "('cannot represent an object', %s)", text(v))
	case templates.Sequence:
		if n := r.known(v); n != nil {
			return n, nil
		}
		return r.sequence(v, depth)
	}
	if _, ok := isText(v); !ok && v.Type() != "str" && !isOmit(v) {
		return nil, raise("RepresenterError", "('cannot represent an object', %s)", text(v))
	}
	return r.str(text(v)), nil
}

func isOmit(v value) bool { return v == templates.Omit }

// known returns the node of a container that was met before.
func (r *representer) known(v value) *yamlNode {
	switch v.(type) {
	case *templates.List, *templates.Dict:
		return r.seen[v]
	}
	return nil
}

func (r *representer) remember(v value, n *yamlNode) {
	switch v.(type) {
	case *templates.List, *templates.Dict:
		r.seen[v] = n
	}
}

func (r *representer) style() byte {
	if r.o.Style == "" {
		return 0
	}
	return r.o.Style[0]
}

// plain is a scalar that is no text; where a style is asked for its quoted
// form needs a tag.
func (r *representer) plain(s string) *yamlNode {
	n := &yamlNode{text: s, style: r.style()}
	if n.style != 0 {
		if v, err := pyyaml.Scalar(s); err == nil && implicit(v) {
			n.tag = "!"
		}
	}
	return n
}

// implicit reports whether a plain scalar is read as something else than text.
func implicit(v value) bool {
	switch v.(type) {
	case templates.NoneType, templates.Bool, templates.Int, *templates.BigInt, templates.Float, *templates.DateTime:
		return true
	}
	return false
}

func (r *representer) str(s string) *yamlNode {
	n := &yamlNode{text: s, style: r.style()}
	if r.o.Literal != nil {
		if t, ok := r.o.Literal(s); ok {
			n.text, n.style = t, '|'
		}
	}
	n.quote = !readsAsText(n.text)
	return n
}

// readsAsText reports whether a plain scalar would be read as a str.
func readsAsText(s string) bool {
	if s == "" || s == "<<" || s == "=" {
		return false
	}
	if s[0] >= '0' && s[0] <= '9' && yamlDate.MatchString(s) {
		return false
	}
	v, err := pyyaml.Scalar(s)
	if err != nil {
		return false
	}
	_, ok := v.(templates.Str)
	return ok
}

func yamlFloat(f templates.Float) string {
	switch {
	case math.IsNaN(float64(f)):
		return ".nan"
	case math.IsInf(float64(f), 1):
		return ".inf"
	case math.IsInf(float64(f), -1):
		return "-.inf"
	}
	s := text(f)
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

// binary is base64 in lines of 76.
func (r *representer) binary(b templates.Bytes) *yamlNode {
	code := base64.StdEncoding.EncodeToString(b)
	var s strings.Builder
	for len(code) > 76 {
		s.WriteString(code[:76] + "\n")
		code = code[76:]
	}
	s.WriteString(code + "\n")
	return &yamlNode{text: s.String(), style: '|', tag: "!!binary", quote: true}
}

// flows decides the style of a collection: simple says that it holds only
// plain scalars.
func (r *representer) flows(simple bool) bool {
	if r.o.Flow != nil {
		return *r.o.Flow
	}
	return simple
}

func isSimple(n *yamlNode) bool { return n.kind == yamlScalar && n.style == 0 }

func (r *representer) sequence(v templates.Sequence, depth int) (*yamlNode, error) {
	n := &yamlNode{kind: yamlSeq}
	r.remember(v, n)
	simple := true
	for i := range v.Len() {
		e, err := r.node(v.Index(i), depth+1)
		if err != nil {
			return nil, err
		}
		simple = simple && isSimple(e)
		n.nodes = append(n.nodes, e)
	}
	n.flow = r.flows(simple)
	return n, nil
}

func (r *representer) mapping(v templates.Mapping, depth int) (*yamlNode, error) {
	n := &yamlNode{kind: yamlMap}
	r.remember(v, n)
	simple := true
	for _, k := range r.keys(v.Keys()) {
		x, _, err := v.Get(k)
		if err != nil {
			return nil, err
		}
		key, err := r.node(k, depth+1)
		if err != nil {
			return nil, err
		}
		val, err := r.node(x, depth+1)
		if err != nil {
			return nil, err
		}
		simple = simple && isSimple(key) && isSimple(val)
		n.nodes = append(n.nodes, key, val)
	}
	n.flow = r.flows(simple)
	return n, nil
}

func (r *representer) set(v *templates.Set, depth int) (*yamlNode, error) {
	d := templates.NewDict(0)
	for _, e := range v.Elems() {
		if err := d.Set(e, templates.None); err != nil {
			return nil, err
		}
	}
	n, err := r.mapping(d, depth)
	if err == nil {
		n.tag = "!!set"
	}
	return n, err
}

// keys sorts keys; where they have no order they stay as they are.
func (r *representer) keys(keys []value) []value {
	if r.o.KeepOrder {
		return keys
	}
	return sortedValues(keys)
}

// sortedValues sorts a copy of values; where they have no order it returns
// them as they are.
func sortedValues(keys []value) []value {
	sorted := slices.Clone(keys)
	failed := false
	slices.SortStableFunc(sorted, func(a, b value) int {
		c, err := templates.Compare(a, b)
		failed = failed || err != nil
		return c
	})
	if failed {
		return keys
	}
	return sorted
}

// number names the nodes that are met more than once, in the order in which
// they are met the second time.
func (r *representer) number(root *yamlNode) {
	count := 0
	var walk func(n *yamlNode)
	walk = func(n *yamlNode) {
		n.visits++
		if n.visits == 2 {
			count++
			n.anchor = fmt.Sprintf("id%03d", count)
		}
		if n.visits > 1 {
			return
		}
		for _, e := range n.nodes {
			walk(e)
		}
	}
	walk(root)
}
