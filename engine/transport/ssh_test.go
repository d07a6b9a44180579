package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// connect tries a target and returns the error.
func connect(t *testing.T, target transport.Target, options ...transport.Option) error {
	t.Helper()
	c, err := transport.Dial(t.Context(), target, options...)
	if err != nil {
		var u *transport.UnreachableError
		if !errors.As(err, &u) {
			t.Errorf("not an UnreachableError: %T %v", err, err)
		}
		return err
	}
	c.Close()
	return nil
}

func wants(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%v\nwant %q in it", err, p)
		}
	}
}

// without drops the -o words of an option from the target.
func without(target transport.Target, option string) transport.Target {
	var args []string
	for i := 0; i < len(target.SSHArgs); i++ {
		if target.SSHArgs[i] == "-o" && strings.HasPrefix(target.SSHArgs[i+1], option+"=") {
			i++
			continue
		}
		args = append(args, target.SSHArgs[i])
	}
	target.SSHArgs = args
	return target
}

func with(target transport.Target, args ...string) transport.Target {
	target.SSHArgs = append(append([]string(nil), target.SSHArgs...), args...)
	return target
}

func TestSSHHostKeys(t *testing.T) {
	s := transporttest.StartSSHD(t)
	fresh := func() (transport.Target, string) {
		file := filepath.Join(t.TempDir(), "sub", "known_hosts")
		return with(without(s.Target(), "UserKnownHostsFile"), "-o", "UserKnownHostsFile="+file), file
	}
	size := func(file string) int {
		data, _ := os.ReadFile(file)
		return strings.Count(string(data), "\n")
	}
	target, file := fresh()
	wants(t, connect(t, target), "Failed to connect to the host via ssh: ", "ED25519", "SHA256:", "Host key verification failed.")

	if err := connect(t, with(target, "-o", "StrictHostKeyChecking=accept-new")); err != nil || size(file) != 1 {
		t.Errorf("accept-new: %v, %d lines", err, size(file))
	}
	if err := connect(t, with(target, "-o", "StrictHostKeyChecking=yes")); err != nil {
		t.Errorf("a known host: %v", err)
	}

	target, file = fresh()
	target.HostKeyChecking = false
	if err := connect(t, target); err != nil || size(file) != 1 {
		t.Errorf("host_key_checking=False: %v, %d lines", err, size(file))
	}

	target, file = fresh()
	var asked []string
	answers := []string{"what", "no"}
	ask := transport.WithAsk(func(_ context.Context, q string, _ bool) (string, error) {
		asked = append(asked, q)
		a := answers[0]
		answers = answers[1:]
		return a, nil
	})
	wants(t, connect(t, target, ask), "Host key verification failed.")
	if len(asked) != 2 || !strings.Contains(asked[0], "The authenticity of host '127.0.0.1 (127.0.0.1:") || size(file) != 0 {
		t.Errorf("asked %q", asked)
	}
	answers = []string{"yes"}
	if err := connect(t, with(target, "-o", "HashKnownHosts=yes"), ask); err != nil || size(file) != 1 {
		t.Errorf("yes: %v", err)
	}
	if data, _ := os.ReadFile(file); !strings.HasPrefix(string(data), "|1|") {
		t.Errorf("not hashed: %s", data)
	}
	if err := connect(t, target); err != nil {
		t.Errorf("a hashed known host: %v", err)
	}

	target, file = fresh()
	other := transporttest.NewKey(t, filepath.Join(t.TempDir(), "other"), "")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	transporttest.WriteFile(t, file, fmt.Sprintf("[127.0.0.1]:%d %s %s\n", s.Port, other.Type(), strings.Fields(keyLine(other))[1]), 0o600)
	wants(t, connect(t, target), "REMOTE HOST IDENTIFICATION HAS CHANGED!", file+":1", "Host key verification failed.")
	if err := connect(t, with(target, "-o", "StrictHostKeyChecking=accept-new")); err == nil {
		t.Error("accept-new takes a changed key")
	}

	target, file = fresh()
	target = with(target, "-o", "HostKeyAlias=alias", "-o", "StrictHostKeyChecking=accept-new")
	if err := connect(t, target); err != nil {
		t.Error(err)
	}
	if data, _ := os.ReadFile(file); !strings.HasPrefix(string(data), "alias ssh-ed25519 ") {
		t.Errorf("HostKeyAlias: %s", data)
	}
}

func TestSSHAuthentication(t *testing.T) {
	s := transporttest.StartSSHD(t)
	dir := t.TempDir()
	key := filepath.Join(dir, "locked")
	pub := transporttest.NewKey(t, key, "open sesame")
	authorized := filepath.Join(s.Dir, "authorized_keys")
	old, err := os.ReadFile(authorized)
	if err != nil {
		t.Fatal(err)
	}
	transporttest.WriteFile(t, authorized, string(old)+keyLine(pub), 0o600)

	target := s.Target()
	target.KeyFile = key
	wants(t, connect(t, target), s.User+"@127.0.0.1: Permission denied", key+" needs a passphrase")
	target.KeyPassphrase = "wrong"
	wants(t, connect(t, target), "Permission denied", key+" cannot be read")
	target.KeyPassphrase = "open sesame"
	if err := connect(t, target); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	itself := target
	itself.KeyFile, itself.Key = "", string(text)
	if err := connect(t, itself); err != nil {
		t.Errorf("the key itself: %v", err)
	}
	itself.Key = "no key"
	wants(t, connect(t, itself), "Permission denied", "of ansible_ssh_private_key cannot be read")
	target.KeyFile = filepath.Join(dir, "missing")
	wants(t, connect(t, target), "Permission denied", "missing: no such file")

	stranger := filepath.Join(dir, "stranger")
	transporttest.NewKey(t, stranger, "")
	target.KeyFile = stranger
	wants(t, connect(t, target), "Permission denied (publickey).")

	// Several IdentityFile, ~ and tokens.
	target.KeyFile = ""
	target = with(target, "-i", stranger, "-oIdentityFile="+filepath.Dir(s.Key)+"/%r_key", "-i", s.Key)
	if err := connect(t, target); err != nil {
		t.Error(err)
	}
}

func TestSSHCertificate(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		needs.Missing(t, "sshd", "ssh-keygen is not installed")
	}
	dir := t.TempDir()
	ca, key := filepath.Join(dir, "ca"), filepath.Join(dir, "key")
	transporttest.NewKey(t, ca, "")
	transporttest.NewKey(t, key, "")
	s := transporttest.StartSSHD(t, "TrustedUserCAKeys "+ca+".pub")
	target := s.Target()
	target.KeyFile = key
	wants(t, connect(t, target), "Permission denied")
	if out, err := exec.Command("ssh-keygen", "-q", "-s", ca, "-I", "test", "-n", s.User, key+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := connect(t, target); err != nil {
		t.Error(err)
	}
}

func TestSSHJump(t *testing.T) {
	s := transporttest.StartSSHD(t)
	config := filepath.Join(t.TempDir(), "config")
	transporttest.WriteFile(t, config, fmt.Sprintf(`
Host inner
  HostName 127.0.0.1
  ProxyJump bastion
Match originalhost bastion user %[1]s
  HostName 127.0.0.1
Host inner bastion
  Port %[2]d
  User %[1]s
  IdentityFile %[3]s
  UserKnownHostsFile %[4]s
Host by-command
  ProxyCommand nc_is_not_needed
`, s.User, s.Port, s.Key, s.KnownHosts), 0o600)
	target := transport.Target{Name: "inner", Address: "inner", Connection: "ssh", HostKeyChecking: true, SSHArgs: []string{"-F", config, "-o", "IdentityAgent=none"}}
	if err := connect(t, target); err != nil {
		t.Errorf("ProxyJump: %v", err)
	}
	if _, err := exec.LookPath("nc"); err == nil {
		target = with(s.Target(), "-o", "ProxyCommand=nc %h %p")
		if err := connect(t, target); err != nil {
			t.Errorf("ProxyCommand: %v", err)
		}
	}
	wants(t, connect(t, with(s.Target(), "-o", "ProxyCommand=echo no proxy >&2; exit 1")), "Failed to connect to the host via ssh: ")
}

func TestSSHUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	target := transport.Target{Name: "x", Address: "127.0.0.1", Connection: "ssh", Port: port, HostKeyChecking: true, SSHArgs: []string{"-F", "none"}, ConnectTimeout: time.Second}

	t.Run("silent", func(t *testing.T) { // it accepts and says nothing
		began := time.Now()
		wants(t, connect(t, target), "Connection timed out during banner exchange")
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("it took %s", d)
		}
	})
	l.Close()
	t.Run("refused", func(t *testing.T) {
		err := connect(t, target)
		want := fmt.Sprintf("Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port %d: Connection refused", port)
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
	t.Run("no such name", func(t *testing.T) {
		target := target
		target.Address = "no.such.host.invalid"
		wants(t, connect(t, target), "ssh: Could not resolve hostname no.such.host.invalid")
	})
	t.Run("bad arguments", func(t *testing.T) {
		wants(t, connect(t, with(target, "-p")), "-p needs a value")
		wants(t, connect(t, with(target, "word")), `"word" is no option of ssh`)
	})
}

// TestSSHBootWait checks that a host that boots is waited for.
func TestSSHBootWait(t *testing.T) {
	s := transporttest.StartSSHD(t)
	target := s.Target()
	real := target.Port
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target.Port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	target.HostKeyChecking = false
	target = with(without(target, "UserKnownHostsFile"), "-o", "UserKnownHostsFile=/dev/null")
	target.BootWait = 10 * time.Second
	go func() {
		time.Sleep(500 * time.Millisecond)
		forward(t, target.Port, real)
	}()
	began := time.Now()
	if err := connect(t, target); err != nil || time.Since(began) < 500*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// forward hands one connection at port from on to port to.
func forward(t *testing.T, from, to int) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", from))
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { l.Close() })
	in, err := l.Accept()
	if err != nil {
		return
	}
	out, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", to))
	if err != nil {
		t.Error(err)
		return
	}
	go func() { copyAndClose(out, in) }()
	copyAndClose(in, out)
}

// TestMaxSessions checks that a server that grants a connection one session
// gets more connections, and one that grants none a message.
func TestMaxSessions(t *testing.T) {
	s := transporttest.StartSSHD(t, "MaxSessions 1")
	target := s.Target()
	target.AgentDir = t.TempDir()
	hosts := newHosts(t)
	becomes := []transport.Become{{}}
	if os.Geteuid() == 0 {
		becomes = append(becomes, transport.Become{Method: "su"})
	}
	for _, b := range becomes {
		h := hosts.Host(target, b)
		testHostFiles(t, h)
		for range 3 { // beside the agents
			if res, err := h.Exec(t.Context(), "echo hello", transport.ExecOptions{}); err != nil || string(res.Stdout) != "hello\n" {
				t.Errorf("become %q: %q %v", b.Method, res.Stdout, err)
			}
		}
	}
	none := transporttest.StartSSHD(t, "MaxSessions 0")
	_, err := newHosts(t).Host(none.Target(), transport.Become{}).Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.ping"})
	wants(t, err, "refuses another session (MaxSessions?)")
}

// TestSSHArgsOrder checks what counts where several say it: ssh_args before the
// target's own settings, those before ssh_common_args and ssh_extra_args, and all
// of them before a user in the address.
func TestSSHArgsOrder(t *testing.T) {
	s := transporttest.StartSSHD(t)
	user := func(change func(*transport.Target)) transport.Target {
		target := s.Target()
		change(&target)
		return target
	}
	for name, target := range map[string]transport.Target{
		"ssh_args, own": user(func(t *transport.Target) {
			t.SSHArgs, t.User = append(t.SSHArgs, "-o", "User="+t.User, "-o", "Port="+fmt.Sprint(t.Port)), "nobodyhere"
			t.Port = 1
		}),
		"own, extra": user(func(t *transport.Target) { t.SSHExtraArgs = []string{"-o", "User=nobodyhere", "-p", "1"} }),
		"extra, address": user(func(t *transport.Target) {
			t.SSHExtraArgs, t.User, t.Address = []string{"-o", "User=" + t.User}, "", "nobodyhere@127.0.0.1"
		}),
		"address": user(func(t *transport.Target) { t.Address, t.User = t.User+"@127.0.0.1", "" }),
	} {
		for _, connection := range []string{"ssh", "openssh"} {
			if _, err := exec.LookPath("ssh"); err != nil && connection == "openssh" {
				needs.Missing(t, "ssh", "OpenSSH's ssh is not installed")
			}
			target.Connection = connection
			c, err := transport.Dial(t.Context(), target)
			if err != nil {
				t.Errorf("%s by %s: %v", name, connection, err)
				continue
			}
			p, err := c.Start(t.Context(), "true", transport.StartOptions{})
			if err != nil {
				t.Errorf("%s by %s: %v", name, connection, err)
			} else if rc, err := p.Wait(); rc != 0 || err != nil {
				t.Errorf("%s by %s: %d %v", name, connection, rc, err)
			}
			c.Close()
		}
	}
	bad := s.Target()
	bad.Address = "[::1]"
	wants(t, connect(t, bad), "ssh: Could not resolve hostname [::1]: Name or service not known")
}
