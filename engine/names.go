package engine

// This file names tasks for the screen.

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// taskName is the name a task shows: its own or its action's, with its role's before it.
func (p *playRun) taskName(ctx context.Context, t *playbook.Task, host string) string {
	name := plainName(t)
	if t.Name.IsSet() && !isMeta(t) {
		s, err := p.r.text(ctx, t.Name.V, p.scope(host, t))
		switch {
		case err == nil && s != "":
			name = s
		case isUndefined(err) && p.r.o.Era >= templates.Current:
			name = p.patchedName(ctx, t, host)
		}
	}
	return withRole(t, name)
}

var expressionInName = regexp.MustCompile(`(?s)\{\{.*?\}\}`)

// patchedName is a task's name with the expressions in it that are undefined
// replaced by their errors, as since 2.19; a warning tells of them.
func (p *playRun) patchedName(ctx context.Context, t *playbook.Task, host string) string {
	src, n := condText(t.Name.V), 0
	s := p.scope(host, t)
	return expressionInName.ReplaceAllStringFunc(src, func(expr string) string {
		text, err := p.r.text(ctx, templates.NewText(expr, t.Name.Pos), s)
		if err == nil {
			return text
		}
		n++
		pos := t.Name.Pos
		var te *templates.Error
		if errors.As(err, &te) && te.Pos.IsValid() {
			pos = te.Pos
		}
		context := callback.SourceContext(pos)
		if pos != t.Name.Pos {
			context = callback.TextContext(pos)
		}
		p.r.warn((&callback.Event{Msg: fmt.Sprintf("Encountered 1 template error.\nerror %d - %s", n, err), Context: context}).String())
		return fmt.Sprintf("<< error %d - %s >>", n, err)
	})
}

// plainName is a task's name as written, or its action's.
func plainName(t *playbook.Task) string {
	if s := givenName(t); s != "" {
		return s
	}
	if t.Include != nil && t.Include.Kind == "include_role" {
		return t.Action + " : " + condText(t.Include.File.V)
	}
	return t.Action
}

// givenName is the name that the task was given, "" where it has none.
func givenName(t *playbook.Task) string {
	if !t.Name.IsSet() || t.Name.V == templates.None {
		return ""
	}
	return condText(t.Name.V)
}

// nameWithoutRole is the task's shown name without its role's.
func (tr *taskRun) nameWithoutRole() string {
	if tr.t.Role == nil {
		return tr.shown.Name
	}
	return strings.TrimPrefix(tr.shown.Name, strings.TrimSuffix(withRole(tr.t, ""), " : ")+" : ")
}

func withRole(t *playbook.Task, name string) string {
	if t.Role == nil || t.Include != nil && t.Include.Kind == "include_role" {
		return name
	}
	role := t.Role.Name
	if t.Role.FQCN != "" {
		role = t.Role.FQCN
	}
	if strings.HasPrefix(name, role+" : ") {
		return name
	}
	return role + " : " + name
}

// shownTask is a task for the screen.
func (p *playRun) shownTask(ctx context.Context, t *playbook.Task, host string) callback.Task {
	noLog, err := p.r.bool(ctx, p.keyword(t, func(b *playbook.Base) playbook.Value { return b.NoLog }), p.scope(host, t), p.r.o.NoLogEverything)
	check, cerr := p.r.bool(ctx, p.keyword(t, func(b *playbook.Base) playbook.Value { return b.CheckMode }), p.scope(host, t), p.r.o.Check)
	if cerr != nil {
		check = p.r.o.Check
	}
	return callback.Task{
		Name: p.taskName(ctx, t, host), Action: t.Action, Args: shownArgs(t), Path: taskPath(t), Pos: t.Pos,
		Check: check, UUID: uuid(t), Strategy: p.strategy, Loop: t.Loop.IsSet(),
		NoLog: noLog || err != nil, Handler: t.IsHandler, Source: t,
	}
}

// taskPath is where a task stands.
func taskPath(t *playbook.Task) string { return placeText(t.Pos) }

// shownArgs are the arguments as written, for display_args_to_stdout.
func shownArgs(t *playbook.Task) string {
	if t.Args == nil {
		return ""
	}
	var parts []string
	for k, v := range t.Args.All {
		parts = append(parts, templates.StrOf(k, templates.Current)+"="+condText(v))
	}
	return strings.Join(parts, ", ")
}

// placeText is a place as the screen writes it: "/x/site.yml:12".
func placeText(pos playbook.Pos) string {
	if pos.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", absPath(pos.File), pos.Line)
}
