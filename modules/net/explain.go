package net

// This file words failures as Ansible does, which passes on the words of
// Python's urllib, http.client and ssl.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	stdnet "net"
	"net/url"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/modules/oserr"
)

// A valueError is a URL that Python does not take; its text stands alone.
type valueError struct{ msg string }

func (e *valueError) Error() string { return e.msg }

// A plainError is a failure whose text stands without "Request failed: ".
type plainError struct{ msg string }

func (e *plainError) Error() string { return e.msg }

// A socketError is a unix socket that cannot be connected to.
type socketError struct {
	path string
	err  error
}

func (e *socketError) Error() string {
	return fmt.Sprintf("Invalid Socket File (%s): %s", e.path, oserr.Str(e.err))
}

func (e *socketError) Unwrap() error { return e.err }

// parseURL reads a URL and refuses what urllib refuses.
func parseURL(address string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(address, ":")
	if !ok || scheme == "" {
		return nil, &valueError{"unknown url type: '" + address + "'"}
	}
	if strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https") {
		target := strings.TrimPrefix(rest, "//")
		if i := strings.IndexAny(target, "/?#"); i >= 0 {
			target, _, _ = strings.Cut(target[i:], "#")
			for _, r := range target {
				if r <= ' ' || r == 0x7f {
					return nil, &plainError{fmt.Sprintf("An unknown error occurred: URL can't contain control characters. '%s' (found at least '%c')", target, r)}
				}
			}
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		if strings.Contains(err.Error(), "missing ']'") {
			return nil, &valueError{"Invalid IPv6 URL"}
		}
		if _, port, ok := strings.Cut(err.Error(), "invalid port \":"); ok {
			port, _, _ = strings.Cut(port, "\"")
			return nil, &valueError{"invalid literal for int() with base 10: '" + port + "'"}
		}
		return nil, fmt.Errorf("the URL is invalid: %w", err)
	}
	return u, nil
}

// explain words a transport's error.
func (q *request) explain(err error) error {
	var dns *stdnet.DNSError
	var timeout interface{ Timeout() bool }
	var record tls.RecordHeaderError
	var socket *socketError
	if text := q.certificateText(err); text != "" {
		return fmt.Errorf("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: %s>", text)
	}
	switch {
	case errors.As(err, &socket):
		return fmt.Errorf("<urlopen error %s>", socket)
	case errors.As(err, &record):
		return errors.New("<urlopen error [SSL: WRONG_VERSION_NUMBER] wrong version number>")
	case errors.As(err, &dns):
		return errors.New("<urlopen error [Errno -2] Name or service not known>")
	case errors.Is(err, context.Canceled):
		return errors.New("cancelled")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("<urlopen error timed out>")
	case errors.Is(err, io.EOF):
		return &plainError{"Connection failure: Remote end closed connection without response"}
	case oserr.Code(err) == int(unix.ECONNRESET):
		return &plainError{"Connection failure: " + oserr.Str(err)}
	case oserr.Code(err) != 0:
		return fmt.Errorf("<urlopen error %s>", oserr.Str(err))
	}
	return fmt.Errorf("<urlopen error %s>", rootCause(err))
}

// certificateText is what OpenSSL says of a certificate that was refused, ""
// where that was not the reason.
func (q *request) certificateText(err error) string {
	var verify *tls.CertificateVerificationError
	var chain []*x509.Certificate
	if errors.As(err, &verify) {
		chain = verify.UnverifiedCertificates
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		// Go looks at the name first, OpenSSL at the chain.
		if text := q.chainText(chain); text != "" {
			return text
		}
		if stdnet.ParseIP(name.Host) != nil {
			return fmt.Sprintf("IP address mismatch, certificate is not valid for '%s'.", name.Host)
		}
		return fmt.Sprintf("Hostname mismatch, certificate is not valid for '%s'.", name.Host)
	case errors.As(err, &unknown):
		return untrustedText(chain)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate has expired"
	case errors.As(err, &invalid), verify != nil:
		return rootCause(err)
	}
	return ""
}

// chainText verifies the chain alone and says what is wrong with it, or nothing.
func (q *request) chainText(chain []*x509.Certificate) string {
	if len(chain) == 0 {
		return ""
	}
	options := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	if q.ca != "" {
		pem, err := os.ReadFile(q.ca)
		if err != nil {
			return ""
		}
		options.Roots = x509.NewCertPool()
		options.Roots.AppendCertsFromPEM(pem)
	}
	_, err := chain[0].Verify(options)
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return untrustedText(chain)
	}
	return ""
}

func untrustedText(chain []*x509.Certificate) string {
	selfSigned := func(c *x509.Certificate) bool { return string(c.RawIssuer) == string(c.RawSubject) }
	switch {
	case len(chain) > 0 && selfSigned(chain[0]):
		return "self-signed certificate"
	case len(chain) > 1 && selfSigned(chain[len(chain)-1]):
		return "self-signed certificate in certificate chain"
	}
	return "unable to get local issuer certificate"
}

// failureText is the message of a request that got no answer.
func failureText(err error) string {
	var plain *plainError
	if errors.As(err, &plain) {
		return plain.msg
	}
	var value *valueError
	if errors.As(err, &value) {
		return value.msg
	}
	return "Request failed: " + err.Error()
}

func rootCause(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err.Error()
	}
	return err.Error()
}
