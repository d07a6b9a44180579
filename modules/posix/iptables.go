package posix

import (
	"context"
	"slices"
	"strings"

	"gorun/modules"
)

type tcpFlags struct {
	Flags    []string `arg:"flags"`
	FlagsSet []string `arg:"flags_set"`
}

type iptablesArgs struct {
	Action           string    `arg:"action"`
	Chain            string    `arg:"chain"`
	ChainManagement  bool      `arg:"chain_management"`
	Comment          string    `arg:"comment"`
	Ctstate          []string  `arg:"ctstate"`
	Destination      string    `arg:"destination"`
	DestinationPort  string    `arg:"destination_port"`
	DestinationPorts []string  `arg:"destination_ports"`
	DstRange         string    `arg:"dst_range"`
	Flush            bool      `arg:"flush"`
	Fragment         string    `arg:"fragment"`
	Gateway          string    `arg:"gateway"`
	GIDOwner         string    `arg:"gid_owner"`
	Goto             string    `arg:"goto"`
	ICMPType         string    `arg:"icmp_type"`
	InInterface      string    `arg:"in_interface"`
	IPVersion        string    `arg:"ip_version"`
	Jump             string    `arg:"jump"`
	Limit            string    `arg:"limit"`
	LimitBurst       string    `arg:"limit_burst"`
	LogLevel         string    `arg:"log_level"`
	LogPrefix        string    `arg:"log_prefix"`
	Match            []string  `arg:"match"`
	MatchSet         string    `arg:"match_set"`
	MatchSetFlags    string    `arg:"match_set_flags"`
	Numeric          bool      `arg:"numeric"`
	OutInterface     string    `arg:"out_interface"`
	Policy           string    `arg:"policy"`
	Protocol         string    `arg:"protocol"`
	RejectWith       string    `arg:"reject_with"`
	RuleNum          string    `arg:"rule_num"`
	SetCounters      string    `arg:"set_counters"`
	SetDSCPMark      string    `arg:"set_dscp_mark"`
	SetDSCPMarkClass string    `arg:"set_dscp_mark_class"`
	Source           string    `arg:"source"`
	SourcePort       string    `arg:"source_port"`
	SrcRange         string    `arg:"src_range"`
	State            string    `arg:"state"`
	Syn              string    `arg:"syn"`
	Table            string    `arg:"table"`
	TCPFlags         *tcpFlags `arg:"tcp_flags"`
	ToDestination    string    `arg:"to_destination"`
	ToPorts          string    `arg:"to_ports"`
	ToSource         string    `arg:"to_source"`
	UIDOwner         string    `arg:"uid_owner"`
	Wait             string    `arg:"wait"`
}

// Iptables is ansible.builtin.iptables
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/iptables_module.html).
var Iptables = modules.Define(modules.Spec{
	Name: "ansible.builtin.iptables",
	Doc:  "Keep rules, chains and policies of the packet filter.",
	Options: []modules.Option{
		{Name: "action", Default: "append", Choices: []string{"append", "insert"}, Doc: "Add the rule at the end or at the top."},
		{Name: "chain", Doc: "The chain."},
		{Name: "chain_management", Type: modules.Bool, Default: false, Doc: "Make and remove chains too."},
		{Name: "comment", Doc: "A comment kept with the rule."},
		{Name: "ctstate", Type: modules.List, Elements: modules.Str, Doc: "The connection's states."},
		{Name: "destination", Doc: "The destination's address."},
		{Name: "destination_port", Doc: "The destination's port or range."},
		{Name: "destination_ports", Type: modules.List, Elements: modules.Str, Doc: "Several destination ports (multiport)."},
		{Name: "dst_range", Doc: "A range of destination addresses."},
		{Name: "flush", Type: modules.Bool, Default: false, Doc: "Empty the chain, or the whole table; nothing else is done."},
		{Name: "fragment", Doc: "Match fragments but the first."},
		{Name: "gateway", Doc: "Where a TEE sends its copies."},
		{Name: "gid_owner", Doc: "The sender's group."},
		{Name: "goto", Doc: "A chain to go on in."},
		{Name: "icmp_type", Doc: "The kind of ICMP message."},
		{Name: "in_interface", Doc: "The interface of arrival."},
		{Name: "ip_version", Default: "ipv4", Choices: []string{"ipv4", "ipv6", "both"}, Doc: "iptables, ip6tables, or one after the other."},
		{Name: "jump", Doc: "The target."},
		{Name: "limit", Doc: "The greatest rate of matches."},
		{Name: "limit_burst", Doc: "How many match before the limit counts."},
		{Name: "log_level", Choices: []string{"0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"}, Doc: "The level of a LOG."},
		{Name: "log_prefix", Doc: "The text before a LOG's lines."},
		{Name: "match", Type: modules.List, Elements: modules.Str, Doc: "Extensions to load."},
		{Name: "match_set", Doc: "A set of ipset."},
		{Name: "match_set_flags", Choices: []string{"src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"}, Doc: "Which addresses the set is about."},
		{Name: "numeric", Type: modules.Bool, Default: false, Doc: "List chains without looking up names of addresses."},
		{Name: "out_interface", Doc: "The interface of departure."},
		{Name: "policy", Choices: []string{"ACCEPT", "DROP", "QUEUE", "RETURN"}, Doc: "The policy of a built-in chain."},
		{Name: "protocol", Doc: "The protocol."},
		{Name: "reject_with", Doc: "The answer of a REJECT."},
		{Name: "rule_num", Doc: "Where to insert the rule."},
		{Name: "set_counters", Doc: "The counters to begin with."},
		{Name: "set_dscp_mark", Doc: "The DSCP mark to set."},
		{Name: "set_dscp_mark_class", Doc: "The DSCP class to set."},
		{Name: "source", Doc: "The source's address."},
		{Name: "source_port", Doc: "The source's port or range."},
		{Name: "src_range", Doc: "A range of source addresses."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the rule is to be there."},
		{Name: "syn", Default: "ignore", Choices: []string{"ignore", "match", "negate"}, Doc: "Match packets that open a connection, or all others."},
		{Name: "table", Default: "filter", Choices: []string{"filter", "nat", "mangle", "raw", "security"}, Doc: "The table."},
		{Name: "tcp_flags", Type: modules.Dict, Doc: "TCP flags: those looked at, and of them those that are set.", Options: []modules.Option{
			{Name: "flags", Type: modules.List, Elements: modules.Str, Doc: "The flags looked at."},
			{Name: "flags_set", Type: modules.List, Elements: modules.Str, Doc: "Those of them that are set."},
		}},
		{Name: "to_destination", Doc: "The new destination of a DNAT."},
		{Name: "to_ports", Doc: "The new port of a REDIRECT or MASQUERADE."},
		{Name: "to_source", Doc: "The new source of an SNAT."},
		{Name: "uid_owner", Doc: "The sender."},
		{Name: "wait", Doc: "For how many seconds to wait for the lock."},
	},
	Rules: modules.Rules{
		MutuallyExclusive: [][]string{{"set_dscp_mark", "set_dscp_mark_class"}, {"flush", "policy"}},
		RequiredIf: []modules.RequiredIf{
			{Key: "jump", Value: "TEE", Need: []string{"gateway"}},
			{Key: "jump", Value: "tee", Need: []string{"gateway"}},
		},
		RequiredBy: map[string][]string{"set_dscp_mark": {"jump"}, "set_dscp_mark_class": {"jump"}},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, runIptables)

// A ruleWords is a rule in the making: words of a command line.
type ruleWords []string

// add adds an option with its value; a value that begins with ! inverts it.
func (w *ruleWords) add(flag, value string) {
	if value == "" {
		return
	}
	if rest, not := strings.CutPrefix(value, "!"); not {
		*w = append(*w, "!")
		value = rest
	}
	*w = append(*w, flag, value)
}

// addList adds an option with a list joined by commas.
func (w *ruleWords) addList(flag string, values []string) {
	if len(values) > 0 {
		*w = append(*w, flag, strings.Join(values, ","))
	}
}

// match loads an extension where condition holds.
func (w *ruleWords) match(name string, condition bool) {
	if condition {
		*w = append(*w, "-m", name)
	}
}

// rule is the rule's words, in the order that Ansible's have.
func (a *iptablesArgs) rule() []string {
	var w ruleWords
	w.add("-w", a.Wait)
	w.add("-p", a.Protocol)
	w.add("-s", a.Source)
	w.add("-d", a.Destination)
	for _, m := range a.Match {
		w.add("-m", m)
	}
	if f := a.TCPFlags; f != nil && len(f.Flags) > 0 && len(f.FlagsSet) > 0 {
		w = append(w, "--tcp-flags", strings.Join(f.Flags, ","), strings.Join(f.FlagsSet, ","))
	}
	w.add("-j", a.Jump)
	if strings.EqualFold(a.Jump, "TEE") {
		w.add("--gateway", a.Gateway)
	}
	w.add("--log-prefix", a.LogPrefix)
	w.add("--log-level", a.LogLevel)
	w.add("--to-destination", a.ToDestination)
	w.match("multiport", len(a.DestinationPorts) > 0)
	w.addList("--dports", a.DestinationPorts)
	w.add("--to-source", a.ToSource)
	w.add("-g", a.Goto)
	w.add("-i", a.InInterface)
	w.add("-o", a.OutInterface)
	w.add("-f", a.Fragment)
	w.add("-c", a.SetCounters)
	w.add("--source-port", a.SourcePort)
	w.add("--destination-port", a.DestinationPort)
	w.add("--to-ports", a.ToPorts)
	w.add("--set-dscp", a.SetDSCPMark)
	w.add("--set-dscp-class", a.SetDSCPMarkClass)
	switch a.Syn {
	case "match":
		w = append(w, "--syn")
	case "negate":
		w = append(w, "!", "--syn")
	}
	a.addMatches(&w)
	return w
}

// addMatches adds what belongs to extensions, and the extensions where the
// task does not name them.
func (a *iptablesArgs) addMatches(w *ruleWords) {
	has := func(name string) bool { return slices.Contains(a.Match, name) }
	switch {
	case has("state") && !has("conntrack"):
		w.addList("--state", a.Ctstate)
	default:
		w.match("conntrack", len(a.Ctstate) > 0 && !has("conntrack"))
		w.addList("--ctstate", a.Ctstate)
	}
	w.match("iprange", (a.SrcRange != "" || a.DstRange != "") && !has("iprange"))
	w.add("--src-range", a.SrcRange)
	w.add("--dst-range", a.DstRange)
	if a.MatchSet != "" {
		w.match("set", !has("set"))
		w.add("--match-set", a.MatchSet)
		if a.MatchSetFlags != "" {
			*w = append(*w, a.MatchSetFlags)
		}
	}
	w.match("limit", a.Limit != "" || a.LimitBurst != "")
	w.add("--limit", a.Limit)
	w.add("--limit-burst", a.LimitBurst)
	w.match("owner", a.UIDOwner != "")
	w.add("--uid-owner", a.UIDOwner)
	w.match("owner", a.GIDOwner != "")
	w.add("--gid-owner", a.GIDOwner)
	if a.Jump == "" && a.RejectWith != "" {
		w.add("-j", "REJECT") // it says so itself
	}
	w.add("--reject-with", a.RejectWith)
	w.add("--icmp-type", a.ICMPType)
	w.match("comment", a.Comment != "")
	if a.Comment != "" {
		*w = append(*w, "--comment", a.Comment)
	}
}

// A packetFilter is one run of the module.
type packetFilter struct {
	tool
	*iptablesArgs
	program string
	words   []string
}

func runIptables(ctx context.Context, m *modules.Run, a *iptablesArgs) (*modules.Result, error) {
	if a.Chain == "" && !a.Flush {
		return nil, modules.Failf("Either chain or flush parameter must be specified.")
	}
	if a.LogPrefix != "" || a.LogLevel != "" {
		if a.Jump == "" {
			a.Jump = "LOG"
		}
		if a.Jump != "LOG" {
			return nil, modules.Failf("Logging options can only be used with the LOG jump target.")
		}
	}
	p := &packetFilter{tool: tool{ctx, m}, iptablesArgs: a, words: a.rule()}
	data := map[string]any{"ip_version": a.IPVersion, "table": a.Table, "chain": orNil(a.Chain), "flush": a.Flush,
		"rule": strings.Join(p.words, " "), "state": a.State, "chain_management": a.ChainManagement, "failed": false}
	res := &modules.Result{Data: data}
	for _, program := range filterPrograms[a.IPVersion] {
		p.program = program
		changed, err := p.apply()
		if err != nil {
			return nil, err
		}
		res.Changed = res.Changed || changed
	}
	return res, nil
}

// filterPrograms are the programs of each ip_version.
var filterPrograms = map[string][]string{"ipv4": {"iptables"}, "ipv6": {"ip6tables"}, "both": {"iptables", "ip6tables"}}

func (p *packetFilter) apply() (changed bool, err error) {
	switch {
	case p.Flush:
		return true, p.do("-F")
	case p.Policy != "":
		return p.setPolicy()
	case len(p.words) == 0 && p.State == "absent" && p.ChainManagement:
		there, err := p.chainExists()
		if err != nil || !there {
			return false, err
		}
		return true, p.do("-X")
	case len(p.words) == 0 && p.ChainManagement:
		return p.makeChain()
	}
	return p.applyRule()
}

func (p *packetFilter) applyRule() (changed bool, err error) {
	made := false
	if p.ChainManagement && p.State == "present" {
		if made, err = p.makeChain(); err != nil {
			return false, err
		}
	}
	there := false
	if !made || !p.m.Check {
		found, err := p.run(p.program, p.arguments("-C", p.words...)...)
		if err != nil {
			return false, err
		}
		there = found.RC == 0
	}
	switch {
	case there == (p.State == "present"):
		return made, nil
	case p.State == "absent":
		return true, p.do("-D", p.words...)
	case p.Action == "insert" && p.RuleNum != "":
		return true, p.do("-I", append([]string{p.RuleNum}, p.words...)...)
	case p.Action == "insert":
		return true, p.do("-I", p.words...)
	}
	return true, p.do("-A", p.words...)
}

// arguments are those of one command on the table and chain.
func (p *packetFilter) arguments(command string, words ...string) []string {
	args := []string{"-t", p.Table, command}
	if p.Chain != "" {
		args = append(args, p.Chain)
	}
	return append(args, words...)
}

// do changes the filter; as with Ansible a failure's message is the program's.
func (p *packetFilter) do(command string, words ...string) error {
	if p.m.Check {
		return nil
	}
	args := p.arguments(command, words...)
	res, err := p.run(p.program, args...)
	if err == nil && res.RC != 0 {
		err = p.fail(res, args)
	}
	return err
}

func (p *packetFilter) fail(res modules.CommandResult, args []string) error {
	words := []string{p.m.BinPath(p.program)}
	for _, a := range args {
		words = append(words, modules.ShellQuote(a))
	}
	return modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr,
		"cmd": strings.Join(words, " ")}, "%s", strings.TrimSpace(res.Stderr))
}

// listing are the arguments that list the chain.
func (p *packetFilter) listing() []string {
	args := p.arguments("-L")
	if p.Numeric {
		args = append(args, "--numeric")
	}
	return args
}

func (p *packetFilter) chainExists() (bool, error) {
	res, err := p.run(p.program, p.listing()...)
	return res.RC == 0, err
}

func (p *packetFilter) makeChain() (changed bool, err error) {
	there, err := p.chainExists()
	if err != nil || there {
		return false, err
	}
	return true, p.do("-N")
}

// setPolicy reads the policy of the chain from its listing's first line.
func (p *packetFilter) setPolicy() (changed bool, err error) {
	args := p.listing()
	res, err := p.run(p.program, args...)
	if err != nil {
		return false, err
	}
	if res.RC != 0 {
		return false, p.fail(res, args)
	}
	_, after, ok := strings.Cut(res.Stdout, "(policy ")
	if !ok {
		return false, modules.Failf("Can't detect current policy")
	}
	now, _, _ := strings.Cut(after, ")")
	now, _, _ = strings.Cut(now, " ")
	if now == p.Policy {
		return false, nil
	}
	return true, p.do("-P", p.Policy)
}
