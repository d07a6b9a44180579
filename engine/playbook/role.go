package playbook

// This file loads roles.

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// RoleRequest is a dynamic include_role.
type RoleRequest struct {
	Name                                            string
	TasksFrom, VarsFrom, DefaultsFrom, HandlersFrom string
	Parent                                          *Block
	Play                                            *Play
	FromRole                                        *Role  // the including role
	FromFile                                        string // the including file
	AllowDuplicates, RolespecValidate               *bool
	Params                                          Vars
	// Written are the loop's variables and what the include was given as it is
	// written: they tell it from other uses of the role.
	Written *templates.Dict
	// Pos is where the include stands, for errors.
	Pos Pos
}

// LoadRole loads a role for include_role. The error is [Errors].
func (l *Loader) LoadRole(r RoleRequest) (*RoleUse, error) {
	ld := &loading{l: l}
	c := scope{file: r.FromFile, parent: r.Parent, play: r.Play, role: r.FromRole}
	pos := r.Pos
	if !pos.IsValid() {
		pos.File = r.FromFile
	}
	use := &RoleUse{Pos: pos, Params: r.Params}
	from := roleFiles{tasks: r.TasksFrom, vars: r.VarsFrom, defaults: r.DefaultsFrom, handlers: r.HandlersFrom}
	if !ld.fillUse(&c, use, r.Name, pos, from) {
		use = nil
	} else {
		use.Role.included(from, r.Written, r.AllowDuplicates)
		if r.RolespecValidate != nil && !*r.RolespecValidate {
			use.Role.ArgumentSpecs = nil
		}
	}
	return use, ld.err()
}

// roleFiles are the names of a role's main files; "" is main.
type roleFiles struct{ tasks, vars, defaults, handlers string }

// roles decodes roles:.
func (ld *loading) roles(c *scope, f field) []*RoleUse {
	switch {
	case isNull(f.n):
		return nil
	case f.n.Kind != yaml.SequenceNode:
		ld.fail(c, c.pos(f.n), "A malformed role declaration was encountered.")
		return nil
	}
	var uses []*RoleUse
	for _, n := range f.n.Content {
		if use := ld.roleEntry(c, pyyaml.Resolve(n)); use != nil {
			uses = append(uses, use)
		}
	}
	return uses
}

// roleEntry decodes one entry of roles: or of a role's dependencies.
func (ld *loading) roleEntry(c *scope, n *yaml.Node) *RoleUse {
	use := &RoleUse{Pos: c.pos(n)}
	var name Value
	switch n.Kind {
	case yaml.MappingNode:
		fs, ok := ld.fields(c, n)
		if !ok {
			return nil
		}
		for _, f := range fs {
			ld.roleField(c, f, use, &name)
		}
		if name.V == nil {
			ld.fail(c, use.Pos, "role definitions must contain a role name").Exit = exitError
			return nil
		}
		use.Name = Value{}
	default:
		name = ld.value(c, n)
		if _, isText := textOf(name.V); !isText {
			ld.fail(c, use.Pos, "Invalid role definition: %s", show(name.V))
			return nil
		}
	}
	s, ok := ld.static(c, name, "role name")
	if !ok {
		return nil
	}
	if !ld.fillUse(c, use, s, name.Pos, roleFiles{}) {
		return nil
	}
	use.Role.Key = entryKey(use)
	return use
}

func (ld *loading) roleField(c *scope, f field, use *RoleUse, name *Value) {
	switch f.key {
	case "role":
		*name = ld.value(c, f.n)
	case "name":
		if name.V == nil {
			*name = ld.value(c, f.n)
		}
	case "src": // a dependency as ansible-galaxy takes it
		if name.V == nil {
			v := ld.value(c, f.n)
			s, _ := textOf(v.V)
			*name = Value{V: templates.Str(strings.TrimSuffix(path.Base(s), ".git")), Pos: v.Pos}
		}
	case "when":
		use.When = ld.list(c, f)
	case "delegate_to":
		use.DelegateTo = ld.checked(c, f, text)
	case "delegate_facts":
		use.DelegateFacts = ld.checked(c, f, boolean)
	default:
		if !ld.base(c, f, &use.Base, "RoleDefinition") && !ld.become(c, f, &use.Base) {
			use.Params = addParam(use.Params, f.key, ld.value(c, f.n))
		}
	}
}

// importRole replaces an import_role by the role's tasks.
func (ld *loading) importRole(c *scope, t *Task) []Item {
	options := roleOptions
	if ld.l.opts.Era >= templates.Current {
		options = append(slices.Clone(roleOptions), "public") // since 2.17
	}
	v, ok := ld.roleArg(c, t, options)
	if !ok {
		return nil
	}
	name, ok := ld.static(c, v, "role name")
	if !ok {
		return nil
	}
	outer := t.asBlock()
	inner := *c
	inner.parent = outer
	use := &RoleUse{Pos: t.Pos}
	str := func(key string) string { a, _ := t.Args.GetStr(key); s, _ := textOf(a); return s }
	from := roleFiles{tasks: str("tasks_from"), vars: str("vars_from"), defaults: str("defaults_from"), handlers: str("handlers_from")}
	var dup *bool
	if a, has := t.Args.GetStr("allow_duplicates"); has {
		if b, isBool := literalBool(a); isBool {
			yes := bool(b.(templates.Bool))
			dup = &yes
		}
	}
	inner.handlers = false
	if !ld.fillUse(&inner, use, name, v.Pos, from) {
		return nil
	}
	use.Role.Given = t.Vars
	use.Role.included(from, t.Vars.Dict, dup)
	if a, has := t.Args.GetStr("rolespec_validate"); has {
		if b, isBool := literalBool(a); isBool && !bool(b.(templates.Bool)) {
			use.Role.ArgumentSpecs = nil
		}
	}
	if a, has := t.Args.GetStr("public"); has {
		b, isBool := literalBool(a)
		use.Private = isBool && !bool(b.(templates.Bool))
	}
	if c.play != nil {
		c.play.Imported = append(c.play.Imported, use)
	}
	for _, u := range use.Order() {
		outer.Body = append(outer.Body, u.Tasks...)
	}
	return []Item{outer}
}

// Order lists the roles that an entry runs: dependencies first, then itself.
func (u *RoleUse) Order() []*RoleUse {
	var uses []*RoleUse
	for _, d := range u.Dependencies {
		uses = append(uses, d.Order()...)
	}
	return append(uses, u)
}

// fillUse finds the role called name, as pos says, and loads all of it into use.
func (ld *loading) fillUse(c *scope, use *RoleUse, name string, pos Pos, from roleFiles) bool {
	role := &Role{Name: name, Params: use.Params, Given: use.Vars, Entry: "main"}
	found, tried := ld.l.findRole(name, c)
	if found.dir == "" {
		words := "the role '%s' was not found in %s"
		if ld.l.opts.Era >= templates.Current {
			words = "The role '%s' was not found in: %s"
			for i, dir := range tried {
				if abs, err := filepath.Abs(dir); err == nil {
					tried[i] = abs
				}
			}
		}
		e := ld.fail(c, pos, words, name, strings.Join(tried, ":"))
		e.Got, e.Exit, e.Cause = name, exitError, ErrRoleNotFound
		for _, t := range tried {
			e.Known = append(e.Known, ld.l.rolesIn(t)...)
		}
		return false
	}
	role.Name, role.Path, role.FQCN = found.name, found.dir, found.fqcn
	if fqcn := found.fqcn; fqcn != "" {
		role.Collections = []string{fqcn[:strings.LastIndexByte(fqcn, '.')]}
	}
	if c.role != nil {
		role.Parents = append([]*Role{c.role}, c.role.Parents...)
	}
	use.Role = role
	if ld.l.opts.RoleFound != nil {
		ld.l.opts.RoleFound(found.dir)
	}
	key := "role " + found.dir + " " + from.tasks
	if slices.Contains(ld.busy, key) {
		ld.fail(c, pos, "A recursion loop was detected with the roles specified. Make sure child roles do not have dependencies on parent roles").Exit = exitError
		return false
	}
	ld.busy = append(ld.busy, key)
	defer func() { ld.busy = ld.busy[:len(ld.busy)-1] }()

	use.Block = &Block{
		Base: use.Base, Pos: use.Pos, Implicit: true, When: use.When, DelegateTo: use.DelegateTo, DelegateFacts: use.DelegateFacts,
		Role: role, Parent: c.parent, Play: c.play,
	}
	ld.metadata(c, use)
	role.Defaults, role.DefaultsFile = ld.roleVars(c, use, "defaults", from.defaults)
	role.Vars, role.VarsFile = ld.roleVars(c, use, "vars", from.vars)
	if from.tasks != "" {
		role.Entry = strings.TrimSuffix(from.tasks, filepath.Ext(from.tasks))
	}
	use.Tasks = ld.roleTasks(c, use, "tasks", from.tasks)
	use.Handlers = ld.roleTasks(c, use, "handlers", from.handlers)
	return true
}

// rolePaths are the folders in which roles are looked for from c.
func (l *Loader) rolePaths(c *scope) []string {
	paths := []string{filepath.Join(c.playDir(), "roles")}
	paths = append(paths, l.opts.RolesPath...)
	if c.role != nil {
		paths = append(paths, filepath.Dir(c.role.Path))
	}
	return append(paths, c.playDir())
}

// foundRole is where a role lies, and what it is called: its full name in a
// collection, else as it was asked for, with its path if that has one.
type foundRole struct{ dir, name, fqcn string }

// findRole finds a role's folder: in collections, on the roles' path, as a path.
func (l *Loader) findRole(name string, c *scope) (found foundRole, tried []string) {
	inCollection := func(full string) bool {
		dir, fqcn := l.collectionRole(full, c.playDir())
		found = foundRole{dir, fqcn, fqcn}
		return dir != ""
	}
	if strings.Count(name, ".") >= 2 && !strings.Contains(name, "/") && inCollection(name) {
		return found, nil
	}
	if !strings.ContainsAny(name, "/.") {
		for _, col := range c.collections() {
			if inCollection(col + "." + name) {
				return found, nil
			}
		}
	}
	tried = l.rolePaths(c)
	for _, p := range tried {
		d := filepath.Join(p, name)
		if filepath.IsAbs(name) {
			d = filepath.Clean(name)
		}
		if isDir(d) {
			if fqcn := fqcnOf(c, d); fqcn != "" {
				return foundRole{d, fqcn, fqcn}, tried
			}
			return foundRole{d, name, ""}, tried
		}
	}
	if d := filepath.Clean(expandUser(name)); isDir(d) {
		return foundRole{d, filepath.Base(d), ""}, tried
	}
	return foundRole{}, tried
}

// expandUser replaces ~/ at the start of a path by the home of the user.
func expandUser(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

// fqcnOf gives a role its full name where it lies beside the role of a
// collection that asks for it.
func fqcnOf(c *scope, dir string) string {
	if c.role == nil || c.role.FQCN == "" || filepath.Dir(dir) != filepath.Dir(c.role.Path) {
		return ""
	}
	return c.role.FQCN[:strings.LastIndexByte(c.role.FQCN, '.')+1] + filepath.Base(dir)
}

// rolesIn lists the roles of a folder, for a hint.
func (l *Loader) rolesIn(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, "*", "tasks")) // the pattern is well-formed
	for i, f := range found {
		found[i] = filepath.Base(filepath.Dir(f))
	}
	return found
}

// inCollections calls find with the folders of a collection, nearest first,
// until it is satisfied. Where an Ansible is installed is asked last: most
// playbooks need no answer.
func (l *Loader) inCollections(ns, col, playDir string, find func(dir string) bool) bool {
	try := func(path string) bool {
		if filepath.Base(path) != "ansible_collections" {
			path = filepath.Join(path, "ansible_collections")
		}
		return find(filepath.Join(path, ns, col))
	}
	if try(filepath.Join(playDir, "collections")) || slices.ContainsFunc(l.opts.CollectionsPath, try) {
		return true
	}
	return l.opts.InstalledCollections != nil && slices.ContainsFunc(l.opts.InstalledCollections(), try)
}

// collectionRole finds namespace.collection.role. Dots in role are folders,
// which are no part of the role's full name.
func (l *Loader) collectionRole(name, playDir string) (dir, fqcn string) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 {
		return "", ""
	}
	l.inCollections(parts[0], parts[1], playDir, func(d string) bool {
		if d = filepath.Join(d, "roles", strings.ReplaceAll(parts[2], ".", "/")); isDir(d) {
			dir, fqcn = d, parts[0]+"."+parts[1]+"."+filepath.Base(d)
		}
		return dir != ""
	})
	return dir, fqcn
}

// collectionPlaybook finds namespace.collection.playbook.
func (l *Loader) collectionPlaybook(name, playDir string) (file string, ok bool) {
	if strings.Contains(name, "/") {
		return "", false
	}
	base := strings.TrimSuffix(strings.TrimSuffix(name, ".yml"), ".yaml")
	parts := strings.SplitN(base, ".", 3)
	if len(parts) < 3 {
		return "", false
	}
	ok = l.inCollections(parts[0], parts[1], playDir, func(d string) bool {
		for _, ext := range []string{".yml", ".yaml"} {
			if p := filepath.Join(d, "playbooks", strings.ReplaceAll(parts[2], ".", "/")+ext); isFile(p) {
				file = p
				return true
			}
		}
		return false
	})
	return file, ok
}

// metadata reads meta/main and meta/argument_specs, and loads the dependencies.
func (ld *loading) metadata(c *scope, use *RoleUse) {
	role := use.Role
	if file := mainFile(filepath.Join(role.Path, "meta"), "argument_specs"); file != "" {
		if d, ok := ld.dictFile(c, use, file); ok {
			role.ArgumentSpecs = subDict(d, "argument_specs")
		}
	}
	file := mainFile(filepath.Join(role.Path, "meta"), "main")
	if file == "" {
		return
	}
	doc := ld.open(c, file, use.Pos)
	if doc == nil || isNull(doc.Root) {
		return
	}
	mc := &scope{doc: doc, file: file, parent: use.Block, play: c.play, role: role, uses: append(slices.Clone(c.uses), use)}
	root := pyyaml.Resolve(doc.Root)
	if root.Kind != yaml.MappingNode {
		ld.fail(mc, mc.pos(root), "the 'meta/main.yml' for role %s is not a dictionary", role.Name)
		return
	}
	role.Metadata, _ = ld.value(mc, root).V.(*templates.Dict)
	fs, _ := ld.fields(mc, root)
	for _, f := range fs {
		ld.metaField(mc, f, use)
	}
}

func (ld *loading) metaField(c *scope, f field, use *RoleUse) {
	role := use.Role
	switch f.key {
	case "allow_duplicates":
		b, _ := ld.checked(c, f, boolean).V.(templates.Bool)
		role.AllowDuplicates = bool(b)
	case "argument_specs":
		if d, ok := ld.value(c, f.n).V.(*templates.Dict); ok && role.ArgumentSpecs == nil {
			role.ArgumentSpecs = d
		}
	case "collections":
		for _, name := range ld.collectionNames(c, f) {
			if !slices.Contains(role.Collections, name) {
				role.Collections = append(role.Collections, name)
			}
		}
	case "dependencies":
		if isNull(f.n) {
			return
		}
		if f.n.Kind != yaml.SequenceNode {
			ld.fail(c, c.pos(f.n), "Expected role dependencies to be a list.")
			return
		}
		for _, n := range f.n.Content {
			if dep := ld.roleEntry(c, pyyaml.Resolve(n)); dep != nil {
				use.Dependencies = append(use.Dependencies, dep)
				role.DependsOn = append(role.DependsOn, dep.Role)
			}
		}
	}
}

func subDict(d *templates.Dict, key string) *templates.Dict {
	v, _ := d.GetStr(key)
	sub, _ := v.(*templates.Dict)
	return sub
}

// dictFile reads a file that holds a dict.
func (ld *loading) dictFile(c *scope, use *RoleUse, file string) (*templates.Dict, bool) {
	doc := ld.open(c, file, use.Pos)
	if doc == nil {
		return nil, false
	}
	v, err := doc.Value(doc.Root, ld.l.yamlOptions())
	if err != nil {
		ld.add(asError(err, file))
		return nil, false
	}
	if v == templates.None {
		return &templates.Dict{}, true
	}
	d, ok := v.(*templates.Dict)
	if !ok {
		fc := &scope{doc: doc, file: file}
		what := "variable"
		if filepath.Base(filepath.Dir(file)) == "defaults" {
			what = "default variables"
		}
		ld.fail(fc, doc.Pos(doc.Root), "The %s file for role '%s' must contain a dictionary of variables", what, use.Role.Name)
	}
	return d, ok
}

// extensions are tried in this order.
var extensions = []string{".yml", ".yaml", ".json", ""}

// mainFile finds a role's file by its name without or with an ending; "" where
// there is none.
func mainFile(dir, name string) string {
	for _, ext := range extensions {
		if p := filepath.Join(dir, name+ext); isFile(p) {
			return p
		}
	}
	return ""
}

// roleVars reads a role's defaults or vars: one file, or all of a folder.
func (ld *loading) roleVars(c *scope, use *RoleUse, sub, name string) (*templates.Dict, string) {
	dir := filepath.Join(use.Role.Path, sub)
	asked := name != ""
	if !asked {
		name = "main"
	}
	var files []string
	file := ""
	for _, ext := range append([]string{""}, extensions[:3]...) {
		p := filepath.Join(dir, name+ext)
		if isDir(p) {
			files, file = varsIn(p), p
			break
		}
		if isFile(p) {
			files, file = []string{p}, p
			break
		}
	}
	if file == "" {
		if asked {
			e := ld.fail(c, use.Pos, "Could not find specified file in role: %s/%s", sub, name)
			if ld.l.opts.Era >= templates.Current {
				e.Exit = exitError
			}
		}
		return nil, ""
	}
	var all Vars
	for _, f := range files {
		if d, ok := ld.dictFile(c, use, f); ok {
			all = joinVars(all, Vars{Dict: d})
		}
	}
	if all.Dict == nil {
		all.Dict = &templates.Dict{}
	}
	return all.Dict, file
}

// varsIn lists the files of variables in a folder and below, in order.
func varsIn(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "*")) // the pattern is well-formed
	sort.Strings(found)
	var files []string
	for _, p := range found {
		base := filepath.Base(p)
		switch {
		case strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~"):
		case isDir(p):
			files = append(files, varsIn(p)...)
		case slices.Contains(extensions, filepath.Ext(p)):
			files = append(files, p)
		}
	}
	return files
}

func escapeGlob(p string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(p)
}

// roleTasks loads a role's tasks or handlers as one implicit block.
func (ld *loading) roleTasks(c *scope, use *RoleUse, sub, name string) []Item {
	dir := filepath.Join(use.Role.Path, sub)
	asked := name != ""
	if !asked {
		name = "main"
	}
	file := mainFile(dir, name)
	if file == "" {
		if asked {
			e := ld.fail(c, use.Pos, "Could not find specified file in role: %s/%s", sub, name)
			if ld.l.opts.Era >= templates.Current {
				e.Exit = exitError
			}
		}
		return nil
	}
	b := &Block{Pos: Pos{File: file, Line: 1, Col: 1}, Implicit: true, Role: use.Role, Parent: use.Block, Play: c.play, File: file}
	doc := ld.open(c, file, use.Pos)
	if doc == nil {
		return nil
	}
	tc := scope{doc: doc, file: file, parent: b, play: c.play, role: use.Role, handlers: sub == "handlers", uses: append(slices.Clone(c.uses), use)}
	root := pyyaml.Resolve(doc.Root)
	switch {
	case root == nil || isNull(root):
		return nil
	case root.Kind != yaml.SequenceNode:
		ld.fail(&tc, tc.pos(root), "The %s/main.yml file for role '%s' must contain a list of tasks", sub, use.Role.Name)
		return nil
	}
	b.Body = ld.items(&tc, root)
	return []Item{b}
}
