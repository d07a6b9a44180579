package main

// This file defines gorun render: what a template gives, for people and for tests.

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/engine"
	"gorun/engine/playbook"
	"gorun/internal/redact"
	"gorun/templates"
	"gorun/vars"
)

func renderFlags() []cli.Flag {
	return append(commonFlags(),
		str("expr", "an expression or template text to print as JSON"),
		str("host", "the host of the inventory whose variables are used"),
		boolean("batch", "answer a JSON object a line from standard input"),
	)
}

func runRender(c *cli.Context) error {
	if c.Bool("batch") {
		return renderBatch(c.Context, os.Stdin, c.App.Writer)
	}
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.open(c, nil); err != nil {
		return err
	}
	scope, err := s.hostScope(c.String("host"))
	if err != nil {
		return err
	}
	if c.IsSet("expr") {
		v, err := s.tmpl.Resolve(c.Context, templates.NewText(c.String("expr"), templates.Pos{}), scope)
		if err != nil {
			return atExpression(err)
		}
		out, err := templates.AppendJSON(nil, v)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.out, string(out))
		return nil
	}
	if c.Args().Len() != 1 {
		return usageError("render takes one FILE.j2, --expr or --batch")
	}
	if _, err := os.Stat(c.Args().First()); errors.Is(err, os.ErrNotExist) {
		return s.noFile(c.Args().First())
	}
	text, err := engine.RenderFile(c.Context, s.tmpl, c.Args().First(), s.readFile, scope)
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.out, text)
	return err
}

// atExpression adds to an error in a text of the command line, which has no
// place in a file, the line that it is in, with a mark.
func atExpression(err error) error {
	var t *templates.Error
	if !errors.As(err, &t) || t.Pos.IsValid() || t.Src == "" || t.Line == 0 {
		return err
	}
	lines := strings.Split(t.Src, "\n")
	if t.Line > len(lines) {
		return err
	}
	line := lines[t.Line-1]
	return &playbook.Error{Msg: err.Error(), Got: t.Got, Known: knownNames(t), Cause: err,
		Notes: []string{"  " + line, "  " + caretPad(line, t.Col) + "^"}}
}

// hostScope is the scope of a host's variables, or of the extra variables alone.
func (s *session) hostScope(host string) (*vars.Scope, error) {
	if host != "" {
		if _, ok := s.inv.Host(host); !ok {
			return nil, fmt.Errorf("Could not match supplied host pattern, ignoring: %s", host)
		}
	}
	return s.vars.Scope(vars.Query{Host: host}), nil
}

// renderBatch answers each line of in with a line, in order; it never stops at
// a bad one.
func renderBatch(ctx context.Context, in io.Reader, out io.Writer) error {
	r := bufio.NewReaderSize(in, 1<<16)
	w := bufio.NewWriter(out)
	defer w.Flush()
	b := batch{ctx: ctx, engines: map[templates.Era]*templates.Engine{}}
	for {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			w.Write(append(b.answer(line), '\n'))
			if r.Buffered() == 0 {
				w.Flush()
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// A batch keeps what one line leaves for the next: engines, and the variables
// of the last line that gave some.
type batch struct {
	ctx     context.Context
	engines map[templates.Era]*templates.Engine
	vars    *templates.Dict
}

// lineLimit is how long one line may take.
const lineLimit = 20 * time.Second

// answer renders one line.
func (b *batch) answer(line []byte) []byte {
	ctx, cancel := context.WithTimeout(b.ctx, lineLimit)
	defer cancel()
	v, err := b.render(ctx, line)
	out := templates.NewDict(2)
	if err != nil {
		kind := "Error"
		var t *templates.Error
		if errors.As(err, &t) {
			kind = t.Kind
		}
		out.SetStr("error", templates.Str(kind))
		out.SetStr("message", templates.Str(err.Error()))
	} else {
		out.SetStr("output", v)
		out.SetStr("type", templates.Str(v.Type()))
	}
	data, err := templates.AppendJSON(nil, out)
	if err != nil { // a value that JSON lacks: show its text
		out.SetStr("output", templates.Str(templates.StrOf(v, templates.Current)))
		if data, err = templates.AppendJSON(nil, out); err != nil {
			return []byte(`{"error": "TypeError", "message": "the result is not JSON serializable"}`)
		}
	}
	return data
}

func (b *batch) render(ctx context.Context, line []byte) (templates.Value, error) {
	v, err := templates.FromJSON(line)
	if err != nil {
		return nil, &templates.Error{Kind: templates.ValueError, Msg: "this line is no JSON object: " + err.Error()}
	}
	req, ok := v.(*templates.Dict)
	if !ok {
		return nil, &templates.Error{Kind: templates.ValueError, Msg: "this line is no JSON object"}
	}
	src, ok := req.GetStr("template")
	if !ok || src.Type() != "str" {
		return nil, &templates.Error{Kind: templates.ValueError, Msg: "template: expected a string"}
	}
	text := templates.StrOf(src, templates.Current)
	if mode, ok := req.GetStr("mode"); ok && mode != templates.None {
		if !templates.Equal(mode, templates.Str("ansible")) {
			return nil, &templates.Error{Kind: templates.ValueError, Msg: "mode: expected \"ansible\", or none for plain Jinja2"}
		}
		return b.ansible(ctx, req, text)
	}
	return plainJinja(ctx, req, text)
}

// ansible renders with Ansible's rules: strict, native, lazy.
func (b *batch) ansible(ctx context.Context, req *templates.Dict, text string) (templates.Value, error) {
	compat, _ := req.GetStr("compat")
	name := ""
	if compat != nil {
		name = templates.StrOf(compat, templates.Current)
	}
	era, err := parseEra(name)
	if err != nil {
		return nil, &templates.Error{Kind: templates.ValueError, Msg: err.Error()}
	}
	if given, ok := req.GetStr("vars"); ok {
		d, ok := trusted(given).(*templates.Dict)
		if !ok {
			return nil, &templates.Error{Kind: templates.ValueError, Msg: "vars: expected an object"}
		}
		b.vars = d
	}
	if b.vars == nil {
		b.vars = templates.NewDict(0)
	}
	eng := b.engines[era]
	if eng == nil {
		h := engine.TemplateHooks{Warn: func(string) {}, ReadFile: os.ReadFile}
		if era == templates.Current { // older ones have no filters of secrets
			h.Redact = new(redact.Registry)
		}
		eng = templates.New(engine.TemplateOptions(era, h))
		b.engines[era] = eng
	}
	return eng.Resolve(ctx, templates.NewText(text, templates.Pos{}), dictScope{b.vars})
}

// trusted marks every text of a JSON value that holds template markers as one
// that may be templated: it stands for a vars file.
func trusted(v templates.Value) templates.Value {
	switch v := v.(type) {
	case templates.Str:
		return templates.NewText(string(v), templates.Pos{})
	case *templates.List:
		out := &templates.List{Elems: make([]templates.Value, len(v.Elems)), Lazy: true}
		for i, e := range v.Elems {
			out.Elems[i] = trusted(e)
		}
		return out
	case *templates.Dict:
		out := templates.NewDict(v.Len())
		out.Lazy = true
		for k, e := range v.All {
			out.SetStr(templates.StrOf(k, templates.Current), trusted(e))
		}
		return out
	}
	return v
}

// plainJinja renders with Jinja2's own rules.
func plainJinja(ctx context.Context, req *templates.Dict, text string) (templates.Value, error) {
	var env templates.Value = templates.NewDict(0)
	if e, ok := req.GetStr("env"); ok && e != templates.None {
		env = e
	}
	o, err := templates.OptionsFromEnv(env)
	if err != nil {
		return nil, &templates.Error{Kind: templates.ValueError, Msg: err.Error()}
	}
	data := templates.NewDict(0)
	if given, ok := req.GetStr("context"); ok && given != templates.None {
		d, ok := given.(*templates.Dict)
		if !ok {
			return nil, &templates.Error{Kind: templates.ValueError, Msg: "context: expected an object"}
		}
		data = d
	}
	t, err := templates.New(o).Compile(text, "")
	if err != nil {
		return nil, err
	}
	out, err := t.Render(ctx, templates.MapScope{Mapping: data})
	return templates.Str(out), err
}
