package transport_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// serveAgent is an ssh-agent that holds the private key of a file.
func serveAgent(t *testing.T, keyFile string) (socket string) {
	t.Helper()
	text, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: key, Comment: "of the test"}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the listener is closed
			}
			go func() {
				agent.ServeAgent(keyring, conn) // ends with its client
				conn.Close()
			}()
		}
	}()
	return socket
}

// TestForwardAgent checks that every command of a host, in the first session
// and in later ones, has the user's keys at hand, and that a server that
// forbids it is reached all the same.
func TestForwardAgent(t *testing.T) {
	if _, err := exec.LookPath("ssh-add"); err != nil {
		needs.Missing(t, "ssh", "OpenSSH's ssh-add is not installed")
	}
	for server, want := range map[string]string{"AllowAgentForwarding yes": "of the test", "AllowAgentForwarding no": "no agent"} {
		s := transporttest.StartSSHD(t, server)
		target := without(s.Target(), "IdentityAgent")
		target.KeyFile, target.AgentDir = "", t.TempDir()
		target.SSHArgs = append(target.SSHArgs, "-o", "IdentityAgent="+serveAgent(t, s.Key), "-o", "ForwardAgent=yes")
		h := newHosts(t).Host(target, transport.Become{})
		const list = `if [ -n "$SSH_AUTH_SOCK" ]; then ssh-add -l; else echo no agent; fi`
		for range 3 {
			res, err := h.Exec(t.Context(), list, transport.ExecOptions{})
			if err != nil || !strings.Contains(string(res.Stdout), want) {
				t.Errorf("%s: raw: %q %q %v", server, res.Stdout, res.Stderr, err)
			}
		}
		out := call(t, h, "ansible.builtin.shell", `{"_raw_params":`+strconv.Quote(list)+`}`)
		if said, _ := out["stdout"].(string); !strings.Contains(said, want) {
			t.Errorf("%s: a module: %v", server, out)
		}
	}
}
