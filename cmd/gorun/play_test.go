package main

// This file compares gorun with the real Ansible on small playbooks.
//
// Each case in testdata/play is a txtar archive. Lines `key: value` before the
// first file say how it runs:
//
//	cmd: site.yml -i hosts -f 1    the arguments (-f 1 keeps the order of hosts)
//	tool: ansible-core 2.14.18     what answered
//	differs: REASON                gorun's screen differs, on purpose; only rc and files are compared
//	env: NAME=VALUE                an environment variable; may be repeated
//
// Behind the files stand what Ansible answered: stdout, rc, and the files that
// it left under out/. `go test -run TestPlay -record` asks the installed
// ansible-playbook again; with "ansible" in GORUN_REQUIRE the test does so
// too, and fails where the answer has drifted.

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var record = flag.Bool("record", false, "ask the installed ansible-playbook for the expected answers")

// recordedWith is the version that the answers of testdata/play come from.
const recordedWith = "ansible-core 2.14.18"

// a playCase is one archive, taken apart.
type playCase struct {
	name, file string
	ar         *txtar.Archive
	cmd        []string
	env        []string
	differs    string
}

// required reports whether a skip for want of what would be a failure.
func required(what string) bool {
	return slices.Contains(strings.Split(os.Getenv("GORUN_REQUIRE"), ","), what)
}

func loadPlayCases(t *testing.T) []playCase {
	t.Helper()
	files, err := filepath.Glob("../../testdata/play/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/play: %v", err)
	}
	var cases []playCase
	for _, f := range files {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := playCase{name: strings.TrimSuffix(filepath.Base(f), ".txtar"), file: f, ar: ar}
		for line := range strings.Lines(string(ar.Comment)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "cmd":
				c.cmd = strings.Fields(value)
			case "env":
				c.env = append(c.env, value)
			case "differs":
				c.differs = value
			}
		}
		if len(c.cmd) == 0 {
			t.Fatalf("%s: no cmd: line", f)
		}
		cases = append(cases, c)
	}
	return cases
}

// expected are the sections that an answer is made of.
func expected(name string) bool {
	return name == "stdout" || name == "rc" || strings.HasPrefix(name, "out/")
}

// unpack writes a case's files to a folder of its own.
func (c playCase) unpack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range c.ar.Files {
		if expected(f.Name) {
			continue
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(f.Data, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(path, f.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// play runs a program on a case and returns the answer's sections.
func (c playCase) play(t *testing.T, program string, args ...string) []txtar.File {
	t.Helper()
	dir := c.unpack(t)
	cmd := exec.Command(program, append(args, c.cmd...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "ANSIBLE_LOCALHOST_WARNING=0",
		"ANSIBLE_INVENTORY_UNPARSED_WARNING=0", "ANSIBLE_HOME="+filepath.Join(dir, ".ansible"), "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3", "ANSIBLE_DEPRECATION_WARNINGS=0")
	cmd.Env = append(cmd.Env, c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, isExit := err.(*exec.ExitError); err != nil && !isExit {
		t.Fatalf("%s: %v", program, err)
	}
	answer := []txtar.File{
		{Name: "stdout", Data: []byte(normalizePlay(stdout.String(), dir))},
		{Name: "rc", Data: fmt.Appendf(nil, "%d\n", cmd.ProcessState.ExitCode())},
	}
	if t.Failed() || testing.Verbose() {
		t.Logf("stderr of %s:\n%s", filepath.Base(program), stderr.String())
	}
	return append(answer, outFiles(t, dir)...)
}

// outFiles are what a run left under out/, with their modes.
func outFiles(t *testing.T, dir string) []txtar.File {
	t.Helper()
	var files []txtar.File
	root := filepath.Join(dir, "out")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		data := []byte("-> ")
		if st.Mode()&os.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			data = append(data, to...)
		} else if data, err = os.ReadFile(path); err != nil {
			return err
		}
		if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
			data = append(data, "\n(no newline at the end)\n"...)
		}
		files = append(files, txtar.File{Name: rel + " " + st.Mode().Perm().String(), Data: []byte(normalizePlay(string(data), dir))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// normalizers replace what differs from run to run: folders, times, process ids.
var normalizers = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`"(start|end|stop)": "\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+"`), `"$1": "TIME"`},
	{regexp.MustCompile(`"delta": "\d+:\d\d:\d\d\.\d+"`), `"delta": "DELTA"`},
	{regexp.MustCompile(`(?m)^( +)(start|end|delta): '[0-9 :.-]+'$`), `$1$2: 'TIME'`}, // result_format=yaml
	{regexp.MustCompile(`"(atime|mtime|ctime)": [0-9.]+`), `"$1": 0`},
	{regexp.MustCompile(`"(inode|dev|pid|uid|gid|nlink)": \d+`), `"$1": 0`},
	{regexp.MustCompile(`"ansible_job_id": "[^"]+"`), `"ansible_job_id": "JID"`},
	{regexp.MustCompile(`jid=\S+`), `jid=JID`},
	{regexp.MustCompile(`(?m)^\+\+\+ after: \S+$`), `+++ after: SRC`}, // a temporary file's name
	{regexp.MustCompile(`"src": "[^"]*(?:ansible-tmp|gorun)[^"]*"`), `"src": "TMP"`},
	{regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`), `.BACKUP~`},
}

func normalizePlay(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "$WORK")
	for _, n := range normalizers {
		text = n.re.ReplaceAllString(text, n.to)
	}
	return text
}

func TestPlay(t *testing.T) {
	gorun := buildGorun(t)
	ansible, err := exec.LookPath("ansible-playbook")
	if err != nil && (*record || required("ansible")) {
		t.Fatal("ansible-playbook is not installed")
	}
	for _, c := range loadPlayCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if *record {
				c.record(t, ansible)
				return
			}
			want := c.answer()
			for i := range want {
				want[i].Data = []byte(normalizePlay(string(want[i].Data), "$WORK"))
			}
			if required("ansible") {
				diffSections(t, "Ansible's answer has drifted", want, c.play(t, ansible))
			}
			got := c.play(t, gorun, "--compat=2.14")
			if c.differs != "" {
				want, got = withoutScreen(want), withoutScreen(got)
			}
			diffSections(t, "gorun differs from Ansible", want, got)
		})
	}
}

// answer are the recorded sections of a case.
func (c playCase) answer() []txtar.File {
	var out []txtar.File
	for _, f := range c.ar.Files {
		if expected(f.Name) {
			out = append(out, f)
		}
	}
	return out
}

func withoutScreen(files []txtar.File) []txtar.File {
	return slices.DeleteFunc(slices.Clone(files), func(f txtar.File) bool { return f.Name == "stdout" })
}

// record writes what Ansible answers into the case.
func (c playCase) record(t *testing.T, ansible string) {
	t.Helper()
	answer := c.play(t, ansible)
	c.ar.Files = append(slices.DeleteFunc(c.ar.Files, func(f txtar.File) bool { return expected(f.Name) }), answer...)
	var head strings.Builder
	for line := range strings.Lines(string(c.ar.Comment)) {
		if !strings.HasPrefix(line, "tool:") && strings.TrimSpace(line) != "" {
			head.WriteString(line)
		}
	}
	head.WriteString("tool: " + recordedWith + "\n")
	c.ar.Comment = []byte(head.String())
	if err := os.WriteFile(c.file, txtar.Format(c.ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

func diffSections(t *testing.T, what string, want, got []txtar.File) {
	t.Helper()
	text := func(files []txtar.File) map[string]string {
		m := map[string]string{}
		for _, f := range files {
			m[f.Name] = strings.TrimRight(string(f.Data), "\n")
		}
		return m
	}
	w, g := text(want), text(got)
	for name, data := range w {
		if g[name] != data {
			t.Errorf("%s in %s:\n%s", what, name, lineDiff(data, g[name]))
		}
	}
	for name, data := range g {
		if _, ok := w[name]; !ok {
			t.Errorf("%s: %s should not be there:\n%s", what, name, data)
		}
	}
}

// buildGorun builds the program once for the tests that run it.
func buildGorun(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "gorun")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}
