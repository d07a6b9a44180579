// Package action holds what runs on the controller: actions that need no
// target (debug, set_fact, add_host ...) and those that prepare a module's run
// on one (copy, template, fetch ...). The table of them all is [Actions];
// every other name is a module that the target's agent runs.
package action

// This file defines an action and what it is given.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorun/engine/foreign"
	"gorun/engine/transport"
	"gorun/internal/redact"
	"gorun/modules"
	"gorun/templates"
)

// A Func is an action. The dict is the result with Ansible's keys. An error is
// a *Failure, a *transport.UnreachableError, a *transport.BecomeError, or any
// other error, whose text becomes msg.
type Func func(ctx context.Context, t *Task) (*templates.Dict, error)

// A Failure is a failed result with keys of its own.
type Failure struct {
	Msg  string
	Data *templates.Dict // may be nil
	// Bare leaves "changed" out of the result, as Ansible does here and there.
	Bare bool
	// Exception is what Ansible up to 2.18 shows of the exception behind it.
	Exception string
	// At is the error of a template file behind it; may be nil. Where there is no
	// Msg it makes the message.
	At *templates.Error
	// Raised says that the action ended with an error, though there is Data.
	Raised bool
}

func (f *Failure) Error() string { return f.Msg }

// failf returns a Failure with a message.
func failf(format string, args ...any) *Failure {
	return &Failure{Msg: fmt.Sprintf(format, args...)}
}

// A Task is one execution of an action on one host. An action owns Args and
// may change it.
type Task struct {
	// Name is the action as the playbook has it, Module its full name.
	Name, Module string
	// Args are resolved, omitted ones are gone.
	Args *templates.Dict
	// Raw are the arguments as written.
	Raw *templates.Dict
	// HostName is inventory_hostname.
	HostName string
	// Host is where modules run: the delegate where there is one.
	Host        transport.Host
	Check, Diff bool
	NoLog       bool
	Verbosity   int
	Era         templates.Era
	Env         map[string]string
	RemoteTmp   string
	Executable  string // ansible_shell_executable
	// Facts are the host's facts that modules may ask for (service_mgr, pkg_mgr ...).
	Facts     *templates.Dict
	Scope     templates.Scope
	Templates *templates.Engine
	// Async is the time limit of an async task; 0: wait for it.
	Async    time.Duration
	AsyncDir string
	// SearchPath are the folders where files are looked for, nearest first.
	SearchPath []string
	// TaskDir is the folder of the task's file, RolePath that of its role, "" outside roles.
	TaskDir, RolePath string
	// Delegated says that Host is not the inventory host.
	Delegated bool
	Services  *Services
	// Order is the sequence that the task's requests belong to; nil: none.
	Order *transport.Order
	// Sent is called with a size in bytes when the last request of the action
	// is on its way; it may be nil, and need not be called.
	Sent func(size int)
	// Foreign finds modules and plugins that are not gorun's own; Target is
	// what the name led to where it is such a one.
	Foreign  *foreign.Finder
	Target   Target
	Settings Settings
	// Told are the warnings and deprecations of modules that an action plugin ran; nil: nobody asks.
	Told *Told
	// ConnScope has the variables of the host that the module runs on: those
	// of the delegate where there is one.
	ConnScope templates.Scope
	// Keywords and Connection are what an action plugin in Python sees of the
	// task and of how its host is reached; nil for other actions.
	Keywords, Connection *templates.Dict

	// WarnAt warns of something in an argument, showing its place; once a run.
	WarnAt func(msg, arg string)
	// ModuleFailed says that the last module that ran for the action failed.
	ModuleFailed bool
	// ModuleRan says that a module ran on the target.
	ModuleRan bool

	// Effects are what the engine is to do with a good result.
	Effects Effects
}

// Settings are those that modules are told of.
type Settings struct {
	// InterpreterPython is interpreter_python: a mode of discovery or a path.
	InterpreterPython string
	SyslogFacility    string
	SELinuxFS         []string
	NoTargetSyslog    bool
	// Version is that of the Ansible that gorun behaves as.
	Version string
}

// Services are what actions need of the run.
type Services struct {
	// ReadFile reads a file of the controller, decrypted where it is a vault.
	ReadFile func(path string) ([]byte, error)
	// LoadVars loads a file of variables.
	LoadVars func(path string) (*templates.Dict, error)
	// Prompt asks the person at the terminal; nil: nobody is there.
	Prompt func(ctx context.Context, p PromptRequest) (string, error)
	// Interactive says that the standard input is a terminal.
	Interactive bool
	// Display shows a line to the user.
	Display func(msg string)
	// Warn tells the user once.
	Warn func(msg string)
	// Stream takes lines of running commands; nil: nobody asked for them.
	Stream func(host, line string)
	// Local holds modules that run in this process, by full name.
	Local map[string]*modules.Module
	// Condition evaluates a conditional as when does.
	Condition func(ctx context.Context, v templates.Value, s templates.Scope) (bool, error)
	// Plugin runs an action plugin in Python on the controller; nil: there are none.
	Plugin func(ctx context.Context, t *Task) (*templates.Dict, error)
	// Secrets hides secrets in what the user is told; nil, before 2.22: results
	// come with theirs hidden.
	Secrets *redact.Registry
	// Managed is the text of ansible_managed; "" is Ansible's.
	Managed string

	digests digests // of files that are copied
}

// A PromptRequest asks for a line of input.
type PromptRequest struct {
	Text    string
	Hide    bool
	Timeout time.Duration
}

// Effects are an action's changes to the run.
type Effects struct {
	// AddHost is a host to be added with groups and variables.
	AddHost *HostSpec
	// Groups is a group_by.
	Group        string
	ParentGroups []string
	// Facts are set_fact's variables; Cacheable keeps them as facts too.
	Facts     *templates.Dict
	Cacheable bool
	// Included are include_vars' variables, Source where they came from.
	Included *templates.Dict
	Source   string
	// Stats are set_stats'.
	Stats             *templates.Dict
	StatsAggregate    bool
	StatsPerHost      bool
	ResetConnection   bool
	MergeIncludedVars bool
}

// A HostSpec is what add_host adds.
type HostSpec struct {
	Name   string
	Port   int
	Groups []string
	Vars   *templates.Dict
}

// Result makes a result dict of key, value pairs; values are Go's or templates'.
func Result(kv ...any) *templates.Dict {
	d := templates.NewDict(len(kv) / 2)
	for i := 0; i+1 < len(kv); i += 2 {
		d.SetStr(kv[i].(string), goValue(kv[i+1]))
	}
	return d
}

func goValue(v any) templates.Value {
	if v, ok := v.(templates.Value); ok {
		return v
	}
	return templates.FromGo(v)
}

// RunModule runs a module on the task's host with the task's settings.
func (t *Task) RunModule(ctx context.Context, name string, args *templates.Dict) (*templates.Dict, error) {
	return t.request(ctx, request{name: name, args: args, check: t.Check})
}

// runLast is RunModule for the last request of an action: nothing else of it
// follows on the target.
func (t *Task) runLast(ctx context.Context, name string, args *templates.Dict) (*templates.Dict, error) {
	return t.request(ctx, request{name: name, args: args, check: t.Check, last: true})
}

// runAlways is RunModule that also works in check mode: for modules that only look.
func (t *Task) runAlways(ctx context.Context, name string, args *templates.Dict) (*templates.Dict, error) {
	return t.request(ctx, request{name: name, args: args})
}

// A request is a module to be run for a task.
type request struct {
	name  string
	args  *templates.Dict
	check bool
	async time.Duration
	last  bool // no other request of the action follows
}

// legacyActions are the actions whose modules call themselves by the
// collection ansible.legacy in messages: Ansible's actions ask for them so.
var legacyActions = map[string]bool{"assemble": true, "command": true, "copy": true, "fetch": true, "package": true, "script": true,
	"service": true, "shell": true, "template": true, "unarchive": true, "uri": true}

// label is the name by which a module speaks of itself in messages.
func (t *Task) label(module string) string {
	name := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	if !legacyActions[name] {
		return t.Name
	}
	short := module[strings.LastIndexByte(module, '.')+1:]
	switch short {
	case "shell":
		short = "command"
	case "systemd_service":
		short = "systemd"
	}
	return "ansible.legacy." + short
}

func (t *Task) request(ctx context.Context, q request) (*templates.Dict, error) {
	body, err := templates.AppendJSON(nil, q.args)
	if err != nil {
		return nil, fmt.Errorf("the arguments of %s: %w", t.Name, err)
	}
	if mod := t.Services.Local[q.name]; mod != nil {
		return t.heard(t.runHere(ctx, mod, q.name, body, q.check))
	}
	r := transport.ModuleRequest{
		Name: q.name, Action: t.label(q.name), Args: body,
		Check: q.check, Diff: t.Diff, NoLog: t.NoLog, Verbosity: t.Verbosity,
		TellSecrets: t.Services.Secrets != nil, Env: t.Env, RemoteTmp: t.RemoteTmp, Async: q.async, AsyncDir: t.AsyncDir, Order: t.Order,
		Shell: t.Executable,
	}
	if q.last && t.Sent != nil {
		r.Sent = func() { t.Sent(len(body)) }
	}
	if t.Facts != nil {
		if r.Facts, err = templates.AppendJSON(nil, t.Facts); err != nil {
			return nil, err
		}
	}
	if t.Services.Stream != nil && !t.NoLog {
		host := t.HostName
		r.Stream = func(line string) { t.Services.Stream(host, line) }
	}
	raw, err := t.Host.Run(ctx, r)
	if err != nil {
		return nil, err
	}
	return t.heard(DecodeResult(raw, t.Services.Secrets))
}

// heard notes whether a module failed.
func (t *Task) heard(d *templates.Dict, err error) (*templates.Dict, error) {
	t.ModuleRan = t.ModuleRan || d != nil
	t.ModuleFailed = d != nil && (failed(d) || truth(d, "rc"))
	return d, err
}

// runHere runs a controller-only module in this process.
func (t *Task) runHere(ctx context.Context, mod *modules.Module, name string, body []byte, check bool) (*templates.Dict, error) {
	var args map[string]any
	if err := json.Unmarshal(body, &args); err != nil {
		return nil, err
	}
	m := &modules.Run{Name: t.Name, Check: check, Diff: t.Diff, Verbosity: t.Verbosity, NoLog: t.NoLog, Env: t.Env, TellSecrets: t.Services.Secrets != nil}
	out, err := json.Marshal(mod.Execute(ctx, m, args))
	if err != nil {
		return nil, fmt.Errorf("the result of %s: %w", name, err)
	}
	return DecodeResult(out, t.Services.Secrets)
}

// DecodeResult decodes a module's answer. The secrets that it names go to the
// registry; without one (nil) they are hidden in the result.
func DecodeResult(raw json.RawMessage, secrets *redact.Registry) (*templates.Dict, error) {
	v, err := templates.FromJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("the module's answer is no JSON: %w", err)
	}
	d, ok := v.(*templates.Dict)
	if !ok {
		return nil, errors.New("the module's answer is no dict")
	}
	if bytes.Contains(raw, []byte(typeKey)) || bytes.Contains(raw, []byte(modules.SecretsKey)) {
		d = untagged(d, secrets) // of a job that ran a module of today's Ansible
	}
	return d, nil
}

// runAsIs is the action of every name without one: the module runs on the target.
func runAsIs(ctx context.Context, t *Task) (*templates.Dict, error) {
	return t.request(ctx, request{name: t.Module, args: t.Args, check: t.Check, async: t.Async, last: true})
}

// Run runs the action of t's name, or its module.
func Run(ctx context.Context, t *Task) (*templates.Dict, error) {
	if t.Target.Plugin != nil && t.Services.Plugin != nil {
		return t.Services.Plugin(ctx, t)
	}
	if t.Target.Module != nil {
		return t.RunForeign(ctx, t.Target.Module, t.Args, t.Async)
	}
	if a, ok := Actions[t.Module]; ok {
		return a.Run(ctx, t)
	}
	return runAsIs(ctx, t)
}

// failed reports whether a result says that it failed.
func failed(d *templates.Dict) bool { return truth(d, "failed") }

func truth(d *templates.Dict, key string) bool {
	v, ok := d.GetStr(key)
	return ok && v.Truth()
}
