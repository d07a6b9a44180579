package callback

// This file defines the callbacks that write a file a host: tree, with the
// last result, and log_plays, with all
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/tree_callback.html).

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorun/templates"
)

// tree keeps each host's last result in a file.
type tree struct {
	silent
	dir    string
	s      *Screen
	dumper *Default
}

func newTree(dir string, s *Screen) *tree {
	return &tree{dir: dir, s: s, dumper: NewDefault(s, Settings{})}
}

func (t *tree) Result(r Result) {
	if r.Status == Skipped {
		return
	}
	if shortName(r.Task.Action) == "debug" && r.Status != Failed && !r.NoLog {
		r.Task.Action = "assert" // shown whole too, with all its keys
	}
	if err := writeUnder(t.dir, r.Host, os.O_TRUNC, t.s.Secrets.Mask(t.dumper.dump(r))); err != nil {
		t.dumper.Warning("Unable to write to " + r.Host + "'s file: " + err.Error())
	}
}

// writeUnder writes text to the host's file of a folder, which is made.
func writeUnder(dir, host string, mode int, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := strings.ReplaceAll(host, "/", "_") // a name must not lead out of the folder
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|mode, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// logPlays appends each result to the host's log.
type logPlays struct {
	silent
	dir  string
	book string
	warn *Default
}

func newLogPlays(dir string, s *Screen) *logPlays {
	return &logPlays{dir: dir, warn: NewDefault(s, Settings{})}
}

func (l *logPlays) PlaybookStart(file string) { l.book = filepath.Base(file) }

func (l *logPlays) Result(r Result) {
	name := r.Task.Name
	if _, bare, ok := strings.Cut(name, " : "); ok {
		name = bare
	}
	line := fmt.Sprintf("%s - %s - %s - %s - %s - %s\n\n", time.Now().Format("Jan 02 2006 15:04:05"),
		l.book, name, shortName(r.Task.Action), l.word(r), logData(r.Data))
	if err := writeUnder(l.dir, r.Host, os.O_APPEND, l.warn.s.Secrets.Mask(line)); err != nil {
		l.warn.Warning("log_plays: " + err.Error())
	}
}

func (*logPlays) word(r Result) string {
	switch r.Status {
	case Failed:
		return "FAILED"
	case Skipped:
		return "SKIPPED"
	case Unreachable:
		return "UNREACHABLE"
	}
	return "OK"
}

// logData is a result on one line, with what the module was called with before it.
func logData(data *templates.Dict) string {
	rest := templates.NewDict(data.Len())
	called := ""
	for k, v := range data.All {
		key := keyText(k)
		switch {
		case key == "invocation":
			called = asciiJSON(dumpJSON(v, 0)) + " => "
		case !strings.HasPrefix(key, "_ansible_") && key != "failed" && key != "skipped":
			rest.SetStr(key, v)
		}
	}
	if called == "" {
		return asciiJSON(dumpJSON(rest, 0))
	}
	return called + asciiJSON(dumpJSON(rest, 0)) + " "
}
