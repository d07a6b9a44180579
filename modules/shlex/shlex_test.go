package shlex

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var cases = []struct {
	in   string
	want []string
	err  error
}{
	{in: ""},
	{in: "  a  b\tc\n", want: []string{"a", "b", "c"}},
	{in: `a 'b c' "d e"`, want: []string{"a", "b c", "d e"}},
	{in: `a'b'"c"d`, want: []string{"abcd"}},
	{in: `'' ""`, want: []string{"", ""}},
	{in: `a\ b \'`, want: []string{"a b", "'"}},
	{in: `"a\"b\\c\d$e"`, want: []string{`a"b\c\d$e`}},
	{in: `'a\b'`, want: []string{`a\b`}},
	{in: `a # b`, want: []string{"a", "#", "b"}},
	{in: `echo "unbal`, err: ErrQuotation},
	{in: `echo 'unbal`, err: ErrQuotation},
	{in: `echo \`, err: ErrEscape},
	{in: `"a\`, err: ErrEscape},
}

func TestSplit(t *testing.T) {
	for _, c := range cases {
		got, err := Split(c.in)
		if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
			t.Errorf("Split(%q) = %q, %v; want %q, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, c := range cases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := Split(s)
		if err != nil {
			return
		}
		// Words quoted and put together again split into the same words.
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
		}
		again, err := Split(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Errorf("%q: %q, then %q, %v", s, words, again, err)
		}
	})
}
