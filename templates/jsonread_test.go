package templates

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

var jsonTexts = []string{
	`null`, ` true `, `false`, `0`, `-0`, `12`, `-9223372036854775808`, `9223372036854775808`, `1e3`, `-1.5E-2`, `1e999`,
	`""`, `"a"`, `"text"`, `"\n\t\"\\\/\b\f\r"`, `"\u00e9\ud83d\ude00\ud83d"`, "\"\xff\xfe é\"", `"é😀"`, `"\\"`,
	`[]`, `[ ]`, `[1,2 , 3]`, `[[],{}]`, `{}`, `{"b":1, "a":[true,null], "b":2}`, "\t{\n\"a\" : \"b\"\r\n}\n", `{"":{"":""}}`, `{"\u0061":1}`,
	strings.Repeat("[", 100) + strings.Repeat("]", 100),
	``, ` `, `{`, `[1`, `[1,]`, `{"a"}`, `{"a":1,}`, `nul`, `NaN`, `Infinity`, `01`, `1.`, `"a`, `"\x"`, "\"\n\"", `1 2`, `{} x`, `'a'`,
	strings.Repeat("[", 1002) + strings.Repeat("]", 1002), strings.Repeat("[", 20000),
}

// TestFromJSON compares with encoding/json.
func TestFromJSON(t *testing.T) {
	for _, text := range jsonTexts {
		checkFromJSON(t, []byte(text))
	}
	if v, err := FromJSON([]byte(`{"b": 1, "a": {"d": 2, "c": 3}, "b": 4}`)); err != nil || Repr(v, Current) != "{'b': 4, 'a': {'d': 2, 'c': 3}}" {
		t.Errorf("%v %v", v, err)
	}
}

func FuzzFromJSON(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(checkFromJSON)
}

func checkFromJSON(t *testing.T, text []byte) {
	got, err := FromJSON(text)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var want any
	valid := json.Valid(text)
	if (err == nil) != valid {
		if !valid || !strings.Contains(err.Error(), "nested too deep") {
			t.Errorf("%.60q: %v, valid: %v", text, err, valid)
		}
		return
	}
	if !valid {
		return
	}
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if !Equal(got, FromGo(want)) {
		t.Errorf("%.60q: %s, want %s", text, Repr(got, Current), Repr(FromGo(want), Current))
	}
}

func BenchmarkFromJSON(b *testing.B) {
	text := []byte(`{"changed":true,"cmd":["/bin/true","17"],"delta":"0:00:00.001234","end":"2026-01-01 00:00:00.000000","invocation":{"module_args":{"_raw_params":"/bin/true 17","_uses_shell":false,"argv":null,"chdir":null,"creates":null,"executable":null,"expand_argument_vars":true,"removes":null,"stdin":null,"stdin_add_newline":true,"strip_empty_ends":true}},"msg":"","rc":0,"start":"2026-01-01 00:00:00.000000","stderr":"","stderr_lines":[],"stdout":"","stdout_lines":[]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := FromJSON(text); err != nil {
			b.Fatal(err)
		}
	}
}
