package main

// This file is gorun-lab down.

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/daemon"
	"gorun/cmd/gorun-lab/internal/hosts"
)

func downCommand() *cli.Command {
	return &cli.Command{
		Name:  "down",
		Usage: "remove the lab and all it left on the machine",
		Action: func(c *cli.Context) error {
			name := c.String("name")
			if err := hosts.CheckName(name); err != nil {
				return err
			}
			if err := hosts.Check(); err != nil {
				return err
			}
			if err := stop(c.Context, name); err != nil {
				return err
			}
			fmt.Printf("lab %s is down\n", name)
			return nil
		},
	}
}

// stop asks the daemon to end the lab, and clears up itself where there is
// none any more.
func stop(ctx context.Context, name string) error {
	err := daemon.NewClient(name).Down(ctx)
	if err != nil && !errors.Is(err, daemon.ErrNoDaemon) {
		return err
	}
	return hosts.Sweep(name, daemon.Dir(name))
}
