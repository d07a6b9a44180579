package templates

// This file writes JSON, in the order of the keys, and converts to and from
// Go's values.

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends v as compact JSON in Python's json.dumps form with
// separators (',', ':'), keys in order; Undefined and functions are errors.
func AppendJSON(b []byte, v Value) (out []byte, err error) {
	defer catch(&err)
	w := jsonWriter{itemSep: ",", keySep: ":"}
	return w.append(b, v, 0), nil
}

// AppendSpacedJSON is AppendJSON with the separators that json.dumps has of
// itself: (', ', ': ').
func AppendSpacedJSON(b []byte, v Value) (out []byte, err error) {
	defer catch(&err)
	w := jsonWriter{itemSep: ", ", keySep: ": "}
	return w.append(b, v, 0), nil
}

// jsonWriter writes JSON as Python's json.dumps.
type jsonWriter struct {
	itemSep, keySep string
	indent          string // "" for one line
	pretty          bool
	sortKeys        bool
}

func (w *jsonWriter) append(b []byte, v Value, depth int) []byte {
	if depth > maxDepth*5 {
		throw(ValueError, "Circular reference detected")
	}
	boundText(b)
	switch v := v.(type) {
	case nil, NoneType:
		return append(b, "null"...)
	case Bool:
		return strconv.AppendBool(b, bool(v))
	case Int, *BigInt:
		return appendStr(b, v, Current)
	case Float:
		s := StrOf(v, Current)
		switch s {
		case "nan":
			s = "NaN"
		case "inf":
			s = "Infinity"
		case "-inf":
			s = "-Infinity"
		}
		return append(b, s...)
	case Str:
		return appendJSONText(b, string(v))
	case Markup:
		return appendJSONText(b, string(v))
	case OmitType:
		return appendJSONText(b, StrOf(v, Current))
	case *List:
		return w.elems(b, v.Elems, depth)
	case Tuple:
		return w.elems(b, v, depth)
	case Mapping:
		return w.dict(b, toDict(v), depth)
	case *Undefined:
		failAnsible(v)
	case rangeValue, dictView, *namespace:
	case Sequence:
		elems := make([]Value, v.Len())
		for i := range elems {
			elems[i] = v.Index(i)
		}
		return w.elems(b, elems, depth)
	}
	throw(TypeError, "Object of type %s is not JSON serializable", pyType(v))
	return nil
}

func (w *jsonWriter) newline(b []byte, depth int) []byte {
	if !w.pretty {
		return b
	}
	b = append(b, '\n')
	for range depth {
		b = append(b, w.indent...)
	}
	return b
}

func (w *jsonWriter) elems(b []byte, elems []Value, depth int) []byte {
	b = append(b, '[')
	for i, e := range elems {
		if i > 0 {
			b = append(b, w.itemSep...)
		}
		b = w.append(w.newline(b, depth+1), e, depth+1)
	}
	if len(elems) > 0 {
		b = w.newline(b, depth)
	}
	return append(b, ']')
}

func (w *jsonWriter) dict(b []byte, d *Dict, depth int) []byte {
	keys := d.Keys()
	if w.sortKeys {
		slices.SortStableFunc(keys, func(x, y Value) int { return compare("<", x, y, 0) })
	}
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, w.itemSep...)
		}
		v, _, _ := d.Get(k) // k is a key of d
		b = append(appendJSONText(w.newline(b, depth+1), jsonKey(k)), w.keySep...)
		b = w.append(b, v, depth+1)
	}
	if len(keys) > 0 {
		b = w.newline(b, depth)
	}
	return append(b, '}')
}

func jsonKey(k Value) string {
	switch k := k.(type) {
	case Str, Markup, Int, *BigInt, Float, OmitType:
		return StrOf(k, Current)
	case Bool:
		return strconv.FormatBool(bool(k))
	case NoneType:
		return "null"
	}
	throw(TypeError, "keys must be str, int, float, bool or None, not %s", pyType(k))
	return ""
}

// appendJSONText appends s quoted, in ASCII.
func appendJSONText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c == '\n':
				b = append(b, '\\', 'n')
			case c == '\r':
				b = append(b, '\\', 'r')
			case c == '\t':
				b = append(b, '\\', 't')
			case c == '\f':
				b = append(b, '\\', 'f')
			case c == '\b':
				b = append(b, '\\', 'b')
			case c < ' ' || c == 0x7f:
				b = fmt.Appendf(b, "\\u%04x", c)
			default:
				b = append(b, c)
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, "\\u%04x", 0xdc00+rune(c))
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

// FromGo converts nil, bool, ints, floats, string, []any, []string,
// map[string]any (keys sorted), map[string]string, json.Number and Values.
// Every text becomes a Str; anything else becomes the text that fmt gives it.
func FromGo(v any) Value {
	switch v := v.(type) {
	case nil:
		return None
	case Value:
		return v
	case bool:
		return Bool(v)
	case string:
		return strValue(v)
	case int:
		return Int(v)
	case int64:
		return Int(v)
	case int32:
		return Int(v)
	case uint32:
		return Int(v)
	case uint:
		return NewInt(new(big.Int).SetUint64(uint64(v)))
	case uint64:
		return NewInt(new(big.Int).SetUint64(v))
	case *big.Int:
		return NewInt(v)
	case float64:
		return Float(v)
	case float32:
		return Float(v)
	case json.Number:
		return fromNumber(string(v))
	case []byte:
		return Str(v)
	case []any:
		return fromSlice(v)
	case []string:
		return fromSlice(v)
	case []Value:
		return NewList(v...)
	case map[string]any:
		return fromMap(v)
	case map[string]string:
		return fromMap(v)
	case []map[string]any:
		return fromSlice(v)
	}
	return Str(fmt.Sprint(v))
}

func fromSlice[T any](s []T) Value {
	l := &List{Elems: make([]Value, len(s))}
	for i, e := range s {
		l.Elems[i] = FromGo(e)
	}
	return l
}

func fromMap[T any](m map[string]T) Value {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	d := NewDict(len(m))
	for _, k := range keys {
		d.SetStr(k, FromGo(m[k]))
	}
	return d
}

// ToGo converts a resolved value to nil, bool, int64, *big.Int, float64,
// string, []any and map[string]any; what has no such form becomes its str.
func ToGo(v Value) any { return toGo(v, 0) }

func toGo(v Value, depth int) any {
	if depth > maxDepth*5 {
		return nil // a list that holds itself
	}
	switch v := v.(type) {
	case nil, NoneType:
		return nil
	case Bool:
		return bool(v)
	case Int:
		return int64(v)
	case *BigInt:
		return v.V
	case Float:
		return float64(v)
	case Bytes:
		return string(v)
	case Mapping:
		m := make(map[string]any, v.Len())
		for _, k := range v.Keys() {
			x, _, err := v.Get(k)
			if err == nil {
				m[safeStr(k)] = toGo(x, depth+1)
			}
		}
		return m
	case *Set:
		return toGoSlice(v.Elems(), depth)
	case *List:
		return toGoSlice(v.Elems, depth)
	case Tuple:
		return toGoSlice(v, depth)
	case Sequence:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = toGo(v.Index(i), depth+1)
		}
		return out
	}
	return safeStr(v)
}

func toGoSlice(elems []Value, depth int) any {
	out := make([]any, len(elems))
	for i, e := range elems {
		out[i] = toGo(e, depth+1)
	}
	return out
}

// safeStr is str(v), "" where v refuses.
func safeStr(v Value) (s string) {
	if u, ok := v.(*Undefined); ok && u.strict() {
		return ""
	}
	return StrOf(v, Current)
}
