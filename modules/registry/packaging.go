package registry

import (
	"gorun/modules"
	"gorun/modules/packaging"
)

// packagingFamily is what installs software and its sources.
var packagingFamily = []*modules.Module{
	packaging.Apt,
	packaging.AptKey,
	packaging.AptRepository,
	packaging.Debconf,
	packaging.Dnf,
	packaging.DpkgSelections,
	packaging.Package,
	packaging.PackageFacts,
}
