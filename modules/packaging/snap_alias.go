package packaging

// This file is the snap_alias module.

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gorun/modules"
)

type snapAliasArgs struct {
	State string   `arg:"state"`
	Name  string   `arg:"name"`
	Alias []string `arg:"alias"`
}

// SnapAlias is community.general.snap_alias
// (https://docs.ansible.com/ansible/latest/collections/community/general/snap_alias_module.html).
var SnapAlias = modules.Define(modules.Spec{
	Name: "community.general.snap_alias",
	Doc:  "Keeps further names for the programs of snaps.",
	Options: []modules.Option{
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the names are to be there."},
		{Name: "name", Doc: "The snap's program; without it the alias is removed from whatever it stands for."},
		{Name: "alias", Type: modules.List, Elements: modules.Str, Aliases: []string{"aliases"}, Doc: "The names; without any all of the snap's are removed."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{
		{Key: "state", Value: "present", Need: []string{"name", "alias"}},
		{Key: "state", Value: "absent", Need: []string{"name", "alias"}, OneOf: true},
	}},
}, runSnapAlias)

func runSnapAlias(ctx context.Context, m *modules.Run, a *snapAliasArgs) (*modules.Result, error) {
	r, err := newSnap(ctx, m)
	if err != nil {
		return nil, err
	}
	before, err := r.aliases()
	if err != nil {
		return nil, err
	}
	r.data["snap_aliases"] = shownAliases(a, before)
	var commands [][]string
	switch {
	case a.State == "present":
		for _, alias := range a.Alias {
			if !slices.Contains(before[a.Name], alias) {
				commands = append(commands, []string{"alias", a.Name, alias})
			}
		}
	case len(a.Alias) == 0:
		if len(before[a.Name]) > 0 {
			commands = append(commands, []string{"unalias", a.Name})
		}
	default:
		for _, alias := range a.Alias {
			if hasAlias(before, a.Name, alias) {
				commands = append(commands, []string{"unalias", alias})
			}
		}
	}
	r.out.Changed = commands != nil
	after := before
	if !m.Check && commands != nil {
		for _, argv := range commands {
			res, err := r.run(argv...)
			if err != nil {
				return nil, err
			}
			if res.RC != 0 {
				return nil, r.failf("%s", strings.TrimSpace(res.Stderr))
			}
		}
		if after, err = r.aliases(); err != nil {
			return nil, err
		}
	}
	r.data["snap_aliases"] = shownAliases(a, after)
	r.out.Diff = aliasDiff(a, before, after)
	return r.out, nil
}

// aliasDiff shows what a run changed.
func aliasDiff(a *snapAliasArgs, before, after map[string][]string) []modules.Diff {
	if maps.EqualFunc(before, after, slices.Equal) {
		return nil
	}
	return []modules.Diff{{Before: map[string]any{"snap_aliases": shownAliases(a, before)},
		After: map[string]any{"snap_aliases": shownAliases(a, after)}}}
}

// shownAliases are the aliases of the task's snap, or of all.
func shownAliases(a *snapAliasArgs, all map[string][]string) map[string]any {
	out := map[string]any{}
	if a.Name != "" {
		list := all[a.Name]
		if list == nil {
			list = []string{}
		}
		out[a.Name] = list
		return out
	}
	for name, list := range all {
		out[name] = list
	}
	return out
}

func hasAlias(all map[string][]string, name, alias string) bool {
	for of, list := range all {
		if (name == "" || of == name) && slices.Contains(list, alias) {
			return true
		}
	}
	return false
}

// aliases reads what names there are: of programs to their aliases.
func (r *snapRun) aliases() (map[string][]string, error) {
	res, err := r.run("aliases")
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, r.failf("%s", strings.TrimSpace(res.Stderr))
	}
	out := map[string][]string{}
	if res.Stderr != "" { // there are none
		return out, nil
	}
	for i, line := range modules.SplitLines(res.Stdout) {
		if f := strings.Fields(line); i > 0 && len(f) >= 3 {
			out[f[0]] = append(out[f[0]], f[1])
		}
	}
	return out, nil
}
