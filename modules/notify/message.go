package notify

// This file writes a message in MIME (RFC 2045, 2047, 2231) as Python's email package does.

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"gorun/modules"
	"gorun/modules/oserr"
)

// A message is what goes to the server.
type message struct {
	from      string // the address alone
	receivers []string
	text      string // lines end in \n
}

// newMessage writes the message that a task describes.
func newMessage(m *modules.Run, a *mailArgs) (*message, error) {
	cs, ok := charsets[strings.ToLower(a.Charset)]
	if !ok {
		return nil, modules.Failf("charset: %s is not known here; known are utf-8, us-ascii, iso-8859-1, iso-8859-15 and windows-1252", a.Charset)
	}
	phrase, from := parseAddress(a.Sender)
	out := &message{from: from}
	boundary := fmt.Sprintf("===============%019d==", random(1<<62))
	var h headers
	h.add("Content-Type", fmt.Sprintf("multipart/mixed; -charset=%q; boundary=%q", a.Charset, boundary))
	h.add("MIME-Version", "1.0")
	h.add("From", formatAddress(phrase, from))
	h.add("Date", time.Now().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	subject, err := cs.header(a.Subject)
	if err != nil {
		return nil, modules.Failf("subject: %w", err)
	}
	h.add("Subject", subject)
	now := time.Now().UnixNano()
	h.add("Message-ID", fmt.Sprintf("<%d.%d.%d@%s>", now/1e7, os.Getpid(), random(1<<62), a.MessageIDDomain))
	if err := ownHeaders(m, a, &h); err != nil {
		return nil, err
	}
	for _, address := range a.BCC {
		_, plain := parseAddress(strings.TrimSpace(address))
		out.receivers = append(out.receivers, plain)
	}
	h.add("To", out.shown(a.To))
	h.add("Cc", out.shown(a.CC))
	out.receivers = unique(out.receivers)
	for _, address := range append([]string{from}, out.receivers...) {
		if strings.ContainsFunc(address, func(r rune) bool { return r > 126 || r < ' ' }) {
			return nil, mailFail("the address %s has characters that no address may have", oserr.Quote(address, false))
		}
	}
	var b strings.Builder
	b.WriteString(h.text() + "\nMultipart message\n")
	if err := writeParts(&b, a, cs, boundary); err != nil {
		return nil, err
	}
	b.WriteString("--" + boundary + "--\n")
	out.text = b.String()
	return out, nil
}

// shown adds receivers and returns them as a header has them.
func (msg *message) shown(list []string) string {
	words := make([]string, len(list))
	for i, address := range list {
		phrase, plain := parseAddress(strings.TrimSpace(address))
		words[i] = formatAddress(phrase, plain)
		msg.receivers = append(msg.receivers, plain)
	}
	return strings.Join(words, ", ")
}

// ownHeaders adds what the task gives, NAME=VALUE, several with | between them.
func ownHeaders(m *modules.Run, a *mailArgs, h *headers) error {
	for _, line := range a.Headers {
		for one := range strings.SplitSeq(line, "|") {
			one = strings.TrimSpace(one)
			name, value, ok := strings.Cut(one, "=")
			if !ok || name == "" || strings.ContainsAny(name, ": \t\r\n") {
				m.Warn("Skipping header '%s', unable to parse", one)
				continue
			}
			if strings.ContainsAny(value, "\r\n") {
				return mailFail("the header %s has a line break", name)
			}
			text, err := charsets["us-ascii"].header(value)
			if err != nil {
				return err
			}
			h.add(name, text)
		}
	}
	if !h.has("X-Mailer") {
		h.add("X-Mailer", "Ansible mail module")
	}
	return nil
}

// headers are a message's or a part's, in order.
type headers []string

func (h *headers) add(name, value string) { *h = append(*h, name+": "+value) }

func (h *headers) has(name string) bool {
	for _, line := range *h {
		if have, _, _ := strings.Cut(line, ":"); strings.EqualFold(have, name) {
			return true
		}
	}
	return false
}

func (h *headers) text() string { return strings.Join(*h, "\n") + "\n" }

func writeParts(b *strings.Builder, a *mailArgs, cs *charset, boundary string) error {
	part := func(h headers, body string) {
		b.WriteString("--" + boundary + "\n" + h.text() + "\n" + body + "\n")
	}
	text := a.Body
	if text == "" {
		text = a.Subject
	}
	encoding, body, err := cs.body(text + "\n\n")
	if err != nil {
		return modules.Failf("body: %w", err)
	}
	part(headers{fmt.Sprintf("Content-Type: text/%s; charset=%q", a.Subtype, a.Charset), "MIME-Version: 1.0",
		"Content-Transfer-Encoding: " + encoding}, body)
	for _, file := range a.Attach {
		data, err := os.ReadFile(file)
		if err != nil {
			return mailFail("Failed to send community.general.mail: can't attach file %s: %s", file, oserr.Str(err, file))
		}
		part(headers{"Content-Type: application/octet-stream", "MIME-Version: 1.0", "Content-Transfer-Encoding: base64",
			"Content-disposition: attachment; " + fileName(file)}, base64Lines(data))
	}
	for _, image := range a.Inline {
		kind := image.MimeType
		if kind == "" {
			kind, _, _ = strings.Cut(mime.TypeByExtension(filepath.Ext(image.Path)), ";")
		}
		if kind == "" {
			return modules.Failf("Could not determine the MIME type of %s; please set the mime_type suboption.", oserr.Quote(image.Path, false))
		}
		data, err := os.ReadFile(image.Path)
		if err != nil {
			return mailFail("Error while embedding %s: %s", oserr.Quote(image.Path, false), oserr.Str(err, image.Path))
		}
		if _, sub, ok := strings.Cut(kind, "/"); ok {
			kind = sub
		}
		part(headers{"Content-Type: image/" + kind, "MIME-Version: 1.0", "Content-Transfer-Encoding: base64",
			"Content-ID: <" + image.CID + ">", "Content-Disposition: inline; " + fileName(image.Path)}, base64Lines(data))
	}
	return nil
}

// fileName is the parameter with a file's name.
func fileName(path string) string {
	name := filepath.Base(path)
	if ascii(name) {
		return `filename="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	var b strings.Builder
	b.WriteString("filename*=utf-8''")
	for i := 0; i < len(name); i++ {
		if c := name[i]; alphanumeric(c) || strings.IndexByte("_.-~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// base64Lines is base64 in lines of 76 characters.
func base64Lines(data []byte) string {
	var b strings.Builder
	for len(data) > 0 {
		n := min(57, len(data))
		b.WriteString(base64.StdEncoding.EncodeToString(data[:n]) + "\n")
		data = data[n:]
	}
	return b.String()
}

func random(limit int64) int64 {
	n, err := rand.Int(rand.Reader, big.NewInt(limit))
	if err != nil {
		return time.Now().UnixNano() % limit // uniqueness is all that is asked for
	}
	return n.Int64()
}

// A charset is a character set and how its text goes through mail.
type charset struct {
	name   string
	how    byte // of the body: 7 as it is, q quoted-printable, b base64
	encode func(r rune) (byte, bool)
}

var charsets = func() map[string]*charset {
	euro := map[rune]byte{'€': 0xa4, 'Š': 0xa6, 'š': 0xa8, 'Ž': 0xb4, 'ž': 0xb8, 'Œ': 0xbc, 'œ': 0xbd, 'Ÿ': 0xbe}
	windows := make(map[rune]byte)
	for i, r := range []rune("€\x00‚ƒ„…†‡ˆ‰Š‹Œ\x00Ž\x00\x00‘’“”•–—˜™š›œ\x00žŸ") {
		if r != 0 {
			windows[r] = byte(0x80 + i)
		}
	}
	replaced := func(b byte) bool {
		for _, have := range euro {
			if b == have {
				return true
			}
		}
		return false
	}
	latin1 := &charset{"iso-8859-1", 'q', func(r rune) (byte, bool) { return byte(r), r < 0x100 }}
	latin9 := &charset{"iso-8859-15", 'q', func(r rune) (byte, bool) {
		if b, ok := euro[r]; ok {
			return b, true
		}
		return byte(r), r < 0x100 && !replaced(byte(r))
	}}
	cp1252 := &charset{"windows-1252", 'q', func(r rune) (byte, bool) {
		if b, ok := windows[r]; ok {
			return b, true
		}
		return byte(r), r < 0x80 || r >= 0xa0 && r < 0x100
	}}
	plain := &charset{"us-ascii", '7', func(r rune) (byte, bool) { return byte(r), r < 0x80 }}
	unicode := &charset{"utf-8", 'b', nil}
	return map[string]*charset{"utf-8": unicode, "utf8": unicode, "us-ascii": plain, "ascii": plain, "iso-8859-1": latin1,
		"latin1": latin1, "latin-1": latin1, "iso-8859-15": latin9, "latin9": latin9, "windows-1252": cp1252, "cp1252": cp1252}
}()

// bytes is the text in the character set.
func (cs *charset) bytes(s string) ([]byte, error) {
	if cs.encode == nil {
		return []byte(s), nil
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := cs.encode(r)
		if !ok {
			return nil, fmt.Errorf("the character %q is not in the character set %s", r, cs.name)
		}
		out = append(out, b)
	}
	return out, nil
}

// header is text as a header has it; a line break in it continues the header.
func (cs *charset) header(s string) (string, error) {
	if cs.how == '7' && !ascii(s) {
		cs = charsets["utf-8"]
	}
	lines := modules.SplitLines(s)
	for i, line := range lines {
		if i > 0 {
			line = " " + strings.TrimLeft(line, " \t")
		}
		data, err := cs.bytes(line)
		if err != nil {
			return "", err
		}
		if cs.how != '7' {
			line = encodedWord(cs, data)
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n "), nil
}

// encodedWord writes =?charset?q?...?=, or b where that is shorter.
func encodedWord(cs *charset, data []byte) string {
	var q strings.Builder
	for _, c := range data {
		switch {
		case c == ' ':
			q.WriteByte('_')
		case alphanumeric(c) || strings.IndexByte("-!*+/", c) >= 0:
			q.WriteByte(c)
		default:
			fmt.Fprintf(&q, "=%02X", c)
		}
	}
	if coded := base64.StdEncoding.EncodeToString(data); cs.how == 'b' && len(coded) < q.Len() {
		return "=?" + cs.name + "?b?" + coded + "?="
	}
	return "=?" + cs.name + "?q?" + q.String() + "?="
}

// body encodes a text and names the encoding.
func (cs *charset) body(s string) (encoding, text string, err error) {
	data, err := cs.bytes(s)
	if err != nil {
		return "", "", err
	}
	switch cs.how {
	case '7':
		return "7bit", string(data), nil
	case 'b':
		return "base64", base64Lines(data), nil
	}
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	if _, err = w.Write(data); err == nil {
		err = w.Close()
	}
	return "quoted-printable", strings.ReplaceAll(b.String(), "\r\n", "\n"), err
}

// parseAddress cuts an address into its phrase and the address: `Jo <jo@x>`,
// `jo@x (Jo)`, or the address alone.
func parseAddress(s string) (phrase, address string) {
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		rest := s[open+1:]
		if end := strings.IndexByte(rest, '>'); end >= 0 {
			return unquoted(strings.TrimSpace(s[:open])), strings.TrimSpace(rest[:end])
		}
	}
	if open := strings.IndexByte(s, '('); open >= 0 && strings.HasSuffix(s, ")") {
		return s[open+1 : len(s)-1], strings.TrimSpace(s[:open])
	}
	return "", strings.TrimSpace(s)
}

// unquoted takes the quotes off a phrase.
func unquoted(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s[1 : len(s)-1])
}

// formatAddress is an address as a header has it.
func formatAddress(phrase, address string) string {
	switch {
	case phrase == "":
		return address
	case !ascii(phrase):
		return encodedWord(charsets["utf-8"], []byte(phrase)) + " <" + address + ">"
	case strings.ContainsAny(phrase, `][\()<>@,:;".`):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(phrase) + `" <` + address + ">"
	}
	return phrase + " <" + address + ">"
}
