package files

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type copyArgs struct {
	modules.FileArgs
	Backup           bool    `arg:"backup"`
	Checksum         string  `arg:"checksum"`
	Content          *string `arg:"content"`
	Decrypt          *bool   `arg:"decrypt"`
	Dest             string  `arg:"dest"`
	DirectoryMode    any     `arg:"directory_mode"`
	Follow           bool    `arg:"follow"`
	Force            bool    `arg:"force"`
	LocalFollow      bool    `arg:"local_follow"`
	RemoteSrc        bool    `arg:"remote_src"`
	Src              string  `arg:"src"`
	Validate         string  `arg:"validate"`
	OriginalBasename string  `arg:"_original_basename"`
	ContentB64       *string `arg:"_content_b64"`
	Checksum1        string  `arg:"_checksum"`
	DiffSrc          string  `arg:"_diff_src"`
	Size             *int64  `arg:"_size"`
	Upload           string  `arg:"_upload"`
	MD5              string  `arg:"_md5sum"`
}

// Copy is ansible.builtin.copy: the target's side of copy and template. The
// action hands over a small file as _content_b64. Of a large one it tells the
// _size first and, where the module asks for it, the _checksum; only then, where
// the answer is the _upload that is wanted, it sends the file and names it (src).
var Copy = modules.Define(modules.Spec{
	Name: "ansible.builtin.copy",
	Doc:  "Bring a file or a text to the target, or copy on the target.",
	Options: []modules.Option{
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file that is replaced."},
		{Name: "checksum", Doc: "The SHA-1 that the file must have; anything else fails."},
		{Name: "content", NoLog: true, Doc: "The text of the file, in place of src."},
		{Name: "decrypt", Internal: true, Type: modules.Bool, Default: true, Doc: "Decrypt a source that is encrypted with a vault; the controller does it."},
		{Name: "dest", Type: modules.Path, Required: true, Doc: "Where the file goes; with a slash at the end, the folder that it goes into."},
		{Name: "directory_mode", Type: modules.Raw, Doc: "The mode of folders that are made."},
		{Name: "follow", Type: modules.Bool, Default: false, Doc: "Where dest is a link, write what it points to."},
		{Name: "force", Type: modules.Bool, Default: true, Doc: "Replace a file that differs; otherwise only a missing one is made."},
		{Name: "local_follow", Type: modules.Bool, Default: true, Doc: "Copy what links in the source point to, not the links."},
		{Name: "remote_src", Type: modules.Bool, Default: false, Doc: "The source is on the target."},
		{Name: "src", Type: modules.Path, Doc: "The file or folder to copy; a folder with a slash at the end stands for what is in it."},
		{Name: "validate", Doc: "A command that checks the new file (%s) before it is put in place."},
		{Name: "_original_basename", Doc: "The name of the source on the controller; set by actions."},
		{Name: "_content_b64", Internal: true, NoLog: true, Doc: "The content, base64-encoded; set by actions."},
		{Name: "_checksum", Internal: true, Doc: "The SHA-1 of the content; set by actions."},
		{Name: "_size", Internal: true, Type: modules.Int, Doc: "The content's size in bytes: what is to be done is asked, the content follows; set by actions."},
		{Name: "_upload", Internal: true, Choices: []string{"beside", "elsewhere"}, Doc: "Where src, the file that was sent, is: beside dest it is renamed; set by actions."},
		{Name: "_md5sum", Internal: true, Doc: "The MD5 of the file that was sent; set by actions."},
		{Name: "_diff_src", Internal: true, Doc: "The name of the source in the difference that is shown; set by actions."},
	},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(ctx context.Context, m *modules.Run, a *copyArgs) (*modules.Result, error) {
	c := &copier{m: m, a: a, dest: a.Dest}
	return c.run(ctx)
})

// A copier is one run of copy.
type copier struct {
	m       *modules.Run
	a       *copyArgs
	dest    string
	inline  bool
	asked   bool   // the content may follow
	content []byte // of an inline source
	sum     string // SHA-1 of the source
	mode    os.FileMode
}

func (c *copier) run(ctx context.Context) (*modules.Result, error) {
	a := c.a
	if a.Upload != "" {
		defer os.Remove(a.Src) // fails when it is in its place, as it should
	}
	if err := c.source(); err != nil {
		return nil, err
	}
	asked := c.dest
	if strings.HasSuffix(asked, "/") {
		asked = filepath.Join(asked, a.OriginalBasename)
	}
	if _, err := os.Lstat(asked); err != nil && !a.RemoteSrc && !errors.Is(err, fs.ErrNotExist) {
		return nil, modules.Failf("Failed to get information on remote file (%s): %s", asked, oserr.Text(err))
	}
	if dir := filepath.Clean(c.dest); c.m.Check && a.RemoteSrc && strings.HasSuffix(c.dest, "/") && !isDir(dir) {
		return &modules.Result{Changed: true, Msg: "dest directory " + dir + " would be created",
			Data: map[string]any{"src": a.Src}}, nil
	}
	if !c.inline && !c.asked && isDir(a.Src) {
		return c.tree()
	}
	if a.Checksum != "" && a.Checksum != c.sum && !(c.asked && c.sum == "") {
		return nil, modules.FailWith(map[string]any{"checksum": c.sum, "expected_checksum": a.Checksum},
			"Copied file does not match the expected checksum. Transfer failed.")
	}
	if err := c.destination(); err != nil {
		return nil, err
	}
	return c.place(ctx)
}

// source finds the content and its checksum.
func (c *copier) source() error {
	a := c.a
	switch {
	case a.Src != "" && a.Content != nil:
		return modules.Failf("src and content are mutually exclusive")
	case a.ContentB64 != nil:
		data, err := base64.StdEncoding.DecodeString(*a.ContentB64)
		if err != nil {
			return modules.Failf("_content_b64: %w", err)
		}
		c.inline, c.content = true, data
	case a.Size != nil:
		c.asked, c.sum = true, a.Checksum1
		return nil
	case a.Content != nil:
		c.inline, c.content = true, []byte(*a.Content)
	case a.Src == "":
		return modules.Failf("src (or content) is required")
	}
	if c.inline {
		c.sum = hashBytes("sha1", c.content)
		if a.Checksum1 != "" && a.Checksum1 != c.sum {
			return modules.FailWith(map[string]any{"checksum": c.sum, "expected_checksum": a.Checksum1},
				"Copied file does not match the expected checksum. Transfer failed.")
		}
		return nil
	}
	info, err := os.Stat(a.Src)
	if err != nil {
		if os.IsNotExist(err) {
			return modules.Failf("Source %s not found", a.Src)
		}
		return modules.Failf("Source %s not readable: %s", a.Src, oserr.Text(err))
	}
	c.mode = info.Mode()
	if a.Upload != "" && a.Checksum1 != "" {
		c.sum = a.Checksum1 // of what was written, told by who wrote it
	} else if !info.IsDir() {
		if c.sum, err = modules.HexDigest(a.Src, "sha1"); err != nil {
			return modules.Failf("Source %s not readable: %s", a.Src, oserr.Text(err))
		}
	}
	if a.FileArgs.Mode == "preserve" {
		a.FileArgs.Mode = int(c.mode.Perm())
	}
	return nil
}

// destination settles the name that is written, and makes the folders that a
// dest with a slash at the end asks for.
func (c *copier) destination() error {
	name := c.a.OriginalBasename
	if name == "" && !c.inline && !c.asked {
		name = filepath.Base(c.a.Src)
	}
	slash := strings.HasSuffix(c.dest, "/")
	if slash || isDir(c.dest) {
		if name == "" {
			return modules.Failf("can not use content with a dir as dest")
		}
		c.dest = filepath.Join(c.dest, name) // of a tree's file the name has folders
		if err := c.makeFolders(filepath.Dir(c.dest)); err != nil {
			return err
		}
	}
	if c.a.Follow && isLink(c.dest) {
		if _, err := os.Stat(c.dest); err == nil {
			c.dest = realPath(c.dest)
		}
	}
	if isDir(c.dest) && !isLink(c.dest) {
		return modules.FailWith(map[string]any{"dest": c.dest}, "cannot overwrite the directory %s with a file", c.dest)
	}
	dir := filepath.Dir(c.dest)
	if c.m.Check && !c.a.RemoteSrc {
		return nil // a task that check mode did not run may be what makes it
	}
	if _, err := os.Stat(dir); err != nil && !(c.m.Check && slash) {
		data := map[string]any{}
		if !c.a.RemoteSrc {
			data["checksum"] = c.sum
		}
		if os.IsPermission(err) {
			return modules.FailWith(data, "Destination directory %s is not accessible", dir)
		}
		return modules.FailWith(data, "Destination directory %s does not exist", dir)
	}
	return nil
}

// makeFolders makes dir and its parents with directory_mode and the owner asked for.
func (c *copier) makeFolders(dir string) error {
	if _, err := os.Stat(dir); err == nil || c.m.Check {
		return nil
	}
	if err := c.makeFolders(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		return modules.Failf("There was an issue creating %s as requested: %s", dir, oserr.Bytes(err, dir))
	}
	return c.dressFolder(dir)
}

func (c *copier) dressFolder(dir string) error {
	fa := c.a.FileArgs
	fa.Mode = c.a.DirectoryMode
	_, err := c.m.ApplyFileArgs(dir, &fa, c.a.Follow, nil)
	return err
}

// place compares and writes.
func (c *copier) place(ctx context.Context) (*modules.Result, error) {
	a := c.a
	_, err := os.Lstat(c.dest)
	present := err == nil
	shownSrc := a.Src
	if c.a.DiffSrc != "" {
		shownSrc = c.a.DiffSrc
	}
	data := map[string]any{"dest": c.dest, "src": shownSrc}
	if present && !a.Force {
		if a.RemoteSrc {
			return &modules.Result{Msg: "file already exists", Data: data}, nil
		}
		return &modules.Result{Data: data}, nil
	}
	// A link that still is one here dangles, or is not to be followed.
	replacesLink := present && isLink(c.dest)
	if c.asked && c.sizeDiffers() {
		if !c.m.Check {
			return wanted("content", c.dest), nil
		}
	} else if present && !replacesLink || present && !a.RemoteSrc {
		if c.asked && c.sum == "" {
			return wanted("checksum", c.dest), nil
		}
		// A file that cannot be read may be replaced all the same.
		have, err := modules.HexDigest(c.dest, "sha1")
		if err == nil && have == c.sum {
			return c.same(data)
		}
	}
	if c.asked && !c.m.Check {
		return wanted("content", c.dest), nil
	}
	var diff []modules.Diff
	if c.m.Diff {
		diff = []modules.Diff{c.contentDiff()}
	}
	if c.m.Check {
		if _, err := os.Stat(c.dest); err == nil {
			if _, err := c.m.ApplyFileArgs(c.dest, &a.FileArgs, a.Follow, nil); err != nil {
				return nil, err
			}
		}
		if !a.RemoteSrc {
			data = nil
		} else {
			c.addSums(data)
		}
		return &modules.Result{Changed: true, Diff: diff, Data: data}, nil
	}
	c.addSums(data)
	if a.Backup {
		name, err := c.m.Backup(c.dest)
		if err != nil {
			return nil, err
		}
		if name != "" {
			data["backup_file"] = name
		}
	}
	if err := c.write(ctx, present, replacesLink); err != nil {
		return nil, err
	}
	if _, err := c.m.ApplyFileArgs(c.dest, &a.FileArgs, a.Follow, nil); err != nil {
		return nil, err
	}
	return &modules.Result{Changed: true, Diff: diff, Data: data}, nil
}

// sizeDiffers says that dest cannot hold the content that is asked about.
func (c *copier) sizeDiffers() bool {
	info, err := os.Stat(c.dest)
	return err != nil || info.Size() != *c.a.Size
}

// wanted answers the action: what to send next, and for which file.
func wanted(what, dest string) *modules.Result {
	return &modules.Result{Data: map[string]any{"_wanted": what, "dest": dest}}
}

func (c *copier) addSums(data map[string]any) {
	data["checksum"] = c.sum
	if c.inline {
		data["md5sum"] = hashBytes("md5", c.content)
	} else if c.a.Upload != "" && c.a.MD5 != "" {
		data["md5sum"] = c.a.MD5
	} else if sum, err := modules.HexDigest(c.a.Src, "md5"); err == nil {
		data["md5sum"] = sum
	}
}

// same sets the attributes of a file whose content is right.
func (c *copier) same(data map[string]any) (*modules.Result, error) {
	diff := modules.Diff{Before: map[string]any{"path": c.dest}, After: map[string]any{"path": c.dest}}
	changed, err := c.m.ApplyFileArgs(c.dest, &c.a.FileArgs, c.a.Follow || !c.a.RemoteSrc, &diff)
	if err != nil {
		return nil, err
	}
	if c.a.RemoteSrc {
		c.addSums(data)
		return &modules.Result{Changed: changed, Data: data}, nil
	}
	return &modules.Result{Changed: changed, Diff: []modules.Diff{diff},
		Data: map[string]any{"dest": c.dest, "path": c.dest, "checksum": c.sum}}, nil
}

// maxDiff is the size in bytes over which no difference is shown.
const maxDiff = 104448

func (c *copier) contentDiff() modules.Diff {
	d := modules.Diff{Before: ""}
	if have, size, err := readLimited(c.dest); err == nil {
		switch {
		case size > maxDiff:
			d.Before, d.DstLarger = nil, maxDiff
		case bytes.IndexByte(have, 0) >= 0:
			d.Before, d.DstBinary = nil, true
		default:
			d.Before, d.BeforeHeader = string(have), c.dest
		}
	} else if os.IsPermission(err) {
		d.Before = nil
	}
	content, size := c.content, int64(len(c.content))
	if c.asked {
		size = *c.a.Size
	} else if !c.inline {
		content, size, _ = readLimited(c.a.Src)
	}
	switch {
	case size > maxDiff:
		d.SrcLarger = maxDiff
	case bytes.IndexByte(content, 0) >= 0:
		d.SrcBinary = true
	default:
		d.After, d.AfterHeader = string(content), c.dest
		if c.a.DiffSrc != "" {
			d.AfterHeader = c.a.DiffSrc
		} else if c.a.Src != "" {
			d.AfterHeader = c.a.Src
		}
	}
	return d
}

// readLimited reads a file that is not too large for a difference.
func readLimited(path string) (data []byte, size int64, err error) {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxDiff {
		return nil, sizeOf(info), err
	}
	data, err = os.ReadFile(path)
	return data, int64(len(data)), err
}

func sizeOf(info os.FileInfo) int64 {
	if info == nil {
		return 0
	}
	return info.Size()
}

// write puts the content in place. A source is consumed only where it was sent
// for this: any other may be the user's own file.
func (c *copier) write(ctx context.Context, present, replacesLink bool) error {
	o := putOptions{validate: c.a.Validate, args: &c.a.FileArgs, present: present, replacesLink: replacesLink}
	var r io.Reader = bytes.NewReader(c.content)
	if c.a.Upload == "beside" && filepath.Dir(c.a.Src) == filepath.Dir(c.dest) {
		o.upload = c.a.Src
	} else if !c.inline {
		f, err := os.Open(c.a.Src)
		if err != nil {
			return modules.Failf("Source %s not readable: %s", c.a.Src, oserr.Text(err))
		}
		defer f.Close()
		r = f
	}
	return putFile(ctx, c.m, c.dest, r, o)
}

// tree copies a folder on the target.
func (c *copier) tree() (*modules.Result, error) {
	a := c.a
	if !a.RemoteSrc {
		return nil, modules.Failf("src %s is a directory on the target: remote_src is needed", a.Src)
	}
	root := strings.TrimSuffix(c.dest, "/")
	if root == "" {
		root = "/"
	}
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return nil, modules.Failf("Could not replace file: b%s to %s: [Errno 20] Not a directory: b%s -> b%s",
			oserr.Quote(a.Src, true), c.dest, oserr.Quote(a.Src, true), oserr.Quote(c.dest, true))
	}
	top := root
	if !strings.HasSuffix(a.Src, "/") {
		root = filepath.Join(root, filepath.Base(a.Src))
	}
	shown := c.dest
	if isDir(top) || strings.HasSuffix(c.dest, "/") {
		shown = root
		if strings.HasSuffix(a.Src, "/") {
			shown += "/"
		}
	}
	t := &treeCopy{c: c}
	if err := t.folder(filepath.Clean(a.Src), root); err != nil {
		return nil, err
	}
	data := map[string]any{"dest": shown, "src": a.Src, "md5sum": nil, "checksum": nil}
	changed := t.changed
	if _, err := os.Stat(top); err == nil {
		did, err := c.m.ApplyFileArgs(top, &a.FileArgs, a.Follow, nil)
		if err != nil {
			return nil, err
		}
		changed = changed || did
	}
	return &modules.Result{Changed: changed, Data: data}, nil
}
