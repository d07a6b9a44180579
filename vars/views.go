package vars

// This file shows scopes, hosts and groups as mappings that compute an item
// when it is asked for.

import (
	"context"
	"errors"
	"sort"

	"gorun/templates"
)

// scopeView is the names of a scope as a dict: the variable vars, and hostvars[host].
type scopeView struct {
	s     *Scope
	class string
}

func (v scopeView) Type() string { return v.class }
func (v scopeView) Truth() bool  { return true }
func (v scopeView) Len() int     { return len(v.s.Names()) }

// Keys are the names in order.
func (v scopeView) Keys() []templates.Value {
	names := v.s.Names()
	keys := make([]templates.Value, len(names))
	for i, n := range names {
		keys[i] = templates.Str(n)
	}
	return keys
}

// Get returns the value of a variable, resolved in the view's own scope.
func (v scopeView) Get(key templates.Value) (templates.Value, bool, error) {
	name, ok := key.(templates.Str)
	if !ok {
		return nil, false, nil
	}
	raw, ok, err := v.s.Lookup(string(name))
	if err != nil || !ok {
		return nil, false, err
	}
	if !templates.IsLazy(raw) {
		return raw, true, nil
	}
	inner := *v.s
	inner.depth++
	if inner.depth > maxViews {
		return nil, false, errLoop(string(name))
	}
	resolved, err := inner.resolve(raw)
	return resolved, err == nil, err
}

// resolve templates v in s. What is undefined stays a text before 2.19 and
// becomes an undefined value since.
func (s *Scope) resolve(v templates.Value) (templates.Value, error) {
	resolved, err := s.m.o.Engine.Resolve(context.Background(), v, s)
	var te *templates.Error
	if err == nil || !errors.As(err, &te) || te.Kind != templates.UndefinedError {
		return resolved, err
	}
	if s.m.o.Era >= templates.Current {
		return &templates.Undefined{Kind: templates.StrictUndefined, Name: te.Got, Hint: te.Msg}, nil
	}
	switch v := v.(type) {
	case *templates.Text:
		return templates.Str(v.Src), nil
	case *templates.List:
		return s.resolveElems(v)
	case *templates.Dict:
		d := templates.NewDict(v.Len())
		for k, e := range v.All {
			r, err := s.resolve(e)
			if err != nil {
				return nil, err
			}
			d.Set(k, r) // k was a key: it has a hash
		}
		return d, nil
	}
	return nil, err
}

func (s *Scope) resolveElems(l *templates.List) (templates.Value, error) {
	elems := make([]templates.Value, len(l.Elems))
	for i, e := range l.Elems {
		r, err := s.resolve(e)
		if err != nil {
			return nil, err
		}
		elems[i] = r
	}
	return templates.NewList(elems...), nil
}

// hostVars is the variable hostvars.
type hostVars struct{ s *Scope }

// HostVars returns hostvars[host] for messages and lookups.
func (s *Scope) HostVars(host string) (templates.Mapping, bool) {
	if _, ok := s.m.o.Inventory.Host(host); !ok {
		return nil, false
	}
	inner := s.m.Scope(Query{Host: host, Layers: s.q.PlayLayers, PlayLayers: s.q.PlayLayers, Magic: s.q.Magic})
	inner.depth, inner.foreign = s.depth, true
	return scopeView{inner, "HostVarsVars"}, true
}

func (h hostVars) Type() string { return "HostVars" }
func (h hostVars) Truth() bool  { return h.Len() > 0 }
func (h hostVars) Len() int     { return len(h.Keys()) }

// Get returns the variables of a host.
func (h hostVars) Get(key templates.Value) (templates.Value, bool, error) {
	name, ok := key.(templates.Str)
	if !ok {
		return nil, false, nil
	}
	v, ok := h.s.HostVars(string(name))
	if !ok {
		return nil, false, nil
	}
	return v, true, nil
}

// Keys are the names of the hosts as they were first named; Ansible 2.14 and
// older list the implicit localhost too.
func (h hostVars) Keys() []templates.Value {
	inv := h.s.m.o.Inventory
	names := inv.HostNames()
	keys := make([]templates.Value, len(names), len(names)+1)
	for i, n := range names {
		keys[i] = templates.Str(n)
	}
	if local, _ := inv.Host("localhost"); local.Implicit && h.s.m.o.Era < templates.Current {
		keys = append(keys, templates.Str("localhost"))
	}
	return keys
}

// groupsView is the variable groups.
type groupsView struct{ m *Manager }

func (g groupsView) Type() string { return "dict" }
func (g groupsView) Truth() bool  { return true }
func (g groupsView) Len() int     { return len(g.m.o.Inventory.Groups()) }

// Keys are the groups in inventory order.
func (g groupsView) Keys() []templates.Value {
	groups := g.m.o.Inventory.Groups()
	keys := make([]templates.Value, len(groups))
	for i, grp := range groups {
		keys[i] = templates.Str(grp.Name)
	}
	return keys
}

// Get returns the list of a group's hosts.
func (g groupsView) Get(key templates.Value) (templates.Value, bool, error) {
	name, ok := key.(templates.Str)
	if !ok {
		return nil, false, nil
	}
	inv := g.m.o.Inventory
	if _, ok := inv.Group(string(name)); !ok {
		return nil, false, nil
	}
	version := inv.Version()
	g.m.chainMu.Lock()
	defer g.m.chainMu.Unlock()
	if g.m.version == version {
		if v := g.m.groups[string(name)]; v != nil {
			return v, true, nil
		}
	}
	hosts := inv.GroupHosts(string(name))
	elems := make([]templates.Value, len(hosts))
	for i, h := range hosts {
		elems[i] = templates.Str(h)
	}
	list := templates.NewList(elems...)
	if g.m.version == version && g.m.groups != nil {
		g.m.groups[string(name)] = list
	}
	return list, true, nil
}

// sortKeys returns v with the keys of every dict in order.
func sortKeys(v templates.Value) templates.Value {
	switch v := v.(type) {
	case *templates.List:
		elems := make([]templates.Value, len(v.Elems))
		for i, e := range v.Elems {
			elems[i] = sortKeys(e)
		}
		return templates.NewList(elems...)
	case *templates.Dict:
		keys := v.Keys()
		sort.SliceStable(keys, func(i, j int) bool {
			return templates.StrOf(keys[i], templates.Current) < templates.StrOf(keys[j], templates.Current)
		})
		d := templates.NewDict(len(keys))
		for _, k := range keys {
			e, _, _ := v.Get(k)
			d.Set(k, sortKeys(e)) // k was a key: it has a hash
		}
		return d
	}
	return v
}
