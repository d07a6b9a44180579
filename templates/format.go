package templates

// This file formats: the % operator
// (https://docs.python.org/3/library/stdtypes.html#printf-style-string-formatting)
// and str.format (https://docs.python.org/3/library/string.html#format-string-syntax).

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWidth bounds the width and precision of a format.
const maxWidth = 1 << 20

// percentFormat is format % arg; markup escapes what is put in.
func (rt *run) percentFormat(format string, arg Value, markup bool) string {
	failAnsible(arg)
	p := percent{rt: rt, format: format, markup: markup}
	if t, ok := arg.(Tuple); ok {
		p.args = t
	} else {
		p.args = []Value{arg}
		switch arg.(type) {
		case Mapping, *List, rangeValue, Bytes, *Undefined:
			p.dict = arg
		}
	}
	p.run()
	if p.next < len(p.args) && p.dict == nil {
		throw(TypeError, "not all arguments converted during string formatting")
	}
	return p.b.String()
}

type percent struct {
	rt     *run
	format string
	i      int
	args   []Value
	next   int
	dict   Value // what has items: it is asked for keys, and need not be used up
	markup bool
	b      strings.Builder
}

func (p *percent) arg() Value {
	if p.next >= len(p.args) {
		throw(TypeError, "not enough arguments for format string")
	}
	p.next++
	return p.args[p.next-1]
}

func (p *percent) run() {
	for p.i < len(p.format) {
		j := strings.IndexByte(p.format[p.i:], '%')
		if j < 0 {
			p.b.WriteString(p.format[p.i:])
			return
		}
		p.b.WriteString(p.format[p.i : p.i+j])
		p.i += j + 1
		p.field()
		p.rt.bound(p.b.Len() / 64)
	}
}

func (p *percent) peek() byte {
	if p.i >= len(p.format) {
		throw(ValueError, "incomplete format")
	}
	return p.format[p.i]
}

func (p *percent) field() {
	if p.peek() == '%' {
		p.i++
		p.b.WriteByte('%')
		return
	}
	var s spec
	s.align = '>'
	if p.peek() == '(' {
		p.args, p.next = []Value{p.key()}, 0
	}
	for strings.IndexByte("#0- +", p.peek()) >= 0 {
		switch c := p.peek(); c {
		case '#':
			s.alt = true
		case '0':
			s.zero = true
		case '-':
			s.align = '<'
		default:
			if s.sign != '+' {
				s.sign = c
			}
		}
		p.i++
	}
	s.width = p.number("width", math.MaxInt64, "ssize_t")
	if s.width < 0 {
		s.align, s.width = '<', -s.width
	}
	s.prec = -1
	if p.peek() == '.' {
		p.i++
		s.prec = max(p.number("precision", math.MaxInt32, "int"), 0)
	}
	for strings.IndexByte("hlL", p.peek()) >= 0 {
		p.i++
	}
	r, n := utf8.DecodeRuneInString(p.format[p.i:])
	at := p.i
	p.i += n
	v := p.arg()
	if !strings.ContainsRune("diouxXeEfFgGcrsa", r) {
		throw(ValueError, "unsupported format character %s (0x%x) at index %d", "'"+string(r)+"'", r, runeLen(p.format[:at]))
	}
	p.b.WriteString(p.rt.formatPercent(byte(r), &s, v, p.markup))
}

func (p *percent) key() Value {
	if p.dict == nil {
		throw(TypeError, "format requires a mapping")
	}
	depth, start := 0, p.i+1
	for ; p.i < len(p.format); p.i++ {
		switch p.format[p.i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if p.i >= len(p.format) {
		throw(ValueError, "incomplete format key")
	}
	name := p.format[start:p.i]
	p.i++
	switch d := p.dict.(type) {
	case Mapping:
		v, ok, err := d.Get(Str(name))
		check(err)
		if !ok {
			throw(KeyError, "%s", Repr(Str(name), Current))
		}
		return p.rt.force(v)
	case *Undefined:
		return p.rt.getitem(d, Str(name))
	case Bytes:
		throw(TypeError, "byte indices must be integers or slices, not str")
	}
	throw(TypeError, "%s indices must be integers or slices, not str", pyType(p.dict))
	return nil
}

// number reads a width or precision, "*" takes it from the arguments. Python
// keeps it in the C type given, whose largest value is limit.
func (p *percent) number(what string, limit int64, ctype string) int {
	if p.peek() == '*' {
		p.i++
		v, ok := toBig(p.arg())
		if !ok {
			throw(TypeError, "* wants int")
		}
		if !v.IsInt64() || max(v.Int64(), -v.Int64()) > limit {
			throw(OverflowError, "Python int too large to convert to C %s", ctype)
		}
		return checkWidth(v.Int64())
	}
	start := p.i
	for isDigit(p.peek()) {
		p.i++
	}
	if start == p.i {
		return 0
	}
	n, err := strconv.ParseInt(p.format[start:p.i], 10, 64)
	if err != nil || n > limit {
		throw(ValueError, "%s too big", what)
	}
	return checkWidth(n)
}

func checkWidth(n int64) int {
	if n > maxWidth || n < -maxWidth {
		throw(OverflowError, "width or precision is too large")
	}
	return int(n)
}

func (rt *run) formatPercent(verb byte, s *spec, v Value, markup bool) string {
	if verb != 'o' && verb != 'x' && verb != 'X' { // those ask for an integer's index, which no undefined value has
		failStrict(v)
	}
	switch verb {
	case 's', 'r', 'a':
		var text string
		switch verb {
		case 's':
			text = StrOf(v, rt.era)
		case 'r':
			text = Repr(v, rt.era)
		default:
			text = asciiRepr(v)
		}
		if markup {
			if _, safe := v.(Markup); !safe || verb != 's' {
				text = escapeHTML(text)
			}
		}
		if s.prec >= 0 {
			text = prefix(text, s.prec)
		}
		return padText(text, s.width, s.align, " ")
	case 'c':
		return padText(formatChar(v), s.width, s.align, " ")
	case 'd', 'i', 'u':
		i := percentInt(v, verb)
		return s.number(i.Sign() < 0, "", minDigits(new(big.Int).Abs(i).String(), s.prec))
	case 'o', 'x', 'X':
		failAnsible(v)
		i, ok := toBig(v)
		if !ok {
			throw(TypeError, "%%%c format: an integer is required, not %s", verb, pyType(v))
		}
		base := map[byte]int{'o': 8, 'x': 16, 'X': 16}[verb]
		digits := minDigits(new(big.Int).Abs(i).Text(base), s.prec)
		pre := ""
		if s.alt {
			pre = "0" + string(verb)
		}
		if verb == 'X' {
			digits = strings.ToUpper(digits)
		}
		return s.number(i.Sign() < 0, pre, digits)
	}
	failUndefined(v)
	f, ok := toFloat(v)
	if !ok {
		throw(TypeError, "must be real number, not %s", pyType(v))
	}
	neg := math.Signbit(f) && !math.IsNaN(f)
	if s.prec < 0 {
		s.prec = 6
	}
	body := formatFloat(math.Abs(f), verb, s.prec, s.alt)
	return s.number(neg, "", body)
}

func minDigits(digits string, prec int) string {
	return strings.Repeat("0", max(prec-len(digits), 0)) + digits
}

func percentInt(v Value, verb byte) *big.Int {
	failUndefined(v)
	if i, ok := toBig(v); ok {
		return i
	}
	if f, ok := v.(Float); ok {
		return floatToInt(float64(f))
	}
	throw(TypeError, "%%%c format: a real number is required, not %s", verb, pyType(v))
	return nil
}

// floatToInt is Python's int(f).
func floatToInt(f float64) *big.Int {
	if math.IsInf(f, 0) {
		throw(OverflowError, "cannot convert float infinity to integer")
	}
	if math.IsNaN(f) {
		throw(ValueError, "cannot convert float NaN to integer")
	}
	i, _ := big.NewFloat(f).Int(nil)
	return i
}

const charRange = "%c arg not in range(0x110000)"

func formatChar(v Value) string {
	if _, ok := v.(*BigInt); ok {
		throw(OverflowError, "%s", charRange)
	}
	if i, ok := toInt(v); ok {
		if i < 0 || i > utf8.MaxRune {
			throw(OverflowError, "%s", charRange)
		}
		return string(rune(i))
	}
	s, ok := textOf(v)
	if !ok || runeLen(s) != 1 {
		throw(TypeError, "%s", "%c requires int or char")
	}
	return s
}

// asciiRepr is Python's ascii(v).
func asciiRepr(v Value) string {
	var b []byte
	for _, r := range Repr(v, Current) {
		if r < 0x80 {
			b = append(b, byte(r))
		} else {
			b = appendEscape(b, r)
		}
	}
	return string(b)
}

// spec is a format specification.
type spec struct {
	fill    string
	align   byte // < > ^ =, 0: the type's
	sign    byte
	alt     bool
	zero    bool
	coerceZ bool // "z": negative zero becomes zero
	width   int
	group   byte // , or _
	prec    int  // -1: none
	verb    byte // 0: none
}

// number joins the parts of a number: sign, prefix, digits, padded by %'s rules.
func (s *spec) number(neg bool, pre, digits string) string {
	sign := s.signText(neg)
	if s.zero && s.align != '<' {
		digits = strings.Repeat("0", max(s.width-len(sign)-len(pre)-runeLen(digits), 0)) + digits
	}
	return padText(sign+pre+digits, s.width, s.align, " ")
}

func (s *spec) signText(neg bool) string {
	switch {
	case neg:
		return "-"
	case s.sign == '+':
		return "+"
	case s.sign == ' ':
		return " "
	}
	return ""
}

func padText(s string, width int, align byte, fill string) string {
	n := width - runeLen(s)
	if n <= 0 {
		return s
	}
	switch align {
	case '>', '=':
		return strings.Repeat(fill, n) + s
	case '^':
		return strings.Repeat(fill, n/2) + s + strings.Repeat(fill, n-n/2)
	}
	return s + strings.Repeat(fill, n)
}

// formatFloat formats f, not negative, by one of e f g and their capitals.
func formatFloat(f float64, verb byte, prec int, alt bool) string {
	upperCase := verb >= 'A' && verb <= 'Z'
	var s string
	switch {
	case math.IsInf(f, 0):
		s = "inf"
	case math.IsNaN(f):
		s = "nan"
	case verb|0x20 == 'f':
		s = strconv.FormatFloat(f, 'f', prec, 64)
		if alt && prec == 0 {
			s += "."
		}
	case verb|0x20 == 'e':
		s = strconv.FormatFloat(f, 'e', prec, 64)
		if alt && prec == 0 {
			s = strings.Replace(s, "e", ".e", 1)
		}
	default:
		s = formatG(f, prec, alt, false)
	}
	if upperCase {
		s = strings.ToUpper(s)
	}
	return s
}

// formatG is %g: prec significant digits, trailing zeros gone unless alt.
// dotZero is repr's way: at least one digit behind the point.
func formatG(f float64, prec int, alt, dotZero bool) string {
	if prec == 0 {
		prec = 1
	}
	e := strconv.FormatFloat(f, 'e', prec-1, 64)
	i := strings.IndexByte(e, 'e')
	exp, _ := strconv.Atoi(e[i+1:])
	limit := prec
	if dotZero {
		limit = prec - 1
	}
	if exp < -4 || exp >= limit {
		mant := e[:i]
		if !alt {
			mant = trimZeros(mant)
		}
		return mant + e[i:]
	}
	s := strconv.FormatFloat(f, 'f', max(prec-1-exp, 0), 64)
	if alt {
		if !strings.Contains(s, ".") {
			s += "."
		}
		return s
	}
	s = trimZeros(s)
	if dotZero && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}
