package posix

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type timezoneArgs struct {
	Hwclock string `arg:"hwclock"`
	Name    string `arg:"name"`
}

const zoneInfo = "/usr/share/zoneinfo"

// Timezone is community.general.timezone.
var Timezone = modules.Define(modules.Spec{
	Name: "community.general.timezone",
	Doc:  "Set the system's time zone, and what the hardware clock shows.",
	Options: []modules.Option{
		{Name: "hwclock", Choices: []string{"local", "UTC"}, Aliases: []string{"rtc"}, Doc: "Whether the hardware clock shows UTC or local time."},
		{Name: "name", Doc: "The time zone, such as Europe/Berlin."},
	},
	Rules: modules.Rules{RequiredOneOf: [][]string{{"hwclock", "name"}}},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *timezoneArgs) (*modules.Result, error) {
	t := tool{ctx, m}
	var messages []string
	before, after := map[string]any{}, map[string]any{}
	if a.Name != "" {
		if info, err := os.Stat(filepath.Join(zoneInfo, a.Name)); err != nil || info.IsDir() || !filepath.IsLocal(a.Name) {
			return nil, modules.Failf("Error message:\ngiven timezone \"%s\" is not available", a.Name)
		}
		now := currentZone()
		if before["name"], after["name"] = now, a.Name; now != a.Name {
			messages = append(messages, executed(t, "set-timezone "+a.Name))
			if err := setZone(t, a.Name); err != nil {
				return nil, err
			}
		}
	}
	if a.Hwclock != "" {
		now := hardwareClock()
		if before["hwclock"], after["hwclock"] = now, a.Hwclock; now != a.Hwclock {
			messages = append(messages, executed(t, "set-local-rtc "+map[string]string{"local": "yes", "UTC": "no"}[a.Hwclock]))
			if err := setHardwareClock(t, a.Hwclock); err != nil {
				return nil, err
			}
		}
	}
	res := &modules.Result{Changed: len(messages) > 0, Diff: []modules.Diff{{Before: before, After: after}}, Data: map[string]any{}}
	if res.Changed && !m.Check && t.systemd() {
		res.Msg = strings.Join(messages, "\n")
	}
	return res, nil
})

// executed words a command of timedatectl as Ansible's message has it.
func executed(t tool, command string) string {
	return "executed `" + t.m.BinPath("timedatectl") + " " + command + "`"
}

// systemd says whether systemd runs the system.
func (t tool) systemd() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil && t.m.BinPath("timedatectl") != ""
}

// currentZone reads the link /etc/localtime, or /etc/timezone.
func currentZone() string {
	if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		if name, ok := strings.CutPrefix(target, zoneInfo+"/"); ok {
			// The data may name the zone by another name for the same.
			if link, err := os.Readlink("/etc/localtime"); err == nil {
				if _, direct, ok := strings.Cut(link, "zoneinfo/"); ok {
					return direct
				}
			}
			return name
		}
	}
	data, err := os.ReadFile("/etc/timezone")
	if err != nil {
		return "n/a"
	}
	return strings.TrimSpace(string(data))
}

func setZone(t tool, name string) error {
	if t.m.Check {
		return nil
	}
	tmp := "/etc/.localtime.gorun"
	os.Remove(tmp) // of a run that was ended
	if err := os.Symlink(filepath.Join(zoneInfo, name), tmp); err != nil {
		return modules.Failf("could not set the time zone: %s", oserr.Text(err))
	}
	if err := os.Rename(tmp, "/etc/localtime"); err != nil {
		os.Remove(tmp)
		return modules.Failf("could not set the time zone: %s", oserr.Text(err))
	}
	if _, err := os.Stat("/etc/timezone"); err == nil || t.m.BinPath("dpkg") != "" {
		return t.m.WriteFile(t.ctx, "/etc/timezone", []byte(name+"\n"), "", false)
	}
	return nil
}

// hardwareClock reads the third line of /etc/adjtime.
func hardwareClock() string {
	data, err := os.ReadFile("/etc/adjtime")
	if err != nil {
		return "UTC"
	}
	if lines := strings.Split(string(data), "\n"); len(lines) > 2 && strings.TrimSpace(lines[2]) == "LOCAL" {
		return "local"
	}
	return "UTC"
}

func setHardwareClock(t tool, mode string) error {
	if t.systemd() {
		return t.change("timedatectl", "set-local-rtc", map[string]string{"local": "yes", "UTC": "no"}[mode])
	}
	if mode == "local" {
		return t.change("hwclock", "--systohc", "--localtime")
	}
	return t.change("hwclock", "--systohc", "--utc")
}
