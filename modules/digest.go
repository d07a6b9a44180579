package modules

// This file digests files.

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
)

// SHA1File returns the hex SHA-1 of a file (Ansible's checksum), "" where there is none.
func SHA1File(path string) (string, error) { return digestFile(path, sha1.New()) }

// SHA256File returns the hex SHA-256 of a file, "" where there is none.
func SHA256File(path string) (string, error) { return digestFile(path, sha256.New()) }

func digestFile(path string, h hash.Hash) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
