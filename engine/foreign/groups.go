package foreign

// This file reads the groups of actions that module_defaults may name.

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// InGroup reports whether an action is in a group of module_defaults
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_module_defaults.html#module-defaults-groups):
// full is the action's full name, group that of the group, which without a
// collection is ansible.builtin's. known says that the group and all that it
// extends are on the controller, where in is false.
func (f *Finder) InGroup(full, group string) (in, known bool) {
	if !strings.Contains(group, ".") {
		group = "ansible.builtin." + group
	}
	return f.inGroup(full, group, 0)
}

func (f *Finder) inGroup(full, group string, depth int) (in, known bool) {
	ns, col, rest, ok := splitName(group)
	if !ok || depth > maxRedirects {
		return false, false
	}
	members, known := f.routes(ns, col).ActionGroups[rest]
	for _, m := range members {
		if m.Name != "" && f.leads(qualified(m.Name, ns, col), full) {
			return true, true
		}
		for _, other := range m.Extends {
			in, there := f.inGroup(full, qualified(other, ns, col), depth+1)
			if in {
				return true, true
			}
			known = known && there
		}
	}
	return false, known
}

// leads reports whether an action's name stands for another, by redirects too.
func (f *Finder) leads(name, full string) bool {
	for range maxRedirects {
		if name == full {
			return true
		}
		ns, col, rest, ok := splitName(name)
		if !ok {
			return false
		}
		routing := f.routes(ns, col).PluginRouting
		to := routing["action"][rest].Redirect
		if to == "" {
			to = routing["modules"][rest].Redirect
		}
		if to == "" {
			return false
		}
		name = qualified(to, ns, col)
	}
	return false
}

// qualified gives a name without a collection that of ns.col.
func qualified(name, ns, col string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return ns + "." + col + "." + name
}

// A member of a group is an action, or says which other groups belong to it.
type member struct {
	Name    string
	Extends []string
}

// UnmarshalYAML reads a name, or {metadata: {extend_group: ...}}.
func (m *member) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&m.Name)
	}
	var o struct {
		Metadata struct {
			Extends yaml.Node `yaml:"extend_group"`
		} `yaml:"metadata"`
	}
	if err := n.Decode(&o); err != nil {
		return err
	}
	switch e := &o.Metadata.Extends; e.Kind {
	case yaml.ScalarNode:
		m.Extends = []string{e.Value}
	case yaml.SequenceNode:
		return e.Decode(&m.Extends)
	}
	return nil
}
