package files

// This file is what the modules that edit text files share.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gorun/modules"
	"gorun/modules/oserr"
)

// An edit is a change of a text file on its way.
type edit struct {
	m             *modules.Run
	path          string
	args          *modules.FileArgs
	present       bool // the file exists
	before, after string
	backup        string // the name of the backup
	replacesLink  bool   // a link at path is not followed
}

// openEdit reads path. A folder is refused; a missing file is the caller's business.
func openEdit(m *modules.Run, path string, args *modules.FileArgs) (*edit, error) {
	e := &edit{m: m, path: path, args: args}
	if isDir(path) {
		return nil, modules.FailWith(map[string]any{"rc": 256}, "Path %s is a directory !", path)
	}
	data, err := os.ReadFile(path)
	if err == nil {
		e.present, e.before = true, string(data)
	} else if !missing(err) {
		return nil, modules.Failf("Unable to read the file %s: %s", path, oserr.Text(err))
	}
	e.after = e.before
	return e, nil
}

// missing says that nothing can be reached by a path: it is not there, a link of
// it leads nowhere or round in a circle, or a file stands where a folder should.
func missing(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR)
}

func (e *edit) changed() bool { return e.before != e.after }

// save writes the new text, with a backup of the old one where asked for.
func (e *edit) save(ctx context.Context, backup bool, validate string) error {
	if backup && e.present {
		name, err := e.m.Backup(e.path)
		if err != nil {
			return err
		}
		e.backup = name
	}
	if e.m.Check {
		return nil
	}
	write := e.m.WriteFile
	if e.replacesLink {
		write = e.m.ReplaceFile
	}
	err := write(ctx, e.path, []byte(e.after), validate, e.args.UnsafeWrites)
	var f *modules.Failure
	if validate != "" && errors.As(err, &f) && f.Data["exit_status"] != nil {
		return modules.Failf("failed to validate: rc:%v error:%v", f.Data["exit_status"], f.Data["stderr"])
	}
	return err
}

// makeParents makes the folders that a new file needs.
func (e *edit) makeParents() error {
	dir := filepath.Dir(e.path)
	if e.present || e.m.Check || isDir(dir) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return modules.Failf("Error creating %s (%s)", dir, oserr.Bytes(err, dir))
	}
	return nil
}

// attributes applies the common file arguments and extends the message as
// Ansible does.
func (e *edit) attributes(changed bool, msg string, diff *modules.Diff) (bool, string, error) {
	if _, err := os.Lstat(e.path); err != nil || !e.present && e.m.Check {
		return changed, msg, nil // check mode, and the file is not there yet
	}
	did, err := e.m.ApplyFileArgs(e.path, e.args, false, diff)
	if err != nil {
		return changed, msg, err
	}
	if did {
		if changed {
			msg += " and "
		}
		return true, msg + "ownership, perms or SE linux context changed", nil
	}
	return changed, msg, nil
}

// contentDiff is the difference of the text, empty unless it is asked for.
func (e *edit) contentDiff() modules.Diff {
	d := modules.Diff{Before: "", After: "", BeforeHeader: e.path + " (content)", AfterHeader: e.path + " (content)"}
	if e.m.Diff {
		d.Before, d.After = e.before, e.after
	}
	return d
}

func (e *edit) attributeDiff() modules.Diff {
	return modules.Diff{BeforeHeader: e.path + " (file attributes)", AfterHeader: e.path + " (file attributes)"}
}

// finish applies attributes and makes the result of lineinfile and blockinfile.
func (e *edit) finish(changed bool, msg string, data map[string]any) (*modules.Result, error) {
	if data == nil {
		data = map[string]any{}
	}
	res := &modules.Result{Diff: []modules.Diff{e.contentDiff()}, Data: data}
	attr := e.attributeDiff()
	changed, msg, err := e.attributes(changed, msg, &attr)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(e.path); err == nil {
		res.Diff = append(res.Diff, attr)
	}
	res.Changed = changed
	data["msg"] = msg
	return res, nil
}

// splitKeep splits text into lines with their ends; the last may have none.
func splitKeep(s string) []string {
	out := strings.SplitAfter(s, "\n")
	if out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}
