package pyyaml

// This file resolves plain scalars by YAML 1.1's rules as PyYAML has them
// (https://yaml.org/type/): what looks like a bool, int, float, date or null.

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gorun/templates"
)

var (
	intRE = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)

	floatRE = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)

	dateRE = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})$`)

	timeRE = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?$`)
)

var bools = map[string]bool{
	"yes": true, "Yes": true, "YES": true, "true": true, "True": true, "TRUE": true, "on": true, "On": true, "ON": true,
	"no": false, "No": false, "NO": false, "false": false, "False": false, "FALSE": false, "off": false, "Off": false, "OFF": false,
}

// Scalar gives the value of a plain scalar without a tag. The error is for
// what has the form of a date and is none (2024-02-31).
func Scalar(s string) (templates.Value, error) {
	if s == "" {
		return templates.None, nil
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		return number(s)
	case c == '~' || c == 'n' || c == 'N':
		if s == "~" || s == "null" || s == "Null" || s == "NULL" {
			return templates.None, nil
		}
	}
	if b, ok := bools[s]; ok {
		return templates.Bool(b), nil
	}
	return templates.Str(s), nil
}

func number(s string) (templates.Value, error) {
	switch {
	case intRE.MatchString(s):
		if i, ok := parseInt(s); ok {
			return i, nil
		}
	case floatRE.MatchString(s):
		if f, ok := parseFloat(s); ok {
			return f, nil
		}
	case len(s) >= 8 && s[4:5] == "-":
		return timestamp(s)
	}
	return templates.Str(s), nil
}

// parseInt reads every form of an int that YAML 1.1 has.
func parseInt(s string) (templates.Value, bool) {
	s = strings.ReplaceAll(s, "_", "")
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	n, ok := new(big.Int), true
	switch {
	case s == "0":
	case strings.HasPrefix(s, "0b"):
		_, ok = n.SetString(s[2:], 2)
	case strings.HasPrefix(s, "0x"):
		_, ok = n.SetString(s[2:], 16)
	case strings.Contains(s, ":"):
		for part := range strings.SplitSeq(s, ":") {
			d, good := new(big.Int).SetString(part, 10)
			if !good {
				return nil, false
			}
			n.Mul(n, big.NewInt(60)).Add(n, d)
		}
	case strings.HasPrefix(s, "0"):
		_, ok = n.SetString(s, 8)
	default:
		_, ok = n.SetString(s, 10)
	}
	if !ok {
		return nil, false
	}
	if neg {
		n.Neg(n)
	}
	if n.IsInt64() {
		return templates.Int(n.Int64()), true
	}
	return &templates.BigInt{V: n}, true
}

// parseFloat reads every form of a float that YAML 1.1 has.
func parseFloat(s string) (templates.Value, bool) {
	s = strings.ToLower(strings.ReplaceAll(s, "_", ""))
	sign := 1.0
	if s[0] == '-' {
		sign = -1
	}
	s = strings.TrimLeft(s, "+-")
	switch {
	case s == ".inf":
		return templates.Float(math.Inf(int(sign))), true
	case s == ".nan":
		return templates.Float(math.NaN()), true
	case strings.Contains(s, ":"):
		var sum float64
		for part := range strings.SplitSeq(s, ":") {
			f, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return nil, false
			}
			sum = sum*60 + f
		}
		return templates.Float(sign * sum), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, false
	}
	return templates.Float(sign * f), true
}

// timestamp reads a date, or a date and time; what has neither form is text.
func timestamp(s string) (templates.Value, error) {
	if m := dateRE.FindStringSubmatch(s); m != nil {
		t, err := makeTime(m[1:4], nil, "", time.UTC)
		if err != nil {
			return nil, err
		}
		return &templates.DateTime{T: t, Naive: true, DateOnly: true}, nil
	}
	m := timeRE.FindStringSubmatch(s)
	if m == nil {
		return templates.Str(s), nil
	}
	zone := time.UTC
	if m[9] != "" {
		h, _ := strconv.Atoi(m[10])
		min, _ := strconv.Atoi("0" + m[11])
		off := h*3600 + min*60
		if m[9] == "-" {
			off = -off
		}
		if off != 0 {
			zone = time.FixedZone("", off)
		}
	}
	t, err := makeTime(m[1:4], m[4:7], m[7], zone)
	if err != nil {
		return nil, err
	}
	return &templates.DateTime{T: t, Naive: m[8] == ""}, nil
}

// makeTime checks the ranges as Python's datetime does.
func makeTime(date, clock []string, fraction string, zone *time.Location) (time.Time, error) {
	num := func(s string) int { n, _ := strconv.Atoi(s); return n } // the pattern lets digits through alone
	y, mo, d := num(date[0]), num(date[1]), num(date[2])
	if y < 1 {
		return time.Time{}, errors.New("year 0 is out of range")
	}
	if mo < 1 || mo > 12 {
		return time.Time{}, errors.New("month must be in 1..12")
	}
	if d < 1 || d > time.Date(y, time.Month(mo)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return time.Time{}, errors.New("day is out of range for month")
	}
	var h, mi, s int
	if clock != nil {
		h, mi, s = num(clock[0]), num(clock[1]), num(clock[2])
	}
	switch {
	case h > 23:
		return time.Time{}, errors.New("hour must be in 0..23")
	case mi > 59:
		return time.Time{}, errors.New("minute must be in 0..59")
	case s > 59:
		return time.Time{}, errors.New("second must be in 0..59")
	}
	micro := num((fraction + "000000")[:6])
	return time.Date(y, time.Month(mo), d, h, mi, s, micro*1000, zone), nil
}
