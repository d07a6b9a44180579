package main

// This file tests the commands that only gorun has, or that need a script of
// lines: console, man, doc -t, config, vars -p.

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// command runs gorun with lines on its standard input.
func runCommand(t *testing.T, stdin string, args ...string) (out, errOut string, code int) {
	t.Helper()
	if stdin != "" {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.WriteString(stdin)
		f.Seek(0, 0)
		old := os.Stdin
		os.Stdin = f
		defer func() { os.Stdin = old }()
	}
	var o, e bytes.Buffer
	code = run(t.Context(), append([]string{"gorun"}, args...), &o, &e)
	return o.String(), e.String(), code
}

// inFolder changes to a new folder with these files, away from every configuration.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	t.Setenv("ANSIBLE_CONFIG", "")
	for name, text := range files {
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			if err := os.MkdirAll(name[:i], 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConsole(t *testing.T) {
	inFolder(t, map[string]string{"hosts": "[web]\nw1\nw2\n[all:vars]\nansible_connection=local\n"})
	out, errOut, code := runCommand(t, "cd web\nlist\nlist groups\n! echo $((40 + 2))\ncd w1\ncheck yes\nforks 0\npign\ncd nobody\nexit\nlist\n", "console", "-i", "hosts", "-u", "me")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	for _, want := range []string{
		"me@all (2)[f:5]$ me@web (2)[f:5]$ w1\nw2\n", "all\nungrouped\nweb\n",
		"w1 | CHANGED | rc=0 >>\n42\n", "me@w1 (1)[f:5]$ ", "forks must be greater than or equal to 1\n", "w1 | SKIPPED", "no host matched\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Count(out, "w2\n") != 1 {
		t.Errorf("a line behind exit was read:\n%s", out)
	}
}

func TestVaultMistakes(t *testing.T) {
	inFolder(t, map[string]string{"pw": "one\n", "pw2": "two\n", "a.yml": "x: 1\n"})
	if _, errOut, code := runCommand(t, "", "vault", "encrypt", "--vault-password-file", "pw", "a.yml"); code != 0 {
		t.Fatal(errOut)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"vault veiw a.yml", 2, "did you mean 'view'?"},
		{"vault view --vault-password-file pw2 a.yml", 1, "Decryption failed (no vault secrets were found that could decrypt)"},
		{"vault view --vault-password-file pw none.yml", 1, "none.yml): [Errno 2] No such file or directory: "},
		{"vault encrypt --vault-password-file pw a.yml", 1, "input is already encrypted"},
		{"vault encrypt --vault-id a@pw --vault-id b@pw2 pw", 5, "The vault-ids a,b are available to encrypt"},
		{"vault encrypt --vault-id a@pw --encrypt-vault-id c pw", 1, "Did not find a match for --encrypt-vault-id=c in the known vault-ids ['a']"},
		{"vault view --vault-password-file nope a.yml", 1, "/nope was not found"},
		{"vault view --vault-password-file pw a.yml", 0, "x: 1"},
	} {
		out, errOut, code := runCommand(t, "", strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%s: %d, no %q in\n%s%s", c.args, code, c.want, out, errOut)
		}
	}
}

// TestAdhocMistakes: what ansible 2.14.18 and 2.22 answer.
func TestAdhocMistakes(t *testing.T) {
	inFolder(t, map[string]string{"hosts": "h1 ansible_connection=local\n", "empty": ""})
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"adhoc all -i hosts", 5, "No argument passed to command module"},
		{"adhoc site.yml -i hosts -m shell", 5, "(did you mean to run ansible-playbook?)"},
		{"adhoc nobody -i hosts -m ping", 0, "No hosts matched, nothing to do"},
		{"adhoc all -i hosts -m ping --limit nobody", 1, "leaves us with no hosts to target"},
		{"adhoc all -i empty --list-hosts", 0, "provided hosts list is empty, only localhost is available."},
		{"adhoc localhost -i hosts --limit h1 --list-hosts", 0, "hosts (1):\n    localhost\n"},
		{"adhoc all[7] -i hosts --list-hosts", 0, "hosts (0):"},
	} {
		out, errOut, code := runCommand(t, "", strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+strings.ReplaceAll(errOut, "\n", " "), c.want) {
			t.Errorf("%s: %d, no %q in\n%s%s", c.args, code, c.want, out, errOut)
		}
	}
}

func TestMan(t *testing.T) {
	for _, cmd := range commands() {
		out, errOut, code := runCommand(t, "", "man", cmd.name)
		if code != 0 {
			t.Errorf("%s: %s", cmd.name, errOut)
		}
		for _, f := range cmd.flags() {
			if word := roff("--" + f.Names()[0]); !strings.Contains(out, word) {
				t.Errorf("the page of %s lacks %s", cmd.name, word)
			}
		}
		groff, err := exec.LookPath("groff")
		if err != nil {
			continue // the pages are checked where groff is
		}
		check := exec.Command(groff, "-man", "-ww", "-z")
		check.Stdin = strings.NewReader(out)
		if msg, err := check.CombinedOutput(); err != nil || len(msg) > 0 {
			t.Errorf("%s: %v %s", cmd.name, err, msg)
		}
	}
	if _, errOut, code := runCommand(t, "", "man", "valut"); code != exitUsage || !strings.Contains(errOut, "did you mean vault?") {
		t.Errorf("%d, %s", code, errOut)
	}
}

func TestDocTypes(t *testing.T) {
	for kind, word := range map[string]string{
		"keyword": "when ", "filter": "combine", "test": "version", "lookup": "first_found", "callback": "profile_tasks", "connection": "ssh",
		"become": "sudo", "inventory": "openstack.cloud.openstack", "strategy": "host_pinned", "vars": "host_group_vars", "cache": "jsonfile",
	} {
		if out, errOut, code := runCommand(t, "", "doc", "-t", kind, "-l"); code != 0 || !strings.Contains(out, word) {
			t.Errorf("%s: no %s in %s%s", kind, word, out, errOut)
		}
	}
	for _, e := range keywordEntries() {
		if e.Doc == "" {
			t.Errorf("the keyword %s has no description", e.Name)
		}
	}
	if _, errOut, code := runCommand(t, "", "doc", "-t", "filtre", "-l"); code != exitUsage || !strings.Contains(errOut, "did you mean filter?") {
		t.Errorf("%d, %s", code, errOut)
	}
}

func TestVarsOfPlaybook(t *testing.T) {
	inFolder(t, map[string]string{
		"hosts":                     "h1 x=inv ansible_connection=local\n",
		"group_vars/all.yml":        "x: gv\n",
		"host_vars/h1.yml":          "x: hv\n",
		"roles/r/defaults/main.yml": "x: rd\n",
		"roles/r/tasks/main.yml":    "- debug: var=x\n  vars: {x: tv}\n",
		"vf.yml":                    "x: vf\n",
		"iv.yml":                    "x: iv\n",
		"site.yml": `- name: one
  hosts: all
  gather_facts: no
  vars:
    x: play
  vars_files: [vf.yml]
  roles:
  - {role: r, x: rp}
  tasks:
  - include_vars: iv.yml
  - set_fact: {x: sf}
  - command: echo
    register: x
`,
	})
	out, errOut, code := runCommand(t, "", "vars", "-i", "hosts", "-p", "site.yml", "h1", "x")
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := `PLAY one (site.yml:1)
x = "vf"
    from vars_files, vf.yml
    hides play vars, site.yml:5
    hides playbook host_vars, DIR/host_vars/h1.yml
    hides inventory host_vars, DIR/host_vars/h1.yml
    hides inventory host vars, DIR/hosts
    hides playbook group_vars/all, DIR/group_vars/all.yml
    hides inventory group_vars/all, DIR/group_vars/all.yml
    hides role defaults, roles/r/defaults/main.yml
    then role params, site.yml:8 (role r) = "rp"
    then set_fact and register, site.yml:11 (set_fact) = "sf"
    then set_fact and register, site.yml:13 (command) = "(result of the task)"
    then include_vars, iv.yml:1 (include_vars) = "iv"
    then task vars, roles/r/tasks/main.yml:2 (debug) = "tv"
`
	if got := strings.ReplaceAll(out, dir, "DIR"); code != 0 || got != want {
		t.Errorf("got %d, %s\n%s\nwant\n%s", code, errOut, got, want)
	}
	if _, errOut, code := runCommand(t, "", "vars", "-i", "hosts", "-p", "site.yml", "h2"); code != exitError || !strings.Contains(errOut, "h2") {
		t.Errorf("%d, %s", code, errOut)
	}
}

func TestConfigCommand(t *testing.T) {
	inFolder(t, map[string]string{"ansible.cfg": "[defaults]\nforks = 7\nnope = 1\n"})
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"config dump --only-changed", 0, "DEFAULT_FORKS("},
		{"config dump --only-changed --format json", 0, `"value": 7`},
		{"config list", 0, "DEFAULT_FORKS:\n  default: \"5\"\n"},
		{"config init --disabled", 0, ";forks=5\n"},
		{"config view", 0, "nope = 1"},
		{"config validate", 1, "[defaults] nope is no setting"},
		{"config lst", 2, "did you mean 'list'?"},
	} {
		out, errOut, code := runCommand(t, "", strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%s: %d, no %q in\n%s%s", c.args, code, c.want, out, errOut)
		}
	}
}
