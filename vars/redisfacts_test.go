package vars

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gorun/internal/needs"
	"gorun/templates"
)

// startRedis starts a real server with the password "sec:ret" and returns its port.
func startRedis(t *testing.T) (port int, restart func()) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		needs.Missing(t, "redis", "redis-server is not installed (Debian: redis-server)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	dir := t.TempDir()
	var cmd *exec.Cmd
	stop := func() {
		if cmd != nil {
			cmd.Process.Signal(os.Interrupt)
			cmd.Wait()
		}
	}
	start := func() {
		t.Helper()
		stop()
		cmd = exec.Command("redis-server", "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--requirepass", "sec:ret", "--dir", dir, "--appendonly", "yes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				c.Close()
				return
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	start()
	t.Cleanup(stop)
	return port, start
}

func TestRedisFacts(t *testing.T) {
	port, restart := startRedis(t)
	open := func(uri string, timeout time.Duration) *RedisFacts {
		t.Helper()
		c, err := NewRedisFacts(fmt.Sprintf(uri, port), "", "", timeout)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open("127.0.0.1:%d:2:sec:ret", 100*time.Second)
	facts := templates.NewDict(2)
	facts.SetStr("b", templates.Str("é"))
	facts.SetStr("a", templates.NewList(templates.Int(1)))
	if _, ok, err := c.Get("web1"); ok || err != nil {
		t.Errorf("no facts: %v %v", ok, err)
	}
	if err := c.Set("web1", facts); err != nil {
		t.Fatal(err)
	}
	got, ok, err := c.Get("web1")
	if err != nil || !ok || templates.StrOf(got, templates.Current) != "{'a': [1], 'b': 'é'}" {
		t.Errorf("%v %v %v", got, ok, err)
	}
	// What ansible-core 2.14.18 with community.general's redis writes.
	for _, q := range []struct {
		args []string
		want string
	}{
		{[]string{"KEYS", "*1"}, "[ansible_factsweb1]"}, {[]string{"TYPE", "ansible_cache_keys"}, "zset"},
		{[]string{"ZRANGE", "ansible_cache_keys", "0", "-1"}, "[web1]"},
	} {
		v, err := c.do(q.args...)
		if text := fmt.Sprintf("%s", v); err != nil || text != q.want {
			t.Errorf("%s: %s %v, want %s", q.args, text, err, q.want)
		}
	}
	if v, err := c.do("TTL", "ansible_factsweb1"); err != nil || v.(int64) < 50 || v.(int64) > 100 {
		t.Errorf("TTL %v %v", v, err)
	}
	restart()
	if _, ok, err := c.Get("web1"); !ok || err != nil {
		t.Errorf("after a restart: %v %v", ok, err)
	}
	if _, ok, err := open("127.0.0.1:%d:0:sec:ret", 0).Get("web1"); ok || err != nil {
		t.Errorf("of another database: %v %v", ok, err)
	}
	if _, _, err := open("127.0.0.1:%d:2:wrong", 0).Get("web1"); err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "wrong:") {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := c.do("SET", c.Prefix+"web2", "[1]"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Get("web2"); err == nil || !strings.Contains(err.Error(), "the facts of web2 are a list") {
		t.Errorf("a list: %v", err)
	}
	if err := c.Flush(); err != nil {
		t.Error(err)
	}
	if _, ok, err := c.Get("web1"); ok || err != nil {
		t.Errorf("after Flush: %v %v", ok, err)
	}
}

func TestRedisConnection(t *testing.T) {
	for uri, want := range map[string]string{
		"": "localhost:6379//false", "cache": "cache:6379//false", "cache:1": "cache:1//false", "tls://cache:1:3:a:b": "cache:1/3/a:btrue", "[::1]:7:0": "[::1]:7/0/false",
	} {
		c, err := NewRedisFacts(uri, "", "", 0)
		if err != nil {
			t.Errorf("%q: %v", uri, err)
			continue
		}
		if got := fmt.Sprintf("%s/%s/%s%v", c.address, c.db, c.password, c.tls); got != want {
			t.Errorf("%q: %s, want %s", uri, got, want)
		}
	}
	for _, uri := range []string{"a:x", "a:1:b", "[::1", "a:1;b:2;0:x"} {
		if _, err := NewRedisFacts(uri, "", "", 0); err == nil {
			t.Errorf("%q: no error", uri)
		}
	}
}
