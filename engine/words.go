package engine

// This file puts results into the words of ansible-core 2.22 where modules,
// which know no era, speak as earlier releases do.

import (
	"strings"

	"gorun/engine/action"
	"gorun/templates"
)

// errorDetail is the key under which a result carries what its message leaves
// out and the screen's error tells.
const errorDetail = "_ansible_error_detail"

// currentWords rewords the result of an action of the full name module.
func currentWords(module string, d *templates.Dict) {
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
	switch module {
	case "ansible.builtin.command", "ansible.builtin.shell":
		commandWords(string(msg), d)
	}
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
