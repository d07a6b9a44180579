package main

// This file defines gorun inventory, which is ansible-inventory.

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/engine/config"
	"gorun/engine/playbook"
	"gorun/templates"
	"gorun/templates/ansible"
	"gorun/vars/inventory"
)

func inventoryFlags() []cli.Flag {
	return append(commonFlags(),
		boolean("list", "output all hosts"),
		str("host", "output the variables of one host"),
		boolean("graph", "draw the groups"),
		boolean("vars", "with --graph, show variables"),
		boolean("export", "show group variables with their groups"),
		boolean("yaml", "YAML instead of JSON", "y"),
		boolean("toml", "TOML instead of JSON"),
		str("output", "send --list to this file"),
		str("limit", "show only hosts of a pattern", "l"),
		boolean("flush-cache", "clear the caches of inventory plugins"),
		str("playbook-dir", "folder whose group_vars and host_vars are used"),
	)
}

func runInventory(c *cli.Context) error {
	actions := 0
	for _, on := range []bool{c.Bool("list"), c.String("host") != "", c.Bool("graph")} {
		if on {
			actions++
		}
	}
	switch {
	case actions == 0:
		return inventoryUsage(c, "No action selected, at least one of --host, --graph or --list needs to be specified.")
	case actions > 1:
		return inventoryUsage(c, "Conflicting options used, only one of --host, --graph or --list can be used at the same time.")
	}
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.close()
	dir := c.String("playbook-dir")
	if err := s.open(c, []string{cmp.Or(dir, ".")}); err != nil {
		return err
	}
	e := s.vars.Exporter(c.Bool("export") || s.cfg.Bool("INVENTORY_EXPORT"), dir != "")
	e.Limit, e.YAML = c.String("limit"), c.Bool("yaml")
	out, err := inventoryText(c, e)
	if errors.Is(err, inventory.ErrNoHost) || errors.Is(err, inventory.ErrNoGroup) {
		return optionsError(&playbook.Error{Msg: err.Error(), Got: firstOf(c.String("host"), c.Args().First()), Known: s.inventoryNames(c.String("host") != "")})
	}
	if err != nil {
		return err
	}
	if file := c.String("output"); file != "" {
		return os.WriteFile(file, out, 0o644)
	}
	_, err = s.redact.Writer(s.out).Write(append(bytes.TrimRight(out, "\n"), '\n'))
	return err
}

// inventoryNames are the names of all hosts, or of all groups.
func (s *session) inventoryNames(hosts bool) []string {
	var names []string
	if hosts {
		for _, h := range s.inv.Hosts() {
			names = append(names, h.Name)
		}
		return names
	}
	for _, g := range s.inv.Groups() {
		names = append(names, g.Name)
	}
	return names
}

// inventoryUsage is a mistake in the options of which ansible-inventory tells
// without its usage.
func inventoryUsage(c *cli.Context, msg string) error {
	cfg, _ := config.Load(config.Options{}) // what is wrong with it comes after the options
	speakEra(c, cfg)
	return optionsError(errors.New(msg))
}

// inventoryText is what the chosen action prints.
func inventoryText(c *cli.Context, e *inventory.Exporter) ([]byte, error) {
	switch {
	case c.Bool("graph"):
		text, err := e.Graph(c.Args().First(), c.Bool("vars"))
		return []byte(text), err
	case c.String("host") != "":
		vars, err := e.Host(c.String("host"))
		if err != nil {
			return nil, err
		}
		return inventoryDump(c, vars)
	case c.Bool("toml"):
		return e.TOML()
	case c.Bool("yaml"):
		tree, err := e.Tree()
		if err != nil {
			return nil, err
		}
		return inventoryDump(c, tree)
	}
	list, err := e.List()
	if err != nil {
		return nil, err
	}
	return inventory.JSON(list)
}

func inventoryDump(c *cli.Context, d *templates.Dict) ([]byte, error) {
	if !c.Bool("yaml") {
		return inventory.JSON(d)
	}
	o := ansible.Block(2)
	o.Literal = func(s string) (string, bool) { return s, strings.HasPrefix(s, "$ANSIBLE_VAULT;") }
	text, err := ansible.DumpYAML(d, o)
	return vaultBlock.ReplaceAll([]byte(text), []byte("$1 !vault $2")), err
}

// vaultBlock is the beginning of a block with a ciphertext.
var vaultBlock = regexp.MustCompile(`(:|-) (\|[-+]?\n +\$ANSIBLE_VAULT;)`)
