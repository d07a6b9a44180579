package templates

// This file makes options from the "env" of a batch line: the settings of
// Jinja2's Environment by its own names.

import (
	"fmt"
	"maps"
)

// OptionsFromEnv returns the options that a mapping of Jinja2's Environment
// settings stands for: block_start_string and the other delimiters,
// line_statement_prefix, line_comment_prefix, trim_blocks, lstrip_blocks,
// keep_trailing_newline, newline_sequence, autoescape, undefined (a class
// name), extensions, globals, and templates (name: text) for include, import
// and extends. translations (text: its translation, or a list of that for one
// and for many) installs the functions of gettext, newstyle_gettext says in
// which style; of policies there is ext.i18n.trimmed. None and an empty mapping
// give Jinja2's defaults.
func OptionsFromEnv(env Value) (o Options, err error) {
	defer catch(&err)
	if env == nil || env == None {
		return o, nil
	}
	m, ok := env.(Mapping)
	if !ok {
		return o, fmt.Errorf("env must be a mapping, not %s", env.Type())
	}
	texts := map[string]*string{
		"block_start_string": &o.BlockStart, "block_end_string": &o.BlockEnd,
		"variable_start_string": &o.VariableStart, "variable_end_string": &o.VariableEnd,
		"comment_start_string": &o.CommentStart, "comment_end_string": &o.CommentEnd,
		"line_statement_prefix": &o.LineStatementPrefix, "line_comment_prefix": &o.LineCommentPrefix,
		"newline_sequence": &o.NewlineSequence,
	}
	var translations Mapping
	bools := map[string]*bool{"newstyle_gettext": &o.NewstyleGettext, "trim_blocks": &o.TrimBlocks, "lstrip_blocks": &o.LstripBlocks,
		"keep_trailing_newline": &o.KeepTrailingNewline, "autoescape": &o.Autoescape}
	for _, k := range m.Keys() {
		name := StrOf(k, Current)
		v, _, err := m.Get(k)
		if err != nil {
			return o, err
		}
		switch name {
		case "undefined":
			kinds := map[string]UndefinedKind{"Undefined": DefaultUndefined, "StrictUndefined": StrictUndefined,
				"ChainableUndefined": ChainableUndefined, "DebugUndefined": DebugUndefined}
			kind, ok := kinds[StrOf(v, Current)]
			if !ok {
				return o, fmt.Errorf("env: unknown undefined %q", StrOf(v, Current))
			}
			o.Undefined = kind
		case "extensions":
			l, _ := v.(*List)
			for i := 0; l != nil && i < l.Len(); i++ {
				o.Extensions = append(o.Extensions, StrOf(l.Index(i), Current))
			}
		case "globals":
			o.Globals = map[string]Value{}
			if g, ok := v.(*Dict); ok {
				for k, x := range g.All {
					o.Globals[StrOf(k, Current)] = x
				}
			}
		case "translations":
			if translations, ok = v.(Mapping); !ok {
				return o, fmt.Errorf("env: translations must be a mapping, not %s", v.Type())
			}
		case "policies":
			if p, ok := v.(Mapping); ok {
				trimmed, _, err := p.Get(Str("ext.i18n.trimmed"))
				if err != nil {
					return o, err
				}
				o.TrimTranslations = trimmed != nil && trimmed.Truth()
			}
		case "templates":
			t, _ := v.(Mapping)
			o.Load = loadFrom(t)
		default:
			if p, ok := texts[name]; ok {
				if v != None {
					*p = StrOf(v, Current)
				}
			} else if p, ok := bools[name]; ok {
				*p = v.Truth()
			} else {
				return o, fmt.Errorf("env: unknown setting %q", name)
			}
		}
	}
	if translations != nil {
		funcs := gettextFuncs(translateFrom(translations), o.NewstyleGettext)
		maps.Copy(funcs, o.Globals)
		o.Globals = funcs
	}
	return o, nil
}

// translateFrom returns a translator by the texts in m; what m does not have
// stays as it is.
func translateFrom(m Mapping) gettextFunc {
	return func(_, one, many, count Value) Value {
		plural := count != nil && !Equal(count, Int(1))
		v, ok, err := m.Get(one)
		check(err)
		forms, isList := v.(*List)
		switch {
		case !ok && plural:
			return many
		case !ok:
			return one
		case isList && plural && forms.Len() > 1:
			return forms.Index(1)
		case isList && forms.Len() > 0:
			return forms.Index(0)
		}
		return v
	}
}

// loadFrom returns a loader of the texts in m.
func loadFrom(m Mapping) func(name, parent string) (string, error) {
	return func(name, _ string) (string, error) {
		if m != nil {
			v, ok, err := m.Get(Str(name))
			if err != nil {
				return "", err
			}
			if ok {
				return StrOf(v, Current), nil
			}
		}
		return "", notFound(name)
	}
}

// MapScope is a Scope of the items of a mapping.
type MapScope struct{ Mapping }

// Names returns the names that there are.
func (s MapScope) Names() []string {
	if s.Mapping == nil {
		return nil
	}
	var names []string
	for _, k := range s.Keys() {
		names = append(names, StrOf(k, Current))
	}
	return names
}

// Lookup implements [Scope].
func (s MapScope) Lookup(name string) (Value, bool, error) {
	if s.Mapping == nil {
		return nil, false, nil
	}
	if d, ok := s.Mapping.(*Dict); ok {
		v, ok := d.GetStr(name)
		return v, ok, nil
	}
	return s.Get(Str(name))
}
