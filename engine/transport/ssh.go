package transport

// This file connects by SSH.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Keepalives: a host that does not answer for keepaliveTime times
// keepaliveCount is down. ServerAliveInterval and ServerAliveCountMax set others.
const (
	keepaliveTime  = 15
	keepaliveCount = 3
)

// sshFailed is how Ansible begins the message of a host that ssh cannot reach.
const sshFailed = "Failed to connect to the host via ssh: "

// dialSSH connects to t: again where that fails for a while, as t.Retries and
// t.BootWait say.
func (p *pool) dialSSH(ctx context.Context, t *Target) (Conn, error) {
	config, err := resolveSSH(t)
	if err != nil {
		return nil, &UnreachableError{Msg: sshFailed + err.Error(), Err: err}
	}
	began := time.Now()
	pause := 100 * time.Millisecond
	for try := 0; ; try++ {
		conn, err := p.dialOnce(ctx, t, config, 0)
		if err == nil {
			conn.another = func(ctx context.Context) (*sshConn, error) { return p.dialOnce(ctx, t, config, 0) }
			return conn, nil
		}
		var u *UnreachableError
		if ctx.Err() != nil || !errors.As(err, &u) || !transient(err) {
			return nil, err
		}
		if time.Since(began) >= t.BootWait && try >= max(t.Retries, config.number("ConnectionAttempts", 1)-1) {
			return nil, err
		}
		p.log(3, t.Name, fmt.Sprintf("ssh: %v; trying again", err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		pause = min(pause*2, time.Second)
	}
}

// transient says whether a later try may succeed: the host may be booting.
func transient(err error) bool {
	var timeout net.Error
	for _, errno := range []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EPIPE, syscall.ETIMEDOUT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded)
}

// dialOnce tries once. jumps counts the hosts on the way.
func (p *pool) dialOnce(ctx context.Context, t *Target, config *sshConfig, jumps int) (*sshConn, error) {
	if jumps > 8 {
		return nil, &UnreachableError{Msg: sshFailed + "ProxyJump goes round in circles"}
	}
	limit := config.timeout()
	dialCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := &sshConn{name: t.Name, pool: p}
	raw, err := c.connect(dialCtx, t, config, jumps)
	if err != nil {
		c.closeWay()
		return nil, err
	}
	keys := newKeyring(ctx, p, config, t)
	checker := &hostKeyChecker{config: config, pool: p, ctx: ctx}
	client, err := handshake(ctx, raw, config, keys, checker, limit)
	if err != nil {
		keys.close()
		raw.Close()
		c.closeWay()
		return nil, handshakeFailure(err, config, keys, checker, raw)
	}
	c.client = client
	c.env = config.environment()
	if config.yes("ForwardAgent") && keys.agent != nil {
		if err := agent.ForwardToAgent(client, keys.agent); err == nil {
			c.forwarded = keys
		}
	}
	if c.forwarded == nil {
		keys.close()
	}
	c.gone = make(chan struct{})
	go c.watch()
	go c.keepAlive(config)
	return c, nil
}

// connect makes the byte stream to the host: TCP, a ProxyCommand, or through
// the hosts of ProxyJump.
func (c *sshConn) connect(ctx context.Context, t *Target, config *sshConfig, jumps int) (net.Conn, error) {
	if jump := config.get("ProxyJump"); jump != "" && jump != "none" {
		return c.connectThrough(ctx, t, config, jump, jumps)
	}
	if command := config.get("ProxyCommand"); command != "" && command != "none" {
		conn, err := startProxy(config.expand(command))
		if err != nil {
			return nil, &UnreachableError{Msg: sshFailed + "ProxyCommand: " + err.Error(), Err: err}
		}
		return conn, nil
	}
	d := net.Dialer{KeepAlive: 30 * time.Second}
	if bind := config.get("BindAddress"); bind != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(bind)}
	}
	conn, err := d.DialContext(ctx, config.network(), config.address())
	if err != nil {
		return nil, &UnreachableError{Msg: sshFailed + dialWords(config, err), Err: err}
	}
	return conn, nil
}

// dialWords is ssh's wording of a TCP connection that failed.
func dialWords(config *sshConfig, err error) string {
	var dns *net.DNSError
	var address *net.AddrError
	if errors.As(err, &dns) || errors.As(err, &address) {
		return fmt.Sprintf("ssh: Could not resolve hostname %s: Name or service not known", config.host)
	}
	reason := err.Error()
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.As(err, &errno):
		reason = strings.ToUpper(errno.Error()[:1]) + errno.Error()[1:]
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		reason = "Connection timed out"
	}
	return fmt.Sprintf("ssh: connect to host %s port %d: %s", config.host, config.port, reason)
}

// connectThrough connects through a chain of hosts.
func (c *sshConn) connectThrough(ctx context.Context, t *Target, config *sshConfig, chain string, jumps int) (net.Conn, error) {
	hops := strings.Split(chain, ",")
	last := strings.TrimSpace(hops[len(hops)-1])
	user, host, port, err := splitHostPort(last)
	if err != nil {
		return nil, &UnreachableError{Msg: sshFailed + "ProxyJump: " + err.Error(), Err: err}
	}
	// The jump host has its own options: of the words only those that say where they stand.
	via := &Target{
		Name: t.Name + " (through " + last + ")", Address: host, Port: port, User: user,
		Password: t.Password, KeyPassphrase: t.KeyPassphrase, HostKeyChecking: t.HostKeyChecking, ConnectTimeout: t.ConnectTimeout,
	}
	if config.files != nil {
		via.SSHArgs = append(via.SSHArgs, "-F", firstOf(append(slices.Clone(config.files), "none")...))
	}
	if len(hops) > 1 {
		via.SSHArgs = append(via.SSHArgs, "-J", strings.Join(hops[:len(hops)-1], ","))
	}
	jump, err := resolveSSH(via)
	if err != nil {
		return nil, &UnreachableError{Msg: sshFailed + err.Error(), Err: err}
	}
	if len(hops) == 1 && jump.get("ProxyJump") == chain && jump.host == config.host {
		return nil, &UnreachableError{Msg: sshFailed + "the jump host " + last + " jumps through itself"}
	}
	way, err := c.pool.dialOnce(ctx, via, jump, jumps+1)
	if err != nil {
		return nil, err
	}
	c.way = way
	conn, err := way.client.DialContext(ctx, "tcp", config.address())
	if err != nil {
		return nil, &UnreachableError{Msg: sshFailed + fmt.Sprintf("through %s: %v", last, err), Err: err}
	}
	return conn, nil
}

// handshake greets, checks the host and authenticates.
func handshake(ctx context.Context, raw net.Conn, config *sshConfig, keys *keyring, checker *hostKeyChecker, limit time.Duration) (*ssh.Client, error) {
	sc := &ssh.ClientConfig{
		User: config.user, Auth: keys.methods(), HostKeyCallback: checker.check, Timeout: limit,
	}
	if err := config.choose(sc, checker.types()); err != nil {
		return nil, err
	}
	type answer struct {
		client *ssh.Client
		err    error
	}
	done := make(chan answer, 1)
	heard := &heardConn{Conn: raw}
	go func() {
		conn, chans, reqs, err := ssh.NewClientConn(heard, config.address(), sc)
		if err != nil {
			done <- answer{nil, err}
			return
		}
		done <- answer{ssh.NewClient(conn, chans, reqs), nil}
	}()
	// The limit is for the host's first words; a question to the user about its
	// key may take longer.
	timer := time.NewTimer(limit)
	defer timer.Stop()
	whole := time.NewTimer(limit + helloTime)
	defer whole.Stop()
	if checker.pool != nil && checker.pool.ask != nil {
		whole.Stop()
	}
	for {
		select {
		case a := <-done:
			return a.client, a.err
		case <-ctx.Done():
			raw.Close()
			return nil, ctx.Err()
		case <-timer.C:
			if heard.any.Load() {
				continue
			}
		case <-whole.C:
		}
		raw.Close()
		return nil, context.DeadlineExceeded
	}
}

// A heardConn notes whether the other side has said anything.
type heardConn struct {
	net.Conn
	any atomic.Bool
}

func (c *heardConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.any.Load() {
		c.any.Store(true)
	}
	return n, err
}

// handshakeFailure words what went wrong as ssh does.
func handshakeFailure(err error, config *sshConfig, keys *keyring, checker *hostKeyChecker, raw net.Conn) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	msg := err.Error()
	switch {
	case checker.err != nil:
		msg, err = checker.err.Error(), checker.err
	case strings.Contains(msg, "unable to authenticate"):
		msg = fmt.Sprintf("%s@%s: Permission denied (%s).", config.user, config.host, attempted(msg))
		if len(keys.problems) > 0 {
			msg += " " + strings.Join(slices.Compact(slices.Sorted(slices.Values(keys.problems))), "; ")
		}
	case errors.Is(err, context.DeadlineExceeded):
		msg = fmt.Sprintf("Connection timed out during banner exchange\nConnection to %s port %d timed out", config.host, config.port)
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		msg = fmt.Sprintf("kex_exchange_identification: Connection closed by remote host\nConnection closed by %s port %d", config.host, config.port)
	}
	if proxy, ok := raw.(*proxyConn); ok {
		if said := proxy.said(); said != "" {
			msg = said + "\n" + msg
		}
	}
	return &UnreachableError{Msg: sshFailed + msg, Err: err}
}

// attempted takes the methods out of x/crypto's message "[none publickey]".
func attempted(msg string) string {
	_, rest, ok := strings.Cut(msg, "attempted methods [")
	if !ok {
		return "no method"
	}
	list, _, _ := strings.Cut(rest, "]")
	methods := strings.Fields(strings.TrimPrefix(list, "none"))
	if len(methods) == 0 {
		return "no key or password was offered"
	}
	return strings.Join(slices.Compact(methods), ",")
}

// An sshConn is one TCP connection to a host.
type sshConn struct {
	name      string
	pool      *pool
	client    *ssh.Client
	way       *sshConn    // the jump host under it
	forwarded *keyring    // the user's ssh-agent, for ForwardAgent
	env       [][2]string // sent to every session: SendEnv and SetEnv

	// another makes a connection like this one, for a server that grants a
	// connection fewer sessions (MaxSessions) than are wanted.
	another func(ctx context.Context) (*sshConn, error)

	gone   chan struct{} // closed when the connection has ended
	mu     sync.Mutex
	closed bool
	others []*sshConn // that another made
	err    error      // why it ended
}

// watch waits for the connection's end.
func (c *sshConn) watch() {
	err := c.client.Wait()
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	close(c.gone)
}

// down is the error of every call after the end.
func (c *sshConn) down() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return &UnreachableError{Msg: fmt.Sprintf("the connection to %s is closed", c.name)}
	}
	reason := "Connection closed by remote host"
	if c.err != nil && c.err != io.EOF {
		reason = c.err.Error()
	}
	return &UnreachableError{Msg: sshFailed + reason, Err: c.err}
}

// keepAlive asks the host now and then whether it is there, and ends the
// connection where it does not answer.
func (c *sshConn) keepAlive(config *sshConfig) {
	every := time.Duration(config.number("ServerAliveInterval", keepaliveTime)) * time.Second
	if every <= 0 {
		every = keepaliveTime * time.Second
	}
	patience := every * time.Duration(max(1, config.number("ServerAliveCountMax", keepaliveCount)))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-c.gone:
			return
		case <-ticker.C:
		}
		answered := make(chan struct{})
		go func() {
			c.client.SendRequest("keepalive@openssh.com", true, nil) // any answer will do, also "no"
			close(answered)
		}()
		select {
		case <-answered:
		case <-c.gone:
			return
		case <-time.After(patience):
			c.mu.Lock()
			c.err = fmt.Errorf("Timeout, server %s not responding.", c.name)
			c.mu.Unlock()
			c.client.Close()
			return
		}
	}
}

func (c *sshConn) closeWay() {
	if c.way != nil {
		c.way.Close()
	}
}

func (c *sshConn) Close() error {
	c.mu.Lock()
	closed, others := c.closed, c.others
	c.closed, c.others = true, nil
	c.mu.Unlock()
	if closed {
		return nil
	}
	for _, o := range others {
		o.Close()
	}
	err := c.client.Close()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		err = nil // it had ended before
	}
	if c.forwarded != nil {
		c.forwarded.close()
	}
	c.closeWay()
	return err
}

func (c *sshConn) Start(ctx context.Context, cmd string, o StartOptions) (Process, error) {
	p, err := c.start(ctx, cmd, o)
	if err == nil {
		return p, nil
	}
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) || c.another == nil {
		return nil, err
	}
	c.mu.Lock()
	others := c.others
	c.mu.Unlock()
	for _, other := range others {
		if p, otherErr := other.start(ctx, cmd, o); otherErr == nil {
			return p, nil
		}
	}
	other, dialErr := c.another(ctx)
	if dialErr != nil {
		return nil, err
	}
	if p, err = other.start(ctx, cmd, o); err != nil {
		other.Close()
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		other.Close()
		return nil, &UnreachableError{Msg: fmt.Sprintf("the connection to %s is closed", c.name)}
	}
	c.others = append(c.others, other)
	return p, nil
}

// start starts a command over this very connection.
func (c *sshConn) start(ctx context.Context, cmd string, o StartOptions) (*sshProcess, error) {
	select {
	case <-c.gone:
		return nil, c.down()
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := c.client.NewSession()
	if err != nil {
		return nil, c.startFailure(err)
	}
	p, err := c.startIn(s, cmd, o)
	if err != nil {
		s.Close()
		return nil, c.startFailure(err)
	}
	p.stop = context.AfterFunc(ctx, func() { p.Kill() })
	return p, nil
}

func (c *sshConn) startFailure(err error) error {
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		return &UnreachableError{Msg: fmt.Sprintf("%s%s refuses another session (MaxSessions?): %s", sshFailed, c.name, refused.Message), Err: err}
	}
	select {
	case <-c.gone:
		return c.down()
	case <-time.After(time.Second):
		return &UnreachableError{Msg: sshFailed + err.Error(), Err: err}
	}
}

func (c *sshConn) startIn(s *ssh.Session, cmd string, o StartOptions) (*sshProcess, error) {
	p := &sshProcess{conn: c, session: s, killed: make(chan struct{})}
	var err error
	if p.stdin, err = s.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = s.StdoutPipe(); err != nil {
		return nil, err
	}
	if p.stderr, err = s.StderrPipe(); err != nil {
		return nil, err
	}
	if c.forwarded != nil {
		// A server may forbid it, and OpenSSH's grants it once a connection, for
		// all of its sessions: that it is denied is no failure, as for ssh.
		_ = agent.RequestAgentForwarding(s)
	}
	for _, e := range c.env {
		// No answer is waited for: a server takes what it likes.
		if _, err := s.SendRequest("env", false, ssh.Marshal(struct{ Name, Value string }{e[0], e[1]})); err != nil {
			return nil, err
		}
	}
	if o.TTY {
		if err := s.RequestPty("vt100", 24, 80, ssh.TerminalModes{ssh.ECHO: 0}); err != nil {
			return nil, err
		}
	}
	return p, s.Start(cmd)
}

func (c *sshConn) Put(ctx context.Context, r io.Reader, size int64, path string, perm uint32) error {
	return putByShell(ctx, c, r, size, path, perm)
}

func (c *sshConn) Get(ctx context.Context, path string, w io.Writer) error {
	return getByShell(ctx, c, path, w)
}

// An sshProcess is a command in a session of its own.
type sshProcess struct {
	conn           *sshConn
	session        *ssh.Session
	stdin          io.WriteCloser
	stdout, stderr io.Reader
	stop           func() bool
	killed         chan struct{} // closed by Kill
	killOnce       sync.Once

	once sync.Once
	rc   int
	err  error
}

func (p *sshProcess) Stdin() io.WriteCloser { return p.stdin }
func (p *sshProcess) Stdout() io.Reader     { return p.stdout }
func (p *sshProcess) Stderr() io.Reader     { return p.stderr }

func (p *sshProcess) Wait() (int, error) {
	p.once.Do(func() {
		err := p.await()
		if p.stop != nil {
			p.stop()
		}
		p.session.Close()
		var exit *ssh.ExitError
		var missing *ssh.ExitMissingError
		switch {
		case err == nil:
		case errors.As(err, &exit):
			p.rc = exit.ExitStatus()
			if exit.Signal() != "" && p.rc == 0 {
				p.rc = 128
			}
		case errors.As(err, &missing):
			p.rc = -1
			select {
			case <-p.conn.gone:
				p.err = p.conn.down()
			case <-time.After(100 * time.Millisecond): // it was killed by us
			}
		default:
			p.rc, p.err = -1, p.conn.startFailure(err)
		}
	})
	return p.rc, p.err
}

// await waits for the command, not long for one that was killed: a server that
// passes no signals on (OpenSSH for root) keeps the channel while the command runs.
func (p *sshProcess) await() error {
	done := make(chan error, 1)
	go func() { done <- p.session.Wait() }()
	select {
	case err := <-done:
		return err
	case <-p.killed:
	}
	select {
	case err := <-done:
		return err
	case <-time.After(500 * time.Millisecond):
		return &ssh.ExitMissingError{}
	}
}

// Kill ends the command: its signal, where the server passes signals on, and
// the end of its streams.
func (p *sshProcess) Kill() error {
	defer p.killOnce.Do(func() { close(p.killed) })
	// Errors mean that it is over already.
	_ = p.session.Signal(ssh.SIGKILL)
	_ = p.session.Close()
	return nil
}

// A proxyConn is the stream through a ProxyCommand.
type proxyConn struct {
	io.Reader
	io.WriteCloser
	cmd    *exec.Cmd
	errs   tail          // what it printed to stderr
	exited chan struct{} // closed then
	once   sync.Once     // of Close
}

func startProxy(command string) (net.Conn, error) {
	cmd := exec.Command("/bin/sh", "-c", "exec "+command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c := &proxyConn{Reader: out, WriteCloser: in, cmd: cmd, exited: make(chan struct{})}
	cmd.Stderr = &c.errs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return c, nil
}

// said is what a command that has been closed printed to stderr.
func (c *proxyConn) said() string {
	select {
	case <-c.exited:
	case <-time.After(time.Second):
	}
	return strings.TrimSpace(c.errs.String())
}

func (c *proxyConn) Close() (err error) {
	c.once.Do(func() {
		err = c.WriteCloser.Close()
		// One that ends by itself may have something to say.
		end := time.AfterFunc(200*time.Millisecond, func() { syscall.Kill(-c.cmd.Process.Pid, syscall.SIGTERM) })
		go func() {
			c.cmd.Wait()
			end.Stop()
			close(c.exited)
		}()
	})
	return err
}

type proxyAddr struct{}

func (proxyAddr) Network() string { return "pipe" }
func (proxyAddr) String() string  { return "through a ProxyCommand" }

func (c *proxyConn) LocalAddr() net.Addr              { return proxyAddr{} }
func (c *proxyConn) RemoteAddr() net.Addr             { return proxyAddr{} }
func (c *proxyConn) SetDeadline(time.Time) error      { return nil }
func (c *proxyConn) SetReadDeadline(time.Time) error  { return nil }
func (c *proxyConn) SetWriteDeadline(time.Time) error { return nil }
