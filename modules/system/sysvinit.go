package system

// This file is the sysvinit module.

import (
	"context"
	"time"

	"gorun/modules"
)

type sysvinitArgs struct {
	Name      string   `arg:"name"`
	State     string   `arg:"state"`
	Enabled   *bool    `arg:"enabled"`
	Sleep     int      `arg:"sleep"`
	Pattern   string   `arg:"pattern"`
	Runlevels []string `arg:"runlevels"`
	Arguments string   `arg:"arguments"`
	Daemonize bool     `arg:"daemonize"`
}

// Sysvinit is ansible.builtin.sysvinit
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/sysvinit_module.html).
var Sysvinit = modules.Define(modules.Spec{
	Name: "ansible.builtin.sysvinit",
	Doc:  "Starts, stops and enables services by their init scripts.",
	Options: []modules.Option{
		{Name: "name", Required: true, Aliases: []string{"service"}, Doc: "The service."},
		{Name: "state", Choices: []string{"started", "stopped", "restarted", "reloaded"}, Doc: "What the service is to be; restarted and reloaded always act."},
		{Name: "enabled", Type: modules.Bool, Doc: "Whether it starts at boot."},
		{Name: "sleep", Type: modules.Int, Default: 1, Doc: "Seconds between stop and start of a restart; the end of the old process is waited for anyway."},
		{Name: "pattern", Doc: "A text of a process's command line by which a service without a status action is known."},
		{Name: "runlevels", Type: modules.List, Elements: modules.Str, Doc: "The runlevels that enabled is about."},
		{Name: "arguments", Aliases: []string{"args"}, Doc: "Further arguments for the script."},
		{Name: "daemonize", Type: modules.Bool, Default: false, Ignored: "a script's background processes never hold the module here", Doc: "Whether the script is run as a daemon."},
	},
	Rules: modules.Rules{RequiredOneOf: [][]string{{"state", "enabled"}}},
	Diff:  modules.NoSupport,
}, runSysvinit)

func runSysvinit(ctx context.Context, m *modules.Run, a *sysvinitArgs) (*modules.Result, error) {
	s := findInitService(m, a.Name)
	if s == nil {
		return nil, modules.Failf("Could not find the requested service %s: ", a.Name)
	}
	s.openrc, s.direct = false, true
	s.pattern, s.arguments, s.sleep = a.Pattern, a.Arguments, time.Duration(a.Sleep)*time.Second
	outcome := func() map[string]any {
		return map[string]any{"changed": false, "rc": nil, "stdout": nil, "stderr": nil}
	}
	// As with Ansible both have their outcome always; without a state its key is null.
	status := map[string]any{"enabled": outcome()}
	if a.State == "" {
		status["null"] = outcome()
	}
	changed := false
	if a.Enabled != nil {
		o := outcome()
		status["enabled"] = o
		if len(a.Runlevels) > 0 {
			o["runlevels"] = a.Runlevels
		}
		on, err := s.enabled(ctx, a.Runlevels)
		if err != nil {
			return nil, err
		}
		if on != *a.Enabled {
			changed, o["changed"] = true, true
			if !m.Check {
				if err := s.enable(ctx, *a.Enabled, a.Runlevels); err != nil {
					return nil, err
				}
				o["rc"], o["stdout"], o["stderr"] = 0, "", ""
			}
		}
	}
	if a.State != "" {
		o := outcome()
		status[a.State] = o
		action, err := s.actionFor(ctx, a.State)
		if err != nil {
			return nil, err
		}
		if action != "" {
			changed, o["changed"] = true, true
			if !m.Check {
				r, err := s.do(ctx, action)
				if err != nil {
					return nil, err
				}
				o["rc"], o["stdout"], o["stderr"] = r.RC, r.Stdout, r.Stderr
			}
		}
	}
	return &modules.Result{Changed: changed, Data: map[string]any{"name": a.Name, "status": status}}, nil
}
