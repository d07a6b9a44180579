package inventory

// This file keeps the graph of groups and hosts. Callers hold inv.mu, or are
// the loader, which nobody else sees yet.

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"gorun/templates"
)

// addGroup returns the group called name, made where there is none.
func (inv *Inventory) addGroup(name string) *Group {
	if g := inv.groups[name]; g != nil {
		return g
	}
	g := &Group{Name: name, Vars: &templates.Dict{}, Priority: 1, member: map[*Host]bool{}, seq: len(inv.gorder)}
	inv.groups[name] = g
	inv.gorder = append(inv.gorder, g)
	inv.version++
	return g
}

func (inv *Inventory) ensureGroup(name string) (g *Group, isNew bool) {
	if g := inv.groups[name]; g != nil {
		return g, false
	}
	return inv.addGroup(name), true
}

// addHost returns the host called name, made where there is none.
func (inv *Inventory) addHost(name, source string) *Host {
	if h := inv.hosts[name]; h != nil {
		return h
	}
	h := &Host{Name: name, Vars: &templates.Dict{}, File: source, seq: len(inv.order)}
	inv.hosts[name] = h
	inv.order = append(inv.order, h)
	inv.version++
	if isLocalName(name) {
		if inv.local == nil {
			inv.local = h
		} else {
			inv.warn(fmt.Sprintf("A duplicate localhost-like entry was found (%s). First found localhost was %s", name, inv.local.Name))
		}
	}
	return h
}

// addMember puts h into g itself.
func (inv *Inventory) addMember(g *Group, h *Host) bool {
	if g.member[h] {
		return false
	}
	g.member[h] = true
	g.hosts = append(g.hosts, h)
	h.groups = append(h.groups, g)
	inv.version++
	return true
}

func (inv *Inventory) removeMember(g *Group, h *Host) {
	if !g.member[h] {
		return
	}
	delete(g.member, h)
	inv.version++
	for i, e := range h.groups {
		if e == g {
			h.groups = append(h.groups[:i:i], h.groups[i+1:]...)
			break
		}
	}
}

// addChild puts child under parent; loops are an error.
func (inv *Inventory) addChild(parent, child *Group) (added bool, err error) {
	if parent == child {
		return false, fmt.Errorf("can't add group to itself")
	}
	for _, c := range parent.children {
		if c == child {
			return false, nil
		}
	}
	if isAncestor(child, parent) {
		return false, fmt.Errorf("Adding group '%s' as child to '%s' creates a recursive dependency loop.", child.Name, parent.Name)
	}
	parent.children = append(parent.children, child)
	child.parents = append(child.parents, parent)
	inv.version++
	inv.deepen(child, parent.Depth+1)
	return true, nil
}

// isAncestor reports whether a is above g.
func isAncestor(a, g *Group) bool {
	seen := map[*Group]bool{}
	var above func(g *Group) bool
	above = func(g *Group) bool {
		for _, p := range g.parents {
			if p == a {
				return true
			}
			if !seen[p] {
				seen[p] = true
				if above(p) {
					return true
				}
			}
		}
		return false
	}
	return above(g)
}

// deepen makes g at least depth deep, and what is below it deeper.
func (inv *Inventory) deepen(g *Group, depth int) {
	if g.Depth >= depth {
		return
	}
	g.Depth = depth
	for _, c := range g.children {
		inv.deepen(c, depth+1)
	}
}

// reconcile puts groups without a parent under all and hosts without a group
// into ungrouped, and takes grouped hosts out of ungrouped.
func (inv *Inventory) reconcile() error {
	if err := inv.adopt(); err != nil {
		return err
	}
	ungrouped := inv.groups["ungrouped"]
	for _, h := range inv.order {
		switch grouped := inv.isGrouped(h); {
		case grouped && ungrouped.member[h]:
			inv.removeMember(ungrouped, h)
		case !grouped:
			inv.addMember(ungrouped, h)
		}
	}
	if len(ungrouped.hosts) != len(ungrouped.member) {
		ungrouped.squeeze()
	}
	return nil
}

// adopt puts groups without a parent under all. The error is for one that a
// source has put above all.
func (inv *Inventory) adopt() error {
	all := inv.groups["all"]
	for _, g := range inv.gorder {
		if g != all && len(g.parents) == 0 {
			if _, err := inv.addChild(all, g); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle is reconcile for one host.
func (inv *Inventory) settle(h *Host) {
	ungrouped := inv.groups["ungrouped"]
	switch grouped := inv.isGrouped(h); {
	case grouped && ungrouped.member[h]:
		inv.removeMember(ungrouped, h)
		ungrouped.squeeze()
	case !grouped && !h.Implicit:
		inv.addMember(ungrouped, h)
	}
}

// isGrouped reports whether h is in a group other than all and ungrouped, be
// it only because that group holds ungrouped.
func (inv *Inventory) isGrouped(h *Host) bool {
	for _, g := range h.groups {
		if g.Name != "all" && (g.Name != "ungrouped" || slices.ContainsFunc(g.parents, func(p *Group) bool { return p.Name != "all" })) {
			return true
		}
	}
	return false
}

// squeeze drops the hosts that are no members any more.
func (g *Group) squeeze() {
	kept := make([]*Host, 0, len(g.member))
	for _, h := range g.hosts {
		if g.member[h] {
			kept = append(kept, h)
		}
	}
	g.hosts = kept
}

// freshen drops what was computed for a former version.
func (inv *Inventory) freshen() {
	if inv.cacheVersion == inv.version && inv.members != nil {
		return
	}
	inv.cacheVersion = inv.version
	inv.members, inv.names = map[string][]*Host{}, map[string][]string{}
	inv.matches, inv.chains = map[string][]*Host{}, map[string][]*Group{}
}

// groupHosts returns the hosts of g and of the groups below it, level by
// level, each once. The slice is shared.
func (inv *Inventory) groupHosts(g *Group) []*Host {
	inv.freshen()
	if hosts, ok := inv.members[g.Name]; ok {
		return hosts
	}
	var hosts []*Host
	seen := map[*Host]bool{}
	for _, d := range descendants(g) {
		for _, h := range d.hosts {
			if !seen[h] && !(g.Name == "all" && h.Implicit) {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	inv.members[g.Name] = hosts
	return hosts
}

// descendants are g and the groups below it, level by level.
func descendants(g *Group) []*Group {
	list := []*Group{g}
	seen := map[*Group]bool{g: true}
	for i := 0; i < len(list); i++ {
		for _, c := range list[i].children {
			if !seen[c] {
				seen[c] = true
				list = append(list, c)
			}
		}
	}
	return list
}

// hostGroups computes what HostGroups answers.
func (inv *Inventory) hostGroups(h *Host) []*Group {
	if h.version == inv.version {
		return h.sorted
	}
	inv.freshen()
	var key strings.Builder
	for _, g := range h.groups {
		key.WriteString(g.Name)
		key.WriteByte(0)
	}
	chain, ok := inv.chains[key.String()]
	if !ok {
		chain = ancestry(h.groups, inv.groups["all"])
		inv.chains[key.String()] = chain
	}
	h.sorted, h.version = chain, inv.version
	return chain
}

// ancestry returns groups and what is above them, and all where it is given, in
// the order in which variables override each other. While sources are read
// all is above those groups only that a source has put under it.
func ancestry(groups []*Group, all *Group) []*Group {
	var list []*Group
	seen := map[*Group]bool{}
	if all != nil {
		list, seen[all] = []*Group{all}, true
	}
	var add func(g *Group)
	add = func(g *Group) {
		if seen[g] {
			return
		}
		seen[g] = true
		list = append(list, g)
		for _, p := range g.parents {
			add(p)
		}
	}
	for _, g := range groups {
		add(g)
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch {
		case a.Depth != b.Depth:
			return a.Depth < b.Depth
		case a.Priority != b.Priority:
			return a.Priority < b.Priority
		}
		return a.Name < b.Name
	})
	return list
}

// removeHost takes a host out of the inventory.
func (inv *Inventory) removeHost(h *Host) {
	for _, g := range inv.gorder {
		inv.removeMember(g, h)
	}
	delete(inv.hosts, h.Name)
	inv.order = slices.DeleteFunc(inv.order, func(o *Host) bool { return o == h })
	for i, o := range inv.order {
		o.seq = i
	}
	if inv.local == h {
		inv.local = nil
	}
	inv.version++
}

// removeGroup takes a group out of the inventory.
func (inv *Inventory) removeGroup(g *Group) {
	for _, h := range slices.Clone(g.hosts) {
		inv.removeMember(g, h)
	}
	for _, o := range inv.gorder {
		o.children = slices.DeleteFunc(o.children, func(c *Group) bool { return c == g })
		o.parents = slices.DeleteFunc(o.parents, func(c *Group) bool { return c == g })
	}
	delete(inv.groups, g.Name)
	inv.gorder = slices.DeleteFunc(inv.gorder, func(o *Group) bool { return o == g })
	for i, o := range inv.gorder {
		o.seq = i
	}
	inv.version++
}
