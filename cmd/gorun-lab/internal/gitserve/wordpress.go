// Package gitserve makes a git repository of Debian's WordPress and serves it
// over HTTP, in the place of the one on GitHub.
package gitserve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gorun/cmd/gorun-lab/internal/copyfile"
)

// Name is the host it stands in for, Path the repository there.
const (
	Name = "github.com"
	Path = "/WordPress/WordPress.git"
)

// URL is what to clone.
const URL = "https://" + Name + Path

// dropped are files of Debian's tree that are Debian's configuration.
var dropped = map[string]bool{".htaccess": true, "wp-config.php": true}

// Make returns the bare repository in cache that holds the WordPress of the
// packages debs, made now if it is not there. Links that lead out of
// WordPress's tree become copies of what they point to, in the packages or
// else in base, the root of an installed system.
func Make(ctx context.Context, cache, base string, debs []string, progress func(string)) (string, error) {
	if len(debs) == 0 {
		return "", errors.New("no WordPress packages to make a repository of")
	}
	version := strings.TrimSuffix(filepath.Base(debs[0]), ".deb")
	dir := filepath.Join(cache, "git", version+".git")
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil {
		return dir, nil
	}
	if _, err := exec.LookPath("git"); err != nil {
		return "", errors.New("git is not installed; on Debian: apt-get install git")
	}
	progress("making a git repository of " + version)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	unpacked := filepath.Join(tmp, "unpacked")
	for _, deb := range debs {
		if err := run(ctx, "", "dpkg-deb", "-x", deb, unpacked); err != nil {
			return "", err
		}
	}
	tree := filepath.Join(tmp, "tree")
	c := copier{roots: []string{unpacked, base}}
	if err := c.copy("/usr/share/wordpress", tree, 0); err != nil {
		return "", fmt.Errorf("copying WordPress's tree: %w", err)
	}
	bare := filepath.Join(tmp, "bare.git")
	for _, args := range [][]string{
		{"init", "-q", "-b", "master"},
		{"add", "-A", "-f"},
		{"commit", "-q", "-m", "WordPress as packaged: " + version},
		{"clone", "-q", "--bare", ".", bare},
		{"-C", bare, "repack", "-q", "-a", "-d"},
	} {
		if err := run(ctx, tree, "git", args...); err != nil {
			return "", err
		}
	}
	return dir, os.Rename(bare, dir)
}

// run runs a command in dir; its own last words are the error.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	// The same commit on every machine, whoever's configuration is around.
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=gorun-lab", "GIT_AUTHOR_EMAIL=lab@localhost", "GIT_AUTHOR_DATE=2023-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=gorun-lab", "GIT_COMMITTER_EMAIL=lab@localhost", "GIT_COMMITTER_DATE=2023-01-01T00:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// A copier copies trees and follows links inside its roots only, each of which
// stands for "/".
type copier struct{ roots []string }

// maxLinks bounds chains of links.
const maxLinks = 20

// find returns where path is, in the first root that has it.
func (c copier) find(path string) (string, fs.FileInfo, error) {
	for _, root := range c.roots {
		full := filepath.Join(root, path)
		if st, err := os.Lstat(full); err == nil {
			return full, st, nil
		}
	}
	return "", nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
}

// copy copies path of the roots to the new name to; links is how many were
// followed on the way.
func (c copier) copy(path, to string, links int) error {
	from, st, err := c.find(path)
	if err != nil {
		return err
	}
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
		if links == maxLinks {
			return fmt.Errorf("%s: too many links", path)
		}
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		err = c.copy(filepath.Clean(target), to, links+1)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // what only a package not taken would bring
		}
		return err
	case st.IsDir():
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		entries, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if dropped[e.Name()] {
				continue
			}
			if err := c.copy(filepath.Join(path, e.Name()), filepath.Join(to, e.Name()), links); err != nil {
				return err
			}
		}
		return nil
	case st.Mode().IsRegular():
		return copyfile.Copy(from, to)
	}
	return nil
}
