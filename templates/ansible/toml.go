package ansible

// This file holds the filter from_toml
// (https://docs.ansible.com/ansible/latest/collections/community/general/from_toml_filter.html).

import (
	"errors"
	"time"

	"github.com/BurntSushi/toml"

	"gorun/templates"
)

func filterFromTOML(c *call) (value, error) {
	var v value
	if err := c.Unpack("from_toml", "value", &v); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, fail("from_toml requires a string, got %s", pyClass(v))
	}
	var data map[string]any
	meta, err := toml.Decode(s, &data)
	if err != nil {
		var bad toml.ParseError
		if errors.As(err, &bad) {
			return nil, raise("TOMLDecodeError", "%s (at line %d)", bad.Message, bad.Position.Line)
		}
		return nil, raise("TOMLDecodeError", "%s", err)
	}
	order := map[string][]string{}
	seen := map[string]bool{}
	for _, k := range meta.Keys() {
		for i := range k {
			parent, at := k[:i].String(), k[:i+1].String()
			if !seen[at] {
				seen[at] = true
				order[parent] = append(order[parent], k[i])
			}
		}
	}
	return tomlValue(data, nil, order), nil
}

// tomlValue converts a value; order is the names of each table as they stand in
// the file.
func tomlValue(v any, path toml.Key, order map[string][]string) value {
	switch v := v.(type) {
	case map[string]any:
		d := templates.NewDict(len(v))
		for _, k := range order[path.String()] {
			if x, ok := v[k]; ok {
				d.SetStr(k, tomlValue(x, append(append(toml.Key(nil), path...), k), order))
			}
		}
		return d
	case []map[string]any:
		out := make([]value, len(v))
		for i, e := range v {
			out[i] = tomlValue(e, path, order)
		}
		return list(out)
	case []any:
		out := make([]value, len(v))
		for i, e := range v {
			out[i] = tomlValue(e, path, order)
		}
		return list(out)
	case time.Time:
		naive := v.Location().String() == "datetime-local" || v.Location().String() == "date-local"
		return &templates.DateTime{T: v, Naive: naive, DateOnly: v.Location().String() == "date-local"}
	}
	return templates.FromGo(v)
}
