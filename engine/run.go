package engine

// This file defines a run: what it knows across plays, and how plays follow
// each other.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"sync"
	"time"

	"gorun/engine/action"
	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// A Run is one run of playbooks or of one ad-hoc task. It is used once.
type Run struct {
	o        Options
	cb       *screen
	services *action.Services
	start    time.Time

	mu          sync.Mutex // guards what follows
	stats       map[string]*callback.HostStats
	failed      map[string]bool // hosts that left an earlier play or this one
	unreachable map[string]bool
	custom      map[string]*templates.Dict
	gathered    map[string]bool // hosts whose facts this run gathered
	warned      map[string]bool
	started     bool // the task of StartAtTask was met
	stepping    bool
	fatal       error  // ends the run: an error of the playbook, not of a host
	words       string // where the task of the command line is from; "" where there are files
}

// New returns a run.
func New(o Options) *Run {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 10 * time.Second
	}
	if o.PollInterval == 0 {
		o.PollInterval = 15 * time.Second
	}
	r := &Run{
		o: o, cb: &screen{Callback: o.Callback}, start: time.Now(),
		stats:  map[string]*callback.HostStats{},
		failed: map[string]bool{}, unreachable: map[string]bool{},
		custom: map[string]*templates.Dict{}, gathered: map[string]bool{}, warned: map[string]bool{},
		started: o.StartAtTask == "", stepping: o.Step,
	}
	r.services = &action.Services{
		Secrets: o.Secrets, ReadFile: o.ReadFile, Interactive: o.Interactive, LoadVars: o.Loader.LoadVarsFile,
		Display: r.cb.Display, Warn: r.warn, Local: o.LocalModules, Condition: r.condition,
	}
	if o.Prompt != nil {
		r.services.Prompt = func(ctx context.Context, p action.PromptRequest) (string, error) {
			return o.Prompt(ctx, Prompt{Text: p.Text, Pause: true, NoEcho: p.Hide, Timeout: p.Timeout})
		}
	}
	if o.Plugins != nil {
		r.services.Plugin = o.Plugins.Action
	}
	if o.Live {
		r.services.Stream = r.cb.Line
	}
	return r
}

// screen serialises a callback.
type screen struct {
	callback.Callback
	mu sync.Mutex
}

func (s *screen) tell(f func(cb callback.Callback)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.Callback)
}

// The events that come from several goroutines.

func (s *screen) Display(msg string)    { s.tell(func(cb callback.Callback) { cb.Display(msg) }) }
func (s *screen) Line(host, l string)   { s.tell(func(cb callback.Callback) { cb.Line(host, l) }) }
func (s *screen) Warning(msg string)    { s.tell(func(cb callback.Callback) { cb.Warning(msg) }) }
func (s *screen) Deprecated(msg string) { s.tell(func(cb callback.Callback) { cb.Deprecated(msg) }) }
func (s *screen) Verbose(level int, host, msg string) {
	s.tell(func(cb callback.Callback) { cb.Verbose(level, host, msg) })
}

// warn shows a warning once a run.
func (r *Run) warn(msg string) {
	r.mu.Lock()
	seen := r.warned[msg]
	r.warned[msg] = true
	r.mu.Unlock()
	if !seen {
		r.cb.Warning(msg)
	}
}

// count changes the statistics of a host.
func (r *Run) count(host string, f func(s *callback.HostStats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats[host]
	if s == nil {
		s = &callback.HostStats{}
		r.stats[host] = s
	}
	f(s)
}

// forks bounds how many of n hosts work at once.
func (r *Run) forks(n int) int {
	switch {
	case r.o.Forks > 0:
		return r.o.Forks
	case r.o.Era < templates.Current:
		return 5
	}
	return max(1, min(n, 100))
}

// stop records an error that ends the run.
func (r *Run) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fatal == nil {
		r.fatal = err
	}
}

func (r *Run) stopped() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fatal
}

// Playbooks runs playbooks one after the other and shows the recap. The error
// is one of the playbook or of the command line, not of a host; with it, the
// outcome's code is 1, or 250 for what should not happen.
func (r *Run) Playbooks(ctx context.Context, books []*playbook.Playbook) (Outcome, error) {
	code := CodeOK
	var err error
books:
	for _, book := range books {
		r.cb.PlaybookStart(book.File)
		r.cb.Verbose(2, "", fmt.Sprintf("%d plays in %s", len(book.Plays), book.File))
		for _, play := range book.Plays {
			var more bool
			code, more, err = r.runPlay(ctx, book, play)
			if err != nil {
				break books
			}
			if !more {
				break
			}
		}
		out := r.outcome(code)
		if lost := slices.Sorted(slices.Values(append(out.Failed, out.Unreachable...))); len(lost) > 0 && r.o.Lost != nil {
			r.o.Lost(book.File, slices.Compact(lost))
		}
		r.cb.Stats(out.Stats)
		if code != CodeOK || ctx.Err() != nil {
			break
		}
	}
	out := r.outcome(code)
	if err != nil {
		out.Code = errorCode(err)
		return out, err
	}
	if !r.started && r.o.Era >= templates.Current {
		r.cb.tell(func(cb callback.Callback) {
			callback.ShowError(cb, fmt.Sprintf("No matching task \"%s\" found. Note: --start-at-task can only follow static includes.", r.o.StartAtTask))
		})
	}
	return out, ctx.Err()
}

// errorCode is the exit code of an error that ends a run: 4 where a file
// cannot be understood, 1 otherwise.
func errorCode(err error) int {
	var bad playbook.Errors
	var one *playbook.Error
	if errors.As(err, &bad) || errors.As(err, &one) {
		return CodeUnreachable
	}
	return CodeError
}

// outcome sums up a run.
func (r *Run) outcome(code int) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := callback.Stats{Hosts: map[string]callback.HostStats{}, Custom: r.custom, Elapsed: time.Since(r.start)}
	for h, st := range r.stats {
		s.Hosts[h] = *st
	}
	return Outcome{Code: code, Stats: s, Failed: sortedKeys(r.failed), Unreachable: sortedKeys(r.unreachable)}
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k, ok := range m {
		if ok {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// runPlay runs a play in its batches. more is false where the run ends with it.
func (r *Run) runPlay(ctx context.Context, book *playbook.Playbook, play *playbook.Play) (code int, more bool, err error) {
	p, err := r.newPlay(ctx, book, play)
	if err != nil {
		return CodeError, false, err
	}
	if err := p.askVars(ctx); err != nil {
		return CodeError, false, err
	}
	hosts, err := p.hosts(ctx)
	if err != nil {
		return CodeError, false, err
	}
	r.cb.PlayStart(p.shown())
	if len(hosts) == 0 {
		r.cb.NoHostsMatched()
		return r.code(CodeOK), true, nil
	}
	// A file of variables that cannot be read ends the run before a host is
	// touched, not one task of every host.
	for _, h := range hosts {
		if err := r.o.Vars.Check(h); err != nil {
			return CodeError, false, err
		}
	}
	batches, err := p.batches(ctx, hosts)
	if err != nil {
		return CodeError, false, err
	}
	stop := false
	for i, batch := range batches {
		if i > 0 {
			r.cb.PlayStart(p.shown())
		}
		before := r.lost()
		var broken bool
		code, broken, err = p.runBatch(ctx, batch)
		if err == nil {
			err = r.stopped()
		}
		switch {
		case err != nil:
			return CodeError, false, err
		case ctx.Err() != nil:
			return CodeError, false, nil
		}
		if p.playEnd {
			if broken {
				code = CodeBreakPlay
			}
			break
		}
		if broken {
			// The batches to come still run; the plays do not.
			code, stop = CodeFailed, true
		}
		if r.lost()-before == len(batch) {
			return code, false, nil
		}
	}
	return code, !stop, nil
}

// lost counts the hosts that are out of the run.
func (r *Run) lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failed) + len(r.unreachable)
}

// countFailed counts the hosts that failed in this batch.
func (r *Run) countFailed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failed)
}

// takeFailed returns the hosts that failed so far and begins a new count.
func (r *Run) takeFailed() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := r.failed
	r.failed = map[string]bool{}
	return failed
}

// code is the exit code that the hosts' states give.
func (r *Run) code(otherwise int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.unreachable) > 0:
		return CodeUnreachable
	case len(r.failed) > 0:
		return CodeFailed
	}
	return otherwise
}

// loseHost takes a host out of the run.
func (r *Run) loseHost(name string, unreachable bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if unreachable {
		r.unreachable[name] = true
	} else {
		r.failed[name] = true
	}
}

// distinct returns names without repetitions, in order.
func distinct(names []string) []string {
	out := names[:0:0]
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
