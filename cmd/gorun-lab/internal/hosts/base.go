// Package hosts makes disposable test hosts on one Linux machine: each has its
// own network, PID, mount, UTS, IPC and cgroup namespaces, a copy-on-write view
// of one cached Debian base, and a real OpenSSH server under systemd or, where
// there is no cgroup v2, with sysv scripts.
//
// A host's mounts live in its own mount namespace and its network interface in
// its own network namespace, so that killing its PID 1 is all it takes to be
// rid of both. What a lab leaves on the machine is one bridge, one tmpfs, and
// one folder, all named after it; [Sweep] removes them whoever made them.
package hosts

// This file makes the base image the hosts are copies of.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Codename is the Debian release of the hosts.
const Codename = "bookworm"

// rootfs is what the base has beside Debian's packages, by path.
//
//go:embed all:rootfs
var rootfs embed.FS

// basePackages are installed beside debootstrap's minimal set. python3 and
// python3-apt are there for the tools gorun is compared with; gorun needs none.
var basePackages = []string{
	"ca-certificates", "curl", "dbus", "iproute2", "iputils-ping", "kmod", "less", "libpam-systemd", "lsb-base",
	"openssh-server", "procps", "psmisc", "python3", "python3-apt", "sudo", "systemd", "systemd-sysv",
}

// maskedUnits have nothing to manage in a host of a lab: its network is set up
// before PID 1 starts, and it has neither devices nor terminals.
var maskedUnits = []string{
	"console-getty.service", "getty@tty1.service", "serial-getty@ttyS0.service", "systemd-networkd.service",
	"systemd-resolved.service", "systemd-udevd.service", "systemd-udev-trigger.service",
	// What these would mount is the machine's.
	"dev-hugepages.mount", "sys-fs-fuse-connections.mount", "sys-kernel-config.mount",
	"sys-kernel-debug.mount", "sys-kernel-tracing.mount",
}

// EnsureBase returns the root of the base image in cache, built from the
// Debian mirror unless one of the same recipe is there. progress gets one line
// a step.
func EnsureBase(ctx context.Context, cache, mirror string, progress func(string)) (string, error) {
	key := baseKey()
	dir := filepath.Join(cache, "base-"+key)
	if exists(filepath.Join(dir, "etc/gorun-lab-base")) {
		return dir, nil
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		return "", errors.New("debootstrap is not installed; on Debian: apt-get install debootstrap")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(filepath.Join(dir, "etc/gorun-lab-base")) { // another process built it meanwhile
		return dir, nil
	}
	progress("building the hosts' base image with debootstrap (once; about two minutes)")
	tmp := dir + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return "", err
	}
	if err := debootstrap(ctx, cache, tmp, mirror); err != nil {
		return "", err
	}
	if err := removeUnshared(tmp); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(tmp, "etc/gorun-lab-base"), []byte(key+"\n"), 0o644); err != nil {
		return "", err
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return "", err
	}
	return dir, nil
}

func debootstrap(ctx context.Context, cache, dir, mirror string) error {
	debs := filepath.Join(cache, "debootstrap")
	if err := os.MkdirAll(debs, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--cache-dir="+debs,
		"--include="+strings.Join(basePackages, ","), Codename, dir, mirror)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")
	// What it mounts in the new tree, and what it runs there, ends with it: a
	// tree left by one that was interrupted can be deleted without fear.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// The death signal goes by the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		return fmt.Errorf("debootstrap: %w: %s (its log is %s)", err, lines[len(lines)-1], filepath.Join(dir, "debootstrap/debootstrap.log"))
	}
	return nil
}

// baseKey names a base by its recipe.
func baseKey() string {
	sum := sha256.Sum256(fmt.Append(nil, Codename, basePackages, removedFromBase))
	return hex.EncodeToString(sum[:])[:12]
}

// removedFromBase is what debootstrap leaves that no host should share.
var removedFromBase = []string{
	"etc/ssh/ssh_host_*", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "var/log/*.log", "etc/resolv.conf",
}

func removeUnshared(root string) error {
	for _, pattern := range removedFromBase {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// enabledUnits are units of rootfs, by the target that wants each.
var enabledUnits = map[string]string{"gorun-lab-reboot.service": "reboot.target"}

// writeCommon fills root with what all hosts of a lab have beside Debian's
// packages. It is a layer of its own over the base, made anew for each lab.
func writeCommon(root string) error {
	err := fs.WalkDir(rootfs, "rootfs", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return copyEmbedded(root, path, d)
	})
	if err != nil {
		return err
	}
	units := filepath.Join(root, "etc/systemd/system")
	for _, unit := range maskedUnits {
		if err := symlink("/dev/null", filepath.Join(units, unit)); err != nil {
			return err
		}
	}
	for unit, target := range enabledUnits {
		if err := symlink("/etc/systemd/system/"+unit, filepath.Join(units, target+".wants", unit)); err != nil {
			return err
		}
	}
	if err := symlink("/lib/systemd/system/multi-user.target", filepath.Join(units, "default.target")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "etc/fstab"), nil, 0o644)
}

// copyEmbedded writes one entry of rootfs below root. Embedding loses modes: a
// script, which begins with "#!", becomes executable.
func copyEmbedded(root, path string, d fs.DirEntry) error {
	to := filepath.Join(root, strings.TrimPrefix(path, "rootfs"))
	if d.IsDir() {
		return os.MkdirAll(to, 0o755)
	}
	data, err := rootfs.ReadFile(path)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if bytes.HasPrefix(data, []byte("#!")) {
		mode = 0o755
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}

func symlink(target, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, name)
}

// lockFile takes an exclusive lock on name, which waits for other processes.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- unix.Flock(int(f.Fd()), unix.LOCK_EX) }()
	select {
	case err := <-done:
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		return func() { f.Close() }, nil
	case <-ctx.Done():
		f.Close()
		return nil, ctx.Err()
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
