package posix

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"gorun/modules"
)

// The rules are those of ansible-core 2.14.18 (check mode) for the same arguments.
func TestIptablesRule(t *testing.T) {
	tests := []struct {
		name string
		args iptablesArgs
		want string
	}{
		{"port", iptablesArgs{Protocol: "tcp", DestinationPort: "22", Jump: "ACCEPT"}, "-p tcp -j ACCEPT --destination-port 22"},
		{"inverted", iptablesArgs{Protocol: "tcp", Source: "!1.2.3.4", InInterface: "!eth0", DestinationPort: "!443"},
			"-p tcp ! -s 1.2.3.4 ! -i eth0 ! --destination-port 443"},
		{"conntrack", iptablesArgs{Match: []string{"conntrack"}, Ctstate: []string{"NEW"}, SrcRange: "1.1.1.1-1.1.1.2"},
			"-m conntrack --ctstate NEW -m iprange --src-range 1.1.1.1-1.1.1.2"},
		{"state", iptablesArgs{Match: []string{"state"}, Ctstate: []string{"NEW"}, Jump: "ACCEPT"}, "-m state -j ACCEPT --state NEW"},
		{"given extensions", iptablesArgs{Match: []string{"iprange", "set", "owner", "state"}, SrcRange: "1.1.1.1-1.1.1.2", MatchSet: "a",
			MatchSetFlags: "dst", Ctstate: []string{"NEW"}, UIDOwner: "0"},
			"-m iprange -m set -m owner -m state --state NEW --src-range 1.1.1.1-1.1.1.2 --match-set a dst -m owner --uid-owner 0"},
		{"limit twice", iptablesArgs{Match: []string{"limit"}, Limit: "1/s"}, "-m limit -m limit --limit 1/s"},
		{"ports", iptablesArgs{Protocol: "tcp", DestinationPorts: []string{"80", "81:83"}, ToSource: "2.2.2.2", Comment: "hello world"},
			"-p tcp -m multiport --dports 80,81:83 --to-source 2.2.2.2 -m comment --comment hello world"},
		{"flags", iptablesArgs{Protocol: "tcp", TCPFlags: &tcpFlags{Flags: []string{"ACK", "RST"}, FlagsSet: []string{"ACK"}}, Syn: "negate"},
			"-p tcp --tcp-flags ACK,RST ACK ! --syn"},
		{"reject alone", iptablesArgs{Protocol: "tcp", RejectWith: "tcp-reset", Comment: "c"},
			"-p tcp -j REJECT --reject-with tcp-reset -m comment --comment c"},
		{"reject of another target", iptablesArgs{Jump: "DROP", SrcRange: "1.1.1.1-1.1.1.5", RejectWith: "tcp-reset"},
			"-j DROP -m iprange --src-range 1.1.1.1-1.1.1.5 --reject-with tcp-reset"},
		{"class", iptablesArgs{Protocol: "tcp", SetDSCPMarkClass: "CS1", Jump: "DSCP"}, "-p tcp -j DSCP --set-dscp-class CS1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for i, w := range tt.args.rule() {
				if i > 0 {
					got += " "
				}
				got += w
			}
			if got != tt.want {
				t.Errorf("rule\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestIptables works on the filter of a network namespace of its own.
func TestIptables(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	if _, err := exec.LookPath("iptables"); err != nil {
		t.Skip("iptables is not installed")
	}
	runtime.LockOSThread() // never unlocked: the thread ends with the test, and the namespace with it
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	if out, err := exec.Command("iptables", "-L").CombinedOutput(); err != nil {
		t.Skipf("the packet filter does not work here: %s", out)
	}
	ssh := map[string]any{"chain": "INPUT", "protocol": "tcp", "destination_port": "22", "jump": "ACCEPT", "comment": "a b"}
	with := func(key string, value any) map[string]any {
		m := map[string]any{key: value}
		for k, v := range ssh {
			m[k] = v
		}
		return m
	}
	steps := []struct {
		name    string
		args    map[string]any
		changed bool
		msg     string
	}{
		{"absent already", with("state", "absent"), false, ""},
		{"append", ssh, true, ""},
		{"append again", ssh, false, ""},
		{"remove", with("state", "absent"), true, ""},
		{"policy", map[string]any{"chain": "INPUT", "policy": "DROP"}, true, ""},
		{"policy again", map[string]any{"chain": "INPUT", "policy": "DROP"}, false, ""},
		{"chain", map[string]any{"chain": "FOO", "chain_management": true}, true, ""},
		{"chain again", map[string]any{"chain": "FOO", "chain_management": true}, false, ""},
		{"rule in a new chain", map[string]any{"chain": "BAR", "chain_management": true, "jump": "ACCEPT"}, true, ""},
		{"chain removed", map[string]any{"chain": "NONE", "chain_management": true, "state": "absent"}, false, ""},
		{"no such chain", map[string]any{"chain": "NOPE", "jump": "ACCEPT"}, false, "iptables: No chain/target/match by that name."},
		{"flush", map[string]any{"flush": true}, true, ""},
		{"nothing", map[string]any{}, false, "Either chain or flush parameter must be specified."},
		{"log", map[string]any{"chain": "INPUT", "log_prefix": "x", "limit": "1/s"}, true, ""},
		{"log again", map[string]any{"chain": "INPUT", "log_prefix": "x", "limit": "1/s", "jump": "LOG"}, false, ""},
		{"not LOG", map[string]any{"chain": "INPUT", "log_prefix": "x", "jump": "ACCEPT"}, false, "Logging options can only be used with the LOG jump target."},
	}
	for _, s := range steps {
		for _, check := range []bool{true, false} {
			out := Iptables.Execute(context.Background(), &modules.Run{Check: check}, s.args)
			msg, _ := out["msg"].(string)
			if check && s.name == "no such chain" {
				continue // only the real run can know
			}
			if msg != s.msg || out["changed"] != s.changed {
				t.Errorf("%s (check %v): changed %v, %q; want %v, %q", s.name, check, out["changed"], msg, s.changed, s.msg)
			}
		}
	}
}
