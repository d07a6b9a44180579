package ansible

// This file holds the filters of paths, which are Python's os.path and ntpath.

import (
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/templates"
)

var pathFilters = table{
	"basename": onPath("basename", baseName), "dirname": onPath("dirname", dirName), "expanduser": onPath("expanduser", expandUser),
	"expandvars": onPath("expandvars", expandVars), "realpath": onPath("realpath", realPath), "normpath": onPath("normpath", normPath),
	"relpath": filterRelpath, "splitext": filterSplitext, "path_join": filterPathJoin, "commonpath": filterCommonpath,
	"win_basename": onPath("win_basename", winBase), "win_dirname": onPath("win_dirname", winDir), "win_splitdrive": filterWinSplitdrive,
}

// onPath makes a filter of a function of one path.
func onPath(name string, f func(string) string) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if err := c.Unpack(name, "p", &v); err != nil {
			return nil, err
		}
		s, err := pathText(v)
		if err != nil {
			return nil, err
		}
		return str(f(s)), nil
	}
}

// pathText is a path given as text.
func pathText(v value) (string, error) {
	s, ok := isText(v)
	if !ok {
		return "", raise(templates.TypeError, "expected str, bytes or os.PathLike object, not %s", v.Type())
	}
	return s, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/basename_filter.html
func baseName(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/dirname_filter.html
func dirName(p string) string {
	head := p[:strings.LastIndexByte(p, '/')+1]
	if cut := strings.TrimRight(head, "/"); cut != "" {
		return cut
	}
	return head
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/expanduser_filter.html
func expandUser(p string) string {
	if !strings.HasPrefix(p, "~") {
		return p
	}
	head, rest, slash := strings.Cut(p, "/")
	if strings.Contains(head, "$") {
		return p
	}
	head = modules.ExpandPath(head, nil)
	if !slash {
		return head
	}
	return strings.TrimRight(head, "/") + "/" + rest
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/expandvars_filter.html
func expandVars(p string) string {
	if rest, ok := strings.CutPrefix(p, "~"); ok {
		return "~" + modules.ExpandPath(rest, nil)
	}
	return modules.ExpandPath(p, nil)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/normpath_filter.html
func normPath(p string) string {
	if p == "" {
		return "."
	}
	clean := filepath.Clean(p)
	if strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///") {
		return "/" + clean // two slashes at the beginning have a meaning of their own in POSIX
	}
	return clean
}

// absPath is os.path.abspath.
func absPath(p string) string {
	if !strings.HasPrefix(p, "/") {
		if wd, err := os.Getwd(); err == nil {
			p = wd + "/" + p
		}
	}
	return normPath(p)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/realpath_filter.html
func realPath(p string) string {
	p = absPath(p)
	done, rest := "/", strings.Split(strings.TrimLeft(p, "/"), "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = filepath.Dir(done)
			continue
		}
		next := filepath.Join(done, part)
		to, err := os.Readlink(next)
		if links++; err != nil || links > 255 {
			done = next
			continue
		}
		if strings.HasPrefix(to, "/") {
			done = "/"
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return done
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/relpath_filter.html
func filterRelpath(c *call) (value, error) {
	var v, start value
	if err := c.Unpack("relpath", "path", &v, "start?", &start); err != nil {
		return nil, err
	}
	if v == templates.None && c.State.Era() != templates.Current {
		return nil, raise(templates.ValueError, "no path specified")
	}
	p, err := pathText(v)
	if err != nil {
		return nil, err
	}
	if p == "" {
		return nil, raise(templates.ValueError, "no path specified")
	}
	from := "."
	if given(start) {
		if from, err = pathText(start); err != nil {
			return nil, err
		}
	}
	rel, err := filepath.Rel(absPath(from), absPath(p))
	return str(rel), err
}

// splitExt is os.path.splitext.
func splitExt(p string) (root, ext string) {
	base := baseName(p)
	i := strings.LastIndexByte(base, '.')
	if i < 0 || strings.Trim(base[:i], ".") == "" {
		return p, ""
	}
	cut := len(p) - len(base) + i
	return p[:cut], p[cut:]
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/splitext_filter.html
func filterSplitext(c *call) (value, error) {
	var v value
	if err := c.Unpack("splitext", "p", &v); err != nil {
		return nil, err
	}
	s, err := pathText(v)
	if err != nil {
		return nil, err
	}
	root, ext := splitExt(s)
	return templates.Tuple{str(root), str(ext)}, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/path_join_filter.html
func filterPathJoin(c *call) (value, error) {
	var v value
	if err := c.Unpack("path_join", "paths", &v); err != nil {
		return nil, err
	}
	if s, ok := isText(v); ok {
		return str(s), nil
	}
	if !isSequence(v) {
		return nil, typeError("|path_join expects string or sequence, got %s instead.", pyClass(v))
	}
	if len(elemsOf(v)) == 0 {
		return nil, raise(templates.TypeError, "join() missing 1 required positional argument: 'a'")
	}
	out := ""
	for i, e := range elemsOf(v) {
		s, ok := isText(e)
		if !ok {
			return nil, raise(templates.TypeError, "expected str, bytes or os.PathLike object, not %s", e.Type())
		}
		switch {
		case i == 0 || strings.HasPrefix(s, "/"):
			out = s
		case out == "" || strings.HasSuffix(out, "/"):
			out += s
		default:
			out += "/" + s
		}
	}
	return str(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/commonpath_filter.html
func filterCommonpath(c *call) (value, error) {
	var v value
	if err := c.Unpack("commonpath", "paths", &v); err != nil {
		return nil, err
	}
	if !isSequence(v) {
		return nil, typeError("|commonpath expects sequence, got %s instead.", pyClass(v))
	}
	paths := elemsOf(v)
	if len(paths) == 0 {
		return nil, raise(templates.ValueError, "commonpath() arg is an empty sequence")
	}
	var common []string
	abs := false
	for i, e := range paths {
		s, err := pathText(e)
		if err != nil {
			return nil, err
		}
		if i > 0 && strings.HasPrefix(s, "/") != abs {
			return nil, raise(templates.ValueError, "Can't mix absolute and relative paths")
		}
		var parts []string
		for _, p := range strings.Split(s, "/") {
			if p != "" && p != "." {
				parts = append(parts, p)
			}
		}
		if i == 0 {
			common, abs = parts, strings.HasPrefix(s, "/")
			continue
		}
		n := 0
		for n < len(common) && n < len(parts) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	out := strings.Join(common, "/")
	if abs {
		out = "/" + out
	}
	return str(out), nil
}

// winDrive splits a Windows path's drive or share off.
func winDrive(p string) (drive, rest string) {
	n := strings.ReplaceAll(p, "/", `\`)
	if strings.HasPrefix(n, `\\`) && !strings.HasPrefix(n, `\\\`) {
		i := strings.IndexByte(n[2:], '\\')
		if i < 0 {
			return p, ""
		}
		j := strings.IndexByte(n[i+3:], '\\')
		if j == 0 {
			return "", p
		}
		if j < 0 {
			return p, ""
		}
		return p[:i+3+j], p[i+3+j:]
	}
	if len(p) > 1 && p[1] == ':' {
		return p[:2], p[2:]
	}
	return "", p
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/win_basename_filter.html
func winBase(p string) string {
	_, rest := winDrive(p)
	return rest[strings.LastIndexAny(rest, `/\`)+1:]
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/win_dirname_filter.html
func winDir(p string) string {
	drive, rest := winDrive(p)
	head := rest[:strings.LastIndexAny(rest, `/\`)+1]
	if cut := strings.TrimRight(head, `/\`); cut != "" {
		head = cut
	}
	return drive + head
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/win_splitdrive_filter.html
func filterWinSplitdrive(c *call) (value, error) {
	var v value
	if err := c.Unpack("win_splitdrive", "p", &v); err != nil {
		return nil, err
	}
	s, err := pathText(v)
	if err != nil {
		return nil, err
	}
	drive, rest := winDrive(s)
	return templates.Tuple{str(drive), str(rest)}, nil
}
