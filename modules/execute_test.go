package modules

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type probeArgs struct {
	Do string `arg:"do"`
	PW string `arg:"pw"`
	N  int    `arg:"n"`
}

// probe is a module that does what it is told.
var probe = Define(Spec{Name: "test.unit.probe", Options: []Option{{Name: "do"}, {Name: "pw", NoLog: true}, {Name: "n", Type: Int}}},
	func(_ context.Context, m *Run, a *probeArgs) (*Result, error) {
		switch a.Do {
		case "panic":
			var list []int
			_ = list[a.N]
		case "fail":
			return &Result{Changed: true}, FailWith(map[string]any{"rc": 4, "stdout": "out " + a.PW}, "it broke with %s", a.PW)
		case "error":
			return nil, errors.New("plain error")
		case "channel":
			return &Result{Data: map[string]any{"x": make(chan int)}}, nil
		case "tmp":
			dir, err := m.TmpDir()
			return &Result{Data: map[string]any{"dir": dir}}, err
		case "diff":
			return &Result{Diff: []Diff{{Before: "a " + a.PW, After: "b", BeforeHeader: "h"}, {Prepared: "p"}}}, nil
		}
		m.Warn("careful with %s", a.PW)
		m.Deprecations = append(m.Deprecations, Deprecation{Msg: "old", Version: "3"})
		return &Result{Changed: true, Msg: "hi " + a.PW, Data: map[string]any{
			"stdout": "a\r\nb\n\n" + a.PW, "list": []any{a.PW, 15, true, nil}, "nested": map[string]any{a.PW: a.PW}, "words": []string{"x" + a.PW},
		}}, nil
	})

func execute(t *testing.T, args string, m *Run) map[string]any {
	t.Helper()
	out := probe.Execute(t.Context(), m, jsonMap(t, args))
	data, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return jsonMap(t, string(data))
}

func TestExecute(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"success", `{"pw":"sekrit"}`, `{"changed":true,"msg":"hi ********","stdout":"a\r\nb\n\n********","stdout_lines":["a","b","","VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"],
			"list":["VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",15,true,null],"nested":{"sekrit":"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"},"words":["x********"],
			"warnings":["careful with ********"],"deprecations":[{"msg":"old","version":"3"}],
			"invocation":{"module_args":{"do":null,"n":null,"pw":"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}}}`},
		{"failure", `{"do":"fail","pw":"sekrit"}`, `{"failed":true,"changed":true,"msg":"it broke with ********","rc":4,"stdout":"out ********","stdout_lines":["out ********"],
			"invocation":{"module_args":{"do":"fail","n":null,"pw":"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}}}`},
		{"error", `{"do":"error"}`, `{"failed":true,"changed":false,"msg":"plain error","invocation":{"module_args":{"do":"error","n":null,"pw":null}}}`},
		{"wrong arguments", `{"n":"x","pw":"sekrit"}`, `{"failed":true,"changed":false,
			"msg":"argument 'n' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int",
			"invocation":{"module_args":{"n":"x","pw":"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}}}`},
		{"diff", `{"do":"diff","pw":"sekrit"}`, `{"changed":false,"diff":[{"before":"a ********","after":"b","before_header":"h"},{"prepared":"p"}],
			"invocation":{"module_args":{"do":"diff","n":null,"pw":"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}}}`},
	} {
		got := execute(t, c.args, &Run{})
		if want := jsonMap(t, c.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", c.name, got, want)
		}
	}
}

func TestExecutePanic(t *testing.T) {
	got := execute(t, `{"do":"panic","n":3}`, &Run{})
	text, _ := got["exception"].(string)
	if got["failed"] != true || !strings.Contains(text, "index out of range [3]") || !strings.Contains(text, "execute_test.go") {
		t.Errorf("%v", got)
	}
	got = execute(t, `{"do":"channel"}`, &Run{})
	if got["failed"] != true || !strings.Contains(got["msg"].(string), "no JSON") {
		t.Errorf("a result that is no JSON: %v", got)
	}
}

func TestExecuteNames(t *testing.T) {
	got := execute(t, `{"foo":1}`, &Run{Name: "my.probe"})
	if want := "Unsupported parameters for (my.probe) module: foo. Supported parameters include: do, n, pw."; got["msg"] != want {
		t.Errorf("%v", got["msg"])
	}
}

func TestExecuteRemovesTmp(t *testing.T) {
	got := execute(t, `{"do":"tmp"}`, &Run{RemoteTmp: t.TempDir()})
	dir, _ := got["dir"].(string)
	if _, err := os.Stat(dir); dir == "" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q is still there: %v", dir, err)
	}
}

func TestExecuteCheckUnsupported(t *testing.T) {
	ran := false
	mod := Define(Spec{Name: "test.unit.real", Check: NoSupport}, func(context.Context, *Run, *struct{}) (*Result, error) {
		ran = true
		return &Result{}, nil
	})
	out := mod.Execute(t.Context(), &Run{Check: true}, nil)
	if ran || out["skipped"] != true || out["msg"] != "remote module (real) does not support check mode" {
		t.Errorf("ran %v, %v", ran, out)
	}
}

func TestExecuteAddsFileInfo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	mod := Define(Spec{Name: "test.unit.file"}, func(context.Context, *Run, *struct{}) (*Result, error) {
		return &Result{Data: map[string]any{"dest": path}}, nil
	})
	out := mod.Execute(t.Context(), &Run{}, nil)
	if _, there := out["state"]; there {
		t.Errorf("no file: %v", out)
	}
	if err := os.WriteFile(path, []byte("four"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	out = mod.Execute(t.Context(), &Run{}, nil)
	if out["state"] != "file" || out["mode"] != "0640" || out["size"] != int64(4) || out["uid"] != os.Geteuid() || out["owner"] != UserName(os.Geteuid()) {
		t.Errorf("file: %v", out)
	}
}

func TestSplitLines(t *testing.T) {
	for in, want := range map[string][]string{
		"": {}, "a": {"a"}, "a\n": {"a"}, "a\n\n": {"a", ""}, "\n": {""}, "a\r\nb\rc": {"a", "b", "c"}, "a\vb\fc\x1cd\u0085e\u2028f": {"a", "b", "c", "d", "e", "f"},
	} {
		if got := SplitLines(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestMaskLongestFirst(t *testing.T) {
	got := Mask(map[string]any{"a": "xabcdx", "n": 12345.0, "i": int64(7)}, []string{"abc", "abcd", "234"})
	want := map[string]any{"a": "x********x", "n": hiddenValue, "i": int64(7)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// TestExecuteTellsSecrets: the controller may ask for the result as it is.
func TestExecuteTellsSecrets(t *testing.T) {
	got := execute(t, `{"do":"fail","pw":"sekrit"}`, &Run{TellSecrets: true})
	if got["msg"] != "it broke with sekrit" || !reflect.DeepEqual(got[SecretsKey], []any{"sekrit"}) {
		t.Errorf("%v", got)
	}
	if got = execute(t, `{"do":"error"}`, &Run{TellSecrets: true}); got[SecretsKey] != nil {
		t.Errorf("secrets of a module that was given none: %v", got[SecretsKey])
	}
}
