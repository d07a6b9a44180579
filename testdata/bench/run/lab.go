package main

// This file makes the hosts and what the plays need.

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// labName is the lab's: others may be up beside it.
const labName = "bench"

// A host is where sshd listens, and the host's name.
type host struct{ name, addr, port string }

// bench is one measurement.
type bench struct {
	gorun, lab, network, out string
	dir, work                string
	mitogen                  string // folder of its strategy plugins
	key, known               string
	hosts, delayed           []host
	relays                   []net.Listener
	started                  time.Time
	once                     time.Duration
	results                  map[string]map[string][]sample // by play, by tool
}

func (b *bench) open() (err error) {
	if b.dir, err = filepath.Abs("testdata/bench"); err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("", "gorun-bench"); err != nil {
		return err
	}
	if out, err := exec.Command(b.lab, "--name", labName, "up", "--hosts", "4", "--net", b.network, "--no-stand-ins").CombinedOutput(); err != nil {
		return fmt.Errorf("starting the lab: %w: %s", err, out)
	}
	if err := b.readLab(); err != nil {
		return err
	}
	for _, h := range b.hosts {
		ln, err := relay(net.JoinHostPort(h.addr, h.port), delay)
		if err != nil {
			return err
		}
		b.relays = append(b.relays, ln)
		_, port, err := net.SplitHostPort(ln.Addr().String())
		if err != nil {
			return err
		}
		b.delayed = append(b.delayed, host{h.name, "127.0.0.1", port})
	}
	if err := b.writeInputs(); err != nil {
		return err
	}
	// The agent is in the hosts' cache, as after any first run.
	if out, err := exec.Command(b.gorun, "adhoc", "all", "-i", filepath.Join(b.work, "direct/hosts"), "-m", "ping").CombinedOutput(); err != nil {
		return fmt.Errorf("reaching the hosts: %w: %s", err, out)
	}
	return b.onHosts("true")
}

func (b *bench) close() error {
	var errs []error
	for _, ln := range b.relays {
		errs = append(errs, ln.Close())
	}
	if b.work != "" {
		errs = append(errs, os.RemoveAll(b.work))
	}
	if len(b.hosts) > 0 {
		errs = append(errs, exec.Command(b.lab, "--name", labName, "down").Run())
	}
	return errors.Join(errs...)
}

// readLab asks the lab for its hosts and keys.
func (b *bench) readLab() error {
	out, err := exec.Command(b.lab, "--name", labName, "env").Output()
	if err != nil {
		return fmt.Errorf("asking for the lab's environment: %w", err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env[key] = strings.Trim(value, "'")
	}
	b.key, b.known = env["LAB_KEY"], env["LAB_KNOWN_HOSTS"]
	inventory, err := os.ReadFile(env["LAB_INVENTORY"])
	if err != nil {
		return err
	}
	s := bufio.NewScanner(bytes.NewReader(inventory))
	for s.Scan() {
		words := strings.Fields(s.Text())
		if len(words) > 1 {
			if addr, ok := strings.CutPrefix(words[1], "ansible_host="); ok {
				b.hosts = append(b.hosts, host{words[0], addr, "22"})
			}
		}
	}
	if len(b.hosts) == 0 {
		return errors.New("the lab's inventory names no hosts")
	}
	return nil
}

// writeInputs makes the inventories, the variables and the large file.
func (b *bench) writeInputs() error {
	var vars strings.Builder
	for i := range 2000 {
		value := fmt.Sprintf("value %d of this host", i)
		if i%10 == 0 && i > 0 {
			value = fmt.Sprintf("{{ setting_%d }} and more", i-1)
		}
		fmt.Fprintf(&vars, "setting_%d: %q\n", i, value)
	}
	for _, name := range []string{"direct", "delayed", "manyvars"} {
		hosts := b.hosts
		if name == "delayed" {
			hosts = b.delayed
		}
		dir := filepath.Join(b.work, name)
		if err := os.MkdirAll(filepath.Join(dir, "host_vars"), 0o755); err != nil {
			return err
		}
		text := "[lab]\n"
		for _, h := range hosts {
			text += fmt.Sprintf("%s ansible_host=%s ansible_port=%s\n", h.name, h.addr, h.port)
			if name == "manyvars" {
				if err := os.WriteFile(filepath.Join(dir, "host_vars", h.name+".yml"), []byte(vars.String()), 0o644); err != nil {
					return err
				}
			}
		}
		text += fmt.Sprintf("[all:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\nansible_python_interpreter=/usr/bin/python3\n", b.key) +
			fmt.Sprintf("ansible_ssh_common_args='-o UserKnownHostsFile=%s -o StrictHostKeyChecking=accept-new'\n", filepath.Join(b.work, "known_hosts"))
		if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	// In pieces: what this process has in memory counts as its children's peak.
	big, err := os.Create(filepath.Join(b.work, "big"))
	if err != nil {
		return err
	}
	_, err = io.CopyN(big, rand.NewChaCha8([32]byte{}), 50<<20)
	return errors.Join(err, big.Close())
}

func (b *bench) inventory(p play) string {
	name := "direct"
	switch {
	case p.delayed:
		name = "delayed"
	case p.name == "roles":
		name = "manyvars"
	}
	return filepath.Join(b.work, name, "hosts")
}

// sshArgs are ssh's words to reach h.
func (b *bench) sshArgs(h host) []string {
	return []string{"-q", "-i", b.key, "-o", "UserKnownHostsFile=" + filepath.Join(b.work, "known_hosts"),
		"-o", "StrictHostKeyChecking=accept-new", "-p", h.port, "root@" + h.addr}
}

func (b *bench) onHosts(cmd string) error {
	for _, h := range b.hosts {
		if out, err := exec.Command("ssh", append(b.sshArgs(h), cmd)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %s: %w: %s", h.name, cmd, err, out)
		}
	}
	return nil
}

// has reports whether a tool is installed, and says where it is not.
func (b *bench) has(t tool) bool {
	var err error
	switch t.name {
	case "mitogen":
		var out []byte
		out, err = exec.Command("/usr/bin/python3", "-c", "import ansible_mitogen; print(ansible_mitogen.__path__[0])").Output()
		b.mitogen = filepath.Join(strings.TrimSpace(string(out)), "plugins/strategy")
	case "ansible":
		_, err = exec.LookPath("ansible-playbook")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s is not installed (%v): not measured\n", t.name, err)
	}
	return err == nil
}
