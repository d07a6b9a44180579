package transport

// These tests start agents by the real script on this machine.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorun/engine/transport/agentbin"
	"gorun/internal/needs"
)

// A countingConn counts what is sent to commands, and runs them with a PATH of its own.
type countingConn struct {
	Conn
	path string
	sent *atomic.Int64
}

func (c countingConn) Start(ctx context.Context, cmd string, o StartOptions) (Process, error) {
	p, err := c.Conn.Start(ctx, "PATH="+c.path+"; export PATH; "+cmd, o)
	if err != nil {
		return nil, err
	}
	return countingProcess{p, c.sent}, nil
}

type countingProcess struct {
	Process
	sent *atomic.Int64
}

func (p countingProcess) Stdin() io.WriteCloser { return countingWriter{p.Process.Stdin(), p.sent} }

type countingWriter struct {
	io.WriteCloser
	sent *atomic.Int64
}

func (w countingWriter) Write(b []byte) (int, error) {
	n, err := w.WriteCloser.Write(b)
	w.sent.Add(int64(n))
	return n, err
}

// pathOf is a folder of links to the named programs of this machine.
func pathOf(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		real, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(real, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFirstContact checks in which form an agent is sent, that one of another
// user is copied only where its bytes are right, and what happens where xz is
// there and cannot unpack.
func TestFirstContact(t *testing.T) {
	if _, err := exec.LookPath("xz"); err != nil {
		needs.Missing(t, "xz", err.Error())
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	packed := func(argv ...string) []byte {
		out, err := exec.Command(argv[0], append(argv[1:], self)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	xz, gz := packed("xz", "-0", "-T0", "-c"), packed("gzip", "-1c")
	binary := agentbin.New(runtime.GOOS, runtime.GOARCH, hex.EncodeToString(sum[:]),
		func() ([]byte, error) { return gz, nil }, func() ([]byte, error) { return xz, nil })
	binaries := []*agentbin.Binary{binary}
	base := []string{"sh", "uname", "id", "mkdir", "chmod", "tr", "rm", "mv", "head", "stty"}
	full := pathOf(t, append(base, "gzip", "xz", "sha256sum")...)
	noXz := pathOf(t, append(base, "gzip", "sha256sum")...)
	bare := pathOf(t, base...)
	python := pathOf(t, append(base, "gzip", "sha256sum")...)
	if err := exec.Command("/usr/bin/python3", "-c", "import lzma").Run(); err != nil {
		needs.Missing(t, "ansible", "no Python with lzma: "+err.Error())
	}
	if err := os.Symlink("/usr/bin/python3", filepath.Join(python, "python3")); err != nil {
		t.Fatal(err)
	}
	brokenXz := pathOf(t, append(base, "gzip", "sha256sum")...)
	if err := os.WriteFile(filepath.Join(brokenXz, "xz"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	whole, cut := filepath.Join(t.TempDir(), "agent"), filepath.Join(t.TempDir(), "agent")
	for path, data := range map[string][]byte{whole: raw, cut: raw[:len(raw)-1]} {
		if err := os.WriteFile(path, data, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, path, from string
		atLeast, below   int // bytes that are sent
	}{
		{"xz", full, "", len(xz), len(xz) + 1<<12},
		{"gzip", noXz, "", len(gz), len(gz) + 1<<12},
		{"xz by Python", python, "", len(xz), len(xz) + 1<<12},
		{"raw", bare, "", len(raw), len(raw) + 1<<12},
		{"broken xz", brokenXz, "", len(gz), len(xz) + len(gz) + 1<<12},
		{"copied", full, whole, 0, 1 << 12},
		{"copy is cut", full, cut, len(xz), len(xz) + 1<<12},
		{"copy of nothing", full, "/nonexistent/agent", len(xz), len(xz) + 1<<12},
		{"copy that no program can check", bare, whole, len(raw), len(raw) + 1<<12},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent atomic.Int64
			conn := countingConn{NewLocal(), c.path, &sent}
			target := &Target{Name: "here", Connection: "local", AgentDir: filepath.Join(t.TempDir(), "cache")}
			client, err := startWith(t.Context(), conn, target, Become{}, c.from, binaries)
			if err != nil {
				t.Fatal(err)
			}
			defer client.close()
			if n := int(sent.Load()); n < c.atLeast || n >= c.below {
				t.Errorf("%d bytes were sent, between %d and %d are wanted", n, c.atLeast, c.below)
			}
			if want := filepath.Join(target.AgentDir, "agent-"+binary.SHA256); client.hello.File != want {
				t.Errorf("the agent is %s, want %s", client.hello.File, want)
			}
			left, err := filepath.Glob(filepath.Join(target.AgentDir, ".*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left: %s %v", strings.Join(left, " "), err)
			}
		})
	}
}

// A cutConn loses its commands' input behind a number of bytes.
type cutConn struct {
	Conn
	after int64
}

func (c cutConn) Start(ctx context.Context, cmd string, o StartOptions) (Process, error) {
	p, err := c.Conn.Start(ctx, cmd, o)
	if err != nil {
		return nil, err
	}
	return cutProcess{p, &cutWriter{p.Stdin(), c.after}}, nil
}

type cutProcess struct {
	Process
	stdin io.WriteCloser
}

func (p cutProcess) Stdin() io.WriteCloser { return p.stdin }

type cutWriter struct {
	io.WriteCloser
	left int64
}

func (w *cutWriter) Write(b []byte) (int, error) {
	if int64(len(b)) <= w.left {
		w.left -= int64(len(b))
		return w.WriteCloser.Write(b)
	}
	n, err := w.WriteCloser.Write(b[:w.left])
	w.left = 0
	if err == nil {
		w.WriteCloser.Close()
		err = io.ErrClosedPipe
	}
	return n, err
}

// TestCutUpload checks that an upload that breaks off leaves nothing, and that
// the next one is whole.
func TestCutUpload(t *testing.T) {
	binaries, err := agentbin.All()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cache")
	target := &Target{Name: "here", Connection: "local", AgentDir: dir}
	var down *UnreachableError
	if _, err := startWith(t.Context(), cutConn{NewLocal(), 1 << 20}, target, Become{}, "", binaries); !errors.As(err, &down) {
		t.Errorf("a cut upload: %v", err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // the script tidies up behind us
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("left: %v", left)
		}
	}
	c, err := startWith(t.Context(), NewLocal(), target, Become{}, "", binaries)
	if err != nil {
		t.Fatal(err)
	}
	c.close()
}
