package lookup

// This file holds the lookups that ask the system, the network, the inventory
// and the run.

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
	"gorun/templates"
)

func lookupEnv(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		name, _, _ := strings.Cut(text(t), " ")
		v, ok := os.LookupEnv(name)
		def, hasDef := c.opts["default"]
		switch {
		case ok:
			out = append(out, str(v))
		case hasDef:
			out = append(out, def)
		default:
			out = append(out, str(""))
		}
	}
	return out, nil
}

func lookupVars(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		name, ok := t.(templates.Str)
		if !ok {
			return nil, fmt.Errorf("Invalid setting identifier, \"%s\" is not a string, its a %s", text(t), t.Type())
		}
		v, found, err := c.variable(string(name))
		if err != nil {
			return nil, err
		}
		if !found || templates.IsUndefined(v) {
			def, has := c.opts["default"]
			if !has {
				return nil, &templates.Error{Kind: templates.UndefinedError, Msg: fmt.Sprintf("No variable found with this name: %s", name), Got: string(name)}
			}
			v = def
		}
		out = append(out, v)
	}
	return out, nil
}

func lookupVarnames(c *call) ([]templates.Value, error) {
	s, ok := c.env.Scope.(interface{ Names() []string })
	if !ok {
		return nil, errors.New("varnames: the variables cannot be listed here")
	}
	names := s.Names()
	var found []string
	for _, t := range c.terms {
		re, err := regexp.Compile(text(t))
		if err != nil {
			return nil, fmt.Errorf("Unable to use \"%s\" as a search parameter: %w", text(t), err)
		}
		for _, n := range names {
			if re.MatchString(n) {
				found = append(found, n)
			}
		}
	}
	return sortedNames(found), nil
}

func lookupHostnames(c *call) ([]templates.Value, error) {
	if c.t.o.Match == nil {
		return nil, nil
	}
	var parts []string
	for _, t := range flattenAll(nil, c.terms) {
		parts = append(parts, text(t))
	}
	names, err := c.t.o.Match(strings.Join(parts, ":"))
	if err != nil {
		return nil, err
	}
	out := make([]templates.Value, len(names))
	for i, n := range names {
		out[i] = str(n)
	}
	return out, nil
}

func lookupConfig(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		if c.t.o.Config != nil {
			if v, ok := c.t.o.Config(text(t)); ok {
				out = append(out, v)
				continue
			}
		}
		switch c.str("on_missing", "error") {
		case "skip":
		case "warn":
			c.t.o.Warn("Skipping, did not find setting " + text(t))
		default:
			return nil, fmt.Errorf("Unable to find setting %s", text(t))
		}
	}
	return out, nil
}

// run runs a command line by the shell in the playbook's folder.
func (c *call) run(line string) ([]byte, error) {
	cmd := exec.CommandContext(c.ctx, "/bin/sh", "-c", line)
	if v, ok, err := c.variable("playbook_dir"); ok && err == nil {
		cmd.Dir = text(v)
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("lookup_plugin.%s(%s) returned %d", c.name, line, exit.ExitCode())
	}
	return out, err
}

func lookupPipe(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		b, err := c.run(text(t))
		if err != nil {
			return nil, err
		}
		out = append(out, str(strings.TrimRight(string(b), " \t\r\n\v\f")))
	}
	return out, nil
}

func lookupLines(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		b, err := c.run(text(t))
		if err != nil {
			return nil, err
		}
		for line := range strings.SplitSeq(strings.TrimRight(string(b), "\n"), "\n") {
			out = append(out, str(line))
		}
	}
	return out, nil
}

// maxURL bounds what the url lookup reads.
const maxURL = 64 << 20

func lookupURL(c *call) ([]templates.Value, error) {
	validate, err1 := c.flag("validate_certs", true)
	split, err2 := c.flag("split_lines", true)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	secs, err := strconv.ParseFloat(c.str("timeout", "10"), 64)
	if err != nil {
		return nil, fmt.Errorf("url: timeout: %w", err)
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: !validate}
	client := &http.Client{Transport: tr, Timeout: time.Duration(secs * float64(time.Second))}
	var out []templates.Value
	for _, t := range c.terms {
		body, err := c.get(client, text(t))
		if err != nil {
			return nil, err
		}
		if !split {
			out = append(out, str(body))
			continue
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(body, "\n"), "\n") {
			out = append(out, str(strings.TrimSuffix(line, "\r")))
		}
	}
	return out, nil
}

func (c *call) get(client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", "ansible-httpget")
	if u := c.str("username", ""); u != "" {
		req.SetBasicAuth(u, c.str("password", ""))
	}
	if h, ok := c.opts["headers"].(*templates.Dict); ok {
		for k, v := range h.All {
			req.Header.Set(text(k), text(v))
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("Failed lookup url for %s : %w", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return "", fmt.Errorf("Received HTTP error for %s : HTTP Error %d: %s", url, resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxURL))
	return string(b), err
}

// characterSets are the names that the password lookup's chars may use.
var characterSets = map[string]string{
	"ascii_letters":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
	"ascii_uppercase": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"digits":          "0123456789",
	"hexdigits":       "0123456789abcdefABCDEF",
	"octdigits":       "01234567",
	"punctuation":     "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}

// lookupPassword keeps a random password in a file of the controller.
func lookupPassword(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		path, o := c.keyOptions(text(t))
		v, err := c.password(path, o)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (c *call) password(path string, o map[string]string) (templates.Value, error) {
	length, err := strconv.Atoi(orElse(o, "length", "20"))
	if err != nil || length < 1 {
		return nil, fmt.Errorf("password: length must be a number over 0, not %s", o["length"])
	}
	if !filepath.IsAbs(path) {
		path = modules.ExpandPath(path, nil)
	}
	if !filepath.IsAbs(path) {
		if v, ok, err := c.variable("playbook_dir"); ok && err == nil {
			path = filepath.Join(text(v), path)
		}
	}
	plain, salt, ident, err := c.storedPassword(path)
	if err != nil {
		return nil, err
	}
	encrypt := orElse(o, "encrypt", "")
	changed := plain == ""
	if plain == "" {
		if plain, err = randomText(length, passwordChars(orElse(o, "chars", "ascii_letters,digits,.,,,:,-,_"))); err != nil {
			return nil, err
		}
	}
	if encrypt != "" && salt == "" {
		changed = true
		if salt, err = randomText(8, characterSets["ascii_letters"]+characterSets["digits"]+"./"); err != nil {
			return nil, err
		}
	}
	if changed && path != "/dev/null" {
		if err := savePassword(path, plain, salt, ident); err != nil {
			return nil, err
		}
	}
	if encrypt == "" {
		return str(plain), nil
	}
	locals := templates.NewDict(2)
	locals.SetStr("_plain", str(plain))
	locals.SetStr("_salt", str(salt))
	src := "{{ _plain | password_hash('" + strings.ReplaceAll(encrypt, "'", "") + "', salt=_salt) }}"
	return c.env.Templates.Resolve(c.ctx, templates.NewText(src, templates.Pos{}), &over{locals, c.env.Scope})
}

// storedPassword reads "plain salt=x ident=y".
func (c *call) storedPassword(path string) (plain, salt, ident string, err error) {
	data, err := c.t.o.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || path == "/dev/null" {
		return "", "", "", nil
	}
	if err != nil {
		return "", "", "", err
	}
	plain = strings.TrimRight(string(data), "\r\n")
	if i := strings.LastIndex(plain, " ident="); i >= 0 {
		plain, ident = plain[:i], plain[i+len(" ident="):]
	}
	if i := strings.LastIndex(plain, " salt="); i >= 0 {
		plain, salt = plain[:i], plain[i+len(" salt="):]
	}
	return plain, salt, ident, nil
}

func savePassword(path, plain, salt, ident string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if salt != "" {
		plain += " salt=" + salt
	}
	if ident != "" {
		plain += " ident=" + ident
	}
	return os.WriteFile(path, []byte(plain+"\n"), 0o600)
}

// passwordChars expands chars: names of sets and characters, with commas
// between; two commas are one.
func passwordChars(spec string) string {
	comma := strings.Contains(spec, ",,")
	var b strings.Builder
	for part := range strings.SplitSeq(strings.ReplaceAll(spec, ",,", ","), ",") {
		if set, ok := characterSets[part]; ok {
			b.WriteString(set)
		} else {
			b.WriteString(part)
		}
	}
	if comma {
		b.WriteByte(',')
	}
	return b.String()
}

func randomText(n int, chars string) (string, error) {
	if chars == "" {
		return "", errors.New("password: no characters to choose from")
	}
	b := make([]byte, n)
	for i := range b {
		j, err := rand.Int(rand.Reader, big.NewInt(int64(len(chars))))
		if err != nil {
			return "", err
		}
		b[i] = chars[j.Int64()]
	}
	return string(b), nil
}
