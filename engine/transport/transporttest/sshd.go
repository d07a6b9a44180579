package transporttest

// This file starts a real sshd for tests.

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"gorun/engine/transport"
	"gorun/internal/needs"
)

// An SSHD is a server of its own on the loopback device.
type SSHD struct {
	Port       int
	User       string
	Key        string // file of a private key that it accepts
	KnownHosts string // file with its host key
	HostKey    ssh.PublicKey
	Dir        string // its files
	Home       string // home of its sessions, empty at first
	path       string // the program
	cmd        *exec.Cmd
}

// StartSSHD starts OpenSSH's sshd with its own keys and configuration on a
// free port; it ends with the test. extra are lines of sshd_config. Sessions
// have a home of their own: what the user's shell says at its start is not
// the test's matter.
func StartSSHD(t testing.TB, extra ...string) *SSHD {
	t.Helper()
	path, err := exec.LookPath("sshd")
	if err != nil {
		for _, p := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
			if _, statErr := os.Stat(p); statErr == nil {
				path, err = p, nil
			}
		}
	}
	if err != nil {
		needs.Missing(t, "sshd", "sshd is not installed (Debian: openssh-server)")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &SSHD{Dir: t.TempDir(), User: me.Username, Port: freePort(t)}
	s.writeFiles(t, extra)
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.path = path
	s.start(t)
	t.Cleanup(s.Stop)
	return s
}

// Restart has the server read its files anew; its sessions end.
func (s *SSHD) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	s.start(t)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// NewKey writes an ed25519 key to path and path.pub.
func NewKey(t testing.TB, path, passphrase string) ssh.PublicKey {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(priv, "test")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(priv, "test", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	WriteFile(t, path, string(pem.EncodeToMemory(block)), 0o600)
	WriteFile(t, path+".pub", string(ssh.MarshalAuthorizedKey(key)), 0o644)
	return key
}

// WriteFile writes a file or fails the test.
func WriteFile(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (s *SSHD) writeFiles(t testing.TB, extra []string) {
	t.Helper()
	host := filepath.Join(s.Dir, "host_key")
	s.HostKey = NewKey(t, host, "")
	s.Key = filepath.Join(s.Dir, "user_key")
	NewKey(t, s.Key, "")
	s.KnownHosts = filepath.Join(s.Dir, "known_hosts")
	WriteFile(t, s.KnownHosts, fmt.Sprintf("[127.0.0.1]:%d %s", s.Port, ssh.MarshalAuthorizedKey(s.HostKey)), 0o600)
	pub, err := os.ReadFile(s.Key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	WriteFile(t, filepath.Join(s.Dir, "authorized_keys"), string(pub), 0o600)
	s.Home = filepath.Join(s.Dir, "home")
	if err := os.Mkdir(s.Home, 0o700); err != nil {
		t.Fatal(err)
	}
	lines := []string{
		fmt.Sprintf("Port %d", s.Port), "ListenAddress 127.0.0.1", "HostKey " + host, "PidFile none", "UsePAM no", "StrictModes no",
		"PermitRootLogin yes", "PasswordAuthentication no", "AuthorizedKeysFile " + filepath.Join(s.Dir, "authorized_keys"), "MaxStartups 100",
		"SetEnv HOME=" + s.Home, "PermitUserRC no",
	}
	WriteFile(t, filepath.Join(s.Dir, "sshd_config"), strings.Join(append(extra, lines...), "\n")+"\n", 0o600)
}

func (s *SSHD) start(t testing.TB) {
	t.Helper()
	// A file: a pipe would be held open by sessions that live longer.
	log, err := os.Create(filepath.Join(s.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(s.path, "-D", "-e", "-f", filepath.Join(s.Dir, "sshd_config"))
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			s.Stop()
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("sshd does not listen: %v\n%s", err, text)
		}
	}
}

// Stop ends the server and its sessions; more than once does no harm.
func (s *SSHD) Stop() {
	if s.cmd == nil {
		return
	}
	for _, pid := range descendants(s.cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	s.cmd = nil
}

// descendants are the server's processes for connections: they are in sessions
// of their own, and so not in its process group.
func descendants(pid int) []int {
	var out []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range tasks {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(word); err == nil {
				out = append(append(out, child), descendants(child)...)
			}
		}
	}
	return out
}

// Target reaches the server with its key.
func (s *SSHD) Target() transport.Target {
	return transport.Target{
		Name: "loopback", Address: "127.0.0.1", Connection: "ssh", Port: s.Port, User: s.User, KeyFile: s.Key, HostKeyChecking: true,
		ConnectTimeout: 10 * time.Second,
		SSHArgs:        []string{"-F", "none", "-o", "UserKnownHostsFile=" + s.KnownHosts, "-o", "GlobalKnownHostsFile=none", "-o", "IdentityAgent=none"},
	}
}
