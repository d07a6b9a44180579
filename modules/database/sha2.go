package database

// This file checks passwords of caching_sha2_password.

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"strconv"
	"strings"
)

const (
	sha2SaltLength = 20
	sha2HashLength = 43
)

// cachingSHA2Matches checks a password against an authentication_string
// "$A$005$" + 20 bytes of salt + 43 characters of SHA-crypt, where 005 is the
// count of rounds in thousands.
func cachingSHA2Matches(stored, password string) bool {
	if stored == "" || password == "" {
		return stored == password
	}
	f := strings.SplitN(stored, "$", 4)
	if len(f) != 4 || f[1] != "A" || len(f[3]) != sha2SaltLength+sha2HashLength {
		return false
	}
	thousands, err := strconv.ParseUint(f[2], 16, 16)
	if err != nil || thousands == 0 {
		return false
	}
	salt, want := f[3][:sha2SaltLength], f[3][sha2SaltLength:]
	got := sha256Crypt([]byte(password), []byte(salt), int(thousands)*1000)
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// sha256Crypt is the hash of U. Drepper's "Unix crypt using SHA-256 and
// SHA-512" (akkadia.org/drepper/SHA-crypt.txt), steps 1 to 22. MySQL lets the
// salt be 20 bytes where crypt(3) cuts it at 16.
func sha256Crypt(key, salt []byte, rounds int) string {
	h := sha256.New()
	h.Write(key)
	h.Write(salt)
	h.Write(key)
	b := h.Sum(nil)

	h.Reset()
	h.Write(key)
	h.Write(salt)
	h.Write(stretch(b, len(key)))
	for n := len(key); n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Write(b)
		} else {
			h.Write(key)
		}
	}
	a := h.Sum(nil)

	h.Reset()
	for range key {
		h.Write(key)
	}
	p := stretch(h.Sum(nil), len(key))
	h.Reset()
	h.Write(bytes.Repeat(salt, 16+int(a[0])))
	s := stretch(h.Sum(nil), len(salt))

	for i := range rounds {
		h.Reset()
		if i&1 == 1 {
			h.Write(p)
		} else {
			h.Write(a)
		}
		if i%3 != 0 {
			h.Write(s)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		if i&1 == 1 {
			h.Write(a)
		} else {
			h.Write(p)
		}
		a = h.Sum(nil)
	}
	return sha256CryptText(a)
}

// stretch repeats a digest up to a length.
func stretch(digest []byte, n int) []byte {
	return bytes.Repeat(digest, n/len(digest)+1)[:n]
}

// sha256CryptText writes the digest in crypt's alphabet and order of bytes.
func sha256CryptText(a []byte) string {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var out strings.Builder
	put := func(b2, b1, b0 byte, n int) {
		w := uint(b2)<<16 | uint(b1)<<8 | uint(b0)
		for range n {
			out.WriteByte(alphabet[w&63])
			w >>= 6
		}
	}
	for _, t := range [][3]int{{0, 10, 20}, {21, 1, 11}, {12, 22, 2}, {3, 13, 23}, {24, 4, 14}, {15, 25, 5}, {6, 16, 26}, {27, 7, 17}, {18, 28, 8}, {9, 19, 29}} {
		put(a[t[0]], a[t[1]], a[t[2]], 4)
	}
	put(0, a[31], a[30], 3)
	return out.String()
}
