package ansible

// This file converts between texts and bytes, and between values.

import (
	"fmt"
	"math/big"
	"strings"
	"unicode/utf16"

	"gorun/templates"
)

// escaped is a character that is not ASCII as Python's codecs show it.
func escaped(r rune) string {
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`'\x%02x'`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`'\u%04x'`, r)
	}
	return fmt.Sprintf(`'\U%08x'`, r)
}

// encode is Python's s.encode(name) for the encodings that playbooks use.
func encode(s, name string) ([]byte, error) {
	switch kind := codec(name); kind {
	case "utf-8":
		return []byte(s), nil
	case "ascii", "latin-1":
		limit := rune(0xff)
		if kind == "ascii" {
			limit = 0x7f
		}
		var out []byte
		for i, r := range []rune(s) {
			if r > limit {
				return nil, raise(templates.UnicodeError, "'%s' codec can't encode character %s in position %d: ordinal not in range(%d)", kind, escaped(r), i, limit+1)
			}
			out = append(out, byte(r))
		}
		return out, nil
	case "utf-16", "utf-16-le", "utf-16-be":
		var out []byte
		units := utf16.Encode([]rune(s))
		if kind == "utf-16" {
			units = append([]uint16{0xfeff}, units...)
		}
		for _, u := range units {
			if kind == "utf-16-be" {
				out = append(out, byte(u>>8), byte(u))
			} else {
				out = append(out, byte(u), byte(u>>8))
			}
		}
		return out, nil
	}
	return nil, raise("LookupError", "unknown encoding: %s", name)
}

// decode is Python's b.decode(name); what is no text in UTF-8 survives as it is.
func decode(b []byte, name string) (string, error) {
	switch kind := codec(name); kind {
	case "utf-8", "ascii":
		return string(b), nil
	case "latin-1":
		out := make([]rune, len(b))
		for i, c := range b {
			out[i] = rune(c)
		}
		return string(out), nil
	case "utf-16", "utf-16-le", "utf-16-be":
		units := make([]uint16, len(b)/2)
		big := kind == "utf-16-be" || kind == "utf-16" && len(b) > 1 && b[0] == 0xfe && b[1] == 0xff
		for i := range units {
			lo, hi := b[2*i], b[2*i+1]
			if big {
				lo, hi = hi, lo
			}
			units[i] = uint16(lo) | uint16(hi)<<8
		}
		if kind == "utf-16" && len(units) > 0 && units[0] == 0xfeff {
			units = units[1:]
		}
		return string(utf16.Decode(units)), nil
	}
	return "", raise("LookupError", "unknown encoding: %s", name)
}

// codec is the name of an encoding without its variants of spelling.
func codec(name string) string {
	switch n := strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(name)); n {
	case "utf8", "utf-8", "u8":
		return "utf-8"
	case "ascii", "us-ascii", "646":
		return "ascii"
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1", "l1":
		return "latin-1"
	case "utf16":
		return "utf-16"
	case "utf-16le":
		return "utf-16-le"
	case "utf-16be":
		return "utf-16-be"
	default:
		return n
	}
}

func lower(s string) string { return strings.ToLower(s) }

// toInt is Python's int(v).
func toInt(v value) (int64, error) {
	if n, ok := integer(v); ok {
		return n, nil
	}
	if f, ok := v.(templates.Float); ok {
		return int64(f), nil
	}
	s, ok := isText(v)
	if !ok {
		return 0, raise(templates.TypeError, "int() argument must be a string, a bytes-like object or a real number, not '%s'", v.Type())
	}
	i, ok := new(big.Int).SetString(strings.ReplaceAll(strings.TrimSpace(s), "_", ""), 10)
	if !ok || !i.IsInt64() {
		return 0, raise(templates.ValueError, "invalid literal for int() with base 10: %s", repr(v))
	}
	return i.Int64(), nil
}

// attribute follows a dotted attribute as Jinja2's filters do.
func attribute(c *call, v, attr value) (value, error) {
	s, ok := isText(attr)
	if !ok {
		return c.State.GetItem(v, attr)
	}
	for _, part := range splitDots(s) {
		var key value = str(part)
		if i, err := toInt(key); err == nil && part != "" && part[0] != '-' && part[0] != '+' {
			key = templates.Int(i)
		}
		next, err := c.State.GetItem(v, key)
		if err != nil {
			return nil, err
		}
		v = next
	}
	return v, nil
}

// bigInt reads digits as an int of any size.
func bigInt(s string) (value, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return nil, raise(templates.ValueError, "invalid literal for int() with base 10: %s", repr(str(s)))
	}
	i, _ := new(big.Int).SetString(s, 10) // digits only
	return templates.NewInt(i), nil
}
