// Package system holds the modules for services, users and the machine itself.
package system

// This file is services by init scripts: /etc/init.d with its links in
// /etc/rc?.d, and OpenRC.

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
)

// goneTimeout is how long a restart waits for the old processes to end after
// the stop script has returned.
const goneTimeout = 20 * time.Second

// An initService is one service of an init script.
type initService struct {
	*modules.Run
	name      string
	script    string // "" under OpenRC without a script
	openrc    bool
	direct    bool // the script itself is run, not what `service` makes of it
	arguments string
	pattern   string // a text of a process's command line that says it runs
	sleep     time.Duration
	runlevel  string // OpenRC
	rcDir     string // the folder of rc0.d ... rc6.d
}

// findInitService looks for an init script; nil where there is none.
func findInitService(m *modules.Run, name string) *initService {
	s := &initService{Run: m, name: name, rcDir: "/etc", runlevel: "default"}
	s.openrc = m.BinPath("rc-service") != "" && exists("/sbin/openrc")
	for _, dir := range []string{"/etc/init.d", "/etc/rc.d/init.d", "/etc/rc.d"} {
		script := filepath.Join(dir, name)
		if st, err := os.Stat(script); err == nil && st.Mode().IsRegular() {
			s.script = script
			return s
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// control runs the script with an action.
func (s *initService) control(ctx context.Context, action string) (modules.CommandResult, error) {
	argv := []string{s.script, action}
	switch {
	case s.openrc:
		argv = []string{"rc-service", s.name, action}
	case !s.direct && s.BinPath("service") != "":
		argv = []string{"service", s.name, action}
	}
	argv = append(argv, strings.Fields(s.arguments)...)
	return s.Command(ctx, modules.CommandOptions{Dir: "/"}, argv...)
}

var (
	saysStopped = regexp.MustCompile(`(?i)\b(not running|stopped|inactive|is dead|but pid file exists|subsys locked|could not access pid file)\b`)
	saysRunning = regexp.MustCompile(`(?i)\b(running|started|active|uptime)\b`)
	saysUsage   = regexp.MustCompile(`(?im)^\s*usage:`)
)

// running asks the script for its status. Scripts without that action print
// their usage: then the pid file and the process table answer.
func (s *initService) running(ctx context.Context) (bool, error) {
	if s.pattern != "" {
		return len(processesLike(s.pattern)) > 0, nil
	}
	r, err := s.control(ctx, "status")
	if err != nil {
		return false, err
	}
	out := r.Stdout + r.Stderr
	switch {
	case saysUsage.MatchString(out):
	case saysStopped.MatchString(out):
		return false, nil
	case r.RC == 0:
		return true, nil
	case r.RC == 1 || r.RC == 2 || r.RC == 3:
		// LSB: dead with a pid file, dead with a lock file, not running.
		return false, nil
	case saysRunning.MatchString(out):
		return true, nil
	}
	return len(s.processes()) > 0, nil
}

// act starts, stops or reloads.
func (s *initService) act(ctx context.Context, action string) (modules.CommandResult, error) {
	r, err := s.control(ctx, action)
	if err != nil {
		return r, err
	}
	if r.RC != 0 {
		return r, modules.FailWith(map[string]any{"rc": r.RC, "stdout": r.Stdout, "stderr": r.Stderr},
			"Unable to %s service %s: %s", action, s.name, strings.TrimSpace(r.Stderr+r.Stdout))
	}
	return r, nil
}

// restart stops and starts. Between them it waits until the old processes are
// gone: many scripts return from stop at once, and a start that finds the old
// process alive says "already running" and leaves nothing running.
func (s *initService) restart(ctx context.Context) (modules.CommandResult, error) {
	if s.openrc {
		return s.act(ctx, "restart")
	}
	old := s.processes()
	stop, err := s.control(ctx, "stop")
	if err != nil {
		return stop, err
	}
	if s.sleep > 0 {
		if err := pause(ctx, s.sleep); err != nil {
			return stop, err
		}
	}
	left, err := waitGone(ctx, old, goneTimeout)
	if err != nil {
		return stop, err
	}
	if len(left) > 0 {
		s.Warn("%s: process %d still runs %v after the stop", s.name, left[0].pid, goneTimeout)
	}
	start, err := s.act(ctx, "start")
	start.Stdout = stop.Stdout + start.Stdout
	start.Stderr = stop.Stderr + start.Stderr
	return start, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// processes finds the service's processes: by its pid file, or, where it has
// none, by the daemon that the script names.
func (s *initService) processes() []process {
	files, daemon := s.hints()
	var out []process
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 1 {
				if p, ok := processOf(pid); ok && !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
		}
	}
	if len(out) > 0 || daemon == "" {
		return out
	}
	return processesOf(daemon)
}

var (
	assignment = regexp.MustCompile(`(?m)^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=("[^"\n]*"|'[^'\n]*'|[^\s;#]*)`)
	variable   = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?`)
	pidComment = regexp.MustCompile(`(?m)^#\s*pidfile:\s*(\S+)`)
)

// hints reads from the script where its pid file may be and which program it
// runs: plain assignments only, the script is not executed.
func (s *initService) hints() (pidFiles []string, daemon string) {
	pidFiles = []string{"/run/" + s.name + ".pid", "/run/" + s.name + "/" + s.name + ".pid", "/var/run/" + s.name + ".pid"}
	text, err := os.ReadFile(s.script)
	if err != nil {
		return pidFiles, ""
	}
	vars := map[string]string{}
	for _, g := range assignment.FindAllStringSubmatch(string(text), -1) {
		value := strings.Trim(g[2], `"'`)
		vars[g[1]] = variable.ReplaceAllStringFunc(value, func(v string) string {
			return vars[variable.FindStringSubmatch(v)[1]]
		})
	}
	if g := pidComment.FindStringSubmatch(string(text)); g != nil {
		pidFiles = append(pidFiles, g[1])
	}
	for k, v := range vars {
		if strings.Contains(strings.ToUpper(k), "PID") && filepath.IsAbs(v) {
			pidFiles = append(pidFiles, v)
		}
	}
	slices.Sort(pidFiles)
	daemon = vars["DAEMON"]
	if !filepath.IsAbs(daemon) || isInterpreter(daemon) {
		daemon = ""
	}
	return slices.Compact(pidFiles), daemon
}

// isInterpreter tells the programs that run much besides one service.
func isInterpreter(path string) bool {
	base := filepath.Base(path)
	for _, p := range []string{"sh", "bash", "dash", "python", "perl", "ruby", "java", "node", "env", "start-stop-daemon"} {
		if base == p || strings.HasPrefix(base, p) && len(base) > len(p) && (base[len(p)] == '.' || base[len(p)] >= '0' && base[len(p)] <= '9') {
			return true
		}
	}
	return false
}

// enabled reports whether the service is started at boot: by the links of the
// runlevels that are given, or of any of 2 to 5.
func (s *initService) enabled(ctx context.Context, runlevels []string) (bool, error) {
	if s.openrc {
		r, err := s.Command(ctx, modules.CommandOptions{}, "rc-update", "show", s.runlevel)
		if err != nil {
			return false, err
		}
		for line := range strings.Lines(r.Stdout) {
			if name, _, _ := strings.Cut(line, "|"); strings.TrimSpace(name) == s.name {
				return true, nil
			}
		}
		return false, nil
	}
	if len(runlevels) == 0 {
		links, err := filepath.Glob(filepath.Join(s.rcDir, "rc[2345S].d", "S[0-9][0-9]"+s.name))
		return len(links) > 0, err
	}
	for _, level := range runlevels {
		links, err := filepath.Glob(filepath.Join(s.rcDir, "rc"+level+".d", "S[0-9][0-9]"+s.name))
		if err != nil || len(links) == 0 {
			return false, err
		}
	}
	return true, nil
}

// enable makes the service start at boot, or not.
func (s *initService) enable(ctx context.Context, on bool, runlevels []string) error {
	word := map[bool]string{true: "enable", false: "disable"}[on]
	var calls [][]string
	switch {
	case s.openrc:
		calls = [][]string{{"rc-update", map[bool]string{true: "add", false: "delete"}[on], s.name, s.runlevel}}
	case s.BinPath("update-rc.d") != "":
		known, err := filepath.Glob(filepath.Join(s.rcDir, "rc?.d", "[SK][0-9][0-9]"+s.name))
		if err != nil {
			return err
		}
		if len(known) == 0 {
			calls = append(calls, []string{"update-rc.d", s.name, "defaults"})
		}
		calls = append(calls, append([]string{"update-rc.d", s.name, word}, runlevels...))
	case s.BinPath("chkconfig") != "":
		state := map[bool]string{true: "on", false: "off"}[on]
		if len(runlevels) > 0 {
			calls = [][]string{{"chkconfig", "--level", strings.Join(runlevels, ""), s.name, state}}
		} else {
			calls = [][]string{{"chkconfig", "--add", s.name}, {"chkconfig", s.name, state}}
		}
	default:
		return modules.Failf("no service or tool found for: %s", s.name)
	}
	for _, argv := range calls {
		r, err := s.Command(ctx, modules.CommandOptions{}, argv...)
		if err != nil {
			return err
		}
		if r.RC != 0 {
			return modules.FailWith(map[string]any{"rc": r.RC, "stdout": r.Stdout, "stderr": r.Stderr},
				"failed to %s service %s: %s", word, s.name, strings.TrimSpace(r.Stderr+r.Stdout))
		}
	}
	return nil
}
