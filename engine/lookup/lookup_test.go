package lookup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/templates"
)

// dictScope is a scope over a dict.
type dictScope struct{ d *templates.Dict }

func (s dictScope) Lookup(name string) (templates.Value, bool, error) {
	v, ok := s.d.GetStr(name)
	return v, ok, nil
}

func (s dictScope) Names() []string {
	var names []string
	for k := range s.d.All {
		names = append(names, templates.StrOf(k, templates.Current))
	}
	return names
}

// TestQuery holds expressions with what ansible-core 2.14.18 gave for them.
func TestQuery(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"files/f.txt": "text\n", "files/g1.conf": "", "files/g2.conf": "", "templates/t.j2": "v={{ v }}",
		"files/users.csv": "bob\t1\tx\nann\t2\ty\n", "files/c.ini": "[s]\nk = v1\n more\nk2: v2\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GORUN_LOOKUP", "e")
	vars := templates.NewDict(4)
	vars.SetStr("ansible_search_path", templates.NewList(templates.Str(dir)))
	vars.SetStr("playbook_dir", templates.Str(dir))
	vars.SetStr("v", templates.Int(7))
	vars.SetStr("var_one", templates.Int(1))
	tab := New(Options{Match: func(string) ([]string, error) { return []string{"a", "b"}, nil }})
	e := templates.New(templates.Options{Globals: tab.Globals(), Undefined: templates.AnsibleUndefined})
	for _, c := range []struct{ in, want string }{
		{"q('items', [1, [2, 3]])", "[1, [2, 3]]"},
		{"q('items', [1, 2], [3])", "[1, 2, 3]"},
		{"q('flattened', [1, [2, [3]]])", "[1, 2, 3]"},
		{"q('dict', {'a': 1})", "[{'key': 'a', 'value': 1}]"},
		{"q('nested', [1, 2], ['a'])", "[[1, 'a'], [2, 'a']]"},
		{"q('together', [1, 2], ['a'])", "[[1, 'a'], [2, None]]"},
		{"q('indexed_items', ['x', 'y'])", "[(0, 'x'), (1, 'y')]"},
		{"q('sequence', 'start=1 end=3')", "['1', '2', '3']"},
		{"q('sequence', 'start=4 end=0 stride=-2 format=h%02d')", "['h04', 'h02', 'h00']"},
		// 2.14 ignores keyword arguments here; later releases know them.
		{"q('sequence', count=2, format='n%x', start=10)", "['na', 'nb']"},
		{"q('subelements', [{'n': 'j', 'l': [1, 2]}], 'l')", "[({'n': 'j'}, 1), ({'n': 'j'}, 2)]"},
		{"lookup('file', 'f.txt')", "'text'"},
		{"lookup('template', 't.j2')", "'v=7'"},
		{"lookup('env', 'GORUN_LOOKUP')", "'e'"},
		{"lookup('env', 'GORUN_NOT_THERE', default='d')", "'d'"},
		{"lookup('vars', 'v')", "7"},
		{"q('varnames', '^var_')", "['var_one']"},
		{"lookup('csvfile', 'ann file=users.csv delimiter=TAB col=2')", "'y'"},
		{"lookup('ini', 'k2 section=s file=c.ini')", "'v2'"},
		{"lookup('ini', 'k section=s file=c.ini')", "'v1\\nmore'"},
		{"lookup('pipe', 'echo hi')", "'hi'"},
		{"q('lines', 'printf \"a\\nb\\n\"')", "['a', 'b']"},
		{"q('fileglob', '*.conf') | length", "2"},
		{"q('first_found', ['nope', 'f.txt']) | length", "1"},
		{"q('first_found', {'files': ['nope'], 'skip': true})", "[]"},
		{"q('inventory_hostnames', 'all')", "['a', 'b']"},
		{"lookup('file', 'nope', errors='ignore')", "None"},
		{"lookup('items', [1, 2])", "[1, 2]"},
		{"lookup('items', ['a', 'b'])", "'a,b'"},
	} {
		tm, err := e.CompileExpr(c.in)
		if err != nil {
			t.Fatal(err)
		}
		v, err := tm.EvalExpr(context.Background(), dictScope{vars})
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := templates.Repr(v, templates.Current); got != c.want {
			t.Errorf("%s = %s, want %s", c.in, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	tab := New(Options{})
	for _, c := range []struct{ name, term, want string }{
		{"sequence", "start=1", "must specify count or end in with_sequence"},
		{"sequence", "start=5 end=1", "to count backwards make stride negative"},
		{"sequence", "end=x", "can't parse end=x as integer"},
		{"dict", "x", "with_dict expects a dict"},
		{"file", "/does/not/exist", "could not locate file in lookup: /does/not/exist"},
		{"nope", "", "Unexpected failure in finding the lookup named 'nope'"},
	} {
		_, err := tab.Loop(context.Background(), c.name, templates.Str(c.term), Env{Templates: templates.New(templates.Options{Era: templates.Era214}), Scope: dictScope{templates.NewDict(0)}})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("with_%s %q: %v, want %s", c.name, c.term, err, c.want)
		}
	}
}

func TestPasswordIsKept(t *testing.T) {
	tab := New(Options{})
	path := filepath.Join(t.TempDir(), "sub", "pw")
	env := Env{Templates: templates.New(templates.Options{}), Scope: dictScope{templates.NewDict(0)}}
	one, err := tab.Loop(context.Background(), "password", templates.Str(path+" length=12 chars=digits"), env)
	if err != nil {
		t.Fatal(err)
	}
	two, err := tab.Loop(context.Background(), "password", templates.Str(path), env)
	if err != nil {
		t.Fatal(err)
	}
	if s := text(one[0]); s != text(two[0]) || len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		t.Errorf("passwords %v and %v", one, two)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", st, err)
	}
}

// FuzzSequence looks for terms that hang or panic.
func FuzzSequence(f *testing.F) {
	for _, s := range []string{"start=1 end=3", "4-0/-2:h%02d", "count=0", "0x10", "-3--1", ":", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, term string) {
		s := sequence{start: 1, stride: 1, format: "%d"}
		if s.parse(term) == nil && s.end-s.start < 1000 && s.end-s.start > -1000 && s.count < 1000 {
			s.items()
		}
	})
}

type indexError struct{}

func (indexError) Error() string       { return "list index out of range" }
func (indexError) PythonClass() string { return "IndexError" }

// TestPythonError expects the words that ansible-core 2.14.18 has for an
// exception of a lookup (community.general.keyring of a term without a blank).
func TestPythonError(t *testing.T) {
	more := func(string, bool) (Plugin, bool) {
		return func(context.Context, Env, []templates.Value, map[string]templates.Value) ([]templates.Value, error) {
			return nil, indexError{}
		}, true
	}
	e := templates.New(templates.Options{Era: templates.Era214, Globals: New(Options{More: more}).Globals()})
	tmpl, err := e.Compile("{{ lookup('community.general.keyring', 'x') }}", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tmpl.Eval(context.Background(), templates.MapScope{Mapping: templates.NewDict(0)})
	want := "An unhandled exception occurred while running the lookup plugin 'community.general.keyring'. Error was a <class 'IndexError'>, original message: list index out of range. list index out of range"
	var te *templates.Error
	if !errors.As(err, &te) || te.Msg != want {
		t.Errorf("got %v", err)
	}
}
