package lookup

// This file renders template files, for the lookup template and the action.

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

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
	// BesideFirst looks for them beside Path before the others, as the lookup
	// does; the action looks there at last.
	BesideFirst bool
	Managed     string
	// Vars are variables for this file alone.
	Vars *templates.Dict
	// Change changes the engine's options for this file.
	Change func(o *templates.Options) error
}

// File renders a template file in a scope.
func (r Render) File(ctx context.Context, s templates.Scope) (string, error) {
	t, f, err := r.compile()
	if err != nil {
		return "", f.place(err)
	}
	text, err := t.RenderFile(ctx, r.scope(s))
	return text, f.place(err)
}

// Value is what a file's template gives natively: in the eras that have values,
// a file of one expression its value; in those of text alone what the text is
// converted to, unless it is to stay text.
func (r Render) Value(ctx context.Context, s templates.Scope, convert bool) (templates.Value, error) {
	t, f, err := r.compile()
	if err != nil {
		return nil, f.place(err)
	}
	if r.Engine.Options().Era == templates.Current || convert && r.Engine.IsTemplate(f.src) {
		v, err := t.Eval(ctx, r.scope(s))
		return v, f.place(err)
	}
	text, err := t.RenderFile(ctx, r.scope(s))
	return templates.Str(text), f.place(err)
}

// files are the files of one rendering.
type files struct {
	Render
	src    string // the text of Path without its header
	header bool   // whether Path has one
	mu     sync.Mutex
	paths  map[string]string // of the templates that others include, by their names
}

// compile compiles the file.
func (r Render) compile() (*templates.Template, *files, error) {
	f := &files{Render: r, paths: map[string]string{}}
	data, err := r.ReadFile(r.Path)
	if err != nil {
		return nil, f, err
	}
	o := r.Engine.Options()
	o.TrimBlocks = true
	o.Load = f.load
	if r.Change != nil {
		if err := r.Change(&o); err != nil {
			return nil, f, err
		}
	}
	f.src, err = header(string(data), &o)
	f.header = len(f.src) < len(data)
	if err != nil {
		return nil, f, err
	}
	t, err := templates.New(o).Compile(f.src, r.Path)
	return t, f, err
}

// place makes an error of a template name its file, and the line in that file.
func (f *files) place(err error) error {
	te, ok := err.(*templates.Error)
	if !ok {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path, included := f.paths[te.Template]
	if !included && !(f.header && te.Template == f.Path && te.Line > 0) {
		return err
	}
	e := *te
	if included {
		e.Template = path
	} else {
		e.Line++
	}
	return &e
}

// scope is s behind the variables of template files and Vars.
func (r Render) scope(s templates.Scope) templates.Scope {
	if r.Vars != nil {
		s = &withLocals{r.Vars, s}
	}
	d := r.locals()
	if r.Engine.Options().Era == templates.Current { // a variable of the user's wins
		if _, ok, err := s.Lookup("ansible_managed"); ok && err == nil {
			d.Delete(templates.Str("ansible_managed"))
		}
	}
	return &withLocals{d, s}
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

// load finds a template that another includes, in the folders templates of the
// search path, in those themselves, and beside the file that is rendered.
func (f *files) load(name, _ string) (string, error) {
	beside := filepath.Dir(f.Path)
	tried := Candidates(append(slices.Clone(f.SearchPath), beside), "templates", name)
	if f.BesideFirst {
		tried = append([]string{filepath.Join(beside, name)}, Candidates(f.SearchPath, "templates", name)...)
	}
	if filepath.IsAbs(name) {
		tried = []string{name}
	}
	for _, p := range tried {
		if st, err := os.Stat(p); err == nil && !st.IsDir() {
			data, err := f.ReadFile(p)
			f.mu.Lock()
			f.paths[name] = p
			f.mu.Unlock()
			return string(data), err
		}
	}
	msg := name
	if f.Engine.Options().Era == templates.Current {
		var dirs []string
		for _, p := range tried {
			dirs = append(dirs, templates.Repr(templates.Str(strings.TrimSuffix(p, "/"+name)), templates.Current))
		}
		noun := "paths"
		if len(dirs) == 1 {
			noun = "path"
		}
		msg = fmt.Sprintf("%s not found in search %s: %s", templates.Repr(templates.Str(name), templates.Current), noun, strings.Join(dirs, ", "))
	}
	return "", &templates.Error{Kind: templates.TemplateNotFound, Msg: msg, Got: name}
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
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	uid := strconv.Itoa(int(sys.Uid))
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
		if err := SetOption(o, strings.TrimSpace(k), strings.TrimSpace(v)); err != nil {
			return "", err
		}
	}
	return src[len(m[0]):], nil
}

// SetOption sets an option of the template engine by Jinja2's name.
func SetOption(o *templates.Options, name, value string) error {
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
		o.NewlineSequence = Unescape(plain)
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

// Unescape writes the newlines of newline_sequence.
func Unescape(s string) string {
	return strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(s)
}
