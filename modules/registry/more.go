package registry

import (
	"gorun/modules"
	"gorun/modules/posix"
)

// moreFamily is the packet filter, the packages of other distributions and of
// languages, and what else hosts are made of.
var moreFamily = []*modules.Module{
	posix.Iptables,
}
