package files

// This file unpacks tar archives by the tar program (GNU), and zip archives
// by our own means.

import (
	"archive/zip"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
)

type tarFormat struct{ handler, compression string }

func (t tarFormat) name() string { return t.handler }

// command runs tar on the archive.
func (t tarFormat) command(u *unarchiver, op ...string) (modules.CommandResult, error) {
	bin := u.m.BinPath("gtar")
	if bin == "" {
		var err error
		if bin, err = u.m.RequireBin("tar"); err != nil {
			return modules.CommandResult{}, err
		}
	}
	argv := append([]string{bin}, op...)
	argv = append(argv, "-C", u.dest)
	if t.compression != "" {
		argv = append(argv, t.compression)
	}
	argv = append(argv, u.a.ExtraOpts...)
	if u.a.KeepNewer {
		argv = append(argv, "--keep-newer-files")
	}
	for _, e := range u.a.Exclude {
		argv = append(argv, "--exclude="+e)
	}
	argv = append(argv, "-f", u.a.Src)
	return u.m.Command(u.ctx, modules.CommandOptions{}, append(argv, u.a.Include...)...)
}

func (t tarFormat) list(u *unarchiver) ([]string, error) {
	res, err := t.command(u, "--list", "--show-transformed-names", "--quoting-style=literal")
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.Failf("Unable to list files in the archive: %s", strings.TrimSpace(res.Stderr))
	}
	var names []string
	for line := range strings.Lines(res.Stdout) {
		names = append(names, strings.TrimRight(line, "\n"))
	}
	return names, nil
}

// ignoredDifference are tar's differences that setting owners and modes, or
// time itself, makes.
var ignoredDifference = regexp.MustCompile(`: (Mod time differs|Uid differs|Gid differs|Mode differs)$`)

func (t tarFormat) unpacked(u *unarchiver, _ []string) (bool, error) {
	res, err := t.command(u, "--diff")
	if err != nil {
		return false, err
	}
	if res.RC == 0 {
		return true, nil
	}
	for line := range strings.Lines(res.Stdout + res.Stderr) {
		line = strings.TrimRight(line, "\n")
		if strings.HasSuffix(line, "Mode differs") && u.a.FileArgs.Mode == nil {
			return false, nil
		}
		own := strings.HasSuffix(line, "Uid differs") && u.a.FileArgs.Owner == "" || strings.HasSuffix(line, "Gid differs") && u.a.FileArgs.Group == ""
		if own && os.Geteuid() == 0 {
			return false, nil
		}
		if !ignoredDifference.MatchString(line) && !strings.Contains(line, "tar: Removing leading") {
			return false, nil
		}
	}
	return true, nil
}

func (t tarFormat) unpack(u *unarchiver) error {
	op := []string{"--extract"}
	if os.Geteuid() != 0 {
		op = append(op, "--no-same-owner")
	}
	res, err := t.command(u, op...)
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return modules.FailWith(map[string]any{"dest": u.dest, "src": u.a.Src, "handler": t.handler,
			"extract_results": map[string]any{"rc": res.RC, "out": res.Stdout, "err": res.Stderr}}, "failed to unpack %s to %s: %s",
			u.a.Src, u.dest, strings.TrimSpace(res.Stderr))
	}
	return nil
}

type zipFormat struct{}

func (zipFormat) name() string { return "ZipArchive" }

// each calls do for every member that is wanted, with its path on the target.
func (z zipFormat) each(u *unarchiver, do func(f *zip.File, path string) error) error {
	r, err := zip.OpenReader(u.a.Src)
	if err != nil {
		return modules.Failf("%s is no zip archive: %w", u.a.Src, err)
	}
	defer r.Close()
	for _, f := range r.File {
		if !z.wanted(u, f.Name) {
			continue
		}
		if !filepath.IsLocal(filepath.Clean(f.Name)) {
			return modules.Failf("%s holds %q, which is outside of the folder", u.a.Src, f.Name)
		}
		if err := do(f, filepath.Join(u.dest, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (zipFormat) wanted(u *unarchiver, name string) bool {
	match := func(patterns []string) bool {
		for _, p := range patterns {
			if ok, err := filepath.Match(p, name); ok && err == nil || p == name || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/") {
				return true
			}
		}
		return false
	}
	return !match(u.a.Exclude) && (len(u.a.Include) == 0 || match(u.a.Include))
}

func (z zipFormat) list(u *unarchiver) ([]string, error) {
	if len(u.a.ExtraOpts) > 0 {
		return nil, modules.Failf("extra_opts: zip archives are unpacked without a program; there are no options")
	}
	var names []string
	err := z.each(u, func(f *zip.File, _ string) error {
		names = append(names, f.Name)
		return nil
	})
	return names, err
}

func (z zipFormat) unpacked(u *unarchiver, _ []string) (bool, error) {
	same := true
	err := z.each(u, func(f *zip.File, path string) error {
		info, err := os.Lstat(path)
		switch {
		case err != nil || info.IsDir() != f.FileInfo().IsDir():
			same = false
		case info.IsDir():
		case u.a.KeepNewer && info.ModTime().After(f.Modified):
		case f.Mode()&os.ModeSymlink != 0:
			target, err := readMember(f)
			have, err2 := os.Readlink(path)
			same = same && err == nil && err2 == nil && have == target
		default:
			sum, err := crcOf(path)
			same = same && err == nil && uint64(info.Size()) == f.UncompressedSize64 && sum == f.CRC32
		}
		return nil
	})
	return same, err
}

func crcOf(path string) (uint32, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	_, err = io.Copy(h, f)
	return h.Sum32(), err
}

func readMember(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, 1<<16))
	return string(data), err
}

func (z zipFormat) unpack(u *unarchiver) error {
	return z.each(u, func(f *zip.File, path string) error {
		if err := z.member(u, f, path); err != nil {
			return modules.Failf("failed to unpack %s to %s: %s", f.Name, path, oserr.Text(err))
		}
		return nil
	})
}

func (zipFormat) member(u *unarchiver, f *zip.File, path string) error {
	if f.FileInfo().IsDir() {
		return os.MkdirAll(path, 0o777)
	}
	if info, err := os.Lstat(path); err == nil && u.a.KeepNewer && info.ModTime().After(f.Modified) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	// A link on the way could lead out of the folder.
	if real, err := filepath.EvalSymlinks(filepath.Dir(path)); err != nil || !within(realPath(u.dest), real) {
		return fmt.Errorf("it would be written outside of %s", u.dest)
	}
	if f.Mode()&os.ModeSymlink != 0 {
		target, err := readMember(f)
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return os.Symlink(target, path)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	tmp, err := os.CreateTemp(filepath.Dir(path), ".ansible_tmp*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails when it has got its name, as it should
	if err := fillFile(tmp, r); err != nil {
		return err
	}
	mode := f.Mode().Perm()
	if mode == 0 {
		mode = newFileMode
	}
	if err := os.Chmod(tmp.Name(), mode); err != nil {
		return err
	}
	if err := os.Chtimes(tmp.Name(), time.Time{}, f.Modified); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func within(root, path string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}
