// Package redact keeps a run's secrets and hides them in what the run tells,
// as ansible-core does since 2.22.
package redact

// This file defines the registry and its rules: which texts are secrets, in
// which forms they are looked for, and where a short one counts.

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Placeholder stands where a secret was.
const Placeholder = "$REDACTED$"

// The rules of length, in characters: shorter texts are no secrets, those up
// to wordLength count as whole words only, and of longer ones the begin counts.
const (
	MinLength  = 4
	wordLength = 6
	maxLength  = 65536
)

// blanks around a secret are not part of it.
const blanks = " \t\r\n"

// prefix is the number of bytes that secrets are found by: no secret is shorter.
const prefix = 4

// A Registry holds the secrets of a run. It is safe for concurrent use; a nil
// Registry takes none and hides nothing.
type Registry struct {
	mu      sync.RWMutex
	secrets map[string]bool
	forms   map[string]bool     // the secrets as they are, and as JSON has them
	by      map[uint32][]string // the forms by their first bytes
	// marks tells fast that no secret begins with some bytes: a bit for
	// each hash of them.
	marks [1 << 10]uint64
	any   atomic.Bool
}

// Trim is a secret as it is looked for: without blanks around it. It is "" for
// a text that is too short to be one.
func Trim(text string) string {
	text = strings.Trim(text, blanks)
	if utf8.RuneCountInString(text) < MinLength {
		return ""
	}
	if len(text) > maxLength {
		n := 0
		for i := range text {
			if n == maxLength {
				return text[:i]
			}
			n++
		}
	}
	return text
}

// Add makes texts secrets from now on. Those that are too short are left out.
func (r *Registry) Add(texts ...string) {
	if r == nil {
		return
	}
	for _, text := range texts {
		if text = Trim(text); text != "" {
			r.add(text)
		}
	}
}

func (r *Registry) add(secret string) {
	r.mu.RLock()
	known := r.secrets[secret]
	r.mu.RUnlock()
	if known {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets, r.forms, r.by = map[string]bool{}, map[string]bool{}, map[uint32][]string{}
	}
	r.secrets[secret] = true
	for _, form := range [...]string{secret, inJSON(secret, false), inJSON(secret, true)} {
		if r.forms[form] {
			continue
		}
		r.forms[form] = true
		key := head(form)
		r.by[key] = append(r.by[key], form)
		h := hash(key)
		r.marks[h>>6] |= 1 << (h & 63)
	}
	r.any.Store(true)
}

// Empty reports whether there are no secrets.
func (r *Registry) Empty() bool { return r == nil || !r.any.Load() }

func head(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func hash(key uint32) uint32 { return key * 2654435761 >> 16 }

// Mask is text with the placeholder for each secret in it. Secrets that touch
// or overlap have one for all.
func (r *Registry) Mask(text string) string { return r.MaskAs(text, Placeholder) }

// MaskAs is Mask with another placeholder.
func (r *Registry) MaskAs(text, placeholder string) string {
	if len(text) < prefix || r.Empty() {
		return text
	}
	runs := r.find(text)
	if len(runs) == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	at := 0
	for _, run := range runs {
		b.WriteString(text[at:run.start])
		b.WriteString(placeholder)
		at = run.end
	}
	b.WriteString(text[at:])
	return b.String()
}

// Writer returns w behind the registry: secrets are hidden in what each single
// Write holds.
func (r *Registry) Writer(w io.Writer) io.Writer {
	if r == nil {
		return w
	}
	return writer{r, w}
}

type writer struct {
	r *Registry
	w io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.r.Mask(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// a span is a part of a text, in bytes.
type span struct{ start, end int }

// find gives the parts of text to hide, in order and apart from each other.
func (r *Registry) find(text string) []span {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var runs []span
	var run span
	open, counts := false, false
	key := head(text) << 8
	for i := 0; i+prefix <= len(text); i++ {
		key = key>>8 | uint32(text[i+3])<<24
		h := hash(key)
		if r.marks[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		// The longest secret that begins here makes the run, a shorter one
		// can only say that it counts.
		end, ok := 0, false
		for _, s := range r.by[key] {
			if strings.HasPrefix(text[i:], s) {
				end = max(end, i+len(s))
				ok = ok || alone(text, i, i+len(s))
			}
		}
		switch {
		case end == 0:
		case !open || i > run.end:
			if open && counts {
				runs = append(runs, run)
			}
			run, open, counts = span{i, end}, true, ok
		case end > run.end: // secrets side by side count, however short
			run.end, counts = end, true
		default:
			counts = counts || ok
		}
	}
	if open && counts {
		runs = append(runs, run)
	}
	return runs
}

// alone reports whether a secret counts by itself where it stands: it is long,
// or no letter or digit is beside it.
func alone(text string, start, end int) bool {
	if utf8.RuneCountInString(text[start:end]) > wordLength {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return (start == 0 || !inWord(before)) && (end == len(text) || !inWord(after))
}

// inWord is Python's str.isalnum.
func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// inJSON is a text as a JSON document has it between the quotes; ascii escapes
// what is not ASCII.
func inJSON(s string, ascii bool) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20, ascii && r > 0x7e && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ascii && r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
