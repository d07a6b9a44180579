package spell

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"split", "command", "when", "notify"}
	for got, want := range map[string]string{"slpit": "split", "comand": "command", "wehn": "when", "xyzzy": "", "": ""} {
		if n := Nearest(got, known); n != want {
			t.Errorf("Nearest(%q) = %q, want %q", got, n, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"wehn", "when", 1}, {"comand", "command", 1}, {"kitten", "sitting", 3}} {
		if d := Distance(c.a, c.b); d != c.want || Distance(c.b, c.a) != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, d, c.want)
		}
	}
}
