package database

// This file is the mysql_role module.

import (
	"context"
	"slices"
	"strings"

	"gorun/modules"
)

type roleArgs struct {
	loginArgs
	Name               string   `arg:"name"`
	State              string   `arg:"state"`
	Admin              string   `arg:"admin"`
	Priv               any      `arg:"priv"`
	AppendPrivs        bool     `arg:"append_privs"`
	SubtractPrivs      bool     `arg:"subtract_privs"`
	Members            []string `arg:"members"`
	AppendMembers      bool     `arg:"append_members"`
	DetachMembers      bool     `arg:"detach_members"`
	MembersMustExist   bool     `arg:"members_must_exist"`
	SetDefaultAll      bool     `arg:"set_default_role_all"`
	CheckImplicitAdmin bool     `arg:"check_implicit_admin"`
	SQLLogBin          bool     `arg:"sql_log_bin"`
	ColumnCase         bool     `arg:"column_case_sensitive"`
}

// MysqlRole is community.mysql.mysql_role
// (https://docs.ansible.com/ansible/latest/collections/community/mysql/mysql_role_module.html).
var MysqlRole = modules.Define(modules.Spec{
	Name: "community.mysql.mysql_role",
	Doc:  "Makes, changes and removes roles and their members.",
	Diff: modules.NoSupport,
	Options: withLogin(
		modules.Option{Name: "name", Required: true, Doc: "The role."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether it is to be there."},
		modules.Option{Name: "admin", Doc: "The role's admin, user or user@host (MariaDB)."},
		modules.Option{Name: "priv", Type: modules.Raw, Doc: "Its privileges, as in mysql_user."},
		modules.Option{Name: "append_privs", Type: modules.Bool, Default: false, Doc: "Add the privileges to those that it has."},
		modules.Option{Name: "subtract_privs", Type: modules.Bool, Default: false, Doc: "Take the privileges away from those that it has."},
		modules.Option{Name: "members", Type: modules.List, Elements: modules.Str, Doc: "The accounts (user@host) and roles that have it."},
		modules.Option{Name: "append_members", Type: modules.Bool, Default: false, Doc: "Add to the members that it has."},
		modules.Option{Name: "detach_members", Type: modules.Bool, Default: false, Doc: "Take the named members away."},
		modules.Option{Name: "members_must_exist", Type: modules.Bool, Default: true, Doc: "Whether an unknown member is a failure."},
		modules.Option{Name: "set_default_role_all", Type: modules.Bool, Default: true, Doc: "Make all roles of new members their default roles (MySQL)."},
		modules.Option{Name: "check_implicit_admin", Type: modules.Bool, Default: false, Doc: "Try root without a password before the login options."},
		modules.Option{Name: "sql_log_bin", Type: modules.Bool, Default: true, Doc: "Whether the change is written to the binary log."},
		modules.Option{Name: "column_case_sensitive", Type: modules.Bool, Default: true, Ignored: "the servers do not mind the case of columns", Doc: "Whether columns in priv keep their case."},
	),
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"append_members", "detach_members"}, {"append_privs", "subtract_privs"}, {"admin", "members"}, {"admin", "append_members"}, {"admin", "detach_members"}}},
}, runRole)

// A roleRun is one run of the module.
type roleRun struct {
	*server
	*roleArgs
}

func runRole(ctx context.Context, m *modules.Run, a *roleArgs) (*modules.Result, error) {
	want, err := parsePrivileges(a.Priv)
	if err != nil {
		return nil, err
	}
	u := userArgs{loginArgs: a.loginArgs, CheckImplicitAdmin: a.CheckImplicitAdmin}
	s, err := u.login(ctx, m)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.prepareSession(ctx, a.SQLLogBin, false, nil); err != nil {
		return nil, err
	}
	if !s.atLeast([]int{10, 0, 5}, []int{8, 0, 0}) {
		return nil, modules.Failf("Roles are not supported by the server. Minimal versions are MySQL 8.0.0 or MariaDB 10.0.5.")
	}
	if a.Admin != "" && !s.mariadb {
		return nil, modules.Failf("The \"admin\" option can be used only with MariaDB.")
	}
	r := &roleRun{server: s, roleArgs: a}
	changed, err := r.apply(ctx, want)
	if err != nil {
		return nil, modules.Failf("%w", err)
	}
	return &modules.Result{Changed: changed}, nil
}

// who writes the role as an account: MariaDB's roles have no host.
func (r *roleRun) who() string { return r.accountOf(r.roleArgs.Name) }

// accountOf writes "user@host", or the name of a role or user.
func (r *roleRun) accountOf(member string) string {
	i := strings.LastIndexByte(member, '@')
	if i < 0 {
		if r.mariadb {
			return quoteText(member)
		}
		return account(member, "%")
	}
	return account(member[:i], member[i+1:])
}

func (r *roleRun) exists(ctx context.Context, member string) (bool, error) {
	name, host := member, ""
	if i := strings.LastIndexByte(member, '@'); i >= 0 {
		name, host = member[:i], member[i+1:]
	} else if !r.mariadb {
		host = "%"
	}
	var n int
	_, err := r.one(ctx, "SELECT COUNT(*) FROM mysql.user WHERE User = ? AND Host = ?", []any{name, host}, &n)
	return n > 0, err
}

func (r *roleRun) apply(ctx context.Context, want grantSet) (changed bool, err error) {
	there, err := r.exists(ctx, r.roleArgs.Name)
	if err != nil {
		return false, err
	}
	if r.State == "absent" {
		if there {
			err = r.exec(ctx, "DROP ROLE "+r.who())
		}
		return there, err
	}
	members, err := r.knownMembers(ctx)
	if err != nil {
		return false, err
	}
	if !there {
		changed = true
		query := "CREATE ROLE " + r.who()
		if r.Admin != "" {
			query += " WITH ADMIN " + r.accountOf(r.Admin)
		}
		if err := r.exec(ctx, query); err != nil || r.Check {
			return true, err
		}
	}
	if want != nil {
		have, err := r.grants(ctx, r.who())
		if err != nil {
			return changed, err
		}
		plan := planGrants(have, want, r.AppendPrivs, r.SubtractPrivs)
		changed = changed || len(plan) > 0
		if err := r.applyGrants(ctx, r.who(), plan); err != nil {
			return changed, err
		}
	}
	moved, err := r.setMembers(ctx, members)
	return changed || moved, err
}

// knownMembers are the members that exist.
func (r *roleRun) knownMembers(ctx context.Context) ([]string, error) {
	var out []string
	for _, m := range r.Members {
		if m = strings.TrimSpace(m); m == "" {
			continue
		}
		there, err := r.exists(ctx, m)
		if err != nil {
			return nil, err
		}
		switch {
		case there:
			out = append(out, m)
		case r.MembersMustExist:
			name, host := m, ""
			if i := strings.LastIndexByte(m, '@'); i >= 0 {
				name, host = m[:i], m[i+1:]
			}
			return nil, modules.Failf("User / role `%s` with host `%s` does not exist", name, host)
		default:
			r.Warn("User / role `%s` does not exist, skipped", m)
		}
	}
	return out, nil
}

// current lists the members as user@host, roles by their name.
func (r *roleRun) current(ctx context.Context) ([]string, error) {
	if r.mariadb {
		return r.column(ctx, "SELECT IF(Host = '', User, CONCAT(User, '@', Host)) FROM mysql.roles_mapping WHERE Role = ? AND NOT (User = 'root' AND Admin_option = 'Y')", r.roleArgs.Name)
	}
	return r.column(ctx, "SELECT CONCAT(TO_USER, '@', TO_HOST) FROM mysql.role_edges WHERE FROM_USER = ?", r.roleArgs.Name)
}

func (r *roleRun) setMembers(ctx context.Context, want []string) (changed bool, err error) {
	if r.Members == nil {
		return false, nil
	}
	have, err := r.current(ctx)
	if err != nil {
		return false, err
	}
	full := func(m string) string {
		if r.mariadb || strings.Contains(m, "@") {
			return m
		}
		return m + "@%"
	}
	for i := range want {
		want[i] = full(want[i])
	}
	for _, m := range want {
		if slices.Contains(have, m) == r.DetachMembers {
			changed = true
			if err := r.member(ctx, m, !r.DetachMembers); err != nil {
				return changed, err
			}
		}
	}
	if r.AppendMembers || r.DetachMembers {
		return changed, nil
	}
	for _, m := range have {
		if !slices.Contains(want, m) {
			changed = true
			if err := r.member(ctx, m, false); err != nil {
				return changed, err
			}
		}
	}
	return changed, nil
}

func (r *roleRun) member(ctx context.Context, member string, add bool) error {
	if !add {
		return r.exec(ctx, "REVOKE "+r.who()+" FROM "+r.accountOf(member))
	}
	if err := r.exec(ctx, "GRANT "+r.who()+" TO "+r.accountOf(member)); err != nil {
		return err
	}
	if r.SetDefaultAll && !r.mariadb {
		return r.exec(ctx, "SET DEFAULT ROLE ALL TO "+r.accountOf(member))
	}
	return nil
}
