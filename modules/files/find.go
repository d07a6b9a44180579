package files

import (
	"context"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gorun/modules"
	"gorun/modules/oserr"
	"gorun/modules/pyre"
)

type findArgs struct {
	Age               string   `arg:"age"`
	AgeStamp          string   `arg:"age_stamp"`
	Contains          string   `arg:"contains"`
	Depth             *int     `arg:"depth"`
	Excludes          []string `arg:"excludes"`
	FileType          string   `arg:"file_type"`
	Follow            bool     `arg:"follow"`
	GetChecksum       bool     `arg:"get_checksum"`
	Hidden            bool     `arg:"hidden"`
	Paths             []string `arg:"paths"`
	Patterns          []string `arg:"patterns"`
	ReadWholeFile     bool     `arg:"read_whole_file"`
	Recurse           bool     `arg:"recurse"`
	Size              string   `arg:"size"`
	UseRegex          bool     `arg:"use_regex"`
	Encoding          string   `arg:"encoding"`
	ChecksumAlgorithm string   `arg:"checksum_algorithm"`
	Mode              any      `arg:"mode"`
	ExactMode         bool     `arg:"exact_mode"`
	Limit             *int     `arg:"limit"`
}

// Find is ansible.builtin.find.
var Find = modules.Define(modules.Spec{
	Name: "ansible.builtin.find",
	Doc:  "List files by name, age, size, type or content.",
	Options: []modules.Option{
		{Name: "age", Doc: "Files at least so old (2d), or with a minus at most; s, m, h, d and w are units."},
		{Name: "age_stamp", Default: "mtime", Choices: []string{"atime", "ctime", "mtime"}, Doc: "The time stamp that age means."},
		{Name: "contains", Doc: "A regular expression that a line of the file, from its beginning, must match."},
		{Name: "depth", Type: modules.Int, Doc: "How many folders deep to look."},
		{Name: "excludes", Type: modules.List, Elements: modules.Str, Aliases: []string{"exclude"}, Doc: "Patterns of names to leave out."},
		{Name: "file_type", Default: "file", Choices: []string{"any", "directory", "file", "link"}, Doc: "What to list."},
		{Name: "follow", Type: modules.Bool, Default: false, Doc: "Walk folders behind links."},
		{Name: "get_checksum", Type: modules.Bool, Default: false, Doc: "Give the checksum of every file."},
		{Name: "hidden", Type: modules.Bool, Default: false, Doc: "List what begins with a dot too."},
		{Name: "paths", Type: modules.List, Elements: modules.Path, Required: true, Aliases: []string{"name", "path"}, Doc: "The folders to look in."},
		{Name: "patterns", Type: modules.List, Elements: modules.Str, Default: []any{}, Aliases: []string{"pattern"}, Doc: "Patterns of names: shell patterns, or regular expressions with use_regex."},
		{Name: "read_whole_file", Type: modules.Bool, Default: false, Doc: "contains is looked for in the whole text of the file."},
		{Name: "recurse", Type: modules.Bool, Default: false, Doc: "Look in folders below."},
		{Name: "size", Doc: "Files at least so large (10m), or with a minus at most; b, k, m, g and t are units."},
		{Name: "use_regex", Type: modules.Bool, Default: false, Doc: "Patterns are regular expressions."},
		{Name: "encoding", Doc: "The encoding of the files for contains.", Ignored: "texts are compared as bytes"},
		{Name: "checksum_algorithm", Default: "sha1", Choices: []string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}, Aliases: []string{"checksum", "checksum_algo"}, Doc: "The digest to take."},
		{Name: "mode", Type: modules.Raw, Doc: "The mode that files must have."},
		{Name: "exact_mode", Type: modules.Bool, Default: true, Doc: "mode means all bits; otherwise those it has."},
		{Name: "limit", Type: modules.Int, Doc: "List so many at most."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(_ context.Context, m *modules.Run, a *findArgs) (*modules.Result, error) {
	f := &finder{m: m, a: a, now: time.Now(), files: []any{}, skipped: map[string]any{}}
	return f.run()
})

type finder struct {
	m                  *modules.Run
	a                  *findArgs
	now                time.Time
	age, size          float64 // NaN: any
	contains           *pyre.Regexp
	patterns, excludes []matcher
	files              []any
	skipped            map[string]any
	examined           int
	mode               os.FileMode
	broken             error // of a pattern, told for every path as Ansible does
}

// A matcher matches the name of a file.
type matcher func(name string) bool

func (f *finder) run() (*modules.Result, error) {
	if err := f.prepare(); err != nil {
		return nil, err
	}
	complete := true
	for _, root := range f.a.Paths {
		root = modules.ExpandPath(root, f.m.Env)
		if err := f.walkRoot(root); err != nil {
			complete = false
			f.skipped[root] = err.Error()
			f.m.Warn("Skipped '%s' path due to this access issue: %s\n", root, err)
		}
	}
	msg := "All paths examined"
	if !complete {
		msg = "Not all paths examined, check warnings for details"
	}
	return &modules.Result{Msg: msg, Data: map[string]any{"files": f.files, "matched": len(f.files),
		"examined": f.examined, "skipped_paths": f.skipped}}, nil
}

func (f *finder) prepare() error {
	a := f.a
	var ok bool
	if f.age, ok = withUnit(a.Age, map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}); !ok {
		return modules.FailWith(map[string]any{"age": a.Age}, "failed to process age")
	}
	if f.size, ok = withUnit(a.Size, map[string]float64{"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}); !ok {
		return modules.FailWith(map[string]any{"size": a.Size}, "failed to process size")
	}
	if a.Limit != nil && *a.Limit <= 0 {
		return modules.Failf("limit cannot be 0 or less, use a positive number or none")
	}
	patterns := a.Patterns
	if len(patterns) == 0 {
		patterns = []string{"*"}
		if a.UseRegex {
			patterns = []string{".*"}
		}
	}
	f.patterns = f.compile(patterns)
	f.excludes = f.compile(a.Excludes)
	if a.Contains != "" {
		flags := pyre.Flags(0)
		if a.ReadWholeFile {
			flags = pyre.Multiline
		}
		re, err := pyre.Compile(a.Contains, flags)
		if err != nil {
			return modules.Failf("the regular expression '%s' is invalid: %w", a.Contains, err)
		}
		f.contains = re
	}
	if a.Mode != nil {
		mode, err := modules.ParseMode(a.Mode, 0)
		if err != nil {
			return modules.Failf("mode: %w", err)
		}
		f.mode = mode
	}
	return nil
}

// withUnit reads a number with a unit; nothing is NaN.
func withUnit(s string, units map[string]float64) (float64, bool) {
	if s == "" {
		return math.NaN(), true
	}
	s = strings.ToLower(s)
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	unit, ok := units[s[len(digits):]]
	return float64(n) * unit, ok && err == nil
}

func (f *finder) compile(patterns []string) []matcher {
	var out []matcher
	for _, p := range patterns {
		if f.a.UseRegex {
			re, err := pyre.Compile(p, 0)
			if err != nil {
				f.broken = err
				continue
			}
			out = append(out, func(name string) bool { return re.Match(name) != nil })
			continue
		}
		p = fnmatch(p)
		out = append(out, func(name string) bool {
			ok, err := path.Match(p, name)
			return ok && err == nil
		})
	}
	return out
}

// fnmatch makes the shell's [!x] of path.Match's [^x], and takes away the
// meaning that backslashes have there.
func fnmatch(p string) string {
	return strings.ReplaceAll(strings.ReplaceAll(p, `\`, `\\`), "[!", "[^")
}

func matchesAny(list []matcher, name string) bool {
	for _, m := range list {
		if m(name) {
			return true
		}
	}
	return false
}

func (f *finder) walkRoot(root string) error {
	if !isDir(root) {
		return fmt.Errorf("'%s' is not a directory", root)
	}
	if f.broken != nil {
		entries, _ := os.ReadDir(root)
		f.examined += len(entries)
		return f.broken
	}
	return f.walk(root, 1, map[string]bool{})
}

func (f *finder) walk(dir string, depth int, above map[string]bool) error {
	if f.a.Follow {
		// A link to a folder above would never end.
		real := realPath(dir)
		if above[real] {
			return nil
		}
		above[real] = true
		defer delete(above, real)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		if depth == 1 {
			return fmt.Errorf("%s", oserr.Str(err, dir))
		}
		f.m.Warn("Skipped '%s' path due to this access issue: %s\n", dir, oserr.Str(err, dir))
		return nil
	}
	f.examined += len(entries)
	if f.a.Depth != nil && depth > *f.a.Depth {
		return nil
	}
	for _, e := range entries {
		if f.a.Limit != nil && len(f.files) >= *f.a.Limit {
			return nil
		}
		full := filepath.Join(dir, e.Name())
		if f.a.Hidden || !strings.HasPrefix(e.Name(), ".") {
			f.consider(full, e.Name())
		}
		below := e.IsDir() || f.a.Follow && isDir(full)
		if f.a.Recurse && below {
			if err := f.walk(full, depth+1, above); err != nil {
				return err
			}
		}
	}
	return nil
}

// consider lists a file where it fits.
func (f *finder) consider(full, name string) {
	var st unix.Stat_t
	if err := unix.Lstat(full, &st); err != nil {
		return
	}
	kind := uint32(st.Mode) & unix.S_IFMT
	switch f.a.FileType {
	case "file":
		if kind != unix.S_IFREG {
			return
		}
	case "directory":
		if kind != unix.S_IFDIR {
			return
		}
	case "link":
		if kind != unix.S_IFLNK {
			return
		}
	}
	if !matchesAny(f.patterns, name) || matchesAny(f.excludes, name) || !f.ageFits(&st) || !f.modeFits(&st) {
		return
	}
	if kind == unix.S_IFREG && (!f.sizeFits(&st) || f.contains != nil && !f.contentFits(full)) {
		return
	}
	out := statData(full, &st)
	for _, k := range []string{"exists", "blocks", "block_size", "device_type", "readable", "writeable", "executable"} {
		delete(out, k)
	}
	if f.a.GetChecksum && kind == unix.S_IFREG {
		if sum, err := modules.HexDigest(full, f.a.ChecksumAlgorithm); err == nil {
			out["checksum"] = sum
		}
	}
	f.files = append(f.files, out)
}

func (f *finder) ageFits(st *unix.Stat_t) bool {
	if math.IsNaN(f.age) {
		return true
	}
	stamp := map[string]unix.Timespec{"atime": st.Atim, "mtime": st.Mtim, "ctime": st.Ctim}[f.a.AgeStamp]
	old := float64(f.now.UnixNano())/1e9 - seconds(stamp)
	if f.age >= 0 {
		return old >= f.age
	}
	return old <= -f.age
}

func (f *finder) sizeFits(st *unix.Stat_t) bool {
	if math.IsNaN(f.size) {
		return true
	}
	if f.size >= 0 {
		return float64(st.Size) >= f.size
	}
	return float64(st.Size) <= -f.size
}

func (f *finder) modeFits(st *unix.Stat_t) bool {
	if f.a.Mode == nil {
		return true
	}
	have := os.FileMode(st.Mode & 0o777)
	if f.a.ExactMode {
		return have == f.mode.Perm()
	}
	return have&f.mode.Perm() != 0
}

func (f *finder) contentFits(full string) bool {
	data, err := os.ReadFile(full)
	if err != nil {
		return false
	}
	if f.a.ReadWholeFile {
		return f.contains.Search(string(data)) != nil
	}
	for line := range strings.Lines(string(data)) {
		if f.contains.Match(line) != nil {
			return true
		}
	}
	return false
}
