package main

// This file is gorun-lab env.

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/cloud"
	"gorun/cmd/gorun-lab/internal/daemon"
	"gorun/cmd/gorun-lab/internal/gitserve"
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

// labEnv returns what a command in the lab's environment is told: the cloud's
// account as OpenStack's clients read it, and the lab's facts.
func labEnv(cfg *daemon.Config) []string {
	vips := cfg.VIPs()
	return []string{
		"GORUN_LAB_NAME=" + cfg.Name,
		"OS_AUTH_URL=" + cfg.AuthURL(),
		"OS_USERNAME=" + daemon.Username,
		"OS_PASSWORD=" + cfg.Password,
		"OS_PROJECT_NAME=" + daemon.Project,
		"OS_TENANT_NAME=" + daemon.Project,
		"OS_USER_DOMAIN_NAME=" + daemon.Domain,
		"OS_PROJECT_DOMAIN_NAME=" + daemon.Domain,
		"OS_IDENTITY_API_VERSION=3",
		"OS_REGION_NAME=" + cloud.Region,
		"LAB_AUTH_URL_V2=" + strings.TrimSuffix(cfg.AuthURL(), "v3") + "v2.0",
		"LAB_CONTROL_URL=" + strings.TrimSuffix(cfg.AuthURL(), "v3") + "lab",
		"LAB_DIR=" + cfg.Dir,
		"LAB_NETWORK=" + cfg.Network.String(),
		"LAB_GATEWAY=" + cfg.Gateway().String(),
		"LAB_ZONES=" + strings.Join(cfg.Zones, ","),
		"LAB_KEY=" + hosts.KeyFile(cfg.Dir),
		"LAB_KNOWN_HOSTS=" + hosts.KnownHostsFile(cfg.Dir),
		"ANSIBLE_PRIVATE_KEY_FILE=" + hosts.KeyFile(cfg.Dir),
		"ANSIBLE_SSH_COMMON_ARGS=-o UserKnownHostsFile=" + hosts.KnownHostsFile(cfg.Dir),
		"LAB_INVENTORY=" + daemon.Inventory(cfg.Dir),
		"LAB_KEYPAIR=" + daemon.Keypair,
		"LAB_IMAGE=" + daemon.Image,
		"LAB_IMAGE_ID=" + cloud.FixedID(daemon.Image),
		"LAB_FLAVOR=" + daemon.Flavor,
		"LAB_FLAVOR_ID=" + daemon.FlavorID,
		"LAB_PRIVATE_NET=" + cloud.FixedID(daemon.Network),
		"LAB_PRIVATE_SUBNET=" + cloud.FixedID(daemon.Subnet),
		"LAB_PUBLIC_NET=" + cloud.FixedID(daemon.Public),
		"LAB_LBS_VIP=" + vips[daemon.BalancerVIP].String(),
		"LAB_SQL_VIP=" + vips[daemon.DatabaseVIP].String(),
		"LAB_WORDPRESS_URL=" + gitserve.URL,
		"LAB_SECURITY_GROUP=built-in-allow-all",
	}
}
