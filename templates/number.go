package templates

// This file does Python's arithmetic.

import (
	"math"
	"math/big"
	"math/bits"
	"time"
)

// valueSize is the bytes of an element of a list.
const valueSize = 16

// maxIntBits bounds the integers that arithmetic may make.
const maxIntBits = 1 << 18

// NewInt returns i as an Int where it fits, else as a *BigInt.
func NewInt(i *big.Int) Value {
	if i.IsInt64() {
		return Int(i.Int64())
	}
	return &BigInt{i}
}

// toBig returns the integer that v is; bools are integers too.
func toBig(v Value) (*big.Int, bool) {
	switch v := v.(type) {
	case Int:
		return big.NewInt(int64(v)), true
	case *BigInt:
		return v.V, true
	case Bool:
		return big.NewInt(b2i(bool(v))), true
	}
	return nil, false
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// toInt returns the int that v is, where it fits in 64 bits.
func toInt(v Value) (int64, bool) {
	switch v := v.(type) {
	case Int:
		return int64(v), true
	case Bool:
		return b2i(bool(v)), true
	}
	return 0, false
}

// toFloat returns the number that v is as a float.
func toFloat(v Value) (float64, bool) {
	switch v := v.(type) {
	case Float:
		return float64(v), true
	case Int:
		return float64(v), true
	case Bool:
		return float64(b2i(bool(v))), true
	case *BigInt:
		f, _ := new(big.Float).SetInt(v.V).Float64()
		return f, true
	}
	return 0, false
}

func isNumber(v Value) bool {
	switch v.(type) {
	case Int, Float, Bool, *BigInt:
		return true
	}
	return false
}

func isInteger(v Value) bool {
	switch v.(type) {
	case Int, Bool, *BigInt:
		return true
	}
	return false
}

func bigFloat(v *big.Int) float64 {
	f, _ := new(big.Float).SetInt(v).Float64()
	if math.IsInf(f, 0) {
		throw(OverflowError, "int too large to convert to float")
	}
	return f
}

// mustFloat converts a number for an operation with a float.
func mustFloat(v Value) float64 {
	if b, ok := v.(*BigInt); ok {
		return bigFloat(b.V)
	}
	f, _ := toFloat(v)
	return f
}

func unsupported(op string, a, b Value) {
	failUndefined(a)
	failUndefined(b)
	throw(TypeError, "unsupported operand type(s) for %s: '%s' and '%s'", op, pyType(a), pyType(b))
}

// add is a + b.
func (rt *run) add(a, b Value) Value {
	if x, ok := a.(Int); ok {
		if y, ok := b.(Int); ok {
			s := x + y
			if (s > x) == (y > 0) {
				return s
			}
		}
	}
	if isNumber(a) && isNumber(b) {
		return arith('+', a, b)
	}
	switch x := a.(type) {
	case Str, Markup:
		return rt.addText(a, b)
	case *List:
		if y, ok := b.(*List); ok {
			rt.bound(valueSize * (len(x.Elems) + len(y.Elems)))
			out := make([]Value, 0, len(x.Elems)+len(y.Elems))
			out = append(append(out, x.Elems...), y.Elems...)
			return &List{Elems: out, Lazy: x.Lazy || y.Lazy}
		}
		failUndefined(b)
		throw(TypeError, `can only concatenate list (not "%s") to list`, pyType(b))
	case Tuple:
		if y, ok := b.(Tuple); ok {
			rt.bound(valueSize * (len(x) + len(y)))
			return append(append(make(Tuple, 0, len(x)+len(y)), x...), y...)
		}
		failUndefined(b)
		throw(TypeError, `can only concatenate tuple (not "%s") to tuple`, pyType(b))
	case Bytes:
		if y, ok := b.(Bytes); ok {
			return append(append(make(Bytes, 0, len(x)+len(y)), x...), y...)
		}
	}
	if v := timeArith(a, b, 1); v != nil {
		return v
	}
	unsupported("+", a, b)
	return nil
}

func (rt *run) addText(a, b Value) Value {
	sa, _ := textOf(a)
	sb, ok := textOf(b)
	if !ok {
		failUndefined(b)
		if _, isMarkup := a.(Markup); isMarkup {
			unsupported("+", a, b)
		}
		throw(TypeError, `can only concatenate str (not "%s") to str`, pyType(b))
	}
	rt.bound(len(sa) + len(sb))
	_, ma := a.(Markup)
	_, mb := b.(Markup)
	switch {
	case ma && mb:
		return Markup(sa + sb)
	case ma:
		return Markup(sa + escapeHTML(sb))
	case mb:
		return Markup(escapeHTML(sa) + sb)
	}
	return Str(sa + sb)
}

// sub is a - b.
func (rt *run) sub(a, b Value) Value {
	if isNumber(a) && isNumber(b) {
		return arith('-', a, b)
	}
	if v := timeArith(a, b, -1); v != nil {
		return v
	}
	if x, ok := a.(*Set); ok {
		if y, ok := b.(*Set); ok {
			return x.difference(y)
		}
	}
	unsupported("-", a, b)
	return nil
}

// timeArith adds sign*b to a where either is a date or a duration; else nil.
func timeArith(a, b Value, sign time.Duration) Value {
	switch x := a.(type) {
	case *DateTime:
		switch y := b.(type) {
		case TimeDelta:
			return &DateTime{T: x.T.Add(sign * time.Duration(y)), Naive: x.Naive, DateOnly: x.DateOnly}
		case *DateTime:
			if sign < 0 && x.DateOnly == y.DateOnly {
				if x.Naive != y.Naive {
					throw(TypeError, "can't subtract offset-naive and offset-aware datetimes")
				}
				return TimeDelta(x.T.Sub(y.T))
			}
		}
	case TimeDelta:
		switch y := b.(type) {
		case TimeDelta:
			return x + TimeDelta(sign)*y
		case *DateTime:
			if sign > 0 {
				return timeArith(y, x, 1)
			}
		}
	}
	return nil
}

// mul is a * b.
func (rt *run) mul(a, b Value) Value {
	if isNumber(a) && isNumber(b) {
		return arith('*', a, b)
	}
	if v := rt.repeat(a, b); v != nil {
		return v
	}
	if v := rt.repeat(b, a); v != nil {
		return v
	}
	if d, ok := a.(TimeDelta); ok && isNumber(b) {
		return TimeDelta(float64(d) * mustFloat(b))
	}
	if isRepeatable(a) || isRepeatable(b) {
		other := b
		if !isRepeatable(a) {
			other = a
		}
		failUndefined(other)
		if _, ok := a.(Markup); ok { // Markup multiplies in its own way
			if !isRepeatable(b) {
				unsupported("*", a, b)
			}
			other = a
		}
		throw(TypeError, "can't multiply sequence by non-int of type '%s'", pyType(other))
	}
	unsupported("*", a, b)
	return nil
}

func isRepeatable(v Value) bool {
	switch v.(type) {
	case Str, Markup, *List, Tuple, Bytes:
		return true
	}
	return false
}

// repeat is a * b for a sequence a and an int b; nil where they are not.
func (rt *run) repeat(a, b Value) Value {
	if !isInteger(b) || !isRepeatable(a) {
		return nil
	}
	n64, ok := toInt(b)
	if !ok {
		if x, _ := toBig(b); x.Sign() > 0 {
			throw(OverflowError, "cannot fit 'int' into an index-sized integer")
		}
	}
	if length(a) == 0 {
		n64 = 0
	} else if n64 > math.MaxInt32 {
		throw(OverflowError, "result too large")
	}
	n := int(max(n64, 0))
	size := 1
	switch a.(type) {
	case *List, Tuple:
		size = valueSize
	}
	rt.bound(length(a) * n * size)
	switch a := a.(type) {
	case Str:
		return Str(repeatText(string(a), n))
	case Markup:
		return Markup(repeatText(string(a), n))
	case Bytes:
		return Bytes(repeatText(string(a), n))
	case Tuple:
		return Tuple(repeatElems(a, n))
	case *List:
		return &List{Elems: repeatElems(a.Elems, n), Lazy: a.Lazy}
	}
	return nil
}

func repeatElems(e []Value, n int) []Value {
	out := make([]Value, 0, len(e)*n)
	for range n {
		out = append(out, e...)
	}
	return out
}

// div is a / b.
func (rt *run) div(a, b Value) Value {
	if d, ok := a.(TimeDelta); ok {
		if e, ok := b.(TimeDelta); ok && e != 0 {
			return Float(float64(d) / float64(e))
		}
		if f, ok := toFloat(b); ok && f != 0 {
			return TimeDelta(float64(d) / f)
		}
	}
	if !isNumber(a) || !isNumber(b) {
		unsupported("/", a, b)
	}
	if isInteger(a) && isInteger(b) {
		if !b.Truth() {
			throw(ZeroDivisionError, "division by zero")
		}
		x, okx := toInt(a)
		y, oky := toInt(b)
		const exact = 1 << 53
		if okx && oky && x <= exact && x >= -exact && y <= exact && y >= -exact {
			return Float(float64(x) / float64(y))
		}
		bx, _ := toBig(a)
		by, _ := toBig(b)
		f, _ := new(big.Rat).SetFrac(bx, by).Float64()
		if math.IsInf(f, 0) {
			throw(OverflowError, "integer division result too large for a float")
		}
		return Float(f)
	}
	if y := mustFloat(b); y != 0 {
		return Float(mustFloat(a) / y)
	}
	throw(ZeroDivisionError, "float division by zero")
	return nil
}

// arith does op, one of + - *, on two numbers.
func arith(op byte, a, b Value) Value {
	_, fa := a.(Float)
	_, fb := b.(Float)
	if fa || fb {
		x, y := mustFloat(a), mustFloat(b)
		switch op {
		case '+':
			return Float(x + y)
		case '-':
			return Float(x - y)
		}
		return Float(x * y)
	}
	if x, ok := toInt(a); ok {
		if y, ok := toInt(b); ok {
			if v, ok := arithInt(op, x, y); ok {
				return Int(v)
			}
		}
	}
	x, _ := toBig(a)
	y, _ := toBig(b)
	z := new(big.Int)
	switch op {
	case '+':
		z.Add(x, y)
	case '-':
		z.Sub(x, y)
	default:
		boundBits(x.BitLen() + y.BitLen())
		z.Mul(x, y)
	}
	return NewInt(z)
}

func arithInt(op byte, x, y int64) (int64, bool) {
	switch op {
	case '+':
		s := x + y
		return s, (s > x) == (y > 0)
	case '-':
		d := x - y
		return d, (d < x) == (y > 0)
	}
	hi, lo := bits.Mul64(uint64(abs64(x)), uint64(abs64(y)))
	if hi != 0 || lo > math.MaxInt64 || x == math.MinInt64 || y == math.MinInt64 {
		return 0, false
	}
	return x * y, true
}

func abs64(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

func boundBits(n int) {
	if n > maxIntBits {
		throw(OverflowError, "integer too large: more than %d bits", maxIntBits)
	}
}

// floordiv is a // b.
func (rt *run) floordiv(a, b Value) Value {
	if !isNumber(a) || !isNumber(b) {
		unsupported("//", a, b)
	}
	if isInteger(a) && isInteger(b) {
		if !b.Truth() {
			throw(ZeroDivisionError, "integer division or modulo by zero")
		}
		q, _ := divmodInt(a, b)
		return q
	}
	if y := mustFloat(b); y != 0 {
		q, _ := divmodFloat(mustFloat(a), y)
		return Float(q)
	}
	throw(ZeroDivisionError, "float floor division by zero")
	return nil
}

// mod is a % b for numbers; text formatting is in format.go.
func (rt *run) mod(a, b Value) Value {
	switch x := a.(type) {
	case Str:
		return Str(rt.percentFormat(string(x), b, false))
	case Markup:
		return Markup(rt.percentFormat(string(x), b, true))
	}
	if !isNumber(a) || !isNumber(b) {
		unsupported("%", a, b)
	}
	if isInteger(a) && isInteger(b) {
		if !b.Truth() {
			throw(ZeroDivisionError, "integer modulo by zero")
		}
		_, m := divmodInt(a, b)
		return m
	}
	if y := mustFloat(b); y != 0 {
		_, m := divmodFloat(mustFloat(a), y)
		return Float(m)
	}
	throw(ZeroDivisionError, "float modulo")
	return nil
}

// divmodInt is Python's divmod of integers, b not 0.
func divmodInt(a, b Value) (q, m Value) {
	x, okx := toInt(a)
	y, oky := toInt(b)
	if okx && oky && x != math.MinInt64 {
		q, m := x/y, x%y
		if m != 0 && (m < 0) != (y < 0) {
			q, m = q-1, m+y
		}
		return Int(q), Int(m)
	}
	bx, _ := toBig(a)
	by, _ := toBig(b)
	bq, bm := new(big.Int).QuoRem(bx, by, new(big.Int))
	if bm.Sign() != 0 && (bm.Sign() < 0) != (by.Sign() < 0) {
		bq.Sub(bq, big.NewInt(1))
		bm.Add(bm, by)
	}
	return NewInt(bq), NewInt(bm)
}

// divmodFloat is Python's divmod of floats, y not 0.
func divmodFloat(x, y float64) (q, m float64) {
	m = math.Mod(x, y)
	div := (x - m) / y
	if m != 0 {
		if (y < 0) != (m < 0) {
			m += y
			div--
		}
	} else {
		m = math.Copysign(0, y)
	}
	if div != 0 {
		q = math.Floor(div)
		if div-q > 0.5 {
			q++
		}
	} else {
		q = math.Copysign(0, x/y)
	}
	return q, m
}

// pow is a ** b.
func (rt *run) pow(a, b Value) Value {
	if !isNumber(a) || !isNumber(b) {
		unsupported("** or pow()", a, b)
	}
	if isInteger(a) && isInteger(b) {
		x, _ := toBig(a)
		y, _ := toBig(b)
		if y.Sign() >= 0 {
			if x.BitLen() > 1 {
				if !y.IsInt64() || y.Int64() > maxIntBits {
					boundBits(maxIntBits + 1)
				}
				boundBits((x.BitLen() - 1) * int(y.Int64()))
			} else if y.BitLen() > 62 {
				y = new(big.Int).And(y, big.NewInt(1)) // x is -1, 0 or 1: only oddness counts
				y.Add(y, big.NewInt(2))
			}
			return NewInt(new(big.Int).Exp(x, y, nil))
		}
		if x.Sign() == 0 {
			throw(ZeroDivisionError, "0.0 cannot be raised to a negative power")
		}
	}
	x, y := mustFloat(a), mustFloat(b)
	if x == 0 && y < 0 {
		throw(ZeroDivisionError, "0.0 cannot be raised to a negative power")
	}
	r := powFloat(x, y)
	if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		throw(OverflowError, "(34, 'Numerical result out of range')")
	}
	if math.IsNaN(r) && !math.IsNaN(x) && !math.IsNaN(y) {
		throw(TypeError, "complex numbers are not supported")
	}
	return Float(r)
}

// powFloat is C's pow, which rounds correctly where Go's does not: whole and
// half exponents are computed in a high precision.
func powFloat(x, y float64) float64 {
	rough := math.Pow(x, y)
	twice := 2 * y
	if twice != math.Trunc(twice) || math.Abs(y) > 1024 || rough == 0 || math.IsInf(rough, 0) || math.IsNaN(rough) || math.IsInf(x, 0) {
		return rough
	}
	const prec = 512
	base := new(big.Float).SetPrec(prec).SetFloat64(x)
	if y != math.Trunc(y) {
		base.Sqrt(base)
	} else {
		twice = y
	}
	n := int(math.Abs(twice))
	out := new(big.Float).SetPrec(prec).SetInt64(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			out.Mul(out, base)
		}
		base.Mul(base, base)
	}
	if twice < 0 {
		out.Quo(new(big.Float).SetPrec(prec).SetInt64(1), out)
	}
	f, _ := out.Float64()
	return f
}

func (rt *run) neg(a Value) Value {
	switch x := a.(type) {
	case Int:
		if x != math.MinInt64 {
			return -x
		}
	case Float:
		return -x
	case TimeDelta:
		return -x
	}
	if x, ok := toBig(a); ok {
		return NewInt(new(big.Int).Neg(x))
	}
	failUndefined(a)
	throw(TypeError, "bad operand type for unary -: '%s'", pyType(a))
	return nil
}

func (rt *run) plus(a Value) Value {
	switch x := a.(type) {
	case Int, Float, *BigInt, TimeDelta:
		return a
	case Bool:
		return Int(b2i(bool(x)))
	}
	failUndefined(a)
	throw(TypeError, "bad operand type for unary +: '%s'", pyType(a))
	return nil
}
