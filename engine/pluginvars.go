package engine

// This file runs vars plugins in Python.

import (
	"context"
	"path/filepath"
	"strings"

	"gorun/engine/action"
	"gorun/engine/foreign"
	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
)

// VarsOptions are the settings of vars plugins.
type VarsOptions struct {
	// Enabled is vars_plugins_enabled, Stage run_vars_plugins.
	Enabled []string
	Stage   string
	// Inventory is asked for when the first plugin runs.
	Inventory func() *inventory.Inventory
}

// Vars returns what runs the vars plugins; nil where there are none. Those
// beside the playbook and in the settings' folders run unless they want to be
// enabled, those of collections where they are enabled.
func (p *Plugins) Vars(o VarsOptions) vars.PluginFunc {
	what := p.first(foreign.Vars)
	for _, n := range o.Enabled {
		found, err := p.finder.Find(foreign.Vars, n, nil)
		if strings.Count(n, ".") > 1 && !strings.HasPrefix(n, "ansible.") && (found != nil || err != nil || p.finder.Install() == nil) {
			what = "the vars plugin " + n
		}
	}
	if what == "" {
		return nil
	}
	version := uint64(0)
	return func(stage, dir, host string, groups []string) (early, late *templates.Dict, err error) {
		ctx := context.Background() // variables are looked up without one
		h, err := p.start(ctx, what)
		if err != nil {
			return nil, nil, err
		}
		if abs, err := filepath.Abs(dir); err == nil {
			dir = abs
		}
		var state templates.Value = templates.None
		p.varsMu.Lock() // one after the other, so that the state comes first
		defer p.varsMu.Unlock()
		if inv := o.Inventory(); inv.Version() != version {
			version = inv.Version()
			state = inv.State()
		}
		v, err := h.Call(ctx, "vars", action.Result(
			"path", dir, "host", host, "groups", groups, "stage", stage, "fallback", o.Stage, "enabled", o.Enabled,
			"state", state, "secrets", p.secrets(), "basedir", p.basedir), nil)
		if err != nil {
			return nil, nil, err
		}
		if d, ok := v.(*templates.Dict); ok {
			v, _ := d.GetStr("early")
			early, _ = v.(*templates.Dict)
			v, _ = d.GetStr("late")
			late, _ = v.(*templates.Dict)
		}
		return early, late, nil
	}
}
