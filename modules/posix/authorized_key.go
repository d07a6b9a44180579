package posix

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/modules/net"
	"gorun/modules/oserr"
)

type authorizedKeyArgs struct {
	Comment       *string `arg:"comment"`
	Exclusive     bool    `arg:"exclusive"`
	Follow        bool    `arg:"follow"`
	Key           string  `arg:"key"`
	KeyOptions    *string `arg:"key_options"`
	ManageDir     bool    `arg:"manage_dir"`
	Path          string  `arg:"path"`
	State         string  `arg:"state"`
	User          string  `arg:"user"`
	ValidateCerts bool    `arg:"validate_certs"`
}

// AuthorizedKey is ansible.posix.authorized_key.
var AuthorizedKey = modules.Define(modules.Spec{
	Name: "ansible.posix.authorized_key",
	Doc:  "Keep SSH public keys in a user's authorized_keys.",
	Options: []modules.Option{
		{Name: "comment", Doc: "The comment of the key in place of its own."},
		{Name: "exclusive", Type: modules.Bool, Default: false, Doc: "The keys given are to be the only ones."},
		{Name: "follow", Type: modules.Bool, Default: false, Doc: "Write what a link points to."},
		{Name: "key", Required: true, Doc: "The key, or several, a line each, or a URL of such lines."},
		{Name: "key_options", Doc: "The options before the key, such as no-pty."},
		{Name: "manage_dir", Type: modules.Bool, Default: true, Doc: "Make the folder, and set its owner and mode."},
		{Name: "path", Type: modules.Path, Doc: "The file; .ssh/authorized_keys in the user's home unless given."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the key is to be there."},
		{Name: "user", Required: true, Doc: "The user whose file it is."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Check the server's certificate where key is a URL."},
	},
	Check: modules.Full,
	Diff:  modules.Full,
}, func(ctx context.Context, m *modules.Run, a *authorizedKeyArgs) (*modules.Result, error) {
	k := &keyFile{ctx: ctx, m: m, a: a}
	return k.run()
})

// A sshKey is one line of authorized_keys; a line that is no key has kind "".
type sshKey struct {
	options, kind, blob, comment string
	line                         string
}

var sshKeyTypes = []string{"ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-ed448",
	"ssh-rsa-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com"}

// parseKey reads options, type, key and comment.
func parseKey(line string) (k sshKey, ok bool) {
	k.line = line
	t := strings.TrimSpace(line)
	if t == "" || t[0] == '#' {
		return k, false
	}
	first, rest := cutWord(t)
	if !slices.Contains(sshKeyTypes, first) {
		k.options = first
		first, rest = cutWord(rest)
		if !slices.Contains(sshKeyTypes, first) {
			return sshKey{line: line}, false
		}
	}
	k.kind = first
	k.blob, k.comment = cutWord(rest)
	return k, k.blob != ""
}

// cutWord takes the first word, in which quoted blanks do not count.
func cutWord(s string) (word, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case (s[i] == ' ' || s[i] == '\t') && !quoted:
			return s[:i], strings.TrimSpace(s[i:])
		}
	}
	return s, ""
}

func (k sshKey) text() string {
	words := []string{}
	for _, w := range []string{k.options, k.kind, k.blob, k.comment} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

type keyFile struct {
	ctx      context.Context
	m        *modules.Run
	a        *authorizedKeyArgs
	path     string
	uid, gid int
	before   string
}

func (k *keyFile) run() (*modules.Result, error) {
	wanted, err := k.wanted()
	if err != nil {
		return nil, err
	}
	if err := k.locate(); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(k.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, modules.Failf("could not read %s: %s", k.path, oserr.Text(err))
	}
	k.before = string(data)
	after := k.edit(wanted)
	a := k.a
	res := &modules.Result{Changed: after != k.before, Data: map[string]any{"user": a.User, "key": a.Key, "keyfile": k.path,
		"exclusive": a.Exclusive, "manage_dir": a.ManageDir, "state": a.State, "follow": a.Follow,
		"validate_certs": a.ValidateCerts, "path": orNil(a.Path), "key_options": ptrOrNil(a.KeyOptions), "comment": ptrOrNil(a.Comment)}}
	if res.Changed && k.m.Diff {
		res.Diff = []modules.Diff{{Before: k.before, After: after, BeforeHeader: k.path, AfterHeader: k.target()}}
	}
	if res.Changed && !k.m.Check {
		if err := k.write(after); err != nil {
			return nil, err
		}
	}
	return res, nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func ptrOrNil(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// wanted parses the keys of the task, fetching them where key is a URL.
func (k *keyFile) wanted() ([]sshKey, error) {
	text := k.a.Key
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "file:") {
		file, err := net.Download(k.ctx, k.m, text, k.a.ValidateCerts)
		if err != nil {
			return nil, modules.Failf("Error getting key from: %s: %w", text, err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, modules.Failf("Error getting key from: %s: %w", text, err)
		}
		text = string(data)
	}
	var keys []sshKey
	for line := range strings.Lines(text) {
		t := strings.TrimSpace(line)
		if t == "" || t[0] == '#' {
			continue
		}
		key, ok := parseKey(t)
		if !ok {
			return nil, modules.Failf("invalid key specified: %s", t)
		}
		if k.a.KeyOptions != nil {
			key.options = *k.a.KeyOptions
		}
		if k.a.Comment != nil {
			key.comment = *k.a.Comment
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// locate finds the user's file.
func (k *keyFile) locate() error {
	u, err := user.Lookup(k.a.User)
	if err != nil {
		if k.a.Path == "" && k.m.Check {
			return modules.Failf("Either user must exist or you must provide full path to key file in check mode")
		}
		if k.a.Path == "" || !k.m.Check {
			return modules.Failf("Failed to lookup user %s: \"getpwnam(): name not found: '%s'\"", k.a.User, k.a.User)
		}
		u = &user.User{Uid: "0", Gid: "0"}
	}
	if k.uid, err = strconv.Atoi(u.Uid); err == nil {
		k.gid, err = strconv.Atoi(u.Gid)
	}
	if err != nil {
		return modules.Failf("the ids of user %s are no numbers: %w", k.a.User, err)
	}
	k.path = k.a.Path
	if k.path == "" {
		k.path = filepath.Join(u.HomeDir, ".ssh", "authorized_keys")
	}
	return nil
}

// edit makes the new text. Lines that are no keys stay.
func (k *keyFile) edit(wanted []sshKey) string {
	var out []string
	have := make(map[string]bool)
	for line := range strings.Lines(k.before) {
		line = strings.TrimRight(line, "\n")
		key, ok := parseKey(line)
		if !ok {
			if !k.a.Exclusive {
				out = append(out, line)
			}
			continue
		}
		i := slices.IndexFunc(wanted, func(w sshKey) bool { return w.blob == key.blob })
		switch {
		case k.a.State == "absent":
			if i < 0 {
				out = append(out, line)
			}
		case i >= 0:
			if have[key.blob] {
				continue
			}
			have[key.blob] = true
			if wanted[i].text() == key.text() {
				out = append(out, line)
			} else {
				out = append(out, wanted[i].text())
			}
		case !k.a.Exclusive:
			out = append(out, line)
		}
	}
	if k.a.State == "present" {
		for _, w := range wanted {
			if !have[w.blob] {
				have[w.blob] = true
				out = append(out, w.text())
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	text := strings.Join(out, "\n")
	if text == strings.TrimSuffix(k.before, "\n") {
		return k.before
	}
	return text + "\n"
}

// target is the file that is written.
func (k *keyFile) target() string {
	if !k.a.Follow {
		return k.path
	}
	if real, err := filepath.EvalSymlinks(k.path); err == nil {
		return real
	}
	return k.path
}

// write makes the folder and the file with the owner and modes that sshd wants.
func (k *keyFile) write(text string) error {
	dir := filepath.Dir(k.path)
	own := func(path string, mode os.FileMode) error {
		if os.Geteuid() == 0 {
			if err := os.Chown(path, k.uid, k.gid); err != nil {
				return modules.Failf("could not set the owner of %s: %s", path, oserr.Text(err))
			}
		}
		if err := os.Chmod(path, mode); err != nil {
			return modules.Failf("could not set the mode of %s: %s", path, oserr.Text(err))
		}
		return nil
	}
	if k.a.ManageDir {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return modules.Failf("Failed to create directory %s : %s", dir, oserr.Text(err))
		}
		if err := own(dir, 0o700); err != nil {
			return err
		}
	} else if err := os.MkdirAll(dir, 0o777); err != nil {
		return modules.Failf("Failed to create directory %s : %s", dir, oserr.Text(err))
	}
	// What a link leads to is given to the user as well, as Ansible does.
	if _, err := os.Stat(k.path); err == nil {
		if err := own(k.path, 0o600); err != nil {
			return err
		}
	}
	if err := k.m.ReplaceFile(k.ctx, k.target(), []byte(text), "", false); err != nil {
		return err
	}
	return own(k.path, 0o600)
}
