package engine

// This file checks a role's arguments before its tasks.

import (
	"fmt"
	"slices"

	"gorun/engine/playbook"
	"gorun/templates"
)

// isRoleTop reports whether b is the block that the loader makes of a role's
// tasks file: below the block of the role's own keywords.
func isRoleTop(b *playbook.Block) bool {
	up := b.Parent
	return b.Implicit && b.Role != nil && b.File != "" && up != nil && up.Implicit && up.Role == b.Role && up.File == ""
}

// specTask is the task that validates a role's arguments; nil without a spec.
// It is made once a block, so that hosts of the free strategy share it.
func (p *playRun) specTask(b *playbook.Block) *playbook.Task {
	if !isRoleTop(b) || b.Role.ArgumentSpecs == nil {
		return nil
	}
	v, _ := b.Role.ArgumentSpecs.GetStr(b.Role.Entry)
	spec, ok := v.(*templates.Dict)
	if !ok {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.specTasks[b]; t != nil {
		return t
	}
	name := fmt.Sprintf("Validating arguments against arg spec '%s'", b.Role.Entry)
	if d, ok := spec.GetStr("short_description"); ok {
		name += " - " + condText(d)
	}
	options := templates.Value(templates.NewDict(0))
	if o, ok := spec.GetStr("options"); ok {
		options = o
	}
	context := templates.NewDict(4)
	context.SetStr("type", templates.Str("role"))
	context.SetStr("name", templates.Str(b.Role.Name))
	context.SetStr("argument_spec_name", templates.Str(b.Role.Entry))
	context.SetStr("path", templates.Str(absPath(b.Role.Path)))
	args := templates.NewDict(3)
	args.SetStr("argument_spec", options)
	args.SetStr("provided_arguments", p.roleParams(b.Role))
	args.SetStr("validate_args_context", context)
	args.Lazy = true
	t := &playbook.Task{
		Action: "ansible.builtin.validate_argument_spec", Args: args, Pos: b.Pos, ActionPos: b.Pos,
		Parent: b, Play: b.Play, Role: b.Role, File: b.File,
	}
	t.Name = playbook.Value{V: templates.Str(name), Pos: b.Pos}
	t.Tags = []playbook.Value{{V: templates.Str("always"), Pos: b.Pos}}
	if p.specTasks == nil {
		p.specTasks = map[*playbook.Block]*playbook.Task{}
	}
	p.specTasks[b] = t
	return t
}

// roleParams are the parameters a role was given under roles:. Those of an
// include are variables, of which there may be more than the role asks for.
func (p *playRun) roleParams(role *playbook.Role) templates.Value {
	if role.Params.Dict == nil || slices.Contains(p.included, role) {
		return templates.NewDict(0)
	}
	return role.Params.Dict
}
