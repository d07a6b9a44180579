package pyyaml

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestLocate finds the mark @ of a text in the file that the text was read from.
func TestLocate(t *testing.T) {
	for _, tc := range []struct{ name, file string }{
		{"literal", "a: |\n  one\n\n  two @\n"},
		{"literal with a comment behind its bar", "a: |2- # no @ here\n   one\n  @\n"},
		{"folded", "b: 1\na: >-\n  one\n  two\n\n  three @ four\n"},
		{"double quotes", "a: \"one \\\"two\\\"\n  \\u00e4\\n \\x41 \\\n  @ five\"\n"},
		{"single quotes", "a: 'it''s\n\n  @ here'\n"},
		{"plain", "a: first\n  second @\n  third\n"},
		{"second of a flow", "{x: \"one\", a: \"\\u00e4 @\"}\n"},
		{"tagged", "a: !unsafe \"\\u00e4\n  @\"\n"},
		{"below its key", "a:\n  first\n  @\n"},
	} {
		var doc struct{ A yaml.Node }
		if err := yaml.Unmarshal([]byte(tc.file), &doc); err != nil {
			t.Fatal(tc.name, err)
		}
		text := doc.A.Value
		line, col, ok := Locate(tc.file, doc.A.Line, text, strings.Index(text, "@"))
		if !ok {
			t.Errorf("%s: not found", tc.name)
			continue
		}
		got := strings.Split(tc.file, "\n")[line-1]
		if r := []rune(got); col > len(r) || r[col-1] != '@' {
			t.Errorf("%s: line %d, column %d, which is no @", tc.name, line, col)
		}
	}
	for _, tc := range []struct{ file, text string }{
		{"a: \"x\\ud83d\\ude00\"\n", "x😀"}, // two escapes for one character are not followed
		{"a: other\n", "text"},
		{"", "text"},
	} {
		if line, col, ok := Locate(tc.file, 1, tc.text, 0); ok {
			t.Errorf("%q in %q: found at %d:%d", tc.text, tc.file, line, col)
		}
	}
	if _, _, ok := Locate("a: b\n", 9, "b", 0); ok {
		t.Error("found behind the end of the file")
	}
}
