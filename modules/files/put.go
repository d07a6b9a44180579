package files

// This file puts new content in place, and copies trees.

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"gorun/modules"
	"gorun/modules/oserr"
)

// newFileMode is the mode that a new file gets. The umask is read once, before
// there are other goroutines: to read it means to set it.
var newFileMode = func() os.FileMode {
	u := syscall.Umask(0o022)
	syscall.Umask(u)
	return os.FileMode(0o666 &^ u)
}()

func hashBytes(algorithm string, data []byte) string {
	h := modules.Digests[algorithm]()
	h.Write(data) // never fails
	return hex.EncodeToString(h.Sum(nil))
}

type putOptions struct {
	validate string
	args     *modules.FileArgs
	present  bool // dest exists
	// upload, where not "", is a file beside dest that holds the content, and
	// that is renamed in place of a copy.
	upload string
	// replacesLink puts the file in the place of the link that dest is.
	replacesLink bool
}

// putFile writes r to dest by way of a file beside it. A new file has its
// owner and mode before it has its name, so that a secret is never readable.
func putFile(ctx context.Context, m *modules.Run, dest string, r io.Reader, o putOptions) error {
	tmp := o.upload
	if tmp == "" {
		var err error
		if tmp, err = writeBeside(m, dest, r, o.args.UnsafeWrites); err != nil {
			return err
		}
	}
	defer os.Remove(tmp) // fails when it has got its name, as it should
	if o.present && !o.replacesLink {
		return m.MoveFile(ctx, tmp, dest, o.validate, o.args.UnsafeWrites)
	}
	if o.validate != "" {
		if err := m.Validate(ctx, o.validate, tmp); err != nil {
			return err
		}
	}
	modules.OwnNew(tmp)
	if err := os.Chmod(tmp, newFileMode); err != nil {
		return modules.Failf("could not set the mode of %s: %s", dest, oserr.Text(err))
	}
	if _, err := m.ApplyFileArgs(tmp, o.args, false, nil); err != nil {
		var f *modules.Failure
		if errors.As(err, &f) {
			f.Data["path"] = dest
		}
		return err
	}
	if o.upload != "" {
		if err := syncFile(tmp); err != nil {
			return modules.NotReplaced(tmp, dest, err)
		}
	}
	if err := os.Rename(tmp, dest); err != nil {
		return modules.Failf("could not put %s in place: %s", dest, oserr.Text(err))
	}
	return nil
}

// writeBeside writes r to a new file in dest's folder and returns its name; with
// unsafe it may be in a folder of the run.
func writeBeside(m *modules.Run, dest string, r io.Reader, unsafe bool) (string, error) {
	dir := filepath.Dir(dest)
	tmp, err := os.CreateTemp(dir, modules.TempPattern(dest))
	if err != nil && unsafe {
		if dir, err = m.TmpDir(); err != nil {
			return "", err
		}
		tmp, err = os.CreateTemp(dir, modules.TempPattern(dest))
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return "", modules.Failf("Destination %s not writable", dir)
	}
	if err != nil {
		return "", modules.NotWritable(dir, err)
	}
	if err := fillFile(tmp, r); err != nil {
		os.Remove(tmp.Name())
		return "", modules.NotReplaced(tmp.Name(), dest, err)
	}
	return tmp.Name(), nil
}

// syncFile has a file's content on the disk before its name says so.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// fillFile writes, syncs and closes.
func fillFile(f *os.File, r io.Reader) error {
	_, err := io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// A treeCopy copies a folder.
type treeCopy struct {
	c       *copier
	changed bool
}

func (t *treeCopy) folder(src, dest string) error {
	if !isDir(dest) {
		t.changed = true
		if t.c.m.Check {
			return nil
		}
		info, err := os.Stat(src)
		if err != nil {
			return modules.Failf("could not read %s: %s", src, oserr.Text(err))
		}
		if err := t.c.makeFolders(filepath.Dir(dest)); err != nil {
			return err
		}
		if err := os.Mkdir(dest, 0o700); err != nil {
			return modules.Failf("There was an issue creating %s as requested: %s", dest, oserr.Bytes(err, dest))
		}
		if err := os.Chmod(dest, info.Mode().Perm()); err != nil {
			return modules.Failf("could not set the mode of %s: %s", dest, oserr.Text(err))
		}
		if err := t.c.dressFolder(dest); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(src)
	if err != nil {
		return modules.Failf("could not read %s: %s", src, oserr.Text(err))
	}
	for _, e := range entries {
		if err := t.entry(filepath.Join(src, e.Name()), filepath.Join(dest, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (t *treeCopy) entry(src, dest string) error {
	if isLink(src) && !t.c.a.LocalFollow {
		return t.link(src, dest)
	}
	info, err := os.Stat(src)
	if err != nil {
		return modules.Failf("could not read %s: %s", src, oserr.Text(err))
	}
	if info.IsDir() {
		return t.folder(src, dest)
	}
	if !info.Mode().IsRegular() {
		return modules.Failf("%s is no regular file, folder or link: it cannot be copied", src)
	}
	return t.file(src, dest, info)
}

func (t *treeCopy) link(src, dest string) error {
	want, err := os.Readlink(src)
	if err != nil {
		return modules.Failf("could not read %s: %s", src, oserr.Text(err))
	}
	if have, err := os.Readlink(dest); err == nil && have == want {
		return nil
	}
	t.changed = true
	if t.c.m.Check {
		return nil
	}
	if err := os.Remove(dest); err != nil && !os.IsNotExist(err) {
		return modules.Failf("could not replace %s: %s", dest, oserr.Text(err))
	}
	if err := os.Symlink(want, dest); err != nil {
		return modules.Failf("could not make the link %s: %s", dest, oserr.Text(err))
	}
	return nil
}

func (t *treeCopy) file(src, dest string, info os.FileInfo) error {
	have, err := modules.HexDigest(dest, "sha1")
	present := err == nil
	if present && !t.c.a.Force {
		return nil
	}
	want, err := modules.HexDigest(src, "sha1")
	if err != nil {
		return modules.Failf("could not read %s: %s", src, oserr.Text(err))
	}
	if present && want == have {
		return nil
	}
	t.changed = true
	if t.c.m.Check {
		return nil
	}
	f, err := os.Open(src)
	if err != nil {
		return modules.Failf("could not read %s: %s", src, oserr.Text(err))
	}
	defer f.Close()
	fa := t.c.a.FileArgs
	fa.Mode = int(info.Mode().Perm())
	return putFile(context.Background(), t.c.m, dest, f, putOptions{args: &fa, present: present})
}
