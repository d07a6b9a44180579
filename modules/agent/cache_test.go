package agent

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTidyFolder checks which files leave a folder of agents: those of versions
// that nobody has used for long, and parts that broken uploads left.
func TestTidyFolder(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	day := 24 * time.Hour
	name := func(c string) string { return agentPrefix + strings.Repeat(c, 64) }
	self := name("a")
	for file, age := range map[string]time.Duration{
		self: 90 * day, name("b"): 29 * day, name("c"): 31 * day, name("d"): -day,
		name("z"): 90 * day, "agent-of-former-days": 90 * day, "notes": 90 * day,
		".new123": 2 * day, ".new124": time.Hour, ".try9": 2 * day, ".newest": 90 * day, ".new": 90 * day,
	} {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, name("e")), 0o700); err != nil {
		t.Fatal(err)
	}
	tidyFolder(filepath.Join(dir, self), now)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{".new", ".new124", ".newest", self, name("b"), name("d"), name("e"), "agent-of-former-days", name("z"), "notes"}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left: %q\nwant: %q", left, want)
	}
	if info, err := os.Stat(filepath.Join(dir, self)); err != nil || now.Sub(info.ModTime()) > time.Minute {
		t.Errorf("the agent in use was not marked: %v %v", info.ModTime(), err)
	}
}
