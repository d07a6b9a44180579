package callback

// This file defines how diffs are shown.

import (
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"gorun/templates"
)

// diffs prints the differences that a result, or an item's, made. Those of a
// loop's items come with the items.
func (d *Default) diffs(r Result) {
	if r.Diff && !r.Looped && r.Status == Changed {
		d.diff(r)
	}
}

func (d *Default) diff(r Result) {
	if changed, ok := r.Data.GetStr("changed"); !ok || !changed.Truth() {
		return
	}
	v, ok := r.Data.GetStr("diff")
	if !ok || !v.Truth() {
		return
	}
	var parts []*templates.Dict
	switch v := v.(type) {
	case *templates.Dict:
		parts = append(parts, v)
	case *templates.List:
		for _, e := range v.Elems {
			if m, ok := e.(*templates.Dict); ok {
				parts = append(parts, m)
			}
		}
	}
	var b strings.Builder
	for _, p := range parts {
		d.diffText(&b, p)
	}
	if b.Len() > 0 {
		d.head(r.Task)
		d.s.Print(b.String(), "")
	}
}

// diffText appends one before/after pair in the unified form.
func (d *Default) diffText(b *strings.Builder, p *templates.Dict) {
	text := func(key string) string {
		v, _ := p.GetStr(key)
		return diffSide(v)
	}
	has := func(key string) bool { v, ok := p.GetStr(key); return ok && v.Truth() }
	for _, note := range []struct{ key, text string }{
		{"dst_binary", "diff skipped: destination file appears to be binary\n"},
		{"src_binary", "diff skipped: source file appears to be binary\n"},
	} {
		if has(note.key) {
			b.WriteString(note.text)
		}
	}
	if has("dst_larger") {
		b.WriteString("diff skipped: destination file size is greater than " + text("dst_larger") + "\n")
	}
	if has("src_larger") {
		b.WriteString("diff skipped: source file size is greater than " + text("src_larger") + "\n")
	}
	_, before := p.GetStr("before")
	_, after := p.GetStr("after")
	if before && after {
		header := func(word, key string) string {
			if h := text(key); h != "" {
				return word + ": " + h
			}
			return word
		}
		d.unified(b, text("before"), text("after"), header("before", "before_header"), header("after", "after_header"))
	}
	if has("prepared") {
		b.WriteString(text("prepared"))
	}
}

// diffSide is one side of a diff as text: what is no text shows as sorted JSON.
func diffSide(v templates.Value) string {
	switch v := v.(type) {
	case nil, templates.NoneType:
		return ""
	case templates.Str:
		return string(v)
	case *templates.Dict, *templates.List:
		return dumpJSON(v, 4) + "\n"
	}
	return templates.StrOf(v, templates.Current)
}

func (d *Default) unified(b *strings.Builder, before, after, fromHeader, toHeader string) {
	lines, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: splitLines(before), B: splitLines(after),
		FromFile: fromHeader, ToFile: toHeader, Context: d.set.DiffContext,
	})
	if err != nil || lines == "" {
		return
	}
	// The mark of a missing line end goes with its line.
	lines = strings.ReplaceAll(lines, "\n"+noLineEnd, "\x00"+noLineEnd)
	for line := range strings.Lines(lines) {
		line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\x00"+noLineEnd, "\n"+noLineEnd)
		color := Color("")
		switch {
		case strings.HasPrefix(line, "+"):
			color = d.s.Colors.DiffAdd
		case strings.HasPrefix(line, "-"):
			color = d.s.Colors.DiffRemove
		case strings.HasPrefix(line, "@@"):
			color = d.s.Colors.DiffLines
		}
		b.WriteString(d.s.paint(line+"\n", color)) // the break is painted too
	}
	b.WriteString("\n")
}

// noLineEnd marks a last line without an end, as diff does.
const noLineEnd = `\ No newline at end of file`

// splitLines cuts text into lines with their ends; a last line without one is
// marked as diff does.
func splitLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, line)
	}
	if n := len(out); n > 0 && !strings.HasSuffix(out[n-1], "\n") {
		out[n-1] += "\n" + noLineEnd + "\n"
	}
	return out
}
