package action

// This file reads the marks that modules of ansible-core 2.19 and later put
// on parts of their results.

import (
	"strings"

	"gorun/internal/redact"
	"gorun/modules"
	"gorun/templates"
)

// typeKey marks a dict that stands for a value of a type.
const typeKey = "__ansible_type"

// untagged replaces marked dicts in a result by what they stand for: messages
// by their text, tagged values by the values.
func untagged(d *templates.Dict, secrets *redact.Registry) *templates.Dict {
	d = withoutSecrets(d, secrets)
	v, _ := d.GetStr("exception")
	summary, ok := v.(*templates.Dict)
	if ok && marked(summary) {
		d = d.Copy()
		d.Delete(templates.Str("exception"))
		if _, has := d.GetStr("msg"); !has {
			d.SetStr("msg", templates.Str("Task failed: Module failed: "+eventText(summary)))
		}
	}
	if !holdsMarks(d) {
		return d
	}
	return unmark(d).(*templates.Dict)
}

// withoutSecrets takes from a result the secrets that the module names, for the
// registry; without one they are hidden in the result.
func withoutSecrets(d *templates.Dict, secrets *redact.Registry) *templates.Dict {
	v, ok := d.GetStr(modules.SecretsKey)
	if !ok {
		return d
	}
	d = d.Copy()
	d.Delete(templates.Str(modules.SecretsKey))
	l, ok := v.(*templates.List)
	if !ok {
		return d
	}
	var pairs []string
	for _, e := range l.Elems {
		s := templates.StrOf(e, templates.Current)
		secrets.Add(s)
		if s != "" {
			pairs = append(pairs, s, redact.Placeholder)
		}
	}
	if secrets != nil {
		return d
	}
	return hidden(d, strings.NewReplacer(pairs...)).(*templates.Dict)
}

func hidden(v templates.Value, r *strings.Replacer) templates.Value {
	switch v := v.(type) {
	case templates.Str:
		return templates.Str(r.Replace(string(v)))
	case *templates.List:
		out := templates.NewList()
		for _, e := range v.Elems {
			out.Elems = append(out.Elems, hidden(e, r))
		}
		return out
	case *templates.Dict:
		out := templates.NewDict(v.Len())
		for k, e := range v.All {
			_ = out.Set(hidden(k, r), hidden(e, r)) // a text has a hash
		}
		return out
	}
	return v
}

func marked(d *templates.Dict) bool {
	_, ok := d.GetStr(typeKey)
	return ok
}

func holdsMarks(v templates.Value) bool {
	switch v := v.(type) {
	case *templates.Dict:
		if marked(v) {
			return true
		}
		for _, e := range v.All {
			if holdsMarks(e) {
				return true
			}
		}
	case *templates.List:
		for _, e := range v.Elems {
			if holdsMarks(e) {
				return true
			}
		}
	}
	return false
}

func unmark(v templates.Value) templates.Value {
	switch v := v.(type) {
	case *templates.List:
		out := templates.NewList()
		for _, e := range v.Elems {
			out.Elems = append(out.Elems, unmark(e))
		}
		return out
	case *templates.Dict:
		if marked(v) {
			return meaning(v)
		}
		out := templates.NewDict(v.Len())
		for k, e := range v.All {
			_ = out.Set(k, unmark(e)) // k is in a dict, so it has a hash
		}
		return out
	}
	return v
}

// meaning is what a marked dict stands for.
func meaning(d *templates.Dict) templates.Value {
	kind, _ := d.GetStr(typeKey)
	switch kind {
	case templates.Str("WarningSummary"), templates.Str("ErrorSummary"):
		return templates.Str(eventText(d))
	case templates.Str("DeprecationSummary"):
		out := Result("msg", eventText(d))
		for _, k := range []string{"version", "date"} {
			if v, ok := d.GetStr(k); ok {
				out.SetStr(k, v)
			}
		}
		if v, ok := d.GetStr("deprecator"); ok {
			if p, ok := v.(*templates.Dict); ok {
				if name, ok := p.GetStr("resolved_name"); ok {
					out.SetStr("collection_name", collectionOf(templates.StrOf(name, templates.Current)))
					kind, _ := p.GetStr("type")
					if kind == nil {
						kind = templates.None
					}
					kind = unmark(kind)
					out.SetStr("deprecator", Result("resolved_name", name, "type", kind))
				}
			}
		}
		return out
	}
	for _, k := range []string{"value", "iso8601"} {
		if v, ok := d.GetStr(k); ok {
			return unmark(v)
		}
	}
	return d
}

func collectionOf(name string) templates.Value {
	parts := 0
	for i := range name {
		if name[i] == '.' {
			if parts++; parts == 2 {
				return templates.Str(name[:i])
			}
		}
	}
	return templates.Str(name)
}

// eventText is the message of a summary: its event's, and those of the causes.
func eventText(d *templates.Dict) string {
	v, _ := d.GetStr("event")
	msg := ""
	for depth := 0; depth < 20; depth++ {
		e, ok := v.(*templates.Dict)
		if !ok {
			break
		}
		if m := text(e, "msg"); m != "" {
			if msg != "" {
				msg += ": "
			}
			msg += m
		}
		chain, _ := e.GetStr("chain")
		c, ok := chain.(*templates.Dict)
		if !ok {
			break
		}
		v, _ = c.GetStr("event")
	}
	return msg
}
