package lookup

// This file runs the programs that lookups of collections ask, and reads the
// settings that these have beside their arguments.

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"gorun/templates"
)

// sources are where an option is looked for that no argument gives: variables,
// the environment, and a key of ansible.cfg as section.key, in this order.
type sources struct {
	vars, env []string
	ini       string
}

// option is an option from the arguments or one of its sources; "" where it is
// nowhere.
func (c *call) option(name string, from sources) (string, error) {
	if v, ok := c.given(name); ok {
		return text(v), nil
	}
	for _, n := range from.vars {
		v, ok, err := c.variable(n)
		if err != nil {
			return "", err
		}
		if ok && v != templates.None {
			return text(v), nil
		}
	}
	for _, n := range from.env {
		if v, ok := os.LookupEnv(n); ok {
			return v, nil
		}
	}
	if from.ini != "" && c.t.o.Config != nil {
		if v, _, ok := c.t.o.Config(from.ini); ok {
			return text(v), nil
		}
	}
	return "", nil
}

// A commandError is a program that failed.
type commandError struct {
	args   []string
	code   int
	output string // what it wrote, standard error last
	errors string // its standard error alone
}

func (e *commandError) Error() string {
	args := make([]templates.Value, len(e.args))
	for i, a := range e.args {
		args[i] = str(a)
	}
	return fmt.Sprintf("exit code %d while running %s. Error output: %s", e.code, templates.Repr(templates.NewList(args...), templates.Current), e.output)
}

// now is the error as the current release shows it, with what caused it.
func (e *commandError) now() error {
	args := make([]templates.Value, len(e.args))
	for i, a := range e.args {
		args[i] = str(a)
	}
	return fmt.Errorf("%s: Command '%s' returned non-zero exit status %d.", strings.TrimRight(e.Error(), "\n"), templates.Repr(templates.NewList(args...), templates.Current), e.code)
}

// program runs a program with input on its standard input and gives its
// standard output. A failure is a [commandError]; that there is no such program
// is Python's FileNotFoundError.
func (c *call) program(input string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(c.ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return "", &commandError{args, exit.ExitCode(), out.String() + errs.String(), errs.String()}
	case errors.Is(err, exec.ErrNotFound):
		return "", raise("FileNotFoundError", "[Errno 2] No such file or directory: '%s'", args[0])
	case err != nil:
		return "", raise("OSError", "%s", err)
	}
	if strings.Contains(out.String()+errs.String(), "encryption failed: Unusable public key") {
		return "", &commandError{args, 78, out.String() + errs.String(), errs.String()} // gpg's caller does not look
	}
	return out.String(), nil
}
