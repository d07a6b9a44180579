package packaging

// This file is the dnf module, which also answers to dnf5 and yum.

import (
	"context"
	"os"
	"path"
	"slices"
	"strings"

	"gorun/modules"
)

type dnfArgs struct {
	Name             []string `arg:"name"`
	State            string   `arg:"state"`
	List             string   `arg:"list"`
	AllowDowngrade   bool     `arg:"allow_downgrade"`
	AllowErasing     bool     `arg:"allowerasing"`
	Autoremove       bool     `arg:"autoremove"`
	Best             *bool    `arg:"best"`
	Bugfix           bool     `arg:"bugfix"`
	Cacheonly        bool     `arg:"cacheonly"`
	ConfFile         string   `arg:"conf_file"`
	DisableExcludes  string   `arg:"disable_excludes"`
	DisableGPGCheck  bool     `arg:"disable_gpg_check"`
	DisablePlugin    []string `arg:"disable_plugin"`
	DisableRepo      []string `arg:"disablerepo"`
	DownloadDir      string   `arg:"download_dir"`
	DownloadOnly     bool     `arg:"download_only"`
	EnablePlugin     []string `arg:"enable_plugin"`
	EnableRepo       []string `arg:"enablerepo"`
	Exclude          []string `arg:"exclude"`
	InstallRoot      string   `arg:"installroot"`
	InstallWeakDeps  bool     `arg:"install_weak_deps"`
	Nobest           *bool    `arg:"nobest"`
	ReleaseVer       string   `arg:"releasever"`
	Security         bool     `arg:"security"`
	SkipBroken       bool     `arg:"skip_broken"`
	SSLVerify        bool     `arg:"sslverify"`
	UpdateCache      bool     `arg:"update_cache"`
	UpdateOnly       bool     `arg:"update_only"`
	UseBackend       string   `arg:"use_backend"`
	ValidateCerts    bool     `arg:"validate_certs"`
	InstallRepoquery bool     `arg:"install_repoquery"`
	LockTimeout      int      `arg:"lock_timeout"`
	AutoInstall      bool     `arg:"auto_install_module_deps"`
}

// Dnf is ansible.builtin.dnf, and dnf5 and yum with it
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/dnf_module.html).
// It runs the host's dnf, dnf5 or yum: no Python bindings are needed.
var Dnf = modules.Define(modules.Spec{
	Name: "ansible.builtin.dnf",
	Doc:  "Installs, upgrades and removes packages by dnf, dnf5 or yum.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Aliases: []string{"pkg"}, Default: []any{},
			Doc: "Packages, with a version or without, globs, groups (@name), provided files, paths and URLs of .rpm files; * with state=latest is everything."},
		{Name: "state", Choices: []string{"absent", "installed", "latest", "present", "removed"}, Doc: "present unless given; absent where autoremove is on."},
		{Name: "list", Doc: "Lists instead: installed, updates, available, repos, or the packages of a name."},
		{Name: "allow_downgrade", Type: modules.Bool, Default: false, Doc: "Whether a lower version than the installed one may be installed."},
		{Name: "allowerasing", Type: modules.Bool, Default: false, Doc: "Whether installed packages may be removed to resolve dependencies."},
		{Name: "auto_install_module_deps", Type: modules.Bool, Default: true, Doc: "Whether Python bindings are installed.", Ignored: "none are needed"},
		{Name: "autoremove", Type: modules.Bool, Default: false, Doc: "Removes packages that were installed as dependencies and are no longer needed."},
		{Name: "best", Type: modules.Bool, Doc: "The highest version or a failure."},
		{Name: "bugfix", Type: modules.Bool, Default: false, Doc: "With state=latest, only upgrades that mend bugs."},
		{Name: "cacheonly", Type: modules.Bool, Default: false, Doc: "Takes everything from the cache."},
		{Name: "conf_file", Doc: "The configuration file."},
		{Name: "disable_excludes", Doc: "Whose excludes are not heeded: all, main, or a repository's id."},
		{Name: "disable_gpg_check", Type: modules.Bool, Default: false, Doc: "Whether packages' signatures are not checked."},
		{Name: "disable_plugin", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Plugins to do without."},
		{Name: "disablerepo", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Repositories to do without."},
		{Name: "download_dir", Doc: "Where download_only puts packages."},
		{Name: "download_only", Type: modules.Bool, Default: false, Doc: "Downloads packages and installs none."},
		{Name: "enable_plugin", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Plugins to use."},
		{Name: "enablerepo", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Repositories to use."},
		{Name: "exclude", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Packages to leave alone."},
		{Name: "install_repoquery", Type: modules.Bool, Default: true, Doc: "Of no effect since dnf.", Ignored: "dnf has repoquery"},
		{Name: "install_weak_deps", Type: modules.Bool, Default: true, Doc: "Whether recommended packages are installed."},
		{Name: "installroot", Default: "/", Doc: "The root that packages are installed below."},
		{Name: "lock_timeout", Type: modules.Int, Default: 30, Doc: "For how many seconds to wait for the lock.", Ignored: "dnf waits for its lock itself"},
		{Name: "nobest", Type: modules.Bool, Doc: "The opposite of best."},
		{Name: "releasever", Doc: "The release of the distribution."},
		{Name: "security", Type: modules.Bool, Default: false, Doc: "With state=latest, only upgrades that mend security."},
		{Name: "skip_broken", Type: modules.Bool, Default: false, Doc: "Leaves out what cannot be installed."},
		{Name: "sslverify", Type: modules.Bool, Default: true, Doc: "Whether servers' certificates are checked."},
		{Name: "update_cache", Type: modules.Bool, Default: false, Aliases: []string{"expire-cache"}, Doc: "Fetch the lists of packages first."},
		{Name: "update_only", Type: modules.Bool, Default: false, Doc: "With state=latest, upgrades what is installed and installs nothing new."},
		{Name: "use_backend", Default: "auto", Choices: []string{"auto", "dnf", "yum", "yum4", "dnf4", "dnf5"}, Doc: "The program to use."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Whether certificates are checked where a name is a URL."},
	},
	Rules: modules.Rules{
		RequiredOneOf:     [][]string{{"name", "list", "update_cache"}},
		MutuallyExclusive: [][]string{{"name", "list"}, {"best", "nobest"}},
	},
}, runDnf)

func runDnf(ctx context.Context, m *modules.Run, a *dnfArgs) (*modules.Result, error) {
	for _, list := range []*[]string{&a.Name, &a.DisableRepo, &a.EnableRepo, &a.Exclude} {
		*list = splitCommas(*list)
	}
	for _, name := range a.Name {
		if strings.Contains(name, " ") && !strings.ContainsAny(name, "@><=") {
			return nil, modules.Failf("It appears that a space separated string of packages was passed in as an argument. " +
				"To operate on several packages, pass a comma separated string of packages or a list of packages.")
		}
	}
	if a.State == "" {
		a.State = "present"
		if a.Autoremove {
			a.State = "absent"
		}
	}
	none := map[string]any{"results": []string{}}
	if a.Autoremove && a.State != "absent" {
		return nil, modules.FailWith(none, "Autoremove should be used alone or with state=absent")
	}
	if a.ConfFile != "" {
		if f, err := os.Open(a.ConfFile); err != nil {
			return nil, modules.FailWith(map[string]any{"results": []string{}, "conf_file": a.ConfFile}, "cannot read configuration file")
		} else {
			f.Close()
		}
	}
	if st, err := os.Stat(a.InstallRoot); err != nil || !st.IsDir() {
		return nil, modules.FailWith(none, "Installroot %s must be a directory", a.InstallRoot)
	}
	r := &dnfRun{ctx: ctx, m: m, a: a, results: []string{}}
	if err := r.choose(); err != nil {
		return nil, err
	}
	switch {
	case a.List != "":
		return r.list()
	case a.UpdateCache && len(a.Name) == 0 && !a.Autoremove:
		return r.updateCache()
	case !a.DownloadOnly && os.Geteuid() != 0:
		return nil, modules.FailWith(none, "This command has to be run under the root user.")
	}
	return r.ensure()
}

// splitCommas takes lists apart that were written into one element; these come
// behind the others, as in Ansible.
func splitCommas(list []string) []string {
	var out, split []string
	for _, e := range list {
		if e = strings.TrimSpace(e); !strings.Contains(e, ",") {
			out = append(out, e)
			continue
		}
		for part := range strings.SplitSeq(e, ",") {
			split = append(split, strings.TrimSpace(part))
		}
	}
	if out = append(out, split...); len(out) == 1 && out[0] == "" {
		return nil
	}
	return out
}

// ensure brings packages to their state.
func (r *dnfRun) ensure() (*modules.Result, error) {
	a := r.a
	if slices.Equal(a.Name, []string{"*"}) && a.State == "latest" {
		return r.transaction([][]string{{"upgrade"}})
	}
	installed, err := installedRPMs(r.ctx, r.m, a.InstallRoot)
	if err != nil {
		return nil, err
	}
	r.installed = installed
	if a.State == "absent" || a.State == "removed" {
		return r.remove()
	}
	var add, upgrade, downgrade []string
	for _, name := range a.Name {
		switch what, err := r.plan(name); {
		case err != nil:
			return nil, err
		case what == "install":
			add = append(add, name)
		case what == "upgrade":
			upgrade = append(upgrade, name)
		case what == "downgrade":
			downgrade = append(downgrade, name)
		}
	}
	var commands [][]string
	// One transaction is better than two: a wanted best makes install an upgrade.
	if len(upgrade) > 0 && len(add) > 0 && r.best() != nil && *r.best() && !r.five {
		add, upgrade = append(add, upgrade...), nil
	}
	if add = append(add, downgrade...); len(add) > 0 {
		commands = append(commands, append([]string{"install"}, add...))
	}
	if len(upgrade) > 0 {
		commands = append(commands, append([]string{"upgrade"}, upgrade...))
	}
	return r.transaction(commands)
}

// plan says what a name needs: install, upgrade, downgrade, or nothing ("").
func (r *dnfRun) plan(name string) (string, error) {
	latest := r.a.State == "latest"
	switch {
	case strings.Contains(name, "://") || strings.HasSuffix(name, ".rpm"):
		r.results = append(r.results, "Installed "+name)
		return r.planFile(name)
	case strings.HasPrefix(name, "@") || strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return "install", nil
	case strings.ContainsAny(name, "*?["):
		if r.a.UpdateOnly {
			return "upgrade", nil
		}
		return "install", nil
	}
	if strings.ContainsAny(name, "<>=") || strings.HasPrefix(name, "/") {
		if ok, err := r.provided(name); err != nil || !ok {
			return r.absentPlan(name), err
		}
		return r.presentPlan(latest), nil
	}
	for _, s := range parseRPMSpec(name) {
		if slices.ContainsFunc(r.installed, s.matches) {
			return r.presentPlan(latest && s.version == ""), nil
		}
		if slices.ContainsFunc(r.installed, s.newer) {
			if r.a.AllowDowngrade {
				return "downgrade", nil
			}
			return "", nil
		}
	}
	if ok, err := r.provided(name); err != nil || ok {
		return r.presentPlan(latest), err
	}
	return r.absentPlan(name), nil
}

func (r *dnfRun) presentPlan(latest bool) string {
	if latest || r.a.UpdateOnly {
		return "upgrade"
	}
	return ""
}

func (r *dnfRun) absentPlan(name string) string {
	if r.a.UpdateOnly {
		r.results = append(r.results, "Packages providing "+name+" not installed due to update_only specified")
		return ""
	}
	return "install"
}

// planFile looks into an .rpm file on the host: what is installed, or newer,
// needs no transaction.
func (r *dnfRun) planFile(name string) (string, error) {
	if strings.Contains(name, "://") {
		return "install", nil
	}
	res, err := r.m.Command(r.ctx, modules.CommandOptions{}, "rpm", "-qp", "--nosignature", "--qf", rpmFormat, name)
	if err != nil {
		return "", err
	}
	list := parseRPMs(res.Stdout)
	if res.RC != 0 || len(list) != 1 {
		return "", modules.FailWith(map[string]any{"results": []string{}, "rc": 1},
			"Error occurred attempting remote rpm operation: Could not open: %s", name)
	}
	p := list[0]
	s := rpmSpec(p)
	switch {
	case slices.ContainsFunc(r.installed, s.matches):
		return "", nil
	case slices.ContainsFunc(r.installed, s.newer) && !r.a.AllowDowngrade:
		return "", nil
	case r.a.UpdateOnly && !slices.ContainsFunc(r.installed, rpmSpec{name: p.name, arch: p.arch}.matches):
		return "", nil
	}
	return "install", nil
}

// provided reports whether an installed package provides a name, a path or a
// versioned name as "foo >= 1".
func (r *dnfRun) provided(name string) (bool, error) {
	args := []string{"rpm", "-q", "--whatprovides"}
	if r.a.InstallRoot != "/" {
		args = append(args, "--root", r.a.InstallRoot)
	}
	res, err := r.m.Command(r.ctx, modules.CommandOptions{}, append(args, strings.TrimSpace(name))...)
	return res.RC == 0, err
}

// anyMatches reports whether a glob is the name of an installed package, with
// or without version and architecture.
func (r *dnfRun) anyMatches(glob string) bool {
	return slices.ContainsFunc(r.installed, func(p rpmPackage) bool {
		for _, form := range []string{p.name, p.name + "." + p.arch, p.name + "-" + p.version, p.name + "-" + p.version + "-" + p.release, p.String()} {
			if ok, err := path.Match(glob, form); ok || err != nil {
				return true // a bad glob is dnf's to refuse
			}
		}
		return false
	})
}

// remove takes packages away; what is not there is no failure.
func (r *dnfRun) remove() (*modules.Result, error) {
	var names []string
	for _, name := range r.a.Name {
		if strings.Contains(name, "://") || strings.HasSuffix(name, ".rpm") {
			return nil, modules.FailWith(map[string]any{"results": []string{}}, "Cannot remove paths -- please specify package name.")
		}
		if strings.ContainsAny(name, "*?[") && !r.anyMatches(name) {
			r.results = append(r.results, name+" is not installed")
			continue
		}
		plain := !strings.ContainsAny(name, "*?[@/<>=")
		there := !plain || slices.ContainsFunc(parseRPMSpec(name), func(s rpmSpec) bool { return slices.ContainsFunc(r.installed, s.matches) })
		if !there {
			var err error
			if there, err = r.provided(name); err != nil {
				return nil, err
			}
		}
		if there {
			names = append(names, name)
		}
	}
	var commands [][]string
	if len(names) > 0 {
		commands = append(commands, append([]string{"remove"}, names...))
	}
	if r.a.Autoremove {
		commands = append(commands, []string{"autoremove"})
	}
	return r.transaction(commands)
}
