package main

// This file follows gorun vars -p through a playbook: which plays, roles,
// blocks and tasks give a host's variables, besides the inventory.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/action"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// runPlayVars prints, for every play that the host is in, where its variables
// come from.
func (s *session) runPlayVars(c *cli.Context, files []string) error {
	books, err := s.load(files)
	if err != nil {
		return err
	}
	host, name := c.Args().Get(0), c.Args().Get(1)
	if _, ok := s.inv.Host(host); !ok {
		return fmt.Errorf("Could not match supplied host pattern, ignoring: %s", host)
	}
	shown := false
	for _, book := range books {
		for _, play := range book.Plays {
			in, err := s.playHas(play, host)
			if err != nil {
				return err
			}
			if !in {
				continue
			}
			shown = true
			p := &playVars{s: s, play: play, host: host}
			if err := p.collect(); err != nil {
				return err
			}
			p.print(name)
		}
	}
	if !shown {
		return fmt.Errorf("no play of %s has the host %s", strings.Join(files, ", "), host)
	}
	return nil
}

// playHas reports whether a play's pattern names the host.
func (s *session) playHas(play *playbook.Play, host string) (bool, error) {
	v, err := s.tmpl.Resolve(s.ctx, play.Hosts.V, s.vars.Scope(vars.Query{}))
	if err != nil {
		return false, err
	}
	pattern := templates.StrOf(v, s.era)
	if list, ok := v.(*templates.List); ok {
		words := make([]string, len(list.Elems))
		for i, e := range list.Elems {
			words[i] = templates.StrOf(e, s.era)
		}
		pattern = strings.Join(words, ",")
	}
	names, err := s.hostNames(pattern)
	return slices.Contains(names, host), err
}

// A later definition is one that a task makes: it holds from there on, or for
// the task alone.
type later struct {
	kind  vars.Kind
	pos   templates.Pos
	what  string // the task's name or file
	value templates.Value
}

// playVars is one play and a host.
type playVars struct {
	s      *session
	play   *playbook.Play
	host   string
	layers []vars.Layer
	later  map[string][]later
}

func (p *playVars) scope() *vars.Scope {
	layers := slices.Clone(p.layers)
	slices.SortStableFunc(layers, func(a, b vars.Layer) int { return int(a.Kind) - int(b.Kind) })
	dir := filepath.Dir(p.play.File)
	return p.s.vars.Scope(vars.Query{Host: p.host, Layers: layers, Magic: func(name string) (templates.Value, bool) {
		return templates.Str(dir), name == "playbook_dir"
	}})
}

// add adds a layer where there is anything in it.
func (p *playVars) add(kind vars.Kind, source string, d *templates.Dict) {
	if d != nil && d.Len() > 0 {
		p.layers = append(p.layers, vars.Layer{Kind: kind, Source: source, Dict: d})
	}
}

func place(pos templates.Pos) string { return fmt.Sprintf("%s:%d", pos.File, pos.Line) }

// collect finds what the play, its roles and its tasks define.
func (p *playVars) collect() error {
	p.later = map[string][]later{}
	for _, r := range p.play.Roles {
		p.role(r)
	}
	for _, r := range p.play.Imported {
		p.role(r)
	}
	p.add(vars.PlayVars, place(p.play.Vars.Pos), p.play.Vars.Dict)
	p.add(vars.PlayVars, place(p.play.ImportVars.Pos), p.play.ImportVars.Dict)
	for _, v := range p.play.VarsPrompt {
		d := templates.NewDict(1)
		d.SetStr(v.Name, templates.Str("(asked for)"))
		p.add(vars.PlayPrompts, place(v.Pos), d)
	}
	if err := p.varsFiles(); err != nil {
		return err
	}
	for _, r := range p.play.Roles {
		p.items(r.Tasks)
	}
	for _, list := range [][]playbook.Item{p.play.PreTasks, p.play.Tasks, p.play.PostTasks, p.play.Handlers} {
		p.items(list)
	}
	return nil
}

func (p *playVars) role(r *playbook.RoleUse) {
	for _, d := range r.Dependencies {
		p.role(d)
	}
	p.add(vars.RoleDefaults, r.Role.DefaultsFile, r.Role.Defaults)
	p.add(vars.RoleVars, r.Role.VarsFile, r.Role.Vars)
	p.define(vars.RoleVars, r.Vars, "role "+r.Role.Name)
	p.define(vars.RoleParams, r.Params, "role "+r.Role.Name)
	p.define(vars.RoleParams, r.Role.Params, "role "+r.Role.Name)
}

// define notes variables that hold for a part of the play.
func (p *playVars) define(kind vars.Kind, v playbook.Vars, what string) {
	if v.Dict == nil {
		return
	}
	for k, value := range v.Dict.All {
		name := templates.StrOf(k, p.s.era)
		pos := v.Pos
		if t, ok := value.(*templates.Text); ok && t.Pos.IsValid() {
			pos = t.Pos
		}
		if !slices.ContainsFunc(p.later[name], func(l later) bool { return l.kind == kind && l.pos == pos }) {
			p.later[name] = append(p.later[name], later{kind, pos, what, value})
		}
	}
}

// varsFiles loads what vars_files names, as far as it can be known before a run.
func (p *playVars) varsFiles() error {
	v := p.play.VarsFiles.V
	if v == nil {
		return nil
	}
	entries := []templates.Value{v}
	if list, ok := v.(*templates.List); ok {
		entries = list.Elems
	}
	for _, e := range entries {
		names := []templates.Value{e}
		if list, ok := e.(*templates.List); ok {
			names = list.Elems
		}
		for _, n := range names {
			text, err := p.s.tmpl.Resolve(p.s.ctx, n, p.scope())
			if err != nil {
				continue // a fact that only a run knows
			}
			path := templates.StrOf(text, p.s.era)
			if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.Dir(p.play.File), path)
			}
			d, err := p.s.loader.LoadVarsFile(path)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			p.add(vars.PlayVarsFiles, path, d)
			break
		}
	}
	return nil
}

func (p *playVars) items(list []playbook.Item) {
	for _, it := range list {
		switch it := it.(type) {
		case *playbook.Block:
			p.define(vars.BlockVars, it.Vars, "block")
			p.define(vars.IncludeParams, it.ImportVars, "import")
			p.items(it.Body)
			p.items(it.Rescue)
			p.items(it.Always)
		case *playbook.Task:
			p.task(it)
		}
	}
}

func (p *playVars) task(t *playbook.Task) {
	name := t.Action
	if t.Name.IsSet() {
		name = templates.StrOf(t.Name.V, p.s.era)
	}
	kind := vars.TaskVars
	if t.Include != nil {
		kind = vars.IncludeParams
	}
	p.define(kind, t.Vars, name)
	if t.Register != "" {
		d := templates.NewDict(1)
		d.SetStr(t.Register, templates.Str("(result of the task)"))
		p.define(vars.SetFacts, playbook.Vars{Dict: d, Pos: t.RegisterPos}, name)
	}
	full, _ := action.Route(t.Action, t.EffectiveCollections())
	switch strings.TrimPrefix(full, "ansible.builtin.") {
	case "set_fact":
		if t.Args != nil {
			facts := t.Args.Copy()
			facts.Delete(templates.Str("cacheable"))
			p.define(vars.SetFacts, playbook.Vars{Dict: facts, Pos: t.Pos}, name)
		}
	case "include_vars":
		p.includeVars(t, name)
	}
}

// includeVars reads the files of include_vars whose names are known before a run.
func (p *playVars) includeVars(t *playbook.Task, name string) {
	arg := func(key string) string {
		if t.Args == nil {
			return ""
		}
		v, ok := t.Args.GetStr(key)
		if !ok {
			return ""
		}
		r, err := p.s.tmpl.Resolve(p.s.ctx, v, p.scope())
		if err != nil {
			return ""
		}
		return strings.TrimSpace(templates.StrOf(r, p.s.era))
	}
	var files []string
	if dir := p.find(t, arg("dir")); dir != "" {
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains([]string{".yml", ".yaml", ".json"}, filepath.Ext(path)) {
				files = append(files, path)
			}
			return nil
		})
	} else if f := p.find(t, firstOf(arg("file"), arg("_raw_params"))); f != "" {
		files = []string{f}
	}
	into := arg("name")
	for _, f := range files {
		d, err := p.s.loader.LoadVarsFile(f)
		if err != nil {
			continue // the run will say so
		}
		if into != "" {
			named := templates.NewDict(1)
			named.SetStr(into, d)
			d = named
		}
		p.define(vars.IncludeVars, playbook.Vars{Dict: d, Pos: templates.Pos{File: f, Line: 1, Col: 1}}, name)
	}
}

// find is where a file or folder of include_vars is, "" where it is not found.
func (p *playVars) find(t *playbook.Task, name string) string {
	if name == "" {
		return ""
	}
	dirs := []string{filepath.Dir(p.play.File), filepath.Join(filepath.Dir(p.play.File), "vars")}
	if t.Role != nil {
		dirs = append([]string{filepath.Join(t.Role.Path, "vars"), t.Role.Path}, dirs...)
	}
	if t.File != "" {
		dirs = append(dirs, filepath.Dir(t.File))
	}
	for _, dir := range dirs {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, name)
		}
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// print shows each variable, or the one called only: what it is as the play
// begins, what that hides, and what tasks make of it, strongest first.
func (p *playVars) print(only string) {
	title := place(p.play.Pos)
	if p.play.Name.IsSet() {
		title = templates.StrOf(p.play.Name.V, p.s.era) + " (" + title + ")"
	}
	fmt.Fprintf(p.s.redact.Writer(p.s.out), "PLAY %s\n", title)
	scope := p.scope()
	names := scope.Names()
	for name := range p.later {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if only != "" && name != only {
			continue
		}
		origins := scope.Origins(name)
		if only == "" && len(p.later[name]) == 0 && (len(origins) == 0 || origins[0].Kind >= vars.Magic) {
			continue
		}
		p.printOne(name, scope, origins)
	}
}

func (p *playVars) printOne(name string, scope *vars.Scope, origins []vars.Layer) {
	w := p.s.redact.Writer(p.s.out)
	if len(origins) > 0 {
		raw, _, err := scope.Lookup(name)
		value := "<unknown before the run>"
		if err == nil {
			value = p.s.valueText(raw, scope)
		}
		fmt.Fprintf(w, "%s = %s\n", name, value)
		for i, l := range origins {
			word := "hides"
			if i == 0 {
				word = "from"
			}
			v, _ := l.Dict.GetStr(name)
			fmt.Fprintf(w, "    %s %s\n", word, originText(l, v))
		}
	} else {
		fmt.Fprintln(w, name)
	}
	list := slices.Clone(p.later[name])
	slices.SortStableFunc(list, func(a, b later) int { return int(b.kind) - int(a.kind) })
	for _, l := range list {
		weak := ""
		if len(origins) > 0 && origins[0].Kind > l.kind {
			weak = ", without effect"
		}
		fmt.Fprintf(w, "    then %s, %s (%s) = %s%s\n", l.kind, place(l.pos), l.what, p.s.valueText(l.value, scope), weak)
	}
}
