package modules

// This file applies the common file arguments and tells of files.

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// FileArgs are the common file arguments; embed it in the argument struct of a
// module whose Spec has FileArgs.
type FileArgs struct {
	Mode         any    `arg:"mode"` // string or int, nil: not given
	Owner        string `arg:"owner"`
	Group        string `arg:"group"`
	SEUser       string `arg:"seuser"`
	SERole       string `arg:"serole"`
	SEType       string `arg:"setype"`
	SELevel      string `arg:"selevel"`
	UnsafeWrites bool   `arg:"unsafe_writes"`
	Attributes   string `arg:"attributes"`
}

// A fileChange is one call of ApplyFileArgs.
type fileChange struct {
	m      *Run
	path   string // as the task has it
	real   string // what is changed: the link's target with follow
	diff   *Diff
	info   os.FileInfo
	isLink bool
}

// ApplyFileArgs brings path to mode, owner, group, SELinux context and
// attributes. It reports whether anything was (in check mode: would be)
// changed, and puts what differs into diff (Before/After maps) where diff is
// not nil. follow says whether a link's target is meant. In check mode a path
// that does not exist yet would be changed.
func (m *Run) ApplyFileArgs(path string, a *FileArgs, follow bool, diff *Diff) (changed bool, err error) {
	c := &fileChange{m: m, path: path, real: path, diff: diff}
	if follow {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			c.real = target
		}
	}
	c.info, err = os.Lstat(c.real)
	if errors.Is(err, fs.ErrNotExist) && m.Check {
		return true, nil
	}
	if err != nil {
		return false, c.fail(err, "could not look at %s: %v", path, cause(err))
	}
	c.isLink = c.info.Mode()&os.ModeSymlink != 0
	// Ownership first: chown takes setuid and setgid away.
	steps := []func(*FileArgs) (bool, error){c.context, c.owner, c.group, c.mode, c.attributes}
	for _, step := range steps {
		did, err := step(a)
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	return changed, nil
}

// fail is a failure that names the path as Ansible's do.
func (c *fileChange) fail(err error, format string, args ...any) error {
	f := FailWith(map[string]any{"path": c.path}, format, args...)
	f.Err = err
	var details *Failure
	if errors.As(err, &details) {
		for k, v := range details.Data {
			f.Data[k] = v
		}
	}
	return f
}

// cause shows an error without the operation that a PathError names.
func cause(err error) string {
	var pe *os.PathError
	var errno syscall.Errno
	if errors.As(err, &pe) && errors.As(err, &errno) {
		return pyOSError(errno, pe.Path)
	}
	return err.Error()
}

func (c *fileChange) note(key string, before, after any) {
	if c.diff == nil {
		return
	}
	noteIn(&c.diff.Before, key, before)
	noteIn(&c.diff.After, key, after)
}

func noteIn(side *any, key string, v any) {
	if *side == nil {
		*side = make(map[string]any)
	}
	if m, ok := (*side).(map[string]any); ok {
		m[key] = v
	}
}

func (c *fileChange) owner(a *FileArgs) (bool, error) {
	if a.Owner == "" {
		return false, nil
	}
	want, err := UserID(a.Owner)
	if err != nil {
		return false, c.fail(err, "chown failed: failed to look up user %s", a.Owner)
	}
	have, _ := ownerOf(c.info)
	if have == want {
		return false, nil
	}
	c.note("owner", have, want)
	if c.m.Check {
		return true, nil
	}
	if err := os.Lchown(c.real, want, -1); err != nil {
		return false, c.fail(err, "chown failed: %s", cause(err))
	}
	return true, c.again()
}

func (c *fileChange) group(a *FileArgs) (bool, error) {
	if a.Group == "" {
		return false, nil
	}
	want, err := GroupID(a.Group)
	if err != nil {
		return false, c.fail(err, "chgrp failed: failed to look up group %s", a.Group)
	}
	_, have := ownerOf(c.info)
	if have == want {
		return false, nil
	}
	c.note("group", have, want)
	if c.m.Check {
		return true, nil
	}
	if err := os.Lchown(c.real, -1, want); err != nil {
		return false, c.fail(err, "chgrp failed: %s", cause(err))
	}
	return true, c.again()
}

// again reads the file's state after a change: chown may drop mode bits.
func (c *fileChange) again() error {
	info, err := os.Lstat(c.real)
	if err != nil {
		return c.fail(err, "could not look at %s: %s", c.path, cause(err))
	}
	c.info = info
	return nil
}

func (c *fileChange) mode(a *FileArgs) (bool, error) {
	if a.Mode == nil || a.Mode == "" || c.isLink {
		return false, nil // Linux has no modes on links
	}
	want, err := ParseMode(a.Mode, c.info.Mode())
	if err != nil {
		return false, c.fail(err, "%v", err)
	}
	have := goMode(unixMode(c.info.Mode()))
	if have == want {
		return false, nil
	}
	c.note("mode", ShowMode(have), ShowMode(want))
	if c.m.Check {
		return true, nil
	}
	if err := os.Chmod(c.real, want); err != nil {
		return false, c.fail(withDetails(err), "chmod failed")
	}
	return true, c.again()
}

func withDetails(err error) error {
	return &Failure{Msg: err.Error(), Err: err, Data: map[string]any{"details": cause(err)}}
}

// UserID resolves a user's name, or a number, to its id.
func UserID(name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Uid)
}

// GroupID resolves a group's name, or a number, to its id.
func GroupID(name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

// ownerOf gives the ids of the file's user and group.
func ownerOf(info os.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

// UserName is the name of a uid, its number where it has none.
func UserName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// GroupName is the name of a gid, its number where it has none.
func GroupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}

// FileState is Ansible's word for what is at path: absent, link, directory,
// hard (a file with several names) or file.
func FileState(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "absent"
	}
	return stateOf(info)
}

func stateOf(info os.FileInfo) string {
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		return "link"
	case info.IsDir():
		return "directory"
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
		return "hard"
	}
	return "file"
}

// AddFileInfo adds what Ansible adds to the result of every module that names
// a path: uid, gid, owner, group, mode, size, state, secontext. As with
// Ansible there is nothing to add of a path that does not exist or a link that
// dangles. Execute calls it for results with path or dest.
func (m *Run) AddFileInfo(path string, data map[string]any) {
	if _, err := os.Stat(path); err != nil {
		return
	}
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	uid, gid := ownerOf(info)
	data["uid"], data["gid"] = uid, gid
	data["owner"], data["group"] = UserName(uid), GroupName(gid)
	data["mode"] = ShowMode(info.Mode())
	data["size"] = info.Size()
	data["state"] = stateOf(info)
	if seEnabled() {
		data["secontext"] = seContext(path)
	}
}

// attributes runs chattr for the differences to lsattr's letters.
func (c *fileChange) attributes(a *FileArgs) (bool, error) {
	want := a.Attributes
	if want == "" || c.isLink {
		return false, nil
	}
	have, ok := c.m.fileAttributes(c.real)
	if !ok {
		return false, nil
	}
	op, letters := byte('='), want
	if strings.IndexByte("+-=", want[0]) >= 0 {
		op, letters = want[0], want[1:]
	}
	if !attributesDiffer(have, op, letters) {
		return false, nil
	}
	c.note("attributes", have, want)
	if c.m.Check {
		return true, nil
	}
	return true, c.chattr(string(op) + letters)
}
