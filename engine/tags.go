package engine

// This file decides by tags what runs
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_tags.html).

import (
	"context"
	"slices"
	"strings"

	"gorun/engine/playbook"
	"gorun/templates"
)

// allTags are a task's tags with those of its blocks and play.
func (p *playRun) allTags(ctx context.Context, t *playbook.Task) []string {
	p.mu.Lock()
	tags, ok := p.tags[t]
	p.mu.Unlock()
	if ok {
		return tags
	}
	s := p.scope("", t)
	all := t.AllTags()
	if t.Play == nil {
		all = append(slices.Clone(p.play.Tags), all...)
	}
	for _, v := range all {
		out, err := p.r.resolve(ctx, v.V, s)
		if err != nil {
			p.r.stop(&KeywordError{v.Pos, err})
			continue
		}
		for _, e := range conditionList(out) {
			for tag := range strings.SplitSeq(templates.StrOf(e, p.r.o.Era), ",") {
				if tag = strings.TrimSpace(tag); tag != "" {
					tags = append(tags, tag)
				}
			}
		}
	}
	tags = distinct(tags)
	p.mu.Lock()
	p.tags[t] = tags
	p.mu.Unlock()
	return tags
}

// tagged reports whether the tags let a task run.
func (p *playRun) tagged(ctx context.Context, t *playbook.Task) bool {
	if t.IsHandler {
		return true
	}
	if len(p.r.o.Tags) == 0 && len(p.r.o.SkipTags) == 0 {
		return wantedTags(p.allTags(ctx, t), nil, nil)
	}
	return wantedTags(p.allTags(ctx, t), p.r.o.Tags, p.r.o.SkipTags)
}

// flushes reports whether the handlers run behind a section: since 2.15 that is
// a task with the tag always, which --skip-tags can leave out.
func (p *playRun) flushes(ctx context.Context) bool {
	if p.r.o.Era < templates.Current || len(p.r.o.SkipTags) == 0 {
		return true
	}
	flush := &playbook.Task{}
	flush.Tags = []playbook.Value{{V: templates.Str("always"), Pos: p.play.Pos}}
	return wantedTags(p.allTags(ctx, flush), p.r.o.Tags, p.r.o.SkipTags)
}

// wantedTags applies --tags (only; empty: all) and --skip-tags to tags.
func wantedTags(tags, only, skip []string) bool {
	if len(only) == 0 {
		only = []string{"all"}
	}
	untagged := len(tags) == 0
	if untagged {
		tags = []string{"untagged"}
	}
	has := func(list []string, tag string) bool { return slices.Contains(list, tag) }
	meet := func(a, b []string) bool {
		return slices.ContainsFunc(a, func(tag string) bool { return has(b, tag) })
	}
	run := has(tags, "always") ||
		has(only, "all") && !has(tags, "never") ||
		meet(tags, only) ||
		has(only, "tagged") && !untagged && !has(tags, "never")
	if !run || len(skip) == 0 {
		return run
	}
	switch {
	case has(skip, "all"):
		return has(tags, "always") && !has(skip, "always")
	case meet(tags, skip):
		return false
	case has(skip, "tagged") && !untagged:
		return false
	}
	return true
}
