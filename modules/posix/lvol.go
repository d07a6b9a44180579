package posix

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gorun/modules"
)

type lvolArgs struct {
	Active   bool     `arg:"active"`
	Force    bool     `arg:"force"`
	LV       string   `arg:"lv"`
	Opts     string   `arg:"opts"`
	PVs      []string `arg:"pvs"`
	Resizefs bool     `arg:"resizefs"`
	Shrink   bool     `arg:"shrink"`
	Size     string   `arg:"size"`
	Snapshot string   `arg:"snapshot"`
	State    string   `arg:"state"`
	Thinpool string   `arg:"thinpool"`
	VG       string   `arg:"vg"`
}

// LVol is community.general.lvol.
var LVol = modules.Define(modules.Spec{
	Name: "community.general.lvol",
	Doc:  "Make, resize and remove LVM logical volumes, snapshots and thin volumes.",
	Options: []modules.Option{
		{Name: "active", Type: modules.Bool, Default: true, Doc: "Whether the volume is active."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Shrink or remove it although data may be lost."},
		{Name: "lv", Doc: "The name of the volume."},
		{Name: "opts", Doc: "More options for lvcreate."},
		{Name: "pvs", Type: modules.List, Elements: modules.Str, Doc: "The devices that it may use."},
		{Name: "resizefs", Type: modules.Bool, Default: false, Doc: "Resize the file system with the volume."},
		{Name: "shrink", Type: modules.Bool, Default: true, Doc: "Make it smaller where it is larger than size."},
		{Name: "size", Doc: "The size: 10g, 100%FREE, or with a sign by how much it changes."},
		{Name: "snapshot", Doc: "The name of a snapshot to make of lv."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the volume is to be there."},
		{Name: "thinpool", Doc: "The thin pool, to make or to take a thin volume from."},
		{Name: "vg", Required: true, Doc: "The volume group."},
	},
	Rules: modules.Rules{RequiredOneOf: [][]string{{"lv", "thinpool"}}},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *lvolArgs) (*modules.Result, error) {
	l := &lvolRun{tool: tool{ctx, m}, a: a}
	return l.run()
})

type lvolRun struct {
	tool
	a        *lvolArgs
	extent   float64 // bytes
	vgSize   float64
	vgFree   float64
	sizeOpt  string // -L or -l
	sizeText string
}

type logicalVolume struct {
	name, attr string
	size       float64
}

func (l *lvolRun) fields(program string, columns string, more ...string) ([][]string, error) {
	args := append([]string{"--noheadings", "--nosuffix", "--units", "b", "--separator", ";", "-o", columns}, more...)
	res, err := l.must(program, args...)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for line := range strings.Lines(res.Stdout) {
		out = append(out, strings.Split(strings.TrimSpace(line), ";"))
	}
	return out, nil
}

func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

func (l *lvolRun) run() (*modules.Result, error) {
	a := l.a
	group, err := l.fields("vgs", "vg_name,vg_size,vg_free,vg_extent_size", a.VG)
	if err != nil || len(group) == 0 || len(group[0]) < 4 {
		if a.State == "absent" {
			return &modules.Result{Data: map[string]any{"stdout": "Volume group " + a.VG + " does not exist."}}, nil
		}
		return nil, modules.Failf("Volume group %s does not exist.", a.VG)
	}
	l.vgSize, l.vgFree, l.extent = number(group[0][1]), number(group[0][2]), number(group[0][3])
	rows, err := l.fields("lvs", "lv_name,lv_size,lv_attr", "-a", a.VG)
	if err != nil {
		return nil, err
	}
	name := a.LV
	if a.Snapshot != "" {
		name = a.Snapshot
	} else if name == "" {
		name = a.Thinpool
	}
	var have *logicalVolume
	for _, r := range rows {
		if len(r) > 2 && strings.Trim(r[0], "[]") == name {
			have = &logicalVolume{name, r[2], number(r[1])}
		}
	}
	if a.Size != "" {
		if err := l.parseSize(); err != nil {
			return nil, err
		}
	}
	res := &modules.Result{Data: map[string]any{"vg": a.VG, "lv": name}}
	switch {
	case a.State == "absent" && have == nil:
	case a.State == "absent":
		if !a.Force {
			return nil, modules.Failf("Sorry, no removal of logical volume %s without force=true.", name)
		}
		res.Changed = true
		err = l.change("lvremove", "--force", a.VG+"/"+name)
	case have == nil:
		res.Changed = true
		err = l.create(name)
	default:
		res.Changed, err = l.adjust(have)
	}
	return res, err
}

var lvSize = regexp.MustCompile(`^([+-]?)([0-9.]+)(%(?:VG|PVS|FREE|ORIGIN)|[bskmgtpeBSKMGTPE]?)$`)

func (l *lvolRun) parseSize() error {
	m := lvSize.FindStringSubmatch(strings.ToUpper(l.a.Size))
	if m == nil {
		return modules.Failf("Bad size specification of '%s'", l.a.Size)
	}
	l.sizeOpt, l.sizeText = "-L", l.a.Size
	if strings.HasPrefix(m[3], "%") {
		l.sizeOpt = "-l"
	} else if m[3] == "" {
		l.sizeText += "m"
	}
	return nil
}

// wanted is the size in bytes that the volume is to have.
func (l *lvolRun) wanted(have float64) float64 {
	m := lvSize.FindStringSubmatch(strings.ToUpper(l.a.Size))
	n := number(m[2])
	switch m[3] {
	case "%VG", "%PVS":
		n = l.vgSize * n / 100
	case "%FREE":
		n = l.vgFree * n / 100
		if m[1] == "" {
			n += have // what the volume itself takes counts as free
		}
	case "%ORIGIN":
		n = have * n / 100
	case "S":
		n *= 512
	default:
		unit := strings.Index("BKMGTPE", m[3])
		if m[3] == "" {
			unit = 2
		}
		for range unit {
			n *= 1024
		}
	}
	switch m[1] {
	case "+":
		return have + n
	case "-":
		return have - n
	}
	return n
}

func (l *lvolRun) create(name string) error {
	a := l.a
	opts := words(a.Opts)
	if a.Size == "" && a.Thinpool == "" && a.Snapshot == "" {
		return modules.Failf("No size given.")
	}
	if strings.HasPrefix(l.sizeText, "-") || strings.HasPrefix(l.sizeText, "+") {
		return modules.Failf("Bad size specification of '%s' for creating LV", l.a.Size)
	}
	args := append([]string{"--yes"}, opts...)
	switch {
	case a.Snapshot != "":
		args = append(args, "-s", "-n", name)
		if a.Size != "" {
			args = append(args, l.sizeOpt, l.sizeText)
		}
		args = append(args, a.VG+"/"+a.LV)
	case a.Thinpool != "" && a.LV != "":
		if l.sizeOpt == "-l" {
			return modules.Failf("Thin volume sizing with percentage not supported.")
		}
		args = append(args, "-n", name, "-V", l.sizeText, "-T", a.VG+"/"+a.Thinpool)
	case a.Thinpool != "":
		args = append(args, l.sizeOpt, l.sizeText, "-T", a.VG+"/"+a.Thinpool)
	default:
		args = append(args, "-n", name, l.sizeOpt, l.sizeText, a.VG)
	}
	return l.change("lvcreate", append(args, a.PVs...)...)
}

// adjust resizes and activates.
func (l *lvolRun) adjust(have *logicalVolume) (bool, error) {
	a := l.a
	changed := false
	if a.Size != "" && a.Snapshot == "" {
		did, err := l.resize(have)
		if err != nil {
			return false, err
		}
		changed = did
	}
	active := len(have.attr) > 4 && have.attr[4] == 'a'
	if active != a.Active {
		flag := "n"
		if a.Active {
			flag = "y"
		}
		return true, l.change("lvchange", "-a"+flag, a.VG+"/"+have.name)
	}
	return changed, nil
}

func (l *lvolRun) resize(have *logicalVolume) (bool, error) {
	a := l.a
	want := l.wanted(have.size)
	// Sizes are whole extents: less than one is no difference.
	delta := want - have.size
	if delta < l.extent && delta > -l.extent {
		return false, nil
	}
	program := "lvextend"
	args := []string{}
	if delta < 0 {
		switch {
		case !a.Shrink:
			return false, nil
		case want <= 0:
			return false, modules.Failf("Sorry, no shrinking of %s to 0 permitted.", have.name)
		case !a.Force:
			return false, modules.Failf("Sorry, no shrinking of %s without force=true", have.name)
		}
		program = "lvreduce"
		args = append(args, "--force")
	} else if delta > l.vgFree {
		return false, modules.Failf("Logical Volume %s could not be extended. Not enough free space left (%s required / %s available)",
			have.name, fmt.Sprintf("%.0fb", delta), fmt.Sprintf("%.0fb", l.vgFree))
	}
	if a.Resizefs {
		args = append(args, "--resizefs")
	}
	args = append(args, l.sizeOpt, l.sizeText, a.VG+"/"+have.name)
	if program == "lvextend" {
		args = append(args, a.PVs...)
	}
	return true, l.change(program, args...)
}
