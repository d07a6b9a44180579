package engine

// This file prints --list-hosts, --list-tasks and --list-tags.

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorun/engine/playbook"
	"gorun/templates"
)

// ListWhat says what List shows.
type ListWhat struct{ Hosts, Tasks, Tags bool }

// List returns the text that --list-hosts, --list-tasks and --list-tags print together.
func (r *Run) List(books []*playbook.Playbook, what ListWhat) (string, error) {
	var b strings.Builder
	ctx := context.Background()
	for _, book := range books {
		fmt.Fprintf(&b, "\nplaybook: %s\n", book.File)
		for i, play := range book.Plays {
			p, err := r.newPlay(ctx, book, play)
			if err != nil {
				return "", err
			}
			if err := p.list(ctx, &b, i+1, what); err != nil {
				return "", err
			}
		}
	}
	return b.String(), nil
}

// list prints one play.
func (p *playRun) list(ctx context.Context, b *strings.Builder, n int, what ListWhat) error {
	pattern, err := p.pattern(ctx)
	if err != nil {
		return err
	}
	name := p.name
	if name == "" {
		name = pattern
	}
	var tags []string
	for _, v := range p.play.Tags {
		tags = append(tags, condText(v.V))
	}
	fmt.Fprintf(b, "\n  play #%d (%s): %s\tTAGS: [%s]\n", n, pattern, name, strings.Join(tags, ","))
	if what.Hosts {
		hosts, err := p.hosts(ctx)
		if err != nil {
			return err
		}
		patterns := templates.NewList()
		for _, s := range conditionList(p.play.Hosts.V) {
			text, err := p.r.text(ctx, s, p.scope("", nil))
			if err != nil {
				return &KeywordError{p.play.Hosts.Pos, err}
			}
			patterns.Elems = append(patterns.Elems, templates.Str(text))
		}
		fmt.Fprintf(b, "    pattern: %s\n    hosts (%d):\n", templates.Repr(patterns, templates.Current), len(hosts))
		for _, h := range hosts {
			fmt.Fprintf(b, "      %s\n", h)
		}
	}
	if what.Tasks || what.Tags {
		p.listTasks(ctx, b, what)
	}
	return nil
}

// listTasks prints the tasks and tags of a play that the tags let run.
func (p *playRun) listTasks(ctx context.Context, b *strings.Builder, what ListWhat) {
	if what.Tasks {
		b.WriteString("    tasks:\n")
	}
	var seen []string
	p.eachTask(func(t *playbook.Task) {
		if !p.tagged(ctx, t) && !(what.Tags && p.r.o.Era >= templates.Current && !p.r.choosesTags()) {
			return
		}
		tags := slices.Sorted(slices.Values(p.allTags(ctx, t)))
		seen = append(seen, tags...)
		if what.Tasks {
			name := withRole(t, plainName(t))
			if p.r.o.Era != templates.Era19 && givenName(t) == "" {
				name = t.Action // without the role, unlike on the screen of a run
			}
			fmt.Fprintf(b, "      %s\tTAGS: [%s]\n", name, strings.Join(tags, ", "))
		}
	})
	if what.Tags {
		slices.Sort(seen)
		fmt.Fprintf(b, "      TASK TAGS: [%s]\n", strings.Join(slices.Compact(seen), ", "))
	}
}

// choosesTags reports whether the command line chooses tasks by tags: where it
// does not, --list-tags has told of those under never too since 2.17.
func (r *Run) choosesTags() bool {
	return len(r.o.SkipTags) > 0 || len(r.o.Tags) > 1 || len(r.o.Tags) == 1 && r.o.Tags[0] != "all"
}

// eachTask calls f for every task of the play that is known before the run, in order.
func (p *playRun) eachTask(f func(t *playbook.Task)) {
	p.eachOf(p.play.PreTasks, f)
	for _, u := range p.play.RoleOrder() {
		p.eachOf(u.Tasks, f)
	}
	p.eachOf(p.play.Tasks, f)
	p.eachOf(p.play.PostTasks, f)
}

func (p *playRun) eachOf(items []playbook.Item, f func(t *playbook.Task)) {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Task:
			f(it)
		case *playbook.Block:
			if t := p.specTask(it); t != nil {
				f(t)
			}
			p.eachOf(it.Body, f) // Ansible lists neither rescue nor always
		default:
			panic("engine: forgot a kind of item")
		}
	}
}
