package lookup

// This file words errors as each era does, and reads options with their types.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gorun/modules"
	"gorun/templates"
)

// A problem is an error of a lookup with the Python class of it, which 2.14
// names to the user.
type problem struct{ class, msg string }

func (p *problem) Error() string { return p.msg }

// PythonClass is the class, as that of an error of a lookup in Python.
func (p *problem) PythonClass() string { return p.class }

// Classes of problems. An AnsibleLookupError is shown as it is; of others 2.14
// tells the class.
const (
	lookupError  = "ansible.errors.AnsibleLookupError"
	optionsError = "ansible.errors.AnsibleOptionsError"
	ansibleError = "ansible.errors.AnsibleError"
	parserError  = "ansible.errors.AnsibleParserError"
	typeError    = "TypeError"
	valueError   = "ValueError"

	attributeError = "AttributeError"
)

// raise is an error of a class.
func raise(class, format string, args ...any) error {
	return &problem{class, fmt.Sprintf(format, args...)}
}

// era is the generation that the lookup runs in.
func (c *call) era() templates.Era { return c.env.Templates.Options().Era }

func (c *call) current() bool { return c.era() == templates.Current }

// inEra is one of two wordings: that of 2.14, that of the current release.
func (c *call) inEra(old, current error) error {
	if c.current() {
		return current
	}
	return old
}

// framed words an error for the user as the era does.
func (c *call) framed(err error) error {
	var te *templates.Error
	if errors.As(err, &te) && te.Kind != templates.AnsibleFilterError {
		return err
	}
	class := ansibleError
	var p interface{ PythonClass() string }
	if errors.As(err, &p) {
		class = p.PythonClass()
	}
	msg := err.Error()
	switch {
	case c.current():
		msg = "The lookup plugin '" + c.name + "' failed: " + msg
	case class == lookupError || class == optionsError:
	default:
		msg = c.unhandled(class, msg) + ". " + msg
	}
	return &templates.Error{Kind: templates.AnsibleError, Msg: msg, Cause: err}
}

// unhandled is 2.14's sentence about an error of any class.
func (c *call) unhandled(class, msg string) string {
	return fmt.Sprintf("An unhandled exception occurred while running the lookup plugin '%s'. Error was a <class '%s'>, original message: %s", c.name, class, msg)
}

// warning is what errors='warn' tells.
func (c *call) warning(err error) string {
	msg := err.Error()
	var p *problem
	switch {
	case c.current():
		return msg
	case errors.As(err, &p) && p.class == lookupError:
		return "Lookup failed but the error is being ignored: " + msg
	case p != nil:
		return c.unhandled(p.class, msg)
	}
	return c.unhandled(ansibleError, msg)
}

// badValue is an option's value that its type does not take.
func (c *call) badValue(option, kind string, v templates.Value, old string) error {
	if c.current() {
		return raise(ansibleError, "Config '%s' for '%s' lookup plugin from 'Direct' has an invalid value: Invalid value provided for '%s': %s.", option, c.plugin(), kind, templates.Repr(v, templates.Current))
	}
	return raise(optionsError, "Invalid type for configuration option plugin_type: lookup plugin: %s setting: %s (from Direct): %s", c.plugin(), option, old)
}

// short is the lookup's name without its collection.
func (c *call) short() string { return c.name[strings.LastIndexByte(c.name, '.')+1:] }

// plugin is the lookup's name in messages on its options: where a full name was
// given it is that of the Python module.
func (c *call) plugin() string {
	collection, name := "", c.name
	if i := strings.LastIndexByte(c.name, '.'); i >= 0 {
		collection, name = c.name[:i], c.name[i+1:]
	}
	if collection == "" || collection == "ansible.legacy" {
		return name
	}
	return "ansible_collections." + collection + ".plugins.lookup." + name
}

// given is an option that was passed and is not None.
func (c *call) given(name string) (templates.Value, bool) {
	v, ok := c.opts[name]
	if !ok || v == templates.None {
		return nil, false
	}
	return v, true
}

// str is an option as text.
func (c *call) str(name, def string) string {
	if v, ok := c.given(name); ok {
		return text(v)
	}
	return def
}

// flag is an option as a bool.
func (c *call) flag(name string, def bool) (bool, error) {
	v, ok := c.given(name)
	if !ok {
		return def, nil
	}
	b, err := modules.ToBool(templates.ToGo(v))
	return err == nil && b, nil // what is no bool counts as false
}

// number is an option as an int.
func (c *call) number(name string, def int) (int, error) {
	v, ok := c.given(name)
	if !ok {
		return def, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(text(v)))
	if err != nil {
		kind := "int"
		switch c.short() {
		case "password", "sequence", "passwordstore":
			kind = "integer" // as their documentation has it
		}
		return def, c.badValue(name, kind, v, "invalid literal for int() with base 10: "+templates.Repr(v, templates.Current))
	}
	return n, nil
}

// choice is an option that has to be one of some words.
func (c *call) choice(name, def string, words ...string) (string, error) {
	s := c.str(name, def)
	for _, w := range words {
		if s == w {
			return s, nil
		}
	}
	if c.current() {
		return "", raise(ansibleError, "Config '%s' for '%s' lookup plugin from 'Direct' has an invalid value '%s'.", name, c.plugin(), s)
	}
	return "", raise(optionsError, `Invalid value "%s" for configuration option "plugin_type: lookup plugin: %s setting: %s ", valid values are: %s`, s, c.plugin(), name, strings.Join(words, ", "))
}

// words is an option as a list: texts are split at commas.
func (c *call) words(name string) ([]string, bool) {
	v, ok := c.given(name)
	if !ok {
		return nil, false
	}
	var out []string
	if s, isStr := v.(templates.Str); isStr {
		for w := range strings.SplitSeq(string(s), ",") {
			out = append(out, strings.TrimSpace(w))
		}
		return out, true
	}
	for _, e := range listify(v) {
		out = append(out, text(e))
	}
	return out, true
}

// textTerm is a term that has to be a text: what is none has not Python's method.
func textTerm(t templates.Value, method string) (string, error) {
	if s, ok := t.(templates.Str); ok {
		return string(s), nil
	}
	if t.Type() == "str" {
		return text(t), nil
	}
	return "", raise(attributeError, "'%s' object has no attribute '%s'", t.Type(), method)
}

// fileName is a term that names a file.
func (c *call) fileName(t templates.Value) (string, error) {
	if c.current() {
		return textTerm(t, "split")
	}
	return textTerm(t, "startswith")
}

// class is Python's repr of v's class.
func class(v templates.Value) string { return "<class '" + v.Type() + "'>" }
