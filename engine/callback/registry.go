package callback

// This file lists the stdout callbacks.

import (
	"fmt"
	"strings"
)

// stdout are the callbacks that can be named by stdout_callback.
var stdout = map[string]func(s *Screen, set Settings) Callback{
	"default": func(s *Screen, set Settings) Callback { return NewDefault(s, set) },
	"minimal": func(s *Screen, set Settings) Callback { return NewMinimal(s, set, false) },
	"oneline": func(s *Screen, set Settings) Callback { return NewMinimal(s, set, true) },
	"json":    func(s *Screen, set Settings) Callback { return NewJSON(s, set) },
	"yaml": func(s *Screen, set Settings) Callback {
		set.YAML, set.community = true, true
		return NewDefault(s, set)
	},
	"debug": func(s *Screen, set Settings) Callback {
		set.streams = true
		return NewDefault(s, set)
	},
}

// New returns the stdout callback of a name, short or full.
func New(name string, s *Screen, set Settings) (Callback, error) {
	f, ok := stdout[ownName(name)]
	if !ok {
		return nil, fmt.Errorf("Invalid callback for stdout specified: %s (known: %s)", name, strings.Join(sortedNames(stdout), ", "))
	}
	return f(s, set), nil
}
