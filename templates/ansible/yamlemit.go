package ansible

// This file writes YAML nodes as libyaml's emitter does: the same choice of
// quotes, the same wrapping (https://pyyaml.org/wiki/LibYAML).

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// yamlDate is the form of YAML 1.1's timestamps.
var yamlDate = regexp.MustCompile(`^(\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?([Tt]|[ \t]+)\d\d?:\d\d:\d\d(\.\d*)?([ \t]*(Z|[-+]\d\d?(:\d\d)?))?)$`)

// maxSimpleKey is the longest key that needs no "? " before it.
const maxSimpleKey = 128

// context is where a node stands.
type yamlContext struct {
	mapping, simpleKey, root bool
}

type yamlEmitter struct {
	out        strings.Builder
	o          YAMLOptions
	bestIndent int
	bestWidth  int
	indent     int // -1 before the root
	flowLevel  int
	column     int
	whitespace bool // the last character was one
	indention  bool // only indentation and indicators so far on the line
	openEnded  int
	written    map[*yamlNode]bool
}

func emitYAML(root *yamlNode, o YAMLOptions) string {
	e := &yamlEmitter{o: o, bestIndent: o.Indent, bestWidth: o.Width, indent: -1, whitespace: true, indention: true, written: map[*yamlNode]bool{}}
	if e.bestIndent < 2 || e.bestIndent > 9 {
		e.bestIndent = 2
	}
	if e.bestWidth >= 0 && e.bestWidth <= e.bestIndent*2 {
		e.bestWidth = 80
	}
	if e.bestWidth < 0 {
		e.bestWidth = math.MaxInt
	}
	for _, d := range o.Directives {
		e.put(d)
		e.writeIndent()
	}
	if o.ExplicitStart || len(o.Directives) > 0 || o.Canonical {
		e.writeIndent()
		e.indicator("---", true, false, false)
	}
	if o.Canonical {
		e.writeIndent()
	}
	e.node(root, yamlContext{root: true})
	e.writeIndent()
	if o.ExplicitEnd {
		e.indicator("...", true, false, false)
		e.writeIndent()
	} else if e.openEnded > 0 {
		e.indicator("...", true, false, false)
		e.writeIndent()
	}
	return e.out.String()
}

func (e *yamlEmitter) put(s string) {
	e.out.WriteString(s)
	e.column += utf8.RuneCountInString(s)
}

func (e *yamlEmitter) lineBreak() {
	if e.o.LineBreak != "" {
		e.out.WriteString(e.o.LineBreak)
	} else {
		e.out.WriteByte('\n')
	}
	e.column = 0
}

func (e *yamlEmitter) writeIndent() {
	indent := max(e.indent, 0)
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.lineBreak()
	}
	if n := indent - e.column; n > 0 {
		e.put(strings.Repeat(" ", n))
	}
	e.whitespace, e.indention = true, true
}

func (e *yamlEmitter) indicator(s string, needSpace, isSpace, isIndention bool) {
	if needSpace && !e.whitespace {
		e.put(" ")
	}
	e.put(s)
	e.whitespace = isSpace
	e.indention = e.indention && isIndention
	e.openEnded = 0
}

// deeper increases the indentation and returns what to go back to.
func (e *yamlEmitter) deeper(flow, indentless bool) (old int) {
	old = e.indent
	switch {
	case e.indent < 0 && flow:
		e.indent = e.bestIndent
	case e.indent < 0:
		e.indent = 0
	case !indentless:
		e.indent += e.bestIndent
	}
	return old
}

func (e *yamlEmitter) node(n *yamlNode, c yamlContext) {
	if n.anchor != "" {
		if e.written[n] {
			e.indicator("*"+n.anchor, true, false, false)
			if c.simpleKey {
				e.put(" ")
			}
			return
		}
		e.written[n] = true
		e.indicator("&"+n.anchor, true, false, false)
	}
	switch n.kind {
	case yamlScalar:
		e.scalar(n, c)
	case yamlSeq:
		e.tag(e.tagOf(n))
		if e.flowLevel > 0 || n.flow || e.o.Canonical || len(n.nodes) == 0 {
			e.flowSeq(n)
		} else {
			e.blockSeq(n, c)
		}
	case yamlMap:
		e.tag(e.tagOf(n))
		if e.flowLevel > 0 || n.flow || e.o.Canonical || len(n.nodes) == 0 {
			e.flowMap(n)
		} else {
			e.blockMap(n)
		}
	}
}

func (e *yamlEmitter) tag(t string) {
	if t != "" {
		e.indicator(t, true, false, false)
	}
}

func (e *yamlEmitter) flowSeq(n *yamlNode) {
	e.indicator("[", true, true, false)
	old := e.deeper(true, false)
	e.flowLevel++
	for i, x := range n.nodes {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		e.wrap()
		e.node(x, yamlContext{})
	}
	e.flowLevel--
	e.indent = old
	e.lastComma(n)
	e.indicator("]", false, false, false)
}

// tagOf is the tag that is written for n: in canonical form every node has one.
func (e *yamlEmitter) tagOf(n *yamlNode) string {
	if !e.o.Canonical || n.tag != "" && n.tag != "!" {
		return n.tag
	}
	switch n.kind {
	case yamlSeq:
		return "!!seq"
	case yamlMap:
		return "!!map"
	}
	if v, err := pyyaml.Scalar(n.text); err == nil && !n.quote {
		switch v.(type) {
		case templates.NoneType:
			return "!!null"
		case templates.Bool:
			return "!!bool"
		case templates.Int, *templates.BigInt:
			return "!!int"
		case templates.Float:
			return "!!float"
		case *templates.DateTime:
			return "!!timestamp"
		}
	}
	return "!!str"
}

// lastComma ends the last item of a collection in canonical form.
func (e *yamlEmitter) lastComma(n *yamlNode) {
	if e.o.Canonical && len(n.nodes) > 0 {
		e.indicator(",", false, false, false)
		e.writeIndent()
	}
}

// wrap begins a new line where the line is full, or is to have one item alone.
func (e *yamlEmitter) wrap() {
	if e.o.Canonical || e.column > e.bestWidth {
		e.writeIndent()
	}
}

func (e *yamlEmitter) flowMap(n *yamlNode) {
	e.indicator("{", true, true, false)
	old := e.deeper(true, false)
	e.flowLevel++
	for i := 0; i < len(n.nodes); i += 2 {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		e.wrap()
		if e.isSimpleKey(n.nodes[i]) {
			e.node(n.nodes[i], yamlContext{mapping: true, simpleKey: true})
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, false)
			e.node(n.nodes[i], yamlContext{mapping: true})
			e.wrap()
			e.indicator(":", true, false, false)
		}
		e.node(n.nodes[i+1], yamlContext{mapping: true})
	}
	e.flowLevel--
	e.indent = old
	e.lastComma(n)
	e.indicator("}", false, false, false)
}

func (e *yamlEmitter) blockSeq(n *yamlNode, c yamlContext) {
	old := e.deeper(false, c.mapping && !e.indention)
	for _, x := range n.nodes {
		e.writeIndent()
		e.indicator("-", true, false, true)
		e.node(x, yamlContext{})
	}
	e.indent = old
}

func (e *yamlEmitter) blockMap(n *yamlNode) {
	old := e.deeper(false, false)
	for i := 0; i < len(n.nodes); i += 2 {
		e.writeIndent()
		if e.isSimpleKey(n.nodes[i]) {
			e.node(n.nodes[i], yamlContext{mapping: true, simpleKey: true})
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, true)
			e.node(n.nodes[i], yamlContext{mapping: true})
			e.writeIndent()
			e.indicator(":", true, false, true)
		}
		e.node(n.nodes[i+1], yamlContext{mapping: true})
	}
	e.indent = old
}

func (e *yamlEmitter) isSimpleKey(n *yamlNode) bool {
	if e.o.Canonical {
		return false
	}
	length := len(n.tag)
	if n.anchor != "" {
		if e.written[n] {
			return true
		}
		length += len(n.anchor)
	}
	if n.kind != yamlScalar {
		return len(n.nodes) == 0 && length <= maxSimpleKey
	}
	return !strings.ContainsAny(n.text, "\n\r\u0085\u2028\u2029") && length+len(n.text) <= maxSimpleKey
}

// scalarForms are the forms that a text can take.
type scalarForms struct {
	multiline                               bool
	flowPlain, blockPlain, single, anyBlock bool
}

func isYAMLBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

func isYAMLPrintable(r rune) bool {
	return r == '\n' || r >= 0x20 && r <= 0x7e || r >= 0xa0 && r < 0xd800 || r >= 0xe000 && r <= 0xfffd && r != 0xfeff
}

// analyze finds the forms of a text.
func (e *yamlEmitter) analyze(s string) scalarForms {
	if s == "" {
		return scalarForms{blockPlain: true, single: true}
	}
	rs := []rune(s)
	var block, flow, special, lines, leading, trailingSpace, trailing, breakSpace, spaceBreak bool
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		block, flow = true, true
	}
	blank := func(i int) bool {
		return i < 0 || i >= len(rs) || rs[i] == ' ' || rs[i] == '\t' || rs[i] == 0 || isYAMLBreak(rs[i])
	}
	for i, r := range rs {
		f, b := indicatorIn(r, i == 0, blank(i-1), blank(i+1))
		flow, block = flow || f, block || b
		if !isYAMLPrintable(r) || e.o.ASCII && r > 0x7e {
			special = true
		}
		last := i == len(rs)-1
		switch {
		case r == ' ':
			leading = leading || i == 0
			trailingSpace = trailingSpace || last
			breakSpace = breakSpace || i > 0 && isYAMLBreak(rs[i-1])
		case isYAMLBreak(r):
			lines = true
			leading = leading || i == 0
			trailing = trailing || last
			spaceBreak = spaceBreak || i > 0 && rs[i-1] == ' '
		}
	}
	t := scalarForms{multiline: lines, flowPlain: true, blockPlain: true, single: true, anyBlock: true}
	if leading || trailing || trailingSpace || lines {
		t.flowPlain, t.blockPlain = false, false
	}
	t.anyBlock = !trailingSpace && !spaceBreak && !special
	t.single = !breakSpace && !spaceBreak && !special
	if breakSpace || spaceBreak || special {
		t.flowPlain, t.blockPlain = false, false
	}
	t.flowPlain = t.flowPlain && !flow
	t.blockPlain = t.blockPlain && !block
	return t
}

// indicatorIn reports whether a character keeps a text from being plain in
// flow and in block context.
func indicatorIn(r rune, first, before, after bool) (flow, block bool) {
	if first {
		switch r {
		case '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
			return true, true
		case '?', ':':
			return true, after
		case '-':
			return after, after
		}
		return false, false
	}
	switch r {
	case ',', '?', '[', ']', '{', '}':
		return true, false
	case ':':
		return true, after
	case '#':
		return before, before
	}
	return false, false
}

func (e *yamlEmitter) scalar(n *yamlNode, c yamlContext) {
	t := e.analyze(n.text)
	style := n.style
	if c.simpleKey && t.multiline || e.o.Canonical {
		style = '"'
	}
	if style == 0 {
		switch {
		case e.flowLevel > 0 && !t.flowPlain, e.flowLevel == 0 && !t.blockPlain,
			n.text == "" && (e.flowLevel > 0 || c.simpleKey), n.quote && n.tag == "":
			style = '\''
		}
	}
	if style == '\'' && !t.single {
		style = '"'
	}
	if (style == '|' || style == '>') && (!t.anyBlock || e.flowLevel > 0 || c.simpleKey) {
		style = '"'
	}
	e.tag(e.tagOf(n))
	old := e.deeper(true, false)
	switch style {
	case '\'':
		e.single(n.text, !c.simpleKey)
	case '"':
		e.double(n.text, !c.simpleKey)
	case '|':
		e.literal(n.text)
	case '>':
		e.folded(n.text)
	default:
		e.plain(n.text, !c.simpleKey)
	}
	e.indent = old
}

func (e *yamlEmitter) plain(s string, wrap bool) {
	if !e.whitespace && (s != "" || e.flowLevel > 0) {
		e.put(" ")
	}
	rs := []rune(s)
	spaces := false
	for i, r := range rs {
		if r == ' ' {
			if wrap && !spaces && e.column > e.bestWidth && (i+1 >= len(rs) || rs[i+1] != ' ') {
				e.writeIndent()
			} else {
				e.put(" ")
			}
			spaces = true
			continue
		}
		e.put(string(r))
		e.indention, spaces = false, false
	}
	e.whitespace, e.indention = false, false
}

func (e *yamlEmitter) single(s string, wrap bool) {
	e.indicator("'", true, false, false)
	rs := []rune(s)
	var spaces, breaks bool
	for i, r := range rs {
		switch {
		case r == ' ':
			if wrap && !spaces && e.column > e.bestWidth && i > 0 && i < len(rs)-1 && rs[i+1] != ' ' {
				e.writeIndent()
			} else {
				e.put(" ")
			}
			spaces = true
		case isYAMLBreak(r):
			if !breaks && r == '\n' {
				e.lineBreak()
			}
			e.breakAs(r)
			e.indention, breaks = true, true
		default:
			if breaks {
				e.writeIndent()
			}
			if r == '\'' {
				e.put("'")
			}
			e.put(string(r))
			e.indention, spaces, breaks = false, false, false
		}
	}
	if breaks {
		e.writeIndent()
	}
	e.indicator("'", false, false, false)
	e.whitespace, e.indention = false, false
}

// breakAs writes a line break of a text.
func (e *yamlEmitter) breakAs(r rune) {
	if r == '\n' {
		e.lineBreak()
		return
	}
	e.out.WriteRune(r)
	e.column = 0
}

var yamlEscapes = map[rune]string{0: "0", 7: "a", 8: "b", 9: "t", 0xa: "n", 0xb: "v", 0xc: "f", 0xd: "r", 0x1b: "e", '"': "\"", '\\': "\\",
	0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P"}

func (e *yamlEmitter) double(s string, wrap bool) {
	e.indicator("\"", true, false, false)
	rs := []rune(s)
	spaces := false
	for i, r := range rs {
		switch {
		case !isYAMLPrintable(r) || e.o.ASCII && r > 0x7e || r == 0xfeff || isYAMLBreak(r) || r == '"' || r == '\\':
			e.put(escapeYAML(r))
			spaces = false
		case r == ' ':
			if wrap && !spaces && e.column > e.bestWidth && i > 0 && i < len(rs)-1 {
				e.writeIndent()
				if rs[i+1] == ' ' {
					e.put("\\")
				}
			} else {
				e.put(" ")
			}
			spaces = true
		default:
			e.put(string(r))
			spaces = false
		}
	}
	e.indicator("\"", false, false, false)
	e.whitespace, e.indention = false, false
}

func escapeYAML(r rune) string {
	if s, ok := yamlEscapes[r]; ok {
		return "\\" + s
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf("\\x%02X", r)
	case r <= 0xffff:
		return fmt.Sprintf("\\u%04X", r)
	}
	return fmt.Sprintf("\\U%08X", r)
}

// hints writes what a block scalar's header says about indentation and end.
func (e *yamlEmitter) hints(rs []rune) {
	if len(rs) > 0 && (rs[0] == ' ' || isYAMLBreak(rs[0])) {
		e.indicator(fmt.Sprint(e.bestIndent), false, false, false)
	}
	e.openEnded = 0
	n := len(rs)
	switch {
	case n == 0 || !isYAMLBreak(rs[n-1]):
		e.indicator("-", false, false, false)
	case n == 1 || isYAMLBreak(rs[n-2]):
		e.indicator("+", false, false, false)
		e.openEnded = 2
	}
}

func (e *yamlEmitter) literal(s string) {
	rs := []rune(s)
	e.indicator("|", true, false, false)
	e.hints(rs)
	e.lineBreak()
	e.indention, e.whitespace = true, true
	breaks := true
	for _, r := range rs {
		if isYAMLBreak(r) {
			e.breakAs(r)
			e.indention, breaks = true, true
			continue
		}
		if breaks {
			e.writeIndent()
		}
		e.put(string(r))
		e.indention, breaks = false, false
	}
}

func (e *yamlEmitter) folded(s string) {
	rs := []rune(s)
	e.indicator(">", true, false, false)
	e.hints(rs)
	e.lineBreak()
	e.indention, e.whitespace = true, true
	breaks, leading := true, true
	blank := func(i int) bool { return i >= len(rs) || rs[i] == ' ' || rs[i] == '\t' }
	for i, r := range rs {
		if isYAMLBreak(r) {
			if !breaks && !leading && r == '\n' {
				k := i
				for k < len(rs) && isYAMLBreak(rs[k]) {
					k++
				}
				if !blank(k) {
					e.lineBreak()
				}
			}
			e.breakAs(r)
			e.indention, breaks = true, true
			continue
		}
		if breaks {
			e.writeIndent()
			leading = r == ' ' || r == '\t'
		}
		if !breaks && r == ' ' && (i+1 >= len(rs) || rs[i+1] != ' ') && e.column > e.bestWidth {
			e.writeIndent()
		} else {
			e.put(string(r))
		}
		e.indention, breaks = false, false
	}
}
