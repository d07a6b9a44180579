// Package oserr words the operating system's errors as Ansible's modules do,
// so that conditions on "msg" go on working.
package oserr

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Text is strerror: "No such file or directory"; for what is no errno it is the error's own text.
func Text(err error) string {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return err.Error()
	}
	s := no.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

// Code is the errno, 0 where there is none.
func Code(err error) int {
	var no syscall.Errno
	if errors.As(err, &no) {
		return int(no)
	}
	return 0
}

// Bytes is the error about a path (or two) that a Python program names by bytes:
// [Errno 2] No such file or directory: b'/x' -> b'/y'.
func Bytes(err error, paths ...string) string { return format(err, "b", paths) }

// Str is Bytes for paths named by text.
func Str(err error, paths ...string) string { return format(err, "", paths) }

func format(err error, prefix string, paths []string) string {
	s := Text(err)
	if n := Code(err); n != 0 {
		s = fmt.Sprintf("[Errno %d] %s", n, s)
	}
	for i, p := range paths {
		paths[i] = prefix + Quote(p, prefix == "b")
	}
	if len(paths) > 0 {
		s += ": " + strings.Join(paths, " -> ")
	}
	return s
}

// Quote is Python's repr of a string, without the b of bytes.
func Quote(s string, ascii bool) string {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	var b strings.Builder
	b.WriteByte(q)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == q || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < 0x20 || c == 0x7f || c >= 0x80 && ascii:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(q)
	return b.String()
}
