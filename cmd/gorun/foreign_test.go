package main

// This file compares gorun with the real Ansible on modules and plugins that
// are not gorun's own.
//
// Each folder of testdata/foreign holds a playbook, and beside it stands what
// Ansible answered: NAME.214.txt and NAME.current.txt, the results of all
// tasks and which release gave them. `go test -run TestForeign -record` asks
// the installed ansible-playbook again, with `-chroot DIR` that of the system
// in DIR for the current era.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gorun/internal/needs"
)

// foreignCases are the folders of testdata/foreign and what they need.
var foreignCases = []struct {
	name string
	// python says that an Ansible has to be installed, plugins that it has to
	// run under this machine's Python.
	python, plugins bool
}{
	{"own", false, false},
	{"python", true, false},
	{"collection", true, false},
	{"plugins", true, true},
	{"controller", true, true},
}

func TestForeign(t *testing.T) {
	ansible, err := exec.LookPath("ansible-playbook")
	root := os.Getenv("GORUN_CURRENT_ROOT")
	if *chroot != "" {
		root = *chroot
	}
	var gorun string
	if !*record {
		gorun = buildGorun(t)
	}
	for _, c := range foreignCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := filepath.Join("../../testdata/foreign", c.name+".214.txt")
			if *record {
				if *chroot == "" {
					keepAnswer(t, want, foreignAnswer(t, c.name, "", nil, ansible))
				}
				return
			}
			needs.Have(t, "ansible", !c.python || err == nil, "no ansible-playbook is installed")
			if needs.Required("ansible") {
				compareAnswer(t, want, foreignAnswer(t, c.name, "", nil, ansible))
			}
			compareAnswer(t, want, foreignAnswer(t, c.name, "", nil, gorun, "--compat=2.14"))
		})
		t.Run(c.name+"/current", func(t *testing.T) {
			t.Parallel()
			want := filepath.Join("../../testdata/foreign", c.name+".current.txt")
			if *record {
				if *chroot != "" {
					keepAnswer(t, want, foreignAnswer(t, c.name, root, nil, "ansible-playbook"))
				}
				return
			}
			needs.Have(t, "ansible-current", !c.python || root != "", "GORUN_CURRENT_ROOT names no system with the current ansible-core")
			if c.plugins {
				// Its plugins run under its own Python alone.
				dir, err := os.MkdirTemp(filepath.Join(root, "tmp"), "gorun-program-")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.RemoveAll(dir) })
				copied := filepath.Join(dir, "gorun")
				copyFile(t, gorun, copied)
				compareAnswer(t, want, foreignAnswer(t, c.name, root, nil, filepath.Join("/tmp", filepath.Base(dir), "gorun")))
				return
			}
			var env []string
			if c.python {
				env = []string{"GORUN_ANSIBLE=" + filepath.Join(root, "usr/lib/python3/dist-packages")}
			}
			compareAnswer(t, want, foreignAnswer(t, c.name, "", env, gorun))
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		t.Cleanup(func() { os.Remove(to) })
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// foreignAnswer plays a case with a program, below a root where that is not
// "", and returns the tasks' results.
func foreignAnswer(t *testing.T, name, root string, env []string, program ...string) []byte {
	t.Helper()
	host, err := os.MkdirTemp(filepath.Join(root, "/tmp"), "gorun-foreign-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(host); err != nil {
			t.Error(err)
		}
	})
	if err := os.CopyFS(host, os.DirFS(filepath.Join("../../testdata/foreign", name))); err != nil {
		t.Fatal(err)
	}
	buildBinaryModule(t, host)
	dir := filepath.Join("/tmp", filepath.Base(host))
	callback := "json"
	if root != "" && program[0] == "ansible-playbook" {
		callback = "ansible.posix.json"
	}
	words := append(slices.Clone(program), "-i", "hosts", "site.yml")
	if root != "" {
		words = append([]string{"chroot", root, "env", "-C", dir}, words...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = host
	cmd.Env = append(append(os.Environ(), "ANSIBLE_STDOUT_CALLBACK="+callback, "ANSIBLE_HOME="+filepath.Join(dir, ".ansible"),
		"XDG_CACHE_HOME="+filepath.Join(dir, ".cache"), "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3", "LANG=C.UTF-8", "LC_ALL=C.UTF-8"), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if _, isExit := err.(*exec.ExitError); !isExit {
			t.Fatal(err)
		}
	}
	return taskResults(t, stdout.Bytes(), dir, stderr.String())
}

// buildBinaryModule makes the case's module that is a program.
func buildBinaryModule(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "binary", "main.go")); err != nil {
		return
	}
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "library", "binary"), "main.go")
	cmd.Dir = filepath.Join(dir, "binary")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// volatile are keys that differ from run to run, and those that the callback
// or the release adds for itself.
var volatile = map[string]bool{
	"exception": true, "ansible_job_id": true, "results_file": true, "_ansible_no_log": true, "_ansible_verbose_always": true,
	"_ansible_delegated_vars": true, "invocation": true, "started": true, "finished": true, "stdout_lines": true, "stderr_lines": true,
}

var helperOwn = regexp.MustCompile(`AnsiballZ_\w+\.py`)

// taskResults makes of the json callback's output a line a task and host.
func taskResults(t *testing.T, out []byte, dir, stderr string) []byte {
	t.Helper()
	var run struct {
		Plays []struct {
			Tasks []struct {
				Task struct {
					Name string `json:"name"`
				} `json:"task"`
				Hosts map[string]map[string]any `json:"hosts"`
			} `json:"tasks"`
		} `json:"plays"`
	}
	// Ansible's own warnings may stand before it.
	if i := bytes.Index(out, []byte("{\n")); i > 0 {
		out = out[i:]
	}
	if err := json.Unmarshal(out, &run); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, stderr)
	}
	var b bytes.Buffer
	for _, p := range run.Plays {
		for _, task := range p.Tasks {
			for host, res := range task.Hosts {
				for k := range volatile {
					delete(res, k)
				}
				if res["stdout"] == "" && res["rc"] == nil {
					delete(res, "stdout") // that async_status has no output is no result of the module
					delete(res, "stderr")
				}
				items, _ := res["results"].([]any) // which of these an item shows is the json callback's to choose
				for _, item := range items {
					if item, ok := item.(map[string]any); ok {
						maps.DeleteFunc(item, func(k string, _ any) bool { return strings.HasPrefix(k, "_ansible_") || k == "skipped" })
					}
				}
				line, err := json.MarshalIndent(res, "", " ")
				if err != nil {
					t.Fatal(err)
				}
				text := helperOwn.ReplaceAllString(strings.ReplaceAll(string(line), dir, "$WORK"), "MODULE")
				fmt.Fprintf(&b, "%s on %s: %s\n", task.Task.Name, host, text)
			}
		}
	}
	return b.Bytes()
}

// keepAnswer writes an answer.
func keepAnswer(t *testing.T, file string, answer []byte) {
	t.Helper()
	if err := os.WriteFile(file, answer, 0o644); err != nil {
		t.Fatal(err)
	}
}

func compareAnswer(t *testing.T, file string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("the results differ from Ansible's:\n%s", lineDiff(string(want), string(got)))
	}
}
