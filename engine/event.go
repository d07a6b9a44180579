package engine

// This file says what failed a task and why, each cause with its place, as
// ansible-core has since 2.19.

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/templates"
)

// noLogText stands where no_log hides a message.
const noLogText = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"

// seal gives a failed result the error that the screen shows, and the message
// that Ansible makes of it where the action gave none.
func (tr *taskRun) seal(res *taskResult) *taskResult {
	if !res.current || res.event != nil || res.gaveUp {
		return res
	}
	st := res.status()
	if st != callback.Failed && st != callback.Unreachable {
		return res
	}
	if bad := (*loopError)(nil); errors.As(res.failure, &bad) {
		res.event = bad.event()
	} else {
		res.event = &callback.Event{Msg: "Task failed.", Context: tr.origin(), Cause: tr.resultCause(res)}
	}
	if msg, ok := res.data.GetStr("msg"); !ok || !msg.Truth() {
		res.data = res.data.Copy()
		res.data.SetStr("msg", templates.Str(res.event.Brief()))
	}
	return res
}

// hidden is the error without what no_log hides.
func hidden(e *callback.Event) *callback.Event {
	if e == nil {
		return nil
	}
	return &callback.Event{Msg: e.Msg, Context: e.Context, Cause: &callback.Event{Msg: noLogText}}
}

// resultCause is what failed a result.
func (tr *taskRun) resultCause(res *taskResult) *callback.Event {
	who := "Action failed."
	if res.module {
		who = "Module failed."
	}
	if res.judged != nil {
		return &callback.Event{Msg: who, Cause: res.judged}
	}
	var fail *action.Failure
	if res.failure != nil && (!errors.As(res.failure, &fail) || fail.Data == nil || fail.Raised) {
		return tr.errorEvent(res.failure)
	}
	msg := "Unknown error."
	if v, ok := res.data.GetStr("msg"); ok && v.Truth() {
		msg = strings.TrimSpace(templates.StrOf(v, tr.r.o.Era))
	}
	if v, ok := res.data.GetStr(errorDetail); ok {
		msg = strings.TrimRight(msg, ". ") + ": " + templates.StrOf(v, tr.r.o.Era)
	}
	return &callback.Event{Msg: who, Cause: &callback.Event{Msg: msg}}
}

// errorEvent is an error with its causes and places.
func (tr *taskRun) errorEvent(err error) *callback.Event {
	var cond *conditionError
	var arg *argumentError
	var kw *keywordUse
	var at *KeywordError
	var un *transport.UnreachableError
	var fail *action.Failure
	var placed *placedError
	switch {
	case errors.As(err, &cond):
		return conditionEvent(cond)
	case errors.As(err, &placed):
		return placed.event()
	case errors.As(err, &arg):
		what := &callback.Event{Msg: "Finalization of task args for '" + tr.fullAction() + "' failed.", Context: tr.originOf(tr.t.ActionPos)}
		context := tr.textContext(arg.pos)
		if arg.name == "" {
			what.Cause = tr.templateEvent(arg.err, context, "template")
			return what
		}
		what.Cause = &callback.Event{Msg: "Error while resolving value for '" + arg.name + "'.", Context: context, Cause: tr.templateEvent(arg.err, context, "template")}
		return what
	case errors.As(err, &kw):
		return tr.keywordEvent(kw)
	case errors.As(err, &at):
		return tr.templateEvent(at.Err, callback.SourceContext(at.Pos), "template")
	case errors.As(err, &un):
		return &callback.Event{Msg: un.Msg}
	case errors.As(err, &fail):
		if fail.At != nil {
			return tr.templateEvent(fail.At, callback.SourceContext(fail.At.Place()), "template")
		}
		return &callback.Event{Msg: strings.TrimPrefix(fail.Msg, "Task failed: ")}
	}
	if shortAction(tr.t) == "assert" {
		return assertEvent(err, tr.argPos("that"))
	}
	return tr.templateEvent(err, "", "template")
}

// assertEvent tells of a condition of assert.
func assertEvent(err error, at playbook.Pos) *callback.Event {
	return conditionEvent(&conditionError{keyword: assertKeyword, pos: at, err: err}).Cause
}

func (e *placedError) event() *callback.Event {
	return &callback.Event{Msg: e.msg, Help: e.help, Context: callback.SourceContext(e.pos)}
}

// warnAt warns, showing a place, once a run.
func (tr *taskRun) warnAt(msg string, p playbook.Pos) {
	tr.r.warn((&callback.Event{Msg: msg, Context: tr.textContext(p)}).String())
}

// textContext shows the place of a text. Of key=value arguments Ansible only
// knows the place of the whole.
func (tr *taskRun) textContext(p playbook.Pos) string { return textContext(tr.t, p) }

func textContext(t *playbook.Task, p playbook.Pos) string {
	if kv := t.KVPos; kv.IsValid() && (p == kv || slices.Contains(slices.Collect(maps.Values(t.ArgsPos)), p)) {
		p = kv
	}
	return callback.TextContext(p)
}

// BrokenConditional is what the current era says of a conditional at a place
// that it takes for now.
func BrokenConditional(pos playbook.Pos, msg, help string) *callback.Event {
	context := callback.TextContext(pos)
	if first, _, _ := strings.Cut(context, "\n"); first != "" {
		msg = strings.Replace(msg, "'"+templates.UnknownOrigin+"'", "'"+strings.TrimPrefix(first, "Origin: ")+"'", 1)
	}
	return &callback.Event{Msg: msg, Help: help, Context: context}
}

// conditionEvent tells of a conditional.
func conditionEvent(c *conditionError) *callback.Event {
	article := "A"
	if c.keyword == "until" {
		article = "An"
	}
	context := callback.SourceContext(c.pos)
	e := &callback.Event{Msg: fmt.Sprintf("%s '%s' expression failed.", article, c.keyword), Context: context}
	var te *templates.Error
	switch {
	case isUndefined(c.err):
		inner := context
		if errors.As(c.err, &te) && te.Pos.IsValid() && te.Pos != c.pos {
			inner = callback.TextContext(te.Pos)
		}
		e.Cause = &callback.Event{Msg: "Error while evaluating conditional.", Context: context, Cause: &callback.Event{Msg: c.err.Error(), Context: inner}}
	case errors.As(c.err, &te) && te.Kind == templates.BrokenConditional:
		msg := te.Msg
		if c.pos.IsValid() {
			place := fmt.Sprintf("%s:%d:%d", absPath(c.pos.File), c.pos.Line, c.pos.Col)
			msg = strings.Replace(msg, "'"+templates.UnknownOrigin+"'", "'"+place+"'", 1)
		}
		e.Cause = &callback.Event{Msg: msg, Help: te.Help, Context: context}
	default:
		e.Cause = templateCause(c.err, context, "expression")
	}
	return e
}

func (tr *taskRun) templateEvent(err error, context, kind string) *callback.Event {
	var te *templates.Error
	if errors.As(err, &te) && te.Pos.IsValid() {
		context = tr.textContext(te.Pos)
	}
	return templateCause(err, context, kind)
}

// templateCause words an error of a template or an expression.
func templateCause(err error, context, kind string) *callback.Event {
	var te *templates.Error
	if !errors.As(err, &te) {
		return &callback.Event{Msg: err.Error(), Context: context}
	}
	e := &callback.Event{Context: context, Cause: &callback.Event{Msg: te.Msg}}
	switch te.Kind {
	case templates.TemplateSyntaxError, templates.TemplateAssertError:
		e.Msg = "Syntax error in " + kind + "."
		if strings.HasPrefix(te.Msg, "Template delimiters are not supported") {
			e.Msg, e.Cause = e.Msg+" "+te.Msg, nil
		}
	case templates.RecursionError:
		e.Msg, e.Cause.Msg = "Recursive loop detected in "+kind+".", "maximum recursion depth exceeded"
	case templates.ZeroDivisionError, templates.TypeError, templates.ValueError, templates.KeyError, templates.IndexError,
		templates.AttributeError, templates.OverflowError, templates.TemplateRuntimeError, templates.SecurityError, templates.TemplateNotFound:
		e.Msg = "Error rendering " + kind + "."
	default:
		if strings.HasPrefix(te.Msg, "recursive loop detected") {
			e.Msg, e.Cause.Msg = "Recursive loop detected in "+kind+".", "maximum recursion depth exceeded"
			break
		}
		e.Msg, e.Help, e.Cause = te.Msg, te.Help, nil
	}
	return e
}

// origin is where the task stands.
func (tr *taskRun) origin() string { return tr.originOf(tr.t.Pos) }

// originOf is a place in the task; one that no file has is where its words
// come from.
func (tr *taskRun) originOf(pos templates.Pos) string {
	if !pos.IsValid() {
		return tr.r.words
	}
	return callback.SourceContext(pos)
}
