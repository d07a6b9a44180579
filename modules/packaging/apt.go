package packaging

// This file is the apt module: its options and the order of what it does.

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
)

type aptArgs struct {
	Package            []string `arg:"package"`
	State              string   `arg:"state"`
	UpdateCache        bool     `arg:"update_cache"`
	UpdateRetries      int      `arg:"update_cache_retries"`
	UpdateMaxDelay     int      `arg:"update_cache_retry_max_delay"`
	CacheValidTime     int      `arg:"cache_valid_time"`
	Purge              bool     `arg:"purge"`
	DefaultRelease     string   `arg:"default_release"`
	InstallRecommends  *bool    `arg:"install_recommends"`
	Force              bool     `arg:"force"`
	Clean              bool     `arg:"clean"`
	AllowUnauthorized  bool     `arg:"allow_unauthenticated"`
	AllowDowngrade     bool     `arg:"allow_downgrade"`
	AllowChangeHeld    bool     `arg:"allow_change_held_packages"`
	Upgrade            string   `arg:"upgrade"`
	DpkgOptions        string   `arg:"dpkg_options"`
	Deb                string   `arg:"deb"`
	Autoremove         bool     `arg:"autoremove"`
	Autoclean          bool     `arg:"autoclean"`
	PolicyRcD          *int     `arg:"policy_rc_d"`
	OnlyUpgrade        bool     `arg:"only_upgrade"`
	FailOnAutoremove   bool     `arg:"fail_on_autoremove"`
	ForceAptGet        bool     `arg:"force_apt_get"`
	LockTimeout        int      `arg:"lock_timeout"`
	AutoInstallModules bool     `arg:"auto_install_module_deps"`
}

// Apt is ansible.builtin.apt
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/apt_module.html).
var Apt = modules.Define(modules.Spec{
	Name: "ansible.builtin.apt",
	Doc:  "Installs, upgrades and removes Debian packages by apt-get.",
	Options: []modules.Option{
		{Name: "package", Type: modules.List, Elements: modules.Str, Aliases: []string{"pkg", "name"}, Doc: "Packages: names, name=version, name>=version, shell patterns in either."},
		{Name: "state", Default: "present", Choices: []string{"absent", "build-dep", "fixed", "latest", "present", "installed", "removed"}, Doc: "What is to be true of the packages; installed and removed are old words for present and absent."},
		{Name: "update_cache", Type: modules.Bool, Aliases: []string{"update-cache"}, Doc: "Fetch the lists of packages first."},
		{Name: "update_cache_retries", Type: modules.Int, Default: 5, Doc: "How often a failed update is tried again."},
		{Name: "update_cache_retry_max_delay", Type: modules.Int, Default: 12, Doc: "The longest wait between two tries, in seconds."},
		{Name: "cache_valid_time", Type: modules.Int, Default: 0, Doc: "Update only where the lists are older than this many seconds."},
		{Name: "purge", Type: modules.Bool, Default: false, Doc: "Remove configuration files with the package."},
		{Name: "default_release", Aliases: []string{"default-release"}, Doc: "The release to take packages from (apt-get -t)."},
		{Name: "install_recommends", Type: modules.Bool, Aliases: []string{"install-recommends"}, Doc: "Whether recommended packages come along; not given, apt's own setting counts."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Pass --force-yes: unauthenticated packages, downgrades, removals of essential packages."},
		{Name: "clean", Type: modules.Bool, Default: false, Doc: "Empty the cache of downloaded packages."},
		{Name: "allow_unauthenticated", Type: modules.Bool, Default: false, Aliases: []string{"allow-unauthenticated"}, Doc: "Install what is not signed."},
		{Name: "allow_downgrade", Type: modules.Bool, Default: false, Aliases: []string{"allow-downgrade", "allow_downgrades", "allow-downgrades"}, Doc: "Allow a lower version than the installed one."},
		{Name: "allow_change_held_packages", Type: modules.Bool, Default: false, Doc: "Change packages that are on hold."},
		{Name: "upgrade", Default: "no", Choices: []string{"dist", "full", "no", "safe", "yes"}, Doc: "Upgrade everything: safe removes nothing, dist and full may."},
		{Name: "dpkg_options", Default: "force-confdef,force-confold", Doc: "Options for dpkg, a comma list without the dashes."},
		{Name: "deb", Type: modules.Path, Doc: "A .deb file on the target, or a URL."},
		{Name: "autoremove", Type: modules.Bool, Default: false, Doc: "Remove what was installed only as a dependency and is needed no more."},
		{Name: "autoclean", Type: modules.Bool, Default: false, Doc: "Drop downloaded packages that can be downloaded no more."},
		{Name: "policy_rc_d", Type: modules.Int, Doc: "Exit code of a policy-rc.d that stands while packages are installed (101: start no service)."},
		{Name: "only_upgrade", Type: modules.Bool, Default: false, Doc: "Upgrade a package only where it is installed."},
		{Name: "fail_on_autoremove", Type: modules.Bool, Default: false, Doc: "Fail rather than remove any package."},
		{Name: "force_apt_get", Type: modules.Bool, Default: false, Doc: "Upgrade by apt-get where aptitude is there."},
		{Name: "lock_timeout", Type: modules.Int, Default: 60, Doc: "Seconds to wait for another apt or dpkg to finish."},
		{Name: "auto_install_module_deps", Type: modules.Bool, Default: true, Ignored: "no Python bindings are needed", Doc: "Whether Ansible may install python3-apt."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"deb", "package", "upgrade"}}},
}, runApt)

// An apt is one run of the module.
type apt struct {
	*modules.Run
	*aptArgs
	paths aptPaths

	cacheUpdated bool
	cacheTime    int64
}

func runApt(ctx context.Context, m *modules.Run, args *aptArgs) (*modules.Result, error) {
	a := &apt{Run: m, aptArgs: args}
	switch a.State {
	case "installed":
		a.deprecate("state=installed is deprecated, use present")
		a.State = "present"
	case "removed":
		a.deprecate("state=removed is deprecated, use absent")
		a.State = "absent"
	}
	if _, err := m.RequireBin("apt-get"); err != nil {
		return nil, err
	}
	var err error
	if a.paths, err = findAptPaths(ctx, m); err != nil {
		return nil, err
	}
	if a.Clean {
		if err := a.clean(ctx); err != nil {
			return nil, err
		}
		if len(a.Package) == 0 && a.Upgrade == "no" && a.Deb == "" {
			return a.withCache(&modules.Result{}), nil
		}
	}
	if err := a.updateLists(ctx); err != nil {
		return nil, err
	}
	return a.act(ctx)
}

func (a *apt) deprecate(msg string) {
	a.Deprecations = append(a.Deprecations, modules.Deprecation{Msg: "apt: " + msg})
}

// act does what is asked of the packages, once the lists are fresh.
func (a *apt) act(ctx context.Context) (*modules.Result, error) {
	specs, everything := packageNames(a.Package)
	switch {
	case a.Upgrade != "no":
		return a.upgrade(ctx, a.Upgrade)
	case a.Deb != "":
		return a.installDebs(ctx)
	case everything && a.State == "latest":
		if len(specs) > 0 {
			return nil, modules.Failf("unable to install additional packages when upgrading all installed packages")
		}
		return a.upgrade(ctx, "yes")
	case len(specs) == 0:
		return a.cleanUp(ctx)
	}
	plan, err := a.plan(ctx, specs)
	if err != nil {
		return nil, err
	}
	if a.State == "absent" {
		return a.remove(ctx, plan)
	}
	res, err := a.install(ctx, plan.install)
	if err != nil {
		return nil, a.failureWithCache(err)
	}
	return a.withCache(res), nil
}

// cleanUp is the call without packages: autoclean, autoremove, or only the
// update of the lists.
func (a *apt) cleanUp(ctx context.Context) (*modules.Result, error) {
	switch {
	case a.Autoclean:
		return a.aptGet(ctx, []string{"autoclean"}, "autoclean", nil)
	case a.Autoremove:
		return a.aptGet(ctx, []string{"autoremove"}, "autoremove", nil)
	}
	return a.withCache(&modules.Result{Changed: a.cacheUpdated}), nil
}

func (a *apt) withCache(r *modules.Result) *modules.Result {
	if r.Data == nil {
		r.Data = map[string]any{}
	}
	r.Data["cache_updated"], r.Data["cache_update_time"] = a.cacheUpdated, a.cacheTime
	return r
}

func (a *apt) failureWithCache(err error) error {
	if f, ok := err.(*modules.Failure); ok {
		if f.Data == nil {
			f.Data = map[string]any{}
		}
		f.Data["cache_updated"], f.Data["cache_update_time"] = a.cacheUpdated, a.cacheTime
	}
	return err
}

// packageNames trims the names; "*" means everything. An empty name stays: it is
// a variable that came out empty, and no package has it.
func packageNames(list []string) (specs []string, everything bool) {
	for _, item := range list {
		for _, s := range strings.Split(item, ",") {
			s = strings.TrimSpace(s)
			if s == "*" {
				everything = true
			} else {
				specs = append(specs, s)
			}
		}
	}
	return specs, everything
}

// clean empties the cache of archives.
func (a *apt) clean(ctx context.Context) error {
	if a.Check {
		return nil
	}
	r, err := a.Command(ctx, modules.CommandOptions{}, "apt-get", "clean")
	if err != nil {
		return err
	}
	if r.RC != 0 {
		return modules.FailWith(map[string]any{"stdout": r.Stdout, "stderr": r.Stderr, "rc": r.RC}, "apt-get clean failed: %s", r.Stderr)
	}
	return nil
}

// aptPaths are the places of apt's data.
type aptPaths struct {
	status, lists, stamp string
}

// findAptPaths returns apt's usual places; where APT_CONFIG may name others,
// apt-config is asked.
func findAptPaths(ctx context.Context, m *modules.Run) (aptPaths, error) {
	p := aptPaths{
		status: "/var/lib/dpkg/status",
		lists:  "/var/lib/apt/lists",
		stamp:  "/var/lib/apt/periodic/update-success-stamp",
	}
	if m.Env["APT_CONFIG"] == "" && os.Getenv("APT_CONFIG") == "" {
		return p, nil
	}
	r, err := m.Command(ctx, modules.CommandOptions{}, "apt-config", "shell",
		"STATUS", "Dir::State::status/f", "LISTS", "Dir::State::lists/d", "STATE", "Dir::State/d")
	if err != nil {
		return p, err
	}
	if r.RC != 0 {
		return p, modules.Failf("cannot read apt's configuration: %s", strings.TrimSpace(r.Stderr))
	}
	for line := range strings.Lines(r.Stdout) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		v = strings.Trim(v, "'")
		switch k {
		case "STATUS":
			p.status = v
		case "LISTS":
			p.lists = filepath.Clean(v)
		case "STATE":
			p.stamp = filepath.Join(v, "periodic/update-success-stamp")
		}
	}
	return p, nil
}
