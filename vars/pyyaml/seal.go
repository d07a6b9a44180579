package pyyaml

// This file keeps !vault scalars closed until they are used: a value that
// nobody asks for needs no password.

import (
	"encoding/hex"
	"strings"

	"gorun/templates"
)

// OpenVault is the name of the global that a sealed value calls with its
// ciphertext in hexadecimal. Whoever sets [Options.Seal] gives the template engine a function
// of this name.
const OpenVault = "__open_vault__"

const (
	sealHead = "{{ " + OpenVault + "('"
	sealTail = "') }}"
)

// Seal returns the value that opens a vault where it is used.
func Seal(ciphertext string, pos templates.Pos) templates.Value {
	return templates.NewText(sealHead+hex.EncodeToString([]byte(ciphertext))+sealTail, pos)
}

// Sealed returns the ciphertext of a value that is sealed; false for others.
func Sealed(v templates.Value) (ciphertext string, ok bool) {
	t, ok := v.(*templates.Text)
	if !ok || !strings.HasPrefix(t.Src, sealHead) || !strings.HasSuffix(t.Src, sealTail) {
		return "", false
	}
	text, err := hex.DecodeString(t.Src[len(sealHead) : len(t.Src)-len(sealTail)])
	return string(text), err == nil
}
