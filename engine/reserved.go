package engine

// This file warns, in the current era, of names that a playbook should not
// use: variables that are to go, and variables named as keywords are.

import (
	"regexp"
	"slices"
	"strings"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/templates"
)

// reservedNames are the keywords of plays, roles, blocks and tasks and the
// functions of templates: Ansible warns of variables with such names.
var reservedNames = strings.Fields(`action always any_errors_fatal args async async_val become become_exe become_flags become_method
	become_user block changed_when check_mode collections connection cycler debugger delay delegate_facts delegate_to dict diff environment
	fact_path failed_when force_handlers gather_facts gather_timeout handlers hosts ignore_errors ignore_unreachable joiner lipsum local_action
	lookup loop loop_control loop_with max_fail_percentage module_defaults name namespace no_log notify now omit order poll port post_tasks
	pre_tasks q query range register remote_user rescue retries roles run_once serial strategy tags tasks throttle timeout undef until
	validate_argspec vars_files vars_prompt when with_`)

// warnReserved warns of a variable whose name is reserved.
func (r *Run) warnReserved(name, context string) {
	if r.o.Era >= templates.Current && slices.Contains(reservedNames, name) {
		r.warn((&callback.Event{Msg: "Found variable using reserved name '" + name + "'.", Context: context}).String())
	}
}

// warnReservedVars warns of the names of a vars: keyword and of -e.
func (p *playRun) warnReservedVars() {
	if p.r.o.Era < templates.Current {
		return
	}
	if extra := p.r.o.ExtraVars; extra != nil {
		for k := range extra.All {
			name := templates.StrOf(k, p.r.o.Era)
			p.r.warnReserved(name, "Origin: <CLI option '-e'>\n\n"+name)
		}
	}
	if p.play.Vars.Dict == nil {
		return
	}
	for k := range p.play.Vars.Dict.All {
		if name := templates.StrOf(k, p.r.o.Era); slices.Contains(reservedNames, name) {
			p.r.warnReserved(name, callback.KeyContext(p.play.Vars.Pos, name))
		}
	}
}

// A goingName is a variable that a later release will not have.
type goingName struct{ msg, help string }

var goingNames = map[string]goingName{
	"play_hosts": {"The `play_hosts` magic variable is deprecated. This feature will be removed from ansible-core version 2.23.", "Use `ansible_play_batch` instead."},
	"vars":       {"The internal \"vars\" dictionary is deprecated. This feature will be removed from ansible-core version 2.24.", "Use the `vars` and `varnames` lookups instead."},
}

var injectedFact = goingName{
	"INJECT_FACTS_AS_VARS default to `True` is deprecated, top-level facts will not be auto injected after the change. This feature will be removed from ansible-core version 2.24.",
	"Use `ansible_facts[\"fact_name\"]` (no `ansible_` prefix) instead.",
}

var (
	quotedText   = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	variableUsed = regexp.MustCompile(`(^|[^.\w])(play_hosts|vars|ansible_\w+)\b(?:[ ]*(=[^=]|\())?`)
)

// deprecatedNames tells of the variables in a task's own texts that are to go.
// It looks at the texts as they are written, once a task.
func (p *playRun) deprecatedNames(t *playbook.Task, host string) {
	if p.r.o.Era < templates.Current || !p.firstLook(t) {
		return
	}
	look := func(src string, context func() string) {
		for _, m := range variableUsed.FindAllStringSubmatch(quotedText.ReplaceAllString(src, "''"), -1) {
			name, g := m[2], goingNames[m[2]]
			if m[3] != "" {
				continue
			}
			if strings.HasPrefix(name, "ansible_") {
				if !p.r.o.WarnInjected || !p.r.o.Vars.Injected(host, name) {
					continue
				}
				g = injectedFact
			}
			p.r.cb.Deprecated((&callback.Event{Msg: g.msg, Help: g.help, Context: context()}).String())
		}
	}
	eachText(t.Args, func(x *templates.Text) {
		if expr := strings.Join(expressionInName.FindAllString(x.Src, -1), " "); expr != "" {
			look(expr, func() string { return textContext(t, x.Pos) })
		}
	})
	if shortAction(t) == "debug" && t.Args != nil {
		if v, ok := t.Args.GetStr("var"); ok {
			look(condText(v), func() string { return textContext(t, t.ArgsPos["var"]) })
		}
	}
	for _, c := range t.AllWhen() {
		for _, v := range conditionList(c.V) {
			look(condText(v), func() string { return callback.SourceContext(c.Pos) })
		}
	}
}

// firstLook reports whether t has not been looked at before.
func (p *playRun) firstLook(t *playbook.Task) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looked[t] {
		return false
	}
	if p.looked == nil {
		p.looked = map[*playbook.Task]bool{}
	}
	p.looked[t] = true
	return true
}

// eachText calls f for every template in v.
func eachText(v templates.Value, f func(x *templates.Text)) {
	switch v := v.(type) {
	case *templates.Text:
		f(v)
	case *templates.List:
		for _, e := range v.Elems {
			eachText(e, f)
		}
	case *templates.Dict:
		if v == nil {
			return
		}
		for _, e := range v.All {
			eachText(e, f)
		}
	}
}
