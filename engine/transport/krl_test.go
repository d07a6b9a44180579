package transport

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"gorun/internal/needs"
)

// TestKRL has ssh-keygen write lists of every kind, and say with -Q what they revoke.
func TestKRL(t *testing.T) {
	_, err := exec.LookPath("ssh-keygen")
	needs.Have(t, "ssh-keygen", err == nil, "ssh-keygen is not installed")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	keygen := func(args ...string) error {
		cmd := exec.Command("ssh-keygen", args...)
		cmd.Dir = dir
		return cmd.Run()
	}
	must := func(args ...string) {
		t.Helper()
		if err := keygen(args...); err != nil {
			t.Fatalf("ssh-keygen %v: %v", args, err)
		}
	}
	for _, name := range []string{"ca", "other-ca", "a", "b", "c"} {
		must("-q", "-t", "ed25519", "-N", "", "-f", name)
	}
	must("-q", "-s", "ca", "-h", "-I", "host a", "-z", "70", "a.pub")
	must("-q", "-s", "other-ca", "-h", "-I", "host b", "-z", "70", "b.pub")
	must("-q", "-s", "ca", "-h", "-I", "host c", "c.pub") // without a serial
	files := []string{"a.pub", "b.pub", "c.pub", "a-cert.pub", "b-cert.pub", "c-cert.pub"}
	read := func(name string) ssh.PublicKey {
		data, err := os.ReadFile(path(name))
		if err != nil {
			t.Fatal(err)
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(data)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	keyA, err := os.ReadFile(path("a.pub"))
	if err != nil {
		t.Fatal(err)
	}
	specs := map[string]string{
		"nothing": "", "a key": "key: " + string(keyA), "sha1": "sha1: " + string(keyA), "sha256": "sha256: " + string(keyA),
		"a serial": "serial: 70\n", "another serial": "serial: 71\n", "a range": "serial: 60-80\n", "many": "serial: 64\nserial: 66\nserial: 70\nserial: 71\nserial: 75\n",
		"many others": "serial: 64\nserial: 66\nserial: 69\nserial: 72\nserial: 75\n", "key ids": "id: host b\nid: host a\n", "zero to all": "serial: 1-18446744073709551615\n",
	}
	for name, spec := range specs {
		for _, ca := range []string{"ca.pub", ""} {
			if err := os.WriteFile(path("spec"), []byte(spec), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{"-q", "-k", "-f", "list"}
			if ca != "" {
				args = append(args, "-s", ca)
			}
			if err := keygen(append(args, "spec")...); err != nil {
				if strings.Contains(spec, "serial") || strings.Contains(spec, "id:") {
					continue // these want an authority in some versions
				}
				t.Fatalf("%s: %v", name, err)
			}
			list, err := os.ReadFile(path("list"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				want := keygen("-Q", "-f", "list", f) != nil
				if got, err := revokedByKRL(list, read(f)); err != nil || got != want {
					t.Errorf("%s (authority %q), %s: %v %v, ssh-keygen says %v", name, ca, f, got, err, want)
				}
			}
			for i := len(krlMagic); i < len(list); i++ {
				revokedByKRL(list[:i], read("a-cert.pub")) // cut short it must not panic
			}
		}
	}
}
