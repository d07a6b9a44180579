package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/internal/needs"
	"gorun/modules"
)

// slowScript is an init script as keepalived's: it has no status action, stop
// returns at once while the daemon takes half a second to end, and start does
// nothing where it finds the old pid alive.
const slowScript = `#!/bin/sh
### BEGIN INIT INFO
# Provides: NAME
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: a test of gorun
### END INIT INFO
PIDFILE=DIR/$NAME.pid
PIDFILE=DIR/NAME.pid
case "$1" in
start)
	if [ -f $PIDFILE ] && kill -0 $(cat $PIDFILE) 2>/dev/null; then echo already running; exit 0; fi; rm -f $PIDFILE
	setsid sh -c 'echo $$ >DIR/NAME.pid; trap "sleep 0.5; exit" TERM; while :; do sleep 0.1; done' >/dev/null 2>&1 &
	while [ ! -s $PIDFILE ]; do sleep 0.02; done ;;
stop) kill $(cat $PIDFILE) 2>/dev/null; exit 0 ;;
reload) echo again >>DIR/reloads ;;
*) echo "Usage: $0 {start|stop|reload}"; exit 1 ;;
esac
`

// newInitService installs a script in the real /etc/init.d, because the tools
// that make its links know no other place, and removes it behind the test.
func newInitService(t *testing.T) (name, dir string) {
	t.Helper()
	needs.Have(t, "sysvinit", os.Geteuid() == 0, "needs root")
	for _, path := range []string{"/etc/init.d", "/usr/sbin/update-rc.d", "/usr/sbin/service"} {
		needs.Have(t, "sysvinit", exists(path), path+" is not there")
	}
	dir = t.TempDir()
	name = fmt.Sprintf("gorun-test-%d", os.Getpid())
	script := "/etc/init.d/" + name
	text := strings.NewReplacer("NAME", name, "DIR", dir).Replace(slowScript)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		Service.Execute(context.Background(), &modules.Run{}, map[string]any{"name": name, "state": "stopped", "use": "service"})
		links, _ := filepath.Glob("/etc/rc?.d/*" + name)
		for _, f := range append(links, script) {
			os.Remove(f)
		}
	})
	return name, dir
}

func TestServiceBySysvinit(t *testing.T) {
	name, dir := newInitService(t)
	service := func(check bool, args map[string]any) map[string]any {
		args["name"], args["use"] = name, "service"
		got := Service.Execute(context.Background(), &modules.Run{Name: "service", Check: check}, args)
		if got["failed"] == true {
			t.Fatalf("%v: %v", args, got)
		}
		return got
	}
	pid := func() string {
		b, _ := os.ReadFile(filepath.Join(dir, name+".pid"))
		return strings.TrimSpace(string(b))
	}
	running := func() bool {
		s := findInitService(&modules.Run{}, name)
		return len(s.processes()) > 0
	}
	for _, c := range []struct {
		args    map[string]any
		changed bool
		running bool
	}{
		{map[string]any{"state": "started", "enabled": true}, true, true},
		{map[string]any{"state": "started", "enabled": true}, false, true},
		{map[string]any{"state": "reloaded"}, true, true},
		{map[string]any{"enabled": false}, true, true},
		{map[string]any{"enabled": false}, false, true},
		{map[string]any{"state": "stopped", "sleep": 1}, true, false},
	} {
		before := running()
		if got := service(true, c.args); got["changed"] != c.changed || running() != before {
			t.Errorf("check mode, %v: %v", c.args, got)
		}
		had := findInitService(&modules.Run{}, name).processes()
		got := service(false, c.args)
		if c.args["state"] == "stopped" {
			// The script does not wait for its daemon.
			if left, err := waitGone(context.Background(), had, 10*time.Second); err != nil || len(left) > 0 {
				t.Fatalf("the daemon goes on: %v, %v", left, err)
			}
		}
		if got["changed"] != c.changed || running() != c.running {
			t.Errorf("%v: running=%v, %v", c.args, running(), got)
		}
	}
	service(false, map[string]any{"state": "started"})
	old := pid()
	if got := service(false, map[string]any{"state": "restarted"}); got["changed"] != true || got["state"] != "started" {
		t.Errorf("restarted: %v", got)
	}
	time.Sleep(700 * time.Millisecond)
	if !running() || pid() == old {
		t.Errorf("after a restart: running=%v, pid %s, was %s", running(), pid(), old)
	}
}

func TestServiceErrors(t *testing.T) {
	for _, c := range []struct {
		args map[string]any
		want string
	}{
		{map[string]any{"name": "gorun-nosuch", "state": "started", "use": "service"}, "Could not find the requested service gorun-nosuch: host"},
		{map[string]any{"name": "x"}, "one of the following is required: state, enabled"},
		{map[string]any{"name": "x", "state": "running"}, "value of state must be one of: reloaded, restarted, started, stopped, got: running"},
	} {
		got := Service.Execute(context.Background(), &modules.Run{Name: "service"}, c.args)
		if got["failed"] != true || got["msg"] != c.want {
			t.Errorf("%v: %v, want %q", c.args, got["msg"], c.want)
		}
	}
}

// fakeSystemctl keeps units as files: NAME.active and NAME.enabled; it logs its
// words.
const fakeSystemctl = `#!/bin/sh
D=DIR
echo "$*" >>$D/log
for w; do case "$w" in --*) shift ;; *) break ;; esac; done
u=$2
[ "$u" = -- ] && u=$3
case "$1 $u" in
"show odd") echo "Failed to parse" >&2; exit 1 ;;
"show inst@") echo "Unit name inst@.service is neither a valid invocation ID nor unit name." >&2; exit 1 ;;
"is-enabled odd") exit 1 ;;
"is-enabled other") printf 'alias\n  /etc/systemd/system/other.service\n'; exit 0 ;;
"list-unit-files odd") exit 1 ;;
esac
case "$1" in
daemon-reload) exit 0 ;;
show)
	[ -f $D/$u.unit ] || { printf 'LoadState=not-found\nActiveState=inactive\n'; exit 0; }
	load=loaded; [ -f $D/$u.masked ] && load=masked
	state=inactive; [ -f $D/$u.active ] && state=active
	printf 'Id=%s.service\nLoadState=%s\nActiveState=%s\nExecStart={ path=/x ; argv[]=/x a=b\n  c }\nFragmentPath=/lib/%s.service\n' $u $load $state $u ;;
is-enabled) [ -f $D/$u.masked ] && { echo masked; exit 1; }
	[ -f $D/$u.enabled ] && { echo enabled; exit 0; }; echo disabled; exit 1 ;;
enable) : >$D/$u.enabled ;;
disable) rm -f $D/$u.enabled ;;
mask) : >$D/$u.masked ;;
unmask) rm $D/$u.masked ;;
start|restart|reload)
	[ $u = broken ] && { echo "Job for broken.service failed." >&2; exit 1; }
	: >$D/$u.active ;;
stop) rm $D/$u.active ;;
esac
exit 0
`

func TestSystemd(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte(strings.ReplaceAll(fakeSystemctl, "DIR", dir)), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{"web", "broken", "other"} {
		if err := os.WriteFile(filepath.Join(dir, u+".unit"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	type args = map[string]any
	for _, c := range []struct {
		args    args
		changed bool
		verbs   string // that change something, in order
		msg     string
	}{
		{args{"name": "web", "state": "started", "enabled": true, "daemon_reload": true}, true, "daemon-reload|enable web|start web", ""},
		{args{"name": "web", "state": "started", "enabled": true}, false, "", ""},
		{args{"name": "web", "state": "restarted"}, true, "restart web", ""},
		{args{"name": "web", "state": "reloaded", "no_block": true}, true, "--no-block reload web", ""},
		{args{"name": "web", "state": "stopped", "enabled": false, "masked": true}, true, "mask web|stop web", ""},
		{args{"name": "web", "masked": true}, false, "", ""},
		{args{"name": "web", "masked": false, "scope": "user"}, true, "--user unmask web", ""},
		{args{"name": "web", "state": "reloaded"}, true, "start web", ""},
		{args{"daemon_reload": true}, false, "daemon-reload", ""},
		{args{"name": "nosuch", "state": "started"}, false, "", "Could not find the requested service nosuch: host"},
		{args{"name": "inst@", "enabled": true}, true, "enable inst@", ""},
		{args{"name": "inst@", "enabled": true}, false, "", ""},
		{args{"name": "odd", "enabled": true}, false, "", "Could not find the requested service odd: host"},
		{args{"name": "other", "enabled": true}, false, "", ""},
		{args{"name": "other", "enabled": false}, true, "disable other", ""},
		{args{"name": "broken", "state": "started"}, false, "start broken", "Unable to start service broken: Job for broken.service failed.\n"},
		{args{"name": "web*", "state": "started"}, false, "", "This module does not currently support using glob patterns, found '*' in service name: web*"},
		{args{"state": "started"}, false, "", "missing parameter(s) required by 'state': name"},
	} {
		changing := func() string {
			b, _ := os.ReadFile(filepath.Join(dir, "log"))
			os.Remove(filepath.Join(dir, "log"))
			var out []string
			for line := range strings.Lines(string(b)) {
				line := strings.TrimSpace(line)
				if line != "" && !strings.Contains(line, "show ") && !strings.Contains(line, "is-enabled ") && !strings.Contains(line, "list-unit-files ") {
					out = append(out, line)
				}
			}
			return strings.Join(out, "|")
		}
		predicted := SystemdService.Execute(context.Background(), &modules.Run{Name: "systemd", Check: true}, c.args)
		if v := changing(); v != "" {
			t.Errorf("%v: check mode ran %q", c.args, v)
		}
		got := SystemdService.Execute(context.Background(), &modules.Run{Name: "systemd"}, c.args)
		if v := changing(); v != c.verbs {
			t.Errorf("%v: ran %q, want %q", c.args, v, c.verbs)
		}
		if c.msg != "" {
			if got["failed"] != true || got["msg"] != c.msg {
				t.Errorf("%v: msg %q, want %q", c.args, got["msg"], c.msg)
			}
			continue
		}
		if got["changed"] != c.changed || predicted["changed"] != c.changed || got["failed"] == true {
			t.Errorf("%v: %v (predicted %v)", c.args, got, predicted)
		}
	}
}

func TestParseProperties(t *testing.T) {
	got := parseProperties("Id=a\nExecStart={ path=/x\n  b=c }\nDescription={ no end\nEmpty=\n")
	want := map[string]string{"Id": "a", "ExecStart": "{ path=/x\n  b=c }", "Description": "{ no end", "Empty": ""}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestHints(t *testing.T) {
	script := filepath.Join(t.TempDir(), "x")
	text := "NAME=keepalived\nDAEMON=/usr/sbin/$NAME\nPIDFILE=/run/${NAME}.pid\n# pidfile: /run/other.pid\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &initService{Run: &modules.Run{}, name: "x", script: script}
	files, daemon := s.hints()
	want := []string{"/run/keepalived.pid", "/run/other.pid", "/run/x.pid", "/run/x/x.pid", "/var/run/x.pid"}
	if !slices.Equal(files, want) || daemon != "/usr/sbin/keepalived" {
		t.Errorf("got %q and %q", files, daemon)
	}
}
