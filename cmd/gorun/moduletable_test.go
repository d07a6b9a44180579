package main

// This file makes docs/modules.md from the registry and the recorded cases.

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorun/engine/action"
	"gorun/modules"
)

const moduleTableHead = `# Modules

This table is made of the registry and of the recorded cases by
` + "`go test ./cmd/gorun -run TestModuleTable -update`" + `; do not write in it.

All that it names is native: no Python, on no side. *host* modules run in the agent, *controller* ones in gorun itself. A short name
and ` + "`ansible.legacy.`" + ` lead to the same module as the full one. A dash under check or diff means that the module has none, as
in Ansible; modules without check mode are skipped in it. Actions without a Spec (*action*) are part of the engine, and play cases
(testdata/play) show them. Cases are what a real Ansible answered and left, run in check mode, for real, and once more.

| module | also | runs on | check | diff | cases |
|---|---|---|---|---|---|
`

// moduleAliases are other names of modules that people write.
var moduleAliases = map[string][]string{
	"ansible.builtin.dnf":             {"ansible.builtin.dnf5", "ansible.builtin.yum"},
	"ansible.builtin.systemd_service": {"ansible.builtin.systemd"},
}

func TestModuleTable(t *testing.T) {
	page := moduleTable(t)
	file := filepath.Join("..", "..", "docs", "modules.md")
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Errorf("%s is not what the registry and the cases say: run go test ./cmd/gorun -run TestModuleTable -update", file)
	}
}

// moduleTable is the page.
func moduleTable(t *testing.T) string {
	support := map[modules.Support]string{modules.Full: "yes", modules.Partial: "partly", modules.NoSupport: "–"}
	rows := map[string]string{}
	total, recorded := 0, 0
	row := func(name, where, check, diff string) {
		cases := caseCount(t, name)
		count := "–"
		if cases > 0 {
			count = fmt.Sprint(cases)
			recorded++
		}
		total += cases
		rows[name] = fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", name, otherNames(name), where, check, diff, count)
	}
	onController := map[string]bool{}
	for _, m := range controllerModules {
		onController[m.Spec.Name] = true
	}
	for _, spec := range allSpecs() {
		where := "host"
		if spec.ControllerOnly || onController[spec.Name] {
			where = "controller"
		}
		row(spec.Name, where, support[spec.Check], support[spec.Diff])
	}
	for _, name := range action.Names() {
		if rows[name] == "" {
			row(name, "action", "", "")
		}
	}
	var b strings.Builder
	b.WriteString(moduleTableHead)
	names := make([]string, 0, len(rows))
	for name := range rows {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(rows[name])
	}
	fmt.Fprintf(&b, "\n%d modules and actions; %d recorded cases of %d of them.\n", len(names), total, recorded)
	return b.String()
}

// otherNames are the short name, where it leads to the module, and aliases.
func otherNames(name string) string {
	var out []string
	short := name[strings.LastIndexByte(name, '.')+1:]
	for _, alias := range append([]string{short}, moduleAliases[name]...) {
		if full, ok := action.Route(alias, nil); ok && full == name {
			out = append(out, alias)
		}
	}
	return strings.Join(out, ", ")
}

// caseCount counts the recorded cases of a module; they lie by short names.
func caseCount(t *testing.T, name string) int {
	short := name[strings.LastIndexByte(name, '.')+1:]
	if strings.HasPrefix(name, "openstack.") {
		return 0
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "[mn]o*", short, "*.txtar")) // modules, notify
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
