package main

// This file finds passwords: prompts, password files and scripts, vault ids.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"gorun/engine"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars/pyyaml"
	"gorun/vars/vault"
)

// loadSecrets collects vault secrets in the order of --vault-id,
// --vault-password-file and --ask-vault-pass, the configuration's first.
func (s *session) loadSecrets(c *cli.Context) error {
	ids := append(s.cfg.List("DEFAULT_VAULT_IDENTITY_LIST"), c.StringSlice("vault-id")...)
	if f := s.cfg.Path("DEFAULT_VAULT_PASSWORD_FILE"); f != "" && len(c.StringSlice("vault-password-file")) == 0 {
		ids = append(ids, "default@"+f)
	}
	for _, f := range c.StringSlice("vault-password-file") {
		ids = append(ids, "default@"+f)
	}
	if c.Bool("ask-vault-password") {
		ids = append(ids, "default@prompt_ask_vault_pass")
	}
	for _, id := range ids {
		secret, err := s.vaultSecret(id)
		if err != nil {
			return err
		}
		s.redact.Add(string(secret.Password))
		s.secrets = append(s.secrets, secret)
	}
	return nil
}

// vaultSecret reads one vault identity: label@source, where the source is
// prompt, prompt_ask_vault_pass, a file, or a script.
func (s *session) vaultSecret(id string) (vault.Secret, error) {
	label, source, ok := strings.Cut(id, "@")
	if !ok {
		label, source = "default", id
	}
	if label == "" {
		label = "default"
	}
	if source == "prompt" || source == "prompt_ask_vault_pass" {
		prompts := []string{"Vault password: "}
		switch {
		case s.newVault && source == "prompt":
			prompts = []string{fmt.Sprintf("New vault password (%s): ", label), fmt.Sprintf("Confirm new vault password (%s): ", label)}
		case s.newVault:
			prompts = []string{"New Vault password: ", "Confirm New Vault password: "}
		case source == "prompt":
			prompts = []string{fmt.Sprintf("Vault password (%s): ", label)}
		}
		pw, err := s.vaultPassword(label, prompts...)
		return vault.Secret{ID: label, Password: []byte(pw)}, err
	}
	pw, err := s.passwordFile(source, "vault", label)
	if err != nil {
		s.warn(fmt.Sprintf("Error getting vault password file (%s): %v", label, err))
		return vault.Secret{}, err
	}
	if len(pw) == 0 {
		return vault.Secret{}, fmt.Errorf("Invalid vault password was provided from file (%s)", s.shownPath(source))
	}
	return vault.Secret{ID: label, Password: pw}, nil
}

// passwordFile reads a password from a file, or from what it prints where it
// is executable; a script whose name ends in -client gets --vault-id.
func (s *session) passwordFile(path, what, label string) ([]byte, error) {
	if path == "-" {
		return nil, usageError("a password from standard input must be asked for by its own option")
	}
	if strings.HasPrefix(path, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, path[2:])
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("The %s password file %s was not found", what, absolutePath(path))
	}
	if st.Mode()&0o111 == 0 {
		data, err := os.ReadFile(path)
		return bytes.TrimSpace(data), err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(abs)
	name := strings.TrimSuffix(filepath.Base(abs), filepath.Ext(abs))
	if what == "vault" && strings.HasSuffix(name, "-client") {
		cmd.Args = append(cmd.Args, "--vault-id", label)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s password script %s returned an error: %w", what, path, err)
	}
	return bytes.Trim(out, "\r\n"), nil
}

// askSecret asks on the terminal without an echo.
func (s *session) askSecret(prompt string) (string, error) {
	if !term.IsTerminal(int(s.stdin.Fd())) {
		line, err := s.readLine()
		if errors.Is(err, io.EOF) {
			err = &playbook.Error{
				Msg:   fmt.Sprintf("EOFError (ctrl-d) on prompt for (%s)", strings.TrimRight(prompt, ": ")),
				Notes: []string{"There is no terminal to ask on and standard input is at its end: give the password in a file (--vault-password-file, --connection-password-file, --become-password-file)"},
			}
		}
		return line, err
	}
	w := s.err
	if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		defer tty.Close()
		w = tty // the prompt is for the person, wherever the output goes
	}
	line, err := s.ask(s.ctx, w, engine.Prompt{Text: prompt, Private: true})
	if errors.Is(err, io.EOF) {
		err = nil // an empty password, as ctrl-D gives
	}
	return line, err
}

// connectionPasswords asks for or reads the passwords of -k and -K.
func (s *session) connectionPasswords(c *cli.Context) (conn, become string, err error) {
	if f := firstOf(c.String("connection-password-file"), s.cfg.Path("CONNECTION_PASSWORD_FILE")); f != "" && !c.Bool("ask-pass") {
		pw, err := s.passwordFile(f, "connection", "")
		if err != nil {
			return "", "", err
		}
		conn = string(pw)
	}
	if f := firstOf(c.String("become-password-file"), s.cfg.Path("BECOME_PASSWORD_FILE")); f != "" && !c.Bool("ask-become-pass") {
		pw, err := s.passwordFile(f, "become", "")
		if err != nil {
			return "", "", err
		}
		become = string(pw)
	}
	if c.Bool("ask-pass") || s.cfg.Bool("DEFAULT_ASK_PASS") {
		if conn, err = s.askSecret("SSH password: "); err != nil {
			return "", "", err
		}
	}
	if c.Bool("ask-become-pass") || s.cfg.Bool("DEFAULT_BECOME_ASK_PASS") {
		prompt := "BECOME"
		if !s.cfg.Bool("AGNOSTIC_BECOME_PROMPT") {
			prompt = strings.ToUpper(firstOf(c.String("become-method"), s.cfg.Str("DEFAULT_BECOME_METHOD")))
		}
		prompt += " password"
		if conn != "" {
			prompt += "[defaults to SSH password]"
		}
		if become, err = s.askSecret(prompt + ": "); err != nil {
			return "", "", err
		}
		become = firstOf(become, conn)
	}
	s.redact.Add(conn, become)
	return conn, become, nil
}

// readYAML is readFile for files of YAML: what a vault holds is secret.
func (s *session) readYAML(path string) ([]byte, error) {
	data, err := s.readFile(path)
	if _, closed := s.vaults.Load(path); err != nil || !closed || s.redact == nil {
		return data, err
	}
	// Whoever asked tells of what is wrong with the file.
	if v, err := pyyaml.Parse(data, path, pyyaml.Options{Trusted: true, Vault: s.decryptInline, Seal: true}); err == nil {
		s.redactAll(v)
	}
	return data, nil
}

// redactAll makes secrets of the texts and numbers in a list or dict; keys
// are none.
func (s *session) redactAll(v templates.Value) {
	switch v := v.(type) {
	case *templates.Dict:
		for _, e := range v.All {
			s.redactAll(e)
		}
	case *templates.List:
		for _, e := range v.Elems {
			s.redactAll(e)
		}
	case templates.Str, templates.Int, *templates.BigInt, templates.Float:
		s.redact.Add(templates.StrOf(v, s.era))
	case *templates.Text:
		if _, sealed := pyyaml.Sealed(v); !sealed {
			s.redact.Add(v.Src)
		}
	}
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
