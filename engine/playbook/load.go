package playbook

// This file defines the loader and reads files for it.

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gopkg.in/yaml.v3"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// Options configure a Loader.
type Options struct {
	Era templates.Era
	// RolesPath and CollectionsPath are searched after the places beside the playbook.
	RolesPath, CollectionsPath []string
	// InstalledCollections tells where the collections are that came with an
	// Ansible; they are searched last. nil: nowhere.
	InstalledCollections func() []string
	// ReadFile reads a file and decrypts it where it is a vault; nil is os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// DecryptInline decrypts a !vault scalar's text.
	DecryptInline func(text string, pos Pos) (string, error)
	// Seal keeps !vault scalars sealed until they are used ([pyyaml.Options.Seal]).
	Seal bool
	// Static resolves a template with what is known before the run (extra
	// vars) in names of static imports; nil leaves none.
	Static func(v templates.Value) (templates.Value, error)
	// StaticVars does the same with the vars of what stands around, lowest
	// precedence first (role defaults, play vars, vars_files, role vars, block
	// and task vars); extra vars win over them. It is asked instead of Static.
	StaticVars func(v templates.Value, vars []*templates.Dict) (templates.Value, error)
	// KnownAction reports whether an action name can run, with the nearest
	// known names for the error. Without it every name can.
	KnownAction func(name string, collections []string) (ok bool, near []string)
	// KnownLookup reports whether there is a lookup for with_NAME; without it
	// there is one for every name.
	KnownLookup func(name string) bool
	// RoleFound is told of the folder of each role before its tasks are read; nil: nobody.
	RoleFound func(dir string)
	// Duplicate is told of keys that a mapping has twice; nil tells Warn.
	Duplicate func(pos Pos, key string)
	// Warn and Deprecate are told what the user should know; nil drops it.
	Warn, Deprecate func(msg string)
	// DeprecateAt is told of what the current era deprecates, with its place
	// and advice; nil drops it.
	DeprecateAt func(pos Pos, msg, help string)
}

// A Loader loads playbooks; it is safe for concurrent use.
type Loader struct {
	opts Options
	ids  atomic.Int64

	mu    sync.Mutex
	files map[string]parsed
	told  map[string]bool // deprecations
}

// parsed is a file as it was read last: as long as its bytes are the same it
// is not parsed again.
type parsed struct {
	data []byte
	doc  *pyyaml.Doc
}

// NewLoader returns a loader.
func NewLoader(o Options) *Loader {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Deprecate == nil {
		o.Deprecate = func(string) {}
	}
	return &Loader{opts: o, files: map[string]parsed{}, told: map[string]bool{}}
}

// Load loads a playbook with everything that it imports statically. All errors
// that it finds are joined into one [Errors].
func (l *Loader) Load(path string) (*Playbook, error) {
	ld := &loading{l: l}
	if !isFile(path) {
		if p, ok := l.collectionPlaybook(path, ""); ok {
			path = p
		}
	}
	pb := &Playbook{File: path}
	pb.Plays = ld.playbook(path, Pos{File: path}, nil)
	pb.Files = ld.files
	return pb, ld.err()
}

// LoadTasks loads a task file for a dynamic include (handlers: with handler
// rules): the items have parent as what stands around. The error is [Errors].
func (l *Loader) LoadTasks(path string, parent *Block, role *Role, handlers bool) ([]Item, error) {
	ld := &loading{l: l}
	c := scope{parent: parent, role: role, handlers: handlers}
	if parent != nil {
		c.play = parent.Play
	}
	items := ld.taskFile(c, path, Pos{File: path})
	return items, ld.err()
}

// LoadVarsFile loads a file of variables (vars_files, include_vars, group_vars,
// -e @file): YAML or JSON, vault decrypted, texts with markers as *Text. An
// empty file gives an empty dict.
func (l *Loader) LoadVarsFile(path string) (*templates.Dict, error) {
	doc, err := l.read(path)
	if err != nil {
		return nil, err
	}
	return l.varsOf(doc, path)
}

// varsOf gives the dict of a file of variables.
func (l *Loader) varsOf(doc *pyyaml.Doc, path string) (*templates.Dict, error) {
	v, err := doc.Value(doc.Root, l.yamlOptions())
	if err != nil {
		return nil, asError(err, path)
	}
	switch v := v.(type) {
	case *templates.Dict:
		return v, nil
	case templates.NoneType:
		return &templates.Dict{}, nil
	case *templates.List:
		if d, ok := mergeDicts(v); ok {
			return d, nil
		}
	}
	pos := doc.Pos(doc.Root)
	return nil, &Error{Pos: pos, Line: doc.Line(pos.Line), Msg: "variable files must contain either a dictionary of variables, or a list of dictionaries. Got: " + show(v) + " (" + class(v) + ")", Cause: ErrNoVariables}
}

// mergeDicts makes one dict of a list of dicts, of which a later one wins.
func mergeDicts(l *templates.List) (*templates.Dict, bool) {
	var all Vars
	for _, e := range l.Elems {
		d, ok := e.(*templates.Dict)
		if !ok {
			return nil, false
		}
		all = joinVars(all, Vars{Dict: d})
	}
	return all.Dict, all.Dict != nil
}

// read reads and parses a file. The error is *Error.
func (l *Loader) read(path string) (*pyyaml.Doc, error) {
	data, err := l.opts.ReadFile(path)
	if err != nil {
		return nil, readError(err, path)
	}
	l.mu.Lock()
	p, ok := l.files[path]
	l.mu.Unlock()
	if ok && bytes.Equal(p.data, data) {
		return p.doc, nil
	}
	doc, err := pyyaml.Read(data, path)
	if err != nil {
		return nil, asError(err, path)
	}
	l.mu.Lock()
	l.files[path] = parsed{data: data, doc: doc}
	l.mu.Unlock()
	return doc, nil
}

func readError(err error, path string) *Error {
	e := &Error{Pos: Pos{File: path}, Msg: err.Error(), Cause: err}
	var system *fs.PathError
	switch inner := errors.Unwrap(err); {
	case inner != nil && !errors.As(err, &system): // a vault that cannot be opened
		e.Msg, e.Exit = inner.Error(), exitParser
	case errors.Is(err, fs.ErrNotExist):
		e.Exit = exitError
		e.Msg = "Could not find or access '" + path + "' on the Ansible Controller."
	case errors.Is(err, fs.ErrPermission):
		e.Msg = "an error occurred while trying to read the file '" + path + "': permission denied"
	}
	return e
}

func (l *Loader) yamlOptions() pyyaml.Options {
	return pyyaml.Options{Trusted: true, Vault: l.opts.DecryptInline, Seal: l.opts.Seal, Warn: l.opts.Warn, Duplicate: l.opts.Duplicate}
}

// A loading is one call of the loader: what it found wrong and what it read.
type loading struct {
	l     *Loader
	errs  Errors
	files []string
	// busy are the files and roles that are being loaded, to notice circles.
	busy []string
}

func (ld *loading) err() error {
	if len(ld.errs) == 0 {
		return nil
	}
	return ld.errs
}

// A scope is where tasks stand.
type scope struct {
	doc      *pyyaml.Doc
	file     string
	parent   *Block
	play     *Play
	role     *Role
	handlers bool
	// uses are the role entries around, outermost first.
	uses []*RoleUse
	// asWritten leaves variables of former days as they are.
	asWritten bool
}

func (c *scope) pos(n *yaml.Node) Pos { return c.doc.Pos(n) }

// dir is the folder of the playbook that is run.
func (c *scope) playDir() string {
	if c.play != nil {
		return filepath.Dir(c.play.File)
	}
	if c.file != "" {
		return filepath.Dir(c.file)
	}
	return "."
}

// collections are those to search for unqualified names here.
func (c *scope) collections() []string {
	for b := c.parent; b != nil; b = b.Parent {
		if len(b.Collections) > 0 {
			return b.Collections
		}
	}
	if c.role != nil && len(c.role.Collections) > 0 {
		return c.role.Collections
	}
	if c.play != nil {
		return c.play.Collections
	}
	return nil
}

// maxErrors bounds what is told of a file that is no playbook at all.
const maxErrors = 1000

// fail records an error at a place of the file of c.
func (ld *loading) fail(c *scope, pos Pos, format string, args ...any) *Error {
	e := &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)}
	if c.doc != nil && pos.File == c.doc.File {
		e.Line = c.doc.Line(pos.Line)
	}
	if len(ld.errs) < maxErrors {
		ld.errs = append(ld.errs, e)
	}
	return e
}

// shown is a file's name in messages: today's Ansible shows it whole.
func (ld *loading) shown(path string) string {
	if abs, err := filepath.Abs(path); err == nil && ld.l.opts.Era >= templates.Current {
		return abs
	}
	return path
}

// open reads a file that something at pos asks for, and records what is wrong.
func (ld *loading) open(c *scope, path string, pos Pos) *pyyaml.Doc {
	doc, err := ld.l.read(path)
	if err != nil {
		e := asError(err, path)
		if e.Pos.Line == 0 && pos.IsValid() && c.doc != nil {
			e = &Error{Pos: pos, Line: c.doc.Line(pos.Line), Msg: e.Msg, Cause: e, Exit: e.Exit}
		}
		ld.add(e)
		return nil
	}
	if !slices.Contains(ld.files, path) {
		ld.files = append(ld.files, path)
	}
	return doc
}

// add records an error once: a file that is imported twice is wrong once.
func (ld *loading) add(e *Error) {
	for _, o := range ld.errs {
		if o.Pos == e.Pos && o.Msg == e.Msg {
			return
		}
	}
	if len(ld.errs) < maxErrors {
		ld.errs = append(ld.errs, e)
	}
}

// value converts a node; a broken one is recorded and gives None.
func (ld *loading) value(c *scope, n *yaml.Node) Value {
	v, _ := ld.tryValue(c, n)
	return v
}

// tryValue is value that reports whether the node was sound.
func (ld *loading) tryValue(c *scope, n *yaml.Node) (Value, bool) {
	v, err := c.doc.Value(n, ld.l.yamlOptions())
	if err != nil {
		ld.add(asError(err, c.file))
		return Value{V: templates.None, Pos: c.pos(n)}, false
	}
	if ld.l.opts.Era == templates.Era19 && !c.asWritten {
		v = dollars(v, c.pos(n))
	}
	return Value{V: v, Pos: c.pos(n)}, true
}

// A field is one key of an object.
type field struct {
	key string
	pos Pos // of the key
	n   *yaml.Node
}

// fields gives the items of a mapping. It records an error and gives false for
// keys that are no text.
func (ld *loading) fields(c *scope, n *yaml.Node) ([]field, bool) {
	pairs, err := c.doc.Pairs(n, ld.l.yamlOptions())
	if err != nil {
		ld.add(asError(err, c.file))
		return nil, false
	}
	fields := make([]field, len(pairs))
	for i, p := range pairs {
		k := pyyaml.Resolve(p.Key)
		fields[i] = field{key: k.Value, pos: c.pos(p.Key), n: pyyaml.Resolve(p.Value)}
	}
	return fields, true
}

func find(fs []field, key string) (field, bool) {
	for _, f := range fs {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

func isNull(n *yaml.Node) bool {
	if n == nil || n.Kind == 0 {
		return true
	}
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// show prints a value in a message.
func show(v templates.Value) string {
	if s, ok := textOf(v); ok {
		return s
	}
	return templates.StrOf(v, templates.Current)
}

// class is how Python prints a value's type.
func class(v templates.Value) string { return "<class '" + v.Type() + "'>" }

// textOf gives the text of a Str or Text.
func textOf(v templates.Value) (string, bool) {
	switch v := v.(type) {
	case templates.Str:
		return string(v), true
	case *templates.Text:
		return v.Src, true
	}
	return "", false
}

func isFile(path string) bool { st, err := os.Stat(path); return err == nil && !st.IsDir() }
func isDir(path string) bool  { st, err := os.Stat(path); return err == nil && st.IsDir() }

// resolve asks who templates before the run; without anybody t stays.
func (ld *loading) resolve(c *scope, t *templates.Text) (templates.Value, error) {
	switch {
	case ld.l.opts.StaticVars != nil:
		return ld.l.opts.StaticVars(t, ld.knownVars(c))
	case ld.l.opts.Static != nil:
		return ld.l.opts.Static(t)
	}
	return t, nil
}

// knownVars are the variables that are known at c before the run.
func (ld *loading) knownVars(c *scope) []*templates.Dict {
	var layers []*templates.Dict
	add := func(d *templates.Dict) {
		if d != nil {
			layers = append(layers, d)
		}
	}
	if c.role != nil {
		add(c.role.Defaults)
	}
	if c.play != nil {
		add(c.play.Vars.Dict)
		layers = append(layers, ld.varsFiles(c.play)...)
		add(c.play.ImportVars.Dict)
	}
	if c.role != nil {
		add(c.role.Vars)
	}
	var blocks []*templates.Dict
	for b := c.parent; b != nil; b = b.Parent {
		for _, d := range []*templates.Dict{b.ImportVars.Dict, b.Vars.Dict} {
			if d != nil {
				blocks = append(blocks, d)
			}
		}
	}
	slices.Reverse(blocks)
	return append(append(layers, blocks...), magicVars(c))
}

// magicVars are the magic variables of the playbook and the role at c.
func magicVars(c *scope) *templates.Dict {
	d := templates.NewDict(4)
	set := func(name, value string) { d.SetStr(name, templates.Str(value)) }
	path := func(name, dir string) {
		if abs, err := filepath.Abs(dir); err == nil {
			set(name, abs)
		}
	}
	path("playbook_dir", c.playDir())
	if c.role != nil {
		path("role_path", c.role.Path)
		set("ansible_role_name", c.role.Name)
		set("role_name", c.role.Name)
		if c.role.FQCN != "" {
			set("role_name", c.role.FQCN[strings.LastIndexByte(c.role.FQCN, '.')+1:])
		}
	}
	return d
}

// varsFiles reads those vars_files of a play whose names are plain. One that
// cannot be read is left out: the run tells of it.
func (ld *loading) varsFiles(p *Play) []*templates.Dict {
	list, ok := p.VarsFiles.V.(*templates.List)
	if !ok {
		list = templates.NewList(p.VarsFiles.V)
	}
	var ds []*templates.Dict
	for _, e := range list.Elems {
		name, isStr := e.(templates.Str)
		if !isStr {
			continue
		}
		file := string(name)
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(p.File), file)
		}
		if d, err := ld.l.LoadVarsFile(file); err == nil {
			ds = append(ds, d)
		}
	}
	return ds
}

// static resolves a name that has to be known before the run.
func (ld *loading) static(c *scope, v Value, what string) (string, bool) {
	if t, ok := v.V.(*templates.Text); ok {
		resolved, err := ld.resolve(c, t)
		if s, isStr := resolved.(templates.Str); isStr && err == nil {
			return string(s), true
		}
		e := ld.fail(c, v.Pos, "Error when evaluating variable in %s: %s.", what, t.Src)
		e.Notes = []string{"a static import happens before the run: its name may use extra vars (-e) and the play's vars, and neither facts nor variables of the inventory; include_tasks and include_role have no such limit"}
		if err != nil {
			e.Notes, e.Cause = append(e.Notes, err.Error()), err
		}
		return "", false
	}
	s, ok := textOf(v.V)
	if !ok {
		s = show(v.V)
	}
	return strings.TrimSpace(s), true
}
