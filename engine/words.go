package engine

// This file puts results into the words of ansible-core 2.22 where modules,
// which know no era, speak as earlier releases do.

import (
	"fmt"
	"regexp"
	"strings"

	"gorun/engine/action"
	"gorun/templates"
)

// errorDetail is the key under which a result carries what its message leaves
// out and the screen's error tells.
const errorDetail = "_ansible_error_detail"

// currentWords rewords the result of an action of the full name module.
func currentWords(module string, d, args *templates.Dict) {
	if _, job := d.GetStr("ansible_job_id"); job {
		for _, k := range []string{"started", "finished"} {
			if n, ok := d.GetStr(k); ok {
				d.SetStr(k, templates.Bool(n.Truth()))
			}
		}
	}
	v, _ := d.GetStr("msg")
	msg, ok := v.(templates.Str)
	if !ok {
		return
	}
	if m := conversion.FindStringSubmatch(string(msg)); m != nil {
		if v, ok := args.GetStr(m[1]); ok {
			d.SetStr("msg", templates.Str(convertWords(m, v)))
		}
	}
	switch module {
	case "ansible.builtin.command", "ansible.builtin.shell":
		commandWords(string(msg), d)
	}
}

// conversion is how a module tells of an argument of a wrong type.
var conversion = regexp.MustCompile(`argument '([^']*)' is of type <class '(\w+)'> and we were unable to convert to (\w+): <class '\w+'> cannot be converted to an? (\w+)$`)

func convertWords(m []string, v templates.Value) string {
	article := "a"
	if strings.HasPrefix(m[4], "i") {
		article = "an"
	}
	return fmt.Sprintf("argument '%s' is of type %s and we were unable to convert to %s: \"%s\" cannot be converted to %s %s",
		m[1], m[2], m[3], templates.Repr(v, templates.Current), article, m[4])
}

// commandWords are those of command and shell.
func commandWords(msg string, d *templates.Dict) {
	switch {
	case msg == "non-zero return code":
		d.SetStr("msg", templates.Str("The command exited with a non-zero return code."))
	case strings.HasPrefix(msg, "[Errno "):
		d.SetStr("msg", templates.Str("Error executing command."))
		d.SetStr(errorDetail, templates.Str(msg))
		if cmd, ok := d.GetStr("cmd"); ok {
			if s, isText := cmd.(templates.Str); isText {
				d.SetStr("cmd", words(string(s)))
			}
		}
	case msg == "no command given":
		for _, k := range d.Keys() {
			d.Delete(k)
		}
		for k, v := range action.Result("changed", false, "failed", true, "msg", "one of the following is required: _raw_params, cmd, argv").All {
			_ = d.Set(k, v) // k is in a dict, so it has a hash
		}
	}
}

func words(s string) *templates.List {
	l := templates.NewList()
	for w := range strings.FieldsSeq(s) {
		l.Elems = append(l.Elems, templates.Str(w))
	}
	return l
}
