package action

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gorun/modules/registry"
)

// TestGivesFacts looks for ansible_facts in the modules' sources: a module
// that gives facts has to be in the list, or the items of a loop would be sent
// before the facts of the one before are known.
func TestGivesFacts(t *testing.T) {
	const root = "../../modules"
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		facts, names := false, []string(nil)
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				return true
			}
			facts = facts || text == "ansible_facts"
			if registry.Lookup(text) != nil {
				names = append(names, text)
			}
			return true
		})
		if !facts {
			return nil
		}
		if len(names) == 0 {
			t.Errorf("%s gives ansible_facts, and names no module", path)
		}
		for _, name := range names {
			found[registry.Lookup(name).Spec.Name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range found {
		if SendsAhead(name) {
			t.Errorf("%s may give ansible_facts: set its Spec's Facts, or add it to givesFacts", name)
		}
	}
	for name := range givesFacts {
		if m := registry.Lookup(name); !found[name] || m.Spec.Facts {
			t.Errorf("%s gives no ansible_facts, or its Spec says so: take it out of givesFacts", name)
		}
	}
	for _, m := range registry.All {
		if m.Spec.Facts && SendsAhead(m.Spec.Name) {
			t.Errorf("%s gives facts and is sent ahead", m.Spec.Name)
		}
	}
	for name, want := range map[string]bool{
		"ansible.builtin.command": true, "ansible.builtin.copy": true, "ansible.builtin.setup": false, "ansible.builtin.fetch": false,
		"ansible.builtin.set_fact": false, "no.such.module": false, "openstack.cloud.server": false,
	} {
		if SendsAhead(name) != want {
			t.Errorf("SendsAhead(%s) = %v", name, !want)
		}
	}
}
