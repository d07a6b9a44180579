package ansible

// This file holds the filters of numbers and sizes.

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"gorun/modules/pyre"
	"gorun/templates"
)

var mathFilters = table{
	"log": filterLog, "pow": filterPow, "root": filterRoot, "human_readable": filterHumanReadable, "human_to_bytes": filterHumanToBytes,
}

// floatArg is a number for a function of Python's math.
func floatArg(v value) (float64, error) {
	f, ok := number(v)
	if !ok {
		return 0, raise(templates.TypeError, "must be real number, not %s", v.Type())
	}
	return f, nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/log_filter.html
func filterLog(c *call) (value, error) {
	var x, base value = nil, templates.Float(math.E)
	if err := c.Unpack("logarithm", "x", &x, "base?", &base); err != nil {
		return nil, err
	}
	current := c.State.Era() == templates.Current
	f, err := floatArg(x)
	if err != nil {
		return nil, typeError("log() can only be used on numbers: %s", err)
	}
	b, err := floatArg(base)
	switch {
	case f <= 0 && current, err == nil && b <= 0 && current:
		return nil, raise(templates.ValueError, "expected a positive input")
	case f <= 0, err == nil && b <= 0:
		return nil, raise(templates.ValueError, "math domain error")
	case err != nil:
		return nil, typeError("log() can only be used on numbers: %s", err)
	case b == 10:
		return templates.Float(math.Log10(f)), nil
	case b == 1:
		return nil, divisionByZero(c)
	}
	return templates.Float(math.Log(f) / math.Log(b)), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/pow_filter.html
func filterPow(c *call) (value, error) {
	var x, y value
	if err := c.Unpack("power", "x", &x, "y", &y); err != nil {
		return nil, err
	}
	a, err := floatArg(x)
	if err == nil {
		var b float64
		if b, err = floatArg(y); err == nil {
			return pyPow(a, b)
		}
	}
	return nil, typeError("pow() can only be used on numbers: %s", err)
}

func pyPow(a, b float64) (value, error) {
	p := math.Pow(a, b)
	switch {
	case math.IsNaN(p) && !math.IsNaN(a) && !math.IsNaN(b), a == 0 && b < 0:
		return nil, raise(templates.ValueError, "math domain error")
	case math.IsInf(p, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0):
		return nil, raise(templates.OverflowError, "math range error")
	}
	return templates.Float(p), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/root_filter.html
func filterRoot(c *call) (value, error) {
	var x, base value = nil, templates.Int(2)
	if err := c.Unpack("inversepower", "x", &x, "base?", &base); err != nil {
		return nil, err
	}
	b, isNumber := number(base)
	if isNumber && b == 0 {
		return nil, divisionByZero(c)
	}
	f, err := floatArg(x)
	switch {
	case !isNumber:
		err = raise(templates.ValueError, "could not convert string to float: %s", repr(base))
	case err != nil:
	case b == 2 && f < 0:
		err = raise(templates.ValueError, "math domain error")
		if c.State.Era() == templates.Current {
			err = raise(templates.ValueError, "expected a nonnegative input, got %s", text(templates.Float(f)))
		}
	case b == 2:
		return templates.Float(math.Sqrt(f)), nil
	default:
		var v value
		if v, err = pyPow(f, 1/b); err == nil {
			return templates.Float(nearestRoot(float64(v.(templates.Float)), f, b)), nil
		}
	}
	return nil, typeError("root() can only be used on numbers: %s", err)
}

// divisionByZero is the error of the era's Python.
func divisionByZero(c *call) error {
	if c.State.Era() == templates.Current {
		return raise(templates.ZeroDivisionError, "division by zero")
	}
	return raise(templates.ZeroDivisionError, "float division by zero")
}

// nearestRoot corrects the last digit of a root of a whole base, which C's pow
// rounds rightly and Go's does not.
func nearestRoot(root, x, base float64) float64 {
	n := int(base)
	if float64(n) != base || n < 1 || n > 64 || root == 0 || math.IsInf(root, 0) {
		return root
	}
	best, least := root, (*big.Float)(nil)
	for _, c := range []float64{root, math.Nextafter(root, math.Inf(1)), math.Nextafter(root, 0)} {
		p := new(big.Float).SetPrec(4096).SetInt64(1)
		for range n {
			p.Mul(p, big.NewFloat(c))
		}
		p.Sub(p, big.NewFloat(x)).Abs(p)
		if least == nil || p.Cmp(least) < 0 {
			best, least = c, p
		}
	}
	return best
}

// sizeUnits are the units of sizes, largest first.
const sizeUnits = "YZEPTGMK"

// unitSize is 1024 to the power of a unit's rank.
func unitSize(u byte) *big.Int {
	rank := len(sizeUnits) - strings.IndexByte(sizeUnits, u)
	return new(big.Int).Lsh(big.NewInt(1), uint(10*rank))
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/human_readable_filter.html
func filterHumanReadable(c *call) (value, error) {
	var size, isBits, unit value
	if err := c.Unpack("human_readable", "size", &size, "isbits?", &isBits, "unit?", &unit); err != nil {
		return nil, err
	}
	n, ok := number(size)
	if !ok {
		return nil, typeError("human_readable() failed on bad input: '>=' not supported between instances of '%s' and 'int'", size.Type())
	}
	base := "Bytes"
	if truth(isBits) {
		base = "bits"
	}
	suffix, limit := base, 1.0
	for i := range len(sizeUnits) {
		f, _ := new(big.Float).SetInt(unitSize(sizeUnits[i])).Float64()
		match := !given(unit) && n >= f
		if given(unit) {
			match = strings.EqualFold(text(unit), sizeUnits[i:i+1])
		}
		if match {
			suffix, limit = sizeUnits[i:i+1]+base[:1], f
			break
		}
	}
	return str(strconv.FormatFloat(n/limit, 'f', 2, 64) + " " + suffix), nil
}

// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/human_to_bytes_filter.html
func filterHumanToBytes(c *call) (value, error) {
	var size, unit, isBits value
	if err := c.Unpack("human_to_bytes", "size", &size, "default_unit?", &unit, "isbits?", &isBits); err != nil {
		return nil, err
	}
	current := c.State.Era() == templates.Current
	if current && sizeForm.Match(text(size)) == nil {
		return nil, fail("human_to_bytes() can't interpret the input: human_to_bytes() can't interpret following string: %s", text(size))
	}
	v, err := humanToBytes(text(size), unit, truth(isBits), current)
	switch {
	case err == nil:
		return v, nil
	case current:
		return nil, fail("human_to_bytes() can't interpret the input: %s", err)
	}
	return nil, fail("human_to_bytes() can't interpret following string: %s", text(size))
}

// sizeForm is a size as the current release reads it: nothing else may follow.
var sizeForm = pyre.MustCompile(`^[0-9]*\.?[0-9]+(?:\s*[A-Za-z]+)?\s*$`, 0)

func humanToBytes(s string, defaultUnit value, isBits, current bool) (value, error) {
	trimmed := strings.TrimLeft(s, " \t\n\r\f\v")
	i := 0
	for i < len(trimmed) && trimmed[i] >= '0' && trimmed[i] <= '9' {
		i++
	}
	if i+1 < len(trimmed) && trimmed[i] == '.' || i < len(trimmed) && trimmed[i] == '.' {
		i++
		for i < len(trimmed) && trimmed[i] >= '0' && trimmed[i] <= '9' {
			i++
		}
	}
	num, rest := trimmed[:i], strings.TrimLeft(trimmed[i:], " \t\n\r\f\v")
	j := 0
	for j < len(rest) && (rest[j] >= 'a' && rest[j] <= 'z' || rest[j] >= 'A' && rest[j] <= 'Z') {
		j++
	}
	unit := rest[:j]
	n, ok := new(big.Rat).SetString(num)
	if !ok {
		return nil, raise(templates.ValueError, "human_to_bytes() can't interpret following string: %s", s)
	}
	f, _ := n.Float64()
	if unit == "" {
		if !given(defaultUnit) {
			whole, _ := big.NewFloat(math.RoundToEven(f)).Int(nil)
			return templates.NewInt(whole), nil
		}
		unit = text(defaultUnit)
	}
	first := strings.ToUpper(unit[:1])
	scale := big.NewInt(1)
	if first != "B" {
		if !strings.Contains(sizeUnits, first) {
			return nil, raise(templates.ValueError, "human_to_bytes() failed to convert %s (unit = %s). The suffix must be one of %s", s, unit, "Y, Z, E, P, T, G, M, K, B")
		}
		scale = unitSize(first[0])
	}
	if err := checkSizeUnit(s, unit, isBits, current); err != nil {
		return nil, err
	}
	scaled := new(big.Float).Mul(big.NewFloat(f), new(big.Float).SetInt(scale))
	g, _ := scaled.Float64()
	whole, _ := big.NewFloat(math.RoundToEven(g)).Int(nil)
	return templates.NewInt(whole), nil
}

// checkSizeUnit refuses bits where bytes are meant, and the other way round.
func checkSizeUnit(s, unit string, isBits, current bool) error {
	class, word := "B", "byte"
	if isBits {
		class, word = "b", "bit"
	}
	if len(unit) > 1 {
		l := strings.ToLower(unit)
		if l == word || l == word+"s" || len(unit) == 2 && unit[1:] == class {
			return nil
		}
		if strings.HasSuffix(l, word) || !current && strings.HasSuffix(l, word+"s") {
			return nil
		}
		expected := class
		if len(unit) > 0 && strings.ToUpper(unit[:1]) != "B" {
			expected = strings.ToUpper(unit[:1]) + class
		}
		return raise(templates.ValueError, "human_to_bytes() failed to convert %s. Value is not a valid string (expect %s or %s)", s, expected, strings.ToUpper(unit[:1]))
	}
	return nil
}
