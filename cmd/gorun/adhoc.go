package main

// This file defines gorun adhoc, which is ansible: one task on a pattern of hosts.

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine"
	"gorun/engine/callback"
)

func adhocFlags() []cli.Flag {
	return append(append(commonFlags(), connectionFlags()...),
		str("module-name", "name of the module (default command)", "m"),
		str("args", "the module's arguments", "a"),
		number("background", "run asynchronously, failing after this many seconds", "B"),
		number("poll", "poll interval with -B (default 15)", "P"),
		boolean("one-line", "condense the output", "o"),
		str("tree", "log output to this folder", "t"),
		number("task-timeout", "task timeout in seconds"),
		boolean("list-hosts", "list the hosts, run nothing"),
		boolean("flush-cache", "clear the fact cache of every host"),
		str("playbook-dir", "folder whose group_vars, host_vars and roles are used"),
	)
}

func runAdhoc(c *cli.Context) error {
	switch c.Args().Len() {
	case 0:
		return usageError("the following arguments are required: pattern")
	case 1:
	default:
		return usageError("unrecognized arguments: " + strings.Join(c.Args().Tail(), " "))
	}
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.close()
	name := "minimal"
	if c.Bool("one-line") {
		name = "oneline"
	}
	if s.cfg.Bool("DEFAULT_LOAD_CALLBACK_PLUGINS") && s.cfg.IsSet("DEFAULT_STDOUT_CALLBACK") {
		name = s.cfg.Str("DEFAULT_STDOUT_CALLBACK")
	}
	if c.Bool("one-line") && s.isCurrent() {
		s.deprecate("The '-o' argument is deprecated. This feature will be removed from ansible-core version 2.23. Use callback configuration to enable the oneline callback instead.")
		s.deprecateCallback("oneline", "<unknown>\n\noneline")
	}
	if s.cb, err = callback.New(name, s.screen, s.settings(c)); err != nil {
		return err
	}
	if err := s.open(c, []string{cmp.Or(c.String("playbook-dir"), ".")}); err != nil {
		return err
	}
	if dir := c.String("tree"); dir != "" {
		if err := s.logTree(dir); err != nil {
			return err
		}
	}
	pattern := c.Args().First()
	names, err := s.targets(pattern, c.String("limit"))
	if err != nil {
		return err
	}
	if c.Bool("list-hosts") {
		s.listHosts(names)
		return nil
	}
	module := firstOf(c.String("module-name"), s.cfg.Str("DEFAULT_MODULE_NAME"))
	if needsArgs(module) && firstOf(c.String("args"), s.cfg.Str("DEFAULT_MODULE_ARGS")) == "" {
		msg := "No argument passed to " + module + " module"
		if strings.HasSuffix(pattern, ".yml") {
			msg += " (did you mean to run ansible-playbook?)"
		}
		return optionsError(errors.New(msg))
	}
	if strings.TrimPrefix(module, "ansible.builtin.") == "import_playbook" {
		return optionsError(errors.New("'" + module + "' is not a valid action for ad-hoc commands"))
	}
	hosts := s.openHosts()
	defer hosts.Close()
	o, err := s.engineOptions(c, hosts)
	if err != nil {
		return err
	}
	poll := 15
	if c.IsSet("poll") {
		poll = c.Int("poll")
	}
	outcome, err := engine.New(o).Adhoc(c.Context, engine.AdhocTask{
		Pattern: pattern, Module: module, ArgsText: firstOf(c.String("args"), s.cfg.Str("DEFAULT_MODULE_ARGS")),
		Dir: c.String("playbook-dir"), Async: c.Int("background"), Poll: poll, OneLine: c.Bool("one-line"), TaskTimeout: c.Int("task-timeout"),
	})
	if err != nil && outcome.Code == engine.CodeFailed {
		return codedError{err, outcome.Code} // Ansible finds it out once for each host
	}
	if err != nil {
		return err
	}
	if outcome.Code != 0 {
		return exitCode(outcome.Code)
	}
	return nil
}

// logTree adds the callback that keeps each host's result in a folder.
func (s *session) logTree(dir string) error {
	if s.isCurrent() {
		s.deprecate("The '-t' argument is deprecated. This feature will be removed from ansible-core version 2.23. Use callback configuration to enable the tree callback instead.")
		s.deprecateCallback("tree", "<unknown>\n\ntree")
	}
	var err error
	s.cb, err = callback.Enable(s.cb, []string{"tree"}, s.screen, callback.Extras{Current: s.isCurrent(), TreeDir: dir})
	return err
}

// needsArgs reports whether a module has nothing to do without arguments.
func needsArgs(module string) bool {
	short := strings.TrimPrefix(strings.TrimPrefix(module, "ansible.builtin."), "ansible.legacy.")
	return slices.Contains([]string{"command", "win_command", "shell", "win_shell", "script", "raw"}, short)
}

// targets are the names of the hosts that the command means. A limit that
// leaves none is an error; without one the user is told.
func (s *session) targets(pattern, limit string) ([]string, error) {
	names, err := s.hostList(pattern, limit)
	if err == nil {
		return names, nil
	}
	if limit != "" {
		return nil, err
	}
	s.warn("No hosts matched, nothing to do")
	return nil, nil
}

// hostList are the hosts of a pattern within a limit. None at all is an error,
// unless the inventory is empty.
func (s *session) hostList(pattern, limit string) ([]string, error) {
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, pattern)
	empty := len(s.inv.Hosts()) == 0
	if empty && !local && s.cfg.Bool("LOCALHOST_WARNING") {
		s.warn("provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'")
	}
	hosts, err := s.inv.Match(pattern, limit)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	if len(names) == 0 && local {
		names = []string{pattern} // named, though the limit keeps it from being reached
	}
	if len(names) == 0 && !empty {
		return nil, errors.New("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.")
	}
	return names, nil
}

func (s *session) listHosts(names []string) {
	s.screen.Print("  hosts ("+strconv.Itoa(len(names))+"):", "")
	for _, name := range names {
		s.screen.Print("    "+name, "")
	}
}
