package system

// This file is the service_facts module.

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"gorun/modules"
)

type serviceFactsArgs struct{}

// ServiceFacts is ansible.builtin.service_facts
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/service_facts_module.html).
var ServiceFacts = modules.Define(modules.Spec{
	Name:  "ansible.builtin.service_facts",
	Doc:   "Lists the host's services as facts.",
	Facts: true,
	Diff:  modules.NoSupport,
}, runServiceFacts)

func runServiceFacts(ctx context.Context, m *modules.Run, _ *serviceFactsArgs) (*modules.Result, error) {
	services := map[string]any{}
	if err := sysvServices(ctx, m, services); err != nil {
		return nil, err
	}
	if exists("/run/systemd/system") && m.BinPath("systemctl") != "" {
		if err := systemdServices(ctx, m, services); err != nil {
			return nil, err
		}
	}
	if len(services) == 0 {
		return &modules.Result{Skipped: true, Msg: "Failed to find any services. This can be due to privileges or some other configuration issue."}, nil
	}
	return &modules.Result{Data: map[string]any{"ansible_facts": map[string]any{"services": services}}}, nil
}

// sysvServices lists the init scripts with what `service --status-all` says of
// them, and OpenRC's services.
func sysvServices(ctx context.Context, m *modules.Run, services map[string]any) error {
	if m.BinPath("rc-status") != "" {
		r, err := m.Command(ctx, modules.CommandOptions{}, "rc-status", "-a", "-s", "-m", "-C")
		if err != nil {
			return err
		}
		for line := range strings.Lines(r.Stdout) {
			if f := strings.Fields(line); len(f) >= 3 && f[1] == "[" {
				services[f[0]] = map[string]any{"name": f[0], "state": f[2], "source": "openrc"}
			}
		}
		return nil
	}
	scripts, err := filepath.Glob("/etc/init.d/*")
	if err != nil || len(scripts) == 0 || m.BinPath("service") == "" {
		return err
	}
	r, err := m.Command(ctx, modules.CommandOptions{}, "service", "--status-all")
	if err != nil {
		return err
	}
	for line := range strings.Lines(r.Stdout + r.Stderr) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "[" || f[2] != "]" {
			continue
		}
		state := "stopped"
		if f[1] == "+" {
			state = "running"
		}
		services[f[3]] = map[string]any{"name": f[3], "state": state, "source": "sysv"}
	}
	return nil
}

// systemdServices adds systemd's service units: the loaded ones with their
// state, the others with whether they are enabled.
func systemdServices(ctx context.Context, m *modules.Run, services map[string]any) error {
	units, err := m.Command(ctx, modules.CommandOptions{}, "systemctl", "list-units", "--no-pager", "--plain", "--no-legend", "--type", "service", "--all")
	if err != nil {
		return err
	}
	for line := range strings.Lines(units.Stdout) {
		f := strings.Fields(strings.TrimLeft(line, "● \t"))
		if len(f) < 4 {
			continue
		}
		state, status := "stopped", f[2]
		if f[3] == "running" {
			state = "running"
		}
		for i, word := range []string{f[1], f[2]} {
			if badStatus[word] && (i == 0) == (word != "failed") {
				status = word
			}
		}
		services[f[0]] = map[string]any{"name": f[0], "state": state, "status": status, "source": "systemd"}
	}
	files, err := m.Command(ctx, modules.CommandOptions{}, "systemctl", "list-unit-files", "--no-pager", "--plain", "--no-legend", "--type", "service", "--all")
	if err != nil {
		return err
	}
	var unseen []string
	for line := range strings.Lines(files.Stdout) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if known, ok := services[f[0]].(map[string]any); ok {
			if s, _ := known["status"].(string); !badStatus[s] {
				known["status"] = f[1]
			}
			continue
		}
		services[f[0]] = map[string]any{"name": f[0], "state": "unknown", "status": f[1], "source": "systemd"}
		if !strings.Contains(f[0], "@.") { // a template has no state
			unseen = append(unseen, f[0])
		}
	}
	return unitStates(ctx, m, services, unseen)
}

// badStatus are the words of list-units that count more than whether a unit is enabled.
var badStatus = map[string]bool{"not-found": true, "masked": true, "failed": true}

// unitStates asks for the states of units that are not loaded: they may be
// other names of units that are.
func unitStates(ctx context.Context, m *modules.Run, services map[string]any, names []string) error {
	if len(names) == 0 {
		return nil
	}
	shown, err := m.Command(ctx, modules.CommandOptions{}, append([]string{"systemctl", "show", "--property=Names,ActiveState", "--"}, names...)...)
	if err != nil {
		return err
	}
	for block := range strings.SplitSeq(shown.Stdout, "\n\n") {
		p := parseProperties(block)
		for name := range strings.FieldsSeq(p["Names"]) {
			if known, ok := services[name].(map[string]any); ok && slices.Contains(names, name) {
				known["state"] = p["ActiveState"]
			}
		}
	}
	return nil
}
