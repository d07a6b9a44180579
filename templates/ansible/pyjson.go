package ansible

// This file reads JSON as Python's json.loads: NaN and Infinity are numbers,
// and errors are JSONDecodeError's (https://docs.python.org/3/library/json.html).

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gorun/templates"
)

type jsonReader struct {
	s   string
	pos int
}

// parseJSON decodes a text; every text in it is a Str.
func parseJSON(s string) (v value, err error) {
	if strings.HasPrefix(s, "\ufeff") {
		return nil, (&jsonReader{s: s}).fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	r := &jsonReader{s: s}
	r.space()
	if v, err = r.value(0); err != nil {
		return nil, err
	}
	if r.space(); r.pos != len(s) {
		return nil, r.fail("Extra data", r.pos)
	}
	return v, nil
}

// fail is Python's JSONDecodeError at byte pos.
func (r *jsonReader) fail(msg string, pos int) error {
	before := r.s[:min(pos, len(r.s))]
	line := strings.Count(before, "\n") + 1
	col := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return raise("JSONDecodeError", "%s: line %d column %d (char %d)", msg, line, col, utf8.RuneCountInString(before))
}

func (r *jsonReader) space() {
	for r.pos < len(r.s) && strings.IndexByte(" \t\n\r", r.s[r.pos]) >= 0 {
		r.pos++
	}
}

var jsonWords = []struct {
	word string
	v    value
}{
	{"null", templates.None}, {"true", templates.Bool(true)}, {"false", templates.Bool(false)},
	{"NaN", templates.Float(math.NaN())}, {"Infinity", templates.Float(math.Inf(1))}, {"-Infinity", templates.Float(math.Inf(-1))},
}

func (r *jsonReader) value(depth int) (value, error) {
	if depth > maxJSONDepth {
		return nil, raise(templates.RecursionError, "maximum recursion depth exceeded while decoding a JSON array from a unicode string")
	}
	if r.pos >= len(r.s) {
		return nil, r.fail("Expecting value", r.pos)
	}
	switch r.s[r.pos] {
	case '"':
		s, err := r.text()
		return str(s), err
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	}
	for _, w := range jsonWords {
		if strings.HasPrefix(r.s[r.pos:], w.word) {
			r.pos += len(w.word)
			return w.v, nil
		}
	}
	return r.number()
}

func (r *jsonReader) digits(at int) int {
	for at < len(r.s) && r.s[at] >= '0' && r.s[at] <= '9' {
		at++
	}
	return at
}

func (r *jsonReader) number() (value, error) {
	start := r.pos
	at := start
	if r.s[at] == '-' {
		at++
	}
	end := r.digits(at)
	if end == at {
		return nil, r.fail("Expecting value", start)
	}
	if r.s[at] == '0' {
		end = at + 1
	}
	whole := true
	if end < len(r.s) && r.s[end] == '.' {
		if e := r.digits(end + 1); e > end+1 {
			end, whole = e, false
		}
	}
	if end < len(r.s) && (r.s[end] == 'e' || r.s[end] == 'E') {
		from := end + 1
		if from < len(r.s) && (r.s[from] == '+' || r.s[from] == '-') {
			from++
		}
		if e := r.digits(from); e > from {
			end, whole = e, false
		}
	}
	r.pos = end
	num := r.s[start:end]
	if whole {
		i, _ := new(big.Int).SetString(num, 10) // digits only
		return templates.NewInt(i), nil
	}
	f, _ := strconv.ParseFloat(num, 64) // beyond the range: an infinity, as in Python
	return templates.Float(f), nil
}

func (r *jsonReader) array(depth int) (value, error) {
	r.pos++
	out := templates.NewList()
	r.space()
	if r.pos < len(r.s) && r.s[r.pos] == ']' {
		r.pos++
		return out, nil
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out.Elems = append(out.Elems, v)
		r.space()
		switch {
		case r.pos < len(r.s) && r.s[r.pos] == ',':
			r.pos++
			r.space()
		case r.pos < len(r.s) && r.s[r.pos] == ']':
			r.pos++
			return out, nil
		default:
			return nil, r.fail("Expecting ',' delimiter", r.pos)
		}
	}
}

func (r *jsonReader) object(depth int) (value, error) {
	r.pos++
	out := templates.NewDict(0)
	r.space()
	if r.pos < len(r.s) && r.s[r.pos] == '}' {
		r.pos++
		return out, nil
	}
	for {
		if r.pos >= len(r.s) || r.s[r.pos] != '"' {
			return nil, r.fail("Expecting property name enclosed in double quotes", r.pos)
		}
		k, err := r.text()
		if err != nil {
			return nil, err
		}
		if r.space(); r.pos >= len(r.s) || r.s[r.pos] != ':' {
			return nil, r.fail("Expecting ':' delimiter", r.pos)
		}
		r.pos++
		r.space()
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out.SetStr(k, v)
		r.space()
		switch {
		case r.pos < len(r.s) && r.s[r.pos] == ',':
			r.pos++
			r.space()
		case r.pos < len(r.s) && r.s[r.pos] == '}':
			r.pos++
			return out, nil
		default:
			return nil, r.fail("Expecting ',' delimiter", r.pos)
		}
	}
}

// text reads a string; r is at its quote.
func (r *jsonReader) text() (string, error) {
	begin := r.pos
	r.pos++
	var b strings.Builder
	for {
		if r.pos >= len(r.s) {
			return "", r.fail("Unterminated string starting at", begin)
		}
		switch c := r.s[r.pos]; {
		case c == '"':
			r.pos++
			return b.String(), nil
		case c < ' ':
			return "", r.fail("Invalid control character at", r.pos)
		case c == '\\':
			if err := r.escape(&b, begin); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			r.pos++
		}
	}
}

func (r *jsonReader) escape(b *strings.Builder, begin int) error {
	if r.pos+1 >= len(r.s) {
		return r.fail("Unterminated string starting at", begin)
	}
	c := r.s[r.pos+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		r.pos += 2
		return nil
	}
	if c != 'u' {
		return r.fail("Invalid \\escape", r.pos)
	}
	u, err := r.hex(r.pos + 2)
	if err != nil {
		return err
	}
	r.pos += 6
	if utf16.IsSurrogate(u) && strings.HasPrefix(r.s[r.pos:], `\u`) {
		if low, err := r.hex(r.pos + 2); err == nil {
			if full := utf16.DecodeRune(u, low); full != utf8.RuneError {
				u = full
				r.pos += 6
			}
		}
	}
	b.WriteRune(u)
	return nil
}

func (r *jsonReader) hex(at int) (rune, error) {
	if at+4 <= len(r.s) {
		if n, err := strconv.ParseUint(r.s[at:at+4], 16, 32); err == nil {
			return rune(n), nil
		}
	}
	return 0, r.fail("Invalid \\uXXXX escape", at-1)
}

// ParseJSON reads JSON as Python's json.loads does; an error has its words.
func ParseJSON(s string) (templates.Value, error) { return parseJSON(s) }
