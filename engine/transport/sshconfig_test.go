package transport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorun/internal/needs"
)

// compared are the options that ssh -G tells and that have a meaning here.
var compared = []string{
	"user", "hostname", "port", "identityfile", "certificatefile", "proxyjump", "proxycommand", "stricthostkeychecking", "userknownhostsfile",
	"globalknownhostsfile", "hostkeyalias", "identitiesonly", "forwardagent", "addressfamily", "bindaddress", "connecttimeout", "connectionattempts",
	"serveraliveinterval", "serveralivecountmax", "sendenv", "setenv", "preferredauthentications", "numberofpasswordprompts",
	"pubkeyauthentication", "passwordauthentication", "kbdinteractiveauthentication", "hashknownhosts", "identityagent", "canonicalizehostname",
}

// sameWords are values that mean the same: ssh prints one of them.
var sameWords = map[string]string{"true": "yes", "false": "no", "off": "no"}

// told is what ssh -G says: a list of values by option; nil where the host is
// to be reached through itself.
func told(t *testing.T, args ...string) map[string][]string {
	t.Helper()
	out, err := exec.Command("ssh", append([]string{"-G"}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && strings.Contains(string(exit.Stderr), "jumphost loop") {
			return nil
		}
		t.Fatalf("ssh -G %q: %v", args, err)
	}
	m := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[name] = append(m[name], value)
	}
	return m
}

// configGenerator makes configurations of all that ssh_config(5) has.
type configGenerator struct {
	*rand.Rand
	dir   string
	me    string
	files int
}

func (g *configGenerator) of(words ...string) string { return words[g.IntN(len(words))] }

func (g *configGenerator) pattern() string {
	return g.of("web1", "web*", "*", "db?", "!web1", "!web2 *", "*.example.org", "Web1", "10.0.0.*", "web1 db1", "* !db*", `"web1"`, "nothing", "w?b?", "bastion")
}

func (g *configGenerator) criterion() string {
	list := g.of("web1", "web*", "*", "db1,web1", "*,!web1", "nothing", "*.internal", "WEB1", "!web1", "real.internal")
	switch g.IntN(9) {
	case 0:
		return "host " + list
	case 1:
		return "originalhost " + list
	case 2:
		return "user " + g.of("root", "admin", "*", "ad*,root", "!admin,*", g.me)
	case 3:
		return "localuser " + g.of(g.me, "nobody", "*")
	case 4:
		return `exec "` + g.of("true", "false", "test %h = web1", "test %n = web1", "test %r = admin", "test %p = 22") + `"`
	case 5:
		return "!" + g.of("host ", "originalhost ") + list
	case 6:
		return "host=" + list
	case 7:
		return g.of("final", "!final", "canonical", "!canonical")
	default:
		return g.of("host ", "originalhost ") + list + " user " + g.of("admin", "*")
	}
}

func (g *configGenerator) option() string {
	o := g.of(
		"User admin", "User root", "Port 2222", "Port=2200", "HostName real.internal", "HostName %h.internal", "HostName 192.0.2.7", "hostname = other%%.internal",
		"IdentityFile ~/.ssh/key1", "IdentityFile /keys/%h", `IdentityFile "/keys/with blank"`, "IdentityFile=/keys/b", "IdentityFile none", "CertificateFile /keys/c-cert.pub",
		"ProxyJump bastion", "ProxyJump admin@bastion:2222,second", "ProxyJump none", "ProxyCommand nc -X 5 '%h' %p", "ProxyCommand none", `ProxyCommand=sh -c "nc %h %p"`,
		"StrictHostKeyChecking no", "StrictHostKeyChecking accept-new", "StrictHostKeyChecking yes", "StrictHostKeyChecking ask", "StrictHostKeyChecking off",
		"UserKnownHostsFile /dev/null", "UserKnownHostsFile /a /b", "GlobalKnownHostsFile none", "HostKeyAlias alias", "IdentitiesOnly yes", "IdentitiesOnly no",
		"ForwardAgent yes", "ForwardAgent no", "AddressFamily inet", "AddressFamily inet6", "AddressFamily any", "BindAddress 127.0.0.1", "ConnectTimeout 7", "ConnectionAttempts 3",
		"ServerAliveInterval 30", "ServerAliveCountMax 9", "SendEnv LANG LC_*", "SendEnv FOO", "SendEnv -LC_*", "SetEnv A=1 B=2", "SetEnv \"C=x y\"",
		"PreferredAuthentications publickey", "PreferredAuthentications password,publickey", "NumberOfPasswordPrompts 1", "PubkeyAuthentication no", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "ChallengeResponseAuthentication yes", "HashKnownHosts yes", "IdentityAgent none", "IdentityAgent /run/agent.%r", "ControlMaster auto",
		"ControlPath ~/.ssh/c-%C", "LogLevel ERROR", "Compression yes", "   Port\t2022", "port 22 # the usual one", "CanonicalizeMaxDots 2",
	)
	return g.of("", "", "  ", "\t") + o + g.of("", "", "", " ", "\t")
}

// file writes a configuration and returns its name.
func (g *configGenerator) file(t *testing.T, depth int) string {
	t.Helper()
	var b strings.Builder
	for range 3 + g.IntN(12) {
		switch n := g.IntN(12); {
		case n < 2:
			b.WriteString(g.of("Host ", "host ", "Host=") + g.pattern())
		case n < 4:
			b.WriteString(g.of("Match all", "Match "+g.criterion(), "Match "+g.criterion()+" "+g.criterion(), "match "+g.criterion()))
		case n == 4:
			b.WriteString(g.of("", "# a comment", "  # User nobody"))
		case n == 5 && depth < 2:
			name := g.file(t, depth+1)
			b.WriteString("Include " + g.of(name, g.dir+"/no-such-*", `"`+name+`"`, strings.Replace(name, "inc", "in?", 1)))
		default:
			b.WriteString(g.option())
		}
		b.WriteByte('\n')
	}
	g.files++
	name := filepath.Join(g.dir, fmt.Sprintf("inc%d", g.files))
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSSHConfig compares what configurations mean here with what they mean to
// ssh: what ssh -G prints.
func TestSSHConfig(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		needs.Missing(t, "ssh", "OpenSSH's ssh is not installed")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	g := &configGenerator{Rand: rand.New(rand.NewPCG(6, 2026)), dir: t.TempDir(), me: me.Username}
	failures := 0
	for i := range 300 {
		file := g.file(t, 0)
		host := g.of("web1", "web2", "db1", "bastion", "Web1", "a.example.org", "10.0.0.5")
		var args []string
		for range g.IntN(3) {
			args = append(args, g.of("-oPort=2299", "-oUser=cli", "-p2298", "-oStrictHostKeyChecking=no", "-oProxyCommand=x %h", "-A", "-a", "-4", "-lother", "-oProxyJump=jump", "-oIdentityFile=/keys/cli", "-oSendEnv=X", "-C"))
		}
		want := told(t, append(append([]string{"-F", file}, args...), host)...)
		if want == nil {
			continue
		}
		c, err := resolveSSH(&Target{Address: host, HostKeyChecking: true, SSHArgs: append([]string{"-F", file}, args...)})
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if diff := differences(c, me.HomeDir, want); len(diff) > 0 {
			t.Errorf("%d: ssh %s %s: %s\n%s", i, strings.Join(args, " "), host, strings.Join(diff, "; "), flat(file, ""))
			if failures++; failures == 5 {
				t.Fatal("and so on")
			}
		}
	}
}

// differences compares c with what ssh says, where either side sets something.
func differences(c *sshConfig, home string, want map[string][]string) []string {
	defaults := map[string]string{
		"stricthostkeychecking": "ask", "identitiesonly": "no", "forwardagent": "no", "addressfamily": "any", "connecttimeout": "none", "connectionattempts": "1",
		"serveraliveinterval": "0", "serveralivecountmax": "3", "numberofpasswordprompts": "3", "pubkeyauthentication": "yes", "passwordauthentication": "yes",
		"kbdinteractiveauthentication": "yes", "hashknownhosts": "no", "canonicalizehostname": "no",
		"userknownhostsfile": "~/.ssh/known_hosts ~/.ssh/known_hosts2", "globalknownhostsfile": "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
	}
	var out []string
	for _, name := range compared {
		var got []string
		switch name {
		case "user":
			got = []string{c.user}
		case "hostname":
			got = []string{c.host}
		case "port":
			got = []string{fmt.Sprint(c.port)}
		case "identityfile":
			if got = c.sshOptions[name]; len(got) == 0 {
				got = want[name] // the defaults
			}
		default:
			got = c.sshOptions[name]
			if !slices.Contains(gathering, name) && name != "setenv" && len(got) > 0 {
				got = []string{c.get(name)}
			}
			if len(got) == 0 && defaults[name] != "" {
				got = []string{defaults[name]}
			}
		}
		var exp []string
		for _, w := range want[name] { // ssh keeps a pattern of SendEnv that comes twice
			if !slices.Contains(exp, w) {
				exp = append(exp, w)
			}
		}
		normal := func(list []string) string {
			list = slices.Clone(list)
			for i, w := range list {
				list[i] = strings.ReplaceAll(w, "~", home)
				if name == "identityagent" {
					list[i] = c.path(w)
				}
				if same, ok := sameWords[w]; ok && name != "user" {
					list[i] = same
				}
			}
			if (name == "proxyjump" || name == "proxycommand" || name == "certificatefile") && len(list) == 1 && list[0] == "none" {
				return ""
			}
			return strings.Join(list, "|")
		}
		if name == "user" && len(exp) == 0 {
			exp = []string{c.user}
		}
		if g, w := normal(got), normal(exp); g != w {
			out = append(out, fmt.Sprintf("%s is %q, ssh has %q", name, g, w))
		}
	}
	return out
}

// flat is a configuration with what it includes.
func flat(file, indent string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		b.WriteString(indent + line)
		if _, name, ok := strings.Cut(line, "Include "); ok {
			files, _ := filepath.Glob(strings.Trim(strings.TrimSpace(name), `"`))
			for _, f := range files {
				b.WriteString(flat(f, indent+"    | "))
			}
		}
	}
	return b.String()
}
