package ansible

// This file holds the filters of dictionaries.

import (
	"strings"

	"gorun/templates"
)

var dictFilters = table{
	"combine": filterCombine, "dict2items": filterDict2items, "items2dict": filterItems2dict, "rekey_on_member": filterRekey,
}

func splitDots(s string) []string { return strings.Split(s, ".") }

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/combine_filter.html
func filterCombine(c *call) (value, error) {
	recursive, how := false, "replace"
	for _, k := range c.Kwargs {
		switch k.Name {
		case "recursive":
			recursive = k.Value.Truth()
		case "list_merge":
			how = text(k.Value)
		default:
			return nil, fail("'recursive' and 'list_merge' are the only valid keyword arguments")
		}
	}
	terms := flatten(nil, c.Args, 1, true, 0)
	if len(terms) == 0 {
		return templates.NewDict(0), nil
	}
	out := terms[len(terms)-1]
	if len(terms) == 1 {
		return out, nil
	}
	m, err := newMerger(recursive, how)
	if err != nil {
		return nil, err
	}
	for i := len(terms) - 2; i >= 0; i-- {
		low, ok := terms[i].(templates.Mapping)
		high, ok2 := out.(templates.Mapping)
		if !ok || !ok2 {
			msg := "failed to combine variables, expected dicts but got a '" + terms[i].Type() + "' and a '" + out.Type() + "'"
			if c.State.Era() == templates.Current {
				return nil, raise(templates.AnsibleError, "%s.", msg)
			}
			return nil, raise(templates.AnsibleError, "%s: \n%s\n%s", msg, jsonText(terms[i]), jsonText(out))
		}
		d, err := toDict(low)
		if err != nil {
			return nil, err
		}
		if out, err = m.merge(d, high, 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// merger merges dicts as the filter combine does.
type merger struct {
	recursive bool
	lists     string // list_merge
}

func newMerger(recursive bool, lists string) (merger, error) {
	switch lists {
	case "replace", "keep", "append", "prepend", "append_rp", "prepend_rp":
		return merger{recursive, lists}, nil
	}
	return merger{}, raise(templates.AnsibleError, "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'")
}

// merge returns x with the items of y over it.
func (m merger) merge(x *templates.Dict, y templates.Mapping, depth int) (*templates.Dict, error) {
	over, err := toDict(y)
	if err != nil || x.Len() == 0 {
		return over, err
	}
	out := x.Copy()
	for k, v := range over.All {
		old, found, err := out.Get(k)
		if err != nil {
			return nil, err
		}
		if found && depth < 200 {
			if v, err = m.item(old, v, depth); err != nil {
				return nil, err
			}
		}
		if err := out.Set(k, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m merger) item(old, v value, depth int) (value, error) {
	if a, ok := old.(templates.Mapping); ok && m.recursive {
		if b, ok := v.(templates.Mapping); ok {
			d, err := toDict(a)
			if err != nil {
				return nil, err
			}
			return m.merge(d, b, depth+1)
		}
	}
	a, ok := old.(*templates.List)
	b, ok2 := v.(*templates.List)
	if !ok || !ok2 {
		return v, nil
	}
	return list(mergeLists(a.Elems, b.Elems, m.lists)), nil
}

// mergeLists joins an old and a new list; how is combine's list_merge.
func mergeLists(old, more []value, how string) []value {
	switch how {
	case "keep":
		return old
	case "append":
		return append(append([]value{}, old...), more...)
	case "prepend":
		return append(append([]value{}, more...), old...)
	case "append_rp":
		return append(filtered(old, more, false), more...)
	case "prepend_rp":
		return append(append([]value{}, more...), filtered(old, more, false)...)
	}
	return more
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/dict2items_filter.html
func filterDict2items(c *call) (value, error) {
	var v value
	key, val := "key", "value"
	if err := c.Unpack("dict_to_list_of_dict_key_value_elements", "mydict", &v, "key_name?", &key, "value_name?", &val); err != nil {
		return nil, err
	}
	m, ok := v.(templates.Mapping)
	if !ok {
		return nil, typeError("dict2items requires a dictionary, got %s instead.", pyClass(v))
	}
	d, err := toDict(m)
	if err != nil {
		return nil, err
	}
	out := make([]value, 0, d.Len())
	for k, v := range d.All {
		item := templates.NewDict(2)
		item.SetStr(key, k)
		item.SetStr(val, v)
		out = append(out, item)
	}
	return list(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/items2dict_filter.html
func filterItems2dict(c *call) (value, error) {
	var v value
	key, val := "key", "value"
	if err := c.Unpack("list_of_dict_key_value_elements_to_dict", "mylist", &v, "key_name?", &key, "value_name?", &val); err != nil {
		return nil, err
	}
	if !isSequence(v) {
		return nil, typeError("items2dict requires a list, got %s instead.", pyClass(v))
	}
	out := templates.NewDict(0)
	for _, e := range elemsOf(v) {
		m, ok := e.(templates.Mapping)
		if !ok {
			return nil, typeError("items2dict requires a list of dictionaries, got %s instead.", pyClassOfItems(v))
		}
		k, found, err := strKey(m, key)
		if err != nil {
			return nil, err
		}
		x, found2, err := strKey(m, val)
		if err != nil {
			return nil, err
		}
		if !found || !found2 {
			return nil, typeError("items2dict requires each dictionary in the list to contain the keys '%s' and '%s', got %s instead.", key, val, text(v))
		}
		if err := out.Set(k, x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func pyClassOfItems(v value) string { return text(v) }

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/rekey_on_member_filter.html
func filterRekey(c *call) (value, error) {
	var data value
	key, duplicates := "", "error"
	if err := c.Unpack("rekey_on_member", "data", &data, "key", &key, "duplicates?", &duplicates); err != nil {
		return nil, err
	}
	if duplicates != "error" && duplicates != "overwrite" {
		if c.State.Era() == templates.Current {
			return nil, fail("duplicates parameter to rekey_on_member has unknown value %s", repr(str(duplicates)))
		}
		return nil, fail("duplicates parameter to rekey_on_member has unknown value: %s", duplicates)
	}
	var items []value
	switch d := data.(type) {
	case templates.Mapping:
		all, err := toDict(d)
		if err != nil {
			return nil, err
		}
		for _, v := range all.All {
			items = append(items, v)
		}
	default:
		if _, isStr := isText(data); !isStr {
			if !isSequence(data) {
				return nil, typeError("Type is not a valid list, set, or dict")
			}
			items = elemsOf(data)
		} else {
			return nil, typeError("Type is not a valid list, set, or dict")
		}
	}
	out := templates.NewDict(len(items))
	for _, it := range items {
		m, ok := it.(templates.Mapping)
		if !ok {
			return nil, typeError("List item is not a valid dict")
		}
		k, found, err := strKey(m, key)
		if err != nil {
			return nil, err
		}
		if !found {
			if c.State.Era() == templates.Current {
				return nil, fail("Key %s was not found.", repr(str(key)))
			}
			return nil, fail("Key %s was not found", key)
		}
		if _, taken, _ := out.Get(k); taken && duplicates == "error" {
			if c.State.Era() == templates.Current {
				return nil, fail("Key %s is not unique, cannot convert to dict.", repr(k))
			}
			return nil, fail("Key %s is not unique, cannot correctly turn into dict", text(k))
		}
		if err := out.Set(k, it); err != nil {
			return nil, err
		}
	}
	return out, nil
}
