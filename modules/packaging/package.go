package packaging

// This file is the package module: the host's own package manager.

import (
	"context"
	"maps"
	"strings"

	"gorun/modules"
	"gorun/modules/facts"
)

// managers are the modules that package may hand over to, by the name that the
// fact pkg_mgr has.
var managers = map[string]*modules.Module{
	"apt": Apt, "apk": Apk, "dnf": Dnf, "dnf5": Dnf, "yum": Dnf, "homebrew": Homebrew, "opkg": Opkg, "pacman": Pacman, "zypper": Zypper,
}

// packageArgs has no fields: the options are the manager's own and are handed
// on as they are, from Run.Params.
type packageArgs struct{}

// Package is ansible.builtin.package
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/package_module.html).
var Package = modules.Define(modules.Spec{
	Name:    "ansible.builtin.package",
	Doc:     "Installs and removes packages by the host's package manager: apt, dnf, yum, zypper, apk, pacman, opkg, homebrew.",
	Options: packageOptions(),
}, runPackage)

// packageOptions are package's own, and whatever a manager's module takes.
func packageOptions() []modules.Option {
	out := []modules.Option{
		{Name: "name", Type: modules.Raw, Aliases: []string{"pkg", "package"}, Doc: "The packages."},
		{Name: "state", Type: modules.Raw, Doc: "present, absent, latest, or what else the package manager's module knows."},
		{Name: "use", Default: "auto", Doc: "The package manager's module, where the host's own is not meant."},
	}
	known := map[string]bool{"name": true, "pkg": true, "package": true, "state": true, "use": true}
	for _, m := range []*modules.Module{Apt, Dnf, Zypper, Apk, Pacman, Opkg, Homebrew} {
		short := m.Spec.Name[strings.LastIndexByte(m.Spec.Name, '.')+1:]
		for _, o := range m.Spec.Options {
			for _, name := range append([]string{o.Name}, o.Aliases...) {
				if !known[name] {
					known[name] = true
					out = append(out, modules.Option{Name: name, Type: modules.Raw, Doc: "An option of " + short + "."})
				}
			}
		}
	}
	return out
}

func runPackage(ctx context.Context, m *modules.Run, _ *packageArgs) (*modules.Result, error) {
	use, _ := m.Params["use"].(string)
	if use == "auto" {
		use, _ = m.Facts["pkg_mgr"].(string)
	}
	if use == "" {
		use = facts.PackageManager()
	}
	if use == "unknown" {
		return nil, modules.Failf(`Could not detect which package manager to use. Try gathering facts or setting the "use" option.`)
	}
	use = use[strings.LastIndexByte(use, '.')+1:]
	manager := managers[use]
	if manager == nil {
		return nil, modules.Failf("Could not find a module for %s.", use)
	}
	raw := map[string]any{}
	for name, v := range m.Params {
		if v != nil && name != "use" {
			raw[name] = v
		}
	}
	for _, alias := range []string{"pkg", "package"} {
		delete(raw, alias) // name has it
	}
	run := *m
	run.Name, run.Warnings, run.Deprecations = use, nil, nil
	out := manager.Execute(ctx, &run, raw)
	m.Tmp = run.Tmp
	return handedOver(m, &run, out)
}

// handedOver makes of another module's answer the result of this one.
func handedOver(m, run *modules.Run, out map[string]any) (*modules.Result, error) {
	m.Warnings = append(m.Warnings, run.Warnings...)
	m.Deprecations = append(m.Deprecations, run.Deprecations...)
	m.Secrets = append(m.Secrets, run.Secrets...)
	data := maps.Clone(out)
	for _, key := range []string{"warnings", "deprecations", "changed", "failed"} {
		delete(data, key)
	}
	changed, _ := out["changed"].(bool)
	if failed, _ := out["failed"].(bool); failed {
		msg, _ := out["msg"].(string)
		return nil, &modules.Failure{Msg: msg, Changed: changed, Data: data}
	}
	return &modules.Result{Changed: changed, Data: data}, nil
}
