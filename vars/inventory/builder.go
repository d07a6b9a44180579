package inventory

// This file defines the Builder, through which parsers and plugins fill an
// inventory.

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gorun/templates"
)

// A Builder adds to an inventory while a source is read.
type Builder struct {
	inv *Inventory
	// Source is the file or list that is being read.
	Source string
}

// Options are those of Load.
func (b *Builder) Options() *Options { return &b.inv.o }

// Warn tells the user.
func (b *Builder) Warn(msg string) { b.inv.warn(msg) }

// HasHost reports whether there is such a host.
func (b *Builder) HasHost(name string) bool { return b.inv.hosts[name] != nil }

// HasGroup reports whether there is such a group.
func (b *Builder) HasGroup(name string) bool { return b.inv.groups[name] != nil }

// HostNames are the hosts so far, as they were first named.
func (b *Builder) HostNames() []string {
	names := make([]string, len(b.inv.order))
	for i, h := range b.inv.order {
		names[i] = h.Name
	}
	return names
}

// AddHost adds a host; a group that is not "" has to be there.
func (b *Builder) AddHost(name, group string) error {
	if name == "" {
		return fmt.Errorf("Invalid empty host name provided: %s", name)
	}
	var g *Group
	if group != "" {
		if g = b.inv.groups[group]; g == nil {
			return fmt.Errorf("Could not find group %s in inventory", group)
		}
	}
	h := b.inv.addHost(name, b.Source)
	if g != nil {
		b.inv.addMember(g, h)
	}
	return nil
}

var invalidGroupChar = regexp.MustCompile(`^[\d]|[^\pL\pN_]`)

// SafeGroupName replaces what a variable's name may not hold.
func SafeGroupName(name string) string {
	return invalidGroupChar.ReplaceAllString(name, "_")
}

// GroupName is name as the setting force_valid_group_names wants it; a
// character that no variable name has is warned of once.
func (b *Builder) GroupName(name string) string {
	if !invalidGroupChar.MatchString(name) {
		return name
	}
	switch b.inv.o.GroupChars {
	case "always":
		b.inv.warnOnce("Invalid characters were found in group names and automatically replaced, use -vvvv to see details")
		return SafeGroupName(name)
	case "silently":
		return SafeGroupName(name)
	case "ignore":
		return name
	}
	b.inv.warnOnce("Invalid characters were found in group names but not replaced, use -vvvv to see details")
	return name
}

// AddGroup adds a group and returns the name that it got.
func (b *Builder) AddGroup(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("Invalid empty/false group name provided: %s", name)
	}
	name = b.GroupName(name)
	b.inv.addGroup(name)
	return name, nil
}

// AddChild puts a host or a group into a group.
func (b *Builder) AddChild(group, child string) error {
	g := b.inv.groups[group]
	if g == nil {
		return fmt.Errorf("%s is not a known group", group)
	}
	if c := b.inv.groups[child]; c != nil {
		_, err := b.inv.addChild(g, c)
		return err
	}
	if h := b.inv.hosts[child]; h != nil {
		b.inv.addMember(g, h)
		return nil
	}
	return fmt.Errorf("%s is not a known host nor group", child)
}

// SetHostVar sets a variable of a host that is there.
func (b *Builder) SetHostVar(host, key string, v templates.Value) {
	b.checkName(key)
	b.inv.hosts[host].Vars.SetStr(key, v)
}

var variableName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// checkName tells of a variable's name that ansible-core 2.23 refuses.
func (b *Builder) checkName(name string) {
	if b.inv.o.Era == templates.Current && b.inv.o.Deprecate != nil && !variableName.MatchString(name) {
		b.inv.o.Deprecate(fmt.Sprintf("Accepting inventory variable with invalid name '%s'. This feature will be removed from ansible-core version 2.23.", name))
	}
}

// SetGroupVar sets a variable of a group that is there.
func (b *Builder) SetGroupVar(group, key string, v templates.Value) error {
	g := b.inv.groups[group]
	if key != "ansible_group_priority" {
		b.checkName(key)
		g.Vars.SetStr(key, v)
		return nil
	}
	text := strings.TrimSpace(templates.StrOf(v, templates.Current))
	n, err := strconv.Atoi(text)
	if err != nil && b.inv.o.Era == templates.Current {
		b.inv.warn(fmt.Sprintf("Invalid priority value '%s' for group '%s': the priority stays %d.", text, group, g.Priority))
		return nil
	}
	if err != nil {
		return fmt.Errorf("invalid literal for int() with base 10: '%s'", text)
	}
	g.Priority = n
	return nil
}

// addPattern adds the hosts of a pattern with its port and variables to a group.
func (b *Builder) addPattern(names []string, port int, group string, vars *templates.Dict) error {
	for _, name := range names {
		isNew := !b.HasHost(name)
		if err := b.AddHost(name, group); err != nil {
			return err
		}
		h := b.inv.hosts[name]
		if port >= 0 && isNew { // of a host that was named before the port says nothing
			h.Vars.SetStr("ansible_port", templates.Int(port))
		}
		for k, v := range vars.All {
			if s, ok := k.(templates.Str); ok {
				b.checkName(string(s))
				h.Vars.SetStr(string(s), v)
			}
		}
	}
	return nil
}
