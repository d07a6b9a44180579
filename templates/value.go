// Package templates is gorun's Jinja2: lexer, parser, compiler, values, and
// Jinja2's own filters, tests and globals. It does no I/O and imports only the
// standard library; what needs the outside (loaders, lookups, Ansible's
// filters) is given to it as functions in [Options].
//
// The language is Jinja2 3.1's (https://jinja.palletsprojects.com/en/3.1.x/templates/),
// the values are Python's.
package templates

// This file defines the values.

import (
	"math/big"
	"sync/atomic"
	"time"
)

// A Value is a Python value as templates and variables see it. The
// implementations are:
//
//	NoneType, Bool, Int, *BigInt, Float, Str, Markup, Bytes,
//	*List, Tuple, *Dict, *DateTime, TimeDelta,
//	*Undefined, OmitType, *Text, *Func,
//
// and whatever other packages define as a [Mapping], [Sequence] or [Object].
// Values that are shared between goroutines are frozen by convention: nobody
// changes a container that it did not make.
type Value interface {
	// Type is the name that Python's type(v).__name__ gives.
	Type() string
	// Truth is Python's bool(v).
	Truth() bool
}

// A Mapping behaves as a dict: *Dict, and views such as hostvars that compute
// an item when it is asked for.
type Mapping interface {
	Value
	// Get returns the item of key; false where there is none.
	Get(key Value) (Value, bool, error)
	// Keys are in insertion order.
	Keys() []Value
	Len() int
}

// A Sequence behaves as a list or tuple.
type Sequence interface {
	Value
	Len() int
	Index(i int) Value // 0 <= i < Len()
}

// An Object has attributes of its own (cycler, namespace, loop, a lookup's result).
type Object interface {
	Value
	Attr(name string) (Value, bool, error)
}

// A Callable can be called from a template.
type Callable interface {
	Value
	Call(c *Call) (Value, error)
}

// NoneType is the type of [None].
type NoneType struct{}

// None is Python's None.
var None = NoneType{}

// OmitType is the type of [Omit].
type OmitType struct{}

// Omit is the value of the variable omit: a module argument that evaluates to
// it is left out.
var Omit = OmitType{}

type (
	// Bool is Python's bool.
	Bool bool
	// Int is a Python int that fits in 64 bits; [NewInt] and arithmetic keep
	// every int that fits in this form.
	Int int64
	// Float is Python's float.
	Float float64
	// Str is text that is never templated: text from modules, facts and
	// lookups, results of templates, and every literal without template markers.
	Str string
	// Markup is text that autoescape leaves alone.
	Markup string
	// Bytes is Python's bytes.
	Bytes []byte
	// Tuple is Python's tuple.
	Tuple []Value
	// TimeDelta is Python's datetime.timedelta.
	TimeDelta time.Duration
)

// BigInt is a Python int outside 64 bits.
type BigInt struct{ V *big.Int }

// DateTime is Python's datetime.datetime (Naive: without a time zone) or, with
// DateOnly, datetime.date.
type DateTime struct {
	T        time.Time
	Naive    bool
	DateOnly bool
}

// A Text is a string of a playbook, an inventory, a vars file or -e that holds
// template markers and may therefore be templated. It is resolved where it is
// used, in the scope of its use ([Engine.Resolve]); it never reaches filters,
// modules or the screen unresolved.
type Text struct {
	Src string
	// Pos is where Src begins, for messages.
	Pos Pos

	compiled atomic.Pointer[Template] // by the engine that used it last
}

// Pos is a place in a file. The zero Pos is no place.
type Pos struct {
	File string
	Line int // from 1
	Col  int // from 1, in characters
}

// IsValid reports whether p is a place.
func (p Pos) IsValid() bool { return p.Line > 0 }

func (NoneType) Type() string  { return "NoneType" }
func (OmitType) Type() string  { return "str" }
func (Bool) Type() string      { return "bool" }
func (Int) Type() string       { return "int" }
func (*BigInt) Type() string   { return "int" }
func (Float) Type() string     { return "float" }
func (Str) Type() string       { return "str" }
func (Markup) Type() string    { return "Markup" }
func (Bytes) Type() string     { return "bytes" }
func (*List) Type() string     { return "list" }
func (Tuple) Type() string     { return "tuple" }
func (*Dict) Type() string     { return "dict" }
func (*Text) Type() string     { return "str" }
func (TimeDelta) Type() string { return "timedelta" }
func (d *DateTime) Type() string {
	if d.DateOnly {
		return "date"
	}
	return "datetime"
}

func (NoneType) Truth() bool    { return false }
func (OmitType) Truth() bool    { return true }
func (b Bool) Truth() bool      { return bool(b) }
func (i Int) Truth() bool       { return i != 0 }
func (*BigInt) Truth() bool     { return true }
func (f Float) Truth() bool     { return f != 0 }
func (s Str) Truth() bool       { return s != "" }
func (s Markup) Truth() bool    { return s != "" }
func (b Bytes) Truth() bool     { return len(b) > 0 }
func (l *List) Truth() bool     { return len(l.Elems) > 0 }
func (t Tuple) Truth() bool     { return len(t) > 0 }
func (d *Dict) Truth() bool     { return d.Len() > 0 }
func (*Text) Truth() bool       { return true }
func (d TimeDelta) Truth() bool { return d != 0 }
func (*DateTime) Truth() bool   { return true }

// A List is Python's list.
type List struct {
	Elems []Value
	// Lazy says that a *Text may be somewhere inside: set by whoever builds
	// variables from YAML, unset in every result of a template.
	Lazy bool
}

// NewList returns a list of elems; it keeps the slice.
func NewList(elems ...Value) *List { return &List{Elems: elems} }

// Len returns the number of elements.
func (l *List) Len() int { return len(l.Elems) }

// Index returns element i.
func (l *List) Index(i int) Value { return l.Elems[i] }

// Len returns the number of elements.
func (t Tuple) Len() int { return len(t) }

// Index returns element i.
func (t Tuple) Index(i int) Value { return t[i] }
