package commands

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"unicode"

	"gorun/modules"
)

type makeArgs struct {
	Chdir   string         `arg:"chdir"`
	File    string         `arg:"file"`
	Jobs    *int           `arg:"jobs"`
	Make    string         `arg:"make"`
	Params  map[string]any `arg:"params"`
	Target  string         `arg:"target"`
	Targets []string       `arg:"targets"`
}

// Make is community.general.make.
var Make = modules.Define(modules.Spec{
	Name: "community.general.make",
	Doc:  "Run a target of a Makefile.",
	Options: []modules.Option{
		{Name: "chdir", Type: modules.Path, Required: true, Doc: "The folder to run in."},
		{Name: "file", Type: modules.Path, Doc: "Another Makefile."},
		{Name: "jobs", Type: modules.Int, Doc: "How many jobs at once."},
		{Name: "make", Type: modules.Path, Doc: "The make program; gmake or make unless given."},
		{Name: "params", Type: modules.Dict, Doc: "Variables on the command line; one without a value is a word of its own."},
		{Name: "target", Doc: "The target."},
		{Name: "targets", Type: modules.List, Elements: modules.Str, Doc: "Several targets."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"target", "targets"}}},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *makeArgs) (*modules.Result, error) {
	bin := a.Make
	if bin == "" {
		if bin = m.BinPath("gmake"); bin == "" {
			var err error
			if bin, err = m.RequireBin("make"); err != nil {
				return nil, err
			}
		}
	}
	argv := []string{bin}
	if a.Jobs != nil {
		argv = append(argv, "-j", fmt.Sprint(*a.Jobs))
	}
	if a.File != "" {
		argv = append(argv, "-f", a.File)
	}
	if a.Target != "" {
		argv = append(argv, a.Target)
	}
	argv = append(argv, a.Targets...)
	names := make([]string, 0, len(a.Params))
	for k := range a.Params {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		if v := a.Params[k]; v == nil {
			argv = append(argv, k)
		} else {
			argv = append(argv, fmt.Sprintf("%s=%v", k, v))
		}
	}
	o := modules.CommandOptions{Dir: a.Chdir, KeepLocale: true}
	data := map[string]any{"chdir": a.Chdir, "command": shown(argv), "target": m.Params["target"], "params": m.Params["params"],
		"file": m.Params["file"], "jobs": m.Params["jobs"]}
	if a.Targets != nil {
		data["targets"] = a.Targets
	}
	// With -q make says by its code whether there is something to do.
	res, err := m.Command(ctx, o, append(argv[:len(argv):len(argv)], "-q")...)
	if err != nil {
		return nil, err
	}
	changed := res.RC != 0
	if changed && !m.Check {
		if res, err = m.Command(ctx, o, argv...); err != nil {
			return nil, err
		}
		if res.RC != 0 {
			return nil, modules.FailWith(map[string]any{"cmd": shown(argv), "rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr},
				"%s", strings.TrimRightFunc(res.Stderr, unicode.IsSpace))
		}
	}
	data["stdout"], data["stderr"] = strings.TrimRight(res.Stdout, "\r\n"), strings.TrimRight(res.Stderr, "\r\n")
	return &modules.Result{Changed: changed, Data: data}, nil
})

func shown(argv []string) string {
	text := ""
	for i, w := range argv {
		if i > 0 {
			text += " "
		}
		text += modules.ShellQuote(w)
	}
	return text
}
