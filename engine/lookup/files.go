package lookup

// This file holds the lookups that read files of the controller.

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"gorun/templates"
)

// read reads the file of a term from below sub.
func (c *call) read(sub string, term templates.Value) (string, error) {
	path, ok := c.findFile(sub, text(term))
	if !ok {
		return "", fmt.Errorf("could not locate file in lookup: %s", text(term))
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
		s, err := c.read("files", t)
		if err != nil {
			return nil, err
		}
		out = append(out, str(s))
	}
	return out, nil
}

func lookupTemplate(c *call) ([]templates.Value, error) {
	scope := c.env.Scope
	if v, ok := c.opts["template_vars"].(*templates.Dict); ok {
		scope = &over{v, scope}
	}
	var out []templates.Value
	for _, t := range c.terms {
		path, ok := c.findFile("templates", text(t))
		if !ok {
			return nil, fmt.Errorf("the template file %s could not be found for the lookup", text(t))
		}
		data, err := c.t.o.ReadFile(path)
		if err != nil {
			return nil, err
		}
		tm, err := c.env.Templates.Compile(string(data), path)
		if err != nil {
			return nil, err
		}
		s, err := tm.Render(c.ctx, scope)
		if err != nil {
			return nil, err
		}
		convert, err := c.flag("convert_data", true)
		if err != nil {
			return nil, err
		}
		out = append(out, converted(strings.TrimSuffix(s, ""), convert))
	}
	return out, nil
}

// converted turns text that is JSON into data, as convert_data asks for.
func converted(s string, convert bool) templates.Value {
	t := strings.TrimSpace(s)
	if convert && (strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[")) {
		if v, err := templates.FromJSON([]byte(t)); err == nil {
			return v
		}
	}
	return str(s)
}

// over is a scope with a dict before another scope.
type over struct {
	d     *templates.Dict
	scope templates.Scope
}

func (o *over) Lookup(name string) (templates.Value, bool, error) {
	if v, ok := o.d.GetStr(name); ok {
		return v, true, nil
	}
	return o.scope.Lookup(name)
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
		root, ok := c.findFile("files", text(t))
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
// of files and paths.
func lookupFirstFound(c *call) ([]templates.Value, error) {
	skip, err := c.flag("skip", false)
	if err != nil {
		return nil, err
	}
	var names []string
	files, paths := splitList(c.opts["files"]), splitList(c.opts["paths"])
	add := func(files, paths []string) {
		if len(paths) == 0 {
			names = append(names, files...)
			return
		}
		for _, p := range paths {
			if len(files) == 0 {
				names = append(names, p)
			}
			for _, f := range files {
				names = append(names, filepath.Join(p, f))
			}
		}
	}
	for _, t := range c.terms {
		m, ok := t.(*templates.Dict)
		if !ok {
			add(splitList(t), paths)
			continue
		}
		get := func(k string) templates.Value { v, _ := m.GetStr(k); return v }
		if v := get("skip"); v != nil {
			skip = skip || asBool(v)
		}
		add(splitList(get("files")), splitList(get("paths")))
	}
	if len(c.terms) == 0 || len(files) > 0 {
		add(files, paths)
	}
	for _, n := range names {
		for _, sub := range []string{"templates", "files", "vars", "tasks"} {
			if p, ok := c.findFile(sub, n); ok {
				return []templates.Value{str(p)}, nil
			}
		}
	}
	if skip {
		return nil, nil
	}
	return nil, errors.New("No file was found when using first_found.")
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

// splitList is a list of names: a list, or a text with commas, semicolons or
// (paths) colons between.
func splitList(v templates.Value) []string {
	switch v := v.(type) {
	case nil, templates.NoneType:
		return nil
	case templates.Str:
		var out []string
		for f := range strings.FieldsFuncSeq(string(v), func(r rune) bool { return r == ',' || r == ';' }) {
			out = append(out, strings.TrimSpace(f))
		}
		return out
	}
	if !isList(v) {
		return []string{text(v)}
	}
	var out []string
	for _, e := range listify(v) {
		out = append(out, splitList(e)...)
	}
	return out
}

// keyOptions splits "key file=x section=y" of the csvfile and ini lookups.
func (c *call) keyOptions(term string) (key string, opts map[string]string) {
	opts = map[string]string{}
	for name, v := range c.opts {
		opts[name] = text(v)
	}
	var words []string
	for w := range strings.FieldsSeq(term) {
		if k, v, ok := strings.Cut(w, "="); ok && len(words) > 0 {
			opts[k] = v
			continue
		}
		words = append(words, w)
	}
	return strings.Join(words, " "), opts
}

func orElse(m map[string]string, key, def string) string {
	if v, ok := m[key]; ok {
		return v
	}
	return def
}

func lookupCSV(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		key, o := c.keyOptions(text(t))
		data, err := c.read("files", str(orElse(o, "file", "ansible.csv")))
		if err != nil {
			return nil, err
		}
		delim := orElse(o, "delimiter", "TAB")
		if delim == "TAB" || delim == "t" || delim == `\t` {
			delim = "\t"
		}
		col, err1 := strconv.Atoi(orElse(o, "col", "1"))
		keycol, err2 := strconv.Atoi(orElse(o, "keycol", "0"))
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("csvfile: %w", err)
		}
		v, found, err := csvCell(data, delim, key, keycol, col)
		if err != nil {
			return nil, fmt.Errorf("csvfile: %w", err)
		}
		switch {
		case found:
			out = append(out, str(v))
		case orElse(o, "default", "\x00") != "\x00":
			out = append(out, str(o["default"]))
		default:
			out = append(out, templates.NewList())
		}
	}
	return out, nil
}

func csvCell(data, delim, key string, keycol, col int) (string, bool, error) {
	r := csv.NewReader(strings.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = []rune(delim)[0], -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return "", false, err
	}
	for _, row := range rows {
		if keycol < len(row) && row[keycol] == key {
			if col >= len(row) {
				return "", false, fmt.Errorf("the row of %s has no column %d", key, col)
			}
			return row[col], true, nil
		}
	}
	return "", false, nil
}

func lookupINI(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		key, o := c.keyOptions(text(t))
		data, err := c.read("files", str(orElse(o, "file", "ansible.ini")))
		if err != nil {
			return nil, err
		}
		section := orElse(o, "section", "global")
		if orElse(o, "type", "ini") == "properties" {
			section = ""
		}
		vals, err := iniValues(data, section, key, asBool(str(orElse(o, "re", "no"))))
		if err != nil {
			return nil, err
		}
		if len(vals) == 0 {
			vals = []string{orElse(o, "default", "")}
		}
		for _, v := range vals {
			out = append(out, str(v))
		}
	}
	return out, nil
}

// iniValues are the values of a key (with re: of all keys that match) in a section.
func iniValues(data, section, key string, re bool) ([]string, error) {
	match := func(k string) bool { return strings.EqualFold(k, key) }
	if re {
		r, err := regexp.Compile("^(?:" + key + ")")
		if err != nil {
			return nil, err
		}
		match = r.MatchString
	}
	at, last := "", -1
	var vals []string
	for line := range strings.Lines(data) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
			continue
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			at, last = trimmed[1:len(trimmed)-1], -1
			continue
		case line[0] == ' ' || line[0] == '\t':
			if last >= 0 {
				vals[last] += "\n" + trimmed
			}
			continue
		}
		last = -1
		i := strings.IndexAny(trimmed, "=:")
		if i < 0 || at != section {
			continue
		}
		if match(strings.TrimSpace(trimmed[:i])) {
			vals = append(vals, strings.TrimSpace(trimmed[i+1:]))
			last = len(vals) - 1
		}
	}
	return vals, nil
}

// sortedNames sorts names and makes values of them.
func sortedNames(names []string) []templates.Value {
	sort.Strings(names)
	out := make([]templates.Value, len(names))
	for i, n := range names {
		out[i] = str(n)
	}
	return out
}
