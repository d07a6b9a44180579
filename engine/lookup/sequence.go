package lookup

// This file holds the lookup sequence
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/sequence_lookup.html).

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

// A sequence is the arguments of the sequence lookup.
type sequence struct {
	start, end, stride, count int64
	hasEnd, hasCount          bool
	format                    string
	// current says that numbers are decimal, as the current release has them.
	current bool
}

func lookupSequence(c *call) ([]templates.Value, error) {
	terms := c.terms
	if len(terms) == 0 && c.current() {
		terms = []templates.Value{str("")} // the options alone
	}
	var out []templates.Value
	for _, t := range terms {
		s := sequence{start: 1, stride: 1, format: "%d", current: c.current()}
		if s.current { // 2.14 reads its terms alone
			for _, name := range sequenceNames {
				if v, ok := c.given(name); ok {
					if err := s.set(name, text(v)); err != nil {
						return nil, err
					}
				}
			}
		}
		if t.Type() != "str" {
			return nil, fmt.Errorf("unknown error parsing with_sequence arguments: %s. Error was: expected string or bytes-like object, got '%s'", text(t), t.Type())
		}
		if err := s.parse(text(t)); err != nil {
			return nil, err
		}
		items, err := s.items()
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

var sequenceNames = []string{"start", "end", "count", "stride", "format"}

// shortcut is start-end/stride:format.
var shortcut = pyre.MustCompile(`^(?:(0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(?:/(0?x?[0-9a-f]+))?(?::(.+))?$`, pyre.IgnoreCase)

// parse reads the shortcut, or "start=1 end=5 ...".
func (s *sequence) parse(term string) error {
	if term == "" {
		return nil
	}
	if m := shortcut.Match(term); m != nil {
		for i, name := range []string{"start", "end", "stride", "format"} {
			if v, ok := m.Group(i + 1); ok {
				if err := s.set(name, v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	rest, pairs := splitTerm(term)
	var unknown []templates.Value
	if rest != "" {
		unknown = append(unknown, str("_raw_params"))
	}
	for _, p := range pairs {
		if err := s.set(p.name, p.value); errors.Is(err, errUnknown) {
			unknown = append(unknown, str(p.name))
		} else if err != nil {
			return err
		}
	}
	if unknown != nil {
		return fmt.Errorf("unrecognized arguments to with_sequence: %s", templates.Repr(templates.NewList(unknown...), templates.Current))
	}
	return nil
}

var errUnknown = errors.New("no such argument")

func (s *sequence) set(name, value string) error {
	var to *int64
	switch name {
	case "start":
		to = &s.start
	case "end":
		to, s.hasEnd = &s.end, true
	case "count":
		to, s.hasCount = &s.count, true
	case "stride":
		to = &s.stride
	case "format":
		s.format = value
		return nil
	default:
		return errUnknown
	}
	base := 0
	if s.current {
		base = 10
	}
	n, err := strconv.ParseInt(strings.TrimSpace(value), base, 64)
	switch {
	case err != nil && s.current:
		return fmt.Errorf("Config '%s' for 'sequence' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'integer': '%s'.", name, value)
	case err != nil:
		return fmt.Errorf("can't parse %s=%s as integer", name, value)
	}
	*to = n
	return nil
}

// maxSequence keeps a mistaken count from eating all memory.
const maxSequence = 10_000_000

func (s *sequence) items() ([]templates.Value, error) {
	switch {
	case !s.hasCount && !s.hasEnd:
		return nil, errors.New("must specify count or end in with_sequence")
	case s.hasCount && s.hasEnd:
		return nil, errors.New("can't specify both count and end in with_sequence")
	case s.hasCount && s.count == 0:
		s.start, s.end, s.stride = 0, 0, 0
	case s.hasCount:
		if abs(s.count) > maxSequence || abs(s.stride) > 1<<32 {
			return nil, fmt.Errorf("the sequence has more than %d items", maxSequence)
		}
		s.end = s.start + s.count*s.stride - 1
	}
	switch {
	case s.stride > 0 && s.end < s.start:
		return nil, errors.New("to count backwards make stride negative")
	case s.stride < 0 && s.end > s.start:
		return nil, errors.New("to count forward don't make stride negative")
	case strings.Count(s.format, "%") != 1:
		return nil, fmt.Errorf("bad formatting string: %s", s.format)
	case s.stride == 0:
		return nil, nil
	case abs((s.end-s.start)/s.stride) > maxSequence:
		return nil, fmt.Errorf("the sequence has more than %d items", maxSequence)
	}
	form, ok := goFormat(s.format)
	if !ok {
		return nil, fmt.Errorf("problem formatting %s with %d", templates.Repr(str(s.format), templates.Current), s.start)
	}
	var out []templates.Value
	for i := s.start; s.stride > 0 && i <= s.end || s.stride < 0 && i >= s.end; i += s.stride {
		out = append(out, form(i))
	}
	return out, nil
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// onePercent is a format of Python with one conversion of a number.
var onePercent = pyre.MustCompile(`^([^%]*)%([-#0 +]*)([0-9]{0,4})(?:\.([0-9]{0,4}))?[hlL]?([diusrxXoeEfFgGc])((?:.|\n)*)$`, 0)

// goFormat translates a format of Python with one conversion to a function.
func goFormat(format string) (func(int64) templates.Value, bool) {
	m := onePercent.Match(format)
	if m == nil {
		return nil, false
	}
	part := func(i int) string { s, _ := m.Group(i); return s }
	spec := "%" + part(2) + part(3)
	if p, ok := m.Group(4); ok {
		spec += "." + p
	}
	head, tail := part(1), part(6)
	return func(n int64) templates.Value {
		var shown string
		switch verb := part(5); verb {
		case "s", "r":
			shown = fmt.Sprintf(spec+"s", strconv.FormatInt(n, 10))
		case "e", "E", "f", "F", "g", "G":
			shown = fmt.Sprintf(spec+verb, float64(n))
		case "i", "u":
			shown = fmt.Sprintf(spec+"d", n)
		default:
			shown = fmt.Sprintf(spec+verb, n)
		}
		return str(head + shown + tail)
	}, true
}
