package templates

// This file holds the filters of HTML, URLs and JSON.

import (
	"html"
	"regexp"
	"slices"
	"strings"
)

var (
	sigEscape      = signatureOf("escape", 0, "s")
	sigForceescape = signatureOf("do_forceescape", 0, "value")
	sigSafe        = signatureOf("do_mark_safe", 0, "value")
	sigStriptags   = signatureOf("do_striptags", 0, "value")
	sigTojson      = signatureOf("do_tojson", 1, "value", "indent?")
	sigUrlencode   = signatureOf("do_urlencode", 0, "value")
	sigUrlize      = signatureOf("do_urlize", 1, "value", "trim_url_limit?", "nofollow?", "target?", "rel?", "extra_schemes?")
	sigXmlattr     = signatureOf("do_xmlattr", 1, "d", "autospace?")
)

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

// escapeHTML is markupsafe's escape of a text.
func escapeHTML(s string) string {
	if !strings.ContainsAny(s, `&<>'"`) {
		return s
	}
	return htmlEscaper.Replace(s)
}

// escapeValue is markupsafe's escape of any value.
func escapeValue(v Value, era Era) string {
	switch x := v.(type) {
	case Markup:
		return string(x)
	case *moduleValue:
		return x.body
	case *Undefined:
		if x.Kind == ChainableUndefined {
			return x.text()
		}
	}
	return escapeHTML(StrOf(v, era))
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.escape
func filterEscape(c *Call) (Value, error) {
	a := c.bind(&sigEscape)
	return Markup(escapeValue(a[0], c.State.Era())), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.forceescape
func filterForceescape(c *Call) (Value, error) {
	a := c.bind(&sigForceescape)
	return Markup(escapeHTML(StrOf(a[0], c.State.Era()))), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.safe
func filterSafe(c *Call) (Value, error) {
	a := c.bind(&sigSafe)
	return Markup(StrOf(a[0], c.State.Era())), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.striptags
func filterStriptags(c *Call) (Value, error) {
	a := c.bind(&sigStriptags)
	s := StrOf(a[0], c.State.Era())
	s = cutAll(s, "<!--", "-->")
	s = cutAll(s, "<", ">")
	return Str(html.UnescapeString(strings.Join(strings.FieldsFunc(s, isSpace), " "))), nil
}

// cutAll removes everything between open and end.
func cutAll(s, open, end string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, open)
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], end)
		if j < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i+j+len(end):]
	}
	return b.String() + s
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.tojson
func filterTojson(c *Call) (Value, error) {
	a := c.bind(&sigTojson)
	w := jsonWriter{itemSep: ", ", keySep: ": ", sortKeys: true}
	if given(a[1]) {
		w.itemSep, w.pretty = ",", true
		if s, ok := textOf(a[1]); ok {
			w.indent = s
		} else {
			n := max(mustIndex(a[1]), 0)
			c.State.run.bound(n)
			w.indent = strings.Repeat(" ", n)
		}
	}
	s := string(w.append(nil, a[0], 0))
	return Markup(jsonEscaper.Replace(s)), nil
}

var jsonEscaper = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`)

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.urlencode
func filterUrlencode(c *Call) (Value, error) {
	a := c.bind(&sigUrlencode)
	rt := c.State.run
	if isText(a[0]) {
		return Str(quoteURL(StrOf(a[0], rt.era), "/", false)), nil
	}
	var items []Value
	if m, ok := a[0].(Mapping); ok {
		items = dictView{"items", m}.elems()
	} else if elems, ok := rt.iterable(a[0]); ok {
		items = elems
	} else {
		return Str(quoteURL(urlText(a[0], rt.era), "/", false)), nil
	}
	parts := make([]string, len(items))
	for i, it := range items {
		pair, ok := rt.iterable(it)
		if !ok {
			throw(TypeError, "cannot unpack non-iterable %s object", pyType(it))
		}
		if len(pair) < 2 {
			throw(ValueError, "not enough values to unpack (expected 2, got %d)", len(pair))
		}
		if len(pair) > 2 {
			throw(ValueError, "too many values to unpack (expected 2)")
		}
		parts[i] = quoteURL(urlText(pair[0], rt.era), "", true) + "=" + quoteURL(urlText(pair[1], rt.era), "", true)
	}
	return Str(strings.Join(parts, "&")), nil
}

func urlText(v Value, era Era) string {
	if b, ok := v.(Bytes); ok {
		return string(b)
	}
	return StrOf(v, era)
}

// quoteURL is urllib.parse.quote.
func quoteURL(s, safe string, plus bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', isDigit(c), strings.IndexByte("_.-~", c) >= 0, strings.IndexByte(safe, c) >= 0:
			b.WriteByte(c)
		case c == ' ' && plus:
			b.WriteByte('+')
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.xmlattr
func filterXmlattr(c *Call) (Value, error) {
	a := c.bind(&sigXmlattr)
	era := c.State.Era()
	m, ok := a[0].(Mapping)
	if !ok {
		failUndefined(a[0])
		throw(AttributeError, "'%s' object has no attribute 'items'", pyType(a[0]))
	}
	var items []string
	for _, pair := range (dictView{"items", m}).elems() {
		k, v := pair.(Tuple)[0], pair.(Tuple)[1]
		if v == None || IsUndefined(v) {
			continue
		}
		key, ok := textOf(k)
		if !ok {
			throw(TypeError, "expected string or bytes-like object, got '%s'", pyType(k))
		}
		if strings.ContainsAny(key, " \t\n\r\f\v/>=") {
			throw(ValueError, "Invalid character in attribute name: %s", Repr(Str(key), Current))
		}
		items = append(items, escapeValue(k, era)+`="`+escapeValue(v, era)+`"`)
	}
	out := strings.Join(items, " ")
	if out != "" && (a[1] == nil || truth(a[1])) {
		out = " " + out
	}
	if c.State.Autoescape() {
		return Markup(out), nil
	}
	return Str(out), nil
}

// urlText patterns, as Jinja2's urlize recognises them.
var (
	httpURL = regexp.MustCompile(`(?i)^(?:(?:https?://|www\.)(?:(?:[\pL\pN_%-]+\.)+)?(?:[a-z]{2,63}|xn--[\pL\pN_%]{2,59})|` +
		`(?:[\pL\pN_%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|(?:https?://)(?:(?:[\d]{1,3})(?:\.[\d]{1,3}){3}|` +
		`\[(?:(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6})\]))(?::[\d]{1,5})?(?:[/?#]\S*)?$`)
	emailAddr    = regexp.MustCompile(`^\S+@[\pL\pN_][\pL\pN_.-]*\.[\pL\pN_]+$`)
	uriScheme    = regexp.MustCompile(`^([\pL\pN_.+-]{2,}:(/){0,2})$`)
	urlHead      = regexp.MustCompile(`^([(<]|&lt;)+`)
	urlTail      = regexp.MustCompile(`([)>.,\n]|&gt;)+$`)
	blanks       = regexp.MustCompile(`\s+`)
	urlBalancing = [][2]string{{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}}
)

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.urlize
func filterUrlize(c *Call) (Value, error) {
	a := c.bind(&sigUrlize)
	rt := c.State.run
	u := urlizer{limit: -1}
	if given(a[1]) {
		u.limit = mustIndex(a[1])
	}
	rel := map[string]bool{"noopener": true}
	if given(a[4]) {
		for _, r := range strings.FieldsFunc(StrOf(a[4], rt.era), isSpace) {
			rel[r] = true
		}
	}
	if optTruth(a[2]) {
		rel["nofollow"] = true
	}
	var rels []string
	for r := range rel {
		rels = append(rels, r)
	}
	slices.Sort(rels)
	u.attrs = ` rel="` + escapeHTML(strings.Join(rels, " ")) + `"`
	if given(a[3]) && truth(a[3]) {
		u.attrs += ` target="` + escapeValue(a[3], rt.era) + `"`
	}
	if given(a[5]) {
		for _, s := range rt.iter(a[5]) {
			scheme := StrOf(s, rt.era)
			if !uriScheme.MatchString(scheme) {
				return nil, &Error{Kind: FilterError, Msg: Repr(Str(scheme), Current) + " is not a valid URI scheme prefix."}
			}
			u.schemes = append(u.schemes, scheme)
		}
	}
	out := u.urlize(escapeValue(a[0], rt.era))
	if c.State.Autoescape() {
		return Markup(out), nil
	}
	return Str(out), nil
}

type urlizer struct {
	limit   int
	attrs   string
	schemes []string
}

func (u *urlizer) urlize(text string) string {
	var b strings.Builder
	for text != "" {
		at := blanks.FindStringIndex(text)
		if at == nil {
			at = []int{len(text), len(text)}
		}
		b.WriteString(u.word(text[:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		text = text[at[1]:]
	}
	return b.String()
}

func (u *urlizer) trim(s string) string {
	if u.limit >= 0 && runeLen(s) > u.limit {
		return prefix(s, u.limit) + "..."
	}
	return s
}

func (u *urlizer) word(word string) string {
	head := urlHead.FindString(word)
	middle := word[len(head):]
	tail := urlTail.FindString(middle)
	middle = middle[:len(middle)-len(tail)]
	for _, pair := range urlBalancing {
		open := strings.Count(middle, pair[0])
		if open <= strings.Count(middle, pair[1]) {
			continue
		}
		for range min(open, strings.Count(tail, pair[1])) {
			end := strings.Index(tail, pair[1]) + len(pair[1])
			middle += tail[:end]
			tail = tail[end:]
		}
	}
	switch mail, isMail := strings.CutPrefix(middle, "mailto:"); {
	case httpURL.MatchString(middle):
		href := middle
		if !strings.HasPrefix(middle, "https://") && !strings.HasPrefix(middle, "http://") {
			href = "https://" + middle
		}
		middle = `<a href="` + href + `"` + u.attrs + ">" + u.trim(middle) + "</a>"
	case isMail && emailAddr.MatchString(mail):
		middle = `<a href="` + middle + `">` + mail + "</a>"
	case strings.Contains(middle, "@") && !strings.HasPrefix(middle, "www.") && !strings.HasPrefix(middle, "@") &&
		!strings.Contains(middle, ":") && emailAddr.MatchString(middle):
		middle = `<a href="mailto:` + middle + `">` + middle + "</a>"
	default:
		for _, s := range u.schemes {
			if middle != s && strings.HasPrefix(middle, s) {
				middle = `<a href="` + middle + `"` + u.attrs + ">" + middle + "</a>"
			}
		}
	}
	return head + middle + tail
}
