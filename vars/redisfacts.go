package vars

// This file keeps facts in Redis, in the form of Ansible's redis cache
// (https://docs.ansible.com/ansible/latest/collections/community/general/redis_cache.html).

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"gorun/templates"
)

// redisTime is for how long one exchange with the server may take.
const redisTime = 10 * time.Second

// redisMax is the size in bytes of the largest value that is read.
const redisMax = 64 << 20

// RedisFacts is a cache in a Redis server. Get parses what others may have
// written; it is never templated.
type RedisFacts struct {
	// Prefix is fact_caching_prefix, KeySet the sorted set of the hosts' names.
	Prefix, KeySet string
	// Timeout is fact_caching_timeout; 0: facts never grow old.
	Timeout time.Duration

	address, password, db string
	tls                   bool

	mu   sync.Mutex
	conn net.Conn // nil: not connected
	in   *bufio.Reader
}

// NewRedisFacts reads a connection of the form [tls://]host[:port[:db[:password]]],
// where the host may stand in brackets. The server is reached at the first use.
func NewRedisFacts(uri, prefix, keySet string, timeout time.Duration) (*RedisFacts, error) {
	c := &RedisFacts{Prefix: prefix, KeySet: keySet, Timeout: timeout}
	if c.Prefix == "" {
		c.Prefix = "ansible_facts"
	}
	if c.KeySet == "" {
		c.KeySet = "ansible_cache_keys"
	}
	uri, c.tls = strings.CutPrefix(uri, "tls://")
	if strings.Contains(uri, ";") {
		return nil, errors.New("fact_caching_connection: Redis Sentinel is not known to gorun")
	}
	host, rest := uri, ""
	if inner, ok := strings.CutPrefix(uri, "["); ok {
		host, rest, ok = strings.Cut(inner, "]")
		if !ok {
			return nil, errors.New("fact_caching_connection: a bracket is not closed")
		}
		rest = strings.TrimPrefix(rest, ":")
	} else {
		host, rest, _ = strings.Cut(uri, ":")
	}
	port, rest, _ := strings.Cut(rest, ":")
	c.db, c.password, _ = strings.Cut(rest, ":")
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "6379"
	}
	for _, number := range []string{port, c.db} {
		if _, err := strconv.ParseUint(number, 10, 16); err != nil && number != "" {
			return nil, fmt.Errorf("fact_caching_connection: %q is no number; host:port:db:password is wanted", number)
		}
	}
	c.address = net.JoinHostPort(host, port)
	return c, nil
}

// Get implements FactCache.
func (c *RedisFacts) Get(host string) (*templates.Dict, bool, error) {
	v, err := c.do("GET", c.Prefix+host)
	if err != nil || v == nil {
		return nil, false, err
	}
	data, ok := v.([]byte)
	if !ok {
		return nil, false, fmt.Errorf("redis: the facts of %s are no text", host)
	}
	facts, err := templates.FromJSON(data)
	if err != nil {
		return nil, false, fmt.Errorf("redis: the facts of %s: %w; they are not used", host, err)
	}
	d, ok := facts.(*templates.Dict)
	if !ok {
		return nil, false, fmt.Errorf("redis: the facts of %s are a %s; they are not used", host, facts.Type())
	}
	return d, true, nil
}

// Set implements FactCache.
func (c *RedisFacts) Set(host string, facts *templates.Dict) error {
	data, err := factsJSON(facts)
	if err != nil {
		return fmt.Errorf("the facts of %s: %w", host, err)
	}
	args := []string{"SET", c.Prefix + host, string(data)}
	if c.Timeout > 0 {
		args = append(args, "EX", strconv.Itoa(int(c.Timeout.Seconds())))
	}
	if _, err := c.do(args...); err != nil {
		return err
	}
	now := strconv.FormatFloat(float64(time.Now().UnixMicro())/1e6, 'f', 6, 64)
	_, err = c.do("ZADD", c.KeySet, now, host)
	return err
}

// Delete implements FactCache.
func (c *RedisFacts) Delete(host string) error {
	if _, err := c.do("DEL", c.Prefix+host); err != nil {
		return err
	}
	_, err := c.do("ZREM", c.KeySet, host)
	return err
}

// Flush implements FactCache.
func (c *RedisFacts) Flush() error {
	v, err := c.do("ZRANGE", c.KeySet, "0", "-1")
	if err != nil {
		return err
	}
	hosts, _ := v.([]any)
	for _, h := range hosts {
		if name, ok := h.([]byte); ok {
			if err := c.Delete(string(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// do sends a command and returns its answer: nil, []byte, int64 or []any. A
// connection that broke since the last command is made anew, once.
func (c *RedisFacts) do(args ...string) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := c.conn == nil
	for {
		v, err := c.exchange(args)
		var refused *redisError
		if err == nil || errors.As(err, &refused) {
			return v, err
		}
		if c.conn != nil {
			c.conn.Close()
			c.conn = nil
		}
		if fresh {
			return nil, fmt.Errorf("redis at %s: %w", c.address, err)
		}
		fresh = true
	}
}

// A redisError is the server's answer that a command failed.
type redisError struct{ msg string }

func (e *redisError) Error() string { return "redis: " + e.msg }

func (c *RedisFacts) exchange(args []string) (any, error) {
	if c.conn == nil {
		if err := c.open(); err != nil {
			return nil, err
		}
	}
	if err := c.conn.SetDeadline(time.Now().Add(redisTime)); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(c.conn, b.String()); err != nil {
		return nil, err
	}
	return c.read(0)
}

// open connects, and says the password and the database.
func (c *RedisFacts) open() error {
	d := &net.Dialer{Timeout: redisTime}
	var err error
	if c.tls {
		c.conn, err = tls.DialWithDialer(d, "tcp", c.address, nil)
	} else {
		c.conn, err = d.Dial("tcp", c.address)
	}
	if err != nil {
		c.conn = nil
		return err
	}
	c.in = bufio.NewReader(c.conn)
	for _, first := range [][]string{{"AUTH", c.password}, {"SELECT", c.db}} {
		if first[1] == "" {
			continue
		}
		if _, err := c.exchange(first); err != nil {
			c.conn.Close()
			c.conn = nil
			return err
		}
	}
	return nil
}

// read reads an answer (https://redis.io/docs/latest/develop/reference/protocol-spec/, RESP 2).
func (c *RedisFacts) read(depth int) (any, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(line), "\r\n")
	if text == "" || depth > 2 {
		return nil, errors.New("the answer is none of Redis's")
	}
	kind, rest := text[0], text[1:]
	switch kind {
	case '+':
		return []byte(rest), nil
	case '-':
		return nil, &redisError{rest}
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	switch {
	case err != nil || n > redisMax:
		return nil, errors.New("the answer is none of Redis's")
	case kind == ':':
		return n, nil
	case n < 0 && (kind == '$' || kind == '*'):
		return nil, nil
	case kind == '$':
		data := make([]byte, n+2)
		if _, err := io.ReadFull(c.in, data); err != nil {
			return nil, err
		}
		return data[:n], nil
	case kind == '*':
		var list []any
		for range n {
			v, err := c.read(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return nil, errors.New("the answer is none of Redis's")
}
