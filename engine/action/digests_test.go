package action

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDigests checks which files are read again.
func TestDigests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	task := &Task{Services: &Services{}}
	write := func(text string, changed time.Time) *content {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return task.fileContent(nil, path, st)
	}
	expect := func(c *content, want string) {
		t.Helper()
		if got, err := c.sum(t.Context(), hashMD5); err != nil || got != want {
			t.Errorf("%s %v, want %s", got, err, want)
		}
	}
	const ofOne, ofTwo = "f97c5d29941bfb1b2fdab0874906ab82", "b8a9f715dbb64fd5c56e7783c6820a61"
	old := time.Now().Add(-time.Hour)
	expect(write("one", old), ofOne)
	expect(write("two", old), ofOne) // nobody can tell
	expect(write("two", old.Add(time.Second)), ofTwo)

	// What was changed just now may change again unseen.
	now := time.Now().Add(time.Hour) // however long this test takes
	c := write("one", now)
	expect(c, ofOne)
	expect(write("two", now), ofTwo)
	expect(c, ofOne)

	// A file that changes between the look at it and the reading.
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write("three", old)
	if _, err := task.fileContent(nil, path, st).sum(t.Context(), hashSHA256); err == nil {
		t.Error("a file that has changed is no error")
	}
	expect(textContent([]byte("two")), ofTwo)
}
