package inventory

// This file reads Python literals, as which the values of an INI inventory are
// taken where they are any (https://docs.python.org/3/library/ast.html#ast.literal_eval).

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gorun/templates"
)

// literal returns the value of a Python literal; false where s is none. Text
// inside becomes what text makes of it.
func literal(s string, text func(string) templates.Value) (templates.Value, bool) {
	p := &literalParser{src: strings.TrimLeft(s, " \t"), text: text}
	v, ok := p.top()
	return v, ok
}

// maxLiteralDepth bounds nesting, as Python's parser does.
const maxLiteralDepth = 90

type literalParser struct {
	src   string
	pos   int
	depth int
	text  func(string) templates.Value
}

// top parses the whole: one value, or a tuple without its parentheses.
func (p *literalParser) top() (templates.Value, bool) {
	v, ok := p.value()
	if !ok {
		return nil, false
	}
	p.space()
	if p.peek() != ',' {
		return v, p.pos == len(p.src)
	}
	elems := templates.Tuple{v}
	for p.peek() == ',' {
		p.pos++
		p.space()
		if p.pos == len(p.src) {
			break
		}
		if v, ok = p.value(); !ok {
			return nil, false
		}
		elems = append(elems, v)
		p.space()
	}
	return elems, p.pos == len(p.src)
}

func (p *literalParser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// space skips blanks, comments and, within brackets, ends of lines.
func (p *literalParser) space() {
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == ' ' || c == '\t' || c == '\f':
			p.pos++
		case (c == '\n' || c == '\r') && (p.depth > 0 || strings.TrimSpace(p.src[p.pos:]) == ""):
			p.pos++
		case c == '#':
			for p.pos < len(p.src) && p.src[p.pos] != '\n' {
				p.pos++
			}
		default:
			return
		}
	}
}

func (p *literalParser) value() (templates.Value, bool) {
	p.space()
	switch c := p.peek(); {
	case c == '[':
		elems, ok := p.elems(']')
		return lazyList(elems), ok
	case c == '(':
		return p.paren()
	case c == '{':
		return p.braces()
	case c == '-' || c == '+':
		p.pos++
		p.space()
		return p.number(c == '-')
	case c >= '0' && c <= '9' || c == '.':
		return p.number(false)
	}
	if v, ok := p.name(); ok {
		return v, true
	}
	return p.stringLit()
}

// name parses True, False, None and set().
func (p *literalParser) name() (templates.Value, bool) {
	end := p.pos
	for end < len(p.src) && isWordByte(p.src[end]) {
		end++
	}
	var v templates.Value
	switch p.src[p.pos:end] {
	case "True":
		v = templates.Bool(true)
	case "False":
		v = templates.Bool(false)
	case "None":
		v = templates.None
	case "set":
		rest := strings.ReplaceAll(p.src[end:], " ", "")
		if rest != "()" {
			return nil, false
		}
		p.pos = len(p.src)
		return templates.NewList(), true
	default:
		return nil, false
	}
	p.pos = end
	return v, true
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

var (
	intRE   = regexp.MustCompile(`^(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?0)*|[1-9](?:_?[0-9])*)`)
	floatRE = regexp.MustCompile(`^(?:(?:[0-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*|[0-9](?:_?[0-9])*\.?)(?:[eE][-+]?[0-9](?:_?[0-9])*)?`)
)

func (p *literalParser) number(negative bool) (templates.Value, bool) {
	rest := p.src[p.pos:]
	i, f := intRE.FindString(rest), floatRE.FindString(rest)
	isFloat := len(f) > len(i)
	if isFloat {
		i = f
	}
	if i == "" {
		return nil, false
	}
	if end := len(i); end < len(rest) && (isWordByte(rest[end]) || rest[end] == '.') {
		return nil, false
	}
	p.pos += len(i)
	if isFloat {
		digits := strings.ReplaceAll(i, "_", "")
		if !strings.ContainsAny(digits, ".eE") {
			return nil, false // 0644: leading zeros are no int
		}
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil && n == 0 {
			return nil, false
		}
		if negative {
			n = -n
		}
		return templates.Float(n), true
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(i, "_", ""), 0)
	if !ok {
		n = new(big.Int) // 00 and its like
	}
	if negative {
		n.Neg(n)
	}
	if n.IsInt64() {
		return templates.Int(n.Int64()), true
	}
	return &templates.BigInt{V: n}, true
}

// elems parses values up to the closing bracket.
func (p *literalParser) elems(end byte) ([]templates.Value, bool) {
	if p.depth++; p.depth > maxLiteralDepth {
		return nil, false
	}
	defer func() { p.depth-- }()
	p.pos++
	var list []templates.Value
	for {
		p.space()
		if p.peek() == end {
			p.pos++
			return list, true
		}
		v, ok := p.value()
		if !ok {
			return nil, false
		}
		list = append(list, v)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case end:
		default:
			return nil, false
		}
	}
}

// paren parses a tuple, or a value in parentheses.
func (p *literalParser) paren() (templates.Value, bool) {
	start := p.pos
	elems, ok := p.elems(')')
	if !ok {
		return nil, false
	}
	if len(elems) != 1 {
		return templates.Tuple(elems), true
	}
	inner := strings.TrimRight(p.src[start:p.pos-1], " \t\r\n")
	if strings.HasSuffix(inner, ",") {
		return templates.Tuple(elems), true
	}
	return elems[0], true
}

// braces parses a dict or a set; a set becomes a list, its elements once each.
func (p *literalParser) braces() (templates.Value, bool) {
	if p.depth++; p.depth > maxLiteralDepth {
		return nil, false
	}
	defer func() { p.depth-- }()
	p.pos++
	dict, set := templates.NewDict(0), templates.NewDict(0)
	for {
		p.space()
		if p.peek() == '}' {
			p.pos++
			break
		}
		k, ok := p.value()
		if !ok {
			return nil, false
		}
		p.space()
		into, v := set, templates.Value(templates.None)
		if p.peek() == ':' {
			p.pos++
			if v, ok = p.value(); !ok {
				return nil, false
			}
			into = dict
			dict.Lazy = dict.Lazy || templates.IsLazy(v)
		}
		if _, isText := k.(*templates.Text); isText || into.Set(k, v) != nil {
			return nil, false
		}
		p.space()
		if c := p.peek(); c == ',' {
			p.pos++
		} else if c != '}' {
			return nil, false
		}
	}
	if set.Len() == 0 {
		return dict, true
	}
	return templates.NewList(set.Keys()...), dict.Len() == 0
}

// stringLit parses strings; those that stand side by side are one.
func (p *literalParser) stringLit() (templates.Value, bool) {
	var b strings.Builder
	n := 0
	for ; ; n++ {
		p.space()
		if !p.oneString(&b) {
			break
		}
	}
	if n == 0 || p.pos < 0 {
		return nil, false
	}
	return p.text(b.String()), true
}

var stringStart = regexp.MustCompile(`^(?:[rR]?[bB]?|[bB][rR]|[uU])("""|'''|"|')`)

// oneString appends one string literal to b; a broken one sets p.pos to -1.
func (p *literalParser) oneString(b *strings.Builder) bool {
	if p.pos < 0 {
		return false
	}
	m := stringStart.FindStringSubmatch(p.src[p.pos:])
	if m == nil {
		return false
	}
	prefix, quote := strings.TrimSuffix(m[0], m[1]), m[1]
	raw := strings.ContainsAny(prefix, "rR")
	i := p.pos + len(m[0])
	for i < len(p.src) {
		rest := p.src[i:]
		switch {
		case strings.HasPrefix(rest, quote):
			p.pos = i + len(quote)
			return true
		case rest[0] == '\n' && len(quote) == 1:
			p.pos = -1
			return false
		case rest[0] == '\\' && len(rest) > 1:
			n, ok := 2, true
			if raw {
				b.WriteString(rest[:2])
			} else if n, ok = unescape(b, rest); !ok {
				p.pos = -1
				return false
			}
			i += n
		default:
			b.WriteByte(rest[0])
			i++
		}
	}
	p.pos = -1
	return false
}

var simpleEscapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b",
	'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape writes the escape at the start of s and returns its length; false
// where Python refuses it.
func unescape(b *strings.Builder, s string) (n int, ok bool) {
	if r, ok := simpleEscapes[s[1]]; ok {
		b.WriteString(r)
		return 2, true
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits > 0 {
		if len(s) < 2+digits {
			return 0, false
		}
		r, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		if err != nil || r > utf8.MaxRune {
			return 0, false
		}
		b.WriteRune(rune(r))
		return 2 + digits, true
	}
	if s[1] == 'N' {
		return 0, false // names of characters: nobody writes them in an inventory
	}
	end := 1
	for end < len(s) && end < 4 && s[end] >= '0' && s[end] <= '7' {
		end++
	}
	if end > 1 {
		r, _ := strconv.ParseUint(s[1:end], 8, 32) // three octal digits fit
		b.WriteRune(rune(r))
		return end, true
	}
	b.WriteString(s[:2])
	return 2, true
}

func lazyList(elems []templates.Value) *templates.List {
	l := templates.NewList(elems...)
	for _, e := range elems {
		l.Lazy = l.Lazy || templates.IsLazy(e)
	}
	return l
}
