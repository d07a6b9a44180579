package main

// This file is gorun-lab ssh.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/daemon"
	"gorun/cmd/gorun-lab/internal/hosts"
)

func sshCommand() *cli.Command {
	return &cli.Command{
		Name:            "ssh",
		Usage:           "log in to a host, or run a command there",
		ArgsUsage:       "HOST [COMMAND...]",
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return errors.New("ssh wants a host")
			}
			name := c.String("name")
			st, err := daemon.NewClient(name).Status(c.Context)
			if err != nil {
				return err
			}
			ssh, err := exec.LookPath("ssh")
			if err != nil {
				return errors.New("there is no ssh on this machine; on Debian: apt-get install openssh-client")
			}
			for _, h := range st.Hosts {
				if h.Name == c.Args().First() || h.ID == c.Args().First() || h.Addr.String() == c.Args().First() {
					args := append(sshArgs(daemon.Dir(name), h.Addr.String()), c.Args().Tail()...)
					return syscall.Exec(ssh, append([]string{"ssh"}, args...), os.Environ())
				}
			}
			return fmt.Errorf("the lab has no host called %s", c.Args().First())
		},
	}
}

// sshArgs are ssh's arguments to log in to addr of the lab in dir.
func sshArgs(dir, addr string) []string {
	return []string{
		"-F", "none", "-i", hosts.KeyFile(dir), "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile=" + hosts.KnownHostsFile(dir), "-o", "BatchMode=yes", "-l", "root", addr, "--",
	}
}
