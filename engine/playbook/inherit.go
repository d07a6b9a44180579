package playbook

// This file computes what is in force for a task: keywords come from the task
// itself, else from the blocks around it, nearest first, else from its play.

import "slices"

// Inherit gives the nearest value of a keyword: the task's, that of the
// nearest block that has one, the play's. get picks the keyword.
func (t *Task) Inherit(get func(*Base) Value) Value {
	if v := get(&t.Base); v.IsSet() {
		return v
	}
	if t.Parent != nil {
		return t.Parent.Inherit(get)
	}
	return t.Play.own(get)
}

// Inherit is as for tasks.
func (b *Block) Inherit(get func(*Base) Value) Value {
	for p := b; p != nil; p = p.Parent {
		if v := get(&p.Base); v.IsSet() {
			return v
		}
	}
	return b.Play.own(get)
}

func (p *Play) own(get func(*Base) Value) Value {
	if p == nil {
		return Value{}
	}
	return get(&p.Base)
}

// blocks lists the blocks around t, outermost first.
func (t *Task) blocks() []*Block {
	var bs []*Block
	for b := t.Parent; b != nil; b = b.Parent {
		bs = append(bs, b)
	}
	slices.Reverse(bs)
	return bs
}

// AllTags are the tags of the play, of the blocks around, and the task's own.
func (t *Task) AllTags() []Value {
	var tags []Value
	if t.Play != nil {
		tags = append(tags, t.Play.Tags...)
	}
	for _, b := range t.blocks() {
		tags = append(tags, b.Tags...)
	}
	return append(tags, t.Tags...)
}

// AllWhen are the conditions that have to hold: those of the import that
// brought the play, of the blocks around, outermost first, and the task's own.
func (t *Task) AllWhen() []Value {
	var when []Value
	if t.Play != nil {
		when = append(when, t.Play.When...)
	}
	for _, b := range t.blocks() {
		when = append(when, b.When...)
	}
	return append(when, t.When...)
}

// AllNotify are the handlers to notify: the task's, else those of the
// nearest block that names some.
func (t *Task) AllNotify() []Value {
	if t.Notify != nil {
		return t.Notify
	}
	for b := t.Parent; b != nil; b = b.Parent {
		if b.Notify != nil {
			return b.Notify
		}
	}
	return nil
}

// AllEnvironment are the environments of the play, of the blocks around and of
// the task: a later one wins.
func (t *Task) AllEnvironment() []Value {
	return t.outermostFirst(func(b *Base) []Value { return b.Environment })
}

// AllModuleDefaults are as [Task.AllEnvironment].
func (t *Task) AllModuleDefaults() []Value {
	return t.outermostFirst(func(b *Base) []Value { return b.ModuleDefaults })
}

func (t *Task) outermostFirst(get func(*Base) []Value) []Value {
	var all []Value
	if t.Play != nil {
		all = append(all, get(&t.Play.Base)...)
	}
	for _, b := range t.blocks() {
		all = append(all, get(&b.Base)...)
	}
	return append(all, get(&t.Base)...)
}

// VarsChain are the vars of the blocks around, outermost first, then the
// task's own. Those of the play are a layer of their own and not among them.
func (t *Task) VarsChain() []Vars {
	var chain []Vars
	for _, b := range t.blocks() {
		if b.Vars.Dict != nil {
			chain = append(chain, b.Vars)
		}
	}
	if t.Vars.Dict != nil {
		chain = append(chain, t.Vars)
	}
	return chain
}

// ImportChain are the parameters of the includes around, outermost first,
// which win over role parameters.
func (t *Task) ImportChain() []Vars {
	var chain []Vars
	for _, b := range t.blocks() {
		if b.ImportVars.Dict != nil {
			chain = append(chain, b.ImportVars)
		}
	}
	return chain
}

// EffectiveDelegateTo is the task's delegate_to or that of the nearest block.
func (t *Task) EffectiveDelegateTo() Value {
	if t.DelegateTo.IsSet() {
		return t.DelegateTo
	}
	for b := t.Parent; b != nil; b = b.Parent {
		if b.DelegateTo.IsSet() {
			return b.DelegateTo
		}
	}
	return Value{}
}

// EffectiveDelegateFacts is as [Task.EffectiveDelegateTo].
func (t *Task) EffectiveDelegateFacts() Value {
	if t.DelegateFacts.IsSet() {
		return t.DelegateFacts
	}
	for b := t.Parent; b != nil; b = b.Parent {
		if b.DelegateFacts.IsSet() {
			return b.DelegateFacts
		}
	}
	return Value{}
}

// EffectiveCollections are the collections to search for unqualified names.
func (t *Task) EffectiveCollections() []string {
	if len(t.Collections) > 0 {
		return t.Collections
	}
	c := scope{parent: t.Parent, role: t.Role, play: t.Play}
	return c.collections()
}

// RoleOrder lists all roles under roles: in the order they run.
func (p *Play) RoleOrder() []*RoleUse {
	var uses []*RoleUse
	for _, u := range p.Roles {
		uses = append(uses, u.Order()...)
	}
	return uses
}

// AllHandlers are the handlers of the roles, in their order, then the play's,
// then those of imported roles.
func (p *Play) AllHandlers() []Item {
	var hs []Item
	for _, u := range p.RoleOrder() {
		hs = append(hs, u.Handlers...)
	}
	hs = append(hs, p.Handlers...)
	for _, imported := range p.Imported {
		for _, u := range imported.Order() {
			hs = append(hs, u.Handlers...)
		}
	}
	return hs
}

// Walk calls visit for every task below items in order: body, rescue, always.
func Walk(items []Item, visit func(*Task)) {
	for _, it := range items {
		switch it := it.(type) {
		case *Task:
			visit(it)
		case *Block:
			Walk(it.Body, visit)
			Walk(it.Rescue, visit)
			Walk(it.Always, visit)
		default:
			panic("playbook: an Item that is neither Task nor Block")
		}
	}
}
