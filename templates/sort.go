package templates

// This file sorts, and folds the case of what is compared.

import "slices"

// sortKey is the key that v is compared by.
func sortKey(v Value, caseSensitive bool) Value {
	if caseSensitive {
		return v
	}
	switch s := v.(type) {
	case Str:
		if l := lower(string(s)); l != string(s) {
			return Str(l)
		}
	case Markup:
		if l := lower(string(s)); l != string(s) {
			return Markup(l)
		}
	}
	return v
}

// sortBy sorts stably, as sorted(elems, key=..., reverse=...); fold folds the
// case of keys that are texts.
func sortBy(elems []Value, key func(Value) Value, fold, reverse bool) []Value {
	return sortPairs(elems, key, fold, reverse, false)
}

// sortPairs is sortBy; sameFirst asks whether keys are equal before it orders
// them, as Python does with keys that are lists.
func sortPairs(elems []Value, key func(Value) Value, fold, reverse, sameFirst bool) []Value {
	keys := make([]Value, len(elems))
	for i, e := range elems {
		keys[i] = key(e)
	}
	out := make([]Value, len(elems))
	if texts, ok := textKeys(make([]string, 0, len(keys)), keys); ok {
		items, _ := orderTexts(make([]textItem, 0, len(keys)), nil, texts, fold, reverse)
		for i, it := range items {
			out[i] = elems[it.at]
		}
		return out
	}
	type pair struct{ key, v Value }
	pairs := make([]pair, len(elems))
	for i, e := range elems {
		pairs[i] = pair{sortKey(keys[i], !fold), e}
	}
	if reverse { // as Python does, so that equal elements keep their order
		slices.Reverse(pairs)
		defer slices.Reverse(out)
	}
	slices.SortStableFunc(pairs, func(x, y pair) int {
		if sameFirst && IsUndefined(x.key) == IsUndefined(y.key) && !isText(x.key) && !isNumber(x.key) && equal(x.key, y.key, 0) {
			return 0
		}
		switch compare("<", x.key, y.key, 0) {
		case -1:
			return -1
		case 1:
			return 1
		}
		return 0
	})
	for i, p := range pairs {
		out[i] = p.v
	}
	return out
}
