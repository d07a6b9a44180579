package packaging

// This file is the gem module.

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

type gemArgs struct {
	Name                string `arg:"name"`
	State               string `arg:"state"`
	Version             string `arg:"version"`
	GemSource           string `arg:"gem_source"`
	Repository          string `arg:"repository"`
	IncludeDependencies bool   `arg:"include_dependencies"`
	UserInstall         bool   `arg:"user_install"`
	Executable          string `arg:"executable"`
	InstallDir          string `arg:"install_dir"`
	Bindir              string `arg:"bindir"`
	Norc                bool   `arg:"norc"`
	PreRelease          bool   `arg:"pre_release"`
	IncludeDoc          bool   `arg:"include_doc"`
	EnvShebang          bool   `arg:"env_shebang"`
	BuildFlags          string `arg:"build_flags"`
	Force               bool   `arg:"force"`
	OverridePlatformDir bool   `arg:"override_platform_install_dir"`
}

// Gem is community.general.gem
// (https://docs.ansible.com/ansible/latest/collections/community/general/gem_module.html).
var Gem = modules.Define(modules.Spec{
	Name: "community.general.gem",
	Doc:  "Installs and removes Ruby gems.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The gem."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent", "latest"}, Doc: "Whether it is to be there."},
		{Name: "version", Doc: "The version."},
		{Name: "gem_source", Type: modules.Path, Doc: "A .gem file to install from."},
		{Name: "repository", Aliases: []string{"source"}, Doc: "Where gems come from."},
		{Name: "include_dependencies", Type: modules.Bool, Default: true, Doc: "Whether dependencies are installed too."},
		{Name: "user_install", Type: modules.Bool, Default: true, Doc: "Installs into the user's home."},
		{Name: "executable", Type: modules.Path, Doc: "The program, with arguments perhaps."},
		{Name: "install_dir", Type: modules.Path, Doc: "The folder to install into; user_install must be false."},
		{Name: "bindir", Type: modules.Path, Doc: "The folder for programs."},
		{Name: "norc", Type: modules.Bool, Default: true, Doc: "Reads no .gemrc."},
		{Name: "pre_release", Type: modules.Bool, Default: false, Doc: "Whether versions before a release may be taken."},
		{Name: "include_doc", Type: modules.Bool, Default: false, Doc: "Installs documentation too."},
		{Name: "env_shebang", Type: modules.Bool, Default: false, Doc: "Lets programs find Ruby by env."},
		{Name: "build_flags", Doc: "Flags for the compiler."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Installs and removes by force."},
		{Name: "override_platform_install_dir", Type: modules.Bool, Default: false,
			Doc: "Names the folder in the user's home to gem, where a distribution has set another by default."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"gem_source", "repository"}, {"gem_source", "version"}}},
	Diff:  modules.NoSupport,
}, runGem)

// A gemRun is one run of the module.
type gemRun struct {
	*client
	a       *gemArgs
	version []int // of gem itself
	// userDir is the folder in the user's home where it is named to gem.
	userDir string
}

func runGem(ctx context.Context, m *modules.Run, a *gemArgs) (*modules.Result, error) {
	switch {
	case a.Version != "" && a.State == "latest":
		return nil, modules.Failf("Cannot specify version when state=latest")
	case a.GemSource != "" && a.State == "latest":
		return nil, modules.Failf("Cannot maintain state=latest when installing from local source")
	case a.UserInstall && a.InstallDir != "":
		return nil, modules.Failf("install_dir requires user_install=false")
	case a.OverridePlatformDir && !a.UserInstall:
		return nil, modules.Failf("override_platform_install_dir requires user_install=true")
	}
	c, err := newClient(ctx, m, "gem", a.Executable)
	if err != nil {
		return nil, err
	}
	r := &gemRun{client: c, a: a}
	if err := r.readVersion(); err != nil {
		return nil, err
	}
	if a.OverridePlatformDir {
		if err := r.useUserDir(); err != nil {
			return nil, err
		}
	}
	there, err := r.exists()
	if err != nil {
		return nil, err
	}
	out := &modules.Result{Changed: there != (a.State != "absent"), Data: map[string]any{"name": a.Name, "state": a.State}}
	if a.Version != "" {
		out.Data["version"] = a.Version
	}
	if !out.Changed || m.Check {
		return out, nil
	}
	argv := r.install()
	if a.State == "absent" {
		argv = r.uninstall()
		r.home()
	}
	if _, err = r.output(argv...); err != nil {
		return nil, err
	}
	return out, nil
}

var gemUserDir = regexp.MustCompile(`USER INSTALLATION DIRECTORY:\s*(.+)`)

// useUserDir finds the folder in the user's home.
func (r *gemRun) useUserDir() error {
	text, err := r.output("environment")
	if err != nil {
		return err
	}
	if f := gemUserDir.FindStringSubmatch(text); f != nil {
		r.userDir = strings.TrimSpace(f[1])
	}
	return nil
}

var gemVersion = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)`)

func (r *gemRun) readVersion() error {
	text, err := r.output("--version")
	if f := gemVersion.FindStringSubmatch(text); f != nil {
		for _, n := range f[1:] {
			i, _ := strconv.Atoi(n)
			r.version = append(r.version, i)
		}
	}
	return err
}

// common are the options of every command.
func (r *gemRun) common() []string {
	if r.a.Norc && slices.Compare(r.version, []int{2, 5, 2}) >= 0 {
		return []string{"--norc"}
	}
	return nil
}

// home makes gem look into install_dir.
func (r *gemRun) home() {
	if r.a.InstallDir != "" {
		r.env = map[string]string{"GEM_HOME": r.a.InstallDir}
	}
}

var gemLine = regexp.MustCompile(`^\S+\s+\((?:default: )?(.+)\)`)

// versions lists the versions that are installed, or that the repository has.
func (r *gemRun) versions(remote bool) ([]string, error) {
	verb, pattern := "query", []string{"-n", "^" + r.a.Name + "$"}
	if r.version != nil && r.version[0] >= 4 { // which has no query any more
		verb, pattern = "list", pattern[1:]
	}
	argv := append([]string{verb}, r.common()...)
	if remote {
		argv = append(argv, "--remote")
		if r.a.Repository != "" {
			argv = append(argv, "--source", r.a.Repository)
		}
	}
	r.home()
	text, err := r.output(append(argv, pattern...)...)
	r.env = nil
	var out []string
	for line := range strings.Lines(text) {
		if f := gemLine.FindStringSubmatch(strings.TrimSpace(line)); f != nil {
			for v := range strings.SplitSeq(f[1], ", ") {
				v, _, _ = strings.Cut(v, " ")
				out = append(out, v)
			}
		}
	}
	return out, err
}

// exists reports whether the gem is there, in the version that is asked for.
func (r *gemRun) exists() (bool, error) {
	if r.a.State == "latest" {
		remote, err := r.versions(true)
		if err != nil {
			return false, err
		}
		if remote != nil {
			r.a.Version = remote[0]
		}
	}
	have, err := r.versions(false)
	return err == nil && (r.a.Version != "" && slices.Contains(have, r.a.Version) || r.a.Version == "" && have != nil), err
}

func (r *gemRun) install() []string {
	a := r.a
	argv := append(words{"install"}, r.common()...)
	add := argv.add
	old := r.version != nil && r.version[0] < 2
	add(a.Version != "", "--version", a.Version)
	add(a.Repository != "", "--source", a.Repository)
	add(!a.IncludeDependencies, "--ignore-dependencies")
	add(a.IncludeDependencies && old, "--include-dependencies")
	user, dir, bin := a.UserInstall, a.InstallDir, a.Bindir
	if r.userDir != "" {
		user, dir = false, r.userDir
		if bin == "" {
			bin = filepath.Join(dir, "bin")
		}
	}
	add(user, "--user-install")
	add(!user, "--no-user-install")
	add(dir != "", "--install-dir", dir)
	add(bin != "", "--bindir", bin)
	add(a.PreRelease, "--pre")
	add(!a.IncludeDoc && old, "--no-rdoc", "--no-ri")
	add(!a.IncludeDoc && !old, "--no-document")
	add(a.EnvShebang, "--env-shebang")
	add(a.GemSource != "", a.GemSource)
	add(a.GemSource == "", a.Name)
	add(a.BuildFlags != "", "--", a.BuildFlags)
	add(a.Force, "--force")
	return argv
}

func (r *gemRun) uninstall() []string {
	a := r.a
	argv := append(words{"uninstall"}, r.common()...)
	argv.add(a.InstallDir+r.userDir != "", "--install-dir", a.InstallDir+r.userDir)
	argv.add(a.Bindir != "", "--bindir", a.Bindir)
	argv.add(a.Version != "", "--version", a.Version)
	argv.add(a.Version == "", "--all")
	argv.add(true, "--executable")
	argv.add(a.Force, "--force")
	return append(argv, a.Name)
}
