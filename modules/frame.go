package modules

import (
	"context"
	"io"
	"os"
	"reflect"
	"time"
)

// TO BE REPLACED by the frame's author in the first commit, split over
// decode.go, command.go, fileargs.go, atomic.go and execute.go: these are the
// signatures that the module families build on.

func checkTags(s *Spec, t reflect.Type) {}

func assign(v reflect.Value, params map[string]any) error { panic("modules: not built yet") }

// Decode validates raw arguments against the spec: aliases, coercions,
// defaults, choices and the rules, with Ansible's wording. The second result
// holds the values of NoLog options.
func (s *Spec) Decode(raw map[string]any) (params map[string]any, secrets []string, err error) {
	panic("modules: not built yet")
}

// Execute decodes raw, runs the module, and returns the result as JSON-able
// data with Ansible's keys (changed, failed, msg, diff, invocation, warnings,
// stdout_lines...), secrets masked. It never panics: a module's panic becomes
// a failed result with "exception".
func (mod *Module) Execute(ctx context.Context, m *Run, raw map[string]any) map[string]any {
	panic("modules: not built yet")
}

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
// folders) and waits for it; the program dies with ctx. An exit code other
// than 0 is no error; an error means that it could not be started, as a
// *Failure with Ansible's keys (rc, msg "No such file or directory"...).
func (m *Run) Command(ctx context.Context, o CommandOptions, argv ...string) (CommandResult, error) {
	panic("modules: not built yet")
}

// BinPath finds a program in PATH, /sbin, /usr/sbin, /usr/local/sbin; "" where it is not there.
func (m *Run) BinPath(name string, extra ...string) string { panic("modules: not built yet") }

// RequireBin is BinPath, with Ansible's failure where it is not there.
func (m *Run) RequireBin(name string, extra ...string) (string, error) {
	panic("modules: not built yet")
}

// FileArgs are the common file arguments; embed it in the argument struct of a
// module whose Spec has FileArgs.
type FileArgs struct {
	Mode         any    `arg:"mode"` // string or int, nil: not given
	Owner        string `arg:"owner"`
	Group        string `arg:"group"`
	SEUser       string `arg:"seuser"`
	SERole       string `arg:"serole"`
	SEType       string `arg:"setype"`
	SELevel      string `arg:"selevel"`
	UnsafeWrites bool   `arg:"unsafe_writes"`
	Attributes   string `arg:"attributes"`
}

// ApplyFileArgs brings path to mode, owner, group, SELinux context and
// attributes. It reports whether anything was (in check mode: would be)
// changed, and puts what differs into diff (Before/After maps) where diff is
// not nil. follow says whether a link's target is meant.
func (m *Run) ApplyFileArgs(path string, a *FileArgs, follow bool, diff *Diff) (changed bool, err error) {
	panic("modules: not built yet")
}

// AddFileInfo adds what Ansible adds to the result of every module that names
// a path: uid, gid, owner, group, mode, size, state, secontext.
func (m *Run) AddFileInfo(path string, data map[string]any) { panic("modules: not built yet") }

// ParseMode resolves a mode in any of Ansible's forms (0644, "0644", "u+rwX,g-w",
// 420) for a file that has mode old.
func ParseMode(mode any, old os.FileMode) (os.FileMode, error) { panic("modules: not built yet") }

// WriteFile writes content to dst beside it, syncs, keeps owner and mode of an
// existing dst (else 0666 less umask, or FileArgs later), and renames it into
// place; validate, where not "", is a command with %s for the new file.
// Symbolic links are followed. With unsafe it writes in place where a rename
// is impossible (bind-mounted file).
func (m *Run) WriteFile(ctx context.Context, dst string, content []byte, validate string, unsafe bool) error {
	panic("modules: not built yet")
}

// MoveFile does what WriteFile does with a file that is there already (same or
// another file system), consuming src.
func (m *Run) MoveFile(ctx context.Context, src, dst string, validate string, unsafe bool) error {
	panic("modules: not built yet")
}

// Backup copies path to Ansible's backup name (path.PID.YYYY-MM-DD@HH:MM:SS~)
// and returns it; "" where path does not exist or in check mode.
func (m *Run) Backup(path string) (string, error) { panic("modules: not built yet") }

// TmpDir returns a private folder on the target that is removed after the run.
func (m *Run) TmpDir() (string, error) { panic("modules: not built yet") }

// SHA1File and SHA256File return the hex digest of a file, "" where there is none.
func SHA1File(path string) (string, error)   { panic("modules: not built yet") }
func SHA256File(path string) (string, error) { panic("modules: not built yet") }

// ExpandPath expands ~, ~user and $VAR as Ansible's path type does.
func ExpandPath(p string, env map[string]string) string { panic("modules: not built yet") }

// ToBool converts by Ansible's rules: yes/on/1/true/t/y and their opposites in any case.
func ToBool(v any) (bool, error) { panic("modules: not built yet") }
