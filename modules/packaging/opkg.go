package packaging

// This file is the opkg module: OpenWrt's packages.

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"gorun/modules"
)

type opkgArgs struct {
	Name        []string `arg:"name"`
	State       string   `arg:"state"`
	Force       string   `arg:"force"`
	UpdateCache bool     `arg:"update_cache"`
	Executable  string   `arg:"executable"`
}

// Opkg is community.general.opkg
// (https://docs.ansible.com/ansible/latest/collections/community/general/opkg_module.html).
var Opkg = modules.Define(modules.Spec{
	Name: "community.general.opkg",
	Doc:  "Installs and removes packages by opkg.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Required: true, Aliases: []string{"pkg"}, Doc: "Packages, as name or name=version."},
		{Name: "state", Default: "present", Choices: []string{"present", "installed", "absent", "removed"}, Doc: "Whether they are to be there."},
		{Name: "force", Default: "", Choices: []string{"", "depends", "maintainer", "reinstall", "overwrite", "downgrade", "space", "postinstall", "remove",
			"checksum", "removal-of-dependent-packages"}, Doc: "Which of opkg's --force options to use."},
		{Name: "update_cache", Type: modules.Bool, Default: false, Doc: "Fetch the lists of packages first."},
		{Name: "executable", Type: modules.Path, Doc: "The program opkg."},
	},
	Check: modules.NoSupport,
}, runOpkg)

// newOpkg finds the program, by the task's path where it gives one.
func newOpkg(ctx context.Context, m *modules.Run, own string) (*client, error) {
	if own == "" {
		return newClient(ctx, m, "opkg", "")
	}
	bin, err := m.RequireBin(filepath.Base(own), filepath.Dir(own))
	return &client{ctx: ctx, m: m, base: []string{bin}}, err
}

func runOpkg(ctx context.Context, m *modules.Run, a *opkgArgs) (*modules.Result, error) {
	c, err := newOpkg(ctx, m, a.Executable)
	if err != nil {
		return nil, err
	}
	if a.UpdateCache {
		if res, err := c.run("update"); err != nil || res.RC != 0 {
			return nil, modules.FailWith(outputOf(res), "could not update package db")
		}
	}
	want := a.State == "present" || a.State == "installed"
	verb, doing, done, already := "remove", "remove", "removed", "absent"
	if want {
		verb, doing, done, already = "install", "install", "installed", "present"
	}
	count := 0
	for _, spec := range a.Name {
		name, version, _ := strings.Cut(spec, "=")
		prefix := name + " - "
		if version != "" && want {
			prefix += version + " "
		}
		there := func() (bool, error) {
			res, err := c.run("list-installed", name)
			return strings.HasPrefix(res.Stdout, prefix), err
		}
		have, err := there()
		if err != nil {
			return nil, err
		}
		if have == want && (!want || a.Force != "reinstall") {
			continue
		}
		args := []string{verb}
		if a.Force != "" {
			args = append(args, "--force-"+a.Force)
		}
		if !want {
			spec = name
		}
		if _, err := c.run(append(args, spec)...); err != nil {
			return nil, err
		}
		if have, err = there(); err != nil || have != want {
			return nil, modules.Failf("failed to %s %s", doing, spec)
		}
		count++
	}
	msg := "package(s) already " + already
	if count > 0 {
		msg = fmt.Sprintf("%s %d package(s)", done, count)
	}
	return &modules.Result{Changed: count > 0, Msg: msg}, nil
}

// outputOf is what a program left, for a failure.
func outputOf(res modules.CommandResult) map[string]any {
	return map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr}
}
