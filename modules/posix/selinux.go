package posix

import (
	"context"
	"os"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

// seMount is where the kernel shows SELinux.
const seMount = "/sys/fs/selinux"

type selinuxArgs struct {
	Configfile        string `arg:"configfile"`
	Policy            string `arg:"policy"`
	State             string `arg:"state"`
	UpdateKernelParam bool   `arg:"update_kernel_param"`
}

// SELinux is ansible.posix.selinux.
var SELinux = modules.Define(modules.Spec{
	Name: "ansible.posix.selinux",
	Doc:  "Set SELinux's mode and policy, in its configuration and in the running kernel.",
	Options: []modules.Option{
		{Name: "configfile", Default: "/etc/selinux/config", Aliases: []string{"conf", "file"}, Doc: "The configuration file."},
		{Name: "policy", Doc: "The name of the policy, such as targeted; needed unless state is disabled."},
		{Name: "state", Required: true, Choices: []string{"disabled", "enforcing", "permissive"}, Doc: "The mode."},
		{Name: "update_kernel_param", Type: modules.Bool, Default: false, Doc: "Set selinux=0 or 1 on the kernel's command line too, by grubby."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{
		{Key: "state", Value: "enforcing", Need: []string{"policy"}}, {Key: "state", Value: "permissive", Need: []string{"policy"}}}},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *selinuxArgs) (*modules.Result, error) {
	data, err := os.ReadFile(a.Configfile)
	if err != nil {
		return nil, modules.Failf("Unable to find file %s: please install SELinux-policy package, if this package is not installed previously: %s",
			a.Configfile, oserr.Text(err))
	}
	t := tool{ctx, m}
	after := setConfig(string(data), "SELINUX", a.State)
	if a.Policy != "" {
		after = setConfig(after, "SELINUXTYPE", a.Policy)
	}
	msgs, reboot, err := seRuntime(t, a)
	if err != nil {
		return nil, err
	}
	changed := len(msgs) > 0
	res := &modules.Result{}
	if after != string(data) {
		changed = true
		msgs = append(msgs, "Config SELinux state changed to '"+a.State+"'")
		res.Diff = []modules.Diff{{Before: string(data), After: after, BeforeHeader: a.Configfile, AfterHeader: a.Configfile}}
		if !m.Check {
			if err := m.WriteFile(ctx, a.Configfile, []byte(after), "", false); err != nil {
				return nil, err
			}
		}
	}
	if a.UpdateKernelParam {
		did, err := seKernelParam(t, a.State)
		if err != nil {
			return nil, err
		}
		changed = changed || did
	}
	res.Changed, res.Msg = changed, strings.Join(msgs, ", ")
	res.Data = map[string]any{"configfile": a.Configfile, "policy": a.Policy, "state": a.State, "reboot_required": reboot}
	return res, nil
})

// seRuntime brings the running kernel to the state, as far as it can be.
func seRuntime(t tool, a *selinuxArgs) (msgs []string, reboot bool, err error) {
	now, err := os.ReadFile(seMount + "/enforce")
	if err != nil {
		// SELinux is off: only a boot turns it on.
		return nil, a.State != "disabled", nil
	}
	mode := "permissive"
	if strings.TrimSpace(string(now)) == "1" {
		mode = "enforcing"
	}
	want := a.State
	if a.State == "disabled" {
		want, reboot = "permissive", true
	}
	if mode == want {
		return nil, reboot, nil
	}
	value := "0"
	if want == "enforcing" {
		value = "1"
	}
	return []string{"SELinux state changed from '" + mode + "' to '" + want + "'"}, reboot, t.change("setenforce", value)
}

// setConfig sets KEY=value in a shell-like file, adding the line where it is missing.
func setConfig(text, key, value string) string {
	var b strings.Builder
	found := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), key+"=") {
			line = key + "=" + value + "\n"
			found = true
		}
		b.WriteString(line)
	}
	if !found {
		if out := b.String(); out != "" && !strings.HasSuffix(out, "\n") {
			b.WriteString("\n")
		}
		b.WriteString(key + "=" + value + "\n")
	}
	return b.String()
}

func seKernelParam(t tool, state string) (bool, error) {
	res, err := t.must("grubby", "--info=DEFAULT")
	if err != nil {
		return false, err
	}
	off := strings.Contains(res.Stdout, "selinux=0")
	switch {
	case state == "disabled" && !off:
		return true, t.change("grubby", "--update-kernel=ALL", "--args", "selinux=0")
	case state != "disabled" && off:
		return true, t.change("grubby", "--update-kernel=ALL", "--remove-args", "selinux")
	}
	return false, nil
}
