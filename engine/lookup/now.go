package lookup

// This file holds the template functions that Ansible has beside lookup
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_templating_now.html).

import (
	"time"

	"gorun/templates"
)

// now is the time of its call: local, or with utc in UTC, without a zone; with
// fmt it is text.
func now(c *templates.Call) (templates.Value, error) {
	var utc bool
	var layout templates.Value
	if err := c.Unpack("now", "utc?", &utc, "fmt?", &layout); err != nil {
		return nil, err
	}
	templates.Moment(c.State.Ctx)
	t := time.Now().Truncate(time.Microsecond)
	if utc {
		t = t.UTC()
	}
	d := &templates.DateTime{T: t, Naive: true}
	if layout == nil || layout == templates.None || !layout.Truth() {
		return d, nil
	}
	return templates.Str(templates.Strftime(text(layout), d)), nil
}

// undef is an undefined value with a hint of one's own: a default that has to
// be overridden
// (https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_advanced_syntax.html#making-variables-undefined).
func undef(c *templates.Call) (templates.Value, error) {
	var hint templates.Value
	if err := c.Unpack("undef", "hint?", &hint); err != nil {
		return nil, err
	}
	u := &templates.Undefined{Kind: templates.AnsibleUndefined, Hint: "Mandatory variable has not been overridden"}
	if hint != nil && hint != templates.None {
		u.Hint = text(hint)
	}
	return u, nil
}
