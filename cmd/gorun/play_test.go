package main

// This file compares gorun with the real Ansible on small playbooks.
//
// Each case in testdata/play is a txtar archive. Lines `key: value` before the
// first file say how it runs:
//
//	cmd: site.yml -i hosts -f 1    the arguments (-f 1 keeps the order of hosts)
//	tool: ansible-core 2.14.18     what answered
//	current: ansible-core 2.22.0b2 what gave the answers under current/
//	differs: REASON                gorun's screen differs, on purpose; only rc and files are compared
//	own: REASON                    gorun's current era differs, on purpose: the sections under own/ are its own answer
//	env: NAME=VALUE                an environment variable; may be repeated
//
// Behind the files stand what Ansible answered: stdout, rc, and the files that
// it left under out/. `go test -run TestPlay -record` asks the installed
// ansible-playbook again; with "ansible" in GORUN_REQUIRE the test does so
// too, and fails where the answer has drifted.
//
// The sections under current/ are the same, and stderr, from the current
// release of ansible-core. It is asked in a folder that holds a whole system
// with it, Debian sid by debootstrap: `-record -chroot /opt/sid`, or
// GORUN_REQUIRE=ansible-current with GORUN_CURRENT_ROOT=/opt/sid. `-own` writes
// gorun's answer beside it in the cases that have a line `own:`.

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"gorun/internal/needs"
)

var (
	record = flag.Bool("record", false, "ask the installed ansible-playbook for the expected answers")
	chroot = flag.String("chroot", "", "with -record: ask the ansible-playbook of the system in this `folder` for the answers of the current era")
	own    = flag.Bool("own", false, "write gorun's own answers where they are meant to differ")
)

// recordedWith is the version that the answers of testdata/play come from.
const recordedWith = "ansible-core 2.14.18"

// a playCase is one archive, taken apart.
type playCase struct {
	name, file string
	ar         *txtar.Archive
	cmd        []string
	line       string // cmd as it is written
	env        []string
	differs    string
	own        bool
}

func loadPlayCases(t *testing.T, dir string) []playCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
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
				c.line, c.cmd = value, strings.Fields(value)
			case "env":
				c.env = append(c.env, value)
			case "differs":
				c.differs = value
			case "own":
				c.own = true
			}
		}
		if len(c.cmd) == 0 {
			t.Fatalf("%s: no cmd: line", f)
		}
		cases = append(cases, c)
	}
	return cases
}

// The answers of a case by who gave them: the prefixes of their sections.
const (
	from214     = ""
	fromCurrent = "current/"
	fromGorun   = "own/"
)

// expected tells whether a section is part of the answer that has a prefix,
// and its name without it.
func expected(prefix, name string) (string, bool) {
	name, ok := strings.CutPrefix(name, prefix)
	return name, ok && (name == "stdout" || name == "stderr" && prefix != from214 || name == "rc" || strings.HasPrefix(name, "out/"))
}

// isExpected reports whether a section is part of any answer.
func isExpected(name string) bool {
	return slices.ContainsFunc([]string{from214, fromCurrent, fromGorun}, func(prefix string) bool {
		_, ok := expected(prefix, name)
		return ok
	})
}

// unpack writes a case's files to a folder of its own below root. All such
// folders have names of one length: Ansible breaks lines that hold them.
func (c playCase) unpack(t *testing.T, root string) string {
	t.Helper()
	dir := filepath.Join(root, fmt.Sprintf("gorun-play-%08x", rand.Uint32()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, f := range c.ar.Files {
		if isExpected(f.Name) {
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

// A player is what plays a case.
type player struct {
	program []string
	root    string // the folder of the system that the program is in
	// current compares what only the current era's answers hold: the standard error.
	current bool
}

// play plays a case and returns the answer's sections.
func (c playCase) play(t *testing.T, by player) []txtar.File {
	t.Helper()
	host := c.unpack(t, filepath.Join(by.root, "/tmp"))
	dir := filepath.Join("/tmp", filepath.Base(host))
	env := []string{"ANSIBLE_NOCOLOR=1", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "ANSIBLE_LOCALHOST_WARNING=0",
		"ANSIBLE_INVENTORY_UNPARSED_WARNING=0", "ANSIBLE_HOME=" + filepath.Join(dir, ".ansible"), "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3"}
	if !by.current {
		env = append(env, "ANSIBLE_DEPRECATION_WARNINGS=0")
	}
	words := append(slices.Clone(by.program), c.cmd...)
	if by.root != "" {
		words = append([]string{"chroot", by.root, "env", "-C", dir}, words...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = host
	cmd.Env = append(append(os.Environ(), env...), c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, isExit := err.(*exec.ExitError); err != nil && !isExit {
		t.Fatalf("%s: %v", words[0], err)
	}
	answer := []txtar.File{
		{Name: "stdout", Data: []byte(normalizePlay(stdout.String(), dir))},
		{Name: "rc", Data: fmt.Appendf(nil, "%d\n", cmd.ProcessState.ExitCode())},
	}
	if by.current {
		answer = slices.Insert(answer, 1, txtar.File{Name: "stderr", Data: []byte(normalizePlay(stderr.String(), dir))})
	} else if t.Failed() || testing.Verbose() {
		t.Logf("stderr of %s:\n%s", words[0], stderr.String())
	}
	return append(answer, outFiles(t, host, dir)...)
}

// outFiles are what a run left under out/ of the folder dir, with their modes.
// known is the name that the run had for the folder.
func outFiles(t *testing.T, dir, known string) []txtar.File {
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
		rel = reportName.ReplaceAllString(rel, "-TIME.xml")
		files = append(files, txtar.File{Name: rel + " " + st.Mode().Perm().String(), Data: []byte(normalizePlay(string(data), known))})
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
	{regexp.MustCompile(`"(start|end)": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"`), `"$1": "TIME"`}, // the json callback
	{regexp.MustCompile(`"id": "[0-9a-f]{8}-[0-9a-f-]{27}"`), `"id": "ID"`},
	{regexp.MustCompile(`(?m)^ +"_ansible_\w+": .*,\n`), ``},             // there too: what Ansible notes for itself
	{regexp.MustCompile(`(?m)( time=)"[0-9.e-]+"(>| |$)`), `$1"TIME"$2`}, // junit
	{regexp.MustCompile(`"delta": "\d+:\d\d:\d\d\.\d+"`), `"delta": "DELTA"`},
	{regexp.MustCompile(`(?m)^( +)(start|end|delta): '[0-9 :.-]+'$`), `$1$2: 'TIME'`}, // result_format=yaml
	{regexp.MustCompile(`"(atime|mtime|ctime)": [0-9.]+`), `"$1": 0`},
	{regexp.MustCompile(`"(inode|dev|pid|uid|gid|nlink)": \d+`), `"$1": 0`},
	{regexp.MustCompile(`"ansible_job_id": "[^"]+"`), `"ansible_job_id": "JID"`},
	{regexp.MustCompile(`jid=\S+`), `jid=JID`},
	{regexp.MustCompile(`(?m)^\+\+\+ after: \S+$`), `+++ after: SRC`}, // a temporary file's name
	// Ansible's copy and template tell where their temporary file was; gorun has none.
	{regexp.MustCompile(`"src": "(?:|\$WORK/[^"]*\.j2)"`), `"src": "TMP"`},
	{regexp.MustCompile(`(?m)^( +)src: (?:''|\S*/ansible-tmp-\S*|\$WORK/\S*\.j2)$`), `${1}src: TMP`},
	{regexp.MustCompile(`(?m)^(\S*)\+\+\+ after: [^\s\x1b]+`), `${1}+++ after: SRC`}, // in colour
	{regexp.MustCompile(`"src": "[^"]*(?:ansible-tmp|gorun)[^"]*"`), `"src": "TMP"`},
	// What -vv tells of the program itself and of callbacks beside that of the screen.
	{regexp.MustCompile(`(?s)^ansible-playbook \[core .*?\n(No config file found|Using )`), `$1`},
	{regexp.MustCompile(`(?m)^Skipping callback '\w+', as we already have a stdout callback\.\n`), ``},
	{regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`), `.BACKUP~`},
}

// reportName is the end of the name of a report of junit.
var reportName = regexp.MustCompile(`-\d+\.\d+\.xml$`)

func normalizePlay(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "$WORK")
	for _, n := range normalizers {
		text = n.re.ReplaceAllString(text, n.to)
	}
	return text
}

func TestPlay(t *testing.T) {
	if *record && *chroot != "" {
		recordCurrent(t)
		return
	}
	ansible, err := exec.LookPath("ansible-playbook")
	if err != nil && (*record || needs.Required("ansible")) {
		t.Fatal("ansible-playbook is not installed")
	}
	real214 := player{program: []string{ansible}}
	root := os.Getenv("GORUN_CURRENT_ROOT")
	if root == "" && needs.Required("ansible-current") {
		t.Fatal("GORUN_CURRENT_ROOT names no system with the current ansible-core")
	}
	var gorun string
	if !*record {
		gorun = buildGorun(t)
	}
	for _, c := range loadPlayCases(t, "../../testdata/play") {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if *record {
				c.keep(t, from214, recordedWith, c.play(t, real214))
				return
			}
			want := c.answer(from214)
			if needs.Required("ansible") {
				diffSections(t, "the answer of Ansible 2.14 has drifted", want, inOrderOf(want, c.play(t, real214)))
			}
			got := c.play(t, player{program: []string{gorun, "--compat=2.14"}})
			if c.differs != "" {
				want, got = withoutScreen(want), withoutScreen(got)
			}
			diffSections(t, "gorun --compat=2.14 differs from Ansible", want, got)
		})
		t.Run(c.name+"/current", func(t *testing.T) {
			t.Parallel()
			if *record {
				return
			}
			if needs.Required("ansible-current") {
				want := c.answer(fromCurrent)
				diffSections(t, "the current Ansible's answer has drifted", want, inOrderOf(want, c.play(t, current(root))))
			}
			got := c.play(t, player{program: []string{gorun, "--compat=current"}, current: true})
			switch {
			case !c.own:
				diffSections(t, "gorun differs from Ansible", c.answer(fromCurrent), got)
			case *own:
				c.keep(t, fromGorun, "", got)
			default:
				diffSections(t, "gorun's own answer has changed", c.answer(fromGorun), got)
			}
		})
	}
}

// current is the ansible-playbook of the system in a folder.
func current(root string) player {
	return player{program: []string{"ansible-playbook"}, root: root, current: true}
}

// recordCurrent asks the current release.
func recordCurrent(t *testing.T) {
	tool := toolVersion(t, *chroot)
	for _, c := range loadPlayCases(t, "../../testdata/play") {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.keep(t, fromCurrent, tool, c.play(t, current(*chroot)))
		})
	}
}

// toolVersion names the ansible-core of the system in a folder.
func toolVersion(t *testing.T, root string) string {
	t.Helper()
	out, err := exec.Command("chroot", root, "ansible-playbook", "--version").Output()
	m := regexp.MustCompile(`\[core ([^\]]+)\]`).FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("no ansible-playbook in %s: %v %s", root, err, out)
	}
	return "ansible-core " + string(m[1])
}

// answer are the recorded sections of a case that have a prefix, without it.
func (c playCase) answer(prefix string) []txtar.File {
	var out []txtar.File
	for _, f := range c.ar.Files {
		if name, ok := expected(prefix, f.Name); ok {
			out = append(out, txtar.File{Name: name, Data: []byte(normalizePlay(string(f.Data), "$WORK"))})
		}
	}
	return out
}

func withoutScreen(files []txtar.File) []txtar.File {
	return slices.DeleteFunc(slices.Clone(files), func(f txtar.File) bool { return f.Name == "stdout" })
}

// keep writes an answer into the case.
func (c playCase) keep(t *testing.T, prefix, tool string, answer []txtar.File) {
	t.Helper()
	ar, err := txtar.ParseFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	// The answers stand behind the files, in their order.
	var files []txtar.File
	for _, p := range []string{from214, fromCurrent, fromGorun} {
		if p == prefix {
			for _, f := range answer {
				files = append(files, txtar.File{Name: p + f.Name, Data: f.Data})
			}
			continue
		}
		for _, f := range ar.Files {
			if _, ok := expected(p, f.Name); ok {
				files = append(files, f)
			}
		}
	}
	ar.Files = append(slices.DeleteFunc(ar.Files, func(f txtar.File) bool { return isExpected(f.Name) }), files...)
	key := map[string]string{from214: "tool: ", fromCurrent: "current: "}[prefix]
	if key != "" {
		var head strings.Builder
		for line := range strings.Lines(string(ar.Comment)) {
			if !strings.HasPrefix(line, key) && strings.TrimSpace(line) != "" {
				head.WriteString(line)
			}
		}
		ar.Comment = []byte(head.String() + key + tool + "\n")
	}
	if err := os.WriteFile(c.file, txtar.Format(ar), 0o644); err != nil {
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

// inOrderOf is got with want's text for each screen that has the same lines in
// another order: which host's result Ansible shows first is chance, even with
// one fork.
func inOrderOf(want, got []txtar.File) []txtar.File {
	sorted := func(data []byte) []string {
		lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
		slices.Sort(lines)
		return lines
	}
	got = slices.Clone(got)
	for i, f := range got {
		for _, w := range want {
			if w.Name == f.Name && f.Name == "stdout" && slices.Equal(sorted(w.Data), sorted(f.Data)) {
				got[i] = w
			}
		}
	}
	return got
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
