package inventory

// This file makes variables and groups from expressions over the hosts so far
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/constructed_inventory.html).

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"gorun/templates"
)

func constructedPlugin(b *Builder, config *templates.Dict) error {
	c, err := NewConstruct(b, config)
	if err != nil {
		return err
	}
	for _, name := range b.HostNames() {
		if err := c.Host(name); err != nil {
			return fmt.Errorf("failed to parse %s: %w", b.Source, err)
		}
	}
	return nil
}

// A Construct is the options compose, groups and keyed_groups, which many
// inventory plugins share.
type Construct struct {
	b                        *Builder
	compose, groups          *templates.Dict
	keyed                    []templates.Value
	strict, leadingSeparator bool
	fileVars, extraVars      bool
}

// NewConstruct reads the options compose, groups, keyed_groups, strict,
// leading_separator, use_vars_plugins and use_extra_vars of a configuration.
func NewConstruct(b *Builder, config *templates.Dict) (*Construct, error) {
	c := &Construct{b: b, leadingSeparator: true, extraVars: b.inv.o.UseExtraVars}
	var err error
	if c.compose, err = optionDict(config, "compose"); err != nil {
		return nil, err
	}
	if c.groups, err = optionDict(config, "groups"); err != nil {
		return nil, err
	}
	for name, p := range map[string]*bool{
		"strict": &c.strict, "leading_separator": &c.leadingSeparator,
		"use_vars_plugins": &c.fileVars, "use_extra_vars": &c.extraVars,
	} {
		if v, ok := config.GetStr(name); ok {
			*p = IsTrue(v)
		}
	}
	v, ok := config.GetStr("keyed_groups")
	if !ok || v == templates.Value(templates.None) {
		return c, nil
	}
	list, ok := v.(*templates.List)
	if !ok {
		return nil, fmt.Errorf("the option keyed_groups is a %s, not a list", v.Type())
	}
	c.keyed = list.Elems
	return c, nil
}

// IsTrue is how options read a boolean.
func IsTrue(v templates.Value) bool {
	s, ok := text(v)
	if !ok {
		return v.Truth()
	}
	switch strings.ToLower(s) {
	case "y", "yes", "on", "1", "true", "t":
		return true
	}
	return false
}

func optionDict(config *templates.Dict, name string) (*templates.Dict, error) {
	v, ok := config.GetStr(name)
	if !ok || v == templates.Value(templates.None) {
		return &templates.Dict{}, nil
	}
	d, ok := v.(*templates.Dict)
	if !ok {
		return nil, fmt.Errorf("the option %s is a %s, not a dictionary", name, v.Type())
	}
	return d, nil
}

// Host sets the composed variables of a host and puts it into the groups that
// its variables call for.
func (c *Construct) Host(name string) error {
	scope, err := c.scope(name)
	if err != nil {
		return err
	}
	if err := c.composed(name, scope); err != nil {
		return err
	}
	for k, expr := range c.groups.All {
		group := templates.StrOf(k, templates.Current)
		v, err := c.eval(expr, scope)
		if _, ok := v.(templates.Bool); err == nil && !ok && c.b.inv.o.Era == templates.Current {
			err = fmt.Errorf("Conditional result (%s) was derived from value of type '%s'. Conditionals must have a boolean result.", templates.StrOf(templates.Bool(v.Truth()), templates.Current), v.Type())
		}
		if err != nil {
			if c.strict {
				return fmt.Errorf("Could not add host %s to group %s: %s", name, group, err)
			}
			continue
		}
		if v.Truth() {
			if err := c.join(name, group); err != nil {
				return err
			}
		}
	}
	for _, e := range c.keyed {
		d, ok := e.(*templates.Dict)
		if !ok || d.Len() == 0 {
			if c.strict {
				return fmt.Errorf("Invalid keyed group entry, it must be a dictionary: %s", templates.Repr(e, templates.Current))
			}
			continue
		}
		if err := c.keyedGroup(name, d, scope); err != nil {
			return err
		}
	}
	return nil
}

// composed sets the variables of compose. None of them sees another.
func (c *Construct) composed(host string, scope templates.Scope) (err error) {
	set := templates.NewDict(c.compose.Len())
	for k, expr := range c.compose.All {
		key := templates.StrOf(k, templates.Current)
		v, evalErr := c.eval(expr, scope)
		if evalErr == nil {
			set.SetStr(key, v)
		} else if c.strict {
			err = fmt.Errorf("Could not set %s for host %s: %s", key, host, evalErr)
			break
		}
	}
	for k, v := range set.All {
		c.b.SetHostVar(host, orText(k), v)
	}
	return err
}

func (c *Construct) join(host, group string) error {
	group, err := c.b.AddGroup(SafeGroupName(group))
	if err != nil {
		return err
	}
	return c.b.AddHost(host, group)
}

// eval computes an expression; what is undefined is an error.
func (c *Construct) eval(expr templates.Value, s templates.Scope) (templates.Value, error) {
	src, ok := text(expr)
	if !ok {
		src = templates.StrOf(expr, templates.Current)
	}
	t, err := c.b.inv.o.Engine.Compile("{{ "+src+" }}", c.b.Source)
	if err != nil {
		return nil, err
	}
	v, err := t.Eval(context.Background(), s)
	if err != nil {
		return nil, err
	}
	if templates.IsUndefined(v) {
		return nil, fmt.Errorf("the expression '%s' has no value", src)
	}
	return c.b.inv.o.Engine.Resolve(context.Background(), v, s)
}

// keyedGroup puts a host into the groups of one keyed_groups entry.
func (c *Construct) keyedGroup(host string, d *templates.Dict, scope templates.Scope) error {
	expr, _ := d.GetStr("key")
	fallback, hasFallback := optionText(d, "default_value")
	trailing, hasTrailing := d.GetStr("trailing_separator")
	var key templates.Value = templates.None
	if expr != nil {
		v, err := c.eval(expr, scope)
		if err != nil {
			if c.strict {
				return fmt.Errorf("Could not generate group for host %s from %s entry: %s", host, orText(expr), err)
			}
			return nil
		}
		key = v
	}
	if hasFallback && hasTrailing {
		return fmt.Errorf("parameters are mutually exclusive for keyed groups: default_value|trailing_separator")
	}
	if !key.Truth() && !(hasFallback && c.isEmpty(key)) {
		return c.emptyKey(host, key, expr)
	}
	parent, err := c.parentGroup(d, scope)
	if err != nil {
		if c.strict {
			return fmt.Errorf("Could not generate parent group %s for group %s: %s", optionOr(d, "parent_group"), orText(key), err)
		}
		return nil
	}
	prefix, _ := optionText(d, "prefix")
	sep, ok := optionText(d, "separator")
	if !ok {
		sep = "_"
	}
	names, err := c.keyedNames(key, sep, fallback, hasFallback, hasTrailing && !IsTrue(trailing))
	if err != nil {
		return err
	}
	if prefix == "" && !c.leadingSeparator {
		sep = ""
	}
	for _, name := range names {
		if err := c.keyedJoin(host, prefix+sep+name, parent); err != nil {
			return err
		}
	}
	return nil
}

// emptyKey is what becomes of a key without a value.
func (c *Construct) emptyKey(host string, key, expr templates.Value) error {
	switch key.(type) {
	case *templates.List, *templates.Dict:
		return nil
	}
	if !c.strict {
		return nil
	}
	return fmt.Errorf("No key or key resulted empty for %s in host %s, invalid entry", orText(expr), host)
}

func orText(v templates.Value) string {
	if v == nil {
		return "None"
	}
	if s, ok := text(v); ok {
		return s
	}
	return templates.StrOf(v, templates.Current)
}

func optionText(d *templates.Dict, name string) (string, bool) {
	v, ok := d.GetStr(name)
	if !ok || v == templates.Value(templates.None) {
		return "", false
	}
	return orText(v), true
}

func optionOr(d *templates.Dict, name string) string {
	s, _ := optionText(d, name)
	return s
}

// isEmpty reports whether default_value stands in for v: an empty text, and
// since ansible-core 2.19 none.
func (c *Construct) isEmpty(v templates.Value) bool {
	return v == templates.Value(templates.Str("")) || c.b.inv.o.Era == templates.Current && v == templates.Value(templates.None)
}

// keyedNames are the groups' names, without the prefix, that a key's value gives.
func (c *Construct) keyedNames(key templates.Value, sep, fallback string, hasFallback, noTrailing bool) ([]string, error) {
	orFallback := func(v templates.Value) string {
		if hasFallback && c.isEmpty(v) {
			return fallback
		}
		return templates.StrOf(v, templates.Current)
	}
	var names []string
	switch key := key.(type) {
	case templates.Str, templates.Markup, templates.NoneType:
		return []string{orFallback(key)}, nil
	case templates.Sequence:
		for i := range key.Len() {
			names = append(names, orFallback(key.Index(i)))
		}
		return names, nil
	case templates.Mapping:
		for _, k := range key.Keys() {
			v, _, err := key.Get(k)
			if err != nil {
				return nil, err
			}
			name, val := templates.StrOf(k, templates.Current), orFallback(v)
			if val != "" || !noTrailing {
				name += sep + val
			}
			names = append(names, name)
		}
		return names, nil
	}
	return nil, fmt.Errorf("Invalid group name format, expected a string or a list of them or dictionary, got: %s", className(key))
}

// parentGroup is the name of the group that an entry's groups stand under, "" for none.
func (c *Construct) parentGroup(d *templates.Dict, scope templates.Scope) (string, error) {
	raw, ok := d.GetStr("parent_group")
	if !ok || !raw.Truth() {
		return "", nil
	}
	v, err := c.b.inv.o.Engine.Resolve(context.Background(), raw, scope)
	if err != nil {
		return "", err
	}
	return orText(v), nil
}

// keyedJoin puts a host into a group, and that one under parent where it is not "".
func (c *Construct) keyedJoin(host, group, parent string) error {
	group, err := c.b.AddGroup(SafeGroupName(group))
	if err != nil {
		return err
	}
	if err := c.b.AddHost(host, group); err != nil {
		return err
	}
	if parent == "" {
		return nil
	}
	if parent, err = c.b.AddGroup(SafeGroupName(parent)); err != nil {
		return err
	}
	return c.b.AddChild(parent, group)
}

// hostScope finds a host's variables while the inventory is still being read.
type hostScope struct {
	h      *Host
	groups []*Group // lowest first
	files  *templates.Dict
	extra  *templates.Dict
}

func (c *Construct) scope(name string) (*hostScope, error) {
	inv := c.b.inv
	h := inv.hosts[name]
	s := &hostScope{h: h, groups: ancestry(h.groups, nil)}
	if c.fileVars && inv.o.FileVars != nil {
		var err error
		if s.files, err = inv.o.FileVars(c.b.Source, h, s.groups); err != nil {
			return nil, err
		}
	}
	if c.extraVars {
		s.extra = inv.o.ExtraVars
	}
	return s, nil
}

// Lookup implements templates.Scope.
func (s *hostScope) Lookup(name string) (templates.Value, bool, error) {
	if s.extra != nil {
		if v, ok := s.extra.GetStr(name); ok {
			return v, true, nil
		}
	}
	if v, ok := s.magic(name); ok {
		return v, true, nil
	}
	if s.files != nil {
		if v, ok := s.files.GetStr(name); ok {
			return v, true, nil
		}
	}
	if v, ok := s.h.Vars.GetStr(name); ok {
		return v, true, nil
	}
	for i := len(s.groups) - 1; i >= 0; i-- {
		if v, ok := s.groups[i].Vars.GetStr(name); ok {
			return v, true, nil
		}
	}
	return nil, false, nil
}

func (s *hostScope) magic(name string) (templates.Value, bool) {
	switch name {
	case "inventory_hostname":
		return templates.Str(s.h.Name), true
	case "inventory_hostname_short":
		short, _, _ := strings.Cut(s.h.Name, ".")
		return templates.Str(short), true
	case "inventory_file":
		return templates.Str(s.h.File), s.h.File != ""
	case "inventory_dir":
		return templates.Str(filepath.Dir(s.h.File)), s.h.File != ""
	case "group_names":
		var names []string
		for _, g := range s.groups {
			if g.Name != "all" {
				names = append(names, g.Name)
			}
		}
		sort.Strings(names)
		list := templates.NewList()
		for _, n := range names {
			list.Elems = append(list.Elems, templates.Str(n))
		}
		return list, true
	}
	return nil, false
}
