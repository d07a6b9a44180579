package database

// This file is the mysql_user module.

import (
	"context"
	"sort"
	"strings"

	"gorun/modules"
)

type userArgs struct {
	loginArgs
	Name               string         `arg:"name"`
	UserPassword       *string        `arg:"password"`
	Encrypted          bool           `arg:"encrypted"`
	UserHost           string         `arg:"host"`
	HostAll            bool           `arg:"host_all"`
	Priv               any            `arg:"priv"`
	AppendPrivs        bool           `arg:"append_privs"`
	SubtractPrivs      bool           `arg:"subtract_privs"`
	TLSRequires        map[string]any `arg:"tls_requires"`
	SQLLogBin          bool           `arg:"sql_log_bin"`
	State              string         `arg:"state"`
	CheckImplicitAdmin bool           `arg:"check_implicit_admin"`
	UpdatePassword     string         `arg:"update_password"`
	Plugin             string         `arg:"plugin"`
	PluginHash         string         `arg:"plugin_hash_string"`
	PluginAuth         string         `arg:"plugin_auth_string"`
	ResourceLimits     map[string]any `arg:"resource_limits"`
	ForceContext       bool           `arg:"force_context"`
	SessionVars        map[string]any `arg:"session_vars"`
	Attributes         map[string]any `arg:"attributes"`
	ColumnCase         bool           `arg:"column_case_sensitive"`
	Locked             *bool          `arg:"locked"`
	PasswordExpire     string         `arg:"password_expire"`
	ExpireInterval     *int           `arg:"password_expire_interval"`
	Salt               string         `arg:"salt"`
}

// MysqlUser is community.mysql.mysql_user
// (https://docs.ansible.com/ansible/latest/collections/community/mysql/mysql_user_module.html).
var MysqlUser = modules.Define(modules.Spec{
	Name: "community.mysql.mysql_user",
	Doc:  "Makes, changes and removes accounts of MySQL and MariaDB.",
	Diff: modules.NoSupport,
	Options: withLogin(
		modules.Option{Name: "name", Required: true, Aliases: []string{"user"}, Doc: "The account's name; \"\" is the anonymous user."},
		modules.Option{Name: "password", NoLog: true, Doc: "The account's password, or its hash with encrypted."},
		modules.Option{Name: "encrypted", Type: modules.Bool, Default: false, Doc: "The password is a mysql_native_password hash."},
		modules.Option{Name: "host", Default: "localhost", Doc: "The host part of the account."},
		modules.Option{Name: "host_all", Type: modules.Bool, Default: false, Doc: "Change every account of that name, whatever its host."},
		modules.Option{Name: "priv", Type: modules.Raw, Doc: "Privileges: db.table:PRIV1,PRIV2/..., or a dict of these."},
		modules.Option{Name: "append_privs", Type: modules.Bool, Default: false, Doc: "Add the privileges to those that the account has."},
		modules.Option{Name: "subtract_privs", Type: modules.Bool, Default: false, Doc: "Take the privileges away from those that the account has."},
		modules.Option{Name: "tls_requires", Type: modules.Dict, Doc: "What a connection needs: SSL, X509, or subject, issuer and cipher."},
		modules.Option{Name: "sql_log_bin", Type: modules.Bool, Default: true, Doc: "Whether the change is written to the binary log."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the account is to be there."},
		modules.Option{Name: "check_implicit_admin", Type: modules.Bool, Default: false, Doc: "Try root without a password before the login options."},
		modules.Option{Name: "update_password", Default: "always", Choices: []string{"always", "on_create", "on_new_username"}, NoLog: false, Doc: "When the password is set: always, for a new account, or for a new name."},
		modules.Option{Name: "plugin", Doc: "The authentication plugin."},
		modules.Option{Name: "plugin_hash_string", Doc: "The plugin's stored hash."},
		modules.Option{Name: "plugin_auth_string", NoLog: true, Doc: "The plugin's plain text, of which the server makes the hash."},
		modules.Option{Name: "resource_limits", Type: modules.Dict, Doc: "MAX_QUERIES_PER_HOUR, MAX_UPDATES_PER_HOUR, MAX_CONNECTIONS_PER_HOUR, MAX_USER_CONNECTIONS."},
		modules.Option{Name: "force_context", Type: modules.Bool, Default: false, Doc: "Make mysql the default database of the session (replication filters)."},
		modules.Option{Name: "session_vars", Type: modules.Dict, Doc: "Variables to set for the session first."},
		modules.Option{Name: "attributes", Type: modules.Dict, Doc: "The account's attributes (MySQL 8.0.21); null removes one."},
		modules.Option{Name: "column_case_sensitive", Type: modules.Bool, Default: true, Ignored: "the servers do not mind the case of columns", Doc: "Whether columns in priv keep their case."},
		modules.Option{Name: "locked", Type: modules.Bool, Doc: "Whether the account is locked."},
		modules.Option{Name: "password_expire", Choices: []string{"now", "never", "default", "interval"}, Doc: "When the password expires; default is as the server has it set."},
		modules.Option{Name: "password_expire_interval", Type: modules.Int, Doc: "After how many days it does, with interval."},
		modules.Option{Name: "salt", Doc: "The 20 characters of salt for the hash of plugin_auth_string (caching_sha2_password, sha256_password)."},
	),
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"append_privs", "subtract_privs"}}},
}, runUser)

// A userRun is one run of the module.
type userRun struct {
	*server
	*userArgs
	want grantSet // nil: privileges are left alone
}

func runUser(ctx context.Context, m *modules.Run, a *userArgs) (*modules.Result, error) {
	want, err := parsePrivileges(a.Priv)
	if err != nil {
		return nil, err
	}
	if a.AppendPrivs && want != nil && len(want["*.*"]) == 1 && want["*.*"][0] == "USAGE" {
		delete(want, "*.*")
	}
	if err := checkLimits(a.ResourceLimits); err != nil {
		return nil, err
	}
	if err := a.checkExpiry(); err != nil {
		return nil, err
	}
	s, err := a.login(ctx, m)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.prepareSession(ctx, a.SQLLogBin, a.ForceContext, a.SessionVars); err != nil {
		return nil, err
	}
	u := &userRun{server: s, userArgs: a, want: want}
	hosts, err := u.hosts(ctx)
	if err != nil {
		return nil, err
	}
	var o outcome
	switch {
	case a.State == "absent":
		o, err = u.drop(ctx, hosts)
	case len(hosts) > 0:
		o, err = u.modify(ctx, hosts)
	case a.HostAll:
		return nil, modules.Failf("host_all parameter cannot be used when adding a user")
	default:
		o, err = u.create(ctx)
	}
	if err != nil {
		return nil, modules.Failf("%w", err)
	}
	data := map[string]any{"user": a.Name, "password_changed": o.password}
	if o.attributes != nil {
		data["attributes"] = o.attributes
	}
	return &modules.Result{Changed: o.changed, Msg: o.msg, Data: data}, nil
}

// login connects; with check_implicit_admin root without a password comes
// first.
func (a *userArgs) login(ctx context.Context, m *modules.Run) (*server, error) {
	if a.CheckImplicitAdmin {
		config, err := a.driverConfig(m)
		if err != nil {
			return nil, err
		}
		config.User, config.Passwd = "root", ""
		if s, err := open(ctx, m, &a.loginArgs, config); err == nil {
			return s, nil
		}
	}
	return connect(ctx, m, &a.loginArgs)
}

// prepareSession sets what is to hold for this connection only.
func (s *server) prepareSession(ctx context.Context, logBin, context bool, vars map[string]any) error {
	var queries []string
	if !logBin {
		queries = append(queries, "SET SQL_LOG_BIN=0")
	}
	if context {
		queries = append(queries, "USE mysql")
	}
	names := make([]string, 0, len(vars))
	for k := range vars {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		queries = append(queries, "SET SESSION "+quoteName(k)+" = "+literal(vars[k]))
	}
	for _, q := range queries {
		if _, err := s.conn.ExecContext(ctx, q); err != nil {
			return modules.Failf("cannot set up the session: %s: %w", q, sqlError(err))
		}
	}
	return nil
}

// An outcome is what happened to an account.
type outcome struct {
	changed    bool
	password   any // bool, nil where check mode cannot tell
	msg        string
	attributes map[string]any
}

// hosts lists the hosts for which the account exists, as far as it is meant.
func (u *userRun) hosts(ctx context.Context) ([]string, error) {
	if u.HostAll {
		list, err := u.column(ctx, "SELECT Host FROM mysql.user WHERE User = ? ORDER BY Host", u.Name)
		return list, err
	}
	list, err := u.column(ctx, "SELECT Host FROM mysql.user WHERE User = ? AND LOWER(Host) = LOWER(?)", u.Name, u.UserHost)
	if err != nil {
		return nil, modules.Failf("%w", err)
	}
	return list, nil
}

func (u *userRun) drop(ctx context.Context, hosts []string) (outcome, error) {
	if len(hosts) == 0 {
		return outcome{password: false, msg: "User doesn't exist"}, nil
	}
	for _, h := range hosts {
		if err := u.exec(ctx, "DROP USER "+account(u.Name, h)); err != nil {
			return outcome{}, err
		}
	}
	return outcome{changed: true, password: false, msg: "User deleted"}, nil
}

func (u *userRun) create(ctx context.Context) (outcome, error) {
	o := outcome{changed: true, password: true, msg: "User added"}
	if u.Check {
		o.password = nil
	}
	who := account(u.Name, u.UserHost)
	how, err := u.identifiedFor(ctx)
	if err != nil {
		return o, err
	}
	if err := u.exec(ctx, "CREATE USER "+who+how); err != nil {
		return o, err
	}
	if u.Check {
		return o, nil
	}
	if len(u.want) > 0 && !u.SubtractPrivs {
		if err := u.applyGrants(ctx, who, planGrants(grantSet{"*.*": {"USAGE"}}, u.want, true, false)); err != nil {
			return o, err
		}
	}
	if u.TLSRequires != nil {
		if _, err := u.setTLS(ctx, u.UserHost); err != nil {
			return o, err
		}
	}
	if _, err := u.setLimits(ctx, u.UserHost); err != nil {
		return o, err
	}
	if _, err := u.setLocked(ctx, u.UserHost); err != nil {
		return o, err
	}
	if _, err := u.setExpiry(ctx, u.UserHost); err != nil {
		return o, err
	}
	_, o.attributes, err = u.setAttributes(ctx, u.UserHost)
	return o, err
}

// modify brings the accounts of the given hosts to what is wanted.
func (u *userRun) modify(ctx context.Context, hosts []string) (outcome, error) {
	o := outcome{password: false, msg: "User unchanged"}
	note := func(changed bool, msg string) {
		if changed {
			o.changed, o.msg = true, msg
		}
	}
	for _, h := range hosts {
		changed, err := u.setPassword(ctx, h)
		if err != nil {
			return o, err
		}
		if changed {
			o.password = true
			note(true, map[bool]string{true: "Password updated", false: "Password updated (new style)"}[u.Check])
		}
		if u.want != nil {
			plan, err := u.setPrivileges(ctx, account(u.Name, h))
			if err != nil {
				return o, err
			}
			note(len(plan) > 0, tellGrants(plan))
		}
		if u.TLSRequires != nil {
			changed, err := u.setTLS(ctx, h)
			if err != nil {
				return o, err
			}
			note(changed, "TLS requires updated")
		}
		if changed, err = u.setLimits(ctx, h); err != nil {
			return o, err
		}
		note(changed, "Resource limits updated")
		if changed, err = u.setLocked(ctx, h); err != nil {
			return o, err
		}
		note(changed, "User locked state updated")
		if changed, err = u.setExpiry(ctx, h); err != nil {
			return o, err
		}
		if changed {
			o.password = true
		}
		note(changed, "Password expiry updated")
		if changed, o.attributes, err = u.setAttributes(ctx, h); err != nil {
			return o, err
		}
		note(changed, "Attributes updated")
	}
	return o, nil
}

// setPrivileges grants and revokes; a plan that the server takes without any
// effect (ALL to one that shows as its parts) counts as none.
func (u *userRun) setPrivileges(ctx context.Context, who string) ([]grantChange, error) {
	have, err := u.grants(ctx, who)
	if err != nil {
		return nil, err
	}
	plan := planGrants(have, u.want, u.AppendPrivs, u.SubtractPrivs)
	if len(plan) == 0 || u.Check {
		return plan, nil
	}
	return plan, u.applyGrants(ctx, who, plan)
}

func plainKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, strings.ToUpper(k))
	}
	sort.Strings(keys)
	return keys
}
