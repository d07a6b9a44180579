package posix

// This file runs the programs that the modules here drive.

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"gorun/modules"
)

// A tool runs programs for one run of a module.
type tool struct {
	ctx context.Context
	m   *modules.Run
}

// run runs a program that must be there; an exit code is no error.
func (t tool) run(program string, args ...string) (modules.CommandResult, error) {
	bin, err := t.m.RequireBin(program)
	if err != nil {
		return modules.CommandResult{}, err
	}
	return t.m.Command(t.ctx, modules.CommandOptions{}, append([]string{bin}, args...)...)
}

// must is run with a failure for an exit code other than 0.
func (t tool) must(program string, args ...string) (modules.CommandResult, error) {
	res, err := t.run(program, args...)
	if err == nil && res.RC != 0 {
		err = failed(res, t.m.BinPath(program), args...)
	}
	return res, err
}

// change is must that does nothing in check mode.
func (t tool) change(program string, args ...string) error {
	if t.m.Check {
		return nil
	}
	_, err := t.must(program, args...)
	return err
}

// failed is a program's failure in the form of Ansible's run_command: the
// message is what the program wrote to stderr.
func failed(res modules.CommandResult, program string, args ...string) error {
	text := strings.TrimRightFunc(res.Stderr, unicode.IsSpace)
	words := []string{modules.ShellQuote(program)}
	for _, a := range args {
		words = append(words, modules.ShellQuote(a))
	}
	cmd := strings.Join(words, " ")
	if text == "" {
		text = strings.TrimSpace(fmt.Sprintf("%s failed (rc %d)\n%s", cmd, res.RC, res.Stdout))
	}
	return modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr, "cmd": cmd}, "%s", text)
}
