package registry

import (
	"testing"

	"gorun/modules/moduletest"
)

func TestModules(t *testing.T) {
	moduletest.Run(t, "../../testdata/modules", Lookup)
}

// TestArgs checks that the tags of every module's arguments are its options.
func TestArgs(t *testing.T) {
	for _, mod := range byName {
		mod.CheckArgs()
	}
}
