package action

// This file serves action plugins in Python: what they are told of their task
// and what they may ask for.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"gorun/engine/transport"
	"gorun/modules"
	"gorun/modules/registry"
	"gorun/templates"
)

// PluginRequest is what an action plugin is told of its task. basedir is the
// playbook's folder.
func (t *Task) PluginRequest(basedir string) *templates.Dict {
	search := templates.NewList()
	for _, p := range t.SearchPath {
		search.Elems = append(search.Elems, templates.Str(p))
	}
	shell := t.Executable
	if shell == "" {
		shell = "/bin/sh"
	}
	tmp := t.RemoteTmp
	if tmp == "" {
		tmp = "~/.ansible/tmp"
	}
	env := templates.NewDict(len(t.Env))
	for k, v := range t.Env {
		env.SetStr(k, templates.Str(v))
	}
	play := Result("executable", shell, "check_mode", t.Check, "diff", t.Diff)
	if t.Connection != nil {
		for k, v := range t.Connection.All {
			play.SetStr(templates.StrOf(k, templates.Current), v)
		}
	}
	keywords := t.Keywords
	if keywords == nil {
		keywords = templates.NewDict(0)
	}
	return Result("plugin", t.Target.Plugin.Name, "action", t.Name, "args", t.Args, "check_mode", t.Check, "diff", t.Diff,
		"no_log", t.NoLog, "environment", templates.NewList(env), "async_val", int(t.Async.Seconds()), "keywords", keywords,
		"context", play, "remote_tmp", tmp, "search_path", search, "basedir", basedir, "collections", templates.NewList())
}

// TakeEffects notes the host or the group that a plugin's result wants added
// to the inventory of the run, as the actions add_host and group_by return it.
func (t *Task) TakeEffects(d *templates.Dict) {
	v, _ := d.GetStr("add_host")
	if host, ok := v.(*templates.Dict); ok && text(host, "host_name") != "" {
		spec := &HostSpec{Name: text(host, "host_name"), Groups: texts(host, "groups"), Vars: templates.NewDict(0)}
		v, _ = host.GetStr("host_vars")
		if vars, ok := v.(*templates.Dict); ok {
			spec.Vars = vars
		}
		t.Effects.AddHost = spec
	}
	if group := text(d, "add_group"); group != "" {
		t.Effects.Group, t.Effects.ParentGroups = group, texts(d, "parent_groups")
		if len(t.Effects.ParentGroups) == 0 {
			t.Effects.ParentGroups = []string{"all"}
		}
	}
}

// PluginAsks does what an action plugin asks for: module, exec, put, fetch, reset.
func (t *Task) PluginAsks(ctx context.Context, what string, args *templates.Dict) (templates.Value, error) {
	switch what {
	case "module":
		return t.pluginModule(ctx, args)
	case "exec":
		return t.pluginExec(ctx, args)
	case "put":
		return templates.None, t.pluginPut(ctx, text(args, "src"), text(args, "dest"))
	case "fetch":
		return templates.None, t.pluginFetch(ctx, text(args, "src"), text(args, "dest"))
	case "reset":
		return templates.None, t.Host.Reset(ctx)
	}
	return nil, fmt.Errorf("an action plugin cannot ask for %s", what)
}

// pluginModule is _execute_module: the module's result, good or bad.
func (t *Task) pluginModule(ctx context.Context, args *templates.Dict) (templates.Value, error) {
	name := text(args, "name")
	v, _ := args.GetStr("args")
	given, ok := v.(*templates.Dict)
	if !ok {
		given = templates.NewDict(0)
	}
	to, ok, err := Resolve(t.Foreign, name, nil)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("The module %s was not found in configured module paths", name)
	}
	u := *t
	u.Name, u.Module, u.Args, u.Target = name, to.Full, given, to
	u.Check, u.Diff = truth(args, "check"), truth(args, "diff")
	if !truth(args, "wrap_async") {
		u.Async = 0
	}
	var d *templates.Dict
	if to.Module != nil {
		d, err = u.RunForeign(ctx, to.Module, given, u.Async)
	} else {
		if truth(args, "ignore_unknown_opts") {
			u.Args = knownOptions(to.Full, given)
		}
		d, err = runAsIs(ctx, &u)
	}
	var fail *Failure
	if errors.As(err, &fail) {
		d, err = templates.NewDict(3), nil
		if fail.Data != nil {
			d = fail.Data.Copy()
		}
		d.SetStr("msg", templates.Str(fail.Msg))
		d.SetStr("failed", templates.Bool(true))
	}
	if d != nil && t.Told != nil {
		t.Told.note(d)
	}
	return d, err
}

// Told are messages of results, each once.
type Told struct {
	mu    sync.Mutex
	lists map[string]*templates.List
}

var toldKeys = []string{"warnings", "deprecations"}

func (n *Told) note(d *templates.Dict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range toldKeys {
		v, _ := d.GetStr(key)
		l, ok := v.(*templates.List)
		if !ok {
			continue
		}
		if n.lists == nil {
			n.lists = map[string]*templates.List{}
		}
		if n.lists[key] == nil {
			n.lists[key] = templates.NewList()
		}
		addNew(n.lists[key], l)
	}
}

// AddTo adds the messages to a result that lacks them.
func (n *Told) AddTo(d *templates.Dict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range toldKeys {
		if n.lists[key] == nil {
			continue
		}
		out := templates.NewList()
		v, _ := d.GetStr(key)
		if l, ok := v.(*templates.List); ok {
			addNew(out, l)
		}
		addNew(out, n.lists[key])
		d.SetStr(key, out)
	}
}

func addNew(to, from *templates.List) {
	for _, e := range from.Elems {
		if !slices.ContainsFunc(to.Elems, func(old templates.Value) bool { return templates.Equal(old, e) }) {
			to.Elems = append(to.Elems, e)
		}
	}
}

// knownOptions drops the arguments that a module of gorun's does not have.
func knownOptions(full string, args *templates.Dict) *templates.Dict {
	m := registry.Lookup(full)
	if m == nil {
		return args
	}
	out := templates.NewDict(args.Len())
	for k, v := range args.All {
		name := templates.StrOf(k, templates.Current)
		if slices.ContainsFunc(m.Spec.Options, func(o modules.Option) bool { return o.Name == name || slices.Contains(o.Aliases, name) }) {
			out.SetStr(name, v)
		}
	}
	return out
}

// pluginExec runs a command line by the host's shell.
func (t *Task) pluginExec(ctx context.Context, args *templates.Dict) (templates.Value, error) {
	o := transport.ExecOptions{Executable: t.Executable}
	if v, _ := args.GetStr("stdin"); v != nil {
		if b, ok := v.(templates.Bytes); ok {
			o.Stdin = bytes.NewReader(b)
		}
	}
	res, err := t.Host.Exec(ctx, text(args, "cmd"), o)
	if err != nil {
		return nil, err
	}
	return Result("rc", res.RC, "stdout", templates.Bytes(res.Stdout), "stderr", templates.Bytes(res.Stderr)), nil
}

// pluginPut copies a file of the controller to a path of the host.
func (t *Task) pluginPut(ctx context.Context, src, dest string) error {
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	tmp, err := t.Host.PutTemp(ctx, f, size, "put")
	if err != nil {
		return err
	}
	res, err := t.Host.Exec(ctx, "cp "+quote(tmp)+" "+quote(dest)+" && rm -f "+quote(tmp), transport.ExecOptions{})
	if err != nil {
		return err
	}
	if res.RC != 0 {
		return fmt.Errorf("failed to transfer file to %s:\n%s", dest, bytes.TrimSpace(res.Stderr))
	}
	return nil
}

// pluginFetch copies a file of the host to one of the controller.
func (t *Task) pluginFetch(ctx context.Context, src, dest string) error {
	f, err := os.OpenFile(dest, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = t.Host.Fetch(ctx, src, f)
	return errors.Join(err, f.Close())
}
