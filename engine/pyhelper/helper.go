// Package pyhelper runs plugins that are written in Python: one process for
// the run, started when the first of them is needed, with the Ansible that is
// installed on the controller. helper.py is its program.
package pyhelper

// This file starts the process and speaks with it.

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"gorun/templates"
)

//go:embed helper.py
var base string

//go:embed inventory.py
var inventories string

//go:embed callback.py
var callbacks string

// program is what the interpreter runs.
var program = base + inventories + callbacks + "\n\nmain()\n"

// maxFrame is the largest frame that is taken, in bytes.
const maxFrame = 256 << 20

// stopTime is for how long the process may take to end.
const stopTime = 2 * time.Second

// Options say how the process is started.
type Options struct {
	// Python is the interpreter, Site the folder of packages that Ansible is in.
	Python, Site string
	// Dirs are folders of plugins by kind (filter, test, lookup, action ...).
	Dirs map[string][]string
	// Collections are folders that hold ansible_collections; Basedir is the playbook's.
	Collections []string
	Basedir     string
	// Verbosity is the count of -v, Columns the width of banners; Color says
	// that the screen is in colour.
	Verbosity, Columns int
	Color              bool
	// CLI is the command line as Ansible's context has it (check, tags ...).
	CLI *templates.Dict
	// Tell hears what plugins have to say to the user.
	Tell func(m Message)
}

// A Message is what a plugin says to the user.
type Message struct {
	// Kind is warning, deprecated, verbose, display (a line) or print (text as it is).
	Kind, Text string
	// Level is the count of -v that a verbose message wants; Host may be "".
	Level int
	Host  string
	// Color is a display's colour by its name. Stderr sends a display or print
	// there; Newline ends a display's line.
	Color           string
	Stderr, Newline bool
}

// A Callback answers what a plugin asks for while it runs.
type Callback func(ctx context.Context, what string, args *templates.Dict) (templates.Value, error)

// An Error is an exception of a plugin.
type Error struct {
	Kind  string // the exception's class
	Class string // with its module
	Msg   string
	Trace string
	// Ansible says that it is an AnsibleError, Unreachable that the host was not reached.
	Ansible, Unreachable bool
}

func (e *Error) Error() string { return e.Msg }

// PythonClass is the exception's class with its module.
func (e *Error) PythonClass() string { return e.Class }

// A Helper is the process. It is safe for concurrent use.
type Helper struct {
	o     Options
	cmd   *exec.Cmd
	stdin io.WriteCloser
	send  sync.Mutex
	ended chan struct{}

	mu      sync.Mutex
	next    int64
	pending map[int64]*call
	err     error // why the process is gone
	last    []string
}

// A call is a request that is under way.
type call struct {
	ctx  context.Context
	cb   Callback
	done chan frame
}

// A frame is what comes from the process.
type frame struct {
	ID    int64           `json:"id"`
	CB    int64           `json:"cb"`
	What  string          `json:"what"`
	Args  json.RawMessage `json:"a"`
	Value json.RawMessage `json:"v"`
	Err   *wireError      `json:"err"`
	Event string          `json:"ev"`
	Msg   string          `json:"msg"`
	Level int             `json:"level"`
	Host  string          `json:"host"`
	Color string          `json:"color"`
	// Stderr and NL are of messages.
	Stderr bool `json:"stderr"`
	NL     bool `json:"nl"`
}

type wireError struct {
	Kind        string `json:"kind"`
	Class       string `json:"class"`
	Msg         string `json:"msg"`
	Trace       string `json:"trace"`
	Ansible     bool   `json:"ansible"`
	Unreachable bool   `json:"unreachable"`
}

// Start starts the process and prepares Ansible in it.
func Start(ctx context.Context, o Options) (*Helper, error) {
	h := &Helper{o: o, pending: map[int64]*call{}, ended: make(chan struct{})}
	h.cmd = exec.Command(o.Python, "-c", program)
	// Of its own group, so that Ctrl-C reaches gorun first.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	paths := strings.Join(o.Collections, ":")
	h.cmd.Env = append(os.Environ(), "PYTHONPATH="+joinPath(o.Site, os.Getenv("PYTHONPATH")), "PYTHONIOENCODING=utf-8",
		"ANSIBLE_COLLECTIONS_PATHS="+paths, "ANSIBLE_COLLECTIONS_PATH="+paths, "ANSIBLE_FORCE_COLOR=0")
	var err error
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := h.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("plugins in Python cannot run: %w", err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { h.listen(stderr) })
	reading.Go(func() { h.read(stdout) })
	go func() {
		reading.Wait()
		h.fail(h.cmd.Wait())
		close(h.ended)
	}()
	dirs, err := dirsValue(o.Dirs)
	if err != nil {
		return nil, err
	}
	setup := templates.NewDict(6)
	setup.SetStr("dirs", dirs)
	setup.SetStr("collections", templates.FromGo(o.Collections))
	setup.SetStr("basedir", templates.Str(o.Basedir))
	setup.SetStr("verbosity", templates.Int(o.Verbosity))
	setup.SetStr("columns", templates.Int(o.Columns))
	setup.SetStr("color", templates.Bool(o.Color))
	if o.CLI == nil {
		o.CLI = templates.NewDict(0)
	}
	setup.SetStr("cli", o.CLI)
	if _, err := h.Call(ctx, "setup", setup, nil); err != nil {
		h.Close()
		return nil, fmt.Errorf("Ansible in %s cannot be used for plugins in Python: %w", o.Site, err)
	}
	return h, nil
}

func joinPath(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ":" + b
}

func dirsValue(dirs map[string][]string) (*templates.Dict, error) {
	d := templates.NewDict(len(dirs))
	for kind, list := range dirs {
		l := templates.NewList()
		for _, p := range list {
			l.Elems = append(l.Elems, templates.Str(p))
		}
		d.SetStr(kind, l)
	}
	return d, nil
}

// AddDirs tells of further folders of plugins.
func (h *Helper) AddDirs(ctx context.Context, dirs map[string][]string) error {
	d, err := dirsValue(dirs)
	if err != nil {
		return err
	}
	args := templates.NewDict(1)
	args.SetStr("dirs", d)
	_, err = h.Call(ctx, "dirs", args, nil)
	return err
}

// Call makes a request and waits for the answer; cb answers what the plugin
// asks for meanwhile. An exception is an *Error.
func (h *Helper) Call(ctx context.Context, op string, args *templates.Dict, cb Callback) (templates.Value, error) {
	body, err := encode(args)
	if err != nil {
		return nil, err
	}
	c := &call{ctx: ctx, cb: cb, done: make(chan frame, 1)}
	h.mu.Lock()
	if h.err != nil {
		defer h.mu.Unlock()
		return nil, h.gone()
	}
	h.next++
	id := h.next
	h.pending[id] = c
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.pending, id)
		h.mu.Unlock()
	}()
	if err := h.write(map[string]any{"id": id, "op": op, "a": body}); err != nil {
		return nil, err
	}
	select {
	case f := <-c.done:
		if f.Err != nil {
			return nil, &Error{Kind: f.Err.Kind, Class: f.Err.Class, Msg: f.Err.Msg, Trace: f.Err.Trace, Ansible: f.Err.Ansible, Unreachable: f.Err.Unreachable}
		}
		return value(f.Value)
	case <-h.ended:
		h.mu.Lock()
		defer h.mu.Unlock()
		return nil, h.gone()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// gone says why there is no process any more; h.mu is held.
func (h *Helper) gone() error {
	msg := "the helper process for plugins in Python ended"
	if len(h.last) > 0 {
		msg += ": " + strings.Join(h.last, "\n")
	}
	return errors.New(msg)
}

func (h *Helper) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		err = io.EOF
	}
	h.err = err
}

func (h *Helper) write(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(b, uint32(len(body)))
	b = append(b, body...)
	h.send.Lock()
	defer h.send.Unlock()
	_, err = h.stdin.Write(b)
	return err
}

// value decodes what came.
func value(raw json.RawMessage) (templates.Value, error) {
	if len(raw) == 0 {
		return templates.None, nil
	}
	v, err := templates.FromJSON(raw)
	if err != nil {
		return nil, err
	}
	return decode(v)
}

// read takes frames until the process ends.
func (h *Helper) read(r io.Reader) {
	in := bufio.NewReader(r)
	var head [4]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := binary.BigEndian.Uint32(head[:])
		if size > maxFrame {
			h.cmd.Process.Kill()
			return
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		var f frame
		if json.Unmarshal(body, &f) != nil {
			continue
		}
		h.dispatch(f)
	}
}

func (h *Helper) dispatch(f frame) {
	if f.Event != "" {
		if f.Stderr {
			h.keep(strings.TrimSuffix(f.Msg, "\n"))
		}
		if h.o.Tell != nil {
			h.o.Tell(Message{Kind: f.Event, Text: f.Msg, Level: f.Level, Host: f.Host, Color: f.Color, Stderr: f.Stderr, Newline: f.NL})
		}
		return
	}
	h.mu.Lock()
	c := h.pending[f.ID]
	h.mu.Unlock()
	switch {
	case c == nil:
	case f.CB != 0:
		go h.answer(c, f)
	default:
		c.done <- f
	}
}

// answer serves what a plugin asks for.
func (h *Helper) answer(c *call, f frame) {
	reply := map[string]any{"re": f.CB}
	v, err := c.ask(f)
	if err == nil {
		reply["v"], err = encode(v)
	}
	if err != nil {
		kind := "AnsibleError"
		var own *Error
		if errors.As(err, &own) && own.Kind != "" {
			kind = own.Kind
		}
		reply["err"] = map[string]any{"kind": kind, "msg": err.Error()}
		delete(reply, "v")
	}
	// A process that is gone wants no answer.
	_ = h.write(reply)
}

func (c *call) ask(f frame) (templates.Value, error) {
	if c.cb == nil {
		return nil, fmt.Errorf("%s cannot be asked for here", f.What)
	}
	v, err := value(f.Args)
	if err != nil {
		return nil, err
	}
	args, ok := v.(*templates.Dict)
	if !ok {
		return nil, errors.New("the plugin's helper asked without arguments")
	}
	return c.cb(c.ctx, f.What, args)
}

// Lazy is a mapping that stays with gorun: the plugin asks for its items by path.
type Lazy struct {
	templates.Mapping
	Path []string
}

// keep notes what the process said last, for the error where it ends.
func (h *Helper) keep(line string) {
	if line == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last = append(h.last, line); len(h.last) > 20 {
		h.last = h.last[1:]
	}
}

// listen keeps the last lines of the standard error and shows them.
func (h *Helper) listen(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		h.keep(lines.Text())
		if h.o.Tell != nil {
			h.o.Tell(Message{Kind: "print", Text: lines.Text() + "\n", Stderr: true})
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line too long ends the scan, not the process
}

// Close ends the process.
func (h *Helper) Close() {
	h.stdin.Close()
	select {
	case <-h.ended:
	case <-time.After(stopTime):
		h.cmd.Process.Kill()
		<-h.ended
	}
}
