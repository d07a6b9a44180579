package lookup

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/templates"
	"gorun/templates/ansible"
)

// TestRecorded runs what Ansible's lookups gave in both eras.
func TestRecorded(t *testing.T) {
	for _, c := range []struct {
		era           templates.Era
		file, version string
	}{
		{templates.Era214, "lookups-2.14.jsonl", "ansible-core 2.14."},
		{templates.Current, "lookups-current.jsonl", "ansible-core 2.22."},
	} {
		t.Run(c.file, func(t *testing.T) {
			b, err := os.ReadFile("../../testdata/jinja/ansible/" + c.file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			header, rest, _ := bytes.Cut(b, []byte("\n"))
			h := record(t, header)
			if !strings.HasPrefix(word(h, "recorded_with"), c.version) {
				t.Fatalf("recorded with %s, not %s*", word(h, "recorded_with"), c.version)
			}
			files, _ := h.GetStr("files")
			for name, content := range files.(*templates.Dict).All {
				path := filepath.Join(dir, text(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text(content)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			programs, _ := h.GetStr("programs")
			for name, content := range programs.(*templates.Dict).All {
				path := filepath.Join(dir, text(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text(content)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
			t.Setenv("HOME", dir)
			t.Setenv("PASSWORD_STORE_DIR", filepath.Join(dir, "store"))
			v, _ := h.GetStr("vars")
			vars, _ := within(v, dir).(*templates.Dict)
			t.Chdir(dir)
			e := recordedEngine(c.era)
			total := 0
			for line := range bytes.Lines(rest) {
				total++
				if want := record(t, line); word(want, "diverges") == "" {
					compare(t, e, vars, want, dir)
				}
			}
			if total < 200 {
				t.Errorf("there are only %d cases", total)
			}
		})
	}
}

func recordedEngine(era templates.Era) *templates.Engine {
	return templates.New(templates.Options{
		Era: era, Undefined: templates.AnsibleUndefined, Finalize: templates.NoneAsEmpty, TrimBlocks: true, Unroll: true,
		Filters: ansible.Filters(ansible.Options{}), Tests: ansible.Tests(ansible.Options{}), AcceptsUndefined: ansible.AcceptsUndefined(), NameError: ansible.NameError(era), Globals: New(Options{CollectionDirs: func() []string { return []string{"collections/ansible_collections"} }}).Globals(),
	})
}

func record(t *testing.T, line []byte) *templates.Dict {
	t.Helper()
	v, err := templates.FromJSON(line)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*templates.Dict)
}

func word(d *templates.Dict, key string) string {
	if v, ok := d.GetStr(key); ok {
		return text(v)
	}
	return ""
}

// within puts the folder in the place of @ and lets texts be templated.
func within(v templates.Value, dir string) templates.Value {
	switch v := v.(type) {
	case templates.Str:
		return templates.NewText(strings.ReplaceAll(string(v), "@", dir), templates.Pos{})
	case *templates.List:
		out := &templates.List{Lazy: true}
		for _, e := range v.Elems {
			out.Elems = append(out.Elems, within(e, dir))
		}
		return out
	case *templates.Dict:
		out := templates.NewDict(v.Len())
		for k, e := range v.All {
			out.SetStr(text(k), within(e, dir))
		}
		out.Lazy = true
		return out
	}
	return v
}

// listed is v with its tuples as lists, as the record has them.
func listed(v templates.Value) templates.Value {
	if tup, ok := v.(templates.Tuple); ok {
		v = templates.NewList(tup...)
	}
	if l, ok := v.(*templates.List); ok {
		out := templates.NewList()
		for _, e := range l.Elems {
			out.Elems = append(out.Elems, listed(e))
		}
		return out
	}
	return v
}

func compare(t *testing.T, e *templates.Engine, vars, want *templates.Dict, dir string) {
	t.Helper()
	src := word(want, "template")
	tm, err := e.Compile(strings.ReplaceAll(src, "@", dir), "")
	var v templates.Value
	if err == nil {
		v, err = tm.Eval(context.Background(), dictScope{vars})
	}
	if err != nil {
		msg := strings.ReplaceAll(err.Error(), dir, "@")
		var te *templates.Error
		if errors.As(err, &te) && te.Kind == templates.UndefinedError && e.Options().Era != templates.Current {
			msg += ". " + msg // 2.14's callers say it once more
		}
		if msg != word(want, "message") {
			t.Errorf("%s\n got the error %s\nwant %s", src, msg, templates.Repr(want, templates.Current))
		}
		return
	}
	out, _ := want.GetStr("output")
	if out == nil {
		t.Errorf("%s\n got %s\nwant the error %s", src, templates.Repr(v, templates.Current), word(want, "message"))
		return
	}
	got := strings.ReplaceAll(templates.Repr(listed(v), templates.Current), dir, "@")
	if got != templates.Repr(out, templates.Current) || v.Type() != word(want, "type") {
		t.Errorf("%s\n got %s (%s)\nwant %s (%s)", src, got, v.Type(), templates.Repr(out, templates.Current), word(want, "type"))
	}
}
