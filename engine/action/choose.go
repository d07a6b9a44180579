package action

// This file holds the actions that choose a module by the target's facts.

import (
	"context"
	"maps"
	"slices"

	"gorun/modules/registry"
	"gorun/templates"
)

// gatherFacts runs setup, or the modules that facts_modules names
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/gather_facts_module.html).
func gatherFacts(ctx context.Context, t *Task) (*templates.Dict, error) {
	t.Args.Delete(templates.Str("parallel"))
	return t.runAlways(ctx, "ansible.builtin.setup", t.Args)
}

// fact is a fact of the target: gathered before, or asked for now.
func (t *Task) fact(ctx context.Context, name string) (string, error) {
	if t.Facts != nil {
		if v, ok := t.Facts.GetStr(name); ok {
			return templates.StrOf(v, templates.Current), nil
		}
	}
	d, err := t.runAlways(ctx, "ansible.builtin.setup", Result("gather_subset", []string{"!all"}, "filter", []string{"ansible_" + name}))
	if err != nil {
		return "", err
	}
	if failed(d) {
		return "", &Failure{Msg: "the target's facts could not be gathered", Data: d}
	}
	if f, ok := d.GetStr("ansible_facts"); ok {
		if f, ok := f.(*templates.Dict); ok {
			if v, ok := f.GetStr("ansible_" + name); ok {
				return templates.StrOf(v, templates.Current), nil
			}
		}
	}
	return "", nil
}

// packageAny runs the package manager of the target
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/package_module.html).
func packageAny(ctx context.Context, t *Task) (*templates.Dict, error) {
	mgr := t.str("use", "auto")
	t.Args.Delete(templates.Str("use"))
	if mgr == "auto" {
		var err error
		if mgr, err = t.fact(ctx, "pkg_mgr"); err != nil {
			return nil, err
		}
	}
	if mgr == "" || mgr == "auto" || mgr == "unknown" {
		return nil, failf("Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.")
	}
	module, ok := Route(mgr, nil)
	if !ok || registry.Lookup(module) == nil {
		return nil, failf("Could not find a matching action for the \"%s\" package manager.", mgr)
	}
	return t.request(ctx, request{name: module, args: t.Args, check: t.Check, async: t.Async, last: true})
}

// sysvOnly are arguments of service that systemd's module has no use for.
var sysvOnly = []string{"pattern", "runlevel", "sleep", "arguments", "args"}

// service runs the module of the target's service manager
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/service_module.html).
func service(ctx context.Context, t *Task) (*templates.Dict, error) {
	mgr := t.str("use", "auto")
	t.Args.Delete(templates.Str("use"))
	if mgr == "auto" && t.Facts != nil {
		if v, ok := t.Facts.GetStr("service_mgr"); ok {
			mgr = templates.StrOf(v, templates.Current)
		}
	}
	module := "ansible.builtin.service" // it finds out on the target by itself
	if mgr != "auto" {
		if full, ok := Route(mgr, nil); ok && registry.Lookup(full) != nil {
			module = full
		}
	}
	if module == "ansible.builtin.systemd_service" {
		for _, k := range sysvOnly {
			t.Args.Delete(templates.Str(k))
		}
	}
	return t.request(ctx, request{name: module, args: t.Args, check: t.Check, async: t.Async, last: true})
}

// Names lists the full names of all actions and modules, sorted.
func Names() []string {
	set := map[string]bool{}
	for _, m := range registry.All {
		set[m.Spec.Name] = true
	}
	for n := range Actions {
		set[n] = true
	}
	for n := range engineActions {
		set[n] = true
	}
	return slices.Sorted(maps.Keys(set))
}
