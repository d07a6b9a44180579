package vars

// This file gives the magic variables
// (https://docs.ansible.com/ansible/latest/reference_appendices/special_variables.html).

import (
	"path/filepath"

	"gorun/templates"
)

// hostMagicNames are the magic variables that stand at the level of the
// inventory's host vars: a play can override them.
var hostMagicNames = []string{"group_names", "inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short"}

// globalMagicNames are the magic variables that hostvars[host] has too.
var globalMagicNames = []string{
	"ansible_check_mode", "ansible_config_file", "ansible_diff_mode", "ansible_forks", "ansible_inventory_sources",
	"ansible_limit", "ansible_playbook_python", "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity",
	"ansible_version", "groups", "omit", "playbook_dir",
}

// magicNames are all the names that the manager or the engine may give.
var magicNames = append([]string{
	"ansible_collection_name", "ansible_dependent_role_names", "ansible_parent_role_names", "ansible_parent_role_paths",
	"ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_name", "ansible_play_role_names",
	"ansible_role_name", "ansible_role_names", "environment", "hostvars", "play_hosts", "role_name", "role_names",
	"role_path", "role_uuid",
}, globalMagicNames...)

var isGlobalMagic = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range globalMagicNames {
		set[name] = true
	}
	return set
}()

// magic returns the variables that nobody can override.
func (s *Scope) magic(name string) (templates.Value, bool) {
	switch name {
	case "groups":
		return groupsView{s.m}, true
	case "hostvars":
		if s.foreign {
			return nil, false
		}
		return hostVars{s}, true
	case "vars":
		if s.foreign {
			return nil, false
		}
		return scopeView{s, "dict"}, true
	}
	if s.q.Magic == nil || s.foreign && !isGlobalMagic[name] {
		return nil, false
	}
	return s.q.Magic(name)
}

// hostMagic returns the magic variables of the host itself.
func (s *Scope) hostMagic(name string) (templates.Value, bool) {
	h := s.chain.host
	switch name {
	case "inventory_hostname":
		return templates.Str(s.q.Host), true
	case "inventory_hostname_short":
		return templates.Str(shortHost(s.q.Host)), true
	case "group_names":
		if h != nil {
			return s.chain.names, true
		}
	case "inventory_file":
		if h != nil && h.File != "" {
			return templates.Str(h.File), true
		}
		if h != nil && !h.Implicit {
			return templates.None, true
		}
	case "inventory_dir":
		if h != nil && h.File != "" {
			return inventoryDir(h.File), true
		}
		if h != nil && !h.Implicit {
			return templates.None, true
		}
	}
	return nil, false
}

func inventoryDir(file string) templates.Value { return templates.Str(filepath.Dir(file)) }
