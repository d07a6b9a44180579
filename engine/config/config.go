// Package config finds and reads ansible.cfg, the environment and defaults as
// Ansible does: the environment wins over the file, the file over the default.
// Settings are named as ansible-config names them.
package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Options say where to look; the zero value looks at this process.
type Options struct {
	// Getenv defaults to os.LookupEnv.
	Getenv func(name string) (string, bool)
	// Dir is the working directory, Home the user's folder; "" asks the system.
	Dir, Home string
	// File is read instead of the one that is searched for.
	File string
}

// A Config is the settings of a run.
type Config struct {
	// File is the configuration file that was read, "" for none.
	File string
	// Warnings are what the user should be told, such as a file that was not
	// read because everybody can write its folder.
	Warnings []string

	values  map[string]Setting
	unknown []string
	file    *iniFile
}

// A Setting is a value and where it comes from.
type Setting struct {
	Name   string
	Value  any    // string, bool, int, float64, []string, or nil where not set
	Origin string // "default", "env: NAME", or the file's path
	// Default is the value that the setting has where nobody sets it.
	Default any
}

// lookup panics on a name that the table does not have: that is a mistake in
// the program, never in a configuration.
func (c *Config) lookup(name string) Setting {
	s, ok := c.values[name]
	if !ok {
		panic(fmt.Sprintf("config: no setting is called %s", name))
	}
	return s
}

// Str gives a setting as text, "" where it is not set.
func (c *Config) Str(name string) string {
	switch v := c.lookup(name).Value.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Bool gives a setting of type bool.
func (c *Config) Bool(name string) bool { b, _ := c.lookup(name).Value.(bool); return b }

// Int gives a setting of type int, 0 where it is not set.
func (c *Config) Int(name string) int { i, _ := c.lookup(name).Value.(int); return i }

// Float gives a setting of type float, 0 where it is not set.
func (c *Config) Float(name string) float64 { f, _ := c.lookup(name).Value.(float64); return f }

// List gives a setting of type list or path list.
func (c *Config) List(name string) []string { l, _ := c.lookup(name).Value.([]string); return l }

// Path gives a setting of type path: absolute, ~ and variables expanded.
func (c *Config) Path(name string) string { return c.Str(name) }

// PathList gives a setting of type path list.
func (c *Config) PathList(name string) []string { return c.List(name) }

// IsSet reports whether a setting has a value that is not the default.
func (c *Config) IsSet(name string) bool { return c.lookup(name).Origin != "default" }

// Get gives a setting with its origin; false where no setting has the name.
func (c *Config) Get(name string) (Setting, bool) { s, ok := c.values[name]; return s, ok }

// Last gives what counts of settings that are one option of a plugin: one of
// the environment before one of the file, of several the last.
func (c *Config) Last(names ...string) Setting {
	rank := func(s Setting) int {
		switch {
		case s.Origin == "default":
			return 0
		case strings.HasPrefix(s.Origin, "env: "):
			return 2
		}
		return 1
	}
	best := c.lookup(names[0])
	for _, name := range names[1:] {
		if s := c.lookup(name); s.Origin != "default" && rank(s) >= rank(best) {
			best = s
		}
	}
	return best
}

// InFile gives a key of the configuration file as it stands there, which plugins
// have for themselves; key is its section, a dot, and its name.
func (c *Config) InFile(key string) (value string, ok bool) {
	v, ok := c.file.keys[key]
	return v.value, ok
}

// All gives every setting in the order of the names.
func (c *Config) All() []Setting {
	all := make([]Setting, 0, len(c.values))
	for _, s := range c.values {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// NotHonoured lists the settings that were set to something else than their
// default but have no effect in gorun
// although a playbook may rely on them, in the order of the names.
func (c *Config) NotHonoured() []Setting {
	var list []Setting
	for i := range table {
		if s := c.values[table[i].name]; table[i].use == ignored && s.Origin != "default" && !reflect.DeepEqual(s.Value, s.Default) {
			list = append(list, s)
		}
	}
	return list
}

// Unknown lists keys of [defaults] and [gorun] that no setting has, each as
// "file:line: [section] key".
func (c *Config) Unknown() []string { return c.unknown }

// A Description is what is known of a setting beside its value.
type Description struct {
	Name string
	// Type is bool, int, float, str, list, path, pathlist or pathspec.
	Type string
	// Default is written as it would stand in a file, "" for none.
	Default string
	// Env and INI are the variables of the environment and the section.key of
	// the file that set it; of several the last that is set wins.
	Env, INI []string
	// Choices are the values that it takes, nil: any.
	Choices []string
	// Honoured says that it has an effect. Harmless says of one that has none
	// that nothing can depend on it.
	Honoured, Harmless bool
}

var kindNames = [...]string{
	kindStr: "str", kindBool: "bool", kindInt: "int", kindFloat: "float", kindList: "list",
	kindPath: "path", kindPathList: "pathlist", kindPathSpec: "pathspec",
}

// Describe lists every setting in the order of the names.
func Describe() []Description {
	list := make([]Description, len(table))
	for i, s := range table {
		list[i] = Description{
			Name: s.name, Type: kindNames[s.kind], Default: s.def, Env: s.env, INI: s.ini, Choices: s.choices,
			Honoured: s.use == honoured, Harmless: s.use == harmless,
		}
	}
	slices.SortFunc(list, func(a, b Description) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Vars gives the names of the environment and of the file that set a setting;
// false where no setting has the name.
func Vars(name string) (env, ini []string, ok bool) {
	for i := range table {
		if table[i].name == name {
			return table[i].env, table[i].ini, true
		}
	}
	return nil, nil, false
}
