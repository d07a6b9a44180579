package engine

// This file tells uses of roles apart, and checks a role's arguments before its
// tasks.

import (
	"fmt"
	"slices"
	"strings"

	"gorun/engine/playbook"
	"gorun/templates"
)

// roleKey tells uses of a role apart: the same role with other parameters or
// keywords is another.
func roleKey(u *playbook.RoleUse) string {
	var b strings.Builder
	b.WriteString(u.Role.Path + "\x00" + u.Role.Entry)
	written := func(label string, v templates.Value) {
		if v != nil {
			b.WriteString("\x00" + label + "=" + rawText(v))
		}
	}
	if u.Params.Dict != nil {
		written("params", u.Params.Dict)
	}
	if u.Vars.Dict != nil {
		written("vars", u.Vars.Dict)
	}
	for _, v := range u.When {
		written("when", v.V)
	}
	for _, v := range u.Tags {
		written("tags", v.V)
	}
	written("become", u.Become.V)
	written("become_user", u.BecomeUser.V)
	written("delegate_to", u.DelegateTo.V)
	return b.String()
}

// rawText is a value as written, templates unresolved.
func rawText(v templates.Value) string {
	switch v := v.(type) {
	case *templates.Text:
		return v.Src
	case *templates.Dict:
		var b strings.Builder
		for k, e := range v.All {
			b.WriteString(rawText(k) + ":" + rawText(e) + ",")
		}
		return "{" + b.String() + "}"
	case *templates.List:
		var b strings.Builder
		for _, e := range v.Elems {
			b.WriteString(rawText(e) + ",")
		}
		return "[" + b.String() + "]"
	}
	return templates.Repr(v, templates.Current)
}

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
