package ansible

// This file holds the filters that read times in words.

import (
	"math"
	"strconv"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

// timeUnits are the units of a time in milliseconds, of which those of years and
// months can be changed, by their short names in the order of messages.
var timeUnits = []struct {
	name string
	ms   float64
}{{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}, {"w", 6.048e8}, {"mo", 2.592e9}, {"y", 3.1536e10}}

// longUnits are the units' other names without the s of the plural.
var longUnits = [][2]string{
	{"millisecond", "ms"}, {"msec", "ms"}, {"msecond", "ms"}, {"sec", "s"}, {"second", "s"}, {"hour", "h"}, {"min", "m"}, {"minute", "m"},
	{"day", "d"}, {"week", "w"}, {"month", "mo"}, {"year", "y"},
}

var timeWord = pyre.MustCompile(`(-?\d+)(\w+)`, 0)

// shortUnit is the short name of a unit.
func shortUnit(name string) string {
	for _, u := range longUnits {
		if u[0] == strings.TrimRight(name, "s") {
			return u[1]
		}
	}
	return name
}

// A clock knows how long units are; the days of its year and month may be what
// is no number.
type clock map[string]value

// unit is the length of a unit in milliseconds; ok is false where it is none.
func (k clock) unit(name string) (ms float64, ok bool, err error) {
	if days, has := k[name]; has {
		n, isNumber := number(days)
		if !isNumber {
			return 0, true, raise(templates.TypeError, "unsupported operand type(s) for *: 'int' and '%s'", days.Type())
		}
		return n * 8.64e7, true, nil
	}
	for _, u := range timeUnits {
		if u.name == name {
			return u.ms, true, nil
		}
	}
	return 0, false, nil
}

func noUnit(c *call, unit string) error {
	var long, short []string
	for _, u := range longUnits {
		long = append(long, u[0])
	}
	for _, u := range timeUnits {
		short = append(short, u.name)
	}
	gap := " "
	if c.State.Era() == templates.Current {
		gap = ""
	}
	return fail("to_time_unit() can not convert to the following unit: %s. Available units (singular or plural):%s%s. Available short units: %s", unit, gap, strings.Join(long, ", "), strings.Join(short, ", "))
}

// toUnit makes a filter that gives a time in a unit
// (https://docs.ansible.com/ansible/latest/collections/community/general/to_time_unit_filter.html);
// unit is empty where the caller names it.
func toUnit(unit string) templates.Func {
	return func(c *call) (value, error) {
		own, rest := keep(c, "human_time", "unit")
		var v value
		name := unit
		params := []any{"human_time", &v}
		if unit == "" {
			name = "ms"
			params = append(params, "unit?", &name)
		}
		if err := own.Unpack("to_time_unit", params...); err != nil {
			return nil, err
		}
		s, isStr := isText(v)
		if s == "0" {
			return templates.Int(0), nil
		}
		k := clock{}
		name = shortUnit(name)
		if _, ok, _ := k.unit(name); !ok {
			return nil, noUnit(c, name)
		}
		for _, o := range rest {
			switch o.Name {
			case "year":
				k["y"] = o.Value
			case "month":
				k["mo"] = o.Value
			default:
				return nil, fail("to_time_unit() got unknown keyword arguments: %s", o.Name)
			}
		}
		if !isStr {
			return nil, raise(templates.AttributeError, "'%s' object has no attribute 'split'", v.Type())
		}
		total := 0.0
		for _, word := range strings.Fields(s) {
			m := timeWord.Match(word)
			if m == nil {
				return nil, fail("to_time_unit() can not interpret following string: %s", s)
			}
			digits, _ := m.Group(1)
			n, err := strconv.ParseFloat(digits, 64)
			if err != nil {
				return nil, err // there are too many digits
			}
			of, _ := m.Group(2)
			ms, ok, err := k.unit(shortUnit(of))
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, fail("to_time_unit() can not interpret following string: %s", s)
			}
			total += n * ms
		}
		per, _, err := k.unit(name)
		if err != nil {
			return nil, err
		}
		if per == 0 {
			return nil, raise(templates.ZeroDivisionError, "division by zero")
		}
		return templates.Float(math.Round(total/per*1e12) / 1e12), nil
	}
}
