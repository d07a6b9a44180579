package action

// This file renders template files
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/template_module.html).

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gorun/engine/lookup"
	"gorun/templates"
)

// A Render says how a template file is rendered.
type Render = lookup.Render

var unescape = lookup.Unescape

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
		return nil, t.templateError(err)
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
		if err := lookup.SetOption(o, name, t.str(name, "")); err != nil {
			return err
		}
	}
	return nil
}

// templateError words an error of a template file.
func (t *Task) templateError(err error) error {
	te, ok := err.(*templates.Error)
	if !ok {
		return failf("%s", err)
	}
	at := te.Place()
	where := ""
	if at.IsValid() {
		where = fmt.Sprintf(" (%s:%d:%d)", at.File, at.Line, max(at.Col, 1))
	}
	if t.Era < templates.Current {
		if te.Kind == templates.UndefinedError {
			f := failf("AnsibleUndefinedVariable: %s. %[1]s", te.Msg)
			f.Exception = fmt.Sprintf("ansible.errors.AnsibleUndefinedVariable: %s. %[1]s", te.Msg)
			return f
		}
		return failf("AnsibleError: template error while templating string: %s%s", te.Msg, where)
	}
	return &Failure{At: te} // with the message that the error and its causes make
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
