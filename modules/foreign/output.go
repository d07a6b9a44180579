package foreign

// This file reads what modules print.

import (
	"regexp"
	"strings"

	"gorun/modules"
)

// Filter takes the JSON object out of a module's output: what stands before
// the first line that opens it and behind the last that closes it is dropped.
// junk is what was behind it; ok is false where there is no object.
func Filter(out string) (object, junk string, ok bool) {
	lines := modules.SplitLines(out)
	start := 0
	for start < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[start]), "{") {
		start++
	}
	end := len(lines)
	for end > start && !strings.HasSuffix(strings.TrimSpace(lines[end-1]), "}") {
		end--
	}
	if end == start {
		return "", "", false
	}
	if rest := strings.Join(lines[end:], "\n"); strings.TrimSpace(rest) != "" {
		junk = rest
	}
	return strings.Join(lines[start:end], "\n"), junk, true
}

// FailureText is Ansible's message for output that holds no result.
func FailureText(interpreter, stdout, stderr string, current bool) string {
	interpreter = strings.TrimSpace(interpreter)
	missing := false
	if interpreter != "" {
		re, err := regexp.Compile(regexp.QuoteMeta(interpreter) + ": (?:No such file or directory|not found|command not found)")
		missing = err == nil && (re.MatchString(stderr) || re.MatchString(stdout))
	}
	switch {
	case current && missing:
		return "The module interpreter '" + interpreter + "' was not found."
	case current:
		return "Module result deserialization failed: No start of json char found"
	case missing:
		return "The module failed to execute correctly, you probably need to set the interpreter.\nSee stdout/stderr for the exact error"
	}
	return "MODULE FAILURE\nSee stdout/stderr for the exact error"
}
