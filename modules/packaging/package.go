package packaging

// This file is the package module: the host's own package manager.

import (
	"context"
	"strings"

	"gorun/modules"
	"gorun/modules/facts"
)

type packageArgs struct {
	Name        []string `arg:"name"`
	State       string   `arg:"state"`
	Use         string   `arg:"use"`
	UpdateCache bool     `arg:"update_cache"`
}

// Package is ansible.builtin.package
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/package_module.html).
var Package = modules.Define(modules.Spec{
	Name: "ansible.builtin.package",
	Doc:  "Installs and removes packages by the host's package manager.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Required: true, Aliases: []string{"pkg"}, Doc: "The packages."},
		{Name: "state", Required: true, Doc: "present, absent, latest, or what else the package manager's module knows."},
		{Name: "use", Default: "auto", Doc: "The package manager's module, where the host's own is not meant."},
		{Name: "update_cache", Type: modules.Bool, Default: false, Doc: "Fetch the lists of packages first."},
	},
}, runPackage)

func runPackage(ctx context.Context, m *modules.Run, a *packageArgs) (*modules.Result, error) {
	use := a.Use
	if use == "auto" {
		use, _ = m.Facts["pkg_mgr"].(string)
	}
	if use == "" {
		use = facts.PackageManager()
	}
	use = use[strings.LastIndexByte(use, '.')+1:]
	if use != "apt" {
		return nil, modules.Failf("Could not find a module for package manager %q: apt is known natively", use)
	}
	return runApt(ctx, m, &aptArgs{
		Package: a.Name, State: a.State, UpdateCache: a.UpdateCache, Upgrade: "no",
		UpdateRetries: 5, UpdateMaxDelay: 12, LockTimeout: 60, DpkgOptions: "force-confdef,force-confold",
	})
}
