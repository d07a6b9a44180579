package database

import (
	"fmt"
	"strings"
	"testing"
)

func TestMysqlVariables(t *testing.T) {
	s := startServer(t, 1)
	s.sql(t, "SET GLOBAL max_connections = 151, GLOBAL slow_query_log = 0")
	for _, c := range []struct {
		args    map[string]any
		changed bool
		msg     string
	}{
		{map[string]any{"variable": "max_connections"}, false, "151"},
		{map[string]any{"variable": "max_connections", "value": 77}, true, "Variable change succeeded prev_value=151"},
		{map[string]any{"variable": "slow_query_log", "value": "ON"}, true, "Variable change succeeded prev_value=OFF"},
	} {
		predicted := s.run(MysqlVariables, c.args, checkMode)
		got := s.run(MysqlVariables, c.args)
		if got["changed"] != c.changed || predicted["skipped"] != true || got["msg"] != c.msg {
			t.Errorf("%v: %v, predicted %v", c.args, got, predicted)
		}
		if again := s.run(MysqlVariables, c.args); again["changed"] != false || c.changed && again["msg"] != "Variable is already set to requested value." {
			t.Errorf("%v: again %v", c.args, again["msg"])
		}
	}
	for args, want := range map[string]string{"nosuch": `Variable not available "nosuch"`, "a;b": `invalid variable name "a;b"`} {
		if got := s.run(MysqlVariables, map[string]any{"variable": args, "value": "1"}); got["failed"] != true || got["msg"] != want {
			t.Errorf("%s: %v", args, got["msg"])
		}
	}
}

func TestMysqlQuery(t *testing.T) {
	s := startServer(t, 1)
	s.sql(t, "CREATE DATABASE IF NOT EXISTS q; CREATE OR REPLACE TABLE q.t (a int, b text)")
	type args = map[string]any
	for _, c := range []struct {
		args    args
		changed bool
		result  string
		count   string
	}{
		{args{"query": "SELECT 1 AS a, 1.5 AS c, NULL AS d"}, false, "[[map[a:1 c:1.5 d:<nil>]]]", "[1]"},
		{args{"query": "INSERT INTO t VALUES (%s, %s)", "positional_args": []any{1, "it's"}, "login_db": "q"}, true, "[[]]", "[1]"},
		{args{"query": "SELECT b FROM q.t WHERE a = %(id)s", "named_args": args{"id": 1}}, false, "[[map[b:it's]]]", "[1]"},
		{args{"query": []any{"UPDATE q.t SET a = 2 WHERE a = 1", "DELETE FROM q.t WHERE a = 9"}, "single_transaction": true}, true, "[[] []]", "[1 0]"},
		{args{"query": "UPDATE q.t SET a = 2 WHERE a = 1"}, false, "[[]]", "[0]"},
	} {
		got := s.run(MysqlQuery, c.args)
		if got["changed"] != c.changed || fmt.Sprint(got["query_result"]) != c.result || fmt.Sprint(got["rowcount"]) != c.count {
			t.Errorf("%v: %v", c.args, got)
		}
	}
	got := s.run(MysqlQuery, args{"query": "bogus"})
	if msg := fmt.Sprint(got["msg"]); !strings.HasPrefix(msg, `Cannot execute SQL 'bogus' args [None]: (1064, "You have an error in your SQL syntax;`) {
		t.Errorf("%q", msg)
	}
	s.run(MysqlQuery, args{"query": []any{"DELETE FROM q.t", "bogus"}, "single_transaction": true})
	if n := s.sql(t, "SELECT COUNT(*) FROM q.t"); n != "1" {
		t.Errorf("a failed transaction left %s rows", n)
	}
	if got := s.run(MysqlQuery, args{"query": "SELECT %s", "positional_args": []any{1, 2}}); got["failed"] != true {
		t.Errorf("too many values: %v", got)
	}
}

func TestMysqlInfo(t *testing.T) {
	s := startServer(t, 1)
	got := s.run(MysqlInfo, map[string]any{"filter": "version,databases,engines,users,settings,bogus"})
	version, _ := got["version"].(map[string]any)
	if version["major"] != 10 && version["major"] != 11 || !strings.Contains(fmt.Sprint(version["full"]), "MariaDB") {
		t.Errorf("version: %v", got["version"])
	}
	for key, part := range map[string]string{"databases": "mysql:map[size:", "engines": "InnoDB:map[Comment:", "users": "localhost:map[", "settings": "max_connections:"} {
		if !strings.Contains(fmt.Sprint(got[key]), part) {
			t.Errorf("%s: %v", key, got[key])
		}
	}
	if !strings.Contains(fmt.Sprint(got["warnings"]), "filter element 'bogus' is not allowable, ignored") || got["global_status"] != nil {
		t.Errorf("filter: %v", got["warnings"])
	}
	all := s.run(MysqlInfo, map[string]any{"filter": "!settings,!global_status"})
	if all["failed"] == true || all["slave_status"] == nil || all["settings"] != nil {
		t.Errorf("without settings: %v", all)
	}
	if strings.Contains(fmt.Sprint(got["users"]), "authentication_string") {
		t.Error("hashes are in the report")
	}
}

func TestMysqlRole(t *testing.T) {
	s := startServer(t, 1)
	s.sql(t, "CREATE USER IF NOT EXISTS m1@localhost, m2@localhost; CREATE DATABASE IF NOT EXISTS app")
	type args = map[string]any
	for _, c := range []struct {
		args    args
		changed bool
		members string
	}{
		{args{"name": "rr", "priv": "app.*:SELECT", "members": "m1@localhost"}, true, "m1"},
		{args{"name": "rr", "members": "m2@localhost", "append_members": true}, true, "m1\nm2"},
		{args{"name": "rr", "members": "m1@localhost", "detach_members": true}, true, "m2"},
		{args{"name": "rr", "members": "m1@localhost"}, true, "m1"},
		{args{"name": "rr", "priv": "app.*:INSERT", "append_privs": true}, true, "m1"},
		{args{"name": "rr", "state": "absent"}, true, ""},
	} {
		query := "SELECT User FROM mysql.roles_mapping WHERE Role = 'rr' AND User <> 'root' ORDER BY User"
		before := s.sql(t, query)
		predicted := s.run(MysqlRole, c.args, checkMode)
		if s.sql(t, query) != before {
			t.Fatalf("%v: check mode changed the members", c.args)
		}
		got := s.run(MysqlRole, c.args)
		if got["failed"] == true || got["changed"] != c.changed || predicted["changed"] != c.changed {
			t.Errorf("%v: %v, predicted %v", c.args, got, predicted)
		}
		if m := s.sql(t, query); m != c.members {
			t.Errorf("%v: members %q", c.args, m)
		}
		if again := s.run(MysqlRole, c.args); again["changed"] != false {
			t.Errorf("%v: changed again: %v", c.args, again)
		}
	}
	if got := s.run(MysqlRole, args{"name": "r2", "members": "nosuch"}); got["msg"] != "User / role `nosuch` with host `` does not exist" {
		t.Errorf("an unknown member: %v", got["msg"])
	}
}
