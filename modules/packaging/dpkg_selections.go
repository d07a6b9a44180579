package packaging

// This file is the dpkg_selections module.

import (
	"context"
	"strings"

	"gorun/modules"
)

type selectionArgs struct {
	Name      string `arg:"name"`
	Selection string `arg:"selection"`
}

// DpkgSelections is ansible.builtin.dpkg_selections
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/dpkg_selections_module.html).
var DpkgSelections = modules.Define(modules.Spec{
	Name: "ansible.builtin.dpkg_selections",
	Doc:  "Sets what dpkg is to do with a package: keep, hold, remove.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The package."},
		{Name: "selection", Required: true, Choices: []string{"install", "hold", "deinstall", "purge"}, Doc: "What is to be done with it."},
	},
}, runDpkgSelections)

func runDpkgSelections(ctx context.Context, m *modules.Run, a *selectionArgs) (*modules.Result, error) {
	if _, err := m.RequireBin("dpkg"); err != nil {
		return nil, err
	}
	paths, err := findAptPaths(ctx, m)
	if err != nil {
		return nil, err
	}
	status, err := readDpkgStatus(paths.status)
	if err != nil {
		return nil, modules.Failf("cannot read dpkg's status: %w", err)
	}
	before := "not present"
	if p := status.find(a.Name); p != nil {
		before = p.want
	}
	res := &modules.Result{Changed: before != a.Selection, Data: map[string]any{"before": before, "after": a.Selection}}
	if m.Diff {
		res.Diff = []modules.Diff{{Before: map[string]any{a.Name: before}, After: map[string]any{a.Name: a.Selection}}}
	}
	if m.Check || !res.Changed {
		return res, nil
	}
	r, err := m.Command(ctx, modules.CommandOptions{Stdin: strings.NewReader(a.Name + " " + a.Selection + "\n")}, "dpkg", "--set-selections")
	if err != nil {
		return nil, err
	}
	if r.RC != 0 || strings.Contains(r.Stderr, "not in database") {
		return nil, modules.FailWith(map[string]any{"rc": r.RC, "stdout": r.Stdout, "stderr": r.Stderr}, "Failed to set selections: %s", strings.TrimSpace(r.Stderr))
	}
	return res, nil
}
