package ansible

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"gorun/templates"
)

const (
	// currentVersion is the Ansible that current.jsonl must be recorded with.
	currentVersion = "ansible-core 2.22."
	// minCurrent is the least number of cases that it has.
	minCurrent = 600
)

// TestCurrent runs the cases that the current Ansible answers in another way
// than 2.14, and more that it alone was asked.
func TestCurrent(t *testing.T) {
	b, err := os.ReadFile(corpus + "/current.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	header, rest, _ := bytes.Cut(b, []byte("\n"))
	if !bytes.Contains(header, []byte(currentVersion)) {
		t.Fatalf("the cases are not recorded with %s*: %s", currentVersion, header)
	}
	t.Chdir("/")
	e := newEngine(templates.Current)
	total := 0
	for line := range bytes.Lines(rest) {
		c := readCase(t, line)
		total++
		if c.diverges != "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			got := answer(e, c.template)
			if !sameNow(got, c.want) {
				t.Errorf("%s\n got %s\nwant %s", c.template, jsonText(got), jsonText(c.want))
			}
		})
	}
	if total < minCurrent {
		t.Errorf("there are %d cases, want %d at least", total, minCurrent)
	}
}

// sameNow compares answers: the classes of errors are not shown to users any
// more, their messages are.
func sameNow(got, want *templates.Dict) bool {
	msg, failed := want.GetStr("message")
	if !failed {
		return templates.Equal(got, want) && repr(got) == repr(want)
	}
	ours, ok := got.GetStr("message")
	return ok && strings.TrimSpace(text(ours)) == strings.TrimSpace(text(msg))
}
