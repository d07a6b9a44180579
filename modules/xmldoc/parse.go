package xmldoc

// This file reads XML 1.0 (https://www.w3.org/TR/xml/) with namespaces.

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseOptions say what to leave out.
type ParseOptions struct {
	DropBlank bool // text between elements that is blank
	JoinCData bool // CDATA sections become text
	Huge      bool // without limits of depth and size
	// ToUTF8 reads text in the encodings that are not read here: here are UTF-8,
	// UTF-16 with a byte order mark, ISO-8859-1 and US-ASCII. ok is false
	// where it does not know the encoding. nil knows none.
	ToUTF8 func(encoding string, text []byte) (utf8 []byte, ok bool, err error)
}

// A SyntaxError tells where a document is not well-formed, in libxml2's words;
// lines and columns (in characters) count from 1.
type SyntaxError struct {
	Msg          string
	Line, Column int
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s, line %d, column %d", e.Msg, e.Line, e.Column)
}

type parser struct {
	ParseOptions
	s        string
	i        int
	doc      *Node
	entities map[string]string
	expanded int // bytes that entities gave
	outer    *parser
	depth    int
	nested   int // entities inside of entities
	lines    map[*Node]int
	seen     int // up to here newlines are counted
	newlines int
}

// The limits are against documents made to exhaust memory.
const (
	maxDepth    = 256
	maxNested   = 40
	maxExpanded = 1 << 20
)

// Parse reads a document; errors are *SyntaxError.
func Parse(data []byte, o ParseOptions) (doc *Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			doc, err = nil, e
		}
	}()
	s, err := decode(data, o.ToUTF8)
	if err != nil {
		return nil, err
	}
	p := &parser{ParseOptions: o, s: s, entities: map[string]string{}, lines: map[*Node]int{},
		doc: &Node{Kind: Document, Version: "1.0"}}
	p.document()
	return p.doc, nil
}

// decode brings the document to UTF-8 with single newlines.
func decode(data []byte, toUTF8 func(string, []byte) ([]byte, bool, error)) (string, error) {
	if len(data) >= 2 && (data[0] == 0xFE && data[1] == 0xFF || data[0] == 0xFF && data[1] == 0xFE) {
		out, ok := decodeUTF16(data[2:], data[0] == 0xFE)
		if !ok {
			return "", &SyntaxError{"Input is not proper UTF-16", 1, 1}
		}
		data = out
	} else if name := declaredEncoding(data); name != "" && !strings.EqualFold(name, "UTF-8") {
		out, ok, err := decodeNamed(name, data, toUTF8)
		if !ok {
			return "", &SyntaxError{"Unsupported encoding " + name, 1, strings.Index(string(data), name) + len(name) + 2}
		}
		if err != nil {
			return "", &SyntaxError{"Input is not proper " + name, 1, 1}
		}
		data = out
	}
	s := strings.TrimPrefix(string(data), "\ufeff")
	if !utf8.ValidString(s) {
		at := 0
		for r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError || n > 1; r, n = utf8.DecodeRuneInString(s[at:]) {
			at += n
		}
		msg := "Input is not proper UTF-8, indicate encoding !\nBytes:"
		for _, c := range []byte(s[at:min(at+4, len(s))]) {
			msg += fmt.Sprintf(" 0x%02X", c)
		}
		line, col := position(s, at)
		return "", &SyntaxError{msg, line, col}
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), nil
}

// decodeUTF16 reads text behind its byte order mark; ok is false for half a character.
func decodeUTF16(data []byte, bigEndian bool) (out []byte, ok bool) {
	if len(data)%2 != 0 {
		return nil, false
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		lo, hi := data[2*i], data[2*i+1]
		if bigEndian {
			lo, hi = hi, lo
		}
		units[i] = uint16(hi)<<8 | uint16(lo)
	}
	return []byte(string(utf16.Decode(units))), true
}

// decodeNamed reads text in the encoding that its declaration names.
func decodeNamed(name string, data []byte, toUTF8 func(string, []byte) ([]byte, bool, error)) (out []byte, ok bool, err error) {
	switch strings.ToUpper(name) {
	case "ISO-8859-1", "ISO_8859-1", "LATIN1", "ISO-LATIN-1", "L1":
		out = make([]byte, 0, len(data)+len(data)/8)
		for _, c := range data {
			out = utf8.AppendRune(out, rune(c))
		}
		return out, true, nil
	case "US-ASCII", "ASCII":
		for _, c := range data {
			if c >= utf8.RuneSelf {
				return nil, true, fmt.Errorf("byte %#02x", c)
			}
		}
		return data, true, nil
	}
	if toUTF8 == nil {
		return nil, false, nil
	}
	return toUTF8(name, data)
}

// declaredEncoding is what the XML declaration says, "" for nothing.
func declaredEncoding(data []byte) string {
	head := strings.TrimPrefix(string(data[:min(len(data), 200)]), "\ufeff")
	if !strings.HasPrefix(head, "<?xml") {
		return ""
	}
	head, _, _ = strings.Cut(head, "?>")
	_, rest, ok := strings.Cut(head, "encoding")
	if !ok {
		return ""
	}
	return quoted(rest)
}

// quoted is the value in `= "value"`.
func quoted(s string) string {
	s = strings.TrimLeft(s, " \t\r\n=")
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return ""
	}
	value, _, _ := strings.Cut(s[1:], s[:1])
	return value
}

func position(s string, at int) (line, col int) {
	before := s[:min(at, len(s))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

func (p *parser) fail(format string, args ...any) {
	q := p
	for q.outer != nil { // the error is where the entity is used
		q = q.outer
	}
	line, col := position(q.s, q.i)
	panic(&SyntaxError{fmt.Sprintf(format, args...), line, col})
}

func (p *parser) has(s string) bool { return strings.HasPrefix(p.s[p.i:], s) }
func (p *parser) end() bool         { return p.i >= len(p.s) }

func (p *parser) take(s string) bool {
	if p.has(s) {
		p.i += len(s)
		return true
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (p *parser) blanks() bool {
	from := p.i
	for !p.end() && isBlank(p.s[p.i]) {
		p.i++
	}
	return p.i > from
}

func nameStart(r rune) bool {
	return r == '_' || r == ':' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0xC0 && r != 0xD7 && r != 0xF7 && r != utf8.RuneError
}

func nameRune(r rune) bool {
	return nameStart(r) || r == '-' || r == '.' || r >= '0' && r <= '9' || r == 0xB7
}

func (p *parser) name() string {
	from := p.i
	for i, r := range p.s[p.i:] {
		if !(nameStart(r) || i > 0 && nameRune(r)) {
			break
		}
		p.i += utf8.RuneLen(r)
	}
	return p.s[from:p.i]
}

// ValidName says whether the local name of an element or attribute is one.
func ValidName(s string) bool {
	p := &parser{s: s}
	return s != "" && !strings.Contains(s, ":") && p.name() == s
}

func (p *parser) document() {
	if p.s == "" {
		p.fail("Document is empty")
	}
	if p.has("<?xml") && len(p.s) > 5 && isBlank(p.s[5]) {
		decl, _, ok := strings.Cut(p.s, "?>")
		if !ok {
			p.i = len(p.s)
			p.fail("parsing XML declaration: '?>' expected")
		}
		if _, v, ok := strings.Cut(decl, "version"); ok {
			p.doc.Version = quoted(v)
		}
		p.i = len(decl) + 2
	} else if !p.has("<") && strings.TrimLeft(p.s, " \t\n") == p.s {
		p.fail("Start tag expected, '<' not found")
	}
	p.misc(true)
	if !p.has("<") {
		p.fail("Start tag expected, '<' not found")
	}
	p.content(p.doc)
	p.misc(false)
	if !p.end() {
		p.fail("Extra content at the end of the document")
	}
}

// misc reads comments, instructions and the document type beside the root.
func (p *parser) misc(doctype bool) {
	for {
		p.blanks()
		switch {
		case p.has("<!--"):
			p.comment(p.doc)
		case p.has("<?"):
			p.instruction(p.doc)
		case doctype && p.has("<!DOCTYPE"):
			p.doctype()
			doctype = false
		default:
			return
		}
	}
}

func (p *parser) add(parent, n *Node) {
	n.Parent = parent
	parent.Children = append(parent.Children, n)
}

func (p *parser) comment(parent *Node) {
	from := p.i + 4
	end := strings.Index(p.s[from:], "--")
	if end < 0 {
		p.i = len(p.s)
		p.fail("Comment not terminated")
	}
	p.i = from + end
	if !p.has("-->") {
		p.fail("Double hyphen within comment: <!--%s", p.s[from:p.i])
	}
	p.add(parent, &Node{Kind: Comment, Data: p.s[from:p.i]})
	p.i += 3
}

func (p *parser) instruction(parent *Node) {
	p.i += 2
	target := p.name()
	if target == "" {
		p.fail("xmlParsePI : no target name")
	}
	if strings.EqualFold(target, "xml") {
		p.fail("XML declaration allowed only at the start of the document")
	}
	p.blanks()
	end := strings.Index(p.s[p.i:], "?>")
	if end < 0 {
		p.i = len(p.s)
		p.fail("PI %s never end ...", target)
	}
	p.add(parent, &Node{Kind: Instruction, Name: target, Data: p.s[p.i : p.i+end]})
	p.i += end + 2
}

// content reads what is inside of parent, to the end tag or the end of an
// entity; for a document it is the one root. Nesting is kept in the tree, not
// on the stack.
func (p *parser) content(parent *Node) {
	n := parent
	for {
		if p.end() {
			if n != parent {
				p.fail("Premature end of data in tag %s line %d", n.qualified(), p.lines[n])
			}
			return
		}
		switch {
		case p.has("</"):
			if n == parent {
				p.fail("xmlParseEndTag: an end tag without its start")
			}
			p.endTag(n)
			n = n.Parent
		case p.has("<![CDATA["):
			p.cdata(n)
		case p.has("<!--"):
			p.comment(n)
		case p.has("<?"):
			p.instruction(n)
		case p.has("<"):
			e, open := p.startTag(n)
			if open {
				if p.depth++; p.depth > maxDepth && !p.Huge {
					p.fail("Excessive depth in document: %d use XML_PARSE_HUGE option", maxDepth)
				}
				n = e
				continue
			}
		case p.has("&"):
			p.reference(n)
		default:
			p.chars(n)
		}
		if n.Kind == Document {
			return
		}
	}
}

func (p *parser) endTag(n *Node) {
	p.i += 2
	name := p.name()
	p.blanks()
	ok := p.take(">")
	if name != n.qualified() {
		p.fail("Opening and ending tag mismatch: %s line %d and %s", n.qualified(), p.lines[n], name)
	}
	if !ok {
		p.fail("expected '>'")
	}
	p.depth--
}

func (p *parser) cdata(n *Node) {
	p.i += 9
	end := strings.Index(p.s[p.i:], "]]>")
	if end < 0 {
		p.i = len(p.s)
		p.fail("CData section not finished")
	}
	text := p.s[p.i : p.i+end]
	p.i += end + 3
	if p.JoinCData {
		p.text(n, text)
	} else {
		p.add(n, &Node{Kind: CData, Data: text})
	}
}

func (p *parser) text(n *Node, s string) {
	if s == "" {
		return
	}
	if k := len(n.Children); k > 0 && n.Children[k-1].Kind == Text {
		n.Children[k-1].Data += s
		return
	}
	p.add(n, &Node{Kind: Text, Data: s})
}

func (p *parser) chars(n *Node) {
	from := p.i
	for ; !p.end() && p.s[p.i] != '<' && p.s[p.i] != '&'; p.i++ {
		if c := p.s[p.i]; c < ' ' && !isBlank(c) {
			p.fail("PCDATA invalid Char value %d", c)
		}
		if p.has("]]>") {
			p.fail("Sequence ']]>' not allowed in content")
		}
	}
	s := p.s[from:p.i]
	if p.DropBlank && strings.Trim(s, " \t\n\r") == "" && p.droppable(n) {
		return
	}
	p.text(n, s)
}

// droppable says whether blank text that ends here is there for the eye only,
// by libxml2's rule.
func (p *parser) droppable(n *Node) bool {
	for e := n; e != nil; e = e.Parent {
		if v, ok := e.Attr(xmlSpace, "space"); ok {
			if v == "preserve" {
				return false
			}
			break
		}
	}
	if !p.has("<") {
		return false
	}
	k := len(n.Children)
	if k == 0 {
		return !p.has("</")
	}
	return n.Children[k-1].Kind != Text && n.Children[0].Kind != Text
}

// reference reads a reference in content.
func (p *parser) reference(n *Node) {
	if p.has("&#") {
		p.text(n, string(p.charRef()))
		return
	}
	name := p.entityName()
	if c, ok := predefined[name]; ok {
		p.text(n, c)
		return
	}
	inner := p.inside(name)
	inner.content(n)
	p.expanded = inner.expanded
}

var predefined = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// inside is a parser of an entity's text.
func (p *parser) inside(name string) *parser {
	text, ok := p.entities[name]
	if !ok {
		p.fail("Entity '%s' not defined", name)
	}
	p.expanded += len(text)
	if p.nested > maxNested || p.expanded > maxExpanded {
		p.fail("Detected an entity reference loop")
	}
	return &parser{ParseOptions: p.ParseOptions, s: text, doc: p.doc, entities: p.entities, expanded: p.expanded,
		outer: p, depth: p.depth, nested: p.nested + 1, lines: p.lines}
}

func (p *parser) entityName() string {
	p.i++
	name := p.name()
	if name == "" {
		p.fail("xmlParseEntityRef: no name")
	}
	if !p.take(";") {
		p.fail("EntityRef: expecting ';'")
	}
	return name
}

func (p *parser) charRef() rune {
	p.i += 2
	base, word := 10, "decimal"
	if p.take("x") {
		base, word = 16, "hexadecimal"
	}
	value, digits := 0, 0
	for ; !p.end(); p.i++ {
		d := strings.IndexByte("0123456789abcdef", p.s[p.i]|0x20)
		if p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			d = int(p.s[p.i] - '0')
		}
		if d < 0 || d >= base {
			break
		}
		value, digits = min(value*base+d, 0x110000), digits+1
	}
	if digits == 0 || !p.has(";") {
		p.fail("CharRef: invalid %s value", word)
	}
	p.i++
	if value > utf8.MaxRune || value < ' ' && value != '\n' && value != '\r' && value != '\t' || !utf8.ValidRune(rune(value)) {
		p.fail("xmlParseCharRef: invalid xmlChar value %d", value)
	}
	return rune(value)
}

// line is the line of the place reached; it goes over the text once.
func (p *parser) line() int {
	p.newlines += strings.Count(p.s[p.seen:p.i], "\n")
	p.seen = p.i
	return p.newlines + 1
}

func (p *parser) startTag(parent *Node) (n *Node, open bool) {
	line := p.line()
	p.i++
	name := p.name()
	if name == "" {
		p.fail("StartTag: invalid element name")
	}
	n = &Node{Kind: Element, Name: name, Parent: parent}
	p.lines[n] = line
	for {
		blank := p.blanks()
		if p.end() || p.has(">") || p.has("/>") {
			break
		}
		if !blank {
			p.fail("attributes construct error")
		}
		p.attribute(n)
	}
	p.names(n)
	p.add(parent, n)
	switch {
	case p.take("/>"):
		return n, false
	case p.take(">"):
		return n, true
	}
	p.fail("Couldn't find end of Start Tag %s line %d", name, line)
	return nil, false
}

func (p *parser) attribute(n *Node) {
	name := p.name()
	if name == "" {
		p.fail("attributes construct error")
	}
	p.blanks()
	if !p.take("=") {
		p.fail("Specification mandates value for attribute %s", name)
	}
	p.blanks()
	value := p.attValue()
	if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
		prefix := strings.TrimPrefix(strings.TrimPrefix(name, "xmlns"), ":")
		n.Decls = append(n.Decls, Namespace{prefix, value})
		return
	}
	for _, a := range n.Attrs {
		if a.Name == name {
			p.fail("Attribute %s redefined", name)
		}
	}
	n.Attrs = append(n.Attrs, &Node{Kind: Attribute, Name: name, Data: value, Parent: n})
}

func (p *parser) attValue() string {
	if p.end() || p.s[p.i] != '"' && p.s[p.i] != '\'' {
		p.fail(`AttValue: " or ' expected`)
	}
	quote := p.s[p.i]
	p.i++
	var b strings.Builder
	p.value(&b, quote)
	p.i++
	return b.String()
}

// value reads an attribute's value to the quote, or to the end of an entity where quote is 0.
func (p *parser) value(b *strings.Builder, quote byte) {
	for {
		if p.end() {
			if quote != 0 {
				p.fail("AttValue: ' expected")
			}
			return
		}
		switch c := p.s[p.i]; {
		case c == quote && quote != 0:
			return
		case c == '<':
			p.fail("Unescaped '<' not allowed in attributes values")
		case c == '&' && p.has("&#"):
			b.WriteRune(p.charRef())
		case c == '&':
			name := p.entityName()
			if c, ok := predefined[name]; ok {
				b.WriteString(c)
				continue
			}
			inner := p.inside(name)
			inner.value(b, 0)
			p.expanded = inner.expanded
		case isBlank(c):
			b.WriteByte(' ')
			p.i++
		case c < ' ':
			p.fail("invalid character in attribute value")
		default:
			b.WriteByte(c)
			p.i++
		}
	}
}

// names gives prefixes their meaning once all declarations of the tag are known.
func (p *parser) names(n *Node) {
	for _, a := range n.Attrs {
		prefix, local, ok := strings.Cut(a.Name, ":")
		if !ok {
			continue
		}
		uri, known := n.byPrefix(prefix)
		if !known {
			p.fail("Namespace prefix %s for %s on %s is not defined", prefix, local, n.Name)
		}
		a.Name, a.NS = local, Namespace{prefix, uri}
	}
	prefix, local, ok := strings.Cut(n.Name, ":")
	if !ok {
		prefix, local = "", n.Name
	}
	uri, known := n.byPrefix(prefix)
	if !known && prefix != "" {
		p.fail("Namespace prefix %s on %s is not defined", prefix, local)
	}
	n.Name, n.NS = local, Namespace{prefix, uri}
}
