package templates

// This file is str.format
// (https://docs.python.org/3/library/string.html#format-string-syntax).

import (
	"math"
	"math/big"
	"strings"
	"unicode/utf8"
)

func strFormat(c *Call) (Value, error) {
	s, wrap := c.recv()
	_, markup := c.Args[0].(Markup)
	f := formatter{c: c, args: c.Args[1:], markup: markup}
	return wrap(f.format(s, 2)), nil
}

func strFormatMap(c *Call) (Value, error) {
	a := c.methodArgs("str.format_map", 1, 1)
	m, ok := a[0].(Mapping)
	if !ok {
		throw(TypeError, "'%s' object is not subscriptable", pyType(a[0]))
	}
	s, wrap := c.recv()
	_, markup := c.Args[0].(Markup)
	f := formatter{c: c, dict: m, markup: markup}
	return wrap(f.format(s, 2)), nil
}

type formatter struct {
	c      *Call
	args   []Value
	dict   Mapping // of format_map
	markup bool
	auto   int
	manual bool
}

// format formats s; depth bounds fields inside specifications.
func (f *formatter) format(s string, depth int) string {
	if depth == 0 {
		throw(ValueError, "Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '{', '}':
			if i+1 < len(s) && s[i+1] == c {
				b.WriteByte(c)
				i += 2
				continue
			}
			if c == '}' {
				throw(ValueError, "Single '}' encountered in format string")
			}
			if i+1 >= len(s) {
				throw(ValueError, "Single '{' encountered in format string")
			}
			r, end := parseField(s, i+1)
			b.WriteString(f.field(r, depth))
			f.c.State.run.bound(b.Len() / 64)
			i = end
		default:
			j := strings.IndexAny(s[i:], "{}")
			if j < 0 {
				j = len(s) - i
			}
			b.WriteString(s[i : i+j])
			i += j
		}
	}
	return b.String()
}

// A replacement is a field of a format string: name!conversion:spec.
type replacement struct {
	name string
	conv rune // 0: none
	spec string
}

// parseField parses the field that begins at s[i] and returns the index behind
// its "}".
func parseField(s string, i int) (r replacement, end int) {
	start, c := i, byte(0)
name:
	for i < len(s) {
		c = s[i]
		i++
		switch c {
		case '{':
			throw(ValueError, "unexpected '{' in field name")
		case '[': // what stands in brackets ends no name
			for i < len(s) && s[i] != ']' {
				i++
			}
		case '}', ':', '!':
			break name
		}
	}
	if c != '}' && c != ':' && c != '!' || i == start {
		throw(ValueError, "expected '}' before end of string")
	}
	r.name = s[start : i-1]
	if c == '!' {
		if i >= len(s) {
			throw(ValueError, "end of string while looking for conversion specifier")
		}
		conv, n := utf8.DecodeRuneInString(s[i:])
		r.conv = conv
		i += n
		if i < len(s) {
			c = s[i]
			i++
			if c != '}' && c != ':' {
				throw(ValueError, "expected ':' after conversion specifier")
			}
		}
	}
	if c == '}' {
		return r, i
	}
	start = i
	for open := 1; i < len(s); i++ {
		switch s[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				r.spec = s[start:i]
				return r, i + 1
			}
		}
	}
	throw(ValueError, "unmatched '{' in format spec")
	return r, i
}

// field formats a field.
func (f *formatter) field(r replacement, depth int) string {
	v := f.value(r.name)
	era := f.c.State.Era()
	switch r.conv {
	case 0:
	case 's':
		v = Str(StrOf(v, era))
	case 'r':
		v = Str(Repr(v, era))
	case 'a':
		v = Str(asciiRepr(v))
	default:
		throw(ValueError, "Unknown conversion specifier %s", string(r.conv))
	}
	specText := r.spec
	if strings.IndexByte(specText, '{') >= 0 {
		specText = f.format(specText, depth-1)
	}
	out := f.c.State.run.formatSpec(v, specText)
	if f.markup {
		if _, safe := v.(Markup); !safe {
			out = escapeHTML(out)
		}
	}
	return out
}

// value finds the argument that a field's name stands for.
func (f *formatter) value(name string) Value {
	rt := f.c.State.run
	first := name
	if i := strings.IndexAny(name, ".["); i >= 0 {
		first = name[:i]
	}
	v := f.first(first)
	for rest := name[len(first):]; rest != ""; {
		if rest[0] == '.' {
			rest = rest[1:]
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			attr := rest[:end]
			if attr == "" {
				throw(ValueError, "Empty attribute in format string")
			}
			rest = rest[end:]
			v = rt.formatAttr(v, attr)
			continue
		}
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			throw(ValueError, "Missing ']' in format string")
		}
		key := rest[1:end]
		if key == "" {
			throw(ValueError, "Empty attribute in format string")
		}
		if rest = rest[end+1:]; rest != "" && rest[0] != '.' && rest[0] != '[' {
			throw(ValueError, "Only '.' or '[' may follow ']' in format field specifier")
		}
		v = rt.formatItem(v, key)
	}
	return v
}

func (f *formatter) first(name string) Value {
	if n, ok := fieldNumber(name); ok || name == "" {
		if f.dict != nil {
			throw(ValueError, "Format string contains positional fields")
		}
		if name == "" {
			if f.manual {
				throw(ValueError, "cannot switch from manual field specification to automatic field numbering")
			}
			n = f.auto
			f.auto++
		} else {
			if f.auto > 0 {
				throw(ValueError, "cannot switch from automatic field numbering to manual field specification")
			}
			f.manual = true
		}
		if n >= len(f.args) {
			throw(IndexError, "Replacement index %d out of range for positional args tuple", n)
		}
		return f.args[n]
	}
	if f.dict != nil {
		v, ok, err := f.dict.Get(Str(name))
		check(err)
		if ok {
			return f.c.State.run.force(v)
		}
	} else if v, ok := f.c.kwarg(name); ok {
		return v
	}
	throw(KeyError, "%s", Repr(Str(name), Current))
	return nil
}

func fieldNumber(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = min(n*10+int(s[i]-'0'), math.MaxInt32)
	}
	return n, s != ""
}

func (rt *run) formatAttr(v Value, name string) Value {
	failUndefined(v)
	if a := rt.attribute(v, name); a != nil {
		return a
	}
	if isDunder(name) {
		return rt.unsafe(v, name)
	}
	throw(AttributeError, "'%s' object has no attribute '%s'", pyType(v), name)
	return nil
}

func (rt *run) formatItem(v Value, key string) Value {
	failUndefined(v)
	var k Value = Str(key)
	if n, ok := fieldNumber(key); ok {
		k = Int(n)
	}
	if x := rt.subscript(v, k); x != nil {
		return rt.force(x)
	}
	switch v.(type) {
	case Mapping:
		throw(KeyError, "%s", Repr(k, Current))
	case Str, Markup, *List, Tuple, Bytes, Sequence:
		if _, isInt := k.(Int); isInt {
			throw(IndexError, "%s index out of range", strings.Replace(pyType(v), "str", "string", 1))
		}
		if isText(v) {
			throw(TypeError, "string indices must be integers, not 'str'")
		}
		throw(TypeError, "%s indices must be integers or slices, not str", pyType(v))
	}
	throw(TypeError, "'%s' object is not subscriptable", pyType(v))
	return nil
}

// formatSpec is format(v, spec).
func (rt *run) formatSpec(v Value, text string) string {
	if text == "" {
		return StrOf(v, rt.era)
	}
	switch x := v.(type) {
	case Str, Markup:
		s, _ := textOf(v)
		return formatText(s, parseSpec(text, "str"))
	case *Undefined:
		failAnsible(x)
		throw(TypeError, "unsupported format string passed to %s.__format__", x.Type())
	case *DateTime:
		return Strftime(text, x)
	case Bool, Int, *BigInt:
		i, _ := toBig(v)
		return rt.formatInt(i, parseSpec(text, pyType(v)), pyType(v))
	case Float:
		return formatFloatSpec(float64(x), parseSpec(text, "float"), "float")
	}
	throw(TypeError, "unsupported format string passed to %s.__format__", pyType(v))
	return ""
}

// parseSpec parses [[fill]align][sign][z][#][0][width][grouping][.precision][type].
func parseSpec(s, typ string) *spec {
	all := s
	out := &spec{prec: -1, fill: " "}
	isAlign := func(c byte) bool { return c == '<' || c == '>' || c == '^' || c == '=' }
	if _, n := utf8.DecodeRuneInString(s); n < len(s) && isAlign(s[n]) {
		out.fill, out.align, s = s[:n], s[n], s[n+1:]
	} else if s != "" && isAlign(s[0]) {
		out.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	out.sign = take("+- ")
	out.coerceZ = take("z") != 0
	out.alt = take("#") != 0
	if take("0") != 0 {
		out.zero = true
		if out.align == 0 {
			out.fill = "0"
			if typ != "str" {
				out.align = '='
			}
		}
	}
	number := func() int {
		n, digits := int64(0), 0
		for s != "" && isDigit(s[0]) {
			n = min(n*10+int64(s[0]-'0'), math.MaxInt32)
			s = s[1:]
			digits++
		}
		if digits == 0 {
			return -1
		}
		if n > maxWidth {
			throw(ValueError, "Too many decimal digits in format string")
		}
		return int(n)
	}
	out.width = max(number(), 0)
	out.group = take(",_")
	if out.group != 0 {
		if other := take(",_"); other != 0 {
			if other == out.group {
				throw(ValueError, "Cannot specify '%c' with '%c'.", out.group, other)
			}
			throw(ValueError, "Cannot specify both ',' and '_'.")
		}
	}
	if take(".") != 0 {
		if out.prec = number(); out.prec < 0 {
			throw(ValueError, "Format specifier missing precision")
		}
	}
	if _, n := utf8.DecodeRuneInString(s); len(s) > n {
		throw(ValueError, "Invalid format specifier '%s' for object of type '%s'", all, typ)
	}
	if s != "" {
		out.verb = s[0]
		if s[0] >= utf8.RuneSelf {
			unknownVerb(s, typ)
		}
		if out.group != 0 && strings.IndexByte("deEfFgG%", s[0]) < 0 && (out.group == ',' || strings.IndexByte("boxX", s[0]) < 0) {
			throw(ValueError, "Cannot specify '%c' with '%c'.", out.group, s[0])
		}
	}
	return out
}

func unknownVerb(verb, typ string) {
	throw(ValueError, "Unknown format code '%s' for object of type '%s'", verb, typ)
}

func formatText(s string, sp *spec) string {
	if sp.verb != 0 && sp.verb != 's' {
		unknownVerb(string(rune(sp.verb)), "str")
	}
	switch {
	case sp.sign == ' ':
		throw(ValueError, "Space not allowed in string format specifier")
	case sp.sign != 0:
		throw(ValueError, "Sign not allowed in string format specifier")
	case sp.coerceZ:
		throw(ValueError, "Negative zero coercion (z) not allowed in string format specifier")
	case sp.alt:
		throw(ValueError, "Alternate form (#) not allowed in string format specifier")
	case sp.align == '=':
		throw(ValueError, "'=' alignment not allowed in string format specifier")
	case sp.group != 0:
		throw(ValueError, "Cannot specify '%c' with 's'.", sp.group)
	}
	if sp.prec >= 0 {
		s = prefix(s, sp.prec)
	}
	return padText(s, sp.width, sp.align, sp.fill)
}

func (rt *run) formatInt(i *big.Int, sp *spec, typ string) string {
	base, pre := 10, ""
	switch sp.verb {
	case 0, 'd', 'n':
		if typ == "bool" && sp.verb == 0 && *sp == (spec{prec: -1, fill: " "}) {
			return map[bool]string{true: "True", false: "False"}[i.Sign() != 0]
		}
	case 'b':
		base, pre = 2, "0b"
	case 'o':
		base, pre = 8, "0o"
	case 'x':
		base, pre = 16, "0x"
	case 'X':
		base, pre = 16, "0X"
	case 'c':
		return formatIntChar(i, sp)
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		return formatFloatSpec(bigFloat(i), sp, typ)
	default:
		unknownVerb(string(rune(sp.verb)), typ)
	}
	if sp.prec >= 0 {
		throw(ValueError, "Precision not allowed in integer format specifier")
	}
	if sp.coerceZ {
		throw(ValueError, "Negative zero coercion (z) not allowed in integer format specifier")
	}
	digits := new(big.Int).Abs(i).Text(base)
	if sp.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !sp.alt {
		pre = ""
	}
	every := 3
	if base != 10 {
		every = 4
	}
	return sp.layout(i.Sign() < 0, pre, digits, "", every)
}

func formatIntChar(i *big.Int, sp *spec) string {
	switch {
	case sp.prec >= 0:
		throw(ValueError, "Precision not allowed in integer format specifier")
	case sp.sign != 0:
		throw(ValueError, "Sign not allowed with integer format specifier 'c'")
	case sp.alt:
		throw(ValueError, "Alternate form (#) not allowed with integer format specifier 'c'")
	case !i.IsInt64():
		throw(OverflowError, "Python int too large to convert to C long")
	case i.Int64() < 0 || i.Int64() > utf8.MaxRune:
		throw(OverflowError, "%s", charRange)
	}
	align := sp.align
	if align == 0 || align == '=' {
		align = '<'
		if sp.align == '=' {
			align = '>'
		}
	}
	return padText(string(rune(i.Int64())), sp.width, align, sp.fill)
}

func formatFloatSpec(f float64, sp *spec, typ string) string {
	neg := math.Signbit(f) && !math.IsNaN(f)
	abs := math.Abs(f)
	verb, prec := sp.verb, sp.prec
	suffix := ""
	var body string
	switch verb {
	case 0:
		if prec < 0 {
			body = string(appendFloat(nil, abs))
			if sp.alt && !strings.Contains(body, ".") && body[0] <= '9' {
				if i := strings.IndexByte(body, 'e'); i >= 0 {
					body = body[:i] + "." + body[i:]
				} else {
					body += "."
				}
			}
		} else {
			body = formatGRepr(abs, prec)
		}
	case 'e', 'E', 'f', 'F', 'g', 'G', 'n':
		if verb == 'n' {
			verb = 'g'
		}
		if prec < 0 {
			prec = 6
		}
		body = formatFloat(abs, verb, prec, sp.alt)
	case '%':
		if prec < 0 {
			prec = 6
		}
		body, suffix = formatFloat(abs*100, 'f', prec, sp.alt), "%"
	default:
		unknownVerb(string(rune(verb)), typ)
	}
	if sp.coerceZ && neg && strings.Trim(body, "0.") == "" {
		neg = false
	}
	whole, frac := body, suffix
	if i := strings.IndexAny(body, ".e"); i >= 0 && body[0] >= '0' && body[0] <= '9' {
		whole, frac = body[:i], body[i:]+suffix
	}
	return sp.layout(neg, "", whole, frac, 3)
}

// formatGRepr is the format of a float with a precision and no type: like g,
// but with at least one digit behind the point.
func formatGRepr(f float64, prec int) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return formatFloat(f, 'g', 1, false)
	}
	return formatG(f, prec, false, true)
}

// layout joins the parts of a number and pads them.
func (sp *spec) layout(neg bool, pre, whole, rest string, every int) string {
	sign := sp.signText(neg)
	align := sp.align
	if align == 0 {
		align = '>'
	}
	fixed := len(sign) + len(pre) + len(rest)
	digits := whole != "" && whole[0] >= '0' && whole[0] <= '9' || every == 4
	if sp.group != 0 && digits {
		if align == '=' && sp.fill == "0" {
			whole = groupZeros(whole, sp.group, every, sp.width-fixed)
		} else {
			whole = group(whole, sp.group, every)
		}
	}
	if align == '=' {
		n := max(sp.width-fixed-len(whole), 0)
		return sign + pre + strings.Repeat(sp.fill, n) + whole + rest
	}
	return padText(sign+pre+whole+rest, sp.width, align, sp.fill)
}

// group puts a separator between groups of digits.
func group(digits string, sep byte, every int) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%every == 0 {
			b.WriteByte(sep)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// groupZeros groups digits that zeros fill up to a width.
func groupZeros(digits string, sep byte, every, width int) string {
	for {
		s := group(digits, sep, every)
		if len(s) >= width {
			return s
		}
		digits = "0" + digits
	}
}
