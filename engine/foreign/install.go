// Package foreign finds and prepares what is not gorun's own: modules of
// playbooks, roles, collections and of an Ansible that is installed on the
// controller, by Ansible's rules
// (https://docs.ansible.com/ansible/latest/dev_guide/developing_locally.html,
// https://docs.ansible.com/ansible/latest/dev_guide/developing_program_flow_modules.html).
// Nothing here runs Python.
package foreign

// This file finds an Ansible that is installed.

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An Install is an ansible-core on the controller.
type Install struct {
	// Site is the folder that holds the packages ansible and, perhaps, ansible_collections.
	Site string
	// Python is the interpreter that Site belongs to.
	Python string
	// Version is ansible-core's ("2.14.18"), Author what its release says of the author.
	Version, Author string
}

// AtLeast compares the version's first two numbers.
func (in *Install) AtLeast(major, minor int) bool {
	parts := strings.SplitN(in.Version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err1 := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (a > major || a == major && b >= minor)
}

// Core is the folder of the package ansible.
func (in *Install) Core() string { return filepath.Join(in.Site, "ansible") }

// siteGlobs are where packages lie below a prefix such as /usr or a venv.
var siteGlobs = []string{
	"lib/python3/dist-packages", "lib/python3*/dist-packages", "lib/python3*/site-packages", "lib64/python3*/site-packages",
}

// FindInstall finds the Ansible to use. where is the setting: a folder of
// packages, a venv or prefix, or a Python interpreter; "" looks at
// ansible-playbook in PATH and at the usual places. nil: there is none.
func FindInstall(where string) *Install {
	if where != "" {
		where = expand(where)
		if in := load(where, ""); in != nil {
			return in
		}
		if in := inPrefix(where, ""); in != nil {
			return in
		}
		return ofPython(where)
	}
	if in := ofCommand(); in != nil {
		return in
	}
	for _, prefix := range prefixes() {
		if in := inPrefix(prefix, ""); in != nil {
			return in
		}
	}
	return nil
}

// prefixes are where an Ansible may be installed.
func prefixes() []string {
	var list []string
	if venv := os.Getenv("VIRTUAL_ENV"); venv != "" {
		list = append(list, venv)
	}
	home, err := os.UserHomeDir()
	if err == nil {
		list = append(list, filepath.Join(home, ".local"))
		for _, pattern := range []string{".local/pipx/venvs/ansible*", ".local/share/pipx/venvs/ansible*", ".local/share/uv/tools/ansible*"} {
			found, _ := filepath.Glob(filepath.Join(home, pattern)) // the pattern is well-formed
			list = append(list, found...)
		}
	}
	return append(list, "/usr/local", "/usr", "/opt/homebrew", "/opt/ansible")
}

// ofCommand is the Ansible whose ansible-playbook is in PATH. Where that is
// gorun under this name, it is not a script of Python.
func ofCommand() *Install {
	path, err := exec.LookPath("ansible-playbook")
	if err != nil {
		return nil
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := f.Read(head) // an empty file has no first line either
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	python, ok := strings.CutPrefix(line, "#!")
	if !ok || !strings.Contains(python, "python") {
		return nil
	}
	words := strings.Fields(python)
	if len(words) == 2 && filepath.Base(words[0]) == "env" {
		if words[0], err = exec.LookPath(words[1]); err != nil {
			return nil
		}
	}
	return ofPython(words[0])
}

// ofPython is the Ansible of an interpreter.
func ofPython(python string) *Install {
	if fi, err := os.Stat(python); err != nil || fi.IsDir() {
		return nil
	}
	prefix := filepath.Dir(filepath.Dir(python))
	if in := inPrefix(prefix, python); in != nil {
		return in
	}
	// A system's Python sees what is installed beside it and for the user too.
	if prefix == "/usr" || prefix == "/" {
		places := []string{"/usr/local", "/usr"}
		if home, err := os.UserHomeDir(); err == nil {
			places = slices.Insert(places, 0, filepath.Join(home, ".local"))
		}
		for _, p := range places {
			if in := inPrefix(p, python); in != nil {
				return in
			}
		}
	}
	return nil
}

// inPrefix looks below a prefix.
func inPrefix(prefix, python string) *Install {
	for _, g := range siteGlobs {
		found, _ := filepath.Glob(filepath.Join(prefix, g)) // the pattern is well-formed
		slices.Reverse(found)                               // the newest Python first
		for _, site := range found {
			if in := load(site, python); in != nil {
				return in
			}
		}
	}
	return nil
}

var releaseField = regexp.MustCompile(`(?m)^__(version|author)__\s*=\s*['"]([^'"]*)['"]`)

// load reads the release of the Ansible in a folder of packages; nil: none is there.
func load(site, python string) *Install {
	data, err := os.ReadFile(filepath.Join(site, "ansible", "release.py"))
	if err != nil {
		return nil
	}
	in := &Install{Site: site, Python: python}
	for _, m := range releaseField.FindAllStringSubmatch(string(data), -1) {
		if m[1] == "version" {
			in.Version = m[2]
		} else {
			in.Author = m[2]
		}
	}
	if in.Version == "" {
		return nil
	}
	if in.Python == "" {
		in.Python = pythonOf(site)
	}
	return in
}

// pythonOf is the interpreter that goes with a folder of packages.
func pythonOf(site string) string {
	lib := filepath.Dir(site) // PREFIX/lib/python3.11
	prefix := filepath.Dir(filepath.Dir(lib))
	for _, name := range []string{filepath.Base(lib), "python3", "python"} {
		for _, dir := range []string{prefix, "/usr", "/usr/local"} {
			if p := filepath.Join(dir, "bin", name); isFile(p) {
				return p
			}
		}
	}
	return "python3"
}

// expand resolves a leading ~ .
func expand(p string) string {
	if rest, ok := strings.CutPrefix(p, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			return home + rest
		}
	}
	return p
}

func isFile(p string) bool {
	fi, err := os.Stat(p)
	return err == nil && !fi.IsDir()
}

func isDir(p string) bool {
	fi, err := os.Stat(p)
	return err == nil && fi.IsDir()
}
