package files

import (
	"context"
	"fmt"
	"strings"

	"gorun/modules"
	"gorun/modules/pyre"
)

type lineinfileArgs struct {
	modules.FileArgs
	Backrefs     bool    `arg:"backrefs"`
	Backup       bool    `arg:"backup"`
	Create       bool    `arg:"create"`
	Encoding     string  `arg:"encoding"`
	Firstmatch   bool    `arg:"firstmatch"`
	Insertafter  string  `arg:"insertafter"`
	Insertbefore string  `arg:"insertbefore"`
	Line         *string `arg:"line"`
	Path         string  `arg:"path"`
	Regexp       string  `arg:"regexp"`
	SearchString string  `arg:"search_string"`
	State        string  `arg:"state"`
	Validate     string  `arg:"validate"`
}

// plainEncodings are Python's names of the encodings that a file is edited in.
var plainEncodings = map[string]bool{"utf-8": true, "utf8": true, "u8": true, "utf_8": true, "ascii": true, "us-ascii": true, "646": true}

// Lineinfile is ansible.builtin.lineinfile.
var Lineinfile = modules.Define(modules.Spec{
	Name: "ansible.builtin.lineinfile",
	Doc:  "Make sure that a line is in a text file, or is not.",
	Options: []modules.Option{
		{Name: "backrefs", Type: modules.Bool, Default: false, Doc: "Fill \\1 and the like in line from the match; nothing is added where nothing matches."},
		{Name: "backup", Type: modules.Bool, Default: false, Doc: "Keep a copy of the file as it was."},
		{Name: "create", Type: modules.Bool, Default: false, Doc: "Make the file where it is missing."},
		{Name: "encoding", Default: "utf-8", Doc: "The file's encoding; only UTF-8 and ASCII are known."},
		{Name: "firstmatch", Type: modules.Bool, Default: false, Doc: "Take the first line that matches in place of the last."},
		{Name: "insertafter", Doc: "A regular expression: a new line goes behind the last line that matches; EOF is the end."},
		{Name: "insertbefore", Doc: "A regular expression: a new line goes before the last line that matches; BOF is the beginning."},
		{Name: "line", Aliases: []string{"value"}, Doc: "The line."},
		{Name: "path", Type: modules.Path, Required: true, Aliases: []string{"dest", "destfile", "name"}, Doc: "The file."},
		{Name: "regexp", Aliases: []string{"regex"}, Doc: "The line to replace, or the lines to remove."},
		{Name: "search_string", Doc: "A text that the line to replace contains, in place of regexp."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the line is to be there."},
		{Name: "validate", Doc: "A command that checks the new file (%s) before it is put in place."},
	},
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}, {"regexp", "search_string"}, {"backrefs", "search_string"}}},

	FileArgs: true,
	Check:    modules.Full,
	Diff:     modules.Full,
}, func(ctx context.Context, m *modules.Run, a *lineinfileArgs) (*modules.Result, error) {
	if !plainEncodings[strings.ToLower(a.Encoding)] {
		return nil, modules.Failf("encoding %s is not supported: files are edited as utf-8 or ascii", a.Encoding)
	}
	noRegexp := m.Params["regexp"] == nil
	if a.State == "present" {
		if a.Backrefs && noRegexp {
			return nil, modules.Failf("regexp is required with backrefs=true")
		}
		if a.Line == nil {
			return nil, modules.Failf("line is required with state=present")
		}
	} else if noRegexp && a.SearchString == "" && a.Line == nil {
		return nil, modules.Failf("one of line, search_string, or regexp is required with state=absent")
	}
	if a.Regexp == "" && !noRegexp {
		m.Warn("The regular expression is an empty string, which will match every line in the file. " +
			"This may have unintended consequences, such as replacing the last line in the file rather than appending.")
	}
	if a.SearchString == "" && m.Params["search_string"] != nil {
		m.Warn("The search string is an empty string, which will match every line in the file. " +
			"This may have unintended consequences, such as replacing the last line in the file rather than appending.")
	}
	e, err := openEdit(m, a.Path, &a.FileArgs)
	if err != nil {
		return nil, err
	}
	l := &lineEdit{edit: e, a: a}
	if err := l.compile(); err != nil {
		return nil, err
	}
	if a.State == "absent" {
		return l.absent(ctx)
	}
	return l.present(ctx)
})

type lineEdit struct {
	*edit
	a             *lineinfileArgs
	re            *pyre.Regexp
	after, before *pyre.Regexp // insertafter, insertbefore
	lines         []string
}

func (l *lineEdit) compile() error {
	for _, p := range []struct {
		text string
		into **pyre.Regexp
		skip string
	}{{l.a.Regexp, &l.re, ""}, {l.a.Insertafter, &l.after, "EOF"}, {l.a.Insertbefore, &l.before, "BOF"}} {
		if p.text == "" || p.text == p.skip || p.skip != "" && (p.text == "BOF" || p.text == "EOF") {
			continue
		}
		re, err := pyre.Compile(p.text, 0)
		if err != nil {
			return modules.Failf("the regular expression '%s' is invalid: %w", p.text, err)
		}
		*p.into = re
	}
	if l.a.Regexp == "" && l.m.Params["regexp"] != nil {
		l.re = pyre.MustCompile("", 0)
	}
	return nil
}

func chomp(s string) string { return strings.TrimRight(s, "\r\n") }

func (l *lineEdit) present(ctx context.Context) (*modules.Result, error) {
	if !l.edit.present {
		if !l.a.Create {
			return nil, modules.FailWith(map[string]any{"rc": 257}, "Destination %s does not exist !", l.path)
		}
		if err := l.makeParents(); err != nil {
			return nil, err
		}
	}
	l.lines = splitKeep(l.edit.before)
	msg := l.change()
	l.edit.after = strings.Join(l.lines, "")
	changed := msg != ""
	if changed {
		if err := l.save(ctx, l.a.Backup, l.a.Validate); err != nil {
			return nil, err
		}
	}
	return l.finish(changed, msg, map[string]any{"backup": l.backup})
}

// find returns the line to replace, the match in it, and the line that
// insertafter or insertbefore means; -1 is none.
func (l *lineEdit) find() (at int, match *pyre.Match, anchor int) {
	at, anchor = -1, -1
	line := chomp(*l.a.Line)
	for i, text := range l.lines {
		cur := chomp(text)
		var found bool
		switch {
		case l.re != nil:
			if mm := l.re.Search(cur); mm != nil {
				found, match = true, mm
			}
		case l.a.SearchString != "":
			found = strings.Contains(cur, l.a.SearchString)
		default:
			found = cur == line
		}
		switch {
		case found:
			at = i
			if l.a.Firstmatch {
				return at, match, anchor
			}
		case l.after != nil && l.after.Search(cur) != nil:
			if anchor < 0 || !l.a.Firstmatch {
				anchor = i + 1
			}
		case l.before != nil && l.before.Search(cur) != nil:
			if anchor < 0 || !l.a.Firstmatch {
				anchor = i
			}
		}
	}
	return at, match, anchor
}

// change edits the lines and says what it did, "" for nothing.
func (l *lineEdit) change() string {
	at, match, anchor := l.find()
	line := *l.a.Line
	if at < 0 && (l.re != nil || l.a.SearchString != "") && !l.a.Backrefs {
		// Nothing matches: the line itself may be there already.
		for i, text := range l.lines {
			if chomp(text) == chomp(line) {
				at = i
				if l.lines[i] == line+"\n" || chomp(l.lines[i]) == line {
					return ""
				}
			}
		}
	}
	if at >= 0 {
		if l.a.Backrefs && match != nil {
			if expanded, err := match.Expand(line); err == nil {
				line = expanded
			}
		}
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		if l.lines[at] == line {
			return ""
		}
		l.lines[at] = line
		return "line replaced"
	}
	if l.a.Backrefs {
		return ""
	}
	switch {
	case l.a.Insertbefore == "BOF" || l.a.Insertafter == "BOF":
		l.insert(0, line)
	case anchor >= 0:
		l.insert(anchor, line)
	default:
		l.insert(len(l.lines), line)
	}
	return "line added"
}

func (l *lineEdit) insert(i int, line string) {
	if n := len(l.lines); i == n && n > 0 && !strings.HasSuffix(l.lines[n-1], "\n") {
		l.lines[n-1] += "\n"
	}
	if !strings.HasSuffix(line, "\n") {
		line += "\n"
	}
	l.lines = append(l.lines[:i], append([]string{line}, l.lines[i:]...)...)
}

func (l *lineEdit) absent(ctx context.Context) (*modules.Result, error) {
	if !l.edit.present {
		return &modules.Result{Data: map[string]any{"msg": "file not present"}}, nil
	}
	var kept []string
	found := 0
	for _, text := range splitKeep(l.edit.before) {
		cur := chomp(text)
		var hit bool
		switch {
		case l.re != nil:
			hit = l.re.Search(cur) != nil
		case l.a.SearchString != "":
			hit = strings.Contains(cur, l.a.SearchString)
		default:
			hit = cur == chomp(*l.a.Line)
		}
		if hit {
			found++
		} else {
			kept = append(kept, text)
		}
	}
	msg := ""
	if found > 0 {
		l.edit.after = strings.Join(kept, "")
		msg = fmt.Sprintf("%d line(s) removed", found)
		if err := l.save(ctx, l.a.Backup, ""); err != nil {
			return nil, err
		}
	}
	return l.finish(found > 0, msg, map[string]any{"found": found, "backup": l.backup})
}
