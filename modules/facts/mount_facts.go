package facts

// This file is the mount_facts module: mounts from the tables that are asked for.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
)

type mountFactsArgs struct {
	Devices                []string `arg:"devices"`
	FSTypes                []string `arg:"fstypes"`
	Sources                []string `arg:"sources"`
	MountBinary            any      `arg:"mount_binary"`
	Timeout                *float64 `arg:"timeout"`
	OnTimeout              string   `arg:"on_timeout"`
	IncludeAggregateMounts *bool    `arg:"include_aggregate_mounts"`
}

// MountFacts is ansible.builtin.mount_facts
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/mount_facts_module.html).
var MountFacts = modules.Define(modules.Spec{
	Name: "ansible.builtin.mount_facts",
	Doc:  "Tells what is mounted, or is to be, by the tables that are asked for.",
	Options: []modules.Option{
		{Name: "devices", Type: modules.List, Elements: modules.Str, Doc: "Patterns of devices; others are left out."},
		{Name: "fstypes", Type: modules.List, Elements: modules.Str, Doc: "Patterns of types of file systems; others are left out."},
		{Name: "sources", Type: modules.List, Elements: modules.Str, Doc: "Files, mount for the program, or static, dynamic or all for the usual files."},
		{Name: "mount_binary", Type: modules.Raw, Default: "mount", Doc: "The program that is asked where no dynamic file has anything; null for none."},
		{Name: "timeout", Type: modules.Float, Doc: "For how many seconds to wait for each file system and program."},
		{Name: "on_timeout", Default: "error", Choices: []string{"error", "warn", "ignore"}, Doc: "What to do where that was not enough."},
		{Name: "include_aggregate_mounts", Type: modules.Bool, Doc: "Whether mounts over one another are all told."},
	},
	Diff:  modules.NoSupport,
	Facts: true,
}, runMountFacts)

var (
	staticMounts  = []string{"/etc/fstab", "/etc/vfstab", "/etc/filesystems"}
	dynamicMounts = []string{"/etc/mtab", "/proc/mounts", "/etc/mnttab"}
)

// A mountEntry is one line, or stanza, of a source.
type mountEntry struct {
	source, line string
	fields       map[string]any // mount, device, fstype and what else the source tells
}

// A mountRun is one run of the module.
type mountRun struct {
	ctx    context.Context
	m      *modules.Run
	a      *mountFactsArgs
	binary string
	limit  time.Duration // 0 is none
	uuids  map[string]any
}

func runMountFacts(ctx context.Context, m *modules.Run, a *mountFactsArgs) (*modules.Result, error) {
	r := &mountRun{ctx: ctx, m: m, a: a, uuids: links("by-uuid")}
	if a.Timeout != nil {
		if *a.Timeout <= 0 {
			return nil, modules.Failf("argument 'timeout' must be a positive number or null, not %v", *a.Timeout)
		}
		r.limit = time.Duration(*a.Timeout * float64(time.Second))
	}
	if a.MountBinary != nil {
		var ok bool
		if r.binary, ok = a.MountBinary.(string); !ok {
			return nil, modules.Failf("argument 'mount_binary' must be a string or null, not %v", a.MountBinary)
		}
	}
	entries, err := r.entries()
	if err != nil {
		return nil, err
	}
	all := []any{}
	points := map[string]any{}
	bySource := map[string][]string{}
	repeated := false
	for _, e := range entries {
		fields, err := r.facts(e)
		if err != nil {
			return nil, err
		}
		if fields == nil {
			continue
		}
		point, _ := fields["mount"].(string)
		if points[point] == nil {
			points[point] = fields
		}
		repeated = repeated || slices.Contains(bySource[e.source], point)
		bySource[e.source] = append(bySource[e.source], point)
		all = append(all, fields)
	}
	if repeated && a.IncludeAggregateMounts == nil {
		m.Warn("mount_facts: ignoring repeat mounts in the sources. You can disable this warning by configuring the 'include_aggregate_mounts' option as True or False.")
	}
	if a.IncludeAggregateMounts == nil || !*a.IncludeAggregateMounts {
		all = []any{}
	}
	return &modules.Result{Data: map[string]any{"ansible_facts": map[string]any{"mount_points": points, "aggregate_mounts": all}}}, nil
}

// entries reads the sources, each file once.
func (r *mountRun) entries() ([]mountEntry, error) {
	wanted := r.a.Sources
	if len(wanted) == 0 {
		wanted = []string{"all"}
	}
	var sources []string
	for _, s := range wanted {
		switch s {
		case "":
			return nil, modules.Failf("sources contains an empty string")
		case "all":
			sources = slices.Concat(sources, dynamicMounts, staticMounts)
		case "dynamic":
			sources = append(sources, dynamicMounts...)
		case "static":
			sources = append(sources, staticMounts...)
		default:
			sources = append(sources, s)
		}
	}
	fallback, seen := false, map[string]bool{}
	repeated := false
	for _, s := range sources {
		fallback = fallback || r.binary != "" && slices.Contains(dynamicMounts, s)
		repeated = repeated || seen[s]
		seen[s] = true
	}
	if repeated {
		r.m.Warn("mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: %s", strings.Join(sources, ", "))
	}
	clear(seen)
	var out []mountEntry
	for _, s := range sources {
		real := s
		if s != "mount" {
			if p, err := filepath.EvalSymlinks(s); err == nil {
				real = p
			}
		}
		if seen[s] || seen[real] {
			continue
		}
		seen[real] = true
		var list []mountEntry
		var err error
		if s == "mount" {
			list, err = r.program()
		} else {
			list = fileMounts(s)
		}
		if err != nil {
			return nil, err
		}
		if list != nil && (s == "mount" || slices.Contains(dynamicMounts, s)) {
			fallback = false
		}
		out = append(out, list...)
	}
	if fallback {
		list, err := r.program()
		return append(out, list...), err
	}
	return out, nil
}

// timedOut does what on_timeout says.
func (r *mountRun) timedOut(msg string) error {
	switch r.a.OnTimeout {
	case "error":
		return modules.Failf("%s", msg)
	case "warn":
		r.m.Warn("%s", msg)
	}
	return nil
}

var (
	linuxMount = regexp.MustCompile(`^(\S+) on (\S+) type (\S+) \((.+)\)$`)
	bsdMount   = regexp.MustCompile(`^(\S+) on (\S+) \((.+)\)$`)
)

// program asks the mount program: Linux's form, or that of the BSDs and macOS.
func (r *mountRun) program() ([]mountEntry, error) {
	bin, err := r.m.RequireBin(r.binary)
	if err != nil {
		return nil, err
	}
	res, err := r.m.Command(r.ctx, modules.CommandOptions{Timeout: r.limit}, bin)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, r.timedOut("Command '" + bin + "' timed out after " + strconv.FormatFloat(*r.a.Timeout, 'f', -1, 64) + " seconds")
	}
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.Failf("Failed to execute %s: it ended with exit status %d", bin, res.RC)
	}
	var out []mountEntry
	for line := range strings.Lines(res.Stdout) {
		line = strings.TrimRight(line, "\n")
		if f := linuxMount.FindStringSubmatch(line); f != nil {
			out = append(out, mountEntry{"mount", line, map[string]any{"device": f[1], "mount": f[2], "fstype": f[3], "options": f[4]}})
		} else if f := bsdMount.FindStringSubmatch(line); f != nil {
			fields := map[string]any{"device": f[1], "mount": f[2], "fstype": f[3]}
			if kind, options, ok := strings.Cut(f[3], ","); ok {
				fields["fstype"], fields["options"] = strings.TrimSpace(kind), strings.TrimSpace(options)
			}
			out = append(out, mountEntry{"mount", line, fields})
		}
	}
	return out, nil
}

// fileMounts reads a file of one of the forms that there are: Solaris's vfstab
// (7 columns) and mnttab (5, the last a time), fstab (4 to 6), AIX's stanzas.
// The first that fits every line counts.
func fileMounts(path string) []mountEntry {
	data, err := os.ReadFile(path)
	text := strings.TrimSpace(string(data))
	if err != nil || text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for _, form := range []func([]string) ([]mountEntry, bool){vfstab, mnttab, fstab, aixFilesystems} {
		if list, ok := form(lines); ok {
			for i := range list {
				list[i].source = path
			}
			return list
		}
	}
	return nil
}

// columns calls entry for every line that is no comment; it fails where entry does.
func columns(lines []string, least int, entry func(f []string) map[string]any) ([]mountEntry, bool) {
	var out []mountEntry
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		if len(f) < least {
			return nil, false
		}
		fields := entry(f)
		if fields == nil {
			return nil, false
		}
		out = append(out, mountEntry{line: line, fields: fields})
	}
	return out, true
}

func vfstab(lines []string) ([]mountEntry, bool) {
	return columns(lines, 7, func(f []string) map[string]any {
		var pass any = f[4]
		if n, err := strconv.Atoi(f[4]); err == nil {
			pass = n
		}
		return map[string]any{"device": f[0], "device_to_fsck": f[1], "mount": f[2], "fstype": f[3], "passno": pass,
			"mount_at_boot": f[5], "options": f[6]}
	})
}

func mnttab(lines []string) ([]mountEntry, bool) {
	times := false
	list, ok := columns(lines, 5, func(f []string) map[string]any {
		n, err := strconv.Atoi(f[4])
		if err != nil {
			return nil
		}
		times = times || len(f[4]) == 10
		return map[string]any{"device": f[0], "mount": f[1], "fstype": f[2], "options": f[3], "time": n}
	})
	return list, ok && times
}

func fstab(lines []string) ([]mountEntry, bool) {
	return columns(lines, 4, func(f []string) map[string]any {
		for i := range f {
			f[i] = unescape(f[i])
		}
		fields := map[string]any{"device": f[0], "mount": f[1], "fstype": f[2], "options": f[3]}
		for i, key := range []string{"dump", "passno"} {
			if len(f) <= 4+i {
				break
			}
			n, err := strconv.Atoi(f[4+i])
			if err != nil {
				return nil
			}
			fields[key] = n
		}
		return fields
	})
}

func aixFilesystems(lines []string) ([]mountEntry, bool) {
	var out []mountEntry
	attributes := map[string]any{}
	for _, line := range lines {
		t := strings.TrimSpace(line)
		switch name, value, ok := strings.Cut(t, "="); {
		case t == "" || line[0] == '*':
		case strings.HasSuffix(t, ":"):
			attributes = map[string]any{}
			out = append(out, mountEntry{line: line, fields: map[string]any{"mount": strings.TrimSuffix(t, ":"), "attributes": attributes}})
		case !ok || len(out) == 0:
			return nil, false // Linux has another file of that name
		default:
			out[len(out)-1].line += "\n" + line
			attributes[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	for _, e := range out {
		a := e.fields["attributes"].(map[string]any)
		node, _ := a["nodename"].(string)
		dev, _ := a["dev"].(string)
		if node != "" && dev != "" {
			node += ":"
		}
		e.fields["device"], e.fields["fstype"] = "unknown", "unknown"
		if node+dev != "" {
			e.fields["device"] = node + dev
		}
		if vfs, ok := a["vfs"].(string); ok && vfs != "" {
			e.fields["fstype"] = vfs
		}
	}
	return out, true
}

// facts completes an entry; nil where the filters leave it out.
func (r *mountRun) facts(e mountEntry) (map[string]any, error) {
	device, _ := e.fields["device"].(string)
	kind, _ := e.fields["fstype"].(string)
	var uuid any
	if id, ok := strings.CutPrefix(device, "UUID="); ok {
		uuid = id
		if real, err := filepath.EvalSymlinks("/dev/disk/by-uuid/" + id); err == nil {
			device = real
		}
	}
	if !anyMatch(r.a.Devices, device) || !anyMatch(r.a.FSTypes, kind) {
		return nil, nil
	}
	point, _ := e.fields["mount"].(string)
	sizes, err := r.sizes(point, kind)
	if err != nil {
		return nil, err
	}
	for k, v := range sizes {
		e.fields[k] = v
	}
	if uuid == nil {
		if real, err := filepath.EvalSymlinks(device); err == nil {
			if l, _ := r.uuids[filepath.Base(real)].([]string); len(l) > 0 {
				uuid = l[0]
			}
		}
	}
	e.fields["uuid"] = uuid
	e.fields["ansible_context"] = map[string]any{"source": e.source, "source_data": e.line}
	return e.fields, nil
}

// sizes asks a file system for its size, as long as timeout allows.
func (r *mountRun) sizes(point, kind string) (map[string]any, error) {
	if r.limit == 0 {
		return statFS(point), nil
	}
	answer := make(chan map[string]any, 1)
	go func() { answer <- statFS(point) }()
	timer := time.NewTimer(r.limit)
	defer timer.Stop()
	select {
	case s := <-answer:
		return s, nil
	case <-timer.C:
		return nil, r.timedOut("Timed out getting mount size for mount " + point + " (type " + kind + ")")
	}
}

// anyMatch reports whether a text matches one of the shell's patterns, of which
// * spans slashes; no pattern matches all.
func anyMatch(patterns []string, s string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
		re, err := regexp.Compile(shellPattern(p))
		return err == nil && re.MatchString(s)
	})
}

// shellPattern makes a regular expression of Python's fnmatch.
func shellPattern(p string) string {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for i := 0; i < len(p); i++ {
		end := strings.IndexByte(p[min(i+2, len(p)):], ']')
		switch {
		case p[i] == '*':
			b.WriteString(".*")
		case p[i] == '?':
			b.WriteString(".")
		case p[i] == '[' && end >= 0:
			set := p[i+1 : i+2+end]
			b.WriteByte('[')
			if rest, ok := strings.CutPrefix(set, "!"); ok {
				b.WriteByte('^')
				set = rest
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `^`, `\^`, `[`, `\[`).Replace(set))
			b.WriteByte(']')
			i += end + 2
		default:
			b.WriteString(regexp.QuoteMeta(p[i : i+1]))
		}
	}
	return b.String() + "$"
}
