package commands

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"gorun/modules"
)

func runModule(mod *modules.Module, args map[string]any) map[string]any {
	return mod.Execute(context.Background(), &modules.Run{}, args)
}

func TestWaitForPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "SSH-2.0-OpenSSH_9\r\n")
			c.Close()
		}
	}()
	if res := runModule(WaitFor, map[string]any{"port": port, "timeout": 5}); res["failed"] != nil || res["state"] != "started" {
		t.Errorf("started: %v", res)
	}
	res := runModule(WaitFor, map[string]any{"port": port, "timeout": 5, "search_regex": `OpenSSH_(?P<v>\d+)`})
	if !reflect.DeepEqual(res["match_groups"], []any{"9"}) || !reflect.DeepEqual(res["match_groupdict"], map[string]any{"v": "9"}) {
		t.Errorf("search: %v", res)
	}
	l.Close()
	if res := runModule(WaitFor, map[string]any{"port": port, "timeout": 5, "state": "stopped"}); res["failed"] != nil {
		t.Errorf("stopped: %v", res)
	}
	res = runModule(WaitFor, map[string]any{"port": port, "timeout": 1, "connect_timeout": 1})
	if msg, _ := res["msg"].(string); !strings.HasPrefix(msg, "Timeout when waiting for 127.0.0.1:") {
		t.Errorf("timeout: %v", res)
	}
}

func TestWaitForFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	go func() {
		time.Sleep(200 * time.Millisecond)
		os.WriteFile(path, []byte("a\nready now\n"), 0o644)
	}()
	start := time.Now()
	res := runModule(WaitFor, map[string]any{"path": path, "timeout": 10, "search_regex": "^ready"})
	if res["failed"] != nil || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %s", res, time.Since(start))
	}
	if res := runModule(WaitFor, map[string]any{"path": path, "state": "absent", "timeout": 1, "msg": "still there"}); res["msg"] != "still there" {
		t.Errorf("absent: %v", res)
	}
}

func TestWaitForTime(t *testing.T) {
	start := time.Now()
	res := runModule(WaitFor, map[string]any{"timeout": 1})
	if d := time.Since(start); res["failed"] != nil || d < time.Second || d > 3*time.Second {
		t.Errorf("got %v after %s", res, d)
	}
	for _, c := range []struct {
		args map[string]any
		want string
	}{
		{map[string]any{"port": 1, "path": "/x"}, "port and path parameter can not both be passed to wait_for"},
		{map[string]any{"path": "/x", "state": "drained"}, "state=drained should only be used for checking a port in the wait_for module"},
		{map[string]any{"port": 1, "exclude_hosts": []any{"a"}}, "exclude_hosts should only be with state=drained"},
		{map[string]any{"port": 1, "state": "drained", "active_connection_states": []any{"X"}}, "unknown active_connection_state (X) defined"},
	} {
		if res := runModule(WaitFor, c.args); res["msg"] != c.want {
			t.Errorf("%v: %v, want %q", c.args, res["msg"], c.want)
		}
	}
}

func TestWaitForDrained(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("connections are counted by Linux's /proc/net")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	args := map[string]any{"port": l.Addr().(*net.TCPAddr).Port, "state": "drained", "timeout": 1}
	if res := runModule(WaitFor, args); res["failed"] != true {
		t.Errorf("with a connection: %v", res)
	}
	args["exclude_hosts"] = []any{"127.0.0.1"}
	if res := runModule(WaitFor, args); res["failed"] != nil {
		t.Errorf("with the connection excluded: %v", res)
	}
}

func TestExpect(t *testing.T) {
	if _, err := os.Stat("/dev/ptmx"); err != nil || runtime.GOOS != "linux" {
		t.Skip("there are no pseudo-terminals here")
	}
	script := filepath.Join(t.TempDir(), "ask")
	text := "printf 'Name: '; read n; printf 'Again: '; read m; echo \"got $n $m\"; exit ${m#x}\n"
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := "/bin/sh " + script
	res := runModule(Expect, map[string]any{"command": cmd, "responses": map[string]any{"Name:": "bob", "(?i)again": []any{"x0"}}, "timeout": 5})
	if out, _ := res["stdout"].(string); res["rc"] != 0 || !strings.Contains(out, "got bob x0") {
		t.Errorf("answered: %v", res)
	}
	res = runModule(Expect, map[string]any{"command": cmd, "responses": map[string]any{"Name:": "bob", "Again": "x3"}, "timeout": 5})
	if res["rc"] != 3 || res["msg"] != "non-zero return code" || res["failed"] != true {
		t.Errorf("code 3: %v", res)
	}
	res = runModule(Expect, map[string]any{"command": cmd, "responses": map[string]any{"Nothing": "x"}, "timeout": 1})
	if res["msg"] != "command exceeded timeout" {
		t.Errorf("timeout: %v", res)
	}
}

func TestDelta(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00:00.000000", 6600 * time.Microsecond: "0:00:00.006600", 26 * time.Hour: "1 day, 2:00:00.000000", 50*time.Hour + time.Second: "2 days, 2:00:01.000000",
	} {
		if got := delta(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// TestExpectTimeout: null waits without an end, and what is no number is refused.
func TestExpectTimeout(t *testing.T) {
	args := map[string]any{"command": "sh -c 'printf name?; read n; sleep 1; echo hello $n'", "responses": map[string]any{"name": "jo"}}
	for _, c := range []struct {
		timeout any
		msg     any
	}{
		{nil, nil},
		{"20", nil},
		{"soon", "argument 'timeout' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
	} {
		args["timeout"] = c.timeout
		out := runModule(Expect, args)
		if out["msg"] != c.msg || c.msg == nil && out["rc"] != 0 {
			t.Errorf("timeout %v: %v", c.timeout, out)
		}
		if have := out["invocation"].(map[string]any)["module_args"].(map[string]any)["timeout"]; have != c.timeout {
			t.Errorf("timeout %v becomes %v", c.timeout, have)
		}
	}
}
