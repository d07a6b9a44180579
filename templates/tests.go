package templates

// This file holds Jinja2's tests
// (https://jinja.palletsprojects.com/en/3.1.x/templates/#list-of-builtin-tests).

import (
	"unicode"
)

var tests map[string]Func

func init() { // set here because the test named test refers to the table
	tests = map[string]Func{
		"boolean":     is1("test_boolean", func(c *Call, v Value) bool { _, ok := v.(Bool); return ok }),
		"callable":    is1("callable", func(c *Call, v Value) bool { return isCallable(v) }),
		"defined":     is1("test_defined", func(c *Call, v Value) bool { return !IsUndefined(v) }),
		"divisibleby": testDivisibleby,
		"escaped":     is1("test_escaped", isEscaped),
		"even":        is1("test_even", func(c *Call, v Value) bool { return equal(c.State.run.mod(v, Int(2)), Int(0), 0) }),
		"false":       is1("test_false", func(c *Call, v Value) bool { return v == Value(Bool(false)) }),
		"filter":      testFilter,
		"float":       is1("test_float", func(c *Call, v Value) bool { _, ok := v.(Float); return ok }),
		"in":          testIn,
		"integer":     is1("test_integer", func(c *Call, v Value) bool { _, isBool := v.(Bool); return isInteger(v) && !isBool }),
		"iterable":    is1("test_iterable", isIterable),
		"lower":       is1("test_lower", func(c *Call, v Value) bool { return cased(StrOf(v, c.State.Era()), unicode.IsLower) }),
		"mapping":     is1("test_mapping", func(c *Call, v Value) bool { _, ok := v.(Mapping); return ok }),
		"none":        is1("test_none", func(c *Call, v Value) bool { return v == None }),
		"number":      is1("test_number", func(c *Call, v Value) bool { return isNumber(v) }),
		"odd":         is1("test_odd", func(c *Call, v Value) bool { return equal(c.State.run.mod(v, Int(2)), Int(1), 0) }),
		"sameas":      testSameas,
		"sequence":    is1("test_sequence", isSequence),
		"string":      is1("test_string", func(c *Call, v Value) bool { _, omit := v.(OmitType); return omit || isText(v) }),
		"test":        testTest,
		"true":        is1("test_true", func(c *Call, v Value) bool { return v == Value(Bool(true)) }),
		"undefined":   is1("test_undefined", func(c *Call, v Value) bool { return IsUndefined(v) }),
		"upper":       is1("test_upper", func(c *Call, v Value) bool { return cased(StrOf(v, c.State.Era()), unicode.IsUpper) }),
		"==":          operatorTest("eq", "=="), "eq": operatorTest("eq", "=="), "equalto": operatorTest("eq", "=="),
		"!=": operatorTest("ne", "!="), "ne": operatorTest("ne", "!="),
		">": operatorTest("gt", ">"), "gt": operatorTest("gt", ">"), "greaterthan": operatorTest("gt", ">"),
		">=": operatorTest("ge", ">="), "ge": operatorTest("ge", ">="),
		"<": operatorTest("lt", "<"), "lt": operatorTest("lt", "<"), "lessthan": operatorTest("lt", "<"),
		"<=": operatorTest("le", "<="), "le": operatorTest("le", "<="),
	}
}

// testFlags marks the tests that do not look into what they are given.
var testFlags = map[string]flags{"boolean": shallow, "callable": shallow, "defined": shallow, "false": shallow, "float": shallow,
	"integer": shallow, "iterable": shallow, "mapping": shallow, "none": shallow, "number": shallow, "sequence": shallow,
	"string": shallow, "true": shallow, "undefined": shallow, "sameas": shallow}

// is1 makes a test of a function of one value.
func is1(fn string, f func(c *Call, v Value) bool) Func {
	sig := signatureOf(fn, 0, "value")
	return func(c *Call) (Value, error) {
		a := c.bind(&sig)
		return Bool(f(c, a[0])), nil
	}
}

// operatorTest makes a test of an operator.
func operatorTest(name, op string) Func {
	holds := comparer(op)
	return func(c *Call) (Value, error) {
		if len(c.Kwargs) > 0 {
			throw(TypeError, "_operator.%s() takes no keyword arguments", name)
		}
		if len(c.Args) != 2 {
			throw(TypeError, "%s expected 2 arguments, got %d", name, len(c.Args))
		}
		return Bool(holds(c.State.run, c.Args[0], c.Args[1])), nil
	}
}

var (
	sigDivisibleby = signatureOf("test_divisibleby", 0, "value", "num")
	sigTestFilter  = signatureOf("test_filter", 1, "value")
	sigTestTest    = signatureOf("test_test", 1, "value")
	sigSameas      = signatureOf("test_sameas", 0, "value", "other")
	sigIn          = signatureOf("test_in", 0, "value", "seq")
)

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-tests.divisibleby
func testDivisibleby(c *Call) (Value, error) {
	a := c.bind(&sigDivisibleby)
	return Bool(equal(c.State.run.mod(a[0], a[1]), Int(0), 0)), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-tests.filter
func testFilter(c *Call) (Value, error) {
	a := c.bind(&sigTestFilter)
	_, err := hashKey(a[0])
	check(err)
	name, _ := textOf(a[0])
	_, _, ok := c.State.run.e.filter(name)
	return Bool(ok), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-tests.test
func testTest(c *Call) (Value, error) {
	a := c.bind(&sigTestTest)
	_, err := hashKey(a[0])
	check(err)
	name, _ := textOf(a[0])
	_, _, ok := c.State.run.e.test(name)
	return Bool(ok), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-tests.in
func testIn(c *Call) (Value, error) {
	a := c.bind(&sigIn)
	return Bool(c.State.run.contains(a[1], a[0])), nil
}

// https://jinja.palletsprojects.com/en/3.1.x/templates/#jinja-tests.sameas
func testSameas(c *Call) (Value, error) {
	a := c.bind(&sigSameas)
	return Bool(identical(a[0], a[1])), nil
}

func isCallable(v Value) bool {
	if _, ok := v.(Callable); ok {
		return true
	}
	return IsUndefined(v)
}

func isEscaped(_ *Call, v Value) bool {
	switch x := v.(type) {
	case Markup, *moduleValue:
		return true
	case *Undefined:
		return x.Kind == ChainableUndefined
	}
	return false
}

func isIterable(c *Call, v Value) bool {
	switch v := v.(type) {
	case *List, *Dict, *generator, *loopContext, Tuple, Str, Markup, Bytes, *Set, dictView, Mapping, Sequence:
		return true
	case *Undefined:
		failStrict(v)
		return true
	}
	return false
}

func isSequence(c *Call, v Value) bool {
	switch v := v.(type) {
	case *generator, *Set, dictView, *loopContext:
		return false
	case *Undefined:
		return !v.strict()
	case Str, Markup, Bytes, Mapping, Sequence:
		return true
	}
	return false
}
