package system

// This file looks at the process table in /proc.

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A process is one life of a pid: the pid may be used again, with another
// start time.
type process struct {
	pid     int
	started string // in clock ticks since boot
}

// processOf returns the living process with a pid; a zombie does not live.
func processOf(pid int) (process, bool) {
	p, zombie, ok := readProcess(pid)
	return p, ok && !zombie
}

func readProcess(pid int) (p process, zombie, ok bool) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, false, false
	}
	// The name in parentheses may hold blanks and parentheses.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return process{}, false, false
	}
	f := strings.Fields(string(b[i+1:]))
	const state, start = 0, 19
	if len(f) <= start {
		return process{}, false, false
	}
	return process{pid: pid, started: f[start]}, f[state] == "Z" || f[state] == "X", true
}

// there reports whether the process is in the table; a zombie is, and counts:
// the `kill -0` of a start script takes it for alive.
func (p process) there() bool {
	now, _, ok := readProcess(p.pid)
	return ok && now == p
}

// pids lists the processes, but for our own.
func pids() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out
}

// processesOf finds the processes that run a program, in our own root: a
// program of the same name in a container is another one.
func processesOf(program string) []process {
	want, err := os.Stat(program)
	if err != nil {
		return nil
	}
	var out []process
	for _, pid := range pids() {
		st, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
		if err != nil || !os.SameFile(st, want) {
			continue
		}
		if p, ok := processOf(pid); ok {
			out = append(out, p)
		}
	}
	return out
}

// processesLike finds the processes whose command line contains a text.
func processesLike(text string) []process {
	var out []process
	for _, pid := range pids() {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err != nil || !strings.Contains(string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})), text) {
			continue
		}
		if p, ok := processOf(pid); ok {
			out = append(out, p)
		}
	}
	return out
}

// waitGone waits until the processes have ended and are reaped, and returns those that have
// not when the time is over.
func waitGone(ctx context.Context, list []process, limit time.Duration) ([]process, error) {
	deadline := time.Now().Add(limit)
	step := 10 * time.Millisecond
	for {
		var left []process
		for _, p := range list {
			if p.there() {
				left = append(left, p)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left, nil
		}
		if err := pause(ctx, step); err != nil {
			return left, err
		}
		step = min(step*2, 250*time.Millisecond)
	}
}
