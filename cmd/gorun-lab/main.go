// Gorun-lab makes disposable test hosts and an OpenStack cloud to get them
// from, on one Linux machine, as root, with nothing but Debian packages.
//
//	gorun-lab up --hosts 3     # lab1 to lab3 at 10.107.244.11 and up, zones NL1 and NL2 in turn
//	gorun-lab status           # who is on, off, cut
//	gorun-lab env              # exports: LAB_INVENTORY, LAB_KEY, LAB_KNOWN_HOSTS, OS_*, ...
//	gorun-lab ssh lab1 uptime  # a shell or a command on a host
//	gorun-lab kill NL1         # the power of a host or a zone goes...
//	gorun-lab boot NL1         # ...and comes back, with the same disks
//	gorun-lab cut lab2         # a link is cut...
//	gorun-lab mend lab2        # ...and mended
//	gorun-lab down             # nothing is left, also after a crash
//	gorun-lab run -- CMD       # up, CMD with that environment, down
//
// Several labs can be up at once: give each a --name and a --net of its own.
// Hosts have Debian 12 with systemd (--init sysv: sysv scripts under sshd) and
// install packages from the lab's own repository, so they need no route.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app().RunContext(ctx, os.Args); err != nil {
		fmt.Fprintf(os.Stderr, "gorun-lab: %v\n", err)
		os.Exit(exitCode(err))
	}
}

// exitCode returns what a command run for us ended with, else 1.
func exitCode(err error) int {
	if code, ok := err.(cli.ExitCoder); ok {
		return code.ExitCode()
	}
	return 1
}

func app() *cli.App {
	return &cli.App{
		Name:  "gorun-lab",
		Usage: "disposable test hosts and an OpenStack cloud on one Linux machine",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "the lab's `NAME`, up to eight of a-z and 0-9", Value: "lab", EnvVars: []string{"GORUN_LAB_NAME"}},
		},
		Commands: []*cli.Command{
			upCommand(), downCommand(), statusCommand(), sshCommand(),
			powerCommand("kill", "take the power of a host or a zone away"),
			powerCommand("boot", "give it back; disks are as they were"),
			powerCommand("cut", "cut the links of a host or a zone"),
			powerCommand("mend", "mend them"),
			envCommand(), failCommand(), runCommand(), serveCommand(), hostInitCommand(),
		},
		HideHelpCommand: true,
		// main prints the error and knows the code.
		ExitErrHandler: func(*cli.Context, error) {},
	}
}
