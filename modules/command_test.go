package modules

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	umask := os.FileMode(0o077)
	for _, c := range []struct {
		name string
		o    CommandOptions
		argv []string
		want CommandResult
	}{
		{"output and exit code", CommandOptions{}, []string{"sh", "-c", "echo out; echo err >&2; exit 3"}, CommandResult{3, "out\n", "err\n"}},
		{"stdin", CommandOptions{Stdin: strings.NewReader("in")}, []string{"cat"}, CommandResult{0, "in", ""}},
		{"no stdin", CommandOptions{}, []string{"cat"}, CommandResult{}},
		{"folder", CommandOptions{Dir: dir}, []string{"pwd"}, CommandResult{0, dir + "\n", ""}},
		{"environment", CommandOptions{Env: map[string]string{"B": "2"}}, []string{"sh", "-c", "echo $A$B"}, CommandResult{0, "12\n", ""}},
		{"umask", CommandOptions{Umask: &umask}, []string{"sh", "-c", "umask; echo $0 $1", "x y", "z"}, CommandResult{0, "0077\nx y z\n", ""}},
		{"signal", CommandOptions{}, []string{"sh", "-c", "kill -9 $$"}, CommandResult{-9, "", ""}},
		{"much that is printed", CommandOptions{}, []string{"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' y >&2"},
			CommandResult{0, strings.Repeat("x", 300000), strings.Repeat("y", 100000)}},
		{"much that is not read", CommandOptions{Stdin: strings.NewReader(strings.Repeat("x", 1<<20))}, []string{"true"}, CommandResult{}},
		{"an end behind that of the output", CommandOptions{}, []string{"sh", "-c", "echo out; exec >&- 2>&-; sleep 0.05; exit 4"}, CommandResult{4, "out\n", ""}},
		{"what stays in the background", CommandOptions{}, []string{"sh", "-c", "sleep 2 & echo done"}, CommandResult{0, "done\n", ""}},
	} {
		began := time.Now()
		got, err := (&Run{Env: map[string]string{"A": "1", "B": "0"}}).Command(t.Context(), c.o, c.argv...)
		if err != nil || got != c.want || time.Since(began) > 1500*time.Millisecond {
			t.Errorf("%s: %+v %v after %s", c.name, got, err, time.Since(began))
		}
	}
}

func TestCommandErrors(t *testing.T) {
	m := &Run{}
	_, err := m.Command(t.Context(), CommandOptions{}, "no-such-program", "a b")
	var f *Failure
	if !errors.As(err, &f) || f.Msg != "[Errno 2] No such file or directory: b'no-such-program'" || f.Data["rc"] != 2 || f.Data["cmd"] != "no-such-program 'a b'" {
		t.Errorf("%v %v", err, f)
	}
	if _, err := m.Command(t.Context(), CommandOptions{Env: map[string]string{"A": "\x00"}}, "true"); !errors.As(err, &f) || f.Data["rc"] != 22 {
		t.Errorf("a variable that no environment can hold: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Command(ended, CommandOptions{}, "sleep", "60"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before it began: %v", err)
	}
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Command(t.Context(), CommandOptions{}, file); !errors.As(err, &f) || f.Data["rc"] != 13 {
		t.Errorf("not executable: %v", err)
	}
	_, err = m.Command(t.Context(), CommandOptions{LogArgs: []string{"hidden"}}, "no-such-program", "secret")
	if !errors.As(err, &f) || f.Data["cmd"] != "hidden" {
		t.Errorf("LogArgs: %v", f.Data)
	}
	began := time.Now()
	res, err := m.Command(t.Context(), CommandOptions{Timeout: 100 * time.Millisecond}, "sh", "-c", "echo some; sleep 30 & sleep 30")
	if err == nil || res.Stdout != "some\n" || time.Since(began) > 5*time.Second || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("timeout: %+v %v after %s", res, err, time.Since(began))
	}
	if _, err := m.RequireBin("no-such-program"); err == nil || !strings.HasPrefix(err.Error(), `Failed to find required executable "no-such-program" in paths: `) {
		t.Errorf("%v", err)
	}
}

func TestCommandStream(t *testing.T) {
	var lines []string
	m := &Run{Stream: func(l string) { lines = append(lines, l) }}
	if _, err := m.Command(t.Context(), CommandOptions{Stream: true}, "printf", `one\ntwo\r\nthree`); err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "two", "three"}; !reflect.DeepEqual(lines, want) {
		t.Errorf("%q", lines)
	}
}

func TestShellSplit(t *testing.T) {
	for in, want := range map[string][]string{
		"":                    nil,
		" a  b ":              {"a", "b"},
		`a 'b c' "d e"`:       {"a", "b c", "d e"},
		`a\ b "c\"d\x" 'e\f'`: {"a b", `c"d\x`, `e\f`},
		`''`:                  {""},
		`a''b`:                {"ab"},
	} {
		got, err := ShellSplit(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
	for in, want := range map[string]string{`a "b`: "No closing quotation", `a\`: "No escaped character"} {
		if _, err := ShellSplit(in); err == nil || err.Error() != want {
			t.Errorf("%q: %v", in, err)
		}
	}
}
