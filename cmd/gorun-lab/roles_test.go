//go:build e2e

package main

// This file runs testdata/roles, five role trees as people write them, twice
// on two fresh hosts and compares both recaps and the files that the roles
// leave with what ansible-playbook did on hosts like them.
//
//	go test -tags e2e -run TestRoles ./cmd/gorun-lab
//	go test -tags e2e -run TestRoles ./cmd/gorun-lab -record   # asks ansible-playbook anew

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var recordRoles = flag.Bool("record", false, "record what the real ansible-playbook does with testdata/roles")

// roleFiles prints what the roles leave, a line a file: its path, kind, mode,
// owners, and its target or digest. What carries a time of its own and the
// folders in which the tools themselves work are left out.
const roleFiles = `cd /; find etc/motd etc/group etc/passwd etc/ssh/sshd_config etc/sudoers.d etc/nginx/nginx.conf etc/nginx/sites-available etc/nginx/sites-enabled \
  etc/logrotate.d/sites etc/mysql/mariadb.conf.d/90-site.cnf etc/cron.d/site-backup etc/docker etc/default/container-* etc/sysctl.d/90-containers.conf \
  etc/modules-load.d/containers.conf etc/systemd/system/container-* etc/systemd/system/agent.* etc/systemd/system/timers.target.wants opt/agent srv/www srv/docker srv/report.txt \
  home var/lib/site usr/local/sbin var/backups/shop.sql -not -path "*/.ansible*" -not -path "*/.cache*" \( -type f -o -type l -o -type d \) -printf '%p %y %m %u %g %l\n' 2>/dev/null | sort |
while read -r p kind rest; do
  if [ "$kind" = f ] && [ "$p" != var/backups/shop.sql ]; then echo "$p $kind $rest $(sha256sum < "$p" | cut -c1-16)"; else echo "$p $kind $rest"; fi
done`

func TestRoles(t *testing.T) {
	l := newTestLab(t, "--hosts", "2")
	l.env = slices.DeleteFunc(l.env, func(kv string) bool { return strings.HasPrefix(kv, "ANSIBLE_CONFIG=") })
	roles := filepath.Join(l.root, "testdata", "roles")
	recorded := filepath.Join(roles, "recorded.txt")
	program, args, by := l.gorun, []string{"--compat", "2.14"}, "gorun"
	if *recordRoles {
		out, err := l.run(roles, "ansible-playbook", "--version")
		l.must(out, err)
		by, _, _ = strings.Cut(out, "\n")
		program, args = "ansible-playbook", nil
	}
	inventory := ""
	for _, kv := range l.env {
		if v, ok := strings.CutPrefix(kv, "LAB_INVENTORY="); ok {
			inventory = v
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", by)
	for _, run := range []string{"first", "second"} {
		screen, err := l.run(roles, program, append(args, "site.yml", "-i", "inventory", "-i", inventory)...)
		if err != nil {
			t.Fatalf("the %s run: %v\n%s", run, err, screen)
		}
		_, recap, _ := strings.Cut(screen, "PLAY RECAP ")
		_, recap, _ = strings.Cut(recap, "\n")
		fmt.Fprintf(&b, "# the %s run's recap\n%s\n", run, strings.TrimSpace(recap))
	}
	for _, h := range []string{"lab1", "lab2"} {
		fmt.Fprintf(&b, "# files of %s\n%s\n", h, l.must(l.on(h, roleFiles)))
	}
	if *recordRoles {
		if err := os.WriteFile(recorded, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(b.String(), "\n")[1:], strings.Split(string(want), "\n")[1:]
	for _, line := range wantLines {
		if !slices.Contains(gotLines, line) {
			t.Errorf("ansible-playbook gave, and gorun did not: %s", line)
		}
	}
	for _, line := range gotLines {
		if !slices.Contains(wantLines, line) {
			t.Errorf("gorun gave, and ansible-playbook did not: %s", line)
		}
	}
}
