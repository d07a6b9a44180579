package transport_test

import (
	"errors"
	"fmt"
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

// becomeHost makes a target whose commands run as the user "tester" (uid 4242)
// in a mount namespace where that user has the password "right", and sudo
// wants it. It changes nothing outside of that namespace.
func becomeHost(t *testing.T) transport.Target {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for a mount namespace")
	}
	for _, tool := range []string{"unshare", "setpriv", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			needs.Missing(t, "sudo", tool+" is not installed")
		}
	}
	hash, err := exec.Command("openssl", "passwd", "-6", "right").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, 4242, 4242); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != "/"; d = filepath.Dir(d) { // t.TempDir's parents
		if err := os.Chmod(d, 0o755); err != nil || filepath.Dir(d) == os.TempDir() {
			break
		}
	}
	root := strings.TrimSpace(string(hash))
	write := func(name, text string, mode os.FileMode) {
		transporttest.WriteFile(t, filepath.Join(dir, name), text, mode)
	}
	// A folder in the place of /etc, with what logins and the linker need of it.
	if out, err := exec.Command("sh", "-ec", `mkdir "$1"; cd /etc
for f in ld.so.cache nsswitch.conf pam.d pam.conf security login.defs sudo.conf environment hosts hostname; do
if [ -e $f ]; then cp -RL $f "$1"; fi; done`, "sh", filepath.Join(dir, "etc")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write("etc/passwd", fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/sh\ntester:x:4242:4242::%s:/bin/sh\n", home), 0o644)
	write("etc/group", "root:x:0:\nshadow:x:42:\nnogroup:x:65534:\ntester:x:4242:\n", 0o644)
	write("etc/shadow", "root:"+root+":19000:0:99999:7:::\nnobody:*:19000::::::\ntester:"+root+":19000:0:99999:7:::\n", 0o640)
	write("etc/sudoers", "Defaults !lecture, !syslog\nroot ALL=(ALL:ALL) NOPASSWD: ALL\ntester ALL=(ALL:ALL) ALL\ntester ALL=(nobody) NOPASSWD: ALL\n", 0o440)
	write("etc/doas.conf", "permit tester as root\npermit nopass tester as nobody\n", 0o400)
	write("enter", "#!/bin/sh\nshift\nexec unshare -m /bin/sh -ec 'mount --bind "+dir+"/etc /etc; export HOME="+home+" USER=tester; cd /; "+
		"exec setpriv --reuid 4242 --regid 4242 --clear-groups \"$@\"' sh \"$@\"\n", 0o755)
	return transport.Target{
		Name: "becomer", Address: "/", Connection: "chroot", AgentDir: "",
		Vars: map[string]string{"ansible_chroot_exe": filepath.Join(dir, "enter")},
	}
}

// TestBecomeAtTerminal becomes by programs that want a terminal: sudo where
// sudoers says requiretty, and doas with a password.
func TestBecomeAtTerminal(t *testing.T) {
	inside := becomeHost(t)
	enter := inside.Vars["ansible_chroot_exe"]
	dir := filepath.Dir(enter)
	sudoers, err := os.ReadFile(filepath.Join(dir, "etc/sudoers"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/sudoers"), append([]byte("Defaults requiretty\n"), sudoers...), 0o440); err != nil {
		t.Fatal(err)
	}
	s := transporttest.StartSSHD(t, "ForceCommand "+enter+` / /bin/sh -c "$SSH_ORIGINAL_COMMAND"`)
	target := s.Target()
	h := newHosts(t)
	for _, c := range []struct {
		name   string
		become transport.Become
		want   string // the user, or the error
		fails  bool
	}{
		{"sudo with a password", transport.Become{Method: "sudo", Password: "right"}, "root", false},
		{"sudo without one", transport.Become{Method: "sudo", User: "nobody"}, "nobody", false},
		{"sudo, missing", transport.Become{Method: "sudo"}, "Missing sudo password", true},
		{"sudo, wrong", transport.Become{Method: "sudo", Password: "wrong"}, "Incorrect sudo password", true},
		{"sudo to no user", transport.Become{Method: "sudo", User: "nosuchuser", Password: "right"}, "nosuchuser", true},
		{"su with a password", transport.Become{Method: "su", Password: "right"}, "root", false},
		{"doas with a password", transport.Become{Method: "doas", Password: "right"}, "root", false},
		{"doas without one", transport.Become{Method: "doas", User: "nobody"}, "nobody", false},
		{"doas, missing", transport.Become{Method: "doas"}, "Missing doas password", true},
		{"doas, wrong", transport.Become{Method: "doas", Password: "wrong"}, "Incorrect doas password", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.become.Method); err != nil {
				needs.Missing(t, c.become.Method, err.Error())
			}
			host := h.Host(target, c.become)
			res, err := host.Exec(t.Context(), "id -un; cat", transport.ExecOptions{})
			got := string(res.Stdout)
			var be *transport.BecomeError
			if c.fails {
				if !errors.As(err, &be) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "BECOME-SUCCESS") {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			if err != nil || strings.TrimSpace(got) != c.want {
				t.Errorf("%q %v, want %s", got, err, c.want)
			}
			if out := call(t, host, "ansible.builtin.command", `{"_raw_params":"id -un","stdin":"x"}`); out["stdout"] != c.want {
				t.Errorf("the agent: %v", out)
			}
			if c.want == "nobody" {
				os.RemoveAll("/var/tmp/.gorun-65534")
			}
		})
	}
}

func TestBecome(t *testing.T) {
	target := becomeHost(t)
	h := newHosts(t)
	for _, c := range []struct {
		name   string
		become transport.Become
		want   string // the user, or the error
		fails  bool
	}{
		{"nobody else", transport.Become{}, "tester", false},
		{"sudo with a password", transport.Become{Method: "sudo", Password: "right"}, "root", false},
		{"sudo with Ansible's flags", transport.Become{Method: "sudo", Password: "right", Flags: "-H -S -n"}, "root", false},
		{"sudo through a login shell", transport.Become{Method: "sudo", Password: "right", Flags: "-i"}, "root", false},
		{"sudo through a shell", transport.Become{Method: "sudo", Password: "right", Flags: "-H -s"}, "root", false},
		{"sudo without a password where none is needed", transport.Become{Method: "sudo", User: "nobody"}, "nobody", false},
		{"sudo, missing", transport.Become{Method: "sudo"}, "Missing sudo password", true},
		{"sudo, wrong", transport.Become{Method: "sudo", Password: "wrong"}, "Incorrect sudo password", true},
		{"sudo to no user", transport.Become{Method: "sudo", User: "nosuchuser", Password: "right"}, "nosuchuser", true},
		{"no sudo", transport.Become{Method: "sudo", Exe: "/no/sudo"}, "/no/sudo", true},
		{"su with a password", transport.Become{Method: "su", Password: "right"}, "root", false},
		{"su, missing", transport.Become{Method: "su"}, "Missing su password", true},
		{"su, wrong", transport.Become{Method: "su", Password: "wrong"}, "Incorrect su password", true},
		{"unknown method", transport.Become{Method: "magic"}, `become method "magic" is not known: sudo, su and doas are`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, tool := range []string{"sudo", "su"} {
				if _, err := exec.LookPath(tool); err != nil && c.become.Method == tool {
					needs.Missing(t, tool, tool+" is not installed")
				}
			}
			began := time.Now()
			res, err := h.Host(target, c.become).Exec(t.Context(), "x=$(id -un)\necho \"$x\"; head -c 4", transport.ExecOptions{Stdin: strings.NewReader("rest of stdin")})
			got := string(res.Stdout)
			if err != nil {
				got = err.Error()
			}
			var be *transport.BecomeError
			switch {
			case c.fails && (!errors.As(err, &be) || !strings.Contains(got, c.want)):
				t.Errorf("%v, want %s", err, c.want)
			case !c.fails && got != c.want+"\nrest":
				t.Errorf("%q, want %s", got, c.want)
			}
			if strings.Contains(got, "right") || strings.Contains(got, "wrong") {
				t.Errorf("the password is in %q", got)
			}
			if d := time.Since(began); d > 8*time.Second {
				t.Errorf("it took %s", d)
			}
		})
	}
}

// TestBecomeAgent runs modules as another user, whose agent is kept apart.
func TestBecomeAgent(t *testing.T) {
	if _, err := exec.LookPath("sudo"); err != nil {
		needs.Missing(t, "sudo", "sudo is not installed")
	}
	target := becomeHost(t)
	h := newHosts(t)
	for _, c := range []struct {
		become transport.Become
		want   string
	}{
		{transport.Become{}, "tester"}, {transport.Become{Method: "sudo", User: "nobody"}, "nobody"},
		{transport.Become{Method: "sudo", User: "nobody", Flags: "-i"}, "nobody"}, {transport.Become{Method: "sudo", User: "nobody", Flags: "-s"}, "nobody"},
	} {
		out := call(t, h.Host(target, c.become), "ansible.builtin.command", `{"_raw_params":"id -un"}`)
		if out["stdout"] != c.want {
			t.Errorf("%+v: %v", c.become, out)
		}
	}
	// nobody has no home: the agent is in a folder that the user owns.
	dir := "/var/tmp/.gorun-65534"
	st, err := os.Stat(dir)
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v %v", dir, st, err)
	}
	os.RemoveAll(dir)
}
