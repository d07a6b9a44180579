package files

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type tempfileArgs struct {
	Path   string `arg:"path"`
	Prefix string `arg:"prefix"`
	State  string `arg:"state"`
	Suffix string `arg:"suffix"`
}

// Tempfile is ansible.builtin.tempfile.
var Tempfile = modules.Define(modules.Spec{
	Name: "ansible.builtin.tempfile",
	Doc:  "Make an empty file or folder with a name that is not taken.",
	Options: []modules.Option{
		{Name: "path", Type: modules.Path, Doc: "The folder to make it in; the system's for temporary files unless given."},
		{Name: "prefix", Default: "ansible.", Doc: "How the name begins."},
		{Name: "state", Default: "file", Choices: []string{"directory", "file"}, Doc: "What to make."},
		{Name: "suffix", Default: "", Doc: "How the name ends."},
	},
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
}, func(_ context.Context, m *modules.Run, a *tempfileArgs) (*modules.Result, error) {
	dir := a.Path
	if dir == "" {
		if dir = m.Env["TMPDIR"]; dir == "" {
			dir = os.TempDir()
		}
	}
	for try := 0; ; try++ {
		path := filepath.Join(dir, a.Prefix+strings.ToLower(rand.Text()[:8])+a.Suffix)
		err := makeTemp(path, a.State)
		if err == nil {
			return &modules.Result{Changed: true, Data: map[string]any{"path": path}}, nil
		}
		if !os.IsExist(err) || try == 100 {
			return nil, modules.Failf("%s", oserr.Str(err, path))
		}
	}
})

func makeTemp(path, state string) error {
	if state == "directory" {
		return os.Mkdir(path, 0o700)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
