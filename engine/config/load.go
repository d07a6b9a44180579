package config

// This file finds the configuration and computes the settings from it.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type kind int

const (
	kindStr kind = iota
	kindBool
	kindInt
	kindFloat
	kindList     // by commas
	kindPath     // one path
	kindPathList // paths by commas
	kindPathSpec // paths by colons
)

// use says what gorun does with a setting.
type use int

const (
	honoured use = iota
	ignored      // has no effect although a playbook may rely on it: the user is told
	harmless     // has no effect, and nothing depends on it
)

type setting struct {
	name    string
	kind    kind
	def     string
	env     []string
	ini     []string // section.key
	choices []string
	use     use
}

// An Error is a configuration that cannot be used.
type Error struct {
	File string // "" for the environment
	Line int    // 0: none
	Col  int    // where the line goes wrong, 0: unknown
	Msg  string
	// Today is Msg in the words of today's Ansible.
	Today string
	// Got and Known are set where a value is none of a setting's choices.
	Got   string
	Known []string
}

func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Msg
	case e.Line == 0:
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Load finds and reads the configuration. The errors are *Error, all that
// there are, joined.
func Load(o Options) (*Config, error) {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.Home == "" {
		o.Home, _ = os.UserHomeDir() // without one ~ stays as it is
	}
	if o.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		o.Dir = dir
	}
	c := &Config{values: make(map[string]Setting, len(table))}
	f, err := c.find(o)
	if err != nil {
		return nil, err
	}
	c.file = f
	r := resolver{opts: o, file: f, home: filepath.Join(o.Home, ".ansible")}
	var errs []error
	if err := r.readHome(c); err != nil {
		errs = append(errs, err)
	}
	for i := range table {
		s, err := r.resolve(&table[i])
		if err != nil {
			errs = append(errs, err)
		}
		c.values[s.Name] = s
	}
	c.values["CONFIG_FILE"] = Setting{Name: "CONFIG_FILE", Value: c.File, Origin: "default"}
	c.unknown = unknownKeys(f)
	return c, errors.Join(errs...)
}

// find reads the first configuration file that there is.
func (c *Config) find(o Options) (*iniFile, error) {
	if o.File != "" {
		c.File = o.File
		return readINI(o.File)
	}
	var places []string
	if p, ok := o.Getenv("ANSIBLE_CONFIG"); ok && p != "" {
		p = absolute(expand(p, o), o.Dir)
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			p = filepath.Join(p, "ansible.cfg")
		}
		places = append(places, p)
	}
	here := filepath.Join(o.Dir, "ansible.cfg")
	if st, err := os.Stat(o.Dir); err == nil && st.Mode().Perm()&0o002 != 0 {
		if _, err := os.Stat(here); err == nil && !slices.Contains(places, here) {
			c.Warnings = append(c.Warnings, "Ansible is being run in a world writable directory ("+o.Dir+"), ignoring it as an ansible.cfg source.")
		}
	} else {
		places = append(places, here)
	}
	if o.Home != "" {
		places = append(places, filepath.Join(o.Home, ".ansible.cfg"))
	}
	places = append(places, "/etc/ansible/ansible.cfg")
	for _, p := range places {
		st, err := os.Stat(p)
		if err != nil || st.IsDir() {
			continue
		}
		f, err := readINI(p)
		if errors.Is(err, fs.ErrPermission) {
			continue
		}
		c.File = p
		return f, err
	}
	return &iniFile{}, nil
}

// A resolver computes settings.
type resolver struct {
	opts Options
	file *iniFile
	home string // ANSIBLE_HOME
}

// readHome computes ANSIBLE_HOME, on which other defaults build.
func (r *resolver) readHome(c *Config) error {
	for i := range table {
		if table[i].name == "ANSIBLE_HOME" {
			s, err := r.resolve(&table[i])
			if p, ok := s.Value.(string); ok {
				r.home = p
			}
			return err
		}
	}
	return nil
}

// resolve gives a setting its value; on an error the default stays.
func (r *resolver) resolve(s *setting) (Setting, error) {
	out := Setting{Name: s.name, Origin: "default"}
	if def := strings.ReplaceAll(s.def, "{{ANSIBLE_HOME}}", r.home); def != "" || s.kind == kindList {
		v, err := r.convert(s, def, r.opts.Dir)
		if err != nil {
			return out, fmt.Errorf("config: the default of %s: %w", s.name, err)
		}
		out.Value, out.Default = v, v
	}
	raw, origin, dir, at := r.raw(s)
	if origin == "" {
		return out, nil
	}
	v, err := r.convert(s, raw, dir)
	if err != nil {
		e := &Error{
			Msg: fmt.Sprintf("Invalid type for configuration option setting: %s (from %s): %v", s.name, origin, err),
			Today: fmt.Sprintf("Config '%s' from '%s' has an invalid value: Invalid value provided for '%s': '%s'. Value must be of type '%[3]s'.",
				s.name, origin, pythonKinds[s.kind], raw),
		}
		if errors.Is(err, errChoice) {
			e.Got, e.Known = raw, s.choices
			e.Today = fmt.Sprintf("Config '%s' from '%s' has an invalid value '%s'. Valid values are: %s.", s.name, origin, raw, strings.Join(s.choices, ", "))
			e.Msg = fmt.Sprintf("Invalid value \"%s\" for configuration option \"setting: %s \", valid values are: %s", raw, s.name, strings.Join(s.choices, ", "))
		}
		if at > 0 {
			e.File, e.Line, e.Col = r.file.path, at, r.file.columns[at]
		}
		return out, e
	}
	out.Value, out.Origin = v, origin
	return out, nil
}

// raw finds the text of a setting: the last variable of the environment that
// is set, else the last key of the file.
func (r *resolver) raw(s *setting) (text, origin, dir string, line int) {
	for _, name := range s.env {
		if v, ok := r.opts.Getenv(name); ok {
			text, origin, dir = v, "env: "+name, r.opts.Dir
		}
	}
	if origin != "" {
		return text, origin, dir, 0
	}
	for _, key := range s.ini {
		if e, ok := r.file.keys[key]; ok {
			text, origin, dir, line = unquote(e.value), r.file.path, filepath.Dir(r.file.path), e.line
		}
	}
	return text, origin, dir, line
}

// pythonKinds are today's Ansible's names of the types that can be wrong.
var pythonKinds = map[kind]string{kindInt: "integer", kindFloat: "float"}

// errChoice says that a value is none of those that a setting takes.
var errChoice = errors.New("not one of the choices")

// colourNumber is a colour of a terminal with 256: the newer releases take it
// beside the names.
var colourNumber = regexp.MustCompile(`^(color[0-9]+|rgb[0-5]{3}|gray[0-9]+)$`)

func (r *resolver) convert(s *setting, text, dir string) (any, error) {
	if len(s.choices) > 0 && !slices.Contains(s.choices, text) && !(strings.HasPrefix(s.name, "COLOR_") && colourNumber.MatchString(text)) {
		return nil, errChoice
	}
	switch s.kind {
	case kindBool:
		return slices.Contains([]string{"y", "yes", "on", "1", "true", "t", "1.0"}, strings.ToLower(text)), nil
	case kindInt:
		i, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("%q is no integer", text)
		}
		return i, nil
	case kindFloat:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return f, nil
	case kindList:
		return split(text, ","), nil
	case kindPath:
		if text == "" {
			return nil, nil
		}
		return r.path(text, dir), nil
	case kindPathList, kindPathSpec:
		by := ","
		if s.kind == kindPathSpec {
			by = ":"
		}
		paths := split(text, by)
		for i, p := range paths {
			paths[i] = r.path(p, dir)
		}
		return paths, nil
	}
	return text, nil
}

// path makes a path absolute. A comma list of hosts is no path.
func (r *resolver) path(p, dir string) string {
	p = strings.ReplaceAll(p, "{{CWD}}", r.opts.Dir)
	return absolute(expand(p, r.opts), dir)
}

func absolute(p, dir string) string {
	if !filepath.IsAbs(p) {
		p = filepath.Join(dir, p)
	}
	return filepath.Clean(p)
}

// expand replaces a leading ~ and variables of the environment; an unknown
// variable stays as it is.
func expand(p string, o Options) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = o.Home + p[1:]
	}
	return os.Expand(p, func(name string) string {
		if v, ok := o.Getenv(name); ok {
			return v
		}
		return "$" + name
	})
}

// split cuts a list, trims its elements and takes quotes off.
func split(text, by string) []string {
	list := []string{}
	for e := range strings.SplitSeq(text, by) {
		if e = unquote(strings.TrimSpace(e)); e != "" {
			list = append(list, e)
		}
	}
	return list
}

func unquote(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
