// Package inventory reads inventories (INI, YAML, TOML, scripts, folders,
// lists, and plugins that YAML files configure) and matches host patterns
// (https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html).
package inventory

// This file defines the inventory as others see it.

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

	"gorun/templates"
)

// A Host is a host of the inventory.
type Host struct {
	Name string
	Vars *templates.Dict // of the inventory source; never nil
	// Implicit is the localhost that nobody wrote down.
	Implicit bool
	// File is the inventory source that named the host first.
	File string
	// Added says that add_host brought it, in this run.
	Added bool

	groups []*Group // the groups that hold it directly
	seq    int      // place in the order of definition
	// sorted is what HostGroups answers as of version.
	sorted  []*Group
	version uint64
}

// A Group is a group of the inventory.
type Group struct {
	Name     string
	Vars     *templates.Dict
	Priority int // ansible_group_priority, 1 where nothing is said
	Depth    int // 0 for all; else one more than the deepest parent

	parents, children []*Group
	hosts             []*Host
	member            map[*Host]bool
	seq               int
}

// Options configure Load.
type Options struct {
	// ReadFile decrypts vaults; nil: os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// ParseYAML parses with positions and texts (pyyaml.Parse bound to the run's vault).
	ParseYAML func(data []byte, file string) (templates.Value, error)
	// Warn tells the user.
	Warn func(msg string)
	// Deprecate tells the user of what a release to come refuses; nil: nobody.
	Deprecate func(msg string)
	// Verbose tells what only -v (level 1) and more ask for.
	Verbose func(level int, msg string)
	// Engine templates what constructed and the like need.
	Engine *templates.Engine
	Era    templates.Era
	// EnabledPlugins and IgnoredExtensions as ansible.cfg has them; nil: the defaults.
	EnabledPlugins, IgnoredExtensions []string
	// IgnoredPatterns are regular expressions of names that a folder skips.
	IgnoredPatterns []string
	// AnyUnparsedFails, UnparsedFails and NoUnparsedWarning are any_unparsed_is_failed,
	// unparsed_is_failed and the opposite of inventory_unparsed_warning.
	AnyUnparsedFails, UnparsedFails, NoUnparsedWarning bool
	// GroupChars is force_valid_group_names: "never" (also ""), "ignore", "always" or "silently".
	GroupChars string
	// PatternMismatch is host_pattern_mismatch: "warning" (also ""), "error" or "ignore".
	PatternMismatch string
	// Plugins adds inventory plugins by their full name; a plugin is also known
	// by the last part of that name.
	Plugins map[string]PluginFunc
	// Foreign runs plugins that are not gorun's own; nil: there are none.
	Foreign ForeignFunc
	// FileVars gives the variables of group_vars and host_vars beside a source,
	// for plugins with use_vars_plugins (vars.FileVars); nil: none.
	FileVars func(source string, h *Host, groups []*Group) (*templates.Dict, error)
	// ExtraVars are -e, and UseExtraVars is whether plugins see them where
	// their configuration does not say.
	ExtraVars    *templates.Dict
	UseExtraVars bool
	// RefreshCache makes plugins fetch anew (--flush-cache).
	RefreshCache bool
	// Cache is the [inventory] section of ansible.cfg: the defaults of the
	// plugins' own cache options.
	Cache CacheOptions
}

// An Inventory is hosts and groups; it is safe for concurrent use (add_host and
// group_by change it between tasks).
type Inventory struct {
	o       Options
	sources []string

	mu      sync.RWMutex
	version uint64
	hosts   map[string]*Host
	order   []*Host // as they were first named
	groups  map[string]*Group
	gorder  []*Group
	// local is the first host of the sources that is localhost by name: the
	// other names of this machine mean it too. Without one each name has an
	// implicit host of its own.
	local    *Host
	implicit map[string]*Host

	// added repeats what tasks added, after the sources were read again.
	added []func()

	// What was computed for cacheVersion.
	cacheVersion uint64
	members      map[string][]*Host
	names        map[string][]string
	matches      map[string][]*Host
	chains       map[string][]*Group
	warned       map[string]bool
}

// isLocalName reports whether name means this machine.
func isLocalName(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}

// newInventory returns an inventory with all and ungrouped.
func newInventory(o Options) *Inventory {
	inv := &Inventory{
		o: o, version: 1,
		hosts: map[string]*Host{}, groups: map[string]*Group{}, implicit: map[string]*Host{},
		warned: map[string]bool{},
	}
	inv.addGroup("all")
	inv.addGroup("ungrouped")
	inv.addChild(inv.groups["all"], inv.groups["ungrouped"])
	return inv
}

// Host returns a host by name: also the implicit localhost (localhost,
// 127.0.0.1, ::1) where no such host was written down.
func (inv *Inventory) Host(name string) (*Host, bool) {
	inv.mu.RLock()
	h := inv.hosts[name]
	if h == nil && isLocalName(name) {
		if h = inv.local; h == nil {
			h = inv.implicit[name]
		}
	}
	inv.mu.RUnlock()
	if h != nil {
		return h, true
	}
	if !isLocalName(name) {
		return nil, false
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.localhost(name), true
}

// localhost returns the host for a name of this machine, made where there is none.
func (inv *Inventory) localhost(name string) *Host {
	if inv.local != nil {
		return inv.local
	}
	h := inv.implicit[name]
	if h == nil {
		vars := templates.NewDict(1)
		vars.SetStr("ansible_connection", templates.Str("local"))
		h = &Host{Name: name, Vars: vars, Implicit: true}
		inv.implicit[name] = h
	}
	return h
}

// HostVars returns the variables that the inventory gives a host itself; they
// must not be changed.
func (inv *Inventory) HostVars(h *Host) *templates.Dict {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return h.Vars
}

// HostNames returns the names of all hosts as they were first named.
func (inv *Inventory) HostNames() []string {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	names := make([]string, len(inv.order))
	for i, h := range inv.order {
		names[i] = h.Name
	}
	return names
}

// VarsDirs returns the folders of the sources, in order: those that may hold
// group_vars and host_vars.
func (inv *Inventory) VarsDirs() []string {
	var dirs []string
	for _, src := range inv.sources {
		st, err := os.Stat(src)
		switch {
		case err != nil && strings.Contains(src, ","):
			continue
		case err == nil && st.IsDir():
			dirs = append(dirs, src)
		default:
			dirs = append(dirs, filepath.Dir(src))
		}
	}
	return dirs
}

// Hosts returns all hosts in inventory order.
func (inv *Inventory) Hosts() []*Host {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return append([]*Host(nil), inv.groupHosts(inv.groups["all"])...)
}

// Group returns a group by name.
func (inv *Inventory) Group(name string) (*Group, bool) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	g, ok := inv.groups[name]
	return g, ok
}

// Groups returns all groups, all first, in inventory order.
func (inv *Inventory) Groups() []*Group {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return append([]*Group(nil), inv.gorder...)
}

// GroupHosts returns the names of a group's hosts, children's included, in
// Ansible's order. The slice is shared: it must not be changed.
func (inv *Inventory) GroupHosts(group string) []string {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	g := inv.groups[group]
	if g == nil {
		return nil
	}
	inv.freshen()
	if names, ok := inv.names[group]; ok {
		return names
	}
	hosts := inv.groupHosts(g)
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	inv.names[group] = names
	return names
}

// HostGroups returns the groups of a host from all to the nearest, in the
// order in which their variables override each other (depth, priority, name).
// Hosts of the same groups share one slice, which must not be changed.
func (inv *Inventory) HostGroups(host string) []*Group {
	h, ok := inv.Host(host)
	if !ok {
		return nil
	}
	inv.mu.RLock()
	if h.version == inv.version {
		defer inv.mu.RUnlock()
		return h.sorted
	}
	inv.mu.RUnlock()
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.hostGroups(h)
}

// AddHost adds a host (add_host) to groups, creating what is missing; it reports whether anything is new.
// A port that is not 0 becomes ansible_port.
func (inv *Inventory) AddHost(name string, port int, groups []string) (changed bool) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.remember(func() { inv.addHostTo(name, port, groups) })
	return inv.addHostTo(name, port, groups)
}

func (inv *Inventory) addHostTo(name string, port int, groups []string) (changed bool) {
	h := inv.hosts[name]
	if h == nil {
		h = inv.addHost(name, "")
		h.Added = true
		changed = true
		inv.addMember(inv.groups["all"], h) // its own member, so before those of groups
	}
	if port > 0 {
		vars := h.Vars.Copy() // others may be reading the old one
		vars.SetStr("ansible_port", templates.Int(port))
		h.Vars = vars
		inv.version++
	}
	for _, g := range groups {
		grp, isNew := inv.ensureGroup(g)
		if inv.addMember(grp, h) || isNew {
			changed = true
		}
	}
	if changed {
		_ = inv.adopt() // what a task adds is never above all
		inv.settle(h)
	}
	return changed
}

// AddGroup adds a group under parents (group_by).
func (inv *Inventory) AddGroup(name string, parents []string) (changed bool) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.remember(func() { inv.addGroupTo(name, parents) })
	return inv.addGroupTo(name, parents)
}

func (inv *Inventory) addGroupTo(name string, parents []string) (changed bool) {
	g, changed := inv.ensureGroup(name)
	for _, p := range parents {
		parent, isNew := inv.ensureGroup(p)
		added, err := inv.addChild(parent, g)
		changed = changed || isNew || (added && err == nil)
	}
	if changed {
		_ = inv.adopt() // what a task adds is never above all
	}
	return changed
}

// AddToGroup puts a host into a group; an unknown host or group changes nothing.
func (inv *Inventory) AddToGroup(host, group string) (changed bool) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.remember(func() { inv.join(host, group) })
	return inv.join(host, group)
}

func (inv *Inventory) join(host, group string) (changed bool) {
	h, g := inv.hosts[host], inv.groups[group]
	if h == nil && isLocalName(host) {
		h = inv.localhost(host)
	}
	if h == nil || g == nil || !inv.addMember(g, h) {
		return false
	}
	inv.settle(h)
	return true
}

// Version grows with every change, so that views can cache.
func (inv *Inventory) Version() uint64 {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.version
}

// Sources are the sources as given, for ansible_inventory_sources.
func (inv *Inventory) Sources() []string { return inv.sources }

func (inv *Inventory) warn(msg string) {
	if inv.o.Warn != nil {
		inv.o.Warn(msg)
	}
}

// warnOnce warns of msg once in the life of the inventory.
func (inv *Inventory) warnOnce(msg string) {
	if !inv.warned[msg] {
		inv.warned[msg] = true
		inv.warn(msg)
	}
}

func (inv *Inventory) verbose(level int, msg string) {
	if inv.o.Verbose != nil {
		inv.o.Verbose(level, msg)
	}
}
