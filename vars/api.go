// Package vars resolves names to values: Ansible's precedence as layers that
// are shared and frozen, looked up by name and never merged
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html#understanding-variable-precedence).
package vars

// This file defines what the engine builds on.

import (
	"gorun/templates"
	"gorun/vars/inventory"
)

// Kind is a level of precedence, lowest first.
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
	// Magic is what nobody can override: groups, hostvars, playbook_dir.
	Magic
	Locals // item, ansible_loop, ansible_failed_task: always win
)

var kindNames = [...]string{
	CommandLine:        "command line",
	RoleDefaults:       "role defaults",
	InventoryGroupVars: "inventory group vars",
	InventoryGroupAll:  "inventory group_vars/all",
	PlaybookGroupAll:   "playbook group_vars/all",
	InventoryGroup:     "inventory group_vars",
	PlaybookGroup:      "playbook group_vars",
	InventoryHostVars:  "inventory host vars",
	InventoryHost:      "inventory host_vars",
	PlaybookHost:       "playbook host_vars",
	Facts:              "facts",
	PlayVars:           "play vars",
	PlayPrompts:        "vars_prompt",
	PlayVarsFiles:      "vars_files",
	RoleVars:           "role vars",
	BlockVars:          "block vars",
	TaskVars:           "task vars",
	IncludeVars:        "include_vars",
	SetFacts:           "set_fact and register",
	RoleParams:         "role params",
	IncludeParams:      "include params",
	ExtraVars:          "extra vars",
	Magic:              "magic variables",
	Locals:             "loop and task state",
}

// String names the level for people.
func (k Kind) String() string { return kindNames[k] }

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
	// LoadVars loads a file of variables, vaults decrypted. An empty file gives
	// an empty dict.
	LoadVars func(path string) (*templates.Dict, error)
	// InventoryDirs and PlaybookDirs hold group_vars and host_vars, in order
	// ([inventory.Inventory.VarsDirs] gives the former).
	InventoryDirs, PlaybookDirs []string
	Extra                       *templates.Dict
	// MergeHashes is hash_behaviour=merge.
	MergeHashes bool
	// InjectFacts is inject_facts_as_vars.
	InjectFacts bool
	Era         templates.Era
	Engine      *templates.Engine
	// FactCache keeps facts between runs; nil: they last as long as the manager.
	FactCache FactCache
	// Plugins runs vars plugins that are not gorun's own; nil: there are none.
	Plugins PluginFunc
	// Warn tells the user; nil: nobody.
	Warn func(msg string)
}

// A PluginFunc gives the variables that vars plugins have beside a folder for
// a host, or for groups where host is "". stage is "inventory" for what
// belongs to the inventory itself and "task" for the rest. early is what
// group_vars and host_vars beside the folder win over, late what wins over them.
type PluginFunc func(stage, dir, host string, groups []string) (early, late *templates.Dict, err error)

// Query says for what a scope is.
type Query struct {
	Host string // "" for none (play-level templating)
	// Layers are those of the play and the task; the manager adds the host's
	// and the extra vars. Within one kind a later layer wins. They cost least
	// in ascending order of kind.
	Layers []Layer
	// Magic gives magic variables that the engine knows (play_hosts, role_path,
	// playbook_dir, omit, ansible_check_mode...); nil: none. hostvars, groups,
	// vars, group_names, inventory_hostname(_short), inventory_file and
	// inventory_dir come from the manager.
	Magic func(name string) (templates.Value, bool)
	// PlayLayers are layers that hostvars[other] sees too. Ansible's hostvars
	// see none of the play's variables, so they are nil but for its legacy eras.
	PlayLayers []Layer
}
