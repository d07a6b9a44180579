package lookup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/templates"
)

// TestRenderPlace looks at the place of errors in template files: the file that
// was included, and the line in it, the header counted.
func TestRenderPlace(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	write("templates/inner.j2", "one\n  {{ nope }}\n")
	write("templates/syntax.j2", "one\ntwo\n{% if %}\n")
	write("templates/macros.j2", "{% macro m() %}\n{{ nope }}{% endmacro %}")
	for _, c := range []struct {
		name, text, file string
		line, col        int
	}{
		{"plain", "a\n{{ nope }}", "templates/main.j2", 2, 4},
		{"header", "#jinja2: trim_blocks: False\na\n{{ nope }}", "templates/main.j2", 3, 4},
		{"header and syntax", "#jinja2: trim_blocks: False\na\n{% if %}", "templates/main.j2", 3, 7},
		{"include", "a\nb\nc\n{% include 'inner.j2' %}", "templates/inner.j2", 2, 6},
		{"include under a header", "#jinja2: trim_blocks: False\n{% include 'inner.j2' %}", "templates/inner.j2", 2, 6},
		{"syntax of an include", "{% include 'syntax.j2' %}", "templates/syntax.j2", 3, 7},
		{"import", "a\n{% import 'macros.j2' as m %}{{ m.m() }}", "templates/macros.j2", 2, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write("templates/main.j2", c.text)
			r := Render{Engine: templates.New(templates.AnsibleOptions(templates.Current)), ReadFile: os.ReadFile, Path: path, SearchPath: []string{dir}}
			_, err := r.File(t.Context(), templates.MapScope{})
			var te *templates.Error
			if !errors.As(err, &te) {
				t.Fatalf("got %v", err)
			}
			want := templates.Pos{File: filepath.Join(dir, c.file), Line: c.line, Col: c.col}
			if got := te.Place(); got != want {
				t.Errorf("%s is at %v, want %v", te.Msg, got, want)
			}
		})
	}
}

// TestRenderInclude looks where includes are found: the action looks beside the
// file at last, the lookup first.
func TestRenderInclude(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"templates/a.j2": "above", "templates/sub/a.j2": "beside", "templates/sub/main.j2": "{% include 'a.j2' %}",
		"templates/sub/b.j2": "only beside", "templates/sub/second.j2": "{% include 'b.j2' %}"} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		file  string
		first bool
		want  string
	}{{"main.j2", false, "above"}, {"main.j2", true, "beside"}, {"second.j2", false, "only beside"}, {"second.j2", true, "only beside"}} {
		r := Render{Engine: templates.New(templates.AnsibleOptions(templates.Current)), ReadFile: os.ReadFile,
			Path: filepath.Join(dir, "templates/sub", c.file), SearchPath: []string{dir}, BesideFirst: c.first}
		got, err := r.File(t.Context(), templates.MapScope{})
		if err != nil || strings.TrimSpace(got) != c.want {
			t.Errorf("%s, beside first is %t: got %q, %v, want %q", c.file, c.first, got, err, c.want)
		}
	}
}
