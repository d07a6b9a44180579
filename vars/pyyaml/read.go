package pyyaml

// This file turns bytes into checked nodes.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"gorun/templates"
)

// Limits on what a file may be, so that a hostile one ends with an error.
const (
	maxBytes = 32 << 20
	// A document may stand for maxExpanded values once its aliases are written
	// out, or for maxRatio times the nodes that it has.
	maxExpanded = 1 << 20
	maxRatio    = 10
)

// Read parses a file of one document.
func Read(data []byte, file string) (*Doc, error) {
	docs, err := readAll(data, file, 2)
	if err != nil {
		return nil, err
	}
	switch len(docs) {
	case 0:
		return &Doc{File: file}, nil
	case 1:
		return docs[0], nil
	}
	d := docs[1]
	pos := templates.Pos{File: file, Line: 1, Col: 1}
	if d.Root != nil {
		pos.Line = d.Root.Line
	}
	return nil, d.errorAt(pos, "expected a single document in the stream, but found another document",
		"a line of three dashes begins another document")
}

// ReadAll parses every document of a file.
func ReadAll(data []byte, file string) ([]*Doc, error) { return readAll(data, file, -1) }

func readAll(data []byte, file string, most int) ([]*Doc, error) {
	if len(data) > maxBytes {
		return nil, &Error{Pos: templates.Pos{File: file}, Msg: fmt.Sprintf("the file %s is too large: it has %d bytes, at most %d are read", file, len(data), maxBytes)}
	}
	data, err := decodeText(data, file)
	if err != nil {
		return nil, err
	}
	if rest, ok := bytes.CutPrefix(data, []byte("%YAML 1.2")); ok { // libyaml reads it as 1.1
		data = append([]byte("%YAML 1.1"), rest...)
	}
	docs, err := readDocs(data, file, most)
	if err != nil && strings.Contains(err.Error(), "unknown escape character") {
		if again, ok := plainSlashes(data); ok {
			return readDocs(again, file, most)
		}
	}
	return docs, err
}

// plainSlashes replaces \/ by / in a document of JSON, which has that escape and
// the YAML library has not; false where it is no JSON or has none.
func plainSlashes(data []byte) ([]byte, bool) {
	if text := bytes.TrimSpace(data); len(text) == 0 || text[0] != '{' && text[0] != '[' && text[0] != '"' {
		return nil, false
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] == '\\' && i+1 < len(data) {
			if i++; data[i] != '/' {
				out = append(out, '\\')
			}
		}
		out = append(out, data[i])
	}
	return out, len(out) < len(data)
}

func readDocs(data []byte, file string, most int) ([]*Doc, error) {
	lines := strings.SplitAfter(string(data), "\n")
	var docs []*Doc
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for most < 0 || len(docs) < most {
		var n yaml.Node
		err := decode(dec, &n)
		if err == io.EOF {
			break
		}
		d := &Doc{File: file, lines: lines}
		if err != nil {
			return nil, d.syntaxError(err, data)
		}
		if len(n.Content) > 0 {
			d.Root = n.Content[0]
		}
		if d.Root != nil {
			if err := d.check(d.Root); err != nil {
				return nil, err
			}
			if err := d.checkAnchors(d.Root, map[string]bool{}); err != nil {
				return nil, err
			}
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// checkAnchors is an error where a document has an anchor twice.
func (d *Doc) checkAnchors(n *yaml.Node, seen map[string]bool) error {
	if n.Anchor != "" && n.Kind != yaml.AliasNode {
		if seen[n.Anchor] {
			return d.errorAt(d.Pos(n), "found duplicate anchor '"+n.Anchor+"'")
		}
		seen[n.Anchor] = true
	}
	for _, e := range n.Content {
		if err := d.checkAnchors(e, seen); err != nil {
			return err
		}
	}
	return nil
}

// decode keeps a panic of the YAML library from ending the program.
func decode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return dec.Decode(n)
}

// decodeText gives UTF-8 without a byte order mark.
func decodeText(data []byte, file string) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		data = utf16Text(data[2:], 0, 1)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		data = utf16Text(data[2:], 1, 0)
	}
	for i, line := 0, 1; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			col := 1 + utf8.RuneCount(data[bytes.LastIndexByte(data[:i], '\n')+1:i])
			return nil, &Error{Pos: templates.Pos{File: file, Line: line, Col: col},
				Msg: fmt.Sprintf("the byte 0x%02x is not UTF-8", data[i]), Notes: []string{"the file has to be saved in UTF-8"}}
		}
		if r == '\n' {
			line++
		}
		i += size
	}
	return data, nil
}

func utf16Text(b []byte, low, high int) []byte {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[low])|uint16(b[high])<<8)
	}
	return []byte(string(utf16.Decode(units)))
}

// check finds aliases that contain themselves and documents whose aliases
// stand for far more than is written.
func (d *Doc) check(root *yaml.Node) error {
	sizes := map[*yaml.Node]int{} // of anchors; -1 while one is being walked
	nodes := 0
	var walk func(n *yaml.Node) (int, error)
	walk = func(n *yaml.Node) (int, error) {
		nodes++
		if n.Kind == yaml.AliasNode {
			size := sizes[n.Alias]
			if size < 0 {
				return 0, d.errorAt(d.Pos(n), "the anchor '"+n.Value+"' contains itself")
			}
			return size, nil
		}
		if n.Anchor != "" {
			sizes[n] = -1
		}
		size := 1
		for _, c := range n.Content {
			s, err := walk(c)
			if err != nil {
				return 0, err
			}
			size = min(size+s, 1<<40) // sizes double with every alias: keep the sum from overflowing
		}
		if n.Anchor != "" {
			sizes[n] = size
		}
		return size, nil
	}
	size, err := walk(root)
	if err != nil {
		return err
	}
	if size > maxExpanded && size > maxRatio*nodes {
		return d.errorAt(d.Pos(root), "the document's aliases stand for too many values", "this is how a file is made that fills the memory of who reads it")
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntaxError gives a message of the YAML library its place. The library
// tells the line where the construct began, and often not even that; the line
// sought is the first one with which the text goes wrong in the same way.
func (d *Doc) syntaxError(err error, data []byte) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	msg := strings.TrimPrefix(err.Error(), m[0])
	if strings.HasPrefix(msg, "unknown anchor '") {
		name := strings.TrimSuffix(strings.TrimPrefix(msg, "unknown anchor '"), "' referenced")
		return d.undefinedAlias(name)
	}
	if found := findMistake(string(data), true); found != nil && found.problem == msg && found.problemAt.line < len(d.lines) {
		line, col := found.problemAt.line+1, found.problemAt.col+1
		if text := d.Line(line); bareBraces.MatchString(text) { // the value is what has to be changed, not what follows it
			col = d.guessColumn(msg, line)
		} else if quoteTail.MatchString(text) {
			col = 1 + utf8.RuneCountInString(text[:strings.IndexAny(text, `"'`)])
		}
		return d.errorAt(templates.Pos{File: d.File, Line: line, Col: col}, msg, d.explain(msg, line)...)
	}
	line, _ := strconv.Atoi(m[1])
	line = max(1, min(line, len(d.lines)))
	if found := d.firstBad(msg, data); found > 0 {
		line = found
	}
	col := d.guessColumn(msg, line)
	pos := templates.Pos{File: d.File, Line: line, Col: col}
	return d.errorAt(pos, msg, d.explain(msg, line)...)
}

// maxLinesSearched bounds the search for an error's line, which parses every
// prefix of the text.
const maxLinesSearched = 3000

func (d *Doc) firstBad(msg string, data []byte) int {
	if len(d.lines) > maxLinesSearched || len(data) > 1<<20 {
		return 0
	}
	bad := func(lines int) bool {
		end := 0
		for _, l := range d.lines[:lines] {
			end += len(l)
		}
		dec := yaml.NewDecoder(bytes.NewReader(data[:end]))
		for {
			var n yaml.Node
			err := decode(dec, &n)
			if err != nil {
				return !errors.Is(err, io.EOF) && strings.HasSuffix(err.Error(), msg)
			}
		}
	}
	lo, hi := 1, len(d.lines)
	for lo < hi {
		mid := (lo + hi) / 2
		if bad(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func (d *Doc) undefinedAlias(name string) error {
	for i, l := range d.lines {
		if at := strings.Index(l, "*"+name); at >= 0 {
			return d.errorAt(templates.Pos{File: d.File, Line: i + 1, Col: 1 + utf8.RuneCountInString(l[:at])}, "found undefined alias '"+name+"'")
		}
	}
	return d.errorAt(templates.Pos{File: d.File, Line: 1, Col: 1}, "found undefined alias '"+name+"'")
}

var (
	bareBraces = regexp.MustCompile(`^(\s*(?:-\s+)*(?:[^\s'"#:][^:'"#]*:\s+|-\s+))(\{\{.*)$`)
	quoteTail  = regexp.MustCompile(`^\s*(?:-\s+)?[^\s'"#][^'"#]*:\s+(?:"[^"]*"|'[^']*')\s*[^\s#,}\]].*$`)
)

// guessColumn finds the column of a syntax error in its line.
func (d *Doc) guessColumn(msg string, line int) int {
	text := d.Line(line)
	first := len(text) - len(strings.TrimLeft(text, " \t"))
	at := first
	switch {
	case strings.Contains(msg, "mapping values are not allowed"):
		if i := strings.Index(text, ": "); i >= 0 {
			if j := strings.Index(text[i+1:], ": "); j >= 0 {
				i += 1 + j
			} else if strings.HasSuffix(text, ":") && strings.Count(text, ": ") == 1 {
				i = len(text) - 1
			}
			at = i
		} else if strings.HasSuffix(text, ":") {
			at = len(text) - 1
		}
	case strings.Contains(msg, "cannot start any token"):
		if i := strings.IndexByte(text, '\t'); i >= 0 && i <= first {
			at = i
		} else if i := strings.Index(text, ": "); i >= 0 && i+2 < len(text) {
			at = i + 2 + len(text[i+2:]) - len(strings.TrimLeft(text[i+2:], " "))
		}
	case bareBraces.MatchString(text):
		at = len(bareBraces.FindStringSubmatch(text)[1])
	}
	return 1 + utf8.RuneCountInString(text[:at])
}

// explain tells what a person most likely meant.
func (d *Doc) explain(msg string, line int) []string {
	text := d.Line(line)
	switch {
	case bareBraces.MatchString(text):
		return []string{quoteNote(text)}
	case strings.Contains(msg, "cannot start any token") && strings.Contains(text[:len(text)-len(strings.TrimLeft(text, " \t"))], "\t"):
		return []string{"the line is indented with a tab character; YAML takes spaces alone"}
	case quoteTail.MatchString(text):
		return []string{"a value that begins with a quote has to end with it: quote the whole value, with the other kind of quote around"}
	case strings.Contains(msg, "mapping values are not allowed") && strings.Count(text, ": ") > 1:
		return []string{"a colon and a space inside a value make it a mapping: quote the value"}
	}
	return nil
}

// quoteNote shows a line whose value begins with a template as it should be.
func quoteNote(line string) string {
	m := bareBraces.FindStringSubmatch(line)
	head, value := strings.TrimLeft(m[1], " \t"), m[2]
	if end := strings.LastIndex(value, "}}"); end >= 0 {
		if at := strings.Index(value[end:], " #"); at >= 0 {
			value = value[:end+at] // a comment stays outside the quotes
		}
	}
	value = strings.TrimRight(value, " \t")
	quote := `"`
	if strings.Contains(value, `"`) {
		quote = "'"
		value = strings.ReplaceAll(value, "'", "''")
	}
	return "a value that begins with {{ has to be quoted: " + head + quote + value + quote
}
