package playbook

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/templates"
)

// memory reads files out of a map.
func memory(files map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if s, ok := files[path]; ok {
			return []byte(s), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
}

func TestLoadVarsFile(t *testing.T) {
	l := NewLoader(Options{
		ReadFile: memory(map[string]string{
			"a.yml": "a: 1\nb: \"{{ a }}\"\nc: {d: [x, '{{ y }}']}\n", "b.json": `{"a": [1, "x"]}`, "empty.yml": "# nothing\n",
			"list.yml": "- {a: 1}\n- {a: 2, b: 3}\n", "bad.yml": "- a\n", "broken.yml": "a: b: c\n", "v.yml": "s: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3030\n",
		}),
		DecryptInline: func(text string, _ Pos) (string, error) {
			if !strings.HasPrefix(text, "$ANSIBLE_VAULT;1.1;AES256\n") {
				return "", errors.New("not a vault: " + text)
			}
			return "{{ secret }}", nil
		},
	})
	for file, want := range map[string]string{
		"a.yml": "{a: 1, b: <{{ a }}>, c: {d: [\"x\", <{{ y }}>]}}", "b.json": `{a: [1, "x"]}`, "empty.yml": "{}", "list.yml": "{a: 2, b: 3}",
		"v.yml": `{s: "{{ secret }}"}`,
	} {
		d, err := l.LoadVarsFile(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := val(d); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	for file, want := range map[string]string{
		"bad.yml":    "bad.yml:1:1: variable files must contain either a dictionary of variables, or a list of dictionaries. Got: ['a'] (<class 'list'>)",
		"broken.yml": "broken.yml:1:5: mapping values are not allowed in this context",
		"none.yml":   "none.yml: Could not find or access 'none.yml' on the Ansible Controller.",
	} {
		if _, err := l.LoadVarsFile(file); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}

// TestLoadTasksSeesNewContent includes a file that a task rewrote.
func TestLoadTasksSeesNewContent(t *testing.T) {
	files := map[string]string{"t.yml": "- debug: msg=one\n"}
	l := NewLoader(Options{ReadFile: memory(files)})
	play := &Play{File: "site.yml"}
	parent := &Block{Implicit: true, Play: play, When: []Value{{V: templates.Str("w")}}}
	for _, want := range []string{"one", "two"} {
		items, err := l.LoadTasks("t.yml", parent, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		task := items[0].(*Task)
		msg, _ := task.Args.GetStr("msg")
		if show(msg) != want || task.Play != play || !task.IsHandler || len(task.AllWhen()) != 1 {
			t.Errorf("msg %v, play %v, handler %v, when %v", msg, task.Play, task.IsHandler, task.AllWhen())
		}
		files["t.yml"] = "- debug: msg=two\n"
	}
}

func TestLoadRole(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"roles/r/tasks/other.yml": "- include_tasks: more.yml\n", "roles/r/tasks/more.yml": "- debug:\n", "roles/r/vars/x.yml": "v: 1\n",
		"roles/r/defaults/main.yml": "d: 1\n", "roles/r/handlers/h.yml": "- {name: h, debug: }\n", "roles/r/meta/main.yml": "dependencies: [dep]\n",
		"roles/dep/tasks/main.yml": "- debug:\n",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := NewLoader(Options{})
	play := &Play{File: filepath.Join(dir, "site.yml")}
	yes := true
	use, err := l.LoadRole(RoleRequest{Name: "r", TasksFrom: "other", VarsFrom: "x.yml", HandlersFrom: "h", Play: play, FromFile: play.File, AllowDuplicates: &yes})
	if err != nil {
		t.Fatal(err)
	}
	r := use.Role
	if !r.AllowDuplicates || r.Entry != "other" || val(r.Vars) != "{v: 1}" || val(r.Defaults) != "{d: 1}" || len(use.Order()) != 2 || len(use.Handlers) != 1 {
		t.Errorf("role %+v, order %d, handlers %d", r, len(use.Order()), len(use.Handlers))
	}
	var inner *Task
	Walk(use.Tasks, func(task *Task) { inner = task })
	path, err := l.FindTaskFile("more.yml", inner)
	if err != nil || path != filepath.Join(r.Path, "tasks", "more.yml") {
		t.Errorf("more.yml is %q, %v", path, err)
	}
	if _, err := l.FindTaskFile("none.yml", inner); err == nil || !strings.HasPrefix(err.(*Error).Msg, "Could not find or access '") {
		t.Errorf("none.yml: %v", err)
	}
	if _, err := l.LoadRole(RoleRequest{Name: "r", TasksFrom: "nope", Play: play, FromFile: play.File}); err == nil ||
		!strings.HasSuffix(err.Error(), "Could not find specified file in role: tasks/nope") {
		t.Errorf("tasks_from nope: %v", err)
	}
}

func TestInheritance(t *testing.T) {
	get := func(b *Base) Value { return b.BecomeUser }
	play := &Play{Base: Base{BecomeUser: Value{V: templates.Str("p")}, Tags: []Value{{V: templates.Str("pt")}}}}
	outer := &Block{Play: play, Notify: []Value{{V: templates.Str("h")}}, DelegateTo: Value{V: templates.Str("x")}}
	inner := &Block{Play: play, Parent: outer, Base: Base{BecomeUser: Value{V: templates.Str("b")}}}
	for _, c := range []struct {
		task *Task
		want string
	}{
		{&Task{Play: play, Parent: inner, Base: Base{BecomeUser: Value{V: templates.Str("t")}}}, `"t"`},
		{&Task{Play: play, Parent: inner}, `"b"`},
		{&Task{Play: play, Parent: outer}, `"p"`},
		{&Task{Play: play}, `"p"`},
		{&Task{}, "-"},
	} {
		if got := val(c.task.Inherit(get).V); got != c.want {
			t.Errorf("become_user %s, want %s", got, c.want)
		}
	}
	task := &Task{Play: play, Parent: inner, Notify: []Value{{V: templates.Str("own")}}}
	if got := vals(task.AllNotify()); got != `["own"]` {
		t.Errorf("notify %s: a task's own hides that of blocks", got)
	}
	task.Notify = nil
	if got := vals(task.AllNotify()); got != `["h"]` {
		t.Errorf("notify %s", got)
	}
	if got := val(task.EffectiveDelegateTo().V); got != `"x"` {
		t.Errorf("delegate_to %s", got)
	}
}

func TestDeprecationsAreToldOnce(t *testing.T) {
	var told []string
	o := Options{Deprecate: func(m string) { told = append(told, m) }, Era: templates.Current}
	o.ReadFile = memory(map[string]string{"site.yml": "- hosts: all\n  sudo: yes\n- hosts: all\n  sudo: yes\n"})
	pb, err := NewLoader(o).Load("site.yml")
	if err != nil {
		t.Fatal(err)
	}
	if val(pb.Plays[1].Become.V) != "true" || val(pb.Plays[1].BecomeMethod.V) != `"sudo"` {
		t.Errorf("become %v by %v", pb.Plays[1].Become, pb.Plays[1].BecomeMethod)
	}
	if len(told) != 1 || told[0] != "'sudo' is called 'become' today (first at site.yml:2)" {
		t.Errorf("told %q", told)
	}
}
