package packaging

// This file is the pacman module: Arch Linux's packages.

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorun/modules"
)

type pacmanArgs struct {
	Name                 []string `arg:"name"`
	State                string   `arg:"state"`
	Executable           string   `arg:"executable"`
	ExtraArgs            string   `arg:"extra_args"`
	Force                bool     `arg:"force"`
	Reason               string   `arg:"reason"`
	ReasonFor            string   `arg:"reason_for"`
	RemoveNosave         bool     `arg:"remove_nosave"`
	UpdateCache          bool     `arg:"update_cache"`
	UpdateCacheExtraArgs string   `arg:"update_cache_extra_args"`
	Upgrade              bool     `arg:"upgrade"`
	UpgradeExtraArgs     string   `arg:"upgrade_extra_args"`
	Cachedir             string   `arg:"cachedir"`
	Config               string   `arg:"config"`
	Root                 string   `arg:"root"`
}

// Pacman is community.general.pacman
// (https://docs.ansible.com/ansible/latest/collections/community/general/pacman_module.html).
var Pacman = modules.Define(modules.Spec{
	Name: "community.general.pacman",
	Doc:  "Installs, upgrades and removes packages by pacman.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Aliases: []string{"pkg", "package"}, Doc: "Packages, groups, files and URLs of packages."},
		{Name: "state", Default: "present", Choices: []string{"present", "installed", "latest", "absent", "removed"}, Doc: "Whether they are to be there."},
		{Name: "executable", Default: "pacman", Doc: "The program: pacman or one that understands its options."},
		{Name: "extra_args", Default: "", Doc: "Further options for installing and removing."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Removes without regard to dependencies; with update_cache, fetches lists that are current too."},
		{Name: "reason", Choices: []string{"explicit", "dependency"}, Doc: "The reason of the installation that is noted."},
		{Name: "reason_for", Default: "new", Choices: []string{"new", "all"}, Doc: "For which packages the reason is set."},
		{Name: "remove_nosave", Type: modules.Bool, Default: false, Doc: "Removes changed configuration files without a copy."},
		{Name: "update_cache", Type: modules.Bool, Doc: "Fetch the lists of packages first."},
		{Name: "update_cache_extra_args", Default: "", Doc: "Further options for fetching the lists."},
		{Name: "upgrade", Type: modules.Bool, Doc: "Upgrade everything."},
		{Name: "upgrade_extra_args", Default: "", Doc: "Further options for the upgrade."},
		{Name: "root", Type: modules.Path, Doc: "The folder that is the root of another system, to work on."},
		{Name: "cachedir", Type: modules.Path, Doc: "The folder for packages that are fetched; only with root."},
		{Name: "config", Type: modules.Path, Doc: "Another pacman.conf."},
	},
	Rules: modules.Rules{
		RequiredOneOf:     [][]string{{"name", "update_cache", "upgrade"}},
		MutuallyExclusive: [][]string{{"name", "upgrade"}},
	},
}, runPacman)

// A pacmanRun is one run of the module.
type pacmanRun struct {
	*client
	a                      *pacmanArgs
	extra                  []string
	installed, available   map[string]string // name to version
	reasons                map[string]string
	groups                 map[string][]string
	upgrades               map[string]string // name to the new version
	msgs, stdouts, stderrs []string
	changed                bool
	data                   map[string]any
}

// A pacmanPackage is a name, and what pacman is to be asked for.
type pacmanPackage struct {
	name, source string
	file         bool
}

func runPacman(ctx context.Context, m *modules.Run, a *pacmanArgs) (*modules.Result, error) {
	c, err := newClient(ctx, m, a.Executable, "")
	if err != nil {
		return nil, err
	}
	c.env = map[string]string{"LC_ALL": "C"}
	base := words(c.base)
	base.add(a.Config != "", "--config", a.Config)
	base.add(a.Root != "", "--root", a.Root)
	base.add(a.Root != "" && a.Cachedir != "", "--cachedir", a.Cachedir)
	c.base = base
	r := &pacmanRun{client: c, a: a, data: map[string]any{}}
	if r.extra, err = shellWords(a.ExtraArgs); err != nil {
		return nil, err
	}
	if err = r.all(); err != nil {
		return nil, err
	}
	r.collect()
	return &modules.Result{Changed: r.changed, Data: r.data}, nil
}

// all does what the task asks for, in Ansible's order.
func (r *pacmanRun) all() error {
	if r.a.UpdateCache {
		if err := r.refresh(); err != nil {
			return err
		}
		if len(r.a.Name) == 0 && !r.a.Upgrade {
			return nil
		}
	}
	if err := r.inventory(); err != nil {
		return err
	}
	if r.a.Upgrade {
		return r.upgradeAll()
	}
	list, err := r.packages()
	if err != nil {
		return err
	}
	if r.a.State == "absent" || r.a.State == "removed" {
		return r.remove(list)
	}
	return r.install(list)
}

// note adds to what the result tells.
func (r *pacmanRun) note(msg string, res modules.CommandResult) {
	for list, text := range map[*[]string]string{&r.msgs: msg, &r.stdouts: res.Stdout, &r.stderrs: res.Stderr} {
		if text != "" {
			*list = append(*list, text)
		}
	}
}

func (r *pacmanRun) collect() {
	r.data["msg"] = strings.Join(r.msgs, "\n")
	for key, list := range map[string][]string{"stdout": r.stdouts, "stderr": r.stderrs} {
		if list != nil {
			r.data[key] = strings.Join(list, "\n")
		}
	}
}

// fail is a failure with all that was noted.
func (r *pacmanRun) fail(msg string, res modules.CommandResult, argv []string) error {
	r.note(msg, res)
	r.collect()
	if argv != nil {
		r.data["cmd"] = r.argv(argv...)
	}
	return modules.FailWith(r.data, "%s", r.data["msg"])
}

// inventory asks what there is.
func (r *pacmanRun) inventory() error {
	r.installed, r.available, r.reasons, r.upgrades = map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}
	r.groups = map[string][]string{}
	// The versions and reasons of what is installed come with two questions.
	for reason, option := range map[string]string{"explicit": "--explicit", "dependency": "--deps"} {
		res, err := r.run("--query", option)
		if err != nil {
			return err
		}
		for line := range strings.Lines(res.Stdout) {
			if f := strings.Fields(line); len(f) >= 2 {
				r.installed[f[0]], r.reasons[f[0]] = f[1], reason
			}
		}
	}
	text, err := r.output("--sync", "--list")
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 3 {
			r.available[f[1]] = f[2]
		}
	}
	if text, err = r.output("--sync", "--groups", "--groups"); err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 {
			r.groups[f[0]] = append(r.groups[f[0]], f[1])
		}
	}
	res, err := r.run("--query", "--upgrades")
	if err != nil {
		return err
	}
	if res.RC != 0 && (res.RC != 1 || res.Stdout != "") {
		r.data["rc"] = res.RC
		return r.fail("Couldn't get list of packages available for upgrade", res, nil)
	}
	for line := range strings.Lines(res.Stdout) {
		if f := strings.Fields(line); len(f) == 4 && !strings.Contains(line, "[ignored]") {
			r.upgrades[f[0]] = f[3]
		}
	}
	return nil
}

// packages finds out what the names mean: groups, packages, files and URLs.
func (r *pacmanRun) packages() ([]pacmanPackage, error) {
	var out []pacmanPackage
	for _, name := range r.a.Name {
		_, known := r.available[name]
		_, have := r.installed[name]
		switch {
		case name == "":
		case r.groups[name] != nil:
			for _, member := range r.groups[name] {
				out = append(out, pacmanPackage{name: member, source: member})
			}
		case known || have:
			out = append(out, pacmanPackage{name: name, source: name})
		default:
			p := pacmanPackage{source: name}
			argv := []string{"--sync", "--print-format", "%n", name}
			res, err := r.run(argv...)
			if err == nil && res.RC != 0 {
				p.file = true
				argv[0] = "--upgrade"
				res, err = r.run(argv...)
			}
			if err != nil {
				return nil, err
			}
			if res.RC != 0 {
				if r.a.State == "absent" || r.a.State == "removed" {
					continue
				}
				r.data["rc"] = res.RC
				return nil, r.fail("Failed to list package "+name, res, argv)
			}
			lines := strings.Split(strings.TrimSpace(res.Stdout), "\n")
			p.name = strings.TrimSpace(lines[len(lines)-1])
			out = append(out, p)
		}
	}
	return out, nil
}

func (r *pacmanRun) install(list []pacmanPackage) error {
	var sync, files, setReason []string
	for _, p := range list {
		have, ok := r.reasons[p.name]
		if r.a.Reason != "" && (!ok || r.a.ReasonFor == "all" && have != r.a.Reason) {
			setReason = append(setReason, p.name)
		}
		_, there := r.installed[p.name]
		_, old := r.upgrades[p.name]
		switch {
		case p.file:
			files = append(files, p.source)
		case !there || old && r.a.State == "latest":
			sync = append(sync, p.source)
		}
	}
	d := &pacmanDiff{}
	for verb, sources := range map[string][]string{"--sync": sync, "--upgrade": files} {
		if err := r.foretell(verb, sources, setReason, d); err != nil {
			return err
		}
	}
	if len(d.names) == 0 && len(setReason) == 0 {
		r.data["packages"] = []string{}
		r.note("package(s) already installed", modules.CommandResult{})
		return nil
	}
	r.changed = true
	r.data["diff"] = map[string]any{"before": sortedLines(d.before), "after": sortedLines(d.after)}
	all := slices.Clone(d.names)
	for _, name := range setReason {
		if !slices.Contains(d.names, name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	if r.m.Check {
		r.data["packages"] = all
		r.note(fmt.Sprintf("Would have installed %d packages", len(all)), modules.CommandResult{})
		return nil
	}
	for _, step := range []struct {
		verb    string
		sources []string
	}{{"--sync", sync}, {"--upgrade", files}} {
		if len(step.sources) == 0 {
			continue
		}
		argv := slices.Concat([]string{"--noconfirm", "--noprogressbar", "--needed"}, r.extra, []string{step.verb}, step.sources)
		if err := r.act(argv, "Failed to install package(s)"); err != nil {
			return err
		}
	}
	if len(setReason) > 0 {
		argv := []string{"--noconfirm", "--database", "--asexplicit"}
		if r.a.Reason == "dependency" {
			argv[2] = "--asdeps"
		}
		if err := r.act(append(argv, setReason...), "Failed to install package(s)"); err != nil {
			return err
		}
	}
	r.data["packages"] = all
	r.note(fmt.Sprintf("Installed %d package(s)", len(all)), modules.CommandResult{})
	return nil
}

// act runs a command that changes something and notes what it said.
func (r *pacmanRun) act(argv []string, failure string) error {
	res, err := r.run(argv...)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return r.fail(failure, res, argv)
	}
	r.note("", res)
	return nil
}

// A pacmanDiff is what an installation would bring.
type pacmanDiff struct{ names, before, after []string }

func sortedLines(list []string) string {
	if list == nil {
		return ""
	}
	return strings.Join(slices.Sorted(slices.Values(list)), "\n") + "\n"
}

// foretell asks pacman what an installation would do.
func (r *pacmanRun) foretell(verb string, sources, setReason []string, d *pacmanDiff) error {
	if len(sources) == 0 {
		return nil
	}
	argv := slices.Concat([]string{"--noconfirm", "--noprogressbar", "--needed"}, r.extra, []string{verb, "--print-format", "%n %v"}, sources)
	res, err := r.run(argv...)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return r.fail("Failed to list package(s) to install", res, argv)
	}
	for line := range strings.Lines(res.Stdout) {
		f := strings.Fields(line)
		if len(f) != 2 || strings.Contains(line, "loading packages") {
			continue
		}
		name, after := f[0], f[0]+"-"+f[1]
		if version, ok := r.installed[name]; ok {
			d.before = append(d.before, name+"-"+version+"-"+r.reasons[name])
		}
		if slices.Contains(setReason, name) {
			after += "-" + r.a.Reason
		} else if reason, ok := r.reasons[name]; ok {
			after += "-" + reason
		}
		d.after = append(d.after, after)
		d.names = append(d.names, name)
	}
	return nil
}

func (r *pacmanRun) remove(list []pacmanPackage) error {
	var names []string
	for _, p := range list {
		if _, ok := r.installed[p.name]; ok {
			names = append(names, p.name)
		}
	}
	if names == nil {
		r.data["packages"] = []string{}
		r.note("package(s) already absent", modules.CommandResult{})
		return nil
	}
	base := slices.Concat([]string{"--remove", "--noconfirm", "--noprogressbar"}, r.extra)
	if r.a.Force {
		base = append(base, "--nodeps", "--nodeps")
	}
	argv := slices.Concat(base, []string{"--print-format", "%n-%v"}, names)
	res, err := r.run(argv...)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return r.fail("failed to list package(s) to remove", res, argv)
	}
	gone := strings.Fields(res.Stdout)
	r.changed = true
	r.data["packages"] = gone
	r.data["diff"] = map[string]any{"before": strings.Join(gone, "\n") + "\n", "after": ""}
	if r.m.Check {
		r.note(fmt.Sprintf("Would have removed %d packages", len(gone)), modules.CommandResult{})
		return nil
	}
	if r.a.RemoveNosave {
		base = append(base, "--nosave")
	}
	if err := r.act(append(base, names...), "failed to remove package(s)"); err != nil {
		return err
	}
	r.note(fmt.Sprintf("Removed %d package(s)", len(gone)), modules.CommandResult{})
	return nil
}

func (r *pacmanRun) upgradeAll() error {
	if len(r.upgrades) == 0 {
		r.note("Nothing to upgrade", modules.CommandResult{})
		return nil
	}
	var before, after, names []string
	for name, version := range r.upgrades {
		names = append(names, name)
		before = append(before, name+"-"+r.installed[name])
		after = append(after, name+"-"+version)
	}
	slices.Sort(names)
	r.changed = true
	r.data["diff"] = map[string]any{"before": sortedLines(before), "after": sortedLines(after)}
	r.data["packages"] = names
	if r.m.Check {
		r.note(fmt.Sprintf("%d packages would have been upgraded", len(names)), modules.CommandResult{})
		return nil
	}
	more, err := shellWords(r.a.UpgradeExtraArgs)
	if err == nil {
		err = r.act(append([]string{"--sync", "--sysupgrade", "--quiet", "--noconfirm"}, more...), "Could not upgrade")
	}
	if err == nil {
		r.note("System upgraded", modules.CommandResult{})
	}
	return err
}

// refresh fetches the lists of packages.
func (r *pacmanRun) refresh() error {
	if r.m.Check {
		r.note("Would have updated the package db", modules.CommandResult{})
		r.changed, r.data["cache_updated"] = true, true
		return nil
	}
	more, err := shellWords(r.a.UpdateCacheExtraArgs)
	if err != nil {
		return err
	}
	argv := append([]string{"--sync", "--refresh"}, more...)
	list := func() (string, error) { return "", nil }
	if r.a.Force {
		argv = append(argv, "--refresh")
	} else {
		list = func() (string, error) {
			text, err := r.output("--sync", "--list")
			lines := strings.Split(text, "\n")
			slices.Sort(lines)
			return strings.Join(lines, "\n"), err
		}
	}
	before, err := list()
	if err != nil {
		return err
	}
	if err = r.act(argv, "could not update package db"); err != nil {
		return err
	}
	after, err := list()
	if err != nil {
		return err
	}
	updated := r.a.Force || before != after
	r.data["cache_updated"] = updated
	r.changed = r.changed || updated
	r.note("Updated package db", modules.CommandResult{})
	return nil
}
