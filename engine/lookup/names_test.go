package lookup

import (
	"encoding/json"
	"os"
	"testing"

	"gorun/internal/redact"
	"gorun/templates"
	"gorun/templates/ansible"
)

// TestNames looks for every filter, test and lookup that ansible-doc lists under
// ansible.builtin, under its short and its full names.
func TestNames(t *testing.T) {
	b, err := os.ReadFile("../../testdata/jinja/ansible/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Names map[string]map[string][]string `json:"names"`
	}
	if err := json.Unmarshal(b, &record); err != nil {
		t.Fatal(err)
	}
	e := templates.New(templates.Options{Filters: ansible.Filters(ansible.Options{Redact: new(redact.Registry)}), Tests: ansible.Tests(ansible.Options{})})
	for release, kinds := range record.Names {
		for kind, names := range kinds {
			if len(names) < 20 {
				t.Errorf("%s: only %d names of kind %s", release, len(names), kind)
			}
			for _, n := range names {
				prefixes := []string{"", "ansible.builtin."}
				if release == "2.14" { // the later list has Jinja2's own, which are not under this name
					prefixes = append(prefixes, "ansible.legacy.")
				}
				for _, prefix := range prefixes {
					if has := known(e, kind, prefix+n); !has {
						t.Errorf("%s: %s %s is not found", release, kind, prefix+n)
					}
				}
			}
		}
	}
}

func known(e *templates.Engine, kind, name string) bool {
	switch kind {
	case "lookup":
		_, ok := find(name)
		return ok
	case "test":
		name = "is " + name
	default:
		name = "| " + name
	}
	_, err := e.CompileExpr("1 " + name)
	te, bad := err.(*templates.Error)
	return !bad || te.Got == ""
}
