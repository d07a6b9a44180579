package inventory

// This file shows an inventory as ansible-inventory does.

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"gorun/templates"
	"gorun/vars/pyyaml"
)

// What an export says of names that the inventory does not have.
var (
	ErrNoHost  = errors.New("You must pass a single valid host to --host parameter")
	ErrNoGroup = errors.New("Pattern must be valid group name when using --graph")
)

// An Exporter shows an inventory as ansible-inventory does.
type Exporter struct {
	Inv *Inventory
	// HostVars gives the variables of a host: all of them, or with Export its
	// own; GroupVars those of a group. nil: those of the inventory's sources.
	HostVars  func(h *Host) (*templates.Dict, error)
	GroupVars func(g *Group) (*templates.Dict, error)
	// Export shows group variables with their groups rather than with every host.
	Export bool
	// YAML shows values that are encrypted as the ciphertext alone, for a !vault
	// tag; else they are a dictionary with the key __ansible_vault.
	YAML bool
	// Limit shows only the hosts of a pattern, "" all.
	Limit string
	// Current shows as ansible-core 2.19 and later do: with _meta.profile, and
	// without groups that hold nothing.
	Current bool
}

// internalVars are never shown.
var internalVars = map[string]bool{
	"ansible_async_path": true, "ansible_check_mode": true, "ansible_config_file": true, "ansible_dependent_role_names": true,
	"ansible_diff_mode": true, "ansible_facts": true, "ansible_forks": true, "ansible_inventory_sources": true, "ansible_limit": true,
	"ansible_play_batch": true, "ansible_play_hosts": true, "ansible_play_hosts_all": true, "ansible_play_role_names": true,
	"ansible_playbook_python": true, "ansible_role_names": true, "ansible_run_tags": true, "ansible_skip_tags": true,
	"ansible_verbosity": true, "ansible_version": true, "inventory_dir": true, "inventory_file": true, "inventory_hostname": true,
	"inventory_hostname_short": true, "groups": true, "group_names": true, "omit": true, "hostvars": true, "playbook_dir": true,
	"play_hosts": true, "role_name": true, "role_names": true, "role_path": true, "role_uuid": true,
}

// Host returns the variables of one host, sorted.
func (e *Exporter) Host(name string) (*templates.Dict, error) {
	hosts, err := e.Inv.Match(name, "")
	if err != nil {
		return nil, err
	}
	if len(hosts) != 1 {
		return nil, ErrNoHost
	}
	vars, err := e.hostVars(hosts[0])
	if err != nil {
		return nil, err
	}
	return e.plain(vars).(*templates.Dict), nil
}

func (e *Exporter) hostVars(h *Host) (*templates.Dict, error) {
	d := h.Vars
	if e.HostVars != nil {
		var err error
		if d, err = e.HostVars(h); err != nil {
			return nil, err
		}
	} else if !e.Export {
		d = &templates.Dict{}
		for _, g := range e.Inv.HostGroups(h.Name) {
			setAll(d, g.Vars)
		}
		setAll(d, h.Vars)
	}
	return shown(d), nil
}

func (e *Exporter) groupVars(g *Group) (*templates.Dict, error) {
	d := g.Vars
	if e.GroupVars != nil {
		var err error
		if d, err = e.GroupVars(g); err != nil {
			return nil, err
		}
	}
	if g.Priority != 1 {
		d = d.Copy()
		d.SetStr("ansible_group_priority", templates.Int(g.Priority))
	}
	return shown(d), nil
}

func setAll(d, from *templates.Dict) {
	for k, v := range from.All {
		d.Set(k, v) // k was a key: it has a hash
	}
}

// shown is d without internal variables.
func shown(d *templates.Dict) *templates.Dict {
	kept := templates.NewDict(d.Len())
	for k, v := range d.All {
		if name, ok := text(k); !ok || !internalVars[name] {
			kept.Set(k, v) // k was a key: it has a hash
		}
	}
	return kept
}

// plain returns v with its keys sorted and templates as their text. What is
// one list or dictionary at several places stays one: YAML shows it once.
func (e *Exporter) plain(v templates.Value) templates.Value {
	return plainer{map[templates.Value]templates.Value{}, e.YAML}.value(v)
}

// plain is [Exporter.plain] of values that are not the inventory's own.
func plain(v templates.Value) templates.Value { return (&Exporter{}).plain(v) }

// A plainer is one walk of plain; it maps what was copied to the copy.
type plainer struct {
	copies map[templates.Value]templates.Value
	yaml   bool
}

func (p plainer) value(v templates.Value) templates.Value {
	switch v := v.(type) {
	case *templates.Text:
		cipher, sealed := pyyaml.Sealed(v)
		if !sealed {
			return templates.Str(v.Src)
		}
		if p.yaml {
			return templates.Str(cipher)
		}
		d := templates.NewDict(1)
		d.SetStr("__ansible_vault", templates.Str(cipher))
		return d
	case *templates.List:
		if c, ok := p.copies[v]; ok {
			return c
		}
		elems := make([]templates.Value, len(v.Elems))
		for i, e := range v.Elems {
			elems[i] = p.value(e)
		}
		p.copies[v] = templates.NewList(elems...)
		return p.copies[v]
	case templates.Tuple:
		elems := make(templates.Tuple, len(v))
		for i, e := range v {
			elems[i] = p.value(e)
		}
		return elems
	case *templates.Dict:
		if c, ok := p.copies[v]; ok {
			return c
		}
		keys := v.Keys()
		sort.SliceStable(keys, func(i, j int) bool { return orText(keys[i]) < orText(keys[j]) })
		d := templates.NewDict(len(keys))
		for _, k := range keys {
			e, _, _ := v.Get(k)
			d.Set(k, p.value(e)) // k was a key: it has a hash
		}
		p.copies[v] = d
		return d
	}
	return v
}

// within reports which hosts are shown; nil: all.
func (e *Exporter) within() (map[*Host]bool, error) {
	if e.Limit == "" {
		return nil, nil
	}
	hosts, err := e.Inv.Match("all", e.Limit)
	if err != nil {
		return nil, err
	}
	return setOf(hosts), nil
}

func names[T any](list []T, name func(T) string) *templates.List {
	elems := make([]templates.Value, len(list))
	for i, e := range list {
		elems[i] = templates.Str(name(e))
	}
	return templates.NewList(elems...)
}

// shownHosts are the group's own hosts that are shown.
func shownHosts(g *Group, within map[*Host]bool) []*Host {
	if within == nil {
		return g.hosts
	}
	return filter(g.hosts, within, true)
}

// List is what --list shows: groups by name, and _meta with the hosts' variables.
func (e *Exporter) List() (*templates.Dict, error) {
	within, err := e.within()
	if err != nil {
		return nil, err
	}
	out := &templates.Dict{}
	hostvars := &templates.Dict{}
	if err := e.listGroup(e.Inv.groups["all"], out, within); err != nil {
		return nil, err
	}
	for _, h := range e.Inv.Hosts() {
		if within != nil && !within[h] {
			continue
		}
		vars, err := e.hostVars(h)
		if err != nil {
			return nil, err
		}
		if vars.Len() > 0 {
			hostvars.SetStr(h.Name, vars)
		}
	}
	meta := &templates.Dict{}
	meta.SetStr("hostvars", hostvars)
	if e.Current {
		meta.SetStr("profile", templates.Str("inventory_legacy"))
	}
	out.SetStr("_meta", meta)
	return e.plain(out).(*templates.Dict), nil
}

func (e *Exporter) listGroup(g *Group, out *templates.Dict, within map[*Host]bool) error {
	if _, done := out.GetStr(g.Name); done {
		return nil
	}
	d := &templates.Dict{}
	out.SetStr(g.Name, d)
	if hosts := shownHosts(g, within); g.Name != "all" && len(hosts) > 0 {
		d.SetStr("hosts", names(hosts, func(h *Host) string { return h.Name }))
	}
	if len(g.children) > 0 {
		d.SetStr("children", names(g.children, func(c *Group) string { return c.Name }))
	}
	for _, c := range g.children {
		if err := e.listGroup(c, out, within); err != nil {
			return err
		}
	}
	if e.Export {
		vars, err := e.groupVars(g)
		if err != nil {
			return err
		}
		if vars.Len() > 0 {
			d.SetStr("vars", vars)
		}
	}
	if d.Len() == 0 {
		out.Delete(templates.Str(g.Name))
	}
	return nil
}

// Tree is what --yaml (and --toml) show: groups within their parents, keys sorted.
func (e *Exporter) Tree() (*templates.Dict, error) {
	within, err := e.within()
	if err != nil {
		return nil, err
	}
	seen := map[*Host]bool{}
	tree, err := e.treeGroup(e.Inv.groups["all"], map[*Group]bool{}, seen, within)
	if err != nil {
		return nil, err
	}
	return e.plain(tree).(*templates.Dict), nil
}

func (e *Exporter) treeGroup(g *Group, groups map[*Group]bool, seen, within map[*Host]bool) (*templates.Dict, error) {
	out := templates.NewDict(1)
	d := &templates.Dict{}
	out.SetStr(g.Name, d)
	if groups[g] {
		return out, nil // shown in full where it came first
	}
	groups[g] = true
	children := &templates.Dict{}
	for _, c := range g.children {
		if c.Name == "all" {
			continue
		}
		sub, err := e.treeGroup(c, groups, seen, within)
		if err != nil {
			return nil, err
		}
		setAll(children, sub)
	}
	if children.Len() > 0 {
		d.SetStr("children", children)
	}
	if hosts := shownHosts(g, within); g.Name != "all" && len(hosts) > 0 {
		hd, err := e.treeHosts(hosts, seen)
		if err != nil {
			return nil, err
		}
		d.SetStr("hosts", hd)
	}
	if e.Export {
		vars, err := e.groupVars(g)
		if err != nil {
			return nil, err
		}
		if vars.Len() > 0 {
			d.SetStr("vars", vars)
		}
	}
	if d.Len() == 0 && e.Current {
		return &templates.Dict{}, nil
	}
	return out, nil
}

// treeHosts are hosts with their variables; a host has them where it comes first.
func (e *Exporter) treeHosts(hosts []*Host, seen map[*Host]bool) (*templates.Dict, error) {
	d := templates.NewDict(len(hosts))
	for _, h := range hosts {
		vars := &templates.Dict{}
		if !seen[h] {
			seen[h] = true
			var err error
			if vars, err = e.hostVars(h); err != nil {
				return nil, err
			}
		}
		d.SetStr(h.Name, vars)
	}
	return d, nil
}

// Graph is what --graph shows of a group and what is below it.
func (e *Exporter) Graph(group string, vars bool) (string, error) {
	if group == "" {
		group = "all"
	}
	g, ok := e.Inv.Group(group)
	if !ok {
		return "", ErrNoGroup
	}
	within, err := e.within()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := e.graph(&b, g, 0, vars, within); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func graphLine(b *strings.Builder, depth int, text string) {
	if depth > 0 {
		b.WriteString(strings.Repeat("  |", depth) + "--")
	}
	b.WriteString(text + "\n")
}

func (e *Exporter) graph(b *strings.Builder, g *Group, depth int, vars bool, within map[*Host]bool) error {
	graphLine(b, depth, "@"+g.Name+":")
	for _, c := range g.children {
		if err := e.graph(b, c, depth+1, vars, within); err != nil {
			return err
		}
	}
	if g.Name != "all" {
		for _, h := range shownHosts(g, within) {
			graphLine(b, depth+1, h.Name)
			if !vars {
				continue
			}
			d, err := e.hostVars(h)
			if err != nil {
				return err
			}
			graphVars(b, depth+2, d)
		}
	}
	if !vars {
		return nil
	}
	d, err := e.groupVars(g)
	if err != nil {
		return err
	}
	graphVars(b, depth+1, d)
	return nil
}

func graphVars(b *strings.Builder, depth int, d *templates.Dict) {
	for k, v := range plain(d).(*templates.Dict).All {
		graphLine(b, depth, fmt.Sprintf("{%s = %s}", orText(k), templates.StrOf(v, templates.Current)))
	}
}

// JSON is a value as ansible-inventory prints it: sorted keys, an indent of four.
func JSON(v templates.Value) ([]byte, error) {
	compact, err := templates.AppendJSON(nil, isoDates(plain(v)))
	if err != nil {
		return nil, err
	}
	return indentJSON(unescapeJSON(compact)), nil
}

// indentJSON breaks compact JSON into lines. NaN and Infinity, which Python
// writes and JSON does not have, pass.
func indentJSON(src []byte) []byte {
	out := make([]byte, 0, 2*len(src))
	depth := 0
	line := func() { out = append(append(out, '\n'), strings.Repeat("    ", depth)...) }
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := i + 1
			for ; src[end] != '"'; end++ {
				if src[end] == '\\' {
					end++
				}
			}
			out = append(out, src[i:end+1]...)
			i = end
		case '{', '[':
			out = append(out, c)
			if next := src[i+1]; next == '}' || next == ']' {
				out = append(out, next)
				i++
				continue
			}
			depth++
			line()
		case '}', ']':
			depth--
			line()
			out = append(out, c)
		case ',':
			out = append(out, c)
			line()
		case ':':
			out = append(out, ':', ' ')
		case ' ':
		default:
			out = append(out, c)
		}
	}
	return out
}

// unescapeJSON writes the characters of \u escapes beyond ASCII as they are,
// as ansible-inventory does.
func unescapeJSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 >= len(b) {
			out = append(out, b[i])
			continue
		}
		r, n := unicodeEscape(b[i:])
		if n == 0 || r < utf8.RuneSelf || r == utf8.RuneError {
			out = append(out, b[i], b[i+1])
			i++
			continue
		}
		out = utf8.AppendRune(out, r)
		i += n - 1
	}
	return out
}

// unicodeEscape reads the escape, or pair of them, at the start of b, and
// returns its length, 0 where it is none.
func unicodeEscape(b []byte) (r rune, n int) {
	code := func(b []byte) (rune, bool) {
		if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
			return 0, false
		}
		v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
		return rune(v), err == nil
	}
	r, ok := code(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := code(b[6:])
	if !ok {
		return utf8.RuneError, 6
	}
	return utf16.DecodeRune(r, low), 12
}

// isoDates replaces dates by their ISO 8601 text, which JSON has for them.
func isoDates(v templates.Value) templates.Value {
	switch v := v.(type) {
	case *templates.DateTime:
		if v.DateOnly {
			return templates.Str(v.T.Format(time.DateOnly))
		}
		layout := "2006-01-02T15:04:05"
		if v.T.Nanosecond() >= 1000 {
			layout += ".000000"
		}
		if !v.Naive {
			layout += "-07:00"
		}
		return templates.Str(v.T.Format(layout))
	case *templates.List:
		elems := make([]templates.Value, len(v.Elems))
		for i, e := range v.Elems {
			elems[i] = isoDates(e)
		}
		return templates.NewList(elems...)
	case *templates.Dict:
		d := templates.NewDict(v.Len())
		for k, e := range v.All {
			d.Set(k, isoDates(e)) // k was a key: it has a hash
		}
		return d
	}
	return v
}

// TOML is what --toml prints.
func (e *Exporter) TOML() ([]byte, error) {
	tree, err := e.Tree()
	if err != nil {
		return nil, err
	}
	flat := map[string]any{}
	flattenTree(tree, flat)
	var out bytes.Buffer
	enc := toml.NewEncoder(&out)
	enc.Indent = ""
	if err := enc.Encode(flat); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// flattenTree puts the groups of a tree side by side, their children as a list of names.
func flattenTree(groups *templates.Dict, out map[string]any) {
	for k, v := range groups.All {
		d, name := v.(*templates.Dict), orText(k)
		g := map[string]any{}
		if children, ok := d.GetStr("children"); ok {
			list := []string{}
			for c := range children.(*templates.Dict).All {
				list = append(list, orText(c))
			}
			if name != "all" {
				g["children"] = list
			}
			flattenTree(children.(*templates.Dict), out)
		}
		for _, part := range []string{"hosts", "vars"} {
			if v, ok := d.GetStr(part); ok {
				g[part] = templates.ToGo(v)
			}
		}
		if _, done := out[name]; len(g) > 0 && !done {
			out[name] = g
		}
	}
}
