package ansible

// This file writes JSON as Python's json.dumps
// (https://docs.python.org/3/library/json.html#json.dumps).

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"gorun/templates"
)

// jsonStyle are the options of json.dumps.
type jsonStyle struct {
	item, key        string // separators
	indent           string
	pretty, sortKeys bool
	// byText sorts keys as the texts that they become.
	byText   bool
	unicode  bool // ensure_ascii=False
	noNaN    bool // allow_nan=False
	skipKeys bool
}

// maxJSONDepth bounds how deep values nest.
const maxJSONDepth = 900

func (w *jsonStyle) append(b []byte, v value, depth int) ([]byte, error) {
	if depth > maxJSONDepth {
		return nil, raise(templates.ValueError, "Circular reference detected")
	}
	switch v := v.(type) {
	case nil, templates.NoneType:
		return append(b, "null"...), nil
	case templates.Bool, templates.Int, *templates.BigInt:
		return append(b, strings.ToLower(text(v))...), nil
	case templates.Float:
		return w.float(b, v)
	case templates.Str, templates.Markup:
		return w.text(b, text(v)), nil
	case *templates.DateTime:
		return w.text(b, isoFormat(v)), nil
	case *templates.Undefined:
		return nil, v.Err()
	case templates.Mapping:
		return w.dict(b, v, depth)
	case templates.Callable, *templates.Set:
	case templates.OmitType:
		return w.text(b, text(v)), nil
	case templates.Sequence:
		return w.elems(b, elemsOf(v), depth)
	}
	return nil, raise(templates.TypeError, "Object of type %s is not JSON serializable", v.Type())
}

func isoFormat(d *templates.DateTime) string { return strings.Replace(text(d), " ", "T", 1) }

func (w *jsonStyle) float(b []byte, v templates.Float) ([]byte, error) {
	s := text(v)
	switch f := float64(v); {
	case math.IsNaN(f):
		s = "NaN"
	case math.IsInf(f, 1):
		s = "Infinity"
	case math.IsInf(f, -1):
		s = "-Infinity"
	default:
		return append(b, s...), nil
	}
	if w.noNaN {
		return nil, raise(templates.ValueError, "Out of range float values are not JSON compliant")
	}
	return append(b, s...), nil
}

func (w *jsonStyle) newline(b []byte, depth int) []byte {
	if !w.pretty {
		return b
	}
	b = append(b, '\n')
	for range depth {
		b = append(b, w.indent...)
	}
	return b
}

func (w *jsonStyle) elems(b []byte, elems []value, depth int) ([]byte, error) {
	if len(elems) == 0 {
		return append(b, "[]"...), nil
	}
	b = append(b, '[')
	var err error
	for i, e := range elems {
		if i > 0 {
			b = append(b, w.item...)
		}
		if b, err = w.append(w.newline(b, depth+1), e, depth+1); err != nil {
			return nil, err
		}
	}
	return append(w.newline(b, depth), ']'), nil
}

func (w *jsonStyle) dict(b []byte, m templates.Mapping, depth int) ([]byte, error) {
	keys := m.Keys()
	if w.sortKeys && w.byText {
		keys = slices.Clone(keys)
		slices.SortStableFunc(keys, func(x, y value) int {
			a, _ := jsonKey(x)
			b, _ := jsonKey(y)
			return strings.Compare(a, b)
		})
	} else if w.sortKeys {
		for i := 1; i < len(keys); i++ {
			if _, err := templates.Compare(keys[i], keys[i-1]); err != nil {
				return nil, err
			}
		}
		keys = sortedValues(keys)
	}
	b = append(b, '{')
	n := 0
	for _, k := range keys {
		name, ok := jsonKey(k)
		if !ok {
			if w.skipKeys {
				continue
			}
			return nil, raise(templates.TypeError, "keys must be str, int, float, bool or None, not %s", k.Type())
		}
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		if n++; n > 1 {
			b = append(b, w.item...)
		}
		b = append(w.text(w.newline(b, depth+1), name), w.key...)
		if b, err = w.append(b, v, depth+1); err != nil {
			return nil, err
		}
	}
	if n > 0 {
		b = w.newline(b, depth)
	}
	return append(b, '}'), nil
}

func jsonKey(k value) (string, bool) {
	switch k := k.(type) {
	case templates.Str, templates.Markup, templates.Int, *templates.BigInt:
		return text(k), true
	case templates.Float:
		b, _ := (&jsonStyle{}).float(nil, k) // fails only under noNaN
		return string(b), true
	case templates.Bool:
		return strings.ToLower(text(k)), true
	case templates.NoneType:
		return "null", true
	}
	return "", false
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`}

func (w *jsonStyle) text(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		esc, found := jsonEscapes[r]
		switch {
		case found:
			b = append(b, esc...)
		case r < ' ':
			b = fmt.Appendf(b, "\\u%04x", r)
		case r < 0x7f || r == 0x7f && w.unicode:
			b = append(b, byte(r))
		case r == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, "\\u%04x", 0xdc00+rune(s[i]))
		case w.unicode:
			b = append(b, s[i:i+n]...)
		case r >= 0x10000:
			r -= 0x10000
			b = fmt.Appendf(b, "\\u%04x\\u%04x", 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			b = fmt.Appendf(b, "\\u%04x", r)
		}
		i += n
	}
	return append(b, '"')
}

// JSONText is v as Python's json.dumps gives it without options.
func JSONText(v templates.Value) (string, error) {
	b, err := (&jsonStyle{item: ", ", key: ": "}).append(nil, v, 0)
	return string(b), err
}

// jsonText is JSONText, "" where that is an error: for messages.
func jsonText(v value) string {
	s, err := JSONText(v)
	if err != nil {
		return ""
	}
	return s
}
