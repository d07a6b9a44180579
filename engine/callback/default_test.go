package callback

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/templates"
)

// screenOf is a screen that writes to two buffers.
func screenOf(color bool) (s *Screen, out, errOut *bytes.Buffer) {
	out, errOut = &bytes.Buffer{}, &bytes.Buffer{}
	return &Screen{Out: out, Err: errOut, Color: color, Columns: 79, Colors: DefaultColors}, out, errOut
}

func data(pairs ...any) *templates.Dict { return dictOf(pairs...) }

// The texts were recorded from ansible-core 2.14.18 with ANSIBLE_FORCE_COLOR=1.
func TestDefaultColours(t *testing.T) {
	ping := Task{Name: "t", Action: "ping", UUID: "1"}
	debug := Task{Name: "t", Action: "debug", UUID: "2"}
	for _, c := range []struct {
		name string
		set  Settings
		tell func(cb Callback)
		want string
	}{
		{"ok", Settings{}, func(cb Callback) { cb.Result(Result{Host: "a", Task: ping, Data: data()}) }, "\x1b[0;32mok: [a]\x1b[0m\n"},
		{"changed", Settings{}, func(cb Callback) { cb.Result(Result{Host: "a", Task: ping, Status: Changed, Data: data()}) }, "\x1b[0;33mchanged: [a]\x1b[0m\n"},
		{"skipped", Settings{}, func(cb Callback) { cb.Result(Result{Host: "a", Task: ping, Status: Skipped, Data: data()}) }, "\x1b[0;36mskipping: [a]\x1b[0m\n"},
		{"every line is coloured", Settings{}, func(cb Callback) {
			cb.Result(Result{Host: "a", Task: debug, Always: true, Data: data("msg", templates.Str("x"), "changed", templates.Bool(false))})
		}, "\x1b[0;32mok: [a] => {\x1b[0m\n\x1b[0;32m    \"msg\": \"x\"\x1b[0m\n\x1b[0;32m}\x1b[0m\n"},
		{"failed", Settings{}, func(cb Callback) {
			cb.Result(Result{Host: "a", Task: ping, Status: Failed, Data: data("msg", templates.Str("m"), "changed", templates.Bool(false)), IgnoreErrors: true})
		}, "\x1b[0;31mfatal: [a]: FAILED! => {\"changed\": false, \"msg\": \"m\"}\x1b[0m\n\x1b[0;36m...ignoring\x1b[0m\n"},
		{"unreachable", Settings{}, func(cb Callback) {
			cb.Result(Result{Host: "a", Task: ping, Status: Unreachable, Data: data("unreachable", templates.Bool(true))})
		}, "\x1b[1;31mfatal: [a]: UNREACHABLE! => {\"unreachable\": true}\x1b[0m\n"},
		{"recap", Settings{}, func(cb Callback) {
			cb.Stats(Stats{Hosts: map[string]HostStats{"a": {OK: 8, Changed: 2, Failures: 1}}})
		}, "\nPLAY RECAP *********************************************************************\n" +
			"\x1b[0;31ma\x1b[0m                          : \x1b[0;32mok=8   \x1b[0m \x1b[0;33mchanged=2   \x1b[0m unreachable=0    \x1b[0;31mfailed=1   \x1b[0m skipped=0    rescued=0    ignored=0   \n\n"},
		{"no banner before a hidden result", Settings{HideOK: true}, func(cb Callback) {
			cb.TaskStart(ping)
			cb.Result(Result{Host: "a", Task: ping, Data: data()})
		}, ""},
		{"banner before the first shown result", Settings{HideOK: true}, func(cb Callback) {
			cb.TaskStart(ping)
			cb.Result(Result{Host: "a", Task: ping, Data: data()})
			cb.Result(Result{Host: "b", Task: ping, Status: Changed, Data: data()})
			cb.Result(Result{Host: "c", Task: ping, Status: Changed, Data: data()})
		}, "\nTASK [t] ***********************************************************************\n\x1b[0;33mchanged: [b]\x1b[0m\n\x1b[0;33mchanged: [c]\x1b[0m\n"},
		{"no_log debug", Settings{}, func(cb Callback) {
			cb.Result(Result{Host: "a", Task: debug, NoLog: true, Data: data("censored", templates.Str("hidden"))})
		}, "\x1b[0;32mok: [a]\x1b[0m\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, out, _ := screenOf(true)
			c.tell(NewDefault(s, c.set))
			if got := out.String(); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestWarningsWrap(t *testing.T) {
	s, _, errOut := screenOf(false)
	d := NewDefault(s, Settings{Deprecations: true})
	text := "Could not match supplied host pattern, ignoring: " + strings.Repeat("x", 90) + " end"
	d.Warning(text)
	d.Warning(text) // once a run
	d.Deprecated("old")
	want := "[WARNING]: Could not match supplied host pattern, ignoring: " + strings.Repeat("x", 19) + "\n" +
		strings.Repeat("x", 71) + " end\n[DEPRECATION WARNING]: old\n"
	if got := errOut.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// play tells a callback of a small run.
func play(cb Callback) {
	cb.PlaybookStart("dir/site.yml")
	cb.PlayStart(Play{Hosts: "web", Path: "/p/site.yml:1", UUID: "p"})
	task := Task{Name: "r : run", Action: "command", Args: "_raw_params=false", Path: "/p/site.yml:3", UUID: "1"}
	cb.TaskStart(task)
	cb.Result(Result{Host: "a", Task: task, Status: Failed, Data: data("rc", templates.Int(1), "msg", templates.Str("<no> & \"yes\""), "stdout", templates.Str("o\np"))})
	skip := Task{Name: "debug", Action: "debug", Path: "/p/site.yml:4", UUID: "2"}
	cb.TaskStart(skip)
	cb.Result(Result{Host: "a", Task: skip, Status: Skipped, Data: data("skip_reason", templates.Str("Conditional result was False"))})
	cb.Stats(Stats{Hosts: map[string]HostStats{"a": {Failures: 1, Skipped: 1}}})
}

func TestJSON(t *testing.T) {
	s, out, _ := screenOf(false)
	play(NewJSON(s, Settings{}))
	var doc struct {
		Plays []struct {
			Play  struct{ Name, Path string }
			Tasks []struct {
				Hosts map[string]map[string]any
				Task  struct{ Name, Path string }
			}
		}
		Stats map[string]map[string]int
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Plays) != 1 || doc.Plays[0].Play.Name != "web" || len(doc.Plays[0].Tasks) != 2 {
		t.Fatalf("plays: %+v", doc.Plays)
	}
	a := doc.Plays[0].Tasks[0].Hosts["a"]
	if a["failed"] != true || a["action"] != "command" || a["rc"] != 1.0 {
		t.Errorf("result of a: %v", a)
	}
	if doc.Stats["a"]["failures"] != 1 {
		t.Errorf("stats: %v", doc.Stats)
	}
}

func TestJUnitTreeAndLog(t *testing.T) {
	dir := t.TempDir()
	s, out, errOut := screenOf(false)
	screen, err := New("default", s, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	cb, err := Enable(screen, []string{"junit", "tree", "community.general.log_plays", "timer", "nosuch"}, s, Extras{
		JUnitDir: filepath.Join(dir, "j"), TreeDir: filepath.Join(dir, "t"), LogDir: filepath.Join(dir, "l"),
	})
	if err == nil || err.Error() != "callbacks_enabled: unknown callback nosuch (known: junit, log_plays, profile_roles, profile_tasks, timer, tree)" {
		t.Errorf("error of an unknown callback: %v", err)
	}
	play(cb)
	if !strings.Contains(out.String(), "Playbook run took 0 days, 0 hours, 0 minutes, 0 seconds\n") || errOut.Len() > 0 {
		t.Errorf("screen: %s%s", out, errOut)
	}
	reports, err := filepath.Glob(filepath.Join(dir, "j", "site-*.xml"))
	if err != nil || len(reports) != 1 {
		t.Fatalf("reports: %v %v", reports, err)
	}
	report := read(t, reports[0])
	for _, want := range []string{
		`<testsuite disabled="0" errors="0" failures="1" name="site" skipped="1" tests="2" `,
		`name="[a] web: r : run _raw_params=false"`,
		"<failure message=\"&lt;no&gt; &amp; &quot;yes&quot;\" type=\"failure\">{\n&quot;msg&quot;: ",
		"<skipped>Conditional result was False</skipped>",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %s:\n%s", want, report)
		}
	}
	if got, want := read(t, filepath.Join(dir, "t", "a")), `{"msg": "<no> & \"yes\"", "rc": 1, "stdout": "o\np"}`; got != want {
		t.Errorf("tree: %s, want %s", got, want)
	}
	log := read(t, filepath.Join(dir, "l", "a"))
	if !strings.Contains(log, ` - site.yml - run - command - FAILED - {"msg": "<no> & \"yes\"", "rc": 1, "stdout": "o\np"}`+"\n\n") {
		t.Errorf("log: %s", log)
	}
}

func TestProfileLines(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{lapLine("r : role task", 2510e6), "r : role task ----------------------------------------------------------- 2.51s"},
		{lapLine("total", 13490e6), "total ------------------------------------------------------------------ 13.49s"},
		{filled("", "="), strings.Repeat("=", 79) + " "},
		{seconds(3723004e6), "1:02:03.004"},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
}

func TestDebugScreen(t *testing.T) {
	s, out, _ := screenOf(false)
	cb, err := New("ansible.posix.debug", s, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	cb.Result(Result{Host: "a", Task: Task{Action: "command"}, Status: Failed, Data: data("rc", templates.Int(3),
		"stdout", templates.Str("out"), "stdout_lines", templates.NewList(templates.Str("out")), "msg", templates.Str("non-zero return code"))})
	want := "fatal: [a]: FAILED! => {\n    \"rc\": 3\n}\n\nSTDOUT:\n\nout\n\n\nMSG:\n\nnon-zero return code\n"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestUnknownScreen(t *testing.T) {
	s, _, _ := screenOf(false)
	_, err := New("nosuch", s, Settings{})
	want := "Invalid callback for stdout specified: nosuch (known: debug, default, json, minimal, oneline, yaml)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLog(t *testing.T) {
	var out, log bytes.Buffer
	s := &Screen{Out: &out, Err: &out, Log: &log, Columns: 20, Color: true, LogHead: func(level string) string { return level + "| " }}
	s.Banner("PLAY [a]")
	s.PrintErr("[ERROR]: no\nplace\n", "red")
	s.PrintErr("[WARNING]: hm", "purple")
	want := "INFO| PLAY [a] ************\nERROR| [ERROR]: no\nplace\n\nWARNING| [WARNING]: hm\n"
	if log.String() != want {
		t.Errorf("the log has\n%q\nwant\n%q", log.String(), want)
	}
}
