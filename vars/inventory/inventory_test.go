package inventory

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorun/templates"
)

// load reads text as an INI inventory.
func load(t testing.TB, text string, o Options) *Inventory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	o.EnabledPlugins = []string{"ini"}
	inv, err := Load([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestMatchErrors(t *testing.T) {
	var warnings []string
	inv := load(t, "[web]\na\nb\n", Options{Warn: func(msg string) { warnings = append(warnings, msg) }})
	for _, c := range []struct{ pattern, limit, want string }{
		{"web[99]", "", "No hosts matched the subscripted pattern 'web[99]'"},
		{"web[-5]", "", "No hosts matched the subscripted pattern 'web[-5]'"},
		{"~(", "", "Invalid host list pattern: ~("},
		{"web", "@/no/such", "Unable to find limit file /no/such"},
		{"web", "@/", "Limit starting with \"@\" must be a file, not a directory: /"},
		{"nope[1]", "", ""},
		{"nope[1]", "", ""},
	} {
		_, err := inv.Match(c.pattern, c.limit)
		if got := fmt.Sprint(err); got != c.want && !(err == nil && c.want == "") {
			t.Errorf("Match(%q, %q): %v, want %q", c.pattern, c.limit, err, c.want)
		}
	}
	if want := []string{"Could not match supplied host pattern, ignoring: nope"}; !slices.Equal(warnings, want) {
		t.Errorf("warned of %q, want %q", warnings, want)
	}
	strict := load(t, "a\n", Options{PatternMismatch: "error"})
	if _, err := strict.Match("nope", ""); err == nil {
		t.Error("host_pattern_mismatch=error gives no error")
	}
}

func TestLimitFile(t *testing.T) {
	inv := load(t, "[web]\na\nb\nc\n", Options{})
	path := filepath.Join(t.TempDir(), "retry")
	if err := os.WriteFile(path, []byte("c\n\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	hosts, err := inv.Match("web", "@"+path)
	if err != nil || len(hosts) != 2 || hosts[0].Name != "b" || hosts[1].Name != "c" {
		t.Errorf("Match gives %v, %v", hosts, err)
	}
}

// TestLookAround needs what Go's regular expressions lack.
func TestLookAround(t *testing.T) {
	hosts, err := load(t, "web1\nweb2\n", Options{}).Match("~web(?!1)", "")
	if err != nil || len(hosts) != 1 || hosts[0].Name != "web2" {
		t.Errorf("Match gives %v, %v", hosts, err)
	}
}

func TestRuntimeGroups(t *testing.T) {
	inv := load(t, "a\nb\n[g]\nc\n", Options{})
	before := inv.Version()
	if !inv.AddGroup("os_linux", []string{"os"}) || !inv.AddToGroup("a", "os_linux") || inv.AddToGroup("a", "os_linux") {
		t.Error("what changed is told wrongly")
	}
	if inv.Version() == before {
		t.Error("the version stands still")
	}
	for group, want := range map[string]string{"os": "a", "ungrouped": "b", "all": "b c a"} {
		if got := strings.Join(inv.GroupHosts(group), " "); got != want {
			t.Errorf("%s has %s, want %s", group, got, want)
		}
	}
	var names []string
	for _, g := range inv.HostGroups("a") {
		names = append(names, g.Name)
	}
	if got := strings.Join(names, " "); got != "all os os_linux" {
		t.Errorf("a is in %s", got)
	}
}

func TestUnparsed(t *testing.T) {
	if _, err := Load([]string{"/no/such"}, Options{UnparsedFails: true}); err == nil {
		t.Error("unparsed_is_failed gives no error")
	}
	if _, err := Load([]string{"/no/such"}, Options{AnyUnparsedFails: true}); err == nil {
		t.Error("any_unparsed_is_failed gives no error")
	}
	inv, err := Load(nil, Options{NoUnparsedWarning: true, Warn: func(msg string) { t.Error(msg) }})
	if err != nil {
		t.Fatal(err)
	}
	if h, ok := inv.Host("localhost"); !ok || !h.Implicit || len(inv.Hosts()) != 0 {
		t.Errorf("localhost is %v, the hosts are %v", h, inv.Hosts())
	}
}

func TestPluginHookAndCache(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cloud.yml")
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	config := &templates.Dict{}
	config.SetStr("plugin", templates.Str("openstack.cloud.openstack"))
	config.SetStr("cache", templates.Bool(true))
	config.SetStr("cache_connection", templates.Str(filepath.Join(dir, "cache")))
	fetched := 0
	o := Options{
		ParseYAML: func([]byte, string) (templates.Value, error) { return config, nil },
		Plugins: map[string]PluginFunc{"openstack.cloud.openstack": func(b *Builder, config *templates.Dict) error {
			v, err := b.Cached("openstack", config, func() (templates.Value, error) {
				fetched++
				return templates.NewList(templates.Str("vm1"), templates.Str("vm2")), nil
			})
			if err != nil {
				return err
			}
			for _, e := range v.(*templates.List).Elems {
				if err := b.AddHost(string(e.(templates.Str)), "ungrouped"); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	for range 2 {
		inv, err := Load([]string{path}, o)
		if err != nil || len(inv.Hosts()) != 2 {
			t.Fatalf("Load gives %v, %v", inv, err)
		}
	}
	if fetched != 1 {
		t.Errorf("fetched %d times, want once", fetched)
	}
	o.RefreshCache = true
	if _, err := Load([]string{path}, o); err != nil || fetched != 2 {
		t.Errorf("with RefreshCache fetched %d times, %v", fetched, err)
	}
}

func FuzzINI(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[") > 20 {
			t.Skip("ranges of ranges are slow, not wrong")
		}
		inv := newInventory(Options{Engine: templates.New(templates.Options{})})
		if parseINI(&Builder{inv: inv, Source: "hosts"}, []byte(text)) != nil {
			return
		}
		inv.reconcile()
		for _, h := range inv.Hosts() {
			if groups := inv.HostGroups(h.Name); len(groups) == 0 || groups[0].Name != "all" {
				t.Errorf("%q is in %v", h.Name, groups)
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{"all", "web:&db", "a,b", "web[0]", "web[1:]", "~web.*", "*[!a]*", "!x", "[", "a[", "web[0-1]", "::1"} {
		f.Add(p)
	}
	inv := load(f, "a\n[web]\nweb[1:3]\n[db]\nweb1\ndb\n", Options{})
	f.Fuzz(func(t *testing.T, p string) {
		if strings.Contains(p, "~") {
			t.Skip("regular expressions have a fuzzer of their own")
		}
		hosts, err := inv.Match(p, "")
		if err == nil && len(hosts) > 5 && !strings.Contains(p, "::1") && !strings.Contains(p, "local") && !strings.Contains(p, "127") {
			t.Errorf("%q matches %d hosts of 5", p, len(hosts))
		}
	})
}

// seeds are the sources of the corpus.
func seeds(f *testing.F) []string {
	files, err := filepath.Glob("../../testdata/inventory/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	var list []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if _, rest, ok := bytes.Cut(data, []byte("-- hosts --\n")); ok {
			text, _, _ := bytes.Cut(rest, []byte("-- patterns --"))
			list = append(list, string(text))
		}
	}
	return list
}

// large is an inventory of 10,000 hosts, a line each.
func large() string {
	var b strings.Builder
	for g := range 100 {
		fmt.Fprintf(&b, "[g%d]\n", g)
		for h := range 100 {
			fmt.Fprintf(&b, "host-%d-%d ansible_host=10.0.%d.%d n=%d tags=['a','b']\n", g, h, g, h, h)
		}
	}
	return b.String()
}

func BenchmarkLoad10000(b *testing.B) {
	path := filepath.Join(b.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(large()), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		inv, err := Load([]string{path}, Options{EnabledPlugins: []string{"ini"}})
		if err != nil || len(inv.Hosts()) != 10000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch10000(b *testing.B) {
	inv := load(b, large(), Options{})
	for b.Loop() {
		inv.version++ // as if something had changed: nothing cached helps
		if hosts, err := inv.Match("all:!g5:&host-*", ""); err != nil || len(hosts) != 9900 {
			b.Fatal(len(hosts), err)
		}
	}
}
