package posix

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
)

type modprobeArgs struct {
	Name       string `arg:"name"`
	Params     string `arg:"params"`
	Persistent string `arg:"persistent"`
	State      string `arg:"state"`
}

// Modprobe is community.general.modprobe.
var Modprobe = modules.Define(modules.Spec{
	Name: "community.general.modprobe",
	Doc:  "Load and unload kernel modules, and keep that over a boot.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The module."},
		{Name: "params", Default: "", Doc: "Its parameters."},
		{Name: "persistent", Default: "disabled", Choices: []string{"disabled", "absent", "present"}, Doc: "Keep it in /etc/modules-load.d and modprobe.d (present), take it out (absent), or leave these alone."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the module is to be loaded."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *modprobeArgs) (*modules.Result, error) {
	t := tool{ctx, m}
	data := map[string]any{"name": a.Name, "params": a.Params, "state": a.State}
	loaded := moduleLoaded(t, a.Name)
	changed := false
	switch {
	case a.State == "present" && !loaded:
		changed = true
		if err := t.modprobe(data, append([]string{a.Name}, strings.Fields(a.Params)...)...); err != nil {
			return nil, err
		}
	case a.State == "absent" && loaded:
		changed = true
		if err := t.modprobe(data, "-r", a.Name); err != nil {
			return nil, err
		}
	}
	if a.Persistent == "present" || a.Persistent == "absent" {
		did, err := persistModule(t, a)
		if err != nil {
			return nil, err
		}
		changed = changed || did
	}
	return &modules.Result{Changed: changed, Data: data}, nil
})

// modprobe runs modprobe; a failure has the result's data too.
func (t tool) modprobe(data map[string]any, args ...string) error {
	if t.m.Check {
		return nil
	}
	res, err := t.run("modprobe", args...)
	if err == nil && res.RC != 0 {
		failure := maps.Clone(data)
		failure["rc"], failure["stdout"], failure["stderr"] = res.RC, res.Stdout, res.Stderr
		err = modules.FailWith(failure, "%s", res.Stderr)
	}
	return err
}

// moduleLoaded looks at the list of loaded modules, and of those built in.
func moduleLoaded(t tool, name string) bool {
	plain := strings.ReplaceAll(name, "-", "_")
	if data, err := os.ReadFile("/proc/modules"); err == nil {
		for line := range strings.Lines(string(data)) {
			if word, _, _ := strings.Cut(line, " "); word == plain {
				return true
			}
		}
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return false
	}
	data, err := os.ReadFile(filepath.Join("/lib/modules", strings.TrimSpace(string(release)), "modules.builtin"))
	return err == nil && strings.Contains(strings.ReplaceAll(string(data), "-", "_"), "/"+plain+".ko")
}

// persistModule keeps or removes the files that systemd and modprobe read.
func persistModule(t tool, a *modprobeArgs) (bool, error) {
	changed := false
	one := func(dir, text string, match func(line string) bool) error {
		path := filepath.Join(dir, a.Name+".conf")
		if a.Persistent == "present" {
			if have, err := os.ReadFile(path); err == nil && string(have) == text {
				return nil
			}
			changed = true
			if t.m.Check {
				return nil
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			return t.m.WriteFile(t.ctx, path, []byte(text), "", false)
		}
		return dropLines(t, dir, match, &changed)
	}
	if err := one("/etc/modules-load.d", a.Name+"\n", func(l string) bool { return l == a.Name }); err != nil {
		return changed, err
	}
	if a.Params == "" && a.Persistent == "present" {
		return changed, nil
	}
	err := one("/etc/modprobe.d", "options "+a.Name+" "+a.Params+"\n", func(l string) bool {
		f := strings.Fields(l)
		return len(f) > 1 && f[0] == "options" && f[1] == a.Name
	})
	return changed, err
}

// dropLines comments matching lines out in all files of a folder.
func dropLines(t tool, dir string, match func(string) bool, changed *bool) error {
	files, _ := filepath.Glob(filepath.Join(dir, "*.conf"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		var b strings.Builder
		for line := range strings.Lines(string(data)) {
			if match(strings.TrimSpace(line)) {
				b.WriteString("#")
			}
			b.WriteString(line)
		}
		if b.String() == string(data) {
			continue
		}
		*changed = true
		if !t.m.Check {
			if err := t.m.WriteFile(t.ctx, f, []byte(b.String()), "", false); err != nil {
				return err
			}
		}
	}
	return nil
}
