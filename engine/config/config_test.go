package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// env gives a Getenv over a map.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const sample = `# a comment
; another
[defaults]
forks = 20 ; inline
inventory = hosts,other/inv , ~/x
roles_path = roles:/abs:~/r
Host_Key_Checking: False
remote_user = "deploy"
stdout_callback = 'yaml'
callbacks_enabled = timer,
   profile_tasks , junit
gathering = smart
nope = 1
log_path = log/$LOGNAME.log
library = ./library
private_key_file = ~/.ssh/id # not a comment
[privilege_escalation]
become = yes
become_ask_pass = FALSE
[ssh_connection]
ssh_args = -o A=b -o C=d
pipelining = True
retries = 3
[tags]
run = a, b
[gorun]
compat = 2.14
`

// TestValues expects what ansible-config dump --only-changed 2.14.18 told of
// the same file, and what its plugins would make of theirs.
func TestValues(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ansible.cfg")
	write(t, file, sample)
	c, err := Load(Options{Dir: dir, Home: "/home/x", Getenv: env(map[string]string{"ANSIBLE_FORKS": "7", "LOGNAME": "me"})})
	if err != nil {
		t.Fatal(err)
	}
	if c.File != file {
		t.Errorf("read %q", c.File)
	}
	for name, want := range map[string]string{
		"CALLBACKS_ENABLED": "[timer profile_tasks junit] file", "DEFAULT_BECOME": "true file", "DEFAULT_BECOME_ASK_PASS": "false file",
		"DEFAULT_FORKS": "7 env: ANSIBLE_FORKS", "DEFAULT_GATHERING": "smart file",
		"DEFAULT_HOST_LIST":        "[" + dir + "/hosts " + dir + "/other/inv /home/x/x] file",
		"DEFAULT_LOG_PATH":         dir + "/log/me.log file",
		"DEFAULT_MODULE_PATH":      "[" + dir + "/library] file",
		"DEFAULT_PRIVATE_KEY_FILE": "/home/x/.ssh/id # not a comment file", "DEFAULT_REMOTE_USER": "deploy file",
		"DEFAULT_ROLES_PATH": "[" + dir + "/roles /abs /home/x/r] file", "DEFAULT_STDOUT_CALLBACK": "yaml file", "HOST_KEY_CHECKING": "false file",
		"TAGS_RUN": "[a b] file", "SSH_ARGS": "-o A=b -o C=d file", "SSH_RETRIES": "3 file", "GORUN_COMPAT": "2.14 file", "CONFIG_FILE": file + " default",
		"DEFAULT_TIMEOUT": "10 default", "COLLECTIONS_PATHS": "[/home/x/.ansible/collections /usr/share/ansible/collections] default",
		"DEFAULT_VAULT_IDENTITY_LIST": "[] default", "DEFAULT_REMOTE_PORT": "<nil> default", "DEFAULT_LOCAL_TMP": "/home/x/.ansible/tmp default",
	} {
		s, ok := c.Get(name)
		got := strings.ReplaceAll(fmt.Sprint(s.Value, " ", s.Origin), " "+file, " file")
		if name == "CONFIG_FILE" {
			got = fmt.Sprint(s.Value, " ", s.Origin)
		}
		if !ok || got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if got := c.Unknown(); len(got) != 1 || got[0] != file+":13: [defaults] nope" {
		t.Errorf("unknown: %q", got)
	}
}

func TestWhereTheFileIsFound(t *testing.T) {
	root := t.TempDir()
	here, home, other := filepath.Join(root, "here"), filepath.Join(root, "home"), filepath.Join(root, "other")
	mk := func(path, user string) { write(t, path, "[defaults]\nremote_user = "+user+"\n") }
	mk(filepath.Join(here, "ansible.cfg"), "here")
	mk(filepath.Join(home, ".ansible.cfg"), "home")
	mk(filepath.Join(other, "ansible.cfg"), "folder")
	mk(filepath.Join(other, "x.cfg"), "x")
	for _, c := range []struct {
		dir, env, want string
	}{
		{here, "", "here"},
		{other + "/..", "", "home"},
		{here, other, "folder"},
		{here, "../other/x.cfg", "x"},
		{here, filepath.Join(root, "nonesuch.cfg"), "here"},
	} {
		vars := map[string]string{}
		if c.env != "" {
			vars["ANSIBLE_CONFIG"] = c.env
		}
		cfg, err := Load(Options{Dir: c.dir, Home: home, Getenv: env(vars)})
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.Str("DEFAULT_REMOTE_USER"); got != c.want {
			t.Errorf("in %s with ANSIBLE_CONFIG=%q: %s, want %s", c.dir, c.env, got, c.want)
		}
	}
	if err := os.Chmod(here, 0o777); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(Options{Dir: here, Home: home, Getenv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	want := "Ansible is being run in a world writable directory (" + here + "), ignoring it as an ansible.cfg source."
	if cfg.Str("DEFAULT_REMOTE_USER") != "home" || len(cfg.Warnings) != 1 || cfg.Warnings[0] != want {
		t.Errorf("a folder that everybody can write: user %s, warnings %q", cfg.Str("DEFAULT_REMOTE_USER"), cfg.Warnings)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[defaults]\nforks = many\n", `f:2: Invalid type for configuration option setting: DEFAULT_FORKS (from f): "many" is no integer`},
		{"[defaults]\ntimeout =\n", `f:2: Invalid type for configuration option setting: DEFAULT_TIMEOUT (from f): "" is no integer`},
		{"[defaults]\ngathering = foo\n", `f:2: Invalid value "foo" for configuration option "setting: DEFAULT_GATHERING ", valid values are: explicit, implicit, smart`},
		{"forks = 5\n", "f:1: File contains no section headers: 'forks = 5' stands before the first [section]"},
		{"[defaults\nforks = 5\n", "f:1: File contains no section headers: '[defaults' has no closing bracket"},
		{"[defaults]\nforks 5\n", "f:2: 'forks 5' is no 'key = value'"},
		{"[defaults]\nforks = 5\nforks = 6\n", "f:3: option 'forks' in section 'defaults' already exists"},
		{"[defaults]\n[defaults]\n", "f:2: section 'defaults' already exists"},
		{"[defaults]\nforks = a\npoll_interval = b\n", "f:2: Invalid type for configuration option setting: DEFAULT_FORKS (from f): \"a\" is no integer\nf:3: Invalid type for configuration option setting: DEFAULT_POLL_INTERVAL (from f): \"b\" is no integer"},
	} {
		file := filepath.Join(t.TempDir(), "ansible.cfg")
		write(t, file, c.text)
		_, err := Load(Options{Dir: "/", Home: "/nonesuch", File: file, Getenv: env(nil)})
		if err == nil {
			t.Errorf("%q: no error", c.text)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), file, "f"); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	_, err := Load(Options{Dir: "/", Home: "/nonesuch", File: os.DevNull, Getenv: env(map[string]string{"ANSIBLE_FORKS": "x"})})
	var e *Error
	if !errors.As(err, &e) || e.Error() != `Invalid type for configuration option setting: DEFAULT_FORKS (from env: ANSIBLE_FORKS): "x" is no integer` {
		t.Errorf("got %v", err)
	}
	if _, err := Load(Options{File: "/nonesuch/ansible.cfg"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestTable checks that the table is sound: names and keys once, defaults that
// can be read.
func TestTable(t *testing.T) {
	seen := map[string]string{}
	for _, s := range table {
		keys := []string{"setting " + s.name}
		for _, name := range s.env {
			keys = append(keys, "env "+name)
		}
		for _, k := range append(keys, s.ini...) {
			if other := seen[k]; other != "" {
				t.Errorf("%s belongs to %s and to %s", k, other, s.name)
			}
			seen[k] = s.name
		}
		for _, k := range s.ini {
			if !strings.Contains(k, ".") || k != strings.ToLower(k) {
				t.Errorf("%s: the key %q is not section.key in lower case", s.name, k)
			}
		}
	}
	c, err := Load(Options{Dir: "/", Home: "/h", File: os.DevNull, Getenv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if all := c.All(); len(all) != len(table) {
		t.Errorf("%d settings of %d", len(all), len(table))
	}
}

func FuzzINI(f *testing.F) {
	f.Add(sample)
	f.Add("[a]\nb\n")
	f.Add("[a]\nb = c\n  d\n\n[e]\n")
	f.Add("\ufeff[x]\ny:z;w ;q\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parseINI("f", text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line == 0 {
				t.Fatalf("%T without a line: %v", err, err)
			}
			return
		}
		for k := range file.keys {
			if !strings.Contains(k, ".") {
				t.Fatalf("a key without a section: %q", k)
			}
		}
	})
}

func TestDescribe(t *testing.T) {
	for _, d := range Describe() {
		if d.Type == "" || d.Honoured && d.Harmless {
			t.Errorf("%+v", d)
		}
	}
}

// TestNotHonouredDefault: a setting without an effect that is set to its
// default is nothing to speak of.
func TestNotHonouredDefault(t *testing.T) {
	for value, want := range map[string]int{"False": 0, "True": 1} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ansible.cfg"), []byte("[paramiko_connection]\nhost_key_auto_add = "+value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Options{Dir: dir, Home: dir, Getenv: func(string) (string, bool) { return "", false }})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(c.NotHonoured()); got != want {
			t.Errorf("host_key_auto_add = %s: %d told of, want %d", value, got, want)
		}
	}
}

// TestColours: beside the names, colours of a terminal with 256 are taken.
func TestColours(t *testing.T) {
	for text, ok := range map[string]bool{"bright blue": true, "rgb255": true, "color208": true, "gray10": true, "rgb259": false, "colour": false, "rgb2555": false} {
		file := filepath.Join(t.TempDir(), "ansible.cfg")
		write(t, file, "[colors]\nok = "+text+"\n")
		cfg, err := Load(Options{Dir: "/", Home: "/nonesuch", File: file, Getenv: env(nil)})
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		} else if ok && cfg.Str("COLOR_OK") != text {
			t.Errorf("%s is read as %s", text, cfg.Str("COLOR_OK"))
		}
	}
}

// TestSSHOptions has a setting for each variable of the environment and each
// key of the file that the connection ssh of either generation knows.
func TestSSHOptions(t *testing.T) {
	data, err := os.ReadFile("testdata/ssh-options.json")
	if err != nil {
		t.Fatal(err)
	}
	var eras map[string]map[string]struct{ Env, INI []string }
	if err := json.Unmarshal(data, &eras); err != nil || len(eras) != 2 {
		t.Fatalf("%d generations, %v", len(eras), err)
	}
	known := map[string]bool{}
	for _, s := range table {
		for _, name := range append(slices.Clone(s.env), s.ini...) {
			known[name] = true
		}
	}
	for era, options := range eras {
		for option, o := range options {
			for _, name := range append(slices.Clone(o.Env), o.INI...) {
				if !known[name] {
					t.Errorf("%s: %s: no setting reads %s", era, option, name)
				}
			}
		}
	}
}

// TestLast has the environment count before the file, and of several the last.
func TestLast(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ansible.cfg")
	write(t, file, "[defaults]\ntimeout = 1\n[ssh_connection]\ntimeout = 2\n")
	for _, tt := range []struct {
		env  map[string]string
		want int
	}{
		{nil, 2}, {map[string]string{"ANSIBLE_TIMEOUT": "3"}, 3}, {map[string]string{"ANSIBLE_TIMEOUT": "3", "ANSIBLE_SSH_TIMEOUT": "4"}, 4},
	} {
		c, err := Load(Options{Dir: dir, Getenv: env(tt.env)})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Last("DEFAULT_TIMEOUT", "SSH_TIMEOUT").Value; got != tt.want {
			t.Errorf("%v: %v, want %d", tt.env, got, tt.want)
		}
	}
}
