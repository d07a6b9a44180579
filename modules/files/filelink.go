package files

// This file makes the states link, hard and touch of the file module.

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"gorun/modules"
	"gorun/modules/oserr"
)

func (t *fileTask) link() (*modules.Result, error) {
	a := t.a
	src := a.Src
	if src == "" {
		if t.prev != "link" {
			return nil, modules.Failf("src is required for creating new symlinks")
		}
		src, _ = os.Readlink(t.path)
	}
	if err := t.checkLink(src); err != nil {
		return nil, err
	}
	switch old, _ := os.Readlink(t.path); {
	case t.prev != "link":
		t.changed = true
	case old != src && a.Src != "":
		t.changed = true
		t.note("src", old, src)
	}
	data := map[string]any{"src": src}
	if _, err := os.Stat(t.path); a.Src == "" && (err != nil || !a.Follow) {
		data["src"] = nil
	}
	if t.changed && !t.m.Check {
		if err := t.replace(func(path string) error { return os.Symlink(src, path) }, src); err != nil {
			return nil, err
		}
	}
	if t.m.Check && t.prev != "link" {
		return t.result("dest", data), nil
	}
	if _, err := os.Stat(t.path); a.Follow && err != nil {
		t.m.Warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.")
		return t.result("dest", data), nil
	}
	if err := t.apply(); err != nil {
		return nil, err
	}
	return t.result("dest", data), nil
}

// checkLink refuses what Ansible refuses: a target that is missing, and to put
// a link in the place of something else, unless forced.
func (t *fileTask) checkLink(src string) error {
	a := t.a
	absolute := src
	if !filepath.IsAbs(src) {
		dir := filepath.Dir(t.path)
		if t.prev == "directory" {
			dir = t.path
		}
		absolute = filepath.Join(dir, src)
	}
	with := func(format string, args ...any) error {
		return modules.FailWith(map[string]any{"path": t.path, "src": src}, format, args...)
	}
	if _, err := os.Stat(absolute); err != nil && !a.Force && (a.Src != "" || t.prev != "link") {
		return with(`src file does not exist, use "force=yes" if you really want to create the link: %s`, absolute)
	}
	switch t.prev {
	case "directory":
		if !a.Force {
			return t.fail("refusing to convert from directory to symlink for %s", t.path)
		}
		if entries, err := os.ReadDir(t.path); err != nil || len(entries) > 0 {
			return t.fail("the directory %s is not empty, refusing to convert it", t.path)
		}
	case "file", "hard":
		if !a.Force {
			return t.fail("refusing to convert from %s to symlink for %s", t.prev, t.path)
		}
	}
	return nil
}

// replace makes a link under a name beside and renames it into place, so that
// there is no moment without one.
func (t *fileTask) replace(link func(path string) error, src string) error {
	failed := func(err error) error {
		return t.fail("Error while linking: %s", oserr.Bytes(err, src, t.path))
	}
	switch t.prev {
	case "absent":
		if err := link(t.path); err != nil {
			return failed(err)
		}
		return nil
	case "directory":
		if err := os.Remove(t.path); err != nil {
			return t.fail("Error while replacing: %s", oserr.Bytes(err, t.path))
		}
	}
	tmp := filepath.Join(filepath.Dir(t.path), fmt.Sprintf(".%d.%s.tmp", os.Getpid(), rand.Text()[:8]))
	if err := link(tmp); err != nil {
		return failed(err)
	}
	if err := os.Rename(tmp, t.path); err != nil {
		os.Remove(tmp)
		return t.fail("Error while replacing: %s", oserr.Bytes(err, tmp, t.path))
	}
	// Renaming one hard link over another of the same file leaves both.
	os.Remove(tmp)
	return nil
}

func (t *fileTask) hard() (*modules.Result, error) {
	a := t.a
	with := func(format string, args ...any) error {
		return modules.FailWith(map[string]any{"dest": t.path, "src": a.Src}, format, args...)
	}
	data := map[string]any{"src": nil}
	if a.Src != "" {
		data["src"] = a.Src
		src, err := os.Stat(a.Src)
		if err != nil {
			return nil, with("src does not exist")
		}
		have, err := os.Lstat(t.path)
		switch same := err == nil && os.SameFile(src, have); {
		case t.prev == "absent":
			t.changed = true
		case t.prev == "link":
			old, _ := os.Readlink(t.path)
			t.changed = true
			t.note("src", old, a.Src)
		case same:
		case t.prev == "directory":
			return nil, with("Cannot link, %s exists at destination", t.prev)
		case !a.Force && t.prev == "hard":
			return nil, with("Cannot link, different hard link exists at destination")
		case !a.Force:
			return nil, with("Cannot link, %s exists at destination", t.prev)
		default:
			t.changed = true
		}
	} else if t.prev != "hard" {
		return nil, modules.Failf("src is required for creating new hardlinks")
	}
	if t.changed && !t.m.Check {
		if err := t.replace(func(path string) error { return os.Link(a.Src, path) }, a.Src); err != nil {
			return nil, err
		}
	}
	if t.m.Check && t.changed {
		return t.result("dest", data), nil
	}
	if err := t.apply(); err != nil {
		return nil, err
	}
	return t.result("dest", data), nil
}

func (t *fileTask) touch() (*modules.Result, error) {
	if _, err := os.Stat(t.path); t.prev == "link" && t.a.Follow && err != nil {
		t.path = realPath(t.path)
		return nil, t.fail("Error while updating modification or access time: %s", oserr.Bytes(err, t.path))
	}
	if t.prev == "absent" {
		t.changed = true
		if t.m.Check {
			return &modules.Result{Changed: true, Data: map[string]any{"dest": t.path}}, nil
		}
		f, err := os.OpenFile(t.path, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return nil, t.fail("Error, could not touch target: %s", oserr.Bytes(err, t.path))
		}
		if err := f.Close(); err != nil {
			return nil, t.fail("Error, could not touch target: %s", oserr.Bytes(err, t.path))
		}
	}
	if err := t.apply(); err != nil {
		return nil, err
	}
	return t.result("dest", nil), nil
}

// applyTimes sets the times that the task wants, where they differ.
func (t *fileTask) applyTimes(path string) error {
	if t.mtime.keep && t.atime.keep {
		return nil
	}
	failed := func(err error) error {
		return t.fail("Error while updating modification or access time: %s", oserr.Bytes(err, path))
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return failed(err)
	}
	now := time.Now()
	change := false
	one := func(key string, w timeWish, have unix.Timespec) unix.Timespec {
		want := have
		switch {
		case w.keep:
		case w.now:
			want = unix.NsecToTimespec(now.UnixNano())
		default:
			want = unix.NsecToTimespec(w.at.UnixNano())
		}
		if want != have {
			change = true
			if path == t.path {
				t.note(key, seconds(have), seconds(want))
			}
		}
		return want
	}
	times := []unix.Timespec{one("atime", t.atime, st.Atim), one("mtime", t.mtime, st.Mtim)}
	if !change {
		return nil
	}
	t.changed = true
	if t.m.Check {
		return nil
	}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, 0); err != nil {
		return failed(err)
	}
	return nil
}
