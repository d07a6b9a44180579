package lookup

// This file holds lookups of community.general and ansible.utils
// (https://docs.ansible.com/ansible/latest/collections/community/general/index.html#lookup-plugins).

import (
	"encoding/base64"
	"errors"
	"fmt"
	"sort"
	"strings"

	"gorun/templates"
	"gorun/templates/ansible"
)

// lookupRandomString is random_string
// (https://docs.ansible.com/ansible/latest/collections/community/general/random_string_lookup.html).
func lookupRandomString(c *call) ([]templates.Value, error) {
	classes := []struct {
		flag, least, option string
		chars               string
	}{
		{"upper", "min_upper", "", characterSets["ascii_uppercase"]}, {"lower", "min_lower", "", characterSets["ascii_lowercase"]},
		{"numbers", "min_numeric", "", characterSets["digits"]}, {"special", "min_special", "override_special", characterSets["punctuation"]},
	}
	length, err1 := c.number("length", 8)
	encode, err2 := c.flag("base64", false)
	clear, err3 := c.flag("ignore_similar_chars", false)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	seed, seeded := c.given("seed")
	pick, err := ansible.NewChooser(orNone(seed))
	if err != nil {
		return nil, err
	}
	choose := func(chars string, n int) (string, error) {
		if chars == "" {
			return "", raise(lookupError, "Available characters cannot be None, please change constraints")
		}
		return pick.Choices([]rune(chars), min(n, maxPassword)), nil
	}
	similar := c.str("similar_chars", "il1LoO0")
	all, must := c.str("override_all", ""), map[string]string{}
	if all == "" {
		for _, k := range classes {
			if clear {
				k.chars = strings.Map(func(r rune) rune {
					if strings.ContainsRune(similar, r) {
						return -1
					}
					return r
				}, k.chars)
			}
			if k.option != "" {
				k.chars = c.str(k.option, k.chars)
			}
			on, err := c.flag(k.flag, true)
			if err != nil {
				return nil, err
			}
			if on {
				all += k.chars
			}
			must[k.least] = k.chars
		}
	}
	made := ""
	for _, least := range []string{"min_numeric", "min_lower", "min_upper", "min_special"} {
		n, err := c.number(least, 0)
		if err != nil {
			return nil, err
		}
		if chars, ok := must[least]; ok && n > 0 {
			s, err := choose(chars, n)
			if err != nil {
				return nil, err
			}
			made += s
		}
	}
	rest, err := choose(all, max(0, length-len([]rune(made))))
	if err != nil {
		return nil, err
	}
	out := []rune(made + rest)
	if !seeded {
		pick.Shuffle(out)
	}
	s := string(out)
	if encode {
		s = base64.StdEncoding.EncodeToString([]byte(s))
	}
	return []templates.Value{str(s)}, nil
}

func orNone(v templates.Value) templates.Value {
	if v == nil {
		return templates.None
	}
	return v
}

// A choice of dependent: a name with values, or with an expression that gives
// them from the names before it.
type dependency struct {
	name string
	expr string
	vals templates.Value
}

// https://docs.ansible.com/ansible/latest/collections/community/general/dependent_lookup.html
func lookupDependent(c *call) ([]templates.Value, error) {
	var deps []dependency
	seen := map[string]bool{}
	for i, t := range c.terms {
		m, ok := t.(templates.Mapping)
		if !ok {
			return nil, raise(lookupError, "Parameter %d must be a dictionary, got %s", i, class(t))
		}
		if m.Len() != 1 {
			return nil, raise(lookupError, "Parameter %d must be a one-element dictionary, got %d elements", i, m.Len())
		}
		k := m.Keys()[0]
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		if seen[text(k)] {
			return nil, raise(lookupError, "The variable %s appears more than once", templates.Repr(k, templates.Current))
		}
		seen[text(k)] = true
		d := dependency{name: text(k)}
		switch v := v.(type) {
		case templates.Str:
			d.expr = string(v)
		case *templates.List, templates.Tuple, templates.Mapping:
			d.vals = v
		default:
			return nil, raise(lookupError, "Parameter %s (index %d) must have a value of type string, dictionary or list, got type %s", templates.Repr(k, templates.Current), i, class(v))
		}
		deps = append(deps, d)
	}
	if len(deps) == 0 {
		return nil, nil
	}
	return c.dependents(nil, deps, templates.NewDict(len(deps)))
}

// maxDependents bounds the items of dependent.
const maxDependents = 1_000_000

func (c *call) dependents(out []templates.Value, deps []dependency, at *templates.Dict) ([]templates.Value, error) {
	if len(deps) == 0 {
		if len(out) >= maxDependents {
			return nil, raise(lookupError, "dependent gives more than %d items", maxDependents)
		}
		return append(out, at.Copy()), nil
	}
	d := deps[0]
	vals := d.vals
	if vals == nil {
		locals := templates.NewDict(1)
		locals.SetStr("item", at.Copy())
		t, err := c.env.Templates.CompileExpr(d.expr)
		if err == nil {
			vals, err = t.EvalExpr(c.ctx, &withLocals{locals, c.env.Scope})
		}
		if u, ok := vals.(*templates.Undefined); ok && err == nil {
			err = u.Err()
		}
		if err != nil {
			why, cause := err.Error(), ": "+err.Error()
			if !c.current() {
				why, cause = why+". "+why, ""
			}
			return nil, raise(lookupError, `Caught "%s" while evaluating '%s' with item == %s%s`, why, d.name, templates.Repr(at, templates.Current), cause)
		}
	}
	var elems []templates.Value
	switch v := vals.(type) {
	case templates.Mapping:
		keys := append([]templates.Value(nil), v.Keys()...)
		sort.SliceStable(keys, func(i, j int) bool { n, err := templates.Compare(keys[i], keys[j]); return err == nil && n < 0 })
		for _, k := range keys {
			x, _, err := v.Get(k)
			if err != nil {
				return nil, err
			}
			kv := templates.NewDict(2)
			kv.SetStr("key", k)
			kv.SetStr("value", x)
			elems = append(elems, kv)
		}
	case templates.Str:
		return nil, raise(lookupError, "Did not obtain dictionary or list while evaluating '%s' with item == %s, but %s", d.name, templates.Repr(at, templates.Current), class(v))
	case templates.Sequence:
		elems = listify(v)
	default:
		return nil, raise(lookupError, "Did not obtain dictionary or list while evaluating '%s' with item == %s, but %s", d.name, templates.Repr(at, templates.Current), class(vals))
	}
	for _, e := range elems {
		at.SetStr(d.name, e)
		var err error
		if out, err = c.dependents(out, deps[1:], at); err != nil {
			return nil, err
		}
	}
	at.Delete(str(d.name))
	return out, nil
}

// fromFilter makes a lookup of a filter whose arguments are the terms and options.
func fromFilter(name string) lookupFunc {
	return func(c *call) ([]templates.Value, error) {
		args := make([]string, len(c.terms))
		locals := templates.NewDict(len(c.terms) + len(c.opts))
		for i, t := range c.terms {
			args[i] = fmt.Sprintf("_term%d", i)
			locals.SetStr(args[i], t)
		}
		for _, n := range sortedKeys(c.opts) {
			locals.SetStr("_option_"+n, c.opts[n])
			args = append(args, n+"=_option_"+n)
		}
		if len(c.terms) == 0 {
			return nil, fmt.Errorf("%s: the first term is missing", name)
		}
		t, err := c.env.Templates.CompileExpr(args[0] + " | " + name + "(" + strings.Join(args[1:], ", ") + ")")
		if err != nil {
			return nil, err
		}
		v, err := t.EvalExpr(c.ctx, &withLocals{locals, c.env.Scope})
		if err != nil {
			return nil, err
		}
		return []templates.Value{v}, nil
	}
}

func sortedKeys(m map[string]templates.Value) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
