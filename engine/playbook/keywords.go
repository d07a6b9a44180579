package playbook

// This file lists the keywords of each object (ansible-doc -t keyword -l, 2.14
// and, for break_when, 2.18).

import (
	"maps"
	"slices"
)

// A valueKind is what a keyword takes once its templates are resolved.
type valueKind int

const (
	anything valueKind = iota
	boolean
	integer
	number // an int or a float
	text
	sequence // a list, or one element in place of it
	special  // decoded by code of its own
)

// common are the keywords of plays, roles, blocks and tasks.
var common = map[string]valueKind{
	"any_errors_fatal": boolean, "become": boolean, "become_exe": text, "become_flags": text, "become_method": text, "become_user": text,
	"check_mode": boolean, "collections": special, "connection": text, "debugger": text, "diff": boolean, "environment": special,
	"ignore_errors": boolean, "ignore_unreachable": boolean, "module_defaults": special, "name": text, "no_log": boolean, "port": integer,
	"remote_user": text, "run_once": boolean, "tags": special, "throttle": integer, "timeout": integer, "vars": special,
}

var playKeywords = with(common, map[string]valueKind{
	"fact_path": text, "force_handlers": boolean, "gather_facts": boolean, "gather_subset": anything, "gather_timeout": integer, "handlers": special,
	"hosts": special, "max_fail_percentage": number, "order": text, "post_tasks": special, "pre_tasks": special, "roles": special,
	"serial": anything, "strategy": text, "tasks": special, "vars_files": anything, "vars_prompt": special,
})

var roleKeywords = with(common, map[string]valueKind{"delegate_facts": boolean, "delegate_to": text, "when": special})

var blockKeywords = with(common, map[string]valueKind{
	"always": special, "block": special, "delegate_facts": boolean, "delegate_to": text, "notify": special, "rescue": special, "when": special,
})

var taskKeywords = with(common, map[string]valueKind{
	"action": special, "args": special, "async": integer, "changed_when": special, "delay": number, "delegate_facts": boolean, "delegate_to": text,
	"failed_when": special, "loop": special, "loop_control": special, "notify": special, "poll": integer, "register": text, "retries": integer,
	"until": special, "when": special, "local_action": special,
})

var handlerKeywords = with(taskKeywords, map[string]valueKind{"listen": special})

var loopControlKeywords = map[string]valueKind{
	"break_when": special, "extended": boolean, "extended_allitems": boolean, "index_var": text, "label": anything, "loop_var": text,
	"pause": number, "parallel": anything,
}

// importPlaybookKeywords are those beside import_playbook itself.
var importPlaybookKeywords = with(common, map[string]valueKind{"import_playbook": special, "when": special})

// era19Task are keywords of Ansible 1.x that later versions do not have.
var era19Task = map[string]valueKind{
	"always_run": boolean, "first_available_file": special, "only_if": text, "remote_pass": text, "remote_port": integer, "transport": text,
	"when_changed": text, "when_failed": text, "when_float": text, "when_integer": text, "when_set": text, "when_string": text, "when_unset": text,
}

// era19Play likewise. They have no effect.
var era19Play = map[string]valueKind{
	"accelerate": anything, "accelerate_ipv6": anything, "accelerate_port": anything, "role_names": anything, "vault_password": anything,
}

// becomeOld maps what privilege escalation was called to what it is called
// and, where the old name tells it, the method.
var becomeOld = map[string]struct{ key, method string }{
	"sudo": {"become", "sudo"}, "sudo_user": {"become_user", ""}, "sudo_exe": {"become_exe", ""}, "sudo_flags": {"become_flags", ""},
	"su": {"become", "su"}, "su_user": {"become_user", ""}, "su_exe": {"become_exe", ""}, "su_flags": {"become_flags", ""},
}

func with(a, b map[string]valueKind) map[string]valueKind {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// names gives the keywords of a table in order.
func names(table map[string]valueKind) []string { return slices.Sorted(maps.Keys(table)) }

// Keywords lists the keywords of "Play", "Role", "Block", "Task", "Handler"
// or "LoopControl"; nil for another object.
func Keywords(object string) []string {
	switch object {
	case "Play":
		return names(playKeywords)
	case "Role":
		return names(roleKeywords)
	case "Block":
		return names(blockKeywords)
	case "Task":
		return names(taskKeywords)
	case "Handler":
		return names(handlerKeywords)
	case "LoopControl":
		return names(loopControlKeywords)
	}
	return nil
}
