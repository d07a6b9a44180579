package templates

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestManyVariables sets more variables at a template's top level than are
// searched one by one.
func TestManyVariables(t *testing.T) {
	var src, want strings.Builder
	for i := range 3 * fewVars {
		fmt.Fprintf(&src, "{%% set v%d = 0 %%}{%% set v%d = %d %%}", i, i, i)
		fmt.Fprintf(&want, "%d,", i)
	}
	uses := ""
	for i := range 3 * fewVars {
		uses += fmt.Sprintf("{{ PREFIXv%d }},", i)
	}
	files := map[string]string{"lib": src.String() + "{% set _own = 1 %}{% set v0 = 0 %}", "use": strings.ReplaceAll(uses, "PREFIX", "")}
	e := New(Options{Load: func(name, _ string) (string, error) { return files[name], nil }})
	for _, c := range []struct{ src, want string }{
		{src.String() + "{% include 'use' %}", want.String()},
		{"{% import 'lib' as m %}" + strings.ReplaceAll(uses, "PREFIX", "m."), want.String()},
		{"{% import 'lib' as m %}{{ m._own is defined }}", "False"},
		{src.String() + "{% import 'lib' as v1 %}{% block b %}{{ v1.v5 }}{{ v2 }}{% endblock %}", "52"},
	} {
		tmpl, err := e.Compile(c.src, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time with what the first left for use
			if got, err := tmpl.Render(context.Background(), nil); err != nil || got != c.want {
				t.Errorf("...%s: got %q, %v, want %q", c.src[max(0, len(c.src)-60):], got, err, c.want)
			}
		}
	}
}

// TestUnusedVariables says that variables that nobody uses cost nothing.
func TestUnusedVariables(t *testing.T) {
	tmpl, err := New(Options{}).Compile("{% macro m(x) %}[{{ x }}]{% endmacro %}{% for i in l %}{{ m(i) }}{{ i }}{% endfor %}{{ l | map('upper') | sort | join(',') }}", "")
	if err != nil {
		t.Fatal(err)
	}
	allocs := func(unused int) float64 {
		d := lazyDict("l", []any{"b", "a"})
		for i := range unused {
			d.SetStr(fmt.Sprint("unused", i), text("{{ nope }}"))
		}
		scope := MapScope{d}
		return testing.AllocsPerRun(200, func() {
			if got, err := tmpl.Render(context.Background(), scope); err != nil || got != "[b]b[a]aA,B" {
				t.Fatal(got, err)
			}
		})
	}
	if few, many := allocs(1), allocs(5000); many > few+1 { // a collection may empty the pools
		t.Errorf("with 5,000 variables that nobody uses a rendering allocates %v times, with one %v times", many, few)
	}
}

// TestMacrosAgain renders macros that get elsewhere, and those that do not,
// with the frames that the first rendering left.
func TestMacrosAgain(t *testing.T) {
	files := map[string]string{"inc": "{{ m(1) }}", "base": "{% block b %}{% endblock %}"}
	e := New(Options{Load: func(name, _ string) (string, error) { return files[name], nil }})
	for src, want := range map[string]string{
		"{% macro m(x, y=x) %}{{ x }}{{ y }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(y=3, x=4) }}":                                                   "111243",
		"{% macro m(x) %}{% macro n() %}{{ x }}{% endmacro %}{{ n() }}{% endmacro %}{{ m(1) }}{{ m(2) }}":                                             "12",
		"{% macro m(x) %}<{{ x }}>{% endmacro %}{% include 'inc' %}{% include 'inc' %}":                                                               "<1><1>",
		"{% extends 'base' %}{% macro m(x) %}<{{ x }}>{% endmacro %}{% block b %}{{ m(l[0]) }}{% endblock %}":                                         "<7>",
		"{% macro m(x) %}<{{ x }}>{% endmacro %}{% set f = m %}{{ f(2) }}{{ [m, f][1](3) }}":                                                          "<2><3>",
		"{% macro m(x) %}{% if x %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}":                                                          "321",
		"{% macro m() %}({{ caller(1) }}){% endmacro %}{% macro o(f) %}{{ f() }}{% endmacro %}{% call(x) m() %}{{ x }}{{ y }}{% endcall %}{{ o(m) }}": "(1)error",
		"{% macro m(x) %}{{ l.append(x) or '' }}{% endmacro %}{{ m(l[0]) }}{{ l | length }}":                                                          "2",
	} {
		tmpl, err := e.Compile(src, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			got, err := tmpl.Render(context.Background(), vars("l", []any{7}))
			if before, fails := strings.CutSuffix(want, "error"); fails {
				if err == nil {
					t.Errorf("%s: got %q, want an error behind %q", src, got, before)
				}
			} else if err != nil || got != want {
				t.Errorf("%s: got %q, %v, want %q", src, got, err, want)
			}
		}
	}
}
