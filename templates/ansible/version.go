package ansible

// This file compares versions
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/version_test.html).

import (
	"fmt"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

// versionOperators tell what each word accepts of a comparison's sign.
var versionOperators = map[string]func(c int) bool{}

func init() {
	for words, f := range map[string]func(c int) bool{
		"== = eq": func(c int) bool { return c == 0 }, "!= <> ne": func(c int) bool { return c != 0 },
		"< lt": func(c int) bool { return c < 0 }, "<= le": func(c int) bool { return c <= 0 },
		"> gt": func(c int) bool { return c > 0 }, ">= ge": func(c int) bool { return c >= 0 },
	} {
		for _, w := range strings.Fields(words) {
			versionOperators[w] = f
		}
	}
}

func testVersion(c *call) (value, error) {
	var v, w value
	op := "eq"
	var strict, kind value
	if err := c.Unpack("version_compare", "value", &v, "version", &w, "operator?", &op, "strict?", &strict, "version_type?", &kind); err != nil {
		return nil, err
	}
	how := "loose"
	if given(kind) {
		how = text(kind)
	}
	switch {
	case given(strict) && given(kind):
		return nil, fail("Cannot specify both 'strict' and 'version_type'")
	case !v.Truth():
		return nil, fail("Input version value cannot be empty")
	case !w.Truth():
		return nil, fail("Version parameter to compare against cannot be empty")
	case truth(strict):
		how = "strict"
	}
	accept, ok := versionOperators[op]
	parse, known := versionTypes[how]
	switch {
	case given(kind) && !known:
		return nil, fail("Invalid version type (%s). Must be one of %s", how, versionTypeNames(c))
	case !ok:
		return nil, fail("Invalid operator type (%s). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'", op)
	}
	a, err := parse(text(v))
	if err == nil {
		var b versionKey
		if b, err = parse(text(w)); err == nil {
			var sign int
			if sign, err = a.compare(b); err == nil {
				return templates.Bool(accept(sign)), nil
			}
		}
	}
	return nil, fail("Version comparison failed: %s", err)
}

// A versionKey is a version in a form that compares.
type versionKey []any

var versionTypes = map[string]func(string) (versionKey, error){
	"loose": looseVersion, "strict": strictVersion, "semver": semVersion, "semantic": semVersion, "pep440": pepVersion,
}

// compare orders keys as Python's lists; an int and a text have no order.
func (a versionKey) compare(b versionKey) (int, error) {
	for i := range min(len(a), len(b)) {
		c, err := comparePart(a[i], b[i])
		if c != 0 || err != nil {
			return c, err
		}
	}
	return len(a) - len(b), nil
}

func comparePart(a, b any) (int, error) {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), nil
		}
	case versionKey:
		if y, ok := b.(versionKey); ok {
			return x.compare(y)
		}
	case value:
		if y, ok := b.(value); ok {
			return templates.Compare(x, y)
		}
	}
	return 0, fmt.Errorf("'<' not supported between instances of '%s' and '%s'", partType(a), partType(b))
}

func partType(p any) string {
	if _, ok := p.(string); ok {
		return "str"
	}
	return "int"
}

var loosePart = pyre.MustCompile(`(\d+ | [a-z]+ | \.)`, pyre.Verbose)

// looseVersion is distutils' LooseVersion: runs of digits and letters.
func looseVersion(s string) (versionKey, error) {
	var key versionKey
	for _, p := range loosePart.Split(s, 0) {
		if p.Ok && p.Text != "" && p.Text != "." {
			key = append(key, versionPart(p.Text))
		}
	}
	return key, nil
}

// versionPart is a number where s is one.
func versionPart(s string) any {
	if v, err := bigInt(s); err == nil {
		return v
	}
	return s
}

var strictForm = pyre.MustCompile(`^(\d+)\.(\d+)(\.(\d+))?([ab](\d+))?$`, pyre.ASCII)

// strictVersion is distutils' StrictVersion: 1.2, 1.2.3, 1.2a1.
func strictVersion(s string) (versionKey, error) {
	m := strictForm.Match(s)
	if m == nil {
		return nil, fmt.Errorf("invalid version number '%s'", s)
	}
	key := versionKey{}
	for _, g := range []int{1, 2, 4} {
		num, ok := m.Group(g)
		if !ok {
			num = "0"
		}
		key = append(key, versionPart(num))
	}
	if pre, ok := m.Group(5); ok {
		num, _ := m.Group(6)
		return append(key, versionKey{pre[:1], versionPart(num)}), nil
	}
	return append(key, versionKey{"z"}), nil
}

var semForm = pyre.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`, pyre.ASCII)

// semVersion is a version of https://semver.org: what comes before a release
// is less, numbers are less than words.
func semVersion(s string) (versionKey, error) {
	m := semForm.Match(s)
	if m == nil {
		return nil, fmt.Errorf("invalid semantic version '%s'", s)
	}
	key := versionKey{}
	for g := 1; g <= 3; g++ {
		num, _ := m.Group(g)
		key = append(key, versionPart(num))
	}
	pre, ok := m.Group(4)
	if !ok {
		return append(key, templates.Int(1)), nil
	}
	parts := versionKey{}
	for _, p := range strings.Split(pre, ".") {
		if n, isNum := versionPart(p).(value); isNum {
			parts = append(parts, versionKey{templates.Int(0), n})
		} else {
			parts = append(parts, versionKey{templates.Int(1), p})
		}
	}
	return append(key, templates.Int(0), parts), nil
}

var pepForm = pyre.MustCompile(`^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d+)?)?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d+)?)?(?:[-_.]?(dev)[-_.]?(\d+)?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$`, pyre.IgnoreCase)

var pepStages = map[string]int64{"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}

// pepVersion is a version of PEP 440.
func pepVersion(s string) (versionKey, error) {
	m := pepForm.Match(s)
	if m == nil {
		return nil, fmt.Errorf("Invalid version: '%s'", s)
	}
	num := func(g int) value {
		t, _ := m.Group(g)
		if t == "" {
			t = "0"
		}
		v, _ := bigInt(t) // digits only
		return v
	}
	text, _ := m.Group(2)
	release := trimZeros(text)
	stage, hasPre := m.Group(3)
	implicit, hasImplicit := m.Group(5)
	_, hasPost := m.Group(6)
	_, hasDev := m.Group(8)
	pre := versionKey{templates.Int(4), templates.Int(0)}
	switch {
	case hasPre:
		pre = versionKey{templates.Int(pepStages[strings.ToLower(stage)]), num(4)}
	case hasDev && !hasPost && !hasImplicit:
		pre = versionKey{templates.Int(0), templates.Int(0)}
	}
	post := versionKey{templates.Int(-1)}
	if hasImplicit && implicit != "" {
		post = versionKey{num(5)}
	} else if hasPost {
		post = versionKey{num(7)}
	}
	dev := versionKey{templates.Int(1), templates.Int(0)}
	if hasDev {
		dev = versionKey{templates.Int(0), num(9)}
	}
	local := versionKey{}
	if l, ok := m.Group(10); ok {
		for _, p := range strings.FieldsFunc(strings.ToLower(l), func(r rune) bool { return strings.ContainsRune("-_.", r) }) {
			if n, isNum := versionPart(p).(value); isNum {
				local = append(local, versionKey{templates.Int(1), n})
			} else {
				local = append(local, versionKey{templates.Int(0), p})
			}
		}
	}
	return versionKey{num(1), release, pre, post, dev, local}, nil
}

// trimZeros are the numbers of a release without zeros at its end.
func trimZeros(text string) versionKey {
	var key versionKey
	for _, p := range strings.Split(text, ".") {
		key = append(key, versionPart(p))
	}
	for len(key) > 0 && templates.Equal(key[len(key)-1].(value), templates.Int(0)) {
		key = key[:len(key)-1]
	}
	return key
}

// versionTypeNames lists the types of versions as the era's error does.
func versionTypeNames(c *call) string {
	if c.State.Era() == templates.Current {
		return "loose, strict, semver, semantic, pep440"
	}
	return "'loose', 'strict', 'semver', 'semantic', 'pep440'"
}
