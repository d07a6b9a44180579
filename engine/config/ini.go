package config

// This file reads ansible.cfg as Python's configparser does with ';' for
// comments behind values.

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

type iniFile struct {
	path string
	keys map[string]iniValue // by section.key
	// columns are where the values begin, by line.
	columns map[int]int
	// order holds the keys as they stand in the file.
	order []string
}

type iniValue struct {
	value string
	line  int
}

func readINI(path string) (*iniFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseINI(path, string(data))
}

func parseINI(path, text string) (*iniFile, error) {
	f := &iniFile{path: path, keys: map[string]iniValue{}, columns: map[int]int{}}
	section, last, indent := "", "", 0
	sections := map[string]bool{}
	text = strings.TrimPrefix(text, "\ufeff")
	for i, raw := range strings.Split(text, "\n") {
		fail := func(format string, args ...any) error {
			msg := fmt.Sprintf(format, args...)
			return &Error{
				File: path, Line: i + 1, Col: 1 + len(raw) - len(strings.TrimLeft(raw, " \t")), Msg: msg,
				Today: "Error reading config file (" + path + "): " + msg,
			}
		}
		line := stripComment(strings.TrimRight(raw, "\r"))
		trimmed := strings.TrimSpace(line)
		depth := len(line) - len(strings.TrimLeft(line, " \t"))
		switch {
		case trimmed == "":
			continue
		case last != "" && depth > indent:
			v := f.keys[last]
			v.value = strings.TrimLeft(v.value+"\n"+trimmed, "\n")
			f.keys[last] = v
			continue
		case trimmed[0] == '[':
			end := strings.LastIndexByte(trimmed, ']')
			if end < 2 {
				return nil, fail("File contains no section headers: '%s' has no closing bracket", trimmed)
			}
			section, last = trimmed[1:end], ""
			if sections[section] {
				return nil, fail("section '%s' already exists", section)
			}
			sections[section] = true
			continue
		case section == "":
			return nil, fail("File contains no section headers: '%s' stands before the first [section]", trimmed)
		}
		at := strings.IndexAny(trimmed, "=:")
		if at <= 0 {
			return nil, fail("'%s' is no 'key = value'", trimmed)
		}
		key := section + "." + strings.ToLower(strings.TrimSpace(trimmed[:at]))
		if _, dup := f.keys[key]; dup {
			return nil, fail("option '%s' in section '%s' already exists", key[len(section)+1:], section)
		}
		f.keys[key] = iniValue{value: strings.TrimSpace(trimmed[at+1:]), line: i + 1}
		f.columns[i+1] = 1 + len(line) - len(strings.TrimLeft(line[depth+at+1:], " \t"))
		f.order = append(f.order, key)
		last, indent = key, depth
	}
	return f, nil
}

// stripComment takes a comment off: a whole line after # or ;, or what follows
// a ';' behind a space.
func stripComment(line string) string {
	t := strings.TrimSpace(line)
	if strings.HasPrefix(t, "#") || strings.HasPrefix(t, ";") {
		return ""
	}
	for i := 1; i < len(line); i++ {
		if line[i] == ';' && (line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// unknownKeys lists the keys of [defaults] and [gorun] that no setting has.
func unknownKeys(f *iniFile) []string {
	var unknown []string
	for _, key := range f.order {
		if !strings.HasPrefix(key, "defaults.") && !strings.HasPrefix(key, "gorun.") {
			continue
		}
		known := slices.ContainsFunc(table, func(s setting) bool { return slices.Contains(s.ini, key) })
		if !known {
			unknown = append(unknown, fmt.Sprintf("%s:%d: [%s] %s", f.path, f.keys[key].line, key[:strings.IndexByte(key, '.')], key[strings.IndexByte(key, '.')+1:]))
		}
	}
	return unknown
}
