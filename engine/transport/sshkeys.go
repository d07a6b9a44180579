package transport

// This file finds a user's proofs: keys, certificates, ssh-agent, passwords.

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"gorun/modules"
)

// defaultKeys are tried where no IdentityFile is set.
var defaultKeys = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}

// A keyring gathers the proofs for one connection.
type keyring struct {
	ctx        context.Context // of the try to connect
	pool       *pool
	config     *sshConfig
	password   string
	key        string // PEM, "" for none but those of files
	passphrase string
	// problems are why keys could not be used, for the message when nothing worked.
	problems []string
	agent    agent.ExtendedAgent // nil without one
	socket   net.Conn
}

// newKeyring connects to ssh-agent where there is one.
func newKeyring(ctx context.Context, p *pool, c *sshConfig, t *Target) *keyring {
	k := &keyring{ctx: ctx, pool: p, config: c, password: t.Password, key: t.Key, passphrase: t.KeyPassphrase}
	path := firstOf(c.get("IdentityAgent"), "SSH_AUTH_SOCK")
	switch {
	case path == "none":
		return k
	case path == "SSH_AUTH_SOCK":
		path = os.Getenv("SSH_AUTH_SOCK")
	case strings.HasPrefix(path, "$"):
		path = os.Getenv(path[1:])
	default:
		path = c.path(path)
	}
	if path == "" {
		return k
	}
	socket, err := net.Dial("unix", path)
	if err != nil {
		k.problems = append(k.problems, fmt.Sprintf("ssh-agent: %v", err))
		return k
	}
	k.socket, k.agent = socket, agent.NewClient(socket)
	return k
}

func (k *keyring) close() {
	if k.socket != nil {
		k.socket.Close()
	}
}

// methods are the ways to authenticate that the configuration allows, in its
// order.
func (k *keyring) methods() []ssh.AuthMethod {
	order := strings.Split(firstOf(k.config.get("PreferredAuthentications"), "publickey,keyboard-interactive,password"), ",")
	var out []ssh.AuthMethod
	for _, name := range order {
		switch name = strings.TrimSpace(name); {
		case name == "publickey" && !k.config.no("PubkeyAuthentication"):
			out = append(out, ssh.PublicKeysCallback(k.signers))
		case k.password == "":
		case name == "keyboard-interactive" && !k.config.no("KbdInteractiveAuthentication"):
			out = append(out, k.interactive())
		case name == "password" && !k.config.no("PasswordAuthentication"):
			out = append(out, ssh.Password(k.password))
		}
	}
	return out
}

// interactive answers every question with the password. Asked for it again, it
// was wrong.
func (k *keyring) interactive() ssh.AuthMethod {
	asked := false
	return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		if asked && len(questions) > 0 {
			return nil, errors.New("the password was not accepted")
		}
		asked = asked || len(questions) > 0
		answers := make([]string, len(questions))
		for i := range answers {
			answers[i] = k.password
		}
		return answers, nil
	})
}

// signers are the keys: those of files that ssh-agent holds too come from it.
func (k *keyring) signers() ([]ssh.Signer, error) {
	var held []ssh.Signer
	if k.agent != nil {
		signers, err := k.agent.Signers()
		if err != nil {
			k.problems = append(k.problems, fmt.Sprintf("ssh-agent: %v", err))
		}
		held = signers
	}
	files := k.config.sshOptions["identityfile"]
	explicit := len(files) > 0
	if !explicit {
		files = defaultKeys
	}
	var named []ssh.Signer
	if k.key != "" {
		explicit = true
		signer, err := k.parse([]byte(k.key), "of ansible_ssh_private_key")
		if err != nil {
			k.problems = append(k.problems, err.Error())
		} else {
			named = append(named, signer)
		}
	}
	for _, f := range files {
		if f == "none" {
			continue
		}
		signers, err := k.load(k.config.path(f), held)
		if err != nil && (explicit || !errors.Is(err, os.ErrNotExist)) {
			k.problems = append(k.problems, err.Error())
		}
		named = append(named, signers...)
	}
	if k.config.yes("IdentitiesOnly") {
		return named, nil
	}
	// Keys that the user names come first: a server stops after some tries.
	if explicit {
		return unique(append(named, held...)), nil
	}
	return unique(append(held, named...)), nil
}

func unique(in []ssh.Signer) []ssh.Signer {
	seen := make(map[string]bool)
	var out []ssh.Signer
	for _, s := range in {
		if key := string(s.PublicKey().Marshal()); !seen[key] {
			seen[key] = true
			out = append(out, s)
		}
	}
	return out
}

// load reads a private key, with the certificate beside it or one of
// CertificateFile where there is one. A key whose public half is in held is
// signed with by ssh-agent.
func (k *keyring) load(path string, held []ssh.Signer) ([]ssh.Signer, error) {
	if pub, err := os.ReadFile(path + ".pub"); err == nil {
		if key, _, _, _, err := ssh.ParseAuthorizedKey(pub); err == nil {
			for _, s := range held {
				if bytes.Equal(s.PublicKey().Marshal(), key.Marshal()) {
					return k.withCertificates(path, s), nil
				}
			}
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	signer, err := k.parse(data, path)
	if err != nil {
		return nil, err
	}
	return k.withCertificates(path, signer), nil
}

// parse reads a private key, of which name tells where it is from.
func (k *keyring) parse(data []byte, name string) (ssh.Signer, error) {
	raw, err := ssh.ParseRawPrivateKey(data)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if k.passphrase == "" && locked.PublicKey != nil && k.pool.ask != nil {
			return &lockedSigner{locked.PublicKey, func() (ssh.Signer, error) { return k.pool.open(k.ctx, name, data) }}, nil
		}
		if k.passphrase == "" {
			return nil, fmt.Errorf("the key %s needs a passphrase (load it into ssh-agent, or set ansible_ssh_private_key_passphrase)", name)
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(data, []byte(k.passphrase))
	}
	if err != nil {
		return nil, fmt.Errorf("the key %s cannot be read: %w", name, err)
	}
	return newSigner(raw, name)
}

// newSigner signs with what the parser made of the key that name tells of.
func newSigner(raw any, name string) (ssh.Signer, error) {
	key, ok := raw.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key %s is of an unknown kind", name)
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		return nil, fmt.Errorf("the key %s cannot be used: %w", name, err)
	}
	return signer, nil
}

// A lockedSigner is a key of which the public half can be read: the server is
// asked whether it wants the key before the user is for the passphrase.
type lockedSigner struct {
	public ssh.PublicKey
	open   func() (ssh.Signer, error)
}

func (s *lockedSigner) PublicKey() ssh.PublicKey { return s.public }

func (s *lockedSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

func (s *lockedSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	signer, err := s.open()
	if err != nil {
		return nil, err
	}
	if as, ok := signer.(ssh.AlgorithmSigner); ok {
		return as.SignWithAlgorithm(rand, data, algorithm)
	}
	return signer.Sign(rand, data)
}

// passphraseTries is how often a user may type one (ssh's NumberOfPasswordPrompts).
const passphraseTries = 3

// An openedKey is a key whose passphrase the user was asked for.
type openedKey struct {
	signer ssh.Signer
	err    error
}

// open asks the user for a key's passphrase, once a run.
func (p *pool) open(ctx context.Context, path string, data []byte) (ssh.Signer, error) {
	p.askMu.Lock()
	defer p.askMu.Unlock()
	if k, ok := p.opened[path]; ok {
		return k.signer, k.err
	}
	k := openedKey{err: fmt.Errorf("the key %s needs a passphrase, and none that opens it was given", path)}
	for range passphraseTries {
		typed, err := p.ask(ctx, "Enter passphrase for key '"+path+"': ", true)
		if err != nil {
			return nil, err
		}
		if typed == "" {
			break
		}
		if raw, err := ssh.ParseRawPrivateKeyWithPassphrase(data, []byte(typed)); err == nil {
			k.signer, k.err = newSigner(raw, path)
			break
		}
	}
	if p.opened == nil {
		p.opened = make(map[string]openedKey)
	}
	p.opened[path] = k
	return k.signer, k.err
}

// withCertificates puts certificates of the key before the key itself.
func (k *keyring) withCertificates(path string, s ssh.Signer) []ssh.Signer {
	files := []string{path + "-cert.pub"}
	for _, f := range k.config.sshOptions["certificatefile"] {
		files = append(files, k.config.path(f))
	}
	var out []ssh.Signer
	for _, f := range files {
		data, err := os.ReadFile(modules.ExpandPath(f, nil))
		if err != nil {
			continue
		}
		pub, _, _, _, err := ssh.ParseAuthorizedKey(data)
		if err != nil {
			k.problems = append(k.problems, fmt.Sprintf("the certificate %s cannot be read: %v", f, err))
			continue
		}
		cert, ok := pub.(*ssh.Certificate)
		if !ok || !bytes.Equal(cert.Key.Marshal(), s.PublicKey().Marshal()) {
			continue
		}
		if c, err := ssh.NewCertSigner(cert, s); err == nil {
			out = append(out, c)
		}
	}
	return append(out, s)
}
