//go:build e2e

package main

// This file is the end-to-end test of the main job: the cluster of playbooks/
// is built in a lab from nothing, run again, checked, and broken host by host
// and zone by zone. `make e2e` runs it. It needs root, namespaces and FUSE.

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// vip is the balancers' virtual address in playbooks/vars/main.yml.
const vip = "10.107.244.200"

// A testLab is a lab with the programs under test.
type testLab struct {
	t          *testing.T
	lab, gorun string
	root       string // of the repository
	env        []string
}

// newTestLab builds both programs and starts a lab without hosts.
func newTestLab(t *testing.T, args ...string) *testLab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the end-to-end test needs root: it makes network namespaces and mounts")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	l := &testLab{t: t, lab: filepath.Join(bin, "gorun-lab"), gorun: filepath.Join(bin, "gorun"), root: root}
	for out, pkg := range map[string]string{l.lab: "./cmd/gorun-lab", l.gorun: "./cmd/gorun"} {
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Dir = root
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, msg)
		}
	}
	l.env = append(os.Environ(), "GORUN_LAB_NAME=e2e", "ANSIBLE_NOCOLOR=1", "ANSIBLE_CONFIG=/dev/null")
	t.Cleanup(func() { l.labCmd("down") })
	l.must(l.labCmd(append([]string{"up"}, args...)...))
	for line := range strings.Lines(l.must(l.labCmd("env"))) {
		kv := strings.TrimPrefix(strings.TrimSpace(line), "export ")
		key, value, _ := strings.Cut(kv, "=")
		l.env = append(l.env, key+"="+strings.ReplaceAll(strings.Trim(value, "'"), `'\''`, "'"))
	}
	return l
}

func (l *testLab) must(out string, err error) string {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func (l *testLab) run(dir, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, l.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s %s: %w", filepath.Base(program), strings.Join(args, " "), err)
		// Once more at the end: of a long log one reads the last lines.
		for _, failed := range failedTask.FindAllString(out.String(), -1) {
			out.WriteString("\n" + failed)
		}
	}
	return out.String(), err
}

// failedTask is the screen's line for a host on which a task failed.
var failedTask = regexp.MustCompile(`(?m)^(?:fatal|failed): \[.*$`)

func (l *testLab) labCmd(args ...string) (string, error) { return l.run(l.root, l.lab, args...) }

// on runs a shell command on a host of the lab.
func (l *testLab) on(host, script string) (string, error) {
	out, err := l.labCmd("ssh", host, script)
	return strings.TrimSpace(out), err
}

// playbook runs playbooks/site.yml and returns the screen.
func (l *testLab) playbook(args ...string) (string, error) {
	return l.run(l.root, l.gorun, append([]string{"playbooks/site.yml", "-i", "playbooks/hosts"}, args...)...)
}

// within repeats check until it gives no error, for at most d.
func (l *testLab) within(d time.Duration, what string, check func() error) time.Duration {
	l.t.Helper()
	start := time.Now()
	for {
		err := check()
		took := time.Since(start)
		if err == nil {
			l.t.Logf("%s: after %.1f s", what, took.Seconds())
			return took
		}
		if took > d {
			l.t.Errorf("%s: not within %s: %v", what, d, err)
			return took
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// page fetches a page of the site through the virtual address, past nginx's cache.
func page(path string) (string, error) {
	n := make([]byte, 8)
	rand.Read(n)
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + vip + path + sep + "n=" + hex.EncodeToString(n))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", path, resp.Status)
	}
	return string(body), nil
}

func siteServed() error {
	body, err := page("/site/")
	if err == nil && !strings.Contains(body, "<title>") {
		err = fmt.Errorf("no title in %d bytes", len(body))
	}
	return err
}

var recapLine = regexp.MustCompile(`(?m)^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)`)

// recap checks each host's line of the recap; wantChanged < 0 allows any count.
func (l *testLab) recap(screen string, hosts int, wantChanged int) {
	l.t.Helper()
	lines := recapLine.FindAllStringSubmatch(screen, -1)
	if len(lines) != hosts {
		l.t.Errorf("the recap names %d hosts, want %d:\n%s", len(lines), hosts, screen)
	}
	for _, m := range lines {
		if m[4] != "0" || m[5] != "0" || wantChanged >= 0 && m[3] != fmt.Sprint(wantChanged) {
			l.t.Errorf("recap: %s (want changed=%d, nothing failed)\n%s", m[0], wantChanged, screen)
		}
	}
}

// cluster names the servers, as vars/main.yml does.
var cluster = []string{"ansible-cluster-lb1", "ansible-cluster-lb2", "ansible-cluster-db1", "ansible-cluster-db2", "ansible-cluster-app1", "ansible-cluster-app2"}

// state is what --check must not change: files and their modes by hash, and
// the programs that run (asked for before the pipe that sorts them out is one).
func (l *testLab) state() map[string]string {
	l.t.Helper()
	const script = `find /etc /usr/local /srv /root /opt /home /var/lib/dpkg/status /var/www /boot -xdev \( -path /root/.cache -o -path /srv/repo \) -prune -o \( -type f -o -type l \) -printf '%p %m %u %g %s %T@ %l\n' 2>/dev/null | sort | sha256sum
ps=$(ps -eo comm= --sort comm); echo "$ps" | grep -vE '^(ps|sh|bash|sort|sshd|find|sha256sum|gorun.*|[0-9a-f]{20,}.*|kworker.*|php.*|apache2|systemd-.*|\(sd-pam\)|glfs.*|glfsheal|gluster|[(]?agetty.*)$' | uniq`
	read := func() map[string]string {
		out := map[string]string{}
		for _, h := range cluster {
			s, err := l.on(h, script)
			if err != nil {
				l.t.Fatalf("%s: %v\n%s", h, err, s)
			}
			out[h] = s
		}
		return out
	}
	// A program of a timer or of a service that starts is there for a moment.
	out := read()
	for range 10 {
		again := read()
		if maps.Equal(again, out) {
			break
		}
		out = again
	}
	return out
}

// unchanged fails where a host does not come back to what it was before.
func (l *testLab) unchanged(what string, before map[string]string) {
	l.t.Helper()
	after := l.state()
	for range 5 {
		if maps.Equal(after, before) {
			return
		}
		time.Sleep(2 * time.Second)
		after = l.state()
	}
	for h, s := range after {
		if s != before[h] {
			l.t.Errorf("%s changed %s:\nbefore:\n%s\nafter:\n%s", what, h, before[h], s)
		}
	}
}

// TestCluster is issue by issue what the main job promises.
func TestCluster(t *testing.T) {
	l := newTestLab(t)
	l.must(l.playbook("--tags", "create"))

	fresh := l.state()
	out := l.must(l.playbook("--check", "--diff"))
	if !strings.Contains(out, "+++ after") {
		t.Errorf("--check --diff on fresh hosts shows no diff:\n%s", out)
	}
	l.unchanged("--check on fresh hosts", fresh)

	start := time.Now()
	out = l.must(l.playbook())
	t.Logf("the first run took %.0f s", time.Since(start).Seconds())
	l.recap(out, 7, -1)
	l.within(20*time.Second, "the page through the virtual address", siteServed)

	start = time.Now()
	out = l.must(l.playbook())
	t.Logf("the second run took %.0f s", time.Since(start).Seconds())
	l.recap(out, 7, 0)

	built := l.state()
	l.recap(l.must(l.playbook("--check", "--diff")), 7, 0)
	l.unchanged("--check on the cluster", built)

	t.Run("BalancerDies", l.sub(balancerDies))
	t.Run("Replication", l.sub(replication))
	t.Run("Bricks", l.sub(bricks))
	t.Run("ZoneDies", l.sub(zoneDies))
	t.Run("SeventhServer", l.sub(seventhServer))
}

// sub runs a part of the test with a t of its own.
func (l *testLab) sub(f func(*testLab)) func(*testing.T) {
	return func(t *testing.T) {
		c := *l
		c.t = t
		f(&c)
	}
}

// holder says which of two hosts has an address.
func (l *testLab) holds(host, addr string) error {
	out, err := l.on(host, "ip -4 -o addr show dev eth0")
	if err != nil {
		return err
	}
	if !strings.Contains(out, " "+addr+"/") {
		return fmt.Errorf("%s does not hold %s", host, addr)
	}
	return nil
}

func balancerDies(l *testLab) {
	l.within(10*time.Second, "lb1 holds the address", func() error { return l.holds("ansible-cluster-lb1", vip) })
	l.must(l.labCmd("kill", "ansible-cluster-lb1"))
	l.within(10*time.Second, "the address moves to lb2", func() error { return l.holds("ansible-cluster-lb2", vip) })
	l.within(10*time.Second, "the page is served by lb2", siteServed)
	l.must(l.labCmd("boot", "ansible-cluster-lb1"))
	l.within(30*time.Second, "the address is back on lb1", func() error { return l.holds("ansible-cluster-lb1", vip) })
}

// sql runs a statement on a database server.
func (l *testLab) sql(host, statement string) (string, error) {
	return l.on(host, `mysql -N app -e "`+statement+`"`)
}

func replication(l *testLab) {
	dbs := []string{"ansible-cluster-db1", "ansible-cluster-db2"}
	l.must(l.sql(dbs[0], "CREATE TABLE IF NOT EXISTS e2e (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(40))"))
	for i, from := range dbs {
		to, word := dbs[1-i], "from "+from
		l.within(10*time.Second, "the table is on "+from, func() error { _, err := l.sql(from, "SELECT 1 FROM e2e"); return err })
		l.must(l.sql(from, "INSERT INTO e2e (word) VALUES ('"+word+"')"))
		l.within(10*time.Second, "a row of "+from+" is on "+to, func() error { return l.hasRow(to, word) })
	}
}

func (l *testLab) hasRow(host, word string) error {
	out, err := l.sql(host, "SELECT word FROM e2e WHERE word = '"+word+"'")
	if err == nil && out != word {
		err = fmt.Errorf("got %q", out)
	}
	return err
}

func bricks(l *testLab) {
	l.must(l.on("ansible-cluster-app1", "echo e2e >/var/www/html/e2e.txt"))
	for _, h := range []string{"ansible-cluster-app1", "ansible-cluster-app2"} {
		l.within(10*time.Second, "the file is on the brick of "+h, func() error {
			out, err := l.on(h, "cat /srv/gluster/brick/e2e.txt")
			if err == nil && out != "e2e" {
				err = fmt.Errorf("got %q", out)
			}
			return err
		})
	}
}

func zoneDies(l *testLab) {
	l.must(l.labCmd("kill", "NL1")) // lb2, db1, app1
	l.within(20*time.Second, "the page is served without zone NL1", siteServed)
	l.within(20*time.Second, "the status page names the survivors", func() error {
		body, err := page("/status.php")
		if err == nil && !strings.Contains(body, "app=ansible-cluster-app2 db=ansible-cluster-db2") {
			err = fmt.Errorf("got %q", body)
		}
		return err
	})
	l.must(l.sql("ansible-cluster-db2", "INSERT INTO e2e (word) VALUES ('while away')"))
	l.must(l.on("ansible-cluster-app2", "echo away >/var/www/html/away.txt"))
	l.must(l.labCmd("boot", "NL1"))
	l.within(75*time.Second, "replication has caught up", func() error { return l.hasRow("ansible-cluster-db1", "while away") })
	l.within(75*time.Second, "the brick is healed", func() error {
		out, err := l.on("ansible-cluster-app1", "cat /srv/gluster/brick/away.txt && gluster volume heal www info | grep 'Number of entries: 0' | wc -l")
		if err == nil && out != "away\n2" {
			err = fmt.Errorf("got %q", out)
		}
		return err
	})
	l.within(75*time.Second, "the SQL address is back on db1", func() error { return l.holds("ansible-cluster-db1", "10.107.244.210") })
	l.within(75*time.Second, "the page is served", siteServed)
}

func seventhServer(l *testLab) {
	vars := filepath.Join(l.t.TempDir(), "servers.yml")
	data, err := os.ReadFile(filepath.Join(l.root, "playbooks/vars/main.yml"))
	if err != nil {
		l.t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "\nservers:\n")
	if !ok {
		l.t.Fatal("playbooks/vars/main.yml has no servers")
	}
	entries, _, _ := strings.Cut(rest, "\n\n")
	text := "servers:\n" + entries + "\n  - {name: ansible-cluster-app3, zone: NL1, group: app}\n"
	if err := os.WriteFile(vars, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	pids := map[string]string{}
	lbs := []string{"ansible-cluster-lb1", "ansible-cluster-lb2"}
	for _, h := range lbs {
		pids[h] = l.must(l.on(h, "cat /run/nginx.pid; pidof keepalived"))
	}
	out := l.must(l.playbook("-e", "@"+vars))
	l.recap(out, 8, -1)
	for _, h := range lbs {
		conf := l.must(l.on(h, "grep -c 'max_fails=5' /etc/nginx/sites-available/lbs.conf; cat /run/nginx.pid; pidof keepalived"))
		n, now, _ := strings.Cut(conf, "\n")
		if n != "3" {
			l.t.Errorf("%s: nginx has %s backends, want 3", h, n)
		}
		if now != pids[h] {
			l.t.Errorf("%s: nginx or keepalived was restarted, not reloaded: %q, now %q", h, pids[h], now)
		}
	}
	if got := changedHandlers(out); !maps.Equal(got, map[string]bool{"reload nginx": true}) {
		l.t.Errorf("handlers that ran: %v, want only reload nginx\n%s", slices.Sorted(maps.Keys(got)), out)
	}
	l.within(20*time.Second, "the page is served", siteServed)
}

var handlerBanner = regexp.MustCompile(`(?m)^RUNNING HANDLER \[([^\]]+)\]`)

func changedHandlers(screen string) map[string]bool {
	got := map[string]bool{}
	for _, m := range handlerBanner.FindAllStringSubmatch(screen, -1) {
		got[m[1]] = true
	}
	return got
}

// TestArticle runs the article's playbook as printed, with what it leaves out.
// Only the play of the balancers gets a line: it notifies a handler and names
// no file of handlers.
func TestArticle(t *testing.T) {
	l := newTestLab(t)
	dir := filepath.Join(t.TempDir(), "article")
	for _, from := range []string{"playbook", "supplied"} { // supplied vars/main.yml is the filled one
		out, err := exec.Command("cp", "-rT", filepath.Join(l.root, "testdata/article", from), dir).CombinedOutput()
		if err != nil {
			t.Fatalf("cp: %v\n%s", err, out)
		}
	}
	main := filepath.Join(dir, "main.yml")
	text, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	const last = "    - include: tasks/keepalived.yml\n      when: '\"{{ inventory_hostname }}\" in \"{{ groups.lbs }}\"'\n"
	withHandlers := strings.Replace(string(text), last, last+"  handlers:\n    - include: handlers/main.yml\n", 1)
	if withHandlers == string(text) {
		t.Fatal("main.yml is not as expected")
	}
	if err := os.WriteFile(main, []byte(withHandlers), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	// One fork: two hosts that start the volume at once disturb each other.
	out, err := l.run(dir, l.gorun, "main.yml", "-i", "ansible_hosts", "--compat", "1.9", "-f", "1")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("the article's playbook took %.0f s", time.Since(start).Seconds())
	l.recap(out, 7, -1)
	l.within(30*time.Second, "WordPress answers through the virtual address", func() error {
		body, err := page("/site/wp-admin/install.php")
		if err == nil && !strings.Contains(body, "WordPress") {
			err = fmt.Errorf("no WordPress in %d bytes", len(body))
		}
		return err
	})
}
