package packaging

// This file reads OpenPGP public keys (RFC 4880): enough to store a keyring
// and to know whose keys it holds, without gpg.

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

const (
	armorBegin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	armorEnd   = "-----END PGP PUBLIC KEY BLOCK-----"
)

// dearmor returns the binary form of public keys: what is armored is decoded,
// block after block, and what is binary already is returned as it is.
func dearmor(data []byte) ([]byte, error) {
	if !bytes.Contains(data, []byte(armorBegin)) {
		if _, err := primaryFingerprints(data); err != nil {
			return nil, err
		}
		return data, nil
	}
	var out []byte
	rest := strings.ReplaceAll(string(data), "\r\n", "\n")
	for {
		_, after, found := strings.Cut(rest, armorBegin)
		if !found {
			break
		}
		block, tail, ended := strings.Cut(after, armorEnd)
		if !ended {
			return nil, errors.New("the key has no " + armorEnd)
		}
		rest = tail
		key, err := dearmorBlock(block)
		if err != nil {
			return nil, err
		}
		out = append(out, key...)
	}
	if _, err := primaryFingerprints(out); err != nil {
		return nil, err
	}
	return out, nil
}

// dearmorBlock decodes the text between the armor's first and last line:
// headers, an empty line, base64, and a line "=" with a checksum.
func dearmorBlock(block string) ([]byte, error) {
	var b strings.Builder
	inHeaders := true
	for line := range strings.Lines(block) {
		line = strings.TrimSpace(line)
		switch {
		case inHeaders && strings.Contains(line, ": "):
			continue
		case line == "":
			continue
		case strings.HasPrefix(line, "="):
			continue
		}
		inHeaders = false
		b.WriteString(line)
	}
	key, err := base64.StdEncoding.DecodeString(b.String())
	if err != nil {
		return nil, fmt.Errorf("the key's armor is damaged: %w", err)
	}
	return key, nil
}

var errNoKey = errors.New("this is not an OpenPGP public key")

// Packet tags of RFC 4880, 4.3.
const (
	tagPublicKey    = 6
	tagPublicSubkey = 14
)

// primaryFingerprints lists the fingerprints (upper-case hex) of the primary
// keys of a binary keyring.
func primaryFingerprints(ring []byte) ([]string, error) {
	keys, err := parseKeys(ring)
	var out []string
	for _, k := range keys {
		if !k.sub {
			out = append(out, k.fingerprint)
		}
	}
	if err == nil && len(out) == 0 {
		err = errNoKey
	}
	return out, err
}

// A pgpKey is a public key or subkey of a keyring.
type pgpKey struct {
	fingerprint string
	sub         bool
}

func parseKeys(ring []byte) ([]pgpKey, error) {
	var out []pgpKey
	for len(ring) > 0 {
		tag, body, rest, err := nextPacket(ring)
		if err != nil {
			return out, err
		}
		ring = rest
		if tag != tagPublicKey && tag != tagPublicSubkey {
			continue
		}
		if len(body) < 6 || body[0] != 4 {
			continue // versions 2 and 3 are broken, and apt refuses them
		}
		h := sha1.New()
		h.Write([]byte{0x99, byte(len(body) >> 8), byte(len(body))})
		h.Write(body)
		out = append(out, pgpKey{fingerprint: fmt.Sprintf("%X", h.Sum(nil)), sub: tag == tagPublicSubkey})
	}
	return out, nil
}

// nextPacket splits off one packet, of either header format.
func nextPacket(b []byte) (tag int, body, rest []byte, err error) {
	if len(b) < 2 || b[0]&0x80 == 0 {
		return 0, nil, nil, errNoKey
	}
	var size, header int
	switch {
	case b[0]&0x40 != 0: // new format
		tag = int(b[0] & 0x3f)
		size, header, err = newLength(b)
	default:
		tag = int(b[0]&0x3c) >> 2
		size, header, err = oldLength(b)
	}
	if err != nil {
		return 0, nil, nil, err
	}
	if size < 0 || size > len(b)-header {
		return 0, nil, nil, errors.New("the key is cut off")
	}
	return tag, b[header : header+size], b[header+size:], nil
}

func newLength(b []byte) (size, header int, err error) {
	switch first := b[1]; {
	case first < 192:
		return int(first), 2, nil
	case first < 224 && len(b) >= 3:
		return (int(first)-192)<<8 + int(b[2]) + 192, 3, nil
	case first == 255 && len(b) >= 6:
		return int(binary.BigEndian.Uint32(b[2:])), 6, nil
	}
	return 0, 0, errNoKey
}

func oldLength(b []byte) (size, header int, err error) {
	switch b[0] & 3 {
	case 0:
		return int(b[1]), 2, nil
	case 1:
		if len(b) >= 3 {
			return int(binary.BigEndian.Uint16(b[1:])), 3, nil
		}
	case 2:
		if len(b) >= 5 {
			return int(binary.BigEndian.Uint32(b[1:])), 5, nil
		}
	case 3:
		return len(b) - 1, 1, nil
	}
	return 0, 0, errNoKey
}

// withoutKey returns a binary keyring without the primary keys, and all that
// belongs to them, of which the key or a subkey ends in an id.
func withoutKey(ring []byte, id string) (kept []byte, found bool) {
	var blocks [][]byte
	for rest := ring; len(rest) > 0; {
		tag, _, next, err := nextPacket(rest)
		if err != nil {
			break
		}
		packet := rest[:len(rest)-len(next)]
		if tag == tagPublicKey || len(blocks) == 0 {
			blocks = append(blocks, nil)
		}
		blocks[len(blocks)-1] = append(blocks[len(blocks)-1], packet...)
		rest = next
	}
	for _, b := range blocks {
		keys, _ := parseKeys(b)
		hit := false
		for _, k := range keys {
			hit = hit || strings.HasSuffix(k.fingerprint, id)
		}
		if hit {
			found = true
			continue
		}
		kept = append(kept, b...)
	}
	return kept, found
}
