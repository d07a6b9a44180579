package transport

// This file is the connection to the controller itself, and what it shares
// with connections that are a program of the controller (docker exec, ssh).

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
)

// NewLocal returns a Conn to this machine as this user.
func NewLocal() Conn {
	return &programConn{argv: func(cmd string, _ bool) []string { return []string{"/bin/sh", "-c", cmd} }}
}

// A programConn starts commands as programs of the controller.
type programConn struct {
	// argv makes the program's words for a command line.
	argv func(cmd string, tty bool) []string
	// env is on top of the controller's environment.
	env []string
	// files are inherited by the programs: the first as number 3, and so on.
	files []*os.File
	// unreachable looks at how the program ended, and returns an error where
	// that means that the host cannot be reached; nil where it never does.
	unreachable func(rc int, stderr string) error
	hasTTY      bool // argv can give the command a terminal

	mu     sync.Mutex
	closed bool
	down   error // what every call fails with after a break
	procs  map[*programProcess]bool
}

func (c *programConn) Start(ctx context.Context, cmd string, o StartOptions) (Process, error) {
	c.mu.Lock()
	down := c.down
	if c.closed {
		down = &UnreachableError{Msg: "the connection is closed"}
	}
	c.mu.Unlock()
	if down != nil {
		return nil, down
	}
	if o.TTY && !c.hasTTY {
		return nil, errors.New("this connection has no terminals")
	}
	argv := c.argv(cmd, o.TTY)
	x := exec.CommandContext(ctx, argv[0], argv[1:]...)
	x.Env = append(os.Environ(), c.env...)
	x.ExtraFiles = c.files
	// A session of its own: Ctrl-C at the controller's terminal is not for it,
	// and sudo and ssh find no terminal to ask at.
	x.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p := &programProcess{conn: c, cmd: x}
	x.Cancel = p.Kill
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("could not start %s: %w", argv[0], err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.procs == nil {
		c.procs = make(map[*programProcess]bool)
	}
	c.procs[p] = true
	return p, nil
}

func (c *programConn) Close() error {
	c.mu.Lock()
	c.closed = true
	procs := c.procs
	c.procs = nil
	c.mu.Unlock()
	for p := range procs {
		p.Kill()
	}
	c.closeFiles()
	return nil
}

// inherit hands text to the programs as a file, and returns the path by which
// they open it.
func (c *programConn) inherit(text string) (string, error) {
	f, err := memoryFile(text)
	if err != nil {
		return "", err
	}
	c.files = append(c.files, f)
	return fmt.Sprintf("/proc/self/fd/%d", 2+len(c.files)), nil
}

func (c *programConn) closeFiles() {
	for _, f := range c.files {
		f.Close()
	}
}

func (c *programConn) Put(ctx context.Context, r io.Reader, size int64, path string, perm uint32) error {
	return putByShell(ctx, c, r, size, path, perm)
}

func (c *programConn) Get(ctx context.Context, path string, w io.Writer) error {
	return getByShell(ctx, c, path, w)
}

// A programProcess is a process of the controller.
type programProcess struct {
	conn   *programConn
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *os.File
	stderr *os.File
	tail   tail // of stderr, for unreachable

	once   sync.Once
	rc     int
	err    error
	reaped atomic.Bool // its number may be another's now
}

// start starts the program over pipes of our own: those of exec.Cmd are closed
// by its Wait, which may come before all is read.
func (p *programProcess) start() error {
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	p.stdin = stdin
	outR, outW, err := os.Pipe()
	if err != nil {
		return err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		outR.Close()
		outW.Close()
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = outW, errW
	err = p.cmd.Start()
	outW.Close()
	errW.Close()
	if err != nil {
		outR.Close()
		errR.Close()
		return err
	}
	p.stdout, p.stderr = outR, errR
	return nil
}

func (p *programProcess) Stdin() io.WriteCloser { return p.stdin }
func (p *programProcess) Stdout() io.Reader     { return p.stdout }
func (p *programProcess) Stderr() io.Reader     { return io.TeeReader(p.stderr, &p.tail) }

func (p *programProcess) Wait() (int, error) {
	p.once.Do(func() {
		err := p.cmd.Wait()
		p.reaped.Store(true)
		p.rc = exitStatus(p.cmd.ProcessState)
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) && !errors.Is(err, context.Canceled) && p.cmd.ProcessState == nil {
			p.err = err
		}
		c := p.conn
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.procs, p)
		if c.unreachable != nil && p.err == nil {
			if p.err = c.unreachable(p.rc, p.tail.String()); p.err != nil {
				c.down = p.err
			}
		}
	})
	return p.rc, p.err
}

// exitStatus is the exit code as a shell has it: 128 and the number of a signal.
func exitStatus(s *os.ProcessState) int {
	if s == nil {
		return -1
	}
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// Kill ends the program and what it started.
func (p *programProcess) Kill() error {
	if p.cmd.Process == nil || p.reaped.Load() {
		return nil
	}
	return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}
