package transport

// This file reads known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). A
// line that cannot be read is passed over, as by ssh.

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// A knownLine is a line of a known_hosts file.
type knownLine struct {
	marker   string   // "", "@cert-authority" or "@revoked"
	patterns []string // nil where the name is hashed
	salt     []byte
	hash     []byte
	key      ssh.PublicKey
	file     string
	line     int
}

// parseKnown reads a line; ok is false for one without a key.
func parseKnown(text string) (k knownLine, ok bool) {
	words := strings.Fields(text)
	if len(words) > 0 && strings.HasPrefix(words[0], "@") {
		k.marker, words = words[0], words[1:]
	}
	if len(words) < 3 || strings.HasPrefix(words[0], "#") {
		return k, false
	}
	if rest, hashed := strings.CutPrefix(words[0], "|1|"); hashed {
		salt, hash, _ := strings.Cut(rest, "|")
		var err1, err2 error
		k.salt, err1 = base64.StdEncoding.DecodeString(salt)
		k.hash, err2 = base64.StdEncoding.DecodeString(hash)
		if err1 != nil || err2 != nil {
			return k, false
		}
	} else {
		k.patterns = strings.Split(strings.ToLower(words[0]), ",")
	}
	data, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil {
		return k, false
	}
	k.key, err = ssh.ParsePublicKey(data)
	return k, err == nil && k.key.Type() == words[1]
}

// meant reports whether the line is about a name.
func (k *knownLine) meant(name string) bool {
	if k.patterns != nil {
		return matchNames(k.patterns, name)
	}
	h := hmac.New(sha1.New, k.salt)
	h.Write([]byte(name))
	return hmac.Equal(h.Sum(nil), k.hash)
}

// hashedName is a name as HashKnownHosts has it.
func hashedName(name string) string {
	salt := make([]byte, sha1.Size)
	rand.Read(salt)
	h := hmac.New(sha1.New, salt)
	h.Write([]byte(name))
	return "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// A knownFile is what a file had when it was read last.
type knownFile struct {
	size  int64
	mtime time.Time
	lines []knownLine
}

// known holds the files that were read: many hosts look at the same ones.
var known = struct {
	sync.Mutex
	files map[string]*knownFile
}{files: map[string]*knownFile{}}

// knownLines are the lines of the files that are there.
func knownLines(files []string) []knownLine {
	known.Lock()
	defer known.Unlock()
	var out []knownLine
	for _, path := range files {
		out = append(out, readKnown(path)...)
	}
	return out
}

// readKnown reads a file where it is not what it was. known is locked.
func readKnown(path string) []knownLine {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	f := known.files[path]
	if f != nil && f.size == st.Size() && f.mtime.Equal(st.ModTime()) {
		return f.lines
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	f = &knownFile{size: int64(len(data)), mtime: st.ModTime()}
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		if k, ok := parseKnown(text); ok {
			k.file, k.line = path, n
			f.lines = append(f.lines, k)
		}
	}
	known.files[path] = f
	return slices.Clip(f.lines)
}

// A knownAs is what known_hosts says of a key.
type knownAs int

const (
	knownNot     knownAs = iota // no key of its type
	knownSame                   // it is the host's
	knownOther                  // the host has another key of its type
	knownRevoked                // it is not to be trusted
)

// lookUp compares a host's key with what is known of a name; where says which
// line has another key.
func lookUp(lines []knownLine, name string, key ssh.PublicKey) (as knownAs, where string) {
	data := key.Marshal()
	for i := range lines {
		k := &lines[i]
		if k.marker == "@cert-authority" || !k.meant(name) {
			continue
		}
		same := bytes.Equal(k.key.Marshal(), data)
		switch {
		case k.marker == "@revoked":
			if same {
				return knownRevoked, ""
			}
		case same:
			as = knownSame
		case as == knownNot && k.key.Type() == key.Type():
			as, where = knownOther, fmt.Sprintf("%s:%d", k.file, k.line)
		}
	}
	return as, where
}

// typesOf are the kinds of keys that are known of a name: with those of
// certificates where an authority signs for it.
func typesOf(lines []knownLine, name string) []string {
	var out []string
	for i := range lines {
		switch k := &lines[i]; {
		case k.marker == "@revoked" || !k.meant(name):
		case k.marker == "@cert-authority":
			out = append(out, ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSAv01)
		default:
			out = append(out, k.key.Type())
		}
	}
	return out
}

// errNoAuthority says that no line names the certificate's authority: its key
// is looked at without the certificate then.
var errNoAuthority = errors.New("no authority of the certificate is known")

// checkCertificate checks a host's certificate; principal is its name without
// the port.
func checkCertificate(lines []knownLine, name, principal string, cert *ssh.Certificate) error {
	signer := cert.SignatureKey.Marshal()
	known := false
	for i := range lines {
		k := &lines[i]
		if !bytes.Equal(k.key.Marshal(), signer) || !k.meant(name) {
			continue
		}
		if k.marker == "@revoked" {
			return errors.New("the authority that signed the host's certificate is revoked")
		}
		known = known || k.marker == "@cert-authority"
	}
	if !known {
		return errNoAuthority
	}
	if cert.CertType != ssh.HostCert {
		return errors.New("the host's certificate is none of a host")
	}
	checker := &ssh.CertChecker{}
	return checker.CheckCert(principal, cert)
}
