package files

// This file is how community.general.xml changes a document.

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
	"gorun/modules/xmldoc"
)

// treeText is a document as Ansible's messages show it: bytes of Python.
func treeText(doc *xmldoc.Node) string {
	s := doc.Write(xmldoc.Options{Pretty: true, ASCII: true})
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	s = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(s)
	if quote == "'" {
		s = strings.ReplaceAll(s, "'", `\'`)
	}
	return "b" + quote + s + quote
}

func (x *xmlEdit) remove(root *xmldoc.Node) error {
	fail := func(err any) error {
		return modules.Failf("Couldn't delete xpath target: %s (%v)", x.xpath, err)
	}
	found, err := x.find(root, x.xpath)
	if err != nil {
		return fail(err)
	}
	for _, n := range found {
		now, err := x.find(root, x.xpath)
		switch {
		case err != nil:
			return fail(err)
		case len(now) == 0: // what holds the match was removed with an earlier one
			return fail("Impossible error")
		case n.Kind == xmldoc.Attribute:
			n.Parent.Attrs = slices.DeleteFunc(n.Parent.Attrs, func(o *xmldoc.Node) bool { return o == n })
		case n.Kind == xmldoc.Text || n.Kind == xmldoc.CData:
			return fail("text cannot be removed; give its element an empty value")
		case n.Parent == nil || n.Parent.Kind == xmldoc.Document:
			return fail("'NoneType' object has no attribute 'remove'")
		default:
			n.Remove()
		}
	}
	return nil
}

func (x *xmlEdit) setChildren(root *xmldoc.Node) error {
	found, err := x.find(root, x.xpath)
	if err != nil {
		return x.failed(err)
	}
	kids, err := x.children(*x.a.SetChildren, x.a.InputType)
	if err != nil {
		return err
	}
	var want []string
	for _, k := range kids {
		want = append(want, k.Write(xmldoc.Options{}))
	}
	for _, n := range found {
		have := n.Inner()
		if len(have) == len(kids) {
			same := true
			for i, h := range have {
				same = same && h.Write(xmldoc.Options{}) == want[i]
			}
			if same {
				continue
			}
		}
		for _, h := range have {
			h.Remove()
		}
		for _, k := range kids {
			n.Append(k)
		}
	}
	return nil
}

func (x *xmlEdit) addChildren(root *xmldoc.Node) error {
	found, err := x.find(root, x.xpath)
	if err != nil {
		return x.failed(err)
	}
	if !isNode(found) {
		return nil
	}
	kids, err := x.children(x.a.AddChildren, x.a.InputType)
	if err != nil {
		return err
	}
	if !x.a.InsertBefore && !x.a.InsertAfter {
		for _, n := range found { // with several matches the last gets them
			for _, k := range kids {
				n.Append(k)
			}
		}
		return nil
	}
	target := found[0]
	if x.a.InsertAfter {
		target = found[len(found)-1]
	}
	parent := found[0].Parent
	if parent.Kind == xmldoc.Document || target.Parent.Kind == xmldoc.Document {
		return modules.Failf("Xpath %s is the root element, beside which nothing can be", x.xpath)
	}
	at := target.Index()
	if x.a.InsertAfter {
		at++
	}
	for _, k := range kids {
		parent.Insert(at, k)
		at++
	}
	return nil
}

func (x *xmlEdit) setValue(root *xmldoc.Node) error {
	found, err := x.find(root, x.xpath)
	if err == nil && !isNode(found) {
		if !x.a.CreateIfMissing {
			return nil
		}
		err = x.makeTarget(root, x.xpath)
		if err == nil {
			found, err = x.find(root, x.xpath)
		}
	}
	if f, ok := err.(*modules.Failure); ok {
		return f
	}
	if err != nil {
		missing := ""
		if len(root.Decls) > 0 && !strings.Contains(x.xpath, ":") {
			missing = "XML document has namespace(s) defined, but no namespace prefix(es) used in xpath!\n"
		}
		return modules.Failf("%sXpath %s causes a failure: %w\n  -- tree is %s", missing, x.xpath, err, treeText(x.doc))
	}
	if !isNode(found) {
		return modules.Failf("Xpath %s does not reference a node! tree is %s", x.xpath, treeText(x.doc))
	}
	value, ok := x.a.Value.(string)
	attribute := ""
	if x.a.Attribute != nil {
		attribute = fmt.Sprint(x.a.Attribute)
	}
	if !ok {
		target := fmt.Sprintf("element text at xpath '%s'", x.xpath)
		if attribute != "" {
			target = fmt.Sprintf("attribute '%s' at xpath '%s'", attribute, x.xpath)
		}
		return modules.Failf("A non-string value %s was parsed for %s. "+
			"YAML values for booleans, octals, floats may not yield the string you intended. "+
			"Quote the value to be explicit, like `value: \"yes\"`.", modules.PyRepr(x.a.Value), target)
	}
	if attribute == "" {
		for _, n := range found {
			if have, any := n.Text(); have != value || !any {
				n.SetText(&value)
			}
		}
		return nil
	}
	uri, name, err := x.expand(attribute)
	if err != nil {
		return modules.Failf("attribute %s: %w", attribute, err)
	}
	for _, n := range found {
		n.SetAttr(uri, name, value)
	}
	return nil
}

// expand takes the prefix of a name for its namespace.
func (x *xmlEdit) expand(name string) (uri, local string, err error) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		local = name
	} else if uri, ok = x.spaces[prefix]; !ok {
		return "", "", fmt.Errorf("'%s'", prefix) // as Python shows a missing key
	}
	if !xmldoc.ValidName(local) {
		return "", "", fmt.Errorf("Invalid tag name '%s'", local)
	}
	return uri, local, nil
}

// The forms of an XPath whose last part can be made.
var xpathLast = func() map[string]*regexp.Regexp {
	const ident = `[a-zA-Z-][a-zA-Z0-9_\-\.]*`
	const name = ident + "|" + ident + ":" + ident
	const text = `('(?:.*)'|"(?:.*)")`
	return map[string]*regexp.Regexp{
		"element":          regexp.MustCompile(`^(.*)/(` + name + `)$`),
		"element is":       regexp.MustCompile(`^(.*)/(` + name + `)/text\(\)=` + text + `$`),
		"attribute":        regexp.MustCompile(`^(.*)/(@(?:` + name + `))$`),
		"attribute is":     regexp.MustCompile(`^(.*)/(@(?:` + name + `))=` + text + `$`),
		"element that has": regexp.MustCompile(`^(.*)/(` + name + `)\[(.*)\]$`),
		"text is":          regexp.MustCompile(`^(.*)/text\(\)=` + text + `$`),
	}
}()

// A lastPart is the end of an XPath: the name of an element or (with @) an
// attribute, "" for the text; its value; the conditions of the element.
type lastPart struct {
	name  string
	value *string
	conds []string // not nil: in brackets
}

func splitXPath(xpath string) (inner string, last *lastPart) {
	xpath = strings.TrimSpace(xpath)
	unquote := func(s string) *string {
		s = s[1 : len(s)-1]
		return &s
	}
	for _, form := range []string{"element", "element is", "attribute", "attribute is"} {
		if m := xpathLast[form].FindStringSubmatch(xpath); m != nil {
			last = &lastPart{name: m[2]}
			if len(m) > 3 {
				last.value = unquote(m[3])
			}
			return m[1], last
		}
	}
	if m := xpathLast["element that has"].FindStringSubmatch(xpath); m != nil {
		last = &lastPart{name: m[2]}
		for c := range strings.SplitSeq(m[3], " and ") {
			last.conds = append(last.conds, strings.TrimSpace(c))
		}
		return m[1], last
	}
	if m := xpathLast["text is"].FindStringSubmatch(xpath); m != nil {
		return m[1], &lastPart{value: unquote(m[2])}
	}
	return xpath, nil
}

// makeTarget makes what an XPath tells of, from the first part that is missing on.
func (x *xmlEdit) makeTarget(at *xmldoc.Node, xpath string) error {
	inner, last := splitXPath(xpath)
	if inner == xpath || last == nil {
		return modules.Failf("Can't process Xpath %s in order to spawn nodes! tree is %s", xpath, treeText(x.doc))
	}
	found, err := x.find(at, inner)
	if err != nil {
		return err
	}
	if !isNode(found) {
		if err := x.makeTarget(at, inner); err != nil {
			return err
		}
		if found, err = x.find(at, inner); err != nil || !isNode(found) {
			return err
		}
	}
	if last.name == "" {
		for _, n := range found {
			if have, any := n.Text(); have != *last.value || !any {
				n.SetText(last.value)
			}
		}
		return nil
	}
	uri, name, err := x.expand(strings.TrimPrefix(last.name, "@"))
	if err != nil {
		return err
	}
	if last.name[0] == '@' {
		for _, n := range found {
			value := ""
			if last.value != nil {
				value = *last.value
			}
			n.SetAttr(uri, name, value)
		}
		return nil
	}
	kid := xmldoc.NewElement(uri, name)
	if last.value != nil && *last.value != "" {
		kid.SetText(last.value)
	}
	for _, n := range found { // with several matches the last gets it
		n.Append(kid)
		for _, c := range last.conds {
			if err := x.makeTarget(kid, "./"+c); err != nil {
				return err
			}
		}
	}
	return nil
}

// children makes elements of what the task gives.
func (x *xmlEdit) children(list []any, kind string) (out []*xmldoc.Node, err error) {
	for _, c := range list {
		n, err := x.child(c, kind)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func (x *xmlEdit) child(c any, kind string) (*xmldoc.Node, error) {
	if kind == "xml" {
		text, ok := c.(string)
		if !ok {
			return nil, modules.Failf("Error while parsing child element: %s is no text", modules.PyRepr(c))
		}
		doc, err := xmldoc.Parse([]byte(text), xmldoc.ParseOptions{JoinCData: true})
		if err != nil {
			return nil, modules.Failf("Error while parsing child element: %s", xmlErrorText(err, "<string>"))
		}
		n := doc.Root()
		n.Remove()
		return n, nil
	}
	if name, ok := c.(string); ok {
		return newChild(name)
	}
	hash, ok := c.(map[string]any)
	if !ok {
		return nil, modules.Failf("Invalid child type: %s. Children must be either strings or hashes.", modules.PyType(c))
	}
	if len(hash) != 1 {
		return nil, modules.Failf("Can only create children from hashes with one key")
	}
	for name, value := range hash {
		n, err := newChild(name)
		if err != nil {
			return nil, err
		}
		attrs, ok := value.(map[string]any)
		if !ok {
			return n, setChildText(n, value)
		}
		return n, x.fillChild(n, attrs)
	}
	panic("a hash of one key has none")
}

func setChildText(n *xmldoc.Node, value any) error {
	if value == nil {
		return nil
	}
	text, ok := value.(string)
	if !ok {
		return modules.Failf("The text of the child %s has to be a string, not %s: put it in quotes", n.Name, modules.PyRepr(value))
	}
	n.SetText(&text)
	return nil
}

// fillChild gives an element its attributes (by name: the order of a hash does
// not reach modules), its text and its children.
func (x *xmlEdit) fillChild(n *xmldoc.Node, attrs map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		value := attrs[key]
		switch key {
		case "_":
			if value == nil {
				continue
			}
			list, ok := value.([]any)
			if !ok {
				return modules.Failf("Invalid children type: %s, must be list.", modules.PyType(value))
			}
			kids, err := x.children(list, "yaml")
			if err != nil {
				return err
			}
			for _, k := range kids {
				n.Append(k)
			}
		case "+value":
			if err := setChildText(n, value); err != nil {
				return err
			}
		default:
			text, ok := value.(string)
			if !ok {
				return modules.Failf("The attribute %s of the child %s has to be a string, not %s: put it in quotes", key, n.Name, modules.PyRepr(value))
			}
			uri, name := clark(key)
			if !xmldoc.ValidName(name) {
				return modules.Failf("Invalid attribute name '%s'", key)
			}
			n.SetAttr(uri, name, text)
		}
	}
	return nil
}

// clark splits {uri}name.
func clark(name string) (uri, local string) {
	if rest, ok := strings.CutPrefix(name, "{"); ok {
		if uri, local, ok = strings.Cut(rest, "}"); ok {
			return uri, local
		}
	}
	return "", name
}

func newChild(name string) (*xmldoc.Node, error) {
	uri, local := clark(name)
	if !xmldoc.ValidName(local) {
		return nil, modules.Failf("Invalid tag name '%s'", name)
	}
	return xmldoc.NewElement(uri, local), nil
}
