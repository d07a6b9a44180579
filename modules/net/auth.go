package net

// This file answers requests for passwords, and finds passwords and proxies.

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	stdnet "net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
)

func basicAuth(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// answer makes the Authorization header for a 401, "" where the scheme is not known.
func (q *request) answer(res *http.Response, method string, u *url.URL) string {
	basic := false
	for _, challenge := range res.Header.Values("Www-Authenticate") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		switch strings.ToLower(scheme) {
		case "digest":
			return digestAuth(authParams(rest), q.user, q.password, method, u.RequestURI(), rand.Text()[:16])
		case "basic":
			basic = true
		}
	}
	if basic {
		return basicAuth(q.user, q.password)
	}
	return ""
}

// authParams reads name="value", name=value...
func authParams(s string) map[string]string {
	out := make(map[string]string)
	for s != "" {
		s = strings.TrimLeft(s, " ,\t")
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			break
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, s, _ = strings.Cut(rest[1:], `"`)
		} else {
			value, s, _ = strings.Cut(rest, ",")
		}
		out[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return out
}

// digestAuth is RFC 7616's answer with MD5 or SHA-256, qop auth or none.
func digestAuth(p map[string]string, user, password, method, uri, cnonce string) string {
	newHash := md5.New
	algorithm := p["algorithm"]
	if strings.HasPrefix(strings.ToUpper(algorithm), "SHA-256") {
		newHash = func() hash.Hash { return sha256.New() }
	}
	digest := func(s string) string {
		h := newHash()
		h.Write([]byte(s)) // never fails
		return hex.EncodeToString(h.Sum(nil))
	}
	ha1 := digest(user + ":" + p["realm"] + ":" + password)
	if strings.HasSuffix(strings.ToLower(algorithm), "-sess") {
		ha1 = digest(ha1 + ":" + p["nonce"] + ":" + cnonce)
	}
	ha2 := digest(method + ":" + uri)
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username="%s", realm="%s", nonce="%s", uri="%s"`, user, p["realm"], p["nonce"], uri)
	answer := digest(ha1 + ":" + p["nonce"] + ":" + ha2)
	if strings.Contains(p["qop"], "auth") {
		const nc = "00000001"
		answer = digest(strings.Join([]string{ha1, p["nonce"], nc, cnonce, "auth", ha2}, ":"))
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce="%s"`, nc, cnonce)
	}
	fmt.Fprintf(&b, `, response="%s"`, answer)
	if algorithm != "" {
		fmt.Fprintf(&b, `, algorithm=%s`, algorithm)
	}
	if p["opaque"] != "" {
		fmt.Fprintf(&b, `, opaque="%s"`, p["opaque"])
	}
	return b.String()
}

func getenv(m *modules.Run, name string) string {
	if v, ok := m.Env[name]; ok {
		return v
	}
	return os.Getenv(name)
}

// netrcLogin looks the host up in ~/.netrc.
func netrcLogin(m *modules.Run, host string) (user, password string) {
	path := getenv(m, "NETRC")
	if path == "" {
		path = filepath.Join(getenv(m, "HOME"), ".netrc")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", ""
	}
	return netrcEntry(string(data), host)
}

// netrcEntry finds a machine's login; the default entry counts last.
func netrcEntry(text, host string) (user, password string) {
	words := strings.Fields(text)
	match := false
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch words[i] {
		case "machine":
			if match && user != "" {
				return user, password
			}
			match = next == host
			i++
		case "default":
			if match && user != "" {
				return user, password
			}
			match = true
		case "login":
			if match {
				user = next
			}
			i++
		case "password":
			if match {
				password = next
			}
			i++
		case "account", "macdef":
			i++
		}
	}
	return user, password
}

// proxyFor is the proxy that the task's environment names for a URL.
func proxyFor(m *modules.Run, u *url.URL) (*url.URL, error) {
	if noProxy(m, u) {
		return nil, nil
	}
	proxy := ""
	for _, name := range []string{u.Scheme + "_proxy", strings.ToUpper(u.Scheme) + "_PROXY", "all_proxy", "ALL_PROXY"} {
		if proxy = getenv(m, name); proxy != "" {
			break
		}
	}
	if proxy == "" {
		return nil, nil
	}
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	return url.Parse(proxy)
}

// noProxy reads no_proxy: hosts, domains, addresses, networks, or *.
func noProxy(m *modules.Run, u *url.URL) bool {
	list := getenv(m, "no_proxy")
	if list == "" {
		list = getenv(m, "NO_PROXY")
	}
	host := strings.ToLower(u.Hostname())
	ip := stdnet.ParseIP(host)
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		if entry == "*" || entry == host || entry == u.Host {
			return true
		}
		if _, network, err := stdnet.ParseCIDR(entry); err == nil && ip != nil && network.Contains(ip) {
			return true
		}
		if strings.HasSuffix(host, "."+strings.TrimPrefix(entry, ".")) {
			return true
		}
	}
	return false
}
