package ansible

// This file holds the filters of times.

import (
	"math"
	"strconv"
	"strings"
	"time"

	"gorun/templates"
)

var timeFilters = table{"strftime": filterStrftime, "to_datetime": filterToDatetime}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/strftime_filter.html
func filterStrftime(c *call) (value, error) {
	var form, second, utc value
	if err := c.Unpack("strftime", "string_format", &form, "second?", &second, "utc?", &utc); err != nil {
		return nil, err
	}
	if !given(second) {
		templates.Moment(c.State.Ctx)
	}
	t := time.Now()
	if given(second) {
		f, ok := number(second)
		if s, isStr := isText(second); isStr {
			n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			f, ok = n, err == nil
		}
		if !ok {
			return nil, fail("Invalid value for epoch value (%s)", text(second))
		}
		whole, frac := math.Modf(f)
		t = time.Unix(int64(whole), int64(frac*1e9))
	}
	if truth(utc) {
		t = t.UTC()
	}
	layout, ok := isText(form)
	if !ok {
		kind := form.Type()
		if form == templates.None {
			kind = "None"
		}
		return nil, raise(templates.TypeError, "strftime() argument 1 must be str, not %s", kind)
	}
	return str(templates.Strftime(layout, &templates.DateTime{T: t})), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/to_datetime_filter.html
func filterToDatetime(c *call) (value, error) {
	var v value
	layout := "%Y-%m-%d %H:%M:%S"
	if err := c.Unpack("to_datetime", "string", &v, "format?", &layout); err != nil {
		return nil, err
	}
	s, ok := isText(v)
	if !ok {
		return nil, raise(templates.TypeError, "strptime() argument 1 must be str, not %s", v.Type())
	}
	return strptime(s, layout)
}

// timeFields are what strptime has read.
type timeFields struct {
	year, month, day, hour, minute, second, nano int
	yearDay, weekday, week                       int // week by %U or %W
	weekStart                                    int
	hour12, pm, isPM                             bool
	offset                                       *int // seconds east of UTC
}

// strptime is Python's datetime.strptime for the C locale.
func strptime(s, layout string) (value, error) {
	bad := func() error {
		return raise(templates.ValueError, "time data %s does not match format %s", repr(str(s)), repr(str(layout)))
	}
	f := timeFields{year: 1900, month: 1, day: 1, weekday: -1, week: -1}
	rest := s
	for i := 0; i < len(layout); i++ {
		ch := layout[i]
		switch {
		case ch == ' ' || ch == '\t' || ch == '\n':
			trimmed := strings.TrimLeft(rest, " \t\n")
			if trimmed == rest {
				return nil, bad()
			}
			rest = trimmed
		case ch != '%' || i+1 >= len(layout):
			if rest == "" || !strings.EqualFold(rest[:1], string(ch)) {
				return nil, bad()
			}
			rest = rest[1:]
		default:
			i++
			var ok bool
			rest, ok = f.read(layout[i], rest)
			if !ok {
				if !strings.ContainsRune("aAbBcdfHIjmMpSUwWxXyYzZ%Gs", rune(layout[i])) {
					return nil, raise(templates.ValueError, "'%c' is a bad directive in format %s", layout[i], repr(str(layout)))
				}
				return nil, bad()
			}
		}
	}
	if rest != "" {
		return nil, raise(templates.ValueError, "unconverted data remains: %s", rest)
	}
	return f.time()
}

var (
	monthNames   = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	weekdayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

// digitsOf reads up to n digits of a number in a range.
func digitsOf(s string, n, low, high int) (v int, rest string, ok bool) {
	for size := min(n, len(s)); size > 0; size-- {
		x, err := strconv.Atoi(s[:size])
		if err == nil && s[0] != '+' && s[0] != '-' && x >= low && x <= high {
			return x, s[size:], true
		}
	}
	return 0, s, false
}

func nameOf(s string, names []string, short bool) (i int, rest string, ok bool) {
	for i, n := range names {
		if short {
			n = n[:3]
		}
		if len(s) >= len(n) && strings.EqualFold(s[:len(n)], n) {
			return i, s[len(n):], true
		}
	}
	return 0, s, false
}

// read reads one directive.
func (f *timeFields) read(directive byte, s string) (rest string, ok bool) {
	number := func(to *int, n, low, high int) (string, bool) {
		v, rest, ok := digitsOf(s, n, low, high)
		*to = v
		return rest, ok
	}
	switch directive {
	case 'Y':
		if len(s) < 4 {
			return s, false
		}
		v, rest, ok := digitsOf(s[:4], 4, 0, 9999)
		f.year = v
		return s[4:], ok && rest == ""
	case 'y':
		v, rest, ok := digitsOf(s, 2, 0, 99)
		if f.year = 1900 + v; v < 69 {
			f.year = 2000 + v
		}
		return rest, ok
	case 'm':
		return number(&f.month, 2, 1, 12)
	case 'd':
		return number(&f.day, 2, 1, 31)
	case 'H':
		return number(&f.hour, 2, 0, 23)
	case 'I':
		f.hour12 = true
		return number(&f.hour, 2, 1, 12)
	case 'M':
		return number(&f.minute, 2, 0, 59)
	case 'S':
		return number(&f.second, 2, 0, 61)
	case 'j':
		return number(&f.yearDay, 3, 1, 366)
	case 'w':
		return number(&f.weekday, 1, 0, 6)
	case 'U', 'W':
		f.weekStart = 0
		if directive == 'W' {
			f.weekStart = 1
		}
		return number(&f.week, 2, 0, 53)
	case '%':
		return strings.TrimPrefix(s, "%"), strings.HasPrefix(s, "%")
	}
	return f.readText(directive, s)
}

// readText reads a directive that is no plain number.
func (f *timeFields) readText(directive byte, s string) (rest string, ok bool) {
	switch directive {
	case 'f':
		n := 0
		for n < len(s) && n < 6 && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi((s[:n] + "000000")[:6])
		f.nano = v * 1000
		return s[n:], n > 0 && err == nil
	case 'b', 'B':
		i, rest, ok := nameOf(s, monthNames, directive == 'b')
		f.month = i + 1
		return rest, ok
	case 'a', 'A':
		i, rest, ok := nameOf(s, weekdayNames, directive == 'a')
		f.weekday = i
		return rest, ok
	case 'p':
		if len(s) < 2 || !strings.EqualFold(s[:2], "am") && !strings.EqualFold(s[:2], "pm") {
			return s, false
		}
		f.pm, f.isPM = true, strings.EqualFold(s[:1], "p")
		return s[2:], true
	case 'z':
		return f.readOffset(s)
	case 'Z':
		for _, n := range []string{"utc", "gmt", strings.ToLower(time.Now().Format("MST"))} {
			if len(s) >= len(n) && strings.EqualFold(s[:len(n)], n) {
				return s[len(n):], true
			}
		}
		return s, false
	case 'c', 'x', 'X':
		full := map[byte]string{'c': "%a %b %d %H:%M:%S %Y", 'x': "%m/%d/%y", 'X': "%H:%M:%S"}[directive]
		for i := 0; i < len(full); i++ {
			ok := true
			switch {
			case full[i] == ' ':
				trimmed := strings.TrimLeft(s, " ")
				ok, s = trimmed != s, trimmed
			case full[i] == '%':
				i++
				s, ok = f.read(full[i], s)
			default:
				ok = strings.HasPrefix(s, full[i:i+1])
				s = strings.TrimPrefix(s, full[i:i+1])
			}
			if !ok {
				return s, false
			}
		}
		return s, true
	}
	return s, false
}

// readOffset reads +HHMM, +HH:MM, with seconds, or Z.
func (f *timeFields) readOffset(s string) (rest string, ok bool) {
	zero := 0
	if strings.HasPrefix(s, "Z") {
		f.offset = &zero
		return s[1:], true
	}
	if len(s) < 5 || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	hour, at, ok := digitsOf(s[1:3], 2, 0, 23)
	if !ok || at != "" {
		return s, false
	}
	rest = strings.TrimPrefix(s[3:], ":")
	if len(rest) < 2 {
		return s, false
	}
	minute, at, ok := digitsOf(rest[:2], 2, 0, 59)
	if !ok || at != "" {
		return s, false
	}
	off := hour*3600 + minute*60
	if s[0] == '-' {
		off = -off
	}
	f.offset = &off
	return rest[2:], true
}

func (f *timeFields) time() (value, error) {
	if f.hour12 && f.pm {
		f.hour = f.hour % 12
		if f.isPM {
			f.hour += 12
		}
	} else if f.hour12 {
		f.hour = f.hour % 12
	}
	switch {
	case f.week >= 0 && f.weekday >= 0:
		first := time.Date(f.year, 1, 1, 0, 0, 0, 0, time.UTC)
		lead := (7 - (int(first.Weekday())-f.weekStart+7)%7) % 7
		f.month, f.day = 1, 1+lead+(f.week-1)*7+(f.weekday-f.weekStart+7)%7
	case f.yearDay > 0 && f.month == 1 && f.day == 1:
		f.day = f.yearDay
	default:
		if f.day > time.Date(f.year, time.Month(f.month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
			return nil, raise(templates.ValueError, "day is out of range for month")
		}
	}
	loc, naive := time.UTC, f.offset == nil
	if !naive {
		loc = time.UTC
		if *f.offset != 0 {
			loc = time.FixedZone("", *f.offset)
		}
	}
	t := time.Date(f.year, time.Month(f.month), f.day, f.hour, f.minute, f.second, f.nano, loc)
	return &templates.DateTime{T: t, Naive: naive}, nil
}
