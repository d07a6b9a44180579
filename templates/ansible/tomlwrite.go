package ansible

// This file holds the filter to_toml
// (https://docs.ansible.com/ansible/latest/collections/community/general/to_toml_filter.html).
// It writes TOML 1.0 (https://toml.io/en/v1.0.0) laid out as the Python library
// tomlkit does.

import (
	"fmt"
	"strings"

	"gorun/templates"
)

func filterToTOML(c *call) (value, error) {
	var v, redact value
	if len(c.Args) > 1 {
		return nil, raise(templates.TypeError, "to_toml() takes 1 positional argument but %d were given", len(c.Args))
	}
	if err := c.Unpack("to_toml", "value", &v, "redact_sensitive_values?", &redact); err != nil {
		return nil, err
	}
	m, ok := v.(templates.Mapping)
	if !ok {
		return nil, fail("to_toml only accepts dictionaries.")
	}
	root, err := newTOMLTable(m, false)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	root.write(&b, "")
	return str(b.String()), nil
}

// A tomlTable is a table as it is laid out: its own keys first, then the tables
// in it.
type tomlTable struct {
	pairs    []string // lines, without their ends
	children []tomlChild
}

// A tomlChild is a table in a table, or an array of tables.
type tomlChild struct {
	key    string
	tables []*tomlTable
	array  bool
	gap    bool // an empty line stands before it
}

// newTOMLTable lays a table out. An element of an array of tables has what is no
// table before what is.
func newTOMLTable(m templates.Mapping, element bool) (*tomlTable, error) {
	t := &tomlTable{}
	keys := m.Keys()
	if element {
		keys = tablesLast(m)
	}
	for _, k := range keys {
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		child, err := newTOMLChild(tomlKey(text(k)), v)
		if err != nil {
			return nil, err
		}
		if child != nil {
			child.gap = len(t.pairs)+len(t.children) > 0
			t.children = append(t.children, *child)
			continue
		}
		s, err := tomlInline(v)
		if err != nil {
			return nil, err
		}
		if len(t.children) > 0 && !t.children[0].array {
			t.children[0].gap = true // tomlkit moves the gap of an array to a place that is not written
		}
		t.pairs = append(t.pairs, tomlKey(text(k))+" = "+s)
	}
	return t, nil
}

// newTOMLChild is a table or an array of tables; nil is any other value.
func newTOMLChild(key string, v value) (*tomlChild, error) {
	if m, ok := v.(templates.Mapping); ok {
		t, err := newTOMLTable(m, false)
		return &tomlChild{key: key, tables: []*tomlTable{t}}, err
	}
	if !isSequence(v) {
		return nil, nil
	}
	elems := elemsOf(v)
	for _, e := range elems {
		if _, ok := e.(templates.Mapping); !ok {
			return nil, nil
		}
	}
	if len(elems) == 0 {
		return nil, nil
	}
	child := &tomlChild{key: key, array: true}
	for _, e := range elems {
		t, err := newTOMLTable(e.(templates.Mapping), true)
		if err != nil {
			return nil, err
		}
		child.tables = append(child.tables, t)
	}
	return child, nil
}

// tablesLast are the keys of m, those of mappings last.
func tablesLast(m templates.Mapping) []value {
	var plain, tables []value
	for _, k := range m.Keys() {
		v, _, _ := m.Get(k)
		if _, ok := v.(templates.Mapping); ok {
			tables = append(tables, k)
		} else {
			plain = append(plain, k)
		}
	}
	return append(plain, tables...)
}

func (t *tomlTable) empty() bool { return len(t.pairs)+len(t.children) == 0 }

// write writes the lines of a table whose name is path.
func (t *tomlTable) write(b *strings.Builder, path string) {
	for _, p := range t.pairs {
		b.WriteString(p + "\n")
	}
	for _, c := range t.children {
		name := c.key
		if path != "" {
			name = path + "." + c.key
		}
		for i, sub := range c.tables {
			if i == 0 && c.gap || i > 0 && !c.tables[i-1].empty() {
				b.WriteByte('\n')
			}
			switch {
			case c.array:
				b.WriteString("[[" + name + "]]\n")
			case len(sub.pairs) > 0 || sub.empty(): // a table of tables alone has no line of its own
				b.WriteString("[" + name + "]\n")
			}
			sub.write(b, name)
		}
	}
}

// tomlInline is a value behind its key, or in an array.
func tomlInline(v value) (string, error) {
	switch v := v.(type) {
	case *templates.Undefined:
		return "", v.Err()
	case templates.Bool:
		return strings.ToLower(text(v)), nil
	case templates.Int, *templates.BigInt, templates.Float:
		return text(v), nil
	case *templates.DateTime:
		return strings.Replace(isoFormat(v), "+00:00", "Z", 1), nil
	case templates.Mapping:
		return tomlPairs(v, v.Keys())
	}
	if s, ok := isText(v); ok {
		return tomlQuote(s), nil
	}
	if !isSequence(v) {
		return "", raise("ConvertError", "Unable to convert an object of %s to a TOML item", pyClass(v))
	}
	parts := make([]string, len(elemsOf(v)))
	for i, e := range elemsOf(v) {
		s, err := "", error(nil)
		if m, ok := e.(templates.Mapping); ok {
			s, err = tomlPairs(m, tablesLast(m))
		} else {
			s, err = tomlInline(e)
		}
		if err != nil {
			return "", err
		}
		parts[i] = s
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}

// tomlPairs is an inline table with its keys in an order.
func tomlPairs(m templates.Mapping, keys []value) (string, error) {
	parts := make([]string, len(keys))
	for i, k := range keys {
		v, _, err := m.Get(k)
		if err != nil {
			return "", err
		}
		s, err := tomlInline(v)
		if err != nil {
			return "", err
		}
		parts[i] = tomlKey(text(k)) + " = " + s
	}
	return "{" + strings.Join(parts, ", ") + "}", nil
}

// tomlKey is a key, quoted where it is no bare one.
func tomlKey(k string) string {
	bare := func(r rune) bool {
		return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if k == "" || strings.ContainsFunc(k, func(r rune) bool { return !bare(r) }) {
		return tomlQuote(k)
	}
	return k
}

// tomlQuote is a basic string.
func tomlQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch i := strings.IndexRune("\b\t\n\f\r\"\\", r); {
		case i >= 0:
			b.WriteString(`\` + `btnfr"\`[i:i+1])
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
