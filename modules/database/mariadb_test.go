package database

// This file starts real MariaDB servers in temporary folders.

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gorun/internal/needs"
	"gorun/modules"
)

// A testServer is a MariaDB of its own: data, socket and port.
type testServer struct {
	dir, socket string
	port        int
	cmd         *exec.Cmd
}

var servers struct {
	sync.Mutex
	list map[int]*testServer
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range servers.list {
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err == nil {
			s.cmd.Wait()
		}
		os.RemoveAll(s.dir)
	}
	os.Exit(code)
}

// startServer returns the server with that id; it runs until the tests end.
func startServer(t testing.TB, id int) *testServer {
	t.Helper()
	for _, tool := range []string{"mariadbd", "mariadb-install-db", "mariadb-dump"} {
		_, err := exec.LookPath(tool)
		if err != nil && tool == "mariadbd" {
			_, err = os.Stat("/usr/sbin/mariadbd")
		}
		needs.Have(t, "mariadb", err == nil, tool+" is not there")
	}
	servers.Lock()
	defer servers.Unlock()
	if s := servers.list[id]; s != nil {
		return s
	}
	dir, err := os.MkdirTemp("", "gorun-mariadb-")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{dir: dir, socket: filepath.Join(dir, "s"), port: 33400 + os.Getpid()%500*10 + id}
	as := "--user=" + whoami()
	out, err := exec.Command("mariadb-install-db", "--no-defaults", as, "--datadir="+dir+"/data",
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve").CombinedOutput()
	if err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	daemon := "/usr/sbin/mariadbd"
	if path, err := exec.LookPath("mariadbd"); err == nil {
		daemon = path
	}
	s.cmd = exec.Command(daemon, "--no-defaults", as, "--datadir="+dir+"/data", "--socket="+s.socket, fmt.Sprintf("--port=%d", s.port),
		"--bind-address=127.0.0.1", "--pid-file="+dir+"/pid", "--log-bin=bin", fmt.Sprintf("--server-id=%d", id),
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--skip-name-resolve")
	logFile, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = logFile, logFile
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(s.socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(logFile.Name())
			t.Fatalf("MariaDB does not start:\n%s", text)
		}
	}
	if servers.list == nil {
		servers.list = map[int]*testServer{}
	}
	servers.list[id] = s
	return s
}

func whoami() string {
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		return "root"
	}
	return strings.TrimSpace(string(out))
}

// run executes a module against the server.
func (s *testServer) run(mod *modules.Module, args map[string]any, change ...func(*modules.Run)) map[string]any {
	m := &modules.Run{}
	for _, f := range change {
		f(m)
	}
	all := map[string]any{"login_unix_socket": s.socket, "login_user": "root", "config_file": filepath.Join(s.dir, "none.cnf")}
	for k, v := range args {
		all[k] = v
	}
	return mod.Execute(context.Background(), m, all)
}

func checkMode(m *modules.Run) { m.Check = true }

// sql runs statements as root and returns the rows as tab separated lines.
func (s *testServer) sql(t testing.TB, query string) string {
	t.Helper()
	out, err := exec.Command("mariadb", "--no-defaults", "-uroot", "-S", s.socket, "-N", "-B", "-e", query).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}
