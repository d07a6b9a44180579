package modules

// This file reads Python's notation of data ({'a': [1, None, 'x']}), which
// dict arguments may come in.

import (
	"strconv"
	"strings"
)

// maxLiteralDepth bounds how deep lists and dicts may nest.
const maxLiteralDepth = 100

// pyLiteral reads one value; the whole text must be used.
func pyLiteral(s string) (any, bool) {
	p := &literalParser{s: s}
	v, ok := p.value(0)
	p.blanks()
	return v, ok && p.s == ""
}

type literalParser struct{ s string }

func (p *literalParser) blanks() { p.s = strings.TrimLeft(p.s, " \t\r\n") }

func (p *literalParser) take(c byte) bool {
	p.blanks()
	if p.s == "" || p.s[0] != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

func (p *literalParser) value(depth int) (any, bool) {
	p.blanks()
	if p.s == "" || depth > maxLiteralDepth {
		return nil, false
	}
	switch p.s[0] {
	case '{':
		return p.dict(depth)
	case '[':
		p.s = p.s[1:]
		return p.list(']', depth)
	case '(':
		p.s = p.s[1:]
		return p.list(')', depth)
	case '\'', '"':
		return p.str()
	}
	return p.atom()
}

func (p *literalParser) list(end byte, depth int) (any, bool) {
	list := []any{}
	for !p.take(end) {
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
		if !p.take(',') {
			return list, p.take(end)
		}
	}
	return list, true
}

func (p *literalParser) dict(depth int) (any, bool) {
	p.s = p.s[1:]
	m := map[string]any{}
	for !p.take('}') {
		k, ok := p.value(depth + 1)
		if !ok || !p.take(':') {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		m[pyStr(k)] = v
		if !p.take(',') {
			return m, p.take('}')
		}
	}
	return m, true
}

func (p *literalParser) str() (any, bool) {
	quote := p.s[0]
	for i := 1; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
		case quote:
			body := p.s[1:i]
			p.s = p.s[i+1:]
			return unescape(body)
		}
	}
	return nil, false
}

// unescape resolves the escapes of a Python string; one that is unknown stays.
func unescape(s string) (any, bool) {
	var b strings.Builder
	for s != "" {
		if s[0] != '\\' {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if r, _, rest, err := strconv.UnquoteChar(s, 0); err == nil {
			b.WriteRune(r)
			s = rest
			continue
		}
		if len(s) > 1 && (s[1] == '\'' || s[1] == '"') {
			b.WriteByte(s[1])
			s = s[2:]
			continue
		}
		b.WriteByte('\\')
		s = s[1:]
	}
	return b.String(), true
}

func (p *literalParser) atom() (any, bool) {
	end := strings.IndexAny(p.s, ",:]}) \t\r\n")
	if end < 0 {
		end = len(p.s)
	}
	word := p.s[:end]
	p.s = p.s[end:]
	switch word {
	case "None":
		return nil, true
	case "True":
		return true, true
	case "False":
		return false, true
	}
	if i, err := strconv.ParseInt(word, 0, 64); err == nil {
		return i, true
	}
	if f, err := strconv.ParseFloat(word, 64); err == nil {
		return f, true
	}
	return nil, false
}
