package vars

// This file gives ansible-inventory's views the variables of files.

import (
	"gorun/templates"
	"gorun/vars/inventory"
)

// Exporter shows the manager's inventory as ansible-inventory does; with
// export the variables of groups stay with the groups. What groups and, with
// export, hosts have of their own comes from files beside playbooks only where
// the user named the folder: asked.
func (m *Manager) Exporter(export, asked bool) *inventory.Exporter {
	return &inventory.Exporter{
		Inv: m.o.Inventory, Export: export, Current: m.o.Era >= templates.Current,
		HostVars: func(h *inventory.Host) (*templates.Dict, error) {
			if export {
				return m.ownVars(h, asked)
			}
			return m.allVars(h)
		},
		GroupVars: func(g *inventory.Group) (*templates.Dict, error) { return m.groupVars(g, asked) },
	}
}

// allVars are the variables of a host as a play without variables sees them.
func (m *Manager) allVars(h *inventory.Host) (*templates.Dict, error) {
	st := m.state(h.Name)
	c := m.chainOf(st)
	if c.err != nil {
		return nil, c.err
	}
	m.loadFacts(st)
	d := templates.NewDict(0)
	for _, l := range c.group.layers {
		m.update(d, l.Dict)
	}
	m.update(d, c.vars)
	st.mu.RLock()
	defer st.mu.RUnlock()
	if st.added != nil {
		m.update(d, st.added)
	}
	for _, l := range c.files {
		m.update(d, l.Dict)
	}
	learned := []*templates.Dict{st.included, st.setFacts, m.o.Extra}
	if m.o.InjectFacts {
		learned = append([]*templates.Dict{st.injected}, learned...)
	}
	for _, l := range learned {
		if l != nil {
			m.update(d, l)
		}
	}
	return d, nil
}

// ownVars are the variables of a host itself; beside are those of files beside
// playbooks among them.
func (m *Manager) ownVars(h *inventory.Host, beside bool) (*templates.Dict, error) {
	c := m.chainOf(m.state(h.Name))
	if c.err != nil {
		return nil, c.err
	}
	d := m.update(nil, c.vars)
	for _, l := range c.files {
		if beside || l.Kind != PlaybookHost {
			m.update(d, l.Dict)
		}
	}
	return d, nil
}

// groupVars are the variables of a group itself; beside are those of files
// beside playbooks among them.
func (m *Manager) groupVars(g *inventory.Group, beside bool) (*templates.Dict, error) {
	c := &groupChain{}
	groups := []*inventory.Group{g}
	m.addFiles(c, InventoryGroup, m.o.InventoryDirs, groups)
	if beside {
		m.addFiles(c, PlaybookGroup, m.o.PlaybookDirs, groups)
	}
	d := m.update(nil, g.Vars)
	for _, l := range c.layers {
		m.update(d, l.Dict)
	}
	return d, c.err
}

// InjectsFacts reports whether facts are variables of their own too
// (inject_facts_as_vars).
func (m *Manager) InjectsFacts() bool { return m.o.InjectFacts }

// Injected reports whether name is a variable of host because a fact is.
func (m *Manager) Injected(host, name string) bool {
	if !m.o.InjectFacts || name == "ansible_facts" || name == "ansible_local" {
		return false
	}
	st := m.state(host)
	st.mu.RLock()
	defer st.mu.RUnlock()
	if st.injected == nil {
		return false
	}
	_, ok := st.injected.GetStr(name)
	return ok
}
