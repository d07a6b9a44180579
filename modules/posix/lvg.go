package posix

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"gorun/modules"
)

type lvgArgs struct {
	Force       bool     `arg:"force"`
	Pesize      string   `arg:"pesize"`
	PvOptions   string   `arg:"pv_options"`
	Pvresize    bool     `arg:"pvresize"`
	RemoveExtra bool     `arg:"remove_extra_pvs"`
	PVs         []string `arg:"pvs"`
	State       string   `arg:"state"`
	VG          string   `arg:"vg"`
	VGOptions   string   `arg:"vg_options"`
	ResetVG     bool     `arg:"reset_vg_uuid"`
	ResetPV     bool     `arg:"reset_pv_uuid"`
}

// LVG is community.general.lvg.
var LVG = modules.Define(modules.Spec{
	Name: "community.general.lvg",
	Doc:  "Make, extend, reduce and remove LVM volume groups.",
	Options: []modules.Option{
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Remove a group that holds volumes."},
		{Name: "pesize", Default: "4", Doc: "The size of physical extents."},
		{Name: "pv_options", Default: "", Doc: "More options for pvcreate."},
		{Name: "pvresize", Type: modules.Bool, Default: false, Doc: "Grow physical volumes to their devices."},
		{Name: "pvs", Type: modules.List, Elements: modules.Str, Doc: "The devices."},
		{Name: "remove_extra_pvs", Type: modules.Bool, Default: true, Doc: "Take devices out of the group that pvs does not name."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present", "active", "inactive"}, Doc: "Whether the group is to be there, and its volumes active."},
		{Name: "vg", Required: true, Doc: "The name of the group."},
		{Name: "vg_options", Default: "", Doc: "More options for vgcreate."},
		{Name: "reset_vg_uuid", Type: modules.Bool, Default: false, Doc: "Gives the group a new UUID, at every run."},
		{Name: "reset_pv_uuid", Type: modules.Bool, Default: false, Doc: "Gives the physical volumes new UUIDs, at every run."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "reset_pv_uuid", Value: true, Need: []string{"pvs"}}}},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *lvgArgs) (*modules.Result, error) {
	l := &lvgRun{tool: tool{ctx, m}, a: a}
	return l.run()
})

type lvgRun struct {
	tool
	a *lvgArgs
}

func (l *lvgRun) run() (*modules.Result, error) {
	a := l.a
	vgs, err := l.tool.run("vgs", "--noheadings", "-o", "vg_name,pv_count,lv_count", "--separator", ";")
	if err != nil {
		return nil, err
	}
	exists, volumes := false, "0"
	for line := range strings.Lines(vgs.Stdout) {
		if f := strings.Split(strings.TrimSpace(line), ";"); f[0] == a.VG && len(f) > 2 {
			exists, volumes = true, f[2]
		}
	}
	res := &modules.Result{Data: map[string]any{}}
	if a.State == "absent" {
		if !exists {
			return res, nil
		}
		if volumes != "0" && !a.Force {
			return nil, modules.Failf("Refuse to remove non-empty volume group %s without force=true", a.VG)
		}
		res.Changed = true
		return res, l.change("vgremove", "--force", a.VG)
	}
	if !exists && len(a.PVs) == 0 {
		return nil, modules.Failf("No physical volumes given.")
	}
	pvs := make([]string, len(a.PVs))
	for i, p := range a.PVs {
		pvs[i] = p
		if real, err := filepath.EvalSymlinks(p); err == nil && !strings.HasPrefix(real, "/dev/dm-") {
			pvs[i] = real
		}
	}
	have, err := l.physical()
	if err != nil {
		return nil, err
	}
	if !exists {
		res.Changed = true
		return res, l.create(pvs, have)
	}
	for _, step := range []func() (bool, error){
		l.activate,
		func() (bool, error) { return a.ResetVG, l.changeIf(a.ResetVG, "vgchange", "-u", a.VG) },
		func() (bool, error) { return l.resetPVs(pvs, have) },
		func() (bool, error) { return l.adjust(pvs, have) },
	} {
		did, err := step()
		res.Changed = res.Changed || did
		if err != nil {
			return nil, err
		}
	}
	return res, nil
}

// physical lists physical volumes: device to group.
func (l *lvgRun) physical() (map[string]string, error) {
	res, err := l.must("pvs", "--noheadings", "-o", "pv_name,vg_name", "--separator", ";")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(res.Stdout) {
		dev, group, _ := strings.Cut(strings.TrimSpace(line), ";")
		out[dev] = group
	}
	return out, nil
}

func words(s string) []string { return strings.Fields(s) }

// prepare makes physical volumes of devices that are none.
func (l *lvgRun) prepare(pvs []string, have map[string]string) error {
	for _, p := range pvs {
		group, known := have[p]
		if group != "" && group != l.a.VG {
			return modules.Failf("Device %s is already in %s volume group.", p, group)
		}
		if !known {
			if err := l.change("pvcreate", append(words(l.a.PvOptions), "-f", p)...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lvgRun) create(pvs []string, have map[string]string) error {
	if err := l.prepare(pvs, have); err != nil {
		return err
	}
	args := append(words(l.a.VGOptions), "-s", l.a.Pesize)
	if s := l.a.State; (s == "active" || s == "inactive") && !strings.Contains(l.a.VGOptions, autoactivation) {
		knows, err := l.knowsAutoactivation("vgcreate")
		if err != nil {
			return err
		}
		if knows {
			args = append(args, autoactivation, lvmFlag(s == "active"))
		}
	}
	args = append(args, l.a.VG)
	return l.change("vgcreate", append(args, pvs...)...)
}

// adjust extends and reduces the group to the devices given.
func (l *lvgRun) adjust(pvs []string, have map[string]string) (bool, error) {
	if len(pvs) == 0 {
		return false, nil
	}
	changed := false
	var add, drop []string
	for _, p := range pvs {
		if have[p] != l.a.VG {
			add = append(add, p)
		} else if l.a.Pvresize {
			grown, err := l.grow(p)
			if err != nil {
				return changed, err
			}
			changed = changed || grown
		}
	}
	for dev, group := range have {
		if l.a.RemoveExtra && group == l.a.VG && !slices.Contains(pvs, dev) {
			drop = append(drop, dev)
		}
	}
	slices.Sort(drop)
	if len(add) > 0 {
		changed = true
		if err := l.prepare(add, have); err != nil {
			return changed, err
		}
		if err := l.change("vgextend", append([]string{l.a.VG}, add...)...); err != nil {
			return changed, err
		}
	}
	if len(drop) > 0 {
		changed = true
		if err := l.change("vgreduce", append([]string{"--force", l.a.VG}, drop...)...); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// grow resizes a physical volume where its device is larger.
func (l *lvgRun) grow(dev string) (bool, error) {
	size := func() (string, error) {
		res, err := l.must("pvs", "--noheadings", "--nosuffix", "--units", "b", "-o", "pv_size,dev_size,pe_start,vg_extent_size", "--separator", ";", dev)
		return strings.TrimSpace(res.Stdout), err
	}
	before, err := size()
	if err != nil || l.m.Check {
		return false, err
	}
	if err := l.change("pvresize", dev); err != nil {
		return false, err
	}
	after, err := size()
	return before != after, err
}

// autoactivation is the option that says whether volumes become active when the host starts.
const autoactivation = "--setautoactivation"

// knowsAutoactivation asks whether this LVM has that option.
func (l *lvgRun) knowsAutoactivation(program string) (bool, error) {
	res, err := l.must(program, "--help")
	return strings.Contains(res.Stdout, autoactivation), err
}

func lvmFlag(on bool) string {
	if on {
		return "y"
	}
	return "n"
}

func (l *lvgRun) changeIf(on bool, program string, args ...string) error {
	if !on {
		return nil
	}
	return l.change(program, args...)
}

// activate brings the group's volumes to state active or inactive, now and when the host starts.
func (l *lvgRun) activate() (bool, error) {
	want := l.a.State == "active"
	if !want && l.a.State != "inactive" {
		return false, nil
	}
	knows, err := l.knowsAutoactivation("vgchange")
	if err != nil {
		return false, err
	}
	fields := "lv_attr"
	if knows {
		fields += ",autoactivation"
	}
	res, err := l.must("vgs", "--noheadings", "--separator", ";", "-o", fields, l.a.VG)
	if err != nil {
		return false, err
	}
	differs, auto := false, false
	for line := range strings.Lines(res.Stdout) {
		attr, at, _ := strings.Cut(strings.TrimSpace(line), ";")
		if len(attr) > 4 { // a group without volumes has no attributes
			differs = differs || (attr[4] == 'a') != want
		}
		auto = auto || at == "enabled"
	}
	if err := l.changeIf(knows && auto != want, "vgchange", autoactivation, lvmFlag(want), l.a.VG); err != nil {
		return false, err
	}
	return differs || knows && auto != want, l.changeIf(differs, "vgchange", "--activate", lvmFlag(want), l.a.VG)
}

// resetPVs gives the group's physical volumes new UUIDs.
func (l *lvgRun) resetPVs(pvs []string, have map[string]string) (bool, error) {
	if !l.a.ResetPV || len(pvs) == 0 {
		return false, nil
	}
	changed := false
	for _, dev := range slices.Sorted(maps.Keys(have)) {
		if have[dev] != l.a.VG {
			continue
		}
		changed = true
		if err := l.change("pvchange", "-u", dev); err != nil {
			return changed, err
		}
	}
	return changed, nil
}
