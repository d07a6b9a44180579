package net

// This file is the nmcli module: profiles of NetworkManager.

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
)

// An nmcliRun is one run of the module.
type nmcliRun struct {
	ctx context.Context
	m   *modules.Run
	a   *nmcliArgs
	bin string
	// kind is the profile's type: the task's, or that of the profile that is there.
	kind    string
	profile nmProfile // nil where there is none
}

func runNMCLI(ctx context.Context, m *modules.Run, a *nmcliArgs) (*modules.Result, error) {
	bin, err := m.RequireBin("nmcli")
	if err != nil {
		return nil, err
	}
	r := &nmcliRun{ctx: ctx, m: m, a: a, bin: bin, kind: a.Type}
	r.hideSecrets()
	if err := r.check(); err != nil {
		return nil, err
	}
	exists, err := r.exists()
	if err != nil {
		return nil, err
	}
	switch a.State {
	case "absent":
		return r.absent(exists)
	case "up", "down":
		return r.activate(exists)
	}
	return r.present(exists)
}

// check refuses what does not go together, before anything is looked at.
func (r *nmcliRun) check() error {
	a := r.a
	if a.SlaveType != "" && a.Master == nil && !strings.HasSuffix(a.Type, "-slave") {
		return modules.Failf("'master' option is required when 'slave_type' is specified.")
	}
	switch a.Type {
	case "team":
		if a.RunnerHwaddrPolicy != "" && a.Runner != "activebackup" {
			return modules.Failf("Runner-hwaddr-policy is only allowed for runner activebackup")
		}
		if a.RunnerFastRate != nil && a.Runner != "lacp" {
			return modules.Failf("runner-fast-rate is only allowed for runner lacp")
		}
	case "wifi":
		return r.checkWifi()
	}
	return nil
}

// nmcli runs nmcli; its exit code is no error.
func (r *nmcliRun) nmcli(words ...string) (modules.CommandResult, error) {
	return r.m.Command(r.ctx, modules.CommandOptions{}, append([]string{r.bin}, words...)...)
}

// ask runs nmcli to learn something.
func (r *nmcliRun) ask(words ...string) (string, error) {
	res, err := r.nmcli(words...)
	if err == nil && res.RC != 0 {
		err = modules.FailWith(map[string]any{"name": r.a.ConnName}, "%s", res.Stderr)
	}
	return res.Stdout, err
}

// do runs nmcli to change something; name is what the failure's key name says.
func (r *nmcliRun) do(name string, words ...string) (modules.CommandResult, error) {
	res, err := r.nmcli(words...)
	if err == nil && res.RC != 0 {
		err = modules.FailWith(map[string]any{"name": name, "rc": res.RC}, "%s", res.Stderr)
	}
	return res, err
}

func (r *nmcliRun) exists() (bool, error) {
	out, err := r.ask("--fields", "name", "--terse", "--escape", "no", "con", "show")
	return slices.Contains(strings.Split(out, "\n"), r.a.ConnName), err
}

// result is the module's answer, with what the last command said.
func (r *nmcliRun) result(changed bool, res modules.CommandResult) *modules.Result {
	data := map[string]any{"conn_name": r.a.ConnName, "state": r.a.State}
	if res.Stdout != "" {
		data["stdout"] = res.Stdout
	}
	if res.Stderr != "" {
		data["stderr"] = res.Stderr
	}
	return &modules.Result{Changed: changed, Data: data}
}

func (r *nmcliRun) absent(exists bool) (*modules.Result, error) {
	if !exists {
		return r.result(false, modules.CommandResult{}), nil
	}
	if r.m.Check {
		return &modules.Result{Changed: true}, nil
	}
	// A connection that is not up cannot be brought down: no failure.
	if _, err := r.nmcli("con", "down", r.a.ConnName); err != nil {
		return nil, err
	}
	res, err := r.do("Error removing connection named "+r.a.ConnName, "con", "del", r.a.ConnName)
	if err != nil {
		return nil, err
	}
	return r.result(true, res), nil
}

var nmActivated = regexp.MustCompile(`(?m)^GENERAL\.STATE:activated\s*$`)

// activate brings the connection up or down.
func (r *nmcliRun) activate(exists bool) (*modules.Result, error) {
	name, up := r.a.ConnName, r.a.State == "up"
	if !exists && up {
		return nil, modules.FailWith(map[string]any{"name": name}, "Connection does not exist")
	}
	if !exists {
		return nil, modules.Failf("Connection %s does not exist", name)
	}
	out, err := r.ask("--terse", "--escape", "no", "--fields", "GENERAL.STATE", "con", "show", name)
	if err != nil {
		return nil, err
	}
	if active := nmActivated.MatchString(out); active == up && !r.a.ConnReload {
		res := r.result(false, modules.CommandResult{})
		res.Msg = "Connection " + name + " is already " + map[bool]string{true: "active", false: "inactive"}[up]
		return res, nil
	}
	if r.m.Check {
		return r.result(true, modules.CommandResult{}), nil
	}
	if err := r.reload(); err != nil {
		return nil, err
	}
	res, err := r.nmcli("con", r.a.State, name)
	if err != nil {
		return nil, err
	}
	if data := map[string]any{"rc": res.RC}; res.RC != 0 && up {
		return nil, modules.FailWith(data, "Error bringing up connection named %s: %s", name, res.Stderr)
	} else if res.RC != 0 {
		data["name"] = "Error bringing down connection named " + name
		return nil, modules.FailWith(data, "%s", res.Stderr)
	}
	return r.result(true, res), nil
}

// reload has NetworkManager read its files again, where the task asks for it.
func (r *nmcliRun) reload() error {
	if !r.a.ConnReload {
		return nil
	}
	res, err := r.nmcli("con", "reload")
	if err != nil || res.RC == 0 {
		return err
	}
	name, data, msg := r.a.ConnName, map[string]any{"rc": res.RC}, res.Stderr
	switch r.a.State {
	case "up":
		msg = "Error reloading connection named " + name + ": " + msg
	case "down":
		data["name"] = "Error reloading connection " + name
	default:
		data["name"] = name
	}
	return modules.FailWith(data, "%s", msg)
}

func (r *nmcliRun) present(exists bool) (*modules.Result, error) {
	if exists {
		out, err := r.ask("--show-secrets", "con", "show", r.a.ConnName)
		if err != nil {
			return nil, err
		}
		r.profile = parseProfile(out)
		if kind, ok := r.profile["connection.type"].(string); ok && r.kind == "" {
			r.kind = kind
		}
	}
	settings, err := r.settings()
	if err != nil {
		return nil, err
	}
	if exists {
		return r.modify(settings)
	}
	return r.add(settings)
}

// arguments are the settings as arguments of nmcli.
func arguments(settings []nmSetting) []string {
	var out []string
	for i := range settings {
		s := &settings[i]
		switch {
		case s.value == nil || s.secret:
		case s.bond:
			out = append(out, "+bond.options", s.key+"="+s.text())
		default:
			out = append(out, s.key, s.text())
		}
	}
	return out
}

func (r *nmcliRun) add(settings []nmSetting) (*modules.Result, error) {
	told := "Connection " + r.a.ConnName + " of Type " + orNone(r.a.Type) + " is being added"
	if r.m.Check {
		out := r.result(true, modules.CommandResult{})
		out.Data["Connection"] = told
		return out, nil
	}
	kind := r.kind
	switch kind {
	case "gre", "ipip", "sit":
		kind = "ip-tunnel"
	}
	secrets := secretLines(settings)
	held := r.holdBack(settings, secrets)
	res, err := r.do(r.a.ConnName, slices.Concat([]string{"con", "add", "type", orNone(kind), "con-name", r.a.ConnName}, arguments(settings))...)
	if err != nil {
		return nil, err
	}
	if len(secrets) > 0 {
		if res, err = r.edit(secrets, res); err != nil {
			return nil, err
		}
	}
	if held {
		if _, err := r.do(r.a.ConnName, "con", "modify", r.a.ConnName, "connection.autoconnect", "yes"); err != nil {
			return nil, err
		}
	}
	if r.comesUp() {
		if res, err = r.do(r.a.ConnName, "con", "up", r.a.ConnName); err != nil {
			return nil, err
		}
	}
	out := r.result(true, res)
	out.Data["Connection"] = told
	return out, nil
}

// comesUp reports whether a new connection is brought up at once: where it
// has name servers or an MTU, which take effect then.
func (r *nmcliRun) comesUp() bool {
	a := r.a
	dns := a.DNS4 != nil || a.DNS6 != nil
	return nmFamilies[r.kind].up && (dns || a.Mtu != nil && r.kind != "team")
}

// holdBack keeps a new connection whose secrets are yet to come from coming up
// without them, and reports whether it did. What has a psk is asked for it.
func (r *nmcliRun) holdBack(settings []nmSetting, secrets []string) bool {
	if len(secrets) == 0 || r.kind == "wifi" || !r.a.Autoconnect {
		return false
	}
	i := slices.IndexFunc(settings, func(s nmSetting) bool { return s.key == "connection.autoconnect" })
	settings[i].value = false
	return true
}

// orNone is s, or what Python shows where there is nothing.
func orNone(s string) string {
	if s == "" {
		return "None"
	}
	return s
}

func (r *nmcliRun) modify(settings []nmSetting) (*modules.Result, error) {
	changed, diff := r.compare(settings)
	told := "Connections already exist and no changes made"
	if changed {
		told = "Connections do exist so we are modifying them"
	}
	var res modules.CommandResult
	if changed && !r.m.Check {
		var err error
		if res, err = r.write(settings); err != nil {
			return nil, err
		}
	}
	out := r.result(changed, res)
	out.Data["Exists"] = told
	out.Diff = []modules.Diff{diff}
	return out, nil
}

// write changes the profile that is there. A failure of it is told, also where
// the files are read again after it, which Ansible lets hide it.
func (r *nmcliRun) write(settings []nmSetting) (modules.CommandResult, error) {
	if i := r.mtuIndex(settings); i >= 0 && settings[i].value == nil && r.profile[settings[i].key] != nil {
		settings[i].value = 0
	}
	res, err := r.do(r.a.ConnName, slices.Concat([]string{"con", "modify", r.a.ConnName}, arguments(settings))...)
	if err != nil {
		return res, err
	}
	if secrets := secretLines(settings); len(secrets) > 0 {
		if res, err = r.edit(secrets, res); err != nil {
			return res, err
		}
	}
	return res, r.reload()
}

func (r *nmcliRun) mtuIndex(settings []nmSetting) int {
	return slices.IndexFunc(settings, func(s nmSetting) bool { return s.key == r.mtuKey() })
}

// compare says whether the profile differs from the settings, and how.
func (r *nmcliRun) compare(settings []nmSetting) (bool, modules.Diff) {
	before, after := map[string]any{}, map[string]any{}
	changed := false
	for i := range settings {
		s := settings[i]
		have := r.profile[s.shownKey()]
		if s.value == nil && s.key == r.mtuKey() {
			// What the task does not say is the device's own; these types may have no such property at all.
			if have == nil && slices.Contains([]string{"bond", "dummy", "bond-slave"}, r.kind) {
				before[s.key], after[s.key] = nil, nil
				continue
			}
			s.value = 0
		}
		want, ok := r.profile.wanted(&s)
		if !ok {
			continue
		}
		before[s.key], after[s.key] = hidden(s.key, have), want
		changed = changed || !r.profile.same(&s, have, want)
	}
	return changed, modules.Diff{Before: before, After: after}
}
