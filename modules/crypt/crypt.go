// Package crypt computes the password hashes of crypt(3) as passlib and libcrypt
// write them: sha512, sha256, md5, Apache's md5 and bcrypt
// (https://www.akkadia.org/drepper/SHA-crypt.txt,
// https://man7.org/linux/man-pages/man5/crypt.5.html).
package crypt

// This file holds the schemes.

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/blowfish" //lint:ignore SA1019 bcrypt is made of it
)

// An Error says what is wrong with a scheme's name or options, in passlib's words.
type Error struct{ Msg string }

func (e *Error) Error() string { return e.Msg }

func errf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// cryptChars are the digits of crypt's base64.
const cryptChars = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// A scheme is a form of crypt.
type scheme struct {
	name                string // as passlib has it
	saltSize            int
	exact               bool // the salt has to be that long
	rounds              int  // where none are asked for
	minRounds, maxRound int
	gensalt             bool // libcrypt has it
	hash                func(password, salt string, rounds int, ident string) (string, error)
}

var schemes = map[string]scheme{
	"md5": {name: "md5_crypt", saltSize: 8, gensalt: true, hash: func(p, s string, _ int, _ string) (string, error) { return md5Crypt(p, s, "$1$"), nil }},
	// apr1 is what htpasswd writes by default; passlib's name is the key.
	"apr_md5_crypt": {name: "apr_md5_crypt", saltSize: 8, hash: func(p, s string, _ int, _ string) (string, error) { return md5Crypt(p, s, "$apr1$"), nil }},
	"sha256":        {name: "sha256_crypt", saltSize: 16, rounds: 535000, minRounds: 1000, maxRound: 999999999, gensalt: true, hash: sha256Crypt},
	"sha512":        {name: "sha512_crypt", saltSize: 16, rounds: 656000, minRounds: 1000, maxRound: 999999999, gensalt: true, hash: sha512Crypt},
	"bcrypt":        {name: "bcrypt", saltSize: 22, exact: true, rounds: 12, minRounds: 4, maxRound: 31, gensalt: true, hash: bcryptHash},
}

var schemeAliases = map[string]string{"blowfish": "bcrypt", "md5_crypt": "md5", "sha256_crypt": "sha256", "sha512_crypt": "sha512", "apr1": "apr_md5_crypt"}

// Options are the options of a password's hash; zero values ask for the
// scheme's own.
type Options struct {
	Salt             string
	SaltSize, Rounds int
	Ident            string // of bcrypt: 2, 2a, 2b or 2y
	// Gensalt makes the salt of the bytes of Salt as crypt_gensalt(3) makes it of
	// random ones: what ansible-core does since 2.20, where a given salt
	// therefore is not the one in the hash.
	Gensalt bool
}

// Known reports whether there is a scheme of a name.
func Known(kind string) bool {
	if a, ok := schemeAliases[kind]; ok {
		kind = a
	}
	_, ok := schemes[kind]
	return ok
}

// Hash hashes a password for /etc/shadow; kind is md5, sha256, sha512, bcrypt
// or blowfish.
func Hash(password, kind string, o Options) (string, error) {
	if a, ok := schemeAliases[kind]; ok {
		kind = a
	}
	s, ok := schemes[kind]
	if !ok {
		return "", errf("passlib does not support '%s' algorithm", kind)
	}
	if o.Gensalt && s.gensalt {
		return s.hashGensalt(password, o)
	}
	if o.Salt == "" {
		size := s.saltSize
		if o.SaltSize > 0 {
			size = o.SaltSize
		}
		o.Salt = randomSalt(size)
	}
	if i := strings.IndexFunc(o.Salt, func(r rune) bool { return !strings.ContainsRune(cryptChars, r) }); i >= 0 {
		return "", errf("Could not hash the secret.. invalid characters in %s salt", s.name)
	}
	if n := len(o.Salt); s.exact && n < s.saltSize {
		return "", errf("Could not hash the secret.. salt too small (%s requires exactly %d chars)", s.name, s.saltSize)
	} else if s.exact && n > s.saltSize {
		return "", errf("Could not hash the secret.. salt too large (%s requires exactly %d chars)", s.name, s.saltSize)
	} else if n > s.saltSize {
		return "", errf("Could not hash the secret.. salt too large (%s requires <= %d chars)", s.name, s.saltSize)
	}
	rounds := o.Rounds
	if rounds == 0 {
		rounds = s.rounds
	}
	if s.maxRound > 0 && (rounds < s.minRounds || rounds > s.maxRound) {
		word, bound := "low", s.minRounds
		if rounds > s.maxRound {
			word, bound = "high", s.maxRound
		}
		cmp := map[string]string{"low": ">=", "high": "<="}[word]
		return "", errf("Could not hash the secret.. rounds too %s (%s requires %s %d rounds)", word, s.name, cmp, bound)
	}
	return s.hash(password, o.Salt, rounds, o.Ident)
}

// hashGensalt hashes with a salt of crypt_gensalt(3).
func (s scheme) hashGensalt(password string, o Options) (string, error) {
	size := len(o.Salt)
	if size == 0 {
		if size = o.SaltSize; size == 0 {
			size = s.saltSize
		}
	}
	switch {
	case s.exact && size != s.saltSize:
		return "", errf("invalid salt size supplied (%d), expected %d", size, s.saltSize)
	case size > s.saltSize:
		return "", errf("invalid salt size supplied (%d), expected at most %d", size, s.saltSize)
	case strings.Trim(o.Salt, cryptChars) != "":
		return "", errf("invalid characters in salt")
	}
	raw := []byte(o.Salt)
	if len(raw) == 0 {
		raw = make([]byte, size)
		_, _ = rand.Read(raw) // never fails
	}
	rounds := o.Rounds
	if rounds == 0 {
		rounds = s.rounds
	}
	unable := errf("Failed to generate salt for '%s' algorithm: crypt_gensalt failed: unable to generate salt", s.name)
	if len(raw) < 3 || rounds < s.minRounds || rounds > s.maxRound || o.Ident != "" && !s.exact {
		return "", unable
	}
	if s.exact { // bcrypt
		return s.hash(password, bcryptEncoding.EncodeToString(raw[:16]), rounds, o.Ident)
	}
	var salt []byte
	for i := 0; i+3 < len(raw) && len(salt) < s.saltSize; i += 3 {
		salt = appendCrypt64(salt, raw[i+2], raw[i+1], raw[i], 4)
	}
	return s.hash(password, string(salt), rounds, "")
}

func randomSalt(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = cryptChars[b[i]&63]
	}
	return string(b)
}

// appendCrypt64 writes n characters of the 24 bits of three bytes.
func appendCrypt64(out []byte, a, b, c byte, n int) []byte {
	w := uint(a)<<16 | uint(b)<<8 | uint(c)
	for range n {
		out = append(out, cryptChars[w&63])
		w >>= 6
	}
	return out
}

func sha256Crypt(password, salt string, rounds int, _ string) (string, error) {
	return "$5$" + roundsText(rounds) + salt + "$" + SHA256Digest(password, salt, rounds), nil
}

// SHA256Digest is what SHA-crypt with SHA-256 puts behind its salt: 43
// characters. The salt may be longer than crypt(3) lets it be, as MySQL's is.
func SHA256Digest(password, salt string, rounds int) string {
	d := shaCrypt(sha256.New, password, salt, rounds)
	var out []byte
	for i, j := 0, 0; j < 10; j++ {
		out = appendCrypt64(out, d[i], d[(i+10)%30], d[(i+20)%30], 4)
		i = (i + 21) % 30
	}
	return string(appendCrypt64(out, 0, d[31], d[30], 3))
}

func sha512Crypt(password, salt string, rounds int, _ string) (string, error) {
	d := shaCrypt(sha512.New, password, salt, rounds)
	var out []byte
	for i, j := 0, 0; j < 21; j++ {
		out = appendCrypt64(out, d[i], d[(i+21)%63], d[(i+42)%63], 4)
		i = (i + 22) % 63
	}
	out = appendCrypt64(out, 0, 0, d[63], 2)
	return "$6$" + roundsText(rounds) + salt + "$" + string(out), nil
}

// roundsText leaves out what is implied.
func roundsText(n int) string {
	if n == 5000 {
		return ""
	}
	return fmt.Sprintf("rounds=%d$", n)
}

// fill repeats a digest to a length.
func fill(d []byte, n int) []byte {
	out := make([]byte, 0, n+len(d))
	for len(out) < n {
		out = append(out, d...)
	}
	return out[:n]
}

// shaCrypt is the common part of SHA-crypt.
func shaCrypt(make func() hash.Hash, password, salt string, rounds int) []byte {
	p, s := []byte(password), []byte(salt)
	sum := func(parts ...[]byte) []byte {
		h := make()
		for _, x := range parts {
			h.Write(x)
		}
		return h.Sum(nil)
	}
	b := sum(p, s, p)
	a := make()
	a.Write(p)
	a.Write(s)
	a.Write(fill(b, len(p)))
	for n := len(p); n > 0; n >>= 1 {
		if n&1 != 0 {
			a.Write(b)
		} else {
			a.Write(p)
		}
	}
	d := a.Sum(nil)
	h := make()
	for range p {
		h.Write(p)
	}
	pp := fill(h.Sum(nil), len(p))
	h.Reset()
	for range 16 + int(d[0]) {
		h.Write(s)
	}
	ss := fill(h.Sum(nil), len(s))
	return mix(h, rounds, d, pp, ss)
}

// mix is the long loop of md5's and SHA's crypt over a digest, a password and a salt.
func mix(h hash.Hash, rounds int, d, password, salt []byte) []byte {
	for i := range rounds {
		h.Reset()
		if i&1 != 0 {
			h.Write(password)
		} else {
			h.Write(d)
		}
		if i%3 != 0 {
			h.Write(salt)
		}
		if i%7 != 0 {
			h.Write(password)
		}
		if i&1 != 0 {
			h.Write(d)
		} else {
			h.Write(password)
		}
		d = h.Sum(d[:0])
	}
	return d
}

// md5Crypt is the scheme of FreeBSD, magic $1$, and Apache's of it, $apr1$.
func md5Crypt(password, salt, magic string) string {
	p, s := []byte(password), []byte(salt)
	b := md5.Sum(append(append(append([]byte{}, p...), s...), p...))
	h := md5.New()
	h.Write(p)
	h.Write([]byte(magic))
	h.Write(s)
	h.Write(fill(b[:], len(p)))
	for n := len(p); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write([]byte{0})
		} else {
			h.Write(p[:1])
		}
	}
	d := h.Sum(nil)
	d = mix(h, 1000, d, p, s)
	var out []byte
	for i := range 4 {
		out = appendCrypt64(out, d[i], d[i+6], d[i+12], 4)
	}
	out = appendCrypt64(out, d[4], d[10], d[5], 4)
	out = appendCrypt64(out, 0, 0, d[11], 2)
	return magic + salt + "$" + string(out)
}

var bcryptEncoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// bcryptHash is Provos' and Mazieres' scheme; cost is the logarithm of rounds.
func bcryptHash(password, salt string, cost int, ident string) (string, error) {
	if ident == "" {
		ident = "2b"
	}
	if ident != "2" && ident != "2a" && ident != "2b" && ident != "2y" {
		return "", errf("invalid ident: '%s'", ident)
	}
	raw, err := bcryptEncoding.DecodeString(salt)
	if err != nil {
		return "", errf("invalid characters in bcrypt salt")
	}
	key := append([]byte(password), 0)
	if ident == "2" && len(password) > 0 {
		key = fill([]byte(password), 72)
	}
	if len(key) > 72 {
		key = key[:72]
	}
	c, err := blowfish.NewSaltedCipher(key, raw)
	if err != nil {
		return "", errf("%s", err)
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(raw, c)
	}
	d := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(d); i += 8 {
		for range 64 {
			c.Encrypt(d[i:i+8], d[i:i+8])
		}
	}
	return fmt.Sprintf("$%s$%02d$%s%s", ident, cost, bcryptEncoding.EncodeToString(raw), bcryptEncoding.EncodeToString(d[:23])), nil
}

// Verify reports whether a hash that [Hash] can make is the password's.
func Verify(password, hashed string) bool {
	part := strings.Split(hashed, "$") // "", ident, ...
	if len(part) < 4 || part[0] != "" {
		return false
	}
	var kind string
	o := Options{Salt: part[2]}
	switch part[1] {
	case "1":
		kind = "md5"
	case "apr1":
		kind = "apr_md5_crypt"
	case "5", "6":
		kind = map[string]string{"5": "sha256", "6": "sha512"}[part[1]]
		o.Rounds = 5000
		if n, ok := strings.CutPrefix(part[2], "rounds="); ok {
			o.Rounds, _ = strconv.Atoi(n) // 0 is refused below by making another hash
			o.Salt = part[3]
		}
	case "2", "2a", "2b", "2y":
		kind, o.Ident = "bcrypt", part[1]
		o.Rounds, _ = strconv.Atoi(part[2])
		if len(part[3]) < 22 {
			return false
		}
		o.Salt = part[3][:22]
	default:
		return false
	}
	again, err := Hash(password, kind, o)
	return err == nil && subtle.ConstantTimeCompare([]byte(again), []byte(hashed)) == 1
}
