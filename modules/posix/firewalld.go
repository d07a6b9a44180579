package posix

import (
	"context"
	"fmt"
	"strings"

	"gorun/modules"
)

type firewalldArgs struct {
	Forward            *bool         `arg:"forward"`
	IcmpBlock          string        `arg:"icmp_block"`
	IcmpBlockInversion *bool         `arg:"icmp_block_inversion"`
	Immediate          bool          `arg:"immediate"`
	Interface          string        `arg:"interface"`
	Masquerade         *bool         `arg:"masquerade"`
	Offline            bool          `arg:"offline"`
	Permanent          bool          `arg:"permanent"`
	Port               string        `arg:"port"`
	PortForward        []portForward `arg:"port_forward"`
	Protocol           string        `arg:"protocol"`
	RichRule           string        `arg:"rich_rule"`
	Service            string        `arg:"service"`
	Source             string        `arg:"source"`
	State              string        `arg:"state"`
	Target             string        `arg:"target"`
	Timeout            int           `arg:"timeout"`
	Zone               string        `arg:"zone"`
}

type portForward struct {
	Port   string `arg:"port"`
	Proto  string `arg:"proto"`
	ToPort string `arg:"toport"`
	ToAddr string `arg:"toaddr"`
}

// Firewalld is ansible.posix.firewalld.
var Firewalld = modules.Define(modules.Spec{
	Name: "ansible.posix.firewalld",
	Doc:  "Open and close ports, services and more of firewalld's zones, by firewall-cmd.",
	Options: []modules.Option{
		{Name: "icmp_block", Doc: "A type of ICMP to block."},
		{Name: "icmp_block_inversion", Type: modules.Bool, Doc: "Block all types of ICMP but those named."},
		{Name: "immediate", Type: modules.Bool, Default: false, Doc: "Change the running firewall too where permanent is asked for."},
		{Name: "interface", Doc: "A network interface to bind to the zone."},
		{Name: "masquerade", Type: modules.Bool, Doc: "Masquerading in the zone."},
		{Name: "forward", Type: modules.Bool, Doc: "Forwarding between the interfaces of the zone."},
		{Name: "offline", Type: modules.Bool, Default: false, Doc: "Change the permanent configuration although firewalld does not run."},
		{Name: "permanent", Type: modules.Bool, Default: false, Doc: "Change what is loaded at boot."},
		{Name: "port", Doc: "A port or range with its protocol: 8080/tcp."},
		{Name: "protocol", Doc: "A protocol to let in."},
		{Name: "rich_rule", Doc: "A rich rule."},
		{Name: "service", Doc: "A service to let in."},
		{Name: "source", Doc: "An address or network to bind to the zone."},
		{Name: "state", Required: true, Choices: []string{"absent", "disabled", "enabled", "present"}, Doc: "Whether the thing is to be there; present and absent are for zones and targets."},
		{Name: "target", Choices: []string{"default", "ACCEPT", "DROP", "%%REJECT%%"}, Doc: "The zone's target."},
		{Name: "timeout", Type: modules.Int, Default: 0, Doc: "Seconds after which the running firewall forgets the change."},
		{Name: "zone", Doc: "The zone; firewalld's default zone unless given."},
		{Name: "port_forward", Type: modules.List, Elements: modules.Dict, Doc: "A port to forward.", Options: []modules.Option{
			{Name: "port", Required: true, Doc: "The port that is forwarded."},
			{Name: "proto", Required: true, Choices: []string{"udp", "tcp"}, Doc: "Its protocol."},
			{Name: "toport", Required: true, Doc: "The port to forward to."},
			{Name: "toaddr", Doc: "The address to forward to."},
		}},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{
		{"icmp_block", "icmp_block_inversion", "service", "protocol", "port", "port_forward", "rich_rule", "interface", "forward", "masquerade", "source", "target"}},
		RequiredBy: map[string][]string{"interface": {"zone"}, "source": {"permanent"}, "target": {"zone"}}},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *firewalldArgs) (*modules.Result, error) {
	f := &firewall{tool: tool{ctx, m}, a: a}
	return f.run()
})

type firewall struct {
	tool
	a       *firewalldArgs
	offline bool
	changed bool
	msgs    []string
}

// A rule is one thing that is asked for, added and removed by options of
// firewall-cmd.
type rule struct {
	what               string
	query, add, remove string
	value              string
	timeout            bool
}

func (f *firewall) rule() (rule, error) {
	a := f.a
	valued := func(option, value string, timeout bool) rule {
		return rule{option, "--query-" + option, "--add-" + option, "--remove-" + option, value, timeout}
	}
	// A switch that is to be off is asked for by the opposite operation.
	switched := func(option string, on, timeout bool) rule {
		r := valued(option, "", timeout)
		if !on {
			r.add, r.remove = r.remove, r.add
		}
		return r
	}
	switch {
	case a.IcmpBlock != "":
		return valued("icmp-block", a.IcmpBlock, true), nil
	case a.IcmpBlockInversion != nil:
		return switched("icmp-block-inversion", *a.IcmpBlockInversion, false), nil
	case a.Forward != nil:
		return switched("forward", *a.Forward, false), nil
	case a.Service != "":
		return valued("service", a.Service, true), nil
	case a.Protocol != "":
		return valued("protocol", a.Protocol, true), nil
	case a.Port != "":
		if !strings.Contains(a.Port, "/") {
			return rule{}, modules.Failf("improper port format (missing protocol?)")
		}
		return valued("port", a.Port, true), nil
	case len(a.PortForward) > 1:
		return rule{}, modules.Failf("Only one port forward supported at a time")
	case len(a.PortForward) == 1:
		p := a.PortForward[0]
		text := fmt.Sprintf("port=%s:proto=%s:toport=%s", p.Port, p.Proto, p.ToPort)
		if p.ToAddr != "" {
			text += ":toaddr=" + p.ToAddr
		}
		return valued("forward-port", text, true), nil
	case a.RichRule != "":
		return valued("rich-rule", a.RichRule, true), nil
	case a.Interface != "":
		return rule{"interface", "--query-interface", "--change-interface", "--remove-interface", a.Interface, false}, nil
	case a.Masquerade != nil:
		return switched("masquerade", *a.Masquerade, true), nil
	case a.Source != "":
		return valued("source", a.Source, false), nil
	}
	return rule{}, nil
}

func (f *firewall) run() (*modules.Result, error) {
	a := f.a
	state, err := f.tool.run("firewall-cmd", "--state")
	if err != nil {
		return nil, err
	}
	permanent := a.Permanent
	if f.offline = state.RC != 0; f.offline && !a.Offline {
		return nil, modules.Failf("firewall is not currently running, unable to perform immediate actions without a running firewall daemon")
	}
	if f.offline {
		permanent = true
	}
	immediate := !f.offline && (a.Immediate || !permanent)
	r, err := f.rule()
	if err != nil {
		return nil, err
	}
	switch {
	case a.Target != "":
		err = f.target(permanent)
	case r.what == "" && a.Zone != "":
		err = f.zone(permanent)
	case r.what == "":
		return nil, modules.Failf("one of service, port, rich_rule, source, interface, masquerade, protocol, icmp_block, port_forward, target or zone is needed")
	case a.State == "present" || a.State == "absent":
		return nil, modules.Failf("absent and present state can only be used in zone level operations")
	default:
		err = f.apply(r, permanent, immediate)
	}
	if err != nil {
		return nil, err
	}
	return &modules.Result{Changed: f.changed, Msg: strings.Join(f.msgs, ", "), Data: map[string]any{}}, nil
}

// cmd runs firewall-cmd, or firewall-offline-cmd.
func (f *firewall) cmd(permanent bool, args ...string) (modules.CommandResult, error) {
	if f.offline {
		return f.tool.run("firewall-offline-cmd", args...)
	}
	if permanent {
		args = append([]string{"--permanent"}, args...)
	}
	return f.tool.run("firewall-cmd", args...)
}

func (f *firewall) zoneArgs() []string {
	if f.a.Zone == "" {
		return nil
	}
	return []string{"--zone=" + f.a.Zone}
}

func (f *firewall) apply(r rule, permanent, immediate bool) error {
	want := f.a.State == "enabled"
	// A switch that is to be off is asked for by the same question.
	present := want
	if strings.HasPrefix(r.add, "--remove-") {
		present = !want
	}
	for _, perm := range []bool{true, false} {
		if perm && !permanent || !perm && !immediate {
			continue
		}
		if err := f.applyIn(r, perm, want, present); err != nil {
			return err
		}
	}
	if f.changed {
		f.msgs = append(f.msgs, fmt.Sprintf("Changed %s %s to %s", r.what, r.value, f.a.State))
	}
	return nil
}

func option(name, value string) string {
	if value == "" {
		return name
	}
	return name + "=" + value
}

func (f *firewall) applyIn(r rule, permanent, want, present bool) error {
	kind := "Non-permanent"
	if permanent {
		kind = "Permanent"
	}
	res, err := f.cmd(permanent, append(f.zoneArgs(), option(r.query, r.value))...)
	if err != nil {
		return err
	}
	// 0 is yes and 1 is no; everything else is an error.
	if res.RC > 1 {
		return failed(res, "firewall-cmd", option(r.query, r.value))
	}
	if f.msgs = append(f.msgs, kind+" operation"); (res.RC == 0) == present {
		return nil
	}
	f.changed = true
	if f.m.Check {
		return nil
	}
	op := r.remove
	if want {
		op = r.add
	}
	args := append(f.zoneArgs(), option(op, r.value))
	if f.a.Timeout > 0 && r.timeout && !permanent && want {
		args = append(args, fmt.Sprintf("--timeout=%d", f.a.Timeout))
	}
	res, err = f.cmd(permanent, args...)
	if err == nil && res.RC != 0 {
		err = failed(res, "firewall-cmd", args...)
	}
	return err
}

// zone makes or removes a zone; that is permanent always.
func (f *firewall) zone(permanent bool) error {
	if !permanent {
		return modules.Failf("this is a zone transaction: permanent is needed")
	}
	res, err := f.cmd(true, "--get-zones")
	if err != nil {
		return err
	}
	have := false
	for z := range strings.FieldsSeq(res.Stdout) {
		have = have || z == f.a.Zone
	}
	if want := f.a.State == "present" || f.a.State == "enabled"; have != want {
		f.changed = true
		op := "--delete-zone="
		verb := "Removed"
		if want {
			op, verb = "--new-zone=", "Added"
		}
		f.msgs = append(f.msgs, verb+" zone "+f.a.Zone)
		if !f.m.Check {
			res, err := f.cmd(true, op+f.a.Zone)
			if err == nil && res.RC != 0 {
				err = failed(res, "firewall-cmd", op+f.a.Zone)
			}
			return err
		}
	}
	return nil
}

func (f *firewall) target(permanent bool) error {
	if !permanent || f.a.Zone == "" {
		return modules.Failf("zone and permanent are needed with target")
	}
	res, err := f.cmd(true, append(f.zoneArgs(), "--get-target")...)
	if err != nil {
		return err
	}
	want := f.a.Target
	if f.a.State == "absent" || f.a.State == "disabled" {
		want = "default"
	}
	if strings.TrimSpace(res.Stdout) == want {
		return nil
	}
	f.changed = true
	f.msgs = append(f.msgs, "Set zone "+f.a.Zone+" target to "+want)
	if f.m.Check {
		return nil
	}
	args := append(f.zoneArgs(), "--set-target="+want)
	res, err = f.cmd(true, args...)
	if err == nil && res.RC != 0 {
		err = failed(res, "firewall-cmd", args...)
	}
	return err
}

type firewalldInfoArgs struct {
	ActiveZones bool     `arg:"active_zones"`
	Zones       []string `arg:"zones"`
}

// FirewalldInfo is ansible.posix.firewalld_info.
var FirewalldInfo = modules.Define(modules.Spec{
	Name: "ansible.posix.firewalld_info",
	Doc:  "Tell how firewalld is set up.",
	Options: []modules.Option{
		{Name: "active_zones", Type: modules.Bool, Default: false, Doc: "Tell of zones only that are in use."},
		{Name: "zones", Type: modules.List, Elements: modules.Str, Doc: "Tell of these zones only."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *firewalldInfoArgs) (*modules.Result, error) {
	t := tool{ctx, m}
	version, err := t.must("firewall-cmd", "--version")
	if err != nil {
		return nil, err
	}
	def, err := t.must("firewall-cmd", "--get-default-zone")
	if err != nil {
		return nil, err
	}
	list := "--list-all-zones"
	all, err := t.must("firewall-cmd", list)
	if err != nil {
		return nil, err
	}
	zones, active := parseZones(all.Stdout)
	collected, undefined := []any{}, []any{}
	out := map[string]any{}
	wanted := func(name string) bool {
		if a.ActiveZones && !active[name] {
			return false
		}
		for _, z := range a.Zones {
			if z == name {
				return true
			}
		}
		return len(a.Zones) == 0
	}
	for name, z := range zones {
		if wanted(name) {
			out[name] = z
			collected = append(collected, name)
		}
	}
	for _, z := range a.Zones {
		if zones[z] == nil {
			undefined = append(undefined, z)
		}
	}
	return &modules.Result{Data: map[string]any{"active_zones": a.ActiveZones, "collected_zones": collected, "undefined_zones": undefined,
		"firewalld_info": map[string]any{"version": strings.TrimSpace(version.Stdout), "default_zone": strings.TrimSpace(def.Stdout), "zones": out}}}, nil
})

// parseZones reads the output of --list-all-zones.
func parseZones(text string) (zones map[string]map[string]any, active map[string]bool) {
	zones, active = map[string]map[string]any{}, map[string]bool{}
	name, key := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "":
		case !strings.HasPrefix(line, " "):
			f := strings.Fields(line)
			name = f[0]
			active[name] = strings.Contains(line, "active")
			zones[name] = map[string]any{}
		case strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "    "):
			if list, ok := zones[name][key].([]any); ok {
				zones[name][key] = append(list, strings.TrimSpace(line))
			}
		default:
			k, v, _ := strings.Cut(strings.TrimSpace(line), ":")
			key, v = strings.ReplaceAll(k, "-", "_"), strings.TrimSpace(v)
			switch key {
			case "target":
				zones[name][key] = v
			case "icmp_block_inversion", "masquerade", "forward":
				zones[name][key] = v == "yes"
			default:
				list := []any{}
				for w := range strings.FieldsSeq(v) {
					list = append(list, w)
				}
				zones[name][key] = list
			}
		}
	}
	return zones, active
}
