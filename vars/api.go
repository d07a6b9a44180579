// Package vars resolves names to values: Ansible's precedence as layers that
// are shared and frozen, looked up by name and never merged.
package vars

import (
	"gorun/templates"
	"gorun/vars/inventory"
)

// TO BE REPLACED by the author of vars in the first commit: these are the
// signatures that the engine builds on.

// Kind is a level of precedence, lowest first
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html#understanding-variable-precedence).
type Kind int

// The levels.
const (
	CommandLine Kind = iota // -u and the like
	RoleDefaults
	InventoryGroupVars // in the inventory source itself
	InventoryGroupAll  // group_vars/all beside the inventory
	PlaybookGroupAll
	InventoryGroup // group_vars/* beside the inventory
	PlaybookGroup
	InventoryHostVars
	InventoryHost // host_vars/*
	PlaybookHost
	Facts // and cached set_facts
	PlayVars
	PlayPrompts
	PlayVarsFiles
	RoleVars
	BlockVars
	TaskVars
	IncludeVars
	SetFacts // set_fact and register
	RoleParams
	IncludeParams
	ExtraVars
	Locals // item, ansible_loop, ansible_failed_task: always win
)

// A Layer is variables of one level with where they come from.
type Layer struct {
	Kind Kind
	// Source is for gorun vars and for messages: "group_vars/all.yml".
	Source string
	Dict   *templates.Dict
}

// Options configure a Manager.
type Options struct {
	Inventory *inventory.Inventory
	// LoadVars loads a file of variables, vaults decrypted.
	LoadVars func(path string) (*templates.Dict, error)
	// InventoryDirs and PlaybookDirs hold group_vars and host_vars, in order.
	InventoryDirs, PlaybookDirs []string
	Extra                       *templates.Dict
	// MergeHashes is hash_behaviour=merge.
	MergeHashes bool
	// InjectFacts is inject_facts_as_vars.
	InjectFacts bool
	Era         templates.Era
	Engine      *templates.Engine
}

// A Manager keeps the variables of a run; it is safe for concurrent use.
type Manager struct{ o Options }

// New returns a manager.
func New(o Options) *Manager { return &Manager{o: o} }

// SetFacts merges facts of a host (ansible_facts of setup and of modules; keys
// with or without "ansible_"); cacheable set_facts come here too.
func (m *Manager) SetFacts(host string, facts *templates.Dict) { panic("vars: not built yet") }

// SetNonpersistent sets variables at the level of set_fact and register.
func (m *Manager) SetNonpersistent(host string, vars *templates.Dict) { panic("vars: not built yet") }

// SetIncluded sets variables at the level of include_vars.
func (m *Manager) SetIncluded(host string, vars *templates.Dict, source string) {
	panic("vars: not built yet")
}

// ClearFacts forgets the facts of a host (meta: clear_facts).
func (m *Manager) ClearFacts(host string) { panic("vars: not built yet") }

// Facts returns the facts of a host as ansible_facts shows them; never nil.
func (m *Manager) Facts(host string) *templates.Dict { panic("vars: not built yet") }

// AddHostVars sets the variables that add_host gave, at the level of the inventory's own host vars.
func (m *Manager) AddHostVars(host string, vars *templates.Dict) { panic("vars: not built yet") }

// Query says for what a scope is.
type Query struct {
	Host string // "" for none (play-level templating)
	// Layers are those of the play and the task; the manager adds the host's and the extra vars.
	Layers []Layer
	// Magic gives magic variables that the engine knows (play_hosts, role_path,
	// playbook_dir, omit, ansible_check_mode...); nil: none. hostvars, groups,
	// group_names, inventory_hostname(_short), inventory_file and inventory_dir
	// come from the manager.
	Magic func(name string) (templates.Value, bool)
	// PlayLayers are the layers that hostvars[other] sees too (play vars).
	PlayLayers []Layer
}

// A Scope is a [templates.Scope] of one host and task.
type Scope struct{}

// Scope returns the scope of a query. It costs nothing that grows with the number of variables.
func (m *Manager) Scope(q Query) *Scope { panic("vars: not built yet") }

// With returns a scope that finds locals first (loop variables).
func (s *Scope) With(locals *templates.Dict) *Scope { panic("vars: not built yet") }

// Lookup implements templates.Scope.
func (s *Scope) Lookup(name string) (templates.Value, bool, error) { panic("vars: not built yet") }

// Names returns all names that the scope can resolve, sorted (for varnames and hints).
func (s *Scope) Names() []string { panic("vars: not built yet") }

// Origin tells which layer gave a name.
func (s *Scope) Origin(name string) (Layer, bool) { panic("vars: not built yet") }
