package transport_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	digest := func(of string) func() (string, error) {
		return func() (string, error) {
			sum := sha256.Sum256([]byte(of))
			return hex.EncodeToString(sum[:]), nil
		}
	}
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
				up, err := h.PutBeside(t.Context(), transport.Upload{
					R: strings.NewReader(text), Size: int64(len(text)), Dest: filepath.Join(c.dir, "a.conf"), Name: "b", SHA256: digest(text),
				})
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
			}
			for what, bad := range map[string]transport.Upload{
				"a short source":       {R: strings.NewReader("short"), Size: 10, SHA256: digest("short")},
				"another digest":       {R: strings.NewReader(text), Size: int64(len(text)), SHA256: digest("other text\n")},
				"a digest that failed": {R: strings.NewReader(text), Size: int64(len(text)), SHA256: func() (string, error) { return "", errors.New("gone") }},
			} {
				bad.Dest, bad.Name = filepath.Join(safe, "x.bad"), "x"
				if _, err := h.PutBeside(t.Context(), bad); err == nil {
					t.Errorf("%s is no error", what)
				}
				if left, _ := filepath.Glob(filepath.Join(safe, ".*.bad")); len(left) > 0 {
					t.Errorf("%s leaves %v", what, left)
				}
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
