package engine

// This file asks the person at the terminal between tasks: --step and the
// debugger (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_debugger.html).

import (
	"context"
	"fmt"
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
	in, err := r.o.Prompt(ctx, Prompt{Text: fmt.Sprintf("Perform task: TASK: %s (N)o/(y)es/(c)ontinue: ", w.p.taskName(ctx, tn.t, tn.h.name))})
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

// debugged opens the debugger after a task where the keyword or the strategy
// asks for it; it reports whether the task is to run again.
func (p *playRun) debugged(ctx context.Context, w *walk, h *hostRun, t *playbook.Task, res *taskResult) bool {
	if p.r.o.Prompt == nil || !p.wantsDebugger(ctx, h, t, res) {
		return false
	}
	p.r.cb.tell(func(cb callback.Callback) { cb.Result(res.shown()) })
	d := &debugger{p: p, h: h, t: t, res: res}
	for {
		in, err := p.r.o.Prompt(ctx, Prompt{Text: fmt.Sprintf("[%s] %s (debug)> ", h.name, "TASK: "+res.task.Name)})
		if err != nil {
			p.r.stop(err)
			return false
		}
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(in), " "); verb {
		case "c", "continue":
			return false
		case "r", "redo":
			return true
		case "q", "quit":
			p.r.stop(errEndOfRun)
			return false
		case "p", "pprint":
			p.r.cb.Display(d.print(ctx, rest))
		case "u", "update_task":
			// The task is templated anew on redo; nothing has to be rebuilt.
		case "h", "help", "":
			p.r.cb.Display("p EXPR: print; VAR = EXPR on task_vars['x'] or task.args['x']: set; r: redo; c: continue; q: quit")
		default:
			if msg := d.assign(ctx, in); msg != "" {
				p.r.cb.Display(msg)
			}
		}
	}
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
	failed := st == callback.Failed && !res.ignoreErrors
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
	return p.strategy == "debug" && (failed || st == callback.Unreachable)
}

// A debugger is one stop of a run.
type debugger struct {
	p   *playRun
	h   *hostRun
	t   *playbook.Task
	res *taskResult
}

// locals are the names that the debugger's expressions know beside variables.
func (d *debugger) locals() *templates.Dict {
	task := templates.NewDict(2)
	task.SetStr("name", templates.Str(d.res.task.Name))
	if d.t.Args != nil {
		task.SetStr("args", d.t.Args)
	}
	l := templates.NewDict(4)
	result := templates.NewDict(1)
	result.SetStr("_result", d.res.data)
	l.SetStr("task", task)
	l.SetStr("result", result)
	l.SetStr("host", templates.Str(d.h.name))
	return l
}

func (d *debugger) print(ctx context.Context, expr string) string {
	s := d.p.scope(d.h.name, d.t).With(d.locals())
	expr = strings.ReplaceAll(expr, "task_vars[", "vars[")
	if expr == "task_vars" {
		return strings.Join(d.p.scope(d.h.name, d.t).Names(), "\n")
	}
	v, err := d.p.r.resolve(ctx, templates.NewText("{{ "+expr+" }}", playbook.Pos{}), s)
	if err != nil {
		return "***" + err.Error()
	}
	return templates.Repr(v, d.p.r.o.Era)
}

// assign does "task.args['x'] = EXPR" and "task_vars['x'] = EXPR".
func (d *debugger) assign(ctx context.Context, in string) string {
	left, right, ok := strings.Cut(in, "=")
	if !ok {
		return "*** unknown command: " + in
	}
	left = strings.TrimSpace(left)
	name := strings.Trim(strings.TrimSuffix(left[strings.IndexByte(left, '[')+1:], "]"), `'"`)
	v, err := d.p.r.resolve(ctx, templates.NewText("{{ "+right+" }}", playbook.Pos{}), d.p.scope(d.h.name, d.t).With(d.locals()))
	if err != nil {
		return "***" + err.Error()
	}
	switch {
	case strings.HasPrefix(left, "task.args["):
		args := templates.NewDict(4)
		if d.t.Args != nil {
			args = d.t.Args.Copy()
		}
		args.SetStr(name, v)
		d.t.Args = args
	case strings.HasPrefix(left, "task_vars["):
		set := templates.NewDict(1)
		set.SetStr(name, v)
		d.p.r.o.Vars.SetNonpersistent(d.h.name, set)
	default:
		return "*** only task.args['x'] and task_vars['x'] can be set"
	}
	return ""
}
