package templates

// This file reads JSON: the results of modules, of which a run decodes one for
// every task, host and item. encoding/json's tokens take five times as long.

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth is how deep lists and dicts may stand in each other.
const maxJSONDepth = 1000

// FromJSON decodes JSON, keeping the order of keys. Every text is a Str.
// NaN, Infinity and -Infinity are not JSON and are refused.
func FromJSON(b []byte) (Value, error) {
	if !json.Valid(b) {
		err := json.Unmarshal(b, new(any))
		return nil, fmt.Errorf("cannot read JSON: %w", err)
	}
	r := jsonReader{b: b}
	v := r.value(0)
	if r.err != nil {
		return nil, fmt.Errorf("cannot read JSON: %w", r.err)
	}
	return v, nil
}

// A jsonReader goes through JSON that is known to be valid.
type jsonReader struct {
	b   []byte
	i   int
	err error
}

// next skips what stands between values, and returns the character behind it.
func (r *jsonReader) next() byte {
	for {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			r.i++
		default:
			return c
		}
	}
}

func (r *jsonReader) value(depth int) Value {
	if depth > maxJSONDepth {
		r.err = errors.New("nested too deep")
		return None
	}
	switch r.next() {
	case '{':
		return r.dict(depth)
	case '[':
		return r.list(depth)
	case '"':
		return strValue(r.text())
	case 't':
		r.i += len("true")
		return Bool(true)
	case 'f':
		r.i += len("false")
		return Bool(false)
	case 'n':
		r.i += len("null")
		return None
	}
	return r.number()
}

func (r *jsonReader) dict(depth int) Value {
	d := &Dict{}
	for r.i++; r.err == nil && r.next() != '}'; {
		key := r.text()
		d.SetStr(key, r.value(depth+1))
	}
	r.i++
	return d
}

func (r *jsonReader) list(depth int) Value {
	l := NewList()
	for r.i++; r.err == nil && r.next() != ']'; {
		l.Elems = append(l.Elems, r.value(depth+1))
	}
	r.i++
	return l
}

func (r *jsonReader) number() Value {
	begin := r.i
	for r.i < len(r.b) && strings.IndexByte("+-.0123456789eE", r.b[r.i]) >= 0 {
		r.i++
	}
	return fromNumber(string(r.b[begin:r.i]))
}

// text reads a text from its opening quote on.
func (r *jsonReader) text() string {
	begin := r.i
	r.i++
	plain := true
	for ; r.b[r.i] != '"'; r.i++ {
		if r.b[r.i] == '\\' {
			plain = false
			r.i++
		}
	}
	r.i++
	quoted := r.b[begin:r.i]
	if inner := quoted[1 : len(quoted)-1]; plain && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		r.err = err
	}
	return s
}

// fromNumber is a number as JSON writes it.
func fromNumber(n string) Value {
	if i, err := strconv.ParseInt(n, 10, 64); err == nil {
		return Int(i)
	}
	if !strings.ContainsAny(n, ".eE") {
		if i, ok := new(big.Int).SetString(n, 10); ok {
			return NewInt(i)
		}
	}
	f, _ := strconv.ParseFloat(n, 64) // beyond the range: an infinity, as in Python
	return Float(f)
}
