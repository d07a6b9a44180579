package registry

import "gorun/modules"

// systemFamily is services, users, facts and the machine itself.
var systemFamily = []*modules.Module{}
