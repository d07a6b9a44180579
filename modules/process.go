package modules

// This file starts a program and reads what it prints. os/exec does it with
// three goroutines and the poller of the network, which costs a fifth of the
// time that a small program takes; a loop over a thousand items notices.

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A program whose pipes are silent is looked at between these times: it may
// have ended and left them to others.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 100 * time.Millisecond
)

// A process is a program that was started in a process group of its own.
type process struct {
	pid   int
	pipes [2]unix.PollFd // where its stdout and stderr come from

	mu     sync.Mutex // of ended: no signal goes to a number that is free again
	ended  bool
	status syscall.WaitStatus
	err    error // why there is no status
}

// runProcess runs cmd, of which Stdout and Stderr are not read, until it has
// ended and closed its output, or drainTime after its end. The program and its
// group are killed at ctx's end. An error means that it could not be started, or that
// nobody knows how it ended.
func runProcess(ctx context.Context, cmd *exec.Cmd, stdout, stderr io.Writer) (syscall.WaitStatus, error) {
	if cmd.Err != nil {
		return 0, cmd.Err
	}
	for _, e := range cmd.Env {
		if strings.IndexByte(e, 0) >= 0 {
			return 0, syscall.EINVAL // Environ would leave it out
		}
	}
	in, feed, err := openStdin(cmd.Stdin)
	if err != nil {
		return 0, err
	}
	p, err := startProcess(cmd, in)
	in.Close()
	if err != nil {
		if feed != nil {
			feed.Close()
		}
		return 0, err
	}
	defer p.close()
	if feed != nil {
		fed := make(chan struct{})
		go func() {
			io.Copy(feed, cmd.Stdin) // a program need not read all of it
			feed.Close()
			close(fed)
		}()
		defer func() {
			feed.Close() // where nobody has read all of it
			<-fed
		}()
	}
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	p.read([2]io.Writer{stdout, stderr})
	p.wait(0)
	return p.status, p.err
}

// openStdin is what a program reads: a pipe that is fed from r, or nothing.
func openStdin(r io.Reader) (in, feed *os.File, err error) {
	if r != nil {
		return os.Pipe()
	}
	// Not by os.Open, which tries to have it polled.
	fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	return os.NewFile(uintptr(fd), os.DevNull), nil, nil
}

func startProcess(cmd *exec.Cmd, in *os.File) (*process, error) {
	out, err := newPipe()
	if err != nil {
		return nil, err
	}
	errs, err := newPipe()
	if err != nil {
		unix.Close(out[0])
		unix.Close(out[1])
		return nil, err
	}
	p := &process{pipes: [2]unix.PollFd{{Fd: int32(out[0]), Events: unix.POLLIN}, {Fd: int32(errs[0]), Events: unix.POLLIN}}}
	p.pid, err = syscall.ForkExec(cmd.Path, cmd.Args, &syscall.ProcAttr{
		Dir: cmd.Dir, Env: cmd.Environ(), Files: []uintptr{in.Fd(), uintptr(out[1]), uintptr(errs[1])}, Sys: cmd.SysProcAttr,
	})
	unix.Close(out[1])
	unix.Close(errs[1])
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// newPipe makes a pipe that no program inherits by chance.
func newPipe() (p [2]int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(p[:]); err != nil {
		return p, os.NewSyscallError("pipe", err)
	}
	syscall.CloseOnExec(p[0])
	syscall.CloseOnExec(p[1])
	return p, nil
}

// read copies stdout and stderr until both are closed, or for drainTime after
// the program's end.
func (p *process) read(to [2]io.Writer) {
	var buf []byte
	var end time.Time // of reading, once the program has ended
	look, looked := firstLook, time.Now()
	for p.pipes[0].Fd >= 0 || p.pipes[1].Fd >= 0 {
		n, err := unix.Poll(p.pipes[:], int(look.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return
		}
		for i := range p.pipes {
			if n > 0 && p.pipes[i].Revents != 0 {
				buf = p.take(&p.pipes[i], to[i], buf)
			}
		}
		if n > 0 && time.Since(looked) < lastLook {
			continue
		}
		look, looked = min(2*look, lastLook), time.Now()
		switch {
		case end.IsZero() && p.wait(syscall.WNOHANG):
			end = looked.Add(drainTime)
		case !end.IsZero() && looked.After(end):
			return
		}
	}
}

// take reads once from a pipe that has something to say, and closes it at its
// end. A program that prints nothing needs no buf: it is made here, and returned.
func (p *process) take(pipe *unix.PollFd, to io.Writer, buf []byte) []byte {
	n := 0
	if pipe.Revents&unix.POLLIN != 0 {
		if buf == nil {
			buf = make([]byte, 32<<10)
		}
		var err error
		if n, err = unix.Read(int(pipe.Fd), buf); err == unix.EINTR || err == unix.EAGAIN {
			return buf
		}
	}
	if n > 0 {
		to.Write(buf[:n]) // buffers in memory never fail
		return buf
	}
	unix.Close(int(pipe.Fd))
	pipe.Fd = -1
	return buf
}

// close closes the pipes that are still open.
func (p *process) close() {
	for i := range p.pipes {
		if p.pipes[i].Fd >= 0 {
			unix.Close(int(p.pipes[i].Fd))
			p.pipes[i].Fd = -1
		}
	}
}

// wait waits for the program's end, or, with WNOHANG, reports whether it has come.
func (p *process) wait(options int) bool {
	if p.ended {
		return true
	}
	var status syscall.WaitStatus
	for {
		pid, err := syscall.Wait4(p.pid, &status, options, nil)
		if err == syscall.EINTR {
			continue
		}
		if err == nil && pid == 0 {
			return false
		}
		p.mu.Lock()
		p.ended, p.status, p.err = true, status, os.NewSyscallError("wait4", err)
		p.mu.Unlock()
		return true
	}
}

// kill ends the program and its group.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		syscall.Kill(-p.pid, syscall.SIGKILL)
	}
}
