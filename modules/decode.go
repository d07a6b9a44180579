package modules

// This file validates a task's arguments against a Spec, in Ansible's order
// and wording (observed with ansible-core 2.14.18): the first error is the one told.

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Decode validates raw arguments against the spec: aliases, coercions,
// defaults, choices and the rules, with Ansible's wording. In params every
// option has a value (nil where there is none), integers are int64, lists
// []any and dicts map[string]any. The second result holds the values of NoLog
// options.
func (s *Spec) Decode(raw map[string]any) (params map[string]any, secrets []string, err error) {
	d := decoder{}
	params, err = d.decode(s, raw)
	return params, d.secretList(), err
}

// A decoder is one decoding of one module's arguments.
type decoder struct {
	name string // of the module, for messages; "" is the Spec's short name
	env  map[string]string

	secrets      map[string]bool
	warnings     []string
	deprecations []Deprecation
	unsupported  error
}

func (d *decoder) decode(s *Spec, raw map[string]any) (map[string]any, error) {
	if d.name == "" {
		d.name = s.Name[strings.LastIndexByte(s.Name, '.')+1:]
	}
	params, err := d.level(s.AllOptions(), &s.Rules, raw, nil)
	if err == nil {
		err = d.unsupported
	}
	return params, err
}

// fileOptions are the common file options of a Spec with FileArgs.
var fileOptions = []Option{
	{Name: "mode", Type: Raw, Doc: "Permissions: octal digits or symbols as u+rwX,g-w."},
	{Name: "owner", Doc: "Name or number of the user that owns the file."},
	{Name: "group", Doc: "Name or number of the group that owns the file."},
	{Name: "seuser", Doc: "User part of the SELinux context."},
	{Name: "serole", Doc: "Role part of the SELinux context."},
	{Name: "setype", Doc: "Type part of the SELinux context."},
	{Name: "selevel", Doc: "Level part of the SELinux context."},
	{Name: "unsafe_writes", Type: Bool, Default: false, Doc: "Writes in place where a rename is impossible."},
	{Name: "attributes", Aliases: []string{"attr"}, Doc: "File attributes as chattr takes them."},
}

// AllOptions are the options with the common file options, where the module takes these.
func (s *Spec) AllOptions() []Option {
	if !s.FileArgs {
		return s.Options
	}
	all := slices.Clip(s.Options)
	for _, o := range fileOptions {
		if !slices.ContainsFunc(s.Options, func(own Option) bool { return own.Name == o.Name }) {
			all = append(all, o)
		}
	}
	return all
}

// level decodes the options of a module or of one of its options; where names
// the latter.
func (d *decoder) level(options []Option, rules *Rules, raw map[string]any, where []string) (map[string]any, error) {
	params := maps.Clone(raw)
	if params == nil {
		params = make(map[string]any)
	}
	names := d.aliases(options, params)
	d.collectSecrets(options, params)
	d.findUnsupported(options, names, raw, where)
	if err := checkExclusive(rules, params, where); err != nil {
		return nil, err
	}
	d.fallbacks(options, params)
	if err := checkRequired(options, params, where); err != nil {
		return nil, err
	}
	for i := range options {
		if err := d.coerceOption(&options[i], params, where); err != nil {
			return nil, err
		}
	}
	for i := range options {
		if err := checkChoices(&options[i], params, where); err != nil {
			return nil, err
		}
	}
	if err := checkRules(rules, params, where); err != nil {
		return nil, err
	}
	for i := range options {
		o := &options[i]
		if _, ok := params[o.Name]; !ok {
			params[o.Name] = nil
		}
		if err := d.subOptions(o, params, where); err != nil {
			return nil, err
		}
	}
	return params, nil
}

// aliases gives options the values of their aliases, and returns the names
// that are known.
func (d *decoder) aliases(options []Option, params map[string]any) map[string]bool {
	names := make(map[string]bool, len(options))
	for i := range options {
		o := &options[i]
		names[o.Name] = true
		_, given := params[o.Name]
		for _, alias := range o.Aliases {
			names[alias] = true
			v, ok := params[alias]
			if !ok {
				continue
			}
			if given {
				d.warnings = append(d.warnings, fmt.Sprintf("Both option %s and its alias %s are set.", o.Name, alias))
			}
			params[o.Name] = v
		}
		if _, used := params[o.Name]; used && o.RemovedIn != "" {
			d.deprecations = append(d.deprecations, Deprecation{
				Msg:     fmt.Sprintf("Param '%s' is deprecated. See the module docs for more information", o.Name),
				Version: o.RemovedIn,
			})
		}
	}
	return names
}

// findUnsupported notes arguments that no option takes; they are told only
// where nothing else is wrong.
func (d *decoder) findUnsupported(options []Option, names map[string]bool, raw map[string]any, where []string) {
	var unknown []string
	for k := range raw {
		if !names[k] {
			unknown = append(unknown, strings.Join(append(slices.Clone(where), k), "."))
		}
	}
	if unknown == nil || d.unsupported != nil {
		return
	}
	slices.Sort(unknown)
	var known, aliases []string
	for _, o := range options {
		if o.Internal {
			continue
		}
		known = append(known, o.Name)
		aliases = append(aliases, o.Aliases...)
	}
	slices.Sort(known)
	supported := strings.Join(known, ", ")
	if aliases != nil {
		slices.Sort(aliases)
		supported += " (" + strings.Join(aliases, ", ") + ")"
	}
	d.unsupported = fmt.Errorf("Unsupported parameters for (%s) module: %s. Supported parameters include: %s.",
		d.name, strings.Join(unknown, ", "), supported)
}

// fallbacks sets defaults and values of environment variables.
func (d *decoder) fallbacks(options []Option, params map[string]any) {
	for i := range options {
		o := &options[i]
		if _, given := params[o.Name]; given {
			continue
		}
		if o.Default != nil {
			params[o.Name] = o.Default
		}
		for _, name := range o.Env {
			if v, ok := d.lookupEnv(name); ok {
				params[o.Name] = v
				if o.NoLog {
					d.addSecret(v)
				}
				break
			}
		}
	}
}

func (d *decoder) lookupEnv(name string) (string, bool) {
	if v, ok := d.env[name]; ok {
		return v, true
	}
	return os.LookupEnv(name)
}

func (d *decoder) coerceOption(o *Option, params map[string]any, where []string) error {
	v, ok := params[o.Name]
	if !ok || v == nil {
		return nil
	}
	c, err := coerce(o.Type, v, d.env)
	if err != nil {
		if len(o.Options) > 0 && errors.Is(err, errNoDict) {
			return err
		}
		return fmt.Errorf("argument '%s' is of type %s%s and we were unable to convert to %s: %w",
			o.Name, pyType(v), foundIn(where), o.typeName(), err)
	}
	if list, isList := c.([]any); isList && o.Type == List {
		if c, err = d.coerceElements(o, list, where); err != nil {
			return err
		}
	}
	params[o.Name] = normaliseDeep(c)
	if o.NoLog {
		d.addSecret(c)
	}
	return nil
}

func (d *decoder) coerceElements(o *Option, list []any, where []string) (any, error) {
	if o.Elements == "" || o.Elements == Raw {
		return list, nil
	}
	out := make([]any, len(list))
	for i, e := range list {
		if e == nil && o.Elements != Str {
			continue
		}
		c, err := coerce(o.Elements, e, d.env)
		if err != nil {
			if len(o.Options) > 0 && errors.Is(err, errNoDict) {
				return nil, err
			}
			return nil, fmt.Errorf("Elements value for option '%s' is of type %s%s and we were unable to convert to %s: %w",
				o.Name, pyType(e), foundIn(where), o.Elements, err)
		}
		out[i] = c
	}
	return out, nil
}

func (o *Option) typeName() string {
	if o.Type == "" {
		return string(Str)
	}
	return string(o.Type)
}

// foundIn names the option that holds a suboption, in type errors.
func foundIn(where []string) string {
	if len(where) == 0 {
		return ""
	}
	return " found in '" + strings.Join(where, " -> ") + "'."
}

// subOptions decodes the suboptions of o.
func (d *decoder) subOptions(o *Option, params map[string]any, where []string) error {
	if len(o.Options) == 0 {
		return nil
	}
	inner := append(slices.Clone(where), o.Name)
	switch v := params[o.Name].(type) {
	case nil:
		if o.ApplyDefaults && o.Type == Dict {
			sub, err := d.level(o.Options, &o.Rules, nil, inner)
			if err != nil {
				return err
			}
			params[o.Name] = sub
		}
	case map[string]any:
		sub, err := d.level(o.Options, &o.Rules, v, inner)
		if err != nil {
			return err
		}
		params[o.Name] = sub
	case []any:
		for i, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				return fmt.Errorf("value of '%s' must be of type dict or list of dicts", o.Name)
			}
			sub, err := d.level(o.Options, &o.Rules, m, inner)
			if err != nil {
				return err
			}
			v[i] = sub
		}
	}
	return nil
}

// collectSecrets notes the values of NoLog options as they were given.
func (d *decoder) collectSecrets(options []Option, params map[string]any) {
	for i := range options {
		if options[i].NoLog {
			d.addSecret(params[options[i].Name])
		}
	}
}

// addSecret notes v and all that is in it; empty text and booleans hide nothing.
func (d *decoder) addSecret(v any) {
	switch v := normalise(v).(type) {
	case nil, bool:
	case []any:
		for _, e := range v {
			d.addSecret(e)
		}
	case map[string]any:
		for _, e := range v {
			d.addSecret(e)
		}
	default:
		if s := pyStr(v); s != "" && s != "True" && s != "False" {
			if d.secrets == nil {
				d.secrets = make(map[string]bool)
			}
			d.secrets[s] = true
		}
	}
}

func (d *decoder) secretList() []string {
	if d.secrets == nil {
		return nil
	}
	return sortedKeys(d.secrets)
}
