// Package moduletest runs modules on cases that are data: what is there, the
// arguments, and what real Ansible answered and left. It is used by tests only.
//
// A case is a txtar file in testdata/modules/NAME. Its parts:
//
//	args      the arguments, as JSON; $DIR stands for the case's own folder
//	setup     a shell script that makes the state before, run in $DIR
//	env       lines NAME=VALUE: the task's environment, set for setup too; $PATH stands for the PATH of the test
//	flags     words: root (needs uid 0), need=PROGRAM, nocheck (check mode
//	          is not run), notree (the folder is not compared), noagain, check-differs (what check mode says is our own)
//	differs   lines "key: reason": keys of results that are not compared
//	check     the result in check mode, as JSON
//	result    the result of the first real run
//	again     the result of the second
//	probe     a shell script that tells the state after the first run; probed is what it printed
//	tree      what is in $DIR after the first run: type, mode, name, link's target
//	after/F   the content of the file F then
//
// Cases with "recorded with" in their comment were made by testdata/modules/record.py.
package moduletest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"gorun/internal/needs"
	"gorun/modules"
)

// A testCase is one file.
type testCase struct {
	module *modules.Module
	dir    string // $DIR
	parts  map[string]string
	after  map[string]string
	flags  map[string]bool
	ignore map[string]bool
}

// Run runs every case below root, one subtest each; lookup finds modules.
func Run(t *testing.T, root string, lookup func(name string) *modules.Module) {
	// Where make runs the tests, a make in a case would take itself for its child.
	for _, name := range []string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKE_TERMERR", "MAKE_TERMOUT"} {
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "*", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", root, err)
	}
	for _, file := range files {
		short := filepath.Base(filepath.Dir(file))
		var mod *modules.Module
		for _, prefix := range []string{"ansible.builtin.", "ansible.posix.", "community.general.", "community.mysql."} {
			if mod = lookup(prefix + short); mod != nil {
				break
			}
		}
		t.Run(short+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			if mod == nil {
				t.Fatalf("there is no module %s", short)
			}
			t.Parallel()
			c := load(t, file)
			c.module = mod
			c.run(t)
		})
	}
}

func load(t *testing.T, file string) *testCase {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &testCase{parts: map[string]string{}, after: map[string]string{}, flags: map[string]bool{}, ignore: map[string]bool{}}
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "after/"); ok {
			c.after[name] = string(f.Data)
		} else {
			c.parts[f.Name] = string(f.Data)
		}
	}
	for _, f := range strings.Fields(c.parts["flags"]) {
		c.flags[f] = true
	}
	for line := range strings.Lines(c.parts["differs"]) {
		key, reason, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("%s: differs: %q gives no reason", file, line)
		}
		c.ignore[key] = true
	}
	return c
}

// skip says why the case cannot run here; GORUN_REQUIRE=clients, which says
// that every client program has to be there, makes that a failure.
func (c *testCase) skip() string {
	if c.flags["root"] && os.Geteuid() != 0 {
		return "needs root"
	}
	for f := range c.flags {
		if program, ok := strings.CutPrefix(f, "need="); ok {
			if _, err := exec.LookPath(program); err != nil {
				return program + " is not installed"
			}
		}
	}
	return ""
}

func (c *testCase) run(t *testing.T) {
	if why := c.skip(); why != "" {
		if needs.Required("clients") {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	base := t.TempDir()
	c.dir = filepath.Join(base, "case")
	c.setup(t)
	before := c.state(t)
	if !c.flags["nocheck"] && c.parts["check"] != "" {
		got := c.execute(t, true)
		if now := c.state(t); now != before {
			t.Errorf("check mode changed the folder\nbefore:\n%s\nafter:\n%s", before, now)
		}
		if !c.flags["check-differs"] {
			c.compare(t, "check mode", got, c.parts["check"])
		}
	}
	got := c.execute(t, false)
	c.compare(t, "result", got, c.parts["result"])
	if script := c.parts["probe"]; script != "" {
		if have := strings.ReplaceAll(c.shell(t, script), c.dir, "$DIR"); have != c.parts["probed"] {
			t.Errorf("the probe tells\n%s\nwant\n%s", have, c.parts["probed"])
		}
	}
	if want, ok := c.parts["tree"]; ok && !c.ignore["tree"] {
		if have := c.tree(t); have != want {
			t.Errorf("the folder is\n%s\nwant\n%s", have, want)
		}
	}
	for name, want := range c.after {
		if c.ignore["tree"] {
			break
		}
		c.compareFile(t, name, want)
	}
	if want := c.parts["again"]; want != "" && !c.flags["noagain"] {
		c.compare(t, "second run", c.execute(t, false), want)
	}
}

func (c *testCase) setup(t *testing.T) {
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c.shell(t, "umask 022\n"+c.parts["setup"])
}

// shell runs a script in the case's folder and returns what it printed.
func (c *testCase) shell(t *testing.T, script string) string {
	cmd := exec.Command("/bin/sh", "-e")
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "DIR="+c.dir, "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C", "TZ=UTC")
	cmd.Env = append(cmd.Env, c.environ()...)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s%v\n%s", script, err, out)
	}
	return string(out)
}

// environ is the case's part "env" as NAME=VALUE.
func (c *testCase) environ() []string {
	text := strings.ReplaceAll(c.expand(c.parts["env"]), "$PATH", os.Getenv("PATH"))
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

func (c *testCase) execute(t *testing.T, check bool) map[string]any {
	var args map[string]any
	d := json.NewDecoder(strings.NewReader(c.expand(c.parts["args"])))
	d.UseNumber()
	if err := d.Decode(&args); err != nil {
		t.Fatalf("args: %v", err)
	}
	args = modules.Numbers(args).(map[string]any)
	m := &modules.Run{Check: check, Diff: true, Env: map[string]string{"GIT_CONFIG_GLOBAL": "/dev/null"}}
	for _, entry := range c.environ() {
		name, value, _ := strings.Cut(entry, "=")
		m.Env[name] = value
	}
	out, err := json.Marshal(c.module.Execute(context.Background(), m, args))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func (c *testCase) expand(s string) string { return strings.ReplaceAll(s, "$DIR", c.dir) }

// volatile are keys whose values no two runs share.
var volatile = map[string]bool{
	"invocation": true, "warnings": true, "deprecations": true, "exception": true, "stdout_lines": true, "stderr_lines": true,
	"atime": true, "mtime": true, "ctime": true, "inode": true, "dev": true, "elapsed": true, "start": true, "end": true, "delta": true,
	"version": true, "date": true, "server": true, "last_modified": true, "block_size": true, "blocks": true, "attr_flags": true, "attributes": true,
}

// backupName is what Backup adds to a file's name.
var backupName = regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`)

func (c *testCase) normalise(v any) any {
	switch v := v.(type) {
	case string:
		s := strings.ReplaceAll(v, c.dir, "$DIR")
		return backupName.ReplaceAllString(s, ".BACKUP~")
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = c.normalise(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			switch {
			case volatile[k] || c.ignore[k]:
			case os.Geteuid() != 0 && (k == "uid" || k == "gid" || k == "owner" || k == "group" || k == "pw_name" || k == "gr_name"):
			case k == "size" && (v["state"] == "directory" || v["state"] == "link" || v["isdir"] == true || v["islnk"] == true):
			default:
				out[c.normalise(k).(string)] = c.normalise(e)
			}
			if list, ok := out[k].([]any); ok && k == "files" {
				sortByPath(list) // folders are read in no order
			}
		}
		return out
	}
	return v
}

// sortByPath sorts names, or results by their key path.
func sortByPath(list []any) {
	key := func(v any) string {
		if m, ok := v.(map[string]any); ok {
			v = m["path"]
		}
		s, _ := v.(string)
		return s
	}
	sort.SliceStable(list, func(i, j int) bool { return key(list[i]) < key(list[j]) })
}

// compare compares key by key what was recorded with what came.
func (c *testCase) compare(t *testing.T, what string, got map[string]any, recorded string) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(recorded), &want); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	g, w := c.normalise(got).(map[string]any), c.normalise(want).(map[string]any)
	if _, ok := w["changed"]; !ok && !c.ignore["changed"] {
		w["changed"] = false // Ansible adds it on the controller
	}
	if w["failed"] == false {
		delete(w, "failed") // some modules say so
	}
	if diff, ok := w["diff"].(map[string]any); ok && len(diff) == 0 {
		delete(w, "diff")
	}
	if w["diff"] == nil {
		delete(g, "diff") // more is shown than Ansible shows
	}
	keys := map[string]bool{}
	for k := range g {
		keys[k] = true
	}
	for k := range w {
		keys[k] = true
	}
	var names []string
	for k := range keys {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		gv, inGot := g[k]
		wv, inWant := w[k]
		if !reflect.DeepEqual(gv, wv) || inGot != inWant {
			t.Errorf("%s: %s is %s, want %s", what, k, show(gv, inGot), show(wv, inWant))
		}
	}
	if t.Failed() {
		t.Logf("%s: %s", what, show(got, true))
	}
}

func show(v any, present bool) string {
	if !present {
		return "missing"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}

// state is what check mode must leave alone: the folder, or what the probe
// tells where the folder holds caches.
func (c *testCase) state(t *testing.T) string {
	if c.flags["notree"] && c.parts["probe"] != "" {
		return c.shell(t, c.parts["probe"])
	}
	return c.tree(t)
}

// tree lists the folder: a line each of type, mode and name.
func (c *testCase) tree(t *testing.T) string {
	var lines []string
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == c.dir {
			return err
		}
		name, err := filepath.Rel(c.dir, path)
		if err != nil {
			return err
		}
		if d.Name() == ".git" || strings.HasSuffix(d.Name(), ".git") {
			lines = append(lines, "d .... "+name)
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		lines = append(lines, backupName.ReplaceAllString(c.treeLine(path, name, info), ".BACKUP~"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(lines)
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func (c *testCase) treeLine(path, name string, info fs.FileInfo) string {
	mode := fmt.Sprintf("%04o", unixMode(info.Mode()))
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		target, _ := os.Readlink(path)
		return "l .... " + name + " -> " + strings.ReplaceAll(target, c.dir, "$DIR")
	case info.IsDir():
		return "d " + mode + " " + name
	case info.Mode().IsRegular():
		return "f " + mode + " " + name
	}
	return "o " + mode + " " + name
}

func unixMode(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// compareFile compares a file's content; txtar ends every part with a newline.
func (c *testCase) compareFile(t *testing.T, name, want string) {
	path := filepath.Join(c.dir, name)
	if strings.Contains(name, ".BACKUP~") {
		found, _ := filepath.Glob(strings.ReplaceAll(path, ".BACKUP~", ".*~"))
		if len(found) != 1 {
			t.Errorf("%d backups like %s", len(found), name)
			return
		}
		path = found[0]
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	have := strings.ReplaceAll(string(data), c.dir, "$DIR")
	if !utf8.ValidString(have) {
		have = fmt.Sprintf("%q", have)
	}
	if have != want && have+"\n" != want {
		t.Errorf("%s is\n%s\nwant\n%s", name, have, want)
	}
}
