package callback

// This file defines the live last line: on a terminal, the hosts that are
// still busy with the running task and for how long.

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Live keeps the last line of a terminal. It is never in a log or a pipe.
type Live struct {
	w       io.Writer
	columns int

	mu      sync.Mutex
	running map[string]time.Time
	shown   bool
	stop    chan struct{}
}

// NewLive returns a live line on a terminal of that many columns and starts
// its clock; Close ends it.
func NewLive(w io.Writer, columns int) *Live {
	l := &Live{w: w, columns: columns, running: map[string]time.Time{}, stop: make(chan struct{})}
	go l.tick()
	return l
}

func (l *Live) tick() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
			l.Show()
		}
	}
}

// Start says that a host has begun a task.
func (l *Live) Start(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running[host] = time.Now()
}

// Done says that a host has ended its task.
func (l *Live) Done(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, host)
}

// Clear removes the line before other text is printed.
func (l *Live) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		io.WriteString(l.w, "\r\x1b[K")
		l.shown = false
	}
}

// Show prints the line where a host has been busy for a second or more.
func (l *Live) Show() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	var longest time.Duration
	for h, since := range l.running {
		if d := time.Since(since); d >= time.Second {
			names = append(names, h)
			longest = max(longest, d)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	text := fmt.Sprintf("... %ds: %s", int(longest.Seconds()), strings.Join(names, ", "))
	if head, tail := cutRunes(text, l.columns-1); tail != "" {
		text = head
	}
	io.WriteString(l.w, "\r\x1b[K"+text)
	l.shown = true
}

// Close ends the clock and removes the line.
func (l *Live) Close() {
	close(l.stop)
	l.Clear()
}
