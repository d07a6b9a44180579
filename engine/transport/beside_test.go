package transport_test

import (
	"crypto/sha1"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
)

// TestPutBeside checks where the new content of a file goes, and that nothing
// is left of what no module has put in its place.
func TestPutBeside(t *testing.T) {
	s := transporttest.StartSSHD(t)
	remote := s.Target()
	remote.AgentDir = t.TempDir()
	const text = "some text\n"
	for name, target := range map[string]transport.Target{"ssh": remote, "local": {Name: "here", Connection: "local"}} {
		t.Run(name, func(t *testing.T) {
			safe, open := t.TempDir(), t.TempDir()
			if err := os.Chmod(open, 0o777); err != nil {
				t.Fatal(err)
			}
			hosts := transport.NewHosts()
			defer hosts.Close()
			h := hosts.Host(target, transport.Become{})
			for _, c := range []struct {
				dir    string
				beside bool
			}{{safe, true}, {open, false}, {filepath.Join(safe, "missing"), false}} {
				up, err := h.PutBeside(t.Context(), strings.NewReader(text), int64(len(text)), filepath.Join(c.dir, "a.conf"), "b")
				if err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(up.Path)
				if err != nil || string(got) != text || up.Beside != c.beside || c.beside != (filepath.Dir(up.Path) == c.dir) {
					t.Errorf("%s: %+v %q %v", c.dir, up, got, err)
				}
				if c.beside && (filepath.Ext(up.Path) != ".conf" || !strings.HasPrefix(filepath.Base(up.Path), ".ansible_tmp")) {
					t.Errorf("the name is %s", up.Path)
				}
				st, err := os.Stat(up.Path)
				if err != nil || st.Mode().Perm() != 0o600 {
					t.Errorf("%v %v", st, err)
				}
				sum := sha1.Sum([]byte(text))
				if up.SHA1 != hex.EncodeToString(sum[:]) || len(up.MD5) != 32 {
					t.Errorf("digests: %+v", up)
				}
			}
			if _, err := h.PutBeside(t.Context(), strings.NewReader("short"), 10, filepath.Join(safe, "x"), "x"); err == nil {
				t.Error("a short source is no error")
			}
			if name == "local" {
				return
			}
			hosts.Close()
			if left, _ := os.ReadDir(safe); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}
