// Package commands holds the modules that run programs or wait for things.
package commands

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
)

// commandArgs are the arguments of command and of shell.
type commandArgs struct {
	Raw             string   `arg:"_raw_params"`
	Argv            []string `arg:"argv"`
	Chdir           string   `arg:"chdir"`
	Creates         string   `arg:"creates"`
	Removes         string   `arg:"removes"`
	Executable      string   `arg:"executable"`
	Stdin           *string  `arg:"stdin"`
	StdinAddNewline bool     `arg:"stdin_add_newline"`
	StripEmptyEnds  bool     `arg:"strip_empty_ends"`
	ExpandArgvVars  bool     `arg:"expand_argument_vars"`
	Warn            *bool    `arg:"warn"`
	UsesShell       bool     `arg:"_uses_shell"`
}

// commandOptions are the options that command and shell share.
var commandOptions = []modules.Option{
	{Name: "_raw_params", Aliases: []string{"cmd", "free_form"}, Doc: "The command line; in a task it is the text behind the module's name."},
	{Name: "argv", Type: modules.List, Elements: modules.Str, Doc: "The command as a list: the program, then its arguments, untouched."},
	{Name: "chdir", Type: modules.Path, Doc: "Run in this folder."},
	{Name: "creates", Type: modules.Path, Doc: "Do nothing where this path, or a match of this pattern, exists."},
	{Name: "removes", Type: modules.Path, Doc: "Do nothing where this path, or any match of this pattern, is missing."},
	{Name: "executable", Doc: "The shell to use instead of /bin/sh."},
	{Name: "stdin", Doc: "What the program reads from its standard input."},
	{Name: "stdin_add_newline", Type: modules.Bool, Default: true, Doc: "End stdin with a newline."},
	{Name: "strip_empty_ends", Type: modules.Bool, Default: true, Doc: "Take empty lines off the ends of stdout and stderr."},
	{Name: "expand_argument_vars", Type: modules.Bool, Default: true, Doc: "Replace $VAR in arguments by the task's environment."},
	{Name: "warn", Type: modules.Bool, Doc: "Accepted for playbooks of former days.",
		Ignored: "there are no warnings about commands that have a module"},
	{Name: "_uses_shell", Type: modules.Bool, Default: false, Doc: "Give the line to a shell; set by runners that call command for shell."},
}

// Command is ansible.builtin.command.
var Command = modules.Define(modules.Spec{
	Name:     "ansible.builtin.command",
	Doc:      "Run a program without a shell between.",
	Options:  commandOptions,
	FreeForm: "_raw_params",
	Check:    modules.Partial,
	Diff:     modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *commandArgs) (*modules.Result, error) {
	return runCommand(ctx, m, a)
})

func runCommand(ctx context.Context, m *modules.Run, a *commandArgs) (*modules.Result, error) {
	data := map[string]any{"stdout": "", "stderr": "", "rc": nil, "cmd": nil, "start": nil, "end": nil, "delta": nil}
	argv, shown, fail := commandLine(m, a, data)
	if fail != nil {
		return nil, fail
	}
	data["cmd"] = shown
	if a.Chdir != "" {
		if st, err := os.Stat(a.Chdir); err != nil {
			return nil, modules.FailWith(data, "Unable to change directory before execution: %s", oserr.Bytes(err, a.Chdir))
		} else if !st.IsDir() {
			return nil, modules.FailWith(data, "Unable to change directory before execution: [Errno 20] Not a directory: b%s",
				oserr.Quote(a.Chdir, true))
		}
	}
	data["rc"] = 0
	if res := skipCommand(m, a, data); res != nil {
		return res, nil
	}
	if m.Check {
		// With creates or removes it is known that it would run; without, nothing is.
		known := a.Creates != "" || a.Removes != ""
		return &modules.Result{Changed: known, Skipped: !known, Msg: "Command would have run if not in check mode", Data: data}, nil
	}
	return execute(ctx, m, a, argv, data)
}

// commandLine makes argv; shown is what the result says under cmd.
func commandLine(m *modules.Run, a *commandArgs, data map[string]any) (argv []string, shown any, err error) {
	fail := func(format string, args ...any) ([]string, any, error) {
		data["rc"] = 256
		return nil, nil, modules.FailWith(data, format, args...)
	}
	line := a.Raw
	switch {
	case strings.TrimSpace(line) == "" && len(a.Argv) == 0:
		return fail("no command given")
	case line != "" && len(a.Argv) > 0:
		return fail("only command or argv can be given, not both")
	case a.UsesShell && len(a.Argv) > 0:
		// A list for a shell is put together again, each word quoted.
		for i, w := range a.Argv {
			if i > 0 {
				line += " "
			}
			line += modules.ShellQuote(w)
		}
	}
	if a.UsesShell {
		shell := cmp.Or(a.Executable, m.CommandShell, "/bin/sh")
		return []string{shell, "-c", line}, line, nil
	}
	if a.Executable != "" {
		m.Warn("As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '%s'.", a.Executable)
	}
	words := a.Argv
	if len(words) == 0 {
		if words, err = modules.ShellSplit(line); err != nil {
			return fail("%w", err)
		}
	}
	argv = make([]string, len(words))
	for i, w := range words {
		argv[i] = w
		if a.ExpandArgvVars {
			argv[i] = modules.ExpandPath(w, m.Env)
		}
	}
	return argv, words, nil
}

func exists(pattern, dir string) bool {
	if dir != "" && !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	if _, err := os.Lstat(pattern); err == nil {
		return true
	}
	found, _ := filepath.Glob(pattern)
	return len(found) > 0
}

// skipCommand answers for creates and removes, nil where the command is to run.
func skipCommand(m *modules.Run, a *commandArgs, data map[string]any) *modules.Result {
	verb := "Did"
	if m.Check {
		verb = "Would"
	}
	if a.Creates != "" && exists(a.Creates, a.Chdir) {
		data["stdout"] = fmt.Sprintf("skipped, since %s exists", a.Creates)
		return &modules.Result{Msg: fmt.Sprintf("%s not run command since '%s' exists", verb, a.Creates), Data: data}
	}
	if a.Removes != "" && !exists(a.Removes, a.Chdir) {
		data["stdout"] = fmt.Sprintf("skipped, since %s does not exist", a.Removes)
		return &modules.Result{Msg: fmt.Sprintf("%s not run command since '%s' does not exist", verb, a.Removes), Data: data}
	}
	return nil
}

func execute(ctx context.Context, m *modules.Run, a *commandArgs, argv []string, data map[string]any) (*modules.Result, error) {
	o := modules.CommandOptions{Dir: a.Chdir, KeepLocale: true, Stream: true}
	if a.Stdin != nil {
		in := *a.Stdin
		if a.StdinAddNewline && !strings.HasSuffix(in, "\n") {
			in += "\n"
		}
		o.Stdin = strings.NewReader(in)
	}
	start := time.Now()
	res, err := m.Command(ctx, o, argv...)
	end := time.Now()
	if err != nil {
		return nil, err
	}
	data["rc"] = res.RC
	data["stdout"], data["stderr"] = res.Stdout, res.Stderr
	if a.StripEmptyEnds {
		data["stdout"], data["stderr"] = strings.TrimRight(res.Stdout, "\r\n"), strings.TrimRight(res.Stderr, "\r\n")
	}
	const stamp = "2006-01-02 15:04:05.000000"
	data["start"], data["end"], data["delta"] = start.Format(stamp), end.Format(stamp), delta(end.Sub(start))
	if res.RC != 0 {
		f := modules.FailWith(data, "non-zero return code")
		f.Changed = true
		return nil, f
	}
	data["msg"] = ""
	return &modules.Result{Changed: true, Data: data}, nil
}

// delta words a duration as Python's timedelta: 1 day, 2:03:04.000005.
func delta(d time.Duration) string {
	us := d.Microseconds()
	s := us / 1e6
	days := s / 86400
	s %= 86400
	text := fmt.Sprintf("%d:%02d:%02d.%06d", s/3600, s/60%60, s%60, us%1e6)
	switch {
	case days == 1:
		return "1 day, " + text
	case days > 1:
		return fmt.Sprintf("%d days, %s", days, text)
	}
	return text
}
