package templates

// This file lists Jinja2's filters
// (https://jinja.palletsprojects.com/en/3.1.x/templates/#list-of-builtin-filters).

var filters map[string]Func

func init() { // set here because map and select refer to the table
	filters = map[string]Func{
		"abs":            filterAbs,
		"attr":           filterAttr,
		"batch":          filterBatch,
		"capitalize":     filterCapitalize,
		"center":         filterCenter,
		"count":          filterLength,
		"d":              filterDefault,
		"default":        filterDefault,
		"dictsort":       filterDictsort,
		"e":              filterEscape,
		"escape":         filterEscape,
		"filesizeformat": filterFilesizeformat,
		"first":          filterFirst,
		"float":          filterFloat,
		"forceescape":    filterForceescape,
		"format":         filterFormat,
		"groupby":        filterGroupby,
		"indent":         filterIndent,
		"int":            filterInt,
		"items":          filterItems,
		"join":           filterJoin,
		"last":           filterLast,
		"length":         filterLength,
		"list":           filterList,
		"lower":          filterLower,
		"map":            filterMap,
		"max":            filterMax,
		"min":            filterMin,
		"pprint":         filterPprint,
		"random":         filterRandom,
		"reject":         filterReject,
		"rejectattr":     filterRejectattr,
		"replace":        filterReplace,
		"reverse":        filterReverse,
		"round":          filterRound,
		"safe":           filterSafe,
		"select":         filterSelect,
		"selectattr":     filterSelectattr,
		"slice":          filterSlice,
		"sort":           filterSort,
		"string":         filterString,
		"striptags":      filterStriptags,
		"sum":            filterSum,
		"title":          filterTitle,
		"tojson":         filterTojson,
		"trim":           filterTrim,
		"truncate":       filterTruncate,
		"unique":         filterUnique,
		"upper":          filterUpper,
		"urlencode":      filterUrlencode,
		"urlize":         filterUrlize,
		"wordcount":      filterWordcount,
		"wordwrap":       filterWordwrap,
		"xmlattr":        filterXmlattr,
	}
}

// builtinFlags marks the filters that do not look into what they are given, and those
// that give generators.
var builtinFlags = map[string]flags{"default": shallow, "d": shallow, "length": shallow, "count": shallow, "first": shallow, "last": shallow,
	"batch": keeps, "items": keeps, "map": keeps, "reject": keeps, "rejectattr": keeps, "select": keeps, "selectattr": keeps, "slice": keeps, "unique": keeps}

// softText is Jinja2's soft_str: Markup stays, anything else becomes its str.
func softText(c *Call, v Value) (s string, wrap func(string) Value) {
	if m, ok := v.(Markup); ok {
		return string(m), func(s string) Value { return Markup(s) }
	}
	return StrOf(v, c.State.Era()), func(s string) Value { return Str(s) }
}

// given reports whether an optional argument was passed and is not None.
func given(v Value) bool { return v != nil && v != None }

// intArg is an optional int argument.
func intArg(v Value, dflt int) int {
	if v == nil {
		return dflt
	}
	return mustIndex(v)
}

// optTruth is the truth of an optional argument.
func optTruth(v Value) bool { return v != nil && truth(v) }

// attrPath splits "a.b.0" into what each step asks for.
func attrPath(v Value) []Value {
	if v == nil || v == None {
		return nil
	}
	s, ok := textOf(v)
	if !ok {
		return []Value{v}
	}
	var path []Value
	for start := 0; ; {
		end := start
		for end < len(s) && s[end] != '.' {
			end++
		}
		part := s[start:end]
		if i, ok := fieldNumber(part); ok {
			path = append(path, Int(i))
		} else {
			path = append(path, Str(part))
		}
		if end >= len(s) {
			return path
		}
		start = end + 1
	}
}

// step is v[key].
func (rt *run) step(v, key Value) Value {
	if d, ok := v.(*Dict); ok {
		if name, ok := key.(Str); ok {
			if x, ok := d.GetStr(string(name)); ok {
				return rt.force(x)
			}
		}
	}
	return rt.getitem(v, key)
}

// follow gets an attribute by its path; dflt, unless nil, replaces what is undefined.
func (rt *run) follow(v Value, path []Value, dflt Value) Value {
	for _, p := range path {
		v = rt.step(v, p)
		if dflt != nil && IsUndefined(v) {
			v = dflt
		}
	}
	return v
}
