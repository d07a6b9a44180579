package net

// This file keeps secrets of profiles out of arguments and results, and asks
// nmcli's editor which settings of a wireless network there are.

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
)

// hideSecrets has the secrets of dicts that are no_log in part hidden in results.
func (r *nmcliRun) hideSecrets() {
	for _, v := range []any{r.a.Gsm["password"], r.a.Gsm["pin"], r.a.Wireguard["private-key"]} {
		r.hide(v)
	}
	for name, v := range r.a.Vpn {
		if vpnSecret(name) {
			r.hide(v)
		}
	}
}

func (r *nmcliRun) hide(v any) {
	if s := modules.PyStr(v); v != nil && s != "" && s != "<hidden>" {
		r.m.Secrets = append(r.m.Secrets, s)
	}
}

// nmSecret is a property that nmcli shows with --show-secrets alone.
var nmSecret = regexp.MustCompile(`^(802-11-wireless-security\.(psk|wep-key\d|leap-password)|gsm\.(password|pin)|wireguard\.private-key)$`)

// hidden is what a diff shows of a property's value before: the secrets of a
// profile are nowhere among the task's own, which are hidden by themselves.
func hidden(key string, value any) any {
	const mark = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
	pairs, isList := value.([]string)
	switch {
	case value != nil && value != "<hidden>" && nmSecret.MatchString(key):
		return mark
	case key != "vpn.data" || !isList:
		return value
	}
	pairs = slices.Clone(pairs)
	for i, pair := range pairs {
		if name, _, _ := strings.Cut(pair, "="); vpnSecret(name) {
			pairs[i] = name + "=" + mark
		}
	}
	return pairs
}

// secretLines are the commands for nmcli's editor that set the secrets.
func secretLines(settings []nmSetting) []string {
	var out []string
	for i := range settings {
		if s := &settings[i]; s.secret && s.value != nil {
			out = append(out, "set "+s.key+" "+s.text())
		}
	}
	return out
}

// edit changes the profile by nmcli's editor, which reads its commands from
// standard input and tells by words alone that one failed. What it says is the
// task's result where Ansible uses it too; else that of the command before, last, is.
func (r *nmcliRun) edit(commands []string, last modules.CommandResult) (modules.CommandResult, error) {
	for _, c := range commands {
		if strings.ContainsAny(c, "\n\r") {
			name := strings.Fields(c)[1]
			return last, modules.FailWith(map[string]any{"name": r.a.ConnName}, "the value of %s must be one line", name)
		}
	}
	script := strings.Join(commands, "\n") + "\nsave\nquit"
	if r.kind != "wifi" {
		script += "\nyes" // after a VPN's data the editor asks whether to quit, saved as they are
	}
	res, err := r.m.Command(r.ctx, modules.CommandOptions{Stdin: strings.NewReader(script)}, r.bin, "con", "edit", r.a.ConnName)
	if err != nil {
		return res, err
	}
	told := res.Stderr
	if f := nmEditError.FindString(res.Stdout); f != "" {
		told = f + "\n"
	}
	if res.RC != 0 || strings.HasPrefix(told, "Error: ") {
		return res, modules.FailWith(map[string]any{"name": r.a.ConnName, "rc": res.RC}, "%s", told)
	}
	if r.kind == "wifi" {
		return res, nil
	}
	return last, nil
}

var nmEditError = regexp.MustCompile(`(?m)^Error: .*$`)

// checkWifi refuses members of wifi and wifi_sec that NetworkManager does not
// know, or takes them out with a warning where the task has it so.
func (r *nmcliRun) checkWifi() error {
	a := r.a
	a.Wifi, a.WifiSec = maps.Clone(a.Wifi), maps.Clone(a.WifiSec) // the task's own are told in its result
	if _, ok := a.Wifi["ssid"]; ok {
		r.m.Warn("Ignoring option 'wifi.ssid', it must be specified with option 'ssid'")
	}
	if err := r.supported("wifi", a.Wifi, "802-11-wireless", ""); err != nil {
		return err
	}
	// The editor prints this setting only where one of its properties is set.
	return r.supported("wifi_sec", a.WifiSec, "802-11-wireless-security", "set 802-11-wireless-security.psk FAKEVALUE\n")
}

func (r *nmcliRun) supported(option string, dict map[string]any, setting, first string) error {
	if len(dict) == 0 {
		return nil
	}
	script := first + "print " + setting + "\nquit\nyes"
	res, err := r.m.Command(r.ctx, modules.CommandOptions{Stdin: strings.NewReader(script)}, r.bin, "con", "edit", "type", "wifi")
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return modules.FailWith(map[string]any{"name": r.a.ConnName}, "%s", res.Stderr)
	}
	known := parseProfile(res.Stdout)
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(dict)) {
		if _, ok := known[setting+"."+name]; !ok {
			unknown = append(unknown, `"`+option+"."+name+`"`)
			if r.a.IgnoreUnsupported {
				delete(dict, name)
			}
		}
	}
	if unknown == nil {
		return nil
	}
	msg := "Invalid or unsupported option(s): " + strings.Join(unknown, ", ")
	if !r.a.IgnoreUnsupported {
		return modules.Failf("%s", msg)
	}
	r.m.Warn("%s", msg)
	return nil
}
