package transport_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// TestLoginShells starts agents through shells of all kinds.
func TestLoginShells(t *testing.T) {
	noise := `printf "no line feed"; echo; echo GORUN-OK-; head -c 100000 /dev/zero | tr "\\0" x; echo "on stderr" >&2; printf more; `
	for _, c := range []struct{ name, program, command string }{
		{"noisy", "sh", noise + `eval "$SSH_ORIGINAL_COMMAND"`},
		{"csh", "tcsh", `exec tcsh -c "$SSH_ORIGINAL_COMMAND"`},
		{"fish", "fish", `exec fish -c "$SSH_ORIGINAL_COMMAND"`},
		{"zsh", "zsh", `exec zsh -c "$SSH_ORIGINAL_COMMAND"`},
		{"mksh", "mksh", `exec mksh -c "$SSH_ORIGINAL_COMMAND"`},
		{"busybox", "busybox", `exec busybox sh -c "$SSH_ORIGINAL_COMMAND"`},
		{"bash -u", "bash", `exec bash -euc "$SSH_ORIGINAL_COMMAND"`},
		{"no HOME", "sh", `unset HOME XDG_CACHE_HOME; eval "$SSH_ORIGINAL_COMMAND"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.program); err != nil {
				needs.Missing(t, c.program, c.program+" is not installed")
			}
			s := transporttest.StartSSHD(t, "ForceCommand "+c.command)
			target := s.Target()
			target.AgentDir = filepath.Join(t.TempDir(), "it's a cache")
			for _, b := range []transport.Become{{}, {Method: "sudo"}, {Method: "su"}} {
				if b.Method != "" && os.Geteuid() != 0 {
					continue
				}
				if _, err := exec.LookPath(b.Method); err != nil && b.Method != "" {
					continue
				}
				out := call(t, newHosts(t).Host(target, b), "ansible.builtin.command", `{"_raw_params":"echo it\\'s \"quoted\""}`)
				if out["stdout"] != `it's quoted` {
					t.Errorf("become %q: %v", b.Method, out)
				}
			}
		})
	}
}

// TestNoisyHome starts agents through a shell whose own startup file prints.
func TestNoisyHome(t *testing.T) {
	s := transporttest.StartSSHD(t)
	noise := "echo noise on stdout\nprintf 'no line feed'\necho 'line 21: pyenv: command not found' >&2\n"
	for _, name := range []string{".bashrc", ".zshenv", ".cshrc"} { // bash reads the first also where no terminal is
		transporttest.WriteFile(t, filepath.Join(s.Home, name), noise, 0o600)
	}
	for _, connection := range []string{"ssh", "openssh"} {
		t.Run(connection, func(t *testing.T) {
			if _, err := exec.LookPath("ssh"); err != nil && connection == "openssh" {
				needs.Missing(t, "ssh", "OpenSSH's ssh is not installed")
			}
			target := s.Target()
			target.Connection, target.AgentDir = connection, t.TempDir()
			for range 2 { // the agent is sent, and found
				testHostFiles(t, newHosts(t).Host(target, transport.Become{}))
			}
		})
	}
}

// testHostFiles runs a module and copies a file there and back.
func testHostFiles(t *testing.T, h transport.Host) {
	t.Helper()
	if out := call(t, h, "ansible.builtin.command", `{"_raw_params":"echo hello"}`); out["stdout"] != "hello" {
		t.Errorf("command: %v", out)
	}
	const text = "some text\n"
	path, err := h.PutTemp(t.Context(), strings.NewReader(text), int64(len(text)), "file")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := h.Fetch(t.Context(), path, &got); err != nil || got.String() != text {
		t.Errorf("Fetch: %q, %v", got.String(), err)
	}
}

// TestNoisyForEver checks that a shell that only prints is no endless wait.
func TestNoisyForEver(t *testing.T) {
	s := transporttest.StartSSHD(t, "ForceCommand yes")
	_, err := newHosts(t).Host(s.Target(), transport.Become{}).Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.ping"})
	wants(t, err, "the login shell prints without an end")
}

// TestShellEnds checks what a host without a usable shell says.
func TestShellEnds(t *testing.T) {
	s := transporttest.StartSSHD(t, "ForceCommand echo This account is currently not available. >&2; exit 1")
	_, err := newHosts(t).Host(s.Target(), transport.Become{}).Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.ping"})
	wants(t, err, "Failed to run a command on loopback: the login shell ended at once: This account is currently not available.")
}

// TestBusyBox runs the agent in a root folder that has BusyBox and nothing else.
func TestBusyBox(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		needs.Missing(t, "busybox", "busybox is not installed")
	}
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	root := t.TempDir()
	for _, d := range []string{"bin", "tmp", "root", "dev", "etc"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, busybox, filepath.Join(root, "bin", "busybox"))
	if out, err := exec.Command("chroot", root, "/bin/busybox", "--install", "/bin").CombinedOutput(); err != nil {
		needs.Missing(t, "busybox", fmt.Sprintf("this busybox is not static: %s", out))
	}
	copyLibraries(t, root)
	transporttest.WriteFile(t, filepath.Join(root, "dev", "null"), "", 0o666)
	for _, dir := range []string{"", "/dev/null/x"} { // the second cannot be made: a fallback serves
		target := transport.Target{Name: "box", Address: root, Connection: "chroot", AgentDir: dir}
		h := newHosts(t).Host(target, transport.Become{})
		for range 2 {
			out := call(t, h, "ansible.builtin.command", `{"_raw_params":"readlink -f /bin"}`)
			if out["stdout"] != "/bin" {
				t.Errorf("%q: %v", dir, out)
			}
			if err := h.Reset(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// copyLibraries gives the root folder what this test program, the agent here,
// is linked with: real agents need nothing.
func copyLibraries(t *testing.T, root string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ldd", self).Output()
	if err != nil {
		return // it is static
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			copyFile(t, word, filepath.Join(root, word))
		}
	}
}
