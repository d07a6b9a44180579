package registry

import "gorun/modules"

// databaseFamily is MySQL and MariaDB.
var databaseFamily = []*modules.Module{}
