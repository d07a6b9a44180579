package inventory

// This file reads INI inventories.

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gorun/templates"
)

// An Error is what is wrong in a source.
type Error struct {
	File string
	Line int // 0: not known
	Msg  string
	// Help stands behind the message and its place.
	Help string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	}
	return e.Msg
}

var (
	sectionRE   = regexp.MustCompile(`^\[([^:\]\s]+)(?::([\pL\pN_]+))?\]\s*(?:#.*)?$`)
	groupNameRE = regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

// A pending group was named before it was declared.
type pending struct {
	line    int
	state   string // "vars" or "children"
	parents []string
}

type iniParser struct {
	b       *Builder
	line    int
	group   string
	state   string
	pending map[string]*pending
}

// parseINI reads an INI inventory.
func parseINI(b *Builder, data []byte) error {
	p := &iniParser{b: b, group: "ungrouped", state: "hosts", pending: map[string]*pending{}}
	text := strings.TrimPrefix(string(data), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		p.line = i + 1
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if err := p.parseLine(line); err != nil {
			return p.fail(err)
		}
	}
	return p.unresolved()
}

func (p *iniParser) fail(err error) error {
	var placed *Error
	if errors.As(err, &placed) {
		return err
	}
	return &Error{File: p.b.Source, Line: p.line, Msg: err.Error()}
}

func (p *iniParser) parseLine(line string) error {
	if m := sectionRE.FindStringSubmatch(line); m != nil {
		return p.section(m[1], m[2])
	}
	if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
		return fmt.Errorf("Invalid section entry: '%s'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters", line)
	}
	switch p.state {
	case "vars":
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("Expected key=value, got: %s", line)
		}
		return p.b.SetGroupVar(p.group, strings.TrimSpace(k), p.value(strings.TrimSpace(v)))
	case "children":
		return p.child(line)
	}
	return p.hosts(line)
}

// section begins a section.
func (p *iniParser) section(name, state string) error {
	if state == "" {
		state = "hosts"
	}
	name = p.b.GroupName(name)
	p.group, p.state = name, state
	if state != "hosts" && state != "children" && state != "vars" {
		return fmt.Errorf("Section [%s:%s] has unknown type: %s", name, state, state)
	}
	if state == "vars" {
		if p.pending[name] == nil && !p.b.HasGroup(name) {
			p.pending[name] = &pending{line: p.line, state: state}
		}
		p.b.inv.addGroup(name) // variables may come before the group itself
		return nil
	}
	return p.declare(name)
}

// declare makes a group and puts it under the parents that named it before.
func (p *iniParser) declare(name string) error {
	p.b.inv.addGroup(name)
	pend := p.pending[name]
	if pend == nil {
		return nil
	}
	delete(p.pending, name)
	for _, parent := range pend.parents {
		if err := p.b.AddChild(parent, name); err != nil {
			return err
		}
	}
	return nil
}

func (p *iniParser) child(line string) error {
	m := groupNameRE.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("Expected group name, got: %s", line)
	}
	child := p.b.GroupName(m[1])
	if p.b.HasGroup(child) {
		return p.b.AddChild(p.group, child)
	}
	pend := p.pending[child]
	if pend == nil {
		pend = &pending{line: p.line, state: "children"}
		p.pending[child] = pend
	}
	pend.parents = append(pend.parents, p.group)
	return nil
}

// unresolved returns the error of the first group that was named but never declared.
func (p *iniParser) unresolved() error {
	var first *pending
	name := ""
	for n, pend := range p.pending {
		if first == nil || pend.line < first.line {
			first, name = pend, n
		}
	}
	if first == nil {
		return nil
	}
	named := ": " + name
	if p.b.inv.o.Era == templates.Current {
		named = " '" + name + "'."
	}
	msg := fmt.Sprintf("Section [%s:vars] not valid for undefined group%s", name, named)
	if first.state == "children" {
		msg = fmt.Sprintf("Section [%s:children] includes undefined group%s", first.parents[0], named)
	}
	return &Error{File: p.b.Source, Line: first.line, Msg: msg}
}

func (p *iniParser) hosts(line string) error {
	words, err := splitWords(line)
	if err != nil {
		return fmt.Errorf("Error parsing host definition '%s': %s", line, err)
	}
	if len(words) == 0 {
		return nil
	}
	names, port, err := p.expand(words[0])
	if err != nil {
		return err
	}
	vars := templates.NewDict(len(words) - 1)
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("Expected key=value host variable assignment, got: %s", w)
		}
		vars.SetStr(k, p.value(v))
	}
	return p.b.addPattern(names, port, p.group, vars)
}

func (p *iniParser) expand(pattern string) ([]string, int, error) {
	names, port, err := expandPattern(pattern)
	if err != nil {
		return nil, 0, err
	}
	if strings.HasSuffix(strings.TrimSpace(pattern), ":") && port < 0 {
		return nil, 0, fmt.Errorf("Invalid host pattern '%s' supplied, ending in ':' is not allowed, this character is reserved to provide a port.", pattern)
	}
	for _, name := range names {
		if strings.TrimSpace(name) == "---" {
			return nil, 0, fmt.Errorf("Invalid host pattern '%s' supplied, '---' is normally a sign this is a YAML file.", pattern)
		}
	}
	return names, port, nil
}

// value is a value as Python's literal, or as text.
func (p *iniParser) value(s string) templates.Value {
	text := func(s string) templates.Value {
		return templates.NewText(s, templates.Pos{File: p.b.Source, Line: p.line, Col: 1})
	}
	v, ok := literal(s, text)
	if !ok {
		return text(s)
	}
	if p.b.inv.o.Era == templates.Current {
		return listed(v)
	}
	return v
}

// listed returns v with lists in the place of tuples, which have been lists in
// variables since ansible-core 2.19.
func listed(v templates.Value) templates.Value {
	switch v := v.(type) {
	case templates.Tuple:
		return listed(lazyList(v))
	case *templates.List:
		for i, e := range v.Elems {
			v.Elems[i] = listed(e)
		}
	case *templates.Dict:
		for _, k := range v.Keys() {
			e, _, _ := v.Get(k)
			v.Set(k, listed(e)) // k was a key: it has a hash
		}
	}
	return v
}
