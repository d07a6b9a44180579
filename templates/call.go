package templates

// This file binds arguments and calls functions.

import (
	"strings"
)

// funcValue is a Go function as a value.
type funcValue struct {
	name  string
	fn    Func
	class string // "function", "builtin_function_or_method", "method"
	own   bool   // of this package: keeps no State
}

// NewFunc returns f as a value that templates can call.
func NewFunc(name string, f Func) Value { return &funcValue{name: name, fn: f, class: "function"} }

func newMethod(name string, f Func) Value {
	return &funcValue{name: name, fn: f, class: "builtin_function_or_method", own: true}
}

// Type is Python's class name.
func (f *funcValue) Type() string { return f.class }

// Truth is always true.
func (f *funcValue) Truth() bool { return true }

// Call implements [Callable].
func (f *funcValue) Call(c *Call) (Value, error) { return f.fn(c) }

func (f *funcValue) repr() string {
	if f.class == "type" {
		return "<class " + Repr(Str(f.name), Current) + ">"
	}
	return "<" + f.class + " " + f.name + noAddress + ">"
}

// callFunc calls a Func with resolved arguments.
func (f *frame) callFunc(fn Func, args []Value, kws []Kwarg) Value {
	return f.invoke(fn, &Call{State: &f.tc.State, Args: args, Kwargs: kws})
}

func (f *frame) invoke(fn Func, c *Call) Value {
	f.rt.tick()
	v, err := fn(c)
	check(err)
	if v == nil {
		return None
	}
	if _, ok := v.(*Text); ok {
		return f.rt.force(v)
	}
	return v
}

// callValue calls a value.
func (f *frame) callValue(v Value, args []Value, kws []Kwarg) Value {
	c, ok := v.(Callable)
	if !ok {
		failUndefined(v)
		throw(TypeError, "'%s' object is not callable", pyType(v))
	}
	if fv, ok := v.(*funcValue); !ok || !fv.own {
		f.rt.kept = true
	}
	return f.callFunc(c.Call, args, kws)
}

// kwarg returns the keyword argument called name.
func (c *Call) kwarg(name string) (Value, bool) {
	for i := range c.Kwargs {
		if c.Kwargs[i].Name == name {
			return c.Kwargs[i].Value, true
		}
	}
	return nil, false
}

// signature are a builtin's parameters.
type paramList struct {
	fn       string // as TypeErrors name it
	params   []string
	required int
	hidden   int // arguments that Jinja2 passes itself, which Python counts
}

// maxParams is the most parameters that a builtin has.
const maxParams = 8

// signatureOf makes a signature. A parameter with "?" behind it has a
// default; hidden is how many arguments Jinja2 passes before them.
func signatureOf(fn string, hidden int, params ...string) paramList {
	s := paramList{fn: fn, hidden: hidden}
	for _, p := range params {
		name, optional := strings.CutSuffix(p, "?")
		s.params = append(s.params, name)
		if !optional {
			s.required++
		}
	}
	return s
}

// bind assigns the arguments of c to parameters; what is not given is nil.
func (c *Call) bind(s *paramList) (out [maxParams]Value) {
	if len(c.Kwargs) == 0 && len(c.Args) <= len(s.params) && len(c.Args) >= s.required {
		copy(out[:], c.Args)
		return out
	}
	if len(c.Args) > len(s.params) {
		for _, k := range c.Kwargs {
			if indexOf(s.params, k.Name) < 0 {
				throw(TypeError, "%s() got an unexpected keyword argument '%s'", s.fn, k.Name)
			}
		}
		throw(TypeError, "%s", s.tooMany(len(c.Args)))
	}
	copy(out[:], c.Args)
	for _, k := range c.Kwargs {
		i := indexOf(s.params, k.Name)
		if i < 0 {
			throw(TypeError, "%s() got an unexpected keyword argument '%s'", s.fn, k.Name)
		}
		if out[i] != nil {
			throw(TypeError, "%s() got multiple values for argument '%s'", s.fn, k.Name)
		}
		out[i] = k.Value
	}
	var lack []string
	for i := range s.required {
		if out[i] == nil {
			lack = append(lack, "'"+s.params[i]+"'")
		}
	}
	if lack != nil {
		throw(TypeError, "%s", lacking(s.fn, lack))
	}
	return out
}

func (s *paramList) tooMany(given int) string {
	n, least := len(s.params)+s.hidden, s.required+s.hidden
	given += s.hidden
	were := "were"
	if given == 1 {
		were = "was"
	}
	if n == least {
		plural := "s"
		if n == 1 {
			plural = ""
		}
		return s.fn + "() takes " + itoa(n) + " positional argument" + plural + " but " + itoa(given) + " " + were + " given"
	}
	plural := "s"
	if n == 1 {
		plural = ""
	}
	return s.fn + "() takes from " + itoa(least) + " to " + itoa(n) + " positional argument" + plural + " but " + itoa(given) + " " + were + " given"
}

// lacking is the TypeError of missing arguments.
func lacking(fn string, names []string) string {
	n := len(names)
	plural := "s"
	list := names[0]
	switch {
	case n == 1:
		plural = ""
	case n == 2:
		list = names[0] + " and " + names[1]
	default:
		list = strings.Join(names[:n-1], ", ") + ", and " + names[n-1]
	}
	return fn + "() missing " + itoa(n) + " required positional argument" + plural + ": " + list
}

func indexOf(list []string, s string) int {
	for i, e := range list {
		if e == s {
			return i
		}
	}
	return -1
}

// Unpack assigns the arguments of a call to variables by Python's rules:
// pairs are a parameter's name, with "?" behind it where it has a default
// ("*" before it: takes the rest), and a pointer: *Value, *string, *int,
// *float64, *bool, *[]Value, *Mapping. The error is Python's TypeError about
// fn. For a filter the first pair is the value it is applied to.
//
// A parameter that is not given leaves its variable as it is. A *string takes
// the str of any value; a *Value that was not given stays nil.
func (c *Call) Unpack(fn string, pairs ...any) (err error) {
	defer catch(&err)
	s := paramList{fn: fn}
	var ptrs []any
	var rest *[]Value
	for i := 0; i+1 < len(pairs); i += 2 {
		name := pairs[i].(string)
		if strings.HasPrefix(name, "*") {
			rest = pairs[i+1].(*[]Value)
			continue
		}
		name, optional := strings.CutSuffix(name, "?")
		s.params = append(s.params, name)
		if !optional {
			s.required = len(s.params)
		}
		ptrs = append(ptrs, pairs[i+1])
	}
	args := c.Args
	if rest != nil && len(args) > len(s.params) {
		*rest = args[len(s.params):]
		args = args[:len(s.params)]
	}
	for i, v := range c.bindAll(&s, args) {
		if v != nil {
			unpackOne(fn, s.params[i], v, ptrs[i], c.State)
		}
	}
	return nil
}

// bindAll is bind for any number of parameters.
func (c *Call) bindAll(s *paramList, args []Value) []Value {
	if len(args) > len(s.params) {
		throw(TypeError, "%s", s.tooMany(len(args)))
	}
	out := make([]Value, len(s.params))
	copy(out, args)
	for _, k := range c.Kwargs {
		i := indexOf(s.params, k.Name)
		if i < 0 {
			panic(&Error{Kind: TypeError, Msg: s.fn + "() got an unexpected keyword argument '" + k.Name + "'", Got: k.Name, Known: s.params})
		}
		if out[i] != nil {
			throw(TypeError, "%s() got multiple values for argument '%s'", s.fn, k.Name)
		}
		out[i] = k.Value
	}
	var lack []string
	for i := range s.required {
		if out[i] == nil {
			lack = append(lack, "'"+s.params[i]+"'")
		}
	}
	if lack != nil {
		throw(TypeError, "%s", lacking(s.fn, lack))
	}
	return out
}

func unpackOne(fn, param string, v Value, ptr any, st *State) {
	era := Current
	if st != nil && st.run != nil {
		era = st.run.era
	}
	bad := func(want string) {
		failUndefined(v)
		throw(TypeError, "%s(): argument '%s' must be %s, not %s", fn, param, want, pyType(v))
	}
	switch p := ptr.(type) {
	case *Value:
		*p = v
	case *string:
		*p = StrOf(v, era)
	case *int:
		i, ok := toInt(v)
		if !ok {
			if i, ok = parseInt(v); !ok {
				bad("int")
			}
		}
		*p = int(i)
	case *float64:
		f, ok := toFloat(v)
		if !ok {
			bad("float")
		}
		*p = f
	case *bool:
		*p = truth(v)
	case *[]Value:
		if st == nil || st.run == nil {
			bad("list")
		}
		*p = st.run.iter(v)
	case *Mapping:
		m, ok := v.(Mapping)
		if !ok {
			bad("dict")
		}
		*p = m
	default:
		throw(TypeError, "%s(): cannot unpack '%s' into %T", fn, param, ptr)
	}
}

func parseInt(v Value) (int64, bool) {
	s, ok := textOf(v)
	if !ok {
		return 0, false
	}
	i, ok := intFromText(s, 10)
	if !ok {
		return 0, false
	}
	return toInt(i)
}

// The methods below are for functions that other packages define.

// CallFilter applies the filter called name to args[0].
func (s *State) CallFilter(name string, args []Value, kws []Kwarg) (v Value, err error) {
	defer catch(&err)
	return s.t.applyFilter(name, args, kws), nil
}

// CallTest asks the test called name about args[0].
func (s *State) CallTest(name string, args []Value, kws []Kwarg) (ok bool, err error) {
	defer catch(&err)
	return s.t.applyTest(name, args, kws), nil
}

// CallValue calls a value that is callable.
func (s *State) CallValue(fn Value, args []Value, kws []Kwarg) (v Value, err error) {
	defer catch(&err)
	return s.t.frame().callValue(fn, args, kws), nil
}

// Iterate returns the elements of v, or Python's TypeError.
func (s *State) Iterate(v Value) (elems []Value, err error) {
	defer catch(&err)
	return s.run.iter(v), nil
}

// GetAttr is v.name as a template has it: an attribute, then an item.
func (s *State) GetAttr(v Value, name string) (out Value, err error) {
	defer catch(&err)
	return s.run.getattr(v, name), nil
}

// GetItem is v[key] as a template has it: an item, then an attribute.
func (s *State) GetItem(v, key Value) (out Value, err error) {
	defer catch(&err)
	return s.run.getitem(v, key), nil
}

// Add is a + b.
func (s *State) Add(a, b Value) (out Value, err error) {
	defer catch(&err)
	return s.run.add(a, b), nil
}

// Resolve returns v with every *Text in it replaced by its value.
func (s *State) Resolve(v Value) (out Value, err error) {
	defer catch(&err)
	return s.run.deep(v), nil
}

// Lookup returns the value of a variable as the running template sees it.
func (s *State) Lookup(name string) (v Value, ok bool, err error) {
	defer catch(&err)
	v = s.t.resolve(name)
	return v, v != missing, nil
}

// Evaluate gives the value of a template's text in the scope of s.
func (s *State) Evaluate(src string) (v Value, err error) {
	rt := s.run
	t, pos, calls, e := rt.t, rt.pos, rt.calls, rt.e
	defer func() {
		rt.place(err)
		rt.t, rt.pos, rt.calls, rt.e = t, pos, calls, e
	}()
	defer catch(&err)
	return rt.evalText(&Text{Src: src}), nil
}

// Autoescape reports whether output is escaped where s runs.
func (s *State) Autoescape() bool { return s.t != nil && s.t.autoescape }

// Era is the era that the rendering is for.
func (s *State) Era() Era {
	if s.run == nil {
		return Current
	}
	return s.run.era
}

// frame makes a frame for calls from outside a template's code.
func (c *tctx) frame() *frame { return &frame{rt: c.run, tc: c} }

func (c *tctx) applyFilter(name string, args []Value, kws []Kwarg) Value {
	return c.filterNamed(Str(name))(args[0], args[1:], kws)
}

func (c *tctx) applyTest(name string, args []Value, kws []Kwarg) bool {
	return truth(c.testNamed(Str(name))(args[0], args[1:], kws))
}

// filterNamed returns what applies the filter called name to many values.
func (c *tctx) filterNamed(v Value) func(v Value, rest []Value, kws []Kwarg) Value {
	name := StrOf(v, Current)
	fn, fl, ok := c.e.filter(name)
	return c.applier("filter", v, fn, fl, ok && isText(v))
}

// testNamed is filterNamed for a test.
func (c *tctx) testNamed(v Value) func(v Value, rest []Value, kws []Kwarg) Value {
	name := StrOf(v, Current)
	fn, fl, ok := c.e.test(name)
	return c.applier("test", v, fn, fl, ok && isText(v))
}

func (c *tctx) applier(what string, name Value, fn Func, fl flags, ok bool) func(v Value, rest []Value, kws []Kwarg) Value {
	if !ok {
		return func(Value, []Value, []Kwarg) Value {
			panic(c.e.unknownName(TemplateRuntimeError, what, name, "."))
		}
	}
	f := c.frame()
	if fl&(external|keeps) != 0 {
		c.run.kept = true
		return func(v Value, rest []Value, kws []Kwarg) Value {
			args := append([]Value{v}, rest...)
			if fl&external != 0 {
				refuseUndefined(args, kws, fl)
			}
			return f.callFunc(fn, args, kws)
		}
	}
	call := &Call{State: &c.State}
	args := make([]Value, 0, maxParams)
	return func(v Value, rest []Value, kws []Kwarg) Value {
		args = append(append(args[:0], v), rest...)
		call.Args, call.Kwargs = args, kws
		return f.invoke(fn, call)
	}
}
