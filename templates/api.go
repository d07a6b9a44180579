package templates

// This file defines what other packages call.

import "context"

// An Era is a generation of Ansible whose behaviour is asked for (--compat).
type Era int

// The eras, oldest first, so that they can be compared; Current is zero.
const (
	Era19   Era = iota - 2 // Ansible 1.9: Python 2's reprs
	Era214                 // ansible-core 2.14: text results, list-like text converted
	Current                // ansible-core 2.19 and later: native results
)

// UndefinedKind chooses what an unknown name does.
type UndefinedKind int

// The kinds, named as Jinja2's classes.
const (
	DefaultUndefined UndefinedKind = iota
	StrictUndefined
	ChainableUndefined
	DebugUndefined
	// AnsibleUndefined is strict and chainable: {{ a.b.c | default(1) }} works
	// where a is unknown, and an error names the first name that failed.
	AnsibleUndefined
)

// A Scope resolves the names of a template. Lookup may return a *Text or a
// Lazy container: the engine resolves it with the same Scope when it is used.
type Scope interface {
	Lookup(name string) (v Value, ok bool, err error)
}

// Options configure an [Engine]. The zero value is Jinja2's default
// Environment.
type Options struct {
	Era       Era
	Undefined UndefinedKind

	BlockStart, BlockEnd       string // default {% %}
	VariableStart, VariableEnd string // default {{ }}
	CommentStart, CommentEnd   string // default {# #}
	LineStatementPrefix        string
	LineCommentPrefix          string
	TrimBlocks, LstripBlocks   bool
	KeepTrailingNewline        bool
	NewlineSequence            string // default "\n"
	Autoescape                 bool
	Extensions                 []string // "jinja2.ext.do", "jinja2.ext.loopcontrols", ...
	// NewstyleGettext makes the tag trans leave formatting to the functions of
	// gettext, TrimTranslations makes it trim its texts.
	NewstyleGettext, TrimTranslations bool

	// Load finds a template for include, import and extends. parent is the
	// name of the template that asks. A name that is not found gives an
	// *Error of kind TemplateNotFound.
	Load func(name, parent string) (src string, err error)

	// Filters, Tests and Globals come on top of Jinja2's own.
	Filters, Tests map[string]Func
	Globals        map[string]Value
	// AcceptsUndefined names those of Filters and Tests that want to see an
	// undefined value; the others are not called with one that is strict.
	AcceptsUndefined map[string]bool

	// More gives filters and tests that are found when a template names them,
	// before Filters, Tests and Jinja2's own; kind is filter or test, native
	// says that there is one of that name. nil: there are none.
	More func(kind, name string, native bool) (Func, bool)

	// Advice says what would help where a name is unknown, kind is filter or
	// test; it may be nil, and give nothing.
	Advice func(kind, name string) string

	// NameError words an error of one of Jinja2's own filters and tests, kind is
	// filter or test; nil leaves it as it is.
	NameError func(err error, kind, name string) error

	// Finalize is applied to the value of every {{ }} before it becomes text;
	// nil leaves it as it is. [NoneAsEmpty] is Ansible's.
	Finalize func(Value) Value
	// Unroll makes filters that give generators in Jinja2 (map, select...)
	// give lists, and Eval store tuples and views as lists, as Ansible does.
	Unroll bool
	// Warn is told of constructs that are of former days; nil: nobody.
	Warn func(msg string)
	// EmbeddedTemplates renders templates in the text constants of lookups'
	// terms, in the current era of conditionals too (ALLOW_EMBEDDED_TEMPLATES).
	EmbeddedTemplates bool
	// WarnAt is as Warn, with the place and a word of help; nil: nobody.
	WarnAt func(pos Pos, msg, help string)
	// BrokenConditionals lets conditionals of the current era be empty, be no
	// text, and have results that are no bool (ALLOW_BROKEN_CONDITIONALS).
	BrokenConditionals bool
	// Deprecate is told of conditionals that the current era takes for now, with
	// the place that the caller gave and a word of help, which may be empty; nil: nobody.
	Deprecate func(pos Pos, msg, help string)
	// MaxOutput bounds the bytes of a result; 0: 256 MiB.
	MaxOutput int
}

// AnsibleOptions are the options of Ansible's templates in an era: undefined
// values that are strict and chain, None printed as nothing, lists in place of
// generators, trim_blocks. The caller adds filters, tests, globals and a loader.
func AnsibleOptions(era Era) Options {
	return Options{Era: era, Undefined: AnsibleUndefined, TrimBlocks: true, Finalize: NoneAsEmpty, Unroll: true}
}

// NoneAsEmpty is a Finalize that prints None as nothing, as Ansible does.
func NoneAsEmpty(v Value) Value {
	if v == None {
		return Str("")
	}
	return v
}

// A Func is a filter, a test, or a function that a template can call. For a
// filter or a test Args[0] is the value that it is applied to.
type Func func(c *Call) (Value, error)

// A Kwarg is a keyword argument.
type Kwarg struct {
	Name  string
	Value Value
}

// A Call is one call of a Func. Args and Kwargs are resolved: no *Text and no
// Undefined that the kind forbids is in them (filters that take an undefined
// value, such as default, are marked in the engine's table).
type Call struct {
	State  *State
	Args   []Value
	Kwargs []Kwarg
}

// A State is one rendering as functions see it.
type State struct {
	Ctx    context.Context
	Engine *Engine
	Scope  Scope
	// Name is the running template's name, "" where it has none.
	Name string
	*run
	t *tctx
}

// Kinds of [Error], named as Jinja2's and Python's exception classes.
const (
	TemplateSyntaxError  = "TemplateSyntaxError"
	TemplateAssertError  = "TemplateAssertionError"
	TemplateRuntimeError = "TemplateRuntimeError"
	TemplateNotFound     = "TemplateNotFound"
	TemplatesNotFound    = "TemplatesNotFound"
	UndefinedError       = "UndefinedError"
	SecurityError        = "SecurityError"
	FilterError          = "FilterArgumentError"
	TypeError            = "TypeError"
	ValueError           = "ValueError"
	KeyError             = "KeyError"
	IndexError           = "IndexError"
	AttributeError       = "AttributeError"
	ZeroDivisionError    = "ZeroDivisionError"
	OverflowError        = "OverflowError"
	RecursionError       = "RecursionError"
	AssertionError       = "AssertionError"
	RuntimeError         = "RuntimeError"
	SyntaxError          = "SyntaxError"
	UnicodeError         = "UnicodeEncodeError"
	AnsibleFilterError   = "AnsibleFilterError"
	AnsibleError         = "AnsibleError"
	// BrokenConditional is a conditional without a bool as its result.
	BrokenConditional = "AnsibleBrokenConditionalError"
)

// An Error is what goes wrong in a template. Line and Col are relative to the
// template's text; whoever knows where that text stands joins the two.
type Error struct {
	Kind string // one of the constants above
	Msg  string
	Help string // advice, shown below the place
	// Template is the template's name, Src its text.
	Template, Src string
	Line, Col     int // from 1; 0: not known
	// Got and Known are set where a name is unknown, for a hint.
	Got   string
	Known []string
	// Names lists the variables that there are, where Got is a variable without
	// a value; nil: it is none, or they cannot be listed.
	Names func() []string
	// Pos is the place of the Text whose rendering failed, where one is known.
	Pos   Pos
	Cause error
	// Through are the values, as written, of the variables that the error came
	// through on its way out, the innermost first. It is set in Era214.
	Through []string

	variable bool // whether Got is a variable
}

// Place joins Line and Col with the place of the text, or with the template's
// name where that is a file's. It is not valid where neither is known; where Pos
// has no column, folds and escapes part the text from its file, and Pos is all
// that is known.
func (e *Error) Place() Pos {
	p := e.Pos
	switch {
	case p.Col > 0:
		p.Line += max(e.Line, 1) - 1
		p.Col += max(e.Col, 1) - 1
	case !p.IsValid() && e.Template != "" && e.Line > 0:
		p = Pos{File: e.Template, Line: e.Line, Col: e.Col}
	}
	return p
}

func (e *Error) Error() string { return e.Msg }
func (e *Error) Unwrap() error { return e.Cause }
