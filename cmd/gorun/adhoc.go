package main

// This file defines gorun adhoc, which is ansible: one task on a pattern of hosts.

import (
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
		str("playbook-dir", "folder whose group_vars, host_vars and roles are used"),
	)
}

func runAdhoc(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return usageError("one pattern of hosts is required")
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
	if s.cb, err = callback.New(name, s.screen, s.settings(c)); err != nil {
		return err
	}
	var dirs []string
	if d := c.String("playbook-dir"); d != "" {
		dirs = append(dirs, d)
	}
	if err := s.open(c, dirs); err != nil {
		return err
	}
	pattern := c.Args().First()
	if c.Bool("list-hosts") {
		return s.listHosts(pattern, c.String("limit"))
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
		Pattern: pattern, Module: firstOf(c.String("module-name"), s.cfg.Str("DEFAULT_MODULE_NAME")),
		ArgsText: firstOf(c.String("args"), s.cfg.Str("DEFAULT_MODULE_ARGS")),
		Async:    c.Int("background"), Poll: poll, OneLine: c.Bool("one-line"), TaskTimeout: c.Int("task-timeout"),
	})
	if err != nil {
		return err
	}
	if outcome.Code != 0 {
		return exitCode(outcome.Code)
	}
	return nil
}

func (s *session) listHosts(pattern, limit string) error {
	hosts, err := s.inv.Match(pattern, limit)
	if err != nil {
		return err
	}
	s.screen.Print("  hosts ("+itoa(len(hosts))+"):", "")
	for _, h := range hosts {
		s.screen.Print("    "+h.Name, "")
	}
	return nil
}
