package action

// This file says which actions and modules the items of a loop may be sent
// ahead for: while the target still works on the items before.

import "gorun/modules/registry"

// ordered are the actions that reach the target by requests alone, which keep
// the task's order.
var ordered = map[string]bool{
	"ansible.builtin.assemble": true, "ansible.builtin.copy": true, "ansible.builtin.package": true,
	"ansible.builtin.service": true, "ansible.builtin.template": true,
}

// givesFacts are the modules whose results may hold ansible_facts, which the
// arguments of the next item may be made of, beside those whose Spec says so.
var givesFacts = map[string]bool{"ansible.builtin.hostname": true, "community.general.deploy_helper": true}

// SendsAhead reports whether a request of an action or module, by its full
// name, may be made and sent before the answer to the one before has come.
func SendsAhead(full string) bool {
	if _, isAction := Actions[full]; isAction {
		return ordered[full]
	}
	m := registry.Lookup(full)
	return m != nil && !m.Spec.ControllerOnly && !m.Spec.Facts && !givesFacts[m.Spec.Name]
}
