// Package needs says what happens to a test whose real counterpart is not
// there. Only tests import it.
package needs

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Required reports whether the environment variable GORUN_REQUIRE, a list with
// commas, names what.
func Required(what string) bool {
	return slices.Contains(strings.Split(os.Getenv("GORUN_REQUIRE"), ","), what)
}

// Missing skips the test for a reason, or fails it where what is required.
func Missing(t testing.TB, what, why string) {
	t.Helper()
	if Required(what) {
		t.Fatalf("%s is required: %s", what, why)
	}
	t.Skipf("%s: %s", what, why)
}

// Have is Missing where have is false.
func Have(t testing.TB, what string, have bool, why string) {
	t.Helper()
	if !have {
		Missing(t, what, why)
	}
}
