// Package aptrepo makes the flat package repository that a lab's hosts install
// from: Debian packages fetched once on the machine, stand-ins for packages
// Debian 12 no longer has, and the index apt reads. Hosts see it as a
// file: repository, so that `apt-get update` works without any route.
package aptrepo

// This file finds out where the machine itself gets Debian's packages from.

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// A Source is one repository of the machine's apt sources.
type Source struct {
	URI        string
	Suite      string
	Components []string
	// Options are those between brackets in the one-line format, as
	// "signed-by=/usr/share/keyrings/x.gpg".
	Options []string
}

// String returns the source in the one-line format of sources.list(5).
func (s Source) String() string {
	opts := ""
	if len(s.Options) > 0 {
		opts = " [" + strings.Join(s.Options, " ") + "]"
	}
	return fmt.Sprintf("deb%s %s %s %s", opts, s.URI, s.Suite, strings.Join(s.Components, " "))
}

// Sources reads the sources of the apt configuration below etc (normally
// "/etc/apt") that carry the Debian release codename, its updates, and its
// security suite. It is an error if the release itself is not among them.
func Sources(etc, codename string) ([]Source, error) {
	var all []Source
	files := []string{filepath.Join(etc, "sources.list")}
	more, err := filepath.Glob(filepath.Join(etc, "sources.list.d", "*"))
	if err != nil {
		return nil, err
	}
	sort.Strings(more)
	for _, name := range append(files, more...) {
		data, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		switch filepath.Ext(name) {
		case ".list":
			all = append(all, parseList(string(data))...)
		case ".sources":
			all = append(all, parseDeb822(string(data))...)
		}
	}
	var out []Source
	main := false
	for _, s := range all {
		if s.Suite != codename && s.Suite != codename+"-updates" && s.Suite != codename+"-security" {
			continue
		}
		if !slices.Contains(s.Components, "main") {
			continue
		}
		main = main || s.Suite == codename
		out = append(out, s)
	}
	if !main {
		return nil, fmt.Errorf("no source for Debian %s in %s: the lab's hosts are made from the machine's own mirror", codename, etc)
	}
	return out, nil
}

// Mirror returns the URI that carries the release itself.
func Mirror(sources []Source, codename string) string {
	for _, s := range sources {
		if s.Suite == codename {
			return s.URI
		}
	}
	return ""
}

// parseList reads the one-line format; lines it does not know are not for us.
func parseList(text string) []Source {
	var out []Source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
		if !ok {
			continue
		}
		var opts []string
		rest = strings.TrimSpace(rest)
		if inner, after, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]"); ok && strings.HasPrefix(rest, "[") {
			opts = strings.Fields(inner)
			rest = after
		}
		f := strings.Fields(rest)
		if len(f) < 3 {
			continue
		}
		out = append(out, Source{URI: f[0], Suite: f[1], Components: f[2:], Options: opts})
	}
	return out
}

// parseDeb822 reads stanzas of "Key: value" lines.
func parseDeb822(text string) []Source {
	var out []Source
	stanza := map[string]string{}
	flush := func() {
		out = append(out, fromStanza(stanza)...)
		stanza = map[string]string{}
	}
	sc := bufio.NewScanner(strings.NewReader(text))
	last := ""
	for sc.Scan() {
		line := sc.Text()
		switch {
		case strings.TrimSpace(line) == "":
			flush()
		case strings.HasPrefix(line, "#"):
		case line[0] == ' ' || line[0] == '\t':
			stanza[last] += "\n" + strings.TrimSpace(line)
		default:
			key, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(strings.TrimSpace(key))
			stanza[last] = strings.TrimSpace(value)
		}
	}
	flush()
	return out
}

func fromStanza(s map[string]string) []Source {
	if !slices.Contains(strings.Fields(s["types"]), "deb") || strings.EqualFold(s["enabled"], "no") {
		return nil
	}
	var opts []string
	// A key given inline spans lines, which the one-line format cannot carry.
	if key := s["signed-by"]; key != "" && !strings.Contains(key, "\n") {
		opts = append(opts, "signed-by="+key)
	}
	if t := s["trusted"]; t != "" {
		opts = append(opts, "trusted="+t)
	}
	var out []Source
	for _, uri := range strings.Fields(s["uris"]) {
		for _, suite := range strings.Fields(s["suites"]) {
			out = append(out, Source{URI: uri, Suite: suite, Components: strings.Fields(s["components"]), Options: opts})
		}
	}
	return out
}
