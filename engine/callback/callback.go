// Package callback is the screen: what a run tells the user, in Ansible's form.
package callback

// This file defines the events.

import (
	"time"

	"gorun/templates"
)

// A Callback is told of a run's events. The engine calls it from one goroutine
// at a time.
type Callback interface {
	PlaybookStart(file string)
	PlayStart(p Play)
	NoHostsMatched()
	NoHostsRemaining()
	// TaskStart comes once a task before its first result (per include and free strategy as Ansible does).
	TaskStart(t Task)
	// HandlerTaskStart is TaskStart of a handler.
	HandlerTaskStart(t Task)
	// Result is a task's result on a host, loops folded into one.
	Result(r Result)
	// Item is one item's result.
	Item(r Result)
	// Retry is a failed try of until that will be tried again.
	Retry(r Result)
	// Included tells of a dynamic include: "included: FILE for HOSTS".
	Included(file string, hosts []string, item string)
	Notified(handler, host string)
	// Async tells of polls of an async task.
	AsyncPoll(r Result)
	Stats(s Stats)
	Warning(msg string)
	Deprecated(msg string)
	// Verbose prints msg at -v level and above (host may be "").
	Verbose(level int, host, msg string)
	// Line is output of a running task (--live).
	Line(host, line string)
	Display(msg string)
}

// Play is a play as the screen shows it.
type Play struct {
	Name      string // resolved; "" shows the hosts pattern
	Hosts     string
	Strategy  string
	CheckMode bool
	Path      string // "/x/site.yml:1"
	UUID      string
	// Source is the play as it was loaded (*playbook.Play), for callbacks that
	// tell of its keywords.
	Source any
}

// Task is a task as the screen shows it.
type Task struct {
	Name     string // resolved, with "role : " before it; never ""
	Action   string
	Args     string // for display_args_to_stdout
	Path     string // "/x/site.yml:12", for -vv
	Pos      templates.Pos
	Check    bool
	UUID     string
	Strategy string
	Loop     bool
	NoLog    bool
	Handler  bool
	// Source is the task as it was loaded (*playbook.Task).
	Source any
}

// Status is how a task ended.
type Status int

// The ways a task ends.
const (
	OK Status = iota
	Changed
	Failed
	Skipped
	Unreachable
)

// A Result is what a task gave on a host. Data is the whole result as
// registered (changed, failed, msg, diff, invocation, warnings ...): order of
// keys as it came, no_log already censored.
type Result struct {
	Host   string
	Task   Task
	Status Status
	Data   *templates.Dict
	// DelegatedTo is shown as "host -> delegate".
	DelegatedTo string
	// IgnoreErrors: a failure that does not end the host.
	IgnoreErrors      bool
	IgnoreUnreachable bool
	// ItemLabel is what an item shows as; "" outside loops.
	ItemLabel string
	// Looped says that Data holds results of items.
	Looped bool
	// Diff says that diffs are to be shown.
	Diff             bool
	NoLog            bool
	Attempt, Retries int
	Elapsed          time.Duration
	Start            time.Time
	// Always says that the result is shown whole, however few -v there are.
	Always bool
	// Error is what failed, in the current era; nil where nothing did.
	Error *Event
}

// HostStats counts what happened on a host.
type HostStats struct {
	OK, Changed, Unreachable, Failures, Skipped, Rescued, Ignored int
}

// Stats is the recap.
type Stats struct {
	Hosts map[string]HostStats
	// Custom are set_stats by host, "_run" for all.
	Custom  map[string]*templates.Dict
	Elapsed time.Duration
}
