package lookup

// This file holds the lookup passwordstore, which asks pass or gopass
// (https://docs.ansible.com/ansible/latest/collections/community/general/passwordstore_lookup.html).

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gorun/modules"
	"gorun/templates"
	"gorun/vars/pyyaml"
)

// A passQuery is the options of a term.
type passQuery struct {
	tool, directory, umask, subkey, userpass        string
	create, overwrite, backup, returnall, nosymbols bool
	keepNewline, timestamp, preserve                bool
	length                                          int
	missing, missingSubkey, lock                    string
	lockTimeout                                     time.Duration
	name                                            string
	env                                             []string
}

// A passEntry is what the store has under a name.
type passEntry struct {
	raw    string
	lines  []string
	fields templates.Mapping
}

func lookupPasswordStore(c *call) ([]templates.Value, error) {
	base, err := c.passQuery()
	if err != nil {
		return nil, err
	}
	var out []templates.Value
	for _, t := range c.terms {
		q := base
		if err := c.passTerm(&q, text(t)); err != nil {
			return nil, err
		}
		base = q // as there, what a term sets holds for the next
		v, err := c.passValue(&q)
		if err != nil {
			return nil, err
		}
		if s, ok := v.(templates.Str); ok {
			c.t.o.Redact.Add(string(s))
		}
		out = append(out, v)
	}
	return out, nil
}

var lockTimes = regexp.MustCompile(`^[0-9]+[smh]$`)

// passQuery reads the options that are not in a term.
func (c *call) passQuery() (q passQuery, err error) {
	const section = "passwordstore_lookup."
	var errs [15]error
	tool, err1 := c.option("backend", sources{vars: []string{"passwordstore_backend"}, ini: section + "backend"})
	lock, err2 := c.option("lock", sources{ini: section + "lock"})
	timeout, err3 := c.option("locktimeout", sources{ini: section + "locktimeout"})
	missingSubkey, err4 := c.option("missing_subkey", sources{ini: section + "missing_subkey"})
	from := sources{vars: []string{"passwordstore"}, env: []string{"PASSWORD_STORE_DIR"}, ini: section + "directory"}
	q.directory, errs[0] = c.option("directory", from)
	q.umask, errs[1] = c.option("umask", sources{env: []string{"PASSWORD_STORE_UMASK"}})
	q.tool, errs[2] = c.oneOf("backend", tool, "pass", "pass", "gopass")
	q.lock, errs[3] = c.oneOf("lock", lock, "write", "readwrite", "write", "none")
	q.missingSubkey, errs[4] = c.oneOf("missing_subkey", missingSubkey, "empty", "error", "warn", "empty")
	q.missing, errs[5] = c.choice("missing", "error", "error", "warn", "empty", "create")
	q.create, errs[6] = c.flag("create", false)
	q.overwrite, errs[7] = c.flag("overwrite", false)
	q.backup, errs[8] = c.flag("backup", false)
	q.returnall, errs[9] = c.flag("returnall", false)
	q.nosymbols, errs[10] = c.flag("nosymbols", false)
	q.timestamp, errs[11] = c.flag("timestamp", true)
	q.preserve, errs[12] = c.flag("preserve", true)
	q.length, errs[13] = c.number("length", 16)
	q.keepNewline, errs[14] = c.flag("keep_trailing_newline", false)
	if err := errors.Join(append(errs[:], err1, err2, err3, err4)...); err != nil {
		return q, err
	}
	q.subkey, q.userpass = c.str("subkey", "password"), c.str("userpass", "")
	if timeout == "" {
		timeout = "15m"
	}
	if !lockTimes.MatchString(timeout) {
		return q, fmt.Errorf("%s is not a correct value for locktimeout", timeout)
	}
	q.lockTimeout, err = time.ParseDuration(timeout)
	if q.directory == "" {
		q.directory = passDirectory(q.tool)
	}
	q.directory = modules.ExpandPath(q.directory, nil)
	return q, err
}

// oneOf is a word that an option has from anywhere.
func (c *call) oneOf(option, given, def string, words ...string) (string, error) {
	if given == "" || slices.Contains(words, given) {
		if given == "" {
			given = def
		}
		return given, nil
	}
	return c.choice(option, given, words...)
}

// passDirectory is where a tool keeps its store.
func passDirectory(tool string) string {
	if tool == "pass" {
		return "~/.password-store"
	}
	b, err := os.ReadFile(modules.ExpandPath("~/.config/gopass/config.yml", nil))
	if err == nil {
		if v, err := pyyaml.Parse(b, "", pyyaml.Options{}); err == nil {
			if m, ok := v.(templates.Mapping); ok {
				if path, found, err := m.Get(templates.Str("path")); found && err == nil {
					return text(path)
				}
			}
		}
	}
	return "~/.local/share/gopass/stores/root"
}

// passTerm reads a term: a name, and options behind it.
func (c *call) passTerm(q *passQuery, term string) error {
	words := strings.Fields(term)
	if len(words) == 0 {
		return nil
	}
	q.name = words[0]
	for _, w := range words[1:] {
		name, v, ok := strings.Cut(w, "=")
		if !ok {
			return errors.New("not enough values to unpack (expected 2, got 1)")
		}
		if err := c.passOption(q, name, v); err != nil {
			return err
		}
	}
	if q.create {
		q.missing = "create"
	}
	q.env = []string{"LANGUAGE=C"} // what it says is looked at
	stat, err := os.Stat(q.directory)
	switch {
	case q.tool == "gopass":
		q.env = append(q.env, "GOPASS_NO_REMINDER=YES")
	case err == nil && stat.IsDir():
		q.env = append(q.env, "PASSWORD_STORE_DIR="+q.directory)
	default:
		real, err := c.isPass(q)
		if err != nil {
			return err
		}
		if real {
			return fmt.Errorf("Passwordstore directory '%s' does not exist", q.directory)
		}
	}
	if q.umask == "" {
		return nil
	}
	if len(q.umask) != 3 {
		return errors.New("Passwordstore umask must have a length of 3.")
	}
	if q.umask[0] > '3' {
		return errors.New("Passwordstore umask not allowed (password not user readable).")
	}
	q.env = append(q.env, "PASSWORD_STORE_UMASK="+q.umask)
	return nil
}

// passOption sets an option of a term.
func (c *call) passOption(q *passQuery, name, v string) (err error) {
	switch name {
	case "create", "overwrite", "backup", "returnall", "nosymbols", "keep_trailing_newline":
		at := map[string]*bool{"create": &q.create, "overwrite": &q.overwrite, "backup": &q.backup, "returnall": &q.returnall,
			"nosymbols": &q.nosymbols, "keep_trailing_newline": &q.keepNewline}[name]
		*at, err = modules.ToBool(v)
	case "timestamp":
		q.timestamp = v != ""
	case "preserve":
		q.preserve = v != ""
	case "length":
		n, bad := strconv.ParseUint(v, 10, 31)
		if bad != nil {
			return fmt.Errorf("%s is not a correct value for length", v)
		}
		q.length = int(n)
	case "missing":
		if !slices.Contains([]string{"error", "warn", "create", "empty"}, v) {
			return fmt.Errorf("%s is not a valid option for missing", v)
		}
		q.missing = v
	case "directory":
		q.directory = v
	case "umask":
		q.umask = v
	case "subkey":
		q.subkey = v
	case "userpass":
		q.userpass = v
	case "missing_subkey":
		q.missingSubkey = v
	default:
		return fmt.Errorf("%s not in paramvals", name)
	}
	return err
}

// isPass reports whether the tool is the original.
func (c *call) isPass(q *passQuery) (bool, error) {
	out, err := c.program("", q.env, q.tool, "--version")
	return strings.Contains(out, "pass: the standard unix password manager"), err
}

// passValue gives what a term asks for, and makes it where it may.
func (c *call) passValue(q *passQuery) (templates.Value, error) {
	if q.lock == "readwrite" {
		unlock, err := c.passLock(q)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	e, err := c.passEntry(q)
	if err != nil {
		return nil, err
	}
	locked := func(change func() (string, error)) (templates.Value, error) {
		if q.lock == "write" {
			unlock, err := c.passLock(q)
			if err != nil {
				return nil, err
			}
			defer unlock()
			if e == nil { // another may have made it meanwhile
				if e, err = c.passEntry(q); err != nil || e != nil {
					return c.passResult(q, e, err)
				}
			}
		}
		s, err := change()
		return str(s), err
	}
	whole := q.subkey == "password"
	switch {
	case e == nil && q.missing == "create":
		return locked(func() (string, error) { return c.passGenerate(q) })
	case e == nil:
		return templates.None, nil
	case q.overwrite && (whole || c.current()), c.current() && !whole && q.missing == "create" && !e.field(q.subkey).Truth():
		return locked(func() (string, error) { return c.passUpdate(q, e) })
	}
	return c.passResult(q, e, nil)
}

// passLock waits for the lock that all who use the store share.
func (c *call) passLock(q *passQuery) (unlock func(), err error) {
	dir := os.Getenv("TMPDIR")
	if dir == "" {
		dir = "/tmp"
	}
	user, ok := os.LookupEnv("USER")
	if !ok {
		user = "None"
	}
	f, err := os.OpenFile(filepath.Join(dir, "."+user+".passwordstore.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	const pause = 100 * time.Millisecond
	for end := time.Now().Add(q.lockTimeout); ; {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return func() { _ = f.Close() }, nil // which gives the lock back
		}
		if c.ctx.Err() != nil || time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("%g sec", q.lockTimeout.Seconds()), f.Close())
		}
		time.Sleep(pause)
	}
}

// passEntry reads an entry, nil where there is none and that is no error.
func (c *call) passEntry(q *passQuery) (*passEntry, error) {
	out, err := c.program("", q.env, q.tool, "show", q.name)
	var failed *commandError
	switch {
	case errors.As(err, &failed):
		if !strings.Contains(failed.output, "not in the password store") {
			return nil, c.inEra(err, failed.now())
		}
	case err != nil:
		return nil, err
	default:
		if out == "" {
			return nil, raise("IndexError", "list index out of range")
		}
		text := strings.TrimSuffix(strings.ReplaceAll(out, "\r\n", "\n"), "\n")
		e := &passEntry{raw: out, lines: strings.Split(text, "\n")}
		e.fields = passFields(e.lines[1:])
		if q.tool == "gopass" {
			return e, nil
		}
		// pass shows a folder as well
		if stat, err := os.Stat(filepath.Join(q.directory, q.name+".gpg")); err == nil && stat.Mode().IsRegular() {
			return e, nil
		}
		if real, err := c.isPass(q); err != nil || !real {
			return e, err
		}
	}
	switch q.missing {
	case "error":
		return nil, fmt.Errorf("passwordstore: passname %s not found and missing=error is set", q.name)
	case "warn":
		c.t.o.Warn("passwordstore: passname " + q.name + " not found")
	}
	return nil, nil
}

// passFields are the fields behind the password: YAML, or lines with a colon.
func passFields(lines []string) templates.Mapping {
	if v, err := pyyaml.Parse([]byte(strings.Join(lines, "\n")), "", pyyaml.Options{}); err == nil {
		if m, ok := v.(templates.Mapping); ok {
			return m
		}
	}
	d := templates.NewDict(len(lines))
	for _, l := range lines {
		if name, v, ok := strings.Cut(l, ":"); ok {
			d.SetStr(strings.TrimSpace(name), str(strings.TrimSpace(v)))
		}
	}
	return d
}

// field is a field's value, None where there is none.
func (e *passEntry) field(name string) templates.Value {
	if v, ok, err := e.fields.Get(templates.Str(name)); ok && err == nil {
		return v
	}
	return templates.None
}

func (c *call) passResult(q *passQuery, e *passEntry, err error) (templates.Value, error) {
	if err != nil {
		return nil, err
	}
	if q.returnall {
		all := strings.Join(e.lines, "\n")
		if q.keepNewline && strings.HasSuffix(e.raw, "\n") {
			all += "\n"
		}
		return str(all), nil
	}
	if q.subkey == "password" {
		return str(e.lines[0]), nil
	}
	if v, ok, err := e.fields.Get(templates.Str(q.subkey)); ok || err != nil {
		return v, err
	}
	switch q.missingSubkey {
	case "error":
		return nil, fmt.Errorf("passwordstore: subkey %s for passname %s not found and missing_subkey=error is set", q.subkey, q.name)
	case "warn":
		c.t.o.Warn("passwordstore: subkey " + q.subkey + " for passname " + q.name + " not found")
	}
	return templates.None, nil
}

// passNew is the given password or a new one.
func (q *passQuery) passNew() (string, error) {
	if q.userpass != "" {
		return q.userpass, nil
	}
	chars := characterSets["ascii_letters"] + characterSets["digits"]
	if !q.nosymbols {
		chars += ".,:-_"
	}
	return random(nil, []rune(chars), q.length)
}

// passTime is how the store's notes write the time.
func passTime() string { return time.Now().Format("02/01/2006 15:04:05") }

// passUpdate writes a new password, or field, into an entry.
func (c *call) passUpdate(q *passQuery, e *passEntry) (string, error) {
	fresh, err := q.passNew()
	if err != nil {
		return "", err
	}
	msg := fresh + "\n"
	switch {
	case q.subkey != "password":
		msg = e.withField(q, fresh)
	case !c.current():
		if len(e.lines) > 1 {
			msg += strings.Join(e.lines[1:], "\n") + "\n"
		}
		if q.backup {
			msg += fmt.Sprintf("lookup_pass: old password was %s (Updated on %s)\n", e.lines[0], passTime())
		}
	case q.preserve || q.timestamp:
		if q.preserve && len(e.lines) > 1 {
			msg += strings.Join(e.lines[1:], "\n") + "\n"
		}
		if q.timestamp && q.backup {
			msg += fmt.Sprintf("lookup_pass: old password was %s (Updated on %s)\n", e.lines[0], passTime())
		}
	default:
		msg = fresh
	}
	return fresh, c.passInsert(q, msg)
}

// passInsert writes an entry.
func (c *call) passInsert(q *passQuery, msg string) error {
	_, err := c.program(msg, q.env, q.tool, "insert", "-f", "-m", q.name)
	var failed *commandError
	if errors.As(err, &failed) {
		return c.inEra(err, failed.now())
	}
	return err
}

// withField is the entry with a new value of a field.
func (e *passEntry) withField(q *passQuery, fresh string) string {
	line, found := q.subkey+": "+fresh, false
	lines := slices.Clone(e.lines)
	for i, l := range lines {
		if strings.HasPrefix(l, q.subkey+": ") {
			lines[i], found = line, true
		}
	}
	if !found {
		lines = slices.Insert(lines, min(2, len(lines)), line)
	}
	if old := e.field(q.subkey); q.timestamp && q.backup && found && old.Truth() && text(old) != fresh {
		lines = append(lines, fmt.Sprintf("lookup_pass: old subkey '%s' password was %s (Updated on %s)\n", q.subkey, text(old), passTime()))
	}
	return strings.Join(lines, "\n")
}

// passGenerate makes an entry.
func (c *call) passGenerate(q *passQuery) (string, error) {
	fresh, err := q.passNew()
	if err != nil {
		return "", err
	}
	msg := fresh
	if c.current() && q.subkey != "password" {
		msg = "\n\n" + q.subkey + ": " + fresh
	}
	if q.timestamp || !c.current() {
		msg += "\nlookup_pass: First generated by ansible on " + passTime() + "\n"
	}
	return fresh, c.passInsert(q, msg)
}
