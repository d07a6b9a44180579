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
