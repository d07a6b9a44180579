package packaging

// This file has what the modules over other package managers share.

import (
	"context"
	"slices"
	"strings"

	"gorun/modules"
)

// A client is a package manager's program for one run of a module.
type client struct {
	ctx  context.Context
	m    *modules.Run
	base []string // the program and what comes before every command
	dir  string
	env  map[string]string
}

// newClient finds the program, also in extra folders; own is the task's option for it, the
// program with arguments perhaps, which counts where it is given.
func newClient(ctx context.Context, m *modules.Run, program, own string, extra ...string) (*client, error) {
	c := &client{ctx: ctx, m: m}
	if own != "" {
		c.base = strings.Split(own, " ")
		return c, nil
	}
	bin, err := m.RequireBin(program, extra...)
	c.base = []string{bin}
	return c, err
}

// words are the words of a command while it is made.
type words []string

// add adds words where on is true.
func (w *words) add(on bool, more ...string) {
	if on {
		*w = append(*w, more...)
	}
}

// run runs the program; an exit code is no error.
func (c *client) run(args ...string) (modules.CommandResult, error) {
	return c.m.Command(c.ctx, modules.CommandOptions{Dir: c.dir, Env: c.env}, c.argv(args...)...)
}

func (c *client) argv(args ...string) []string { return slices.Concat(c.base, args) }

// output is run with a failure, of Ansible's keys, for an exit code other than 0.
func (c *client) output(args ...string) (string, error) {
	res, err := c.run(args...)
	if err == nil && res.RC != 0 {
		err = modules.FailWith(map[string]any{"rc": res.RC, "stdout": res.Stdout, "stderr": res.Stderr,
			"cmd": strings.Join(c.argv(args...), " ")}, "%s", strings.TrimRight(res.Stderr, "\n"))
	}
	return res.Stdout, err
}

// shellWords cuts text into words as a POSIX shell does: quotes and
// backslashes, no expansions.
func shellWords(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	open := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' || c == '"':
			open = true
			end := closing(s[i+1:], c)
			if end < 0 {
				return nil, modules.Failf("No closing quotation")
			}
			text := s[i+1 : i+1+end]
			if c == '"' {
				text = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(text)
			}
			word.WriteString(text)
			i += end + 1
		case c == '\\' && i+1 < len(s):
			open = true
			i++
			word.WriteByte(s[i])
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if open {
				out = append(out, word.String())
				word.Reset()
				open = false
			}
		default:
			open = true
			word.WriteByte(c)
		}
	}
	if open {
		out = append(out, word.String())
	}
	return out, nil
}

// closing finds the quote that ends a quoted text.
func closing(s string, quote byte) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && quote == '"' {
			i++
		} else if s[i] == quote {
			return i
		}
	}
	return -1
}
