package daemon

// This file stands in for the internet: hosts of a lab have no route, and a few
// names of /etc/hosts lead to the bridge, where the lab answers for them with
// certificates of an authority that hosts trust.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"gorun/cmd/gorun-lab/internal/gitserve"
	"gorun/cmd/gorun-lab/internal/launchpad"
)

// standInNames are the names the lab answers for.
func standInNames() []string { return append(slices.Clone(launchpad.Names), gitserve.Name) }

// An authority is the lab's own: one certificate for all stand-ins, and its
// issuer's, which hosts trust.
type authority struct {
	issuer string // PEM
	leaf   tls.Certificate
}

func newAuthority(names []string) (*authority, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	from, to := time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gorun-lab"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, fmt.Errorf("making the lab's authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, fmt.Errorf("making the stand-ins' certificate: %w", err)
	}
	return &authority{
		issuer: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})),
		leaf:   tls.Certificate{Certificate: [][]byte{leafDER, caDER}, PrivateKey: key},
	}, nil
}

// standInHosts are the lines of /etc/hosts that lead to the stand-ins.
func (s *Server) standInHosts() []string {
	if s.cfg.WordPress == "" {
		return nil
	}
	return []string{s.cfg.Gateway().String() + " " + strings.Join(standInNames(), " ")}
}

// openStandIns serves the stand-ins on the bridge, at ports 80 and 443. The
// function it returns ends them.
func (s *Server) openStandIns(a *authority) (func(), error) {
	pad, err := launchpad.New()
	if err != nil {
		return nil, err
	}
	git, err := gitserve.Handler(s.cfg.WordPress)
	if err != nil {
		return nil, err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		s.log.Printf("stand-in: %s %s%s", r.Method, host, r.URL.RequestURI())
		switch {
		case host == gitserve.Name:
			git.ServeHTTP(w, r)
		case slices.Contains(launchpad.Names, host):
			pad.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	hs := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, TLSConfig: &tls.Config{Certificates: []tls.Certificate{a.leaf}},
		// HTTP/1.1 only: git's backend is a CGI, and it is all the stand-ins need.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		// Clients that hang up are no news.
		ErrorLog: log.New(s.log.Writer(), "stand-in: ", log.LstdFlags),
	}
	for port, serve := range map[string]func(net.Listener) error{
		"80": hs.Serve, "443": func(ln net.Listener) error { return hs.ServeTLS(ln, "", "") },
	} {
		ln, err := net.Listen("tcp", net.JoinHostPort(s.cfg.Gateway().String(), port))
		if err != nil {
			hs.Close()
			return nil, fmt.Errorf("opening the stand-ins' port: %w", err)
		}
		go func() {
			if err := serve(ln); err != http.ErrServerClosed {
				s.log.Print("stand-in: ", err)
			}
		}()
	}
	return func() { hs.Close() }, nil
}
