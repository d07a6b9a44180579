package main

// This file lists the options, named and described as ansible-playbook's.

import "github.com/urfave/cli/v2"

// str, list, boolean and number define one option each.
func str(name, usage string, aliases ...string) cli.Flag {
	return &cli.StringFlag{Name: name, Aliases: aliases, Usage: usage}
}

func list(name, usage string, aliases ...string) cli.Flag {
	return &cli.StringSliceFlag{Name: name, Aliases: aliases, Usage: usage}
}

func boolean(name, usage string, aliases ...string) cli.Flag {
	return &cli.BoolFlag{Name: name, Aliases: aliases, Usage: usage}
}

func number(name, usage string, aliases ...string) cli.Flag {
	return &cli.IntFlag{Name: name, Aliases: aliases, Usage: usage}
}

func verboseFlag() cli.Flag {
	return &cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Count: new(int), Usage: "print more; -vvv even more, -vvvv connection debugging"}
}

// commonFlags are on every command that reads an inventory.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		verboseFlag(),
		list("inventory", "inventory file, folder or comma separated host list", "i", "inventory-file"),
		list("extra-vars", "additional variables as key=value, YAML/JSON, or @FILE", "e"),
		list("vault-id", "the vault identity to use"),
		list("vault-password-file", "vault password file", "vault-pass-file"),
		boolean("ask-vault-password", "ask for the vault password", "ask-vault-pass", "J"),
		str("compat", "the generation of Ansible to behave as: current, 2.14, 1.9"),
	}
}

// connectionFlags are on every command that reaches hosts.
func connectionFlags() []cli.Flag {
	return []cli.Flag{
		str("private-key", "authenticate the connection with this file", "key-file"),
		str("user", "connect as this user", "u"),
		str("connection", "connection type to use (default ssh)", "c"),
		number("timeout", "connection timeout in seconds (default 10)", "T"),
		str("ssh-common-args", "arguments for every ssh connection, such as ProxyCommand"),
		str("sftp-extra-args", "accepted for compatibility: files travel through the agent"),
		str("scp-extra-args", "accepted for compatibility: files travel through the agent"),
		str("ssh-extra-args", "further arguments for ssh connections"),
		boolean("ask-pass", "ask for the connection password", "k"),
		str("connection-password-file", "connection password file", "conn-pass-file"),
		boolean("become", "become another user on the hosts", "b"),
		str("become-method", "how to become: sudo, su, doas (default sudo)"),
		str("become-user", "whom to become (default root)"),
		boolean("ask-become-pass", "ask for the become password", "K"),
		str("become-password-file", "become password file", "become-pass-file"),
		number("forks", "hosts that work at once", "f"),
		str("limit", "further limit the hosts to a pattern", "l"),
		boolean("check", "make no changes, predict them", "C"),
		boolean("diff", "show differences in files and templates", "D"),
		str("module-path", "folders of further modules, by colons", "M"),
		boolean("live", "show lines of running commands as they come"),
	}
}

func playbookFlags() []cli.Flag {
	return append(append(commonFlags(), connectionFlags()...),
		boolean("force-handlers", "run handlers even where a task fails"),
		boolean("flush-cache", "clear the fact cache of every host"),
		list("tags", "only run plays and tasks with these tags", "t"),
		list("skip-tags", "only run plays and tasks without these tags"),
		boolean("syntax-check", "check the playbook, run nothing"),
		boolean("list-hosts", "list the hosts, run nothing"),
		boolean("list-tasks", "list the tasks that would run"),
		boolean("list-tags", "list all tags"),
		boolean("step", "confirm each task"),
		str("start-at-task", "start at the task with this name"),
	)
}

// verbosity counts the -v of a command line, on top of the configuration.
func verbosity(c *cli.Context) int { return c.Count("verbose") }
