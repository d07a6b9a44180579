package templates

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestChain compares filters that run as one with the same filters one by one,
// with the results and errors of Ansible's templates. Jinja2's are in the
// corpus, chains.jsonl.
func TestChain(t *testing.T) {
	scope := vars("dicts", []any{map[string]any{"name": "b", "on": true, "n": 2}, map[string]any{"name": "A", "on": false, "n": 1}, map[string]any{"name": "a", "on": true, "n": 1}},
		"words", []any{"pear", "Apple", "apple", "fig", "Fig", "a", ""}, "mixed", []any{1, "a", nil, true, 2.5}, "wide", []any{"äb", "ÄB", "z", "Z"}, "text", "abc", "empty", []any{},
		"lazy", &List{Elems: []Value{text("{{ words[1] }}"), Str("apple"), text("{{ text }}")}, Lazy: true}, "broken", &List{Elems: []Value{text("{{ nope }}")}, Lazy: true})
	sources := []string{"dicts", "words", "mixed", "wide", "text", "empty", "lazy", "broken", "nope", "(1, 2)", "range(4)", "{'b': 1, 'A': 2}"}
	links := []string{"selectattr('on')", "rejectattr('n', 'gt', 1)", "select('string')", "reject('none')", "select", "map(attribute='name')", "map('upper')", "map('lower')",
		"map('default', 'x')", "map('nosuch')", "sort", "sort(reverse=true)", "sort(attribute='n')", "unique", "unique(case_sensitive=true)", "list", "first", "join('-')", "sum", "length"}
	draw := rand.New(rand.NewPCG(1, 2))
	e := New(AnsibleOptions(Current))
	eval := func(src string) (Value, error) {
		tmpl, err := e.Compile(src, "")
		if err != nil {
			return nil, err
		}
		return tmpl.Eval(context.Background(), scope)
	}
	good := 0
	for range 2000 {
		chain := sources[draw.IntN(len(sources))]
		steps := "{% set v = " + chain + " %}"
		for range 2 + draw.IntN(3) {
			link := links[draw.IntN(len(links))]
			chain += " | " + link
			steps += "{% set v = v | " + link + " %}"
		}
		got, gotErr := eval("{{ " + chain + " }}")
		want, wantErr := eval(steps + "{{ v }}")
		switch {
		case gotErr != nil && wantErr != nil:
			if gotErr.Error() != wantErr.Error() {
				t.Errorf("%s: got error %v, want %v", chain, gotErr, wantErr)
			}
		case gotErr != nil || wantErr != nil || !equal(got, want, 0) || Repr(got, Current) != Repr(want, Current):
			t.Errorf("%s: got %v (%v), want %v (%v)", chain, got, gotErr, want, wantErr)
		}
		text, textErr := eval("-{{ " + chain + " }}")
		if textErr == nil && gotErr == nil && text != Str("-"+StrOf(got, Current)) && got != Value(None) || (textErr == nil) != (gotErr == nil) {
			t.Errorf("%s: printed %v (%v), want %v (%v)", chain, text, textErr, got, gotErr)
		}
		if gotErr == nil {
			good++
		}
	}
	if good < 500 {
		t.Errorf("only %d of the chains give a value", good)
	}
}

// TestTexts compares the work on many texts at once with that on one.
func TestTexts(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	letters := []string{"a", "A", "b", "z", "Z", "@", "[", "`", "{", "\x00", "0", "\x7f", "ä", "É", "日"}
	word := func(n int) string {
		var b strings.Builder
		for range draw.IntN(20) {
			b.WriteString(letters[draw.IntN(n)])
		}
		return b.String()
	}
	for i := range 20000 {
		n := len(letters) - 3*(i%2) // every other without what is not ASCII
		s, u := word(n), word(n)
		if low, ok := appendLower([]byte("x"), s); ok != isASCII(s) || ok && string(low) != "x"+strings.ToLower(s) {
			t.Fatalf("lower of %q: got %q, %v", s, low, ok)
		}
		if up, ok := appendUpper(nil, s); ok && string(up) != strings.ToUpper(s) {
			t.Fatalf("upper of %q: got %q", s, up)
		}
		if isASCII(s) && isASCII(u) {
			if got, want := compareTexts(s, u, true), strings.Compare(lower(s), lower(u)); got != want {
				t.Fatalf("comparing %q with %q: got %d, want %d", s, u, got, want)
			}
		}
	}
}

// TestSmallNumbers prints every number that is printed in a way of its own.
func TestSmallNumbers(t *testing.T) {
	for i := -100; i < 20000; i++ {
		for _, room := range []int{1, 20} {
			if got, want := string(appendInt(append(make([]byte, 0, room), 'x'), Int(i))), "x"+itoa(i); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
	}
}

// TestOrderTexts compares sorting many texts with sorting their values.
func TestOrderTexts(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		n := draw.IntN(200)
		keys := make([]string, n)
		for i := range keys {
			keys[i] = strings.Repeat("prefix", draw.IntN(3)) + []string{"", "a", "A", "b", "\x00", "aa", "zz9", "É", "日本"}[draw.IntN(7+2*(n%2))] + itoa(draw.IntN(5))[:draw.IntN(2)]
		}
		fold, reverse := draw.IntN(2) == 0, draw.IntN(2) == 0
		want := make([]int, n)
		for i := range want {
			want[i] = i
		}
		slices.SortStableFunc(want, func(x, y int) int {
			a, b := keys[x], keys[y]
			if fold {
				a, b = lower(a), lower(b)
			}
			if reverse {
				a, b = b, a
			}
			return strings.Compare(a, b)
		})
		items, _ := orderTexts(nil, nil, keys, fold, reverse)
		for i, it := range items {
			if it.at != want[i] {
				t.Fatalf("fold %v, reverse %v: %q: place %d is %d, want %d", fold, reverse, keys, i, it.at, want[i])
			}
		}
	}
}
