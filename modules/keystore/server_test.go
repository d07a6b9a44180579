package keystore

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"gorun/internal/needs"
	"gorun/modules"
)

// TestServer imports the certificate that a server shows, by keytool: straight, and through
// a proxy that wants a password.
func TestServer(t *testing.T) {
	if _, err := exec.LookPath("keytool"); err != nil {
		needs.Missing(t, "clients", "keytool is not installed")
	}
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Header.Get("Proxy-Authorization") != "Basic am86cHc=" { // jo:pw
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		defer there.Close()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(there, here)
		io.Copy(here, there)
	}))
	defer proxy.Close()
	with := func(user string) map[string]string {
		return map[string]string{"https_proxy": "http://" + user + proxy.Listener.Addr().String(), "no_proxy": "example.com"}
	}
	store := filepath.Join(t.TempDir(), "store")
	run := func(env map[string]string, check bool) map[string]any {
		args := map[string]any{"cert_url": "127.0.0.1", "cert_port": port, "keystore_path": store, "keystore_pass": "changeit", "keystore_create": true}
		return JavaCert.Execute(context.Background(), &modules.Run{Env: env, Check: check}, args)
	}
	for _, c := range []struct {
		name            string
		env             map[string]string
		check           bool
		changed, failed any
	}{
		{"a proxy that refuses", with(""), false, nil, true},
		{"check mode", with("jo:pw@"), true, true, nil},
		{"through the proxy", with("jo:pw@"), false, true, nil},
		{"again, past the proxy", map[string]string{"https_proxy": proxy.URL, "no_proxy": "127.0.0.1"}, false, false, nil},
	} {
		out := run(c.env, c.check)
		if out["failed"] != c.failed || c.changed != nil && out["changed"] != c.changed {
			t.Errorf("%s: %v", c.name, out)
		}
	}
	if asked != 3 {
		t.Errorf("the proxy was asked %d times, want 3", asked)
	}
	server.Close()
	if out := run(map[string]string{"https_proxy": "", "no_proxy": ""}, false); out["failed"] != true {
		t.Errorf("without a server: %v", out)
	}
}
