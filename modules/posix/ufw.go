package posix

// This file is the ufw module: rules of the uncomplicated firewall.

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
)

type ufwArgs struct {
	State            string `arg:"state"`
	Default          string `arg:"default"`
	Logging          string `arg:"logging"`
	Direction        string `arg:"direction"`
	Delete           bool   `arg:"delete"`
	Route            bool   `arg:"route"`
	Insert           *int   `arg:"insert"`
	InsertRelativeTo string `arg:"insert_relative_to"`
	Rule             string `arg:"rule"`
	Interface        string `arg:"interface"`
	InterfaceIn      string `arg:"interface_in"`
	InterfaceOut     string `arg:"interface_out"`
	Log              bool   `arg:"log"`
	FromIP           string `arg:"from_ip"`
	FromPort         string `arg:"from_port"`
	ToIP             string `arg:"to_ip"`
	ToPort           string `arg:"to_port"`
	Proto            string `arg:"proto"`
	Name             string `arg:"name"`
	Comment          string `arg:"comment"`
}

// UFW is community.general.ufw
// (https://docs.ansible.com/ansible/latest/collections/community/general/ufw_module.html).
var UFW = modules.Define(modules.Spec{
	Name: "community.general.ufw",
	Doc:  "Turns the uncomplicated firewall on and off and keeps its policies and rules.",
	Options: []modules.Option{
		{Name: "state", Choices: []string{"enabled", "disabled", "reloaded", "reset"}, Doc: "What to do with the firewall."},
		{Name: "default", Aliases: []string{"policy"}, Choices: []string{"allow", "deny", "reject"}, Doc: "The policy of a direction."},
		{Name: "logging", Choices: []string{"full", "high", "low", "medium", "off", "on"}, Doc: "How much is logged."},
		{Name: "direction", Choices: []string{"in", "incoming", "out", "outgoing", "routed"}, Doc: "The direction of a rule or policy."},
		{Name: "delete", Type: modules.Bool, Default: false, Doc: "Takes the rule away."},
		{Name: "route", Type: modules.Bool, Default: false, Doc: "Whether the rule is for forwarded packets."},
		{Name: "insert", Type: modules.Int, Doc: "The number that the rule gets."},
		{Name: "insert_relative_to", Default: "zero", Choices: []string{"zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"}, Doc: "From where insert counts."},
		{Name: "rule", Choices: []string{"allow", "deny", "limit", "reject"}, Doc: "What is done with packets."},
		{Name: "interface", Aliases: []string{"if"}, Doc: "The interface, of the rule's direction."},
		{Name: "interface_in", Aliases: []string{"if_in"}, Doc: "The interface that packets come in by."},
		{Name: "interface_out", Aliases: []string{"if_out"}, Doc: "The interface that packets go out by."},
		{Name: "log", Type: modules.Bool, Default: false, Doc: "Whether new connections are logged."},
		{Name: "from_ip", Default: "any", Aliases: []string{"from", "src"}, Doc: "Source address or network."},
		{Name: "from_port", Doc: "Source port."},
		{Name: "to_ip", Default: "any", Aliases: []string{"dest", "to"}, Doc: "Destination address or network."},
		{Name: "to_port", Aliases: []string{"port"}, Doc: "Destination port, or first:last."},
		{Name: "proto", Aliases: []string{"protocol"}, Choices: []string{"ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp", "vrrp"}, Doc: "The protocol."},
		{Name: "name", Aliases: []string{"app"}, Doc: "An application's profile."},
		{Name: "comment", Doc: "A comment on the rule."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"name", "proto", "logging"}, {"direction", "interface_in"}, {"direction", "interface_out"}},
		RequiredOneOf:     [][]string{{"state", "default", "rule", "logging"}},
		RequiredBy:        map[string][]string{"interface": {"direction"}},
	},
}, func(ctx context.Context, m *modules.Run, a *ufwArgs) (*modules.Result, error) {
	r := &ufwRun{tool: tool{ctx, m}, a: a, commands: []string{}}
	return r.run()
})

// A ufwRun is one run of the module.
type ufwRun struct {
	tool
	a         *ufwArgs
	ufw, grep string
	commands  []string
	changed   bool
	state     string // what `ufw status verbose` told before
	rules     string // the rules that were there
}

// words runs a program and notes the command as the result shows it.
func (r *ufwRun) words(mayFail bool, argv ...string) (string, error) {
	shown := slices.Clone(argv)
	for i, w := range shown {
		if strings.ContainsAny(w, " #") {
			shown[i] = "'" + w + "'"
		}
	}
	r.commands = append(r.commands, strings.Join(shown, " "))
	res, err := r.m.Command(r.ctx, modules.CommandOptions{Env: map[string]string{"LANG": "C"}}, argv...)
	if err == nil && res.RC != 0 && !mayFail {
		text := res.Stderr
		if text == "" {
			text = res.Stdout
		}
		err = modules.FailWith(map[string]any{"commands": r.commands}, "%s", text)
	}
	return res.Stdout, err
}

// ruleFiles are where ufw of any distribution keeps the rules.
var ruleFiles = []string{"/lib/ufw/user.rules", "/lib/ufw/user6.rules", "/etc/ufw/user.rules", "/etc/ufw/user6.rules",
	"/var/lib/ufw/user.rules", "/var/lib/ufw/user6.rules"}

func (r *ufwRun) currentRules() (string, error) {
	return r.words(true, append([]string{r.grep, "-h", "^### tuple"}, ruleFiles...)...)
}

func (r *ufwRun) run() (*modules.Result, error) {
	var err error
	if r.ufw, err = r.m.RequireBin("ufw"); err != nil {
		return nil, err
	}
	if r.grep, err = r.m.RequireBin("grep"); err != nil {
		return nil, err
	}
	if r.state, err = r.words(false, r.ufw, "status", "verbose"); err != nil {
		return nil, err
	}
	if r.rules, err = r.currentRules(); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		value string
		do    func() error
	}{{r.a.State, r.setState}, {r.a.Default, r.setDefault}, {r.a.Rule, r.setRule}, {r.a.Logging, r.setLogging}} {
		if step.value == "" {
			continue
		}
		if err := step.do(); err != nil {
			return nil, err
		}
	}
	out := &modules.Result{Data: map[string]any{"commands": r.commands}}
	if r.m.Check {
		out.Changed = r.changed
		return out, nil
	}
	after, err := r.words(false, r.ufw, "status", "verbose")
	if err != nil {
		return nil, err
	}
	if !r.changed {
		rules, err := r.currentRules()
		if err != nil {
			return nil, err
		}
		r.changed = after != r.state || rules != r.rules
	}
	out.Changed = r.changed
	out.Data["commands"], out.Data["msg"] = r.commands, strings.TrimRight(after, " \n")
	return out, nil
}

// do runs ufw, in check mode without an effect.
func (r *ufwRun) do(words ...string) (string, error) {
	argv := []string{r.ufw}
	if r.m.Check {
		argv = append(argv, "--dry-run")
	}
	return r.words(false, append(argv, words...)...)
}

func (r *ufwRun) setState() error {
	value := r.a.State
	if value == "reloaded" || value == "reset" {
		r.changed = true
	}
	if r.m.Check {
		on := strings.Contains(r.state, " active")
		r.changed = r.changed || value == "disabled" && on || value == "enabled" && !on
		return nil
	}
	verb := map[string]string{"enabled": "enable", "disabled": "disable", "reloaded": "reload", "reset": "reset"}[value]
	_, err := r.do("-f", verb)
	return err
}

var ufwLogging = regexp.MustCompile(`Logging: (on|off)(?: \(([a-z]+)\))?`)

func (r *ufwRun) setLogging() error {
	value := r.a.Logging
	if f := ufwLogging.FindStringSubmatch(r.state); f == nil {
		r.changed = true
	} else if value == "off" {
		r.changed = r.changed || f[1] != "off"
	} else {
		r.changed = r.changed || f[1] == "off" || value != "on" && value != f[2]
	}
	if r.m.Check {
		return nil
	}
	_, err := r.do("logging", value)
	return err
}

var ufwDefault = regexp.MustCompile(`Default: (deny|allow|reject) \(incoming\), (deny|allow|reject) \(outgoing\), (deny|allow|reject|disabled) \(routed\)`)

func (r *ufwRun) setDefault() error {
	if !slices.Contains([]string{"outgoing", "incoming", "routed", ""}, r.a.Direction) {
		return modules.Failf(`For default, direction must be one of "outgoing", "incoming" and "routed", or direction must not be specified.`)
	}
	if !r.m.Check {
		words := []string{"default", r.a.Default}
		if r.a.Direction != "" {
			words = append(words, r.a.Direction)
		}
		_, err := r.do(words...)
		return err
	}
	f := ufwDefault.FindStringSubmatch(r.state)
	if f == nil {
		r.changed = true
		return nil
	}
	have := f[1]
	switch r.a.Direction {
	case "outgoing":
		have = f[2]
	case "routed":
		have = f[3]
	}
	r.changed = r.changed || have != r.a.Default && have != "disabled"
	return nil
}

// setRule adds or removes a rule, in ufw's long form:
// [route] [delete | insert N] RULE [in|out] [on IF] [log] from A [port P] to B [port P] [proto P] [app NAME] [comment TEXT].
func (r *ufwRun) setRule() error {
	a := r.a
	if !slices.Contains([]string{"in", "out", ""}, a.Direction) {
		return modules.Failf(`For rules, direction must be one of "in" and "out", or direction must not be specified.`)
	}
	if !a.Route && a.InterfaceIn != "" && a.InterfaceOut != "" {
		return modules.Failf("Only route rules can combine interface_in and interface_out")
	}
	var words []string
	add := func(on bool, w ...string) {
		if on {
			words = append(words, w...)
		}
	}
	add(a.Route, "route")
	add(a.Delete, "delete")
	if a.Insert != nil && !a.Delete {
		number, err := r.insertAt()
		if err != nil {
			return err
		}
		add(number != nil, "insert", text(number))
	}
	add(true, a.Rule)
	add(a.Direction != "", a.Direction)
	add(a.Interface != "", "on", a.Interface)
	add(a.InterfaceIn != "", "in", "on", a.InterfaceIn)
	add(a.InterfaceOut != "", "out", "on", a.InterfaceOut)
	add(a.Log, "log")
	add(a.FromIP != "", "from", a.FromIP)
	add(a.FromPort != "", "port", a.FromPort)
	add(a.ToIP != "", "to", a.ToIP)
	add(a.ToPort != "", "port", a.ToPort)
	add(a.Proto != "", "proto", a.Proto)
	add(a.Name != "", "app", a.Name)
	version, err := r.words(false, r.ufw, "--version")
	if err != nil {
		return err
	}
	comments, err := ufwHasComments(version)
	if err != nil {
		return err
	}
	add(comments && a.Comment != "", "comment", a.Comment)
	dry, err := r.do(words...)
	if err != nil || !r.m.Check {
		return err
	}
	r.foretell(dry)
	return nil
}

func text(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

var ufwVersion = regexp.MustCompile(`^ufw.*?(\d+)\.(\d+)`)

// ufwHasComments reports whether ufw knows comments: since 0.35.
func ufwHasComments(version string) (bool, error) {
	f := ufwVersion.FindStringSubmatch(strings.TrimSpace(version))
	if f == nil {
		return false, modules.FailWith(map[string]any{"rc": 0, "out": version}, "Failed to get ufw version.")
	}
	major, _ := strconv.Atoi(f[1])
	minor, _ := strconv.Atoi(f[2])
	return major > 0 || minor >= 35, nil
}

var ufwNumbered = regexp.MustCompile(`^\[ *([0-9]+)\] `)

// insertAt is the number for insert; nil where the rule is to be appended:
// ufw takes no number above the highest.
func (r *ufwRun) insertAt() (*int, error) {
	if r.a.InsertRelativeTo == "zero" {
		return r.a.Insert, nil
	}
	res, err := r.m.Command(r.ctx, modules.CommandOptions{Env: map[string]string{"LANG": "C"}}, r.ufw, "status", "numbered")
	if err != nil {
		return nil, err
	}
	last, last4, has6 := 0, 0, false
	for line := range strings.Lines(res.Stdout) {
		f := ufwNumbered.FindStringSubmatch(line)
		if f == nil {
			continue
		}
		n, _ := strconv.Atoi(f[1])
		last = max(last, n)
		if strings.Contains(line, "(v6)") {
			has6 = true
		} else {
			last4 = max(last4, n)
		}
	}
	base := 1
	switch r.a.InsertRelativeTo {
	case "last-ipv4":
		base = max(last4, 1)
	case "first-ipv6":
		base = last4 + 1
	case "last-ipv6":
		if base = last; !has6 {
			base = last + 1
		}
	}
	if n := base + *r.a.Insert; n <= last {
		return &n, nil
	}
	return nil, nil
}

var (
	ipv4Text = regexp.MustCompile(`(?:\d{1,3}\.){3}\d{1,3}`)
	ipv6Text = regexp.MustCompile(`(?:[0-9a-fA-F]{1,4}:){2,7}[0-9a-fA-F]{0,4}|::(?:[0-9a-fA-F]{0,4}:?)+|(?:[0-9a-fA-F]{1,4}:)+:`)
)

// foretell compares the rules that a dry run shows with those that are there.
// It shows only the family that an address is of.
func (r *ufwRun) foretell(dry string) {
	lines := slices.Collect(strings.Lines(dry))
	if len(lines) > 0 && !slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(l, "Skipping") }) {
		return
	}
	keep := func(text string, ok func(string) bool) string {
		var b strings.Builder
		for l := range strings.Lines(text) {
			if ok(l) {
				b.WriteString(l)
			}
		}
		return b.String()
	}
	after := keep(dry, func(l string) bool { return strings.HasPrefix(l, "### tuple") })
	before := r.rules
	begins := func(re *regexp.Regexp) bool {
		from, to := re.FindStringIndex(r.a.FromIP), re.FindStringIndex(r.a.ToIP)
		return from != nil && from[0] == 0 || to != nil && to[0] == 0
	}
	for _, family := range []*regexp.Regexp{ipv4Text, ipv6Text} {
		if begins(family) {
			before, after = keep(before, family.MatchString), keep(after, family.MatchString)
			break
		}
	}
	r.changed = r.changed || before != after
}
