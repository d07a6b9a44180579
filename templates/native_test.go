package templates

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
)

// nativeDiverges are the templates that we answer otherwise, with the reason.
var nativeDiverges = map[string]string{
	"{{ foo( }}": "words of syntax errors are Jinja2's, the caller adds the template",
	"{{ 1 +}}":   "words of syntax errors are Jinja2's, the caller adds the template",
	"{% if %}":   "words of syntax errors are Jinja2's, the caller adds the template",
	"{{ cyc }}":  "the message shows the whole cycle",
	"{{ c1 }}":   "the message shows the whole cycle",
	// kinder than the reference
	"{{ 'a' if false }}": "2.19 and later name a type that cannot be stored, we say that there is no else",
	"{{ range(3) }}":     "2.19 and later refuse a range, we give a list as 2.14 does",
	"{{ dl.a }}":         "2.14 needs every item of a dict to be defined, we only the one that is asked for",
}

var wrapping = regexp.MustCompile(`^error (Error rendering template: |Unexpected templating type error occurred on \(.*?\}\}\): |The \w+ plugin '[\w.]+' failed: )`)

// TestNative compares values with those that Ansible's Templar gives.
func TestNative(t *testing.T) {
	for file, era := range map[string]Era{"native-2.14.jsonl": Era214, "native-current.jsonl": Current} {
		b, err := os.ReadFile("../testdata/jinja/ansible/" + file)
		if err != nil {
			t.Fatal(err)
		}
		first, rest, _ := bytes.Cut(b, []byte("\n"))
		head, err := FromJSON(first)
		if err != nil {
			t.Fatal(err)
		}
		vars, _ := head.(*Dict).GetStr("vars")
		scope := MapScope{templated(vars).(*Dict)}
		e := New(AnsibleOptions(era))
		for line := range bytes.Lines(rest) {
			c := readCase(t, line)
			if nativeDiverges[c.template] != "" {
				continue
			}
			t.Run(file+"/"+c.template, func(t *testing.T) { checkNative(t, e, scope, line) })
		}
	}
}

func checkNative(t *testing.T, e *Engine, scope Scope, line []byte) {
	t.Helper()
	v, err := FromJSON(line)
	if err != nil {
		t.Fatal(err)
	}
	text := func(key string) string {
		x, _ := v.(*Dict).GetStr(key)
		if x == nil {
			return ""
		}
		return StrOf(x, Current)
	}
	want := text("type") + " " + text("value")
	if text("error") != "" {
		want = "error " + text("message")
	}
	got := ""
	tmpl, err := e.Compile(text("template"), "")
	if err == nil {
		var x Value
		if x, err = tmpl.Eval(context.Background(), scope); err == nil {
			got = x.Type() + " " + Repr(x, Current)
		}
	}
	if err != nil {
		got = "error " + err.Error()
		// what Ansible puts around Jinja2's words is the caller's
		want = wrapping.ReplaceAllString(strings.ReplaceAll(want, "_AnsibleTaggedStr", "str"), "error ")
		want = strings.TrimSuffix(want, ". "+err.Error()) // 2.14 says it twice
	}
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// templated returns v as a vars file has it: texts with markers are *Text.
func templated(v Value) Value {
	switch x := v.(type) {
	case Str:
		return NewText(string(x), Pos{})
	case *List:
		l := &List{Lazy: true}
		for _, e := range x.Elems {
			l.Elems = append(l.Elems, templated(e))
		}
		return l
	case *Dict:
		d := &Dict{Lazy: true}
		for k, e := range x.All {
			d.SetStr(string(k.(Str)), templated(e))
		}
		return d
	}
	return v
}
