package registry

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gorun/internal/needs"
	"gorun/modules"
)

// A faultCase is a module that writes a file in one step, and how it is asked to.
// In the arguments $F is the file, $W another folder with what the module reads.
type faultCase struct {
	name, module string
	args         map[string]any
}

// big does not fit into the file system of the tests.
var big = strings.Repeat("x", 200<<10)

var faultCases = []faultCase{
	{"copy", "copy", map[string]any{"content": big, "dest": "$F"}},
	{"copy with a backup", "copy", map[string]any{"content": big, "dest": "$F", "backup": true}},
	{"copy on the host", "copy", map[string]any{"src": "$W/big", "dest": "$F", "remote_src": true}},
	{"lineinfile", "lineinfile", map[string]any{"path": "$F", "line": big}},
	{"blockinfile", "blockinfile", map[string]any{"path": "$F", "block": big}},
	{"replace", "replace", map[string]any{"path": "$F", "regexp": "old", "replace": big}},
	{"ini_file", "ini_file", map[string]any{"path": "$F", "section": "s", "option": "o", "value": big}},
	{"assemble", "assemble", map[string]any{"src": "$W/parts", "dest": "$F", "remote_src": true}},
	{"known_hosts", "known_hosts", map[string]any{"path": "$F", "name": "h", "key": "h ssh-ed25519 " + big}},
	{"get_url", "get_url", map[string]any{"url": "file://$W/big", "dest": "$F", "force": true}},
	{"unarchive a zip", "unarchive", map[string]any{"src": "$W/big.zip", "dest": "$D", "remote_src": true}},
	{"archive", "archive", map[string]any{"path": "$W/random", "dest": "$F"}},
	{"htpasswd", "htpasswd", map[string]any{"path": "$F", "name": "joe", "password": big, "crypt_scheme": "plaintext"}},
	{"sysctl", "sysctl", map[string]any{"name": "kernel.x", "value": big, "sysctl_file": "$F", "reload": false}},
	{"mount", "mount", map[string]any{"path": "/nowhere", "src": big, "fstype": "tmpfs", "state": "present", "fstab": "$F"}},
}

// oldText is something to every module: an option, a setting, a user with a password.
const oldText = "old:text = 1\n"

// TestWriteFaults has modules write where no more can be written: whatever the
// reason, they say it, the file that is there keeps its content, mode and name,
// and nothing else is left behind.
func TestWriteFaults(t *testing.T) {
	work := t.TempDir()
	script := `mkdir parts; head -c 200000 /dev/zero | tr '\0' a >big; cp big parts/1; head -c 200000 /dev/urandom >random
mkdir z; cp random z/file; cd z; zip -q ../big.zip file`
	if out, err := shellIn(work, script); err != nil {
		needs.Missing(t, "clients", "zip: "+out)
	}
	for _, fault := range []struct{ name, options, before, after, want string }{
		{"full", "size=64k", "", "", "No space left on device"},
		{"read-only", "", "mount -o remount,ro .", "", "Read-only file system|not writable"},
		{"immutable", "", "chattr +i file", "chattr -i file", "Operation not permitted|not writable"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			for _, c := range faultCases {
				t.Run(c.name, func(t *testing.T) {
					dir := smallFS(t, fault.options)
					file := filepath.Join(dir, "file")
					if err := os.WriteFile(file, []byte(oldText), 0o640); err != nil {
						t.Fatal(err)
					}
					if out, err := shellIn(dir, fault.before); err != nil {
						needs.Missing(t, "mounts", fault.before+": "+out)
					}
					defer func() {
						if out, err := shellIn(dir, fault.after); err != nil {
							t.Errorf("%s: %v: %s", fault.after, err, out)
						}
					}()
					expect := strings.Split(fault.want, "|")
					mustFail(t, c, expand(c.args, file, dir, work), expect)
					untouched(t, dir)
				})
			}
		})
	}
}

// smallFS is a folder with a file system of its own.
func smallFS(t *testing.T, options string) string {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, options); err != nil {
		needs.Missing(t, "mounts", "a tmpfs cannot be mounted: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func shellIn(dir, script string) (string, error) {
	cmd := exec.Command("/bin/sh", "-e")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func expand(args map[string]any, file, dir, work string) map[string]any {
	out := map[string]any{}
	for k, v := range args {
		if s, ok := v.(string); ok && len(s) < 1000 {
			v = strings.NewReplacer("$F", file, "$D", dir, "$W", work).Replace(s)
		}
		out[k] = v
	}
	return out
}

func lookupShort(name string) *modules.Module {
	for _, prefix := range []string{"ansible.builtin.", "ansible.posix.", "community.general."} {
		if m := Lookup(prefix + name); m != nil {
			return m
		}
	}
	return nil
}

func mustFail(t *testing.T, c faultCase, args map[string]any, want []string) {
	t.Helper()
	got := lookupShort(c.module).Execute(t.Context(), &modules.Run{Env: map[string]string{}}, args)
	msg, _ := got["msg"].(string)
	if got["failed"] != true {
		t.Errorf("no failure: %v", got["msg"])
		return
	}
	for _, w := range want {
		if strings.Contains(msg, w) {
			return
		}
	}
	if len(msg) > 500 {
		msg = msg[:500]
	}
	t.Errorf("the message is %q, want something with %q", msg, want)
}

// untouched checks that dir holds the old file alone.
func untouched(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// A backup is what it is asked for: it may stay.
		if e.Name() != "file" && !strings.HasSuffix(e.Name(), "~") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "file"))
	if err != nil || string(data) != oldText {
		t.Errorf("the old file holds %.60q, %v", data, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "file")); err != nil || info.Mode() != 0o640 {
		t.Errorf("the old file is %v, %v", info.Mode(), err)
	}
}
