package main

// This file defines gorun vars: which layer, file and line gave a variable of a host.

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"gorun/engine/spell"
	"gorun/templates"
	"gorun/vars"
)

func varsFlags() []cli.Flag {
	return append(commonFlags(),
		str("playbook-dir", "folder whose group_vars and host_vars are used"),
		list("playbook", "go through the plays, roles and tasks of this playbook too", "p"),
	)
}

func runVars(c *cli.Context) error {
	if c.Args().Len() < 1 || c.Args().Len() > 2 {
		return usageError("vars takes HOST [NAME]")
	}
	s, err := newSession(c)
	if err != nil {
		return err
	}
	defer s.close()
	var dirs []string
	if d := c.String("playbook-dir"); d != "" {
		dirs = append(dirs, d)
	}
	books := c.StringSlice("playbook")
	if len(books) > 0 {
		if dirs, err = playbookDirs(books); err != nil {
			return err
		}
	}
	if err := s.open(c, dirs); err != nil {
		return err
	}
	if len(books) > 0 {
		return s.runPlayVars(c, books)
	}
	scope, err := s.hostScope(c.Args().Get(0))
	if err != nil {
		return err
	}
	names := scope.Names()
	if name := c.Args().Get(1); name != "" {
		if _, ok := scope.Origin(name); !ok {
			msg := fmt.Sprintf("%s has no variable '%s'", c.Args().Get(0), name)
			if best := spell.Nearest(name, names); best != "" {
				msg += fmt.Sprintf(" (did you mean '%s'?)", best)
			}
			return fmt.Errorf("%s", msg)
		}
		names = []string{name}
	}
	for _, name := range names {
		layer, ok := scope.Origin(name)
		if !ok {
			continue // computed, such as hostvars
		}
		raw, _, err := scope.Lookup(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.redact.Writer(s.out), "%s = %s\n    from %s\n", name, s.valueText(raw, scope), originText(layer, raw))
	}
	return nil
}

// valueText is a variable's value as JSON; one that cannot be resolved shows why.
func (s *session) valueText(raw templates.Value, scope *vars.Scope) string {
	v, err := s.tmpl.Resolve(s.ctx, raw, scope)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	data, err := templates.AppendJSON(nil, v)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	return string(data)
}

func originText(l vars.Layer, raw templates.Value) string {
	text := l.Kind.String()
	if t, ok := raw.(*templates.Text); ok && t.Pos.IsValid() {
		return fmt.Sprintf("%s, %s:%d", text, t.Pos.File, t.Pos.Line)
	}
	if l.Source != "" {
		return text + ", " + l.Source
	}
	return text
}
