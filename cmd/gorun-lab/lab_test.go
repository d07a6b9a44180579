package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorun/cmd/gorun-lab/internal/daemon"
	"gorun/cmd/gorun-lab/internal/hosts"
	"gorun/internal/needs"
)

// A bench is a lab under test: a name and a network of its own.
type bench struct {
	t    *testing.T
	exe  string
	name string
	net  string
}

// newBench builds gorun-lab. It skips the test where hosts cannot be, or where
// their base image would have to be built first, unless GORUN_REQUIRE names
// lab.
func newBench(t *testing.T, third int) *bench {
	t.Helper()
	skip := t.Skip
	required := needs.Required("lab")
	if required {
		skip = t.Fatal
	}
	if err := hosts.Check(); err != nil {
		skip(err)
	}
	if bases, err := filepath.Glob("/var/cache/gorun-lab/base-*/etc/gorun-lab-base"); err != nil || len(bases) == 0 && !required {
		t.Skip("the hosts' base image is not built yet; gorun-lab up does it")
	}
	exe := filepath.Join(t.TempDir(), "gorun-lab")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := &bench{t: t, exe: exe, name: fmt.Sprintf("t%d", third), net: fmt.Sprintf("10.213.%d.0/24", third)}
	t.Cleanup(func() {
		b.run("down")
		b.nothingLeft()
	})
	return b
}

// run runs gorun-lab, which has to succeed, and returns what it wrote.
func (b *bench) run(args ...string) string {
	b.t.Helper()
	out, err := b.try(args...)
	if err != nil {
		b.t.Fatalf("gorun-lab %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func (b *bench) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, b.exe, append([]string{"--name", b.name}, args...)...).CombinedOutput()
	return string(out), err
}

// nothingLeft checks that the lab left nothing on the machine.
func (b *bench) nothingLeft() {
	b.t.Helper()
	if _, err := os.Stat(daemon.Dir(b.name)); !errors.Is(err, os.ErrNotExist) {
		b.t.Errorf("its folder: %v", err)
	}
	list, err := net.Interfaces()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, i := range list {
		if i.Name == hosts.BridgeName(b.name) || strings.HasPrefix(i.Name, hosts.BridgeName(b.name)+"-") {
			b.t.Errorf("the interface %s is there", i.Name)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(string(mounts), daemon.Dir(b.name)+"/") {
		b.t.Error("something is mounted in its folder")
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/gorun-lab-" + b.name)
	if err != nil || len(groups) > 0 {
		b.t.Errorf("cgroups %v, %v", groups, err)
	}
	procs, err := filepath.Glob("/proc/[0-9]*/mountinfo")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range procs {
		if data, err := os.ReadFile(p); err == nil && strings.Contains(string(data), daemon.Dir(b.name)+"/") {
			b.t.Errorf("the process %s is there", filepath.Dir(p))
		}
	}
}

// greets says whether a host's sshd answers within a second.
func greets(addr string) bool {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(addr, "22"), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err == nil
}

func (b *bench) addr(last int) string {
	return strings.TrimSuffix(b.net, "0/24") + strconv.Itoa(last)
}

func TestLab(t *testing.T) {
	for i, init := range []string{"systemd", "sysv"} {
		t.Run(init, func(t *testing.T) {
			if init == "systemd" && hosts.DefaultInit() != hosts.Systemd {
				t.Skip("systemd needs cgroup v2, which is not mounted here")
			}
			b := newBench(t, 10+i)
			b.run("up", "--hosts", "2", "--net", b.net, "--init", init, "--no-stand-ins")
			if out := b.run("status"); strings.Count(out, " on ") < 2 {
				t.Errorf("status:\n%s", out)
			}
			if out := b.run("ssh", "lab2", "hostname", "&&", "cat", "/etc/hosts"); !strings.HasPrefix(out, "lab2\n") || !strings.Contains(out, b.addr(11)+" lab1\n") {
				t.Errorf("on lab2:\n%s", out)
			}
			// The machine is out of reach, the host's own network is not.
			if out := b.run("ssh", "lab1", "sysctl -q -w net.ipv4.ip_nonlocal_bind=1; sysctl -w kernel.hostname=x; date -s 2001-01-01; apt-get update"); !strings.Contains(out, "Operation not permitted") || !strings.Contains(out, "permission denied on key") {
				t.Errorf("a host may do too much:\n%s", out)
			}
			b.run("ssh", "lab1", "touch /root/kept")
			b.run("kill", "NL1")
			if greets(b.addr(11)) || !greets(b.addr(12)) {
				t.Error("after kill NL1, lab1 should be off and lab2 on")
			}
			b.run("boot", "NL1")
			b.run("ssh", "lab1", "test -e /root/kept")
			b.run("cut", "lab2")
			if greets(b.addr(12)) {
				t.Error("a host that is cut off answers")
			}
			b.run("mend", "lab2")
			// The machine may have to ask for its address again.
			mended := greets(b.addr(12))
			for deadline := time.Now().Add(5 * time.Second); !mended && time.Now().Before(deadline); {
				mended = greets(b.addr(12))
			}
			if !mended {
				t.Error("a mended host does not answer")
			}
			if out, err := b.try("kill", "nobody"); err == nil || !strings.Contains(out, "the lab has no host or zone called nobody") {
				t.Errorf("kill nobody: %v %s", err, out)
			}
			if out, err := b.try("up", "--net", b.net); err == nil || !strings.Contains(out, "is up already") {
				t.Errorf("up again: %v %s", err, out)
			}
		})
	}
}

// TestCrash kills the lab's process: its hosts outlive it, and down finds them.
func TestCrash(t *testing.T) {
	b := newBench(t, 12)
	b.run("up", "--hosts", "2", "--net", b.net, "--no-stand-ins")
	pids, err := exec.Command("pgrep", "-f", "^"+b.exe+" --name "+b.name+" serve").Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(pids)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if !greets(b.addr(11)) {
		t.Error("a host went with the lab's process: what does this test test?")
	}
	if out, err := b.try("status"); err == nil || !strings.Contains(out, "gorun-lab down clears up") {
		t.Errorf("status: %v %s", err, out)
	}
	b.run("down")
	b.nothingLeft()
}

// TestRun checks the environment, the exit code, and what a killed run leaves.
func TestRun(t *testing.T) {
	b := newBench(t, 13)
	out, err := b.try("run", "--hosts", "1", "--net", b.net, "--no-stand-ins", "--", "sh", "-c",
		`echo "$OS_AUTH_URL $LAB_GATEWAY $OS_USERNAME"; ssh -i $LAB_KEY -o UserKnownHostsFile=$LAB_KNOWN_HOSTS -o BatchMode=yes root@`+b.addr(11)+` hostname; exit 7`)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("exit %v, want the command's 7", err)
	}
	if want := "http://" + b.addr(1) + ":5000/v3 " + b.addr(1) + " demo\nlab1\n"; !strings.HasPrefix(out, want) {
		t.Errorf("it wrote %q, want %q", out, want)
	}
	b.nothingLeft()
	cmd := exec.Command(b.exe, "--name", b.name, "run", "--hosts", "1", "--net", b.net, "--no-stand-ins", "--", "sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !greets(b.addr(11)) && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a killed run ended well")
	}
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(daemon.Dir(b.name)); errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	b.nothingLeft()
}
