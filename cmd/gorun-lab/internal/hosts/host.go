package hosts

// This file is the life of one host, seen from the machine.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// A NIC is one network interface of a host.
type NIC struct {
	Addr netip.Prefix // as 10.107.244.11/24
	MAC  string       // "" gets one made up
}

// A Spec says what a host is.
type Spec struct {
	Name string // host name; two hosts may have the same
	ID   string // another handle, as the cloud's server id; may be ""
	Zone string
	NICs []NIC // eth0, eth1, ...
	// Gateway is the default route; invalid for none.
	Gateway netip.Addr
	// Local are further addresses the host answers to (floating IPs).
	Local []netip.Addr
	// Keys are lines of root's authorized_keys.
	Keys []string
	// Files are written at the first boot, by absolute path.
	Files map[string]string
}

// Power is what a host's power switch shows.
type Power string

// The states of power.
const (
	On  Power = "on"
	Off Power = "off"
)

// A Host is one host of a lab. Its methods may be called concurrently.
type Host struct {
	lab       *Lab
	num       int
	spec      Spec
	hostKey   string
	hostPub   ssh.PublicKey
	machineID string

	mu     sync.Mutex
	booted bool // at least once
	cut    bool
	cmd    *exec.Cmd     // running, or nil
	gone   chan struct{} // closed when cmd has ended
	bootAt time.Time
}

const (
	hostsBegin = "# gorun-lab: the hosts of this lab\n"
	hostsEnd   = "# gorun-lab: end\n"
)

var hostNameRE = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,62})$`)

func checkHostName(name string) error {
	if !hostNameRE.MatchString(name) {
		return fmt.Errorf("%q cannot be a host name: letters, digits, dots and dashes, at most 63", name)
	}
	return nil
}

// Name returns the host's name.
func (h *Host) Name() string { return h.spec.Name }

// ID returns the handle its creator gave it.
func (h *Host) ID() string { return h.spec.ID }

// Zone returns the host's availability zone.
func (h *Host) Zone() string { return h.spec.Zone }

// Addr returns the host's first address.
func (h *Host) Addr() netip.Addr { return h.spec.NICs[0].Addr.Addr() }

// PublicKey returns the host's SSH key.
func (h *Host) PublicKey() ssh.PublicKey { return h.hostPub }

// ConsoleLog returns the file that holds what PID 1 wrote.
func (h *Host) ConsoleLog() string { return filepath.Join(h.dir(), "console.log") }

func (h *Host) dir() string {
	return filepath.Join(h.lab.cfg.Dir, "hosts", fmt.Sprint(h.num))
}

func (h *Host) hasAddr(s string) bool {
	for _, n := range h.spec.NICs {
		if n.Addr.Addr().String() == s {
			return true
		}
	}
	for _, a := range h.spec.Local {
		if a.String() == s {
			return true
		}
	}
	return false
}

// Power says whether the host runs.
func (h *Host) Power() Power {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd != nil {
		return On
	}
	return Off
}

// IsCut says whether the host's links are cut.
func (h *Host) IsCut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cut
}

// PID returns the host's PID 1 as the machine counts; 0 if the host is off.
func (h *Host) PID() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd == nil {
		return 0
	}
	return h.cmd.Process.Pid
}

// link returns the machine's end of the host's interface number i.
func (h *Host) link(i int) string {
	name := fmt.Sprintf("%s-%d", BridgeName(h.lab.cfg.Name), h.num)
	if i > 0 {
		name += string(rune('a' + i - 1))
	}
	return name
}

// Boot powers the host on, with the same disk as before. It does not wait for
// sshd: see [Host.WaitSSH]. A host that is on already is left alone.
func (h *Host) Boot(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd != nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := h.start(); err != nil {
		return fmt.Errorf("booting %s: %w", h.spec.Name, err)
	}
	h.booted = true
	h.bootAt = time.Now()
	h.lab.cfg.Logf("%s: power on (pid %d)", h.spec.Name, h.cmd.Process.Pid)
	return nil
}

// start runs the host's first process; h.mu is held.
func (h *Host) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	console, err := os.OpenFile(h.ConsoleLog(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer console.Close()
	cmd := exec.Command(self, "host-init")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdout, cmd.Stderr = console, console
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	if h.lab.cfg.Init == Systemd {
		group, err := h.openCgroup()
		if err != nil {
			return err
		}
		defer group.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting it in namespaces of its own: %w", err)
	}
	gone := make(chan struct{})
	h.cmd, h.gone = cmd, gone
	go h.watch(cmd, gone)
	err = h.plug(cmd.Process.Pid)
	if err == nil {
		err = json.NewEncoder(stdin).Encode(h.initSpec())
	}
	if err = errors.Join(err, stdin.Close()); err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	return nil
}

// plug connects the host's interfaces with the bridge. The other ends are made
// in the host's network namespace and end with it.
func (h *Host) plug(pid int) error {
	batch := ""
	for i := range h.spec.NICs {
		link := h.link(i)
		// A namespace that died a moment ago may not have let go of the name.
		for deadline := time.Now().Add(3 * time.Second); exists("/sys/class/net/"+link) && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		state := "up"
		if h.cut {
			state = "down"
		}
		batch += fmt.Sprintf("link add %s type veth peer name eth%d netns %d\nlink set %s master %s %s\n",
			link, i, pid, link, BridgeName(h.lab.cfg.Name), state)
	}
	return ipBatch(batch)
}

// openCgroup makes a fresh cgroup for the host.
func (h *Host) openCgroup() (*os.File, error) {
	dir := h.cgroupDir()
	if err := removeCgroup(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the host's cgroup: %w", err)
	}
	return os.Open(dir)
}

func (h *Host) cgroupDir() string {
	return filepath.Join(labCgroup(h.lab.cfg.Name), fmt.Sprint(h.num))
}

func (h *Host) initSpec() initSpec {
	s := initSpec{
		Init: h.lab.cfg.Init, Lower: []string{h.lab.commonDir(), h.lab.cfg.Base}, Dir: h.dir(), First: !h.booted, Hostname: h.spec.Name,
		Gateway: h.spec.Gateway, Local: h.spec.Local, Repo: h.lab.cfg.Repo,
		Hosts: h.lab.hostsBlock(),
	}
	for i, n := range h.spec.NICs {
		s.Links = append(s.Links, linkSpec{Name: fmt.Sprintf("eth%d", i), Addr: n.Addr, MAC: n.MAC})
	}
	if s.First {
		s.FirstEtc = map[string]string{
			"/etc/hostname":                     h.spec.Name + "\n",
			"/etc/machine-id":                   h.machineID + "\n",
			"/etc/resolv.conf":                  "# This lab has no name server: the hosts' names are in /etc/hosts.\n",
			"/etc/ssh/ssh_host_ed25519_key":     h.hostKey,
			"/etc/ssh/ssh_host_ed25519_key.pub": string(ssh.MarshalAuthorizedKey(h.hostPub)),
			"/root/.ssh/authorized_keys":        strings.Join(h.spec.Keys, "\n") + "\n",
			"/etc/hosts":                        "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" + s.Hosts,
		}
		for name, text := range h.caFiles() {
			s.FirstEtc[name] = text
		}
		for name, text := range h.spec.Files {
			s.FirstEtc[name] = text
		}
	}
	return s
}

// caFiles returns what makes the host trust the lab's own authority: its
// certificate where update-ca-certificates looks, and the bundle programs read.
func (h *Host) caFiles() map[string]string {
	if h.lab.cfg.CA == "" {
		return nil
	}
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	base, err := os.ReadFile(filepath.Join(h.lab.cfg.Base, bundle))
	if err != nil {
		h.lab.cfg.Logf("%s: the base image has no certificates: %v", h.spec.Name, err)
	}
	return map[string]string{
		"/usr/local/share/ca-certificates/gorun-lab.crt": h.lab.cfg.CA,
		bundle: string(base) + h.lab.cfg.CA,
	}
}

// watch waits for the host's PID 1 to end. One that ended because the host
// itself asked for a reboot is started again.
func (h *Host) watch(cmd *exec.Cmd, gone chan struct{}) {
	err := cmd.Wait()
	h.mu.Lock()
	if h.cmd == cmd {
		h.cmd = nil
	}
	h.mu.Unlock()
	close(gone)
	h.lab.cfg.Logf("%s: power off (%s)", h.spec.Name, exitText(cmd, err))
	// systemd's last service leaves this mark on a reboot, not on a power off.
	mark := filepath.Join(h.dir(), "upper/var/lib/gorun-lab.reboot")
	if os.Remove(mark) != nil {
		return
	}
	if err := h.Boot(context.Background()); err != nil {
		h.lab.cfg.Logf("%s: reboot: %v", h.spec.Name, err)
	}
}

func exitText(cmd *exec.Cmd, err error) string {
	if cmd.ProcessState != nil {
		return cmd.ProcessState.String()
	}
	return fmt.Sprint(err)
}

// Kill takes the host's power away: its links go first, so that no connection
// is closed in good order. A host that is off is left alone.
func (h *Host) Kill(ctx context.Context) error {
	h.mu.Lock()
	cmd, gone := h.cmd, h.gone
	if cmd == nil {
		h.mu.Unlock()
		return nil
	}
	linkErr := h.setLinks("down")
	err := cmd.Process.Signal(unix.SIGKILL)
	h.mu.Unlock()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(linkErr, err)
	}
	select {
	case <-gone:
	case <-ctx.Done():
		return ctx.Err()
	}
	if linkErr != nil {
		return linkErr
	}
	return h.unplug()
}

// unplug removes the machine's ends of the host's interfaces. They go by
// themselves with the host's namespace, but in the kernel's own time.
func (h *Host) unplug() error {
	for i := range h.spec.NICs {
		link := h.link(i)
		if err := ipBatch("link del " + link); err != nil && exists("/sys/class/net/"+link) {
			return err
		}
	}
	return nil
}

// setLinks sets the state of all of the host's links; h.mu is held.
func (h *Host) setLinks(state string) error {
	batch := ""
	for i := range h.spec.NICs {
		batch += fmt.Sprintf("link set %s %s\n", h.link(i), state)
	}
	return ipBatch(batch)
}

// Cut cuts the host's links, which stay cut over its boots until [Host.Mend].
func (h *Host) Cut() error { return h.setCut(true, "down") }

// Mend mends the host's links.
func (h *Host) Mend() error { return h.setCut(false, "up") }

func (h *Host) setCut(cut bool, state string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cut = cut
	if h.cmd == nil {
		return nil
	}
	if err := h.setLinks(state); err != nil {
		return err
	}
	h.lab.cfg.Logf("%s: links %s", h.spec.Name, state)
	return nil
}

// Remove powers the host off and throws its disk away.
func (h *Host) Remove(ctx context.Context) error {
	if err := h.Kill(ctx); err != nil {
		return err
	}
	h.lab.mu.Lock()
	delete(h.lab.hosts, h.num)
	h.lab.mu.Unlock()
	if h.lab.cfg.Init == Systemd {
		if err := removeCgroup(h.cgroupDir()); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(h.dir()); err != nil {
		return err
	}
	return h.lab.publish()
}

// WaitSSH waits until the host's sshd greets.
func (h *Host) WaitSSH(ctx context.Context) error {
	addr := net.JoinHostPort(h.Addr().String(), "22")
	for {
		if greets(ctx, addr) {
			return h.updateHosts() // hosts made while this one booted
		}
		if h.Power() == Off {
			return fmt.Errorf("%s went off while it booted: %s", h.spec.Name, lastLine(h.ConsoleLog()))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer on port 22: %w", h.spec.Name, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func greets(ctx context.Context, addr string) bool {
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "SSH-2.0-")
}

func lastLine(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return lines[len(lines)-1]
}

// updateHosts brings our lines of the running host's /etc/hosts up to date; the
// others are whoever's wrote them. A host that is off gets them when it boots.
func (h *Host) updateHosts() error {
	pid := h.PID()
	if pid == 0 {
		return nil
	}
	// The host's root is another mount, reached through its first process. Until
	// that has left the machine's root it would be the machine's own file, which
	// has no lines of ours and is left alone for that.
	root, err := os.OpenRoot(fmt.Sprintf("/proc/%d/root", pid))
	if err != nil {
		return nil // it died just now
	}
	defer root.Close()
	old, err := root.ReadFile("etc/hosts")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // not yet booted so far; it writes its own
		}
		return err
	}
	text := replaceBlock(string(old), h.lab.hostsBlock())
	if text == string(old) || !bytes.Contains(old, []byte(hostsBegin)) {
		return nil
	}
	return root.WriteFile("etc/hosts", []byte(text), 0o644)
}

// replaceBlock puts block in the place of the marked lines of text.
func replaceBlock(text, block string) string {
	before, rest, ok := strings.Cut(text, hostsBegin)
	if !ok {
		return text
	}
	_, after, ok := strings.Cut(rest, hostsEnd)
	if !ok {
		return text
	}
	return before + block + after
}

// shutdownTime is how long a host may take to shut down in good order.
const shutdownTime = 15 * time.Second

// Shutdown asks the host's init to power off, and takes its power if it has
// not done so in time. sysv hosts know no shutdown: their power just goes.
func (h *Host) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	cmd, gone := h.cmd, h.gone
	h.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if h.lab.cfg.Init == Systemd {
		// SIGRTMIN+4 is poweroff.target (systemd(1)).
		if err := cmd.Process.Signal(syscall.Signal(34 + 4)); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-gone:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(shutdownTime):
		}
	}
	return h.Kill(ctx)
}

// SetLocal replaces the further addresses the host answers to, and tells the
// machine that they are behind the host's first one.
func (h *Host) SetLocal(addrs []netip.Addr) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.spec.Local
	h.spec.Local = addrs
	machine, inside := "", ""
	for _, a := range old {
		if !slices.Contains(addrs, a) {
			machine += fmt.Sprintf("route del %s/32 via %s\n", a, h.Addr())
			inside += fmt.Sprintf("addr del %s/32 dev lo\n", a)
		}
	}
	for _, a := range addrs {
		machine += fmt.Sprintf("route replace %s/32 via %s\n", a, h.Addr())
		if !slices.Contains(old, a) {
			inside += fmt.Sprintf("addr add %s/32 dev lo\n", a)
		}
	}
	if err := ipBatch(machine); err != nil {
		return err
	}
	if h.cmd == nil {
		return nil // it brings them up when it boots
	}
	return ipBatchIn(h.cmd.Process.Pid, inside)
}
