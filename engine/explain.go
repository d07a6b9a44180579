package engine

// This file words errors of tasks as the era's Ansible does, and says where
// they come from.

import (
	"errors"
	"fmt"
	"strings"

	"gorun/engine/callback"
	"gorun/engine/playbook"
	"gorun/engine/pyhelper"
	"gorun/templates"
)

// explain is the msg of a result whose task could not run for err.
func (tr *taskRun) explain(err error) string {
	if tr.r.o.Era >= templates.Current {
		if bad := (*loopError)(nil); errors.As(err, &bad) {
			return bad.msg
		}
		return (&callback.Event{Msg: "Task failed.", Cause: tr.errorEvent(err)}).Brief()
	}
	return tr.explain214(err)
}

// explain214 is ansible-core 2.14's wording.
func (tr *taskRun) explain214(err error) string {
	var cond *conditionError
	var arg *argumentError
	var kw *KeywordError
	var use *keywordUse
	switch {
	case errors.As(err, &cond):
		msg := fmt.Sprintf("The conditional check '%s' failed. The error was: %s", cond.text, tr.cause214(cond.err, cond.text))
		switch cond.keyword {
		case assertKeyword, "until", "changed_when", "failed_when":
			return msg // Ansible judges these apart from the task and its place
		}
		return msg + tr.offending(tr.t.Pos)
	case errors.As(err, &arg):
		if isUndefined(arg.err) {
			return fmt.Sprintf("The task includes an option with an undefined variable. The error was: %s. %[1]s", arg.err) + tr.offending(tr.t.Pos)
		}
		return tr.template214(arg.err)
	case errors.As(err, &use) && tr.keyword214(use) != "":
		return tr.keyword214(use)
	case errors.As(err, &kw):
		if isUndefined(kw.Err) {
			return fmt.Sprintf("%s. %[1]s", kw.Err)
		}
		return tr.template214(kw.Err)
	case isUndefined(err):
		return fmt.Sprintf("%s. %[1]s", err)
	}
	return tr.template214(err)
}

// cause214 is what went wrong in a conditional.
func (tr *taskRun) cause214(err error, text string) string {
	if isUndefined(err) {
		return fmt.Sprintf("error while evaluating conditional (%s): %s. %[2]s", text, err)
	}
	var e *templates.Error
	if errors.As(err, &e) && len(e.Through) > 0 {
		return tr.through214(e)
	}
	if e != nil && (e.Kind == templates.TemplateSyntaxError || e.Kind == templates.TemplateAssertError) {
		return fmt.Sprintf("template error while templating string: %s. String: {%% if %s %%} True {%% else %%} False {%% endif %%}. %[1]s", e.Msg, text)
	}
	return err.Error()
}

// template214 words an error of a template outside conditionals.
func (tr *taskRun) template214(err error) string {
	var e *templates.Error
	if errors.As(err, &e) && len(e.Through) > 0 {
		return tr.through214(e)
	}
	if errors.As(err, &e) && e.Src != "" && (e.Kind == templates.TemplateSyntaxError || e.Kind == templates.TemplateAssertError) {
		msg := e.Msg
		if e.Kind == templates.TemplateAssertError && e.Got != "" {
			msg = strings.TrimSpace(fmt.Sprintf("Could not load \"%s\": '%[1]s'. %s", e.Got, e.Help))
			msg = strings.TrimSuffix(msg, ".")
		}
		return fmt.Sprintf("template error while templating string: %s. String: %s. %[1]s", msg, e.Src)
	}
	var own *pyhelper.Error
	if errors.As(err, &own) && own.Kind != templates.TypeError {
		if errors.As(err, &e) && e.Kind == templates.AnsibleError {
			return e.Msg // a lookup tells more than its plugin
		}
		return own.Msg
	}
	if !errors.As(err, &e) || e.Src == "" {
		return err.Error()
	}
	switch e.Kind {
	case templates.UndefinedError:
		return err.Error()
	case templates.AnsibleError, templates.AnsibleFilterError:
		return e.Msg
	case templates.TypeError:
		return fmt.Sprintf("Unexpected templating type error occurred on (%s): %s. %[2]s", e.Src, e.Msg)
	}
	return fmt.Sprintf("An unhandled exception occurred while templating '%s'. Error was a <class '%s'>, original message: %s. %[3]s", e.Src, e.Kind, e.Msg)
}

// through214 words an error that came through variables: for each one Ansible
// puts its value and the class of what went wrong before the message.
func (tr *taskRun) through214(e *templates.Error) string {
	direct := *e
	direct.Through = nil
	msg, class := e.Msg, e.Kind
	switch e.Kind {
	case templates.TemplateSyntaxError, templates.TemplateAssertError, templates.TypeError:
		msg, class = tr.template214(&direct), templates.AnsibleError
	case "JSONDecodeError":
		class = "json.decoder." + e.Kind
	}
	for _, value := range e.Through {
		if class == templates.AnsibleError || class == templates.AnsibleFilterError {
			class = "ansible.errors." + class
		}
		msg = fmt.Sprintf("An unhandled exception occurred while templating '%s'. Error was a <class '%s'>, original message: %s", value, class, msg)
		class = templates.AnsibleError
	}
	return msg
}

func isUndefined(err error) bool {
	var e *templates.Error
	return errors.As(err, &e) && e.Kind == templates.UndefinedError
}

// offending shows the lines of the task, as Ansible up to 2.18 did.
func (tr *taskRun) offending(pos playbook.Pos) string {
	if !pos.IsValid() {
		return ""
	}
	data, err := tr.r.o.ReadFile(pos.File)
	if err != nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n\nThe error appears to be in '%s': line %d, column %d, but may\nbe elsewhere in the file depending on the exact syntax problem.\n", absPath(pos.File), pos.Line, pos.Col)
	all := strings.Split(string(data), "\n")
	if pos.Line > len(all) {
		return b.String()
	}
	b.WriteString("\nThe offending line appears to be:\n\n")
	if pos.Line > 1 {
		b.WriteString(all[pos.Line-2])
	}
	line := all[pos.Line-1]
	fmt.Fprintf(&b, "\n%s\n%s^ here\n", line, strings.Repeat(" ", max(0, pos.Col-1)))
	if strings.Contains(line, "{{") && strings.Contains(line, "}}") {
		b.WriteString(quoteHint)
	}
	return b.String()
}

// quoteHint is what Ansible says where the line holds a template.
const quoteHint = `We could be wrong, but this one looks like it might be an issue with
missing quotes. Always quote template expression brackets when they
start a value. For instance:

    with_items:
      - {{ foo }}

Should be written as:

    with_items:
      - "{{ foo }}"
`

// fullAction is the full name of the task's action.
func (tr *taskRun) fullAction() string {
	if full, ok := tr.r.routed(tr.t); ok {
		return full
	}
	return tr.t.Action
}
