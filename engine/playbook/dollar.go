package playbook

// This file reads variables as Ansible wrote them before 1.2: $name, ${name.part}.

import (
	"regexp"
	"slices"

	"gorun/templates"
)

// dollarRE finds variables of former days, and what of today's templates and
// escaped signs they may not be looked for in.
var dollarRE = regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\\\$|\$(?:\{([A-Za-z_]\w*(?:\.\w+|\[\d+\])*)\}|([A-Za-z_]\w*))`)

// notVariables are names that mean something else in an expression.
var notVariables = []string{
	"and", "cycler", "dict", "else", "false", "False", "if", "in", "is", "joiner", "lipsum", "lookup", "namespace", "none", "None", "not", "now", "or",
	"q", "query", "range", "self", "true", "True", "undef",
}

// dollars makes templates of the variables of former days in a value's texts.
// A name that is no variable when the task runs stays as written, so that a
// shell's own variables go on to the shell.
func dollars(v templates.Value, pos Pos) templates.Value {
	src := ""
	switch x := v.(type) {
	case *templates.List:
		x.Lazy = true
		for i, e := range x.Elems {
			x.Elems[i] = dollars(e, pos)
		}
		return x
	case *templates.Dict:
		x.Lazy = true
		for _, k := range slices.Clone(x.Keys()) {
			e, _, _ := x.Get(k)       // k comes from the dict, so it can be a key
			x.Set(k, dollars(e, pos)) // likewise
		}
		return x
	case templates.Str:
		src = string(x)
	case *templates.Text:
		src, pos = x.Src, x.Pos
	default:
		return v
	}
	out := dollarRE.ReplaceAllStringFunc(src, func(s string) string {
		m := dollarRE.FindStringSubmatch(s)
		name := m[1] + m[2]
		if name == "" || slices.Contains(notVariables, name) {
			return s
		}
		return "{{ " + name + " if " + name + " is defined else '" + s + "' }}"
	})
	if out == src {
		return v
	}
	return templates.NewText(out, pos)
}
