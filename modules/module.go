// Package modules is the frame for what runs on a target: what a module
// accepts ([Spec]), how its arguments are decoded, and how it runs and reports.
// The modules themselves are in the subfolders, one file each; the table of
// them all is modules/registry.
package modules

// This file defines a module and one run of it.

import (
	"context"
	"fmt"
	"reflect"
)

// Type is the type of an option as Ansible's argument specs name it.
type Type string

// The types (https://docs.ansible.com/ansible/latest/dev_guide/developing_program_flow_modules.html#argument-spec).
const (
	Str     Type = "str"
	Bool    Type = "bool"
	Int     Type = "int"
	Float   Type = "float"
	List    Type = "list"
	Dict    Type = "dict"
	Path    Type = "path"
	Raw     Type = "raw"
	JSONArg Type = "jsonarg"
	JSON    Type = "json"
	Bytes   Type = "bytes"
	Bits    Type = "bits"
)

// An Option is one parameter of a module.
type Option struct {
	Name     string
	Type     Type // "" is Str
	Elements Type // of a List
	Required bool
	// Default is the value as a playbook would write it; nil is none.
	Default any
	Choices []string
	Aliases []string
	NoLog   bool
	// Options are the suboptions of a Dict or of a List of Dict.
	Options []Option
	// ApplyDefaults fills suboptions' defaults where the dict is not given.
	ApplyDefaults bool
	// Env names environment variables that give the value where the task does not.
	Env []string
	// RemovedIn, where set, makes a deprecation out of the option's use.
	RemovedIn string
	// Internal options come from actions; messages do not tell of them.
	Internal bool
	// Ignored says why the option is accepted and has no effect here; gorun doc prints it.
	Ignored string
	// Doc is one or two sentences of our own.
	Doc string
	// The rules between suboptions.
	Rules
}

// Rules tie options to each other.
type Rules struct {
	MutuallyExclusive, RequiredTogether, RequiredOneOf [][]string
	RequiredIf                                         []RequiredIf
	RequiredBy                                         map[string][]string
}

// RequiredIf demands the options Need (any one of them, with OneOf) where Key
// has Value.
type RequiredIf struct {
	Key   string
	Value any
	Need  []string
	OneOf bool
}

// Support says how far a module honours check mode or diff.
type Support int

// The levels of support, as Ansible's documentation names them.
const (
	Full Support = iota
	Partial
	NoSupport
)

// A Spec describes a module: it drives validation and is its documentation.
type Spec struct {
	Name    string // full name: "ansible.builtin.copy"
	Doc     string // what it does, in our own words
	Options []Option
	Rules
	// FileArgs adds the common options mode, owner, group, seuser, serole,
	// setype, selevel, unsafe_writes and attributes.
	FileArgs bool
	// FreeForm names the option that takes the text of `name: text` ("_raw_params" for command); "" means none.
	FreeForm string
	Check    Support
	Diff     Support
	// Facts says that the result's ansible_facts are facts of the host.
	Facts bool
	// ControllerOnly keeps the module out of the agent (cloud APIs): it runs in gorun's own process.
	ControllerOnly bool
}

// A Module is a Spec and what runs.
type Module struct {
	Spec Spec
	args reflect.Type
	run  func(ctx context.Context, m *Run, params map[string]any) (*Result, error)
}

// Define makes a module of a spec and a function over a struct whose fields
// are tagged `arg:"option"`. Fields may be string, bool, int, int64, float64,
// []string, []any, map[string]any, any, structs and slices of structs for
// suboptions, and pointers to these where "not given" differs from the zero
// value. Whether tags and options agree is [Module.CheckArgs]'s to tell: looking
// at all modules would be a third of an agent's start.
func Define[A any](spec Spec, run func(ctx context.Context, m *Run, a *A) (*Result, error)) *Module {
	return &Module{Spec: spec, args: reflect.TypeFor[A](), run: func(ctx context.Context, m *Run, params map[string]any) (*Result, error) {
		a := new(A)
		if err := assign(reflect.ValueOf(a).Elem(), params); err != nil {
			return nil, err
		}
		return run(ctx, m, a)
	}}
}

// CheckArgs panics where the tags of the module's arguments and its options
// differ. A test of the registry calls it for every module.
func (mod *Module) CheckArgs() { checkTags(&mod.Spec, mod.args) }

// A Run is one execution of a module on a target.
type Run struct {
	// Name is the name that the task used.
	Name        string
	Check, Diff bool
	// Verbosity is the count of -v.
	Verbosity int
	// NoLog is the task's no_log; values of NoLog options are in Secrets.
	NoLog bool
	// Params are the validated parameters, for the result's "invocation".
	Params map[string]any
	// Secrets are the values to be masked in whatever leaves the module.
	Secrets []string
	// TellSecrets leaves the masking to the controller: the result is whole
	// and names the secrets under [SecretsKey].
	TellSecrets bool
	// Env is the task's environment: name to value, on top of the agent's own.
	Env map[string]string
	// Tmp is a folder on the target for this run, removed behind it; made on
	// first use by TmpDir.
	Tmp string
	// CommandShell is the shell of command lines for one (ansible_shell_executable), "" for /bin/sh.
	CommandShell string
	// RemoteTmp is the remote_tmp setting, "" for the default.
	RemoteTmp string
	// Facts are those facts that the engine sends along for modules that ask
	// (service_mgr, pkg_mgr, distribution...): may be nil; use Host to detect.
	Facts map[string]any
	// Stream takes output lines while they come (may be nil).
	Stream func(line string)

	Warnings     []string
	Deprecations []Deprecation
}

// A Deprecation is told to the user once a run.
type Deprecation struct {
	Msg     string `json:"msg"`
	Version string `json:"version,omitempty"`
}

// Warn adds a warning to the result.
func (m *Run) Warn(format string, args ...any) {
	m.Warnings = append(m.Warnings, fmt.Sprintf(format, args...))
}

// A Result is what a module answers. Data holds the module's documented return
// values, of the kinds that encoding/json takes.
type Result struct {
	Changed bool
	Skipped bool
	Msg     string // "" leaves the key out
	Diff    []Diff
	Data    map[string]any
}

// A Diff is one before/after pair in Ansible's format; Before and After are
// strings or, for states that are no text, maps (shown as sorted JSON).
type Diff struct {
	Before       any    `json:"before,omitempty"`
	After        any    `json:"after,omitempty"`
	BeforeHeader string `json:"before_header,omitempty"`
	AfterHeader  string `json:"after_header,omitempty"`
	Prepared     string `json:"prepared,omitempty"`
	// Binary and size notes, as Ansible has them.
	SrcBinary bool `json:"src_binary,omitempty"`
	DstBinary bool `json:"dst_binary,omitempty"`
	SrcLarger int  `json:"src_larger,omitempty"`
	DstLarger int  `json:"dst_larger,omitempty"`
}

// A Failure is a module's failure: fail_json. Data are further keys of the
// result, such as rc, stdout and stderr.
type Failure struct {
	Msg     string
	Changed bool
	Data    map[string]any
	Err     error
}

func (f *Failure) Error() string { return f.Msg }
func (f *Failure) Unwrap() error { return f.Err }

// Failf returns a Failure with a message; a %w in it is kept as the cause.
func Failf(format string, args ...any) *Failure {
	err := fmt.Errorf(format, args...)
	return &Failure{Msg: err.Error(), Err: err}
}

// FailWith returns a Failure with further result keys.
func FailWith(data map[string]any, format string, args ...any) *Failure {
	f := Failf(format, args...)
	f.Data = data
	return f
}
