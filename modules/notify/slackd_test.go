package notify

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A slackServer is the Slack of one case: a proxy for HTTPS that answers itself,
// for whatever host. Its orders are lines "PATH STATUS BODY"; a path without one is 404.
type slackServer struct {
	proxy   *httptest.Server
	answers map[string]string

	mu  sync.Mutex
	log strings.Builder
}

func startSlack(t *testing.T, orders string) testServer {
	s := &slackServer{answers: map[string]string{}}
	for line := range strings.Lines(orders) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		s.answers[path] = rest
	}
	web := httptest.NewTLSServer(nil) // for its certificate
	conf := &tls.Config{Certificates: web.TLS.Certificates}
	web.Close()
	s.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		s.serve(t, tls.Server(conn, conf), r.Host)
	}))
	t.Cleanup(s.proxy.Close)
	return s
}

// serve answers the one request of a connection.
func (s *slackServer) serve(t *testing.T, conn net.Conn, host string) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return // a client that does not like the certificate
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
		return
	}
	s.mu.Lock()
	fmt.Fprintf(&s.log, "%s https://%s%s\n", r.Method, strings.TrimSuffix(host, ":443"), r.URL.RequestURI())
	for _, name := range []string{"Accept", "Authorization", "Content-Type"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(&s.log, "%s: %s\n", name, v)
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&s.log, "\n%s\n", sorted(body))
	}
	s.mu.Unlock()
	status, text, _ := strings.Cut(s.answers[r.URL.Path], " ")
	code, err := strconv.Atoi(status)
	if err != nil {
		code = 404
	}
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", code, http.StatusText(code), len(text), text)
}

// sorted is JSON with its keys in order: Python's dicts keep the task's.
func sorted(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return string(body)
	}
	return string(out)
}

func (s *slackServer) port() string { return s.proxy.URL[strings.LastIndexByte(s.proxy.URL, ':')+1:] }

func (s *slackServer) env() map[string]string {
	return map[string]string{"https_proxy": s.proxy.URL, "no_proxy": "", "HTTPS_PROXY": s.proxy.URL, "NO_PROXY": ""}
}

func (s *slackServer) wire() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}
