package playbook

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gorun/templates"
)

var update = flag.Bool("update", false, "write the expected trees anew")

// TestTrees loads site.yml of each folder of testdata/tree and compares a dump
// of the tree with its want.txt; `go test -update` writes that.
func TestTrees(t *testing.T) {
	dirs, err := filepath.Glob("testdata/tree/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no folders", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			o := Options{}
			if filepath.Base(dir) == "legacy" {
				o.Era = templates.Era19
			} else {
				o.Era = templates.Current
			}
			pb, err := NewLoader(o).Load(filepath.Join(dir, "site.yml"))
			if err != nil {
				t.Fatal(err)
			}
			var d dumper
			for _, p := range pb.Plays {
				d.play(p)
			}
			d.line("files %s", strings.Join(pb.Files, " "))
			got := strings.ReplaceAll(d.b.String(), dir+"/", "")
			golden := filepath.Join(dir, "want.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the tree is not the one of %s:\n%s", golden, firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
		}
	}
	return "it is shorter"
}

// A dumper prints a tree: a line an object, what is set in it as key=value.
type dumper struct {
	b      strings.Builder
	indent int
}

func (d *dumper) line(format string, args ...any) {
	fmt.Fprintf(&d.b, strings.Repeat("  ", d.indent)+format+"\n", args...)
}

func (d *dumper) play(p *Play) {
	d.line("play %d:%d%s", p.Pos.Line, p.Pos.Col, fieldsOf(reflect.ValueOf(p).Elem()))
	d.indent++
	for _, u := range p.Roles {
		d.role("role", u)
	}
	d.items("pre_tasks", p.PreTasks)
	d.items("tasks", p.Tasks)
	d.items("post_tasks", p.PostTasks)
	d.items("handlers", p.AllHandlers())
	for _, u := range p.Imported {
		d.role("imported", u)
	}
	d.indent--
}

func (d *dumper) role(what string, u *RoleUse) {
	d.line("%s%s", what, fieldsOf(reflect.ValueOf(u).Elem()))
	d.indent++
	d.line("is%s", fieldsOf(reflect.ValueOf(u.Role).Elem()))
	for _, dep := range u.Dependencies {
		d.role("depends on", dep)
	}
	d.items("tasks", u.Tasks)
	d.items("handlers", u.Handlers)
	d.indent--
}

func (d *dumper) items(what string, items []Item) {
	if len(items) == 0 {
		return
	}
	d.line("%s:", what)
	d.indent++
	for _, it := range items {
		switch it := it.(type) {
		case *Block:
			kind := "block"
			if it.Implicit {
				kind = "implicit block " + it.File
			}
			d.line("%s%s", kind, fieldsOf(reflect.ValueOf(it).Elem()))
			d.indent++
			d.items("body", it.Body)
			d.items("rescue", it.Rescue)
			d.items("always", it.Always)
			d.indent--
		case *Task:
			d.line("task %s %s:%d:%d%s", it.Action, it.File, it.Pos.Line, it.Pos.Col, fieldsOf(reflect.ValueOf(it).Elem()))
			d.indent++
			d.line("all tags %s when %s become %s", vals(it.AllTags()), vals(it.AllWhen()), val(it.Inherit(func(b *Base) Value { return b.Become }).V))
			d.indent--
		}
	}
	d.indent--
}

// fieldsOf prints the fields that are set, those of embedded structs too.
func fieldsOf(v reflect.Value) string {
	var b strings.Builder
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name == "Key" {
			continue // says again what the rest says
		}
		switch f := v.Field(i).Interface().(type) {
		case Base, LoopControl, Legacy:
			b.WriteString(fieldsOf(reflect.ValueOf(f)))
		case Value:
			if f.IsSet() {
				fmt.Fprintf(&b, " %s=%s", name, val(f.V))
			}
		case []Value:
			if f != nil {
				fmt.Fprintf(&b, " %s=%s", name, vals(f))
			}
		case Vars:
			if f.Dict != nil {
				fmt.Fprintf(&b, " %s=%s", name, val(f.Dict))
			}
		case *templates.Dict:
			if f != nil {
				fmt.Fprintf(&b, " %s=%s", name, val(f))
			}
		case []string:
			if f != nil {
				fmt.Fprintf(&b, " %s=%v", name, f)
			}
		case []VarsPrompt:
			for _, p := range f {
				fmt.Fprintf(&b, " %s=%s/%s/%v", name, p.Name, p.Prompt, p.Private)
			}
		case string:
			if f != "" && name != "Action" && name != "File" {
				fmt.Fprintf(&b, " %s=%s", name, f)
			}
		case bool:
			if f && name != "Implicit" {
				fmt.Fprintf(&b, " %s", name)
			}
		case *Include:
			if f != nil {
				fmt.Fprintf(&b, " Include=%s(%s)", f.Kind, strings.TrimSpace(fieldsOf(reflect.ValueOf(*f))))
			}
		case *Role:
			if f != nil {
				fmt.Fprintf(&b, " Role=%s", f.Name)
			}
		case []*Role:
			for _, r := range f {
				fmt.Fprintf(&b, " %s=%s", name, r.Name)
			}
		}
	}
	return b.String()
}

func vals(vs []Value) string {
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = val(v.V)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// val prints a value; what may be templated stands in angle brackets.
func val(v templates.Value) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case *templates.Text:
		return "<" + strings.ReplaceAll(v.Src, "\n", `\n`) + ">"
	case templates.Str:
		return fmt.Sprintf("%q", string(v))
	case *templates.List:
		parts := make([]string, v.Len())
		for i, e := range v.Elems {
			parts[i] = val(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *templates.Dict:
		var parts []string
		for k, e := range v.All {
			parts = append(parts, strings.Trim(val(k), `"`)+": "+val(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case templates.NoneType:
		return "None"
	}
	return fmt.Sprint(v)
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/errors/*.yml", "testdata/tree/*/site.yml", "testdata/errors/*/site.yml"} {
		seeds, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range seeds {
			data, err := os.ReadFile(s)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(path string) ([]byte, error) {
			if strings.HasSuffix(path, "site.yml") {
				return data, nil
			}
			return nil, os.ErrNotExist
		}
		pb, err := NewLoader(Options{ReadFile: read, Era: templates.Era(len(data) % 3)}).Load("/nonexistent/site.yml")
		if err != nil {
			if _, ok := err.(Errors); !ok {
				t.Fatalf("a %T: %v", err, err)
			}
			return
		}
		for _, p := range pb.Plays {
			Walk(p.Tasks, func(task *Task) {
				if task.Action == "" || task.Play != p {
					t.Fatalf("%v: action %q", task.Pos, task.Action)
				}
			})
		}
	})
}

// TestStaticVars resolves names of imports with the vars around them.
func TestStaticVars(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"site.yml": "- hosts: all\n  tasks:\n    - import_tasks: '{{ f }}'\n    - vars: {f: c.yml}\n      block:\n        - import_tasks: '{{ f }}'\n  vars_files: [v.yml]\n  vars: {f: a.yml}\n",
		"a.yml":    "- debug: msg=a\n", "b.yml": "- debug: msg=b\n", "c.yml": "- debug: msg=c\n", "v.yml": "f: b.yml\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pb, err := NewLoader(Options{StaticVars: func(v templates.Value, vars []*templates.Dict) (templates.Value, error) {
		var found templates.Value
		for _, d := range vars {
			if f, ok := d.GetStr("f"); ok {
				found = f
			}
		}
		return found, nil
	}}).Load(filepath.Join(dir, "site.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	Walk(pb.Plays[0].Tasks, func(task *Task) {
		msg, _ := task.Args.GetStr("msg")
		got = append(got, show(msg))
	})
	if strings.Join(got, " ") != "b c" {
		t.Errorf("imported %v, want b of vars_files and c of the block's vars", got)
	}
}

// TestProjectPlaybook loads the playbook that the project ships, in every era.
func TestProjectPlaybook(t *testing.T) {
	site := filepath.Join("..", "..", "playbooks", "site.yml")
	if !isFile(site) {
		t.Skip("playbooks/site.yml is not there")
	}
	for _, era := range []templates.Era{templates.Era19, templates.Era214, templates.Current} {
		pb, err := NewLoader(Options{Era: era}).Load(site)
		if err != nil {
			t.Errorf("era %d: %v", era, err)
			continue
		}
		if len(pb.Plays) == 0 {
			t.Errorf("era %d: no plays", era)
		}
	}
}
