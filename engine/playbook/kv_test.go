package playbook

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gorun/templates"
)

// A kvCase is a line of testdata/kv.jsonl, recorded from ansible-core 2.14.18.
type kvCase struct {
	In   string      `json:"in"`
	Free bool        `json:"free"`
	Want [][2]string `json:"want"`
	// Not is set where gorun differs, with the reason.
	Not string `json:"not"`
}

func kvCases(t testing.TB) []kvCase {
	f, err := os.Open("testdata/kv.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []kvCase
	for s := bufio.NewScanner(f); s.Scan(); {
		var c kvCase
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		cases = append(cases, c)
	}
	return cases
}

func TestParseKV(t *testing.T) {
	cases := kvCases(t)
	if len(cases) < 100 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		if c.Not != "" {
			continue
		}
		got := [][2]string{}
		d, err := ParseKV(c.In, c.Free)
		if err != nil {
			got = append(got, [2]string{"ERR", err.Error()})
		} else {
			for k, v := range d.All {
				s, _ := textOf(v)
				got = append(got, [2]string{string(k.(templates.Str)), s})
			}
		}
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(c.Want)
		if string(g) != string(w) {
			t.Errorf("%q free=%v\n got %s\nwant %s", c.In, c.Free, g, w)
		}
	}
}

func TestParseKVPositions(t *testing.T) {
	d, err := parseKV("src={{ a }} dest=x\nmode={{ b }}", false, Pos{File: "f", Line: 7, Col: 5})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]Pos{"src": {File: "f", Line: 7, Col: 9}, "mode": {File: "f", Line: 8, Col: 10}} {
		v, _ := d.GetStr(key)
		if got := v.(*templates.Text).Pos; got != want {
			t.Errorf("%s stands at %v, want %v", key, got, want)
		}
	}
}

func FuzzParseKV(f *testing.F) {
	for _, c := range kvCases(f) {
		f.Add(c.In, c.Free)
	}
	f.Fuzz(func(t *testing.T, in string, free bool) {
		d, err := ParseKV(in, free)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "failed at splitting arguments") {
				t.Fatal(err)
			}
			return
		}
		for _, v := range d.All {
			if _, ok := textOf(v); !ok {
				t.Fatalf("%q gives a %T", in, v)
			}
		}
	})
}
