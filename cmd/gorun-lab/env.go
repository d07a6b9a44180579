package main

// This file is gorun-lab env.

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/daemon"
	"gorun/cmd/gorun-lab/internal/hosts"
)

func envCommand() *cli.Command {
	return &cli.Command{
		Name:  "env",
		Usage: "print the lab's environment for a shell: eval \"$(gorun-lab env)\"",
		Action: func(c *cli.Context) error {
			cfg, err := daemon.Load(c.String("name"))
			if err != nil {
				return err
			}
			for _, kv := range labEnv(cfg) {
				key, value, _ := strings.Cut(kv, "=")
				fmt.Printf("export %s='%s'\n", key, strings.ReplaceAll(value, "'", `'\''`))
			}
			return nil
		},
	}
}

// labEnv returns what a command in the lab's environment is told.
func labEnv(cfg *daemon.Config) []string {
	gateway := cfg.Network.Addr().Next().String()
	return []string{
		"GORUN_LAB_NAME=" + cfg.Name,
		"LAB_DIR=" + cfg.Dir,
		"LAB_NETWORK=" + cfg.Network.String(),
		"LAB_GATEWAY=" + gateway,
		"LAB_KEY=" + hosts.KeyFile(cfg.Dir),
		"LAB_KNOWN_HOSTS=" + hosts.KnownHostsFile(cfg.Dir),
		"LAB_INVENTORY=" + daemon.Inventory(cfg.Dir),
	}
}
