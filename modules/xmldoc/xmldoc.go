// Package xmldoc is an XML tree that can be changed and written back with what
// it held: the order of attributes, comments, processing instructions, CDATA
// sections, the document type and prefixes. It reads and writes as libxml2 does
// under lxml, whose bytes are what users of community.general.xml have in their
// files, and finds nodes by XPath 1.0 (https://www.w3.org/TR/1999/REC-xpath-19991116/).
package xmldoc

// This file is the tree and what changes it.

import (
	"slices"
	"strconv"
)

// Kind is what a node is.
type Kind int8

// The kinds of nodes.
const (
	Document Kind = iota
	Element
	Attribute
	Text
	CData
	Comment
	Instruction
	Doctype
)

// A Namespace is a prefix ("" for the default) and what it stands for.
type Namespace struct{ Prefix, URI string }

// A Node is one of a tree. Name is the local name of elements and attributes
// and the target of instructions; Data is the text, the value, and a document
// type's declaration as it is written.
type Node struct {
	Kind     Kind
	NS       Namespace
	Name     string
	Data     string
	Attrs    []*Node
	Decls    []Namespace // the declarations on this element
	Parent   *Node
	Children []*Node
	Version  string // of a Document: the XML version

	order int // the place in the document, while an expression is evaluated
}

const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// NewElement makes an element outside of any tree. A name in a namespace gets
// the prefix ns0, as lxml has it.
func NewElement(uri, name string) *Node {
	n := &Node{Kind: Element, Name: name}
	if uri != "" {
		n.NS = Namespace{"ns0", uri}
		n.Decls = []Namespace{n.NS}
	}
	return n
}

// Root is the document's element.
func (n *Node) Root() *Node {
	for _, c := range n.Children {
		if c.Kind == Element {
			return c
		}
	}
	return nil
}

func (n *Node) top() *Node {
	for n.Parent != nil {
		n = n.Parent
	}
	return n
}

// Clark is the name with its namespace as lxml writes it: {uri}name.
func (n *Node) Clark() string {
	if n.NS.URI != "" {
		return "{" + n.NS.URI + "}" + n.Name
	}
	return n.Name
}

func (n *Node) isText() bool { return n.Kind == Text || n.Kind == CData }

// Inner are the children that lxml counts: elements, comments and instructions.
func (n *Node) Inner() []*Node {
	var out []*Node
	for _, c := range n.Children {
		if !c.isText() {
			out = append(out, c)
		}
	}
	return out
}

// Copy is a deep copy without a parent.
func (n *Node) Copy() *Node {
	c := *n
	c.Parent = nil
	c.Decls = slices.Clone(n.Decls)
	c.Attrs, c.Children = copyAll(n.Attrs, &c), copyAll(n.Children, &c)
	return &c
}

func copyAll(list []*Node, parent *Node) []*Node {
	if list == nil {
		return nil
	}
	out := make([]*Node, len(list))
	for i, n := range list {
		out[i] = n.Copy()
		out[i].Parent = parent
	}
	return out
}

// Text is the text before the first child that is none; ok says whether there is any node of text.
func (n *Node) Text() (text string, ok bool) {
	for _, c := range n.Children {
		if !c.isText() {
			break
		}
		text += c.Data
		ok = true
	}
	return text, ok
}

// SetText replaces that text; nil takes it away.
func (n *Node) SetText(text *string) {
	for len(n.Children) > 0 && n.Children[0].isText() {
		n.Children = slices.Delete(n.Children, 0, 1)
	}
	if text != nil {
		n.Children = slices.Insert(n.Children, 0, &Node{Kind: Text, Data: *text, Parent: n})
	}
}

// Attr finds an attribute.
func (n *Node) Attr(uri, name string) (value string, ok bool) {
	for _, a := range n.Attrs {
		if a.Name == name && a.NS.URI == uri {
			return a.Data, true
		}
	}
	return "", false
}

// SetAttr sets an attribute, at its place or behind the others.
func (n *Node) SetAttr(uri, name, value string) {
	for _, a := range n.Attrs {
		if a.Name == name && a.NS.URI == uri {
			a.Data = value
			return
		}
	}
	a := &Node{Kind: Attribute, Name: name, Data: value, Parent: n}
	if uri != "" {
		a.NS = n.namespace(uri)
	}
	n.Attrs = append(n.Attrs, a)
}

// namespace finds a prefix for an attribute's namespace or declares one.
func (n *Node) namespace(uri string) Namespace {
	if uri == xmlSpace {
		return Namespace{"xml", uri}
	}
	if ns, ok := n.byURI(uri, true); ok {
		return ns
	}
	for i := 0; ; i++ {
		prefix := "ns" + strconv.Itoa(i)
		if _, taken := n.byPrefix(prefix); !taken {
			ns := Namespace{prefix, uri}
			n.Decls = append(n.Decls, ns)
			return ns
		}
	}
}

// byURI finds a declaration in scope, the nearest first.
func (n *Node) byURI(uri string, attribute bool) (Namespace, bool) {
	for e := n; e != nil; e = e.Parent {
		for _, d := range e.Decls {
			if d.URI != uri || attribute && d.Prefix == "" {
				continue
			}
			if now, _ := n.byPrefix(d.Prefix); now == uri { // not hidden
				return d, true
			}
		}
	}
	return Namespace{}, false
}

func (n *Node) byPrefix(prefix string) (uri string, ok bool) {
	if prefix == "xml" {
		return xmlSpace, true
	}
	for e := n; e != nil; e = e.Parent {
		for _, d := range e.Decls {
			if d.Prefix == prefix {
				return d.URI, true
			}
		}
	}
	return "", false
}

// inScope are the declarations of the elements above that hold for n.
func (n *Node) inScope() []Namespace {
	var out []Namespace
	have := map[string]bool{}
	for _, d := range n.Decls {
		have[d.Prefix] = true
	}
	for e := n.Parent; e != nil; e = e.Parent {
		for _, d := range e.Decls {
			if !have[d.Prefix] {
				have[d.Prefix] = true
				out = append(out, d)
			}
		}
	}
	return out
}

// Index is the place among what Inner gives.
func (n *Node) Index() int { return slices.Index(n.Parent.Inner(), n) }

// Remove takes the node out of its tree, with the text behind it.
func (n *Node) Remove() { n.detach() }

func (n *Node) detach() (tail []*Node) {
	p := n.Parent
	if p == nil {
		return nil
	}
	at := slices.Index(p.Children, n)
	end := at + 1
	for end < len(p.Children) && p.Children[end].isText() {
		end++
	}
	tail = slices.Clone(p.Children[at+1 : end])
	p.Children = slices.Delete(p.Children, at, end)
	n.Parent = nil
	return tail
}

// Append moves the node behind all children of n.
func (n *Node) Append(child *Node) { n.insertAt(len(n.Children), child) }

// Insert moves the node in front of the at-th of what Inner gives, or behind all.
func (n *Node) Insert(at int, child *Node) {
	inner := n.Inner()
	if at >= len(inner) {
		n.Append(child)
		return
	}
	n.insertAt(slices.Index(n.Children, inner[at]), child)
}

func (n *Node) insertAt(at int, child *Node) {
	before := len(n.Children)
	tail := child.detach()
	if len(n.Children) < before && at > len(n.Children) {
		at = len(n.Children) // it was a child of n already
	}
	n.Children = slices.Insert(n.Children, at, append([]*Node{child}, tail...)...)
	for _, c := range n.Children[at : at+1+len(tail)] {
		c.Parent = n
	}
	child.adopt(map[Namespace]Namespace{})
}

// adopt takes out declarations that the new place has already, and lets names use those.
func (n *Node) adopt(mapped map[Namespace]Namespace) {
	if n.Kind != Element {
		return
	}
	var own []Namespace
	for _, d := range n.Decls {
		if have, ok := n.Parent.byURI(d.URI, false); ok && d.URI != "" {
			mapped[d] = have
		} else {
			own = append(own, d)
			delete(mapped, d)
		}
	}
	n.Decls = own
	if to, ok := mapped[n.NS]; ok {
		n.NS = to
	}
	for _, a := range n.Attrs {
		if to, ok := mapped[a.NS]; ok && a.NS.URI != "" {
			if to.Prefix == "" {
				to = n.namespace(to.URI)
			}
			a.NS = to
		}
	}
	for _, c := range n.Children {
		c.adopt(mapped)
	}
}

// Path is the XPath of an element as libxml2 makes it.
func (n *Node) Path() string {
	if n.Kind == Document {
		return "/"
	}
	path := ""
	for e := n; e.Parent != nil; e = e.Parent {
		step := ""
		same := func(o *Node) bool { return o.Kind == e.Kind }
		switch e.Kind {
		case Element:
			switch {
			case e.NS.URI == "":
				step = e.Name
				same = func(o *Node) bool { return o.Kind == Element && o.NS.Prefix == "" && o.Name == e.Name }
			case e.NS.Prefix == "":
				step = "*"
			default:
				step = e.NS.Prefix + ":" + e.Name
				same = func(o *Node) bool { return o.Kind == Element && o.Name == e.Name && o.NS.Prefix == e.NS.Prefix }
			}
		case Comment:
			step = "comment()"
		case Instruction:
			step = "processing-instruction('" + e.Name + "')"
			same = func(o *Node) bool { return o.Kind == Instruction && o.Name == e.Name }
		}
		count, place := 0, 0
		for _, o := range e.Parent.Children {
			if same(o) {
				count++
			}
			if o == e {
				place = count
			}
		}
		if count > 1 {
			step += "[" + strconv.Itoa(place) + "]"
		}
		path = "/" + step + path
	}
	return path
}
