package engine

// This file measures how a run grows with its hosts: the real engine and
// transport, the real agent behind the wire protocol, and connections that are
// pipes in memory.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/modules/agent"
	"gorun/modules/registry"
	"gorun/templates"
	"gorun/vars"
	"gorun/vars/inventory"
	"gorun/vars/pyyaml"
)

// pipeConn is a connection to an agent in this process.
type pipeConn struct{}

// bootRE finds the mark of the command's start and the word by which the boot
// script answers.
var bootRE = regexp.MustCompile(`echo (\S+); echo \S+ >&2; .*\bn=(\w+);`)

// Start answers the boot script as a host does that has the agent cached.
func (pipeConn) Start(ctx context.Context, cmd string, _ transport.StartOptions) (transport.Process, error) {
	words := bootRE.FindStringSubmatch(cmd)
	if words == nil {
		return nil, fmt.Errorf("not the boot script: %s", cmd)
	}
	p := &pipeProcess{done: make(chan struct{}), errs: strings.NewReader(words[1] + "\n")}
	var in io.Reader
	var out *io.PipeWriter
	in, p.in = io.Pipe()
	p.out, out = io.Pipe()
	go func() {
		defer close(p.done)
		if _, err := io.WriteString(out, words[1]+"\nGORUN-OK-"+words[2]+"\n"); err != nil {
			return
		}
		out.CloseWithError(agent.Serve(ctx, in, out, registry.Lookup))
	}()
	return p, nil
}

func (pipeConn) Put(context.Context, io.Reader, int64, string, uint32) error {
	return errors.ErrUnsupported
}
func (pipeConn) Get(context.Context, string, io.Writer) error { return errors.ErrUnsupported }
func (pipeConn) Close() error                                 { return nil }

type pipeProcess struct {
	in   *io.PipeWriter
	out  *io.PipeReader
	errs io.Reader
	done chan struct{}
}

func (p *pipeProcess) Stdin() io.WriteCloser { return p.in }
func (p *pipeProcess) Stdout() io.Reader     { return p.out }
func (p *pipeProcess) Stderr() io.Reader     { return p.errs }
func (p *pipeProcess) Wait() (int, error)    { <-p.done; return 0, nil }
func (p *pipeProcess) Kill() error {
	return errors.Join(p.in.Close(), p.out.Close())
}

// quiet is a screen that counts what is well and keeps nothing.
type quiet struct {
	recorder
	ok int
}

func (q *quiet) Result(r callback.Result) {
	if r.Status == callback.OK {
		q.ok++
	}
}
func (q *quiet) TaskStart(callback.Task) {}

// BenchmarkGrowth runs a play of 20 tasks. Memory is of both sides: the
// agents are in this process too.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				grow(b, n)
			}
		})
	}
}

const growthTasks = 20

func grow(b *testing.B, n int) {
	dir := b.TempDir()
	book, hosts := filepath.Join(dir, "site.yml"), filepath.Join(dir, "hosts")
	play := "- hosts: all\n  gather_facts: false\n  vars: {greeting: 'hello {{ inventory_hostname }}'}\n  tasks:\n" +
		strings.Repeat("    - ping: {data: '{{ greeting }}'}\n", growthTasks)
	for name, text := range map[string]string{book: play, hosts: fmt.Sprintf("host[1:%d] number=7\n", n)} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	tmpl := templates.New(TemplateOptions(templates.Current, TemplateHooks{ReadFile: os.ReadFile, Warn: func(string) {}}))
	loader := playbook.NewLoader(playbook.Options{Era: templates.Current, KnownAction: KnownAction(nil)})
	inv, err := inventory.Load([]string{hosts}, inventory.Options{
		ReadFile: os.ReadFile, Warn: func(string) {}, Engine: tmpl, Era: templates.Current,
		ParseYAML: func(data []byte, file string) (templates.Value, error) {
			return pyyaml.Parse(data, file, pyyaml.Options{Trusted: true})
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	dial := func(context.Context, *transport.Target) (transport.Conn, error) { return pipeConn{}, nil }
	screen := &quiet{}
	o := Options{
		Inventory: inv, Templates: tmpl, Loader: loader, Hosts: transport.NewHosts(transport.WithDial(dial)), Callback: screen, Era: templates.Current,
		Vars:  vars.New(vars.Options{Inventory: inv, LoadVars: loader.LoadVarsFile, Era: templates.Current, Engine: tmpl, InjectFacts: true}),
		Forks: 100, Connection: "ssh",
	}
	plays, err := loader.Load(book)
	if err != nil {
		b.Fatal(err)
	}
	cpu, began := cpuTime(b), time.Now()
	out, err := New(o).Playbooks(b.Context(), []*playbook.Playbook{plays})
	wall, used := time.Since(began), cpuTime(b)-cpu
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if err != nil || out.Code != CodeOK {
		b.Fatalf("code %d, error %v", out.Code, err)
	}
	if screen.ok != n*growthTasks {
		b.Fatalf("%d results that are ok, want %d", screen.ok, n*growthTasks)
	}
	total := float64(n * growthTasks)
	b.ReportMetric(float64(wall.Microseconds())/total, "us/task")
	b.ReportMetric(float64(used.Microseconds())/total, "us-cpu/task")
	b.ReportMetric(float64(m.HeapInuse+m.StackInuse)/float64(n)/1024, "KiB/host")
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MiB")
	if err := o.Hosts.Close(); err != nil {
		b.Fatal(err)
	}
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
