package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	pr, pw := io.Pipe()
	w := NewWriter(pw)
	big := bytes.Repeat([]byte("0123456789"), MaxPayload/4)
	sent := []Frame{
		{Type: Hello, Payload: []byte(`{"version":1}`)},
		{Type: Cancel, ID: 7},
		{Type: Result, ID: 1 << 31, Payload: big},
		{Type: Type(200), ID: 9, Payload: []byte("grease")},
		{Type: Chunk, ID: 3, Payload: bytes.Repeat([]byte{0}, MaxPayload)},
	}
	go func() {
		for _, f := range sent {
			if err := w.Send(f.Type, f.ID, f.Payload); err != nil {
				t.Error(err)
			}
		}
		w.Close()
		pw.Close()
	}()
	r := NewReader(pr)
	for i, want := range sent {
		got, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got.Type != want.Type || got.ID != want.ID || !bytes.Equal(got.Payload, want.Payload) {
			t.Errorf("frame %d: got %s %d (%d bytes)", i, got.Type, got.ID, len(got.Payload))
		}
		got.Release()
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("end: %v", err)
	}
}

// TestConcurrentSenders checks that long messages of several senders, whose
// frames mix, arrive whole.
func TestConcurrentSenders(t *testing.T) {
	pr, pw := io.Pipe()
	w := NewWriter(pw)
	const senders = 8
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for range 5 {
				if err := w.Send(Result, uint32(i), bytes.Repeat([]byte{byte(i)}, MaxPayload*2+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		wg.Wait()
		w.Close()
		pw.Close()
	}()
	r := NewReader(pr)
	count := 0
	for {
		f, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes.Repeat([]byte{byte(f.ID)}, MaxPayload*2+int(f.ID)); !bytes.Equal(f.Payload, want) {
			t.Errorf("message of %d is not whole: %d bytes", f.ID, len(f.Payload))
		}
		count++
	}
	if count != senders*5 {
		t.Errorf("%d messages", count)
	}
}

func TestSendAfterBreak(t *testing.T) {
	pr, pw := io.Pipe()
	w := NewWriter(pw)
	broken := errors.New("cable cut")
	pr.CloseWithError(broken)
	var err error
	for range queueLength * 3 { // the queue takes some before the break is known
		if err = w.Send(Cancel, 1, nil); err != nil {
			break
		}
	}
	if !errors.Is(err, broken) {
		t.Errorf("Send: %v", err)
	}
	if err := w.Close(); !errors.Is(err, broken) {
		t.Errorf("Close: %v", err)
	}
	if err := w.Send(Cancel, 1, nil); err == nil {
		t.Error("Send after Close: no error")
	}
}

// raw is a frame as bytes.
func raw(size uint32, typ Type, flags byte, id uint32, payload string) string {
	return string([]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size), byte(typ), flags,
		byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}) + payload
}

var badStreams = map[string]struct{ in, want string }{
	"cut header":    {"\x00\x00", "unexpected EOF"},
	"cut payload":   {raw(5, Run, 0, 1, "abc"), "unexpected EOF"},
	"no payload":    {raw(5, Run, 0, 1, ""), "unexpected EOF"},
	"too big":       {raw(MaxPayload+1, Run, 0, 1, ""), fmt.Sprintf("wire: frame of %d bytes, at most %d are allowed", MaxPayload+1, MaxPayload)},
	"text":          {"Last login: yesterday", "wire: frame of 1281454964 bytes, at most 262144 are allowed"},
	"flags":         {raw(0, Run, 6, 1, ""), "wire: unknown flags 0x6"},
	"mixed types":   {raw(1, Run, 1, 1, "a") + raw(1, Put, 0, 1, "b"), "wire: put inside of an unfinished run"},
	"empty goes on": {raw(0, Run, 1, 1, ""), "wire: an empty frame that goes on"},
}

func TestBadStreams(t *testing.T) {
	for name, c := range badStreams {
		_, err := NewReader(strings.NewReader(c.in)).Next()
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// endless gives a frame with More again and again.
type endless struct {
	frame string
	off   int
	read  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.frame[e.off:])
	e.off = (e.off + n) % len(e.frame)
	e.read += n
	return n, nil
}

func TestMessageLimit(t *testing.T) {
	in := &endless{frame: raw(MaxPayload, Result, 1, 1, strings.Repeat("x", MaxPayload))}
	_, err := NewReader(in).Next()
	var pe *ProtocolError
	if !errors.As(err, &pe) || in.read > MaxMessage+2*MaxPayload {
		t.Errorf("%v after %d bytes", err, in.read)
	}
}

func FuzzReader(f *testing.F) {
	for _, c := range badStreams {
		f.Add([]byte(c.in))
	}
	f.Add([]byte(raw(2, Hello, 0, 0, "{}") + raw(1, Run, 1, 1, "a") + raw(1, Run, 0, 1, "b")))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data))
		total := 0
		for {
			frame, err := r.Next()
			if err != nil {
				return
			}
			if total += len(frame.Payload); total > len(data) {
				t.Fatal("more payload than input")
			}
			frame.Release()
		}
	})
}

func BenchmarkFrames(b *testing.B) {
	pr, pw := io.Pipe()
	w := NewWriter(pw)
	payload := bytes.Repeat([]byte("x"), 400)
	go func() {
		for range b.N {
			_ = w.Send(Run, 1, payload)
		}
		w.Close()
		pw.Close()
	}()
	b.ReportAllocs()
	r := NewReader(pr)
	for {
		f, err := r.Next()
		if err != nil {
			return
		}
		f.Release()
	}
}
