package transport

// This file checks hosts' keys against known_hosts files.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"gorun/modules"
)

// A hostKeyChecker checks the key of one host.
type hostKeyChecker struct {
	config *sshConfig
	pool   *pool
	ctx    context.Context
	err    error // why a key was refused: the handshake wraps it beyond recognition
}

// name is what stands in known_hosts for the host: with the port where it is
// another one than ssh's.
func (h *hostKeyChecker) name() string {
	if h.config.port != 22 && h.config.get("HostKeyAlias") == "" {
		return fmt.Sprintf("[%s]:%d", h.config.host, h.config.port)
	}
	return h.principal()
}

// principal is the host's name in a certificate.
func (h *hostKeyChecker) principal() string {
	return strings.ToLower(firstOf(h.config.get("HostKeyAlias"), h.config.host))
}

func (h *hostKeyChecker) userFiles() []string {
	return h.files("UserKnownHostsFile", "~/.ssh/known_hosts", "~/.ssh/known_hosts2")
}

func (h *hostKeyChecker) files(option string, fallback ...string) []string {
	names := h.config.sshOptions[strings.ToLower(option)]
	if len(names) == 0 {
		names = fallback
	}
	var out []string
	for _, f := range names {
		if f != "none" {
			out = append(out, h.config.path(f))
		}
	}
	return out
}

// lines are those of the known_hosts files that are there.
func (h *hostKeyChecker) lines() []knownLine {
	return knownLines(append(h.userFiles(), h.files("GlobalKnownHostsFile", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")...))
}

// types are the kinds of keys that are known of the host.
func (h *hostKeyChecker) types() []string { return typesOf(h.lines(), h.name()) }

// check is an ssh.HostKeyCallback.
func (h *hostKeyChecker) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	h.err = h.judge(remote, key)
	return h.err
}

func (h *hostKeyChecker) judge(remote net.Addr, key ssh.PublicKey) error {
	if tcp, ok := remote.(*net.TCPAddr); ok && tcp.IP.IsLoopback() && h.config.yes("NoHostAuthenticationForLocalhost") {
		return nil
	}
	lines := h.lines()
	lax := h.config.no("StrictHostKeyChecking")
	if cert, ok := key.(*ssh.Certificate); ok {
		err := checkCertificate(lines, h.name(), h.principal(), cert)
		if err == nil || lax && !errors.Is(err, errNoAuthority) {
			return nil
		}
		// As for ssh, a certificate that does not do leaves the key itself.
		as, _ := lookUp(lines, h.name(), cert.Key)
		if !errors.Is(err, errNoAuthority) && as != knownSame {
			return fmt.Errorf("%w\nHost key verification failed.", err)
		}
		key = cert.Key
	}
	if err := h.revoked(key); err != nil {
		return err
	}
	as, where := lookUp(lines, h.name(), key)
	if as == knownNot && h.name() != h.principal() {
		if plain, _ := lookUp(lines, h.principal(), key); plain == knownSame || plain == knownRevoked {
			as = plain
		}
	}
	switch {
	case as == knownSame:
		return nil
	case as == knownRevoked && !lax:
		return fmt.Errorf("WARNING: REVOKED HOST KEY DETECTED! The %s key that %s shows (%s) is marked as revoked.\nHost key verification failed.",
			kind(key), h.config.host, ssh.FingerprintSHA256(key))
	case as != knownNot && lax:
		return nil
	case as == knownOther:
		return fmt.Errorf("REMOTE HOST IDENTIFICATION HAS CHANGED! The %s key that %s shows (%s) is not the one in %s. "+
			"If that is right remove it with: ssh-keygen -R %s\nHost key verification failed.",
			kind(key), h.config.host, ssh.FingerprintSHA256(key), where, quote(h.name()))
	}
	switch strings.ToLower(h.config.get("StrictHostKeyChecking")) {
	case "no", "off", "false", "accept-new":
		return h.remember(key)
	case "yes", "true":
		return h.unknown(key)
	}
	return h.confirm(remote, key)
}

// revoked looks for the key in the files of RevokedHostKeys: a key a line, or
// a list of ssh-keygen -k.
func (h *hostKeyChecker) revoked(key ssh.PublicKey) error {
	for _, f := range h.files("RevokedHostKeys") {
		data, err := os.ReadFile(f)
		if err != nil {
			return fmt.Errorf("RevokedHostKeys: %w\nHost key verification failed.", err)
		}
		listed := listsKey(data, key)
		if bytes.HasPrefix(data, []byte(krlMagic)) {
			if listed, err = revokedByKRL(data, key); err != nil {
				return fmt.Errorf("RevokedHostKeys: %s: %w\nHost key verification failed.", f, err)
			}
		}
		if listed {
			return fmt.Errorf("The %s key that %s shows is revoked by %s\nHost key verification failed.", kind(key), h.config.host, f)
		}
	}
	return nil
}

// listsKey reports whether one of the lines is key.
func listsKey(lines []byte, key ssh.PublicKey) bool {
	for line := range bytes.Lines(lines) {
		if k, _, _, _, err := ssh.ParseAuthorizedKey(line); err == nil && bytes.Equal(k.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}

func kind(key ssh.PublicKey) string {
	t := strings.TrimPrefix(strings.TrimPrefix(key.Type(), "ssh-"), "ecdsa-sha2-")
	if strings.HasPrefix(t, "nistp") {
		return "ECDSA"
	}
	return strings.ToUpper(t)
}

func (h *hostKeyChecker) unknown(key ssh.PublicKey) error {
	return fmt.Errorf("the host's %s key (%s) is not in %s. Connect once with ssh to confirm it, add it with "+
		"ssh-keyscan -p %d %s, or set host_key_checking=False to trust it\nHost key verification failed.",
		kind(key), ssh.FingerprintSHA256(key), strings.Join(h.userFiles()[:min(1, len(h.userFiles()))], ""), h.config.port, h.config.host)
}

// confirm asks the user.
func (h *hostKeyChecker) confirm(remote net.Addr, key ssh.PublicKey) error {
	if h.pool == nil || h.pool.ask == nil {
		return h.unknown(key)
	}
	print := ssh.FingerprintSHA256(key)
	text := fmt.Sprintf("The authenticity of host '%s (%s)' can't be established.\n%s key fingerprint is %s.\n"+
		"Are you sure you want to continue connecting (yes/no/[fingerprint])? ", h.config.host, remote, kind(key), print)
	for {
		answer, err := h.pool.question(h.ctx, text)
		if err != nil {
			return fmt.Errorf("%w\nHost key verification failed.", err)
		}
		switch answer = strings.TrimSpace(answer); {
		case strings.EqualFold(answer, "yes") || answer == print:
			return h.remember(key)
		case strings.EqualFold(answer, "no"):
			return errors.New("Host key verification failed.")
		}
		text = "Please type 'yes', 'no' or the fingerprint: "
	}
}

// remember adds the key to the user's file. That it cannot be written is no
// reason not to connect.
func (h *hostKeyChecker) remember(key ssh.PublicKey) error {
	files := h.userFiles()
	if len(files) == 0 || files[0] == os.DevNull {
		return nil
	}
	name := h.name()
	if h.config.yes("HashKnownHosts") {
		name = hashedName(name)
	}
	known.Lock()
	defer known.Unlock()
	if err := appendLine(files[0], name+" "+strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))); err != nil && h.pool != nil {
		h.pool.log(0, h.config.alias, fmt.Sprintf("could not add the host's key to %s: %v", files[0], err))
	}
	return nil
}

func appendLine(path, line string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = f.WriteString(line + "\n")
	return err
}

// splitHostPort reads [user@]host[:port] or ssh://..., as ProxyJump has them.
func splitHostPort(s string) (user, host string, port int, err error) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "ssh://"), "/")
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		user, s = s[:i], s[i+1:]
	}
	h, p, splitErr := net.SplitHostPort(s)
	if splitErr != nil {
		return user, strings.Trim(s, "[]"), 0, nil
	}
	if port, err = strconv.Atoi(p); err != nil {
		return "", "", 0, fmt.Errorf("%q has no valid port", s)
	}
	return user, modules.ExpandPath(h, nil), port, nil
}
