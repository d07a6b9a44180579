package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A fault is a play in which something happens to one host of three.
type fault struct {
	name string
	// tasks are the play's; what happens does when the screen shows the task "now".
	tasks   string
	happens func(b *bench)
	// lab2 is what the recap says of the host, msg is in what the screen says of it.
	lab2, msg string
	// after mends the host, and check is a command that has to succeed there.
	after func(b *bench)
	check string
}

var faults = []fault{
	{
		name:    "the agent is killed in a task",
		tasks:   "    - {name: now, command: sleep 5}\n    - {name: then, command: touch /root/after}\n",
		happens: func(b *bench) { b.run("ssh", "lab2", "pkill -9 -f '[/]agent-'") },
		lab2:    "ok=1 changed=0 unreachable=1 failed=0", msg: "Connection to lab2 was lost",
		check: "! test -e /root/after",
	},
	{
		name:    "the agent is killed in a loop that is sent ahead",
		tasks:   "    - {name: now, shell: 'echo {{ item }} >>/root/items; sleep 1', loop: [1, 2, 3, 4, 5]}\n",
		happens: func(b *bench) { b.run("ssh", "lab2", "pkill -9 -f '[/]agent-'") },
		lab2:    "unreachable=1 failed=0", msg: "Connection to lab2 was lost",
		check: "test \"$(sort -u /root/items)\" = \"$(cat /root/items)\"",
	},
	{
		name:    "sshd is restarted in a task",
		tasks:   "    - {name: now, command: sleep 5}\n    - {name: then, command: touch /root/after}\n",
		happens: func(b *bench) { b.run("ssh", "lab2", "systemctl restart ssh") },
		lab2:    "ok=3 changed=2 unreachable=0 failed=0",
		check:   "test -e /root/after",
	},
	{
		name:    "the link is cut in a task",
		tasks:   "    - {name: now, command: sleep 9}\n    - {name: then, command: touch /root/after}\n",
		happens: func(b *bench) { b.run("cut", "lab2") },
		lab2:    "ok=1 changed=0 unreachable=1 failed=0", msg: "UNREACHABLE!",
		after: func(b *bench) { b.run("mend", "lab2") },
		check: "! test -e /root/after",
	},
	{
		name:    "the link is cut in a copy",
		tasks:   "    - {copy: {content: old, dest: /root/file}}\n    - {name: now, copy: {src: BIG, dest: /root/file}}\n",
		happens: func(b *bench) { b.run("cut", "lab2") },
		lab2:    "unreachable=1 failed=0", msg: "UNREACHABLE!",
		after: func(b *bench) { b.run("mend", "lab2") },
		check: "test \"$(cat /root/file | head -c 4)\" = old",
	},
	{
		name:    "the disk is full",
		tasks:   "    - {name: now, copy: {src: BIG, dest: /mnt/file}}\n",
		happens: func(b *bench) {},
		lab2:    "ok=1 changed=0 unreachable=0 failed=1", msg: "No space left on device",
		check: "test \"$(cat /mnt/file)\" = old && test \"$(ls -A /mnt)\" = file",
	},
	{
		name:    "the agent hangs, and the task has a time limit",
		tasks:   "    - {name: now, command: sleep 6, timeout: 9}\n",
		happens: func(b *bench) { b.run("ssh", "lab2", "pkill -STOP -f '[/]agent-'") },
		lab2:    "ok=1 changed=0 unreachable=0 failed=1", msg: "Timed out after 9 second(s)",
		after: func(b *bench) { b.try("ssh", "lab2", "pkill -9 -f '[/]agent-'") },
		check: "true",
	},
	{
		name:    "the power goes while an async task is waited for",
		tasks:   "    - {name: now, command: sleep 9, async: 60, poll: 1}\n",
		happens: func(b *bench) { b.run("kill", "lab2") },
		lab2:    "ok=1 changed=0 unreachable=1 failed=0", msg: "UNREACHABLE!",
		after: func(b *bench) { b.run("boot", "lab2") },
		check: "true",
	},
}

var faultRecap = regexp.MustCompile(`(?m)^(lab\d) +: (.*)$`)

// TestFaults checks that what happens to one host is its matter alone, what
// the screen says of it, and that files are whole behind it.
func TestFaults(t *testing.T) {
	b := newBench(t, 14)
	gorun := filepath.Join(t.TempDir(), "gorun")
	if out, err := exec.Command("go", "build", "-o", gorun, "gorun/cmd/gorun").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b.run("up", "--hosts", "3", "--net", b.net, "--no-stand-ins")
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("gorun"), 60<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	inventory := ""
	for line := range strings.Lines(b.run("env")) {
		if v, ok := strings.CutPrefix(line, "export LAB_INVENTORY="); ok {
			inventory = strings.Trim(strings.TrimSpace(v), "'")
		}
	}
	b.run("ssh", "lab2", "mount -t tmpfs -o size=20m none /mnt; printf old >/mnt/file")
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			b := *b
			b.t = t
			b.run("ssh", "lab2", "rm -f /root/after /root/items /root/file")
			screen := b.play(gorun, inventory, strings.ReplaceAll(f.tasks, "BIG", big), f.happens)
			if f.after != nil {
				f.after(&b)
			}
			recap := map[string]string{}
			for _, m := range faultRecap.FindAllStringSubmatch(screen, -1) {
				recap[m[1]] = strings.Join(strings.Fields(m[2]), " ")
			}
			if !strings.Contains(recap["lab2"], f.lab2) || !strings.Contains(screen, f.msg) {
				t.Errorf("lab2 has %q, want %q and %q in:\n%s", recap["lab2"], f.lab2, f.msg, screen)
			}
			for _, other := range []string{"lab1", "lab3"} {
				if f.name == "the disk is full" {
					break // theirs has room
				}
				if !strings.Contains(recap[other], "unreachable=0 failed=0") {
					t.Errorf("%s has %q:\n%s", other, recap[other], screen)
				}
			}
			var out string
			var err error
			for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
				if out, err = b.try("ssh", "lab2", f.check); err == nil {
					return
				}
			}
			t.Errorf("%s: %v %s", f.check, err, out)
		})
	}
	t.Run("the controller is killed in a copy", func(t *testing.T) {
		b := *b
		b.t = t
		b.killed(gorun, inventory, big)
	})
}

// killed checks what a controller leaves that is killed while it copies a file:
// agents that end by themselves, the old file, and nothing beside it.
func (b *bench) killed(gorun, inventory, big string) {
	b.t.Helper()
	b.run("ssh", "lab2", "mkdir -p /root/kept; printf old >/root/kept/file")
	book := filepath.Join(b.t.TempDir(), "site.yml")
	text := "- hosts: lab2\n  gather_facts: false\n  tasks:\n    - {copy: {src: " + big + ", dest: /root/kept/file}}\n"
	if err := os.WriteFile(book, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(gorun, book, "-i", inventory)
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_CONFIG=/dev/null")
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	await := func(what, check string) {
		b.t.Helper()
		var out string
		var err error
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			if out, err = b.try("ssh", "lab2", check); err == nil {
				return
			}
		}
		b.t.Errorf("%s: %v %s", what, err, out)
	}
	await("the copy has not begun", "ls -A /root/kept | grep -q ansible_tmp")
	cmd.Process.Kill()
	cmd.Wait() // it was killed
	await("the agent goes on", "! pgrep -f '[/]agent-'")
	await("the file, or what is beside it", "test \"$(cat /root/kept/file)\" = old && test \"$(ls -A /root/kept)\" = file")
	if out, err := exec.Command(gorun, book, "-i", inventory).CombinedOutput(); err != nil {
		b.t.Errorf("the next run: %v\n%s", err, out)
	}
	await("the file of the next run", fmt.Sprintf("test $(wc -c </root/kept/file) = %d", 5*(60<<20)))
}

// play runs tasks on the lab's hosts, calls happens once the screen shows the
// task "now" and the hosts work on it, and returns the screen.
func (b *bench) play(gorun, inventory, tasks string, happens func(b *bench)) string {
	b.t.Helper()
	book := filepath.Join(b.t.TempDir(), "site.yml")
	if err := os.WriteFile(book, []byte("- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: before, ping: }\n"+tasks), 0o600); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, gorun, book, "-i", inventory, "--ssh-extra-args", "-o ServerAliveInterval=1 -o ServerAliveCountMax=3")
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_CONFIG=/dev/null")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	var screen strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(&screen, lines.Text())
		if strings.HasPrefix(lines.Text(), "TASK [now]") {
			time.Sleep(700 * time.Millisecond) // it is on its way to the hosts
			happens(b)
		}
	}
	if err := lines.Err(); err != nil {
		b.t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && (ctx.Err() != nil || !errors.As(err, &exit) || exit.ExitCode() > 4) {
		b.t.Errorf("gorun: %v\n%s", err, screen.String())
	}
	return screen.String()
}
