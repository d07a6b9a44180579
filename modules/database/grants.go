package database

// This file brings an account's privileges to what a task wants.

import (
	"context"
	"sort"
	"strings"

	"gorun/modules"
)

// grants reads the privileges of an account ('user'@'host', or a role).
func (s *server) grants(ctx context.Context, who string) (grantSet, error) {
	lines, err := s.column(ctx, "SHOW GRANTS FOR "+who)
	if err != nil {
		return nil, err
	}
	out := grantSet{}
	for _, l := range lines {
		if on, privileges, ok := parseGrant(l); ok {
			out[on] = union(out[on], privileges)
		}
	}
	return out, nil
}

// A grantChange is what has to be granted and revoked on one object.
type grantChange struct {
	on            string
	grant, revoke []string
}

// planGrants compares. Without append and subtract the account gets exactly
// what is wanted.
func planGrants(have, want grantSet, appendOnly, subtract bool) []grantChange {
	var out []grantChange
	objects := map[string]bool{}
	for on := range have {
		objects[on] = true
	}
	for on := range want {
		objects[on] = true
	}
	names := make([]string, 0, len(objects))
	for on := range objects {
		names = append(names, on)
	}
	sort.Strings(names)
	for _, on := range names {
		h, w := have[on], want[on]
		c := grantChange{on: on}
		switch {
		case subtract:
			c.revoke = minus(intersection(h, w), []string{"USAGE"})
		case w == nil:
			if !appendOnly && strings.Join(h, "") != "PROXY" {
				c.revoke = minus(h, []string{"USAGE"})
			}
		default:
			c.grant = minus(w, h)
			if !appendOnly {
				c.revoke = minus(h, append([]string{"USAGE"}, w...))
			}
			if all(h) && !all(w) && appendOnly {
				c.grant = minus(c.grant, allWithoutGrant(c.grant))
			}
			if all(w) && covers(h) {
				// MySQL 8 shows ALL on *.* as the list of what it is made of.
				c.grant, c.revoke = intersection(c.grant, []string{"GRANT"}), intersection(c.revoke, []string{"GRANT"})
			}
			// USAGE means no privilege: nothing to grant to an account that exists.
			c.grant = minus(c.grant, []string{"USAGE"})
		}
		if len(c.grant)+len(c.revoke) > 0 {
			out = append(out, c)
		}
	}
	return out
}

func all(list []string) bool { return len(intersection(list, []string{"ALL"})) > 0 }

// allWithoutGrant is what ALL holds already: everything but the grant option.
func allWithoutGrant(list []string) []string { return minus(list, []string{"GRANT"}) }

// covers reports whether a shown list is MySQL 8's way to say ALL on *.*.
func covers(list []string) bool {
	static := strings.Split("SELECT,INSERT,UPDATE,DELETE,CREATE,DROP,RELOAD,SHUTDOWN,PROCESS,FILE,REFERENCES,INDEX,ALTER,SHOW DATABASES,SUPER,"+
		"CREATE TEMPORARY TABLES,LOCK TABLES,EXECUTE,REPLICATION SLAVE,REPLICATION CLIENT,CREATE VIEW,SHOW VIEW,CREATE ROUTINE,ALTER ROUTINE,"+
		"CREATE USER,EVENT,TRIGGER,CREATE TABLESPACE", ",")
	return len(minus(static, list)) == 0
}

// applyGrants executes a plan on an account, in check mode nothing.
func (s *server) applyGrants(ctx context.Context, who string, plan []grantChange) error {
	for _, c := range plan {
		if len(c.revoke) > 0 {
			if err := s.revoke(ctx, who, c); err != nil {
				return err
			}
		}
		if len(c.grant) > 0 {
			if err := s.grant(ctx, who, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *server) grant(ctx context.Context, who string, c grantChange) error {
	words := minus(c.grant, []string{"GRANT"})
	if len(words) == 0 {
		words = []string{"USAGE"}
	}
	query := "GRANT " + strings.Join(words, ",") + " ON " + c.on + " TO " + who
	if len(words) != len(c.grant) || c.grant[0] == "GRANT" {
		query += " WITH GRANT OPTION"
	}
	if err := s.exec(ctx, query); err != nil {
		return modules.Failf("Error granting privileges, invalid priv string: %s , query: %s , exception: %w.", strings.Join(c.grant, ","), query, err)
	}
	return nil
}

func (s *server) revoke(ctx context.Context, who string, c grantChange) error {
	words := minus(c.revoke, []string{"GRANT"})
	if len(words) != len(c.revoke) {
		query := "REVOKE GRANT OPTION ON " + c.on + " FROM " + who
		if err := s.exec(ctx, query); err != nil {
			return modules.Failf("Error revoking privileges, invalid priv string: GRANT , query: %s , exception: %w.", query, err)
		}
	}
	if len(words) == 0 {
		return nil
	}
	query := "REVOKE " + strings.Join(words, ",") + " ON " + c.on + " FROM " + who
	if err := s.exec(ctx, query); err != nil {
		return modules.Failf("Error revoking privileges, invalid priv string: %s , query: %s , exception: %w.", strings.Join(words, ","), query, err)
	}
	return nil
}

// tellGrants words a plan as the module's msg does.
func tellGrants(plan []grantChange) string {
	var granted, revoked []string
	for _, c := range plan {
		granted, revoked = union(granted, c.grant), union(revoked, c.revoke)
	}
	return "Privileges updated: granted " + pythonList(granted) + ", revoked " + pythonList(revoked)
}
