package playbook

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorun/engine/playbook/errtest"
	"gorun/templates"
)

// actions are what the tests' KnownAction takes for known.
var actions = []string{
	"add_host", "apt", "command", "copy", "debug", "file", "group_by", "include_vars", "lineinfile", "meta", "ping", "raw", "script", "service",
	"set_fact", "setup", "shell", "template", "user",
}

func knownAction(name string, _ []string) (bool, []string) {
	if slices.Contains(actions, shortName(name)) {
		return true, nil
	}
	var near []string
	for _, a := range actions {
		if a[0] == name[0] {
			near = append(near, a)
		}
	}
	return false, near
}

// TestErrorFiles loads every playbook of testdata/errors (site.yml of a
// folder) and compares its errors with the marks in the files.
func TestErrorFiles(t *testing.T) {
	total := 0
	entries, err := filepath.Glob("testdata/errors/*")
	if err != nil || len(entries) == 0 {
		t.Fatal("no files", err)
	}
	for _, entry := range entries {
		t.Run(filepath.Base(entry), func(t *testing.T) {
			site := entry
			var want []errtest.Error
			err := filepath.WalkDir(entry, func(p string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				more, err := errtest.Expected(p)
				want = append(want, more...)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if isDir(entry) {
				site = filepath.Join(entry, "site.yml")
			}
			if len(want) == 0 {
				t.Fatal("no marks")
			}
			// 2.14, as it finds more before the run: since 2.19 some of these fail the task.
			o := Options{KnownAction: knownAction, KnownLookup: func(name string) bool { return name == "items" || name == "dict" }, Era: templates.Era214, CollectionsPath: []string{"testdata/collections"}, RolesPath: []string{"testdata/roles"}}
			_, err = NewLoader(o).Load(site)
			var es Errors
			if !errors.As(err, &es) {
				t.Fatalf("got %v, want Errors", err)
			}
			var got []errtest.Error
			for _, e := range es {
				got = append(got, errtest.Error{File: e.Pos.File, Line: e.Pos.Line, Col: e.Pos.Col, Msg: e.Msg})
				if e.Pos.Line > 0 && e.Line == "" {
					t.Errorf("%v: without the text of its line", e)
				}
				if strings.Contains(e.Msg, "%!") {
					t.Errorf("%v: a broken format", e)
				}
			}
			errtest.Compare(t, want, got)
			total += len(want)
		})
	}
	if total < 150 {
		t.Errorf("only %d cases of wrong playbooks", total)
	}
}

// TestErrorHints checks what errors tell beside the message.
func TestErrorHints(t *testing.T) {
	_, err := NewLoader(Options{KnownAction: knownAction}).Load("testdata/errors/tasks.yml")
	var es Errors
	if !errors.As(err, &es) {
		t.Fatal(err)
	}
	for _, c := range []struct{ msg, got, known string }{
		{"'wehn' is not a valid attribute for a Task", "wehn", "when"},
		{"'loop_vra' is not a valid attribute for a LoopControl", "loop_vra", "loop_var"},
		{"'tgas' is not a valid attribute for a Block", "tgas", "tags"},
		{"couldn't resolve module/action 'cpoy'. This often indicates a misspelling, missing collection, or incorrect module path.", "cpoy", "copy"},
	} {
		i := slices.IndexFunc(es, func(e *Error) bool { return e.Msg == c.msg })
		if i < 0 {
			t.Errorf("no error %q", c.msg)
			continue
		}
		if e := es[i]; e.Got != c.got || !slices.Contains(e.Known, c.known) {
			t.Errorf("%q: got %q, known %q", c.msg, e.Got, e.Known)
		}
	}
}
