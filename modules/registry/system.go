package registry

import (
	"gorun/modules"
	"gorun/modules/facts"
)

// systemFamily is services, users, facts and the machine itself.
var systemFamily = []*modules.Module{
	facts.Setup,
}
