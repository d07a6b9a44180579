// Package transporttest holds what every transport.Conn must do, as tests, and
// the servers that tests need.
package transporttest

// This file is the suite.

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/engine/transport"
)

// A Factory makes a connection to a host, on which dir is a folder that the
// test may write to.
type Factory struct {
	Dial func(t *testing.T) transport.Conn
	Dir  string
	// TTY says that the connection has terminals.
	TTY bool
	// ExitNote, where not nil, is what the connection's program adds to the
	// stderr of a command that ends with an exit code other than 0.
	ExitNote func(rc int) string
}

// Run runs the suite: a subtest for every sentence of transport.Conn's contract.
func Run(t *testing.T, f Factory) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, f Factory)
	}{
		{"a command gets stdin and gives stdout, stderr and its exit code", testStreams},
		{"quotes and newlines in a command arrive", testQuoting},
		{"large output and input do not block each other", testLarge},
		{"commands run at the same time", testConcurrent},
		{"a process ends with its context", testContext},
		{"Kill ends a process", testKill},
		{"Put and Get copy files of any bytes, also empty ones", testFiles},
		{"Put replaces a file and sets its mode", testPutMode},
		{"Put of a short reader leaves the old file", testShortPut},
		{"Get of no file is an error that names it", testMissing},
		{"a terminal is one", testTTY},
		{"after Close calls fail and Close may come again", testClose},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, f) })
	}
}

func dial(t *testing.T, f Factory) transport.Conn {
	t.Helper()
	c := f.Dial(t)
	t.Cleanup(func() { c.Close() })
	return c
}

func testContextFor(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// run runs a command to its end.
func run(ctx context.Context, t *testing.T, c transport.Conn, cmd string, o transport.StartOptions, stdin string) (stdout, stderr string, rc int) {
	t.Helper()
	p, err := c.Start(ctx, cmd, o)
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	go func() {
		io.WriteString(p.Stdin(), stdin)
		p.Stdin().Close()
	}()
	errs := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(p.Stderr())
		errs <- b
	}()
	out, err := io.ReadAll(p.Stdout())
	if err != nil {
		t.Errorf("%s: stdout: %v", cmd, err)
	}
	e := <-errs
	rc, err = p.Wait()
	if err != nil {
		t.Errorf("%s: Wait: %v", cmd, err)
	}
	return string(out), string(e), rc
}

func testStreams(t *testing.T, f Factory) {
	c := dial(t, f)
	out, errs, rc := run(testContextFor(t), t, c, "cat; echo to stderr >&2; exit 7", transport.StartOptions{}, "from stdin\n")
	want := "to stderr\n"
	if f.ExitNote != nil {
		want += f.ExitNote(7)
	}
	if out != "from stdin\n" || errs != want || rc != 7 {
		t.Errorf("stdout %q, stderr %q, exit code %d", out, errs, rc)
	}
}

func testQuoting(t *testing.T, f Factory) {
	c := dial(t, f)
	out, _, rc := run(testContextFor(t), t, c, `printf '%s|' 'a "b" $c' "it's" 'x
y' \\`, transport.StartOptions{}, "")
	if want := "a \"b\" $c|it's|x\ny|\\|"; out != want || rc != 0 {
		t.Errorf("%q, want %q (exit code %d)", out, want, rc)
	}
}

func testLarge(t *testing.T, f Factory) {
	c := dial(t, f)
	in := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	out, _, rc := run(testContextFor(t), t, c, "cat", transport.StartOptions{}, in)
	if out != in || rc != 0 {
		t.Errorf("%d bytes came back of %d (exit code %d)", len(out), len(in), rc)
	}
}

func testConcurrent(t *testing.T, f Factory) {
	c := dial(t, f)
	ctx := testContextFor(t)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			p, err := c.Start(ctx, fmt.Sprintf("read x; echo %d $x", i), transport.StartOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(p.Stdin(), "in\n")
			go io.Copy(io.Discard, p.Stderr())
			out, _ := io.ReadAll(p.Stdout())
			if rc, err := p.Wait(); string(out) != fmt.Sprintf("%d in\n", i) || rc != 0 || err != nil {
				t.Errorf("%d: %q, exit code %d, %v", i, out, rc, err)
			}
		})
	}
	wg.Wait()
}

func testContext(t *testing.T, f Factory) {
	c := dial(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	p, err := c.Start(ctx, "echo up; exec sleep 300", transport.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(p.Stdout(), make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	cancel()
	ends(t, p)
}

func testKill(t *testing.T, f Factory) {
	c := dial(t, f)
	p, err := c.Start(t.Context(), "echo up; exec sleep 300", transport.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(p.Stdout(), make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	ends(t, p)
}

// ends fails where the process does not.
func ends(t *testing.T, p transport.Process) {
	t.Helper()
	done := make(chan int, 1)
	go func() {
		rc, _ := p.Wait()
		done <- rc
	}()
	select {
	case rc := <-done:
		if rc == 0 {
			t.Error("exit code 0 of a process that was killed")
		}
	case <-time.After(10 * time.Second):
		t.Error("the process goes on")
	}
}

func testFiles(t *testing.T, f Factory) {
	c := dial(t, f)
	ctx := testContextFor(t)
	random := make([]byte, 300<<10)
	rand.Read(random)
	for name, data := range map[string][]byte{"empty": {}, "random bytes": random, "it's a \"name\" $HOME": []byte("x\r\n\x00\x04y")} {
		path := f.Dir + "/" + name
		if err := c.Put(ctx, bytes.NewReader(data), int64(len(data)), path, 0o600); err != nil {
			t.Errorf("%s: Put: %v", name, err)
			continue
		}
		var got bytes.Buffer
		if err := c.Get(ctx, path, &got); err != nil {
			t.Errorf("%s: Get: %v", name, err)
		}
		if !bytes.Equal(got.Bytes(), data) {
			t.Errorf("%s: %d bytes came back of %d", name, got.Len(), len(data))
		}
	}
}

func testPutMode(t *testing.T, f Factory) {
	c := dial(t, f)
	ctx := testContextFor(t)
	path := f.Dir + "/mode"
	for _, perm := range []uint32{0o640, 0o755} {
		if err := c.Put(ctx, strings.NewReader("text"), 4, path, perm); err != nil {
			t.Fatal(err)
		}
		out, _, _ := run(ctx, t, c, "ls -l '"+path+"'", transport.StartOptions{}, "")
		if want := modeText(perm); !strings.HasPrefix(out, want) {
			t.Errorf("mode %o: %s", perm, out)
		}
	}
}

func modeText(perm uint32) string {
	const letters = "rwxrwxrwx"
	b := []byte("----------")
	for i := range letters {
		if perm>>(8-i)&1 == 1 {
			b[i+1] = letters[i]
		}
	}
	return string(b)
}

func testShortPut(t *testing.T, f Factory) {
	c := dial(t, f)
	ctx := testContextFor(t)
	path := f.Dir + "/whole"
	if err := c.Put(ctx, strings.NewReader("old"), 3, path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(ctx, strings.NewReader("ne"), 3, path, 0o600); err == nil {
		t.Error("no error for a reader that ends early")
	}
	out, _, _ := run(ctx, t, c, "cat '"+path+"'; ls -A '"+f.Dir+"' | grep -c gorun-", transport.StartOptions{}, "")
	if out != "old0\n" {
		t.Errorf("the file and the count of files left over: %q", out)
	}
}

func testMissing(t *testing.T, f Factory) {
	c := dial(t, f)
	path := f.Dir + "/not there"
	err := c.Get(testContextFor(t), path, io.Discard)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	var u *transport.UnreachableError
	if errors.As(err, &u) {
		t.Error("a file that is not there makes the host unreachable")
	}
}

func testTTY(t *testing.T, f Factory) {
	c := dial(t, f)
	if !f.TTY {
		if p, err := c.Start(t.Context(), "true", transport.StartOptions{TTY: true}); err == nil {
			p.Kill()
			t.Error("a terminal was promised that is not there")
		}
		return
	}
	out, _, rc := run(testContextFor(t), t, c, "test -t 0 && test -t 1 && echo terminal", transport.StartOptions{TTY: true}, "")
	if strings.TrimSpace(out) != "terminal" || rc != 0 {
		t.Errorf("%q, exit code %d", out, rc)
	}
}

func testClose(t *testing.T, f Factory) {
	c := dial(t, f)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
	_, err := c.Start(t.Context(), "true", transport.StartOptions{})
	var u *transport.UnreachableError
	if !errors.As(err, &u) {
		t.Errorf("Start after Close: %v", err)
	}
}
