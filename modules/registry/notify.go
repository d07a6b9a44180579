package registry

import (
	"gorun/modules"
	"gorun/modules/notify"
)

// notifyFamily is what tells people of something.
var notifyFamily = []*modules.Module{
	notify.Mail,
	notify.Slack,
}
