package foreign

// This file keeps bundles by their content.

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"gorun/modules"
)

// maxBundles is how many bundles a folder keeps; the oldest go first.
const maxBundles = 256

// bundle returns where the bundle's content lies; missing says that it has to be sent.
func bundle(m *modules.Run, r *Request) (path string, missing bool, err error) {
	if len(r.SHA256) != sha256.Size*2 || strings.Trim(r.SHA256, "0123456789abcdef") != "" {
		return "", false, modules.Failf("%q is no digest of a bundle", r.SHA256)
	}
	dir, err := cacheDir(m)
	if err != nil {
		return "", false, err
	}
	place := filepath.Join(dir, r.SHA256)
	path = place
	if !r.Zip {
		path = filepath.Join(place, filepath.Base(r.File))
	}
	if _, err := os.Stat(path); err == nil {
		now := time.Now()
		_ = os.Chtimes(place, now, now) // only says which bundle is the oldest
		return path, false, nil
	}
	if r.Upload == "" {
		return "", true, nil
	}
	return path, false, install(r, dir, place)
}

// install checks what was sent and puts it into its place at one stroke.
func install(r *Request, dir, place string) error {
	data, err := os.ReadFile(r.Upload)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != r.SHA256 {
		return errors.New("the module's bundle did not arrive whole")
	}
	tmp, err := os.MkdirTemp(dir, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // gone after the rename, as it should be
	if r.Zip {
		err = unpack(r.Upload, tmp)
	} else {
		err = os.WriteFile(filepath.Join(tmp, filepath.Base(r.File)), data, 0o700)
	}
	if err != nil {
		return err
	}
	_ = os.Remove(r.Upload) // the agent's end removes it otherwise
	if err := os.Rename(tmp, place); err != nil {
		if _, there := os.Stat(place); there == nil {
			return nil // another run was quicker
		}
		return err
	}
	prune(dir)
	return nil
}

// unpack extracts an archive below dir.
func unpack(file, dir string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("the bundle holds the name %q", f.Name)
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := extract(f, path); err != nil {
			return err
		}
	}
	return nil
}

func extract(f *zip.File, path string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// prune removes the bundles that were not used for the longest time.
func prune(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= maxBundles {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var all []aged
	for _, e := range entries {
		if fi, err := e.Info(); err == nil {
			all = append(all, aged{e.Name(), fi.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b aged) int { return a.at.Compare(b.at) })
	for _, a := range all[:max(0, len(all)-maxBundles)] {
		os.RemoveAll(filepath.Join(dir, a.name))
	}
}

// cacheDir is the folder of bundles: beside the agent's own file, else where
// the agent would be; only this user may write there.
func cacheDir(m *modules.Run) (string, error) {
	var tried []string
	for _, base := range cacheBases() {
		dir := filepath.Join(base, "foreign")
		if os.MkdirAll(dir, 0o700) == nil && private(base) && private(dir) {
			return dir, nil
		}
		tried = append(tried, base)
	}
	dir, err := m.TmpDir()
	if err != nil {
		return "", modules.Failf("no folder can hold the module: tried %s: %w", strings.Join(tried, ", "), err)
	}
	return dir, nil
}

func cacheBases() []string {
	var bases []string
	if exe, err := os.Executable(); err == nil && strings.HasPrefix(filepath.Base(exe), "agent-") {
		bases = append(bases, filepath.Dir(exe))
	}
	if dir, err := os.UserCacheDir(); err == nil {
		bases = append(bases, filepath.Join(dir, "gorun"))
	}
	uid := os.Getuid()
	return append(bases, fmt.Sprintf("/var/tmp/.gorun-%d", uid), fmt.Sprintf("/tmp/.gorun-%d", uid))
}

// private reports whether dir is this user's and only he may write into it.
func private(dir string) bool {
	fi, err := os.Lstat(dir)
	if err != nil || !fi.IsDir() || fi.Mode().Perm()&0o022 != 0 {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}
