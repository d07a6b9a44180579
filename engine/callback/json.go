package callback

// This file defines the json screen: the whole run as one document
// (https://docs.ansible.com/ansible/latest/collections/ansible/posix/json_callback.html).

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorun/templates"
)

// JSON collects a run and prints it at its end. Warnings go to the standard
// error, as on every screen.
type JSON struct {
	silent
	warn  *Default
	s     *Screen
	plays []*jsonPlay
	ids   map[string]string // by the ids of plays and tasks
	run   string            // what the ids of this run begin with
}

type jsonPlay struct {
	play       Play
	start, end time.Time
	tasks      []*jsonTask
}

type jsonTask struct {
	task       Task
	start, end time.Time
	hosts      *templates.Dict
}

var _ Callback = (*JSON)(nil)

// NewJSON returns the json callback.
func NewJSON(s *Screen, set Settings) *JSON {
	u := rand.Uint64()
	return &JSON{s: s, warn: NewDefault(s, set), ids: map[string]string{},
		run: fmt.Sprintf("%08x-%04x-%04x-%04x", uint32(u>>32), uint16(u>>16), uint16(u), uint16(rand.Uint32()))}
}

// id is the id of a play or task in the form of a UUID, as Ansible's are.
func (j *JSON) id(of string) templates.Value {
	id, ok := j.ids[of]
	if !ok {
		id = fmt.Sprintf("%s-%012x", j.run, len(j.ids)+2)
		j.ids[of] = id
	}
	return templates.Str(id)
}

// Warning prints a warning to the standard error.
func (j *JSON) Warning(msg string) { j.warn.Warning(msg) }

// Deprecated prints a deprecation to the standard error.
func (j *JSON) Deprecated(msg string) { j.warn.Deprecated(msg) }

// PlayStart begins a play.
func (j *JSON) PlayStart(p Play) {
	now := time.Now()
	j.plays = append(j.plays, &jsonPlay{play: p, start: now, end: now})
}

// TaskStart begins a task.
func (j *JSON) TaskStart(t Task) {
	if len(j.plays) == 0 {
		return
	}
	p, now := j.plays[len(j.plays)-1], time.Now()
	p.tasks = append(p.tasks, &jsonTask{task: t, start: now, end: now, hosts: templates.NewDict(0)})
}

// HandlerTaskStart begins a handler.
func (j *JSON) HandlerTaskStart(t Task) { j.TaskStart(t) }

// find is the entry of a task: the last one that began under its id.
func (j *JSON) find(uuid string) (*jsonPlay, *jsonTask) {
	for _, p := range slices.Backward(j.plays) {
		for _, t := range slices.Backward(p.tasks) {
			if t.task.UUID == uuid {
				return p, t
			}
		}
	}
	return nil, nil
}

// Result keeps a host's result.
func (j *JSON) Result(r Result) {
	p, t := j.find(r.Task.UUID)
	if t == nil {
		return
	}
	data := templates.NewDict(r.Data.Len() + 1)
	for k, v := range r.Data.All {
		if key := keyText(k); !strings.HasPrefix(key, "_ansible_") && key != "failed" && key != "skipped" {
			data.SetStr(key, v)
		}
	}
	data.SetStr("action", templates.Str(r.Task.Action))
	switch r.Status {
	case Failed:
		data.SetStr("failed", templates.Bool(true))
		if _, ok := data.GetStr("exception"); !ok && j.warn.set.Current && !r.NoLog {
			data.SetStr("exception", templates.Str(noTraceback))
		}
	case Skipped:
		data.SetStr("skipped", templates.Bool(true))
	}
	t.hosts.SetStr(r.Host, data)
	t.end = time.Now()
	p.end = t.end
}

// Stats prints the document.
func (j *JSON) Stats(s Stats) {
	var plays []templates.Value
	for _, p := range j.plays {
		var tasks []templates.Value
		for _, t := range p.tasks {
			tasks = append(tasks, dictOf("hosts", t.hosts, "task", dictOf("duration", duration(t.start, t.end),
				"id", j.id(t.task.UUID), "name", templates.Str(t.task.Name), "path", templates.Str(t.task.Path))))
		}
		name := p.play.Name
		if name == "" {
			name = p.play.Hosts
		}
		plays = append(plays, dictOf("play", dictOf("duration", duration(p.start, p.end), "id", j.id(p.play.UUID+" "+p.play.Path),
			"name", templates.Str(name), "path", templates.Str(p.play.Path)), "tasks", &templates.List{Elems: tasks}))
	}
	custom, global := templates.NewDict(0), templates.NewDict(0)
	if !j.warn.set.ShowCustomStats {
		s.Custom = nil
	}
	for _, h := range slices.Sorted(maps.Keys(s.Custom)) {
		if h == "_run" {
			global = s.Custom[h]
		} else {
			custom.SetStr(h, s.Custom[h])
		}
	}
	j.s.Print(asciiJSON(dumpJSON(dictOf("custom_stats", custom, "global_custom_stats", global,
		"plays", &templates.List{Elems: plays}, "stats", statsDict(s)), 4)), "")
}

func statsDict(s Stats) *templates.Dict {
	d := templates.NewDict(len(s.Hosts))
	for h, t := range s.Hosts {
		d.SetStr(h, dictOf("ok", templates.Int(t.OK), "changed", templates.Int(t.Changed),
			"unreachable", templates.Int(t.Unreachable), "failures", templates.Int(t.Failures),
			"skipped", templates.Int(t.Skipped), "rescued", templates.Int(t.Rescued), "ignored", templates.Int(t.Ignored)))
	}
	return d
}

func duration(start, end time.Time) *templates.Dict {
	const form = "2006-01-02T15:04:05.000000Z"
	return dictOf("end", templates.Str(end.UTC().Format(form)), "start", templates.Str(start.UTC().Format(form)))
}

// dictOf is a dict of keys and values in turn.
func dictOf(pairs ...any) *templates.Dict {
	d := templates.NewDict(len(pairs) / 2)
	for i := 0; i < len(pairs); i += 2 {
		d.SetStr(pairs[i].(string), pairs[i+1].(templates.Value))
	}
	return d
}
