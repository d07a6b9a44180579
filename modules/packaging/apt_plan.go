package packaging

// This file decides what is to be installed or removed: from dpkg's status
// where that is enough, else by one call of apt-cache.

import (
	"context"
	"path"
	"regexp"
	"sort"
	"strings"

	"gorun/modules"
)

// A packageSpec is a package as a task names it.
type packageSpec struct {
	name    string // may be a pattern
	op      string // "", "=" or ">="
	version string // may be a pattern after "="
}

func (s packageSpec) String() string { return s.name + s.op + s.version }

var specOperator = regexp.MustCompile(`>?=`)

func parsePackageSpec(text string) (packageSpec, error) {
	if strings.Count(text, "=") > 1 {
		return packageSpec{}, modules.Failf("invalid package spec: %s", text)
	}
	at := specOperator.FindStringIndex(text)
	if at == nil {
		return packageSpec{name: bareName(text)}, nil
	}
	return packageSpec{name: bareName(text[:at[0]]), op: text[at[0]:at[1]], version: strings.TrimSpace(text[at[1]:])}, nil
}

// bareName drops ":all", which python-apt takes for the native architecture.
func bareName(name string) string {
	return strings.TrimSuffix(strings.TrimSpace(name), ":all")
}

// matches reports whether a version is what the spec asks for.
func (s packageSpec) matches(version string) bool {
	switch s.op {
	case "=":
		return version == s.version || fnmatch(s.version, version)
	case ">=":
		return compareVersions(version, s.version) >= 0
	}
	return true
}

func isPattern(s string) bool { return strings.ContainsAny(s, "*?[") }

// fnmatch is Python's fnmatch for names without a slash.
func fnmatch(pattern, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
	return ok && err == nil
}

// An aptPlan is what apt-get is to be called for.
type aptPlan struct {
	install, remove []string
}

func (a *apt) plan(ctx context.Context, texts []string) (*aptPlan, error) {
	status, err := readDpkgStatus(a.paths.status)
	if err != nil {
		return nil, modules.Failf("cannot read dpkg's status: %w", err)
	}
	var specs []packageSpec
	for _, t := range texts {
		s, err := parsePackageSpec(t)
		if err != nil {
			return nil, err
		}
		specs = append(specs, s)
	}
	if specs, err = a.expand(ctx, status, specs); err != nil {
		return nil, err
	}
	p := &aptPlan{}
	if a.State == "absent" {
		for _, s := range specs {
			have := status.find(s.name)
			if have != nil && have.state != "not-installed" && (have.state != "config-files" || a.Purge) && s.matches(have.version) {
				p.remove = append(p.remove, s.name)
			}
		}
		return p, nil
	}
	if a.State == "build-dep" {
		for _, s := range specs {
			p.install = append(p.install, s.name)
		}
		return p, nil
	}
	p.install, err = a.toInstall(ctx, status, specs)
	return p, err
}

// expand replaces patterns of names by the packages that they match.
func (a *apt) expand(ctx context.Context, status dpkgStatus, specs []packageSpec) ([]packageSpec, error) {
	var all []string
	var out []packageSpec
	for _, s := range specs {
		if !isPattern(s.name) {
			out = append(out, s)
			continue
		}
		var found []string
		if a.State == "absent" {
			for name := range status {
				if fnmatch(s.name, name) {
					found = append(found, name)
				}
			}
		}
		if len(found) == 0 {
			if all == nil {
				r, err := a.Command(ctx, modules.CommandOptions{}, "apt-cache", "pkgnames")
				if err != nil {
					return nil, err
				}
				all = strings.Fields(r.Stdout)
			}
			for _, name := range all {
				if fnmatch(s.name, name) {
					found = append(found, name)
				}
			}
		}
		if len(found) == 0 {
			return nil, modules.Failf("No package(s) matching '%s' available", s.name)
		}
		sort.Strings(found)
		for _, name := range found {
			out = append(out, packageSpec{name: name, op: s.op, version: s.version})
		}
	}
	return out, nil
}

// toInstall lists what apt-get install is to be given. Where every package is
// installed and the latest version does not matter, nothing has to be run.
func (a *apt) toInstall(ctx context.Context, status dpkgStatus, specs []packageSpec) ([]string, error) {
	var open []packageSpec
	for _, s := range specs {
		have := status.find(s.name)
		// A pattern of a version asks for the newest that it matches.
		newest := a.State == "latest" || s.op == "=" && isPattern(s.version)
		settled := have.installed() && s.matches(have.version) && !newest
		if settled || a.OnlyUpgrade && !have.installed() && have != nil {
			continue
		}
		open = append(open, s)
	}
	if len(open) == 0 {
		return nil, nil
	}
	policies, err := a.policies(ctx, open)
	if err != nil {
		return nil, err
	}
	var install []string
	for _, s := range open {
		word, err := a.resolve(ctx, status, s, policies[s.name])
		if err != nil {
			return nil, err
		}
		if word != "" {
			install = append(install, word)
		}
	}
	return install, nil
}

// resolve turns one spec into apt-get's word for it, "" where nothing is to do.
func (a *apt) resolve(ctx context.Context, status dpkgStatus, s packageSpec, p *policy) (string, error) {
	if p == nil || p.candidate == "" && p.installed == "" && len(p.versions) == 0 {
		return a.resolveVirtual(ctx, status, s, p)
	}
	have := status.find(s.name)
	if a.OnlyUpgrade && !have.installed() {
		return "", nil
	}
	best := p.best(s)
	if best == "" {
		if have.installed() && s.matches(have.version) {
			return "", nil
		}
		return "", modules.Failf("no available installation candidate for %s", s)
	}
	if have.installed() && s.matches(have.version) && compareVersions(best, have.version) <= 0 {
		return "", nil
	}
	return s.name + "=" + best, nil
}

// resolveVirtual is for names that no package has, but that packages provide:
// the only provider stands for the name; among several apt-get decides.
func (a *apt) resolveVirtual(ctx context.Context, status dpkgStatus, s packageSpec, p *policy) (string, error) {
	missing := modules.Failf("No package matching '%s' is available", s.name)
	if p == nil {
		return "", missing
	}
	r, err := a.Command(ctx, modules.CommandOptions{}, "apt-cache", "showpkg", s.name)
	if err != nil {
		return "", err
	}
	_, list, _ := strings.Cut(r.Stdout, "Reverse Provides:")
	providers := map[string]bool{}
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 1 {
			providers[f[0]] = true
		}
	}
	switch len(providers) {
	case 0:
		return "", missing
	case 1:
		for name := range providers {
			if status.find(name).installed() && a.State != "latest" {
				return "", nil
			}
			one := packageSpec{name: name, op: s.op, version: s.version}
			found, err := a.policies(ctx, []packageSpec{one})
			if err != nil || found[name] == nil {
				return name, err
			}
			return a.resolve(ctx, status, one, found[name])
		}
	}
	return s.name, nil
}

// A policy is what `apt-cache policy` says of a package; "" is none.
type policy struct {
	installed, candidate string
	versions             []string
}

// best is the version that would be installed for a spec: the candidate, or
// the highest that the spec allows.
func (p *policy) best(s packageSpec) string {
	if p.candidate != "" && s.matches(p.candidate) {
		return p.candidate
	}
	if s.op != "=" {
		return ""
	}
	best := ""
	for _, v := range p.versions {
		if s.matches(v) && (best == "" || compareVersions(v, best) > 0) {
			best = v
		}
	}
	return best
}

func (a *apt) policies(ctx context.Context, specs []packageSpec) (map[string]*policy, error) {
	argv := []string{"apt-cache"}
	if a.DefaultRelease != "" {
		argv = append(argv, "-o", "APT::Default-Release="+a.DefaultRelease)
	}
	argv = append(argv, "policy", "--")
	for _, s := range specs {
		argv = append(argv, s.name)
	}
	r, err := a.Command(ctx, modules.CommandOptions{}, argv...)
	if err != nil {
		return nil, err
	}
	if r.RC != 0 {
		return nil, modules.FailWith(map[string]any{"rc": r.RC, "stdout": r.Stdout, "stderr": r.Stderr}, "apt-cache policy failed: %s", r.Stderr)
	}
	return parsePolicies(r.Stdout), nil
}

var versionLine = regexp.MustCompile(`^(?: {5}|  ?\*{3} )(\S+)(?: \d+)?$`)

// parsePolicies reads the output of apt-cache policy. A package of the native
// architecture that was asked for as name:arch is listed under its bare name
// too.
func parsePolicies(out string) map[string]*policy {
	all := map[string]*policy{}
	var p *policy
	none := func(v string) string {
		if v = strings.TrimSpace(v); v == "(none)" {
			return ""
		}
		return v
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && line[0] != ' ' {
			p = &policy{}
			all[strings.TrimSuffix(line, ":")] = p
			continue
		}
		if p == nil {
			continue
		}
		if v, ok := strings.CutPrefix(line, "  Installed:"); ok {
			p.installed = none(v)
		} else if v, ok := strings.CutPrefix(line, "  Candidate:"); ok {
			p.candidate = none(v)
		} else if g := versionLine.FindStringSubmatch(line); g != nil {
			p.versions = append(p.versions, g[1])
		}
	}
	return all
}
