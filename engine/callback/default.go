package callback

// This file defines the default screen: Ansible's, byte for byte
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/default_callback.html).

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"gorun/templates"
)

// Settings are the options of the default callback.
type Settings struct {
	Verbosity           int
	CheckMode           bool
	CheckModeMarkers    bool
	HideOK, HideSkipped bool // display_ok_hosts, display_skipped_hosts turned off
	FailedToStderr      bool
	ShowTaskPath        bool // show_task_path_on_failure
	ShowCustomStats     bool
	ShowPerHostStart    bool
	ShowArgs            bool // display_args_to_stdout
	YAML                bool // result_format=yaml
	Pretty              bool // pretty_results
	DiffContext         int
	Deprecations        bool // show deprecation warnings
	// Current shows what ansible-core 2.19 added: an [ERROR] block with the
	// place of a failed task on the standard error.
	Current bool
	// DumpYAML writes a value as YAML with lines of a width (0: YAML's own), needed
	// where YAML is set.
	DumpYAML func(v templates.Value, indent, width int) (string, error)

	community bool // as community.general.yaml
	streams   bool // as ansible.posix.debug: output below the result, as it is
}

// Default is the default callback.
type Default struct {
	s   *Screen
	set Settings

	mu         sync.Mutex
	waiting    func() // prints the banner of a task that has shown no result yet
	announced  string // the name of the task that hosts in step do
	banners    bool   // tasks have banners: the screens made of this one have none
	under      any    // the task (Task.Source) whose banner came last
	warned     map[string]bool
	deprecated map[string]bool
	errors     map[string]bool
}

var _ Callback = (*Default)(nil)

// NewDefault returns the default callback on a screen.
func NewDefault(s *Screen, set Settings) *Default {
	return &Default{s: s, set: set, warned: map[string]bool{}, deprecated: map[string]bool{}, errors: map[string]bool{}}
}

// PlaybookStart prints what comes before the first play.
func (d *Default) PlaybookStart(file string) {
	if d.set.Verbosity > 1 {
		d.s.Banner("PLAYBOOK: " + file[strings.LastIndexByte(file, '/')+1:])
	}
	if d.set.CheckMode && d.set.CheckModeMarkers {
		d.s.Banner("DRY RUN")
	}
}

// PlayStart prints a play's banner.
func (d *Default) PlayStart(p Play) {
	mark := ""
	if p.CheckMode && d.set.CheckModeMarkers {
		mark = " [CHECK MODE]"
	}
	name := strings.TrimSpace(p.Name)
	if name == "" {
		name = p.Hosts
	}
	d.s.Banner("PLAY [" + name + "]" + mark)
}

// NoHostsMatched says that a play has no hosts.
func (d *Default) NoHostsMatched() { d.s.Print("skipping: no hosts matched", d.s.Colors.Skip) }

// NoHostsRemaining says that every host of a play failed.
func (d *Default) NoHostsRemaining() { d.s.Banner("NO MORE HOSTS LEFT") }

// TaskStart prints a task's banner.
func (d *Default) TaskStart(t Task) { d.taskBanner("TASK", t) }

// HandlerTaskStart prints a handler's banner.
func (d *Default) HandlerTaskStart(t Task) { d.taskBanner("RUNNING HANDLER", t) }

func (d *Default) taskBanner(prefix string, t Task) {
	d.waiting, d.banners, d.announced = nil, true, ""
	switch {
	case t.Strategy == "free", t.Strategy == "host_pinned": // each host is at its own task
	case d.set.HideOK || d.set.HideSkipped:
		d.waiting = func() { d.printBanner(prefix, t) } // until it has a result to show
		d.announced = t.Name
	default:
		d.printBanner(prefix, t)
		d.announced = t.Name
	}
}

// head prints the banner of a task where the last one was another's. Up to 2.14
// hosts in step may do different tasks at once, of which one was announced:
// Ansible gives the others its name.
func (d *Default) head(t Task) {
	show := d.waiting
	d.waiting = nil
	if d.announced != "" {
		t.Name = d.announced
	}
	switch {
	case show != nil:
		show()
	case !d.banners || d.under == t.Source:
	case t.Handler:
		d.printBanner("RUNNING HANDLER", t)
	default:
		d.printBanner("TASK", t)
	}
}

// HostStart tells, where asked for, that a host begins a task.
func (d *Default) HostStart(t Task, host string) {
	if d.set.ShowPerHostStart {
		d.head(t)
		kind := "TASK"
		if t.Handler {
			kind = "HANDLER"
		}
		d.s.Print(" [started "+kind+": "+t.Name+" on "+host+"]", d.s.Colors.Highlight)
	}
}

func (d *Default) printBanner(prefix string, t Task) {
	d.under = t.Source
	args := ""
	if d.set.ShowArgs && !t.NoLog {
		args = " " + t.Args
	}
	mark := ""
	if t.Check && d.set.CheckModeMarkers {
		mark = " [CHECK MODE]"
	}
	d.s.Banner(prefix + " [" + strings.TrimSpace(t.Name) + args + "]" + mark)
	if d.set.Verbosity >= 2 && t.Path != "" {
		d.s.Print("task path: "+t.Path, d.s.Colors.Debug)
	}
}

// Result prints a host's result of a task.
func (d *Default) Result(r Result) {
	d.diffs(r)
	d.warnings(r.Data)
	switch r.Status {
	case OK, Changed:
		d.ok(r)
	case Failed:
		d.failed(r)
	case Unreachable:
		d.head(r.Task)
		d.failure(r)
		d.printFailure("fatal: ["+hostLabel(r)+"]: UNREACHABLE! => "+d.dump(r), d.s.Colors.Unreachable)
		if r.IgnoreUnreachable {
			d.s.Print("...ignoring", d.s.Colors.Skip)
		}
	case Skipped:
		if !d.set.HideSkipped {
			d.head(r.Task)
			if r.Task.Loop { // its items have been shown
				r.Data = r.Data.Copy()
				r.Data.Delete(templates.Str("results"))
			}
			msg := "skipping: [" + r.Host + "]" // without the delegate
			if d.verbose(r) {
				msg += " => " + d.dump(r)
			}
			d.s.Print(msg, d.s.Colors.Skip)
		}
	}
}

func (d *Default) ok(r Result) {
	msg, color := "ok: ["+hostLabel(r)+"]", d.s.Colors.OK
	if isInclude(r) {
		d.head(r.Task) // Included tells of it
		return
	}
	if r.Status == Changed {
		msg, color = "changed: ["+hostLabel(r)+"]", d.s.Colors.Changed
	} else if d.set.HideOK {
		return
	}
	if r.Looped {
		return // its items have been shown
	}
	d.head(r.Task)
	if d.verbose(r) {
		msg += " => " + d.dump(r)
	}
	d.s.Print(msg, color)
}

func (d *Default) failed(r Result) {
	d.head(r.Task)
	d.failure(r)
	if d.set.ShowTaskPath && !r.Looped && d.set.Verbosity < 2 && r.Task.Path != "" {
		d.s.Print("task path: "+r.Task.Path, d.s.Colors.Debug)
	}
	d.exception(r.Data)
	if !r.Looped || !r.NoLog && shortName(r.Task.Action) == "debug" {
		d.printFailure("fatal: ["+hostLabel(r)+"]: FAILED! => "+d.dump(r), d.s.Colors.Error)
	}
	if r.IgnoreErrors {
		d.s.Print("...ignoring", d.s.Colors.Skip)
	}
}

// Item prints one item's result.
func (d *Default) Item(r Result) {
	d.diffs(r)
	d.warnings(r.Data)
	label := " (item=" + r.ItemLabel + ")"
	tail := ""
	if d.verbose(r) {
		tail = " => " + d.dump(r)
	}
	if r.Status == OK && !d.set.HideOK || r.Status == Skipped && !d.set.HideSkipped || r.Status != OK && r.Status != Skipped {
		d.head(r.Task)
	}
	switch r.Status {
	case OK:
		if !d.set.HideOK {
			d.s.Print("ok: ["+hostLabel(r)+"] =>"+label+tail, d.s.Colors.OK)
		}
	case Changed:
		d.s.Print("changed: ["+hostLabel(r)+"] =>"+label+tail, d.s.Colors.Changed)
	case Failed, Unreachable:
		d.exception(r.Data)
		d.failure(r)
		d.printFailure("failed: ["+hostLabel(r)+"]"+label+" => "+d.dump(r), d.s.Colors.Error)
	case Skipped:
		if !d.set.HideSkipped {
			d.s.Print("skipping: ["+r.Host+"] =>"+label+" "+tail, d.s.Colors.Skip)
		}
	}
}

func (d *Default) printFailure(msg string, color Color) {
	if d.set.FailedToStderr {
		d.s.PrintErr(msg, color)
		return
	}
	d.s.Print(msg, color)
}

// Retry prints a try that will be repeated.
func (d *Default) Retry(r Result) {
	msg := fmt.Sprintf("FAILED - RETRYING: [%s]: %s (%d retries left).", hostLabel(r), r.Task.Name, r.Retries-r.Attempt)
	if r.Always || d.set.Verbosity > 2 {
		msg += "Result was: " + d.dump(r)
	}
	d.s.Print(msg, d.s.Colors.Debug)
}

// Included prints a dynamic include.
func (d *Default) Included(file string, hosts []string, item string) {
	msg := "included: " + file + " for " + strings.Join(hosts, ", ")
	if item != "" {
		msg += " => (item=" + item + ")"
	}
	d.s.Print(msg, d.s.Colors.Included)
}

// Notified tells, at -vv, of a notified handler.
func (d *Default) Notified(handler, host string) {
	if d.set.Verbosity > 1 {
		d.s.Print("NOTIFIED HANDLER "+handler+" for "+host, d.s.Colors.Verbose)
	}
}

// AsyncPoll prints a poll of an asynchronous task.
func (d *Default) AsyncPoll(r Result) {
	text := func(key string) string {
		v, ok := r.Data.GetStr(key)
		if !ok {
			return ""
		}
		return templates.StrOf(v, templates.Current)
	}
	d.s.Print(fmt.Sprintf("ASYNC POLL on %s: jid=%s started=%s finished=%s",
		r.Host, text("ansible_job_id"), text("started"), text("finished")), d.s.Colors.Debug)
}

// Stats prints the recap.
func (d *Default) Stats(s Stats) {
	d.s.Banner("PLAY RECAP")
	hosts := make([]string, 0, len(s.Hosts))
	for h := range s.Hosts {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		d.s.Print(d.recapLine(h, s.Hosts[h]), "")
	}
	d.s.Print("", "")
	if d.set.ShowCustomStats && len(s.Custom) > 0 {
		d.customStats(s)
	}
	if d.set.CheckMode && d.set.CheckModeMarkers {
		d.s.Banner("DRY RUN")
	}
}

func (d *Default) recapLine(host string, t HostStats) string {
	c := d.s.Colors
	name := fmt.Sprintf("%-26s", host)
	if d.s.Color {
		color := c.OK
		switch {
		case t.Failures > 0 || t.Unreachable > 0:
			color = c.Error
		case t.Changed > 0:
			color = c.Changed
		}
		name = fmt.Sprintf("%-37s", d.s.paint(host, color))
	}
	count := func(lead string, n int, color Color) string {
		text := fmt.Sprintf("%s=%-4d", lead, n)
		if n == 0 {
			return text
		}
		return d.s.paint(text, color)
	}
	return name + " : " + strings.Join([]string{
		count("ok", t.OK, c.OK),
		count("changed", t.Changed, c.Changed),
		count("unreachable", t.Unreachable, c.Unreachable),
		count("failed", t.Failures, c.Error),
		count("skipped", t.Skipped, c.Skip),
		count("rescued", t.Rescued, c.OK),
		count("ignored", t.Ignored, c.Warn),
	}, " ")
}

func (d *Default) customStats(s Stats) {
	d.s.Banner("CUSTOM STATS: ")
	hosts := make([]string, 0, len(s.Custom))
	for h := range s.Custom {
		if h != "_run" {
			hosts = append(hosts, h)
		}
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		d.s.Print("\t"+h+": "+strings.ReplaceAll(dumpJSON(s.Custom[h], 1), "\n", ""), "")
	}
	if run, ok := s.Custom["_run"]; ok {
		d.s.Print("", "")
		d.s.Print("\tRUN: "+strings.ReplaceAll(dumpJSON(run, 1), "\n", ""), "")
	}
	d.s.Print("", "")
}

// Warning prints a warning, each once a run.
func (d *Default) Warning(msg string) {
	if d.first(d.warned, msg) {
		d.s.PrintErr(d.lines("[WARNING]: "+msg), d.s.Colors.Warn)
	}
}

// Deprecated prints a deprecation, each once a run.
func (d *Default) Deprecated(msg string) {
	if !d.set.Deprecations {
		return
	}
	if d.set.Current {
		d.Warning("Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.")
	}
	if d.first(d.deprecated, msg) {
		d.s.PrintErr(d.lines("[DEPRECATION WARNING]: "+msg), d.s.Colors.Deprecate)
	}
}

// lines breaks a message into lines of the screen's width; since 2.19 it stays
// as it is, with a blank line behind several.
func (d *Default) lines(msg string) string {
	switch {
	case !d.set.Current:
		return wrap(msg, d.s.Columns)
	case strings.Contains(strings.TrimSuffix(msg, "\n"), "\n"):
		return strings.TrimRight(msg, "\n") + "\n\n"
	}
	return msg
}

func (d *Default) first(seen map[string]bool, msg string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seen[msg] {
		return false
	}
	seen[msg] = true
	return true
}

// Verbose prints msg from -v level on.
func (d *Default) Verbose(level int, host, msg string) {
	if d.set.Verbosity < level {
		return
	}
	if host != "" {
		msg = "<" + host + "> " + msg
	}
	d.s.Print(msg, d.s.Colors.Verbose)
}

// Line prints a line of output of a task that is still running (--live).
func (d *Default) Line(host, line string) { d.s.Print("<"+host+"> "+line, d.s.Colors.Verbose) }

// Display prints msg as it is.
func (d *Default) Display(msg string) { d.s.Print(msg, "") }

// hostLabel is how a result names its host.
func hostLabel(r Result) string {
	if r.DelegatedTo == "" {
		return r.Host
	}
	return r.Host + " -> " + r.DelegatedTo
}

// isInclude reports whether a result is that of a dynamic include.
func isInclude(r Result) bool {
	switch shortName(r.Task.Action) {
	case "include_tasks", "include_role", "include":
		return true
	}
	return false
}

// verbose reports whether a result is shown whole.
func (d *Default) verbose(r Result) bool {
	switch shortName(r.Task.Action) {
	case "setup", "gather_facts":
		if !r.NoLog { // what is hidden forgets that it is to be short
			return d.set.Verbosity > 2
		}
	}
	return r.Always || d.set.Verbosity > 0
}

// shortName is an action's name without its collection.
func shortName(action string) string { return action[strings.LastIndexByte(action, '.')+1:] }

// warnings prints a result's own warnings and deprecations.
func (d *Default) warnings(data *templates.Dict) {
	if data == nil {
		return
	}
	for _, w := range listOf(data, "warnings") {
		d.Warning(templates.StrOf(w, templates.Current))
	}
	for _, w := range listOf(data, "deprecations") {
		if m, ok := w.(*templates.Dict); ok {
			if msg, ok := m.GetStr("msg"); ok {
				d.Deprecated(templates.StrOf(msg, templates.Current))
			}
		}
	}
}

func listOf(data *templates.Dict, key string) []templates.Value {
	v, _ := data.GetStr(key)
	if l, ok := v.(*templates.List); ok {
		return l.Elems
	}
	return nil
}

// exception tells of the traceback in a result.
func (d *Default) exception(data *templates.Dict) {
	v, ok := data.GetStr("exception")
	if !ok {
		return
	}
	text := strings.TrimSpace(templates.StrOf(v, templates.Current))
	if d.set.Verbosity > 2 {
		d.s.Print("The full traceback is:\n"+text, d.s.Colors.Error)
		return
	}
	last := text[strings.LastIndexByte(text, '\n')+1:]
	d.s.Print("An exception occurred during task execution. To see the full traceback, use -vvv. The error was: "+last, d.s.Colors.Error)
}

// dump prints a result's data without what a user did not ask for.
func (d *Default) dump(r Result) string {
	data := d.visible(r)
	if d.set.YAML && d.set.DumpYAML != nil {
		if text, ok := d.dumpYAML(r, data); ok {
			return text
		}
	}
	if d.set.streams {
		return dumpStreams(data)
	}
	indent := 0
	if r.Always || d.set.Pretty || d.set.Verbosity > 2 {
		indent = 4
	}
	return dumpJSON(data, indent)
}

// debugNoise are the keys that a debug task's result does not show.
var debugNoise = []string{"changed", "invocation", "skipped", "failed", "skip_reason"}

func (d *Default) visible(r Result) *templates.Dict {
	out := templates.NewDict(r.Data.Len())
	_, hasMsg := r.Data.GetStr("msg")
	debug := shortName(r.Task.Action) == "debug" && r.Retries == 0 // a retry shows all
	noise := debugNoise
	if d.set.Current {
		noise = append(noise, "ansible_loop_var", "ansible_index_var", "ansible_loop")
	}
	for k, v := range r.Data.All {
		key := keyText(k)
		switch {
		case strings.HasPrefix(key, "_ansible_"),
			key == "warnings", key == "deprecations", key == "exception",
			d.set.Verbosity < 3 && (key == "invocation" || key == "diff"),
			debug && slices.Contains(noise, key),
			debug && hasMsg && key != "msg",
			key == "failed", key == "skipped":
			continue
		}
		out.SetStr(key, v)
	}
	return out
}
