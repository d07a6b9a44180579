package registry

import (
	"gorun/modules"
	"gorun/modules/commands"
	"gorun/modules/files"
	"gorun/modules/net"
	"gorun/modules/posix"
	"gorun/modules/scm"
)

// filesFamily is files, commands, the network, sources, and ansible.posix.
var filesFamily = []*modules.Module{
	commands.AsyncStatus,
	commands.Command,
	commands.Ping,
	commands.Shell,
	commands.WaitFor,
	files.Assemble,
	files.Blockinfile,
	files.Copy,
	files.File,
	files.Find,
	files.IniFile,
	files.Lineinfile,
	files.Replace,
	files.Slurp,
	files.Stat,
	files.Tempfile,
	files.Unarchive,
	net.GetURL,
	net.URI,
	posix.Mount,
	posix.Sysctl,
	scm.Git,
}
