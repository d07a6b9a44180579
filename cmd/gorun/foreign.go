package main

// This file joins modules and plugins that are not gorun's own.

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"gorun/engine"
	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/foreign"
	"gorun/engine/pyhelper"
	"gorun/templates"
	"gorun/vars/vault"
)

// pluginPaths are the settings of folders that hold modules and plugins.
var pluginPaths = map[foreign.Kind]string{
	foreign.Modules: "DEFAULT_MODULE_PATH", foreign.ModuleUtils: "DEFAULT_MODULE_UTILS_PATH",
	foreign.Action: "DEFAULT_ACTION_PLUGIN_PATH", foreign.Filter: "DEFAULT_FILTER_PLUGIN_PATH",
	foreign.Test: "DEFAULT_TEST_PLUGIN_PATH", foreign.Lookup: "DEFAULT_LOOKUP_PLUGIN_PATH",
	foreign.Inventory: "DEFAULT_INVENTORY_PLUGIN_PATH", foreign.Vars: "DEFAULT_VARS_PLUGIN_PATH",
	foreign.Callback: "DEFAULT_CALLBACK_PLUGIN_PATH", foreign.Cache: "DEFAULT_CACHE_PLUGIN_PATH",
	foreign.DocFragments: "DOC_FRAGMENT_PLUGIN_PATH", foreign.Connection: "DEFAULT_CONNECTION_PLUGIN_PATH",
	foreign.Become: "BECOME_PLUGIN_PATH", foreign.Strategy: "DEFAULT_STRATEGY_PLUGIN_PATH",
}

// findForeign makes the finder of modules and plugins. dirs are the folders of
// the playbooks.
func (s *session) findForeign(c *cli.Context, dirs []string) {
	o := foreign.Options{
		Dirs: dirs, Paths: map[foreign.Kind][]string{}, Collections: s.cfg.PathList("COLLECTIONS_PATHS"),
		NoInstalled: !s.cfg.Bool("COLLECTIONS_SCAN_SYS_PATH"), Install: s.cfg.Str("GORUN_ANSIBLE"), Warn: s.warn, Deprecate: s.deprecate,
	}
	for kind, setting := range pluginPaths {
		o.Paths[kind] = s.cfg.PathList(setting)
	}
	if c.IsSet("module-path") {
		o.Paths[foreign.Modules] = append(filepath.SplitList(c.String("module-path")), o.Paths[foreign.Modules]...)
	}
	s.foreign = foreign.New(o)
	s.adviseKinds(dirs)
	base := "."
	if len(dirs) > 0 {
		base = dirs[0]
	}
	s.plugins = engine.NewPlugins(engine.PluginOptions{
		Finder: s.foreign, Era: s.era, Basedir: base, Tell: s.tell,
		Secrets: func() []vault.Secret { return s.secrets }, Extra: func() *templates.Dict { return s.extra },
		Verbosity: verbosity(c) + s.cfg.Int("DEFAULT_VERBOSITY"), Columns: s.screen.Columns, Color: s.screen.Color, CLI: commandLine(c),
	})
}

// commandLine is what plugins in Python see of the command line.
func commandLine(c *cli.Context) *templates.Dict {
	d := templates.NewDict(8)
	set := func(name string, v any) { d.SetStr(name, templates.FromGo(v)) }
	set("verbosity", verbosity(c))
	set("check", c.Bool("check"))
	set("diff", c.Bool("diff"))
	set("tags", splitCommas(c.StringSlice("tags")))
	set("skip_tags", splitCommas(c.StringSlice("skip-tags")))
	set("inventory", c.StringSlice("inventory"))
	set("subset", templates.Value(templates.None))
	if limit := c.String("limit"); limit != "" {
		set("subset", limit)
	}
	set("extra_vars", []string{}) // they may be secret: plugins get them by themselves
	set("args", c.Args().Slice())
	return d
}

// notRun are the kinds of plugins in Python that gorun does not run.
var notRun = []string{"become", "cache", "cliconf", "connection", "httpapi", "netconf", "shell", "strategy", "terminal"}

// adviseKinds names the plugins beside the playbooks that are not run.
func (s *session) adviseKinds(dirs []string) {
	for _, dir := range dirs {
		for _, kind := range notRun {
			files, _ := filepath.Glob(filepath.Join(dir, kind+"_plugins", "*.py")) // a name with wildcards finds what it finds
			for _, f := range files {
				if filepath.Base(f) != "__init__.py" {
					s.warn(fmt.Sprintf("%s is not run: gorun has no %s plugins in Python", f, kind))
				}
			}
		}
	}
}

// tell passes on what plugins in Python say.
func (s *session) tell(m pyhelper.Message) {
	switch m.Kind {
	case "warning":
		s.warn(m.Text)
	case "deprecated":
		s.deprecate(m.Text)
	case "verbose":
		s.cb.Verbose(m.Level, m.Host, m.Text)
	case "print":
		s.screen.Text(m.Text, m.Stderr)
	default:
		s.screen.Say(m.Text, callback.Color(m.Color), m.Stderr, m.Newline)
	}
}

// moduleSettings are the settings that modules are told of.
func (s *session) moduleSettings() action.Settings {
	return action.Settings{
		InterpreterPython: s.cfg.Str("INTERPRETER_PYTHON"), SyslogFacility: s.cfg.Str("DEFAULT_SYSLOG_FACILITY"),
		SELinuxFS: s.cfg.List("DEFAULT_SELINUX_SPECIAL_FS"), NoTargetSyslog: s.cfg.Bool("DEFAULT_NO_TARGET_SYSLOG"),
	}
}
