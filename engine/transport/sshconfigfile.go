package transport

// This file reads ssh_config(5) files.

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gorun/modules"
)

// includeDepth bounds Include within Include, as ssh does.
const includeDepth = 16

// systemConfig is the file that holds for all users.
const systemConfig = "/etc/ssh/ssh_config"

// configLine splits a line of a configuration file; name is "" for an empty one.
func configLine(line string) (name string, values []string, err error) {
	line = strings.Trim(line, " \t\r\f\n")
	if line == "" || line[0] == '#' {
		return "", nil, nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return "", nil, fmt.Errorf("%q has no value", line)
	}
	name = strings.Trim(line[:end], `"`)
	rest := strings.TrimLeft(line[end:], " \t")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
	switch strings.ToLower(name) {
	case "proxycommand", "remotecommand", "localcommand": // a shell's line: its quotes stay
		values = []string{rest}
	default:
		if values, err = splitConfig(rest); err != nil {
			return "", nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	if rest == "" || len(values) == 0 {
		err = fmt.Errorf("%q has no value", line)
	}
	return name, values, err
}

// splitConfig splits what stands behind a keyword: words may be quoted, and a
// word that begins with # begins a comment.
func splitConfig(s string) ([]string, error) {
	var out []string
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' || s[i] == '\t' {
			continue
		}
		if s[i] == '#' {
			break
		}
		word, n, err := configWord(s[i:])
		if err != nil {
			return nil, err
		}
		out = append(out, word)
		i += n
	}
	return out, nil
}

// configWord reads a word at the start of s, and says how long it is there. A
// backslash stands for itself but before a quote, a backslash or, outside of
// quotes, a blank.
func configWord(s string) (word string, n int, err error) {
	var b strings.Builder
	quote := byte(0)
	for ; n < len(s); n++ {
		c := s[n]
		switch {
		case c == '\\' && n+1 < len(s) && (strings.IndexByte(`'"\`, s[n+1]) >= 0 || quote == 0 && s[n+1] == ' '):
			n++
			b.WriteByte(s[n])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), n, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", n, errors.New("a quote is not closed")
	}
	return b.String(), n, nil
}

// A configParser reads configuration files for one host.
type configParser struct {
	into      *sshConfig
	localUser string
	// host is what Host lines are compared with: the name that was asked for,
	// in the final pass the one that it stands for.
	host       string
	final      bool // this is the final pass
	wantsFinal bool // a Match asks for one
}

// files reads the files that count: one that was asked for, or the usual ones.
func (p *configParser) files() error {
	files := p.into.files
	if files == nil {
		files = []string{modules.ExpandPath("~/.ssh/config", nil), systemConfig}
	}
	for _, f := range files {
		err := p.file(f, f == systemConfig, 0, true)
		if errors.Is(err, fs.ErrNotExist) && p.into.files == nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("ssh configuration: %w", err)
		}
	}
	return nil
}

// file reads one file; what is inside of a Host or Match that is not meant is
// left out. meant is false for a file whose Include stands in such a one.
func (p *configParser) file(path string, system bool, depth int, meant bool) error {
	if depth > includeDepth {
		return fmt.Errorf("%s: Include goes too deep", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	active := meant
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		name, values, err := configLine(s.Text())
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		switch strings.ToLower(name) {
		case "":
		case "host":
			active = meant && matchNames(values, p.host)
		case "match":
			ok, err := p.match(values)
			if err != nil {
				return fmt.Errorf("%s:%d: %w", path, n, err)
			}
			active = meant && ok
		case "include":
			if err := p.include(values, system, depth, active); err != nil {
				return err
			}
		default:
			if active {
				p.into.add(name, values...)
			}
		}
	}
	return s.Err()
}

// include reads further files: also those that are not meant for the host may
// ask for a final pass.
func (p *configParser) include(globs []string, system bool, depth int, meant bool) error {
	for _, g := range globs {
		g = modules.ExpandPath(g, nil)
		if !filepath.IsAbs(g) {
			dir := modules.ExpandPath("~/.ssh", nil)
			if system {
				dir = filepath.Dir(systemConfig)
			}
			g = filepath.Join(dir, g)
		}
		files, err := filepath.Glob(g)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := p.file(f, system, depth+1, meant); err != nil {
				return err
			}
		}
	}
	return nil
}

// match evaluates the criteria of a Match line.
func (p *configParser) match(words []string) (bool, error) {
	result := true
	for i := 0; i < len(words); i++ {
		word, value, hasValue := strings.Cut(words[i], "=")
		criterion, negated := strings.ToLower(word), false
		if strings.HasPrefix(criterion, "!") {
			criterion, negated = criterion[1:], true
		}
		var ok bool
		switch criterion {
		case "all":
			ok = true
		case "canonical":
			ok = p.final
		case "final":
			ok, p.wantsFinal = p.final, true
		default:
			if !hasValue {
				if i++; i == len(words) {
					return false, fmt.Errorf("Match %s needs a value", criterion)
				}
				value = words[i]
			}
			if !result && criterion == "exec" {
				continue // it need not be run
			}
			var err error
			if ok, err = p.criterion(criterion, value); err != nil {
				return false, err
			}
		}
		result = result && ok != negated
	}
	return result, nil
}

func (p *configParser) criterion(name, value string) (bool, error) {
	c := p.into
	switch name {
	case "host":
		return matchList(strings.ToLower(value), strings.ToLower(firstOf(c.hostName(), p.host))), nil
	case "originalhost":
		return matchList(strings.ToLower(value), strings.ToLower(c.alias)), nil
	case "user":
		return matchList(value, firstOf(c.get("User"), p.localUser)), nil
	case "localuser":
		return matchList(value, p.localUser), nil
	case "tagged":
		return matchList(value, c.get("Tag")), nil
	case "exec":
		now := *c
		now.host, now.port, now.user = firstOf(c.hostName(), p.host), c.number("Port", 22), firstOf(c.get("User"), p.localUser)
		return exec.Command(firstOf(os.Getenv("SHELL"), "/bin/sh"), "-c", now.expand(value)).Run() == nil, nil
	case "localnetwork":
		return onNetwork(value), nil
	case "command", "sessiontype", "version":
		return false, nil
	}
	return false, fmt.Errorf("unknown Match criterion %q", name)
}

// matchList matches a list with commas; see [matchNames].
func matchList(patterns, s string) bool { return matchNames(strings.Split(patterns, ","), s) }

// matchNames matches as ssh: * and ?, and ! excludes.
func matchNames(patterns []string, s string) bool {
	found := false
	for _, p := range patterns {
		negated := strings.HasPrefix(p, "!")
		if wildcard(strings.TrimPrefix(p, "!"), s) {
			if negated {
				return false
			}
			found = true
		}
	}
	return found
}

// wildcard matches with * and ?.
func wildcard(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == s[j]) && pattern[i] != '*':
			i++
			j++
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
