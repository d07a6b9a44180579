package main

// This file is the lab's process in the background, and the first process
// inside each host; both are started by gorun-lab itself.

import (
	"context"
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/daemon"
	"gorun/cmd/gorun-lab/internal/hosts"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:   "serve",
		Usage:  "keep a lab (started by up and run)",
		Hidden: true,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "owned", Usage: "end when file descriptor 4 does"}},
		Action: func(c *cli.Context) error {
			cfg, err := daemon.Load(c.String("name"))
			if err != nil {
				return err
			}
			ready := os.NewFile(3, "ready")
			if ready == nil {
				return errors.New("serve is started by gorun-lab up")
			}
			ctx := c.Context
			if c.Bool("owned") {
				var cancel context.CancelCauseFunc
				ctx, cancel = context.WithCancelCause(ctx)
				go func() {
					// Nothing is ever written: what comes is the owner's end.
					_, _ = os.NewFile(4, "owner").Read(make([]byte, 1))
					cancel(errors.New("the command that started the lab ended"))
				}()
			}
			return daemon.Serve(ctx, cfg, ready)
		},
	}
}

func hostInitCommand() *cli.Command {
	return &cli.Command{
		Name:   "host-init",
		Usage:  "become PID 1 of a new host",
		Hidden: true,
		Action: func(c *cli.Context) error { return hosts.InitMain(os.Stdin) },
	}
}
