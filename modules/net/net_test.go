package net

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorun/modules"
)

// web is a server with what the modules have to cope with.
func web(t *testing.T) *httptest.Server {
	stamp := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	mux := http.NewServeMux()
	mux.HandleFunc("/file.txt", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "file.txt", stamp, strings.NewReader("hello\n"))
	})
	mux.HandleFunc("/sums", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte("hello\n"))
		fmt.Fprintf(w, "%064d  other\n%s *./file.txt\n", 0, hex.EncodeToString(sum[:]))
	})
	mux.HandleFunc("/named", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="../named.bin"`)
		io.WriteString(w, "n")
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "1", Path: "/"})
		fmt.Fprintf(w, `{"method": %q, "body": %q, "type": %q, "agent": %q, "secret": %q, "n": 12345678901234567}`,
			r.Method, body, r.Header.Get("Content-Type"), r.UserAgent(), r.Header.Get("X-Secret"))
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "unpacked")
		z.Close()
	})
	mux.HandleFunc("/basic", func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != "me" || p != "pw" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			http.Error(w, "no", http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("/digest", func(w http.ResponseWriter, r *http.Request) {
		p := authParams(strings.TrimPrefix(r.Header.Get("Authorization"), "Digest "))
		want := digestAuth(map[string]string{"realm": "r", "nonce": "n", "qop": "auth"}, "me", "pw", r.Method, "/digest", p["cnonce"])
		if r.Header.Get("Authorization") != want {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
			http.Error(w, "no", http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func execute(mod *modules.Module, check bool, args map[string]any) map[string]any {
	return mod.Execute(context.Background(), &modules.Run{Check: check, Env: map[string]string{"HOME": "/nonexistent", "no_proxy": "*"}}, args)
}

func TestGetURL(t *testing.T) {
	s := web(t)
	sum := sha256.Sum256([]byte("hello\n"))
	good := "sha256:" + hex.EncodeToString(sum[:])
	for _, c := range []struct {
		name string
		path string // of the URL
		args map[string]any
		file string // that is there after
		want map[string]any
		// again is what a second run says of changed; failing cases have none.
		again bool
	}{
		{"plain", "/file.txt", nil, "out", map[string]any{"changed": true, "status_code": 200, "msg": "OK (6 bytes)"}, false},
		{"into folder", "/file.txt", map[string]any{"dest": "$DIR"}, "file.txt", map[string]any{"changed": true}, false},
		{"named by server", "/named", map[string]any{"dest": "$DIR"}, "named.bin", map[string]any{"changed": true}, false},
		{"checksum", "/file.txt", map[string]any{"checksum": good}, "out", map[string]any{"changed": true}, false},
		{"checksum by URL", "/file.txt", map[string]any{"checksum": "sha256:$URL/sums"}, "out", map[string]any{"changed": true}, false},
		{"mode", "/file.txt", map[string]any{"mode": "0600"}, "out", map[string]any{"changed": true, "mode": "0600"}, false},
		{"redirect", "/redirect", nil, "out", map[string]any{"changed": true}, false},
		{"gzip", "/gzip", map[string]any{"force": true}, "out", map[string]any{"changed": true, "size": int64(8)}, false},
		{"basic", "/basic", map[string]any{"url_username": "me", "url_password": "pw"}, "out", map[string]any{"changed": true}, false},
		{"digest", "/digest", map[string]any{"url_username": "me", "url_password": "pw"}, "out", map[string]any{"changed": true}, false},
		{"wrong checksum", "/file.txt", map[string]any{"checksum": "sha256:00"}, "", map[string]any{"failed": true}, false},
		{"bad checksum", "/file.txt", map[string]any{"checksum": "sha256:zz"}, "", map[string]any{"failed": true, "msg": "The checksum format is invalid"}, false},
		{"missing", "/nope", nil, "", map[string]any{"failed": true, "msg": "Request failed", "status_code": 404, "response": "HTTP Error 404: Not Found"}, false},
		{"no password", "/basic", nil, "", map[string]any{"failed": true, "status_code": 401}, false},
		{"loop", "/loop", nil, "", map[string]any{"failed": true, "msg": "Request failed"}, false},
		{"timeout", "/slow", map[string]any{"timeout": 1}, "", map[string]any{"failed": true, "msg": "Request failed: <urlopen error timed out>"}, false},
		{"no folder", "/file.txt", map[string]any{"dest": "$DIR/no/such"}, "", map[string]any{"failed": true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			expand := strings.NewReplacer("$DIR", dir, "$URL", s.URL)
			args := map[string]any{"url": s.URL + c.path, "dest": filepath.Join(dir, "out")}
			for k, v := range c.args {
				if text, ok := v.(string); ok {
					v = expand.Replace(text)
				}
				args[k] = v
			}
			if c.file != "" {
				if res := execute(GetURL, true, args); res["changed"] != true {
					t.Errorf("check mode: %v", res)
				}
				if entries, _ := os.ReadDir(dir); len(entries) > 0 {
					t.Errorf("check mode made %v", entries)
				}
			}
			res := execute(GetURL, false, args)
			for k, v := range c.want {
				if res[k] != v {
					t.Errorf("%s is %v, want %v: %v", k, res[k], v, res)
				}
			}
			entries, _ := os.ReadDir(dir)
			if c.file == "" {
				if len(entries) > 0 {
					t.Errorf("a failure left %v", entries)
				}
				return
			}
			if len(entries) != 1 || entries[0].Name() != c.file {
				t.Errorf("there is %v, want %s", entries, c.file)
			}
			if res := execute(GetURL, false, args); res["changed"] != c.again || res["failed"] != nil {
				t.Errorf("second run: %v", res)
			}
		})
	}
}

func TestURI(t *testing.T) {
	s := web(t)
	for _, c := range []struct {
		name, path string
		args       map[string]any
		want       map[string]any
		json       map[string]any
	}{
		{"get", "/echo", nil, map[string]any{"status": 200, "redirected": false, "cookies_string": "c=1"}, map[string]any{"method": "GET", "agent": "ansible-httpget"}},
		{"redirect", "/redirect", nil, map[string]any{"status": 200, "redirected": true, "url": s.URL + "/echo"}, map[string]any{"method": "GET"}},
		{"post is not redirected", "/redirect", map[string]any{"method": "POST", "status_code": 302}, map[string]any{"status": 302, "location": s.URL + "/echo"}, nil},
		{"all redirects", "/redirect", map[string]any{"method": "POST", "follow_redirects": "all"}, map[string]any{"status": 200}, map[string]any{"method": "GET"}},
		{"no redirects", "/redirect", map[string]any{"follow_redirects": "none"}, map[string]any{"failed": true, "status": 302}, nil},
		{"json", "/echo", map[string]any{"method": "PUT", "body_format": "json", "body": map[string]any{"a": []any{1, "x"}}}, nil,
			map[string]any{"method": "PUT", "body": `{"a": [1, "x"]}`, "type": "application/json"}},
		{"form", "/echo", map[string]any{"method": "POST", "body_format": "form-urlencoded", "body": map[string]any{"b": "x y", "a": []any{1, 2}}}, nil,
			map[string]any{"body": "a=1&a=2&b=x+y", "type": "application/x-www-form-urlencoded"}},
		{"pairs", "/echo", map[string]any{"method": "POST", "body_format": "form-urlencoded", "body": []any{[]any{"b", 1}, []any{"a", 2}}}, nil, map[string]any{"body": "b=1&a=2"}},
		{"raw", "/echo", map[string]any{"method": "POST", "body": "text"}, nil, map[string]any{"body": "text"}},
		{"header kept from redirect", "/redirect", map[string]any{"headers": map[string]any{"X-Secret": "s"}, "unredirected_headers": []any{"x-secret"}}, nil, map[string]any{"secret": ""}},
		{"not found", "/nope", nil, map[string]any{"failed": true, "status": 404, "msg": "Status code was 404 and not [200]: HTTP Error 404: Not Found"}, nil},
		{"expected not found", "/nope", map[string]any{"status_code": []any{200, 404}}, map[string]any{"status": 404, "failed": nil}, nil},
		{"content", "/file.txt", map[string]any{"return_content": true}, map[string]any{"content": "hello\n", "msg": "OK (6 bytes)", "content_length": "6"}, nil},
		{"basic at once", "/basic", map[string]any{"user": "me", "password": "pw", "force_basic_auth": true}, map[string]any{"status": 200}, nil},
		{"creates", "/echo", map[string]any{"creates": "/"}, map[string]any{"stdout": "skipped, since '/' exists", "changed": false}, nil},
		{"bad method", "/echo", map[string]any{"method": "a b"}, map[string]any{"failed": true}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := map[string]any{"url": s.URL + c.path}
			for k, v := range c.args {
				args[k] = v
			}
			res := execute(URI, false, args)
			for k, v := range c.want {
				if res[k] != v {
					t.Errorf("%s is %v, want %v: %v", k, res[k], v, res)
				}
			}
			data, _ := res["json"].(map[string]any)
			for k, v := range c.json {
				if data[k] != v {
					t.Errorf("json %s is %v, want %v", k, data[k], v)
				}
			}
		})
	}
}

// TestRedirectName takes a file's name from where redirects end, as Ansible 2.14 and 2.22 do.
func TestRedirectName(t *testing.T) {
	s := web(t)
	for _, m := range []*modules.Module{GetURL, URI} {
		dir := t.TempDir()
		res := execute(m, false, map[string]any{"url": s.URL + "/redirect", "dest": dir})
		if _, err := os.Stat(filepath.Join(dir, "echo")); err != nil || res["failed"] != nil {
			t.Errorf("%s: %v: %v", m.Spec.Name, err, res)
		}
	}
}

func TestFormEncode(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
	}{
		// What uri of ansible-core 2.14.18 sent.
		{map[string]any{"a": 1, "b": []any{"x", "y"}, "c": nil, "d": true}, "a=1&b=x&b=y&d=True"},
		{[]any{[]any{"a", 1}, []any{"a", 2}, []any{"b", []any{"x", []any{"y", "z"}}}}, "a=1&a=2&b=x&b=%5B%27y%27%2C+%27z%27%5D"},
		{[]any{[]any{"a", map[string]any{"k": 1}}}, "a=k"},
		{[]any{"ab", "cd"}, "a=b&c=d"},
		{[]any{[]any{"a", []any{1, nil}}}, "a=1"},
	} {
		if got, err := formEncode(c.in); err != nil || got != c.want {
			t.Errorf("%v: got %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	if _, err := formEncode([]any{"abc"}); err == nil || err.Error() != "too many values to unpack (expected 2)" {
		t.Errorf("three letters: %v", err)
	}
}

func TestURIDest(t *testing.T) {
	s := web(t)
	args := map[string]any{"url": s.URL + "/file.txt", "dest": filepath.Join(t.TempDir(), "out")}
	if res := execute(URI, false, args); res["changed"] != true {
		t.Errorf("first: %v", res)
	}
	// Ansible asks for a newer file and takes the answer 304 only where status_code has it.
	if res := execute(URI, false, args); res["failed"] != true || res["msg"] != "Status code was 304 and not [200]: HTTP Error 304: Not Modified" {
		t.Errorf("second: %v", res)
	}
	args["status_code"] = []any{200, 304}
	if res := execute(URI, false, args); res["changed"] != false || res["failed"] != nil {
		t.Errorf("third: %v", res)
	}
}

func TestCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	s.Config.ErrorLog = nil
	res := execute(URI, false, map[string]any{"url": s.URL, "status_code": 404})
	if msg, _ := res["msg"].(string); res["failed"] != true || !strings.Contains(msg, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate") {
		t.Errorf("got %v", res)
	}
	if res := execute(URI, false, map[string]any{"url": s.URL, "status_code": 404, "validate_certs": false}); res["failed"] != nil {
		t.Errorf("without validation: %v", res)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	res := execute(GetURL, false, map[string]any{"url": "http://127.0.0.1:1/", "dest": "/nonexistent/x", "url_username": "me", "url_password": "hunter2"})
	if text := fmt.Sprint(res); strings.Contains(text, "hunter2") {
		t.Errorf("the password is in %s", text)
	}
}

func TestNoProxy(t *testing.T) {
	for _, c := range []struct {
		list, url string
		want      bool
	}{
		{"", "http://a.b/", false}, {"*", "http://a.b/", true}, {"a.b", "http://a.b:80/", true}, {".b", "http://a.b/", true},
		{"b", "http://a.b/", true}, {"b", "http://ab/", false}, {"10.0.0.0/8", "http://10.1.2.3/", true}, {"10.0.0.0/8", "http://11.1.2.3/", false},
	} {
		r, err := http.NewRequest("GET", c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := noProxy(&modules.Run{Env: map[string]string{"no_proxy": c.list}}, r.URL); got != c.want {
			t.Errorf("%q %s: %v", c.list, c.url, got)
		}
	}
}

func FuzzParsers(f *testing.F) {
	f.Add(`realm="a", nonce=b, qop="auth,auth-int"`)
	f.Add("machine h login u password p\ndefault login x password y")
	f.Add("abc  file\nSHA256 (file) = 00")
	f.Fuzz(func(t *testing.T, s string) {
		authParams(s)
		netrcEntry(s, "h")
		digestIn(s, "file")
	})
}
