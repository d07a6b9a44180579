package system

// This file is the apache2_module module.

import (
	"context"
	"regexp"
	"strings"

	"gorun/modules"
)

type apache2ModuleArgs struct {
	Name              string `arg:"name"`
	Identifier        string `arg:"identifier"`
	Force             bool   `arg:"force"`
	State             string `arg:"state"`
	IgnoreConfigcheck bool   `arg:"ignore_configcheck"`
	WarnMpmAbsent     bool   `arg:"warn_mpm_absent"`
}

// Apache2Module is community.general.apache2_module
// (https://docs.ansible.com/ansible/latest/collections/community/general/apache2_module_module.html).
var Apache2Module = modules.Define(modules.Spec{
	Name: "community.general.apache2_module",
	Doc:  "Enables and disables modules of Apache 2 by a2enmod and a2dismod.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The module as a2enmod names it."},
		{Name: "identifier", Doc: "The module as apache2ctl -M names it, where it is not name_module."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Disables what Debian calls essential."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether it is to be enabled."},
		{Name: "ignore_configcheck", Type: modules.Bool, Default: false, Doc: "Goes on where the configuration has errors."},
		{Name: "warn_mpm_absent", Type: modules.Bool, Default: true, Doc: "Warns where no module for processing is loaded."},
	},
	Diff: modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *apache2ModuleArgs) (*modules.Result, error) {
	r := &apacheRun{ctx: ctx, m: m, a: a}
	return r.run()
})

// An apacheRun is one run of the module.
type apacheRun struct {
	ctx  context.Context
	m    *modules.Run
	a    *apache2ModuleArgs
	ctl  string
	warn []string
}

func (r *apacheRun) run() (*modules.Result, error) {
	if r.ctl = r.m.BinPath("apache2ctl"); r.ctl == "" {
		r.ctl = r.m.BinPath("apachectl")
	}
	if r.ctl == "" {
		return nil, modules.Failf("Neither of apache2ctl nor apachctl found. At least one apache control binary is necessary.")
	}
	a := r.a
	if a.Name == "cgi" {
		res, err := r.m.Command(r.ctx, modules.CommandOptions{}, r.ctl, "-V")
		if err != nil {
			return nil, err
		}
		if apacheThreaded.MatchString(res.Stdout) {
			return nil, modules.Failf("Your MPM seems to be threaded. No automatic actions on module cgi possible.")
		}
	}
	if a.Identifier == "" {
		a.Identifier = apacheIdentifier(a.Name)
	}
	want, program, word := a.State == "present", "a2enmod", "enabled"
	if !want {
		program, word = "a2dismod", "disabled"
	}
	is, err := r.enabled()
	if err != nil {
		return nil, err
	}
	res := &modules.Result{Changed: is != want, Data: map[string]any{"result": "Module " + a.Name + " " + word}}
	if res.Changed && !r.m.Check {
		if err := r.change(program, word, want); err != nil {
			return nil, err
		}
	}
	r.m.Warnings = append(r.m.Warnings, r.warn...)
	return res, nil
}

var apacheThreaded = regexp.MustCompile(`threaded: *yes`)

func (r *apacheRun) change(program, word string, want bool) error {
	bin := r.m.BinPath(program)
	if bin == "" {
		return modules.Failf("%s not found. Perhaps this system does not use %s to manage apache", program, program)
	}
	argv := []string{bin}
	if !want && r.a.Force {
		argv = append(argv, "-f")
	}
	out, err := r.m.Command(r.ctx, modules.CommandOptions{}, append(argv, r.a.Name)...)
	if err != nil {
		return err
	}
	is, err := r.enabled()
	if err == nil && is != want {
		err = modules.FailWith(map[string]any{"rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr},
			"Failed to set module %s to %s:\n%s\nMaybe the module identifier (%s) was guessed incorrectly.Consider setting the \"identifier\" option.",
			r.a.Name, word, out.Stdout, r.a.Identifier)
	}
	return err
}

// enabled asks Apache which modules it would load.
func (r *apacheRun) enabled() (bool, error) {
	res, err := r.m.Command(r.ctx, modules.CommandOptions{}, r.ctl, "-M")
	if err != nil {
		return false, err
	}
	if res.RC == 0 {
		return strings.Contains(res.Stdout, " "+r.a.Identifier), nil
	}
	msg := "Error executing " + r.ctl + ": " + res.Stderr
	switch {
	case !r.a.IgnoreConfigcheck:
		return false, modules.Failf("%s", msg)
	case strings.Contains(res.Stderr, "AH00534") && strings.Contains(r.a.Name, "mpm_"):
		if r.a.WarnMpmAbsent {
			r.warn = append(r.warn, "No MPM module loaded! apache2 reload AND other module actions will fail if no MPM module is loaded immediately.")
		}
	default:
		r.warn = append(r.warn, msg)
	}
	return false, nil
}

var apachePHP = regexp.MustCompile(`^(php\d)\.`)

// apacheIdentifier is the name that a module has inside Apache: NAME_module,
// but for some.
func apacheIdentifier(name string) string {
	switch {
	case strings.Contains(name, "shib"):
		return "mod_shib"
	case strings.Contains(name, "evasive"):
		return "evasive20_module"
	}
	if f := apachePHP.FindStringSubmatch(name); f != nil {
		return f[1] + "_module"
	}
	return name + "_module"
}
