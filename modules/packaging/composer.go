package packaging

// This file is the composer module: PHP's packages.

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
)

type composerArgs struct {
	Command             string `arg:"command"`
	Arguments           string `arg:"arguments"`
	Executable          string `arg:"executable"`
	WorkingDir          string `arg:"working_dir"`
	GlobalCommand       bool   `arg:"global_command"`
	PreferSource        bool   `arg:"prefer_source"`
	PreferDist          bool   `arg:"prefer_dist"`
	NoDev               bool   `arg:"no_dev"`
	NoScripts           bool   `arg:"no_scripts"`
	NoPlugins           bool   `arg:"no_plugins"`
	ApcuAutoloader      bool   `arg:"apcu_autoloader"`
	OptimizeAutoloader  bool   `arg:"optimize_autoloader"`
	ClassmapAuthorative bool   `arg:"classmap_authoritative"`
	IgnorePlatformReqs  bool   `arg:"ignore_platform_reqs"`
	ComposerExecutable  string `arg:"composer_executable"`
	Force               bool   `arg:"force"`
}

// Composer is community.general.composer
// (https://docs.ansible.com/ansible/latest/collections/community/general/composer_module.html).
var Composer = modules.Define(modules.Spec{
	Name: "community.general.composer",
	Doc:  "Runs Composer, which installs PHP's packages.",
	Options: []modules.Option{
		{Name: "command", Default: "install", Doc: "Composer's command."},
		{Name: "arguments", Default: "", Doc: "Its arguments: packages, and further options."},
		{Name: "executable", Type: modules.Path, Aliases: []string{"php_path"}, Doc: "The program php."},
		{Name: "working_dir", Type: modules.Path, Doc: "The folder of the project."},
		{Name: "global_command", Type: modules.Bool, Default: false, Doc: "Runs it for the user's own packages."},
		{Name: "prefer_source", Type: modules.Bool, Default: false, Doc: "Installs from repositories of sources."},
		{Name: "prefer_dist", Type: modules.Bool, Default: false, Doc: "Installs from archives."},
		{Name: "no_dev", Type: modules.Bool, Default: true, Doc: "Leaves out what is for development."},
		{Name: "no_scripts", Type: modules.Bool, Default: false, Doc: "Runs no scripts of composer.json."},
		{Name: "no_plugins", Type: modules.Bool, Default: false, Doc: "Runs no plugins."},
		{Name: "apcu_autoloader", Type: modules.Bool, Default: false, Doc: "Lets the autoloader keep what it found in APCu."},
		{Name: "optimize_autoloader", Type: modules.Bool, Default: true, Doc: "Makes a map of classes for the autoloader."},
		{Name: "classmap_authoritative", Type: modules.Bool, Default: false, Doc: "Loads classes of that map alone."},
		{Name: "ignore_platform_reqs", Type: modules.Bool, Default: false, Doc: "Does not look at the versions of PHP and its extensions."},
		{Name: "composer_executable", Type: modules.Path, Doc: "The program composer."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Lets create-project run where there is a project already."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "global_command", Value: false, Need: []string{"working_dir"}}}},
	Diff:  modules.NoSupport,
}, runComposer)

func runComposer(ctx context.Context, m *modules.Run, a *composerArgs) (*modules.Result, error) {
	if strings.ContainsAny(a.Command, " \t\n") {
		return nil, modules.Failf("Use the 'arguments' param for passing arguments with the 'command'")
	}
	c := &client{ctx: ctx, m: m}
	for _, p := range []struct{ own, name string }{{a.Executable, "php"}, {a.ComposerExecutable, "composer"}} {
		one, err := newClient(ctx, m, p.name, p.own, "/usr/local/bin")
		if err != nil {
			return nil, err
		}
		c.base = append(c.base, one.base...)
	}
	known, err := composerOptions(c, a.Command)
	if err != nil {
		return nil, err
	}
	var argv words
	argv.add(a.GlobalCommand, "global")
	argv.add(true, a.Command)
	add := func(on bool, option string) { argv.add(on && known[option], "--"+option) }
	add(true, "no-ansi")
	add(true, "no-interaction")
	add(true, "no-progress")
	argv.add(!a.GlobalCommand, "--working-dir", a.WorkingDir)
	add(a.PreferSource, "prefer-source")
	add(a.PreferDist, "prefer-dist")
	add(a.NoDev, "no-dev")
	add(a.NoScripts, "no-scripts")
	add(a.NoPlugins, "no-plugins")
	add(a.ApcuAutoloader, "apcu-autoloader")
	add(a.OptimizeAutoloader, "optimize-autoloader")
	add(a.ClassmapAuthorative, "classmap-authoritative")
	add(a.IgnorePlatformReqs, "ignore-platform-reqs")
	if a.Command == "create-project" && !a.Force && a.WorkingDir != "" {
		if _, err := os.Stat(filepath.Join(a.WorkingDir, "composer.json")); err == nil {
			return &modules.Result{Msg: "composer.json already exists in working_dir, skipping create-project"}, nil
		}
	}
	if m.Check {
		if !known["dry-run"] {
			return &modules.Result{Skipped: true, Msg: "command '" + a.Command + "' does not support check mode, skipping"}, nil
		}
		add(true, "dry-run")
	}
	more, err := shellWords(a.Arguments)
	if err != nil {
		return nil, err
	}
	res, err := c.run(append(argv, more...)...)
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.FailWith(map[string]any{"stdout": res.Stderr}, "%s", oneLine(res.Stderr))
	}
	// Composer tells on standard error what it does.
	msg := oneLine(res.Stdout + res.Stderr)
	same := strings.Contains(msg, "Nothing to install or update") || strings.Contains(msg, "Nothing to install, update or remove")
	return &modules.Result{Changed: !same, Data: map[string]any{"msg": msg, "stdout": res.Stdout + res.Stderr}}, nil
}

// composerOptions asks which options a command has: they differ from version to version.
func composerOptions(c *client, command string) (map[string]bool, error) {
	res, err := c.run("help", command, "--no-interaction", "--format=json")
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.Failf("%s", oneLine(res.Stderr))
	}
	var help struct {
		Definition struct{ Options map[string]any }
	}
	if err := json.Unmarshal([]byte(res.Stdout), &help); err != nil {
		return nil, modules.Failf("what composer tells of its options is no JSON: %w", err)
	}
	known := map[string]bool{}
	for name := range help.Definition.Options {
		known[name] = true
	}
	return known, nil
}

// oneLine puts a text's words on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
