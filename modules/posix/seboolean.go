package posix

import (
	"context"
	"os"
	"strings"

	"gorun/modules"
)

type sebooleanArgs struct {
	IgnoreSelinuxState bool   `arg:"ignore_selinux_state"`
	Name               string `arg:"name"`
	Persistent         bool   `arg:"persistent"`
	State              bool   `arg:"state"`
}

// SEBoolean is ansible.posix.seboolean.
var SEBoolean = modules.Define(modules.Spec{
	Name: "ansible.posix.seboolean",
	Doc:  "Set a boolean of SELinux's policy.",
	Options: []modules.Option{
		{Name: "ignore_selinux_state", Type: modules.Bool, Default: false, Doc: "Go on where SELinux is off; the value is for the next boot."},
		{Name: "name", Required: true, Doc: "The boolean."},
		{Name: "persistent", Type: modules.Bool, Default: false, Doc: "Keep the value over a boot."},
		{Name: "state", Type: modules.Bool, Required: true, Doc: "The value."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *sebooleanArgs) (*modules.Result, error) {
	t := tool{ctx, m}
	_, err := os.Stat(seMount + "/enforce")
	running := err == nil
	if !running && !a.IgnoreSelinuxState {
		return nil, modules.Failf("SELinux is disabled on this host.")
	}
	value := "off"
	if a.State {
		value = "on"
	}
	data := map[string]any{"name": a.Name, "persistent": a.Persistent, "state": a.State}
	changed := false
	if running {
		res, err := t.run("getsebool", a.Name)
		if err != nil {
			return nil, err
		}
		if res.RC != 0 {
			return nil, modules.FailWith(data, "SELinux boolean %s does not exist.", a.Name)
		}
		f := strings.Fields(res.Stdout)
		changed = len(f) < 3 || f[2] != value
	}
	if a.Persistent {
		differs, err := persistentDiffers(t, a.Name, value)
		if err != nil {
			return nil, err
		}
		changed = changed || differs
	}
	if changed {
		args := []string{a.Name, value}
		if a.Persistent {
			args = append([]string{"-P"}, args...)
		}
		if err := t.change("setsebool", args...); err != nil {
			return nil, err
		}
	}
	return &modules.Result{Changed: changed, Data: data}, nil
})

// persistentDiffers asks semanage for the value at boot; without semanage the
// value is set anew.
func persistentDiffers(t tool, name, value string) (bool, error) {
	if t.m.BinPath("semanage") == "" {
		return true, nil
	}
	res, err := t.must("semanage", "boolean", "-l", "-n")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(res.Stdout) {
		// httpd_can_network_connect (off , on) Allow...
		boolean, rest, _ := strings.Cut(line, "(")
		if strings.TrimSpace(boolean) != name {
			continue
		}
		_, rest, _ = strings.Cut(rest, ",")
		boot, _, _ := strings.Cut(rest, ")")
		return strings.TrimSpace(boot) != value, nil
	}
	return true, nil
}
