package system

// This file is the group module.

import (
	"context"
	"strconv"
	"strings"

	"gorun/modules"
)

type groupArgs struct {
	Name      string `arg:"name"`
	GID       *int   `arg:"gid"`
	GIDMin    *int   `arg:"gid_min"`
	GIDMax    *int   `arg:"gid_max"`
	State     string `arg:"state"`
	System    bool   `arg:"system"`
	Local     bool   `arg:"local"`
	NonUnique bool   `arg:"non_unique"`
	Force     bool   `arg:"force"`
}

// Group is ansible.builtin.group
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/group_module.html).
var Group = modules.Define(modules.Spec{
	Name: "ansible.builtin.group",
	Doc:  "Makes, changes and removes groups.",
	Diff: modules.NoSupport,
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The group."},
		{Name: "gid", Type: modules.Int, Doc: "Its number."},
		{Name: "gid_min", Type: modules.Int, Doc: "The least number for a new group (GID_MIN of login.defs)."},
		{Name: "gid_max", Type: modules.Int, Doc: "The greatest number for a new group (GID_MAX of login.defs)."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether it is to be there."},
		{Name: "system", Type: modules.Bool, Default: false, Doc: "A new group is a system group."},
		{Name: "local", Type: modules.Bool, Default: false, Doc: "Look at this host's files only, not at the name service."},
		{Name: "non_unique", Type: modules.Bool, Default: false, Doc: "Allow a number that another group has."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Remove a group that is some user's primary one."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "non_unique", Value: true, Need: []string{"gid"}}}},
}, runGroup)

func runGroup(ctx context.Context, m *modules.Run, a *groupArgs) (*modules.Result, error) {
	have, err := findGroup(ctx, m, a.Name, a.Local)
	if err != nil {
		return nil, modules.Failf("cannot read the groups: %w", err)
	}
	if have != nil && have.name != a.Name {
		have = nil // its number was a name of digits
	}
	data := map[string]any{"name": a.Name, "state": a.State}
	argv := groupCommand(a, have)
	res := &modules.Result{Changed: argv != nil, Data: data}
	if argv != nil && m.Check && (have == nil || a.State == "absent") {
		return &modules.Result{Changed: true}, nil
	}
	if argv != nil && !m.Check {
		r, err := m.Command(ctx, modules.CommandOptions{}, argv...)
		if err != nil {
			return nil, err
		}
		if r.RC != 0 {
			return nil, modules.FailWith(map[string]any{"name": a.Name}, "%s", r.Stderr)
		}
		if r.Stdout != "" {
			data["stdout"] = r.Stdout
		}
		if r.Stderr != "" {
			data["stderr"] = r.Stderr
		}
		if have, err = findGroup(ctx, m, a.Name, a.Local); err != nil {
			return nil, modules.Failf("cannot read the groups: %w", err)
		}
	}
	if a.State == "present" && have != nil {
		data["system"], data["gid"] = a.System, have.gid
	}
	return res, nil
}

// groupCommand is what brings the group to its state, nil where it is there.
func groupCommand(a *groupArgs, have *groupEntry) []string {
	var argv []string
	number := func() {
		if a.GID != nil {
			argv = append(argv, "-g", strconv.Itoa(*a.GID))
			if a.NonUnique {
				argv = append(argv, "-o")
			}
		}
	}
	switch {
	case a.State == "absent" && have != nil:
		argv = []string{"groupdel"}
		if a.Force {
			argv = append(argv, "-f")
		}
	case a.State == "absent":
		return nil
	case have == nil:
		argv = []string{"groupadd"}
		number()
		if a.System {
			argv = append(argv, "-r")
		}
		for key, n := range map[string]*int{"GID_MIN": a.GIDMin, "GID_MAX": a.GIDMax} {
			if n != nil {
				argv = append(argv, "-K", key+"="+strconv.Itoa(*n))
			}
		}
	case a.GID != nil && *a.GID != have.gid:
		argv = []string{"groupmod"}
		number()
	default:
		return nil
	}
	return append(argv, a.Name)
}

// splitList splits a comma list, or list items that hold one.
func splitList(list []string) []string {
	var out []string
	for _, item := range list {
		for _, w := range strings.Split(item, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}
