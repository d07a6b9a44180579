package templates

// This file holds the methods of bytes
// (https://docs.python.org/3/library/stdtypes.html#bytes-methods).

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// highByte stands for the byte 0 in a text of bytes: what is no character of
// ASCII is a private character there, which is no letter and no blank.
const highByte = 0xF700

// bytesText is b as a text of a character for each byte, for the methods that
// bytes have in common with str.
func bytesText(b Bytes) string {
	var s strings.Builder
	for _, c := range b {
		if c >= 0x80 || c >= 0x1c && c < 0x20 { // the separators are blanks to str alone
			s.WriteRune(highByte + rune(c))
		} else {
			s.WriteByte(c)
		}
	}
	return s.String()
}

func bytesFrom(s string) Bytes {
	b := make(Bytes, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

// fromBytesText turns the texts in a result of a method of str into bytes.
func fromBytesText(v Value) Value {
	switch x := v.(type) {
	case Str:
		return bytesFrom(string(x))
	case *List:
		for i, e := range x.Elems {
			x.Elems[i] = fromBytesText(e)
		}
	case Tuple:
		for i, e := range x {
			x[i] = fromBytesText(e)
		}
	}
	return v
}

var sharedBytesMethods = []string{"capitalize", "center", "count", "endswith", "expandtabs", "find", "index", "isalnum", "isalpha", "isascii",
	"isdigit", "islower", "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
	"replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "startswith", "strip", "swapcase", "title", "upper", "zfill"}

// sharedBytesMethod makes a method of bytes of the one that str has.
func sharedBytesMethod(name string) Func {
	return func(c *Call) (Value, error) {
		args := make([]Value, len(c.Args))
		args[0] = Str(bytesText(c.Args[0].(Bytes)))
		for i, a := range c.Args[1:] {
			args[i+1] = bytesArg(c, name, a)
		}
		kws := make([]Kwarg, len(c.Kwargs))
		for i, k := range c.Kwargs {
			kws[i] = Kwarg{k.Name, bytesArg(c, name, k.Value)}
		}
		v, err := strMethods[name](&Call{State: c.State, Args: args, Kwargs: kws})
		if e, ok := err.(*Error); ok && e.Msg == "substring not found" {
			e.Msg = "subsection not found"
		}
		if err != nil {
			return nil, err
		}
		return fromBytesText(v), nil
	}
}

// bytesArg is an argument of such a method as the one of str takes it.
func bytesArg(c *Call, name string, v Value) Value {
	counts := name == "find" || name == "rfind" || name == "index" || name == "rindex" || name == "count"
	switch x := v.(type) {
	case Bytes:
		return Str(bytesText(x))
	case Int:
		if counts && x >= 0 && x < 256 && identical(v, c.Args[1]) {
			return Str(bytesText(Bytes{byte(x)}))
		}
	case Tuple:
		if name == "startswith" || name == "endswith" {
			out := make(Tuple, len(x))
			for i, e := range x {
				out[i] = bytesArg(c, name, e)
			}
			return out
		}
	case *List:
		if name == "join" {
			out := make([]Value, len(x.Elems))
			for i, e := range x.Elems {
				b, ok := e.(Bytes)
				if !ok {
					throw(TypeError, "sequence item %d: expected a bytes-like object, %s found", i, pyType(e))
				}
				out[i] = Str(bytesText(b))
			}
			return NewList(out...)
		}
	case Str, Markup:
		switch {
		case counts:
			throw(TypeError, "argument should be integer or bytes-like object, not '%s'", pyType(v))
		case name == "startswith" || name == "endswith":
			throw(TypeError, "%s first arg must be bytes or a tuple of bytes, not %s", name, pyType(v))
		case name == "center" || name == "ljust" || name == "rjust":
			throw(TypeError, "%s() argument 2 must be a byte string of length 1, not %s", name, pyType(v))
		}
		throw(TypeError, "a bytes-like object is required, not '%s'", pyType(v))
	}
	return v
}

var sigBytesSplitlines = signatureOf("splitlines", 0, "self", "keepends?")

// https://docs.python.org/3/library/stdtypes.html#bytes.splitlines
func bytesSplitlines(c *Call) (Value, error) {
	a := c.bind(&sigBytesSplitlines)
	keep, b := optTruth(a[1]), a[0].(Bytes)
	out := NewList()
	for len(b) > 0 {
		i := strings.IndexAny(string(b), "\r\n")
		if i < 0 {
			out.Elems = append(out.Elems, b)
			break
		}
		end := i + 1
		if b[i] == '\r' && end < len(b) && b[end] == '\n' {
			end++
		}
		if keep {
			i = end
		}
		out.Elems = append(out.Elems, b[:i:i])
		b = b[end:]
	}
	return out, nil
}

// https://docs.python.org/3/library/stdtypes.html#bytes.hex
func bytesHex(c *Call) (Value, error) {
	a := c.methodArgs("hex", 0, 2)
	s := hex.EncodeToString(c.Args[0].(Bytes))
	if len(a) == 0 {
		return Str(s), nil
	}
	sep := StrOf(a[0], Current)
	if runeLen(sep) != 1 {
		throw(ValueError, "sep must be length 1.")
	}
	per := 1
	if len(a) == 2 {
		per = mustIndex(a[1])
	}
	n := 2 * max(per, -per)
	if n == 0 {
		return Str(s), nil
	}
	var parts []string
	if per > 0 { // groups are counted from the end
		if rest := len(s) % n; rest > 0 {
			parts, s = append(parts, s[:rest]), s[rest:]
		}
	}
	for ; len(s) > n; s = s[n:] {
		parts = append(parts, s[:n])
	}
	if s != "" {
		parts = append(parts, s)
	}
	return Str(strings.Join(parts, sep)), nil
}

// codecName is the name of an encoding as Python normalizes it.
func codecName(v Value) string {
	if v == nil {
		return "utf8"
	}
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(StrOf(v, Current)))
}

var sigDecode = signatureOf("decode", 0, "self", "encoding?", "errors?")

// https://docs.python.org/3/library/stdtypes.html#bytes.decode
func bytesDecode(c *Call) (Value, error) {
	a := c.bind(&sigDecode)
	b := []byte(a[0].(Bytes))
	mode := "strict"
	if a[2] != nil {
		mode = StrOf(a[2], Current)
	}
	switch name := codecName(a[1]); name {
	case "utf8":
		return decodeText(b, mode, "utf-8", utf8.DecodeRune), nil
	case "ascii", "usascii":
		return decodeText(b, mode, "ascii", func(b []byte) (rune, int) {
			if b[0] >= 0x80 {
				return utf8.RuneError, 1
			}
			return rune(b[0]), 1
		}), nil
	case "latin1", "iso88591":
		var s strings.Builder
		for _, x := range b {
			s.WriteRune(rune(x))
		}
		return Str(s.String()), nil
	case "utf16", "utf16le", "utf16be":
		return decodeUTF16(b, name), nil
	}
	throw("LookupError", "unknown encoding: %s", StrOf(a[1], Current))
	return nil, nil
}

// decodeText decodes b a character at a time; next gives RuneError of length 1
// for what is none.
func decodeText(b []byte, mode, codec string, next func([]byte) (rune, int)) Value {
	var s strings.Builder
	for i := 0; i < len(b); {
		r, n := next(b[i:])
		if r != utf8.RuneError || n != 1 {
			s.WriteRune(r)
			i += n
			continue
		}
		switch mode {
		case "ignore":
		case "replace":
			s.WriteRune(utf8.RuneError)
		case "backslashreplace":
			s.Write(appendEscape(nil, rune(b[i])))
		case "surrogateescape": // the byte stays as it is in our texts
			s.WriteByte(b[i])
		default:
			why := "ordinal not in range(128)"
			switch c := b[i]; {
			case codec == "ascii":
			case c < 0xc2 || c > 0xf4:
				why = "invalid start byte"
			case !utf8.FullRune(b[i:]):
				why = "unexpected end of data"
			default:
				why = "invalid continuation byte"
			}
			throw("UnicodeDecodeError", "'%s' codec can't decode byte 0x%02x in position %d: %s", codec, b[i], i, why)
		}
		i++
	}
	return Str(s.String())
}

func decodeUTF16(b []byte, name string) Value {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case name == "utf16be":
		order = binary.BigEndian
	case name == "utf16" && len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		order, b = binary.BigEndian, b[2:]
	case name == "utf16" && len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		b = b[2:]
	}
	if len(b)%2 != 0 {
		throw("UnicodeDecodeError", "'%s' codec can't decode byte 0x%02x in position %d: truncated data", "utf-16-"+map[bool]string{true: "be", false: "le"}[order == binary.BigEndian], b[len(b)-1], len(b)-1)
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return Str(utf16.Decode(units))
}

func encodeUTF16(s, name string) Bytes {
	var out Bytes
	var order binary.AppendByteOrder = binary.LittleEndian
	switch name {
	case "utf16":
		out = Bytes{0xff, 0xfe}
	case "utf16be":
		order = binary.BigEndian
	}
	for _, u := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, u)
	}
	return out
}
