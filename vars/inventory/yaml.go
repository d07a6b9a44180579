package inventory

// This file reads inventories that are a tree of groups: YAML, JSON and TOML.

import (
	"fmt"

	"github.com/BurntSushi/toml"

	"gorun/templates"
)

// loadYAML parses the YAML file of b; nil where it is empty.
func loadYAML(b *Builder) (templates.Value, error) {
	data, err := b.inv.o.ReadFile(b.Source)
	if err != nil {
		return nil, err
	}
	if b.inv.o.ParseYAML == nil {
		return nil, fmt.Errorf("no YAML parser is set")
	}
	return b.inv.o.ParseYAML(data, b.Source)
}

func parseYAMLFile(b *Builder) error {
	v, err := loadYAML(b)
	if err != nil {
		return err
	}
	if !v.Truth() {
		return fmt.Errorf("Parsed empty YAML file")
	}
	d, ok := v.(*templates.Dict)
	if !ok {
		return fmt.Errorf("YAML inventory has invalid structure, it should be a dictionary, got: %s", className(v))
	}
	if p, ok := d.GetStr("plugin"); ok && p.Truth() {
		return fmt.Errorf("Plugin configuration YAML file, not YAML inventory")
	}
	for k, v := range d.All {
		name, ok := text(k)
		if !ok {
			return fmt.Errorf("Invalid group name %s of type %s: a group's name is a string", templates.StrOf(k, templates.Current), k.Type())
		}
		if _, err := (&treeParser{b: b}).group(name, v); err != nil {
			return err
		}
	}
	return nil
}

// className is how a message calls what v is.
func className(v templates.Value) string {
	switch v.(type) {
	case templates.Str, *templates.Text:
		return "<class 'ansible.parsing.yaml.objects.AnsibleUnicode'>"
	case *templates.List:
		return "<class 'ansible.parsing.yaml.objects.AnsibleSequence'>"
	case templates.NoneType:
		return "<class 'NoneType'>"
	}
	return "<class '" + v.Type() + "'>"
}

// text is the text of a key or a scalar.
func text(v templates.Value) (string, bool) {
	switch v := v.(type) {
	case templates.Str:
		return string(v), true
	case *templates.Text:
		return v.Src, true
	}
	return "", false
}

type treeParser struct {
	b *Builder
	// lists says that children may be a list of names, as in TOML.
	lists bool
	depth int
}

// maxTreeDepth bounds the nesting of groups.
const maxTreeDepth = 500

// group reads a group and what is in it, and returns the name that it got.
func (p *treeParser) group(name string, data templates.Value) (string, error) {
	if p.depth++; p.depth > maxTreeDepth {
		return "", fmt.Errorf("groups are nested more than %d deep", maxTreeDepth)
	}
	defer func() { p.depth-- }()
	d, isDict := data.(*templates.Dict)
	if !isDict && data != templates.Value(templates.None) {
		p.b.Warn(fmt.Sprintf("Skipping '%s' as this is not a valid group definition", name))
		return name, nil
	}
	group, err := p.b.AddGroup(name)
	if err != nil {
		return "", fmt.Errorf("Unable to add group %s: %s", name, err)
	}
	if !isDict {
		return group, nil
	}
	parts, err := p.sections(group, d)
	if err != nil {
		return "", err
	}
	for k := range d.All {
		key, _ := text(k)
		part, known := parts[key]
		if !known {
			if v, _, _ := d.Get(k); isMappingOrNone(v) {
				p.b.Warn(fmt.Sprintf("Skipping unexpected key (%s) in group (%s), only \"vars\", \"children\" and \"hosts\" are valid", templates.StrOf(k, templates.Current), group))
			} else {
				p.b.Warn(fmt.Sprintf("Skipping key (%s) in group (%s) as it is not a mapping, it is a %s", templates.StrOf(k, templates.Current), group, className(v)))
			}
			continue
		}
		if err := p.section(group, key, part); err != nil {
			return "", err
		}
	}
	return group, nil
}

func isMappingOrNone(v templates.Value) bool {
	switch v.(type) {
	case *templates.Dict, templates.NoneType:
		return true
	}
	return false
}

// sections returns the sections of a group as dicts; a lone string stands for
// a dict with that key.
func (p *treeParser) sections(group string, d *templates.Dict) (map[string]*templates.Dict, error) {
	parts := map[string]*templates.Dict{}
	for _, name := range []string{"vars", "children", "hosts"} {
		v, ok := d.GetStr(name)
		if !ok {
			continue
		}
		switch v := v.(type) {
		case *templates.Dict:
			parts[name] = v
		case templates.NoneType:
			parts[name] = &templates.Dict{}
		case *templates.List:
			if !p.lists || name != "children" {
				return nil, wrongSection(name, group, v)
			}
			parts[name] = templates.NewDict(v.Len())
			for _, e := range v.Elems {
				parts[name].SetStr(orText(e), templates.None)
			}
		default:
			s, ok := text(v)
			if !ok {
				return nil, wrongSection(name, group, v)
			}
			parts[name] = templates.NewDict(1)
			parts[name].SetStr(s, templates.None)
		}
	}
	return parts, nil
}

func wrongSection(name, group string, v templates.Value) error {
	return fmt.Errorf("Invalid \"%s\" entry for \"%s\" group, requires a dictionary, found \"%s\" instead.", name, group, className(v))
}

func (p *treeParser) section(group, name string, d *templates.Dict) error {
	for k, v := range d.All {
		key, isText := text(k)
		switch {
		case name == "vars":
			if !isText {
				key = templates.StrOf(k, templates.Current)
			}
			if err := p.b.SetGroupVar(group, key, v); err != nil {
				return err
			}
		case !isText:
			return fmt.Errorf("Host pattern %s must be a string. Enclose integers/floats in quotation marks.", templates.StrOf(k, templates.Current))
		case name == "children":
			child, err := p.group(key, v)
			if err != nil {
				return err
			}
			if err := p.b.AddChild(group, child); err != nil {
				return err
			}
		default:
			if err := p.host(group, key, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// host reads a host pattern with its variables.
func (p *treeParser) host(group, pattern string, v templates.Value) error {
	names, port, err := expandPattern(pattern)
	if err != nil {
		return err
	}
	vars := &templates.Dict{}
	if v.Truth() {
		d, ok := v.(*templates.Dict)
		if !ok {
			return fmt.Errorf("the variables of host %s are a %s, not a dictionary", pattern, v.Type())
		}
		vars = d
	}
	return p.b.addPattern(names, port, group, vars)
}

func parseTOMLFile(b *Builder) error {
	data, err := b.inv.o.ReadFile(b.Source)
	if err != nil {
		return err
	}
	var raw map[string]any
	meta, err := toml.Decode(string(data), &raw)
	if err != nil {
		return fmt.Errorf("TOML file (%s) is invalid: %w", b.Source, err)
	}
	if len(raw) == 0 {
		return fmt.Errorf("Parsed empty TOML file")
	}
	if raw["plugin"] != nil {
		return fmt.Errorf("Plugin configuration TOML file, not TOML inventory")
	}
	order := map[string]int{}
	for i, k := range meta.Keys() {
		order[k.String()] = i
	}
	root := tomlValue(raw, nil, order, b.Source).(*templates.Dict)
	for k, v := range root.All {
		name, _ := text(k)
		if _, err := (&treeParser{b: b, lists: true}).group(name, v); err != nil {
			return err
		}
	}
	return nil
}
