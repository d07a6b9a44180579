package engine

// This file answers the magic variables that depend on the run, the play and
// the task (https://docs.ansible.com/ansible/latest/reference_appendices/special_variables.html).

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/templates"
	"gorun/vars"
)

// magic is [vars.Query.Magic] for a task, nil for the play's own scope.
func (p *playRun) magic(name string, t *playbook.Task) (templates.Value, bool) {
	if v, ok := p.playMagic(name); ok {
		return v, true
	}
	if v, ok := p.runMagic(name); ok {
		return v, true
	}
	if t == nil {
		return nil, false
	}
	if v, ok := roleMagic(name, t.Role); ok {
		return v, true
	}
	switch name {
	case "ansible_search_path":
		return strList(p.searchPath(t)), true
	case "ansible_check_mode", "ansible_diff_mode":
		return p.modeMagic(name, t), true
	case "environment":
		return environmentMagic(t), true
	}
	return nil, false
}

// environmentMagic lists the environments around a task, as written.
func environmentMagic(t *playbook.Task) templates.Value {
	l := &templates.List{Lazy: true}
	for _, e := range t.AllEnvironment() {
		l.Elems = append(l.Elems, conditionList(e.V)...)
	}
	return l
}

// withConnection is the scope in which a task finds how its host is reached,
// where no variable says so: ansible_host, ansible_connection, ansible_user...
// Loops and names do not see them.
func (tr *taskRun) withConnection(ctx context.Context, s *vars.Scope) *vars.Scope {
	var tg *transport.Target
	return s.WithLast(func(name string) (templates.Value, bool) {
		get, ok := connectionMagic[name]
		if !ok {
			return nil, false
		}
		if tg == nil {
			to := tr.newResult()
			if err := tr.delegate(ctx, s, to); err != nil {
				return nil, false
			}
			set := &settings{ctx: ctx, r: tr.r, scope: s}
			host := tr.h.name
			if to.delegate != "" {
				host = to.delegate
				set.scope = tr.p.scopeAs(host, tr.h.name, tr.t)
			}
			found := tr.p.target(set, tr.t, s, host)
			if set.err != nil {
				return nil, false
			}
			tg = &found
		}
		v := get(tg)
		return v, v != nil
	})
}

// connectionMagic are the variables of [taskRun.withConnection]; nil where
// there is nothing to tell.
var connectionMagic = func() map[string]func(tg *transport.Target) templates.Value {
	text := func(s string) templates.Value {
		if s == "" {
			return nil
		}
		return templates.Str(s)
	}
	number := func(n int) templates.Value {
		if n == 0 {
			return nil
		}
		return templates.Int(n)
	}
	address := func(tg *transport.Target) templates.Value { return text(tg.Address) }
	user := func(tg *transport.Target) templates.Value { return text(tg.User) }
	port := func(tg *transport.Target) templates.Value { return number(tg.Port) }
	key := func(tg *transport.Target) templates.Value { return text(tg.KeyFile) }
	timeout := func(tg *transport.Target) templates.Value { return number(int(tg.ConnectTimeout.Seconds())) }
	return map[string]func(tg *transport.Target) templates.Value{
		"ansible_connection": func(tg *transport.Target) templates.Value { return text(tg.Connection) },
		"ansible_host":       address, "ansible_ssh_host": address,
		"ansible_user": user, "ansible_ssh_user": user,
		"ansible_port": port, "ansible_ssh_port": port,
		"ansible_private_key_file": key, "ansible_ssh_private_key_file": key,
		"ansible_timeout": timeout, "ansible_ssh_timeout": timeout,
	}
}()

// playMagic are the variables of the play and its batch.
func (p *playRun) playMagic(name string) (templates.Value, bool) {
	switch name {
	case "omit":
		return templates.Omit, true
	case "ansible_play_name":
		return templates.Str(p.name), true
	case "ansible_play_hosts_all":
		return strList(p.allHosts), true
	case "ansible_play_hosts":
		return strList(p.remaining(p.allHosts)), true
	case "play_hosts", "ansible_play_batch":
		names := make([]string, len(p.batch))
		for i, h := range p.batch {
			names[i] = h.name
		}
		return strList(p.remaining(names)), true
	case "role_names", "ansible_play_role_names":
		return strList(p.roleNames(false)), true
	case "ansible_role_names":
		return strList(p.roleNames(true)), true
	case "ansible_dependent_role_names":
		return strList(p.dependentNames()), true
	case "playbook_dir":
		return templates.Str(filepath.Dir(absPath(p.play.File))), true
	}
	return nil, false
}

// remaining drops hosts that left the play as failed or unreachable.
func (p *playRun) remaining(names []string) []string {
	gone := map[string]bool{}
	for _, h := range p.batch {
		if h.left.Load() > 0 {
			gone[h.name] = true
		}
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	out := make([]string, 0, len(names))
	for _, n := range names {
		if !gone[n] && (p.byName[n] != nil || !p.earlier[n] && !p.r.unreachable[n]) {
			out = append(out, n)
		}
	}
	return out
}

// roleNames are the play's roles; with deps also those that they depend on.
func (p *playRun) roleNames(deps bool) []string {
	var out []string
	var add func(u *playbook.RoleUse, dep bool)
	add = func(u *playbook.RoleUse, dep bool) {
		if deps {
			for _, d := range u.Dependencies {
				add(d, true)
			}
		}
		if u.Role != nil {
			out = append(out, u.Role.Name)
		}
	}
	for _, u := range p.play.Roles {
		add(u, false)
	}
	if p.r.o.Era >= templates.Current {
		p.mu.Lock()
		for _, r := range p.included {
			out = append(out, r.Name)
		}
		p.mu.Unlock()
	}
	return distinct(out)
}

func (p *playRun) dependentNames() []string {
	var out []string
	var add func(u *playbook.RoleUse)
	add = func(u *playbook.RoleUse) {
		for _, d := range u.Dependencies {
			add(d)
			if d.Role != nil {
				out = append(out, d.Role.Name)
			}
		}
	}
	for _, u := range p.play.Roles {
		add(u)
	}
	return distinct(out)
}

// runMagic are the variables of the command line and the program.
func (p *playRun) runMagic(name string) (templates.Value, bool) {
	o := &p.r.o
	switch name {
	case "ansible_version":
		return o.version(), true
	case "ansible_verbosity":
		return templates.Int(o.Verbosity), true
	case "ansible_forks":
		return templates.Int(p.r.forks(len(p.batch))), true
	case "ansible_limit":
		if o.Limit == "" {
			return nil, false
		}
		return templates.Str(o.Limit), true
	case "ansible_run_tags":
		if len(o.Tags) == 0 {
			return strList([]string{"all"}), true
		}
		return strList(o.Tags), true
	case "ansible_skip_tags":
		return strList(o.SkipTags), true
	case "ansible_inventory_sources":
		return strList(o.Inventory.Sources()), true
	case "ansible_config_file":
		if o.ConfigFile == "" {
			return templates.None, true
		}
		return templates.Str(o.ConfigFile), true
	case "ansible_playbook_python":
		// There is no Python here; roles only ask for a path.
		return templates.Str("/usr/bin/python3"), true
	case "ansible_check_mode":
		return templates.Bool(o.Check), true
	case "ansible_diff_mode":
		return templates.Bool(o.Diff), true
	}
	return nil, false
}

// modeMagic are check and diff mode: the run's, unless the task's own keyword
// is a plain value.
func (p *playRun) modeMagic(name string, t *playbook.Task) templates.Value {
	if name == "ansible_check_mode" {
		return templates.Bool(p.r.o.Check)
	}
	return templates.Bool(p.r.o.Diff)
}

// roleMagic are the variables of a task's role.
func roleMagic(name string, role *playbook.Role) (templates.Value, bool) {
	if role == nil {
		return nil, false
	}
	switch name {
	case "role_name":
		return templates.Str(shortRole(role)), true
	case "ansible_role_name":
		if role.FQCN != "" {
			return templates.Str(role.FQCN), true
		}
		return templates.Str(role.Name), true
	case "role_path":
		return templates.Str(absPath(role.Path)), true
	case "role_uuid":
		return templates.Str(role.Path), true
	case "ansible_collection_name":
		if ns, ok := cutRole(role.FQCN); ok {
			return templates.Str(ns), true
		}
		return templates.None, true
	case "ansible_parent_role_names", "ansible_parent_role_paths":
		parents := includingRoles(role)
		if len(parents) == 0 {
			return nil, false
		}
		l := templates.NewList()
		for _, p := range parents {
			if name == "ansible_parent_role_names" {
				l.Elems = append(l.Elems, templates.Str(p.Name))
			} else {
				l.Elems = append(l.Elems, templates.Str(absPath(p.Path)))
			}
		}
		return l, true
	}
	return nil, false
}

// includingRoles are the roles that included this one, nearest first; a role
// that only depends on it is none.
func includingRoles(role *playbook.Role) []*playbook.Role {
	at := role
	var out []*playbook.Role
	for _, p := range role.Parents {
		if slices.Contains(p.DependsOn, at) {
			break
		}
		out = append(out, p)
		at = p
	}
	return out
}

func shortRole(role *playbook.Role) string {
	if role.FQCN != "" {
		return shortName(role.FQCN)
	}
	return role.Name
}

func cutRole(fqcn string) (string, bool) {
	i := strings.LastIndexByte(fqcn, '.')
	if i < 0 {
		return "", false
	}
	return fqcn[:i], true
}

// version is ansible_version: what the era's Ansible called itself.
func (o *Options) version() templates.Value {
	full := o.Version
	if full == "" {
		full = map[templates.Era]string{templates.Era19: "1.9.6", templates.Era214: "2.14.18", templates.Current: "2.19.0"}[o.Era]
	}
	parts := [3]int64{}
	for i, f := range strings.SplitN(full, ".", 3) {
		for _, c := range f {
			if c < '0' || c > '9' {
				break
			}
			parts[i] = parts[i]*10 + int64(c-'0')
		}
	}
	d := templates.NewDict(5)
	d.SetStr("string", templates.Str(full))
	d.SetStr("full", templates.Str(full))
	d.SetStr("major", templates.Int(parts[0]))
	d.SetStr("minor", templates.Int(parts[1]))
	d.SetStr("revision", templates.Int(parts[2]))
	return d
}

// searchPath are the folders where a task's files are looked for, nearest
// first: its role, the roles that depend on it, its own file's folder, the
// playbook's.
func (p *playRun) searchPath(t *playbook.Task) []string {
	var out []string
	if t.Role != nil {
		out = append(out, absPath(t.Role.Path))
		for _, r := range t.Role.Parents {
			out = append(out, absPath(r.Path))
		}
	}
	if t.File != "" {
		out = append(out, filepath.Dir(absPath(t.File)))
	}
	return distinct(append(out, filepath.Dir(absPath(p.play.File))))
}

// absPath is path made absolute; on an error of the system it stays as it is.
func absPath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func strList(names []string) *templates.List {
	l := templates.NewList()
	l.Elems = make([]templates.Value, len(names))
	for i, n := range names {
		l.Elems[i] = templates.Str(n)
	}
	return l
}

// findVarsFile finds a file of vars_files beside the playbook: vars/ first.
func findVarsFile(playbookFile, name string) string {
	if filepath.IsAbs(name) {
		if exists(name) {
			return name
		}
		return ""
	}
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			name = filepath.Join(home, rest)
			if exists(name) {
				return name
			}
		}
		return ""
	}
	dir := filepath.Dir(playbookFile)
	for _, c := range []string{filepath.Join(dir, "vars", name), filepath.Join(dir, name)} {
		if exists(c) {
			return c
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
