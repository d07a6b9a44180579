package posix

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type sudoersArgs struct {
	Defaults    []string `arg:"defaults"`
	Commands    []string `arg:"commands"`
	Group       string   `arg:"group"`
	Host        string   `arg:"host"`
	Name        string   `arg:"name"`
	Nopassword  bool     `arg:"nopassword"`
	Runas       string   `arg:"runas"`
	Setenv      bool     `arg:"setenv"`
	State       string   `arg:"state"`
	SudoersPath string   `arg:"sudoers_path"`
	User        string   `arg:"user"`
	Validation  string   `arg:"validation"`
	Noexec      bool     `arg:"noexec"`
}

// Sudoers is community.general.sudoers.
var Sudoers = modules.Define(modules.Spec{
	Name: "community.general.sudoers",
	Doc:  "Keep a rule in a file of /etc/sudoers.d.",
	Options: []modules.Option{
		{Name: "defaults", Type: modules.List, Elements: modules.Str, Doc: "Defaults for the user or group, a line each."},
		{Name: "commands", Type: modules.List, Elements: modules.Str, Doc: "The commands that are allowed, or ALL."},
		{Name: "group", Doc: "The group that the rule is for."},
		{Name: "host", Default: "ALL", Doc: "The host that the rule is for."},
		{Name: "name", Required: true, Doc: "The name of the file."},
		{Name: "nopassword", Type: modules.Bool, Default: true, Doc: "Ask for no password."},
		{Name: "runas", Doc: "Whom commands may run as."},
		{Name: "setenv", Type: modules.Bool, Default: false, Doc: "The environment may be kept."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the rule is to be there."},
		{Name: "sudoers_path", Default: "/etc/sudoers.d", Doc: "The folder."},
		{Name: "user", Doc: "The user that the rule is for."},
		{Name: "validation", Default: "detect", Choices: []string{"absent", "detect", "required"}, Doc: "Check the file by visudo: always, where it is there, or not."},
		{Name: "noexec", Type: modules.Bool, Default: false, Doc: "The commands may run no others."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"user", "group"}},
		RequiredIf: []modules.RequiredIf{{Key: "state", Value: "present", Need: []string{"commands"}}}},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *sudoersArgs) (*modules.Result, error) {
	if a.State == "present" && a.User == "" && a.Group == "" {
		return nil, modules.Failf("user or group is needed with state=present")
	}
	if filepath.Base(a.Name) != a.Name {
		return nil, modules.Failf("name %q must be the name of a file", a.Name)
	}
	path := filepath.Join(a.SudoersPath, a.Name)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, modules.Failf("could not read %s: %s", path, oserr.Text(err))
	}
	present := err == nil
	res := &modules.Result{Data: map[string]any{}}
	after := ""
	if a.State == "present" {
		after = sudoersRule(a)
		if err := validateSudoers(ctx, m, a, after); err != nil {
			return nil, err
		}
	}
	if res.Changed = string(data) != after || present != (a.State == "present"); !res.Changed {
		return res, nil
	}
	res.Diff = []modules.Diff{{Before: string(data), After: after, BeforeHeader: path, AfterHeader: path}}
	if m.Check {
		return res, nil
	}
	if a.State == "absent" {
		if err := os.Remove(path); err != nil {
			return nil, modules.Failf("could not remove %s: %s", path, oserr.Text(err))
		}
		return res, nil
	}
	if err := m.WriteFile(ctx, path, []byte(after), "", false); err != nil {
		return nil, err
	}
	_, err = m.ApplyFileArgs(path, &modules.FileArgs{Mode: "0440"}, false, nil)
	return res, err
})

func sudoersRule(a *sudoersArgs) string {
	who := a.User
	if a.Group != "" {
		who = "%" + a.Group
	}
	flags := ""
	if a.Noexec {
		flags += "NOEXEC:"
	}
	if a.Nopassword {
		flags += "NOPASSWD:"
	}
	if a.Setenv {
		flags += "SETENV:"
	}
	runas := ""
	if a.Runas != "" {
		runas = "(" + a.Runas + ")"
	}
	defaults := ""
	for _, d := range a.Defaults {
		defaults += "Defaults:" + who + " " + d + "\n"
	}
	return defaults + who + " " + a.Host + "=" + runas + flags + " " + strings.Join(a.Commands, ", ") + "\n"
}

func validateSudoers(ctx context.Context, m *modules.Run, a *sudoersArgs, text string) error {
	if a.Validation == "absent" {
		return nil
	}
	bin := m.BinPath("visudo")
	if bin == "" {
		if a.Validation == "required" {
			_, err := m.RequireBin("visudo")
			return err
		}
		return nil
	}
	res, err := m.Command(ctx, modules.CommandOptions{Stdin: strings.NewReader(text)}, bin, "-c", "-f", "-")
	if err == nil && res.RC != 0 {
		err = modules.FailWith(map[string]any{"rc": res.RC, "stderr": res.Stderr}, "Failed to validate sudoers rule:\n%s", res.Stdout+res.Stderr)
	}
	return err
}
