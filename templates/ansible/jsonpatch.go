package ansible

// This file holds the filters json_patch and json_patch_recipe (RFC 6902,
// https://docs.ansible.com/ansible/latest/collections/community/general/json_patch_filter.html).

import (
	"slices"
	"strconv"
	"strings"

	"gorun/templates"
)

var patchFilters = table{"from_toml": filterFromTOML, "to_toml": filterToTOML, "to_prettytable": filterToPrettyTable, "json_patch": filterJSONPatch, "json_patch_recipe": filterJSONPatchRecipe}

// A patch is one operation.
type patch struct {
	op, path, from string
	value          value // nil: none was given
}

// An unequal is a test of a patch that does not hold.
type unequal struct{ msg string }

func (e *unequal) Error() string { return e.msg }

// patchInput is what is patched: texts are JSON.
func patchInput(filter string, v value) (value, error) {
	s, ok := isText(v)
	if !ok {
		switch v.(type) {
		case templates.Mapping, *templates.List:
			return v, nil
		}
		return nil, fail("%s: input is not dictionary, list or string", filter)
	}
	x, err := parseJSON(s)
	if err != nil {
		return nil, fail("%s: could not decode JSON from input: %s", filter, err)
	}
	return x, nil
}

func filterJSONPatch(c *call) (value, error) {
	own := &call{State: c.State, Args: c.Args}
	var p patch
	for _, k := range c.Kwargs {
		if k.Name == "from" {
			p.from = text(k.Value)
			continue
		}
		own.Kwargs = append(own.Kwargs, k)
	}
	var in, failTest value
	if err := own.Unpack("json_patch", "inp", &in, "op", &p.op, "path", &p.path, "value?", &p.value, "fail_test?", &failTest); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"add", "copy", "move", "remove", "replace", "test"}, p.op) {
		return nil, fail("json_patch: unsupported 'op' argument: %s", p.op)
	}
	v, err := patchInput("json_patch", in)
	if err != nil {
		return nil, err
	}
	if p.value == nil {
		p.value = templates.None
	}
	return patched("json_patch", v, []patch{p}, truth(failTest))
}

// https://docs.ansible.com/ansible/latest/collections/community/general/json_patch_recipe_filter.html
func filterJSONPatchRecipe(c *call) (value, error) {
	var in, ops, failTest value
	if err := c.Unpack("json_patch_recipe", "inp", &in, "operations", &ops, "fail_test?", &failTest); err != nil {
		return nil, err
	}
	l, ok := ops.(*templates.List)
	if !ok {
		return nil, fail("json_patch_recipe: 'operations' needs to be a list")
	}
	v, err := patchInput("json_patch_recipe", in)
	if err != nil {
		return nil, err
	}
	var patches []patch
	for _, e := range l.Elems {
		m, ok := e.(templates.Mapping)
		if !ok {
			return nil, fail("json_patch_recipe: patch failed: '%s' object is not a mapping", e.Type())
		}
		var p patch
		for name, to := range map[string]*string{"op": &p.op, "path": &p.path, "from": &p.from} {
			x, ok, err := strKey(m, name)
			if err != nil {
				return nil, err
			}
			if ok {
				*to = text(x)
			}
		}
		if p.value, _, err = strKey(m, "value"); err != nil {
			return nil, err
		}
		patches = append(patches, p)
	}
	return patched("json_patch_recipe", v, patches, truth(failTest))
}

// patched applies operations one after another; where a test does not hold the
// result is None, or an error.
func patched(filter string, v value, patches []patch, failTest bool) (value, error) {
	for _, p := range patches {
		var err error
		v, err = p.apply(v)
		if t, isTest := err.(*unequal); isTest {
			if failTest {
				return nil, fail("%s: test operation failed: %s", filter, t.msg)
			}
			return templates.None, nil
		}
		if err != nil {
			return nil, fail("%s: patch failed: %s", filter, err)
		}
	}
	return v, nil
}

// pointer splits a JSON pointer (RFC 6901).
func pointer(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	if s[0] != '/' {
		return nil, fail("Location must start with /")
	}
	parts := strings.Split(s[1:], "/")
	for i, p := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
	}
	return parts, nil
}

func (p patch) apply(v value) (value, error) {
	path, err := pointer(p.path)
	if err != nil {
		return nil, err
	}
	given := p.value
	switch p.op {
	case "copy", "move":
		from, err := pointer(p.from)
		if err != nil {
			return nil, err
		}
		if given, err = at(v, from); err != nil {
			return nil, err
		}
		if p.op == "move" {
			if v, err = edit(v, from, "remove", nil); err != nil {
				return nil, err
			}
		}
		return edit(v, path, "add", given)
	case "add", "replace", "test":
		if given == nil {
			return nil, fail("The operation does not contain a 'value' member")
		}
	case "remove":
	default:
		return nil, fail("Unknown operation %s", repr(str(p.op)))
	}
	if p.op == "test" {
		is, err := at(v, path)
		if err != nil {
			return nil, &unequal{err.Error()}
		}
		if !templates.Equal(is, given) {
			return nil, &unequal{text(is) + " (" + pyClass(is) + ") is not equal to tested value " + text(given) + " (" + pyClass(given) + ")"}
		}
		return v, nil
	}
	return edit(v, path, p.op, given)
}

// spot is the index of an element that a pointer names.
func spot(key string, n int) (int, error) {
	i, err := strconv.Atoi(key)
	if err != nil || i < 0 || key != strconv.Itoa(i) {
		return 0, fail("'%s' is not a valid sequence index", key)
	}
	if i >= n {
		return 0, fail("list index out of range")
	}
	return i, nil
}

// at is the value that a pointer names.
func at(v value, path []string) (value, error) {
	for _, key := range path {
		switch c := v.(type) {
		case templates.Mapping:
			x, ok, err := strKey(c, key)
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, fail("member '%s' not found in %s", key, text(c))
			}
			v = x
		case *templates.List:
			i, err := spot(key, len(c.Elems))
			if err != nil {
				return nil, err
			}
			v = c.Elems[i]
		default:
			return nil, fail("cannot be indexed: %s", v.Type())
		}
	}
	return v, nil
}

// edit copies v along a path and changes what is at its end.
func edit(v value, path []string, op string, given value) (value, error) {
	if len(path) == 0 {
		if op == "remove" {
			return templates.None, nil
		}
		return given, nil
	}
	key, last := path[0], len(path) == 1
	switch c := v.(type) {
	case templates.Mapping:
		d, err := toDict(c)
		if err != nil {
			return nil, err
		}
		old, has := d.GetStr(key)
		switch {
		case last && op == "remove" && !has:
			return nil, fail("can't remove a non-existent object '%s'", key)
		case last && op == "replace" && !has:
			return nil, fail("can't replace a non-existent object '%s'", key)
		case last && op == "remove":
			d.Delete(str(key))
			return d, nil
		case last:
			d.SetStr(key, given)
			return d, nil
		case !has:
			return nil, fail("member '%s' not found in %s", key, text(c))
		}
		x, err := edit(old, path[1:], op, given)
		d.SetStr(key, x)
		return d, err
	case *templates.List:
		return editList(c, path, op, given)
	}
	return nil, fail("invalid document type %s", pyClass(v))
}

func editList(l *templates.List, path []string, op string, given value) (value, error) {
	elems := slices.Clone(l.Elems)
	key, last := path[0], len(path) == 1
	if last && op == "add" {
		if key == "-" {
			return list(append(elems, given)), nil
		}
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 {
			return nil, fail("'%s' is not a valid sequence index", key)
		}
		if i > len(elems) {
			return nil, fail("can't insert outside of list")
		}
		return list(slices.Insert(elems, i, given)), nil
	}
	i, err := spot(key, len(elems))
	if err != nil {
		return nil, err
	}
	switch {
	case last && op == "remove":
		return list(slices.Delete(elems, i, i+1)), nil
	case last:
		elems[i] = given
		return list(elems), nil
	}
	if elems[i], err = edit(elems[i], path[1:], op, given); err != nil {
		return nil, err
	}
	return list(elems), nil
}
