package system

// This file is the service module: it picks the service manager.

import (
	"context"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/facts"
)

type serviceArgs struct {
	Name      string `arg:"name"`
	State     string `arg:"state"`
	Enabled   *bool  `arg:"enabled"`
	Sleep     int    `arg:"sleep"`
	Pattern   string `arg:"pattern"`
	Runlevel  string `arg:"runlevel"`
	Arguments string `arg:"arguments"`
	Use       string `arg:"use"`
}

// Service is ansible.builtin.service
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/service_module.html).
var Service = modules.Define(modules.Spec{
	Name: "ansible.builtin.service",
	Doc:  "Starts, stops and enables services by the host's service manager.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The service."},
		{Name: "state", Choices: []string{"reloaded", "restarted", "started", "stopped"}, Doc: "What the service is to be; restarted and reloaded always act."},
		{Name: "enabled", Type: modules.Bool, Doc: "Whether it starts at boot."},
		{Name: "sleep", Type: modules.Int, Doc: "Seconds between stop and start of a restart (init scripts); the end of the old process is waited for anyway."},
		{Name: "pattern", Doc: "A text of a process's command line by which a service without a status action is known."},
		{Name: "runlevel", Default: "default", Doc: "OpenRC's runlevel for enabled."},
		{Name: "arguments", Aliases: []string{"args"}, Doc: "Further arguments for an init script."},
		{Name: "use", Default: "auto", Doc: "The service manager: auto, systemd, sysvinit, openrc, service."},
	},
	Diff: modules.NoSupport,
}, runService)

func runService(ctx context.Context, m *modules.Run, a *serviceArgs) (*modules.Result, error) {
	use := a.Use
	if use == "auto" {
		use, _ = m.Facts["service_mgr"].(string)
	}
	if use == "" {
		use = facts.ServiceManager()
	}
	use = use[strings.LastIndexByte(use, '.')+1:]
	switch use {
	case "systemd", "systemd_service":
		for name, set := range map[string]bool{"pattern": a.Pattern != "", "sleep": a.Sleep != 0, "arguments": a.Arguments != "", "runlevel": a.Runlevel != "default"} {
			if set {
				m.Warn(`Ignoring "%s" as it is not used in "systemd"`, name)
			}
		}
		return runSystemd(ctx, m, &systemdArgs{Name: a.Name, State: a.State, Enabled: a.Enabled, Scope: "system"})
	}
	if a.State == "" && a.Enabled == nil {
		return nil, modules.Failf("one of the following is required: state, enabled")
	}
	s := findInitService(m, a.Name)
	if s == nil {
		return nil, modules.Failf("Could not find the requested service %s: host", a.Name)
	}
	s.openrc = s.openrc || use == "openrc"
	s.pattern, s.arguments, s.runlevel, s.sleep = a.Pattern, a.Arguments, a.Runlevel, time.Duration(a.Sleep)*time.Second
	data := map[string]any{"name": a.Name}
	changed := false
	if a.Enabled != nil {
		on, err := s.enabled(ctx, nil)
		if err != nil {
			return nil, err
		}
		data["enabled"] = *a.Enabled
		if on != *a.Enabled {
			changed = true
			if !m.Check {
				if err := s.enable(ctx, *a.Enabled, nil); err != nil {
					return nil, err
				}
			}
		}
	}
	if a.State != "" {
		action, err := s.actionFor(ctx, a.State)
		if err != nil {
			return nil, err
		}
		data["state"] = map[bool]string{true: "stopped", false: "started"}[a.State == "stopped"]
		if action != "" {
			changed = true
			if !m.Check {
				if _, err := s.do(ctx, action); err != nil {
					return nil, err
				}
			}
		}
	}
	return &modules.Result{Changed: changed, Data: data}, nil
}

// actionFor is what brings the service to a state, "" where nothing has to be
// done.
func (s *initService) actionFor(ctx context.Context, state string) (string, error) {
	running, err := s.running(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case state == "started" && !running, state == "reloaded" && !running:
		return "start", nil
	case state == "stopped" && running:
		return "stop", nil
	case state == "restarted":
		return "restart", nil
	case state == "reloaded":
		return "reload", nil
	}
	return "", nil
}

func (s *initService) do(ctx context.Context, action string) (modules.CommandResult, error) {
	if action == "restart" {
		return s.restart(ctx)
	}
	return s.act(ctx, action)
}
