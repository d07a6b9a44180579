package transport_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// newHosts returns Hosts that end with the test, and an agent folder that does too.
func newHosts(t testing.TB, options ...transport.Option) transport.Hosts {
	t.Helper()
	h := transport.NewHosts(options...)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// call runs a module and returns its result.
func call(t testing.TB, h transport.Host, name, args string) map[string]any {
	t.Helper()
	data, err := h.Run(t.Context(), transport.ModuleRequest{Name: name, Action: name, Args: json.RawMessage(args)})
	if err != nil {
		t.Fatalf("%s %s: %v", name, args, err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestHosts checks the contract of Host on every way to one.
func TestHosts(t *testing.T) {
	s := transporttest.StartSSHD(t)
	cache := t.TempDir()
	ssh := s.Target()
	ssh.AgentDir = cache
	local := transport.Target{Name: "localhost", Connection: "local", AgentDir: cache}
	for name, c := range map[string]struct {
		target transport.Target
		become transport.Become
		root   bool
	}{
		"local":             {target: local},
		"ssh":               {target: ssh},
		"ssh, become root":  {target: ssh, become: transport.Become{Method: "sudo"}, root: true},
		"local, become":     {target: local, become: transport.Become{Method: "sudo"}, root: true},
		"local, su to root": {target: local, become: transport.Become{Method: "su"}, root: true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("needs root, who becomes without a password")
			}
			if _, err := exec.LookPath("sudo"); err != nil && c.become.Method == "sudo" {
				needs.Missing(t, "sudo", "sudo is not installed")
			}
			testHost(t, newHosts(t).Host(c.target, c.become))
		})
	}
}

func testHost(t *testing.T, h transport.Host) {
	ctx := t.Context()
	out := call(t, h, "ansible.builtin.command", `{"_raw_params":"echo hello"}`)
	if out["stdout"] != "hello" || out["rc"] != 0.0 {
		t.Errorf("command: %v", out)
	}
	res, err := h.Exec(ctx, "cat; echo err >&2; echo $X; exit 3", transport.ExecOptions{Stdin: strings.NewReader("in\n"), Env: map[string]string{"X": "it's"}})
	if err != nil || res.RC != 3 || string(res.Stdout) != "in\nit's\n" || string(res.Stderr) != "err\n" {
		t.Errorf("Exec: %d %q %q %v", res.RC, res.Stdout, res.Stderr, err)
	}
	data := make([]byte, 200<<10)
	rand.Read(data)
	path, err := h.PutTemp(ctx, bytes.NewReader(data), int64(len(data)), "a name")
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(path) != "a name" {
		t.Errorf("temporary file %s", path)
	}
	var got bytes.Buffer
	sum, err := h.Fetch(ctx, path, &got)
	want := sha1.Sum(data)
	if err != nil || !bytes.Equal(got.Bytes(), data) || sum != hex.EncodeToString(want[:]) {
		t.Errorf("Fetch: %d bytes, SHA-1 %s, %v", got.Len(), sum, err)
	}
	if _, err := h.Fetch(ctx, path+".not", &got); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Fetch of no file: %v", err)
	}
	if _, err := h.PutTemp(ctx, strings.NewReader("short"), 10, "short"); err == nil {
		t.Error("PutTemp of a short reader: no error")
	}
	_, err = h.Run(ctx, transport.ModuleRequest{Name: "no.such.module"})
	if err == nil || !strings.Contains(err.Error(), "no.such.module") {
		t.Errorf("Run of no module: %v", err)
	}
	testOrder(t, h)
	testCancel(t, h)
	if err := h.Reset(ctx); err != nil {
		t.Errorf("Reset: %v", err)
	}
	if out := call(t, h, "ansible.builtin.command", `{"_raw_params":"echo again"}`); out["stdout"] != "again" {
		t.Errorf("after Reset: %v", out)
	}
}

// testOrder sends commands that are to run one after the other, each when the
// one before is on its way, and cancels another such row.
func testOrder(t *testing.T, h transport.Host) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "order")
	send := func(ctx context.Context, order *transport.Order, cmd string, wg *sync.WaitGroup) {
		sent := make(chan struct{})
		args, _ := json.Marshal(map[string]any{"_raw_params": cmd, "_uses_shell": true})
		wg.Go(func() {
			_, err := h.Run(ctx, transport.ModuleRequest{Name: "ansible.builtin.command", Args: args, Order: order, Sent: func() { close(sent) }})
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			if h.Local() {
				close(sent)
			}
		})
		<-sent
	}
	var wg sync.WaitGroup
	var order transport.Order
	want := ""
	for i := range 30 { // the earlier ones take longer
		send(t.Context(), &order, fmt.Sprintf("sleep 0.0%02d; echo %d >>%s", 30-i, i, file), &wg)
		want += fmt.Sprintln(i)
	}
	wg.Wait()
	if got, _ := os.ReadFile(file); string(got) != want {
		t.Errorf("they ran in the order %q", got)
	}
	if h.Local() {
		return // there nothing is sent before an answer
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	order = transport.Order{}
	send(ctx, &order, "exec sleep 60", &wg)
	for range 20 {
		send(ctx, &order, "echo late >>"+file, &wg)
	}
	cancel()
	wg.Wait()
	call(t, h, "ansible.builtin.command", `{"_raw_params":"true"}`)
	if got, _ := os.ReadFile(file); string(got) != want {
		t.Errorf("what was cancelled ran: %q", got)
	}
}

func testCancel(t *testing.T, h transport.Host) {
	t.Helper()
	mark := filepath.Join(t.TempDir(), "mark")
	if err := os.WriteFile(mark, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	args, _ := json.Marshal(map[string]string{"_raw_params": "sleep 60 " + mark})
	_, err := h.Run(ctx, transport.ModuleRequest{Name: "ansible.builtin.command", Args: args})
	if !errors.Is(err, context.DeadlineExceeded) && err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("cancelled run: %v after %s", err, time.Since(began))
	}
	for end := time.Now().Add(5 * time.Second); running(t, mark); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error("what the module started goes on after it was cancelled")
			return
		}
	}
}

// running says whether a process has word among its arguments.
func running(t *testing.T, word string) bool {
	t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && strings.Contains(string(data), "sleep\x0060\x00"+word) {
			return true
		}
	}
	return false
}

// TestAgentCache checks what the bootstrap leaves on a host, and that a broken
// cache mends itself.
func TestAgentCache(t *testing.T) {
	s := transporttest.StartSSHD(t)
	target := s.Target()
	target.AgentDir = filepath.Join(t.TempDir(), "cache")
	agents := func() []string {
		t.Helper()
		names, err := filepath.Glob(target.AgentDir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		hidden, _ := filepath.Glob(target.AgentDir + "/.*")
		if len(hidden) > 0 {
			t.Errorf("files left over: %s", hidden)
		}
		return names
	}
	ping := func() {
		t.Helper()
		if out := call(t, newHosts(t).Host(target, transport.Become{}), "ansible.builtin.ping", `{}`); out["ping"] != "pong" {
			t.Errorf("ping: %v", out)
		}
	}
	ping()
	first := agents()
	if len(first) != 1 {
		t.Fatalf("cache: %s", first)
	}
	st, err := os.Stat(first[0])
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("mode of the agent: %v %v", st.Mode(), err)
	}
	old := filepath.Join(target.AgentDir, "agent-of-former-days")
	transporttest.WriteFile(t, old, "", 0o700)
	ping()
	if again, err := os.Stat(first[0]); err != nil || again.ModTime() != st.ModTime() {
		t.Error("the cached agent was sent again")
	}
	for name, text := range map[string]string{"empty": "", "text": "exit 3\n", "cut": "\x7fELF\x02\x01\x01"} {
		if err := os.Remove(first[0]); err != nil {
			t.Fatal(err)
		}
		transporttest.WriteFile(t, first[0], text, 0o700)
		ping()
		if now, err := os.Stat(first[0]); err != nil || now.Size() != st.Size() {
			t.Errorf("%s: the broken agent is still there: %v", name, err)
		}
	}
	if len(agents()) != 2 {
		t.Errorf("an agent of another version was removed: %s", agents())
	}
}

// TestConcurrentFirstUse checks that many first calls make one connection.
func TestConcurrentFirstUse(t *testing.T) {
	s := transporttest.StartSSHD(t)
	target := s.Target()
	target.AgentDir = t.TempDir()
	h := newHosts(t)
	pids := make(chan any, 8)
	var wg sync.WaitGroup
	for range cap(pids) {
		wg.Go(func() {
			out := call(t, h.Host(target, transport.Become{}), "ansible.builtin.shell", `{"_raw_params":"echo $PPID"}`)
			pids <- out["stdout"]
		})
	}
	wg.Wait()
	first := <-pids
	for range cap(pids) - 1 {
		if pid := <-pids; pid != first {
			t.Errorf("two agents: %v and %v", first, pid)
		}
	}
}

// TestLostConnection checks that a server that dies makes the host
// unreachable, and that the next call connects again.
func TestLostConnection(t *testing.T) {
	s := transporttest.StartSSHD(t)
	target := s.Target()
	target.AgentDir = t.TempDir()
	h := newHosts(t).Host(target, transport.Become{})
	out := call(t, h, "ansible.builtin.shell", `{"_raw_params":"echo $PPID"}`)
	began := time.Now()
	_, err := h.Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.shell",
		Args: json.RawMessage(`{"_raw_params":"kill -9 ` + out["stdout"].(string) + `; sleep 30"}`)})
	var u *transport.UnreachableError
	if !errors.As(err, &u) || time.Since(began) > 10*time.Second {
		t.Errorf("agent killed: %v after %s", err, time.Since(began))
	}
	if out := call(t, h, "ansible.builtin.ping", `{}`); out["ping"] != "pong" {
		t.Errorf("after the agent was killed: %v", out)
	}
	s.Stop()
	began = time.Now()
	_, err = h.Run(t.Context(), transport.ModuleRequest{Name: "ansible.builtin.ping"})
	if !errors.As(err, &u) || time.Since(began) > 10*time.Second {
		t.Errorf("server stopped: %v after %s", err, time.Since(began))
	}
}
