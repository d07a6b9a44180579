package templates

// This file raises and catches errors. Inside the package an error is a panic
// with an *Error, as in text/template; every exported entry recovers it, so
// that a caller only sees error values.

import (
	"errors"
	"fmt"
	"runtime"
)

// throw panics with an *Error.
func throw(kind, format string, args ...any) {
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	panic(&Error{Kind: kind, Msg: msg})
}

// check panics with err, where it is one.
func check(err error) {
	if err != nil {
		panic(asError(err))
	}
}

// asError returns err as an *Error, wrapped where it is not one.
func asError(err error) *Error {
	if e, ok := err.(*Error); ok {
		return e
	}
	var e *Error
	if errors.As(err, &e) {
		c := *e
		c.Msg, c.Cause = err.Error(), err
		return &c
	}
	return &Error{Kind: AnsibleError, Msg: err.Error(), Cause: err}
}

// catch is deferred at every entry of the package: it stores what was thrown
// in *err. A fault of the package itself becomes an error too, since a bad
// template must never end the program.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		*err = r
	case interface {
		error
		Timeout() bool
	}: // a search by a regular expression that does not end
		*err = &Error{Kind: "TimeoutError", Msg: r.Error(), Cause: r}
	case runtime.Error:
		*err = &Error{Kind: TemplateRuntimeError, Msg: "internal error: " + r.Error(), Cause: r}
	default:
		panic(r)
	}
}

// try runs f and returns what it throws.
func try(f func()) (err error) {
	defer catch(&err)
	f()
	return nil
}

// isKind reports whether err is an *Error of one of the kinds.
func isKind(err error, kinds ...string) bool {
	if err == nil {
		return false
	}
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, k := range kinds {
		if e.Kind == k {
			return true
		}
	}
	return false
}

// notFound is the error of a template that no loader has.
func notFound(name string) *Error {
	return &Error{Kind: TemplateNotFound, Msg: name, Got: name}
}
