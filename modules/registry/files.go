package registry

import (
	"gorun/modules"
	"gorun/modules/commands"
	"gorun/modules/files"
	"gorun/modules/posix"
	"gorun/modules/scm"
)

// filesFamily is files, commands, the network, sources, and ansible.posix.
var filesFamily = []*modules.Module{
	commands.Command,
	commands.Ping,
	commands.Shell,
	commands.WaitFor,
	files.Blockinfile,
	files.Copy,
	files.File,
	files.Lineinfile,
	files.Replace,
	files.Slurp,
	files.Stat,
	files.Tempfile,
	posix.Mount,
	posix.Sysctl,
	scm.Git,
}
