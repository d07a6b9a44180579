package posix

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gorun/modules"
)

type alternativesArgs struct {
	Name        string            `arg:"name"`
	Path        string            `arg:"path"`
	Link        string            `arg:"link"`
	Priority    *int              `arg:"priority"`
	State       string            `arg:"state"`
	Subcommands []alternativeLink `arg:"subcommands"`
}

type alternativeLink struct {
	Name string `arg:"name"`
	Path string `arg:"path"`
	Link string `arg:"link"`
}

// Alternatives is community.general.alternatives.
var Alternatives = modules.Define(modules.Spec{
	Name: "community.general.alternatives",
	Doc:  "Choose among programs of one purpose, by update-alternatives.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The generic name."},
		{Name: "path", Type: modules.Path, Required: true, Doc: "The program to install or choose."},
		{Name: "link", Type: modules.Path, Doc: "The link that stands for the generic name."},
		{Name: "priority", Type: modules.Int, Doc: "The priority in automatic mode."},
		{Name: "state", Default: "selected", Choices: []string{"present", "absent", "selected", "auto"},
			Doc: "Whether the alternative is to be installed, chosen, left to automatic choice, or removed."},
		{Name: "subcommands", Type: modules.List, Elements: modules.Dict, Aliases: []string{"slaves"}, Doc: "Links that go with it.",
			Options: []modules.Option{
				{Name: "name", Required: true, Doc: "The generic name."},
				{Name: "path", Type: modules.Path, Required: true, Doc: "The file."},
				{Name: "link", Type: modules.Path, Required: true, Doc: "The link."},
			}},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *alternativesArgs) (*modules.Result, error) {
	r := &alternativesRun{tool: tool{ctx, m}, a: a, priorities: map[string]int{}}
	return r.run()
})

type alternativesRun struct {
	tool
	a             *alternativesArgs
	mode, current string
	link          string
	priorities    map[string]int
	slaves        map[string]string // of the path: name to path
}

// read asks what there is.
func (r *alternativesRun) read() error {
	res, err := r.tool.run("update-alternatives", "--query", r.a.Name)
	if err != nil || res.RC != 0 {
		return err
	}
	r.slaves = map[string]string{}
	block, inSlaves := "", false
	for line := range strings.Lines(res.Stdout) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ":")
		value = strings.TrimSpace(value)
		if strings.HasPrefix(line, " ") {
			if f := strings.Fields(line); inSlaves && block == r.a.Path && len(f) == 2 {
				r.slaves[f[0]] = f[1]
			}
			continue
		}
		inSlaves = key == "Slaves"
		switch key {
		case "Link":
			r.link = value
		case "Status":
			r.mode = value
		case "Value":
			r.current = value
		case "Alternative":
			block = value
		case "Priority":
			r.priorities[block], _ = strconv.Atoi(value)
		}
	}
	return nil
}

func (r *alternativesRun) run() (*modules.Result, error) {
	a := r.a
	if err := r.read(); err != nil {
		return nil, err
	}
	before := map[string]any{"state": r.mode, "path": r.current, "link": r.link}
	_, installed := r.priorities[a.Path]
	changed := false
	if a.State == "absent" {
		if installed {
			changed = true
			if err := r.change("update-alternatives", "--remove", a.Name, a.Path); err != nil {
				return nil, err
			}
		}
		return r.result(changed, before), nil
	}
	if _, err := os.Stat(a.Path); err != nil {
		return nil, modules.Failf("Specified path %s does not exist", a.Path)
	}
	if r.needsInstall(installed) {
		changed = true
		if err := r.install(); err != nil {
			return nil, err
		}
	}
	switch {
	case a.State == "selected" && r.current != a.Path:
		changed = true
		if err := r.change("update-alternatives", "--set", a.Name, a.Path); err != nil {
			return nil, err
		}
	case a.State == "auto" && r.mode != "auto":
		changed = true
		if err := r.change("update-alternatives", "--auto", a.Name); err != nil {
			return nil, err
		}
	}
	return r.result(changed, before), nil
}

func (r *alternativesRun) needsInstall(installed bool) bool {
	a := r.a
	if !installed || a.Priority != nil && r.priorities[a.Path] != *a.Priority || a.Link != "" && r.link != "" && a.Link != r.link {
		return true
	}
	for _, s := range a.Subcommands {
		if r.slaves[s.Name] != s.Path {
			return true
		}
	}
	return false
}

func (r *alternativesRun) install() error {
	a := r.a
	link := a.Link
	if link == "" {
		if link = r.link; link == "" {
			return modules.Failf("Needed to install the alternative, but unable to do so as we are missing the link")
		}
	}
	if !filepath.IsAbs(link) {
		return modules.Failf("link %s must be an absolute path", link)
	}
	priority := 50
	if a.Priority != nil {
		priority = *a.Priority
	}
	args := []string{"--install", link, a.Name, a.Path, strconv.Itoa(priority)}
	for _, s := range a.Subcommands {
		args = append(args, "--slave", s.Link, s.Name, s.Path)
	}
	return r.change("update-alternatives", args...)
}

func (r *alternativesRun) result(changed bool, before map[string]any) *modules.Result {
	res := &modules.Result{Changed: changed, Data: map[string]any{}}
	if changed && r.m.Diff {
		res.Diff = []modules.Diff{{Before: before, After: map[string]any{"state": r.a.State, "path": r.a.Path, "link": r.a.Link}}}
	}
	return res
}
