package ansible

// This file holds the filters of texts.

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/modules/pyre"
	"gorun/templates"
)

var textFilters = table{
	"regex_search": filterRegexSearch, "regex_replace": filterRegexReplace, "regex_findall": filterRegexFindall, "regex_escape": filterRegexEscape,
	"quote": filterQuote, "split": filterSplit, "comment": filterComment, "urlsplit": filterURLSplit, "urldecode": filterURLDecode,
}

// regexFlags are the flags that the regex filters have by name.
func regexFlags(ignoreCase, multiline value) pyre.Flags {
	var f pyre.Flags
	if truth(ignoreCase) {
		f |= pyre.IgnoreCase
	}
	if truth(multiline) {
		f |= pyre.Multiline
	}
	return f
}

// maxRegexes bounds how many compiled patterns are kept.
const maxRegexes = 1000

var regexes = newCache[*pyre.Regexp](maxRegexes)

func compile(pattern string, flags pyre.Flags) (*pyre.Regexp, error) {
	return regexes.get(fmt.Sprint(int(flags), pattern), func() (*pyre.Regexp, error) {
		re, err := pyre.Compile(pattern, flags)
		if err != nil {
			return nil, &templates.Error{Kind: "error", Msg: err.Error(), Cause: err}
		}
		return re, nil
	})
}

// compileValue compiles a pattern that has to be a text.
func compileValue(v value, flags pyre.Flags) (*pyre.Regexp, error) {
	if _, ok := isText(v); !ok && v.Type() != "str" {
		return nil, typeError("first argument must be string or compiled pattern")
	}
	return compile(text(v), flags)
}

// groupText is a group of a match, None where it took no part.
func groupText(m *pyre.Match, n int) value {
	if s, ok := m.Group(n); ok {
		return str(s)
	}
	return templates.None
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/regex_search_filter.html
func filterRegexSearch(c *call) (value, error) {
	own, rest := keep(c, "value", "regex")
	var v, regex, ignoreCase, multiline value
	var groups []value
	if err := own.Unpack("regex_search", "value", &v, "regex", &regex, "*args", &groups); err != nil {
		return nil, err
	}
	for _, k := range rest {
		switch k.Name {
		case "ignorecase":
			ignoreCase = k.Value
		case "multiline":
			multiline = k.Value
		}
	}
	re, err := compileValue(regex, regexFlags(ignoreCase, multiline))
	if err != nil {
		return nil, err
	}
	wanted := make([]regexGroup, len(groups))
	for i, g := range groups {
		if wanted[i], err = readGroup(text(g)); err != nil {
			return nil, err
		}
	}
	m := re.Search(text(v))
	if m == nil {
		return templates.None, nil
	}
	if len(wanted) == 0 {
		return str(m.Text()), nil
	}
	out := make([]value, len(wanted))
	for i, g := range wanted {
		n, ok := g.number, g.name == ""
		if !ok {
			n, ok = re.GroupIndex()[g.name]
		}
		if !ok || n > re.NumGroups() {
			return nil, raise(templates.IndexError, "no such group")
		}
		out[i] = groupText(m, n)
	}
	return list(out), nil
}

// A regexGroup is a group that is asked for by its name or its number.
type regexGroup struct {
	name   string
	number int
}

var (
	namedGroup    = regexp.MustCompile(`^\\g<(\S+)>`)
	numberedGroup = regexp.MustCompile(`^\\(\d+)`)
)

// readGroup reads "\1" and "\g<name>"; what follows them does not count.
func readGroup(arg string) (regexGroup, error) {
	if !strings.HasPrefix(arg, `\`) {
		return regexGroup{}, fail("Unknown argument")
	}
	if strings.HasPrefix(arg, `\g`) {
		if m := namedGroup.FindStringSubmatch(arg); m != nil {
			return regexGroup{name: m[1]}, nil
		}
	} else if m := numberedGroup.FindStringSubmatch(arg); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return regexGroup{number: n}, nil
		}
		return regexGroup{number: math.MaxInt}, nil
	}
	return regexGroup{}, raise(templates.AttributeError, "'NoneType' object has no attribute 'group'")
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/regex_replace_filter.html
func filterRegexReplace(c *call) (value, error) {
	var v, regex, ignoreCase, multiline, mandatory value = nil, str(""), nil, nil, nil
	replacement, count := "", 0
	if err := c.Unpack("regex_replace", "value?", &v, "pattern?", &regex, "replacement?", &replacement, "ignorecase?", &ignoreCase,
		"multiline?", &multiline, "count?", &count, "mandatory_count?", &mandatory); err != nil {
		return nil, err
	}
	re, err := compileValue(regex, regexFlags(ignoreCase, multiline))
	if err != nil {
		return nil, err
	}
	out, n, err := re.Sub(replacement, text(v), count)
	if err != nil {
		return nil, &templates.Error{Kind: "error", Msg: err.Error(), Cause: err}
	}
	if given(mandatory) && mandatory.Truth() {
		if want, _ := integer(mandatory); want != int64(n) {
			return nil, fail("'%s' should match %d times, but matches %d times in '%s'", text(regex), want, n, text(v))
		}
	}
	return str(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/regex_findall_filter.html
func filterRegexFindall(c *call) (value, error) {
	var v, regex, multiline, ignoreCase value
	if err := c.Unpack("regex_findall", "value", &v, "regex", &regex, "multiline?", &multiline, "ignorecase?", &ignoreCase); err != nil {
		return nil, err
	}
	re, err := compileValue(regex, regexFlags(ignoreCase, multiline))
	if err != nil {
		return nil, err
	}
	var out []value
	for _, m := range re.FindAll(text(v)) {
		if re.NumGroups() < 2 {
			out = append(out, str(m[0]))
			continue
		}
		row := make(templates.Tuple, len(m))
		for i, g := range m {
			row[i] = str(g)
		}
		out = append(out, row)
	}
	return list(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/regex_escape_filter.html
func filterRegexEscape(c *call) (value, error) {
	var v value
	kind := "python"
	if err := c.Unpack("regex_escape", "string", &v, "re_type?", &kind); err != nil {
		return nil, err
	}
	switch kind {
	case "python":
		return str(pyre.Escape(text(v))), nil
	case "posix_basic", "posix_extended":
		special := `[].^$*\`
		if kind == "posix_extended" {
			if c.State.Era() != templates.Current {
				return nil, fail("Regex type (%s) not yet implemented", kind)
			}
			special += "+?(){}|"
		}
		var b strings.Builder
		for _, r := range text(v) {
			if strings.ContainsRune(special, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		return str(b.String()), nil
	}
	return nil, fail("Invalid regex type (%s)", kind)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/quote_filter.html
func filterQuote(c *call) (value, error) {
	var v value
	if err := c.Unpack("quote", "a", &v); err != nil {
		return nil, err
	}
	if v == templates.None {
		v = str("")
	}
	return str(modules.ShellQuote(text(v))), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/split_filter.html
func filterSplit(c *call) (value, error) {
	if len(c.Args) == 0 {
		return nil, raise(templates.TypeError, "split() missing 1 required positional argument: 'string'")
	}
	s, ok := isText(c.Args[0])
	if !ok {
		return nil, raise(templates.TypeError, "descriptor 'split' for 'str' objects doesn't apply to a '%s' object", c.Args[0].Type())
	}
	f, err := c.State.GetAttr(str(s), "split")
	if err != nil {
		return nil, err
	}
	return c.State.CallValue(f, c.Args[1:], c.Kwargs)
}

// commentStyles are the styles of the filter comment.
var commentStyles = map[string]map[string]string{
	"plain":  {"decoration": "# "},
	"erlang": {"decoration": "% "},
	"c":      {"decoration": "// "},
	"cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
	"xml":    {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/comment_filter.html
func filterComment(c *call) (value, error) {
	own, rest := keep(c, "text", "style")
	var v value
	style := "plain"
	if err := own.Unpack("comment", "text", &v, "style?", &style); err != nil {
		return nil, err
	}
	base, ok := commentStyles[style]
	if !ok {
		return nil, raise(templates.KeyError, "%s", repr(str(style)))
	}
	p := map[string]string{"newline": "\n", "beginning": "", "prefix": "", "prefix_count": "1", "postfix": "", "postfix_count": "1", "end": ""}
	for k, v := range base {
		p[k] = v
	}
	if d, ok := kwarg(rest, "decoration"); ok {
		p["decoration"] = text(d)
	}
	p["prefix"] = strings.TrimRight(p["decoration"], " ")
	p["postfix"] = p["prefix"]
	for _, k := range rest {
		p[k.Name] = text(k.Value)
	}
	s, ok := isText(v)
	if !ok {
		return nil, raise(templates.AttributeError, "'%s' object has no attribute 'replace'", v.Type())
	}
	return str(commented(s, p)), nil
}

func kwarg(kws []templates.Kwarg, name string) (value, bool) {
	for _, k := range kws {
		if k.Name == name {
			return k.Value, true
		}
	}
	return nil, false
}

// commented decorates the lines of s.
func commented(s string, p map[string]string) string {
	nl := p["newline"]
	repeat := func(part, count string) string {
		n, err := toInt(str(p[count]))
		if err != nil || p[part] == "" && n == 0 {
			return ""
		}
		return strings.Repeat(p[part]+nl, int(min(max(n, 0), 10000)))
	}
	begin, end := "", ""
	if p["beginning"] != "" {
		begin = p["beginning"] + nl
	}
	if p["end"] != "" {
		end = nl + p["end"]
	}
	prefix, postfix := "", ""
	if p["prefix"] != "" {
		prefix = repeat("prefix", "prefix_count")
	}
	body := strings.ReplaceAll(p["decoration"]+strings.ReplaceAll(s, nl, nl+p["decoration"]), p["decoration"]+nl, strings.TrimRight(p["decoration"], " ")+nl)
	if n, err := toInt(str(p["postfix_count"])); err == nil {
		postfix = strings.Repeat(nl+p["postfix"], int(min(max(n, 0), 10000)))
	}
	return begin + prefix + body + postfix + end
}
