package registry

import "gorun/modules"

// packagingFamily is what installs software and its sources.
var packagingFamily = []*modules.Module{}
