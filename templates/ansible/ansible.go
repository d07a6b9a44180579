// Package ansible gives the template engine Ansible's filters and tests: those
// of ansible.builtin and those of collections that playbooks use
// (https://docs.ansible.com/ansible/latest/collections/index_filter.html,
// https://docs.ansible.com/ansible/latest/collections/index_test.html).
package ansible

// This file joins the tables and holds what the functions share.

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"

	"gorun/internal/redact"
	"gorun/templates"
	"gorun/vars/vault"
)

// Options are what filters and tests need from the outside.
type Options struct {
	// ReadFile reads a file, decrypted where it is a vault; nil is os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Secrets gives the vault passwords of the run; nil: there are none.
	Secrets func() []vault.Secret
	// Redact takes the secrets that filters are given; nil: they are not hidden.
	Redact *redact.Registry
	// Warn tells the user; nil: nobody.
	Warn func(msg string)
}

// A host is the outside as the functions of one engine see it.
type host struct{ Options }

type (
	value = templates.Value
	call  = templates.Call
	table = map[string]templates.Func
)

// Prefixes of the collections' names.
const (
	builtin = "ansible.builtin."
	legacy  = "ansible.legacy."
	general = "community.general."
	utils   = "ansible.utils."
	netcomm = "ansible.netcommon."
)

// Filters returns the filters under their short and their full names.
func Filters(o Options) map[string]templates.Func {
	h := newHost(o)
	out := table{}
	for _, t := range []table{listFilters, dictFilters, dataFilters, textFilters, pathFilters, mathFilters, randomFilters, digestFilters, timeFilters, h.outsideFilters()} {
		add(out, t, "filter", builtin, legacy)
	}
	for _, t := range collectionFilters {
		add(out, t.funcs, "filter", t.prefixes...)
	}
	return out
}

// Tests returns the tests under their short and their full names.
func Tests(o Options) map[string]templates.Func {
	out := table{}
	for _, t := range []table{resultTests, valueTests, fileTests, uriTests} {
		add(out, t, "test", builtin, legacy)
	}
	for _, t := range collectionTests {
		add(out, t.funcs, "test", t.prefixes...)
	}
	return out
}

// AcceptsUndefined names the filters and tests that look at undefined values
// themselves, for [templates.Options.AcceptsUndefined].
func AcceptsUndefined() map[string]bool {
	out := map[string]bool{}
	for _, n := range append([]string{"mandatory", "type_debug"}, sortedNames(resultTests)...) {
		out[n], out[builtin+n], out[legacy+n] = true, true, true
	}
	return out
}

// A collection is functions of collections with the names that they have there.
type collection struct {
	prefixes []string
	funcs    table
}

// add puts t into out: short names unless taken, and each with the prefixes.
func add(out, t table, kind string, prefixes ...string) {
	for n, f := range t {
		f = named(f, kind, prefixes[0]+n)
		if _, taken := out[n]; !taken {
			out[n] = f
		}
		for _, p := range prefixes {
			out[p+n] = f
		}
	}
}

// named is f with the current release's words before its errors.
func named(f templates.Func, kind, name string) templates.Func {
	return func(c *call) (value, error) {
		v, err := f(c)
		if err != nil && c.State.Era() == templates.Current {
			err = nameError(err, kind, name)
		}
		return v, err
	}
}

// NameError words an error of one of Jinja2's filters and tests as the era's
// Ansible does, for [templates.Options.NameError]; nil before 2.19.
func NameError(era templates.Era) func(err error, kind, name string) error {
	if era != templates.Current {
		return nil
	}
	return func(err error, kind, name string) error { return nameError(err, kind, builtin+name) }
}

// nameError puts the name of the plugin before an error, unless an inner one is
// named. What an undefined value says of itself stays.
func nameError(err error, kind, name string) error {
	var te *templates.Error
	if !errors.As(err, &te) {
		te = &templates.Error{Msg: err.Error(), Cause: err}
	}
	if te.Kind == templates.UndefinedError || te.Src != "" || strings.HasPrefix(te.Msg, "The filter plugin '") || strings.HasPrefix(te.Msg, "The test plugin '") {
		return err
	}
	e := *te
	e.Kind, e.Msg, e.Cause = templates.AnsibleError, "The "+kind+" plugin '"+name+"' failed: "+te.Msg, err
	return &e
}

func newHost(o Options) *host {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Secrets == nil {
		o.Secrets = func() []vault.Secret { return nil }
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return &host{o}
}

// fail is an AnsibleFilterError.
func fail(format string, args ...any) error {
	return raise(templates.AnsibleFilterError, format, args...)
}

// typeError is the AnsibleFilterTypeError of a value of the wrong kind.
func typeError(format string, args ...any) error {
	return raise(templates.TypeError, format, args...)
}

func raise(kind, format string, args ...any) error {
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	return &templates.Error{Kind: kind, Msg: msg}
}

// text is str(v), str a Value of s.
func text(v value) string { return templates.StrOf(v, templates.Current) }

func repr(v value) string { return templates.Repr(v, templates.Current) }

func str(s string) value { return templates.Str(s) }

func list(elems []value) value { return templates.NewList(elems...) }

// given reports whether an optional argument was passed and is not None.
func given(v value) bool { return v != nil && v != templates.None }

// truth is bool(v) of an optional argument.
func truth(v value) bool { return v != nil && v.Truth() }

// isText returns the text of a str.
func isText(v value) (string, bool) {
	switch v := v.(type) {
	case templates.Str:
		return string(v), true
	case templates.Markup:
		return string(v), true
	}
	return "", false
}

// isSequence reports whether v is a list or the like, and no text.
func isSequence(v value) bool {
	switch v.(type) {
	case *templates.List, templates.Tuple, *templates.Set:
		return true
	case templates.Mapping, templates.Bytes:
		return false
	}
	_, ok := v.(templates.Sequence)
	return ok
}

// pyClass is Python's repr of v's class.
func pyClass(v value) string { return "<class '" + v.Type() + "'>" }

// contains is Python's v in elems.
func contains(elems []value, v value) bool {
	return slices.ContainsFunc(elems, func(e value) bool { return templates.Equal(e, v) })
}

// keep is kwargs that a function takes itself; the rest are left.
func keep(c *call, names ...string) (own *call, rest []templates.Kwarg) {
	own = &call{State: c.State, Args: c.Args}
	for _, k := range c.Kwargs {
		if slices.Contains(names, k.Name) {
			own.Kwargs = append(own.Kwargs, k)
		} else {
			rest = append(rest, k)
		}
	}
	return own, rest
}

// toDict copies the items of a mapping.
func toDict(m templates.Mapping) (*templates.Dict, error) {
	if d, ok := m.(*templates.Dict); ok {
		return d.Copy(), nil
	}
	d := templates.NewDict(m.Len())
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		if err := d.Set(k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// strKey returns the item of a string key.
func strKey(m templates.Mapping, key string) (value, bool, error) { return m.Get(templates.Str(key)) }

// number returns v as a float where it is an int, a float or a bool.
func number(v value) (float64, bool) {
	switch v := v.(type) {
	case templates.Bool:
		if v {
			return 1, true
		}
		return 0, true
	case templates.Int:
		return float64(v), true
	case *templates.BigInt:
		f, _ := new(big.Float).SetInt(v.V).Float64()
		return f, true
	case templates.Float:
		return float64(v), true
	}
	return 0, false
}

// integer returns v as an int where it is one.
func integer(v value) (int64, bool) {
	switch v := v.(type) {
	case templates.Bool:
		if v {
			return 1, true
		}
		return 0, true
	case templates.Int:
		return int64(v), true
	}
	return 0, false
}

// sortedNames are the keys of a table, for messages.
func sortedNames[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
