package database

// This file checks passwords of caching_sha2_password.

import (
	"crypto/subtle"
	"strconv"
	"strings"

	"gorun/modules/crypt"
)

const (
	sha2SaltLength = 20
	sha2HashLength = 43
)

// cachingSHA2Hash is the authentication_string of a password with a salt, in the rounds
// that servers use.
func cachingSHA2Hash(password, salt string) string {
	return "$A$005$" + salt + crypt.SHA256Digest(password, salt, 5000)
}

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
	got := crypt.SHA256Digest(password, salt, int(thousands)*1000)
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}
