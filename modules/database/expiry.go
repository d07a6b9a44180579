package database

// This file is when passwords of mysql_user expire.

import (
	"context"
	"fmt"

	"gorun/modules"
)

// checkExpiry refuses what makes no sense of the options for expiry and salt.
func (a *userArgs) checkExpiry() error {
	n := a.ExpireInterval
	switch {
	case n != nil && *n < 1:
		return modules.Failf("password_expire_interval value should be positive number")
	case a.PasswordExpire == "interval" && n == nil:
		return modules.Failf("password_expire=interval needs password_expire_interval")
	case a.Salt == "":
		return nil
	case a.PluginAuth == "":
		return modules.Failf("salt requires plugin_auth_string")
	case len(a.Salt) != sha2SaltLength:
		return modules.Failf("salt must be 20 characters long")
	case a.Plugin != "caching_sha2_password" && a.Plugin != "sha256_password":
		return modules.Failf("salt requires caching_sha2_password or sha256_password plugin")
	}
	return nil
}

// setExpiry changes when the account's password expires.
func (u *userRun) setExpiry(ctx context.Context, host string) (bool, error) {
	if u.PasswordExpire == "" {
		return false, nil
	}
	if !u.atLeast([]int{10, 4, 3}, []int{5, 7, 0}) {
		return false, modules.Failf("The server version does not match the requirements for password_expire parameter. See module's documentation.")
	}
	query := "SELECT IFNULL(password_lifetime, -1) FROM mysql.user WHERE User = ? AND Host = ?"
	if u.mariadb {
		query = "SELECT IFNULL(JSON_VALUE(Priv, '$.password_lifetime'), -1) FROM mysql.global_priv WHERE User = ? AND Host = ?"
	}
	var days int
	var expired string
	who := []any{u.Name, host}
	if _, err := u.one(ctx, query, who, &days); err != nil {
		return false, err
	}
	if _, err := u.one(ctx, "SELECT password_expired FROM mysql.user WHERE User = ? AND Host = ?", who, &expired); err != nil {
		return false, err
	}
	clause, settled := "", false
	switch u.PasswordExpire {
	case "now":
		settled = expired == "Y"
	case "never":
		clause, settled = " NEVER", days == 0
	case "default":
		clause, settled = " DEFAULT", days == -1
	default:
		clause, settled = fmt.Sprintf(" INTERVAL %d DAY", *u.ExpireInterval), days == *u.ExpireInterval
	}
	if settled {
		return false, nil
	}
	return true, u.exec(ctx, "ALTER USER "+account(u.Name, host)+" PASSWORD EXPIRE"+clause)
}
