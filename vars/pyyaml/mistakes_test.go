package pyyaml

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
)

// TestMistakes compares the errors of mutated documents with those that PyYAML
// gave, whose release the first line of the record names.
func TestMistakes(t *testing.T) {
	f, err := os.Open("testdata/mistakes.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Scan()
	n := 0
	for in.Scan() {
		var c struct{ In, Message string }
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		n++
		if got := CLibrary(c.In, "<unicode string>", false); got != c.Message {
			t.Errorf("%q\n got %q\nwant %q", c.In, got, c.Message)
		}
	}
	if n < 600 {
		t.Errorf("there are only %d cases", n)
	}
}
