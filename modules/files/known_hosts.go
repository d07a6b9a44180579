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
	"regexp"
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
	if err := checkKey(a.Key, name); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, modules.Failf("Failed to read %s: %s", path, oserr.Str(err, path))
	}
	key := a.Key
	if key != "" && a.HashHost {
		key = hashKey(key, name)
	}
	after := editKnownHosts(string(data), name, key, a.State == "present")
	res := &modules.Result{Changed: after != string(data), Data: map[string]any{"name": a.Name, "key": orNull(a.Key), "path": a.Path,
		"hash_host": a.HashHost, "state": a.State}}
	// Ansible gives the difference whether it was asked for or not.
	d := modules.Diff{Before: string(data), After: after, BeforeHeader: path, AfterHeader: path}
	if data == nil {
		d.BeforeHeader = os.DevNull // there is no file yet
	}
	res.Diff = []modules.Diff{d}
	if !res.Changed || m.Check {
		return res, nil
	}
	if dir := filepath.Dir(path); !isDir(dir) {
		return nil, modules.Failf("Failed to write to file %s: [Errno 2] No such file or directory: '%s'", path, dir)
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
type hostLine struct{ marker, hosts, kind, key string }

func parseHostLine(line string) (h hostLine, ok bool) {
	f := strings.Fields(line)
	if len(f) > 0 && strings.HasPrefix(f[0], "@") {
		h.marker, f = f[0], f[1:]
	}
	if len(f) < 3 || strings.HasPrefix(f[0], "#") {
		return h, false
	}
	h.hosts, h.kind, h.key = f[0], f[1], f[2]
	return h, true
}

// nameList finds a host's name that is a list of names.
var nameList = regexp.MustCompile(`\S\s*,`)

// checkKey checks that a line of the key is one of the host.
func checkKey(text, name string) error {
	if text == "" {
		return nil
	}
	if nameList.MatchString(name) {
		return modules.Failf("Comma separated list of names is not supported. " +
			"Please pass a single name to lookup in the known_hosts file.")
	}
	for line := range strings.Lines(text) {
		if h, ok := parseHostLine(line); ok && hostMatches(h.hosts, name) {
			return nil
		}
	}
	return modules.Failf("Host parameter does not match hashed host field in supplied key")
}

// hostMatches compares a name in small letters with the first field: hashed, or
// a list of patterns of which one with a "!" forbids (sshd(8), SSH_KNOWN_HOSTS
// FILE FORMAT).
func hostMatches(hosts, name string) bool {
	if rest, ok := strings.CutPrefix(hosts, "|1|"); ok {
		salt64, sum, _ := strings.Cut(rest, "|")
		salt, err := base64.StdEncoding.DecodeString(salt64)
		return err == nil && hashHost(name, salt) == sum
	}
	found := false
	for pattern := range strings.SplitSeq(strings.ToLower(hosts), ",") {
		pattern, forbidden := strings.CutPrefix(pattern, "!")
		if !patternMatches(pattern, name) {
			continue
		}
		if forbidden {
			return false
		}
		found = true
	}
	return found
}

// patternMatches matches a pattern of ssh: * and ? are all that is special.
func patternMatches(pattern, name string) bool {
	for pattern != "" {
		if pattern[0] == '*' {
			for i := 0; i <= len(name); i++ {
				if patternMatches(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if name == "" || pattern[0] != '?' && pattern[0] != name[0] {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return name == ""
}

func hashHost(name string, salt []byte) string {
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name)) // never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// hashKey hides the host's name in a line of known_hosts.
func hashKey(key, name string) string {
	words := strings.Fields(key)
	host := 0
	if strings.HasPrefix(words[0], "@") {
		host = 1
	}
	salt := make([]byte, sha1.Size)
	rand.Read(salt) // never fails
	words[host] = "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + hashHost(name, salt)
	return strings.Join(words, " ")
}

// editKnownHosts makes the new text as Ansible does: of the host's lines the
// first that is the key, or else has its type, counts, and is replaced or taken
// out; without a key all of the host go.
func editKnownHosts(text, name, key string, present bool) string {
	want, _ := parseHostLine(key)
	lines := splitKeep(text)
	at, same := -1, false
	kept := lines[:0:0]
	for i, line := range lines {
		h, ok := parseHostLine(line)
		if !ok || !hostMatches(h.hosts, name) {
			kept = append(kept, line)
			continue
		}
		if at >= 0 {
			continue
		}
		if strings.HasPrefix(want.hosts, "|1|") && strings.HasPrefix(h.hosts, "|1|") {
			h.hosts = want.hosts // its salt may be another
		}
		if h == want || h.kind == want.kind && h.marker == "" {
			at, same = i, h == want
		}
	}
	if !present && key == "" {
		return strings.Join(kept, "")
	}
	if present && same || !present && at < 0 {
		return text
	}
	if at >= 0 {
		lines = append(lines[:at:at], lines[at+1:]...)
	}
	if !present {
		return strings.Join(lines, "")
	}
	if last := len(lines) - 1; last >= 0 && !strings.HasSuffix(lines[last], "\n") {
		lines[last] += "\n"
	}
	return strings.Join(lines, "") + strings.TrimSuffix(key, "\n") + "\n"
}
