package modules

// This file digests files.

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// SHA1File returns the hex SHA-1 of a file (Ansible's checksum), "" where there is none.
func SHA1File(path string) (string, error) { return digestFile(path, sha1.New()) }

// SHA256File returns the hex SHA-256 of a file, "" where there is none.
func SHA256File(path string) (string, error) { return digestFile(path, sha256.New()) }

// Digests are the algorithms that modules offer, by Ansible's names.
var Digests = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// HexDigest returns a file's digest by one of [Digests]; that there is no file
// is an error.
func HexDigest(path, algorithm string) (string, error) {
	newHash, ok := Digests[algorithm]
	if !ok {
		return "", fmt.Errorf("could not hash file '%s' with algorithm '%s'", path, algorithm)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digest(f, newHash())
}

func digest(r io.Reader, h hash.Hash) (string, error) {
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func digestFile(path string, h hash.Hash) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digest(f, h)
}
