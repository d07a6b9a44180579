package templates

// This file holds the methods of containers, numbers and dates
// (https://docs.python.org/3/library/stdtypes.html).

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// findMethod returns the method called name of v, whose Args[0] is v. shallow
// says that it does not look into what v contains.
func (rt *run) findMethod(v Value, name string) (fn Func, shallow bool) {
	switch v.(type) {
	case Str, Markup:
		return strMethods[name], true
	case *List:
		return listMethods[name], false
	case *Dict:
		if fn = dictMethods[name]; fn == nil && (rt.era == Era19 || rt.e.opts.Unroll) {
			fn = oldDictMethods[name]
		}
		return fn, shallowDictMethods[name]
	case Tuple, groupTuple, rangeValue:
		return tupleMethods[name], false
	case Int, Bool, *BigInt:
		return intMethods[name], true
	case Float:
		return floatMethods[name], true
	case Bytes:
		return bytesMethods[name], true
	case *DateTime:
		return dateMethods[name], true
	case TimeDelta:
		if name == "total_seconds" {
			return func(c *Call) (Value, error) { return Float(totalSeconds(c.Args[0].(TimeDelta))), nil }, true
		}
	case *Set:
		return setMethods[name], true
	case Mapping:
		return mappingMethods[name], false
	}
	return nil, false
}

// methodArgs binds the arguments behind the receiver. Builtin methods of
// Python take them by position, and count in their own words.
func (c *Call) methodArgs(name string, least, most int) []Value {
	n := len(c.Args) - 1
	if len(c.Kwargs) > 0 {
		throw(TypeError, "%s() takes no keyword arguments", name)
	}
	switch short := name[strings.IndexByte(name, '.')+1:]; {
	case n >= least && n <= most:
	case least == most && least == 0:
		throw(TypeError, "%s() takes no arguments (%d given)", name, n)
	case least == most && least == 1:
		throw(TypeError, "%s() takes exactly one argument (%d given)", name, n)
	case n < least && least == most:
		throw(TypeError, "%s expected %d arguments, got %d", short, least, n)
	case n < least:
		throw(TypeError, "%s expected at least %d argument%s, got %d", short, least, plural(least), n)
	default:
		throw(TypeError, "%s expected at most %d argument%s, got %d", short, most, plural(most), n)
	}
	return c.Args[1:]
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

var shallowDictMethods = map[string]bool{"get": true, "keys": true, "has_key": true, "pop": true, "setdefault": true, "update": true, "copy": true, "clear": true}

var dictMethods, mappingMethods, listMethods, tupleMethods, setMethods, intMethods, floatMethods, bytesMethods, dateMethods map[string]Func

// oldDictMethods are Python 2's: Ansible's roles of former days still call them.
var oldDictMethods map[string]Func

func init() { // a literal table each, set here because methods refer to them
	oldDictMethods = map[string]Func{"iteritems": viewMethod("items"), "iterkeys": viewMethod("keys"), "itervalues": viewMethod("values"), "has_key": dictHasKey}
	mappingMethods = map[string]Func{"get": dictGet, "keys": viewMethod("keys"), "values": viewMethod("values"), "items": viewMethod("items"), "copy": dictCopy}
	dictMethods = map[string]Func{"get": dictGet, "keys": viewMethod("keys"), "values": viewMethod("values"), "items": viewMethod("items"),
		"pop": dictPop, "popitem": dictPopitem, "setdefault": dictSetdefault, "update": dictUpdate, "copy": dictCopy, "clear": dictClear, "fromkeys": dictFromkeys}
	listMethods = map[string]Func{"append": listAppend, "extend": listExtend, "insert": listInsert, "pop": listPop, "remove": listRemove,
		"reverse": listReverse, "sort": listSort, "index": seqIndex, "count": seqCount, "copy": listCopy, "clear": listClear}
	tupleMethods = map[string]Func{"index": seqIndex, "count": seqCount}
	setMethods = map[string]Func{"add": setAdd, "union": setUnion, "intersection": setIntersection, "difference": setDifference,
		"issubset": setIssubset, "issuperset": setIssuperset, "copy": setUnion, "update": setUpdate, "discard": setDiscard}
	intMethods = map[string]Func{"bit_length": intBitLength, "bit_count": intBitCount, "to_bytes": intToBytes, "conjugate": intConjugate, "as_integer_ratio": intRatio}
	floatMethods = map[string]Func{"is_integer": floatIsInteger, "hex": floatHex, "conjugate": identity, "as_integer_ratio": floatRatio}
	bytesMethods = map[string]Func{"decode": bytesDecode, "hex": bytesHex, "splitlines": bytesSplitlines}
	for _, name := range sharedBytesMethods {
		bytesMethods[name] = sharedBytesMethod(name)
	}
	dateMethods = map[string]Func{"strftime": dateStrftime, "isoformat": dateIsoformat, "timestamp": dateTimestamp, "date": dateDate,
		"weekday": dateWeekday, "isoweekday": dateIsoweekday, "toordinal": dateToordinal}
}

func identity(c *Call) (Value, error) { return c.Args[0], nil }

func viewMethod(kind string) Func {
	return func(c *Call) (Value, error) {
		c.methodArgs("dict."+kind, 0, 0)
		return dictView{kind, c.Args[0].(Mapping)}, nil
	}
}

func dictGet(c *Call) (Value, error) {
	a := c.methodArgs("dict.get", 1, 2)
	v, ok, err := c.Args[0].(Mapping).Get(a[0])
	if err != nil {
		return nil, err
	}
	switch {
	case ok:
		return c.State.run.force(v), nil
	case len(a) == 2:
		return a[1], nil
	}
	return None, nil
}

func dictHasKey(c *Call) (Value, error) {
	a := c.methodArgs("dict.has_key", 1, 1)
	_, ok, err := c.Args[0].(Mapping).Get(a[0])
	return Bool(ok), err
}

func dictPop(c *Call) (Value, error) {
	d := c.Args[0].(*Dict)
	a := c.methodArgs("dict.pop", 1, 2)
	v, ok, err := d.Get(a[0])
	switch {
	case err != nil:
		return nil, err
	case ok:
		d.Delete(a[0])
		return c.State.run.force(v), nil
	case len(a) == 2:
		return a[1], nil
	}
	return nil, &Error{Kind: KeyError, Msg: Repr(a[0], c.State.Era())}
}

func dictPopitem(c *Call) (Value, error) {
	d := c.Args[0].(*Dict)
	c.methodArgs("dict.popitem", 0, 0)
	keys := d.Keys()
	if len(keys) == 0 {
		return nil, &Error{Kind: KeyError, Msg: "'popitem(): dictionary is empty'"}
	}
	k := keys[len(keys)-1]
	v, _, _ := d.Get(k) // k is a key of d
	d.Delete(k)
	return Tuple{k, v}, nil
}

func dictSetdefault(c *Call) (Value, error) {
	d := c.Args[0].(*Dict)
	a := c.methodArgs("dict.setdefault", 1, 2)
	v, ok, err := d.Get(a[0])
	if err != nil || ok {
		return v, err
	}
	v = None
	if len(a) == 2 {
		v = a[1]
	}
	return v, d.Set(a[0], v)
}

func dictUpdate(c *Call) (Value, error) {
	d := c.Args[0].(*Dict)
	if len(c.Args) > 2 {
		throw(TypeError, "update expected at most 1 argument, got %d", len(c.Args)-1)
	}
	if len(c.Args) == 2 {
		c.State.run.mergeInto(d, c.Args[1])
	}
	for _, k := range c.Kwargs {
		d.SetStr(k.Name, k.Value)
	}
	return None, nil
}

// mergeInto adds the items of a mapping, or of a sequence of pairs, to d.
func (rt *run) mergeInto(d *Dict, v Value) {
	if m, ok := v.(Mapping); ok {
		for _, k := range m.Keys() {
			x, _, err := m.Get(k)
			check(err)
			check(d.Set(k, x))
		}
		return
	}
	for i, e := range rt.iter(v) {
		pair, ok := rt.iterable(e)
		if !ok {
			throw(TypeError, "cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(pair) != 2 {
			throw(ValueError, "dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		check(d.Set(pair[0], pair[1]))
	}
}

func dictCopy(c *Call) (Value, error) {
	c.methodArgs("dict.copy", 0, 0)
	return toDict(c.Args[0].(Mapping)).Copy(), nil
}

func dictClear(c *Call) (Value, error) {
	c.methodArgs("dict.clear", 0, 0)
	*c.Args[0].(*Dict) = Dict{}
	return None, nil
}

func dictFromkeys(c *Call) (Value, error) {
	a := c.methodArgs("fromkeys", 1, 2)
	v := Value(None)
	if len(a) == 2 {
		v = a[1]
	}
	d := &Dict{}
	for _, k := range c.State.run.iter(a[0]) {
		check(d.Set(k, v))
	}
	return d, nil
}

func listAppend(c *Call) (Value, error) {
	l := c.Args[0].(*List)
	a := c.methodArgs("list.append", 1, 1)
	c.State.run.bound(8 * valueSize) // it may be in a loop over the list itself
	l.Elems = append(l.Elems, a[0])
	return None, nil
}

func listExtend(c *Call) (Value, error) {
	l := c.Args[0].(*List)
	a := c.methodArgs("list.extend", 1, 1)
	elems := c.State.run.iter(a[0])
	c.State.run.bound(len(elems))
	l.Elems = append(l.Elems, elems...)
	return None, nil
}

func listInsert(c *Call) (Value, error) {
	l := c.Args[0].(*List)
	a := c.methodArgs("list.insert", 2, 2)
	i := mustIndex(a[0])
	if i < 0 {
		i += len(l.Elems)
	}
	i = min(max(i, 0), len(l.Elems))
	c.State.run.bound(len(l.Elems) + 1)
	l.Elems = slices.Insert(l.Elems, i, a[1])
	return None, nil
}

// mustIndex is an int argument.
func mustIndex(v Value) int {
	i, ok := toInt(v)
	if !ok {
		failAnsible(v)
		if _, big := v.(*BigInt); big {
			throw(OverflowError, "Python int too large to convert to C ssize_t")
		}
		throw(TypeError, "'%s' object cannot be interpreted as an integer", pyType(v))
	}
	return int(i)
}

func listPop(c *Call) (Value, error) {
	l := c.Args[0].(*List)
	a := c.methodArgs("pop", 0, 1)
	if len(l.Elems) == 0 {
		return nil, &Error{Kind: IndexError, Msg: "pop from empty list"}
	}
	i := len(l.Elems) - 1
	if len(a) == 1 {
		var ok bool
		if i, ok = index(int64(mustIndex(a[0])), len(l.Elems)); !ok {
			return nil, &Error{Kind: IndexError, Msg: "pop index out of range"}
		}
	}
	v := l.Elems[i]
	l.Elems = slices.Delete(l.Elems, i, i+1)
	return v, nil
}

func listRemove(c *Call) (Value, error) {
	l := c.Args[0].(*List)
	a := c.methodArgs("list.remove", 1, 1)
	for i, e := range l.Elems {
		if equal(e, a[0], 0) {
			l.Elems = slices.Delete(l.Elems, i, i+1)
			return None, nil
		}
	}
	return nil, &Error{Kind: ValueError, Msg: "list.remove(x): x not in list"}
}

func listReverse(c *Call) (Value, error) {
	c.methodArgs("list.reverse", 0, 0)
	slices.Reverse(c.Args[0].(*List).Elems)
	return None, nil
}

func listSort(c *Call) (Value, error) {
	if len(c.Args) > 1 {
		throw(TypeError, "sort() takes no positional arguments")
	}
	l := c.Args[0].(*List)
	reverse := false
	var key Value
	for _, k := range c.Kwargs {
		switch k.Name {
		case "reverse":
			reverse = truth(k.Value)
		case "key":
			key = k.Value
		default:
			throw(TypeError, "'%s' is an invalid keyword argument for sort()", k.Name)
		}
	}
	keyOf := func(v Value) Value { return v }
	if key != nil && key != None {
		keyOf = func(v Value) Value { return c.State.t.frame().callValue(key, []Value{v}, nil) }
	}
	l.Elems = sortBy(l.Elems, keyOf, false, reverse)
	return None, nil
}

func seqIndex(c *Call) (Value, error) {
	a := c.methodArgs("index", 1, 3)
	elems := c.State.run.iter(c.Args[0])
	start, stop := 0, len(elems)
	if len(a) > 1 {
		start, stop, _ = sliceValue{a[1], None, None}.indices(len(elems))
	}
	if len(a) > 2 {
		_, stop, _ = sliceValue{None, a[2], None}.indices(len(elems))
	}
	for i := start; i < stop; i++ {
		if equal(elems[i], a[0], 0) {
			return Int(i), nil
		}
	}
	if _, ok := plainTuple(c.Args[0]).(Tuple); ok {
		return nil, &Error{Kind: ValueError, Msg: "tuple.index(x): x not in tuple"}
	}
	return nil, &Error{Kind: ValueError, Msg: Repr(a[0], c.State.Era()) + " is not in " + pyType(c.Args[0])}
}

func seqCount(c *Call) (Value, error) {
	a := c.methodArgs(pyType(plainTuple(c.Args[0]))+".count", 1, 1)
	n := 0
	for _, e := range c.State.run.iter(c.Args[0]) {
		if equal(e, a[0], 0) {
			n++
		}
	}
	return Int(n), nil
}

func listCopy(c *Call) (Value, error) {
	c.methodArgs("list.copy", 0, 0)
	l := c.Args[0].(*List)
	return &List{Elems: slices.Clone(l.Elems), Lazy: l.Lazy}, nil
}

func listClear(c *Call) (Value, error) {
	c.methodArgs("list.clear", 0, 0)
	c.Args[0].(*List).Elems = nil
	return None, nil
}

func setAdd(c *Call) (Value, error) {
	return None, c.Args[0].(*Set).d.Set(c.methodArgs("set.add", 1, 1)[0], None)
}

func setDiscard(c *Call) (Value, error) {
	c.Args[0].(*Set).d.Delete(c.methodArgs("set.discard", 1, 1)[0])
	return None, nil
}

func setUpdate(c *Call) (Value, error) {
	for _, a := range c.Args[1:] {
		for _, e := range c.State.run.iter(a) {
			check(c.Args[0].(*Set).d.Set(e, None))
		}
	}
	return None, nil
}

func setUnion(c *Call) (Value, error) {
	s := &Set{}
	for _, a := range c.Args {
		for _, e := range c.State.run.iter(a) {
			check(s.d.Set(e, None))
		}
	}
	return s, nil
}

func setIntersection(c *Call) (Value, error) {
	s := c.Args[0].(*Set)
	for _, a := range c.Args[1:] {
		other, err := NewSet(c.State.run.iter(a)...)
		check(err)
		s = s.difference(s.difference(other))
	}
	return s, nil
}

func setDifference(c *Call) (Value, error) {
	s := c.Args[0].(*Set)
	for _, a := range c.Args[1:] {
		other, err := NewSet(c.State.run.iter(a)...)
		check(err)
		s = s.difference(other)
	}
	return s, nil
}

func setIssubset(c *Call) (Value, error) {
	other, err := NewSet(c.State.run.iter(c.methodArgs("set.issubset", 1, 1)[0])...)
	check(err)
	return Bool(c.Args[0].(*Set).difference(other).d.Len() == 0), nil
}

func setIssuperset(c *Call) (Value, error) {
	other, err := NewSet(c.State.run.iter(c.methodArgs("set.issuperset", 1, 1)[0])...)
	check(err)
	return Bool(other.difference(c.Args[0].(*Set)).d.Len() == 0), nil
}

func intBitLength(c *Call) (Value, error) {
	i, _ := toBig(c.Args[0])
	return Int(i.BitLen()), nil
}

// https://docs.python.org/3/library/stdtypes.html#int.bit_count
func intBitCount(c *Call) (Value, error) {
	c.methodArgs("int.bit_count", 0, 0)
	i, _ := toBig(c.Args[0])
	n := 0
	for _, w := range i.Bits() {
		n += bits.OnesCount(uint(w))
	}
	return Int(n), nil
}

var sigToBytes = signatureOf("to_bytes", 0, "self", "length?", "byteorder?", "signed?")

// https://docs.python.org/3/library/stdtypes.html#int.to_bytes
func intToBytes(c *Call) (Value, error) {
	a := c.bind(&sigToBytes)
	i, _ := toBig(a[0])
	n, signed := intArg(a[1], 1), optTruth(a[3])
	order := "big"
	if a[2] != nil {
		s, ok := textOf(a[2])
		if !ok {
			throw(TypeError, "to_bytes() argument 'byteorder' must be str, not %s", pyType(a[2]))
		}
		order = s
	}
	switch {
	case order != "big" && order != "little":
		throw(ValueError, "byteorder must be either 'little' or 'big'")
	case n < 0:
		throw(ValueError, "length argument must be non-negative")
	case i.Sign() < 0 && !signed:
		throw(OverflowError, "can't convert negative int to unsigned")
	}
	c.State.run.bound(n)
	room := 8 * n
	if signed && n > 0 {
		room--
	}
	size := i.BitLen()
	if i.Sign() < 0 { // -128 has its place in one byte
		size = new(big.Int).Not(i).BitLen()
	}
	if size > room {
		throw(OverflowError, "int too big to convert")
	}
	if i.Sign() < 0 {
		i = new(big.Int).Add(i, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	b := make(Bytes, n)
	i.FillBytes(b)
	if order == "little" {
		slices.Reverse(b)
	}
	return b, nil
}

func intConjugate(c *Call) (Value, error) {
	i, _ := toBig(c.Args[0])
	return NewInt(i), nil
}

func intRatio(c *Call) (Value, error) {
	i, _ := toBig(c.Args[0])
	return Tuple{NewInt(i), Int(1)}, nil
}

func floatIsInteger(c *Call) (Value, error) {
	f := float64(c.Args[0].(Float))
	return Bool(f == math.Trunc(f) && !math.IsInf(f, 0)), nil
}

func floatRatio(c *Call) (Value, error) {
	r := new(big.Rat).SetFloat64(float64(c.Args[0].(Float)))
	if r == nil {
		throw(OverflowError, "cannot convert Infinity to integer ratio")
	}
	return Tuple{NewInt(new(big.Int).Set(r.Num())), NewInt(new(big.Int).Set(r.Denom()))}, nil
}

func floatHex(c *Call) (Value, error) {
	f := float64(c.Args[0].(Float))
	switch {
	case f == 0 && math.Signbit(f):
		return Str("-0x0.0p+0"), nil
	case f == 0:
		return Str("0x0.0p+0"), nil
	}
	s := strconv.FormatFloat(f, 'x', 13, 64)
	mant, exp, _ := strings.Cut(s, "p")
	return Str(mant + "p" + exp[:1] + strings.TrimLeft(exp[1:], "0") + map[bool]string{true: "0"}[strings.Trim(exp[1:], "0") == ""]), nil
}

func dateStrftime(c *Call) (Value, error) {
	a := c.methodArgs("strftime", 1, 1)
	layout, ok := textOf(a[0])
	if !ok {
		throw(TypeError, "strftime() argument 1 must be str, not %s", pyType(a[0]))
	}
	return Str(Strftime(layout, c.Args[0].(*DateTime))), nil
}

func dateIsoformat(c *Call) (Value, error) {
	d := c.Args[0].(*DateTime)
	sep := "T"
	if len(c.Args) > 1 {
		sep = StrOf(c.Args[1], Current)
	}
	return Str(strings.Replace(d.String(), " ", sep, 1)), nil
}

func dateTimestamp(c *Call) (Value, error) {
	d := c.Args[0].(*DateTime)
	t := d.T
	if d.Naive {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local)
	}
	return Float(float64(t.UnixMicro()) / 1e6), nil
}

func dateDate(c *Call) (Value, error) {
	d := c.Args[0].(*DateTime)
	y, m, day := d.T.Date()
	return &DateTime{T: time.Date(y, m, day, 0, 0, 0, 0, time.UTC), DateOnly: true, Naive: true}, nil
}

func dateWeekday(c *Call) (Value, error) {
	return Int((int(c.Args[0].(*DateTime).T.Weekday()) + 6) % 7), nil
}

func dateIsoweekday(c *Call) (Value, error) {
	return Int((int(c.Args[0].(*DateTime).T.Weekday())+6)%7 + 1), nil
}

func dateToordinal(c *Call) (Value, error) {
	y, m, d := c.Args[0].(*DateTime).T.Date()
	days := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	return Int(days + 719163), nil
}

// Strftime is Python's strftime of d.
func Strftime(layout string, d *DateTime) string {
	t := d.T
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 >= len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		noPad := false
		if layout[i] == '-' && i+1 < len(layout) {
			noPad = true
			i++
		}
		s, ok := strftimeField(layout[i], t, d)
		if !ok {
			s = "%" + layout[i:i+1]
		} else if noPad {
			if trimmed := strings.TrimLeft(s, "0"); trimmed != "" {
				s = strings.TrimLeft(trimmed, " ")
			} else {
				s = "0"
			}
		}
		b.WriteString(s)
	}
	return b.String()
}

func strftimeField(c byte, t time.Time, d *DateTime) (string, bool) {
	switch c {
	case 'Y':
		return strconv.Itoa(t.Year()), true
	case 'C':
		return pad(t.Year()/100, 2), true
	case 'y':
		return pad(t.Year()%100, 2), true
	case 'G':
		y, _ := t.ISOWeek()
		return strconv.Itoa(y), true
	case 'g':
		y, _ := t.ISOWeek()
		return pad(y%100, 2), true
	case 'm':
		return pad(int(t.Month()), 2), true
	case 'd':
		return pad(t.Day(), 2), true
	case 'e':
		return t.Format("_2"), true
	case 'H':
		return pad(t.Hour(), 2), true
	case 'k':
		return strings.Replace(pad(t.Hour(), 2), "0", " ", map[bool]int{true: 1}[t.Hour() < 10]), true
	case 'I':
		return t.Format("03"), true
	case 'l':
		return strings.Replace(t.Format("03"), "0", " ", map[bool]int{true: 1}[t.Format("03")[0] == '0']), true
	case 'M':
		return pad(t.Minute(), 2), true
	case 'S':
		return pad(t.Second(), 2), true
	case 'f':
		return pad(t.Nanosecond()/1000, 6), true
	case 'p':
		return t.Format("PM"), true
	case 'P':
		return t.Format("pm"), true
	case 'a':
		return t.Format("Mon"), true
	case 'A':
		return t.Format("Monday"), true
	case 'b', 'h':
		return t.Format("Jan"), true
	case 'B':
		return t.Format("January"), true
	case 'j':
		return pad(t.YearDay(), 3), true
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return strconv.Itoa(int(t.Weekday())), true
	case 'U':
		return pad((t.YearDay()+6-int(t.Weekday()))/7, 2), true
	case 'W':
		return pad((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2), true
	case 'V':
		_, w := t.ISOWeek()
		return pad(w, 2), true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'z':
		if d.Naive {
			return "", true
		}
		return t.Format("-0700"), true
	case 'Z':
		if d.Naive {
			return "", true
		}
		zone, _ := t.Zone()
		return zone, true
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006"), true
	case 'x', 'D':
		return t.Format("01/02/06"), true
	case 'X', 'T':
		return t.Format("15:04:05"), true
	case 'R':
		return t.Format("15:04"), true
	case 'F':
		return t.Format("2006-01-02"), true
	case 'r':
		return t.Format("03:04:05 PM"), true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case '%':
		return "%", true
	}
	return "", false
}
