package hosts

// This file removes what a lab left behind, whoever made it and however it
// ended: it goes by names, not by what a process remembers.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Sweep ends every process, interface, cgroup and mount of the lab called name
// whose folder is dir, and removes the folder. It is no error if there are none.
func Sweep(name, dir string) error {
	var errs []error
	if err := killAll(dir); err != nil {
		errs = append(errs, err)
	}
	if err := removeLinks(name); err != nil {
		errs = append(errs, err)
	}
	if err := removeCgroups(name); err != nil {
		errs = append(errs, err)
	}
	if err := unmountBelow(dir); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		if err := os.RemoveAll(dir); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// killAll kills the processes of the hosts below dir and waits for their end.
// A host's processes are known by their root file system, whose writable layer
// is below dir.
func killAll(dir string) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		pids, err := processesBelow(dir)
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes of %s do not end: %v", len(pids), dir, pids)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// processesBelow finds the processes that live in a host below dir.
func processesBelow(dir string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	mark := "upperdir=" + filepath.Clean(dir) + "/"
	var pids []int
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{own: false} // mount namespaces already judged
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		ns, err := os.Readlink("/proc/" + e.Name() + "/ns/mnt")
		if err != nil { // gone, or a zombie
			continue
		}
		in, known := seen[ns]
		if !known {
			data, err := os.ReadFile("/proc/" + e.Name() + "/mountinfo")
			if err != nil {
				continue
			}
			in = strings.Contains(string(data), mark)
			seen[ns] = in
		}
		if in {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// removeLinks removes the lab's interfaces: its bridge and the ends of hosts'.
func removeLinks(name string) error {
	list, err := interfaces()
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Name != BridgeName(name) && !strings.HasPrefix(i.Name, BridgeName(name)+"-") {
			continue
		}
		err := ipBatch("link del " + i.Name)
		// An interface of a host that just died goes by itself.
		if err != nil && exists(filepath.Join("/sys/class/net", i.Name)) {
			return err
		}
	}
	return nil
}

// unmountBelow unmounts everything at or below dir, innermost first.
func unmountBelow(dir string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return fmt.Errorf("reading the machine's mounts: %w", err)
	}
	slices.Reverse(mounts)
	for _, m := range mounts {
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("unmounting %s: %w", m.Mountpoint, err)
		}
	}
	return nil
}

// cgroupRoot returns where the cgroup v2 tree is mounted; "" if it is not. On
// a machine with both versions it is beside the controllers of the first.
func cgroupRoot() string {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir
		}
	}
	return ""
}

func labCgroup(name string) string {
	return filepath.Join(cgroupRoot(), "gorun-lab-"+name)
}

// removeCgroups removes the cgroups of the lab, empty by now.
func removeCgroups(name string) error {
	if cgroupRoot() == "" {
		return nil
	}
	return removeCgroup(labCgroup(name))
}

// removeCgroup removes the cgroup dir and those below it. The kernel needs a
// moment after the last process of one has gone.
func removeCgroup(dir string) error {
	deadline := time.Now().Add(3 * time.Second)
	for {
		var dirs []string
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		if err != nil {
			return err
		}
		slices.Reverse(dirs)
		var last error
		for _, d := range dirs {
			if err := unix.Rmdir(d); err != nil && !errors.Is(err, unix.ENOENT) {
				last = fmt.Errorf("removing the cgroup %s: %w", d, err)
			}
		}
		if last == nil || time.Now().After(deadline) {
			return last
		}
		time.Sleep(20 * time.Millisecond)
	}
}
