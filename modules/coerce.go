package modules

// This file coerces arguments to an option's type, with Ansible's messages.

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

var errNoDict = errors.New("dictionary requested, could not parse JSON or key=value")

// coerce converts v, which is not nil, to type t. env is for paths.
func coerce(t Type, v any, env map[string]string) (any, error) {
	v = normalise(v)
	switch t {
	case Str, "":
		return pyStr(v), nil
	case Bool:
		return coerceBool(v)
	case Int:
		return toInt(v)
	case Float:
		return toFloat(v)
	case List:
		return coerceList(v)
	case Dict:
		return coerceDict(v)
	case Path:
		return ExpandPath(pyStr(v), env), nil
	case JSONArg, JSON:
		return coerceJSON(v)
	case Bytes, Bits:
		return toBytes(v, t == Bits)
	}
	return v, nil
}

func coerceBool(v any) (any, error) {
	b, err := ToBool(v)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func toInt(v any) (any, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<62 {
			return int64(v), nil
		}
	case string:
		digits := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		if i, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return i, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be converted to an int", pyType(v))
}

func toFloat(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be converted to a float", pyType(v))
}

func coerceList(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case string:
		return toList(strings.Split(v, ",")), nil
	case int64, float64:
		return []any{pyStr(v)}, nil
	case bool:
		return []any{pyStr(v)}, nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a list", pyType(v))
}

func coerceDict(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case string:
		return parseDict(v)
	}
	return nil, fmt.Errorf("%s cannot be converted to a dict", pyType(v))
}

// parseDict reads a dict from text: JSON, Python's notation, or k=v words with commas or blanks
// between them.
func parseDict(s string) (any, error) {
	if t := strings.TrimSpace(s); strings.HasPrefix(t, "{") {
		if m, err := decodeJSON(t); err == nil {
			if m, ok := m.(map[string]any); ok {
				return m, nil
			}
		}
		if m, ok := pyLiteral(t); ok {
			if m, ok := m.(map[string]any); ok {
				return m, nil
			}
		}
		return nil, errors.New("unable to evaluate string as dictionary")
	}
	if !strings.Contains(s, "=") {
		return nil, errNoDict
	}
	m := make(map[string]any)
	for _, word := range splitWords(s) {
		k, val, ok := strings.Cut(word, "=")
		if !ok {
			return nil, errNoDict
		}
		m[k] = val
	}
	return m, nil
}

// splitWords splits at commas and blanks outside quotes, and drops the quotes.
func splitWords(s string) []string {
	var words []string
	var cur strings.Builder
	var quote rune
	escaped := false
	flush := func() {
		if w := strings.TrimSpace(cur.String()); w != "" {
			words = append(words, w)
		}
		cur.Reset()
	}
	for _, r := range s {
		switch {
		case escaped:
			cur.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote == 0 && (r == ',' || r == ' '):
			flush()
		default:
			cur.WriteRune(r)
		}
	}
	flush()
	return words
}

func coerceJSON(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case []any, map[string]any:
		return JSONText(v), nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a json string", pyType(v))
}

// JSONText is what Python's json.dumps writes: a blank behind , and :, and
// \u escapes for all that is not ASCII.
func JSONText(v any) string {
	switch v := normalise(v).(type) {
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = JSONText(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range sortedKeys(v) {
			parts = append(parts, JSONText(k)+": "+JSONText(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case float64:
		return pyFloat(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return "null"
		}
		return escapeJSON(b)
	}
}

// escapeJSON writes Go's JSON as Python's: <, > and & are plain, and what is
// not ASCII has \u escapes, as surrogates beyond the first plane.
func escapeJSON(text []byte) string {
	var b strings.Builder
	for _, r := range plainJSON.Replace(string(text)) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

var plainJSON = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\\`, `\\`)

func decodeJSON(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return normaliseDeep(v), nil
}

var sizeForm = regexp.MustCompile(`(?i)^\s*([0-9]*\.?[0-9]*)\s*([a-z]*)\s*$`)

// toBytes converts 10M, 1.5 GB, or with bits 10Mb, to a count of bytes (or bits).
func toBytes(v any, bits bool) (any, error) {
	kind := "Byte"
	if bits {
		kind = "Bit"
	}
	wrong := fmt.Errorf("%s cannot be converted to a %s value", pyType(v), kind)
	m := sizeForm.FindStringSubmatch(pyStr(v))
	if m == nil {
		return nil, wrong
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil, wrong
	}
	if m[2] == "" {
		return int64(n), nil
	}
	power := strings.IndexByte("BKMGTPEZY", strings.ToUpper(m[2])[0])
	if power < 0 || !unitFits(m[2], bits) {
		return nil, wrong
	}
	return int64(math.Round(n * math.Pow(1024, float64(power)))), nil
}

// unitFits says whether the unit's end agrees: B or byte, b or bit.
func unitFits(unit string, bits bool) bool {
	rest := unit[1:]
	if strings.EqualFold(unit[:1], "b") {
		rest = unit
	}
	switch rest {
	case "":
		return true
	case "B":
		return !bits
	case "b":
		return bits
	}
	if bits {
		return strings.EqualFold(rest, "bit") || strings.EqualFold(rest, "bits")
	}
	return strings.EqualFold(rest, "byte") || strings.EqualFold(rest, "bytes")
}
