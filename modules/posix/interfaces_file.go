package posix

import (
	"context"
	"os"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type interfacesArgs struct {
	modules.FileArgs
	AddressFamily string `arg:"address_family"`
	Backup        bool   `arg:"backup"`
	Dest          string `arg:"dest"`
	Iface         string `arg:"iface"`
	Option        string `arg:"option"`
	State         string `arg:"state"`
	Value         string `arg:"value"`
}

// InterfacesFile is community.general.interfaces_file.
var InterfacesFile = modules.Define(modules.Spec{
	Name: "community.general.interfaces_file",
	Doc:  "Set options of interfaces in /etc/network/interfaces.",
	Options: []modules.Option{
		{Name: "address_family", Doc: "The family (inet, inet6) of the interface's stanza."},
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file as it was."},
		{Name: "dest", Type: modules.Path, Default: "/etc/network/interfaces", Doc: "The file."},
		{Name: "iface", Doc: "The interface."},
		{Name: "option", Doc: "The option."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the option is to be there."},
		{Name: "value", Doc: "Its value."},
	},
	FileArgs: true,
	Rules:    modules.Rules{RequiredBy: map[string][]string{"option": {"iface"}}},
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(ctx context.Context, m *modules.Run, a *interfacesArgs) (*modules.Result, error) {
	if m.Params["option"] != nil && a.State == "present" && m.Params["value"] == nil {
		return nil, modules.Failf("Value must be set if option is defined and state is 'present'")
	}
	data, err := os.ReadFile(a.Dest)
	if err != nil {
		return nil, modules.Failf("Error reading %s: %s", a.Dest, oserr.Text(err))
	}
	f := parseInterfaces(string(data))
	if f.misplaced > 0 {
		return nil, modules.Failf("misplaced option %s in line %d", f.lines[f.misplaced-1], f.misplaced)
	}
	if a.Option != "" {
		if err := f.set(a); err != nil {
			return nil, err
		}
	}
	after := strings.Join(f.lines, "")
	res := &modules.Result{Changed: after != string(data), Data: map[string]any{"dest": a.Dest, "ifaces": f.describe()}}
	if res.Changed {
		if m.Diff {
			res.Diff = []modules.Diff{{Before: string(data), After: after, BeforeHeader: a.Dest, AfterHeader: a.Dest}}
		}
		if err := writeText(ctx, m, a.Dest, after, a.Backup, res); err != nil {
			return nil, err
		}
	}
	did, err := m.ApplyFileArgs(a.Dest, &a.FileArgs, false, nil)
	res.Changed = res.Changed || did
	return res, err
})

type interfacesText struct {
	lines   []string
	stanzas []ifaceStanza
	// misplaced is the number of the first line that no stanza has, 0 for none.
	misplaced int
}

// An ifaceStanza is "iface NAME FAMILY METHOD" and its option lines.
type ifaceStanza struct {
	name, family, method string
	at                   int // the line of iface
	options              []int
}

var stanzaWords = map[string]bool{"iface": true, "auto": true, "mapping": true, "source": true, "source-dir": true, "source-directory": true, "no-auto-down": true, "no-scripts": true}

func parseInterfaces(text string) *interfacesText {
	f := &interfacesText{}
	current, begun := -1, false
	for line := range strings.Lines(text) {
		f.lines = append(f.lines, line)
		w := strings.Fields(line)
		if len(w) == 0 || strings.HasPrefix(w[0], "#") {
			continue
		}
		switch {
		case w[0] == "iface" && len(w) >= 4:
			begun = true
			f.stanzas = append(f.stanzas, ifaceStanza{name: w[1], family: w[2], method: w[3], at: len(f.lines) - 1})
			current = len(f.stanzas) - 1
		case stanzaWords[w[0]] || strings.HasPrefix(w[0], "allow-"):
			current, begun = -1, true
		case !begun && f.misplaced == 0:
			f.misplaced = len(f.lines)
		case current >= 0:
			f.stanzas[current].options = append(f.stanzas[current].options, len(f.lines)-1)
		}
	}
	return f
}

// multiOptions may stand several times.
var multiOptions = map[string]bool{"pre-up": true, "up": true, "down": true, "post-up": true, "post-down": true, "pre-down": true}

func (f *interfacesText) set(a *interfacesArgs) error {
	var s *ifaceStanza
	for i := range f.stanzas {
		if f.stanzas[i].name == a.Iface && (a.AddressFamily == "" || f.stanzas[i].family == a.AddressFamily) {
			s = &f.stanzas[i]
		}
	}
	if s == nil {
		return modules.Failf("Error: interface %s not found", a.Iface)
	}
	if a.Option == "method" {
		old := strings.Fields(f.lines[s.at])[3]
		if a.State == "present" && old != a.Value {
			f.lines[s.at] = strings.Replace(f.lines[s.at], old, a.Value, 1)
		}
		return nil
	}
	var at []int
	same := -1
	for _, n := range s.options {
		name, value, _ := strings.Cut(strings.TrimSpace(f.lines[n]), " ")
		if name != a.Option {
			continue
		}
		at = append(at, n)
		if strings.TrimSpace(value) == a.Value {
			same = n
		}
	}
	switch {
	case a.State == "absent":
		for _, n := range at {
			if a.Value == "" || n == same || !multiOptions[a.Option] {
				f.lines[n] = ""
			}
		}
	case same >= 0:
	case len(at) > 0 && !multiOptions[a.Option]:
		last := at[len(at)-1]
		f.lines[last] = indentOf(f.lines[last]) + a.Option + " " + a.Value + "\n"
	default:
		n, indent := s.at, "    "
		if len(s.options) > 0 {
			n = s.options[len(s.options)-1]
			indent = indentOf(f.lines[n])
		}
		if !strings.HasSuffix(f.lines[n], "\n") {
			f.lines[n] += "\n"
		}
		f.lines[n] += indent + a.Option + " " + a.Value + "\n"
	}
	return nil
}

func indentOf(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

// describe tells of the interfaces in the result.
func (f *interfacesText) describe() map[string]any {
	out := map[string]any{}
	now := parseInterfaces(strings.Join(f.lines, ""))
	for _, s := range now.stanzas {
		d := map[string]any{"address_family": s.family, "method": s.method}
		for _, name := range []string{"pre-up", "up", "down", "post-up"} {
			d[name] = []any{}
		}
		for _, n := range s.options {
			name, value, _ := strings.Cut(strings.TrimSpace(now.lines[n]), " ")
			value = strings.TrimSpace(value)
			if list, ok := d[name].([]any); ok {
				d[name] = append(list, value)
			} else {
				d[name] = value
			}
		}
		out[s.name] = d
	}
	return out
}
