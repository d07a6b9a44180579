package templates

// This file holds the filters of texts and numbers.

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	sigCapitalize     = signatureOf("do_capitalize", 0, "s")
	sigCenter         = signatureOf("do_center", 0, "value", "width?")
	sigFilesizeformat = signatureOf("do_filesizeformat", 0, "value", "binary?")
	sigFloat          = signatureOf("do_float", 0, "value", "default?")
	sigIndent         = signatureOf("do_indent", 0, "s", "width?", "first?", "blank?")
	sigInt            = signatureOf("do_int", 0, "value", "default?", "base?")
	sigLower          = signatureOf("do_lower", 0, "s")
	sigPprint         = signatureOf("do_pprint", 0, "value")
	sigReplace        = signatureOf("do_replace", 1, "s", "old", "new", "count?")
	sigRound          = signatureOf("do_round", 0, "value", "precision?", "method?")
	sigString         = signatureOf("soft_str", 0, "s")
	sigTitle          = signatureOf("do_title", 0, "s")
	sigTrim           = signatureOf("do_trim", 0, "value", "chars?")
	sigTruncate       = signatureOf("do_truncate", 1, "s", "length?", "killwords?", "end?", "leeway?")
	sigUpper          = signatureOf("do_upper", 0, "s")
	sigWordcount      = signatureOf("do_wordcount", 0, "s")
	sigWordwrap       = signatureOf("do_wordwrap", 1, "s", "width?", "break_long_words?", "wrapstring?", "break_on_hyphens?")
)

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.abs
func filterAbs(c *Call) (Value, error) {
	if len(c.Kwargs) > 0 {
		throw(TypeError, "abs() takes no keyword arguments")
	}
	if len(c.Args) != 1 {
		throw(TypeError, "abs() takes exactly one argument (%d given)", len(c.Args))
	}
	switch v := c.Args[0].(type) {
	case Float:
		return Float(math.Abs(float64(v))), nil
	case Int, Bool, *BigInt:
		i, _ := toBig(v)
		return NewInt(new(big.Int).Abs(i)), nil
	case TimeDelta:
		return max(v, -v), nil
	}
	failAnsible(c.Args[0])
	throw(TypeError, "bad operand type for abs(): '%s'", pyType(c.Args[0]))
	return nil, nil
}

func textFilter(c *Call, sig *paramList, f func(string) string) (Value, error) {
	a := c.bind(sig)
	s, wrap := softText(c, a[0])
	return wrap(f(s)), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.capitalize
func filterCapitalize(c *Call) (Value, error) { return textFilter(c, &sigCapitalize, capitalize) }

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.lower
func filterLower(c *Call) (Value, error) { return textFilter(c, &sigLower, lower) }

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.upper
func filterUpper(c *Call) (Value, error) { return textFilter(c, &sigUpper, upper) }

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.title
func filterTitle(c *Call) (Value, error) {
	a := c.bind(&sigTitle)
	s, _ := softText(c, a[0])
	return Str(titleWords(s)), nil // joined from parts, so never Markup
}

// titleWords begins every word, as blanks, hyphens and opening brackets part
// them, with a capital.
func titleWords(s string) string {
	splits := func(r rune) bool { return isSpace(r) || strings.ContainsRune("-({[<", r) }
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return !splits(r) })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
		if n = strings.IndexFunc(s, splits); n < 0 {
			n = len(s)
		}
		_, first := utf8.DecodeRuneInString(s[:n])
		b.WriteString(upper(s[:first]) + lower(s[first:n]))
		s = s[n:]
	}
	return b.String()
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.center
func filterCenter(c *Call) (Value, error) {
	a := c.bind(&sigCenter)
	s, wrap := softText(c, a[0])
	width := intArg(a[1], 80)
	c.State.run.bound(width)
	return wrap(center(s, width, " ")), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.string
func filterString(c *Call) (Value, error) {
	return textFilter(c, &sigString, func(s string) string { return s })
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.trim
func filterTrim(c *Call) (Value, error) {
	a := c.bind(&sigTrim)
	s, wrap := softText(c, a[0])
	is := isSpace
	if given(a[1]) {
		chars, ok := textOf(a[1])
		if !ok {
			throw(TypeError, "strip arg must be None or str")
		}
		is = func(r rune) bool { return strings.ContainsRune(chars, r) }
	}
	return wrap(strings.TrimFunc(s, is)), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.replace
func filterReplace(c *Call) (Value, error) {
	a := c.bind(&sigReplace)
	era := c.State.Era()
	n := -1
	if given(a[3]) {
		n = mustIndex(a[3])
	}
	if !c.State.Autoescape() {
		s, old, by := StrOf(a[0], era), StrOf(a[1], era), StrOf(a[2], era)
		c.State.run.bound(replacedLen(s, old, by, n))
		return Str(strings.Replace(s, old, by, n)), nil
	}
	_, sSafe := a[0].(Markup)
	_, oldSafe := a[1].(Markup)
	_, newSafe := a[2].(Markup)
	s := StrOf(a[0], era)
	if (oldSafe || newSafe) && !sSafe {
		s, sSafe = escapeHTML(s), true
	}
	old, by := StrOf(a[1], era), StrOf(a[2], era)
	if sSafe && !newSafe {
		by = escapeHTML(by)
	}
	c.State.run.bound(replacedLen(s, old, by, n))
	s = strings.Replace(s, old, by, n)
	if sSafe {
		return Markup(s), nil
	}
	return Str(s), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.filesizeformat
func filterFilesizeformat(c *Call) (Value, error) {
	a := c.bind(&sigFilesizeformat)
	n, ok := floatOf(a[0])
	if !ok {
		failFloat(a[0])
	}
	base, prefixes := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if optTruth(a[1]) {
		base, prefixes = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case n == 1:
		return Str("1 Byte"), nil
	case n < base:
		return Str(floatToInt(n).String() + " Bytes"), nil
	}
	unit := base
	for i, p := range prefixes {
		unit *= base
		if n < unit || i == len(prefixes)-1 {
			return Str(formatFloat(base*n/unit, 'f', 1, false) + " " + p), nil
		}
	}
	return nil, nil
}

// failFloat throws what Python's float(v) does.
func failFloat(v Value) {
	failUndefined(v)
	if s, ok := textOf(v); ok {
		throw(ValueError, "could not convert string to float: %s", Repr(Str(s), Current))
	}
	throw(TypeError, "float() argument must be a string or a real number, not '%s'", pyType(v))
}

// floatOf is Python's float(v).
func floatOf(v Value) (float64, bool) {
	if s, ok := textOf(v); ok {
		return floatFromText(s)
	}
	return toFloat(v)
}

func floatFromText(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 {
		return 0, false
	}
	switch strings.ToLower(body) {
	case "inf", "infinity":
		if strings.HasPrefix(s, "-") {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case "nan":
		return math.NaN(), true
	}
	if strings.ContainsAny(s, "xXpPnNiI") || strings.Contains(s, "__") || strings.HasPrefix(body, "_") || strings.HasSuffix(body, "_") ||
		strings.Contains(s, "_.") || strings.Contains(s, "._") || strings.Contains(s, "_e") || strings.Contains(s, "e_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(asciiDigits(s), "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// asciiDigits turns the digits of other scripts into ours.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 || !unicode.IsDigit(r) {
			return r
		}
		zero := r
		for zero-1 > 0 && unicode.IsDigit(zero-1) && r-zero < 9 {
			zero--
		}
		return '0' + r - zero
	}, s)
}

// intFromText is Python's int(s, base).
func intFromText(s string, base int) (Value, bool) {
	s = asciiDigits(strings.TrimFunc(s, isSpace))
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if base < 0 || base == 1 || base > 36 {
		return nil, false
	}
	lowered := strings.ToLower(s)
	for prefix, b := range map[string]int{"0x": 16, "0o": 8, "0b": 2} {
		if (base == b || base == 0) && strings.HasPrefix(lowered, prefix) {
			s, base = strings.TrimPrefix(s[2:], "_"), b
			break
		}
	}
	if base == 0 {
		base = 10
		if strings.HasPrefix(s, "0") && strings.Trim(s, "0_") != "" {
			return nil, false
		}
	}
	if s == "" || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") || s[0] == '+' || s[0] == '-' || len(s) > 4300 {
		return nil, false
	}
	i, ok := new(big.Int).SetString(strings.ReplaceAll(s, "_", ""), base)
	if !ok {
		return nil, false
	}
	if neg {
		i.Neg(i)
	}
	return NewInt(i), true
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.int
func filterInt(c *Call) (Value, error) {
	a := c.bind(&sigInt)
	if i, ok := a[0].(Int); ok {
		return i, nil
	}
	failUndefined(a[0])
	dflt := Value(Int(0))
	if a[1] != nil {
		dflt = a[1]
	}
	if i, ok := toBig(a[0]); ok {
		return NewInt(i), nil
	}
	if s, ok := textOf(a[0]); ok {
		if i, ok := intFromText(s, intArg(a[2], 10)); ok {
			return i, nil
		}
	}
	if b, ok := a[0].(Bytes); ok {
		if i, ok := intFromText(string(b), 10); ok {
			return i, nil
		}
	}
	f, ok := floatOf(a[0])
	if _, isFloat := a[0].(Float); isFloat && math.IsInf(f, 0) {
		return nil, &Error{Kind: OverflowError, Msg: "cannot convert float infinity to integer"}
	}
	if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
		return dflt, nil
	}
	return NewInt(floatToInt(f)), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.float
func filterFloat(c *Call) (Value, error) {
	a := c.bind(&sigFloat)
	failUndefined(a[0])
	if b, ok := a[0].(*BigInt); ok {
		return Float(bigFloat(b.V)), nil
	}
	if f, ok := floatOf(a[0]); ok {
		return Float(f), nil
	}
	if a[1] != nil {
		return a[1], nil
	}
	return Float(0), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.format
func filterFormat(c *Call) (Value, error) {
	if len(c.Args) == 0 {
		throw(TypeError, "%s", lacking("do_format", []string{"'value'"}))
	}
	if len(c.Args) > 1 && len(c.Kwargs) > 0 {
		return nil, &Error{Kind: FilterError, Msg: "can't handle positional and keyword arguments at the same time"}
	}
	var arg Value = Tuple(c.Args[1:])
	if len(c.Kwargs) > 0 {
		d := NewDict(len(c.Kwargs))
		for _, k := range c.Kwargs {
			d.SetStr(k.Name, k.Value)
		}
		arg = d
	}
	s, wrap := softText(c, c.Args[0])
	_, markup := c.Args[0].(Markup)
	return wrap(c.State.run.percentFormat(s, arg, markup)), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.indent
func filterIndent(c *Call) (Value, error) {
	a := c.bind(&sigIndent)
	s, ok := textOf(a[0])
	if !ok {
		failUndefined(a[0])
		switch a[0].(type) {
		case *List: // list += str extends the list
			throw(AttributeError, "'list' object has no attribute 'splitlines'")
		case Tuple:
			throw(TypeError, `can only concatenate tuple (not "str") to tuple`)
		}
		throw(TypeError, "unsupported operand type(s) for +=: '%s' and 'str'", pyType(a[0]))
	}
	by, ok := "", false
	if a[1] != nil {
		by, ok = textOf(a[1])
	}
	if !ok {
		by = strings.Repeat(" ", max(min(intArg(a[1], 4), maxWidth), 0))
	}
	_, markup := a[0].(Markup)
	lines := splitLines(s+"\n", false)
	c.State.run.bound(len(s) + len(lines)*len(by))
	blank := optTruth(a[3])
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i > 0 && (blank || line != "") || i == 0 && optTruth(a[2]) {
			b.WriteString(by)
		}
		b.WriteString(line)
	}
	if markup {
		return Markup(b.String()), nil
	}
	return Str(b.String()), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.round
func filterRound(c *Call) (Value, error) {
	a := c.bind(&sigRound)
	method := "common"
	if a[2] != nil {
		method, _ = textOf(a[2])
	}
	if method != "common" && method != "ceil" && method != "floor" {
		return nil, &Error{Kind: FilterError, Msg: "method must be common, ceil or floor"}
	}
	rt := c.State.run
	v := a[0]
	if method == "common" {
		if !isNumber(v) {
			failAnsible(v)
			throw(TypeError, "type %s doesn't define __round__ method", pyType(v))
		}
		prec := 0
		if a[1] != nil {
			prec = mustIndex(a[1])
		}
		return roundHalfEven(v, prec), nil
	}
	prec := Value(Int(0))
	if a[1] != nil {
		prec = a[1]
	}
	scale := rt.pow(Int(10), prec)
	scaled := rt.mul(v, scale)
	if !isNumber(scaled) {
		throw(TypeError, "must be real number, not %s", pyType(scaled))
	}
	if f, ok := scaled.(Float); ok {
		whole := math.Floor(float64(f))
		if method == "ceil" {
			whole = math.Ceil(float64(f))
		}
		scaled = NewInt(floatToInt(whole))
	}
	return rt.div(scaled, scale), nil
}

// roundHalfEven is Python's round(v, prec).
func roundHalfEven(v Value, prec int) Value {
	if f, ok := v.(Float); ok {
		return Float(roundFloat(float64(f), prec))
	}
	i, _ := toBig(v)
	if prec >= 0 {
		return NewInt(i)
	}
	if prec < -5000 {
		return Int(0)
	}
	unit := bigPow10(-prec)
	q, m := divmodInt(NewInt(i), NewInt(unit))
	quo, _ := toBig(q)
	rem, _ := toBig(m)
	twice := new(big.Int).Lsh(rem, 1).Cmp(unit)
	if twice > 0 || twice == 0 && quo.Bit(0) == 1 {
		quo = new(big.Int).Add(quo, big.NewInt(1))
	}
	return NewInt(new(big.Int).Mul(quo, unit))
}

func roundFloat(f float64, prec int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) || prec > 323 {
		return f
	}
	if prec < -308 {
		return math.Copysign(0, f)
	}
	if prec >= 0 {
		out, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', prec, 64), 64)
		return out
	}
	unit := math.Pow(10, float64(-prec))
	return math.RoundToEven(f/unit) * unit
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.truncate
func filterTruncate(c *Call) (Value, error) {
	a, rt := c.bind(&sigTruncate), c.State.run
	var most, end, leeway Value = Int(255), Str("..."), Int(5)
	if a[1] != nil {
		most = a[1]
	}
	if a[3] != nil {
		end = a[3]
	}
	if given(a[4]) {
		leeway = a[4]
	}
	n := Int(length(end))
	if compare(">=", most, n, 0) < 0 {
		throw(AssertionError, "expected length >= %d, got %s", n, StrOf(most, rt.era))
	}
	if compare(">=", leeway, Int(0), 0) < 0 {
		throw(AssertionError, "expected leeway >= 0, got %s", StrOf(leeway, rt.era))
	}
	if compare("<=", Int(length(a[0])), rt.add(most, leeway), 0) <= 0 {
		return a[0], nil
	}
	s := rt.slice(a[0], sliceValue{None, rt.sub(most, n), None})
	if !optTruth(a[2]) {
		text, ok := textOf(s)
		if !ok {
			throw(AttributeError, "'%s' object has no attribute 'rsplit'", pyType(s))
		}
		if i := strings.LastIndexByte(text, ' '); i >= 0 {
			s = rt.slice(s, sliceValue{None, Int(runeLen(text[:i])), None})
		}
	}
	return rt.add(s, end), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.wordcount
func filterWordcount(c *Call) (Value, error) {
	a := c.bind(&sigWordcount)
	s, _ := softText(c, a[0])
	n, in := 0, false
	for _, r := range s {
		word := isWord(r)
		if word && !in {
			n++
		}
		in = word
	}
	return Int(n), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.wordwrap
func filterWordwrap(c *Call) (Value, error) {
	a := c.bind(&sigWordwrap)
	s, ok := textOf(a[0])
	if !ok {
		failUndefined(a[0])
		throw(AttributeError, "'%s' object has no attribute 'splitlines'", pyType(a[0]))
	}
	by := c.State.run.e.syntax.newline
	if given(a[3]) {
		by = StrOf(a[3], c.State.Era())
	}
	w := wrapper{width: intArg(a[1], 79), breakLong: a[2] == nil || truth(a[2]), hyphens: a[4] == nil || truth(a[4])}
	var out []string
	for _, line := range splitLines(s, false) {
		out = append(out, strings.Join(w.wrap(line), by))
	}
	return Str(strings.Join(out, by)), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.pprint
func filterPprint(c *Call) (Value, error) {
	a := c.bind(&sigPprint)
	p := pprinter{era: c.State.Era()}
	return Str(p.format(a[0], 0, 0, 0)), nil
}
