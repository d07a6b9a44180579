package transport_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// A container is one of the real podman, with BusyBox in it.
type container struct {
	exe  string // podman, with a store of its own
	name string
	dir  string // a folder of both sides
}

// startContainer starts one that ends with the test. Its limits are those that
// any sandbox grants. crun wants no second hierarchy of control groups, which
// machines between version 1 and 2 have: podman does not see it.
func startContainer(t *testing.T) *container {
	t.Helper()
	for _, program := range []string{"podman", "busybox", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			needs.Missing(t, "podman", err.Error())
		}
	}
	if os.Geteuid() != 0 {
		needs.Missing(t, "podman", "it needs root here")
	}
	store, root := t.TempDir(), t.TempDir()
	c := &container{exe: filepath.Join(store, "podman"), name: fmt.Sprintf("gorun-test-%d", os.Getpid()), dir: t.TempDir()}
	transporttest.WriteFile(t, c.exe, fmt.Sprintf(`#!/bin/sh
exec unshare -m sh -c '
  if [ -d /sys/fs/cgroup/unified ]; then mount -t tmpfs none /sys/fs/cgroup/unified; fi
  exec podman --root %[1]s/store --runroot %[1]s/run --tmpdir %[1]s/tmp --storage-driver vfs --events-backend none "$@"' podman "$@"
`, store), 0o755)
	c.fillRoot(t, root)
	podman := func(args ...string) ([]byte, error) { return exec.Command(c.exe, args...).CombinedOutput() }
	t.Cleanup(func() {
		if out, err := podman("rm", "-f", "-t", "0", c.name); err != nil {
			t.Errorf("podman rm: %v: %s", err, out)
		}
	})
	tar := filepath.Join(store, "root.tar")
	if out, err := exec.Command("tar", "-C", root, "-cf", tar, ".").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	if out, err := podman("import", "-q", tar, "gorun-test"); err != nil {
		needs.Missing(t, "podman", fmt.Sprintf("podman import: %v: %s", err, out))
	}
	out, err := podman("run", "-d", "--name", c.name, "--network", "none", "--cgroups", "disabled",
		"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", "-v", c.dir+":"+c.dir, "gorun-test", "/bin/sleep", "100000")
	if err != nil {
		needs.Missing(t, "podman", fmt.Sprintf("podman run: %v: %s", err, out))
	}
	return c
}

// fillRoot makes a system of BusyBox.
func (c *container) fillRoot(t *testing.T, root string) {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-ec", `
cd "$1"; mkdir -p bin etc root home/app tmp; chmod 1777 tmp; chown 1000:1000 home/app; cp "$2" bin/busybox
for a in $(bin/busybox --list); do [ "$a" = busybox ] || ln -s busybox "bin/$a"; done
printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n' >etc/passwd
printf 'root:x:0:\napp:x:1000:\n' >etc/group`, "sh", root, busybox).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	copyLibraries(t, root)
}

// TestPodmanConn runs the contract with the real podman. docker's command line
// is podman's, so it stands for docker too.
func TestPodmanConn(t *testing.T) {
	c := startContainer(t)
	targets := map[string]transport.Target{
		"podman": {Name: "a", Address: c.name, Connection: "containers.podman.podman", Vars: map[string]string{"ansible_podman_executable": c.exe}},
		"docker": {Name: "b", Address: c.name, Connection: "docker", Vars: map[string]string{"ansible_docker_executable": c.exe}},
	}
	t.Run("podman", func(t *testing.T) {
		transporttest.Run(t, transporttest.Factory{Dial: dialer(targets["podman"]), Dir: c.dir, TTY: true})
	})
	for name, target := range targets {
		t.Run("agent by "+name, func(t *testing.T) {
			testHostFiles(t, newHosts(t).Host(target, transport.Become{}))
			target.User = "app"
			h := newHosts(t).Host(target, transport.Become{})
			if out := call(t, h, "ansible.builtin.shell", `{"_raw_params":"id -un; pwd; umask; echo $HOME"}`); out["stdout"] != "app\n/\n0022\n/home/app" {
				t.Errorf("as app: %v", out)
			}
			target.Address = "gorun-test-nothing"
			_, err := newHosts(t).Host(target, transport.Become{}).Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.ping"})
			wants(t, err, "no container with name or ID")
		})
	}
	if out, err := exec.Command(c.exe, "stop", "-t", "0", c.name).CombinedOutput(); err != nil {
		t.Fatalf("podman stop: %v: %s", err, out)
	}
	_, err := newHosts(t).Host(targets["podman"], transport.Become{}).Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.ping"})
	if err == nil || !strings.Contains(err.Error(), "container state improper") {
		t.Errorf("a stopped container: %v", err)
	}
}
