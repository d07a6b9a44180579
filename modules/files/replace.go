package files

import (
	"context"
	"fmt"

	"gorun/modules"
	"gorun/modules/pyre"
)

type replaceArgs struct {
	modules.FileArgs
	After    string `arg:"after"`
	Backup   bool   `arg:"backup"`
	Before   string `arg:"before"`
	Encoding string `arg:"encoding"`
	Path     string `arg:"path"`
	Regexp   string `arg:"regexp"`
	Replace  string `arg:"replace"`
	Validate string `arg:"validate"`
}

// Replace is ansible.builtin.replace.
var Replace = modules.Define(modules.Spec{
	Name: "ansible.builtin.replace",
	Doc:  "Replace every match of a regular expression in a text file.",
	Options: []modules.Option{
		{Name: "after", Doc: "Replace only behind the first match of this expression."},
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file as it was."},
		{Name: "before", Doc: "Replace only before the match of this expression."},
		{Name: "encoding", Default: "utf-8", Doc: "The encoding of the file; utf-8 and its like, other bytes are kept as they are."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest", "destfile", "name"}, Doc: "The file."},
		{Name: "regexp", Required: true, Doc: "What to replace; ^ and $ match at lines."},
		{Name: "replace", Doc: "What to put in its place, with \\1 and \\g<name> for groups; nothing unless given."},
		{Name: "validate", Doc: "A command that checks the new file (%s) before it is put in place."},
	},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(ctx context.Context, m *modules.Run, a *replaceArgs) (*modules.Result, error) {
	e, err := openEdit(m, a.Path, &a.FileArgs)
	if err != nil {
		return nil, err
	}
	if !e.present {
		return nil, modules.FailWith(map[string]any{"rc": 257}, "Path %s does not exist !", a.Path)
	}
	text, err := newCodec(a.Encoding)
	if err != nil {
		return nil, err
	}
	count, notFound, err := replaceIn(e, a, text)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"rc": 0}
	if notFound != "" {
		return &modules.Result{Msg: notFound, Data: data}, nil
	}
	res := &modules.Result{Changed: count > 0 && e.changed(), Data: data}
	msg := ""
	if res.Changed {
		msg = fmt.Sprintf("%d replacements made", count)
		if m.Diff {
			res.Diff = []modules.Diff{{Before: text.decode(e.before), After: text.decode(e.after), BeforeHeader: a.Path, AfterHeader: a.Path}}
		}
		if err := e.save(ctx, a.Backup, a.Validate); err != nil {
			return nil, err
		}
		if e.backup != "" {
			data["backup_file"] = e.backup
		}
	}
	res.Changed, msg, err = e.attributes(res.Changed, msg, nil)
	data["msg"] = msg
	return res, err
})

// replaceIn edits the text, or the section of it that after and before mark.
func replaceIn(e *edit, a *replaceArgs, text codec) (count int, notFound string, err error) {
	whole := text.decode(e.before)
	section := ""
	switch {
	case a.After != "" && a.Before != "":
		section = a.After + "(?P<subsection>.*?)" + a.Before
	case a.After != "":
		section = a.After + "(?P<subsection>.*)"
	case a.Before != "":
		section = "(?P<subsection>.*)" + a.Before
	}
	prefix, part, suffix := "", whole, ""
	if section != "" {
		re, err := pyre.Compile(section, pyre.DotAll)
		if err != nil {
			return 0, "", modules.Failf("the regular expression '%s' is invalid: %w", section, err)
		}
		m := re.Search(whole)
		if m == nil {
			return 0, "Pattern for before/after params did not match the given file: " + section, nil
		}
		part, _ = m.Named("subsection")
		group := re.GroupIndex()["subsection"]
		prefix, suffix = m.Slice(0, m.Start(group)), m.Slice(m.End(group), -1)
	}
	re, err := pyre.Compile(a.Regexp, pyre.Multiline)
	if err != nil {
		return 0, "", modules.Failf("the regular expression '%s' is invalid: %w", a.Regexp, err)
	}
	out, n, err := re.Sub(a.Replace, part, 0)
	if err != nil {
		return 0, "", modules.Failf("replace: %w", err)
	}
	e.after = text.encode(prefix + out + suffix)
	return n, "", nil
}

// A codec turns bytes of a file to text and back.
type codec struct{ latin bool }

// newCodec knows the encodings that need no tables: UTF-8 (in which bytes that
// are none survive), ASCII, and Latin-1.
func newCodec(name string) (codec, error) {
	switch normalEncoding(name) {
	case "utf8", "ascii", "usascii", "":
		return codec{}, nil
	case "latin1", "iso88591", "l1":
		return codec{latin: true}, nil
	}
	return codec{}, modules.Failf("encoding: %s is not supported: utf-8, ascii and latin-1 are", name)
}

func normalEncoding(name string) string {
	var out []byte
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	return string(out)
}

func (c codec) decode(s string) string {
	if !c.latin {
		return s
	}
	out := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		out[i] = rune(s[i])
	}
	return string(out)
}

func (c codec) encode(s string) string {
	if !c.latin {
		return s
	}
	var out []byte
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return string(out)
}
