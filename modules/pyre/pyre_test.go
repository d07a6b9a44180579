package pyre

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The file is made by testdata/record.py.
type recorded struct {
	RecordedWith string `json:"recorded_with"`
	Cases        []struct {
		Pattern, Error string
		Groups         int
		Names          map[string]int
		Texts          []struct {
			Text                string
			Search, Match, Full [][2]int
			All                 [][][2]int
			Split, Split1       []*string
			Sub1                string
		}
		Subs []struct {
			Repl, Text, Out, Error string
			N                      int
		}
	}
}

func load(t testing.TB) recorded {
	data, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func spansOf(m *Match) [][2]int {
	if m == nil {
		return nil
	}
	return m.spans
}

func splitOf(parts []Part) []*string {
	var out []*string
	for _, p := range parts {
		if p.Ok {
			out = append(out, &p.Text)
		} else {
			out = append(out, nil)
		}
	}
	return out
}

func TestAgainstPython(t *testing.T) {
	for _, c := range load(t).Cases {
		t.Run(c.Pattern, func(t *testing.T) {
			re, err := Compile(c.Pattern, 0)
			if c.Error != "" {
				if err == nil || err.Error() != c.Error {
					t.Fatalf("error %v, Python says %q", err, c.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if re.NumGroups() != c.Groups || !reflect.DeepEqual(re.GroupIndex(), c.Names) {
				t.Errorf("groups %d %v, want %d %v", re.NumGroups(), re.GroupIndex(), c.Groups, c.Names)
			}
			for _, x := range c.Texts {
				same := func(what string, got, want any) {
					if !reflect.DeepEqual(got, want) {
						g, _ := json.Marshal(got)
						w, _ := json.Marshal(want)
						t.Errorf("%s on %q: got %s, want %s (%s)", what, x.Text, g, w, re.expr)
					}
				}
				same("search", spansOf(re.Search(x.Text)), x.Search)
				same("match", spansOf(re.Match(x.Text)), x.Match)
				same("fullmatch", spansOf(re.FullMatch(x.Text)), x.Full)
				all := [][][2]int{}
				for _, m := range re.FindIter(x.Text, 0) {
					all = append(all, m.spans)
				}
				same("finditer", all, x.All)
				same("split", splitOf(re.Split(x.Text, 0)), x.Split)
				same("split 1", splitOf(re.Split(x.Text, 1)), x.Split1)
				sub, _, _ := re.Sub("-", x.Text, 1)
				same("sub 1", sub, x.Sub1)
			}
			for _, x := range c.Subs {
				out, n, err := re.Sub(x.Repl, x.Text, 0)
				msg := ""
				if err != nil {
					msg, out, n = err.Error(), "", 0
				}
				if out != x.Out || n != x.N || msg != x.Error {
					t.Errorf("sub %q: got %q %d %q, want %q %d %q", x.Repl, out, n, msg, x.Out, x.N, x.Error)
				}
			}
		})
	}
}

func TestBytesSurvive(t *testing.T) {
	in := "caf\xe9 = x\n"
	out, n, err := MustCompile(`(\S+) = x`, 0).Sub(`\1 = y`, in, 0)
	if err != nil || n != 1 || out != "caf\xe9 = y\n" {
		t.Errorf("got %q, %d, %v", out, n, err)
	}
}

func TestEscape(t *testing.T) {
	in := "a.b*c [x]\\ #~é"
	if got, want := Escape(in), `a\.b\*c\ \[x\]\\\ \#\~é`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if m := MustCompile(Escape(in), 0).FullMatch(in); m == nil {
		t.Error("an escaped text does not match itself")
	}
}

func FuzzCompile(f *testing.F) {
	for _, c := range load(f).Cases {
		f.Add(c.Pattern, "abk=v", `\1`)
	}
	f.Fuzz(func(t *testing.T, pattern, text, repl string) {
		if len(pattern) > 30 || len(text) > 30 || strings.Count(pattern, "{") > 1 {
			return
		}
		re, err := Compile(pattern, 0)
		if err != nil {
			return
		}
		for _, m := range re.FindIter(text, 20) {
			if m.Start(0) > m.End(0) {
				t.Fatalf("span %d:%d", m.Start(0), m.End(0))
			}
		}
		_, _, _ = re.Sub(repl, text, 20)
	})
}

// TestTooLong checks that a search that would not end tells so.
func TestTooLong(t *testing.T) {
	maxTime = 50 * time.Millisecond
	defer func() { maxTime = MaxTime }()
	text := strings.Repeat("a", 60) + "b"
	for name, search := range map[string]func(re *Regexp){
		"search":    func(re *Regexp) { re.Search(text) },
		"match":     func(re *Regexp) { re.Match(text) },
		"fullmatch": func(re *Regexp) { re.FullMatch(text) },
		"sub":       func(re *Regexp) { re.Sub("x", text, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				late, ok := recover().(*TooLong)
				if !ok || !strings.Contains(late.Error(), `"^(a+)+$"`) || !late.Timeout() {
					t.Errorf("got %v", late)
				}
			}()
			re, err := Compile("^(a+)+$", 0)
			if err != nil {
				t.Fatal(err)
			}
			search(re)
			t.Error("the search has an end")
		})
	}
}
