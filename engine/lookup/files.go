package lookup

// This file holds the lookups that read files of the controller.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"gorun/templates"
)

// read reads the file of a term from below sub.
func (c *call) read(sub string, term templates.Value) (string, error) {
	path, ok := c.findFile(sub, text(term))
	if !ok {
		return "", c.inEra(fmt.Errorf("could not locate file in lookup: %s", text(term)),
			fmt.Errorf("Unable to access the file '%s': File not found. Use -vvvvv to see paths searched.", text(term)))
	}
	data, err := c.t.o.ReadFile(path)
	return string(data), err
}

func lookupFile(c *call) ([]templates.Value, error) {
	lstrip, err1 := c.flag("lstrip", false)
	rstrip, err2 := c.flag("rstrip", true)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	var out []templates.Value
	for _, t := range c.terms {
		s, err := c.read("files", t)
		if err != nil {
			return nil, err
		}
		if lstrip {
			s = strings.TrimLeft(s, " \t\r\n\v\f")
		}
		if rstrip {
			s = strings.TrimRight(s, " \t\r\n\v\f")
		}
		out = append(out, str(s))
	}
	return out, nil
}

func lookupUnvault(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		path, ok := c.findFile("files", text(t))
		if !ok {
			return nil, c.inEra(raise(parserError, "Unable to find file matching \"%s\" ", text(t)), raise(ansibleError, "Unable to find file matching \"%s\"", text(t)))
		}
		data, err := c.t.o.ReadFile(path)
		if err != nil {
			return nil, err
		}
		c.t.o.Redact.Add(string(data))
		out = append(out, str(string(data)))
	}
	return out, nil
}

// templateOptions are the options of the lookup template that change the engine;
// 2.14 has those of texts alone.
var templateOptions = []string{"variable_start_string", "variable_end_string", "comment_start_string", "comment_end_string", "block_start_string", "block_end_string"}

func lookupTemplate(c *call) ([]templates.Value, error) {
	convert, err := c.flag("convert_data", true)
	if err != nil {
		return nil, err
	}
	names := templateOptions
	if c.current() {
		names = append(slices.Clone(names), "trim_blocks", "lstrip_blocks")
	}
	vars, _ := c.opts["template_vars"].(*templates.Dict)
	var out []templates.Value
	for _, t := range c.terms {
		path, ok := c.findFile("templates", text(t))
		if !ok {
			return nil, fmt.Errorf("the template file %s could not be found for the lookup", text(t))
		}
		r := Render{Engine: c.env.Templates, ReadFile: c.t.o.ReadFile, Path: path, Shown: path, SearchPath: c.searchPath(), BesideFirst: true, Vars: vars,
			Change: func(o *templates.Options) error {
				for _, n := range names {
					if v, ok := c.given(n); ok {
						if err := SetOption(o, n, text(v)); err != nil {
							return err
						}
					}
				}
				return nil
			}}
		v, err := r.Value(c.ctx, c.env.Scope, convert)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func lookupFileglob(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		for _, pattern := range c.candidates("files", text(t)) {
			found, err := filepath.Glob(pattern)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", pattern, err)
			}
			hit := false
			for _, f := range found {
				if st, err := os.Stat(f); err == nil && st.Mode().IsRegular() {
					out = append(out, str(f))
					hit = true
				}
			}
			if hit {
				break
			}
		}
	}
	return out, nil
}

// lookupFiletree lists folders recursively with each file's properties.
func lookupFiletree(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		root, ok := c.findQuietly("files", text(t))
		if !ok {
			continue
		}
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || path == root {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			st, err := os.Lstat(path)
			if err != nil {
				return err
			}
			out = append(out, fileProps(root, rel, path, st))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func fileProps(root, rel, path string, st fs.FileInfo) templates.Value {
	d := templates.NewDict(12)
	d.SetStr("root", str(root))
	d.SetStr("path", str(rel))
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
		d.SetStr("state", str("link"))
		to, err := os.Readlink(path)
		if err == nil {
			d.SetStr("src", str(to))
		}
	case st.IsDir():
		d.SetStr("state", str("directory"))
	default:
		d.SetStr("state", str("file"))
		d.SetStr("src", str(path))
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		d.SetStr("uid", templates.Int(sys.Uid))
		d.SetStr("gid", templates.Int(sys.Gid))
		if u, err := user.LookupId(strconv.Itoa(int(sys.Uid))); err == nil {
			d.SetStr("owner", str(u.Username))
		}
		if g, err := user.LookupGroupId(strconv.Itoa(int(sys.Gid))); err == nil {
			d.SetStr("group", str(g.Name))
		}
	}
	d.SetStr("mode", str(fmt.Sprintf("0%03o", st.Mode().Perm())))
	d.SetStr("size", templates.Int(st.Size()))
	d.SetStr("mtime", templates.Float(float64(st.ModTime().UnixNano())/1e9))
	return d
}

// lookupFirstFound gives the first file that exists: terms are names, or dicts
// of files, paths and skip; a list stands for its elements.
func lookupFirstFound(c *call) ([]templates.Value, error) {
	terms := c.terms
	if len(terms) == 0 && c.current() {
		if v, ok := c.given("files"); ok {
			terms = listify(v)
		}
	}
	names, skip, err := c.candidatesOf(terms, 0)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if p, ok := c.findQuietly(c.subfolder(), n); ok {
			return []templates.Value{str(filepath.Clean(p))}, nil
		}
	}
	if skip {
		return nil, nil
	}
	return nil, raise(lookupError, "No file was found when using first_found.")
}

// subfolder is where relative names are looked for: with_first_found of an
// action on templates or variables has a folder of its own.
func (c *call) subfolder() string {
	for _, kind := range []string{"template", "var", "file"} {
		if strings.Contains(c.env.Action, kind) {
			return kind + "s"
		}
	}
	return "files"
}

// candidatesOf are the names that terms ask for; skip is what the last of them says.
func (c *call) candidatesOf(terms []templates.Value, depth int) (names []string, skip bool, err error) {
	if depth > 100 {
		return nil, false, errors.New("the terms of first_found are nested too deep")
	}
	for _, t := range terms {
		opt := func(name string) templates.Value { return c.opts[name] }
		term := ""
		switch t := t.(type) {
		case templates.Mapping:
			opt = func(name string) templates.Value { v, _, _ := t.Get(str(name)); return v }
		case templates.Str:
			term = string(t)
		case *templates.List, templates.Tuple:
			inner, innerSkip, err := c.candidatesOf(listify(t), depth+1)
			if err != nil {
				return nil, false, err
			}
			names, skip = append(names, inner...), innerSkip
			continue
		default:
			return nil, false, c.inEra(raise(lookupError, "Invalid term supplied, can handle string, mapping or list of strings but got: %s for %s", class(t), text(t)),
				raise(lookupError, "Invalid term supplied. A string, dict or list is required, not '%s').", t.Type()))
		}
		files, paths := splitOn(opt("files"), ",;"), splitOn(opt("paths"), ",:;")
		v := opt("skip")
		skip = v != nil && asBool(v)
		switch {
		case len(paths) > 0:
			for _, p := range paths {
				for _, f := range files {
					names = append(names, filepath.Join(p, f))
				}
			}
		case len(files) > 0:
			names = append(names, files...)
		case term != "":
			names = append(names, term)
		}
	}
	return names, skip, nil
}

func asBool(v templates.Value) bool {
	s, ok := v.(templates.Str)
	if !ok {
		return v.Truth()
	}
	switch strings.ToLower(string(s)) {
	case "yes", "true", "on", "1", "y", "t":
		return true
	}
	return false
}

// splitOn is a list of names; texts in it are split at each of some characters.
func splitOn(v templates.Value, at string) []string {
	if v == nil || v == templates.None {
		return nil
	}
	var out []string
	for _, e := range listOrOne(v) {
		s := text(e)
		if isList(e) {
			out = append(out, splitOn(e, at)...)
			continue
		}
		for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(at, r) }) {
			out = append(out, f)
		}
	}
	return out
}
