package foreign

// This file makes of a module what is sent to a target.

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Style is how a module takes its arguments
// (https://docs.ansible.com/ansible/latest/dev_guide/developing_program_flow_modules.html#types-of-modules).
type Style int

// The styles.
const (
	// OldStyle modules read key=value words from a file.
	OldStyle Style = iota
	// WantJSON modules read JSON from a file.
	WantJSON
	// Binary modules are programs that read JSON from a file.
	Binary
	// Python modules import ansible.module_utils and come with it.
	Python
	// JSONArgs modules hold a marker in whose place the arguments are put.
	JSONArgs
	// PowerShell modules run on Windows alone.
	PowerShell
)

// The markers of module files, as Ansible's documentation names them.
const (
	markCommon   = "#<<INCLUDE_ANSIBLE_MODULE_COMMON>>"
	markJSONArgs = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
	markVersion  = `"<<ANSIBLE_VERSION>>"`
	markComplex  = `"<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>"`
	markSELinux  = "<<SELINUX_SPECIAL_FILESYSTEMS>>"
)

var (
	newStylePython = regexp.MustCompile(`from +(?:\.{2,} *module_utils|ansible\.module_utils|ansible_collections\.[^.]+\.[^.]+\.plugins\.module_utils).* +import |` +
		`import +(?:ansible\.module_utils\.|ansible_collections\.[^.]+\.[^.]+\.plugins\.module_utils)`)
	powerShell = regexp.MustCompile(`(?i)# POWERSHELL_COMMON|#Requires -Module|#Requires -Version|#AnsibleRequires -(?:OSVersion|PowerShell|CSharpUtil|Wrapper)`)
)

// styleOf tells a module's style by its content.
func styleOf(data []byte) Style {
	switch {
	case isBinary(data):
		return Binary
	case bytes.Contains(data, []byte(markCommon)), newStylePython.Match(data):
		return Python
	case powerShell.Match(data):
		return PowerShell
	case bytes.Contains(data, []byte(markJSONArgs)):
		return JSONArgs
	case bytes.Contains(data, []byte("WANT_JSON")):
		return WantJSON
	}
	return OldStyle
}

// isBinary reports whether the beginning holds bytes that no text has.
func isBinary(data []byte) bool {
	for _, b := range data[:min(len(data), 1024)] {
		if b < 0x20 && !bytes.ContainsRune([]byte("\a\b\t\n\f\r\x1b"), rune(b)) || b == 0x7f {
			return true
		}
	}
	return false
}

// A Bundle is a module ready to be sent.
type Bundle struct {
	Style Style
	// Data is an archive where Zip is set, else the module's file named File.
	Data   []byte
	SHA256 string
	Zip    bool
	File   string
	// Interpreter and InterpreterArgs are the words of the first line.
	Interpreter     string
	InterpreterArgs []string
}

// Bundle makes a module ready; it is done once a run.
func (f *Finder) Bundle(m *Found) (*Bundle, error) {
	f.mu.Lock()
	b := f.bundles[m.Path]
	f.mu.Unlock()
	if b != nil {
		return b, nil
	}
	data, err := os.ReadFile(m.Path)
	if err != nil {
		return nil, err
	}
	b = &Bundle{Style: styleOf(data), File: filepath.Base(m.Path), Data: data}
	if b.Style != Binary {
		b.Interpreter, b.InterpreterArgs = shebang(data)
	}
	if b.Style == Python {
		if b.Data, err = f.archive(m, data); err != nil {
			return nil, err
		}
		b.Zip = true
		if b.Interpreter == "" {
			b.Interpreter = "/usr/bin/python"
		}
	}
	sum := sha256.Sum256(b.Data)
	b.SHA256 = hex.EncodeToString(sum[:])
	f.mu.Lock()
	f.bundles[m.Path] = b
	f.mu.Unlock()
	return b, nil
}

// shebang is the interpreter of a file's first line and its words.
func shebang(data []byte) (string, []string) {
	line, _, _ := strings.Cut(string(data[:min(len(data), 4096)]), "\n")
	rest, ok := strings.CutPrefix(line, "#!")
	words := strings.Fields(rest)
	if !ok || len(words) == 0 {
		return "", nil
	}
	return words[0], words[1:]
}

// NoInstallError says that a module needs an Ansible on the controller.
type NoInstallError struct{ Module string }

func (e *NoInstallError) Error() string {
	return "the module " + e.Module + " is written for Ansible's Python library, and no Ansible is installed on this machine: " +
		"install ansible-core (apt install ansible-core, or pipx install ansible-core), or name one with GORUN_ANSIBLE (ansible in [gorun] of ansible.cfg)"
}

// A collector gathers the files of a module's archive.
type collector struct {
	f     *Finder
	in    *Install
	utils []string // folders of module_utils, ansible-core's last
	files map[string][]byte
	done  map[string]bool // names of modules that are in or are generated
	queue []needed
}

// A needed is a module that may have to go into the archive.
type needed struct {
	name []string
	// ambiguous: the last part may be a name inside the module before it.
	ambiguous bool
	// shim: the name lies below a redirected one, and need not exist.
	shim     bool
	optional bool
}

//go:embed wrapper.py
var wrapper []byte

// archive makes the zip of a module in Python.
func (f *Finder) archive(m *Found, data []byte) ([]byte, error) {
	in := f.Install()
	if in == nil {
		return nil, &NoInstallError{m.Name}
	}
	c := &collector{f: f, in: in, files: map[string][]byte{}, done: map[string]bool{"ansible": true, "ansible.module_utils": true}}
	c.utils = append(f.Dirs(ModuleUtils), filepath.Join(in.Core(), "module_utils"))
	extend := "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
	c.files["ansible/__init__.py"] = fmt.Appendf(nil, "%s__version__ = %q\n__author__ = %q\n", extend, in.Version, in.Author)
	c.files["ansible/module_utils/__init__.py"] = []byte(extend)

	src := strings.ReplaceAll(string(data), markCommon, "from ansible.module_utils.basic import *")
	fqn := c.moduleName(m)
	c.scan(src, fqn, false)
	for _, name := range c.always() {
		c.queue = append(c.queue, needed{name: strings.Split(name, ".")})
	}
	for len(c.queue) > 0 {
		slices.SortStableFunc(c.queue, func(a, b needed) int { return slices.Compare(a.name, b.name) })
		n := c.queue[0]
		c.queue = c.queue[1:]
		if err := c.add(n, fqn); err != nil {
			return nil, err
		}
	}
	c.addModule(fqn, src)
	c.files["__main__.py"] = wrapper
	c.files["gorun_module.py"] = fmt.Appendf(nil, "NAME = %q\n", fqn)
	return zipped(c.files)
}

// moduleName is the dotted name by which the module runs.
func (c *collector) moduleName(m *Found) string {
	path := strings.TrimSuffix(filepath.ToSlash(m.Path), filepath.Ext(m.Path))
	if strings.HasPrefix(path, filepath.ToSlash(c.in.Core())+"/modules/") {
		return "ansible.modules." + strings.ReplaceAll(strings.TrimPrefix(path, filepath.ToSlash(c.in.Core())+"/modules/"), "/", ".")
	}
	if i := strings.LastIndex(path, "/ansible_collections/"); i >= 0 && !strings.Contains(path[i+1:], ".") {
		return strings.ReplaceAll(path[i+1:], "/", ".")
	}
	name := filepath.Base(path)
	if c.in.AtLeast(2, 19) {
		return "ansible.legacy." + name
	}
	return "ansible.modules." + name
}

// always are the names that every module needs.
func (c *collector) always() []string {
	names := []string{"ansible.module_utils.basic"}
	for _, n := range []string{
		"ansible.module_utils._internal._ansiballz._loader", "ansible.module_utils._internal._ansiballz",
		"ansible.module_utils._internal._json._profiles._module_legacy_c2m", "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
	} {
		p := filepath.Join(c.in.Site, filepath.Join(strings.Split(n, ".")...))
		if isFile(p+".py") || isFile(filepath.Join(p, "__init__.py")) {
			names = append(names, n)
		}
	}
	return names
}

// scan queues what a file imports.
func (c *collector) scan(src, fqn string, isPackage bool) {
	for _, im := range imports(src) {
		name := im.Module
		if im.Level > 0 {
			parts := strings.Split(fqn, ".")
			cut := im.Level
			if isPackage {
				cut--
			}
			if cut > len(parts) {
				continue
			}
			parts = parts[:len(parts)-cut]
			if im.Module != "" {
				parts = append(parts, im.Module)
			}
			name = strings.Join(parts, ".")
		}
		full := name
		if im.Name != "" {
			full += "." + im.Name
		}
		if !wanted(name, full, im.Name != "") {
			continue
		}
		c.queue = append(c.queue, needed{name: strings.Split(full, "."), ambiguous: true, optional: im.Nested})
	}
}

// wanted reports whether an imported name is one of module_utils.
func wanted(module, full string, from bool) bool {
	if rest, ok := strings.CutPrefix(full, "ansible.module_utils"); ok {
		return strings.HasPrefix(rest, ".")
	}
	if !strings.HasPrefix(full, "ansible_collections.") {
		return false
	}
	parts := strings.Split(full, ".")
	if len(parts) >= 5 && parts[3] == "plugins" && parts[4] == "module_utils" {
		return true
	}
	// "import ansible_collections.a.b" names the package alone.
	return !from && strings.Count(module, ".") >= 1
}

// add puts one needed module into the archive.
func (c *collector) add(n needed, root string) error {
	if c.done[strings.Join(n.name, ".")] {
		return nil
	}
	isCore := n.name[0] == "ansible"
	below := 2 // parts before what lies in module_utils
	if !isCore {
		below = 5
	}
	candidates := [][]string{n.name}
	if isCore && len(n.name) > 2 && n.name[2] == "six" {
		candidates = [][]string{n.name[:3]}
	} else if n.ambiguous && len(n.name)-below > 1 {
		candidates = append(candidates, n.name[:len(n.name)-1])
	}
	for _, name := range candidates {
		part, ok, err := c.locate(name, isCore)
		if err != nil {
			if n.optional {
				return nil
			}
			return err
		}
		if ok {
			c.take(name, part, n)
			return nil
		}
	}
	switch {
	case n.shim:
		c.take(n.name, part{isPackage: true}, n)
	case !n.optional:
		joined := make([]string, len(candidates))
		for i, p := range candidates {
			joined[i] = "'" + strings.Join(p, ".") + "'"
		}
		return fmt.Errorf("Could not find imported module support code for %s.  Looked for ([%s])", root, strings.Join(joined, ", "))
	}
	return nil
}

// A part is a file of the archive.
type part struct {
	src       []byte
	isPackage bool
	// redirected parts stand for another module.
	redirected bool
}

// locate finds the file of a dotted name.
func (c *collector) locate(name []string, isCore bool) (part, bool, error) {
	if isCore {
		// Files win over redirects.
		if len(name) < 3 {
			return part{}, false, nil
		}
		for _, dir := range c.utils {
			if p, ok := readModule(filepath.Join(append([]string{dir}, name[2:]...)...)); ok {
				return p, true, nil
			}
		}
		return c.redirect("ansible", "builtin", name[2:], name)
	}
	if len(name) < 6 {
		return part{isPackage: true}, true, nil // only what is below module_utils is sent
	}
	if p, ok, err := c.redirect(name[1], name[2], name[5:], name); ok || err != nil {
		return p, ok, err
	}
	dir := c.f.collection(name[1], name[2])
	if dir == "" {
		return part{}, false, nil
	}
	base := filepath.Join(append([]string{dir}, name[3:]...)...)
	if isDir(base) && !isFile(filepath.Join(base, "__init__.py")) {
		return part{isPackage: true}, true, nil // a collection's folder is a package without that file too
	}
	p, ok := readModule(base)
	return p, ok, nil
}

// readModule reads a package or a module of Python.
func readModule(base string) (part, bool) {
	if data, err := os.ReadFile(filepath.Join(base, "__init__.py")); err == nil {
		return part{src: data, isPackage: true}, true
	}
	data, err := os.ReadFile(base + ".py")
	return part{src: data}, err == nil
}

// redirect makes the stand-in of a module that a collection's routing moved.
func (c *collector) redirect(ns, col string, rest, name []string) (part, bool, error) {
	if len(rest) == 0 {
		return part{}, false, nil
	}
	r := c.f.routes(ns, col).PluginRouting["module_utils"][strings.Join(rest, ".")]
	full := strings.Join(name, ".")
	if r.Tombstone != nil {
		return part{}, false, &RemovedError{"module_util " + full + " has been removed. " + r.Tombstone.Text}
	}
	if r.Deprecation != nil {
		c.f.o.Deprecate("module_util " + full + " has been deprecated. " + r.Deprecation.Text)
	}
	if r.Redirect == "" {
		return part{}, false, nil
	}
	to := r.Redirect
	if !strings.HasPrefix(to, "ansible_collections") {
		parts := strings.SplitN(to, ".", 3)
		if len(parts) < 3 {
			return part{}, false, fmt.Errorf("invalid redirect for %s: %s", full, to)
		}
		to = "ansible_collections." + parts[0] + "." + parts[1] + ".plugins.module_utils." + parts[2]
	}
	src := fmt.Sprintf("import sys\nimport %s as target\nsys.modules[%q] = target\n", to, full)
	return part{src: []byte(src), isPackage: true, redirected: true}, true, nil
}

// take puts a part into the archive and queues what it imports and the
// packages that it is in.
func (c *collector) take(name []string, p part, n needed) {
	full := strings.Join(name, ".")
	if c.done[full] {
		return
	}
	c.done[full] = true
	file := path.Join(name...) + ".py"
	if p.isPackage {
		file = path.Join(path.Join(name...), "__init__.py")
	}
	c.files[file] = p.src
	c.scan(string(p.src), full, p.isPackage)
	for i := 1; i < len(name); i++ {
		if !c.done[strings.Join(name[:i], ".")] {
			c.queue = append(c.queue, needed{name: name[:i], shim: p.redirected, optional: n.optional})
		}
	}
}

// addModule puts the module itself into the archive, and its packages, which
// are empty.
func (c *collector) addModule(fqn, src string) {
	parts := strings.Split(fqn, ".")
	c.files[path.Join(parts...)+".py"] = []byte(src)
	for i := 1; i < len(parts); i++ {
		file := path.Join(path.Join(parts[:i]...), "__init__.py")
		if _, ok := c.files[file]; !ok {
			c.files[file] = nil
		}
	}
}

// zipped packs files so that equal files give equal bytes.
func zipped(files map[string][]byte) ([]byte, error) {
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, n := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(files[n]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Replacements are the texts of a [JSONArgs] module and what they become:
// args is the arguments' JSON, complexArgs Python's repr of its bytes.
func Replacements(version, args, selinux, complexArgs string) (old, with []string) {
	return []string{markVersion, markComplex, markSELinux, markJSONArgs}, []string{"'" + version + "'", complexArgs, selinux, args}
}
