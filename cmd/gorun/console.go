package main

// This file defines gorun console, which is ansible-console: one task after
// another on the hosts of a pattern, typed at a prompt.

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"gorun/engine"
	"gorun/engine/callback"
	"gorun/engine/transport"
	"gorun/templates"
)

func consoleFlags() []cli.Flag {
	return append(append(commonFlags(), connectionFlags()...),
		boolean("step", "accepted: a console asks for each task anyway"),
		number("task-timeout", "task timeout in seconds"),
		str("playbook-dir", "folder whose group_vars, host_vars and roles are used"),
	)
}

// A console is the prompt and what it was told.
type console struct {
	s       *session
	hosts   transport.Hosts
	o       engine.Options
	pattern string
	timeout int // of tasks, in seconds
	names   []string
}

func runConsole(c *cli.Context) error {
	if c.Args().Len() > 1 {
		return usageError("console takes one pattern of hosts")
	}
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.close()
	if s.cb, err = callback.New("minimal", s.screen, s.settings(c)); err != nil {
		return err
	}
	var dirs []string
	if d := c.String("playbook-dir"); d != "" {
		dirs = append(dirs, d)
	}
	if err := s.open(c, dirs); err != nil {
		return err
	}
	hosts := s.openHosts()
	defer hosts.Close()
	con := &console{s: s, hosts: hosts, pattern: firstOf(c.Args().First(), "all"), timeout: c.Int("task-timeout")}
	if con.o, err = s.engineOptions(c, hosts); err != nil {
		return err
	}
	for _, spec := range allSpecs() {
		con.names = append(con.names, spec.Name, spec.Name[strings.LastIndexByte(spec.Name, '.')+1:])
	}
	if err := con.cd(con.pattern); err != nil {
		return err
	}
	return con.loop()
}

// loop reads lines until the end of the input, exit, or quit.
func (con *console) loop() error {
	read := con.reader()
	fmt.Fprint(con.s.out, consoleWelcome)
	defer fmt.Fprint(con.s.out, "\nAnsible-console was exited.\n")
	for con.s.ctx.Err() == nil {
		line, err := read(con.prompt())
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line = strings.TrimSpace(line)
		if line == "exit" || line == "EOF" {
			return nil
		}
		if line == "" || line[0] == '#' {
			continue
		}
		var say consoleSays
		if err := con.do(line); errors.As(err, &say) {
			fmt.Fprintln(con.s.out, say)
		} else if err != nil {
			printError(con.s.redact.Writer(con.s.err), err, con.s.screen.Color)
		}
	}
	return errInterrupted
}

// consoleSays is what the console answers to a line that it cannot obey.
type consoleSays string

func (s consoleSays) Error() string { return string(s) }

const consoleWelcome = "Welcome to the ansible console. Type help or ? to list commands.\n\n"

// A lastKey knows the last byte that was read: a [term.Terminal] ends its
// input at ctrl-C as it does at ctrl-D.
type lastKey struct {
	r    io.Reader
	last byte
}

func (k *lastKey) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if n > 0 {
		k.last = p[n-1]
	}
	return n, err
}

// reader returns what reads a line: with editing, history and completion on a
// terminal, plainly elsewhere.
func (con *console) reader() (read func(prompt string) (string, error)) {
	fd := int(con.s.stdin.Fd())
	if !term.IsTerminal(fd) {
		in := bufio.NewReader(con.s.stdin)
		return func(prompt string) (string, error) {
			fmt.Fprint(con.s.out, prompt)
			line, err := in.ReadString('\n')
			if line != "" {
				return line, nil
			}
			return "", err
		}
	}
	keys := &lastKey{r: con.s.stdin}
	newTerminal := func() *term.Terminal {
		t := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{keys, con.s.out}, "")
		t.AutoCompleteCallback = con.complete
		return t
	}
	t := newTerminal()
	return func(prompt string) (string, error) {
		old, err := term.MakeRaw(fd)
		if err != nil {
			return "", err
		}
		defer term.Restore(fd, old)
		if w, h, err := term.GetSize(fd); err == nil {
			t.SetSize(w, h)
		}
		t.SetPrompt(prompt)
		for {
			line, err := t.ReadLine()
			if errors.Is(err, io.EOF) && keys.last == ctrlC {
				// ctrl-C gives up the line alone; the terminal would stay at it.
				history := t.History
				t = newTerminal()
				t.History = history
				fmt.Fprint(con.s.out, clearLine+strings.ReplaceAll(consoleWelcome, "\n", "\r\n"))
				t.SetPrompt(prompt)
				continue
			}
			return line, err
		}
	}
}

// complete completes the first word, and hosts and groups behind cd.
func (con *console) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' || pos != len(line) {
		return "", 0, false
	}
	candidates := append(slices.Clone(con.names), consoleCommands...)
	head := ""
	if rest, ok := strings.CutPrefix(line, "cd "); ok {
		head, line = "cd ", rest
		candidates = con.s.inv.HostNames()
		for _, g := range con.s.inv.Groups() {
			candidates = append(candidates, g.Name)
		}
	}
	common := ""
	for _, c := range candidates {
		if !strings.HasPrefix(c, line) {
			continue
		}
		if common == "" {
			common = c
		}
		for !strings.HasPrefix(c, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) <= len(line) {
		return "", 0, false
	}
	return head + common, len(head) + len(common), true
}

// prompt is "user@pattern (hosts)[f:forks]$ ".
func (con *console) prompt() string {
	name := con.o.RemoteUser
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	sign := "$ "
	if con.o.Become && firstOf(con.o.BecomeUser, "root") == "root" {
		sign = "# "
	}
	forks := con.o.Forks
	if forks == 0 {
		forks = 5
	}
	hosts, err := con.s.inv.Match(con.pattern, con.o.Limit)
	if err != nil {
		hosts = nil // cd has said why
	}
	return fmt.Sprintf("%s@%s (%d)[f:%d]%s", name, con.pattern, len(hosts), forks, sign)
}

// consoleCommands are the words that are no module's name.
var consoleCommands = []string{
	"become", "become_method", "become_user", "cd", "check", "diff", "exit", "forks", "help", "list",
	"remote_user", "shell", "timeout", "verbosity",
}

// do obeys one line.
func (con *console) do(line string) error {
	if rest, ok := strings.CutPrefix(line, "!"); ok {
		return con.run("shell", strings.TrimSpace(rest))
	}
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "cd":
		return con.cd(rest)
	case "list":
		return con.list(rest)
	case "become":
		return con.toggle(&con.o.Become, "Please specify become value, e.g. `become yes`", rest)
	case "check":
		if err := con.toggle(&con.o.Check, "Please specify check mode value, e.g. `check yes`", rest); err != nil {
			return err
		}
		return consoleSays("check mode changed to " + pythonBool(con.o.Check))
	case "diff":
		if err := con.toggle(&con.o.Diff, "Please specify a diff value , e.g. `diff yes`", rest); err != nil {
			return err
		}
		return consoleSays("diff mode changed to " + pythonBool(con.o.Diff))
	case "become_user":
		return con.text(&con.o.BecomeUser, "Please specify a user, e.g. `become_user jenkins`", rest)
	case "become_method":
		return con.text(&con.o.BecomeMethod, "Please specify a become_method, e.g. `become_method su`", rest)
	case "remote_user":
		return con.text(&con.o.RemoteUser, "Please specify a remote user, e.g. `remote_user root`", rest)
	case "forks":
		return con.number(&con.o.Forks, word, rest, 1)
	case "verbosity":
		if err := con.number(&con.o.Verbosity, word, rest, 0); err != nil {
			return err
		}
		return consoleSays("verbosity level set to " + strconv.Itoa(con.o.Verbosity))
	case "timeout":
		return con.number(&con.timeout, word, rest, 0)
	case "help", "?":
		return con.help(rest)
	}
	return con.run(word, rest)
}

// run runs one task; its failures are on the screen.
func (con *console) run(module, args string) error {
	if ok, _ := engine.KnownAction(con.s.foreign)(module, nil); !ok {
		module, args = "shell", strings.TrimSpace(module+" "+args) // what is no module is a command
	}
	_, err := engine.New(con.o).Adhoc(con.s.ctx, engine.AdhocTask{
		Pattern: con.pattern, Module: module, ArgsText: args, Poll: 15, TaskTimeout: con.timeout, Console: true,
	})
	return err
}

// cd chooses the hosts: a pattern, or all of them for "", "*" and "/".
func (con *console) cd(pattern string) error {
	switch pattern {
	case "":
		pattern = "*"
	case "*", "/", "/*":
		pattern = "all"
	}
	hosts, err := con.s.inv.Match(pattern, con.o.Limit)
	if err != nil {
		return err
	}
	if len(hosts) == 0 && pattern != "all" {
		return consoleSays("no host matched")
	}
	con.pattern = pattern
	return nil
}

// list names the hosts of the pattern, or all groups.
func (con *console) list(what string) error {
	if what == "groups" {
		for _, g := range con.s.inv.Groups() {
			fmt.Fprintln(con.s.out, g.Name)
		}
		return nil
	}
	hosts, err := con.s.inv.Match(con.pattern, con.o.Limit)
	if err != nil {
		return err
	}
	for _, h := range hosts {
		fmt.Fprintln(con.s.out, h.Name)
	}
	return nil
}

func pythonBool(b bool) string { return templates.Repr(templates.Bool(b), templates.Current) }

// toggle reads the value of a switch; words that mean nothing are no.
func (con *console) toggle(p *bool, usage, value string) error {
	if value == "" {
		return consoleSays(usage)
	}
	*p = slices.Contains([]string{"y", "yes", "on", "1", "true", "t"}, strings.ToLower(value))
	return nil
}

func (con *console) text(p *string, usage, value string) error {
	if value == "" {
		return consoleSays(usage)
	}
	*p = value
	return nil
}

func (con *console) number(p *int, name, value string, least int) error {
	if value == "" {
		return consoleSays("Usage: " + name + " <number>")
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return consoleSays("The " + name + " must be a valid integer: invalid literal for int() with base 10: '" + value + "'")
	}
	if n < least {
		return consoleSays(fmt.Sprintf("%s must be greater than or equal to %d", name, least))
	}
	*p = n
	return nil
}

const consoleHelp = `MODULE [ARGUMENTS]     runs a module: ping, copy src=a dest=/b
! COMMAND              runs a command in a shell
cd PATTERN             chooses the hosts; alone: all
list [groups]          names them, or the groups
become yes|no, become_user NAME, become_method NAME, remote_user NAME
check yes|no, diff yes|no, forks N, verbosity N, timeout N
help [MODULE]          this text, or a module's documentation
exit                   ends, as does Ctrl-D
`

func (con *console) help(module string) error {
	if module == "" {
		fmt.Fprint(con.s.out, consoleHelp)
		return nil
	}
	spec, err := findSpec(allSpecs(), module)
	if err != nil {
		return err
	}
	writeSpec(con.s.out, spec)
	return nil
}
