package engine

// This file runs inventory plugins in Python.

import (
	"context"
	"fmt"

	"gorun/engine/action"
	"gorun/engine/foreign"
	"gorun/templates"
	"gorun/vars/inventory"
)

// Inventory is [inventory.Options.Foreign]: it runs the plugin with Ansible's
// own code, which configures it from the source, and takes over the result.
func (p *Plugins) Inventory(b *inventory.Builder, name string, auto bool) error {
	if p.finder.Install() == nil {
		return &inventory.NoPluginError{Need: noInstall("the inventory plugin " + name).Error()}
	}
	found, err := p.finder.Find(foreign.Inventory, name, nil)
	if err != nil {
		return err
	}
	if found == nil {
		return &inventory.NoPluginError{}
	}
	ctx := context.Background() // inventories are read without one
	h, err := p.start(ctx, "the inventory plugin "+name)
	if err != nil {
		return err
	}
	args := action.Result(
		"plugin", name, "source", b.Source, "auto", auto, "cache", !b.Options().RefreshCache, "basedir", p.basedir,
		"state", b.State(), "secrets", p.secrets(), "extra_vars", p.extra())
	v, err := h.Call(ctx, "inventory", args, nil)
	if err != nil {
		return err
	}
	if v == templates.Value(templates.None) {
		return &inventory.NoPluginError{}
	}
	state, ok := v.(*templates.Dict)
	if !ok {
		return fmt.Errorf("the inventory plugin %s gave no inventory", name)
	}
	if state.Len() == 0 {
		return inventory.ErrDeclined
	}
	return b.Apply(state)
}

// secrets are the vault's, for plugins that read vaults.
func (p *Plugins) secrets() *templates.List {
	l := templates.NewList()
	if p.o.Secrets == nil {
		return l
	}
	for _, s := range p.o.Secrets() {
		l.Elems = append(l.Elems, templates.NewList(templates.Str(s.ID), templates.Bytes(s.Password)))
	}
	return l
}

// extra are the extra variables.
func (p *Plugins) extra() *templates.Dict {
	if p.o.Extra != nil {
		if d := p.o.Extra(); d != nil {
			return d
		}
	}
	return templates.NewDict(0)
}
