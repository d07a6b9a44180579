package posix

// This file reads and edits fstab.

import (
	"errors"
	"os"
	"strings"

	"gorun/modules"
	"gorun/modules/oserr"
)

type fstabEntry struct {
	src, path, fstype, opts, dump, passno string
}

// fstabEscape writes blanks in a field as fstab has them (octal).
var fstabEscape = strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`)
var fstabUnescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func (e fstabEntry) line() string {
	return strings.Join([]string{fstabEscape.Replace(e.src), fstabEscape.Replace(e.path), fstabEscape.Replace(e.fstype),
		fstabEscape.Replace(e.opts), e.dump, e.passno}, " ") + "\n"
}

// parseFstab reads a line; comments and lines that are no entries are not ok.
func parseFstab(line string) (e fstabEntry, fields int, ok bool) {
	t := strings.TrimSpace(line)
	if t == "" || t[0] == '#' {
		return e, 0, false
	}
	f := strings.Fields(t)
	if len(f) < 4 || len(f) > 6 {
		return e, len(f), false
	}
	for i := range f {
		f[i] = fstabUnescape.Replace(f[i])
	}
	e = fstabEntry{src: f[0], path: f[1], fstype: f[2], opts: f[3]}
	if len(f) > 4 {
		e.dump = f[4]
	}
	if len(f) > 5 {
		e.passno = f[5]
	}
	return e, len(f), true
}

// editFstab makes or removes the line and reports whether fstab changed.
func (r *mountRun) editFstab(present bool) (bool, error) {
	data, err := os.ReadFile(r.fstab)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, modules.Failf("could not read %s: %s", r.fstab, oserr.Text(err))
	}
	if err == nil {
		r.old = data
	} else if !r.m.Check {
		// A fstab that is missing is made, empty.
		if err := os.WriteFile(r.fstab, nil, 0o644); err != nil {
			return false, modules.Failf("could not make %s: %s", r.fstab, oserr.Text(err))
		}
	}
	text := r.newFstab(string(data), present)
	if text == string(data) {
		return false, nil
	}
	if r.m.Diff {
		r.diff = []modules.Diff{{Before: string(data), After: text, BeforeHeader: r.fstab, AfterHeader: r.fstab}}
	}
	if r.m.Check {
		return true, nil
	}
	if r.a.Backup {
		if r.backup, err = r.m.Backup(r.fstab); err != nil {
			return false, err
		}
	}
	return true, r.m.WriteFile(r.ctx, r.fstab, []byte(text), "", false)
}

func (r *mountRun) newFstab(text string, present bool) string {
	var b strings.Builder
	found := false
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		e, fields, ok := parseFstab(line)
		if !ok || !r.matches(e) {
			b.WriteString(line)
			continue
		}
		if !present {
			continue
		}
		found = true
		if fields == 6 && e == r.want {
			b.WriteString(line)
		} else {
			b.WriteString(r.want.line())
		}
	}
	if present && !found {
		b.WriteString(r.want.line())
	}
	// Text that needs no change keeps its missing newline.
	if out := b.String(); out != text+"\n" || text == "" {
		return out
	}
	return text
}

// matches finds the line of the mount point; swap has none, its device counts.
func (r *mountRun) matches(e fstabEntry) bool {
	if e.path != r.path {
		return false
	}
	return !(e.path == "none" && e.fstype == "swap" && r.a.Src != "" && e.src != r.a.Src)
}

// restoreFstab undoes editFstab.
func (r *mountRun) restoreFstab() {
	if r.m.Check {
		return
	}
	if r.old == nil {
		if data, err := os.ReadFile(r.fstab); err == nil && string(data) == r.newFstab("", true) {
			os.Remove(r.fstab)
		}
		return
	}
	if err := r.m.WriteFile(r.ctx, r.fstab, r.old, "", false); err != nil {
		r.m.Warn("could not restore %s: %v", r.fstab, err)
	}
}
