package packaging

// This file reads and edits apt's one-line sources.

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"gorun/modules"
)

// A sourceLine is one line of a sources.list.
type sourceLine struct {
	text    string // as it is in the file
	source  string // "deb [options] uri suite components" with single blanks, "" for other lines
	enabled bool
}

// A sourceFile is one file of sources; before is its text, nil where it is not
// there yet.
type sourceFile struct {
	path   string
	before *string
	lines  []sourceLine
}

func (f *sourceFile) text() string {
	var b strings.Builder
	for _, l := range f.lines {
		b.WriteString(l.text)
		b.WriteString("\n")
	}
	return b.String()
}

// changed reports whether the file is to be written.
func (f *sourceFile) changed() bool {
	if f.before == nil {
		return len(f.lines) > 0
	}
	return f.text() != *f.before
}

// parseSourceLine reads one line. What begins with # may be a source that is
// switched off.
func parseSourceLine(text string) sourceLine {
	l := sourceLine{text: text, enabled: true}
	s := strings.TrimSpace(text)
	if rest, off := strings.CutPrefix(s, "#"); off {
		l.enabled = false
		s = strings.TrimSpace(rest)
	}
	s, _, _ = strings.Cut(s, "#")
	f := strings.Fields(s)
	if len(f) >= 2 && (f[0] == "deb" || f[0] == "deb-src") {
		l.source = strings.Join(f, " ")
	}
	if l.source == "" {
		l.enabled = false
	}
	return l
}

// sourcesPlaces are the places of apt's configuration that the modules write.
type sourcesPlaces struct {
	list, parts, trusted string
}

func findSourcesPlaces(ctx context.Context, m *modules.Run) (sourcesPlaces, error) {
	p := sourcesPlaces{list: "/etc/apt/sources.list", parts: "/etc/apt/sources.list.d", trusted: "/etc/apt/trusted.gpg.d"}
	if m.Env["APT_CONFIG"] == "" && os.Getenv("APT_CONFIG") == "" {
		return p, nil
	}
	r, err := m.Command(ctx, modules.CommandOptions{}, "apt-config", "shell",
		"LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d", "TRUSTED", "Dir::Etc::trustedparts/d")
	if err != nil {
		return p, err
	}
	for line := range strings.Lines(r.Stdout) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		v = filepath.Clean(strings.Trim(v, "'"))
		switch k {
		case "LIST":
			p.list = v
		case "PARTS":
			p.parts = v
		case "TRUSTED":
			p.trusted = v
		}
	}
	return p, nil
}

// readSources reads sources.list and every *.list beside it.
func readSources(p sourcesPlaces) ([]*sourceFile, error) {
	files, err := filepath.Glob(filepath.Join(p.parts, "*.list"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var out []*sourceFile
	for _, file := range append([]string{p.list}, files...) {
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		text := string(b)
		f := &sourceFile{path: file, before: &text}
		for line := range strings.Lines(text) {
			f.lines = append(f.lines, parseSourceLine(strings.TrimRight(line, "\r\n")))
		}
		out = append(out, f)
	}
	return out, nil
}

var (
	unsafeInName  = regexp.MustCompile(`[^a-zA-Z0-9]`)
	optionsInLine = regexp.MustCompile(`\[[^\]]*\]`)
)

// sourceFileName derives a file's name from a source as Ansible does: the URI
// without its scheme and credentials, what is no letter or digit as "_".
func sourceFileName(source string) string {
	s := strings.Join(strings.Fields(optionsInLine.ReplaceAllString(source, "")), " ")
	f := strings.Fields(s)
	for _, word := range f {
		_, rest, ok := strings.Cut(word, "://")
		if !ok {
			continue
		}
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			rest = rest[at+1:]
		}
		return cleanFileName(rest)
	}
	if len(f) > 1 {
		return cleanFileName(f[1])
	}
	return cleanFileName(s)
}

func cleanFileName(s string) string {
	words := strings.Fields(unsafeInName.ReplaceAllString(s, " "))
	return strings.Join(words, "_")
}
