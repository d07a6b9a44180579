package ansible

// This file holds the filters of lists.

import (
	"math/big"
	"slices"

	"gorun/templates"
)

var listFilters = table{
	"unique": filterUnique, "union": filterUnion, "intersect": filterIntersect, "difference": filterDifference,
	"symmetric_difference": filterSymmetricDifference, "flatten": filterFlatten, "zip": filterZip, "zip_longest": filterZipLongest,
	"product": filterProduct, "permutations": filterPermutations, "combinations": filterCombinations,
	"extract": filterExtract, "subelements": filterSubelements,
}

// maxCombined bounds the tuples that product and its like may give.
const maxCombined = 1 << 20

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/unique_filter.html
func filterUnique(c *call) (value, error) {
	var a, sensitive, attr value
	if err := c.Unpack("unique", "a", &a, "case_sensitive?", &sensitive, "attribute?", &attr); err != nil {
		return nil, err
	}
	elems, err := c.State.Iterate(a)
	if err != nil {
		return nil, err
	}
	seen := &templates.Dict{}
	var odd, out []value // odd are the keys that have no hash
	for _, e := range elems {
		key := e
		if given(attr) {
			if key, err = attribute(c, e, attr); err != nil {
				return nil, err
			}
		}
		if !truth(sensitive) {
			if s, ok := isText(key); ok {
				key = str(lower(s))
			}
		}
		if _, found, err := seen.Get(key); err == nil {
			if !found {
				out = append(out, e)
				if err := seen.Set(key, templates.None); err != nil {
					return nil, err
				}
			}
			continue
		}
		if given(attr) || sensitive != nil && sensitive.Truth() {
			if given(attr) {
				return nil, fail("Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied")
			}
		}
		if !contains(odd, key) {
			odd = append(odd, key)
			out = append(out, e)
		}
	}
	return list(out), nil
}

// distinct are the elements without repetition, in order.
func distinct(elems []value) []value {
	seen := &templates.Dict{}
	var odd, out []value
	for _, e := range elems {
		if _, found, err := seen.Get(e); err == nil {
			if !found && seen.Set(e, templates.None) == nil {
				out = append(out, e)
			}
		} else if !contains(odd, e) {
			odd = append(odd, e)
			out = append(out, e)
		}
	}
	return out
}

// members answers quickly whether a value is among elems.
func members(elems []value) func(value) bool {
	set := &templates.Dict{}
	var odd []value
	for _, e := range elems {
		if set.Set(e, templates.None) != nil {
			odd = append(odd, e)
		}
	}
	return func(v value) bool {
		if _, ok, err := set.Get(v); err == nil {
			return ok
		}
		return contains(odd, v)
	}
}

// notContainer is Python's error of "in" something that holds nothing.
func notContainer(c *call, v value) error {
	if c.State.Era() == templates.Current {
		return typeError("argument of type '%s' is not a container or iterable", v.Type())
	}
	return typeError("argument of type '%s' is not iterable", v.Type())
}

func twoLists(c *call, fn string) (a, b []value, err error) {
	var x, y value
	if err = c.Unpack(fn, "a", &x, "b", &y); err != nil {
		return nil, nil, err
	}
	if a, err = c.State.Iterate(x); err != nil {
		return nil, nil, err
	}
	if len(a) == 0 && (fn == "difference" || fn == "intersect") {
		return nil, nil, nil // nothing is looked for in b, which may be anything
	}
	b, err = c.State.Iterate(y)
	if te, ok := err.(*templates.Error); ok && te.Kind == templates.TypeError && x.Type() == "list" {
		if fn == "difference" || fn == "intersect" {
			return nil, nil, notContainer(c, y)
		}
		return nil, nil, typeError("can only concatenate list (not \"%s\") to list", y.Type())
	}
	return a, b, err
}

// operands are two lists that Ansible may add.
func operands(c *call, fn string) (a, b []value, err error) {
	if c.State.Era() != templates.Current && fn == "union" && len(c.Args) > 0 { // it adds before it looks at elements
		if err := joinable(c, nil, nil); err != nil {
			return nil, nil, err
		}
	}
	if a, b, err = twoLists(c, fn); err == nil {
		err = joinable(c, a, b)
	}
	return a, b, err
}

// joinable reports an error where Ansible adds the operands of a union, since
// one of them, today one of their elements, has no hash, and + does not take them.
func joinable(c *call, a, b []value) error {
	x, y := c.Args[0], templates.Value(nil)
	if len(c.Args) > 1 {
		y = c.Args[1]
	} else if y, _ = kwarg(c.Kwargs, "b"); y == nil {
		return nil
	}
	odd := func(e value) bool { return templates.NewDict(1).Set(e, templates.None) != nil }
	if c.State.Era() == templates.Current {
		if !slices.ContainsFunc(a, odd) && !slices.ContainsFunc(b, odd) {
			return nil
		}
	} else if !odd(x) && !odd(y) {
		return nil
	}
	switch kind := x.Type(); {
	case kind == y.Type() && (kind == "list" || kind == "str" || kind == "tuple"):
		return nil
	case kind == "list" || kind == "str" || kind == "tuple":
		return raise(templates.TypeError, "can only concatenate %s (not \"%s\") to %s", kind, y.Type(), kind)
	}
	return raise(templates.TypeError, "unsupported operand type(s) for +: '%s' and '%s'", x.Type(), y.Type())
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/union_filter.html
func filterUnion(c *call) (value, error) {
	a, b, err := operands(c, "union")
	if err != nil {
		return nil, err
	}
	if v, ok := ofSets(c, a, b, pyUnion); ok {
		return v, nil
	}
	return list(distinct(append(append([]value{}, a...), b...))), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/intersect_filter.html
func filterIntersect(c *call) (value, error) {
	a, b, err := twoLists(c, "intersect")
	if err != nil {
		return nil, err
	}
	if v, ok := ofSets(c, a, b, pyIntersection); ok {
		return v, nil
	}
	return list(distinct(filtered(a, b, true))), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/difference_filter.html
func filterDifference(c *call) (value, error) {
	a, b, err := twoLists(c, "difference")
	if err != nil {
		return nil, err
	}
	if v, ok := ofSets(c, a, b, (*pySet).minus); ok {
		return v, nil
	}
	return list(distinct(filtered(a, b, false))), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/symmetric_difference_filter.html
func filterSymmetricDifference(c *call) (value, error) {
	a, b, err := operands(c, "symmetric_difference")
	if err != nil {
		return nil, err
	}
	if v, ok := ofSets(c, a, b, (*pySet).xor); ok {
		return v, nil
	}
	return list(distinct(append(filtered(a, b, false), filtered(b, a, false)...))), nil
}

// filtered are the elements of a that are, or are not, in b.
func filtered(a, b []value, in bool) []value {
	has := members(b)
	var out []value
	for _, e := range a {
		if has(e) == in {
			out = append(out, e)
		}
	}
	return out
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/flatten_filter.html
func filterFlatten(c *call) (value, error) {
	var mylist, levels, skip value
	if err := c.Unpack("flatten", "mylist", &mylist, "levels?", &levels, "skip_nulls?", &skip); err != nil {
		return nil, err
	}
	elems, err := c.State.Iterate(mylist)
	if err != nil {
		return nil, err
	}
	depth := int64(-1)
	if given(levels) {
		n, ok := number(levels)
		nested := slices.ContainsFunc(elems, func(e value) bool { return isSequence(e) && !isNull(e) })
		if !ok && nested {
			return nil, raise(templates.TypeError, "'>=' not supported between instances of '%s' and 'int'", levels.Type())
		}
		depth = max(int64(n), 0)
	}
	return list(flatten(nil, elems, depth, skip == nil || skip.Truth(), 0)), nil
}

func flatten(out, elems []value, levels int64, skipNulls bool, depth int) []value {
	for _, e := range elems {
		if skipNulls && isNull(e) {
			continue
		}
		if isSequence(e) && levels != 0 && depth < 200 {
			out = flatten(out, elemsOf(e), max(levels-1, -1), skipNulls, depth+1)
			continue
		}
		out = append(out, e)
	}
	return out
}

// isNull reports whether flatten leaves v out.
func isNull(v value) bool {
	s, ok := isText(v)
	return v == templates.None || ok && (s == "None" || s == "null")
}

// elemsOf are the elements of a value for which isSequence holds.
func elemsOf(v value) []value {
	switch v := v.(type) {
	case *templates.List:
		return v.Elems
	case templates.Tuple:
		return v
	case *templates.Set:
		return v.Elems()
	case templates.Sequence:
		out := make([]value, v.Len())
		for i := range out {
			out[i] = v.Index(i)
		}
		return out
	}
	return nil
}

// columns iterates over every argument.
func columns(c *call) ([][]value, error) {
	cols := make([][]value, len(c.Args))
	for i, a := range c.Args {
		e, err := c.State.Iterate(a)
		if err != nil {
			return nil, err
		}
		cols[i] = e
	}
	return cols, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/zip_filter.html
func filterZip(c *call) (value, error) {
	own, rest := keep(c)
	if len(rest) > 0 && rest[0].Name != "strict" {
		return nil, raise(templates.TypeError, "zip() got an unexpected keyword argument '%s'", rest[0].Name)
	}
	cols, err := columns(own)
	if err != nil {
		return nil, err
	}
	n := -1
	for i, col := range cols {
		if len(rest) > 0 && truth(rest[0].Value) && n >= 0 && len(col) != n {
			word := "shorter"
			if len(col) > n {
				word = "longer"
			}
			return nil, raise(templates.ValueError, "zip() argument %d is %s than argument 1", i+1, word)
		}
		if n < 0 || len(col) < n {
			n = len(col)
		}
	}
	return list(rows(cols, n, nil)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/zip_longest_filter.html
func filterZipLongest(c *call) (value, error) {
	own, rest := keep(c)
	var fill value = templates.None
	for _, k := range rest {
		if k.Name != "fillvalue" {
			return nil, raise(templates.TypeError, "zip_longest() got an unexpected keyword argument")
		}
		fill = k.Value
	}
	cols, err := columns(own)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, col := range cols {
		n = max(n, len(col))
	}
	return list(rows(cols, n, fill)), nil
}

func rows(cols [][]value, n int, fill value) []value {
	out := make([]value, n)
	for i := range out {
		row := make(templates.Tuple, len(cols))
		for j, col := range cols {
			if row[j] = fill; i < len(col) {
				row[j] = col[i]
			}
		}
		out[i] = row
	}
	return out
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/product_filter.html
func filterProduct(c *call) (value, error) {
	own, rest := keep(c)
	repeat := int64(1)
	for _, k := range rest {
		n, ok := integer(k.Value)
		if k.Name != "repeat" {
			return nil, raise(templates.TypeError, "'%s' is an invalid keyword argument for product()", k.Name)
		}
		if !ok {
			return nil, raise(templates.TypeError, "'%s' object cannot be interpreted as an integer", k.Value.Type())
		}
		repeat = n
	}
	if repeat < 0 {
		return nil, raise(templates.ValueError, "repeat argument cannot be negative")
	}
	cols, err := columns(own)
	if err != nil {
		return nil, err
	}
	total := 1
	var all [][]value
	for range repeat {
		for _, col := range cols {
			all = append(all, col)
			if total *= len(col); total > maxCombined || len(all) > 1000 {
				return nil, raise(templates.OverflowError, "product gives more than %d elements", maxCombined)
			}
		}
	}
	return list(product(all)), nil
}

func product(cols [][]value) []value {
	out := []value{templates.Tuple{}}
	for _, col := range cols {
		var next []value
		for _, head := range out {
			for _, e := range col {
				next = append(next, append(append(templates.Tuple{}, head.(templates.Tuple)...), e))
			}
		}
		out = next
	}
	return out
}

// pick calls yield with the indices of each choice of r out of n, in Python's
// order; ordered says whether the order of the chosen matters.
func pick(n, r int, ordered bool, yield func([]int)) {
	chosen := make([]int, 0, r)
	used := make([]bool, n)
	var step func(from int)
	step = func(from int) {
		if len(chosen) == r {
			yield(chosen)
			return
		}
		for i := from; i < n; i++ {
			if used[i] {
				continue
			}
			used[i] = true
			chosen = append(chosen, i)
			next := 0
			if !ordered {
				next = i + 1
			}
			step(next)
			chosen = chosen[:len(chosen)-1]
			used[i] = false
		}
	}
	step(0)
}

func chosen(c *call, fn string, ordered bool) (value, error) {
	var a, size value
	if err := c.Unpack(fn, "iterable", &a, "r?", &size); err != nil {
		return nil, err
	}
	elems, err := c.State.Iterate(a)
	if err != nil {
		return nil, err
	}
	r := int64(len(elems))
	if given(size) {
		n, ok := integer(size)
		if !ok {
			if fn == "permutations" {
				return nil, raise(templates.TypeError, "Expected int as r")
			}
			return nil, raise(templates.TypeError, "'%s' object cannot be interpreted as an integer", size.Type())
		}
		r = n
	}
	if r < 0 {
		return nil, raise(templates.ValueError, "r must be non-negative")
	}
	if r > int64(len(elems)) {
		return list(nil), nil
	}
	count := new(big.Int).Binomial(int64(len(elems)), r)
	if ordered {
		count.Mul(count, new(big.Int).MulRange(1, r))
	}
	if !count.IsInt64() || count.Int64() > maxCombined {
		return nil, raise(templates.OverflowError, "%s gives more than %d elements", fn, maxCombined)
	}
	var out []value
	pick(len(elems), int(r), ordered, func(at []int) {
		row := make(templates.Tuple, len(at))
		for i, j := range at {
			row[i] = elems[j]
		}
		out = append(out, row)
	})
	return list(out), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/permutations_filter.html
func filterPermutations(c *call) (value, error) { return chosen(c, "permutations", true) }

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/combinations_filter.html
func filterCombinations(c *call) (value, error) {
	if len(c.Args) < 2 && len(c.Kwargs) == 0 {
		return nil, raise(templates.TypeError, "combinations() missing required argument 'r' (pos 2)")
	}
	return chosen(c, "combinations", false)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/extract_filter.html
func filterExtract(c *call) (value, error) {
	var item, container, more value
	if err := c.Unpack("extract", "item", &item, "container", &container, "morekeys?", &more); err != nil {
		return nil, err
	}
	keys := []value{item}
	if given(more) {
		if l, ok := more.(*templates.List); ok {
			keys = append(keys, l.Elems...)
		} else {
			keys = append(keys, more)
		}
	}
	v := container
	for _, k := range keys {
		next, err := c.State.GetItem(v, k)
		if err != nil {
			return nil, err
		}
		v = next
	}
	return v, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/subelements_filter.html
func filterSubelements(c *call) (value, error) {
	var obj, sub, skip value
	if err := c.Unpack("subelements", "obj", &obj, "subelements", &sub, "skip_missing?", &skip); err != nil {
		return nil, err
	}
	elems, err := subjects(obj)
	if err != nil {
		return nil, err
	}
	path, err := subPath(sub)
	if err != nil {
		return nil, err
	}
	var out []value
	for _, e := range elems {
		var v = e
		missing := false
		for _, p := range path {
			m, ok := v.(templates.Mapping)
			if !ok {
				return nil, typeError("the key %s should point to a dictionary, got '%s'", p, text(v))
			}
			next, ok, err := strKey(m, p)
			if err != nil {
				return nil, err
			}
			if !ok {
				if !truth(skip) {
					return nil, fail("could not find %s key in iterated item %s", repr(str(p)), repr(v))
				}
				missing = true
				break
			}
			v = next
		}
		if missing {
			continue
		}
		l, ok := v.(*templates.List)
		if !ok {
			return nil, typeError("the key %s should point to a list, got %s", repr(str(path[len(path)-1])), repr(v))
		}
		for _, s := range l.Elems {
			out = append(out, templates.Tuple{e, s})
		}
	}
	return list(out), nil
}

func subjects(obj value) ([]value, error) {
	switch o := obj.(type) {
	case templates.Mapping:
		d, err := toDict(o)
		if err != nil {
			return nil, err
		}
		var out []value
		for _, v := range d.All {
			out = append(out, v)
		}
		return out, nil
	case *templates.List:
		return o.Elems, nil
	}
	return nil, typeError("obj must be a list of dicts or a nested dict")
}

func subPath(sub value) ([]string, error) {
	switch s := sub.(type) {
	case *templates.List:
		out := make([]string, len(s.Elems))
		for i, e := range s.Elems {
			out[i] = text(e)
		}
		if len(out) > 0 {
			return out, nil
		}
	case templates.Str:
		return splitDots(string(s)), nil
	}
	return nil, typeError("subelements must be a list or a string")
}
