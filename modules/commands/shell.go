package commands

import (
	"context"

	"gorun/modules"
)

// Shell is ansible.builtin.shell.
var Shell = modules.Define(modules.Spec{
	Name:     "ansible.builtin.shell",
	Doc:      "Run a command line in a shell, with pipes, redirections and variables.",
	Options:  commandOptions,
	FreeForm: "_raw_params",
	Check:    modules.Partial,
	Diff:     modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *commandArgs) (*modules.Result, error) {
	a.UsesShell = true
	return runCommand(ctx, m, a)
})
