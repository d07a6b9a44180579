package action

// This file routes names to modules that are not gorun's own, and runs those.

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorun/engine/foreign"
	"gorun/engine/transport"
	agentside "gorun/modules/foreign"
	"gorun/templates"
)

// A Target is what the name of an action leads to.
type Target struct {
	// Full is the full name.
	Full string
	// Module is set where the module is not gorun's own, Plugin where an
	// action plugin in Python runs on the controller.
	Module, Plugin *foreign.Found
}

// Resolve is [Route] that also knows what f finds; f may be nil. What a
// playbook, a role or the collections keyword brings along wins over gorun's
// own, as it does over Ansible's. The error says that a collection dropped it.
func Resolve(f *foreign.Finder, name string, collections []string) (t Target, ok bool, err error) {
	full, native := Route(name, collections)
	if f == nil || engineActions[full] {
		return Target{Full: full}, native, nil
	}
	if t, ok, err := local(f, name, full, collections); ok || err != nil {
		return t, ok, err
	}
	if native {
		return Target{Full: full}, true, nil
	}
	if t.Module, err = f.Find(foreign.Modules, name, collections); err != nil {
		return Target{}, false, err
	}
	plugin := name
	if t.Module != nil {
		t.Full, plugin = t.Module.Name, t.Module.Name
		if full, native := Route(t.Full, nil); native { // a redirect may lead to what gorun has
			return Target{Full: full}, true, nil
		}
		if t.Module.ActionPlugin != "" {
			plugin = t.Module.ActionPlugin
		}
	}
	if t.Plugin, err = f.Find(foreign.Action, plugin, collections); err != nil {
		return Target{}, false, err
	}
	if t.Module == nil && t.Plugin != nil {
		t.Full = t.Plugin.Name
	}
	return t, t.Full != "", nil
}

// local finds what comes with the playbook. An action of gorun's is what an
// action plugin is to Ansible: only an action plugin replaces it.
func local(f *foreign.Finder, name, full string, collections []string) (t Target, ok bool, err error) {
	if t.Plugin, err = f.Local(foreign.Action, name, collections); err != nil {
		return t, false, err
	}
	if t.Module, err = f.Local(foreign.Modules, name, collections); err != nil {
		return t, false, err
	}
	if t.Module != nil {
		if own, native := Route(t.Module.Name, nil); native && t.Module.Collection != "" {
			return Target{Full: own}, true, nil
		}
		t.Full = t.Module.Name
	}
	if t.Plugin != nil {
		if t.Full == "" {
			t.Full = t.Plugin.Name
		}
		return t, true, nil
	}
	if _, hasAction := Actions[full]; hasAction {
		t.Module = nil
	}
	return t, t.Module != nil, nil
}

// discoveredKey is the fact that discovery leaves.
const discoveredKey = "discovered_interpreter_python"

// RunForeign runs a module that is not gorun's own on the task's host.
func (t *Task) RunForeign(ctx context.Context, found *foreign.Found, args *templates.Dict, async time.Duration) (*templates.Dict, error) {
	b, err := t.Foreign.Bundle(found)
	if err != nil {
		return nil, t.Error(err.Error())
	}
	name := t.Name
	if t.Module != found.Name && found.Name != "" {
		name = found.Name
	}
	if b.Style == foreign.PowerShell {
		return nil, failf("the module %s is written in PowerShell: gorun does not manage Windows hosts", name)
	}
	if b.Style != foreign.Binary && b.Interpreter == "" {
		return nil, t.Error(fmt.Sprintf("module (%s) is missing interpreter line", name))
	}
	run := &foreignRun{t: t, b: b, r: agentside.Request{
		Op: agentside.OpRun, SHA256: b.SHA256, Zip: b.Zip, File: b.File, Current: t.Era >= templates.Current,
	}}
	if b.Style != foreign.Binary {
		if err := run.interpreter(ctx); err != nil {
			return nil, err
		}
	}
	if err := run.arguments(args, name); err != nil {
		return nil, err
	}
	return run.do(ctx, async)
}

// Error is the failure that Ansible makes of an AnsibleError of an action.
func (t *Task) Error(msg string) *Failure {
	if t.Era >= templates.Current {
		return &Failure{Msg: "Task failed: " + msg}
	}
	return &Failure{Msg: msg, Bare: true}
}

// A foreignRun is one run of such a module.
type foreignRun struct {
	t *Task
	b *foreign.Bundle
	r agentside.Request

	discovered string // by this run
	warning    string
}

// setting resolves a variable of the host that the module runs on.
func (f *foreignRun) setting(ctx context.Context, name string) (templates.Value, error) {
	s := f.t.ConnScope
	if s == nil {
		s = f.t.Scope
	}
	v, ok, err := s.Lookup(name)
	if err != nil || !ok {
		return nil, err
	}
	v, err = f.t.Templates.Resolve(ctx, v, s)
	if err != nil || v == templates.None || v == templates.Omit {
		return nil, err
	}
	return v, nil
}

// interpreter resolves the command that runs the module's file.
func (f *foreignRun) interpreter(ctx context.Context) error {
	name := f.b.Interpreter[strings.LastIndexByte(f.b.Interpreter, '/')+1:]
	v, err := f.setting(ctx, "ansible_"+name+"_interpreter")
	if err != nil {
		return err
	}
	chosen := ""
	if v != nil {
		chosen = strings.TrimSpace(templates.StrOf(v, f.t.Era))
	}
	if name == "python" {
		if v == nil {
			chosen = f.t.Settings.InterpreterPython
		}
		if foreign.IsDiscovery(chosen) {
			if chosen, err = f.discover(ctx, chosen); err != nil {
				return err
			}
		}
	}
	if chosen == "" {
		chosen = f.b.Interpreter
	}
	f.r.Interpreter = strings.Join(append([]string{chosen}, f.b.InterpreterArgs...), " ")
	return nil
}

// discover finds the host's Python, once as long as the host has the fact.
func (f *foreignRun) discover(ctx context.Context, mode string) (string, error) {
	facts, err := f.setting(ctx, "ansible_facts")
	if err != nil {
		return "", err
	}
	if m, ok := facts.(templates.Mapping); ok {
		if v, ok, err := m.Get(templates.Str(discoveredKey)); ok && err == nil {
			return templates.StrOf(v, f.t.Era), nil
		}
	}
	if f.t.Delegated {
		if python := f.t.Foreign.Python(f.t.Host); python != "" {
			return python, nil
		}
	}
	current := f.t.Era >= templates.Current
	names := foreign.Candidates(current)
	if v, err := f.setting(ctx, "ansible_interpreter_python_fallback"); err != nil {
		return "", err
	} else if l, ok := v.(*templates.List); ok {
		names = names[:0:0]
		for _, e := range l.Elems {
			names = append(names, templates.StrOf(e, f.t.Era))
		}
	}
	d, err := f.request(ctx, &agentside.Request{Op: agentside.OpDiscover, Names: names}, 0)
	if err != nil {
		return "", err
	}
	found := foreign.Discovery{
		Host: f.t.HostName, Mode: mode, Names: names, Found: texts(d, agentside.KeyFound),
		Platform: text(d, agentside.KeyPlatform), OSRelease: text(d, agentside.KeyOSRelease), Version: f.version(),
	}
	python, warning := found.Choose(current)
	f.warning = warning
	if f.t.Delegated {
		f.t.Foreign.SetPython(f.t.Host, python) // the task's result is another host's
	} else {
		f.discovered = python
	}
	if current && f.warning != "" {
		f.t.Services.Warn(f.warning)
		f.warning = ""
	}
	return python, nil
}

// version is that of the Ansible that modules see.
func (f *foreignRun) version() string {
	if in := f.t.Foreign.Install(); in != nil {
		return in.Version
	}
	return f.t.Settings.Version
}

// arguments puts the module's arguments into the request as its style wants them.
func (f *foreignRun) arguments(args *templates.Dict, name string) error {
	args = f.internal(args, name)
	// Modules in shell read it line by line, so the blanks are Python's too.
	body, err := templates.AppendSpacedJSON(nil, args)
	if err != nil {
		return f.t.Error(fmt.Sprintf("Unable to pass options to module, they must be JSON serializable: %s", err))
	}
	switch f.b.Style {
	case foreign.Python:
		f.r.Stdin = `{"ANSIBLE_MODULE_ARGS":` + string(body) + "}"
	case foreign.JSONArgs:
		special := strings.Join(f.t.Settings.SELinuxFS, ",")
		f.r.Old, f.r.New = foreign.Replacements(f.version(), string(body), special, templates.Repr(templates.Bytes(body), templates.Current))
	case foreign.OldStyle:
		var b strings.Builder
		for k, v := range args.All {
			b.WriteString(templates.StrOf(k, f.t.Era) + "=" + shellWord(templates.StrOf(v, f.t.Era)) + " ")
		}
		f.r.ArgsFile, f.r.HasArgs = b.String(), true
	default:
		f.r.ArgsFile, f.r.HasArgs = string(body), true
	}
	return nil
}

// shellWord is s as Python's shlex.quote leaves it.
func shellWord(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return quote(s)
}

// internal adds the arguments by which Ansible tells modules of the run
// (https://docs.ansible.com/ansible/latest/dev_guide/developing_program_flow_modules.html#internal-arguments).
func (f *foreignRun) internal(args *templates.Dict, name string) *templates.Dict {
	t := f.t
	d := args.Copy()
	set := func(k string, v any) { d.SetStr("_ansible_"+k, goValue(v)) }
	shell := t.Executable
	if shell == "" {
		shell = "/bin/sh"
	}
	tmp := t.RemoteTmp
	if tmp == "" {
		tmp = "~/.ansible/tmp"
	}
	facility := t.Settings.SyslogFacility
	if facility == "" {
		facility = "LOG_USER"
	}
	special := make([]any, len(t.Settings.SELinuxFS))
	for i, s := range t.Settings.SELinuxFS {
		special[i] = s
	}
	set("check_mode", t.Check)
	set("no_log", t.NoLog || t.Settings.NoTargetSyslog)
	set("debug", false)
	set("diff", t.Diff)
	set("verbosity", t.Verbosity)
	set("version", f.version())
	set("module_name", name)
	set("syslog_facility", facility)
	set("selinux_special_fs", special)
	in := t.Foreign.Install()
	if in == nil || !in.AtLeast(2, 19) {
		set("string_conversion_action", "warn")
	}
	set("socket", templates.None)
	set("shell_executable", shell)
	set("keep_remote_files", false)
	set("tmpdir", templates.None)
	set("remote_tmp", tmp)
	if in != nil && in.AtLeast(2, 16) {
		set("ignore_unknown_opts", false)
	}
	if in != nil && in.AtLeast(2, 17) {
		set("target_log_info", templates.None)
	}
	if in != nil && in.AtLeast(2, 19) {
		set("tracebacks_for", []any{})
	}
	if in != nil && in.AtLeast(2, 21) {
		set("inject_invocation", t.Era < templates.Current)
	}
	return d
}

// request runs an operation in the agent.
func (f *foreignRun) request(ctx context.Context, r *agentside.Request, async time.Duration) (*templates.Dict, error) {
	args := Result("op", r.Op, "names", anys(r.Names), "sha256", r.SHA256, "upload", r.Upload, "zip", r.Zip, "file", r.File,
		"interpreter", r.Interpreter, "old", anys(r.Old), "new", anys(r.New), "stdin", r.Stdin,
		"args_file", r.ArgsFile, "has_args", r.HasArgs, "parse", r.Parse, "current", r.Current)
	body, err := templates.AppendJSON(nil, args)
	if err != nil {
		return nil, err
	}
	t := f.t
	raw, err := t.Host.Run(ctx, transport.ModuleRequest{
		Name: agentside.Name, Action: t.Name, Args: body, NoLog: t.NoLog, Verbosity: t.Verbosity,
		Env: t.Env, RemoteTmp: t.RemoteTmp, Async: async, AsyncDir: t.AsyncDir,
	})
	if err != nil {
		return nil, err
	}
	d, err := DecodeResult(raw, t.Services.Secrets)
	if err != nil {
		return nil, err
	}
	if failed(d) && async == 0 {
		return nil, &Failure{Msg: text(d, "msg")}
	}
	return d, nil
}

// do runs the module, sending it where the host does not have it yet.
func (f *foreignRun) do(ctx context.Context, async time.Duration) (*templates.Dict, error) {
	if async > 0 {
		have := f.r
		have.Op, have.Stdin, have.ArgsFile, have.Old, have.New = agentside.OpHave, "", "", nil, nil
		if _, err := f.sent(ctx, &have); err != nil {
			return nil, err
		}
		f.r.Parse = true
		return f.request(ctx, &f.r, async)
	}
	d, err := f.sent(ctx, &f.r)
	if err != nil {
		return nil, err
	}
	return f.result(text(d, agentside.KeyStdout), text(d, agentside.KeyStderr), d)
}

// sent makes a request whose bundle is sent if the host lacks it.
func (f *foreignRun) sent(ctx context.Context, r *agentside.Request) (*templates.Dict, error) {
	d, err := f.request(ctx, r, 0)
	if err != nil || !truth(d, agentside.KeyMissing) {
		return d, err
	}
	file := f.b.File
	if f.b.Zip {
		file = "bundle.zip"
	}
	if r.Upload, err = f.t.Host.PutTemp(ctx, bytes.NewReader(f.b.Data), int64(len(f.b.Data)), file); err != nil {
		return nil, err
	}
	defer func() { r.Upload = "" }()
	return f.request(ctx, r, 0)
}

// result makes the task's result of what the module printed.
func (f *foreignRun) result(stdout, stderr string, answer *templates.Dict) (*templates.Dict, error) {
	current := f.t.Era >= templates.Current
	object, junk, ok := agentside.Filter(stdout)
	var d *templates.Dict
	if ok {
		if v, err := templates.FromJSON([]byte(object)); err == nil {
			d, _ = v.(*templates.Dict)
		}
	}
	if d == nil {
		return nil, f.broken(stdout, stderr, answer, current)
	}
	d = untagged(d, f.t.Services.Secrets)
	if junk != "" {
		f.warn(d, "Module invocation had junk after the JSON data: "+junk)
	}
	f.clean(d)
	f.addDiscovery(d)
	return d, nil
}

// broken is the failure of a module that printed no result.
func (f *foreignRun) broken(stdout, stderr string, answer *templates.Dict, current bool) error {
	rc, _ := answer.GetStr(agentside.KeyRC)
	data := Result("module_stdout", stdout, "module_stderr", stderr, "rc", rc)
	for _, s := range []string{stderr, stdout} {
		if strings.HasPrefix(s, "Traceback") && !current {
			data.SetStr("exception", templates.Str(s))
			break
		}
	}
	data.SetStr("changed", templates.Bool(false))
	f.addDiscovery(data)
	return &Failure{Msg: agentside.FailureText(f.r.Interpreter, stdout, stderr, current), Data: data}
}

// internalKeys are keys that no module may set.
var internalKeys = []string{"add_host", "add_group"}

// warn warns of something about a result: today's Ansible does so in the result.
func (f *foreignRun) warn(d *templates.Dict, msg string) {
	if f.t.Era < templates.Current {
		f.t.Services.Warn(msg)
		return
	}
	addWarning(d, msg)
}

func addWarning(d *templates.Dict, msg string) {
	v, _ := d.GetStr("warnings")
	var elems []templates.Value
	if l, ok := v.(*templates.List); ok {
		elems = slices.Clone(l.Elems)
	}
	d.SetStr("warnings", templates.NewList(append(elems, templates.Str(msg))...))
}

// clean drops from a result what is not a module's to say.
func (f *foreignRun) clean(d *templates.Dict) {
	current := f.t.Era >= templates.Current
	for _, k := range slices.Clone(d.Keys()) {
		name := templates.StrOf(k, f.t.Era)
		internal := strings.HasPrefix(name, "_ansible_")
		if !internal && (current || !slices.Contains(internalKeys, name)) {
			continue
		}
		v, _ := d.GetStr(name)
		d.Delete(k)
		switch {
		case name == "_ansible_suppress_tmpdir_delete":
		case current:
			f.warn(d, "Removed reserved key '"+name+"' from module result.")
		default:
			f.warn(d, fmt.Sprintf("Removed unexpected internal key in module return: %s = %s", name, templates.StrOf(v, f.t.Era)))
		}
	}
	for _, name := range []string{"warnings", "deprecations"} {
		if v, ok := d.GetStr(name); ok && !v.Truth() {
			d.Delete(templates.Str(name))
		}
	}
	if v, ok := d.GetStr("results"); ok && !isListOrDict(v) {
		d.SetStr("ansible_module_results", v)
		if !current {
			d.Delete(templates.Str("results"))
			f.warn(d, "Found internal 'results' key in module return, renamed to 'ansible_module_results'.")
		}
	}
	if v, ok := d.GetStr("ansible_facts"); ok {
		if facts, ok := v.(*templates.Dict); ok {
			for _, k := range slices.Clone(facts.Keys()) {
				name := strings.TrimPrefix(templates.StrOf(k, f.t.Era), "ansible_")
				if strings.HasPrefix(name, "discovered_interpreter_") {
					facts.Delete(k)
				}
			}
		}
	}
}

func isListOrDict(v templates.Value) bool {
	switch v.(type) {
	case *templates.List, *templates.Dict:
		return true
	}
	return false
}

// addDiscovery tells in the result which Python was found.
func (f *foreignRun) addDiscovery(d *templates.Dict) {
	if f.discovered != "" {
		v, _ := d.GetStr("ansible_facts")
		facts, ok := v.(*templates.Dict)
		if !ok {
			facts = templates.NewDict(1)
			d.SetStr("ansible_facts", facts)
		}
		facts.SetStr(discoveredKey, templates.Str(f.discovered))
	}
	if f.warning != "" {
		addWarning(d, f.warning)
	}
}

// text is a key as text, "" where it is missing.
func text(d *templates.Dict, key string) string {
	v, ok := d.GetStr(key)
	if !ok {
		return ""
	}
	return templates.StrOf(v, templates.Current)
}

func texts(d *templates.Dict, key string) []string {
	v, _ := d.GetStr(key)
	l, ok := v.(*templates.List)
	if !ok {
		return nil
	}
	out := make([]string, len(l.Elems))
	for i, e := range l.Elems {
		out[i] = templates.StrOf(e, templates.Current)
	}
	return out
}

func anys(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}
