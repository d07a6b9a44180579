package lookup

// This file holds the lookup password
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/password_lookup.html).

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"gorun/modules"
	"gorun/modules/crypt"
	"gorun/templates"
	"gorun/templates/ansible"
)

// characterSets are the names that chars may use: those of Python's string.
var characterSets = map[string]string{
	"ascii_letters":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
	"ascii_uppercase": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"digits":          "0123456789",
	"hexdigits":       "0123456789abcdefABCDEF",
	"octdigits":       "01234567",
	"punctuation":     "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	"whitespace":      " \t\n\r\v\f",
	"printable":       "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\v\f",
}

// saltChars are the characters of a salt.
const saltChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./"

// maxPassword bounds the length of a password.
const maxPassword = 1 << 20

// A passwordQuery is the options of a password lookup for one term.
type passwordQuery struct {
	path, encrypt, ident string
	length               int
	chars                []string
	seed                 templates.Value // nil: nobody can foresee the password
}

func lookupPassword(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		term, err := textTerm(t, "split")
		if err != nil {
			return nil, err
		}
		q, err := c.passwordQuery(term)
		if err != nil {
			return nil, err
		}
		v, err := c.password(q)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// passwordOptions are the names that a term may set.
var passwordOptions = []string{"length", "encrypt", "chars", "ident", "seed"}

// passwordQuery reads "path name=value ...".
func (c *call) passwordQuery(term string) (q passwordQuery, err error) {
	q = passwordQuery{encrypt: c.str("encrypt", ""), ident: c.str("ident", "")}
	if q.length, err = c.number("length", 20); err != nil {
		return q, err
	}
	if v, ok := c.given("seed"); ok {
		q.seed = str(text(v))
	}
	q.chars, _ = c.words("chars")
	path, options, _ := strings.Cut(term, " ")
	more, pairs := splitTerm(options)
	if more != "" {
		path += " " + more
	}
	if !strings.HasPrefix(term, path) {
		return q, raise(ansibleError, "Unrecognized value after key=value parameters given to password lookup")
	}
	q.path = path
	var unknown []string
	for _, p := range pairs {
		if !slices.Contains(passwordOptions, p.name) {
			unknown = append(unknown, p.name)
		}
	}
	if unknown != nil {
		sort.Strings(unknown)
		return q, raise(ansibleError, "Unrecognized parameter(s) given to password lookup: %s", strings.Join(unknown, ", "))
	}
	for _, p := range pairs {
		if err := c.setPassword(&q, p); err != nil {
			return q, err
		}
	}
	q.length = min(max(q.length, 0), maxPassword)
	return q, nil
}

func (c *call) setPassword(q *passwordQuery, p pair) error {
	switch p.name {
	case "length":
		n, err := strconv.Atoi(strings.TrimSpace(p.value))
		if err != nil {
			return c.inEra(raise(valueError, "invalid literal for int() with base 10: '%s'", p.value), c.badValue("length", "integer", str(p.value), ""))
		}
		q.length = n
	case "encrypt":
		q.encrypt = p.value
	case "ident":
		q.ident = p.value
	case "seed":
		q.seed = str(p.value)
	case "chars":
		q.chars = nil
		if strings.Contains(p.value, ",,") { // two commas are one
			q.chars = []string{","}
		}
		for part := range strings.SplitSeq(strings.ReplaceAll(p.value, ",,", ","), ",") {
			if part != "" {
				q.chars = append(q.chars, part)
			}
		}
	}
	return nil
}

// candidates are the characters that the password is made of; quotes are none.
func (q passwordQuery) candidates() []rune {
	specs := q.chars
	if len(specs) == 0 {
		specs = []string{"ascii_letters", "digits", ".,:-_"}
	}
	var b strings.Builder
	for _, s := range specs {
		if set, ok := characterSets[s]; ok {
			s = set
		}
		b.WriteString(strings.NewReplacer(`"`, "", "'", "").Replace(s))
	}
	return []rune(b.String())
}

// random is a text of n of some characters.
func random(seed templates.Value, chars []rune, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	if len(chars) == 0 {
		return "", raise("IndexError", "Cannot choose from an empty sequence")
	}
	c, err := ansible.NewChooser(seed)
	if err != nil {
		return "", err
	}
	return c.Choices(chars, n), nil
}

// saltSizes are the lengths of new salts; eight is that of all others.
var saltSizes = map[string]int{"sha256_crypt": 16, "sha512_crypt": 16, "bcrypt": 22, "md5_crypt": 8}

func (c *call) password(q passwordQuery) (templates.Value, error) {
	path := modules.ExpandPath(q.path, nil)
	if !filepath.IsAbs(path) {
		if v, ok, err := c.variable("playbook_dir"); ok && err == nil {
			path = filepath.Join(text(v), path)
		}
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, raise("IsADirectoryError", "[Errno 21] Is a directory: b'%s'", path)
	}
	if path != os.DevNull {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, raise("OSError", "cannot create the path for the password lookup: %s (error was %s)", filepath.Dir(path), err)
		}
		unlock, err := lockPassword(c.ctx, path)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	s, err := c.storedPassword(path)
	if err != nil {
		return nil, err
	}
	changed := !s.there
	if !s.there {
		if s.plain, err = random(q.seed, q.candidates(), q.length); err != nil {
			return nil, err
		}
	}
	if q.encrypt != "" && s.salt == "" {
		changed = true
		size, ok := saltSizes[q.encrypt]
		if !ok {
			size = 8
		}
		if s.salt, err = random(nil, []rune(saltChars), size); err != nil {
			return nil, err
		}
	}
	if q.ident == "" {
		q.ident = s.ident
	}
	if q.encrypt == "bcrypt" && q.ident == "" && c.current() {
		q.ident = "2b"
	}
	if q.encrypt != "" && q.ident != "" && q.ident != s.ident {
		changed = true
		s.ident = q.ident
	}
	if changed && path != os.DevNull {
		if err := s.save(path); err != nil {
			return nil, err
		}
	}
	c.t.o.Redact.Add(s.plain)
	if q.encrypt == "" {
		return str(s.plain), nil
	}
	hash, err := crypt.Hash(s.plain, q.encrypt, crypt.Options{Salt: s.salt, Ident: q.ident, Gensalt: c.current()})
	if err != nil {
		return nil, err
	}
	return str(hash), nil
}

// A stored is a password's file: "plain salt=x ident=y".
type stored struct {
	there              bool
	plain, salt, ident string
}

func (c *call) storedPassword(path string) (s stored, err error) {
	if path == os.DevNull {
		return s, nil
	}
	data, err := c.t.o.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s = stored{there: true, plain: strings.TrimRight(string(data), " \t\r\n\v\f")}
	if i := strings.LastIndex(s.plain, " ident="); i >= 0 {
		s.plain, s.ident = s.plain[:i], s.plain[i+len(" ident="):]
	}
	if i := strings.LastIndex(s.plain, " salt="); i >= 0 {
		s.plain, s.salt = s.plain[:i], s.plain[i+len(" salt="):]
	}
	return s, nil
}

func (s stored) save(path string) error {
	line := s.plain
	if s.salt != "" {
		line += " salt=" + s.salt
	}
	if s.ident != "" {
		line += " ident=" + s.ident
	}
	// A file that is there keeps its mode under os.WriteFile.
	if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(line+"\n"), 0o600)
}

// passwordLocks are the files that this process makes passwords in: the hosts
// of a play ask for the same one at once.
var passwordLocks sync.Map // of a path to its *sync.Mutex

const (
	lockWait = 100 * time.Millisecond
	maxWait  = 7 * time.Second
)

// lockPassword keeps others from the password of path: in this process, and by
// Ansible's own lock file in every other.
func lockPassword(ctx context.Context, path string) (unlock func(), err error) {
	m, _ := passwordLocks.LoadOrStore(path, &sync.Mutex{})
	mu := m.(*sync.Mutex)
	mu.Lock()
	sum := sha1.Sum([]byte(path))
	name := filepath.Join(filepath.Dir(path), hex.EncodeToString(sum[:])+".ansible_lockfile")
	for waited := time.Duration(0); ; waited += lockWait {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.Close()
			return func() {
				os.Remove(name)
				mu.Unlock()
			}, nil
		}
		if !errors.Is(err, os.ErrExist) {
			mu.Unlock()
			return nil, err
		}
		if waited >= maxWait {
			mu.Unlock()
			return nil, fmt.Errorf("Password lookup cannot get the lock in 7 seconds, abort...This may caused by un-removed lockfile\nyou can manually remove it from controller machine at %s and try again", name)
		}
		select {
		case <-ctx.Done():
			mu.Unlock()
			return nil, ctx.Err()
		case <-time.After(lockWait):
		}
	}
}
