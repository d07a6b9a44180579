package agent

// This file sends and takes files.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"gorun/modules/oserr"
	"gorun/modules/wire"
)

// put takes a file: into the temporary folder or to a path, whole or not at all.
func (s *server) put(ctx context.Context, r *request, f wire.Frame) error {
	var msg wire.PutMessage
	err := json.Unmarshal(f.Payload, &msg)
	f.Release()
	if err != nil {
		return fmt.Errorf("the put request is no valid JSON: %w", err)
	}
	if msg.Beside != "" {
		if tmp := CreateBeside(msg.Beside); tmp != nil {
			return s.putBeside(ctx, r, f.ID, &msg, tmp)
		}
	}
	path, err := s.putPath(&msg)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".gorun-put-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	err = r.receive(ctx, tmp, msg.Size)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	mode := os.FileMode(msg.Mode).Perm()
	if mode == 0 {
		mode = 0o600
	}
	if err := os.Chmod(tmp.Name(), mode); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return s.out.SendJSON(wire.Result, f.ID, wire.PutResult{Path: path})
}

// putBeside takes a file that a module will rename. Where none does before the
// agent ends, it is removed.
func (s *server) putBeside(ctx context.Context, r *request, id uint32, msg *wire.PutMessage, tmp *os.File) error {
	s.mu.Lock()
	s.beside = append(s.beside, tmp.Name())
	s.mu.Unlock()
	err := r.receive(ctx, tmp, msg.Size)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(tmp.Name())
		return err
	}
	return s.out.SendJSON(wire.Result, id, wire.PutResult{Path: tmp.Name(), Beside: true})
}

// CreateBeside makes a file in the folder of path, for its new content: mode
// 0600, and a name that ends as path's does. It is nil where that cannot be, or
// where others could put something else in its place before it is renamed.
func CreateBeside(path string) *os.File {
	dir := filepath.Dir(path)
	st, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || sys.Uid != 0 && int(sys.Uid) != os.Geteuid() || st.Mode()&0o022 != 0 && st.Mode()&os.ModeSticky == 0 {
		return nil
	}
	f, err := os.CreateTemp(dir, ".ansible_tmp*"+filepath.Ext(path))
	if err != nil {
		return nil
	}
	return f
}

// putPath is where a Put goes.
func (s *server) putPath(msg *wire.PutMessage) (string, error) {
	if msg.Path != "" {
		return msg.Path, nil
	}
	name := filepath.Base(msg.Name)
	if name != msg.Name || name == "." || name == ".." {
		return "", fmt.Errorf("%q is no name for a temporary file", msg.Name)
	}
	dir, err := s.tmpDir()
	if err != nil {
		return "", err
	}
	// Each in a folder of its own: two files may have one name.
	own, err := os.MkdirTemp(dir, "f")
	if err != nil {
		return "", err
	}
	return filepath.Join(own, name), nil
}

// receive writes chunks to w until End, and checks size and digest.
func (r *request) receive(ctx context.Context, w io.Writer, size int64) error {
	h := sha256.New()
	out := io.MultiWriter(w, h)
	var got int64
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-r.chunks:
			if f.Type == wire.Chunk {
				n, err := out.Write(f.Payload)
				f.Release()
				if got += int64(n); err != nil {
					return fmt.Errorf("could not write what was sent: %s", oserr.Text(err))
				}
				if got > size {
					return fmt.Errorf("more bytes came than the %d that were announced", size)
				}
				continue
			}
			var end wire.EndMessage
			err := json.Unmarshal(f.Payload, &end)
			f.Release()
			if err != nil {
				return err
			}
			return end.Check(got, h.Sum(nil))
		}
	}
}

// get sends a file.
func (s *server) get(ctx context.Context, _ *request, f wire.Frame) error {
	var msg wire.GetMessage
	err := json.Unmarshal(f.Payload, &msg)
	f.Release()
	if err != nil {
		return fmt.Errorf("the get request is no valid JSON: %w", err)
	}
	file, err := os.Open(msg.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || st.IsDir() {
		return errors.Join(err, &wire.ErrorMessage{Kind: wire.KindFailed, Msg: fmt.Sprintf("%s is a directory", msg.Path)})
	}
	h := sha256.New()
	count := &counter{r: contextReader{ctx, io.TeeReader(file, h)}}
	if err := s.out.SendFrom(f.ID, count); err != nil {
		return err
	}
	return s.out.SendJSON(wire.End, f.ID, wire.EndMessage{Size: count.n, SHA256: hex.EncodeToString(h.Sum(nil))})
}

// A contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// stat tells of a file.
func (s *server) stat(_ context.Context, _ *request, f wire.Frame) error {
	var msg wire.GetMessage
	err := json.Unmarshal(f.Payload, &msg)
	f.Release()
	if err != nil {
		return fmt.Errorf("the stat request is no valid JSON: %w", err)
	}
	st, err := os.Stat(msg.Path)
	if errors.Is(err, os.ErrNotExist) {
		return s.out.SendJSON(wire.Result, f.ID, wire.StatMessage{})
	}
	if err != nil {
		return err
	}
	return s.out.SendJSON(wire.Result, f.ID, wire.StatMessage{
		Exists: true, Dir: st.IsDir(), Size: st.Size(), Mode: uint32(st.Mode().Perm()),
	})
}
