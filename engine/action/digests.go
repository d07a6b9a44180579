package action

// This file knows the digests of the controller's files: for one that goes to
// many hosts they are made once.

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// The digests that copy and the wire ask for.
var (
	hashSHA1   = namedHash{"sha1", sha1.New}
	hashMD5    = namedHash{"md5", md5.New}
	hashSHA256 = namedHash{"sha256", sha256.New}
)

type namedHash struct {
	name string
	make func() hash.Hash
}

// A digest is one that was made or is being made.
type digest struct {
	file fs.FileInfo // nil for a text
	done chan struct{}
	sum  string // hex
	err  error
}

// A content is what goes to a host: a file of the controller, or a text. It is
// for one goroutine.
type content struct {
	io.Reader
	size  int64
	begin func(namedHash) *digest
	begun map[string]*digest
}

func textContent(data []byte) *content {
	return &content{bytes.NewReader(data), int64(len(data)), func(h namedHash) *digest {
		d := &digest{done: make(chan struct{})}
		d.read(bytes.NewReader(data), h)
		close(d.done)
		return d
	}, map[string]*digest{}}
}

// fileContent is the file f, which was opened by path and is st.
func (t *Task) fileContent(f *os.File, path string, st fs.FileInfo) *content {
	return &content{f, st.Size(), func(h namedHash) *digest { return t.Services.digests.of(path, st, h) }, map[string]*digest{}}
}

// digest has a digest made, once.
func (c *content) digest(h namedHash) *digest {
	d := c.begun[h.name]
	if d == nil {
		d = c.begin(h)
		c.begun[h.name] = d
	}
	return d
}

// sum waits for a digest.
func (c *content) sum(ctx context.Context, h namedHash) (string, error) {
	d := c.digest(h)
	select {
	case <-d.done:
		return d.sum, d.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// settled is how long before it is looked at a file must have been changed last
// for its digests to be kept: a later change shows in its time then, however
// coarse the file system's clock is.
const settled = 100 * time.Millisecond

// maxDigests is how many digests are kept at most.
const maxDigests = 4096

// digests keeps those of files. The zero value is ready to use, by many goroutines.
type digests struct {
	mu    sync.Mutex
	known map[digestKey]*digest
}

// A digestKey is a file as it was when it was looked at, and what is asked.
type digestKey struct {
	path, hash string
	size       int64
	changed    time.Time
}

func (c *digests) of(path string, st fs.FileInfo, h namedHash) *digest {
	key := digestKey{path, h.name, st.Size(), st.ModTime()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.known[key]; d != nil && os.SameFile(d.file, st) {
		return d
	}
	d := &digest{file: st, done: make(chan struct{})}
	keep := time.Since(st.ModTime()) > settled
	if keep {
		if c.known == nil || len(c.known) >= maxDigests {
			c.known = map[digestKey]*digest{}
		}
		c.known[key] = d
	}
	go func() {
		d.readFile(path, h)
		if d.err != nil && keep {
			c.mu.Lock()
			delete(c.known, key)
			c.mu.Unlock()
		}
	}()
	return d
}

func (d *digest) readFile(path string, h namedHash) {
	defer close(d.done)
	f, err := os.Open(path)
	if err != nil {
		d.err = err
		return
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		d.err = err
	case !os.SameFile(st, d.file) || st.Size() != d.file.Size() || !st.ModTime().Equal(d.file.ModTime()):
		d.err = errors.New(path + " has changed while it was copied")
	default:
		d.read(f, h)
	}
}

func (d *digest) read(r io.Reader, h namedHash) {
	sum := h.make()
	_, d.err = io.Copy(sum, r)
	d.sum = hex.EncodeToString(sum.Sum(nil))
}
