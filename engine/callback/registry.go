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
		d := NewDefault(s, set)
		if set.Current {
			d.Warning("stdout_callback = yaml: community.general has had no such callback since 12.0.0, and ansible-playbook refuses it. Set result_format = yaml instead.")
		}
		return d
	},
	"debug": func(s *Screen, set Settings) Callback {
		set.streams = true
		return NewDefault(s, set)
	},
}

// unknownStdout are the words for a stdout callback that is not known, by
// whether they are today's.
var unknownStdout = map[bool]string{false: "Invalid callback for stdout specified: %s", true: "Could not load '%s' callback plugin."}

// New returns the stdout callback of a name, short or full.
func New(name string, s *Screen, set Settings) (Callback, error) {
	f, ok := stdout[ownName(name)]
	if !ok {
		return nil, fmt.Errorf("%s (known: %s)", fmt.Sprintf(unknownStdout[set.Current], name), strings.Join(sortedNames(stdout), ", "))
	}
	return f(s, set), nil
}
