package packaging

// This file is the apk module: Alpine's packages.

import (
	"context"
	"os"
	"regexp"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type apkArgs struct {
	Name        []string `arg:"name"`
	State       string   `arg:"state"`
	Available   bool     `arg:"available"`
	NoCache     bool     `arg:"no_cache"`
	Repository  []string `arg:"repository"`
	UpdateCache bool     `arg:"update_cache"`
	Upgrade     bool     `arg:"upgrade"`
	World       string   `arg:"world"`
}

// Apk is community.general.apk
// (https://docs.ansible.com/ansible/latest/collections/community/general/apk_module.html).
var Apk = modules.Define(modules.Spec{
	Name: "community.general.apk",
	Doc:  "Installs, upgrades and removes packages by apk.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Doc: "The packages."},
		{Name: "state", Default: "present", Choices: []string{"present", "installed", "absent", "removed", "latest"}, Doc: "Whether they are to be there."},
		{Name: "available", Type: modules.Bool, Default: false, Doc: "With upgrade, takes versions from the repositories even where they are lower."},
		{Name: "no_cache", Type: modules.Bool, Default: false, Doc: "Do without the local cache."},
		{Name: "repository", Type: modules.List, Elements: modules.Str, Doc: "Repositories to use instead of the host's."},
		{Name: "update_cache", Type: modules.Bool, Default: false, Doc: "Fetch the lists of packages first."},
		{Name: "upgrade", Type: modules.Bool, Default: false, Doc: "Upgrade everything."},
		{Name: "world", Default: "/etc/apk/world", Doc: "The file of wanted packages."},
	},
	Rules: modules.Rules{
		RequiredOneOf:     [][]string{{"name", "update_cache", "upgrade"}},
		MutuallyExclusive: [][]string{{"name", "upgrade"}},
	},
}, runApk)

// An apkRun is one run of the module.
type apkRun struct {
	*client
	a *apkArgs
}

func runApk(ctx context.Context, m *modules.Run, a *apkArgs) (*modules.Result, error) {
	c, err := newClient(ctx, m, "apk", "")
	if err != nil {
		return nil, err
	}
	if a.NoCache {
		c.base = append(c.base, "--no-cache")
	}
	for _, repo := range a.Repository {
		c.base = append(c.base, "--repository", repo, "--repositories-file", "/dev/null")
	}
	r := &apkRun{c, a}
	if a.UpdateCache {
		res, err := c.run("update")
		if err != nil {
			return nil, err
		}
		if res.RC != 0 {
			return nil, modules.FailWith(map[string]any{"stdout": res.Stdout, "stderr": res.Stderr}, "could not update package db")
		}
		if len(a.Name) == 0 && !a.Upgrade {
			return &modules.Result{Changed: true, Msg: "updated repository indexes", Data: map[string]any{"stdout": res.Stdout, "stderr": res.Stderr}}, nil
		}
	}
	switch {
	case a.Upgrade:
		return r.upgrade()
	case a.State == "absent" || a.State == "removed":
		return r.remove()
	}
	return r.install()
}

// apkStep matches a line of what apk does to a package.
var apkStep = regexp.MustCompile(`(?m)^\(\d+/\d+\)\s+\S+\s+(\S+)`)

// do runs a command that changes packages and makes the result of it.
func (r *apkRun) do(args ...string) (modules.CommandResult, map[string]any, error) {
	if r.m.Check {
		args = append([]string{args[0], "--simulate"}, args[1:]...)
	}
	res, err := r.run(args...)
	list := []string{}
	for _, f := range apkStep.FindAllStringSubmatch(res.Stdout, -1) {
		list = append(list, f[1])
	}
	return res, map[string]any{"stdout": res.Stdout, "stderr": res.Stderr, "packages": list}, err
}

func (r *apkRun) upgrade() (*modules.Result, error) {
	args := []string{"upgrade"}
	if r.a.Available {
		args = append(args, "--available")
	}
	res, data, err := r.do(args...)
	switch {
	case err != nil:
		return nil, err
	case res.RC != 0:
		return nil, modules.FailWith(data, "failed to upgrade packages")
	case strings.HasPrefix(res.Stdout, "OK"):
		return &modules.Result{Msg: "packages already upgraded", Data: data}, nil
	}
	return &modules.Result{Changed: true, Msg: "upgraded packages", Data: data}, nil
}

func (r *apkRun) install() (*modules.Result, error) {
	world, err := os.ReadFile(r.a.World)
	if err != nil {
		return nil, modules.Failf("the file of wanted packages cannot be read: %s", oserr.Text(err))
	}
	wanted := strings.Fields(string(world))
	var add, upgrade []string
	for _, name := range r.a.Name {
		res, err := r.run("-v", "info", "--description", name)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(res.Stdout, name+": virtual meta package") {
			more, err := r.outdatedDependencies(name)
			if err != nil {
				return nil, err
			}
			upgrade = append(upgrade, more...)
			continue
		}
		if !inWorld(wanted, name) {
			add = append(add, name)
		} else if old, err := r.outdated(name); err != nil {
			return nil, err
		} else if old {
			upgrade = append(upgrade, name)
		}
	}
	packages := append(add, upgrade...)
	if len(packages) == 0 {
		return &modules.Result{Msg: "package(s) already installed"}, nil
	}
	args := []string{"add"}
	if len(upgrade) > 0 {
		args = append(args, "--upgrade")
	}
	res, data, err := r.do(append(args, packages...)...)
	switch {
	case err != nil:
		return nil, err
	case res.RC != 0:
		return nil, modules.FailWith(data, "failed to install %s", strings.Join(packages, " "))
	}
	return &modules.Result{Changed: true, Msg: "installed " + strings.Join(packages, " ") + " package(s)", Data: data}, nil
}

// inWorld reports whether a package is wanted, in a version or from a
// repository perhaps.
func inWorld(world []string, name string) bool {
	for _, w := range world {
		if rest, ok := strings.CutPrefix(w, name); ok && (rest == "" || len(rest) > 1 && strings.ContainsRune("@=<>~", rune(rest[0]))) {
			return true
		}
	}
	return false
}

func (r *apkRun) outdatedDependencies(name string) ([]string, error) {
	res, err := r.run("-v", "info", "--depends", name)
	if err != nil {
		return nil, err
	}
	var out []string
	if words := strings.Fields(res.Stdout); len(words) > 1 {
		for _, dep := range words[1:] {
			old, err := r.outdated(dep)
			if err != nil {
				return nil, err
			}
			if old {
				out = append(out, dep)
			}
		}
	}
	return out, nil
}

// outdated reports whether state=latest has a higher version to take.
func (r *apkRun) outdated(name string) (bool, error) {
	if r.a.State != "latest" {
		return false, nil
	}
	res, err := r.run("version", name)
	if err != nil {
		return false, err
	}
	line := regexp.MustCompile(`(?m)` + regexp.QuoteMeta(name) + `-[\d.\w]+-\w+\s+(.)\s+[\d.\w]+-\w+\s+`)
	f := line.FindStringSubmatch(res.Stdout)
	return f != nil && f[1] == "<", nil
}

func (r *apkRun) installed(name string) (bool, error) {
	res, err := r.run("-v", "info", "--installed", name)
	return res.RC == 0, err
}

func (r *apkRun) remove() (*modules.Result, error) {
	var names []string
	for _, name := range r.a.Name {
		there, err := r.installed(name)
		if err != nil {
			return nil, err
		}
		if there {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return &modules.Result{Msg: "package(s) already removed"}, nil
	}
	res, data, err := r.do(append([]string{"del", "--purge"}, names...)...)
	if err != nil {
		return nil, err
	}
	failed := res.RC != 0
	for _, name := range names {
		if r.m.Check || failed {
			break // nothing was removed
		}
		// What others depend on stays.
		if failed, err = r.installed(name); err != nil {
			return nil, err
		}
	}
	if failed {
		return nil, modules.FailWith(data, "failed to remove %s package(s)", strings.Join(names, " "))
	}
	return &modules.Result{Changed: true, Msg: "removed " + strings.Join(names, " ") + " package(s)", Data: data}, nil
}
