package callback

// This file lists the stdout callbacks.

import (
	"fmt"
	"slices"
	"strings"
)

// stdout are the callbacks that can be named by stdout_callback.
var stdout = map[string]func(s *Screen, set Settings) Callback{
	"default": func(s *Screen, set Settings) Callback { return NewDefault(s, set) },
	"minimal": func(s *Screen, set Settings) Callback { return NewMinimal(s, set, false) },
	"oneline": func(s *Screen, set Settings) Callback { return NewMinimal(s, set, true) },
	"yaml": func(s *Screen, set Settings) Callback {
		set.YAML = true
		return NewDefault(s, set)
	},
}

// New returns the stdout callback of a name, short or full.
func New(name string, s *Screen, set Settings) (Callback, error) {
	f, ok := stdout[shortName(name)]
	if !ok {
		names := make([]string, 0, len(stdout))
		for n := range stdout {
			names = append(names, n)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("Invalid callback for stdout specified: %s (known: %s)", name, strings.Join(names, ", "))
	}
	return f(s, set), nil
}
