package ansible

// This file holds the filters of ansible.utils on keys and paths of data
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/index.html#filter-plugins).

import (
	"slices"
	"strconv"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

var utilsFilters = table{
	"keep_keys": filterKeepKeys, "remove_keys": filterRemoveKeys, "replace_keys": filterReplaceKeys,
	"to_paths": filterToPaths, "get_path": filterGetPath, "index_of": filterIndexOf,
	"param_list_compare": filterParamListCompare, "consolidate": filterConsolidate, "fact_diff": checked(factDiffParams, filterFactDiff), "from_xml": filterFromXML, "to_xml": filterToXML,
}

// keyParams are the parameters of the three filters of keys.
var keyParams = []param{
	{name: "data", required: true}, {name: "target", kind: "list", required: true},
	{name: "matching_parameter", kind: "str", choices: []string{"starts_with", "ends_with", "regex"}},
}

// A matcher compares a key with a text that was asked for.
type matcher func(key, wanted string) (bool, error)

func newMatcher(how value) matcher {
	name := ""
	if given(how) {
		name = text(how)
	}
	switch name {
	case "starts_with":
		return func(k, w string) (bool, error) { return strings.HasPrefix(k, w), nil }
	case "ends_with":
		return func(k, w string) (bool, error) { return strings.HasSuffix(k, w), nil }
	case "regex":
		return func(k, w string) (bool, error) {
			re, err := compile(w, 0)
			if err != nil {
				return false, err
			}
			return re.Match(k) != nil, nil
		}
	}
	return func(k, w string) (bool, error) { return k == w, nil }
}

// any reports whether a key is one of those that were asked for.
func (m matcher) any(key value, wanted []value) (bool, error) {
	for _, w := range wanted {
		ok, err := m(text(key), text(w))
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// A keyFilter walks data for the three filters of keys.
type keyFilter struct {
	match  matcher
	wanted []value
	era    templates.Era
}

func isContainer(v value) bool {
	_, isMap := v.(templates.Mapping)
	_, isList := v.(*templates.List)
	return isMap || isList
}

func isEmpty(v value) bool { return isContainer(v) && !v.Truth() }

// keyFilterOf is the filter called name; done is what it says it cannot do to
// input that is neither a list nor a dict.
func keyFilterOf(name, done string, run func(f keyFilter, data value) (value, error)) templates.Func {
	return func(c *call) (value, error) {
		a, err := bind(c, keyParams)
		if err != nil {
			return nil, err
		}
		if !isContainer(a["data"]) {
			return nil, fail("Error when using plugin '%s': Input is not valid for %s", name, done)
		}
		return run(keyFilter{newMatcher(a["matching_parameter"]), elemsOf(a["target"]), c.State.Era()}, a["data"])
	}
}

// maxDepth keeps data that holds itself from eating the stack.
const maxDepth = 500

// descend applies do to each element of a list, of which those that drop holds
// for are left out, and inDict to a dict; anything else is itself.
func descend(v value, depth int, do func(v value, depth int) (value, error), drop func(value) bool, inDict func(m templates.Mapping, depth int) (value, error)) (value, error) {
	if depth > maxDepth {
		return nil, fail("the data is nested too deep")
	}
	switch v := v.(type) {
	case *templates.List:
		out := make([]value, 0, len(v.Elems))
		for _, e := range v.Elems {
			x, err := do(e, depth+1)
			if err != nil {
				return nil, err
			}
			if drop == nil || !drop(x) {
				out = append(out, x)
			}
		}
		return list(out), nil
	case templates.Mapping:
		return inDict(v, depth+1)
	}
	return v, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/keep_keys_filter.html
var filterKeepKeys = keyFilterOf("keep_keys", "keep operation", func(f keyFilter, data value) (value, error) { return f.keep(data, 0) })

func (f keyFilter) keep(v value, depth int) (value, error) {
	current := f.era == templates.Current
	if current && !isContainer(v) {
		return templates.None, nil
	}
	// 2.14's collection keeps plain elements and empty ones.
	drop := func(x value) bool { return current && (x == templates.None || isEmpty(x)) }
	return descend(v, depth, f.keep, drop, f.keepIn)
}

func (f keyFilter) keepIn(m templates.Mapping, depth int) (value, error) {
	out := templates.NewDict(m.Len())
	for _, k := range m.Keys() {
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		ok, err := f.match.any(k, f.wanted)
		if err != nil {
			return nil, err
		}
		nested := isContainer(v)
		if nested && (!ok || f.era != templates.Current) {
			if v, err = f.keep(v, depth); err != nil {
				return nil, err
			}
			ok = !isEmpty(v)
			if l, isList := v.(*templates.List); ok && isList && f.era != templates.Current {
				v, ok = keptList(l)
			}
		}
		if ok {
			if err := out.Set(k, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// keptList is a list without what is empty; one of texts alone is left out.
func keptList(l *templates.List) (value, bool) {
	var out []value
	texts := true
	for _, e := range l.Elems {
		if isEmpty(e) {
			continue
		}
		_, isStr := isText(e)
		texts = texts && isStr
		out = append(out, e)
	}
	return list(out), !texts
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/remove_keys_filter.html
var filterRemoveKeys = keyFilterOf("remove_keys", "attribute removal", func(f keyFilter, data value) (value, error) { return f.remove(data, 0) })

// remove leaves keys out of the dicts, and false elements out of the lists.
func (f keyFilter) remove(v value, depth int) (value, error) {
	return descend(v, depth, f.remove, func(x value) bool { return !x.Truth() }, f.removeIn)
}

func (f keyFilter) removeIn(m templates.Mapping, depth int) (value, error) {
	out := templates.NewDict(m.Len())
	for _, k := range m.Keys() {
		e, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		gone, err := f.match.any(k, f.wanted)
		if err == nil && !gone {
			if e, err = f.remove(e, depth); err == nil {
				err = out.Set(k, e)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/replace_keys_filter.html
var filterReplaceKeys = keyFilterOf("replace_keys", "replace operation", func(f keyFilter, data value) (value, error) {
	r := keyReplacer{match: f.match}
	for _, e := range f.wanted {
		m, ok := e.(templates.Mapping)
		if !ok {
			return nil, fail("Elements value for option 'target' is of type %s and we were unable to convert to dict", e.Type())
		}
		pair := [2]string{}
		for i, k := range []string{"before", "after"} {
			v, _, err := strKey(m, k)
			if err != nil {
				return nil, err
			}
			if v != nil {
				pair[i] = text(v)
			}
		}
		r.pairs = append(r.pairs, pair)
	}
	return r.replace(data, 0)
})

// A keyReplacer renames keys: each pair in turn takes the keys that it fits out
// and puts their values behind the rest.
type keyReplacer struct {
	match matcher
	pairs [][2]string
}

func (r keyReplacer) replace(v value, depth int) (value, error) {
	return descend(v, depth, r.replace, nil, r.replaceIn)
}

func (r keyReplacer) replaceIn(m templates.Mapping, depth int) (value, error) {
	d, err := toDict(m)
	if err != nil {
		return nil, err
	}
	for _, p := range r.pairs {
		for _, k := range d.Keys() {
			ok, err := r.match(text(k), p[0])
			if err != nil {
				return nil, err
			}
			if ok {
				x, _, _ := d.Get(k) // k is a key of d
				d.Delete(k)
				d.SetStr(p[1], x)
			}
		}
	}
	for _, k := range d.Keys() {
		x, _, _ := d.Get(k) // k is a key of d
		if x, err = r.replace(x, depth); err == nil {
			err = d.Set(k, x)
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

// pathName is a key that needs no quotes in a path.
var pathName = pyre.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`, 0)

// ToPaths flattens data to a dict of paths, as the lookup of that name does.
func ToPaths(v value, prepend string) (value, error) {
	out := templates.NewDict(0)
	if prepend != "" {
		d := templates.NewDict(1)
		d.SetStr(prepend, v)
		v = d
	}
	return out, toPaths(out, "", v, 0)
}

func toPaths(out *templates.Dict, name string, v value, depth int) error {
	if depth > maxDepth {
		return fail("the data is nested too deep")
	}
	m, isMap := v.(templates.Mapping)
	l, isList := v.(*templates.List)
	switch {
	case (isMap || isList) && !v.Truth():
		if name != "" {
			out.SetStr(name, v)
		}
		return nil
	case isMap:
		for _, k := range m.Keys() {
			e, _, err := m.Get(k)
			if err != nil {
				return err
			}
			at := text(k)
			if name != "" && pathName.Match(at) != nil {
				at = name + "." + at
			} else if name != "" {
				at = name + "['" + at + "']"
			}
			if err := toPaths(out, at, e, depth+1); err != nil {
				return err
			}
		}
		return nil
	case isList:
		for i, e := range l.Elems {
			if err := toPaths(out, name+"["+strconv.Itoa(i)+"]", e, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	out.SetStr(name, v)
	return nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/to_paths_filter.html
func filterToPaths(c *call) (value, error) {
	a, err := bind(c, []param{{name: "var", required: true}, {name: "prepend", kind: "str", def: str("")}, {name: "wantlist", kind: "bool"}})
	if err != nil {
		return nil, err
	}
	out, err := ToPaths(a["var"], text(a["prepend"]))
	if err != nil {
		return nil, err
	}
	return wantList(out, a["wantlist"]), nil
}

func wantList(v, want value) value {
	if truth(want) {
		return list([]value{v})
	}
	return v
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/get_path_filter.html
func filterGetPath(c *call) (value, error) {
	a, err := bind(c, []param{{name: "var", required: true}, {name: "path", kind: "str", required: true}, {name: "wantlist", kind: "bool"}})
	if err != nil {
		return nil, err
	}
	m, ok := a["var"].(templates.Mapping)
	if !ok {
		return nil, raise(templates.TypeError, "jinja2.environment.Template.render() argument after ** must be a mapping, not %s", a["var"].Type())
	}
	v, err := GetPath(c, m, text(a["path"]))
	if err != nil {
		return nil, err
	}
	return wantList(v, a["wantlist"]), nil
}

// GetPath evaluates a path such as a.b[0].c among the items of m.
func GetPath(c *templates.Call, m templates.Mapping, path string) (value, error) {
	e := c.State.Engine
	t, err := e.CompileExpr(path)
	if err != nil {
		return nil, err
	}
	v, err := t.EvalExpr(c.State.Ctx, templates.MapScope{Mapping: m})
	if err != nil || c.State.Era() == templates.Current || isContainer(v) {
		return v, err
	}
	return str(text(v)), nil // the collection of 2.14 renders a template
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/index_of_filter.html
func filterIndexOf(c *call) (value, error) {
	a, err := bind(c, []param{{name: "data", kind: "list", required: true}, {name: "test", kind: "str", required: true}, {name: "value"}, {name: "key"},
		{name: "fail_on_missing", kind: "bool"}, {name: "wantlist", kind: "bool"}})
	if err != nil {
		return nil, err
	}
	return IndexOf(c, elemsOf(a["data"]), text(a["test"]), a["value"], a["key"], truth(a["fail_on_missing"]), truth(a["wantlist"]))
}

// IndexOf gives the places of elems for which a test holds: one number where
// there is one, else a list. With a key the elements are dicts whose item is tested.
func IndexOf(c *templates.Call, elems []value, test string, want, key value, failOnMissing, wantlist bool) (value, error) {
	const plugin = "Error when using plugin 'index_of': "
	var at, missing []value
	if given(key) {
		kinds := make([]string, len(elems))
		all := true
		for i, e := range elems {
			_, ok := e.(templates.Mapping)
			all, kinds[i] = all && ok, e.Type()
		}
		if !all {
			return nil, raise(templates.AnsibleError, plugin+"When a key name is provided, all list entries are required to be dictionaries, got %s", andList(kinds))
		}
	}
	for i, e := range elems {
		if given(key) {
			m := e.(templates.Mapping) // seen above
			v, ok, err := m.Get(key)
			if err != nil {
				return nil, err
			}
			if !ok {
				if failOnMissing {
					missing = append(missing, str("'"+text(key)+"' was not found in '"+text(e)+"' at ["+strconv.Itoa(i)+"]"))
				}
				continue
			}
			e = v
		}
		ok, err := holds(c, test, e, want)
		if err != nil {
			return nil, raise(templates.AnsibleError, plugin+"Error encountered when testing value '%s' (type=%s) against '%s' (type=%s) with '%s'.  Error was: %s", text(e), e.Type(), text(orNone(want)), e.Type(), strings.TrimLeft(test, "!"), err)
		}
		if ok {
			at = append(at, templates.Int(i))
		}
	}
	if missing != nil {
		words := make([]string, len(missing))
		for i, m := range missing {
			words[i] = text(m)
		}
		return nil, raise(templates.AnsibleError, plugin+"%s. fail_on_missing=True", andList(words))
	}
	if len(at) == 1 && !wantlist {
		return at[0], nil
	}
	return list(at), nil
}

func orNone(v value) value {
	if v == nil {
		return templates.None
	}
	return v
}

// andList joins words; the last one behind an "and", even where it is alone.
func andList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// holds applies a test; "!" or "not " before its name negate it.
func holds(c *templates.Call, test string, v, want value) (bool, error) {
	name, negated := strings.CutPrefix(test, "!")
	if negated {
		if name = strings.TrimLeft(name, "!"); name == "=" {
			name = "=="
		}
	} else {
		name, negated = strings.CutPrefix(test, "not ")
	}
	args := []value{v}
	if given(want) {
		if name == "in" && !isSequence(want) {
			want = list([]value{want})
		}
		args = append(args, want)
	}
	ok, err := c.State.CallTest(name, args, nil)
	if err != nil {
		if te, is := err.(*templates.Error); is && te.Kind == templates.TemplateRuntimeError {
			return false, fail("the test '%s' was not found.", name)
		}
		return false, err
	}
	return ok != negated, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/param_list_compare_filter.html
func filterParamListCompare(c *call) (value, error) {
	if len(c.Args)+len(c.Kwargs) < 2 {
		return nil, fail("Missing either 'base' or 'other value in filter input,refer 'ansible.utils.param_list_compare' filter plugin documentation for details")
	}
	params := []param{{name: "base", kind: "list"}, {name: "target", kind: "list"}}
	if _, err := bind(c, params); err != nil {
		return nil, fail("argspec validation failed for param_list_compare filter with errors: %s", err)
	}
	var given, target value // as they are: the check converts copies
	if err := c.Unpack("param_list_compare", "base", &given, "target", &target); err != nil {
		return nil, err
	}
	base, err := c.State.Iterate(given)
	if err != nil {
		return nil, err
	}
	others, err := c.State.Iterate(target)
	if err != nil {
		return nil, err
	}
	var chosen, unsupported, wanted []value
	without := map[string]bool{}
	for _, e := range others {
		s, ok := isText(e)
		if !ok {
			return nil, raise(templates.AttributeError, "'%s' object has no attribute 'startswith'", e.Type())
		}
		not, isBang := strings.CutPrefix(s, "!")
		switch {
		case s == "all":
			chosen = slices.Clone(base)
		case isBang:
			without[not] = true
		case contains(base, e):
			wanted = append(wanted, e)
		default:
			unsupported = append(unsupported, e)
		}
	}
	chosen = slices.DeleteFunc(chosen, func(e value) bool { return without[text(e)] })
	for _, e := range wanted {
		if !contains(chosen, e) {
			chosen = append(chosen, e)
		}
	}
	d := templates.NewDict(2)
	d.SetStr("actionable", list(sortedValues(chosen)))
	d.SetStr("unsupported", list(unsupported))
	return d, nil
}

// A factSource is one of the sets of facts that consolidate joins.
type factSource struct {
	name    string
	matched *templates.Dict // by the value of the match key
}

// https://docs.ansible.com/ansible/latest/collections/ansible/utils/consolidate_filter.html
func filterConsolidate(c *call) (value, error) {
	yes := templates.Bool(true)
	a, err := bind(c, []param{{name: "data_sources", kind: "list", required: true}, {name: "fail_missing_match_key", kind: "bool", def: yes},
		{name: "fail_missing_match_value", kind: "bool", def: yes}, {name: "fail_duplicate", kind: "bool", def: yes}})
	if err != nil {
		return nil, err
	}
	var sources []factSource
	var noKey, twice []string
	all := templates.NewDict(0)
	for i, e := range elemsOf(a["data_sources"]) {
		s, lacking, dup, err := readSource(e, i+1)
		if err != nil {
			return nil, err
		}
		noKey = append(noKey, lacking...)
		if dup {
			twice = append(twice, "duplicate values in data source "+strconv.Itoa(i+1))
		}
		for _, k := range s.matched.Keys() {
			if err := all.Set(k, templates.None); err != nil {
				return nil, err
			}
		}
		sources = append(sources, s)
	}
	var found []string
	report := func(on value, option string, what []string) {
		if truth(on) && len(what) > 0 {
			found = append(found, "Error when using plugin 'consolidate': '"+option+"' reported "+strings.Join(what, ", "))
		}
	}
	report(a["fail_missing_match_key"], "fail_missing_match_key", noKey)
	report(a["fail_duplicate"], "fail_duplicate", twice)
	if found == nil {
		var absent []string
		for i, s := range sources {
			var lack []string
			for _, k := range all.Keys() {
				if _, ok, _ := s.matched.Get(k); !ok {
					lack = append(lack, text(k))
				}
			}
			if lack != nil {
				absent = append(absent, "missing match value "+strings.Join(lack, ", ")+" in data source "+strconv.Itoa(i+1))
			}
		}
		report(a["fail_missing_match_value"], "fail_missing_match_value", absent)
	}
	if found != nil {
		return nil, fail("%s", strings.Join(found, "; "))
	}
	out := templates.NewDict(all.Len())
	for _, k := range sortedValues(all.Keys()) {
		d := templates.NewDict(len(sources))
		for _, s := range sources {
			v, ok, _ := s.matched.Get(k)
			if !ok {
				v = templates.NewDict(0)
			}
			d.SetStr(s.name, v)
		}
		if err := out.Set(k, d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readSource reads {data, match_key, name}; lacking are complaints about
// entries without the key.
func readSource(v value, number int) (s factSource, lacking []string, dup bool, err error) {
	m, ok := v.(templates.Mapping)
	if !ok {
		return s, nil, false, fail("Elements value for option 'data_sources' is of type %s and we were unable to convert to dict: %s cannot be converted to a dict", v.Type(), pyClass(v))
	}
	var missing []string
	got := map[string]value{}
	for _, k := range []string{"data", "match_key", "name"} {
		x, ok, err := strKey(m, k)
		if err != nil {
			return s, nil, false, err
		}
		if !ok {
			missing = append(missing, k)
		}
		got[k] = x
	}
	if missing != nil {
		return s, nil, false, fail("%s", repr(list([]value{str("missing required arguments: " + strings.Join(missing, ", ") + " found in data_sources")})))
	}
	s = factSource{name: text(got["name"]), matched: templates.NewDict(0)}
	for i, e := range elemsOf(got["data"]) {
		entry, ok := e.(templates.Mapping)
		if !ok {
			return s, nil, false, raise(templates.TypeError, "'%s' object is not subscriptable", e.Type())
		}
		k, ok, err := entry.Get(got["match_key"])
		if err != nil {
			return s, nil, false, err
		}
		if !ok {
			lacking = append(lacking, "missing match key '"+text(got["match_key"])+"' in data source "+strconv.Itoa(number)+" in list entry "+strconv.Itoa(i+1))
			continue
		}
		_, taken, _ := s.matched.Get(k)
		dup = dup || taken
		if err := s.matched.Set(k, e); err != nil {
			return s, nil, false, err
		}
	}
	return s, lacking, dup, nil
}
