package action

// This file reads arguments of actions with Ansible's coercions.

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/templates"
)

// has reports whether an argument is given and not None.
func (t *Task) has(name string) bool {
	v, ok := t.Args.GetStr(name)
	return ok && v != templates.None
}

// str returns an argument as text, def where it is not given.
func (t *Task) str(name, def string) string {
	v, ok := t.Args.GetStr(name)
	if !ok || v == templates.None {
		return def
	}
	return templates.StrOf(v, templates.Current)
}

// first returns the first of names that is given, as text.
func (t *Task) first(names ...string) string {
	for _, n := range names {
		if t.has(n) {
			return t.str(n, "")
		}
	}
	return ""
}

// bool returns an argument as a bool by Ansible's rules.
func (t *Task) bool(name string, def bool) (bool, error) {
	v, ok := t.Args.GetStr(name)
	if !ok || v == templates.None {
		return def, nil
	}
	b, err := modules.ToBool(templates.ToGo(v))
	if err != nil {
		return false, failf("argument '%s' is of type %s and we were unable to convert to bool: %s", name, goType(v), err)
	}
	return b, nil
}

func goType(v templates.Value) string { return "<class '" + v.Type() + "'>" }

// noException is what Python prints where an error has no traceback.
const noException = "NoneType: None"

// CheckedJob is the failure of an asynchronous task in check mode, which
// Ansible took up after 2.14 only.
func CheckedJob() *Failure {
	return &Failure{Msg: "check mode and async cannot be used on same task.", Exception: noException}
}

// int returns an argument as an int.
func (t *Task) int(name string, def int) (int, error) {
	f, err := t.float(name, float64(def))
	if err != nil || f != math.Trunc(f) {
		return 0, failf("argument '%s' is of type %s and we were unable to convert to int", name, goType(t.value(name)))
	}
	return int(f), nil
}

func (t *Task) value(name string) templates.Value {
	if v, ok := t.Args.GetStr(name); ok {
		return v
	}
	return templates.None
}

// float returns an argument as a number.
func (t *Task) float(name string, def float64) (float64, error) {
	v, ok := t.Args.GetStr(name)
	if !ok || v == templates.None {
		return def, nil
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(templates.StrOf(v, templates.Current)), 64)
	if err != nil {
		return 0, failf("argument '%s' is of type %s and we were unable to convert to float", name, goType(v))
	}
	return f, nil
}

// list returns an argument as texts: a list, or a text with commas.
func (t *Task) list(name string) []string {
	v, ok := t.Args.GetStr(name)
	if !ok || v == templates.None {
		return nil
	}
	return Strings(v)
}

// Strings returns the texts of a list, or of a text with commas.
func Strings(v templates.Value) []string {
	if s, ok := v.(templates.Sequence); ok {
		out := make([]string, s.Len())
		for i := range out {
			out[i] = templates.StrOf(s.Index(i), templates.Current)
		}
		return out
	}
	var out []string
	for f := range strings.SplitSeq(templates.StrOf(v, templates.Current), ",") {
		if f = strings.TrimSpace(f); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// unknown refuses arguments that are not in known, with Ansible's words.
func (t *Task) unknown(known ...string) error {
	var bad []string
next:
	for k := range t.Args.All {
		name := templates.StrOf(k, templates.Current)
		for _, n := range known {
			if n == name {
				continue next
			}
		}
		bad = append(bad, name)
	}
	if bad == nil {
		return nil
	}
	if t.Era >= templates.Current && t.Module != "ansible.builtin.fail" {
		slices.Sort(bad)
		known = slices.Sorted(slices.Values(known))
		f := failf("Unsupported parameters for (%s) module: %s. Supported parameters include: %s.", t.Name, strings.Join(bad, ", "), strings.Join(known, ", "))
		f.Bare = t.Module == "ansible.builtin.debug"
		return f
	}
	f := failf("Invalid options for %s: %s", t.Name, strings.Join(bad, ","))
	f.Exception, f.Bare = noException, t.Module == "ansible.builtin.debug"
	return f
}
