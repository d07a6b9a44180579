package main

// This file plays testdata/play19: the playbooks of Ansible 1.x. No Ansible of
// that day runs any more, so that the answers are gorun's own, held against
// what the line `says:` tells of the documentation of the day; `-own` writes them.

import (
	"strings"
	"testing"
)

func TestPlay19(t *testing.T) {
	gorun := buildGorun(t)
	for _, c := range loadPlayCases(t, "../../testdata/play19") {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(c.ar.Comment), "\nsays: ") {
				t.Error("no says: line")
			}
			got := c.play(t, player{program: []string{gorun, "--compat=1.9"}})
			if *own {
				c.keep(t, fromGorun, "", got)
				return
			}
			diffSections(t, "gorun --compat=1.9 answers otherwise", c.answer(fromGorun), got)
		})
	}
}
