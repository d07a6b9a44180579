// Command gorun runs Ansible playbooks. See README.md.
package main

// This file defines the commands and the program's end.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"gorun/engine/spell"
	"gorun/internal/redact"
	"gorun/modules/agent"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "__agent" {
		os.Exit(agent.Main())
	}
	tuneGC()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// A command is a subcommand of gorun. Started under the name alias, the
// program is that command.
type command struct {
	name, alias, usage, argsUsage string
	flags                         func() []cli.Flag
	action                        func(c *cli.Context) error
}

// commands lists every subcommand; the first runs where none is named.
func commands() []command {
	return []command{
		{"playbook", "ansible-playbook", "run playbooks", "PLAYBOOK...", playbookFlags, runPlaybooks},
		{"render", "", "print what a template gives", "[FILE.j2]", renderFlags, runRender},
		{"vault", "ansible-vault", "encrypt and decrypt files", "create|edit|view|encrypt|decrypt|rekey|encrypt_string [FILE...]", vaultFlags, runVault},
		{"inventory", "ansible-inventory", "show an inventory", "[GROUP]", inventoryFlags, runInventory},
		{"adhoc", "ansible", "run one task", "PATTERN", adhocFlags, runAdhoc},
		{"vars", "", "tell where a host's variables come from", "HOST [NAME]", varsFlags, runVars},
		{"doc", "ansible-doc", "show the documentation of modules", "[NAME...]", docFlags, runDoc},
		{"completion", "", "print a script that completes gorun's options in a shell", "bash|zsh|fish", noFlags, runCompletion},
		{"config", "ansible-config", "show the configuration", "list|dump|view|init|validate", configFlags, runConfig},
		{"console", "ansible-console", "run tasks from a prompt", "[PATTERN]", consoleFlags, runConsole},
		{"man", "", "print a manual page of gorun or of one of its commands", "[COMMAND]", noFlags, runMan},
	}
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(errOut, "gorun: this is a mistake in gorun, please report it: %v\n", r)
			if os.Getenv("GORUN_DEBUG") != "" {
				errOut.Write(debug.Stack())
			}
			code = exitBug
		}
	}()
	cmd, rest := choose(args)
	err := misspeltCommand(args)
	if err == nil {
		err = dispatch(ctx, cmd, rest, out, errOut)
	}
	if err == nil {
		return exitOK
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprint(errOut, red(usageText(cmd, filepath.Base(args[0]), usage), coloured(errOut)))
		return exitUsage
	}
	return printError(errOut, err, coloured(errOut))
}

// choose finds the command that the program's name or the first argument means.
func choose(args []string) (command, []string) {
	all := commands()
	name := filepath.Base(args[0])
	if i := slices.IndexFunc(all, func(c command) bool { return c.alias != "" && c.alias == name }); i >= 0 {
		return all[i], args[1:]
	}
	if len(args) > 1 {
		if i := slices.IndexFunc(all, func(c command) bool { return c.name == args[1] }); i >= 0 {
			return all[i], args[2:]
		}
	}
	return all[0], args[1:]
}

// misspeltCommand is the error about a first word that is nearly a command and
// no file.
func misspeltCommand(args []string) error {
	if len(args) < 2 || args[1] == "" || strings.ContainsAny(args[1], "./-@") {
		return nil
	}
	var names []string
	for _, c := range commands() {
		if c.alias != "" && c.alias == filepath.Base(args[0]) || c.name == args[1] {
			return nil
		}
		names = append(names, c.name)
	}
	best := spell.Nearest(args[1], names)
	if best == "" || spell.Distance(args[1], best) > 2 {
		return nil
	}
	if _, err := os.Stat(args[1]); err == nil {
		return nil
	}
	return usageError(fmt.Sprintf("'%s' is neither a command nor a playbook that is there (did you mean '%s'?)", args[1], best))
}

// usageText is a mistake on the command line as argparse tells it.
func usageText(cmd command, program string, err usageError) string {
	name, options := "gorun "+cmd.name, cmd.argsUsage
	if cmd.alias != "" && program == cmd.alias {
		name = program
	} else if cmd.name == commands()[0].name {
		name = "gorun"
	}
	return fmt.Sprintf("usage: %s [options] %s\n%[1]s: error: %[3]s\n%[1]s --help lists the options\n", name, options, err)
}

// errInterrupted is the end of a command by ctrl-C or SIGTERM.
var errInterrupted = errors.New("User interrupted execution")

func dispatch(ctx context.Context, cmd command, args []string, out, errOut io.Writer) error {
	flags := append(cmd.flags(), boolean("version", "print the version"))
	app := &cli.App{
		Name: "gorun", HelpName: "gorun " + cmd.name, Usage: cmd.usage, ArgsUsage: cmd.argsUsage,
		UsageText:   fmt.Sprintf("gorun %s [options] %s", cmd.name, cmd.argsUsage),
		HideVersion: true, Writer: out, ErrWriter: errOut, Flags: flags,
		DisableSliceFlagSeparator: true, HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				return writeVersion(out, cmd)
			}
			return cmd.action(c)
		},
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return usageError(err.Error()) },
	}
	if cmd.name == "playbook" {
		app.UsageText = "gorun [options] PLAYBOOK...\n   gorun COMMAND [options] ..."
		app.Description = "Other commands: " + commandNames()
	}
	known := append(slices.Clone(flags), boolean("help", "show help", "h"))
	words, err := normalize(args, known)
	if err != nil {
		return err
	}
	err = app.RunContext(ctx, append([]string{"gorun"}, words...))
	if ctx.Err() != nil {
		err = errInterrupted // whatever else that has brought to an end
	}
	if err != nil && app.Metadata[inCurrentEra] != nil {
		secrets, _ := app.Metadata[runsSecrets].(*redact.Registry)
		return currentError{err, secrets}
	}
	return err
}

func commandNames() string {
	names := ""
	for i, c := range commands() {
		if i > 0 {
			names += ", "
		}
		names += c.name
	}
	return names
}

// version tells the program's version from the build.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
