package engine

// This file runs roles: each once a host unless it may run again, its
// arguments checked before its tasks.

import (
	"context"
	"fmt"
	"strings"

	"gorun/engine/playbook"
	"gorun/templates"
)

// role runs an entry of roles:, its dependencies first.
func (w *walk) role(ctx context.Context, hosts []*hostRun, entry *playbook.RoleUse) {
	for _, u := range entry.Order() {
		if w.over(ctx) {
			return
		}
		key := roleKey(u)
		due := those(running(hosts), func(h *hostRun) bool { return u.Role.AllowDuplicates || !h.rolesDone[key] })
		if len(due) == 0 {
			continue
		}
		w.items(ctx, due, u.Tasks)
		for _, h := range due {
			if h.rolesDone == nil {
				h.rolesDone = map[string]bool{}
			}
			h.rolesDone[key] = true
		}
	}
}

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

// validateRole checks the arguments of a role against its argument spec.
func (w *walk) validateRole(ctx context.Context, hosts []*hostRun, b *playbook.Block) {
	t := w.p.specTask(b)
	if t == nil {
		return
	}
	if hosts = running(hosts); len(hosts) > 0 && !w.over(ctx) {
		w.task(ctx, hosts, t)
	}
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
	args.SetStr("provided_arguments", roleParams(b.Role))
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

// roleParams are the parameters a role was given.
func roleParams(role *playbook.Role) templates.Value {
	if role.Params.Dict == nil {
		return templates.NewDict(0)
	}
	return role.Params.Dict
}
