package posix

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

type partedArgs struct {
	Align     string   `arg:"align"`
	Device    string   `arg:"device"`
	Flags     []string `arg:"flags"`
	FSType    string   `arg:"fs_type"`
	Label     string   `arg:"label"`
	Name      string   `arg:"name"`
	Number    *int     `arg:"number"`
	PartEnd   string   `arg:"part_end"`
	PartStart string   `arg:"part_start"`
	PartType  string   `arg:"part_type"`
	Resize    bool     `arg:"resize"`
	State     string   `arg:"state"`
	Unit      string   `arg:"unit"`
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
	script []string
}

// print reads the machine-readable table in a unit.
func (p *partedRun) print(unit string) (disk map[string]any, parts []map[string]any, err error) {
	if _, err := os.Stat(p.a.Device); err != nil {
		return nil, nil, modules.Failf("Error when getting device information with parted: the device %s does not exist", p.a.Device)
	}
	res, err := p.tool.run("parted", "-s", "-m", p.a.Device, "--", "unit", unit, "print")
	if err != nil {
		return nil, nil, err
	}
	if res.RC != 0 && !strings.Contains(res.Stdout+res.Stderr, "unrecognised disk label") {
		return nil, nil, failed(res, "parted", p.a.Device)
	}
	disk, parts = parseParted(res.Stdout, unit)
	return disk, parts, nil
}

func parseParted(text, unit string) (disk map[string]any, parts []map[string]any) {
	disk = map[string]any{"unit": strings.ToLower(unit), "table": "unknown"}
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
				"fstype": f[4], "name": f[5], "flags": flags, "unit": strings.ToLower(unit)})
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
		p.plan(disk, parts)
	} else if a.State == "absent" && find(parts, *a.Number) != nil {
		p.script = []string{"rm", strconv.Itoa(*a.Number)}
	}
	text := strings.Join(p.script, " ")
	if len(p.script) > 0 {
		if err := p.change("parted", append([]string{"-s", "-m", "-a", a.Align, a.Device, "--"}, p.script...)...); err != nil {
			return nil, err
		}
		if !p.m.Check {
			if disk, parts, err = p.print(a.Unit); err != nil {
				return nil, err
			}
		}
	}
	list := make([]any, len(parts))
	for i, x := range parts {
		list[i] = x
	}
	return &modules.Result{Changed: text != "", Data: map[string]any{"disk": disk, "partitions": list, "script": text}}, nil
}

func find(parts []map[string]any, number int) map[string]any {
	for _, p := range parts {
		if p["num"] == number {
			return p
		}
	}
	return nil
}

// plan makes parted's commands for state present.
func (p *partedRun) plan(disk map[string]any, parts []map[string]any) {
	a := p.a
	have := find(parts, *a.Number)
	number := strconv.Itoa(*a.Number)
	if disk["table"] == "unknown" || disk["table"] != a.Label && len(parts) == 0 {
		p.script = append(p.script, "mklabel", a.Label)
	}
	switch {
	case have == nil:
		p.script = append(p.script, "mkpart")
		if a.Label == "gpt" {
			// Of gpt this word is the name.
			name := a.Name
			if name == "" {
				name = a.PartType
			}
			p.script = append(p.script, name)
		} else {
			p.script = append(p.script, a.PartType)
		}
		if a.FSType != "" {
			p.script = append(p.script, a.FSType)
		}
		p.script = append(p.script, a.PartStart, a.PartEnd)
		have = map[string]any{"flags": []any{}, "name": a.Name}
	case a.Resize:
		if end, err := strconv.ParseFloat(strings.TrimRight(a.PartEnd, "sBKMGTPikb%"), 64); err != nil || a.PartEnd == "100%" || end != have["end"] {
			p.resize(disk, have, number)
		}
	}
	if a.Name != "" && have["name"] != a.Name {
		p.script = append(p.script, "name", number, strconv.Quote(a.Name))
	}
	current, _ := have["flags"].([]any)
	for _, flag := range a.Flags {
		name, on := strings.TrimPrefix(flag, "-"), !strings.HasPrefix(flag, "-")
		if slices.Contains(current, any(name)) != on {
			p.script = append(p.script, "set", number, name, map[bool]string{true: "on", false: "off"}[on])
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
