package ansible

// This file reads and writes INI as Python's configparser does, and holds the
// filters from_ini and to_ini
// (https://docs.python.org/3/library/configparser.html#supported-ini-file-structure,
// https://docs.ansible.com/ansible/latest/collections/community/general/from_ini_filter.html).

import (
	"fmt"
	"strings"

	"gorun/templates"
)

// An INI is the sections of a file, in their order.
type INI struct {
	Sections []*INISection
	// Defaults are the options of the section DEFAULT, which every other has too.
	Defaults *INISection
}

// An INISection is the options of a section, in their order.
type INISection struct {
	Name   string
	Names  []string
	values map[string]*iniValue
}

// An iniValue is the lines of an option; none is one without a delimiter.
type iniValue struct {
	lines []string
	none  bool
}

// INIOptions are how a file is read.
type INIOptions struct {
	Delimiters string // the characters behind a name; "" is "=:"
	AllowNone  bool   // names without a delimiter may stand alone
	// Fold makes a name of what is written, such as [strings.ToLower].
	Fold func(string) string
	// File is the name of the file for messages.
	File string
}

// Get returns an option's text; none says that it has no value at all.
func (s *INISection) Get(name string) (text string, none, ok bool) {
	v, ok := s.values[name]
	if !ok {
		return "", false, false
	}
	return strings.TrimRight(strings.Join(v.lines, "\n"), " \t\r\n\v\f"), v.none, true
}

// Section returns a section by its name, nil where there is none.
func (f *INI) Section(name string) *INISection {
	for _, s := range f.Sections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// maxInterpolation bounds how deep %(name)s stands for others.
const maxInterpolation = 10

// maxSubstitutions bounds how many texts one option is made of.
const maxSubstitutions = 10_000

// Interpolated is the text of an option of s with each %(name)s in it replaced
// by the option of that name and %% by %.
func (f *INI) Interpolated(s *INISection, name string, fold func(string) string) (text string, none, ok bool, err error) {
	raw, none, ok := f.get(s, name)
	if !ok || none {
		return "", none, ok, nil
	}
	left := maxSubstitutions
	text, err = f.interpolate(s, name, raw, raw, fold, 1, &left)
	return text, false, true, err
}

// get is an option of a section, or of the defaults.
func (f *INI) get(s *INISection, name string) (text string, none, ok bool) {
	if text, none, ok = s.Get(name); !ok {
		return f.Defaults.Get(name)
	}
	return text, none, ok
}

func (f *INI) interpolate(s *INISection, name, raw, rest string, fold func(string) string, depth int, left *int) (string, error) {
	if *left--; depth > maxInterpolation || *left < 0 {
		return "", iniError("InterpolationDepthError", "Recursion limit exceeded in value substitution: option %s in section %s contains an interpolation key which cannot be substituted in %d steps. Raw value: %s", repr(str(name)), repr(str(s.Name)), maxInterpolation, repr(str(raw)))
	}
	var b strings.Builder
	for rest != "" {
		head, tail, found := strings.Cut(rest, "%")
		b.WriteString(head)
		if !found {
			break
		}
		rest = tail
		if strings.HasPrefix(rest, "%") {
			b.WriteByte('%')
			rest = rest[1:]
			continue
		}
		end := strings.IndexByte(rest, ')')
		switch {
		case !strings.HasPrefix(rest, "("):
			return "", iniError("InterpolationSyntaxError", "'%%' must be followed by '%%' or '(', found: %s", repr(str("%"+rest)))
		case end < 0 || !strings.HasPrefix(rest[end+1:], "s"):
			return "", iniError("InterpolationSyntaxError", "bad interpolation variable reference %s", repr(str("%"+rest)))
		}
		key := fold(rest[1:end])
		rest = rest[end+2:]
		v, _, ok := f.get(s, key)
		if !ok {
			return "", iniError("InterpolationMissingOptionError", "Bad value substitution: option %s in section %s contains an interpolation key %s which is not a valid option name. Raw value: %s", repr(str(name)), repr(str(s.Name)), repr(str(key)), repr(str(raw)))
		}
		if strings.Contains(v, "%") {
			var err error
			if v, err = f.interpolate(s, key, v, v, fold, depth+1, left); err != nil {
				return "", err
			}
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// An iniReader is the state between two lines.
type iniReader struct {
	o      INIOptions
	out    *INI
	at     *INISection // nil before the first header
	option string
	indent int
	bad    []string // complaints about lines that cannot be read
}

// An INIError says what is wrong with a file, in configparser's words.
type INIError struct{ Class, Msg string }

func (e *INIError) Error() string { return e.Msg }

func iniError(class, format string, args ...any) error {
	return &INIError{"configparser." + class, fmt.Sprintf(format, args...)}
}

// ParseINI reads a file; its errors are an [INIError].
func ParseINI(s string, o INIOptions) (*INI, error) {
	if o.Delimiters == "" {
		o.Delimiters = "=:"
	}
	if o.Fold == nil {
		o.Fold = func(s string) string { return s }
	}
	if o.File == "" {
		o.File = "<???>"
	}
	r := &iniReader{o: o, out: &INI{Defaults: &INISection{Name: "DEFAULT", values: map[string]*iniValue{}}}}
	number := 0
	for line := range strings.Lines(s) {
		number++
		if err := r.line(line, number); err != nil {
			return nil, err
		}
	}
	if r.bad != nil {
		return nil, iniError("ParsingError", "Source contains parsing errors: %s%s", repr(str(o.File)), strings.Join(r.bad, ""))
	}
	return r.out, nil
}

func (r *iniReader) line(raw string, number int) error {
	word := strings.TrimSpace(raw)
	comment := strings.HasPrefix(word, "#") || strings.HasPrefix(word, ";")
	if word == "" || comment {
		if !comment && r.at != nil && r.option != "" {
			if v := r.at.values[r.option]; !v.none {
				v.lines = append(v.lines, "")
			}
		}
		return nil
	}
	indent := len(raw) - len(strings.TrimLeft(raw, " \t\v\f"))
	if r.at != nil && r.option != "" && indent > r.indent {
		v := r.at.values[r.option]
		v.lines = append(v.lines, word)
		return nil
	}
	r.indent = indent
	if end := strings.LastIndexByte(word, ']'); word[0] == '[' && end > 1 {
		return r.header(word[1:end], number)
	}
	if r.at == nil {
		return iniError("MissingSectionHeaderError", "File contains no section headers.\nfile: %s, line: %d\n%s", repr(str(r.o.File)), number, repr(str(raw)))
	}
	return r.assign(word, raw, number)
}

func (r *iniReader) header(name string, number int) error {
	r.option = ""
	if name == "DEFAULT" {
		r.at = r.out.Defaults
		return nil
	}
	if r.out.Section(name) != nil {
		return iniError("DuplicateSectionError", "While reading from %s [line %2d]: section %s already exists", repr(str(r.o.File)), number, repr(str(name)))
	}
	r.at = &INISection{Name: name, values: map[string]*iniValue{}}
	r.out.Sections = append(r.out.Sections, r.at)
	return nil
}

func (r *iniReader) assign(word, raw string, number int) error {
	v := &iniValue{}
	name := word
	if i := strings.IndexAny(word, r.o.Delimiters); i >= 0 {
		name = word[:i]
		v.lines = []string{strings.TrimSpace(word[i+1:])}
	} else {
		v.none = true
	}
	name = r.o.Fold(strings.TrimSpace(name))
	if name == "" || v.none && !r.o.AllowNone {
		r.bad = append(r.bad, fmt.Sprintf("\n\t[line %2d]: %s", number, repr(str(raw))))
		return nil
	}
	if _, taken := r.at.values[name]; taken {
		return iniError("DuplicateOptionError", "While reading from %s [line %2d]: option %s in section %s already exists", repr(str(r.o.File)), number, repr(str(name)), repr(str(r.at.Name)))
	}
	r.option = name
	r.at.Names = append(r.at.Names, name)
	r.at.values[name] = v
	return nil
}

// filterFromINI gives every section with the defaults in it.
func filterFromINI(c *call) (value, error) {
	var v, delimiters value
	if err := c.Unpack("from_ini", "obj", &v, "delimiters?", &delimiters); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, fail("from_ini requires a str, got %s", pyClass(v))
	}
	o := INIOptions{}
	if given(delimiters) {
		if !isSequence(delimiters) {
			return nil, fail("from_ini's delimiters parameter must be a sequence, got %s", pyClass(delimiters))
		}
		for _, e := range elemsOf(delimiters) {
			d, ok := isText(e)
			if !ok {
				return nil, fail("from_ini's delimiters parameter must be a sequence of strings, got %s", repr(templates.Tuple(elemsOf(delimiters))))
			}
			o.Delimiters += d
		}
	}
	f, err := ParseINI(s, o)
	if err != nil {
		return nil, fail("from_ini failed to parse given string: %s", err)
	}
	out := templates.NewDict(len(f.Sections))
	for _, s := range f.Sections {
		d := templates.NewDict(len(s.Names))
		f.Defaults.into(d)
		s.into(d)
		out.SetStr(s.Name, d)
	}
	if len(f.Defaults.Names) > 0 {
		d := templates.NewDict(len(f.Defaults.Names))
		f.Defaults.into(d)
		out.SetStr("DEFAULT", d)
	}
	return out, nil
}

func (s *INISection) into(d *templates.Dict) {
	for _, n := range s.Names {
		v, _, _ := s.Get(n)
		d.SetStr(n, str(v))
	}
}

// https://docs.ansible.com/ansible/latest/collections/community/general/to_ini_filter.html
func filterToINI(c *call) (value, error) {
	var v, tight value
	if err := c.Unpack("to_ini", "obj", &v, "no_extra_spaces?", &tight); err != nil {
		return nil, err
	}
	m, ok := v.(templates.Mapping)
	if !ok {
		return nil, fail("to_ini requires a dict, got %s", pyClass(v))
	}
	sep := " = "
	if tight != nil {
		b, ok := tight.(templates.Bool)
		if !ok {
			return nil, fail("no_extra_spaces must be a boolean, got %s", pyClass(tight))
		}
		if b {
			sep = "="
		}
	}
	defaults, rest := "", ""
	for _, k := range m.Keys() {
		section, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		s, err := iniSection(text(k), section, sep)
		if err != nil {
			return nil, err
		}
		if text(k) == "DEFAULT" {
			defaults = s
			if inner, ok := section.(templates.Mapping); ok && inner.Len() == 0 {
				defaults = ""
			}
		} else {
			rest += s
		}
	}
	if m.Len() == 0 {
		return nil, fail("to_ini received an empty dict. An empty dict cannot be converted.")
	}
	return str(strings.TrimSuffix(defaults+rest, "\n")), nil
}

func iniSection(name string, v value, sep string) (string, error) {
	m, ok := v.(templates.Mapping)
	if !ok {
		return "", fail("to_ini failed to parse given dict:'%s' object has no attribute 'items'", v.Type())
	}
	var b strings.Builder
	b.WriteString("[" + name + "]\n")
	for _, k := range m.Keys() {
		x, _, err := m.Get(k)
		if err != nil {
			return "", err
		}
		if x == templates.None {
			return "", fail("to_ini failed to parse given dict:option values must be strings")
		}
		b.WriteString(text(k) + sep + strings.ReplaceAll(text(x), "\n", "\n\t") + "\n")
	}
	return b.String() + "\n", nil
}
