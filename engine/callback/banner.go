package callback

// This file defines the banners, the colours and the lines of text.

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorun/internal/redact"
)

// A Color is a terminal colour as ansible.cfg's [colors] section names it.
type Color string

// The colours that the screen uses, by what they mark.
type Colors struct {
	OK, Changed, Error, Skip, Unreachable, Warn, Debug, Deprecate, Verbose Color
	DiffAdd, DiffRemove, DiffLines, Highlight, Included                    Color
}

// DefaultColors are Ansible's.
var DefaultColors = Colors{
	OK: "green", Changed: "yellow", Error: "red", Skip: "cyan", Unreachable: "bright red",
	Warn: "bright purple", Debug: "dark gray", Deprecate: "purple", Verbose: "blue",
	DiffAdd: "green", DiffRemove: "red", DiffLines: "cyan", Highlight: "white", Included: "cyan",
}

var colorCodes = map[Color]string{
	"black": "0;30", "bright gray": "0;37", "blue": "0;34", "white": "1;37",
	"green": "0;32", "bright blue": "1;34", "cyan": "0;36", "bright green": "1;32",
	"red": "0;31", "bright cyan": "1;36", "purple": "0;35", "bright red": "1;31",
	"yellow": "0;33", "bright purple": "1;35", "dark gray": "1;30", "bright yellow": "1;33",
	"magenta": "0;35", "bright magenta": "1;35", "normal": "0",
}

// code returns the SGR parameters of a colour: a name, colorN, rgbRGB or grayN.
func (c Color) code() string {
	if s, ok := colorCodes[c]; ok {
		return s
	}
	switch s := string(c); {
	case strings.HasPrefix(s, "color"):
		return "38;5;" + s[len("color"):]
	case strings.HasPrefix(s, "gray"):
		if n, err := strconv.Atoi(s[len("gray"):]); err == nil {
			return fmt.Sprintf("38;5;%d", 232+n)
		}
	case strings.HasPrefix(s, "rgb") && len(s) == 6:
		r, g, b := int(s[3]-'0'), int(s[4]-'0'), int(s[5]-'0')
		return fmt.Sprintf("38;5;%d", 16+36*r+6*g+b)
	}
	return ""
}

// A Screen writes lines to the terminal or the pipe, in colour or not.
type Screen struct {
	Out, Err io.Writer
	// Log, where not nil, gets every message without colour (log_path), behind
	// what LogHead gives for its level; nil: nothing.
	Log     io.Writer
	LogHead func(level string) string
	Color   bool
	// Secrets hides secrets in what is shown and logged; nil hides nothing.
	Secrets *redact.Registry
	// Columns is the width of banners: the terminal's less one, or 79.
	Columns int
	Colors  Colors
	// Cow draws a banner in the place of the stars; nil: nobody does.
	Cow func(msg string) string
	// Live is told before and after each write, to keep a last line in place; may be nil.
	Live *Live
}

// Print writes msg and a line's end, in color where it is not "".
func (s *Screen) Print(msg string, color Color) { s.print(s.Out, msg, color) }

// PrintErr is Print to the standard error.
func (s *Screen) PrintErr(msg string, color Color) { s.print(s.Err, msg, color) }

func (s *Screen) print(w io.Writer, msg string, color Color) {
	msg = s.Secrets.Mask(msg)
	if s.Log != nil {
		s.log(msg)
	}
	if s.Live != nil {
		s.Live.Clear()
		defer s.Live.Show()
	}
	io.WriteString(w, s.paint(strings.TrimSuffix(msg, "\n"), color)+"\n")
}

// Say writes msg as a plugin's display does: in color, to either output, with
// a line's end or without.
func (s *Screen) Say(msg string, color Color, stderr, newline bool) {
	if !newline {
		s.Text(s.paint(msg, color), stderr)
		return
	}
	s.print(s.output(stderr), msg, color)
}

// Text writes a text as it is.
func (s *Screen) Text(text string, stderr bool) {
	if s.Live != nil {
		s.Live.Clear()
		defer s.Live.Show()
	}
	io.WriteString(s.output(stderr), s.Secrets.Mask(text))
}

func (s *Screen) output(stderr bool) io.Writer {
	if stderr {
		return s.Err
	}
	return s.Out
}

// log writes a message to the log.
func (s *Screen) log(msg string) {
	if msg == "" {
		return // blank lines are for the screen
	}
	msg = strings.TrimLeft(msg, "\n")
	if s.LogHead != nil {
		level := "INFO"
		switch {
		case strings.HasPrefix(msg, "[ERROR]"):
			level = "ERROR"
		case strings.HasPrefix(msg, "[WARNING]"), strings.HasPrefix(msg, "[DEPRECATION WARNING]"):
			level = "WARNING"
		}
		msg = s.LogHead(level) + msg
	}
	fmt.Fprintln(s.Log, msg)
}

// paint wraps each line of msg in the colour's escape codes, as Ansible does.
func (s *Screen) paint(msg string, color Color) string {
	if !s.Color || color == "" {
		return msg
	}
	code := color.code()
	if code == "" {
		return msg
	}
	lines := strings.Split(msg, "\n")
	for i, l := range lines {
		lines[i] = "\x1b[" + code + "m" + l + "\x1b[0m"
	}
	return strings.Join(lines, "\n")
}

// Banner prints an empty line and msg, filled with stars to the screen's width.
func (s *Screen) Banner(msg string) {
	msg = strings.TrimSpace(msg)
	if s.Cow != nil {
		s.Print(s.Cow(msg), "")
		return
	}
	stars := max(s.Columns-width(msg), 3)
	s.Print("\n"+msg+" "+strings.Repeat("*", stars), "")
}

// width is the number of columns that a text takes: wide East Asian letters
// take two, combining marks and control characters none.
func width(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) || unicode.Is(unicode.Cf, r):
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func wide(r rune) bool {
	return r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf && r != 0x303f ||
		r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f ||
		r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd)
}

// wrap breaks text at spaces so that no line is longer than cols, as Python's
// textwrap does for Ansible's warnings; longer words are cut.
func wrap(text string, cols int) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(strings.ReplaceAll(text, "\n", " ")) {
		for utf8.RuneCountInString(word) > cols {
			if line != "" {
				room := cols - utf8.RuneCountInString(line) - 1
				if room > 0 {
					head, tail := cutRunes(word, room)
					lines, line, word = append(lines, line+" "+head), "", tail
					continue
				}
				lines, line = append(lines, line), ""
				continue
			}
			head, tail := cutRunes(word, cols)
			lines, word = append(lines, head), tail
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= cols:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func cutRunes(s string, n int) (head, tail string) {
	for i := range s {
		if n == 0 {
			return s[:i], s[i:]
		}
		n--
	}
	return s, ""
}
