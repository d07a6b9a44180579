package transport

// This file keeps connections and agents for a run.

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorun/modules"
	"gorun/modules/registry"
)

// closeTime is for how long an agent may take to end at its stdin's end.
const closeTime = 2 * time.Second

// An Option changes what NewHosts returns.
type Option func(*pool)

// WithAsk has questions (an unknown host key) asked by ask, which returns the
// answer. Without it nothing is asked, and an unknown host is unreachable.
func WithAsk(ask func(ctx context.Context, question string, secret bool) (string, error)) Option {
	return func(p *pool) { p.ask = ask }
}

// WithLog has what connections do told to log: level as the count of -v.
func WithLog(log func(level int, host, msg string)) Option {
	return func(p *pool) { p.log = log }
}

// WithModules has modules on the controller found by lookup instead of the registry.
func WithModules(lookup func(name string) *modules.Module) Option {
	return func(p *pool) { p.lookup = lookup }
}

// WithDial has connections of every kind made by dial.
func WithDial(dial func(ctx context.Context, t *Target) (Conn, error)) Option {
	return func(p *pool) { p.dialer = dial }
}

// NewHosts returns Hosts without a connection yet.
func NewHosts(options ...Option) Hosts {
	p := &pool{
		lookup: registry.Lookup,
		log:    func(int, string, string) {},
		links:  make(map[string]*link),
		hosts:  make(map[hostKey]*host),
		seed:   maphash.MakeSeed(),
	}
	for _, o := range options {
		o(p)
	}
	return p
}

type pool struct {
	lookup func(name string) *modules.Module
	ask    func(ctx context.Context, question string, secret bool) (string, error)
	askMu  sync.Mutex           // one question at a time
	opened map[string]openedKey // by the path; what askMu guards
	log    func(level int, host, msg string)
	dialer func(ctx context.Context, t *Target) (Conn, error) // nil: by the target's kind
	seed   maphash.Seed

	mu    sync.Mutex
	links map[string]*link
	hosts map[hostKey]*host
	tmp   string // files of PutTemp for the controller itself
	// closed says that Close was called.
	closed bool
}

type hostKey struct {
	target string
	become Become
}

// A link is the one connection of a target; hosts of several become users share it.
type link struct {
	mu     chan struct{} // a lock that a context can break
	conn   Conn
	dialed bool // it was connected once: no waiting for a boot any more
	// file is the agent that was last started on the host, as whatever user.
	file atomic.Pointer[string]
}

// agentFile is the path on the host of an agent that was started there, "" for none.
func (l *link) agentFile() string {
	if f := l.file.Load(); f != nil {
		return *f
	}
	return ""
}

// key tells targets apart that need connections of their own.
func (t *Target) key(seed maphash.Seed) string {
	var secret maphash.Hash // secrets themselves stay out of the key
	secret.SetSeed(seed)
	secret.WriteString(t.Password)
	secret.WriteByte(0)
	secret.WriteString(t.KeyPassphrase)
	secret.WriteByte(0)
	secret.WriteString(t.Key)
	for _, name := range slices.Sorted(maps.Keys(t.Vars)) {
		secret.WriteString("\x00" + name + "=" + t.Vars[name])
	}
	parts := []string{
		t.Name, t.Address, t.Connection, fmt.Sprint(t.Port), t.User, t.KeyFile, t.AgentDir, t.SSHExecutable,
		fmt.Sprint(t.HostKeyChecking, secret.Sum64()), strings.Join(t.SSHArgs, "\x01"), strings.Join(t.SSHExtraArgs, "\x01"),
	}
	return strings.Join(parts, "\x00")
}

// Host returns the host of a target, connecting lazily at the first call.
func (p *pool) Host(t Target, b Become) Host {
	key := hostKey{t.key(p.seed), b}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.hosts[key]; h != nil {
		return h
	}
	l := p.links[key.target]
	if l == nil {
		l = &link{mu: make(chan struct{}, 1)}
		p.links[key.target] = l
	}
	h := &host{pool: p, target: t, become: b, link: l, key: key, lock: make(chan struct{}, 1)}
	p.hosts[key] = h
	return h
}

// Close ends all agents and connections.
func (p *pool) Close() error {
	p.mu.Lock()
	p.closed = true
	hosts, links, tmp := p.hosts, p.links, p.tmp
	p.hosts, p.links, p.tmp = nil, nil, ""
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Go(h.closeAgent)
	}
	wg.Wait()
	errs := make(chan error, len(links))
	for _, l := range links {
		wg.Go(func() { errs <- l.close() })
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	if tmp != "" {
		all = append(all, os.RemoveAll(tmp))
	}
	return errors.Join(all...)
}

// lock takes a lock that ctx can break.
func lock(ctx context.Context, mu chan struct{}) error {
	select {
	case mu <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// get returns the link's connection, made where there is none.
func (l *link) get(ctx context.Context, p *pool, t *Target) (Conn, error) {
	if err := lock(ctx, l.mu); err != nil {
		return nil, err
	}
	defer func() { <-l.mu }()
	if l.conn != nil {
		return l.conn, nil
	}
	target := *t
	if l.dialed {
		target.BootWait = 0
	}
	conn, err := p.dial(ctx, &target)
	if err != nil {
		return nil, err
	}
	l.conn, l.dialed = conn, true
	return conn, nil
}

// drop forgets conn, if it still is the link's, and closes it.
func (l *link) drop(conn Conn) {
	l.mu <- struct{}{}
	defer func() { <-l.mu }()
	if conn != nil && l.conn == conn {
		l.conn.Close()
		l.conn = nil
	}
}

func (l *link) close() error {
	l.mu <- struct{}{}
	defer func() { <-l.mu }()
	if l.conn == nil {
		return nil
	}
	err := l.conn.Close()
	l.conn = nil
	return err
}

// dial makes a connection of the target's kind.
func (p *pool) dial(ctx context.Context, t *Target) (Conn, error) {
	if p.dialer != nil {
		return p.dialer(ctx, t)
	}
	switch t.Connection {
	case "local":
		return NewLocal(), nil
	case "ssh", "smart", "paramiko", "":
		return p.dialSSH(ctx, t)
	}
	return newExecConn(t)
}

// question asks the user; one at a time.
func (p *pool) question(ctx context.Context, text string) (string, error) {
	p.askMu.Lock()
	defer p.askMu.Unlock()
	return p.ask(ctx, text, false)
}

// tempDir is a folder of the controller, removed by Close.
func (p *pool) tempDir() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", errors.New("the connections are closed")
	}
	if p.tmp == "" {
		dir, err := os.MkdirTemp("", "gorun-")
		if err != nil {
			return "", err
		}
		p.tmp = dir
	}
	return p.tmp, nil
}

// Dial makes one connection to t, which the caller closes. A run uses NewHosts.
func Dial(ctx context.Context, t Target, options ...Option) (Conn, error) {
	return NewHosts(options...).(*pool).dial(ctx, &t)
}
