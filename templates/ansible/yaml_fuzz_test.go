package ansible

import (
	"testing"
	"unicode/utf8"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// FuzzDumpYAML writes texts in every place and reads them back.
func FuzzDumpYAML(f *testing.F) {
	for _, s := range []string{"", "a", "yes", "a: b", "x\ny\n", " lead", "it's", "1.5", "- a", "a #b", "\t", "word word word word word word word word word word word word word word word word word"} {
		f.Add(s, 2)
	}
	f.Fuzz(func(t *testing.T, s string, indent int) {
		for _, r := range s {
			if !isYAMLPrintable(r) {
				t.Skip("the reader and the writer differ about control characters")
			}
		}
		if !utf8.ValidString(s) {
			t.Skip("no text")
		}
		d := templates.NewDict(1)
		d.SetStr("k", list([]value{str(s), templates.Tuple{str(s)}}))
		out, err := DumpYAML(d, Block(indent))
		if err != nil {
			t.Fatal(err)
		}
		back, err := pyyaml.Parse([]byte(out), "", pyyaml.Options{})
		if err != nil {
			t.Fatalf("%q gives %q: %v", s, out, err)
		}
		m, ok := back.(*templates.Dict)
		if !ok {
			t.Fatalf("%q gives %q", s, out)
		}
		if l, _ := m.GetStr("k"); !templates.Equal(elemsOf(l)[0], str(s)) {
			t.Errorf("%q gives %q, which reads as %s", s, out, repr(l))
		}
	})
}
