package engine

// This file runs dynamic includes: include_tasks, include_role and the old
// include. Hosts (and items) that include the same file with the same
// variables go through it together.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// An includeRequest is what one host (or item) wants to include.
type includeRequest struct {
	file string // absolute; of a role, its name
	role *playbook.RoleRequest
	vars *templates.Dict // of the task, with the loop's
	key  string          // requests of equal keys are one include
	pub  bool
	gone bool // there is no such file
}

// includeRequest evaluates an include's arguments.
func (tr *taskRun) includeRequest(ctx context.Context, s *vars.Scope, res *taskResult) *taskResult {
	args, err := tr.args(ctx, s, "")
	if err != nil {
		var arg *argumentError
		if errors.As(err, &arg) && !res.current {
			err = arg.err
		}
		return tr.failedResult(res, err)
	}
	req := &includeRequest{vars: templates.NewDict(4)}
	for _, name := range tr.loopNames() {
		if v, ok, err := s.Lookup(name); ok && err == nil {
			req.vars.SetStr(name, v)
		}
	}
	written := req.vars
	for _, own := range []playbook.Vars{tr.t.Include.Params, tr.t.Vars} {
		if own.Dict == nil {
			continue
		}
		// Resolved now: what they refer to (item) is gone inside.
		v, err := tr.lazyVars(ctx, own.Dict, s)
		if err != nil {
			return tr.failedResult(res, err)
		}
		req.vars, written = mergeDicts(req.vars, v), mergeDicts(written, own.Dict)
	}
	if tr.t.Include.Kind == "include_role" {
		err = tr.roleRequest(args, req, written)
	} else {
		err = tr.fileRequest(args, req)
	}
	if err != nil {
		return tr.failedResult(res, err)
	}
	key, err := templates.AppendJSON(nil, req.vars)
	if err != nil {
		key = fmt.Appendf(nil, "%p", req.vars) // not comparable: an include of its own
	}
	req.key += "\x00" + string(key)
	res.include = req
	if tr.r.o.Era >= templates.Current || !tr.t.Loop.IsSet() {
		res.data.SetStr("changed", templates.Bool(false))
	}
	if tr.r.o.Era < templates.Current {
		tr.includeData(res, args)
	}
	return res
}

// includeData puts into a result what up to 2.18 it told of the include: a
// file's name as the task has it, and the other arguments.
func (tr *taskRun) includeData(res *taskResult, args *templates.Dict) {
	if tr.t.Include.Kind == "include_role" {
		res.data.SetStr("include_args", args)
		return
	}
	rest := args.Copy()
	rest.Delete(templates.Str("file"))
	rest.Delete(templates.Str("_raw_params"))
	res.data.SetStr("include", templates.Str(firstText(args, "file", "_raw_params")))
	res.data.SetStr("include_args", rest)
}

// lazyVars are the include's vars, resolved where that is possible: a value
// that cannot be (it may need what the file sets) stays a template.
func (tr *taskRun) lazyVars(ctx context.Context, own *templates.Dict, s *vars.Scope) (*templates.Dict, error) {
	out := templates.NewDict(own.Len())
	out.Lazy = own.Lazy
	for k, v := range own.All {
		if r, err := tr.r.o.Templates.Resolve(ctx, v, s); err == nil && !templates.IsUndefined(r) {
			v = r
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		_ = out.Set(k, v) // k is in a dict, so it has a hash
	}
	return out, nil
}

// loopNames are the variables of the loop that the included tasks see too.
func (tr *taskRun) loopNames() []string {
	if !tr.t.Loop.IsSet() {
		return nil
	}
	names := []string{"item", "ansible_loop"}
	if tr.r.o.Era >= templates.Current {
		names = append(names, "ansible_loop_var", "ansible_index_var")
	}
	for _, v := range []playbook.Value{tr.t.LoopControl.LoopVar, tr.t.LoopControl.IndexVar} {
		if s, ok := v.V.(templates.Str); ok {
			names = append(names, string(s))
		}
	}
	return distinct(names)
}

// fileRequest finds the file of include_tasks.
func (tr *taskRun) fileRequest(args *templates.Dict, req *includeRequest) error {
	name := firstText(args, "file", "_raw_params")
	if name == "" {
		return errors.New("No file specified for " + tr.t.Action)
	}
	path, err := tr.r.o.Loader.FindTaskFile(name, tr.t)
	if err != nil {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(absPath(tr.t.File)), name)
		}
		path, req.gone = name, true
	}
	req.file = absPath(path)
	req.key = req.file
	return nil
}

func firstText(d *templates.Dict, names ...string) string {
	for _, n := range names {
		if v, ok := d.GetStr(n); ok && v != templates.None {
			return templates.StrOf(v, templates.Current)
		}
	}
	return ""
}

// roleRequest reads the arguments of include_role. written are its variables as
// the task has them.
func (tr *taskRun) roleRequest(args *templates.Dict, req *includeRequest, written *templates.Dict) error {
	name := firstText(args, "name", "role")
	if name == "" {
		return errors.New("'name' is a required field for include_role.")
	}
	rr := &playbook.RoleRequest{
		Name: name, TasksFrom: firstText(args, "tasks_from"), VarsFrom: firstText(args, "vars_from"),
		DefaultsFrom: firstText(args, "defaults_from"), HandlersFrom: firstText(args, "handlers_from"),
		Play: tr.p.play, FromRole: tr.t.Role, FromFile: tr.t.File, Written: written,
	}
	flag := func(key string, out **bool) {
		if v, ok := args.GetStr(key); ok && v != templates.None {
			b := asBool(v)
			*out = &b
		}
	}
	flag("allow_duplicates", &rr.AllowDuplicates)
	flag("rolespec_validate", &rr.RolespecValidate)
	var pub *bool
	flag("public", &pub)
	req.pub = pub != nil && *pub
	req.role, req.file = rr, name
	req.key = fmt.Sprintf("role %s|%s|%s|%s|%s|%v", rr.Name, rr.TasksFrom, rr.VarsFrom, rr.DefaultsFrom, rr.HandlersFrom, req.pub)
	return nil
}

func asBool(v templates.Value) bool {
	if s, ok := v.(templates.Str); ok {
		switch s {
		case "no", "false", "False", "off", "0", "n", "No", "":
			return false
		}
		return true
	}
	return v.Truth()
}

// An included is a file with the hosts that include it.
type included struct {
	req   *includeRequest
	task  *playbook.Task
	hosts []*hostRun
	res   []*taskResult
}

// groupIncludes joins the requests of all hosts: equal ones are one include,
// except that a host that includes the same twice does it twice.
func groupIncludes(steps []turn, results []*taskResult) []*included {
	var groups []*included
	for i, tn := range steps {
		h := tn.h
		for _, res := range includeResults(results[i]) {
			g := slices.IndexFunc(groups, func(g *included) bool {
				return g.req.key == res.include.key && !slices.Contains(g.hosts, h)
			})
			if g < 0 {
				groups = append(groups, &included{req: res.include, task: tn.t})
				g = len(groups) - 1
			}
			groups[g].hosts = append(groups[g].hosts, h)
			groups[g].res = append(groups[g].res, res)
		}
	}
	return groups
}

// label is what the screen calls the item that the include is for: nothing
// where that is empty, zero or false.
func (g *included) label() string {
	if !g.task.LoopControl.Label.IsSet() {
		name := "item"
		if s, ok := g.task.LoopControl.LoopVar.V.(templates.Str); ok {
			name = string(s)
		}
		if v, ok := g.req.vars.GetStr(name); ok && !v.Truth() {
			return ""
		}
	}
	return g.res[0].label
}

func includeResults(res *taskResult) []*taskResult {
	if !res.looped {
		if res.include == nil {
			return nil
		}
		return []*taskResult{res}
	}
	var out []*taskResult
	for _, it := range res.items {
		if it.include != nil {
			out = append(out, it)
		}
	}
	return out
}

// include loads what the hosts asked for and puts it in front of what they do next.
func (w *walk) include(ctx context.Context, steps []turn, results []*taskResult) {
	var tasks []*playbook.Task
	coming := map[*hostRun][]playbook.Item{}
	failed := map[*hostRun]bool{}
	for _, g := range groupIncludes(steps, results) {
		block, err := w.loadIncluded(ctx, g)
		if err != nil {
			if !w.includeFailed(g, err) {
				return
			}
			for _, h := range g.hosts {
				failed[h] = true
			}
			continue
		}
		if g.req.role == nil || w.p.r.o.Era >= templates.Current {
			for _, h := range g.hosts {
				w.p.r.count(h.name, func(s *callback.HostStats) { s.OK++ })
			}
			names := make([]string, len(g.hosts))
			for j, h := range g.hosts {
				names[j] = h.name
			}
			label := g.label()
			if g.res[0].noLog {
				label = censoredLabel
			}
			w.p.r.cb.tell(func(cb callback.Callback) { cb.Included(g.req.file, names, label) })
		}
		if g.task.IsHandler {
			tasks = append(tasks, w.p.includeHandlers(g.hosts, block.Body)...)
			continue
		}
		tasks = w.p.tasksIn(tasks, block.Body)
		for _, h := range g.hosts {
			coming[h] = append(coming[h], block)
		}
	}
	w.order.add(tasks)
	for _, tn := range steps {
		if h := tn.h; failed[h] {
			w.p.r.loseHost(h.name, false)
			w.p.mark(h)
		} else if len(coming[h]) > 0 {
			h.cursor.insert(coming[h])
		}
	}
}

// includeHandlers makes handlers of what a handler includes: they are notified
// as it was. It returns their tasks.
func (p *playRun) includeHandlers(hosts []*hostRun, items []playbook.Item) []*playbook.Task {
	tasks := p.tasksIn(nil, items)
	list := make([]*handler, len(tasks))
	for i, t := range tasks {
		t.IsHandler = true
		list[i] = &handler{task: t}
	}
	for _, h := range hosts {
		h.cursor.insertHandlers(list)
		for _, hd := range list {
			h.notify(hd)
		}
	}
	return tasks
}

// includeFailed tells of hosts whose include cannot be loaded; it reports
// whether the run goes on.
func (w *walk) includeFailed(g *included, err error) bool {
	var bad playbook.Errors
	if errors.As(err, &bad) && !errors.Is(err, fs.ErrNotExist) && g.req.role == nil && !bad.OnlyHost() {
		w.p.r.stop(err) // a file that cannot be understood ends the run
		return false
	}
	if w.p.r.o.Era >= templates.Current {
		w.includeFailedNow(g, g.task, err)
		return true
	}
	if g.req.role != nil {
		if !isRoleMissing(err) {
			w.p.r.stop(err) // a role that cannot be loaded ended the run up to 2.18
			return false
		}
		// The screen shows no result of the hosts, only the error.
		w.p.r.cb.tell(func(cb callback.Callback) { callback.ShowError(cb, err.Error()) })
		return true
	}
	reason := err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		reason = fmt.Sprintf("Could not find or access '%s' on the Ansible Controller.", g.req.file)
	}
	for i, h := range g.hosts {
		res := g.res[i]
		res.include, res.ignoreErrors = nil, false
		res.data = action.Result("reason", reason, "failed", true)
		w.p.countResult(h, res)
		w.p.r.cb.tell(func(cb callback.Callback) { cb.Result(res.shown()) })
	}
	return true
}

// isRoleMissing reports whether an include_role found no role.
func isRoleMissing(err error) bool {
	var bad playbook.Errors
	return errors.As(err, &bad) && len(bad) > 0 && errors.Is(bad[0].Cause, playbook.ErrRoleNotFound)
}

// includeFailedNow is includeFailed in the words of 2.22.
func (w *walk) includeFailedNow(g *included, t *playbook.Task, err error) {
	e := &callback.Event{Msg: err.Error()}
	var bad playbook.Errors
	if errors.As(err, &bad) && len(bad) > 0 {
		e.Msg = bad[0].Msg
		if isRoleMissing(err) || bad.OnlyHost() && bad[0].Pos.File != t.File {
			e.Context = callback.SourceContext(bad[0].Pos)
		}
	}
	if errors.Is(err, fs.ErrNotExist) && g.req.role == nil {
		e = noFile(g.req.file)
	}
	for i, h := range g.hosts {
		res := g.res[i]
		res.include, res.event, res.ignoreErrors = nil, e, false
		res.data = action.Result("changed", false, "failed", true, "msg", e.Msg)
		w.p.countResult(h, res)
		if !t.Loop.IsSet() { // of a loop the screen shows no result
			w.p.r.cb.tell(func(cb callback.Callback) { cb.Result(res.shown()) })
		}
	}
}

// noFile is the error of 2.22 about a file of the controller that is not there.
func noFile(path string) *callback.Event {
	return &callback.Event{
		Msg:  fmt.Sprintf("Unable to retrieve file contents. Could not find or access '%s' on the Ansible Controller: [Errno 2] No such file or directory: '%[1]s'", path),
		Help: "If you are using a module and expect the file to exist on the remote, see the remote_src option.",
	}
}

// loadIncluded loads an include as a block that carries its vars.
func (w *walk) loadIncluded(ctx context.Context, g *included) (*playbook.Block, error) {
	p, t := w.p, g.task
	block := &playbook.Block{Implicit: true}
	if t.Include.ApplyBlock != nil {
		*block = *t.Include.ApplyBlock
		block.Implicit = true
	}
	block.Pos, block.Parent, block.Role, block.Play = t.Pos, t.Parent, t.Role, p.play
	block.ImportVars = playbook.Vars{Dict: g.req.vars, Pos: t.Vars.Pos}
	var err error
	if g.req.role == nil {
		if g.req.gone {
			return nil, &fs.PathError{Op: "open", Path: g.req.file, Err: fs.ErrNotExist}
		}
		block.File = g.req.file
		block.Body, err = p.r.o.Loader.LoadTasks(g.req.file, block, t.Role, t.IsHandler)
		return block, err
	}
	rr := *g.req.role
	rr.Parent, rr.Pos = block, t.Pos
	if pos, ok := t.ArgsPos["name"]; ok && p.r.o.Era >= templates.Current {
		rr.Pos = pos
	}
	rr.Params = block.ImportVars
	use, err := p.r.o.Loader.LoadRole(rr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.addHandlers(use.Handlers)
	p.included = append(p.included, use.Role)
	p.mu.Unlock()
	use.Role.Given = block.ImportVars
	if g.req.pub {
		p.publish(use.Role)
	}
	for _, u := range use.Order() {
		block.Body = append(block.Body, u.Tasks...)
	}
	return block, nil
}
