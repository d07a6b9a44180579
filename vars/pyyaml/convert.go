package pyyaml

// This file turns nodes into values.

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"gorun/templates"
)

// A Pair is one item of a mapping, merges expanded.
type Pair struct{ Key, Value *yaml.Node }

// Resolve follows an alias.
func Resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// Pos is where a node begins.
func (d *Doc) Pos(n *yaml.Node) templates.Pos {
	if n == nil {
		return templates.Pos{File: d.File, Line: 1, Col: 1}
	}
	return templates.Pos{File: d.File, Line: n.Line, Col: n.Column}
}

// TextPos is where the text of a scalar begins: behind a quote, or on the line
// below the bar of a block scalar. A place inside the text is then Pos.Line+l-1
// and Pos.Col+c-1 for its own line l and column c, on every line. Where folds
// and escapes break that rule Col is 0 and Line is where the scalar begins.
func (d *Doc) TextPos(n *yaml.Node) templates.Pos {
	pos := templates.Pos{File: d.File, Line: n.Line}
	line := d.Line(n.Line)
	start := byteAt(line, n.Column-1)
	rest := line[start:]
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		return d.literalPos(n)
	case n.Style&yaml.FoldedStyle != 0 || n.Value == "":
		return pos
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		quote := `"`
		if n.Style&yaml.SingleQuotedStyle != 0 {
			quote = "'"
		}
		if i := strings.Index(rest, quote); i >= 0 && strings.HasPrefix(rest[i+1:], n.Value+quote) {
			pos.Col = n.Column + utf8.RuneCountInString(rest[:i+1])
		}
		return pos
	}
	if i := strings.Index(rest, n.Value); i >= 0 && !strings.Contains(n.Value, "\n") {
		pos.Col = n.Column + utf8.RuneCountInString(rest[:i])
	}
	return pos
}

func (d *Doc) literalPos(n *yaml.Node) templates.Pos {
	pos := templates.Pos{File: d.File, Line: n.Line + 1}
	for i, text := range strings.Split(n.Value, "\n") {
		src := d.Line(n.Line + 1 + i)
		if text == "" {
			continue
		}
		if strings.HasSuffix(src, text) && strings.TrimLeft(src[:len(src)-len(text)], " ") == "" {
			pos.Col = len(src) - len(text) + 1
		}
		break
	}
	return pos
}

// byteAt is the byte offset of character col of s, at most len(s).
func byteAt(s string, col int) int {
	for i := range s {
		if col <= 0 {
			return i
		}
		col--
	}
	return len(s)
}

// Pairs gives the items of a mapping in order: merges first, then its own; of
// keys that are the same text the last stays, at the first one's place.
// Duplicates are told to o.Warn.
func (d *Doc) Pairs(n *yaml.Node, o Options) ([]Pair, error) {
	all, err := d.flatten(n)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(all))
	pairs := all[:0]
	for _, p := range all {
		k := Resolve(p.Key)
		if k.Kind != yaml.ScalarNode {
			return nil, d.unhashable(n, p)
		}
		if i, ok := at[k.Value]; ok {
			d.warnDuplicate(n, p.Key, k.Value, o)
			pairs[i].Value = p.Value
			continue
		}
		at[k.Value] = len(pairs)
		pairs = append(pairs, p)
	}
	return pairs, nil
}

func (d *Doc) warnDuplicate(n, at *yaml.Node, key string, o Options) {
	if o.Duplicate != nil {
		o.Duplicate(d.Pos(at), key)
		return
	}
	if o.Warn == nil {
		return
	}
	pos := d.Pos(n)
	o.Warn("While constructing a mapping from " + pos.File + ", line " + strconv.Itoa(pos.Line) + ", column " + strconv.Itoa(pos.Col) +
		", found a duplicate dict key (" + key + "). Using last defined value only.")
}

// flatten expands the merge keys of a mapping.
func (d *Doc) flatten(n *yaml.Node) ([]Pair, error) {
	var merged, own []Pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Value != "<<" || k.Tag != "!!merge" {
			own = append(own, Pair{k, v})
			continue
		}
		v = Resolve(v)
		switch v.Kind {
		case yaml.MappingNode:
			sub, err := d.flatten(v)
			if err != nil {
				return nil, err
			}
			merged = append(merged, sub...)
		case yaml.SequenceNode:
			// The first of the list wins, so it comes last.
			for j := len(v.Content) - 1; j >= 0; j-- {
				e := Resolve(v.Content[j])
				if e.Kind != yaml.MappingNode {
					return nil, d.errorAt(d.Pos(e), "expected a mapping for merging, but found "+kindName(e))
				}
				sub, err := d.flatten(e)
				if err != nil {
					return nil, err
				}
				merged = append(merged, sub...)
			}
		default:
			return nil, d.errorAt(d.Pos(v), "expected a mapping or list of mappings for merging, but found "+kindName(v))
		}
	}
	if merged == nil {
		return own, nil
	}
	return append(merged, own...), nil
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		return "scalar"
	case yaml.SequenceNode:
		return "sequence"
	}
	return "mapping"
}

// unhashable is the error of a list or dict as a key, most often a template
// without quotes.
func (d *Doc) unhashable(n *yaml.Node, p Pair) error {
	k := Resolve(p.Key)
	kind := "AnsibleMapping"
	if k.Kind == yaml.SequenceNode {
		kind = "AnsibleSequence"
	}
	var notes []string
	if line := d.Line(n.Line); bareBraces.MatchString(line) {
		notes = append(notes, quoteNote(line))
	} else if strings.HasPrefix(line[byteAt(line, n.Column-1):], "{{") {
		notes = append(notes, "a value that begins with {{ has to be quoted")
	}
	return d.errorAt(d.Pos(k), "found unacceptable key (unhashable type: '"+kind+"')", notes...)
}

// Value converts a node of d; nil gives None.
func (d *Doc) Value(n *yaml.Node, o Options) (templates.Value, error) {
	c := converter{doc: d, opts: o, anchors: map[*yaml.Node]templates.Value{}}
	return c.value(n)
}

type converter struct {
	doc     *Doc
	opts    Options
	anchors map[*yaml.Node]templates.Value // aliases share what their anchor is
	unsafe  int                            // > 0 inside !unsafe
}

func (c *converter) value(n *yaml.Node) (templates.Value, error) {
	if n == nil || n.Kind == 0 {
		return templates.None, nil
	}
	if n.Kind == yaml.AliasNode {
		if v, ok := c.anchors[n.Alias]; ok && c.unsafe == 0 {
			return v, nil
		}
		n = n.Alias
	}
	tagged := n.Style&yaml.TaggedStyle != 0
	if tagged && n.Tag == "!unsafe" {
		c.unsafe++
		defer func() { c.unsafe-- }()
	}
	var v templates.Value
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		v, err = c.mapping(n, tagged)
	case yaml.SequenceNode:
		v, err = c.sequence(n, tagged)
	default:
		v, err = c.scalar(n, tagged)
	}
	if err == nil && n.Anchor != "" && c.unsafe == 0 {
		c.anchors[n] = v
	}
	return v, err
}

func (c *converter) mapping(n *yaml.Node, tagged bool) (templates.Value, error) {
	if tagged && n.Tag != "!unsafe" && n.Tag != "!!map" && n.Tag != "!!set" {
		return nil, c.unknownTag(n)
	}
	pairs, err := c.doc.flatten(n)
	if err != nil {
		return nil, err
	}
	m := templates.NewDict(len(pairs))
	m.Lazy = c.opts.Trusted
	for _, p := range pairs {
		k, err := c.key(n, p)
		if err != nil {
			return nil, err
		}
		v, err := c.value(p.Value)
		if err != nil {
			return nil, err
		}
		if _, dup, _ := m.Get(k); dup { // a scalar is hashable
			c.doc.warnDuplicate(n, p.Key, Resolve(p.Key).Value, c.opts)
		}
		if err := m.Set(k, v); err != nil {
			return nil, c.doc.unhashable(n, p)
		}
	}
	return m, nil
}

// key converts a key: Ansible templates no keys, so it is never a Text.
func (c *converter) key(n *yaml.Node, p Pair) (templates.Value, error) {
	kn := Resolve(p.Key)
	if kn.Kind != yaml.ScalarNode {
		return nil, c.doc.unhashable(n, p)
	}
	if kn.Value == "=" {
		return templates.Str("="), nil // a key of this form is a text
	}
	k, err := c.scalar(kn, kn.Style&yaml.TaggedStyle != 0)
	if t, ok := k.(*templates.Text); ok {
		k = templates.Str(t.Src)
	}
	return k, err
}

func (c *converter) sequence(n *yaml.Node, tagged bool) (templates.Value, error) {
	pairs := tagged && (n.Tag == "!!omap" || n.Tag == "!!pairs")
	if tagged && n.Tag != "!unsafe" && n.Tag != "!!seq" && !pairs {
		return nil, c.unknownTag(n)
	}
	elems := make([]templates.Value, 0, len(n.Content))
	for _, e := range n.Content {
		v, err := c.value(e)
		if err != nil {
			return nil, err
		}
		if m, ok := v.(*templates.Dict); ok && pairs && m.Len() == 1 {
			k := m.Keys()[0]
			item, _, _ := m.Get(k) // k is its key
			v = templates.Tuple{k, item}
		}
		elems = append(elems, v)
	}
	return &templates.List{Elems: elems, Lazy: c.opts.Trusted}, nil
}

func (c *converter) scalar(n *yaml.Node, tagged bool) (templates.Value, error) {
	if !tagged {
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return c.text(n), nil
		}
		if n.Value == "<<" {
			return nil, c.doc.errorAt(c.doc.Pos(n), "could not determine a constructor for the tag 'tag:yaml.org,2002:merge'")
		}
		if n.Value == "=" { // YAML 1.1's default value, which PyYAML knows and cannot make
			return nil, c.doc.errorAt(c.doc.Pos(n), "could not determine a constructor for the tag 'tag:yaml.org,2002:value'")
		}
		return c.plain(n, func(templates.Value) bool { return true })
	}
	switch n.Tag {
	case "!unsafe":
		return templates.Str(n.Value), nil
	case "!!str":
		return c.text(n), nil
	case "!vault", "!vault-encrypted":
		return c.vault(n)
	case "!!binary":
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return nil, c.doc.errorAt(c.doc.Pos(n), "failed to decode base64 data: "+err.Error())
		}
		return templates.Bytes(b), nil
	case "!!null":
		return templates.None, nil
	case "!!int", "!!float", "!!bool", "!!timestamp":
		want := map[string]string{"!!int": "int", "!!float": "float", "!!bool": "bool"}[n.Tag]
		v, err := c.plain(n, func(v templates.Value) bool {
			return v.Type() == want || n.Tag == "!!timestamp" && strings.HasPrefix(v.Type(), "date")
		})
		if i, ok := v.(templates.Int); ok && want == "float" {
			return templates.Float(i), nil
		}
		return v, err
	}
	return nil, c.unknownTag(n)
}

// plain resolves a scalar; ok says whether the value has the type its tag asks for.
func (c *converter) plain(n *yaml.Node, ok func(templates.Value) bool) (templates.Value, error) {
	v, err := Scalar(n.Value)
	if err != nil {
		return nil, c.doc.errorAt(c.doc.Pos(n), err.Error(), "a text that looks like a date and is none has to be quoted")
	}
	if _, isInt := v.(templates.Int); !ok(v) && !(isInt && n.Tag == "!!float") {
		return nil, c.doc.errorAt(c.doc.Pos(n), "'"+n.Value+"' is no "+strings.TrimPrefix(n.Tag, "!!"))
	}
	if _, isText := v.(templates.Str); isText {
		return c.text(n), nil
	}
	return v, nil
}

func (c *converter) text(n *yaml.Node) templates.Value {
	if !c.opts.Trusted || c.unsafe > 0 || !strings.Contains(n.Value, "{") {
		return templates.Str(n.Value)
	}
	return templates.NewText(n.Value, c.doc.TextPos(n))
}

func (c *converter) vault(n *yaml.Node) (templates.Value, error) {
	if c.opts.Vault == nil {
		return nil, c.doc.errorAt(c.doc.Pos(n), "found !vault but no vault password provided")
	}
	if c.opts.Seal {
		return Seal(n.Value, c.doc.TextPos(n)), nil
	}
	plain, err := c.opts.Vault(n.Value, c.doc.Pos(n))
	if err != nil {
		return nil, &Error{Pos: c.doc.Pos(n), Msg: err.Error(), Line: c.doc.Line(n.Line)}
	}
	return templates.Str(plain), nil
}

func (c *converter) unknownTag(n *yaml.Node) error {
	return c.doc.errorAt(c.doc.Pos(n), "could not determine a constructor for the tag '"+longTag(n.Tag)+"'")
}

func longTag(tag string) string {
	if s, ok := strings.CutPrefix(tag, "!!"); ok {
		return "tag:yaml.org,2002:" + s
	}
	return tag
}
