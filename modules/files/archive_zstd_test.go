package files

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gorun/internal/needs"
	"gorun/modules"
)

// TestArchiveZstd packs by zstd and unpacks by the programs.
func TestArchiveZstd(t *testing.T) {
	if _, err := exec.LookPath("zstd"); err != nil {
		needs.Missing(t, "clients", "zstd is not installed")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tree/sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tree/a", "tree/sub/b", "one"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("content of "+name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, dest, unpack, want string }{
		{"tree", "tree.tar.zst", "zstd -dqc tree.tar.zst | tar xOf - tree/sub/b || zstd -dqc tree.tar.zst | tar xOf - sub/b", "content of tree/sub/b\n"},
		{"one", "one.zstd", "zstd -dqc < one.zstd", "content of one\n"},
	} {
		run := func(check bool) map[string]any {
			args := map[string]any{"path": filepath.Join(dir, c.path), "dest": filepath.Join(dir, c.dest), "format": "zstd"}
			return Archive.Execute(context.Background(), &modules.Run{Check: check}, args)
		}
		if out := run(true); out["changed"] != true {
			t.Errorf("%s: check mode: %v", c.path, out)
		}
		if _, err := os.Stat(filepath.Join(dir, c.dest)); err == nil {
			t.Errorf("%s is there after check mode", c.dest)
		}
		if out := run(false); out["changed"] != true || out["dest"] != filepath.Join(dir, c.dest) {
			t.Errorf("%s: %v", c.path, out)
		}
		cmd := exec.Command("sh", "-c", c.unpack+" 2>/dev/null")
		cmd.Dir = dir
		if out, err := cmd.Output(); err != nil || string(out) != c.want {
			t.Errorf("%s: %q, %v", c.dest, out, err)
		}
	}
}
