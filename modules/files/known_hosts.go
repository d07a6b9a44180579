package files

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type knownHostsArgs struct {
	HashHost bool   `arg:"hash_host"`
	Key      string `arg:"key"`
	Name     string `arg:"name"`
	Path     string `arg:"path"`
	State    string `arg:"state"`
}

// KnownHosts is ansible.builtin.known_hosts.
var KnownHosts = modules.Define(modules.Spec{
	Name: "ansible.builtin.known_hosts",
	Doc:  "Keep the key of a host in an SSH client's known_hosts.",
	Options: []modules.Option{
		{Name: "hash_host", Type: modules.Bool, Default: false, Doc: "Hide the host's name by a hash."},
		{Name: "key", Doc: "The line for known_hosts: host, type and key."},
		{Name: "name", Required: true, Aliases: []string{"host"}, Doc: "The host."},
		{Name: "path", Type: modules.Path, Default: "~/.ssh/known_hosts", Doc: "The file."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the key is to be there."},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *knownHostsArgs) (*modules.Result, error) {
	if a.State == "present" && a.Key == "" {
		return nil, modules.Failf("No key specified when adding a host")
	}
	name := strings.ToLower(a.Name)
	path := modules.ExpandPath(a.Path, m.Env)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, modules.Failf("Failed to read %s: %s", path, oserr.Str(err, path))
	}
	key, err := cleanKey(a.Key, name)
	if err != nil {
		return nil, err
	}
	after := editKnownHosts(string(data), name, key, a.State == "present", a.HashHost)
	res := &modules.Result{Changed: after != string(data), Data: map[string]any{"name": a.Name, "key": orNull(a.Key), "path": a.Path,
		"hash_host": a.HashHost, "state": a.State}}
	if m.Diff {
		d := modules.Diff{Before: string(data), After: after, BeforeHeader: path, AfterHeader: path}
		if data == nil {
			d.BeforeHeader = os.DevNull // there is no file yet
		}
		res.Diff = []modules.Diff{d}
	}
	if !res.Changed || m.Check {
		return res, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, modules.Failf("Failed to write to file %s: %s", path, oserr.Text(err))
	}
	if err := m.ReplaceFile(ctx, path, []byte(after), "", false); err != nil {
		return nil, err
	}
	return res, nil
})

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// A hostLine is a line of known_hosts.
type hostLine struct{ marker, hosts, kind, key, rest string }

func parseHostLine(line string) (h hostLine, ok bool) {
	f := strings.Fields(line)
	if len(f) > 0 && strings.HasPrefix(f[0], "@") {
		h.marker, f = f[0], f[1:]
	}
	if len(f) < 3 || strings.HasPrefix(f[0], "#") {
		return h, false
	}
	h.hosts, h.kind, h.key, h.rest = f[0], f[1], f[2], strings.Join(f[3:], " ")
	return h, true
}

// cleanKey checks that the line is one, and names the host.
func cleanKey(text, name string) (hostLine, error) {
	if text == "" {
		return hostLine{}, nil
	}
	h, ok := parseHostLine(strings.TrimSpace(text))
	if !ok || strings.Contains(strings.TrimSpace(text), "\n") {
		return h, modules.Failf("the key is no line of known_hosts (host, type, key): %s", strings.TrimSpace(text))
	}
	if !hostMatches(h.hosts, name) {
		return h, modules.Failf("Host parameter does not match hashed host field in supplied key")
	}
	return h, nil
}

// hostMatches compares a name with the first field, plain or hashed.
func hostMatches(hosts, name string) bool {
	if rest, ok := strings.CutPrefix(hosts, "|1|"); ok {
		salt64, sum, _ := strings.Cut(rest, "|")
		salt, err := base64.StdEncoding.DecodeString(salt64)
		return err == nil && hashHost(name, salt) == sum
	}
	for h := range strings.SplitSeq(hosts, ",") {
		if strings.EqualFold(h, name) {
			return true
		}
	}
	return false
}

func hashHost(name string, salt []byte) string {
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name)) // never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// editKnownHosts makes the new text. A key of another type stays; without a key
// all of the host go.
func editKnownHosts(text, name string, key hostLine, present, hashed bool) string {
	var b strings.Builder
	found := false
	for _, line := range splitKeep(text) {
		h, ok := parseHostLine(line)
		if !ok || !hostMatches(h.hosts, name) || key.kind != "" && (h.kind != key.kind || h.marker != key.marker) {
			b.WriteString(line)
			continue
		}
		same := h.key == key.key && strings.HasPrefix(h.hosts, "|1|") == hashed
		switch {
		case present && same && !found:
			found = true
			b.WriteString(line)
		case !present && key.key != "" && h.key != key.key:
			b.WriteString(line)
		}
	}
	if present && !found {
		if out := b.String(); out != "" && !strings.HasSuffix(out, "\n") {
			b.WriteString("\n")
		}
		hosts := key.hosts
		if hashed && !strings.HasPrefix(hosts, "|1|") {
			salt := make([]byte, sha1.Size)
			rand.Read(salt) // never fails
			hosts = "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + hashHost(name, salt)
		}
		words := []string{hosts, key.kind, key.key}
		if key.marker != "" {
			words = append([]string{key.marker}, words...)
		}
		if key.rest != "" {
			words = append(words, key.rest)
		}
		b.WriteString(strings.Join(words, " ") + "\n")
	}
	return b.String()
}
