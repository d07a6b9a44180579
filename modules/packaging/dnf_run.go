package packaging

// This file runs dnf and reads what it says.

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

// A dnfRun is one run of the module.
type dnfRun struct {
	ctx       context.Context
	m         *modules.Run
	a         *dnfArgs
	bin       string
	five      bool // dnf5, whose options differ
	installed []rpmPackage
	results   []string
}

// choose finds the program: that of use_backend or of the name the task used,
// else dnf, else yum.
func (r *dnfRun) choose() error {
	names := []string{"dnf", "dnf5", "yum"}
	short := r.m.Name[strings.LastIndexByte(r.m.Name, '.')+1:]
	switch {
	case r.a.UseBackend == "dnf5" || r.a.UseBackend == "auto" && short == "dnf5":
		names = []string{"dnf5"}
	case r.a.UseBackend == "dnf4":
		names = []string{"dnf-3", "dnf"}
	}
	for _, name := range names {
		if r.bin = r.m.BinPath(name); r.bin != "" {
			real, err := filepath.EvalSymlinks(r.bin)
			r.five = err == nil && filepath.Base(real) == "dnf5"
			return nil
		}
	}
	_, err := r.m.RequireBin(names[0])
	return err
}

// best is what best or nobest ask for; nil leaves it to the host. state=latest
// means the best unless it is told otherwise.
func (r *dnfRun) best() *bool {
	switch {
	case r.a.Nobest != nil:
		v := !*r.a.Nobest
		return &v
	case r.a.Best != nil:
		return r.a.Best
	case r.a.State == "latest":
		v := true
		return &v
	}
	return nil
}

// options are the options of every command.
func (r *dnfRun) options() []string {
	a := r.a
	set := func(name string, on bool) string { return "--setopt=" + name + "=" + strconv.FormatBool(on) }
	out := []string{
		set("gpgcheck", !a.DisableGPGCheck), set("localpkg_gpgcheck", !a.DisableGPGCheck),
		set("install_weak_deps", a.InstallWeakDeps), set("clean_requirements_on_remove", a.Autoremove),
	}
	if a.DisableGPGCheck {
		out = append(out, "--nogpgcheck")
	}
	if !a.SSLVerify || !a.ValidateCerts {
		out = append(out, set("sslverify", false))
	}
	if b := r.best(); b != nil {
		out = append(out, set("best", *b))
	}
	if a.ConfFile != "" {
		out = append(out, "--config="+a.ConfFile)
	}
	if a.InstallRoot != "/" {
		out = append(out, "--installroot="+a.InstallRoot)
		if r.five {
			out = append(out, "--use-host-config")
		}
	}
	if a.ReleaseVer != "" {
		out = append(out, "--releasever="+a.ReleaseVer)
	}
	if a.DisableExcludes != "" {
		if r.five {
			out = append(out, "--setopt=disable_excludes="+strings.Replace(a.DisableExcludes, "all", "*", 1))
		} else {
			out = append(out, "--disableexcludes="+a.DisableExcludes)
		}
	}
	for option, list := range map[string][]string{"--exclude=": a.Exclude, "--disableplugin=": a.DisablePlugin, "--enableplugin=": a.EnablePlugin} {
		for _, v := range list {
			out = append(out, option+v)
		}
	}
	// The order of these counts: what is enabled is so at last.
	for _, v := range a.DisableRepo {
		out = append(out, "--disablerepo="+v)
	}
	for _, v := range a.EnableRepo {
		out = append(out, "--enablerepo="+v)
	}
	if a.Cacheonly {
		out = append(out, "--cacheonly")
	}
	return out
}

// transactionOptions are those of install, upgrade and remove.
func (r *dnfRun) transactionOptions(verb string) []string {
	a := r.a
	var out []string
	add := func(on bool, option string) {
		if on {
			out = append(out, option)
		}
	}
	if verb == "remove" || verb == "autoremove" {
		return nil
	}
	add(a.AllowErasing, "--allowerasing")
	add(a.SkipBroken, "--skip-broken")
	add(a.Security, "--security")
	add(a.Bugfix, "--bugfix")
	add(a.DownloadOnly, "--downloadonly")
	if a.DownloadOnly && a.DownloadDir != "" {
		add(true, map[bool]string{false: "--downloaddir=", true: "--destdir="}[r.five]+a.DownloadDir)
	}
	return out
}

// command runs dnf. The terminal of dnf is wide so that its tables are not cut.
func (r *dnfRun) command(words ...string) (modules.CommandResult, error) {
	argv := slices.Concat([]string{r.bin, words[0]}, r.options(), words[1:])
	return r.m.Command(r.ctx, modules.CommandOptions{Env: map[string]string{"COLUMNS": "200", "LANGUAGE": "C"}}, argv...)
}

func (r *dnfRun) updateCache() (*modules.Result, error) {
	res, err := r.command("makecache", "--refresh")
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.FailWith(map[string]any{"results": []string{}, "rc": 1}, "%s", dnfError(res))
	}
	return &modules.Result{Msg: "Cache updated", Data: map[string]any{"results": []string{}, "rc": 0}}, nil
}

// dnfError is the error that dnf printed.
func dnfError(res modules.CommandResult) string {
	text := res.Stderr
	if !strings.Contains(text, "Error:") {
		text = res.Stdout + res.Stderr
	}
	if i := strings.Index(text, "Error:"); i >= 0 {
		text = text[i+len("Error:"):]
	}
	if i := strings.LastIndex(text, "\n(try to add"); i >= 0 {
		text = text[:i]
	}
	if i := strings.LastIndex(text, "\nYou can try to add"); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSpace(text)
}

// noMatch finds the arguments that dnf knew no package for, in its words of
// several versions.
var noMatch = regexp.MustCompile(`(?m)^(?:No match for argument|Unable to find a match|Module or Group|No match for group package|Failed to resolve the transaction:\nNo match for argument)(?:: | )(?:['"]?)(.+?)(?:['"]? is not available\.)?$`)

// transaction runs commands, or foretells what they would do, and makes the result.
func (r *dnfRun) transaction(commands [][]string) (*modules.Result, error) {
	if len(commands) == 0 {
		if r.a.UpdateCache && !r.m.Check {
			if _, err := r.updateCache(); err != nil {
				return nil, err
			}
		}
		return r.answer(nil)
	}
	before := r.installed
	if before == nil {
		var err error
		if before, err = installedRPMs(r.ctx, r.m, r.a.InstallRoot); err != nil {
			return nil, err
		}
	}
	var changes []string
	for i, words := range commands {
		options := r.transactionOptions(words[0])
		if r.a.UpdateCache && i == 0 {
			options = append(options, "--refresh")
		}
		mode := "-y"
		if r.m.Check {
			mode = "--assumeno"
		}
		res, err := r.command(slices.Concat([]string{words[0], mode}, options, words[1:])...)
		if err != nil {
			return nil, err
		}
		plan := parseDnfTable(res.Stdout, before)
		aborted := r.m.Check && len(plan) > 0
		if res.RC != 0 && !aborted {
			if err := r.failure(words[0], res, changes); err != nil {
				return nil, err
			}
			continue
		}
		if r.m.Check || r.a.DownloadOnly {
			changes = append(changes, plan...)
		} else if len(plan) > 0 || r.five {
			now, err := installedRPMs(r.ctx, r.m, r.a.InstallRoot)
			if err != nil {
				return nil, err
			}
			changes = append(changes, rpmChanges(before, now)...)
			if len(changes) == 0 {
				changes = append(changes, plan...) // a reinstallation
			}
			before = now
		}
	}
	return r.answer(changes)
}

// failure makes an error of what dnf said; nil where nothing was to be done.
func (r *dnfRun) failure(verb string, res modules.CommandResult, done []string) error {
	data := map[string]any{"rc": 1, "results": r.results, "failures": []string{}}
	var failures []string
	for _, f := range noMatch.FindAllStringSubmatch(res.Stdout+res.Stderr, -1) {
		for word := range strings.FieldsSeq(f[1]) {
			if s := "No package " + word + " available."; !slices.Contains(failures, s) {
				failures = append(failures, s)
			}
		}
	}
	text := dnfError(res)
	group := failures != nil && strings.Contains(text, "Nothing to do.") && strings.Contains(res.Stdout+res.Stderr, "Module or Group")
	if strings.HasPrefix(text, "There are no enabled repositories") {
		for _, name := range r.a.Name {
			failures = append(failures, "No package "+name+" available.")
		}
	}
	switch {
	case group:
		name := strings.TrimSuffix(strings.TrimPrefix(failures[0], "No package "), " available.")
		return &modules.Failure{Msg: "No group " + name + " available.", Data: map[string]any{"results": []string{}}}
	case verb == "upgrade" && (strings.Contains(text, "No packages marked for upgrade") || strings.Contains(text, "Nothing to do")):
		return nil
	case verb == "remove" && len(failures) > 0 && strings.Contains(text, "No packages"):
		return nil
	case failures != nil:
		data["failures"] = failures
		return &modules.Failure{Msg: "Failed to install some of the specified packages", Data: data, Changed: len(done) > 0}
	case strings.HasPrefix(text, "Problem") || strings.Contains(text, "\n Problem"):
		return &modules.Failure{Msg: "Depsolve Error occurred: \n " + text, Data: data, Changed: len(done) > 0}
	case strings.HasPrefix(text, "Failed to download metadata"):
		return &modules.Failure{Msg: text, Data: map[string]any{"results": []string{}, "rc": 1}}
	case strings.Contains(text, "GPG check FAILED") || strings.Contains(res.Stdout+res.Stderr, "is not signed"):
		return &modules.Failure{Msg: "Failed to validate GPG signature for " + unsigned(res)}
	case strings.Contains(text, "Error downloading packages"):
		return &modules.Failure{Msg: "Failed to download packages: " + text, Data: map[string]any{"results": []string{}}}
	}
	return &modules.Failure{Msg: "Unknown Error occurred: " + text, Data: data, Changed: len(done) > 0}
}

// unsigned is the package whose signature failed, with dnf's reason.
func unsigned(res modules.CommandResult) string {
	for line := range strings.Lines(res.Stdout + res.Stderr) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "Package "); ok && strings.HasSuffix(name, " is not signed") {
			return strings.TrimSuffix(strings.TrimSuffix(name, " is not signed"), ".rpm") + ": " + line
		}
		if name, ok := strings.CutPrefix(line, "Public key for "); ok {
			name, _, _ = strings.Cut(name, " ")
			return strings.TrimSuffix(name, ".rpm") + ": " + line
		}
	}
	return dnfError(res)
}

// answer is the result of a transaction that went well.
func (r *dnfRun) answer(changes []string) (*modules.Result, error) {
	res := &modules.Result{Changed: len(changes) > 0, Data: map[string]any{"rc": 0, "results": append(r.results, changes...), "msg": ""}}
	switch {
	case !res.Changed:
		res.Msg = "Nothing to do"
	case r.m.Check:
		res.Msg = "Check mode: No changes made, but would have if not in check mode"
	}
	if r.a.DownloadOnly {
		for i, s := range changes {
			changes[i] = strings.Replace(s, "Installed: ", "Downloaded: ", 1)
		}
		res.Data["results"] = append(r.results, changes...)
	}
	if r.m.Diff && res.Changed {
		res.Diff = []modules.Diff{{Prepared: strings.Join(changes, "\n") + "\n"}}
	}
	return res, nil
}

// rpmChanges tells what came and went, in Ansible's words.
func rpmChanges(before, after []rpmPackage) []string {
	var came, gone []string
	for _, p := range after {
		if !slices.Contains(before, p) {
			came = append(came, "Installed: "+p.String())
		}
	}
	for _, p := range before {
		if !slices.Contains(after, p) {
			gone = append(gone, "Removed: "+p.String())
		}
	}
	slices.Sort(came)
	slices.Sort(gone)
	return append(came, gone...)
}

// parseDnfTable reads the table of a transaction. A package's row has its
// name, architecture, version, repository and size; long names push the rest
// to the next line. Of what is upgraded the old version goes.
func parseDnfTable(text string, installed []rpmPackage) []string {
	i := strings.Index(text, "\nTransaction Summary")
	if i < 0 {
		return nil
	}
	var came, gone, words []string
	section := ""
	row := func(f []string) {
		p := rpmPackage{name: f[0], arch: f[1], epoch: "0"}
		evr := f[2]
		if e, rest, ok := strings.Cut(evr, ":"); ok {
			p.epoch, evr = e, rest
		}
		p.version, p.release, _ = strings.Cut(evr, "-")
		switch section {
		case "Removing":
			gone = append(gone, "Removed: "+p.String())
			return
		case "Upgrading", "Downgrading", "Reinstalling":
			for _, old := range installed {
				if old.name == p.name && old.arch == p.arch {
					gone = append(gone, "Removed: "+old.String())
				}
			}
		case "Installing":
		default:
			return
		}
		came = append(came, "Installed: "+p.String())
	}
	for line := range strings.Lines(text[:i]) {
		line = strings.TrimRight(line, "\n")
		if !strings.HasPrefix(line, " ") {
			words = nil
			if strings.HasSuffix(line, ":") {
				section, _, _ = strings.Cut(strings.TrimSuffix(line, ":"), " ")
			}
			continue
		}
		f := strings.Fields(line)
		if len(f) > 1 && f[0] == "replacing" {
			gone = append(gone, replaced(f[1:]))
			continue
		}
		if words = append(words, f...); len(words) >= 5 {
			row(words)
			words = nil
		}
	}
	slices.Sort(came)
	slices.Sort(gone)
	return append(came, slices.Compact(gone)...)
}

// replaced reads a row of what a package replaces: "name.arch version" (dnf)
// or "name arch version repository size" (dnf5).
func replaced(f []string) string {
	if len(f) == 2 {
		name, arch := f[0], ""
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			name, arch = name[:i], name[i:]
		}
		return "Removed: " + name + "-" + f[1] + arch
	}
	if len(f) < 3 {
		return "Removed: " + strings.Join(f, " ")
	}
	return "Removed: " + f[0] + "-" + strings.TrimPrefix(f[2], "0:") + "." + f[1]
}

// list answers the option list.
func (r *dnfRun) list() (*modules.Result, error) {
	result := func(list any) (*modules.Result, error) {
		return &modules.Result{Data: map[string]any{"results": list, "msg": ""}}, nil
	}
	repoquery := func(words ...string) ([]map[string]any, error) {
		// \t and \n are not understood by every version.
		format := "%{name}\t%{epoch}\t%{version}\t%{release}\t%{arch}\t%{repoid}\n"
		res, err := r.command(slices.Concat([]string{"repoquery", "-q", "--qf=" + format}, words)...)
		if err != nil {
			return nil, err
		}
		if res.RC != 0 {
			return nil, modules.FailWith(map[string]any{"results": []string{}, "rc": 1}, "%s", dnfError(res))
		}
		out := []map[string]any{}
		for line := range strings.Lines(res.Stdout) {
			if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); len(f) == 6 {
				out = append(out, rpmRecord(rpmPackage{f[0], f[1], f[2], f[3], f[4]}, f[5]))
			}
		}
		return out, nil
	}
	installed := func(keep func(rpmPackage) bool) ([]map[string]any, error) {
		list, err := installedRPMs(r.ctx, r.m, r.a.InstallRoot)
		out := []map[string]any{}
		for _, p := range list {
			if keep(p) {
				out = append(out, rpmRecord(p, "@System"))
			}
		}
		return out, err
	}
	var list []map[string]any
	var err error
	switch r.a.List {
	case "installed":
		list, err = installed(func(rpmPackage) bool { return true })
	case "updates", "upgrades":
		list, err = repoquery("--upgrades")
	case "available":
		list, err = repoquery("--available")
	case "repos", "repositories":
		return r.listRepos()
	default:
		specs := parseRPMSpec(r.a.List)
		list, err = installed(func(p rpmPackage) bool {
			return slices.ContainsFunc(specs, func(s rpmSpec) bool { return s.matches(p) })
		})
		if err == nil {
			var more []map[string]any
			more, err = repoquery("--available", r.a.List)
			list = append(list, more...)
		}
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b map[string]any) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	return result(list)
}

func (r *dnfRun) listRepos() (*modules.Result, error) {
	res, err := r.command("repolist", "--enabled", "-q")
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.FailWith(map[string]any{"results": []string{}, "rc": 1}, "%s", dnfError(res))
	}
	list := []map[string]any{}
	for line := range strings.Lines(res.Stdout) {
		if f := strings.Fields(line); len(f) > 0 && f[0] != "repo" {
			list = append(list, map[string]any{"repoid": f[0], "state": "enabled"})
		}
	}
	return &modules.Result{Data: map[string]any{"results": list, "msg": ""}}, nil
}

// rpmRecord is a package as list returns it.
func rpmRecord(p rpmPackage, repo string) map[string]any {
	envra := p.epoch + ":" + p.name + "-" + p.version + "-" + p.release + "." + p.arch
	state := "available"
	if repo == "@System" {
		state = "installed"
	}
	return map[string]any{
		"name": p.name, "arch": p.arch, "epoch": p.epoch, "release": p.release, "version": p.version, "repo": repo,
		"envra": envra, "nevra": envra, "yumstate": state,
	}
}
