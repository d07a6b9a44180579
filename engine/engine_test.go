package engine

// These tests run plays in memory: real templates, variables, inventory and
// loader, and a target that answers a handful of modules itself.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
	"gorun/vars/pyyaml"
)

// memHosts hands out targets that live in memory.
type memHosts struct {
	mu sync.Mutex
	// calls are "host module user" in the order they came; busy and most count
	// requests at the same time.
	calls      []string
	busy, most int
}

type memHost struct {
	hosts  *memHosts
	target transport.Target
	become transport.Become
}

func (m *memHosts) Host(t transport.Target, b transport.Become) transport.Host {
	return &memHost{m, t, b}
}
func (m *memHosts) Close() error { return nil }

// Run answers command (fails where the text says "false"), ping and stat.
func (h *memHost) Run(ctx context.Context, r transport.ModuleRequest) (json.RawMessage, error) {
	if strings.HasPrefix(h.target.Name, "gone") {
		return nil, &transport.UnreachableError{Msg: "no route"}
	}
	h.hosts.mu.Lock()
	h.hosts.calls = append(h.hosts.calls, strings.TrimSpace(h.target.Name+" "+r.Name+" "+h.become.User))
	h.hosts.busy++
	h.hosts.most = max(h.hosts.most, h.hosts.busy)
	h.hosts.mu.Unlock()
	defer func() {
		h.hosts.mu.Lock()
		h.hosts.busy--
		h.hosts.mu.Unlock()
	}()
	var args map[string]any
	if err := json.Unmarshal(r.Args, &args); err != nil {
		return nil, err
	}
	out := map[string]any{"changed": false}
	switch text, _ := args["_raw_params"].(string); {
	case text == "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	case strings.HasPrefix(text, "false"):
		out = map[string]any{"changed": true, "rc": 1, "failed": true, "msg": "non-zero return code", "stdout": text}
	case text != "":
		time.Sleep(time.Millisecond)
		out = map[string]any{"changed": true, "rc": 0, "stdout": text}
	}
	for k, v := range r.Env {
		out["env_"+k] = v
	}
	return json.Marshal(out)
}

func (h *memHost) Exec(context.Context, string, transport.ExecOptions) (transport.ExecResult, error) {
	return transport.ExecResult{}, nil
}
func (h *memHost) PutTemp(context.Context, io.Reader, int64, string) (string, error) {
	return "", errors.ErrUnsupported
}
func (h *memHost) PutBeside(context.Context, transport.Upload) (transport.Uploaded, error) {
	return transport.Uploaded{}, errors.ErrUnsupported
}
func (h *memHost) Fetch(context.Context, string, io.Writer) (string, error) {
	return "", errors.ErrUnsupported
}
func (h *memHost) Reset(context.Context) error { return nil }
func (h *memHost) Local() bool                 { return false }

// recorder writes down what the screen is told.
type recorder struct {
	lines []string
	stats callback.Stats
}

func (r *recorder) add(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

var statusNames = map[callback.Status]string{
	callback.OK: "ok", callback.Changed: "changed", callback.Failed: "failed", callback.Skipped: "skipped", callback.Unreachable: "unreachable",
}

func (r *recorder) PlaybookStart(string)      {}
func (r *recorder) PlayStart(p callback.Play) { r.add("play %s", p.Hosts) }
func (r *recorder) NoHostsMatched()           { r.add("no hosts") }
func (r *recorder) NoHostsRemaining()         { r.add("no hosts left") }
func (r *recorder) TaskStart(t callback.Task) { r.add("task %s", t.Name) }
func (r *recorder) HandlerTaskStart(t callback.Task) {
	r.add("handler %s", t.Name)
}
func (r *recorder) Result(res callback.Result) {
	if strings.HasSuffix(res.Task.Action, "include_tasks") && res.Status == callback.OK {
		return // Included tells of it
	}
	line := statusNames[res.Status] + " " + res.Host
	if res.DelegatedTo != "" {
		line += "->" + res.DelegatedTo
	}
	if msg, ok := res.Data.GetStr("msg"); ok && !res.Looped {
		line += " " + templates.StrOf(msg, templates.Current)
	}
	if res.IgnoreErrors {
		line += " (ignored)"
	}
	r.add("%s", line)
}
func (r *recorder) Item(res callback.Result) {
	r.add("%s %s item %s", statusNames[res.Status], res.Host, res.ItemLabel)
}
func (r *recorder) Retry(res callback.Result) { r.add("retry %s %d", res.Host, res.Attempt) }
func (r *recorder) Included(file string, hosts []string, item string) {
	r.add("included %s for %s %s", filepath.Base(file), strings.Join(hosts, ","), item)
}
func (r *recorder) Notified(handler, host string) {}
func (r *recorder) AsyncPoll(callback.Result)     {}
func (r *recorder) Stats(s callback.Stats)        { r.stats = s }
func (r *recorder) Warning(msg string)            { r.add("warning %s", msg) }
func (r *recorder) Deprecated(string)             {}
func (r *recorder) Verbose(int, string, string)   {}
func (r *recorder) Line(string, string)           {}
func (r *recorder) Display(msg string)            { r.add("display %s", msg) }

// A fixture is a run in memory.
type fixture struct {
	rec   *recorder
	hosts *memHosts
	out   Outcome
	err   error
}

// start runs a playbook in memory; change may change the options.
func start(t *testing.T, files map[string]string, hosts string, change func(o *Options)) *fixture {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := &fixture{rec: &recorder{}, hosts: &memHosts{}}
	tmpl := templates.New(TemplateOptions(templates.Era214, TemplateHooks{ReadFile: os.ReadFile, Warn: func(string) {}}))
	loader := playbook.NewLoader(playbook.Options{Era: templates.Current, KnownAction: KnownAction(nil)})
	inv, err := inventory.Load([]string{hosts}, inventory.Options{
		ReadFile: os.ReadFile, Warn: func(string) {}, Engine: tmpl, Era: templates.Era214,
		ParseYAML: func(data []byte, file string) (templates.Value, error) {
			return pyyaml.Parse(data, file, pyyaml.Options{Trusted: true})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Inventory: inv, Templates: tmpl, Loader: loader, Hosts: f.hosts, Callback: f.rec, Era: templates.Era214,
		Vars:       vars.New(vars.Options{Inventory: inv, LoadVars: loader.LoadVarsFile, Era: templates.Era214, Engine: tmpl, InjectFacts: true}),
		Gathering:  "explicit",
		Forks:      1,
		Connection: "ssh",
	}
	if change != nil {
		change(&o)
	}
	book, err := loader.Load(filepath.Join(dir, "site.yml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	f.out, f.err = New(o).Playbooks(ctx, []*playbook.Playbook{book})
	return f
}

// flow are the cases whose screen is compared as a whole. The orders and
// counts are those of ansible-core 2.14.18.
var flow = []struct {
	name, hosts, play string
	files             map[string]string
	want              string
	code              int
}{
	{
		name: "rescue and always", hosts: "a,b,",
		play: `
- hosts: all
  tasks:
    - block:
        - {name: first, command: "{{ 'false' if inventory_hostname == 'a' else 'x' }}"}
        - {name: second, command: x}
      rescue:
        - {name: saved, debug: {msg: "{{ ansible_failed_result.rc }} {{ ansible_failed_task.name }}"}}
      always:
        - {name: last, debug: {msg: "{{ inventory_hostname }}"}}
    - {name: after, command: x}
`,
		want: `play all
task first
failed a non-zero return code
changed b
task second
changed b
task saved
ok a 1 first
task last
ok a a
ok b b
task after
changed a
changed b`,
	},
	{
		name: "a failed host leaves, its always section runs", hosts: "a,b,", code: CodeFailed,
		play: `
- hosts: all
  tasks:
    - block:
        - {name: first, command: "{{ 'false' if inventory_hostname == 'a' else 'x' }}"}
      always:
        - {name: cleanup, debug: {msg: c}}
    - {name: after, command: x}
`,
		want: `play all
task first
failed a non-zero return code
changed b
task cleanup
ok a c
ok b c
task after
changed b`,
	},
	{
		name: "handlers in the order of their definition, once, before post_tasks", hosts: "a,",
		play: `
- hosts: all
  tasks:
    - {name: t, command: x, notify: [two, one, topic]}
    - {name: u, command: x, notify: two}
  post_tasks:
    - {name: p, debug: {msg: post}}
  handlers:
    - {name: one, debug: {msg: 1}}
    - {name: two, command: x, notify: three}
    - {name: three, debug: {msg: 3}}
    - {name: four, debug: {msg: 4}, listen: topic}
`,
		want: `play all
task t
changed a
task u
changed a
handler one
ok a 1
handler two
changed a
handler three
ok a 3
handler four
ok a 4
task p
ok a post`,
	},
	{
		name: "any_errors_fatal", hosts: "a,b,", code: CodeFailed,
		play: `
- hosts: all
  any_errors_fatal: true
  tasks:
    - {name: t, command: "{{ 'false' if inventory_hostname == 'b' else 'x' }}"}
    - {name: never, command: x}
- hosts: all
  tasks: [{name: never, command: x}]
`,
		want: `play all
task t
changed a
failed b non-zero return code
no hosts left`,
	},
	{
		name: "serial and run_once", hosts: "a,b,c,",
		play: `
- hosts: all
  serial: [1, 100%]
  tasks:
    - {name: once, command: "{{ inventory_hostname }}", run_once: true, register: r}
    - {name: seen, debug: {msg: "{{ r.stdout }}"}}
`,
		want: `play all
task once
changed a
task seen
ok a a
play all
task once
changed b
task seen
ok b b
ok c b`,
	},
	{
		name: "loop with until, skipped items and ignored failures", hosts: "a,",
		play: `
- hosts: all
  tasks:
    - name: l
      command: "{{ item }}"
      loop: [x, "false", skip]
      when: item != 'skip'
      register: r
      until: r.rc == 0
      retries: 1
      delay: 0
      ignore_errors: true
    - {name: sum, debug: {msg: "{{ r.results | length }} {{ r.results[1].attempts }} {{ r is failed }}"}}
`,
		want: `play all
task l
changed a item x
retry a 1
failed a item false
skipped a item skip
failed a (ignored)
task sum
ok a 3 1 True`,
	},
	{
		name: "hosts that include the same file go through it together", hosts: "a,b,c,",
		files: map[string]string{
			"one.yml": "- {name: one, debug: {msg: '{{ v }}{{ inventory_hostname }}'}}\n",
			"two.yml": "- {name: two, debug: {msg: '{{ v }}{{ inventory_hostname }}'}}\n",
		},
		play: `
- hosts: all
  tasks:
    - {name: i, include_tasks: "{{ {'b': 'two'}.get(inventory_hostname, 'one') }}.yml", vars: {v: 1}}
    - {name: end, debug: {msg: e}}
`,
		want: `play all
task i
included one.yml for a,c 
included two.yml for b 
task one
ok a 1a
ok c 1c
task two
ok b 1b
task end
ok a e
ok b e
ok c e`,
	},
	{
		name: "unreachable", hosts: "gone1,b,", code: CodeUnreachable,
		play: `
- hosts: all
  tasks:
    - {name: t, command: x}
    - {name: u, command: x}
`,
		want: `play all
task t
unreachable gone1 no route
changed b
task u
changed b`,
	},
	{
		name: "delegation and add_host", hosts: "a,",
		play: `
- hosts: all
  tasks:
    - {name: t, command: x, delegate_to: other, become: true, become_user: u}
    - {name: add, add_host: {name: new, groups: [g], v: 7}}
- hosts: g
  tasks: [{name: n, debug: {msg: "{{ v }} {{ group_names }}"}}]
`,
		want: `play all
task t
changed a->other
task add
changed a
play g
task n
ok new 7 ['g']`,
	},
}

func TestFlow(t *testing.T) {
	for _, c := range flow {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"site.yml": c.play}
			for n, text := range c.files {
				files[n] = text
			}
			f := start(t, files, c.hosts, nil)
			if f.err != nil {
				t.Fatal(f.err)
			}
			if got := strings.Join(f.rec.lines, "\n"); got != c.want {
				t.Errorf("the screen was told\n%s\n\nwant\n%s", got, c.want)
			}
			if f.out.Code != c.code {
				t.Errorf("code = %d, want %d", f.out.Code, c.code)
			}
		})
	}
}

func TestStats(t *testing.T) {
	f := start(t, map[string]string{"site.yml": `
- hosts: all
  tasks:
    - {command: "false", ignore_errors: true}
    - {command: x, when: false}
    - block: [{command: "false"}]
      rescue: [{debug: {msg: r}}]
    - {command: "false"}
`}, "a,", nil)
	want := callback.HostStats{OK: 2, Changed: 1, Failures: 1, Skipped: 1, Rescued: 1, Ignored: 1}
	if got := f.out.Stats.Hosts["a"]; got != want {
		t.Errorf("stats = %+v, want %+v", got, want)
	}
	if !slices.Equal(f.out.Failed, []string{"a"}) {
		t.Errorf("failed = %v", f.out.Failed)
	}
}

// many is an inventory of n hosts.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "h%d,", i)
	}
	return b.String()
}

func TestForksAndThrottle(t *testing.T) {
	for _, c := range []struct {
		name, extra string
		forks, most int
	}{{"forks", "", 4, 4}, {"throttle", ", throttle: 2", 8, 2}, {"free", "", 3, 3}} {
		t.Run(c.name, func(t *testing.T) {
			strategy := "linear"
			if c.name == "free" {
				strategy = "free"
			}
			f := start(t, map[string]string{"site.yml": "- hosts: all\n  strategy: " + strategy + "\n  tasks:\n    - {name: t, command: x" + c.extra + "}\n    - {name: u, command: x" + c.extra + "}\n"},
				many(40), func(o *Options) { o.Forks = c.forks })
			if f.err != nil || len(f.hosts.calls) != 80 {
				t.Fatalf("%d calls, error %v", len(f.hosts.calls), f.err)
			}
			if f.hosts.most > c.most {
				t.Errorf("%d requests at once, want at most %d", f.hosts.most, c.most)
			}
		})
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	f := start(t, map[string]string{"site.yml": "- hosts: all\n  tasks:\n    - {name: t, command: hang, timeout: 1}\n"}, "a,", nil)
	want := "failed a The command action failed to execute in the expected time frame (1) and was terminated"
	if !slices.Contains(f.rec.lines, want) {
		t.Errorf("the screen was told %q", f.rec.lines)
	}
}

func TestMissingHandlerEndsTheRun(t *testing.T) {
	f := start(t, map[string]string{"site.yml": "- hosts: all\n  tasks:\n    - {command: x, notify: nobody}\n"}, "a,", nil)
	if f.err == nil || !strings.Contains(f.err.Error(), "The requested handler 'nobody' was not found") || f.out.Code != CodeError {
		t.Errorf("error %v, code %d", f.err, f.out.Code)
	}
}

func TestNoLog(t *testing.T) {
	f := start(t, map[string]string{"site.yml": "- hosts: all\n  tasks:\n    - {name: t, command: secret, no_log: true, register: r}\n    - {name: u, debug: {msg: \"{{ r.rc }}\"}}\n"}, "a,", nil)
	if s := strings.Join(f.rec.lines, "\n"); strings.Contains(s, "secret") || !strings.Contains(s, "ok a 0") {
		t.Errorf("the screen was told %q", s)
	}
}
