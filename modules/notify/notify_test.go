package notify

// This file runs the cases of testdata/notify: what the module of a real Ansible
// and ours say to a server that the test starts, and what comes back.
//
//	args    the arguments, as JSON; $DIR stands for the case's folder, $PORT for the server's port
//	server  what the server does: see smtpd_test.go and slackd_test.go
//	file/F  a file in $DIR
//	check   "yes": check mode
//	result  the result, as JSON
//	wire    what the server was told
//	differs lines "wire: REASON" or "KEY: REASON" of what is not compared

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"gorun/modules"
)

var record = flag.Bool("record", false, "run Ansible's own modules (of PYTHONPATH) and write what they do into the cases")

const casesDir = "../../testdata/notify"

// A testServer is started for one case.
type testServer interface {
	port() string
	// wire is what it was told, in a form that no two runs differ in.
	wire() string
	// env is the environment in which the module finds it.
	env() map[string]string
}

func TestCases(t *testing.T) {
	for _, kind := range []struct {
		module *modules.Module
		start  func(t *testing.T, server string) testServer
	}{{Mail, startSMTP}, {Slack, startSlack}} {
		short := kind.module.Spec.Name[strings.LastIndexByte(kind.module.Spec.Name, '.')+1:]
		files, err := filepath.Glob(filepath.Join(casesDir, short, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no cases of %s: %v", short, err)
		}
		for _, file := range files {
			t.Run(short+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				a, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				c := &notifyCase{module: kind.module, archive: a, dir: t.TempDir()}
				c.server = kind.start(t, c.part("server"))
				c.run(t, file)
			})
		}
	}
}

type notifyCase struct {
	module  *modules.Module
	archive *txtar.Archive
	dir     string
	server  testServer
}

func (c *notifyCase) part(name string) string {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func (c *notifyCase) set(name, text string) {
	for i := range c.archive.Files {
		if c.archive.Files[i].Name == name {
			c.archive.Files[i].Data = []byte(text)
			return
		}
	}
	c.archive.Files = append(c.archive.Files, txtar.File{Name: name, Data: []byte(text)})
}

func (c *notifyCase) run(t *testing.T, file string) {
	for _, f := range c.archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "file/"); ok {
			if err := os.WriteFile(filepath.Join(c.dir, name), f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	args := strings.NewReplacer("$DIR", c.dir, "$PORT", c.server.port()).Replace(c.part("args"))
	var params map[string]any
	if err := json.Unmarshal([]byte(args), &params); err != nil {
		t.Fatal(err)
	}
	if *record {
		result, version := c.real(t, args)
		c.archive.Comment = []byte("recorded with " + version + "\n")
		c.set("result", result)
		c.set("wire", c.server.wire())
		if err := os.WriteFile(file, txtar.Format(c.archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	out := c.module.Execute(context.Background(), &modules.Run{Check: c.part("check") != "", Diff: true, Env: c.server.env()}, params)
	data, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	have, want := c.normalise(t, string(data)), c.normalise(t, c.part("result"))
	wire := true
	for line := range strings.Lines(c.part("differs")) {
		key, _, _ := strings.Cut(line, ": ")
		wire = wire && key != "wire"
		delete(have, key)
		delete(want, key)
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("the result is\n%v\nwant\n%v", have, want)
	}
	if have, want := receiversInOrder(c.server.wire()), receiversInOrder(c.part("wire")); wire && have != want {
		t.Errorf("the server was told\n%s\nwant\n%s", have, want)
	}
}

func (c *notifyCase) normalise(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, key := range []string{"invocation", "exception", "deprecations", "_ansible_new_secrets"} {
		delete(out, key)
	}
	for _, key := range []string{"msg", "error"} {
		if s, ok := out[key].(string); ok {
			out[key] = strings.NewReplacer(c.dir, "$DIR", ":"+c.server.port(), ":$PORT").Replace(s)
		}
	}
	if out["changed"] == nil {
		out["changed"] = false
	}
	// Today's Ansible gives warnings as objects.
	if list, ok := out["warnings"].([]any); ok {
		for i, w := range list {
			if object, ok := w.(map[string]any); ok {
				w = object["event"].(map[string]any)["msg"]
			}
			list[i] = strings.ReplaceAll(w.(string), c.dir, "$DIR")
		}
	}
	// A message in Slack's form stands as text in the result, in the order of Python's dicts.
	if p, ok := out["payload"].(string); ok {
		var v any
		if err := json.Unmarshal([]byte(p), &v); err != nil {
			t.Fatal(err)
		}
		out["payload"] = v
	}
	return out
}

// runModule runs an Ansible module in this Python and adds what it is of.
const runModule = `
import importlib, json, os, sys
import ansible.module_utils.basic as basic
from ansible.release import __version__
name, args, check = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == 'yes'
args.update(_ansible_check_mode=check, _ansible_diff=True, _ansible_module_name=name)
basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': args}).encode()
basic._ANSIBLE_PROFILE = 'legacy'
print('ansible-core', __version__, file=sys.stderr)
sys.argv = ['module']
importlib.import_module('ansible_collections.community.general.plugins.modules.' + name).main()
`

// real runs Ansible's own module.
func (c *notifyCase) real(t *testing.T, args string) (result, version string) {
	name := c.module.Spec.Name[strings.LastIndexByte(c.module.Spec.Name, '.')+1:]
	check := strings.TrimSpace(c.part("check"))
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", "-c", runModule, name, args, check)
	cmd.Env = os.Environ()
	for k, v := range c.server.env() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && stdout.Len() == 0 {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	out := c.normalise(t, stdout.String())
	data, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ = strings.Cut(stderr.String(), "\n")
	return string(data) + "\n", version
}

// moving is what no two messages share.
var moving = []struct {
	pattern *regexp.Regexp
	to      string
}{
	{regexp.MustCompile(`===============\d+==`), "BOUNDARY"},
	{regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}`), "Date: NOW"},
	{regexp.MustCompile(`(?m)^Message-ID: <\d+\.\d+\.\d+@`), "Message-ID: <UNIQUE@"},
	{regexp.MustCompile(`(?m)^(EHLO|HELO) \S*[.\]]\S*$|^(EHLO|HELO) \[.*$`), "$1$2 OWN"},
	{regexp.MustCompile(`(?m)^(MAIL FROM:\S+) size=\d+`), "$1 size=N"},
}

func still(s string) string {
	for _, r := range moving {
		s = r.pattern.ReplaceAllString(s, r.to)
	}
	return s
}

// receiversInOrder sorts neighbouring RCPT lines: Ansible has the receivers in a set.
func receiversInOrder(s string) string {
	lines := strings.Split(s, "\n")
	isRCPT := func(l string) bool { return strings.HasPrefix(l, "RCPT ") }
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && isRCPT(lines[end]) {
			end++
		}
		slices.Sort(lines[i:end])
		i = max(i, end)
	}
	return strings.Join(lines, "\n")
}
