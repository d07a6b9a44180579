package engine

// This file evaluates the conditionals of Ansible 1.x that have no heir:
// only_if and when_integer, when_set and their like.

import (
	"context"
	"fmt"
	"regexp"

	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/vars"
)

// dollar is a variable of Ansible before 1.2: $name, ${name}, $name.part.
var dollar = regexp.MustCompile(`\$\{?([A-Za-z_][\w.]*)\}?`)

// isSet is a test of only_if on whether a variable is there.
var isSet = regexp.MustCompile(`\bis_(un)?set\(\s*['"]?\$\{?([A-Za-z_][\w.]*)\}?['"]?\s*\)`)

// setTests gives text with the tests of only_if as today's.
func setTests(text string) string {
	return isSet.ReplaceAllStringFunc(text, func(s string) string {
		m := isSet.FindStringSubmatch(s)
		if m[1] != "" {
			return "(" + m[2] + " is not defined)"
		}
		return "(" + m[2] + " is defined)"
	})
}

// legacyWhen evaluates the task's conditionals of former days.
func (tr *taskRun) legacyWhen(ctx context.Context, s *vars.Scope) (ok bool, which templates.Value, err error) {
	l := &tr.t.Legacy
	for _, c := range []struct {
		kind string
		v    playbook.Value
	}{{"only_if", l.OnlyIf}, {l.WhenKind, l.When}} {
		if !c.v.IsSet() {
			continue
		}
		text := condText(c.v.V)
		ok, err := tr.legacyCondition(ctx, s, c.kind, text, c.v.Pos)
		if err != nil {
			return false, nil, &conditionError{"when", text, c.v.Pos, err}
		}
		if !ok {
			return false, templates.Str(text), nil
		}
	}
	return true, nil, nil
}

func (tr *taskRun) legacyCondition(ctx context.Context, s *vars.Scope, kind, text string, pos playbook.Pos) (bool, error) {
	name := dollar.ReplaceAllString(text, "$1")
	switch kind {
	case "set", "unset":
		ok, err := tr.r.condition(ctx, templates.Str(name+" is defined"), s)
		return ok == (kind == "set"), err
	case "changed", "failed":
		return tr.r.condition(ctx, templates.Str(fmt.Sprintf("(%s).%s | default(false)", name, kind)), s)
	case "only_if", "integer", "string", "float":
		src, err := tr.r.text(ctx, templates.NewText(dollar.ReplaceAllString(setTests(text), "{{ $1 }}"), pos), s)
		if err != nil {
			return false, err
		}
		return tr.r.condition(ctx, templates.Str(src), s)
	}
	return false, fmt.Errorf("when_%s is no conditional", kind)
}
