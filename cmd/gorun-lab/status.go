package main

// This file is gorun-lab status.

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/daemon"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "show the lab and its hosts",
		Action: func(c *cli.Context) error {
			name := c.String("name")
			if _, err := daemon.Load(name); err != nil {
				return err
			}
			st, err := daemon.NewClient(name).Status(c.Context)
			if err != nil {
				return err
			}
			fmt.Printf("lab %s on %s (%s), log %s\n", name, st.Network, st.Init, daemon.LogFile(daemon.Dir(name)))
			fmt.Printf("cloud at %s, also at %s\n", st.AuthURL, st.Loopback)
			w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "HOST\tADDRESS\tZONE\tPOWER\tLINK\tPID\tSERVER")
			for _, h := range st.Hosts {
				link := "ok"
				if h.Cut {
					link = "cut"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", h.Name, h.Addr, h.Zone, h.Power, link, h.PID, h.ID)
			}
			return w.Flush()
		},
	}
}
