package main

// This file delays a link without the kernel's netem, which is a module that
// many kernels lack.

import (
	"io"
	"net"
	"time"
)

// relay listens on the loopback device and passes every byte on to addr, and
// back, d later. Connecting takes a round trip too.
func relay(addr string, d time.Duration) (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return // closed
			}
			go serveRelay(c, addr, d)
		}
	}()
	return ln, nil
}

func serveRelay(c net.Conn, addr string, d time.Duration) {
	time.Sleep(2 * d)
	s, err := net.Dial("tcp", addr)
	if err != nil {
		c.Close()
		return
	}
	go later(s, c, d)
	later(c, s, d)
}

// later copies from r to w, each piece d after it came, and then closes w.
func later(w, r net.Conn, d time.Duration) {
	type piece struct {
		data []byte
		due  time.Time
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			buf := make([]byte, 32<<10)
			n, err := r.Read(buf)
			if n > 0 {
				pieces <- piece{buf[:n], time.Now().Add(d)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if _, err := w.Write(p.data); err != nil {
			break
		}
	}
	w.Close()
	for range pieces { // the reader ends with its connection
	}
	_, _ = io.Copy(io.Discard, r)
}
