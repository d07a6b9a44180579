package packaging

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// versionPairs are recorded with rpm 4.18.0: `rpm --eval '%{lua:print(rpm.vercmp(a, b))}'`.
var versionPairs = []struct {
	a, b string
	want int
}{
	{"1.0", "1.0", 0}, {"1.0", "2.0", -1}, {"2.0.1", "2.0", 1}, {"1.10", "1.9", 1}, {"1.05", "1.5", 0}, {"1.0a", "1.0", 1},
	{"1.0a", "1.0b", -1}, {"1.0.a", "1.0.1", -1}, {"5.5p1", "5.5p10", -1}, {"xyz10", "xyz10.1", -1}, {"2_0", "2.0", 0},
	{"1.0~rc1", "1.0", -1}, {"1.0~rc1", "1.0~rc2", -1}, {"1.0~~", "1.0~", -1}, {"1.0^", "1.0", 1}, {"1.0^git1", "1.0.1", -1},
	{"1.0^git1", "1.0^git2", -1}, {"1.0~rc1^git1", "1.0~rc1", 1}, {"1.0^git1~pre", "1.0^git1", -1}, {"6", "fc6", 1},
	{"20101121", "20101122", -1}, {"1.", "1", 0}, {"a+", "a_", 0}, {"12345678901234567890", "12345678901234567891", -1},
}

func TestCompareRPM(t *testing.T) {
	for _, p := range versionPairs {
		if got := compareRPM(p.a, p.b); got != p.want {
			t.Errorf("compareRPM(%q, %q) = %d, want %d", p.a, p.b, got, p.want)
		}
		if got := compareRPM(p.b, p.a); got != -p.want {
			t.Errorf("compareRPM(%q, %q) = %d, want %d", p.b, p.a, got, -p.want)
		}
	}
}

// TestCompareRPMAgain asks the installed rpm the same.
func TestCompareRPMAgain(t *testing.T) {
	rpm, err := exec.LookPath("rpm")
	if err != nil {
		t.Skip("rpm is not installed")
	}
	for _, p := range versionPairs {
		cmd := exec.Command(rpm, "--eval", fmt.Sprintf("%%{lua:print(rpm.vercmp(%q, %q))}", p.a, p.b))
		cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(out)); got != fmt.Sprint(p.want) {
			t.Errorf("rpm compares %q with %q as %s, recorded is %d", p.a, p.b, got, p.want)
		}
	}
}

func TestRPMSpecs(t *testing.T) {
	p := rpmPackage{"foo-bar", "1", "2.0", "3.el9", "x86_64"}
	for spec, want := range map[string]bool{
		"foo-bar": true, "foo-bar.x86_64": true, "foo-bar.i686": false, "foo-bar-2.0": true, "foo-bar-2.0-3.el9": true,
		"foo-bar-2.0-3.el9.x86_64": true, "foo-bar-1:2.0-3.el9": true, "1:foo-bar-2.0-3.el9": true, "foo-bar-2:2.0": false,
		"foo-bar-2.1": false, "foo": false, "bar": false,
	} {
		got := false
		for _, s := range parseRPMSpec(spec) {
			got = got || s.matches(p)
		}
		if got != want {
			t.Errorf("%s names %s: %v, want %v", spec, p, got, want)
		}
	}
	newer := func(spec string) bool {
		for _, s := range parseRPMSpec(spec) {
			if s.newer(p) {
				return true
			}
		}
		return false
	}
	for spec, want := range map[string]bool{"foo-bar-1.9": true, "foo-bar-2.0-2.el9": true, "foo-bar-2.0": false, "foo-bar-0:9.0": true, "foo-bar-2:1.0": false} {
		if newer(spec) != want {
			t.Errorf("%s is newer than %s: %v, want %v", p, spec, !want, want)
		}
	}
}

func TestParseDnfTable(t *testing.T) {
	text := `Dependencies resolved.
================================================================================
 Package         Architecture       Version             Repository         Size
================================================================================
Installing:
 a-package-with-a-name-that-is-so-long-that-it-takes-a-line
                 noarch             1:1.0-1             local             5.9 k
     replacing  older.noarch 0.9-1
Upgrading:
 foo             noarch             2.0-1               local             5.8 k
Removing unused dependencies:
 lib             x86_64             3.0-1               @local             4
Skipping packages with broken dependencies:
 broken          noarch             1.0-1               local             5.9 k

Transaction Summary
`
	got := strings.Join(parseDnfTable(text, []rpmPackage{{"foo", "0", "1.0", "1", "noarch"}}), "\n")
	want := `Installed: a-package-with-a-name-that-is-so-long-that-it-takes-a-line-1:1.0-1.noarch
Installed: foo-2.0-1.noarch
Removed: foo-1.0-1.noarch
Removed: lib-3.0-1.x86_64
Removed: older-0.9-1.noarch`
	if got != want {
		t.Errorf("the table says\n%s\nwant\n%s", got, want)
	}
}
