package modules

// This file resolves file modes.

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	setuidBit = 0o4000
	setgidBit = 0o2000
	stickyBit = 0o1000
	modeMask  = 0o7777
)

// ParseMode resolves a mode in any of Ansible's forms (0644, "0644",
// "u+rwX,g-w", 420) for a file that has mode old, of which the type (for X)
// and the permissions count. The result has Go's bits for setuid, setgid and
// sticky, and no type.
func ParseMode(mode any, old os.FileMode) (os.FileMode, error) {
	bits, err := modeBits(mode, unixMode(old), old.IsDir())
	if err != nil {
		return 0, err
	}
	return goMode(bits), nil
}

func modeBits(mode any, old uint32, dir bool) (uint32, error) {
	switch v := normalise(mode).(type) {
	case int64:
		if v < 0 || v > modeMask {
			return 0, badMode(pyStr(v))
		}
		return uint32(v), nil
	case string:
		text := strings.TrimSpace(v)
		if n, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 32); err == nil {
			if n > modeMask {
				return 0, badMode(v)
			}
			return uint32(n), nil
		}
		return symbolicMode(text, old, dir)
	default:
		return 0, badMode(pyStr(v))
	}
}

func badMode(mode string) error {
	return FailWith(map[string]any{"details": "bad symbolic permission for mode: " + mode},
		"mode must be in octal or symbolic form")
}

// symbolicMode applies u+rwX,g-w,o= to old.
func symbolicMode(text string, old uint32, dir bool) (uint32, error) {
	mode := old & modeMask
	for _, clause := range strings.Split(text, ",") {
		i := strings.IndexAny(clause, "+-=")
		who := clause
		if i >= 0 {
			who = clause[:i]
		}
		if strings.Trim(who, "ugoa") != "" || i < 0 {
			return 0, badMode(clause)
		}
		all := who == ""
		if all || strings.Contains(who, "a") {
			who = "ugo"
		}
		for rest := clause[i:]; rest != ""; {
			op := rest[0]
			rest = rest[1:]
			end := strings.IndexAny(rest, "+-=")
			if end < 0 {
				end = len(rest)
			}
			perms := rest[:end]
			rest = rest[end:]
			if strings.Trim(perms, "rwxXst") != "" && strings.Trim(perms, "ugo") != "" {
				return 0, badMode(clause)
			}
			mask := uint32(modeMask)
			if all {
				mask &^= processUmask
			}
			// X and copied permissions look at the mode as it was before this clause part.
			before := mode
			for _, class := range who {
				mode = applyPerms(mode, before, op, byte(class), perms, dir, mask)
			}
		}
	}
	return mode, nil
}

// shift is where the class's rwx bits are.
func shift(class byte) uint {
	switch class {
	case 'u':
		return 6
	case 'g':
		return 3
	}
	return 0
}

func special(class byte) uint32 {
	switch class {
	case 'u':
		return setuidBit
	case 'g':
		return setgidBit
	}
	return stickyBit
}

// applyPerms changes the permissions of one class.
func applyPerms(mode, before uint32, op, class byte, perms string, dir bool, mask uint32) uint32 {
	var bits uint32
	for _, p := range []byte(perms) {
		switch p {
		case 'r':
			bits |= 4 << shift(class)
		case 'w':
			bits |= 2 << shift(class)
		case 'x':
			bits |= 1 << shift(class)
		case 'X':
			if dir || before&0o111 != 0 {
				bits |= 1 << shift(class)
			}
		case 's':
			if class != 'o' {
				bits |= special(class)
			}
		case 't':
			bits |= stickyBit
		case 'u', 'g', 'o':
			bits |= before >> shift(p) & 7 << shift(class)
		}
	}
	bits &= mask
	switch op {
	case '+':
		return mode | bits
	case '-':
		return mode &^ bits
	}
	return mode&^(7<<shift(class)|special(class)) | bits
}

// unixMode gives the permission bits of m as chmod takes them.
func unixMode(m os.FileMode) uint32 {
	bits := uint32(m.Perm())
	if m&os.ModeSetuid != 0 {
		bits |= setuidBit
	}
	if m&os.ModeSetgid != 0 {
		bits |= setgidBit
	}
	if m&os.ModeSticky != 0 {
		bits |= stickyBit
	}
	return bits
}

// goMode is the opposite of unixMode.
func goMode(bits uint32) os.FileMode {
	m := os.FileMode(bits & 0o777)
	if bits&setuidBit != 0 {
		m |= os.ModeSetuid
	}
	if bits&setgidBit != 0 {
		m |= os.ModeSetgid
	}
	if bits&stickyBit != 0 {
		m |= os.ModeSticky
	}
	return m
}

// ShowMode is a mode as Ansible's results have it: "0644", "01777".
func ShowMode(m os.FileMode) string { return fmt.Sprintf("0%03o", unixMode(m)) }
