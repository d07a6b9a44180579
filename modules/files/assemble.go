package files

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
	"gorun/modules/pyre"
)

type assembleArgs struct {
	modules.FileArgs
	Backup       bool   `arg:"backup"`
	Decrypt      bool   `arg:"decrypt"`
	Delimiter    string `arg:"delimiter"`
	Dest         string `arg:"dest"`
	IgnoreHidden bool   `arg:"ignore_hidden"`
	Regexp       string `arg:"regexp"`
	RemoteSrc    bool   `arg:"remote_src"`
	Src          string `arg:"src"`
	Validate     string `arg:"validate"`
}

// Assemble is ansible.builtin.assemble; with remote_src false the action has
// brought the fragments to the target.
var Assemble = modules.Define(modules.Spec{
	Name: "ansible.builtin.assemble",
	Doc:  "Make a file of the fragments in a folder.",
	Options: []modules.Option{
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file that is replaced."},
		{Name: "decrypt", Type: modules.Bool, Default: true, Doc: "Decrypt fragments that are encrypted with a vault; the controller does it."},
		{Name: "delimiter", Doc: "A text between fragments."},
		{Name: "dest", Type: modules.Path, Required: true, Doc: "The file to make."},
		{Name: "ignore_hidden", Type: modules.Bool, Default: false, Doc: "Leave fragments out whose names begin with a dot."},
		{Name: "regexp", Doc: "Take only fragments whose names match."},
		{Name: "remote_src", Type: modules.Bool, Default: true, Doc: "The fragments are on the target."},
		{Name: "src", Type: modules.Path, Required: true, Doc: "The folder of fragments, taken in the order of their names."},
		{Name: "validate", Doc: "A command that checks the new file (%s) before it is put in place."},
	},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(ctx context.Context, m *modules.Run, a *assembleArgs) (*modules.Result, error) {
	info, err := os.Stat(a.Src)
	if err != nil {
		return nil, modules.Failf("Source (%s) does not exist", a.Src)
	}
	if !info.IsDir() {
		return nil, modules.Failf("Source (%s) is not a directory", a.Src)
	}
	content, err := assemble(a)
	if err != nil {
		return nil, err
	}
	if isDir(a.Dest) {
		return nil, modules.Failf("attempted to take checksum of directory: %s", a.Dest)
	}
	data := map[string]any{"src": a.Src, "dest": a.Dest, "checksum": hashBytes("sha1", content), "md5sum": hashBytes("md5", content)}
	have, err := os.ReadFile(a.Dest)
	res := &modules.Result{Changed: err != nil || !bytes.Equal(have, content), Msg: "OK", Data: data}
	if res.Changed {
		if m.Diff {
			res.Diff = []modules.Diff{{Before: string(have), After: string(content), BeforeHeader: a.Dest, AfterHeader: a.Src}}
		}
		if a.Backup && err == nil {
			name, err := m.Backup(a.Dest)
			if err != nil {
				return nil, err
			}
			data["backup_file"] = name
		}
		if !m.Check {
			err := m.ReplaceFile(ctx, a.Dest, content, a.Validate, a.UnsafeWrites)
			var f *modules.Failure
			if a.Validate != "" && errors.As(err, &f) && f.Data["exit_status"] != nil {
				return nil, modules.Failf("failed to validate: rc:%v error:%v", f.Data["exit_status"], f.Data["stderr"])
			}
			if err != nil {
				return nil, err
			}
			if a.Validate != "" {
				data["validation"] = map[string]any{"rc": 0, "stdout": "", "stderr": ""} // it went well
			}
		}
	}
	if _, err := os.Stat(a.Dest); err == nil {
		did, err := m.ApplyFileArgs(a.Dest, &a.FileArgs, false, nil)
		if err != nil {
			return nil, err
		}
		res.Changed = res.Changed || did
	}
	return res, nil
})

// assemble puts the fragments together.
func assemble(a *assembleArgs) ([]byte, error) {
	var re *pyre.Regexp
	if a.Regexp != "" {
		var err error
		if re, err = pyre.Compile(a.Regexp, 0); err != nil {
			return nil, modules.Failf("Invalid Regexp (%s) in \"%s\"", err, a.Regexp)
		}
	}
	entries, err := os.ReadDir(a.Src)
	if err != nil {
		return nil, modules.Failf("could not read %s: %s", a.Src, oserr.Text(err))
	}
	delimiter := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`).Replace(a.Delimiter)
	var out []byte
	first, needsNewline := true, false
	for _, e := range entries {
		path := filepath.Join(a.Src, e.Name())
		if re != nil && re.Search(e.Name()) == nil || a.IgnoreHidden && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		part, err := os.ReadFile(path)
		if err != nil {
			return nil, modules.Failf("could not read %s: %s", path, oserr.Text(err))
		}
		// A fragment begins on a line of its own only where there is a delimiter.
		if needsNewline {
			out = append(out, '\n')
		}
		if !first && delimiter != "" {
			out = append(out, delimiter...)
			if !strings.HasSuffix(delimiter, "\n") {
				out = append(out, '\n')
			}
		}
		out = append(out, part...)
		first = false
		needsNewline = len(part) == 0 || part[len(part)-1] != '\n'
	}
	return out, nil
}
