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

	"gorun/modules"
	"gorun/modules/pyre"
	"gorun/templates"
	"gorun/templates/ansible"
)

// read reads the file of a term from below sub.
func (c *call) read(sub string, term templates.Value) (string, error) {
	name, err := c.fileName(term)
	if err != nil {
		return "", err
	}
	path, ok := c.findFile(sub, name)
	if st, err := os.Stat(path); ok && err == nil && st.IsDir() {
		return "", c.inEra(fmt.Errorf("could not locate file in lookup: %s", name),
			fmt.Errorf("Unable to access the file '%s': An error occurred while trying to read the file '%s': [Errno 21] Is a directory: '%s'", name, path, path))
	}
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
		name, err := c.fileName(t)
		if err != nil {
			return nil, err
		}
		path, ok := c.findFile("files", name)
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
	vars, isDict := c.opts["template_vars"].(*templates.Dict)
	if v, ok := c.given("template_vars"); ok && !isDict {
		return nil, c.badValue("template_vars", "dict", v, `Invalid type provided for "dictionary": `+text(v))
	}
	var out []templates.Value
	for _, t := range c.terms {
		name, err := c.fileName(t)
		if err != nil {
			return nil, err
		}
		path, ok := c.findFile("templates", name)
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
			return nil, c.inEra(c.templateProblem(path, err), err)
		}
		out = append(out, v)
	}
	return out, nil
}

// templateProblem is an error of a template file in 2.14's words.
func (c *call) templateProblem(path string, err error) error {
	var te *templates.Error
	if !errors.As(err, &te) {
		return err
	}
	switch te.Kind {
	case templates.UndefinedError:
		twice := *te
		twice.Msg += ". " + te.Msg // the lookup templates by itself
		return &twice
	case templates.TemplateSyntaxError:
		src, _ := c.t.o.ReadFile(path) // it was read a moment ago
		return raise(ansibleError, "template error while templating string: %s. String: %s. %s", te.Msg, src, te.Msg)
	}
	return err
}

// lookupFileglob gives the files of a folder that a pattern matches: what stands
// before the last slash is no pattern.
func lookupFileglob(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		term, ok := t.(templates.Str)
		if !ok {
			return nil, raise(typeError, "expected str, bytes or os.PathLike object, not %s", t.Type())
		}
		dir, base := filepath.Split(string(term))
		folders := c.candidates("files", "")
		if dir != "" {
			folders = nil
			if found, ok := c.findFile("files", dir); ok {
				folders = []string{found}
			}
		}
		for _, folder := range folders {
			files := ansible.Glob(folder, base)
			for _, f := range files {
				out = append(out, str(f))
			}
			if len(files) > 0 {
				break
			}
		}
	}
	return out, nil
}

// lookupFiletree lists folders recursively with each file's properties; a path is
// listed once.
func lookupFiletree(c *call) ([]templates.Value, error) {
	var exclude *pyre.Regexp
	if pattern := c.str("exclude", ""); pattern != "" && c.current() {
		re, err := pyre.Compile(pattern, 0)
		if err != nil {
			return nil, raise(lookupError, "Invalid exclude regular expression %s: %s", templates.Repr(str(pattern), templates.Current), err)
		}
		exclude = re
	}
	var out []templates.Value
	seen := map[string]bool{}
	for _, t := range c.terms {
		term, ok := t.(templates.Str)
		if !ok {
			return nil, raise(typeError, "expected str, bytes or os.PathLike object, not %s", t.Type())
		}
		dir, base := filepath.Split(string(term))
		root := c.dwim("files", strings.TrimSuffix(dir, "/"))
		if base != "" {
			root = filepath.Join(root, base)
		}
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || path == root {
				return nil // what cannot be read is passed over
			}
			if exclude != nil && exclude.Match(e.Name()) != nil {
				if e.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			rel, err := filepath.Rel(root, path)
			if err != nil || seen[rel] {
				return err
			}
			st, err := os.Lstat(path)
			if err != nil {
				return err
			}
			seen[rel] = true
			out = append(out, fileProps(root, rel, path, st))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// dwim is a folder below sub of the playbook's folder, or beside it where that
// is not there.
func (c *call) dwim(sub, name string) string {
	name = modules.ExpandPath(name, nil)
	if filepath.IsAbs(name) {
		return name
	}
	base := ""
	if v, ok, err := c.variable("playbook_dir"); ok && err == nil {
		base = text(v)
	}
	return filepath.Join(base, sub, name)
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
	s := firstFound{c: c, opt: c.ownOption}
	if err := s.add(terms, 0); err != nil {
		return nil, err
	}
	for _, n := range s.names {
		if p, ok := c.findQuietly(c.subfolder(), n); ok {
			return []templates.Value{str(filepath.Clean(p))}, nil
		}
	}
	if s.skip || c.current() && asBool(orNone(s.opt("skip"))) {
		return nil, nil
	}
	return nil, raise(lookupError, "No file was found when using first_found.")
}

// ownOption is an argument of the call, nil where it is not there.
func (c *call) ownOption(name string) templates.Value { return c.opts[name] }

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

// A firstFound gathers the names that the terms of first_found ask for.
type firstFound struct {
	c     *call
	names []string
	skip  bool                              // what the last term says, before 2.19
	opt   func(name string) templates.Value // the options that hold: those of the last dict, for the terms behind it too
}

func (s *firstFound) add(terms []templates.Value, depth int) error {
	if depth > 100 {
		return errors.New("the terms of first_found are nested too deep")
	}
	c := s.c
	for _, t := range terms {
		var files []string
		term, isText := t.(templates.Str)
		switch t := t.(type) {
		case templates.Mapping:
			s.opt = func(name string) templates.Value { v, _, _ := t.Get(str(name)); return v }
			files = splitOn(s.opt("files"), ",;")
		case templates.Str:
			if c.current() {
				files = splitOn(t, ",;")
				break
			}
			s.opt = c.ownOption
			files = splitOn(s.opt("files"), ",;")
		case *templates.List, templates.Tuple:
			if err := s.add(listify(t), depth+1); err != nil {
				return err
			}
			continue
		default:
			return c.inEra(raise(lookupError, "Invalid term supplied, can handle string, mapping or list of strings but got: %s for %s", class(t), text(t)),
				raise(lookupError, "Invalid term supplied. A string, dict or list is required, not '%s').", t.Type()))
		}
		s.skip = !c.current() && asBool(orNone(s.opt("skip")))
		paths := splitOn(s.opt("paths"), ",:;")
		switch {
		case len(paths) > 0:
			for _, p := range paths {
				for _, f := range files {
					s.names = append(s.names, filepath.Join(p, f))
				}
			}
		case len(files) > 0 && c.current():
			s.names = append(s.names, files...)
		case len(files) > 0:
			s.names = files // 2.14 forgets what stood before
		case isText && term != "":
			s.names = append(s.names, string(term))
		}
	}
	return nil
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
