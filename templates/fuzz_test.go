package templates

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// addCorpus seeds a fuzz target with the templates of the corpus.
func addCorpus(f *testing.F, area string) {
	f.Helper()
	files, _ := filepath.Glob("../testdata/jinja/" + area + ".jsonl")
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		_, rest, _ := bytes.Cut(b, []byte("\n"))
		n := 0
		for line := range bytes.Lines(rest) {
			v, err := FromJSON(line)
			if err != nil {
				f.Fatal(err)
			}
			if n++; n%7 == 0 {
				src, _ := v.(*Dict).GetStr("template")
				f.Add(StrOf(src, Current))
			}
		}
	}
}

// checkThrow fails where what f threw is a fault of the package.
func checkThrow(t *testing.T, src string, err error) {
	t.Helper()
	if e, ok := err.(*Error); ok && e.Kind == TemplateRuntimeError && len(e.Msg) > 15 && e.Msg[:15] == "internal error:" {
		t.Fatalf("%q: %s", src, e.Msg)
	}
}

func FuzzLexer(f *testing.F) {
	addCorpus(f, "language")
	f.Fuzz(func(t *testing.T, src string) {
		for _, o := range []Options{{}, {TrimBlocks: true, LstripBlocks: true, LineStatementPrefix: "#", LineCommentPrefix: "##"}, {BlockStart: "<?", BlockEnd: "?>", VariableStart: "$", VariableEnd: "$"}} {
			_, toks := newSyntax(&o).lex(src)
			if len(toks) == 0 {
				t.Fatalf("%q: no tokens", src)
			}
			if last := toks[len(toks)-1]; last.kind != tokEOF && last.kind != tokError {
				t.Fatalf("%q ends with %q", src, last.kind)
			} else if last.err != nil {
				checkThrow(t, src, last.err)
			}
		}
	})
}

func FuzzParser(f *testing.F) {
	addCorpus(f, "language")
	addCorpus(f, "expressions")
	f.Fuzz(func(t *testing.T, src string) {
		e := New(Options{Extensions: []string{"do", "loopcontrols"}})
		_, err := e.Compile(src, "")
		checkThrow(t, src, err)
		_, err = e.CompileExpr(src)
		checkThrow(t, src, err)
	})
}

func FuzzRender(f *testing.F) {
	addCorpus(f, "*")
	scope := MapScope{lazyDict("a", 1, "b", "two", "c", nil, "l", []any{1, "a"}, "t", text("{{ a }}"), "d", lazyDict("x", text("{{ t }}")))}
	f.Fuzz(func(t *testing.T, src string) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		for _, o := range []Options{{MaxOutput: 1 << 20}, AnsibleOptions(Current), AnsibleOptions(Era19)} {
			o.MaxOutput = 1 << 20
			tmpl, err := New(o).Compile(src, "")
			if err == nil {
				var v Value
				v, err = tmpl.Eval(ctx, scope)
				if err == nil && IsLazy(v) {
					t.Fatalf("%q: a lazy result", src)
				}
			}
			checkThrow(t, src, err)
		}
	})
}

func FuzzStrFormat(f *testing.F) {
	for _, s := range []string{"{}", "{0:>10}", "{a.b[c]!r:{w}.{p}}", "{:,.2f}", "{{}}", "%5.2f", "%(a)s", "%*d", "{:010b}", "{0[1]}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, format string) {
		for _, src := range []string{"{{ f.format(1, 'x', 2.5, a=l, w=3, p=2) }}", "{{ f.format('x', true, none, a=d) }}", "{{ f % (1, 2.5, 'x') }}", "{{ f % {'a': 1} }}", "{{ f % 5 }}"} {
			tmpl, err := New(Options{MaxOutput: 1 << 22}).Compile(src, "")
			if err == nil {
				_, err = tmpl.Render(context.Background(), vars("f", format, "l", []any{1, 2}, "d", map[string]any{"b": 1}))
			}
			checkThrow(t, format, err)
		}
	})
}
