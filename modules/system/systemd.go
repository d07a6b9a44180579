package system

// This file is the systemd module.

import (
	"context"
	"fmt"
	"os"
	"strings"

	"gorun/modules"
)

type systemdArgs struct {
	Name         string `arg:"name"`
	State        string `arg:"state"`
	Enabled      *bool  `arg:"enabled"`
	Force        bool   `arg:"force"`
	Masked       *bool  `arg:"masked"`
	DaemonReload bool   `arg:"daemon_reload"`
	DaemonReexec bool   `arg:"daemon_reexec"`
	Scope        string `arg:"scope"`
	NoBlock      bool   `arg:"no_block"`
}

var systemdSpec = modules.Spec{
	Name: "ansible.builtin.systemd_service",
	Doc:  "Starts, stops, enables and masks systemd's units.",
	Options: []modules.Option{
		{Name: "name", Aliases: []string{"service", "unit"}, Doc: "The unit, .service where it has no suffix."},
		{Name: "state", Choices: []string{"reloaded", "restarted", "started", "stopped"}, Doc: "What the unit is to be; restarted and reloaded always act."},
		{Name: "enabled", Type: modules.Bool, Doc: "Whether it starts at boot."},
		{Name: "force", Type: modules.Bool, Doc: "Overwrite links that are in the way."},
		{Name: "masked", Type: modules.Bool, Doc: "Whether the unit cannot be started at all."},
		{Name: "daemon_reload", Type: modules.Bool, Default: false, Aliases: []string{"daemon-reload"}, Doc: "Let systemd read its unit files again first."},
		{Name: "daemon_reexec", Type: modules.Bool, Default: false, Aliases: []string{"daemon-reexec"}, Doc: "Let systemd execute itself again first."},
		{Name: "scope", Default: "system", Choices: []string{"system", "user", "global"}, Doc: "Whose units: the system's, the user's, or those of all users."},
		{Name: "no_block", Type: modules.Bool, Default: false, Doc: "Do not wait for the unit to be up or down."},
	},
	Rules: modules.Rules{
		RequiredOneOf: [][]string{{"state", "enabled", "masked", "daemon_reload", "daemon_reexec"}},
		RequiredBy:    map[string][]string{"state": {"name"}, "enabled": {"name"}, "masked": {"name"}},
	},
	Diff: modules.NoSupport,
}

// SystemdService is ansible.builtin.systemd_service, once called systemd
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/systemd_service_module.html).
var SystemdService = modules.Define(systemdSpec, runSystemd)

// A unit is one run of the module on a unit.
type unit struct {
	*modules.Run
	*systemdArgs
	status map[string]any
	env    map[string]string
	// missing says that neither systemd nor an init script knows the unit; a
	// unit may be masked before it is installed, all else fails then.
	missing bool
}

// systemctl runs systemctl for the scope that is asked for.
func (u *unit) systemctl(ctx context.Context, words ...string) (modules.CommandResult, error) {
	argv := []string{"systemctl"}
	if u.Scope != "system" && u.Scope != "" {
		argv = append(argv, "--"+u.Scope)
	}
	if u.NoBlock {
		argv = append(argv, "--no-block")
	}
	if u.Force {
		argv = append(argv, "--force")
	}
	return u.Command(ctx, modules.CommandOptions{Env: u.env}, append(argv, words...)...)
}

func runSystemd(ctx context.Context, m *modules.Run, a *systemdArgs) (*modules.Result, error) {
	u := &unit{Run: m, systemdArgs: a, status: map[string]any{}, env: map[string]string{}}
	if _, err := m.RequireBin("systemctl"); err != nil {
		return nil, err
	}
	if i := strings.IndexAny(a.Name, "*?["); i >= 0 {
		return nil, modules.Failf("This module does not currently support using glob patterns, found '%c' in service name: %s", a.Name[i], a.Name)
	}
	if os.Getenv("XDG_RUNTIME_DIR") == "" && m.Env["XDG_RUNTIME_DIR"] == "" {
		u.env["XDG_RUNTIME_DIR"] = fmt.Sprintf("/run/user/%d", os.Geteuid())
	}
	for _, d := range []struct {
		on   bool
		word string
	}{{a.DaemonReload, "daemon-reload"}, {a.DaemonReexec, "daemon-reexec"}} {
		if !d.on || m.Check {
			continue
		}
		r, err := u.systemctl(ctx, d.word)
		if err != nil {
			return nil, err
		}
		if r.RC != 0 {
			return nil, modules.Failf("failure %d during %s: %s", r.RC, d.word, r.Stdout+r.Stderr)
		}
	}
	res := &modules.Result{Data: map[string]any{"name": orNil(a.Name), "status": u.status}}
	if a.Name == "" {
		return res, nil
	}
	if err := u.show(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context, *modules.Result) error{u.mask, u.enable, u.run} {
		if err := step(ctx, res); err != nil {
			return nil, err
		}
	}
	return res, nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// show reads the unit's properties, and fails where there is no such unit.
func (u *unit) show(ctx context.Context) error {
	r, err := u.systemctl(ctx, "show", u.systemdArgs.Name)
	if err != nil {
		return err
	}
	if r.RC != 0 {
		return u.showless(ctx)
	}
	for k, v := range parseProperties(r.Stdout) {
		u.status[k] = v
	}
	switch load := u.status["LoadState"]; {
	case load == "not-found":
		if u.missing = findInitService(u.Run, u.systemdArgs.Name) == nil || u.Scope != "system"; !u.missing {
			u.Warn("The service (%s) is actually an init script but the system is managed by systemd", u.systemdArgs.Name)
		}
	case load != "masked" && u.status["LoadError"] != nil:
		return modules.Failf("Error loading unit file '%s': %v", u.systemdArgs.Name, u.status["LoadError"])
	}
	return nil
}

// enabledWords are what systemctl is-enabled says of units that there are.
var enabledWords = map[string]bool{"enabled": true, "enabled-runtime": true, "linked": true, "linked-runtime": true, "masked": true,
	"masked-runtime": true, "static": true, "indirect": true, "disabled": true, "generated": true, "transient": true}

// showless settles whether there is a unit of which systemd shows nothing: a
// template, or one that no running manager has, as with the scope "global".
func (u *unit) showless(ctx context.Context) error {
	r, err := u.systemctl(ctx, "is-enabled", "--", u.systemdArgs.Name)
	if err != nil || enabledWords[strings.TrimSpace(r.Stdout)] {
		return err
	}
	if r, err = u.systemctl(ctx, "list-unit-files", "--", u.systemdArgs.Name); err != nil || r.RC == 0 {
		return err
	}
	if r, err = u.systemctl(ctx); err != nil {
		return err
	}
	if r.RC != 0 {
		cmd := u.BinPath("systemctl")
		if u.Scope != "system" {
			cmd += " --" + u.Scope
		}
		return modules.FailWith(map[string]any{"rc": r.RC, "cmd": cmd, "stdout": r.Stdout, "stderr": r.Stderr},
			"%s", strings.TrimSpace(r.Stderr))
	}
	u.missing = findInitService(u.Run, u.systemdArgs.Name) == nil || u.Scope != "system"
	return nil
}

// found fails for a unit that nobody knows.
func (u *unit) found() error {
	if u.missing {
		return modules.Failf("Could not find the requested service %s: host", u.systemdArgs.Name)
	}
	return nil
}

// parseProperties reads systemctl show: name=value lines, where a value that
// begins with { may go on over several lines.
func parseProperties(out string) map[string]string {
	props := map[string]string{}
	key, value := "", []string{}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if key != "" {
			value = append(value, line)
			if strings.HasSuffix(strings.TrimRight(line, " "), "}") {
				props[key] = strings.Join(value, "\n")
				key = ""
			}
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		if strings.HasPrefix(k, "Exec") && strings.HasPrefix(strings.TrimLeft(v, " "), "{") && !strings.HasSuffix(strings.TrimRight(v, " "), "}") {
			key, value = k, []string{v}
			continue
		}
		props[k] = v
	}
	return props
}

// mask masks the unit or takes the mask away.
func (u *unit) mask(ctx context.Context, res *modules.Result) error {
	if u.Masked == nil {
		return nil
	}
	r, err := u.systemctl(ctx, "is-enabled", u.systemdArgs.Name)
	if err != nil {
		return err
	}
	if (strings.TrimSpace(r.Stdout) == "masked") == *u.Masked {
		return nil
	}
	res.Changed = true
	if u.Check {
		return nil
	}
	word := map[bool]string{true: "mask", false: "unmask"}[*u.Masked]
	r, err = u.systemctl(ctx, word, u.systemdArgs.Name)
	if err != nil || r.RC == 0 {
		return err
	}
	if err := u.found(); err != nil {
		return err
	}
	return modules.Failf("Failed to %s the service (%s): %s", word, u.systemdArgs.Name, strings.TrimSpace(r.Stderr))
}

// change runs a verb on the unit, but not in check mode.
func (u *unit) change(ctx context.Context, verb string) error {
	if u.Check {
		return nil
	}
	r, err := u.systemctl(ctx, verb, u.systemdArgs.Name)
	if err != nil {
		return err
	}
	if r.RC != 0 {
		return modules.Failf("Unable to %s service %s: %s", verb, u.systemdArgs.Name, r.Stdout+r.Stderr)
	}
	return nil
}

func (u *unit) enable(ctx context.Context, res *modules.Result) error {
	if u.Enabled == nil {
		return nil
	}
	if err := u.found(); err != nil {
		return err
	}
	res.Data["enabled"] = *u.Enabled
	on, err := u.isEnabled(ctx)
	if err != nil {
		return err
	}
	if on == *u.Enabled {
		return nil
	}
	res.Changed = true
	return u.change(ctx, map[bool]string{true: "enable", false: "disable"}[*u.Enabled])
}

func (u *unit) isEnabled(ctx context.Context) (bool, error) {
	r, err := u.systemctl(ctx, "is-enabled", u.systemdArgs.Name, "-l")
	if err != nil {
		return false, err
	}
	word := strings.TrimSpace(r.Stdout)
	if r.RC == 0 {
		// These are enabled by something else, not by themselves; where the links
		// are told besides, as of an alias that is in place, nothing is to be done.
		return word != "indirect" && word != "alias" && word != "enabled-runtime", nil
	}
	if u.Scope == "system" && u.status["LoadState"] != "masked" {
		if s := findInitService(u.Run, u.systemdArgs.Name); s != nil && !strings.HasSuffix(fmt.Sprint(u.status["FragmentPath"]), ".service") {
			return s.enabled(ctx, nil)
		}
	}
	return false, nil
}

// run starts and stops.
func (u *unit) run(ctx context.Context, res *modules.Result) error {
	if u.State == "" {
		return nil
	}
	if err := u.found(); err != nil {
		return err
	}
	res.Data["state"] = u.State
	active := fmt.Sprint(u.status["ActiveState"])
	if u.status["ActiveState"] == nil {
		return modules.FailWith(map[string]any{"status": u.status}, "Service is in unknown state")
	}
	up := active == "active" || active == "activating"
	verb := ""
	switch u.State {
	case "started":
		if !up {
			verb = "start"
		}
	case "stopped":
		if up || active == "deactivating" {
			verb = "stop"
		}
	default:
		verb = strings.TrimSuffix(u.State, "ed")
		if !up {
			verb = "start"
		}
		res.Data["state"] = "started"
	}
	if verb == "" {
		return nil
	}
	res.Changed = true
	return u.change(ctx, verb)
}
