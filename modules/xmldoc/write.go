package xmldoc

// This file writes trees.

import (
	"fmt"
	"strings"
)

// Options say how to write.
type Options struct {
	Declaration bool // begin with <?xml ...?>
	Pretty      bool // an element a line where there is no text beside it
	ASCII       bool // character references for what is not ASCII
}

type writer struct {
	b strings.Builder
	Options
}

// Write gives the text of a document, or of an element with the text behind it
// and with the namespaces that hold for it.
func (n *Node) Write(o Options) string {
	w := &writer{Options: o}
	if n.Kind != Document {
		w.node(n, 0, o.Pretty, n.inScope())
		if p := n.Parent; p != nil {
			behind := false
			for _, c := range p.Children {
				if behind && !c.isText() {
					break
				}
				if behind {
					w.node(c, 0, false, nil)
				}
				behind = behind || c == n
			}
		}
		if o.Pretty {
			w.b.WriteByte('\n')
		}
		return w.b.String()
	}
	if o.Declaration {
		version := n.Version
		if version == "" {
			version = "1.0"
		}
		encoding := "UTF-8"
		if o.ASCII {
			encoding = "ASCII"
		}
		w.b.WriteString("<?xml version='" + version + "' encoding='" + encoding + "'?>\n")
	}
	for _, c := range n.Children { // the document type comes first, as lxml writes it
		if c.Kind == Doctype {
			w.b.WriteString(c.Data + "\n")
		}
	}
	for _, c := range n.Children {
		if c.Kind == Doctype {
			continue
		}
		w.node(c, 0, o.Pretty, nil)
		if o.Pretty {
			w.b.WriteByte('\n')
		}
	}
	return w.b.String()
}

func (n *Node) qualified() string {
	if n.NS.Prefix != "" {
		return n.NS.Prefix + ":" + n.Name
	}
	return n.Name
}

func (w *writer) node(n *Node, depth int, pretty bool, scope []Namespace) {
	switch n.Kind {
	case Text:
		w.text(n.Data)
	case CData:
		// The end of a section cannot stand inside of one.
		w.b.WriteString("<![CDATA[" + strings.ReplaceAll(n.Data, "]]>", "]]]]><![CDATA[>") + "]]>")
	case Comment:
		w.b.WriteString("<!--" + n.Data + "-->")
	case Instruction:
		w.b.WriteString("<?" + n.Name)
		if n.Data != "" {
			w.b.WriteString(" " + n.Data)
		}
		w.b.WriteString("?>")
	case Element:
		w.element(n, depth, pretty, scope)
	}
}

func (w *writer) element(n *Node, depth int, pretty bool, scope []Namespace) {
	name := n.qualified()
	w.b.WriteString("<" + name)
	for _, list := range [][]Namespace{n.Decls, scope} {
		for _, d := range list {
			w.b.WriteString(" xmlns")
			if d.Prefix != "" {
				w.b.WriteString(":" + d.Prefix)
			}
			w.b.WriteString(`="`)
			w.value(d.URI)
			w.b.WriteByte('"')
		}
	}
	for _, a := range n.Attrs {
		w.b.WriteString(" " + a.qualified() + `="`)
		w.value(a.Data)
		w.b.WriteByte('"')
	}
	if len(n.Children) == 0 {
		w.b.WriteString("/>")
		return
	}
	w.b.WriteByte('>')
	for _, c := range n.Children {
		if c.isText() {
			pretty = false
		}
	}
	for _, c := range n.Children {
		if pretty {
			w.b.WriteString("\n" + strings.Repeat("  ", depth+1))
		}
		w.node(c, depth+1, pretty, nil)
	}
	if pretty {
		w.b.WriteString("\n" + strings.Repeat("  ", depth))
	}
	w.b.WriteString("</" + name + ">")
}

// text writes a text, value an attribute's.
func (w *writer) text(s string)  { w.escaped(s, "\r") }
func (w *writer) value(s string) { w.escaped(s, "\n\r\t\"") }

// escaped writes s with references for markup, and for the characters of more,
// which mean something where s stands.
func (w *writer) escaped(s, more string) {
	for _, r := range s {
		switch {
		case r == '<':
			w.b.WriteString("&lt;")
		case r == '>':
			w.b.WriteString("&gt;")
		case r == '&':
			w.b.WriteString("&amp;")
		case !strings.ContainsRune(more, r):
			w.char(r)
		case r == '"':
			w.b.WriteString("&quot;")
		default:
			fmt.Fprintf(&w.b, "&#%d;", r)
		}
	}
}

func (w *writer) char(r rune) {
	if w.ASCII && r > 127 {
		fmt.Fprintf(&w.b, "&#%d;", r)
		return
	}
	w.b.WriteRune(r)
}
