package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"gorun/modules"
	"gorun/modules/oserr"
	"gorun/modules/xmldoc"
)

type xmlArgs struct {
	AddChildren     []any          `arg:"add_children"`
	Attribute       any            `arg:"attribute"`
	Backup          bool           `arg:"backup"`
	Content         string         `arg:"content"`
	Count           bool           `arg:"count"`
	CreateIfMissing bool           `arg:"create_if_missing"`
	HugeTree        bool           `arg:"huge_tree"`
	InputType       string         `arg:"input_type"`
	InsertAfter     bool           `arg:"insertafter"`
	InsertBefore    bool           `arg:"insertbefore"`
	Namespaces      map[string]any `arg:"namespaces"`
	Path            string         `arg:"path"`
	PrettyPrint     bool           `arg:"pretty_print"`
	PrintMatch      bool           `arg:"print_match"`
	SetChildren     *[]any         `arg:"set_children"`
	State           string         `arg:"state"`
	StripCData      bool           `arg:"strip_cdata_tags"`
	Value           any            `arg:"value"`
	XMLString       string         `arg:"xmlstring"`
	XPath           *string        `arg:"xpath"`
}

// XML is community.general.xml
// (https://docs.ansible.com/ansible/latest/collections/community/general/xml_module.html).
var XML = modules.Define(modules.Spec{
	Name: "community.general.xml",
	Doc:  "Look at and change elements and attributes of XML files and strings.",
	Options: []modules.Option{
		{Name: "add_children", Type: modules.List, Elements: modules.Raw, Doc: "Elements to add to those that xpath finds: names, or hashes of a name and a text, or of a name and a hash of attributes with _ for children."},
		{Name: "attribute", Type: modules.Raw, Doc: "The attribute that value is for; without it the text is meant."},
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file as it was."},
		{Name: "content", Choices: []string{"attribute", "text"}, Doc: "Tell the attributes or the text of what xpath finds."},
		{Name: "count", Type: modules.Bool, Default: false, Doc: "Count what xpath finds."},
		{Name: "create_if_missing", Type: modules.Bool, Default: true, Doc: "Make what xpath tells of where it is missing and a value is given."},
		{Name: "huge_tree", Type: modules.Bool, Default: false, Doc: "Read documents of any depth and size."},
		{Name: "input_type", Default: "yaml", Choices: []string{"xml", "yaml"}, Doc: "How children are written."},
		{Name: "insertafter", Type: modules.Bool, Default: false, Doc: "Add the children behind the last element that xpath finds."},
		{Name: "insertbefore", Type: modules.Bool, Default: false, Doc: "Add the children in front of the first element that xpath finds."},
		{Name: "namespaces", Type: modules.Dict, Default: map[string]any{}, Doc: "The namespaces of the prefixes in xpath."},
		{Name: "path", Type: modules.Path, Aliases: []string{"dest", "file"}, Doc: "The file; it has to be there."},
		{Name: "pretty_print", Type: modules.Bool, Default: false, Doc: "Write it with an element a line."},
		{Name: "print_match", Type: modules.Bool, Default: false, Doc: "Tell the paths of what xpath finds."},
		{Name: "set_children", Type: modules.List, Elements: modules.Raw, Doc: "The elements that are to be all children of those that xpath finds."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Aliases: []string{"ensure"}, Doc: "Whether what xpath tells of is to be there."},
		{Name: "strip_cdata_tags", Type: modules.Bool, Default: false, Doc: "Write CDATA sections as text."},
		{Name: "value", Type: modules.Raw, Doc: "The text of the elements, or the attribute's value."},
		{Name: "xmlstring", Doc: "A document to work on instead of a file."},
		{Name: "xpath", Doc: "An XPath expression for the elements or attributes that are meant."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{
			{"add_children", "content", "count", "print_match", "set_children", "value"}, {"path", "xmlstring"}, {"insertbefore", "insertafter"}},
		RequiredOneOf: [][]string{{"path", "xmlstring"},
			{"add_children", "content", "count", "pretty_print", "print_match", "set_children", "value"}},
		RequiredIf: []modules.RequiredIf{
			{Key: "count", Value: true, Need: []string{"xpath"}}, {Key: "print_match", Value: true, Need: []string{"xpath"}},
			{Key: "insertbefore", Value: true, Need: []string{"xpath"}}, {Key: "insertafter", Value: true, Need: []string{"xpath"}}},
		RequiredBy: map[string][]string{"add_children": {"xpath"}, "attribute": {"value"}, "content": {"xpath"},
			"set_children": {"xpath"}, "value": {"xpath"}},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *xmlArgs) (*modules.Result, error) {
	x := &xmlEdit{ctx: ctx, m: m, a: a, data: map[string]any{}, spaces: map[string]string{}}
	for prefix, uri := range a.Namespaces {
		x.spaces[prefix] = fmt.Sprint(uri)
	}
	if err := x.open(); err != nil {
		return nil, err
	}
	if err := x.work(); err != nil {
		return nil, err
	}
	if a.XPath == nil && !a.Count {
		return x.reformat()
	}
	return x.finish()
})

// An xmlEdit is a document on its way.
type xmlEdit struct {
	ctx         context.Context
	m           *modules.Run
	a           *xmlArgs
	text        string // as it was read
	before, doc *xmldoc.Node
	xpath       string
	spaces      map[string]string
	data        map[string]any
}

// open reads the document.
func (x *xmlEdit) open() error {
	source, file := "xml_string", "<string>"
	if x.a.XMLString != "" {
		x.text = x.a.XMLString
	} else {
		if st, err := os.Stat(x.a.Path); err != nil || !st.Mode().IsRegular() {
			return modules.Failf("The target XML source '%s' does not exist.", x.a.Path)
		}
		data, err := os.ReadFile(x.a.Path)
		if err != nil {
			return modules.Failf("Error reading XML source: %s (%s)", x.a.Path, oserr.Str(err, x.a.Path))
		}
		x.text, source, file = string(data), x.a.Path, filepath.Base(x.a.Path)
	}
	if x.a.XPath != nil {
		x.xpath = *x.a.XPath
		if _, err := xmldoc.Compile(x.xpath); err != nil {
			return modules.Failf("Syntax error in xpath expression: %s (%w)", x.xpath, err)
		}
	}
	doc, err := xmldoc.Parse([]byte(x.text), xmldoc.ParseOptions{DropBlank: x.a.PrettyPrint, JoinCData: x.a.StripCData, Huge: x.a.HugeTree, ToUTF8: x.iconv})
	if err != nil {
		return modules.Failf("Error while parsing document: %s (%s)", source, xmlErrorText(err, file))
	}
	x.doc, x.before = doc, doc.Copy()
	return nil
}

// iconv reads an encoding by the host's program, which libxml2 asks for the rarer ones too.
func (x *xmlEdit) iconv(encoding string, text []byte) (utf8 []byte, ok bool, err error) {
	bin := x.m.BinPath("iconv")
	if bin == "" {
		return nil, false, nil
	}
	convert := func(text []byte) ([]byte, error) {
		cmd := exec.CommandContext(x.ctx, bin, "-f", encoding, "-t", "UTF-8")
		cmd.Stdin = bytes.NewReader(text)
		return cmd.Output()
	}
	if utf8, err = convert(text); err == nil {
		return utf8, true, nil
	}
	_, unknown := convert(nil)
	return nil, unknown == nil, err
}

// xmlErrorText is the error with the file's name, as Python's SyntaxError shows it.
func xmlErrorText(err error, file string) string {
	var syntax *xmldoc.SyntaxError
	if !errors.As(err, &syntax) {
		return err.Error()
	}
	return fmt.Sprintf("%s (%s, line %d)", syntax, file, syntax.Line)
}

// find evaluates an expression that is to give nodes; what is false is none.
func (x *xmlEdit) find(at *xmldoc.Node, xpath string) ([]*xmldoc.Node, error) {
	v, err := x.evaluate(at, xpath)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]*xmldoc.Node)
	if !ok && v != false && v != 0.0 && v != "" {
		return nil, fmt.Errorf("'%s' object is not subscriptable", map[bool]string{true: "bool", false: "float"}[v == true])
	}
	return list, nil
}

func (x *xmlEdit) evaluate(at *xmldoc.Node, xpath string) (any, error) {
	e, err := xmldoc.Compile(xpath)
	if err != nil {
		return nil, err
	}
	return e.Evaluate(at, x.spaces)
}

// isNode says whether the first match is no attribute and no text.
func isNode(list []*xmldoc.Node) bool {
	if len(list) == 0 {
		return false
	}
	switch list[0].Kind {
	case xmldoc.Element, xmldoc.Comment, xmldoc.Instruction:
		return true
	}
	return false
}

// work does what the task asks for; only reformatting is left for the end.
func (x *xmlEdit) work() error {
	a, root := x.a, x.doc.Root()
	switch {
	case a.PrintMatch:
		return x.printMatch(root)
	case a.Count:
		v, err := x.evaluate(root, "count(/"+x.xpath+")")
		if err != nil {
			return x.failed(err)
		}
		n := int(v.(float64))
		x.data["msg"], x.data["count"] = fmt.Sprintf("found %d nodes", n), n
		return nil
	case a.Content != "":
		return x.content(root)
	case a.State == "absent" && a.XPath != nil:
		return x.remove(root)
	case a.SetChildren != nil:
		return x.setChildren(root)
	case len(a.AddChildren) > 0:
		return x.addChildren(root)
	case a.Value != nil:
		return x.setValue(root)
	case a.XPath != nil:
		return x.failed(x.ensure(root))
	case !a.PrettyPrint:
		return modules.Failf("Don't know what to do")
	}
	return nil
}

// ensure makes what the XPath tells of. A condition that is true
// (/a/@b='c') is there already; Ansible makes it and then fails on it.
func (x *xmlEdit) ensure(root *xmldoc.Node) error {
	v, err := x.evaluate(root, x.xpath)
	if err != nil || v == true {
		return err
	}
	if found, _ := v.([]*xmldoc.Node); !isNode(found) {
		return x.makeTarget(root, x.xpath)
	}
	return nil
}

// failed gives an error of an expression the words around it; failures pass.
func (x *xmlEdit) failed(err error) error {
	var f *modules.Failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	return modules.Failf("Evaluation error in xpath expression: %s (%w)", x.xpath, err)
}

func (x *xmlEdit) printMatch(root *xmldoc.Node) error {
	found, err := x.find(root, x.xpath)
	if err != nil {
		return x.failed(err)
	}
	paths := []string{}
	for _, n := range found {
		if !isNode([]*xmldoc.Node{n}) {
			return modules.Failf("print_match: Xpath %s matches attributes or text, which have no path of their own", x.xpath)
		}
		paths = append(paths, n.Path())
	}
	x.data["matches"] = paths
	x.data["msg"] = fmt.Sprintf("selector '%s' match: %s", x.xpath, pyJSONList(paths))
	return nil
}

// pyJSONList is a list as Python's json module writes it.
func pyJSONList(list []string) string {
	out := "["
	for i, s := range list {
		if i > 0 {
			out += ", "
		}
		quoted, _ := json.Marshal(s) // a string always can
		out += string(quoted)
	}
	return out + "]"
}

func (x *xmlEdit) content(root *xmldoc.Node) error {
	found, err := x.find(root, x.xpath)
	if err != nil {
		return x.failed(err)
	}
	if !isNode(found) {
		return modules.Failf("Xpath %s does not reference a node!", x.xpath)
	}
	matches := []any{}
	for _, n := range found {
		var value any
		if x.a.Content == "text" {
			if text, ok := n.Text(); ok {
				value = text
			}
		} else {
			attrs := map[string]any{}
			for _, at := range n.Attrs {
				attrs[at.Clark()] = at.Data
			}
			value = attrs
		}
		matches = append(matches, map[string]any{n.Clark(): value})
	}
	x.data["matches"], x.data["msg"], x.data["count"] = matches, len(found), len(found)
	return nil
}

// changed compares without blank text between elements, as lxml's objectify
// reads it; what is beside the root does not count.
func (x *xmlEdit) changed() (bool, error) {
	var text [2]string
	for i, doc := range []*xmldoc.Node{x.before, x.doc} {
		again, err := xmldoc.Parse([]byte(doc.Write(xmldoc.Options{})), xmldoc.ParseOptions{DropBlank: true, JoinCData: true, Huge: true})
		if err != nil {
			return false, modules.Failf("the document cannot be read any more when it is changed so: %w", err)
		}
		text[i] = again.Root().Write(xmldoc.Options{})
	}
	return text[0] != text[1], nil
}

// finish writes the document where it changed and makes the result.
func (x *xmlEdit) finish() (*modules.Result, error) {
	changed, err := x.changed()
	if err != nil {
		return nil, err
	}
	spaces := x.a.Namespaces
	if spaces == nil {
		spaces = map[string]any{}
	}
	x.data["actions"] = map[string]any{"xpath": x.xpath, "namespaces": spaces, "state": x.a.State}
	res := &modules.Result{Changed: changed, Data: x.data}
	text := x.doc.Write(xmldoc.Options{Declaration: true, Pretty: x.a.PrettyPrint})
	if changed {
		if x.m.Diff {
			pretty := xmldoc.Options{Declaration: true, Pretty: true}
			res.Diff = []modules.Diff{{Before: x.before.Write(pretty), After: x.doc.Write(pretty)}}
		}
		if err := x.save(text); err != nil {
			return nil, err
		}
	}
	if x.a.XMLString != "" {
		x.data["xmlstring"] = text
	}
	return res, nil
}

// reformat is the whole work where there is no xpath; any difference of the text is a change.
func (x *xmlEdit) reformat() (*modules.Result, error) {
	text := x.doc.Write(xmldoc.Options{Declaration: true, Pretty: x.a.PrettyPrint})
	res := &modules.Result{Data: x.data, Changed: true}
	if x.a.XMLString != "" {
		x.data["xmlstring"] = text
		return res, nil
	}
	if res.Changed = text != x.text; res.Changed {
		return res, x.save(text)
	}
	return res, nil
}

// save writes the file, or what a link points to.
func (x *xmlEdit) save(text string) error {
	if x.a.XMLString != "" || x.m.Check {
		return nil
	}
	if x.a.Backup {
		name, err := x.m.Backup(x.a.Path)
		if err != nil {
			return err
		}
		x.data["backup_file"] = name
	}
	dest, err := filepath.EvalSymlinks(x.a.Path)
	if err != nil {
		return modules.Failf("Error writing %s: %s", x.a.Path, oserr.Str(err, x.a.Path))
	}
	return x.m.WriteFile(x.ctx, dest, []byte(text), "", false)
}
