package lookup

// This file holds the lookups of one field in a file: csvfile and ini
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/csvfile_lookup.html,
// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ini_lookup.html).

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gorun/modules"
	"gorun/modules/pyre"
	"gorun/templates"
	"gorun/templates/ansible"
)

// A pair is name=value of a term.
type pair struct{ name, value string }

// splitTerm splits a term at blanks outside of quotes into pairs; what is no
// pair is joined to the rest.
func splitTerm(term string) (rest string, pairs []pair) {
	var words []string
	for _, w := range quotedWords(term) {
		name, value, ok := strings.Cut(w, "=")
		if ok && name != "" && !strings.ContainsAny(name, `"'`) {
			pairs = append(pairs, pair{name, unquoted(value)})
			continue
		}
		words = append(words, w)
	}
	return strings.Join(words, " "), pairs
}

// quotedWords splits at blanks; quotes keep blanks and stay.
func quotedWords(s string) []string {
	var words []string
	var word strings.Builder
	quote, in := rune(0), false
	for _, r := range s {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, word.String())
				word.Reset()
			}
			in = false
			continue
		}
		in = true
		word.WriteRune(r)
	}
	if in {
		words = append(words, word.String())
	}
	return words
}

// unquoted takes quotes off that are around all of s.
func unquoted(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[0] == s[len(s)-1] {
		return s[1 : len(s)-1]
	}
	return s
}

// decoded is the text of a file that is written in an encoding.
func decoded(data, encoding string) (string, error) {
	switch strings.ToLower(strings.ReplaceAll(encoding, "_", "-")) {
	case "", "utf-8", "utf8", "ascii", "us-ascii":
		return data, nil
	case "utf-8-sig":
		return strings.TrimPrefix(data, "\ufeff"), nil
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		var b strings.Builder
		for i := range len(data) {
			b.WriteRune(rune(data[i]))
		}
		return b.String(), nil
	}
	return "", raise("LookupError", "unknown encoding: %s", encoding)
}

// A csvQuery is the options of a csvfile lookup for one term.
type csvQuery struct {
	key, file, delimiter, encoding string
	col, keycol                    int
	def                            templates.Value
}

func lookupCSV(c *call) ([]templates.Value, error) {
	var out []templates.Value
	if len(c.terms) == 0 && c.current() {
		return nil, raise(ansibleError, "Search key is required but was not found")
	}
	for _, t := range c.terms {
		term, err := textTerm(t, "split")
		if err != nil {
			return nil, err
		}
		q, err := c.csvQuery(term)
		if err != nil {
			return nil, err
		}
		v, err := c.csvCell(q)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, listOrOne(v)...)
		}
	}
	return out, nil
}

// listOrOne is the elements of a list, else the value alone.
func listOrOne(v templates.Value) []templates.Value {
	if isList(v) {
		return listify(v)
	}
	return []templates.Value{v}
}

func (c *call) csvQuery(term string) (csvQuery, error) {
	q := csvQuery{file: c.str("file", "ansible.csv"), delimiter: c.str("delimiter", "TAB"), encoding: c.str("encoding", "utf-8")}
	q.def, _ = c.given("default")
	opts := map[string]string{}
	key, pairs := splitTerm(term)
	if key == "" {
		return q, raise(ansibleError, "Search key is required but was not found")
	}
	q.key = key
	for _, p := range pairs {
		switch p.name {
		case "file":
			q.file = p.value
		case "delimiter":
			q.delimiter = p.value
		case "encoding":
			q.encoding = p.value
		case "default":
			q.def = str(p.value)
		case "col":
			opts[p.name] = p.value
		case "keycol":
			if c.current() {
				opts[p.name] = p.value
				break
			}
			fallthrough
		default:
			return q, c.inEra(raise(ansibleError, "%s is not a valid option", p.name), raise(ansibleError, "'%s' is not a valid option", p.name))
		}
	}
	var err1, err2 error
	q.col, err1 = c.column(opts, "col", 1)
	q.keycol, err2 = c.column(opts, "keycol", 0)
	if q.delimiter == "TAB" || q.delimiter == `\t` {
		q.delimiter = "\t"
	}
	return q, errors.Join(err1, err2)
}

// column is the number of a column, of the term or of an option.
func (c *call) column(opts map[string]string, name string, def int) (int, error) {
	s, ok := opts[name]
	if v, given := c.given(name); !ok && given && (c.current() || name == "col") { // 2.14 has no keycol, and no types
		s, ok = strings.TrimSpace(text(v)), true
	}
	if !ok {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err == nil {
		return n, nil
	}
	if c.current() {
		return 0, raise(ansibleError, "Config '%s' for 'csvfile' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'int': '%s'.", name, s)
	}
	return 0, raise(ansibleError, "csvfile: invalid literal for int() with base 10: '%s'", s)
}

// csvCell finds the row of the key; without one it gives the default, or nil.
func (c *call) csvCell(q csvQuery) (templates.Value, error) {
	if _, ok := c.findFile("files", q.file); !ok {
		return nil, c.inEra(raise(ansibleError, "csvfile: [Errno 2] No such file or directory: b'None'"), raise(typeError, "expected str, bytes or os.PathLike object, not NoneType"))
	}
	data, err := c.read("files", str(q.file))
	if err == nil {
		data, err = decoded(data, q.encoding)
	}
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(q.delimiter) != 1 {
		return nil, c.inEra(raise(ansibleError, `csvfile: "delimiter" must be a 1-character string`),
			raise(typeError, `"delimiter" must be a unicode character, not a string of length %d`, utf8.RuneCountInString(q.delimiter)))
	}
	rows, err := ansible.ReadCSV(data, ansible.CSVOptions{Delimiter: []rune(q.delimiter)[0]})
	if err != nil {
		return nil, fmt.Errorf("csvfile: %w", err)
	}
	short := c.inEra(raise(ansibleError, "csvfile: list index out of range"), raise("IndexError", "list index out of range"))
	for _, row := range rows {
		at, ok := place(q.keycol, len(row))
		if !ok {
			return nil, short
		}
		if row[at] != q.key {
			continue
		}
		if at, ok = place(q.col, len(row)); !ok {
			return nil, short
		}
		return str(row[at]), nil
	}
	if q.def == nil && len(rows) >= 0 {
		return templates.NewList(), nil
	}
	return q.def, nil
}

// place is an index as Python counts it, from the end where it is negative.
func place(i, n int) (int, bool) {
	if i < 0 {
		i += n
	}
	return i, i >= 0 && i < n
}

// iniOptions are the names that a term may set.
var iniOptions = []string{"type", "file", "section", "re", "encoding", "default", "case_sensitive", "allow_no_value", "allow_none", "interpolation"}

// An iniQuery is the options of an ini lookup for one term.
type iniQuery struct {
	key, file, section, kind, encoding string
	def                                templates.Value
	re, caseSensitive, allowNone, raw  bool
}

func lookupINI(c *call) ([]templates.Value, error) {
	var out []templates.Value
	for _, t := range c.terms {
		if t.Type() != "str" {
			return nil, c.inEra(raise(typeError, "argument of type '%s' is not iterable", t.Type()), raise(typeError, "argument of type '%s' is not a container or iterable", t.Type()))
		}
		q, err := c.iniQuery(text(t))
		if err != nil {
			return nil, err
		}
		vals, err := c.iniValues(q)
		if err != nil {
			return nil, err
		}
		out = append(out, vals...)
	}
	return out, nil
}

// iniWords splits a term: what begins with an option's name is an option, every
// other word belongs to what stands before it.
func iniWords(term string) []string {
	var words []string
	for w := range strings.SplitSeq(term, " ") {
		name, _, ok := strings.Cut(w, "=")
		if len(words) == 0 || ok && slices.Contains(iniOptions, name) {
			words = append(words, w)
			continue
		}
		words[len(words)-1] += " " + w
	}
	return words
}

func (c *call) iniQuery(term string) (iniQuery, error) {
	q := iniQuery{file: c.str("file", "ansible.ini"), section: c.str("section", "global"), encoding: c.str("encoding", "utf-8"), def: str("")}
	if v, ok := c.given("default"); ok {
		q.def = v
	}
	var errs [6]error
	q.kind, errs[0] = c.choice("type", "ini", "ini", "properties")
	q.re, errs[1] = c.flag("re", false)
	q.caseSensitive, errs[2] = c.flag("case_sensitive", false)
	q.allowNone, errs[3] = c.flag("allow_no_value", false)
	if v, ok := c.given("allow_none"); ok {
		q.allowNone = asBool(v)
	}
	interpolation := true
	if c.current() { // 2.14 has no such option
		interpolation, errs[4] = c.flag("interpolation", true)
	}
	q.raw = !interpolation
	if err := errors.Join(errs[:]...); err != nil {
		return q, err
	}
	words := iniWords(term)
	q.key = words[0]
	for _, w := range words[1:] {
		if n := strings.Count(w, "=") + 1; n != 2 {
			list := make([]templates.Value, len(words))
			for i, w := range words {
				list[i] = str(w)
			}
			shown := templates.Repr(templates.NewList(list...), templates.Current)
			return q, c.inEra(raise(lookupError, "Could not use '%s' from '%s': too many values to unpack (expected 2). too many values to unpack (expected 2)", w, shown),
				raise(lookupError, "Could not use '%s' from %s: too many values to unpack (expected 2, got %d)", w, shown, n))
		}
		name, value, _ := strings.Cut(w, "=")
		if err := q.set(name, value); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *iniQuery) set(name, value string) error {
	var err error
	switch name {
	case "type":
		q.kind = value
	case "file":
		q.file = value
	case "section":
		q.section = value
	case "encoding":
		q.encoding = value
	case "default":
		q.def = str(value)
	case "re": // the rest is taken from the options alone
		q.re, err = modules.ToBool(value)
	}
	return err
}

// propertiesSection is what a properties file's options are read into.
const propertiesSection = "java_properties"

// iniValues are the values of a key, or with re of all keys that match.
func (c *call) iniValues(q iniQuery) ([]templates.Value, error) {
	if _, ok := c.findFile("files", q.file); !ok {
		return nil, c.inEra(raise(parserError, "Invalid filename: 'None'"), raise(parserError, "Invalid filename None."))
	}
	data, err := c.read("files", str(q.file))
	if err == nil {
		data, err = decoded(data, q.encoding)
	}
	if err != nil {
		return nil, err
	}
	if q.kind == "properties" {
		data, q.section = "["+propertiesSection+"]\n"+data, propertiesSection
	}
	fold := strings.ToLower
	if q.caseSensitive {
		fold = func(s string) string { return s }
	}
	f, err := ansible.ParseINI(data, ansible.INIOptions{AllowNone: q.allowNone, Fold: fold})
	if err != nil {
		return nil, iniProblem(err)
	}
	section := f.Section(q.section)
	if q.section == f.Defaults.Name {
		section = f.Defaults
	}
	if section == nil {
		return nil, c.inEra(raise(lookupError, "No section '%s' in %s", q.section, q.file), raise(lookupError, "No section '%s' in '%s'.", q.section, q.file))
	}
	get := func(name string) (templates.Value, bool, error) {
		s, none, ok, err := f.Interpolated(section, name, fold)
		if q.raw && ok && !none {
			if s, _, ok = section.Get(name); !ok {
				s, _, ok = f.Defaults.Get(name)
			}
			err = nil
		}
		if none {
			return templates.None, ok, iniProblem(err)
		}
		return str(s), ok, iniProblem(err)
	}
	if q.re {
		return matchingOptions(f, section, q.key, get)
	}
	v, ok, err := get(fold(q.key))
	if err != nil {
		return nil, err
	}
	if !ok {
		v = q.def
	}
	if v == templates.None {
		return nil, nil
	}
	return listOrOne(v), nil
}

func iniProblem(err error) error {
	var bad *ansible.INIError
	if errors.As(err, &bad) {
		return raise(bad.Class, "%s", bad.Msg)
	}
	return err
}

// matchingOptions are the values of all options that a pattern matches, those of
// the defaults first.
func matchingOptions(f *ansible.INI, s *ansible.INISection, pattern string, get func(string) (templates.Value, bool, error)) ([]templates.Value, error) {
	re, err := pyre.Compile(pattern, 0)
	if err != nil {
		return nil, raise("re.error", "%s", err)
	}
	var out []templates.Value
	names := slices.Clone(f.Defaults.Names)
	for _, n := range s.Names {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for _, n := range names {
		if re.Match(n) == nil {
			continue
		}
		v, ok, err := get(n)
		if err != nil {
			return nil, err
		}
		if ok && v != templates.None {
			out = append(out, v)
		}
	}
	return out, nil
}
