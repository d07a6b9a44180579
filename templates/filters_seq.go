package templates

// This file holds the filters of sequences and mappings.

import (
	"math/rand/v2"
	"slices"
)

var (
	sigAttr       = signatureOf("do_attr", 1, "obj", "name")
	sigBatch      = signatureOf("do_batch", 0, "value", "linecount", "fill_with?")
	sigDefault    = signatureOf("do_default", 0, "value", "default_value?", "boolean?")
	sigDictsort   = signatureOf("do_dictsort", 0, "value", "case_sensitive?", "by?", "reverse?")
	sigFirst      = signatureOf("sync_do_first", 1, "seq")
	sigGroupby    = signatureOf("sync_do_groupby", 1, "value", "attribute", "default?", "case_sensitive?")
	sigItems      = signatureOf("do_items", 0, "value")
	sigJoin       = signatureOf("sync_do_join", 1, "value", "d?", "attribute?")
	sigLast       = signatureOf("do_last", 1, "seq")
	sigList       = signatureOf("sync_do_list", 0, "value")
	sigMax        = signatureOf("do_max", 1, "value", "case_sensitive?", "attribute?")
	sigMin        = signatureOf("do_min", 1, "value", "case_sensitive?", "attribute?")
	sigRandom     = signatureOf("do_random", 1, "seq")
	sigReverse    = signatureOf("do_reverse", 0, "value")
	sigSlice      = signatureOf("sync_do_slice", 0, "value", "slices", "fill_with?")
	sigSort       = signatureOf("do_sort", 1, "value", "reverse?", "case_sensitive?", "attribute?")
	sigSum        = signatureOf("sync_do_sum", 1, "iterable", "attribute?", "start?")
	sigUnique     = signatureOf("sync_do_unique", 1, "value", "case_sensitive?", "attribute?")
	errNoFirst    = "No first item, sequence was empty."
	errNoLast     = "No last item, sequence was empty."
	errNoRandom   = "No random item, sequence was empty."
	errAggregated = "No aggregated item, sequence was empty."
)

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.attr
func filterAttr(c *Call) (Value, error) {
	a := c.bind(&sigAttr)
	name, ok := textOf(a[1])
	if !ok {
		throw(TypeError, "attribute name must be string, not '%s'", pyType(a[1]))
	}
	rt := c.State.run
	if u, ok := a[0].(*Undefined); ok {
		return rt.getattr(u, name), nil
	}
	if v := rt.attribute(a[0], name); v != nil {
		return v, nil
	}
	if isDunder(name) {
		return rt.unsafe(a[0], name), nil
	}
	return rt.noAttr(a[0], name), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.batch
func filterBatch(c *Call) (Value, error) {
	a := c.bind(&sigBatch)
	rt := c.State.run
	return rt.newGenerator("do_batch", func() []Value {
		n, isInt := toInt(a[1])
		var rows []Value
		var row []Value
		for i, e := range rt.iter(a[0]) {
			if isInt && int64(len(row)) == n {
				rows = append(rows, NewList(row...))
				row = nil
			}
			if i == 0 && !isInt {
				failUndefined(a[1])
			}
			row = append(row, e)
		}
		if len(row) > 0 {
			if given(a[2]) && int64(len(row)) < int64(mustIndex(a[1])) {
				rt.bound(mustIndex(a[1]))
				for len(row) < mustIndex(a[1]) {
					row = append(row, a[2])
				}
			}
			rows = append(rows, NewList(row...))
		}
		return rows
	}), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.default
func filterDefault(c *Call) (Value, error) {
	a := c.bind(&sigDefault)
	if IsUndefined(a[0]) || optTruth(a[2]) && !truth(a[0]) {
		if a[1] == nil {
			return Str(""), nil
		}
		return a[1], nil
	}
	return a[0], nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.dictsort
func filterDictsort(c *Call) (Value, error) {
	a := c.bind(&sigDictsort)
	at := 0
	if a[2] != nil {
		switch s, _ := textOf(a[2]); s {
		case "key":
		case "value":
			at = 1
		default:
			return nil, &Error{Kind: FilterError, Msg: `You can only sort by either "key" or "value"`}
		}
	}
	m, ok := a[0].(Mapping)
	if !ok {
		failUndefined(a[0])
		throw(AttributeError, "'%s' object has no attribute 'items'", pyType(a[0]))
	}
	key := func(v Value) Value { return v.(Tuple)[at] }
	return NewList(sortBy(dictView{"items", m}.elems(), key, !optTruth(a[1]), optTruth(a[3]))...), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.first
func filterFirst(c *Call) (Value, error) {
	a := c.bind(&sigFirst)
	rt := c.State.run
	if g, ok := a[0].(*generator); ok {
		if v, ok := g.next(); ok {
			return v, nil
		}
		return rt.hint(errNoFirst), nil
	}
	if l, ok := a[0].(*List); ok && len(l.Elems) > 0 {
		return rt.force(l.Elems[0]), nil
	}
	elems := rt.iter(a[0])
	if len(elems) == 0 {
		return rt.hint(errNoFirst), nil
	}
	return elems[0], nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.last
func filterLast(c *Call) (Value, error) {
	a := c.bind(&sigLast)
	rt := c.State.run
	if l, ok := a[0].(*List); ok && len(l.Elems) > 0 {
		return rt.force(l.Elems[len(l.Elems)-1]), nil
	}
	elems := rt.reversible(a[0])
	if len(elems) == 0 {
		return rt.hint(errNoLast), nil
	}
	return elems[len(elems)-1], nil
}

// reversible returns the elements of what reversed() takes.
func (rt *run) reversible(v Value) []Value {
	switch x := v.(type) {
	case *generator, *Set, *loopContext:
		throw(TypeError, "'%s' object is not reversible", pyType(v))
	case *Undefined:
		failStrict(x)
		return nil
	}
	elems, ok := rt.iterable(v)
	if !ok {
		throw(TypeError, "'%s' object is not reversible", pyType(v))
	}
	return elems
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.groupby
func filterGroupby(c *Call) (Value, error) {
	a := c.bind(&sigGroupby)
	rt := c.State.run
	path := attrPath(a[1])
	caseSensitive := optTruth(a[3])
	var dflt Value
	if given(a[2]) {
		dflt = a[2]
	}
	key := func(v Value) Value { return sortKey(rt.follow(v, path, dflt), caseSensitive) }
	out := NewList()
	var last Value
	for _, v := range sortBy(rt.iter(a[0]), key, false, false) {
		k := key(v)
		if last == nil || !equal(k, last, 0) {
			out.Elems = append(out.Elems, groupTuple{Tuple{rt.follow(v, path, dflt), NewList()}})
			last = k
		}
		g := out.Elems[len(out.Elems)-1].(groupTuple).Tuple[1].(*List)
		g.Elems = append(g.Elems, v)
	}
	return out, nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.items
func filterItems(c *Call) (Value, error) {
	a := c.bind(&sigItems)
	rt := c.State.run
	return rt.newGenerator("do_items", func() []Value {
		if IsUndefined(a[0]) {
			return nil
		}
		m, ok := a[0].(Mapping)
		if !ok {
			throw(TypeError, "Can only get item pairs from a mapping.")
		}
		return dictView{"items", m}.elems()
	}), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.join
func filterJoin(c *Call) (Value, error) {
	a := c.bind(&sigJoin)
	rt := c.State.run
	sep := Value(Str(""))
	if a[1] != nil {
		sep = a[1]
	}
	if !c.State.Autoescape() { // as str(d).join(...), which looks at d first
		sep = Str(StrOf(sep, rt.era))
	}
	elems := rt.iter(a[0])
	if given(a[2]) {
		path := attrPath(a[2])
		got := make([]Value, len(elems))
		for i, e := range elems {
			got[i] = rt.follow(e, path, nil)
		}
		elems = got
	}
	_, escape := sep.(Markup)
	for _, e := range elems {
		_, isMarkup := e.(Markup)
		escape = escape || isMarkup
	}
	escape = escape && c.State.Autoescape()
	text := func(v Value) string {
		if escape {
			return escapeValue(v, rt.era)
		}
		return StrOf(v, rt.era)
	}
	d := text(sep)
	var b []byte
	for i, e := range elems {
		if i > 0 {
			b = append(b, d...)
		}
		b = append(b, text(e)...)
		rt.bound(len(b) / (i + 1))
	}
	rt.bound(len(b))
	if escape {
		return Markup(b), nil
	}
	return Str(b), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.length
func filterLength(c *Call) (Value, error) {
	if len(c.Kwargs) > 0 {
		throw(TypeError, "len() takes no keyword arguments")
	}
	if len(c.Args) != 1 {
		throw(TypeError, "len() takes exactly one argument (%d given)", len(c.Args))
	}
	return Int(length(c.Args[0])), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.list
func filterList(c *Call) (Value, error) {
	a := c.bind(&sigList)
	return NewList(slices.Clone(c.State.run.iter(a[0]))...), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.max
func filterMax(c *Call) (Value, error) { return extreme(c, c.bind(&sigMax), ">") }

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.min
func filterMin(c *Call) (Value, error) { return extreme(c, c.bind(&sigMin), "<") }

func extreme(c *Call, a [maxParams]Value, op string) (Value, error) {
	rt := c.State.run
	elems := rt.iter(a[0])
	if len(elems) == 0 {
		return rt.hint(errAggregated), nil
	}
	path := attrPath(a[2])
	key := func(v Value) Value { return sortKey(rt.follow(v, path, nil), optTruth(a[1])) }
	better := comparer(op)
	best, bestKey := elems[0], key(elems[0])
	for _, e := range elems[1:] {
		if k := key(e); better(rt, k, bestKey) {
			best, bestKey = e, k
		}
	}
	return best, nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.random
func filterRandom(c *Call) (Value, error) {
	a := c.bind(&sigRandom)
	rt := c.State.run
	switch a[0].(type) {
	case *Dict, *Set, *generator:
		throw(TypeError, "'%s' object is not subscriptable", pyType(a[0]))
	}
	n := length(a[0])
	if n == 0 {
		return rt.hint(errNoRandom), nil
	}
	return rt.iter(a[0])[rand.IntN(n)], nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.reverse
func filterReverse(c *Call) (Value, error) {
	a := c.bind(&sigReverse)
	if s, wrap := a[0], func(s string) Value { return Str(s) }; isText(s) {
		if _, ok := s.(Markup); ok {
			wrap = func(s string) Value { return Markup(s) }
		}
		r := []rune(StrOf(s, Current))
		slices.Reverse(r)
		return wrap(string(r)), nil
	}
	rt := c.State.run
	elems, ok := rt.iterable(a[0])
	if !ok {
		return nil, &Error{Kind: FilterError, Msg: "argument must be iterable"}
	}
	elems = slices.Clone(elems)
	slices.Reverse(elems)
	names := map[string]string{"list": "list_reverseiterator", "dict": "dict_reversekeyiterator", "range": "range_iterator", "tuple": "reversed", "_GroupTuple": "reversed", "Undefined": "reversed",
		"dict_items": "dict_reverseitemiterator", "dict_keys": "dict_reversekeyiterator", "dict_values": "dict_reversevalueiterator"}
	name, ok := names[pyType(a[0])]
	if !ok || rt.e.opts.Unroll {
		return NewList(elems...), nil
	}
	return &generator{name: name + " object", fill: func() []Value { return elems }}, nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.slice
func filterSlice(c *Call) (Value, error) {
	a := c.bind(&sigSlice)
	rt := c.State.run
	return rt.newGenerator("sync_do_slice", func() []Value {
		seq := rt.iter(a[0])
		n := mustIndex(a[1])
		if n == 0 {
			throw(ZeroDivisionError, "integer division or modulo by zero")
		}
		if n < 0 {
			return nil
		}
		rt.bound(n)
		per, extra := len(seq)/n, len(seq)%n
		var out []Value
		offset := 0
		for i := range n {
			start := offset + i*per
			if i < extra {
				offset++
			}
			row := slices.Clone(seq[start : offset+(i+1)*per])
			if given(a[2]) && i >= extra {
				row = append(row, a[2])
			}
			out = append(out, NewList(row...))
		}
		return out
	}), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.sort
func filterSort(c *Call) (Value, error) {
	a := c.bind(&sigSort)
	rt := c.State.run
	return NewList(rt.sorted(rt.iter(a[0]), &a)...), nil
}

// sorted is the filter sort with its arguments.
func (rt *run) sorted(elems []Value, a *[maxParams]Value) []Value {
	paths := [][]Value{attrPath(a[3])}
	if s, ok := a[3].(Str); ok {
		paths = nil
		for start, i := 0, 0; i <= len(s); i++ {
			if i == len(s) || s[i] == ',' {
				paths = append(paths, attrPath(s[start:i]))
				start = i + 1
			}
		}
	}
	caseSensitive := optTruth(a[2])
	key := func(v Value) Value {
		if len(paths) == 1 {
			return rt.follow(v, paths[0], nil)
		}
		keys := make(Tuple, len(paths))
		for i, p := range paths {
			keys[i] = sortKey(rt.follow(v, p, nil), caseSensitive)
		}
		return keys
	}
	return sortPairs(elems, key, len(paths) == 1 && !caseSensitive, optTruth(a[1]), true)
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.sum
func filterSum(c *Call) (Value, error) {
	a := c.bind(&sigSum)
	rt := c.State.run
	total := Value(Int(0))
	if a[2] != nil {
		total = a[2]
	}
	path := attrPath(a[1])
	elems := rt.iter(a[0])
	if isText(total) {
		throw(TypeError, "sum() can't sum strings [use ''.join(seq) instead]")
	}
	for _, e := range elems {
		total = rt.add(total, rt.follow(e, path, nil))
	}
	return total, nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.unique
func filterUnique(c *Call) (Value, error) {
	a := c.bind(&sigUnique)
	rt := c.State.run
	return rt.newGenerator("sync_do_unique", func() []Value { return rt.unique(rt.iter(a[0]), &a) }), nil
}

// unique is the filter unique with its arguments.
func (rt *run) unique(elems []Value, a *[maxParams]Value) []Value {
	path, fold := attrPath(a[2]), !optTruth(a[1])
	keys := elems
	if path != nil {
		keys = make([]Value, len(elems))
		for i, e := range elems {
			keys[i] = rt.follow(e, path, nil)
		}
	}
	if texts, ok := textKeys(make([]string, 0, len(keys)), keys); ok {
		firsts := firstTexts(make([]int, 0, len(keys)), texts, fold)
		out := make([]Value, len(firsts))
		for i, at := range firsts {
			out[i] = elems[at]
		}
		return out
	}
	seen := &Set{}
	var out []Value
	for i, e := range elems {
		k := sortKey(keys[i], !fold)
		if !seen.Has(k) {
			check(seen.d.Set(k, None))
			out = append(out, e)
		}
	}
	return out
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.map
func filterMap(c *Call) (Value, error) {
	if len(c.Args) == 0 {
		throw(TypeError, "%s", lacking("sync_do_map", []string{"'value'"}))
	}
	rt := c.State.run
	return rt.newGenerator("sync_do_map", func() []Value {
		if !truth(c.Args[0]) {
			return nil
		}
		fn := mapFunc(c)
		elems := rt.iter(c.Args[0])
		if texts := mapTexts(c, elems); texts != nil {
			return texts
		}
		out := make([]Value, len(elems))
		for i, e := range elems {
			rt.tick()
			out[i] = fn(e)
		}
		return out
	}), nil
}

// mapTexts applies upper or lower to texts of ASCII, which then share one piece
// of memory; nil where it is not that.
func mapTexts(c *Call, elems []Value) []Value {
	if len(c.Args) != 2 || len(c.Kwargs) > 0 {
		return nil
	}
	name, _ := c.Args[1].(Str)
	if name != "upper" && name != "lower" || c.State.run.e.opts.Filters[string(name)] != nil {
		return nil
	}
	texts, ok := textKeys(make([]string, 0, len(elems)), elems)
	if !ok {
		return nil
	}
	if _, ok = swapTexts(texts, name == "upper", nil); !ok {
		return nil
	}
	out := make([]Value, len(texts))
	for i, s := range texts {
		out[i] = Str(s)
	}
	return out
}

// swapTexts puts every text in capitals or small letters; false, and none is
// changed, where one is not ASCII. It works in room, which may grow.
func swapTexts(texts []string, capitals bool, room []byte) ([]byte, bool) {
	first := byte('A')
	if capitals {
		first = 'a'
	}
	for _, s := range texts {
		room = append(room, s...)
	}
	if !swapLetters(room, first) {
		return room, false
	}
	all := string(room)
	for i, s := range texts {
		texts[i], all = all[:len(s)], all[len(s):]
	}
	return room, true
}

// mapFunc returns what map applies: an attribute or a filter.
func mapFunc(c *Call) func(Value) Value {
	rt := c.State.run
	if attr, ok := c.kwarg("attribute"); ok && len(c.Args) == 1 {
		var dflt Value
		for _, k := range c.Kwargs {
			switch k.Name {
			case "attribute":
			case "default":
				if k.Value != None {
					dflt = k.Value
				}
			default:
				throw(FilterError, "Unexpected keyword argument %s", Repr(Str(k.Name), Current))
			}
		}
		path := attrPath(attr)
		return func(v Value) Value { return rt.follow(v, path, dflt) }
	}
	if len(c.Args) == 1 {
		throw(FilterError, "map requires a filter argument")
	}
	name := StrOf(c.Args[1], Current)
	rest := c.Args[2:]
	apply := c.State.t.filterNamed(c.Args[1])
	text := textFilters[name]
	if len(rest) > 0 || len(c.Kwargs) > 0 || rt.e.opts.Filters[name] != nil {
		text = nil
	}
	return func(v Value) Value {
		if s, ok := v.(Str); ok && text != nil {
			if out := text(string(s)); out != string(s) {
				return Str(out)
			}
			return v
		}
		return apply(v, rest, c.Kwargs)
	}
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.select
func filterSelect(c *Call) (Value, error) { return selecting(c, "sync_do_select", true, false) }

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.reject
func filterReject(c *Call) (Value, error) { return selecting(c, "sync_do_reject", false, false) }

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.selectattr
func filterSelectattr(c *Call) (Value, error) { return selecting(c, "sync_do_selectattr", true, true) }

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-filters.rejectattr
func filterRejectattr(c *Call) (Value, error) { return selecting(c, "sync_do_rejectattr", false, true) }

func selecting(c *Call, name string, want, attr bool) (Value, error) {
	if len(c.Args) == 0 {
		throw(TypeError, "%s", lacking(name, []string{"'value'"}))
	}
	rt := c.State.run
	// select_or_reject is the generator whatever the filter's name is
	return rt.newGenerator("select_or_reject", func() []Value {
		if !truth(c.Args[0]) {
			return nil
		}
		args := c.Args[1:]
		var path []Value
		if attr {
			if len(args) == 0 {
				throw(FilterError, "Missing parameter for attribute name")
			}
			path = attrPath(args[0])
			args = args[1:]
		}
		elems := rt.iter(c.Args[0])
		out := make([]Value, 0, len(elems))
		var apply func(v Value, rest []Value, kws []Kwarg) Value
		if len(args) > 0 && len(elems) > 0 {
			apply = c.State.t.testNamed(args[0])
		}
		for _, e := range elems {
			rt.tick()
			v := rt.follow(e, path, nil)
			ok := false
			if apply != nil {
				ok = truth(apply(v, args[1:], c.Kwargs))
			} else {
				ok = truth(v)
			}
			if ok == want {
				out = append(out, e)
			}
		}
		return out
	}), nil
}
