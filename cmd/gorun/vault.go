package main

// This file defines gorun vault, which is ansible-vault.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"gorun/engine"
	"gorun/engine/callback"
	"gorun/engine/spell"
	"gorun/vars/vault"
)

func vaultFlags() []cli.Flag {
	return []cli.Flag{
		verboseFlag(),
		list("vault-id", "the vault identity to use"),
		list("vault-password-file", "vault password file", "vault-pass-file"),
		boolean("ask-vault-password", "ask for the vault password", "ask-vault-pass", "J"),
		str("encrypt-vault-id", "the vault id to encrypt with"),
		str("new-vault-id", "the new vault identity for rekey"),
		str("new-vault-password-file", "new vault password file for rekey"),
		str("output", "output file, - for standard output"),
		boolean("prompt", "ask for the text of encrypt_string", "p"),
		boolean("show-input", "show the text while it is typed"),
		list("name", "the variable's name", "n"),
		boolean("skip-tty-check", "create: open the editor though the output is no terminal"),
		str("stdin-name", "the variable's name for text from standard input"),
		str("compat", "the generation of Ansible to behave as"),
	}
}

var vaultActions = []string{"create", "decrypt", "edit", "view", "encrypt", "encrypt_string", "rekey"}

// actionError is the usage error of a command whose first word is none of its
// actions, nil where it is one.
func actionError(action string, actions []string) error {
	if slices.Contains(actions, action) {
		return nil
	}
	if action == "" {
		return usageError("the following arguments are required: action (one of " + strings.Join(actions, ", ") + ")")
	}
	msg := fmt.Sprintf("argument action: invalid choice: '%s' (choose from '%s')", action, strings.Join(actions, "', '"))
	if best := spell.Nearest(action, actions); best != "" {
		msg += fmt.Sprintf("; did you mean '%s'?", best)
	}
	return usageError(msg)
}

func runVault(c *cli.Context) error {
	if err := actionError(c.Args().First(), vaultActions); err != nil {
		return err
	}
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.close()
	s.newVault = slices.Contains([]string{"create", "encrypt", "encrypt_string"}, c.Args().First())
	if err := s.loadSecrets(c); err != nil {
		return err
	}
	if len(s.secrets) == 0 {
		pw, err := s.newPassword(c.Args().First())
		if err != nil {
			return err
		}
		s.secrets = []vault.Secret{{ID: "default", Password: []byte(pw)}}
	}
	files := c.Args().Tail()
	switch c.Args().First() {
	case "create":
		return s.vaultCreate(c, files)
	case "edit":
		return s.vaultEach(c, files, func(f string) error { return s.vaultEdit(c, f) })
	case "view":
		return s.vaultEach(c, files, s.vaultView)
	case "encrypt":
		return s.vaultEncrypt(c, files)
	case "decrypt":
		return s.vaultDecrypt(c, files)
	case "rekey":
		return s.vaultRekey(c, files)
	}
	return s.vaultEncryptString(c, files)
}

// newPassword asks for a password, twice where it will encrypt.
func (s *session) newPassword(action string) (string, error) {
	switch action {
	case "create", "encrypt", "encrypt_string":
		return s.vaultPassword("default", "New Vault password: ", "Confirm New Vault password: ")
	}
	return s.vaultPassword("default", "Vault password: ")
}

// vaultPassword asks for the password of a vault id, by one prompt after the
// other, whose answers have to be the same.
func (s *session) vaultPassword(id string, prompts ...string) (string, error) {
	password := ""
	for i, p := range prompts {
		pw, err := s.askSecret(p)
		switch {
		case err != nil:
			return "", err
		case pw == "":
			return "", s.badPassword(id, noPassword)
		case i > 0 && pw != password:
			return "", s.badPassword(id, "Passwords do not match")
		}
		password = pw
	}
	return password, nil
}

// noPassword is what is wrong with an empty password.
const noPassword = "Invalid vault password was provided"

// badPassword is the error about a password that was typed for a vault id, of
// which Ansible warns before it ends.
func (s *session) badPassword(id, msg string) error {
	s.warn("Error in vault password prompt (" + id + "): " + msg)
	return errors.New(msg)
}

// encryptSecret is the secret to encrypt with: that of --encrypt-vault-id, or the first.
func (s *session) encryptSecret(c *cli.Context) (vault.Secret, error) {
	id := firstOf(c.String("encrypt-vault-id"), s.cfg.Str("DEFAULT_VAULT_ENCRYPT_IDENTITY"))
	if id == "" {
		if len(s.secrets) > 1 {
			return vault.Secret{}, optionsError(errors.New("The vault-ids " + s.secretIDs() + " are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id"))
		}
		return s.secrets[0], nil
	}
	for _, sec := range s.secrets {
		if sec.ID == id {
			return sec, nil
		}
	}
	return vault.Secret{}, fmt.Errorf("Did not find a match for --encrypt-vault-id=%s in the known vault-ids ['%s']", id, strings.ReplaceAll(s.secretIDs(), ",", "', '"))
}

func (s *session) secretIDs() string {
	ids := make([]string, len(s.secrets))
	for i, sec := range s.secrets {
		ids[i] = sec.ID
	}
	return strings.Join(ids, ",")
}

func (s *session) vaultEach(c *cli.Context, files []string, do func(string) error) error {
	if len(files) == 0 {
		return usageError("a file is required")
	}
	for _, f := range files {
		if err := do(f); err != nil {
			return s.vaultFailure(c.Args().First(), f, err)
		}
	}
	return nil
}

// errNotVault is what is wrong with a file that was never encrypted.
var errNotVault = errors.New("input is not vault encrypted data")

// openFile decrypts what a file holds and tells the id of its vault.
func (s *session) openFile(data []byte) (plain []byte, id string, err error) {
	if !vault.IsEncrypted(data) {
		return nil, "", errNotVault
	}
	return vault.Decrypt(data, s.secrets)
}

// An editorError is an editor that could not be run or gave up.
type editorError struct {
	command string
	err     error
}

func (e *editorError) Error() string {
	return fmt.Sprintf("Unable to execute the command %q: %v", e.command, e.err)
}

func (e *editorError) Unwrap() error { return e.err }

// vaultFailure is the error of an action on a file.
func (s *session) vaultFailure(action, file string, err error) error {
	if errors.Is(err, os.ErrNotExist) && file != "-" {
		return nearFile(fmt.Sprintf("Unable to read source file (%s): [Errno 2] No such file or directory: '%[1]s'", absolutePath(file)), file)
	}
	var editor *editorError
	if action == "encrypt" || errors.As(err, &editor) {
		return err
	}
	msg, shown := err.Error(), file
	if action != "view" && file != "-" {
		shown = absolutePath(file)
	}
	editing := action == "edit" || action == "rekey"
	what := " on " + shown
	switch {
	case errors.Is(err, errNotVault) && editing:
		what = ". "
	case errors.Is(err, errNotVault):
		what = ". " + shown + " is not a vault encrypted file"
	case editing:
		what = ""
	}
	return chainError{fmt.Errorf("%w%s for %s", err, what, shown), &callback.Event{
		Msg:   fmt.Sprintf("Failed to %s '%s'.", action, shown),
		Cause: &callback.Event{Msg: strings.ToUpper(msg[:1]) + msg[1:] + ".", Context: "Origin: " + s.shownPath(file)},
	}}
}

func (s *session) vaultCreate(c *cli.Context, files []string) error {
	if len(files) != 1 {
		return usageError("ansible-vault create can take only one filename argument")
	}
	if s.isCurrent() && !isTerminal(s.out) && !c.Bool("skip-tty-check") {
		return optionsError(errors.New("not a tty, editor cannot be opened"))
	}
	if _, err := os.Stat(files[0]); err == nil {
		return fmt.Errorf("%s exists, please use 'edit' instead", files[0])
	}
	sec, err := s.encryptSecret(c)
	if err != nil {
		return err
	}
	text, _, err := s.editText(nil)
	if err != nil {
		return err
	}
	return writeVault(files[0], text, sec)
}

func (s *session) vaultEdit(c *cli.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	plain, id, err := s.openFile(data)
	if err != nil {
		return err
	}
	text, changed, err := s.editText(plain)
	if err != nil || !changed {
		return err
	}
	sec := s.secretFor(id, data)
	if c.String("encrypt-vault-id") != "" {
		if sec, err = s.encryptSecret(c); err != nil {
			return err
		}
	}
	return writeVault(file, text, sec)
}

// secretFor is the secret that opened data, so that an edit keeps it.
func (s *session) secretFor(id string, data []byte) vault.Secret {
	for _, sec := range s.secrets {
		if _, _, err := vault.Decrypt(data, []vault.Secret{sec}); err == nil {
			return vault.Secret{ID: firstOf(id, sec.ID), Password: sec.Password}
		}
	}
	return s.secrets[0]
}

// editText lets the user's editor change text in a private file that is
// overwritten and removed behind it.
func (s *session) editText(text []byte) (out []byte, changed bool, err error) {
	dir, err := os.MkdirTemp(privateTmp(), "gorun-vault-")
	if err != nil {
		return nil, false, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "text.yml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, false, err
	}
	defer func() { // the clear text must not stay on the disk
		if st, e := os.Stat(path); e == nil {
			os.WriteFile(path, make([]byte, st.Size()), 0o600)
		}
	}()
	editor := strings.Fields(firstOf(s.cfg.Str("EDITOR"), "vi"))
	cmd := exec.CommandContext(s.ctx, editor[0], append(editor[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, false, &editorError{strings.Join(editor, " "), err}
	}
	out, err = os.ReadFile(path)
	return out, !bytes.Equal(out, text), err
}

// privateTmp prefers a folder in memory for clear text.
func privateTmp() string {
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func (s *session) vaultView(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	plain, _, err := s.openFile(data)
	if err != nil {
		return err
	}
	_, err = s.out.Write(plain)
	return err
}

func (s *session) vaultEncrypt(c *cli.Context, files []string) error {
	sec, err := s.encryptSecret(c)
	if err != nil {
		return err
	}
	err = s.vaultInOut(c, files, func(data []byte) ([]byte, error) {
		if vault.IsEncrypted(data) {
			return nil, errors.New("input is already encrypted")
		}
		return vault.Encrypt(data, sec)
	})
	if err == nil && isTerminal(s.out) {
		fmt.Fprintln(s.err, "Encryption successful")
	}
	return err
}

func (s *session) vaultDecrypt(c *cli.Context, files []string) error {
	err := s.vaultInOut(c, files, func(data []byte) ([]byte, error) {
		if !vault.IsEncrypted(bytes.TrimSpace(data)) {
			return nil, errNotVault
		}
		plain, _, err := vault.Decrypt(bytes.TrimSpace(data), s.secrets)
		return plain, err
	})
	if err == nil && isTerminal(s.out) {
		fmt.Fprintln(s.err, "Decryption successful")
	}
	return err
}

// vaultInOut turns files, or standard input, into what convert gives, in place
// or where --output says.
func (s *session) vaultInOut(c *cli.Context, files []string, convert func([]byte) ([]byte, error)) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	output := c.String("output")
	if output != "" && len(files) > 1 {
		return optionsError(errors.New("At most one input file may be used with the --output option"))
	}
	return s.vaultEach(c, files, func(f string) error {
		var data []byte
		var err error
		if f == "-" {
			data, err = io.ReadAll(s.stdin)
		} else {
			data, err = os.ReadFile(f)
		}
		if err != nil {
			return err
		}
		out, err := convert(data)
		if err != nil {
			return err
		}
		switch {
		case output == "-", output == "" && f == "-":
			_, err = s.out.Write(out)
			return err
		case output != "":
			return replaceFile(output, out)
		}
		return replaceFile(f, out)
	})
}

func (s *session) vaultRekey(c *cli.Context, files []string) error {
	sec := vault.Secret{ID: "default"}
	var err error
	switch {
	case c.String("new-vault-id") != "":
		sec, err = s.vaultSecret(c.String("new-vault-id"))
	case c.String("new-vault-password-file") != "":
		sec, err = s.vaultSecret("default@" + c.String("new-vault-password-file"))
	default:
		var pw string
		pw, err = s.newPassword("create")
		sec.Password = []byte(pw)
	}
	if err != nil {
		return err
	}
	err = s.vaultEach(c, files, func(f string) error {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		plain, _, err := s.openFile(data)
		if err != nil {
			return err
		}
		return writeVault(f, plain, sec)
	})
	if err == nil {
		fmt.Fprintln(s.err, "Rekey successful")
	}
	return err
}

func (s *session) vaultEncryptString(c *cli.Context, words []string) error {
	sec, err := s.encryptSecret(c)
	if err != nil {
		return err
	}
	texts, err := s.textsToEncrypt(c, words)
	if err != nil {
		return err
	}
	var notes, out strings.Builder
	for i, t := range texts {
		enc, err := vault.Encrypt([]byte(t.value), sec)
		if err != nil {
			return err
		}
		if len(texts) > 1 {
			what, end := "the string", ".)"
			if t.name != "" {
				what, end = fmt.Sprintf("variable (\"%s\", the string", t.name), ")."
			}
			fmt.Fprintf(&notes, "# The encrypted version of %s #%d from %s%s\n", what, i+1, t.source, end)
		}
		if t.name != "" {
			out.WriteString(t.name + ": ")
		}
		out.WriteString("!vault |\n          " + strings.ReplaceAll(strings.TrimRight(string(enc), "\n"), "\n", "\n          ") + "\n")
	}
	io.WriteString(s.err, notes.String())
	io.WriteString(s.out, out.String())
	if isTerminal(s.out) {
		fmt.Fprintln(s.err, "Encryption successful")
	}
	return nil
}

// A clearText is a text of encrypt_string, and where it is from.
type clearText struct{ name, value, source string }

// textsToEncrypt are the texts of encrypt_string: typed, read, and given.
func (s *session) textsToEncrypt(c *cli.Context, words []string) ([]clearText, error) {
	var texts []clearText
	names := c.StringSlice("name")
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "-" })
	if c.Bool("prompt") {
		if len(words) == 0 {
			return nil, optionsError(errors.New("The --prompt option is not supported if also reading input from stdin"))
		}
		name, err := s.ask(s.ctx, s.out, engine.Prompt{Text: "Variable name (enter for no name): "})
		if err != nil {
			return nil, err
		}
		var v string
		if c.Bool("show-input") {
			v, err = s.ask(s.ctx, s.out, engine.Prompt{Text: "String to encrypt:"})
		} else {
			v, err = s.askSecret("String to encrypt (hidden): ")
		}
		if err != nil {
			return nil, err
		}
		if v == "" {
			return nil, optionsError(errors.New("The plaintext provided from the prompt was empty, not encrypting"))
		}
		texts = append(texts, clearText{name, v, "the interactive prompt"})
	}
	if c.String("stdin-name") != "" || len(words) == 0 {
		if term.IsTerminal(int(s.stdin.Fd())) {
			fmt.Fprintln(s.err, "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)")
		}
		data, err := io.ReadAll(s.stdin)
		if err != nil {
			return nil, err
		}
		if len(data) == 0 {
			return nil, optionsError(errors.New("stdin was empty, not encrypting"))
		}
		if term.IsTerminal(int(s.stdin.Fd())) && data[len(data)-1] != '\n' {
			fmt.Fprintln(s.err) // the person's line has no end
		}
		texts = append(texts, clearText{c.String("stdin-name"), string(data), "stdin"})
	}
	for i, w := range words {
		t := clearText{"", w, "the command line args"}
		if i < len(names) {
			t.name = names[i]
		}
		texts = append(texts, t)
	}
	return texts, nil
}

func writeVault(file string, plain []byte, sec vault.Secret) error {
	data, err := vault.Encrypt(plain, sec)
	if err != nil {
		return err
	}
	return replaceFile(file, data)
}

// replaceFile writes data beside path and renames it into place: the old file
// stays whole until the new one is.
func replaceFile(path string, data []byte) error {
	mode := os.FileMode(0o600)
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".gorun-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
