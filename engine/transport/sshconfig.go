package transport

// This file gathers what OpenSSH's client would know of a host: its arguments
// and, by sshconfigfile.go, ssh_config(5) files. The first value of an option
// counts, but for those that gather.

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
)

// gathering are options of which all values count.
var gathering = []string{"identityfile", "certificatefile", "sendenv"}

// formerNames are names that options had in earlier releases of OpenSSH.
var formerNames = map[string]string{
	"pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms", "challengeresponseauthentication": "kbdinteractiveauthentication",
	"skeyauthentication": "kbdinteractiveauthentication", "tisauthentication": "kbdinteractiveauthentication",
	"identityfile2": "identityfile", "dsaauthentication": "pubkeyauthentication", "rsaauthentication": "",
}

// sshOptions are options by lower-case name.
type sshOptions map[string][]string

// add takes a value where the option has none yet, or gathers them.
func (o sshOptions) add(name string, values ...string) {
	name = strings.ToLower(name)
	if former, ok := formerNames[name]; ok {
		name = former
	}
	switch {
	case name == "proxyjump" && len(o["proxycommand"]) > 0, name == "proxycommand" && len(o["proxyjump"]) > 0 && !strings.EqualFold(o.get("proxyjump"), "none"):
		return // of the two ways the first one counts
	case name == "sendenv":
		o.addSendEnv(values)
	case slices.Contains(gathering, name):
		for _, v := range values {
			if !slices.Contains(o[name], v) {
				o[name] = append(o[name], v)
			}
		}
	case len(o[name]) == 0:
		o[name] = values
	}
}

// addSendEnv adds patterns of names; one behind a minus takes those out that
// it matches.
func (o sshOptions) addSendEnv(patterns []string) {
	for _, p := range patterns {
		if out, ok := strings.CutPrefix(p, "-"); ok {
			o["sendenv"] = slices.DeleteFunc(o["sendenv"], func(name string) bool { return wildcard(out, name) })
		} else if !slices.Contains(o["sendenv"], p) {
			o["sendenv"] = append(o["sendenv"], p)
		}
	}
}

func (o sshOptions) get(name string) string {
	return strings.Join(o[strings.ToLower(name)], " ")
}

func (o sshOptions) yes(name string) bool {
	v := strings.ToLower(o.get(name))
	return v == "yes" || v == "true"
}

// no reports whether an option was switched off.
func (o sshOptions) no(name string) bool {
	v := strings.ToLower(o.get(name))
	return v == "no" || v == "false" || v == "off"
}

// number is an option's number, fallback where there is none.
func (o sshOptions) number(name string, fallback int) int {
	if n, err := strconv.Atoi(o.get(name)); err == nil {
		return n
	}
	return fallback
}

// An sshConfig is what is known of one host.
type sshConfig struct {
	sshOptions
	alias string // the name before HostName
	host  string
	port  int
	user  string
	files []string // configuration files that were asked for with -F; nil are the usual ones
}

// resolveSSH finds the options for a target in the order in which Ansible gives
// them to ssh: the words of ssh_args, its own settings, the words of
// ssh_common_args and ssh_extra_args, a user before the address; then the files.
func resolveSSH(t *Target) (*sshConfig, error) {
	c := &sshConfig{sshOptions: make(sshOptions), alias: t.address()}
	if err := c.parseArgs(t.SSHArgs); err != nil {
		return nil, err
	}
	if t.Port != 0 {
		c.add("Port", strconv.Itoa(t.Port))
	}
	if t.User != "" {
		c.add("User", t.User)
	}
	if t.KeyFile != "" {
		c.add("IdentityFile", t.KeyFile)
	}
	if !t.HostKeyChecking {
		c.add("StrictHostKeyChecking", "no")
	}
	if t.ConnectTimeout > 0 {
		c.add("ConnectTimeout", strconv.Itoa(max(1, int(t.ConnectTimeout.Seconds()))))
	}
	if err := c.parseArgs(t.SSHExtraArgs); err != nil {
		return nil, err
	}
	if i := strings.LastIndexByte(c.alias, '@'); i >= 0 {
		c.add("User", c.alias[:i])
		c.alias = c.alias[i+1:]
	}
	return c, c.finish()
}

// finish reads the files, twice where they ask for it, and fills in the rest.
func (c *sshConfig) finish() error {
	me := "root"
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	p := &configParser{into: c, localUser: me, host: c.alias}
	if err := p.files(); err != nil {
		return err
	}
	canonical, found := c.canonicalName()
	if found || p.wantsFinal {
		// Another HostName has no effect any more.
		p.host, p.final = strings.ToLower(firstOf(canonical, c.hostName(), c.alias)), true
		c.sshOptions["hostname"] = []string{strings.ReplaceAll(p.host, "%", "%%")}
		if err := p.files(); err != nil {
			return err
		}
	}
	c.user = c.get("User")
	if c.user == "" {
		c.user = me
	}
	c.port = c.number("Port", 22)
	c.host = strings.ToLower(firstOf(c.hostName(), c.alias))
	return nil
}

// hostName is the option HostName with its tokens replaced.
func (c *sshConfig) hostName() string {
	return strings.NewReplacer("%%", "%", "%h", c.alias).Replace(c.get("HostName"))
}

// canonicalName finds the full name of a host as CanonicalizeHostname and its
// kin say; found is false where it is not wanted or there is none.
func (c *sshConfig) canonicalName() (name string, found bool) {
	switch mode := strings.ToLower(c.get("CanonicalizeHostname")); {
	case mode == "always":
	case mode != "yes" && mode != "true", c.proxied():
		return "", false
	}
	host := firstOf(c.hostName(), c.alias)
	if net.ParseIP(host) != nil {
		return "", false
	}
	if strings.Count(host, ".") > c.number("CanonicalizeMaxDots", 1) || strings.HasSuffix(host, ".") {
		return strings.ToLower(host), true
	}
	for _, domain := range c.sshOptions["canonicaldomains"] {
		full := strings.ToLower(host) + "." + strings.TrimPrefix(domain, ".")
		if _, err := net.LookupHost(full); err == nil {
			return full, true
		}
	}
	return strings.ToLower(host), true
}

// proxied reports whether the way to the host leads through another program or host.
func (c *sshConfig) proxied() bool {
	set := func(name string) bool { v := c.get(name); return v != "" && !strings.EqualFold(v, "none") }
	return set("ProxyJump") || set("ProxyCommand")
}

// valueFlags are flags of ssh with a value, and the options that they set; ""
// are those without a meaning here.
var valueFlags = map[byte]string{
	'i': "IdentityFile", 'p': "Port", 'l': "User", 'J': "ProxyJump", 'c': "Ciphers", 'm': "MACs",
	'b': "BindAddress", 'F': "", 'o': "", 'E': "", 'S': "", 'D': "", 'L': "", 'R': "", 'W': "", 'w': "", 'e': "", 'I': "", 'O': "", 'Q': "", 'B': "",
}

// switchFlags are flags without a value that set an option.
var switchFlags = map[byte][2]string{
	'A': {"ForwardAgent", "yes"}, 'a': {"ForwardAgent", "no"}, '4': {"AddressFamily", "inet"}, '6': {"AddressFamily", "inet6"},
}

// parseArgs reads words of ssh_args. ControlMaster and its kin are read and
// have no effect: the connection is kept anyway.
func (c *sshConfig) parseArgs(args []string) error {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' {
			return fmt.Errorf("ssh_args: %q is no option of ssh", arg)
		}
		for pos := 1; pos < len(arg); pos++ {
			flag := arg[pos]
			option, hasValue := valueFlags[flag]
			if !hasValue {
				if set, ok := switchFlags[flag]; ok {
					c.sshOptions[strings.ToLower(set[0])] = []string{set[1]} // the last one counts
				}
				continue
			}
			value := arg[pos+1:]
			if value == "" {
				if i++; i == len(args) {
					return fmt.Errorf("ssh_args: -%c needs a value", flag)
				}
				value = args[i]
			}
			switch {
			case flag == 'o':
				if err := c.addLine(value); err != nil {
					return fmt.Errorf("ssh_args: -o %s: %w", value, err)
				}
			case flag == 'F':
				c.files = []string{modules.ExpandPath(value, nil)}
				if value == "none" {
					c.files = []string{}
				}
			case option != "":
				c.add(option, value)
			}
			break
		}
	}
	return nil
}

// addLine adds "Name value" or "Name=value".
func (c *sshConfig) addLine(line string) error {
	name, values, err := configLine(line)
	if err != nil || name == "" {
		return err
	}
	c.add(name, values...)
	return nil
}

// expand replaces %h, %p and the other tokens.
func (c *sshConfig) expand(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	home, local := "", ""
	if u, err := user.Current(); err == nil {
		home, local = u.HomeDir, u.Username
	}
	name, _ := os.Hostname()
	short, _, _ := strings.Cut(name, ".")
	host := c.host
	if host == "" {
		host = c.alias
	}
	port := strconv.Itoa(c.port)
	hash := sha1.Sum([]byte(name + host + port + c.user + c.get("ProxyJump")))
	return strings.NewReplacer("%%", "%", "%h", host, "%n", c.alias, "%p", port, "%r", c.user,
		"%u", local, "%d", home, "%L", short, "%l", name, "%i", strconv.Itoa(os.Getuid()), "%C", hex.EncodeToString(hash[:]),
		"%j", c.get("ProxyJump"), "%k", firstOf(c.get("HostKeyAlias"), c.alias)).Replace(s)
}

// path expands a file's name in an option.
func (c *sshConfig) path(s string) string { return modules.ExpandPath(c.expand(s), nil) }

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func (c *sshConfig) address() string { return net.JoinHostPort(c.host, strconv.Itoa(c.port)) }

func (c *sshConfig) timeout() time.Duration {
	return time.Duration(c.number("ConnectTimeout", 10)) * time.Second
}

// network is what net.Dial is asked for.
func (c *sshConfig) network() string {
	switch strings.ToLower(c.get("AddressFamily")) {
	case "inet":
		return "tcp4"
	case "inet6":
		return "tcp6"
	}
	return "tcp"
}

// onNetwork reports whether this machine has an address in one of the networks.
func onNetwork(list string) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for cidr := range strings.SplitSeq(list, ",") {
		_, network, err := net.ParseCIDR(strings.TrimSpace(cidr))
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if ip, ok := a.(*net.IPNet); ok && network.Contains(ip.IP) {
				return true
			}
		}
	}
	return false
}

// environment are the variables that SendEnv takes from this process's
// environment and SetEnv names.
func (c *sshConfig) environment() [][2]string {
	var out [][2]string
	set := map[string]bool{}
	add := func(pair string) {
		if name, value, ok := strings.Cut(pair, "="); ok && !set[name] {
			set[name] = true
			out = append(out, [2]string{name, value})
		}
	}
	for _, pair := range c.sshOptions["setenv"] {
		add(pair)
	}
	patterns := c.sshOptions["sendenv"]
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if matchNames(patterns, name) {
			add(pair)
		}
	}
	return out
}
