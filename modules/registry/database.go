package registry

import (
	"gorun/modules"
	"gorun/modules/database"
)

// databaseFamily is MySQL and MariaDB.
var databaseFamily = []*modules.Module{
	database.MysqlDB,
	database.MysqlInfo,
	database.MysqlQuery,
	database.MysqlReplication,
	database.MysqlRole,
	database.MysqlUser,
	database.MysqlVariables,
}
