package playbook

// This file decodes playbooks and plays.

import (
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// playbook loads the plays of a file that something at pos asks for.
func (ld *loading) playbook(path string, pos Pos, from *scope) []*Play {
	if from == nil {
		from = &scope{file: path}
	}
	if slices.Contains(ld.busy, path) {
		ld.fail(from, pos, "the playbook imports itself: %s", path)
		return nil
	}
	doc := ld.open(from, path, pos)
	if doc == nil {
		return nil
	}
	ld.busy = append(ld.busy, path)
	defer func() { ld.busy = ld.busy[:len(ld.busy)-1] }()

	c := &scope{doc: doc, file: path}
	root := pyyaml.Resolve(doc.Root)
	switch {
	case root == nil || isNull(root):
		ld.fail(c, Pos{File: path}, "Empty playbook, nothing to do: %s", ld.shown(path)).Exit = exitParser
		return nil
	case root.Kind != yaml.SequenceNode:
		ld.fail(c, c.pos(root), "A playbook must be a list of plays, got a %s instead: %s", class(ld.value(c, root).V), ld.shown(path))
		return nil
	case len(root.Content) == 0:
		ld.fail(c, c.pos(root), "A playbook must contain at least one play: %s", ld.shown(path))
		return nil
	}
	var plays []*Play
	for _, n := range root.Content {
		n = pyyaml.Resolve(n)
		if n.Kind != yaml.MappingNode {
			ld.fail(c, c.pos(n), "playbook entries must be either valid plays or 'import_playbook' statements")
			continue
		}
		fs, ok := ld.fields(c, n)
		if !ok {
			continue
		}
		if key, found := importKey(fs); found {
			plays = append(plays, ld.importPlaybook(c, n, fs, key)...)
			continue
		}
		plays = append(plays, ld.play(c, n, fs))
	}
	return plays
}

// importKey finds what makes an entry an import; include: is its old name.
func importKey(fs []field) (field, bool) {
	for _, f := range fs {
		if f.key == "include" || shortName(f.key) == "import_playbook" {
			return f, true
		}
	}
	return field{}, false
}

// importPlaybook loads the plays that an entry imports and puts its keywords on them.
func (ld *loading) importPlaybook(c *scope, n *yaml.Node, fs []field, key field) []*Play {
	var base Base
	var when []Value
	params := Vars{}
	object := "PlaybookInclude"
	if key.key == "include" {
		ld.l.deprecate(key.pos, "'include' of a playbook is called 'import_playbook' today")
	}
	for _, f := range fs {
		switch {
		case f.key == key.key:
		case f.key == "when":
			when = ld.list(c, f)
		case ld.base(c, f, &base, object):
		case ld.become(c, f, &base):
		case ld.l.opts.Era == templates.Era19:
			params = addParam(params, f.key, ld.value(c, f.n))
		default:
			ld.unknown(c, f, object, importPlaybookKeywords)
		}
	}
	v := ld.value(c, key.n)
	if isNull(key.n) || key.n.Kind == yaml.ScalarNode && key.n.Value == "" {
		ld.fail(c, c.pos(n), "playbook import parameter is missing")
		return nil
	}
	name, kv, ok := ld.fileAndParams(c, v)
	if !ok {
		return nil
	}
	if kv.Dict != nil {
		ld.l.deprecate(v.Pos, "parameters behind the name of an imported playbook belong under vars: today")
		for k, p := range kv.Dict.All {
			params = addParam(params, show(k), Value{V: p, Pos: v.Pos})
		}
	}
	file, ok := ld.static(c, name, "import path")
	if !ok {
		return nil
	}
	path := filepath.Join(filepath.Dir(c.file), file)
	if filepath.IsAbs(file) {
		path = file
	}
	if !isFile(path) {
		if p, found := ld.l.collectionPlaybook(file, filepath.Dir(c.file)); found {
			path = p
		}
	}
	plays := ld.playbook(path, v.Pos, c)
	for _, p := range plays {
		p.Tags = append(slices.Clone(base.Tags), p.Tags...)
		p.When = append(slices.Clone(when), p.When...)
		p.ImportVars = joinVars(p.ImportVars, params)
		p.ImportVars = joinVars(p.ImportVars, base.Vars)
		p.Environment = append(slices.Clone(base.Environment), p.Environment...)
	}
	return plays
}

func addParam(vs Vars, key string, v Value) Vars {
	if vs.Dict == nil {
		vs = Vars{Dict: &templates.Dict{Lazy: true}, Pos: v.Pos}
	}
	vs.Dict.SetStr(key, v.V)
	return vs
}

// joinVars puts b on top of a.
func joinVars(a, b Vars) Vars {
	if b.Dict == nil || b.Dict.Len() == 0 {
		return a
	}
	if a.Dict == nil {
		return b
	}
	d := a.Dict.Copy()
	d.Lazy = true
	for k, v := range b.Dict.All {
		d.Set(k, v) // k comes from a dict, so it can be a key
	}
	return Vars{Dict: d, Pos: b.Pos}
}

// play decodes one play.
func (ld *loading) play(c *scope, n *yaml.Node, fs []field) *Play {
	p := &Play{Pos: c.pos(n), File: c.file}
	pc := *c
	pc.play = p
	_, hasUser := find(fs, "user")
	if _, both := find(fs, "remote_user"); both && hasUser {
		ld.fail(c, p.Pos, "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed")
	}
	if _, ok := find(fs, "hosts"); !ok {
		ld.fail(c, p.Pos, "the field 'hosts' is required but was not set")
	}
	// What tasks and roles refer to comes first, wherever it stands.
	early := func(f field) bool { return f.key == "collections" || f.key == "vars" || f.key == "vars_files" }
	for _, first := range []bool{true, false} {
		for _, f := range fs {
			if early(f) == first {
				ld.playField(&pc, f, p)
			}
		}
	}
	return p
}

func (ld *loading) playField(c *scope, f field, p *Play) {
	switch f.key {
	case "hosts":
		p.Hosts = ld.hosts(c, f)
	case "user":
		p.RemoteUser = ld.checked(c, f, text)
	case "gather_facts":
		p.Gather = ld.checked(c, f, boolean)
	case "gather_subset":
		p.GatherSubset = ld.value(c, f.n)
	case "gather_timeout":
		p.GatherTimeout = ld.checked(c, f, integer)
	case "fact_path":
		p.FactPath = ld.checked(c, f, text)
	case "vars_files":
		p.VarsFiles = ld.value(c, f.n)
	case "vars_prompt":
		p.VarsPrompt = ld.prompts(c, f)
	case "serial":
		p.Serial = ld.value(c, f.n)
	case "max_fail_percentage":
		p.MaxFailPercentage = ld.checked(c, f, number)
	case "strategy":
		p.Strategy = ld.checked(c, f, text)
	case "order":
		p.Order = ld.order(c, f)
	case "force_handlers":
		p.ForceHandlers = ld.checked(c, f, boolean)
	case "pre_tasks":
		p.PreTasks = ld.section(c, f)
	case "tasks":
		p.Tasks = ld.section(c, f)
	case "post_tasks":
		p.PostTasks = ld.section(c, f)
	case "handlers":
		hc := *c
		hc.handlers = true
		p.Handlers = append(p.Handlers, ld.section(&hc, f)...)
	case "roles":
		p.Roles = ld.roles(c, f)
	default:
		if ld.base(c, f, &p.Base, "Play") || ld.become(c, f, &p.Base) {
			return
		}
		if _, ok := era19Play[f.key]; ok && ld.l.opts.Era == templates.Era19 {
			return
		}
		ld.unknown(c, f, "Play", playKeywords)
	}
}

func (ld *loading) order(c *scope, f field) Value {
	v := ld.checked(c, f, text)
	if s, ok := v.V.(templates.Str); ok && !slices.Contains([]string{"inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle"}, string(s)) {
		words := "Invalid order specified for inventory hosts: %s"
		if ld.l.opts.Era >= templates.Current {
			words = "Invalid 'order' specified for inventory hosts: %s"
		}
		e := ld.fail(c, v.Pos, words, string(s))
		e.Exit = exitOptions
		e.Got, e.Known = string(s), []string{"inventory", "reverse_inventory", "reverse_sorted", "shuffle", "sorted"}
	}
	return v
}

// hosts checks a pattern: a text or a list of texts.
func (ld *loading) hosts(c *scope, f field) Value {
	v, sound := ld.tryValue(c, f.n)
	if !sound {
		return v
	}
	switch hv := v.V.(type) {
	case templates.NoneType:
		ld.fail(c, f.pos, "Hosts list cannot be empty. Please check your playbook")
	case *templates.List:
		if len(hv.Elems) == 0 {
			ld.fail(c, v.Pos, "Hosts list cannot be empty. Please check your playbook")
		}
		for i, e := range hv.Elems {
			switch e.(type) {
			case templates.NoneType:
				ld.fail(c, c.pos(f.n.Content[i]), "Hosts list cannot contain values of 'None'. Please check your playbook")
			case templates.Str, *templates.Text:
			default:
				ld.fail(c, c.pos(f.n.Content[i]), "Hosts list contains an invalid host value: '%s'", show(e))
			}
		}
	case templates.Str:
		if strings.TrimSpace(string(hv)) == "" {
			ld.fail(c, v.Pos, "Hosts list cannot be empty. Please check your playbook")
		}
	case *templates.Text:
	default:
		ld.fail(c, v.Pos, "Hosts list must be a sequence or string. Please check your playbook.")
	}
	return v
}

// prompts decodes vars_prompt: a list of dicts, or a dict of name to text.
func (ld *loading) prompts(c *scope, f field) []VarsPrompt {
	if isNull(f.n) {
		return nil
	}
	if f.n.Kind == yaml.MappingNode && ld.l.opts.Era == templates.Era19 {
		fs, _ := ld.fields(c, f.n)
		var list []VarsPrompt
		for _, e := range fs {
			list = append(list, VarsPrompt{Name: e.key, Prompt: e.n.Value, Private: true, Pos: e.pos})
		}
		return list
	}
	entries := []*yaml.Node{f.n}
	if f.n.Kind == yaml.SequenceNode {
		entries = f.n.Content
	}
	var list []VarsPrompt
	for _, n := range entries {
		n = pyyaml.Resolve(n)
		if n.Kind != yaml.MappingNode {
			v := ld.value(c, n)
			ld.fail(c, v.Pos, "Invalid vars_prompt data structure, expected a dictionary, got %s (%s)", show(v.V), class(v.V))
			continue
		}
		if p, ok := ld.prompt(c, n); ok {
			list = append(list, p)
		}
	}
	return list
}

var promptKeys = []string{"confirm", "default", "encrypt", "name", "private", "prompt", "salt", "salt_size", "unsafe"}

func (ld *loading) prompt(c *scope, n *yaml.Node) (VarsPrompt, bool) {
	p := VarsPrompt{Private: true, Pos: c.pos(n)}
	fs, ok := ld.fields(c, n)
	if !ok {
		return p, false
	}
	if _, named := find(fs, "name"); !named {
		ld.fail(c, p.Pos, "Invalid vars_prompt data structure, missing 'name' key")
		return p, false
	}
	flag := func(f field) bool {
		b, _ := ld.checked(c, f, boolean).V.(templates.Bool)
		return bool(b)
	}
	word := func(f field) string {
		s, _ := textOf(ld.checked(c, f, text).V)
		return s
	}
	for _, f := range fs {
		switch f.key {
		case "name":
			p.Name = word(f)
		case "prompt":
			p.Prompt = word(f)
		case "encrypt":
			p.Encrypt = word(f)
		case "salt":
			p.Salt = word(f)
		case "default":
			p.Default = ld.value(c, f.n)
		case "private":
			p.Private = flag(f)
		case "confirm":
			p.Confirm = flag(f)
		case "unsafe":
			p.Unsafe = flag(f)
		case "salt_size":
			i, _ := ld.checked(c, f, integer).V.(templates.Int)
			p.SaltSize = int(i)
		default:
			e := ld.fail(c, f.pos, "Invalid vars_prompt data structure, found unsupported key '%s'", f.key)
			e.Got, e.Known = f.key, promptKeys
		}
	}
	return p, true
}
