// Package packaging holds the modules that install software and its sources.
package packaging

// This file reads dpkg's database and compares Debian's version numbers.

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// A dpkgPackage is one stanza of dpkg's status file.
type dpkgPackage struct {
	name, arch, version string
	want, state         string // "install" and "installed", "deinstall" and "config-files"...
	provides            []string
	section, origin     string
}

func (p *dpkgPackage) installed() bool { return p != nil && p.state == "installed" }

// dpkgStatus holds the packages that dpkg knows, by name; one name may be there
// for several architectures.
type dpkgStatus map[string][]*dpkgPackage

// find returns the package of that name ("name" or "name:arch"), the installed
// one where there are several, or nil.
func (s dpkgStatus) find(spec string) *dpkgPackage {
	name, arch, _ := strings.Cut(spec, ":")
	var found *dpkgPackage
	for _, p := range s[name] {
		if arch != "" && arch != "any" && arch != p.arch {
			continue
		}
		if found == nil || !found.installed() {
			found = p
		}
	}
	return found
}

// readDpkgStatus reads dpkg's status file (deb822, dpkg(1)). A file that is not
// there is an empty database.
func readDpkgStatus(path string) (dpkgStatus, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return dpkgStatus{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseDpkgStatus(text), nil
}

func parseDpkgStatus(text []byte) dpkgStatus {
	out := dpkgStatus{}
	p := &dpkgPackage{}
	end := func() {
		if p.name != "" {
			out[p.name] = append(out[p.name], p)
		}
		p = &dpkgPackage{}
	}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		if len(line) == 0 {
			end()
			continue
		}
		// Continuation lines begin with a blank; only few fields matter.
		switch line[0] {
		case 'P', 'A', 'V', 'S', 'O':
		default:
			continue
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		v := string(bytes.TrimSpace(value))
		switch string(key) {
		case "Package":
			p.name = v
		case "Architecture":
			p.arch = v
		case "Version":
			p.version = v
		case "Section":
			p.section = v
		case "Origin":
			p.origin = v
		case "Status":
			if f := strings.Fields(v); len(f) == 3 {
				p.want, p.state = f[0], f[2]
			}
		case "Provides":
			for _, one := range strings.Split(v, ",") {
				name, _, _ := strings.Cut(strings.TrimSpace(one), " ")
				p.provides = append(p.provides, name)
			}
		}
	}
	end()
	return out
}

// compareVersions orders two versions by Debian policy 5.6.12: negative, 0 or
// positive.
func compareVersions(a, b string) int {
	ea, ua, ra := splitVersion(a)
	eb, ub, rb := splitVersion(b)
	for _, pair := range [][2]string{{ea, eb}, {ua, ub}, {ra, rb}} {
		if c := compareParts(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}

func splitVersion(v string) (epoch, upstream, revision string) {
	epoch, upstream = "0", v
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, upstream = e, rest
	}
	if i := strings.LastIndexByte(upstream, '-'); i >= 0 {
		upstream, revision = upstream[:i], upstream[i+1:]
	}
	return epoch, upstream, revision
}

// charOrder ranks a byte in the non-digit part: ~ before the end, letters
// before all else.
func charOrder(s string, i int) int {
	switch {
	case i >= len(s) || isDigit(s[i]):
		return 0
	case s[i] == '~':
		return -1
	case s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z':
		return int(s[i])
	}
	return int(s[i]) + 256
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func compareParts(a, b string) int {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for i < len(a) && !isDigit(a[i]) || j < len(b) && !isDigit(b[j]) {
			if d := charOrder(a, i) - charOrder(b, j); d != 0 {
				return d
			}
			i++
			j++
		}
		var na, nb string
		na, i = number(a, i)
		nb, j = number(b, j)
		if len(na) != len(nb) {
			return len(na) - len(nb)
		}
		if c := strings.Compare(na, nb); c != 0 {
			return c
		}
	}
	return 0
}

// number reads digits from i on, without leading zeros.
func number(s string, i int) (digits string, end int) {
	if i > len(s) {
		return "", i
	}
	start := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return strings.TrimLeft(s[start:i], "0"), i
}
