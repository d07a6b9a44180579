package engine

// This file runs one task without a playbook, as the command ansible does.

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"gorun/engine/action"
	"gorun/engine/playbook"
	"gorun/templates"
)

// AdhocTask is the one task of `ansible PATTERN -m MODULE -a ARGS`.
type AdhocTask struct {
	Pattern, Module string
	// ArgsText is -a as given: k=v, free form, or JSON.
	ArgsText    string
	Async, Poll int // seconds; Poll 0 with Async: do not wait
	OneLine     bool
	TaskTimeout int // seconds
	// Dir is the folder that stands for a playbook's, "" for the working folder.
	Dir string
	// Console says that the task was typed at the prompt of a console.
	Console bool
}

// Adhoc runs one task on the hosts of a pattern.
func (r *Run) Adhoc(ctx context.Context, t AdhocTask) (Outcome, error) {
	if t.Module == "" {
		t.Module = "command"
	}
	if ok, near := KnownAction(r.o.Foreign)(t.Module, nil); !ok {
		return Outcome{Code: CodeFailed}, &unknownAction{t.Module, near}
	}
	file := filepath.Join(t.Dir, "adhoc") // none: its folder is where files are looked for
	play := &playbook.Play{File: file}
	str := func(s string) playbook.Value { return playbook.Value{V: templates.Str(s)} }
	play.Name, play.Hosts = str("Ansible Ad-Hoc"), str(t.Pattern)
	play.Gather = playbook.Value{V: templates.Bool(false)}
	task := &playbook.Task{Action: t.Module, Play: play, File: file, ID: 1}
	if err := r.adhocArgs(task, t); err != nil {
		return Outcome{Code: CodeFailed}, err
	}
	if t.Async > 0 {
		task.Async = playbook.Value{V: templates.Int(t.Async)}
		task.Poll = playbook.Value{V: templates.Int(t.Poll)}
	}
	if t.TaskTimeout > 0 {
		r.o.TaskTimeout = time.Duration(t.TaskTimeout) * time.Second
	}
	play.Tasks = []playbook.Item{task}
	switch name := builtinName(t.Module); name {
	case "include_tasks", "include_role":
		task.Include = &playbook.Include{Kind: name}
	case "import_tasks", "import_role":
		items, err := r.o.Loader.Import(task)
		if err != nil {
			return Outcome{}, err
		}
		play.Tasks = items
	}
	r.words = t.origin(task.Args)
	code, _, err := r.runPlay(ctx, &playbook.Playbook{}, play)
	return r.outcome(code), err
}

// builtinName is a module's name without the collections that Ansible's own are in.
func builtinName(module string) string {
	return strings.TrimPrefix(strings.TrimPrefix(module, "ansible.builtin."), "ansible.legacy.")
}

// origin is where errors of the task say that it comes from, for there is no file.
func (t AdhocTask) origin(args *templates.Dict) string {
	d := templates.NewDict(5)
	d.SetStr("action", templates.Str(t.Module))
	d.SetStr("args", args)
	d.SetStr("timeout", templates.Int(t.TaskTimeout))
	where := "<unknown>"
	if !t.Console {
		where = "<adhoc '" + t.Module + "' task>"
		d.SetStr("async_val", templates.Int(t.Async))
		d.SetStr("poll", templates.Int(t.Poll))
	}
	return "Origin: " + where + "\n\n" + templates.Repr(d, templates.Current) + "\n"
}

// adhocArgs reads -a.
func (r *Run) adhocArgs(task *playbook.Task, t AdhocTask) error {
	full, _ := r.route(t.Module, nil)
	if len(t.ArgsText) > 0 && t.ArgsText[0] == '{' {
		v, err := templates.FromJSON([]byte(t.ArgsText))
		if err == nil {
			if d, ok := v.(*templates.Dict); ok {
				task.Args = d
				return nil
			}
		}
	}
	args, err := playbook.ParseKV(t.ArgsText, playbook.IsFreeForm(t.Module))
	if err != nil {
		return err
	}
	if raw, ok := args.GetStr("_raw_params"); ok && !action.FreeForm(full) {
		if s := templates.StrOf(raw, templates.Current); s != "" {
			return fmt.Errorf("this task '%s' has extra params, which is only allowed in the following modules: command, shell, script, include, include_vars, include_tasks, include_role, import_tasks, import_role, add_host, group_by, set_fact, raw, meta, win_command, win_shell", t.Module)
		}
		args.Delete(templates.Str("_raw_params"))
	}
	task.Args = args
	return nil
}

// unknownAction is an action that nobody has.
type unknownAction struct {
	name string
	near []string
}

func (e *unknownAction) Error() string {
	msg := fmt.Sprintf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", e.name)
	if len(e.near) > 0 {
		msg += fmt.Sprintf(" Did you mean '%s'?", e.near[0])
	}
	return msg
}

// routed is the full name of a task's action.
func (r *Run) routed(t *playbook.Task) (string, bool) {
	return r.route(t.Action, t.EffectiveCollections())
}
