package packaging

// This file is the npm module.

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type npmArgs struct {
	Name          string `arg:"name"`
	Path          string `arg:"path"`
	Version       string `arg:"version"`
	Production    bool   `arg:"production"`
	Executable    string `arg:"executable"`
	Registry      string `arg:"registry"`
	State         string `arg:"state"`
	IgnoreScripts bool   `arg:"ignore_scripts"`
	UnsafePerm    bool   `arg:"unsafe_perm"`
	CI            bool   `arg:"ci"`
	NoOptional    bool   `arg:"no_optional"`
	NoBinLinks    bool   `arg:"no_bin_links"`
	Global        bool   `arg:"global"`
	Force         bool   `arg:"force"`
}

// Npm is community.general.npm
// (https://docs.ansible.com/ansible/latest/collections/community/general/npm_module.html).
var Npm = modules.Define(modules.Spec{
	Name: "community.general.npm",
	Doc:  "Installs, updates and removes Node.js packages by npm.",
	Options: []modules.Option{
		{Name: "name", Doc: "The package; without it what package.json asks for."},
		{Name: "path", Type: modules.Path, Doc: "The folder of the project; it is made where it is not there."},
		{Name: "version", Doc: "The version."},
		{Name: "production", Type: modules.Bool, Default: false, Doc: "Leaves out what is for development."},
		{Name: "executable", Type: modules.Path, Doc: "The program, with arguments perhaps."},
		{Name: "registry", Doc: "Where packages come from."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent", "latest"}, Doc: "Whether they are to be there."},
		{Name: "ignore_scripts", Type: modules.Bool, Default: false, Doc: "Runs no scripts of packages."},
		{Name: "unsafe_perm", Type: modules.Bool, Default: false, Doc: "Runs scripts of packages as root."},
		{Name: "ci", Type: modules.Bool, Default: false, Doc: "Installs exactly what package-lock.json says."},
		{Name: "no_optional", Type: modules.Bool, Default: false, Doc: "Leaves out optional dependencies."},
		{Name: "no_bin_links", Type: modules.Bool, Default: false, Doc: "Makes no links to programs."},
		{Name: "global", Type: modules.Bool, Default: false, Doc: "Installs for the whole host."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Gives npm --force."},
	},
	Diff: modules.NoSupport,
}, runNpm)

// An npmRun is one run of the module.
type npmRun struct {
	*client
	a *npmArgs
}

func runNpm(ctx context.Context, m *modules.Run, a *npmArgs) (*modules.Result, error) {
	if a.Path == "" && !a.Global {
		return nil, modules.Failf("path must be specified when not using global")
	}
	if a.State == "absent" && a.Name == "" {
		return nil, modules.Failf("uninstalling a package is only available for named packages")
	}
	c, err := newClient(ctx, m, "npm", a.Executable)
	if err != nil {
		return nil, err
	}
	c.dir = a.Path
	r := &npmRun{c, a}
	if a.CI {
		if err := r.change("ci"); err != nil {
			return nil, err
		}
		return &modules.Result{Changed: true}, nil
	}
	installed, missing, err := r.list()
	if err != nil {
		return nil, err
	}
	var verbs []string
	switch {
	case a.State == "absent":
		if slices.Contains(installed, a.Name) {
			verbs = append(verbs, "uninstall")
		}
	case missing:
		verbs = append(verbs, "install")
	}
	if a.State == "latest" {
		old, err := r.outdated()
		if err != nil {
			return nil, err
		}
		if old {
			verbs = append(verbs, "update")
		}
	}
	for _, verb := range verbs {
		if err := r.change(verb); err != nil {
			return nil, err
		}
	}
	return &modules.Result{Changed: len(verbs) > 0}, nil
}

// spec is the package with its version.
func (r *npmRun) spec() string {
	if r.a.Version != "" && r.a.State != "absent" {
		return r.a.Name + "@" + r.a.Version
	}
	return r.a.Name
}

// args completes a command.
func (r *npmRun) args(named bool, verb ...string) []string {
	a, argv := r.a, words(verb)
	add := argv.add
	changes := verb[0] == "install" || verb[0] == "update" || verb[0] == "ci"
	add(a.Global, "--global")
	add(a.Production && changes, "--production")
	add(a.IgnoreScripts, "--ignore-scripts")
	add(a.UnsafePerm, "--unsafe-perm")
	add(named && r.spec() != "", r.spec())
	add(a.Registry != "", "--registry", a.Registry)
	add(a.NoOptional, "--no-optional")
	add(a.NoBinLinks, "--no-bin-links")
	add(a.Force, "--force")
	return argv
}

// folder makes the project's folder; in check mode what is not there is no
// project yet.
func (r *npmRun) folder() (there bool, err error) {
	if r.dir == "" {
		return true, nil
	}
	info, err := os.Stat(r.dir)
	switch {
	case err == nil && !info.IsDir():
		return false, modules.Failf("path %s is not a directory", r.dir)
	case err == nil:
		return true, nil
	case r.m.Check:
		return false, nil
	}
	if err := os.MkdirAll(r.dir, 0o777); err != nil {
		return false, modules.Failf("the folder cannot be made: %s", oserr.Text(err))
	}
	return true, nil
}

func (r *npmRun) change(verb string) error {
	if r.m.Check {
		return nil
	}
	if _, err := r.folder(); err != nil {
		return err
	}
	_, err := r.output(r.args(true, verb)...)
	return err
}

// list tells what is installed, by name and by name@version, and whether
// something that is asked for is missing.
func (r *npmRun) list() (installed []string, missing bool, err error) {
	there, err := r.folder()
	if err != nil || !there {
		return nil, true, err
	}
	res, err := r.run(r.args(false, "list", "--json", "--long")...)
	if err != nil {
		return nil, false, err
	}
	var tree struct {
		Dependencies map[string]struct {
			// Invalid is a bool or the reason.
			Missing, Invalid any
			Version          string
		}
	}
	if strings.TrimSpace(res.Stdout) != "" {
		if err := json.Unmarshal([]byte(res.Stdout), &tree); err != nil {
			return nil, false, modules.Failf("Failed to parse NPM output with error %w", err)
		}
	}
	if tree.Dependencies == nil {
		return nil, true, nil
	}
	for name, p := range tree.Dependencies {
		if truthy(p.Missing) || truthy(p.Invalid) {
			missing = true
			continue
		}
		installed = append(installed, name, name+"@"+p.Version)
	}
	if spec := r.spec(); spec != "" && !slices.Contains(installed, spec) {
		missing = true
	}
	return installed, missing, nil
}

// truthy is Python's truth of a value out of JSON.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	}
	return true
}

func (r *npmRun) outdated() (bool, error) {
	if there, err := r.folder(); err != nil || !there {
		return false, err
	}
	res, err := r.run(r.args(true, "outdated")...)
	return strings.TrimSpace(res.Stdout) != "", err
}
