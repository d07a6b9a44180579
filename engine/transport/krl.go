package transport

// This file reads OpenSSH's key revocation lists, which ssh-keygen -k writes
// (https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.krl).

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"

	"golang.org/x/crypto/ssh"
)

const krlMagic = "SSHKRL\n\x00"

// The kinds of sections, and of those in a section of certificates.
const (
	krlCertificates = 1
	krlKeys         = 2
	krlSHA1         = 3
	krlSignature    = 4
	krlSHA256       = 5
	krlExtension    = 255

	krlSerials   = 0x20
	krlRange     = 0x21
	krlBitmap    = 0x22
	krlKeyIDs    = 0x23
	krlCertExtra = 0x39
)

var errKRL = errors.New("the list of revoked keys is damaged")

// krlReader takes values off a list; what is too short sets bad.
type krlReader struct {
	data []byte
	bad  bool
}

func (r *krlReader) bytes(n uint64) []byte {
	if r.bad || n > uint64(len(r.data)) {
		r.bad = true
		return make([]byte, min(n, 8))
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

func (r *krlReader) number() uint64 { return binary.BigEndian.Uint64(r.bytes(8)) }

func (r *krlReader) text() []byte { return r.bytes(uint64(binary.BigEndian.Uint32(r.bytes(4)))) }

// more reports whether there is anything left to read.
func (r *krlReader) more() bool { return !r.bad && len(r.data) > 0 }

// revokedByKRL reports whether a list revokes key: the key itself, or, where
// it is a certificate, that, its key, or the authority that signed it.
func revokedByKRL(list []byte, key ssh.PublicKey) (revoked bool, err error) {
	r := &krlReader{data: list[len(krlMagic):]}
	if version := binary.BigEndian.Uint32(r.bytes(4)); !r.bad && version != 1 {
		return false, errors.New("the list of revoked keys is of a version that is not known")
	}
	r.bytes(3 * 8) // its number, its date, flags
	r.text()       // reserved
	r.text()       // a comment
	keys := [][]byte{key.Marshal()}
	cert, _ := key.(*ssh.Certificate)
	if cert != nil {
		keys = [][]byte{cert.Key.Marshal(), cert.SignatureKey.Marshal()}
	}
	for r.more() {
		kind := r.bytes(1)[0]
		section := &krlReader{data: r.text()}
		switch kind {
		case krlCertificates:
			revoked = section.certificates(cert) || revoked
		case krlKeys, krlSHA1, krlSHA256:
			revoked = section.keys(kind, keys) || revoked
		case krlSignature: // ssh does not look at them either
			section.data = nil
		case krlExtension:
			section.text()
			if critical := section.bytes(1)[0] != 0; critical {
				return false, errors.New("the list of revoked keys has an extension that is not known")
			}
		default:
			return false, errors.New("the list of revoked keys has a section that is not known")
		}
		if section.bad {
			return false, errKRL
		}
	}
	if r.bad {
		return false, errKRL
	}
	return revoked, nil
}

// keys reads a section of keys or of their digests.
func (r *krlReader) keys(kind byte, keys [][]byte) (revoked bool) {
	for r.more() {
		entry := r.text()
		for _, k := range keys {
			switch kind {
			case krlSHA1:
				sum := sha1.Sum(k)
				k = sum[:]
			case krlSHA256:
				sum := sha256.Sum256(k)
				k = sum[:]
			}
			revoked = revoked || bytes.Equal(entry, k)
		}
	}
	return revoked
}

// certificates reads a section of certificates of one authority, or of any.
func (r *krlReader) certificates(cert *ssh.Certificate) (revoked bool) {
	authority := r.text()
	r.text() // reserved
	meant := cert != nil && (len(authority) == 0 || bytes.Equal(authority, cert.SignatureKey.Marshal()))
	for r.more() {
		kind := r.bytes(1)[0]
		part := &krlReader{data: r.text()}
		if !meant {
			continue
		}
		revoked = part.certificate(kind, cert) || revoked
		r.bad = r.bad || part.bad
	}
	return revoked
}

// certificate looks for one in a part of a section. Serial 0 says that there is none.
func (r *krlReader) certificate(kind byte, cert *ssh.Certificate) (revoked bool) {
	serial := cert.Serial
	switch kind {
	case krlSerials:
		for r.more() {
			revoked = r.number() == serial && serial != 0 || revoked
		}
	case krlRange:
		first, last := r.number(), r.number()
		revoked = serial != 0 && first <= serial && serial <= last
	case krlBitmap:
		first := r.number()
		bits := new(big.Int).SetBytes(r.text())
		revoked = serial != 0 && serial >= first && serial-first < uint64(bits.BitLen()) && bits.Bit(int(serial-first)) == 1
	case krlKeyIDs:
		for r.more() {
			revoked = string(r.text()) == cert.KeyId || revoked
		}
	case krlCertExtra:
		r.text()
		r.bad = r.bytes(1)[0] != 0 || r.bad // critical, and not known
	default:
		r.bad = true
	}
	return revoked
}
