// Package agentbin holds the agent's binaries for the platforms of targets.
// "make agents" puts them in bin; without it there are none, and the running
// program serves as the agent where a target has its platform.
package agentbin

// This file finds binaries by platform.

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
)

//go:embed all:bin
var files embed.FS

// A Binary is an agent for one platform.
type Binary struct {
	OS, Arch string // as GOOS and GOARCH
	SHA256   string // hex, of the executable
	gzip     func() ([]byte, error)
	xz       func() ([]byte, error) // nil where it is not packed so
}

// New returns the agent of a platform with the hex SHA-256 of its executable,
// which gzip and xz give packed; xz may be nil.
func New(os, arch, sha256 string, gzip, xz func() ([]byte, error)) *Binary {
	return &Binary{OS: os, Arch: arch, SHA256: sha256, gzip: gzip, xz: xz}
}

// Gzip returns the executable packed by gzip.
func (b *Binary) Gzip() ([]byte, error) { return b.gzip() }

// Xz returns the executable packed by xz, a third smaller; nil where gorun was
// built without xz.
func (b *Binary) Xz() ([]byte, error) {
	if b.xz == nil {
		return nil, nil
	}
	return b.xz()
}

// All returns the binaries, at most one a platform, ordered by platform: those that are
// embedded, and this program for its own platform where there is none.
// GORUN_AGENT=self prefers this program.
var All = sync.OnceValues(func() ([]*Binary, error) {
	list, err := embedded()
	if err != nil {
		return nil, err
	}
	own := slices.IndexFunc(list, func(b *Binary) bool { return b.OS == runtime.GOOS && b.Arch == runtime.GOARCH })
	if own >= 0 && os.Getenv("GORUN_AGENT") != "self" {
		return list, nil
	}
	if own >= 0 {
		list = slices.Delete(list, own, own+1)
	}
	self, err := running()
	if err != nil {
		return nil, err
	}
	return append(list, self), nil
})

// embedded lists bin: files named agent_OS_ARCH_SHA256.xz, or .gz where they
// were packed on a machine without xz.
func embedded() ([]*Binary, error) {
	entries, err := fs.ReadDir(files, "bin")
	if err != nil {
		return nil, err
	}
	var list []*Binary
	for _, e := range entries {
		name, form, _ := strings.Cut(e.Name(), ".")
		parts := strings.Split(name, "_")
		if len(parts) != 4 || parts[0] != "agent" || len(parts[3]) != 2*sha256.Size {
			continue
		}
		b := &Binary{OS: parts[1], Arch: parts[2], SHA256: parts[3]}
		read := func() ([]byte, error) { return files.ReadFile("bin/" + e.Name()) }
		switch form {
		case "gz":
			b.gzip = read
		case "xz":
			b.xz = read
			b.gzip = sync.OnceValues(func() ([]byte, error) { return b.repack(read) })
		default:
			continue
		}
		list = append(list, b)
	}
	return list, nil
}

// repack makes of the xz file one of gzip, for hosts that have no xz.
func (b *Binary) repack(read func() ([]byte, error)) ([]byte, error) {
	packed, err := read()
	if err != nil {
		return nil, err
	}
	data, err := unxz(packed)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != b.SHA256 {
		return nil, fmt.Errorf("the agent for %s/%s in this program is broken", b.OS, b.Arch)
	}
	return compress(bytes.NewReader(data), gzip.DefaultCompression)
}

// running is this program as an agent.
func running() (*Binary, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("this program, which is to be sent as the agent, cannot be read: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return New(runtime.GOOS, runtime.GOARCH, hex.EncodeToString(h.Sum(nil)), sync.OnceValues(func() ([]byte, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		// It is sent once a host and version: fast before small.
		return compress(f, gzip.BestSpeed)
	}), nil), nil
}

// compress packs what r has by gzip.
func compress(r io.Reader, level int) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(z, r); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
