package ansible

// This file holds the filters of data formats.

import (
	"encoding/base64"
	"errors"
	"strings"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

var dataFilters = table{
	"to_json": filterToJSON, "to_nice_json": filterToNiceJSON, "from_json": filterFromJSON,
	"to_yaml": filterToYAML, "to_nice_yaml": filterToNiceYAML, "from_yaml": filterFromYAML, "from_yaml_all": filterFromYAMLAll,
	"b64encode": filterB64encode, "b64decode": filterB64decode,
	"bool": filterBool, "ternary": filterTernary, "mandatory": filterMandatory, "type_debug": filterTypeDebug,
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/to_json_filter.html
func filterToJSON(c *call) (value, error) {
	own, rest := keep(c, "a", "value")
	var a value
	if err := own.Unpack("to_json", "a", &a); err != nil {
		return nil, err
	}
	return dumpJSON(a, jsonStyle{item: ", ", key: ": ", byText: c.State.Era() == templates.Current}, rest)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/to_nice_json_filter.html
func filterToNiceJSON(c *call) (value, error) {
	own, rest := keep(c, "a", "indent", "sort_keys")
	var a, indent, sort value = nil, templates.Int(4), templates.Bool(true)
	if err := own.Unpack("to_nice_json", "a", &a, "indent?", &indent, "sort_keys?", &sort); err != nil {
		return nil, err
	}
	rest = append(rest, templates.Kwarg{Name: "indent", Value: indent}, templates.Kwarg{Name: "sort_keys", Value: sort},
		templates.Kwarg{Name: "separators", Value: templates.Tuple{str(","), str(": ")}})
	return dumpJSON(a, jsonStyle{item: ",", key: ": ", byText: c.State.Era() == templates.Current}, rest)
}

func dumpJSON(v value, w jsonStyle, options []templates.Kwarg) (value, error) {
	separators := false
	for _, k := range options {
		switch k.Name {
		case "indent":
			if given(k.Value) {
				w.pretty = true
				if n, ok := integer(k.Value); ok {
					w.indent = strings.Repeat(" ", int(min(max(n, 0), 1000)))
				} else {
					w.indent = text(k.Value)
				}
				if !separators {
					w.item = ","
				}
			}
		case "sort_keys":
			w.sortKeys = k.Value.Truth()
		case "ensure_ascii":
			w.unicode = !k.Value.Truth()
		case "allow_nan":
			w.noNaN = !k.Value.Truth()
		case "skipkeys":
			w.skipKeys = k.Value.Truth()
		case "separators":
			if s := elemsOf(k.Value); isSequence(k.Value) && len(s) == 2 {
				w.item, w.key, separators = text(s[0]), text(s[1]), true
			}
		case "vault_to_text", "preprocess_unsafe", "check_circular":
		default:
			return nil, raise(templates.TypeError, "JSONEncoder.__init__() got an unexpected keyword argument '%s'", k.Name)
		}
	}
	b, err := w.append(nil, v, 0)
	return str(string(b)), err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/from_json_filter.html
func filterFromJSON(c *call) (value, error) {
	var v value
	if err := c.Unpack("loads", "s", &v); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if b, isBytes := v.(templates.Bytes); isBytes {
		s, ok = string(b), true
	}
	if !ok {
		return nil, raise(templates.TypeError, "the JSON object must be str, bytes or bytearray, not %s", v.Type())
	}
	return parseJSON(s)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/to_yaml_filter.html
func filterToYAML(c *call) (value, error) {
	own, rest := keep(c, "a")
	var a value
	var unused []value // what follows by position is not looked at
	if err := own.Unpack("to_yaml", "a", &a, "*args", &unused); err != nil {
		return nil, err
	}
	return dumpYAML(c, "to_yaml", a, YAMLOptions{}, rest)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/to_nice_yaml_filter.html
func filterToNiceYAML(c *call) (value, error) { return niceYAML(c, 4) }

// filterGeneralNiceYAML is that of community.general, which indents by two
// (https://docs.ansible.com/ansible/latest/collections/community/general/to_nice_yaml_filter.html).
func filterGeneralNiceYAML(c *call) (value, error) { return niceYAML(c, 2) }

func niceYAML(c *call, indent int) (value, error) {
	own, rest := keep(c, "a", "indent")
	var a, by value
	var unused []value
	if err := own.Unpack("to_nice_yaml", "a", &a, "indent?", &by, "*args", &unused); err != nil {
		return nil, err
	}
	if by != nil {
		rest = append(rest, templates.Kwarg{Name: "indent", Value: by})
	}
	return dumpYAML(c, "to_nice_yaml", a, Block(indent), rest)
}

// dumpYAML dumps with the options of a filter, whose name 2.14 puts before errors.
func dumpYAML(c *call, name string, v value, o YAMLOptions, options []templates.Kwarg) (value, error) {
	old := c.State.Era() != templates.Current
	s, err := "", yamlOptions(&o, old && name == "to_nice_yaml", options)
	if err == nil {
		s, err = DumpYAML(v, o)
	}
	var te *templates.Error
	if old && err != nil && (!errors.As(err, &te) || te.Kind != templates.UndefinedError) {
		return nil, fail("%s - %s", name, err)
	}
	return str(s), err
}

// yamlOptions reads the options of yaml.dump; where the style of collections
// is taken it cannot be given.
func yamlOptions(o *YAMLOptions, styled bool, options []templates.Kwarg) error {
	for _, k := range options {
		n, isInt := integer(k.Value)
		f, isNumber := number(k.Value)
		taken := k.Name == "allow_unicode" || k.Name == "Dumper" || k.Name == "default_flow_style" && styled
		if taken {
			return raise(templates.TypeError, "yaml.dump() got multiple values for keyword argument '%s'", k.Name)
		}
		if (k.Name == "indent" || k.Name == "width") && given(k.Value) && !isNumber {
			return raise(templates.TypeError, "an integer is required")
		}
		switch k.Name {
		case "default_flow_style":
			if o.Flow = nil; given(k.Value) {
				on := k.Value.Truth()
				o.Flow = &on
			}
		case "indent":
			o.Indent = int(n)
		case "width":
			if o.Width = int(n); !isInt && f > 1e9 {
				o.Width = -1
			}
		case "sort_keys":
			o.KeepOrder = !k.Value.Truth()
		case "explicit_start":
			o.ExplicitStart = k.Value.Truth()
		case "explicit_end":
			o.ExplicitEnd = k.Value.Truth()
		case "default_style":
			if o.Style = ""; given(k.Value) {
				o.Style = text(k.Value)
			}
		case "version":
			if parts := elemsOf(k.Value); len(parts) == 2 {
				o.Directives = append([]string{"%YAML " + text(parts[0]) + "." + text(parts[1])}, o.Directives...)
			}
		case "tags":
			if m, ok := k.Value.(templates.Mapping); ok {
				for _, handle := range m.Keys() {
					prefix, _, err := m.Get(handle)
					if err != nil {
						return err
					}
					o.Directives = append(o.Directives, "%TAG "+text(handle)+" "+text(prefix))
				}
			}
		case "canonical":
			o.Canonical = k.Value.Truth()
		case "line_break":
			if s, ok := isText(k.Value); ok && (s == "\r" || s == "\r\n") {
				o.LineBreak = s
			}
		case "encoding", "vault_behavior", "dump_vault_tags":
		default:
			return raise(templates.TypeError, "dump_all() got an unexpected keyword argument '%s'", k.Name)
		}
	}
	return nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/from_yaml_filter.html
func filterFromYAML(c *call) (value, error) {
	var v value
	if err := c.Unpack("from_yaml", "data", &v); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return v, nil
	}
	v, err := pyyaml.Parse([]byte(s), unnamedYAML, pyyaml.Options{})
	return v, yamlProblem(s, err, false)
}

// unnamedYAML is what PyYAML calls a text that is no file.
const unnamedYAML = "<unicode string>"

// yamlProblem words an error of a YAML text as PyYAML does; many says that it may
// have several documents.
func yamlProblem(text string, err error, many bool) error {
	var bad *pyyaml.Error
	if !errors.As(err, &bad) {
		return err
	}
	msg := pyyaml.CLibrary(text, unnamedYAML, many)
	if msg == "" { // what it reads and does not take
		msg = bad.Shown(unnamedYAML)
	}
	return raise("YAMLError", "%s", msg)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/from_yaml_all_filter.html
func filterFromYAMLAll(c *call) (value, error) {
	var v value
	if err := c.Unpack("from_yaml_all", "data", &v); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return v, nil
	}
	docs, err := pyyaml.ParseAll([]byte(s), unnamedYAML, pyyaml.Options{})
	return list(docs), yamlProblem(s, err, true)
}

// urlsafeParams are the parameters of the filters of base64; the last, urlsafe,
// came after 2.14.
func urlsafeParams(c *call, params ...any) []any {
	if c.State.Era() != templates.Current {
		return params[:len(params)-2]
	}
	return params
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/b64encode_filter.html
func filterB64encode(c *call) (value, error) {
	var v, urlsafe value
	encoding := "utf-8"
	if err := c.Unpack("b64encode", urlsafeParams(c, "string", &v, "encoding?", &encoding, "urlsafe?", &urlsafe)...); err != nil {
		return nil, err
	}
	b, err := encode(text(v), encoding)
	if truth(urlsafe) {
		return str(base64.URLEncoding.EncodeToString(b)), err
	}
	return str(base64.StdEncoding.EncodeToString(b)), err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/b64decode_filter.html
func filterB64decode(c *call) (value, error) {
	var v, urlsafe value
	encoding := "utf-8"
	if err := c.Unpack("b64decode", urlsafeParams(c, "string", &v, "encoding?", &encoding, "urlsafe?", &urlsafe)...); err != nil {
		return nil, err
	}
	code := text(v)
	if truth(urlsafe) {
		code = strings.NewReplacer("-", "+", "_", "/").Replace(code)
	}
	b, err := looseBase64(code)
	if err != nil {
		return nil, err
	}
	s, err := decode(b, encoding)
	return str(s), err
}

// looseBase64 decodes as Python's b64decode without validation: characters
// outside the alphabet are passed over.
func looseBase64(s string) ([]byte, error) {
	clean := make([]byte, 0, len(s))
	pads := 0
	for _, ch := range []byte(s) {
		switch {
		case ch >= 'A' && ch <= 'Z', ch >= 'a' && ch <= 'z', ch >= '0' && ch <= '9', ch == '+', ch == '/':
			clean = append(clean, ch)
			pads = 0
		case ch == '=':
			pads++
		}
		if len(clean)%4 >= 2 && len(clean)%4+pads >= 4 {
			break
		}
	}
	switch n := len(clean); {
	case n%4 == 1:
		return nil, raise("Error", "Invalid base64-encoded string: number of data characters (%d) cannot be 1 more than a multiple of 4", n)
	case n%4 != 0 && n%4+pads < 4:
		return nil, raise("Error", "Incorrect padding")
	}
	return base64.RawStdEncoding.DecodeString(string(clean))
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/bool_filter.html
func filterBool(c *call) (value, error) {
	var v value
	if err := c.Unpack("to_bool", "a", &v); err != nil {
		return nil, err
	}
	if v == templates.None && c.State.Era() == templates.Current {
		return templates.Bool(false), nil
	}
	switch v := v.(type) {
	case templates.NoneType, templates.Bool:
		return v, nil
	case templates.Float, templates.Int:
		return templates.Bool(templates.Equal(v, templates.Int(1))), nil
	}
	s, _ := isText(v)
	for _, w := range []string{"yes", "on", "1", "true"} {
		if strings.ToLower(s) == w {
			return templates.Bool(true), nil
		}
	}
	return templates.Bool(false), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ternary_filter.html
func filterTernary(c *call) (value, error) {
	var v, yes, no, none value
	if err := c.Unpack("ternary", "value", &v, "true_val", &yes, "false_val", &no, "none_val?", &none); err != nil {
		return nil, err
	}
	switch {
	case v == templates.None && given(none):
		return none, nil
	case v.Truth():
		return yes, nil
	}
	return no, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/mandatory_filter.html
func filterMandatory(c *call) (value, error) {
	var v, msg value
	if err := c.Unpack("mandatory", "a", &v, "msg?", &msg); err != nil {
		return nil, err
	}
	u, ok := v.(*templates.Undefined)
	if !ok {
		return v, nil
	}
	if given(msg) {
		return nil, fail("%s", text(msg))
	}
	name := ""
	if u.Name != "" {
		name = repr(str(u.Name)) + " "
		if c.State.Era() != templates.Current {
			name += " " // as Ansible printed it in those days
		}
	}
	return nil, fail("Mandatory variable %snot defined.", name)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/type_debug_filter.html
func filterTypeDebug(c *call) (value, error) {
	var v value
	if err := c.Unpack("type_debug", "obj", &v); err != nil {
		return nil, err
	}
	if c.State.Era() == templates.Current && templates.IsUndefined(v) {
		return str("UndefinedMarker"), nil
	}
	return str(v.Type()), nil
}
