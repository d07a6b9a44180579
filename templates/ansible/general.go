package ansible

// This file holds filters of community.general
// (https://docs.ansible.com/ansible/latest/collections/community/general/index.html#filter-plugins).

import (
	"fmt"
	"hash/crc32"
	"slices"

	"gorun/templates"
)

var generalFilters = table{
	"json_query": filterJSONQuery, "dict": filterDict, "dict_kv": filterDictKV, "counter": filterCounter, "crc32": filterCRC32,
	"groupby_as_dict": filterGroupbyAsDict, "version_sort": filterVersionSort, "lists_mergeby": filterListsMergeby,
	"lists_union": manyLists("lists_union"), "lists_intersect": manyLists("lists_intersect"),
	"from_csv": filterFromCSV, "random_mac": filterRandomMAC, "to_time_unit": toUnit(""), "to_milliseconds": toUnit("ms"), "to_seconds": toUnit("s"),
	"to_minutes": toUnit("m"), "to_hours": toUnit("h"), "to_days": toUnit("d"), "to_weeks": toUnit("w"), "to_months": toUnit("mo"), "to_years": toUnit("y"),
	"lists_difference": manyLists("lists_difference"), "lists_symmetric_difference": manyLists("lists_symmetric_difference"),
}

// https://docs.ansible.com/ansible/latest/collections/community/general/dict_filter.html
func filterDict(c *call) (value, error) {
	var v value
	if err := c.Unpack("dict_filter", "sequence", &v); err != nil {
		return nil, err
	}
	if m, ok := v.(templates.Mapping); ok {
		return toDict(m)
	}
	pairs, err := c.State.Iterate(v)
	if err != nil {
		return nil, err
	}
	d := templates.NewDict(len(pairs))
	for i, p := range pairs {
		kv, err := c.State.Iterate(p)
		if err != nil {
			return nil, raise(templates.TypeError, "cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(kv) != 2 {
			return nil, raise(templates.ValueError, "dictionary update sequence element #%d has length %d; 2 is required", i, len(kv))
		}
		if err := d.Set(kv[0], kv[1]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/dict_kv_filter.html
func filterDictKV(c *call) (value, error) {
	var v, key value
	if err := c.Unpack("dict_kv", "value", &v, "key", &key); err != nil {
		return nil, err
	}
	d := templates.NewDict(1)
	return d, d.Set(key, v)
}

// https://docs.ansible.com/ansible/latest/collections/community/general/counter_filter.html
func filterCounter(c *call) (value, error) {
	var v value
	if err := c.Unpack("counter", "sequence", &v); err != nil {
		return nil, err
	}
	if _, isStr := isText(v); !isStr && !isSequence(v) {
		return nil, fail("Argument for community.general.counter must be a sequence (string or list). %s is %s", text(v), pyClass(v))
	}
	elems, err := c.State.Iterate(v)
	if err != nil {
		return nil, err
	}
	d := templates.NewDict(0)
	for _, e := range elems {
		n, _, err := d.Get(e)
		if err != nil {
			return nil, fail("community.general.counter needs a sequence with hashable elements (int, float or str) - %s", err)
		}
		count, _ := integer(n)
		if err := d.Set(e, templates.Int(count+1)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/crc32_filter.html
func filterCRC32(c *call) (value, error) {
	var v value
	if err := c.Unpack("crc32s", "value", &v); err != nil {
		return nil, err
	}
	if _, isStr := isText(v); !isStr {
		return nil, fail("Invalid value type (%s) for crc32 (%s)", pyClass(v), repr(v))
	}
	return str(fmt.Sprintf("%x", crc32.ChecksumIEEE(bytesOf(v)))), nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/groupby_as_dict_filter.html
func filterGroupbyAsDict(c *call) (value, error) {
	var seq, attr value
	if err := c.Unpack("groupby_as_dict", "sequence", &seq, "attribute", &attr); err != nil {
		return nil, err
	}
	if s, isStr := isText(seq); !isSequence(seq) && (!isStr || s == "") {
		return nil, fail("Input is not a sequence")
	} else if isStr {
		return nil, fail("Sequence element #0 is not a mapping")
	}
	d := templates.NewDict(0)
	for i, e := range elemsOf(seq) {
		m, ok := e.(templates.Mapping)
		if !ok {
			return nil, fail("Sequence element #%d is not a mapping", i)
		}
		k, ok, err := m.Get(attr)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fail("Attribute not contained in element #%d of sequence", i)
		}
		if _, taken, _ := d.Get(k); taken {
			return nil, fail("Multiple sequence entries have attribute value %s", repr(k))
		}
		if err := d.Set(k, e); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// https://docs.ansible.com/ansible/latest/collections/community/general/version_sort_filter.html
func filterVersionSort(c *call) (value, error) {
	var elems []value
	var reverse value
	if err := c.Unpack("version_sort", "value", &elems, "reverse?", &reverse); err != nil {
		return nil, err
	}
	out := slices.Clone(elems)
	keys := map[value]versionKey{}
	for _, e := range out {
		s, ok := isText(e)
		if !ok {
			return nil, raise(templates.TypeError, "expected string or bytes-like object, got '%s'", e.Type())
		}
		keys[e], _ = looseVersion(s) // any text is one
	}
	var failed error
	slices.SortStableFunc(out, func(a, b value) int {
		if truth(reverse) {
			a, b = b, a
		}
		n, err := keys[a].compare(keys[b])
		if err != nil {
			failed = raise(templates.TypeError, "%s", err)
		}
		return n
	})
	return list(out), failed
}

// https://docs.ansible.com/ansible/latest/collections/community/general/lists_mergeby_filter.html
func filterListsMergeby(c *call) (value, error) {
	how, recursive := "replace", false
	for _, k := range c.Kwargs {
		switch k.Name {
		case "list_merge":
			how = text(k.Value)
		case "recursive":
			recursive = k.Value.Truth()
		}
	}
	if len(c.Args) < 2 {
		return nil, fail("At least one list is needed and one index")
	}
	m, err := newMerger(recursive, how)
	if err != nil {
		return nil, err
	}
	index := c.Args[len(c.Args)-1]
	merged := templates.NewDict(0)
	for _, e := range flatten(nil, c.Args[:len(c.Args)-1], -1, false, 0) {
		item, ok := e.(templates.Mapping)
		if !ok {
			return nil, fail("Elements of list arguments for lists_mergeby must be dictionaries. %s is %s.", text(e), pyClass(e))
		}
		k, found, err := item.Get(index)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		old := templates.NewDict(0)
		if x, ok, _ := merged.Get(k); ok {
			old = x.(*templates.Dict)
		}
		next, err := m.merge(old, item, 0)
		if err != nil {
			return nil, err
		}
		if err := merged.Set(k, next); err != nil {
			return nil, err
		}
	}
	var out []value
	for _, k := range sortedValues(merged.Keys()) {
		v, _, _ := merged.Get(k) // k is a key of merged
		out = append(out, v)
	}
	return list(out), nil
}

// manyLists makes a filter of set operations over several lists
// (https://docs.ansible.com/ansible/latest/collections/community/general/lists_union_filter.html).
func manyLists(name string) templates.Func {
	return func(c *call) (value, error) {
		args, flat := c.Args, false
		if f, ok := kwarg(c.Kwargs, "flatten"); ok {
			flat = f.Truth()
		}
		if flat { // an argument that holds lists alone stands for these
			args = nil
			for _, a := range c.Args {
				if elems := elemsOf(a); len(elems) > 0 && !slices.ContainsFunc(elems, func(e value) bool { return !isSequence(e) }) {
					args = append(args, elems...)
				} else {
					args = append(args, a)
				}
			}
		}
		if len(args) == 1 {
			return args[0], nil
		}
		var out []value
		for i, a := range args {
			if !isSequence(a) {
				return nil, fail("All arguments must be lists.")
			}
			elems := elemsOf(a)
			switch {
			case i == 0:
				out = distinct(elems)
			case name == "lists_union":
				out = distinct(append(slices.Clone(out), elems...))
			case name == "lists_intersect":
				out = filtered(out, elems, true)
			case name == "lists_difference":
				out = filtered(out, elems, false)
			default:
				out = distinct(append(filtered(out, elems, false), filtered(elems, out, false)...))
			}
		}
		return list(out), nil
	}
}
