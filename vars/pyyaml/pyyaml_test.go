package pyyaml

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"gorun/templates"
)

// render prints a value as Python's str does, as far as the tables need it.
func render(v templates.Value) string {
	switch v := v.(type) {
	case templates.NoneType:
		return "None"
	case templates.Bool:
		if v {
			return "True"
		}
		return "False"
	case templates.Int:
		return fmt.Sprint(int64(v))
	case *templates.BigInt:
		return v.V.String()
	case templates.Str:
		return string(v)
	case *templates.Text:
		return "T(" + v.Src + ")"
	case *templates.DateTime:
		layout := "2006-01-02T15:04:05"
		switch {
		case v.DateOnly:
			layout = "2006-01-02"
		case !v.Naive:
			layout = "2006-01-02T15:04:05-07:00"
		}
		s := v.T.Format(layout)
		if us := v.T.Nanosecond() / 1000; us > 0 {
			s = s[:19] + fmt.Sprintf(".%06d", us) + s[19:]
		}
		return s
	case *templates.List:
		parts := make([]string, v.Len())
		for i, e := range v.Elems {
			parts[i] = render(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *templates.Dict:
		var parts []string
		for k, e := range v.All {
			parts = append(parts, render(k)+": "+render(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case templates.Tuple:
		return "(" + render(v[0]) + ", " + render(v[1]) + ")"
	case templates.Bytes:
		return "b'" + string(v) + "'"
	}
	return v.Type()
}

// TestScalars compares with what PyYAML 6.0.3 (safe_load) answered:
// testdata/scalars.jsonl holds text, Python type, and str (isoformat, repr for floats).
func TestScalars(t *testing.T) {
	f, err := os.Open("testdata/scalars.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		var c [3]string
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		v, err := Parse([]byte("k: "+c[0]+"\n"), "f", Options{})
		if err != nil {
			t.Errorf("%q: %v", c[0], err)
			continue
		}
		k, _ := v.(*templates.Dict).GetStr("k")
		if k.Type() != c[1] {
			t.Errorf("%q is a %s, want %s", c[0], k.Type(), c[1])
			continue
		}
		if fl, ok := k.(templates.Float); ok {
			if !sameFloat(float64(fl), c[2]) {
				t.Errorf("%q = %v, want %s", c[0], fl, c[2])
			}
		} else if got := render(k); got != c[2] {
			t.Errorf("%q = %s, want %s", c[0], got, c[2])
		}
	}
	if n < 100 {
		t.Fatalf("only %d cases", n)
	}
}

func sameFloat(f float64, want string) bool {
	var w float64
	switch want {
	case "nan":
		return math.IsNaN(f)
	case "inf":
		w = math.Inf(1)
	case "-inf":
		w = math.Inf(-1)
	default:
		fmt.Sscan(want, &w)
	}
	return f == w && math.Signbit(f) == math.Signbit(w)
}

func TestDocuments(t *testing.T) {
	vault := func(text string, _ templates.Pos) (string, error) { return "secret:" + strings.TrimSpace(text), nil }
	for _, c := range []struct{ in, want string }{
		{"", "None"},
		{"# only a comment\n", "None"},
		{"--- \n", "None"},
		{"a: 1\nb: [x, yes, ~]\n", "{a: 1, b: [x, True, None]}"},
		{"1: a\n2.5: b\nno: c\n", "{1: a, float: b, False: c}"},
		{"a: \"{{ x }}\"\nb: '{{ y }}'\nc: plain {% raw %}\nd: {e: f}\n", "{a: T({{ x }}), b: T({{ y }}), c: T(plain {% raw %}), d: {e: f}}"},
		{"a: !unsafe '{{ x }}'\nb: !unsafe ['{{ x }}', {k: '{{ y }}'}]\n", "{a: {{ x }}, b: [{{ x }}, {k: {{ y }}}]}"},
		{"a: !vault |\n  abc\n", "{a: secret:abc}"},
		{"base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3\n  z: 4\n", "{base: {x: 1, y: 2}, d: {x: 1, y: 3, z: 4}}"},
		{"a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n", "{a: {x: 1}, b: {x: 2, y: 2}, c: {x: 1, y: 2}}"},
		{"'<<': 1\n", "{<<: 1}"},
		{"a: &x [1, 2]\nb: *x\n", "{a: [1, 2], b: [1, 2]}"},
		{"a: !!str 1\nb: !!int '7'\nc: !!float 3\nd: !!binary aGk=\ne: !!omap [a: 1]\n", "{a: 1, b: 7, c: float, d: b'hi', e: [(a, 1)]}"},
		{"a: |\n  x {{ y }}\n  z\nb: >-\n  u\n  v\n", "{a: T(x {{ y }}\nz\n), b: u v}"},
		{"\xef\xbb\xbfa: 1\n", "{a: 1}"},
		{"a: 1\r\nb: 2\r\n", "{a: 1, b: 2}"},
		{"{\"a\": [1, 2.5, null, true], \"b\": \"\\u00e9\"}", "{a: [1, float, None, True], b: \u00e9}"},
		{"a: '='\nb: ==\n", "{a: =, b: ==}"},
		{"k: 'it''s'\nl: \"tab\\there\"\n", "{k: it's, l: tab\there}"},
		{"\"{{ k }}\": 1\n", "{{{ k }}: 1}"},
	} {
		v, err := Parse([]byte(c.in), "f", Options{Trusted: true, Vault: vault})
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if got := render(v); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestUTF16(t *testing.T) {
	units := utf16.Encode([]rune("a: h\u00e9 \U0001F600\n"))
	little, big := []byte("\xff\xfe"), []byte("\xfe\xff")
	for _, u := range units {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	for name, data := range map[string][]byte{"little": little, "big": big} {
		v, err := Parse(data, "f", Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := render(v); got != "{a: h\u00e9 \U0001F600}" {
			t.Errorf("%s endian: %s", name, got)
		}
	}
}

func TestParseAll(t *testing.T) {
	vs, err := ParseAll([]byte("a: 1\n---\n- b\n---\n"), "f", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := render(templates.NewList(vs...)); got != "[{a: 1}, [b], None]" {
		t.Error(got)
	}
}

func TestDuplicateKeysWarn(t *testing.T) {
	var warned []string
	v, err := Parse([]byte("x:\n  k: 1\n  l: 2\n  k: 3\n"), "/f.yml", Options{Warn: func(m string) { warned = append(warned, m) }})
	if err != nil {
		t.Fatal(err)
	}
	if got := render(v); got != "{x: {k: 3, l: 2}}" {
		t.Error(got)
	}
	want := "While constructing a mapping from /f.yml, line 2, column 3, found a duplicate dict key (k). Using last defined value only."
	if len(warned) != 1 || warned[0] != want {
		t.Errorf("warned %q, want %q", warned, want)
	}
}

// TestErrors compares messages and places with those of ansible-core 2.14.18
// (libyaml), as far as the YAML library tells the same; notes are gorun's.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ in, want, note string }{
		{"vars:\n  key: {{ var }}\n", "f:2:9: found unacceptable key (unhashable type: 'AnsibleMapping')", `key: "{{ var }}"`},
		{"vars:\n  key: {{ var }}  # why\n", "f:2:9: found unacceptable key (unhashable type: 'AnsibleMapping')", `key: "{{ var }}"`},
		{"vars:\n  key: {{ var }}/foo\n", "f:2:8: did not find expected key", `key: "{{ var }}/foo"`},
		{"- debug: msg={{ a }}\n- x: {{ a[\"b\"] }}\n", "f:2:6: did not find expected ',' or '}'", `x: '{{ a["b"] }}'`},
		{"vars:\n  a: b: c\n", "f:2:7: mapping values are not allowed in this context", "a colon and a space inside a value"},
		{"vars:\n  a:\n\tb: 1\n", "f:3:1: found character that cannot start any token", "tab character"},
		{"a: !foo x\n", "f:1:4: could not determine a constructor for the tag '!foo'", ""},
		{"a: !!python/tuple [x]\n", "f:1:4: could not determine a constructor for the tag 'tag:yaml.org,2002:python/tuple'", ""},
		{"a: %x\n", "f:1:4: found character that cannot start any token", ""},
		{"x: 1\na: @x\n", "f:2:4: found character that cannot start any token", ""},
		{"a: 1\nb: *x\n", "f:2:4: found undefined alias 'x'", ""},
		{"a: &x [*x]\n", "f:1:8: the anchor 'x' contains itself", ""},
		{"a: 1\n---\nb: 1\n", "f:3:1: expected a single document in the stream, but found another document", "three dashes"},
		{"a: 1\n b: 2\n", "f:2:3: mapping values are not allowed in this context", ""},
		{"a:\n  - b\n  c: 1\n", "f:3:3: did not find expected '-' indicator", ""},
		{"a: 2024-02-31\n", "f:1:4: day is out of range for month", "quoted"},
		{"a: =\n", "f:1:4: could not determine a constructor for the tag 'tag:yaml.org,2002:value'", ""},
		{"a: !!int foo\n", "f:1:4: 'foo' is no int", ""},
		{"a: !vault x\n", "f:1:4: found !vault but no vault password provided", ""},
		{"a: 1\nb: \xff\n", "f:2:4: the byte 0xff is not UTF-8", ""},
		{"? [a]\n: b\n", "f:1:3: found unacceptable key (unhashable type: 'AnsibleSequence')", ""},
		{"<<: 1\n", "f:1:5: expected a mapping or list of mappings for merging, but found scalar", ""},
		{"a: 'x' y\n", "f:1:4: did not find expected key", "begins with a quote"},
	} {
		_, err := Parse([]byte(c.in), "f", Options{})
		if err == nil {
			t.Errorf("%q: no error, want %s", c.in, c.want)
			continue
		}
		if err.Error() != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.in, err, c.want)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: a %T", c.in, err)
			continue
		}
		if notes := strings.Join(e.Notes, "\n"); !strings.Contains(notes, c.note) {
			t.Errorf("%q: notes %q, want %q", c.in, notes, c.note)
		}
	}
}

// TestTextPositions looks each template up in the text at the place it tells.
func TestTextPositions(t *testing.T) {
	src := "a: {x: \"{{ p }}\"}\nb: x {{ q }}\nc: '{{ r }}'\nd: |\n    one\n    two {{ s }}\ne: !unsafe x\nf:   &anchor tail {{ t }}\n\u00e9\u00e9: \u00fc {{ u }}\n"
	v, err := Parse([]byte(src), "f", Options{Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(src, "\n")
	n := 0
	var walk func(v templates.Value)
	walk = func(v templates.Value) {
		switch v := v.(type) {
		case *templates.Dict:
			for _, e := range v.All {
				walk(e)
			}
		case *templates.Text:
			n++
			for i, l := range strings.Split(strings.TrimSuffix(v.Src, "\n"), "\n") {
				line := []rune(lines[v.Pos.Line-1+i])
				if !strings.HasPrefix(string(line[v.Pos.Col-1:]), l) {
					t.Errorf("%q is not at %v", l, v.Pos)
				}
			}
		}
	}
	walk(v)
	if n != 6 {
		t.Errorf("%d texts, want 6", n)
	}
}

func TestInexactPositionHasNoColumn(t *testing.T) {
	v, err := Parse([]byte("a: \"x\\t{{ y }}\"\nb: >\n  {{ z }}\n  w\n"), "f", Options{Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]templates.Pos{"a": {File: "f", Line: 1}, "b": {File: "f", Line: 2}} {
		x, _ := v.(*templates.Dict).GetStr(k)
		if got := x.(*templates.Text).Pos; got != want {
			t.Errorf("%s: %v, want %v", k, got, want)
		}
	}
}

func TestBombEndsWithAnError(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	_, err := Parse([]byte(b.String()), "f", Options{})
	if err == nil || err.Error() != "f:1:1: the document's aliases stand for too many values" {
		t.Errorf("got %v", err)
	}
	_, err = Parse(make([]byte, 100<<20), "f", Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "f: the file f is too large: it has 104857600 bytes") {
		t.Errorf("got %v", err)
	}
	_, err = Parse([]byte(strings.Repeat("[", 200000)), "f", Options{})
	if err == nil {
		t.Error("200000 nested lists were taken")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"a: 1\nb: [x, yes]\n", "base: &b {x: 1}\nd:\n  <<: *b\n", "a: |\n  x {{ y }}\n", "a: !unsafe x\n", "? [a]\n: b\n", "a: &x [*x]\n",
		"k: 2024-02-31\n", "\xff\xfea\x00", "a: >-\n u\n  v\n\n", "{{ x }}", "- - - a\n", "a: \"\\x41\"\n", "--- a\n--- b\n", "'<<': 1\n<<: {a: b}\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data, "f", Options{Trusted: true, Warn: func(string) {}})
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("a %T: %v", err, err)
		}
		if err == nil && v == nil {
			t.Fatal("neither a value nor an error")
		}
	})
}

func TestSeal(t *testing.T) {
	opened := 0
	o := Options{Trusted: true, Seal: true, Vault: func(string, templates.Pos) (string, error) { opened++; return "", nil }}
	v, err := Parse([]byte("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162'\\\nb: plain {{ x }}\n"), "f", o)
	if err != nil {
		t.Fatal(err)
	}
	d := v.(*templates.Dict)
	a, _ := d.GetStr("a")
	if text, ok := Sealed(a); !ok || text != "$ANSIBLE_VAULT;1.1;AES256\n6162'\\\n" {
		t.Errorf("sealed %q, %v", text, ok)
	}
	b, _ := d.GetStr("b")
	if _, ok := Sealed(b); ok || opened != 0 {
		t.Errorf("b is sealed: %v; %d opened", ok, opened)
	}
}
