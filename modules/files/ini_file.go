package files

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
)

type iniFileArgs struct {
	modules.FileArgs
	AllowNoValue   bool     `arg:"allow_no_value"`
	Backup         bool     `arg:"backup"`
	Create         bool     `arg:"create"`
	Exclusive      bool     `arg:"exclusive"`
	NoExtraSpaces  bool     `arg:"no_extra_spaces"`
	Option         string   `arg:"option"`
	Path           string   `arg:"path"`
	Section        string   `arg:"section"`
	State          string   `arg:"state"`
	Value          *string  `arg:"value"`
	Values         []string `arg:"values"`
	Follow         bool     `arg:"follow"`
	IgnoreSpaces   bool     `arg:"ignore_spaces"`
	ModifyInactive bool     `arg:"modify_inactive_option"`
	Has            []iniHas `arg:"section_has_values"`
}

// An iniHas is what the section that is meant has.
type iniHas struct {
	Option string   `arg:"option"`
	Value  *string  `arg:"value"`
	Values []string `arg:"values"`
}

func (h *iniHas) values() []string {
	if h.Value != nil {
		return []string{*h.Value}
	}
	return h.Values
}

// IniFile is community.general.ini_file.
var IniFile = modules.Define(modules.Spec{
	Name: "community.general.ini_file",
	Doc:  "Keep options of an INI file.",
	Options: []modules.Option{
		{Name: "allow_no_value", Type: modules.Bool, Default: false, Doc: "An option may stand without a value."},
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file as it was."},
		{Name: "create", Type: modules.Bool, Default: true, Doc: "Make the file where it is missing."},
		{Name: "exclusive", Type: modules.Bool, Default: true, Doc: "The values given are to be the only ones of the option."},
		{Name: "no_extra_spaces", Type: modules.Bool, Default: false, Doc: "Write name=value without blanks."},
		{Name: "option", Doc: "The option; without it the section itself is meant."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest"}, Doc: "The file."},
		{Name: "section", Doc: "The section; none is the part before the first."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the option or section is to be there."},
		{Name: "value", Doc: "The value."},
		{Name: "values", Type: modules.List, Elements: modules.Str, Doc: "Several values, a line each."},
		{Name: "follow", Type: modules.Bool, Default: false, Doc: "Edit what a link points to; otherwise the file takes the place of the link."},
		{Name: "ignore_spaces", Type: modules.Bool, Default: false, Doc: "Do not change a line that differs in blanks only."},
		{Name: "modify_inactive_option", Type: modules.Bool, Default: true, Doc: "Make use of a line that is commented out."},
		{Name: "section_has_values", Type: modules.List, Elements: modules.Dict, Doc: "Which of several sections of one name is meant: the first that has all of this.",
			Rules: modules.Rules{MutuallyExclusive: [][]string{{"value", "values"}}}, Options: []modules.Option{
				{Name: "option", Required: true, Doc: "The option."},
				{Name: "value", Doc: "Its value."},
				{Name: "values", Type: modules.List, Elements: modules.Str, Doc: "The values of which it has one."},
			}},
	},
	Rules:    modules.Rules{MutuallyExclusive: [][]string{{"value", "values"}}},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(ctx context.Context, m *modules.Run, a *iniFileArgs) (*modules.Result, error) {
	values := a.Values
	if a.Value != nil {
		values = []string{*a.Value}
	}
	if a.State == "present" && !a.AllowNoValue && a.Value == nil && a.Values == nil && a.Option != "" {
		return nil, modules.Failf("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.")
	}
	if a.Section == "" && a.Has != nil {
		return nil, modules.Failf("section_has_values needs the name of a section")
	}
	e, err := openEdit(m, a.Path, &a.FileArgs)
	if err != nil {
		return nil, err
	}
	e.replacesLink = !a.Follow
	if !e.present {
		if !a.Create {
			return nil, modules.FailWith(map[string]any{"rc": 257}, "Destination %s does not exist!", a.Path)
		}
		if err := e.makeParents(); err != nil {
			return nil, err
		}
	}
	i := &iniEdit{a: a, values: values, lines: splitKeep(e.before), empty: e.before == ""}
	msg := i.edit()
	e.after = strings.Join(i.lines, "")
	changed := e.changed()
	if !changed {
		msg = "OK"
	}
	if changed {
		if err := e.save(ctx, a.Backup, ""); err != nil {
			return nil, err
		}
	}
	data := map[string]any{"path": a.Path}
	if e.backup != "" || a.Backup && changed && !m.Check {
		data["backup_file"] = e.backup
	}
	res := &modules.Result{Data: data, Diff: []modules.Diff{e.contentDiff()}}
	if res.Changed, _, err = e.attributes(changed, "", nil); err != nil {
		return nil, err
	}
	data["msg"] = msg
	return res, nil
})

type iniEdit struct {
	a      *iniFileArgs
	values []string
	lines  []string
	empty  bool // there is no text yet
}

// section finds the lines of the section: from is the first behind its header,
// to is one behind the last; from < 0 where there is none.
func (i *iniEdit) section() (from, to int) {
	if i.a.Section == "" {
		return 0, i.end(0)
	}
	for n, l := range i.lines {
		if strings.TrimSpace(l) != "["+i.a.Section+"]" {
			continue
		}
		if to = i.end(n + 1); i.has(n+1, to) {
			return n + 1, to
		}
	}
	return -1, -1
}

// end is the line behind the section whose lines begin at from.
func (i *iniEdit) end(from int) int {
	for n := from; n < len(i.lines); n++ {
		if t := strings.TrimSpace(i.lines[n]); strings.HasPrefix(t, "[") && strings.HasSuffix(t, "]") {
			return n
		}
	}
	return len(i.lines)
}

// has reports whether the section of these lines has what the task says of it.
func (i *iniEdit) has(from, to int) bool {
	for _, h := range i.a.Has {
		_, pattern := iniOption(h.Option)
		values := h.values()
		if !slices.ContainsFunc(i.lines[from:to], func(line string) bool {
			v, ok := i.valueOf(pattern, line)
			return ok && (len(values) == 0 || slices.Contains(values, v))
		}) {
			return false
		}
	}
	return true
}

// hasLines are the lines that a new section gets to be the one that is meant.
func (i *iniEdit) hasLines() []string {
	var out []string
	for _, h := range i.a.Has {
		values := h.values()
		switch {
		case h.Option == i.a.Option:
			for _, v := range values {
				if !i.a.Exclusive && !slices.Contains(i.values, v) {
					i.values = append(i.values, v)
				}
			}
		case len(values) == 0 && i.a.AllowNoValue:
			out = append(out, h.Option+"\n")
		default:
			for _, v := range values {
				out = append(out, i.text(h.Option, v))
			}
		}
	}
	return out
}

// edit changes the lines and says what it did.
func (i *iniEdit) edit() string {
	a := i.a
	from, to := i.section()
	if a.State == "absent" {
		if from < 0 {
			return "OK"
		}
		if a.Option == "" {
			if a.Section != "" {
				from--
			}
			i.lines = slices.Delete(i.lines, from, to)
			return "section removed"
		}
		return i.remove(from, to)
	}
	if n := len(i.lines); n > 0 && !strings.HasSuffix(i.lines[n-1], "\n") && (from < 0 || to == n) {
		i.lines[n-1] += "\n"
	}
	if from < 0 {
		if i.empty {
			i.lines = []string{"\n"} // as Ansible begins a file
		}
		i.lines = append(i.lines, "["+a.Section+"]\n")
		i.addLines(len(i.lines), i.hasLines())
		i.addLines(len(i.lines), i.wanted())
		if a.Option == "" {
			return "only section added"
		}
		return "section and option added"
	}
	if a.Option == "" {
		return "OK"
	}
	return i.set(from, to)
}

// option matches a line of the option, active or (2nd) commented out.
func (i *iniEdit) option() (active, inactive *regexp.Regexp) { return iniOption(i.a.Option) }

func iniOption(name string) (active, inactive *regexp.Regexp) {
	name = regexp.QuoteMeta(name)
	return regexp.MustCompile(`^[ \t]*(` + name + `)[ \t]*(=|$)[ \t]*(.*)`),
		regexp.MustCompile(`^[#;]?[ \t]*(` + name + `)[ \t]*(=|$)[ \t]*(.*)`)
}

func (i *iniEdit) line(value string, bare bool) string {
	if bare {
		return i.a.Option + "\n"
	}
	return i.text(i.a.Option, value)
}

// text is the line of an option with a value.
func (i *iniEdit) text(option, value string) string {
	if i.a.NoExtraSpaces {
		return option + "=" + value + "\n"
	}
	return option + " = " + value + "\n"
}

// wanted are the lines of the option.
func (i *iniEdit) wanted() []string {
	if i.a.Option == "" {
		return nil
	}
	if i.values == nil {
		return []string{i.line("", true)}
	}
	var out []string
	for _, v := range i.values {
		if l := i.line(v, false); !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

func (i *iniEdit) addLines(at int, add []string) { i.lines = slices.Insert(i.lines, at, add...) }

func (i *iniEdit) valueOf(re *regexp.Regexp, line string) (string, bool) {
	m := re.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
	if m == nil {
		return "", false
	}
	return strings.TrimSpace(m[3]), true
}

// set gives the option its values in the section.
func (i *iniEdit) set(from, to int) string {
	active, inactive := i.option()
	if !i.a.ModifyInactive {
		inactive = active
	}
	want := i.wanted()
	msg := "option changed"
	// Values that are there already stay where they are; one that is commented
	// out comes to life.
	missing := slices.Clone(want)
	used := map[int]bool{}
	for n := from; n < to; n++ {
		v, ok := i.valueOf(inactive, i.lines[n])
		if !ok || used[n] {
			continue
		}
		for k, w := range missing {
			wv, _ := i.valueOf(active, w)
			if v == wv && (i.values != nil) == strings.Contains(i.lines[n], "=") {
				if _, isActive := i.valueOf(active, i.lines[n]); !isActive || !i.a.IgnoreSpaces {
					i.lines[n] = w
				}
				missing = slices.Delete(missing, k, k+1)
				used[n] = true
				break
			}
		}
	}
	// The others are put in the place of lines of the option.
	for n := from; n < to && len(missing) > 0 && i.a.Exclusive; n++ {
		if _, ok := i.valueOf(inactive, i.lines[n]); ok && !used[n] {
			i.lines[n] = missing[0]
			missing = missing[1:]
			used[n] = true
		}
	}
	if i.a.Exclusive && i.values != nil {
		for n := to - 1; n >= from; n-- {
			if _, ok := i.valueOf(active, i.lines[n]); ok && !used[n] {
				i.lines = slices.Delete(i.lines, n, n+1)
				to--
			}
		}
	}
	if len(missing) > 0 {
		at := to
		for at > from && !isIniEntry(i.lines[at-1]) {
			at-- // blanks and comments at the end belong to what follows
		}
		i.addLines(at, missing)
		msg = "option added"
	}
	return msg
}

func isIniEntry(line string) bool {
	t := strings.TrimSpace(line)
	return t != "" && t[0] != '#' && t[0] != ';'
}

// remove takes the option out of the section, or those of its values.
func (i *iniEdit) remove(from, to int) string {
	active, _ := i.option()
	for n := to - 1; n >= from; n-- {
		v, ok := i.valueOf(active, i.lines[n])
		if ok && (i.a.Exclusive || i.values == nil || slices.Contains(i.values, v)) {
			i.lines = slices.Delete(i.lines, n, n+1)
		}
	}
	return "option changed"
}
