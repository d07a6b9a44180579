package packaging

// This file is the zypper module: SUSE's packages.

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
)

type zypperArgs struct {
	Name              []string `arg:"name"`
	State             string   `arg:"state"`
	Type              string   `arg:"type"`
	ExtraArgs         string   `arg:"extra_args"`
	ExtraArgsPre      string   `arg:"extra_args_precommand"`
	DisableGPGCheck   bool     `arg:"disable_gpg_check"`
	DisableRecommends bool     `arg:"disable_recommends"`
	Force             bool     `arg:"force"`
	ForceResolution   bool     `arg:"force_resolution"`
	UpdateCache       bool     `arg:"update_cache"`
	OldPackage        bool     `arg:"oldpackage"`
	AllowVendorChange bool     `arg:"allow_vendor_change"`
	ReplaceFiles      bool     `arg:"replacefiles"`
	CleanDeps         bool     `arg:"clean_deps"`
	AutoImportKeys    bool     `arg:"auto_import_keys"`
	InstallRecommends *bool    `arg:"install_recommends"`
	Quiet             bool     `arg:"quiet"`
	SimpleErrors      bool     `arg:"simple_errors"`
	SkipPostErrors    bool     `arg:"skip_post_errors"`
}

// Zypper is community.general.zypper
// (https://docs.ansible.com/ansible/latest/collections/community/general/zypper_module.html).
var Zypper = modules.Define(modules.Spec{
	Name: "community.general.zypper",
	Doc:  "Installs, upgrades and removes packages by zypper.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Required: true, Aliases: []string{"pkg"},
			Doc: "Packages, with a version (name>=1.0), with + or - before the name, files and URLs of .rpm; * with state=latest is everything."},
		{Name: "state", Default: "present", Choices: []string{"absent", "installed", "latest", "present", "removed", "dist-upgrade"}, Doc: "Whether they are to be there."},
		{Name: "type", Default: "package", Choices: []string{"package", "patch", "pattern", "product", "srcpackage", "application"}, Doc: "What the names name."},
		{Name: "extra_args", Doc: "Further options of zypper's command."},
		{Name: "extra_args_precommand", Doc: "Further options of zypper itself."},
		{Name: "disable_gpg_check", Type: modules.Bool, Default: false, Doc: "Whether signatures are not checked."},
		{Name: "disable_recommends", Type: modules.Bool, Default: true, Doc: "Whether recommended packages are left out."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Installs again, and lower versions."},
		{Name: "force_resolution", Type: modules.Bool, Default: false, Doc: "Lets zypper resolve conflicts by removing packages."},
		{Name: "update_cache", Type: modules.Bool, Default: false, Aliases: []string{"refresh"}, Doc: "Fetch the lists of packages first."},
		{Name: "oldpackage", Type: modules.Bool, Default: false, Doc: "Whether a lower version may be installed."},
		{Name: "allow_vendor_change", Type: modules.Bool, Default: false, Doc: "With dist-upgrade, whether packages may change their vendor."},
		{Name: "replacefiles", Type: modules.Bool, Default: false, Doc: "Installs packages even where their files conflict."},
		{Name: "clean_deps", Type: modules.Bool, Default: false, Doc: "Removes with packages the dependencies that are no longer needed."},
		{Name: "auto_import_keys", Type: modules.Bool, Default: false, Doc: "Trusts the keys of repositories while it installs."},
		{Name: "install_recommends", Type: modules.Bool, Doc: "Whether recommended packages are installed too."},
		{Name: "quiet", Type: modules.Bool, Default: true, Doc: "Lets zypper tell less."},
		{Name: "simple_errors", Type: modules.Bool, Default: false, Doc: "Puts zypper's messages alone into stdout."},
		{Name: "skip_post_errors", Type: modules.Bool, Default: false, Doc: "Runs zypper once more where a package's script failed behind its installation."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"disable_recommends", "install_recommends"}}},
}, runZypper)

// A zypperRun is one run of the module.
type zypperRun struct {
	*client
	a *zypperArgs
}

// A zypperPackage is one name: its sign (+ or -), and its version with the comparison.
type zypperPackage struct{ sign, name, version string }

func runZypper(ctx context.Context, m *modules.Run, a *zypperArgs) (*modules.Result, error) {
	c, err := newClient(ctx, m, "zypper", "")
	if err != nil {
		return nil, err
	}
	if a.Quiet {
		c.base = append(c.base, "--quiet")
	}
	c.base = append(c.base, "--non-interactive", "--xmlout")
	if transactional() {
		bin, err := m.RequireBin("transactional-update")
		if err != nil {
			return nil, err
		}
		c.base = append([]string{bin, "--continue", "--drop-if-no-change", "--quiet", "run"}, c.base...)
	}
	c.base = append(c.base, strings.Fields(a.ExtraArgsPre)...)
	c.env = map[string]string{"LANG": "C", "LC_ALL": "C", "LC_MESSAGES": "C"}
	a.Name = slices.DeleteFunc(a.Name, func(s string) bool { return s == "" })
	r := &zypperRun{c, a}
	if a.UpdateCache && !m.Check {
		if _, _, err := r.act(r.command("refresh")); err != nil {
			return nil, err
		}
	}
	all := slices.Equal(a.Name, []string{"*"})
	var argv []string
	switch {
	case all && a.State == "dist-upgrade" && a.Type != "patch":
		argv = r.command("dist-upgrade")
	case all && a.Type == "patch" && (a.State == "latest" || a.State == "dist-upgrade"):
		argv = r.command("patch")
	case all && a.State == "latest":
		argv = r.command("update")
	case a.State == "dist-upgrade":
		return nil, modules.Failf("Can not dist-upgrade specific packages.")
	case a.State == "absent" || a.State == "removed":
		argv, err = r.remove()
	default:
		argv, err = r.install()
	}
	if err != nil {
		return nil, err
	}
	return r.finish(argv)
}

// transactional reports whether this is a host whose root is a read-only
// snapshot, where changes go through transactional-update.
func transactional() bool {
	if _, err := os.Stat("/usr/sbin/transactional-update"); err != nil {
		return false
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 3 && f[1] == "/" {
			return f[2] == "btrfs" && slices.Contains(strings.Split(f[3], ","), "ro")
		}
	}
	return false
}

// command is the beginning of one of zypper's commands, with its options.
func (r *zypperRun) command(verb string) []string {
	a := r.a
	installs := slices.Contains([]string{"install", "update", "patch", "dist-upgrade"}, verb)
	var out words
	add := out.add
	add((installs || verb == "refresh") && a.DisableGPGCheck, "--no-gpg-checks")
	add(installs && a.AutoImportKeys, "--gpg-auto-import-keys")
	add(verb == "search", "--disable-repositories")
	out = append(out, verb)
	add(verb != "patch" && verb != "dist-upgrade" && verb != "refresh", "--type", a.Type)
	add(r.m.Check && verb != "search", "--dry-run")
	add(installs, "--auto-agree-with-licenses")
	recommends := !a.DisableRecommends
	if a.InstallRecommends != nil {
		recommends = *a.InstallRecommends
	}
	add(installs && !recommends, "--no-recommends")
	add(installs && recommends && a.InstallRecommends != nil, "--recommends")
	add(installs && a.Force, "--force")
	add(installs && a.ForceResolution, "--force-resolution")
	add(installs && a.OldPackage, "--oldpackage")
	add(installs && a.ReplaceFiles, "--replacefiles")
	add(verb == "remove" && a.CleanDeps, "--clean-deps")
	add(verb == "dist-upgrade" && a.AllowVendorChange, "--allow-vendor-change")
	if a.ExtraArgs != "" {
		out = append(out, strings.Split(a.ExtraArgs, " ")...)
	}
	return out
}

var zypperName = regexp.MustCompile(`^(.*?)((?:<=|>=|<|>|=)[0-9.-]*)?$`)

// parse sorts names into packages and files.
func (r *zypperRun) parse(sign string) (packages []zypperPackage, files []string) {
	for _, name := range r.a.Name {
		if strings.Contains(name, "://") || strings.HasSuffix(name, ".rpm") {
			files = append(files, name)
			continue
		}
		p := zypperPackage{sign: sign}
		if strings.ContainsRune("-~+", rune(name[0])) {
			if p.sign = "-"; name[0] == '+' {
				p.sign = "+"
			}
			name = name[1:]
		}
		p.name = name
		if f := zypperName.FindStringSubmatch(name); f != nil {
			p.name, p.version = f[1], f[2]
		}
		packages = append(packages, p)
	}
	return packages, files
}

// install is the command for state present and latest; nil where there is
// nothing to do.
func (r *zypperRun) install() ([]string, error) {
	packages, files := r.parse("+")
	var plain []string
	for _, p := range packages {
		if p.version != "" {
			r.a.OldPackage = true // a version may be lower
		} else {
			plain = append(plain, p.name)
		}
	}
	if r.a.State != "latest" {
		have := map[string]bool{}
		if plain != nil {
			var err error
			if have, err = r.installed(plain); err != nil {
				return nil, err
			}
		}
		packages = slices.DeleteFunc(packages, func(p zypperPackage) bool { return (p.sign == "+") == have[p.name] })
	}
	if len(packages) == 0 && len(files) == 0 {
		return nil, nil
	}
	argv := append(append(r.command("install"), "--"), files...)
	for _, p := range packages {
		argv = append(argv, p.sign+p.name+p.version)
	}
	return argv, nil
}

func (r *zypperRun) remove() ([]string, error) {
	packages, files := r.parse("-")
	var names []string
	for _, p := range packages {
		if p.sign == "+" {
			return nil, modules.Failf("Can not combine '+' prefix with state=remove/absent.")
		}
		names = append(names, p.name)
	}
	if len(files) > 0 {
		return nil, modules.Failf("Can not remove via URL.")
	}
	if r.a.Type == "patch" {
		return nil, modules.Failf("Can not remove patches.")
	}
	have, err := r.installed(names)
	if err != nil {
		return nil, err
	}
	packages = slices.DeleteFunc(packages, func(p zypperPackage) bool { return !have[p.name] })
	if len(packages) == 0 {
		return nil, nil
	}
	argv := r.command("remove")
	for _, p := range packages {
		argv = append(argv, p.name+p.version)
	}
	return argv, nil
}

// installed asks which names are installed.
func (r *zypperRun) installed(names []string) (map[string]bool, error) {
	argv := append(r.command("search"), "--match-exact", "--details", "--installed-only")
	list, _, err := r.act(append(argv, names...))
	out := map[string]bool{}
	for _, s := range list {
		out[s.name] = true
	}
	return out, err
}

// A solvable is one package in zypper's answer.
type solvable struct{ name, edition, old, group string }

var (
	zypperTag       = regexp.MustCompile(`<(/?)(to-install|to-upgrade|to-downgrade|to-remove|to-reinstall|to-upgrade-change-arch|to-change-arch|to-change-vendor|solvable-list|solvable)\b([^>]*)>`)
	zypperAttribute = regexp.MustCompile(`([\w-]+)="([^"]*)"`)
	zypperMessage   = regexp.MustCompile(`(?s)<message[^>]*>(.*?)</message>`)
)

// xmlText undoes XML's escapes.
var xmlText = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

// parseSolvables reads the packages of an answer, by the list they are in.
func parseSolvables(text string) []solvable {
	var out []solvable
	group := ""
	for _, f := range zypperTag.FindAllStringSubmatch(text, -1) {
		if f[2] != "solvable" {
			if group = f[2]; f[1] == "/" {
				group = ""
			}
			continue
		}
		if f[1] == "/" {
			continue
		}
		s := solvable{group: group}
		for _, attr := range zypperAttribute.FindAllStringSubmatch(f[3], -1) {
			value := xmlText.Replace(attr[2])
			switch attr[1] {
			case "name":
				s.name = value
			case "edition":
				s.edition = value
			case "edition-old":
				s.old = value
			}
		}
		i := slices.IndexFunc(out, func(o solvable) bool { return o.name == s.name })
		if i >= 0 {
			out[i] = s
		} else {
			out = append(out, s)
		}
	}
	return out
}

// act runs zypper and reads its answer. Its exit codes: 102 a reboot is
// needed, 103 zypper itself was upgraded and is to run again, 104 not found,
// 106 a repository was left out, 107 a package's script failed behind its installation.
func (r *zypperRun) act(args []string) ([]solvable, modules.CommandResult, error) {
	var list []solvable
	for try := 0; ; try++ {
		res, err := r.run(args...)
		if err != nil {
			return nil, res, err
		}
		data := outputOf(res)
		data["cmd"] = r.argv(args...)
		if !strings.Contains(res.Stdout, "<stream>") {
			return nil, res, modules.FailWith(data, "Failed to parse zypper xml output: %s", strings.TrimSpace(res.Stdout+res.Stderr))
		}
		switch res.RC {
		case 104:
			if slices.Contains(args, "search") {
				return nil, res, nil
			}
			msg := "no packages found"
			if m := zypperMessage.FindAllStringSubmatch(res.Stdout, -1); m != nil {
				msg = xmlText.Replace(m[len(m)-1][1])
			}
			return nil, res, modules.FailWith(data, "%s", msg)
		case 0, 102, 103, 106, 107:
			list = append(list, parseSolvables(res.Stdout)...)
			if try == 0 && (res.RC == 103 || res.RC == 107 && r.a.SkipPostErrors) {
				continue
			}
			res.Stdout = r.simple(res.Stdout)
			return list, res, nil
		}
		data["stdout"] = r.simple(res.Stdout)
		return nil, res, modules.FailWith(data, "Zypper run command failed with return code %d.", res.RC)
	}
}

// simple is zypper's answer, or with simple_errors the messages in it alone.
func (r *zypperRun) simple(answer string) string {
	if !r.a.SimpleErrors {
		return answer
	}
	var texts []string
	for _, m := range zypperMessage.FindAllStringSubmatch(answer, -1) {
		texts = append(texts, xmlText.Replace(m[1]))
	}
	if texts == nil {
		return answer
	}
	return strings.Join(texts, " \n")
}

// finish runs what was decided and makes the result.
func (r *zypperRun) finish(argv []string) (*modules.Result, error) {
	data := map[string]any{"rc": 0, "name": r.a.Name, "state": r.a.State, "update_cache": r.a.UpdateCache}
	out := &modules.Result{Data: data}
	if argv == nil {
		if r.m.Diff {
			data["diff"] = map[string]any{"prepared": ""}
		}
		return out, nil
	}
	list, res, err := r.act(argv)
	if err != nil {
		return nil, err
	}
	data["rc"], data["cmd"] = res.RC, r.argv(argv...)
	if r.m.Diff {
		data["diff"] = map[string]any{"prepared": zypperDiff(list)}
	}
	if res.RC != 0 && res.RC != 102 {
		data["stdout"], data["stderr"] = res.Stdout, res.Stderr
		return nil, modules.FailWith(data, "Zypper run failed.")
	}
	if out.Changed = len(list) > 0; out.Changed {
		data["stdout"], data["stderr"] = res.Stdout, res.Stderr
	}
	return out, nil
}

func zypperDiff(list []solvable) string {
	var b strings.Builder
	for _, kind := range []struct{ word, group string }{{"installed", "to-install"}, {"removed", "to-remove"}, {"upgraded", "to-upgrade"}} {
		var names []string
		for _, s := range list {
			if s.group != kind.group {
				continue
			}
			if kind.group == "to-upgrade" {
				names = append(names, s.name+" ("+s.old+" => "+s.edition+")")
			} else {
				names = append(names, s.name)
			}
		}
		if names != nil {
			b.WriteString(kind.word + ": " + strings.Join(names, ", ") + "\n")
		}
	}
	return b.String()
}
