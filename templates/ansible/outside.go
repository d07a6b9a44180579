package ansible

// This file holds the filters that need files or secrets.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gorun/internal/redact"
	"gorun/modules/pyre"
	"gorun/templates"
	"gorun/vars/vault"
)

func (h *host) outsideFilters() table {
	t := table{"fileglob": filterFileglob, "vault": h.filterVault, "unvault": h.filterUnvault}
	if h.Redact != nil {
		t["register_secret"], t["mask_secrets"] = h.filterRegisterSecret, h.filterMaskSecrets
	}
	return t
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/fileglob_filter.html
func filterFileglob(c *call) (value, error) {
	var pattern string
	if err := c.Unpack("fileglob", "pathname", &pattern); err != nil {
		return nil, err
	}
	var out []value
	for _, p := range Glob("", pattern) {
		out = append(out, str(p))
	}
	return list(out), nil
}

// Glob gives the regular files that a pattern matches as Python's glob has it:
// [!x] and not [^x], no escapes, no hidden files unless the pattern begins with
// a dot; ** is a * as any. What stands in folder is no pattern.
func Glob(folder, pattern string) []string {
	found := []string{folder}
	rest := pattern
	if strings.HasPrefix(rest, "/") {
		found = []string{"/"}
	}
	for part := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		var next []string
		for _, dir := range found {
			next = append(next, globIn(dir, part)...)
		}
		found = next
	}
	return slices.DeleteFunc(found, func(p string) bool {
		fi, err := os.Stat(p)
		return err != nil || !fi.Mode().IsRegular()
	})
}

// globIn gives what a part of a pattern matches in a folder, "" being this one.
func globIn(dir, part string) []string {
	if !strings.ContainsAny(part, "*?[") {
		p := filepath.Join(dir, part)
		if _, err := os.Lstat(p); err != nil || part == "" {
			return nil
		}
		return []string{p}
	}
	in := dir
	if in == "" {
		in = "."
	}
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil
	}
	re, err := pyre.Compile(fnmatch(part), pyre.DotAll)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(part, ".") {
			continue
		}
		if re.FullMatch(e.Name()) != nil {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out
}

// fnmatch makes a regular expression of a pattern
// (https://docs.python.org/3/library/fnmatch.html).
func fnmatch(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			end := strings.IndexByte(p[min(i+2, len(p)):], ']') // the first may be a bracket itself
			if strings.HasPrefix(p[i+1:], "!") {
				end = strings.IndexByte(p[min(i+3, len(p)):], ']') + 1
			}
			if end < 0 || i+2+end >= len(p) || p[i+2+end] != ']' {
				b.WriteString(`\[`)
				continue
			}
			set := strings.ReplaceAll(p[i+1:i+2+end], `\`, `\\`)
			if rest, not := strings.CutPrefix(set, "!"); not {
				set = "^" + rest
			} else if strings.HasPrefix(set, "^") {
				set = `\` + set
			}
			b.WriteString("[" + set + "]")
			i += 2 + end
		default:
			if c >= utf8.RuneSelf { // a part of a character
				b.WriteByte(c)
				continue
			}
			b.WriteString(regexp.QuoteMeta(string(rune(c))))
		}
	}
	return b.String()
}

func secretText(v value, what string) (string, error) {
	if s, ok := isText(v); ok {
		return s, nil
	}
	if b, ok := v.(templates.Bytes); ok {
		return string(b), nil
	}
	if v.Type() == "str" {
		return text(v), nil
	}
	return "", typeError("%s, got: %s", what, pyClass(v))
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/vault_filter.html
func (h *host) filterVault(c *call) (value, error) {
	var data, secret, salt, wrap value
	id := "filter_default"
	if err := c.Unpack("do_vault", "data", &data, "secret", &secret, "salt?", &salt, "vaultid?", &id, "wrap_object?", &wrap); err != nil {
		return nil, err
	}
	password, err := secretText(secret, "Secret passed is required to be a string, instead we got")
	if err != nil {
		return nil, err
	}
	plain, err := secretText(data, "Can only vault strings, instead we got")
	if err != nil {
		return nil, err
	}
	h.Redact.Add(password, plain)
	out, err := vault.Encrypt([]byte(plain), vault.Secret{ID: id, Password: []byte(password)})
	if err != nil {
		return nil, fail("Unable to encrypt: %s", err)
	}
	return str(string(out)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/unvault_filter.html
func (h *host) filterUnvault(c *call) (value, error) {
	var data, secret value
	id := "filter_default"
	if err := c.Unpack("do_unvault", "vault", &data, "secret", &secret, "vaultid?", &id); err != nil {
		return nil, err
	}
	password, err := secretText(secret, "Secret passed is required to be as string, instead we got")
	if err != nil {
		return nil, err
	}
	h.Redact.Add(password)
	cipher, err := secretText(data, "Vault should be in the form of a string, instead we got")
	if err != nil {
		return nil, err
	}
	if !vault.IsEncrypted([]byte(cipher)) {
		return str(cipher), nil
	}
	plain, _, err := vault.Decrypt([]byte(cipher), []vault.Secret{{ID: id, Password: []byte(password)}})
	if errors.Is(err, vault.ErrNoMatch) {
		return nil, fail("Unable to decrypt: %s", err)
	}
	if err != nil {
		return nil, fail("Unable to decrypt: %s", err)
	}
	h.Redact.Add(string(plain))
	return str(string(plain)), nil
}

// https://docs.ansible.com/ansible/devel/collections/ansible/builtin/register_secret_filter.html
func (h *host) filterRegisterSecret(c *call) (value, error) {
	var secret value
	action := "error"
	if err := c.Unpack("register_secret", "secret", &secret, "validation_action?", &action); err != nil {
		return nil, err
	}
	problem := ""
	s, ok := isText(secret)
	switch {
	case !ok:
		problem = "Secret must be a string"
	case redact.Trim(s) == "":
		problem = fmt.Sprintf("Secret must be at least %d characters long after trimming whitespace", redact.MinLength)
	}
	switch {
	case problem == "":
		h.Redact.Add(s)
	case action == "error":
		return nil, raise("ValueError", "%s", problem)
	case action == "warn":
		h.Warn(problem)
	}
	return secret, nil
}

// https://docs.ansible.com/ansible/devel/collections/ansible/builtin/mask_secrets_filter.html
func (h *host) filterMaskSecrets(c *call) (value, error) {
	var v value
	placeholder := redact.Placeholder
	if err := c.Unpack("mask_secrets", "value", &v, "mask_placeholder?", &placeholder); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, typeError("expected a string, got %s", pyClass(v))
	}
	return str(h.Redact.MaskAs(s, placeholder)), nil
}
