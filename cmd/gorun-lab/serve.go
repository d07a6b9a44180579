package main

// This file is the lab's process in the background, and the first process
// inside each host; both are started by gorun-lab itself.

import (
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
		Action: func(c *cli.Context) error {
			cfg, err := daemon.Load(c.String("name"))
			if err != nil {
				return err
			}
			ready := os.NewFile(3, "ready")
			if ready == nil {
				return errors.New("serve is started by gorun-lab up")
			}
			return daemon.Serve(c.Context, cfg, ready)
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
