package ansible

// This file holds filters and tests of community.general on names, types and text
// (https://docs.ansible.com/ansible/latest/collections/community/general/index.html#filter-plugins).

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"gorun/modules/pyre"
	"gorun/templates"
)

var generalMore = table{
	"from_ini": filterFromINI, "to_ini": filterToINI, "hashids_encode": filterHashidsEncode, "hashids_decode": filterHashidsDecode,
	"unicode_normalize": filterUnicodeNormalize, "accumulate": filterAccumulate, "reveal_ansible_type": filterRevealType,
	"keep_keys": listKeys("keep_keys"), "remove_keys": listKeys("remove_keys"), "replace_keys": filterListReplaceKeys,
}

var generalTests = table{"ansible_type": testAnsibleType, "fqdn_valid": testFQDN}

// https://docs.ansible.com/ansible/latest/collections/community/general/unicode_normalize_filter.html
func filterUnicodeNormalize(c *call) (value, error) {
	var v value
	form := "NFC"
	if err := c.Unpack("unicode_normalize", "data", &v, "form?", &form); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, typeError("%s is not a valid input type", pyClass(v))
	}
	f, ok := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[form]
	if !ok {
		if c.State.Era() == templates.Current {
			form = repr(str(form))
		}
		return nil, fail("%s is not a valid form", form)
	}
	return str(f.String(s)), nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/accumulate_filter.html
func filterAccumulate(c *call) (value, error) {
	var v value
	if err := c.Unpack("list_accumulate", "sequence", &v); err != nil {
		return nil, err
	}
	if _, isStr := isText(v); !isStr && !isSequence(v) {
		return nil, fail("Invalid value type (%s) for accumulate (%s)", pyClass(v), repr(v))
	}
	elems, err := c.State.Iterate(v)
	if err != nil {
		return nil, err
	}
	out := make([]value, len(elems))
	for i, e := range elems {
		if i == 0 {
			out[0] = e
			continue
		}
		if out[i], err = c.State.Add(out[i-1], e); err != nil {
			return nil, err
		}
	}
	return list(out), nil
}

// ansibleType names v's type, and the types of what it holds.
func ansibleType(v, alias value) (string, error) {
	names, ok := alias.(templates.Mapping)
	if given(alias) && !ok {
		return "", fail("The argument alias must be a dictionary. %s is %s", repr(alias), pyClass(alias))
	}
	name := func(v value) string {
		if names != nil {
			if a, ok, err := strKey(names, v.Type()); ok && err == nil {
				return text(a)
			}
		}
		return v.Type()
	}
	all := func(elems []value) string {
		var kinds []string
		for _, e := range elems {
			kinds = append(kinds, name(e))
		}
		slices.Sort(kinds)
		return strings.Join(slices.Compact(kinds), "|")
	}
	kind := name(v)
	if !v.Truth() {
		return kind, nil
	}
	switch kind {
	case "list":
		return "list[" + all(elemsOf(v)) + "]", nil
	case "dict":
		m, ok := v.(templates.Mapping)
		if !ok {
			break
		}
		var vals []value
		for _, k := range m.Keys() {
			x, _, err := m.Get(k)
			if err != nil {
				return "", err
			}
			vals = append(vals, x)
		}
		return "dict[" + all(m.Keys()) + ", " + all(vals) + "]", nil
	}
	return kind, nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/reveal_ansible_type_filter.html
func filterRevealType(c *call) (value, error) {
	var v, alias value
	if err := c.Unpack("reveal_ansible_type", "data", &v, "alias?", &alias); err != nil {
		return nil, err
	}
	s, err := ansibleType(v, alias)
	return str(s), err
}

// https://docs.ansible.com/ansible/latest/collections/community/general/ansible_type_test.html
func testAnsibleType(c *call) (value, error) {
	var v, want, alias value
	if err := c.Unpack("ansible_type", "data", &v, "dtype", &want, "alias?", &alias); err != nil {
		return nil, err
	}
	wants := []value{want}
	if isSequence(want) {
		wants = elemsOf(want)
	} else if _, isStr := isText(want); !isStr {
		return nil, fail("The argument dtype must be a string or a list. dtype is %s.", pyClass(want))
	}
	s, err := ansibleType(v, alias)
	return templates.Bool(contains(wants, str(s))), err
}

var dnsLabel = pyre.MustCompile(`^(?!-)[a-z0-9-]{1,63}(?<!-)$`, pyre.IgnoreCase)

// https://docs.ansible.com/ansible/latest/collections/community/general/fqdn_valid_test.html
func testFQDN(c *call) (value, error) {
	var name string
	var underscores value
	labels := 1
	if err := c.Unpack("fqdn_valid", "name", &name, "min_labels?", &labels, "allow_underscores?", &underscores); err != nil {
		return nil, err
	}
	parts := strings.Split(strings.TrimSuffix(name, "."), ".")
	ok := len(parts) >= labels && len(name) <= 253
	for _, p := range parts {
		if truth(underscores) {
			p = strings.ReplaceAll(p, "_", "a")
		}
		ok = ok && dnsLabel.Match(p) != nil
	}
	return templates.Bool(ok), nil
}

// keyedDicts checks the input of the three filters of keys.
func keyedDicts(data value, how string) error {
	if _, isStr := isText(data); !isStr && !isSequence(data) {
		return fail("First argument must be a list. %s is %s", repr(data), pyClass(data))
	}
	for _, e := range elemsOf(data) {
		m, ok := e.(templates.Mapping)
		if !ok {
			return fail("The data items must be dictionaries. %s is %s", text(e), pyClass(e))
		}
		for _, k := range m.Keys() {
			if _, isStr := isText(k); !isStr {
				return fail("Top level keys must be strings. keys: %s", repr(list(m.Keys())))
			}
		}
	}
	choices := []value{str("equal"), str("starts_with"), str("ends_with"), str("regex")}
	if !contains(choices, str(how)) {
		return fail("The matching_parameter must be one of %s. matching_parameter=%s", repr(list(choices)), repr(str(how)))
	}
	return nil
}

// keyTargets are the names or patterns that keys are compared with.
func keyTargets(target value, how string) ([]value, error) {
	one, isStr := isText(target)
	if !isStr && !isSequence(target) {
		return nil, fail("The target must be a string or a list. target is %s.", pyClass(target))
	}
	if !target.Truth() {
		return nil, fail("The target can't be empty.")
	}
	if isStr {
		return []value{str(one)}, nil
	}
	for _, e := range elemsOf(target) {
		if _, ok := isText(e); !ok {
			return nil, fail("The target items must be strings. %s is %s", repr(e), pyClass(e))
		}
	}
	if how == "regex" && len(elemsOf(target)) > 1 {
		return nil, fail("Single item is required in the target list if matching_parameter=regex.")
	}
	return elemsOf(target), nil
}

// listKeys makes keep_keys and remove_keys of lists of dicts
// (https://docs.ansible.com/ansible/latest/collections/community/general/keep_keys_filter.html).
func listKeys(name string) templates.Func {
	return func(c *call) (value, error) {
		var data value
		var target value = templates.None
		how := "equal"
		if err := c.Unpack(name, "data", &data, "target?", &target, "matching_parameter?", &how); err != nil {
			return nil, err
		}
		if err := keyedDicts(data, how); err != nil {
			return nil, err
		}
		wanted, err := keyTargets(target, how)
		if err != nil {
			return nil, err
		}
		match := newMatcher(str(how))
		return eachDict(data, func(k value) (value, bool, error) {
			ok, err := match.any(k, wanted)
			if err != nil {
				err = fail("The target must be a valid regex if matching_parameter=regex. target is %s", text(wanted[0]))
			}
			return k, ok == (name == "keep_keys"), err
		})
	}
}

// eachDict copies the dicts of a list with the keys that f gives.
func eachDict(data value, f func(k value) (as value, keep bool, err error)) (value, error) {
	var out []value
	for _, e := range elemsOf(data) {
		m := e.(templates.Mapping) // keyedDicts has seen it
		d := templates.NewDict(m.Len())
		for _, k := range m.Keys() {
			as, ok, err := f(k)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			v, _, err := m.Get(k)
			if err == nil {
				err = d.Set(as, v)
			}
			if err != nil {
				return nil, err
			}
		}
		out = append(out, d)
	}
	return list(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/replace_keys_filter.html
func filterListReplaceKeys(c *call) (value, error) {
	var data value
	var target value = templates.None
	how := "equal"
	if err := c.Unpack("replace_keys", "data", &data, "target?", &target, "matching_parameter?", &how); err != nil {
		return nil, err
	}
	if err := keyedDicts(data, how); err != nil {
		return nil, err
	}
	l, ok := target.(*templates.List)
	if !ok {
		return nil, fail("The target must be a list. target is %s of type %s.", repr(target), pyClass(target))
	}
	if len(l.Elems) == 0 {
		return nil, fail("The target can't be empty.")
	}
	var pairs [][2]string
	for _, e := range l.Elems {
		m, ok := e.(templates.Mapping)
		if !ok {
			return nil, fail("The target items must be dictionaries. %s%%s is %s", repr(e), pyClass(e))
		}
		var pair [2]string
		for i, k := range []string{"before", "after"} {
			v, has, err := strKey(m, k)
			if err != nil {
				return nil, err
			}
			if !has {
				return nil, fail("All dictionaries in target must include attributes: after, before.")
			}
			if pair[i], ok = isText(v); !ok {
				return nil, fail("The attributes %s must be strings. %s is %s", k, repr(v), pyClass(v))
			}
		}
		pairs = append(pairs, pair)
	}
	match := newMatcher(str(how))
	return eachDict(data, func(k value) (value, bool, error) {
		for _, p := range pairs {
			ok, err := match(text(k), p[0])
			if err != nil {
				return nil, false, fail("The attributes before must be valid regex if matching_parameter=regex. Not all items are valid in: %s", p[0])
			}
			if ok {
				return str(p[1]), true, nil
			}
		}
		return k, true, nil
	})
}
