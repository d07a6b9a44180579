package inventory

// This file hands the inventory to plugins that are not gorun's own, and takes
// over what they made of it.

import (
	"errors"
	"fmt"

	"gorun/templates"
)

// A ForeignFunc runs a plugin that is not gorun's own on the source of b. auto
// says that the source names it itself. The error is a *[NoPluginError] where
// there is no such plugin and [ErrDeclined] where it does not want the source.
type ForeignFunc func(b *Builder, name string, auto bool) error

// ErrDeclined says that a plugin does not want a source.
var ErrDeclined = errors.New("the inventory plugin does not want the source")

// A NoPluginError says that there is no such plugin.
type NoPluginError struct {
	Need string // what would bring it; "" where that is not known
}

func (e *NoPluginError) Error() string { return "there is no such inventory plugin" + e.need() }

func (e *NoPluginError) need() string {
	if e.Need == "" {
		return ""
	}
	return ": " + e.Need
}

// foreign runs a plugin that is not gorun's own.
func (b *Builder) foreign(name string, auto bool) error {
	if b.inv.o.Foreign == nil {
		return &NoPluginError{}
	}
	return b.inv.o.Foreign(b, name, auto)
}

// State is the inventory so far: groups (name, vars, priority, children,
// hosts) and hosts (name, vars, file), in order.
func (b *Builder) State() *templates.Dict { return b.inv.state() }

func (inv *Inventory) state() *templates.Dict {
	groups, hosts := templates.NewList(), templates.NewList()
	for _, g := range inv.gorder {
		d := templates.NewDict(5)
		d.SetStr("name", templates.Str(g.Name))
		d.SetStr("vars", g.Vars)
		d.SetStr("priority", templates.Int(g.Priority))
		children, members := templates.NewList(), templates.NewList()
		for _, c := range g.children {
			children.Elems = append(children.Elems, templates.Str(c.Name))
		}
		for _, h := range g.hosts {
			if !g.member[h] {
				continue
			}
			members.Elems = append(members.Elems, templates.Str(h.Name))
		}
		d.SetStr("children", children)
		d.SetStr("hosts", members)
		groups.Elems = append(groups.Elems, d)
	}
	for _, h := range inv.order {
		d := templates.NewDict(3)
		d.SetStr("name", templates.Str(h.Name))
		d.SetStr("vars", h.Vars)
		d.SetStr("file", templates.Str(h.File))
		hosts.Elems = append(hosts.Elems, d)
	}
	state := templates.NewDict(2)
	state.SetStr("groups", groups)
	state.SetStr("hosts", hosts)
	return state
}

// State is the inventory as [Builder.State] has it.
func (inv *Inventory) State() *templates.Dict {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.state()
}

// Apply takes over a state that a plugin left: all hosts and groups that are
// to be there, and those of their variables that are new. What the state does
// not have any more is removed.
func (b *Builder) Apply(state *templates.Dict) error {
	groups, hosts := entries(state, "groups"), entries(state, "hosts")
	b.keep(groups, hosts)
	for _, e := range groups {
		name := entryText(e)
		b.inv.addGroup(name) // the plugin made a valid name of it, where it is to be one
		for k, v := range entryVars(e) {
			if err := b.SetGroupVar(name, k, v); err != nil {
				return err
			}
		}
		if n, ok := e.GetStr("priority"); ok {
			if n, ok := n.(templates.Int); ok {
				b.inv.groups[name].Priority = int(n)
			}
		}
	}
	for _, e := range hosts {
		name := entryText(e)
		if err := b.AddHost(name, ""); err != nil {
			return err
		}
		for k, v := range entryVars(e) {
			b.SetHostVar(name, k, v)
		}
	}
	for _, e := range groups {
		g := b.inv.groups[entryText(e)]
		for _, child := range entryList(e, "children") {
			c := b.inv.groups[child]
			if c == nil {
				return fmt.Errorf("%s is not a known host nor group", child)
			}
			if _, err := b.inv.addChild(g, c); err != nil {
				return err
			}
		}
		for _, host := range entryList(e, "hosts") {
			h := b.inv.hosts[host]
			if h == nil {
				return fmt.Errorf("%s is not a known host nor group", host)
			}
			b.inv.addMember(g, h)
		}
	}
	return nil
}

// keep removes hosts and groups that are not among those given, and hosts from
// groups that have them no more.
func (b *Builder) keep(groups, hosts []*templates.Dict) {
	inv := b.inv
	stay := map[string]bool{}
	for _, e := range hosts {
		stay[entryText(e)] = true
	}
	members := map[string]map[string]bool{}
	for _, e := range groups {
		m := map[string]bool{}
		for _, h := range entryList(e, "hosts") {
			m[h] = true
		}
		members[entryText(e)] = m
	}
	for _, h := range append([]*Host(nil), inv.order...) {
		if !stay[h.Name] {
			inv.removeHost(h)
		}
	}
	for _, g := range append([]*Group(nil), inv.gorder...) {
		m, ok := members[g.Name]
		if !ok {
			inv.removeGroup(g)
			continue
		}
		for _, h := range append([]*Host(nil), g.hosts...) {
			if !m[h.Name] {
				inv.removeMember(g, h)
			}
		}
	}
}

func entries(state *templates.Dict, key string) []*templates.Dict {
	v, _ := state.GetStr(key)
	l, ok := v.(*templates.List)
	if !ok {
		return nil
	}
	var out []*templates.Dict
	for _, e := range l.Elems {
		if d, ok := e.(*templates.Dict); ok {
			out = append(out, d)
		}
	}
	return out
}

func entryText(e *templates.Dict) string {
	v, _ := e.GetStr("name")
	return orText(v)
}

func entryVars(e *templates.Dict) func(func(string, templates.Value) bool) {
	return func(yield func(string, templates.Value) bool) {
		v, _ := e.GetStr("vars")
		d, ok := v.(*templates.Dict)
		if !ok {
			return
		}
		for k, v := range d.All {
			if !yield(orText(k), v) {
				return
			}
		}
	}
}

func entryList(e *templates.Dict, key string) []string {
	v, _ := e.GetStr(key)
	l, ok := v.(*templates.List)
	if !ok {
		return nil
	}
	out := make([]string, len(l.Elems))
	for i, e := range l.Elems {
		out[i] = orText(e)
	}
	return out
}
