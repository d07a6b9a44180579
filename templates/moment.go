package templates

// This file lets the caller of a template choose the moment in which functions
// are called whose value depends on it.

import "context"

type momentKey struct{}

// WithMoment returns a context for templates that calls wait before a function
// looks at the clock or outside of the program: now, and lookups that run
// programs or ask servers.
func WithMoment(ctx context.Context, wait func()) context.Context {
	return context.WithValue(ctx, momentKey{}, wait)
}

// Moment waits for the moment of a function that depends on it; see [WithMoment].
func Moment(ctx context.Context) {
	if wait, ok := ctx.Value(momentKey{}).(func()); ok {
		wait()
	}
}
