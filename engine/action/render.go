package action

// This file renders template files
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/template_module.html).

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gorun/engine/lookup"
	"gorun/modules"
	"gorun/templates"
)

// defaultManaged is ansible_managed where nothing else is set.
const defaultManaged = "Ansible managed"

// A Render says how a template file is rendered.
type Render struct {
	Engine *templates.Engine
	// ReadFile reads it, decrypted where it is a vault.
	ReadFile func(path string) ([]byte, error)
	// Path is the file, Shown its name as the task has it, Dest where it goes to.
	Path, Shown, Dest string
	// SearchPath are the folders in which includes are looked for.
	SearchPath []string
	Managed    string
	// Change changes the engine's options for this file.
	Change func(o *templates.Options) error
}

// File renders a template file in a scope.
func (r Render) File(ctx context.Context, s templates.Scope) (string, error) {
	data, err := r.ReadFile(r.Path)
	if err != nil {
		return "", err
	}
	o := r.Engine.Options()
	o.TrimBlocks, o.KeepTrailingNewline = true, true
	o.Load = r.load
	if r.Change != nil {
		if err := r.Change(&o); err != nil {
			return "", err
		}
	}
	src, err := header(string(data), &o)
	if err != nil {
		return "", err
	}
	t, err := templates.New(o).Compile(src, r.Path)
	if err != nil {
		return "", err
	}
	return t.Render(ctx, &withLocals{r.locals(), s})
}

// withLocals is a scope that finds a dict's names first.
type withLocals struct {
	d *templates.Dict
	templates.Scope
}

func (w *withLocals) Lookup(name string) (templates.Value, bool, error) {
	if v, ok := w.d.GetStr(name); ok {
		return v, true, nil
	}
	return w.Scope.Lookup(name)
}

// Names lists all names, for varnames and hints.
func (w *withLocals) Names() []string {
	var names []string
	for k := range w.d.All {
		names = append(names, templates.StrOf(k, templates.Current))
	}
	if n, ok := w.Scope.(interface{ Names() []string }); ok {
		names = append(names, n.Names()...)
	}
	return names
}

// load finds a template that another includes: beside it, in the folders
// templates of the search path, beside the playbook.
func (r Render) load(name, parent string) (string, error) {
	var dirs []string
	if parent != "" {
		dirs = append(dirs, filepath.Dir(parent))
	}
	dirs = append(dirs, filepath.Dir(r.Path))
	tried := lookup.Candidates(r.SearchPath, "templates", name)
	for i := len(dirs) - 1; i >= 0; i-- {
		tried = append([]string{filepath.Join(dirs[i], name)}, tried...)
	}
	if filepath.IsAbs(name) {
		tried = []string{name}
	}
	for _, p := range tried {
		if st, err := os.Stat(p); err == nil && !st.IsDir() {
			data, err := r.ReadFile(p)
			return string(data), err
		}
	}
	return "", &templates.Error{Kind: templates.TemplateNotFound, Msg: name}
}

// locals are the variables that only template files see.
func (r Render) locals() *templates.Dict {
	abs, err := filepath.Abs(r.Path)
	if err != nil {
		abs = r.Path
	}
	d := templates.NewDict(8)
	managed := r.Managed
	if managed == "" {
		managed = defaultManaged
	}
	set := func(name, v string) { d.SetStr(name, templates.Str(v)) }
	set("ansible_managed", managed)
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	set("template_host", host)
	set("template_path", r.Shown)
	set("template_fullpath", abs)
	set("template_destpath", r.Dest)
	if st, err := os.Stat(r.Path); err == nil {
		set("template_uid", ownerOf(st))
		d.SetStr("template_mtime", &templates.DateTime{T: st.ModTime(), Naive: true})
	}
	d.SetStr("template_run_date", &templates.DateTime{T: time.Now(), Naive: true})
	return d
}

func ownerOf(st os.FileInfo) string {
	uid, ok := fileUID(st)
	if !ok {
		return ""
	}
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return uid
}

var headerLine = regexp.MustCompile(`^#jinja2:([^\n]*)\n?`)

// header takes a first line "#jinja2: trim_blocks: True, ..." off and applies it.
func header(src string, o *templates.Options) (string, error) {
	m := headerLine.FindStringSubmatch(src)
	if m == nil {
		return src, nil
	}
	for pair := range strings.SplitSeq(m[1], ",") {
		k, v, ok := strings.Cut(pair, ":")
		if !ok {
			return "", fmt.Errorf("failed to parse jinja2 override '%s'. Did you use something different from colon as key-value separator?", strings.TrimSpace(pair))
		}
		if err := setOption(o, strings.TrimSpace(k), strings.TrimSpace(v)); err != nil {
			return "", err
		}
	}
	return src[len(m[0]):], nil
}

// setOption sets an option of the template engine by Jinja2's name.
func setOption(o *templates.Options, name, value string) error {
	plain := strings.Trim(value, `'"`)
	flag := func(out *bool) error {
		b, err := modules.ToBool(plain)
		*out = b
		return err
	}
	switch name {
	case "trim_blocks":
		return flag(&o.TrimBlocks)
	case "lstrip_blocks":
		return flag(&o.LstripBlocks)
	case "keep_trailing_newline":
		return flag(&o.KeepTrailingNewline)
	case "newline_sequence":
		o.NewlineSequence = unescape(plain)
	case "variable_start_string":
		o.VariableStart = plain
	case "variable_end_string":
		o.VariableEnd = plain
	case "block_start_string":
		o.BlockStart = plain
	case "block_end_string":
		o.BlockEnd = plain
	case "comment_start_string":
		o.CommentStart = plain
	case "comment_end_string":
		o.CommentEnd = plain
	case "line_statement_prefix":
		o.LineStatementPrefix = plain
	case "line_comment_prefix":
		o.LineCommentPrefix = plain
	default:
		return fmt.Errorf("jinja2 header: unknown option '%s'", name)
	}
	return nil
}

func unescape(s string) string {
	return strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(s)
}

// template renders a file and puts it on the target.
func template(ctx context.Context, t *Task) (*templates.Dict, error) {
	src, dest := t.str("src", ""), t.str("dest", "")
	if t.str("state", "") != "" {
		return nil, failf("'state' cannot be specified on a template")
	}
	if src == "" || dest == "" {
		return nil, failf("src and dest are required")
	}
	path, err := t.findFile("templates", src)
	if err != nil {
		return nil, missing(err)
	}
	r := Render{
		Engine: t.Templates, ReadFile: t.Services.ReadFile, Path: path, Shown: src, Dest: dest,
		SearchPath: t.SearchPath, Managed: t.Services.Managed, Change: t.renderOptions,
	}
	text, err := r.File(ctx, t.Scope)
	if err != nil {
		return nil, t.templateError(err, path)
	}
	if seq := unescape(t.str("newline_sequence", "\n")); seq != "\n" {
		text = strings.ReplaceAll(text, "\n", seq)
	}
	data, err := encode(text, t.str("output_encoding", "utf-8"))
	if err != nil {
		return nil, failf("%s", err)
	}
	if t.str("mode", "") == "preserve" {
		st, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		t.Args.SetStr("mode", templates.Str(fmt.Sprintf("0%03o", st.Mode().Perm())))
	}
	for _, k := range []string{"src", "newline_sequence", "block_start_string", "block_end_string", "variable_start_string",
		"variable_end_string", "comment_start_string", "comment_end_string", "trim_blocks", "lstrip_blocks", "output_encoding"} {
		t.Args.Delete(templates.Str(k))
	}
	if !t.has("follow") {
		t.Args.SetStr("follow", templates.Bool(false))
	}
	return t.putContent(ctx, data, filepath.Base(path), path)
}

// renderOptions applies the task's options about the template's syntax.
func (t *Task) renderOptions(o *templates.Options) error {
	for _, name := range []string{"block_start_string", "block_end_string", "variable_start_string", "variable_end_string",
		"comment_start_string", "comment_end_string", "trim_blocks", "lstrip_blocks"} {
		if !t.has(name) {
			continue
		}
		if err := setOption(o, name, t.str(name, "")); err != nil {
			return err
		}
	}
	return nil
}

// templateError words an error of a template file.
func (t *Task) templateError(err error, path string) error {
	te, ok := err.(*templates.Error)
	if !ok {
		return failf("%s", err)
	}
	where := ""
	if te.Line > 0 {
		where = fmt.Sprintf(" (%s:%d", path, te.Line)
		if te.Col > 0 {
			where += fmt.Sprintf(":%d", te.Col)
		}
		where += ")"
	}
	if t.Era < templates.Current {
		if te.Kind == templates.UndefinedError {
			f := failf("AnsibleUndefinedVariable: %s. %[1]s", te.Msg)
			f.Exception = fmt.Sprintf("ansible.errors.AnsibleUndefinedVariable: %s. %[1]s", te.Msg)
			return f
		}
		return failf("AnsibleError: template error while templating string: %s%s", te.Msg, where)
	}
	return failf("%s%s", te.Msg, where)
}

// encode gives text in the encoding that output_encoding names.
func encode(text, encoding string) ([]byte, error) {
	switch strings.ToLower(strings.ReplaceAll(encoding, "_", "-")) {
	case "", "utf-8", "utf8":
		return []byte(text), nil
	case "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		limit := rune(0xff)
		if strings.Contains(strings.ToLower(encoding), "ascii") {
			limit = 0x7f
		}
		out := make([]byte, 0, len(text))
		for _, r := range text {
			if r > limit {
				return nil, fmt.Errorf("output_encoding: %q cannot be encoded as %s", r, encoding)
			}
			out = append(out, byte(r))
		}
		return out, nil
	case "utf-16", "utf16", "utf-16-le", "utf-16-be":
		return utf16Bytes(text, strings.ToLower(encoding)), nil
	}
	return nil, fmt.Errorf("output_encoding: unknown encoding %s", encoding)
}
