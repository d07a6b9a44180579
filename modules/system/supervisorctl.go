package system

// This file is the supervisorctl module: programs that supervisord looks after.

import (
	"context"
	"slices"
	"strings"

	"gorun/modules"
)

type supervisorArgs struct {
	Name               string `arg:"name"`
	Config             string `arg:"config"`
	ServerURL          string `arg:"server_url"`
	Username           string `arg:"username"`
	Password           string `arg:"password"`
	SupervisorctlPath  string `arg:"supervisorctl_path"`
	State              string `arg:"state"`
	StopBeforeRemoving bool   `arg:"stop_before_removing"`
	Signal             string `arg:"signal"`
}

// Supervisorctl is community.general.supervisorctl
// (https://docs.ansible.com/ansible/latest/collections/community/general/supervisorctl_module.html).
var Supervisorctl = modules.Define(modules.Spec{
	Name: "community.general.supervisorctl",
	Doc:  "Starts, stops, adds and removes the programs of supervisord.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The program; GROUP: is every one of a group, all is every one."},
		{Name: "config", Type: modules.Path, Doc: "The configuration file of supervisord."},
		{Name: "server_url", Doc: "The URL on which supervisord listens."},
		{Name: "username", Doc: "The user for that."},
		{Name: "password", NoLog: true, Doc: "The user's password; supervisorctl takes it as an argument, which the host's users can see."},
		{Name: "supervisorctl_path", Type: modules.Path, Doc: "The program supervisorctl."},
		{Name: "state", Required: true, Choices: []string{"present", "started", "restarted", "stopped", "absent", "signalled"}, Doc: "What the program is to be."},
		{Name: "stop_before_removing", Type: modules.Bool, Default: false, Doc: "Stops what is to be absent."},
		{Name: "signal", Doc: "The signal to send, with signalled."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "state", Value: "signalled", Need: []string{"signal"}}}},
	Diff:  modules.NoSupport,
}, runSupervisorctl)

// A supervisorRun is one run of the module.
type supervisorRun struct {
	ctx   context.Context
	m     *modules.Run
	a     *supervisorArgs
	base  []string
	name  string
	group bool // the name is a group's
}

// A supervised is a program as supervisorctl status tells of it.
type supervised struct{ name, status string }

// active reports whether the program runs, or is being brought to.
func (p supervised) active() bool {
	return slices.Contains([]string{"RUNNING", "STARTING", "BACKOFF"}, p.status)
}

func runSupervisorctl(ctx context.Context, m *modules.Run, a *supervisorArgs) (*modules.Result, error) {
	r := &supervisorRun{ctx: ctx, m: m, a: a, name: strings.TrimRight(a.Name, ":"), group: strings.HasSuffix(a.Name, ":")}
	bin := a.SupervisorctlPath
	var err error
	if bin == "" {
		bin, err = m.RequireBin("supervisorctl")
	} else if m.BinPath(bin) == "" {
		err = modules.Failf("Provided path to supervisorctl does not exist or isn't executable: %s", bin)
	}
	if err != nil {
		return nil, err
	}
	r.base = []string{bin}
	for _, o := range [][2]string{{"-c", a.Config}, {"-s", a.ServerURL}, {"-u", a.Username}, {"-p", a.Password}} {
		if o[1] != "" {
			r.base = append(r.base, o[0], o[1])
		}
	}
	if a.State == "restarted" && !m.Check {
		if _, err := r.must("update"); err != nil {
			return nil, err
		}
	}
	found, err := r.found()
	if err != nil {
		return nil, err
	}
	switch a.State {
	case "present", "absent":
		return r.register(found)
	}
	if a.Name == "all" && a.State != "signalled" {
		return r.all(found)
	}
	if found == nil && a.Name != "all" {
		return nil, modules.FailWith(map[string]any{"name": r.name}, "ERROR (no such process)")
	}
	affected, err := r.act(found, r.verb())
	if err != nil {
		return nil, err
	}
	if affected != nil && m.Check {
		return &modules.Result{Changed: true}, nil
	}
	return r.result(affected), nil
}

// result is the module's answer: affected is what was acted on.
func (r *supervisorRun) result(affected []string) *modules.Result {
	out := &modules.Result{Changed: affected != nil, Data: map[string]any{"name": r.name, "state": r.a.State}}
	if affected != nil {
		out.Data["affected"] = affected
	}
	return out
}

// run runs supervisorctl; an exit code is no error.
func (r *supervisorRun) run(words ...string) (modules.CommandResult, error) {
	o := modules.CommandOptions{Env: map[string]string{"LANGUAGE": "C", "LC_ALL": "C"}}
	return r.m.Command(r.ctx, o, slices.Concat(r.base, words)...)
}

func (r *supervisorRun) must(words ...string) (modules.CommandResult, error) {
	res, err := r.run(words...)
	if err == nil && res.RC != 0 {
		shown := make([]string, 0, len(r.base)+len(words))
		for _, w := range slices.Concat(r.base, words) {
			shown = append(shown, modules.ShellQuote(w))
		}
		err = modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr, "cmd": strings.Join(shown, " ")},
			"%s", strings.TrimSpace(res.Stderr))
	}
	return res, err
}

// found lists the programs that the name stands for.
func (r *supervisorRun) found() ([]supervised, error) {
	res, err := r.run("status") // whose exit code tells whether all of them run
	if err != nil {
		return nil, err
	}
	var out []supervised
	for line := range strings.Lines(res.Stdout) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		group, _, member := strings.Cut(f[0], ":")
		if r.group && (!member || group != r.name) || !r.group && f[0] != r.name && r.name != "all" {
			continue
		}
		out = append(out, supervised{f[0], f[1]})
	}
	return out, nil
}

// A supervisorVerb is what is done for a state: to whom, by which command, and by which
// word of the answer it is known to have been done.
type supervisorVerb struct {
	command, done string
	needs         func(supervised) bool
}

func (r *supervisorRun) verb() supervisorVerb {
	switch r.a.State {
	case "started":
		return supervisorVerb{"start", "started", func(p supervised) bool { return !p.active() }}
	case "stopped":
		return supervisorVerb{"stop", "stopped", supervised.active}
	case "signalled":
		return supervisorVerb{"signal " + r.a.Signal, "signalled", func(p supervised) bool { return p.status == "RUNNING" }}
	}
	return supervisorVerb{"restart", "started", func(supervised) bool { return true }}
}

// act runs the command for each program that needs it and returns their names.
func (r *supervisorRun) act(found []supervised, v supervisorVerb) ([]string, error) {
	var names []string
	for _, p := range found {
		if v.needs(p) {
			names = append(names, p.name)
		}
	}
	if r.m.Check {
		return names, nil
	}
	for _, name := range names {
		res, err := r.must(v.command, name)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(res.Stdout, name+": "+v.done) {
			return nil, modules.Failf("%s", res.Stdout)
		}
	}
	return names, nil
}

// all does it for every program, by one command.
func (r *supervisorRun) all(found []supervised) (*modules.Result, error) {
	v := r.verb()
	var names []string
	for _, p := range found {
		if v.needs(p) {
			names = append(names, p.name)
		}
	}
	if names == nil {
		return r.result(nil), nil
	}
	if r.m.Check {
		return &modules.Result{Changed: true}, nil
	}
	if _, err := r.must(v.command, "all"); err != nil {
		return nil, err
	}
	return r.result(names), nil
}

// register adds the program to those that supervisord looks after, or removes it.
func (r *supervisorRun) register(found []supervised) (*modules.Result, error) {
	verb, done := "add", "added"
	if r.a.State == "absent" {
		verb, done = "remove", "removed"
	}
	if (found != nil) == (r.a.State == "present") {
		return r.result(nil), nil
	}
	if r.m.Check {
		return &modules.Result{Changed: true}, nil
	}
	if r.a.State == "absent" && r.a.StopBeforeRemoving {
		if _, err := r.act(found, supervisorVerb{"stop", "stopped", supervised.active}); err != nil {
			return nil, err
		}
	}
	if _, err := r.must("reread"); err != nil {
		return nil, err
	}
	res, err := r.run(verb, r.name)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"name": r.name, "state": r.a.State}
	if !strings.Contains(res.Stdout, r.name+": "+done+" process group") {
		return nil, modules.FailWith(data, "%s", res.Stdout)
	}
	return &modules.Result{Changed: true, Data: data}, nil
}
