package main

// This file is gorun-lab kill, boot, cut and mend.

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/daemon"
)

func powerCommand(action, usage string) *cli.Command {
	return &cli.Command{
		Name:      action,
		Usage:     usage,
		ArgsUsage: "HOST|ZONE...",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return fmt.Errorf("%s wants a host or a zone", action)
			}
			client := daemon.NewClient(c.String("name"))
			for _, target := range c.Args().Slice() {
				names, err := client.Power(c.Context, action, target)
				if err != nil {
					return err
				}
				fmt.Printf("%s: %s\n", action, strings.Join(names, " "))
			}
			return nil
		},
	}
}
