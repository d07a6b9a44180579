// Package lookup holds the lookup plugins: what with_* loops over, and the
// template functions lookup, query and q. They run on the controller.
package lookup

// This file defines the table of lookups and how they are called.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"gorun/internal/redact"
	"gorun/modules"
	"gorun/modules/pyre"
	"gorun/templates"
)

// Options are what lookups need from the outside.
type Options struct {
	// ReadFile reads a file, decrypted where it is a vault; nil is os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Match gives the hosts of a pattern (inventory_hostnames); nil: none.
	Match func(pattern string) ([]string, error)
	// Config gives a setting by its name, and where its value is from (config);
	// nil: none is known.
	Config func(name string) (v templates.Value, origin string, ok bool)
	// CollectionDirs gives the folders that hold ansible_collections, nearest
	// first (collection_version); nil: there are none.
	CollectionDirs func() []string
	// Redact takes the secrets that lookups find; nil: they are not hidden.
	Redact *redact.Registry
	// Warn tells the user; nil: nobody.
	Warn func(msg string)
	// More gives lookups that are not in the table; native says that one of
	// the name is. nil: there are none.
	More func(name string, native bool) (Plugin, bool)
	// Advice says what would help where a lookup is unknown; kind is lookup. It
	// may be nil, and give nothing.
	Advice func(kind, name string) string
}

// A Plugin is a lookup from elsewhere.
type Plugin func(ctx context.Context, env Env, terms []templates.Value, opts map[string]templates.Value) ([]templates.Value, error)

// A Table is the lookups of a run.
type Table struct{ o Options }

// New returns the lookups.
func New(o Options) *Table {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return &Table{o}
}

// Env is where a lookup is called.
type Env struct {
	Templates *templates.Engine
	Scope     templates.Scope
	// Action is the name of the task's action, for with_first_found.
	Action string
}

// A call is one call of a lookup.
type call struct {
	ctx   context.Context
	t     *Table
	env   Env
	name  string
	terms []templates.Value
	opts  map[string]templates.Value
}

type lookupFunc func(c *call) ([]templates.Value, error)

// table is every lookup by its short name
// (https://docs.ansible.com/ansible/latest/collections/index_lookup.html).
var table = map[string]lookupFunc{
	"config": lookupConfig, "csvfile": lookupCSV, "dict": lookupDict, "env": lookupEnv, "file": lookupFile,
	"fileglob": lookupFileglob, "filetree": lookupFiletree, "first_found": lookupFirstFound, "flattened": lookupFlattened,
	"cartesian": lookupCartesian, "indexed_items": lookupIndexed, "ini": lookupINI,
	"inventory_hostnames": lookupHostnames, "items": lookupItems, "lines": lookupLines, "list": lookupList,
	"nested": lookupNested, "password": lookupPassword, "pipe": lookupPipe, "random_choice": lookupRandom,
	"sequence": lookupSequence, "subelements": lookupSubelements, "template": lookupTemplate,
	"together": lookupTogether, "unvault": lookupUnvault, "url": lookupURL, "varnames": lookupVarnames, "vars": lookupVars,
	"random_string": lookupRandomString, "dependent": lookupDependent, "merge_variables": lookupMergeVariables, "passwordstore": lookupPasswordStore, "lastpass": lookupLastPass, "bitwarden": lookupBitwarden,
	"onepassword": lookupOnePassword, "onepassword_raw": fromOnePassword((*onePassword).item), "onepassword_doc": fromOnePassword(onePasswordDoc),
	"onepassword_ssh_key": lookupOnePasswordSSHKey, "hiera": lookupHiera, "collection_version": lookupCollectionVersion,
	"to_paths": fromFilter("ansible.utils.to_paths"), "get_path": fromFilter("ansible.utils.get_path"), "index_of": fromFilter("ansible.utils.index_of"),
}

// Names lists the lookups, sorted.
func Names() []string {
	names := make([]string, 0, len(table))
	for n := range table {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// find resolves a lookup's name: short, or in a collection that has it.
func find(name string) (lookupFunc, bool) {
	for _, pre := range []string{"ansible.builtin.", "ansible.legacy.", "community.general.", "ansible.utils."} {
		name = strings.TrimPrefix(name, pre)
	}
	f, ok := table[name]
	return f, ok
}

// find is the lookup of a name: one from elsewhere, or the table's.
func (t *Table) find(name string) (lookupFunc, bool) {
	f, ok := find(name)
	if t.o.More == nil {
		return f, ok
	}
	if plugin, found := t.o.More(name, ok); found {
		return func(c *call) ([]templates.Value, error) { return plugin(c.ctx, c.env, c.terms, c.opts) }, true
	}
	return f, ok
}

// advice says what would make an unknown lookup known, "" where nothing would.
func (t *Table) advice(name string) string {
	if t.o.Advice == nil {
		return ""
	}
	if full, ok := elsewhere[name]; ok {
		name = full
	}
	return t.o.Advice("lookup", name)
}

// elsewhere are the lookups that Ansible finds under their short names in
// collections whose lookups gorun does not have itself.
var elsewhere = func() map[string]string {
	names := map[string]string{
		"hashi_vault": "community.hashi_vault.hashi_vault", "k8s": "kubernetes.core.k8s", "aws_account_attribute": "amazon.aws.aws_account_attribute",
		"aws_secret": "amazon.aws.aws_secret", "aws_service_ip_ranges": "amazon.aws.aws_service_ip_ranges", "aws_ssm": "amazon.aws.aws_ssm",
		"conjur_variable": "cyberark.conjur.conjur_variable", "grafana_dashboard": "community.grafana.grafana_dashboard",
		"mongodb": "community.mongodb.mongodb", "nios": "infoblox.nios_modules.nios_lookup", "avi": "community.network.avi", "laps_password": "community.windows.laps_password",
	}
	for _, n := range []string{"chef_databag", "consul_kv", "credstash", "cyberarkpassword", "dig", "dnstxt", "dsv", "etcd", "etcd3", "keyring", "lmdb_kv", "manifold",
		"redis", "shelvefile", "tss"} {
		names[n] = "community.general." + n
	}
	return names
}()

// Loop gives the items of with_NAME over a value that is resolved. The terms
// are listified as Ansible's loops do; items flattens them one level.
func (t *Table) Loop(ctx context.Context, name string, v templates.Value, env Env) (items []templates.Value, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *pyre.TooLong:
			items, err = nil, p
		default:
			panic(p)
		}
	}()
	f, ok := t.find(name)
	if !ok {
		msg := "Unexpected failure in finding the lookup named '" + name + "' in the available lookup plugins"
		if advice := t.advice(name); advice != "" {
			msg += ". " + advice
		}
		return nil, errors.New(msg)
	}
	c := &call{ctx: ctx, t: t, env: env, name: name, terms: listify(v), opts: map[string]templates.Value{}}
	if m, ok := v.(templates.Mapping); ok && !c.current() && c.short() != "dict" {
		switch c.short() {
		case "indexed_items", "list", "flattened":
			return nil, errors.New("with_" + c.short() + " expects a list")
		}
		c.terms = m.Keys() // 2.14 does not put a dict into a list, and lookups go through its keys
	}
	items, err = f(c)
	if err != nil && c.current() {
		return nil, c.framed(err)
	}
	for i, it := range items {
		if tup, ok := it.(templates.Tuple); ok {
			items[i] = templates.NewList(tup...) // loops show lists
		}
	}
	return items, err
}

// listify makes a list of anything that is none.
func listify(v templates.Value) []templates.Value {
	switch v := v.(type) {
	case nil, templates.NoneType, templates.OmitType:
		return nil
	case *templates.List:
		return v.Elems
	case templates.Sequence:
		out := make([]templates.Value, v.Len())
		for i := range out {
			out[i] = v.Index(i)
		}
		return out
	}
	return []templates.Value{v}
}

// Globals are the functions lookup, query, q, now and undef for [templates.Options.Globals].
func (t *Table) Globals() map[string]templates.Value {
	query := func(c *templates.Call) (templates.Value, error) { return t.fromTemplate(c, true) }
	return map[string]templates.Value{
		"lookup": templates.NewFunc("lookup", func(c *templates.Call) (templates.Value, error) { return t.fromTemplate(c, false) }),
		"query":  templates.NewFunc("query", query),
		"q":      templates.NewFunc("q", query),
		"now":    templates.NewFunc("now", now),
		"undef":  templates.NewFunc("undef", undef),
	}
}

// fromTemplate is lookup(name, terms..., options...).
func (t *Table) fromTemplate(tc *templates.Call, wantList bool) (templates.Value, error) {
	if len(tc.Args) == 0 {
		return nil, &templates.Error{Kind: templates.TypeError, Msg: "lookup() missing 1 required positional argument: 'name'"}
	}
	name := templates.StrOf(tc.Args[0], templates.Current)
	if tc.Args[0].Type() != "str" {
		if tc.State.Era() == templates.Current {
			return nil, &templates.Error{Kind: templates.AnsibleError, Msg: "The lookup plugin " + name + " failed to load: unsupported type " + class(tc.Args[0])}
		}
		return nil, &templates.Error{Kind: templates.AttributeError, Msg: "'" + tc.Args[0].Type() + "' object has no attribute 'startswith'"}
	}
	f, ok := t.find(name)
	if !ok {
		msg := "lookup plugin (" + name + ") not found"
		if tc.State.Era() == templates.Current {
			msg = "The lookup plugin '" + name + "' was not found."
		}
		known := Names()
		if advice := t.advice(name); advice != "" {
			msg, known = strings.TrimSuffix(msg, ".")+". "+advice, nil
		}
		return nil, &templates.Error{Kind: templates.AnsibleError, Msg: msg, Got: name, Known: known}
	}
	c := &call{ctx: tc.State.Ctx, t: t, env: Env{Templates: tc.State.Engine, Scope: tc.State.Scope}, name: name, opts: map[string]templates.Value{}}
	c.terms = tc.Args[1:]
	onErrors := "strict"
	for _, kw := range tc.Kwargs {
		switch kw.Name {
		case "wantlist":
			wantList = wantList || kw.Value.Truth()
		case "errors":
			onErrors = templates.StrOf(kw.Value, templates.Current)
		default:
			c.opts[kw.Name] = kw.Value
		}
	}
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "pipe", "lines", "url":
		templates.Moment(c.ctx)
	}
	items, err := f(c)
	if err != nil {
		return c.onError(onErrors, wantList, err)
	}
	if wantList {
		return templates.NewList(items...), nil
	}
	return joined(items), nil
}

// onError applies errors='warn' and 'ignore'. What is undefined is an error
// all the same, before 2.19 a wrong option too.
func (c *call) onError(how string, wantList bool, err error) (templates.Value, error) {
	var te *templates.Error
	var p *problem
	if errors.As(err, &te) && te.Kind == templates.UndefinedError || errors.As(err, &p) && p.class == optionsError && !c.current() {
		return nil, c.framed(err)
	}
	switch how {
	case "warn":
		c.t.o.Warn(c.warning(err))
	case "ignore":
	default:
		return nil, c.framed(err)
	}
	if wantList {
		return templates.NewList(), nil
	}
	return templates.None, nil
}

// joined is what lookup gives: texts joined by commas; one item that is no
// text as it is; several of them, and none, as a list.
func joined(items []templates.Value) templates.Value {
	if len(items) == 0 {
		return templates.NewList()
	}
	if len(items) == 1 {
		return items[0]
	}
	parts := make([]string, len(items))
	for i, it := range items {
		s, ok := it.(templates.Str)
		if !ok {
			return templates.NewList(items...)
		}
		parts[i] = string(s)
	}
	return templates.Str(strings.Join(parts, ","))
}

func text(v templates.Value) string { return templates.StrOf(v, templates.Current) }

func str(s string) templates.Value { return templates.Str(s) }

// variable looks a variable up and resolves it.
func (c *call) variable(name string) (templates.Value, bool, error) {
	v, ok, err := c.env.Scope.Lookup(name)
	if err != nil || !ok {
		return nil, false, err
	}
	v, err = c.env.Templates.Resolve(c.ctx, v, c.env.Scope)
	return v, err == nil, err
}

// searchPath are the folders of the task, nearest first.
func (c *call) searchPath() []string {
	var out []string
	if v, ok, err := c.variable("ansible_search_path"); ok && err == nil {
		for _, e := range listify(v) {
			out = append(out, text(e))
		}
	}
	if len(out) == 0 {
		if v, ok, err := c.variable("playbook_dir"); ok && err == nil {
			out = append(out, text(v))
		}
	}
	return out
}

// candidates are the places where a file is looked for: below sub in every
// folder of the search path, then beside.
func (c *call) candidates(sub, name string) []string {
	if strings.HasPrefix(name, "~") {
		name = modules.ExpandPath(name, nil)
	}
	if filepath.IsAbs(name) {
		return []string{name}
	}
	return Candidates(c.searchPath(), sub, name)
}

// Candidates are the places where a relative file is looked for: in each
// folder of path below sub, then in the folder itself. For a file of a role
// whose tasks are in a folder "tasks" that folder comes last.
func Candidates(path []string, sub, name string) []string {
	var out []string
	add := func(p string) {
		for _, o := range out {
			if o == p {
				return
			}
		}
		out = append(out, p)
	}
	for _, dir := range path {
		if filepath.Base(dir) == "tasks" {
			add(filepath.Join(filepath.Dir(dir), sub, name))
		}
		add(filepath.Join(dir, sub, name))
		add(filepath.Join(dir, name))
	}
	return out
}

// findFile returns the first candidate that exists; 2.14 warns where none does.
func (c *call) findFile(sub, name string) (string, bool) {
	p, ok := c.findQuietly(sub, name)
	if !ok && !c.current() {
		c.t.o.Warn("Unable to find '" + name + "' in expected paths (use -vvvvv to see paths)")
	}
	return p, ok
}

// findQuietly is findFile without a warning.
func (c *call) findQuietly(sub, name string) (string, bool) {
	for _, p := range c.candidates(sub, name) {
		if _, err := os.Stat(p); err == nil {
			return p, true
		}
	}
	return "", false
}
