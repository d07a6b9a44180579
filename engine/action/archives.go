package action

// This file holds the actions that send a source before their module runs.

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"gorun/engine/transport"
	"gorun/modules"
	"gorun/templates"
)

// assemble joins fragments of the controller into a file; with remote_src, its
// default, the target's module does
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/assemble_module.html).
func assemble(ctx context.Context, t *Task) (*templates.Dict, error) {
	remote, err := t.bool("remote_src", true)
	if err != nil {
		return nil, err
	}
	src := t.str("src", "")
	if src == "" || t.str("dest", "") == "" {
		return nil, failf("src and dest are required")
	}
	if remote {
		return t.runLast(ctx, "ansible.builtin.assemble", t.Args)
	}
	dir, err := t.findFile("files", src)
	if err != nil {
		return nil, failf("%s", err)
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return nil, failf("Source (%s) is not a directory", src)
	}
	text, err := t.joinFragments(dir)
	if err != nil {
		return nil, err
	}
	for _, k := range []string{"src", "regexp", "delimiter", "remote_src", "ignore_hidden"} {
		t.Args.Delete(templates.Str(k))
	}
	return t.putContent(ctx, text, filepath.Base(dir), dir)
}

// joinFragments joins the files of a folder in the order of their names.
func (t *Task) joinFragments(dir string) ([]byte, error) {
	re, err := regexp.Compile(t.str("regexp", ""))
	if err != nil {
		return nil, failf("Invalid Regexp (%s) in \"%s\"", err, t.str("regexp", ""))
	}
	hidden, err := t.bool("ignore_hidden", false)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	delimiter := unescape(t.str("delimiter", ""))
	var out bytes.Buffer
	first, newline := true, false
	for _, e := range entries {
		if !re.MatchString(e.Name()) || hidden && strings.HasPrefix(e.Name(), ".") || e.IsDir() {
			continue
		}
		data, err := t.Services.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if newline {
			out.WriteByte('\n')
		}
		if delimiter != "" && !first {
			out.WriteString(delimiter)
			if !strings.HasSuffix(delimiter, "\n") {
				out.WriteByte('\n')
			}
		}
		out.Write(data)
		newline = !bytes.HasSuffix(data, []byte("\n")) && len(data) > 0
		first = false
	}
	return out.Bytes(), nil
}

// unarchive sends an archive of the controller, unless remote_src says that
// it is on the target
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/unarchive_module.html).
func unarchive(ctx context.Context, t *Task) (*templates.Dict, error) {
	src := t.str("src", "")
	if src == "" || t.str("dest", "") == "" {
		return nil, failf("src (or content) and dest are required")
	}
	remote, err := t.bool("remote_src", false)
	if err != nil {
		return nil, err
	}
	if t.has("copy") {
		local, err := t.bool("copy", true)
		if err != nil {
			return nil, err
		}
		if t.has("remote_src") {
			return nil, failf("parameters are mutually exclusive: ('copy', 'remote_src')")
		}
		remote = !local
		t.Args.Delete(templates.Str("copy"))
	}
	if creates := t.str("creates", ""); creates != "" {
		r, err := t.Host.Exec(ctx, "test -e "+quote(creates), transport.ExecOptions{})
		if err != nil {
			return nil, err
		}
		if r.RC == 0 {
			return Result("changed", false, "skipped", true, "msg", "skipped, since "+creates+" exists"), nil
		}
	}
	res, err := t.withSource(ctx, "ansible.builtin.unarchive", src, remote)
	if res == nil || err != nil {
		return res, err
	}
	// Ansible's action looks at dest before its module does, and words this otherwise.
	if msg, ok := res.GetStr("msg"); ok {
		if m := notFolder.FindStringSubmatch(templates.StrOf(msg, t.Era)); m != nil {
			res.SetStr("msg", templates.Str("dest '"+m[1]+"' must be an existing dir"))
		}
	}
	return res, nil
}

// notFolder is what the module unarchive says of a dest that is no folder.
var notFolder = regexp.MustCompile(`(?s)^Destination '(.*)' is not a directory$`)

// withSource sends a file of the controller and runs a module that reads it
// on the target.
func (t *Task) withSource(ctx context.Context, module, src string, remote bool) (*templates.Dict, error) {
	if !remote {
		path, err := t.findFile("files", modules.ExpandPath(src, nil))
		if err != nil {
			return nil, failf("%s", err)
		}
		tmp, err := t.sendFile(ctx, path)
		if err != nil {
			return nil, err
		}
		t.Args.SetStr("src", templates.Str(tmp))
	}
	t.Args.SetStr("remote_src", templates.Bool(true))
	for _, k := range []string{"decrypt", "local_follow"} {
		t.Args.Delete(templates.Str(k))
	}
	return t.RunModule(ctx, module, t.Args)
}

// sendFile puts a file of the controller into the target's temporary folder.
func (t *Task) sendFile(ctx context.Context, path string) (string, error) {
	if isVault(path) {
		data, err := t.Services.ReadFile(path)
		if err != nil {
			return "", err
		}
		return t.Host.PutTemp(ctx, bytes.NewReader(data), int64(len(data)), filepath.Base(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	return t.Host.PutTemp(ctx, f, st.Size(), filepath.Base(path))
}

// patch sends a patch file
// (https://docs.ansible.com/ansible/latest/collections/ansible/posix/patch_module.html).
func patch(ctx context.Context, t *Task) (*templates.Dict, error) {
	src := t.first("src", "patchfile")
	if src == "" {
		return nil, failf("src is required")
	}
	remote, err := t.bool("remote_src", false)
	if err != nil {
		return nil, err
	}
	return t.withSource(ctx, "ansible.posix.patch", src, remote)
}

// uri sends the file of src and those of a multipart body, where there are any
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/uri_module.html).
func uri(ctx context.Context, t *Task) (*templates.Dict, error) {
	src := t.str("src", "")
	remote, err := t.bool("remote_src", false)
	if err != nil {
		return nil, err
	}
	if remote {
		return runAsIs(ctx, t)
	}
	if t.str("body_format", "") == "form-multipart" {
		if err := t.sendParts(ctx); err != nil {
			return nil, err
		}
	}
	if src == "" {
		return runAsIs(ctx, t)
	}
	return t.withSource(ctx, "ansible.builtin.uri", src, false)
}

// sendParts sends the files that fields of a multipart body name.
func (t *Task) sendParts(ctx context.Context) error {
	v, _ := t.Args.GetStr("body")
	body, ok := v.(*templates.Dict)
	if !ok {
		return nil
	}
	sent := templates.NewDict(body.Len())
	for name, v := range body.All {
		if field, ok := v.(*templates.Dict); ok {
			file, _ := field.GetStr("filename")
			content, _ := field.GetStr("content")
			if file != nil && file.Truth() && (content == nil || !content.Truth()) {
				path, err := t.findFile("files", modules.ExpandPath(templates.StrOf(file, t.Era), nil))
				if err != nil {
					return failf("%s", err)
				}
				tmp, err := t.sendFile(ctx, path)
				if err != nil {
					return err
				}
				field = field.Copy()
				field.SetStr("filename", templates.Str(tmp))
				v = field
			}
		}
		if err := sent.Set(name, v); err != nil {
			return err
		}
	}
	t.Args.SetStr("body", sent)
	return nil
}
