package engine

// This file gathers facts at a play's beginning.

import (
	"context"
	"strings"

	"gorun/engine/playbook"
	"gorun/templates"
)

// factsGathered is the fact by which cached facts tell that they are those of
// a host, and not only what set_fact has kept.
const factsGathered = "_ansible_facts_gathered"

// gathers decides by gather_facts and the gathering setting.
func (p *playRun) gathers(ctx context.Context, h *hostRun) bool {
	want, err := p.r.bool(ctx, p.play.Gather, p.scope(h.name, nil), p.r.o.Gathering != "explicit")
	if err != nil {
		p.r.stop(err)
		return false
	}
	if !want || p.r.o.Gathering != "smart" {
		return want
	}
	p.r.mu.Lock()
	done := p.r.gathered[h.name]
	p.r.mu.Unlock()
	_, cached := p.r.o.Vars.Facts(h.name).GetStr(factsGathered)
	return !done && !cached
}

// gatherTask is the task that gathers facts.
func (p *playRun) gatherTask() *playbook.Task {
	t := &playbook.Task{Action: "gather_facts", Pos: p.play.Pos, ActionPos: p.play.Pos, File: p.play.File, Args: templates.NewDict(3), Play: p.play}
	t.Name = playbook.Value{V: templates.Str("Gathering Facts"), Pos: p.play.Pos}
	if len(p.play.Tags) == 0 {
		t.Tags = []playbook.Value{{V: templates.Str("always"), Pos: p.play.Pos}}
	}
	set := func(name string, v playbook.Value, def templates.Value) {
		if v.IsSet() {
			t.Args.SetStr(name, v.V)
		} else if def != nil {
			t.Args.SetStr(name, def)
		}
	}
	var subset, timeout, path templates.Value
	if len(p.r.o.GatherSubset) > 0 && strings.Join(p.r.o.GatherSubset, ",") != "all" {
		subset = strList(p.r.o.GatherSubset)
	}
	if p.r.o.GatherTimeout > 0 {
		timeout = templates.Int(p.r.o.GatherTimeout.Seconds())
	}
	if p.r.o.FactPath != "" {
		path = templates.Str(p.r.o.FactPath)
	}
	set("gather_subset", p.play.GatherSubset, subset)
	set("gather_timeout", p.play.GatherTimeout, timeout)
	set("fact_path", p.play.FactPath, path)
	return t
}
