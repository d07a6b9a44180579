package action

// This file is the table of actions.

import "gorun/modules/registry"

// An Action is an entry of the table.
type Action struct {
	Run Func
	// FreeForm says that the action takes text beside key=value.
	FreeForm bool
	// NoHost says that nothing of it happens on the target.
	NoHost bool
}

// Actions is every action by its full name
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/index.html).
var Actions map[string]Action

// The table is filled here since package and service route names by it.
func init() {
	Actions = map[string]Action{
		"ansible.builtin.add_host":               {Run: addHost, NoHost: true, FreeForm: true},
		"ansible.builtin.assemble":               {Run: assemble},
		"ansible.builtin.assert":                 {Run: assert, NoHost: true},
		"ansible.builtin.copy":                   {Run: copyFile},
		"ansible.builtin.debug":                  {Run: debug, NoHost: true},
		"ansible.builtin.fail":                   {Run: fail, NoHost: true},
		"ansible.builtin.fetch":                  {Run: fetch},
		"ansible.builtin.gather_facts":           {Run: gatherFacts},
		"ansible.builtin.group_by":               {Run: groupBy, NoHost: true, FreeForm: true},
		"ansible.builtin.include_vars":           {Run: includeVars, NoHost: true, FreeForm: true},
		"ansible.builtin.package":                {Run: packageAny},
		"ansible.builtin.pause":                  {Run: pause, NoHost: true},
		"ansible.builtin.raw":                    {Run: raw, FreeForm: true},
		"ansible.builtin.reboot":                 {Run: reboot},
		"ansible.builtin.script":                 {Run: script, FreeForm: true},
		"ansible.builtin.service":                {Run: service},
		"ansible.builtin.set_fact":               {Run: setFact, NoHost: true, FreeForm: true},
		"ansible.builtin.set_stats":              {Run: setStats, NoHost: true},
		"ansible.builtin.template":               {Run: template},
		"ansible.builtin.unarchive":              {Run: unarchive},
		"ansible.builtin.uri":                    {Run: uri},
		"ansible.builtin.validate_argument_spec": {Run: validateArgumentSpec, NoHost: true},
		"ansible.builtin.wait_for_connection":    {Run: waitForConnection},
		"ansible.posix.patch":                    {Run: patch},
	}
}

// engineActions are done by the engine itself: they have names, but no function.
var engineActions = map[string]bool{
	"ansible.builtin.meta": true, "ansible.builtin.include": true, "ansible.builtin.include_tasks": true,
	"ansible.builtin.include_role": true, "ansible.builtin.import_tasks": true, "ansible.builtin.import_role": true,
	"ansible.builtin.import_playbook": true,
}

// FreeForm reports whether an action or module, by its full name, takes text
// beside key=value arguments.
func FreeForm(full string) bool {
	if a, ok := Actions[full]; ok {
		return a.FreeForm
	}
	if engineActions[full] {
		return true
	}
	m := registry.Lookup(full)
	return m != nil && m.Spec.FreeForm != ""
}
