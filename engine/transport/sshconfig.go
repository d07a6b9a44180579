package transport

// This file reads what OpenSSH's client would: its arguments and ssh_config(5)
// files. The first value of an option counts, but for those that gather.

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
)

// includeDepth bounds Include within Include, as ssh does.
const includeDepth = 16

// gathering are options of which all values count.
var gathering = []string{"identityfile", "certificatefile", "sendenv", "setenv"}

// sshOptions are options by lower-case name.
type sshOptions map[string][]string

func (o sshOptions) add(name, value string) {
	name = strings.ToLower(name)
	if len(o[name]) == 0 || slices.Contains(gathering, name) {
		o[name] = append(o[name], value)
	}
}

func (o sshOptions) get(name string) string {
	if v := o[strings.ToLower(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (o sshOptions) yes(name string) bool {
	v := strings.ToLower(o.get(name))
	return v == "yes" || v == "true"
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

// resolveSSH finds the options for a target: its own settings, the words of
// ssh_args, then the files.
func resolveSSH(t *Target) (*sshConfig, error) {
	c := &sshConfig{sshOptions: make(sshOptions), alias: t.address()}
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
	if err := c.parseArgs(t.SSHArgs); err != nil {
		return nil, err
	}
	if t.ConnectTimeout > 0 {
		c.add("ConnectTimeout", strconv.Itoa(max(1, int(t.ConnectTimeout.Seconds()))))
	}
	return c, c.finish()
}

// finish reads the files and fills in the rest.
func (c *sshConfig) finish() error {
	me := "root"
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	p := &configParser{into: c, localUser: me}
	files := c.files
	if files == nil {
		files = []string{modules.ExpandPath("~/.ssh/config", nil), "/etc/ssh/ssh_config"}
	}
	for _, f := range files {
		err := p.file(f, 0)
		if errors.Is(err, fs.ErrNotExist) && c.files == nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("ssh configuration: %w", err)
		}
	}
	c.user = c.get("User")
	if c.user == "" {
		c.user = me
	}
	c.port = c.number("Port", 22)
	c.host = c.alias
	if name := c.get("HostName"); name != "" {
		c.host = strings.NewReplacer("%%", "%", "%h", c.alias).Replace(name)
	}
	return nil
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
					c.add(set[0], set[1])
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
	c.addValues(name, values)
	return nil
}

func (c *sshConfig) addValues(name string, values []string) {
	c.add(name, strings.Join(values, " "))
}

// configLine splits a line of a configuration file; name is "" for an empty one.
func configLine(line string) (name string, values []string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", nil, nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return "", nil, fmt.Errorf("%q has no value", line)
	}
	name = line[:end]
	rest := strings.TrimLeft(line[end:], " \t")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
	if lower := strings.ToLower(name); lower == "proxycommand" || lower == "remotecommand" || lower == "localcommand" {
		return name, []string{rest}, nil // a shell's line: its quotes stay
	}
	if i := strings.Index(rest, " #"); i >= 0 && !strings.Contains(rest, `"`) {
		rest = rest[:i]
	}
	values, err = modules.ShellSplit(rest)
	if err == nil && len(values) == 0 {
		err = fmt.Errorf("%q has no value", line)
	}
	return name, values, err
}

// A configParser reads configuration files for one host.
type configParser struct {
	into      *sshConfig
	localUser string
}

// file reads one file; what is inside of a Host or Match that is not meant is
// left out.
func (p *configParser) file(path string, depth int) error {
	if depth > includeDepth {
		return fmt.Errorf("%s: Include goes too deep", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	active := true
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		name, values, err := configLine(s.Text())
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		switch strings.ToLower(name) {
		case "":
		case "host":
			active = matchPatterns(values, p.into.alias)
		case "match":
			if active, err = p.match(values); err != nil {
				return fmt.Errorf("%s:%d: %w", path, n, err)
			}
		case "include":
			if active {
				err = p.include(values, path, depth)
			}
			if err != nil {
				return err
			}
		default:
			if active {
				p.into.addValues(name, values)
			}
		}
	}
	return s.Err()
}

func (p *configParser) include(globs []string, from string, depth int) error {
	for _, g := range globs {
		g = modules.ExpandPath(g, nil)
		if !filepath.IsAbs(g) {
			dir := modules.ExpandPath("~/.ssh", nil)
			if strings.HasPrefix(from, "/etc/") {
				dir = "/etc/ssh"
			}
			g = filepath.Join(dir, g)
		}
		files, err := filepath.Glob(g)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := p.file(f, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// match evaluates the criteria of a Match line.
func (p *configParser) match(words []string) (bool, error) {
	result := true
	for i := 0; i < len(words); i++ {
		criterion, negated := strings.ToLower(words[i]), false
		if strings.HasPrefix(criterion, "!") {
			criterion, negated = criterion[1:], true
		}
		var ok bool
		switch criterion {
		case "all":
			ok = true
		case "canonical", "final":
			ok = false // there is one pass
		default:
			if i++; i == len(words) {
				return false, fmt.Errorf("Match %s needs a value", criterion)
			}
			var err error
			if ok, err = p.criterion(criterion, words[i]); err != nil {
				return false, err
			}
		}
		result = result && ok != negated
	}
	return result, nil
}

func (p *configParser) criterion(name, value string) (bool, error) {
	c := p.into
	patterns := strings.Split(value, ",")
	switch name {
	case "host":
		host := c.alias
		if h := c.get("HostName"); h != "" {
			host = strings.NewReplacer("%%", "%", "%h", c.alias).Replace(h)
		}
		return matchPatterns(patterns, host), nil
	case "originalhost":
		return matchPatterns(patterns, c.alias), nil
	case "user":
		u := c.get("User")
		if u == "" {
			u = p.localUser
		}
		return matchPatterns(patterns, u), nil
	case "localuser":
		return matchPatterns(patterns, p.localUser), nil
	case "exec":
		return exec.Command("/bin/sh", "-c", c.expand(value)).Run() == nil, nil
	case "localnetwork", "tagged", "command", "sessiontype", "version":
		return false, nil
	}
	return false, fmt.Errorf("unknown Match criterion %q", name)
}

// matchPatterns matches as ssh: * and ?, and ! excludes.
func matchPatterns(patterns []string, s string) bool {
	found := false
	for _, p := range patterns {
		negated := strings.HasPrefix(p, "!")
		if wildcard(strings.ToLower(strings.TrimPrefix(p, "!")), strings.ToLower(s)) {
			if negated {
				return false
			}
			found = true
		}
	}
	return found
}

// wildcard matches with * and ?.
func wildcard(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == s[j]) && pattern[i] != '*':
			i++
			j++
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
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
	return strings.NewReplacer("%%", "%", "%h", host, "%n", c.alias, "%p", strconv.Itoa(c.port), "%r", c.user,
		"%u", local, "%d", home, "%L", short, "%l", name, "%i", strconv.Itoa(os.Getuid()),
		"%k", firstOf(c.get("HostKeyAlias"), c.alias)).Replace(s)
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
