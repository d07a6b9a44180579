package foreign

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorun/internal/needs"
)

func shown(list []imported) []string {
	var out []string
	for _, im := range list {
		s := strings.Repeat(".", im.Level) + im.Module
		if im.Name != "" {
			s += ":" + im.Name
		}
		if im.Nested {
			s += "?"
		}
		out = append(out, s)
	}
	return out
}

func TestImports(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"import a.b as c, d\n", "a.b d"},
		{"from a.b import (c as d,\n  e,  # with a comment, import x\n)\n", "a.b:c a.b:e"},
		{"from . import x\nfrom ..y.z import *\nfrom ... import w\n", ".:x ..y.z:* ...:w"},
		{"try:\n    import a\nexcept ImportError: import b\n", "a? b?"},
		{"if x: from a import b; import c\n", "a:b? c?"},
		{"import a; import b\n", "a b"},
		{"from a \\\n  import b\n", "a:b"},
		{"'''import a\nfrom b import c\n'''\nx = \"import d\"\nr'\\'; import e'\n", ""},
		{"x = '''\\'''\nimport a\n'''\nimport b\n", "b"},
		{"f = f'{x}'\nb\"\"\"\nimport z\"\"\"\nimport q\n", "q"},
		{"\ufeffimport a\r\nimport b\r\n", "a b"},
		{"important = 1\nimported(from_x)\nx.import_y = 2\nyield_from = 3\n", ""},
		{"def f(a,\n      b):\n  from c import d\n", "c:d?"},
		{"x = {'a': 1}\nlambda: 0\nimport a", "a"},
		{"class A: pass\nimport a", "a"},
		{"from __future__ import absolute_import\n", "__future__:absolute_import"},
		{"", ""},
		{"import", ""},
		{"from a import", ""},
		{"'not closed\nimport a", "a"},
	} {
		if got := strings.Join(shown(imports(c.src)), " "); got != c.want {
			t.Errorf("%q: got %q, want %q", c.src, got, c.want)
		}
	}
}

// askPython tells the imports of files by Python's own parser, in the words of shown.
const askPython = `
import ast, json, sys
out = {}
for path in json.load(sys.stdin):
    tree = ast.parse(open(path, 'rb').read())
    found = []
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        mark = '' if id(node) in top else '?'
        if isinstance(node, ast.Import):
            found += [a.name + mark for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += ['.' * node.level + (node.module or '') + ':' + a.name + mark for a in node.names]
    out[path] = sorted(found)
json.dump(out, sys.stdout)
`

// TestImportsAsPython compares with Python's parser on the files of the
// Ansible that is installed.
func TestImportsAsPython(t *testing.T) {
	in := FindInstall("")
	needs.Have(t, "ansible", in != nil, "no Ansible is installed")
	var files []string
	for _, g := range []string{"ansible/module_utils/*.py", "ansible/module_utils/*/*.py", "ansible/modules/*.py",
		"ansible_collections/community/general/plugins/module_utils/*.py", "ansible_collections/community/general/plugins/modules/*.py"} {
		found, err := filepath.Glob(filepath.Join(in.Site, g))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	list, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(in.Python, "-c", askPython)
	cmd.Stdin = bytes.NewReader(list)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", in.Python, err)
	}
	var want map[string][]string
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got := shown(imports(string(data)))
		slices.Sort(got)
		if !slices.Equal(got, want[f]) {
			t.Errorf("%s:\n got %q\nwant %q", f, got, want[f])
		}
	}
	t.Logf("%d files", len(files))
}

func TestStyles(t *testing.T) {
	for _, c := range []struct {
		data string
		want Style
	}{
		{"#!/bin/sh\necho", OldStyle},
		{"#!/bin/sh\n# WANT_JSON\n", WantJSON},
		{"\x7fELF\x02\x01\x00", Binary},
		{"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n", Python},
		{"from ansible.module_utils import basic\n", Python},
		{"import ansible.module_utils.basic\n", Python},
		{"from ..module_utils.x import y\n", Python},
		{"from ansible_collections.a.b.plugins.module_utils.c import d\n", Python},
		{"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>\n", Python},
		{"x = '''<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'''\n", JSONArgs},
		{"#AnsibleRequires -CSharpUtil Ansible.Basic\n", PowerShell},
		{"#!powershell\n#Requires -Module Ansible.ModuleUtils.Legacy\n", PowerShell},
	} {
		if got := styleOf([]byte(c.data)); got != c.want {
			t.Errorf("%q: got %d, want %d", c.data, got, c.want)
		}
	}
}

func TestChoose(t *testing.T) {
	deb := "ID=debian\nVERSION_ID=\"12\"\n"
	const link = "https://docs.ansible.com/ansible-core/2.14/reference_appendices/interpreter_discovery.html"
	for _, c := range []struct {
		d               Discovery
		current         bool
		python, warning string
	}{
		{Discovery{Found: []string{"/opt/python3.11", "/usr/bin/python3"}, Platform: "linux", OSRelease: deb}, false, "/usr/bin/python3", ""},
		{Discovery{Found: []string{"/opt/python3.11"}, Platform: "linux", OSRelease: deb}, false, "/opt/python3.11",
			"Distribution debian 12 on host h should use /usr/bin/python3, but is using /opt/python3.11, since the discovered platform python interpreter was not present. See " + link + " for more information."},
		{Discovery{Found: []string{"/usr/bin/python3"}, Platform: "freebsd"}, false, "/usr/bin/python3",
			"Platform freebsd on host h is using the discovered Python interpreter at /usr/bin/python3, but future installation of another Python interpreter could change the meaning of that path. See " + link + " for more information."},
		{Discovery{Mode: "auto_silent", Found: []string{"/x"}, Platform: "linux"}, false, "/x", ""},
		{Discovery{Mode: "auto_legacy", Found: []string{"/usr/bin/python3", "/usr/bin/python"}, Platform: "linux", OSRelease: deb}, false, "/usr/bin/python",
			"Distribution debian 12 on host h should use /usr/bin/python3, but is using /usr/bin/python for backward compatibility with prior Ansible releases. See " + link + " for more information"},
		{Discovery{Found: []string{"/usr/libexec/platform-python"}, Platform: "linux", OSRelease: "ID=\"centos\"\nVERSION_ID=8\n"}, false, "/usr/libexec/platform-python", ""},
		{Discovery{Names: []string{"python3"}, Platform: "linux"}, false, "/usr/bin/python", "No python interpreters found for host h (tried ['python3'])"},
		{Discovery{Names: []string{"python3"}}, true, "/usr/bin/python3", "No python interpreters found for host 'h' (tried ['python3'])."},
		{Discovery{Found: []string{"/usr/bin/python3.14", "/usr/bin/python3"}, OSRelease: deb}, true, "/usr/bin/python3.14",
			"Host 'h' is using the discovered Python interpreter at '/usr/bin/python3.14', but future installation of another Python interpreter could cause a different interpreter to be discovered. See " + link + " for more information."},
	} {
		c.d.Host, c.d.Version = "h", "2.14.18"
		python, warning := c.d.Choose(c.current)
		if python != c.python || warning != c.warning {
			t.Errorf("%+v: got %q\n%q", c.d, python, warning)
		}
	}
}

// write makes files below a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const col = "site/ansible_collections/my/col/"

// testTree is a playbook's folder and an installed Ansible of the test's own.
func testTree(t *testing.T) (dir string, f *Finder, told *[]string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, map[string]string{
		"site/ansible/release.py":                      "__version__ = '2.14.18'\n__author__ = 'Somebody'\n",
		"site/ansible/modules/ping.py":                 "from ansible.module_utils.basic import AnsibleModule\n",
		"site/ansible/module_utils/__init__.py":        "raise Exception('never sent')\n",
		"site/ansible/module_utils/basic.py":           "import os\nfrom ansible.module_utils.common import text\ntry:\n    from ansible.module_utils.none import x\nexcept ImportError: pass\n",
		"site/ansible/module_utils/common/__init__.py": "", "site/ansible/module_utils/common/text.py": "from .deep import y\n",
		"site/ansible/module_utils/common/deep.py":                      "y = 1\n",
		"site/ansible/config/ansible_builtin_runtime.yml":               "plugin_routing:\n  modules:\n    formerly: {redirect: my.col.hello}\n",
		col + "plugins/modules/hello.py":                                "#!/usr/bin/python\nfrom ..module_utils.greet import greet\nfrom ansible_collections.my.col.plugins.module_utils.old import NEW\n",
		col + "plugins/modules/sub/deep.py":                             "from ansible.module_utils.basic import *\n",
		col + "plugins/modules/win.py":                                  "",
		col + "plugins/modules/win.ps1":                                 "#Requires -Module X\n",
		col + "plugins/modules/lost.py":                                 "from ansible.module_utils.nowhere import x\n",
		col + "plugins/module_utils/greet.py":                           "",
		col + "plugins/module_utils/new.py":                             "NEW = 1\n",
		col + "plugins/action/hello.py":                                 "",
		col + "meta/runtime.yml":                                        "plugin_routing:\n  modules:\n    moved: {redirect: my.col.hello, deprecation: {removal_version: 9.0.0, warning_text: Use hello.}}\n    gone: {tombstone: {removal_version: 2.0.0, warning_text: It is gone.}}\n    round: {redirect: my.col.round}\n    hello: {action_plugin: my.col.hello}\n  module_utils:\n    old: {redirect: my.col.new}\n",
		"play/library/mine.sh":                                          "#!/bin/sh\n",
		"play/library/mine.md":                                          "no module\n",
		"play/library/below/other.py":                                   "#!/usr/bin/python\n",
		"play/library/_former.sh":                                       "#!/bin/sh\n",
		"role/library/inrole.py":                                        "from ansible.module_utils.extra import z\n",
		"role/module_utils/extra.py":                                    "z = 1\n",
		"setting/again.sh":                                              "#!/bin/sh\n",
		"play/collections/ansible_collections/a/b/x":                    "",
		"play/collections/ansible_collections/a/b/plugins/modules/near": "#!/bin/sh\n",
	})
	told = &[]string{}
	f = New(Options{
		Dirs: []string{filepath.Join(dir, "play")}, Paths: map[Kind][]string{Modules: {filepath.Join(dir, "setting"), "/nonexistent"}},
		Install: filepath.Join(dir, "site"), Deprecate: func(msg string) { *told = append(*told, msg) },
	})
	return dir, f, told
}

func TestFind(t *testing.T) {
	dir, f, told := testTree(t)
	f.AddRole(filepath.Join(dir, "role"))
	for _, c := range []struct{ name, collections, want, full string }{
		{"mine", "", "play/library/mine.sh", "ansible.legacy.mine"},
		{"ansible.legacy.mine", "", "play/library/mine.sh", "ansible.legacy.mine"},
		{"other", "", "play/library/below/other.py", "ansible.legacy.other"},
		{"former", "", "play/library/_former.sh", "ansible.legacy.former"},
		{"inrole", "", "role/library/inrole.py", "ansible.legacy.inrole"},
		{"again", "", "setting/again.sh", "ansible.legacy.again"},
		{"ping", "", "site/ansible/modules/ping.py", "ansible.builtin.ping"},
		{"ansible.builtin.ping", "", "site/ansible/modules/ping.py", "ansible.builtin.ping"},
		{"formerly", "", col + "plugins/modules/hello.py", "my.col.hello"},
		{"hello", "my.col", col + "plugins/modules/hello.py", "my.col.hello"},
		{"my.col.moved", "", col + "plugins/modules/hello.py", "my.col.hello"},
		{"my.col.sub.deep", "", col + "plugins/modules/sub/deep.py", "my.col.sub.deep"},
		{"my.col.win", "", col + "plugins/modules/win.ps1", "my.col.win"},
		{"a.b.near", "", "play/collections/ansible_collections/a/b/plugins/modules/near", "a.b.near"},
		{"hello", "", "", ""}, {"my.col.round", "", "", ""}, {"my.col.none", "", "", ""}, {"no.such.thing", "", "", ""},
		{"my..x", "", "", ""}, {"ansible.builtin.mine", "", "", ""},
	} {
		var collections []string
		if c.collections != "" {
			collections = []string{c.collections}
		}
		found, err := f.Find(Modules, c.name, collections)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case found == nil && c.want != "":
			t.Errorf("%s: not found", c.name)
		case found != nil && (found.Path != filepath.Join(dir, c.want) || found.Name != c.full):
			t.Errorf("%s: got %+v", c.name, found)
		}
	}
	if want := "my.col.moved has been deprecated. Use hello. This feature will be removed from my.col in version 9.0.0."; !slices.Equal(*told, []string{want}) {
		t.Errorf("told %q", *told)
	}
	var removed *RemovedError
	if _, err := f.Find(Modules, "my.col.gone", nil); !errors.As(err, &removed) || removed.Msg != "The my.col.gone module has been removed. It is gone. This feature was removed from my.col in version 2.0.0." {
		t.Errorf("a tombstone: %v", err)
	}
}

// archived are the names of a module's archive with their texts.
func archived(t *testing.T, f *Finder, name string) map[string]string {
	t.Helper()
	m, err := f.Find(Modules, name, nil)
	if err != nil || m == nil {
		t.Fatalf("%s: %v %v", name, m, err)
	}
	b, err := f.Bundle(m)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Data), int64(len(b.Data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[file.Name] = string(data)
	}
	return out
}

func TestArchive(t *testing.T) {
	dir, f, _ := testTree(t)
	f.AddRole(filepath.Join(dir, "role"))
	own := []string{"__main__.py", "gorun_module.py", "ansible/__init__.py", "ansible/module_utils/__init__.py", "ansible/module_utils/basic.py",
		"ansible/module_utils/common/__init__.py", "ansible/module_utils/common/deep.py", "ansible/module_utils/common/text.py"}
	const c = "ansible_collections/my/col/plugins/"
	for name, more := range map[string][]string{
		"ping":   {"ansible/modules/__init__.py", "ansible/modules/ping.py"},
		"inrole": {"ansible/modules/__init__.py", "ansible/modules/inrole.py", "ansible/module_utils/extra.py"},
		"my.col.hello": {"ansible_collections/__init__.py", "ansible_collections/my/__init__.py", "ansible_collections/my/col/__init__.py", c + "__init__.py",
			c + "modules/__init__.py", c + "modules/hello.py", c + "module_utils/__init__.py", c + "module_utils/greet.py",
			c + "module_utils/old/__init__.py", c + "module_utils/new.py"},
	} {
		files := archived(t, f, name)
		want := append(slices.Clone(own), more...)
		slices.Sort(want)
		var got []string
		for n := range files {
			got = append(got, n)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
		if strings.Contains(files["ansible/module_utils/__init__.py"], "never sent") {
			t.Errorf("%s: the package's own __init__ is sent", name)
		}
	}
	lost, err := f.Find(Modules, "my.col.lost", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "Could not find imported module support code for ansible_collections.my.col.plugins.modules.lost.  Looked for (['ansible.module_utils.nowhere.x', 'ansible.module_utils.nowhere'])"
	if _, err := f.Bundle(lost); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestNoInstall(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"library/x.py": "from ansible.module_utils.basic import *\n", "library/y.sh": "#!/bin/sh\n"})
	f := New(Options{Dirs: []string{dir}, Install: filepath.Join(dir, "none")})
	if f.Install() != nil {
		t.Fatal("an Ansible was found")
	}
	x, err := f.Find(Modules, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	var none *NoInstallError
	if _, err := f.Bundle(x); !errors.As(err, &none) || !strings.Contains(err.Error(), "the module ansible.legacy.x is written for Ansible's Python library") {
		t.Errorf("got %v", err)
	}
	y, err := f.Find(Modules, "y", nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := f.Bundle(y); err != nil || b.Style != OldStyle || b.Interpreter != "/bin/sh" {
		t.Errorf("got %+v %v", b, err)
	}
}

func TestInGroup(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"my/col/meta/runtime.yml": `
action_groups:
  all:
    - first
    - old
    - metadata: {extend_group: [other.col.some, more]}
  more: [other.col.extra]
  broken:
    - metadata: {extend_group: not.there.group}
plugin_routing:
  modules:
    old: {redirect: my.col.new}
`,
		"other/col/meta/runtime.yml": "action_groups: {some: [act, {metadata: {extend_group: my.col.all}}]}\n",
	} {
		file := filepath.Join(dir, "ansible_collections", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := New(Options{Collections: []string{dir}})
	for _, c := range []struct {
		full, group string
		in, known   bool
	}{
		{"my.col.first", "my.col.all", true, true},
		{"my.col.new", "my.col.all", true, true},
		{"my.col.old", "my.col.all", true, true},
		{"other.col.act", "my.col.all", true, true},
		{"other.col.extra", "my.col.all", true, true},
		{"other.col.other", "my.col.more", false, true},
		{"my.col.first", "other.col.some", true, true},
		{"my.col.first", "my.col.broken", false, false},
		{"my.col.first", "my.col.nosuch", false, false},
	} {
		if in, known := f.InGroup(c.full, c.group); in != c.in || known != c.known {
			t.Errorf("%s in %s: %v, known %v", c.full, c.group, in, known)
		}
	}
}
