package gitserve

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// makeDeb packs files, by path; a text beginning with "->" is a link.
func makeDeb(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), name)
	files["/DEBIAN/control"] = "Package: " + name + "\nVersion: 1\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n"
	for path, text := range files {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if len(text) > 2 && text[:2] == "->" {
			err = os.Symlink(text[2:], full)
		} else {
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	deb := filepath.Join(t.TempDir(), name+"_1_all.deb")
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "-b", root, deb).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return deb
}

// TestCloneWordPress makes a repository of two packages and clones it over HTTP.
func TestCloneWordPress(t *testing.T) {
	for _, tool := range []string{"git", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s on this machine", tool)
		}
	}
	wordpress := makeDeb(t, "wordpress", map[string]string{
		"/usr/share/wordpress/index.php": "<?php", "/usr/share/wordpress/wp-config.php": "Debian's", "/usr/share/wordpress/.htaccess": "Debian's",
		"/usr/share/wordpress/js/lib.js": "->/usr/share/javascript/lib.js", "/usr/share/wordpress/js/rel.js": "->../../javascript/lib.js",
		"/usr/share/wordpress/bundle.crt": "->/etc/ssl/bundle.crt", "/usr/share/wordpress/gone": "->/nowhere",
	})
	lib := makeDeb(t, "lib", map[string]string{"/usr/share/javascript/lib.js": "->lib-1.js", "/usr/share/javascript/lib-1.js": "js"})
	base := t.TempDir()
	if err := os.MkdirAll(filepath.Join(base, "etc/ssl"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "etc/ssl/bundle.crt"), []byte("certificates"), 0o644); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	made := 0
	var dir string
	for range 2 {
		var err error
		if dir, err = Make(context.Background(), cache, base, []string{wordpress, lib}, func(string) { made++ }); err != nil {
			t.Fatal(err)
		}
	}
	if made != 1 {
		t.Errorf("made %d times, want once and then from the cache", made)
	}
	handler, err := Handler(dir)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(handler)
	defer srv.Close()
	for _, path := range []string{Path, "/WordPress/WordPress"} {
		clone := filepath.Join(t.TempDir(), "clone")
		if out, err := exec.Command("git", "clone", "-q", "--depth", "1", srv.URL+path, clone).CombinedOutput(); err != nil {
			t.Fatalf("cloning %s: %v: %s", path, err, out)
		}
		for name, want := range map[string]string{"index.php": "<?php", "js/lib.js": "js", "js/rel.js": "js", "bundle.crt": "certificates"} {
			st, err := os.Lstat(filepath.Join(clone, name))
			if err != nil || !st.Mode().IsRegular() {
				t.Errorf("%s: %v, %v", name, st, err)
				continue
			}
			if got, err := os.ReadFile(filepath.Join(clone, name)); err != nil || string(got) != want {
				t.Errorf("%s holds %q, %v", name, got, err)
			}
		}
		for _, name := range []string{"wp-config.php", ".htaccess", "gone"} {
			if _, err := os.Lstat(filepath.Join(clone, name)); !os.IsNotExist(err) {
				t.Errorf("%s is there: %v", name, err)
			}
		}
	}
	if out, err := exec.Command("git", "ls-remote", srv.URL+"/other/repo.git").CombinedOutput(); err == nil {
		t.Errorf("another repository is there: %s", out)
	}
}
