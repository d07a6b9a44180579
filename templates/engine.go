package templates

import (
	"context"
	"math/big"
)

// TO BE REPLACED by the template engine's author in the first commit: these
// are the signatures that the other packages build on.

type run struct{}

// Engine compiles and caches templates; it is safe for concurrent use.
type Engine struct{ opts Options }

// Template is a compiled template; it is safe for concurrent use.
type Template struct{}

// New returns an engine.
func New(o Options) *Engine { return &Engine{opts: o} }

// Compile compiles a template text; results are cached by text and name.
func (e *Engine) Compile(src, name string) (*Template, error) { panic("templates: not built yet") }

// CompileExpr compiles a bare expression, such as a when condition.
func (e *Engine) CompileExpr(src string) (*Template, error) { panic("templates: not built yet") }

// Render renders to text.
func (t *Template) Render(ctx context.Context, s Scope) (string, error) {
	panic("templates: not built yet")
}

// Eval gives the native value of a template that is one expression, the text
// of any other.
func (t *Template) Eval(ctx context.Context, s Scope) (Value, error) {
	panic("templates: not built yet")
}

// Resolve returns v with every *Text in it, however deep, replaced by its
// value in scope s. A v without *Text is returned as it is.
func (e *Engine) Resolve(ctx context.Context, v Value, s Scope) (Value, error) {
	panic("templates: not built yet")
}

// IsTemplate reports whether src holds template markers of this engine.
func (e *Engine) IsTemplate(src string) bool { panic("templates: not built yet") }

// NewText returns src as a *Text where it holds Ansible's markers ({{, {%, {#), else as a Str.
func NewText(src string, pos Pos) Value { panic("templates: not built yet") }

// NewInt returns i as an Int where it fits, else as a *BigInt.
func NewInt(i *big.Int) Value { panic("templates: not built yet") }

// NewFunc returns f as a value that templates can call.
func NewFunc(name string, f Func) Value { panic("templates: not built yet") }

// NewUndefined returns the value of an unknown variable called name.
func NewUndefined(kind UndefinedKind, name string) Value { panic("templates: not built yet") }

// IsUndefined reports whether v is undefined, of any kind.
func IsUndefined(v Value) bool { panic("templates: not built yet") }

// Unpack assigns the arguments of a call to variables by Python's rules:
// pairs are a parameter's name, with "?" behind it where it has a default
// ("*" before it: takes the rest), and a pointer: *Value, *string, *int,
// *float64, *bool, *[]Value, *Mapping. The error is Python's TypeError about
// fn. For a filter the first pair is the value it is applied to.
func (c *Call) Unpack(fn string, pairs ...any) error { panic("templates: not built yet") }

// StrOf is Python's str(v); era Era19 gives Python 2's.
func StrOf(v Value, era Era) string { panic("templates: not built yet") }

// Repr is Python's repr(v); era Era19 gives Python 2's ([u'a']).
func Repr(v Value, era Era) string { panic("templates: not built yet") }

// Equal is Python's a == b.
func Equal(a, b Value) bool { panic("templates: not built yet") }

// Compare orders a and b as Python's < does; the error is Python's TypeError.
func Compare(a, b Value) (int, error) { panic("templates: not built yet") }

// FromJSON decodes JSON, keeping the order of keys. Every text is a Str.
func FromJSON(b []byte) (Value, error) { panic("templates: not built yet") }

// AppendJSON appends v as compact JSON in Python's json.dumps form with
// separators (',', ':'), keys in order; Undefined and functions are errors.
func AppendJSON(b []byte, v Value) ([]byte, error) { panic("templates: not built yet") }

// FromGo converts nil, bool, ints, floats, string, []any, []string,
// map[string]any (keys sorted), map[string]string, json.Number and Values.
// Every text becomes a Str.
func FromGo(v any) Value { panic("templates: not built yet") }

// ToGo converts a resolved value to nil, bool, int64, *big.Int, float64,
// string, []any and map[string]any.
func ToGo(v Value) any { panic("templates: not built yet") }
