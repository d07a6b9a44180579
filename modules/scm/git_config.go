package scm

import (
	"context"
	"slices"
	"strings"

	"gorun/modules"
)

type gitConfigArgs struct {
	File    string  `arg:"file"`
	ListAll bool    `arg:"list_all"`
	Name    string  `arg:"name"`
	Repo    string  `arg:"repo"`
	Scope   string  `arg:"scope"`
	State   string  `arg:"state"`
	Value   *string `arg:"value"`
	AddMode string  `arg:"add_mode"`
}

// GitConfig is community.general.git_config.
var GitConfig = modules.Define(modules.Spec{
	Name: "community.general.git_config",
	Doc:  "Read and set git's configuration.",
	Options: []modules.Option{
		{Name: "file", Type: modules.Path, Doc: "The file for scope file."},
		{Name: "list_all", Type: modules.Bool, Default: false, Doc: "Give all settings."},
		{Name: "name", Doc: "The setting; without value and with state present it is read."},
		{Name: "repo", Type: modules.Path, Doc: "The repository for scope local."},
		{Name: "scope", Choices: []string{"file", "local", "global", "system"}, Doc: "Which configuration is meant."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the setting is to be there."},
		{Name: "value", Doc: "The value."},
		{Name: "add_mode", Default: "replace-all", Choices: []string{"add", "replace-all"}, Doc: "Replace the values of the setting, or add one."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"list_all", "name"}, {"list_all", "value"}, {"list_all", "state"}},
		RequiredIf:        []modules.RequiredIf{{Key: "scope", Value: "local", Need: []string{"repo"}}, {Key: "scope", Value: "file", Need: []string{"file"}}},
		RequiredOneOf:     [][]string{{"list_all", "name"}},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *gitConfigArgs) (*modules.Result, error) {
	if a.Name == "" && !a.ListAll {
		return nil, modules.Failf("one of the following is required: list_all, name")
	}
	git, err := m.RequireBin("git")
	if err != nil {
		return nil, err
	}
	scope := a.Scope
	if scope == "" && !a.ListAll {
		scope = "system"
	}
	base := []string{git, "config", "--includes"}
	switch {
	case scope == "file":
		base = append(base, "-f", a.File)
	case scope != "":
		base = append(base, "--"+scope)
	}
	run := func(args ...string) (modules.CommandResult, error) {
		dir := "/"
		if scope == "local" || scope == "" && a.Repo != "" {
			dir = a.Repo
		}
		return m.Command(ctx, modules.CommandOptions{Dir: dir}, append(base[:len(base):len(base)], args...)...)
	}
	if a.ListAll {
		return listConfig(run)
	}
	return setConfig(m, a, base, run)
})

type gitRunner func(args ...string) (modules.CommandResult, error)

func gitFailed(res modules.CommandResult) error {
	return modules.FailWith(map[string]any{"rc": res.RC}, "%s", res.Stderr)
}

// gitValues are a setting's values as the difference shows them: a text where there is one at most.
func gitValues(values []string) any {
	switch len(values) {
	case 0:
		return "\n"
	case 1:
		return values[0] + "\n"
	}
	return values
}

func listConfig(run gitRunner) (*modules.Result, error) {
	res, err := run("-l")
	if err != nil {
		return nil, err
	}
	if res.RC != 0 && !strings.Contains(res.Stderr, "unable to read config file") {
		return nil, gitFailed(res)
	}
	values := map[string]any{}
	for line := range strings.Lines(res.Stdout) {
		k, v, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		values[k] = v
	}
	return &modules.Result{Data: map[string]any{"msg": "", "config_values": values}}, nil
}

func setConfig(m *modules.Run, a *gitConfigArgs, base []string, run gitRunner) (*modules.Result, error) {
	res, err := run("--get-all", a.Name)
	if err != nil {
		return nil, err
	}
	if res.RC > 1 {
		return nil, gitFailed(res)
	}
	var have []string
	for line := range strings.Lines(res.Stdout) {
		have = append(have, strings.TrimRight(line, "\n"))
	}
	current := strings.Join(have, "\n")
	if a.State == "present" && a.Value == nil {
		return &modules.Result{Data: map[string]any{"msg": "", "config_value": current}}, nil
	}
	var args, after []string
	switch {
	case a.State == "absent":
		if len(have) == 0 {
			return &modules.Result{Msg: "no setting to unset", Data: map[string]any{}}, nil
		}
		args = []string{"--unset-all", a.Name}
	default:
		after = []string{*a.Value}
		for _, v := range have {
			if v == *a.Value && (len(have) == 1 || a.AddMode == "add") {
				return &modules.Result{Data: map[string]any{"msg": ""}}, nil
			}
		}
		if args = []string{"--" + a.AddMode, a.Name, *a.Value}; a.AddMode == "add" {
			after = append(slices.Clip(have), *a.Value)
		}
	}
	header := strings.Join(append(slices.Clip(base), args...), " ")
	out := &modules.Result{Changed: true, Msg: "setting changed", Data: map[string]any{},
		Diff: []modules.Diff{{Before: gitValues(have), After: gitValues(after), BeforeHeader: header, AfterHeader: header}}}
	if m.Check {
		return out, nil
	}
	res, err = run(args...)
	if err == nil && res.RC != 0 {
		err = gitFailed(res)
	}
	return out, err
}
