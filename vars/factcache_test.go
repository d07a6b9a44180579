package vars_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorun/templates"
	"gorun/vars"
)

func TestFileFacts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "facts")
	now := time.Now()
	c := &vars.FileFacts{Dir: dir, Timeout: time.Hour, Now: func() time.Time { return now }}
	if _, ok, err := c.Get("h"); ok || err != nil {
		t.Fatalf("an empty cache gives %v, %v", ok, err)
	}
	if err := c.Set("h", dict("b", dict("z", 1, "a", templates.NewList()), "a", "x")); err != nil {
		t.Fatal(err)
	}
	// The form of ansible-core 2.14.18 with ANSIBLE_CACHE_PLUGIN=jsonfile.
	want := "{\n    \"a\": \"x\",\n    \"b\": {\n        \"a\": [],\n        \"z\": 1\n    }\n}"
	if data, err := os.ReadFile(filepath.Join(dir, "h")); err != nil || string(data) != want {
		t.Errorf("the file holds %s, %v; want %s", data, err, want)
	}
	d, ok, err := c.Get("h")
	if err != nil || !ok || templates.Repr(d, templates.Current) != "{'a': 'x', 'b': {'a': [], 'z': 1}}" {
		t.Errorf("Get gives %v, %v, %v", d, ok, err)
	}
	now = now.Add(2 * time.Hour)
	if _, ok, err := c.Get("h"); ok || err != nil {
		t.Errorf("old facts: %v, %v", ok, err)
	}
	now = time.Now()
	if err := c.Set("../evil", dict()); err == nil {
		t.Error("a host's name leads out of the folder")
	}
	if err := os.WriteFile(filepath.Join(dir, "broken"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := c.Get("broken"); ok || err == nil {
		t.Error("a broken file gives no error")
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("after Flush: %v, %v", entries, err)
	}
}

func TestFactsOfFormerRuns(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"hosts": "h\n"})
	cache := &vars.MemoryFacts{}
	use := func(o *vars.Options) { o.FactCache = cache }
	newManager(t, dir, use).SetFacts("h", dict("ansible_os", "x"))
	second := newManager(t, dir, use)
	second.SetFacts("h", dict("ansible_more", "y"))
	if got := templates.Repr(second.Facts("h"), templates.Current); got != "{'os': 'x', 'more': 'y'}" {
		t.Errorf("facts are %s", got)
	}
	if _, ok, _ := second.Scope(vars.Query{Host: "h"}).Lookup("ansible_os"); !ok {
		t.Error("cached facts are not injected")
	}
	second.ClearFacts("h")
	if _, ok, _ := cache.Get("h"); ok {
		t.Error("ClearFacts leaves the cache")
	}
}

// TestYAMLFacts reads what community.general's yaml cache wrote, and what it reads itself.
func TestYAMLFacts(t *testing.T) {
	dir := t.TempDir()
	c := &vars.FileFacts{Dir: dir, Prefix: "p_", YAML: true}
	text := "a: xxx\nb:\n- 1\n- 2.5\n- true\n- null\nc: '{{ 7*7 }}'\n"
	if err := os.WriteFile(filepath.Join(dir, "p_h"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d, ok, err := c.Get("h")
		if err != nil || !ok {
			t.Fatalf("%v %v", ok, err)
		}
		got, err := templates.AppendJSON(nil, d)
		if want := `{"a":"xxx","b":[1,2.5,true,null],"c":"{{ 7*7 }}"}`; err != nil || strings.ReplaceAll(strings.ReplaceAll(string(got), ": ", ":"), ", ", ",") != want {
			t.Errorf("%s %v, want %s", got, err, want)
		}
		if v, _ := d.GetStr("c"); v.Type() != templates.Str("").Type() {
			t.Errorf("a fact that may be templated: %T", v)
		}
		if err := c.Set("h", d); err != nil {
			t.Fatal(err)
		}
	}
}
