package engine

// This file asks the person at the terminal between tasks: --step and the
// debugger (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_debugger.html).

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// step asks whether to run a task (--step).
func (w *walk) step(ctx context.Context, tn turn) bool {
	r := w.p.r
	r.mu.Lock()
	on := r.stepping
	r.mu.Unlock()
	if !on || r.o.Prompt == nil {
		return true
	}
	kind := "TASK"
	if tn.t.IsHandler {
		kind = "HANDLER"
	}
	in, err := r.o.Prompt(ctx, Prompt{Text: fmt.Sprintf("Perform task: %s: %s (N)o/(y)es/(c)ontinue: ", kind, withRole(tn.t, plainName(tn.t))), Banner: true})
	if err != nil {
		r.stop(err)
		return false
	}
	switch strings.ToLower(strings.TrimSpace(in)) {
	case "y", "yes":
		return true
	case "c", "continue":
		r.mu.Lock()
		r.stepping = false
		r.mu.Unlock()
		return true
	}
	return false
}

// debugged opens the debugger after a task, as long as the keyword or the
// strategy asks for it and the task is run again. The result has been shown,
// and so told is true, where it was opened.
func (p *playRun) debugged(ctx context.Context, h *hostRun, t *playbook.Task, res *taskResult) (told bool) {
	d := &debugger{p: p, h: h, t: t, res: res, set: templates.NewDict(0)}
	for p.r.o.Prompt != nil && p.wantsDebugger(ctx, h, t, res) {
		p.r.cb.tell(func(cb callback.Callback) { cb.Result(res.shown()) })
		if !d.stop(ctx) {
			return true
		}
		*res = *p.execute(ctx, h, t, res.task)
	}
	return false
}

// stop is one stop of the debugger; it reports whether the task is to run again.
func (d *debugger) stop(ctx context.Context) (again bool) {
	p, last := d.p, ""
	for {
		in, err := p.r.o.Prompt(ctx, Prompt{Text: fmt.Sprintf("[%s] TASK: %s (debug)> ", d.h.name, d.res.task.Name)})
		switch {
		case errors.Is(err, io.EOF):
			in = "quit"
		case err != nil:
			p.r.stop(err)
			return false
		}
		if in = strings.TrimSpace(in); in == "" {
			in = last // as the shells that Python makes
		}
		last = in
		switch verb, rest, _ := strings.Cut(in, " "); verb {
		case "c", "continue":
			return false
		case "r", "redo":
			return true
		case "q", "quit", "EOF":
			p.r.cb.Display("User interrupted execution")
			p.r.stop(ErrQuit)
			return false
		case "p", "pprint":
			p.r.cb.Display(d.print(ctx, strings.TrimSpace(rest)))
		case "u", "update_task":
			d.update()
		case "h", "help", "?":
			p.r.cb.Display(debuggerHelp(rest))
		case "":
		default:
			if msg := d.obey(ctx, in); msg != "" {
				p.r.cb.Display(msg)
			}
		}
	}
}

// ErrQuit is what ends a run whose user has quit the debugger.
var ErrQuit = errors.New("User interrupted execution")

// debuggerTopics are what each of the debugger's commands does.
var debuggerTopics = map[string]string{
	"p": "prints the value of an expression: p task.args, p task_vars['x'], p host, p result._result", "r": "runs the task again",
	"c": "goes on with the play", "q": "ends the run", "u": "templates the task anew, with what was set in task_vars", "h": "lists the commands",
	"EOF": "ends the run",
}

// debuggerHelp is the list of commands, or what one of them does.
func debuggerHelp(topic string) string {
	if topic == "" {
		return "\nDocumented commands (type help <topic>):\n========================================\n" +
			"EOF  c  continue  h  help  p  pprint  q  quit  r  redo  u  update_task\n\n"
	}
	short := topic[:1]
	if text, ok := debuggerTopics[topic]; ok {
		return text
	}
	if text, ok := debuggerTopics[short]; ok && slices.Contains([]string{"continue", "help", "pprint", "quit", "redo", "update_task"}, topic) {
		return text
	}
	return "*** No help on " + topic
}

// wantsDebugger applies debugger: always, never, on_failed, on_unreachable, on_skipped.
func (p *playRun) wantsDebugger(ctx context.Context, h *hostRun, t *playbook.Task, res *taskResult) bool {
	v := p.keyword(t, func(b *playbook.Base) playbook.Value { return b.Debugger })
	when, err := p.r.text(ctx, v.V, p.scope(h.name, t))
	if err != nil {
		p.r.stop(err)
		return false
	}
	st := res.status()
	failed := st == callback.Failed && (!res.ignoreErrors || p.r.o.DebugIgnored)
	switch when {
	case "always":
		return true
	case "never":
		return false
	case "on_failed":
		return failed
	case "on_unreachable":
		return st == callback.Unreachable
	case "on_skipped":
		return st == callback.Skipped
	}
	return (p.r.o.Debugger || p.strategy == "debug") && (failed || st == callback.Unreachable)
}

// A debugger is the stops behind one task on one host.
type debugger struct {
	p   *playRun
	h   *hostRun
	t   *playbook.Task
	res *taskResult
	set *templates.Dict // what was set in task_vars since the last update
}

// update makes what was set in task_vars hold for the task.
func (d *debugger) update() {
	if d.set.Len() > 0 {
		d.p.r.o.Vars.SetIncluded(d.h.name, d.set, "debugger")
		d.set = templates.NewDict(0)
	}
}

// mentioned are the variables that an expression takes out of task_vars.
var mentioned = regexp.MustCompile(`task_vars(?:\[|\.get\()\s*(?:'(\w+)'|"(\w+)")`)

// scope has the names that an expression of the debugger knows.
func (d *debugger) scope(ctx context.Context, expr string) (templates.Scope, error) {
	task := templates.NewDict(2)
	task.SetStr("name", templates.Str(d.res.task.Name))
	args := d.t.Args
	if args == nil {
		args = templates.NewDict(0)
	}
	task.SetStr("args", args)
	result := templates.NewDict(4)
	result.SetStr("_result", d.res.data)
	result.SetStr("task_name", templates.Str(d.res.task.Name))
	st := d.res.status()
	for name, is := range map[string]bool{
		"is_failed": st == callback.Failed, "is_unreachable": st == callback.Unreachable, "is_skipped": st == callback.Skipped,
	} {
		result.SetStr(name, templates.NewFunc(name, func(*templates.Call) (templates.Value, error) { return templates.Bool(is), nil }))
	}
	host := templates.NewDict(1)
	host.SetStr("name", templates.Str(d.h.name))
	vars := d.p.scope(d.h.name, d.t).With(d.set)
	named := templates.NewDict(1)
	for _, m := range mentioned.FindAllStringSubmatch(expr, -1) {
		name := m[1] + m[2]
		v, ok, err := vars.Lookup(name)
		if err == nil && ok {
			v, err = d.p.r.resolve(ctx, v, vars)
		}
		if err != nil {
			return nil, err
		}
		if !ok && strings.HasPrefix(m[0], "task_vars[") {
			return nil, fmt.Errorf("KeyError:KeyError('%s')", name)
		}
		if ok {
			named.SetStr(name, v)
		}
	}
	l := templates.NewDict(4)
	l.SetStr("task", task)
	l.SetStr("result", result)
	l.SetStr("host", host)
	l.SetStr("task_vars", named)
	return vars.With(l), nil
}

// eval is the value of an expression: Python's, as far as Jinja's are the same.
func (d *debugger) eval(ctx context.Context, expr string) (templates.Value, error) {
	s, err := d.scope(ctx, expr)
	if err != nil {
		return nil, err
	}
	v, err := d.p.r.resolve(ctx, templates.NewText("{{ "+expr+" }}", playbook.Pos{}), s)
	if m := undefinedName.FindStringSubmatch(fmt.Sprint(err)); err != nil && m != nil && !strings.Contains(expr, "."+m[1]) {
		return nil, fmt.Errorf("NameError:NameError(\"name '%s' is not defined\")", m[1])
	}
	return v, err
}

// undefinedName is what templates say of a name that nothing has.
var undefinedName = regexp.MustCompile(`^'(\w+)' is undefined`)

func (d *debugger) print(ctx context.Context, expr string) string {
	switch expr {
	case "task":
		return "TASK: " + d.res.task.Name
	case "host":
		return d.h.name
	case "task_vars":
		return strings.Join(d.p.scope(d.h.name, d.t).Names(), "\n")
	}
	v, err := d.eval(ctx, expr)
	if err != nil {
		return "***" + err.Error()
	}
	if dict, ok := v.(*templates.Dict); ok {
		v = inOrder(dict)
	}
	return templates.Repr(v, d.p.r.o.Era)
}

// inOrder is a dict as Python's pprint shows it, by its keys.
func inOrder(d *templates.Dict) *templates.Dict {
	names := map[string]templates.Value{}
	for k, v := range d.All {
		names[templates.StrOf(k, templates.Current)] = v
	}
	out := templates.NewDict(len(names))
	for _, k := range slices.Sorted(maps.Keys(names)) {
		out.SetStr(k, names[k])
	}
	return out
}

// assignment is "task.args['x']" or "task_vars['x']", with what is done to it:
// del before, or = and a value behind.
var assignment = regexp.MustCompile(`^(del\s+)?(task\.args|task_vars)\[\s*(?:'([^']*)'|"([^"]*)")\s*\]\s*(?:=([^=].*))?$`)

// obey sets or removes an argument or a variable; what goes wrong is returned.
func (d *debugger) obey(ctx context.Context, in string) string {
	m := assignment.FindStringSubmatch(in)
	if m == nil || (m[1] == "") == (m[5] == "") {
		if _, err := d.eval(ctx, in); err != nil {
			return "***" + err.Error()
		}
		return ""
	}
	name := m[3] + m[4]
	var v templates.Value
	if m[5] != "" {
		var err error
		if v, err = d.eval(ctx, strings.TrimSpace(m[5])); err != nil {
			return "***" + err.Error()
		}
	}
	switch {
	case m[2] == "task.args":
		args := templates.NewDict(4)
		if d.t.Args != nil {
			args = d.t.Args.Copy()
		}
		if v != nil {
			args.SetStr(name, v)
		} else {
			args.Delete(templates.Str(name))
		}
		d.t.Args = args
	case v == nil:
		return "***a variable cannot be removed"
	default:
		d.set.SetStr(name, v)
	}
	return ""
}
