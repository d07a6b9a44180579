// Package agent is the target's side of gorun: it serves modules and files
// over a pair of streams (modules/wire), and runs jobs that outlive them.
package agent

// This file reads requests and hands them to goroutines.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"runtime"
	"sync"
	"time"

	"gorun/modules"
	"gorun/modules/wire"
)

// stopTime is for how long Serve waits for modules to end after it has
// cancelled them.
const stopTime = 5 * time.Second

// chunkQueue is how many chunks of one file wait for the disk before the
// reader of frames does.
const chunkQueue = 8

// A Lookup finds a module by its full name, nil where there is none.
type Lookup func(name string) *modules.Module

// A server is one agent's state.
type server struct {
	lookup Lookup
	out    *wire.Writer

	mu        sync.Mutex
	requests  map[uint32]*request
	cancelled map[uint32]bool // by the controller, while they ran
	running   sync.WaitGroup
	remoteTmp string
	tmp       string   // the folder of PutMessage.Name, "" until it is made
	beside    []string // files by PutMessage.Beside, most of them renamed since
}

// A request is one that is being answered.
type request struct {
	done   chan struct{} // closed when it has ended
	cancel context.CancelFunc
	ctx    context.Context
	chunks chan wire.Frame // of a Put: Chunks and End
}

// Serve answers what comes from r on w until r ends, ctx ends, or the other
// side does not speak the protocol. Then all requests are cancelled and the
// temporary folder is removed. The error is nil at r's end.
func Serve(ctx context.Context, r io.Reader, w io.Writer, lookup Lookup) error {
	s := &server{lookup: lookup, out: wire.NewWriter(w), requests: make(map[uint32]*request), cancelled: make(map[uint32]bool)}
	ctx, cancel := context.WithCancel(ctx)
	defer s.stop(cancel)
	if err := s.out.SendJSON(wire.Hello, 0, hello()); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.read(ctx, r) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func hello() wire.HelloMessage {
	h := wire.HelloMessage{
		Version: wire.Version, OS: runtime.GOOS, Arch: runtime.GOARCH, PID: os.Getpid(), UID: os.Geteuid(), Home: os.Getenv("HOME"),
	}
	if file, err := os.Executable(); err == nil {
		h.File = file
	}
	if u, err := user.Current(); err == nil {
		h.User = u.Username
		if h.Home == "" {
			h.Home = u.HomeDir
		}
	}
	return h
}

// stop ends all requests and removes what is temporary.
func (s *server) stop(cancel context.CancelFunc) {
	cancel()
	idle := make(chan struct{})
	go func() {
		s.running.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(stopTime):
	}
	s.mu.Lock()
	if s.tmp != "" {
		os.RemoveAll(s.tmp)
	}
	for _, path := range s.beside {
		os.Remove(path) // fails where it was renamed, as it should
	}
	s.mu.Unlock()
	closed := make(chan struct{})
	go func() {
		s.out.Close() // the controller that went away is no news
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}

// read reads frames until the stream ends.
func (s *server) read(ctx context.Context, r io.Reader) error {
	in := wire.NewReader(bufio.NewReaderSize(r, wire.BufferSize))
	greeted := false
	for {
		f, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !greeted {
			if err := s.greet(&f); err != nil {
				return err
			}
			greeted = true
			continue
		}
		s.dispatch(ctx, f)
	}
}

// greet checks the first frame.
func (s *server) greet(f *wire.Frame) error {
	defer f.Release()
	var h wire.HelloMessage
	if f.Type != wire.Hello || json.Unmarshal(f.Payload, &h) != nil {
		return &wire.ProtocolError{Msg: "the first frame is no hello"}
	}
	if h.Version != wire.Version {
		err := fmt.Errorf("protocol version %d is wanted, this agent speaks %d", h.Version, wire.Version)
		s.fail(0, err)
		return err
	}
	s.remoteTmp = h.RemoteTmp
	return nil
}

func (s *server) dispatch(ctx context.Context, f wire.Frame) {
	switch f.Type {
	case wire.Run:
		s.start(ctx, f, false, s.run)
	case wire.Get:
		s.start(ctx, f, false, s.get)
	case wire.Stat:
		s.start(ctx, f, false, s.stat)
	case wire.Put:
		s.start(ctx, f, true, s.put)
	case wire.Chunk, wire.End:
		s.route(f)
	case wire.Cancel:
		s.mu.Lock()
		if r := s.requests[f.ID]; r != nil {
			s.cancelled[f.ID] = true
			r.cancel()
		}
		s.mu.Unlock()
		f.Release()
	default:
		s.out.SendJSON(wire.Unsupported, f.ID, map[string]int{"type": int(f.Type)})
		f.Release()
	}
}

// start runs handle in a goroutine as the request f.ID.
func (s *server) start(ctx context.Context, f wire.Frame, takesChunks bool, handle func(ctx context.Context, r *request, f wire.Frame) error) {
	r := &request{done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(ctx)
	if takesChunks {
		r.chunks = make(chan wire.Frame, chunkQueue)
	}
	s.mu.Lock()
	_, taken := s.requests[f.ID]
	if !taken {
		s.requests[f.ID] = r
	}
	s.mu.Unlock()
	if taken {
		r.cancel()
		s.fail(f.ID, fmt.Errorf("request %d is still running", f.ID))
		f.Release()
		return
	}
	s.running.Go(func() {
		defer r.cancel()
		err := handle(r.ctx, r, f)
		s.mu.Lock()
		delete(s.requests, f.ID)
		s.mu.Unlock()
		close(r.done)
		if err != nil {
			s.fail(f.ID, err)
		}
	})
}

// await has request id wait for the end of an earlier one. Where the
// controller has cancelled that it is an error: what was to follow is not
// wanted either, nor what follows in turn.
func (s *server) await(ctx context.Context, id, earlier uint32) error {
	s.mu.Lock()
	before := s.requests[earlier] // none: it has ended
	s.mu.Unlock()
	if before != nil {
		select {
		case <-before.done:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cancelled[earlier] && ctx.Err() == nil {
		return nil
	}
	s.cancelled[id] = true
	return context.Canceled
}

// route gives a Chunk or End to its Put. What belongs to none is dropped: the
// Put may have failed already.
func (s *server) route(f wire.Frame) {
	s.mu.Lock()
	r := s.requests[f.ID]
	s.mu.Unlock()
	if r == nil || r.chunks == nil {
		f.Release()
		return
	}
	select {
	case r.chunks <- f:
	case <-r.ctx.Done():
		f.Release()
	}
}

// fail answers a request with an error.
func (s *server) fail(id uint32, err error) {
	var e *wire.ErrorMessage
	if !errors.As(err, &e) {
		e = &wire.ErrorMessage{Kind: wire.KindFailed, Msg: err.Error()}
		switch {
		case errors.Is(err, os.ErrNotExist):
			e.Kind = wire.KindNotFound
		case errors.Is(err, context.Canceled):
			e.Kind = wire.KindCancelled
		}
	}
	s.out.SendJSON(wire.Error, id, e)
}

// tmpDir is the folder for files by name; it lives as long as the agent.
func (s *server) tmpDir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tmp != "" {
		return s.tmp, nil
	}
	m := modules.Run{RemoteTmp: s.remoteTmp}
	dir, err := m.TmpDir()
	s.tmp = dir
	return dir, err
}
