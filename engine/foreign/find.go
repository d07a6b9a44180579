package foreign

// This file finds modules and plugins by their names.

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A Kind is a kind of plugin: the name of its folder in a collection.
type Kind string

// The kinds that are looked for.
const (
	Modules     Kind = "modules"
	ModuleUtils Kind = "module_utils"
	Action      Kind = "action"
	Filter      Kind = "filter"
	Test        Kind = "test"
	Lookup      Kind = "lookup"

	Inventory    Kind = "inventory"
	Vars         Kind = "vars"
	Callback     Kind = "callback"
	Cache        Kind = "cache"
	DocFragments Kind = "doc_fragments"
	Connection   Kind = "connection"
	Become       Kind = "become"
	Strategy     Kind = "strategy"
)

// beside is the folder of a kind beside a playbook or in a role.
func (k Kind) beside() string {
	switch k {
	case Modules:
		return "library"
	case ModuleUtils, DocFragments:
		return string(k)
	}
	return string(k) + "_plugins"
}

// Options say where to look.
type Options struct {
	// Dirs are folders of playbooks.
	Dirs []string
	// Paths are the settings' folders by kind (library, filter_plugins ...).
	Paths map[Kind][]string
	// Collections is the setting of that name.
	Collections []string
	// NoInstalled leaves out the collections that came with Ansible
	// (collections_scan_sys_path = false).
	NoInstalled bool
	// Install is the setting that names the Ansible to use; see [FindInstall].
	Install string
	// Warn and Deprecate tell the user; nil: nobody.
	Warn, Deprecate func(msg string)
}

// A Finder finds what is not gorun's own. It is safe for concurrent use.
type Finder struct {
	o       Options
	install func() *Install

	mu      sync.Mutex
	roles   []string // folders of roles, in the order they were met
	dirs    map[Kind][]string
	folders map[string]map[string]string
	runtime map[string]*routing
	bundles map[string]*Bundle
	found   map[string]lookupResult
	pythons map[any]string
}

// Python is the interpreter that [Finder.SetPython] noted for a host; "" is none.
func (f *Finder) Python(host any) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pythons[host]
}

// SetPython notes the interpreter that was discovered on a host which keeps no
// facts of its own. host is any value that tells hosts apart.
func (f *Finder) SetPython(host any, python string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pythons[host] = python
}

// New returns a finder.
func New(o Options) *Finder {
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Deprecate == nil {
		o.Deprecate = func(string) {}
	}
	return &Finder{
		o:       o,
		install: sync.OnceValue(func() *Install { return FindInstall(o.Install) }),
		dirs:    map[Kind][]string{}, folders: map[string]map[string]string{}, runtime: map[string]*routing{},
		bundles: map[string]*Bundle{}, found: map[string]lookupResult{}, pythons: map[any]string{},
	}
}

// Install is the Ansible on the controller; nil: there is none.
func (f *Finder) Install() *Install { return f.install() }

// AddRole tells of a role: its plugins are found from then on.
func (f *Finder) AddRole(dir string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.roles, dir) {
		f.roles = append(f.roles, dir)
		clear(f.found)
		clear(f.dirs)
	}
}

// Dirs are the folders of a kind's plugins that have no collection, nearest
// first: beside the playbooks, of the roles, of the settings. They are looked
// for once, and again when another role is met. The caller must not change them.
func (f *Finder) Dirs(k Kind) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, known := f.dirs[k]
	if known {
		return out
	}
	for _, r := range slices.Concat(f.o.Dirs, f.roles) {
		if d := filepath.Join(r, k.beside()); isDir(d) {
			out = append(out, d)
		}
	}
	for _, p := range f.o.Paths[k] {
		if p = expand(p); isDir(p) {
			out = append(out, p)
		}
	}
	out = slices.Clip(out)
	f.dirs[k] = out
	return out
}

// ignored are the endings of files that are no modules.
var ignored = map[string]bool{
	".pyc": true, ".pyo": true, ".swp": true, ".bak": true, ".rpm": true, ".md": true, ".txt": true, ".rst": true,
	".yaml": true, ".yml": true, ".ini": true, ".json": true, ".toml": true,
}

// inFolder lists a folder's plugins by name, with those two levels below.
func (f *Finder) inFolder(dir string, k Kind) map[string]string {
	key := string(k) + "\x00" + dir
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, ok := f.folders[key]; ok {
		return t
	}
	t := map[string]string{}
	add := func(dir string) (subs []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil
		}
		for _, e := range entries {
			name := e.Name()
			path := filepath.Join(dir, name)
			if isDir(path) {
				if name != "__pycache__" && !strings.HasPrefix(name, ".") {
					subs = append(subs, path)
				}
				continue
			}
			ext := filepath.Ext(name)
			if ignored[ext] || strings.HasSuffix(name, "~") || strings.HasPrefix(name, ".") || name == "__init__.py" || k != Modules && ext != ".py" {
				continue
			}
			base := strings.TrimSuffix(name, ext)
			if old, taken := t[base]; !taken || filepath.Ext(old) != ".py" && ext == ".py" && filepath.Dir(old) == dir {
				t[base] = path
			}
		}
		return subs
	}
	for _, sub := range add(dir) {
		for _, deeper := range add(sub) {
			add(deeper)
		}
	}
	f.folders[key] = t
	return t
}

// File finds a plugin without a collection: its path, or "".
func (f *Finder) File(k Kind, name string) string {
	for _, dir := range f.Dirs(k) {
		t := f.inFolder(dir, k)
		if p, ok := t[name]; ok {
			return p
		}
		if p, ok := t["_"+name]; ok { // Ansible's old way of marking it as deprecated
			return p
		}
	}
	return ""
}

// CollectionDirs are the folders that hold ansible_collections, nearest first.
func (f *Finder) CollectionDirs() []string {
	var out []string
	add := func(p string) {
		p = expand(p)
		if filepath.Base(p) != "ansible_collections" {
			p = filepath.Join(p, "ansible_collections")
		}
		if !slices.Contains(out, p) && isDir(p) {
			out = append(out, p)
		}
	}
	for _, d := range f.o.Dirs {
		add(filepath.Join(d, "collections"))
	}
	for _, p := range f.o.Collections {
		add(p)
	}
	for _, p := range f.InstalledCollections() {
		add(p)
	}
	return out
}

// InstalledCollections are the folders whose ansible_collections came with
// Ansible: none where there is no Ansible or the setting leaves them out.
func (f *Finder) InstalledCollections() []string {
	if f.o.NoInstalled {
		return nil
	}
	if in := f.Install(); in != nil {
		return []string{in.Site}
	}
	return nil
}

// collection is the folder of a collection, or "".
func (f *Finder) collection(ns, name string) string {
	for _, d := range f.CollectionDirs() {
		if p := filepath.Join(d, ns, name); isDir(p) {
			return p
		}
	}
	return ""
}

// inCollection finds the file of a plugin in a collection's folder.
func inCollection(dir string, k Kind, name string) string {
	base := filepath.Join(dir, "plugins", string(k), filepath.Join(strings.Split(name, ".")...))
	// Beside a module for Windows lies one in Python that holds its documentation.
	if k == Modules && isFile(base+".ps1") {
		return base + ".ps1"
	}
	if isFile(base + ".py") {
		return base + ".py"
	}
	if k != Modules {
		return ""
	}
	if isFile(base) {
		return base
	}
	found, _ := filepath.Glob(base + ".*") // a name with wildcards finds what it finds
	for _, p := range found {
		if !ignored[filepath.Ext(p)] && !strings.HasSuffix(p, "~") && isFile(p) {
			return p
		}
	}
	return ""
}

// splitName takes namespace.collection.name apart.
func splitName(name string) (ns, col, rest string, ok bool) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 || slices.Contains(parts, "") {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}
