package registry

import (
	"gorun/modules"
	"gorun/modules/facts"
	"gorun/modules/system"
)

// systemFamily is services, users, facts and the machine itself.
var systemFamily = []*modules.Module{
	facts.MountFacts,
	facts.Setup,
	system.Apache2Module,
	system.Cron,
	system.Cronvar,
	system.Getent,
	system.Group,
	system.Hostname,
	system.Launchd,
	system.Service,
	system.ServiceFacts,
	system.Supervisorctl,
	system.SystemdService,
	system.Sysvinit,
	system.User,
}
