package vars_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
	"gorun/vars/pyyaml"
)

// writeTree writes files under dir.
func writeTree(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func loadYAML(path string) (*templates.Dict, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v, err := pyyaml.Parse(data, path, pyyaml.Options{Trusted: true})
	if err != nil {
		return nil, err
	}
	d, _ := v.(*templates.Dict)
	return d, nil
}

// newManager loads the inventory dir/hosts with group_vars and host_vars of
// dir and dir/play.
func newManager(t testing.TB, dir string, change func(o *vars.Options)) *vars.Manager {
	t.Helper()
	inv, err := inventory.Load([]string{filepath.Join(dir, "hosts")}, inventory.Options{
		EnabledPlugins: []string{"ini"}, Warn: func(msg string) { t.Log(msg) },
	})
	if err != nil {
		t.Fatal(err)
	}
	o := vars.Options{
		Inventory: inv, LoadVars: loadYAML, InventoryDirs: inv.VarsDirs(),
		PlaybookDirs: []string{filepath.Join(dir, "play")}, InjectFacts: true, Era: templates.Current,
	}
	if change != nil {
		change(&o)
	}
	return vars.New(o)
}

func dict(pairs ...any) *templates.Dict {
	d := &templates.Dict{}
	for i := 0; i < len(pairs); i += 2 {
		v, ok := pairs[i+1].(templates.Value)
		if !ok {
			v = templates.FromGo(pairs[i+1])
		}
		d.SetStr(pairs[i].(string), v)
	}
	return d
}

// TestPrecedence gives x at every level and takes the levels away from the top.
func TestPrecedence(t *testing.T) {
	levels := []struct {
		kind vars.Kind
		file string // for the levels that files give
		text string
	}{
		{kind: vars.CommandLine}, {kind: vars.RoleDefaults},
		{vars.InventoryGroupVars, "hosts", "h\n[g]\nh\n[g:vars]\nx=InventoryGroupVars"},
		{vars.InventoryGroupAll, "group_vars/all.yml", "x: InventoryGroupAll"},
		{vars.PlaybookGroupAll, "play/group_vars/all/main.yml", "x: PlaybookGroupAll"},
		{vars.InventoryGroup, "group_vars/g", "x: InventoryGroup"},
		{vars.PlaybookGroup, "play/group_vars/g.json", `{"x": "PlaybookGroup"}`},
		{vars.InventoryHostVars, "hosts", "h x=InventoryHostVars\n[g]\nh\n[g:vars]\nx=InventoryGroupVars"},
		{vars.InventoryHost, "host_vars/h.yaml", "x: InventoryHost"},
		{vars.PlaybookHost, "play/host_vars/h/any.yml", "x: PlaybookHost"},
		{kind: vars.Facts}, {kind: vars.PlayVars}, {kind: vars.PlayPrompts}, {kind: vars.PlayVarsFiles}, {kind: vars.RoleVars},
		{kind: vars.BlockVars}, {kind: vars.TaskVars}, {kind: vars.IncludeVars}, {kind: vars.SetFacts}, {kind: vars.RoleParams},
		{kind: vars.IncludeParams}, {kind: vars.ExtraVars}, {kind: vars.Magic}, {kind: vars.Locals},
	}
	for top := range levels {
		t.Run(levels[top].kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			writeTree(t, dir, map[string]string{"hosts": "h\n[g]\nh"})
			var layers []vars.Layer
			var extra *templates.Dict
			var magic templates.Value
			var facts, included, set *templates.Dict
			for i := range top + 1 {
				l := levels[i]
				value := templates.Str(fmt.Sprint(l.kind))
				switch {
				case l.file != "":
					writeTree(t, dir, map[string]string{l.file: l.text})
				case l.kind == vars.Facts:
					facts = dict("x", value)
				case l.kind == vars.IncludeVars:
					included = dict("x", value)
				case l.kind == vars.SetFacts:
					set = dict("x", value)
				case l.kind == vars.ExtraVars:
					extra = dict("x", value)
				case l.kind == vars.Magic:
					magic = value
				default: // the highest first, so that sorting is tested
					layers = append([]vars.Layer{{Kind: l.kind, Source: "test", Dict: dict("x", value)}}, layers...)
				}
			}
			m := newManager(t, dir, func(o *vars.Options) { o.Extra = extra })
			if facts != nil {
				m.SetFacts("h", facts)
			}
			if included != nil {
				m.SetIncluded("h", included, "inc.yml")
			}
			if set != nil {
				m.SetNonpersistent("h", set)
			}
			s := m.Scope(vars.Query{Host: "h", Layers: layers, Magic: func(name string) (templates.Value, bool) {
				return magic, magic != nil && name == "x"
			}})
			v, ok, err := s.Lookup("x")
			if err != nil || !ok {
				t.Fatalf("x is not found: %v", err)
			}
			want := fmt.Sprint(levels[top].kind)
			if levels[top].file != "" {
				want = levels[top].text[strings.LastIndexAny(levels[top].text[:strings.Index(levels[top].text+"\n[", "\n[")], "=: ")+1:]
				want = strings.Trim(strings.SplitN(want, "\n", 2)[0], `"}`)
			}
			if levels[top].kind == vars.InventoryGroupVars {
				want = "InventoryGroupVars"
			}
			if got := templates.StrOf(v, templates.Current); got != want {
				t.Errorf("x = %s, want %s", got, want)
			}
			origin, ok := s.Origin("x")
			if !ok || origin.Kind != levels[top].kind {
				t.Errorf("origin is %v, want %v", origin.Kind, levels[top].kind)
			}
		})
	}
}

const lookupHosts = `h1.example.org own=1 lazy="{{ own }}-{{ inventory_hostname }}" bad="{{ nothing }}" loop="{{ hostvars.h2.loop }}"
h2 own=2 lazy="{{ own }}-{{ inventory_hostname }}" bad="{{ nothing }}" loop="{{ hostvars.h1x.loop }}"
h1x loop="{{ vars.loop }}"
[web]
h1.example.org
[web:vars]
shared=web
[site:children]
web
`

func TestMagic(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"hosts": lookupHosts})
	m := newManager(t, dir, nil)
	m.SetFacts("h1.example.org", dict("ansible_kernel", "6", "packages", "p", "ansible_host", "evil", "ansible_python_interpreter", "evil", "ansible_local", "l"))
	s := m.Scope(vars.Query{Host: "h1.example.org", Layers: []vars.Layer{{Kind: vars.PlayVars, Dict: dict("group_names", "overridden", "playvar", "p")}}})
	for name, want := range map[string]string{
		"inventory_hostname": "h1.example.org", "inventory_hostname_short": "h1",
		"inventory_file": filepath.Join(dir, "hosts"), "inventory_dir": dir,
		"group_names": "overridden", "ansible_kernel": "6", "packages": "p", "ansible_local": "l", "shared": "web",
		"ansible_facts": "{'kernel': '6', 'packages': 'p', 'host': 'evil', 'python_interpreter': 'evil', 'ansible_local': 'l'}",
	} {
		v, ok, err := s.Lookup(name)
		if err != nil || !ok {
			t.Errorf("%s: found %v, %v", name, ok, err)
			continue
		}
		if got := templates.StrOf(v, templates.Current); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"ansible_host", "ansible_python_interpreter", "kernel", "own2"} {
		if v, ok, _ := s.Lookup(name); ok {
			t.Errorf("%s = %v: it must not be there", name, v)
		}
	}
	m.ClearFacts("h1.example.org")
	if _, ok, _ := s.Lookup("ansible_kernel"); ok || m.Facts("h1.example.org").Len() != 0 {
		t.Error("facts are there after ClearFacts")
	}
	plain := m.Scope(vars.Query{Host: "h1.example.org"})
	v, _, _ := plain.Lookup("group_names")
	if got := templates.Repr(v, templates.Current); got != "['site', 'web']" {
		t.Errorf("group_names = %s", got)
	}
}

// get walks from a scope's variable through mappings.
func get(s *vars.Scope, path ...string) (templates.Value, bool, error) {
	v, ok, err := s.Lookup(path[0])
	for _, p := range path[1:] {
		if err != nil || !ok {
			return nil, false, err
		}
		m, isMap := v.(templates.Mapping)
		if !isMap {
			return nil, false, fmt.Errorf("%s is asked of a %s", p, v.Type())
		}
		v, ok, err = m.Get(templates.Str(p))
	}
	return v, ok, err
}

func TestHostvars(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"hosts": lookupHosts})
	m := newManager(t, dir, func(o *vars.Options) { o.Extra = dict("e", "extra") })
	m.SetNonpersistent("h2", dict("registered", "r"))
	magic := func(name string) (templates.Value, bool) {
		return templates.Str("magic"), name == "playbook_dir" || name == "play_hosts"
	}
	s := m.Scope(vars.Query{Host: "h1.example.org", Magic: magic, Layers: []vars.Layer{{Kind: vars.PlayVars, Dict: dict("playvar", "p")}}})
	for path, want := range map[string]string{
		"hostvars h2 own": "2", "hostvars h2 lazy": "2-h2", "hostvars h1.example.org lazy": "1-h1.example.org", "vars lazy": "1-h1.example.org",
		"hostvars h2 registered": "r", "hostvars h2 e": "extra", "hostvars h2 playbook_dir": "magic", "vars playvar": "p",
		"hostvars localhost ansible_connection": "local", "hostvars 127.0.0.1 inventory_hostname": "127.0.0.1",
		"groups web": "['h1.example.org']", "groups ungrouped": "['h2', 'h1x']", "groups site": "['h1.example.org']",
		"hostvars h2 groups web": "['h1.example.org']", "hostvars h2 group_names": "['ungrouped']", "hostvars localhost group_names": "[]",
	} {
		v, ok, err := get(s, strings.Fields(path)...)
		if err != nil || !ok {
			t.Errorf("%s: found %v, %v", path, ok, err)
			continue
		}
		if got := templates.StrOf(v, templates.Current); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{"hostvars nope", "hostvars h2 playvar", "hostvars h2 play_hosts", "hostvars h2 hostvars", "hostvars localhost inventory_file", "groups nope"} {
		if v, ok, err := get(s, strings.Fields(path)...); ok || err != nil {
			t.Errorf("%s = %v, %v: nothing must be there", path, v, err)
		}
	}
	v, ok, err := get(s, "hostvars", "h2", "bad")
	if _, undefined := v.(*templates.Undefined); !ok || err != nil || !undefined {
		t.Errorf("hostvars.h2.bad = %v, %v, %v, want undefined", v, ok, err)
	}
	// hostvars within hostvars is undefined, as Ansible has it.
	v, ok, err = get(s, "hostvars", "h2", "loop")
	if _, undefined := v.(*templates.Undefined); !ok || err != nil || !undefined {
		t.Errorf("hostvars.h2.loop = %v, %v, %v, want undefined", v, ok, err)
	}
	_, _, err = get(m.Scope(vars.Query{Host: "h1x"}), "vars", "loop")
	var te *templates.Error
	if !errors.As(err, &te) || te.Kind != templates.RecursionError {
		t.Errorf("a loop of vars gives %v", err)
	}
	hv, _, _ := s.Lookup("hostvars")
	var names []string
	for _, k := range hv.(templates.Mapping).Keys() {
		names = append(names, string(k.(templates.Str)))
	}
	if got := strings.Join(names, " "); got != "h1.example.org h2 h1x" {
		t.Errorf("hostvars has %s", got)
	}
}

func TestHostvarsLegacy(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"hosts": lookupHosts})
	m := newManager(t, dir, func(o *vars.Options) { o.Era = templates.Era214 })
	s := m.Scope(vars.Query{Host: "h1x"})
	v, _, err := get(s, "hostvars", "h2", "bad")
	if err != nil || templates.StrOf(v, templates.Era214) != "{{ nothing }}" {
		t.Errorf("hostvars.h2.bad = %v, %v, want its text", v, err)
	}
	hv, _, _ := s.Lookup("hostvars")
	if got := hv.(templates.Mapping).Len(); got != 4 {
		t.Errorf("hostvars has %d hosts, want 4 with localhost", got)
	}
}

func TestScopeChanges(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"hosts": "a\n", "group_vars/new.yml": "n: 1\n", "group_vars/broken": "a: [\n"})
	m := newManager(t, dir, nil)
	inv := m.Exporter(false, true).Inv
	if !inv.AddHost("b", 22, []string{"new"}) || inv.AddHost("b", 0, []string{"new"}) {
		t.Error("AddHost tells wrongly what changed")
	}
	m.AddHostVars("b", dict("given", "g"))
	s := m.Scope(vars.Query{Host: "b"})
	inner := s.With(dict("item", 1)).With(dict("item", 2, "inner", 3))
	for name, want := range map[string]string{"n": "1", "given": "g", "ansible_port": "22", "item": "2", "inner": "3", "group_names": "['new']"} {
		v, ok, err := inner.Lookup(name)
		if !ok || err != nil || templates.StrOf(v, templates.Current) != want {
			t.Errorf("%s = %v, %v, %v, want %s", name, v, ok, err, want)
		}
	}
	if names := inner.Names(); !slices.IsSorted(names) || !slices.Contains(names, "given") || !slices.Contains(names, "item") || !slices.Contains(names, "n") {
		t.Errorf("Names() = %v", names)
	}
	inv.AddGroup("broken", nil)
	inv.AddToGroup("b", "broken")
	if err := m.Check("b"); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a broken file gives %v", err)
	}
	if err := m.Check("a"); err != nil {
		t.Errorf("a host without it: %v", err)
	}
}

func TestMergeHashes(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{
		"hosts": "h\n[g]\nh\n", "group_vars/all.yml": "d: {a: 1, n: {x: 1}, l: [1]}\ns: 1\n",
		"group_vars/g.yml": "d: {b: 2, n: {y: 2}, l: [2]}\ns: {a: 1}\n", "host_vars/h.yml": "d: {a: 3}\n",
	})
	for merge, want := range map[bool]string{true: "{'a': 3, 'n': {'x': 1, 'y': 2}, 'l': [2], 'b': 2}", false: "{'a': 3}"} {
		m := newManager(t, dir, func(o *vars.Options) { o.MergeHashes = merge })
		v, _, _ := m.Scope(vars.Query{Host: "h"}).Lookup("d")
		if got := templates.Repr(v, templates.Current); got != want {
			t.Errorf("merge %v: d = %s, want %s", merge, got, want)
		}
	}
}

// TestConcurrent is for the race detector.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"hosts": lookupHosts})
	m := newManager(t, dir, nil)
	inv := m.Exporter(false, true).Inv
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range 50 {
				host := []string{"h2", "h1x", "localhost"}[j%3]
				m.SetNonpersistent(host, dict(fmt.Sprint("r", i), j))
				m.SetFacts(host, dict("ansible_f", j))
				inv.AddHost(fmt.Sprint("n", i, "-", j), 22, []string{"fresh"})
				s := m.Scope(vars.Query{Host: host})
				get(s, "hostvars", "h2", "lazy")
				get(s, "groups", "fresh")
				s.Names()
			}
		}()
	}
	wg.Wait()
	if got := len(inv.GroupHosts("fresh")); got != 400 {
		t.Errorf("%d hosts came, want 400", got)
	}
}

func BenchmarkLookup(b *testing.B) {
	dir := b.TempDir()
	var yml strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&yml, "v%d: %d\n", i, i)
	}
	writeTree(b, dir, map[string]string{"hosts": "h[1:10000]\n", "group_vars/all.yml": yml.String()})
	m := newManager(b, dir, nil)
	m.Scope(vars.Query{Host: "h1"})
	layers := []vars.Layer{{Kind: vars.RoleDefaults, Dict: dict("d", 1)}, {Kind: vars.PlayVars, Dict: dict("p", 1)}, {Kind: vars.TaskVars, Dict: dict("t", 1)}}
	b.ReportAllocs()
	for b.Loop() {
		s := m.Scope(vars.Query{Host: "h1", Layers: layers})
		if _, ok, _ := s.Lookup("v1999"); !ok {
			b.Fatal("v1999 is not found")
		}
	}
}

func BenchmarkFirstScopeOf10000Hosts(b *testing.B) {
	dir := b.TempDir()
	writeTree(b, dir, map[string]string{"hosts": "[web]\nh[1:10000]\n", "group_vars/all.yml": "a: 1\n"})
	for b.Loop() {
		m := newManager(b, dir, nil)
		for i := 1; i <= 10000; i++ {
			m.Scope(vars.Query{Host: fmt.Sprint("h", i)})
		}
	}
}
