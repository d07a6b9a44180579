package ansible

// This file holds from_xml and to_xml, which write XML as dicts in xmltodict's
// way: attributes as @name, text beside them as #text
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/from_xml_filter.html,
// https://docs.ansible.com/ansible/latest/collections/ansible/utils/to_xml_filter.html).

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"gorun/templates"
)

// An element is one that is open.
type element struct {
	name  string
	items *templates.Dict
	text  []string
}

func filterFromXML(c *call) (value, error) {
	a, err := bind(c, []param{{name: "data", kind: "str", required: true}, {name: "engine", kind: "str", def: str("xmltodict")}})
	if err != nil {
		return nil, err
	}
	if e := text(a["engine"]); e != "xmltodict" {
		return nil, fail("Error when using plugin 'from_xml': engine: %s is not supported ", e)
	}
	v, err := fromXML(text(a["data"]))
	if err != nil {
		return nil, fail("Error when using plugin 'from_xml': Input Xml is not valid")
	}
	if c.State.Era() == templates.Current {
		return v, nil
	}
	return dumpJSON(v, jsonStyle{item: ", ", key: ": "}, nil) // the text that 2.14's collection gives
}

// qualified is a name as it was written.
func qualified(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func fromXML(s string) (value, error) {
	d := xml.NewDecoder(strings.NewReader(s))
	open := []*element{{items: templates.NewDict(1)}}
	for {
		t, err := d.RawToken() // names stay as they are, without their URLs
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		top := open[len(open)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) > maxDepth || len(open) == 1 && top.items.Len() > 0 {
				return nil, errors.New("too many elements")
			}
			e := &element{name: qualified(t.Name), items: templates.NewDict(len(t.Attr))}
			for _, a := range t.Attr {
				e.items.SetStr("@"+qualified(a.Name), str(a.Value))
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 1 || top.name != qualified(t.Name) {
				return nil, errors.New("mismatched tag")
			}
			open = open[:len(open)-1]
			addElement(open[len(open)-1].items, top)
		case xml.CharData:
			if len(open) == 1 && strings.TrimSpace(string(t)) != "" {
				return nil, errors.New("text outside of the element")
			}
			top.text = append(top.text, string(t))
		}
	}
	if len(open) != 1 || open[0].items.Len() == 0 {
		return nil, errors.New("no element")
	}
	return open[0].items, nil
}

// addElement puts a closed element among its parent's; several of one name
// become a list.
func addElement(to *templates.Dict, e *element) {
	var v value = e.items
	words := strings.TrimSpace(strings.Join(e.text, ""))
	switch {
	case e.items.Len() == 0 && words == "":
		v = templates.None
	case e.items.Len() == 0:
		v = str(words)
	case words != "":
		e.items.SetStr("#text", str(words))
	}
	old, ok := to.GetStr(e.name)
	if !ok {
		to.SetStr(e.name, v)
		return
	}
	if l, isList := old.(*templates.List); isList {
		l.Elems = append(l.Elems, v)
		return
	}
	to.SetStr(e.name, list([]value{old, v}))
}

func filterToXML(c *call) (value, error) {
	a, err := bind(c, []param{{name: "data", kind: "dict", required: true}, {name: "engine", kind: "str", def: str("xmltodict")},
		{name: "indent", kind: "str", def: str("tabs"), choices: []string{"tabs", "spaces"}}, {name: "indent_width", kind: "int", def: templates.Int(4)},
		{name: "full_document", kind: "bool", def: templates.Bool(true)}})
	if err != nil {
		return nil, err
	}
	if e := text(a["engine"]); e != "xmltodict" {
		return nil, fail("Error when using plugin 'to_xml': engine: %s is not supported ", e)
	}
	w := xmlWriter{indent: "\t"}
	if text(a["indent"]) == "spaces" {
		n, _ := integer(a["indent_width"])
		w.indent = strings.Repeat(" ", int(max(0, min(n, 64))))
	}
	m := a["data"].(templates.Mapping) // bind made it one
	full := truth(a["full_document"])
	if full {
		w.b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n")
	}
	roots := 0
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		n := 1
		if isSequence(v) {
			n = len(elemsOf(v))
		}
		if roots += n; full && roots > 1 {
			break
		}
		w.element(text(k), v, 0)
	}
	if w.failed || full && roots != 1 {
		return nil, fail("Error when using plugin 'to_xml': Input json is not valid")
	}
	return str(w.b.String()), nil
}

// An xmlWriter writes elements, each child on a line of its own.
type xmlWriter struct {
	b      strings.Builder
	indent string
	failed bool
}

var (
	xmlText  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	xmlAttr  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", "&#10;", "\r", "&#13;", "\t", "&#9;", `"`, "&quot;")
	xmlAttr1 = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", "&#10;", "\r", "&#13;", "\t", "&#9;")
)

// xmlWord is a scalar as text.
func xmlWord(v value) string {
	if b, ok := v.(templates.Bool); ok {
		if b {
			return "true"
		}
		return "false"
	}
	return text(v)
}

// quotedAttr is a value in quotes, single ones where it holds double ones alone.
func quotedAttr(s string) string {
	if strings.Contains(s, `"`) && !strings.Contains(s, "'") {
		return "'" + xmlAttr1.Replace(s) + "'"
	}
	return `"` + xmlAttr.Replace(s) + `"`
}

func (w *xmlWriter) element(name string, v value, depth int) {
	if depth > maxDepth {
		w.failed = true
		return
	}
	if isSequence(v) {
		for i, e := range elemsOf(v) {
			w.element(name, e, depth)
			if i+1 < len(elemsOf(v)) && depth == 0 {
				w.b.WriteByte('\n')
			}
		}
		return
	}
	if depth > 0 {
		w.b.WriteString("\n" + strings.Repeat(w.indent, depth))
	}
	w.b.WriteString("<" + name)
	words, children := "", false
	m, isMap := v.(templates.Mapping)
	switch {
	case isMap:
		words, children = w.attributes(m)
	case v != templates.None:
		words = xmlWord(v)
	}
	w.b.WriteString(">")
	if children {
		for _, k := range m.Keys() {
			e, _, err := m.Get(k)
			w.failed = w.failed || err != nil
			if s := text(k); !strings.HasPrefix(s, "@") && s != "#text" && err == nil {
				w.element(s, e, depth+1)
			}
		}
	}
	w.b.WriteString(xmlText.Replace(words))
	if children {
		w.b.WriteString("\n" + strings.Repeat(w.indent, depth))
	}
	w.b.WriteString("</" + name + ">")
}

// attributes writes the items with @; the rest is the text beside the children.
func (w *xmlWriter) attributes(m templates.Mapping) (words string, children bool) {
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		w.failed = w.failed || err != nil
		name, isAttr := strings.CutPrefix(text(k), "@")
		switch {
		case err != nil:
		case isAttr:
			if v == templates.None {
				v = str("")
			}
			w.b.WriteString(" " + name + "=" + quotedAttr(xmlWord(v)))
		case text(k) == "#text":
			words = xmlWord(orNone(v))
		case !isSequence(v) || v.Truth():
			children = true
		}
	}
	return words, children
}
