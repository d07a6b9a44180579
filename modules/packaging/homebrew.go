package packaging

// This file is the homebrew module.

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
)

type homebrewArgs struct {
	Name           []string `arg:"name"`
	State          string   `arg:"state"`
	Path           string   `arg:"path"`
	UpdateHomebrew bool     `arg:"update_homebrew"`
	UpgradeAll     bool     `arg:"upgrade_all"`
	InstallOptions []string `arg:"install_options"`
	UpgradeOptions []string `arg:"upgrade_options"`
	ForceFormula   bool     `arg:"force_formula"`
}

// Homebrew is community.general.homebrew
// (https://docs.ansible.com/ansible/latest/collections/community/general/homebrew_module.html).
var Homebrew = modules.Define(modules.Spec{
	Name: "community.general.homebrew",
	Doc:  "Installs, upgrades, links and removes packages by Homebrew.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Aliases: []string{"pkg", "package", "formula"}, Doc: "The packages."},
		{Name: "state", Default: "present", Choices: []string{"present", "installed", "latest", "upgraded", "head", "linked", "unlinked",
			"absent", "removed", "uninstalled"}, Doc: "What they are to be."},
		{Name: "path", Type: modules.Path, Default: "/usr/local/bin:/opt/homebrew/bin:/home/linuxbrew/.linuxbrew/bin", Doc: "Folders where brew may be."},
		{Name: "update_homebrew", Type: modules.Bool, Default: false, Doc: "Update Homebrew first."},
		{Name: "upgrade_all", Type: modules.Bool, Default: false, Aliases: []string{"upgrade"}, Doc: "Upgrade everything."},
		{Name: "install_options", Type: modules.List, Elements: modules.Str, Aliases: []string{"options"}, Doc: "Options of brew's command, without their dashes."},
		{Name: "upgrade_options", Type: modules.List, Elements: modules.Str, Doc: "Options of brew upgrade, without their dashes."},
		{Name: "force_formula", Type: modules.Bool, Default: false, Doc: "Takes the names for formulas where there are casks of the same name."},
	},
}, runHomebrew)

// A brewRun is one run of the module.
type brewRun struct {
	*client
	a                  *homebrewArgs
	msg                string
	done               bool // something was changed
	changed, unchanged []string
}

func runHomebrew(ctx context.Context, m *modules.Run, a *homebrewArgs) (*modules.Result, error) {
	bin, err := m.RequireBin("brew", strings.Split(a.Path, ":")...)
	if err != nil {
		return nil, err
	}
	r := &brewRun{client: &client{ctx: ctx, m: m, base: []string{bin}}, a: a, changed: []string{}, unchanged: []string{}}
	if !a.UpdateHomebrew {
		r.env = map[string]string{"HOMEBREW_NO_AUTO_UPDATE": "True"}
	}
	if err := r.all(); err != nil {
		return nil, err
	}
	if n := len(r.changed) + len(r.unchanged); n > 1 {
		r.msg = fmt.Sprintf("Changed: %d, Unchanged: %d", len(r.changed), len(r.unchanged))
	}
	return &modules.Result{Changed: r.done, Data: map[string]any{"msg": r.msg, "changed_pkgs": r.changed, "unchanged_pkgs": r.unchanged}}, nil
}

// brewName matches the names that packages, taps and versions may have.
var brewName = regexp.MustCompile(`^[\w@+./:-]+$`)

func (r *brewRun) all() error {
	if r.a.UpdateHomebrew {
		err := r.whole("update", nil, "Homebrew would be updated.", "Homebrew updated successfully.", "Homebrew already up-to-date.",
			func(out string) bool {
				return out == "" || strings.Contains(strings.ToLower(out), "already up-to-date")
			})
		if err != nil {
			return err
		}
	}
	if r.a.UpgradeAll {
		err := r.whole("upgrade", dashed(r.a.UpgradeOptions), "Homebrew packages would be upgraded.", "Homebrew upgraded.",
			"Homebrew packages already upgraded.", func(out string) bool { return out == "" })
		if err != nil {
			return err
		}
	}
	for _, name := range r.a.Name {
		if !brewName.MatchString(name) || strings.HasPrefix(name, "-") {
			return modules.Failf("Invalid package: %s.", name)
		}
		if err := r.one(name); err != nil {
			return err
		}
	}
	return nil
}

func dashed(options []string) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = "--" + o
	}
	return out
}

// whole runs a command for all of Homebrew.
func (r *brewRun) whole(verb string, options []string, would, did, already string, same func(out string) bool) error {
	if r.m.Check {
		r.done, r.msg = true, would
		return nil
	}
	res, err := r.run(append([]string{verb}, options...)...)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return modules.Failf("%s", strings.TrimSpace(res.Stderr))
	}
	if r.msg = already; !same(res.Stdout) {
		r.done, r.msg = true, did
	}
	return nil
}

// installed asks whether a package is there.
func (r *brewRun) installed(name string) (bool, error) {
	argv := words{"info", name}
	argv.add(r.a.ForceFormula, "--formula")
	res, err := r.run(argv...)
	return strings.Contains(res.Stdout, "Built from source") || strings.Contains(res.Stdout, "Poured from bottle"), err
}

func (r *brewRun) outdated(name string) (bool, error) {
	res, err := r.run("outdated", name)
	return res.RC != 0, err
}

// A brewStep is what a package needs: the command, whether it is done already,
// how to know that it was, and the words for it.
type brewStep struct {
	verb         []string
	done         bool
	byState      func() (bool, error) // nil: by the exit code
	past, always string
	failure      string
}

// one brings one package to its state.
func (r *brewRun) one(name string) error {
	there, err := r.installed(name)
	if err != nil {
		return err
	}
	s, err := r.step(name, there)
	if err != nil {
		return err
	}
	if s.done {
		r.unchanged = append(r.unchanged, name)
		r.msg = s.always + ": " + name
		return nil
	}
	r.done = true
	if r.m.Check {
		r.msg = "Package would be " + s.past + ": " + name
		return nil
	}
	res, err := r.run(slices.Concat(s.verb, dashed(r.a.InstallOptions), r.names(name))...)
	if err != nil {
		return err
	}
	ok := res.RC == 0
	if s.byState != nil {
		if ok, err = s.byState(); err != nil {
			return err
		}
	}
	if !ok {
		if s.failure != "" {
			return modules.Failf("%s: %s.", s.failure, name)
		}
		return &modules.Failure{Msg: strings.TrimSpace(res.Stderr), Changed: len(r.changed) > 0}
	}
	r.changed = append(r.changed, name)
	r.msg = "Package " + s.past + ": " + name
	return nil
}

func (r *brewRun) names(name string) []string {
	out := words{name}
	out.add(r.a.State == "head", "--HEAD")
	linking := r.a.State == "linked" || r.a.State == "unlinked" // commands that know formulas alone
	out.add(r.a.ForceFormula && !linking, "--formula")
	return out
}

func (r *brewRun) step(name string, there bool) (s brewStep, err error) {
	present := func() (bool, error) { return r.installed(name) }
	switch r.a.State {
	case "latest", "upgraded":
		old := !there
		if there {
			if old, err = r.outdated(name); err != nil {
				return s, err
			}
		}
		verb := "upgrade"
		if !there {
			verb = "install"
		}
		return brewStep{verb: []string{verb}, done: !old, past: "upgraded", always: "Package is already upgraded", byState: func() (bool, error) {
			ok, err := r.installed(name)
			if err != nil || !ok {
				return false, err
			}
			old, err := r.outdated(name)
			return !old, err
		}}, nil
	case "absent", "removed", "uninstalled":
		return brewStep{verb: []string{"uninstall", "--force"}, done: !there, past: "uninstalled", always: "Package already uninstalled",
			byState: func() (bool, error) { ok, err := r.installed(name); return !ok, err }}, nil
	case "linked", "unlinked":
		if !there {
			return s, modules.Failf("Package not installed: %s.", name)
		}
		return brewStep{verb: []string{strings.TrimSuffix(r.a.State, "ed")}, past: r.a.State, failure: "Package could not be " + r.a.State}, nil
	}
	return brewStep{verb: []string{"install"}, done: there, past: "installed", always: "Package already installed", byState: present}, nil
}
