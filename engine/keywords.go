package engine

// This file words errors in the values of keywords.

import (
	"context"
	"errors"
	"fmt"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// keywordUse is an error in the value of a keyword whose name is known.
type keywordUse struct {
	name string
	pos  playbook.Pos
	err  error
}

func (e *keywordUse) Error() string { return e.err.Error() }
func (e *keywordUse) Unwrap() error { return e.err }

// named is err, with the name of the keyword that it is about.
func named(name string, v playbook.Value, err error) error {
	if err == nil {
		return nil
	}
	return &keywordUse{name, v.Pos, err}
}

// A badValue is a value that is not of the kind ("int", "float", "bool") that
// its keyword wants.
type badValue struct {
	v    templates.Value
	src  string // as it is written, where it is a template
	kind string
	era  templates.Era
}

func (e *badValue) Error() string {
	what := "a number"
	if e.kind == "bool" {
		what = "a boolean"
	}
	return fmt.Sprintf("'%s' is not %s", templates.StrOf(e.v, e.era), what)
}

// python is the error of Python's conversion.
func (e *badValue) python() string {
	if _, isList := e.v.(templates.Sequence); isList && e.kind == "bool" {
		return "unhashable type: '" + e.v.Type() + "'"
	}
	text := templates.Repr(e.v, e.era)
	switch e.kind {
	case "int":
		return "invalid literal for int() with base 10: " + text
	case "float":
		return "could not convert string to float: " + text
	}
	return "The value " + text + " is not a valid boolean.  Valid booleans include: 'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0"
}

// badValueOf is the error about v, which value gave.
func (r *Run) badValueOf(value playbook.Value, v templates.Value, kind string) error {
	e := &badValue{v: v, kind: kind, era: r.o.Era, src: templates.StrOf(v, r.o.Era)}
	if t, ok := value.V.(*templates.Text); ok {
		e.src = t.Src
	}
	return &KeywordError{Pos: value.Pos, Err: e}
}

// number templates the value of a keyword to a number of a kind, "int" or "float".
func (tr *taskRun) number(ctx context.Context, name, kind string, v playbook.Value, s templates.Scope, def float64) (float64, error) {
	n, err := tr.r.number(ctx, v, s, def)
	if err == nil && kind == "int" && v.IsSet() && n != float64(int64(n)) {
		if out, e := tr.r.resolve(ctx, v.V, s); e == nil {
			if _, isTemplate := v.V.(*templates.Text); isTemplate && tr.r.o.Era < templates.Current {
				out = templates.Str(templates.StrOf(out, tr.r.o.Era)) // all that templates give is text
			}
			if _, isText := out.(templates.Str); isText {
				err = tr.r.badValueOf(v, out, kind)
			}
		}
		n = float64(int64(n))
	}
	var bad *badValue
	if errors.As(err, &bad) {
		bad.kind = kind
	}
	return n, named(name, v, err)
}

// keywordEvent is an error in a keyword's value as the current era tells it.
func (tr *taskRun) keywordEvent(e *keywordUse) *callback.Event {
	context := callback.SourceContext(e.pos)
	out := &callback.Event{Msg: "Error processing keyword '" + e.name + "'.", Context: context}
	var bad *badValue
	if errors.As(e.err, &bad) {
		out.Cause = &callback.Event{Msg: fmt.Sprintf("The value %s could not be converted to '%s'.", templates.Repr(bad.v, tr.r.o.Era), bad.kind), Context: context, Apart: true}
		return out
	}
	out.Cause = tr.templateEvent(e.err, context, "template")
	return out
}

// playContext are the keywords that ansible-core 2.14 judges before the task,
// and tells of without its place.
var playContext = map[string]bool{
	"become": true, "become_user": true, "become_method": true, "become_exe": true, "become_flags": true,
	"check_mode": true, "connection": true, "diff": true, "no_log": true, "port": true, "remote_user": true,
}

// loopControlKeys are the keys of loop_control that are told with its place.
var loopControlKeys = map[string]bool{"pause": true, "extended": true, "extended_allitems": true}

// keyword214 is the same in ansible-core 2.14; "" where it says no more than
// the error itself.
func (tr *taskRun) keyword214(e *keywordUse) string {
	var msg string
	var bad *badValue
	switch {
	case errors.As(e.err, &bad):
		msg = fmt.Sprintf("the field '%s' has an invalid value (%s), and could not be converted to an %s.The error was: %s", e.name, bad.src, bad.kind, bad.python())
		if playContext[e.name] {
			return msg + ". " + bad.python()
		}
	case isUndefined(e.err):
		msg = fmt.Sprintf("The field '%s' has an invalid value, which includes an undefined variable. The error was: %s. %[2]s", e.name, e.err)
		if playContext[e.name] {
			return fmt.Sprintf("%s. %[2]s. %[2]s", msg, e.err)
		}
	default:
		return ""
	}
	at := tr.t.Pos
	if loopControlKeys[e.name] && tr.t.LoopControl.Pos.IsValid() {
		at = tr.t.LoopControl.Pos
	}
	return msg + tr.offending(at)
}

// written is the value of a keyword as it stands in the playbook, where it is
// a template; else v.
func written(value playbook.Value, v templates.Value) templates.Value {
	if t, ok := value.V.(*templates.Text); ok {
		return templates.Str(t.Src)
	}
	return v
}
