package templates

// This file writes values as Python's str and repr do.

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep values and templates may nest.
const maxDepth = 200

// StrOf is Python's str(v); era Era19 gives Python 2's.
func StrOf(v Value, era Era) string {
	switch v := v.(type) {
	case Str:
		return string(v)
	case Markup:
		return string(v)
	case Int:
		return strconv.FormatInt(int64(v), 10)
	}
	return string(appendStr(nil, v, era))
}

// Repr is Python's repr(v); era Era19 gives Python 2's ([u'a']).
func Repr(v Value, era Era) string {
	p := reprer{era: era}
	return string(p.append(nil, v))
}

// appendStr appends str(v).
func appendStr(b []byte, v Value, era Era) []byte {
	switch v := v.(type) {
	case Str:
		return append(b, v...)
	case Markup:
		return append(b, v...)
	case Int:
		return strconv.AppendInt(b, int64(v), 10)
	case *Undefined:
		return append(b, v.text()...)
	case *Text:
		return append(b, v.Src...)
	case OmitType:
		return append(b, "__omit_place_holder__"...)
	case Float:
		if era == Era19 {
			return appendFloat19(b, float64(v))
		}
	case *DateTime:
		return append(b, v.String()...)
	case TimeDelta:
		return append(b, v.String()...)
	case *loopContext:
		return append(b, v.repr()...)
	case *moduleValue:
		return append(b, v.body...)
	}
	p := reprer{era: era}
	return p.append(b, v)
}

// reprer writes reprs; seen are the containers that it is inside of.
type reprer struct {
	era  Era
	seen []Value
}

func (p *reprer) append(b []byte, v Value) []byte {
	switch v := v.(type) {
	case nil, NoneType:
		return append(b, "None"...)
	case Bool:
		if v {
			return append(b, "True"...)
		}
		return append(b, "False"...)
	case Int:
		return strconv.AppendInt(b, int64(v), 10)
	case *BigInt:
		if n := v.V.BitLen(); n > 14286 || n > 14282 && len(new(big.Int).Abs(v.V).Text(10)) > 4300 { // Python's limit of digits
			throw(ValueError, "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit")
		}
		return v.V.Append(b, 10)
	case Float:
		return appendFloat(b, float64(v))
	case Str:
		if p.era == Era19 {
			return appendQuoted(append(b, 'u'), string(v), true)
		}
		return appendQuoted(b, string(v), false)
	case Markup:
		return append(appendQuoted(append(b, "Markup("...), string(v), p.era == Era19), ')')
	case *Text:
		return appendQuoted(b, v.Src, p.era == Era19)
	case Bytes:
		return appendBytes(append(b, 'b'), v)
	case *Undefined:
		if v.Kind == AnsibleUndefined {
			panic(v.Err())
		}
		return append(b, "Undefined"...)
	case OmitType:
		return append(b, "'__omit_place_holder__'"...)
	case elided:
		return append(b, v...)
	case *DateTime:
		return append(b, v.repr()...)
	case TimeDelta:
		return append(b, v.repr()...)
	}
	return p.appendContainer(b, v)
}

// noAddress stands where Python shows where an object lies in memory.
const noAddress = " at 0x7f0000000000"

// maxText bounds the text of one value.
const maxText = 64 << 20

// boundText throws where a text that is made of a value has become too long,
// as that of a value does which is shared at every level.
func boundText(b []byte) {
	if len(b) > maxText {
		throw(OverflowError, "the text of a value has more than %d bytes", maxText)
	}
}

func (p *reprer) appendContainer(b []byte, v Value) []byte {
	boundText(b)
	if len(p.seen) > maxDepth {
		throw(RecursionError, "maximum recursion depth exceeded while getting the repr of an object")
	}
	switch v.(type) {
	case *List, *Dict, *namespace:
		for _, s := range p.seen {
			if s == v {
				return append(b, cyclic(v)...)
			}
		}
	}
	if _, ok := v.(Tuple); ok {
		p.seen = append(p.seen, nil)
	} else {
		p.seen = append(p.seen, v)
	}
	b = p.appendInside(b, v)
	p.seen = p.seen[:len(p.seen)-1]
	return b
}

func (p *reprer) appendInside(b []byte, v Value) []byte {
	switch v := v.(type) {
	case *List:
		return append(p.appendElems(append(b, '['), v.Elems), ']')
	case Tuple:
		b = p.appendElems(append(b, '('), v)
		if len(v) == 1 {
			b = append(b, ',')
		}
		return append(b, ')')
	case *Set:
		if v.d.Len() == 0 {
			return append(b, "set()"...)
		}
		return append(p.appendElems(append(b, '{'), v.Elems()), '}')
	case dictView:
		return append(p.appendElems(append(append(b, v.Type()...), "(["...), v.elems()), "])"...)
	case *Dict:
		b = append(b, '{')
		first := true
		for k, x := range v.All {
			if !first {
				b = append(b, ", "...)
			}
			first = false
			b = p.append(append(p.append(b, k), ": "...), x)
		}
		return append(b, '}')
	case *namespace:
		return append(p.append(append(b, "<Namespace "...), v.attrs), '>')
	case interface{ repr() string }:
		return append(b, v.repr()...)
	case Mapping:
		return p.append(b, toDict(v))
	case Sequence:
		elems := make([]Value, v.Len())
		for i := range elems {
			elems[i] = v.Index(i)
		}
		return append(p.appendElems(append(b, '['), elems), ']')
	}
	return append(append(append(b, '<'), objectRepr(v)...), noAddress+">"...)
}

func (p *reprer) appendElems(b []byte, elems []Value) []byte {
	for i, e := range elems {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = p.append(b, e)
	}
	return b
}

func cyclic(v Value) string {
	switch v.(type) {
	case *List:
		return "[...]"
	case *namespace:
		return "<Namespace ...>"
	}
	return "{...}"
}

// toDict copies any mapping.
func toDict(m Mapping) *Dict {
	if d, ok := m.(*Dict); ok {
		return d
	}
	keys := m.Keys()
	d := NewDict(len(keys))
	for _, k := range keys {
		x, ok, err := m.Get(k)
		check(err)
		if ok {
			check(d.Set(k, x))
		}
	}
	return d
}

// appendFloat appends Python's repr of a float.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	abs := math.Abs(f)
	if abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	n := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	for _, c := range b[n:] {
		if c == '.' {
			return b
		}
	}
	return append(b, ".0"...)
}

// appendFloat19 appends Python 2's str of a float, which has 12 digits.
func appendFloat19(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendFloat(b, f)
	}
	s := formatG(f, 12, false, false)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return append(b, s...)
}

// appendQuoted appends Python's repr of a text; asciiOnly is Python 2's.
func appendQuoted(b []byte, s string, asciiOnly bool) []byte {
	quote := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		quote = '"'
	}
	b = append(b, quote)
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			b = appendQuotedByte(b, c, quote)
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = appendEscape(b, 0xdc00+rune(c))
		case asciiOnly || !unicode.IsPrint(r):
			b = appendEscape(b, r)
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return append(b, quote)
}

func appendQuotedByte(b []byte, c, quote byte) []byte {
	switch {
	case c == quote || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, '\\', 'n')
	case c == '\r':
		return append(b, '\\', 'r')
	case c == '\t':
		return append(b, '\\', 't')
	case c < ' ' || c == 0x7f:
		return appendEscape(b, rune(c))
	}
	return append(b, c)
}

func appendEscape(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	digits := 8
	switch {
	case r < 0x100:
		b, digits = append(b, '\\', 'x'), 2
	case r < 0x10000:
		b, digits = append(b, '\\', 'u'), 4
	default:
		b = append(b, '\\', 'U')
	}
	for d := digits - 1; d >= 0; d-- {
		b = append(b, hex[(r>>(4*d))&15])
	}
	return b
}

func appendBytes(b []byte, s Bytes) []byte {
	quote := byte('\'')
	if strings.IndexByte(string(s), '\'') >= 0 && strings.IndexByte(string(s), '"') < 0 {
		quote = '"'
	}
	b = append(b, quote)
	for _, c := range s {
		if c >= 0x80 {
			b = appendEscape(b, rune(c))
		} else {
			b = appendQuotedByte(b, c, quote)
		}
	}
	return append(b, quote)
}

// String is Python's str of a date or time.
func (d *DateTime) String() string {
	if d.DateOnly {
		return d.T.Format("2006-01-02")
	}
	layout := "2006-01-02 15:04:05"
	if d.T.Nanosecond()/1000 != 0 {
		layout += ".000000"
	}
	if !d.Naive {
		layout += "-07:00"
	}
	return d.T.Format(layout)
}

func (d *DateTime) repr() string {
	t := d.T
	parts := []int{t.Year(), int(t.Month()), t.Day()}
	if !d.DateOnly {
		parts = append(parts, t.Hour(), t.Minute())
		if us := t.Nanosecond() / 1000; us != 0 {
			parts = append(parts, t.Second(), us)
		} else if t.Second() != 0 {
			parts = append(parts, t.Second())
		}
	}
	var b strings.Builder
	b.WriteString("datetime." + d.Type() + "(")
	for i, p := range parts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(p))
	}
	if !d.Naive && !d.DateOnly {
		if _, off := t.Zone(); off == 0 {
			b.WriteString(", tzinfo=datetime.timezone.utc")
		} else {
			b.WriteString(", tzinfo=datetime.timezone(" + TimeDelta(time.Duration(off)*time.Second).repr() + ")")
		}
	}
	return b.String() + ")"
}

// split divides d into Python's days, seconds and microseconds.
func (d TimeDelta) split() (days, secs, micros int64) {
	us := int64(time.Duration(d) / time.Microsecond)
	const day = 24 * 3600 * 1000000
	days = us / day
	if us%day < 0 {
		days--
	}
	us -= days * day
	return days, us / 1000000, us % 1000000
}

// String is Python's str of a duration: "1 day, 2:03:04".
func (d TimeDelta) String() string {
	days, secs, us := d.split()
	s := ""
	if days != 0 {
		s = strconv.FormatInt(days, 10) + " day"
		if days != 1 && days != -1 {
			s += "s"
		}
		s += ", "
	}
	s += strconv.FormatInt(secs/3600, 10) + ":" + pad(int(secs/60%60), 2) + ":" + pad(int(secs%60), 2)
	if us != 0 {
		s += "." + pad(int(us), 6)
	}
	return s
}

func (d TimeDelta) repr() string {
	days, secs, us := d.split()
	var parts []string
	for _, p := range []struct {
		name string
		n    int64
	}{{"days", days}, {"seconds", secs}, {"microseconds", us}} {
		if p.n != 0 {
			parts = append(parts, p.name+"="+strconv.FormatInt(p.n, 10))
		}
	}
	if parts == nil {
		return "datetime.timedelta(0)"
	}
	return "datetime.timedelta(" + strings.Join(parts, ", ") + ")"
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(width-len(s), 0)) + s
}
