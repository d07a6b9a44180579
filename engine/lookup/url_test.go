package lookup

import (
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/templates"
)

// echo answers with what a test wants to see of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/lines":
		fmt.Fprint(w, "one\ntwo\r\nthree")
	case "/redir":
		http.Redirect(w, r, "/seen", http.StatusFound)
	case "/auth":
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "in")
	case "/seen":
		var seen []string
		for _, h := range []string{"Authorization", "Cache-Control", "Referer", "User-Agent", "X-A", "X-B"} {
			if v := r.Header.Get(h); v != "" {
				seen = append(seen, h+"="+v)
			}
		}
		fmt.Fprint(w, strings.Join(seen, " "))
	default:
		http.NotFound(w, r)
	}
}

// TestURL holds what ansible-core 2.22.0b2 gave for the same requests to a
// server in Python.
func TestURL(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer secure.Close()
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	logins := filepath.Join(dir, "netrc")
	if err := os.WriteFile(logins, []byte("machine 127.0.0.1 login nu password np\nmachine other login x password y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	t.Setenv("NETRC", filepath.Join(dir, "none"))
	vars := templates.NewDict(4)
	for name, v := range map[string]string{"u": plain.URL, "s": secure.URL, "gone": "http://" + closed.Addr().String(), "ca": ca} {
		vars.SetStr(name, templates.Str(v))
	}
	const failed = "The lookup plugin 'url' failed: "
	e := templates.New(templates.Options{Globals: New(Options{}).Globals(), Undefined: templates.AnsibleUndefined})
	run := func(expr string) string {
		tm, err := e.CompileExpr(expr)
		if err != nil {
			t.Fatal(err)
		}
		v, err := tm.EvalExpr(context.Background(), dictScope{vars})
		if err != nil {
			return err.Error()
		}
		return templates.Repr(v, templates.Current)
	}
	for _, c := range []struct{ in, want string }{
		{"q('url', u ~ '/lines')", "['one', 'two', 'three']"},
		{"lookup('url', u ~ '/lines', split_lines=false)", `'one\ntwo\r\nthree'`},
		{"lookup('url', u ~ '/404')", failed + "Received HTTP error for " + plain.URL + "/404: HTTP Error 404: Not Found"},
		{"lookup('url', gone)", failed + "Failed lookup url for http://" + closed.Addr().String() + ": <urlopen error [Errno 111] Connection refused>"},
		{"lookup('url', 'nourl')", failed + "unknown url type: 'nourl'"},
		{"lookup('url', u ~ '/seen', headers={'X-A': 'b'}, http_agent='me', force=true)", "'Cache-Control=no-cache User-Agent=me X-A=b'"},
		{"lookup('url', u ~ '/seen', username='u', password='p')", "'User-Agent=ansible-httpget'"},
		{"lookup('url', u ~ '/seen', username='u', password='p', force_basic_auth=true)", "'Authorization=Basic dTpw User-Agent=ansible-httpget'"},
		{"lookup('url', u ~ '/auth', username='u', password='p')", "'in'"},
		{"lookup('url', u ~ '/auth')", failed + "Received HTTP error for " + plain.URL + "/auth: HTTP Error 401: Unauthorized"},
		{"lookup('url', u ~ '/redir', headers={'X-A': 'b', 'X-B': 'c'}, unredirected_headers=['X-A'])", "'User-Agent=ansible-httpget X-B=c'"},
		{"lookup('url', u ~ '/redir', follow_redirects='none')", failed + "Received HTTP error for " + plain.URL + "/redir: HTTP Error 302: Found"},
		{"lookup('url', u, follow_redirects='zz')", failed + "Config 'follow_redirects' for 'url' lookup plugin from 'Direct' has an invalid value 'zz'."},
		{"lookup('url', u, timeout='x')", failed + "Config 'timeout' for 'url' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'float': 'x'."},
		{"lookup('url', s ~ '/seen', validate_certs=false)", "'User-Agent=ansible-httpget'"},
		{"lookup('url', s ~ '/seen', ca_path=ca)", "'User-Agent=ansible-httpget'"},
	} {
		if got := run(c.in); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
	if got := run("lookup('url', s ~ '/seen')"); !strings.Contains(got, "CERTIFICATE_VERIFY_FAILED") {
		t.Errorf("a certificate that nobody signed: %s", got)
	}
	t.Setenv("NETRC", logins)
	if got, want := run("lookup('url', u ~ '/seen')"), "'Authorization=Basic bnU6bnA= User-Agent=ansible-httpget'"; got != want {
		t.Errorf("with netrc: %s, want %s", got, want)
	}
	if got, want := run("lookup('url', u ~ '/seen', use_netrc=false)"), "'User-Agent=ansible-httpget'"; got != want {
		t.Errorf("without netrc: %s, want %s", got, want)
	}
}

// TestPasswordsTogether asks for a password from many places at once: all get
// the same one.
func TestPasswordsTogether(t *testing.T) {
	tab := New(Options{})
	path := filepath.Join(t.TempDir(), "pw")
	env := Env{Templates: templates.New(templates.Options{}), Scope: dictScope{templates.NewDict(0)}}
	got := make(chan string, 8)
	for range cap(got) {
		go func() {
			v, err := tab.Loop(context.Background(), "password", templates.Str(path), env)
			if err != nil {
				got <- err.Error()
				return
			}
			got <- text(v[0])
		}()
	}
	first := <-got
	for range cap(got) - 1 {
		if next := <-got; next != first {
			t.Errorf("the passwords %s and %s", first, next)
		}
	}
	if left, _ := filepath.Glob(filepath.Dir(path) + "/*lockfile"); len(left) != 0 {
		t.Errorf("locks are left: %v", left)
	}
}
