package templates

// This file holds the methods of str
// (https://docs.python.org/3/library/stdtypes.html#string-methods).

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

var strMethods map[string]Func

func init() { // set here because format refers to getattr, which refers to it
	strMethods = map[string]Func{
		"capitalize": textMethod("capitalize", capitalize), "casefold": textMethod("casefold", casefold), "lower": textMethod("lower", lower),
		"upper": textMethod("upper", upper), "swapcase": textMethod("swapcase", swapcase), "title": textMethod("title", title),
		"center": justify("center"), "ljust": justify("ljust"), "rjust": justify("rjust"), "zfill": strZfill, "expandtabs": strExpandtabs,
		"strip": stripMethod("strip"), "lstrip": stripMethod("lstrip"), "rstrip": stripMethod("rstrip"),
		"removeprefix": strRemoveprefix, "removesuffix": strRemovesuffix, "replace": strReplace,
		"split": strSplit, "rsplit": strRsplit, "splitlines": strSplitlines, "partition": strPartition, "rpartition": strRpartition,
		"join": strJoin, "format": strFormat, "format_map": strFormatMap, "translate": strTranslate, "encode": strEncode,
		"startswith": affixMethod("startswith"), "endswith": affixMethod("endswith"), "count": strCount,
		"find": findMethodOf("find"), "rfind": findMethodOf("rfind"), "index": findMethodOf("index"), "rindex": findMethodOf("rindex"),
		"isalnum": isMethod(isAlnum), "isalpha": isMethod(unicode.IsLetter), "isdecimal": isMethod(unicode.IsDigit),
		"isdigit": isMethod(isDigitRune), "isnumeric": isMethod(unicode.IsNumber), "isspace": isMethod(isSpace),
		"islower": strIslower, "isupper": strIsupper, "istitle": strIstitle, "isascii": strIsascii,
		"isidentifier": strIsidentifier, "isprintable": strIsprintable,
	}
}

// recv returns the text of the receiver, and makes results of its kind.
func (c *Call) recv() (s string, wrap func(string) Value) {
	if m, ok := c.Args[0].(Markup); ok {
		return string(m), func(s string) Value { return Markup(s) }
	}
	return string(c.Args[0].(Str)), func(s string) Value { return Str(s) }
}

// escapedArg is a text argument, escaped where the receiver is Markup.
func (c *Call) escapedArg(v Value, what string) string {
	s, ok := textOf(v)
	if !ok {
		failUndefined(v)
		throw(TypeError, "%s", strings.ReplaceAll(what, "%s", pyType(v)))
	}
	if _, recv := c.Args[0].(Markup); recv {
		if _, safe := v.(Markup); !safe {
			return escapeHTML(s)
		}
	}
	return s
}

func textMethod(name string, f func(string) string) Func {
	return func(c *Call) (Value, error) {
		c.methodArgs("str."+name, 0, 0)
		s, wrap := c.recv()
		return wrap(f(s)), nil
	}
}

func isMethod(is func(rune) bool) Func {
	return func(c *Call) (Value, error) {
		s, _ := c.recv()
		for _, r := range s {
			if !is(r) {
				return Bool(false), nil
			}
		}
		return Bool(s != ""), nil
	}
}

func isAlnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
func isDigitRune(r rune) bool {
	return unicode.IsDigit(r) || strings.ContainsRune("\u00b2\u00b3\u00b9", r)
}

// textFilters are the filters that make a text of a text.
var textFilters = map[string]func(string) string{"capitalize": capitalize, "lower": lower, "string": sameText, "upper": upper}

func sameText(s string) string { return s }

func lower(s string) string {
	if strings.Contains(s, "\u0130") { // the one letter that becomes two
		s = strings.ReplaceAll(s, "\u0130", "i\u0307")
	}
	return strings.ToLower(s)
}

// severalUpper are letters whose capital is several characters, severalFolded
// what stands for them where case does not count.
var (
	severalUpper = strings.NewReplacer("\u00df", "SS", "\u0149", "\u02bcN", "\u01f0", "J\u030c", "\u0587", "\u0535\u0552",
		"\ufb00", "FF", "\ufb01", "FI", "\ufb02", "FL", "\ufb03", "FFI", "\ufb04", "FFL", "\ufb05", "ST", "\ufb06", "ST")
	severalFolded = strings.NewReplacer("\u00df", "ss", "\u0149", "\u02bcn", "\u01f0", "j\u030c", "\u0587", "\u0565\u0582",
		"\ufb00", "ff", "\ufb01", "fi", "\ufb02", "fl", "\ufb03", "ffi", "\ufb04", "ffl", "\ufb05", "st", "\ufb06", "st")
)

// upper knows the characters that become several.
func upper(s string) string {
	ascii := isASCII(s)
	s = strings.ToUpper(s)
	if !ascii {
		s = severalUpper.Replace(s)
	}
	return s
}

func casefold(s string) string { return severalFolded.Replace(lower(s)) }

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	first := upper(s[:n])
	if len(first) == 2 && first == "SS" {
		first = "Ss"
	}
	return first + lower(s[n:])
}

func swapcase(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteString(upper(string(r)))
		}
	}
	return b.String()
}

// title is str.title: every run of letters begins with a capital.
func title(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		cased := unicode.IsLetter(r)
		defer func() { inWord = cased }()
		if inWord {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func justify(name string) Func {
	return func(c *Call) (Value, error) {
		a := c.methodArgs(name, 1, 2)
		s, wrap := c.recv()
		fill := " "
		if len(a) == 2 {
			fill = c.escapedArg(a[1], "The fill character must be a unicode character, not %s")
			if runeLen(fill) != 1 {
				throw(TypeError, "The fill character must be exactly one character long")
			}
		}
		n := mustIndex(a[0])
		c.State.run.bound(n)
		switch name {
		case "ljust":
			return wrap(s + strings.Repeat(fill, max(n-runeLen(s), 0))), nil
		case "rjust":
			return wrap(strings.Repeat(fill, max(n-runeLen(s), 0)) + s), nil
		}
		return wrap(center(s, n, fill)), nil
	}
}

// center is Python's: an odd blank goes left where the width is odd.
func center(s string, width int, fill string) string {
	marg := width - runeLen(s)
	if marg <= 0 {
		return s
	}
	left := marg/2 + (marg & width & 1)
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, marg-left)
}

func strZfill(c *Call) (Value, error) {
	a := c.methodArgs("str.zfill", 1, 1)
	s, wrap := c.recv()
	width := mustIndex(a[0])
	c.State.run.bound(width)
	return wrap(zfill(s, width)), nil
}

func zfill(s string, width int) string {
	n := max(width-runeLen(s), 0)
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[:1] + strings.Repeat("0", n) + s[1:]
	}
	return strings.Repeat("0", n) + s
}

var sigExpandtabs = signatureOf("expandtabs", 0, "self", "tabsize?")

func strExpandtabs(c *Call) (Value, error) {
	a := c.bind(&sigExpandtabs)
	s, wrap := c.recv()
	size := 8
	if a[1] != nil {
		size = mustIndex(a[1])
	}
	var b strings.Builder
	col := 0
	for _, r := range s {
		switch r {
		case '\t':
			if size > 0 {
				n := size - col%size
				c.State.run.bound(n)
				b.WriteString(strings.Repeat(" ", n))
				col += n
			}
			continue
		case '\n', '\r':
			col = -1
		}
		b.WriteRune(r)
		col++
	}
	return wrap(b.String()), nil
}

func stripMethod(name string) Func {
	return func(c *Call) (Value, error) {
		a := c.methodArgs(name, 0, 1)
		s, wrap := c.recv()
		is := isSpace
		if len(a) == 1 && a[0] != None {
			chars := textArg(a[0], name+" arg must be None or str")
			is = func(r rune) bool { return strings.ContainsRune(chars, r) }
		}
		if name != "rstrip" {
			s = strings.TrimLeftFunc(s, is)
		}
		if name != "lstrip" {
			s = strings.TrimRightFunc(s, is)
		}
		return wrap(s), nil
	}
}

// textArg is a text argument.
func textArg(v Value, what string) string {
	s, ok := textOf(v)
	if !ok {
		failUndefined(v)
		throw(TypeError, "%s", strings.ReplaceAll(what, "%s", pyType(v)))
	}
	return s
}

func strRemoveprefix(c *Call) (Value, error) {
	a := c.methodArgs("str.removeprefix", 1, 1)
	s, wrap := c.recv()
	return wrap(strings.TrimPrefix(s, textArg(a[0], "removeprefix() argument must be str, not %s"))), nil
}

func strRemovesuffix(c *Call) (Value, error) {
	a := c.methodArgs("str.removesuffix", 1, 1)
	s, wrap := c.recv()
	return wrap(strings.TrimSuffix(s, textArg(a[0], "removesuffix() argument must be str, not %s"))), nil
}

func strReplace(c *Call) (Value, error) {
	a := c.methodArgs("replace", 2, 3)
	s, wrap := c.recv()
	n := -1
	if len(a) == 3 {
		n = mustIndex(a[2])
	}
	old := textArg(a[0], "replace() argument 1 must be str, not %s")
	by := c.escapedArg(a[1], "replace() argument 2 must be str, not %s")
	c.State.run.bound(replacedLen(s, old, by, n))
	return wrap(strings.Replace(s, old, by, n)), nil
}

func replacedLen(s, old, by string, n int) int {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	return len(s) + count*max(len(by)-len(old), 0)
}

var sigSplit = signatureOf("split", 0, "self", "sep?", "maxsplit?")

func (c *Call) splitArgs() (s string, sep string, spaces bool, limit int, wrap func(string) Value) {
	a := c.bind(&sigSplit)
	s, wrap = c.recv()
	limit = -1
	if a[2] != nil {
		limit = mustIndex(a[2])
	}
	if a[1] == nil || a[1] == None {
		return s, "", true, limit, wrap
	}
	sep, ok := textOf(a[1])
	if !ok {
		failUndefined(a[1])
		throw(TypeError, "must be str or None, not %s", pyType(a[1]))
	}
	if sep == "" {
		throw(ValueError, "empty separator")
	}
	return s, sep, false, limit, wrap
}

func wrapAll(parts []string, wrap func(string) Value) *List {
	l := &List{Elems: make([]Value, len(parts))}
	for i, p := range parts {
		l.Elems[i] = wrap(p)
	}
	return l
}

func strSplit(c *Call) (Value, error) {
	s, sep, spaces, limit, wrap := c.splitArgs()
	if spaces {
		return wrapAll(splitSpaces(s, limit), wrap), nil
	}
	if limit >= 0 {
		return wrapAll(strings.SplitN(s, sep, limit+1), wrap), nil
	}
	return wrapAll(strings.Split(s, sep), wrap), nil
}

// splitSpaces splits at runs of blanks, at most limit times.
func splitSpaces(s string, limit int) []string {
	var parts []string
	for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
		if limit >= 0 && len(parts) == limit {
			return append(parts, s)
		}
		i := strings.IndexFunc(s, isSpace)
		if i < 0 {
			i = len(s)
		}
		parts = append(parts, s[:i])
		s = s[i:]
	}
	return parts
}

func strRsplit(c *Call) (Value, error) {
	s, sep, spaces, limit, wrap := c.splitArgs()
	if limit < 0 {
		return strSplit(c)
	}
	var parts []string
	if spaces {
		for s = strings.TrimRightFunc(s, isSpace); s != "" && len(parts) < limit; s = strings.TrimRightFunc(s, isSpace) {
			i := strings.LastIndexFunc(s, isSpace)
			_, n := utf8.DecodeRuneInString(s[max(i, 0):])
			if i < 0 {
				n = 0
			}
			parts = append(parts, s[max(i, 0)+n:])
			s = s[:max(i, 0)]
		}
		if strings.TrimFunc(s, isSpace) != "" {
			parts = append(parts, s)
		}
	} else {
		for len(parts) < limit {
			i := strings.LastIndex(s, sep)
			if i < 0 {
				break
			}
			parts = append(parts, s[i+len(sep):])
			s = s[:i]
		}
		parts = append(parts, s)
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return wrapAll(parts, wrap), nil
}

var sigSplitlines = signatureOf("splitlines", 0, "self", "keepends?")

func strSplitlines(c *Call) (Value, error) {
	a := c.bind(&sigSplitlines)
	s, wrap := c.recv()
	return wrapAll(splitLines(s, a[1] != nil && truth(a[1])), wrap), nil
}

// splitLines splits at what Python takes for the end of a line.
func splitLines(s string, keep bool) []string {
	var lines []string
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !isLineEnd(r) {
			i += n
			continue
		}
		end := i
		i += n
		if r == '\r' && i < len(s) && s[i] == '\n' {
			i++
		}
		if keep {
			end = i
		}
		lines = append(lines, s[start:end])
		start = i
	}
	if start < len(s) {
		lines = append(lines, s[start:])
	}
	return lines
}

func isLineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

func strPartition(c *Call) (Value, error) {
	s, sep, wrap := c.partitionArgs("partition")
	if before, after, ok := strings.Cut(s, sep); ok {
		return Tuple{wrap(before), wrap(sep), wrap(after)}, nil
	}
	return Tuple{wrap(s), wrap(""), wrap("")}, nil
}

func strRpartition(c *Call) (Value, error) {
	s, sep, wrap := c.partitionArgs("rpartition")
	if i := strings.LastIndex(s, sep); i >= 0 {
		return Tuple{wrap(s[:i]), wrap(sep), wrap(s[i+len(sep):])}, nil
	}
	return Tuple{wrap(""), wrap(""), wrap(s)}, nil
}

func (c *Call) partitionArgs(name string) (s, sep string, wrap func(string) Value) {
	a := c.methodArgs("str."+name, 1, 1)
	s, wrap = c.recv()
	sep = textArg(a[0], "must be str, not %s")
	if sep == "" {
		throw(ValueError, "empty separator")
	}
	return s, sep, wrap
}

func strJoin(c *Call) (Value, error) {
	a := c.methodArgs("str.join", 1, 1)
	sep, wrap := c.recv()
	elems, ok := c.State.run.iterable(a[0])
	if !ok {
		throw(TypeError, "can only join an iterable")
	}
	var b strings.Builder
	for i, e := range elems {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(c.escapedArg(e, "sequence item "+itoa(i)+": expected str instance, %s found"))
		c.State.run.bound(b.Len() / (i + 1))
	}
	c.State.run.bound(b.Len())
	return wrap(b.String()), nil
}

func strTranslate(c *Call) (Value, error) {
	a := c.methodArgs("str.translate", 1, 1)
	s, wrap := c.recv()
	m, ok := a[0].(Mapping)
	if !ok {
		throw(TypeError, "'%s' object is not subscriptable", pyType(a[0]))
	}
	var b strings.Builder
	for _, r := range s {
		v, ok, err := m.Get(Int(r))
		check(err)
		if !ok {
			b.WriteRune(r)
			continue
		}
		if i, isInt := toInt(v); isInt {
			b.WriteRune(rune(i))
		} else if v != None {
			b.WriteString(StrOf(v, Current))
		}
	}
	return wrap(b.String()), nil
}

var sigEncode = signatureOf("encode", 0, "self", "encoding?", "errors?")

func strEncode(c *Call) (Value, error) {
	a := c.bind(&sigEncode)
	s, _ := c.recv()
	if a[1] == nil {
		return Bytes(s), nil
	}
	name := codecName(a[1])
	limit := rune(0)
	switch name {
	case "utf8":
		return Bytes(s), nil
	case "utf16", "utf16le", "utf16be":
		return encodeUTF16(s, name), nil
	case "ascii", "usascii":
		limit = 0x80
	case "latin1", "iso88591":
		limit = 0x100
	default:
		throw("LookupError", "unknown encoding: %s", StrOf(a[1], Current))
	}
	mode := "strict"
	if a[2] != nil {
		mode = StrOf(a[2], Current)
	}
	var out Bytes
	chars := []rune(s)
	for i, r := range chars {
		switch {
		case r < limit:
			out = append(out, byte(r))
		case mode == "ignore":
		case mode == "replace":
			out = append(out, '?')
		case mode == "xmlcharrefreplace":
			out = append(out, "&#"+itoa(int(r))+";"...)
		case mode == "backslashreplace":
			out = appendEscape(out, r)
		default:
			n := 1
			for i+n < len(chars) && chars[i+n] >= limit {
				n++
			}
			what := "character " + asciiRepr(Str(r)) + " in position " + itoa(i)
			if n > 1 {
				what = "characters in position " + itoa(i) + "-" + itoa(i+n-1)
			}
			throw(UnicodeError, "'%s' codec can't encode %s: ordinal not in range(%d)", map[rune]string{0x80: "ascii", 0x100: "latin-1"}[limit], what, limit)
		}
	}
	return out, nil
}

// span applies the optional start and end of find, count and the like: the
// part of s they look at and where it begins, in characters.
func span(s string, bounds []Value) (part string, from int, ok bool) {
	if len(bounds) == 0 {
		return s, 0, true
	}
	sl := sliceValue{bounds[0], None, None}
	if len(bounds) > 1 {
		sl.stop = bounds[1]
	}
	n := runeLen(s)
	if sl.start != None && sliceInt(sl.start) > n {
		return "", 0, false
	}
	start, stop, _ := sl.indices(n)
	if start > stop {
		return "", 0, false
	}
	return prefix(suffixFrom(s, start), stop-start), start, true
}

func affixMethod(name string) Func {
	has := strings.HasPrefix
	if name == "endswith" {
		has = strings.HasSuffix
	}
	return func(c *Call) (Value, error) {
		a := c.methodArgs(name, 1, 3)
		s, _ := c.recv()
		part, _, ok := span(s, a[1:])
		if t, isTuple := a[0].(Tuple); isTuple {
			for _, e := range t {
				x, isText := textOf(e)
				if !isText {
					throw(TypeError, "tuple for %s must only contain str, not %s", name, pyType(e))
				}
				if ok && has(part, x) {
					return Bool(true), nil
				}
			}
			return Bool(false), nil
		}
		x, isText := textOf(a[0])
		if !isText {
			failUndefined(a[0])
			throw(TypeError, "%s first arg must be str or a tuple of str, not %s", name, pyType(a[0]))
		}
		return Bool(ok && has(part, x)), nil
	}
}

func strCount(c *Call) (Value, error) {
	a := c.methodArgs("count", 1, 3)
	s, _ := c.recv()
	sub, ok := textOf(a[0])
	if !ok {
		failUndefined(a[0])
		throw(TypeError, "must be str, not %s", pyType(a[0]))
	}
	part, _, inside := span(s, a[1:])
	if !inside {
		return Int(0), nil
	}
	return Int(strings.Count(part, sub)), nil
}

func findMethodOf(name string) Func {
	return func(c *Call) (Value, error) {
		a := c.methodArgs(name, 1, 3)
		s, _ := c.recv()
		sub, ok := textOf(a[0])
		if !ok {
			failUndefined(a[0])
			throw(TypeError, "must be str, not %s", pyType(a[0]))
		}
		part, from, inside := span(s, a[1:])
		i := -1
		if inside {
			if name[0] == 'r' {
				i = strings.LastIndex(part, sub)
			} else {
				i = strings.Index(part, sub)
			}
		}
		if i < 0 {
			if strings.HasSuffix(name, "index") {
				return nil, &Error{Kind: ValueError, Msg: "substring not found"}
			}
			return Int(-1), nil
		}
		return Int(from + runeLen(part[:i])), nil
	}
}

// cased reports whether s has cased characters and all of them fit.
func cased(s string, fits func(rune) bool) bool {
	any := false
	for _, r := range s {
		if unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) {
			if !fits(r) {
				return false
			}
			any = true
		}
	}
	return any
}

func strIslower(c *Call) (Value, error) {
	s, _ := c.recv()
	return Bool(cased(s, unicode.IsLower)), nil
}

func strIsupper(c *Call) (Value, error) {
	s, _ := c.recv()
	return Bool(cased(s, unicode.IsUpper)), nil
}

func strIstitle(c *Call) (Value, error) {
	s, _ := c.recv()
	any, inWord := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if inWord {
				return Bool(false), nil
			}
			any, inWord = true, true
		case unicode.IsLower(r):
			if !inWord {
				return Bool(false), nil
			}
		default:
			inWord = false
		}
	}
	return Bool(any), nil
}

func strIsascii(c *Call) (Value, error) {
	s, _ := c.recv()
	return Bool(strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0), nil
}

func strIsidentifier(c *Call) (Value, error) {
	s, _ := c.recv()
	for i, r := range s {
		if !isIdentRune(r, i == 0) {
			return Bool(false), nil
		}
	}
	return Bool(s != ""), nil
}

func strIsprintable(c *Call) (Value, error) {
	s, _ := c.recv()
	return Bool(strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0), nil
}
