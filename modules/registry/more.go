package registry

import (
	"gorun/modules"
	"gorun/modules/packaging"
	"gorun/modules/posix"
)

// moreFamily is the packet filter, the packages of other distributions and of
// languages, and what else hosts are made of.
var moreFamily = []*modules.Module{
	packaging.Composer,
	packaging.Deb822Repository,
	packaging.RPMKey,
	packaging.Zypper,
	packaging.ZypperRepository,
	packaging.Pacman,
	packaging.Opkg,
	packaging.Gem,
	packaging.Homebrew,
	packaging.Npm,
	packaging.Apk,
	packaging.Pip,
	packaging.Snap,
	packaging.SnapAlias,
	packaging.YumRepository,
	posix.Iptables,
}
