package files

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
)

type archiveArgs struct {
	modules.FileArgs
	Dest              string   `arg:"dest"`
	ExcludePath       []string `arg:"exclude_path"`
	ExclusionPatterns []string `arg:"exclusion_patterns"`
	ForceArchive      bool     `arg:"force_archive"`
	Format            string   `arg:"format"`
	Path              []string `arg:"path"`
	Remove            bool     `arg:"remove"`
}

// Archive is community.general.archive.
var Archive = modules.Define(modules.Spec{
	Name: "community.general.archive",
	Doc:  "Pack files and folders of the target into an archive there.",
	Options: []modules.Option{
		{Name: "dest", Type: modules.Path, Doc: "The archive; beside the path, with the format's ending, unless given."},
		{Name: "exclude_path", Type: modules.List, Elements: modules.Path, Default: []any{}, Doc: "Paths to leave out, as patterns."},
		{Name: "exclusion_patterns", Type: modules.List, Elements: modules.Path, Doc: "Names to leave out, as patterns, in folders."},
		{Name: "force_archive", Type: modules.Bool, Default: false, Doc: "Make an archive of a single file too, not only a compressed file."},
		{Name: "format", Default: "gz", Choices: []string{"bz2", "gz", "tar", "xz", "zip", "zstd"}, Doc: "The format; bz2, xz and zstd need the program of that name on the host."},
		{Name: "path", Type: modules.List, Elements: modules.Path, Required: true, Doc: "What to pack; patterns are possible."},
		{Name: "remove", Type: modules.Bool, Default: false, Doc: "Remove what was packed."},
	},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *archiveArgs) (*modules.Result, error) {
	p := &packer{ctx: ctx, m: m, a: a, missing: []any{}, archived: []any{}}
	return p.run()
})

// A packer is one run of archive.
type packer struct {
	ctx               context.Context
	m                 *modules.Run
	a                 *archiveArgs
	paths             []string
	missing, archived []any
	root              string // what names in the archive begin behind
	dest              string
	members           []packMember
}

type packMember struct {
	path, name string
	info       fs.FileInfo
}

func (p *packer) expand(patterns []string) []string {
	var out []string
	for _, pattern := range patterns {
		pattern = modules.ExpandPath(pattern, p.m.Env)
		if !hasGlob(pattern) {
			out = append(out, pattern)
			continue
		}
		found, _ := filepath.Glob(pattern)
		out = append(out, found...)
	}
	return out
}

func (p *packer) run() (*modules.Result, error) {
	a := p.a
	p.paths = p.expand(a.Path)
	exclude := p.expand(a.ExcludePath)
	// Of the paths themselves some are left out, in sorted order; what is within
	// a folder is left out by exclusion_patterns alone.
	sources := slices.Compact(slices.Sorted(slices.Values(p.paths)))
	sources = slices.DeleteFunc(sources, func(path string) bool { return slices.Contains(exclude, path) })
	if len(sources) == 0 {
		return nil, modules.FailWith(map[string]any{"path": strings.Join(a.Path, ", "), "expanded_paths": strings.Join(p.paths, ", "),
			"expanded_exclude_paths": strings.Join(exclude, ", ")}, "Error, no source paths were found")
	}
	var present []string
	for _, path := range sources {
		if _, err := os.Lstat(path); err != nil {
			p.missing = append(p.missing, path)
		} else {
			present = append(present, path)
		}
	}
	single := len(sources) == 1 && !isDir(sources[0]) && !a.ForceArchive && !slices.ContainsFunc(a.Path, hasGlob)
	if p.dest = a.Dest; p.dest == "" {
		if !single {
			return nil, modules.FailWith(map[string]any{"path": strings.Join(a.Path, ", "), "dest": "None"},
				"Error, must specify \"dest\" when archiving multiple files or trees")
		}
		p.dest = sources[0] + "." + a.Format
	}
	p.root = commonRoot(sources)
	for _, path := range present {
		if err := p.collect(path); err != nil {
			return nil, err
		}
	}
	state := p.state(single, present)
	res := &modules.Result{Data: map[string]any{"archived": p.archived, "arcroot": p.root, "dest": p.dest, "dest_state": state,
		"expanded_paths": toAny(p.paths), "expanded_exclude_paths": toAny(exclude), "missing": p.missing, "state": state}}
	if len(p.members) == 0 {
		did, err := p.attributes()
		res.Changed = did
		return res, err
	}
	if err := p.checkRemove(present); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := p.pack(&content, single); err != nil {
		return nil, err
	}
	res.Changed = p.differs(content.Bytes(), single)
	if !p.m.Check {
		if res.Changed {
			if err := p.m.WriteFile(p.ctx, p.dest, content.Bytes(), "", a.UnsafeWrites); err != nil {
				return nil, err
			}
		}
		if a.Remove {
			if err := p.remove(present); err != nil {
				return nil, err
			}
			res.Changed = true
		}
	} else if a.Remove {
		res.Changed = true
	}
	did, err := p.attributes()
	res.Changed = res.Changed || did
	return res, err
}

func toAny(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// hasGlob tells whether a path is a pattern: brackets alone make none.
func hasGlob(path string) bool { return strings.ContainsAny(path, "*?") }

func (p *packer) state(single bool, present []string) string {
	switch {
	case len(present) == 0:
		if _, err := os.Stat(p.dest); err == nil {
			return "archive"
		}
		return "absent"
	case len(p.missing) > 0:
		return "incomplete"
	case single && p.a.Format != "tar" && p.a.Format != "zip":
		return "compress"
	}
	return "archive"
}

// commonRoot is the folder that all paths are in, with a slash. A folder with a
// slash behind it is its own root.
func commonRoot(paths []string) string {
	root := filepath.Dir(paths[0])
	for _, p := range paths[1:] {
		for root != "/" && !strings.HasPrefix(p, root+"/") {
			root = filepath.Dir(root)
		}
	}
	if root == "/" {
		return root
	}
	return root + "/"
}

// collect lists what is packed of a path: of a folder what is in it, folders
// first, and not the folder itself.
func (p *packer) collect(top string) error {
	if !isDir(top) {
		return p.member(top)
	}
	return p.collectIn(top)
}

func (p *packer) collectIn(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return modules.Failf("could not read %s: %s", dir, oserr.Text(err))
	}
	var folders []string
	for _, wantFolder := range []bool{true, false} {
		for _, e := range entries {
			full := filepath.Join(dir, e.Name())
			if isFolder := isDir(full); isFolder != wantFolder {
				continue
			}
			if e.IsDir() && !p.excluded(full) {
				folders = append(folders, full)
			}
			if err := p.member(full); err != nil {
				return err
			}
		}
	}
	for _, full := range folders {
		if err := p.collectIn(full); err != nil {
			return err
		}
	}
	return nil
}

// member adds one path, where it is not excluded.
func (p *packer) member(full string) error {
	if full == p.dest || p.excluded(full) {
		return nil
	}
	info, err := os.Lstat(full)
	if err != nil {
		return modules.Failf("could not read %s: %s", full, oserr.Text(err))
	}
	p.members = append(p.members, packMember{full, strings.TrimPrefix(full, p.root), info})
	p.archived = append(p.archived, full)
	return nil
}

func (p *packer) excluded(full string) bool {
	// Patterns are for the names in a tar archive, and for whole paths with zip; * matches a slash too.
	name := full
	if p.a.Format != "zip" {
		name = strings.TrimPrefix(full, p.root)
	}
	flat := strings.NewReplacer("/", "\x01")
	for _, pattern := range p.a.ExclusionPatterns {
		if ok, err := path.Match(flat.Replace(fnmatch(pattern)), flat.Replace(name)); ok && err == nil {
			return true
		}
	}
	return false
}

// pack writes the archive.
func (p *packer) pack(w io.Writer, single bool) error {
	switch p.a.Format {
	case "zip":
		return p.packZip(w)
	case "tar":
		return p.packTar(w)
	}
	inner := p.packTar
	if single {
		inner = func(w io.Writer) error { return copyFile(w, p.members[0].path) }
	}
	if p.a.Format == "gz" {
		z := gzip.NewWriter(w)
		if err := inner(z); err != nil {
			return err
		}
		return z.Close()
	}
	// bzip2, xz and zstd are made by their programs: there is no writer of ours.
	var plain bytes.Buffer
	if err := inner(&plain); err != nil {
		return err
	}
	program := map[string]string{"bz2": "bzip2", "xz": "xz", "zstd": "zstd"}[p.a.Format]
	bin, err := p.m.RequireBin(program)
	if err != nil {
		return err
	}
	res, err := p.m.Command(p.ctx, modules.CommandOptions{Stdin: &plain}, bin, "-c")
	if err == nil && res.RC != 0 {
		err = modules.Failf("%s: %s", program, res.Stderr)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, res.Stdout)
	return err
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return modules.Failf("could not read %s: %s", path, oserr.Text(err))
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func (p *packer) packTar(w io.Writer) error {
	t := tar.NewWriter(w)
	for _, m := range p.members {
		target := ""
		if m.info.Mode()&os.ModeSymlink != 0 {
			target, _ = os.Readlink(m.path)
		}
		h, err := tar.FileInfoHeader(m.info, target)
		if err != nil {
			continue // a socket: it cannot be packed
		}
		if h.Name = m.name; m.info.IsDir() {
			h.Name += "/"
		}
		h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
		if err := t.WriteHeader(h); err != nil {
			return fmt.Errorf("could not pack %s: %w", m.path, err)
		}
		if m.info.Mode().IsRegular() {
			if err := copyFile(t, m.path); err != nil {
				return err
			}
		}
	}
	return t.Close()
}

func (p *packer) packZip(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, m := range p.members {
		h, err := zip.FileInfoHeader(m.info)
		if err != nil {
			return err
		}
		h.Name, h.Method = m.name, zip.Deflate
		if m.info.IsDir() {
			h.Name, h.Method = m.name+"/", zip.Store
		}
		out, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		switch {
		case m.info.Mode().IsRegular():
			err = copyFile(out, m.path)
		case m.info.Mode()&os.ModeSymlink != 0:
			var target string
			if target, err = os.Readlink(m.path); err == nil {
				_, err = io.WriteString(out, target)
			}
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// differs compares with the archive that is there. Archives are made alike
// from alike files, but by other programs not: there the members count.
func (p *packer) differs(content []byte, single bool) bool {
	have, err := os.ReadFile(p.dest)
	if err != nil {
		return true
	}
	if bytes.Equal(have, content) {
		return false
	}
	a, errA := p.names(have, single)
	b, errB := p.names(content, single)
	return errA != nil || errB != nil || a != b
}

// names lists members with size and time, or the checksum of a compressed file.
func (p *packer) names(data []byte, single bool) (string, error) {
	var list []string
	switch p.a.Format {
	case "zip":
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return "", err
		}
		for _, f := range r.File {
			list = append(list, fmt.Sprintf("%s %d %08x", f.Name, f.UncompressedSize64, f.CRC32))
		}
	case "gz", "tar":
		var r io.Reader = bytes.NewReader(data)
		if p.a.Format == "gz" {
			z, err := gzip.NewReader(r)
			if err != nil {
				return "", err
			}
			r = z
		}
		if single {
			plain, err := io.ReadAll(r)
			return string(plain), err
		}
		t := tar.NewReader(r)
		for {
			h, err := t.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return "", err
			}
			body, err := io.ReadAll(t)
			if err != nil {
				return "", err
			}
			list = append(list, fmt.Sprintf("%s %d %s", strings.TrimSuffix(h.Name, "/"), h.Size, hashBytes("sha1", body)))
		}
	default:
		return string(data), nil
	}
	sort.Strings(list)
	return strings.Join(list, "\n"), nil
}

// checkRemove refuses to remove a folder that the archive is in.
func (p *packer) checkRemove(present []string) error {
	for _, path := range present {
		if p.a.Remove && strings.HasPrefix(p.dest, strings.TrimSuffix(path, "/")+"/") {
			return modules.FailWith(map[string]any{"path": p.a.Path}, "Error, created archive can not be contained in source paths when remove=true")
		}
	}
	return nil
}

// remove removes what was packed, after the archive is in place.
func (p *packer) remove(present []string) error {
	for _, path := range present {
		if isDir(path) && !isLink(path) {
			if err := os.RemoveAll(path); err != nil {
				return modules.Failf("Error deleting some source files: %s", oserr.Bytes(err, path))
			}
		} else if err := os.Remove(path); err != nil {
			return modules.Failf("Error deleting some source files: %s", oserr.Bytes(err, path))
		}
	}
	return nil
}

func (p *packer) attributes() (bool, error) {
	if _, err := os.Stat(p.dest); err != nil {
		return false, nil
	}
	return p.m.ApplyFileArgs(p.dest, &p.a.FileArgs, false, nil)
}
