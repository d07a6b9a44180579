package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies keeps the controller's packages out of the agent: what is
// in it costs bytes on every host.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list does not run here: %v", err)
	}
	seen := 0
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		if !strings.HasPrefix(pkg, "gorun/") {
			if strings.Contains(pkg, "gophercloud") || strings.Contains(pkg, "urfave") {
				t.Errorf("the agent depends on %s", pkg)
			}
			continue
		}
		seen++
		if pkg != "gorun/cmd/gorun-agent" && pkg != "gorun/modules" && !strings.HasPrefix(pkg, "gorun/modules/") {
			t.Errorf("the agent depends on %s", pkg)
		}
	}
	if seen < 4 {
		t.Errorf("only %d packages of gorun listed", seen)
	}
}
