package database

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gorun/internal/needs"
	"gorun/modules/crypt"
)

const passwordHash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19" // of "password"

// TestMysqlUser walks accounts through their life. Every step runs in check
// mode, for real, and again; messages are community.mysql 3.7.2's.
func TestMysqlUser(t *testing.T) {
	s := startServer(t, 1)
	s.sql(t, "CREATE DATABASE IF NOT EXISTS app; CREATE TABLE IF NOT EXISTS app.t (a int, b int)")
	type args = map[string]any
	for _, c := range []struct {
		name    string
		args    args
		changed bool
		msg     string
		grants  string // of the account afterwards, without the password
	}{
		{"new", args{"name": "app", "password": "s3c", "host": "%", "priv": "app.*:ALL"}, true, "User added",
			"GRANT USAGE ON *.* TO `app`@`%`|GRANT ALL PRIVILEGES ON `app`.* TO `app`@`%`"},
		{"password", args{"name": "app", "password": "n3w", "host": "%"}, true, "Password updated (new style)",
			"GRANT USAGE ON *.* TO `app`@`%`|GRANT ALL PRIVILEGES ON `app`.* TO `app`@`%`"},
		{"password on create only", args{"name": "app", "password": "other", "host": "%", "update_password": "on_create"}, false, "User unchanged", ""},
		{"replicator", args{"name": "slaver", "host": "%", "password": "zz1", "priv": "*.*:REPLICATION SLAVE"}, true, "User added",
			"GRANT REPLICATION SLAVE ON *.* TO `slaver`@`%`"},
		{"grant option", args{"name": "r", "password": "zz2", "priv": "*.*:REPLICATION SLAVE,GRANT/app.*:SELECT"}, true, "User added",
			"GRANT REPLICATION SLAVE ON *.* TO `r`@`localhost` WITH GRANT OPTION|GRANT SELECT ON `app`.* TO `r`@`localhost`"},
		{"append", args{"name": "r", "priv": "app.*:INSERT", "append_privs": true}, true, "Privileges updated: granted ['INSERT'], revoked []",
			"GRANT REPLICATION SLAVE ON *.* TO `r`@`localhost` WITH GRANT OPTION|GRANT SELECT, INSERT ON `app`.* TO `r`@`localhost`"},
		{"subtract", args{"name": "r", "priv": "app.*:INSERT,DELETE", "subtract_privs": true}, true, "Privileges updated: granted [], revoked ['INSERT']",
			"GRANT REPLICATION SLAVE ON *.* TO `r`@`localhost` WITH GRANT OPTION|GRANT SELECT ON `app`.* TO `r`@`localhost`"},
		{"everything", args{"name": "r", "priv": "*.*:ALL"}, true, "Privileges updated: granted ['ALL'], revoked ['GRANT', 'REPLICATION SLAVE', 'SELECT']",
			"GRANT ALL PRIVILEGES ON *.* TO `r`@`localhost`"},
		{"columns", args{"name": "r", "priv": "app.t:SELECT(b,a),INSERT"}, true, "Privileges updated: granted ['INSERT', 'SELECT (A, B)'], revoked ['ALL']",
			"GRANT USAGE ON *.* TO `r`@`localhost`|GRANT SELECT (`A`, `B`), INSERT ON `app`.`t` TO `r`@`localhost`"},
		{"a dict", args{"name": "r", "priv": args{"app.*": "SELECT,INSERT", "*.*": "RELOAD"}}, true,
			"Privileges updated: granted ['INSERT', 'RELOAD', 'SELECT'], revoked ['INSERT', 'SELECT (A, B)']",
			"GRANT RELOAD ON *.* TO `r`@`localhost`|GRANT SELECT, INSERT ON `app`.* TO `r`@`localhost`"},
		{"TLS", args{"name": "r", "tls_requires": args{"SSL": nil}}, true, "TLS requires updated", ""},
		{"TLS by certificate", args{"name": "r", "tls_requires": args{"subject": "/CN=a", "issuer": "/CN=b"}}, true, "TLS requires updated", ""},
		{"limits", args{"name": "r", "resource_limits": args{"MAX_USER_CONNECTIONS": 10, "max_queries_per_hour": "5"}}, true, "Resource limits updated", ""},
		{"locked", args{"name": "r", "locked": true}, true, "User locked state updated", ""},
		{"the password expires", args{"name": "r", "password_expire": "interval", "password_expire_interval": 30}, true, "Password expiry updated", ""},
		{"it never does", args{"name": "r", "password_expire": "never"}, true, "Password expiry updated", ""},
		{"as the server says", args{"name": "r", "password_expire": "default"}, true, "Password expiry updated", ""},
		{"it has expired", args{"name": "r", "password_expire": "now"}, true, "Password expiry updated", ""},
		{"a new one expires", args{"name": "exp", "password": "x", "password_expire": "interval", "password_expire_interval": 7}, true, "User added",
			"GRANT USAGE ON *.* TO `exp`@`localhost`"},
		{"hash", args{"name": "q", "password": passwordHash, "encrypted": true}, true, "User added", "GRANT USAGE ON *.* TO `q`@`localhost`"},
		{"hash as plain", args{"name": "q", "password": "password"}, false, "User unchanged", ""},
		{"plugin", args{"name": "pl", "plugin": "unix_socket"}, true, "User added", "GRANT USAGE ON *.* TO `pl`@`localhost` IDENTIFIED VIA unix_socket"},
		{"new name with a known one's password", args{"name": "app", "host": "10.0.0.1", "update_password": "on_new_username", "password": "x"}, true, "User added", ""},
		{"every host", args{"name": "app", "host_all": true, "password": "q"}, true, "Password updated (new style)", ""},
		{"a routine's name is no table", args{"name": "q", "priv": "app.*:EXECUTE"}, true, "Privileges updated: granted ['EXECUTE'], revoked []", ""},
		{"anonymous", args{"name": "", "state": "absent"}, false, "User doesn't exist", ""},
		{"gone", args{"name": "r", "state": "absent"}, true, "User deleted", ""},
		{"gone on every host", args{"name": "app", "host_all": true, "state": "absent"}, true, "User deleted", ""},
	} {
		before := s.sql(t, "SELECT * FROM mysql.global_priv ORDER BY User, Host; SELECT * FROM mysql.db ORDER BY User")
		predicted := s.run(MysqlUser, c.args, checkMode)
		if now := s.sql(t, "SELECT * FROM mysql.global_priv ORDER BY User, Host; SELECT * FROM mysql.db ORDER BY User"); now != before {
			t.Fatalf("%s: check mode changed the accounts", c.name)
		}
		got := s.run(MysqlUser, c.args)
		if got["failed"] == true || predicted["failed"] == true {
			t.Errorf("%s: %v; predicted %v", c.name, got, predicted)
			continue
		}
		if got["changed"] != c.changed || got["msg"] != c.msg || predicted["changed"] != c.changed {
			t.Errorf("%s: changed=%v (predicted %v), msg %q, want %v and %q", c.name, got["changed"], predicted["changed"], got["msg"], c.changed, c.msg)
		}
		if c.grants != "" {
			host, _ := c.args["host"].(string)
			if host == "" {
				host = "localhost"
			}
			shown := s.sql(t, fmt.Sprintf("SHOW GRANTS FOR '%s'@'%s'", c.args["name"], host))
			var lines []string
			for line := range strings.Lines(shown) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), " IDENTIFIED BY PASSWORD")
				if strings.Contains(shown, "WITH GRANT OPTION") && strings.Contains(line, "ON *.*") && !strings.HasSuffix(line, "OPTION") {
					line += " WITH GRANT OPTION"
				}
				lines = append(lines, line)
			}
			if g := strings.Join(lines, "|"); g != c.grants {
				t.Errorf("%s: grants\n%s, want\n%s", c.name, g, c.grants)
			}
		}
		if again := s.run(MysqlUser, c.args); again["changed"] != false && c.args["update_password"] == nil {
			t.Errorf("%s: the second run changed: %v", c.name, again["msg"])
		}
	}
}

func TestMysqlUserErrors(t *testing.T) {
	s := startServer(t, 1)
	for _, c := range []struct {
		args map[string]any
		want string
	}{
		{map[string]any{"name": "x", "priv": "nonsense"}, `invalid privileges string: "nonsense" is not of the form db.table:PRIV1,PRIV2`},
		{map[string]any{"name": "x", "priv": []any{"a"}}, "priv parameter must be str or dict but []interface {} was passed"},
		{map[string]any{"name": "x", "resource_limits": map[string]any{"BOGUS": 5}}, "resource_limits: key 'BOGUS' is unsupported."},
		{map[string]any{"name": "x", "password": "bad", "encrypted": true}, "(1372, 'Password hash should be a 41-digit hexadecimal number')"},
		{map[string]any{"name": "x", "host_all": true}, "host_all parameter cannot be used when adding a user"},
		{map[string]any{"name": "x", "append_privs": true, "subtract_privs": true}, "parameters are mutually exclusive: append_privs|subtract_privs"},
	} {
		if got := s.run(MysqlUser, c.args); got["failed"] != true || got["msg"] != c.want {
			t.Errorf("%v: %v, want %q", c.args, got["msg"], c.want)
		}
	}
	got := s.run(MysqlUser, map[string]any{"name": "x", "priv": "app.*:BOGUS"})
	if msg := fmt.Sprint(got["msg"]); !strings.HasPrefix(msg, "Error granting privileges, invalid priv string: BOGUS , query: GRANT BOGUS ON `app`.* TO 'x'@'localhost' , exception: (1064, \"You have an error in your SQL syntax") {
		t.Errorf("a privilege that is none: %q", msg)
	}
	got = s.run(MysqlUser, map[string]any{"name": "x", "login_unix_socket": filepath.Join(t.TempDir(), "none")})
	want := "unable to connect to database, check login_user and login_password are correct or " + filepath.Join(s.dir, "none.cnf") + " has the credentials. Exception message: "
	if msg := fmt.Sprint(got["msg"]); !strings.HasPrefix(msg, want) {
		t.Errorf("no server: %q", msg)
	}
}

// TestConfigFile logs in as the article does: by ~/.my.cnf alone.
func TestConfigFile(t *testing.T) {
	s := startServer(t, 1)
	s.run(MysqlUser, map[string]any{"name": "cnf", "password": "p#w'x", "priv": "*.*:ALL,GRANT"})
	file := filepath.Join(t.TempDir(), "my.cnf")
	text := "# a comment\n[mysql]\nuser=no\n[client]\nhost = localhost\nuser     = cnf\npassword = \"p#w'x\"\nsocket   = " + s.socket + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.run(MysqlDB, map[string]any{"name": "by_cnf", "config_file": file, "login_unix_socket": nil, "login_user": nil})
	if got["changed"] != true || !strings.Contains(s.sql(t, "SHOW DATABASES"), "by_cnf") {
		t.Errorf("by the config file: %v", got)
	}
}

func TestPrivileges(t *testing.T) {
	for _, c := range []struct {
		raw  any
		want grantSet
	}{
		{nil, nil},
		{"", nil},
		{"app.*:ALL PRIVILEGES", grantSet{"`app`.*": {"ALL"}, "*.*": {"USAGE"}}},
		{"*.*:select, insert (b,a)/`a.b`.c:GRANT OPTION", grantSet{"*.*": {"INSERT (A, B)", "SELECT"}, "`a.b`.`c`": {"GRANT"}}},
		{"FUNCTION app.f:EXECUTE", grantSet{"FUNCTION `app`.`f`": {"EXECUTE"}, "*.*": {"USAGE"}}},
		{map[string]any{"a_b%.*": []any{"SELECT", "SELECT"}}, grantSet{"`a_b%`.*": {"SELECT"}, "*.*": {"USAGE"}}},
	} {
		got, err := parsePrivileges(c.raw)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %v, %v", c.raw, got, err)
		}
	}
}

func TestParseGrant(t *testing.T) {
	for _, c := range []struct{ line, on, privileges string }{
		{"GRANT USAGE ON *.* TO `r`@`localhost` IDENTIFIED BY PASSWORD '*24'", "*.*", "USAGE"},
		{"GRANT SELECT (`b`, `a`), INSERT ON `app`.`t` TO 'r'@'localhost' WITH GRANT OPTION", "`app`.`t`", "GRANT,INSERT,SELECT (A, B)"},
		{"GRANT EXECUTE ON PROCEDURE `app`.`p` TO `r`@`%`", "PROCEDURE `app`.`p`", "EXECUTE"},
		{"GRANT ALL PRIVILEGES ON `a on b`.* TO `x to y`@`%`", "`a on b`.*", "ALL"},
		{"GRANT RELOAD ON *.* TO `d`@`localhost` WITH MAX_QUERIES_PER_HOUR 5", "*.*", "RELOAD"},
		{"GRANT `role` TO `d`@`localhost`", "", ""},
	} {
		on, privileges, _ := parseGrant(c.line)
		if on != c.on || strings.Join(privileges, ",") != c.privileges {
			t.Errorf("%s: %q, %q", c.line, on, privileges)
		}
	}
}

func FuzzParsePrivileges(f *testing.F) {
	for _, s := range []string{"a.b:SELECT(x,y),INSERT/*.*:ALL", "a:b:c", "`a.b`.c:X", "f(:)", ")/("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := parsePrivileges(s)
		if err == nil && set != nil && set["*.*"] == nil {
			t.Errorf("%q has no *.*: %v", s, set)
		}
	})
}

// TestCachingSHA2 has a hash by openssl, whose salt is crypt(3)'s 16 bytes.
func TestCachingSHA2(t *testing.T) {
	const want = "$5$rounds=5000$0123456789abcdef$"
	out, err := exec.Command("openssl", "passwd", "-5", "-salt", "rounds=5000$0123456789abcdef", "secret").Output()
	needs.Have(t, "openssl", err == nil, "openssl is not there")
	got := crypt.SHA256Digest("secret", "0123456789abcdef", 5000)
	if line := strings.TrimSpace(string(out)); line != want+got {
		t.Errorf("got %s, openssl has %s", got, line)
	}
	stored := "$A$005$" + "0123456789abcdef0123" + crypt.SHA256Digest("secret", "0123456789abcdef0123", 5000)
	if !cachingSHA2Matches(stored, "secret") || cachingSHA2Matches(stored, "Secret") || cachingSHA2Matches("$A$005$short", "secret") {
		t.Error("caching_sha2_password: the wrong passwords match")
	}
}

// TestSaltedHash compares with the hash that Ansible's mysql_user makes of a salt.
func TestSaltedHash(t *testing.T) {
	const salt = "1234567890abcdefghij"
	const hash = "$A$005$1234567890abcdefghijZhkXqsPwdUcxIevlDledVLOK0Oqn.RxGRi3b./OHKW/"
	if have := cachingSHA2Hash("password", salt); have != hash {
		t.Errorf("the hash is %s, want %s", have, hash)
	}
	if !cachingSHA2Matches(hash, "password") || cachingSHA2Matches(hash, "other") {
		t.Errorf("%s does not stand for its password", hash)
	}
	u := &userRun{server: &server{}, userArgs: &userArgs{Plugin: "caching_sha2_password", PluginAuth: "password", Salt: salt}}
	if !u.settled("caching_sha2_password", hash) || u.settled("caching_sha2_password", cachingSHA2Hash("password", "jihgfedcba0987654321")) {
		t.Error("an account with the hash is not known for settled")
	}
	for _, c := range []struct {
		args userArgs
		want string
	}{
		{userArgs{Salt: salt}, "salt requires plugin_auth_string"},
		{userArgs{Salt: "short", PluginAuth: "x"}, "salt must be 20 characters long"},
		{userArgs{Salt: salt, PluginAuth: "x", Plugin: "ed25519"}, "salt requires caching_sha2_password or sha256_password plugin"},
		{userArgs{PasswordExpire: "interval"}, "password_expire=interval needs password_expire_interval"},
	} {
		if err := c.args.checkExpiry(); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
