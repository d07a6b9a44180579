package system

// This file reads and writes property lists, the files in which macOS has its services
// (https://developer.apple.com/library/archive/documentation/Cocoa/Conceptual/PropertyLists):
// in XML and, to be read alone, in the binary form.

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"gorun/modules/xmldoc"
)

// The values of a property list are string, bool, int64, uint64, float64, []byte,
// time.Time, []any, map[string]any and plistUID.

// A plistUID is a reference of Apple's archiver.
type plistUID uint64

var errPlist = errors.New("it is no property list")

// parsePlist reads a property list whose root is a dictionary.
func parsePlist(data []byte) (map[string]any, error) {
	var v any
	var err error
	if bytes.HasPrefix(data, []byte("bplist00")) {
		v, err = parseBinaryPlist(data)
	} else {
		v, err = parseXMLPlist(data)
	}
	if err != nil {
		return nil, err
	}
	dict, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("its root is no dictionary")
	}
	return dict, nil
}

func parseXMLPlist(data []byte) (any, error) {
	doc, err := xmldoc.Parse(data, xmldoc.ParseOptions{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPlist, err)
	}
	root := doc.Root()
	if root == nil || root.Name != "plist" {
		return nil, errPlist
	}
	inner := plistElements(root)
	if len(inner) != 1 {
		return nil, errPlist
	}
	return plistValue(inner[0], 0)
}

// maxPlistDepth keeps a file made to exhaust the stack from doing so.
const maxPlistDepth = 200

func plistElements(n *xmldoc.Node) []*xmldoc.Node {
	var out []*xmldoc.Node
	for _, c := range n.Children {
		if c.Kind == xmldoc.Element {
			out = append(out, c)
		}
	}
	return out
}

func plistValue(n *xmldoc.Node, depth int) (any, error) {
	if depth > maxPlistDepth {
		return nil, errors.New("it is nested too deeply")
	}
	text, _ := n.Text()
	blank := strings.TrimSpace(text)
	switch n.Name {
	case "string":
		return text, nil
	case "true", "false":
		return n.Name == "true", nil
	case "integer":
		n, err := strconv.ParseInt(blank, 0, 64)
		if errors.Is(err, strconv.ErrRange) {
			return strconv.ParseUint(blank, 0, 64)
		}
		return n, err
	case "real":
		return strconv.ParseFloat(blank, 64)
	case "date":
		return time.Parse("2006-01-02T15:04:05Z", blank)
	case "data":
		return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	case "array":
		list := []any{}
		for _, e := range plistElements(n) {
			v, err := plistValue(e, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case "dict":
		inner := plistElements(n)
		dict := make(map[string]any, len(inner)/2)
		for i := 0; i < len(inner); i += 2 {
			if inner[i].Name != "key" || i+1 == len(inner) {
				return nil, errors.New("a dictionary in it has a key without a value, or a value without a key")
			}
			v, err := plistValue(inner[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			key, _ := inner[i].Text()
			dict[key] = v
		}
		return dict, nil
	}
	return nil, fmt.Errorf("the element %s in it is not known", n.Name)
}

// plistHeader is how Apple's own files begin.
const plistHeader = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`

// writePlist writes a property list in XML, keys in order, as Python's plistlib does.
func writePlist(dict map[string]any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(plistHeader)
	if err := writePlistValue(&b, dict, 0); err != nil {
		return nil, err
	}
	b.WriteString("</plist>\n")
	return b.Bytes(), nil
}

var plistEscape = strings.NewReplacer("\r\n", "\n", "\r", "\n", "&", "&amp;", "<", "&lt;", ">", "&gt;")

func writePlistValue(b *bytes.Buffer, v any, depth int) error {
	indent := strings.Repeat("\t", depth)
	element := func(name, text string) { fmt.Fprintf(b, "%s<%s>%s</%s>\n", indent, name, text, name) }
	switch v := v.(type) {
	case string:
		element("string", plistEscape.Replace(v))
	case bool:
		fmt.Fprintf(b, "%s<%t/>\n", indent, v)
	case int64:
		element("integer", strconv.FormatInt(v, 10))
	case uint64:
		element("integer", strconv.FormatUint(v, 10))
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".einEIN") {
			text += ".0"
		}
		element("real", text)
	case time.Time:
		element("date", v.UTC().Format("2006-01-02T15:04:05Z"))
	case []byte:
		fmt.Fprintf(b, "%s<data>\n", indent)
		text := base64.StdEncoding.EncodeToString(v)
		width := max(16, 76-8*depth)
		for len(text) > 0 {
			n := min(width, len(text))
			b.WriteString(indent + text[:n] + "\n")
			text = text[n:]
		}
		b.WriteString(indent + "</data>\n")
	case []any:
		return writePlistGroup(b, indent, "array", len(v), func() error {
			for _, e := range v {
				if err := writePlistValue(b, e, depth+1); err != nil {
					return err
				}
			}
			return nil
		})
	case map[string]any:
		return writePlistGroup(b, indent, "dict", len(v), func() error {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				fmt.Fprintf(b, "%s\t<key>%s</key>\n", indent, plistEscape.Replace(key))
				if err := writePlistValue(b, v[key], depth+1); err != nil {
					return err
				}
			}
			return nil
		})
	default:
		return fmt.Errorf("a value of it (%T) has no form in XML", v)
	}
	return nil
}

func writePlistGroup(b *bytes.Buffer, indent, name string, size int, inner func() error) error {
	if size == 0 {
		fmt.Fprintf(b, "%s<%s/>\n", indent, name)
		return nil
	}
	fmt.Fprintf(b, "%s<%s>\n", indent, name)
	err := inner()
	fmt.Fprintf(b, "%s</%s>\n", indent, name)
	return err
}

// A binaryPlist is one in the binary form: objects, a table of their places, and a trailer.
type binaryPlist struct {
	data    []byte
	places  []uint64
	refSize int
	read    int // objects: one may be in the tree many times
}

// maxPlistObjects keeps a file made to exhaust memory from doing so.
const maxPlistObjects = 1 << 18

var errBinaryPlist = errors.New("the binary property list is damaged")

func parseBinaryPlist(data []byte) (any, error) {
	if len(data) < 40 {
		return nil, errBinaryPlist
	}
	trailer := data[len(data)-32:]
	offsetSize, refSize := int(trailer[6]), int(trailer[7])
	count, top, table := binary.BigEndian.Uint64(trailer[8:]), binary.BigEndian.Uint64(trailer[16:]), binary.BigEndian.Uint64(trailer[24:])
	room := uint64(len(data) - 32)
	if offsetSize < 1 || offsetSize > 8 || refSize < 1 || refSize > 8 || table > room || count > (room-table)/uint64(offsetSize) {
		return nil, errBinaryPlist
	}
	p := &binaryPlist{data: data, refSize: refSize}
	for i := range count {
		at := table + i*uint64(offsetSize)
		p.places = append(p.places, bigEndian(data[at:at+uint64(offsetSize)]))
	}
	return p.object(top, 0)
}

func bigEndian(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// bytes are n bytes from a place.
func (p *binaryPlist) bytes(at, n uint64) ([]byte, error) {
	size := uint64(len(p.data))
	if at > size || n > size-at {
		return nil, errBinaryPlist
	}
	return p.data[at : at+n], nil
}

// length reads an object's length and returns where its content begins.
func (p *binaryPlist) length(at uint64, low byte) (n, content uint64, err error) {
	if low != 0x0f {
		return uint64(low), at + 1, nil
	}
	b, err := p.bytes(at+1, 1)
	if err != nil || b[0]>>4 != 1 || b[0]&0x0f > 3 {
		return 0, 0, errBinaryPlist
	}
	size := uint64(1) << (b[0] & 0x0f)
	if b, err = p.bytes(at+2, size); err != nil {
		return 0, 0, err
	}
	return bigEndian(b), at + 2 + size, nil
}

func (p *binaryPlist) object(ref uint64, depth int) (any, error) {
	if p.read++; ref >= uint64(len(p.places)) || depth > maxPlistDepth || p.read > maxPlistObjects {
		return nil, errBinaryPlist
	}
	at := p.places[ref]
	head, err := p.bytes(at, 1)
	if err != nil {
		return nil, err
	}
	high, low := head[0]>>4, head[0]&0x0f
	switch high {
	case 0x0:
		if low == 8 || low == 9 {
			return low == 9, nil
		}
		return nil, errBinaryPlist
	case 0x1, 0x2, 0x3, 0x8:
		return p.number(at, high, low)
	}
	n, content, err := p.length(at, low)
	if err != nil {
		return nil, err
	}
	switch high {
	case 0x4, 0x5:
		b, err := p.bytes(content, n)
		if high == 0x5 {
			return string(b), err
		}
		return b, err
	case 0x6:
		if n > uint64(len(p.data)) {
			return nil, errBinaryPlist
		}
		b, err := p.bytes(content, 2*n)
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		return string(utf16.Decode(units)), err
	case 0xa, 0xc:
		return p.list(content, n, depth)
	case 0xd:
		if n > uint64(len(p.data)) {
			return nil, errBinaryPlist
		}
		keys, err := p.list(content, n, depth)
		if err != nil {
			return nil, err
		}
		values, err := p.list(content+n*uint64(p.refSize), n, depth)
		dict := make(map[string]any, len(keys))
		for i := range values {
			key, ok := keys[i].(string)
			if !ok {
				return nil, errBinaryPlist
			}
			dict[key] = values[i]
		}
		return dict, err
	}
	return nil, errBinaryPlist
}

// plistEpoch is where the binary form's dates begin.
var plistEpoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

func (p *binaryPlist) number(at uint64, high, low byte) (any, error) {
	if high == 0x8 {
		b, err := p.bytes(at+1, uint64(low)+1)
		return plistUID(bigEndian(b)), err
	}
	if low > 4 {
		return nil, errBinaryPlist
	}
	size := uint64(1) << low
	b, err := p.bytes(at+1, size)
	switch {
	case err != nil:
		return nil, err
	case high == 0x1 && size == 16:
		return bigEndian(b[8:]), nil
	case high == 0x1:
		return int64(bigEndian(b)), nil // shorter ones have no sign
	case size == 4:
		return float64(math.Float32frombits(uint32(bigEndian(b)))), nil
	case size != 8:
		return nil, errBinaryPlist
	}
	f := math.Float64frombits(bigEndian(b))
	if high == 0x3 {
		if math.IsNaN(f) || math.Abs(f) > 9e9 {
			return nil, errBinaryPlist
		}
		return plistEpoch.Add(time.Duration(int64(f)) * time.Second), nil
	}
	return f, nil
}

func (p *binaryPlist) list(at, n uint64, depth int) ([]any, error) {
	if n > uint64(len(p.data)) {
		return nil, errBinaryPlist
	}
	refs, err := p.bytes(at, n*uint64(p.refSize))
	if err != nil {
		return nil, err
	}
	out := []any{}
	for ; len(refs) > 0; refs = refs[p.refSize:] {
		v, err := p.object(bigEndian(refs[:p.refSize]), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
