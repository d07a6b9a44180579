package action

// This file brings files and texts to targets
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/copy_module.html).

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"

	"gorun/engine/transport"
	"gorun/modules"
	"gorun/modules/oserr"
	"gorun/templates"
	"gorun/templates/ansible"
)

// maxInline is the size in bytes up to which a file travels inside the
// request, in one round trip; a larger one is compared first.
const maxInline = 1 << 20

func copyFile(ctx context.Context, t *Task) (*templates.Dict, error) {
	src, dest := t.str("src", ""), t.str("dest", "")
	remote, err := t.bool("remote_src", false)
	if err != nil {
		return nil, err
	}
	if _, err := t.bool("local_follow", true); err != nil {
		return nil, err
	}
	switch {
	case src == "" && !t.has("content"):
		return nil, &Failure{Msg: "src (or content) is required", Data: Result("changed", false)}
	case dest == "":
		return nil, failf("dest is required")
	case src != "" && t.has("content"):
		return nil, failf("src and content are mutually exclusive")
	case t.has("content") && strings.HasSuffix(dest, "/"):
		return nil, failf("can not use content with a dir as dest")
	case t.has("content"):
		text, err := contentText(t.value("content"), t.Era)
		if err != nil {
			return nil, err
		}
		t.Args.Delete(templates.Str("content"))
		return t.putContent(ctx, []byte(text), "", "")
	case remote:
		return t.runLast(ctx, "ansible.builtin.copy", t.Args)
	}
	path, err := t.findFile("files", src)
	if err != nil {
		return nil, missing(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return t.copyTree(ctx, path, strings.HasSuffix(src, "/"), dest)
	}
	return t.copyOne(ctx, path, filepath.Base(path), st)
}

// contentText is content as text: data becomes JSON.
func contentText(v templates.Value, era templates.Era) (string, error) {
	switch v.(type) {
	case *templates.Dict, *templates.List:
		return ansible.JSONText(v)
	}
	return templates.StrOf(v, era), nil
}

// putContent puts a text on the target in one request.
func (t *Task) putContent(ctx context.Context, data []byte, name, shown string) (*templates.Dict, error) {
	t.dropLocal()
	if len(data) > maxInline {
		return t.putStream(ctx, textContent(data), name, shown)
	}
	t.Args.SetStr("_content_b64", templates.Str(base64.StdEncoding.EncodeToString(data)))
	t.Args.SetStr("_checksum", templates.Str(sha1Of(data)))
	if name != "" {
		t.Args.SetStr("_original_basename", templates.Str(name))
	}
	if shown != "" {
		t.Args.SetStr("_diff_src", templates.Str(shown))
	}
	d, err := t.withoutContent(t.runLast(ctx, "ansible.builtin.copy", t.Args))
	if err == nil && tellsSource(d) {
		d.SetStr("checksum", templates.Str(sha1Of(data)))
	}
	return d, err
}

// tellsSource says that a failed copy's result lacks the source's checksum:
// Ansible's action has looked at the source before the module fails.
func tellsSource(d *templates.Dict) bool {
	return failed(d) && text(d, "checksum") == ""
}

// dropLocal takes out the arguments that only the controller needs.
func (t *Task) dropLocal() {
	for _, k := range []string{"src", "content", "decrypt", "local_follow"} {
		t.Args.Delete(templates.Str(k))
	}
}

// diffAsAction gives a result's difference the form of Ansible's action: a list
// for contents, whose differences are told where they were asked for, and a dict
// for attributes, which today's tells only then too.
func (t *Task) diffAsAction(d *templates.Dict) {
	diff, _ := d.GetStr("diff")
	pair, ok := diff.(*templates.Dict)
	var attributes bool
	if ok {
		before, _ := pair.GetStr("before")
		_, attributes = before.(*templates.Dict)
	}
	switch {
	case !t.Diff && (!attributes || t.Era >= templates.Current):
		d.SetStr("diff", &templates.List{})
	case ok && !attributes:
		d.SetStr("diff", &templates.List{Elems: []templates.Value{pair}})
	}
}

// withoutContent drops the content from the result's invocation. What Ansible's
// action finds before its module runs is the action's own failure.
func (t *Task) withoutContent(d *templates.Dict, err error) (*templates.Dict, error) {
	if err != nil {
		return nil, err
	}
	if msg := text(d, "msg"); failed(d) && strings.HasPrefix(msg, "Failed to get information on remote file") {
		if t.Era >= templates.Current {
			return nil, failf("Task failed: %s", msg)
		}
		return nil, &Failure{Msg: msg, Bare: true}
	}
	if !failed(d) {
		t.diffAsAction(d)
	}
	inv, ok := d.GetStr("invocation")
	if !ok {
		return d, nil
	}
	if inv, ok := inv.(*templates.Dict); ok {
		if args, ok := inv.GetStr("module_args"); ok {
			if args, ok := args.(*templates.Dict); ok {
				for _, k := range []string{"_content_b64", "_checksum", "_size", "_upload", "_md5sum"} {
					args.Delete(templates.Str(k))
				}
			}
		}
	}
	return d, nil
}

func sha1Of(data []byte) string {
	sum := sha1.Sum(data)
	return hex.EncodeToString(sum[:])
}

// copyOne copies a file of the controller; name is what it is called in a dest
// that is a folder.
func (t *Task) copyOne(ctx context.Context, path, name string, st fs.FileInfo) (*templates.Dict, error) {
	if t.str("mode", "") == "preserve" {
		t.Args.SetStr("mode", templates.Str(fmt.Sprintf("0%03o", st.Mode().Perm())))
	}
	decrypt, err := t.bool("decrypt", true)
	if err != nil {
		return nil, err
	}
	read := os.ReadFile
	if decrypt && isVault(path) {
		read = t.Services.ReadFile
	} else if st.Size() > maxInline {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if st, err = f.Stat(); err != nil {
			return nil, err
		}
		t.dropLocal()
		return t.putStream(ctx, t.fileContent(f, path, st), name, path)
	}
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return t.putContent(ctx, data, name, path)
}

// putStream sends a large file, where the target's is another one: the module
// is asked first, and once more with the checksum where the sizes are the same.
func (t *Task) putStream(ctx context.Context, c *content, name, shown string) (*templates.Dict, error) {
	args := t.Args.Copy()
	args.SetStr("_size", templates.Int(c.size))
	args.SetStr("_original_basename", templates.Str(name))
	if shown != "" {
		args.SetStr("_diff_src", templates.Str(shown))
	}
	sum := func() error {
		sum, err := c.sum(ctx, hashSHA1)
		args.SetStr("_checksum", templates.Str(sum))
		return err
	}
	if t.has("checksum") {
		if err := sum(); err != nil {
			return nil, err
		}
	}
	d, err := t.RunModule(ctx, "ansible.builtin.copy", args)
	if err == nil && text(d, "_wanted") == "checksum" {
		if err := sum(); err != nil {
			return nil, err
		}
		d, err = t.RunModule(ctx, "ansible.builtin.copy", args)
	}
	if err == nil && tellsSource(d) {
		if err := sum(); err != nil {
			return nil, err
		}
		have, _ := args.GetStr("_checksum")
		d.SetStr("checksum", have)
	}
	if err != nil || text(d, "_wanted") != "content" {
		return t.withoutContent(d, err)
	}
	return t.upload(ctx, c, text(d, "dest"), name)
}

// upload sends what the target does not have, and has it put in its place.
func (t *Task) upload(ctx context.Context, c *content, dest, name string) (*templates.Dict, error) {
	for _, h := range []namedHash{hashSHA256, hashMD5, hashSHA1} {
		c.digest(h) // they are made while it is sent
	}
	up, err := t.Host.PutBeside(ctx, transport.Upload{
		R: c, Size: c.size, Dest: dest, Name: uploadName(name), SHA256: func() (string, error) { return c.sum(ctx, hashSHA256) },
	})
	if err != nil {
		return nil, err
	}
	sum, err := c.sum(ctx, hashSHA1)
	if err != nil {
		return nil, err
	}
	md5, err := c.sum(ctx, hashMD5)
	if err != nil {
		return nil, err
	}
	where := "elsewhere"
	if up.Beside {
		where = "beside"
	}
	args := t.Args
	args.SetStr("src", templates.Str(up.Path))
	args.SetStr("_original_basename", templates.Str(name))
	args.SetStr("_upload", templates.Str(where))
	args.SetStr("_checksum", templates.Str(sum))
	args.SetStr("_md5sum", templates.Str(md5))
	d, err := t.withoutContent(t.runLast(ctx, "ansible.builtin.copy", args))
	if err == nil && tellsSource(d) {
		d.SetStr("checksum", templates.Str(sum))
	}
	return d, err
}

// uploadName is the name of a file that is sent; a text has none.
func uploadName(name string) string {
	if name == "" {
		return "content"
	}
	return filepath.Base(name)
}

// copyTree copies a folder; with contents only what is in it.
func (t *Task) copyTree(ctx context.Context, root string, contents bool, dest string) (*templates.Dict, error) {
	follow, err := t.bool("local_follow", true)
	if err != nil {
		return nil, err
	}
	base := root
	if !contents {
		base = filepath.Dir(filepath.Clean(root))
	}
	if !strings.HasSuffix(dest, "/") {
		dest += "/"
	}
	c := &treeCopy{t: t, ctx: ctx, base: base, dest: dest, follow: follow}
	if err := c.run(filepath.Clean(root)); err != nil {
		return nil, err
	}
	if c.failed != nil {
		return c.failed, nil
	}
	if c.files == 1 {
		return c.only(), nil
	}
	return Result("changed", c.changed, "dest", dest, "src", root), nil
}

// only is the result of a tree with one file: of what came last, as Ansible has it.
func (c *treeCopy) only() *templates.Dict {
	c.last.SetStr("changed", templates.Bool(c.changed))
	if path, ok := c.last.GetStr("path"); ok && text(c.last, "dest") == "" {
		c.last.SetStr("dest", path)
	}
	return c.last
}

// A treeCopy copies a folder of the controller file by file. A folder that files
// go into is made for the first of them, and left as it is where it is there;
// the others, and links, come last.
type treeCopy struct {
	t          *Task
	ctx        context.Context
	base, dest string
	follow     bool
	changed    bool
	failed     *templates.Dict
	seen       []string        // folders on the way down, against loops of links
	files      int             // copied so far
	last       *templates.Dict // the last result
	bare       []string        // folders without files, but for the first
	links      []string        // links that are copied as such, or dangle
}

func (c *treeCopy) run(root string) error {
	if _, err := c.walk(root); err != nil {
		return err
	}
	for _, dir := range c.bare {
		if c.failed != nil {
			return nil
		}
		if err := c.folder(dir); err != nil {
			return err
		}
	}
	for _, path := range c.links {
		if c.failed != nil {
			return nil
		}
		if err := c.link(path); err != nil {
			return err
		}
	}
	return nil
}

// walk copies the files of a folder and tells whether there are any.
func (c *treeCopy) walk(dir string) (files bool, err error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || slices.Contains(c.seen, real) {
		return false, err
	}
	c.seen = append(c.seen, real)
	defer func() { c.seen = c.seen[:len(c.seen)-1] }()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	at := len(c.bare)
	for _, e := range entries {
		file, err := c.entry(filepath.Join(dir, e.Name()))
		if err != nil || c.failed != nil {
			return false, err
		}
		files = files || file
	}
	if !files && len(c.seen) > 1 {
		c.bare = slices.Insert(c.bare, at, dir) // before those in it
	}
	return files, nil
}

func (c *treeCopy) remote(path string) (string, error) {
	rel, err := filepath.Rel(c.base, path)
	if err != nil {
		return "", err
	}
	return filepath.Join(c.dest, rel), nil
}

// args are the task's arguments that hold for every file.
func (c *treeCopy) args(drop ...string) *templates.Dict {
	a := c.t.Args.Copy()
	for _, k := range append(drop, "remote_src", "src", "content", "decrypt", "local_follow", "dest") {
		a.Delete(templates.Str(k))
	}
	return a
}

func (c *treeCopy) folder(dir string) error {
	path, err := c.remote(dir)
	if err != nil {
		return err
	}
	a := c.args("mode", "backup", "force", "validate", "directory_mode", "checksum", "follow")
	a.SetStr("path", templates.Str(path))
	a.SetStr("state", templates.Str("directory"))
	if m, ok := c.t.Args.GetStr("directory_mode"); ok {
		a.SetStr("mode", m)
	}
	return c.take(c.t.RunModule(c.ctx, "ansible.builtin.file", a))
}

// take notes the result for one file.
func (c *treeCopy) take(d *templates.Dict, err error) error {
	if err != nil {
		return err
	}
	if failed(d) {
		c.failed = d
		return nil
	}
	c.changed, c.last = c.changed || truth(d, "changed"), d
	return nil
}

// entry copies what a folder holds, but for links, which it notes. It tells
// whether a file was there.
func (c *treeCopy) entry(path string) (file bool, err error) {
	st, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		if st, err = os.Stat(path); err != nil || !c.follow {
			c.links = append(c.links, path)
			return false, nil
		}
	}
	if st.IsDir() {
		return c.walk(path)
	}
	name, err := filepath.Rel(c.base, path)
	if err != nil {
		return false, err
	}
	sub := *c.t
	sub.Sent = nil // other files follow
	sub.Args = c.args()
	sub.Args.SetStr("dest", templates.Str(c.dest))
	d, err := sub.copyOne(c.ctx, path, name, st)
	c.files++
	return true, c.take(d, err)
}

func (c *treeCopy) link(path string) error {
	to, err := c.remote(path)
	if err != nil {
		return err
	}
	target, err := os.Readlink(path)
	if err != nil {
		return err
	}
	a := c.args("mode", "backup", "validate", "directory_mode", "checksum")
	a.SetStr("path", templates.Str(to))
	a.SetStr("src", templates.Str(target))
	a.SetStr("state", templates.Str("link"))
	a.SetStr("force", templates.Bool(true))
	a.SetStr("follow", templates.Bool(false))
	return c.take(c.t.RunModule(c.ctx, "ansible.builtin.file", a))
}

// fetch brings a file of the target to the controller
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/fetch_module.html).
func fetch(ctx context.Context, t *Task) (*templates.Dict, error) {
	if t.Check {
		return Result("changed", false, "skipped", true, "msg", "check mode not (yet) supported for this module"), nil
	}
	src, dest := t.str("src", ""), t.str("dest", "")
	if src == "" || dest == "" {
		return nil, failf("src and dest are required")
	}
	flat, err1 := t.bool("flat", false)
	must, err2 := t.bool("fail_on_missing", t.Era != templates.Era19)
	verify, err3 := t.bool("validate_checksum", true)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return nil, err
		}
	}
	st, err := t.runAlways(ctx, "ansible.builtin.stat", Result("path", src, "follow", true, "get_checksum", true, "get_mime", false, "get_attributes", false))
	if err != nil {
		return nil, err
	}
	v, _ := st.GetStr("stat")
	info, ok := v.(*templates.Dict)
	if !ok {
		why := "the target could not look at it"
		if msg, ok := st.GetStr("msg"); ok {
			why = strings.TrimSpace(templates.StrOf(msg, templates.Current))
		}
		return nil, failf("Failed to get information on remote file (%s): %s", src, why)
	}
	problem := ""
	switch {
	case !truth(info, "exists"):
		problem = "the remote file does not exist, not transferring, ignored"
	case truth(info, "isdir"):
		problem = "remote file is a directory, fetch cannot work on directories"
	}
	if problem != "" {
		d := Result("changed", false, "msg", problem)
		if must {
			d.SetStr("failed", templates.Bool(true))
		} else {
			d.SetStr("file", templates.Str(src))
		}
		return d, nil
	}
	dest = t.fetchDest(src, dest, flat)
	if local, err := os.Stat(dest); err == nil && local.IsDir() && flat {
		return nil, &Failure{Msg: "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
			Data: Result("changed", false, "file", dest)}
	}
	return t.fetchTo(ctx, src, dest, info, verify)
}

// fetchDest is where a fetched file goes on the controller.
func (t *Task) fetchDest(src, dest string, flat bool) string {
	if flat {
		dest = t.inPlaybook(dest)
		if strings.HasSuffix(dest, "/") {
			return filepath.Join(dest, filepath.Base(src))
		}
		return dest
	}
	return filepath.Join(t.inPlaybook(dest), t.HostName, src)
}

func (t *Task) fetchTo(ctx context.Context, src, dest string, info *templates.Dict, verify bool) (*templates.Dict, error) {
	remote := ""
	if v, ok := info.GetStr("checksum"); ok {
		remote = templates.StrOf(v, templates.Current)
	}
	if local, err := modules.SHA1File(dest); err == nil && local != "" && local == remote {
		return Result("changed", false, "md5sum", md5Of(dest), "file", src, "dest", dest, "checksum", local), nil
	}
	fail := func(err error) (*templates.Dict, error) {
		if oserr.Code(err) == 0 {
			return nil, err // the connection's
		}
		return nil, failf("failed to transfer file to %s: %s", dest, oserr.Bytes(err, dest))
	}
	target := modules.FollowLinks(dest) // what is written where dest is a link
	if _, err := os.Stat(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return fail(err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), ".gorun-fetch-*")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(tmp.Name()) // fails where it was renamed, as it should
	sum, err := t.Host.Fetch(ctx, src, tmp)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fail(err)
	}
	if verify && remote != "" && sum != remote {
		return nil, &Failure{Msg: "checksum mismatch", Data: Result("file", src, "dest", dest, "remote_md5sum", nil, "checksum", sum, "remote_checksum", remote, "md5sum", md5Of(tmp.Name()))}
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return fail(err)
	}
	if err := os.Rename(tmp.Name(), target); err != nil {
		return fail(err)
	}
	return Result("changed", true, "md5sum", md5Of(dest), "dest", dest, "remote_md5sum", nil, "checksum", sum, "remote_checksum", remote), nil
}

// utf16Bytes encodes text as UTF-16; without an order in the name with a mark.
func utf16Bytes(text, encoding string) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if strings.HasSuffix(encoding, "be") {
		order = binary.BigEndian
	}
	var out []byte
	if !strings.HasSuffix(encoding, "le") && !strings.HasSuffix(encoding, "be") {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, u)
	}
	return out
}
