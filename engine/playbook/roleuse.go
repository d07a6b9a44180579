package playbook

// This file tells uses of a role apart: by default a host goes once through
// equal ones.

import (
	"slices"
	"strings"

	"gorun/templates"
)

// entryKey is the key of an entry of roles: or of a role's dependencies: the
// same role with other parameters or conditions is another use.
func entryKey(u *RoleUse) string {
	parts := []string{u.Role.Path, rawDict(u.Params.Dict), rawDict(u.Vars.Dict)}
	for _, list := range [][]Value{u.When, u.Tags} {
		var b strings.Builder
		for _, v := range list {
			b.WriteString(rawText(v.V) + ",")
		}
		parts = append(parts, b.String())
	}
	return strings.Join(parts, "\x00")
}

// included makes r a role that import_role or include_role brought: unless
// told otherwise it runs however often it ran before, and it is never the same
// use as an entry of roles:. written are the variables it was given.
func (r *Role) included(from roleFiles, written *templates.Dict, duplicates *bool) {
	r.AllowDuplicates = duplicates == nil || *duplicates
	r.Key = strings.Join([]string{"include", r.Path, from.tasks, from.vars, from.defaults, from.handlers, rawDict(written)}, "\x00")
}

// rawText is a value as written, templates unresolved.
func rawText(v templates.Value) string {
	switch v := v.(type) {
	case *templates.Text:
		return v.Src
	case *templates.Dict:
		return rawDict(v)
	case *templates.List:
		entries := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			entries[i] = rawText(e)
		}
		return "[" + strings.Join(entries, ",") + "]"
	}
	return templates.Repr(v, templates.Current)
}

// rawDict is rawText of a dict, which may be nil; the order of keys is no part of it.
func rawDict(d *templates.Dict) string {
	if d == nil {
		return "{}"
	}
	var entries []string
	for k, e := range d.All {
		entries = append(entries, rawText(k)+":"+rawText(e))
	}
	slices.Sort(entries)
	return "{" + strings.Join(entries, ",") + "}"
}
