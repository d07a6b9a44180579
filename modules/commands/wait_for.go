package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"gorun/modules"
	"gorun/modules/pyre"
)

type waitForArgs struct {
	ActiveConnectionStates []string `arg:"active_connection_states"`
	ConnectTimeout         int      `arg:"connect_timeout"`
	Delay                  int      `arg:"delay"`
	ExcludeHosts           []string `arg:"exclude_hosts"`
	Host                   string   `arg:"host"`
	Msg                    string   `arg:"msg"`
	Path                   string   `arg:"path"`
	Port                   *int     `arg:"port"`
	SearchRegex            string   `arg:"search_regex"`
	Sleep                  int      `arg:"sleep"`
	State                  string   `arg:"state"`
	Timeout                int      `arg:"timeout"`
}

// WaitFor is ansible.builtin.wait_for.
var WaitFor = modules.Define(modules.Spec{
	Name: "ansible.builtin.wait_for",
	Doc:  "Wait until a port opens or closes, a file appears, goes or holds a text, or for a time.",
	Options: []modules.Option{
		{Name: "active_connection_states", Type: modules.List, Elements: modules.Str, Default: []any{"ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"}, Doc: "The TCP states that count as an active connection for state drained."},
		{Name: "connect_timeout", Type: modules.Int, Default: 5, Doc: "Seconds that one attempt to connect may take."},
		{Name: "delay", Type: modules.Int, Default: 0, Doc: "Seconds to wait before the first look."},
		{Name: "exclude_hosts", Type: modules.List, Elements: modules.Str, Doc: "Hosts whose connections do not count for state drained."},
		{Name: "host", Default: "127.0.0.1", Doc: "The host whose port is looked at."},
		{Name: "msg", Doc: "What to say instead of the usual message when time is over."},
		{Name: "path", Type: modules.Path, Doc: "A file to wait for."},
		{Name: "port", Type: modules.Int, Doc: "A TCP port to wait for."},
		{Name: "search_regex", Doc: "A regular expression that the file, or what the port sends, must match."},
		{Name: "sleep", Type: modules.Int, Default: 1, Doc: "Seconds between two looks."},
		{Name: "state", Default: "started", Choices: []string{"absent", "drained", "present", "started", "stopped"}, Doc: "What to wait for: an open port or a file (started, present), a closed port or no file (stopped, absent), no connections (drained)."},
		{Name: "timeout", Type: modules.Int, Default: 300, Doc: "Seconds after which it fails."},
	},
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *waitForArgs) (*modules.Result, error) {
	w := &waiter{a: a, start: time.Now()}
	return w.run(ctx)
})

// A waiter is one run of wait_for.
type waiter struct {
	a        *waitForArgs
	re       *pyre.Regexp
	start    time.Time
	groups   []any
	named    map[string]any
	excluded []net.IP
}

func (w *waiter) elapsed() int { return int(time.Since(w.start).Seconds()) }

func (w *waiter) fail(format string, args ...any) error {
	return modules.FailWith(map[string]any{"elapsed": w.elapsed()}, format, args...)
}

func (w *waiter) check() error {
	a := w.a
	switch {
	case a.Port != nil && a.Path != "":
		return w.fail("port and path parameter can not both be passed to wait_for")
	case a.Path != "" && a.State == "stopped":
		return w.fail("state=stopped should only be used for checking a port in the wait_for module")
	case a.Path != "" && a.State == "drained":
		return w.fail("state=drained should only be used for checking a port in the wait_for module")
	case a.ExcludeHosts != nil && a.State != "drained":
		return w.fail("exclude_hosts should only be with state=drained")
	}
	for _, s := range a.ActiveConnectionStates {
		if tcpStates[s] == 0 {
			return w.fail("unknown active_connection_state (%s) defined", s)
		}
	}
	if a.SearchRegex != "" {
		re, err := pyre.Compile(a.SearchRegex, pyre.Multiline)
		if err != nil {
			return w.fail("Invalid regular expression: %w", err)
		}
		w.re = re
	}
	if a.State == "drained" {
		return w.resolveHosts()
	}
	return nil
}

func (w *waiter) run(ctx context.Context) (*modules.Result, error) {
	a := w.a
	if err := w.check(); err != nil {
		return nil, err
	}
	if err := pause(ctx, time.Duration(a.Delay)*time.Second); err != nil {
		return nil, w.fail("cancelled")
	}
	if a.Port == nil && a.Path == "" && a.State != "drained" {
		if err := pause(ctx, time.Duration(a.Timeout)*time.Second); err != nil {
			return nil, w.fail("cancelled")
		}
		return w.result(), nil
	}
	end := w.start.Add(time.Duration(a.Timeout) * time.Second)
	for time.Now().Before(end) {
		if w.reached(ctx, end) {
			return w.result(), nil
		}
		if err := pause(ctx, min(time.Duration(a.Sleep)*time.Second, time.Until(end))); err != nil {
			return nil, w.fail("cancelled")
		}
	}
	return nil, w.fail("%s", w.timeoutMessage())
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (w *waiter) result() *modules.Result {
	groups, named := w.groups, w.named
	if groups == nil {
		groups, named = []any{}, map[string]any{}
	}
	orNil := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	var port any
	if w.a.Port != nil {
		port = *w.a.Port
	}
	return &modules.Result{Data: map[string]any{"state": w.a.State, "port": port, "search_regex": orNil(w.a.SearchRegex),
		"match_groups": groups, "match_groupdict": named, "path": orNil(w.a.Path), "elapsed": w.elapsed()}}
}

func (w *waiter) timeoutMessage() string {
	a := w.a
	port := 0
	if a.Port != nil {
		port = *a.Port
	}
	hostPort := fmt.Sprintf("%s:%d", a.Host, port)
	switch {
	case a.Msg != "":
		return a.Msg
	case a.State == "drained":
		return fmt.Sprintf("Timeout when waiting for %s to drain", hostPort)
	case a.State == "absent" || a.State == "stopped":
		if a.Port != nil {
			return fmt.Sprintf("Timeout when waiting for %s to stop.", hostPort)
		}
		return fmt.Sprintf("Timeout when waiting for %s to be absent.", a.Path)
	case a.Port != nil && w.re != nil:
		return fmt.Sprintf("Timeout when waiting for search string %s in %s", a.SearchRegex, hostPort)
	case a.Port != nil:
		return "Timeout when waiting for " + hostPort
	case w.re != nil:
		return fmt.Sprintf("Timeout when waiting for search string %s in %s", a.SearchRegex, a.Path)
	}
	return "Timeout when waiting for file " + a.Path
}

// reached looks once.
func (w *waiter) reached(ctx context.Context, end time.Time) bool {
	a := w.a
	switch {
	case a.State == "drained":
		n, err := w.activeConnections()
		return err == nil && n == 0
	case a.State == "absent" || a.State == "stopped":
		if a.Path != "" {
			_, err := os.Stat(a.Path)
			return errors.Is(err, fs.ErrNotExist)
		}
		c, err := w.dial(ctx, end)
		if err == nil {
			c.Close()
		}
		return err != nil
	case a.Path != "":
		return w.fileReady()
	}
	c, err := w.dial(ctx, end)
	if err != nil {
		return false
	}
	defer c.Close()
	return w.re == nil || w.portSends(ctx, c, end)
}

func (w *waiter) dial(ctx context.Context, end time.Time) (net.Conn, error) {
	limit := time.Duration(w.a.ConnectTimeout) * time.Second
	d := net.Dialer{Timeout: max(min(limit, time.Until(end)), time.Millisecond)}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(w.a.Host, strconv.Itoa(*w.a.Port)))
}

func (w *waiter) fileReady() bool {
	if w.re == nil {
		_, err := os.Stat(w.a.Path)
		return err == nil
	}
	data, err := os.ReadFile(w.a.Path)
	return err == nil && w.match(string(data))
}

// portSends reads until what came matches, the other side closes, or time is over.
func (w *waiter) portSends(ctx context.Context, c net.Conn, end time.Time) bool {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetReadDeadline(end); err != nil {
		return false
	}
	var data []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		data = append(data, buf[:n]...)
		if n > 0 && w.match(string(data)) {
			return true
		}
		if err != nil {
			return false
		}
	}
}

func (w *waiter) match(text string) bool {
	found := w.re.Search(text)
	if found == nil {
		return false
	}
	w.groups, w.named = []any{}, map[string]any{}
	value := func(i int) any {
		if s, ok := found.Group(i); ok {
			return s
		}
		return nil
	}
	for i := 1; i <= w.re.NumGroups(); i++ {
		w.groups = append(w.groups, value(i))
	}
	for name, i := range w.re.GroupIndex() {
		w.named[name] = value(i)
	}
	return true
}
