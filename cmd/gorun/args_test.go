package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorun/internal/needs"
)

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ in, want, err string }{
		{"site.yml -i hosts", "-i=hosts -- site.yml", ""},
		{"-ihosts site.yml -vvvb", "-i=hosts -v -v -v -b -- site.yml", ""},
		{"--inventory=a --inventory-f b x", "--inventory=a --inventory-file=b -- x", ""},
		{"--lim web x", "--limit=web -- x", ""},
		{"-e a=b -- -x", "-e=a=b -- -x", ""},
		{"--list", "", "ambiguous option: --list could match --list-hosts, --list-tasks, --list-tags"},
		{"--limti web", "", "unrecognized arguments: --limti (did you mean --limit?)"},
		{"-i", "", "argument -i/--inventory/--inventory-file: expected one argument"},
		{"--tags", "", "argument -t/--tags: expected one argument"},
		{"-vX", "", "unrecognized arguments: -X"},
	} {
		got, err := normalize(strings.Fields(c.in), playbookFlags())
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if msg != c.err || strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, error %q; want %q, error %q", c.in, strings.Join(got, " "), msg, c.want, c.err)
		}
	}
}

// gorunIn runs the program's main in this process, in folder dir.
func gorunIn(t *testing.T, dir string, args ...string) (out, errOut string, code int) {
	t.Helper()
	t.Chdir(dir)
	var o, e bytes.Buffer
	code = run(context.Background(), append([]string{"gorun"}, args...), &o, &e)
	return o.String(), e.String(), code
}

func TestVaultCommand(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"pw": "pw\n", "pw2": "other\n", "f": "secret: 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args, out, errOut string
		code              int
	}{
		{"vault encrypt --vault-id me@pw f", "", "", 0},
		{"vault view --vault-id me@pw f", "secret: 1\n", "", 0},
		{"vault rekey --vault-id me@pw --new-vault-id two@pw2 f", "", "Rekey successful\n", 0},
		{"vault view --vault-password-file pw2 f", "secret: 1\n", "", 0},
		{"vault decrypt --vault-password-file pw2 --output - f", "secret: 1\n", "", 0},
		{"vault nosuch --vault-password-file pw", "", "usage: gorun vault [options] create|edit|view|encrypt|decrypt|rekey|encrypt_string [FILE...]\ngorun vault: error: argument action: invalid choice: 'nosuch' (choose from 'create', 'decrypt', 'edit', 'view', 'encrypt', 'encrypt_string', 'rekey')\ngorun vault --help lists the options\n", 2},
	} {
		out, errOut, code := gorunIn(t, dir, strings.Fields(c.args)...)
		if out != c.out || errOut != c.errOut || code != c.code {
			t.Errorf("%s: %q, %q, %d; want %q, %q, %d", c.args, out, errOut, code, c.out, c.errOut, c.code)
		}
	}
	ansible, err := exec.LookPath("ansible-vault")
	if err != nil {
		if needs.Required("ansible") {
			t.Fatal(err)
		}
		t.Skip("ansible-vault is not installed")
	}
	cmd := exec.Command(ansible, "view", "--vault-id", "two@pw2", "f")
	cmd.Dir = dir
	if got, err := cmd.Output(); err != nil || string(got) != "secret: 1\n" {
		t.Errorf("ansible-vault view: %q, %v", got, err)
	}
}

func TestCompletionNamesEveryCommand(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out, errOut, code := gorunIn(t, t.TempDir(), "completion", shell)
		if code != 0 || errOut != "" {
			t.Fatalf("%s: %d %s", shell, code, errOut)
		}
		for _, c := range commands() {
			if !strings.Contains(out, c.name) {
				t.Errorf("%s: no %s", shell, c.name)
			}
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	out, _, _ := gorunIn(t, t.TempDir(), "completion", "bash")
	cmd := exec.Command(bash, "-c", out+"\nCOMP_WORDS=(gorun --start); COMP_CWORD=1; _gorun; echo ${COMPREPLY[@]}")
	if got, err := cmd.CombinedOutput(); err != nil || string(got) != "--start-at-task\n" {
		t.Errorf("bash completes --start to %q, %v", got, err)
	}
}

func TestVersion(t *testing.T) {
	out, _, code := gorunIn(t, t.TempDir(), "--version")
	if code != 0 || !strings.HasPrefix(out, "gorun ") || !strings.Contains(out, "\n  config file = ") {
		t.Errorf("%d: %s", code, out)
	}
}
