package database

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMysqlDB(t *testing.T) {
	s := startServer(t, 1)
	type args = map[string]any
	for _, c := range []struct {
		args     args
		changed  bool
		commands string
	}{
		{args{"name": "d1"}, true, "[CREATE DATABASE `d1`]"},
		{args{"name": "d1,d-2", "encoding": "utf8mb4", "collation": "utf8mb4_bin"}, true, "[CREATE DATABASE `d-2` CHARACTER SET 'utf8mb4' COLLATE 'utf8mb4_bin']"},
		{args{"name": []any{"d1", "d-2"}, "state": "absent"}, true, "[DROP DATABASE `d1` DROP DATABASE `d-2`]"},
		{args{"name": "d1", "state": "absent"}, false, "[]"},
	} {
		before := s.sql(t, "SHOW DATABASES")
		predicted := s.run(MysqlDB, c.args, checkMode)
		if now := s.sql(t, "SHOW DATABASES"); now != before {
			t.Fatalf("%v: check mode left %s", c.args, now)
		}
		got := s.run(MysqlDB, c.args)
		if got["changed"] != c.changed || predicted["changed"] != c.changed || fmt.Sprint(got["executed_commands"]) != c.commands {
			t.Errorf("%v: %v, predicted %v", c.args, got, predicted)
		}
		if again := s.run(MysqlDB, c.args); again["changed"] != false {
			t.Errorf("%v: changed again", c.args)
		}
	}
	for _, c := range []struct {
		args args
		want string
	}{
		{args{"name": "all"}, "name is not allowed to equal 'all' unless state equals import, or dump."},
		{args{"name": "d", "state": "dump"}, "with state=dump target is required"},
		{args{"name": "nowhere", "state": "dump", "target": "/tmp/x"}, `Cannot dump database(s) "nowhere" - not found`},
		{args{"name": "all,x", "state": "dump", "target": "/tmp/x"}, "If name == 'all' it can not be combined with other names"},
	} {
		if got := s.run(MysqlDB, c.args); got["failed"] != true || got["msg"] != c.want {
			t.Errorf("%v: %v", c.args, got["msg"])
		}
	}
}

func TestDumpAndImport(t *testing.T) {
	s := startServer(t, 1)
	s.sql(t, "CREATE DATABASE src; CREATE TABLE src.t (id int, b blob); INSERT INTO src.t VALUES (1, x'00ff'), (2, 'two'); CREATE TABLE src.skip (id int)")
	s.run(MysqlUser, map[string]any{"name": "dumper", "password": "s3cret-dump", "priv": "*.*:ALL"})
	for _, suffix := range []string{".sql", ".sql.gz", ".sql.bz2", ".sql.xz"} {
		target := filepath.Join(t.TempDir(), "dump"+suffix)
		dump := map[string]any{"name": "src", "state": "dump", "target": target, "hex_blob": true, "single_transaction": true,
			"ignore_tables": "src.skip", "login_user": "dumper", "login_password": "s3cret-dump"}
		if p := s.run(MysqlDB, dump, checkMode); p["changed"] != true || exists(target) {
			t.Errorf("%s: a dump in check mode: %v", suffix, p)
		}
		got := s.run(MysqlDB, dump)
		if got["changed"] != true || !exists(target) {
			t.Fatalf("%s: %v", suffix, got)
		}
		if strings.Contains(fmt.Sprint(got["executed_commands"]), "s3cret") {
			t.Errorf("the password is in %v", got["executed_commands"])
		}
		name := "copy" + strings.ReplaceAll(suffix, ".", "_")
		got = s.run(MysqlDB, map[string]any{"name": name, "state": "import", "target": target})
		if got["changed"] != true {
			t.Fatalf("%s: %v", suffix, got)
		}
		if rows := s.sql(t, "SELECT id, HEX(b) FROM "+name+".t ORDER BY id; SHOW TABLES FROM "+name); rows != "1\t00FF\n2\t74776F\nt" {
			t.Errorf("%s: imported %q", suffix, rows)
		}
	}
}

func TestFailedDumpKeepsTheOldOne(t *testing.T) {
	s := startServer(t, 1)
	s.sql(t, "CREATE DATABASE IF NOT EXISTS keep")
	target := filepath.Join(t.TempDir(), "dump.sql.gz")
	if err := os.WriteFile(target, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	got := s.run(MysqlDB, map[string]any{"name": "keep", "state": "dump", "target": target, "dump_extra_args": "--no-such-option"})
	text, err := os.ReadFile(target)
	if got["failed"] != true || err != nil || string(text) != "old" {
		t.Errorf("%v, %q, %v", got, text, err)
	}
	if files, _ := os.ReadDir(filepath.Dir(target)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	bad := filepath.Join(t.TempDir(), "bad.sql")
	if err := os.WriteFile(bad, []byte("SELEKT 1;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got = s.run(MysqlDB, map[string]any{"name": "keep", "state": "import", "target": bad})
	if got["failed"] != true || !strings.Contains(fmt.Sprint(got["msg"]), "ERROR 1064 (42000) at line 1") {
		t.Errorf("a bad import: %v", got)
	}
}

// TestReplication makes two servers replicate each other's rows, in the words
// of 2014 on one side and in those of today on the other.
func TestReplication(t *testing.T) {
	one, two := startServer(t, 1), startServer(t, 2)
	type args = map[string]any
	for _, s := range []*testServer{one, two} {
		if got := s.run(MysqlUser, args{"name": "replicator", "host": "%", "password": "zz-secret", "priv": "*.*:REPLICATION SLAVE"}); got["failed"] == true {
			t.Fatal(got)
		}
		if got := s.run(MysqlReplication, args{"mode": "resetprimary", "fail_on_error": true}); got["changed"] != true || got["msg"] != "Primary reset" {
			t.Fatalf("resetprimary: %v", got)
		}
	}
	if got := two.run(MysqlReplication, args{}); got["Is_Replica"] != false || got["msg"] != "Server is not configured as mysql replica" {
		t.Errorf("before: %v", got)
	}
	change := args{"mode": "changemaster", "master_host": "127.0.0.1", "master_port": one.port, "master_user": "replicator", "master_password": "zz-secret"}
	if p := two.run(MysqlReplication, change, checkMode); p["skipped"] != true {
		t.Errorf("changemaster in check mode: %v", p)
	}
	if got := two.run(MysqlReplication, args{"mode": "getslave"}); got["Is_Slave"] != false {
		t.Errorf("check mode changed the replica: %v", got)
	}
	got := two.run(MysqlReplication, change)
	if want := fmt.Sprintf("[CHANGE MASTER TO MASTER_HOST='127.0.0.1',MASTER_USER='replicator',MASTER_PASSWORD='********',MASTER_PORT=%d]", one.port); got["changed"] != true || fmt.Sprint(got["queries"]) != want {
		t.Fatalf("changemaster: %v, want %s", got, want)
	}
	got = one.run(MysqlReplication, args{"mode": "changeprimary", "primary_host": "127.0.0.1", "primary_port": two.port, "primary_user": "replicator",
		"primary_password": "zz-secret", "primary_use_gtid": "replica_pos", "primary_connect_retry": 1})
	if got["changed"] != true {
		t.Fatal(got)
	}
	for _, s := range []*testServer{one, two} {
		if got := s.run(MysqlReplication, args{"mode": "startreplica"}); got["changed"] != true || got["msg"] != "Replica started " {
			t.Errorf("startreplica: %v", got)
		}
	}
	one.sql(t, "CREATE DATABASE repl; CREATE TABLE repl.t (id int)")
	waitFor(t, two, "SHOW TABLES FROM repl", "t")
	two.sql(t, "INSERT INTO repl.t VALUES (7)")
	waitFor(t, one, "SELECT id FROM repl.t", "7")
	got = two.run(MysqlReplication, args{"mode": "getreplica"})
	if got["Is_Replica"] != true || got["Slave_IO_Running"] != "Yes" || got["Master_Port"] != int64(one.port) || got["changed"] != false {
		t.Errorf("getreplica: %v", got)
	}
	if got := one.run(MysqlReplication, args{"mode": "getmaster"}); got["Is_Primary"] != true || got["Is_Master"] != true || !strings.HasPrefix(fmt.Sprint(got["File"]), "bin.") {
		t.Errorf("getmaster: %v", got)
	}
	// The server refuses a change while the replica runs, as the article says.
	if got := two.run(MysqlReplication, change); got["failed"] != true || !strings.Contains(fmt.Sprint(got["msg"]), "This operation cannot be performed as you have a running slave") ||
		strings.Contains(fmt.Sprint(got["msg"]), "zz-secret") {
		t.Errorf("changemaster while it runs: %v", got["msg"])
	}
	for _, mode := range []string{"stopreplica", "resetslaveall"} {
		for _, s := range []*testServer{one, two} {
			if got := s.run(MysqlReplication, args{"mode": mode}); got["changed"] != true {
				t.Errorf("%s: %v", mode, got)
			}
		}
	}
	if got := two.run(MysqlReplication, args{"mode": "startreplica"}); got["changed"] != false || !strings.HasPrefix(fmt.Sprint(got["msg"]), "Replica NOT started: ") {
		t.Errorf("a start without a primary: %v", got)
	}
	if got := two.run(MysqlReplication, args{"mode": "startreplica", "fail_on_error": true}); got["failed"] != true {
		t.Errorf("a start without a primary, fail_on_error: %v", got)
	}
}

func waitFor(t *testing.T, s *testServer, query, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		got := ""
		if s.sql(t, "SHOW DATABASES LIKE 'repl'") != "" {
			got = s.sql(t, query)
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q, want %q", query, got, want)
		}
	}
}
