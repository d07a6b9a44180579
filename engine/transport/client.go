package transport

// This file is the controller's side of the wire: requests to one agent.

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"gorun/modules/wire"
)

// helloTime is for how long an agent that was started may be silent.
const helloTime = 30 * time.Second

// fileQueue is how many frames of one file wait for its taker.
const fileQueue = 16

// A client talks to one agent. Its methods are safe for concurrent use.
type client struct {
	session *session
	out     *wire.Writer
	hello   wire.HelloMessage
	next    atomic.Uint32

	mu    sync.Mutex
	calls map[uint32]*call
	err   error         // why the agent is gone
	gone  chan struct{} // closed then
}

// A call is a request that awaits answers.
type call struct {
	frames chan wire.Frame
	onLine func(string)
	given  chan struct{} // closed when the caller takes no more
}

// newClient greets the agent that s runs.
func newClient(ctx context.Context, s *session, remoteTmp string) (*client, error) {
	c := &client{session: s, calls: make(map[uint32]*call), gone: make(chan struct{})}
	in := wire.NewReader(s.out)
	greeting := make(chan error, 1)
	go func() { greeting <- c.greet(in) }()
	timer := time.NewTimer(helloTime)
	defer timer.Stop()
	select {
	case err := <-greeting:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, fmt.Errorf("no answer within %s", helloTime)
	}
	c.out = wire.NewWriter(s.proc.Stdin())
	if err := c.out.SendJSON(wire.Hello, 0, wire.HelloMessage{Version: wire.Version, RemoteTmp: remoteTmp}); err != nil {
		return nil, err
	}
	go c.read(in)
	return c, nil
}

func (c *client) greet(in *wire.Reader) error {
	f, err := in.Next()
	if err != nil {
		return err
	}
	defer f.Release()
	if f.Type != wire.Hello {
		return &wire.ProtocolError{Msg: "the agent's first frame is no hello"}
	}
	if err := json.Unmarshal(f.Payload, &c.hello); err != nil {
		return err
	}
	if c.hello.Version != wire.Version {
		return fmt.Errorf("the agent speaks version %d of the protocol, %d is wanted", c.hello.Version, wire.Version)
	}
	return nil
}

// read hands frames to their calls until the agent is gone.
func (c *client) read(in *wire.Reader) {
	for {
		f, err := in.Next()
		if err != nil {
			c.fail(err)
			return
		}
		c.mu.Lock()
		call := c.calls[f.ID]
		c.mu.Unlock()
		switch {
		case call == nil: // its caller has gone
			f.Release()
		case f.Type == wire.Line:
			line := string(f.Payload)
			f.Release()
			if call.onLine != nil {
				call.onLine(line)
			}
		default:
			select {
			case call.frames <- f:
			case <-call.given:
				f.Release()
			}
		}
	}
}

// fail ends all calls.
func (c *client) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
		close(c.gone)
	}
	c.mu.Unlock()
	c.session.close()
}

// alive says whether the agent can be asked.
func (c *client) alive() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// close ends the agent: its stdin ends, and so does it.
func (c *client) close() {
	c.out.Close()
	c.session.endInput()
	c.fail(io.ErrClosedPipe)
}

// begin registers a call.
func (c *client) begin(onLine func(string), queue int) (uint32, *call, error) {
	id := c.next.Add(1)
	k := &call{frames: make(chan wire.Frame, queue), onLine: onLine, given: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, c.lost()
	}
	c.calls[id] = k
	return id, k, nil
}

func (c *client) end(id uint32, k *call) {
	c.mu.Lock()
	delete(c.calls, id)
	c.mu.Unlock()
	close(k.given)
}

// lost is the error of a call whose agent is gone.
func (c *client) lost() error {
	reason := "the connection was closed"
	if c.err != nil && c.err != io.EOF && c.err != io.ErrUnexpectedEOF {
		reason = c.err.Error()
	}
	return &lostError{reason: reason + c.session.errors(), err: c.err}
}

// A lostError says that the agent ended or its connection broke.
type lostError struct {
	reason string
	err    error
}

func (e *lostError) Error() string { return e.reason }
func (e *lostError) Unwrap() error { return e.err }

// await returns the call's next frame; an Error frame becomes an error. Where
// ctx ends first the agent is told to cancel.
func (c *client) await(ctx context.Context, id uint32, k *call) (wire.Frame, error) {
	select {
	case f := <-k.frames:
		return f, frameError(&f)
	case <-ctx.Done():
		c.out.Send(wire.Cancel, id, nil) // a broken stream cancels too
		return wire.Frame{}, ctx.Err()
	case <-c.gone:
		select { // the answer may have come before the end
		case f := <-k.frames:
			return f, frameError(&f)
		default:
			return wire.Frame{}, c.lost()
		}
	}
}

func frameError(f *wire.Frame) error {
	switch f.Type {
	case wire.Error:
		var e wire.ErrorMessage
		if err := json.Unmarshal(f.Payload, &e); err != nil {
			return &wire.ProtocolError{Msg: "an error frame without an error"}
		}
		if e.Kind == wire.KindNotFound {
			return fmt.Errorf("%w: %w", &e, fs.ErrNotExist)
		}
		return &e
	case wire.Unsupported:
		return errors.New("the agent does not know this request: it is of another version")
	}
	return nil
}

// run asks for a module, behind the requests of an order where there is one.
func (c *client) run(ctx context.Context, msg *wire.RunMessage, r *ModuleRequest) (json.RawMessage, error) {
	o := r.Order
	if o == nil {
		o = &Order{}
	}
	o.mu.Lock()
	id, k, err := c.begin(r.Stream, 1)
	if err == nil {
		if o.client == c {
			msg.After = o.last
		}
		o.client, o.last = c, id
		if err = c.out.SendJSON(wire.Run, id, msg); err != nil {
			c.end(id, k)
			err = &lostError{reason: err.Error(), err: err}
		}
	}
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer c.end(id, k)
	if r.Sent != nil {
		r.Sent()
	}
	return c.result(ctx, id, k)
}

// result awaits a Result.
func (c *client) result(ctx context.Context, id uint32, k *call) (json.RawMessage, error) {
	f, err := c.await(ctx, id, k)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	if f.Type != wire.Result || !json.Valid(f.Payload) {
		return nil, &wire.ProtocolError{Msg: fmt.Sprintf("a %s came where a result belongs", f.Type)}
	}
	return append(json.RawMessage(nil), f.Payload...), nil
}

// put sends a file. sum tells its SHA-256 in the end; nil: it is made on the way.
func (c *client) put(ctx context.Context, r io.Reader, msg wire.PutMessage, sum func() (string, error)) (res wire.PutResult, err error) {
	id, k, err := c.begin(nil, 1)
	if err != nil {
		return res, err
	}
	defer c.end(id, k)
	if err := c.out.SendJSON(wire.Put, id, msg); err != nil {
		return res, &lostError{reason: err.Error(), err: err}
	}
	r = io.LimitReader(r, msg.Size)
	if sum == nil {
		h := sha256.New()
		r, sum = io.TeeReader(r, h), func() (string, error) { return hex.EncodeToString(h.Sum(nil)), nil }
	}
	src := &source{ctx: ctx, r: r, answered: k.frames}
	end := wire.EndMessage{Size: msg.Size}
	if err := c.out.SendFrom(id, src); err != nil && !errors.Is(err, errAnswered) {
		if ctx.Err() != nil {
			c.out.Send(wire.Cancel, id, nil)
			return res, ctx.Err()
		}
		if !errors.Is(err, src.err) {
			return res, &lostError{reason: err.Error(), err: err}
		}
		end.Failed = err.Error()
	} else if err == nil && src.n != msg.Size {
		end.Failed = fmt.Sprintf("only %d of %d bytes could be read", src.n, msg.Size)
	}
	if end.Failed == "" {
		if end.SHA256, err = sum(); err != nil {
			end.Failed = err.Error()
		}
	}
	if err := c.out.SendJSON(wire.End, id, end); err != nil {
		return res, &lostError{reason: err.Error(), err: err}
	}
	data, err := c.result(ctx, id, k)
	if err != nil {
		return res, err
	}
	return res, json.Unmarshal(data, &res)
}

// errAnswered ends a file whose taker has answered already: it failed there.
var errAnswered = errors.New("the agent has answered")

// A source is a file that is sent: it ends with ctx, or when the agent answers early.
type source struct {
	ctx      context.Context
	r        io.Reader
	answered <-chan wire.Frame
	n        int64
	err      error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	if len(s.answered) > 0 {
		return 0, errAnswered
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != io.EOF {
		s.err = err
	}
	return n, err
}

// get copies a file of the host to w and returns its SHA-1.
func (c *client) get(ctx context.Context, path string, w io.Writer) (string, error) {
	id, k, err := c.begin(nil, fileQueue)
	if err != nil {
		return "", err
	}
	defer c.end(id, k)
	if err := c.out.SendJSON(wire.Get, id, wire.GetMessage{Path: path}); err != nil {
		return "", &lostError{reason: err.Error(), err: err}
	}
	check, sum := sha256.New(), sha1.New()
	out := bufio.NewWriter(io.MultiWriter(w, check, sum))
	var size int64
	for {
		f, err := c.await(ctx, id, k)
		if err != nil {
			return "", err
		}
		switch f.Type {
		case wire.Chunk:
			n, err := out.Write(f.Payload)
			f.Release()
			if size += int64(n); err != nil {
				c.out.Send(wire.Cancel, id, nil)
				return "", err
			}
		case wire.End:
			var end wire.EndMessage
			err := json.Unmarshal(f.Payload, &end)
			f.Release()
			if err == nil {
				err = out.Flush()
			}
			if err == nil {
				err = end.Check(size, check.Sum(nil))
			}
			return hex.EncodeToString(sum.Sum(nil)), err
		default:
			return "", &wire.ProtocolError{Msg: fmt.Sprintf("a %s came where a file belongs", f.Type)}
		}
	}
}
