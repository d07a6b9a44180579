package packaging

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/modules"
)

// ppaFingerprint is gpg's fingerprint of testdata/ppa.asc.
const ppaFingerprint = "9F0B2FAE89AE085183AFA0713ACC0E9BB0ED4AC7"

func (r *aptRoot) repository(args map[string]any, check bool, env map[string]string) map[string]any {
	r.t.Helper()
	m := &modules.Run{Name: "apt_repository", Diff: true, Check: check, Env: map[string]string{"APT_CONFIG": r.aptConf}}
	for k, v := range env {
		m.Env[k] = v
	}
	return AptRepository.Execute(context.Background(), m, args)
}

// sources lists the files of sources.list.d with their text.
func (r *aptRoot) sources() string {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.dir, "etc/apt/sources.list.d/*"))
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			r.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s: %s", filepath.Base(f), text)
	}
	return b.String()
}

// TestAptRepository has file names and outcomes as ansible 2.14.18 has them.
func TestAptRepository(t *testing.T) {
	r := newAptRoot(t)
	type args = map[string]any
	const path8080 = "deb [trusted=yes arch=amd64] http://x.example.com:8080/debian/path stable main contrib"
	for _, s := range []struct {
		name    string
		args    args
		changed bool
		want    string
		err     string
	}{
		{"garbage", args{"repo": "garbage"}, false, "", "Invalid repository string: garbage"},
		{"named by its URI", args{"repo": path8080, "update_cache": false}, true, "x_example_com_8080_debian_path.list: " + path8080 + "\n", ""},
		{"absent", args{"repo": path8080, "update_cache": false, "state": "absent"}, true, "", ""},
		{"named by the task", args{"repo": "deb   http://u:p@y.example.com/a stable main # note", "filename": "foo", "update_cache": false}, true,
			"foo.list: deb http://u:p@y.example.com/a stable main\n", ""},
		{"appended", args{"repo": "deb http://y.example.com/a stable other", "filename": "foo", "update_cache": false}, true,
			"foo.list: deb http://u:p@y.example.com/a stable main\ndeb http://y.example.com/a stable other\n", ""},
		{"known in another file", args{"repo": "deb http://y.example.com/a stable other", "filename": "bar", "update_cache": false}, false,
			"foo.list: deb http://u:p@y.example.com/a stable main\ndeb http://y.example.com/a stable other\n", ""},
		{"one of two absent", args{"repo": "deb http://y.example.com/a stable other", "state": "absent", "update_cache": false}, true,
			"foo.list: deb http://u:p@y.example.com/a stable main\n", ""},
		{"the other absent", args{"repo": "deb http://u:p@y.example.com/a stable main", "state": "absent", "update_cache": false}, true, "", ""},
		{"lists cannot be fetched", args{"repo": "deb [trusted=yes] file:/nowhere ./", "update_cache_retries": 0}, true, "", "Failed to update apt cache: "},
	} {
		before := r.sources()
		predicted := r.repository(s.args, true, nil)
		if r.sources() != before {
			t.Fatalf("%s: check mode wrote", s.name)
		}
		got := r.repository(s.args, false, nil)
		if msg := fmt.Sprint(got["msg"]); (got["failed"] == true) != (s.err != "") || !strings.Contains(msg, s.err) {
			t.Fatalf("%s: failed=%v msg %q, want %q", s.name, got["failed"], msg, s.err)
		}
		if have := r.sources(); have != s.want {
			t.Errorf("%s: have %q, want %q", s.name, have, s.want)
		}
		if s.err != "" {
			continue
		}
		if got["changed"] != s.changed || predicted["changed"] != s.changed {
			t.Errorf("%s: changed=%v, predicted %v", s.name, got["changed"], predicted["changed"])
		}
		if again := r.repository(s.args, false, nil); again["changed"] != false {
			t.Errorf("%s: changed again", s.name)
		}
	}
}

func TestSwitchedOffSourceIsEnabled(t *testing.T) {
	r := newAptRoot(t)
	r.write("etc/apt/sources.list.d/off.list", "# a comment\n# deb http://off.example.com/a stable main # why\n")
	got := r.repository(map[string]any{"repo": "deb http://off.example.com/a stable main", "update_cache": false}, false, nil)
	if want := "off.list: # a comment\ndeb http://off.example.com/a stable main\n"; got["changed"] != true || r.sources() != want {
		t.Errorf("got %v, %q", got, r.sources())
	}
}

func TestPPA(t *testing.T) {
	r := newAptRoot(t)
	key, err := os.ReadFile("testdata/ppa.asc")
	if err != nil {
		t.Fatal(err)
	}
	asked := []string{}
	fingerprint := ppaFingerprint
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, req.URL.String())
		switch req.URL.Path {
		case "/1.0/~nginx/+archive/stable":
			fmt.Fprintf(w, `{"name": "stable", "signing_key_fingerprint": %q}`, fingerprint)
		case "/pks/lookup":
			w.Write(key)
		default:
			http.NotFound(w, req)
		}
	}))
	defer server.Close()
	env := map[string]string{"GORUN_LAUNCHPAD_API": server.URL, "GORUN_KEYSERVER": server.URL + "/", "GORUN_PPA_URL": server.URL}
	args := map[string]any{"repo": "ppa:nginx/stable", "codename": "jammy", "update_cache": false}
	if p := r.repository(args, true, env); p["changed"] != true || len(asked) != 0 {
		t.Errorf("check mode: %v, asked %q", p, asked)
	}
	got := r.repository(args, false, env)
	want := "ppa_nginx_stable_jammy.list: deb " + server.URL + "/nginx/stable/ubuntu jammy main\n"
	if got["changed"] != true || r.sources() != want {
		t.Fatalf("got %v with %q, want %q", got, r.sources(), want)
	}
	ring, err := os.ReadFile(filepath.Join(r.dir, "etc/apt/trusted.gpg.d/nginx-ubuntu-stable.gpg"))
	if err != nil {
		t.Fatal(err)
	}
	if prints, err := primaryFingerprints(ring); err != nil || strings.Join(prints, " ") != ppaFingerprint {
		t.Errorf("the keyring holds %q, %v", prints, err)
	}
	asked = nil
	if again := r.repository(args, false, env); again["changed"] != false || len(asked) != 0 {
		t.Errorf("again: %v, asked %q", again, asked)
	}
	if gone := r.repository(map[string]any{"repo": "ppa:nginx/stable", "codename": "jammy", "state": "absent", "update_cache": false}, false, env); gone["changed"] != true || r.sources() != "" {
		t.Errorf("absent: %v, %q", gone, r.sources())
	}
	fingerprint = strings.Repeat("0", 40)
	if other := r.repository(args, false, env); other["failed"] != true || !strings.Contains(fmt.Sprint(other["msg"]), "is not the key "+fingerprint) {
		t.Errorf("another key than Launchpad's: %v", other)
	}
	unknown := r.repository(map[string]any{"repo": "ppa:no/body", "codename": "jammy"}, false, env)
	if msg := fmt.Sprint(unknown["msg"]); msg != "failed to fetch PPA information, error was: HTTP Error 404 Not Found" {
		t.Errorf("an unknown PPA: %q", msg)
	}
}

func FuzzDearmor(f *testing.F) {
	key, err := os.ReadFile("testdata/ppa.asc")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key)
	f.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBA==\n-----END PGP PUBLIC KEY BLOCK-----"))
	f.Add([]byte{0xc6, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if ring, err := dearmor(b); err == nil && len(ring) == 0 {
			t.Error("an empty keyring without an error")
		}
	})
}
