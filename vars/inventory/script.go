package inventory

// This file runs inventory scripts
// (https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html#inventory-scripts).

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"

	"gorun/templates"
)

// isScript reports whether the source can be executed.
func isScript(b *Builder) bool {
	st, err := os.Stat(b.Source)
	return err == nil && !st.IsDir() && st.Mode()&0o111 != 0
}

// run runs the script and returns what it wrote.
func runScript(b *Builder, args ...string) ([]byte, error) {
	cmd := exec.Command(b.Source, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && b.inv.o.Era == templates.Current:
		return nil, &Error{
			Msg:  fmt.Sprintf("Inventory script returned non-zero exit code %d.", exit.ExitCode()),
			Help: "Standard error from inventory script:\n" + strings.TrimRight(stderr.String(), "\n"),
		}
	case errors.As(err, &exit):
		return nil, fmt.Errorf("Inventory script (%s) had an execution error: %s", b.Source, strings.TrimRight(stderr.String(), "\n"))
	case err != nil:
		return nil, fmt.Errorf("problem running %s %s (%s)", b.Source, strings.Join(args, " "), err)
	}
	if msg := strings.TrimSpace(stderr.String()); msg != "" {
		b.inv.verbose(0, b.Source+": "+msg)
	}
	return out.Bytes(), nil
}

// undecodable begins what today's Ansible says of a script's output.
const undecodable = "Unable to get JSON decoder for inventory script result: "

// jsonProblem says where a script's output is no JSON, as Python does.
func jsonProblem(err error, data []byte) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err.Error()
	}
	at := max(0, min(int(syntax.Offset)-1, len(data)))
	what := "Expecting value"
	if !strings.Contains(err.Error(), "beginning of value") {
		what = "it goes wrong"
	}
	before := string(data[:at])
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("%s: line %d column %d (char %d)", what, 1+strings.Count(before, "\n"), column, utf8.RuneCountInString(before))
}

func parseScript(b *Builder) error {
	out, err := runScript(b, "--list")
	if err != nil {
		return err
	}
	v, err := scriptJSON(b, out)
	current := b.inv.o.Era == templates.Current
	switch {
	case err != nil && current:
		return &Error{Msg: undecodable + "Value could not be parsed as JSON: " + jsonProblem(err, out)}
	case err != nil:
		return fmt.Errorf("failed to parse executable inventory script results from %s: %s", b.Source, jsonProblem(err, out))
	}
	d, ok := v.(*templates.Dict)
	if !ok && current {
		return &Error{Msg: undecodable + "Value is '" + v.Type() + "' instead of 'dict'."}
	}
	if !ok {
		return fmt.Errorf("failed to parse executable inventory script results from %s: needs to be a json dict", b.Source)
	}
	var hostvars *templates.Dict
	var hosts []string
	for k, v := range d.All {
		name, _ := text(k)
		if name == "_meta" {
			if meta, ok := v.(*templates.Dict); ok {
				if hv, ok := meta.GetStr("hostvars"); ok {
					hostvars, _ = hv.(*templates.Dict)
				}
			}
			continue
		}
		if err := scriptGroup(b, name, v, &hosts); err != nil {
			return err
		}
	}
	return scriptHostVars(b, hosts, hostvars)
}

// scriptJSON parses what a script wrote; its texts may be templates, as in a file.
func scriptJSON(b *Builder, out []byte) (templates.Value, error) {
	v, err := templates.FromJSON(out)
	if err != nil {
		return nil, err
	}
	return trust(v, b.Source), nil
}

// trust makes templates of the texts in v that have markers.
func trust(v templates.Value, file string) templates.Value {
	switch v := v.(type) {
	case templates.Str:
		return templates.NewText(string(v), templates.Pos{File: file})
	case *templates.List:
		elems := make([]templates.Value, len(v.Elems))
		for i, e := range v.Elems {
			elems[i] = trust(e, file)
		}
		return lazyList(elems)
	case *templates.Dict:
		d := templates.NewDict(v.Len())
		for k, e := range v.All {
			e = trust(e, file)
			d.Lazy = d.Lazy || templates.IsLazy(e)
			d.Set(k, e) // k was a key: it has a hash
		}
		return d
	}
	return v
}

// scriptGroup reads a group: a list of hosts, a dict with hosts, vars and
// children, or the variables of a host of that name.
func scriptGroup(b *Builder, name string, v templates.Value, hosts *[]string) error {
	group, err := b.AddGroup(name)
	if err != nil {
		return err
	}
	d, ok := v.(*templates.Dict)
	if !ok {
		d = templates.NewDict(1)
		d.SetStr("hosts", v)
	} else if !hasAny(d, "hosts", "vars", "children") {
		vars := d
		d = templates.NewDict(2)
		d.SetStr("hosts", templates.NewList(templates.Str(name)))
		d.SetStr("vars", vars)
	}
	if v, ok := d.GetStr("hosts"); ok {
		list, ok := v.(*templates.List)
		if !ok {
			return fmt.Errorf("You defined a group '%s' with bad data for the host list:\n %s", name, templates.Repr(d, templates.Current))
		}
		for _, e := range list.Elems {
			host := templates.StrOf(e, templates.Current)
			if err := b.AddHost(host, group); err != nil {
				return err
			}
			*hosts = append(*hosts, host)
		}
	}
	if v, ok := d.GetStr("vars"); ok {
		vars, ok := v.(*templates.Dict)
		if !ok {
			return fmt.Errorf("You defined a group '%s' with bad data for variables:\n %s", name, templates.Repr(d, templates.Current))
		}
		for k, v := range vars.All {
			if err := b.SetGroupVar(group, templates.StrOf(k, templates.Current), v); err != nil {
				return err
			}
		}
	}
	return scriptChildren(b, group, d)
}

func scriptChildren(b *Builder, group string, d *templates.Dict) error {
	v, _ := d.GetStr("children")
	list, ok := v.(*templates.List)
	if !ok || group == "_meta" {
		return nil
	}
	for _, e := range list.Elems {
		child, err := b.AddGroup(templates.StrOf(e, templates.Current))
		if err != nil {
			return err
		}
		if err := b.AddChild(group, child); err != nil {
			return err
		}
	}
	return nil
}

func hasAny(d *templates.Dict, keys ...string) bool {
	for _, k := range keys {
		if _, ok := d.GetStr(k); ok {
			return true
		}
	}
	return false
}

// scriptHostVars sets the variables of hosts: from _meta, or asked for one by one.
func scriptHostVars(b *Builder, hosts []string, meta *templates.Dict) error {
	seen := map[string]bool{}
	for _, host := range hosts {
		if seen[host] {
			continue
		}
		seen[host] = true
		var v templates.Value
		if meta != nil {
			v, _ = meta.GetStr(host)
		} else {
			out, err := runScript(b, "--host", host)
			if err != nil {
				return err
			}
			if len(bytes.TrimSpace(out)) == 0 {
				return fmt.Errorf("Invalid data from file, expected dictionary and got: None")
			}
			if v, err = scriptJSON(b, out); err != nil {
				return fmt.Errorf("could not parse post variable response: %s, %s", b.Source, out)
			}
		}
		vars, ok := v.(*templates.Dict)
		if !ok {
			continue
		}
		if err := b.addPattern([]string{host}, -1, "", vars); err != nil {
			return err
		}
	}
	return nil
}
