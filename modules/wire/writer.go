package wire

// This file writes frames: many senders, one goroutine that writes.

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// queueLength is how many frames wait for the writer before Send blocks.
const queueLength = 32

// BufferSize is what a reader or writer of frames buffers. Every agent of a
// run has them on both sides for the whole run; larger frames go past them.
const BufferSize = 4 << 10

// A Writer writes frames. Its methods are safe for concurrent use; one
// goroutine of its own does the writing, and sends what has gathered in one go.
type Writer struct {
	queue chan outgoing
	done  chan struct{} // closed when the goroutine has ended

	mu     sync.RWMutex // held for reading by senders: Close waits for them
	closed bool

	errMu sync.Mutex
	err   error // why writing ended
	fail  chan struct{}
}

type outgoing struct {
	header [headerSize]byte
	data   []byte
	buf    *[]byte // holds a whole frame, header and data; to the pool after it is written
}

// NewWriter starts the goroutine that writes to w. Close ends it.
func NewWriter(w io.Writer) *Writer {
	wr := &Writer{queue: make(chan outgoing, queueLength), done: make(chan struct{}), fail: make(chan struct{})}
	go wr.loop(w)
	return wr
}

func (w *Writer) loop(out io.Writer) {
	defer close(w.done)
	b := bufio.NewWriterSize(out, BufferSize)
	for o := range w.queue {
		err := o.write(b)
		if err == nil && len(w.queue) == 0 {
			err = b.Flush()
		}
		if err != nil {
			w.setErr(err)
			return
		}
	}
	if err := b.Flush(); err != nil {
		w.setErr(err)
	}
}

func (o *outgoing) write(b *bufio.Writer) error {
	if o.buf == nil {
		if _, err := b.Write(o.header[:]); err != nil {
			return err
		}
		_, err := b.Write(o.data)
		return err
	}
	defer pool.Put(o.buf)
	frame := (*o.buf)[:headerSize+len(o.data)]
	copy(frame, o.header[:])
	// In one piece, past the buffer.
	if err := b.Flush(); err != nil {
		return err
	}
	_, err := b.Write(frame)
	return err
}

func (w *Writer) setErr(err error) {
	w.errMu.Lock()
	w.err = err
	w.errMu.Unlock()
	close(w.fail)
}

// Err is why writing ended, nil while it goes on.
func (w *Writer) Err() error {
	w.errMu.Lock()
	defer w.errMu.Unlock()
	return w.err
}

// Send queues a message, in several frames where it is long. data must not be
// changed afterwards. An error means that the stream broke, here or before.
func (w *Writer) Send(t Type, id uint32, data []byte) error {
	if len(data) > MaxMessage {
		return &ProtocolError{fmt.Sprintf("message of %d bytes, at most %d are allowed", len(data), MaxMessage)}
	}
	for len(data) > MaxPayload {
		if err := w.queueFrame(t, flagMore, id, data[:MaxPayload], nil); err != nil {
			return err
		}
		data = data[MaxPayload:]
	}
	return w.queueFrame(t, 0, id, data, nil)
}

// SendJSON queues v as JSON.
func (w *Writer) SendJSON(t Type, id uint32, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.Send(t, id, data)
}

// SendFrom reads r to its end and sends it as Chunks.
func (w *Writer) SendFrom(id uint32, r io.Reader) error {
	for {
		buf := pool.Get().(*[]byte)
		n, err := io.ReadFull(r, (*buf)[headerSize:])
		if n > 0 {
			if err := w.queueFrame(Chunk, 0, id, (*buf)[headerSize:headerSize+n], buf); err != nil {
				return err
			}
		} else {
			pool.Put(buf)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (w *Writer) queueFrame(t Type, flags byte, id uint32, data []byte, buf *[]byte) error {
	o := outgoing{data: data, buf: buf}
	binary.BigEndian.PutUint32(o.header[:], uint32(len(data)))
	o.header[4], o.header[5] = byte(t), flags
	binary.BigEndian.PutUint32(o.header[6:], id)
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return io.ErrClosedPipe
	}
	select {
	case w.queue <- o:
		return nil
	case <-w.fail:
		return w.Err()
	}
}

// Close writes what is queued and ends the goroutine.
func (w *Writer) Close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
	return w.Err()
}
