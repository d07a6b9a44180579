package main

// This file brings command lines into the form that urfave/cli parses: options
// may stand behind arguments, short ones may be joined (-vvvb, -ihosts), long
// ones cut short (--inv), as argparse takes them.

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/spell"
)

// normalize reorders args for the flags: options first, then "--" and the
// arguments.
func normalize(args []string, flags []cli.Flag) ([]string, error) {
	takesValue, numbers, shown := map[string]bool{}, map[string]bool{}, map[string]string{}
	var long []string
	for _, f := range flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, name := range f.Names() {
			takesValue[name], shown[name] = !isBool, optionNames(f)
			_, numbers[name] = f.(*cli.IntFlag)
			if len(name) > 1 {
				long = append(long, name)
			}
		}
	}
	var opts, rest []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case strings.HasPrefix(a, "--"):
			name, value, joined := strings.Cut(a[2:], "=")
			full, err := completeOption(name, long)
			if err != nil {
				return nil, err
			}
			switch {
			case joined && !takesValue[full]:
				return nil, usageError("argument " + shown[full] + ": ignored explicit argument '" + value + "'")
			case joined:
				opts = append(opts, "--"+full+"="+value)
			case takesValue[full]:
				if i+1 >= len(args) {
					return nil, usageError("argument " + shown[full] + ": expected one argument")
				}
				i++
				opts = append(opts, "--"+full+"="+args[i])
			default:
				opts = append(opts, "--"+full)
			}
		case len(a) > 1 && a[0] == '-':
			words, used, err := splitShort(a, args[i+1:], takesValue, shown)
			if err != nil {
				return nil, err
			}
			opts, i = append(opts, words...), i+used
		default:
			rest = append(rest, a)
		}
	}
	for _, o := range opts {
		name, value, _ := strings.Cut(strings.TrimLeft(o, "-"), "=")
		if _, err := strconv.Atoi(value); err != nil && numbers[name] {
			return nil, usageError("argument " + shown[name] + ": invalid int value: '" + value + "'")
		}
	}
	return append(append(opts, "--"), rest...), nil
}

// optionNames are an option's names as argparse shows them: -i/--inventory.
func optionNames(f cli.Flag) string {
	names := f.Names()
	slices.SortStableFunc(names, func(a, b string) int { return min(len(a), 2) - min(len(b), 2) })
	for i, n := range names {
		names[i] = "--" + n
		if len(n) == 1 {
			names[i] = "-" + n
		}
	}
	return strings.Join(names, "/")
}

// ownOptions are those that Ansible's commands do not have.
var ownOptions = []string{"compat", "live"}

// completeOption finds the option that a possibly shortened name means.
func completeOption(name string, long []string) (string, error) {
	if slices.Contains(long, name) {
		return name, nil
	}
	var near []string
	for _, l := range long {
		if name != "" && strings.HasPrefix(l, name) {
			near = append(near, l)
		}
	}
	if len(near) > 1 { // gorun's own options take no abbreviation from Ansible's
		near = slices.DeleteFunc(near, func(l string) bool { return slices.Contains(ownOptions, l) })
	}
	switch len(near) {
	case 1:
		return near[0], nil
	case 0:
		msg := "unrecognized arguments: --" + name
		if best := spell.Nearest(name, long); best != "" {
			msg += " (did you mean --" + best + "?)"
		}
		return "", usageError(msg)
	}
	return "", usageError(fmt.Sprintf("ambiguous option: --%s could match --%s", name, strings.Join(near, ", --")))
}

// splitShort takes joined short options apart; used counts the words behind
// that were a value.
func splitShort(a string, next []string, takesValue map[string]bool, shown map[string]string) (words []string, used int, err error) {
	for j, r := range a[1:] {
		name := string(r)
		takes, known := takesValue[name]
		if !known {
			return nil, 0, usageError("unrecognized arguments: -" + a[1+j:])
		}
		if !takes {
			words = append(words, "-"+name)
			continue
		}
		value := a[1+j+len(name):]
		if value == "" {
			if len(next) == 0 {
				return nil, 0, usageError("argument " + shown[name] + ": expected one argument")
			}
			return append(words, "-"+name+"="+next[0]), 1, nil
		}
		return append(words, "-"+name+"="+strings.TrimPrefix(value, "=")), 0, nil
	}
	return words, 0, nil
}

// usageError is a mistake on the command line: exit code 2 and the usage.
type usageError string

func (e usageError) Error() string { return string(e) }
