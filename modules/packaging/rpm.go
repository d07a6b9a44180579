package packaging

// This file reads rpm's database and compares versions as rpm does.

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"gorun/modules"
)

// An rpmPackage is one installed or available package.
type rpmPackage struct {
	name, epoch, version, release, arch string // epoch "0" where it has none
}

// rpmFormat makes a line of a package, for rpm --qf and dnf repoquery --qf.
const rpmFormat = `%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\n`

// String is the package as dnf names it: the epoch is shown where it is not 0.
func (p rpmPackage) String() string {
	if p.epoch == "" || p.epoch == "0" {
		return fmt.Sprintf("%s-%s-%s.%s", p.name, p.version, p.release, p.arch)
	}
	return fmt.Sprintf("%s-%s:%s-%s.%s", p.name, p.epoch, p.version, p.release, p.arch)
}

// parseRPMs reads lines of rpmFormat; other lines are passed over.
func parseRPMs(text string) []rpmPackage {
	var out []rpmPackage
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) == 5 {
			out = append(out, rpmPackage{f[0], f[1], f[2], f[3], f[4]})
		}
	}
	return out
}

// installedRPMs lists what is installed below root, without the public keys
// that rpm keeps among the packages.
func installedRPMs(ctx context.Context, m *modules.Run, root string) ([]rpmPackage, error) {
	args := []string{"rpm", "-qa", "--qf", rpmFormat}
	if root != "/" {
		args = append(args, "--root", root)
	}
	res, err := m.Command(ctx, modules.CommandOptions{}, args...)
	if err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.FailWith(map[string]any{"rc": res.RC, "results": []string{}}, "rpm cannot list the packages: %s", strings.TrimSpace(res.Stderr))
	}
	var out []rpmPackage
	for _, p := range parseRPMs(res.Stdout) {
		if p.name != "gpg-pubkey" {
			out = append(out, p)
		}
	}
	return out, nil
}

// rpmArch matches the end of a package's name that is an architecture.
var rpmArch = regexp.MustCompile(`\.(noarch|src|aarch64|x86_64(?:_v[234])?|amd64|i[3-6]86|ia64|athlon|pentium[34]|arm(?:v\w+)?|ppc\w*|s390x?|riscv64|loongarch64|mips\w*|alpha\w*|sparc\w*|sh[34]a?|m68k)$`)

// rpmSpecVersion matches name-[epoch:]version[-release] where the version begins with a digit.
var rpmSpecVersion = regexp.MustCompile(`^(.+?)-(?:(\d+):)?(\d[^-:]*)(?:-([^-]+))?$`)

// A rpmSpec is what a playbook names: a package, perhaps of a version and an
// architecture.
type rpmSpec struct {
	name, epoch, version, release, arch string // "" is any
}

// parseRPMSpec gives the readings of a spec, the likeliest first: the whole is
// a name; it ends with an architecture; it has a version.
func parseRPMSpec(spec string) []rpmSpec {
	out := []rpmSpec{{name: spec}}
	base, arch := spec, ""
	if i := rpmArch.FindStringIndex(spec); i != nil {
		base, arch = spec[:i[0]], spec[i[0]+1:]
		out = append(out, rpmSpec{name: base, arch: arch})
	}
	if f := rpmSpecVersion.FindStringSubmatch(base); f != nil {
		out = append(out, rpmSpec{name: f[1], epoch: f[2], version: f[3], release: f[4], arch: arch})
	}
	// The epoch may stand before the name.
	if e, rest, ok := strings.Cut(base, ":"); ok && strings.Trim(e, "0123456789") == "" {
		if f := rpmSpecVersion.FindStringSubmatch(rest); f != nil {
			out = append(out, rpmSpec{name: f[1], epoch: e, version: f[3], release: f[4], arch: arch})
		}
	}
	return out
}

// matches reports whether a package is what the spec names.
func (s rpmSpec) matches(p rpmPackage) bool {
	return s.name == p.name && (s.arch == "" || s.arch == p.arch) && (s.epoch == "" || s.epoch == p.epoch) &&
		(s.version == "" || s.version == p.version) && (s.release == "" || s.release == p.release)
}

// newer reports whether a package of that name has a higher version than the spec asks for.
func (s rpmSpec) newer(p rpmPackage) bool {
	if s.version == "" || s.name != p.name || s.arch != "" && s.arch != p.arch {
		return false
	}
	if s.epoch != "" {
		if c := compareRPM(p.epoch, s.epoch); c != 0 {
			return c > 0
		}
	}
	if c := compareRPM(p.version, s.version); c != 0 || s.release == "" {
		return c > 0
	}
	return compareRPM(p.release, s.release) > 0
}

// compareRPM compares two versions or releases as rpm's rpmvercmp: runs of
// digits by value, runs of letters by text, digits above letters, a tilde
// below everything, a caret above the end alone
// (https://rpm-software-management.github.io/rpm/manual/dependencies.html).
func compareRPM(a, b string) int {
	for a != "" || b != "" {
		a, b = trimSeparators(a), trimSeparators(b)
		if c, done := compareMarks(&a, &b); done {
			return c
		} else if c != 0 {
			continue
		}
		if a == "" || b == "" {
			break
		}
		digits := isDigit(a[0])
		x, y := takeRun(&a, digits), takeRun(&b, digits)
		if y == "" {
			if digits {
				return 1
			}
			return -1
		}
		if digits {
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if len(x) != len(y) {
				return sign(len(x) - len(y))
			}
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
	return sign(len(a) - len(b))
}

// compareMarks handles ~ and ^ at the beginning of both texts. done says that
// c is the answer; a c other than 0 without it that both marks were taken off.
func compareMarks(a, b *string) (c int, done bool) {
	for _, mark := range []byte{'~', '^'} {
		x, y := strings.HasPrefix(*a, string(mark)), strings.HasPrefix(*b, string(mark))
		switch {
		case x && y:
			*a, *b = (*a)[1:], (*b)[1:]
			return 1, false
		case !x && !y:
			continue
		}
		other := *a
		if x {
			other = *b
		}
		c = -1 // the side with the mark is lower
		if mark == '^' && other == "" {
			c = 1
		}
		if y {
			c = -c
		}
		return c, true
	}
	return 0, false
}

func trimSeparators(s string) string {
	return strings.TrimLeftFunc(s, func(r rune) bool {
		return r != '~' && r != '^' && (r > 127 || !isDigit(byte(r)) && !isLetter(byte(r)))
	})
}

func takeRun(s *string, digits bool) string {
	i := 0
	for i < len(*s) && (digits && isDigit((*s)[i]) || !digits && isLetter((*s)[i])) {
		i++
	}
	run := (*s)[:i]
	*s = (*s)[i:]
	return run
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
