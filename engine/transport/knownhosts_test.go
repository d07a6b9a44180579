package transport_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// sshConnects says whether OpenSSH's ssh connects to the target.
func sshConnects(t *testing.T, target transport.Target) (bool, string) {
	t.Helper()
	args := append([]string{"-o", "BatchMode=yes", "-i", target.KeyFile, "-p", fmt.Sprint(target.Port), "-l", target.User}, target.SSHArgs...)
	out, err := exec.Command("ssh", append(args, target.Address, "true")...).CombinedOutput()
	return err == nil, string(out)
}

// TestKnownHosts compares which hosts are trusted with what ssh does.
func TestKnownHosts(t *testing.T) {
	for _, tool := range []string{"ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			needs.Missing(t, "ssh", tool+" is not installed")
		}
	}
	dir := t.TempDir()
	ca, other := filepath.Join(dir, "ca"), filepath.Join(dir, "other")
	caKey, otherKey := transporttest.NewKey(t, ca, ""), transporttest.NewKey(t, other, "")
	plain := transporttest.StartSSHD(t)
	certDir := t.TempDir()
	certified := transporttest.StartSSHD(t, "HostCertificate "+filepath.Join(certDir, "host-cert.pub"))
	sign := func(principals string) {
		t.Helper()
		pub := filepath.Join(certDir, "host.pub")
		transporttest.WriteFile(t, pub, keyLine(certified.HostKey), 0o644)
		if out, err := exec.Command("ssh-keygen", "-q", "-s", ca, "-I", "host", "-h", "-n", principals, pub).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	rsa := "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC" // cut off
	named := func(s *transporttest.SSHD) string { return fmt.Sprintf("[127.0.0.1]:%d", s.Port) }
	line := func(name string, key ssh.PublicKey) string { return name + " " + keyLine(key) }
	for _, c := range []struct {
		name  string
		s     *transporttest.SSHD
		known string
		args  []string
	}{
		{name: "known", s: plain, known: line(named(plain), plain.HostKey)},
		{name: "unknown", s: plain, known: ""},
		{name: "without its port", s: plain, known: line("127.0.0.1", plain.HostKey)},
		{name: "another one without its port", s: plain, known: line("127.0.0.1", otherKey)},
		{name: "of another port", s: plain, known: line("[127.0.0.1]:1", plain.HostKey)},
		{name: "changed", s: plain, known: line(named(plain), otherKey)},
		{name: "one of several", s: plain, known: line(named(plain), otherKey) + line(named(plain), plain.HostKey)},
		{name: "wildcard", s: plain, known: line("x,[127.0.*]:*", plain.HostKey)},
		{name: "excluded", s: plain, known: line("*,!"+named(plain), plain.HostKey)},
		{name: "lines that cannot be read", s: plain, known: "what is this\n" + named(plain) + " " + rsa + "\nx 1024 35 123456789\n# comment\n\n|1|bad|\n@odd-marker x y z\n" + line(named(plain), plain.HostKey)},
		{name: "revoked", s: plain, known: line(named(plain), plain.HostKey) + "@revoked " + line("*", plain.HostKey)},
		{name: "revoked, and not strict", s: plain, known: "@revoked " + line("*", plain.HostKey), args: []string{"-o", "StrictHostKeyChecking=no"}},
		{name: "changed, and not strict", s: plain, known: line(named(plain), otherKey), args: []string{"-o", "StrictHostKeyChecking=off"}},
		{name: "changed, and new ones are accepted", s: plain, known: line(named(plain), otherKey), args: []string{"-o", "StrictHostKeyChecking=accept-new"}},
		{name: "alias", s: plain, known: line("alias", plain.HostKey), args: []string{"-o", "HostKeyAlias=alias"}},
		{name: "alias that is not known", s: plain, known: line(named(plain), plain.HostKey), args: []string{"-o", "HostKeyAlias=alias"}},
		{name: "loopback is not checked", s: plain, known: "", args: []string{"-o", "NoHostAuthenticationForLocalhost=yes"}},
		{name: "a list of revoked keys", s: plain, known: line(named(plain), plain.HostKey), args: []string{"-o", "RevokedHostKeys=" + filepath.Join(dir, "revoked")}},
		{name: "authority", s: certified, known: "@cert-authority " + line("[127.0.0.1]:*", caKey)},
		{name: "authority of other hosts", s: certified, known: "@cert-authority " + line("*.example.org", caKey)},
		{name: "another authority", s: certified, known: "@cert-authority " + line("*", otherKey)},
		{name: "authority that is revoked", s: certified, known: "@cert-authority " + line("*", caKey) + "@revoked " + line("*", caKey)},
		{name: "the certificate's key without its authority", s: certified, known: line(named(certified), certified.HostKey)},
		{name: "certificate of another host", s: certified, known: "@cert-authority " + line("*", caKey), args: []string{"-o", "HostKeyAlias=elsewhere"}},
		{name: "certificate by its alias", s: certified, known: "@cert-authority " + line("*", caKey), args: []string{"-o", "HostKeyAlias=web"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			transporttest.WriteFile(t, filepath.Join(dir, "revoked"), keyLine(plain.HostKey), 0o644)
			sign("127.0.0.1,web")
			for _, hashed := range []bool{false, true} {
				file := filepath.Join(t.TempDir(), "known_hosts")
				args := append([]string{"-F", "none", "-o", "UserKnownHostsFile=" + file, "-o", "GlobalKnownHostsFile=none", "-o", "IdentityAgent=none"}, c.args...)
				args = append(args, "-o", "StrictHostKeyChecking=yes") // behind another one it has no effect
				target := c.s.Target()
				target.SSHArgs = args
				var got, want bool
				var said string
				var err error
				for _, native := range []bool{true, false} {
					transporttest.WriteFile(t, file, c.known, 0o600)
					if hashed {
						if out, err := exec.Command("ssh-keygen", "-q", "-H", "-f", file).CombinedOutput(); err != nil && !strings.Contains(string(out), "not valid") {
							t.Skipf("ssh-keygen does not hash this: %s", out)
						}
					}
					if native {
						err = connect(t, target)
						got = err == nil
					} else {
						want, said = sshConnects(t, target)
					}
				}
				if got != want {
					t.Errorf("hashed %v: %v; ssh connects: %v: %s", hashed, err, want, said)
				}
				if err != nil {
					wants(t, err, "Host key verification failed.")
				}
			}
		})
	}
}

// TestSSHAlgorithms reaches a host of former days.
func TestSSHAlgorithms(t *testing.T) {
	s := transporttest.StartSSHD(t, "KexAlgorithms diffie-hellman-group1-sha1,diffie-hellman-group14-sha1", "Ciphers aes128-cbc,3des-cbc", "MACs hmac-sha1")
	target := s.Target()
	wants(t, connect(t, target), "no common algorithm")
	old := []string{"-o", "KexAlgorithms=+diffie-hellman-group1-sha1", "-o", "Ciphers=^3des-cbc", "-o", "MACs=hmac-md5,hmac-sha1"}
	if err := connect(t, with(target, old...)); err != nil {
		t.Error(err)
	}
	if err := connect(t, with(target, "-oKexAlgorithms=diffie-hellman-group1*", "-caes128-cbc", "-mhmac-sha1")); err != nil {
		t.Error(err)
	}
	wants(t, connect(t, with(target, "-o", "MACs=umac-64@openssh.com")), "MACs umac-64@openssh.com: none of them can be used here; these can: ", "hmac-sha2-256")
}

// TestSSHEnvironment checks SendEnv and SetEnv.
func TestSSHEnvironment(t *testing.T) {
	s := transporttest.StartSSHD(t, "AcceptEnv GORUN_TEST_*")
	t.Setenv("GORUN_TEST_SENT", "it's sent")
	t.Setenv("GORUN_TEST_NOT", "x")
	target := with(s.Target(), "-o", "SendEnv=GORUN_TEST_S* OTHER", "-o", `SetEnv=GORUN_TEST_SET="a b" NOT_ACCEPTED=1`)
	target.AgentDir = t.TempDir()
	h := newHosts(t).Host(target, transport.Become{})
	const script = `echo "$GORUN_TEST_SENT|$GORUN_TEST_NOT|$GORUN_TEST_SET|$NOT_ACCEPTED"`
	res, err := h.Exec(t.Context(), script, transport.ExecOptions{})
	if want := "it's sent||a b|\n"; err != nil || string(res.Stdout) != want {
		t.Errorf("%q, %v, want %q", res.Stdout, err, want)
	}
	if out := call(t, h, "ansible.builtin.command", `{"_raw_params":"printenv GORUN_TEST_SENT"}`); out["stdout"] != "it's sent" {
		t.Errorf("the agent has %v", out["stdout"])
	}
}

// TestSSHMethods checks that what the configuration forbids is not tried.
func TestSSHMethods(t *testing.T) {
	s := transporttest.StartSSHD(t)
	for _, arg := range []string{"PubkeyAuthentication=no", "PreferredAuthentications=password", "PreferredAuthentications=keyboard-interactive,password"} {
		wants(t, connect(t, with(s.Target(), "-o", arg)), "Permission denied")
	}
	if err := connect(t, with(s.Target(), "-o", "PreferredAuthentications=password,publickey", "-o", "IdentityFile=none")); err != nil {
		t.Error(err)
	}
}

// TestProxyCommandWords checks that what a ProxyCommand says is told.
func TestProxyCommandWords(t *testing.T) {
	s := transporttest.StartSSHD(t)
	err := connect(t, with(s.Target(), "-o", "ProxyCommand=echo the bastion is closed >&2; exit 1"))
	wants(t, err, "Failed to connect to the host via ssh: the bastion is closed\n")
}
