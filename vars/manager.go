package vars

// This file keeps the variables of a run.

import (
	"slices"
	"strings"
	"sync"

	"gorun/templates"
	"gorun/vars/inventory"
)

// A Manager keeps the variables of a run; it is safe for concurrent use.
type Manager struct {
	o     Options
	files *fileCache

	mu    sync.RWMutex
	hosts map[string]*hostState

	// What belongs to one version of the inventory.
	chainMu sync.Mutex
	version uint64
	chains  map[**inventory.Group]*groupChain
	groups  map[string]templates.Value // the items of the variable groups
}

// hostState is what a run learned about one host, and its cached layers.
type hostState struct {
	name string

	mu sync.RWMutex
	// facts are as modules gave them, injected those that may become variables
	// and namespaced what ansible_facts shows; all three are frozen.
	facts, injected, namespaced *templates.Dict
	factsLoaded                 bool // from the cache
	// The dicts below change in place, under mu.
	setFacts, included, added *templates.Dict
	includedFrom              map[string]string

	chain *hostChain
}

// hostChain is the layers of the inventory for one host.
type hostChain struct {
	version uint64
	group   *groupChain
	host    *inventory.Host
	vars    *templates.Dict // of the inventory source
	files   []Layer         // host_vars, lowest first
	names   templates.Value // group_names
	err     error
}

// groupChain is the layers of the groups that hosts share, lowest first.
type groupChain struct {
	layers []Layer
	names  templates.Value
	err    error
}

// New returns a manager.
func New(o Options) *Manager {
	if o.Extra == nil {
		o.Extra = &templates.Dict{}
	}
	if o.Engine == nil {
		o.Engine = templates.New(templates.Options{Era: o.Era, Undefined: templates.StrictUndefined})
	}
	return &Manager{o: o, files: newFileCache(o.LoadVars), hosts: map[string]*hostState{}}
}

// state returns what is known of a host.
func (m *Manager) state(host string) *hostState {
	m.mu.RLock()
	st := m.hosts[host]
	m.mu.RUnlock()
	if st != nil {
		return st
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if st = m.hosts[host]; st == nil {
		st = &hostState{name: host}
		m.hosts[host] = st
	}
	return st
}

// SetNonpersistent sets variables at the level of set_fact and register, where
// no former value is merged even with MergeHashes.
func (m *Manager) SetNonpersistent(host string, vars *templates.Dict) {
	st := m.state(host)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.setFacts == nil {
		st.setFacts = templates.NewDict(vars.Len())
	}
	for k, v := range vars.All {
		st.setFacts.Set(k, v) // k was a key: it has a hash
	}
}

// SetIncluded sets variables at the level of include_vars.
func (m *Manager) SetIncluded(host string, vars *templates.Dict, source string) {
	st := m.state(host)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.included = m.update(st.included, vars)
	if st.includedFrom == nil {
		st.includedFrom = map[string]string{}
	}
	for k := range vars.All {
		if s, ok := k.(templates.Str); ok {
			st.includedFrom[string(s)] = source
		}
	}
}

// AddHostVars sets the variables that add_host gave, at the level of the
// inventory's own host vars. It reports whether one of them is new.
func (m *Manager) AddHostVars(host string, vars *templates.Dict) (changed bool) {
	st := m.state(host)
	var own *templates.Dict
	if h, ok := m.o.Inventory.Host(host); ok {
		own = m.o.Inventory.HostVars(h)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	had := func(d *templates.Dict, name, value templates.Value) (same, ok bool) {
		if d == nil {
			return false, false
		}
		old, ok, _ := d.Get(name)
		return ok && templates.Equal(old, value), ok
	}
	for k, v := range vars.All {
		same, ok := had(st.added, k, v)
		if !ok {
			same, _ = had(own, k, v)
		}
		changed = changed || !same
	}
	st.added = m.update(st.added, vars)
	return changed
}

// update sets the items of vars in d, which is made where it is nil.
func (m *Manager) update(d, vars *templates.Dict) *templates.Dict {
	if d == nil {
		d = templates.NewDict(vars.Len())
	}
	for k, v := range vars.All {
		if m.o.MergeHashes {
			if old, ok, _ := d.Get(k); ok {
				v = merge(old, v)
			}
		}
		d.Set(k, v) // k was a key: it has a hash
	}
	return d
}

// Check returns the error of the first file of group_vars or host_vars that
// cannot be loaded for host.
func (m *Manager) Check(host string) error { return m.chainOf(m.state(host)).err }

// chainOf returns the layers of a host as of the inventory's version.
func (m *Manager) chainOf(st *hostState) *hostChain {
	version := m.o.Inventory.Version()
	st.mu.RLock()
	c := st.chain
	st.mu.RUnlock()
	if c != nil && c.version == version {
		return c
	}
	c = m.buildChain(st.name, version)
	st.mu.Lock()
	st.chain = c
	st.mu.Unlock()
	return c
}

func (m *Manager) buildChain(name string, version uint64) *hostChain {
	c := &hostChain{version: version}
	if h, ok := m.o.Inventory.Host(name); ok {
		c.host, c.vars = h, m.o.Inventory.HostVars(h)
		c.group = m.groupChain(m.o.Inventory.HostGroups(name), version)
		c.names, c.err = c.group.names, c.group.err
		if h.Implicit {
			c.names = templates.NewList()
		}
	} else {
		// A delegate that the inventory does not know has the variables of all.
		c.group = m.groupChain(m.o.Inventory.Groups()[:1], version)
		c.names, c.err = templates.NewList(), c.group.err
		c.vars = templates.NewDict(0)
	}
	for _, dirs := range []struct {
		kind Kind
		list []string
	}{{InventoryHost, m.o.InventoryDirs}, {PlaybookHost, m.o.PlaybookDirs}} {
		for _, dir := range dirs.list {
			early, late, err := m.plugged("task", dir, name, nil, dirs.kind)
			c.err = firstError(c.err, err)
			layers, err := m.files.entity(dir, "host_vars", name, dirs.kind)
			c.files = slices.Concat(c.files, early, layers, late)
			c.err = firstError(c.err, err)
		}
	}
	for _, dir := range m.o.InventoryDirs {
		early, late, err := m.plugged("inventory", dir, name, nil, InventoryHostVars)
		for _, l := range append(early, late...) {
			c.vars = m.update(c.vars.Copy(), l.Dict)
			c.vars.Lazy = c.vars.Lazy || l.Dict.Lazy
		}
		c.err = firstError(c.err, err)
	}
	return c
}

// plugged are the layers that vars plugins give, if any: one below and one
// above the files beside dir.
func (m *Manager) plugged(stage, dir, host string, groups []*inventory.Group, kind Kind) (early, late []Layer, err error) {
	if m.o.Plugins == nil || host == "" && len(groups) == 0 {
		return nil, nil, nil
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	layer := func(d *templates.Dict) []Layer {
		if d == nil || d.Len() == 0 {
			return nil
		}
		return []Layer{{kind, "vars plugins for " + dir, d}}
	}
	low, high, err := m.o.Plugins(stage, dir, host, names)
	return layer(low), layer(high), err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// groupChain returns the layers of groups, which the inventory shares between
// hosts of the same groups.
func (m *Manager) groupChain(groups []*inventory.Group, version uint64) *groupChain {
	m.chainMu.Lock()
	defer m.chainMu.Unlock()
	if m.version != version || m.chains == nil {
		m.version = version
		m.chains = map[**inventory.Group]*groupChain{}
		m.groups = map[string]templates.Value{}
	}
	key := &groups[0]
	if c := m.chains[key]; c != nil {
		return c
	}
	c := m.buildGroups(groups)
	m.chains[key] = c
	return c
}

func (m *Manager) buildGroups(groups []*inventory.Group) *groupChain {
	c := &groupChain{}
	var names []string
	for _, g := range groups {
		if g.Vars.Len() > 0 {
			c.layers = append(c.layers, Layer{InventoryGroupVars, "inventory group " + g.Name, g.Vars})
		}
		for _, dir := range m.o.InventoryDirs {
			early, late, err := m.plugged("inventory", dir, "", []*inventory.Group{g}, InventoryGroupVars)
			c.layers = slices.Concat(c.layers, early, late)
			c.err = firstError(c.err, err)
		}
		if g.Name != "all" {
			names = append(names, g.Name)
		}
	}
	c.names = sortedList(names)
	all, others := []*inventory.Group{{Name: "all"}}, withoutAll(groups)
	m.addFiles(c, InventoryGroupAll, m.o.InventoryDirs, all)
	m.addFiles(c, PlaybookGroupAll, m.o.PlaybookDirs, all)
	m.addFiles(c, InventoryGroup, m.o.InventoryDirs, others)
	m.addFiles(c, PlaybookGroup, m.o.PlaybookDirs, others)
	return c
}

func withoutAll(groups []*inventory.Group) []*inventory.Group {
	kept := make([]*inventory.Group, 0, len(groups))
	for _, g := range groups {
		if g.Name != "all" {
			kept = append(kept, g)
		}
	}
	return kept
}

func (m *Manager) addFiles(c *groupChain, kind Kind, dirs []string, groups []*inventory.Group) {
	for _, dir := range dirs {
		early, late, err := m.plugged("task", dir, "", groups, kind)
		c.layers = append(c.layers, early...)
		c.err = firstError(c.err, err)
		for _, g := range groups {
			layers, err := m.files.entity(dir, "group_vars", g.Name, kind)
			c.layers = append(c.layers, layers...)
			c.err = firstError(c.err, err)
		}
		c.layers = append(c.layers, late...)
	}
}

// merge is hash_behaviour=merge: two dicts become one, anything else is replaced.
func merge(low, high templates.Value) templates.Value {
	a, ok1 := low.(*templates.Dict)
	b, ok2 := high.(*templates.Dict)
	if !ok1 || !ok2 {
		return high
	}
	d := a.Copy()
	d.Lazy = a.Lazy || b.Lazy
	for k, v := range b.All {
		if old, ok, _ := d.Get(k); ok {
			v = merge(old, v)
		}
		d.Set(k, v) // k was a key: it has a hash
	}
	return d
}

// shortHost is inventory_hostname_short.
func shortHost(name string) string {
	short, _, _ := strings.Cut(name, ".")
	return short
}
