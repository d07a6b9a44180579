// Package net holds the modules that speak HTTP.
package net

// This file makes requests as Ansible's URL code does: redirects by policy,
// basic and digest authentication, proxies, TLS options.

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	stdnet "net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gorun/modules"
	"gorun/modules/oserr"
)

// A request is what the modules ask for.
type request struct {
	url, method     string
	body            []byte
	headers         map[string]any
	timeout         time.Duration
	validate        bool
	cert, key, ca   string
	user, password  string
	basicAtOnce     bool
	useProxy        bool
	useNetrc        bool
	agent           string
	follow          string // all, none, safe, urllib2
	unredirected    []string
	ciphers         []string
	socket          string
	decompress      bool
	force           bool
	ifModifiedSince time.Time
}

// A response is the answer; the body is to be closed.
type response struct {
	*http.Response
	url        string // where redirects ended
	redirected bool
	loop       bool   // there were too many redirects
	denied     string // where a redirect led that may not be followed
	cookies    []*http.Cookie
}

const maxRedirects = 10

// reason is the text behind the status code.
func (r *response) reason() string {
	if r.loop {
		return "The HTTP server returned a redirect error that would lead to an infinite loop.\nThe last 30x error message was:\n" + r.statusText()
	}
	if r.denied != "" {
		return r.statusText() + " - Redirection to url '" + r.denied + "' is not allowed"
	}
	return r.statusText()
}

func (r *response) statusText() string {
	_, text, _ := strings.Cut(r.Status, " ")
	return text
}

// do sends the request. The error's text is what stands behind "Request failed: ".
func (q *request) do(ctx context.Context, m *modules.Run) (*response, error) {
	u, err := parseURL(q.url)
	if err != nil {
		return nil, err
	}
	if (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() == "" {
		return nil, errors.New("<urlopen error no host given>")
	}
	if u.User != nil && q.user == "" {
		q.user = u.User.Username()
		q.password, _ = u.User.Password()
	}
	u.User = nil
	switch u.Scheme {
	case "http", "https":
	case "file":
		return openFile(u)
	default:
		return nil, fmt.Errorf("<urlopen error unknown url type: %s>", u.Scheme)
	}
	if q.useNetrc && q.user == "" {
		q.user, q.password = netrcLogin(m, u.Hostname())
	}
	client, err := q.client(m)
	if err != nil {
		return nil, err
	}
	return q.follows(ctx, client, u)
}

// Download brings a URL to a file in the run's own folder, with the defaults
// of get_url, and returns its name.
func Download(ctx context.Context, m *modules.Run, address string, validate bool) (string, error) {
	q := &request{url: address, method: "GET", timeout: time.Minute, validate: validate, useProxy: true, useNetrc: true,
		agent: "ansible-httpget", follow: "urllib2"}
	res, err := q.do(ctx, m)
	if err != nil {
		return "", modules.Failf("Failure downloading %s, %s", address, failureText(err))
	}
	defer res.Body.Close()
	if res.StatusCode != 200 && res.StatusCode != 0 {
		return "", modules.Failf("Failure downloading %s, HTTP Error %d: %s", address, res.StatusCode, res.reason())
	}
	dir, err := m.TmpDir()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "*"+downloadName(res, address))
	if err != nil {
		return "", modules.Failf("could not write the download: %s", oserr.Text(err))
	}
	_, err = io.Copy(f, res.Body)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", modules.Failf("Failure downloading %s, %s", address, oserr.Text(err))
	}
	return f.Name(), nil
}

// openFile answers a file: URL.
func openFile(u *url.URL) (*response, error) {
	f, err := os.Open(u.Path)
	if err != nil {
		return nil, fmt.Errorf("<urlopen error %s>", oserr.Str(err, u.Path))
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = unix.EISDIR
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("<urlopen error %s>", oserr.Str(err, u.Path))
	}
	return &response{url: u.String(), Response: &http.Response{Body: f, ContentLength: st.Size(), Header: http.Header{}}}, nil
}

func (q *request) client(m *modules.Run) (*http.Client, error) {
	conf, err := q.tls()
	if err != nil {
		return nil, err
	}
	dialer := &stdnet.Dialer{Timeout: q.timeout}
	t := &http.Transport{TLSClientConfig: conf, TLSHandshakeTimeout: q.timeout, ResponseHeaderTimeout: q.timeout,
		DialContext: dialer.DialContext, DisableCompression: true, DisableKeepAlives: true}
	if q.useProxy {
		t.Proxy = func(r *http.Request) (*url.URL, error) { return proxyFor(m, r.URL) }
	}
	if q.socket != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (stdnet.Conn, error) {
			conn, err := dialer.DialContext(ctx, "unix", q.socket)
			if err != nil && oserr.Code(err) != 0 {
				return nil, &socketError{q.socket, err}
			}
			return conn, err
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: t, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

func (q *request) tls() (*tls.Config, error) {
	conf := &tls.Config{InsecureSkipVerify: !q.validate}
	if q.ca != "" {
		pem, err := os.ReadFile(q.ca)
		if err != nil {
			return nil, &plainError{"Connection failure: ca_path: " + oserr.Str(err, q.ca)}
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &plainError{"Connection failure: ca_path: there is no certificate in " + q.ca}
		}
	}
	if q.cert != "" {
		key := q.key
		if key == "" {
			key = q.cert // both in one file
		}
		pair, err := tls.LoadX509KeyPair(q.cert, key)
		if err != nil {
			return nil, &plainError{"Connection failure: client_cert: " + err.Error()}
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, setCiphers(conf, q.ciphers)
}

// setCiphers takes names in Go's and IANA's spelling; OpenSSL's names are
// found by their parts.
func setCiphers(conf *tls.Config, names []string) error {
	for _, list := range names {
		for name := range strings.SplitSeq(list, ":") {
			id := uint16(0)
			for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
				if s.Name == name || openSSLName(s.Name) == name {
					id = s.ID
				}
			}
			if id == 0 {
				return fmt.Errorf("ciphers: %s is not known", name)
			}
			conf.CipherSuites = append(conf.CipherSuites, id)
		}
	}
	return nil
}

// openSSLName makes ECDHE-RSA-AES128-GCM-SHA256 of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.
func openSSLName(iana string) string {
	s := strings.TrimPrefix(iana, "TLS_")
	s = strings.Replace(s, "_WITH_", "-", 1)
	s = strings.ReplaceAll(s, "AES_128", "AES128")
	s = strings.ReplaceAll(s, "AES_256", "AES256")
	s = strings.TrimPrefix(strings.ReplaceAll(s, "_", "-"), "RSA-")
	return strings.ReplaceAll(s, "-CBC", "")
}

// follows sends the request and goes where redirects lead, as far as allowed.
func (q *request) follows(ctx context.Context, client *http.Client, u *url.URL) (*response, error) {
	method, body := q.method, q.body
	out := &response{}
	for hop := 0; ; hop++ {
		res, err := q.send(ctx, client, u, method, body, hop > 0)
		if err != nil {
			return nil, q.explain(err)
		}
		out.Response, out.url = res, u.String()
		out.cookies = client.Jar.Cookies(u)
		target := res.Header.Get("Location")
		if target == "" || !isRedirect(res.StatusCode) || !q.mayFollow(method, res.StatusCode) {
			return out, q.unpack(res)
		}
		if hop == maxRedirects {
			out.loop = true
			return out, q.unpack(res)
		}
		next, err := u.Parse(target)
		if err == nil && next.Scheme != "http" && next.Scheme != "https" {
			out.denied = target
			return out, q.unpack(res)
		}
		res.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("the redirect to %q is invalid: %w", target, err)
		}
		if next.Host != u.Host {
			// A password is for the host that it was given for.
			q.user, q.password = "", ""
		}
		if keeps := res.StatusCode == 307 || res.StatusCode == 308; !keeps && method != "HEAD" {
			method, body = "GET", nil
		}
		u, out.redirected = next, true
	}
}

func isRedirect(code int) bool {
	return code == 301 || code == 302 || code == 303 || code == 307 || code == 308
}

// mayFollow is the policy follow_redirects.
func (q *request) mayFollow(method string, code int) bool {
	plain := method == "GET" || method == "HEAD"
	switch q.follow {
	case "all", "yes", "true":
		return true
	case "none", "no", "false":
		return false
	case "urllib2":
		return plain || method == "POST" && code != 307 && code != 308
	}
	return plain
}

// send makes one request, and once more where the server asks for the password.
func (q *request) send(ctx context.Context, client *http.Client, u *url.URL, method string, body []byte, redirected bool) (*http.Response, error) {
	authorization := ""
	if q.basicAtOnce && q.user != "" {
		authorization = basicAuth(q.user, q.password)
	}
	for try := 0; ; try++ {
		r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if len(body) == 0 {
			r.Body, r.ContentLength = http.NoBody, 0
		}
		q.setHeaders(r, redirected)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		res, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusUnauthorized || q.user == "" || try > 0 || r.Header.Get("Authorization") != "" {
			return res, nil
		}
		if authorization = q.answer(res, method, u); authorization == "" {
			return res, nil
		}
		res.Body.Close()
	}
}

func (q *request) setHeaders(r *http.Request, redirected bool) {
	r.Header.Set("User-Agent", q.agent)
	r.Header.Set("Accept-Encoding", "identity")
	switch {
	case q.force:
		r.Header.Set("Cache-Control", "no-cache")
	case !q.ifModifiedSince.IsZero():
		r.Header.Set("If-Modified-Since", q.ifModifiedSince.UTC().Format(http.TimeFormat))
	}
	if r.Body != http.NoBody && r.Body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded") // Python's, where the task names none
	}
	for k, v := range q.headers {
		if redirected && containsFold(q.unredirected, k) {
			continue
		}
		if strings.EqualFold(k, "Host") {
			r.Host = fmt.Sprint(v)
			continue
		}
		r.Header.Set(k, pyText(v))
	}
}

func containsFold(list []string, s string) bool {
	for _, e := range list {
		if strings.EqualFold(e, s) {
			return true
		}
	}
	return false
}

// unpack decompresses the body where it was sent compressed.
func (q *request) unpack(res *http.Response) error {
	if !q.decompress || !strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		return nil
	}
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil // no body: HEAD, 304
		}
		return fmt.Errorf("the answer is no gzip data: %w", err)
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{z, res.Body}
	res.ContentLength = -1
	return nil
}
