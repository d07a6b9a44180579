package main

// This file is gorun-lab run: a lab for the time one command takes.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/daemon"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "start the lab, run a command in its environment, and take the lab down",
		ArgsUsage: "-- COMMAND [ARGUMENT...]",
		Flags:     append(upFlags(), &cli.BoolFlag{Name: "keep", Usage: "leave the lab up if the command fails"}),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return errors.New("run wants a command: gorun-lab run -- COMMAND")
			}
			// The lab ends with this process, however that ends.
			r, w, err := os.Pipe()
			if err != nil {
				return err
			}
			defer w.Close()
			owner := r
			if c.Bool("keep") {
				owner = nil
			}
			cfg, err := start(c, owner)
			r.Close()
			if err != nil {
				return err
			}
			runErr := runIn(c.Context, cfg, c.Args().Slice())
			if runErr != nil && c.Bool("keep") {
				fmt.Fprintf(os.Stderr, "gorun-lab: the command failed, the lab %s stays up\n", cfg.Name)
				return runErr
			}
			if err := stop(context.WithoutCancel(c.Context), cfg.Name); err != nil {
				return errors.Join(runErr, err)
			}
			return runErr
		},
	}
}

// runIn runs a command in the lab's environment. What the command ended with
// is what gorun-lab ends with.
func runIn(ctx context.Context, cfg *daemon.Config, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), labEnv(cfg)...)
	// Ctrl-C on a terminal reaches the command by itself; either way it has
	// time to end in good order.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			code = 128 + int(status.Signal())
		}
		return cli.Exit(fmt.Sprintf("%s: %v", args[0], err), code)
	}
	return err
}
