package engine

// This file resolves how to reach a host and whom to become there: variables
// beat keywords, keywords beat the command line.

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/modules"
	"gorun/templates"
	"gorun/vars"
)

// A connected is a resolved connection.
type connected struct {
	target     transport.Target
	become     transport.Become
	host       transport.Host
	executable string
	asyncDir   string
	scope      *vars.Scope // of the host that is connected to
}

// settings reads connection variables of a host; the first error sticks.
type settings struct {
	ctx   context.Context
	r     *Run
	scope *vars.Scope
	err   error
}

// get returns the first of names that is set, as text; a mapping as JSON.
func (s *settings) get(names ...string) (string, bool) {
	for _, n := range names {
		v, ok, err := s.scope.Lookup(n)
		if err != nil {
			s.fail(err)
			continue
		}
		if !ok {
			continue
		}
		v, err = s.r.resolve(s.ctx, v, s.scope)
		if err != nil {
			s.fail(err)
			continue
		}
		if v == templates.None || v == templates.Omit {
			continue
		}
		if d, ok := v.(*templates.Dict); ok {
			if text, err := templates.AppendJSON(nil, d); err == nil {
				return string(text), true
			}
		}
		return templates.StrOf(v, templates.Current), true
	}
	return "", false
}

func (s *settings) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// or is get with the keyword's and the command line's values behind it.
func (s *settings) or(kw playbook.Value, task templates.Scope, def string, names ...string) string {
	return s.keyword("", kw, task, def, names...)
}

// keyword is or with the name of the keyword, for errors in its value.
func (s *settings) keyword(name string, kw playbook.Value, task templates.Scope, def string, names ...string) string {
	if v, ok := s.get(names...); ok {
		return v
	}
	if kw.IsSet() {
		v, err := s.r.resolve(s.ctx, kw.V, task)
		if err != nil {
			s.fail(named(name, kw, err))
			return def
		}
		if v != templates.None && v != templates.Omit {
			return templates.StrOf(v, templates.Current)
		}
	}
	return def
}

func (s *settings) flag(def bool, names ...string) bool {
	v, ok := s.get(names...)
	if !ok {
		return def
	}
	b, err := modules.ToBool(v)
	if err != nil {
		s.fail(err)
		return def
	}
	return b
}

func (s *settings) number(def int, names ...string) int {
	v, ok := s.get(names...)
	if !ok {
		return def
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil {
		s.fail(err)
		return def
	}
	return n
}

// connect resolves the connection of a task: to its own host, or to the
// delegate's with the delegate's variables.
func (p *playRun) connect(ctx context.Context, t *playbook.Task, task *vars.Scope, host, delegate string) (*connected, error) {
	s := &settings{ctx: ctx, r: p.r, scope: task}
	name := host
	if delegate != "" {
		name = delegate
		s.scope = p.scopeAs(delegate, host, t)
	}
	c := &connected{scope: s.scope}
	c.target = p.target(s, t, task, name)
	c.become = p.become(s, t, task)
	if c.target.Connection == "ssh" {
		p.r.o.Secrets.Add(c.target.Password, c.target.Key, c.target.KeyPassphrase)
	}
	p.r.o.Secrets.Add(c.become.Password)
	c.executable = s.or(playbook.Value{}, task, p.r.o.Executable, "ansible_shell_executable")
	c.asyncDir, _ = s.get("ansible_async_dir")
	if s.err == nil {
		s.err = transport.UnknownConnection(c.target.Connection)
	}
	if s.err != nil {
		return nil, s.err
	}
	c.host = p.r.o.Hosts.Host(c.target, c.become)
	return c, nil
}

// target resolves where to connect to.
func (p *playRun) target(s *settings, t *playbook.Task, task templates.Scope, name string) transport.Target {
	o := &p.r.o
	kw := func(get func(b *playbook.Base) playbook.Value) playbook.Value { return p.keyword(t, get) }
	tg := transport.Target{Name: name, HostKeyChecking: !o.NoHostKeyChecking, AgentDir: o.AgentDir}
	conn := s.keyword("connection", kw(func(b *playbook.Base) playbook.Value { return b.Connection }), task, o.Connection, "ansible_connection")
	h, known := o.Inventory.Host(name)
	if known && h.Added {
		tg.BootWait = o.BootWait // the run may have just created it
	}
	if known && h.Implicit && !kw(func(b *playbook.Base) playbook.Value { return b.Connection }).IsSet() {
		if _, set := s.get("ansible_connection"); !set {
			conn = "local"
		}
	}
	tg.Connection = connectionName(conn)
	// Of several variables of an option, the last that its plugin names counts.
	pre := "ansible_" + tg.Connection + "_"
	if tg.Connection == "kubectl" {
		pre = "ansible_ssh_" // ansible_kubectl_host and _user are those of the cluster's API
	}
	tg.Address = s.or(playbook.Value{}, task, name, pre+"host", "ansible_host", "ansible_ssh_host")
	tg.Port = s.number(o.Port, "ansible_ssh_port", "ansible_port")
	if port := kw(func(b *playbook.Base) playbook.Value { return b.Port }); port.IsSet() && tg.Port == o.Port {
		if n, err := s.r.number(s.ctx, port, task, float64(o.Port)); err == nil {
			tg.Port = int(n)
		} else {
			s.fail(named("port", port, err))
		}
	}
	tg.User = s.keyword("remote_user", kw(func(b *playbook.Base) playbook.Value { return b.RemoteUser }), task, o.RemoteUser, pre+"user", "ansible_user", "ansible_ssh_user")
	tg.Password = s.or(playbook.Value{}, task, o.ConnectionPassword, "ansible_ssh_password", "ansible_ssh_pass", "ansible_password")
	tg.KeyFile = s.or(playbook.Value{}, task, o.PrivateKey, "ansible_ssh_private_key_file", "ansible_private_key_file")
	tg.Key = s.or(playbook.Value{}, task, o.PrivateKeyText, "ansible_ssh_private_key", "ansible_private_key")
	tg.KeyPassphrase = s.or(playbook.Value{}, task, o.PrivateKeyPassphrase, "ansible_ssh_private_key_passphrase", "ansible_private_key_passphrase")
	for _, a := range []struct{ name, def string }{
		{"ansible_ssh_args", o.SSHArgs}, {"ansible_ssh_common_args", o.SSHCommonArgs}, {"ansible_ssh_extra_args", o.SSHExtraArgs},
	} {
		words, err := splitWords(s.or(playbook.Value{}, task, a.def, a.name))
		if err != nil {
			s.fail(err)
		}
		if a.name == "ansible_ssh_args" {
			tg.SSHArgs = words
		} else {
			tg.SSHExtraArgs = append(tg.SSHExtraArgs, words...)
		}
	}
	tg.HostKeyChecking = s.flag(tg.HostKeyChecking, "ansible_ssh_host_key_checking", "ansible_host_key_checking")
	tg.ConnectTimeout = time.Duration(s.number(int(o.ConnectTimeout/time.Second), "ansible_ssh_timeout", "ansible_timeout")) * time.Second
	tg.Retries = s.number(o.SSHRetries, "ansible_ssh_retries")
	tg.RemoteTmp = s.or(playbook.Value{}, task, o.RemoteTmp, "ansible_remote_tmp")
	names, secret := connectionVars, []string(nil)
	switch tg.Connection {
	case "kubectl":
		names, secret = transport.KubectlVars()
	case "ssh", "openssh":
		p.sshProgram(s, task, &tg)
	}
	tg.Vars = furtherVars(s, names)
	for _, n := range secret {
		o.Secrets.Add(tg.Vars[n])
	}
	return tg
}

// connectionVars are handed to the transport as they are.
var connectionVars = []string{
	"ansible_shell_executable",
	"ansible_docker_extra_args", "ansible_docker_executable", "ansible_podman_extra_args", "ansible_podman_executable",
	"ansible_buildah_extra_args", "ansible_buildah_executable", "ansible_chroot_exe", "ansible_gorun_agent",
}

// noSSHEffect are variables of the connection ssh that change what Ansible does
// and have no effect here, where no program copies the files.
var noSSHEffect = []string{"ansible_sftp_extra_args", "ansible_scp_extra_args"}

// sshProgram makes the connection one by the program that the user names, or
// by OpenSSH's where a PKCS#11 provider holds the keys.
func (p *playRun) sshProgram(s *settings, task templates.Scope, tg *transport.Target) {
	o := &p.r.o
	tg.SSHExecutable = s.or(playbook.Value{}, task, o.SSHExecutable, "ansible_ssh_executable")
	if provider := s.or(playbook.Value{}, task, o.PKCS11Provider, "ansible_ssh_pkcs11_provider"); provider != "" {
		tg.Connection = "openssh"
		tg.SSHExtraArgs = append(tg.SSHExtraArgs, "-o", "PKCS11Provider="+provider)
	}
	switch tg.SSHExecutable {
	case "", "ssh", "/usr/bin/ssh":
	default:
		tg.Connection = "openssh"
	}
	for _, name := range noSSHEffect {
		if v, _ := s.get(name); v != "" {
			p.r.warn(name + " is set and has no effect in gorun")
		}
	}
}

// furtherVars are those of the names that are set.
func furtherVars(s *settings, names []string) map[string]string {
	var m map[string]string
	for _, n := range names {
		if v, ok := s.get(n); ok {
			if m == nil {
				m = map[string]string{}
			}
			m[n] = v
		}
	}
	return m
}

// connectionName maps Ansible's connection names to the transport's.
func connectionName(name string) string {
	switch short := shortName(name); short {
	case "", "smart", "paramiko", "paramiko_ssh":
		return "ssh"
	case "community.docker.docker_api", "docker_api":
		return "docker"
	default:
		return short
	}
}

// becomeMethods are the become plugins of Ansible and of the collections that
// come with it; which of them work is the transport's matter.
var becomeMethods = []string{"sudo", "su", "doas", "runas", "dzdo", "enable", "ksu", "machinectl", "pbrun", "pfexec", "pmrun", "run0", "sesu", "sudosu"}

// become resolves whom to become; the zero value is nobody.
func (p *playRun) become(s *settings, t *playbook.Task, task templates.Scope) transport.Become {
	o := &p.r.o
	on := o.Become
	kw := p.keyword(t, func(b *playbook.Base) playbook.Value { return b.Become })
	if v, err := s.r.bool(s.ctx, kw, task, on); err == nil {
		on = v
	} else {
		s.fail(named("become", kw, err))
	}
	if !s.flag(on, "ansible_become", "ansible_sudo", "ansible_su") {
		// Ansible templates the keyword all the same.
		if user := p.keyword(t, func(b *playbook.Base) playbook.Value { return b.BecomeUser }); user.IsSet() {
			if _, err := s.r.resolve(s.ctx, user.V, task); err != nil {
				s.fail(named("become_user", user, err))
			}
		}
		return transport.Become{}
	}
	get := func(name string, get func(b *playbook.Base) playbook.Value, def string, names ...string) string {
		return s.keyword(name, p.keyword(t, get), task, def, names...)
	}
	method := o.BecomeMethod
	if method == "" {
		method = "sudo"
	}
	b := transport.Become{
		Method: shortName(get("become_method", func(b *playbook.Base) playbook.Value { return b.BecomeMethod }, method, "ansible_become_method")),
	}
	if !slices.Contains(becomeMethods, b.Method) {
		s.fail(fmt.Errorf("Invalid become method specified, could not find matching plugin: '%s'. Use `ansible-doc -t become -l` to list available plugins.", b.Method))
	}
	pre := "ansible_" + b.Method + "_"
	b.User = get("become_user", func(b *playbook.Base) playbook.Value { return b.BecomeUser }, o.BecomeUser, "ansible_become_user", pre+"user")
	b.Exe = get("become_exe", func(b *playbook.Base) playbook.Value { return b.BecomeExe }, o.BecomeExe, "ansible_become_exe", pre+"exe")
	b.Flags = get("become_flags", func(b *playbook.Base) playbook.Value { return b.BecomeFlags }, o.BecomeFlags, "ansible_become_flags", pre+"flags")
	b.Password = s.or(playbook.Value{}, task, o.BecomePassword, "ansible_become_password", "ansible_become_pass", pre+"pass", pre+"password")
	return b
}

// splitWords splits as a shell does: quotes, backslashes, no expansion.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	open, quote, escaped := false, rune(0), false
	for _, c := range text {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, open = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteRune(c)
			}
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 || escaped {
		return nil, &wordsError{text}
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

type wordsError struct{ text string }

func (e *wordsError) Error() string { return "No closing quotation in: " + e.text }

// moduleFacts are the facts that modules may ask for.
func moduleFacts(all *templates.Dict) *templates.Dict {
	var d *templates.Dict
	for _, name := range []string{"service_mgr", "pkg_mgr", "distribution", "os_family", "distribution_release", "distribution_version", "system", "architecture"} {
		v, ok := all.GetStr(name)
		if !ok {
			if v, ok = all.GetStr("ansible_" + name); !ok {
				continue
			}
		}
		if d == nil {
			d = templates.NewDict(8)
		}
		d.SetStr(name, v)
	}
	return d
}
