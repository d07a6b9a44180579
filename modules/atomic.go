package modules

// This file replaces files so that a reader sees the old one or the new one,
// never half of either.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processUmask is the umask that the process began with. It is read once,
// before there are other goroutines: reading it means to set it.
var processUmask = func() uint32 {
	u := syscall.Umask(0o022)
	syscall.Umask(u)
	return uint32(u)
}()

// maxLinks bounds the chain of symbolic links that a write follows.
const maxLinks = 40

// WriteFile writes content to dst beside it, syncs, keeps owner, mode and
// extended attributes of an existing dst (else 0666 less umask, or FileArgs
// later), and renames it into place; validate, where not "", is a command with
// %s for the new file: where it fails dst stays as it is, and the Failure has
// exit_status, stdout and stderr. Symbolic links are followed. With unsafe it
// writes in place where a rename is impossible (bind-mounted file).
func (m *Run) WriteFile(ctx context.Context, dst string, content []byte, validate string, unsafe bool) error {
	return m.replace(ctx, FollowLinks(dst), bytes.NewReader(content), validate, unsafe)
}

// ReplaceFile is WriteFile where a symbolic link is not followed: the file takes
// its place, with the owner and mode of what the link led to.
func (m *Run) ReplaceFile(ctx context.Context, dst string, content []byte, validate string, unsafe bool) error {
	return m.replace(ctx, dst, bytes.NewReader(content), validate, unsafe)
}

// MoveFile does what ReplaceFile does with a file that is there already (same or
// another file system), consuming src.
func (m *Run) MoveFile(ctx context.Context, src, dst string, validate string, unsafe bool) error {
	if validate != "" {
		if err := m.Validate(ctx, validate, src); err != nil {
			return err
		}
	}
	if ok, err := renameOver(src, dst); ok || err != nil {
		return err
	}
	in, err := os.Open(src)
	if err != nil {
		return Failf("could not read %s: %s", src, cause(err))
	}
	defer in.Close()
	if err := m.replace(ctx, dst, in, "", unsafe); err != nil {
		return err
	}
	if err := os.Remove(src); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.Warn("could not remove %s: %s", src, cause(err))
	}
	return nil
}

// renameOver moves src to dst at once where they are on one file system. It
// reports false where that is impossible and the content must be copied.
func renameOver(src, dst string) (bool, error) {
	var a, b unix.Stat_t
	if unix.Lstat(src, &a) != nil || unix.Stat(filepath.Dir(dst), &b) != nil || a.Dev != b.Dev {
		return false, nil
	}
	f, err := os.Open(src)
	if err != nil {
		return false, nil
	}
	defer f.Close()
	if err := dress(src, dst); err != nil {
		return false, nil
	}
	if err := f.Sync(); err != nil {
		return false, Failf("could not sync %s: %s", src, cause(err))
	}
	if err := os.Rename(src, dst); err != nil {
		return false, nil
	}
	return true, nil
}

// replace writes r to a file beside dst and renames it.
func (m *Run) replace(ctx context.Context, dst string, r io.Reader, validate string, unsafe bool) error {
	dir := filepath.Dir(dst)
	tmp, err := os.CreateTemp(dir, TempPattern(dst))
	if err != nil {
		if unsafe && ctx.Err() == nil {
			return m.writeInPlace(ctx, dst, r, validate)
		}
		return NotWritable(dir, err)
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	if err := fill(tmp, r); err != nil {
		return NotReplaced(tmp.Name(), dst, err)
	}
	if err := dress(tmp.Name(), dst); err != nil {
		return Failf("could not keep the attributes of %s: %s", dst, cause(err))
	}
	if validate != "" {
		if err := m.Validate(ctx, validate, tmp.Name()); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return Failf("cancelled before %s was replaced: %w", dst, err)
	}
	if err := os.Rename(tmp.Name(), dst); err != nil {
		if unsafe && renameImpossible(err) {
			return copyInPlace(tmp.Name(), dst)
		}
		f := Failf("Unable to make %s into to %s, failed final rename from b%s: %s", tmp.Name(), dst, pyQuote(tmp.Name()), renameError(err))
		f.Err = err
		return f
	}
	return nil
}

// TempPattern is the pattern of os.CreateTemp for a file beside path. It has the
// ending of path's name: programs that validate may want it.
func TempPattern(path string) string { return ".ansible_tmp*" + shortEnd(filepath.Base(path)) }

// NotWritable says that no file can be made in dir.
func NotWritable(dir string, err error) *Failure {
	return Failf("The destination directory (%s) is not writable by the current user. Error was: %s", dir, cause(err))
}

// NotReplaced says that the new content of dst could not be written to tmp.
func NotReplaced(tmp, dst string, err error) *Failure {
	return Failf("Failed to replace file: %s to %s: %s", tmp, dst, cause(err))
}

// shortEnd is the end of a file's name, short enough to leave room for more.
func shortEnd(name string) string {
	const room = 150
	if len(name) > room {
		return name[len(name)-room:]
	}
	return name
}

// fill writes r to f, syncs and closes it.
func fill(f *os.File, r io.Reader) error {
	_, err := io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// dress gives the new file the owner, mode and extended attributes of the old
// one, or of what it leads to, or the mode of a new file where there is none.
func dress(file, old string) error {
	info, err := os.Stat(old)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		OwnNew(file)
		return os.Chmod(file, goMode(0o666&^processUmask))
	}
	if err != nil {
		return err
	}
	if uid, gid := ownerOf(info); uid >= 0 {
		// Only root may give files away; another user keeps what it may.
		if err := os.Lchown(file, uid, gid); err != nil && os.Geteuid() == 0 {
			return err
		}
	}
	copyXattrs(old, file)
	return os.Chmod(file, goMode(unixMode(info.Mode())))
}

// OwnNew gives a new file the user and group of the process. Ansible makes a
// new file in a folder of its own and moves it, so that it never has the group
// of a set-group-ID folder.
func OwnNew(file string) {
	_ = os.Lchown(file, os.Geteuid(), os.Getegid()) // best effort, as Ansible's
}

// renameError words a failed rename as Python does.
func renameError(err error) string {
	var le *os.LinkError
	var errno syscall.Errno
	if errors.As(err, &le) && errors.As(err, &errno) {
		return pyOSError(errno, le.Old) + " -> b" + pyQuote(le.New)
	}
	return err.Error()
}

// copyXattrs copies ACLs, SELinux contexts and user attributes as far as the
// file systems take them.
func copyXattrs(from, to string) {
	size, err := unix.Listxattr(from, nil)
	if err != nil || size <= 0 {
		return
	}
	names := make([]byte, size)
	if size, err = unix.Listxattr(from, names); err != nil {
		return
	}
	for name := range strings.SplitSeq(string(names[:size]), "\x00") {
		if name == "" {
			continue
		}
		n, err := unix.Getxattr(from, name, nil)
		if err != nil {
			continue
		}
		value := make([]byte, n)
		if n, err = unix.Getxattr(from, name, value); err == nil {
			_ = unix.Setxattr(to, name, value[:n], 0) // best effort: another file system may have none
		}
	}
}

// FollowLinks resolves symbolic links at the end of path, also one that
// dangles: its target is what is written. Links that lead round in a circle
// lead nowhere: then it is path itself.
func FollowLinks(path string) string {
	end := path
	for range maxLinks {
		target, err := os.Readlink(end)
		if err != nil {
			return end
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(end), target)
		}
		end = target
	}
	return path
}

func renameImpossible(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EBUSY, syscall.EPERM, syscall.EACCES, syscall.EXDEV, syscall.ETXTBSY} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func copyInPlace(src, dst string) error {
	in, err := os.Open(src)
	if err != nil {
		return Failf("could not read %s: %s", src, cause(err))
	}
	defer in.Close()
	return overwrite(dst, in)
}

func overwrite(dst string, r io.Reader) error {
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_TRUNC|os.O_CREATE, 0o666)
	if err != nil {
		return Failf("could not write %s in place: %s", dst, cause(err))
	}
	if err := fill(out, r); err != nil {
		return Failf("could not write %s in place: %s", dst, cause(err))
	}
	return nil
}

// writeInPlace writes where no file can be made beside dst; what is validated
// is a copy in the run's own folder.
func (m *Run) writeInPlace(ctx context.Context, dst string, r io.Reader, validate string) error {
	dir, err := m.TmpDir()
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "*"+shortEnd(filepath.Base(dst)))
	if err != nil {
		return Failf("could not make a temporary file: %s", cause(err))
	}
	defer os.Remove(tmp.Name())
	if err := fill(tmp, r); err != nil {
		return Failf("could not write %s: %s", tmp.Name(), cause(err))
	}
	if validate != "" {
		if err := m.Validate(ctx, validate, tmp.Name()); err != nil {
			return err
		}
	}
	return copyInPlace(tmp.Name(), dst)
}

// Validate runs the command validate, in which %s stands for path. Where it
// ends with another code than 0 it returns a *Failure "failed to validate"
// with exit_status, stdout and stderr.
func (m *Run) Validate(ctx context.Context, validate, path string) error {
	if !strings.Contains(validate, "%s") {
		return Failf("validate must contain %%s: %s", validate)
	}
	argv, err := ShellSplit(validate)
	if err != nil {
		return Failf("validate: %w", err)
	}
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "%s", path)
	}
	res, err := m.Command(ctx, CommandOptions{}, argv...)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return FailWith(map[string]any{"exit_status": res.RC, "stdout": res.Stdout, "stderr": res.Stderr}, "failed to validate")
	}
	return nil
}

// ShellSplit splits a command line into words as a POSIX shell does, without
// expansions.
func ShellSplit(s string) ([]string, error) {
	var words []string
	var cur strings.Builder
	var quote byte
	inWord := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && quote != '\'':
			if i++; i == len(s) {
				return nil, errors.New("No escaped character")
			}
			if quote == '"' && s[i] != '"' && s[i] != '\\' {
				cur.WriteByte('\\')
			}
			cur.WriteByte(s[i])
			inWord = true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				cur.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				words = append(words, cur.String())
				cur.Reset()
				inWord = false
			}
		default:
			cur.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("No closing quotation")
	}
	if inWord {
		words = append(words, cur.String())
	}
	return words, nil
}

// backupSerial tells backups of one process and second apart.
var backupSerial atomic.Int64

// Backup copies path to Ansible's backup name (path.PID.YYYY-MM-DD@HH:MM:SS~)
// with mode, owner, times and extended attributes, and returns it; "" where
// path does not exist or in check mode.
func (m *Run) Backup(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || err == nil && m.Check {
		return "", nil
	}
	if err != nil {
		return "", Failf("Could not make backup of %s: %s", path, cause(err))
	}
	in, err := os.Open(path)
	if err != nil {
		return "", Failf("Could not make backup of %s: %s", path, cause(err))
	}
	defer in.Close()
	stamp := time.Now().Format("2006-01-02@15:04:05")
	for pid := int64(os.Getpid()); ; pid = backupSerial.Add(1) {
		name := fmt.Sprintf("%s.%d.%s~", path, pid, stamp)
		out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = fill(out, in)
		}
		if err == nil {
			err = dress(name, path)
		}
		if err != nil {
			os.Remove(name)
			return "", Failf("Could not make backup of %s to %s: %s", path, name, cause(err))
		}
		_ = os.Chtimes(name, time.Time{}, info.ModTime()) // only root may for others' files
		return name, nil
	}
}

// TmpDir returns a private folder on the target that is removed after the run.
func (m *Run) TmpDir() (string, error) {
	if m.Tmp != "" {
		return m.Tmp, os.MkdirAll(m.Tmp, 0o700)
	}
	for _, base := range []string{m.expandRemoteTmp(), os.TempDir(), "/var/tmp", "/dev/shm"} {
		if base == "" {
			continue
		}
		if os.MkdirAll(base, 0o700) != nil {
			continue
		}
		if dir, err := os.MkdirTemp(base, "gorun-"); err == nil {
			m.Tmp = dir
			return dir, nil
		}
	}
	return "", Failf("no folder for temporary files can be written: tried %s, %s, /var/tmp and /dev/shm", m.RemoteTmp, os.TempDir())
}

func (m *Run) expandRemoteTmp() string {
	if m.RemoteTmp == "" {
		return ""
	}
	return ExpandPath(m.RemoteTmp, m.Env)
}
