package keystore

// This file fetches the certificates that a server shows.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
)

// serverTimeout is for how long a server may stay silent.
const serverTimeout = 60 * time.Second

// serverChain connects to a TLS server, through the proxy that the environment names, and
// returns its certificates in PEM. They are not verified: whether they are to be trusted
// is what the task decides.
func serverChain(ctx context.Context, m *modules.Run, host string, port int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	conn, err := dial(ctx, m, net.JoinHostPort(host, strconv.Itoa(port)), host)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	c := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, cert := range c.ConnectionState().PeerCertificates {
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func dial(ctx context.Context, m *modules.Run, place, host string) (net.Conn, error) {
	var d net.Dialer
	proxy := proxyFor(m, host)
	if proxy == "" {
		return d.DialContext(ctx, "tcp", place)
	}
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	u, err := url.Parse(proxy)
	if err != nil {
		return nil, fmt.Errorf("the proxy in the environment: %w", err)
	}
	at := u.Host
	if u.Port() == "" {
		at = net.JoinHostPort(u.Hostname(), "80")
	}
	conn, err := d.DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	if err == nil {
		err = tunnel(conn, u, place)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// tunnel asks a proxy for a way to place.
func tunnel(conn net.Conn, proxy *url.URL, place string) error {
	login := ""
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		login = "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password)) + "\r\n"
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", place, place, login); err != nil {
		return err
	}
	// The TLS server speaks only when it is spoken to: nothing of it is in this buffer.
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy answers %s", res.Status)
	}
	return nil
}

// proxyFor is the proxy that the task's environment, or the agent's, names for a host.
func proxyFor(m *modules.Run, host string) string {
	get := func(names ...string) string {
		for _, name := range names {
			if v, ok := m.Env[name]; ok {
				return v
			}
			if v := os.Getenv(name); v != "" {
				return v
			}
		}
		return ""
	}
	proxy := get("https_proxy", "HTTPS_PROXY")
	for entry := range strings.SplitSeq(get("no_proxy", "NO_PROXY"), ",") {
		entry = strings.TrimPrefix(strings.TrimSpace(entry), "*")
		bare := strings.TrimPrefix(entry, ".")
		if bare != "" && (host == bare || strings.HasSuffix(host, "."+bare)) {
			return ""
		}
	}
	return proxy
}
