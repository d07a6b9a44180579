package registry

// This file compares the Specs with what Ansible's own modules accept, as
// testdata/specs/record.py recorded it.

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"gorun/modules"
)

const specsDir = "../../testdata/specs"

// An ansibleOption is one recorded option.
type ansibleOption struct {
	Type     string                   `json:"type"`
	Default  any                      `json:"default"`
	Choices  []any                    `json:"choices"`
	Aliases  []string                 `json:"aliases"`
	Required bool                     `json:"required"`
	Elements string                   `json:"elements"`
	NoLog    bool                     `json:"no_log"`
	Env      []any                    `json:"env"`
	Options  map[string]ansibleOption `json:"options"`
	ansibleRules
	told []string // defaults of the documentation, where the argument spec has none
}

type ansibleRules struct {
	MutuallyExclusive any `json:"mutually_exclusive"`
	RequiredTogether  any `json:"required_together"`
	RequiredOneOf     any `json:"required_one_of"`
	RequiredIf        any `json:"required_if"`
	RequiredBy        any `json:"required_by"`
}

// An ansibleModule is one recorded module: Options is its argument spec, Doc its documentation.
type ansibleModule struct {
	Options    map[string]ansibleOption `json:"options"`
	Doc        map[string]ansibleOption `json:"doc"`
	Attributes map[string]string        `json:"attributes"`
	Check      bool                     `json:"supports_check_mode"`
	ansibleRules
}

func loadSpecs(t *testing.T, version string) map[string]ansibleModule {
	t.Helper()
	var file struct{ Modules map[string]ansibleModule }
	readJSON(t, filepath.Join(specsDir, version+".json"), &file)
	return file.Modules
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestSpecs compares every Spec with the argument specs of the current and the
// 2.14 generation: an option of either has to be there; where both have it the
// current one's type, default and choices count. differs.json holds what is meant
// to differ, with the reason, and may hold nothing that does not differ.
func TestSpecs(t *testing.T) {
	current, old := loadSpecs(t, "2.22"), loadSpecs(t, "2.14")
	var meant map[string]map[string]string
	readJSON(t, filepath.Join(specsDir, "differs.json"), &meant)
	for _, mod := range All {
		spec := &mod.Spec
		t.Run(spec.Name, func(t *testing.T) {
			now, inNow := current[spec.Name]
			then, inThen := old[spec.Name]
			if !inNow && !inThen {
				t.Fatal("is not recorded: see testdata/specs/record.py")
			}
			c := specCompare{found: make(map[string]string)}
			if !inNow {
				now.ansibleRules = then.ansibleRules
			}
			all := spec.AllOptions()
			c.options("", all, union(now, then))
			c.rules("", &spec.Rules, &now.ansibleRules)
			c.support(spec, now, then)
			for _, key := range slices.Sorted(maps.Keys(c.found)) {
				extra := !strings.Contains(key, ".") && c.found[key] == notAnsibles && meant[spec.Name]["*"] != ""
				if meant[spec.Name][key] == "" && !extra {
					t.Errorf("%s: %s", key, c.found[key])
				}
			}
			for _, key := range slices.Sorted(maps.Keys(meant[spec.Name])) {
				if key != "*" && c.found[key] == "" {
					t.Errorf("differs.json says that %s differs; it does not", key)
				}
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(meant)) {
		if Lookup(name) == nil {
			t.Errorf("differs.json has %s, which is no module here", name)
		}
	}
}

// union has the options of both generations and those that only the documentation has.
func union(now, then ansibleModule) map[string]ansibleOption {
	out := make(map[string]ansibleOption)
	for _, set := range []map[string]ansibleOption{now.Options, now.Doc, then.Options, then.Doc} {
		for name, o := range set {
			have, ok := out[name]
			if !ok {
				out[name] = o
				continue
			}
			have.Aliases = both(have.Aliases, o.Aliases)
			out[name] = have
		}
	}
	// An option may have changed places with its alias, and documentation may have it by an alias.
	for name, o := range maps.Clone(out) {
		for _, alias := range o.Aliases {
			if _, renamed := now.Options[alias]; !renamed {
				delete(out, alias)
				continue
			}
			kept := out[alias]
			kept.Aliases = both(kept.Aliases, []string{name})
			out[alias] = kept
			delete(out, name)
		}
	}
	for _, set := range []map[string]ansibleOption{now.Doc, then.Doc} {
		for name, o := range set {
			if have, ok := out[name]; ok && have.Default == nil {
				have.told = append(have.told, defaultWord(o.Default))
				out[name] = have
			}
		}
	}
	return out
}

func both(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	sort.Strings(all)
	return slices.Compact(all)
}

// notAnsibles is said of an option that only gorun has; "*" in differs.json lets a module have more of them.
const notAnsibles = "is no option of Ansible's"

// A specCompare collects what differs: "option.key" to the words about it.
type specCompare struct{ found map[string]string }

func (c *specCompare) differ(key string, have, want any) {
	h, _ := json.Marshal(have)
	w, _ := json.Marshal(want)
	c.found[key] = fmt.Sprintf("is %s, want %s", h, w)
}

func (c *specCompare) options(prefix string, have []modules.Option, want map[string]ansibleOption) {
	byName := make(map[string]*modules.Option)
	for i := range have {
		byName[have[i].Name] = &have[i]
		if _, ok := want[have[i].Name]; !ok && have[i].Name[0] != '_' { // actions' own
			c.found[prefix+have[i].Name] = notAnsibles
		}
	}
	for name, w := range want {
		h := byName[name]
		if h == nil {
			c.found[prefix+name] = "is not there"
			continue
		}
		c.option(prefix+name, h, &w)
	}
}

func (c *specCompare) option(at string, h *modules.Option, w *ansibleOption) {
	if have := typeWord(string(h.Type)); have != typeWord(w.Type) {
		c.differ(at+".type", have, typeWord(w.Type))
	}
	if string(h.Elements) != w.Elements && !(w.Elements == "" && h.Elements != "") {
		c.differ(at+".elements", h.Elements, w.Elements)
	}
	if h.Required != w.Required {
		c.differ(at+".required", h.Required, w.Required)
	}
	if have, want := defaultWord(h.Default), defaultWord(w.Default); have != want && !slices.Contains(w.told, have) {
		c.differ(at+".default", have, want)
	}
	if have, want := words(h.Choices), words(w.Choices); !reflect.DeepEqual(have, want) {
		c.differ(at+".choices", have, want)
	}
	if have, want := both(h.Aliases, nil), both(w.Aliases, nil); len(have)+len(want) > 0 && !reflect.DeepEqual(have, want) {
		c.differ(at+".aliases", have, want)
	}
	if w.NoLog && !h.NoLog {
		c.differ(at+".no_log", h.NoLog, w.NoLog)
	}
	if len(h.Options)+len(w.Options) > 0 {
		c.options(at+".", h.Options, w.Options)
		c.rules(at+".", &h.Rules, &w.ansibleRules)
	}
}

func typeWord(s string) string {
	switch s {
	case "", "_check_type_str":
		return "str"
	}
	return s
}

// defaultWord writes a default so that yes, True and true are one, as are 5 and "5".
func defaultWord(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return fmt.Sprint(v)
	case string:
		switch v {
		case "yes", "True":
			return "true"
		case "no", "False":
			return "false"
		}
		return v
	case []any:
		if len(v) == 0 {
			return "" // an empty list is what a module sees as none
		}
	case map[string]any:
		if len(v) == 0 {
			return ""
		}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.Trim(string(data), `"`)
}

func words[T any](list []T) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = defaultWord(e)
	}
	sort.Strings(out)
	return out
}

func (c *specCompare) rules(prefix string, h *modules.Rules, w *ansibleRules) {
	for _, one := range []struct {
		name string
		have [][]string
		want any
	}{
		{"mutually_exclusive", h.MutuallyExclusive, w.MutuallyExclusive},
		{"required_together", h.RequiredTogether, w.RequiredTogether},
		{"required_one_of", h.RequiredOneOf, w.RequiredOneOf},
	} {
		have, want := groups(one.have), groups(one.want)
		if !reflect.DeepEqual(have, want) {
			c.differ(prefix+one.name, have, want)
		}
	}
	var ifs []string
	for _, r := range h.RequiredIf {
		ifs = append(ifs, fmt.Sprintf("%s=%s %v any=%v", r.Key, defaultWord(r.Value), r.Need, r.OneOf))
	}
	var wantIfs []string
	list, _ := w.RequiredIf.([]any)
	for _, e := range list {
		r, _ := e.([]any)
		need, ok := r[2].([]any)
		if !ok {
			need = []any{r[2]}
		}
		oneOf := len(r) > 3 && r[3] == true
		wantIfs = append(wantIfs, fmt.Sprintf("%v=%s %v any=%v", r[0], defaultWord(r[1]), need, oneOf))
	}
	sort.Strings(ifs)
	sort.Strings(wantIfs)
	if !slices.Equal(ifs, wantIfs) {
		c.differ(prefix+"required_if", ifs, wantIfs)
	}
	by := make(map[string][]string)
	given, _ := w.RequiredBy.(map[string]any)
	for k, v := range given {
		if s, ok := v.(string); ok {
			by[k] = []string{s}
		} else {
			by[k] = groups([]any{v})[0]
		}
	}
	have := make(map[string][]string)
	for k, v := range h.RequiredBy {
		have[k] = both(v, nil)
	}
	if !reflect.DeepEqual(have, by) {
		c.differ(prefix+"required_by", have, by)
	}
}

// groups brings a rule's groups into one order; Ansible also takes one group bare.
func groups(v any) [][]string {
	out := [][]string{}
	switch v := v.(type) {
	case [][]string:
		for _, g := range v {
			out = append(out, both(g, nil))
		}
	case []any:
		if len(v) > 0 {
			if _, bare := v[0].(string); bare {
				v = []any{v}
			}
		}
		for _, e := range v {
			g := []string{}
			list, _ := e.([]any)
			for _, name := range list {
				g = append(g, fmt.Sprint(name))
			}
			out = append(out, both(g, nil))
		}
	}
	sort.Slice(out, func(i, j int) bool { return strings.Join(out[i], "|") < strings.Join(out[j], "|") })
	return out
}

// support compares check mode: a module that Ansible skips must be skipped here, and the other way round.
func (c *specCompare) support(spec *modules.Spec, now, then ansibleModule) {
	m := now
	if m.Options == nil {
		m = then
	}
	if m.Options == nil {
		return
	}
	if have := spec.Check != modules.NoSupport; have != m.Check {
		c.differ("check_mode", have, m.Check)
	}
}
