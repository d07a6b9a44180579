package main

// This file defines gorun man: manual pages in man's own language (man(7)),
// made of the same tables as --help.

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/spell"
)

func runMan(c *cli.Context) error {
	all := commands()
	name := firstOf(c.Args().First(), all[0].name)
	i := slices.IndexFunc(all, func(cmd command) bool { return cmd.name == name || cmd.alias == name })
	if i < 0 {
		var names []string
		for _, cmd := range all {
			names = append(names, cmd.name)
		}
		msg := "gorun has no command " + name
		if best := spell.Nearest(name, names); best != "" {
			msg += fmt.Sprintf(" (did you mean %s?)", best)
		}
		return usageError(msg)
	}
	writeMan(c.App.Writer, all[i])
	return nil
}

// roff escapes text for man: a backslash, a hyphen, and a dot or quote that
// begins a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// exitCodes are what the commands end with.
var exitCodes = [][2]string{
	{"0", "all went well"}, {"1", "an error before a host was touched"}, {"2", "a task failed on a host, or the command line is wrong"},
	{"4", "a host could not be reached, or a file has a mistake"}, {"8", "hosts failed and the run ended early"},
	{"99", "the user quit the debugger"}, {"130", "the user interrupted the run"}, {"250", "a mistake in gorun"},
}

func writeMan(w io.Writer, cmd command) {
	title := "gorun-" + cmd.name
	call := "gorun " + cmd.name
	if cmd.name == "playbook" {
		title, call = "gorun", "gorun"
	}
	fmt.Fprintf(w, ".TH %s 1 \"\" \"gorun %s\" \"User Commands\"\n", roff(strings.ToUpper(title)), roff(version()))
	fmt.Fprintf(w, ".SH NAME\n%s \\- %s\n", roff(title), roff(cmd.usage))
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n[options] %s\n", roff(call), roff(cmd.argsUsage))
	if cmd.alias != "" {
		fmt.Fprintf(w, ".SH DESCRIPTION\nStarted under the name\n.BR %s ,\ngorun is this command. It takes the options of Ansible's command of that name and gives the same results.\n", roff(cmd.alias))
	}
	if flags := cmd.flags(); len(flags) > 0 {
		fmt.Fprint(w, ".SH OPTIONS\n")
		for _, f := range flags {
			manOption(w, f)
		}
	}
	if cmd.name == "playbook" {
		fmt.Fprint(w, ".SH COMMANDS\n")
		for _, other := range commands()[1:] {
			fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff("gorun "+other.name), roff(other.usage))
		}
	}
	fmt.Fprint(w, ".SH EXIT STATUS\n")
	for _, e := range exitCodes {
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", e[0], roff(e[1]))
	}
	fmt.Fprint(w, ".SH FILES\n.TP\n.I ansible.cfg\nThe first of $ANSIBLE_CONFIG, ./ansible.cfg, ~/.ansible.cfg and /etc/ansible/ansible.cfg is read.\n")
	var others []string
	for _, other := range commands() {
		if other.name != cmd.name && other.name != "playbook" {
			others = append(others, fmt.Sprintf(".BR %s (1)", roff("gorun-"+other.name)))
		}
	}
	fmt.Fprintf(w, ".SH SEE ALSO\n%s\n", strings.Join(others, ",\n"))
}

func manOption(w io.Writer, f cli.Flag) {
	var names []string
	_, isBool := f.(*cli.BoolFlag)
	for _, n := range f.Names() {
		dash := "--"
		if len(n) == 1 {
			dash = "-"
		}
		word := roff(dash + n)
		if !isBool {
			word += `\fR \fI` + "VALUE" + `\fB`
		}
		names = append(names, word)
	}
	usage := ""
	if d, ok := f.(cli.DocGenerationFlag); ok {
		usage = d.GetUsage()
	}
	fmt.Fprintf(w, ".TP\n.B %s\n%s\n", strings.Join(names, ", "), roff(usage))
}
