package posix

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

type partedArgs struct {
	Align        string   `arg:"align"`
	Device       string   `arg:"device"`
	Flags        []string `arg:"flags"`
	FSType       string   `arg:"fs_type"`
	Label        string   `arg:"label"`
	Name         string   `arg:"name"`
	Number       *int     `arg:"number"`
	PartEnd      string   `arg:"part_end"`
	PartStart    string   `arg:"part_start"`
	PartType     string   `arg:"part_type"`
	Resize       bool     `arg:"resize"`
	State        string   `arg:"state"`
	Unit         string   `arg:"unit"`
	PreserveCase bool     `arg:"unit_preserve_case"`
}

// Parted is community.general.parted.
var Parted = modules.Define(modules.Spec{
	Name: "community.general.parted",
	Doc:  "Make, resize and remove partitions, by parted.",
	Options: []modules.Option{
		{Name: "align", Default: "optimal", Choices: []string{"cylinder", "minimal", "none", "optimal", "undefined"}, Doc: "How partitions are aligned."},
		{Name: "device", Required: true, Doc: "The disk."},
		{Name: "flags", Type: modules.List, Elements: modules.Str, Doc: "The partition's flags; one with a minus is to be off."},
		{Name: "fs_type", Doc: "The type of file system that the partition says it has."},
		{Name: "label", Default: "msdos", Choices: []string{"aix", "amiga", "bsd", "dvh", "gpt", "loop", "mac", "msdos", "pc98", "sun"}, Doc: "The kind of partition table, made where there is none."},
		{Name: "name", Doc: "The partition's name."},
		{Name: "number", Type: modules.Int, Doc: "The partition's number."},
		{Name: "part_end", Default: "100%", Doc: "Where it ends."},
		{Name: "part_start", Default: "0%", Doc: "Where it begins."},
		{Name: "part_type", Default: "primary", Choices: []string{"extended", "logical", "primary"}, Doc: "The type of the partition."},
		{Name: "resize", Type: modules.Bool, Default: false, Doc: "Resize it to part_end."},
		{Name: "state", Default: "info", Choices: []string{"absent", "present", "info"}, Doc: "Whether the partition is to be there, or only to tell of all."},
		{Name: "unit", Default: "KiB", Choices: []string{"s", "B", "KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB", "%", "cyl", "chs", "compact"}, Doc: "The unit of what is told."},
		{Name: "unit_preserve_case", Type: modules.Bool, Default: false, Doc: "Tells units as they are written, not in small letters."},
	},
	Rules: modules.Rules{RequiredIf: []modules.RequiredIf{{Key: "state", Value: "present", Need: []string{"number"}},
		{Key: "state", Value: "absent", Need: []string{"number"}}}},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *partedArgs) (*modules.Result, error) {
	p := &partedRun{tool: tool{ctx, m}, a: a}
	return p.run()
})

type partedRun struct {
	tool
	a      *partedArgs
	script []string // the next commands
	done   []string // all commands, as the result tells them
}

// execute runs the commands in the unit of the task.
func (p *partedRun) execute(inUnit bool) error {
	if len(p.script) == 0 {
		return nil
	}
	words := p.script
	if inUnit {
		words = append([]string{"unit", p.a.Unit}, words...)
	}
	p.script = nil
	for _, w := range words {
		if strings.HasPrefix(w, `"`) {
			w = "'" + w + "'" // as a shell would need it
		}
		p.done = append(p.done, w)
	}
	if p.m.Check {
		return nil
	}
	args := []string{"-s", "-m"}
	if p.a.Align != "undefined" {
		args = append(args, "-a", p.a.Align)
	}
	args = append(append(args, p.a.Device, "--"), words...)
	res, err := p.tool.run("parted", args...)
	if err == nil && res.RC != 0 {
		err = modules.FailWith(map[string]any{"rc": res.RC, "out": res.Stdout, "err": res.Stderr},
			"Error while running parted script: %s %s", p.m.BinPath("parted"), strings.Join(args, " "))
	}
	return err
}

// print reads the machine-readable table in a unit.
func (p *partedRun) print(unit string) (disk map[string]any, parts []map[string]any, err error) {
	res, err := p.tool.run("parted", "-s", "-m", p.a.Device, "--", "unit", unit, "print")
	if err != nil {
		return nil, nil, err
	}
	if res.RC != 0 && !strings.Contains(res.Stdout+res.Stderr, "unrecognised disk label") {
		return nil, nil, modules.FailWith(map[string]any{"rc": res.RC, "out": res.Stdout, "err": res.Stderr},
			"Error while getting device information with parted script: '%s -s -m %s -- unit '%s' print'", p.m.BinPath("parted"), p.a.Device, unit)
	}
	shown := strings.ToLower(unit)
	if p.a.PreserveCase {
		shown = unit
	}
	disk, parts = parseParted(res.Stdout, shown)
	return disk, parts, nil
}

func parseParted(text, unit string) (disk map[string]any, parts []map[string]any) {
	disk = map[string]any{"unit": unit, "table": "unknown"}
	size := func(s string) float64 {
		n, _ := strconv.ParseFloat(strings.TrimRight(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz%"), 64)
		return n
	}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(strings.TrimSpace(line), ";"), ":")
		switch {
		case len(f) >= 7 && strings.HasPrefix(f[0], "/"):
			logical, _ := strconv.Atoi(f[3])
			physical, _ := strconv.Atoi(f[4])
			disk["dev"], disk["size"], disk["table"], disk["model"] = f[0], size(f[1]), f[5], f[6]
			disk["logical_block"], disk["physical_block"] = logical, physical
		case len(f) >= 7:
			num, err := strconv.Atoi(f[0])
			if err != nil {
				continue
			}
			flags := []any{}
			for w := range strings.SplitSeq(f[6], ",") {
				if w = strings.TrimSpace(w); w != "" {
					flags = append(flags, w)
				}
			}
			parts = append(parts, map[string]any{"num": num, "begin": size(f[1]), "end": size(f[2]), "size": size(f[3]),
				"fstype": f[4], "name": f[5], "flags": flags, "unit": unit})
		}
	}
	return disk, parts
}

func (p *partedRun) run() (*modules.Result, error) {
	a := p.a
	disk, parts, err := p.print(a.Unit)
	if err != nil {
		return nil, err
	}
	if a.Number != nil && *a.Number < 1 {
		return nil, modules.Failf("The partition number must be greater then 0.")
	}
	if a.State == "present" {
		err = p.present(disk, parts)
	} else if a.State == "absent" && find(parts, *a.Number) != nil {
		p.script = []string{"rm", strconv.Itoa(*a.Number)}
		err = p.execute(false)
	}
	if err != nil {
		return nil, err
	}
	changed := len(p.done) > 0
	if changed && !p.m.Check {
		if disk, parts, err = p.print(a.Unit); err != nil {
			return nil, err
		}
	}
	text := strings.Join(p.done, " ")
	if a.State == "info" {
		text = "unit '" + a.Unit + "' print"
	}
	list := make([]any, len(parts))
	for i, x := range parts {
		list[i] = x
	}
	return &modules.Result{Changed: changed, Data: map[string]any{"disk": disk, "partitions": list, "script": text}}, nil
}

func find(parts []map[string]any, number int) map[string]any {
	for _, p := range parts {
		if p["num"] == number {
			return p
		}
	}
	return nil
}

// present makes the table and the partition, then sees to its name and flags.
func (p *partedRun) present(disk map[string]any, parts []map[string]any) error {
	a := p.a
	have := find(parts, *a.Number)
	number := strconv.Itoa(*a.Number)
	if disk["table"] != a.Label {
		p.script = append(p.script, "mklabel", a.Label)
		have = nil
	}
	made := have == nil
	if made {
		p.script = append(p.script, "mkpart", a.PartType)
		if a.FSType != "" {
			p.script = append(p.script, a.FSType)
		}
		p.script = append(p.script, a.PartStart, a.PartEnd)
	} else if a.Resize {
		if end, err := strconv.ParseFloat(strings.TrimRight(a.PartEnd, "sBKMGTPikb%"), 64); err != nil || a.PartEnd == "100%" || end != have["end"] {
			p.resize(disk, have, number)
		}
	}
	if err := p.execute(made); err != nil {
		return err
	}
	if made && !p.m.Check {
		_, now, err := p.print(a.Unit)
		if err != nil {
			return err
		}
		if have = find(now, *a.Number); have == nil {
			return nil // parted gave it another number
		}
	}
	if a.Name != "" && (have == nil || have["name"] != a.Name) {
		p.script = append(p.script, "name", number, strconv.Quote(a.Name))
	}
	current, _ := have["flags"].([]any)
	p.flags(number, current)
	return p.execute(true)
}

// flags turns on what the task names and off all else that is on.
func (p *partedRun) flags(number string, current []any) {
	want := p.a.Flags
	if len(want) == 0 {
		return
	}
	if slices.Contains(want, "esp") && !slices.Contains(want, "boot") {
		want = append(slices.Clip(want), "boot") // parted sets both
	}
	for _, flag := range want {
		if !slices.Contains(current, any(flag)) {
			p.script = append(p.script, "set", number, flag, "on")
		}
	}
	for _, flag := range current {
		if name, _ := flag.(string); !slices.Contains(want, name) {
			p.script = append(p.script, "set", number, name, "off")
		}
	}
}

func (p *partedRun) resize(disk, have map[string]any, number string) {
	total, _ := disk["size"].(float64)
	end, _ := have["end"].(float64)
	// Partitions end a little before the disk does (alignment, gpt's copy).
	if p.a.PartEnd == "100%" && total > 0 && (total-end)/total < 0.002 {
		return
	}
	p.script = append(p.script, "resizepart", number, p.a.PartEnd)
}
