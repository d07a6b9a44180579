package files

import (
	"context"
	"strings"

	"gorun/modules"
	"gorun/modules/pyre"
)

type blockinfileArgs struct {
	modules.FileArgs
	Backup         bool   `arg:"backup"`
	Block          string `arg:"block"`
	Create         bool   `arg:"create"`
	Insertafter    string `arg:"insertafter"`
	Insertbefore   string `arg:"insertbefore"`
	Marker         string `arg:"marker"`
	MarkerBegin    string `arg:"marker_begin"`
	MarkerEnd      string `arg:"marker_end"`
	Path           string `arg:"path"`
	State          string `arg:"state"`
	Validate       string `arg:"validate"`
	AppendNewline  bool   `arg:"append_newline"`
	PrependNewline bool   `arg:"prepend_newline"`
	Encoding       string `arg:"encoding"`
}

// Blockinfile is ansible.builtin.blockinfile.
var Blockinfile = modules.Define(modules.Spec{
	Name: "ansible.builtin.blockinfile",
	Doc:  "Keep lines between two marker lines in a text file.",
	Options: []modules.Option{
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file as it was."},
		{Name: "block", Default: "", Aliases: []string{"content"}, Doc: "The lines; none removes the block."},
		{Name: "create", Type: modules.Bool, Default: false, Doc: "Make the file where it is missing."},
		{Name: "insertafter", Doc: "A regular expression: a new block goes behind the last match; EOF is the end."},
		{Name: "insertbefore", Doc: "A regular expression: a new block goes before the last match; BOF is the beginning."},
		{Name: "marker", Default: "# {mark} ANSIBLE MANAGED BLOCK", Doc: "The marker lines; {mark} in it becomes marker_begin and marker_end."},
		{Name: "marker_begin", Default: "BEGIN", Doc: "What {mark} is in the first marker line."},
		{Name: "marker_end", Default: "END", Doc: "What {mark} is in the last marker line."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest", "destfile", "name"}, Doc: "The file."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the block is to be there."},
		{Name: "validate", Doc: "A command that checks the new file (%s) before it is put in place."},
		{Name: "append_newline", Type: modules.Bool, Default: false, Doc: "Keep an empty line behind the block."},
		{Name: "prepend_newline", Type: modules.Bool, Default: false, Doc: "Keep an empty line before the block."},
		{Name: "encoding", Default: "utf-8", Doc: "The encoding of the file; bytes are kept as they are.", Ignored: "lines are compared and kept as bytes"},
	},
	Rules:    modules.Rules{MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}}},
	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(ctx context.Context, m *modules.Run, a *blockinfileArgs) (*modules.Result, error) {
	e, err := openEdit(m, a.Path, &a.FileArgs)
	if err != nil {
		return nil, err
	}
	if !e.present {
		if !a.Create {
			return nil, modules.FailWith(map[string]any{"rc": 257}, "Path %s does not exist !", a.Path)
		}
		if a.State == "absent" {
			return &modules.Result{Data: map[string]any{"msg": "File " + a.Path + " not present"}}, nil
		}
		if err := e.makeParents(); err != nil {
			return nil, err
		}
	}
	b := &blockEdit{edit: e, a: a}
	if err := b.change(); err != nil {
		return nil, err
	}
	msg := ""
	changed := e.changed() || !e.present
	switch {
	case !changed:
	case !e.present:
		msg = "File created"
	case len(b.block) == 0:
		msg = "Block removed"
	default:
		msg = "Block inserted"
	}
	if changed {
		if err := e.save(ctx, a.Backup, a.Validate); err != nil {
			return nil, err
		}
	}
	data := map[string]any{}
	if e.backup != "" {
		data["backup_file"] = e.backup
	}
	return e.finish(changed, msg, data)
})

type blockEdit struct {
	*edit
	a     *blockinfileArgs
	block []string // with its markers; empty to remove
}

func (b *blockEdit) change() error {
	a := b.a
	begin := strings.ReplaceAll(a.Marker, "{mark}", a.MarkerBegin) + "\n"
	end := strings.ReplaceAll(a.Marker, "{mark}", a.MarkerEnd) + "\n"
	if a.State == "present" && a.Block != "" {
		text := a.Block
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		b.block = append(append([]string{begin}, splitKeep(text)...), end)
	}
	all := splitKeep(b.before)
	first, last := -1, -1
	for i, l := range all {
		// Of a marker without {mark} both lines are the same one.
		l = strings.TrimRight(l, "\r\n") + "\n"
		if l == begin {
			first = i
		}
		if l == end {
			last = i
		}
	}
	at, err := b.place(all)
	if err != nil {
		return err
	}
	switch {
	case first >= 0 && last >= 0 && first < last:
		all = append(all[:first:first], all[last+1:]...)
		at = first
	case first >= 0 && last >= 0:
		// The marks are the wrong way round: what is between them goes.
		all = append(all[:last:last], all[first+1:]...)
		at = last
	}
	b.after = strings.Join(b.put(all, at), "")
	return nil
}

// put inserts the block at a line, with the empty lines asked for.
func (b *blockEdit) put(all []string, at int) []string {
	// Ansible leaves a last line without its end where the block goes before it.
	if n := len(all); n > 0 && (at == n || len(b.block) == 0) && !strings.HasSuffix(all[n-1], "\n") {
		all[n-1] += "\n"
	}
	if len(b.block) == 0 {
		return all
	}
	before, behind := all[:at:at], all[at:]
	if n := len(before); b.a.PrependNewline && n > 0 && strings.TrimSpace(before[n-1]) != "" {
		before = append(before, "\n")
	}
	before = append(before, b.block...)
	if b.a.AppendNewline && len(behind) > 0 && strings.TrimSpace(behind[0]) != "" {
		before = append(before, "\n")
	}
	return append(before, behind...)
}

// place is where a new block goes.
func (b *blockEdit) place(all []string) (int, error) {
	pattern, offset := b.a.Insertafter, 1
	switch {
	case b.a.Insertbefore == "BOF":
		return 0, nil
	case b.a.Insertbefore != "":
		pattern, offset = b.a.Insertbefore, 0
	case pattern == "" || pattern == "EOF":
		return len(all), nil
	}
	// A pattern that spans lines is looked for in the whole text.
	re, err := pyre.Compile(pattern, 0)
	if err != nil {
		return 0, modules.Failf("the regular expression '%s' is invalid: %w", pattern, err)
	}
	if strings.HasPrefix(pattern, "(?m)") {
		if found := re.Search(b.before); found != nil {
			text := []rune(b.before)
			upto := found.Start(0)
			if offset == 1 {
				upto = found.End(0)
			}
			return strings.Count(string(text[:upto]), "\n") + offset, nil
		}
		return len(all), nil
	}
	at := -1
	for i, l := range all {
		if re.Search(l) != nil {
			at = i
		}
	}
	if at < 0 {
		return len(all), nil
	}
	return at + offset, nil
}
