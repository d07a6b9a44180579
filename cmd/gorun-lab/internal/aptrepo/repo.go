package aptrepo

// This file fetches the packages and writes the index.

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"gorun/cmd/gorun-lab/internal/copyfile"
)

// A Builder says how a repository is made.
type Builder struct {
	// Cache is the folder the repositories and downloads are kept in.
	Cache string
	// Base is the root of the hosts' base image: its dpkg status decides what
	// is already installed there.
	Base string
	// Sources are the machine's sources of the hosts' release.
	Sources []Source
	// Extra are packages to be offered beside [Sets].
	Extra []string
	// Progress receives one line a step; nil for none.
	Progress func(string)
}

// Ensure returns the folder of the repository, made now unless one with the
// same packages for the same base is in the cache.
func (b *Builder) Ensure(ctx context.Context) (string, error) {
	key, err := b.key()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.Cache, "repo-"+key)
	if _, err := os.Stat(filepath.Join(dir, "Release")); err == nil {
		return dir, nil
	}
	archives := filepath.Join(b.Cache, "archives")
	tmp := dir + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return "", err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return "", err
	}
	debs, err := b.fetch(ctx, archives)
	if err != nil {
		return "", err
	}
	for _, deb := range debs {
		if err := linkOrCopy(deb, filepath.Join(tmp, filepath.Base(deb))); err != nil {
			return "", err
		}
	}
	if err := buildStandIns(ctx, tmp); err != nil {
		return "", err
	}
	b.say("writing the package index")
	if err := Index(ctx, tmp); err != nil {
		return "", err
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.Rename(tmp, dir)
}

// key names a repository by all that goes into it.
func (b *Builder) key() (string, error) {
	status, err := os.ReadFile(filepath.Join(b.Base, "var/lib/dpkg/status"))
	if err != nil {
		return "", fmt.Errorf("the base image has no package status: %w", err)
	}
	h := sha256.New()
	h.Write(status)
	for _, name := range setNames() {
		fmt.Fprintln(h, name, Sets[name])
	}
	fmt.Fprintln(h, b.Extra)
	for _, s := range standIns {
		fmt.Fprintf(h, "%+v\n", s)
	}
	for _, s := range b.Sources {
		fmt.Fprintln(h, s)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

func setNames() []string {
	var names []string
	for name := range Sets {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// fetch downloads every set against the base's package status and returns the
// files that belong to the repository.
func (b *Builder) fetch(ctx context.Context, archives string) ([]string, error) {
	if err := os.MkdirAll(filepath.Join(archives, "partial"), 0o755); err != nil {
		return nil, err
	}
	if err := b.update(ctx); err != nil {
		return nil, err
	}
	want := map[string]bool{}
	for _, name := range append(setNames(), "extra") {
		pkgs := Sets[name]
		if name == "extra" {
			pkgs = b.Extra
		}
		if len(pkgs) == 0 {
			continue
		}
		b.say("fetching packages: " + name)
		if err := b.fetchSet(ctx, archives, pkgs, want); err != nil {
			return nil, err
		}
	}
	var files []string
	for name := range want {
		path := filepath.Join(archives, name)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("apt planned %s but did not download it", name)
		}
		files = append(files, path)
	}
	slices.Sort(files)
	return files, nil
}

// fetchSet downloads what a host needs to install pkgs together and adds the
// files' names to want.
func (b *Builder) fetchSet(ctx context.Context, archives string, pkgs []string, want map[string]bool) error {
	args := append([]string{"install", "-y", "--no-install-recommends"}, pkgs...)
	plan, err := b.apt(ctx, archives, "apt-get", append([]string{"-s"}, args...)...)
	if err != nil {
		return fmt.Errorf("resolving the packages %s: %w", strings.Join(pkgs, " "), err)
	}
	for line := range strings.Lines(string(plan)) {
		if file := plannedFile(line); file != "" {
			want[file] = true
		}
	}
	if _, err := b.apt(ctx, archives, "apt-get", append([]string{"--download-only"}, args...)...); err != nil {
		return fmt.Errorf("downloading the packages %s: %w", strings.Join(pkgs, " "), err)
	}
	return nil
}

// plannedFile returns the archive's name for one line of apt's simulation, as
// "Inst nginx (1.22.1-9+deb12u1 Debian:12/stable [amd64])" or, for an upgrade,
// "Inst libc6 [2.36-9] (2.36-10 Debian:12/stable [amd64])".
func plannedFile(line string) string {
	f := strings.Fields(line)
	if len(f) < 4 || f[0] != "Inst" {
		return ""
	}
	open := slices.IndexFunc(f, func(s string) bool { return strings.HasPrefix(s, "(") })
	if open < 0 {
		return ""
	}
	arch := ""
	for _, s := range f[open:] {
		if rest, ok := strings.CutPrefix(s, "["); ok {
			arch, _, _ = strings.Cut(rest, "]")
			break
		}
	}
	name, _, _ := strings.Cut(f[1], ":")
	version := strings.ReplaceAll(strings.TrimPrefix(f[open], "("), ":", "%3a")
	return name + "_" + version + "_" + arch + ".deb"
}

// update refreshes our own package lists, kept apart from the machine's: they
// hold the hosts' release only, whatever else the machine has configured.
func (b *Builder) update(ctx context.Context) error {
	for _, d := range []string{"lists/partial", "etc/preferences.d", "etc/sources.d"} {
		if err := os.MkdirAll(filepath.Join(b.Cache, "apt", d), 0o755); err != nil {
			return err
		}
	}
	var list strings.Builder
	for _, s := range b.Sources {
		fmt.Fprintln(&list, s)
	}
	file := filepath.Join(b.Cache, "apt/etc/sources.list")
	fresh := false
	if old, err := os.ReadFile(file); err == nil && string(old) == list.String() {
		if st, err := os.Stat(filepath.Join(b.Cache, "apt/updated")); err == nil {
			fresh = time.Since(st.ModTime()) < 10*time.Minute
		}
	}
	if fresh {
		return nil
	}
	if err := os.WriteFile(file, []byte(list.String()), 0o644); err != nil {
		return err
	}
	b.say("refreshing the package lists")
	if _, err := b.apt(ctx, filepath.Join(b.Cache, "archives"), "apt-get", "update"); err != nil {
		return fmt.Errorf("reading the mirror's package lists: %w", err)
	}
	return os.WriteFile(filepath.Join(b.Cache, "apt/updated"), nil, 0o644)
}

// Download returns the archives of pkgs, without what they depend on, fetched
// now unless there are some in the cache.
func (b *Builder) Download(ctx context.Context, pkgs ...string) ([]string, error) {
	archives := filepath.Join(b.Cache, "archives")
	if err := os.MkdirAll(filepath.Join(archives, "partial"), 0o755); err != nil {
		return nil, err
	}
	var files []string
	for _, pkg := range pkgs {
		file, err := newest(archives, pkg)
		if err != nil {
			return nil, err
		}
		if file == "" {
			if file, err = b.downloadOne(ctx, archives, pkg); err != nil {
				return nil, err
			}
		}
		files = append(files, file)
	}
	return files, nil
}

func (b *Builder) downloadOne(ctx context.Context, archives, pkg string) (string, error) {
	if err := b.update(ctx); err != nil {
		return "", err
	}
	cmd := b.command(ctx, archives, "apt-get", "download", pkg)
	cmd.Dir = archives
	if _, err := output(cmd); err != nil {
		return "", fmt.Errorf("downloading the package %s: %w", pkg, err)
	}
	file, err := newest(archives, pkg)
	if err == nil && file == "" {
		err = fmt.Errorf("apt did not leave the package %s in %s", pkg, archives)
	}
	return file, err
}

// newest returns the archive of pkg in dir that came last; "" if there is none.
func newest(dir, pkg string) (string, error) {
	names, err := filepath.Glob(filepath.Join(dir, pkg+"_*.deb"))
	if err != nil {
		return "", err
	}
	var last string
	var at time.Time
	for _, name := range names {
		st, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		if last == "" || st.ModTime().After(at) {
			last, at = name, st.ModTime()
		}
	}
	return last, nil
}

func (b *Builder) apt(ctx context.Context, archives, name string, args ...string) ([]byte, error) {
	return output(b.command(ctx, archives, name, args...))
}

// command is apt with our lists, our sources, and the base's package status.
func (b *Builder) command(ctx context.Context, archives, name string, args ...string) *exec.Cmd {
	apt := filepath.Join(b.Cache, "apt")
	opts := []string{
		"-o", "Dir::State::status=" + filepath.Join(b.Base, "var/lib/dpkg/status"),
		"-o", "Dir::State::lists=" + filepath.Join(apt, "lists"),
		"-o", "Dir::State::extended_states=" + filepath.Join(apt, "extended_states"),
		"-o", "Dir::Etc::sourcelist=" + filepath.Join(apt, "etc/sources.list"),
		"-o", "Dir::Etc::sourceparts=" + filepath.Join(apt, "etc/sources.d"),
		"-o", "Dir::Etc::preferences=/dev/null",
		"-o", "Dir::Etc::preferencesparts=" + filepath.Join(apt, "etc/preferences.d"),
		"-o", "Dir::Cache::archives=" + archives,
		"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
		"-o", "Debug::NoLocking=true",
		"-o", "Acquire::Languages=none",
		"-o", "APT::Keep-Downloaded-Packages=true",
		// The fetching user of the machine may not be able to reach our folders.
		"-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Retries=3",
	}
	cmd := exec.CommandContext(ctx, name, append(opts, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")
	return cmd
}

func (b *Builder) say(line string) {
	if b.Progress != nil {
		b.Progress(line)
	}
}

// Index writes Packages, Packages.gz and Release for the archives in dir.
func Index(ctx context.Context, dir string) error {
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return err
	}
	var packages bytes.Buffer
	for _, deb := range debs {
		if err := indexOne(ctx, &packages, deb); err != nil {
			return err
		}
	}
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write(packages.Bytes()); err != nil {
		return err
	}
	if err := zw.Close(); err != nil {
		return err
	}
	var release bytes.Buffer
	fmt.Fprintf(&release, "Origin: gorun-lab\nLabel: gorun-lab\nSuite: lab\nDate: %s\nSHA256:\n", time.Now().UTC().Format(time.RFC1123))
	for _, f := range []struct {
		name string
		data []byte
	}{{"Packages", packages.Bytes()}, {"Packages.gz", zipped.Bytes()}} {
		fmt.Fprintf(&release, " %x %d %s\n", sha256.Sum256(f.data), len(f.data), f.name)
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "Release"), release.Bytes(), 0o644)
}

// indexOne appends the stanza of one archive: its control fields, then where
// it is, its size and its hash.
func indexOne(ctx context.Context, w io.Writer, deb string) error {
	control, err := output(exec.CommandContext(ctx, "dpkg-deb", "-f", deb))
	if err != nil {
		return fmt.Errorf("reading %s: %w", filepath.Base(deb), err)
	}
	f, err := os.Open(deb)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\nFilename: ./%s\nSize: %d\nSHA256: %x\n\n",
		strings.TrimSpace(string(control)), filepath.Base(deb), size, h.Sum(nil))
	return err
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	return copyfile.Copy(from, to)
}

// output runs cmd and returns what it wrote; its own last words are the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		last := strings.TrimSpace(stderr.String())
		if last == "" {
			return nil, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
		}
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, last)
	}
	return stdout.Bytes(), nil
}
