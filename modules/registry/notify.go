package registry

import (
	"gorun/modules"
	"gorun/modules/keystore"
	"gorun/modules/notify"
)

// notifyFamily is what tells people of something, and stores of keys.
var notifyFamily = []*modules.Module{
	notify.Mail,
	notify.Slack,
	keystore.JavaCert,
}
