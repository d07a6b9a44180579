package callback

// This file defines how results are printed: as JSON on one line, indented, or
// as YAML.

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gorun/templates"
)

// linesOnly is an indent that breaks lines and begins each at the margin.
const linesOnly = -1

// dumpJSON writes v as Python's json.dumps(sort_keys=True, ensure_ascii=False)
// does; indent 0 keeps it on one line, linesOnly breaks lines without indenting
// them. Values that JSON lacks become their text.
func dumpJSON(v templates.Value, indent int) string {
	var b strings.Builder
	d := jsonDumper{b: &b, indent: indent, comma: ", "}
	if indent != 0 {
		d.comma = ","
	}
	d.value(v, 0)
	return b.String()
}

type jsonDumper struct {
	b      *strings.Builder
	indent int
	comma  string
}

// asciiJSON escapes what is not ASCII in a JSON text, as json.dumps does by itself.
func asciiJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			b.WriteByte(byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func (d *jsonDumper) newline(depth int) {
	if d.indent != 0 {
		d.b.WriteByte('\n')
		for range depth * max(d.indent, 0) {
			d.b.WriteByte(' ')
		}
	}
}

func (d *jsonDumper) value(v templates.Value, depth int) {
	switch v := v.(type) {
	case nil, templates.NoneType:
		d.b.WriteString("null")
	case templates.Bool:
		d.b.WriteString(strconv.FormatBool(bool(v)))
	case templates.Int, *templates.BigInt:
		d.b.WriteString(templates.StrOf(v, templates.Current))
	case templates.Float:
		d.b.WriteString(jsonFloat(v))
	case *templates.Dict:
		d.dict(v, depth)
	case templates.Mapping:
		d.mapping(v, depth)
	case templates.Sequence:
		d.sequence(v, depth)
	default:
		appendJSONString(d.b, templates.StrOf(v, templates.Current))
	}
}

func jsonFloat(f templates.Float) string {
	switch s := templates.StrOf(f, templates.Current); s {
	case "inf":
		return "Infinity"
	case "-inf":
		return "-Infinity"
	case "nan":
		return "NaN"
	default:
		return s
	}
}

func (d *jsonDumper) sequence(s templates.Sequence, depth int) {
	if s.Len() == 0 {
		d.b.WriteString("[]")
		return
	}
	d.b.WriteByte('[')
	for i := range s.Len() {
		if i > 0 {
			d.b.WriteString(d.comma)
		}
		d.newline(depth + 1)
		d.value(s.Index(i), depth+1)
	}
	d.newline(depth)
	d.b.WriteByte(']')
}

func (d *jsonDumper) mapping(m templates.Mapping, depth int) {
	dict := templates.NewDict(m.Len())
	for _, k := range m.Keys() {
		if v, ok, err := m.Get(k); ok && err == nil {
			dict.SetStr(keyText(k), v)
		}
	}
	d.dict(dict, depth)
}

func (d *jsonDumper) dict(m *templates.Dict, depth int) {
	if m.Len() == 0 {
		d.b.WriteString("{}")
		return
	}
	type item struct {
		key string
		val templates.Value
	}
	items := make([]item, 0, m.Len())
	for k, v := range m.All {
		items = append(items, item{keyText(k), v})
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.key, b.key) })
	d.b.WriteByte('{')
	for i, it := range items {
		if i > 0 {
			d.b.WriteString(d.comma)
		}
		d.newline(depth + 1)
		appendJSONString(d.b, it.key)
		d.b.WriteString(": ")
		d.value(it.val, depth+1)
	}
	d.newline(depth)
	d.b.WriteByte('}')
}

// keyText is a dict's key as json.dumps writes it.
func keyText(k templates.Value) string {
	switch k := k.(type) {
	case templates.Str:
		return string(k)
	case templates.NoneType:
		return "null"
	case templates.Bool:
		return strconv.FormatBool(bool(k))
	}
	return templates.StrOf(k, templates.Current)
}

const hex = "0123456789abcdef"

// appendJSONString writes s quoted as Python does with ensure_ascii off: only
// quotes, backslashes and control characters are escaped.
func appendJSONString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case c == '\n':
				b.WriteString(`\n`)
			case c == '\r':
				b.WriteString(`\r`)
			case c == '\t':
				b.WriteString(`\t`)
			case c == '\b':
				b.WriteString(`\b`)
			case c == '\f':
				b.WriteString(`\f`)
			case c < 0x20:
				b.WriteString(`\u00`)
				b.WriteByte(hex[c>>4])
				b.WriteByte(hex[c&15])
			default:
				b.WriteByte(c)
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b.WriteRune(r) // bytes that are no UTF-8 become U+FFFD
		i += n
	}
	b.WriteByte('"')
}

// dumpYAML writes a result as YAML below its line, in the form of result_format=yaml
// or of community.general.yaml.
func (d *Default) dumpYAML(r Result, data *templates.Dict) (string, bool) {
	head, indent, width, margin := "", 4, 0, "    "
	if d.set.community {
		indent, width, margin = 2, 1000, "  "
		if v, ok := data.GetStr("changed"); ok {
			head = "changed=" + strings.ToLower(templates.StrOf(v, templates.Current)) + " "
			data.Delete(templates.Str("changed"))
		}
	}
	for _, stream := range []string{"stdout", "stderr"} {
		_, text := data.GetStr(stream)
		if _, lines := data.GetStr(stream + "_lines"); text && lines {
			data.SetStr(stream+"_lines", templates.Str("<omitted>"))
		}
	}
	text, err := d.set.DumpYAML(data, indent, width)
	if err != nil {
		return "", false
	}
	return head + "\n" + margin + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+margin), true
}

// streamKeys are what the debug screen prints below a result, as it is.
var streamKeys = []string{"stdout", "stderr", "msg", "module_stdout", "module_stderr"}

// dumpStreams writes a result as JSON, with its output and message below.
func dumpStreams(data *templates.Dict) string {
	var below strings.Builder
	for _, key := range streamKeys {
		v, ok := data.GetStr(key)
		if !ok {
			continue
		}
		data.Delete(templates.Str(key))
		data.Delete(templates.Str(key + "_lines"))
		if text := templates.StrOf(v, templates.Current); text != "" {
			below.WriteString("\n\n" + strings.ToUpper(key) + ":\n\n" + text + "\n")
		}
	}
	return dumpJSON(data, 4) + below.String()
}
