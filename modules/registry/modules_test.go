package registry

import (
	"testing"

	"gorun/modules/moduletest"
)

func TestModules(t *testing.T) {
	moduletest.Run(t, "../../testdata/modules", Lookup)
}
