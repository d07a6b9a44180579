package agent

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorun/modules"
	"gorun/modules/wire"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "__agent" {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

type sleepArgs struct {
	Seconds float64 `arg:"seconds"`
	Text    string  `arg:"text"`
}

// table are the modules of the agents in these tests.
func table(name string) *modules.Module {
	if name != "test.sleep" {
		return nil
	}
	return modules.Define(modules.Spec{Name: "test.sleep", Options: []modules.Option{{Name: "seconds", Type: modules.Float}, {Name: "text"}}},
		func(ctx context.Context, m *modules.Run, a *sleepArgs) (*modules.Result, error) {
			if m.Stream != nil {
				m.Stream("begins")
			}
			select {
			case <-time.After(time.Duration(a.Seconds * float64(time.Second))):
			case <-ctx.Done():
			}
			return &modules.Result{Msg: a.Text}, nil
		})
}

// A peer is a controller by hand.
type peer struct {
	t     *testing.T
	in    *wire.Reader
	out   *wire.Writer
	stdin io.Closer
	ended chan error
}

func serve(t *testing.T, hello string) *peer {
	t.Helper()
	fromUs, stdin := io.Pipe()
	stdout, fromAgent := io.Pipe()
	p := &peer{t: t, in: wire.NewReader(bufio.NewReader(stdout)), out: wire.NewWriter(stdin), stdin: stdin, ended: make(chan error, 1)}
	go func() {
		p.ended <- Serve(t.Context(), fromUs, fromAgent, table)
		fromAgent.Close()
	}()
	t.Cleanup(func() { stdin.Close() })
	if f := p.next(); f.Type != wire.Hello || !strings.Contains(string(f.Payload), `"version":1`) {
		t.Fatalf("first frame: %s %s", f.Type, f.Payload)
	}
	p.send(wire.Hello, 0, hello)
	return p
}

func (p *peer) send(typ wire.Type, id uint32, payload string) {
	p.t.Helper()
	if err := p.out.Send(typ, id, []byte(payload)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() wire.Frame {
	p.t.Helper()
	f, err := p.in.Next()
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

// expect reads the next frame and compares.
func (p *peer) expect(typ wire.Type, id uint32, part string) wire.Frame {
	p.t.Helper()
	f := p.next()
	if f.Type != typ || f.ID != id || !strings.Contains(string(f.Payload), part) {
		p.t.Fatalf("got %s %d %s, want %s %d with %q", f.Type, f.ID, f.Payload, typ, id, part)
	}
	return f
}

func TestServe(t *testing.T) {
	p := serve(t, `{"version":1,"grease":[1,{}]}`)
	p.send(wire.Type(99), 5, "what is this")
	p.expect(wire.Unsupported, 5, `{"type":99}`)
	p.send(wire.Run, 6, `{"module":"no.such"}`)
	p.expect(wire.Error, 6, `"kind":"no_module","msg":"the agent has no module no.such"`)
	p.send(wire.Run, 7, `not JSON`)
	p.expect(wire.Error, 7, "no valid JSON")
	p.send(wire.Run, 8, `{"module":"test.sleep","args":[1]}`)
	p.expect(wire.Error, 8, "arguments of test.sleep")

	// A slow request does not hold up a quick one, and can be cancelled.
	p.send(wire.Run, 9, `{"module":"test.sleep","args":{"seconds":60},"stream":true}`)
	p.expect(wire.Line, 9, "begins")
	p.send(wire.Run, 9, `{"module":"test.sleep"}`)
	p.expect(wire.Error, 9, "request 9 is still running")
	p.send(wire.Run, 10, `{"module":"test.sleep","args":{"text":"<quick> & plain"}}`)
	p.expect(wire.Result, 10, `"msg":"<quick> & plain"`)
	p.send(wire.Cancel, 9, "")
	p.expect(wire.Error, 9, `"kind":"cancelled"`)
	p.send(wire.Cancel, 77, "") // of no request: no answer
	p.send(wire.Stat, 11, `{"path":"/no/such/file"}`)
	p.expect(wire.Result, 11, `{"exists":false}`)

	p.send(wire.Run, 12, `{"module":"test.sleep","args":{"seconds":60},"stream":true}`)
	p.expect(wire.Line, 12, "begins")
	began := time.Now()
	p.stdin.Close()
	go io.Copy(io.Discard, readerOf(p.in))
	if err := <-p.ended; err != nil || time.Since(began) > stopTime {
		t.Errorf("end: %v after %s", err, time.Since(began))
	}
}

// readerOf drains frames.
func readerOf(in *wire.Reader) io.Reader { return drain{in} }

type drain struct{ in *wire.Reader }

func (d drain) Read([]byte) (int, error) {
	_, err := d.in.Next()
	return 0, err
}

// TestServeOrder checks that a request runs behind another, and not where that
// one was cancelled.
func TestServeOrder(t *testing.T) {
	p := serve(t, `{"version":1}`)
	p.send(wire.Run, 1, `{"module":"test.sleep","args":{"seconds":0.05,"text":"first"}}`)
	p.send(wire.Run, 2, `{"module":"test.sleep","args":{"text":"second"},"after":1}`)
	p.send(wire.Run, 3, `{"module":"test.sleep","args":{"text":"third"},"after":2}`)
	p.expect(wire.Result, 1, "first")
	p.expect(wire.Result, 2, "second")
	p.expect(wire.Result, 3, "third")
	p.send(wire.Run, 4, `{"module":"test.sleep","args":{"text":"behind one that has ended"},"after":2}`)
	p.expect(wire.Result, 4, "behind")
	p.send(wire.Run, 5, `{"module":"no.such"}`)
	p.send(wire.Run, 6, `{"module":"test.sleep","args":{"text":"behind a failure"},"after":5}`)
	p.expect(wire.Error, 5, "no_module")
	p.expect(wire.Result, 6, "behind")

	p.send(wire.Run, 7, `{"module":"test.sleep","args":{"seconds":60},"stream":true}`)
	p.expect(wire.Line, 7, "begins")
	p.send(wire.Run, 8, `{"module":"test.sleep","stream":true,"after":7}`)
	p.send(wire.Run, 9, `{"module":"test.sleep","stream":true,"after":8}`)
	p.send(wire.Cancel, 7, "")
	p.expect(wire.Error, 7, "cancelled")
	p.expect(wire.Error, 8, "cancelled")
	p.expect(wire.Error, 9, "cancelled")
	p.send(wire.Run, 10, `{"module":"test.sleep","stream":true,"after":7}`) // it comes late
	p.expect(wire.Error, 10, "cancelled")

	p.send(wire.Run, 11, `{"module":"test.sleep","args":{"seconds":60},"stream":true}`)
	p.expect(wire.Line, 11, "begins")
	p.send(wire.Run, 12, `{"module":"test.sleep","stream":true,"after":11}`)
	p.send(wire.Cancel, 12, "") // while it waits
	p.expect(wire.Error, 12, "cancelled")
	p.send(wire.Cancel, 11, "")
	p.expect(wire.Error, 11, "cancelled")
}

func TestServeVersion(t *testing.T) {
	p := serve(t, `{"version":2}`)
	p.expect(wire.Error, 0, "protocol version 2 is wanted, this agent speaks 1")
	if err := <-p.ended; err == nil {
		t.Error("Serve goes on with another version")
	}
}

func TestServeNoHello(t *testing.T) {
	p := serve(t, "text")
	var pe *wire.ProtocolError
	if err := <-p.ended; !errors.As(err, &pe) {
		t.Errorf("%v", err)
	}
}

func endOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	data, _ := json.Marshal(wire.EndMessage{Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
	return string(data)
}

func TestPutAndGet(t *testing.T) {
	p := serve(t, `{"version":1}`)
	p.send(wire.Put, 1, `{"name":"a","size":6}`)
	p.send(wire.Chunk, 1, "abc")
	p.send(wire.Chunk, 1, "def")
	p.send(wire.End, 1, endOf("abcdef"))
	var res wire.PutResult
	if err := json.Unmarshal(p.expect(wire.Result, 1, "/a").Payload, &res); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(res.Path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
	get, _ := json.Marshal(wire.GetMessage{Path: res.Path})
	p.send(wire.Get, 2, string(get))
	p.expect(wire.Chunk, 2, "abcdef")
	p.expect(wire.End, 2, endOf("abcdef"))
	p.send(wire.Get, 3, `{"path":"/no/such/file"}`)
	p.expect(wire.Error, 3, `"kind":"not_found"`)
	p.send(wire.Get, 4, `{"path":"/"}`)
	p.expect(wire.Error, 4, "is a directory")

	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for i, c := range []struct{ announce, chunk, end, want string }{
		{`"size":3`, "abc", endOf("abd"), "the SHA-256 of what came is"},
		{`"size":3`, "ab", endOf("abc"), "2 bytes came, 3 were sent"},
		{`"size":3`, "abcd", endOf("abcd"), "more bytes came than the 3 that were announced"},
		{`"size":3`, "abc", `{"failed":"gone"}`, "the sender broke off: gone"},
	} {
		id := uint32(10 + i)
		p.send(wire.Put, id, `{"path":"`+path+`",`+c.announce+`}`)
		p.send(wire.Chunk, id, c.chunk)
		p.send(wire.End, id, c.end)
		p.expect(wire.Error, id, c.want)
	}
	p.send(wire.Put, 20, `{"name":"../escape","size":0}`)
	p.expect(wire.Error, 20, "is no name for a temporary file")
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	p.stdin.Close()
	<-p.ended
	if _, err := os.Stat(res.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file outlives the agent: %v", err)
	}
}

// TestJob runs jobs with the real registry: they are processes of their own.
func TestJob(t *testing.T) {
	dir := t.TempDir()
	start := func(args string, limit float64) (path, id string) {
		t.Helper()
		data, err := StartJob(t.Context(), &wire.RunMessage{Module: "ansible.builtin.command", Args: json.RawMessage(args), AsyncSeconds: limit, AsyncDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		var res struct {
			ID       string `json:"ansible_job_id"`
			File     string `json:"results_file"`
			Started  int    `json:"started"`
			Finished int    `json:"finished"`
		}
		if err := json.Unmarshal(data, &res); err != nil || res.Started != 1 || res.Finished != 0 || res.File != filepath.Join(dir, res.ID) {
			t.Fatalf("%s %v", data, err)
		}
		return res.File, res.ID
	}
	status := func(path string) map[string]any {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		return m
	}
	until := func(path string, done func(map[string]any) bool) map[string]any {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if m := status(path); done(m) || time.Now().After(end) {
				return m
			}
		}
	}
	path, id := start(`{"_raw_params":"sh -c 'sleep 0.3; echo done'"}`, 60)
	if m := status(path); m["started"] != 1.0 || m["finished"] != 0.0 || m["ansible_job_id"] != id {
		t.Errorf("while it runs: %v", m)
	}
	m := until(path, func(m map[string]any) bool { return m["stdout"] != nil })
	if _, started := m["started"]; m["stdout"] != "done" || started {
		t.Errorf("at its end: %v", m)
	}
	path, _ = start(`{"_raw_params":"sleep 60"}`, 0.3)
	m = until(path, func(m map[string]any) bool { return m["finished"] == 1.0 })
	if m["failed"] != 1.0 || m["msg"] != "Timeout exceeded" {
		t.Errorf("after its time: %v", m)
	}
}
