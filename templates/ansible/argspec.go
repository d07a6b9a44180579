package ansible

// This file binds the arguments of the filters of ansible.utils, which check
// them as modules do theirs and refuse them in a list of messages.

import (
	"slices"
	"strings"

	"gorun/modules"
	"gorun/templates"
)

// A param is a parameter of a filter.
type param struct {
	name     string
	kind     string // "", str, list, int, bool or dict
	required bool
	def      value
	choices  []string
	texts    bool // the elements of a list become texts
}

// checked is a filter whose arguments are bound by params.
func checked(params []param, f func(c *call, args map[string]value) (value, error)) templates.Func {
	return func(c *call) (value, error) {
		args, err := bind(c, params)
		if err != nil {
			return nil, err
		}
		return f(c, args)
	}
}

// bind returns the arguments by their parameters' names; what was not given and
// has no default is nil.
func bind(c *call, params []param) (map[string]value, error) {
	out := map[string]value{}
	known := make([]string, len(params))
	for i, p := range params {
		known[i] = p.name
		if i < len(c.Args) {
			out[p.name] = c.Args[i]
		}
	}
	var unknown, lack, wrong []string
	for _, k := range c.Kwargs {
		if !slices.Contains(known, k.Name) {
			unknown = append(unknown, k.Name)
			continue
		}
		out[k.Name] = k.Value
	}
	for _, p := range params {
		v, ok := out[p.name]
		switch {
		case !ok && p.required:
			lack = append(lack, p.name)
		case !ok || !given(v):
			out[p.name] = p.def
		default:
			x, err := p.convert(v, c.State.Era())
			if err != nil {
				wrong = append(wrong, err.Error())
			}
			out[p.name] = x
		}
	}
	var msgs []value
	if len(unknown) > 0 {
		slices.Sort(unknown)
		slices.Sort(known)
		msgs = append(msgs, str(strings.Join(unknown, ", ")+". Supported parameters include: "+strings.Join(known, ", ")+"."))
	}
	if len(lack) > 0 {
		slices.Sort(lack)
		msgs = append(msgs, str("missing required arguments: "+strings.Join(lack, ", ")))
	}
	for _, w := range wrong {
		msgs = append(msgs, str(w))
	}
	if len(msgs) > 0 {
		return nil, fail("%s", repr(list(msgs)))
	}
	return out, nil
}

// convert is v as the parameter's kind.
func (p param) convert(v value, era templates.Era) (value, error) {
	var err error
	var out value
	why := ""
	switch p.kind {
	case "str":
		out = str(text(v))
	case "list":
		if out, why = toListArg(v); why == "" && p.texts {
			elems := slices.Clone(elemsOf(out))
			for i, e := range elems {
				elems[i] = str(text(e))
			}
			out = list(elems)
		}
	case "int":
		var n int64
		if n, err = toInt(v); err != nil {
			why = pyClass(v) + " cannot be converted to an int"
			if era == templates.Current {
				why = `"` + repr(v) + `" cannot be converted to an int`
			}
		}
		out = templates.Int(n)
	case "bool":
		var b bool
		if b, err = modules.ToBool(templates.ToGo(v)); err != nil {
			why = "The value '" + text(v) + "' is not a valid boolean."
		}
		out = templates.Bool(b)
	case "dict":
		out, why = toDictArg(v)
	default:
		out = v
	}
	if why != "" {
		is := pyClass(v)
		if era == templates.Current {
			is = v.Type()
		}
		return nil, fail("argument '%s' is of type %s and we were unable to convert to %s: %s", p.name, is, p.kind, why)
	}
	if s, ok := isText(out); ok && p.choices != nil && !slices.Contains(p.choices, s) {
		return nil, fail("value of %s must be one of: %s, got: %s", p.name, strings.Join(p.choices, ", "), s)
	}
	return out, nil
}

// toListArg makes a list as module arguments become one.
func toListArg(v value) (out value, why string) {
	if isSequence(v) {
		return list(elemsOf(v)), ""
	}
	if s, ok := isText(v); ok {
		var parts []value
		for w := range strings.SplitSeq(s, ",") {
			parts = append(parts, str(strings.TrimSpace(w)))
		}
		return list(parts), ""
	}
	if _, ok := number(v); ok {
		return list([]value{str(text(v))}), ""
	}
	return nil, pyClass(v) + " cannot be converted to a list"
}

// toDictArg makes a dict as module arguments become one.
func toDictArg(v value) (out value, why string) {
	if m, ok := v.(templates.Mapping); ok {
		return m, ""
	}
	s, ok := isText(v)
	if !ok {
		return nil, pyClass(v) + " cannot be converted to a dict"
	}
	if strings.HasPrefix(s, "{") {
		if x, err := templates.FromJSON([]byte(s)); err == nil {
			if m, ok := x.(templates.Mapping); ok {
				return m, ""
			}
		}
		return nil, "unable to evaluate string as dictionary"
	}
	return nil, "dictionary requested, could not parse JSON or key=value"
}
