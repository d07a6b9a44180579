package transport

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"gorun/modules/wire"
)

// A liar is an agent that answers the first request with bytes of the test's
// choice.
type liar struct {
	in   *io.PipeReader
	out  *io.PipeWriter
	stop chan struct{}
	side struct {
		in  *io.PipeWriter
		out *io.PipeReader
	}
}

func newLiar(answer func(id uint32) []byte) *liar {
	l := &liar{stop: make(chan struct{})}
	l.in, l.side.in = io.Pipe()
	l.side.out, l.out = io.Pipe()
	go func() {
		defer close(l.stop)
		defer l.out.Close()
		l.out.Write(frameBytes(wire.Hello, 0, 0, `{"version":1,"user":"x"}`))
		r := wire.NewReader(bufio.NewReader(l.in))
		for {
			f, err := r.Next()
			if err != nil {
				return
			}
			if f.Type == wire.Run || f.Type == wire.Get {
				if _, err := l.out.Write(answer(f.ID)); err != nil {
					return
				}
			}
			f.Release()
		}
	}()
	return l
}

func (l *liar) Stdin() io.WriteCloser { return l.side.in }
func (l *liar) Stdout() io.Reader     { return l.side.out }
func (l *liar) Stderr() io.Reader     { return strings.NewReader("") }
func (l *liar) Wait() (int, error)    { <-l.stop; return 0, nil }
func (l *liar) Kill() error           { return errors.Join(l.side.in.Close(), l.side.out.Close()) }

func frameBytes(t wire.Type, flags byte, id uint32, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	b = append(b, byte(t), flags)
	return append(binary.BigEndian.AppendUint32(b, id), payload...)
}

// TestHostileAgent checks that whatever an agent answers is an error of the
// request, or is passed over, and ends in time.
func TestHostileAgent(t *testing.T) {
	join := func(parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	for name, answer := range map[string]func(id uint32) []byte{
		"a size that is too large": func(id uint32) []byte {
			return join([]byte{0xff, 0xff, 0xff, 0xff, byte(wire.Result), 0}, binary.BigEndian.AppendUint32(nil, id))
		},
		"a result that is no JSON":         func(id uint32) []byte { return frameBytes(wire.Result, 0, id, "{") },
		"a result that is nested too deep": func(id uint32) []byte { return frameBytes(wire.Result, 0, id, strings.Repeat("[", 200000)) },
		"a chunk in place of a result, or the other way": func(id uint32) []byte {
			return join(frameBytes(wire.Chunk, 0, id, "x"), frameBytes(wire.Result, 0, id, "{}"))
		},
		"flags that are not known": func(id uint32) []byte { return frameBytes(wire.Result, 0x80, id, "{}") },
		"a type that is not known": func(id uint32) []byte { return frameBytes(99, 0, id, "{}") },
		"an error without one":     func(id uint32) []byte { return frameBytes(wire.Error, 0, id, "{") },
		"ids that nobody asked for, then text": func(id uint32) []byte {
			var b []byte
			for i := range uint32(3000) {
				b = append(b, frameBytes(wire.Result, 0, id+1+i, "{}")...)
			}
			return append(b, "Connection closed by foreign host, or so they say\n"...)
		},
		"messages without an end": func(id uint32) []byte {
			var b []byte
			for i := range uint32(2000) {
				b = append(b, frameBytes(wire.Result, 1, id+1+i, "x")...)
			}
			return b
		},
		"several answers at once": func(id uint32) []byte {
			return join(frameBytes(wire.Error, 0, id, `{"kind":"failed","msg":"no"}`), frameBytes(wire.Result, 0, id, "{}"), frameBytes(wire.Chunk, 0, id, "x"))
		},
		"an end of a file of another size": func(id uint32) []byte {
			return join(frameBytes(wire.Chunk, 0, id, "abc"), frameBytes(wire.End, 0, id, `{"size":-1,"sha256":"00"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, get := range []bool{false, true} {
				l := newLiar(answer)
				s := &session{proc: l, out: bufio.NewReader(l.Stdout()), drained: make(chan struct{})}
				close(s.drained)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				c, err := newClient(ctx, s, "")
				if err != nil {
					t.Fatal(err)
				}
				if get {
					_, err = c.get(ctx, "/file", io.Discard)
				} else {
					_, err = c.run(ctx, &wire.RunMessage{Module: "m"}, &ModuleRequest{})
				}
				if err == nil || ctx.Err() != nil {
					t.Errorf("get %v: %v", get, err)
				}
				c.fail(io.EOF)
				cancel()
			}
		})
	}
}
