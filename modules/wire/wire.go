// Package wire is the protocol between gorun and its agent: frames with ids
// over a pair of byte streams. docs/wire.md describes it for people. The
// package imports nothing of gorun, so that both sides can hold it.
package wire

// This file defines frames and reads them.

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// Version is the protocol's version; the first frame in either direction, Hello, tells it.
const Version = 1

// Limits of what is accepted from the other side, in bytes.
const (
	// MaxPayload is the largest payload of one frame.
	MaxPayload = 256 << 10
	// MaxMessage is the largest message put together from frames with More.
	MaxMessage = 64 << 20
	// MaxPartial is how much of unfinished messages is held at one time.
	MaxPartial = 128 << 20
	// MaxPartials is how many unfinished messages are held at one time.
	MaxPartials = 1024
	// ChunkSize is the payload of a Chunk that this implementation sends: with
	// its header it fills two packets of SSH.
	ChunkSize = 64<<10 - headerSize
)

// A Type says what a frame is.
type Type uint8

// The types. Numbers never change their meaning.
const (
	Hello       Type = 1  // both ways, first: HelloMessage
	Run         Type = 2  // to the agent: RunMessage
	Result      Type = 3  // from the agent: the module's result or what a request asks for, JSON
	Cancel      Type = 4  // to the agent: end the request with this id; no payload
	Line        Type = 5  // from the agent: a line of output of a run; raw text
	Put         Type = 6  // to the agent: PutMessage; Chunks and End follow
	Chunk       Type = 7  // both ways: bytes of a file
	End         Type = 8  // both ways: EndMessage, behind the last Chunk
	Get         Type = 9  // to the agent: GetMessage; Chunks and End come back
	Stat        Type = 10 // to the agent: GetMessage; a Result with StatMessage comes back
	Unsupported Type = 11 // both ways: the type of the frame with this id is not known
	Error       Type = 12 // from the agent: the request failed: ErrorMessage
)

var typeNames = map[Type]string{
	Hello: "hello", Run: "run", Result: "result", Cancel: "cancel", Line: "line", Put: "put", Chunk: "chunk",
	End: "end", Get: "get", Stat: "stat", Unsupported: "unsupported", Error: "error",
}

func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// headerSize is that of: payload size (4 bytes, big-endian), type (1), flags (1), id (4, big-endian).
const headerSize = 10

// flagMore marks a frame whose payload goes on in the next frame of the same id and type.
const flagMore = 1

// A Frame is a whole message: type, the request it belongs to, and its payload.
type Frame struct {
	Type    Type
	ID      uint32
	Payload []byte

	buf *[]byte // the pooled buffer under Payload, nil where it has none
}

// Release gives the payload's buffer back; Payload must not be used after it.
func (f *Frame) Release() {
	if f.buf != nil {
		pool.Put(f.buf)
		f.buf, f.Payload = nil, nil
	}
}

// pool holds buffers for frames with payloads up to ChunkSize.
var pool = sync.Pool{New: func() any { b := make([]byte, headerSize+ChunkSize); return &b }}

// A ProtocolError says that the other side does not speak this protocol.
type ProtocolError struct{ Msg string }

func (e *ProtocolError) Error() string { return "wire: " + e.Msg }

// A Reader reads frames. It is for one goroutine.
type Reader struct {
	r       io.Reader
	header  [headerSize]byte
	partial map[uint32]*partial
	held    int // bytes in partial
}

type partial struct {
	typ  Type
	data []byte
}

// NewReader returns a Reader of r, which should be buffered.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Next returns the next whole message. At the end of the stream between
// frames the error is io.EOF.
func (r *Reader) Next() (Frame, error) {
	for {
		f, more, err := r.frame()
		if err != nil {
			return Frame{}, err
		}
		p := r.partial[f.ID]
		if p == nil && !more {
			return f, nil
		}
		done, err := r.join(&f, p, more)
		if err != nil || done {
			return f, err
		}
	}
}

// frame reads one frame.
func (r *Reader) frame() (f Frame, more bool, err error) {
	if _, err := io.ReadFull(r.r, r.header[:]); err != nil {
		return f, false, err
	}
	size := binary.BigEndian.Uint32(r.header[:])
	if size > MaxPayload {
		return f, false, &ProtocolError{fmt.Sprintf("frame of %d bytes, at most %d are allowed", size, MaxPayload)}
	}
	f.Type = Type(r.header[4])
	flags := r.header[5]
	if flags&^flagMore != 0 {
		return f, false, &ProtocolError{fmt.Sprintf("unknown flags %#x", flags)}
	}
	f.ID = binary.BigEndian.Uint32(r.header[6:])
	if size <= ChunkSize {
		f.buf = pool.Get().(*[]byte)
		f.Payload = (*f.buf)[:size]
	} else {
		f.Payload = make([]byte, size)
	}
	if _, err := io.ReadFull(r.r, f.Payload); err != nil {
		f.Release()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return f, false, err
	}
	return f, flags&flagMore != 0, nil
}

// join adds f to the unfinished message p of its id (nil: it begins one); where
// that is complete f becomes the whole and done is true.
func (r *Reader) join(f *Frame, p *partial, more bool) (done bool, err error) {
	if p == nil {
		if len(r.partial) == MaxPartials {
			return false, &ProtocolError{fmt.Sprintf("more than %d unfinished messages", MaxPartials)}
		}
		p = &partial{typ: f.Type}
		if r.partial == nil {
			r.partial = make(map[uint32]*partial)
		}
		r.partial[f.ID] = p
	}
	if p.typ != f.Type {
		return false, &ProtocolError{fmt.Sprintf("%s inside of an unfinished %s", f.Type, p.typ)}
	}
	if len(p.data)+len(f.Payload) > MaxMessage || r.held+len(f.Payload) > MaxPartial {
		return false, &ProtocolError{fmt.Sprintf("message of more than %d bytes", MaxMessage)}
	}
	if more && len(f.Payload) == 0 {
		return false, &ProtocolError{"an empty frame that goes on"}
	}
	p.data = append(p.data, f.Payload...)
	r.held += len(f.Payload)
	f.Release()
	if more {
		return false, nil
	}
	delete(r.partial, f.ID)
	r.held -= len(p.data)
	f.Payload = p.data
	return true, nil
}
