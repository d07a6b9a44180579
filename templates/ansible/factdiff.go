package ansible

// This file holds the filter fact_diff
// (https://docs.ansible.com/ansible/latest/collections/ansible/utils/fact_diff_filter.html).

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"gorun/modules/pyre"
	"gorun/templates"
)

var factDiffParams = []param{
	{name: "before", required: true}, {name: "after", required: true}, {name: "plugin", kind: "dict", def: templates.NewDict(0)},
	{name: "common", kind: "bool", def: templates.Bool(false)},
}

func filterFactDiff(c *call, args map[string]value) (value, error) {
	skip, err := skippedLines(args["plugin"])
	if err != nil {
		return nil, err
	}
	before, err := diffSide(args["before"], skip)
	if err != nil {
		return nil, err
	}
	after, err := diffSide(args["after"], skip)
	if err != nil {
		return nil, err
	}
	diff := difflib.UnifiedDiff{A: endedLines(before), B: endedLines(after), FromFile: "before", ToFile: "after"}
	diff.Context = max(len(diff.A), len(diff.B))
	s, err := difflib.GetUnifiedDiffString(diff)
	if err != nil {
		return nil, err
	}
	var out []value
	common := truth(args["common"])
	for line := range strings.Lines(s) {
		if !common || !strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "-") {
			out = append(out, str(strings.TrimSuffix(ansiCodes.ReplaceAllString(line, ""), "\n")))
		}
	}
	if s != "" {
		out = append(out, str(""))
	}
	return str(repr(list(out))), nil
}

// ansiCodes are the control sequences of terminals (ECMA-48, 5.4).
var ansiCodes = regexp.MustCompile(`\x1b[@-_][0-?]*[ -/]*[@-~]`)

// endedLines are the lines of s with their ends; a last one without is marked.
func endedLines(s string) []string {
	if s == "" {
		return nil
	}
	lines := slices.Collect(strings.Lines(s))
	if last := &lines[len(lines)-1]; !strings.HasSuffix(*last, "\n") {
		*last += "\n\\ No newline at end of file\n"
	}
	return lines
}

// skippedLines are the patterns of the lines that are not compared.
func skippedLines(plugin value) ([]*pyre.Regexp, error) {
	opts := plugin.(templates.Mapping)
	for _, k := range opts.Keys() {
		if n := text(k); n != "name" && n != "vars" {
			return nil, fail("%s", repr(list([]value{str("plugin." + n + ". Supported parameters include: name, vars.")})))
		}
	}
	if name, ok, err := strKey(opts, "name"); err != nil || ok && text(name) != "ansible.utils.native" {
		return nil, fail("the diff plugin '%s' is not one of: ansible.utils.native", text(name))
	}
	vars, _, err := strKey(opts, "vars")
	m, ok := vars.(templates.Mapping)
	if err != nil || !ok {
		return nil, err
	}
	lines, ok, err := strKey(m, "skip_lines")
	if err != nil || !ok || lines == templates.None {
		return nil, err
	}
	elems, why := toListArg(lines)
	if why != "" {
		return nil, fail("%s", why)
	}
	var out []*pyre.Regexp
	for _, e := range elemsOf(elems) {
		re, err := pyre.Compile(text(e), 0)
		if err != nil {
			return nil, fail("Error when using filter plugin 'fact_diff': The regex '%s', is not valid. The error was %s.", text(e), err)
		}
		out = append(out, re)
	}
	return out, nil
}

// diffSide is the text of one side: mappings are JSON, lists a line an element.
func diffSide(v value, skip []*pyre.Regexp) (string, error) {
	if s, ok := isText(v); ok {
		if len(skip) == 0 {
			return s, nil
		}
		var lines []value
		for line := range strings.Lines(s) {
			lines = append(lines, str(strings.TrimSuffix(line, "\n")))
		}
		v = list(lines)
	}
	m, mapping := v.(templates.Mapping)
	if mapping && len(skip) == 0 {
		b, err := (&jsonStyle{item: ",", key: ": ", indent: "    ", pretty: true, sortKeys: true}).append(nil, m, 0)
		return string(b) + "\n", err
	}
	switch {
	case mapping:
		v = list(m.Keys())
	case !given(v):
		return "", nil
	case !isSequence(v):
		return "", raise(templates.AttributeError, "'%s' object has no attribute 'splitlines'", v.Type())
	}
	var kept []string
	for _, e := range elemsOf(v) {
		if s := text(e); !slices.ContainsFunc(skip, func(re *pyre.Regexp) bool { return re.Match(s) != nil }) {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, "\n") + "\n", nil
}
