package playbook

// This file decodes the keywords that all objects share.

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"gorun/templates"
)

// scalars gives the place of each keyword that is one value.
func (b *Base) scalar(key string) *Value {
	switch key {
	case "name":
		return &b.Name
	case "connection":
		return &b.Connection
	case "port":
		return &b.Port
	case "remote_user":
		return &b.RemoteUser
	case "no_log":
		return &b.NoLog
	case "run_once":
		return &b.RunOnce
	case "ignore_errors":
		return &b.IgnoreErrors
	case "ignore_unreachable":
		return &b.IgnoreUnreachable
	case "check_mode":
		return &b.CheckMode
	case "diff":
		return &b.Diff
	case "any_errors_fatal":
		return &b.AnyErrorsFatal
	case "throttle":
		return &b.Throttle
	case "timeout":
		return &b.Timeout
	case "debugger":
		return &b.Debugger
	case "become":
		return &b.Become
	case "become_method":
		return &b.BecomeMethod
	case "become_user":
		return &b.BecomeUser
	case "become_flags":
		return &b.BecomeFlags
	case "become_exe":
		return &b.BecomeExe
	}
	return nil
}

// base decodes one common keyword of object ("Play", "Task") and reports
// whether f is one.
func (ld *loading) base(c *scope, f field, b *Base, object string) bool {
	kind, ok := common[f.key]
	if !ok {
		return false
	}
	switch f.key {
	case "vars":
		b.Vars = ld.vars(c, f, object)
	case "tags":
		b.Tags = ld.tags(c, f)
	case "environment":
		b.Environment = ld.list(c, f)
	case "module_defaults":
		b.ModuleDefaults = ld.moduleDefaults(c, f)
	case "collections":
		b.Collections = ld.collectionNames(c, f)
	default:
		*b.scalar(f.key) = ld.checked(c, f, kind)
	}
	return true
}

// list gives the elements of a keyword that takes a list or one element; null
// is as if it were not there.
func (ld *loading) list(c *scope, f field) []Value {
	if f.n.Kind != yaml.SequenceNode {
		if isNull(f.n) {
			return nil
		}
		return []Value{ld.value(c, f.n)}
	}
	vals := make([]Value, 0, len(f.n.Content))
	for _, e := range f.n.Content {
		vals = append(vals, ld.value(c, e))
	}
	return vals
}

// tags splits comma lists.
func (ld *loading) tags(c *scope, f field) []Value {
	if f.n.Kind == yaml.MappingNode {
		ld.fail(c, c.pos(f.n), "tags must be specified as a list").Exit = exitError
		return nil
	}
	var tags []Value
	for _, v := range ld.list(c, f) {
		s, ok := v.V.(templates.Str)
		if !ok {
			tags = append(tags, v)
			continue
		}
		for part := range strings.SplitSeq(string(s), ",") {
			if part = strings.TrimSpace(part); part != "" {
				tags = append(tags, Value{V: templates.Str(part), Pos: v.Pos})
			}
		}
	}
	return tags
}

func (ld *loading) moduleDefaults(c *scope, f field) []Value {
	vals := ld.list(c, f)
	for _, v := range vals {
		if _, ok := v.V.(*templates.Dict); !ok {
			ld.fail(c, v.Pos, "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, "+
				"the keys of which must be static action, module, or group names. Only the values may contain templates. "+
				"For example: {'ping': \"{{ ping_defaults }}\"}")
		}
	}
	return vals
}

func (ld *loading) collectionNames(c *scope, f field) []string {
	names := []string{}
	for _, v := range ld.list(c, f) {
		s, ok := v.V.(templates.Str)
		if !ok {
			ld.fail(c, v.Pos, "the field 'collections' should be a list of (<class 'str'>,), but the item '%s' is a %s", show(v.V), class(v.V))
			continue
		}
		names = append(names, string(s))
	}
	return names
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// pythonKeywords cannot be names of variables.
var pythonKeywords = []string{
	"False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
	"finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try",
	"while", "with", "yield", "true", "false", "none",
}

// IsIdentifier reports whether a variable can have the name.
func IsIdentifier(name string) bool {
	return identifier.MatchString(name) && !slices.Contains(pythonKeywords, name)
}

// vars decodes a dict of variables, or a list of such.
func (ld *loading) vars(c *scope, f field, object string) Vars {
	out := Vars{Pos: c.pos(f.n)}
	parts := []*yaml.Node{f.n}
	if f.n.Kind == yaml.SequenceNode {
		parts = f.n.Content
	}
	for _, n := range parts {
		if isNull(n) {
			continue
		}
		v, sound := ld.tryValue(c, n)
		if !sound {
			continue
		}
		d, ok := v.V.(*templates.Dict)
		if !ok {
			ld.fail(c, c.pos(n), "Vars in a %s must be specified as a dictionary, or a list of dictionaries", object)
			return out
		}
		ld.variableNames(c, d, c.pos(n), object)
		if out.Dict == nil {
			out.Dict = d
			continue
		}
		merged := out.Dict.Copy()
		for k, v := range d.All {
			if err := merged.Set(k, v); err != nil {
				ld.fail(c, c.pos(n), "%v", err)
			}
		}
		out.Dict = merged
	}
	return out
}

func (ld *loading) variableNames(c *scope, d *templates.Dict, pos Pos, object string) {
	if ld.l.opts.Era == templates.Era19 {
		return
	}
	for k := range d.All {
		s, ok := k.(templates.Str)
		if !ok || !IsIdentifier(string(s)) {
			e := ld.fail(c, pos, "Invalid variable name in vars specified for %s: '%s' is not a valid variable name", object, show(k))
			if ld.l.opts.Era >= templates.Current {
				e.Msg, e.Exit = fmt.Sprintf("Invalid variable name '%s'.", show(k)), exitError
			}
			e.Notes = []string{"a name is made of letters, digits and underscores, begins with no digit and is no word of Python"}
		}
	}
}

// checked converts a keyword of one value and checks a literal one.
func (ld *loading) checked(c *scope, f field, kind valueKind) Value {
	v := ld.value(c, f.n)
	if _, isText := v.V.(*templates.Text); isText {
		return v
	}
	if _, isNone := v.V.(templates.NoneType); isNone {
		return Value{} // as if it were not there
	}
	switch kind {
	case boolean:
		b, ok := literalBool(v.V)
		if !ok {
			e := ld.fail(c, v.Pos, "the field '%s' has an invalid value (%s), and could not be converted to an bool.", f.key, show(v.V))
			e.Notes = []string{"it takes yes, no, true, false, on, off, 1 and 0"}
			return Value{}
		}
		v.V = b
	case integer:
		n, ok := literalNumber(v.V, true)
		if !ok {
			ld.fail(c, v.Pos, "the field '%s' has an invalid value (%s), and could not be converted to an int.", f.key, show(v.V))
			return Value{}
		}
		v.V = n
	case number:
		if s, isStr := v.V.(templates.Str); isStr && strings.HasSuffix(string(s), "%") && f.key == "max_fail_percentage" {
			v.V = s[:len(s)-1]
		}
		n, ok := literalNumber(v.V, false)
		if !ok {
			ld.fail(c, v.Pos, "the field '%s' has an invalid value (%s), and could not be converted to an float.", f.key, show(v.V))
			return Value{}
		}
		v.V = n
	case text:
		if f.n.Kind != yaml.ScalarNode {
			ld.fail(c, v.Pos, "The field '%s' is supposed to be a string type, however the incoming data structure is a %s", f.key, class(v.V))
			return Value{}
		}
		if _, isStr := v.V.(templates.Str); !isStr {
			v.V = templates.Str(show(v.V))
		}
	}
	return v
}

// literalBool converts as Ansible's strict boolean does.
func literalBool(v templates.Value) (templates.Value, bool) {
	switch v := v.(type) {
	case templates.Bool:
		return v, true
	case templates.Int:
		return templates.Bool(v == 1), v == 0 || v == 1
	case templates.Float:
		return templates.Bool(v == 1), v == 0 || v == 1
	case templates.Str:
		switch strings.ToLower(strings.TrimSpace(string(v))) {
		case "y", "yes", "on", "1", "true", "t":
			return templates.Bool(true), true
		case "n", "no", "off", "0", "false", "f":
			return templates.Bool(false), true
		}
	}
	return nil, false
}

func literalNumber(v templates.Value, whole bool) (templates.Value, bool) {
	switch v := v.(type) {
	case templates.Int:
		return v, true
	case templates.Float:
		if whole {
			return templates.Int(v), true
		}
		return v, true
	case templates.Bool:
		if v {
			return templates.Int(1), true
		}
		return templates.Int(0), true
	case templates.Str:
		s := strings.TrimSpace(string(v))
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return templates.Int(i), true
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && !whole {
			return templates.Float(f), true
		}
	}
	return nil, false
}

// unknown records a keyword that an object does not have.
func (ld *loading) unknown(c *scope, f field, object string, table map[string]valueKind) {
	e := ld.fail(c, f.pos, "'%s' is not a valid attribute for a %s", f.key, object)
	e.Got, e.Known = f.key, names(table)
}

// become takes a keyword of former days for privilege escalation (sudo, su_user).
func (ld *loading) become(c *scope, f field, b *Base) bool {
	old, ok := becomeOld[f.key]
	if !ok {
		return false
	}
	ld.l.deprecate(f.pos, "'"+f.key+"' is called '"+old.key+"' today")
	kind := text
	if old.key == "become" {
		kind = boolean
	}
	v := ld.checked(c, f, kind)
	if !v.IsSet() {
		return true
	}
	*b.scalar(old.key) = v
	if old.method != "" {
		if yes, isBool := v.V.(templates.Bool); !isBool || bool(yes) {
			b.BecomeMethod = Value{V: templates.Str(old.method), Pos: f.pos}
		}
	}
	return true
}

// deprecate tells of something old where it is first met, except where the era
// is as old.
func (l *Loader) deprecate(pos Pos, msg string) {
	if l.opts.Era == templates.Era19 {
		return
	}
	l.mu.Lock()
	told := l.told[msg]
	l.told[msg] = true
	l.mu.Unlock()
	if !told {
		l.opts.Deprecate(msg + " (first at " + pos.File + ":" + strconv.Itoa(pos.Line) + ")")
	}
}
