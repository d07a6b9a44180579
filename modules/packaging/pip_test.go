package packaging

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gorun/modules"
)

func TestVersionFits(t *testing.T) {
	tests := []struct {
		version, specifiers string
		want                bool
	}{
		{"3.1.2", "", true}, {"3.1.2", "==3.1.2", true}, {"3.1.2", "==3.1.*", true}, {"3.1.2", "==3.2.*", false},
		{"3.1.2", ">=3,<4", true}, {"3.1.2", ">99", false}, {"3.10", ">3.9", true}, {"3.1.2", "~=3.1.0", true},
		{"3.2.0", "~=3.1.0", false}, {"1.0", "==1.0.0", true}, {"1.0rc1", "<1.0", true}, {"1.0.post1", ">1.0", true},
		{"1.0.dev1", "<1.0rc1", true}, {"1.0", "!=1.0", false}, {"1.0", "!=2.*", true}, {"1.0", "===1.0", true},
	}
	for _, tt := range tests {
		if got := versionFits(tt.version, tt.specifiers); got != tt.want {
			t.Errorf("versionFits(%q, %q) = %v", tt.version, tt.specifiers, got)
		}
	}
}

// wheel is a package without modules.
func wheel(t *testing.T) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"METADATA": "Metadata-Version: 2.1\nName: gorunpip\nVersion: 1.2\n",
		"WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"RECORD":   "gorunpip-1.2.dist-info/METADATA,,\ngorunpip-1.2.dist-info/WHEEL,,\ngorunpip-1.2.dist-info/RECORD,,\n",
	} {
		w, err := z.Create("gorunpip-1.2.dist-info/" + name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPip installs a package from a file into a virtual environment; nothing is fetched.
func TestPip(t *testing.T) {
	if testing.Short() {
		t.Skip("a virtual environment takes a while")
	}
	t.Parallel()
	if exec.Command("python3", "-c", "import venv, ensurepip").Run() != nil {
		t.Skip("python3 with venv is not installed")
	}
	dir := t.TempDir()
	env := filepath.Join(dir, "env")
	pkg := filepath.Join(dir, "gorunpip-1.2-py3-none-any.whl")
	if err := os.WriteFile(pkg, wheel(t), 0o600); err != nil {
		t.Fatal(err)
	}
	venv := map[string]any{"virtualenv": env, "virtualenv_command": "python3 -m venv", "virtualenv_site_packages": true}
	steps := []struct {
		name    string
		args    map[string]any
		check   bool
		changed bool
		msg     string
	}{
		{"new environment", map[string]any{"name": pkg}, true, true, ""},
		{"from a file", map[string]any{"name": pkg, "extra_args": "--no-index"}, false, true, ""},
		{"there", map[string]any{"name": "gorunpip"}, false, false, ""},
		{"there, checked", map[string]any{"name": "gorunpip>=1,<2"}, true, false, ""},
		{"newer, checked", map[string]any{"name": "gorunpip>2"}, true, true, ""},
		{"gone, checked", map[string]any{"name": "gorunpip", "state": "absent"}, true, true, ""},
		{"gone", map[string]any{"name": "gorunpip", "state": "absent"}, false, true, ""},
		{"gone again", map[string]any{"name": "gorunpip", "state": "absent"}, false, false, ""},
		{"version and latest", map[string]any{"name": "a", "version": "1", "state": "latest"}, false, false, "version is incompatible with state=latest"},
		{"neither", map[string]any{}, false, false, "one of the following is required: name, requirements"},
		{"two versions", map[string]any{"name": "a>1", "version": "1"}, false, false, "The 'version' argument conflicts with any version specifier provided along with a package name. Please keep the version specifier, but remove the 'version' argument."},
	}
	for _, s := range steps {
		for k, v := range venv {
			s.args[k] = v
		}
		out := Pip.Execute(context.Background(), &modules.Run{Check: s.check}, s.args)
		msg, _ := out["msg"].(string)
		if msg != s.msg || out["changed"] != s.changed {
			t.Fatalf("%s: changed %v, %q; want %v, %q", s.name, out["changed"], msg, s.changed, s.msg)
		}
	}
}
