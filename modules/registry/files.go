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
	commands.Expect,
	commands.Make,
	commands.Ping,
	commands.Shell,
	commands.WaitFor,
	files.Archive,
	files.Assemble,
	files.Blockinfile,
	files.Copy,
	files.DeployHelper,
	files.File,
	files.Find,
	files.Htpasswd,
	files.IniFile,
	files.KnownHosts,
	files.Lineinfile,
	files.Replace,
	files.Slurp,
	files.Stat,
	files.Synchronize,
	files.Tempfile,
	files.Unarchive,
	files.XML,
	net.GetURL,
	net.URI,
	posix.ACL,
	posix.Alternatives,
	posix.At,
	posix.AuthorizedKey,
	posix.Capabilities,
	posix.Filesystem,
	posix.Firewalld,
	posix.FirewalldInfo,
	posix.InterfacesFile,
	posix.LVG,
	posix.LVol,
	posix.LocaleGen,
	posix.Modprobe,
	posix.Mount,
	posix.PamLimits,
	posix.Parted,
	posix.Patch,
	posix.SEBoolean,
	posix.SELinux,
	posix.SSHConfig,
	posix.Sudoers,
	posix.Sysctl,
	posix.Timezone,
	posix.UFW,
	scm.Git,
	scm.GitConfig,
	scm.Subversion,
}
