// Package transport reaches hosts: connections (ssh, local, ...), become, and
// the agent's bootstrap and client.
package transport

// This file defines what the engine sees of it.

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// A Conn is a connection to one host as one user. Its methods are safe for
// concurrent use. A method that fails since the host cannot be reached returns
// an *UnreachableError; after that every call does, until Close.
type Conn interface {
	// Start runs a command line by the user's shell and hands out its pipes.
	// The process ends with ctx.
	Start(ctx context.Context, cmd string, o StartOptions) (Process, error)
	// Put writes size bytes of r to path on the host (parent exists), mode perm.
	// It needs no agent.
	Put(ctx context.Context, r io.Reader, size int64, path string, perm uint32) error
	// Get copies a file of the host to w. It needs no agent.
	Get(ctx context.Context, path string, w io.Writer) error
	Close() error
}

// StartOptions say how a command is started.
type StartOptions struct {
	TTY bool
}

// A Process is a running command of a Conn.
type Process interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Stderr() io.Reader
	// Wait returns the exit code; an error means that the connection broke.
	Wait() (int, error)
	// Kill ends the process.
	Kill() error
}

// A Target says how to reach a host: resolved values of Ansible's connection
// variables and settings.
type Target struct {
	// Name is the inventory's name, Address what to connect to.
	Name, Address string
	// Connection is ssh, local, openssh, docker, podman, kubectl or chroot.
	Connection string
	Port       int // 0: the default
	User       string
	Password   string
	// KeyFile is ansible_ssh_private_key_file, Key ansible_ssh_private_key: the
	// key itself (PEM). KeyPassphrase is the passphrase of both.
	KeyFile, Key, KeyPassphrase string
	// SSHExecutable is the program of the connection openssh; "" is ssh.
	SSHExecutable string
	// SSHArgs are the words of ssh_args, which count before the fields above;
	// SSHExtraArgs those of ssh_common_args and ssh_extra_args, which count behind them.
	SSHArgs         []string
	SSHExtraArgs    []string
	HostKeyChecking bool
	ConnectTimeout  time.Duration
	// Retries is ssh retries: further tries of a connection that fails.
	Retries int
	// BootWait is for how long a first connection that is refused or times
	// out is tried again: hosts that are still booting.
	BootWait time.Duration
	// AgentDir is where the agent is cached on the host; "" the user's cache folder.
	AgentDir  string
	RemoteTmp string
	// Vars are further connection settings by Ansible variable name
	// (ansible_docker_extra_args, ansible_shell_executable ...).
	Vars map[string]string
}

// Become says whom to become on a host. The zero value is nobody.
type Become struct {
	Method   string // sudo, su, doas; "" none
	User     string // "" root
	Password string
	Exe      string
	Flags    string
}

// Hosts hands out hosts and keeps their connections for the run: one
// connection a Target, one agent a (Target, Become).
type Hosts interface {
	// Host returns the host of a target, connecting lazily at the first call.
	Host(t Target, b Become) Host
	// Close ends all agents and connections.
	Close() error
}

// A Host runs modules and commands on one host as one (become) user. Its
// methods are safe for concurrent use. They return an *UnreachableError where
// the host cannot be reached and a *BecomeError where it cannot become.
type Host interface {
	// Run runs a module in the agent.
	Run(ctx context.Context, r ModuleRequest) (json.RawMessage, error)
	// Exec runs a command line by the shell without an agent (raw, script).
	Exec(ctx context.Context, cmd string, o ExecOptions) (ExecResult, error)
	// PutTemp streams a file into the agent's temporary folder for this run
	// and returns its path there; the agent removes it at the end. Where the
	// host is the controller itself it may return local instead of copying.
	PutTemp(ctx context.Context, r io.Reader, size int64, name string) (path string, err error)
	// PutBeside streams the new content of a file of the host into a file
	// beside it, or, where that folder does not allow it, into one as PutTemp's.
	// What is not renamed is removed at the end.
	PutBeside(ctx context.Context, up Upload) (Uploaded, error)
	// Fetch copies a file of the host to w and returns its SHA-1 (Ansible's checksum).
	Fetch(ctx context.Context, path string, w io.Writer) (sha1 string, err error)
	// Reset drops the connection and agents (meta: reset_connection); the
	// next call connects again.
	Reset(ctx context.Context) error
	// Local reports whether the host is this process's machine without become.
	Local() bool
}

// An Upload is the new content of a file of a host.
type Upload struct {
	R    io.Reader
	Size int64 // bytes that R gives
	// Dest is the host's file, Name what it is called here.
	Dest, Name string
	// SHA256 tells the digest of what R gives, hex. It is asked when all has
	// been sent, and what was written there must have it.
	SHA256 func() (string, error)
}

// Uploaded tells of a file that was sent with PutBeside.
type Uploaded struct {
	Path string
	// Beside says that it stands in the folder of its destination.
	Beside bool
}

// A ModuleRequest is a module and how to run it.
type ModuleRequest struct {
	// Name is the routed full name; Action the name that the task used.
	Name, Action string
	Args         json.RawMessage // a JSON object
	Check, Diff  bool
	NoLog        bool
	Verbosity    int
	Env          map[string]string
	RemoteTmp    string
	Shell        string // of command lines for a shell; "" is /bin/sh
	// TellSecrets asks for a result with its secrets in it and named; those of
	// Async have them masked.
	TellSecrets bool
	// Facts go to modules that ask for some (service_mgr, pkg_mgr).
	Facts json.RawMessage
	// Async runs the module as a job that survives the connection, with this
	// time limit; the result holds ansible_job_id, started, finished,
	// results_file. AsyncDir is ansible_async_dir.
	Async    time.Duration
	AsyncDir string
	// Stream takes lines of output while the module runs (may be nil).
	Stream func(line string)
	// Order, where not nil, runs the module behind all requests that were sent
	// with the same Order before: the answers to these need not be awaited.
	Order *Order
	// Sent is called once the request is on its way (may be nil); what follows
	// it in its Order may be sent then. The host that is this process's machine
	// without become never calls it.
	Sent func()
}

// An Order is a sequence of requests to one host. The target runs one when
// the one before has ended, and none behind one that was cancelled. The zero
// value is an empty sequence.
type Order struct {
	mu     sync.Mutex
	client *client
	last   uint32
}

// ExecOptions say how Exec runs.
type ExecOptions struct {
	Stdin io.Reader
	TTY   bool
	// Executable is the shell to run the line with; "" the login shell's default /bin/sh.
	Executable string
	Env        map[string]string
}

// ExecResult is what a command left.
type ExecResult struct {
	RC             int
	Stdout, Stderr []byte
}

// UnreachableError says that a host cannot be reached; Msg is Ansible's.
type UnreachableError struct {
	Msg string
	Err error
}

func (e *UnreachableError) Error() string { return e.Msg }
func (e *UnreachableError) Unwrap() error { return e.Err }

// BecomeError says that becoming another user failed; Msg is Ansible's
// ("Missing sudo password", "Incorrect sudo password"...).
type BecomeError struct {
	Msg string
	Err error

	terminal bool // it is for want of a terminal
}

func (e *BecomeError) Error() string { return e.Msg }
func (e *BecomeError) Unwrap() error { return e.Err }
