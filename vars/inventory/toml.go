package inventory

import (
	"sort"
	"time"

	"github.com/BurntSushi/toml"

	"gorun/templates"
)

// tomlValue converts what the TOML decoder gave; the tables' keys get the order
// in which the file has them.
func tomlValue(v any, path toml.Key, order map[string]int, file string) templates.Value {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		place := func(k string) int { return order[append(path[:len(path):len(path)], k).String()] }
		sort.Slice(keys, func(i, j int) bool {
			if a, b := place(keys[i]), place(keys[j]); a != b {
				return a < b
			}
			return keys[i] < keys[j]
		})
		d := templates.NewDict(len(v))
		for _, k := range keys {
			e := tomlValue(v[k], append(path[:len(path):len(path)], k), order, file)
			d.Lazy = d.Lazy || templates.IsLazy(e)
			d.SetStr(k, e)
		}
		return d
	case []map[string]any:
		elems := make([]templates.Value, len(v))
		for i, e := range v {
			elems[i] = tomlValue(e, path, order, file)
		}
		return lazyList(elems)
	case []any:
		elems := make([]templates.Value, len(v))
		for i, e := range v {
			elems[i] = tomlValue(e, path, order, file)
		}
		return lazyList(elems)
	case string:
		return templates.NewText(v, templates.Pos{File: file})
	case time.Time:
		// The decoder marks what has no zone with these locations.
		local := v.Location().String()
		return &templates.DateTime{T: v, Naive: local == "datetime-local" || local == "date-local", DateOnly: local == "date-local"}
	}
	return templates.FromGo(v)
}
