package posix

// This file runs the programs that the modules here drive.

import (
	"context"
	"strings"

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
		err = failed(res, program, args...)
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

func failed(res modules.CommandResult, program string, args ...string) error {
	text := strings.TrimSpace(res.Stderr)
	if text == "" {
		text = strings.TrimSpace(res.Stdout)
	}
	return modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr,
		"cmd": append([]string{program}, args...)}, "%s %s failed (rc %d): %s", program, strings.Join(args, " "), res.RC, text)
}
