package playbook

// This file decodes lists of tasks and blocks.

import (
	"slices"

	"gopkg.in/yaml.v3"

	"gorun/vars/pyyaml"
)

// section decodes a list of tasks of a play.
func (ld *loading) section(c *scope, f field) []Item {
	switch {
	case isNull(f.n):
		return nil
	case f.n.Kind != yaml.SequenceNode:
		v := ld.value(c, f.n)
		ld.fail(c, v.Pos, "A malformed block was encountered while loading %s: %s should be a list or None but is %s", f.key, show(v.V), class(v.V))
		return nil
	}
	return ld.items(c, f.n)
}

// taskFile loads the items of a file that something at pos asks for.
func (ld *loading) taskFile(c scope, path string, pos Pos) []Item {
	if slices.Contains(ld.busy, path) {
		e := ld.fail(&c, pos, "the task file imports itself: %s", path)
		e.Notes = []string{"a file may include itself with include_tasks and a condition, which happens while the play runs"}
		return nil
	}
	doc := ld.open(&c, path, pos)
	if doc == nil {
		return nil
	}
	ld.busy = append(ld.busy, path)
	defer func() { ld.busy = ld.busy[:len(ld.busy)-1] }()
	c.doc, c.file = doc, path
	root := pyyaml.Resolve(doc.Root)
	switch {
	case root == nil || isNull(root):
		return nil
	case root.Kind != yaml.SequenceNode:
		e := ld.fail(&c, c.pos(root), "included task files must contain a list of tasks")
		if len(ld.busy) == 1 {
			e.Exit = exitError // included while the play runs: it fails the host
		}
		return nil
	}
	return ld.items(&c, root)
}

// items decodes a list of tasks and blocks.
func (ld *loading) items(c *scope, list *yaml.Node) []Item {
	items := make([]Item, 0, len(list.Content))
	for _, n := range list.Content {
		n = pyyaml.Resolve(n)
		if isNull(n) {
			continue
		}
		if n.Kind != yaml.MappingNode {
			v := ld.value(c, n)
			e := ld.fail(c, v.Pos, "A malformed block was encountered while loading a block. The ds (%s) should be a dict but was a %s", show(v.V), class(v.V))
			e.Notes = []string{"a task is a dict: the module's name, a colon and its parameters"}
			continue
		}
		fs, ok := ld.fields(c, n)
		if !ok {
			continue
		}
		if isBlock(fs) {
			if b := ld.block(c, n, fs); b != nil {
				items = append(items, b)
			}
			continue
		}
		items = append(items, ld.task(c, n, fs)...)
	}
	return items
}

func isBlock(fs []field) bool {
	return slices.ContainsFunc(fs, func(f field) bool { return f.key == "block" || f.key == "rescue" || f.key == "always" })
}

func (ld *loading) block(c *scope, n *yaml.Node, fs []field) *Block {
	b := &Block{Pos: c.pos(n), Parent: c.parent, Play: c.play, Role: c.role, File: c.file}
	inner := *c
	inner.parent = b
	if _, ok := find(fs, "block"); !ok {
		for _, f := range fs {
			if f.key == "rescue" || f.key == "always" {
				ld.fail(c, f.pos, "'%s' keyword cannot be used without 'block'", f.key)
			}
		}
		return nil
	}
	// The keywords come before the parts: tasks inside ask for collections.
	for _, f := range fs {
		ld.blockField(c, f, b)
	}
	for _, f := range fs {
		switch f.key {
		case "block":
			b.Body = ld.part(&inner, f)
		case "rescue":
			b.Rescue = ld.part(&inner, f)
		case "always":
			b.Always = ld.part(&inner, f)
		}
	}
	return b
}

func (ld *loading) blockField(c *scope, f field, b *Block) {
	switch f.key {
	case "block", "rescue", "always":
	case "when":
		b.When = ld.list(c, f)
	case "notify":
		b.Notify = ld.list(c, f)
	case "delegate_to":
		b.DelegateTo = ld.checked(c, f, text)
	case "delegate_facts":
		b.DelegateFacts = ld.checked(c, f, boolean)
	default:
		if !ld.base(c, f, &b.Base, "Block") && !ld.become(c, f, &b.Base) {
			ld.unknown(c, f, "Block", blockKeywords)
		}
	}
}

// part decodes block:, rescue: or always:.
func (ld *loading) part(c *scope, f field) []Item {
	switch {
	case isNull(f.n):
		return nil
	case f.n.Kind != yaml.SequenceNode:
		e := ld.fail(c, c.pos(f.n), "A malformed block was encountered while loading %s", partName(f.key))
		e.Notes = []string{"'" + f.key + "' takes a list of tasks"}
		return nil
	}
	return ld.items(c, f.n)
}

func partName(key string) string {
	if key == "block" {
		return "a block"
	}
	return key
}

// apply decodes the keywords of apply: on a dynamic include.
func (ld *loading) apply(c *scope, f field) *Block {
	b := &Block{Pos: c.pos(f.n), Implicit: true, Play: c.play, Role: c.role}
	fs, ok := ld.fields(c, f.n)
	if !ok {
		return b
	}
	for _, a := range fs {
		ld.blockField(c, a, b)
	}
	return b
}
