package callback

// This file hides secrets in results, before a callback sees them: in texts,
// keys and numbers, as ansible-core does since 2.22.

import (
	"fmt"
	"slices"

	"gorun/internal/redact"
	"gorun/modules"
	"gorun/templates"
)

// lineKeys are texts and the keys that hold their lines: a secret of several
// lines is in none of them.
var lineKeys = [...]struct{ text, lines string }{{"stdout", "stdout_lines"}, {"stderr", "stderr_lines"}}

// masked is a result with its secrets hidden; the same where there are none.
func masked(r Result, secrets *redact.Registry) Result {
	if r.Data != nil && !secrets.Empty() {
		r.Data = maskDict(r.Data, secrets)
	}
	return r
}

// maskValue is v with secrets hidden, and whether there were any.
func maskValue(v templates.Value, secrets *redact.Registry) (templates.Value, bool) {
	switch v := v.(type) {
	case templates.Str:
		text := secrets.Mask(string(v))
		return templates.Str(text), text != string(v)
	case templates.Int, *templates.BigInt, templates.Float:
		text := templates.StrOf(v, templates.Current)
		if hidden := secrets.Mask(text); hidden != text {
			return templates.Str(hidden), true
		}
	case *templates.Dict:
		out := maskDict(v, secrets)
		return out, out != v
	case templates.Mapping:
		d := templates.NewDict(v.Len())
		for _, k := range v.Keys() {
			if e, ok, err := v.Get(k); ok && err == nil {
				_ = d.Set(k, e) // a key has a hash
			}
		}
		if out := maskDict(d, secrets); out != d {
			return out, true
		}
	case *templates.List:
		if out, found := maskElems(v.Elems, secrets); found {
			return templates.NewList(out...), true
		}
	case templates.Tuple:
		if out, found := maskElems(v, secrets); found {
			return templates.NewList(out...), true
		}
	}
	return v, false
}

func maskElems(elems []templates.Value, secrets *redact.Registry) ([]templates.Value, bool) {
	var out []templates.Value
	for i, e := range elems {
		if m, found := maskValue(e, secrets); found {
			if out == nil {
				out = slices.Clone(elems)
			}
			out[i] = m
		}
	}
	return out, out != nil
}

// maskDict is d with secrets hidden in keys and values; d itself where it has none.
func maskDict(d *templates.Dict, secrets *redact.Registry) *templates.Dict {
	var out *templates.Dict // made at the first secret
	n := -1
	for k, v := range d.All {
		n++
		key, inKey := maskValue(k, secrets)
		value, inValue := maskValue(v, secrets)
		if (inKey || inValue) && out == nil {
			out = templates.NewDict(d.Len())
			before := n
			for k, v := range d.All {
				if before--; before < 0 {
					break
				}
				_ = out.Set(k, v) // a key has a hash
			}
		}
		if out == nil {
			continue
		}
		if _, taken := out.GetStr(keyText(key)); taken && inKey {
			plain := keyText(key)
			for n := 2; taken; n++ {
				key = templates.Str(fmt.Sprintf("%s (%d)", plain, n))
				_, taken = out.GetStr(keyText(key))
			}
		}
		_ = out.Set(key, value) // a key has a hash
	}
	if out == nil {
		return d
	}
	for _, k := range lineKeys {
		maskLines(d, out, k.text, k.lines)
	}
	return out
}

// maskLines cuts a text with hidden secrets into lines anew, where its lines
// were told beside it.
func maskLines(from, to *templates.Dict, text, lines string) {
	was, _ := from.GetStr(text)
	is, _ := to.GetStr(text)
	before, ok1 := was.(templates.Str)
	after, ok2 := is.(templates.Str)
	told, ok3 := from.GetStr(lines)
	list, ok4 := told.(*templates.List)
	if !ok1 || !ok2 || !ok3 || !ok4 || before == after {
		return
	}
	cut := modules.SplitLines(string(before))
	if len(cut) != len(list.Elems) {
		return
	}
	for i, e := range list.Elems {
		if e != templates.Str(cut[i]) {
			return
		}
	}
	anew := templates.NewList()
	for _, l := range modules.SplitLines(string(after)) {
		anew.Elems = append(anew.Elems, templates.Str(l))
	}
	to.SetStr(lines, anew)
}
