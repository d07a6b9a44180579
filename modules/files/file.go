package files

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
)

type fileArgs struct {
	modules.FileArgs
	AccessTime             string `arg:"access_time"`
	AccessTimeFormat       string `arg:"access_time_format"`
	Follow                 bool   `arg:"follow"`
	Force                  bool   `arg:"force"`
	ModificationTime       string `arg:"modification_time"`
	ModificationTimeFormat string `arg:"modification_time_format"`
	Path                   string `arg:"path"`
	Recurse                bool   `arg:"recurse"`
	Src                    string `arg:"src"`
	State                  string `arg:"state"`
	OriginalBasename       string `arg:"_original_basename"`
	DiffPeek               any    `arg:"_diff_peek"`
}

// File is ansible.builtin.file.
var File = modules.Define(modules.Spec{
	Name: "ansible.builtin.file",
	Doc:  "Make, change or remove files, folders and links, and set owners, modes and times.",
	Options: []modules.Option{
		{Name: "access_time", Doc: "The time of last access to set: now, preserve, or a time in access_time_format."},
		{Name: "access_time_format", Default: "%Y%m%d%H%M.%S", Doc: "How access_time is written, in strptime's letters."},
		{Name: "follow", Type: modules.Bool, Default: true, Doc: "Where path is a link, mean what it points to."},
		{Name: "force", Type: modules.Bool, Default: false, Doc: "Make a link although its target is missing, or in place of a file."},
		{Name: "modification_time", Doc: "The time of last change to set: now, preserve, or a time in modification_time_format."},
		{Name: "modification_time_format", Default: "%Y%m%d%H%M.%S", Doc: "How modification_time is written, in strptime's letters."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest", "name"}, Doc: "The file to manage."},
		{Name: "recurse", Type: modules.Bool, Default: false, Doc: "Set the attributes of all that is in the folder too."},
		{Name: "src", Type: modules.Path, Doc: "What a link points to."},
		{Name: "state", Choices: []string{"absent", "directory", "file", "hard", "link", "touch"}, Doc: "What path is to be."},
		{Name: "_original_basename", Doc: "The name to give to a file where path is a folder; set by actions."},
		{Name: "_diff_peek", Type: modules.Bool, Doc: "Accepted from actions of Ansible.", Ignored: "the difference is made by the copy module"},
	},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(_ context.Context, m *modules.Run, a *fileArgs) (*modules.Result, error) {
	t := &fileTask{m: m, a: a, path: a.Path}
	return t.run()
})

// A fileTask is one run of the file module.
type fileTask struct {
	m       *modules.Run
	a       *fileArgs
	path    string
	prev    string // state before
	diff    modules.Diff
	mtime   timeWish
	atime   timeWish
	changed bool
}

func (t *fileTask) fail(format string, args ...any) error {
	return modules.FailWith(map[string]any{"path": t.path}, format, args...)
}

func (t *fileTask) run() (*modules.Result, error) {
	a := t.a
	t.chooseState()
	t.intoFolder()
	if a.Recurse && a.State != "directory" {
		return nil, t.fail("recurse option requires state to be 'directory'")
	}
	if a.Src != "" && a.State != "link" && a.State != "hard" {
		return nil, t.fail("src option requires state to be 'link' or 'hard'")
	}
	if a.State != "absent" {
		var err error
		if t.mtime, err = parseWish(a.ModificationTime, a.ModificationTimeFormat, a.State); err != nil {
			return nil, err
		}
		if t.atime, err = parseWish(a.AccessTime, a.AccessTimeFormat, a.State); err != nil {
			return nil, err
		}
	}
	if a.Follow && (a.State == "file" || a.State == "directory") {
		if _, err := os.Lstat(t.path); err == nil && isLink(t.path) {
			t.path = realPath(t.path)
		}
	}
	t.prev = modules.FileState(t.path)
	t.startDiff()
	switch a.State {
	case "file":
		return t.file()
	case "directory":
		return t.directory()
	case "link":
		return t.link()
	case "hard":
		return t.hard()
	case "touch":
		return t.touch()
	}
	return t.absent()
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// chooseState takes what is there where the task names no state.
func (t *fileTask) chooseState() {
	if t.a.State != "" {
		return
	}
	switch prev := modules.FileState(t.path); {
	case prev != "absent":
		t.a.State = prev
	case t.a.Recurse:
		t.a.State = "directory"
	default:
		t.a.State = "file"
	}
}

// intoFolder makes path a name in the folder that path is.
func (t *fileTask) intoFolder() {
	if t.a.State == "link" || t.a.State == "absent" || !isDir(t.path) {
		return
	}
	name := t.a.OriginalBasename
	if name == "" && t.a.Src != "" {
		name = filepath.Base(t.a.Src)
	}
	if name != "" {
		t.path = filepath.Join(t.path, name)
	}
}

func (t *fileTask) startDiff() {
	before, after := map[string]any{"path": t.path}, map[string]any{"path": t.path}
	if t.prev != t.a.State {
		before["state"], after["state"] = t.prev, t.a.State
		if t.a.State == "absent" && t.prev == "directory" && t.m.Diff {
			before["path_content"] = folderContent(t.path)
		}
	}
	t.diff = modules.Diff{Before: before, After: after}
}

func (t *fileTask) note(key string, before, after any) {
	t.diff.Before.(map[string]any)[key] = before
	t.diff.After.(map[string]any)[key] = after
}

// folderContent lists what goes with a folder that is removed.
func folderContent(root string) map[string]any {
	dirs, names := []any{}, []any{}
	// What cannot be read is left out: this is for the screen alone.
	_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil || path == root:
		case d.IsDir():
			dirs = append(dirs, path)
		default:
			names = append(names, path)
		}
		return nil
	})
	return map[string]any{"directories": dirs, "files": names}
}

// result ends a run; key is "path" or "dest".
func (t *fileTask) result(key string, more map[string]any) *modules.Result {
	data := map[string]any{key: t.path}
	for k, v := range more {
		data[k] = v
	}
	return &modules.Result{Changed: t.changed, Diff: []modules.Diff{t.diff}, Data: data}
}

// apply sets attributes and times on the path.
func (t *fileTask) apply() error {
	changed, err := t.m.ApplyFileArgs(t.path, &t.a.FileArgs, t.a.Follow, &t.diff)
	t.changed = t.changed || changed
	if err != nil {
		return err
	}
	return t.applyTimes(t.path)
}

func (t *fileTask) file() (*modules.Result, error) {
	if t.prev != "file" && t.prev != "hard" {
		return nil, modules.FailWith(map[string]any{"path": t.path, "state": t.prev}, "file (%s) is %s, cannot continue", t.path, t.prev)
	}
	if err := t.apply(); err != nil {
		return nil, err
	}
	return t.result("path", nil), nil
}

func (t *fileTask) directory() (*modules.Result, error) {
	switch t.prev {
	case "absent":
		t.changed = true
		if t.m.Check {
			return t.result("path", nil), nil
		}
		if err := t.makeDirs(); err != nil {
			return nil, err
		}
	case "directory":
	default:
		return nil, t.fail("%s already exists as a %s", t.path, t.prev)
	}
	if err := t.apply(); err != nil {
		return nil, err
	}
	if t.a.Recurse {
		if err := t.recurse(t.path); err != nil {
			return nil, err
		}
	}
	return t.result("path", nil), nil
}

// makeDirs makes the folder and its parents; all that are new get the attributes.
func (t *fileTask) makeDirs() error {
	var missing []string
	for p := filepath.Clean(t.path); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		missing = append(missing, p)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := os.Mkdir(missing[i], 0o777); err != nil && !(os.IsExist(err) && isDir(missing[i])) {
			return t.fail("There was an issue creating %s as requested: %s", missing[i], oserr.Bytes(err, missing[i]))
		}
		if i == 0 {
			break
		}
		if _, err := t.m.ApplyFileArgs(missing[i], &t.a.FileArgs, t.a.Follow, nil); err != nil {
			return err
		}
	}
	return nil
}

// recurse sets the attributes of all that is in a folder. With follow, links
// are followed once; a folder behind a link is walked too.
func (t *fileTask) recurse(dir string) error {
	return t.walk(dir, map[string]bool{realPath(dir): true})
}

func (t *fileTask) walk(dir string, seen map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return t.fail("Could not recursively set attributes on %s. Original error was: '%s'", t.path, oserr.Bytes(err, dir))
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		link := e.Type()&os.ModeSymlink != 0
		if link && t.a.Follow {
			target := realPath(path)
			if _, err := os.Lstat(target); err != nil || seen[target] {
				continue // dangling, or walked already
			}
			seen[target] = true
			path = target
		}
		changed, err := t.m.ApplyFileArgs(path, &t.a.FileArgs, false, nil)
		t.changed = t.changed || changed
		if err != nil {
			return err
		}
		if err := t.applyTimes(path); err != nil {
			return err
		}
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			if err := t.walk(path, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *fileTask) absent() (*modules.Result, error) {
	data := map[string]any{"path": t.path, "state": "absent"}
	if t.prev == "absent" {
		return &modules.Result{Diff: []modules.Diff{t.diff}, Data: data}, nil
	}
	if !t.m.Check {
		remove := os.Remove
		if t.prev == "directory" {
			remove = os.RemoveAll
		}
		path := strings.TrimRight(t.path, "/")
		if err := remove(path); err != nil && !os.IsNotExist(err) {
			if t.prev == "directory" {
				return nil, t.fail("rmtree failed: %s", oserr.Str(err, path))
			}
			return nil, t.fail("unlinking failed: %s ", oserr.Bytes(err, path))
		}
	}
	return &modules.Result{Changed: true, Diff: []modules.Diff{t.diff}, Data: data}, nil
}

// A timeWish is what the task wants of a time stamp.
type timeWish struct {
	keep bool
	now  bool
	at   time.Time
}

// parseWish reads now, preserve or a time; unless given, touch means now and
// the other states keep the time.
func parseWish(s, format, state string) (timeWish, error) {
	switch {
	case s == "preserve" || s == "" && state != "touch":
		return timeWish{keep: true}, nil
	case s == "now" || s == "":
		return timeWish{now: true}, nil
	}
	at, err := strptime(s, format)
	if err != nil {
		return timeWish{}, modules.Failf("Error while obtaining timestamp for time %s using format %s: %w", s, format, err)
	}
	return timeWish{at: at}, nil
}
