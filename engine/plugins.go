package engine

// This file joins plugins that are written in Python: filters, tests, lookups
// and actions. They run in one helper process, started for the first of them.
// Other files of this package have the other kinds.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/foreign"
	"gorun/engine/lookup"
	"gorun/engine/pyhelper"
	"gorun/engine/transport"
	"gorun/templates"
	"gorun/vars/vault"
)

// PluginOptions say what plugins in Python are told.
type PluginOptions struct {
	Finder *foreign.Finder
	Era    templates.Era
	// Basedir is the playbook's folder.
	Basedir string
	// Secrets are the vault's; nil: there are none.
	Secrets func() []vault.Secret
	// Extra are the extra variables; nil: there are none.
	Extra func() *templates.Dict
	// Verbosity, Columns, Color, CLI and Tell are as in [pyhelper.Options].
	Verbosity, Columns int
	Color              bool
	CLI                *templates.Dict
	Tell               func(m pyhelper.Message)
}

// Plugins run plugins in Python. They are safe for concurrent use.
type Plugins struct {
	o       PluginOptions
	finder  *foreign.Finder
	current bool // errors are worded as by ansible-core 2.19 and later
	basedir string

	mu     sync.Mutex
	helper *pyhelper.Helper
	err    error
	known  map[string]bool // folders that the helper was told of
	jinja  map[string]bool // kind and name of filters and tests: whether the helper has them
	texts  map[string]string

	varsMu sync.Mutex
}

// NewPlugins returns the plugins that o.Finder finds.
func NewPlugins(o PluginOptions) *Plugins {
	return &Plugins{
		o: o, finder: o.Finder, current: o.Era >= templates.Current, basedir: absPath(o.Basedir),
		known: map[string]bool{}, jinja: map[string]bool{}, texts: map[string]string{},
	}
}

// Close ends the helper process, if there is one.
func (p *Plugins) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.helper != nil {
		p.helper.Close()
		p.helper = nil
	}
}

// pluginKinds are the kinds that the helper is told the folders of.
var pluginKinds = []foreign.Kind{
	foreign.Filter, foreign.Test, foreign.Lookup, foreign.Action, foreign.ModuleUtils,
	foreign.Inventory, foreign.Vars, foreign.Callback, foreign.Cache, foreign.DocFragments,
}

// noInstall says what a plugin needs.
func noInstall(what string) error {
	return fmt.Errorf("%s is a plugin in Python, which needs Ansible on this machine, and none is installed: "+
		"install ansible-core (apt install ansible-core, or pipx install ansible-core), or name one with GORUN_ANSIBLE (ansible in [gorun] of ansible.cfg)", what)
}

// start returns the helper, told of all folders that are known by now.
func (p *Plugins) start(ctx context.Context, what string) (*pyhelper.Helper, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	dirs := map[string][]string{}
	for _, k := range pluginKinds {
		for _, d := range p.finder.Dirs(k) {
			d = absPath(d)
			if key := string(k) + "\x00" + d; !p.known[key] {
				p.known[key] = true
				dirs[string(k)] = append(dirs[string(k)], d)
			}
		}
	}
	if p.helper != nil {
		if len(dirs) == 0 {
			return p.helper, nil
		}
		return p.helper, p.helper.AddDirs(ctx, dirs)
	}
	in := p.finder.Install()
	if in == nil {
		return nil, noInstall(what)
	}
	collections := p.finder.CollectionDirs()
	for i, c := range collections {
		collections[i] = absPath(filepath.Dir(c))
	}
	p.helper, p.err = pyhelper.Start(ctx, pyhelper.Options{
		Python: in.Python, Site: in.Site, Dirs: dirs, Collections: collections, Basedir: p.basedir,
		Verbosity: p.o.Verbosity, Columns: p.o.Columns, Color: p.o.Color, CLI: p.o.CLI, Tell: p.o.Tell,
	})
	return p.helper, p.err
}

// Jinja finds a filter or a test. One of gorun's own is replaced only where a
// plugin beside the playbook, of a role or of the settings names it.
func (p *Plugins) Jinja(kind, name string, native bool) (templates.Func, bool) {
	written := p.written(foreign.Kind(kind), name)
	if !written && (native || p.finder.Install() == nil) {
		return nil, false
	}
	if p.finder.Install() == nil {
		return func(*templates.Call) (templates.Value, error) {
			return nil, &templates.Error{Kind: templates.AnsibleError, Msg: noInstall(kind + " " + name).Error()}
		}, true
	}
	has, err := p.has(kind, name, native)
	if err != nil {
		return func(*templates.Call) (templates.Value, error) {
			return nil, &templates.Error{Kind: templates.AnsibleError, Msg: err.Error()}
		}, true
	}
	if !has {
		return nil, false
	}
	return func(c *templates.Call) (templates.Value, error) { return p.call(kind, name, c) }, true
}

// written reports whether a plugin without a collection may define a name: its
// file holds it in quotes, or is called so.
func (p *Plugins) written(k foreign.Kind, name string) bool {
	for _, dir := range p.finder.Dirs(k) {
		files, _ := filepath.Glob(filepath.Join(dir, "*.py")) // a name with wildcards finds what it finds
		for _, f := range files {
			text := p.text(f)
			if strings.Contains(text, "'"+name+"'") || strings.Contains(text, `"`+name+`"`) ||
				strings.Contains(text, name+"=") && strings.Contains(text, "dict(") {
				return true
			}
		}
	}
	return false
}

func (p *Plugins) text(file string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.texts[file]
	if !ok {
		data, err := os.ReadFile(file)
		if err == nil {
			t = string(data)
		}
		p.texts[file] = t
	}
	return t
}

// has asks the helper for a filter or test; own asks for one that is neither
// Ansible's nor a collection's.
func (p *Plugins) has(kind, name string, own bool) (bool, error) {
	ctx := context.Background() // templates are compiled without one
	h, err := p.start(ctx, kind+" "+name)
	if err != nil {
		return false, err
	}
	key := fmt.Sprint(kind, " ", name, " ", own)
	p.mu.Lock()
	has, ok := p.jinja[key]
	p.mu.Unlock()
	if ok && has {
		return true, nil
	}
	args := action.Result("kind", kind, "name", name)
	v, err := h.Call(ctx, "find", args, nil)
	if err != nil {
		return false, err
	}
	file, found := v.(templates.Str)
	if own && found {
		found = false
		for _, dir := range p.finder.Dirs(foreign.Kind(kind)) {
			if real, err := filepath.EvalSymlinks(dir); err == nil && strings.HasPrefix(string(file), real+"/") {
				found = true
			}
		}
	}
	p.mu.Lock()
	p.jinja[key] = found
	p.mu.Unlock()
	return found, nil
}

// call calls a filter or test.
func (p *Plugins) call(kind, name string, c *templates.Call) (templates.Value, error) {
	h, err := p.start(c.State.Ctx, kind+" "+name)
	if err != nil {
		return nil, err
	}
	kwargs := templates.NewDict(len(c.Kwargs))
	for _, k := range c.Kwargs {
		kwargs.SetStr(k.Name, k.Value)
	}
	args := action.Result("kind", kind, "name", name, "args", templates.NewList(c.Args...), "kwargs", kwargs)
	v, err := h.Call(c.State.Ctx, "call", args, variables(c.State.Engine, c.State.Scope))
	var own *pyhelper.Error
	if errors.As(err, &own) {
		return nil, p.jinjaError(kind, name, own)
	}
	if err == nil && kind == "test" {
		v = templates.Bool(v.Truth())
	}
	return v, err
}

// jinjaError is the error that an exception of a filter or test makes.
func (p *Plugins) jinjaError(kind, name string, e *pyhelper.Error) error {
	if p.current {
		return &templates.Error{Kind: templates.AnsibleFilterError, Msg: fmt.Sprintf("The %s plugin '%s' failed: %s", kind, name, e.Msg), Cause: e}
	}
	return &templates.Error{Kind: e.Kind, Msg: e.Msg, Cause: e}
}

// Lookup finds a lookup plugin.
func (p *Plugins) Lookup(name string, native bool) (lookup.Plugin, bool) {
	found, err := p.finder.Local(foreign.Lookup, name, nil)
	if found == nil && err == nil && !native {
		found, err = p.finder.Find(foreign.Lookup, name, nil)
	}
	if err != nil {
		return func(context.Context, lookup.Env, []templates.Value, map[string]templates.Value) ([]templates.Value, error) {
			return nil, err
		}, true
	}
	if found == nil {
		return nil, false
	}
	return func(ctx context.Context, env lookup.Env, terms []templates.Value, opts map[string]templates.Value) ([]templates.Value, error) {
		return p.lookup(ctx, found.Name, env, terms, opts)
	}, true
}

func (p *Plugins) lookup(ctx context.Context, name string, env lookup.Env, terms []templates.Value, opts map[string]templates.Value) ([]templates.Value, error) {
	h, err := p.start(ctx, "lookup "+name)
	if err != nil {
		return nil, err
	}
	kwargs := templates.NewDict(len(opts))
	for k, v := range opts {
		kwargs.SetStr(k, v)
	}
	args := action.Result("name", name, "terms", templates.NewList(terms...), "kwargs", kwargs, "basedir", p.basedir)
	v, err := h.Call(ctx, "lookup", args, variables(env.Templates, env.Scope))
	if err != nil {
		return nil, err
	}
	l, ok := v.(*templates.List)
	if !ok {
		return nil, nil
	}
	return l.Elems, nil
}

// variables answers a plugin's questions for variables.
func variables(engine *templates.Engine, scope templates.Scope) pyhelper.Callback {
	return func(ctx context.Context, what string, args *templates.Dict) (templates.Value, error) {
		if scope == nil {
			return nil, &pyhelper.Error{Kind: "KeyError", Msg: "there are no variables here"}
		}
		return variable(ctx, engine, scope, what, args)
	}
}

// variable answers get and keys. Actions and lookups get variables as they are
// written, as in Ansible; functions of templates get their values.
func variable(ctx context.Context, engine *templates.Engine, scope templates.Scope, what string, args *templates.Dict) (templates.Value, error) {
	var path []string
	raw, asks := args.GetStr("raw")
	resolve := asks && !raw.Truth()
	v, _ := args.GetStr("path")
	if l, ok := v.(*templates.List); ok {
		for _, e := range l.Elems {
			path = append(path, templates.StrOf(e, templates.Current))
		}
	}
	if what == "keys" && len(path) == 0 {
		return nameList(scope), nil
	}
	if len(path) == 0 {
		return nil, &pyhelper.Error{Kind: "KeyError", Msg: "no variable is named"}
	}
	v, ok, err := scope.Lookup(path[0])
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &pyhelper.Error{Kind: "KeyError", Msg: path[0]}
	}
	for i, key := range path {
		if i > 0 {
			m, isMap := v.(templates.Mapping)
			if !isMap {
				return nil, &pyhelper.Error{Kind: "KeyError", Msg: key}
			}
			if v, ok, err = m.Get(templates.Str(key)); err != nil || !ok {
				return nil, &pyhelper.Error{Kind: "KeyError", Msg: key}
			}
		}
		if resolve {
			if v, err = engine.Resolve(ctx, v, scope); err != nil {
				return nil, err
			}
		}
	}
	m, isMap := v.(templates.Mapping)
	_, isDict := v.(*templates.Dict)
	switch {
	case what == "keys" && isMap:
		return templates.NewList(m.Keys()...), nil
	case isMap && !isDict:
		return &pyhelper.Lazy{Mapping: m, Path: path}, nil
	}
	return v, nil
}

func nameList(scope templates.Scope) *templates.List {
	l := templates.NewList()
	if s, ok := scope.(interface{ Names() []string }); ok {
		for _, n := range s.Names() {
			l.Elems = append(l.Elems, templates.Str(n))
		}
	}
	return l
}

// Action runs an action plugin.
func (p *Plugins) Action(ctx context.Context, t *action.Task) (*templates.Dict, error) {
	h, err := p.start(ctx, "action "+t.Name)
	if err != nil {
		return nil, err
	}
	t.Told = &action.Told{}
	vars := variables(t.Templates, t.Scope)
	v, err := h.Call(ctx, "action", t.PluginRequest(p.basedir), func(ctx context.Context, what string, args *templates.Dict) (templates.Value, error) {
		if what == "get" || what == "keys" {
			return vars(ctx, what, args)
		}
		v, err := t.PluginAsks(ctx, what, args)
		var gone *transport.UnreachableError
		if errors.As(err, &gone) {
			return nil, &pyhelper.Error{Kind: "unreachable", Msg: gone.Msg}
		}
		return v, err
	})
	var own *pyhelper.Error
	if errors.As(err, &own) {
		return nil, pluginFailure(t, own)
	}
	if err != nil {
		return nil, err
	}
	d := pluginResult(t, v)
	if d == nil {
		return nil, &action.Failure{Msg: fmt.Sprintf("the action plugin %s returned no dict", t.Name)}
	}
	if p.current {
		completeDeprecations(d)
		t.Told.AddTo(d)
		if _, has := d.GetStr("changed"); !has && truth(d, "failed") {
			d.SetStr("changed", templates.Bool(false))
		}
	}
	return d, nil
}

// pluginResult is what an action plugin returned, with what it wants of the
// engine noted in its task; nil: no dict.
func pluginResult(t *action.Task, v templates.Value) *templates.Dict {
	answer, _ := v.(*templates.Dict)
	if answer == nil {
		return nil
	}
	inner, _ := answer.GetStr("result")
	d, _ := inner.(*templates.Dict)
	if d == nil {
		return nil
	}
	v, _ = answer.GetStr("marks")
	if l, ok := v.(*templates.List); ok {
		for _, e := range l.Elems {
			if e == templates.Str(action.ShownAlways) {
				d.SetStr(action.ShownAlways, templates.Bool(true))
			} else {
				t.NoLog = true
			}
		}
	}
	if t.Era < templates.Current { // later it takes the actions of that name
		t.TakeEffects(d)
	}
	return d
}

// completeDeprecations says of a plugin's deprecations that nobody is named, as
// ansible-core 2.19 and later do.
func completeDeprecations(d *templates.Dict) {
	v, _ := d.GetStr("deprecations")
	l, ok := v.(*templates.List)
	if !ok {
		return
	}
	for _, e := range l.Elems {
		if m, ok := e.(*templates.Dict); ok {
			for _, key := range []string{"collection_name", "deprecator"} {
				if _, has := m.GetStr(key); !has {
					m.SetStr(key, templates.None)
				}
			}
		}
	}
}

// pluginKeywords are the keywords of its task that an action plugin sees: as
// they are written, and where they have to be resolved before it, their values.
func (tr *taskRun) pluginKeywords(c *connected, res *taskResult) *templates.Dict {
	d := taskFields(callback.Task{}, tr.t)
	d.Delete(templates.Str("action"))
	d.Delete(templates.Str("args"))
	if tr.t.Name.IsSet() {
		d.SetStr("name", tr.t.Name.V)
	}
	d.SetStr("ignore_errors", templates.Bool(res.ignoreErrors))
	d.SetStr("become", templates.Bool(c.become.Method != ""))
	if c.become.Method != "" {
		d.SetStr("become_method", templates.Str(c.become.Method))
		d.SetStr("become_user", templates.Str(becomeUser(c)))
	}
	if res.delegate != "" {
		d.SetStr("delegate_to", templates.Str(res.delegate))
	}
	d.SetStr("path", templates.Str(taskPath(tr.t)))
	if r := tr.t.Role; r != nil {
		d.SetStr("role", roleFields(r))
	}
	return d
}

// pluginConnection is what an action plugin sees of the play's context and of
// the connection. Passwords stay here.
func pluginConnection(c *connected) *templates.Dict {
	t := c.target
	d := action.Result("connection", t.Connection, "remote_addr", t.Address, "become", c.become.Method != "")
	if t.User != "" {
		d.SetStr("remote_user", templates.Str(t.User))
	}
	if t.Port != 0 {
		d.SetStr("port", templates.Int(t.Port))
	}
	if t.KeyFile != "" {
		d.SetStr("private_key_file", templates.Str(t.KeyFile))
	}
	if c.become.Method != "" {
		d.SetStr("become_method", templates.Str(c.become.Method))
		d.SetStr("become_user", templates.Str(becomeUser(c)))
	}
	return d
}

func becomeUser(c *connected) string {
	if c.become.User == "" {
		return "root"
	}
	return c.become.User
}

// pluginFailure is the failure that an exception of an action plugin makes.
func pluginFailure(t *action.Task, e *pyhelper.Error) error {
	switch {
	case e.Unreachable:
		return &transport.UnreachableError{Msg: e.Msg, Err: e}
	case e.Ansible:
		return t.Error(e.Msg)
	case t.Era >= templates.Current:
		return t.Error(e.Msg)
	}
	return &action.Failure{
		Msg: "Unexpected failure during module execution: " + e.Msg, Bare: true, Exception: e.Trace,
		Data: action.Result("stdout", ""),
	}
}
