// Package posix holds the modules of ansible.posix, and what else sets up a
// Unix system by its files and tools.
package posix

import (
	"context"
	"errors"
	"os"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type sysctlArgs struct {
	Ignoreerrors bool   `arg:"ignoreerrors"`
	Name         string `arg:"name"`
	Reload       bool   `arg:"reload"`
	State        string `arg:"state"`
	SysctlFile   string `arg:"sysctl_file"`
	SysctlSet    bool   `arg:"sysctl_set"`
	Value        string `arg:"value"`
}

// Sysctl is ansible.posix.sysctl.
var Sysctl = modules.Define(modules.Spec{
	Name: "ansible.posix.sysctl",
	Doc:  "Keep a kernel parameter in sysctl's file, and set it in the running kernel.",
	Options: []modules.Option{
		{Name: "ignoreerrors", Type: modules.Bool, Default: false, Doc: "Go on where the kernel does not know a parameter."},
		{Name: "name", Required: true, Aliases: []string{"key"}, Doc: "The parameter, with dots or slashes."},
		{Name: "reload", Type: modules.Bool, Default: true, Doc: "Load the file where it changed."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the parameter is to be in the file."},
		{Name: "sysctl_file", Type: modules.Path, Default: "/etc/sysctl.conf", Doc: "The file."},
		{Name: "sysctl_set", Type: modules.Bool, Default: false, Doc: "Compare with the running kernel too, and set the value there."},
		{Name: "value", Aliases: []string{"val"}, Doc: "The value."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "state", Value: "present", Need: []string{"value"}}}},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *sysctlArgs) (*modules.Result, error) {
	if strings.TrimSpace(a.Name) == "" {
		return nil, modules.Failf("name cannot be blank")
	}
	if a.State == "present" && a.Value == "" {
		return nil, modules.Failf("value cannot be blank")
	}
	s := &sysctlRun{m: m, a: a, value: sysctlValue(a.Value)}
	return s.run(ctx)
})

type sysctlRun struct {
	m     *modules.Run
	a     *sysctlArgs
	value string
}

// sysctlValue words a value as the kernel does: 1 for yes, no blank lines.
func sysctlValue(v string) string {
	v = strings.TrimSpace(v)
	switch strings.ToLower(v) {
	case "yes", "y", "on", "true", "t":
		return "1"
	case "no", "n", "off", "false", "f":
		return "0"
	}
	return v
}

// sameValue compares values that may have tabs for spaces.
func sameValue(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

func (s *sysctlRun) run(ctx context.Context) (*modules.Result, error) {
	a := s.a
	data, err := os.ReadFile(a.SysctlFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, modules.Failf("Failed to open %s: %s", a.SysctlFile, oserr.Text(err))
	}
	text, inFile, had := editSysctl(string(data), a.Name, s.value, a.State == "present")
	writeFile := a.State == "absent" && had || a.State == "present" && (!had || !sameValue(inFile, s.value))
	// With reload a kernel that has another value than the file is made to read it.
	differs := false
	if a.State == "present" && (a.SysctlSet || a.Reload && !writeFile) {
		if differs, err = s.kernelDiffers(ctx); err != nil {
			return nil, err
		}
	}
	setKernel := differs && a.SysctlSet
	res := &modules.Result{Changed: writeFile || differs, Data: map[string]any{}}
	if writeFile && s.m.Diff {
		res.Diff = []modules.Diff{{Before: string(data), After: text, BeforeHeader: a.SysctlFile, AfterHeader: a.SysctlFile}}
	}
	if s.m.Check {
		return res, nil
	}
	if setKernel {
		if err := s.set(ctx); err != nil {
			return nil, err
		}
	}
	if writeFile {
		if err := s.m.WriteFile(ctx, a.SysctlFile, []byte(text), "", false); err != nil {
			return nil, err
		}
	}
	if res.Changed && a.Reload {
		if err := s.reload(ctx); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// kernelDiffers says whether the running kernel has another value.
func (s *sysctlRun) kernelDiffers(ctx context.Context) (bool, error) {
	bin, err := s.m.RequireBin("sysctl")
	if err != nil {
		return false, err
	}
	res, err := s.m.Command(ctx, modules.CommandOptions{}, bin, "-e", "-n", s.a.Name)
	if err != nil {
		return false, err
	}
	return res.RC != 0 || !sameValue(sysctlValue(res.Stdout), s.value), nil
}

func (s *sysctlRun) set(ctx context.Context) error {
	bin, err := s.m.RequireBin("sysctl")
	if err != nil {
		return err
	}
	args := []string{bin}
	if s.a.Ignoreerrors {
		args = append(args, "-e")
	}
	res, err := s.m.Command(ctx, modules.CommandOptions{}, append(args, "-w", s.a.Name+"="+s.value)...)
	if err != nil {
		return err
	}
	// sysctl of some systems says what went wrong and ends with 0.
	if res.RC != 0 || strings.Contains(res.Stderr, "Invalid argument") || strings.Contains(res.Stderr, "Read-only file system") {
		return modules.Failf("setting %s failed: %s", s.a.Name, res.Stdout+res.Stderr)
	}
	return nil
}

func (s *sysctlRun) reload(ctx context.Context) error {
	bin, err := s.m.RequireBin("sysctl")
	if err != nil {
		return err
	}
	args := []string{bin}
	if s.a.Ignoreerrors {
		args = append(args, "-e")
	}
	res, err := s.m.Command(ctx, modules.CommandOptions{}, append(args, "-p", s.a.SysctlFile)...)
	if err != nil {
		return err
	}
	if res.RC != 0 || strings.Contains(res.Stderr, "Invalid argument") || strings.Contains(res.Stderr, "Read-only file system") {
		return modules.Failf("Failed to reload sysctl: %s", res.Stdout+res.Stderr)
	}
	return nil
}

// editSysctl makes the file's new text, in which every parameter is written as
// name=value and has one line. value and had are what the file says now (the
// last line counts).
func editSysctl(text, name, want string, present bool) (out, value string, had bool) {
	values := make(map[string]string)
	for line := range strings.Lines(text) {
		if k, v, ok := sysctlLine(line); ok {
			values[k] = v
		}
	}
	value, had = values[name]
	if present {
		values[name] = want
	}
	done := make(map[string]bool)
	var b strings.Builder
	for line := range strings.Lines(text) {
		k, _, ok := sysctlLine(line)
		switch {
		case !ok:
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		case done[k] || k == name && !present:
		default:
			done[k] = true
			b.WriteString(k + "=" + values[k] + "\n")
		}
	}
	if present && !done[name] {
		b.WriteString(name + "=" + want + "\n")
	}
	return b.String(), value, had
}

// sysctlLine reads name = value; comments and other lines are none.
func sysctlLine(line string) (name, value string, ok bool) {
	t := strings.TrimSpace(line)
	if t == "" || t[0] == '#' || t[0] == ';' {
		return "", "", false
	}
	name, value, ok = strings.Cut(t, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), ok
}
