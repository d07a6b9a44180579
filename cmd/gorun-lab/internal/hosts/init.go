package hosts

// This file is the inside of a host: the process that becomes its PID 1.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Init is what runs as PID 1 of a host.
type Init string

// The kinds of init.
const (
	// Systemd boots systemd with a cgroup v2 tree of its own.
	Systemd Init = "systemd"
	// Sysv has sshd as PID 1 and starts services with their sysv scripts.
	Sysv Init = "sysv"
)

// An initSpec is all that the first process of a host has to know. It comes as
// JSON on its standard input once its network interfaces are in place.
type initSpec struct {
	Init     Init
	Lower    []string // the layers shared by all hosts, the topmost first
	Dir      string   // the host's folder: upper, work and root are below it
	First    bool     // the host was never booted before
	Hostname string
	FirstEtc map[string]string // files written at the first boot only
	Hosts    string            // our lines of /etc/hosts, see replaceBlock
	Links    []linkSpec
	Gateway  netip.Addr
	Local    []netip.Addr // further addresses the host answers to
	Repo     string       // bind-mounted read-only at /srv/repo; "" for none
}

type linkSpec struct {
	Name string
	Addr netip.Prefix
	MAC  string
}

// droppedCaps are beyond a test host: they reach through to the machine.
var droppedCaps = []uintptr{unix.CAP_SYS_TIME, unix.CAP_SYS_MODULE, unix.CAP_SYS_BOOT}

// InitMain is the main function of a host's first process, which was started
// in new namespaces by [Host.Boot]. On success it does not return: PID 1
// replaces it.
func InitMain(stdin io.Reader) error {
	// Capabilities and the cgroup namespace belong to the thread that execs.
	runtime.LockOSThread()
	var spec initSpec
	if err := json.NewDecoder(stdin).Decode(&spec); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("this subcommand is what gorun-lab itself runs inside a new host")
		}
		return fmt.Errorf("reading the host's description: %w", err)
	}
	root := filepath.Join(spec.Dir, "root")
	steps := []struct {
		what string
		do   func() error
	}{
		{"network", func() error { return spec.network() }},
		{"mounts", func() error { return spec.mountAll(root) }},
		{"files", func() error { return spec.writeFiles(root) }},
		{"host name", func() error { return unix.Sethostname([]byte(spec.Hostname)) }},
		{"root", func() error { return pivot(root) }},
		{"cgroup", func() error { return spec.cgroup() }},
		{"capabilities", dropCaps},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %s: %w", spec.Hostname, s.what, err)
		}
	}
	return spec.exec()
}

// network gives the interfaces their addresses, with the machine's ip.
func (s *initSpec) network() error {
	var batch strings.Builder
	fmt.Fprintln(&batch, "link set lo up")
	for _, l := range s.Links {
		if l.MAC != "" {
			fmt.Fprintf(&batch, "link set %s address %s\n", l.Name, l.MAC)
		}
		fmt.Fprintf(&batch, "addr add %s broadcast + dev %s\nlink set %s up\n", l.Addr, l.Name, l.Name)
	}
	for _, a := range s.Local {
		fmt.Fprintf(&batch, "addr add %s/32 dev lo\n", a)
	}
	if s.Gateway.IsValid() {
		fmt.Fprintf(&batch, "route add default via %s\n", s.Gateway)
	}
	return ipBatch(batch.String())
}

// mountAll builds the host's file system below root. None of it is visible
// outside: the process is in a mount namespace of its own.
func (s *initSpec) mountAll(root string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	overlay := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", strings.Join(s.Lower, ":"), filepath.Join(s.Dir, "upper"), filepath.Join(s.Dir, "work"))
	const quiet = unix.MS_NOSUID | unix.MS_NODEV
	mounts := []struct {
		source, target, fstype string
		flags                  uintptr
		data                   string
	}{
		{"overlay", "/", "overlay", unix.MS_NODEV, overlay},
		{"proc", "/proc", "proc", quiet | unix.MS_NOEXEC, ""},
		// Hosts may tune their own network, not the machine.
		{"/proc/sys", "/proc/sys", "", unix.MS_BIND, ""},
		{"/proc/sys/net", "/proc/sys/net", "", unix.MS_BIND, ""},
		{"", "/proc/sys", "", unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY, ""},
		{"sysfs", "/sys", "sysfs", quiet | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
		{"tmpfs", "/run", "tmpfs", quiet, "mode=755"},
		{"tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, "mode=755"},
	}
	for _, m := range mounts {
		source := m.source
		if m.flags&unix.MS_BIND != 0 && source != "" {
			source = filepath.Join(root, source)
		}
		if err := unix.Mount(source, filepath.Join(root, m.target), m.fstype, m.flags, m.data); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	// Not every kernel has it.
	if trigger := filepath.Join(root, "proc/sysrq-trigger"); exists(trigger) {
		if err := bindReadOnly(trigger, trigger); err != nil {
			return err
		}
	}
	if err := makeDev(filepath.Join(root, "dev")); err != nil {
		return err
	}
	if s.Repo != "" {
		to := filepath.Join(root, "srv/repo")
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		return bindReadOnly(s.Repo, to)
	}
	return nil
}

func bindReadOnly(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", from, err)
	}
	return unix.Mount("", to, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
}

// makeDev fills the host's own /dev.
func makeDev(dev string) error {
	nodes := []struct {
		name         string
		major, minor uint32
		mode         uint32
	}{
		{"null", 1, 3, 0o666}, {"zero", 1, 5, 0o666}, {"full", 1, 7, 0o666}, {"random", 1, 8, 0o666},
		{"urandom", 1, 9, 0o666}, {"tty", 5, 0, 0o666}, {"fuse", 10, 229, 0o666},
	}
	for _, n := range nodes {
		path := filepath.Join(dev, n.name)
		if err := unix.Mknod(path, unix.S_IFCHR|n.mode, int(unix.Mkdev(n.major, n.minor))); err != nil {
			return fmt.Errorf("making /dev/%s: %w", n.name, err)
		}
		if err := os.Chmod(path, os.FileMode(n.mode)); err != nil { // Mknod obeys the umask
			return err
		}
	}
	for _, l := range [][2]string{
		{"pts/ptmx", "ptmx"}, {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"},
		{"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
	} {
		if err := os.Symlink(l[0], filepath.Join(dev, l[1])); err != nil {
			return err
		}
	}
	for _, m := range []struct{ name, fstype, data string }{
		{"pts", "devpts", "newinstance,ptmxmode=0666,mode=620,gid=5"},
		{"shm", "tmpfs", "mode=1777"},
		{"mqueue", "mqueue", ""},
	} {
		path := filepath.Join(dev, m.name)
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.fstype, path, m.fstype, unix.MS_NOSUID|unix.MS_NOEXEC, m.data); err != nil {
			return fmt.Errorf("mounting /dev/%s: %w", m.name, err)
		}
	}
	return nil
}

// writeFiles puts the host's identity in place.
func (s *initSpec) writeFiles(root string) error {
	if !s.First {
		path := filepath.Join(root, "etc/hosts")
		old, err := os.ReadFile(path)
		if err != nil { // a playbook's doing, and not ours to mend
			return nil
		}
		return os.WriteFile(path, []byte(replaceBlock(string(old), s.Hosts)), 0o644)
	}
	for name, text := range s.FirstEtc {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, "_key") || strings.HasSuffix(name, "authorized_keys") {
			mode = 0o600
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Join(root, "root/.ssh"), 0o700)
}

// pivot makes root the root of the mount namespace and lets the machine's go.
func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Chdir("/")
}

// cgroup makes the cgroup this process was started in the root of what the
// host sees, and mounts it.
func (s *initSpec) cgroup() error {
	if s.Init != Systemd {
		return nil
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return err
	}
	return unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
}

func dropCaps() error {
	for _, c := range droppedCaps {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// exec replaces this process by the host's init.
func (s *initSpec) exec() error {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	// The machine's terminal, environment and files stay outside.
	if _, err := unix.Setsid(); err != nil && !errors.Is(err, unix.EPERM) {
		return err
	}
	unix.Umask(0o022)
	if s.Init == Systemd {
		return unix.Exec("/lib/systemd/systemd", []string{"/lib/systemd/systemd"}, append(env, "container=gorun-lab"))
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll("/run/lock", 0o1777); err != nil {
		return err
	}
	if !s.First {
		rc := exec.Command("/usr/lib/gorun-lab/rc")
		rc.Env = env
		if err := rc.Start(); err != nil {
			return err
		}
	}
	args := []string{"/usr/sbin/sshd", "-D", "-e", "-o", "UsePAM=no"}
	return unix.Exec(args[0], args, append(env, "HOME=/root"))
}
