package foreign

// This file resolves full names by collections' routing.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// A routing is what a collection's meta/runtime.yml says
// (https://docs.ansible.com/ansible/latest/dev_guide/developing_collections_structure.html#meta-directory-and-runtime-yml).
type routing struct {
	PluginRouting map[string]map[string]route `yaml:"plugin_routing"`
	ActionGroups  map[string][]member         `yaml:"action_groups"`
}

type route struct {
	Redirect     string `yaml:"redirect"`
	ActionPlugin string `yaml:"action_plugin"`
	Tombstone    *fate  `yaml:"tombstone"`
	Deprecation  *fate  `yaml:"deprecation"`
}

// A fate says when and why something goes or went.
type fate struct {
	Version string `yaml:"removal_version"`
	Date    string `yaml:"removal_date"`
	Text    string `yaml:"warning_text"`
}

// routes reads the routing of a collection.
func (f *Finder) routes(ns, col string) *routing {
	key := ns + "." + col
	f.mu.Lock()
	r, ok := f.runtime[key]
	f.mu.Unlock()
	if ok {
		return r
	}
	r = &routing{}
	file := ""
	if key == "ansible.builtin" || key == "ansible.legacy" {
		if in := f.Install(); in != nil {
			file = filepath.Join(in.Core(), "config", "ansible_builtin_runtime.yml")
		}
	} else if dir := f.collection(ns, col); dir != "" {
		file = filepath.Join(dir, "meta", "runtime.yml")
	}
	if data, err := os.ReadFile(file); err == nil {
		if err := yaml.Unmarshal(data, r); err != nil {
			f.o.Warn(fmt.Sprintf("%s cannot be understood: %s", file, err))
		}
	}
	f.mu.Lock()
	f.runtime[key] = r
	f.mu.Unlock()
	return r
}

// A Found is a module or plugin.
type Found struct {
	// Name is the full name that it has after all redirects; ansible.legacy.NAME without a collection.
	Name string
	Path string
	// Collection is namespace.name, "" without one.
	Collection string
	// ActionPlugin is the action that runtime.yml pairs with a module; "" is the one of its own name.
	ActionPlugin string
}

// A RemovedError says that what was asked for is gone.
type RemovedError struct{ Msg string }

func (e *RemovedError) Error() string { return e.Msg }

type lookupResult struct {
	found *Found
	err   error
}

// maxRedirects bounds chains of redirects.
const maxRedirects = 10

// Find finds a plugin by its name. Short names are searched beside the
// playbook, in roles and in the settings' folders, then in collections, then
// in the installed Ansible. nil without an error: there is none. The error is
// a *RemovedError.
func (f *Finder) Find(k Kind, name string, collections []string) (*Found, error) {
	key := string(k) + "\x00" + name + "\x00" + strings.Join(collections, "\x00")
	f.mu.Lock()
	r, ok := f.found[key]
	f.mu.Unlock()
	if ok {
		return r.found, r.err
	}
	r.found, r.err = f.search(k, name, collections)
	f.mu.Lock()
	f.found[key] = r
	f.mu.Unlock()
	return r.found, r.err
}

func (f *Finder) search(k Kind, name string, collections []string) (*Found, error) {
	if short, ok := strings.CutPrefix(name, "ansible.legacy."); ok {
		name = short
	}
	if strings.Contains(name, ".") {
		return f.full(k, name, 0)
	}
	for _, c := range collections {
		if c == "ansible.builtin" || c == "ansible.legacy" {
			continue
		}
		if found, err := f.full(k, c+"."+name, 0); found != nil || err != nil {
			return found, err
		}
	}
	if p := f.File(k, name); p != "" {
		return &Found{Name: "ansible.legacy." + name, Path: p}, nil
	}
	return f.full(k, "ansible.builtin."+name, 0)
}

// Local is Find without collections and without the installed Ansible: what a
// playbook brings along wins over what gorun has.
func (f *Finder) Local(k Kind, name string, collections []string) (*Found, error) {
	if strings.Contains(strings.TrimPrefix(name, "ansible.legacy."), ".") {
		return nil, nil
	}
	name = strings.TrimPrefix(name, "ansible.legacy.")
	for _, c := range collections {
		if c == "ansible.builtin" || c == "ansible.legacy" {
			break // those behind it come too late
		}
		if found, err := f.full(k, c+"."+name, 0); found != nil || err != nil {
			return found, err
		}
	}
	if p := f.File(k, name); p != "" {
		return &Found{Name: "ansible.legacy." + name, Path: p}, nil
	}
	return nil, nil
}

// routingKeys are the names of the kinds in runtime.yml.
var routingKeys = map[Kind]string{
	Modules: "modules", ModuleUtils: "module_utils", Action: "action", Filter: "filter", Test: "test", Lookup: "lookup",
	Inventory: "inventory", Vars: "vars", Callback: "callback", Cache: "cache", DocFragments: "doc_fragments",
	Connection: "connection", Become: "become", Strategy: "strategy",
}

// full finds namespace.collection.name.
func (f *Finder) full(k Kind, name string, depth int) (*Found, error) {
	ns, col, rest, ok := splitName(name)
	if !ok || depth > maxRedirects {
		return nil, nil
	}
	builtin := ns == "ansible" && (col == "builtin" || col == "legacy")
	if builtin {
		if p := f.core(k, rest); p != "" {
			return &Found{Name: "ansible.builtin." + rest, Path: p, Collection: "ansible.builtin"}, nil
		}
	}
	r := f.routes(ns, col).PluginRouting[routingKeys[k]][rest]
	if r.Tombstone != nil {
		return nil, &RemovedError{removal(k, name, r.Tombstone, true)}
	}
	if r.Deprecation != nil {
		f.o.Deprecate(removal(k, name, r.Deprecation, false))
	}
	if r.Redirect != "" {
		to := r.Redirect
		if !strings.Contains(to, ".") {
			to = ns + "." + col + "." + to
		}
		return f.full(k, to, depth+1)
	}
	if builtin {
		return nil, nil
	}
	dir := f.collection(ns, col)
	if dir == "" {
		return nil, nil
	}
	p := inCollection(dir, k, rest)
	if p == "" {
		return nil, nil
	}
	return &Found{Name: name, Path: p, Collection: ns + "." + col, ActionPlugin: r.ActionPlugin}, nil
}

// core finds a plugin of ansible-core itself.
func (f *Finder) core(k Kind, name string) string {
	in := f.Install()
	if in == nil || strings.Contains(name, ".") || name == "__init__" {
		return ""
	}
	dir := filepath.Join(in.Core(), "plugins", string(k))
	if k == Modules || k == ModuleUtils {
		dir = filepath.Join(in.Core(), string(k))
	}
	for _, n := range []string{name, "_" + name} {
		if p := filepath.Join(dir, n+".py"); isFile(p) {
			return p
		}
	}
	return ""
}

// removal words a tombstone or a deprecation as Ansible does.
func removal(k Kind, name string, at *fate, gone bool) string {
	ns, col, rest, _ := splitName(name)
	what := ns + "." + col + "." + rest
	kind := strings.TrimSuffix(string(k), "s")
	var b strings.Builder
	if gone {
		fmt.Fprintf(&b, "The %s %s has been removed.", what, kind)
	} else {
		fmt.Fprintf(&b, "%s has been deprecated.", what)
	}
	if at.Text != "" {
		b.WriteString(" " + strings.TrimSpace(at.Text))
	}
	verb := "will be removed"
	if gone {
		verb = "was removed"
	}
	switch {
	case at.Date != "":
		fmt.Fprintf(&b, " This feature %s from %s.%s in a release after %s.", verb, ns, col, at.Date)
	case at.Version != "":
		fmt.Fprintf(&b, " This feature %s from %s.%s in version %s.", verb, ns, col, at.Version)
	}
	return b.String()
}
