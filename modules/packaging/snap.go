package packaging

// This file is the snap module.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

type snapArgs struct {
	Name      []string  `arg:"name"`
	State     string    `arg:"state"`
	Classic   bool      `arg:"classic"`
	Channel   *string   `arg:"channel"`
	Options   *[]string `arg:"options"`
	Dangerous bool      `arg:"dangerous"`
	Devmode   bool      `arg:"devmode"`
	Revision  *int      `arg:"revision"`
}

// Snap is community.general.snap
// (https://docs.ansible.com/ansible/latest/collections/community/general/snap_module.html).
var Snap = modules.Define(modules.Spec{
	Name: "community.general.snap",
	Doc:  "Installs and removes snaps, and sets their options.",
	Options: []modules.Option{
		{Name: "name", Type: modules.List, Elements: modules.Str, Required: true, Doc: "The snaps, or files of snaps on the host; system stands for snapd itself."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present", "enabled", "disabled"}, Doc: "Whether they are to be there, and used."},
		{Name: "classic", Type: modules.Bool, Default: false, Doc: "Lets a snap out of its confinement."},
		{Name: "channel", Doc: "The channel to follow; stable where not given."},
		{Name: "options", Type: modules.List, Elements: modules.Str, Doc: "Options KEY=VALUE; SNAP:KEY=VALUE is for that snap alone."},
		{Name: "dangerous", Type: modules.Bool, Default: false, Doc: "Installs files of snaps that nobody signed."},
		{Name: "devmode", Type: modules.Bool, Default: false, Doc: "Lets a snap break its confinement, and tells of it."},
		{Name: "revision", Type: modules.Int, Doc: "The revision to install and to hold."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"channel", "revision"}}},
	Diff:  modules.NoSupport,
}, runSnap)

// A snapRun is one run of snap or snap_alias.
type snapRun struct {
	*client
	a    *snapArgs
	data map[string]any // of the result
	out  *modules.Result
	// status is what each of the task's names is at first.
	status map[string]snapStatus
}

type snapStatus int

const (
	snapMissing snapStatus = iota
	snapOther              // another channel or revision
	snapLoose              // the revision, which is not held
	snapThere
)

// newSnap finds the program and asks for its version.
func newSnap(ctx context.Context, m *modules.Run) (*snapRun, error) {
	c, err := newClient(ctx, m, "snap", "")
	if err != nil {
		return nil, err
	}
	r := &snapRun{client: c, data: map[string]any{}, out: &modules.Result{}}
	r.out.Data = r.data
	res, err := r.run("version")
	if err != nil {
		return nil, err
	}
	version := map[string]any{}
	for line := range strings.Lines(res.Stdout) {
		if f := strings.Fields(line); len(f) == 2 {
			version[f[0]] = f[1]
		}
	}
	r.data["version"] = version
	return r, nil
}

// failf is a failure with what the run found so far, as the module's users know it.
func (r *snapRun) failf(format string, args ...any) error {
	data := maps.Clone(r.data)
	data["vars"] = maps.Clone(r.data)
	output := maps.Clone(r.data)
	if r.m.Diff {
		output["diff"] = map[string]any{}
	}
	data["output"] = output
	return &modules.Failure{Msg: fmt.Sprintf(format, args...), Data: data}
}

func runSnap(ctx context.Context, m *modules.Run, a *snapArgs) (*modules.Result, error) {
	r, err := newSnap(ctx, m)
	if err != nil {
		return nil, err
	}
	r.a = a
	asked := a.Name
	if a.State == "present" {
		// A file is installed under the name that is in it.
		if asked, err = r.names(); err != nil {
			return nil, err
		}
		r.data["snap_names"] = asked
	}
	if err := r.look(asked); err != nil {
		return nil, err
	}
	switch a.State {
	case "present":
		err = r.present()
	case "absent":
		err = r.act("remove", "snaps_removed", func(name string) (bool, error) { return r.status[name] != snapMissing, nil })
	case "enabled":
		err = r.act("enable", "snaps_enabled", func(name string) (bool, error) {
			on, there, err := r.enabled(name)
			return !there || !on, err
		})
	default:
		err = r.act("disable", "snaps_disabled", func(name string) (bool, error) {
			on, there, err := r.enabled(name)
			return there && on, err
		})
	}
	if err != nil {
		return nil, err
	}
	if r.data["channel"] == nil && a.State == "present" {
		r.data["channel"] = "stable"
	}
	return r.out, nil
}

var snapNotFound = regexp.MustCompile(`(?m)^(?:warning|error): no snap found for "([^"]+)"`)

// names asks the store, or files, for the names of the task's snaps.
func (r *snapRun) names() ([]string, error) {
	var ask []string
	for _, name := range r.a.Name {
		if name != "system" { // snapd itself
			ask = append(ask, name)
		}
	}
	if ask == nil {
		return r.a.Name, nil
	}
	res, err := r.run(append([]string{"info"}, ask...)...)
	if err != nil {
		return nil, err
	}
	// For one it tells by stderr, for several by stdout.
	told := res.Stderr
	if len(ask) > 1 {
		told = res.Stdout
	}
	var missing []string
	for _, f := range snapNotFound.FindAllStringSubmatch(told, -1) {
		missing = append(missing, f[1])
	}
	if missing != nil {
		return nil, r.failf("Snaps not found: %s.", modules.PyRepr(missing))
	}
	var found []string
	for _, part := range strings.Split(res.Stdout, "\n---") {
		for line := range strings.Lines(part) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "name:" {
				found = append(found, f[1])
				break
			}
		}
	}
	if len(found) != len(ask) {
		return nil, r.failf("snap info tells of %d snaps where %d were asked for:\n%s%s", len(found), len(ask), res.Stdout, res.Stderr)
	}
	out := make([]string, len(r.a.Name))
	for i, name := range r.a.Name {
		if out[i] = name; name != "system" {
			out[i], found = found[0], found[1:]
		}
	}
	return out, nil
}

// look finds out what is there of the snaps that the task's names stand for.
func (r *snapRun) look(real []string) error {
	text, err := r.output("list")
	if err != nil {
		return err
	}
	type snap struct{ rev, channel, notes string }
	installed := map[string]snap{}
	for i, line := range modules.SplitLines(text) {
		if f := strings.Fields(line); i > 0 && len(f) >= 6 {
			installed[f[0]] = snap{f[2], f[3], f[5]}
		}
	}
	r.status = make(map[string]snapStatus)
	for i, name := range r.a.Name {
		have, ok := installed[real[i]]
		a := r.a
		switch {
		case real[i] == "system":
			r.status[name] = snapThere
		case !ok:
			r.status[name] = snapMissing
		case a.Revision != nil && strconv.Itoa(*a.Revision) != have.rev,
			a.Channel != nil && *a.Channel != "" && have.channel != *a.Channel && have.channel != "latest/"+*a.Channel:
			r.status[name] = snapOther
		case a.Revision != nil && !slices.Contains(strings.Split(have.notes, ","), "held"):
			r.status[name] = snapLoose
		default:
			r.status[name] = snapThere
		}
	}
	return nil
}

// with lists the task's names with a status.
func (r *snapRun) with(status snapStatus) []string {
	var out []string
	for _, name := range r.a.Name {
		if r.status[name] == status {
			out = append(out, name)
		}
	}
	return out
}

func (r *snapRun) present() error {
	r.data["classic"], r.data["channel"], r.data["revision"] = r.a.Classic, nil, nil
	if r.a.Channel != nil {
		r.data["channel"] = *r.a.Channel
	}
	if r.a.Revision != nil {
		r.data["revision"] = *r.a.Revision
	}
	refresh, install := r.with(snapOther), r.with(snapMissing)
	for _, step := range []struct {
		verb  string
		snaps []string
	}{{"refresh", refresh}, {"install", install}} {
		if step.snaps == nil {
			continue
		}
		if err := r.install(step.verb, step.snaps); err != nil {
			return err
		}
	}
	if r.a.Revision != nil {
		if err := r.hold(slices.Concat(install, refresh, r.with(snapLoose))); err != nil {
			return err
		}
	}
	return r.options()
}

// channel is the option for the channel.
func (r *snapRun) channel() []string {
	if r.a.Channel == nil || *r.a.Channel == "stable" {
		return nil
	}
	return []string{"--channel", *r.a.Channel}
}

var classicNeeded = regexp.MustCompile(`^error: This revision of snap "(\w+)" was published using classic confinement`)

// install runs install or refresh, for every snap by itself where options are for one only.
func (r *snapRun) install(verb string, snaps []string) error {
	a := r.a
	r.out.Changed = true
	r.data["snaps_installed"] = snaps
	if r.m.Check {
		return nil
	}
	argv := []string{verb}
	add := func(on bool, w ...string) {
		if on {
			argv = append(argv, w...)
		}
	}
	add(a.Classic, "--classic")
	argv = append(argv, r.channel()...)
	if a.Revision != nil {
		add(true, "--revision", strconv.Itoa(*a.Revision))
	}
	add(a.Dangerous, "--dangerous")
	add(a.Devmode, "--devmode")
	groups := [][]string{snaps}
	if len(snaps) > 1 && (a.Classic || a.Channel == nil || *a.Channel != "stable" || a.Revision != nil) {
		groups = nil
		for _, s := range snaps {
			groups = append(groups, []string{s})
		}
	}
	res, err := r.groups([]string{"state", "classic", "channel", "revision", "dangerous", "devmode"}, argv, groups)
	if err != nil || res.RC == 0 {
		return err
	}
	if f := classicNeeded.FindStringSubmatch(res.Stderr); f != nil {
		return r.failf("Couldn't install %s because it requires classic confinement", f[1])
	}
	return r.failf("Ooops! Snap installation failed while executing '%s', please examine logs and error output for more details.", r.data["cmd"])
}

// groups runs a command for groups of snaps and notes it as the module always has: by the
// names of its options. The first exit code other than 0 counts.
func (r *snapRun) groups(shown, argv []string, groups [][]string) (all modules.CommandResult, err error) {
	var cmds, errs []string
	for _, g := range groups {
		cmds = append(cmds, modules.PyRepr(slices.Concat(shown, g)))
		res, err := r.run(slices.Concat(argv, g)...)
		if err != nil {
			return res, err
		}
		if all.RC == 0 {
			all.RC = res.RC
		}
		errs = append(errs, strings.TrimSpace(res.Stderr))
	}
	r.data["cmd"] = strings.Join(cmds, "; ")
	all.Stderr = strings.Join(errs, "\n")
	return all, nil
}

// hold keeps snaps from being refreshed.
func (r *snapRun) hold(snaps []string) error {
	if snaps == nil {
		return nil
	}
	r.out.Changed = true
	if r.m.Check {
		return nil
	}
	for _, name := range snaps {
		res, err := r.run("refresh", "--hold", name)
		if err != nil {
			return err
		}
		if res.RC != 0 {
			return r.failf("Snap hold failed for '%s': %s", name, res.Stderr)
		}
	}
	return nil
}

// act runs a verb for the snaps that need it.
func (r *snapRun) act(verb, key string, needs func(name string) (bool, error)) error {
	var snaps []string
	for _, name := range r.a.Name {
		need, err := needs(name)
		if err != nil {
			return err
		}
		if need {
			snaps = append(snaps, name)
		}
	}
	if snaps == nil {
		return nil
	}
	r.out.Changed = true
	r.data[key] = snaps
	if r.m.Check {
		return nil
	}
	var argv []string
	if r.a.Classic {
		argv = append(argv, "--classic")
	}
	argv = append(append(argv, r.channel()...), verb)
	res, err := r.groups([]string{"classic", "channel", "state"}, argv, [][]string{snaps})
	if err == nil && res.RC != 0 {
		err = r.failf("Ooops! Snap operation failed while executing '%s', please examine logs and error output for more details.", r.data["cmd"])
	}
	return err
}

// enabled reports whether a snap is used.
func (r *snapRun) enabled(name string) (on, there bool, err error) {
	res, err := r.run("list", name)
	if err != nil || res.RC != 0 {
		return false, false, err
	}
	if lines := modules.SplitLines(res.Stdout); len(lines) > 1 {
		if f := strings.Fields(lines[1]); len(f) > 5 {
			return !slices.Contains(strings.Split(f[5], ","), "disabled"), true, nil
		}
	}
	return false, false, r.failf("Unable to parse 'snap list %s' output:\n%s", name, res.Stdout)
}

var snapOption = regexp.MustCompile(`^(?:(\S+):)?(\S+?)\s*=\s*(.+)`)

// options sets the options of the snaps that were there before.
func (r *snapRun) options() error {
	if r.a.Options == nil {
		return nil
	}
	var all []string
	for _, name := range r.a.Name {
		if r.status[name] == snapMissing {
			continue
		}
		have, err := r.config(name)
		if err != nil {
			return err
		}
		var set []string
		for _, text := range *r.a.Options {
			f := snapOption.FindStringSubmatch(text)
			if f == nil {
				return r.failf("Cannot parse set option '%s'", text)
			}
			of, key, value := f[1], f[2], strings.TrimSpace(f[3])
			if of != "" && !slices.Contains(r.a.Name, of) {
				return r.failf("Snap option '%s' refers to snap which is not in the list of snap names", text)
			}
			if of != "" && of != name {
				continue
			}
			if old, ok := have[key]; ok && old == value {
				continue
			}
			set = append(set, key+"="+value)
			if of == "" {
				text = name + ":" + text
			}
			all = append(all, text)
		}
		if err := r.set(name, set); err != nil {
			return err
		}
	}
	if all != nil {
		r.data["options_changed"] = all
	}
	return nil
}

func (r *snapRun) set(name string, options []string) error {
	if options == nil {
		return nil
	}
	r.out.Changed = true
	if r.m.Check {
		return nil
	}
	res, err := r.run(append([]string{"set", name}, options...)...)
	switch {
	case err != nil || res.RC == 0:
		return err
	case strings.Contains(res.Stderr, `has no "configure" hook`):
		return r.failf("Snap '%s' does not have any configurable options", name)
	}
	return r.failf("Cannot set options '%s' for snap '%s': error=%s", strings.Join(options, " "), name, res.Stderr)
}

// config reads a snap's options: names with dots to texts.
func (r *snapRun) config(name string) (map[string]string, error) {
	res, err := r.run("get", "-d", name)
	if err != nil || res.RC != 0 || strings.Contains(firstLine(res.Stdout), "has no configuration") {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader([]byte(res.Stdout)))
	d.UseNumber()
	var tree map[string]any
	out := map[string]string{}
	if err := d.Decode(&tree); err != nil || !flatten("", tree, out) {
		why := "" // Ansible's exception is without words there
		if err != nil {
			why = err.Error()
		}
		return nil, r.failf("Parsing option map returned by 'snap get %s' triggers exception '%s', output:\n'%s'", name, why, res.Stdout)
	}
	return out, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// flatten writes the leaves of a tree into out; false where something is neither.
func flatten(prefix string, tree map[string]any, out map[string]string) bool {
	for key, v := range tree {
		switch v := v.(type) {
		case map[string]any:
			if !flatten(prefix+key+".", v, out) {
				return false
			}
		case string:
			out[prefix+key] = v
		case bool, json.Number:
			out[prefix+key] = modules.PyRepr(v)
		default:
			return false
		}
	}
	return true
}
