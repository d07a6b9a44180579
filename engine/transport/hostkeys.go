package transport

// This file checks hosts' keys against known_hosts files.

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"gorun/modules"
)

// knownMu is held while known_hosts files are read and written: hosts connect
// at the same time.
var knownMu sync.Mutex

// A hostKeyChecker checks the key of one host.
type hostKeyChecker struct {
	config *sshConfig
	pool   *pool
	ctx    context.Context
	err    error // why a key was refused: the handshake wraps it beyond recognition
}

// name is what stands in known_hosts for the host: "host:port".
func (h *hostKeyChecker) name() string {
	if alias := h.config.get("HostKeyAlias"); alias != "" {
		return net.JoinHostPort(alias, "22") // an alias stands there without a port
	}
	return h.config.address()
}

func (h *hostKeyChecker) userFiles() []string {
	return h.files("UserKnownHostsFile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
}

func (h *hostKeyChecker) files(option, fallback string) []string {
	var out []string
	for _, f := range strings.Fields(firstOf(h.config.get(option), fallback)) {
		if f != "none" {
			out = append(out, h.config.path(f))
		}
	}
	return out
}

// database reads the files that are there.
func (h *hostKeyChecker) database() (ssh.HostKeyCallback, error) {
	var there []string
	all := append(h.userFiles(), h.files("GlobalKnownHostsFile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")...)
	for _, f := range all {
		if st, err := os.Stat(f); err == nil && st.Mode().IsRegular() {
			there = append(there, f)
		}
	}
	knownMu.Lock()
	defer knownMu.Unlock()
	return knownhosts.New(there...)
}

// algorithms are the kinds of keys to ask the host for: those that are known
// of it, so that it does not show another one. nil leaves the choice to the host.
func (h *hostKeyChecker) algorithms() []string {
	db, err := h.database()
	if err != nil {
		return nil
	}
	probe, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	var known *knownhosts.KeyError
	if !errors.As(db(h.name(), &net.TCPAddr{}, probe), &known) {
		return nil
	}
	var out []string
	for _, k := range known.Want {
		switch t := k.Key.Type(); t {
		case ssh.KeyAlgoRSA:
			out = append(out, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// check is an ssh.HostKeyCallback.
func (h *hostKeyChecker) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	h.err = h.judge(remote, key)
	return h.err
}

func (h *hostKeyChecker) judge(remote net.Addr, key ssh.PublicKey) error {
	db, err := h.database()
	if err != nil {
		return fmt.Errorf("known_hosts: %w", err)
	}
	err = db(h.name(), &net.TCPAddr{}, key)
	if err == nil {
		return nil
	}
	strict := strings.ToLower(h.config.get("StrictHostKeyChecking"))
	var known *knownhosts.KeyError
	if !errors.As(err, &known) {
		if strict == "no" || strict == "off" {
			return nil
		}
		return err // a revoked key, or a wrong certificate
	}
	if len(known.Want) > 0 {
		if strict == "no" || strict == "off" {
			return nil
		}
		w := known.Want[0]
		return fmt.Errorf("REMOTE HOST IDENTIFICATION HAS CHANGED! The %s key that %s shows (%s) is not the one in %s:%d. "+
			"If that is right remove it with: ssh-keygen -R %s\nHost key verification failed.",
			kind(key), h.config.host, ssh.FingerprintSHA256(key), w.Filename, w.Line, quote(knownhosts.Normalize(h.name())))
	}
	switch strict {
	case "no", "off", "accept-new":
		return h.remember(key)
	case "yes":
		return h.unknown(key)
	}
	return h.confirm(remote, key)
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
	name := knownhosts.Normalize(h.name())
	if h.config.yes("HashKnownHosts") {
		name = knownhosts.HashHostname(name)
	}
	knownMu.Lock()
	defer knownMu.Unlock()
	if err := appendLine(files[0], knownhosts.Line([]string{name}, key)); err != nil && h.pool != nil {
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
