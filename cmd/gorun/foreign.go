package main

// This file joins modules and plugins that are not gorun's own.

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"gorun/engine"
	"gorun/engine/action"
	"gorun/engine/foreign"
)

// pluginPaths are the settings of folders that hold modules and plugins.
var pluginPaths = map[foreign.Kind]string{
	foreign.Modules: "DEFAULT_MODULE_PATH", foreign.ModuleUtils: "DEFAULT_MODULE_UTILS_PATH",
	foreign.Action: "DEFAULT_ACTION_PLUGIN_PATH", foreign.Filter: "DEFAULT_FILTER_PLUGIN_PATH",
	foreign.Test: "DEFAULT_TEST_PLUGIN_PATH", foreign.Lookup: "DEFAULT_LOOKUP_PLUGIN_PATH",
}

// findForeign makes the finder of modules and plugins. dirs are the folders of
// the playbooks.
func (s *session) findForeign(c *cli.Context, dirs []string) {
	o := foreign.Options{
		Dirs: dirs, Paths: map[foreign.Kind][]string{}, Collections: s.cfg.PathList("COLLECTIONS_PATHS"),
		Install: s.cfg.Str("GORUN_ANSIBLE"), Warn: s.warn, Deprecate: s.deprecate,
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
	s.plugins = engine.NewPlugins(s.foreign, s.era, base, s.tell)
}

// notRun are the kinds of plugins in Python that gorun does not run.
var notRun = []string{"become", "cache", "callback", "cliconf", "connection", "httpapi", "inventory", "netconf", "shell", "strategy", "terminal", "vars"}

// adviseKinds names the plugins beside the playbooks that are not run.
func (s *session) adviseKinds(dirs []string) {
	for _, dir := range dirs {
		for _, kind := range notRun {
			files, _ := filepath.Glob(filepath.Join(dir, kind+"_plugins", "*.py")) // a name with wildcards finds what it finds
			for _, f := range files {
				if filepath.Base(f) != "__init__.py" {
					s.warn(fmt.Sprintf("%s is not run: gorun runs modules and filter, test, lookup and action plugins in Python, and no %s plugins", f, kind))
				}
			}
		}
	}
}

// tell passes on what plugins in Python say.
func (s *session) tell(kind string, level int, host, msg string) {
	switch kind {
	case "warning":
		s.warn(msg)
	case "deprecated":
		s.deprecate(msg)
	case "verbose":
		s.cb.Verbose(level, host, msg)
	default:
		s.cb.Display(msg)
	}
}

// moduleSettings are the settings that modules are told of.
func (s *session) moduleSettings() action.Settings {
	return action.Settings{
		InterpreterPython: s.cfg.Str("INTERPRETER_PYTHON"), SyslogFacility: s.cfg.Str("DEFAULT_SYSLOG_FACILITY"),
		SELinuxFS: s.cfg.List("DEFAULT_SELINUX_SPECIAL_FS"), NoTargetSyslog: s.cfg.Bool("DEFAULT_NO_TARGET_SYSLOG"),
	}
}
