package commands

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
	"gorun/modules/pyre"
)

type expectArgs struct {
	Chdir     string         `arg:"chdir"`
	Command   string         `arg:"command"`
	Creates   string         `arg:"creates"`
	Echo      bool           `arg:"echo"`
	Removes   string         `arg:"removes"`
	Responses map[string]any `arg:"responses"`
	Timeout   any            `arg:"timeout"`
}

// Expect is ansible.builtin.expect.
var Expect = modules.Define(modules.Spec{
	Name: "ansible.builtin.expect",
	Doc:  "Run a program on a terminal and answer what it asks.",
	Options: []modules.Option{
		{Name: "chdir", Type: modules.Path, Doc: "Run in this folder."},
		{Name: "command", Required: true, Doc: "The command line, without a shell."},
		{Name: "creates", Type: modules.Path, Doc: "Do nothing where this path exists."},
		{Name: "echo", Type: modules.Bool, Default: false, Doc: "Show the answers in the output."},
		{Name: "removes", Type: modules.Path, Doc: "Do nothing where this path does not exist."},
		{Name: "responses", Type: modules.Dict, Required: true, Doc: "What to answer, by regular expressions of questions; a list is answered in turn."},
		{Name: "timeout", Type: modules.Raw, Default: 30, Doc: "Seconds to wait for a question or the end; null waits without an end."},
	},
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *expectArgs) (*modules.Result, error) {
	if strings.TrimSpace(a.Command) == "" {
		return nil, modules.FailWith(map[string]any{"rc": 256}, "no command given")
	}
	for _, skip := range []struct {
		path string
		want bool
		text string
	}{{a.Creates, true, "exists"}, {a.Removes, false, "does not exist"}} {
		if skip.path != "" && exists(skip.path, a.Chdir) == skip.want {
			return &modules.Result{Data: map[string]any{"cmd": a.Command, "rc": 0,
				"stdout": fmt.Sprintf("skipped, since %s %s", skip.path, skip.text)}}, nil
		}
	}
	d, err := newDialogue(a)
	if err != nil {
		return nil, err
	}
	return d.run(ctx, m)
})

// An answerer answers one question.
type answerer struct {
	question *pyre.Regexp
	answers  []string
	once     bool // answers are given in turn, and then there are no more
}

type dialogue struct {
	a       *expectArgs
	argv    []string
	replies []*answerer
	limit   time.Duration // of silence; 0 is none
}

func newDialogue(a *expectArgs) (*dialogue, error) {
	d := &dialogue{a: a}
	if a.Timeout != nil {
		n, err := strconv.Atoi(strings.TrimSpace(fmt.Sprint(a.Timeout)))
		if err != nil {
			kind := modules.PyType(a.Timeout)
			return nil, modules.Failf("argument 'timeout' is of type %s and we were unable to convert to int: %s cannot be converted to an int", kind, kind)
		}
		d.limit = time.Duration(n) * time.Second
	}
	argv, err := modules.ShellSplit(a.Command)
	if err != nil {
		return nil, modules.FailWith(map[string]any{"rc": 256}, "%w", err)
	}
	d.argv = argv
	keys := make([]string, 0, len(a.Responses))
	for k := range a.Responses {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		re, err := pyre.Compile(k, pyre.DotAll)
		if err != nil {
			return nil, modules.Failf("responses: the regular expression '%s' is invalid: %w", k, err)
		}
		r := &answerer{question: re}
		if list, ok := a.Responses[k].([]any); ok {
			r.once = true
			for _, e := range list {
				r.answers = append(r.answers, fmt.Sprint(e))
			}
		} else {
			r.answers = []string{fmt.Sprint(a.Responses[k])}
		}
		d.replies = append(d.replies, r)
	}
	return d, nil
}

func (d *dialogue) run(ctx context.Context, m *modules.Run) (*modules.Result, error) {
	path := d.argv[0]
	if !strings.Contains(path, "/") {
		path = m.BinPath(path)
	}
	master, slave, err := openTerminal(d.a.Echo)
	if err != nil {
		return nil, modules.Failf("there is no terminal to be had: %s", oserr.Text(err))
	}
	defer master.Close()
	cmd := exec.Command(path, d.argv[1:]...)
	cmd.Dir = d.a.Chdir
	cmd.Env = os.Environ()
	for k, v := range m.Env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	start := time.Now()
	err = cmd.Start()
	slave.Close()
	if err != nil {
		return nil, modules.Failf("The command was not found or was not executable: %s.", d.argv[0])
	}
	out, problem := d.talk(ctx, master)
	if problem != "" {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	}
	_ = cmd.Wait() // its code is read below
	const stamp = "2006-01-02 15:04:05.000000"
	end := time.Now()
	rc := cmd.ProcessState.ExitCode()
	data := map[string]any{"cmd": d.a.Command, "stdout": strings.TrimRight(out, "\r\n"), "rc": rc,
		"start": start.Format(stamp), "end": end.Format(stamp), "delta": delta(end.Sub(start))}
	if problem != "" {
		data["rc"] = nil
		f := modules.FailWith(data, "%s", problem)
		if f.Changed = problem == exceeded; !f.Changed {
			f.Data = nil // as Ansible's own fails in mid-talk
		}
		return nil, f
	}
	if rc != 0 {
		f := modules.FailWith(data, "non-zero return code")
		f.Changed = true
		return nil, f
	}
	return &modules.Result{Changed: true, Data: data}, nil
}

// exceeded is the failure of a command that neither asks nor ends.
const exceeded = "command exceeded timeout"

// talk reads the terminal and answers; problem says why it was given up.
func (d *dialogue) talk(ctx context.Context, master *os.File) (output, problem string) {
	chunks := make(chan string)
	go func() {
		defer close(chunks)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if n > 0 {
				chunks <- string(buf[:n])
			}
			if err != nil {
				return // the program has ended: EIO
			}
		}
	}()
	var all strings.Builder
	pending := ""
	defer func() {
		go func() {
			for range chunks { // lets the reader end
			}
		}()
	}()
	for {
		timer := time.NewTimer(d.limit)
		if d.a.Timeout == nil {
			timer.Stop() // it never fires
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return all.String(), "cancelled"
		case <-timer.C:
			return all.String(), exceeded
		case c, ok := <-chunks:
			timer.Stop()
			if !ok {
				return all.String(), ""
			}
			all.WriteString(c)
			pending += c
			var stop string
			if pending, stop = d.answer(pending, master); stop != "" {
				return all.String(), stop
			}
		}
	}
}

// answer answers every question in the text and returns what is behind them.
func (d *dialogue) answer(text string, terminal *os.File) (rest, problem string) {
	for {
		var first *pyre.Match
		var who *answerer
		for _, r := range d.replies {
			if m := r.question.Search(text); m != nil && (first == nil || m.Start(0) < first.Start(0)) {
				first, who = m, r
			}
		}
		if first == nil {
			return text, ""
		}
		if len(who.answers) == 0 {
			return text, fmt.Sprintf("No remaining responses for '%s', output was 'b'%s''", who.question, first.Slice(0, first.End(0)))
		}
		reply := strings.TrimRight(who.answers[0], "\n") + "\n"
		if who.once {
			who.answers = who.answers[1:]
		}
		if _, err := terminal.WriteString(reply); err != nil {
			return "", "" // the program has ended meanwhile
		}
		text = first.Slice(first.End(0), -1)
		if first.End(0) == 0 {
			return text, ""
		}
	}
}
