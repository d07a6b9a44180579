package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/engine/callback"
	"gorun/engine/transport"
	"gorun/templates"
)

// slowHosts are hosts whose answers take so long that whatever may be sent
// before them is.
type slowHosts struct {
	memHosts
	ahead int // how many requests have to come before the first is answered
	late  bool

	mu    sync.Mutex
	known map[string]*slowHost
	came  []string // the requests in the order they came
	open  int      // of them without an answer
	most  int
	more  chan struct{} // closed and made anew with every request
}

type slowHost struct {
	memHost
	all *slowHosts
}

func (s *slowHosts) Host(t transport.Target, b transport.Become) transport.Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := t.Name + " " + b.User
	if s.known == nil {
		s.known, s.more = map[string]*slowHost{}, make(chan struct{})
	}
	if s.known[key] == nil {
		s.known[key] = &slowHost{memHost{&s.memHosts, t, b}, s}
	}
	return s.known[key]
}

func (h *slowHost) Run(ctx context.Context, r transport.ModuleRequest) (json.RawMessage, error) {
	var args struct {
		Raw any `json:"_raw_params"`
	}
	if err := json.Unmarshal(r.Args, &args); err != nil {
		return nil, err
	}
	s := h.all
	s.mu.Lock()
	s.came = append(s.came, fmt.Sprint(args.Raw))
	s.open++
	s.most = max(s.most, s.open)
	close(s.more)
	s.more = make(chan struct{})
	s.mu.Unlock()
	if r.Order == nil && r.Sent != nil {
		return nil, fmt.Errorf("%v: sent ahead without an order", args.Raw)
	}
	if r.Sent != nil {
		r.Sent()
	}
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	out, err := h.memHost.Run(ctx, r)
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
	return out, err
}

// wait waits until the requests that are to come ahead have come.
func (s *slowHosts) wait(ctx context.Context) error {
	limit := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		n, more := len(s.came), s.more
		s.mu.Unlock()
		if n >= s.ahead {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		case <-limit:
			s.late = true
			return fmt.Errorf("%d requests came, %d were to come before an answer", n, s.ahead)
		}
	}
}

// items are the lines about items and what the debug task at the end says.
type items struct {
	recorder
	lines []string
}

func (r *items) Item(res callback.Result) {
	out, _ := res.Data.GetStr("stdout")
	if out == nil {
		out, _ = res.Data.GetStr("msg")
	}
	text := ""
	if out != nil {
		text = templates.StrOf(out, templates.Current)
	}
	r.lines = append(r.lines, strings.TrimSpace(fmt.Sprintf("%s %s: %s", res.ItemLabel, statusNames[res.Status], text)))
}

func TestLoopAhead(t *testing.T) {
	for _, c := range []struct {
		name, task string
		current    bool
		ahead      int    // requests that come before the first answer; 1: never two at a time
		came       string // the requests
		want       string // the items
	}{
		{name: "items of a loop", task: "{command: 'x{{ item }}', loop: [1, 2, 3, 4]}", ahead: 4,
			came: "x1 x2 x3 x4", want: "1 changed: x1, 2 changed: x2, 3 changed: x3, 4 changed: x4"},
		{name: "an item that fails", task: "{command: '{{ item }}', with_items: [a, 'false', c]}", ahead: 3,
			came: "a false c", want: "a changed: a, false failed: false, c changed: c"},
		{name: "a condition of the item", task: "{command: 'x{{ item }}', loop: [1, 2, 3], when: item != 2, register: r, changed_when: r.stdout == 'x3'}", ahead: 2,
			came: "x1 x3", want: "1 ok: x1, 2 skipped:, 3 changed: x3"},
		{name: "the result is asked for", task: "{command: \"{{ item }}{{ (r | default({'stdout': '-'})).stdout }}\", loop: [1, 2, 3], register: r}", ahead: 1,
			came: "1- 21- 321-", want: "1 changed: 1-, 2 changed: 21-, 3 changed: 321-"},
		{name: "the result is asked for by a variable", task: "{command: '{{ item }}{{ v }}', loop: [1, 2, 3], register: r, vars: {v: \"{{ r.stdout | default('-') }}\"}}", ahead: 1,
			came: "1- 21- 321-", want: "1 changed: 1-, 2 changed: 21-, 3 changed: 321-"},
		{name: "until one is well", task: "{command: '{{ item }}', loop: ['false', b, c], register: r, ignore_errors: true, when: r is not defined or r is failed}", ahead: 1,
			came: "false b", want: "false failed: false, b changed: b, c skipped:"},
		{name: "a skipped item is no result up to 2.18", task: "{command: \"{{ item }}{{ (r | default({})).stdout | default('-') }}\", loop: [1, 2, 3], register: r, when: item != 2}", ahead: 1,
			came: "1- 31-", want: "1 changed: 1-, 2 skipped:, 3 changed: 31-"},
		{name: "a skipped item is a result since", current: true, task: "{command: \"{{ item }}{{ (r | default({})).stdout | default('-') }}\", loop: [1, 2, 3], register: r, when: item != 2}", ahead: 1,
			came: "1- 3-", want: "1 changed: 1-, 2 skipped:, 3 changed: 3-"},
		{name: "only the last item asks", task: "{command: \"{{ item if item < 3 else r.stdout }}\", loop: [1, 2, 3], register: r}", ahead: 2,
			came: "1 2 2", want: "1 changed: 1, 2 changed: 2, 3 changed: 2"},
		{name: "other users", task: "{command: '{{ item }}', loop: [a, b], become: true, become_user: '{{ item }}'}", ahead: 1,
			came: "a b", want: "a changed: a, b changed: b"},
		{name: "other hosts", task: "{command: '{{ item }}', loop: [a, b], delegate_to: '{{ item }}'}", ahead: 1,
			came: "a b", want: "a changed: a, b changed: b"},
		{name: "a program's output", task: "{command: \"{{ lookup('pipe', 'echo x' ~ item) }}\", loop: [1, 2]}", ahead: 1,
			came: "x1 x2", want: "1 changed: x1, 2 changed: x2"},
		{name: "the clock", task: "{command: \"{{ item if now().year > 2000 }}\", loop: [1, 2]}", ahead: 1, came: "1 2", want: "1 changed: 1, 2 changed: 2"},
		{name: "until", task: "{command: 'x{{ item }}', loop: [1, 2], register: r, until: r.stdout != '', retries: 2, delay: 0}", ahead: 1, came: "x1 x2", want: "1 changed: x1, 2 changed: x2"},
		{name: "pause", task: "{command: 'x{{ item }}', loop: [1, 2], loop_control: {pause: 0.001}}", ahead: 1, came: "x1 x2", want: "1 changed: x1, 2 changed: x2"},
		{name: "break_when", current: true, task: "{command: 'x{{ item }}', loop: [1, 2, 3], register: r, loop_control: {break_when: r.stdout == 'x2'}}", ahead: 1, came: "x1 x2", want: "1 changed: x1, 2 changed: x2"},
		{name: "timeout", task: "{command: 'x{{ item }}', loop: [1, 2], timeout: 60}", ahead: 1, came: "x1 x2", want: "1 changed: x1, 2 changed: x2"},
		{name: "an argument without a value ends the loop up to 2.18", task: "{command: '{{ item.x }}', loop: [{x: 1}, {x: 2}, {}, {x: 4}], loop_control: {label: '{{ item.x | default(0) }}'}}", ahead: 2,
			came: "1 2", want: "1 changed: 1, 2 changed: 2"},
		{name: "an argument without a value fails its item since", current: true, task: "{command: '{{ item.x }}', loop: [{x: 1}, {}, {x: 4}], loop_control: {label: '{{ item.x | default(0) }}'}}", ahead: 2,
			came: "1 4", want: "1 changed: 1, 0 failed: Task failed: Finalization of task args for 'ansible.builtin.command' failed: Error while resolving value for '_raw_params': 'dict object' has no attribute 'x', 4 changed: 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hosts, rec := &slowHosts{ahead: c.ahead}, &items{}
			f := start(t, map[string]string{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - " + c.task + "\n"}, "h,", func(o *Options) {
				o.Hosts, o.Callback = hosts, rec
				if c.current {
					o.Era = templates.Current
				}
			})
			if f.err != nil {
				t.Fatal(f.err)
			}
			if got := strings.Join(hosts.came, " "); got != c.came {
				t.Errorf("requests %q, want %q", got, c.came)
			}
			if got := strings.Join(rec.lines, ", "); got != c.want {
				t.Errorf("items\n%s\nwant\n%s", got, c.want)
			}
			if hosts.most != c.ahead || hosts.late {
				t.Errorf("%d requests at the same time, want %d", hosts.most, c.ahead)
			}
		})
	}
}

// TestLoopAheadBound checks that not all of a long loop is on its way at once.
func TestLoopAheadBound(t *testing.T) {
	hosts, rec := &slowHosts{ahead: maxAhead}, &items{}
	f := start(t, map[string]string{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - {command: 'x{{ item }}', loop: '{{ range(600) | list }}'}\n"}, "h,", func(o *Options) {
		o.Hosts, o.Callback = hosts, rec
	})
	if f.err != nil || len(rec.lines) != 600 || !slices.IsSortedFunc(hosts.came, byNumber) {
		t.Errorf("%v, %d items, %s", f.err, len(rec.lines), hosts.came)
	}
	if hosts.most < maxAhead || hosts.most > maxAhead+2 { // one is being made, and one waits for its place
		t.Errorf("%d requests at the same time, want %d", hosts.most, maxAhead)
	}
}

func byNumber(a, b string) int { return (len(a)-len(b))*10 + strings.Compare(a, b) }
