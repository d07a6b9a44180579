package system

// This file is the launchd module: services of macOS.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
)

type launchdArgs struct {
	Name      string `arg:"name"`
	Plist     string `arg:"plist"`
	State     string `arg:"state"`
	Enabled   *bool  `arg:"enabled"`
	ForceStop bool   `arg:"force_stop"`
}

// Launchd is community.general.launchd
// (https://docs.ansible.com/ansible/latest/collections/community/general/launchd_module.html).
var Launchd = modules.Define(modules.Spec{
	Name: "community.general.launchd",
	Doc:  "Starts, stops and loads services of macOS, by launchctl.",
	Options: []modules.Option{
		{Name: "name", Required: true, Doc: "The service's label."},
		{Name: "plist", Doc: "The name of its file; NAME.plist where not given."},
		{Name: "state", Choices: []string{"reloaded", "restarted", "started", "stopped", "unloaded"}, Doc: "What the service is to be."},
		{Name: "enabled", Type: modules.Bool, Doc: "Whether it starts when it is loaded: RunAtLoad in its file."},
		{Name: "force_stop", Type: modules.Bool, Default: false, Doc: "Takes KeepAlive out of its file, by which a service starts again when it was stopped."},
	},
	Rules: modules.Rules{RequiredOneOf: [][]string{{"state", "enabled"}}},
	Diff:  modules.NoSupport,
}, runLaunchd)

// A launchdRun is one run of the module.
type launchdRun struct {
	ctx  context.Context
	m    *modules.Run
	a    *launchdArgs
	bin  string
	file string // the service's property list
	diff []modules.Diff
}

// A launchdState is a line of launchctl list.
type launchdState struct {
	word, pid string
	code      any // nil where the service is not loaded
	stderr    string
}

func runLaunchd(ctx context.Context, m *modules.Run, a *launchdArgs) (*modules.Result, error) {
	r := &launchdRun{ctx: ctx, m: m, a: a}
	var err error
	if r.bin, err = m.RequireBin("launchctl"); err != nil {
		return nil, err
	}
	before, err := r.state()
	if err != nil {
		return nil, err
	}
	if r.file, err = r.find(); err != nil {
		return nil, err
	}
	edited, err := r.edit()
	if err != nil {
		return nil, err
	}
	after := before
	if a.State != "" && !m.Check {
		if err := r.act(before, edited); err != nil {
			return nil, err
		}
		if after, err = r.state(); err != nil {
			return nil, err
		}
	}
	code, text := after.code, after.stderr
	if m.Check {
		code, text = "0", ""
	}
	changed := edited || a.State == "restarted" || a.State == "reloaded" || after.word != before.word || after.pid != before.pid
	if m.Check && a.State != "" && before.word != a.State {
		changed = true
	}
	return &modules.Result{Changed: changed, Diff: r.diff, Data: map[string]any{"name": a.Name, "status": map[string]any{
		"previous_state": before.word, "previous_pid": before.pid, "current_state": after.word, "current_pid": after.pid,
		"status_code": code, "error": text}}}, nil
}

// find finds the service's file where launchd looks for it.
func (r *launchdRun) find() (string, error) {
	name := r.a.Plist
	if name == "" {
		name = r.a.Name + ".plist"
	}
	home, ok := r.m.Env["HOME"]
	if !ok {
		home = os.Getenv("HOME")
	}
	for _, dir := range []string{filepath.Join(home, "Library/LaunchAgents"), "/Library/LaunchAgents", "/Library/LaunchDaemons",
		"/System/Library/LaunchAgents", "/System/Library/LaunchDaemons"} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil && filepath.Base(name) == name {
			return path, nil
		}
	}
	return "", modules.Failf("Unable to find the plist file %s for service %s", name, r.a.Name)
}

// edit brings the service's file to what the task says of it.
func (r *launchdRun) edit() (bool, error) {
	if r.a.Enabled == nil && !r.a.ForceStop {
		return false, nil
	}
	data, err := os.ReadFile(r.file)
	var dict map[string]any
	if err == nil {
		dict, err = parsePlist(data)
	}
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			return false, modules.Failf("Failed to read plist file %s due to %s", r.file, oserr.Str(err, r.file))
		}
		return false, modules.Failf("Failed to read plist file %s due to %w", r.file, err)
	}
	changed := false
	if r.a.Enabled != nil {
		if at, _ := dict["RunAtLoad"].(bool); at != *r.a.Enabled {
			dict["RunAtLoad"] = *r.a.Enabled
			changed = true
		}
	}
	if r.a.ForceStop && keepsAlive(dict["KeepAlive"]) {
		dict["KeepAlive"] = false
		changed = true
	}
	if !changed {
		return false, nil
	}
	text, err := writePlist(dict)
	if err != nil {
		return false, modules.Failf("Failed to write to plist file  %s due to %w", r.file, err)
	}
	r.diff = []modules.Diff{{Before: string(data), After: string(text), BeforeHeader: r.file, AfterHeader: r.file}}
	if r.m.Check {
		return true, nil
	}
	return true, r.m.WriteFile(r.ctx, r.file, text, "", false)
}

// keepsAlive reports whether KeepAlive is set: true, or a dictionary of conditions.
func keepsAlive(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case map[string]any:
		return len(v) > 0
	}
	return v != nil
}

// signalled are exit codes of services that ended well, or by a signal that stops them.
var signalled = []string{"0", "-2", "-3", "-9", "-15"}

// state asks launchd for the service.
func (r *launchdRun) state() (launchdState, error) {
	s := launchdState{word: "unloaded", pid: "-"}
	res, err := r.launchctl("list", "")
	if err != nil {
		return s, err
	}
	s.stderr = res.Stderr
	for line := range strings.Lines(res.Stdout) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 3 || strings.TrimSpace(f[2]) != r.a.Name {
			continue
		}
		s.pid, s.code = f[0], f[1]
		switch {
		case !slices.Contains(signalled, f[1]):
			s.word = "unknown"
		case f[0] != "-":
			s.word = "started"
		default:
			s.word = "stopped"
		}
		break
	}
	return s, nil
}

func (r *launchdRun) launchctl(verb, what string) (modules.CommandResult, error) {
	argv := []string{r.bin, verb}
	if what != "" {
		argv = append(argv, what)
	}
	res, err := r.m.Command(r.ctx, modules.CommandOptions{Env: map[string]string{"LANGUAGE": "C"}}, argv...)
	if err == nil && res.RC != 0 {
		err = modules.Failf("Unable to %s '%s' (%s): '%s'", verb, r.a.Name, r.file, res.Stderr)
	}
	return res, err
}

// act runs launchctl's commands for the state: a service whose file was changed, or of
// whose state nobody knows, is loaded anew.
func (r *launchdRun) act(now launchdState, edited bool) error {
	loaded := now.word != "unloaded"
	reload := []string{"unload", "load"}
	var verbs []string
	switch r.a.State {
	case "started":
		switch {
		case !loaded:
			verbs = []string{"load", "start"}
		case now.word != "started" || edited:
			verbs = append(reload, "start")
		}
	case "stopped":
		switch {
		case now.word == "unknown" || loaded && edited:
			verbs = append(reload, "stop")
		case now.word == "started":
			verbs = []string{"stop"}
		}
	case "unloaded":
		verbs = []string{"unload"}
	default:
		if verbs = reload; !loaded {
			verbs = []string{"load"}
		}
		if r.a.State == "restarted" {
			verbs = append(verbs, "start")
		}
	}
	for _, verb := range verbs {
		if err := r.do(verb); err != nil {
			return err
		}
	}
	return nil
}

// launchdPatience is for how long a service may take to start or to stop: launchctl does
// not wait for either.
const launchdPatience = 5 * time.Second

// do runs one command and waits until it has done its work.
func (r *launchdRun) do(verb string) error {
	what, want := r.file, ""
	switch verb {
	case "start":
		what, want = r.a.Name, "started"
	case "stop":
		what, want = r.a.Name, "stopped"
	}
	if _, err := r.launchctl(verb, what); err != nil || want == "" {
		return err
	}
	for end := time.Now().Add(launchdPatience); time.Now().Before(end); {
		now, err := r.state()
		if err != nil || now.word == want {
			return err
		}
		select {
		case <-r.ctx.Done():
			return fmt.Errorf("cancelled: %w", r.ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
