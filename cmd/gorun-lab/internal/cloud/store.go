package cloud

// This file keeps the cloud's records: tables of JSON objects in the order
// they were made, with the filters, sorting and paging all services share.

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An object is one record as the API shows it.
type object map[string]any

// str returns the field as text; a field that is no text is "".
func (o object) str(key string) string {
	s, _ := o[key].(string)
	return s
}

// sub returns the field as an object; nil if it is none.
func (o object) sub(key string) object { return asObject(o[key]) }

func asObject(v any) object {
	switch v := v.(type) {
	case object:
		return v
	case map[string]any:
		return v
	}
	return nil
}

// list returns the field as a list; nil if it is none.
func (o object) list(key string) []any {
	switch v := o[key].(type) {
	case []any:
		return v
	case []object:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	}
	return nil
}

// integer returns the field as a number; absent and unusable ones are def.
func (o object) integer(key string, def int) int {
	switch v := o[key].(type) {
	case int:
		return v
	case float64:
		return int(v)
	case string:
		if n, err := strconv.Atoi(v); err == nil {
			return n
		}
	}
	return def
}

// truth returns the field as a boolean; absent and unusable ones are def.
func (o object) truth(key string, def bool) bool {
	switch v := o[key].(type) {
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b
		}
	}
	return def
}

// A table is one kind of record.
type table struct {
	rows  map[string]object
	order []string
}

func newTable() *table { return &table{rows: map[string]object{}} }

// add stores o under its id, which is made if it has none.
func (t *table) add(o object) object {
	if o.str("id") == "" {
		o["id"] = newID()
	}
	id := o.str("id")
	if _, ok := t.rows[id]; !ok {
		t.order = append(t.order, id)
	}
	t.rows[id] = o
	return o
}

func (t *table) get(id string) object { return t.rows[id] }

func (t *table) remove(id string) {
	delete(t.rows, id)
	t.order = slices.DeleteFunc(t.order, func(s string) bool { return s == id })
}

// all returns the records that keep accepts, oldest first; nil keeps all.
func (t *table) all(keep func(object) bool) []object {
	out := []object{}
	for _, id := range t.order {
		if o := t.rows[id]; keep == nil || keep(o) {
			out = append(out, o)
		}
	}
	return out
}

// first returns the first record whose field is value.
func (t *table) first(field, value string) object {
	for _, id := range t.order {
		if t.rows[id].str(field) == value {
			return t.rows[id]
		}
	}
	return nil
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return formatUUID(b[:])
}

// FixedID returns the UUID that name always has, so that what a cloud is born
// with can be named in files that outlive it.
func FixedID(name string) string {
	sum := sha256.Sum256([]byte("gorun-lab " + name))
	return formatUUID(sum[:16])
}

func formatUUID(b []byte) string {
	b = slices.Clone(b)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// timestamp is the time as most services write it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// pagingKeys are query parameters that select no records.
var pagingKeys = map[string]bool{
	"limit": true, "marker": true, "page_reverse": true, "sort_key": true, "sort_dir": true, "sort": true,
	"fields": true, "all_tenants": true, "all_projects": true, "offset": true,
}

// filter keeps the objects that match every query parameter: a parameter given
// several times matches any of its values. Parameters skip names are left to
// the caller. A field no object has matches nothing.
func filter(rows []object, query url.Values, skip ...string) []object {
	out := []object{}
	for _, o := range rows {
		ok := true
		for key, values := range query {
			if pagingKeys[key] || slices.Contains(skip, key) {
				continue
			}
			ok = ok && matchesAny(o, key, values)
		}
		if ok {
			out = append(out, o)
		}
	}
	return out
}

func matchesAny(o object, key string, values []string) bool {
	if list, ok := o[key].([]any); ok {
		for _, v := range list {
			if slices.Contains(values, fmt.Sprint(v)) {
				return true
			}
		}
		return false
	}
	have := "None"
	if v := o[key]; v != nil {
		have = fmt.Sprint(v)
	}
	return slices.ContainsFunc(values, func(want string) bool {
		return want == have || strings.EqualFold(want, have) && (have == "true" || have == "false")
	})
}

// sortRows sorts by the sort_key and sort_dir parameters, or Cinder's and
// Glance's sort=key:dir, ...; rows stay in their order otherwise.
func sortRows(rows []object, query url.Values) []object {
	keys, dirs := query["sort_key"], query["sort_dir"]
	for part := range strings.SplitSeq(query.Get("sort"), ",") {
		if key, dir, _ := strings.Cut(part, ":"); key != "" {
			keys, dirs = append(keys, key), append(dirs, dir)
		}
	}
	if len(keys) == 0 {
		return rows
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b object) int {
		for i, key := range keys {
			c := cmp.Compare(fmt.Sprint(a[key]), fmt.Sprint(b[key]))
			if i < len(dirs) && strings.EqualFold(dirs[i], "desc") {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return rows
}

// page returns the rows after the marker, at most limit of them, and whether
// there are more. A marker that is no row is an error.
func page(rows []object, query url.Values, most int) ([]object, bool, error) {
	if marker := query.Get("marker"); marker != "" {
		i := slices.IndexFunc(rows, func(o object) bool { return o.str("id") == marker || o.str("name") == marker })
		if i < 0 {
			return nil, false, errorf(400, "marker [%s] not found", marker)
		}
		rows = rows[i+1:]
	}
	if s := query.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return nil, false, errorf(400, "Invalid input for query parameters limit. Value: %s.", s)
		}
		if n > 0 && n < most {
			most = n
		}
	}
	if len(rows) > most {
		return rows[:most], true, nil
	}
	return rows, false, nil
}

// pick returns o with the named fields only; none named means all.
func pick(o object, fields []string) object {
	if len(fields) == 0 {
		return o
	}
	out := object{}
	for _, f := range fields {
		for f := range strings.SplitSeq(f, ",") {
			if v, ok := o[f]; ok {
				out[f] = v
			}
		}
	}
	return out
}

// clone returns a copy of o whose fields can be replaced.
func clone(o object) object { return maps.Clone(o) }
