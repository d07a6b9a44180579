package engine

// This file evaluates keywords: templates, conditionals, and what surrounds
// them with inherited values.

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"gorun/engine/playbook"
	"gorun/modules"
	"gorun/templates"
)

// resolve templates a value.
func (r *Run) resolve(ctx context.Context, v templates.Value, s templates.Scope) (templates.Value, error) {
	if v == nil {
		return templates.None, nil
	}
	out, err := r.o.Templates.Resolve(ctx, v, s)
	if err != nil {
		return nil, err
	}
	if templates.IsUndefined(out) {
		return nil, undefinedError(out, v)
	}
	if isOmitScalar(out) {
		return templates.Omit, nil
	}
	return out, nil
}

// omitText is what omit is as text: what templates give in the eras where
// every result is text.
var omitText = templates.Str(templates.StrOf(templates.Omit, templates.Current))

// isOmit reports whether a value is omit, also as text.
func isOmit(v templates.Value) bool { return v == templates.Omit || v == omitText }

// undefinedError is the error about an undefined value.
func undefinedError(u, from templates.Value) error {
	e := &templates.Error{Kind: templates.UndefinedError, Msg: "undefined value"}
	if u, ok := u.(*templates.Undefined); ok {
		e.Got = u.Name
		e.Msg = fmt.Sprintf("'%s' is undefined", u.Name)
		if u.Hint != "" {
			e.Msg = u.Hint
		}
	}
	if t, ok := from.(*templates.Text); ok {
		e.Src, e.Pos = t.Src, t.Pos
	}
	return e
}

// text templates a value to text; "" where it is not set.
func (r *Run) text(ctx context.Context, v templates.Value, s templates.Scope) (string, error) {
	if v == nil {
		return "", nil
	}
	out, err := r.resolve(ctx, v, s)
	if err != nil || out == templates.None {
		return "", err
	}
	return templates.StrOf(out, r.o.Era), nil
}

// bool templates a value to a bool by Ansible's rules.
func (r *Run) bool(ctx context.Context, v playbook.Value, s templates.Scope, def bool) (bool, error) {
	if !v.IsSet() {
		return def, nil
	}
	out, err := r.resolve(ctx, v.V, s)
	if err != nil {
		return false, err
	}
	switch out := out.(type) {
	case templates.Bool:
		return bool(out), nil
	case templates.NoneType, templates.OmitType:
		return def, nil
	}
	b, err := modules.ToBool(templates.ToGo(out))
	if err != nil {
		return false, r.badValueOf(v, out, "bool")
	}
	return b, nil
}

// number templates a value to a number.
func (r *Run) number(ctx context.Context, v playbook.Value, s templates.Scope, def float64) (float64, error) {
	if !v.IsSet() {
		return def, nil
	}
	out, err := r.resolve(ctx, v.V, s)
	if err != nil {
		return 0, err
	}
	f, ok := toNumber(out)
	switch {
	case out == templates.None || out == templates.Omit:
		return def, nil
	case !ok:
		return 0, r.badValueOf(v, out, "float")
	}
	return f, nil
}

func toNumber(v templates.Value) (float64, bool) {
	switch v := v.(type) {
	case templates.Int:
		return float64(v), true
	case templates.Float:
		return float64(v), true
	case *templates.BigInt:
		f, _ := new(big.Float).SetInt(v.V).Float64()
		return f, true
	case templates.Str:
		f, err := strconv.ParseFloat(strings.TrimSpace(string(v)), 64)
		return f, err == nil
	}
	return 0, false
}

// A KeywordError is a wrong value of a keyword, with its place.
type KeywordError struct {
	Pos playbook.Pos
	Err error
}

func (e *KeywordError) Error() string { return e.Err.Error() }
func (e *KeywordError) Unwrap() error { return e.Err }

// condition evaluates one conditional as when does.
func (r *Run) condition(ctx context.Context, v templates.Value, s templates.Scope) (bool, error) {
	ok, err := r.o.Templates.Condition(ctx, v, playbook.Pos{}, s)
	if err != nil && r.o.Era < templates.Current {
		err = &conditionError{assertKeyword, condText(v), playbook.Pos{}, err}
	}
	return ok, err
}

// assertKeyword is where assert has its conditions.
const assertKeyword = "that"

// A conditionError is a conditional that cannot be evaluated.
type conditionError struct {
	keyword string
	text    string
	pos     playbook.Pos
	err     error
}

func (e *conditionError) Error() string {
	return fmt.Sprintf("The conditional check '%s' failed. The error was: %s", e.text, e.err)
}
func (e *conditionError) Unwrap() error { return e.err }

// all evaluates conditionals that are anded; false comes with the one that was false.
func (r *Run) all(ctx context.Context, keyword string, conds []playbook.Value, s templates.Scope) (ok bool, which templates.Value, err error) {
	for _, c := range conds {
		for _, v := range conditionList(c.V) {
			ok, err := r.o.Templates.Condition(ctx, v, c.Pos, s)
			if err != nil {
				return false, nil, &conditionError{keyword, condText(v), c.Pos, err}
			}
			if !ok {
				return false, condition(v), nil
			}
		}
	}
	return true, nil, nil
}

func conditionList(v templates.Value) []templates.Value {
	if l, ok := v.(*templates.List); ok {
		return l.Elems
	}
	return []templates.Value{v}
}

// condition is a conditional as a result tells of it.
func condition(v templates.Value) templates.Value {
	if b, ok := v.(templates.Bool); ok {
		return b
	}
	return templates.Str(condText(v))
}

// condText is a conditional as written.
func condText(v templates.Value) string {
	if t, ok := v.(*templates.Text); ok {
		return t.Src
	}
	return templates.StrOf(v, templates.Current)
}

// keyword returns the nearest set value of a keyword: the task's own, its
// blocks' from the inside out, the play's.
func (p *playRun) keyword(t *playbook.Task, get func(b *playbook.Base) playbook.Value) playbook.Value {
	if v := t.Inherit(get); v.IsSet() || t.Play != nil {
		return v
	}
	return get(&p.play.Base)
}
