package foreign

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/modules"
)

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		out, object, junk string
		ok                bool
	}{
		{`{"a": 1}`, `{"a": 1}`, "", true},
		{"motd\n  {\"a\":\n1}\n\n", "  {\"a\":\n1}", "", true},
		{"{\"a\": 1}\nbye\nbye", `{"a": 1}`, "bye\nbye", true},
		{"[1]\n", "", "", false},
		{"{ never closed\n", "", "", false},
		{"", "", "", false},
		{"} {\n", "", "", false},
	} {
		object, junk, ok := Filter(c.out)
		if object != c.object || junk != c.junk || ok != c.ok {
			t.Errorf("%q: got %q, %q, %t", c.out, object, junk, ok)
		}
	}
}

func TestFailureText(t *testing.T) {
	missing := "/bin/sh: 1: /opt/python: not found\n"
	for _, c := range []struct {
		stderr  string
		current bool
		want    string
	}{
		{"", false, "MODULE FAILURE\nSee stdout/stderr for the exact error"},
		{missing, false, "The module failed to execute correctly, you probably need to set the interpreter.\nSee stdout/stderr for the exact error"},
		{"", true, "Module result deserialization failed: No start of json char found"},
		{missing, true, "The module interpreter '/opt/python' was not found."},
	} {
		if got := FailureText("/opt/python", "", c.stderr, c.current); got != c.want {
			t.Errorf("%q: got %q", c.stderr, got)
		}
	}
}

// request runs the agent's module with a cache folder of the test's own.
func request(t *testing.T, args map[string]any) map[string]any {
	t.Helper()
	return Module.Execute(context.Background(), &modules.Run{}, args)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func upload(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBundles sends a module once, and again once it is there.
func TestBundles(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	script := []byte("#!/bin/sh\ncat \"$1\"\necho \"$SECRET\" >&2\nexit 4\n")
	args := map[string]any{"op": OpRun, "sha256": digest(script), "file": "m.sh", "interpreter": "/bin/sh", "args_file": "a=1 b='2 3' ", "has_args": true}
	if got := request(t, args); got[KeyMissing] != true {
		t.Fatalf("an unknown bundle: %v", got)
	}
	args["upload"] = upload(t, script)
	for range 2 {
		got := request(t, args)
		if got[KeyStdout] != "a=1 b='2 3' " || got[KeyStderr] != "\n" || got[KeyRC] != 4 {
			t.Errorf("got %v", got)
		}
		delete(args, "upload")
	}
	if inv := request(t, args)["invocation"]; inv != false {
		t.Errorf("the arguments come back: %v", inv)
	}
}

func TestBrokenBundles(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	var evil bytes.Buffer
	z := zip.NewWriter(&evil)
	w, err := z.Create("../evil.py")
	if err == nil {
		_, err = w.Write([]byte("x"))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, sha string
		data      []byte
		zip       bool
		want      string
	}{
		{"other content", digest([]byte("a")), []byte("b"), false, "did not arrive whole"},
		{"no digest", "../../x", []byte("b"), false, "is no digest"},
		{"no archive", digest([]byte("b")), []byte("b"), true, "not a valid zip file"},
		{"a name outside", digest(evil.Bytes()), evil.Bytes(), true, "the bundle holds the name"},
	} {
		got := request(t, map[string]any{"op": OpRun, "sha256": c.sha, "upload": upload(t, c.data), "zip": c.zip, "file": "f", "interpreter": "/bin/sh"})
		if msg, _ := got["msg"].(string); got["failed"] != true || !strings.Contains(msg, c.want) {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	left, err := filepath.Glob(filepath.Join(cache, "gorun", "foreign", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestReplace runs a module whose arguments are put into it; the file with them is gone afterwards.
func TestReplace(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	script := []byte("cat <<'END'\n<<ARGS>>\nEND\nls -l \"$0\" | cut -c1-10\necho \"$0\"\n")
	got := request(t, map[string]any{"op": OpRun, "sha256": digest(script), "upload": upload(t, script), "file": "m", "interpreter": "/bin/sh",
		"old": []any{"<<ARGS>>"}, "new": []any{`{"password": "hush"}`}})
	lines := strings.Split(got[KeyStdout].(string), "\n")
	if len(lines) != 4 || lines[0] != `{"password": "hush"}` || lines[1] != "-rwx------" {
		t.Fatalf("got %v", got)
	}
	if _, err := os.Stat(lines[2]); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", lines[2], err)
	}
}

func TestParsed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	run := func(text string) map[string]any {
		script := []byte(text)
		return request(t, map[string]any{"op": OpRun, "sha256": digest(script), "upload": upload(t, script), "file": "m", "interpreter": "/bin/sh", "parse": true})
	}
	if got := run(`echo '{"changed": true, "big": 12345678901234567890}'`); got["changed"] != true {
		t.Errorf("got %v", got)
	}
	if got := run("echo nothing; exit 3"); got["failed"] != true || got["rc"] != 3 || got["module_stdout"] != "nothing\n" {
		t.Errorf("got %v", got)
	}
}

func TestDiscover(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"snake3", "snake2"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "text"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	m := &modules.Run{Env: map[string]string{"PATH": dir}}
	got := Module.Execute(context.Background(), m, map[string]any{"op": OpDiscover, "names": []any{"snake4", "text", "snake3", "/nonexistent", dir + "/snake2"}})
	found, _ := got[KeyFound].([]string)
	if want := []string{dir + "/snake3", dir + "/snake2"}; len(found) != 2 || found[0] != want[0] || found[1] != want[1] {
		t.Errorf("got %v", got)
	}
}
