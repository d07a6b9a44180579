package action

// This file loads variables from files while a play runs
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/include_vars_module.html).

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"gorun/engine/playbook"
	"gorun/modules"
	"gorun/templates"
)

func includeVars(ctx context.Context, t *Task) (*templates.Dict, error) {
	if err := t.unknown("file", "_raw_params", "dir", "name", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions", "hash_behaviour"); err != nil {
		return nil, err
	}
	exts, err := t.varsExtensions()
	if err != nil {
		return nil, err
	}
	files, err := t.varsFiles()
	if err != nil {
		if f, ok := err.(*notFound); ok {
			return t.varsFailure(templates.NewDict(0), nil, f.Error()), nil
		}
		return nil, err
	}
	fromDir := t.str("dir", "") != ""
	all := templates.NewDict(8)
	all.Lazy = true
	shown := templates.NewDict(0) // what the folders before the failing one held
	for i, f := range files {
		if fromDir && i > 0 && filepath.Dir(f) != filepath.Dir(files[i-1]) {
			shown = all.Copy()
		}
		if fromDir && !slices.Contains(exts, strings.TrimPrefix(filepath.Ext(f), ".")) {
			return t.varsFailure(shown, files[:i], t.namedFile(f)+" does not have a valid extension: "+strings.Join(exts, ", ")), nil
		}
		d, err := t.Services.LoadVars(f)
		if err != nil {
			why := err.Error()
			if errors.Is(err, playbook.ErrNoVariables) {
				why = t.namedFile(f) + " must be stored as a dictionary/hash"
			}
			return t.varsFailure(shown, files[:i], why), nil
		}
		for k, v := range d.All {
			_ = all.Set(k, v) // k is in a dict, so it has a hash
		}
	}
	all = t.namedVars(all)
	if t.str("hash_behaviour", "") == "merge" {
		for k, v := range all.All {
			_ = all.Set(k, t.mergeOver(ctx, k, v)) // k is in a dict, so it has a hash
		}
	}
	t.Effects.Included = all
	if len(files) > 0 {
		t.Effects.Source = files[0]
	}
	return Result("ansible_facts", all, "ansible_included_var_files", files, "changed", false), nil
}

// namedVars are the variables, as one dictionary where name asks for it.
func (t *Task) namedVars(all *templates.Dict) *templates.Dict {
	name := t.str("name", "")
	if name == "" {
		return all
	}
	named := templates.NewDict(1)
	named.Lazy = true
	named.SetStr(name, all)
	return named
}

// namedFile is a file as messages show it.
func (t *Task) namedFile(path string) string {
	if t.Era >= templates.Current {
		return templates.Repr(templates.Str(path), t.Era)
	}
	return path
}

// varsFailure is the result of files that cannot be had: what was read before
// is shown, and not kept.
func (t *Task) varsFailure(read *templates.Dict, files []string, why string) *templates.Dict {
	if files == nil {
		files = []string{}
	}
	return Result("failed", true, "changed", false, "ansible_facts", t.namedVars(read), "ansible_included_var_files", files, "message", why)
}

// varsExtensions are the extensions that files of variables in a folder may
// have. ansible-core 2.14 takes each letter of a text for one.
func (t *Task) varsExtensions() ([]string, error) {
	if !t.has("extensions") {
		return []string{"yaml", "yml", "json"}, nil
	}
	v, _ := t.Args.GetStr("extensions")
	if _, ok := v.(templates.Sequence); ok {
		return t.list("extensions"), nil
	}
	if t.Era >= templates.Current {
		return nil, errors.New("The 'extensions' option must be a list.")
	}
	text, ok := v.(templates.Str)
	if !ok {
		return nil, errors.New("Invalid type for \"extensions\" option, it must be a list")
	}
	return strings.Split(string(text), ""), nil
}

// mergeOver is v merged over what the variables hold under k.
func (t *Task) mergeOver(ctx context.Context, k, v templates.Value) templates.Value {
	old, ok, err := t.Scope.Lookup(templates.StrOf(k, t.Era))
	if !ok || err != nil {
		return v
	}
	if old, err = t.Templates.Resolve(ctx, old, t.Scope); err != nil {
		return v
	}
	return deepMerge(old, v)
}

// deepMerge merges dicts, b over a.
func deepMerge(a, b templates.Value) templates.Value {
	da, ok1 := a.(*templates.Dict)
	db, ok2 := b.(*templates.Dict)
	if !ok1 || !ok2 {
		return b
	}
	out := da.Copy()
	for k, v := range db.All {
		if old, ok, _ := out.Get(k); ok {
			v = deepMerge(old, v)
		}
		_ = out.Set(k, v) // k is in a dict, so it has a hash
	}
	return out
}

// varsFiles are the files that the arguments name.
func (t *Task) varsFiles() ([]string, error) {
	dir := t.str("dir", "")
	file := strings.TrimSpace(t.first("file", "_raw_params"))
	if dir == "" {
		if file == "" {
			return nil, failf("No file or directory was given to include_vars")
		}
		path, err := t.findFile("vars", file)
		if err != nil {
			return nil, err
		}
		return []string{path}, nil
	}
	if file != "" {
		return nil, errors.New("You are mixing file only and dir only arguments, these are incompatible")
	}
	root := t.varsFolder(dir)
	st, err := os.Stat(root)
	if err != nil {
		return nil, &notFound{why: root + " directory does not exist"}
	}
	if !st.IsDir() {
		return nil, &notFound{why: root + " is not a directory"}
	}
	return t.varsTree(root)
}

// varsFolder is where dir is: below vars of the role, or beside the task's file.
func (t *Task) varsFolder(dir string) string {
	dir = modules.ExpandPath(dir, nil)
	if filepath.IsAbs(dir) {
		return dir
	}
	if t.RolePath != "" {
		if p := filepath.Join(t.RolePath, "vars", dir); strings.HasPrefix(t.TaskDir, t.RolePath) {
			return p
		}
	}
	return filepath.Join(t.TaskDir, dir)
}

// varsTree lists the files of variables below root.
func (t *Task) varsTree(root string) ([]string, error) {
	depth, err := t.int("depth", 0)
	if err != nil {
		return nil, err
	}
	lenient, err := t.bool("ignore_unknown_extensions", false)
	if err != nil {
		return nil, err
	}
	exts, err := t.varsExtensions()
	if err != nil {
		return nil, err
	}
	match, err := regexp.Compile(t.str("files_matching", ""))
	if err != nil {
		return nil, failf("files_matching: %s", err)
	}
	var ignore []*regexp.Regexp
	for _, p := range t.list("ignore_files") {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, failf("ignore_files: %s", err)
		}
		ignore = append(ignore, re)
	}
	var files []string
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path) // path is below root
		if e.IsDir() {
			if depth > 0 && rel != "." && strings.Count(rel, "/")+1 >= depth {
				return fs.SkipDir
			}
			return nil
		}
		if !match.MatchString(e.Name()) || slices.ContainsFunc(ignore, func(re *regexp.Regexp) bool { return re.MatchString(e.Name()) }) {
			return nil
		}
		if lenient && !slices.Contains(exts, strings.TrimPrefix(filepath.Ext(path), ".")) {
			return nil
		}
		files = append(files, path)
		return nil
	})
	sort.SliceStable(files, func(i, j int) bool { return filepath.Dir(files[i]) < filepath.Dir(files[j]) })
	return files, err
}
