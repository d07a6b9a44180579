package ansible

// This file holds the tests of results and of values.

import (
	"errors"
	"math"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

var resultTests = table{
	"changed": testChanged, "change": testChanged, "failed": testFailed, "failure": testFailed,
	"succeeded": testSuccess, "success": testSuccess, "successful": testSuccess, "skipped": testSkipped, "skip": testSkipped,
	"reachable": testReachable, "unreachable": testUnreachable, "started": testStarted, "finished": testFinished, "timedout": testTimedout,
}

var valueTests = table{
	"match": testMatch, "search": testSearch, "regex": testRegex, "version": testVersion, "version_compare": testVersion,
	"any": testAny, "all": testAll, "truthy": testTruthy, "falsy": testFalsy, "vault_encrypted": testVaultEncrypted,
	"contains": testContains, "subset": testSubset, "issubset": testSubset, "superset": testSuperset, "issuperset": testSuperset,
	"isnan": testNaN, "nan": testNaN,
}

// result is the task's result that a test is asked about.
func result(c *call, name string) (templates.Mapping, error) {
	var v value
	if err := c.Unpack(name, "result", &v); err != nil {
		return nil, err
	}
	if u, undefined := v.(*templates.Undefined); undefined && c.State.Era() == templates.Current {
		return nil, u.Err()
	}
	m, ok := v.(templates.Mapping)
	if !ok {
		return nil, fail("The '%s' test expects a dictionary", name)
	}
	return m, nil
}

// flag is the truth of a result's item.
func flag(m templates.Mapping, key string, dflt bool) (bool, error) {
	v, ok, err := strKey(m, key)
	if err != nil || !ok {
		return dflt, err
	}
	return v.Truth(), nil
}

// resultTest makes a test of a result's flag.
func resultTest(name, key string, dflt, want bool) templates.Func {
	return func(c *call) (value, error) {
		m, err := result(c, name)
		if err != nil {
			return nil, err
		}
		on, err := flag(m, key, dflt)
		return templates.Bool(on == want), err
	}
}

var (
	// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/failed_test.html
	testFailed = resultTest("failed", "failed", false, true)
	// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/success_test.html
	testSuccess = resultTest("failed", "failed", false, false)
	// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/skipped_test.html
	testSkipped = resultTest("skipped", "skipped", false, true)
	// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/unreachable_test.html
	testUnreachable = resultTest("unreachable", "unreachable", false, true)
	// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/reachable_test.html
	testReachable = resultTest("unreachable", "unreachable", false, false)
	// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/started_test.html
	testStarted = resultTest("started", "started", true, true)
	// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/finished_test.html
	testFinished = resultTest("finished", "finished", true, true)
)

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/changed_test.html
func testChanged(c *call) (value, error) {
	m, err := result(c, "changed")
	if err != nil {
		return nil, err
	}
	if _, ok, err := strKey(m, "changed"); err != nil || ok {
		on, err2 := flag(m, "changed", false)
		if err == nil {
			err = err2
		}
		return templates.Bool(on), err
	}
	results, ok, err := strKey(m, "results")
	if err != nil || !ok || !isSequence(results) {
		return templates.Bool(false), err
	}
	for _, r := range elemsOf(results) {
		one, ok := r.(templates.Mapping)
		if !ok {
			return templates.Bool(false), nil
		}
		if on, err := flag(one, "changed", false); on || err != nil {
			return templates.Bool(on), err
		}
	}
	return templates.Bool(false), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/timedout_test.html
func testTimedout(c *call) (value, error) {
	m, err := result(c, "timedout")
	if err != nil {
		return nil, err
	}
	v, ok, err := strKey(m, "timedout")
	if err != nil || !ok {
		return templates.Bool(false), err
	}
	d, ok := v.(templates.Mapping)
	if !ok {
		return templates.Bool(v.Truth()), nil
	}
	on, err := flag(d, "period", false)
	return templates.Bool(on), err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/regex_test.html
func testRegex(c *call) (value, error) {
	kind := "search"
	return regexTest(c, "regex", &kind)
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/match_test.html
func testMatch(c *call) (value, error) { return regexTest(c, "match", nil) }

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/search_test.html
func testSearch(c *call) (value, error) { return regexTest(c, "search", nil) }

// regexTest matches; kind is where the caller may choose how.
func regexTest(c *call, name string, kind *string) (value, error) {
	var v, pattern, ignoreCase, multiline value = nil, str(""), nil, nil
	params := []any{"value?", &v, "pattern?", &pattern, "ignorecase?", &ignoreCase, "multiline?", &multiline}
	how := name
	if kind != nil {
		params = append(params, "match_type?", kind)
	}
	if err := c.Unpack(name, params...); err != nil {
		return nil, err
	}
	if kind != nil {
		how = *kind
	}
	re, err := compileValue(pattern, regexFlags(ignoreCase, multiline))
	if err != nil {
		return nil, err
	}
	var m *pyre.Match
	switch s := text(v); how {
	case "match":
		m = re.Match(s)
	case "fullmatch":
		m = re.FullMatch(s)
	case "search":
		m = re.Search(s)
	default:
		if c.State.Era() == templates.Current {
			return nil, fail("Invalid match_type specified. Expected one of: search, match, fullmatch.")
		}
		return nil, raise(templates.TypeError, "'str' object is not callable")
	}
	return templates.Bool(m != nil), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/any_test.html
func testAny(c *call) (value, error) { return someTest(c, "any", true) }

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/all_test.html
func testAll(c *call) (value, error) { return someTest(c, "all", false) }

// someTest looks for an element of one truth.
func someTest(c *call, name string, sought bool) (value, error) {
	var v value
	if err := c.Unpack(name, "list", &v); err != nil {
		return nil, err
	}
	elems, err := c.State.Iterate(v)
	if err != nil {
		return nil, err
	}
	for _, e := range elems {
		if e.Truth() == sought {
			return templates.Bool(sought), nil
		}
	}
	return templates.Bool(!sought), nil
}

// truthiness is the truth of a value, or of the bool that its text stands for.
func truthiness(c *call, name string) (bool, error) {
	var v, convert value
	if err := c.Unpack(name, "value", &v, "convert_bool?", &convert); err != nil {
		return false, err
	}
	if truth(convert) {
		if b, ok := boolText(v); ok {
			return b, nil
		}
	}
	return v.Truth(), nil
}

// boolText is Ansible's reading of a bool: yes, on, true, 1 and their like.
func boolText(v value) (b, ok bool) {
	s := v
	if t, isStr := isText(v); isStr {
		s = str(lower(t))
	}
	if n, isNum := number(s); isNum {
		return n == 1, n == 0 || n == 1
	}
	switch text(s) {
	case "y", "yes", "on", "1", "true", "t", "1.0":
		return true, true
	case "n", "no", "off", "0", "false", "f", "0.0":
		return false, true
	}
	return false, false
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/truthy_test.html
func testTruthy(c *call) (value, error) {
	b, err := truthiness(c, "truthy")
	return templates.Bool(b), err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/falsy_test.html
func testFalsy(c *call) (value, error) {
	b, err := truthiness(c, "falsy")
	return templates.Bool(!b), err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/vault_encrypted_test.html
func testVaultEncrypted(c *call) (value, error) {
	var v value
	if err := c.Unpack("vault_encrypted", "value", &v); err != nil {
		return nil, err
	}
	e, ok := v.(interface{ Encrypted() bool })
	return templates.Bool(ok && e.Encrypted()), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/contains_test.html
func testContains(c *call) (value, error) {
	if len(c.Args) != 2 {
		var a, b value
		return nil, c.Unpack("contains", "seq", &a, "value", &b)
	}
	in, err := c.State.CallTest("in", []value{c.Args[1], c.Args[0]}, nil)
	var te *templates.Error
	if errors.As(err, &te) { // the error is told as this test's
		e := *te
		e.Msg = strings.TrimPrefix(te.Msg, "The test plugin 'ansible.builtin.in' failed: ")
		return nil, &e
	}
	return templates.Bool(in), err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/subset_test.html
func testSubset(c *call) (value, error) {
	a, b, err := twoSets(c, "issubset")
	if err != nil {
		return nil, err
	}
	return templates.Bool(len(filtered(a, b, false)) == 0), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/superset_test.html
func testSuperset(c *call) (value, error) {
	a, b, err := twoSets(c, "issuperset")
	if err != nil {
		return nil, err
	}
	return templates.Bool(len(filtered(b, a, false)) == 0), nil
}

// twoSets are two lists whose elements have to be hashable.
func twoSets(c *call, fn string) (a, b []value, err error) {
	a, b, err = twoLists(c, fn)
	set := templates.NewDict(len(a) + len(b))
	for _, elems := range [][]value{a, b} {
		for _, e := range elems {
			if err == nil {
				err = set.Set(e, templates.None)
			}
		}
	}
	return a, b, err
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/nan_test.html
func testNaN(c *call) (value, error) {
	var v value
	if err := c.Unpack("isnotanumber", "x", &v); err != nil {
		return nil, err
	}
	f, ok := v.(templates.Float)
	return templates.Bool(ok && math.IsNaN(float64(f))), nil
}
