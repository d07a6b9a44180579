package lookup

// This file holds the lookup url
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/url_lookup.html).

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
	"gorun/templates"
)

const (
	// maxURL bounds what the url lookup reads.
	maxURL = 64 << 20
	// maxRedirects is how often a request is sent elsewhere.
	maxRedirects = 10
)

// A urlQuery is the options of a url lookup.
type urlQuery struct {
	split, verify, force, basic, proxy, netrc bool
	timeout                                   time.Duration
	headers                                   [][2]string
	sentOnce                                  []string // headers that redirects do not get
	redirects, agent, user, password          string
	caPath, socket                            string
}

func lookupURL(c *call) ([]templates.Value, error) {
	q, err := c.urlQuery()
	if err != nil {
		return nil, err
	}
	client, err := q.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	var out []templates.Value
	for _, t := range c.terms {
		body, err := c.fetch(client, q, text(t))
		if err != nil {
			return nil, err
		}
		if !q.split {
			out = append(out, str(body))
			continue
		}
		for line := range strings.Lines(body) {
			out = append(out, str(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")))
		}
	}
	return out, nil
}

func (c *call) urlQuery() (*urlQuery, error) {
	for _, name := range []string{"timeout", "agent", "force", "follow_redirects", "force_basic_auth", "unix_socket", "ca_path", "unredir_headers"} {
		option := map[string]string{"agent": "http_agent", "unredir_headers": "unredirected_headers"}[name]
		if option == "" {
			option = name
		}
		if _, ok := c.given(option); ok {
			continue
		}
		if v, ok, err := c.variable("ansible_lookup_url_" + name); ok && err == nil {
			c.opts[option] = v
		}
	}
	q := &urlQuery{agent: c.str("http_agent", "ansible-httpget"), user: c.str("username", ""), password: c.str("password", ""),
		caPath: c.str("ca_path", ""), socket: c.str("unix_socket", "")}
	var errs [8]error
	q.split, errs[0] = c.flag("split_lines", true)
	q.verify, errs[1] = c.flag("validate_certs", true)
	q.force, errs[2] = c.flag("force", false)
	q.basic, errs[3] = c.flag("force_basic_auth", false)
	q.proxy, errs[4] = c.flag("use_proxy", true)
	q.netrc, errs[5] = c.flag("use_netrc", true)
	q.redirects, errs[6] = c.choice("follow_redirects", "urllib2", c.redirectWords()...)
	gssapi, err := c.flag("use_gssapi", false)
	errs[7] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if gssapi {
		return nil, errors.New("url: use_gssapi is not supported")
	}
	v, ok := c.given("timeout")
	secs := 10.0
	if ok {
		if secs, err = strconv.ParseFloat(strings.TrimSpace(text(v)), 64); err != nil {
			return nil, c.badValue("timeout", "float", v, "could not convert string to float: "+templates.Repr(v, templates.Current))
		}
	}
	q.timeout = time.Duration(secs * float64(time.Second))
	q.sentOnce, _ = c.words("unredirected_headers")
	if v, ok := c.given("headers"); ok {
		m, isMap := v.(templates.Mapping)
		if !isMap {
			return nil, c.badValue("headers", "dictionary", v, `Invalid type provided for "dictionary": `+text(v))
		}
		for _, k := range m.Keys() {
			h, _, err := m.Get(k)
			if err != nil {
				return nil, err
			}
			q.headers = append(q.headers, [2]string{text(k), text(h)})
		}
	}
	return q, nil
}

// redirectWords are the values of follow_redirects; 2.14 takes bools too.
func (c *call) redirectWords() []string {
	words := []string{"urllib2", "all", "safe", "none"}
	if !c.current() {
		words = append(words, "yes", "no", "True", "False")
	}
	return words
}

// client is an HTTP client with the query's options.
func (q *urlQuery) client() (*http.Client, error) {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: !q.verify}
	if q.caPath != "" {
		pem, err := os.ReadFile(modules.ExpandPath(q.caPath, nil))
		if err != nil {
			return nil, raise("FileNotFoundError", "%s", oserr.Str(err))
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM(pem)
		tr.TLSClientConfig.RootCAs = pool
	}
	if !q.proxy {
		tr.Proxy = nil
	}
	if q.socket != "" {
		tr.Proxy = nil
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", q.socket)
		}
	}
	return &http.Client{Transport: tr, Timeout: q.timeout, CheckRedirect: q.redirect}, nil
}

func (q *urlQuery) redirect(req *http.Request, via []*http.Request) error {
	if slices.Contains([]string{"none", "no", "False"}, q.redirects) || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	req.Header.Del("Referer")
	for _, h := range q.sentOnce {
		req.Header.Del(h)
	}
	return nil
}

// fetch reads a URL; a server that asks for it gets the user's name and
// password.
func (c *call) fetch(client *http.Client, q *urlQuery, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return "", raise(valueError, "unknown url type: %s", templates.Repr(str(address), templates.Current))
	}
	colon := ":"
	if !c.current() {
		colon = " :"
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("Failed lookup url for %s%s <urlopen error unknown url type: %s>", address, colon, u.Scheme)
	}
	user, password, force := q.user, q.password, q.basic
	switch {
	case u.User != nil:
		user = u.User.Username()
		password, _ = u.User.Password()
		force, u.User = true, nil
	case user == "" && q.netrc:
		user, password = netrc(u.Hostname())
		force = true
	}
	resp, err := c.request(client, q, u, user, password, force && user != "")
	if err == nil && resp.StatusCode == http.StatusUnauthorized && user != "" && !force {
		resp.Body.Close()
		resp, err = c.request(client, q, u, user, password, true)
	}
	if err != nil {
		if timedOut(err) {
			return "", raise("TimeoutError", "timed out")
		}
		return "", fmt.Errorf("Failed lookup url for %s%s <urlopen error %s>", address, colon, networkText(err, u.Hostname()))
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return "", fmt.Errorf("Received HTTP error for %s%s HTTP Error %d: %s", address, colon, resp.StatusCode, reasonOf(resp))
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxURL+1))
	if err == nil && len(b) > maxURL {
		err = fmt.Errorf("the answer of %s is longer than %d bytes", address, maxURL)
	}
	if err != nil && timedOut(err) {
		err = raise("TimeoutError", "timed out")
	}
	return string(b), err
}

// reasonOf is the text behind a status.
func reasonOf(resp *http.Response) string {
	_, reason, _ := strings.Cut(resp.Status, " ")
	return reason
}

func (c *call) request(client *http.Client, q *urlQuery, u *url.URL, user, password string, auth bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", q.agent)
	if q.force {
		req.Header.Set("Cache-Control", "no-cache")
	}
	if auth {
		req.SetBasicAuth(user, password)
	}
	for _, h := range q.headers {
		req.Header.Set(h[0], h[1])
	}
	return client.Do(req)
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// networkText words what went wrong as Python does.
func networkText(err error, host string) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var wrong x509.HostnameError
	var invalid x509.CertificateInvalidError
	const failed = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
	switch {
	case errors.As(err, &dns):
		return "[Errno -2] Name or service not known"
	case errors.As(err, &unknown):
		if c := unknown.Cert; c != nil && c.Issuer.String() == c.Subject.String() {
			return failed + "self-signed certificate"
		}
		return failed + "unable to get local issuer certificate"
	case errors.As(err, &wrong):
		return failed + "Hostname mismatch, certificate is not valid for '" + host + "'."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return failed + "certificate has expired"
	case oserr.Code(err) != 0:
		return oserr.Str(err)
	}
	var sent *url.Error
	if errors.As(err, &sent) {
		err = sent.Err
	}
	return err.Error()
}

// netrc is the login for a host in the user's file of logins
// (https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html).
func netrc(host string) (user, password string) {
	path := os.Getenv("NETRC")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", ""
		}
		path = filepath.Join(home, ".netrc")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", ""
	}
	defer f.Close()
	words := bufio.NewScanner(f)
	words.Split(bufio.ScanWords)
	here := false
	for words.Scan() {
		key := words.Text()
		switch {
		case key == "default":
			if user != "" {
				return user, password
			}
			here = true
		case !words.Scan():
			return user, password
		case key == "machine":
			if user != "" {
				return user, password
			}
			here = words.Text() == host
		case here && key == "login":
			user = words.Text()
		case here && key == "password":
			password = words.Text()
		}
	}
	return user, password
}
