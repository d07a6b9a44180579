package engine

// This file says which strategy a name stands for.

import "strings"

// mitogens are the strategies of Mitogen, whose gain gorun has without them,
// by the strategy that runs in their place.
var mitogens = map[string]string{
	"mitogen": "linear", "mitogen_linear": "linear", "mitogen_free": "free", "mitogen_host_pinned": "host_pinned",
}

// strategy returns the strategy that a play's name for it stands for. Names of
// collections are not gorun's: a strategy may change which tasks run.
func (r *Run) strategy(name string) (string, bool) {
	short := name
	for _, builtin := range []string{"ansible.builtin.", "ansible.legacy."} {
		short = strings.TrimPrefix(short, builtin)
	}
	switch short {
	case "":
		return "linear", true
	case "linear", "free", "host_pinned", "debug":
		return short, true
	}
	if own, ok := mitogens[name]; ok {
		r.warn("the strategy " + name + " is run as " + own + ": gorun needs no Mitogen")
		return own, true
	}
	return "", false
}
