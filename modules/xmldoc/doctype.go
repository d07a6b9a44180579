package xmldoc

// This file reads the document type: what it declares is kept as it is written
// back, and its entities are known to the content.

import "strings"

func (p *parser) doctype() {
	p.i += len("<!DOCTYPE")
	p.blanks()
	out := "<!DOCTYPE " + p.name()
	p.blanks()
	switch {
	case p.take("PUBLIC"):
		out += ` PUBLIC "` + p.literal() + `"`
		out += ` "` + p.literal() + `"`
	case p.take("SYSTEM"):
		out += ` SYSTEM "` + p.literal() + `"`
	}
	p.blanks()
	if p.take("[") {
		out += p.subset()
		p.blanks()
	}
	if !p.take(">") {
		p.fail("DOCTYPE improperly terminated")
	}
	p.add(p.doc, &Node{Kind: Doctype, Data: out + ">"})
}

func (p *parser) literal() string {
	p.blanks()
	if p.end() || p.s[p.i] != '"' && p.s[p.i] != '\'' {
		p.fail("SystemLiteral \" or ' expected")
	}
	quote := p.s[p.i : p.i+1]
	p.i++
	end := strings.Index(p.s[p.i:], quote)
	if end < 0 {
		p.fail("Unfinished System or Public ID \" or ' expected")
	}
	value := p.s[p.i : p.i+end]
	p.i += end + 1
	return value
}

// subset reads the declarations inside of the brackets. Notations come first
// when it is written, as libxml2 keeps them in a table of their own.
func (p *parser) subset() string {
	notations, rest := "", ""
	for {
		p.blanks()
		switch {
		case p.end():
			p.fail("internal error: xmlParseInternalSubset: error detected in Markup declaration")
		case p.take("]"):
			if notations+rest == "" {
				return ""
			}
			return " [\n" + notations + rest + "]"
		case p.has("<!--"):
			scratch := &Node{}
			p.comment(scratch)
			rest += "<!--" + scratch.Children[0].Data + "-->"
		case p.has("<?"):
			scratch := &Node{}
			p.instruction(scratch)
			rest += scratch.Children[0].Write(Options{})
		case p.has("<!ENTITY"):
			rest += p.entity()
		case p.has("<!NOTATION"):
			notations += strings.TrimSuffix(p.declaration(), ">") + " >\n"
		case p.has("<!"):
			rest += p.declaration() + "\n"
		default:
			p.fail("internal error: xmlParseInternalSubset: error detected in Markup declaration")
		}
	}
}

// declaration is one declaration with single blanks, except in its literals.
func (p *parser) declaration() string {
	var b strings.Builder
	blank := false
	for {
		if p.end() {
			p.fail("internal error: xmlParseInternalSubset: error detected in Markup declaration")
		}
		c := p.s[p.i]
		if isBlank(c) {
			blank = true
			p.i++
			continue
		}
		if blank && c != '>' {
			b.WriteByte(' ')
		}
		blank = false
		switch c {
		case '"', '\'':
			b.WriteString(`"` + p.literal() + `"`)
		case '>':
			p.i++
			return b.String() + ">"
		default:
			b.WriteByte(c)
			p.i++
		}
	}
}

// entity reads the declaration of an entity. Those outside of the document are
// not read: where one is used, it is not defined.
func (p *parser) entity() string {
	from := p.i
	p.i += len("<!ENTITY")
	p.blanks()
	parameter := p.take("%")
	p.blanks()
	name := p.name()
	p.blanks()
	if name == "" || parameter || p.has("SYSTEM") || p.has("PUBLIC") {
		p.i = from
		return p.declaration() + "\n"
	}
	value := p.literal()
	p.blanks()
	if !p.take(">") {
		p.fail("xmlParseEntityDecl: entity %s not terminated", name)
	}
	if _, again := p.entities[name]; !again { // the first declaration binds
		p.entities[name] = p.replacement(value)
	}
	quote := `"`
	if strings.Contains(value, `"`) {
		quote = "'"
	}
	return "<!ENTITY " + name + " " + quote + value + quote + ">\n"
}

// replacement resolves the character references of an entity's value.
func (p *parser) replacement(value string) string {
	inner := &parser{s: value, outer: p}
	var b strings.Builder
	for !inner.end() {
		if inner.has("&#") {
			b.WriteRune(inner.charRef())
			continue
		}
		b.WriteByte(inner.s[inner.i])
		inner.i++
	}
	return b.String()
}
