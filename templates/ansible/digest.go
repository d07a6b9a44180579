package ansible

// This file holds the filters of digests and passwords.

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"gorun/templates"
)

var digestFilters = table{
	"hash": filterHash, "md5": digestFilter("md5"), "sha1": digestFilter("sha1"), "checksum": digestFilter("sha1"),
	"password_hash": filterPasswordHash, "to_uuid": filterToUUID,
}

// digests are the algorithms of Python's hashlib.
var digests = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	"sha512_224": sha512.New512_224, "sha512_256": sha512.New512_256,
	"sha3_224": func() hash.Hash { return sha3.New224() }, "sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() }, "sha3_512": func() hash.Hash { return sha3.New512() },
	"blake2b": func() hash.Hash { h, _ := blake2b.New512(nil); return h }, // fails only for long keys
	"blake2s": func() hash.Hash { h, _ := blake2s.New256(nil); return h },
}

// digestOf is the digest of bytes in hexadecimal.
func digestOf(kind string, b []byte) (string, bool) {
	make, ok := digests[kind]
	if !ok {
		return "", false
	}
	h := make()
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)), true
}

// bytesOf are the bytes of a text or of bytes.
func bytesOf(v value) []byte {
	if b, ok := v.(templates.Bytes); ok {
		return b
	}
	return []byte(text(v))
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/hash_filter.html
func filterHash(c *call) (value, error) {
	var v value
	kind := "sha1"
	if err := c.Unpack("get_hash", "data", &v, "hashtype?", &kind); err != nil {
		return nil, err
	}
	s, ok := digestOf(strings.ReplaceAll(strings.ToLower(kind), "-", "_"), bytesOf(v))
	if !ok {
		return nil, fail("unsupported hash type %s", kind)
	}
	return str(s), nil
}

// digestFilter makes a filter of one algorithm
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/checksum_filter.html,
// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/md5_filter.html,
// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/sha1_filter.html).
func digestFilter(kind string) templates.Func {
	return func(c *call) (value, error) {
		var v value
		if err := c.Unpack("secure_hash_s", "data", &v); err != nil {
			return nil, err
		}
		s, _ := digestOf(kind, bytesOf(v)) // kind is one of the table
		return str(s), nil
	}
}

// ansibleNamespace is the namespace of to_uuid.
const ansibleNamespace = "361e6d51-faec-444a-9079-341386da8e2e"

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/to_uuid_filter.html
func filterToUUID(c *call) (value, error) {
	var v value
	namespace := ansibleNamespace
	if err := c.Unpack("to_uuid", "string", &v, "namespace?", &namespace); err != nil {
		return nil, err
	}
	clean := strings.ReplaceAll(strings.Trim(strings.ReplaceAll(namespace, "urn:uuid:", ""), "{}"), "-", "")
	ns, err := hex.DecodeString(clean)
	if err != nil || len(ns) != 16 {
		return nil, fail("Invalid value '%s' for 'namespace': badly formed hexadecimal UUID string", namespace)
	}
	sum := sha1.Sum(append(ns, text(v)...))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	h := hex.EncodeToString(u)
	return str(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]), nil
}
