package aptrepo

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestIndex builds the stand-ins and indexes them, as apt would read it.
func TestIndex(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("there is no dpkg-deb: this is no Debian")
	}
	dir := t.TempDir()
	if err := buildStandIns(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	if err := Index(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	packages, err := os.ReadFile(filepath.Join(dir, "Packages"))
	if err != nil {
		t.Fatal(err)
	}
	stanzas := strings.Split(strings.TrimSpace(string(packages)), "\n\n")
	if len(stanzas) != len(standIns) {
		t.Fatalf("%d stanzas for %d packages", len(stanzas), len(standIns))
	}
	for _, s := range stanzas {
		if !strings.Contains(s, "Package: mysql-server\n") {
			continue
		}
		deb, err := os.ReadFile(filepath.Join(dir, "mysql-server_2014.1_all.deb"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"Depends: mariadb-server\n", "Filename: ./mysql-server_2014.1_all.deb\n",
			fmt.Sprintf("Size: %d\n", len(deb)), fmt.Sprintf("SHA256: %x", sha256.Sum256(deb)),
		} {
			if !strings.Contains(s+"\n", want) {
				t.Errorf("no %q in\n%s", want, s)
			}
		}
	}
	release, err := os.ReadFile(filepath.Join(dir, "Release"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(" %x %d Packages\n", sha256.Sum256(packages), len(packages)); !strings.Contains(string(release), want) {
		t.Errorf("no %q in\n%s", want, release)
	}
}

func TestKeyFollowsRecipe(t *testing.T) {
	base := t.TempDir()
	status := filepath.Join(base, "var/lib/dpkg/status")
	if err := os.MkdirAll(filepath.Dir(status), 0o755); err != nil {
		t.Fatal(err)
	}
	key := func(b Builder, text string) string {
		t.Helper()
		if err := os.WriteFile(status, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		b.Base = base
		k, err := b.key()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key(Builder{}, "a")
	if again := key(Builder{}, "a"); again != first {
		t.Error("the same recipe has two keys")
	}
	for what, other := range map[string]string{
		"base": key(Builder{}, "b"), "extra": key(Builder{Extra: []string{"x"}}, "a"),
		"source": key(Builder{Sources: []Source{{URI: "http://m.example"}}}, "a"),
	} {
		if other == first {
			t.Errorf("another %s has the same key", what)
		}
	}
	if _, err := (&Builder{Base: t.TempDir()}).key(); err == nil {
		t.Error("a base without a status is no error")
	}
}
