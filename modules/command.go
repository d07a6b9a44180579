package modules

// This file runs programs on the target.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// drainTime is for how long output is read on after a program has ended: what
// it left in the background may hold its pipes open for ever.
const drainTime = 250 * time.Millisecond

// CommandOptions says how Command runs a program. The zero value runs it in
// the agent's folder with its environment, LANG and LC_* set to C.UTF-8 (or C),
// and the task's environment on top.
type CommandOptions struct {
	Stdin io.Reader
	Dir   string
	Env   map[string]string // on top of Run.Env
	// Umask, where not nil, is set for the program.
	Umask *os.FileMode
	// KeepLocale leaves LANG and LC_* as they are.
	KeepLocale bool
	// Stream passes lines of stdout on as they come (Run.Stream).
	Stream bool
	// User runs the program as that user (needs root).
	User string
	// Timeout ends the program; 0 is none.
	Timeout time.Duration
	// LogArgs replaces argv in error messages (secrets).
	LogArgs []string
}

// CommandResult is what a program left.
type CommandResult struct {
	RC             int
	Stdout, Stderr string
}

// Command runs argv (a path, or a name that is looked up in PATH and sbin
// folders) and waits for it; the program and what it started in its process
// group die with ctx. An exit code other than 0 is no error (a signal N gives
// -N); an error means that it could not be started, as a *Failure with
// Ansible's keys (rc, cmd, msg "[Errno 2] No such file or directory: b'x'"),
// or that its time was over.
func (m *Run) Command(ctx context.Context, o CommandOptions, argv ...string) (CommandResult, error) {
	if len(argv) == 0 || argv[0] == "" {
		return CommandResult{}, FailWith(map[string]any{"rc": 256}, "no command given")
	}
	ctx, cancel := commandContext(ctx, o.Timeout)
	defer cancel()
	cmd, err := m.prepare(&o, argv)
	if err != nil {
		return CommandResult{}, m.startFailure(&o, argv, err)
	}
	var stdout, stderr bytes.Buffer
	lines := &lineWriter{emit: m.Stream}
	var out io.Writer = &stdout
	if o.Stream && m.Stream != nil {
		out = io.MultiWriter(&stdout, lines)
	}
	status, err := runProcess(ctx, cmd, out, &stderr)
	if err != nil {
		return CommandResult{}, m.startFailure(&o, argv, err)
	}
	lines.flush()
	res := CommandResult{RC: exitCode(status), Stdout: stdout.String(), Stderr: stderr.String()}
	if ctx.Err() != nil {
		return res, m.stopped(ctx, &o, argv, res)
	}
	return res, nil
}

func commandContext(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit > 0 {
		return context.WithTimeout(ctx, limit)
	}
	return context.WithCancel(ctx)
}

// prepare makes the exec.Cmd.
func (m *Run) prepare(o *CommandOptions, argv []string) (*exec.Cmd, error) {
	path := argv[0]
	if !strings.Contains(path, "/") {
		if path = m.BinPath(path); path == "" {
			return nil, &os.PathError{Op: "exec", Path: argv[0], Err: syscall.ENOENT}
		}
	} else if o.Dir == "" {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	args := argv
	if o.Umask != nil {
		// Go has no umask for a child alone: a shell sets it and becomes the program.
		args = append([]string{"sh", "-c", fmt.Sprintf(`umask %04o && exec "$@"`, *o.Umask), "sh", path}, argv[1:]...)
		path = "/bin/sh"
	}
	cmd := exec.Command(path)
	cmd.Args = args
	cmd.Dir = o.Dir
	cmd.Stdin = o.Stdin
	cmd.Env = m.environ(o)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o.User != "" {
		if err := runAs(cmd, o.User); err != nil {
			return nil, err
		}
	}
	return cmd, nil
}

// localeNames are the variables that Command sets unless KeepLocale.
var localeNames = []string{"LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE"}

// bestLocale is C.UTF-8 where the target has it, else C: programs' messages
// can be parsed, and text keeps its characters.
var bestLocale = sync.OnceValue(func() string {
	for _, dir := range []string{"/usr/lib/locale", "/usr/share/locale", "/usr/share/i18n/locales"} {
		for _, name := range []string{"C.utf8", "C.UTF-8"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return "C.UTF-8"
			}
		}
	}
	return "C"
})

// environ is the environment of a program: the agent's, the locale, the
// task's, and the options'. The last setting of a name counts.
func (m *Run) environ(o *CommandOptions) []string {
	env := os.Environ()
	if !o.KeepLocale {
		for _, name := range localeNames {
			env = append(env, name+"="+bestLocale())
		}
	}
	for _, set := range []map[string]string{m.Env, o.Env} {
		for _, k := range sortedKeys(set) {
			env = append(env, k+"="+set[k])
		}
	}
	return env
}

// runAs sets the user, its groups, and the variables that follow the user.
func runAs(cmd *exec.Cmd, name string) error {
	u, err := lookupUser(name)
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	if int(uid) == os.Geteuid() {
		return nil
	}
	var groups []uint32
	if ids, err := u.GroupIds(); err == nil {
		for _, id := range ids {
			if g, err := strconv.ParseUint(id, 10, 32); err == nil {
				groups = append(groups, uint32(g))
			}
		}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups}
	cmd.Env = append(cmd.Env, "HOME="+u.HomeDir, "USER="+u.Username, "LOGNAME="+u.Username)
	return nil
}

// lookupUser finds a user by name or number.
func lookupUser(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		if byID, idErr := user.LookupId(name); idErr == nil {
			return byID, nil
		}
	}
	return u, err
}

func exitCode(s syscall.WaitStatus) int {
	if s.Signaled() {
		return -int(s.Signal())
	}
	return s.ExitStatus()
}

func (m *Run) startFailure(o *CommandOptions, argv []string, err error) error {
	data := map[string]any{"cmd": shownCommand(o, argv), "stdout": "", "stderr": "", "rc": 257}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return &Failure{Msg: err.Error(), Data: data, Err: err}
	}
	data["rc"] = int(errno)
	what := argv[0]
	var pe *os.PathError
	if errors.As(err, &pe) && pe.Op == "chdir" {
		what = o.Dir
	}
	return &Failure{Msg: pyOSError(errno, what), Data: data, Err: err}
}

// pyOSError is an OSError as Python shows it.
func pyOSError(errno syscall.Errno, path string) string {
	text := errno.Error()
	text = strings.ToUpper(text[:1]) + text[1:]
	return fmt.Sprintf("[Errno %d] %s: b%s", int(errno), text, pyQuote(path))
}

func (m *Run) stopped(ctx context.Context, o *CommandOptions, argv []string, res CommandResult) error {
	msg := "the command was cancelled"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		msg = "the command was ended: its time was over"
		if o.Timeout > 0 {
			msg = fmt.Sprintf("the command was ended after %s", o.Timeout)
		}
	}
	return &Failure{Msg: msg, Err: ctx.Err(), Data: map[string]any{
		"cmd": shownCommand(o, argv), "rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr,
	}}
}

func shownCommand(o *CommandOptions, argv []string) string {
	if o.LogArgs != nil {
		argv = o.LogArgs
	}
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = ShellQuote(w)
	}
	return strings.Join(words, " ")
}

// ShellQuote quotes a word for a POSIX shell where it needs it, as Python's shlex.quote.
func ShellQuote(s string) string {
	if s == "" {
		return "''"
	}
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_@%+=:,./-", r)
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return !safe(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// A lineWriter hands out whole lines.
type lineWriter struct {
	emit func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.emit(strings.TrimSuffix(string(w.rest[:i]), "\r"))
		w.rest = slices.Delete(w.rest, 0, i+1)
	}
}

func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.emit(string(w.rest))
		w.rest = nil
	}
}

// sbinFolders are searched behind PATH.
var sbinFolders = []string{"/sbin", "/usr/sbin", "/usr/local/sbin"}

// BinPath finds a program in extra folders, PATH (the task's, else the
// agent's), /sbin, /usr/sbin and /usr/local/sbin; "" where it is not there.
func (m *Run) BinPath(name string, extra ...string) string {
	if strings.Contains(name, "/") {
		if executable(name) {
			return name
		}
		return ""
	}
	path, ok := m.Env["PATH"]
	if !ok {
		path = os.Getenv("PATH")
	}
	for _, dir := range slices.Concat(extra, filepath.SplitList(path), sbinFolders) {
		if dir == "" {
			continue
		}
		if p := filepath.Join(dir, name); executable(p) {
			return p
		}
	}
	return ""
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// RequireBin is BinPath, with Ansible's failure where it is not there.
func (m *Run) RequireBin(name string, extra ...string) (string, error) {
	if p := m.BinPath(name, extra...); p != "" {
		return p, nil
	}
	path, ok := m.Env["PATH"]
	if !ok {
		path = os.Getenv("PATH")
	}
	dirs := slices.Concat(extra, filepath.SplitList(path))
	for _, dir := range sbinFolders {
		if _, err := os.Stat(dir); err == nil && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return "", Failf("Failed to find required executable %q in paths: %s", name, strings.Join(dirs, ":"))
}
