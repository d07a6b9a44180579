package commands

// This file counts TCP connections by /proc/net, for wait_for's state drained.

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"os"
	"strconv"
	"strings"
)

// tcpStates are the kernel's numbers (include/net/tcp_states.h).
var tcpStates = map[string]int{
	"ESTABLISHED": 1, "SYN_SENT": 2, "SYN_RECV": 3, "FIN_WAIT1": 4, "FIN_WAIT2": 5, "TIME_WAIT": 6,
}

func (w *waiter) resolveHosts() error {
	for _, h := range w.a.ExcludeHosts {
		ips, err := net.LookupIP(h)
		if err != nil {
			return w.fail("exclude_hosts: %w", err)
		}
		w.excluded = append(w.excluded, ips...)
	}
	return nil
}

// activeConnections counts connections to the local port in the states asked for.
func (w *waiter) activeConnections() (int, error) {
	locals, err := net.LookupIP(w.a.Host)
	if err != nil {
		return 0, err
	}
	states := make(map[int]bool)
	for _, s := range w.a.ActiveConnectionStates {
		states[tcpStates[s]] = true
	}
	count := 0
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // no IPv6
		}
		for line := range strings.Lines(string(data)) {
			c, ok := parseConnection(line)
			if ok && states[c.state] && w.a.Port != nil && c.localPort == *w.a.Port && w.counts(c, locals) {
				count++
			}
		}
	}
	return count, nil
}

func (w *waiter) counts(c connection, locals []net.IP) bool {
	for _, ip := range w.excluded {
		if ip.Equal(c.remote) {
			return false
		}
	}
	for _, ip := range locals {
		if ip.IsUnspecified() || c.local.IsUnspecified() || ip.Equal(c.local) {
			return true
		}
	}
	return false
}

type connection struct {
	local, remote net.IP
	localPort     int
	state         int
}

// parseConnection reads a line of /proc/net/tcp or tcp6.
func parseConnection(line string) (c connection, ok bool) {
	f := strings.Fields(line)
	if len(f) < 4 {
		return c, false
	}
	state, err := strconv.ParseInt(f[3], 16, 32)
	if err != nil {
		return c, false
	}
	c.state = int(state)
	if c.local, c.localPort, ok = parseAddress(f[1]); !ok {
		return c, false
	}
	c.remote, _, ok = parseAddress(f[2])
	return c, ok
}

// parseAddress reads the kernel's hexadecimal address:port; the address is in
// words of the host's byte order (little endian on what we build for, but s390x).
func parseAddress(s string) (net.IP, int, bool) {
	addr, port, ok := strings.Cut(s, ":")
	p, err := strconv.ParseUint(port, 16, 16)
	raw, err2 := hex.DecodeString(addr)
	if !ok || err != nil || err2 != nil || len(raw) != 4 && len(raw) != 16 {
		return nil, 0, false
	}
	ip := make(net.IP, len(raw))
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(ip[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	return ip, int(p), true
}
